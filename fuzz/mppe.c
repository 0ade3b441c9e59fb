/*
 * lib/mppe: a sealing end, and a path that loses, doubles, delays, damages and forges. What opens
 * and was not tampered with is what was sealed; the work per packet is bounded; after everything
 * both ends come into step again. In half of the inputs the packets have GRE numbers, long losses are
 * walked and keys of late packets are kept: each packet opens once at the most.
 *
 * In half of them the ends are in steady flow from the beginning, and have key streams made ahead (stream_ahead.h):
 * what is thrown away of them is bounded, and nothing is left of them.
 *
 * The key comes from the whole input: no mutation can work its way towards a forged packet that
 * decrypts.
 */
#include "lib/mppe/mppe.h"

#include "fuzz/fuzz.h"

#define SIZE 40 /* of an IP packet */
#define KEPT 64
#define LOST_MAX                                                                                   \
	1500 /* more in a row is ambiguous: the count has 12 bits, and FLUSHED skips to 256 */

#define LOST_NUMBERED 9000 /* with numbers */

struct sealed {
	uint32_t serial;
	uint8_t bytes[MPPE_HEADER + 2 + SIZE];
};

static struct mppe tx, rx;
static struct rc4_batch batch;
static struct sealed kept[KEPT];
static uint32_t serial, opened;
static bool tampered; /* forged packets may have moved stateful keys: until the next recovery */
static unsigned int lost;
static bool numbered;
static struct mppe_late keys;
static uint64_t came[1u << 12]; /* bit per serial number, while there are */
static uint8_t start[16];
static uint64_t packets, thrown_before;

/* CCP is opened anew. */
static void begin_anew(void)
{
	struct mppe_params params = tx.params;

	mppe_done(&tx);
	mppe_done(&rx);
	mppe_init(&tx, &params, start);
	mppe_init(&rx, &params, start);
	mppe_late_done(&keys);
	if (numbered) {
		rx.late_keys = &keys;
		mppe_numbered(&rx, serial + 1);
	}
	tampered = false;
}

/* Opened and as it was sealed: for the first time? */
static void check_once(uint32_t number)
{
	uint64_t bit = (uint64_t)1 << (number % 64), *word = &came[number / 64 % (1u << 12)];

	if (number >= (1u << 18))
		return;
	FUZZ_CHECK(!(*word & bit) || !rx.params.stateless);
	*word |= bit;
}

static void plain(struct sealed *s, uint32_t number)
{
	uint8_t *ip = s->bytes + MPPE_HEADER + 2;

	s->serial = number;
	s->bytes[MPPE_HEADER] = 0;
	s->bytes[MPPE_HEADER + 1] = 0x21;
	for (uint32_t i = 0; i < SIZE; i++)
		ip[i] = (uint8_t)(number * 31 + i * 7 + (number >> 8));
	ip[0] = 0x45;
	ip[2] = 0;
	ip[3] = SIZE;
}

static void run_batch(void)
{
	const struct stream_pool *pool = batch.ahead;

	packets++;
	rc4_run(&batch);
	rc4_run_ahead(&batch);
	if (!pool)
		return;
	FUZZ_CHECK((pool->thrown - thrown_before) * STREAM_AHEAD_PRICE <= packets);
	FUZZ_CHECK(pool->listed_count == 0 && stream_pool_lent(pool) <= 2);
}

static struct sealed *seal(void)
{
	struct sealed *s = &kept[++serial % KEPT];

	plain(s, serial);
	mppe_seal(&tx, s->bytes, sizeof(s->bytes), 0, &batch);
	run_batch();
	return s;
}

static enum mppe_result open_packet(uint8_t *data, uint32_t len, uint32_t number)
{
	uint32_t far = rx.far, work = rx.work;
	uint64_t rekeys = rx.rekeys;
	bool late = numbered && (int32_t)(number - rx.base) < 0;
	enum mppe_result result;
	uint16_t protocol;

	if (numbered && !late)
		mppe_numbered(&rx, number);
	result = late ? mppe_open_late(&rx, data, len, &batch) : mppe_open(&rx, data, len, &batch);
	FUZZ_CHECK(batch.count <= 1);
	run_batch();
	FUZZ_CHECK(rx.rekeys - rekeys <= far + MPPE_COUNT + MPPE_TRY_MAX + 2u);
	FUZZ_CHECK(rx.work <= MPPE_WORK_MAX && rx.credit <= MPPE_CREDIT_MAX);
	/* What two walks and the tries with them may cost, at most. */
	FUZZ_CHECK(rx.work + 2u * MPPE_COUNT + 4u * MPPE_TRY_MAX >= work);
	if (late) {
		FUZZ_CHECK(result == MPPE_OK || result == MPPE_OLD);
		FUZZ_CHECK(rx.rekeys == rekeys && rx.work == work);
	}
	if (result == MPPE_OK && !mppe_inner(data + MPPE_HEADER, len - MPPE_HEADER, &protocol)) {
		mppe_lost(&rx);
		return MPPE_BAD;
	}
	if (result == MPPE_RESET)
		FUZZ_CHECK(!rx.params.stateless);
	return result;
}

/* A packet as it was sealed. */
static bool deliver(const struct sealed *from)
{
	struct sealed want, *copy = (struct sealed *)(void *)fuzz_copy(from, sizeof(*from));
	enum mppe_result result = open_packet(copy->bytes, sizeof(copy->bytes), from->serial);
	bool intact;

	plain(&want, from->serial);
	intact = !memcmp(copy->bytes + MPPE_HEADER, want.bytes + MPPE_HEADER, 2 + SIZE);
	free(copy);
	if (result == MPPE_RESET)
		mppe_reset_requested(&tx);
	if (result == MPPE_LOST)
		begin_anew();
	if (result != MPPE_OK)
		return false;
	FUZZ_CHECK(intact || tampered);
	if (intact)
		check_once(from->serial);
	if (intact && from->serial > opened) {
		opened = from->serial;
		lost = 0;
	}
	return intact;
}

static void damage(struct fuzz *f, const struct sealed *from)
{
	uint8_t *copy = fuzz_copy(from->bytes, sizeof(from->bytes));

	copy[fuzz_below(f, sizeof(from->bytes))] ^= fuzz_u8(f);
	tampered = true;
	(void)open_packet(copy, (uint32_t)sizeof(from->bytes), from->serial);
	free(copy);
}

static void forge(struct fuzz *f)
{
	size_t len;
	uint8_t *data = fuzz_block(f, &len);
	uint32_t number = serial;

	if (numbered)
		number += (uint32_t)fuzz_u16(f) << fuzz_below(f, 16);
	if (len)
		tampered = true;
	if (open_packet(data, (uint32_t)len, number) == MPPE_OK)
		FUZZ_CHECK(len > MPPE_HEADER);
	free(data);
}

static void lose(unsigned int n)
{
	while (n-- && lost++ < (numbered ? LOST_NUMBERED : LOST_MAX))
		(void)seal();
}

static void catch_up(unsigned int changes)
{
	uint32_t far = rx.far, credit = rx.credit;

	mppe_catch_up(&rx, changes);
	FUZZ_CHECK(rx.far - far <= changes && rx.far - far == credit - rx.credit);
	FUZZ_CHECK(rx.far <= rx.goal || rx.far == far);
}

static void step(struct fuzz *f)
{
	switch (fuzz_below(f, 8)) {
	case 0:
	case 1:
		(void)deliver(seal());
		break;
	case 2:
		lose(fuzz_u8(f));
		break;
	case 3:
		lose(8u * fuzz_u8(f));
		break;
	case 4: /* late, or again */
		(void)deliver(
			&kept[(serial - fuzz_below(f, serial < KEPT ? serial : KEPT)) % KEPT]);
		break;
	case 5:
		damage(f, seal());
		break;
	case 6:
		forge(f);
		break;
	case 7:
		if (numbered && fuzz_bool(f))
			catch_up(fuzz_u16(f));
		else
			mppe_reset_requested(&tx);
		break;
	}
}

/*
 * Without faults the ends come into step, and stay. A stateful receiver may need flag packets (each
 * 256 counts) to see how the peer means FLUSHED.
 */
static void recover(void)
{
	unsigned int settle = tx.params.stateless ? 0 : tampered ? 520 : 260, n;

	for (n = 0; n < 3 * MPPE_COUNT && !deliver(seal()); n++)
		catch_up(512);
	if (n == 3 * MPPE_COUNT && tampered && !tx.params.stateless) {
		/* A FLUSHED packet whose count was damaged decrypts, and misleads for good: it is
		 * then for lib/tunnel to have CCP opened anew (TUNNEL_EVENT_DESYNC). */
		begin_anew();
		n = deliver(seal()) ? 0 : n;
	}
	FUZZ_CHECK(n < 3 * MPPE_COUNT);
	for (n = 0; n < settle; n++)
		(void)deliver(seal());
	tampered = false;
	for (n = 0; n < 20; n++)
		FUZZ_CHECK(deliver(seal()));
}

/* One pool for all inputs: a direction in steady flow has its block after so many packets. */
static void begin_ahead(bool wanted)
{
	static struct stream_pool *pool;

	if (!pool)
		pool = stream_pool_new();
	batch.ahead = wanted ? pool : NULL;
	packets = 0;
	if (!wanted || !pool)
		return;
	thrown_before = pool->thrown;
	for (unsigned int n = 0; n < 4 * STREAM_AHEAD_WINDOW; n++)
		FUZZ_CHECK(deliver(seal()) || !tx.params.stateless);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128, MPPE_128 };
	struct fuzz f = fuzz_begin(data, size);
	uint8_t flags = fuzz_u8(&f);
	struct mppe_params params = {
		.bits = strengths[flags >> 1 & 3],
		.stateless = flags & 1,
	};

	for (size_t i = 0; i < size; i++)
		f.seed = (f.seed ^ data[i]) * 0x100000001b3ull;
	f.seed |= 1;
	fuzz_random(&f, start, sizeof(start));
	serial = opened = lost = 0;
	memset(came, 0, sizeof(came));
	numbered = flags & 8;
	/* Nothing lives yet: what mppe_done() is given is all zero. */
	tx.params = params;
	begin_anew();
	begin_ahead(flags & 16);
	(void)deliver(seal());
	while (fuzz_more(&f))
		step(&f);
	recover();
	mppe_done(&tx);
	mppe_done(&rx);
	FUZZ_CHECK(!batch.ahead || stream_pool_lent(batch.ahead) == 0);
	return 0;
}
