/* Peers with encryption for tests of the data plane (dp_rig.h): a tunnel of lib/ behind the GRE socket. */
#pragma once

#include "dp_rig.h"

struct far_end {
	struct tunnel tunnel;
	struct rc4_batch batch;
	struct packet packet;
};

static const uint8_t key_down[16] = "0123456789abcdef", key_up[16] = "fedcba9876543210";

/* What the peer sends as its packet number `mark`. */
static inline void far_end_sends(struct rig *rig, struct far_end *far, uint32_t peer, uint32_t mark)
{
	struct packet *p = &far->packet;

	packet_reset(p);
	p->len = (uint32_t)inner_packet(p->data, INNER, OUTSIDE, mark, 60);
	assert_int_equal(tunnel_seal(&far->tunnel, p, 0x0021, clock_us(), &far->batch), 0);
	rc4_run(&far->batch);
	send_outer(rig, peer, LOCAL, p->data, p->len);
}

static inline uint32_t far_end_reads(struct rig *rig, struct far_end *far, size_t far_count)
{
	uint8_t buf[2048];
	struct packet_list out;
	struct gre_header h;
	struct packet *p;
	size_t n, at;

	for (;;) {
		n = next_data(rig, buf, sizeof(buf), &h, &at);
		assert_true(h.call_id < far_count);
		far += h.call_id;
		p = &far->packet;
		packet_reset(p);
		memcpy(p->data, buf + at, n - at);
		p->len = h.payload_len;
		packet_list_init(&out);
		tunnel_receive(&far->tunnel, &h, p, clock_us(), &out);
		p = packet_list_take(&out);
		assert_ptr_equal(p, &far->packet);
		tunnel_decrypt(&far->tunnel, p, &far->batch);
		rc4_run(&far->batch);
		tunnel_finish(&far->tunnel, p);
		assert_int_equal(p->verdict, PACKET_DATA);
		assert_int_equal(p->protocol, 0x0021);
		assert_int_equal(p->len, 60);
		return mark_of(p->data);
	}
}

static inline void start_encrypted(
	struct rig *rig, struct far_end *far, uint16_t i, struct dp_session **s)
{
	struct mppe_params params = { .bits = i % 3 ? MPPE_128 : MPPE_40, .stateless = i % 2 };
	struct dp_session_config config = {
		.peer = in(PEER + i),
		.local = in(LOCAL),
		.tunnel = { .call_id = OUR_ID, .peer_call_id = i, .require_mppe = true },
	};
	struct tunnel_config mirrored = {
		.call_id = i, .peer_call_id = OUR_ID, .require_mppe = true
	};

	*s = dp_session_add(rig->dp, &config);
	assert_non_null(*s);
	assert_int_equal(dp_session_add_route(rig->dp, *s, in(INNER + i), 32), 0);
	dp_session_set_tx(rig->dp, *s, &params, key_down);
	dp_session_set_rx(rig->dp, *s, &params, key_up);
	dp_session_open(rig->dp, *s, true);
	tunnel_init(&far->tunnel, &mirrored);
	tunnel_set_rx(&far->tunnel, &params, key_down);
	tunnel_set_tx(&far->tunnel, &params, key_up);
	far->tunnel.data_open = true;
}
