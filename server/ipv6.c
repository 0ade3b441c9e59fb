/* IPv6 of the server's calls: see ipv6.h. */
#include "server/ipv6.h"

#include "server/server_internal.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* RFC 4861 6.2.1; a session comes back with another prefix, so the old one must not last. */
#define ROUTER_LIFETIME 1800 /* s */
#define PREFERRED       1800
#define VALID           3600
#define HOP_LIMIT       64

const uint8_t server_identifier[8] = { [7] = 1 };

static struct server *server_of(const struct session *s)
{
	return s->owner;
}

bool server_may_have(struct session *s, const uint8_t identifier[8])
{
	const struct dp_session *holder;
	uint8_t address[ND_ADDRESS];

	nd_link_local(address, identifier);
	holder = dp_route6_holder(server_of(s)->hub.dp, address, 128);
	return !holder || holder == s->dp;
}

static int add_route(struct session *s, const uint8_t prefix[16], unsigned int len, char *why)
{
	int err = dp_session_add_route6(server_of(s)->hub.dp, s->dp, prefix, len);
	char text[INET6_ADDRSTRLEN];

	if (err == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "no route for %s/%u in the data plane: %s",
		inet_ntop(AF_INET6, prefix, text, sizeof(text)), len,
		err == -EEXIST ? "another session has it" : "out of memory");
	return -1;
}

static void advertise(struct session *s, const uint8_t prefix[16])
{
	const struct server_config *config = &server_of(s)->config;
	struct nd_advertisement *ra = &s->ipv6.nd->advertise;

	ra->hop_limit = HOP_LIMIT;
	ra->router_lifetime = config->forward ? ROUTER_LIFETIME : 0;
	ra->prefix_count = 1;
	ra->prefixes[0] = (struct nd_prefix){
		.len = PREFIX_LEN,
		.on_link = true,
		.autonomous = true,
		.valid = VALID,
		.preferred = PREFERRED,
	};
	memcpy(ra->prefixes[0].prefix, prefix, ND_ADDRESS);
	ra->dns_count = config->dns6_count;
	ra->dns_lifetime = ROUTER_LIFETIME;
	memcpy(ra->dns, config->dns6, sizeof(ra->dns));
}

int server_up6(struct session *s, char *why)
{
	struct server *server = server_of(s);
	uint8_t address[ND_ADDRESS];
	char text[INET6_ADDRSTRLEN];

	nd_link_local(address, s->net.remote_id);
	if (add_route(s, address, 128, why) < 0)
		return -1;
	if (!server->config.pool6.range_count)
		return 0; /* link-local addresses only */
	if (!prefix_pool_take(&server->config.pool6, address)) {
		server->pool6_empty++;
		snprintf(why, SYSTEM_WHY, "no free prefix: the %u of pool6 are all in use",
			server->config.pool6.size - 1);
		return -1;
	}
	if (add_route(s, address, PREFIX_LEN, why) < 0) {
		prefix_pool_give_back(&server->config.pool6, address);
		return -1;
	}
	advertise(s, address);
	log_about(LOG_INFO, s->subject, "IPv6: prefix %s/%d",
		inet_ntop(AF_INET6, address, text, sizeof(text)), PREFIX_LEN);
	return 0;
}

void server_gone6(struct session *s)
{
	struct nd_advertisement *ra = s->ipv6.nd ? &s->ipv6.nd->advertise : NULL;

	if (!ra || !ra->prefix_count)
		return;
	prefix_pool_give_back(&server_of(s)->config.pool6, ra->prefixes[0].prefix);
	ra->prefix_count = 0;
}
