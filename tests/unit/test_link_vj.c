/* Compression of headers in a link (RFC 1332 section 4): when it begins, for whom, and anew. */
#include "lib/ppp/cp.h"
#include "tests/unit/link_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct pair *begin(bool server, bool client)
{
	struct pair *p = calloc(1, sizeof(*p));

	pair_init(p, 4);
	p->end[SERVER].config.vj = server;
	p->end[CLIENT].config.vj = client;
	pair_open(p);
	return p;
}

static void end(struct pair *p)
{
	assert_false(p->broken);
	pair_done(p);
	free(p);
}

static void agrees(const struct pair *p, int i, unsigned int slots)
{
	struct ppp_link_info info;

	ppp_link_get_info(p->end[i].link, &info);
	assert_int_equal(p->end[i].vj[0], slots);
	assert_int_equal(p->end[i].vj[1], slots);
	assert_int_equal(info.vj_rx, slots != 0);
	assert_int_equal(info.vj_tx, slots != 0);
}

static void both_ends_agree_on_sixteen_slots(void **unused)
{
	struct pair *p = begin(true, true);

	(void)unused;
	pair_run(p, 5 * SECOND, true);
	assert_true(p->end[0].up && p->end[1].up);
	agrees(p, 0, VJ_SLOTS_MAX);
	agrees(p, 1, VJ_SLOTS_MAX);
	end(p);
}

static void one_end_alone_has_none(void **unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		struct pair *p = begin(i, !i);

		pair_run(p, 5 * SECOND, true);
		assert_true(p->end[0].up && p->end[1].up);
		agrees(p, 0, 0);
		agrees(p, 1, 0);
		end(p);
	}
}

/* What the peer may send as soon as it has our Configure-Ack can be read. */
static bool look(struct pair *p, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)len;
	if (protocol == PPP_IPCP && data[0] == CP_CONFIGURE_ACK && !p->end[from].vj[0])
		p->broken = true;
	return true;
}

static void reception_is_on_before_our_ack(void **unused)
{
	struct pair *p = begin(true, true);

	(void)unused;
	p->filter = look;
	pair_run(p, 5 * SECOND, true);
	assert_true(p->end[0].up && p->end[1].up);
	end(p);
}

static void ipcp_anew_begins_anew(void **unused)
{
	static const uint8_t request[] = { CP_CONFIGURE_REQUEST, 77, 0, 10, 3, 6, 10, 98, 0, 100 };
	struct pair *p = begin(true, true);
	struct pair_end *s = &p->end[SERVER];
	unsigned int rx, tx;

	(void)unused;
	pair_run(p, 5 * SECOND, true);
	assert_true(s->up);
	rx = s->vj_begun[0];
	tx = s->vj_begun[1];
	/* As if the peer's: without the option this time. */
	ppp_link_receive(s->link, PPP_IPCP, request, sizeof(request), p->now);
	assert_false(s->up);
	assert_int_equal(s->vj[0], VJ_SLOTS_MAX);
	assert_int_equal(s->vj_begun[0], rx + 1);
	assert_int_equal(s->vj[1], 0);
	pair_run(p, 10 * SECOND, false);
	assert_true(s->up);
	assert_int_equal(s->vj_begun[1], tx + (s->vj[1] != 0));
	end(p);
}

static void any_path_comes_to_an_end(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct pair *p = begin(seed % 3, seed % 5);

		p->seed += seed * 7919;
		p->loss = (unsigned int)(seed % 40);
		p->dup = (unsigned int)(seed % 17);
		p->jitter = seed % 2 * 200 * MS;
		pair_run(p, 200 * SECOND, false);
		assert_false(p->broken);
		for (int i = 0; i < 2; i++) {
			struct ppp_link_info info;

			assert_true(p->end[i].up || p->end[i].over);
			ppp_link_get_info(p->end[i].link, &info);
			if (!p->end[i].up)
				continue;
			assert_int_equal(info.vj_tx, p->end[i].vj[1] != 0);
			assert_int_equal(info.vj_rx, p->end[i].vj[0] != 0);
			/* Nobody sends so to who cannot read it. */
			if (p->end[1 - i].up && info.vj_tx)
				assert_true(p->end[1 - i].vj[0]);
		}
		end(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_agree_on_sixteen_slots),
		cmocka_unit_test(one_end_alone_has_none),
		cmocka_unit_test(reception_is_on_before_our_ack),
		cmocka_unit_test(ipcp_anew_begins_anew),
		cmocka_unit_test(any_path_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
