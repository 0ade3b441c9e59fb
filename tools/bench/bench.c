/*
 * The load generator: N calls over as many control connections, or fewer, in one process, on the same session layer
 * and data plane as the client, but with a socket pair in place of a TUN device: no device and no
 * address of this machine is needed.
 */
#include "tools/bench/bench.h"

#include "system/clock.h"
#include "system/log.h"
#include "tools/bench/echo.h"
#include "tools/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS     50
#define PING_RESEND 300000ull /* us */
#define PING_TRIES  20
#define PING_BURST  1000        /* in a tick: no more than sockets can hold */
#define RATE_TAG    0x80000000u /* in the tag of a ping of --rate */
#define KIND_TAGS   (RATE_TAG | FLOOD_TAG)
#define RATE_WAIT   2000000ull  /* us for the last answers of --rate */
#define STOP_TIME   20000000ull /* us in which no call ends: the others will not either */
#define CLOSE_BURST 512 /* calls that end at once: more would be lost, and retried after seconds */

static void start_more(struct bench *b);
static void advance(struct bench *b);
static void close_more(struct bench *b);

/* The number of kB behind `name` in such a file of /proc, -1 if there is none. */
static long kilobytes(const char *path, const char *name)
{
	size_t len = strlen(name);
	char line[128];
	long kb = -1;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, len)) {
			kb = strtol(line + len, NULL, 10);
			break;
		}
	}
	if (f)
		fclose(f);
	return kb;
}

static long rss(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return kilobytes(path, "VmRSS:");
}

/* The kernel's memory for sockets, inodes, descriptors ...: of this machine, both ends of a call. */
static long slab(void)
{
	return kilobytes("/proc/meminfo", "Slab:");
}

void load_ping(struct load *l, uint32_t kind)
{
	struct bench *b = l->bench;
	struct in_addr target = b->options.target.s_addr ? b->options.target : l->remote;
	uint8_t packet[ECHO_SIZE];

	l->ping_sent = clock_now();
	l->tries++;
	l->tag = (uint32_t)(l - b->loads) | kind;
	echo_request(packet, l->local, target, (uint16_t)b->round, l->tag);
	if (send(b->inner_fd, packet, sizeof(packet), MSG_DONTWAIT) >= 0)
		return;
	if (errno != EAGAIN) {
		log_warning("cannot hand a ping to the data plane: %s", strerror(errno));
		return;
	}
	/* No room just now: soon, and it does not count. */
	l->ping_sent = 0;
	l->tries--;
}

static void send_ping(struct load *l)
{
	load_ping(l, 0);
}

static void set_up_done(struct load *l, bool failed)
{
	struct bench *b = l->bench;

	if (l->pinged || l->failed)
		return;
	b->setting_up--;
	if (failed) {
		l->failed = true;
		b->failed++;
	} else {
		l->pinged = true;
		b->ready++;
	}
	start_more(b);
	advance(b);
}

static void on_reply(struct bench *b, const uint8_t *packet, size_t len)
{
	struct in_addr destination;
	struct load *l;
	uint32_t tag;

	if (!echo_reply(packet, len, &destination, &tag) ||
		(tag & ~KIND_TAGS) >= b->options.sessions)
		return;
	l = &b->loads[tag & ~KIND_TAGS];
	if (!l->up || destination.s_addr != l->local.s_addr)
		return;
	if (tag & RATE_TAG) {
		b->rate_answered++;
	} else if (tag & FLOOD_TAG) {
		if (b->phase == FLOODING)
			flood_reply(b);
	} else if (!l->pinged) {
		l->first_ping = clock_now();
		set_up_done(l, false);
	} else if (b->phase == PINGING && l->answered < b->round) {
		l->answered = b->round;
		b->round_answered++;
		advance(b);
	}
}

static void on_inner(uv_poll_t *poll, int status, int events)
{
	struct bench *b = poll->data;
	uint8_t packet[2048];

	(void)events;
	for (int i = 0; status == 0 && i < 256; i++) {
		ssize_t n = recv(b->inner_fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n <= 0)
			return;
		on_reply(b, packet, (size_t)n);
	}
}

static int on_up(struct session *s, char *why)
{
	struct load *l = s->owner;

	l->local.s_addr = s->net.local;
	l->remote.s_addr = s->net.remote;
	if (dp_session_add_route(l->bench->hub.dp, s->dp, l->local, 32) < 0) {
		snprintf(why, SYSTEM_WHY, "the server gave the same address twice");
		return -1;
	}
	return 0;
}

static void on_opened(struct session *s)
{
	struct load *l = s->owner;

	l->up = true;
	l->up_at = clock_now();
	send_ping(l);
}

static void on_gone(struct session *s, enum pptp_reason reason, const char *detail)
{
	struct load *l = s->owner;
	struct bench *b = l->bench;

	if (!l->session) { /* of one that could not be dialled: that was said */
		advance(b);
		return;
	}
	if (b->phase != CLOSING) {
		b->ended[reason]++;
		log_info("call %u ended: %s: %s", (unsigned int)(l - b->loads),
			pptp_reason_text(reason), detail);
	}
	l->session = NULL;
	l->up = false;
	if (l->closing) {
		b->closing--;
		b->close_progress = clock_now();
		close_more(b);
	}
	if (--l->trunk->sessions == 0 && l->trunk->open)
		connection_stop(&l->trunk->connection, reason);
	set_up_done(l, true);
	advance(b);
}

static const struct session_ops session_ops = { .up = on_up, .opened = on_opened, .gone = on_gone };

/* It will not come up. */
static void failed(struct load *l, enum pptp_reason reason)
{
	if (l->session || l->pinged || l->failed)
		return;
	l->bench->ended[reason]++;
	set_up_done(l, true);
}

static void on_established(struct connection *c)
{
	struct trunk *t = c->owner;
	struct bench *b = t->bench;

	for (unsigned int i = 0; i < t->count; i++) {
		struct load *l = &t->loads[i];

		l->session = session_dial(&b->hub, c, &b->options.session, &session_ops, l);
		if (l->session)
			t->sessions++;
		else
			failed(l, PPTP_NO_RESOURCES);
	}
	if (!t->sessions)
		connection_stop(c, PPTP_NO_RESOURCES);
}

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	struct trunk *t = c->owner;
	struct bench *b = t->bench;

	t->open = false;
	b->open--;
	log_info("connection %u ended: %s: %s", (unsigned int)(t - b->trunks),
		pptp_reason_text(reason), detail);
	for (unsigned int i = 0; i < t->count; i++)
		failed(&t->loads[i], reason);
	advance(b);
}

static const struct connection_ops connection_ops = {
	.established = on_established,
	.closed = on_closed,
};

/* The address of the connection that begins. */
static struct in_addr from(const struct bench *b)
{
	uint32_t count = (uint32_t)(UINT64_C(1) << (32 - b->options.from_len));
	uint32_t first = ntohl(b->options.from.s_addr);
	/* The network's own and the broadcast address are nobody's. */
	uint32_t at = count > 2 ? 1 + b->trunk_count % (count - 2) : b->trunk_count % count;

	return (struct in_addr){ first ? htonl(first + at) : INADDR_ANY };
}

static void start_trunk(struct bench *b)
{
	struct sockaddr_in server = { .sin_family = AF_INET,
		.sin_addr = b->options.server,
		.sin_port = htons(CONTROL_PORT) };
	struct trunk *t = &b->trunks[b->trunk_count++];
	unsigned int left = b->options.sessions - b->next;

	t->bench = b;
	t->loads = &b->loads[b->next];
	t->count = left < b->options.per_connection ? left : b->options.per_connection;
	b->next += t->count;
	b->setting_up += t->count;
	for (unsigned int i = 0; i < t->count; i++) {
		t->loads[i].bench = b;
		t->loads[i].trunk = t;
		t->loads[i].begin = clock_now();
	}
	t->open = true;
	b->open++;
	if (connection_dial_from(&t->connection, &b->hub.timers, &server, from(b), 10000000,
		    &b->options.control, &connection_ops, t) == 0)
		return;
	t->open = false;
	b->open--;
	b->setting_up -= t->count;
	b->failed += t->count;
	b->ended[PPTP_NO_RESOURCES] += t->count;
	for (unsigned int i = 0; i < t->count; i++)
		t->loads[i].failed = true;
}

static void start_more(struct bench *b)
{
	while (b->phase == SETTING_UP && b->next < b->options.sessions &&
		b->setting_up < b->options.parallel)
		start_trunk(b);
}

static void begin_round(struct bench *b)
{
	b->round++;
	b->round_answered = 0;
	for (unsigned int i = 0; i < b->options.sessions; i++) {
		struct load *l = &b->loads[i];

		l->tries = 0;
		l->ping_sent = 0; /* due */
		if (l->up && i < PING_BURST)
			send_ping(l);
	}
}

static void close_more(struct bench *b)
{
	while (b->close_next < b->options.sessions && b->closing < CLOSE_BURST) {
		struct load *l = &b->loads[b->close_next++];

		if (!l->session)
			continue;
		l->closing = true;
		b->closing++;
		session_close(l->session, PPTP_LOCAL_REQUEST, "");
	}
}

static void begin_close(struct bench *b)
{
	b->phase = CLOSING;
	b->close_began = b->close_progress = clock_now();
	close_more(b);
	for (unsigned int i = 0; i < b->trunk_count; i++) {
		if (b->trunks[i].open && !b->trunks[i].sessions)
			connection_stop(&b->trunks[i].connection, PPTP_LOCAL_REQUEST);
	}
}

static void abort_all(struct bench *b)
{
	for (unsigned int i = 0; i < b->trunk_count; i++) {
		if (b->trunks[i].open)
			connection_abort(&b->trunks[i].connection, PPTP_LOCAL_REQUEST);
	}
}

static void all_over(struct bench *b)
{
	if (uv_is_closing((uv_handle_t *)&b->tick))
		return;
	b->closed_at = clock_now();
	uv_poll_stop(&b->inner);
	uv_close((uv_handle_t *)&b->inner, NULL);
	uv_close((uv_handle_t *)&b->tick, NULL);
	uv_close((uv_handle_t *)&b->sigint, NULL);
	uv_close((uv_handle_t *)&b->sigterm, NULL);
	hub_done(&b->hub, NULL);
}

/* From phase to phase, when what each waits for is there. */
static void advance(struct bench *b)
{
	uint64_t now = clock_now();

	if (b->phase == SETTING_UP && b->ready + b->failed == b->options.sessions) {
		b->all_up = now;
		b->rss_up = rss(getpid());
		b->server_up = b->options.server_pid ? rss(b->options.server_pid) : 0;
		b->slab_up = slab();
		b->idle_time = now;
		b->idle_cpu = b->options.server_pid ? flood_cpu(b->options.server_pid, false) : 0;
		b->hold_until = now + b->options.hold * 1000000ull;
		for (unsigned int i = 0; i < b->options.sessions; i++)
			b->loads[i].rate_next =
				now + i * 1000000ull / b->options.sessions; /* not all at once */
		b->phase = HOLDING;
	}
	if (b->phase == HOLDING && now >= b->hold_until) {
		b->idle_time = now - b->idle_time;
		if (b->options.server_pid)
			b->idle_cpu = flood_cpu(b->options.server_pid, false) - b->idle_cpu;
		b->phase = FLOODING;
		if (b->options.flood && b->ready)
			flood_begin(b, now);
	}
	if (b->phase == FLOODING && (!b->options.flood || !b->ready || flood_tick(b, now))) {
		b->phase = PINGING;
		if (b->options.pings && b->ready)
			begin_round(b);
	}
	if (b->phase == PINGING &&
		(b->round_answered >= b->hub.count || !b->ready || !b->options.pings)) {
		if (b->round < b->options.pings && b->ready)
			begin_round(b);
		else
			begin_close(b);
	}
	if (b->phase == CLOSING && b->hub.count == 0 && b->open == 0)
		all_over(b);
}

/* What --rate asks for. A session that has gone cannot answer: its pings are lost. */
static void send_at_rate(struct bench *b, uint64_t now)
{
	if (b->phase != HOLDING || !b->options.rate || now + RATE_WAIT > b->hold_until)
		return;
	for (unsigned int i = 0; i < b->options.sessions; i++) {
		struct load *l = &b->loads[i];

		while (l->pinged && l->rate_next <= now) {
			l->rate_next += 1000000 / b->options.rate;
			b->rate_sent++;
			if (l->up)
				load_ping(l, RATE_TAG);
		}
	}
}

/* Pings that are due, also the first of each call. */
static void on_tick(uv_timer_t *timer)
{
	struct bench *b = timer->data;
	unsigned int sent = 0;
	uint64_t now = clock_now();

	send_at_rate(b, now);
	for (unsigned int i = 0; i < b->next; i++) {
		struct load *l = &b->loads[i];
		bool waits =
			l->up && (!l->pinged || (b->phase == PINGING && l->answered < b->round));

		if (!waits || now - l->ping_sent < PING_RESEND)
			continue;
		if (l->tries < PING_TRIES && ++sent > PING_BURST)
			break;
		if (l->tries < PING_TRIES)
			send_ping(l);
		else if (!l->pinged)
			session_close(l->session, PPTP_GRE_SILENT,
				"no answer to pings through the tunnel");
		else if (now - l->ping_sent > 2 * PING_RESEND && b->phase == PINGING)
			begin_close(b);
	}
	if (b->phase == CLOSING && !b->aborted && now - b->close_progress > STOP_TIME) {
		log_warning("%u calls did not end in time", b->hub.count);
		b->aborted = true;
		abort_all(b);
	}
	advance(b);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct bench *b = handle->data;

	(void)signum;
	if (b->phase == CLOSING)
		abort_all(b);
	else
		begin_close(b);
	advance(b);
}

static void close_descriptors(struct bench *b)
{
	int fds[] = { b->inner_fd, b->worker_fd, b->gre_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

static int open_descriptors(struct bench *b, char *why)
{
	int pair[2], size = 4 << 20;
	struct rlimit limit;

	b->inner_fd = b->worker_fd = -1;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* A connected one would take what is for one of our addresses only. */
	b->gre_fd = gre_socket_open(b->options.from.s_addr ? NULL : &b->options.server, false, why);
	if (b->gre_fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		snprintf(why, SYSTEM_WHY, "cannot make a socket pair: %s", strerror(errno));
		return -1;
	}
	b->inner_fd = pair[0];
	b->worker_fd = pair[1];
	for (int i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return 0;
}

static void watch(struct bench *b)
{
	uv_poll_init(&b->loop, &b->inner, b->inner_fd);
	uv_timer_init(&b->loop, &b->tick);
	uv_signal_init(&b->loop, &b->sigint);
	uv_signal_init(&b->loop, &b->sigterm);
	b->inner.data = b->tick.data = b->sigint.data = b->sigterm.data = b;
	uv_poll_start(&b->inner, UV_READABLE, on_inner);
	uv_timer_start(&b->tick, on_tick, TICK_MS, TICK_MS);
	uv_signal_start(&b->sigint, on_signal, SIGINT);
	uv_signal_start(&b->sigterm, on_signal, SIGTERM);
}

static int run(struct bench *b, char *why)
{
	struct dp_config dp = { .lookup_by_source = true };
	int rc = open_descriptors(b, why);

	if (rc == 0) {
		dp.gre_fd = b->gre_fd;
		dp.inner_fd = b->worker_fd;
		uv_loop_init(&b->loop);
		rc = hub_init(&b->hub, &b->loop, &dp, NULL, why);
	}
	if (rc < 0) {
		if (b->hub.loop)
			(void)uv_loop_close(&b->loop);
		close_descriptors(b);
		return -1;
	}
	watch(b);
	b->slab_before = slab();
	b->rss_before = rss(getpid());
	b->server_before = b->options.server_pid ? rss(b->options.server_pid) : 0;
	b->began = clock_now();
	start_more(b);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&b->loop) == UV_EBUSY)
		log_debug("ended with open handles");
	close_descriptors(b);
	return 0;
}

int bench_main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	char why[SYSTEM_WHY] = "out of memory";
	int rc;

	if (!b)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	log_set(LOG_WARNING, LOG_TEXT);
	rc = bench_options_parse(&b->options, argc, argv);
	if (rc) {
		rc = rc < 0 ? 2 : 0;
	} else {
		b->loads = calloc(b->options.sessions, sizeof(*b->loads));
		b->trunks = calloc(b->options.sessions, sizeof(*b->trunks));
		rc = b->loads && b->trunks ? run(b, why) : -1;
		if (rc < 0)
			fprintf(stderr, "greyline bench: %s\n", why);
		rc = rc < 0 ? 1 : bench_report(b);
	}
	bench_options_done(&b->options);
	free(b->loads);
	free(b->trunks);
	free(b);
	return rc;
}
