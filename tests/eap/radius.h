/*
 * RADIUS as far as EAP over it needs it (RFC 2865, RFC 2548 2.4, RFC 3579), for the tests: packets in
 * memory, both ends. A packet that is not whole, or not signed by the secret, is not decoded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADIUS_MAX    4096
#define RADIUS_EAP    2048 /* all EAP-Message attributes of a packet */
#define RADIUS_HALF   32   /* the longest MS-MPPE key */
#define RADIUS_STRING 253

enum { RADIUS_REQUEST = 1, RADIUS_ACCEPT = 2, RADIUS_REJECT = 3, RADIUS_CHALLENGE = 11 };

struct radius {
	uint8_t code, identifier;
	uint8_t authenticator[16];
	uint8_t user_len, user[RADIUS_STRING];
	uint8_t state_len, state[RADIUS_STRING];
	size_t eap_len;
	uint8_t eap[RADIUS_EAP];
	/* MS-MPPE-Recv-Key and MS-MPPE-Send-Key, in clear. */
	uint8_t recv_len, recv[RADIUS_HALF];
	uint8_t send_len, send[RADIUS_HALF];
};

/*
 * A packet in `out`, signed; its length, or 0 if it does not fit. `request`: the authenticator of the
 * request that it answers; of a request it is random, in p->authenticator.
 */
size_t radius_encode(const struct radius *p, const char *secret, const uint8_t request[16],
	uint8_t out[RADIUS_MAX]);
/* 0 or -EBADMSG, likewise. */
int radius_decode(struct radius *p, const char *secret, const uint8_t request[16],
	const uint8_t *packet, size_t len);
