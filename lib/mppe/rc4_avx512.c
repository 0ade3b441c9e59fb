/*
 * RC4, sixteen streams in step, with AVX-512. See rc4_lane.h.
 *
 * The permutations of all lanes stand as 256 rows of 16 cells of 32 bits, so the cells that the
 * shared index wants are one load; those of the second index and of the output are gathered. Cells
 * hold their value times the size of a row: a value is the offset of its row.
 *
 * A row that was just scattered to, cell by cell, cannot be loaded as a whole until all of it has
 * left the store buffer: so rows are loaded four steps ahead, and what is scattered to them meanwhile
 * is put into the loaded copy as well.
 *
 * While the vector unit waits, plain registers make keys: the key schedule of a chain's next key
 * goes along, a few steps of it for each of the data's.
 *
 * Invariant: rows and key stream are wiped before rc4_avx512_run() returns.
 */
#include "lib/mppe/key_chain.h"
#include "lib/mppe/rc4_lane.h"

#include <immintrin.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#ifndef __OPTIMIZE__ /* gcc's own macros for gather and scatter, which are functions otherwise */
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif

#define AVX512       __attribute__((target("avx512f,avx512bw")))
#define AVX512_INNER static inline __attribute__((always_inline, target("avx512f,avx512bw")))

#define ALL   0xffff
#define CHUNK 64 /* bytes of key stream at once, per lane: a row after transposition */

struct rows {
	alignas(64) __m512i s[256];
};

/* The walk over the rows: those of the next four steps and their offsets, for the patches. */
struct walk {
	__m512i row[4], at[4], j;
};

AVX512_INNER __m512i row_mask(void)
{
	return _mm512_set1_epi32(255 << 6);
}

AVX512_INNER __m512i lane_offsets(void)
{
	return _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
}

/* Where the cells are: offset of the row, and of the lane in it. */
AVX512_INNER __m512i cell(__m512i value)
{
	return _mm512_ternarylogic_epi32(value, row_mask(), lane_offsets(), 0xea); /* (a & b) | c */
}

AVX512_INNER struct walk walk_from(const struct rows *r, unsigned int first)
{
	struct walk w = { .j = _mm512_setzero_si512() };

	for (unsigned int k = 0; k < 4; k++) {
		w.row[k] = r->s[(first + k) & 255];
		w.at[k] = _mm512_add_epi32(
			lane_offsets(), _mm512_set1_epi32((int)(((first + k) & 255) << 6)));
	}
	return w;
}

/*
 * One step at row i, `key` added: the exchange, in the lanes that are `live`. Returns the sum of the
 * exchanged.
 */
AVX512_INNER __m512i step(
	struct rows *r, struct walk *w, unsigned int i, __m512i key, __mmask16 live)
{
	__m512i a = w->row[0], ahead = r->s[(i + 4) & 255], x, b;
	__m512i at = cell(_mm512_add_epi32(w->at[3], _mm512_set1_epi32(1 << 6)));

	w->j = _mm512_mask_add_epi32(w->j, live, w->j, _mm512_add_epi32(a, key));
	x = cell(w->j);
	b = _mm512_i32gather_epi32(x, r, 1);
	_mm512_mask_i32scatter_epi32(r, live, x, a, 1);
	_mm512_mask_store_epi32(&r->s[i], live, b);
	w->row[0] = _mm512_mask_mov_epi32(w->row[1], _mm512_cmpeq_epi32_mask(x, w->at[1]), a);
	w->row[1] = _mm512_mask_mov_epi32(w->row[2], _mm512_cmpeq_epi32_mask(x, w->at[2]), a);
	w->row[2] = _mm512_mask_mov_epi32(w->row[3], _mm512_cmpeq_epi32_mask(x, w->at[3]), a);
	w->row[3] = _mm512_mask_mov_epi32(ahead, _mm512_cmpeq_epi32_mask(x, at), a);
	w->at[0] = w->at[1];
	w->at[1] = w->at[2];
	w->at[2] = w->at[3];
	w->at[3] = at;
	return _mm512_add_epi32(a, b);
}

/*
 * A few steps of a chain's key schedule, on the side: as many as there is time for. They are written
 * out, as those of the data are: what is saved there is time for the others.
 */
#define BURST 4 /* divides 16 */
#define IDLE  256
struct side {
	uint32_t i, j; /* i IDLE: nothing to do */
};

AVX512_INNER void side_mix(struct side *side, struct key_work *work, unsigned int k)
{
	uint32_t *cell = work->s + side->i + k, t = *cell;

	side->j = (side->j + t + work->interim[(side->i & 15) + k]) & 255;
	*cell = work->s[side->j];
	work->s[side->j] = t;
}

AVX512_INNER void side_step(struct side *side, struct key_work *work)
{
	if (__builtin_expect(side->i >= IDLE, 0))
		return;
	side_mix(side, work, 0);
	side_mix(side, work, 1);
	side_mix(side, work, 2);
	side_mix(side, work, 3);
	side->i += BURST;
	if (__builtin_expect(side->i >= 256, 0)) {
		work->i = side->i;
		key_work_turn(work);
		side->i = work->chain ? 0 : IDLE;
		side->j = 0;
	}
}

AVX512_INNER void mix(struct rows *r, struct walk *w, unsigned int i, __m512i key,
	struct side *side, struct key_work *work, bool busy)
{
	(void)step(r, w, i, key, ALL);
	if (busy)
		side_step(side, work);
}

AVX512_INNER void schedule(
	struct rows *r, const __m512i *keys, struct side *side, struct key_work *work, bool busy)
{
	struct walk w;

	for (unsigned int i = 0; i < 256; i++)
		r->s[i] = _mm512_set1_epi32((int)(i << 6));
	w = walk_from(r, 0);
	for (unsigned int i = 0; i < 256; i += 4) {
		const __m512i *key = keys + (i & 15);

		mix(r, &w, i, key[0], side, work, busy);
		mix(r, &w, i + 1, key[1], side, work, busy);
		mix(r, &w, i + 2, key[2], side, work, busy);
		mix(r, &w, i + 3, key[3], side, work, busy);
	}
}

/* Rows of dwords to columns. */
AVX512_INNER void transpose(__m512i *m)
{
	__m512i t[16];

	for (unsigned int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(m[i], m[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(m[i], m[i + 1]);
	}
	for (unsigned int i = 0; i < 16; i += 4) {
		m[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		m[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		m[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		m[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	for (unsigned int i = 0; i < 16; i += 8) {
		for (unsigned int k = i; k < i + 4; k++) {
			t[k] = _mm512_shuffle_i32x4(m[k], m[k + 4], 0x88);
			t[k + 4] = _mm512_shuffle_i32x4(m[k], m[k + 4], 0xdd);
		}
	}
	for (unsigned int k = 0; k < 8; k++) {
		m[k] = _mm512_shuffle_i32x4(t[k], t[k + 8], 0x88);
		m[k + 8] = _mm512_shuffle_i32x4(t[k], t[k + 8], 0xdd);
	}
}

/* The end of a job, or of several, is in this chunk. */
static AVX512 __attribute__((noinline)) void xor_ends(struct rc4_lane *l, __m512i stream)
{
	alignas(64) uint8_t bytes[CHUNK];
	uint32_t used = 0;

	_mm512_store_si512(bytes, stream);
	while (l->left && used < CHUNK) {
		uint32_t n = l->left < CHUNK - used ? l->left : CHUNK - used;
		__mmask64 mask = n == 64 ? ~0ULL : (1ULL << n) - 1;
		__m512i x = _mm512_maskz_loadu_epi8(mask, l->data);

		x = _mm512_xor_si512(x, _mm512_maskz_loadu_epi8(mask, bytes + used));
		_mm512_mask_storeu_epi8(l->data, mask, x);
		used += n;
		l->data += n;
		l->left -= n;
		rc4_lane_settle(l);
	}
	explicit_bzero(bytes, sizeof(bytes));
}

AVX512_INNER void xor_chunk(struct rc4_lane *const *lanes, unsigned int n, const __m512i *stream)
{
	for (unsigned int k = 0; k < n; k++) {
		struct rc4_lane *l = lanes[k];

		if (l->left > CHUNK) {
			_mm512_storeu_si512(
				l->data, _mm512_xor_si512(_mm512_loadu_si512(l->data), stream[k]));
			l->data += CHUNK;
			l->left -= CHUNK;
		} else if (l->left) {
			xor_ends(l, stream[k]);
		}
	}
}

/* How a group runs; each combination is compiled by itself. */
struct mode {
	bool busy;  /* keys are made on the side */
	bool exact; /* a lane's state is continued and kept: it stops where its stream ends */
};

/* What differs between lanes, and is not in their rows. */
struct ends {
	alignas(64) uint32_t turn[RC4_WIDTH_MAX];
	alignas(64) uint32_t j[RC4_WIDTH_MAX];
	alignas(64) uint32_t total[RC4_WIDTH_MAX];
};

/* Byte number `done` (from 0) of each lane's key stream, as a row's offset. */
AVX512_INNER __m512i one(struct rows *r, struct walk *w, uint32_t done, const struct ends *e,
	struct side *side, struct key_work *work, struct mode mode)
{
	__mmask16 live = ALL;
	__m512i sum;

	if (mode.exact)
		live = _mm512_cmpgt_epu32_mask(
			_mm512_load_si512(e->total), _mm512_set1_epi32((int)done));
	sum = step(r, w, (done + 1) & 255, _mm512_setzero_si512(), live);
	if (mode.exact)
		sum = _mm512_sub_epi32(sum, _mm512_load_si512(e->turn));
	sum = _mm512_i32gather_epi32(cell(sum), r, 1);
	if (mode.busy)
		side_step(side, work);
	return sum;
}

/* The next four bytes, the first of them number `done`. */
AVX512_INNER __m512i four(struct rows *r, struct walk *w, uint32_t done, const struct ends *e,
	struct side *side, struct key_work *work, struct mode mode)
{
	__m512i a = one(r, w, done, e, side, work, mode);
	__m512i b = one(r, w, done + 1, e, side, work, mode);
	__m512i c = one(r, w, done + 2, e, side, work, mode);
	__m512i d = one(r, w, done + 3, e, side, work, mode);

	a = _mm512_ternarylogic_epi32(_mm512_srli_epi32(a, 6), _mm512_slli_epi32(b, 2),
		_mm512_slli_epi32(c, 10), 0xfe); /* a | b | c */
	return _mm512_or_si512(a, _mm512_slli_epi32(d, 18));
}

AVX512_INNER void generate(struct rows *r, struct rc4_lane *const *lanes, unsigned int n,
	struct ends *e, struct side *side, struct key_work *work, struct mode mode)
{
	struct walk w = walk_from(r, 1);
	uint32_t longest = 0;
	__m512i stream[16];

	memset(stream, 0, sizeof(stream));
	w.j = _mm512_load_si512(e->j);
	for (unsigned int k = 0; k < n; k++)
		longest = lanes[k]->total > longest ? lanes[k]->total : longest;
	for (uint32_t done = 0; done < longest; done += CHUNK) {
		/* Steps too many do no harm, so it is four at a time. */
		for (uint32_t q = 0; q < 16 && q * 4 < longest - done; q++)
			stream[q] = four(r, &w, done + q * 4, e, side, work, mode);
		transpose(stream);
		xor_chunk(lanes, n, stream);
	}
	_mm512_store_si512(e->j, w.j);
	explicit_bzero(stream, sizeof(stream));
}

AVX512_INNER void load_keys(struct rc4_lane *const *lanes, unsigned int n, __m512i *keys)
{
	const __m512i at = _mm512_slli_epi32(lane_offsets(), 2), byte = _mm512_set1_epi32(255);
	alignas(64) uint8_t bytes[RC4_WIDTH_MAX][16] = { 0 };

	for (unsigned int k = 0; k < n; k++) {
		const struct rc4_lane *l = lanes[k];

		if (l->key_len == 16) {
			memcpy(bytes[k], l->key, 16);
		} else if (l->key_len == 8) {
			memcpy(bytes[k], l->key, 8);
			memcpy(bytes[k] + 8, l->key, 8);
		}
	}
	for (unsigned int i = 0; i < 16; i += 4) {
		__m512i v = _mm512_i32gather_epi32(at, &bytes[0][i], 1);

		for (unsigned int k = 0; k < 4; k++)
			keys[i + k] = _mm512_slli_epi32(
				_mm512_and_si512(_mm512_srli_epi32(v, 8 * k), byte), 6);
	}
	explicit_bzero(bytes, sizeof(bytes));
}

/* A stream that is continued: its permutation, turned, into its column. */
static void load_state(struct rows *r, const struct rc4_lane *l, unsigned int k, struct ends *e)
{
	uint32_t *column = (uint32_t *)r + k;

	for (unsigned int i = 0; i < 256; i++)
		column[i * RC4_WIDTH_MAX] = (uint32_t)l->state->s[(i + l->state->i) & 255] << 6;
	e->j[k] = (uint32_t)(uint8_t)(l->state->j - l->state->i) << 6;
	e->turn[k] = (uint32_t)l->state->i << 6;
}

static void store_state(
	const struct rows *r, const struct rc4_lane *l, unsigned int k, const struct ends *e)
{
	const uint32_t *column = (const uint32_t *)r + k;
	uint8_t turn = (uint8_t)(e->turn[k] >> 6);

	for (unsigned int i = 0; i < 256; i++)
		l->state->s[(i + turn) & 255] = (uint8_t)(column[i * RC4_WIDTH_MAX] >> 6);
	l->state->i = (uint8_t)(turn + l->total);
	l->state->j = (uint8_t)((e->j[k] >> 6) + turn);
}

AVX512_INNER void run(struct rows *r, struct rc4_lane *const *lanes, unsigned int n, bool fresh,
	struct key_work *work, struct mode mode)
{
	struct side side = { .i = IDLE };
	struct ends e = { 0 };
	__m512i keys[16];

	if (mode.busy) {
		side.i = work->i;
		side.j = work->j;
	}
	if (fresh) {
		load_keys(lanes, n, keys);
		schedule(r, keys, &side, work, mode.busy);
		explicit_bzero(keys, sizeof(keys));
	}
	for (unsigned int k = 0; k < n; k++) {
		e.total[k] = lanes[k]->total;
		if (lanes[k]->state && !lanes[k]->key_len)
			load_state(r, lanes[k], k, &e);
		rc4_lane_settle(lanes[k]);
	}
	generate(r, lanes, n, &e, &side, work, mode);
	for (unsigned int k = 0; mode.exact && k < n; k++)
		if (lanes[k]->state)
			store_state(r, lanes[k], k, &e);
	explicit_bzero(&e, sizeof(e));
	if (mode.busy && side.i != IDLE) {
		work->i = side.i;
		work->j = side.j;
	}
}

AVX512 void rc4_avx512_run(struct rc4_lane *const *lanes, unsigned int n, struct key_work *work)
{
	bool fresh = false, exact = false;
	struct rows r;

	for (unsigned int k = 0; k < n; k++) {
		fresh = fresh || lanes[k]->key_len;
		exact = exact || lanes[k]->state;
	}
	/* Without keys the rows of what continues are filled, and no others are looked at; but
	 * offsets must be such. */
	if (!fresh)
		memset(&r, 0, sizeof(r));
	if (exact)
		run(&r, lanes, n, fresh, NULL, (struct mode){ .exact = true });
	else if (work && work->chain)
		run(&r, lanes, n, fresh, work, (struct mode){ .busy = true });
	else
		run(&r, lanes, n, fresh, NULL, (struct mode){ 0 });
	explicit_bzero(&r, sizeof(r));
	_mm256_zeroupper();
}
