/*
 * Bounded reader and writer over bytes in network order.
 *
 * The only code that touches bytes from outside. Each has a sticky error: after the first access
 * out of bounds every further one reads zeros or writes nothing, and `failed` stays true; so a
 * decoder reads all its fields and asks once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
	const uint8_t *pos;
	const uint8_t *end;
	bool failed;
};

struct wire_writer {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool failed;
};

static inline struct wire_reader wire_reader(const void *data, size_t len)
{
	const uint8_t *p = data;

	return (struct wire_reader){ .pos = p, .end = p ? p + len : p };
}

/* Bytes not yet read. */
static inline size_t wire_left(const struct wire_reader *r)
{
	return (size_t)(r->end - r->pos);
}

/* The next `n` bytes, consumed; NULL (and the sticky error) if there are fewer. */
static inline const uint8_t *wire_bytes(struct wire_reader *r, size_t n)
{
	const uint8_t *p = r->pos;

	if (r->failed || n > wire_left(r)) {
		r->failed = true;
		r->pos = r->end; /* a loop over what is left ends */
		return NULL;
	}
	r->pos += n;
	return p;
}

static inline uint8_t wire_u8(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t wire_u16(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 2);

	return p ? (uint16_t)((unsigned int)p[0] << 8 | p[1]) : 0;
}

static inline uint32_t wire_u32(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* Copies `n` bytes to `dst`; on failure `dst` is all zeros. */
static inline void wire_copy(struct wire_reader *r, void *dst, size_t n)
{
	const uint8_t *p = wire_bytes(r, n);

	if (p)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

static inline void wire_skip(struct wire_reader *r, size_t n)
{
	(void)wire_bytes(r, n);
}

/* A reader over the next `n` bytes, which are consumed here; failed from the start if too few. */
static inline struct wire_reader wire_sub(struct wire_reader *r, size_t n)
{
	const uint8_t *p = wire_bytes(r, n);
	struct wire_reader sub = wire_reader(p, p ? n : 0);

	sub.failed = p == NULL;
	return sub;
}

/* Without `data` there is no room, whatever `size` says. */
static inline struct wire_writer wire_writer(void *data, size_t size)
{
	uint8_t *p = data;

	return (struct wire_writer){ .start = p, .pos = p, .end = p ? p + size : p };
}

/* Bytes written so far. */
static inline size_t wire_written(const struct wire_writer *w)
{
	return (size_t)(w->pos - w->start);
}

/* Room for `n` bytes, to be filled by the caller; NULL (and the sticky error) if there is none. */
static inline uint8_t *wire_room(struct wire_writer *w, size_t n)
{
	uint8_t *p = w->pos;

	if (w->failed || n > (size_t)(w->end - w->pos)) {
		w->failed = true;
		return NULL;
	}
	w->pos += n;
	return p;
}

static inline void wire_put_u8(struct wire_writer *w, uint8_t v)
{
	uint8_t *p = wire_room(w, 1);

	if (p)
		p[0] = v;
}

static inline void wire_put_u16(struct wire_writer *w, uint16_t v)
{
	const uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	uint8_t *p = wire_room(w, 2);

	if (p)
		memcpy(p, bytes, sizeof(bytes));
}

static inline void wire_put_u32(struct wire_writer *w, uint32_t v)
{
	uint8_t *p = wire_room(w, 4);

	if (p) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

static inline void wire_put_bytes(struct wire_writer *w, const void *src, size_t n)
{
	uint8_t *p = wire_room(w, n);

	if (p && n)
		memcpy(p, src, n);
}

static inline void wire_put_zero(struct wire_writer *w, size_t n)
{
	uint8_t *p = wire_room(w, n);

	if (p)
		memset(p, 0, n);
}

/* Overwrites two bytes at `offset` from the start, which must have been written. */
static inline void wire_patch_u16(struct wire_writer *w, size_t offset, uint16_t v)
{
	if (w->failed || offset + 2 > wire_written(w)) {
		w->failed = true;
		return;
	}
	w->start[offset] = (uint8_t)(v >> 8);
	w->start[offset + 1] = (uint8_t)v;
}
