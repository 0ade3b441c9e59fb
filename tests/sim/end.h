/*
 * One end of a simulated call: control connection, call, PPP link and tunnel together, as the
 * session layer has them, without an event loop. Control frames reach the link a little later than
 * the tunnel gave them out: the two planes are two threads in the program.
 */
#pragma once

#include "lib/control/connection.h"
#include "lib/ppp/link.h"
#include "lib/tunnel.h"
#include "tests/sim/network.h"
#include "tests/sim/side.h"
#include "tests/unit/tls_stub.h"

struct sim_end_config {
	struct ppp_mppe_config mppe;
	struct ppp_auth_list auth;
	enum tls_version tls;    /* of the TLS that EAP-TLS has here: tls_stub.h */
	const char *certificate; /* the name in the other end's */
	struct ppp_compress_list compress;
	bool vj;                     /* compression of headers */
	bool ipv6;                   /* IPV6CP beside IPCP */
	bool cbcp;                   /* server: callback is no reason to refuse */
	const char *user, *password; /* client: what it says; server: the account it has */
	const char *new_password;    /* client: to change to; NULL none */
	bool expired;                /* server: its account's password has to be changed */
	uint64_t reauthenticate;     /* server */
	enum gre_flow flow;
	uint16_t window; /* that it announces, 0 included */
	uint16_t delay;  /* the same, tenths of a second */
	bool mute;       /* it never acknowledges */
};

#define SIM_CONNECTIONS 5    /* of TCP, that the data is of */
#define SIM_DATA_MAX    4096 /* numbers of data that are watched */

struct sim_end {
	unsigned int index; /* 0 client (PNS, originator), 1 server (PAC, receiver) */
	struct sim_network *net;
	struct sim_end_config config;
	struct control_config control_config;
	struct control_connection control;
	struct control_call call;
	struct sim_side side;
	struct ppp_link *link;
	struct stub_tls tls;
	struct tunnel tunnel;
	struct rc4_batch batch;
	bool has_call, tunnel_on, link_started, link_over, up, up6, ever_up, control_closed,
		stop_wanted;
	uint64_t up_at;
	enum pptp_reason reason; /* of the link or call, whatever came first */
	char detail[160];
	struct ppp_network network;
	bool renewed;              /* server: the password was changed; client: the new one holds */
	struct ppp_secret renewal; /* server: what the account has since */
	long packets;              /* slots in use */
	/* data */
	uint32_t sent, received, next_expected;
	uint32_t seq[SIM_CONNECTIONS];
	uint32_t stale;                   /* whose header was computed from the wrong one */
	uint64_t came[SIM_DATA_MAX / 64]; /* bit per number */
	uint32_t late;                    /* out of order, when their gap had been given up */
	enum codec_kind unpack;           /* the last */
	uint64_t headers;                 /* those whose header was compressed, in all */
	uint64_t compressed;              /* data packets that came compressed, in all */
	uint64_t waited;                  /* those that found the window full, in all */
	uint64_t disordered, damaged, damaged_unexplained;
	const char *violation; /* an invariant was broken: what */
	struct sim_pending {
		uint64_t at;
		uint16_t protocol, len;
		uint8_t data[1600];
	} pending[64];
	unsigned int pending_first, pending_count, pending_lost;
};

void sim_end_init(struct sim_end *e, unsigned int index, struct sim_network *net,
	const struct sim_end_config *config);
void sim_end_done(struct sim_end *e);

void sim_end_event(struct sim_end *e, const struct sim_event *event);
uint64_t sim_end_deadline(const struct sim_end *e);
void sim_end_tick(struct sim_end *e);

/* Sends the next numbered data packet; false if it could not. */
bool sim_end_send_data(struct sim_end *e, size_t len);
/* Ends the call from this side: the link, or (rude) the call alone, or the TCP connection. */
enum sim_goodbye { SIM_BYE_LINK, SIM_BYE_CALL, SIM_BYE_CONTROL, SIM_BYE_TCP };
void sim_end_close(struct sim_end *e, enum sim_goodbye how);

/* Everything over? */
bool sim_end_over(const struct sim_end *e);
