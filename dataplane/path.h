/* The packet path of a worker: one batch from a descriptor to the other side. */
#pragma once

#include "dataplane/worker.h"

/*
 * A turn reads one batch of each side, then runs the commands that wait, then does the packets: whatever was
 * commanded before a packet could come (a call added, keys, data allowed) is in force for it.
 */

/* Reads one batch of GRE: from the fast path, and with `raw` from the socket. -errno if that cannot be
 * read any more. */
int path_read_gre(struct worker *w, bool raw);
/* Does it: to the inner side and the event queue. -EPIPE if there will be no more. */
int path_receive(struct worker *w);

/* Reads one batch from the inner side. -errno if it cannot be read any more. */
int path_read_inner(struct worker *w);
/* Does it: sealed and queued to w->tx. */
void path_send(struct worker *w);

/* The gaps of this session whose time is over are given up. */
void path_tick(struct worker *w, struct dp_session *s);

/* A PPP frame of the control thread. */
void path_control(struct worker *w, struct dp_session *s, uint16_t protocol, const uint8_t *info,
	uint32_t len);

/* Lets IPv4's (IPv6's) data pass or no more; what came a moment too early goes on now. */
void path_open(struct worker *w, struct dp_session *s, bool open);
void path_open6(struct worker *w, struct dp_session *s, bool open);

/* A sealed packet of this session, or one that waits for the peer's window. False: the slot is
 * still the caller's, the reason counted. */
bool path_seal(struct worker *w, struct dp_session *s, struct packet *p, uint16_t protocol);
/* The same for data: what is above the session's limit is refused here, and counted. */
bool path_seal_data(struct worker *w, struct dp_session *s, struct packet *p, uint16_t protocol);
/* What waited for the peer's window and may go now. */
void path_release(struct worker *w, struct dp_session *s);

/* An acknowledgement alone, if one is due. */
void path_acknowledge(struct worker *w, struct dp_session *s);

/* Gives the slots of `list` back. */
void path_discard(struct worker *w, struct packet_list *list);
