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

struct plan {
	const struct cipher *cipher;
	unsigned int count;
	struct rc4_lane lanes[RC4_BATCH_MAX + RC4_WIDTH_MAX];
	struct rc4_lane *order[RC4_BATCH_MAX + RC4_WIDTH_MAX];
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

/* The last of the plan, and the keys of the chains. */
static void run_last(struct plan *p, struct rc4_batch *batch)
{
	unsigned int wanting = 0;

	for (unsigned int i = 0; i < batch->chain_count; i++) {
		key_chain_settle(batch->chains[i]);
		wanting += key_chain_wants(batch->chains[i]);
	}
	sort(p);
	if (wanting && wanting <= SIDE_MAX && wide_pays(p->cipher, p->order, p->count)) {
		struct key_work work;

		key_work_begin(&work, batch->chains, batch->chain_count, p->cipher);
		run_plan(p, &work);
		key_work_end(&work);
	}
	run_chains(p, batch->chains, batch->chain_count);
}

void rc4_run(struct rc4_batch *batch)
{
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
	run_last(&plan, batch);
	for (unsigned int i = 0; i < batch->count; i++)
		explicit_bzero(batch->jobs[i].key, sizeof(batch->jobs[i].key));
	batch->count = 0;
	batch->chain_count = 0;
}
