/* The doctor's line that asks which authentication a server has: by Naks in turn, and never agrees to any. */
#include "tools/doctor/offer.h"

#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A server with some methods: what it asks for, and what it does when that is refused. */
struct server {
	struct offer offer;
	struct line *line;
	enum ppp_auth_method has[6]; /* the first first */
	unsigned int count;
	bool strikes_out; /* as pppd: what was refused is gone for good */
	bool insists;     /* always the first again, until it gives up */
	enum ppp_auth_method asks;
	unsigned int struck, naks;
	uint8_t id;
	bool over, acked;
	enum pptp_reason reason;
};

static void ask(struct server *s)
{
	uint8_t packet[64], data[PPP_AUTH_OPTION_MAX];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put_u8(&w, CP_CONFIGURE_REQUEST);
	wire_put_u8(&w, ++s->id);
	wire_put_u16(&w, 0);
	ppp_option_put_u16(&w, LCP_MRU, 1450);
	if (s->asks != PPP_AUTH_NONE)
		ppp_option_put(&w, LCP_AUTH, data, (uint8_t)ppp_auth_option(s->asks, data));
	ppp_option_put_u32(&w, LCP_MAGIC, 0x12345678);
	wire_patch_u16(&w, 2, (uint16_t)wire_written(&w));
	s->line->ops->frame(s->line, PPP_LCP, packet, wire_written(&w), 1000);
}

/* Its next demand after a Nak with `wish`. */
static enum ppp_auth_method next(struct server *s, enum ppp_auth_method wish)
{
	s->struck |= s->strikes_out ? 1u << s->asks : 0;
	for (unsigned int i = 0; i < s->count && !s->insists; i++) {
		if (s->has[i] == wish && !(s->struck & 1u << wish))
			return wish;
	}
	for (unsigned int i = 0; i < s->count; i++) {
		if (!(s->struck & 1u << s->has[i]))
			return s->has[i];
	}
	return PPP_AUTH_NONE;
}

static void on_frame(void *user, uint16_t protocol, const uint8_t *data, size_t len)
{
	static const struct ppp_auth_list all = { 5,
		{ PPP_AUTH_MSCHAP2, PPP_AUTH_PAP, PPP_AUTH_MD5, PPP_AUTH_MSCHAP,
			PPP_AUTH_EAP_MSCHAP2 } };
	struct server *s = user;
	struct cp_packet p;
	struct wire_reader r;
	struct ppp_option option;

	assert_int_equal(protocol, PPP_LCP);
	assert_int_equal(cp_packet_decode(&p, data, len), 0);
	if (p.code == CP_CONFIGURE_ACK)
		s->acked = true;
	if (p.code != CP_CONFIGURE_NAK)
		return;
	r = wire_reader(p.data, p.len);
	while (ppp_option_next(&r, &option)) {
		if (option.type == LCP_AUTH)
			s->asks = next(s, ppp_auth_from_option(&all, option.data, option.len));
	}
	s->naks++;
}

static void on_over(void *user, const struct line_end *end)
{
	struct server *s = user;

	assert_false(s->over);
	s->over = true;
	s->reason = end->reason;
}

static const struct line_user_ops user_ops = { .frame = on_frame, .over = on_over };

static void begin(struct server *s)
{
	struct line_path path = { 0 };

	s->line = offer_next(&s->offer);
	assert_non_null(s->line);
	s->line->up = &user_ops;
	s->line->user = s;
	s->line->subject = "test";
	s->over = false;
	s->asks = s->count ? s->has[0] : PPP_AUTH_NONE;
	s->line->ops->start(s->line, &path, 1);
}

/* Asks as long as it is refused, at most `tries` times. */
static void negotiate(struct server *s, unsigned int tries)
{
	for (unsigned int i = 0; i < tries && !s->over; i++) {
		unsigned int before = s->naks;

		ask(s);
		if (s->naks == before)
			break;
	}
}

static void hang_up(struct server *s)
{
	if (!s->over)
		s->line->ops->lost(s->line, PPTP_PEER_REQUEST, "", 2000);
	assert_true(s->over);
	s->line->ops->release(s->line);
}

static unsigned int bit(enum ppp_auth_method method)
{
	return 1u << method;
}

static void all_methods_of_a_server_are_found_and_none_is_agreed_to(void **state)
{
	struct server s = { .has = { PPP_AUTH_MD5, PPP_AUTH_PAP, PPP_AUTH_MSCHAP2 }, .count = 3 };
	char words[200];

	(void)state;
	begin(&s);
	negotiate(&s, 10);
	assert_true(s.over && offer_complete(&s.offer) && !s.acked);
	assert_int_equal(
		s.offer.offered, bit(PPP_AUTH_MD5) | bit(PPP_AUTH_PAP) | bit(PPP_AUTH_MSCHAP2));
	assert_int_equal(s.offer.first, PPP_AUTH_MD5);
	assert_int_equal(s.offer.mru, 1450);
	offer_words(&s.offer, words, sizeof(words));
	assert_string_equal(words, "CHAP-MD5 (its first choice), MS-CHAPv2, PAP");
	hang_up(&s);
}

static void a_server_that_strikes_out_is_through_when_it_asks_for_nothing_more(void **state)
{
	struct server s = { .has = { PPP_AUTH_MSCHAP }, .count = 1, .strikes_out = true };

	(void)state;
	begin(&s);
	negotiate(&s, 10);
	assert_true(s.over && s.offer.exhausted && offer_complete(&s.offer) && !s.acked);
	assert_int_equal(s.offer.offered, bit(PPP_AUTH_MSCHAP));
	assert_false(s.offer.asks_none);
	hang_up(&s);
}

static void a_server_that_gives_up_is_asked_for_the_rest_in_the_next_call(void **state)
{
	struct server s = {
		.has = { PPP_AUTH_PAP, PPP_AUTH_MSCHAP2 }, .count = 2, .insists = true
	};
	unsigned int calls = 0;

	(void)state;
	while (!offer_complete(&s.offer) && calls++ < 6) {
		begin(&s);
		negotiate(&s, 2);
		hang_up(&s);
	}
	assert_true(offer_complete(&s.offer));
	assert_true(calls > 1);
	assert_int_equal(s.offer.offered, bit(PPP_AUTH_PAP));
}

static void a_server_without_authentication_is_told_apart(void **state)
{
	struct server s = { .count = 0 };

	(void)state;
	begin(&s);
	ask(&s);
	assert_true(s.acked);
	assert_false(offer_complete(&s.offer)); /* our own request is still open */
	s.line->ops->hangup(s.line, PPTP_LOCAL_REQUEST, "", 2000);
	assert_false(s.offer.demanded);
	hang_up(&s);
}

static void a_request_that_is_repeated_changes_nothing(void **state)
{
	struct server s = { .has = { PPP_AUTH_PAP }, .count = 1, .insists = true };
	unsigned int tried;

	(void)state;
	begin(&s);
	ask(&s);
	tried = s.offer.tried;
	s.id--;
	ask(&s);
	assert_int_equal(s.offer.tried, tried);
	assert_int_equal(s.naks, 2);
	hang_up(&s);
}

/* Always new requests under the same number: LCP gives up, and its words go with the line. */
static void a_server_that_never_counts_is_given_up(void **state)
{
	uint8_t request[] = { 1, 1, 0, 14, 3, 4, 0xc0, 0x23, 5, 6, 0, 0, 0, 0 };
	struct server s = { .has = { PPP_AUTH_PAP }, .count = 1 };

	(void)state;
	begin(&s);
	for (unsigned int i = 0; i < 20 && !s.over; i++) {
		request[13] = (uint8_t)(i + 1);
		s.line->ops->frame(s.line, PPP_LCP, request, sizeof(request), 1000);
	}
	assert_true(s.over);
	assert_int_equal(s.reason, PPTP_AUTH_NO_METHOD);
	hang_up(&s);
}

static void silence_ends_by_itself(void **state)
{
	struct server s = { .count = 0 };
	uint64_t now = 1;

	(void)state;
	begin(&s);
	for (unsigned int i = 0; i < 100 && !s.over; i++) {
		now = s.line->ops->deadline(s.line);
		assert_true(now != UINT64_MAX);
		s.line->ops->tick(s.line, now);
	}
	assert_int_equal(s.reason, PPTP_LCP_TIMEOUT);
	assert_true(now < 120000000);
	hang_up(&s);
}

static void unknown_methods_are_named_and_garbage_is_not(void **state)
{
	static const uint8_t spap[] = { 1, 9, 0, 8, 3, 4, 0xc0, 0x27 };
	struct server s = { .count = 0 };
	char words[200];

	(void)state;
	begin(&s);
	s.line->ops->frame(s.line, PPP_LCP, spap, sizeof(spap), 1000);
	offer_words(&s.offer, words, sizeof(words));
	assert_string_equal(words, "SPAP");
	for (size_t len = 0; len < sizeof(spap); len++)
		s.line->ops->frame(s.line, PPP_LCP, spap, len, 1000);
	assert_int_equal(s.offer.strange_count, 1);
	assert_int_equal(s.offer.offered, 0);
	hang_up(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_methods_of_a_server_are_found_and_none_is_agreed_to),
		cmocka_unit_test(
			a_server_that_strikes_out_is_through_when_it_asks_for_nothing_more),
		cmocka_unit_test(a_server_that_gives_up_is_asked_for_the_rest_in_the_next_call),
		cmocka_unit_test(a_server_without_authentication_is_told_apart),
		cmocka_unit_test(a_request_that_is_repeated_changes_nothing),
		cmocka_unit_test(a_server_that_never_counts_is_given_up),
		cmocka_unit_test(silence_ends_by_itself),
		cmocka_unit_test(unknown_methods_are_named_and_garbage_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
