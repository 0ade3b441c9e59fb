/*
 * Tunnel against tunnel in virtual time, over a path that loses, delays, doubles and reorders, in
 * clear and in both modes of MPPE at all strengths: order, content and the books.
 */
#include "tests/unit/tunnel_pair.h"

struct path {
	unsigned int loss, duplicates; /* in 1000 */
	uint32_t delay, jitter;        /* us */
	bool burst;                    /* 20 ms of nothing now and then */
};

#define FLIGHT_MAX 2000

struct flight {
	uint64_t at;
	struct packet *p; /* NULL: a CCP Reset-Request, by another way */
	unsigned int to;
};

static struct flight flights[FLIGHT_MAX];
static unsigned int nflights;
static uint32_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)rng * n >> 32);
}

struct end {
	struct tunnel t;
	uint32_t sent, next, delivered, late, lost_on_path;
	bool seen[4096];
};

static void launch(struct packet *p, unsigned int to, uint64_t at)
{
	assert_true(nflights < FLIGHT_MAX);
	flights[nflights++] = (struct flight){ .at = at, .p = p, .to = to };
}

static void send_over(
	struct end *ends, const struct path *path, struct packet *p, unsigned int to, uint64_t now)
{
	bool burst = path->burst && now / (20 * MS) % 25 == 7;
	/* What overtakes the very first packet makes it late: not what is tested here. */
	uint32_t jitter = now < 1050 * MS ? 0 : path->jitter;

	if (burst || chance(1000) < path->loss) {
		ends[to].lost_on_path++;
		release(p);
		return;
	}
	launch(p, to, now + path->delay + chance(jitter + 1));
	if (chance(1000) < path->duplicates)
		launch(packet(p->data, p->len), to, now + path->delay + chance(2 * path->jitter));
}

static void take_events(struct end *ends, unsigned int e, const struct path *path, uint64_t now)
{
	unsigned int events = tunnel_events(&ends[e].t);

	assert_false(events & TUNNEL_EVENT_DESYNC);
	if (events & TUNNEL_EVENT_RESET)
		launch(NULL, !e, now + path->delay);
}

static void deliver(struct end *ends, unsigned int e, struct packet_list *in,
	const struct path *path, uint64_t now)
{
	struct packet_list done;
	struct packet *p;

	packet_list_init(&done);
	work(&ends[e].t, in, &done);
	while ((p = packet_list_take(&done))) {
		if (p->verdict == PACKET_DATA) {
			uint32_t number = ip_number(p);

			/* Once, and in order, but for what is later than all was for a while. */
			assert_true(number < 4096 && !ends[e].seen[number]);
			ends[e].seen[number] = true;
			if (number < ends[e].next)
				ends[e].late++;
			else
				ends[e].next = number + 1;
			ends[e].delivered++;
		} else {
			assert_int_equal(p->verdict, PACKET_DROP);
		}
		release(p);
	}
	take_events(ends, e, path, now);
}

static void land(struct end *ends, const struct path *path, uint64_t now)
{
	struct packet_list in;

	for (unsigned int e = 0; e < 2; e++) {
		packet_list_init(&in);
		if (tunnel_deadline(&ends[e].t) <= now) {
			struct packet *p = packet("", 0);

			tunnel_tick(&ends[e].t, now, &in);
			if (tunnel_ack(&ends[e].t, p, now))
				send_over(ends, path, p, !e, now);
			else
				release(p);
		}
		/* Those that are due, the earliest first. */
		for (;;) {
			unsigned int best = nflights;
			struct flight f;

			for (unsigned int i = 0; i < nflights; i++)
				if (flights[i].to == e && flights[i].at <= now &&
					(best == nflights || flights[i].at < flights[best].at))
					best = i;
			if (best == nflights)
				break;
			f = flights[best];
			flights[best] = flights[--nflights];
			if (f.p)
				receive_into(&ends[e].t, f.p, now, &in);
			else
				tunnel_reset_requested(&ends[e].t);
		}
		deliver(ends, e, &in, path, now);
		assert_true(tunnel_deadline(&ends[e].t) > now ||
			    gre_receiver_ack_due(&ends[e].t.receiver, now));
	}
}

static void simulate(
	struct end *ends, const struct mppe_params *params, const struct path *path, uint32_t seed)
{
	uint64_t now = 1000 * MS, end = now + 1500 * MS;

	memset(ends, 0, 2 * sizeof(*ends));
	rng = seed;
	nflights = 0;
	init_pair(&ends[0].t, &ends[1].t, params);
	ends[0].t.acfc = ends[0].t.pfc = seed & 1;
	ends[0].t.sender.next = 0u - 1000; /* over the wrap */
	for (; now < end + 200 * MS || nflights; now += 500) {
		for (unsigned int e = 0; e < 2 && now < end; e++) {
			struct packet *p = ip_packet(ends[e].sent++, 24 + chance(100));

			send_over(ends, path, seal(&ends[e].t, p, PPP_IP, now), !e, now);
		}
		land(ends, path, now);
	}
}

static const struct path paths[] = {
	{ .delay = 1 * MS },
	{ .loss = 30, .delay = 5 * MS },
	{ .delay = 2 * MS, .jitter = 10 * MS },
	{ .duplicates = 100, .delay = 2 * MS, .jitter = 4 * MS },
	{ .loss = 20, .duplicates = 20, .delay = 10 * MS, .jitter = 5 * MS, .burst = true },
};

static void check_books(const struct end *e, const struct end *peer, bool stateless)
{
	struct tunnel_stats stats;

	tunnel_get_stats(&e->t, &stats);
	assert_int_equal(stats.rx_packets, e->delivered);
	assert_int_equal(stats.drops[TUNNEL_DROP_LATE], 0);
	assert_int_equal(stats.rx_late, e->late);
	assert_true(e->late <= (stateless ? peer->sent / 200 : 0));
	assert_int_equal(stats.drops[TUNNEL_DROP_MPPE_BAD], 0);
	assert_int_equal(stats.drops[TUNNEL_DROP_MPPE_OLD], 0);
	assert_int_equal(stats.tx_packets, e->sent);
	assert_true(stats.rtt > 0);
	/* A loss at the very end is never noticed. */
	assert_true(stats.lost <= e->lost_on_path);
	assert_true(e->delivered + stats.lost + stats.drops[TUNNEL_DROP_MPPE_WAIT] <= peer->sent);
	assert_true(
		e->delivered + stats.lost + stats.drops[TUNNEL_DROP_MPPE_WAIT] + 50 >= peer->sent);
	if (stateless)
		assert_int_equal(stats.drops[TUNNEL_DROP_MPPE_WAIT], 0);
	else
		assert_true(e->delivered > peer->sent / 20);
}

static void tunnel_against_tunnel(const struct mppe_params *params)
{
	static struct end ends[2];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (uint32_t seed = 1; seed <= 2; seed++) {
			simulate(ends, params, &paths[i], seed * 7919 + (uint32_t)i);
			for (int e = 0; e < 2; e++)
				check_books(&ends[e], &ends[!e], !params || params->stateless);
			end_pair(&ends[0].t, &ends[1].t);
		}
}

static void tunnels_agree_in_clear(void **state)
{
	(void)state;
	tunnel_against_tunnel(NULL);
}

static void tunnels_agree_stateless(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		static const enum mppe_bits bits[] = { MPPE_40, MPPE_56, MPPE_128 };
		const struct mppe_params params = { .bits = bits[i], .stateless = true };

		tunnel_against_tunnel(&params);
	}
}

static void tunnels_agree_stateful(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		static const enum mppe_bits bits[] = { MPPE_40, MPPE_56, MPPE_128 };
		const struct mppe_params params = { .bits = bits[i], .stateless = false };

		tunnel_against_tunnel(&params);
	}
}

#define SESSIONS 4

/*
 * Packets of sessions by turns, as many as a batch takes. The cipher runs in between where a stateless
 * session has used the keys that were ahead, and not for each packet.
 */
static void batch_of_all(struct tunnel *from, struct tunnel *to, uint32_t *sent, uint32_t *next)
{
	struct packet *packets[RC4_BATCH_MAX], *p;
	unsigned int of[RC4_BATCH_MAX];
	struct packet_list in;

	for (unsigned int i = 0; i < RC4_BATCH_MAX; i++) {
		of[i] = chance(SESSIONS);
		packets[i] = ip_packet(sent[of[i]]++, 24 + chance(300));
		assert_int_equal(tunnel_seal(&from[of[i]], packets[i], PPP_IP, MS, &batch), 0);
	}
	assert_in_range(batch.count, 1, RC4_BATCH_MAX);
	rc4_run(&batch);
	for (unsigned int i = 0; i < RC4_BATCH_MAX; i++) {
		packet_list_init(&in);
		receive_into(&to[of[i]], packets[i], MS, &in);
		p = packet_list_take(&in);
		assert_ptr_equal(p, packets[i]);
		tunnel_decrypt(&to[of[i]], p, &batch);
	}
	assert_in_range(batch.count, 1, RC4_BATCH_MAX);
	rc4_run(&batch);
	for (unsigned int i = 0; i < RC4_BATCH_MAX; i++) {
		tunnel_finish(&to[of[i]], packets[i]);
		assert_int_equal(packets[i]->verdict, PACKET_DATA);
		assert_int_equal(ip_number(packets[i]), next[of[i]]++);
		release(packets[i]);
	}
}

/* Stateful streams go on from packet to packet within a batch, whatever stands between them. */
static void sessions_interleaved_in_a_batch_keep_their_streams(void **state)
{
	static struct tunnel from[SESSIONS], to[SESSIONS];
	uint32_t sent[SESSIONS] = { 0 }, next[SESSIONS] = { 0 };

	(void)state;
	rng = 1;
	for (unsigned int i = 0; i < SESSIONS; i++) {
		const struct mppe_params params = { .bits = i ? MPPE_128 : MPPE_40,
			.stateless = i == 2 };

		init_pair(&from[i], &to[i], &params);
	}
	/* Over key changes of the stateful ones, some in the middle of a batch. */
	for (unsigned int round = 0; round < 40; round++)
		batch_of_all(from, to, sent, next);
	assert_true(next[0] > 1024);
	for (unsigned int i = 0; i < SESSIONS; i++)
		end_pair(&from[i], &to[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnels_agree_in_clear),
		cmocka_unit_test(tunnels_agree_stateless),
		cmocka_unit_test(tunnels_agree_stateful),
		cmocka_unit_test(sessions_interleaved_in_a_batch_keep_their_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
