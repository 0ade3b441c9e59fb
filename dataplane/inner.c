/*
 * The inner side's descriptor: see inner.h.
 *
 * Invariants: what is in a block is larger than any session can take as it is (PACKET_ROOM), or a
 * super-packet; so nothing is copied back into a slot but a packet that is shorter than what came
 * with it. Blocks are taken and given back in the order of the queue. Nothing of a flow is in the queue
 * when a packet of it overtakes.
 */
#include "dataplane/inner.h"

#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "dataplane/tcp.h"
#include "lib/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SUPER_MAX 65536u

void inner_init(struct inner *in, int fd, const struct vnet_offload *offload, struct pool *pool,
	struct dp_stats *stats)
{
	in->fd = fd;
	in->offload = *offload;
	in->pool = pool;
	in->stats = stats;
	coalesce_init(&in->out, offload);
}

/* ---- in ---- */

/*
 * One read: octets of the packet; 0 if there is none, or a negative errno if there never will be.
 */
static ssize_t read_into(struct inner *in, struct iovec *iov, int n, size_t header)
{
	ssize_t r = n == 1 ? read(in->fd, iov->iov_base, iov->iov_len) : readv(in->fd, iov, n);

	if (r > (ssize_t)header)
		return r - (ssize_t)header;
	if (r >= 0)
		return header && r ? 0 : -EPIPE;
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return 0;
	case EFAULT: /* how a TUN device may say that the packet is longer than the buffer */
	case EMSGSIZE:
	case EINVAL:
		in->stats->inner_too_big++;
		return 0;
	default:
		return -errno;
	}
}

static uint8_t *block(struct inner *in)
{
	return in->blocks[in->next_block % INNER_BLOCKS];
}

/* The first octets into `p`, what does not fit there behind, in a block. */
static ssize_t read_super(struct inner *in, struct inner_packet *i, struct packet *p)
{
	uint8_t *raw = p->data - VNET_SIZE, *rest = block(in);
	struct iovec iov[2] = {
		{ raw, VNET_SIZE + PACKET_ROOM },
		{ rest + PACKET_ROOM, SUPER_MAX - PACKET_ROOM },
	};
	ssize_t n = read_into(in, iov, 2, VNET_SIZE);

	if (n <= 0)
		return n;
	vnet_decode(&i->vnet, raw);
	i->handed = i->in_block = false;
	i->slot = p;
	i->data = p->data;
	i->len = (uint32_t)n;
	if (n > PACKET_ROOM) {
		memcpy(rest, p->data, PACKET_ROOM);
		i->slot = NULL;
		i->data = rest;
		i->in_block = true;
		in->next_block++;
	}
	return n;
}

static ssize_t read_lone(struct inner *in, struct inner_packet *i, struct packet *p)
{
	struct iovec iov = { p->data, PACKET_ROOM };
	ssize_t n = read_into(in, &iov, 1, 0);

	if (n <= 0)
		return n;
	*i = (struct inner_packet){ .slot = p, .data = p->data, .len = (uint32_t)n };
	return n;
}

/* What it will come to, as far as one can know before it is looked at. */
static unsigned int segments_of(const struct inner_packet *i)
{
	return i->vnet.kind != VNET_LONE && i->vnet.size
		       ? (unsigned int)(i->len + i->vnet.size - 1) / i->vnet.size
		       : 1;
}

static unsigned int queued(const struct inner *in)
{
	return in->tail - in->head;
}

static bool has_room(const struct inner *in)
{
	return queued(in) < INNER_QUEUE && in->next_block - in->first_block < INNER_BLOCKS;
}

/* Who keeps order with whom: addresses and protocol, and ports where each packet has them. */
static uint32_t flow_of(const uint8_t *data, uint32_t len)
{
	uint32_t mix = 0;
	struct wire_reader r;
	struct ipv4 v4;
	struct ipv6 v6;

	if (ipv4_decode(&v4, data, len)) {
		mix = v4.source * 31 + v4.destination + v4.protocol;
		r = wire_reader(data + v4.header, len - v4.header);
		if (v4.protocol == PROTOCOL_TCP && !ipv4_is_fragment(&v4))
			mix += wire_u32(&r);
	} else if (ipv6_decode(&v6, data, len)) {
		r = wire_reader(v6.source, (size_t)2 * IPV6_ADDRESS);
		while (wire_left(&r))
			mix = mix * 31 + wire_u32(&r);
		r = wire_reader(data + v6.upper, len - v6.upper);
		if (v6.upper && v6.protocol == PROTOCOL_TCP && !v6.fragment)
			mix += wire_u32(&r);
	}
	mix *= 0x9e3779b1u;
	return mix >> 24;
}

/* One more, `i`, which is not in the queue yet. */
static void enqueue(struct inner *in, const struct inner_packet *i)
{
	uint8_t flow = (uint8_t)flow_of(i->data, i->len);

	if (queued(in) && i->slot && i->vnet.kind == VNET_LONE && in->lane < INNER_LANE &&
		!in->waiting[flow]) {
		in->batch[in->lane++] = *i;
		in->count++;
		return;
	}
	in->queue[in->tail % INNER_QUEUE] = *i;
	in->queue[in->tail++ % INNER_QUEUE].flow = flow;
	in->waiting[flow]++;
}

int inner_read(struct inner *in)
{
	struct packet *p = NULL;
	ssize_t n = 0;

	for (unsigned int reads = 0; has_room(in) && reads < INNER_QUEUE; reads++) {
		struct inner_packet i;

		/* What waits must not take the slots of those that come in from outside. */
		if (!p && (queued(in) < INNER_BATCH || pool_may_hold(in->pool)))
			p = pool_get(in->pool);
		if (!p) {
			in->stats->no_slot += !queued(in);
			break;
		}
		n = in->offload.header ? read_super(in, &i, p) : read_lone(in, &i, p);
		if (n <= 0)
			break;
		in->stats->inner_read++;
		in->stats->inner_super += i.vnet.kind != VNET_LONE;
		enqueue(in, &i);
		if (i.slot)
			p = NULL;
	}
	if (p)
		pool_put(in->pool, p);
	return n < 0 ? (int)n : 0;
}

bool inner_take(struct inner *in, const struct vnet *vnet, const uint8_t *data, uint32_t len)
{
	struct inner_packet i = { .len = len, .vnet = *vnet, .handed = true };

	if (!has_room(in) || (queued(in) >= INNER_BATCH && !pool_may_hold(in->pool)))
		return false;
	if (len <= PACKET_ROOM) {
		i.slot = pool_get(in->pool);
		if (!i.slot) {
			in->stats->no_slot++;
			return true;
		}
	}
	i.data = i.slot ? i.slot->data : block(in);
	i.in_block = !i.slot;
	in->next_block += i.in_block;
	memcpy(i.data, data, len);
	enqueue(in, &i);
	return true;
}

void inner_pick(struct inner *in)
{
	while (queued(in) && in->segments < INNER_BATCH) {
		struct inner_packet *i = &in->queue[in->head++ % INNER_QUEUE];

		in->waiting[i->flow]--;
		in->segments += segments_of(i);
		in->batch[in->count++] = *i;
	}
}

void inner_done(struct inner *in)
{
	for (unsigned int i = 0; i < in->count; i++) {
		struct inner_packet *done = &in->batch[i];

		if (done->slot)
			pool_put(in->pool, done->slot);
		in->first_block += done->in_block;
	}
	in->count = in->segments = in->lane = 0;
	if (!queued(in)) /* those that are in a cache once more */
		in->first_block = in->next_block = 0;
}

/* ---- out ---- */

int inner_write(struct inner *in, uint8_t *data, size_t len)
{
	static const struct vnet lone = { .kind = VNET_LONE };
	uint8_t raw[VNET_SIZE];
	struct iovec iov[2] = { { raw, sizeof(raw) }, { data, len } };

	if (!in->offload.header)
		return write(in->fd, data, len) < 0 ? -errno : 0;
	vnet_encode(&lone, raw);
	return writev(in->fd, iov, 2) < 0 ? -errno : 0;
}

static void count_written(struct inner *in, unsigned int packets, bool failed)
{
	if (failed) {
		in->stats->inner_write_errors += packets;
		return;
	}
	in->stats->inner_written += packets;
	if (packets > 1)
		in->stats->inner_joined += packets;
}

/* What begins with packet `p` in iov[1], of `n` in all; iov[0] is for the header if there is no room before p. */
static ssize_t write_with(
	struct inner *in, const struct packet *p, const struct vnet *v, struct iovec *iov, int n)
{
	uint8_t raw[VNET_SIZE];

	if (p->data - p->buf < (ptrdiff_t)VNET_SIZE) {
		vnet_encode(v, raw);
		iov[0] = (struct iovec){ raw, VNET_SIZE };
		return writev(in->fd, iov, n);
	}
	/* One piece less to be told of counts for lone packets. */
	iov[1].iov_base = p->data - VNET_SIZE;
	iov[1].iov_len += VNET_SIZE;
	vnet_encode(v, iov[1].iov_base);
	return n == 2 ? write(in->fd, iov[1].iov_base, iov[1].iov_len)
		      : writev(in->fd, iov + 1, n - 1);
}

void inner_flush(struct inner *in)
{
	struct iovec iov[COALESCE_IOV];
	struct vnet v;

	if (!in->out.count)
		return;
	for (unsigned int i = 0; i < in->out.count; i++) {
		struct coalesced *w = &in->out.writes[i];
		int n = (int)coalesce_write(&in->out, i, &v, iov);
		struct packet *p;

		count_written(in, w->count, write_with(in, w->packets.first, &v, iov, n) < 0);
		while ((p = packet_list_take(&w->packets)) != NULL)
			pool_put(in->pool, p);
	}
	coalesce_clear(&in->out);
}

void inner_add(struct inner *in, struct packet *p)
{
	if (!in->offload.header) {
		count_written(in, 1, inner_write(in, p->data, p->len) < 0);
		pool_put(in->pool, p);
		return;
	}
	if (!coalesce_has_room(&in->out))
		inner_flush(in);
	coalesce_add(&in->out, p);
}
