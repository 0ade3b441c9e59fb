/*
 * Faults, each written as a capture by a function (script.h), with the finding that must come of it, alone: one list a
 * subject, in a file each. NONE: it is no fault.
 */
#pragma once

#include "tests/doctor/script.h"
#include "tools/doctor/finding.h"

struct fault {
	const char *name;
	void (*write)(struct script *s);
	enum finding_id id;
};

struct fault_list {
	const struct fault *list;
	size_t count;
};

#define FAULTS(table)                                                                              \
	{                                                                                          \
		(table), sizeof(table) / sizeof((table)[0])                                        \
	}

extern const struct fault_list faults_control, faults_link, faults_auth, faults_encryption,
	faults_network, faults_path, faults_healthy;

/* --- passages that more than one list begins with --- */

void fault_stop(struct script *s, unsigned int side, uint8_t reason);
/* Requests of `side` and Naks of the other end, for ever. */
void fault_loop(struct script *s, unsigned int side, uint16_t protocol, const char *request,
	const char *nak);
/* The client hangs up. */
void fault_clear(struct script *s);
void fault_chap_response(struct script *s);
/* A packet is overtaken by so many others. */
void fault_reordered(struct script *s, unsigned int count, double seconds);
