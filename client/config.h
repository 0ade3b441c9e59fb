/* The client's configuration: file, options, defaults; all checked before anything is touched. */
#pragma once

#include "session/session.h"
#include "session/settings_tls.h"

#define CLIENT_ROUTES_MAX 256

struct client_route {
	struct in_addr prefix;
	unsigned int len;
};

struct client_route6 {
	struct in6_addr prefix;
	unsigned int len;
};

struct client_config {
	cfg_t *cfg; /* owns the strings */
	const char *server;
	uint16_t port;
	const char *user;
	char *password;     /* wiped and freed by client_config_done() */
	char *new_password; /* likewise; NULL none */
	const char *dev;
	struct client_route routes[CLIENT_ROUTES_MAX];
	unsigned int route_count;
	struct client_route6 routes6[CLIENT_ROUTES_MAX];
	unsigned int route6_count;
	bool default_route, dns, once, incoming, json, clamp_mss, fragment, offload;
	enum datapath_mode datapath;
	const char *control_path; /* NULL: the default */
	unsigned int mtu;
	uint64_t connect_timeout, reconnect_min, reconnect_max; /* us */
	struct settings_tls tls;
	struct control_config control;
	struct session_config session;
};

/* Parses the arguments of `greyline connect`. 0; 1: help was printed; -1: an error was printed, end
 * with 2. */
int client_config_parse(struct client_config *c, int argc, char **argv);
/* The new password is the password from now on. */
void client_config_renew(struct client_config *c);
void client_config_done(struct client_config *c);
