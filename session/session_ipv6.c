/*
 * IPv6 in a session (RFC 5072, RFC 4861): between the link, which agrees on interface identifiers,
 * the data plane, and lib/nd, which advertises (server) or asks and learns (client). Link-local
 * packets other than these are the kernels' of both ends, whose devices have the addresses.
 *
 * Whatever fails here costs a session its IPv6, nothing else.
 */
#include "session/session_internal.h"

#include "lib/ppp/frame.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/tun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MTU_MIN 1280 /* RFC 8200 section 5 */

static void on_send(void *user, const uint8_t *packet, size_t len)
{
	struct session *s = user;

	if (s->dp)
		(void)dp_session_send(s->hub->dp, s->dp, PPP_IPV6, packet, len);
}

static void on_random(void *user, void *buf, size_t len)
{
	(void)user;
	random_bytes(buf, len);
}

static void on_learn(void *user, const struct nd_advertisement *ra)
{
	struct session *s = user;

	s->ipv6.nd->advertise = *ra;
	if (s->ops->learn6)
		s->ops->learn6(s, ra);
}

static const struct nd_ops nd_ops = {
	.send = on_send,
	.random = on_random,
	.learn = on_learn,
};

/* Of a client that sends no identifier in its Configure-Request there is none to ask for. */
bool session_ipv6_may_have(struct session *s, const uint8_t identifier[8])
{
	/* Its own, negotiated again. */
	if (s->ipv6.prepared && !memcmp(identifier, s->ipv6.remote_id, sizeof(s->ipv6.remote_id)))
		return true;
	return !s->ops->may_have || s->ops->may_have(s, identifier);
}

static bool is_prepared(struct session *s, const struct ppp_network *net)
{
	struct session_ipv6 *ip = &s->ipv6;
	char why[SYSTEM_WHY] = "";

	if (ip->refused)
		return false;
	if (ip->prepared) {
		if (!memcmp(net->local_id, ip->local_id, sizeof(ip->local_id)) &&
			!memcmp(net->remote_id, ip->remote_id, sizeof(ip->remote_id)))
			return true;
		log_about(LOG_WARNING, s->subject,
			"no IPv6 any more: the peer changed the interface identifiers");
		ip->refused = true;
		return false;
	}
	memcpy(ip->local_id, net->local_id, sizeof(ip->local_id));
	memcpy(ip->remote_id, net->remote_id, sizeof(ip->remote_id));
	memcpy(s->net.local_id, net->local_id, sizeof(ip->local_id));
	memcpy(s->net.remote_id, net->remote_id, sizeof(ip->remote_id));
	if (!ip->nd)
		ip->nd = calloc(1, sizeof(*ip->nd));
	if (!ip->nd)
		snprintf(why, sizeof(why), "out of memory");
	if (!ip->nd || !s->ops->up6 || s->ops->up6(s, why) < 0) {
		log_about(LOG_WARNING, s->subject, "no IPv6: %s", why);
		ip->refused = true;
		return false;
	}
	if (dp_session_largest(s->dp) < MTU_MIN)
		log_about(LOG_WARNING, s->subject,
			"IPv6 needs packets of %d octets, and only %u fit: larger ones are lost",
			MTU_MIN, dp_session_largest(s->dp));
	ip->prepared = true;
	return true;
}

static void start_discovery(struct session *s)
{
	struct session_ipv6 *ip = &s->ipv6;
	unsigned int mtu = dp_session_largest(s->dp);
	uint8_t source[ND_ADDRESS];

	nd_link_local(source, ip->local_id);
	if (s->config->link.role == PPP_CLIENT) {
		nd_host_start(&ip->nd->host, source, &nd_ops, s, clock_now());
		return;
	}
	ip->nd->advertise.mtu = mtu > MTU_MIN ? mtu : MTU_MIN;
	if (ip->nd->advertise.prefix_count)
		nd_router_start(
			&ip->nd->router, &ip->nd->advertise, source, &nd_ops, s, clock_now());
}

void session_ipv6_up(struct session *s, const struct ppp_network *net)
{
	if (s->ending || !is_prepared(s, net))
		return;
	s->ipv6.up = true;
	dp_session_open6(s->hub->dp, s->dp, true);
	session_data_is_up(s);
	start_discovery(s);
}

void session_ipv6_down(struct session *s)
{
	struct session_ipv6 *ip = &s->ipv6;

	if (!ip->up)
		return;
	ip->up = false;
	s->is_up = s->ipv4_up;
	nd_host_stop(&ip->nd->host);
	nd_router_stop(&ip->nd->router);
	dp_session_open6(s->hub->dp, s->dp, false);
}

void session_ipv6_receive(struct session *s, const uint8_t *packet, size_t len)
{
	if (!s->ipv6.up)
		return;
	nd_router_receive(&s->ipv6.nd->router, packet, len, clock_now());
	nd_host_receive(&s->ipv6.nd->host, packet, len, clock_now());
}

void session_ipv6_tick(struct session *s, uint64_t now)
{
	if (!s->ipv6.up)
		return;
	nd_router_tick(&s->ipv6.nd->router, now);
	nd_host_tick(&s->ipv6.nd->host, now);
}

uint64_t session_ipv6_deadline(const struct session *s)
{
	uint64_t router, host;

	if (!s->ipv6.up)
		return UINT64_MAX;
	router = nd_router_deadline(&s->ipv6.nd->router);
	host = nd_host_deadline(&s->ipv6.nd->host);
	return router < host ? router : host;
}
