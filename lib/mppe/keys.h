/* MPPE keys: RFC 3079 (from MS-CHAP credentials) and RFC 3078 section 7.3 (key change). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mppe_bits { MPPE_40 = 40, MPPE_56 = 56, MPPE_128 = 128 };

/* 8 for 40 and 56 bits, 16 for 128. */
static inline uint8_t mppe_key_len(enum mppe_bits bits)
{
	return bits == MPPE_128 ? 16 : 8;
}

/* RFC 3079 3.4 GetMasterKey: from MD4(MD4(password)) and the 24-byte NT-Response. */
void mppe_master_key(
	const uint8_t password_hash_hash[16], const uint8_t nt_response[24], uint8_t master[16]);

/*
 * RFC 3079 3.4 GetAsymmetricStartKey, 16 bytes (shorter strengths use the first 8). `server_sends`
 * is true for the direction server to client: the "send" of the RFC's IsServer = TRUE.
 */
void mppe_start_key(const uint8_t master[16], bool server_sends, uint8_t start[16]);

/* RFC 3079 2.4: the start key from MS-CHAPv1 at 128 bits, the same both ways. */
void mppe_start_key_v1(
	const uint8_t password_hash_hash[16], const uint8_t challenge[8], uint8_t start[16]);

/* What an authentication leaves for MPPE: enough for the start key of either direction. */
enum mppe_source {
	MPPE_NO_KEYS,
	MPPE_FROM_MSCHAP2, /* `key` is the master key */
	MPPE_FROM_MSCHAP,  /* `key` is the start key at 128 bits, `lm` that at 40 and 56 bits */
	/* `key` is half of an MSK, for client to server, `other` the other half, for server to client:
	 * a start key is their first 16 octets, at 40 and 56 bits 8 (RFC 3079 section 4). EAP-TLS,
	 * PEAP. */
	MPPE_FROM_MSK,
};
struct mppe_material {
	enum mppe_source source;
	bool has_lm;
	uint8_t key[32], lm[8], other[32]; /* 16 octets but for MSK */
};

/* Is there a start key for this strength? */
bool mppe_material_has(const struct mppe_material *m, enum mppe_bits bits);
/* The start key (mppe_init()) for a direction, RFC 3079 2.1 to 2.3, 3.1 to 3.3 and 4.1 to 4.3; zeros if there is none. */
void mppe_material_start(
	const struct mppe_material *m, enum mppe_bits bits, bool server_sends, uint8_t start[16]);

/* RFC 3078 7.3 GetNewKeyFromSHA alone: interim key, key_len bytes. */
void mppe_new_key(const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim);

/* The salt of 40- and 56-bit keys: d1 26 9e, d1; none at 128. */
void mppe_salt(enum mppe_bits bits, uint8_t *key);
