/*
 * What holds for single peers and networks of them: sections peer "CIDR" { ... } of the
 * configuration. The section with the longest prefix that holds an address counts, alone; what it
 * does not say is as for everybody. Looking up takes one binary search per prefix length in use.
 */
#pragma once

#include "lib/control/connection.h"
#include "lib/gre/sender.h"

#include <confuse.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer {
	struct in_addr prefix;
	unsigned int len;
	bool allow; /* false: Start-Control-Connection-Reply "not authorized" */
	bool dial;  /* a control connection to it is kept; len is 32 */
	bool incoming_calls, check_source;
	enum gre_flow flow;
	uint16_t mtu;                               /* upper bound of the outer path MTU; 0 none */
	unsigned int max_sessions, max_connections; /* from one address; 0: as for everybody */
	uint64_t idle_timeout;                      /* us; 0: never */
	struct control_config control; /* of its connections; the owner of `peers` fills it in */
};

struct peers {
	struct peer everybody; /* whom no section fits */
	struct peer *list;     /* the longest prefixes first; of one length in order */
	size_t count;
	size_t first[34]; /* list[first[33 - len]] is the first with a prefix of `len` or shorter */
};

/* Keys of a section, for libConfuse. */
extern cfg_opt_t peers_opts[];

/* Where peers_section() collects; libConfuse's callbacks have no argument of the caller's. Zeroed
 * before. */
void peers_into(struct peers *p);
/* For cfg_set_validate_func() of "peer": called at the end of a section. */
int peers_section(cfg_t *cfg, cfg_opt_t *opt);
/* Checks of values in a section: to be set for "peer|KEY". */
void peers_checks(cfg_t *cfg);

/* After all were read: sorts, fills in what sections leave open. -1 with *why: two for the same
 * network, or no memory before. */
int peers_ready(struct peers *p, const struct peer *everybody, char *why);
void peers_done(struct peers *p);

/* Never NULL. */
const struct peer *peers_find(const struct peers *p, struct in_addr address);
