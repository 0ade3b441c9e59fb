/*
 * A second call beside the simulated one, in the same control connection and the other way round: an
 * incoming call that the server, as PAC, offers to the client, as PNS. It carries no data; it is
 * refused, or accepted and not answered, or established, reported on and perhaps hung up. What it
 * does is in the bits of the first call's Call ID, so it takes nothing from the seed's numbers.
 */
#pragma once

#include "lib/control/connection.h"

struct sim_side {
	struct control_call call;
	uint16_t whim;
	bool open, up;
	unsigned int reports; /* Set-Link-Info and WAN-Error-Notify that came for it */
};

/* PAC: half of the calls have one. */
void sim_side_offer(
	struct sim_side *s, struct control_connection *c, uint16_t call_id, uint64_t now);
/* PAC: the PNS accepted. */
void sim_side_accepted(struct sim_side *s, uint64_t now);
/* PNS */
void sim_side_requested(struct sim_side *s, struct control_connection *c, uint16_t call_id,
	const struct control_incoming_request *request, uint64_t now);
void sim_side_established(struct sim_side *s, uint64_t now);
/* PNS: does it hang up as soon as the call is established, and so hears nothing of its line? */
bool sim_side_hangs_up(const struct sim_side *s);
/* Either; false if it had ended before. */
bool sim_side_ended(struct sim_side *s);
