/*
 * One call's packet path: PPP frames in GRE, with MPPE and compression when they are on. The facade
 * over lib/gre, lib/mppe and lib/compress that a data-plane worker and the simulator use.
 *
 * Sending:   tunnel_seal() turns a PPP payload into a GRE packet in place; after rc4_run() it can
 * go out. Receiving: tunnel_receive() takes a GRE packet and yields those that are now in order,
 * rc4_run() decrypts them, tunnel_finish() says of each what it is. No heap per packet; packets are
 * handed over by pointer (packet.h). Not thread-safe: one owner.
 */
#pragma once

#include "lib/compress/codec.h"
#include "lib/compress/vj.h"
#include "lib/gre/header.h"
#include "lib/gre/receiver.h"
#include "lib/gre/sender.h"
#include "lib/mppe/mppe.h"
#include "lib/packet.h"

#include <stdbool.h>
#include <stdint.h>

/* Drops, by reason; each has a tunnel_drop_name(). GRE header faults are counted by the
 * caller (no session is known before the header is read) except those below. */
enum tunnel_drop {
	TUNNEL_DROP_DUPLICATE, /* number seen before, or held already */
	TUNNEL_DROP_LATE,      /* its gap was given up */
	TUNNEL_DROP_JUMP,      /* far-ahead number, not confirmed */
	TUNNEL_DROP_PPP,       /* no valid PPP header */
	TUNNEL_DROP_CLEAR,     /* clear data although encryption is required, or on */
	TUNNEL_DROP_NOT_OPEN,  /* encrypted data before MPPE is up, or data before the link allows
				  any */
	TUNNEL_DROP_MPPE_WAIT, /* stateful MPPE out of step, waiting for FLUSHED */
	TUNNEL_DROP_MPPE_BAD,  /* MPPE header or result is nonsense */
	TUNNEL_DROP_MPPE_OLD,
	TUNNEL_DROP_SEND_CLEAR, /* not sent: encryption is required and not up */
	TUNNEL_DROP_WINDOW,     /* not sent: the peer's window is full, and so is the queue, or it
				   waited too long there */
	TUNNEL_DROP_COMPRESS_WAIT, /* compressed, out of step after a loss */
	TUNNEL_DROP_COMPRESS_BAD,  /* it cannot be decompressed, or would be too long */
	TUNNEL_DROP_VJ_WAIT, /* compressed header, and which connection's is not known after a loss */
	TUNNEL_DROP_VJ_BAD, /* compressed header that cannot be decompressed, or a packet too long */
	TUNNEL_DROP_COUNT
};

/*
 * Data that comes before this end's network protocol is open: the peer's is open as soon as it has
 * our last Configure-Ack, and ours when its last packet has gone through the control plane, which
 * takes a moment. So many packets wait for it.
 */
#define TUNNEL_EARLY_MAX  8
#define TUNNEL_EARLY_TIME 2000000 /* us: a call that never opens is not to keep slots */

/*
 * Data that waits for the peer's window (only with GRE_FLOW_STRICT): at most twice the window, so
 * that a full window's worth of acknowledgements finds as much to send and TCP inside sees queue
 * enough to keep it full, but no more, for each further packet is delay (a window takes a round
 * trip). A few even where the window is tiny, and never more than TUNNEL_QUEUE_MAX. After
 * TUNNEL_QUEUE_TIME a packet is of no use to anybody: a peer that stopped to acknowledge would
 * otherwise get what is a minute old.
 */
#define TUNNEL_QUEUE_MIN  8
#define TUNNEL_QUEUE_MAX  1024
#define TUNNEL_QUEUE_TIME 2000000 /* us */

/*
 * Stateless MPPE: how long after a loss the keys of what is missing are kept, which may still come;
 * MPPE_LATE_KEYS of them, 5 KB that only a session that has just lost packets takes.
 */
#define TUNNEL_LATE_TIME 2000000 /* us */
/*
 * A loss of more than 4,096 packets: so many key changes in so much time, about a fifth of a core.
 * 100,000 packets of stateless MPPE take 0.2 s, the longest walk (MPPE_CREDIT_MAX) 2.1 s.
 */
#define TUNNEL_WALK_STEP     512
#define TUNNEL_WALK_INTERVAL 1000 /* us */

struct tunnel_stats {
	/* What an idle call has, too. */
	uint64_t tx_packets, tx_bytes, rx_packets,
		rx_bytes;                /* inner data packets and their bytes */
	uint64_t tx_control, rx_control; /* PPP control frames */
	uint64_t tx_acks, rx_acks;       /* acknowledgements alone */
	uint64_t last_rx;            /* time of the last valid packet from the peer, us; 0 never */
	uint32_t window, window_max; /* packets: that may be under way now; announced by the peer */
	uint32_t in_flight;          /* packets under way: sent and not acknowledged */
	uint32_t queued;             /* packets that wait for the window now */
	uint32_t ack_timeout;        /* us */
	uint32_t rtt;                /* us, from acknowledgements; 0 unknown */
	/* What most never have. */
	uint64_t lost, reordered;
	uint64_t rx_late; /* of the data packets: came when their gap had been given up */
	uint64_t tx_compressed, rx_compressed; /* of the data packets: those that were */
	uint64_t tx_vj, rx_vj; /* of the data packets: those with a compressed header (RFC 1144) */
	uint64_t history;      /* octets of memory that compression takes now, both directions */
	uint64_t reorder_overflow; /* gaps given up before their time, for want of room */
	uint64_t drops[TUNNEL_DROP_COUNT];
	uint64_t ack_timeouts; /* acknowledgements that did not come in time */
	uint64_t bad_acks;     /* acknowledgements of packets never sent */
	uint64_t old_acks;     /* acknowledgements that a later one had overtaken */
	uint64_t window_full;  /* data packets that found the window full: with GRE_FLOW_STRICT they
				  waited or were dropped, otherwise they went out all the same */
};

/* Of these, what is counted here: all calls have the usual ones ... */
struct tunnel_usual {
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes, tx_control, rx_control, tx_acks,
		rx_acks, last_rx;
};
/* ... and most none of these. */
struct tunnel_rare {
	uint64_t rx_late, tx_compressed, rx_compressed, tx_vj, rx_vj, window_full;
	uint64_t drops[TUNNEL_DROP_COUNT];
};

/* Things the owner must tell the PPP link; tunnel_events() returns and clears them. */
enum tunnel_event {
	TUNNEL_EVENT_RESET = 1, /* stateful MPPE or compression lost step: CCP Reset-Request */
	TUNNEL_EVENT_DESYNC =
		2, /* decryption yields nonsense packet after packet: CCP must be opened anew */
};

struct tunnel {
	uint16_t call_id, peer_call_id;
	struct gre_sender sender;
	struct gre_receiver receiver;
	bool acfc, pfc;           /* the peer agreed that we compress address/control, protocol */
	struct packet_list early; /* TUNNEL_EARLY_MAX at most */
	uint8_t early_count;
	uint64_t early_until;     /* with early_count > 0 */
	uint64_t now;             /* of the last packet or tick */
	struct packet_list queue; /* data for a full window: `time` of each is when it came */
	uint16_t queued;
	bool raw;
	bool data_open;              /* network data may pass (an NCP is open) */
	bool require_mppe;           /* never data in clear, either way */
	bool tx_starved, rx_starved; /* there was no memory for these keys */
	struct mppe *tx, *rx;        /* NULL while not encrypted */
	struct mppe mppe_tx, mppe_rx;
	struct mppe_late *late_keys; /* from a loss on */
	uint64_t late_until;         /* with late_keys */
	uint32_t next_number;        /* behind the last packet that came in order */
	uint64_t walk_at;            /* 0: nothing to walk */
	struct codec *pack, *unpack; /* NULL: no compression */
	struct vj *vj_tx, *vj_rx;    /* NULL: headers are not compressed */
	bool gap; /* the next packet to be decrypted comes behind one that could not be */
	unsigned int events;
	unsigned int nonsense;            /* undecipherable packets in a row */
	uint64_t last_reset, last_desync; /* when TUNNEL_EVENT_... was last raised; 0 never */
	unsigned int resets; /* TUNNEL_EVENT_RESETs in a row that brought nothing decipherable */
	uint64_t rest_data,
		rest_since; /* data packets at the last tunnel_rest(), and since when so many */
	struct tunnel_usual stats;
	struct tunnel_rare
		*rare; /* allocated with the first; without memory they are not counted */
};

struct tunnel_config {
	uint16_t call_id; /* ours */
	uint16_t peer_call_id;
	uint16_t window;      /* that we announced */
	uint16_t peer_window; /* 0 is taken as 1 */
	uint16_t peer_delay;  /* its packet processing delay, tenths of a second */
	enum gre_flow flow;
	uint64_t ack_timeout_max; /* MaxTimeOut, us; 0: GRE_ATO_MAX_DEFAULT */
	bool require_mppe;
	/*
	 * The frames of a line (a PAC's): not looked into, neither encrypted nor subject to
	 * tunnel_open(). Only a header that says that a frame is a control protocol's lets it go
	 * past a full window; and CCP's and ECP's not past data that waits, which their place in
	 * the stream concerns.
	 */
	bool raw;
};

void tunnel_init(struct tunnel *t, const struct tunnel_config *config);
/* Held and queued packets go to `out` as PACKET_DROP; keys are wiped. What was counted is still there ... */
void tunnel_stop(struct tunnel *t, struct packet_list *out);
/* ... and this forgets it, too: all memory is freed. */
void tunnel_done(struct tunnel *t, struct packet_list *out);
/* What the peer announced, when it is known only after tunnel_init(). Delay: tenths of a second. */
void tunnel_set_peer(
	struct tunnel *t, uint16_t peer_call_id, uint16_t peer_window, uint16_t peer_delay);

/*
 * RESET is raised at most once in 100 ms and in a round trip: Linux answers each Reset-Request with
 * a new key. But a round trip of more than a second is a peer's that acknowledges late. DESYNC
 * after TUNNEL_NONSENSE_MAX undecipherable packets or TUNNEL_RESETS_MAX fruitless RESETs in a row,
 * or TUNNEL_LOST_MAX after a loss that is too long to be walked (mppe.h, MPPE_CREDIT_MAX); at most
 * once in TUNNEL_DESYNC_INTERVAL.
 */
#define TUNNEL_RESET_INTERVAL  100000 /* us */
#define TUNNEL_RESET_SLOWEST   1000000
#define TUNNEL_DESYNC_INTERVAL 1000000
#define TUNNEL_NONSENSE_MAX    8
#define TUNNEL_LOST_MAX        4 /* a part of TUNNEL_NONSENSE_MAX */
#define TUNNEL_RESETS_MAX      16

/*
 * Switches encryption of a direction on (start key from mppe_start_key()) or, with params NULL, off.
 * Without memory for it (stateful only) there is no data in that direction, and TUNNEL_EVENT_DESYNC, at once
 * and again with data that would need it: CCP may not be open yet when it is told first.
 */
void tunnel_set_tx(struct tunnel *t, const struct mppe_params *params, const uint8_t start[16]);
void tunnel_set_rx(struct tunnel *t, const struct mppe_params *params, const uint8_t start[16]);
/* Lets network data pass, or no more. What came a moment too early is added to `out`, with a
 * verdict; what waits to be sent, too, when it is closed (PACKET_DROP). */
void tunnel_open(struct tunnel *t, bool open, struct packet_list *out);
/*
 * Compression of a direction on (`codec` is the tunnel's from now on), or off (NULL). One under MPPE
 * works while that is on; any other while it is not. The tunnel itself resets the histories of
 * Deflate and BSD-Compress when a CCP Reset-Ack goes out, or comes: both ends must do so between the
 * same two packets (RFC 1977 and 1979, section 2).
 */
void tunnel_set_pack(struct tunnel *t, struct codec *codec);
void tunnel_set_unpack(struct tunnel *t, struct codec *codec);
/* Does what is sent uncompressed get MPPC's header all the same? (Of MPPE's size.) */
bool tunnel_pack_grows(const struct tunnel *t);
/*
 * Compression of headers in a direction on (`vj` is the tunnel's from now on), or off (NULL). It
 * comes before compression and encryption, and behind them when receiving: tunnel_finish() gives out
 * what was 002d or 002f as 0021.
 */
void tunnel_set_vj(struct tunnel *t, bool sending, struct vj *vj);
/* CCP Reset-Request of the peer. */
void tunnel_reset_requested(struct tunnel *t);

/*
 * Turns p (data/len = the information field of a PPP frame of `protocol`) into a GRE packet in
 * place, with an acknowledgement if one is pending. Protocols 0021-00fa are data: encrypted if tx
 * is on. Others are control: in clear, with address/control, except that ACFC is used when agreed
 * and the protocol is not LCP (RFC 1661 6.5-6.6). A raw tunnel sends data/len as the payload;
 * `protocol` is 0.
 *
 * 0; 1: the tunnel keeps p until the peer's window opens, and gives it out by tunnel_release() (or
 * tunnel_tick(), tunnel_open(), tunnel_done(), as PACKET_DROP): only data and what keeps its place among it (raw), GRE_FLOW_STRICT only;
 * -EPERM data not allowed (counted: not open, or clear where encryption is required); -ENOBUFS the
 * window and the queue are full (counted); -EMSGSIZE no headroom, or empty (raw). p is unchanged
 * after an error.
 *
 * p->owner stays as it is while p waits; p->time and p->protocol do not.
 */
int tunnel_seal(struct tunnel *t, struct packet *p, uint16_t protocol, uint64_t now,
	struct rc4_batch *batch);

/*
 * Would tunnel_seal() keep a packet of this protocol (of a raw tunnel: any)? Who is short of slots
 * (pool_may_hold()) asks before it and drops the packet instead: so nothing is queued that the next
 * batch needs, and what is queued already goes as the window opens.
 */
bool tunnel_would_wait(const struct tunnel *t, uint16_t protocol);

/* Is there something for tunnel_release()? */
bool tunnel_sendable(const struct tunnel *t);
/*
 * Adds to `out` what waited and may go now, in order, sealed (verdict PACKET_NONE: send it after
 * rc4_run()), or what may not go any more, encryption being off meanwhile (PACKET_DROP, counted:
 * give it back). RC4_BATCH_MAX packets at most: call it while tunnel_sendable(), after each
 * tunnel_receive() and tunnel_tick(), and before a tunnel_seal() of the same moment, which would
 * only put its packet behind these.
 */
void tunnel_release(
	struct tunnel *t, uint64_t now, struct rc4_batch *batch, struct packet_list *out);

/*
 * A GRE packet for this call: `h` its decoded header, p->data/len the payload behind it (cut to
 * payload_len; an acknowledgement alone has has_seq false and len 0). Takes p over. Packets that
 * can go on are added to `out` in order (a flushed reorder buffer can yield more than one batch of
 * the cipher takes: go through `out` in steps of RC4_BATCH_MAX: tunnel_decrypt() each, rc4_run(),
 * tunnel_finish() each); what is dropped is added too, with PACKET_DROP.
 */
void tunnel_receive(struct tunnel *t, const struct gre_header *h, struct packet *p, uint64_t now,
	struct packet_list *out);

/* Prepares decryption of one packet from `out`: PPP header, MPPE header, keys; appends at most one
 * job. The verdict is PACKET_NONE (call tunnel_finish() after rc4_run()) or PACKET_DROP (counted).
 * Of a raw tunnel: PACKET_CONTROL with protocol 0, data/len the frame as it came.
 */
void tunnel_decrypt(struct tunnel *t, struct packet *p, struct rc4_batch *batch);

/* After the cipher: sets p->verdict (DATA, CONTROL or DROP), p->protocol, and data/len to the
 * information field. */
void tunnel_finish(struct tunnel *t, struct packet *p);

/*
 * Gives up old gaps, takes the acknowledgement time-out (GRE_FLOW_STRICT), and drops what waited
 * too long to be sent (to `out`, PACKET_DROP). Call at tunnel_deadline(), when all that has come by
 * then was received.
 */
void tunnel_tick(struct tunnel *t, uint64_t now, struct packet_list *out);
uint64_t tunnel_deadline(const struct tunnel *t);

/*
 * Gives back what only traffic needs (keys ahead, the order of packets, what was given up) when there
 * has been no data for TUNNEL_REST, whatever echoes go to and fro. To be called soon after packets (it sees
 * then that there were some), and when it says: the time; UINT64_MAX: there is nothing to give back. No
 * packet of the tunnel may be in a batch.
 */
#define TUNNEL_REST 10000000 /* us */
uint64_t tunnel_rest(struct tunnel *t, uint64_t now);

/* Makes `p` an acknowledgement alone if one is due at `now`; false if none is. */
bool tunnel_ack(struct tunnel *t, struct packet *p, uint64_t now);

unsigned int tunnel_events(struct tunnel *t);
void tunnel_get_stats(const struct tunnel *t, struct tunnel_stats *out);
const char *tunnel_drop_name(enum tunnel_drop drop); /* stable, for JSON */
