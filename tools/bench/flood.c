/*
 * Pings through all calls in turn, as many as get through: what a packet costs, by the number of
 * sessions. So many are without an answer at any time that the server always has some to do.
 */
#include "tools/bench/load.h"

#include "system/clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 200000ull /* us without any answer: those that are out are lost */

/* A thread that moves packets. */
static bool is_worker(int pid, const char *task)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", pid, task);
	f = fopen(path, "re");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = '\0';
	if (f)
		fclose(f);
	return !strncmp(name, "greyline-w", 10);
}

uint64_t flood_cpu(int pid, bool workers)
{
	char path[64];
	uint64_t sum = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)) != NULL) {
		uint64_t ns = 0;
		FILE *f;

		if (e->d_name[0] == '.' || (workers && !is_worker(pid, e->d_name)))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, e->d_name);
		f = fopen(path, "re");
		if (f && fscanf(f, "%" SCNu64, &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

/* The next call that is up; NULL: none is. */
static struct load *next_up(struct bench *b)
{
	for (unsigned int i = 0; i < b->options.sessions; i++) {
		struct load *l = &b->loads[b->flood.next];

		if (++b->flood.next == b->options.sessions)
			b->flood.next = 0;
		if (l->up)
			return l;
	}
	return NULL;
}

static void fill(struct bench *b)
{
	struct load *l;

	while (b->flood.out < b->options.window && (l = next_up(b)) != NULL) {
		load_ping(l, FLOOD_TAG);
		b->flood.sent++;
		b->flood.out++;
	}
}

static uint64_t server_cpu(const struct bench *b, bool workers)
{
	return b->options.server_pid ? flood_cpu(b->options.server_pid, workers) : 0;
}

static uint64_t packets(const struct bench *b)
{
	struct dp_stats stats;

	dataplane_stats(b->hub.dp, &stats);
	return stats.gre_sent + stats.gre_received;
}

void flood_begin(struct bench *b, uint64_t now)
{
	b->flood.began = b->flood.progress = now;
	b->flood.until = now + b->options.flood * 1000000ull;
	b->flood.packets = packets(b);
	b->flood.server_cpu = server_cpu(b, false);
	b->flood.worker_cpu = server_cpu(b, true);
	b->flood.cpu = flood_cpu(getpid(), false);
	fill(b);
}

void flood_reply(struct bench *b)
{
	b->flood.answered++;
	b->flood.progress = clock_now();
	if (b->flood.out)
		b->flood.out--;
	if (b->flood.progress < b->flood.until)
		fill(b);
}

bool flood_tick(struct bench *b, uint64_t now)
{
	if (now < b->flood.until) {
		if (now - b->flood.progress > PATIENCE) {
			b->flood.lost += b->flood.out;
			b->flood.out = 0;
			b->flood.progress = now;
			fill(b);
		}
		return false;
	}
	b->flood.ended = now;
	b->flood.packets = packets(b) - b->flood.packets;
	b->flood.server_cpu = server_cpu(b, false) - b->flood.server_cpu;
	b->flood.worker_cpu = server_cpu(b, true) - b->flood.worker_cpu;
	b->flood.cpu = flood_cpu(getpid(), false) - b->flood.cpu;
	return true;
}
