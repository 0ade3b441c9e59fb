/*
 * Compression in a call's packet path: MPPC under MPPE (RFC 2118, 3078), Deflate and BSD-Compress (RFC
 * 1979, 1977) with their resets, and what must not pass.
 */
#include "lib/ppp/cp.h"
#include "tests/unit/tunnel_pair.h"

static const struct mppe_params stateless = { .bits = MPPE_128, .stateless = true };
static const struct mppe_params stateful = { .bits = MPPE_128 };
static uint64_t now = 1000000;

static void compress(struct tunnel *a, struct tunnel *b, const struct codec_params *params)
{
	tunnel_set_pack(a, codec_new(params, true));
	tunnel_set_unpack(b, codec_new(params, false));
}

/* One packet from a to b; what b makes of it, and the octets that went over the wire. */
static enum packet_verdict carry(struct tunnel *a, struct tunnel *b, uint32_t number, uint32_t len,
	bool lose, uint32_t *wire)
{
	struct packet *p = seal(a, ip_packet(number, len), PPP_IP, now += MS);
	struct packet_list in, done;
	enum packet_verdict verdict;

	if (wire)
		*wire = p->len;
	packet_list_init(&in);
	packet_list_init(&done);
	if (lose) {
		/* As if it had never had a number. */
		a->sender.next--;
		release(p);
		return PACKET_NONE;
	}
	receive_into(b, p, now, &in);
	work(b, &in, &done);
	p = packet_list_take(&done);
	assert_non_null(p);
	verdict = (enum packet_verdict)p->verdict;
	if (verdict == PACKET_DATA) {
		assert_int_equal(p->protocol, PPP_IP);
		assert_int_equal(ip_number(p), number);
	}
	release(p);
	assert_null(packet_list_take(&done));
	return verdict;
}

/* A control frame from a to b, by which both notice it. */
static void tell(struct tunnel *a, struct tunnel *b, const char *bytes, uint32_t len)
{
	struct packet *p = seal(a, packet(bytes, len), PPP_CCP, now += MS);
	struct packet_list in, done;

	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(b, p, now, &in);
	work(b, &in, &done);
	p = packet_list_take(&done);
	assert_non_null(p);
	assert_int_equal(p->verdict, PACKET_CONTROL);
	release(p);
}

static void mppc_and_mppe_stay_in_step_over_losses(void **state)
{
	static const struct codec_params mppc = { .kind = CODEC_MPPC, .encrypted = true };
	static const struct mppe_params *const modes[] = { &stateless, &stateful };

	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		struct tunnel *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
		unsigned int good = 0;

		init_pair(a, b, modes[k]);
		compress(a, b, &mppc);
		for (uint32_t i = 0; i < 3000; i++) {
			bool lose = i % 97 == 50 && i < 2900;

			good += carry(a, b, i, 40 + i * 7 % 1300, lose, NULL) == PACKET_DATA;
			/* The Reset-Request comes at once. */
			if (tunnel_events(b) & TUNNEL_EVENT_RESET)
				tunnel_reset_requested(a);
			now += TUNNEL_RESET_INTERVAL;
		}
		assert_true(good >= (k ? 2900 : 2970));
		assert_true(counted(b).rx_compressed > 1000);
		assert_int_equal(counted(b).drops[TUNNEL_DROP_COMPRESS_BAD], 0);
		assert_int_equal(counted(b).drops[TUNNEL_DROP_MPPE_BAD], 0);
		end_pair(a, b);
		free(a);
		free(b);
	}
}

static void compression_begins_anew_with_the_reset_ack(void **state)
{
	static const struct codec_params kinds[] = {
		{ .kind = CODEC_DEFLATE, .bits = 15 },
		{ .kind = CODEC_BSD, .bits = 15 },
	};

	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		struct tunnel *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
		uint32_t wire;

		init_pair(a, b, NULL);
		compress(a, b, &kinds[k]);
		for (uint32_t i = 0; i < 200; i++)
			assert_int_equal(carry(a, b, i, 900, false, &wire), PACKET_DATA);
		assert_true(wire < 700);
		(void)carry(a, b, 200, 900, true, NULL);
		assert_int_equal(carry(a, b, 201, 900, false, NULL), PACKET_DROP);
		assert_int_equal(counted(b).drops[TUNNEL_DROP_COMPRESS_WAIT], 1);
		assert_true(tunnel_events(b) & TUNNEL_EVENT_RESET);
		tell(a, b, "\x0e\x01\x00\x04", 4); /* a Reset-Request is none */
		assert_int_equal(carry(a, b, 202, 900, false, NULL), PACKET_DROP);
		tell(a, b, "\x0f\x01\x00\x04", 4);
		for (uint32_t i = 203; i < 400; i++)
			assert_int_equal(carry(a, b, i, 900, false, NULL), PACKET_DATA);
		end_pair(a, b);
		free(a);
		free(b);
	}
}

/*
 * None of these algorithms has a checksum: a packet that the path has damaged may leave another history
 * behind, and what is decompressed with it shows only by its protocol.
 */
static void what_decompresses_to_nonsense_is_mended_too(void **state)
{
	static const struct codec_params kinds[] = {
		{ .kind = CODEC_MPPC },
		{ .kind = CODEC_DEFLATE, .bits = 15 },
		{ .kind = CODEC_BSD, .bits = 15 },
	};

	(void)state;
	for (unsigned int k = 0; k < 3; k++) {
		struct tunnel *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
		uint8_t zeros[500] = { 0 };
		struct packet_list in, done;
		const uint8_t *out;
		struct packet *p;
		size_t n;

		init_pair(a, b, NULL);
		compress(a, b, &kinds[k]);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(carry(a, b, i, 500, false, NULL), PACKET_DATA);
		(void)tunnel_events(b);
		packet_list_init(&in);
		packet_list_init(&done);
		n = codec_compress(a->pack, 0, zeros, sizeof(zeros), &out);
		assert_true(n > 0);
		p = seal(a, packet(out, (uint32_t)n), PPP_COMP, now += MS);
		receive_into(b, p, now, &in);
		work(b, &in, &done);
		p = packet_list_take(&done);
		assert_int_equal(p->verdict, PACKET_DROP);
		assert_int_equal(counted(b).drops[TUNNEL_DROP_COMPRESS_BAD], 1);
		release(p);
		assert_int_equal(tunnel_events(b), TUNNEL_EVENT_RESET);
		/* Nothing is taken until the stream has begun anew. */
		if (kinds[k].kind != CODEC_MPPC)
			assert_int_equal(carry(a, b, 5, 500, false, NULL), PACKET_DROP);
		tunnel_reset_requested(a);
		tell(a, b, "\x0f\x01\x00\x04", 4);
		assert_int_equal(carry(a, b, 6, 500, false, NULL), PACKET_DATA);
		end_pair(a, b);
		free(a);
		free(b);
	}
}

static void where_encryption_is_required_nothing_compressed_in_clear_comes_in(void **state)
{
	static const struct codec_params deflate = { .kind = CODEC_DEFLATE, .bits = 15 };
	struct tunnel *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	uint32_t clear = 0;

	(void)state;
	init_pair(a, b, NULL);
	compress(a, b, &deflate);
	b->require_mppe = true;
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(carry(a, b, i, 900, false, NULL), PACKET_DROP);
	clear = (uint32_t)counted(b).drops[TUNNEL_DROP_CLEAR];
	assert_int_equal(clear + counted(b).drops[TUNNEL_DROP_NOT_OPEN], 20);
	end_pair(a, b);
	free(a);
	free(b);
}

static void memory_is_told_and_given_back(void **state)
{
	static const struct codec_params bsd = { .kind = CODEC_BSD, .bits = 15 };
	struct tunnel *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	struct tunnel_stats stats;

	(void)state;
	init_pair(a, b, NULL);
	tunnel_get_stats(a, &stats);
	assert_int_equal(stats.history, 0);
	compress(a, b, &bsd);
	tunnel_get_stats(a, &stats);
	assert_true(stats.history > 100000 && stats.history < 1000000);
	tunnel_set_pack(a, NULL);
	tunnel_get_stats(a, &stats);
	assert_int_equal(stats.history, 0);
	end_pair(a, b);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mppc_and_mppe_stay_in_step_over_losses),
		cmocka_unit_test(compression_begins_anew_with_the_reset_ack),
		cmocka_unit_test(what_decompresses_to_nonsense_is_mended_too),
		cmocka_unit_test(where_encryption_is_required_nothing_compressed_in_clear_comes_in),
		cmocka_unit_test(memory_is_told_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
