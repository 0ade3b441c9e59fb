/*
 * A packet in a slot: 2 KB, with headroom, so that headers are put in front without copying. Slots
 * come from a pool of the caller's (a worker, the simulator) and are handed on by pointer: whoever
 * gets one owns it.
 */
#pragma once

#include <stdint.h>

#define PACKET_SLOT 2048
#define PACKET_HEADROOM                                                                            \
	128 /* Ethernet 14, IPv4 20, GRE 16, address/control 2, protocol 2, MPPE 4; aligned */

enum packet_verdict {
	PACKET_NONE,
	PACKET_DATA,    /* `protocol` is a network-layer protocol, `data` its packet */
	PACKET_CONTROL, /* `protocol` is LCP, CHAP, an NCP ...: for the PPP link */
	PACKET_HELD,    /* the tunnel keeps it for a moment: not the caller's any more */
	PACKET_DROP,    /* give the slot back; already counted */
};

/*
 * packet.flags, set by lib/gre. The other bits are the tunnel's own (lib/tunnel_internal.h: 1, 2, and 5
 * to 7).
 */
#define PACKET_LATE      4u /* its gap had been given up */
#define PACKET_AFTER_GAP 8u /* numbers before it are missing, or came to nothing */

struct packet {
	struct packet *next; /* for lists; the owner's */
	uint8_t *data;       /* into buf */
	uint32_t len;
	uint16_t protocol; /* PPP protocol number of data, when verdict says so */
	uint8_t verdict;   /* enum packet_verdict */
	uint8_t flags;     /* the tunnel's */
	void *owner;       /* the caller's, e.g. the session */
	uint64_t time;     /* us, when received */
	uint32_t number;   /* received: in the GRE stream */
	uint8_t buf[PACKET_SLOT];
};

/* Room for a payload: what is left of a slot behind the headroom. */
#define PACKET_ROOM (PACKET_SLOT - PACKET_HEADROOM)

struct packet_list {
	struct packet *first;
	struct packet **last; /* &first when empty: packet_list_init */
};

static inline void packet_list_init(struct packet_list *l)
{
	l->first = 0;
	l->last = &l->first;
}

static inline void packet_list_add(struct packet_list *l, struct packet *p)
{
	p->next = 0;
	*l->last = p;
	l->last = &p->next;
}

static inline struct packet *packet_list_take(struct packet_list *l)
{
	struct packet *p = l->first;

	if (p) {
		l->first = p->next;
		if (!l->first)
			l->last = &l->first;
		p->next = 0;
	}
	return p;
}

/* Makes the slot empty with full headroom. */
static inline void packet_reset(struct packet *p)
{
	p->next = 0;
	p->data = p->buf + PACKET_HEADROOM;
	p->len = 0;
	p->protocol = 0;
	p->verdict = PACKET_NONE;
	p->flags = 0;
	p->owner = 0;
}
