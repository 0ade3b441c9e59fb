/*
 * Change-Password's sealed fields (RFC 2759 8.9 to 8.13): see password.h.
 *
 * Invariant: neither a password nor a hash stays on the stack.
 */
#include "lib/ppp/password.h"

#include "lib/mppe/rc4.h"
#include "lib/ppp/mschap.h"
#include "lib/wire.h"

#include <string.h>

#define TEXT_MAX (PASSWORD_BLOCK - 4)

const char *password_fault_text(enum password_fault fault)
{
	switch (fault) {
	case PASSWORD_GOOD:
		break;
	case PASSWORD_UNPROVEN:
		return "it is from somebody who does not know the old one";
	case PASSWORD_EMPTY:
		return "it is empty";
	case PASSWORD_NOT_TEXT:
		return "it is no Unicode, or longer than 256 characters";
	case PASSWORD_CONTROL:
		return "it has control characters";
	case PASSWORD_SAME:
		return "it is the old one";
	}
	return "";
}

/* `len` octets of UTF-16, least significant octet first. */
static enum password_fault judge(const uint8_t *text, size_t len)
{
	struct wire_reader r = wire_reader(text, len);

	if (!len)
		return PASSWORD_EMPTY;
	while (wire_left(&r)) {
		unsigned int unit = wire_u8(&r), low;

		unit |= (unsigned int)wire_u8(&r) << 8;
		if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0))
			return PASSWORD_CONTROL;
		if (unit < 0xd800 || unit > 0xdfff)
			continue;
		/* The first half of a pair, and the second one behind it. */
		low = wire_u8(&r);
		low |= (unsigned int)wire_u8(&r) << 8;
		if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
			return PASSWORD_NOT_TEXT;
	}
	return r.failed ? PASSWORD_NOT_TEXT : PASSWORD_GOOD;
}

/* RFC 2759 8.13: each half of `hash` by the first, and the second, seven octets of `key`. */
static void seal_hash(const uint8_t hash[16], const uint8_t key[16], uint8_t out[16])
{
	mschap_des(hash, key, out);
	mschap_des(hash + 8, key + 7, out + 8);
}

static void crypt_block(uint8_t block[PASSWORD_BLOCK], const uint8_t key[16])
{
	struct rc4 rc4;

	rc4_init(&rc4, key, 16);
	rc4_crypt(&rc4, block, PASSWORD_BLOCK);
	explicit_bzero(&rc4, sizeof(rc4));
}

enum password_fault password_seal(struct password_change *change, const char *password,
	const uint8_t old_hash[16], const uint8_t random[PASSWORD_BLOCK])
{
	uint8_t text[TEXT_MAX], *block = change->sealed.block;
	enum password_fault fault = PASSWORD_NOT_TEXT;
	size_t len;

	memset(change, 0, sizeof(*change));
	if (mschap_utf16(password, text, &len) == 0)
		fault = judge(text, len);
	if (fault == PASSWORD_GOOD) {
		mschap_hash_utf16(text, len, change->nt_hash);
		if (mschap_equal(change->nt_hash, old_hash, 16))
			fault = PASSWORD_SAME;
	}
	if (fault == PASSWORD_GOOD) {
		memcpy(block, random, TEXT_MAX - len);
		memcpy(block + TEXT_MAX - len, text, len);
		block[TEXT_MAX] = (uint8_t)len;
		block[TEXT_MAX + 1] = (uint8_t)(len >> 8);
		crypt_block(block, old_hash);
		seal_hash(old_hash, change->nt_hash, change->sealed.old_hash);
	} else {
		explicit_bzero(change, sizeof(*change));
	}
	explicit_bzero(text, sizeof(text));
	return fault;
}

enum password_fault password_open(
	const struct password_sealed *sealed, const uint8_t old_hash[16], uint8_t nt_hash[16])
{
	uint8_t block[PASSWORD_BLOCK], proof[16];
	enum password_fault fault = PASSWORD_UNPROVEN;
	struct wire_reader r;
	const uint8_t *text;
	size_t len;

	memcpy(block, sealed->block, sizeof(block));
	crypt_block(block, old_hash);
	r = wire_reader(block, sizeof(block));
	len = (size_t)block[TEXT_MAX] | (size_t)block[TEXT_MAX + 1] << 8 |
	      (size_t)block[TEXT_MAX + 2] << 16 | (size_t)block[TEXT_MAX + 3] << 24;
	if (len <= TEXT_MAX) {
		wire_skip(&r, TEXT_MAX - len);
		text = wire_bytes(&r, len);
		mschap_hash_utf16(text, len, nt_hash);
		seal_hash(old_hash, nt_hash, proof);
		if (mschap_equal(proof, sealed->old_hash, sizeof(proof)))
			fault = judge(text, len);
		if (fault == PASSWORD_GOOD && mschap_equal(nt_hash, old_hash, 16))
			fault = PASSWORD_SAME;
	}
	if (fault != PASSWORD_GOOD)
		explicit_bzero(nt_hash, 16);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(proof, sizeof(proof));
	return fault;
}
