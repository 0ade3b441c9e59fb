/*
 * session/line_sim: callers and called lines of the simulated exchange, frames, hang-ups (also inside
 * callbacks) and time. Nothing comes after `failed` or `over`, which come once; frames only after
 * `start`; when all are released, no circuit is left.
 */
#include "session/line_sim.h"

#include "fuzz/fuzz.h"

#define EARS 8

/* Who uses a line: the call's side of it. */
struct ear {
	struct line *line;
	bool called, connected, started, ended, rude;
};

static struct fuzz f;
static struct exchange x;
static struct ear ears[EARS];
static bool take; /* who is called makes a call of it */

static void on_connected(void *user, const struct line_connection *connection)
{
	struct ear *e = user;

	FUZZ_CHECK(!e->ended && !e->connected && connection->speed);
	e->connected = true;
	if (e->rude)
		e->line->ops->hangup(e->line, PPTP_ADMIN, "", f.now);
}

static void on_failed(void *user, const struct line_failure *failure)
{
	struct ear *e = user;

	FUZZ_CHECK(!e->ended && !e->connected && failure->result > CONTROL_OUTGOING_CONNECTED);
	e->ended = true;
}

static void on_frame(void *user, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct ear *e = user;
	uint8_t *copy = fuzz_copy(data, len);

	FUZZ_CHECK(!e->ended && e->started && !protocol && len <= SIM_FRAME);
	free(copy);
	if (e->rude)
		e->line->ops->hangup(e->line, PPTP_LOCAL_REQUEST, "no", f.now);
}

static void on_errors(void *user, const struct control_wan_error *totals)
{
	FUZZ_CHECK(!((struct ear *)user)->ended && totals);
}

static void on_over(void *user, const struct line_end *end)
{
	struct ear *e = user;

	FUZZ_CHECK(!e->ended && end->detail && end->reason != PPTP_NONE);
	e->ended = true;
}

static const struct line_user_ops ear_ops = {
	.connected = on_connected,
	.failed = on_failed,
	.frame = on_frame,
	.errors = on_errors,
	.over = on_over,
};

static struct ear *listen_to(struct line *l, bool rude)
{
	for (int i = 0; i < EARS; i++) {
		if (!ears[i].line) {
			ears[i] = (struct ear){ .line = l, .rude = rude };
			l->up = &ear_ops;
			l->user = &ears[i];
			return &ears[i];
		}
	}
	return NULL;
}

static void on_ring(void *owner, struct line *l, const struct line_call *call, uint64_t now)
{
	struct ear *e = take ? listen_to(l, false) : NULL;

	(void)now;
	FUZZ_CHECK(owner == &x && sim_line_of(l) && call->number[0]);
	if (e) {
		e->called = true;
	} else {
		l->ops->release(l);
	}
}

static void on_wake(void *owner)
{
	FUZZ_CHECK(owner == &x);
}

/* Those that are over go back, outside of all callbacks. */
static void sweep(void)
{
	for (int i = 0; i < EARS; i++) {
		if (ears[i].line && ears[i].ended) {
			ears[i].line->ops->release(ears[i].line);
			ears[i].line = NULL;
		}
	}
}

/* What dial() or answer() said at once. */
static void settled(struct ear *e, int rc, const struct line_connection *connection)
{
	const struct line_failure failure = { .result = CONTROL_OUTGOING_BUSY };

	FUZZ_CHECK(rc >= -1 && rc <= 1);
	/* The far end may have hung up when it heard that it is connected. */
	if (rc > 0 && !e->ended)
		on_connected(e, connection);
	else if (rc < 0 && !e->ended)
		on_failed(e, &failure);
}

static void dial(void)
{
	static const char *const numbers[] = { "1", "2", "3", "4", "5", "6", "7", "none" };
	struct line_connection out = { .speed = 1 };
	struct line_failure failure = { 0 };
	struct line_call call = { 0 };
	struct line *l = exchange_outside_line(&x);
	uint8_t which = fuzz_u8(&f);
	struct ear *e;

	if (!l)
		return;
	e = listen_to(l, which & 0x80);
	if (!e) {
		l->ops->release(l);
		return;
	}
	snprintf(call.number, sizeof(call.number), "%s", numbers[which & 7]);
	settled(e, l->ops->dial(l, &call, &out, &failure, f.now), &out);
}

static void use(struct ear *e)
{
	const struct line_path path = { 0 };
	struct line_connection out = { .speed = 1 };
	struct line *l = e->line;
	uint8_t *block;
	size_t len;

	if (!l)
		return;
	switch (fuzz_below(&f, 7)) {
	case 0:
		if (e->called && !e->connected)
			settled(e, l->ops->answer(l, &out, f.now), &out);
		break;
	case 1:
		if (e->connected && !e->started) {
			e->started = true;
			l->ops->start(l, &path, f.now);
		}
		break;
	case 2:
	case 3:
		block = fuzz_block(&f, &len);
		if (e->started)
			l->ops->frame(l, 0, block, len, f.now);
		free(block);
		break;
	case 4:
		l->ops->hangup(l, PPTP_LOCAL_REQUEST, "bye", f.now);
		break;
	case 5:
		l->ops->lost(l, PPTP_TCP_ERROR, "gone", f.now);
		FUZZ_CHECK(e->ended);
		break;
	case 6:
		if (l->ops->link_info)
			l->ops->link_info(l, fuzz_u8(&f), fuzz_u8(&f));
		break;
	}
}

static void tick(void)
{
	exchange_tick(&x, f.now);
	sweep();
	FUZZ_CHECK(exchange_deadline(&x) > f.now);
}

static void step(void)
{
	uint8_t what = fuzz_u8(&f);

	switch (what & 7) {
	case 0:
	case 1:
		dial();
		break;
	case 2:
		fuzz_pass(&f);
		break;
	case 3:
		fuzz_pass_to(&f, exchange_deadline(&x));
		break;
	case 4:
		take = what & 8;
		break;
	default:
		use(&ears[(what >> 3) % EARS]);
		break;
	}
	sweep();
	tick();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct exchange_ops ops = { .line = { .ring = on_ring }, .wake = on_wake };

	f = fuzz_begin(data, size);
	memset(ears, 0, sizeof(ears));
	take = true;
	exchange_init(&x, &ops, &x);
	for (int i = 0; i < 7; i++) {
		struct sim_line_config config = {
			.outcome = (enum sim_outcome)(i % 6),
			.speed = 56000,
			.delay = i == 6 ? 0 : 1000000,
			.lifetime = i == 6 ? 30000000 : 0,
			.damage = i == 6 ? 2 : 0,
		};

		snprintf(config.name, sizeof(config.name), "line%d", i);
		snprintf(config.number, sizeof(config.number), "%d", i + 1);
		if (i == 6)
			config.outcome = SIM_CONNECT;
		FUZZ_CHECK(!exchange_add(&x, &config));
	}
	while (fuzz_more(&f))
		step();
	for (int i = 0; i < EARS; i++) {
		if (ears[i].line && !ears[i].ended)
			ears[i].line->ops->lost(ears[i].line, PPTP_SHUTDOWN, "", f.now);
	}
	sweep();
	FUZZ_CHECK(!x.circuit_count);
	exchange_done(&x);
	return 0;
}
