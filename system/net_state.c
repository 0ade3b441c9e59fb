/*
 * What must be undone in the machine's network when an instance ends or has died.
 *
 * Every change is a line of text, in the instance's state file before it is made:
 *	route PREFIX/LEN via GATEWAY dev IFINDEX source SOURCE metric METRIC
 *	forward 0
 *	forward6 0
 *	masquerade DEV
 * Undoing is idempotent, and touches only what is recognisably ours: routes with our protocol
 * number, tables of our name. One rule serves all that instances can share: a line that a living
 * instance also has is not undone. That is decided and done under the lock of the state directory,
 * so two that end at once do not wait for each other or both believe the other stays.
 *
 * Forwarding: the first instance finds it off and notes "forward 0"; one that finds it on notes
 * that only if another one has noted it, because else an administrator turned it on. The last of
 * them switches it off.
 */
#include "system/log.h"
#include "system/net.h"
#include "system/state_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORWARD_LINE  "forward 0"
#define FORWARD6_LINE "forward6 0"

struct net_state {
	struct state_file file;
};

/* The other instances of this network namespace. */
struct others {
	const struct state_file *self;
	bool dead_too;
	struct state_file *files;
	size_t count;
	bool failed;
};

static bool same_instance(const struct state_file *a, const struct state_file *b)
{
	return a->pid == b->pid && strcmp(a->name, b->name) == 0;
}

static void add_other(void *user, int dir, struct state_file *file)
{
	struct others *others = user;
	enum state_owner owner = state_file_owner(file);
	struct state_file *files;

	(void)dir;
	if (same_instance(others->self, file) || !state_file_here(file))
		return;
	if (owner != STATE_OWNER_ALIVE && !(others->dead_too && owner == STATE_OWNER_DEAD))
		return;
	files = realloc(others->files, (others->count + 1) * sizeof(*files));
	if (!files) {
		others->failed = true;
		return;
	}
	others->files = files;
	files[others->count++] = *file;
	file->lines = NULL;
}

static void others_init(
	struct others *others, int dir, const struct state_file *self, bool dead_too)
{
	*others = (struct others){ .self = self, .dead_too = dead_too };
	state_dir_each(dir, add_other, others);
}

static void others_done(struct others *others)
{
	for (size_t i = 0; i < others->count; i++)
		state_file_done(&others->files[i]);
	free(others->files);
}

static bool others_have(const struct others *others, const char *line)
{
	for (size_t i = 0; i < others->count; i++)
		if (state_file_has(&others->files[i], line))
			return true;
	/* Where memory is short, rather leave a change than break another instance. */
	return others->failed;
}

static void route_line(const struct net_route *route, char line[STATE_LINE])
{
	char prefix[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], source[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &route->prefix, prefix, sizeof(prefix));
	inet_ntop(AF_INET, &route->gateway, gateway, sizeof(gateway));
	inet_ntop(AF_INET, &route->source, source, sizeof(source));
	snprintf(line, STATE_LINE, "route %s/%u via %s dev %u source %s metric %u", prefix,
		route->prefix_len, gateway, route->ifindex, source, route->metric);
}

static bool parse_route(const char *line, struct net_route *route)
{
	char prefix[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], source[INET_ADDRSTRLEN],
		again[STATE_LINE];

	*route = (struct net_route){ 0 };
	if (sscanf(line, "route %15[0-9.]/%hhu via %15[0-9.] dev %u source %15[0-9.] metric %u",
		    prefix, &route->prefix_len, gateway, &route->ifindex, source,
		    &route->metric) != 6)
		return false;
	if (inet_pton(AF_INET, prefix, &route->prefix) != 1 ||
		inet_pton(AF_INET, gateway, &route->gateway) != 1 ||
		inet_pton(AF_INET, source, &route->source) != 1)
		return false;
	/* Catches whatever sscanf() is lax about: only what we would write ourselves is ours. */
	route_line(route, again);
	return strcmp(line, again) == 0;
}

static int undo_forward(char *why)
{
	bool on;

	if (net_forward_get(&on, why) < 0)
		return -1;
	return !on ? 0 : net_forward_set(false, why) < 0 ? -1 : 1;
}

static int undo_forward6(char *why)
{
	bool on;

	if (net_forward6_get(&on, why) < 0)
		return -1;
	return !on ? 0 : net_forward6_set(false, why) < 0 ? -1 : 1;
}

/* 1 if something was undone, 0 if there was nothing left to undo, -1 with `why`. */
static int undo_line(const char *line, char *why)
{
	static const char masquerade[] = "masquerade ";
	struct net_route route;

	if (strcmp(line, FORWARD_LINE) == 0)
		return undo_forward(why);
	if (strcmp(line, FORWARD6_LINE) == 0)
		return undo_forward6(why);
	if (strncmp(line, masquerade, strlen(masquerade)) == 0)
		return net_masquerade_del(line + strlen(masquerade), why) < 0 ? -1 : 1;
	if (!parse_route(line, &route)) {
		snprintf(why, SYSTEM_WHY, "this is no change that greyline makes");
		return -1;
	}
	if (net_route_del(&route, why) == 0)
		return 1;
	/* The route went with its device, or was never added. */
	return errno == ESRCH || errno == ENODEV || errno == ENETDOWN ? 0 : -1;
}

/* Undoes all lines, newest first, and removes the file; keeps in it what could not be undone. */
static void undo_file(int dir, struct state_file *file, bool crashed)
{
	struct others others;
	char why[SYSTEM_WHY];
	bool complete = true;

	others_init(&others, dir, file, false);
	for (size_t i = file->count; i-- > 0;) {
		const char *line = file->lines[i];
		int rc = others_have(&others, line) ? 0 : undo_line(line, why);

		if (rc < 0) {
			log_warning("cannot undo \"%s\" of %s: %s", line, file->name, why);
			complete = false;
			continue;
		}
		if (rc > 0 && crashed)
			log_info("undone what the dead process %d (%s) left: %s", (int)file->pid,
				file->name, line);
		state_file_drop(file, i);
	}
	others_done(&others);
	if (complete)
		state_file_remove(dir, file);
	else if (state_file_write(dir, file, why) < 0)
		log_warning("%s", why);
}

static void recover_file(void *user, int dir, struct state_file *file)
{
	(void)user;
	switch (state_file_owner(file)) {
	case STATE_OWNER_DEAD:
		undo_file(dir, file, true);
		break;
	case STATE_OWNER_BEFORE_BOOT:
		state_file_remove(dir, file);
		break;
	case STATE_OWNER_ALIVE:
	case STATE_OWNER_ELSEWHERE:
		break;
	}
}

void net_state_recover(void)
{
	char why[SYSTEM_WHY];
	int dir = state_dir_lock(false, why);

	if (dir < 0) {
		if (errno != ENOENT)
			log_warning("%s; what a killed greyline may have left is not undone", why);
		return;
	}
	state_dir_each(dir, recover_file, NULL);
	close(dir);
}

struct name_query {
	const struct state_file *self;
	pid_t pid; /* of the living instance with our name; 0 if there is none */
};

static void look_for_name(void *user, int dir, struct state_file *file)
{
	struct name_query *query = user;

	(void)dir;
	if (state_file_here(file) && strcmp(file->name, query->self->name) == 0 &&
		state_file_owner(file) == STATE_OWNER_ALIVE)
		query->pid = file->pid;
}

/* Writes the first, empty file; the name is ours from then on. */
static int claim(struct net_state *st, int dir, char *why)
{
	struct name_query query = { .self = &st->file };

	state_dir_each(dir, look_for_name, &query);
	if (query.pid) {
		snprintf(why, SYSTEM_WHY,
			"greyline runs already as \"%s\" (process %d): choose another name or stop "
			"it",
			st->file.name, (int)query.pid);
		errno = EEXIST;
		return -1;
	}
	return state_file_write(dir, &st->file, why);
}

struct net_state *net_state_open(const char *name, char *why)
{
	struct net_state *st = calloc(1, sizeof(*st));
	int dir, rc;

	if (!st) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return NULL;
	}
	rc = state_file_init(&st->file, name, why);
	dir = rc < 0 ? -1 : state_dir_lock(true, why);
	if (dir >= 0) {
		rc = claim(st, dir, why);
		close(dir);
	}
	if (dir >= 0 && rc == 0)
		return st;
	free(st);
	return NULL;
}

/* Adds a line and writes the file, or neither; the directory is locked. */
static int note_locked(struct net_state *st, int dir, const char *line, char *why)
{
	if (state_file_has(&st->file, line))
		return 0;
	if (state_file_add(&st->file, line, why) < 0)
		return -1;
	if (state_file_write(dir, &st->file, why) == 0)
		return 0;
	state_file_drop(&st->file, st->file.count - 1);
	return -1;
}

static int note(struct net_state *st, const char *line, char *why)
{
	int dir = state_dir_lock(true, why);
	int rc;

	if (dir < 0)
		return -1;
	rc = note_locked(st, dir, line, why);
	close(dir);
	return rc;
}

int net_state_route(struct net_state *st, const struct net_route *route, char *why)
{
	char line[STATE_LINE];

	route_line(route, line);
	return note(st, line, why);
}

static int undo_one(struct net_state *st, int dir, size_t index, char *why)
{
	const char *line = st->file.lines[index];
	struct others others;
	int rc;

	others_init(&others, dir, &st->file, false);
	rc = others_have(&others, line) ? 0 : undo_line(line, why);
	others_done(&others);
	if (rc < 0)
		return -1;
	state_file_drop(&st->file, index);
	return state_file_write(dir, &st->file, why);
}

int net_state_route_undo(struct net_state *st, const struct net_route *route, char *why)
{
	char line[STATE_LINE];
	int dir = state_dir_lock(true, why);
	size_t i = 0;
	int rc = 0;

	if (dir < 0)
		return -1;
	route_line(route, line);
	while (i < st->file.count && strcmp(st->file.lines[i], line) != 0)
		i++;
	if (i < st->file.count)
		rc = undo_one(st, dir, i, why);
	close(dir);
	return rc;
}

static int note_forward(
	struct net_state *st, int (*get)(bool *on, char *why), const char *line, char *why)
{
	int dir = state_dir_lock(true, why);
	struct others others;
	int rc;
	bool on;

	if (dir < 0)
		return -1;
	rc = get(&on, why);
	if (rc == 0) {
		/* One that died just now counts: the next start would switch forwarding off under
		 * us. */
		others_init(&others, dir, &st->file, true);
		if (!on || others_have(&others, line))
			rc = note_locked(st, dir, line, why);
		others_done(&others);
	}
	close(dir);
	return rc;
}

int net_state_forward(struct net_state *st, char *why)
{
	return note_forward(st, net_forward_get, FORWARD_LINE, why);
}

int net_state_forward6(struct net_state *st, char *why)
{
	return note_forward(st, net_forward6_get, FORWARD6_LINE, why);
}

int net_state_masquerade(struct net_state *st, const char *dev, char *why)
{
	char line[STATE_LINE];

	/* What could never be undone must not be noted. */
	if (net_masquerade_check(dev, why) < 0)
		return -1;
	snprintf(line, sizeof(line), "masquerade %s", dev);
	return note(st, line, why);
}

void net_state_close(struct net_state *st)
{
	char why[SYSTEM_WHY];
	int dir;

	if (!st)
		return;
	dir = state_dir_lock(true, why);
	if (dir >= 0) {
		undo_file(dir, &st->file, false);
		close(dir);
	} else {
		log_warning("%s; the changes to the network stay until the next start", why);
	}
	state_file_done(&st->file);
	free(st);
}
