/*
 * What can be wrong with a PPTP connection: one table of findings with their weight, in words, what
 * they mean, what to do, and the error number that a user of Windows would see; and a list of those
 * that were found, with the evidence. Where evidence comes from (a live test, a capture) is not
 * known here. No system calls.
 */
#pragma once

#include "lib/reason.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum finding_id {
	FINDING_NONE,
	/* Reaching the server. */
	FINDING_RESOLVE,
	FINDING_ROUTE_LOOP,
	FINDING_UNREACHABLE,
	FINDING_TCP_REFUSED,
	FINDING_TCP_FILTERED,
	/* The control connection. */
	FINDING_CONTROL_SILENT,
	FINDING_NOT_PPTP,
	FINDING_CONTROL_VERSION,
	FINDING_CONTROL_REFUSED,
	FINDING_CONTROL_LOST,
	FINDING_CALL_REFUSED,
	FINDING_CALL_BUSY,
	FINDING_CALL_LINE,
	/* GRE. */
	FINDING_GRE_LOCAL_OUT,
	FINDING_GRE_LOCAL_IN,
	FINDING_RP_FILTER,
	FINDING_GRE_UNREACHABLE,
	FINDING_GRE_WRONG_CALL_ID,
	FINDING_NAT_HELPER,
	FINDING_GRE_NONE,
	FINDING_GRE_OUTBOUND,
	/* LCP. */
	FINDING_LCP_SILENT,
	FINDING_LCP_FAILED,
	FINDING_LCP_LOOPBACK,
	FINDING_LINK_ENDED,
	FINDING_LINK_LOST,
	/* Authentication. */
	FINDING_AUTH_NO_METHOD,
	FINDING_AUTH_NOT_ASKED,
	FINDING_AUTH_WRONG,
	FINDING_AUTH_HOURS,
	FINDING_AUTH_DISABLED,
	FINDING_AUTH_EXPIRED,
	FINDING_AUTH_NO_DIALIN,
	FINDING_AUTH_CHANGE,
	FINDING_AUTH_RESTRICTED,
	FINDING_AUTH_UNPROVEN,
	FINDING_AUTH_CERTIFICATE,
	FINDING_AUTH_TIMEOUT,
	FINDING_AUTH_ENDED,
	/* Encryption. */
	FINDING_MPPE_NOT_OFFERED,
	FINDING_MPPE_STRENGTH,
	FINDING_MPPE_REQUIRED,
	FINDING_MPPE_DESYNC,
	FINDING_CCP_TIMEOUT,
	/* The network in the tunnel. */
	FINDING_IPCP_FAILED,
	FINDING_NO_ADDRESS,
	FINDING_IPCP_TIMEOUT,
	/* A tunnel that is up. */
	FINDING_DATA_SILENT,
	FINDING_MTU_BLACKHOLE,
	FINDING_LOSS,
	FINDING_REORDER,
	/* This machine. */
	FINDING_PERMISSION,
	FINDING_MACHINE,
	FINDING_OTHER_CLIENT,
	/* Seen from between the ends, in a capture. */
	FINDING_CALL_SILENT,
	FINDING_CONTROL_STOPPED,
	FINDING_GRE_ABSENT,
	FINDING_GRE_TO_CLIENT,
	FINDING_GRE_TO_SERVER,
	FINDING_LCP_CLIENT_SILENT,
	FINDING_OPTION_LOOP,
	FINDING_AUTH_CLIENT_SILENT,
	FINDING_MPPE_MODE,
	FINDING_MPPE_CLEAR,
	FINDING_SETUP_ENDED,
	FINDING_SESSION_ENDED,
	FINDING_ECHO,
	FINDING_FRAGMENTS,
	FINDING_PATH_MTU,
	FINDING_CAPTURE,
	FINDING_COUNT
};

/* The heavier, the earlier. */
enum finding_weight {
	FINDING_MINOR, /* it works, not well */
	FINDING_MAJOR, /* it works for some of the traffic */
	FINDING_FATAL, /* no tunnel comes up */
};

struct finding_kind {
	const char *name; /* stable, for scripts */
	enum finding_weight weight;
	unsigned int windows; /* error number; 0: none */
	const char *title, *meaning, *remedy;
};

/* Never NULL. */
const struct finding_kind *finding_kind(enum finding_id id);
const char *finding_weight_name(enum finding_weight weight);

/* What an end by `reason` is; FINDING_NONE for an end that is nobody's fault. */
enum finding_id finding_of_reason(enum pptp_reason reason);
/* What an E= number of MS-CHAP is (RFC 2433 section 5). */
enum finding_id finding_of_error(unsigned int error);

#define FINDINGS_MAX     FINDING_COUNT /* all: each is in the list once */
#define FINDING_EVIDENCE 400

struct finding {
	enum finding_id id;
	char evidence[FINDING_EVIDENCE];
};

struct findings {
	unsigned int count;
	struct finding list[FINDINGS_MAX];
};

/* Adds one, or more evidence to one that is there already; nothing for FINDING_NONE. Texts are cut
 * to fit. */
__attribute__((format(printf, 3, 4))) void findings_add(
	struct findings *f, enum finding_id id, const char *format, ...);
bool findings_have(const struct findings *f, enum finding_id id);
/* By weight; those of one weight stay in the order in which they were found. */
void findings_sort(struct findings *f);

/* For people: a paragraph each, with numbers. */
void findings_print(const struct findings *f, FILE *to);
/* An object for one; new reference. Evidence that is not UTF-8 is escaped. */
json_t *finding_json(const struct finding *finding);
