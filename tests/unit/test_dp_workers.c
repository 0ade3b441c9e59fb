/*
 * Several workers: which session is whose, packets handed over where nobody steers, own descriptors where
 * there are some, sessions that come and go under traffic, counters of each, and the watch over them.
 */
#include "dp_rig.h"
#include "lib/mppe/cipher.h"

#include <pthread.h>
#include <stdatomic.h>

#define WORKERS  4
#define SESSIONS 8

/* Session i has the address INNER + i, and a Call ID of worker i % WORKERS. */
static uint16_t id_of(unsigned int i)
{
	return (uint16_t)(0x1000 + i);
}

static struct dp_session *add_number(struct rig *rig, unsigned int i)
{
	struct dp_session *s = add(rig, PEER, id_of(i), rig);

	assert_non_null(s);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(INNER + i), 32), 0);
	dp_session_open(rig->dp, s, true);
	return s;
}

static struct rig *rig_of(unsigned int workers)
{
	return rig_with((struct dp_config){ .workers = workers, .check_source = true });
}

/* From session i's peer. */
static void send_from(struct rig *rig, unsigned int i, uint32_t seq, uint32_t mark)
{
	uint8_t packet[100];
	size_t n = inner_packet(packet, INNER + i, OUTSIDE, mark, 60);

	send_ppp(rig, id_of(i), seq, 0x0021, packet, n);
}

static void a_call_id_says_whose_a_session_is(void **state)
{
	struct rig *rig = rig_of(WORKERS);
	struct dp_session *s[SESSIONS];
	struct dp_worker_stats w;

	(void)state;
	assert_int_equal(dataplane_workers(rig->dp), WORKERS);
	for (unsigned int i = 0; i < SESSIONS; i++)
		s[i] = add(rig, PEER, (uint16_t)(i * WORKERS + (i < 3 ? 1 : 2)), rig);
	for (unsigned int i = 0; i < WORKERS; i++) {
		static const unsigned int expected[WORKERS] = { 0, 3, 5, 0 };

		dataplane_worker_stats(rig->dp, i, &w);
		assert_int_equal(w.sessions, expected[i]);
	}
	/* The next goes where there are fewest; the number asked for is nearly kept. */
	assert_int_equal(dataplane_call_id(rig->dp, 0x1237), 0x1234);
	assert_int_equal(dataplane_call_id(rig->dp, 65535), 65532);
	for (unsigned int i = 0; i < SESSIONS; i++)
		dp_session_remove(rig->dp, s[i]);
	hear(rig, SESSIONS);
	for (unsigned int i = 0; i < WORKERS; i++) {
		dataplane_worker_stats(rig->dp, i, &w);
		assert_int_equal(w.sessions, 0);
	}
	rig_free(rig);
}

static void call_ids_stay_in_range(void **state)
{
	struct rig *rig = rig_of(7);
	struct dp_session *s[6];

	(void)state;
	for (uint16_t i = 0; i < 6; i++)
		s[i] = add(rig, PEER, (uint16_t)(i + 70), rig);
	(void)s;
	/* 65535 % 7 is 1: worker 6 would be beyond. */
	assert_int_equal(dataplane_call_id(rig->dp, 65535) % 7, 6);
	rig_free(rig);
}

static void one_descriptor_serves_all_workers(void **state)
{
	struct rig *rig = rig_of(WORKERS);
	struct dp_session *s[SESSIONS];
	uint32_t got[SESSIONS] = { 0 };
	struct dp_stats stats;
	uint8_t buf[2048];

	(void)state;
	for (unsigned int i = 0; i < SESSIONS; i++)
		s[i] = add_number(rig, i);
	for (unsigned int i = 0; i < SESSIONS; i++)
		sync_commands(rig, s[i]);
	/* In: each session's packets in their order. */
	for (uint32_t k = 0; k < 200; k++)
		send_from(rig, k % SESSIONS, k / SESSIONS, k / SESSIONS);
	for (uint32_t k = 0; k < 200; k++) {
		uint32_t i;

		assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 60);
		i = (uint32_t)(buf[15] - (INNER & 0xff));
		assert_true(i < SESSIONS);
		assert_int_equal(mark_of(buf), got[i]++);
	}
	/* Out. */
	memset(got, 0, sizeof(got));
	for (uint32_t k = 0; k < 200; k++)
		inner_sends(rig, INNER + k % SESSIONS, k / SESSIONS, 60 + k);
	for (uint32_t k = 0; k < 200; k++) {
		struct gre_header h;
		uint32_t i, mark;
		size_t at;

		next_data(rig, buf, sizeof(buf), &h, &at);
		i = (uint32_t)(buf[at + 4 + 19] - (INNER & 0xff));
		assert_true(i < SESSIONS);
		mark = mark_of(buf + at + 4);
		assert_int_equal(mark, got[i]++);
	}
	UNTIL(stats.inner_read == 200 && stats.inner_written == 200);
	/* Three of four were not worker 0's. */
	UNTIL(stats.handed_over == 300);
	assert_int_equal(stats.handover_full, 0);
	assert_int_equal(stats.gre_received, 200);
	for (unsigned int i = 0; i < WORKERS; i++) {
		struct dp_worker_stats w;

		/* A packet is there before its worker has counted it. */
		UNTIL((dataplane_worker_stats(rig->dp, i, &w),
			w.packets.gre_sent >= 200 / WORKERS));
		assert_int_equal(w.sessions, SESSIONS / WORKERS);
		assert_int_equal(w.packets.inner_written, 200 / WORKERS);
		assert_true(w.cpu_time > 0);
		assert_false(w.stalled);
	}
	rig_free(rig);
}

static void a_source_of_another_workers_session_is_foreign(void **state)
{
	struct rig *rig = rig_of(WORKERS);
	struct dp_session *s[2];
	struct dp_stats stats;
	uint8_t packet[100];
	size_t n = inner_packet(packet, INNER + 1, OUTSIDE, 5, 60);

	(void)state;
	s[0] = add_number(rig, 0);
	/* The larger network is session 0's, one address in it session 1's. */
	assert_int_equal(dp_session_add_route(rig->dp, s[0], in(INNER & ~0xffu), 24), 0);
	s[1] = add_number(rig, 1);
	sync_commands(rig, s[0]);
	sync_commands(rig, s[1]);
	send_ppp(rig, id_of(0), 0, 0x0021, packet, n);
	UNTIL(stats.inner_source == 1);
	send_from(rig, 1, 0, 6);
	expect_inner(rig, 6);
	rig_free(rig);
}

/* A device of as many queues as workers, and as many sockets. */
struct queues {
	struct rig *rig;
	int inner[WORKERS], gre[WORKERS], dp_inner[WORKERS], dp_gre[WORKERS];
};

static void queues_new_with(
	struct queues *q, int (*employ)(void *user, unsigned int worker, bool employed), void *user)
{
	struct dp_config config = { .workers = WORKERS,
		.inner_more = q->dp_inner + 1,
		.gre_more = q->dp_gre + 1,
		.employ = employ,
		.steer_user = user };

	for (unsigned int i = 0; i < WORKERS; i++) {
		pair(&q->inner[i], &q->dp_inner[i]);
		pair(&q->gre[i], &q->dp_gre[i]);
	}
	q->rig = calloc(1, sizeof(*q->rig));
	assert_non_null(q->rig);
	config.inner_fd = q->dp_inner[0];
	config.gre_fd = q->dp_gre[0];
	q->rig->dp = dataplane_new(&config);
	assert_non_null(q->rig->dp);
}

static void queues_new(struct queues *q)
{
	queues_new_with(q, NULL, NULL);
}

static void queues_free(struct queues *q)
{
	dataplane_free(q->rig->dp);
	for (unsigned int i = 0; i < WORKERS; i++) {
		close(q->inner[i]);
		close(q->gre[i]);
		close(q->dp_inner[i]);
		close(q->dp_gre[i]);
	}
	free(q->rig);
}

/* The test's ends of worker i, in the rig. */
static struct rig *on(struct queues *q, unsigned int inner, unsigned int gre)
{
	q->rig->inner = q->inner[inner];
	q->rig->gre = q->gre[gre];
	return q->rig;
}

static void steered_packets_stay_where_they_are(void **state)
{
	struct dp_session *s[WORKERS];
	struct dp_stats stats;
	struct queues q;
	struct rig *rig;
	uint8_t buf[2048];

	(void)state;
	queues_new(&q);
	rig = q.rig;
	for (unsigned int i = 0; i < WORKERS; i++)
		s[i] = add_number(rig, i);
	for (unsigned int i = 0; i < WORKERS; i++) {
		sync_commands(on(&q, i, i), s[i]);
		send_from(on(&q, i, i), i, 0, i);
		expect_inner(on(&q, i, i), i);
		inner_sends(on(&q, i, i), INNER + i, i, 60);
		next_on(q.gre[i], buf, sizeof(buf));
	}
	UNTIL(stats.inner_written == WORKERS && stats.inner_read == WORKERS);
	assert_int_equal(stats.handed_over, 0);
	queues_free(&q);
}

static void what_is_steered_wrong_arrives_all_the_same(void **state)
{
	struct dp_session *s[WORKERS];
	struct dp_stats stats;
	struct queues q;
	struct rig *rig;

	(void)state;
	queues_new(&q);
	rig = q.rig;
	for (unsigned int i = 0; i < WORKERS; i++)
		s[i] = add_number(rig, i);
	/* All tables are complete when every worker has answered after the last addition. */
	for (unsigned int i = 0; i < WORKERS; i++)
		sync_commands(on(&q, i, i), s[i]);
	for (unsigned int i = 0; i < WORKERS; i++) {
		struct gre_header h;
		uint8_t buf[2048];
		size_t at;

		inner_sends(on(&q, (i + 1) % WORKERS, i), INNER + i, 7, 60);
		next_data(rig, buf, sizeof(buf), &h, &at);
		assert_int_equal(mark_of(buf + at + 4), 7);
	}
	UNTIL(stats.handed_over == WORKERS);
	/* A GRE packet on a socket that should not have it: the other socket has it, too. */
	UNTIL(stats.gre_received == 0);
	send_from(on(&q, 0, 2), 3, 0, 8);
	send_from(on(&q, 3, 3), 3, 0, 8);
	expect_inner(rig, 8);
	UNTIL(stats.gre_received == 1 && stats.inner_written == 1);
	assert_int_equal(stats.handed_over, WORKERS);
	assert_int_equal(stats.gre_unknown_call, 0);
	queues_free(&q);
}

/* ---- workers that have nothing to do ---- */

struct employed {
	bool now[WORKERS];
	unsigned int calls;
	int result;
};

static int on_employ(void *user, unsigned int worker, bool employed)
{
	struct employed *e = user;

	assert_true(worker > 0 && worker < WORKERS);
	assert_true(e->now[worker] != employed);
	e->calls++;
	if (e->result == 0)
		e->now[worker] = employed;
	return e->result;
}

static void a_worker_is_employed_while_it_has_sessions(void **state)
{
	struct dp_session *first, *second, *third;
	struct employed e = { 0 };
	struct dp_stats stats;
	struct queues q;
	struct rig *rig;

	(void)state;
	queues_new_with(&q, on_employ, &e);
	rig = q.rig;
	/* What comes for nobody, on the first worker's socket, is counted there. */
	send_from(on(&q, 0, 0), 1, 0, 8);
	UNTIL(stats.gre_unknown_call == 1 && stats.gre_received == 1);
	first = add_number(rig, 0);
	assert_int_equal(e.calls, 0); /* the first one always is */
	second = add_number(rig, 1);
	assert_true(e.calls == 1 && e.now[1]);
	third = add_number(rig, 1 + WORKERS);
	assert_int_equal(e.calls, 1);
	/* On the first one's socket as well: the other one has it, too. */
	sync_commands(on(&q, 0, 1), second);
	send_from(on(&q, 0, 0), 1, 0, 9);
	send_from(on(&q, 1, 1), 1, 0, 9);
	expect_inner(rig, 9);
	UNTIL(stats.gre_received == 2 && stats.gre_unknown_call == 1);
	dp_session_remove(rig->dp, second);
	hear(rig, 1);
	assert_int_equal(e.calls, 1);
	/* It may have to send until it is told that the last one is gone. */
	dp_session_remove(rig->dp, third);
	assert_int_equal(e.calls, 1);
	hear(rig, 2);
	assert_true(e.calls == 2 && !e.now[1]);
	send_from(on(&q, 0, 0), 1, 0, 10);
	UNTIL(stats.gre_unknown_call == 2);
	dp_session_remove(rig->dp, first);
	hear(rig, 3);
	assert_int_equal(e.calls, 2);
	queues_free(&q);
}

static void a_worker_that_cannot_be_employed_gets_no_session(void **state)
{
	struct employed e = { .result = -EPERM };
	struct dp_session *s;
	struct queues q;
	struct rig *rig;

	(void)state;
	queues_new_with(&q, on_employ, &e);
	rig = q.rig;
	errno = 0;
	assert_null(add(rig, PEER, id_of(2), rig));
	assert_int_equal(errno, EPERM);
	s = add_number(rig, 0);
	sync_commands(on(&q, 0, 0), s);
	e.result = 0;
	s = add_number(rig, 2); /* its place was not taken */
	sync_commands(on(&q, 2, 2), s);
	assert_int_equal(e.calls, 2);
	queues_free(&q);
}

/* ---- steering ---- */

struct steered {
	unsigned int count;
	struct {
		bool ipv6;
		uint8_t prefix[8];
		int worker;
	} calls[8];
};

static void on_steer(void *user, bool ipv6, const uint8_t *prefix, int worker)
{
	struct steered *t = user;

	assert_true(t->count < 8);
	t->calls[t->count].ipv6 = ipv6;
	memcpy(t->calls[t->count].prefix, prefix, ipv6 ? 8 : 4);
	t->calls[t->count++].worker = worker;
}

static void prefixes_are_steered_while_they_last(void **state)
{
	static const uint8_t net6[16] = { 0xfd, 0, 0, 1, 0, 2, 0, 3 };
	struct steered t = { 0 };
	struct rig *rig = rig_with(
		(struct dp_config){ .workers = WORKERS, .steer = on_steer, .steer_user = &t });
	struct dp_session *s = add_number(rig, 3);

	(void)state;
	assert_int_equal(dp_session_add_route6(rig->dp, s, net6, 64), 0);
	/* Only these two kinds can be looked up at once. */
	assert_int_equal(dp_session_add_route(rig->dp, s, in(IP(10, 7, 0, 0)), 16), 0);
	assert_int_equal(dp_session_add_route6(rig->dp, s, net6, 48), 0);
	assert_int_equal(t.count, 2);
	assert_false(t.calls[0].ipv6);
	assert_memory_equal(t.calls[0].prefix, ((uint8_t[]){ 10, 0, 0, 5 }), 4);
	assert_int_equal(t.calls[0].worker, 3);
	assert_true(t.calls[1].ipv6);
	assert_memory_equal(t.calls[1].prefix, net6, 8);
	assert_int_equal(t.calls[1].worker, 3);
	dp_session_remove(rig->dp, s);
	assert_int_equal(t.count, 4);
	assert_int_equal(t.calls[2].worker, -1);
	assert_int_equal(t.calls[3].worker, -1);
	hear(rig, 1);
	rig_free(rig);
}

/* ---- sessions that come and go ---- */

struct traffic {
	struct rig *rig;
	pthread_t thread;
	atomic_bool stop;
};

static void *traffic_main(void *arg)
{
	struct traffic *t = arg;
	uint8_t packet[100], outer[200], gre[120], sink[4096];
	uint32_t n = 0;

	while (!atomic_load(&t->stop)) {
		unsigned int i = n++ % SESSIONS;
		struct gre_header h = {
			.payload_len = 64, .call_id = id_of(i), .has_seq = true, .seq = n
		};
		size_t len = inner_packet(packet, OUTSIDE, INNER + i, n, 60), size;

		(void)!send(t->rig->inner, packet, len, MSG_DONTWAIT);
		gre_header_encode(&h, gre);
		size = gre_header_size(&h);
		memcpy(gre + size, (uint8_t[]){ 0xff, 3, 0, 0x21 }, 4);
		len = inner_packet(packet, INNER + i, OUTSIDE, n, 60);
		memcpy(gre + size + 4, packet, len);
		len = put_ipv4(outer, PEER, LOCAL, 47, gre, size + 4 + len);
		(void)!send(t->rig->gre, outer, len, MSG_DONTWAIT);
		while (recv(t->rig->inner, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
		while (recv(t->rig->gre, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	}
	return NULL;
}

static void discard(void *user, const struct dp_event *event)
{
	unsigned int *gone = user;

	*gone += event->type == DP_EVENT_REMOVED;
}

static void sessions_come_and_go_under_traffic(void **state)
{
	struct rig *rig = rig_of(WORKERS);
	struct traffic t = { .rig = rig };
	struct dp_session *s[SESSIONS] = { 0 };
	struct dp_stats stats;
	unsigned int gone = 0, removed = 0;
	uint64_t written;

	(void)state;
	assert_int_equal(pthread_create(&t.thread, NULL, traffic_main, &t), 0);
	for (unsigned int n = 0; n < 400; n++) {
		unsigned int i = n * 5 % SESSIONS;

		if (s[i]) {
			dp_session_remove(rig->dp, s[i]);
			removed++;
		}
		s[i] = add_number(rig, i);
		dataplane_stats(rig->dp, &stats);
		written = stats.inner_written;
		/* Until packets have passed in between, now and then. */
		if (n % 20 == 19)
			UNTIL(stats.inner_written > written + 10);
		dataplane_dispatch(rig->dp, discard, &gone);
	}
	while (gone < removed) {
		wait_readable(dataplane_event_fd(rig->dp));
		dataplane_dispatch(rig->dp, discard, &gone);
	}
	assert_int_equal(gone, removed);
	UNTIL(stats.handed_over > 100 && stats.gre_sent > 100);
	atomic_store(&t.stop, true);
	pthread_join(t.thread, NULL);
	rig_free(rig);
}

/* ---- the watch ---- */

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

/* An engine that does not come back while the test wants it so. */
static void stuck_hash(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim)
{
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
	cipher_choose(0)->hash(start, session, key_len, interim);
}

struct told {
	unsigned int count, worker;
	const char *doing;
};

static void on_tell(void *user, unsigned int worker, const char *doing)
{
	struct told *t = user;

	t->count++;
	t->worker = worker;
	t->doing = doing;
}

static void a_worker_that_is_stuck_is_noticed(void **state)
{
	static const struct cipher stuck = { .name = "stuck", .hash = stuck_hash };
	static const uint8_t key[16] = { 1 };
	struct mppe_params params = { .bits = MPPE_128, .stateless = true };
	struct rig *rig = rig_with((struct dp_config){ .workers = 2, .cipher = &stuck });
	struct dp_session *s[2] = { add_number(rig, 0), add_number(rig, 1) };
	struct dp_worker_stats w;
	struct dp_stats stats;
	struct told t = { 0 };
	uint64_t now = 1000;

	(void)state;
	dp_session_set_tx(rig->dp, s[1], &params, key);
	sync_commands(rig, s[0]);
	sync_commands(rig, s[1]);
	dataplane_watch(rig->dp, now, 5000000, on_tell, &t);
	pthread_mutex_lock(&held);
	inner_sends(rig, INNER + 1, 1, 60);
	UNTIL(stats.handed_over >= 1);
	/* It is not known when it comes to the engine: it must have before the watch begins. */
	for (int i = 0; i < 1000 && !t.count; i++) {
		struct timespec ms = { .tv_nsec = 1000000 };

		dataplane_watch(rig->dp, now += 1000000, 5000000, on_tell, &t);
		nanosleep(&ms, NULL);
	}
	assert_int_equal(t.count, 1);
	assert_int_equal(t.worker, 1);
	assert_non_null(t.doing);
	dataplane_worker_stats(rig->dp, 1, &w);
	assert_true(w.stalled);
	assert_int_equal(w.stalls, 1);
	dataplane_watch(rig->dp, now += 5000000, 5000000, on_tell, &t);
	assert_int_equal(t.count, 1); /* said once */
	dataplane_worker_stats(rig->dp, 0, &w);
	assert_false(w.stalled);
	/* The other one goes on meanwhile. */
	sync_commands(rig, s[0]);
	pthread_mutex_unlock(&held);
	for (uint64_t until = clock_us() + PATIENCE_MS * 1000; t.count < 2;) {
		dataplane_watch(rig->dp, now += 1000, 5000000, on_tell, &t);
		assert_true(clock_us() < until);
		sched_yield();
	}
	assert_int_equal(t.count, 2);
	assert_null(t.doing);
	dataplane_worker_stats(rig->dp, 1, &w);
	assert_false(w.stalled);
	assert_int_equal(w.stalls, 1);
	rig_free(rig);
}

/* Without traffic nobody is stuck, however long. */
static void a_worker_that_has_nothing_to_do_is_not_stuck(void **state)
{
	struct rig *rig = rig_of(2);
	struct dp_session *s = add_number(rig, 1);
	struct told t = { 0 };

	(void)state;
	sync_commands(rig, s);
	/* Its turn may not be over yet: so often that it is. */
	for (uint64_t now = 0; now < 100; now++) {
		dataplane_watch(rig->dp, now * 1000, 1000000, on_tell, &t);
		sched_yield();
	}
	for (uint64_t now = 1; now < 5; now++)
		dataplane_watch(rig->dp, now * 1000000, 10000000, on_tell, &t);
	assert_int_equal(t.count, 0);
	rig_free(rig);
}

static void there_is_at_least_one(void **state)
{
	(void)state;
	assert_in_range(dp_workers_auto(), 1, DP_WORKERS_AUTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_at_least_one),
		cmocka_unit_test(a_call_id_says_whose_a_session_is),
		cmocka_unit_test(call_ids_stay_in_range),
		cmocka_unit_test(one_descriptor_serves_all_workers),
		cmocka_unit_test(a_source_of_another_workers_session_is_foreign),
		cmocka_unit_test(steered_packets_stay_where_they_are),
		cmocka_unit_test(what_is_steered_wrong_arrives_all_the_same),
		cmocka_unit_test(a_worker_is_employed_while_it_has_sessions),
		cmocka_unit_test(a_worker_that_cannot_be_employed_gets_no_session),
		cmocka_unit_test(prefixes_are_steered_while_they_last),
		cmocka_unit_test(sessions_come_and_go_under_traffic),
		cmocka_unit_test(a_worker_that_is_stuck_is_noticed),
		cmocka_unit_test(a_worker_that_has_nothing_to_do_is_not_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
