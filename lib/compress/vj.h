/*
 * Van Jacobson's compression of TCP/IP headers, one direction of it: RFC 1144, as IPCP agrees on it
 * (RFC 1332 section 4). A TCP packet of protocol 0021 goes as 002f ("uncompressed": its protocol
 * octet names a slot, which now has its headers) or 002d ("compressed": what has changed against
 * the slot), and comes out as it was.
 *
 * One block from the heap, made when IPCP negotiates; nothing is allocated per packet. The
 * compressor names the slot in each packet, whatever the peer allows: GRE loses packets, and the
 * peers that are known do not tell their decompressors so, which would apply the next packet to
 * another connection (RFC 1144 4.1). The decompressor takes packets without it, too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VJ_SLOTS_MIN  3 /* RFC 1332 4: some peers have problems with fewer */
#define VJ_SLOTS_MAX  16
#define VJ_HEADER_MAX 120 /* octets: IPv4 and TCP, each with all options */
/* Mask, slot, checksum, and five changes of three octets each. */
#define VJ_COMPRESSED_MAX 19

struct vj_params {
	uint8_t slots;  /* 1 to VJ_SLOTS_MAX */
	uint16_t limit; /* receiver: octets of the longest packet that may come out; 0: 1500 */
};

struct vj;

/* For one direction, sending or receiving. NULL: no memory, or no such parameters. */
struct vj *vj_new(const struct vj_params *params);
void vj_free(struct vj *v); /* wiped: headers are the user's data */
size_t vj_size(void);       /* octets that one takes */

/*
 * Sender: data[0..len) is an IPv4 packet. Returns the PPP protocol to send it with: 0021, it is
 * unchanged; 002f, its protocol octet is; 002d, the first *skip octets are to be left out, and the
 * compressed header stands behind them, in place.
 */
uint16_t vj_compress(struct vj *v, uint8_t *data, size_t len, size_t *skip);

/*
 * Receiver: a packet of protocol 002f; it becomes one of 0021, in place. -EBADMSG: it is none.
 * Packets must come in order.
 */
int vj_learn(struct vj *v, uint8_t *data, size_t len);
/*
 * Receiver: a packet of protocol 002d. *used octets of it are to be replaced by *header, valid until
 * the next call, whose length is returned (40 to VJ_HEADER_MAX). -EAGAIN: it does not name its slot,
 * and which one was the last is not known after a loss; -EBADMSG: not valid; -ENOBUFS: longer than
 * the limit. After each error it is as after a loss.
 */
int vj_expand(struct vj *v, const uint8_t *data, size_t len, const uint8_t **header, size_t *used);
/*
 * Receiver: a packet was lost, or could not be read. What does not name its slot is not taken until
 * a packet has done so (RFC 1144 4.1). What was computed from the wrong packet, TCP's checksum
 * tells.
 */
void vj_lost(struct vj *v);
