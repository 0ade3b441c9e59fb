/* Who may call: names, password hashes, fixed addresses; from the configuration. Control thread
 * only. */
#pragma once

#include "lib/ppp/auth.h"
#include "session/settings_rate.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A network behind a user. */
struct account_network {
	struct in_addr prefix;
	unsigned int len;
};

struct account {
	struct account *next;             /* in its bucket */
	struct account *older;            /* in the list of all */
	struct ppp_secret secret;         /* with the password if it was given, and not forgotten */
	struct in_addr address;           /* fixed inner address; 0: from the pool */
	bool address_in_use;              /* by a session */
	struct account_network *networks; /* routed to the user's session, allowed as sources */
	unsigned int network_count;
	struct rate_change limits; /* what differs from the rest */
	char **calling_numbers,
		**called_numbers; /* only calls with these; end with NULL; NULL: all */
	char name[];
};

struct accounts {
	struct account **buckets;
	struct account *newest;
	size_t bucket_count, count;
};

void accounts_init(struct accounts *a);
void accounts_done(struct accounts *a); /* wipes the hashes */

/* Adds or replaces. `password` in UTF-8, or NULL and the hash itself. 0; -EINVAL (name empty or too
 * long, password not UTF-8 or too long); -ENOMEM. */
int accounts_put(struct accounts *a, const char *name, const char *password,
	const uint8_t nt_hash[16], struct in_addr address);

/* Replaces a list of numbers (&account->calling_numbers or the other) by copies; n = 0: all are
 * allowed. 0 or -ENOMEM (the list is empty then: nobody is let in by mistake). */
int accounts_numbers(
	char ***list, unsigned int n, const char *(*nth)(void *user, unsigned int i), void *user);

/* Passwords in clear are kept for CHAP with MD5 only; where it is not allowed, their hashes do. */
void accounts_forget_passwords(struct accounts *a);

/* By the name as sent, then without "DOMAIN\"; NULL if there is none. */
struct account *accounts_find(const struct accounts *a, const char *name);
