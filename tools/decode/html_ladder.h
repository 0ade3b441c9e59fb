/*
 * The steps of a conversation, for a ladder diagram: messages with time, direction and words.
 * Repetitions are one step with a count: the same words again (but for identifiers), two messages
 * in turn, and signs of life, whatever they are.
 *
 * Bounded: HTML_LADDER_HEAD steps from the beginning and HTML_LADDER_TAIL from the end are kept, the ones
 * between counted; of a repetition HTML_STEP_LINES messages, and the last.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HTML_LADDER_HEAD  200
#define HTML_LADDER_TAIL  60
#define HTML_LADDER_STEPS (HTML_LADDER_HEAD + HTML_LADDER_TAIL)
#define HTML_STEP_LINES   5
#define HTML_LABEL_MAX    400

enum html_topic {
	HTML_TOPIC_TCP,
	HTML_TOPIC_CONTROL,
	HTML_TOPIC_LCP,
	HTML_TOPIC_AUTH,
	HTML_TOPIC_CCP,
	HTML_TOPIC_NETWORK, /* IPCP, IPV6CP ... */
	HTML_TOPIC_DATA,
	HTML_TOPIC_FAULT, /* ICMP errors, what is missing */
	HTML_TOPICS
};

struct html_line {
	struct html_line *next;
	uint64_t time, frame;
	unsigned int side; /* 0: from the left */
	enum html_topic topic;
	bool malformed;
	char label[]; /* not escaped for HTML */
};

struct html_step {
	uint64_t keys[2]; /* 0: none */
	uint64_t count;
	unsigned int kept;
	struct html_line *lines; /* the first; at least one */
	struct html_line
		*last; /* the last message, also where it is not in the list; may be NULL */
};

struct html_ladder {
	unsigned int count;
	uint64_t skipped; /* messages between head and tail */
	struct html_step step[HTML_LADDER_STEPS];
};

/* A message as it comes. */
struct html_message {
	uint64_t time, frame;
	unsigned int side;
	enum html_topic topic;
	bool malformed;
	bool alive; /* a sign of life: an echo, a line quality report */
	const char *label;
};

/* false: no memory, the message is left out. */
bool html_ladder_add(struct html_ladder *l, const struct html_message *m);
void html_ladder_done(struct html_ladder *l);
