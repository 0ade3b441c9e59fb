/*
 * What a server says in PPP while a link is negotiated, as far as it tells why that fails: results of
 * authentication (RFC 1334, 1994, 2433, 2759), what it wants of MPPE (RFC 3078 section 2). Frames in,
 * facts out; from a live session or from anywhere else. No system calls.
 */
#pragma once

#include "lib/mppe/mppe.h"
#include "lib/ppp/link.h"
#include "tools/doctor/finding.h"

struct said {
	bool lcp_heard;      /* any packet of LCP */
	bool lcp_answered;   /* one that is not just a request of its own */
	bool auth_sent;      /* we have shown what we know */
	bool auth_succeeded; /* it says so */
	bool auth_failed;
	unsigned int error;  /* E= of the failure; 0 none */
	char message[80];    /* its words, printable; "" none */
	bool ccp_rejected;   /* the protocol altogether, or MPPE in it */
	uint32_t mppe_bits;  /* CCP's option 18 as the server wants it, all that came; 0 none */
	bool ipcp_rejected;  /* the protocol altogether */
	char terminated[80]; /* the words of its LCP Terminate-Request, printable; "" none */
};

/* A control frame (protocol and information field), sent by us or received. */
void said_frame(struct said *s, bool sent, uint16_t protocol, const uint8_t *data, size_t len);

/*
 * Why a link ended with `reason`, more exactly than the reason alone can tell. `detail`: the link's
 * own words ("" none). `policy`: what was wanted of MPPE. Writes `evidence` (FINDING_EVIDENCE bytes).
 */
enum finding_id said_judge(const struct said *s, enum pptp_reason reason, const char *detail,
	const struct ppp_mppe_config *policy, char *evidence);

/* "40 bits, 128 bits, stateless": CCP's bits in words. */
void said_mppe_words(uint32_t bits, char *out, size_t size);
