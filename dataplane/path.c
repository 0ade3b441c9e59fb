/*
 * The packet path of a worker (RFC 2637 section 4, RFC 791 headers): see path.h. Every byte of
 * outer and inner headers is read through wire.h. A packet of an established call is dropped only
 * for a reason that is counted, in the worker's counters or the tunnel's.
 */
#include "dataplane/path.h"

#include "dataplane/exchange.h"
#include "dataplane/fit.h"
#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "dataplane/segment.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"

#include <errno.h>

/* From so many sessions on they do not fit the nearer caches: fetch_sessions(). */
#define FETCH_SESSIONS 64
#define CACHE_LINE     64

#define IP_GRE 47

#define RAW_INTERVAL 1000000 /* us, see hop_of() */

void path_discard(struct worker *w, struct packet_list *list)
{
	struct packet *p;

	while ((p = packet_list_take(list)) != NULL)
		pool_put(&w->pool, p);
}

/* ---- from the GRE socket to the inner side ---- */

/* Without what follows the packet: some peers pad. Takes the slot over. */
static bool write_inner(struct worker *w, const struct dp_session *s, struct packet *p, size_t len)
{
	if (s->limiter && !limiter_pass(&s->limiter->receive, (uint32_t)len, w->now))
		return false;
	p->len = (uint32_t)len;
	fit_segments(w, s, p->data, len);
	inner_add(&w->inner, p);
	return true;
}

static bool checks_source(const struct worker *w, const struct dp_session *s)
{
	return w->config.check_source && !s->any_source;
}

/* Its own address needs no look-up. */
static bool is_foreign(const struct worker *w, const struct dp_session *s, uint32_t source)
{
	if (!checks_source(w, s) || (s->inner && s->inner == source))
		return false;
	return table_lookup(&w->table, source) != s;
}

/* This and the next two: true if the slot was taken over. */
static bool deliver_ipv4(struct worker *w, struct dp_session *s, struct packet *p)
{
	struct ipv4 ip;

	if (!ipv4_decode(&ip, p->data, p->len))
		w->stats.inner_not_ip++;
	else if (!s->open4)
		w->stats.inner_closed++;
	else if (is_foreign(w, s, ip.source))
		w->stats.inner_source++;
	else
		return write_inner(w, s, p, ip.total);
	return false;
}

static bool may_control(const struct worker *w, struct dp_session *s)
{
	bool raw = s->tunnel.raw;
	uint64_t interval = raw ? QUEUE_RAW_INTERVAL : QUEUE_CONTROL_INTERVAL;
	uint64_t burst = (raw ? QUEUE_RAW_BURST : QUEUE_CONTROL_BURST) * interval - interval;

	if (s->control_until < w->now)
		s->control_until = w->now;
	if (s->control_until > w->now + burst)
		return false;
	s->control_until += interval;
	return true;
}

static void deliver_control(struct worker *w, struct dp_session *s, const struct packet *p)
{
	struct event *e = NULL;

	if (may_control(w, s))
		e = event_control_new(
			w->events, &s->events_waiting, s->tunnel.raw, p->protocol, p->data, p->len);
	if (!e) {
		w->stats.event_overflow++;
		return;
	}
	e->session = s;
	event_list_add(&w->raised, e);
}

/*
 * Router Solicitation and Advertisement are for the control thread, and nothing that the kernel could
 * take for Neighbor Discovery reaches it: a client must not be this machine's router. What hides behind
 * too many extension headers counts as such if it has Discovery's hop limit.
 */
static void deliver_discovery(
	struct worker *w, struct dp_session *s, struct packet *p, const struct ipv6 *ip)
{
	if (ip->unclear || ip->icmp_type > 134) {
		w->stats.inner_link_local++;
		return;
	}
	p->len = (uint32_t)ip->total;
	deliver_control(w, s, p);
}

/*
 * Link-local addresses are of one session's link each, and the kernel would hand such a packet back to
 * the device, for another session.
 */
static bool leaves_its_link(
	const struct worker *w, const struct dp_session *s, const struct ipv6 *ip)
{
	const struct dp_session *to;

	if (!ipv6_is_link_local(ip->source) && !ipv6_is_link_local(ip->destination))
		return false;
	to = table_lookup6(&w->table, ip->destination);
	return to && to != s;
}

static bool deliver_ipv6(struct worker *w, struct dp_session *s, struct packet *p)
{
	struct ipv6 ip;

	if (!ipv6_decode(&ip, p->data, p->len))
		w->stats.inner_not_ip++;
	else if (!s->open6)
		w->stats.inner_closed++;
	else if (ipv6_is_discovery(&ip) || (ip.unclear && ip.hop_limit == 255))
		deliver_discovery(w, s, p, &ip);
	else if (ipv6_is_multicast(ip.destination) || leaves_its_link(w, s, &ip))
		w->stats.inner_link_local++;
	else if (ipv6_is_multicast(ip.source) || ipv6_is_nobody(ip.source) ||
		 ipv6_is_nobody(ip.destination) ||
		 (checks_source(w, s) && table_lookup6(&w->table, ip.source) != s))
		w->stats.inner_source++;
	else
		return write_inner(w, s, p, ip.total);
	return false;
}

static bool deliver_data(struct worker *w, struct dp_session *s, struct packet *p)
{
	if (p->protocol == PPP_IP)
		return deliver_ipv4(w, s, p);
	if (p->protocol == PPP_IPV6)
		return deliver_ipv6(w, s, p);
	w->stats.inner_not_ip++;
	return false;
}

/* The tunnel keeps a packet that came early; short of slots it may not, nor those before it. */
static void held_early(struct worker *w, struct dp_session *s)
{
	struct packet_list early;

	if (pool_may_hold(&w->pool))
		return;
	w->stats.no_slot++;
	packet_list_init(&early);
	tunnel_open(&s->tunnel, false, &early);
	path_discard(w, &early);
}

static void deliver(struct worker *w, struct packet *p)
{
	struct dp_session *s = p->owner;

	if (p->verdict == PACKET_NONE)
		tunnel_finish(&s->tunnel, p);
	if (p->verdict == PACKET_HELD) {
		held_early(w, s);
		return;
	}
	if (p->verdict == PACKET_DATA && deliver_data(w, s, p))
		return;
	if (p->verdict == PACKET_CONTROL)
		deliver_control(w, s, p);
	pool_put(&w->pool, p);
}

/* All packets that are in order now, of any sessions: the cipher gets as many at once as it takes.
 */
static void deliver_all(struct worker *w, struct packet_list *in_order)
{
	struct packet *batch[RC4_BATCH_MAX];
	struct packet *p;

	while (in_order->first) {
		unsigned int n = 0;

		while (n < RC4_BATCH_MAX && (p = packet_list_take(in_order)) != NULL) {
			struct dp_session *s = p->owner;

			if (p->verdict == PACKET_NONE)
				tunnel_decrypt(&s->tunnel, p, &w->cipher);
			batch[n++] = p;
		}
		rc4_run(&w->cipher);
		for (unsigned int i = 0; i < n; i++)
			deliver(w, batch[i]);
	}
	inner_flush(&w->inner);
}

/*
 * A packet for a call of another worker. With sockets of their own it has it, too (from before the filters were as they
 * are), or has no session that it could be for.
 */
static void anothers(struct worker *w, const struct gre_header *h, const uint8_t *data, size_t len)
{
	struct worker *other = w->all[dp_shard(h->call_id, w->count)];

	if (!w->config.gre_more)
		exchange_put_gre(w, other, data, len);
	else if (atomic_load_explicit(&other->rests, memory_order_relaxed))
		w->stats.gre_unknown_call++;
	else
		w->stats.gre_received--;
}

/* True if the slot went into the tunnel. */
static bool accept_packet(struct worker *w, struct packet *p, size_t len, struct packet_list *out)
{
	const uint8_t *data = p->buf + IO_OFFSET;
	struct gre_header h;
	struct dp_session *s;
	enum gre_fault fault = GRE_TRUNCATED;
	struct ipv4 ip;
	size_t size = 0;

	if (len == SIZE_MAX) {
		w->stats.gre_too_long++;
		return false;
	}
	if (ipv4_decode(&ip, data, len) && ip.protocol == IP_GRE)
		fault = gre_header_decode(&h, data + ip.header, ip.total - ip.header, &size);
	if (fault != GRE_OK) {
		w->stats.gre_faults[fault]++;
		return false;
	}
	if (dp_shard(h.call_id, w->count) != w->index) {
		anothers(w, &h, data, ip.total);
		return false;
	}
	s = table_find_call(&w->table, ip.source, ip.destination, h.call_id);
	if (!s) {
		w->stats.gre_unknown_call++;
		return false;
	}
	/* Short of slots, nothing may wait for what is missing. */
	if (h.has_seq && s->tunnel.receiver.started && h.seq != s->tunnel.receiver.next &&
		!pool_may_hold(&w->pool)) {
		w->stats.no_slot++;
		gre_receiver_skip(&s->tunnel.receiver, h.seq, w->now, out);
	}
	p->data = p->buf + IO_OFFSET + ip.header + size;
	p->len = h.payload_len;
	p->owner = s;
	p->time = w->now;
	tunnel_receive(&s->tunnel, &h, p, w->now, out);
	worker_touch(w, s);
	return true;
}

int path_read_gre(struct worker *w, bool raw)
{
	int n = io_receive(&w->rx, w->config.gre_fd, raw, &w->pool);

	if (n == -EBADF || n == -ENOTSOCK)
		return n;
	if (n <= 0)
		return 0; /* nothing there, or an ICMP error that is read and gone */
	w->gre_count = (unsigned int)n;
	w->gre_more = w->rx.more;
	w->stats.gre_received += w->gre_count;
	w->stats.fast_received += w->rx.by_fast;
	return 0;
}

/* What a packet of a session touches, of which next to nothing is in a cache if there are many. */
static void fetch_session(const struct dp_session *s)
{
	for (size_t at = 0; at < offsetof(struct dp_session, told); at += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)s + at);
}

/*
 * Where there are many sessions, the memory of each packet's is waited for once for the batch, not one
 * after the other. Only a guess at what the headers say, which are judged later.
 */
static void fetch_sessions(const struct worker *w, unsigned int n)
{
	uint32_t peer[IO_RECEIVE_MAX], own[IO_RECEIVE_MAX];
	uint16_t call_id[IO_RECEIVE_MAX];

	if (w->table.calls.count < FETCH_SESSIONS)
		return;
	for (unsigned int i = 0; i < n; i++) {
		size_t len = io_received(&w->rx, i);
		struct wire_reader r =
			wire_reader(w->rx.slots[i]->buf + IO_OFFSET, len == SIZE_MAX ? 0 : len);

		wire_skip(&r, 12);
		peer[i] = wire_u32(&r);
		own[i] = wire_u32(&r);
		wire_skip(&r, 6);
		call_id[i] = wire_u16(&r);
		table_fetch_call(&w->table, peer[i], own[i], call_id[i]);
	}
	for (unsigned int i = 0; i < n; i++) {
		const struct dp_session *s =
			table_find_call(&w->table, peer[i], own[i], call_id[i]);

		if (s)
			fetch_session(s);
	}
}

int path_receive(struct worker *w)
{
	struct packet_list out;
	unsigned int n = w->gre_count;
	int r = 0;

	w->gre_count = 0;
	packet_list_init(&out);
	fetch_sessions(w, n);
	for (unsigned int i = 0; i < n; i++) {
		size_t len = io_received(&w->rx, i);

		if (len == 0) { /* not on a raw socket: a pair's other end is gone */
			r = -EPIPE;
			break;
		}
		if (accept_packet(w, w->rx.slots[i], len, &out))
			w->rx.slots[i] = NULL;
	}
	for (unsigned int i = 0; i < w->handed_count; i++) {
		if (!accept_packet(w, w->handed[i], w->handed[i]->len, &out))
			pool_put(&w->pool, w->handed[i]);
	}
	w->handed_count = 0;
	deliver_all(w, &out);
	return r;
}

void path_tick(struct worker *w, struct dp_session *s)
{
	struct packet_list out;

	packet_list_init(&out);
	tunnel_tick(&s->tunnel, w->now, &out);
	deliver_all(w, &out);
	worker_touch(w, s);
}

/* What came early goes when the first protocol opens: what is of the other one has to come again. */
static void open_data(struct worker *w, struct dp_session *s)
{
	struct packet_list out;
	struct packet *p;

	packet_list_init(&out);
	tunnel_open(&s->tunnel, s->open4 || s->open6, &out);
	while ((p = packet_list_take(&out)) != NULL)
		deliver(w, p);
	inner_flush(&w->inner);
	worker_touch(w, s);
}

void path_open(struct worker *w, struct dp_session *s, bool open)
{
	s->open4 = open;
	open_data(w, s);
}

void path_open6(struct worker *w, struct dp_session *s, bool open)
{
	s->open6 = open;
	open_data(w, s);
}

/* ---- from the inner side to the GRE socket ---- */

/*
 * The way of a packet: the session's hop, or NULL for the raw socket. That gets what is larger than
 * the path, to say so, and of the large packets one a second: only from it do we learn that the path
 * has become smaller.
 */
static const struct frame_hop *hop_of(
	struct worker *w, struct dp_session *s, const struct packet *p)
{
	if (!s->hop.largest || (s->path_mtu && IPV4_HEADER + p->len > s->path_mtu))
		return NULL;
	if (p->len > s->fast_max)
		s->fast_max = p->len;
	if (w->now - s->raw_at < RAW_INTERVAL || p->len < s->fast_max - s->fast_max / 8)
		return &s->hop;
	s->raw_at = w->now;
	s->fast_max = 0;
	return NULL;
}

static void queue_packet(struct worker *w, struct dp_session *s, struct packet *p)
{
	if (w->tx.count == IO_SEND_MAX) {
		rc4_run(&w->cipher);
		worker_flush(w);
	}
	if (w->tx.count == IO_SEND_MAX) { /* the socket is full, and so is the queue for it */
		w->stats.send_errors++;
		pool_put(&w->pool, p);
		return;
	}
	p->owner = s;
	io_send_add(&w->tx, p, s->local_address, s->peer, hop_of(w, s, p));
}

void path_release(struct worker *w, struct dp_session *s)
{
	while (tunnel_sendable(&s->tunnel)) {
		struct packet_list out;
		struct packet *p;

		packet_list_init(&out);
		tunnel_release(&s->tunnel, w->now, &w->cipher, &out);
		rc4_run(&w->cipher);
		while ((p = packet_list_take(&out)) != NULL) {
			if (p->verdict == PACKET_DROP)
				pool_put(&w->pool, p);
			else
				queue_packet(w, s, p);
		}
	}
}

bool path_seal(struct worker *w, struct dp_session *s, struct packet *p, uint16_t protocol)
{
	int r;

	path_release(w, s);
	/* Short of slots nothing may wait; what waits already goes as the window opens. */
	if (tunnel_would_wait(&s->tunnel, protocol) && !pool_may_hold(&w->pool)) {
		w->stats.no_slot++;
		return false;
	}
	p->owner = s;
	r = tunnel_seal(&s->tunnel, p, protocol, w->now, &w->cipher);
	if (r == 0)
		queue_packet(w, s, p);
	return r >= 0; /* the tunnel counts what it refuses */
}

bool path_seal_data(struct worker *w, struct dp_session *s, struct packet *p, uint16_t protocol)
{
	if (s->limiter && !limiter_pass(&s->limiter->send, p->len, w->now))
		return false;
	return path_seal(w, s, p, protocol);
}

/* A super-packet: each segment on its own. */
static void send_super(
	struct worker *w, struct dp_session *s, const struct inner_packet *in, uint16_t protocol)
{
	uint16_t largest = fit_largest(w, s);
	struct segmenter g;
	struct packet *p;
	int r = segment_start(&g, &in->vnet, in->data, in->len, largest, PACKET_ROOM);

	if (r < 0) {
		if (r == -EMSGSIZE)
			w->stats.inner_too_big++;
		else
			w->stats.inner_odd++;
		return;
	}
	while ((p = pool_get(&w->pool)) != NULL) {
		p->len = (uint32_t)segment_next(&g, p->data);
		if (!p->len) {
			pool_put(&w->pool, p);
			return;
		}
		w->stats.inner_segments++;
		if (p->len > largest) {
			fit_too_big(w, s, p->data, p->len);
			pool_put(&w->pool, p);
		} else if (!path_seal_data(w, s, p, protocol)) {
			pool_put(&w->pool, p);
		}
	}
	w->stats.no_slot++;
}

/*
 * What is in a block is longer than a slot, but the packet in it need not be: who writes to the
 * device as a link gives any length behind it.
 */
static bool has_slot(struct worker *w, struct inner_packet *in)
{
	if (in->slot)
		return true;
	in->slot = pool_get(&w->pool);
	if (!in->slot) {
		w->stats.no_slot++;
		return false;
	}
	memcpy(in->slot->data, in->data, in->len);
	in->data = in->slot->data;
	return true;
}

/* One whose session and length are known. */
static void send_known(
	struct worker *w, struct dp_session *s, struct inner_packet *in, uint16_t protocol)
{
	worker_touch(w, s);
	if (in->vnet.kind != VNET_LONE) {
		send_super(w, s, in, protocol);
	} else if (in->len > fit_largest(w, s)) {
		fit_too_big(w, s, in->data, in->len);
	} else if (has_slot(w, in)) {
		fit_segments(w, s, in->data, in->len);
		in->slot->len = in->len;
		if (path_seal_data(w, s, in->slot, protocol))
			in->slot = NULL;
	}
}

static void not_whole(struct worker *w)
{
	/* Longer than a slot: read() has cut it. With offloads nothing is cut. */
	if (w->inner.offload.header)
		w->stats.inner_not_ip++;
	else
		w->stats.inner_too_big++;
}

/* `s`: whose this packet is. If it is another worker's it is handed over, once. */
static bool is_ours(struct worker *w, const struct dp_session *s, const struct inner_packet *in)
{
	if (s && s->worker == w)
		return true;
	if (!s || in->handed)
		w->stats.inner_no_session++;
	else
		exchange_put_inner(w, s->worker, in);
	return false;
}

/*
 * What carries the tunnel comes back through it: the route to the peer is gone, and that into the tunnel is
 * next. Sent again it would come back again, larger each time.
 */
static bool is_loop(const struct dp_session *s, const struct ipv4 *ip)
{
	return ip->protocol == IP_GRE && ip->destination == ntohl(s->peer.s_addr) &&
	       ip->source == s->local;
}

static void send_ipv4(struct worker *w, struct inner_packet *in)
{
	struct dp_session *s;
	struct ipv4 ip;

	if (!ipv4_decode(&ip, in->data, in->len)) {
		not_whole(w);
		return;
	}
	s = table_lookup(&w->table, w->config.lookup_by_source ? ip.source : ip.destination);
	if (!is_ours(w, s, in))
		return;
	if (is_loop(s, &ip)) {
		w->stats.inner_loop++;
		return;
	}
	in->len = (uint32_t)ip.total;
	send_known(w, s, in, PPP_IP);
}

/* Our kernel's own Discovery and multicast reports are for a device that it knows nothing about. */
static void send_ipv6(struct worker *w, struct inner_packet *in)
{
	struct dp_session *s;
	struct ipv6 ip;

	if (!ipv6_decode(&ip, in->data, in->len)) {
		not_whole(w);
		return;
	}
	if (ipv6_is_multicast(ip.destination) || ipv6_is_discovery(&ip)) {
		w->stats.inner_link_local++;
		return;
	}
	s = table_lookup6(&w->table, w->config.lookup_by_source ? ip.source : ip.destination);
	if (!is_ours(w, s, in))
		return;
	if (!s->open6) {
		w->stats.inner_closed++;
		return;
	}
	in->len = (uint32_t)ip.total;
	send_known(w, s, in, PPP_IPV6);
}

static void send_packet(struct worker *w, struct inner_packet *in)
{
	uint8_t version = in->len ? in->data[0] >> 4 : 0;

	if (version != 4 && version != 6)
		w->stats.inner_not_ip++;
	else if (!in->handed && in->vnet.kind == VNET_LONE &&
		 segment_complete(&in->vnet, in->data, in->len) < 0)
		w->stats.inner_odd++;
	else if (version == 4)
		send_ipv4(w, in);
	else
		send_ipv6(w, in);
}

int path_read_inner(struct worker *w)
{
	return inner_read(&w->inner);
}

/* As fetch_sessions(), for what is to be sent. */
static void fetch_receivers(const struct worker *w)
{
	uint32_t address[INNER_TURN];

	if (w->table.calls.count < FETCH_SESSIONS)
		return;
	for (unsigned int i = 0; i < w->inner.count; i++) {
		const struct inner_packet *in = &w->inner.batch[i];
		struct wire_reader r = wire_reader(in->data, in->len);

		wire_skip(&r, w->config.lookup_by_source ? 12 : 16);
		address[i] = wire_u32(&r);
		table_fetch_route(&w->table, address[i]);
	}
	for (unsigned int i = 0; i < w->inner.count; i++) {
		const struct dp_session *s = table_lookup(&w->table, address[i]);

		if (s && s->worker == w)
			fetch_session(s);
	}
}

void path_send(struct worker *w)
{
	if (!w->blocked_until)
		inner_pick(&w->inner);
	fetch_receivers(w);
	for (unsigned int i = 0; i < w->inner.count; i++)
		send_packet(w, &w->inner.batch[i]);
	inner_done(&w->inner);
	rc4_run(&w->cipher);
}

void path_control(struct worker *w, struct dp_session *s, uint16_t protocol, const uint8_t *info,
	uint32_t len)
{
	struct packet *p = pool_get(&w->pool);

	if (!p) {
		w->stats.no_slot++;
		return;
	}
	if (len)
		memcpy(p->data, info, len);
	p->len = len;
	p->verdict = PACKET_CONTROL; /* to be wiped when it has gone */
	worker_touch(w, s);
	if (!path_seal(w, s, p, protocol))
		pool_put(&w->pool, p);
	/* Now, while the tunnel's cipher state is still the one of this packet. */
	rc4_run(&w->cipher);
}

void path_acknowledge(struct worker *w, struct dp_session *s)
{
	struct packet *p = pool_get(&w->pool);

	if (!p) {
		w->stats.no_slot++;
		return;
	}
	if (tunnel_ack(&s->tunnel, p, w->now))
		queue_packet(w, s, p);
	else
		pool_put(&w->pool, p);
}
