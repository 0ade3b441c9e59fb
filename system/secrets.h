/* This process' memory is nobody's: there are passwords and keys in it. */
#pragma once

#include <stdbool.h>

/*
 * No core files, whatever the machine's core_pattern does with them, and no other process of the same
 * user (root is another matter) may look into this one. For each command, before it reads anything.
 * Programs that we start are ordinary ones again, but without core files of their own.
 */
void secrets_protect(void);

/*
 * What the configuration says of it, once it is read: for good, or (`allow`) not at all: then there are core
 * files within the limits that we were started with, and the log says that secrets are in them.
 */
void secrets_decide(bool allow);
