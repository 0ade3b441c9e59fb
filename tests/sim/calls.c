/*
 * Whole calls between our two ends in virtual time, with faults, by seed: `sim-calls [COUNT
 * [FIRST-SEED]]`. Each seed chooses the network's faults, both ends' policies, password, traffic
 * and who hangs up how; then invariants are checked. A failure names its seed: `sim-calls 1 SEED`
 * repeats it (SIM_TRACE=1 shows the links' logs).
 *
 * Invariants: see check() and struct sim_end's `violation`.
 */
#include "tests/sim/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND   1000000ull
#define UP_LIMIT (70 * SECOND) /* set-up ends one way or the other */
#define CLOSE_LIMIT                                                                                \
	(200 * SECOND) /* the longest chain of deadlines: 60 s echo, 60 s reply, retries */

struct scenario {
	struct sim_faults faults;
	struct sim_end_config ends[2];
	bool right_password;
	bool expired;         /* and the client changes it */
	unsigned int packets; /* each way */
	uint32_t interval;    /* us between them */
	unsigned int closer;
	enum sim_goodbye goodbye;
	bool close_early; /* before set-up is over */
};

struct run {
	struct scenario scenario;
	struct sim_network net;
	struct sim_end ends[2];
	unsigned int tail_received[2];
	bool both_up, tail_checked;
	const char *broken;
};

/* Those of an end that may be agreed on: where encryption is required, only what makes keys. */
static unsigned int methods_of(const struct sim_end_config *e)
{
	unsigned int all = 0, with_keys = 0;

	for (unsigned int i = 0; i < e->auth.count; i++) {
		enum ppp_auth_method method = (enum ppp_auth_method)e->auth.methods[i];

		all |= 1u << method;
		with_keys |= ppp_auth_makes_keys(method) ? 1u << method : 0;
	}
	return e->mppe.policy == PPP_MPPE_REQUIRE ? with_keys : all;
}

static bool common_method(const struct scenario *s)
{
	return methods_of(&s->ends[0]) & methods_of(&s->ends[1]);
}

static bool compatible(const struct scenario *s)
{
	const struct ppp_mppe_config *a = &s->ends[0].mppe, *b = &s->ends[1].mppe;
	bool common =
		(a->strengths & b->strengths) && ((a->allow_stateless && b->allow_stateless) ||
							 (a->allow_stateful && b->allow_stateful));

	if (!common_method(s))
		return false;
	if (a->policy == PPP_MPPE_OFF || b->policy == PPP_MPPE_OFF || !common)
		return a->policy != PPP_MPPE_REQUIRE && b->policy != PPP_MPPE_REQUIRE;
	return true;
}

static void choose_mppe(struct sim_network *n, struct ppp_mppe_config *m)
{
	uint64_t r = sim_random(n);

	m->policy = r % 8 == 0 ? PPP_MPPE_OFF : r % 8 < 3 ? PPP_MPPE_PREFER : PPP_MPPE_REQUIRE;
	m->strengths = r >> 8 & 7 ? (unsigned int)(r >> 8 & 7) : PPP_MPPE_128;
	if (r >> 16 & 1)
		m->strengths = PPP_MPPE_128;
	m->allow_stateless = (r >> 20 & 3) != 0;
	m->allow_stateful = (r >> 22 & 3) != 0 || !m->allow_stateless;
}

/* EAP with MD5, TLS or PEAP never without MSCHAPv2: what LCP agrees on is EAP, and both ends have a method then. */
static void choose_auth(struct sim_network *n, struct ppp_auth_list *list)
{
	static const uint8_t methods[] = { PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_MSCHAP,
		PPP_AUTH_MD5, PPP_AUTH_EAP_MD5, PPP_AUTH_PAP, PPP_AUTH_EAP_TLS, PPP_AUTH_PEAP };
	uint64_t r = sim_random(n);

	memset(list, 0, sizeof(*list));
	for (unsigned int i = 0; i < sizeof(methods); i++) {
		uint8_t method = methods[(i + (r >> 8)) % sizeof(methods)];

		if (r >> method & 1 ||
			(method == PPP_AUTH_EAP_MSCHAP2 &&
				(r >> PPP_AUTH_EAP_MD5 & 1 || r >> PPP_AUTH_EAP_TLS & 1 ||
					r >> PPP_AUTH_PEAP & 1)))
			list->methods[list->count++] = method;
	}
	if (!list->count)
		list->methods[list->count++] = PPP_AUTH_MSCHAP2;
}

/* Half of the ends allow compression: one to three methods, in any order. */
static void choose_compression(struct sim_network *n, struct ppp_compress_list *list)
{
	static const enum codec_kind kinds[] = { CODEC_MPPC, CODEC_DEFLATE, CODEC_BSD };
	uint64_t r = sim_random(n);
	unsigned int first = (unsigned int)(r >> 8) % 3, step = r >> 16 & 1 ? 1 : 2;

	list->count = 0;
	if (r & 1)
		return;
	for (unsigned int i = 0; i <= (r >> 20) % 3; i++)
		list->kinds[list->count++] = kinds[(first + i * step) % 3];
}

static void choose_faults(struct sim_network *n, struct sim_faults *f)
{
	uint64_t r = sim_random(n);

	memset(f, 0, sizeof(*f));
	f->delay = 100 + (uint32_t)(sim_random(n) % (r & 1 ? 2000 : 60000));
	if (r >> 1 & 1)
		f->jitter = (uint32_t)(sim_random(n) % (f->delay / 2 + 1));
	if (r >> 2 & 1)
		f->loss = (unsigned int)(sim_random(n) % 150);
	if (r >> 3 & 1)
		f->duplicate = (unsigned int)(sim_random(n) % 100);
	if ((r >> 4 & 7) == 0)
		f->corrupt = (unsigned int)(sim_random(n) % 50);
	if ((r >> 7 & 7) == 0) {
		f->outage_at = (uint32_t)(sim_random(n) % 500000);
		f->outage_for = (uint32_t)(sim_random(n) % 8000000);
	}
	f->dribble = r >> 10 & 1;
}

/* Any window, small ones more often; 0, too, which nobody may take at its word. */
static uint16_t choose_window(struct sim_network *n)
{
	uint64_t r = sim_random(n);

	if (r & 1)
		return (uint16_t)(r >> 8 & 7);
	return (uint16_t)((r >> 8 & 0xffff) >> (r >> 32 & 15));
}

static void choose_flow(struct sim_network *n, struct sim_end_config *e)
{
	static const enum gre_flow flows[] = { GRE_FLOW_ADVISORY, GRE_FLOW_STRICT, GRE_FLOW_STRICT,
		GRE_FLOW_OFF };
	uint64_t r = sim_random(n);

	e->flow = flows[r & 3];
	e->mute = (r >> 2 & 7) == 0;
	e->delay = (r >> 5 & 3) == 0 ? (uint16_t)(r >> 8 & 63) : 0;
	e->window = choose_window(n);
}

/* Is the method, whichever it will be, one by which a password can be changed? */
static bool changeable(const struct scenario *s)
{
	unsigned int all =
		1u << PPP_AUTH_MSCHAP2 | 1u << PPP_AUTH_EAP_MSCHAP2 | 1u << PPP_AUTH_PEAP;

	return common_method(s) && !(methods_of(&s->ends[0]) & methods_of(&s->ends[1]) & ~all);
}

static void choose(struct run *run, uint64_t seed)
{
	struct scenario *s = &run->scenario;
	struct sim_network *n = &run->net;
	struct sim_faults none = { .delay = 1000 };

	sim_network_init(n, seed, &none);
	memset(s, 0, sizeof(*s));
	choose_faults(n, &s->faults);
	s->right_password = sim_random(n) % 8 != 0;
	for (int i = 0; i < 2; i++) {
		choose_mppe(n, &s->ends[i].mppe);
		s->ends[i].ipv6 = sim_random(n) % 4 != 0;
		choose_flow(n, &s->ends[i]);
		choose_compression(n, &s->ends[i].compress);
		s->ends[i].user = "alice";
		s->ends[i].password = i || s->right_password ? "wonderland" : "looking-glass";
	}
	if (sim_random(n) % 2) /* half of them agree in any case */
		s->ends[1].mppe = s->ends[0].mppe;
	if (sim_random(n) % 2)
		s->ends[1].compress = s->ends[0].compress;
	if (sim_random(n) % 4 == 0) /* compression alone */
		s->ends[0].mppe.policy = s->ends[1].mppe.policy = PPP_MPPE_OFF;
	for (int i = 0; i < 2; i++)
		s->ends[i].vj = sim_random(n) % 2;
	for (int i = 0; i < 2; i++) {
		choose_auth(n, &s->ends[i].auth);
		s->ends[i].tls = s->faults.delay & 1 ? TLS_1_3 : TLS_1_2;
		s->ends[i].certificate = s->right_password ? s->ends[i].user : "nobody";
	}
	if (sim_random(n) % 2)
		s->ends[1].auth = s->ends[0].auth;
	for (int i = 0; i < 2; i++) {
		struct ppp_auth_list *list = &s->ends[i].auth;

		if (!methods_of(&s->ends[i])) /* configurations refuse that */
			list->methods[list->count++] = PPP_AUTH_MSCHAP2;
	}
	/* By the seed itself, so that they take nothing from its numbers. */
	s->expired = seed % 7 == 3 && s->right_password && changeable(s);
	s->ends[1].expired = s->expired;
	s->ends[0].new_password = s->expired ? "through the glass" : NULL;
	s->ends[1].reauthenticate = seed % 5 == 2 ? 700000 : 0;
	s->packets = (unsigned int)(sim_random(n) % 200);
	s->interval = (uint32_t)(sim_random(n) % 5000);
	s->closer = (unsigned int)(sim_random(n) % 2);
	s->goodbye = (enum sim_goodbye)(sim_random(n) % 4);
	s->close_early = sim_random(n) % 16 == 0;
	n->faults = s->faults;
}

static bool faultless(const struct scenario *s)
{
	return !s->faults.loss && !s->faults.corrupt && !s->faults.outage_for;
}

/* Runs until `until`, or until done() says so. */
static void run_until(struct run *run, uint64_t until, bool (*done)(const struct sim_end ends[2]))
{
	if (!run->broken)
		run->broken = sim_pair_run(&run->net, run->ends, until, done);
}

static void exchange(struct run *run, unsigned int count, uint32_t interval)
{
	for (unsigned int i = 0; i < count && !run->broken; i++) {
		for (int k = 0; k < 2; k++) {
			if (run->ends[k].up)
				(void)sim_end_send_data(
					&run->ends[k], 40 + sim_random(&run->net) % 1360);
		}
		run_until(run, run->net.now + interval, NULL);
	}
}

/* To a peer that keeps the window and gets no acknowledgements little goes, and late. */
static bool starves(const struct scenario *s, int sender)
{
	return s->ends[sender].flow == GRE_FLOW_STRICT && s->ends[1 - sender].mute;
}

static bool is_strict(const struct scenario *s)
{
	return s->ends[0].flow == GRE_FLOW_STRICT || s->ends[1].flow == GRE_FLOW_STRICT;
}

/* us: so slow that a window of one is no limit. */
static uint32_t gentle(const struct scenario *s)
{
	return is_strict(s) ? 2 * s->faults.delay + 2 * GRE_ACK_DELAY : 10000;
}

/* No method of compression has a checksum: damage that gave valid codes is in the history. */
static bool poisoned(const struct run *run, int receiver)
{
	return run->scenario.faults.corrupt && run->ends[receiver].unpack != CODEC_NONE;
}

/* The faults are over: what is sent now must arrive, or somebody has noticed and ended the call. */
static void check_tail(struct run *run)
{
	uint32_t before[2];

	run->net.faults = (struct sim_faults){ .delay = run->scenario.faults.delay };
	run->net.outage_from = run->net.outage_to = UINT64_MAX;
	/* A window may be full of what was lost. */
	if (is_strict(&run->scenario))
		run_until(run, run->net.now + GRE_ATO_MAX_DEFAULT + SECOND, NULL);
	/* Time to notice (a gap is given up, a Reset-Request is answered, CCP is opened anew), with
	 * traffic to notice by. */
	exchange(run, 60, 100000);
	run_until(run, run->net.now + 8 * SECOND, NULL);
	if (run->broken || !run->ends[0].up || !run->ends[1].up)
		return;
	for (int k = 0; k < 2; k++)
		before[k] = run->ends[k].received;
	exchange(run, 20, gentle(&run->scenario));
	run_until(run, run->net.now + SECOND, NULL);
	for (int k = 0; k < 2 && !run->broken; k++) {
		run->tail_received[k] = run->ends[k].received - before[k];
		if (run->ends[0].up && run->ends[1].up && run->tail_received[k] != 20 &&
			!starves(&run->scenario, 1 - k) && !poisoned(run, k))
			run->broken = "after the faults data does not flow again";
	}
	run->tail_checked = true;
}

static bool may_be_eap(const struct scenario *s)
{
	return methods_of(&s->ends[0]) & methods_of(&s->ends[1]) & ppp_auth_alike(PPP_AUTH_EAP_MD5);
}

static bool may_be_tls(const struct scenario *s)
{
	return methods_of(&s->ends[0]) & methods_of(&s->ends[1]) &
	       (1u << PPP_AUTH_EAP_TLS | 1u << PPP_AUTH_PEAP);
}

static void check_set_up(struct run *run)
{
	const struct scenario *s = &run->scenario;
	bool should = s->right_password && compatible(s);
	/* EAP: Identity, Nak, Challenge, Success-Request, and declined once in LCP. TLS: fragments; PEAP: all of it. */
	uint64_t limit = ((may_be_tls(s)          ? 33ull
				  : may_be_eap(s) ? 17ull
						  : 12ull) +
				 s->expired) *
				 2 * (s->faults.delay + s->faults.jitter) +
			 300000 + (s->faults.dribble ? SECOND : 0);

	run->both_up = run->ends[0].up && run->ends[1].up;
	if (run->broken)
		return;
	if (!run->both_up && should && faultless(s))
		run->broken = "a call with right password and common policy does not come up";
	else if (run->ends[0].ever_up && !should && !s->faults.corrupt)
		run->broken = "a call came up against policy or password";
	else if (run->both_up && s->expired && !(run->ends[0].renewed && run->ends[1].renewed))
		run->broken = "a call is up with a password that had to be changed";
	else if (should && faultless(s) && !s->faults.jitter && run->net.now - SECOND > limit)
		run->broken = "set-up waited for a retry timer on a network that loses nothing";
}

static void check_reasons(struct run *run)
{
	const struct scenario *s = &run->scenario;
	enum pptp_reason client = run->ends[0].reason;

	if (run->broken || !faultless(s) || s->close_early || run->both_up)
		return;
	/* With so much jitter a frame can come after its gap was given up: the same as loss. */
	if (2 * s->faults.jitter > GRE_HOLD_TIME)
		return;
	if (!s->right_password && common_method(s) && client != PPTP_AUTH_FAILED &&
		client != PPTP_AUTH_CERTIFICATE)
		run->broken = "a wrong password is not reported as such";
	if (s->right_password && !compatible(s) && pptp_reason_class(client) != PPTP_CLASS_POLICY)
		run->broken = "an unmet policy is not reported as such";
}

/* The second call of the connection: both ends saw the same of it. */
static void check_side(struct run *run)
{
	const struct sim_side *client = &run->ends[0].side, *server = &run->ends[1].side;

	if (run->broken)
		return;
	if (client->up && !server->up)
		run->broken = "the second call is up at one end only";
	else if (run->both_up && client->up != server->up)
		run->broken = "the second call did not come up at the client";
	else if (run->both_up && client->up &&
		 (!server->reports || (!client->reports && !sim_side_hangs_up(client))))
		run->broken = "what was told of the second call's line got lost";
}

static void finish(struct run *run)
{
	const struct scenario *s = &run->scenario;

	if (!run->broken && !sim_pair_over(run->ends))
		sim_end_close(&run->ends[s->closer], s->goodbye);
	run_until(run, run->net.now + CLOSE_LIMIT, sim_pair_over);
	if (!run->broken && !sim_pair_over(run->ends))
		run->broken = "the ends did not end";
	for (int i = 0; i < 2; i++) {
		if (!run->broken && run->ends[i].reason == PPTP_NONE)
			run->broken = "an end ended without a reason";
		sim_end_done(&run->ends[i]);
		if (!run->broken && run->ends[i].packets)
			run->broken = "packets leaked";
	}
}

static void one(struct run *run, uint64_t seed)
{
	const struct scenario *s = &run->scenario;

	memset(run, 0, sizeof(*run));
	choose(run, seed);
	sim_end_init(&run->ends[1], 1, &run->net, &s->ends[1]);
	sim_end_init(&run->ends[0], 0, &run->net, &s->ends[0]);
	if (s->close_early) {
		run_until(run, run->net.now + sim_random(&run->net) % (20 * s->faults.delay), NULL);
	} else {
		run_until(run, run->net.now + UP_LIMIT, sim_pair_set_up);
		/* One end is up a moment before the other. */
		run_until(run, run->net.now + 3ull * s->faults.delay + 5000, NULL);
		check_set_up(run);
	}
	if (run->both_up) {
		if (s->faults.outage_for) {
			run->net.outage_from = run->net.now + s->faults.outage_at;
			run->net.outage_to = run->net.outage_from + s->faults.outage_for;
		}
		exchange(run, s->packets, s->interval);
		if (s->faults.outage_for)
			run_until(run, run->net.now + s->faults.outage_at + s->faults.outage_for,
				NULL);
		check_tail(run);
	}
	finish(run);
	check_reasons(run);
	check_side(run);
	sim_network_done(&run->net);
}

static void describe(const struct run *run, uint64_t seed)
{
	const struct scenario *s = &run->scenario;

	printf("# seed %llu: %s\n", (unsigned long long)seed, run->broken);
	printf("#   delay %u jitter %u loss %u dup %u corrupt %u outage %u+%u dribble %d, close "
	       "early %d by %u how %d\n",
		s->faults.delay, s->faults.jitter, s->faults.loss, s->faults.duplicate,
		s->faults.corrupt, s->faults.outage_at, s->faults.outage_for, s->faults.dribble,
		s->close_early, s->closer, s->goodbye);
	for (int i = 0; i < 2; i++) {
		const struct sim_end *e = &run->ends[i];

		printf("#   %s: methods %x first %u, compression %u %d %d %d, policy %d strengths "
		       "%u "
		       "stateless %d stateful "
		       "%d, flow %d window %u "
		       "delay %u mute %d, headers %d; up %d, reason %s (%s), sent %u received %u, "
		       "tail %u\n",
			i ? "server" : "client", methods_of(&s->ends[i]),
			s->ends[i].auth.methods[0], s->ends[i].compress.count,
			s->ends[i].compress.kinds[0], s->ends[i].compress.kinds[1],
			s->ends[i].compress.kinds[2], s->ends[i].mppe.policy,
			s->ends[i].mppe.strengths, s->ends[i].mppe.allow_stateless,
			s->ends[i].mppe.allow_stateful, s->ends[i].flow, s->ends[i].window,
			s->ends[i].delay, s->ends[i].mute, s->ends[i].vj, e->ever_up,
			pptp_reason_name(e->reason), e->detail, e->sent, e->received,
			run->tail_received[i]);
	}
}

static void count_flow(const struct run *run, uint64_t *waited, uint64_t *timeouts)
{
	for (int i = 0; i < 2; i++) {
		struct tunnel_stats stats;

		tunnel_get_stats(&run->ends[i].tunnel, &stats);
		*timeouts += stats.ack_timeouts;
		if (run->scenario.ends[i].flow == GRE_FLOW_STRICT)
			*waited += run->ends[i].waited + stats.window_full;
	}
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long long first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned long failed = 0, up = 0, tails = 0, data = 0, sides = 0, by_tls = 0,
		      packed[4] = { 0 };
	uint64_t waited = 0, timeouts = 0, headers = 0;
	static struct run run;

	for (unsigned long i = 0; i < count; i++) {
		one(&run, first + i);
		up += run.both_up;
		by_tls += run.both_up && run.ends[0].tls.label;
		tails += run.tail_checked;
		sides += run.ends[0].side.up;
		data += run.ends[0].received + run.ends[1].received;
		for (int k = 0; k < 2; k++)
			packed[run.ends[k].unpack] += run.ends[k].compressed,
				headers += run.ends[k].headers;
		count_flow(&run, &waited, &timeouts);
		if (run.broken) {
			failed++;
			if (failed <= 10)
				describe(&run, first + i);
		}
	}
	printf("# %lu calls, %lu came up, %lu by EAP-TLS, %lu with a second one, %lu sound after "
	       "their faults, "
	       "%lu data packets received, %lu, %lu and %lu by MPPC, Deflate and BSD-Compress, "
	       "%llu with compressed headers, "
	       "%llu waited for a window, %llu "
	       "acknowledgements timed "
	       "out\n",
		count, up, by_tls, sides, tails, data, packed[CODEC_MPPC], packed[CODEC_DEFLATE],
		packed[CODEC_BSD], (unsigned long long)headers, (unsigned long long)waited,
		(unsigned long long)timeouts);
	printf("%s 1 - %lu simulated calls with faults keep every invariant (%lu do not)\n1..1\n",
		failed ? "not ok" : "ok", count, failed);
	return failed ? 1 : 0;
}
