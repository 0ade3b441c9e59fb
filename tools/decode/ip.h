/*
 * The outer IPv4 header and reassembly of outer fragments (RFC 791), bounded in number, size and
 * time. IPv4 inside IPv4 or IPv6 is followed, as tunnels in front of the capture point make it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_IP_ICMP 1
#define DECODE_IP_TCP  6
#define DECODE_IP_GRE  47

struct decode_ip {
	uint32_t src, dst; /* host order */
	uint8_t protocol;
	const uint8_t *data; /* payload */
	size_t len;          /* captured bytes of it */
	size_t full;         /* bytes that it had on the wire, >= len */
	uint16_t id;         /* identification */
	uint32_t offset;     /* fragment's place, bytes */
	bool more;           /* more fragments follow */
	uint64_t frame;      /* the caller's: its number in the capture */
};

/* false: not IPv4, or malformed. */
bool decode_ip_read(struct decode_ip *ip, const uint8_t *data, size_t len);

static inline bool decode_ip_is_fragment(const struct decode_ip *ip)
{
	return ip->more || ip->offset;
}

struct decode_fragments;

/* NULL if out of memory. */
struct decode_fragments *decode_fragments_new(void);
void decode_fragments_free(struct decode_fragments *f);

/*
 * Adds a fragment. What cannot be PPTP's (other protocols; another port or kind of GRE, as far as this piece tells) is
 * passed over, and takes nothing from the rest. true if its packet is complete now: `ip` is the whole packet then, its data
 * valid until the next call.
 */
bool decode_fragments_add(struct decode_fragments *f, struct decode_ip *ip, uint64_t now);

/* GRE packets of which some fragments never came; where the capture cut fragments, none are counted. */
struct decode_fragments_lost {
	uint64_t count, first_frame, last_frame; /* frames: of their first piece that was seen */
};
/* The capture is over: what is not whole now never will be. */
struct decode_fragments_lost decode_fragments_end(struct decode_fragments *f);
