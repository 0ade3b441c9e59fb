/*
 * The header in front of each packet of a TUN device with IFF_VNET_HDR (virtio 1.2 section 5.1.6,
 * in the machine's order of octets): what is left to do for a packet. With it one read or write
 * carries a super-packet: one IP header and the payload of many segments of one flow.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VNET_SIZE 10

enum vnet_kind {
	VNET_LONE = 0, /* a packet as any */
	VNET_TCP4 = 1,
	VNET_TCP6 = 4,
	VNET_UDP = 5, /* of both */
	VNET_UNKNOWN = 0x7f,
};

struct vnet {
	uint8_t kind;     /* enum vnet_kind */
	bool ecn;         /* TCP: CWR stands in the first segment alone */
	bool partial;     /* the checksum is to be completed: from `start` to the end, at `start` +
			     `offset`, where the pseudo header's sum stands */
	uint16_t headers; /* octets of all headers; only a hint when read */
	uint16_t size;    /* payload of each segment but the last; 0 in a lone packet */
	uint16_t start, offset;
};

/* What a device can do, and was told that we can. */
struct vnet_offload {
	bool header;     /* each packet has a struct vnet; without it, nothing below */
	bool tcp4, tcp6; /* super-packets of TCP, both ways */
	bool udp;        /* and of UDP */
};

void vnet_decode(struct vnet *v, const uint8_t data[VNET_SIZE]);
void vnet_encode(const struct vnet *v, uint8_t data[VNET_SIZE]);
