/*
 * A capture of a PPTP call, written packet by packet: what a test says that client (side 0, the PNS) and
 * server (side 1, the PAC) sent, as a raw-IP pcap file in memory. Each packet comes 10 ms after the one
 * before; GRE packets with data acknowledge what the other end sent, unless `deaf`.
 */
#pragma once

#include "lib/control/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_SIZE    (1u << 18)
#define SCRIPT_CLIENT  0xc0000201u /* 192.0.2.1 */
#define SCRIPT_SERVER  0xc6336401u /* 198.51.100.1 */
#define SCRIPT_PACKETS 512

struct script {
	uint64_t now;
	uint32_t tcp_seq[2];
	uint16_t call_id[2];    /* assigned by this side */
	uint16_t rewritten[2];  /* added to the Call ID that this side sends to: a NAT's work */
	uint32_t gre_seq[2];    /* the next one */
	bool heard[2], deaf[2]; /* side has something to acknowledge; never does */
	bool by_doctor;         /* the client is `greyline doctor SERVER` */
	bool fragment;          /* more of a packet would follow */
	bool lost;              /* packets are counted, and not in the capture */
	uint16_t counted[2];    /* packets of MPPE that were lost before they had a number */
	uint8_t id[2];          /* of PPP control packets, the last one */
	size_t used;
	unsigned int count;
	size_t at[SCRIPT_PACKETS]; /* where packets begin in the file */
	uint8_t file[SCRIPT_SIZE];
};

void script_begin(struct script *s);
void script_wait(struct script *s, double seconds);
/* A packet that has nothing to do with it: time has passed. */
void script_noise(struct script *s);

#define SCRIPT_FIN 0x01
#define SCRIPT_SYN 0x02
#define SCRIPT_RST 0x04
#define SCRIPT_ACK 0x10
void script_tcp(struct script *s, unsigned int side, uint8_t flags, const void *data, size_t len);
void script_control(struct script *s, unsigned int side, const struct control_message *m);

/* GRE with a PPP frame: protocol, and what is behind it, in hex ("01 02 00 04"; blanks are ignored). */
void script_frame(struct script *s, unsigned int side, uint16_t protocol, const char *hex);
void script_frame_bytes(
	struct script *s, unsigned int side, uint16_t protocol, const uint8_t *data, size_t len);
/* Encrypted data of this size, MPPE's header included; its count goes up as GRE's number does. */
void script_mppe(struct script *s, unsigned int side, size_t size);
/* A control packet: code, identifier, length and the body in hex. */
void script_ppp(struct script *s, unsigned int side, uint16_t protocol, uint8_t code, uint8_t id,
	const char *hex);
/* The same with text for a body. */
void script_words(struct script *s, unsigned int side, uint16_t protocol, uint8_t code, uint8_t id,
	const char *text);
/* The first fragment only, of a GRE packet that is too large. */
void script_fragment(struct script *s, unsigned int side);
/* GRE without data. */
void script_ack(struct script *s, unsigned int side);
/* An ICMP error of `from` about a packet that `side` sent: protocol 6 or 47. */
void script_icmp(struct script *s, uint32_t from, unsigned int side, uint8_t type, uint8_t code,
	uint16_t mtu, uint8_t protocol);

/* --- whole passages; each goes on where the one before ended --- */

void script_open(struct script *s);  /* TCP */
void script_start(struct script *s); /* and Start-Control-Connection */
void script_call(struct script *s);  /* and a call, connected */
void script_lcp(
	struct script *s, const char *auth); /* LCP open; the server's option 3 in hex, or "" */
void script_pap(struct script *s);           /* LCP, and a good log-on by PAP */
void script_mschap(struct script *s);        /* the same by MS-CHAPv2 */
void script_ccp(struct script *s);           /* MPPE-128 stateless is agreed on */
void script_ipcp(struct script *s);          /* IPCP open */
void script_up(struct script *s);            /* all of it, in clear, from the start */
void script_up_mppe(struct script *s);       /* the same with MPPE */
/* So many frames of this size each way, encrypted. */
void script_traffic(struct script *s, unsigned int count, size_t size);
void script_bye(struct script *s); /* as a client ends it */
