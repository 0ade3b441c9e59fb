/*
 * Passwords that users have changed (key changed-passwords): a file of our own beside the
 * configuration, which stays as the administrator wrote it. It has hashes only. Control thread.
 *
 * A line: what it replaces, the new NT hash, the user's name. It holds as long as the configuration
 * has the password that it replaces: where the administrator gives a user another one, that one
 * counts, and the line does not any more.
 */
#pragma once

#include "server/accounts.h"

/* Reads the file into the accounts of the configuration; that there is none is no error, but that
 * none could be made, or by everybody. -1 with *why (SYSTEM_WHY bytes). */
int passwords_load(const char *path, struct accounts *accounts, char *why);

/*
 * Gives the account this secret, in the file first: as a whole or not at all, also if the machine
 * stops at any moment; mode and owner stay, a new file is its owner's alone. -1 with *why: nothing
 * has changed.
 */
int passwords_change(const char *path, struct accounts *accounts, struct account *account,
	const struct ppp_secret *next, char *why);
