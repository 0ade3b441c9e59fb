/* The load generator's calls and connections, for its files. */
#pragma once

#include "session/session.h"
#include "tools/bench/options.h"

#include <uv.h>

/* A control connection and its calls. */
struct trunk {
	struct bench *bench;
	struct connection connection;
	struct load *loads;
	unsigned int count, sessions; /* loads; those of them with a session */
	bool open;
};

struct load {
	struct bench *bench;
	struct trunk *trunk;
	struct session *session;
	bool up, pinged, failed, closing;
	uint64_t begin, up_at, first_ping; /* us */
	uint64_t ping_sent;
	unsigned int tries, answered;
	uint64_t rate_next; /* us; of --rate */
	uint32_t tag;
	struct in_addr local, remote;
};

enum phase { SETTING_UP, HOLDING, FLOODING, PINGING, CLOSING };

struct bench {
	uv_loop_t loop;
	struct bench_options options;
	struct hub hub;
	uv_poll_t inner;
	uv_timer_t tick;
	uv_signal_t sigint, sigterm;
	int inner_fd, gre_fd, worker_fd;
	struct load *loads;
	struct trunk *trunks;
	unsigned int trunk_count; /* in use */
	unsigned int next, setting_up, ready, failed, open;
	unsigned int ended[PPTP_REASON_COUNT];
	unsigned int round, round_answered;
	uint64_t rate_sent, rate_answered;
	enum phase phase;
	bool aborted;
	struct {
		uint64_t began, ended, until, progress; /* us; progress: the last answer */
		uint64_t sent, answered, lost;
		uint64_t packets; /* GRE, both ways, acknowledgements alone too */
		uint64_t server_cpu, worker_cpu,
			cpu; /* ns, of the server, of its workers alone, of this process */
		unsigned int next, out; /* whose turn it is; without an answer yet */
	} flood;
	uint64_t idle_cpu, idle_time; /* of the server while all are held, ns; us */
	long slab_before, slab_up;    /* kB, the kernel's */
	uint64_t began, all_up, hold_until, close_began, close_progress, closed_at;
	unsigned int close_next, closing;                  /* whose turn it is; those that end */
	long rss_before, rss_up, server_before, server_up; /* kB */
};

/* flood.c: pings through all calls in turn, as many as get through. */
#define FLOOD_TAG 0x40000000u
void flood_begin(struct bench *b, uint64_t now);
void flood_reply(struct bench *b);
/* From time to time: what was lost makes room. True: it is over. */
bool flood_tick(struct bench *b, uint64_t now);
/* CPU time of a process so far, all its threads or only its workers, ns; 0: not known. */
uint64_t flood_cpu(int pid, bool workers);
/* One ping through that call. */
void load_ping(struct load *l, uint32_t kind);

/* result.c: prints what was measured; the exit status. */
int bench_report(const struct bench *b);
