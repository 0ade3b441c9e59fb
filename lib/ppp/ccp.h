/*
 * CCP (RFC 1962 sections 2 to 4; 4.1, OUI, is rejected): MPPE (option 18, RFC 3078 section 2) with or without MPPC in it, or, on a link
 * without encryption, one method of compression for each direction (ccp_codec.h). MPPE is never
 * given up for compression.
 *
 * Our request says what we want to receive, the peer's what it wants to receive: rx comes from our
 * acknowledged request, tx from the peer's. rx is switched on before our Configure-Ack goes out,
 * because the peer may send encrypted data as soon as it has that (and our Ack of its Ack does not
 * exist); tx when CCP is open.
 *
 * Reset-Request is answered by Reset-Ack: RFC 3078 8.2 does without, but RFC 1962 3.1 wants it and
 * Linux' pppd holds further Reset-Requests back for a second while it waits for one. Never again if
 * the peer rejects the code.
 */
#pragma once

#include "lib/mppe/mppe.h"
#include "lib/ppp/ccp_codec.h"
#include "lib/ppp/cp.h"

#define CCP_OBSOLETE  0x00000010u
#define CCP_40        0x00000020u
#define CCP_128       0x00000040u
#define CCP_56        0x00000080u
#define CCP_STATELESS 0x01000000u

struct ccp_ops {
	/* A direction on, or off (NULL). */
	void (*rx)(void *user, const struct mppe_params *params);
	void (*tx)(void *user, const struct mppe_params *params);
	void (*reset)(void *user); /* the peer wants FLUSHED on the next packet */
	/* Compression of a direction on, or off (NULL). May be NULL where ccp_allow() is not used. */
	void (*unpack)(void *user, const struct codec_params *params);
	void (*pack)(void *user, const struct codec_params *params);
};

struct ccp {
	struct cp cp;
	const struct ccp_ops *ops;
	struct ppp_mppe_config config;
	uint32_t ask;          /* option 18 of our request; 0: not in it */
	uint32_t peer, staged; /* of the peer's; 0 none */
	struct mppe_params rx, tx;
	bool rx_on, tx_on;
	bool encrypt;                                 /* by MPPE */
	bool mppc;                                    /* allowed under it */
	struct ppp_compress_list allowed;             /* without it */
	struct codec_params offers[PPP_COMPRESS_MAX]; /* of our request */
	unsigned int offer_count;
	uint16_t limit;                               /* of what is received */
	struct codec_params codec_peer, codec_staged; /* of the peer's request */
	struct codec_params unpack, pack;             /* in force */
	bool listed;                                  /* the request at hand has the option */
	bool no_reset_request, no_reset_ack;          /* codes that the peer rejected */
	uint8_t reset_id; /* of the Reset-Request that waits for its Ack */
	bool reset_waiting;
	uint8_t peer_naks; /* that we could not follow */
	uint8_t missing;   /* requests without the option that we refused */
};

/* `config` with policy PREFER or REQUIRE, and at least one strength and one mode; or OFF. */
void ccp_init(struct ccp *ccp, const struct ppp_mppe_config *config, const struct ccp_ops *ops,
	const struct cp_host *host, void *user);
/*
 * Compression that is allowed, the one that is liked best first; after ccp_init(). With MPPE only MPPC
 * counts. With a policy of OFF it is all that is negotiated. `limit`: the MRU that holds for us.
 */
void ccp_allow(struct ccp *ccp, const struct ppp_compress_list *list, uint16_t limit);
void ccp_start(struct ccp *ccp, uint64_t now);
/* Anew, from Opened or while negotiating: the keys start again from the first. */
void ccp_restart(struct ccp *ccp, uint64_t now);
/* To be called by the owner on CP_UP, and on CP_DOWN and CP_FAILED (data has been stopped): the
 * keys. */
void ccp_up(struct ccp *ccp);
void ccp_down(struct ccp *ccp);
void ccp_want_reset(struct ccp *ccp);

/*
 * Answers a packet where CCP is not wanted, without any state: Configure-Reject of every option,
 * Terminate-Ack. false if the peer asks for CCP with nothing left in it: then Protocol-Reject is
 * the answer.
 */
bool ccp_refuse(struct ccp *ccp, const uint8_t *packet, size_t len);
