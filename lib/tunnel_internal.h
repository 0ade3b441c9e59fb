/* What lib/tunnel.c and lib/tunnel_compress.c share. */
#pragma once

#include "lib/tunnel.h"

#define PACKET_ENCRYPTED 1u /* packet.flags: what tunnel_finish() gets comes from the cipher */
#define PACKET_PACKED    2u /* compressed, and not encrypted */
#define PACKET_BITS      13 /* bits A, B, C of MPPE's header as bits 5 to 7: shifted by so much */
#define PACKET_BITS_AT   5
#define INNER_PROTOCOL   2 /* never compressed within MPPE, as Linux and Windows do it */

/* Counts, and leaves the packet with the verdict PACKET_DROP. */
void tunnel_drop(struct tunnel *t, struct packet *p, enum tunnel_drop why);
/* TUNNEL_EVENT_RESET and TUNNEL_EVENT_DESYNC, not too often. */
void tunnel_raise_reset(struct tunnel *t);
void tunnel_raise_desync(struct tunnel *t);

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
