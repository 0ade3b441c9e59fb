/* Events and facts as doctor and reports get them: typed, and final in the events of what is over. */
#include "lib/control/message.h"
#include "lib/ppp/frame.h"
#include "tests/decode/decoded.h"
#include "tools/decode/call.h"
#include "tools/decode/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What came. */
struct seen {
	struct decode_sink sink;
	unsigned int kinds[DECODE_KINDS], states[DECODE_STATES];
	unsigned int control_types[16], messages, foreign, lost, duplicates;
	uint64_t inner_bytes, last_frame;
	struct decode_call_facts call; /* of the last one that was over */
	struct decode_connection_facts connection;
	struct decode_icmp icmp;
	bool summary_last;
};

static void ppp_seen(struct seen *s, const struct decode_event *e)
{
	assert_non_null(e->gre);
	assert_true(e->ppp->state < DECODE_STATES);
	s->states[e->ppp->state]++;
	s->foreign += e->gre->foreign_id;
	s->lost += e->gre->lost;
	s->duplicates += e->gre->duplicate;
	if (e->ppp->inner) {
		assert_true(wire_left(&e->ppp->packet) <= e->ppp->packet_len);
		if (e->ppp->inner == PPP_IP && wire_left(&e->ppp->packet))
			assert_int_equal(e->ppp->packet.pos[0] >> 4, 4);
		s->inner_bytes += e->ppp->packet_len;
	}
}

static void event_seen(struct decode_sink *self, const struct decode_event *e)
{
	struct seen *s = (struct seen *)self;

	assert_true(e->kind < DECODE_KINDS);
	assert_int_equal(e->depth, 0);
	s->kinds[e->kind]++;
	s->summary_last = e->kind == DECODE_KIND_SUMMARY;
	assert_true(e->has_meta == (e->kind < DECODE_KIND_CONNECTION));
	if (e->kind == DECODE_KIND_CONTROL && e->message) {
		assert_non_null(e->connection);
		assert_int_equal(decode_event_get_int(e, "control_type", 0), e->message->type);
		assert_string_equal(
			decode_event_get_string(e, "message"), control_type_name(e->message->type));
		s->control_types[e->message->type]++;
	}
	if (e->kind == DECODE_KIND_PPP)
		ppp_seen(s, e);
	if (e->kind == DECODE_KIND_ICMP)
		s->icmp = *e->icmp;
	if (e->kind == DECODE_KIND_CALL)
		s->call = e->call->facts;
	if (e->kind == DECODE_KIND_CONNECTION)
		s->connection = e->connection->facts;
}

static void see(struct seen *s, const struct recording *r, uint32_t link)
{
	const struct decode_options options = { .users = &decoded.right };
	char why[DECODE_WHY] = "";
	struct decode_capture *c;
	size_t size;
	uint8_t *file = recording_file(r, link, &size);

	memset(s, 0, sizeof(*s));
	s->sink.event = event_seen;
	c = decode_capture_file(fmemopen(file, size, "rb"), why);
	assert_non_null(c);
	assert_int_equal(decode_run(&options, c, &s->sink, NULL, why), 0);
	decode_capture_close(c);
	free(file);
	assert_true(s->summary_last);
}

static void a_calls_facts_are_those_of_its_log(void **state)
{
	const struct decode_side_facts *client, *server;
	struct recording r;
	struct seen s;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	see(&s, &r, DLT_EN10MB);
	recording_free(&r);
	client = &s.call.side[0];
	server = &s.call.side[1];
	assert_int_equal(s.kinds[DECODE_KIND_CALL], 1);
	assert_int_equal(s.kinds[DECODE_KIND_CONNECTION], 1);
	assert_int_equal(s.states[DECODE_DECRYPTED], 109);
	for (int type = 1; type < 16; type++) {
		bool there = type == CONTROL_START_REQUEST || type == CONTROL_START_REPLY ||
			     type == CONTROL_OUTGOING_CALL_REQUEST ||
			     type == CONTROL_OUTGOING_CALL_REPLY ||
			     type == CONTROL_CALL_CLEAR_REQUEST;

		assert_int_equal(s.control_types[type], there);
	}
	assert_int_equal(client->mru, 1400);
	assert_true(client->pfc && client->acfc && client->has_accm && client->accm == 0);
	assert_int_equal(client->auth_protocol, 0);
	assert_int_equal(server->auth_protocol, PPP_CHAP);
	assert_int_equal(server->auth_algorithm, 0x81);
	assert_int_equal(client->address, 0x0a620064); /* 10.98.0.100 */
	assert_int_equal(server->address, 0x0a620001);
	assert_int_equal(client->inner_packets + server->inner_packets, 109);
	assert_int_equal(client->inner_bytes + server->inner_bytes, s.inner_bytes);
	assert_true(client->rtt.count > 5 && client->rtt.smallest <= client->rtt.largest);
	assert_int_equal(client->echo.count, 1);
	assert_true(s.call.request_time && s.call.request_time < s.call.connected_time);
	assert_true(s.call.connected_time < s.call.auth_time && s.call.auth_time < s.call.up_time);
	assert_true(s.call.ending.how == DECODE_END_LCP && s.call.ending.side == 0);
	assert_string_equal(s.call.ending.words, "MPPE disabled");
	assert_true(s.connection.syn_time && s.connection.syn_time < s.connection.accepted_time);
	assert_string_equal(s.connection.vendor[0], "cananian");
	assert_int_equal(s.connection.calls, 1);
	assert_int_equal(s.connection.ending.how, DECODE_END_FIN);
}

static void each_way_to_say_why_it_ended_is_taken(void **state)
{
	static const struct {
		const char *name;
		enum decode_end how;
	} ends[] = {
		{ "pap-plain", DECODE_END_LCP },
		{ "pap-bsdcomp", DECODE_END_LCP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct recording r;
		struct seen s;

		load(&r, ends[i].name);
		see(&s, &r, DLT_EN10MB);
		assert_int_equal(s.call.ending.how, ends[i].how);
		/* Without what LCP says: Call-Clear, without that the connection's end. */
		for (int level = 0; level < 2; level++) {
			for (unsigned int k = 0; k < r.count; k++) {
				const uint8_t *d = r.records[k].data;

				if (d[23] == 47 && r.records[k].len > 50 && level == 0 && k > 100)
					r.records[k].len = 34;
				if (d[23] == 6 && level == 1 && r.records[k].len > 70 && k > 100)
					r.records[k].len = 54;
			}
			see(&s, &r, DLT_EN10MB);
			assert_int_equal(
				s.call.ending.how, level ? DECODE_END_FIN : DECODE_END_CLEAR);
		}
		recording_free(&r);
	}
}

/* A router's "fragmentation needed" about a packet of GRE, and one about somebody else's TCP. */
static void icmp_errors_about_us_are_events(void **state)
{
	static uint8_t error[56] = { 0x45, 0, 0, 56, [8] = 64, [9] = 1, [12] = 192, 0, 2, 1, 10, 99,
		0, 3,
		/* type, code, checksum, unused, MTU */
		3, 4, 0, 0, 0, 0, 0x05, 0x14,
		/* the packet: 10.99.0.3 > 10.99.0.2 */
		0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 64, 47, 0, 0, 10, 99, 0, 3, 10, 99, 0, 2, 0x30,
		0x01, 0x88, 0x0b, 0, 100, 0, 1 };
	struct recording r;
	struct seen s;

	(void)state;
	load(&r, "pap-plain");
	r.count = 1;
	r.records[0].data = error;
	r.records[0].len = sizeof(error);
	see(&s, &r, 101);
	assert_int_equal(s.kinds[DECODE_KIND_ICMP], 1);
	assert_int_equal(s.icmp.mtu, 1300);
	assert_int_equal(s.icmp.protocol, 47);
	assert_int_equal(s.icmp.dst, 0x0a630002);
	error[50] = 0x86; /* another protocol in GRE */
	see(&s, &r, 101);
	assert_int_equal(s.kinds[DECODE_KIND_ICMP], 0);
	for (size_t len = 0; len < sizeof(error); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, error, len);
		r.records[0].data = copy;
		r.records[0].len = len;
		see(&s, &r, 101);
		assert_int_equal(s.kinds[DECODE_KIND_ICMP], 0);
		free(copy);
	}
	recording_free(&r);
}

#define FLOOD  3000
#define PACKET 60

/* A packet of another address each: GRE of a call that nobody agreed on, or a SYN. */
static void flood_packet(uint8_t p[16 + PACKET], unsigned int i, bool gre)
{
	static const uint8_t ip[20] = { 0x45, 0, 0, PACKET, [8] = 64, [16] = 192, 0, 2, 1 };
	static const uint8_t data[16] = { 0x30, 0x01, 0x88, 0x0b, 0, 28, 0, 1, [12] = 0xc0, 0x21, 9,
		1 };
	static const uint8_t syn[20] = { 0x30, 0x39, 0x06, 0xbb, [12] = 0x50, 2 };

	memset(p, 0, 16 + PACKET);
	p[0] = (uint8_t)(i & 255);
	p[8] = p[12] = PACKET;
	memcpy(p + 16, ip, sizeof(ip));
	p[16 + 9] = gre ? 47 : 6;
	p[16 + 12] = 10;
	p[16 + 14] = (uint8_t)(i >> 8);
	p[16 + 15] = (uint8_t)i;
	memcpy(p + 36, gre ? data : syn, gre ? sizeof(data) : sizeof(syn));
}

/* More than are kept: each is told of as over, once, and the memory of the first ones is given back. */
static void a_flood_of_calls_and_connections_is_bounded(void **state)
{
	const struct decode_options options = { 0 };
	size_t size = 24 + (size_t)FLOOD * (16 + PACKET);
	uint8_t *file = calloc(1, size);
	char why[DECODE_WHY] = "";

	(void)state;
	memcpy(file, "\xd4\xc3\xb2\xa1\2\0\4\0", 8);
	file[18] = 1;
	file[20] = 101;
	for (int gre = 0; gre < 2; gre++) {
		struct decode_capture *c;
		struct seen s = { .sink.event = event_seen };

		for (unsigned int i = 0; i < FLOOD; i++)
			flood_packet(file + 24 + i * (size_t)(16 + PACKET), i, gre);
		c = decode_capture_file(fmemopen(file, size, "rb"), why);
		assert_non_null(c);
		assert_int_equal(decode_run(&options, c, &s.sink, NULL, why), 0);
		decode_capture_close(c);
		assert_int_equal(s.kinds[DECODE_KIND_CALL], gre ? FLOOD : 0);
		assert_int_equal(s.kinds[DECODE_KIND_CONNECTION], gre ? 0 : FLOOD);
		assert_int_equal(s.kinds[gre ? DECODE_KIND_PPP : DECODE_KIND_TCP], FLOOD);
		assert_true(s.summary_last);
	}
	free(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_calls_facts_are_those_of_its_log),
		cmocka_unit_test(each_way_to_say_why_it_ended_is_taken),
		cmocka_unit_test(icmp_errors_about_us_are_events),
		cmocka_unit_test(a_flood_of_calls_and_connections_is_bounded),
	};
	int rc;

	decoded_init(argc, argv);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	decoded_done();
	return rc;
}
