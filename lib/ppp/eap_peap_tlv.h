/*
 * What PEAPv0 says in TLVs, inside of TLS ([MS-PEAP] 2.2.8.1): the result, and the proof that TLS and
 * the method inside end at the same peer (Crypto-Binding). And the keys that come of both. Packets
 * and computations only, no state.
 *
 *	M and R bits, type (14 bits) | length | value
 */
#pragma once

#include "lib/mppe/keys.h"
#include "lib/wire.h"

#define PEAP_TYPE     25
#define PEAP_TLV_TYPE 33 /* EAP's type of a packet with TLVs */

enum peap_result { PEAP_NO_RESULT, PEAP_SUCCESS = 1, PEAP_FAILURE = 2 };
enum peap_subtype { PEAP_BIND_REQUEST = 0, PEAP_BIND_RESPONSE = 1 };

#define PEAP_BINDING_LEN 60 /* of the whole TLV */
#define PEAP_NONCE_LEN   32

struct peap_tlvs {
	enum peap_result result;
	bool mandatory; /* one that we do not know is mandatory */
	bool has_binding;
	uint8_t binding[PEAP_BINDING_LEN]; /* the TLV, with its header */
};

/*
 * Whole TLVs, all of them. -EBADMSG: one is cut short or has not its length, a result or binding
 * comes twice, or a result is neither success nor failure.
 */
int peap_decode_tlvs(struct peap_tlvs *t, struct wire_reader *in);
void peap_put_result(struct wire_writer *w, enum peap_result result);

/* [MS-PEAP] 3.1.5.5. */
struct peap_keys {
	uint8_t ipmk[40], cmk[20];
};
/*
 * From the tunnel's key (its first 40 octets count) and what the method inside has left: its two
 * start keys at 128 bits, zeros if it has none.
 */
void peap_keys_derive(
	struct peap_keys *k, const uint8_t msk[64], const struct mppe_material *inner);
/* The MSK that takes the place of the tunnel's. */
void peap_keys_session(const struct peap_keys *k, uint8_t msk[64]);

/* A Crypto-Binding, version 0. */
void peap_put_binding(struct wire_writer *w, const struct peap_keys *k, enum peap_subtype subtype,
	const uint8_t nonce[PEAP_NONCE_LEN]);
/* Is it one of that kind, by someone with these keys? Constant time. */
bool peap_binding_fits(
	const struct peap_keys *k, enum peap_subtype subtype, const struct peap_tlvs *t);
