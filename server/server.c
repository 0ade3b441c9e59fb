/* `greyline server`: start, signals, end. */
#include "server/server.h"

#include "server/farewell.h"
#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define STOP_TIME 5000000ull /* us for all sessions to say good-bye */
#define STOP_TICK 20         /* ms */
/* By then all have begun to, so that those whose first word is lost have time for another. */
#define STOP_TOLD (STOP_TIME / 2)

/* Closes what keeps the loop alive, once nothing else is left. */
static void close_rest(struct server *s)
{
	if (s->closed)
		return;
	s->closed = true;
	devwatch_close(s->watch);
	if (s->hub.dp)
		hub_done(&s->hub, NULL);
	if (s->control)
		control_socket_close(s->control);
	server_lines_close(s);
	uv_close((uv_handle_t *)&s->stopping, NULL);
	uv_close((uv_handle_t *)&s->guard, NULL);
	kept_stop(s);
	uv_close((uv_handle_t *)&s->sigint, NULL);
	uv_close((uv_handle_t *)&s->sigterm, NULL);
	uv_close((uv_handle_t *)&s->sighup, NULL);
}

static void say_good_bye(struct server *s)
{
	uint64_t now = clock_now(), told = s->stop_deadline - (STOP_TIME - STOP_TOLD);
	uint64_t ticks = told > now ? (told - now) / (STOP_TICK * 1000) : 0;
	unsigned int ending = 0, more;

	for (const struct session *session = s->hub.sessions; session; session = session->next)
		ending += session->ending;
	more = farewell_share(s->hub.count - ending, ending, ticks);
	for (struct session *session = s->hub.sessions; session && more; session = session->next) {
		if (session->ending)
			continue;
		session_close(session, PPTP_SHUTDOWN, "");
		more--;
	}
}

static void on_stopping(uv_timer_t *timer)
{
	struct server *s = timer->data;

	say_good_bye(s);
	server_stop_connections(s);
	if (s->hub.count == 0 && s->connection_count == 0) {
		/* What the hook still has to be told of the last sessions. */
		if (clock_now() > s->stop_deadline || s->stop_deadline == UINT64_MAX)
			hooks_kill(&s->hooks);
		if (hooks_idle(&s->hooks))
			close_rest(s);
	} else if (clock_now() > s->stop_deadline) {
		if (s->hub.count)
			log_warning("stopping: %u sessions are cut off without a good-bye",
				s->hub.count);
		s->stop_deadline = UINT64_MAX;
		server_abort_connections(s);
	}
}

static void begin_stop(struct server *s)
{
	s->stop_deadline = clock_now() + STOP_TIME;
	log_info("stopping: %u sessions are being closed", s->hub.count);
	notify_stopping();
	server_stop_listening(s);
	kept_stop(s);
	say_good_bye(s);
	uv_timer_start(&s->stopping, on_stopping, 0, STOP_TICK);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct server *s = handle->data;

	(void)signum;
	if (s->stop_deadline)
		server_abort_connections(s); /* again: at once */
	else
		begin_stop(s);
}

/* ---- what others do to the device */

static void on_device_up(void *user)
{
	struct server *s = user;
	char why[SYSTEM_WHY];

	if (server_network_again(&s->network, &s->config, why) < 0)
		log_error("%s was down, or may have been, and cannot be set up again: %s",
			s->network.dev, why);
	else
		log_info("%s was down, or may have been: its routes are there", s->network.dev);
}

static void on_device_gone(void *user)
{
	struct server *s = user;
	char why[SYSTEM_WHY];

	if (tun_lives(s->network.tun_fd))
		return;
	if (server_network_renew(&s->network, &s->config, why) < 0) {
		log_error("somebody removed the device %s, and no data passes any more: %s. Start "
			  "greyline again",
			s->network.dev, why);
		return;
	}
	dataplane_inner_renewed(s->hub.dp);
	devwatch_follow(s->watch, s->network.dev);
	log_warning("somebody removed the device %s: there is a new one", s->network.dev);
}

static const struct devwatch_ops watch_ops = {
	.up = on_device_up,
	.gone = on_device_gone,
};

/* The interface: the one that is named, or has a listen address, or the default route's. */
static struct datapath_config datapath_of(const struct server *s)
{
	struct datapath_config c = { .mode = s->config.datapath,
		.workers = s->network.queues.workers,
		.interface = s->config.interface,
		.gre_fd = s->network.gre_fd };

	for (unsigned int i = 0; i < s->config.listen_count && !c.address.s_addr; i++)
		c.address = s->config.listen[i].sin_addr;
	return c;
}

static int start(struct server *s, char *why)
{
	struct datapath_config datapath = datapath_of(s);
	struct dp_config dp = {
		.inner_offload = hub_offload(&s->network.offload),
		.check_source = true, /* but for peers of whom it is not wanted */
		.report_too_big = true,
		.clamp_mss = s->config.clamp_mss,
		.fragment_outer = s->config.fragment,
	};

	server_queues_configure(&s->network.queues, &dp);
	if (hub_init(&s->hub, &s->loop, &dp, &datapath, why) < 0)
		return -1;
	hooks_init(&s->hooks, &s->loop, s->config.hook);
	if (server_lines_open(s, why) < 0)
		return -1;
	s->watch = devwatch_open(&s->loop, s->network.dev, &watch_ops, s);
	s->control = control_socket_open(&s->loop, s->config.control_path, server_command, s, why);
	if (!s->control)
		return -1;
	control_socket_set_arrays(s->control, &server_arrays);
	if (server_listen(s, why) < 0)
		return -1;
	if (kept_start(s) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "out of memory");
	return -1;
}

static void watch(struct server *s)
{
	struct sigaction hup;

	uv_signal_init(&s->loop, &s->sigint);
	uv_signal_init(&s->loop, &s->sigterm);
	uv_signal_init(&s->loop, &s->sighup);
	uv_timer_init(&s->loop, &s->stopping);
	s->sigint.data = s->sigterm.data = s->sighup.data = s->stopping.data = s;
	uv_signal_start(&s->sigint, on_signal, SIGINT);
	uv_signal_start(&s->sigterm, on_signal, SIGTERM);
	/* The terminal is gone; under nohup(1) it may go. */
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		uv_signal_start(&s->sighup, on_signal, SIGHUP);
}

static void say_ready(const struct server *s)
{
	printf("ready: accepting PPTP calls on port %u, device %s\n",
		ntohs(s->config.listen[0].sin_port), s->network.dev);
	fflush(stdout);
	notify_ready();
	if (s->config.accounts.count == 0)
		log_warning("there are no users: nobody can log on (add user \"NAME\" { password = "
			    "\"...\" })");
	log_info("PPTP does not protect against an attacker who can record the traffic: use it "
		 "only where you must");
}

static int run(struct server *s)
{
	char why[SYSTEM_WHY] = "";
	bool network;
	int rc;

	if (server_guard_init(s, why) < 0) {
		log_error("%s", why);
		return 1;
	}
	uv_loop_init(&s->loop);
	/* Before the network is changed: who is told to end meanwhile undoes that first. */
	watch(s);
	server_guard_start(s);
	network = server_network_up(&s->network, &s->config, why) == 0;
	rc = network ? start(s, why) : -1;
	if (rc < 0) {
		log_error("%s", why);
		server_stop_listening(s);
		close_rest(s);
	} else {
		say_ready(s);
	}
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (network)
		server_network_down(&s->network);
	if (uv_loop_close(&s->loop) == UV_EBUSY)
		log_debug("ended with open handles");
	return rc < 0 ? 1 : 0;
}

int server_main(int argc, char **argv)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	s->started = clock_now();
	rc = server_config_parse(&s->config, argc, argv);
	if (rc) {
		rc = rc < 0 ? 2 : 0;
	} else {
		rc = run(s);
	}
	kept_done(s);
	limits_done(&s->limits);
	server_config_done(&s->config);
	free(s);
	return rc;
}
