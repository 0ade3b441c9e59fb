/*
 * RC4 in plain C, up to four streams in step. See rc4_lane.h.
 *
 * A single stream waits for its own loads and stores most of the time; the others fill the gaps.
 * Cells are 32 bits wide: partial registers and store forwarding of bytes cost a third more.
 *
 * Invariant: the tables made of keys are wiped before rc4_scalar_run() returns.
 */
#include "lib/mppe/rc4_lane.h"

#include <string.h>

#define LANES RC4_SCALAR_MAX

struct cells {
	uint32_t s[256];
	uint32_t j, turn;
};

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PLACE(shift) (56 - (shift))
#else
#define PLACE(shift) (shift)
#endif

/* clang-format off */
#define EACH_1(X) X(0)
#define EACH_2(X) EACH_1(X) X(1)
#define EACH_3(X) EACH_2(X) X(2)
#define EACH_4(X) EACH_3(X) X(3)

#define BEGIN(k)                                                                                   \
	uint32_t *const s##k = c[k]->s;                                                            \
	const uint32_t turn##k = c[k]->turn;                                                       \
	uint32_t j##k = c[k]->j;                                                                   \
	uint8_t *const d##k = lanes[k]->data;
#define END(k) c[k]->j = j##k;
#define STEP(k)                                                                                    \
	t = s##k[i];                                                                               \
	j##k = (j##k + t) & 255;                                                                   \
	u = s##k[j##k];                                                                            \
	s##k[j##k] = t;                                                                            \
	s##k[i] = u;                                                                               \
	w##k |= (uint64_t)s##k[(t + u - turn##k) & 255] << shift;
/*
 * A stream alone is as slow as its chain of loads and stores is long. So the cell that is next is
 * loaded before the exchange, and the rare case that it is exchanged now is put right without a
 * branch: half the time. Where there are others to run in the meantime, that is only more work.
 */
#define BEGIN_ALONE(k) BEGIN(k) uint32_t ahead, cell = c[k]->s[(i + 1) & 255];
#define STEP_ALONE(k)                                                                              \
	t = (i + 1) & 255;                                                                         \
	j##k = (j##k + cell) & 255;                                                                \
	u = s##k[j##k];                                                                            \
	ahead = s##k[t];                                                                           \
	s##k[j##k] = cell;                                                                         \
	s##k[i] = u;                                                                               \
	w##k |= (uint64_t)s##k[(cell + u - turn##k) & 255] << shift;                               \
	cell = j##k == t ? cell : ahead;
#define CLEAR(k) uint64_t w##k = 0;
#define XOR_WORD(k)                                                                                \
	memcpy(&x, d##k + n, 8);                                                                   \
	x ^= w##k;                                                                                 \
	memcpy(d##k + n, &x, 8);
#define XOR_BYTE(k) d##k[n] = (uint8_t)(d##k[n] ^ w##k);
#define ROUND(EACH, HOW, bits)                                                                     \
	{                                                                                          \
		enum { shift = (bits) };                                                           \
		i = (i + 1) & 255;                                                                 \
		EACH(HOW)                                                                          \
	}
#define DEFINE_RUN(N, START, HOW)                                                                  \
	static void run_##N(                                                                       \
		struct cells *const *c, struct rc4_lane *const *lanes, uint32_t i, uint32_t count) \
	{                                                                                          \
		uint32_t n = 0, t, u;                                                              \
		uint64_t x;                                                                        \
		EACH_##N(START)                                                                    \
		for (; n + 8 <= count; n += 8) {                                                   \
			EACH_##N(CLEAR)                                                            \
			ROUND(EACH_##N, HOW, PLACE(0))                                             \
			ROUND(EACH_##N, HOW, PLACE(8))                                             \
			ROUND(EACH_##N, HOW, PLACE(16))                                            \
			ROUND(EACH_##N, HOW, PLACE(24))                                            \
			ROUND(EACH_##N, HOW, PLACE(32))                                            \
			ROUND(EACH_##N, HOW, PLACE(40))                                            \
			ROUND(EACH_##N, HOW, PLACE(48))                                            \
			ROUND(EACH_##N, HOW, PLACE(56))                                            \
			EACH_##N(XOR_WORD)                                                         \
		}                                                                                  \
		for (; n < count; n++) {                                                           \
			EACH_##N(CLEAR)                                                            \
			ROUND(EACH_##N, HOW, 0)                                                    \
			EACH_##N(XOR_BYTE)                                                         \
		}                                                                                  \
		EACH_##N(END)                                                                      \
	}
#define BEGIN_KEY(k)                                                                               \
	uint32_t *const s##k = c[k]->s;                                                            \
	const uint8_t *const key##k = lanes[k]->key;                                               \
	const uint32_t last##k = lanes[k]->key_len - 1u; /* lengths are powers of two */           \
	uint32_t j##k = 0;
#define IDENTITY(k) s##k[i] = i;
#define MIX(k)                                                                                     \
	t = s##k[i];                                                                               \
	j##k = (j##k + t + key##k[i & last##k]) & 255;                                             \
	s##k[i] = s##k[j##k];                                                                      \
	s##k[j##k] = t;
#define DEFINE_KEY(N)                                                                              \
	static void key_##N(struct cells *const *c, struct rc4_lane *const *lanes)                 \
	{                                                                                          \
		uint32_t t;                                                                        \
		EACH_##N(BEGIN_KEY) for (uint32_t i = 0; i < 256; i++)                             \
		{                                                                                  \
			EACH_##N(IDENTITY)                                                         \
		}                                                                                  \
		for (uint32_t i = 0; i < 256; i++) {                                               \
			EACH_##N(MIX)                                                              \
		}                                                                                  \
	}

DEFINE_RUN(1, BEGIN_ALONE, STEP_ALONE)
DEFINE_RUN(2, BEGIN, STEP)
DEFINE_RUN(3, BEGIN, STEP)
DEFINE_RUN(4, BEGIN, STEP)
DEFINE_KEY(2)
DEFINE_KEY(3)
DEFINE_KEY(4)
/* clang-format on */

static void key_1(struct cells *const *cells, struct rc4_lane *const *lanes)
{
	const uint32_t last = lanes[0]->key_len - 1u;
	uint32_t *s = cells[0]->s, j = 0, cell = 0;

	for (uint32_t i = 0; i < 256; i++)
		s[i] = i;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t next = (i + 1) & 255, ahead, u;

		j = (j + cell + lanes[0]->key[i & last]) & 255;
		u = s[j];
		ahead = s[next];
		s[i] = u;
		s[j] = cell;
		cell = j == next ? cell : ahead;
	}
}

static void load_state(struct cells *c, const struct rc4 *state)
{
	for (unsigned int r = 0; r < 256; r++)
		c->s[r] = state->s[(r + state->i) & 255];
	c->j = (uint8_t)(state->j - state->i);
	c->turn = state->i;
}

static void store_state(const struct cells *c, struct rc4 *state, uint32_t total)
{
	for (unsigned int r = 0; r < 256; r++)
		state->s[(r + c->turn) & 255] = (uint8_t)c->s[r];
	state->i = (uint8_t)(c->turn + total);
	state->j = (uint8_t)(c->j + c->turn);
}

static void begin(struct cells *cells, struct rc4_lane *const *lanes, unsigned int n)
{
	struct rc4_lane *fresh[LANES];
	struct cells *c[LANES];
	unsigned int count = 0;

	for (unsigned int k = 0; k < n; k++) {
		if (!lanes[k]->key_len) {
			load_state(&cells[k], lanes[k]->state);
			continue;
		}
		cells[k].j = cells[k].turn = 0;
		c[count] = &cells[k];
		fresh[count++] = lanes[k];
	}
	switch (count) {
	case 4:
		key_4(c, fresh);
		break;
	case 3:
		key_3(c, fresh);
		break;
	case 2:
		key_2(c, fresh);
		break;
	case 1:
		key_1(c, fresh);
		break;
	}
}

/* Ends what is done; how many are left. */
static unsigned int settle(struct cells **c, struct rc4_lane **lanes, unsigned int n)
{
	unsigned int left = 0;

	for (unsigned int k = 0; k < n; k++) {
		rc4_lane_settle(lanes[k]);
		if (!lanes[k]->left) {
			if (lanes[k]->state)
				store_state(c[k], lanes[k]->state, lanes[k]->total);
			continue;
		}
		c[left] = c[k];
		lanes[left++] = lanes[k];
	}
	return left;
}

static void run(struct cells *const *c, struct rc4_lane *const *lanes, unsigned int n, uint32_t i,
	uint32_t count)
{
	switch (n) {
	case 4:
		run_4(c, lanes, i, count);
		break;
	case 3:
		run_3(c, lanes, i, count);
		break;
	case 2:
		run_2(c, lanes, i, count);
		break;
	default:
		run_1(c, lanes, i, count);
		break;
	}
}

void rc4_scalar_run(struct rc4_lane *const *group, unsigned int n)
{
	struct rc4_lane *lanes[LANES];
	struct cells cells[LANES], *c[LANES];
	unsigned int used = n;
	uint32_t i = 0;

	begin(cells, group, n);
	for (unsigned int k = 0; k < n; k++) {
		c[k] = &cells[k];
		lanes[k] = group[k];
	}
	while ((n = settle(c, lanes, n)) > 0) {
		uint32_t count = lanes[0]->left;

		for (unsigned int k = 1; k < n; k++)
			count = lanes[k]->left < count ? lanes[k]->left : count;
		run(c, lanes, n, i, count);
		i = (i + count) & 255;
		for (unsigned int k = 0; k < n; k++) {
			lanes[k]->data += count;
			lanes[k]->left -= count;
		}
	}
	explicit_bzero(cells, used * sizeof(cells[0]));
}
