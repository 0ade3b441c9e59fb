/*
 * dataplane/path and fit: a worker without its thread and sockets. What the GRE socket and the TUN
 * device would yield is put into its batches; two calls, one with encryption, and a raw one. No slot
 * is lost or given back twice, and each packet that comes is counted or goes on.
 *
 * The worker lives as long as the process; each input gets calls of its own.
 */
#include "dataplane/path.h"

#include "fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>

#define CALLS 3
#define LOCAL 0xcb007101u
#define PEER  0xc6336400u /* and the call's number */
#define INNER 0x0a000000u

static struct worker w;
static struct event_queue events;
static struct dp_session calls[CALLS];
static struct dp_route routes[CALLS], routes6[CALLS];
static struct fuzz f;

static void begin_worker(void)
{
	if (w.events)
		return;
	w.events = &events;
	w.config.inner_fd = w.config.gre_fd = open("/dev/null", O_WRONLY);
	FUZZ_CHECK(w.config.gre_fd >= 0 && !event_queue_init(&events));
	event_list_init(&w.raised);
	io_receive_init(&w.rx, NULL);
	io_send_init(&w.tx, NULL, w.config.gre_fd);
	inner_init(&w.inner, w.config.inner_fd, &(struct vnet_offload){ 0 }, &w.pool, &w.stats);
	FUZZ_CHECK(!table_init(&w.table, 1) && !pool_init(&w.pool, POOL_MIN));
}

static void discard_events(void)
{
	struct event *e;

	while ((e = event_list_take(&w.raised))) {
		if (e->type == DP_EVENT_CONTROL)
			event_control_free(&events, &e->session->events_waiting, e);
		else
			atomic_store(&e->queued, false);
	}
}

static void begin_call(unsigned int i, uint8_t flags)
{
	struct dp_session *s = &calls[i];
	struct tunnel_config config = {
		.call_id = (uint16_t)(i + 1),
		.peer_call_id = 9,
		.window = 64,
		.peer_window = 8,
		.flow = (enum gre_flow)(flags % 3),
		.raw = i == 2,
	};
	const struct mppe_params params = { .bits = MPPE_128, .stateless = flags & 0x10 };
	const uint8_t key[16] = { 1, 2, 3 };
	const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8, (uint8_t)i };

	memset(s, 0, sizeof(*s));
	s->worker = &w;
	s->local = LOCAL;
	s->local_address.s_addr = htonl(LOCAL);
	s->peer.s_addr = htonl(PEER + i);
	s->peer_mru = flags & 0x20 ? 600 : 1400;
	s->path_mtu = flags & 0x40 ? 1500 : 0;
	s->node.session = s;
	s->told.session = s;
	s->told.type = DP_EVENT_RESET;
	tunnel_init(&s->tunnel, &config);
	FUZZ_CHECK(!table_add_call(&w.table, &s->node, PEER + i, LOCAL, config.call_id));
	routes[i].control_node.session = s;
	FUZZ_CHECK(!table_add_route(&w.table, &routes[i].control_node, INNER + (i << 8), 24));
	routes6[i].control_node.session = s;
	FUZZ_CHECK(!table_add_route6(&w.table, &routes6[i].control_node, prefix, 48));
	if (i == 1) {
		tunnel_set_tx(&s->tunnel, &params, key);
		tunnel_set_rx(&s->tunnel, &params, key);
	}
	w.now = f.now;
	path_open(&w, s, !(flags & 0x80));
	path_open6(&w, s, !(flags & 0x08));
}

static void end_call(unsigned int i)
{
	struct packet_list held;

	packet_list_init(&held);
	table_remove_route(&w.table, &routes[i].control_node);
	table_remove_route6(&w.table, &routes6[i].control_node);
	table_remove_call(&w.table, &calls[i].node);
	tunnel_done(&calls[i].tunnel, &held);
	path_discard(&w, &held);
	FUZZ_CHECK(atomic_load(&calls[i].events_waiting) == 0);
}

/* What worker.c does at the end of a turn. */
static void settle(void)
{
	for (unsigned int i = 0; i < w.touched_count; i++) {
		struct dp_session *s = w.touched[i];

		s->touched = false;
		(void)tunnel_events(&s->tunnel);
		path_release(&w, s);
		if (gre_receiver_ack_due(&s->tunnel.receiver, w.now))
			path_acknowledge(&w, s);
	}
	w.touched_count = 0;
	worker_flush(&w);
	discard_events();
	FUZZ_CHECK(w.cipher.count == 0 && w.tx.count == 0 && w.rx.armed == 0);
}

/* Puts an octet string where recvmmsg() would. */
static void receive(const uint8_t *data, size_t len)
{
	struct packet *p = pool_get(&w.pool);

	FUZZ_CHECK(p && len <= PACKET_SLOT - IO_OFFSET);
	if (len)
		memcpy(p->buf + IO_OFFSET, data, len);
	w.rx.slots[0] = p;
	w.rx.msgs[0].msg_len = (unsigned int)len;
	w.rx.msgs[0].msg_hdr.msg_flags = 0;
	w.gre_count = 1;
	FUZZ_CHECK(path_receive(&w) == (len ? 0 : -EPIPE));
	if (w.rx.slots[0])
		pool_put(&w.pool, w.rx.slots[0]);
	w.rx.slots[0] = NULL;
}

/* An outer packet for a call, with a header of GRE that is near what is expected. */
static void receive_for(unsigned int i)
{
	uint8_t buf[20 + GRE_HEADER_MAX + 1600], how = fuzz_u8(&f);
	struct wire_writer out = wire_writer(buf, sizeof(buf));
	struct gre_header h = { .call_id = (uint16_t)(i + 1) };
	size_t len;
	uint8_t *payload = fuzz_block(&f, &len);

	len = len < 1600 ? len : 1600;
	h.has_seq = len > 0;
	h.has_ack = how & 1 || !len;
	h.payload_len = (uint16_t)len;
	h.seq = calls[i].tunnel.receiver.next + (how >> 4) - (how & 8 ? 16u : 0u);
	h.ack = calls[i].tunnel.sender.next - (how >> 1 & 3);
	wire_put_u16(&out, 0x4500);
	wire_put_u16(&out, (uint16_t)(20 + gre_header_size(&h) + len));
	wire_put_u32(&out, 0x4000);
	wire_put_u32(&out, 0x402f0000);
	wire_put_u32(&out, PEER + i);
	wire_put_u32(&out, LOCAL);
	gre_header_encode(&h, wire_room(&out, gre_header_size(&h)));
	wire_put_bytes(&out, payload, len);
	FUZZ_CHECK(!out.failed);
	receive(buf, wire_written(&out));
	free(payload);
}

/* A packet from the TUN device: any, or one for a call with any rest. */
static void send_inner(unsigned int i, bool any)
{
	struct packet *p = pool_get(&w.pool);
	size_t len, room = PACKET_ROOM;
	uint8_t *block = fuzz_block(&f, &len);
	struct wire_writer out;

	FUZZ_CHECK(p);
	out = wire_writer(p->data, room);
	if (!any) {
		uint16_t extra = fuzz_u16(&f) % 1500;

		wire_put_u16(&out, 0x4500);
		wire_put_u16(&out, (uint16_t)(20 + len % 300 + extra));
		wire_put_u16(&out, 7);
		wire_put_u16(&out, fuzz_bool(&f) ? 0x4000 : 0);
		wire_put_u32(&out, 0x40060000);
		wire_put_u32(&out, 0x08080808);
		wire_put_u32(&out, INNER + (i << 8) + 1);
		wire_put_bytes(&out, block, len % 300);
		wire_put_zero(&out, extra);
	} else {
		wire_put_bytes(&out, block, len < room ? len : room);
	}
	FUZZ_CHECK(!out.failed);
	w.inner.batch[0] = (struct inner_packet){
		.slot = p, .data = p->data, .len = (uint32_t)wire_written(&out)
	};
	w.inner.count = 1;
	if (w.inner.offload.header) {
		uint8_t raw[VNET_SIZE];

		wire_copy(&f.in, raw, sizeof(raw));
		vnet_decode(&w.inner.batch[0].vnet, raw);
	}
	path_send(&w);
	free(block);
}

static void step(void)
{
	uint8_t what = fuzz_u8(&f), *block;
	unsigned int i = (what >> 3) % CALLS;
	size_t len;

	w.now = f.now;
	switch (what & 7) {
	case 0:
	case 1:
		receive_for(i);
		break;
	case 2:
		block = fuzz_block(&f, &len);
		receive(block, len < PACKET_SLOT - IO_OFFSET ? len : PACKET_SLOT - IO_OFFSET);
		free(block);
		break;
	case 3:
		send_inner(i, true);
		break;
	case 4:
		send_inner(i, false);
		break;
	case 5:
		block = fuzz_block(&f, &len);
		path_control(&w, &calls[i], i == 2 ? 0 : 0xc021, block,
			(uint32_t)(len < 1500 ? len : 1500));
		free(block);
		break;
	case 6:
		fuzz_pass(&f);
		w.now = f.now;
		path_tick(&w, &calls[i]);
		break;
	case 7:
		if (i == 2)
			path_open(&w, &calls[0], fuzz_bool(&f));
		fuzz_pass_to(&f, tunnel_deadline(&calls[i].tunnel));
		w.now = f.now;
		path_tick(&w, &calls[i]);
		break;
	}
	settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vnet_offload none;
	static const struct vnet_offload all = {
		.header = true, .tcp4 = true, .tcp6 = true, .udp = true
	};
	uint8_t flags;

	f = fuzz_begin(data, size);
	begin_worker();
	memset(&w.stats, 0, sizeof(w.stats));
	memset(&w.icmp, 0, sizeof(w.icmp));
	flags = fuzz_u8(&f);
	w.config.check_source = flags & 1;
	w.config.clamp_mss = flags & 2;
	w.config.report_too_big = flags & 4;
	w.config.lookup_by_source = flags & 8;
	coalesce_init(&w.inner.out, flags & 16 ? &all : &none);
	w.inner.offload = flags & 16 ? all : none;
	for (unsigned int i = 0; i < CALLS; i++)
		begin_call(i, fuzz_u8(&f));
	while (fuzz_more(&f))
		step();
	for (unsigned int i = 0; i < CALLS; i++)
		end_call(i);
	FUZZ_CHECK(w.pool.free == w.pool.total);
	return 0;
}
