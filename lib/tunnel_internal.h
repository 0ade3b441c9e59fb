/* What lib/tunnel.c and its parts, lib/tunnel_*.c, share. */
#pragma once

#include "lib/tunnel.h"

#define PACKET_ENCRYPTED 1u /* packet.flags: what tunnel_finish() gets comes from the cipher */
#define PACKET_PACKED    2u /* compressed, and not encrypted */
#define PACKET_BITS      13 /* bits A, B, C of MPPE's header as bits 5 to 7: shifted by so much */
#define PACKET_BITS_AT   5
#define INNER_PROTOCOL   2 /* never compressed within MPPE, as Linux and Windows do it */

/* Where rare things are counted; NULL: no memory. */
struct tunnel_rare *tunnel_rare(struct tunnel *t);
#define TUNNEL_COUNT(t, what)                                                                      \
	do {                                                                                       \
		struct tunnel_rare *rare_ = tunnel_rare(t);                                        \
		if (rare_)                                                                         \
			rare_->what++;                                                             \
	} while (0)
/* Counts, and leaves the packet with the verdict PACKET_DROP. */
void tunnel_drop(struct tunnel *t, struct packet *p, enum tunnel_drop why);
/* TUNNEL_EVENT_RESET and TUNNEL_EVENT_DESYNC, not too often. */
void tunnel_raise_reset(struct tunnel *t);
void tunnel_raise_desync(struct tunnel *t);

/* The keys of `rx`, or what is under it, have changed. */
void tunnel_mppe_changed(struct tunnel *t);
/* The same, or VJ: what comes late, and how long it is waited for. */
void tunnel_order_changed(struct tunnel *t);
/* The keys for late packets are wiped and given back. */
void tunnel_late_off(struct tunnel *t);
/* Before anything is done with a packet, whatever it is: its GRE number, and whether any are missing. */
void tunnel_mppe_number(struct tunnel *t, const struct packet *p);
/* After it: a long loss is to be walked. */
void tunnel_mppe_behind(struct tunnel *t);
/* A packet with PACKET_LATE: decrypted if it is encrypted, or dropped (false). */
bool tunnel_decrypt_late(struct tunnel *t, struct packet *p, struct rc4_batch *batch);
/* False: dropped. */
bool tunnel_finish_late(struct tunnel *t, struct packet *p);
void tunnel_mppe_tick(struct tunnel *t, uint64_t now);
uint64_t tunnel_mppe_deadline(const struct tunnel *t);

/* Under MPPE, before it: the bits for its header. */
uint16_t tunnel_shrink(struct tunnel *t, struct packet *p);
/* Without encryption. Returns the protocol to send it with. */
uint16_t tunnel_compress(struct tunnel *t, struct packet *p, uint16_t protocol);
/* A control frame goes out behind what was sealed before. */
void tunnel_notice_sent(struct tunnel *t, const struct packet *p, uint16_t protocol);

/* MPPC under MPPE, decrypted. False: dropped. */
bool tunnel_expand(struct tunnel *t, struct packet *p);
/* Without encryption. False: dropped. */
bool tunnel_decompress(struct tunnel *t, struct packet *p);
/* What comes as it is concerns the decompressor, too: RFC 1977 and 1979, "Data Expansion". */
void tunnel_notice(struct tunnel *t, const struct packet *p);

/* Before all compression: the protocol to send it with. */
uint16_t tunnel_vj_compress(struct tunnel *t, struct packet *p, uint16_t protocol);
/* Behind all decompression: 002d and 002f become 0021. False: dropped. */
bool tunnel_vj_expand(struct tunnel *t, struct packet *p);

/* May p be sent (`data`: as data)? 0; -EMSGSIZE; -EPERM (counted). */
int tunnel_check(struct tunnel *t, const struct packet *p, bool data);
/* A line's frame is data, encrypted and compressed or not, unless its header says otherwise. */
bool tunnel_is_data(const struct tunnel *t, const struct packet *p, uint16_t protocol);
/* A frame that is allowed, and whose turn it is. */
void tunnel_send(struct tunnel *t, struct packet *p, uint16_t protocol, bool data, uint64_t now,
	struct rc4_batch *batch);
/* The packet waits for the window: 1; -ENOBUFS: the queue is full, too (counted). */
int tunnel_wait(struct tunnel *t, struct packet *p, uint16_t protocol, uint64_t now);
/* What waits since before `since` is not sent any more. */
void tunnel_drop_queued(
	struct tunnel *t, uint64_t since, enum tunnel_drop why, struct packet_list *out);
