/*
 * The server's telephone lines: sections line "NAME" { ... } of the configuration. A number that belongs to one is
 * dialled there when a PNS asks for it; every other goes to our own PPP stack, which is what VPN clients want. A line
 * that rings is offered to its PNS as an incoming call (RFC 2637 section 3.2.3), over a control connection that is
 * there, or over a new one, which we dial as PAC.
 *
 * So far there is one kind of line, "simulated": an exchange inside this process (session/line_sim.h).
 */
#pragma once

#include "session/line_sim.h"

#include <confuse.h>
#include <netinet/in.h>
#include <uv.h>

struct server;
struct server_connection;
struct waiting_ring;

struct server_line {
	struct sim_line_config sim;
	struct in_addr pns; /* whom its calls are offered to; 0: nobody */
};

struct server_lines_config {
	struct server_line *list;
	unsigned int count;
};

struct server_lines {
	struct exchange exchange;
	uv_timer_t timer;
	bool open;
	struct waiting_ring *waiting; /* lines that ring until there is a connection to their PNS */
	uint64_t rung,
		no_pns; /* incoming calls; those for which no connection to the PNS could be had */
};

/* Keys of a section, for libConfuse. */
extern cfg_opt_t server_line_opts[];
/* For cfg_set_validate_func() of "line": called at the end of a section, so that an error names its line. */
int server_line_section(cfg_t *cfg, cfg_opt_t *opt);

/* All sections. -1 with *why. */
int server_lines_read(struct server_lines_config *c, cfg_t *cfg, char *why);
void server_lines_config_done(struct server_lines_config *c);

/* -1 with *why. */
int server_lines_open(struct server *s, char *why);
/* When no session is left. */
void server_lines_close(struct server *s);

/* From the connections: a control connection is established; it is gone. */
void server_lines_established(struct server_connection *c);
void server_lines_closed(struct server_connection *c);

/*
 * The line that `number` is to be dialled from, a new one for this call. NULL: the number is none of ours. *busy: it
 * is, but all circuits are in use.
 */
struct line *server_line_for(struct server *s, const char *number, bool *busy);
