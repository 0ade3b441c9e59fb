/*
 * server/limits: strangers connect, start, call, fail and go, from few or many addresses, at any
 * time. Nothing is counted twice or forgotten, no limit is exceeded, and at the end all is given
 * back.
 */
#include "server/limits.h"

#include "fuzz/fuzz.h"

#include <arpa/inet.h>

#define WAITERS 48

struct stranger {
	struct limits_waiter w;
	struct in_addr from;
	bool connected, authenticated;
	unsigned int calls; /* of them, the last one may be authenticated */
};

static struct stranger strangers[WAITERS];
static struct limits limits;
static const struct limits_config *config;

static void disconnect(struct stranger *s, uint64_t now)
{
	for (; s->calls; s->calls--) {
		limits_call_ended(&limits, s->from, s->authenticated, now);
		s->authenticated = false;
	}
	limits_disconnect(&limits, &s->w, now);
	FUZZ_CHECK(!s->w.address);
	memset(s, 0, sizeof(*s));
}

/* Who has to make room goes at once. */
static void make_room(struct limits_waiter *victim, const struct stranger *by, uint64_t now)
{
	struct stranger *s = (struct stranger *)(void *)victim;

	if (!victim)
		return;
	FUZZ_CHECK(s != by && s >= strangers && s < strangers + WAITERS && s->connected);
	disconnect(s, now);
}

static void connect_from(struct stranger *s, uint8_t from, uint64_t now)
{
	struct limits_waiter *victim = NULL;
	struct in_addr address = { htonl(0x7f000001u + from % 12) };

	if (s->connected)
		return;
	if (limits_connect(&limits, &s->w, address, 0, now, &victim) == LIMITS_OK) {
		s->connected = true;
		s->from = address;
	} else {
		FUZZ_CHECK(!victim && !s->w.address);
	}
	make_room(victim, s, now);
}

static void act(struct fuzz *f, struct stranger *s)
{
	struct limits_waiter *victim = NULL;

	if (!s->connected) {
		connect_from(s, fuzz_u8(f), f->now);
		return;
	}
	switch (fuzz_below(f, 6)) {
	case 0:
		if (s->w.class == LIMITS_HALF_OPEN && limits_start(&limits, &s->w, &victim)) {
			FUZZ_CHECK(!victim);
			disconnect(s, f->now);
		}
		make_room(victim, s, f->now);
		break;
	case 1:
		disconnect(s, f->now);
		break;
	case 2:
		/* One call at a time may be unauthenticated here. */
		if (s->calls && !s->authenticated)
			break;
		if (s->calls || limits_call(&limits, s->from, 0, f->now, &victim) != LIMITS_OK) {
			if (victim == &s->w)
				limits_spare(&limits, victim);
			else
				make_room(victim, s, f->now);
			break;
		}
		limits_call_began(&limits, s->from);
		s->calls++;
		break;
	case 3:
		if (!s->calls || s->authenticated)
			break;
		limits_call_authenticated(&limits, s->from);
		s->authenticated = true;
		limits_trust(&limits, &s->w);
		break;
	case 4:
		(void)limits_auth_failed(&limits, s->from, f->now);
		break;
	case 5:
		make_room(limits_victim(&limits, LIMITS_HALF_OPEN), NULL, f->now);
		break;
	}
}

static void check(void)
{
	unsigned int connections = 0, calls = 0, unauthenticated = 0,
		     waiting[LIMITS_CLASSES] = { 0 };

	for (int i = 0; i < WAITERS; i++) {
		const struct stranger *s = &strangers[i];

		connections += s->connected;
		calls += s->calls;
		unauthenticated += s->calls && !s->authenticated;
		if (s->connected && s->w.class < LIMITS_CLASSES)
			waiting[s->w.class]++;
	}
	FUZZ_CHECK(limits.connections == connections && connections <= config->connections.all);
	FUZZ_CHECK(limits.sessions == calls && calls <= config->sessions.all);
	FUZZ_CHECK(limits.unauthenticated == unauthenticated);
	FUZZ_CHECK(unauthenticated <= config->unauthenticated.all);
	for (int c = 0; c < LIMITS_CLASSES; c++) {
		FUZZ_CHECK(limits.waiting[c] == waiting[c]);
		FUZZ_CHECK(waiting[c] <= config->waiting[c].all);
	}
	FUZZ_CHECK(limits.idle <= limits.count && limits.count - limits.idle <= connections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct limits_config configs[] = {
		{ { 40, 20 }, { 20, 6 }, { 10, 4 }, { { 12, 5 }, { 10, 4 } }, { 0, 0 }, { 0, 0 },
			{ 1000000, 3 } },
		{ { 8, 4 }, { 6, 3 }, { 4, 2 }, { { 6, 3 }, { 5, 3 } }, { 100000, 10 },
			{ 1000000, 4 }, { 20000000, 2 } },
		{ { 1, 1 }, { 1, 1 }, { 1, 1 }, { { 1, 1 }, { 1, 1 } }, { 0, 0 }, { 0, 0 },
			{ 0, 0 } },
	};
	struct fuzz f = fuzz_begin(data, size);

	config = &configs[fuzz_below(&f, 3)];
	memset(strangers, 0, sizeof(strangers));
	FUZZ_CHECK(!limits_init(&limits, config, 42));
	while (fuzz_more(&f)) {
		uint8_t what = fuzz_u8(&f);

		if (what < 0xc0) {
			act(&f, &strangers[what % WAITERS]);
		} else {
			fuzz_pass(&f);
			limits_tick(&limits, f.now);
		}
		check();
	}
	for (int i = 0; i < WAITERS; i++) {
		if (strangers[i].connected)
			disconnect(&strangers[i], f.now);
	}
	check();
	FUZZ_CHECK(limits.idle == limits.count);
	f.now += 2 * LIMITS_FORGET;
	limits_tick(&limits, f.now);
	limits_done(&limits);
	return 0;
}
