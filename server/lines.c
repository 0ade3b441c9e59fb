/* The server's telephone lines: see lines.h. */
#include "server/lines.h"

#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEED_MIN 300
#define SPEED_MAX 100000000

cfg_opt_t server_line_opts[] = {
	CFG_STR("kind", "simulated", CFGF_NONE),
	CFG_STR("number", NULL, CFGF_NONE),
	CFG_STR("outcome", "connect", CFGF_NONE),
	CFG_INT("speed", 64000, CFGF_NONE),
	CFG_INT("delay", 0, CFGF_NONE),
	CFG_INT("lifetime", 0, CFGF_NONE),
	CFG_INT("damage", 0, CFGF_NONE),
	CFG_STR("pns", NULL, CFGF_NONE),
	CFG_END(),
};

static bool in_range(cfg_t *sec, const char *key, long min, long max)
{
	long v = cfg_getint(sec, key);

	return v >= min && v <= max;
}

/* NULL, or what is wrong with a section; its values into *out. */
static const char *read_section(cfg_t *sec, struct server_line *out)
{
	const char *number = cfg_getstr(sec, "number"), *pns = cfg_getstr(sec, "pns");

	memset(out, 0, sizeof(*out));
	if (strcmp(cfg_getstr(sec, "kind"), "simulated") != 0)
		return "kind must be \"simulated\" (there is no other so far)";
	if (!*cfg_title(sec) || strlen(cfg_title(sec)) >= sizeof(out->sim.name))
		return "the name must have 1 to 31 octets";
	if (!number || !*number || strlen(number) >= sizeof(out->sim.number))
		return "it needs a number, of 1 to 64 octets";
	if (sim_outcome_parse(cfg_getstr(sec, "outcome"), &out->sim.outcome) < 0)
		return "outcome must be connect, busy, no-carrier, no-dial-tone, time-out or "
		       "silent";
	if (!in_range(sec, "speed", SPEED_MIN, SPEED_MAX))
		return "speed must be 300 to 100000000 bits/s";
	if (!in_range(sec, "delay", 0, 60000))
		return "delay must be 0 to 60000 ms";
	if (!in_range(sec, "lifetime", 0, 86400))
		return "lifetime must be 0 (for ever) to 86400 seconds";
	if (!in_range(sec, "damage", 0, 1000000))
		return "damage must be 0 (none) to 1000000 frames";
	if (pns && (settings_ipv4(pns, &out->pns) < 0 || !settings_is_host(out->pns)))
		return "pns must be the IPv4 address of a host";
	if (out->sim.outcome == SIM_CONNECT && !pns)
		return "a line that is connected needs a pns to offer its calls to";
	snprintf(out->sim.name, sizeof(out->sim.name), "%s", cfg_title(sec));
	snprintf(out->sim.number, sizeof(out->sim.number), "%s", number);
	out->sim.speed = (uint32_t)cfg_getint(sec, "speed");
	out->sim.delay = (uint64_t)cfg_getint(sec, "delay") * 1000;
	out->sim.lifetime = (uint64_t)cfg_getint(sec, "lifetime") * 1000000;
	out->sim.damage = (unsigned int)cfg_getint(sec, "damage");
	return NULL;
}

int server_line_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	struct server_line line;
	const char *what = read_section(sec, &line);

	if (!what)
		return 0;
	cfg_error(cfg, "line \"%.64s\": %s", cfg_title(sec), what);
	return -1;
}

int server_lines_read(struct server_lines_config *c, cfg_t *cfg, char *why)
{
	unsigned int n = cfg_size(cfg, "line");

	c->count = 0;
	c->list = n ? calloc(n, sizeof(*c->list)) : NULL;
	if (n && !c->list) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	for (unsigned int i = 0; i < n; i++) {
		struct server_line *line = &c->list[i];

		(void)read_section(cfg_getnsec(cfg, "line", i), line);
		for (unsigned int j = 0; j < i; j++) {
			if (strcmp(c->list[j].sim.number, line->sim.number) != 0)
				continue;
			snprintf(why, SYSTEM_WHY,
				"line \"%s\": the number %s is also that of \"%s\"", line->sim.name,
				line->sim.number, c->list[j].sim.name);
			return -1;
		}
		c->count++;
	}
	if (n <= EXCHANGE_LINES)
		return 0;
	snprintf(why, SYSTEM_WHY, "line: at most %d lines", EXCHANGE_LINES);
	return -1;
}

void server_lines_config_done(struct server_lines_config *c)
{
	free(c->list);
	c->list = NULL;
	c->count = 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct server *s = timer->data;

	exchange_tick(&s->lines.exchange, clock_now());
}

static void on_wake(void *owner)
{
	struct server *s = owner;
	uint64_t deadline = exchange_deadline(&s->lines.exchange), now = clock_now();

	if (!s->lines.open)
		return;
	if (deadline == UINT64_MAX)
		uv_timer_stop(&s->lines.timer);
	else
		uv_timer_start(&s->lines.timer, on_timer,
			deadline > now ? (deadline - now + 999) / 1000 : 0, 0);
}

struct waiting_ring {
	struct waiting_ring *next;
	struct server *server;
	struct server_connection *connection;
	struct line *line;
	struct line_call call;
};

static void unlink_waiting(struct waiting_ring *w)
{
	struct waiting_ring **slot = &w->server->lines.waiting;

	while (*slot != w)
		slot = &(*slot)->next;
	*slot = w->next;
}

/* The caller has not waited. */
static void on_waiting_over(void *user, const struct line_end *end)
{
	struct waiting_ring *w = user;

	(void)end;
	unlink_waiting(w);
	w->line->ops->release(w->line);
	free(w);
}

/* Nothing else comes from a line that rings. */
static const struct line_user_ops waiting_ops = { .over = on_waiting_over };

static struct waiting_ring *waiting_for(struct server *s, const struct server_connection *c)
{
	struct waiting_ring *w = s->lines.waiting;

	while (w && w->connection != c)
		w = w->next;
	return w;
}

/* Dials the PNS, unless that is under way. NULL: it cannot be. */
static struct server_connection *dial_pns(struct server *s, struct in_addr pns)
{
	if (kept_find(s, peers_find(&s->config.peers, pns)) || s->stop_deadline)
		return NULL; /* it is dialled all the time, to no avail */
	for (struct waiting_ring *w = s->lines.waiting; w; w = w->next) {
		if (w->connection->connection.peer.s_addr == pns.s_addr)
			return w->connection;
	}
	return server_dial(s, pns);
}

/* -1: there is no hope. */
static int ring_until_connected(
	struct server *s, struct in_addr pns, struct line *l, const struct line_call *call)
{
	struct waiting_ring *w = calloc(1, sizeof(*w));

	if (w)
		w->connection = dial_pns(s, pns);
	if (!w || !w->connection) {
		free(w);
		return -1;
	}
	w->server = s;
	w->line = l;
	w->call = *call;
	l->up = &waiting_ops;
	l->user = w;
	l->subject = "";
	w->next = s->lines.waiting;
	s->lines.waiting = w;
	return 0;
}

void server_lines_established(struct server_connection *c)
{
	struct waiting_ring *w;

	while ((w = waiting_for(c->server, c))) {
		unlink_waiting(w);
		server_offer(c, &w->call, w->line);
		free(w);
	}
}

static void no_pns(struct server *s, struct line *l)
{
	const struct sim_line_config *sim = sim_line_of(l);
	const struct server_line *line = sim->data;
	char pns[INET_ADDRSTRLEN];

	s->lines.no_pns++;
	inet_ntop(AF_INET, &line->pns, pns, sizeof(pns));
	if (server_may_log(s, SERVER_LOG_REFUSED))
		log_warning("line \"%s\": no control connection to its PNS, %s, can be had",
			sim->name, pns);
	l->ops->release(l);
}

void server_lines_closed(struct server_connection *c)
{
	struct waiting_ring *w;

	while ((w = waiting_for(c->server, c))) {
		unlink_waiting(w);
		no_pns(c->server, w->line);
		free(w);
	}
}

static void on_ring(void *owner, struct line *l, const struct line_call *call, uint64_t now)
{
	struct server *s = owner;
	const struct sim_line_config *sim = sim_line_of(l);
	const struct server_line *line = sim->data;
	struct server_connection *c = server_peer_connection(s, line->pns);
	char number[300];

	(void)now;
	s->lines.rung++;
	if (server_may_log(s, SERVER_LOG_SESSIONS))
		log_info("line \"%s\" rings: a call for %s", sim->name,
			log_escape(number, sizeof(number), call->number, strlen(call->number)));
	if (c)
		server_offer(c, call, l);
	else if (ring_until_connected(s, line->pns, l, call) < 0)
		no_pns(s, l);
}

static const struct exchange_ops exchange_ops = {
	.line.ring = on_ring,
	.wake = on_wake,
};

int server_lines_open(struct server *s, char *why)
{
	struct server_lines_config *config = &s->config.lines;

	exchange_init(&s->lines.exchange, &exchange_ops, s);
	for (unsigned int i = 0; i < config->count; i++) {
		struct sim_line_config *sim = &config->list[i].sim;
		int err;

		sim->data = &config->list[i];
		err = exchange_add(&s->lines.exchange, sim);
		if (err == 0)
			continue;
		snprintf(why, SYSTEM_WHY, "line \"%s\": %s", sim->name,
			err == -EEXIST ? "there is such a line already" : "too many lines");
		return -1;
	}
	uv_timer_init(&s->loop, &s->lines.timer);
	s->lines.timer.data = s;
	s->lines.open = true;
	return 0;
}

void server_lines_close(struct server *s)
{
	if (!s->lines.open)
		return;
	s->lines.open = false;
	exchange_done(&s->lines.exchange);
	uv_close((uv_handle_t *)&s->lines.timer, NULL);
}

struct line *server_line_for(struct server *s, const char *number, bool *busy)
{
	struct line *l;

	*busy = false;
	if (!*number || !exchange_find(&s->lines.exchange, number))
		return NULL;
	l = exchange_outside_line(&s->lines.exchange);
	*busy = !l;
	return l;
}
