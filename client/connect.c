/* `greyline connect`: names, tries, back-off, signals, the control socket. */
#include "client/connect.h"

#include "client/attempt.h"
#include "client/output.h"
#include "session/report.h"
#include "system/clock.h"
#include "system/control_socket.h"
#include "system/log.h"
#include "system/notify.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX 16
#define STABLE_TIME   30000000ull /* us up, after which back-off begins anew */
#define STOP_TIME_MS  7000        /* for an orderly end */
#define EXIT_MACHINE  1

struct client {
	uv_loop_t loop;
	struct client_config config;
	struct client_output output;
	uv_getaddrinfo_t resolve;
	uv_timer_t timer; /* waiting to dial again, or the limit of stopping */
	uv_signal_t sigint, sigterm, sighup;
	struct control_socket *control;
	struct sockaddr_in addresses[ADDRESSES_MAX];
	unsigned int address_count, address_next;
	struct attempt *attempt;
	bool resolving, stopping, finished, ever_up;
	uint64_t wait; /* us, the next back-off */
	uint64_t started, up_at;
	unsigned int attempts, connects;
	enum pptp_reason last_reason;
	bool last_was_up;
	int status;
};

static void begin_round(struct client *c);

/* Nothing is left to do: the loop ends when the handles are closed. */
static void finish(struct client *c, int status)
{
	c->finished = true;
	c->status = status;
	if (c->control)
		control_socket_close(c->control);
	c->control = NULL;
	uv_close((uv_handle_t *)&c->timer, NULL);
	uv_close((uv_handle_t *)&c->sigint, NULL);
	uv_close((uv_handle_t *)&c->sigterm, NULL);
	uv_close((uv_handle_t *)&c->sighup, NULL);
}

static void on_retry(uv_timer_t *timer)
{
	begin_round(timer->data);
}

/* Wrong credentials and unmet policies do not get better by repetition, and lock accounts. */
static bool is_final(enum pptp_reason reason)
{
	enum pptp_reason_class class = pptp_reason_class(reason);

	return class == PPTP_CLASS_AUTH || class == PPTP_CLASS_POLICY ||
	       reason == PPTP_LOCAL_REQUEST || reason == PPTP_ADMIN;
}

/* The exit status after the last try. */
static int status_of(const struct client *c)
{
	switch (c->last_reason) {
	case PPTP_LOCAL_REQUEST:
	case PPTP_ADMIN:
		return 0;
	case PPTP_SYSTEM:
	case PPTP_NO_RESOURCES:
		return EXIT_MACHINE;
	default:
		break;
	}
	/* A peer that says good-bye before the tunnel was up has refused it. */
	if (pptp_reason_class(c->last_reason) == PPTP_CLASS_USER && !c->last_was_up)
		return PPTP_CLASS_PEER;
	return (int)pptp_reason_class(c->last_reason);
}

/* All addresses have been tried, or a tunnel has ended. */
static void after_round(struct client *c)
{
	uint8_t jitter;

	if (c->stopping) {
		finish(c, 0);
		return;
	}
	if (c->config.once || !c->ever_up || is_final(c->last_reason)) {
		finish(c, status_of(c));
		return;
	}
	random_bytes(&jitter, sizeof(jitter));
	output_retry(&c->output, c->wait);
	uv_timer_start(&c->timer, on_retry, c->wait / 1000 * (768 + jitter) / 1024, 0);
	c->wait = c->wait * 2 < c->config.reconnect_max ? c->wait * 2 : c->config.reconnect_max;
}

static void on_attempt_up(struct attempt *a)
{
	struct client *c = a->owner;
	char server[INET_ADDRSTRLEN];

	c->ever_up = true;
	c->connects++;
	c->up_at = clock_now();
	inet_ntop(AF_INET, &a->server.sin_addr, server, sizeof(server));
	output_connected(&c->output, a->session, a->network.dev, server);
	notify_ready();
	notify_status("connected to %s", server);
}

static void next_address(struct client *c);

static void on_attempt_over(
	struct attempt *a, enum pptp_reason reason, const char *detail, bool was_up)
{
	struct client *c = a->owner;

	c->attempt = NULL;
	c->last_reason = reason;
	c->last_was_up = was_up;
	output_disconnected(&c->output, reason, detail);
	if (reason == PPTP_AUTH_RESTRICTED && strstr(detail, "(E=648") && !c->config.new_password)
		log_warning("to change the password, write the new one into a file and give it "
			    "with --new-password-file");
	notify_status("disconnected: %s", pptp_reason_text(reason));
	if (was_up && clock_now() - c->up_at > STABLE_TIME)
		c->wait = c->config.reconnect_min;
	if (was_up || c->stopping || is_final(reason))
		after_round(c);
	else
		next_address(c);
}

/* Also for every later try. */
static void on_new_password(struct attempt *a, bool changed)
{
	struct client *c = a->owner;

	client_config_renew(&c->config);
	output_new_password(&c->output, changed, cfg_getstr(c->config.cfg, "password-file"));
}

static const struct attempt_ops attempt_ops = {
	.new_password = on_new_password,
	.up = on_attempt_up,
	.over = on_attempt_over,
};

/* This machine cannot do it. What worked before may work again: descriptors, memory, the device's name. */
static void not_tried(struct client *c, const char *why)
{
	if (!c->ever_up || c->config.once) {
		log_error("%s", why);
		finish(c, EXIT_MACHINE);
		return;
	}
	c->last_reason = PPTP_SYSTEM;
	c->last_was_up = false;
	output_disconnected(&c->output, PPTP_SYSTEM, why);
	after_round(c);
}

static void next_address(struct client *c)
{
	char why[SYSTEM_WHY] = "", text[INET_ADDRSTRLEN];
	const struct sockaddr_in *addr;

	if (c->address_next == c->address_count) {
		after_round(c);
		return;
	}
	addr = &c->addresses[c->address_next++];
	inet_ntop(AF_INET, &addr->sin_addr, text, sizeof(text));
	log_info("dialling %s port %u", text, ntohs(addr->sin_port));
	c->attempts++;
	c->attempt = attempt_new(&c->loop, &c->config, addr, &attempt_ops, c, why);
	if (!c->attempt)
		not_tried(c, why);
}

static void add_address(struct client *c, const struct sockaddr_in *addr)
{
	for (unsigned int i = 0; i < c->address_count; i++) {
		if (c->addresses[i].sin_addr.s_addr == addr->sin_addr.s_addr)
			return;
	}
	if (c->address_count == ADDRESSES_MAX)
		return;
	c->addresses[c->address_count] = *addr;
	c->addresses[c->address_count++].sin_port = htons(c->config.port);
}

static void not_resolved(struct client *c, const char *why)
{
	char name[80], detail[160];

	log_escape(name, sizeof(name), c->config.server, strlen(c->config.server));
	snprintf(detail, sizeof(detail), "%s: %s", name, why);
	c->last_reason = PPTP_RESOLVE;
	c->last_was_up = false;
	output_disconnected(&c->output, PPTP_RESOLVE, detail);
	after_round(c);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct client *c = req->data;

	c->resolving = false;
	if (c->finished) {
		uv_freeaddrinfo(list);
		return;
	}
	for (struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		if (ai->ai_family == AF_INET)
			add_address(c, (const struct sockaddr_in *)ai->ai_addr);
	}
	uv_freeaddrinfo(list);
	if (!c->address_count) {
		not_resolved(c, status < 0 ? uv_strerror(status) : "it has no IPv4 address");
		return;
	}
	next_address(c);
}

static void begin_round(struct client *c)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	int err;

	c->address_count = c->address_next = 0;
	c->resolve.data = c;
	err = uv_getaddrinfo(&c->loop, &c->resolve, on_resolved, c->config.server, NULL, &hints);
	c->resolving = err == 0;
	if (err < 0)
		not_resolved(c, uv_strerror(err));
}

static void on_stop_limit(uv_timer_t *timer)
{
	struct client *c = timer->data;

	log_warning("the peer does not answer our good-bye: ending without it");
	if (c->attempt)
		attempt_abort(c->attempt);
}

static void stop(struct client *c, enum pptp_reason reason)
{
	if (c->stopping) {
		if (c->attempt)
			attempt_abort(c->attempt); /* asked again: at once */
		return;
	}
	c->stopping = true;
	notify_stopping();
	uv_timer_start(&c->timer, on_stop_limit, STOP_TIME_MS, 0);
	if (c->attempt)
		attempt_stop(c->attempt, reason);
	else
		finish(c, 0);
	if (c->resolving)
		uv_stop(&c->loop); /* see leave_resolving() */
}

static void on_signal(uv_signal_t *handle, int signum)
{
	(void)signum;
	stop(handle->data, PPTP_LOCAL_REQUEST);
}

static json_t *status(const struct client *c)
{
	json_t *o = json_object();

	json_object_set_new(o, "role", json_string("client"));
	json_object_set_new(o, "version", json_string(GREYLINE_VERSION));
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(
		o, "uptime", json_integer((json_int_t)((clock_now() - c->started) / 1000000)));
	json_object_set_new(o, "server", json_string(c->config.server));
	json_object_set_new(o, "user", json_string(c->config.user));
	json_object_set_new(o, "device", json_string(c->attempt ? c->attempt->network.dev : ""));
	json_object_set_new(o, "state",
		json_string(!c->attempt                  ? "waiting"
			    : !c->attempt->session       ? "dialling"
			    : c->attempt->session->is_up ? "up"
							 : "negotiating"));
	json_object_set_new(o, "attempts", json_integer(c->attempts));
	json_object_set_new(o, "connects", json_integer(c->connects));
	if (c->last_reason)
		json_object_set_new(o, "last_end", json_string(pptp_reason_name(c->last_reason)));
	return o;
}

static json_t *on_command(void *user, const char *command, const json_t *request, char *why)
{
	struct client *c = user;

	if (!strcmp(command, "status"))
		return status(c);
	if (!c->attempt) {
		if (!strcmp(command, "sessions"))
			return json_array();
		snprintf(why, SYSTEM_WHY, "not connected at the moment (see: greyline ctl status)");
		return NULL;
	}
	if (!strcmp(command, "stats"))
		return report_stats(&c->attempt->hub);
	return report_command(&c->attempt->hub, command, request, why);
}

static void *open_array(void *user, const char *command)
{
	struct client *c = user;

	return c->attempt && report_is_array(command) ? report_open(&c->attempt->hub) : NULL;
}

static const struct control_arrays arrays = {
	.open = open_array,
	.next = report_next,
	.close = report_close,
};

/* The default path may be another client's: then one with our pid. */
static struct control_socket *open_control(struct client *c, char *why)
{
	char path[64];
	struct control_socket *cs;

	if (c->config.control_path)
		return control_socket_open(&c->loop, c->config.control_path, on_command, c, why);
	cs = control_socket_open(&c->loop, "/run/greyline/client.sock", on_command, c, why);
	if (cs)
		return cs;
	snprintf(path, sizeof(path), "/run/greyline/client-%d.sock", (int)getpid());
	return control_socket_open(&c->loop, path, on_command, c, why);
}

static void watch(struct client *c)
{
	struct sigaction hup;

	uv_timer_init(&c->loop, &c->timer);
	uv_signal_init(&c->loop, &c->sigint);
	uv_signal_init(&c->loop, &c->sigterm);
	uv_signal_init(&c->loop, &c->sighup);
	c->timer.data = c->sigint.data = c->sigterm.data = c->sighup.data = c;
	uv_signal_start(&c->sigint, on_signal, SIGINT);
	uv_signal_start(&c->sigterm, on_signal, SIGTERM);
	/* The terminal is gone; under nohup(1) it may go. */
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		uv_signal_start(&c->sighup, on_signal, SIGHUP);
}

/* getaddrinfo(3) cannot be interrupted, and exit(3) would wait for libuv's thread that is in it. */
static void leave_resolving(struct client *c)
{
	client_config_done(&c->config);
	_exit(c->status);
}

static int run(struct client *c)
{
	char why[SYSTEM_WHY] = "";

	net_state_recover();
	client_dns_recover();
	uv_loop_init(&c->loop);
	watch(c);
	c->output.json = c->config.json;
	c->wait = c->config.reconnect_min;
	c->started = clock_now();
	c->control = open_control(c, why);
	if (!c->control) {
		log_error("%s", why);
		finish(c, EXIT_MACHINE);
	} else {
		control_socket_set_arrays(c->control, &arrays);
		begin_round(c);
	}
	uv_run(&c->loop, UV_RUN_DEFAULT);
	if (c->resolving)
		leave_resolving(c);
	if (uv_loop_close(&c->loop) == UV_EBUSY)
		log_debug("ended with open handles");
	return c->status;
}

int connect_main(int argc, char **argv)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return EXIT_MACHINE;
	signal(SIGPIPE, SIG_IGN);
	rc = client_config_parse(&c->config, argc, argv);
	if (rc)
		rc = rc < 0 ? 2 : 0;
	else
		rc = run(c);
	client_config_done(&c->config);
	free(c);
	return rc;
}
