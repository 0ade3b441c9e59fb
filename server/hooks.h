/*
 * The administrator's program (key `hook`): run when a call is to be answered ("call"; it may refuse), when a
 * session is up ("up") and when one that was up has ended ("down"). No shell; what the program is told comes in its
 * environment, and what peers said in it is escaped (log_escape()). Control thread only.
 *
 * Bounds: HOOKS_RUNNING programs at once, each for HOOKS_TIME_MS, then it is killed with all that it has started (each
 * has a process group of its own). A "call" beyond that is refused:
 * a hook that is a policy must not be passed by in a crowd. "up" and "down" wait in a queue of HOOKS_WAITING, beyond
 * which they are dropped and counted. Those of one session run one after the other, in the order told. What the log
 * says of programs is bounded.
 */
#pragma once

#include "server/log_limit.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define HOOKS_RUNNING 64
#define HOOKS_WAITING 4096
#define HOOKS_TIME_MS 10000
#define HOOKS_ENV_MAX 24

struct hook_run;

struct hooks {
	uv_loop_t *loop;
	const char *path; /* NULL or "": no hook */
	unsigned int running, waiting;
	struct hook_run *runs;         /* those that run */
	struct hook_run *first, *last; /* those that wait */
	unsigned int time_ms;          /* HOOKS_TIME_MS */
	bool closing;
	struct log_limit log;
	uint64_t started, failed, killed, dropped; /* failed: status not 0, or could not be run */
};

/* Environment of one run: "NAME=value" strings. */
struct hook_env {
	char *list[HOOKS_ENV_MAX + 1];
	unsigned int count;
	bool lacks; /* out of memory: not all is in it */
};

void hook_env_init(struct hook_env *e);
/* GREYLINE_NAME=value; `value` is copied as it is. */
void hook_env_add(struct hook_env *e, const char *name, const char *value);
/* The same for bytes of a peer: escaped. */
void hook_env_add_bytes(struct hook_env *e, const char *name, const char *bytes, size_t len);
void hook_env_add_number(struct hook_env *e, const char *name, uint64_t value);
void hook_env_done(struct hook_env *e);

void hooks_init(struct hooks *h, uv_loop_t *loop, const char *path);
bool hooks_enabled(const struct hooks *h);
/*
 * Asks about session `id`: `answer` is called once, later, with what the program's status says (0: yes). False: it
 * cannot be asked now. The environment is taken over.
 */
bool hooks_ask(struct hooks *h, struct hook_env *env,
	void (*answer)(void *user, uint32_t id, bool yes), void *user, uint32_t id);
/* Tells of session `id`, when what it was asked or told of that before has ended; the environment is taken over. */
void hooks_tell(struct hooks *h, struct hook_env *env, uint32_t id);
/* Nothing runs or waits. */
bool hooks_idle(const struct hooks *h);
/* No more patience: what runs is killed (and still has to end), what waits is dropped, nobody is answered. */
void hooks_kill(struct hooks *h);
