/*
 * MPPE keys: RFC 3079 sections 2.4 and 3.4, RFC 3078 section 7.3. See keys.h.
 *
 * The three strings are the RFC's Magic1 to Magic3, part of the algorithm.
 */
#include "lib/mppe/keys.h"

#include <nettle/sha1.h>
#include <string.h>

#define PAD    40
#define TEN_F2 0xf2, 0xf2, 0xf2, 0xf2, 0xf2, 0xf2, 0xf2, 0xf2, 0xf2, 0xf2

static const char magic_master[] = "This is the MPPE Master Key";
/* Magic3: what the server sends with and the client receives with; Magic2 the other way. */
static const char magic_server_sends[] =
	"On the client side, this is the receive key; on the server side, it is the send key.";
static const char magic_client_sends[] =
	"On the client side, this is the send key; on the server side, it is the receive key.";

static const uint8_t pad1[PAD]; /* zeros */
static const uint8_t pad2[PAD] = { TEN_F2, TEN_F2, TEN_F2, TEN_F2 };

/* Ends the hash into a key and leaves nothing of it on the stack. */
static void finish(struct sha1_ctx *hash, uint8_t *key, size_t len)
{
	sha1_digest(hash, len, key);
	explicit_bzero(hash, sizeof(*hash));
}

void mppe_master_key(
	const uint8_t password_hash_hash[16], const uint8_t nt_response[24], uint8_t master[16])
{
	struct sha1_ctx hash;

	sha1_init(&hash);
	sha1_update(&hash, 16, password_hash_hash);
	sha1_update(&hash, 24, nt_response);
	sha1_update(&hash, sizeof(magic_master) - 1, (const uint8_t *)magic_master);
	finish(&hash, master, 16);
}

void mppe_start_key(const uint8_t master[16], bool server_sends, uint8_t start[16])
{
	const char *magic = server_sends ? magic_server_sends : magic_client_sends;
	struct sha1_ctx hash;

	sha1_init(&hash);
	sha1_update(&hash, 16, master);
	sha1_update(&hash, PAD, pad1);
	sha1_update(&hash, sizeof(magic_server_sends) - 1, (const uint8_t *)magic);
	sha1_update(&hash, PAD, pad2);
	finish(&hash, start, 16);
}

void mppe_start_key_v1(
	const uint8_t password_hash_hash[16], const uint8_t challenge[8], uint8_t start[16])
{
	struct sha1_ctx hash;

	sha1_init(&hash);
	sha1_update(&hash, 16, password_hash_hash);
	sha1_update(&hash, 16, password_hash_hash);
	sha1_update(&hash, 8, challenge);
	finish(&hash, start, 16);
}

bool mppe_material_has(const struct mppe_material *m, enum mppe_bits bits)
{
	switch (m->source) {
	case MPPE_FROM_MSCHAP2:
	case MPPE_FROM_MSK:
		return true;
	case MPPE_FROM_MSCHAP:
		return bits == MPPE_128 || m->has_lm;
	case MPPE_NO_KEYS:
		break;
	}
	return false;
}

void mppe_material_start(
	const struct mppe_material *m, enum mppe_bits bits, bool server_sends, uint8_t start[16])
{
	memset(start, 0, 16);
	if (!mppe_material_has(m, bits))
		return;
	if (m->source == MPPE_FROM_MSCHAP2)
		mppe_start_key(m->key, server_sends, start);
	else if (m->source == MPPE_FROM_MSK)
		memcpy(start, server_sends ? m->other : m->key, mppe_key_len(bits));
	else if (bits == MPPE_128)
		memcpy(start, m->key, 16); /* the same both ways */
	else
		memcpy(start, m->lm, sizeof(m->lm));
}

void mppe_new_key(const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim)
{
	uint8_t block[16 + PAD + 16 + PAD]; /* one update: this runs for every stateless packet */
	size_t n = key_len;
	struct sha1_ctx hash;

	memcpy(block, start, n);
	memcpy(block + n, pad1, PAD);
	memcpy(block + n + PAD, session, n);
	memcpy(block + n + PAD + n, pad2, PAD);
	sha1_init(&hash);
	sha1_update(&hash, 2 * (n + PAD), block);
	finish(&hash, interim, n);
	explicit_bzero(block, sizeof(block));
}

void mppe_salt(enum mppe_bits bits, uint8_t *key)
{
	switch (bits) {
	case MPPE_40:
		key[0] = 0xd1;
		key[1] = 0x26;
		key[2] = 0x9e;
		break;
	case MPPE_56:
		key[0] = 0xd1;
		break;
	case MPPE_128:
		break;
	}
}
