/*
 * Flow control measured in virtual time: `sim-flow [--json]`. One of our tunnels sends as much as a
 * steady source offers, over a path with delay and loss, to a peer that acknowledges in its own
 * way; each policy is compared with `off`, which never waits. Numbers, no verdicts: see
 * tests/bench/README.md.
 */
#include "lib/ppp/frame.h"
#include "lib/tunnel.h"
#include "tests/sim/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND  1000000ull
#define RUN     (20 * SECOND)
#define LENGTH  64     /* octets of a packet: only their number counts here */
#define DELAYED 100000 /* us: how long a lazy peer waits */

enum peer {
	PEER_OURS,      /* our own receiver, acknowledgements alone */
	PEER_BOTH_WAYS, /* our own receiver, with data the other way, half as much */
	PEER_DELAYED,   /* all that came, 100 ms after the first of it */
	PEER_NEVER,
};

struct scenario {
	const char *what;
	enum peer peer;
	uint16_t window;
	uint32_t rtt;      /* us */
	unsigned int loss; /* per thousand, both ways */
	uint32_t interval; /* us between two packets of the source */
	uint32_t jitter;   /* us */
	bool outages;      /* for 1 s of every 5 nothing passes */
};

struct result {
	double rate;      /* packets a second that arrived */
	double waited;    /* us, mean of those that were sent */
	uint64_t longest; /* us */
	uint64_t timeouts, acks, received, dropped;
};

struct flow {
	struct sim_network net;
	struct tunnel ends[2]; /* 0 sends */
	struct rc4_batch batch;
	struct packet *free;
	enum peer peer;
	uint32_t highest; /* PEER_DELAYED */
	uint64_t ack_at;
	uint64_t arrived, acks, sent, waited, longest;
};

static struct packet *slot(struct flow *f)
{
	struct packet *p = f->free;

	if (p)
		f->free = p->next;
	else
		p = malloc(sizeof(*p));
	if (!p)
		abort();
	packet_reset(p);
	return p;
}

static void give_back(struct flow *f, struct packet *p)
{
	p->next = f->free;
	f->free = p;
}

static void transmit(struct flow *f, unsigned int from, struct packet *p)
{
	sim_send(&f->net, SIM_DATAGRAM, 1 - from, p->data, p->len);
	give_back(f, p);
}

static void count_sent(struct flow *f, uint64_t waited)
{
	f->sent++;
	f->waited += waited;
	if (waited > f->longest)
		f->longest = waited;
}

static void release(struct flow *f, unsigned int end)
{
	struct packet_list out;
	struct packet *p;

	packet_list_init(&out);
	while (tunnel_sendable(&f->ends[end]))
		tunnel_release(&f->ends[end], f->net.now, &f->batch, &out);
	while ((p = packet_list_take(&out))) {
		if (!end)
			count_sent(f, f->net.now - p->time);
		transmit(f, end, p);
	}
}

static void offer(struct flow *f, unsigned int end)
{
	struct packet *p = slot(f);
	int rc;

	memset(p->data, 0, LENGTH);
	p->data[0] = 0x45;
	p->len = LENGTH;
	rc = tunnel_seal(&f->ends[end], p, PPP_IP, f->net.now, &f->batch);
	if (rc < 0)
		give_back(f, p);
	if (rc == 0) {
		if (!end)
			count_sent(f, 0);
		transmit(f, end, p);
	}
}

static void acknowledge(struct flow *f, unsigned int end)
{
	struct packet *p;

	if (end && f->peer != PEER_OURS && f->peer != PEER_BOTH_WAYS)
		return;
	p = slot(f);
	if (tunnel_ack(&f->ends[end], p, f->net.now)) {
		f->acks += end;
		transmit(f, end, p);
	} else {
		give_back(f, p);
	}
}

static void finish(struct flow *f, unsigned int end, struct packet_list *in)
{
	struct packet *p;

	while ((p = packet_list_take(in))) {
		tunnel_decrypt(&f->ends[end], p, &f->batch);
		tunnel_finish(&f->ends[end], p);
		f->arrived += end && p->verdict == PACKET_DATA;
		give_back(f, p);
	}
}

/* A peer of another make has seen `seq`. */
static void peer_saw(struct flow *f, uint32_t seq)
{
	if (f->peer != PEER_DELAYED)
		return;
	if (f->ack_at == UINT64_MAX)
		f->ack_at = f->net.now + DELAYED;
	if ((int32_t)(seq - f->highest) > 0)
		f->highest = seq;
}

static void peer_acknowledges(struct flow *f)
{
	struct gre_header h = { .call_id = 1, .has_ack = true, .ack = f->highest };
	uint8_t bytes[GRE_HEADER_MAX];

	if (f->net.now < f->ack_at)
		return;
	f->ack_at = UINT64_MAX;
	f->acks++;
	gre_header_encode(&h, bytes);
	sim_send(&f->net, SIM_DATAGRAM, 0, bytes, gre_header_size(&h));
}

static void arrive(struct flow *f, const struct sim_event *e)
{
	struct packet_list out;
	struct gre_header h;
	struct packet *p;
	size_t at;

	if (gre_header_decode(&h, e->data, e->len, &at) != GRE_OK)
		abort();
	p = slot(f);
	memcpy(p->data, e->data + at, h.payload_len);
	p->len = h.payload_len;
	if (e->to && h.has_seq)
		peer_saw(f, h.seq);
	packet_list_init(&out);
	tunnel_receive(&f->ends[e->to], &h, p, f->net.now, &out);
	finish(f, e->to, &out);
	release(f, e->to);
	acknowledge(f, e->to);
}

static void tick(struct flow *f, unsigned int end)
{
	struct packet_list out;

	if (f->net.now < tunnel_deadline(&f->ends[end]))
		return;
	packet_list_init(&out);
	tunnel_tick(&f->ends[end], f->net.now, &out);
	finish(f, end, &out);
	release(f, end);
	acknowledge(f, end);
}

static uint64_t soonest(const struct flow *f, uint64_t next)
{
	uint64_t times[] = { sim_next(&f->net), tunnel_deadline(&f->ends[0]), f->ack_at,
		f->peer == PEER_OURS || f->peer == PEER_BOTH_WAYS
			? tunnel_deadline(&f->ends[1])
			: f->ends[1].receiver.hold_deadline };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i] < next)
			next = times[i];
	}
	return next;
}

static void begin(struct flow *f, const struct scenario *s, enum gre_flow policy)
{
	struct sim_faults faults = { .loss = s->loss, .delay = s->rtt / 2, .jitter = s->jitter };
	struct tunnel_config us = { .call_id = 1,
		.peer_call_id = 2,
		.window = s->window,
		.peer_window = s->window,
		.flow = policy };
	struct tunnel_config peer = us;

	memset(f, 0, sizeof(*f));
	peer.call_id = 2;
	peer.peer_call_id = 1;
	peer.flow = GRE_FLOW_OFF;
	sim_network_init(&f->net, 1, &faults);
	tunnel_init(&f->ends[0], &us);
	tunnel_init(&f->ends[1], &peer);
	f->ends[0].data_open = f->ends[1].data_open = true;
	f->peer = s->peer;
	if (s->outages)
		f->net.outage_from = f->net.outage_to = 0;
	f->ack_at = UINT64_MAX;
}

static void end(struct flow *f)
{
	struct packet_list out;
	struct packet *p;

	packet_list_init(&out);
	tunnel_done(&f->ends[0], &out);
	tunnel_done(&f->ends[1], &out);
	while ((p = packet_list_take(&out)))
		free(p);
	while ((p = f->free)) {
		f->free = p->next;
		free(p);
	}
	sim_network_done(&f->net);
}

static struct result run(const struct scenario *s, enum gre_flow policy)
{
	static struct flow f;
	struct tunnel_stats stats;
	struct result r;
	uint64_t stop, next;
	unsigned int count = 0;

	begin(&f, s, policy);
	stop = f.net.now + RUN;
	next = f.net.now;
	while (f.net.now < stop) {
		uint64_t now = soonest(&f, next);

		if (s->outages && now >= f.net.outage_to + 4 * SECOND) {
			f.net.outage_from = now;
			f.net.outage_to = now + SECOND;
		}
		if (now > f.net.now)
			f.net.now = now;
		if (sim_next(&f.net) <= f.net.now) {
			struct sim_event *e = sim_take(&f.net);

			arrive(&f, e);
			sim_recycle(&f.net, e);
		}
		tick(&f, 0);
		tick(&f, 1);
		peer_acknowledges(&f);
		if (f.net.now >= next) {
			offer(&f, 0);
			if (s->peer == PEER_BOTH_WAYS && count++ % 2)
				offer(&f, 1);
			next += s->interval;
		}
	}
	tunnel_get_stats(&f.ends[0], &stats);
	r = (struct result){
		.rate = (double)f.arrived * (double)SECOND / (double)RUN,
		.waited = f.sent ? (double)f.waited / (double)f.sent : 0,
		.longest = f.longest,
		.timeouts = stats.ack_timeouts,
		.acks = f.acks,
		.received = f.arrived,
		.dropped = stats.drops[TUNNEL_DROP_WINDOW],
	};
	end(&f);
	return r;
}

static const struct scenario scenarios[] = {
	{ "acknowledges", PEER_OURS, 64, 2000, 0, 100, 0, false },
	{ "acknowledges", PEER_OURS, 64, 20000, 0, 100, 0, false },
	{ "acknowledges", PEER_OURS, 1024, 20000, 0, 100, 0, false },
	{ "acknowledges", PEER_OURS, 2048, 100000, 0, 100, 0, false },
	{ "acknowledges, data both ways", PEER_BOTH_WAYS, 64, 2000, 0, 100, 0, false },
	{ "acknowledges, data both ways", PEER_BOTH_WAYS, 1024, 20000, 0, 100, 0, false },
	{ "loss 0.1 %", PEER_OURS, 64, 2000, 1, 100, 0, false },
	{ "loss 0.1 %", PEER_OURS, 1024, 20000, 1, 100, 0, false },
	{ "loss 1 %", PEER_OURS, 64, 2000, 10, 100, 0, false },
	{ "loss 1 %", PEER_OURS, 64, 20000, 10, 400, 0, false },
	{ "loss 1 %", PEER_OURS, 1024, 20000, 10, 100, 0, false },
	{ "loss 1 %", PEER_OURS, 3, 20000, 10, 10000, 0, false },
	{ "jitter 2 ms", PEER_OURS, 64, 8000, 0, 200, 2000, false },
	{ "jitter 2 ms", PEER_OURS, 1024, 8000, 0, 100, 2000, false },
	{ "outages", PEER_OURS, 64, 2000, 0, 100, 0, true },
	{ "outages", PEER_OURS, 64, 20000, 0, 500, 0, true },
	{ "outages", PEER_OURS, 1024, 20000, 0, 100, 0, true },
	{ "after 100 ms", PEER_DELAYED, 64, 20000, 0, 100, 0, false },
	{ "after 100 ms", PEER_DELAYED, 1024, 20000, 0, 100, 0, false },
	{ "after 100 ms", PEER_DELAYED, 4096, 20000, 0, 100, 0, false },
	{ "never", PEER_NEVER, 3, 20000, 0, 100, 0, false },
	{ "never", PEER_NEVER, 64, 20000, 0, 100, 0, false },
};

static const char *const policies[] = {
	[GRE_FLOW_ADVISORY] = "advisory",
	[GRE_FLOW_STRICT] = "strict",
	[GRE_FLOW_OFF] = "off",
};

static void print(const struct scenario *s, enum gre_flow policy, const struct result *r,
	double off, bool json)
{
	double acks = r->received ? (double)r->acks / (double)r->received : 0;

	printf(json ? "{\"peer\":\"%s\",\"window\":%u,\"rtt_ms\":%u,\"offered\":%u,\"policy\":\"%"
		      "s\","
		      "\"packets_per_second\":%.0f,\"relative\":%.4f,\"wait_ms\":%.1f,"
		      "\"longest_wait_ms\":%.1f,\"timeouts\":%llu,\"dropped\":%llu,"
		      "\"acks_per_packet\":%.3f}\n"
		    : "%-29s %6u %4u ms %7u/s  %-8s %7.0f/s %7.2f %% %7.1f ms %7.1f ms %8llu "
		      "%9llu %7.3f\n",
		s->what, s->window, s->rtt / 1000, 1000000 / s->interval, policies[policy], r->rate,
		json ? r->rate / off : 100 * r->rate / off, r->waited / 1000,
		(double)r->longest / 1000, (unsigned long long)r->timeouts,
		(unsigned long long)r->dropped, acks);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json");

	if (!json)
		printf("%-29s %6s %7s %9s  %-8s %9s %9s %10s %10s %8s %9s %7s\n",
			"the peer acknowledges", "window", "RTT", "offered", "policy", "arrived",
			"of off", "mean wait", "longest", "timeouts", "dropped", "acks");
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		static const enum gre_flow order[] = { GRE_FLOW_OFF, GRE_FLOW_ADVISORY,
			GRE_FLOW_STRICT };
		double off = 0;

		for (size_t k = 0; k < 3; k++) {
			struct result r = run(&scenarios[i], order[k]);

			if (order[k] == GRE_FLOW_OFF)
				off = r.rate;
			print(&scenarios[i], order[k], &r, off, json);
		}
	}
	return 0;
}
