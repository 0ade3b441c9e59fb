/* The options of `greyline doctor`. */
#pragma once

#include "session/session.h"
#include "session/settings_tls.h"
#include "tools/decode/auth.h"

#define DOCTOR_USERS_MAX 16

struct doctor_options {
	const char *server; /* or a capture's name */
	bool capture;
	unsigned int user_count; /* as they were written: of a capture NAME:PASSWORD, too */
	char *users[DOCTOR_USERS_MAX];
	const char *user;          /* NULL: no log-on is tried */
	char *password;            /* wiped and freed by doctor_options_done() */
	struct decode_users known; /* of a capture; wiped and freed as well */
	const char *html;          /* of a capture: the report's path, or NULL */
	unsigned int pings;
	unsigned int throughput; /* seconds; 0: not measured */
	bool json;
	cfg_t *cfg;              /* owns strings of the session's configuration */
	struct settings_tls tls; /* freed by doctor_options_done() */
	struct control_config control;
	struct session_config session; /* link.auth, link.mppe: what is allowed here */
};

/* 0; 1: help was printed; -1: an error was printed. */
int doctor_options_parse(struct doctor_options *o, int argc, char **argv);
void doctor_options_done(struct doctor_options *o);
