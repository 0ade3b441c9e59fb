/*
 * Every method of authentication x every encryption x every compression (of data and of headers), over each kind of bad
 * path, in virtual time: `sim-matrix [SEEDS [FIRST-SEED]]`, so many calls of each. Both ends have the same policy, of one
 * method, one encryption and one compression. What is possible comes up, with exactly what is in the tables here, at both
 * ends, each way, and carries data: compressed where that was agreed on, none lost once the path is good. What is not
 * ends for the reason that says so.
 *
 * SIM_TRACE=1 shows the links' logs; `sim-matrix SEEDS FIRST-SEED LINE` runs one line of the table.
 */
#include "tests/sim/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND       1000000ull
#define UP_LIMIT     (70 * SECOND)
#define CLOSE_LIMIT  (200 * SECOND)
#define DATA_PACKETS 60 /* each way, over the bad path */
#define TAIL_PACKETS 20 /* that must all arrive */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ALL_STRENGTHS (PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128)

/* The strengths that there are keys for, as both ends have the password (RFC 3079 sections 2 and 3, RFC 5216 2.3). */
static const struct method {
	const char *name;
	enum ppp_auth_method method;
	unsigned int keys;
	enum tls_version tls;
} methods[] = {
	{ "PAP", PPP_AUTH_PAP, 0, TLS_1_2 },
	{ "CHAP-MD5", PPP_AUTH_MD5, 0, TLS_1_2 },
	{ "MS-CHAP", PPP_AUTH_MSCHAP, ALL_STRENGTHS, TLS_1_2 },
	{ "MS-CHAPv2", PPP_AUTH_MSCHAP2, ALL_STRENGTHS, TLS_1_2 },
	{ "EAP-MD5", PPP_AUTH_EAP_MD5, 0, TLS_1_2 },
	{ "EAP-MSCHAPv2", PPP_AUTH_EAP_MSCHAP2, ALL_STRENGTHS, TLS_1_2 },
	{ "EAP-TLS by TLS 1.2", PPP_AUTH_EAP_TLS, ALL_STRENGTHS, TLS_1_2 },
	{ "EAP-TLS by TLS 1.3", PPP_AUTH_EAP_TLS, ALL_STRENGTHS, TLS_1_3 },
	{ "PEAP by TLS 1.2", PPP_AUTH_PEAP, ALL_STRENGTHS, TLS_1_2 },
	{ "PEAP by TLS 1.3", PPP_AUTH_PEAP, ALL_STRENGTHS, TLS_1_3 },
};

static const struct encryption {
	const char *name;
	struct ppp_mppe_config mppe;
} encryptions[] = {
	{ "no encryption", { .policy = PPP_MPPE_OFF } },
	{ "MPPE-40 stateless", { PPP_MPPE_REQUIRE, PPP_MPPE_40, true, false } },
	{ "MPPE-40 stateful", { PPP_MPPE_REQUIRE, PPP_MPPE_40, false, true } },
	{ "MPPE-56 stateless", { PPP_MPPE_REQUIRE, PPP_MPPE_56, true, false } },
	{ "MPPE-56 stateful", { PPP_MPPE_REQUIRE, PPP_MPPE_56, false, true } },
	{ "MPPE-128 stateless", { PPP_MPPE_REQUIRE, PPP_MPPE_128, true, false } },
	{ "MPPE-128 stateful", { PPP_MPPE_REQUIRE, PPP_MPPE_128, false, true } },
	{ "any MPPE preferred", { PPP_MPPE_PREFER, ALL_STRENGTHS, true, true } },
};

static const enum codec_kind codecs[] = { CODEC_NONE, CODEC_MPPC, CODEC_DEFLATE, CODEC_BSD };

static const struct path {
	const char *name;
	struct sim_faults faults;
} paths[] = {
	{ "a good path", { .delay = 5000 } },
	{ "loss", { .delay = 5000, .loss = 50 } },
	{ "reordering", { .delay = 5000, .jitter = 4000 } },
	{ "duplication", { .delay = 5000, .duplicate = 200 } },
	{ "all of it", { .delay = 8000, .loss = 20, .jitter = 3000, .duplicate = 50 } },
};

struct cell {
	const struct method *method;
	const struct encryption *encryption;
	enum codec_kind codec;
	bool vj;
	const struct path *path;
	uint64_t seed;
};

struct run {
	struct cell cell;
	struct sim_network net;
	struct sim_end ends[2];
	bool was_up;
	const char *broken;
};

/* Of the strengths that are allowed and that there are keys for, the strongest; 0: none. */
static unsigned int strength(const struct cell *c)
{
	unsigned int common = c->encryption->mppe.strengths & c->method->keys;

	if (c->encryption->mppe.policy == PPP_MPPE_OFF)
		return 0;
	return common & PPP_MPPE_128 ? 128 : common & PPP_MPPE_56 ? 56 : common ? 40 : 0;
}

static bool possible(const struct cell *c)
{
	return c->encryption->mppe.policy != PPP_MPPE_REQUIRE || strength(c);
}

/* MPPE has no compression but MPPC (RFC 3078 section 2). */
static enum codec_kind compression(const struct cell *c)
{
	return strength(c) && c->codec != CODEC_MPPC ? CODEC_NONE : c->codec;
}

static void run_until(struct run *run, uint64_t time, bool (*done)(const struct sim_end ends[2]))
{
	if (!run->broken)
		run->broken = sim_pair_run(&run->net, run->ends, run->net.now + time, done);
}

static void begin(struct run *run, const struct cell *c)
{
	memset(run, 0, sizeof(*run));
	run->cell = *c;
	sim_network_init(&run->net, c->seed, &c->path->faults);
	for (unsigned int i = 2; i-- > 0;) {
		struct sim_end_config config = { .mppe = c->encryption->mppe,
			.auth = { .count = 1, .methods = { (uint8_t)c->method->method } },
			.tls = c->method->tls,
			.certificate = "alice",
			.vj = c->vj,
			.ipv6 = true,
			.user = "alice",
			.password = "wonderland",
			.flow = GRE_FLOW_ADVISORY,
			.window = 64 };

		if (c->codec != CODEC_NONE)
			config.compress.kinds[config.compress.count++] = c->codec;
		sim_end_init(&run->ends[i], i, &run->net, &config);
	}
}

static void exchange(struct run *run, unsigned int count, uint64_t interval)
{
	while (count-- && !run->broken) {
		for (int k = 0; k < 2; k++) {
			if (run->ends[k].up)
				(void)sim_end_send_data(
					&run->ends[k], 40 + sim_random(&run->net) % 1300);
		}
		run_until(run, interval, NULL);
	}
}

/* What was agreed on is what the tables say, at this end. */
static const char *check_agreed(const struct cell *c, const struct sim_end *e)
{
	struct ppp_link_info info;
	unsigned int bits = strength(c);
	bool stateless = c->encryption->mppe.allow_stateless;

	ppp_link_get_info(e->link, &info);
	if (!info.up)
		return "the call did not last";
	if (strcmp(info.auth, ppp_auth_name(c->method->method)) != 0)
		return "authenticated by another method";
	if (info.tx_encrypted != (bits != 0) || info.rx_encrypted != (bits != 0))
		return "encrypted, or not, against the table";
	if (bits && ((unsigned int)info.mppe.bits != bits || info.mppe.stateless != stateless))
		return "encrypted otherwise than the table says";
	if (info.pack != compression(c) || info.unpack != compression(c))
		return "compressed otherwise than the table says";
	if (info.vj_tx != c->vj || info.vj_rx != c->vj)
		return "headers compressed, or not, against the table";
	if (!e->up6)
		return "IPv6 is not up";
	return NULL;
}

/* The path is good now: time to mend (see calls.c), then all must arrive, as agreed on. */
static void check_tail(struct run *run)
{
	struct tunnel_stats before[2], now;
	uint32_t had[2];

	run->net.faults = (struct sim_faults){ .delay = run->cell.path->faults.delay };
	exchange(run, 40, 100000);
	run_until(run, 8 * SECOND, NULL);
	for (int k = 0; k < 2 && !run->broken; k++) {
		run->broken = check_agreed(&run->cell, &run->ends[k]);
		tunnel_get_stats(&run->ends[k].tunnel, &before[k]);
		had[k] = run->ends[k].received;
	}
	exchange(run, TAIL_PACKETS, 10000);
	run_until(run, SECOND, NULL);
	for (int k = 0; k < 2 && !run->broken; k++) {
		tunnel_get_stats(&run->ends[k].tunnel, &now);
		if (run->ends[k].received != had[k] + TAIL_PACKETS)
			run->broken = "data is missing on a good path";
		else if ((now.rx_compressed != before[k].rx_compressed) !=
			 (compression(&run->cell) != CODEC_NONE))
			run->broken = "data came compressed, or not, against the table";
		else if ((now.rx_vj != before[k].rx_vj) != run->cell.vj)
			run->broken = "headers came compressed, or not, against the table";
	}
}

static void check_refused(struct run *run)
{
	for (int i = 0; i < 2 && !run->broken; i++) {
		if (run->ends[i].ever_up)
			run->broken = "came up without the encryption that is required";
		else if (run->ends[i].reason != PPTP_AUTH_NO_METHOD)
			run->broken = "did not end for want of a method";
	}
}

static void check_end(struct run *run)
{
	for (int i = 0; i < 2; i++) {
		if (!run->broken && run->ends[i].reason == PPTP_NONE)
			run->broken = "an end ended without a reason";
		sim_end_done(&run->ends[i]);
		if (!run->broken && run->ends[i].packets)
			run->broken = "packets leaked";
	}
	sim_network_done(&run->net);
}

static void one(struct run *run, const struct cell *c)
{
	begin(run, c);
	run_until(run, UP_LIMIT, sim_pair_set_up);
	/* One end is up a moment before the other. */
	run_until(run, SECOND / 10, NULL);
	run->was_up = run->ends[0].up && run->ends[1].up;
	if (possible(c) && !run->was_up && !run->broken)
		run->broken = "did not come up";
	if (possible(c)) {
		exchange(run, DATA_PACKETS, 2000);
		check_tail(run);
	}
	if (!run->broken && !sim_pair_over(run->ends) && possible(c))
		sim_end_close(&run->ends[0], SIM_BYE_LINK);
	run_until(run, CLOSE_LIMIT, sim_pair_over);
	if (!run->broken && !sim_pair_over(run->ends))
		run->broken = "the ends did not end";
	if (!possible(c))
		check_refused(run);
	check_end(run);
}

static void describe(const struct run *run)
{
	const struct cell *c = &run->cell;

	printf("# %s, %s, %s%s, %s, seed %llu: %s; client %s (%s), server %s (%s)\n",
		c->method->name, c->encryption->name,
		c->codec == CODEC_NONE ? "no compression" : codec_name(c->codec),
		c->vj ? ", headers" : "", c->path->name, (unsigned long long)c->seed, run->broken,
		pptp_reason_name(run->ends[0].reason), run->ends[0].detail,
		pptp_reason_name(run->ends[1].reason), run->ends[1].detail);
}

/* Each compression over each path, of one line of the table. */
static bool check_line(unsigned int line, unsigned long seeds, unsigned long long first)
{
	static struct run run;
	struct cell c = { .method = &methods[line / COUNT(encryptions)],
		.encryption = &encryptions[line % COUNT(encryptions)] };
	unsigned int calls = 0, up = 0, bad = 0;

	for (unsigned int i = 0; i < COUNT(codecs) * 2 * COUNT(paths); i++) {
		c.codec = codecs[i % COUNT(codecs)];
		c.vj = i / COUNT(codecs) % 2;
		c.path = &paths[i / COUNT(codecs) / 2];
		for (unsigned long k = 0; k < seeds; k++) {
			c.seed = first + k + 1000ull * (line * 64 + i);
			one(&run, &c);
			calls++;
			up += run.was_up;
			if (run.broken && bad++ < 3)
				describe(&run);
		}
	}
	printf("%s %u - %s, %s: %u calls, %s (%u came up, %u were not as they should be)\n",
		bad ? "not ok" : "ok", line + 1, c.method->name, c.encryption->name, calls,
		possible(&c) ? "all up, as agreed on" : "all end for want of a method", up, bad);
	return !bad;
}

int main(int argc, char **argv)
{
	unsigned long seeds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	unsigned long long first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned long only = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned int failed = 0;

	printf("1..%zu\n", only ? (size_t)1 : COUNT(methods) * COUNT(encryptions));
	for (unsigned int i = 0; i < COUNT(methods) * COUNT(encryptions); i++) {
		if (!only || only == i + 1)
			failed += !check_line(i, seeds, first);
	}
	return failed ? 1 : 0;
}
