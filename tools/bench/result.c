/* What the load generator has measured, as JSON or in lines. */
#include "tools/bench/load.h"

#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Median and so on of set-up times, in ms. */
static json_t *distribution(const struct bench *b, bool to_ping)
{
	uint64_t *t = calloc(b->options.sessions, sizeof(*t));
	unsigned int n = 0;
	json_t *o = json_object();

	for (unsigned int i = 0; t && i < b->options.sessions; i++) {
		const struct load *l = &b->loads[i];

		if (l->pinged)
			t[n++] = (to_ping ? l->first_ping : l->up_at) - l->begin;
	}
	if (n) {
		qsort(t, n, sizeof(*t), compare);
		json_object_set_new(o, "min", json_real((double)t[0] / 1000));
		json_object_set_new(o, "median", json_real((double)t[n / 2] / 1000));
		json_object_set_new(o, "p95", json_real((double)t[(n * 95 - 1) / 100] / 1000));
		json_object_set_new(o, "p99", json_real((double)t[(n * 99 - 1) / 100] / 1000));
		json_object_set_new(o, "max", json_real((double)t[n - 1] / 1000));
	}
	free(t);
	return o;
}

/* What a packet costs: of each ping two go through the server, and acknowledgements alone. */
static void add_flood(json_t *o, const struct bench *b)
{
	double seconds = (double)(b->flood.ended - b->flood.began) / 1e6;
	double packets = (double)b->flood.packets;

	if (!b->flood.ended || !b->flood.answered || !b->flood.packets)
		return;
	json_object_set_new(
		o, "flood_pings_per_second", json_real((double)b->flood.answered / seconds));
	json_object_set_new(o, "flood_packets_per_second", json_real(packets / seconds));
	json_object_set_new(o, "flood_lost", json_integer((json_int_t)b->flood.lost));
	if (b->flood.server_cpu)
		json_object_set_new(o, "flood_server_us_per_packet",
			json_real((double)b->flood.server_cpu / packets / 1000));
	if (b->flood.worker_cpu) {
		json_object_set_new(o, "flood_worker_us_per_packet",
			json_real((double)b->flood.worker_cpu / packets / 1000));
		json_object_set_new(o, "flood_worker_us_per_ping",
			json_real((double)b->flood.worker_cpu / (double)b->flood.answered / 1000));
	}
	json_object_set_new(
		o, "flood_bench_us_per_packet", json_real((double)b->flood.cpu / packets / 1000));
}

static json_t *result(const struct bench *b)
{
	json_t *o = json_object(), *ended = json_object();
	double setup = (double)(b->all_up > b->began ? b->all_up - b->began : 0) / 1e6;

	json_object_set_new(o, "sessions", json_integer(b->options.sessions));
	json_object_set_new(o, "ready", json_integer(b->ready));
	json_object_set_new(o, "failed", json_integer(b->failed));
	json_object_set_new(o, "ping_rounds", json_integer(b->round));
	json_object_set_new(o, "last_round_answered", json_integer(b->round_answered));
	json_object_set_new(o, "pings_sent", json_integer((json_int_t)b->rate_sent));
	json_object_set_new(o, "pings_lost",
		json_integer((json_int_t)(b->rate_sent > b->rate_answered
						  ? b->rate_sent - b->rate_answered
						  : 0)));
	json_object_set_new(o, "setup_seconds", json_real(setup));
	json_object_set_new(o, "setups_per_second", json_real(setup > 0 ? b->ready / setup : 0));
	json_object_set_new(o, "connect_ms", distribution(b, false));
	json_object_set_new(o, "connect_to_ping_ms", distribution(b, true));
	json_object_set_new(o, "teardown_seconds",
		json_real((double)(b->closed_at > b->close_began ? b->closed_at - b->close_began
								 : 0) /
			  1e6));
	if (b->ready && b->rss_before > 0)
		json_object_set_new(o, "bench_kb_per_session",
			json_real((double)(b->rss_up - b->rss_before) / b->ready));
	if (b->ready && b->server_before > 0)
		json_object_set_new(o, "server_kb_per_session",
			json_real((double)(b->server_up - b->server_before) / b->ready));
	if (b->ready && b->slab_before > 0)
		json_object_set_new(o, "kernel_kb_per_session",
			json_real((double)(b->slab_up - b->slab_before) / b->ready));
	if (b->options.server_pid && b->options.hold && b->idle_time)
		json_object_set_new(o, "idle_server_cpu_percent",
			json_real((double)b->idle_cpu / (double)b->idle_time / 10));
	add_flood(o, b);
	for (unsigned int i = 1; i < PPTP_REASON_COUNT; i++) {
		if (b->ended[i])
			json_object_set_new(ended, pptp_reason_name((enum pptp_reason)i),
				json_integer(b->ended[i]));
	}
	json_object_set_new(o, "ended", ended);
	return o;
}

static void print(json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v)
	{
		if (json_is_object(v)) {
			const char *k;
			json_t *w;

			printf("%-22s", key);
			json_object_foreach(v, k, w) printf(
				" %s %.*f", k, json_is_real(w) ? 2 : 0, json_number_value(w));
			printf("\n");
		} else {
			printf("%-22s %.*f\n", key, json_is_real(v) ? 2 : 0, json_number_value(v));
		}
	}
}

int bench_report(const struct bench *b)
{
	json_t *o = result(b);

	if (b->options.json) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		print(o);
	}
	json_decref(o);
	return b->ready == b->options.sessions &&
			       (!b->options.pings || b->round_answered == b->ready)
		       ? 0
		       : 1;
}
