/* Lists of Configuration Options (RFC 1661 section 6), for LCP and every NCP: reading, writing,
 * judging. */
#pragma once

#include "lib/wire.h"

struct ppp_option {
	uint8_t type;
	uint8_t len; /* of data, without type and length: 0 to 253 */
	const uint8_t *data;
};

/*
 * Takes the next option of a list. false at the end, and when an option's length is below 2 or
 * beyond the list: then r->failed is set and nothing more can be read.
 */
bool ppp_option_next(struct wire_reader *r, struct ppp_option *option);

/* Values of options with exactly that length; 0 if the length is another. */
uint16_t ppp_option_u16(const struct ppp_option *option);
uint32_t ppp_option_u32(const struct ppp_option *option);

void ppp_option_put(struct wire_writer *w, uint8_t type, const void *data, uint8_t len);
void ppp_option_put_u16(struct wire_writer *w, uint8_t type, uint16_t value);
void ppp_option_put_u32(struct wire_writer *w, uint8_t type, uint32_t value);

/* Is there an option of this type in the list? */
bool ppp_option_has(const uint8_t *list, size_t len, uint8_t type);

/*
 * The judgement of a peer's Configure-Request. What is in neither list is accepted; a Reject goes
 * out before a Nak (RFC 1661 5.3-5.4: each lists only what it refuses, in the order of the
 * request).
 */
struct ppp_review {
	struct wire_writer nak, reject;
	bool final;   /* the peer had its share of Naks: what would be one more is rejected (RFC
			 1661 4.6) */
	bool give_up; /* after this answer there is no use in going on */
};

void ppp_review_reject(struct ppp_review *review, const struct ppp_option *option);
/* Naks with another value; rejects when `final`. */
void ppp_review_nak(
	struct ppp_review *review, const struct ppp_option *option, const void *data, uint8_t len);
void ppp_review_nak_u32(struct ppp_review *review, const struct ppp_option *option, uint32_t value);
