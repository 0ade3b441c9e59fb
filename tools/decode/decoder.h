/*
 * The decoder's state over one capture, and its layers: each takes what the layer below found and
 * puts it into the event or hands it on.
 *
 *     decode.c    packets -> IP -> TCP, GRE, ICMP; events to the sinks
 *     control.c   TCP port 1723: connections, messages
 *     gre.c       GRE: calls, order
 *     link.c      PPP without GRE: the captured link itself is one of PPP
 *     ppp.c       PPP frames: what moves the conversation (authentication, CCP), MPPE
 *     follow.c    control protocols: authentication, CCP, IPCP, for the frames that come later
 *     icmp.c      ICMP errors
 *     facts.c     what calls and connections were
 *     summary.c   events of what is over
 *     words_*.c   texts and fields of messages, no state
 */
#pragma once

#include "tools/decode/call.h"
#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/decode/event.h"
#include "tools/decode/ip.h"

#include "lib/wire.h"

#include <pcap/pcap.h>

#define DECODE_PACKET_MAX   65536
#define DECODE_DUMP_BUFFER  65536
#define DECODE_RESTORED_MAX 1600 /* what one capture's LCP agreed on is not looked at */

struct decoder {
	struct decode_options options;
	struct decode_sink *sinks;
	bool headers_only; /* nobody wants more of inner packets */
	struct decode_stats stats;
	struct decode_event event; /* the one that is being made */
	struct decode_table table;
	struct decode_fragments *fragments;
	pcap_t *dump_pcap;
	pcap_dumper_t *dump; /* NULL: nothing is written */
	char *dump_buffer;   /* of its stream */
	struct decode_engine engine;
	uint8_t packet[DECODE_PACKET_MAX];     /* a GRE packet, to be decrypted in place */
	uint8_t restored[DECODE_RESTORED_MAX]; /* a packet whose headers were compressed */
};

/* The event is made: to the sinks. */
void decode_emit(struct decoder *d);

/* A TCP segment from or to port 1723. */
void decode_tcp(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip);

/* An ICMP error about a packet of PPTP's; others are passed over. */
void decode_icmp(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip);

/* A PPP frame of the captured link. IP in it is not this one's business. */
void decode_link_frame(
	struct decoder *d, const struct decode_meta *meta, const struct decode_link *link);

/* "(20 of 60 bytes captured)", if so, and what stands between a frame's carrier and what is in it. */
void decode_frame_cut_say(struct decode_event *e, const struct decode_frame *f);

void decode_gre(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip);
/* Frames of a call that still wait for their turn, at its end. */
void decode_gre_flush(struct decoder *d, struct decode_call *call);

/* A PPP frame of `side` of a call; its event is begun. f->data is changed (decrypted); it is seen by
 * the event's `ppp`. */
void decode_ppp(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f, struct decode_ppp *ppp);
/*
 * The same to the end: the event is told, the frame has had its turn; and if with this multilink fragment another frame is
 * whole, that is a message of its own behind it.
 */
void decode_frame_run(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f);

/* follow.h's business with a control packet; its fields are in the event. */
void decode_follow(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f, const struct decode_ppp *ppp);

/* A network-layer packet in clear: one line's words, and to the file of --write. */
void decode_inner(struct decoder *d, const struct decode_frame *f, struct decode_ppp *ppp,
	uint16_t protocol, const uint8_t *data, size_t len, size_t captured);

/* Events of what is over. */
void decode_summary_call(struct decoder *d, const struct decode_call *call);
void decode_summary_connection(struct decoder *d, const struct decode_connection *c);
void decode_summary_capture(struct decoder *d);
