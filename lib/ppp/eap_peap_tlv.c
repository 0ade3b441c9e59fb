/* PEAPv0's TLVs and compound keys. See eap_peap_tlv.h. */
#include "lib/ppp/eap_peap_tlv.h"

#include "lib/ppp/mschap.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <string.h>

#define MANDATORY 0x8000
#define TYPE_MASK 0x3fff
#define MAC_AT    40 /* in the TLV */

enum { TLV_RESULT = 3, TLV_CRYPTO_BINDING = 12 };

static int decode_result(struct peap_tlvs *t, struct wire_reader *value)
{
	uint16_t result = wire_u16(value);

	if (value->failed || wire_left(value) || t->result != PEAP_NO_RESULT)
		return -EBADMSG;
	if (result != PEAP_SUCCESS && result != PEAP_FAILURE)
		return -EBADMSG;
	t->result = (enum peap_result)result;
	return 0;
}

static int decode_binding(struct peap_tlvs *t, const struct wire_reader *value)
{
	if (wire_left(value) != PEAP_BINDING_LEN - 4 || t->has_binding)
		return -EBADMSG;
	t->has_binding = true;
	memcpy(t->binding, value->pos - 4, sizeof(t->binding));
	return 0;
}

int peap_decode_tlvs(struct peap_tlvs *t, struct wire_reader *in)
{
	memset(t, 0, sizeof(*t));
	while (wire_left(in)) {
		uint16_t type = wire_u16(in), len = wire_u16(in);
		struct wire_reader value = wire_sub(in, len);
		int rc = 0;

		if (in->failed)
			return -EBADMSG;
		if ((type & TYPE_MASK) == TLV_RESULT)
			rc = decode_result(t, &value);
		else if ((type & TYPE_MASK) == TLV_CRYPTO_BINDING)
			rc = decode_binding(t, &value);
		else if (type & MANDATORY)
			t->mandatory = true;
		if (rc)
			return rc;
	}
	return in->failed ? -EBADMSG : 0;
}

void peap_put_result(struct wire_writer *w, enum peap_result result)
{
	wire_put_u16(w, MANDATORY | TLV_RESULT);
	wire_put_u16(w, 2);
	wire_put_u16(w, (uint16_t)result);
}

/*
 * PRF+ of [MS-PEAP]: T(n) = HMAC-SHA1(key, T(n-1) | label | seed | n | 0 | 0). `len` is a multiple of
 * nothing in particular, at most 255 blocks.
 */
static void prf_plus(const uint8_t key[40], const char *label, const uint8_t *seed, size_t seed_len,
	uint8_t *out, size_t len)
{
	uint8_t block[SHA1_DIGEST_SIZE], count[3] = { 0 };
	struct hmac_sha1_ctx ctx;

	for (size_t done = 0; done < len; done += sizeof(block)) {
		size_t n = len - done < sizeof(block) ? len - done : sizeof(block);

		count[0]++;
		hmac_sha1_set_key(&ctx, 40, key);
		if (done)
			hmac_sha1_update(&ctx, sizeof(block), block);
		hmac_sha1_update(&ctx, strlen(label), (const uint8_t *)label);
		hmac_sha1_update(&ctx, seed_len, seed);
		hmac_sha1_update(&ctx, sizeof(count), count);
		hmac_sha1_digest(&ctx, sizeof(block), block);
		memcpy(out + done, block, n);
	}
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(block, sizeof(block));
}

/* The key inside is the MSK of EAP-MSCHAPv2: what the server receives with, then what it sends with. */
void peap_keys_derive(struct peap_keys *k, const uint8_t msk[64], const struct mppe_material *inner)
{
	uint8_t isk[32] = { 0 }, out[60];

	if (mppe_material_has(inner, MPPE_128)) {
		mppe_material_start(inner, MPPE_128, false, isk);
		mppe_material_start(inner, MPPE_128, true, isk + 16);
	}
	prf_plus(msk, "Inner Methods Compound Keys", isk, sizeof(isk), out, sizeof(out));
	memcpy(k->ipmk, out, sizeof(k->ipmk));
	memcpy(k->cmk, out + sizeof(k->ipmk), sizeof(k->cmk));
	explicit_bzero(isk, sizeof(isk));
	explicit_bzero(out, sizeof(out));
}

/* Here, unlike there, the label ends with a NUL. */
void peap_keys_session(const struct peap_keys *k, uint8_t msk[64])
{
	static const uint8_t nul[1];

	prf_plus(k->ipmk, "Session Key Generating Function", nul, sizeof(nul), msk, 64);
}

/* Over the TLV with zeros in the place of the MAC, and EAP's type. */
static void compound_mac(
	const struct peap_keys *k, const uint8_t tlv[PEAP_BINDING_LEN], uint8_t mac[20])
{
	uint8_t text[PEAP_BINDING_LEN + 1];
	struct hmac_sha1_ctx ctx;

	memcpy(text, tlv, MAC_AT);
	memset(text + MAC_AT, 0, SHA1_DIGEST_SIZE);
	text[PEAP_BINDING_LEN] = PEAP_TYPE;
	hmac_sha1_set_key(&ctx, sizeof(k->cmk), k->cmk);
	hmac_sha1_update(&ctx, sizeof(text), text);
	hmac_sha1_digest(&ctx, SHA1_DIGEST_SIZE, mac);
	explicit_bzero(&ctx, sizeof(ctx));
}

void peap_put_binding(struct wire_writer *w, const struct peap_keys *k, enum peap_subtype subtype,
	const uint8_t nonce[PEAP_NONCE_LEN])
{
	uint8_t tlv[PEAP_BINDING_LEN];
	struct wire_writer t = wire_writer(tlv, sizeof(tlv));

	wire_put_u16(&t, TLV_CRYPTO_BINDING);
	wire_put_u16(&t, PEAP_BINDING_LEN - 4);
	wire_put_u8(&t, 0);
	wire_put_u8(&t, 0); /* our version, and the other end's: 0 is all that is spoken */
	wire_put_u8(&t, 0);
	wire_put_u8(&t, (uint8_t)subtype);
	wire_put_bytes(&t, nonce, PEAP_NONCE_LEN);
	compound_mac(k, tlv, tlv + MAC_AT);
	wire_put_bytes(w, tlv, sizeof(tlv));
}

bool peap_binding_fits(
	const struct peap_keys *k, enum peap_subtype subtype, const struct peap_tlvs *t)
{
	uint8_t mac[20];

	if (!t->has_binding || t->binding[7] != subtype)
		return false;
	compound_mac(k, t->binding, mac);
	return mschap_equal(mac, t->binding + MAC_AT, sizeof(mac));
}
