/*
 * IPV6CP: RFC 5072 sections 3 and 4. Interface identifiers only; IPv6-Compression-Protocol (RFC
 * 5172) is rejected.
 *
 * Identifiers are 8 octets as they stand in the option and in an address, never numbers: there is
 * no byte order to get wrong.
 *
 * Invariants: when it is open both identifiers are there, neither is zero, and they differ. An end
 * with an identifier that it keeps (a server's, whose device has one address for all sessions)
 * never takes another.
 */
#pragma once

#include "lib/ppp/cp.h"

#define IPV6CP_IDENTIFIER 8

enum ipv6cp_option {
	IPV6CP_INTERFACE_IDENTIFIER = 1, /* RFC 5072 4.1 */
	IPV6CP_COMPRESSION = 2,
};

struct ipv6cp_config {
	uint8_t identifier[IPV6CP_IDENTIFIER]; /* ours; zero: a random one, and a better one where
						  the peer knows one */
	/* May the peer have this identifier? If not, it is told another, a random one. NULL: any. */
	bool (*may_have)(void *user, const uint8_t identifier[IPV6CP_IDENTIFIER]);
};

struct ipv6cp {
	struct cp cp;
	struct ipv6cp_config config;
	uint8_t mine[IPV6CP_IDENTIFIER];
	uint8_t peer[IPV6CP_IDENTIFIER], staged[IPV6CP_IDENTIFIER];
	uint8_t suggested[IPV6CP_IDENTIFIER]; /* in our last Configure-Nak; zero: none */
	bool listed, rejected;                /* of the peer's request */
	uint8_t missing;                      /* requests without an identifier that we refused */
	uint8_t naked;                        /* Naks that did not bring us further */
};

void ipv6cp_init(struct ipv6cp *i, const struct ipv6cp_config *config, const struct cp_host *host,
	void *user);
void ipv6cp_start(struct ipv6cp *i, uint64_t now);

/* Sets local_id and remote_id: what was agreed on if it is open, zero otherwise. */
void ipv6cp_network(const struct ipv6cp *i, struct ppp_network *net);
