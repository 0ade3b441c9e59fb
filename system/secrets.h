/* This process' memory is nobody's: there are passwords and keys in it. */
#pragma once

/*
 * No core files, whatever the machine's core_pattern does with them, and no other process of the same
 * user (root is another matter) may look into this one. For each command, before it reads anything.
 * Programs that we start are ordinary ones again, but without core files of their own.
 */
void secrets_protect(void);
