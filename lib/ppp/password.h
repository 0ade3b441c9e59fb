/*
 * A new password on its way to a server that knows the old one: the two sealed fields of
 * MS-CHAPv2's Change-Password packet (RFC 2759 section 7, 8.9 to 8.13). Computations only, no
 * state.
 *
 * What is sealed is no safer than the old password: who has that, or its hash, reads the new one.
 */
#pragma once

#include <stdint.h>

#define PASSWORD_BLOCK  516 /* 256 UTF-16 code units, and how many octets of them */
#define PASSWORD_PACKET 582 /* of a Change-Password packet, behind its Length */

/* As they are sent. */
struct password_sealed {
	uint8_t block[PASSWORD_BLOCK]; /* the new password, by the hash of the old one */
	uint8_t old_hash[16];          /* the hash of the old one, by that of the new one */
};

/* Peer: what it needs to change to another password. All of it is secret. */
struct password_change {
	struct password_sealed sealed;
	uint8_t nt_hash[16]; /* of the new one */
};

/* What is wrong with a new password. */
enum password_fault {
	PASSWORD_GOOD,
	PASSWORD_UNPROVEN, /* not sealed by who knows the old one, or it is no Change-Password */
	PASSWORD_EMPTY,
	PASSWORD_NOT_TEXT, /* not UTF-8 or UTF-16, or longer than 256 code units */
	PASSWORD_CONTROL,  /* it has control characters (C0, DEL, C1) */
	PASSWORD_SAME,     /* it is the old one */
};

/* "it is empty": behind "the new password: ". Never NULL; "" for PASSWORD_GOOD. */
const char *password_fault_text(enum password_fault fault);

/*
 * RFC 2759 8.9, 8.12: seals `password` (UTF-8) by the old one's hash. Of `random` comes the filling
 * in front of the password. On a fault (any but UNPROVEN) `change` is all zeros.
 */
enum password_fault password_seal(struct password_change *change, const char *password,
	const uint8_t old_hash[16], const uint8_t random[PASSWORD_BLOCK]);

/*
 * The other end's: opens what was sealed by `old_hash`, proves in constant time that its sender
 * knows both passwords, and judges the new one. Its hash is in `nt_hash` if it is good, or zeros.
 */
enum password_fault password_open(
	const struct password_sealed *sealed, const uint8_t old_hash[16], uint8_t nt_hash[16]);
