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
	bool up, pinged, failed;
	uint64_t begin, up_at, first_ping; /* us */
	uint64_t ping_sent;
	unsigned int tries, answered;
	uint64_t rate_next; /* us; of --rate */
	uint32_t tag;
	struct in_addr local, remote;
};

enum phase { SETTING_UP, HOLDING, PINGING, CLOSING };

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
	uint64_t began, all_up, hold_until, close_began, closed_at;
	long rss_before, rss_up, server_before, server_up; /* kB */
};

/* result.c: prints what was measured; the exit status. */
int bench_report(const struct bench *b);
