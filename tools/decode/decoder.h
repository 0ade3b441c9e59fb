/*
 * The decoder's state over one capture, and its layers: each takes what the layer below found and
 * prints it or hands it on.
 *
 *     decode.c    packets -> IP -> TCP and GRE
 *     control.c   TCP port 1723: connections, messages
 *     gre.c       GRE: calls, order
 *     ppp.c       PPP frames: what moves the conversation (authentication, CCP), MPPE
 *     print_*.c   texts of messages, no state
 */
#pragma once

#include "tools/decode/call.h"
#include "tools/decode/decode.h"
#include "tools/decode/ip.h"

#include "lib/wire.h"

#include <pcap/pcap.h>

#define DECODE_PACKET_MAX 65536

struct decoder {
	struct decode_options options;
	struct decode_stats stats;
	struct decode_print print;
	struct decode_table table;
	struct decode_fragments *fragments;
	pcap_t *dump_pcap;
	pcap_dumper_t *dump; /* NULL: nothing is written */
	struct rc4_batch batch;
	uint8_t packet[DECODE_PACKET_MAX]; /* a GRE packet, to be decrypted in place */
};

/* A TCP segment from or to port 1723. */
void decode_tcp(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip);

void decode_gre(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip);
/* Frames that still wait for their turn, at the end. */
void decode_gre_flush(struct decoder *d);

/* A PPP frame of `side` of a call; its line is begun. f->data is changed (decrypted). */
void decode_ppp(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f);

/* A network-layer packet in clear: one line's words, and to the file of --write. */
void decode_inner(struct decoder *d, const struct decode_frame *f, uint16_t protocol,
	const uint8_t *data, size_t len, size_t captured);
