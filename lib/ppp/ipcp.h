/*
 * IPCP: RFC 1332 (address, Van Jacobson compression), RFC 1877 (DNS and NBNS servers).
 *
 * The server says its own address and gives the peer the assigned one: no other is accepted. The
 * client takes what it is given, but not 0.0.0.0. The deprecated IP-Addresses option is rejected.
 *
 * Van Jacobson compression is asked for (what the peer is to send) and granted (what we may send)
 * where it is allowed, each direction by itself; otherwise rejected, as the older forms of its option
 * are (RFC 1172; four octets, 0037 or 002d).
 */
#pragma once

#include "lib/ppp/cp.h"

enum ipcp_option {
	IPCP_ADDRESSES = 1,   /* RFC 1332 3.1: deprecated */
	IPCP_COMPRESSION = 2, /* RFC 1332 3.2 and 4.1 */
	IPCP_ADDRESS = 3,     /* RFC 1332 3.3 */
	IPCP_DNS1 = 129,      /* RFC 1877 1.1 to 1.4 */
	IPCP_NBNS1 = 130,
	IPCP_DNS2 = 131,
	IPCP_NBNS2 = 132,
};

/* Index of the values below: the address, then 129 to 132 in that order. */
#define IPCP_VALUES 5

struct ipcp_config {
	enum ppp_role role;
	bool want_dns;          /* client */
	bool vj;                /* Van Jacobson compression is allowed */
	struct ppp_network net; /* server: what to give; client: local is what it wants, or 0 */
};

struct ipcp {
	struct cp cp;
	struct ipcp_config config;
	uint32_t mine[IPCP_VALUES]; /* of our request; network byte order, as all addresses here */
	uint8_t ask;                /* 1 << index: those that are in it */
	uint32_t remote, staged;    /* the peer's address by its request */
	bool address_listed, address_rejected;
	uint8_t missing; /* requests without an address that we refused */
	uint8_t naked[IPCP_VALUES];
	/* Van Jacobson: slots of our request (0: not in it), of the peer's (0: it does not want
	 * it); may the slot be left out in what we receive? */
	uint8_t vj_rx, vj_tx, vj_staged;
	bool vj_omit;
	uint8_t vj_naked;
};

void ipcp_init(struct ipcp *ipcp, const struct ipcp_config *config, const struct cp_host *host,
	void *user);
void ipcp_start(struct ipcp *ipcp, uint64_t now);

/* What was agreed on, when open. (And vj_rx, vj_tx.) */
void ipcp_network(const struct ipcp *ipcp, struct ppp_network *net);
