/*
 * What the sessions of one process share: the event loop, the data plane and its events, counters.
 * Control thread only.
 */
#pragma once

#include "dataplane/dataplane.h"
#include "lib/reason.h"
#include "session/datapath.h"
#include "session/timers.h"

#include <uv.h>

struct session;
struct hub_asked;
struct report_cursor;
struct tun_offload;

struct hub {
	uv_loop_t *loop;
	struct dataplane *dp;      /* NULL before hub_init() and after hub_done() */
	struct datapath *datapath; /* NULL: only the raw socket */
	uv_poll_t poll;            /* the data plane's events */
	uv_timer_t watch;          /* over its workers */
	struct timers timers;      /* of sessions, and of their connections */
	unsigned int handles;      /* not yet closed */
	void (*closed)(struct hub *h);
	struct session *sessions;      /* list through session->next, the newest first */
	unsigned int count;            /* sessions in the list */
	struct hub_asked *asked;       /* the last one, for sessions that are like it; NULL: none */
	struct report_cursor *cursors; /* reports under way */
	uint32_t last_id;
	uint64_t started, connected; /* sessions ever; those that came up */
	uint64_t ended[PPTP_REASON_COUNT];
};

/* -1 with a sentence in `why` (SYSTEM_WHY bytes). The descriptors in `config` stay the caller's.
 * `datapath` NULL: the raw socket. */
int hub_init(struct hub *h, uv_loop_t *loop, const struct dp_config *config,
	const struct datapath_config *datapath, char *why);
/* Stops the data plane. No session may be left; not to be called from dataplane_dispatch().
 * `closed` (may be NULL) is called when `h` may be freed, in the loop's next turn. */
void hub_done(struct hub *h, void (*closed)(struct hub *h));

/* What a TUN device has, as the data plane wants to know it. */
struct vnet_offload hub_offload(const struct tun_offload *offload);

/* NULL: there is none. Takes as long as there are younger ones. */
struct session *hub_find(const struct hub *h, uint32_t id);
