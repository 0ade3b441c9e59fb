/* A second call in the control connection: see side.h. */
#include "tests/sim/side.h"

void sim_side_offer(
	struct sim_side *s, struct control_connection *c, uint16_t call_id, uint64_t now)
{
	struct control_call_params params = { .call_id = (uint16_t)(call_id + 1),
		.bearer = CONTROL_BEARER_DIGITAL,
		.dialed = "100",
		.dialing = "200" };

	s->whim = call_id;
	if (call_id & 1)
		s->open = control_call_offer(c, &s->call, &params, now) == 0;
}

void sim_side_accepted(struct sim_side *s, uint64_t now)
{
	static const struct control_hangup no_answer = { .result =
								 CONTROL_DISCONNECT_LOST_CARRIER };
	struct control_call_params params = { .connect_speed = 64000, .window = 8, .framing = 2 };
	struct control_wan_error errors = { .crc = 1 };

	if (s->whim & 2) {
		control_call_hangup(&s->call, PPTP_CALL_TIME_OUT, &no_answer, now);
		return;
	}
	control_call_answered(&s->call, &params, now);
	s->up = true;
	control_call_line_errors(&s->call, &errors, now);
	errors.crc++; /* goes 60 s later, or with the call */
	control_call_line_errors(&s->call, &errors, now);
}

void sim_side_requested(struct sim_side *s, struct control_connection *c, uint16_t call_id,
	const struct control_incoming_request *request, uint64_t now)
{
	struct control_call_params params = { .window = 8 };

	s->whim = call_id;
	if (s->open || call_id % 8 == 0)
		return; /* the library refuses for us */
	if (control_call_take_incoming(c, &s->call, request, (uint16_t)(call_id + 1), now) < 0)
		return;
	s->open = true;
	control_call_accept(&s->call, &params, now);
}

bool sim_side_hangs_up(const struct sim_side *s)
{
	return s->whim & 4;
}

void sim_side_established(struct sim_side *s, uint64_t now)
{
	s->up = true;
	control_call_link_info(&s->call, 0, 0xffffffff, now);
	if (sim_side_hangs_up(s))
		control_call_hangup(&s->call, PPTP_LOCAL_REQUEST, NULL, now);
}

bool sim_side_ended(struct sim_side *s)
{
	bool was_open = s->open;

	s->open = false;
	return was_open;
}
