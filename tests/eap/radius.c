/* RADIUS as far as EAP over it needs it. See radius.h. */
#include "tests/eap/radius.h"

#include "lib/ppp/mschap.h"
#include "lib/wire.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>

#define HEADER    20
#define MICROSOFT 311

enum {
	USER_NAME = 1,
	NAS_ADDRESS = 4,
	STATE = 24,
	VENDOR_SPECIFIC = 26,
	EAP_MESSAGE = 79,
	MESSAGE_AUTHENTICATOR = 80,
	MS_SEND_KEY = 16,
	MS_RECV_KEY = 17,
};

static void put(struct wire_writer *w, uint8_t type, const void *value, size_t len)
{
	wire_put_u8(w, type);
	wire_put_u8(w, (uint8_t)(len + 2));
	wire_put_bytes(w, value, len);
}

/* RFC 2548 2.4.2, both directions: `in` is what goes into the next block's key. */
static void cover(const char *secret, const uint8_t request[16], const uint8_t salt[2],
	uint8_t *text, size_t len, bool encrypt)
{
	uint8_t pad[MD5_DIGEST_SIZE], chain[MD5_DIGEST_SIZE];
	struct md5_ctx ctx;

	for (size_t at = 0; at < len; at += sizeof(pad)) {
		md5_init(&ctx);
		md5_update(&ctx, strlen(secret), (const uint8_t *)secret);
		if (at == 0) {
			md5_update(&ctx, 16, request);
			md5_update(&ctx, 2, salt);
		} else {
			md5_update(&ctx, sizeof(chain), chain);
		}
		md5_digest(&ctx, sizeof(pad), pad);
		if (!encrypt)
			memcpy(chain, text + at, sizeof(chain));
		for (size_t i = 0; i < sizeof(pad); i++)
			text[at + i] ^= pad[i];
		if (encrypt)
			memcpy(chain, text + at, sizeof(chain));
	}
}

static void put_key(struct wire_writer *w, uint8_t type, const uint8_t *key, uint8_t len,
	const char *secret, const uint8_t request[16])
{
	const uint8_t salt[2] = { 0x80, type };
	uint8_t text[48] = { len };
	size_t size = (len + 16u) / 16 * 16;

	if (!len)
		return;
	memcpy(text + 1, key, len);
	cover(secret, request, salt, text, size, true);
	wire_put_u8(w, VENDOR_SPECIFIC);
	wire_put_u8(w, (uint8_t)(2 + 4 + 2 + 2 + size));
	wire_put_u32(w, MICROSOFT);
	wire_put_u8(w, type);
	wire_put_u8(w, (uint8_t)(2 + 2 + size));
	wire_put_bytes(w, salt, sizeof(salt));
	wire_put_bytes(w, text, size);
}

static void hmac_of(const char *secret, const uint8_t *packet, size_t len, uint8_t mac[16])
{
	struct hmac_md5_ctx ctx;

	hmac_md5_set_key(&ctx, strlen(secret), (const uint8_t *)secret);
	hmac_md5_update(&ctx, len, packet);
	hmac_md5_digest(&ctx, 16, mac);
}

/* RFC 2865 section 3: of an answer whose authenticator field holds the request's. */
static void response_authenticator(
	const char *secret, const uint8_t *packet, size_t len, uint8_t digest[16])
{
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, len, packet);
	md5_update(&ctx, strlen(secret), (const uint8_t *)secret);
	md5_digest(&ctx, 16, digest);
}

size_t radius_encode(const struct radius *p, const char *secret, const uint8_t request[16],
	uint8_t out[RADIUS_MAX])
{
	struct wire_writer w = wire_writer(out, RADIUS_MAX);
	static const uint8_t local[4] = { 127, 0, 0, 1 };
	uint8_t digest[16];
	size_t at, len;

	wire_put_u8(&w, p->code);
	wire_put_u8(&w, p->identifier);
	wire_put_u16(&w, 0);
	wire_put_bytes(&w, p->code == RADIUS_REQUEST ? p->authenticator : request, 16);
	if (p->user_len)
		put(&w, USER_NAME, p->user, p->user_len);
	if (p->code == RADIUS_REQUEST)
		put(&w, NAS_ADDRESS, local, sizeof(local));
	if (p->state_len)
		put(&w, STATE, p->state, p->state_len);
	for (size_t done = 0; done < p->eap_len; done += RADIUS_STRING) {
		size_t left = p->eap_len - done;

		put(&w, EAP_MESSAGE, p->eap + done, left < RADIUS_STRING ? left : RADIUS_STRING);
	}
	put_key(&w, MS_RECV_KEY, p->recv, p->recv_len, secret, request);
	put_key(&w, MS_SEND_KEY, p->send, p->send_len, secret, request);
	wire_put_u8(&w, MESSAGE_AUTHENTICATOR);
	wire_put_u8(&w, 2 + 16);
	at = wire_written(&w);
	wire_put_zero(&w, 16);
	len = wire_written(&w);
	wire_patch_u16(&w, 2, (uint16_t)len);
	if (w.failed)
		return 0;
	hmac_of(secret, out, len, digest);
	memcpy(out + at, digest, sizeof(digest));
	if (p->code != RADIUS_REQUEST) {
		response_authenticator(secret, out, len, digest);
		memcpy(out + 4, digest, sizeof(digest));
	}
	return len;
}

static int keep(struct wire_reader *value, uint8_t *len, uint8_t bytes[RADIUS_STRING])
{
	*len = (uint8_t)wire_left(value);
	wire_copy(value, bytes, *len);
	return 0;
}

static int decode_key(struct wire_reader *value, const char *secret, const uint8_t request[16],
	uint8_t *len, uint8_t key[RADIUS_HALF])
{
	uint8_t salt[2], text[48];
	size_t size;

	wire_copy(value, salt, sizeof(salt));
	size = wire_left(value);
	if (value->failed || size == 0 || size % 16 || size > sizeof(text))
		return -EBADMSG;
	wire_copy(value, text, size);
	cover(secret, request, salt, text, size, false);
	if (text[0] > RADIUS_HALF || text[0] >= size)
		return -EBADMSG;
	*len = text[0];
	memcpy(key, text + 1, *len);
	return 0;
}

/* Of other vendors, or of other kinds: left out. */
static int decode_vendor(
	struct radius *p, struct wire_reader *value, const char *secret, const uint8_t request[16])
{
	uint32_t vendor = wire_u32(value);
	uint8_t type = wire_u8(value), len = wire_u8(value);

	if (value->failed || vendor != MICROSOFT || len != wire_left(value) + 2)
		return 0;
	if (type == MS_RECV_KEY)
		return decode_key(value, secret, request, &p->recv_len, p->recv);
	if (type == MS_SEND_KEY)
		return decode_key(value, secret, request, &p->send_len, p->send);
	return 0;
}

static int decode_attribute(struct radius *p, uint8_t type, struct wire_reader *value,
	const char *secret, const uint8_t request[16])
{
	size_t len = wire_left(value);

	switch (type) {
	case USER_NAME:
		return keep(value, &p->user_len, p->user);
	case STATE:
		return keep(value, &p->state_len, p->state);
	case VENDOR_SPECIFIC:
		return decode_vendor(p, value, secret, request);
	case EAP_MESSAGE:
		if (p->eap_len + len > sizeof(p->eap))
			return -EBADMSG;
		wire_copy(value, p->eap + p->eap_len, len);
		p->eap_len += len;
		return 0;
	default:
		return 0;
	}
}

/* RFC 3579 3.2: over the packet with the request's authenticator, and zeros in its own place. */
static bool is_signed(const char *secret, const uint8_t request[16], const uint8_t *packet,
	size_t len, size_t at, bool answer)
{
	uint8_t copy[RADIUS_MAX], mac[16], digest[16];

	memcpy(copy, packet, len);
	if (answer)
		memcpy(copy + 4, request, 16);
	response_authenticator(secret, copy, len, digest);
	if (answer && !mschap_equal(digest, packet + 4, sizeof(digest)))
		return false;
	memset(copy + at, 0, sizeof(mac));
	hmac_of(secret, copy, len, mac);
	return mschap_equal(mac, packet + at, sizeof(mac));
}

int radius_decode(struct radius *p, const char *secret, const uint8_t request[16],
	const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_reader(packet, len);
	size_t signed_at = 0;

	memset(p, 0, sizeof(*p));
	p->code = wire_u8(&r);
	p->identifier = wire_u8(&r);
	if (wire_u16(&r) != len || len > RADIUS_MAX)
		return -EBADMSG;
	wire_copy(&r, p->authenticator, sizeof(p->authenticator));
	while (!r.failed && wire_left(&r)) {
		uint8_t type = wire_u8(&r), size = wire_u8(&r);
		struct wire_reader value;

		if (size < 2)
			return -EBADMSG;
		value = wire_sub(&r, size - 2u);
		if (r.failed)
			return -EBADMSG;
		if (type == MESSAGE_AUTHENTICATOR && size == 2 + 16)
			signed_at = (size_t)(value.pos - packet);
		if (decode_attribute(p, type, &value, secret, request))
			return -EBADMSG;
	}
	if (r.failed || !signed_at)
		return -EBADMSG;
	return is_signed(secret, request, packet, len, signed_at, p->code != RADIUS_REQUEST)
		       ? 0
		       : -EBADMSG;
}
