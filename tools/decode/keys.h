/*
 * What opens a capture, as options of a command: passwords, hashes, keys. Whoever lists processes
 * sees a command's arguments: what is secret in them is wiped as soon as it has been read.
 */
#pragma once

#include "tools/decode/auth.h"

enum decode_key {
	DECODE_KEY_USER,   /* --user NAME:PASSWORD */
	DECODE_KEY_HASH,   /* --nt-hash NAME:HASH */
	DECODE_KEY_MASTER, /* --master-key KEY */
};

/*
 * Adds the option's argument to `users`, and overwrites what is secret in `text` with asterisks. 0,
 * or -1 with a sentence that begins with the option in `why` (DECODE_WHY bytes).
 */
int decode_key_option(struct decode_users *users, enum decode_key key, char *text, char *why);
