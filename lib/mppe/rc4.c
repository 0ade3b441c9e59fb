/*
 * RC4 in batches. See rc4.h.
 *
 * RC4 is one long chain of dependent loads and stores, so a single stream leaves most of a CPU
 * idle; streams that are independent (stateless packets, streams of different sessions, and the
 * chains that their keys come from) run in step. Jobs of the same state are one stream; streams are
 * sorted, so that those in step end together, and run as wide as it pays.
 *
 * Invariant: keys and the tables made of them are wiped before rc4_run() returns; only states that
 * the caller owns survive.
 */
#include "lib/mppe/rc4.h"

#include "lib/mppe/key_chain.h"

#include <stdbool.h>
#include <string.h>

/* In bytes of a stream: its key schedule. */
#define SCHEDULE 256
/* Sixteen streams in step take as long as so many by fours (tests/bench/cipher). */
#define WIDE_COST 6
/*
 * The side of the wide engine is one key at a time; more chains than this are better done in step.
 */
#define SIDE_MAX 6

/* Jobs, streams ahead that fill a row, and keys. */
#define LANES_MAX (RC4_BATCH_MAX + 2 * RC4_WIDTH_MAX)

struct plan {
	const struct cipher *cipher;
	unsigned int count;
	struct rc4_lane lanes[LANES_MAX];
	struct rc4_lane *order[LANES_MAX];
};

void rc4_init(struct rc4 *state, const uint8_t *key, size_t key_len)
{
	uint8_t j = 0;

	for (unsigned int i = 0; i < 256; i++)
		state->s[i] = (uint8_t)i;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t t = state->s[i];

		j = (uint8_t)(j + t + key[i % key_len]);
		state->s[i] = state->s[j];
		state->s[j] = t;
	}
	state->i = 0;
	state->j = 0;
}

void rc4_crypt(struct rc4 *state, uint8_t *data, size_t len)
{
	uint8_t i = state->i, j = state->j;
	uint8_t *s = state->s;

	for (size_t n = 0; n < len; n++) {
		uint8_t t = s[++i], u;

		j = (uint8_t)(j + t);
		u = s[j];
		s[i] = u;
		s[j] = t;
		data[n] ^= s[(uint8_t)(t + u)];
	}
	state->i = i;
	state->j = j;
}

static struct rc4_lane *lane_of(struct plan *p, const struct rc4 *state)
{
	for (unsigned int i = p->count; i-- > 0;)
		if (p->lanes[i].state == state)
			return &p->lanes[i];
	return NULL;
}

/* False: it has to wait until the plan was run. */
static bool add_job(struct plan *p, struct rc4_job *job)
{
	struct rc4_lane *l = job->state ? lane_of(p, job->state) : NULL;

	job->next = NULL;
	if (l && job->key_len)
		return false; /* two lanes, one state */
	if (l) {
		l->last->next = job;
		l->last = job;
		l->total += job->len;
		return true;
	}
	if (!job->state && !job->key_len)
		return true; /* a stream begins with a key or goes on with a state */
	l = &p->lanes[p->count++];
	*l = (struct rc4_lane){
		.state = job->state, .key = job->key, .key_len = job->key_len, .total = job->len
	};
	rc4_lane_begin(l, job);
	return true;
}

/* Longest first; mostly they are in order already. */
static void sort(struct plan *p)
{
	for (unsigned int i = 0; i < p->count; i++) {
		struct rc4_lane *l = &p->lanes[i];
		unsigned int at = i;

		for (; at && p->order[at - 1]->total < l->total; at--)
			p->order[at] = p->order[at - 1];
		p->order[at] = l;
	}
}

/* How many of the longest go together through the wide engine; 0: it does not pay. */
static unsigned int wide_pays(
	const struct cipher *cipher, struct rc4_lane *const *order, unsigned int n)
{
	uint64_t sum = 0;

	if (!cipher->wide || !n)
		return 0;
	n = n < RC4_WIDTH_MAX ? n : RC4_WIDTH_MAX;
	for (unsigned int i = 0; i < n; i++)
		sum += SCHEDULE + order[i]->total;
	return sum > (uint64_t)WIDE_COST * (SCHEDULE + order[0]->total) ? n : 0;
}

static void run_plan(struct plan *p, struct key_work *work)
{
	struct rc4_lane **order = p->order;
	unsigned int n = p->count;

	while (n) {
		unsigned int group = wide_pays(p->cipher, order, n);

		if (group) {
			p->cipher->wide(order, group, work);
		} else {
			group = rc4_scalar_group(n);
			rc4_scalar_run(order, group);
		}
		order += group;
		n -= group;
	}
	p->count = 0;
}

/*
 * Up to RC4_WIDTH_MAX chains at a time: one key of each that wants one, as long as there is one. What
 * the plan has already runs along.
 */
static void run_chains(struct plan *p, struct key_chain *const *chains, unsigned int count)
{
	do {
		unsigned int window = count < RC4_WIDTH_MAX ? count : RC4_WIDTH_MAX;
		struct key_chain *busy[RC4_WIDTH_MAX];
		struct rc4_job jobs[RC4_WIDTH_MAX];
		unsigned int n;

		do {
			n = 0;
			for (unsigned int i = 0; i < window; i++) {
				if (!key_chain_wants(chains[i]))
					continue;
				key_chain_lane(
					chains[i], p->cipher, &jobs[n], &p->lanes[p->count++]);
				busy[n++] = chains[i];
			}
			sort(p);
			run_plan(p, NULL);
			for (unsigned int i = 0; i < n; i++)
				key_chain_lane_done(busy[i], &jobs[i]);
		} while (n);
		chains += window;
		count -= window;
	} while (count);
}

/* The last of the plan, and the keys that the chains want. */
static void run_last(struct plan *p, struct key_chain *const *chains, unsigned int count)
{
	unsigned int wanting = 0;

	for (unsigned int i = 0; i < count; i++)
		wanting += key_chain_wants(chains[i]);
	sort(p);
	if (wanting && wanting <= SIDE_MAX && wide_pays(p->cipher, p->order, p->count)) {
		struct key_work work;

		key_work_begin(&work, chains, count, p->cipher);
		run_plan(p, &work);
		key_work_end(&work);
	}
	run_chains(p, chains, count);
}

/* Streams ahead of this chain, none longer than `longest`, as lanes: up to `max`. How many it were. */
static unsigned int add_ahead(struct plan *p, struct key_chain *c, struct rc4_job *jobs,
	unsigned int max, uint32_t longest)
{
	uint32_t length;
	unsigned int n = 0, room = stream_ahead_room(&c->streams, &length);
	uint8_t key[16];

	if (!c->streams.block || length > longest)
		return 0;
	max = room < max ? room : max;
	for (; n < max && key_chain_take(c, key); n++) {
		stream_ahead_add(
			&c->streams, key, mppe_key_len((enum mppe_bits)c->bits), length, &jobs[n]);
		(void)add_job(p, &jobs[n]);
	}
	explicit_bzero(key, sizeof(key));
	return n;
}

/* How many add_ahead() would find. */
static unsigned int could_add(const struct key_chain *c, uint32_t longest)
{
	uint32_t length;
	unsigned int room = stream_ahead_room(&c->streams, &length);

	if (!c->streams.block || length > longest)
		return 0;
	return room < c->count ? room : c->count;
}

/*
 * What is idle in the last row makes streams ahead: so many. The row has to pay either without them, or with
 * them where sessions have so many packets in a turn that a row is nothing to wait for: few packets
 * go faster by themselves.
 */
static unsigned int fill(struct plan *p, const struct rc4_batch *batch, struct rc4_job *jobs)
{
	unsigned int busy = p->count % RC4_WIDTH_MAX, could = busy, turn = 0, n = 0;
	struct rc4_lane *const *row = p->order + (p->count - busy);

	sort(p);
	if (!p->cipher->wide || !busy)
		return 0;
	for (unsigned int i = 0; i < batch->chain_count; i++) {
		could += could_add(batch->chains[i], row[0]->total);
		turn += stream_ahead_turn(&batch->chains[i]->streams);
	}
	if (!wide_pays(p->cipher, row, busy) && (turn <= STREAM_AHEAD_FEW || could <= WIDE_COST))
		return 0;
	for (unsigned int i = 0; i < batch->chain_count && busy + n < RC4_WIDTH_MAX; i++)
		n += add_ahead(
			p, batch->chains[i], jobs + n, RC4_WIDTH_MAX - busy - n, row[0]->total);
	return n;
}

void rc4_run(struct rc4_batch *batch)
{
	struct rc4_job ahead[RC4_WIDTH_MAX];
	unsigned int filled = 0;
	struct plan plan;

	if (!batch->count)
		return;
	plan.cipher = batch->cipher ? batch->cipher : cipher_choose(0);
	plan.count = 0;
	for (unsigned int i = 0; i < batch->count; i++) {
		if (add_job(&plan, &batch->jobs[i]))
			continue;
		sort(&plan);
		run_plan(&plan, NULL);
		(void)add_job(&plan, &batch->jobs[i]);
	}
	if (batch->ahead)
		filled = fill(&plan, batch, ahead);
	for (unsigned int i = 0; i < batch->chain_count; i++)
		key_chain_settle(batch->chains[i]);
	run_last(&plan, batch->chains, batch->chain_count);
	for (unsigned int i = 0; i < batch->count; i++)
		explicit_bzero(batch->jobs[i].key, sizeof(batch->jobs[i].key));
	explicit_bzero(ahead, filled * sizeof(*ahead));
	batch->count = 0;
	batch->chain_count = 0;
}

#define AHEAD_CHAINS (RC4_BATCH_MAX / STREAM_AHEAD_MAX)

/* Streams of some chains: those whose keys are there, and then the keys of the next ones. */
static void run_streams(struct plan *p, struct key_chain *const *chains, unsigned int count)
{
	struct rc4_job jobs[RC4_BATCH_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		key_chain_want(chains[i], KEY_AHEAD_MAX);
	run_chains(p, chains, count);
	for (unsigned int i = 0; i < count; i++)
		n += add_ahead(p, chains[i], jobs + n, STREAM_AHEAD_MAX, STREAM_AHEAD_LENGTH);
	run_last(p, chains, count);
	explicit_bzero(jobs, n * sizeof(*jobs));
}

void rc4_run_ahead(struct rc4_batch *batch)
{
	struct key_chain *chains[AHEAD_CHAINS], *c = NULL;
	struct plan plan;

	if (!batch->ahead)
		return;
	plan.cipher = batch->cipher ? batch->cipher : cipher_choose(0);
	plan.count = 0;
	do {
		unsigned int n = 0;

		while (n < AHEAD_CHAINS && (c = stream_pool_wanting(batch->ahead)) != NULL)
			chains[n++] = c;
		if (n)
			run_streams(&plan, chains, n);
	} while (c);
}
