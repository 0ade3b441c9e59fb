/*
 * Accounts from the configuration: sections user "NAME" { ... } of a file, and --user
 * NAME:PASSWORD. A section is taken out of libConfuse's hands as soon as it is read: that library
 * looks through all sections for each new one, and keeps passwords as long as it lives.
 */
#pragma once

#include "server/accounts.h"
#include "server/address_pool.h"

#include <confuse.h>

/* Where users_section() puts accounts; libConfuse's callbacks have no argument of the caller's. */
void users_into(struct accounts *accounts);
/* For cfg_set_validate_func(): called at the end of a section, so that an error names its line. */
int users_section(cfg_t *cfg, cfg_opt_t *opt);

/* `arg` is NAME:PASSWORD (the name ends at the first colon); the password is wiped there. A user
 * who is known already keeps the fixed address. -1 with *why. */
int users_option(struct accounts *accounts, char *arg, char *why);

/* Whether each network is one user's only, and nothing that others have. -1 with *why. */
int users_networks(const struct accounts *accounts, const struct address_pool *pool, char *why);

/* Keeps the fixed addresses from being handed out. -1 with *why: two have the same, or it is this
 * end's. */
int users_addresses(const struct accounts *accounts, struct address_pool *pool,
	struct in_addr local, char *why);
