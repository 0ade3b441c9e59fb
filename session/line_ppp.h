/*
 * The line that is our own PPP stack, for VPN use: the far end of the "telephone line" is this machine. Owns the PPP
 * link (lib/ppp/link), the keys, and the time without any GRE packet; the tunnel does MPPE and the TUN device's data.
 */
#pragma once

#include "lib/ppp/link.h"
#include "session/line.h"

/* To the session, beside line_user_ops, with the same `user`. See ppp_link_ops. */
struct line_ppp_ops {
	void (*judge)(void *user, const struct ppp_auth_request *request);
	void (*new_password)(void *user, bool changed);        /* client */
	void (*up)(void *user, const struct ppp_network *net); /* again after `down`: mended */
	void (*down)(void *user);
	void (*up6)(void *user, const struct ppp_network *net); /* of IPv6; as above */
	void (*down6)(void *user);
	bool (*may_have)(void *user, const uint8_t identifier[8]);
	/* LCP is open: what a PAC with asynchronous lines has to escape (RFC 2637 2.15), in what it
	 * sends to its line, and what comes from there. */
	void (*escapes)(void *user, uint32_t send_accm, uint32_t receive_accm);
};

/*
 * `gre_timeout` (us; 0: none): no GRE packet at all from the peer for so long after start: over with GRE_SILENT. The
 * config is copied. NULL: out of memory, or the password is none (see ppp_link_new).
 */
struct line *line_ppp_new(
	const struct ppp_link_config *config, uint64_t gre_timeout, const struct line_ppp_ops *ops);

bool line_is_ppp(const struct line *l);

/* The two below: only where line_is_ppp(). */
void line_ppp_verdict(struct line *l, const struct ppp_auth_verdict *verdict,
	const struct ppp_network *net, uint64_t now);
void line_ppp_info(const struct line *l, struct ppp_link_info *info);
