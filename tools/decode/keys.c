/* Options with keys: see keys.h. */
#include "tools/decode/keys.h"

#include "tools/decode/decode.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *option;
	int (*add)(struct decode_users *users, const char *text, char *why);
	bool named; /* NAME: stands before the secret */
} keys[] = {
	[DECODE_KEY_USER] = { "--user", decode_users_add, true },
	[DECODE_KEY_HASH] = { "--nt-hash", decode_users_add_hash, true },
	[DECODE_KEY_MASTER] = { "--master-key", decode_users_add_key, false },
};

int decode_key_option(struct decode_users *users, enum decode_key key, char *text, char *why)
{
	char *colon = keys[key].named ? strchr(text, ':') : NULL, *from = colon ? colon + 1 : text;
	char reason[DECODE_WHY];

	if (keys[key].add(users, text, reason) != 0) {
		snprintf(why, DECODE_WHY, "%s: %.480s", keys[key].option, reason);
		return -1;
	}
	memset(from, '*', strlen(from));
	return 0;
}
