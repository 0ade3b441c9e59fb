/*
 * This machine, as far as it can stand in the way of PPTP to one server: the route to it, the firewall,
 * conntrack's PPTP helper, rp_filter, other PPTP clients. Only reads.
 */
#pragma once

#include "tools/doctor/finding.h"
#include "tools/doctor/output.h"

#include <netinet/in.h>

#define LOCAL_TEXT 200

struct local {
	struct in_addr source, gateway; /* of the route; 0 unknown, none */
	char device[16];                /* of the route; "" there is none */
	bool into_tunnel;               /* the device is one of a TUN or PPP tunnel */
	bool nat;                       /* our address is private, the server's is not */
	char gre_in[LOCAL_TEXT], gre_out[LOCAL_TEXT],
		tcp_out[LOCAL_TEXT]; /* rules that block, or ""
									    */
	bool other_client;           /* another program holds a GRE socket with this server */
};

/* Looks, and says what it saw by `o`. */
void local_look(struct local *l, struct in_addr server, const struct doctor_output *o);
/* The strict rp_filter (1) holds for packets that come in by this device. */
bool local_rp_filter(const char *device);
