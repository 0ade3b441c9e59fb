/*
 * Does GRE (RFC 2637 section 4) pass, and if not, where does it stay? A judgement by what was seen at
 * each place that a packet has to come by. Pure: where the numbers come from is not known here.
 */
#pragma once

#include "tools/doctor/finding.h"

#include <netinet/in.h>
#include <stdint.h>

struct gre_icmp {
	bool seen;
	struct in_addr from;
	uint8_t type, code;
	uint16_t mtu; /* of "fragmentation needed" */
};

struct gre_evidence {
	bool watched;                 /* the wire was: the counters of it mean something */
	uint64_t sent;                /* packets that were given to the kernel */
	uint64_t left;                /* that left an interface of this machine */
	uint64_t arrived;             /* that arrived at one, for this call */
	uint64_t strangers;           /* from the server with a Call ID that is not ours ... */
	uint16_t call_id, strange_id; /* ours; ... the last such */
	uint64_t delivered; /* of those that arrived: past the firewall, to this program */
	bool acked;         /* the server has acknowledged a packet of ours */
	bool heard;         /* LCP of the server came */
	bool answered;      /* ... with an answer to ours */
	bool nat;           /* this machine's address is private, the server's is not */
	bool rp_filter;     /* strict, and the way to the server is by another interface */
	char in_device[16],
		out_device[16];         /* where it arrived, and where the way to it is; or "" */
	struct gre_icmp icmp;           /* about GRE */
	const char *rule_in, *rule_out; /* of the firewall that may be it; "" none known */
};

/* FINDING_NONE: GRE passes both ways, and PPP has begun. `evidence` has FINDING_EVIDENCE bytes. */
enum finding_id gre_judge(const struct gre_evidence *e, char *evidence);

/* "communication administratively prohibited"; never NULL. */
const char *gre_icmp_text(uint8_t type, uint8_t code);
