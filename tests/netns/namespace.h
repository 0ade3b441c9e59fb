/* For tests that change the network: a network namespace of their own, which goes with the process.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enters it, or prints a TAP plan that says what is missing, and ends the program. */
static inline void namespace_enter_or_skip(void)
{
	/* Without root, a user namespace gives the rights, where the system allows one. */
	int flags = geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;

	if (unshare(flags) == 0)
		return;
	printf("1..0 # SKIP no network namespace: %s (needs root, or user namespaces)\n",
		strerror(errno));
	exit(0);
}

/* A fresh state directory for system/net_state.c, in memory as /run is; `dir` of at least 40 bytes.
 */
static inline int state_dir_make(char *dir)
{
	const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(dir, 40, "%s/greyline-state-XXXXXX", parent);
	return mkdtemp(dir) && setenv("GREYLINE_STATE", dir, 1) == 0 ? 0 : -1;
}

/* How many files are left in it. */
static inline unsigned int state_dir_files(const char *dir)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	unsigned int n = 0;

	if (!list) {
		perror(dir);
		abort();
	}
	while ((entry = readdir(list)))
		n += entry->d_name[0] != '.';
	closedir(list);
	return n;
}
