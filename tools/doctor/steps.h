/*
 * The steps of `greyline doctor`, each in a file of its own; doctor.c has their order. Each step says
 * what it sees as it goes, adds what it finds, and returns whether the next one has a ground to stand on.
 */
#pragma once

#include "tools/doctor/local.h"
#include "tools/doctor/measure.h"
#include "tools/doctor/offer.h"
#include "tools/doctor/options.h"
#include "tools/doctor/output.h"
#include "tools/doctor/probe.h"
#include "tools/doctor/security.h"
#include "tools/doctor/watch.h"

#define DOCTOR_ADDRESSES 16

struct doctor {
	uv_loop_t loop;
	struct doctor_options options;
	struct doctor_output output;
	struct watch watch;
	struct findings findings;
	struct in_addr addresses[DOCTOR_ADDRESSES];
	unsigned int address_count;
	bool resolving;        /* still, after its time: getaddrinfo(3) cannot be interrupted */
	struct in_addr server; /* the address that the rest is tested with */
	char server_text[INET_ADDRSTRLEN];
	struct local local; /* with regard to it */
	struct offer offer;
	struct security_facts security;
	struct measure measure;
	bool logged_on;
};

/* reach.c: the name; each address: this machine, TCP 1723, Start-Control-Connection. */
bool doctor_resolve(struct doctor *d);
bool doctor_reach(struct doctor *d);
/* call.c: a call, GRE, LCP, what authentication the server has. */
bool doctor_call(struct doctor *d);
/* logon.c: authentication, encryption, address; then the tunnel is used. */
bool doctor_logon(struct doctor *d);

/*
 * call.c: probe_run(), and once more where the server closes the connection without a word: another one has
 * just ended, and a server that is still busy with that may turn the next away (pptpd does, on slow machines).
 */
int doctor_place(struct doctor *d, struct probe *p);
/* reach.c: a call or connection that did not come about, by the probe's reason; what the server said is in
 * the evidence. */
void doctor_refused(struct doctor *d, const struct probe *p, const char *step);
