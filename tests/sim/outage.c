/*
 * Outages under full load, in virtual time: whole calls between our two ends, with MS-CHAPv2 and MPPE of
 * each strength and mode; so many packets are lost in a row, up to six million, one way or both; then
 * data goes on at a fast or a slow rate. It must arrive again in a time that is known, and go on arriving:
 *
 *     GRE                      gaps below GRE_HOLD_MAX: GRE_HOLD_TIME; longer: the third packet
 *     stateless, walked        a millisecond for each TUNNEL_WALK_STEP packets lost
 *     stateless, longer        CCP anew after TUNNEL_LOST_MAX packets: some round trips
 *     stateful                 a Reset-Request, its answer, and MPPE_TRY_MAX tries
 *
 * What is lost is not sent: the sender's keys and numbers go on as if it had been.
 */
#include "tests/batch.h"
#include "tests/sim/end.h"

#include <stdio.h>
#include <string.h>

#define MS     1000u
#define SECOND 1000000ull
#define DELAY  5000u /* us, one way */

struct outage {
	uint32_t lost;
	uint32_t seconds;
	bool both_ways;
	uint32_t interval; /* us between packets before and afterwards */
	uint32_t before;   /* packets that earn work */
};

struct run {
	struct sim_network net;
	struct sim_end ends[2];
	uint64_t took[2]; /* us until data arrived again */
};

static const struct outage outages[] = {
	{ 100, 1, true, 1000, 100 },
	{ 3000, 1, false, 1000, 100 },
	{ 4095, 1, true, 1000, 100 },
	{ 4096, 1, false, 1000, 100 },
	{ 4097, 1, true, 1000, 100 },
	{ 5000, 10, true, 1000000, 100 },
	{ 8192, 1, true, 200, 100 },
	{ 60000, 1, false, 1000, 100 },
	{ 60000, 45, true, 1000000, 100 },
	{ 100000, 1, true, 200, 5000 },
	{ 100000, 1, false, 1000000, 5000 },
	{ 300000, 3, true, 200, 100 },
	{ 1000000, 10, false, 1000, 100 },
	{ 6000000, 50, true, 200, 100 },
	{ 6000000, 50, false, 1000000, 100 },
};

static void run_until(struct run *run, uint64_t until)
{
	struct sim_network *n = &run->net;

	for (;;) {
		uint64_t t = sim_next(n), d0 = sim_end_deadline(&run->ends[0]),
			 d1 = sim_end_deadline(&run->ends[1]);
		uint64_t d = d0 < d1 ? d0 : d1, when = t < d ? t : d;

		if (when > until)
			break;
		if (when > n->now)
			n->now = when;
		if (t <= d) {
			struct sim_event *e = sim_take(n);

			sim_end_event(&run->ends[e->to], e);
			sim_recycle(n, e);
		}
		sim_end_tick(&run->ends[0]);
		sim_end_tick(&run->ends[1]);
	}
	n->now = until;
}

static void send_both(struct run *run, uint32_t interval)
{
	for (int k = 0; k < 2; k++)
		(void)sim_end_send_data(&run->ends[k], 40);
	run_until(run, run->net.now + interval);
}

/* As sent and lost. Keys that nobody will come to need not be made. */
static void lose(struct sim_end *e, uint32_t n)
{
	struct mppe *m = e->tunnel.tx;
	uint8_t data[3] = { 0 };

	e->tunnel.sender.next += n;
	if (m->params.stateless && n > MPPE_CREDIT_MAX) {
		m->count = (uint16_t)((m->count + n) & MPPE_COUNT);
		return;
	}
	while (n--) {
		mppe_seal(m, data, sizeof(data), 0, &e->batch);
		batch_forget(&e->batch); /* a stateful stream begins anew with the FLUSHED packet */
	}
}

static bool begin(struct run *run, enum mppe_bits bits, bool stateless)
{
	const struct sim_faults faults = { .delay = DELAY };
	const struct sim_end_config config = {
		.mppe = { .policy = PPP_MPPE_REQUIRE,
			.strengths = bits == MPPE_40   ? PPP_MPPE_40
				     : bits == MPPE_56 ? PPP_MPPE_56
						       : PPP_MPPE_128,
			.allow_stateless = stateless,
			.allow_stateful = !stateless },
		.auth = { .methods = { PPP_AUTH_MSCHAP2 }, .count = 1 },
		.user = "alice",
		.password = "wonderland",
		.flow = GRE_FLOW_OFF,
		.window = 64,
	};

	memset(run, 0, sizeof(*run));
	sim_network_init(&run->net, 1, &faults);
	sim_end_init(&run->ends[1], 1, &run->net, &config);
	sim_end_init(&run->ends[0], 0, &run->net, &config);
	run_until(run, run->net.now + 10 * SECOND);
	return run->ends[0].up && run->ends[1].up && run->ends[0].tunnel.tx &&
	       run->ends[0].tunnel.tx->params.bits == bits;
}

/* us: how long until data that comes at this rate arrives again. */
static uint64_t limit(const struct outage *o, bool stateless)
{
	uint64_t packets = (GRE_JUMP_CONFIRM + 2ull) * o->interval + GRE_HOLD_TIME;
	uint64_t walk = (o->lost / TUNNEL_WALK_STEP + 1ull) * TUNNEL_WALK_INTERVAL;
	bool anew = o->lost > MPPE_CREDIT_FIRST + MPPE_WORK_EARNED * o->before;

	if (!stateless) /* a request, and once more when FLUSHED came while it was walking */
		return packets + 2ull * o->interval + 300 * MS;
	if (anew)
		return packets + (uint64_t)TUNNEL_LOST_MAX * o->interval + 500 * MS;
	return packets + 4 * DELAY + walk + walk / 4;
}

static const char *play(struct run *run, const struct outage *o, bool stateless)
{
	uint32_t had[2];
	uint64_t end;

	for (uint32_t i = 0; i < o->before; i++)
		send_both(run, 100);
	run_until(run, run->net.now + SECOND);
	for (int k = 0; k < 2; k++) {
		had[k] = run->ends[k].received;
		if (had[k] != o->before)
			return "data is missing before the outage";
		if (!k || o->both_ways)
			lose(&run->ends[k], o->lost);
	}
	run->net.outage_from = run->net.now;
	run->net.outage_to = end = run->net.now + o->seconds * SECOND;
	run_until(run, end);
	while (!run->took[0] || !run->took[1]) {
		if (run->net.now - end > limit(o, stateless))
			return "data does not flow again in time";
		send_both(run, o->interval);
		for (int k = 0; k < 2; k++) {
			if (!run->took[k] && run->ends[k].received > had[k])
				run->took[k] = run->net.now - end;
		}
	}
	run_until(run, run->net.now + 3 * SECOND);
	for (int k = 0; k < 2; k++)
		had[k] = run->ends[k].received;
	for (int i = 0; i < 600; i++)
		send_both(run, 1000);
	run_until(run, run->net.now + SECOND);
	for (int k = 0; k < 2; k++) {
		if (run->ends[k].received != had[k] + 600)
			return "data does not go on after the outage";
		if (run->ends[k].violation)
			return run->ends[k].violation;
	}
	return NULL;
}

static void end(struct run *run)
{
	sim_end_done(&run->ends[0]);
	sim_end_done(&run->ends[1]);
	sim_network_done(&run->net);
}

int main(void)
{
	static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128 };
	unsigned int number = 0, failed = 0;
	static struct run run;

	for (size_t i = 0; i < sizeof(outages) / sizeof(outages[0]); i++)
		for (unsigned int how = 0; how < 6; how++) {
			const struct outage *o = &outages[i];
			enum mppe_bits bits = strengths[how / 2];
			const char *why = "the call did not come up";

			if (begin(&run, bits, how % 2))
				why = play(&run, o, how % 2);
			failed += why != NULL;
			printf("%s %u - MPPE-%d %s, %u packets lost %s in %u s, then one in %u us: "
			       "again after %llu and %llu ms, at most %llu%s%s\n",
				why ? "not ok" : "ok", ++number, (int)bits,
				how % 2 ? "stateless" : "stateful", o->lost,
				o->both_ways ? "both ways" : "one way", o->seconds, o->interval,
				(unsigned long long)run.took[1] / MS,
				(unsigned long long)run.took[0] / MS,
				(unsigned long long)limit(o, how % 2) / MS, why ? ": " : "",
				why ? why : "");
			end(&run);
		}
	printf("1..%u\n", number);
	return failed ? 1 : 0;
}
