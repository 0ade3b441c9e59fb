/* Between lcp.c (the negotiation) and lcp_codes.c (the other codes). */
#pragma once

#include "lib/ppp/lcp.h"

#include <stddef.h>

static inline struct lcp *lcp_of(struct cp *cp)
{
	return (struct lcp *)(void *)((char *)cp - offsetof(struct lcp, cp));
}

/* cp_protocol's. */
bool lcp_extended(struct cp *cp, const struct cp_packet *packet, uint64_t now);
void lcp_code_rejected(struct cp *cp, uint8_t code);

/* When an Echo-Request is due; UINT64_MAX: never. */
uint64_t lcp_echo_deadline(const struct lcp *lcp);
void lcp_send_echo(struct lcp *lcp, uint64_t now);
