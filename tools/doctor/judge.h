/*
 * From marks (observe.h) to findings (finding.h): what is wrong with each control connection and each
 * call of a capture. Of one call the earliest thing that fails is named, not what follows from it.
 *
 * Silence is only a finding if the capture went on long enough for an answer, and if it shows that it
 * would have seen one.
 */
#pragma once

#include "tools/doctor/finding.h"
#include "tools/doctor/observe.h"
#include "tools/doctor/security.h"

struct judge {
	struct findings findings;
	bool has_security;
	struct security_facts security; /* of the call with the weakest protection that came up */
	unsigned int connections, calls, up;
	/* NULL, or told of each call in a sentence. */
	void (*say)(void *user, bool well, const char *text);
	void *user;
};

/* `hooks` are for observe_new(); the judge must outlive the observer. */
void judge_init(struct judge *j, struct observe_judge *hooks);

/* --- between the parts of it --- */

#define JUDGE_WAIT  3000000 /* us without an answer: everybody repeats, or answers, earlier */
#define JUDGE_LOOP  8       /* refusals in a row; RFC 1661 section 4.6 wants an end after 5 */
#define JUDGE_TRIES 3       /* unanswered requests */

/* The client dialled. "the client 192.0.2.1", in `buf`. */
#define JUDGE_NAME 32
const char *judge_name(const struct observe_call *call, unsigned int side, char buf[JUDGE_NAME]);
/* "frame 7", "frames 7 to 9 (3 times)", in `buf`. */
#define JUDGE_FRAMES 64
const char *judge_frames(const struct observe_mark *mark, char buf[JUDGE_FRAMES]);
/* A call by which `greyline doctor SERVER` asked what authentication there is: it refuses all in turn, and hangs up. */
bool judge_is_question(const struct observe_call *call);
/* us from `since` to the call's end, or the capture's. */
uint64_t judge_waited(const struct observe *o, const struct observe_call *call, uint64_t since);

/* Each true if it found why the call failed. In this order. */
bool judge_gre(struct judge *j, const struct observe *o, const struct observe_call *call);
bool judge_lcp(struct judge *j, const struct observe *o, const struct observe_call *call);
bool judge_auth(struct judge *j, const struct observe *o, const struct observe_call *call);
bool judge_encryption(struct judge *j, const struct observe *o, const struct observe_call *call);
bool judge_network(struct judge *j, const struct observe *o, const struct observe_call *call);
/* What is wrong with a tunnel that carries data. */
bool judge_data(struct judge *j, const struct observe *o, const struct observe_call *call);
/* Who ended it, if nothing else explains that. */
void judge_end(struct judge *j, const struct observe_call *call);
