/* A conversation that is being played, and our end in it: see replay.c. */
#pragma once

#include "lib/control/connection.h"
#include "lib/ppp/link.h"
#include "tests/replay/pattern.h"

#include <stdio.h>

#define OUT_MAX    64
#define REPORT_MAX 32
#define CONTROL    0 /* in place of a PPP protocol */

struct sent {
	uint16_t protocol;
	bool matched;
	size_t len;
	uint8_t data[1600];
};

struct replay {
	const char *file;
	unsigned int line;
	bool failed;
	struct pattern_scope scope;
	FILE *pcap; /* what our end sends in PPP goes there, too; NULL: nowhere */
	uint64_t now;
	uint32_t seed; /* of our end's randomness */
	bool server;
	struct control_config control_config;
	struct ppp_link_config link_config;
	struct ppp_network net;
	struct control_connection connection;
	struct control_call call;
	bool has_call, begun, closed;
	struct ppp_link *link;
	bool link_over;
	struct sent sent[OUT_MAX];
	unsigned int sent_count;
	char reports[REPORT_MAX][200];
	unsigned int reported, checked;
};

/* Something is not as the file has it: says where, and ends the conversation. */
__attribute__((format(printf, 2, 3))) void fail(struct replay *r, const char *format, ...);

/* pcap.c: a capture of PPP frames (LINKTYPE_PPP), for Wireshark; false: see errno. */
bool pcap_begin(FILE *f);
void pcap_frame(FILE *f, uint64_t now, uint16_t protocol, const uint8_t *info, size_t len);

/* end.c: our end begins, by its settings in `r`; what it sends and reports is kept in `sent` and
 * `reports`. */
void end_begin(struct replay *r);
