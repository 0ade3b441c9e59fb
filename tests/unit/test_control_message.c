/*
 * The 15 control messages against golden bytes, written out by hand from the figures of RFC 2637
 * sections 2.1 to 2.15; then everything that must be refused, and the texts.
 */
#include "lib/control/message.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER(length, type) length " 0001 1a2b3c4d " type " 0000 "

struct golden {
	/* Hexadecimal digits, 'text', and zNN for NN octets of 0. */
	const char *bytes;
	struct control_message m;
	const char *line; /* of control_message_format() */
};

static const struct golden goldens[] = {
	{ HEADER("009c",
		  "0001") "0100 0000 00000001 00000002 0003 0004 'pns.example' z53 'vendor' z58",
		{ .type = CONTROL_START_REQUEST,
			.start = { .version = 0x0100,
				.framing = 1,
				.bearer = 2,
				.max_channels = 3,
				.firmware = 4,
				.host_name = "pns.example",
				.vendor = "vendor" } },
		"Start-Control-Connection-Request version 1.0 framing 1 bearer 2 channels 3 "
		"firmware 4 "
		"host \"pns.example\" vendor \"vendor\"" },
	{ HEADER("009c", "0002") "0100 02 04 00000003 00000001 ffff 1234 z64 00 ff '\"' z61",
		{ .type = CONTROL_START_REPLY,
			.start = { .version = 0x0100,
				.result = CONTROL_START_GENERAL_ERROR,
				.error = CONTROL_ERROR_NO_RESOURCE,
				.framing = 3,
				.bearer = 1,
				.max_channels = 0xffff,
				.firmware = 0x1234,
				.vendor = "\0\xff\"" } },
		"Start-Control-Connection-Reply version 1.0 framing 3 bearer 1 channels 65535 "
		"firmware 4660 host \"\" vendor \"\\x00\\xff\\x22\": general error (result 2), "
		"no resources (error 4)" },
	{ HEADER("0010", "0003") "03 00 0000",
		{ .type = CONTROL_STOP_REQUEST, .stop_request = { CONTROL_STOP_LOCAL_SHUTDOWN } },
		"Stop-Control-Connection-Request: shutting down (reason 3)" },
	{ HEADER("0010", "0004") "02 03 0000",
		{ .type = CONTROL_STOP_REPLY, .stop_reply = { 2, CONTROL_ERROR_BAD_VALUE } },
		"Stop-Control-Connection-Reply: general error (result 2), bad value (error 3)" },
	{ HEADER("0010", "0005") "01020304",
		{ .type = CONTROL_ECHO_REQUEST, .echo_request = { 0x01020304 } },
		"Echo-Request identifier 16909060" },
	{ HEADER("0014", "0006") "f1020304 01 05 0000",
		{ .type = CONTROL_ECHO_REPLY, .echo_reply = { 0xf1020304, 1, 5 } },
		"Echo-Reply identifier 4043440900: ok (result 1), bad Call ID (error 5)" },
	{ HEADER("00a8", "0007") "9d49 0013 0000012c 05f5e100 00000003 00000002 0040 0005 "
				 "0007 0000 '5550123' z57 00ff z62",
		{ .type = CONTROL_OUTGOING_CALL_REQUEST,
			.outgoing_request = { .call_id = 0x9d49,
				.serial = 19,
				.min_bps = 300,
				.max_bps = 100000000,
				.bearer = 3,
				.framing = 2,
				.window = 64,
				.processing_delay = 5,
				.phone_length = 7,
				.phone = "5550123",
				.subaddress = "\0\xff" } },
		"Outgoing-Call-Request call 40265 serial 19 300..100000000 bps bearer 3 framing 2 "
		"window 64 delay 5 phone \"5550123\" subaddress \"\\x00\\xff\"" },
	{ HEADER("0020", "0008") "736a 9d49 02 06 0102 3b9aca00 4000 0007 00000008",
		{ .type = CONTROL_OUTGOING_CALL_REPLY,
			.outgoing_reply = { .call_id = 0x736a,
				.peer_call_id = 0x9d49,
				.result = 2,
				.error = 6,
				.cause = 0x0102,
				.connect_speed = 1000000000,
				.window = 16384,
				.processing_delay = 7,
				.physical_channel = 8 } },
		"Outgoing-Call-Reply call 29546 peer's call 40265 speed 1000000000 window 16384 "
		"delay 7 channel 8: general error (result 2), vendor-specific error of the PAC "
		"(error 6), cause 258" },
	{ HEADER("00dc",
		  "0009") "0102 0304 00000001 00000005 0003 0004 '123' z61 '4567' z60 'sub' z61",
		{ .type = CONTROL_INCOMING_CALL_REQUEST,
			.incoming_request = { .call_id = 0x0102,
				.serial = 0x0304,
				.bearer = 1,
				.physical_channel = 5,
				.dialed_length = 3,
				.dialing_length = 4,
				.dialed = "123",
				.dialing = "4567",
				.subaddress = "sub" } },
		"Incoming-Call-Request call 258 serial 772 bearer 1 channel 5 dialed \"123\" "
		"dialing \"4567\" subaddress \"sub\"" },
	{ HEADER("0018", "000a") "0102 0304 03 01 0005 0006 0000",
		{ .type = CONTROL_INCOMING_CALL_REPLY,
			.incoming_reply = { 0x0102, 0x0304, 3, 1, 5, 6 } },
		"Incoming-Call-Reply call 258 peer's call 772 window 5 delay 6: "
		"not accepted (result 3), not connected (error 1)" },
	{ HEADER("001c", "000b") "0102 0000 0000fde8 0040 0002 00000001",
		{ .type = CONTROL_INCOMING_CALL_CONNECTED,
			.incoming_connected = { 0x0102, 65000, 64, 2, 1 } },
		"Incoming-Call-Connected peer's call 258 speed 65000 window 64 delay 2 framing 1" },
	{ HEADER("0010", "000c") "fcb0 0000",
		{ .type = CONTROL_CALL_CLEAR_REQUEST, .clear_request = { 0xfcb0 } },
		"Call-Clear-Request call 64688" },
	{ HEADER("0094", "000d") "3b37 00 00 0011 0000 'bytes=1' z121",
		{ .type = CONTROL_CALL_DISCONNECT_NOTIFY,
			.disconnect = { .call_id = 0x3b37, .cause = 17, .statistics = "bytes=1" } },
		"Call-Disconnect-Notify call 15159 statistics \"bytes=1\": no result given (result "
		"0), "
		"cause 17" },
	{ HEADER("0028", "000e") "0102 0000 00000001 00000002 00000003 00000004 00000005 00000006",
		{ .type = CONTROL_WAN_ERROR_NOTIFY, .wan_error = { 0x0102, 1, 2, 3, 4, 5, 6 } },
		"WAN-Error-Notify peer's call 258 CRC 1 framing 2 hardware 3 buffer 4 time-out 5 "
		"alignment 6" },
	{ HEADER("0018", "000f") "3b37 0000 ffffffff 000a0000",
		{ .type = CONTROL_SET_LINK_INFO, .link_info = { 0x3b37, 0xffffffff, 0x000a0000 } },
		"Set-Link-Info peer's call 15159 ACCM send ffffffff receive 000a0000" },
};

#define COUNT (sizeof(goldens) / sizeof(goldens[0]))

static unsigned int digit(char ch)
{
	return (unsigned int)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
}

static size_t parse(const char *s, uint8_t *out)
{
	size_t n = 0;

	while (*s) {
		if (*s == ' ') {
			s++;
		} else if (*s == '\'') {
			for (s++; *s != '\''; s++)
				out[n++] = (uint8_t)*s;
			s++;
		} else if (*s == 'z') {
			unsigned long zeros = strtoul(s + 1, (char **)(uintptr_t)&s, 10);

			memset(out + n, 0, zeros);
			n += zeros;
		} else {
			assert_true(isxdigit((unsigned char)s[0]) && isxdigit((unsigned char)s[1]));
			out[n++] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
			s += 2;
		}
		assert_true(n <= CONTROL_MESSAGE_MAX);
	}
	return n;
}

static void assert_decodes(const struct control_message *want, const uint8_t *data, size_t len)
{
	struct control_message m;
	const char *why = NULL;

	assert_int_equal(control_message_decode(&m, data, len, &why), 0);
	assert_null(why);
	assert_memory_equal(&m, want, sizeof(m));
}

static void assert_refused(const uint8_t *data, size_t len)
{
	struct control_message m;
	const char *why = NULL;

	assert_int_equal(control_message_decode(&m, data, len, &why), -EBADMSG);
	assert_non_null(why);
}

static void every_message_has_its_golden_bytes(void **state)
{
	uint8_t want[CONTROL_MESSAGE_MAX], got[CONTROL_MESSAGE_MAX];

	(void)state;
	assert_int_equal(COUNT, 15);
	for (size_t i = 0; i < COUNT; i++) {
		const struct control_message *m = &goldens[i].m;
		size_t len = parse(goldens[i].bytes, want);

		assert_int_equal(m->type, i + 1);
		assert_int_equal(control_message_encode(m, got, sizeof(got)), (int)len);
		assert_memory_equal(got, want, len);
	}
}

static void every_field_is_decoded(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX], again[CONTROL_MESSAGE_MAX];
	char line[512];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t len = parse(goldens[i].bytes, data);
		const char *why = NULL;
		struct control_message m;

		assert_int_equal(control_message_frame(data, len, &why), (int)len);
		assert_int_equal(control_message_decode(&m, data, len, &why), 0);
		assert_int_equal(m.type, goldens[i].m.type);
		control_message_format(&m, line, sizeof(line));
		assert_string_equal(line, goldens[i].line);
		assert_int_equal(control_message_encode(&m, again, sizeof(again)), (int)len);
		assert_memory_equal(again, data, len);
		assert_decodes(&m, again, len);
	}
}

/* Any octet may have any value but those of length, PPTP message type, cookie and control type. */
static void values_are_never_refused(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX], again[CONTROL_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t len = parse(goldens[i].bytes, data);
		struct control_message m;
		const char *why = NULL;

		memset(data + 10, 0xff, len - 10);
		assert_int_equal(control_message_decode(&m, data, len, &why), 0);
		assert_int_equal(control_message_encode(&m, again, sizeof(again)), (int)len);
		assert_memory_equal(again, data, 10);
		assert_int_equal(again[10] | again[11], 0); /* Reserved0 */
		assert_decodes(&m, again, len);
	}
}

static void text_of_64_octets_is_kept_whole(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX];
	struct control_message m;
	const char *why = NULL;
	size_t len;

	(void)state;
	len = parse(goldens[CONTROL_INCOMING_CALL_REQUEST - 1].bytes, data);
	memset(data + 28, 'x', 192);
	data[24] = 0; /* dialed number of 65 octets: one more than there is room for */
	data[25] = 65;
	data[27] = 64;
	assert_int_equal(control_message_decode(&m, data, len, &why), 0);
	assert_int_equal(strlen(m.incoming_request.dialed), 64);
	assert_int_equal(strlen(m.incoming_request.dialing), 64);
	assert_int_equal(strlen(m.incoming_request.subaddress), 64);
	assert_int_equal(m.incoming_request.dialed_length, 64);
	assert_int_equal(m.incoming_request.dialing_length, 64);
	m.incoming_request.dialing_length = 0xffff;
	assert_int_equal(control_message_encode(&m, data, sizeof(data)), (int)len);
	assert_int_equal(data[25], 64);
	assert_int_equal(data[26] << 8 | data[27], 64);
}

/* Sections 2.7 and 2.9: the length is that of the valid digits. */
static void octets_behind_a_number_are_not_part_of_it(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX];
	struct control_message m;
	const char *why = NULL;
	size_t len;

	(void)state;
	len = parse(goldens[CONTROL_INCOMING_CALL_REQUEST - 1].bytes, data);
	memset(data + 28, '5', 128);
	data[25] = 3;
	data[27] = 63;
	assert_int_equal(control_message_decode(&m, data, len, &why), 0);
	assert_string_equal(m.incoming_request.dialed, "555");
	assert_int_equal(strlen(m.incoming_request.dialing), 63);

	len = parse(goldens[CONTROL_OUTGOING_CALL_REQUEST - 1].bytes, data);
	memset(data + 40, '7', 64);
	data[37] = 1;
	assert_int_equal(control_message_decode(&m, data, len, &why), 0);
	assert_string_equal(m.outgoing_request.phone, "7");
	data[37] = 0; /* forgotten */
	assert_int_equal(control_message_decode(&m, data, len, &why), 0);
	assert_int_equal(strlen(m.outgoing_request.phone), 64);
}

static void every_other_length_is_refused(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t right = parse(goldens[i].bytes, data);

		for (size_t len = 0; len <= sizeof(data); len++) {
			/* The heap: the sanitizer sees the first octet read beyond the end. */
			uint8_t *copy = malloc(len ? len : 1);

			memcpy(copy, data, len);
			if (len != right)
				assert_refused(copy, len); /* cut or with more behind it */
			if (len >= 2 && len != right) {
				copy[0] = 0;
				copy[1] = (uint8_t)len;
				assert_refused(copy, len); /* and saying so */
			}
			free(copy);
		}
	}
}

static void a_length_field_that_lies_is_refused(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t right = parse(goldens[i].bytes, data);

		for (size_t field = 0; field <= 255; field++) {
			data[1] = (uint8_t)field;
			if (field != right)
				assert_refused(data, right);
		}
	}
}

static void unknown_control_types_are_refused(void **state)
{
	uint8_t data[CONTROL_MESSAGE_MAX];
	static const uint16_t types[] = { 0, 16, 17, 255, 256, 257, 0x0100, 0xffff };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t k = 0; k < COUNT; k++) {
			size_t len = parse(goldens[k].bytes, data);

			data[8] = (uint8_t)(types[i] >> 8);
			data[9] = (uint8_t)types[i];
			assert_refused(data, len);
		}
	}
}

static void frame_judges_as_early_as_it_can(void **state)
{
	static const struct {
		const char *bytes;
		int want;
	} table[] = {
		{ "", 0 },
		{ "00", 0 },
		{ "ff", 0 },
		{ "0000", -EBADMSG },
		{ "0007", -EBADMSG },
		{ "0008", -EBADMSG },
		{ "000b", -EBADMSG },
		{ "000c", 12 },
		{ "00db", 219 },
		{ "00dc", 220 }, /* Incoming-Call-Request, the largest that is legal */
		{ "00dd", -EBADMSG },
		{ "0100", -EBADMSG },
		{ "ffff", -EBADMSG },
		{ "0010 00", 16 },
		{ "0010 0001", 16 },
		{ "0010 0002", -EBADMSG }, /* management message */
		{ "0010 0000", -EBADMSG },
		{ "0010 0101", -EBADMSG },
		{ "0010 0001 1a2b3c", 16 },
		{ "0010 0001 1a2b3c4d", 16 },
		{ "0010 0001 1a2b3c4e", -EBADMSG },
		{ "0010 0001 4d3c2b1a", -EBADMSG },
		{ "'GET / HTTP/1.1'", -EBADMSG },
		{ "'SSH-2.0'", -EBADMSG },
	};
	uint8_t data[CONTROL_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *why = NULL;
		size_t len = parse(table[i].bytes, data);

		assert_int_equal(control_message_frame(data, len, &why), table[i].want);
		assert_int_equal(why != NULL, table[i].want < 0);
	}
}

static void encode_needs_the_exact_room(void **state)
{
	uint8_t buf[CONTROL_MESSAGE_MAX];
	struct control_message m;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t len = parse(goldens[i].bytes, buf);

		assert_int_equal(control_message_encode(&goldens[i].m, buf, len), (int)len);
		assert_int_equal(control_message_encode(&goldens[i].m, buf, len - 1), -ENOBUFS);
		assert_int_equal(control_message_encode(&goldens[i].m, buf, 0), -ENOBUFS);
	}
	memset(&m, 0, sizeof(m));
	assert_int_equal(control_message_encode(&m, buf, sizeof(buf)), -EINVAL);
	m.type = (enum control_type)16;
	assert_int_equal(control_message_encode(&m, buf, sizeof(buf)), -EINVAL);
}

static void random_bytes_decode_to_what_encodes_again(void **state)
{
	uint32_t seed = 2637;
	uint8_t data[CONTROL_MESSAGE_MAX], again[CONTROL_MESSAGE_MAX];
	unsigned int decoded = 0;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t len = parse(goldens[(unsigned int)round % COUNT].bytes, data);
		struct control_message m;
		const char *why = NULL;
		char line[900];

		for (unsigned int k = 0; k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			data[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		if (control_message_frame(data, len, &why) < 0 ||
			control_message_decode(&m, data, len, &why) < 0) {
			assert_non_null(why);
			continue;
		}
		decoded++;
		assert_true(control_message_format(&m, line, sizeof(line)) < (int)sizeof(line));
		assert_int_equal(control_message_encode(&m, again, sizeof(again)), (int)len);
		assert_decodes(&m, again, len);
	}
	assert_true(decoded > 10000);
}

static void texts_exist_for_every_number(void **state)
{
	(void)state;
	assert_string_equal(control_type_name(7), "Outgoing-Call-Request");
	assert_string_equal(control_type_name(0), "unknown");
	assert_string_equal(control_type_name(16), "unknown");
	assert_string_equal(control_type_name(UINT32_MAX), "unknown");
	assert_string_equal(control_error_text(4), "no resources");
	assert_string_equal(control_error_text(7), "unknown");
	assert_string_equal(control_result_text(CONTROL_OUTGOING_CALL_REPLY, 4), "busy");
	assert_string_equal(control_result_text(CONTROL_START_REPLY, 0), "unknown");
	assert_string_equal(control_result_text(CONTROL_START_REPLY, 4), "not authorized");
	assert_string_equal(control_result_text(CONTROL_ECHO_REQUEST, 1), "unknown");
	for (unsigned int type = 0; type < 20; type++) {
		for (unsigned int result = 0; result < 300; result++)
			assert_non_null(control_result_text((enum control_type)type, result));
	}
}

static void format_is_cut_and_terminated(void **state)
{
	const struct golden *g = &goldens[CONTROL_OUTGOING_CALL_REPLY - 1];
	int full = (int)strlen(g->line);
	char buf[256];

	(void)state;
	for (size_t size = 0; size < sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(control_message_format(&g->m, buf, size), full);
		assert_int_equal(buf[size], '#');
		if (size) {
			assert_int_equal(
				strlen(buf), size - 1 < (size_t)full ? size - 1 : (size_t)full);
			assert_memory_equal(buf, g->line, strlen(buf));
		}
	}
}

static void outcome_names_result_error_and_cause(void **state)
{
	struct control_message m = { .type = CONTROL_CALL_DISCONNECT_NOTIFY };
	char buf[128];

	(void)state;
	m.disconnect.result = 200;
	m.disconnect.error = 201;
	assert_true(control_message_outcome(&m, buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "unknown (result 200), unknown (error 201)");
	m.type = CONTROL_ECHO_REQUEST;
	assert_int_equal(control_message_outcome(&m, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_has_its_golden_bytes),
		cmocka_unit_test(every_field_is_decoded),
		cmocka_unit_test(values_are_never_refused),
		cmocka_unit_test(text_of_64_octets_is_kept_whole),
		cmocka_unit_test(octets_behind_a_number_are_not_part_of_it),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(a_length_field_that_lies_is_refused),
		cmocka_unit_test(unknown_control_types_are_refused),
		cmocka_unit_test(frame_judges_as_early_as_it_can),
		cmocka_unit_test(encode_needs_the_exact_room),
		cmocka_unit_test(random_bytes_decode_to_what_encodes_again),
		cmocka_unit_test(texts_exist_for_every_number),
		cmocka_unit_test(format_is_cut_and_terminated),
		cmocka_unit_test(outcome_names_result_error_and_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
