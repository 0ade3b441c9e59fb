/* One end of a simulated call: what its control connection and calls want of it. See end.h. */
#include "tests/sim/end_internal.h"

static void tunnel_start(struct sim_end *e, uint16_t call_id, uint16_t peer_call_id,
	uint16_t peer_window, uint16_t peer_delay)
{
	struct tunnel_config config = {
		.call_id = call_id,
		.peer_call_id = peer_call_id,
		.window = e->config.window,
		.peer_window = peer_window,
		.peer_delay = peer_delay,
		.flow = e->config.flow,
		.require_mppe = e->config.mppe.policy == PPP_MPPE_REQUIRE,
	};

	tunnel_init(&e->tunnel, &config);
	e->tunnel_on = true;
}

static void op_send(void *user, const uint8_t *data, size_t len)
{
	struct sim_end *e = user;

	if (!e->control_closed)
		sim_send(e->net, SIM_STREAM, 1 - e->index, data, len);
}

static void op_established(void *user)
{
	struct sim_end *e = user;
	struct control_call_params params = { .window = e->config.window,
		.processing_delay = e->config.delay,
		.max_bps = 100000000,
		.bearer = 3,
		.framing = 3 };

	if (e->index)
		return;
	params.call_id = (uint16_t)sim_random(e->net);
	if (control_call_dial(&e->control, &e->call, &params, e->net->now) < 0) {
		e->violation = "a call could not be dialled";
		return;
	}
	e->has_call = true;
	tunnel_start(e, params.call_id, 0, 0, 0);
}

static void start_link(struct sim_end *e)
{
	e->link_started = true;
	ppp_link_start(e->link, e->net->now);
}

static void op_outgoing_call(void *user, const struct control_outgoing_request *request)
{
	struct sim_end *e = user;
	struct control_call_params params = { .window = e->config.window,
		.processing_delay = e->config.delay,
		.connect_speed = 100000000 };

	params.call_id = (uint16_t)sim_random(e->net);
	if (e->has_call || control_call_take(&e->control, &e->call, request, params.call_id,
				   e->net->now) < 0) {
		control_connection_refuse(&e->control, request, CONTROL_OUTGOING_BUSY, 0, 0);
		return;
	}
	e->has_call = true;
	tunnel_start(
		e, params.call_id, request->call_id, request->window, request->processing_delay);
	control_call_connect(&e->call, &params, e->net->now);
	start_link(e);
	sim_side_offer(&e->side, &e->control, params.call_id, e->net->now);
}

static void op_incoming_call(void *user, const struct control_incoming_request *request)
{
	struct sim_end *e = user;

	sim_side_requested(&e->side, &e->control, e->tunnel.call_id, request, e->net->now);
}

static void op_call_accepted(void *user, struct control_call *call)
{
	struct sim_end *e = user;

	if (call != &e->side.call)
		e->violation = "a call that was not offered was accepted";
	else
		sim_side_accepted(&e->side, e->net->now);
}

static void reported(struct sim_end *e, const struct control_call *call)
{
	if (call != &e->side.call || !e->side.up)
		e->violation = "a report on the line came for the wrong call";
	e->side.reports++;
}

static void op_link_info(
	void *user, struct control_call *call, const struct control_link_info *info)
{
	(void)info;
	reported(user, call);
}

static void op_wan_error(
	void *user, struct control_call *call, const struct control_wan_error *error)
{
	struct sim_end *e = user;

	if (error->crc != e->side.reports + (e->index ? 0 : 1))
		e->violation = "errors of the line got lost or were told twice";
	reported(e, call);
}

static void op_call_established(void *user, struct control_call *call)
{
	struct sim_end *e = user;

	if (call == &e->side.call) {
		sim_side_established(&e->side, e->net->now);
		return;
	}
	tunnel_set_peer(&e->tunnel, call->peer_call_id, call->peer_window, call->peer_delay);
	if (!e->link_over)
		start_link(e);
}

static void op_call_ended(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct sim_end *e = user;

	if (call == &e->side.call ? !sim_side_ended(&e->side) : !e->has_call)
		e->violation = "a call ended twice";
	if (call == &e->side.call)
		return;
	e->has_call = false;
	/* The link first: if it was ending, it knows the better reason. */
	if (!e->link_over)
		ppp_link_lower_down(e->link, reason, detail, e->net->now);
	sim_end_note(e, reason, detail);
	sim_end_tunnel_off(e);
	e->stop_wanted = true;
}

static void op_closed(void *user, enum pptp_reason reason, const char *detail)
{
	struct sim_end *e = user;

	if (e->control_closed)
		e->violation = "a control connection closed twice";
	if (e->has_call || e->side.open)
		e->violation = "a control connection closed with a call in it";
	sim_end_note(e, reason, detail);
	e->control_closed = true;
	sim_send(e->net, SIM_STREAM, 1 - e->index, NULL, 0);
}

const struct control_ops sim_control_ops = {
	.send = op_send,
	.established = op_established,
	.outgoing_call = op_outgoing_call,
	.incoming_call = op_incoming_call,
	.call_accepted = op_call_accepted,
	.link_info = op_link_info,
	.wan_error = op_wan_error,
	.call_established = op_call_established,
	.call_ended = op_call_ended,
	.closed = op_closed,
};
