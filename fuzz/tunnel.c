/*
 * lib/tunnel: two ends, MPPE and compression of any kind on and off, every kind of flow control, raw or not; a path
 * that loses, doubles, delays and damages, and GRE packets of the input's. Every packet comes out
 * once; what was sent in clear over an honest path arrives as it was; the queues are bounded; after
 * a tick nothing is overdue.
 */
#include "lib/tunnel.h"
#include "lib/ppp/frame.h"

#include "fuzz/fuzz.h"
#include "tests/unit/tcp_packet.h"

#define KEPT  32
#define LIMIT 600 /* of what is decompressed */
#define SIZE  40  /* of an IP packet */

struct wire {
	uint8_t data[PACKET_ROOM];
	size_t len;
};

struct end {
	struct tunnel t;
	struct wire kept[KEPT]; /* sent, the newest ones */
	unsigned int sent, taken;
	uint32_t serial;
	bool encrypts;
	bool headers; /* it compresses them: its data is TCP */
};

static struct fuzz f;
static struct end ends[2];
static struct rc4_batch batch;
static int alive;
static bool tampered, ever_encrypted;

static struct packet *new_packet(const void *data, size_t len)
{
	struct packet *p = malloc(sizeof(*p));

	FUZZ_CHECK(p && len <= PACKET_ROOM);
	alive++;
	packet_reset(p);
	if (len)
		memcpy(p->data, data, len);
	p->len = (uint32_t)len;
	return p;
}

static void give_back(struct packet *p)
{
	free(p);
	alive--;
}

static void fill(uint8_t ip[SIZE], uint32_t serial)
{
	for (uint32_t i = 0; i < SIZE; i++)
		ip[i] = (uint8_t)(serial * 17 + i);
	ip[0] = 0x45;
	ip[2] = 0;
	ip[3] = SIZE;
	memcpy(ip + 20, &serial, sizeof(serial));
}

static void fill_tcp(uint8_t ip[SIZE], uint32_t serial)
{
	const struct tcp_packet t = { .id = (uint16_t)serial, .seq = serial * 7, .ack = serial };
	uint8_t packet[TCP_PACKET_MAX];

	FUZZ_CHECK(tcp_make(&t, packet) == SIZE);
	memcpy(ip, packet, SIZE);
}

/* A sealed packet goes out. */
static void transmit(struct end *e, struct packet *p)
{
	struct wire *w = &e->kept[e->sent++ % KEPT];
	struct gre_header h;
	size_t size;

	FUZZ_CHECK(p->data >= p->buf && p->data + p->len <= p->buf + sizeof(p->buf));
	FUZZ_CHECK(gre_header_decode(&h, p->data, p->len, &size) == GRE_OK);
	FUZZ_CHECK(h.call_id == e->t.peer_call_id && size + h.payload_len == p->len);
	w->len = p->len;
	memcpy(w->data, p->data, p->len);
	give_back(p);
}

static void release(struct end *e)
{
	struct packet_list out;
	struct packet *p;

	for (unsigned int n = 0; tunnel_sendable(&e->t); n++) {
		FUZZ_CHECK(n < TUNNEL_QUEUE_MAX + 2);
		packet_list_init(&out);
		tunnel_release(&e->t, f.now, &batch, &out);
		rc4_run(&batch);
		while ((p = packet_list_take(&out))) {
			if (p->verdict == PACKET_DROP)
				give_back(p);
			else
				transmit(e, p);
		}
	}
}

static void seal(struct end *e, struct packet *p, uint16_t protocol)
{
	bool waits = tunnel_would_wait(&e->t, protocol);
	uint8_t *data = p->data;
	uint32_t len = p->len;
	int rc = tunnel_seal(&e->t, p, protocol, f.now, &batch);

	rc4_run(&batch);
	if (rc == 0) {
		transmit(e, p);
	} else if (rc < 0) {
		FUZZ_CHECK(p->data == data && p->len == len);
		give_back(p);
	} else {
		FUZZ_CHECK(waits && e->t.sender.flow == GRE_FLOW_STRICT);
	}
	FUZZ_CHECK(e->t.queued <= TUNNEL_QUEUE_MAX);
}

static void seal_data(struct end *e, unsigned int n)
{
	uint8_t ip[SIZE];

	while (n--) {
		if (e->headers)
			fill_tcp(ip, ++e->serial);
		else
			fill(ip, ++e->serial);
		seal(e, new_packet(ip, sizeof(ip)), e->t.raw ? 0 : PPP_IP);
	}
}

/* A header computed from the wrong one has a wrong checksum; IP's number is not covered by it. */
static void tcp_arrived(const struct end *from, const struct packet *p)
{
	uint8_t want[SIZE];
	struct wire_reader r = wire_reader(p->data, p->len);
	uint32_t serial;

	FUZZ_CHECK(p->len == SIZE && checksum_of(p->data, 20) == 0);
	if (tcp_sum(p->data, p->len))
		return;
	wire_skip(&r, 28);
	serial = wire_u32(&r);
	fill_tcp(want, serial);
	FUZZ_CHECK(serial <= from->serial && !memcmp(p->data + 12, want + 12, SIZE - 12));
}

static void arrived(const struct end *e, const struct packet *p)
{
	const struct end *from = &ends[e == &ends[0]];
	uint8_t want[SIZE];
	uint32_t serial;

	if (tampered || ever_encrypted || p->protocol != PPP_IP || e->t.raw || from->t.raw)
		return;
	if (from->headers) {
		tcp_arrived(from, p);
		return;
	}
	FUZZ_CHECK(p->len == SIZE);
	memcpy(&serial, p->data + 20, sizeof(serial));
	fill(want, serial);
	FUZZ_CHECK(serial <= from->serial && !memcmp(p->data, want, SIZE));
}

/* As a worker does it: decrypt in batches, run, finish. */
static void work(struct end *e, struct packet_list *in)
{
	struct packet *step[RC4_BATCH_MAX];

	while (in->first) {
		unsigned int n = 0;

		while (n < RC4_BATCH_MAX && (step[n] = packet_list_take(in)))
			tunnel_decrypt(&e->t, step[n++], &batch);
		FUZZ_CHECK(batch.count <= n);
		rc4_run(&batch);
		for (unsigned int i = 0; i < n; i++) {
			tunnel_finish(&e->t, step[i]);
			FUZZ_CHECK(step[i]->verdict != PACKET_NONE);
			if (step[i]->verdict == PACKET_HELD)
				continue;
			FUZZ_CHECK(step[i]->verdict != PACKET_DATA || e->t.raw ||
				   step[i]->len <= LIMIT);
			if (step[i]->verdict == PACKET_DATA)
				arrived(e, step[i]);
			give_back(step[i]);
		}
	}
}

static void receive(struct end *e, const uint8_t *data, size_t len)
{
	struct packet_list out;
	struct gre_header h;
	size_t size;
	struct packet *p;

	packet_list_init(&out);
	if (gre_header_decode(&h, data, len, &size) != GRE_OK || h.call_id != e->t.call_id)
		return;
	if (h.payload_len > PACKET_ROOM)
		return;
	p = new_packet(data + size, h.payload_len);
	tunnel_receive(&e->t, &h, p, f.now, &out);
	work(e, &out);
}

/* One of the other end's newest packets; 0 the next that was not yet taken. */
static void deliver(struct end *e, unsigned int back, bool damage)
{
	struct end *from = &ends[e == &ends[0]];
	struct wire *w;
	uint8_t *copy;

	if (from->sent == 0)
		return;
	if (from->taken + KEPT < from->sent)
		from->taken = from->sent - KEPT; /* lost */
	if (!back && from->taken < from->sent)
		w = &from->kept[from->taken++ % KEPT];
	else
		w = &from->kept[(from->sent - 1 - back % (from->sent < KEPT ? from->sent : KEPT)) %
				KEPT];
	copy = fuzz_copy(w->data, w->len);
	if (damage) {
		copy[fuzz_u8(&f) % w->len] ^= fuzz_u8(&f);
		tampered = true;
	}
	receive(e, copy, w->len);
	free(copy);
}

/* A GRE packet of the input's: a header near what is expected, any payload. */
static void forge(struct end *e)
{
	struct gre_header h = { .call_id = e->t.call_id };
	uint8_t flags = fuzz_u8(&f), packet[GRE_HEADER_MAX + 600];
	size_t len;
	uint8_t *payload = fuzz_block(&f, &len);

	len = len < 600 ? len : 600;
	h.has_seq = len > 0;
	h.has_ack = flags & 1 || !len;
	h.payload_len = (uint16_t)len;
	h.seq = e->t.receiver.next + (flags >> 4) - (flags & 8 ? 16u : 0u);
	h.ack = e->t.sender.next - 1 + (flags & 2 ? fuzz_u8(&f) : 0u) - (flags & 4 ? 3u : 0u);
	gre_header_encode(&h, packet);
	if (len)
		memcpy(packet + gre_header_size(&h), payload, len);
	tampered = true;
	receive(e, packet, gre_header_size(&h) + len);
	free(payload);
}

static void tick(struct end *e)
{
	struct packet_list out;

	packet_list_init(&out);
	tunnel_tick(&e->t, f.now, &out);
	work(e, &out);
}

static void acknowledge(struct end *e)
{
	struct packet *p = new_packet(NULL, 0);

	if (tunnel_ack(&e->t, p, f.now))
		transmit(e, p);
	else
		give_back(p);
}

/* Compression from `from` to the other end, on both sides, or off. */
static void switch_compression(struct end *from, struct end *to, unsigned int how)
{
	static const struct codec_params kinds[] = {
		[1] = { .kind = CODEC_MPPC, .encrypted = true },
		[2] = { .kind = CODEC_MPPC },
		[3] = { .kind = CODEC_DEFLATE, .bits = 9 },
		[4] = { .kind = CODEC_BSD, .bits = 12 },
		[5] = { .kind = CODEC_DEFLATE, .bits = 15 },
		[6] = { .kind = CODEC_BSD, .bits = 9 },
	};
	struct codec_params params;

	if (how == 7) {
		tunnel_set_pack(&from->t, NULL);
		tunnel_set_unpack(&to->t, NULL);
		return;
	}
	params = kinds[how];
	params.limit = LIMIT;
	tunnel_set_pack(&from->t, codec_new(&params, true));
	tunnel_set_unpack(&to->t, codec_new(&params, false));
}

/* Encryption from `from` to the other end, on both sides, or off. */
static void switch_keys(struct end *from)
{
	static const enum mppe_bits bits[] = { MPPE_40, MPPE_56, MPPE_128, MPPE_128 };
	struct end *to = &ends[from == &ends[0]];
	uint8_t how = fuzz_u8(&f), key[16];
	struct mppe_params params = { .bits = bits[how >> 1 & 3], .stateless = how & 1 };

	fuzz_random(&f, key, sizeof(key));
	ever_encrypted = true;
	tunnel_set_tx(&from->t, how & 8 ? NULL : &params, key);
	if (!(how & 16))
		tunnel_set_rx(&to->t, how & 8 ? NULL : &params, key);
	if (how >> 5)
		switch_compression(from, to, how >> 5);
}

static void own(struct end *e)
{
	static const uint16_t controls[] = { PPP_LCP, PPP_CCP, PPP_IPCP, PPP_CHAP };
	struct packet_list out;

	packet_list_init(&out);
	switch (fuzz_below(&f, 8)) {
	case 0:
		switch_keys(e);
		break;
	case 1:
		tunnel_open(&e->t, fuzz_bool(&f), &out);
		work(e, &out);
		break;
	case 2:
		tunnel_reset_requested(&e->t);
		break;
	case 3:
		tunnel_set_peer(&e->t, ends[e == &ends[0]].t.call_id, fuzz_u16(&f), fuzz_u8(&f));
		break;
	case 4:
		e->t.acfc = fuzz_bool(&f);
		e->t.pfc = fuzz_bool(&f);
		break;
	case 5:
	case 6:
		seal(e, new_packet("\x09\x01\x00\x04", 4),
			e->t.raw ? 0 : controls[fuzz_below(&f, 4)]);
		break;
	case 7:
		if (tunnel_events(&e->t) & TUNNEL_EVENT_RESET)
			tunnel_reset_requested(&ends[e == &ends[0]].t);
		break;
	}
}

static void check(struct end *e)
{
	struct tunnel_stats stats;

	tunnel_get_stats(&e->t, &stats);
	FUZZ_CHECK(stats.queued == e->t.queued && e->t.early_count <= TUNNEL_EARLY_MAX);
	if (e->t.sender.flow != GRE_FLOW_OFF)
		FUZZ_CHECK(stats.window >= 1 && stats.window <= stats.window_max);
	FUZZ_CHECK(e->t.receiver.held <= GRE_HOLD_MAX);
	FUZZ_CHECK(!e->t.late_keys || e->t.late_until <= f.now + TUNNEL_LATE_TIME);
}

static void step(void)
{
	uint8_t what = fuzz_u8(&f);
	struct end *e = &ends[what & 1];

	switch ((what >> 1) % 10) {
	case 0:
		seal_data(e, 1);
		break;
	case 1:
		seal_data(e, fuzz_u8(&f));
		break;
	case 2:
	case 3:
		deliver(e, 0, false);
		break;
	case 4:
		deliver(e, fuzz_u8(&f), false);
		break;
	case 5:
		deliver(e, fuzz_u8(&f) & 3, true);
		break;
	case 6:
		forge(e);
		break;
	case 7:
		fuzz_pass(&f);
		break;
	case 8:
		fuzz_pass_to(&f, tunnel_deadline(&e->t));
		break;
	case 9:
		own(e);
		break;
	}
	for (int i = 0; i < 2; i++) {
		tick(&ends[i]);
		release(&ends[i]);
		acknowledge(&ends[i]);
		check(&ends[i]);
		FUZZ_CHECK(tunnel_deadline(&ends[i].t) > f.now);
	}
}

static void begin(struct end *e, uint16_t id, uint16_t peer_id)
{
	uint8_t flags = fuzz_u8(&f);
	struct tunnel_config config = {
		.call_id = id,
		.peer_call_id = peer_id,
		.window = 64,
		.peer_window = fuzz_u8(&f),
		.flow = (enum gre_flow)((flags & 3) % 3),
		.require_mppe = flags & 4,
		.raw = (flags & 0x38) == 0x38,
	};
	struct packet_list out;

	memset(e, 0, sizeof(*e));
	tunnel_init(&e->t, &config);
	e->headers = (flags & 0x80) && !config.raw;
	packet_list_init(&out);
	tunnel_open(&e->t, !(flags & 0x40), &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vj_params slots = { .slots = VJ_SLOTS_MIN };
	struct packet_list out;
	struct packet *p;

	f = fuzz_begin(data, size);
	for (size_t i = 0; i < size; i++)
		f.seed = (f.seed ^ data[i]) * 0x100000001b3ull | 1;
	alive = 0;
	tampered = ever_encrypted = false;
	begin(&ends[0], 1, 2);
	begin(&ends[1], 2, 1);
	for (unsigned int i = 0; i < 2; i++) {
		if (!ends[i].headers)
			continue;
		tunnel_set_vj(&ends[i].t, true, vj_new(&slots));
		tunnel_set_vj(&ends[1 - i].t, false, vj_new(&slots));
	}
	while (fuzz_more(&f))
		step();
	packet_list_init(&out);
	tunnel_done(&ends[0].t, &out);
	tunnel_done(&ends[1].t, &out);
	while ((p = packet_list_take(&out)))
		give_back(p);
	FUZZ_CHECK(alive == 0);
	return 0;
}
