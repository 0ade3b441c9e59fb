/* The administrator's program: see hooks.h. */
#include "server/hooks.h"

#include "system/clock.h"
#include "system/log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BURST 10 /* lines in LOG_LIMIT_PERIOD: strangers cause runs */

struct hook_run {
	struct hook_run *next;
	struct hooks *hooks;
	struct hook_env env;
	void (*answer)(void *user, uint32_t id, bool yes); /* NULL: nobody asks */
	void *user;
	uint32_t id; /* the session's */
	uv_process_t process;
	uv_timer_t timer;
	unsigned int handles; /* open */
	bool exited;
};

void hook_env_init(struct hook_env *e)
{
	memset(e, 0, sizeof(*e));
	hook_env_add(e, NULL, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

static void put(struct hook_env *e, char *text)
{
	if (text && e->count < HOOKS_ENV_MAX)
		e->list[e->count++] = text;
	else
		e->lacks = true;
}

void hook_env_add(struct hook_env *e, const char *name, const char *value)
{
	char *text = NULL;

	if (!name)
		text = strdup(value);
	else if (asprintf(&text, "GREYLINE_%s=%s", name, value) < 0)
		text = NULL;
	put(e, text);
}

void hook_env_add_bytes(struct hook_env *e, const char *name, const char *bytes, size_t len)
{
	char value[1100];

	hook_env_add(e, name, log_escape(value, sizeof(value), bytes, len));
}

void hook_env_add_number(struct hook_env *e, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	hook_env_add(e, name, text);
}

void hook_env_done(struct hook_env *e)
{
	for (unsigned int i = 0; i < e->count; i++)
		free(e->list[i]);
	memset(e, 0, sizeof(*e));
}

void hooks_init(struct hooks *h, uv_loop_t *loop, const char *path)
{
	memset(h, 0, sizeof(*h));
	h->loop = loop;
	h->time_ms = HOOKS_TIME_MS;
	h->path = path && *path ? path : NULL;
}

bool hooks_enabled(const struct hooks *h)
{
	return h->path && !h->closing;
}

static void free_run(struct hook_run *r)
{
	hook_env_done(&r->env);
	free(r);
}

static bool may_log(struct hooks *h)
{
	uint64_t now = clock_now();
	unsigned int held = log_limit_held(&h->log, now);

	if (held)
		log_warning("hook %s: %u more lines were held back", h->path, held);
	return log_limit_pass(&h->log, LOG_BURST, now);
}

/* Its process group, that is what it has started, too: killing a shell leaves its commands alive. */
static void kill_run(struct hook_run *r)
{
	if (!r->exited && kill(-r->process.pid, SIGKILL) < 0)
		uv_process_kill(&r->process, SIGKILL);
}

static void start_waiting(struct hooks *h);

static void on_closed(uv_handle_t *handle)
{
	struct hook_run *r = handle->data, **slot;
	struct hooks *h = r->hooks;

	if (--r->handles)
		return;
	for (slot = &h->runs; *slot && *slot != r; slot = &(*slot)->next)
		;
	if (*slot)
		*slot = r->next;
	h->running--;
	free_run(r);
	start_waiting(h);
}

/* Once, whatever happened. */
static void answer(struct hook_run *r, bool yes)
{
	void (*call)(void *user, uint32_t id, bool yes) = r->answer;

	r->answer = NULL;
	if (!yes)
		r->hooks->failed++;
	if (call)
		call(r->user, r->id, yes);
}

static void on_ended(uv_process_t *process, int64_t status, int signum)
{
	struct hook_run *r = process->data;

	r->exited = true;
	if (signum && may_log(r->hooks))
		log_warning("hook %s: ended by signal %d", r->hooks->path, signum);
	uv_close((uv_handle_t *)&r->process, on_closed);
	uv_close((uv_handle_t *)&r->timer, on_closed);
	answer(r, status == 0 && !signum);
}

static void on_time_out(uv_timer_t *timer)
{
	struct hook_run *r = timer->data;

	if (r->exited)
		return;
	if (may_log(r->hooks))
		log_warning("hook %s: not ended within %u s, killed", r->hooks->path,
			r->hooks->time_ms / 1000);
	r->hooks->killed++;
	kill_run(r);
}

/* False: it does not run, `r` is freed in time, nobody is answered. */
static bool run(struct hook_run *r)
{
	struct hooks *h = r->hooks;
	char path[4096];
	char *args[] = { path, NULL };
	uv_stdio_container_t stdio[3] = { { .flags = UV_IGNORE }, { .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 } };
	uv_process_options_t options = { .exit_cb = on_ended,
		.flags = UV_PROCESS_DETACHED, /* a process group of its own */
		.file = path,
		.args = args,
		.env = r->env.list,
		.stdio = stdio,
		.stdio_count = 3 };
	int err;

	snprintf(path, sizeof(path), "%s", h->path);
	r->process.data = r->timer.data = r;
	r->handles = 2;
	h->running++;
	h->started++;
	r->next = h->runs;
	h->runs = r;
	uv_timer_init(h->loop, &r->timer);
	err = uv_spawn(h->loop, &r->process, &options);
	if (err < 0) {
		if (may_log(h))
			log_error("hook %s: cannot be run: %s", h->path, uv_strerror(err));
		h->failed++;
		r->exited = true;
		uv_close((uv_handle_t *)&r->process, on_closed);
		uv_close((uv_handle_t *)&r->timer, on_closed);
		return false;
	}
	uv_timer_start(&r->timer, on_time_out, r->hooks->time_ms, 0);
	return true;
}

static struct hook_run *new_run(struct hooks *h, struct hook_env *env, uint32_t id)
{
	struct hook_run *r = env->lacks ? NULL : calloc(1, sizeof(*r));

	if (!r) {
		hook_env_done(env);
		return NULL;
	}
	r->hooks = h;
	r->id = id;
	r->env = *env;
	memset(env, 0, sizeof(*env));
	return r;
}

static bool is_running(const struct hooks *h, uint32_t id)
{
	const struct hook_run *r = h->runs;

	while (r && r->id != id)
		r = r->next;
	return r != NULL;
}

/* The next whose turn it is: "down" must not overtake the "up" of its session. */
static struct hook_run *take_next(struct hooks *h)
{
	struct hook_run *before = NULL, *r = h->first;

	while (r && !h->closing && is_running(h, r->id)) {
		before = r;
		r = r->next;
	}
	if (!r)
		return NULL;
	*(before ? &before->next : &h->first) = r->next;
	if (h->last == r)
		h->last = before;
	r->next = NULL;
	h->waiting--;
	return r;
}

static void start_waiting(struct hooks *h)
{
	struct hook_run *r;

	while ((h->running < HOOKS_RUNNING || h->closing) && (r = take_next(h)) != NULL) {
		if (h->closing)
			free_run(r);
		else
			(void)run(r);
	}
}

bool hooks_ask(struct hooks *h, struct hook_env *env,
	void (*answer_to)(void *user, uint32_t id, bool yes), void *user, uint32_t id)
{
	struct hook_run *r;

	if (h->running >= HOOKS_RUNNING || !hooks_enabled(h)) {
		hook_env_done(env);
		h->dropped++;
		return false;
	}
	r = new_run(h, env, id);
	if (!r)
		return false;
	r->user = user;
	r->answer = answer_to;
	return run(r);
}

void hooks_tell(struct hooks *h, struct hook_env *env, uint32_t id)
{
	struct hook_run *r = NULL;

	if (hooks_enabled(h) && h->waiting < HOOKS_WAITING)
		r = new_run(h, env, id);
	else
		hook_env_done(env);
	if (!r) {
		h->dropped += hooks_enabled(h);
		return;
	}
	if (h->last)
		h->last->next = r;
	else
		h->first = r;
	h->last = r;
	h->waiting++;
	start_waiting(h);
}

bool hooks_idle(const struct hooks *h)
{
	return h->running == 0 && h->waiting == 0;
}

void hooks_kill(struct hooks *h)
{
	h->closing = true;
	for (struct hook_run *r = h->runs; r; r = r->next) {
		r->answer = NULL;
		kill_run(r);
	}
	start_waiting(h);
}
