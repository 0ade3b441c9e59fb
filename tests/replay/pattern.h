/*
 * Bytes as text, for a replayed conversation: what the peer sends, and what our end must answer,
 * with room for what it chooses itself. Words, with blanks between them:
 *
 *	01 0a0b		bytes in hex
 *	..		a byte, whichever (only in what our end sends); as many dots as there are
 * digits 00*64		a byte so many times
 *	"text"		the characters; "text":64 with zeros up to that size
 *	name:4		so many bytes, whichever; from here on $name is what they were
 *	name=0a0b	these bytes, and a name for them
 *	$name		the bytes of that name
 *	!response	the NT-Response (RFC 2759 8.1) of the user and password to $challenge and
 *$peer-challenge
 *	!proof		the authenticator's answer "S=..." (RFC 2759 8.7) to that and $response
 *	# ...		a comment
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_MAX 512
#define NAMES_MAX   24

struct pattern_name {
	char name[24];
	uint8_t data[64];
	size_t len;
};

/* What has been named so far, and whose password it is. */
struct pattern_scope {
	char user[64], password[64];
	struct pattern_name names[NAMES_MAX];
	size_t count;
	char why[200]; /* what is wrong, after a failure */
};

/* The bytes of a line of the peer's. Their number; -1: see scope->why. */
int pattern_bytes(struct pattern_scope *scope, const char *text, uint8_t *out, size_t size);

/*
 * Are these the bytes that our end sent? `options`: a list of Configuration Options from there on,
 * 0 for none, whose order does not matter. Names what is to be named.
 */
bool pattern_matches(struct pattern_scope *scope, const char *text, size_t options,
	const uint8_t *data, size_t len);

/* The bytes of that name, NULL if there are none or not `len` of them. */
const uint8_t *pattern_find(const struct pattern_scope *scope, const char *name, size_t len);
