/*
 * Small files in the state directory (/run/greyline or $GREYLINE_STATE), one per running instance:
 * who it is, and lines of text whose meaning is the caller's (net_state.c). See state_file.c for
 * the format.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE_LINE      160 /* with the terminating NUL */
#define STATE_LINES_MAX 1024
#define STATE_NAME_MAX  40 /* characters of an instance's name */

struct state_file {
	char name[STATE_NAME_MAX + 1]; /* of the instance */
	/* The owner: a process of this boot in a network namespace. */
	pid_t pid;
	uint64_t start; /* of the process, in ticks since boot */
	char boot[40];
	uint64_t netns;
	char (*lines)[STATE_LINE];
	size_t count;
};

enum state_owner {
	STATE_OWNER_ALIVE,
	STATE_OWNER_DEAD,
	STATE_OWNER_ELSEWHERE,   /* dead, but in another network namespace: nothing of it can be
				    undone from here */
	STATE_OWNER_BEFORE_BOOT, /* nothing of it can be left */
};

/*
 * The directory, locked against all other instances until the descriptor is closed; waits up to 10
 * seconds. -1 with `why`. If it does not exist it is made, or without `create` it is -1 with
 * ENOENT.
 */
int state_dir_lock(bool create, char *why);

/* Fills in this process as the owner, no lines. */
int state_file_init(struct state_file *file, const char *name, char *why);
void state_file_done(struct state_file *file);
/* -1 if there are too many lines or memory is short. */
int state_file_add(struct state_file *file, const char *line, char *why);
void state_file_drop(struct state_file *file, size_t index);
bool state_file_has(const struct state_file *file, const char *line);

/* Replaces the file as a whole, or not at all. */
int state_file_write(int dir, const struct state_file *file, char *why);
void state_file_remove(int dir, const struct state_file *file);
/* Is it of the network namespace that this process is in? */
bool state_file_here(const struct state_file *file);
enum state_owner state_file_owner(const struct state_file *file);

/* Calls `handle` with every well-formed file, in the order of names; warns of others and leaves
 * them. The lines are freed after, unless `handle` took them (and set file->lines to NULL). */
void state_dir_each(
	int dir, void (*handle)(void *user, int dir, struct state_file *file), void *user);
