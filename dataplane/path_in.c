/*
 * From the GRE socket to the inner side (RFC 2637 section 4, RFC 791 headers): see path.h. Every byte of
 * outer and inner headers is read through wire.h. A packet of an established call is dropped only
 * for a reason that is counted, in the worker's counters or the tunnel's.
 */
#include "dataplane/path.h"

#include "dataplane/exchange.h"
#include "dataplane/fetch.h"
#include "dataplane/fit.h"
#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "lib/ppp/frame.h"

#include <errno.h>

#define IP_GRE 47

void path_discard(struct worker *w, struct packet_list *list)
{
	struct packet *p;

	while ((p = packet_list_take(list)) != NULL)
		pool_put(&w->pool, p);
}

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

int path_receive(struct worker *w)
{
	struct packet_list out;
	unsigned int n = w->gre_count;
	int r = 0;

	w->gre_count = 0;
	packet_list_init(&out);
	fetch_senders(w, n);
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
