/* The load generator's options. */
#pragma once

#include "session/session.h"
#include "session/settings.h"

struct bench_options {
	struct in_addr server;
	char server_text[64];
	const char *user;
	char *password; /* wiped and freed by bench_options_done() */
	unsigned int sessions, parallel, pings;
	unsigned int per_connection; /* calls */
	unsigned int hold;           /* seconds with all sessions up */
	unsigned int rate;           /* pings a second in each meanwhile */
	unsigned int flood, window;  /* seconds; pings without an answer yet */
	struct in_addr from;         /* control connections come from these addresses; 0: any */
	unsigned int from_len;
	int server_pid; /* whose memory is reported too; 0 none */
	bool json;
	struct in_addr target; /* pinged; 0: the server's inner address */
	struct control_config control;
	struct session_config session;
};

/* 0; 1: help was printed; -1: an error was printed. */
int bench_options_parse(struct bench_options *o, int argc, char **argv);
void bench_options_done(struct bench_options *o);
