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
	struct account *next;     /* in its bucket */
	struct account *older;    /* in the list of all */
	struct ppp_secret secret; /* with the password if it was given, and not forgotten */
	uint8_t replaces
		[16];     /* what a changed password replaces: the hash of the configured hash */
	bool renewed;     /* the user has changed the password */
	bool must_change; /* before the next logon */
	struct in_addr address;           /* fixed inner address; 0: from the pool */
	bool address_in_use;              /* by a session */
	struct account_network *networks; /* routed to the user's session, allowed as sources */
	unsigned int network_count;
	struct rate_change limits; /* what differs from the rest */
	char *certificate;         /* the name in it; NULL: the account's own */
	bool certificate_only;     /* it has no password: nothing else gets in */
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

/* For an account that has been put: the name that its certificate has (copied), and whether it has
 * nothing but that. 0 or -ENOMEM. */
int accounts_certificate(struct account *account, const char *name, bool only);

/* Replaces a list of numbers (&account->calling_numbers or the other) by copies; n = 0: all are
 * allowed. 0 or -ENOMEM (the list is empty then: nobody is let in by mistake). */
int accounts_numbers(
	char ***list, unsigned int n, const char *(*nth)(void *user, unsigned int i), void *user);

/* Passwords in clear are kept for CHAP with MD5 only; where it is not allowed, their hashes do. */
void accounts_forget_passwords(struct accounts *a);

/* 32 hexadecimal digits (what is behind them does not matter). -EINVAL: others, or all of them 0, which
 * is no password's, but everybody could log on with it. */
int accounts_hash(const char *hex, uint8_t hash[16]);

/* The user has another password now, of which there is a hash only. */
void accounts_renew(struct account *account, const uint8_t nt_hash[16]);

/* By the name as sent, then without "DOMAIN\"; NULL if there is none. */
struct account *accounts_find(const struct accounts *a, const char *name);
/*
 * The account that a certificate stands for: the first of its names that is an account's (exactly,
 * domains included). Where it stands for several, `told`, what the client calls itself, may choose
 * among these. NULL if it stands for none.
 */
struct account *accounts_find_certificate(
	const struct accounts *a, const struct tls_identity *certificate, const char *told);
