/* Words and fields of PPP packets: each adds to the event that is being made. No state. */
#pragma once

#include "tools/decode/event.h"

#include <stdint.h>

/*
 * A control protocol's packet: the reader stands behind the protocol number, which is in `ppp`; code,
 * identifier and body are set. false if it is malformed: marked so, and said.
 */
bool decode_words_ppp(struct decode_event *e, struct decode_ppp *ppp, struct wire_reader r);

#define PPP_MULTILINK 0x003d

/* A multilink fragment as decode_words_inner() has it; `brief`: with short sequence numbers. */
void decode_words_multilink(struct decode_event *e, struct wire_reader r, bool brief);

/* A network-layer packet in one line, and as the object "inner". */
void decode_words_inner(struct decode_event *e, uint16_t protocol, struct wire_reader r);

/*
 * What follows is for words_*.c. Each is called with ppp's code, identifier and body set; false if the
 * body is malformed, marked so.
 */
bool decode_words_ncp(struct decode_event *e, const struct decode_ppp *ppp); /* LCP, too */
bool decode_words_pap(struct decode_event *e, const struct decode_ppp *ppp);
bool decode_words_chap(struct decode_event *e, const struct decode_ppp *ppp);
bool decode_words_eap(struct decode_event *e, const struct decode_ppp *ppp);
bool decode_words_cbcp(struct decode_event *e, const struct decode_ppp *ppp);
/* EAP-TLS and its like (`type`), behind the type. */
bool decode_words_tls(struct decode_event *e, uint8_t type, struct wire_reader body);

/* "Configure-Request id 3", and the fields of the header. `name` NULL: "code 17". */
void decode_words_code(struct decode_event *e, const struct decode_ppp *ppp, const char *name);

/* One option of a Configure packet: text, and fields of the object that is open. `data` is behind the
 * length. What is not known is shown in hex. */
void decode_words_option(
	struct decode_event *e, uint16_t protocol, uint8_t type, struct wire_reader data);
