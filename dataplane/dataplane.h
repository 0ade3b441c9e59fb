/*
 * The data plane: established calls' packets between the GRE socket and the inner side (a TUN
 * device), in workers (threads) that share nothing; and the door through which the control plane
 * (one thread) commands it.
 *
 * Commands are queued to the worker that owns the session and take effect in the order given,
 * control frames to send included: mppe, then a frame, means that the frame goes out after the
 * switch. Events come back through a queue with a descriptor to poll. All functions are for the
 * control thread only, unless marked.
 *
 * In a worker: batches of up to 64 packets from recvmmsg/read, cipher over the batch, sendmmsg, one
 * write for the packets of one flow; never waiting for more than is there; no heap per packet
 * (slots from a pool). Send errors EPERM, ENOBUFS, EMSGSIZE, ECONNREFUSED, ENETUNREACH ... drop the
 * packet and are counted, never fatal; while the socket is full (EAGAIN) the inner side is not
 * read.
 */
#pragma once

#include "dataplane/bucket.h"
#include "dataplane/vnet.h"
#include "lib/tunnel.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct dataplane;
struct frame_hop;
struct io_fast;
struct dp_session; /* one call in the data plane */

#define DP_WORKERS_MAX 32
#define DP_WORKERS_AUTO                                                                            \
	8 /* more have to be asked for: each GRE socket costs every packet something */

struct dp_config {
	unsigned int workers; /* up to DP_WORKERS_MAX; 0 and 1: one. See dp_workers_auto(). */
	int inner_fd; /* TUN device (IFF_TUN | IFF_NO_PI), or a SOCK_SEQPACKET socket of the load
			 generator: one read, one IP packet, or with offloads one super-packet. Not
			 owned. */
	struct vnet_offload inner_offload; /* what that device was made with; all false: nothing */
	int gre_fd; /* raw socket for protocol 47; see gre_socket_open(). Not owned. */
	/*
	 * The other workers' own, from worker 1 on: further queues of the device; further sockets, of which
	 * each (the first, too) yields at least those packets whose Call ID modulo `workers` is the
	 * worker's number, and the first also all that is malformed. NULL: they have none, worker 0 reads
	 * for all and hands over; everybody sends by the one. Copied.
	 */
	const int *inner_more, *gre_more;
	/*
	 * Tells whoever steers inner packets to queues that a prefix (IPv4: the first 4 octets, /32; IPv6: the
	 * first 8, /64) is this worker's, or (-1) nobody's any more. May be NULL: what comes to another queue
	 * is handed over. Called in the control thread.
	 */
	void (*steer)(void *user, bool ipv6, const uint8_t *prefix, int worker);
	/*
	 * Tells whoever owns gre_more that a worker has sessions now, or none any more (as at first): then its
	 * own socket may yield nothing, and the first one has to yield what that would. Not of worker 0. 0, or a
	 * negative errno: the session is not added. May be NULL. Called in the control thread.
	 */
	int (*employ)(void *user, unsigned int worker, bool employed);
	void *steer_user; /* of both */
	struct io_fast
		*fast; /* beside it, for sessions that have a hop: dataplane/io_fast.h; `workers` of
				  them, one each. NULL: none. Not owned. */
	bool lookup_by_source; /* find the session of an inner packet by its source (load
				  generator), not destination */
	bool check_source;   /* drop what a session sends with a source address that is not its own
			      (server) */
	bool report_too_big; /* the senders of inner packets that are too large and may not be
				fragmented are told so (ICMP, RFC 1191) */
	bool clamp_mss;      /* TCP connections through a session are told to use segments that fit
				it, both ways */
	bool fragment_outer; /* outer packets may be fragmented: the path does not limit what is
				sent. As gre_socket_open() was told. */
	const struct cipher *cipher; /* by cipher_choose(); NULL: plain C */
};

enum dp_event_type {
	DP_EVENT_CONTROL, /* a PPP control frame came: protocol, data, len; or, protocol PPP_IPV6, a
			     Router Solicitation or Advertisement: the whole IPv6 packet */
	DP_EVENT_RESET,   /* stateful MPPE lost step (ppp_link_want_reset) */
	DP_EVENT_DESYNC,  /* (ppp_link_desync) */
	DP_EVENT_PATH,    /* the kernel knows that a packet sent was too large for the path: ask
			     path_mtu() anew. At most once a second. */
	DP_EVENT_REMOVED, /* dp_session_remove() is complete: the last event of this session */
};

struct dp_event {
	enum dp_event_type type;
	void *owner; /* as given to dp_session_add() */
	uint16_t protocol;
	const uint8_t *data; /* valid during the callback */
	uint32_t len;
	const struct tunnel_stats *stats; /* DP_EVENT_REMOVED: the last ones; valid so, too */
};

/* One for each CPU that this process may run on, at most DP_WORKERS_AUTO. */
unsigned int dp_workers_auto(void);

/* NULL with errno set. Starts the workers' threads; a session belongs to one of them, that of its own Call
 * ID. */
struct dataplane *dataplane_new(const struct dp_config *config);
/* Stops the workers and frees all, sessions too; no events after. */
void dataplane_free(struct dataplane *dp);

/* Becomes readable when events wait. */
int dataplane_event_fd(const struct dataplane *dp);
/* Hands over the waiting events (bounded in number per call: those there at the start). */
void dataplane_dispatch(
	struct dataplane *dp, void (*handle)(void *user, const struct dp_event *event), void *user);

struct dp_session_config {
	struct in_addr peer;  /* outer address of the peer */
	struct in_addr local; /* the address that was dialled: every packet is sent from it */
	struct tunnel_config tunnel;
	bool any_source; /* a network behind this one: dp_config.check_source is not for it */
	void *owner;
};

/* The Call ID nearest to `wanted` that belongs to the worker with the fewest sessions. */
uint16_t dataplane_call_id(const struct dataplane *dp, uint16_t wanted);

/*
 * Adds a call. On receive it is found by (peer, local, own Call ID). NULL with errno: EADDRINUSE (there is
 * one with these), ENOMEM, what dp_config.employ says.
 */
struct dp_session *dp_session_add(struct dataplane *dp, const struct dp_session_config *config);

/* Removes it: frames queued before still go out. The session must not be used after; its owner gets
 * no more events but DP_EVENT_REMOVED, with which the owner may be freed. Routes of it go too. */
void dp_session_remove(struct dataplane *dp, struct dp_session *s);

/*
 * PPP control frame to send (copied). -EMSGSIZE if longer than PACKET_ROOM. On a raw session
 * (tunnel.raw) `protocol` is 0 and `info` the PPP frame as it is; so are its DP_EVENT_CONTROLs.
 *
 * A control or raw frame larger than the path is dropped and counted (send_too_big) unless
 * fragment_outer: our own are far smaller than any path, so it could only be the echo of what the
 * peer sent, or a line's, whose ends have to agree on an MRU that fits.
 */
int dp_session_send(struct dataplane *dp, struct dp_session *s, uint16_t protocol,
	const uint8_t *info, size_t len);

/* The peer's Call ID and window, where they are known only after dp_session_add() (a call that we
 * dialled: its first frames can overtake the Outgoing-Call-Reply, so the session is added before
 * it). */
void dp_session_set_peer(struct dataplane *dp, struct dp_session *s, uint16_t peer_call_id,
	uint16_t peer_window, uint16_t peer_delay);

/*
 * What the path to the peer can carry, outer IPv4 header included; 0 (as at first): not known. See
 * dp_session_largest().
 */
void dp_session_set_path(struct dataplane *dp, struct dp_session *s, uint16_t outer_mtu);

/*
 * The largest inner packet that goes to the peer as it is, now: GRE, PPP and MPPE leave so much of
 * the path, and MPPE so much of the peer's MRU (its header and the encrypted protocol number are
 * part of the information field: RFC 3078 section 3). Larger ones are fragmented (RFC 791) or, if
 * they may not be, dropped, and the sender told. Never below DP_LARGEST_MIN.
 */
uint16_t dp_session_largest(const struct dp_session *s);
/* Every IPv4 link carries so much (RFC 791): a path or MRU said to be smaller is no reason to cut
 * data into ever more packets. */
#define DP_LARGEST_MIN 68

void dp_session_set_framing(
	struct dataplane *dp, struct dp_session *s, bool acfc, bool pfc, uint16_t peer_mru);
/* params NULL: off. */
void dp_session_set_tx(struct dataplane *dp, struct dp_session *s, const struct mppe_params *params,
	const uint8_t start[16]);
void dp_session_set_rx(struct dataplane *dp, struct dp_session *s, const struct mppe_params *params,
	const uint8_t start[16]);
/*
 * Compression of what is sent, or received: on, or (NULL) off. The history is allocated here, once. 0,
 * or -ENOMEM: then it is off, and what comes compressed is dropped.
 */
int dp_session_set_pack(
	struct dataplane *dp, struct dp_session *s, const struct codec_params *params);
int dp_session_set_unpack(
	struct dataplane *dp, struct dp_session *s, const struct codec_params *params);
/* So for the compression of headers (RFC 1144), which begins anew. */
int dp_session_set_vj(
	struct dataplane *dp, struct dp_session *s, bool sending, const struct vj_params *params);
void dp_session_reset_requested(struct dataplane *dp, struct dp_session *s);

/*
 * Lets IPv4's data pass (or no more); the next one IPv6's.
 *
 * Of IPv6, Neighbor Discovery never passes, for the inner side is one device for all sessions: Router
 * Solicitations and Advertisements of the peer are DP_EVENT_CONTROLs, and what answers them is sent by
 * dp_session_send() (protocol PPP_IPV6: as data). Neither does multicast, which has no one session.
 */
void dp_session_open(struct dataplane *dp, struct dp_session *s, bool open);
void dp_session_open6(struct dataplane *dp, struct dp_session *s, bool open);

/*
 * How much data may pass (rate 0: any amount): to the peer, and from it. Inner packets above are
 * dropped and counted; control frames and raw sessions have no limit. May be called at any time;
 * a session that never had a limit pays nothing for it. 0, or -ENOMEM: the limit is as before.
 */
int dp_session_set_limit(struct dataplane *dp, struct dp_session *s,
	const struct bucket_limit *send, const struct bucket_limit *receive);

struct dp_limited {
	uint64_t packets, bytes; /* inner ones, dropped for the limit */
};

/* What the limits of dp_session_set_limit() have dropped. (Any thread while the session exists.) */
void dp_session_limited(
	const struct dp_session *s, struct dp_limited *send, struct dp_limited *receive);

/*
 * Inner packets for prefix/len (IPv4, network order) belong to this session; longest prefix wins;
 * 0.0.0.0/0 is a default. 0, -EEXIST (another session has it), -ENOMEM.
 */
int dp_session_add_route(
	struct dataplane *dp, struct dp_session *s, struct in_addr prefix, unsigned int len);

/* The same for IPv6: 16 octets as they stand in a packet. */
int dp_session_add_route6(
	struct dataplane *dp, struct dp_session *s, const uint8_t prefix[16], unsigned int len);
/* Whose that prefix is; NULL: nobody's. */
struct dp_session *dp_route6_holder(
	const struct dataplane *dp, const uint8_t prefix[16], unsigned int len);

/* How frames get to the session's peer by the fast path; NULL: they do not, its packets go by the raw
 * socket, as at first. */
void dp_session_set_hop(struct dataplane *dp, struct dp_session *s, const struct frame_hop *hop);

/* Counters; a snapshot that may be 20 ms old. (Any thread while the session exists.) */
void dp_session_stats(const struct dp_session *s, struct tunnel_stats *out);

/* There is another device behind the inner descriptors (dup2(2)), with the same offloads: they are read again,
 * should the old one's end have been seen. */
void dataplane_inner_renewed(struct dataplane *dp);

/* Counters of what belongs to no session or goes wrong below. */
struct dp_stats {
	uint64_t gre_received, gre_sent;
	uint64_t fast_received, fast_sent;    /* of them, by the fast path */
	uint64_t gre_faults[GRE_FAULT_COUNT]; /* by enum gre_fault */
	uint64_t gre_unknown_call; /* valid, but no session with (peer, local, Call ID) */
	uint64_t gre_too_long;     /* did not fit a slot */
	uint64_t inner_read, inner_written;
	uint64_t inner_no_session;   /* no session for the address */
	uint64_t inner_not_ip;       /* neither IPv4 nor IPv6, or malformed */
	uint64_t inner_closed;       /* of a protocol that is not open on the session */
	uint64_t inner_link_local;   /* IPv6: multicast, or the link's own business */
	uint64_t inner_loop;         /* the session's own GRE packets, routed into the tunnel */
	uint64_t inner_source;       /* a session's packet with a foreign source address */
	uint64_t inner_too_big;      /* larger than fits, and not to be fragmented */
	uint64_t inner_fragmented;   /* packets that went in fragments */
	uint64_t inner_write_errors; /* packets: the device is down, gone, or has no room */
	uint64_t inner_super;        /* of inner_read: super-packets ... */
	uint64_t inner_segments;     /* ... and what they were cut into */
	uint64_t inner_joined; /* of inner_written: those that went out as parts of super-packets */
	uint64_t inner_odd;    /* super-packets, or begun checksums, that are not what they are
					said to be */
	uint64_t icmp_sent, icmp_suppressed; /* "fragmentation needed"; not sent: too many, or not
						allowed for that packet */
	uint64_t mss_clamped;                /* TCP SYNs changed */
	uint64_t send_errors;                /* in all */
	uint64_t send_too_big;               /* of them: larger than the path (EMSGSIZE) */
	uint64_t no_slot;                    /* pool of packets exhausted */
	/* Key streams of packets to come (lib/mppe/stream_ahead.h). */
	uint64_t ahead_made, ahead_used, ahead_thrown;
	uint64_t handed_over;    /* to the worker of their session, since another had read them */
	uint64_t handover_full;  /* no room for that: dropped */
	uint64_t event_overflow; /* control frames dropped: too many of a session, or for the
				    control thread */
};
/* Of all workers. */
void dataplane_stats(const struct dataplane *dp, struct dp_stats *out);

struct dp_worker_stats {
	unsigned int sessions;
	struct dp_stats packets;
	uint64_t cpu_time; /* us */
	uint64_t stalls;   /* times that dataplane_watch() found it stuck */
	bool stalled;      /* it is now */
};
unsigned int dataplane_workers(const struct dataplane *dp);
void dataplane_worker_stats(
	const struct dataplane *dp, unsigned int index, struct dp_worker_stats *out);

/*
 * The watchdog, to be called every second or so: a worker that has had work, and not turned once, for
 * `patience` us is stuck. `tell` is called once when it is found out (`doing`: what it is at), and once
 * (`doing` NULL) when it turns again. `now` by any clock, us.
 */
void dataplane_watch(struct dataplane *dp, uint64_t now, uint64_t patience,
	void (*tell)(void *user, unsigned int worker, const char *doing), void *user);
