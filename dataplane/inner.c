/*
 * The inner side's descriptor: see inner.h.
 *
 * Invariant: what is in the arena is larger than any session can take as it is (PACKET_ROOM), or a
 * super-packet; so nothing is copied back into a slot but a packet that is shorter than what came
 * with it.
 */
#include "dataplane/inner.h"

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

/* The first octets into `p`, what does not fit there behind, in the arena. */
static ssize_t read_super(struct inner *in, struct inner_packet *i, struct packet *p)
{
	uint8_t raw[VNET_SIZE], *rest = in->arena + in->arena_used;
	struct iovec iov[3] = {
		{ raw, sizeof(raw) },
		{ p->data, PACKET_ROOM },
		{ rest + PACKET_ROOM, SUPER_MAX - PACKET_ROOM },
	};
	ssize_t n = read_into(in, iov, 3, sizeof(raw));

	if (n <= 0)
		return n;
	vnet_decode(&i->vnet, raw);
	i->handed = false;
	i->slot = p;
	i->data = p->data;
	i->len = (uint32_t)n;
	if (n > PACKET_ROOM) {
		memcpy(rest, p->data, PACKET_ROOM);
		i->slot = NULL;
		i->data = rest;
		in->arena_used += (size_t)n;
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

static bool has_room(const struct inner *in)
{
	return in->count < INNER_BATCH && in->segments < INNER_BATCH &&
	       in->arena_used + SUPER_MAX <= INNER_ARENA;
}

int inner_read(struct inner *in)
{
	struct packet *p = NULL;
	ssize_t n = 0;

	while (has_room(in)) {
		struct inner_packet *i = &in->batch[in->count];

		if (!p)
			p = pool_get(in->pool);
		if (!p) {
			in->stats->no_slot++;
			break;
		}
		n = in->offload.header ? read_super(in, i, p) : read_lone(in, i, p);
		if (n <= 0)
			break;
		in->stats->inner_read++;
		in->stats->inner_super += i->vnet.kind != VNET_LONE;
		in->segments += segments_of(i);
		in->count++;
		if (i->slot)
			p = NULL;
	}
	if (p)
		pool_put(in->pool, p);
	return n < 0 ? (int)n : 0;
}

bool inner_take(struct inner *in, const struct vnet *vnet, const uint8_t *data, uint32_t len)
{
	struct inner_packet *i = &in->batch[in->count];
	struct packet *p = NULL;

	if (!has_room(in))
		return false;
	if (len <= PACKET_ROOM) {
		p = pool_get(in->pool);
		if (!p) {
			in->stats->no_slot++;
			return true;
		}
	}
	*i = (struct inner_packet){ .slot = p, .len = len, .vnet = *vnet, .handed = true };
	i->data = p ? p->data : in->arena + in->arena_used;
	if (!p)
		in->arena_used += len;
	memcpy(i->data, data, len);
	in->segments += segments_of(i);
	in->count++;
	return true;
}

void inner_done(struct inner *in)
{
	for (unsigned int i = 0; i < in->count; i++) {
		if (in->batch[i].slot)
			pool_put(in->pool, in->batch[i].slot);
	}
	in->count = in->segments = 0;
	in->arena_used = 0;
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

void inner_flush(struct inner *in)
{
	struct iovec iov[COALESCE_IOV];
	uint8_t raw[VNET_SIZE];
	struct vnet v;

	if (!in->out.count)
		return;
	iov[0] = (struct iovec){ raw, sizeof(raw) };
	for (unsigned int i = 0; i < in->out.count; i++) {
		struct coalesced *w = &in->out.writes[i];
		int n = (int)coalesce_write(&in->out, i, &v, iov);
		struct packet *p;

		vnet_encode(&v, raw);
		count_written(in, w->count, writev(in->fd, iov, n) < 0);
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
