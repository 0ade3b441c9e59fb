/*
 * Watches the wire beside the tunnel: GRE packets to and from the server as they leave and arrive at
 * this machine's interfaces (outside of the firewall), and ICMP errors about them or about TCP. With
 * what the data plane gets that says where packets stay. A packet socket; nothing is sent.
 *
 * Watched bytes are hostile: only headers are read, by lib/wire.h, and only counted.
 */
#pragma once

#include "tools/doctor/gre.h"

#include <uv.h>

#define WATCH_CALLS 16

struct watch {
	int fd; /* -1: not watching */
	uv_poll_t poll;
	struct in_addr server;
	uint16_t calls[WATCH_CALLS]; /* our Call IDs up to now, the last is the one of now */
	unsigned int call_count;
	/* Of this call: */
	uint64_t left, arrived, strangers;
	uint16_t strange_id;
	bool acked;
	unsigned int in_ifindex;
	struct gre_icmp gre_icmp;
	struct gre_icmp tcp_icmp; /* of this server */
};

/* 0, or -1 with *why; watch_done() is to be called in any case. The handle does not keep the loop. */
int watch_init(struct watch *w, uv_loop_t *loop, char *why);
/* Whose packets; the counters begin anew. */
void watch_server(struct watch *w, struct in_addr server);
/* Another call: so do those of calls. */
void watch_call(struct watch *w, uint16_t call_id);
/* An IPv4 packet on an interface, from its header on (its end may be missing): counts it. */
void watch_packet(
	struct watch *w, const uint8_t *data, size_t len, bool outgoing, unsigned int ifindex);
/* Takes what is waiting. */
void watch_drain(struct watch *w);
/* Closes its handle, in the loop's next turn. */
void watch_done(struct watch *w);
