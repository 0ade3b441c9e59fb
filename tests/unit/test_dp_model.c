/*
 * Two data planes with a bad path between them: sessions with all kinds of encryption and compression,
 * super-packets at both inner sides, loss, doubles, disorder and damage, keys and header compression
 * changed and sessions ended in the midst of it. Whatever comes out with a right checksum is what went
 * in, once, at the right session; each session mends; in the end every slot is back in its pool.
 *
 * Each plane has one worker to three, by the seed; of several the first reads for all and hands over.
 *
 * What happens is drawn from a seed; how the threads run is not, so nothing here depends on it.
 * DP_MODEL_STEPS in the environment: how long a run is, for builds that are much slower.
 */
#include "dp_rig.h"
#include "tcp_packet.h"

#include "dataplane/control.h"
#include "lib/mppe/cipher.h"
#include "system/cpu.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#define CALLS   6
#define STEPS   1200 /* unless DP_MODEL_STEPS says otherwise */
#define WORKERS 3    /* at most */
#define DRAINED 100  /* turns of a worker, after which nothing is left in a ring to it */
#define PHASE   40   /* steps: on a good path everything flows, too */
#define DATA    600  /* octets of each packet */
#define NUMBERS (1u << 20)
#define HELD    64
#define LATER   60000 /* us that a packet may be held back: beyond GRE_HOLD_TIME */
#define FAR     110   /* numbers: more than a compressed header can tell */
#define CCP     0x80fd

struct end {
	struct dp_session *s;
	unsigned int side, call;
};

struct mode {
	bool mppe;
	struct mppe_params params;
	struct codec_params codec;
};

static const struct mode modes[] = {
	{ 0 },
	{ .mppe = true, .params = { MPPE_128, true } },
	{ .mppe = true, .params = { MPPE_40, true } },
	{ .mppe = true, .params = { MPPE_128, false } },
	{ .mppe = true, .params = { MPPE_128, true }, .codec = { CODEC_MPPC, .encrypted = true } },
	{ .mppe = true, .params = { MPPE_56, false }, .codec = { CODEC_MPPC, .encrypted = true } },
	{ .codec = { CODEC_DEFLATE, .bits = 12 } },
};

/* Of each direction, by the side that sends. */
struct flow {
	uint32_t next, last, got;
	uint8_t seen[NUMBERS / 8];
};

struct call {
	const struct mode *mode;
	uint32_t age;
	uint16_t id; /* and the next one: Call IDs */
	struct end *ends[2];
	struct flow flow[2];
};

static struct rig *rigs[2];
static struct call calls[CALLS];
static unsigned int ends;
static bool marked[2];
static uint16_t next_id;
static uint64_t random_state;
static bool bad_path, cut; /* cut: nothing arrives any more */
static unsigned int steps = STEPS;

static struct held {
	uint64_t due; /* 0: free */
	unsigned int from;
	size_t len;
	uint8_t data[2048];
} held[HELD];

static unsigned int draw(unsigned int below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)(random_state >> 20) % below;
}

/* The host behind `side`. */
static uint32_t host(unsigned int side, unsigned int call)
{
	return IP(10, side + 1, call, 2);
}

/* ---- sessions ---- */

static void new_keys(struct call *c, unsigned int sender)
{
	struct end *to = c->ends[!sender], *from = c->ends[sender];
	uint8_t key[16];

	if (!c->mode->mppe)
		return;
	for (unsigned int i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)draw(256);
	dp_session_set_rx(rigs[!sender]->dp, to->s, &c->mode->params, key);
	dp_session_set_tx(rigs[sender]->dp, from->s, &c->mode->params, key);
}

static void new_headers(struct call *c, unsigned int sender, bool on)
{
	static const struct vj_params vj = { .slots = 4, .limit = 1500 };
	const struct vj_params *params = on ? &vj : NULL;
	struct dp_session *to = c->ends[!sender]->s, *from = c->ends[sender]->s;

	assert_int_equal(dp_session_set_vj(rigs[!sender]->dp, to, false, &vj), 0);
	assert_int_equal(dp_session_set_vj(rigs[sender]->dp, from, true, params), 0);
}

static void new_codecs(struct call *c, unsigned int sender)
{
	const struct codec_params *params = c->mode->codec.kind ? &c->mode->codec : NULL;
	struct dp_session *to = c->ends[!sender]->s, *from = c->ends[sender]->s;

	assert_int_equal(dp_session_set_unpack(rigs[!sender]->dp, to, params), 0);
	assert_int_equal(dp_session_set_pack(rigs[sender]->dp, from, params), 0);
}

static struct end *begin_end(unsigned int side, unsigned int call, uint16_t own, uint16_t peers)
{
	struct end *e = calloc(1, sizeof(*e));
	struct dp_session_config config = {
		.peer = in(PEER),
		.local = in(LOCAL),
		.tunnel = { .call_id = own,
			.peer_call_id = peers,
			.window = 64,
			.peer_window = 64,
			.flow = (enum gre_flow)draw(3) },
		.owner = e,
	};

	assert_non_null(e);
	e->side = side;
	e->call = call;
	e->s = dp_session_add(rigs[side]->dp, &config);
	assert_non_null(e->s);
	assert_int_equal(dp_session_add_route(rigs[side]->dp, e->s, in(host(!side, call)), 32), 0);
	ends++;
	return e;
}

static void begin_call(unsigned int i)
{
	uint16_t id = next_id;
	struct call *c = &calls[i];
	uint32_t age = c->age + 1;

	next_id = (uint16_t)(next_id + 2);
	memset(c, 0, sizeof(*c));
	c->age = age;
	c->id = id;
	c->mode = &modes[draw(sizeof(modes) / sizeof(modes[0]))];
	for (unsigned int side = 0; side < 2; side++)
		c->ends[side] = begin_end(side, i, (uint16_t)(id + side), (uint16_t)(id + !side));
	for (unsigned int side = 0; side < 2; side++) {
		new_keys(c, side);
		new_codecs(c, side);
		new_headers(c, side, draw(2));
		dp_session_open(rigs[side]->dp, c->ends[side]->s, true);
	}
}

/* The order of the ends, too, is not sure. */
static void end_call(struct call *c)
{
	unsigned int first = draw(2);

	for (unsigned int k = 0; k < 2; k++) {
		unsigned int side = k ? !first : first;

		dp_session_remove(rigs[side]->dp, c->ends[side]->s);
		c->ends[side] = NULL;
	}
}

/* ---- events: what the control plane does ---- */

static void send_ccp(struct end *e, const char *code)
{
	uint8_t frame[4] = { (uint8_t)code[0], 1, 0, 4 };

	(void)dp_session_send(rigs[e->side]->dp, e->s, CCP, frame, sizeof(frame));
}

static void on_model_event(void *user, const struct dp_event *event)
{
	struct end *e = event->owner;

	(void)user;
	switch (event->type) {
	case DP_EVENT_CONTROL:
		if (event->protocol == 0xc021 && event->len == 4 && event->data[0] == 11)
			marked[e->side] = true;
		if (event->protocol != CCP || event->len < 4 || event->data[0] != 14)
			break;
		dp_session_reset_requested(rigs[e->side]->dp, e->s);
		send_ccp(e, "\x0f");
		break;
	case DP_EVENT_RESET:
		send_ccp(e, "\x0e");
		break;
	case DP_EVENT_DESYNC:
		new_keys(&calls[e->call], !e->side);
		break;
	case DP_EVENT_REMOVED:
		free(e);
		ends--;
		break;
	case DP_EVENT_PATH:
		break;
	}
}

/* ---- the path ---- */

/* What a full socket does not take is lost. */
static void arrive(unsigned int side, const uint8_t *gre, size_t len)
{
	uint8_t buf[2200];
	size_t n = put_ipv4(buf, PEER, LOCAL, 47, gre, len);

	if (!cut)
		(void)!send(rigs[side]->gre, buf, n, MSG_DONTWAIT);
}

static void hold_back(unsigned int from, const uint8_t *gre, size_t len)
{
	struct held *h = &held[draw(HELD)];

	if (h->due)
		return; /* lost */
	h->due = clock_us() + draw(LATER);
	h->from = from;
	h->len = len;
	memcpy(h->data, gre, len);
}

/*
 * Not what is compressed: Deflate in clear has nothing that shows a damaged history for sure, and an
 * offset that is wrong by 128 gives octets here whose sum is the same.
 */
static bool may_damage(const uint8_t *gre)
{
	unsigned int id = (unsigned int)gre[6] << 8 | gre[7];

	for (unsigned int i = 0; i < CALLS; i++)
		if (calls[i].id == (id & ~1u))
			return calls[i].mode->codec.kind == CODEC_NONE;
	return true;
}

static void pass_on(unsigned int from, uint8_t *gre, size_t len)
{
	unsigned int fate = bad_path ? draw(64) : 63;

	if (fate < 3)
		return;
	if (fate < 6) {
		hold_back(from, gre, len);
		return;
	}
	if (fate < 8)
		arrive(!from, gre, len);
	if (fate < 10)
		hold_back(from, gre, len);
	if (fate == 10 && may_damage(gre))
		gre[draw((unsigned int)len)] ^= (uint8_t)(1 << draw(8));
	arrive(!from, gre, len);
}

static void release_held(void)
{
	uint64_t now = clock_us();

	for (unsigned int i = 0; i < HELD; i++) {
		if (!held[i].due || held[i].due > now)
			continue;
		held[i].due = 0;
		arrive(!held[i].from, held[i].data, held[i].len);
	}
}

/* ---- the inner sides ---- */

static uint8_t fill_of(unsigned int from, unsigned int call, uint32_t number)
{
	return (uint8_t)(number * 7 + call * 31 + from * 13 + calls[call].age);
}

static size_t put_packet(unsigned int from, unsigned int call, uint32_t number, uint8_t *out)
{
	struct tcp_packet t = {
		.source = host(from, call),
		.destination = host(!from, call),
		.seq = number * DATA,
		.ack = calls[call].age,
		.id = (uint16_t)number,
		.fragment = 0x4000,
		.window = 500,
		.data_len = DATA,
		.fill = fill_of(from, call, number),
	};

	return tcp_make(&t, out);
}

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* `count` packets in one, as a device with TSO hands them over. */
static void inner_gives(unsigned int from, unsigned int call, unsigned int count)
{
	static uint8_t buf[VNET_SIZE + 65536];
	uint8_t one[TCP_PACKET_MAX], *packet = buf + VNET_SIZE;
	struct flow *f = &calls[call].flow[from];
	size_t len = put_packet(from, call, f->next, packet);
	struct vnet v = { 0 };

	for (unsigned int i = 1; i < count; i++) {
		put_packet(from, call, f->next + i, one);
		memcpy(packet + len, one + 40, DATA);
		len += DATA;
	}
	if (count > 1) {
		v = (struct vnet){ VNET_TCP4, false, true, 40, DATA, 20, 16 };
		put16(packet + 2, len);
		put16(packet + 10, 0);
		put16(packet + 10, checksum_of(packet, 20));
		put16(packet + 36,
			checksum_fold(checksum_add_pseudo(0, packet + 12, 8, 6, len - 20)));
	}
	vnet_encode(&v, buf);
	f->next += count;
	(void)!send(rigs[from]->inner, buf, VNET_SIZE + len, MSG_DONTWAIT);
}

/* One packet, by its number. */
static void came(unsigned int from, unsigned int call, uint32_t number, const uint8_t *data)
{
	struct call *c = &calls[call];
	struct flow *f = &c->flow[from];
	uint8_t fill = fill_of(from, call, number);

	assert_true(number < f->next);
	for (unsigned int i = 0; i < DATA; i++)
		assert_int_equal(data[i], (uint8_t)(fill + i));
	assert_false(f->seen[number / 8] & 1 << number % 8);
	f->seen[number / 8] |= (uint8_t)(1 << number % 8);
	/* What is late passes, but under stateful MPPE and compression. */
	if ((c->mode->mppe && !c->mode->params.stateless) || c->mode->codec.kind)
		assert_true(!f->got || number > f->last);
	f->last = number;
	f->got++;
}

/* What the path damaged, or headers of a gap made of it, shows in its checksums. */
static bool is_right(const struct vnet *v, const uint8_t *packet, size_t len)
{
	uint64_t sum = checksum_add_pseudo(0, packet + 12, 8, 6, len - 20);

	if (v->kind == VNET_LONE)
		return checksum_of(packet, 20) == 0 && len == 40 + DATA &&
		       checksum_of_upper(packet + 12, 8, 6, packet + 20, len - 20) == 0;
	assert_true(v->kind == VNET_TCP4 && v->partial && v->size == DATA);
	assert_int_equal(checksum_of(packet, 20), 0);
	assert_int_equal(checksum_fold(sum), (unsigned int)packet[36] << 8 | packet[37]);
	return true;
}

static void inner_came(unsigned int side, const uint8_t *buf, size_t n)
{
	const uint8_t *packet = buf + VNET_SIZE;
	unsigned int call = packet[18];
	size_t len = n - VNET_SIZE;
	struct wire_reader r;
	struct vnet v;
	uint32_t seq;

	assert_true(len >= 20);
	vnet_decode(&v, buf);
	r = wire_reader(packet, len);
	wire_skip(&r, 2);
	assert_int_equal(wire_u16(&r), len);
	if (!is_right(&v, packet, len))
		return;
	wire_skip(&r, 8);
	assert_true(call < CALLS);
	assert_int_equal(wire_u32(&r), host(!side, call));
	assert_int_equal(wire_u32(&r), host(side, call));
	wire_skip(&r, 4);
	seq = wire_u32(&r);
	if (wire_u32(&r) != calls[call].age)
		return; /* of a session that is gone */
	assert_int_equal(seq % DATA, 0);
	assert_int_equal((len - 40) % DATA, 0);
	for (size_t i = 0; i < (len - 40) / DATA; i++)
		came(!side, call, seq / DATA + (uint32_t)i, packet + 40 + i * DATA);
}

static void pump(void)
{
	static uint8_t buf[VNET_SIZE + 65536];
	ssize_t n;

	for (unsigned int side = 0; side < 2; side++) {
		while ((n = recv(rigs[side]->gre, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			pass_on(side, buf, (size_t)n);
		while ((n = recv(rigs[side]->inner, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			inner_came(side, buf, (size_t)n);
		dataplane_dispatch(rigs[side]->dp, on_model_event, NULL);
	}
	release_held();
	sched_yield();
}

/* ---- the course of things ---- */

static void step(void)
{
	unsigned int i = draw(CALLS), side = draw(2), what = draw(100);
	struct call *c = &calls[i];

	if (what < 40) {
		for (unsigned int n = 1 + draw(6); n; n--)
			inner_gives(side, i, 1);
	} else if (what < 85) {
		inner_gives(side, i, 2 + draw(40));
	} else if (what < 88) {
		new_keys(c, side);
	} else if (what < 90) {
		new_headers(c, side, draw(2));
	} else if (what < 92) {
		new_codecs(c, side);
		new_keys(c, side); /* CCP agrees on both at once */
	} else if (what < 94) {
		dp_session_open(rigs[side]->dp, c->ends[side]->s, false);
		dp_session_open(rigs[side]->dp, c->ends[side]->s, true);
	} else if (what < 96) {
		end_call(c);
		begin_call(i);
	} else {
		c->flow[side].next += FAR;
	}
	if (draw(4))
		pump();
}

/* The path is good again: so is each session, soon. */
static void all_mend(void)
{
	uint64_t end = clock_us() + PATIENCE_MS * 1000, again;
	unsigned int left;

	bad_path = false;
	for (unsigned int i = 0; i < CALLS; i++)
		calls[i].flow[0].got = calls[i].flow[1].got = 0;
	do {
		left = 0;
		for (unsigned int i = 0; i < 2 * CALLS; i++) {
			struct flow *f = &calls[i / 2].flow[i % 2];

			if (f->got >= 3)
				continue;
			left++;
			f->next += FAR; /* a header as it is */
			assert_true(f->next < NUMBERS - 10);
			inner_gives(i % 2, i / 2, 1);
		}
		again = clock_us() + 5000;
		do {
			pump();
		} while (clock_us() < again);
		assert_true(again < end);
	} while (left);
}

/* Every frame before it, and so every packet, has left both workers. */
static void sync_all(void)
{
	uint64_t end = clock_us() + PATIENCE_MS * 1000, again = 0;

	marked[0] = marked[1] = false;
	while (!marked[0] || !marked[1]) {
		for (unsigned int side = 0; clock_us() >= again && side < 2; side++)
			(void)dp_session_send(rigs[side]->dp, calls[0].ends[side]->s, 0xc021,
				(const uint8_t *)"\x0b\x01\0\x04", 4);
		if (clock_us() >= again)
			again = clock_us() + 500000;
		pump();
		assert_true(clock_us() < end);
	}
}

/* How much a worker's GRE socket takes before it is full. */
static void set_room(int octets)
{
	for (unsigned int side = 0; side < 2; side++)
		assert_int_equal(setsockopt(rigs[side]->dp_gre, SOL_SOCKET, SO_SNDBUF, &octets,
					 sizeof(octets)),
			0);
}

/* Nothing that was sent to a worker is left in its sockets. */
static bool all_read(void)
{
	int left = 0, octets;

	for (unsigned int side = 0; side < 2; side++) {
		assert_int_equal(ioctl(rigs[side]->inner, SIOCOUTQ, &octets), 0);
		left |= octets;
		assert_int_equal(ioctl(rigs[side]->gre, SIOCOUTQ, &octets), 0);
		left |= octets;
	}
	return !left;
}

/* A command that a worker executes: so it has done all that its turns before had to do. */
static void turn_of(struct worker *w)
{
	static struct dp_session nobody;
	struct command c = { .type = COMMAND_SET_PATH, .session = &nobody };

	command_post_wait(&w->commands, &c);
}

/* Of sessions there is none any more, in the sockets nothing: so each slot is in its pool, or armed. */
static void every_slot_is_back(struct dataplane *dp)
{
	for (unsigned int turn = 0; turn < DRAINED; turn++) {
		for (unsigned int i = 0; i < dp->count; i++)
			turn_of(dp->workers[i]);
	}
	for (unsigned int i = 0; i < dp->count; i++)
		worker_stop(dp->workers[i]);
	for (unsigned int i = 0; i < dp->count; i++) {
		const struct worker *w = dp->workers[i];
		size_t out = w->tx.count + w->inner.count;

		for (unsigned int k = 0; k < IO_RECEIVE_MAX; k++)
			out += w->rx.slots[k] != NULL;
		assert_int_equal(w->pool.free + out, w->pool.total);
		assert_int_equal(w->tx.count + w->inner.count + w->cipher.count, 0);
	}
	dp->count = 0; /* none is to be stopped any more */
}

static void set_up(uint64_t seed)
{
	static const struct vnet_offload all = {
		.header = true, .tcp4 = true, .tcp6 = true, .udp = true
	};

	random_state = seed * 0x9e3779b97f4a7c15u;
	next_id = 100;
	memset(calls, 0, sizeof(calls));
	memset(held, 0, sizeof(held));
	cut = false;
	for (unsigned int side = 0; side < 2; side++)
		rigs[side] = rig_with((struct dp_config){ .workers = 1 + draw(WORKERS),
			.cipher = cipher_choose(cpu_features()),
			.check_source = true,
			.clamp_mss = true,
			.report_too_big = true,
			.inner_offload = all });
	for (unsigned int i = 0; i < CALLS; i++)
		begin_call(i);
}

static void run(uint64_t seed)
{
	set_up(seed);
	if (seed % 2)
		set_room(16384);
	for (unsigned int i = 0; i < steps; i++) {
		bad_path = i / PHASE % 2;
		step();
	}
	set_room(1 << 20);
	all_mend();
	for (unsigned int i = 1; i < CALLS; i++)
		end_call(&calls[i]);
	sync_all();
	cut = true;
	while (!all_read())
		pump();
	end_call(&calls[0]);
	while (ends)
		pump();
	for (unsigned int side = 0; side < 2; side++) {
		every_slot_is_back(rigs[side]->dp);
		rig_free(rigs[side]);
	}
}

static uint64_t first_seed = 1, last_seed = 4;

static void what_comes_out_went_in_and_no_slot_is_lost(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; seed <= last_seed; seed++)
		run(seed);
}

/* Arguments: the first seed and the last. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_out_went_in_and_no_slot_is_lost),
	};

	if (getenv("DP_MODEL_STEPS"))
		steps = (unsigned int)strtoul(getenv("DP_MODEL_STEPS"), NULL, 10);
	if (argc == 3) {
		first_seed = strtoull(argv[1], NULL, 10);
		last_seed = strtoull(argv[2], NULL, 10);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
