/*
 * A line (session/line.h) that only asks: it takes part in LCP (RFC 1661), and refuses each method of
 * authentication that the server demands in favour of one that it has not named yet, until all have
 * had their turn. So it learns which methods a server has without showing any name or password.
 *
 * A server ends a negotiation after some refusals: then offer_next() makes a line that goes on with
 * the rest in another call. It never agrees to authenticate; a server that wants none is left as
 * soon as its LCP is open.
 */
#pragma once

#include "lib/ppp/lcp.h"
#include "session/line.h"
#include "tools/doctor/said.h"

#define OFFER_STRANGE_MAX 4

struct offer {
	unsigned int tried;   /* 1 << enum ppp_auth_method: had their turn (of EAP: EAP_MSCHAP2) */
	unsigned int offered; /* of them: the server has demanded those */
	enum ppp_auth_method first; /* its own first demand; NONE: unknown, or strange[0] */
	bool demanded;              /* anything at all */
	bool exhausted; /* refused often enough, it asks for nothing more: there is nothing else */
	bool asks_none; /* LCP is open without authentication */
	char strange[OFFER_STRANGE_MAX][24]; /* methods that are unknown here, by name */
	unsigned int strange_count;
	bool is_over; /* the line of the present call */
	struct said said;
	uint16_t mru; /* of the server, 0 unknown */
};

/* The next line; it writes to `o`, which must outlive it. NULL: out of memory. */
struct line *offer_next(struct offer *o);
/* Every method has had its turn, or none is demanded. */
bool offer_complete(const struct offer *o);
/* "MS-CHAPv2 (first), PAP": what is known. */
void offer_words(const struct offer *o, char *out, size_t size);
