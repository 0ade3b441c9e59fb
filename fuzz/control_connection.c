/*
 * lib/control/connection and call: two ends in both TCP roles, each PNS and PAC of calls of both
 * kinds. What one sent reaches the other in any cutting, with messages of the input's in between;
 * time, the owner's calls and what it does in callbacks are the input's, too. The invariants are in
 * control_end.h.
 */
#include "fuzz/control_end.h"

static struct control_end ends[2]; /* by enum control_role */

/* A Call ID: of one of the calls, as either end knows it, or any. */
static uint16_t pick_id(struct control_end *e)
{
	uint8_t b = fuzz_u8(e->f);
	const struct control_call *call = &e->calls[(b & 15) % CALLS];

	if (b >= 0x80)
		return b;
	if (!e->begun[call - e->calls])
		return (uint16_t)(100 + (b & 15));
	return b & 16 ? call->peer_call_id : call->call_id;
}

static void fill_call(struct control_end *e, struct control_message *m)
{
	struct fuzz *f = e->f;

	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REQUEST:
		m->outgoing_request.call_id = pick_id(e);
		m->outgoing_request.window = fuzz_u8(f);
		m->outgoing_request.phone_length = fuzz_u8(f);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		m->outgoing_reply.call_id = pick_id(e);
		m->outgoing_reply.peer_call_id = pick_id(e);
		m->outgoing_reply.result = fuzz_u8(f) & 15;
		m->outgoing_reply.error = fuzz_u8(f) & 15;
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		m->incoming_request.call_id = pick_id(e);
		m->incoming_request.dialed_length = fuzz_u8(f);
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		m->incoming_reply.call_id = pick_id(e);
		m->incoming_reply.peer_call_id = pick_id(e);
		m->incoming_reply.result = fuzz_u8(f) & 7;
		m->incoming_reply.error = fuzz_u8(f) & 15;
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		m->incoming_connected.peer_call_id = pick_id(e);
		m->incoming_connected.window = fuzz_u8(f);
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		m->clear_request.call_id = pick_id(e);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		m->disconnect.call_id = pick_id(e);
		m->disconnect.result = fuzz_u8(f) & 7;
		memset(m->disconnect.statistics, 'x', fuzz_below(f, 129));
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		m->wan_error.peer_call_id = pick_id(e);
		break;
	case CONTROL_SET_LINK_INFO:
		m->link_info.peer_call_id = pick_id(e);
		break;
	default:
		break;
	}
}

static void fill(struct control_end *e, struct control_message *m)
{
	static const uint16_t versions[] = { 0x0100, 0x0100, 0x0101, 0x0200, 0 };
	struct fuzz *f = e->f;

	switch (m->type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		m->start.version = versions[fuzz_below(f, 5)];
		m->start.result = fuzz_u8(f) & 7;
		m->start.error = fuzz_u8(f) & 7;
		m->start.max_channels = fuzz_u8(f) & 7;
		break;
	case CONTROL_STOP_REQUEST:
		m->stop_request.reason = fuzz_u8(f);
		break;
	case CONTROL_STOP_REPLY:
		m->stop_reply.result = fuzz_u8(f);
		break;
	case CONTROL_ECHO_REQUEST:
		m->echo_request.identifier = fuzz_u32(f);
		break;
	case CONTROL_ECHO_REPLY:
		m->echo_reply.identifier =
			fuzz_bool(f) ? e->c.echo_identifier : (uint32_t)fuzz_u16(f);
		m->echo_reply.result = fuzz_u8(f) & 3;
		break;
	default:
		fill_call(e, m);
		break;
	}
}

/* A valid message of the input's, perhaps with an octet changed, in one piece or two. */
static void inject(struct control_end *e)
{
	struct control_message m = { .type = (enum control_type)(1 + fuzz_below(e->f, 15)) };
	uint8_t buf[CONTROL_MESSAGE_MAX], at;
	size_t cut;
	int n;

	fill(e, &m);
	n = control_message_encode(&m, buf, sizeof(buf));
	FUZZ_CHECK(n > 0);
	at = fuzz_u8(e->f);
	if (at < n)
		buf[at] ^= fuzz_u8(e->f);
	cut = fuzz_u8(e->f) % (size_t)n;
	if (cut)
		control_end_receive(e, buf, cut);
	control_end_receive(e, buf + cut, (size_t)n - cut);
}

/* Some of what the other end sent. */
static void deliver(struct control_end *to, size_t n)
{
	struct control_end *from = &ends[to == &ends[0]];
	uint8_t piece[OUT];

	n = n < from->out_len ? n : from->out_len;
	memcpy(piece, from->out, n);
	from->out_len -= n;
	memmove(from->out, from->out + n, from->out_len);
	control_end_receive(to, piece, n);
}

static void raw(struct control_end *e)
{
	size_t len;
	uint8_t *block = fuzz_block(e->f, &len);

	control_end_receive(e, block, len);
	free(block);
}

/* What the owner of a call may do with it at any time, fitting or not. */
static void handle_call(struct control_end *e)
{
	uint8_t what = fuzz_u8(e->f);
	struct control_call *call = &e->calls[(what & 15) % CALLS];
	struct control_call_params params = control_end_params(e);
	struct control_hangup how = { .statistics = "none" };
	struct control_wan_error totals = { 0 };
	uint64_t now = e->f->now;

	if (!e->begun[call - e->calls])
		return;
	switch (what >> 4 & 7) {
	case 0:
		control_call_connect(call, &params, now);
		break;
	case 1:
		control_call_accept(call, &params, now);
		break;
	case 2:
		control_call_answered(call, &params, now);
		break;
	case 3:
		control_call_refuse(call, fuzz_u8(e->f), fuzz_u8(e->f), 17, now);
		break;
	case 4:
		how.result = fuzz_u8(e->f);
		how.error = fuzz_u8(e->f);
		control_call_hangup(call, PPTP_LOCAL_REQUEST, how.result & 8 ? NULL : &how, now);
		break;
	case 5:
		totals.crc = fuzz_u8(e->f);
		control_call_line_errors(call, &totals, now);
		break;
	case 6:
		control_call_link_info(call, 0, fuzz_u8(e->f), now);
		break;
	default:
		control_call_hangup(call, PPTP_ADMIN, NULL, now);
		break;
	}
}

static void own(struct control_end *e)
{
	struct fuzz *f = e->f;
	uint8_t arg;

	switch (fuzz_below(f, 8)) {
	case 0:
	case 1:
		control_end_dial(e, false);
		break;
	case 2:
		control_end_dial(e, true);
		break;
	case 3:
		control_connection_probe(&e->c, fuzz_span(f), f->now);
		break;
	case 4:
		control_connection_stop(&e->c, PPTP_LOCAL_REQUEST, f->now);
		break;
	case 5:
		control_connection_lost(
			&e->c, PPTP_TCP_ERROR, fuzz_bool(f) ? "reset" : NULL, f->now);
		break;
	case 6:
		e->answer = fuzz_u8(f);
		break;
	case 7:
		arg = fuzz_u8(f);
		e->provoke = (enum provoke)((arg & 15) % PROVOKE_COUNT);
		e->start = (enum control_start_decision)(
			(arg >> 4) % (CONTROL_START_COLLISION_WON + 1));
		break;
	}
}

static void step(struct fuzz *f)
{
	uint8_t what = fuzz_u8(f);
	struct control_end *e = &ends[what & 1];

	switch (what >> 1 & 7) {
	case 0:
		deliver(e, OUT);
		break;
	case 1:
		deliver(e, fuzz_u8(f));
		break;
	case 2:
		inject(e);
		break;
	case 3:
		raw(e);
		break;
	case 4:
		handle_call(e);
		break;
	case 5:
		own(e);
		break;
	case 6:
		fuzz_pass(f);
		break;
	case 7:
		fuzz_pass_to(f, control_connection_deadline(&e->c));
		break;
	}
	for (int i = 0; i < 2; i++)
		control_end_tick(&ends[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);

	control_end_begin(&ends[0], &f, CONTROL_ORIGINATOR);
	control_end_begin(&ends[1], &f, CONTROL_RECEIVER);
	while (fuzz_more(&f))
		step(&f);
	control_end_finish(&ends[0]);
	control_end_finish(&ends[1]);
	return 0;
}
