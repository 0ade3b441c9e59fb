/*
 * From the inner side to the GRE socket: see path.h. As in path_in.c, every byte of a header is read
 * through wire.h, and what is dropped is counted.
 */
#include "dataplane/path.h"

#include "dataplane/exchange.h"
#include "dataplane/fetch.h"
#include "dataplane/fit.h"
#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "dataplane/segment.h"
#include "lib/ppp/frame.h"

#include <errno.h>

#define IP_GRE 47

#define RAW_INTERVAL 1000000 /* us, see hop_of() */

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
