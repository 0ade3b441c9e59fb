/* Words of PPP control packets: each adds text and fields to the line that is open. No state. */
#pragma once

#include "lib/wire.h"
#include "tools/decode/print.h"

#include <stdint.h>

/* One option of a Configure packet, as words. */
struct decode_option {
	uint8_t type;
	const char *name;
	char value[192]; /* "" for an option that is its presence */
};

/* The option's name and value for LCP, CCP, IPCP, IPV6CP; others in hex. `data` is behind the
 * length. */
void decode_option_read(
	struct decode_option *o, uint16_t protocol, uint8_t type, struct wire_reader data);

/* An LCP or NCP packet. false if it is malformed (said so in the text). */
bool decode_print_ncp(struct decode_print *p, uint16_t protocol, struct wire_reader r);

/*
 * Authentication packets: names and messages, never passwords, responses or what is made of them.
 * false if malformed.
 */
bool decode_print_pap(struct decode_print *p, struct wire_reader r);
bool decode_print_chap(struct decode_print *p, struct wire_reader r);
bool decode_print_eap(struct decode_print *p, struct wire_reader r);
bool decode_print_cbcp(struct decode_print *p, struct wire_reader r);

/* EAP-TLS and its like (`type`), behind the type. */
bool decode_print_tls(struct decode_print *p, uint8_t type, struct wire_reader body);

/* A network-layer packet in one line. */
void decode_print_inner(struct decode_print *p, uint16_t protocol, struct wire_reader r);

/* The common beginning: code, identifier, length. `body` is the packet's body, exact. */
struct decode_code {
	uint8_t code, id;
	struct wire_reader body;
};
/* false if the length does not fit; says so. Prints nothing else. */
bool decode_code_read(struct decode_print *p, struct decode_code *c, struct wire_reader *r);
/* "Configure-Request id 3". */
void decode_code_print(struct decode_print *p, const struct decode_code *c, const char *name);
