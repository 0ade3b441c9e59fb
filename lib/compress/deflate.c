/* PPP Deflate: RFC 1979 sections 2 and 2.1. See deflate.h. */
#include "lib/compress/deflate.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

#define MEMORY_LEVEL 8
#define LEVEL        6
#define STORED_MAX   65535

/* What ends every packet and is not sent. */
static const uint8_t tail[4] = { 0, 0, 0xff, 0xff };

/* zlib's states, and what alignment costs. */
#define SLACK 16384u

size_t deflate_compressor_size(unsigned int bits)
{
	return sizeof(struct deflate) + ((size_t)4 << bits) + ((size_t)5 << (MEMORY_LEVEL + 7)) +
	       SLACK;
}

size_t deflate_decompressor_size(unsigned int bits)
{
	return sizeof(struct deflate) + ((size_t)1 << bits) + SLACK;
}

static void *take(void *opaque, unsigned int items, unsigned int size)
{
	struct deflate *d = opaque;
	size_t n = (size_t)items * size;

	n = (n + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	if (n > d->size - d->used)
		return NULL;
	d->used += n;
	return (uint8_t *)d->room + d->used - n;
}

/* All of it goes with the block. */
static void give(void *opaque, void *address)
{
	(void)opaque;
	(void)address;
}

static void prepare(struct deflate *d, size_t size)
{
	memset(d, 0, sizeof(*d));
	d->size = size - sizeof(*d);
	d->z.zalloc = take;
	d->z.zfree = give;
	d->z.opaque = d;
}

int deflate_compressor_init(struct deflate *d, unsigned int bits)
{
	prepare(d, deflate_compressor_size(bits));
	return deflateInit2(&d->z, LEVEL, Z_DEFLATED, -(int)bits, MEMORY_LEVEL,
		       Z_DEFAULT_STRATEGY) == Z_OK
		       ? 0
		       : -ENOMEM;
}

int deflate_decompressor_init(struct deflate *d, unsigned int bits)
{
	prepare(d, deflate_decompressor_size(bits));
	return inflateInit2(&d->z, -(int)bits) == Z_OK ? 0 : -ENOMEM;
}

void deflate_compressor_reset(struct deflate *d)
{
	(void)deflateReset(&d->z);
}

void deflate_decompressor_reset(struct deflate *d)
{
	(void)inflateReset(&d->z);
}

static void feed(struct deflate *d, const uint8_t *data, size_t len)
{
	d->z.next_in = (uint8_t *)(uintptr_t)data; /* zlib only reads it */
	d->z.avail_in = (unsigned int)len;
}

size_t deflate_pack(struct deflate *d, uint8_t protocol, const uint8_t *data, size_t len,
	uint8_t *dst, size_t size)
{
	size_t n;

	d->z.next_out = dst;
	d->z.avail_out = (unsigned int)size;
	feed(d, &protocol, 1);
	if (deflate(&d->z, Z_NO_FLUSH) != Z_OK)
		return 0;
	feed(d, data, len);
	/* Room left is how zlib says that all is out. */
	if (deflate(&d->z, Z_SYNC_FLUSH) != Z_OK || d->z.avail_in || !d->z.avail_out)
		return 0;
	n = size - d->z.avail_out;
	if (n < sizeof(tail) || memcmp(dst + n - sizeof(tail), tail, sizeof(tail)) != 0)
		return 0;
	return n - sizeof(tail);
}

/* All of the input must be used, and the stream go on. */
static int inflate_all(struct deflate *d, const uint8_t *data, size_t len)
{
	int rc;

	if (!len)
		return 0;
	feed(d, data, len);
	rc = inflate(&d->z, Z_SYNC_FLUSH);
	if (rc != Z_OK && rc != Z_BUF_ERROR)
		return -EBADMSG;
	if (!d->z.avail_out)
		return -ENOBUFS;
	return d->z.avail_in ? -EBADMSG : 0;
}

/* Between two blocks: zlib says so in data_type. */
static int check_boundary(const struct deflate *d)
{
	return d->z.data_type & 128 ? 0 : -EBADMSG;
}

int deflate_unpack(struct deflate *d, const uint8_t *src, size_t len, uint8_t *dst, size_t size)
{
	int rc;

	/* The last octet of the room stays free, or it was too much. */
	d->z.next_out = dst;
	d->z.avail_out = (unsigned int)size;
	rc = inflate_all(d, src, len);
	if (rc == 0)
		rc = inflate_all(d, tail, sizeof(tail));
	if (rc == 0)
		rc = check_boundary(d);
	return rc < 0 ? rc : (int)(size - d->z.avail_out);
}

int deflate_learn(
	struct deflate *d, uint8_t protocol, const uint8_t *data, size_t len, uint8_t *scratch)
{
	size_t n = len + 1;
	uint8_t head[6] = { 0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8),
		protocol };
	int rc;

	if (n > STORED_MAX)
		return -EBADMSG;
	d->z.next_out = scratch;
	d->z.avail_out = (unsigned int)n + 1;
	rc = inflate_all(d, head, sizeof(head));
	if (rc == 0)
		rc = inflate_all(d, data, len);
	return rc < 0 ? rc : check_boundary(d);
}
