/*
 * One control connection to the server, with a call in it or without, from dialling until all of it is
 * over and undone: on the session layer, as every other client of this program, but with a socket pair
 * in place of a TUN device, so that nothing of this machine is changed. Runs the event loop itself.
 */
#pragma once

#include "session/session.h"
#include "system/tun.h"
#include "tools/doctor/options.h"
#include "tools/doctor/said.h"
#include "tools/doctor/watch.h"

struct probe;

struct probe_ops {
	/* NULL: the call is for our own PPP stack, which logs on. Taken over. */
	struct line *(*line)(struct probe *p);
	/* Every PROBE_TICK ms while the call is connected. May probe_stop(). */
	void (*tick)(struct probe *p, uint64_t now);
	/* Data passes: p->session->net is set. NULL: ends. */
	void (*up)(struct probe *p);
	/* A PPP control frame. NULL: nobody wants it. */
	void (*frame)(struct probe *p, uint16_t protocol, const uint8_t *data, size_t len);
	/* A packet came out of the tunnel. NULL: dropped. */
	void (*inner)(struct probe *p, const uint8_t *packet, size_t len);
};

#define PROBE_TICK 20 /* ms */

struct probe {
	uv_loop_t *loop;
	const struct doctor_options *options;
	const struct probe_ops *ops; /* NULL: no call, only the control connection */
	void *owner;
	struct watch *watch;
	struct in_addr server;
	uint64_t limit; /* us for all of it, then it is aborted */

	struct hub hub;       /* of the call */
	struct timers timers; /* where there is none */
	struct connection connection;
	struct session *session; /* NULL before and after */
	uv_timer_t timer;
	uv_poll_t inner;
	int inner_fd, worker_fd, gre_fd;
	bool connection_open, hub_open, stopping, finishing;
	uint64_t began;

	/* What came of it. */
	uint64_t established_after; /* us until the control connection was up; 0 never */
	struct control_start peer;  /* what the server announced, if `has_peer` */
	bool has_peer;
	bool has_reply; /* to the call */
	struct control_outgoing_reply reply;
	bool has_disconnect;
	struct control_disconnect disconnect;
	bool connected, was_up;
	uint64_t connected_at;
	uint64_t connected_after, ended_after; /* us since the beginning; 0 never */
	struct in_addr session_local;          /* the outer address that the call came from */
	struct said said;
	struct ppp_link_info info; /* the last before the end */
	struct tunnel_stats stats; /* likewise */
	enum pptp_reason reason;   /* why it ended; NONE: by probe_stop() */
	char detail[160];
	char why[SYSTEM_WHY]; /* not "": this machine cannot */
};

/* Fills in the first fields, then runs. 0; -1: this machine cannot, p->why says why. */
int probe_run(struct probe *p);
/* Enough was seen: ends it in an orderly way. */
void probe_stop(struct probe *p);
/* Sends an IP packet through the tunnel; 0 or a negative errno. */
int probe_send(struct probe *p, const uint8_t *packet, size_t len);
/* What the wire and the data plane say about GRE in this call up to now. */
void probe_gre(const struct probe *p, struct gre_evidence *e);
