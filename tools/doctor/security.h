/*
 * What a PPTP connection is worth: what somebody who records it, or sits in the middle of it, can do
 * with what was negotiated, and what to use instead. Words only, from facts; no system calls.
 */
#pragma once

#include "lib/ppp/auth.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct security_facts {
	bool negotiated; /* a link was up: the three below are of it; else only what is offered is known */
	enum ppp_auth_method auth;
	unsigned int mppe_bits; /* 0: not encrypted */
	bool stateless;
	unsigned int offered; /* 1 << enum ppp_auth_method: by the server, as far as is known */
	bool offers_none;     /* it let us in without any authentication */
};

#define SECURITY_ITEMS 8

struct security_item {
	const char *name, *text; /* stable; a sentence or two */
};

/* What is to be said, the worst first; how many. Never none. */
unsigned int security_report(
	const struct security_facts *facts, struct security_item items[SECURITY_ITEMS]);
/* For people, wrapped; and as an array, new reference. */
void security_print(const struct security_facts *facts, FILE *to);
json_t *security_json(const struct security_facts *facts);
