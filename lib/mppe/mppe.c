/*
 * MPPE's counts, flags and keys: RFC 3078 sections 3, 7 and 8. See mppe.h.
 *
 * Invariants: `count` has 12 bits; a receiver's key moves only for a packet that MPPE_OK is
 * returned for; stateful, `key` is what the stream was last begun with.
 */
#include "lib/mppe/mppe.h"

#include "lib/ppp/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLAG_MASK 0xffu /* a "flag" packet has these bits of the count set (RFC 3078 7.2) */
#define PEEK                                                                                       \
	10 /* bytes that tell an IP packet from noise: protocol, IP header up to its length        \
	    */

/* A look with a key, and the change to the next one, in key changes. */
#define TRY_COST 2
/*
 * How well decrypted bytes look. Noise passes for WEAK about once in 500 times, which is good
 * enough where the key is known; to choose a key it takes MAYBE (once in 10,000) or SURE (once in
 * millions).
 */
enum fit { FIT_NONE, FIT_WEAK, FIT_MAYBE, FIT_SURE };

/* RFC 3078 7.3: the next session key from the start key and the present one. */
static void change_key(const struct mppe *m, uint8_t *key)
{
	if (m->params.stateless)
		key_chain_next(&m->chain, m->cipher, key);
	else
		key_change(m->cipher, m->params.bits, m->start, key);
}

/* RFC 3078 4 (the first session key) and 5 (the RC4 tables of it). */
int mppe_init(struct mppe *m, const struct mppe_params *params, const uint8_t start[16])
{
	uint8_t len = mppe_key_len(params->bits);

	memset(m, 0, sizeof(*m));
	m->params = *params;
	memcpy(m->start, start, len);
	m->work = MPPE_WORK_MAX;
	m->credit = MPPE_CREDIT_FIRST;
	mppe_new_key(m->start, m->start, len, m->key);
	mppe_salt(params->bits, m->key);
	if (params->stateless) {
		key_chain_init(&m->chain, params->bits, m->start, m->key);
		return 0;
	}
	m->stream = malloc(sizeof(*m->stream));
	if (!m->stream)
		return -ENOMEM;
	rc4_init(m->stream, m->key, len);
	return 0;
}

/* Before a packet: what its keys are made with, and keys where a whole row of packets took all. */
static void prepare(struct mppe *m, struct rc4_batch *batch)
{
	m->cipher = batch->cipher;
	if (m->params.stateless && m->chain.jobs >= KEY_AHEAD_MAX && !key_chain_ready(&m->chain))
		rc4_run(batch);
}

void mppe_done(struct mppe *m)
{
	if (m->params.stateless) {
		key_chain_done(&m->chain);
	} else if (m->stream) {
		explicit_bzero(m->stream, sizeof(*m->stream));
		free(m->stream);
	}
	explicit_bzero(m, sizeof(*m));
}

void mppe_rest(struct mppe *m)
{
	if (m->params.stateless)
		key_chain_rest(&m->chain);
}

/* RFC 3078 6. With a key the packet begins a stream; always so in stateless mode (7.1). */
static void add_job(
	struct mppe *m, uint8_t *data, uint32_t len, const uint8_t *key, struct rc4_batch *batch)
{
	struct rc4_job *job;

	/* First: it may make streams ahead, of the keys after the one that this chain is at. */
	if (batch->count == RC4_BATCH_MAX)
		rc4_run(batch);
	if (m->params.stateless && key == m->key &&
		key_chain_serve(&m->chain, key, data + MPPE_HEADER, len - MPPE_HEADER, batch))
		return;
	job = &batch->jobs[batch->count++];
	job->state = m->params.stateless ? NULL : m->stream;
	job->data = data + MPPE_HEADER;
	job->len = len - MPPE_HEADER;
	job->key_len = key ? mppe_key_len(m->params.bits) : 0;
	if (key)
		memcpy(job->key, key, sizeof(job->key));
	/* A late packet's key is one of the past. */
	if (m->params.stateless && key == m->key)
		key_chain_used(&m->chain, m->key, batch);
}

bool mppe_flushes(const struct mppe *m)
{
	return m->params.stateless || m->flush || (m->count & FLAG_MASK) == FLAG_MASK;
}

void mppe_seal(
	struct mppe *m, uint8_t *data, uint32_t len, unsigned int bits, struct rc4_batch *batch)
{
	struct wire_writer w = wire_writer(data, MPPE_HEADER);
	unsigned int header = MPPE_ENCRYPTED | (bits & (MPPE_RESTARTED | MPPE_COMPRESSED));
	bool fresh = m->params.stateless;

	prepare(m, batch);
	if (!m->params.stateless) {
		/*
		 * On a flag packet RFC 3078 and Linux agree on what FLUSHED means, and as Linux
		 * counts the lost ones, the loss of this one does no harm either. Linux refuses
		 * flag packets without FLUSHED.
		 */
		if (m->flush || bits & MPPE_FLUSHED)
			m->count |= FLAG_MASK;
		m->flush = false;
		fresh = (m->count & FLAG_MASK) == FLAG_MASK;
	}
	if (fresh) {
		header |= MPPE_FLUSHED;
		change_key(m, m->key);
		m->rekeys++;
	}
	wire_put_u16(&w, (uint16_t)(header | m->count));
	m->count = (m->count + 1) & MPPE_COUNT;
	add_job(m, data, len, fresh ? m->key : NULL, batch);
}

void mppe_reset_requested(struct mppe *m)
{
	if (m->params.stateless || m->flush)
		return;
	m->flush = true;
	m->resets++;
}

void mppe_lost(struct mppe *m)
{
	if (m->params.stateless || m->flush)
		return;
	m->flush = true;
	m->resets++;
}

/* Does an IP packet of at most `len` bytes begin like this? FIT_MAYBE: not enough bytes to be sure.
 */
static enum fit ip_fits(uint16_t protocol, const uint8_t *ip, uint32_t peek, uint32_t len)
{
	struct wire_reader r = wire_reader(ip, peek);
	uint8_t first = wire_u8(&r);
	uint32_t total;

	if (protocol == PPP_IP) {
		if (r.failed || first >> 4 != 4 || (first & 15) < 5)
			return FIT_NONE;
		wire_skip(&r, 1);
		total = wire_u16(&r);
	} else {
		if (r.failed || first >> 4 != 6)
			return FIT_NONE;
		wire_skip(&r, 3);
		total = wire_u16(&r) + 40u;
	}
	return !r.failed && total >= 20 && total <= len ? FIT_SURE : FIT_WEAK;
}

/* Protocols in use beside IP: AppleTalk, IPX, VJ compression, bridging, NetBIOS. */
static bool is_known(uint16_t protocol)
{
	static const uint8_t known[] = { 0x29, 0x2b, 0x2d, 0x2f, 0x31, 0x3f };

	return protocol <= 0xff && memchr(known, protocol, sizeof(known));
}

/* `peek` bytes of `len` are there. */
static enum fit inner_fits(
	const uint8_t *data, uint32_t peek, uint32_t len, uint16_t *protocol, unsigned int *size)
{
	struct wire_reader r = wire_reader(data, peek);
	uint8_t first = wire_u8(&r);

	if (first & 1) {
		*protocol = first;
		*size = 1;
		/* Of others, that no peer is known to compress here, noise would have too many. */
		if (first != PPP_IP && first != PPP_IPV6)
			return FIT_NONE;
	} else {
		*protocol = (uint16_t)(first << 8 | wire_u8(&r));
		*size = 2;
	}
	if (r.failed || !(*protocol & 1) || !ppp_is_data(*protocol) || len <= *size)
		return FIT_NONE;
	if (*protocol == PPP_IP || *protocol == PPP_IPV6)
		return ip_fits(*protocol, r.pos, (uint32_t)wire_left(&r), len - *size);
	return is_known(*protocol) ? FIT_MAYBE : FIT_WEAK;
}

unsigned int mppe_inner(const uint8_t *data, uint32_t len, uint16_t *protocol)
{
	unsigned int size;

	return inner_fits(data, len, len, protocol, &size) == FIT_NONE ? 0 : size;
}

/*
 * MPPC with an empty history, as in each FLUSHED packet: the first octets below 80 stand as they
 * are, so protocol, version and header length show; lengths are another matter.
 */
static enum fit packed_fits(const uint8_t *data, uint32_t peek)
{
	struct wire_reader r = wire_reader(data, peek);
	uint16_t protocol = wire_u16(&r);
	uint8_t first = wire_u8(&r);

	if (r.failed)
		return FIT_WEAK;
	if (protocol == PPP_IP && first >> 4 == 4 && (first & 15) >= 5)
		return first == 0x45 ? FIT_SURE : FIT_MAYBE;
	if (protocol == PPP_IPV6 && first >> 4 == 6)
		return FIT_SURE;
	return is_known(protocol) ? FIT_MAYBE : FIT_NONE;
}

/* Decrypts the first bytes with `key`, for a look. */
static enum fit key_fits(
	const struct mppe *m, const uint8_t *key, const uint8_t *data, uint32_t len)
{
	struct wire_reader r = wire_reader(data, len);
	bool packed = m->mppc && (wire_u16(&r) & MPPE_COMPRESSED);
	uint32_t peek = len - MPPE_HEADER < PEEK ? len - MPPE_HEADER : PEEK;
	uint8_t plain[PEEK];
	unsigned int size;
	uint16_t protocol;
	struct rc4 rc4;
	enum fit fit;

	memcpy(plain, data + MPPE_HEADER, peek);
	rc4_init(&rc4, key, mppe_key_len(m->params.bits));
	rc4_crypt(&rc4, plain, peek);
	if (packed)
		fit = packed_fits(plain, peek);
	else
		fit = inner_fits(plain, peek, len - MPPE_HEADER, &protocol, &size);
	explicit_bzero(&rc4, sizeof(rc4));
	explicit_bzero(plain, sizeof(plain));
	return fit;
}

/* GRE numbers between the last packet that was opened and the one at hand. */
static uint32_t missing(const struct mppe *m)
{
	uint32_t n = m->number - m->base;

	return m->numbered && (int32_t)n > 0 ? n : 0;
}

/*
 * Packets between the one that is expected and the one at hand: by its count, and by the GRE numbers
 * as many rounds of counts more as there was room for.
 */
static uint32_t way_to(const struct mppe *m, uint16_t count)
{
	uint32_t ahead = (uint32_t)(count - m->count) & MPPE_COUNT;
	uint32_t most = missing(m) + MPPE_UNNUMBERED;

	return most <= ahead ? ahead : ahead + ((most - ahead) & ~(uint32_t)MPPE_COUNT);
}

static void stop_catching_up(struct mppe *m)
{
	m->behind = false;
	m->far = m->goal = 0;
	explicit_bzero(m->far_key, sizeof(m->far_key));
}

/* The packet so far away is good: go on behind it. */
static void accept_packet(struct mppe *m, uint32_t way, const uint8_t *key, uint32_t changes)
{
	memmove(m->key, key, sizeof(m->key));
	m->serial += way + 1;
	m->count = (uint16_t)((m->count + way + 1) & MPPE_COUNT);
	m->base = m->number + 1;
	m->rekeys += changes;
	m->flush = false;
	m->late = 0;
	if (m->behind)
		stop_catching_up(m);
}

/*
 * Late, and not (again and again, or by the GRE numbers) the sign of a loss longer than half the
 * counts?
 */
static bool is_late(struct mppe *m, uint32_t way)
{
	if (way <= MPPE_COUNT - MPPE_LATE_MAX || way <= missing(m) + MPPE_UNNUMBERED)
		return false;
	if (++m->late < MPPE_LATE_RUN)
		return true;
	m->late = 0;
	return false;
}

static void earn(struct mppe *m)
{
	m->work = m->work < MPPE_WORK_MAX - MPPE_WORK_EARNED
			  ? (uint16_t)(m->work + MPPE_WORK_EARNED)
			  : MPPE_WORK_MAX;
	m->credit = m->credit < MPPE_CREDIT_MAX - MPPE_WORK_EARNED ? m->credit + MPPE_WORK_EARNED
								   : MPPE_CREDIT_MAX;
}

/* False: so much is not earned yet, and nothing is spent. */
static bool spend(struct mppe *m, uint32_t changes)
{
	if (changes > m->work)
		return false;
	m->work = (uint16_t)(m->work - changes);
	return true;
}

/* Key changes on the way to the packet that is so far away. */
static uint32_t changes_to(const struct mppe *m, uint32_t way)
{
	return m->params.stateless ? way : ((m->count + way) >> 8) - (m->count >> 8);
}

/*
 * A packet more than a round of counts away: the way is walked up to MPPE_UNNUMBERED before it, which
 * no count that is forged can change. False: so much is not earned.
 */
static bool walk_far(struct mppe *m)
{
	uint32_t goal = changes_to(m, missing(m) - MPPE_UNNUMBERED);

	if (!m->behind) {
		m->behind = true;
		memcpy(m->far_key, m->key, sizeof(m->far_key));
	}
	if (goal > m->goal)
		m->goal = goal;
	return m->goal <= m->far || m->goal - m->far <= m->credit;
}

bool mppe_is_behind(const struct mppe *m)
{
	return m->behind && m->far < m->goal && m->credit;
}

void mppe_catch_up(struct mppe *m, unsigned int changes)
{
	while (changes-- && mppe_is_behind(m)) {
		change_key(m, m->far_key);
		m->far++;
		m->credit--;
	}
}

void mppe_numbered(struct mppe *m, uint32_t number)
{
	m->number = number;
	if (!m->numbered)
		m->base = number;
	m->numbered = true;
}

/*
 * The last keys before that of the packet so far away are kept; from `key` on, which is that before
 * number `from` of them. Once it is known to be good: what is forged takes no place from other keys.
 */
static void keep_passed(struct mppe *m, uint8_t *key, uint32_t from, uint32_t way)
{
	for (; m->late_keys && from < way; from++) {
		change_key(m, key);
		mppe_late_keep(m->late_keys, m->serial + from, key);
	}
}

/* On to the packet so far away, with the check that the way leads somewhere. */
static enum mppe_result walk(struct mppe *m, const uint8_t *from_key, uint32_t from, uint32_t way,
	const uint8_t *data, uint32_t len)
{
	uint32_t kept = way - from > MPPE_LATE_KEYS ? way - MPPE_LATE_KEYS : from;
	enum mppe_result result = MPPE_OK;
	uint8_t key[16], passed[16];

	if (!spend(m, way - from))
		return MPPE_WAIT;
	memcpy(key, from_key, sizeof(key));
	for (uint32_t i = from; i <= way; i++) {
		if (i == kept)
			memcpy(passed, key, sizeof(passed));
		change_key(m, key);
	}
	if (way && key_fits(m, key, data, len) < FIT_MAYBE) {
		result = MPPE_BAD;
	} else {
		keep_passed(m, passed, kept, way);
		accept_packet(m, way, key, way + 1);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(passed, sizeof(passed));
	return result;
}

/* More than a round of counts away. MPPE_BAD: or not, after all. */
static enum mppe_result open_far(struct mppe *m, uint32_t way, const uint8_t *data, uint32_t len)
{
	if (!walk_far(m))
		return MPPE_LOST;
	if (way < m->far)
		return MPPE_BAD;
	if (way - m->far > MPPE_COUNT)
		return MPPE_WAIT;
	return walk(m, m->far_key, m->far, way, data, len);
}

/* RFC 3078 8.1. */
static enum mppe_result open_stateless(
	struct mppe *m, uint16_t count, const uint8_t *data, uint32_t len)
{
	uint32_t way = way_to(m, count);

	if (way > MPPE_COUNT) {
		enum mppe_result result = open_far(m, way, data, len);

		/* A peer that numbers what it does not count: near, then. */
		if (result != MPPE_BAD)
			return result;
		way &= MPPE_COUNT;
	}
	if (is_late(m, way))
		return MPPE_OLD;
	return walk(m, m->key, 0, way, data, len);
}

/*
 * RFC 3078 8.2: a FLUSHED packet ends the waiting, with the key changes of the flag packets that
 * were missed. Beyond these come one for Linux's FLUSHED itself, and one for each of Linux's
 * FLUSHED packets that was lost: which number it is shows in what decrypts to an IP packet; else
 * the first that decrypts to a possible one.
 */
static enum mppe_result resync(struct mppe *m, uint16_t count, const uint8_t *data, uint32_t len)
{
	uint32_t way = way_to(m, count);
	uint32_t changes = changes_to(m, way), maybe_changes = 0, last;
	bool far = way > MPPE_COUNT && changes >= m->far;
	uint32_t walked = far ? m->far : 0;
	enum mppe_result result = MPPE_BAD;
	uint8_t key[16], maybe[16];
	enum fit fit = FIT_NONE;

	if ((count & FLAG_MASK) == FLAG_MASK)
		changes++;
	if (changes - walked > MPPE_COUNT || !spend(m, changes - walked + TRY_COST))
		return MPPE_WAIT;
	memcpy(key, far && m->behind ? m->far_key : m->key, sizeof(key));
	for (uint32_t i = walked; i < changes; i++)
		change_key(m, key);
	for (last = changes + MPPE_TRY_MAX;; changes++) {
		fit = key_fits(m, key, data, len);
		if (fit == FIT_SURE)
			break;
		if (fit == FIT_MAYBE && result != MPPE_OK) {
			result = MPPE_OK;
			maybe_changes = changes;
			memcpy(maybe, key, sizeof(maybe));
		}
		if (changes == last || !spend(m, TRY_COST))
			break;
		change_key(m, key);
	}
	if (fit == FIT_SURE) {
		result = MPPE_OK;
		accept_packet(m, way, key, changes);
	} else if (result == MPPE_OK) {
		accept_packet(m, way, maybe, maybe_changes);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(maybe, sizeof(maybe));
	return result;
}

static enum mppe_result open_stateful(
	struct mppe *m, uint16_t header, const uint8_t *data, uint32_t len, bool *fresh)
{
	uint16_t count = header & MPPE_COUNT;
	bool flushed = header & MPPE_FLUSHED;
	bool flag = (count & FLAG_MASK) == FLAG_MASK;
	uint32_t way = way_to(m, count);

	*fresh = flushed || flag;
	if (!way && !m->flush && (flag || !flushed)) {
		if (flag)
			change_key(m, m->key);
		accept_packet(m, 0, m->key, flag);
		return MPPE_OK;
	}
	/* Long before FLUSHED comes, so that it finds the key near. */
	if (way > MPPE_COUNT && !walk_far(m))
		return MPPE_LOST;
	if (flushed)
		return resync(m, count, data, len);
	if (m->flush)
		return MPPE_WAIT;
	if (is_late(m, way))
		return MPPE_OLD;
	mppe_lost(m);
	return MPPE_RESET;
}

enum mppe_result mppe_open(struct mppe *m, uint8_t *data, uint32_t len, struct rc4_batch *batch)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t header = wire_u16(&r);
	enum mppe_result result;
	bool fresh = true;

	if (r.failed || !wire_left(&r) || !(header & MPPE_ENCRYPTED))
		return MPPE_BAD;
	earn(m);
	prepare(m, batch);
	if (m->params.stateless)
		result = open_stateless(m, header & MPPE_COUNT, data, len);
	else
		result = open_stateful(m, header, data, len, &fresh);
	if (result == MPPE_OK)
		add_job(m, data, len, fresh ? m->key : NULL, batch);
	return result;
}

enum mppe_result mppe_open_late(
	struct mppe *m, uint8_t *data, uint32_t len, struct rc4_batch *batch)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t header = wire_u16(&r);
	uint32_t behind = (uint32_t)(m->count - header) & MPPE_COUNT;
	uint32_t serial = m->serial - behind;
	const uint8_t *key;

	if (r.failed || !wire_left(&r) || !(header & MPPE_ENCRYPTED))
		return MPPE_OLD;
	if (!m->params.stateless || !m->late_keys || !behind)
		return MPPE_OLD;
	key = mppe_late_find(m->late_keys, serial);
	/* One that was forged or damaged does not take the key from the true one. */
	if (!key || key_fits(m, key, data, len) < FIT_MAYBE)
		return MPPE_OLD;
	add_job(m, data, len, key, batch);
	mppe_late_forget(m->late_keys, serial);
	return MPPE_OK;
}
