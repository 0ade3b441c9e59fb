/* The server's configuration: file, options, defaults; all checked before anything is touched. */
#pragma once

#include "server/accounts.h"
#include "server/address_pool.h"
#include "server/limits.h"
#include "server/lines.h"
#include "server/peers.h"
#include "server/prefix_pool.h"
#include "session/session.h"
#include "session/settings_tls.h"

#define LISTEN_MAX 16

struct server_config {
	cfg_t *cfg; /* owns the strings */
	struct sockaddr_in listen[LISTEN_MAX];
	unsigned int listen_count;
	char dev[16];
	struct in_addr local; /* inner address of this end */
	struct address_pool pool;
	struct accounts accounts;
	uint32_t dns[2], wins[2];
	struct prefix_pool pool6;
	struct in6_addr local6; /* inner address of this end; :: none */
	unsigned int dns6_count;
	uint8_t dns6[ND_DNS_MAX][ND_ADDRESS];
	unsigned int mtu;
	bool forward, masquerade, check_source, clamp_mss, fragment, offload;
	unsigned int workers; /* 0: as many as fit the machine */
	enum datapath_mode datapath;
	const char *interface; /* of the fast path; NULL or "": by the addresses */
	unsigned int backlog;  /* of each listening socket */
	struct limits_config limits;
	struct peers peers;
	bool incoming_calls;
	const char *hook;              /* "" none */
	const char *changed_passwords; /* NULL or "": users cannot change theirs */
	struct server_lines_config lines;
	const char *control_path;
	struct settings_tls tls;
	struct control_config control;
	struct session_config session;
};

/* Parses the arguments of `greyline server`. 0; 1: help was printed, end with 0; -1: an error was
 * printed, end with 2. */
int server_config_parse(struct server_config *c, int argc, char **argv);
void server_config_done(struct server_config *c);
