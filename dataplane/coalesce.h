/*
 * Packets for the inner side into super-packets: what came in one batch and is of one flow goes out
 * in one write, with one header and the payloads side by side. Nothing is copied, and nothing waits
 * for a packet that is not there.
 *
 * The rules are those by which a receiving kernel does the same (GRO), so that cutting a
 * super-packet again gives the packets that came. TCP: the same addresses, ports, TOS or traffic
 * class, TTL, DF, flow label, acknowledgement number, window, and options (timestamps with them),
 * one after the other, ACK, ECE all or none, and no other flag but PSH or FIN, which end it as a
 * segment does that is smaller than the first; IPv4's identification goes up by one, or, with DF,
 * stays. UDP: the same, and all of one size but the last. No fragments, no IPv4 options, no
 * extension headers; all checksums are right.
 *
 * Order: within a flow all go out as they came. What is not TCP or UDP is written in its place
 * among the beginnings of the others. A TCP or UDP packet whose flow cannot be seen (a fragment,
 * options) is overtaken by nothing that came after it.
 */
#pragma once

#include "dataplane/vnet.h"
#include "lib/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define COALESCE_MAX     128 /* packets that are kept */
#define COALESCE_FLOWS   128 /* places of the table of flows; a power of two */
#define COALESCE_PACKETS 64  /* in one write: as many datagrams as every kernel takes */
#define COALESCE_LARGEST 65535
#define COALESCE_IOV     (COALESCE_PACKETS + 1)

/* One write. */
struct coalesced {
	struct packet_list packets;
	unsigned int count;
	uint32_t len; /* octets of all, as one IP packet */
	/* From here on only while more can follow. */
	bool open, verified, ipv6, tcp;
	bool same_id;        /* of two at least: all have one identification */
	uint8_t ip, headers; /* octets: of the IP header, of all */
	uint8_t last_flags;  /* TCP's PSH or FIN of the last */
	uint16_t size;       /* payload of the first */
	uint16_t id;         /* of the last */
	uint32_t next;       /* TCP: sequence number that goes on */
};

struct coalescer {
	struct vnet_offload offload; /* what the device takes */
	unsigned int count, packets; /* of `writes`; in all of them */
	struct coalesced writes[COALESCE_MAX];
	uint8_t flows[COALESCE_FLOWS]; /* a place is that of a flow's last write, plus 1; 0: free */
};

void coalesce_init(struct coalescer *c, const struct vnet_offload *offload);

/* Room for one more? Otherwise all is to be written, and coalesce_clear()ed, first. */
static inline bool coalesce_has_room(const struct coalescer *c)
{
	return c->packets < COALESCE_MAX;
}

/*
 * Takes over one packet; data/len is a whole IPv4 or IPv6 packet without anything behind it. There
 * must be room.
 */
void coalesce_add(struct coalescer *c, struct packet *p);

/*
 * Prepares write `i` of c->count, in order: `v`, and `iov` (COALESCE_IOV of them) from iov[1] on;
 * iov[0] is the caller's, for the encoded `v`. Returns how many of `iov` there are in all. The
 * first packet's headers become those of the super-packet.
 */
unsigned int coalesce_write(
	struct coalescer *c, unsigned int i, struct vnet *v, struct iovec iov[COALESCE_IOV]);

/* Forgets all writes; their packets, taken out by the caller or not, are his. */
void coalesce_clear(struct coalescer *c);
