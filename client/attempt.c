/* One try to connect: see attempt.h. */
#include "client/attempt.h"

#include "client/ipv6.h"

#include "session/mtu.h"
#include "system/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_end(struct attempt *a, enum pptp_reason reason, const char *detail)
{
	if (a->ended)
		return;
	a->ended = true;
	a->reason = reason;
	snprintf(a->detail, sizeof(a->detail), "%s", detail);
}

static void on_hub_closed(struct hub *h)
{
	struct attempt *a = (struct attempt *)((char *)h - offsetof(struct attempt, hub));

	client_network_close(&a->network);
	a->ops->over(a, a->reason, a->detail, a->was_up);
	free(a);
}

static void finish_if_over(struct attempt *a)
{
	if (a->session || a->connection_open || a->hub.count)
		return;
	devwatch_close(a->watch);
	a->watch = NULL;
	hub_done(&a->hub, on_hub_closed);
}

/* ---- what others do to the device and to the machine's routes */

static unsigned int fitting_mtu(const struct attempt *a, const struct session *s)
{
	unsigned int largest = dp_session_largest(s->dp);

	return largest < a->config->mtu ? largest : a->config->mtu;
}

/* IPv6 loses its addresses, too: what the server said last still holds. If it cannot be had any more, IPv4 goes on. */
static int up_again6(struct attempt *a, char *why)
{
	struct session *s = a->session;

	if (!s->ipv6.prepared)
		return 0;
	if (client_ipv6_up(&a->network, a->config, s->ipv6.local_id, fitting_mtu(a, s), why) < 0) {
		if (!s->ipv4_prepared)
			return -1;
		log_warning("no IPv6 any more: %s", why);
		return 0;
	}
	if (s->ipv6.nd && s->ipv6.nd->host.learnt)
		client_ipv6_again(&a->network, a->config, s->ipv6.local_id, &s->ipv6.nd->advertise);
	return 0;
}

static void on_device_up(void *user)
{
	struct attempt *a = user;
	char why[SYSTEM_WHY];

	if (!a->session || a->session->ending)
		return;
	if (client_network_again(&a->network, a->config, why) < 0 || up_again6(a, why) < 0)
		session_close(a->session, PPTP_SYSTEM, why);
	else
		log_info("%s was down, or may have been: its routes are there", a->network.dev);
}

static void on_device_gone(void *user)
{
	struct attempt *a = user;
	struct session *s = a->session;
	char why[SYSTEM_WHY];

	if (!s || s->ending || !s->dp || tun_lives(a->network.tun_fd))
		return;
	if (client_network_renew(&a->network, a->config, why) < 0 ||
		(s->ipv4_prepared && client_network_up(&a->network, a->config, a->server.sin_addr,
					     &s->net, fitting_mtu(a, s), why) < 0) ||
		up_again6(a, why) < 0) {
		session_close(s, PPTP_SYSTEM, why);
		return;
	}
	dataplane_inner_renewed(a->hub.dp);
	devwatch_follow(a->watch, a->network.dev);
	log_warning("somebody removed the tunnel's device %s: there is a new one", a->network.dev);
}

static void on_routes(void *user)
{
	struct attempt *a = user;

	/* While there was none, the path was found to lead through the tunnel. */
	if (a->session && client_network_reroute(&a->network, a->server.sin_addr) && a->session->dp)
		mtu_update(a->session);
}

static const struct devwatch_ops watch_ops = {
	.up = on_device_up,
	.gone = on_device_gone,
	.routes = on_routes,
};

/* ---- the session */

static int on_up(struct session *s, char *why)
{
	struct attempt *a = s->owner;
	struct in_addr everything = { 0 };

	if (dp_session_add_route(a->hub.dp, s->dp, everything, 0) < 0) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	return client_network_up(
		&a->network, a->config, a->server.sin_addr, &s->net, fitting_mtu(a, s), why);
}

static int on_up6(struct session *s, char *why)
{
	static const uint8_t everything[ND_ADDRESS];
	struct attempt *a = s->owner;
	unsigned int mtu = fitting_mtu(a, s);

	if (mtu < SETTINGS_IPV6_MTU) {
		snprintf(why, SYSTEM_WHY, "the path carries packets of %u octets only", mtu);
		return -1;
	}
	if (dp_session_add_route6(a->hub.dp, s->dp, everything, 0) < 0) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	return client_ipv6_up(&a->network, a->config, s->net.local_id, mtu, why);
}

static void on_learn6(struct session *s, const struct nd_advertisement *ra)
{
	struct attempt *a = s->owner;

	client_ipv6_learn(&a->network, a->config, s->ipv6.local_id, ra);
}

/* Routes stay from here until all is over, also while data has to wait: nothing leaks past the
 * tunnel. */
static void on_opened(struct session *s)
{
	struct attempt *a = s->owner;

	a->was_up = true;
	a->watch = devwatch_open(a->loop, a->network.dev, &watch_ops, a);
	a->ops->up(a);
}

static void on_new_password(struct session *s, bool changed)
{
	struct attempt *a = s->owner;

	a->ops->new_password(a, changed);
}

static void on_gone(struct session *s, enum pptp_reason reason, const char *detail)
{
	struct attempt *a = s->owner;

	note_end(a, reason, detail);
	a->session = NULL;
	if (a->connection_open)
		connection_stop(&a->connection, reason);
	finish_if_over(a);
}

static const struct session_ops session_ops = {
	.new_password = on_new_password,
	.up = on_up,
	.up6 = on_up6,
	.learn6 = on_learn6,
	.opened = on_opened,
	.gone = on_gone,
};

static void on_established(struct connection *c)
{
	struct attempt *a = c->owner;
	char why[SYSTEM_WHY] = "";

	if (a->ended)
		return;
	if (!a->gre_connected && client_network_connect(&a->network, a->server.sin_addr, why) < 0) {
		note_end(a, PPTP_SYSTEM, why);
		connection_stop(c, PPTP_SYSTEM);
		return;
	}
	if (a->config->incoming)
		a->session = session_offer(&a->hub, c, &a->config->session.call, NULL,
			&a->config->session, &session_ops, a);
	else
		a->session = session_dial(&a->hub, c, &a->config->session, &session_ops, a);
	if (!a->session) {
		note_end(a, PPTP_NO_RESOURCES, "the call could not be placed");
		connection_stop(c, PPTP_NO_RESOURCES);
	}
}

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	struct attempt *a = c->owner;

	/* A call that is ending knows the better reason: its parts take a moment longer. */
	if (!a->session)
		note_end(a, reason, detail);
	a->connection_open = false;
	finish_if_over(a);
}

static const struct connection_ops connection_ops = {
	.established = on_established,
	.closed = on_closed,
};

struct attempt *attempt_new(uv_loop_t *loop, const struct client_config *config,
	const struct sockaddr_in *server, const struct attempt_ops *ops, void *owner, char *why)
{
	struct attempt *a = calloc(1, sizeof(*a));
	struct dp_config dp = {
		.report_too_big = true,
		.clamp_mss = config->clamp_mss,
		.fragment_outer = config->fragment,
	};
	struct datapath_config datapath = { .mode = config->datapath, .peer = server->sin_addr };

	if (!a) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return NULL;
	}
	a->loop = loop;
	a->config = config;
	a->ops = ops;
	a->owner = owner;
	a->server = *server;
	if (client_network_open(&a->network, config, why) < 0) {
		free(a);
		return NULL;
	}
	/* Before a worker reads it, so that none sees what is another tunnel's; if there is no way to the
	 * server yet, when there is one. */
	a->gre_connected = client_network_connect(&a->network, server->sin_addr, why) == 0;
	dp.inner_fd = a->network.tun_fd;
	dp.inner_offload = hub_offload(&a->network.offload);
	dp.gre_fd = datapath.gre_fd = a->network.gre_fd;
	if (hub_init(&a->hub, loop, &dp, &datapath, why) < 0) {
		client_network_close(&a->network);
		free(a);
		return NULL;
	}
	a->connection_open = true;
	if (connection_dial(&a->connection, &a->hub.timers, server, config->connect_timeout,
		    &config->control, &connection_ops, a) < 0) {
		a->connection_open = false;
		note_end(a, PPTP_NO_RESOURCES, "no descriptor for the TCP connection");
		finish_if_over(a);
	}
	return a;
}

void attempt_stop(struct attempt *a, enum pptp_reason reason)
{
	note_end(a, reason, "");
	if (a->session)
		session_close(a->session, reason, "");
	else if (a->connection_open)
		connection_stop(&a->connection, reason);
}

void attempt_abort(struct attempt *a)
{
	if (a->connection_open)
		connection_abort(&a->connection, a->reason);
}
