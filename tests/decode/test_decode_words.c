/* Packets of PPP in words and fields: protocols that the captures do not have, secrets, what is broken. */
#include "lib/ppp/frame.h"
#include "tools/decode/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct decode_event e;

/* The packet in a block of its own, so that a read behind it is seen. A length of 0 is made right. */
static bool words(uint16_t protocol, const void *bytes, size_t len, bool secrets)
{
	struct decode_ppp ppp = { .protocol = protocol };
	uint8_t *packet = malloc(len ? len : 1);
	bool ok;

	memcpy(packet, bytes, len);
	if (len >= 4 && !packet[2] && !packet[3]) {
		packet[2] = (uint8_t)(len >> 8);
		packet[3] = (uint8_t)len;
	}
	e.secrets = secrets;
	decode_event_begin(&e, NULL, DECODE_KIND_PPP);
	ok = decode_words_ppp(&e, &ppp, wire_reader(packet, len));
	free(packet);
	return ok;
}

static const struct {
	uint16_t protocol;
	const char *bytes;
	size_t len;
	const char *text;
} packets_of_others[] = {
#define PACKET(protocol, bytes, text)                                                              \
	{                                                                                          \
		protocol, bytes, sizeof(bytes) - 1, text                                           \
	}
	PACKET(PPP_IPXCP, "\1\1\0\0\1\6\0\0\0\x1a\2\x8\1\2\3\4\5\6\4\4\0\2\5\7mouse\6\2",
		"Configure-Request id 1: IPX-Network-Number 0000001a, IPX-Node-Number "
		"010203040506, IPX-Routing-Protocol protocol 0x0002, IPX-Router-Name "
		"mouse, "
		"IPX-Configuration-Complete"),
	PACKET(PPP_NBFCP, "\1\2\0\x40\2\xc\0\2\0\1\0\2PC1\0\3\5\0\x0a\x01\4\2", "malformed"),
	PACKET(PPP_NBFCP, "\1\2\0\0\2\xc\0\2\0\1\0\2PC1\0\3\5\0\x0a\x01\4\2",
		"Configure-Request id 2: Peer-Information class 2 version 1.2 PC1\\x00, "
		"Multicast-Filtering period 10 priority 1, IEEE-MAC-Address-Required"),
	PACKET(PPP_BCP, "\1\3\0\0\1\4\0\x12\2\4\xff\xf1\3\3\1\4\3\1\6\x8\2\0\0\0\0\1\x8\3\1\x9\2",
		"Configure-Request id 3: Bridge-Identification segment 1 bridge 2, "
		"Line-Identification segment 4095 bridge 1, MAC-Support 1, "
		"Tinygram-Compression 1, MAC-Address 020000000001, IEEE-802-Tagged-Frame "
		"1, "
		"Management-Inline"),
	PACKET(PPP_CBCP,
		"\1\1\0\x0a\4\7\5\1"
		"42",
		"malformed"),
	PACKET(PPP_CBCP,
		"\2\1\0\0\1\2\2\x8\5\1"
		"123\0",
		"Callback-Response id 1: no callback, to a number of the caller's, delay 5 "
		"s "
		"\"123\\x00\""),
	PACKET(PPP_LCP, "\1\1\0\0\x11\4\6\x4e\x12\2\x13\x9\3\2\0\0\0\0\1",
		"Configure-Request id 1: Multilink-MRRU 1614, Short-Sequence-Numbers, "
		"Endpoint-Discriminator MAC 020000000001"),
	PACKET(PPP_LCP, "\1\1\0\xc\3\4\xc0\x23\4\x8\xc0\x25\0\0\3\xe8", "malformed"),
	PACKET(PPP_LCP, "\1\1\0\0\3\4\xc0\x23\4\x8\xc0\x25\0\0\3\xe8",
		"Configure-Request id 1: Authentication-Protocol PAP, Quality-Protocol LQR "
		"period 1000/100 s"),
	PACKET(PPP_CCP, "\1\1\0\0\x12\6\1\0\0\xe1\x15\3\x2f\x1a\4\x78\0\1\2",
		"Configure-Request id 1: MPPE 010000e1 stateless 128-bit 56-bit 40-bit "
		"MPPC, "
		"BSD-Compress version 1 code size 15 bits, Deflate window 15 bits method 8 "
		"check 0, Predictor-1"),
	PACKET(PPP_IPCP, "\1\1\0\x0a\3\6\1\2\3", "malformed: length field 10"),
	PACKET(PPP_LCP, "\x8\1\0\0\x80\x57\1\1\0\xe", "Protocol-Reject id 1: IPV6CP, 4 bytes"),
	PACKET(PPP_LCP,
		"\xd\1\0\0\0\0\0\1\0\0\0\x3c"
		"hi",
		"Time-Remaining id 1: Magic-Number 00000001, 60 seconds \"hi\""),
	PACKET(0x8077, "\1\7\0\0\1\2", "Configure-Request id 7: option 1"),
};

static void options_are_called_by_their_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(packets_of_others) / sizeof(packets_of_others[0]); i++) {
		(void)words(packets_of_others[i].protocol, packets_of_others[i].bytes,
			packets_of_others[i].len, false);
		if (!strstr(e.text, packets_of_others[i].text))
			fail_msg("%zu: %s", i, e.text);
		assert_int_equal(
			e.malformed, strstr(packets_of_others[i].text, "malformed") != NULL);
	}
}

/* One after the other, with and without, in text and in fields. */
static void secrets_are_shown_only_when_asked_for(void **state)
{
	static const struct {
		uint16_t protocol;
		const char *bytes;
		size_t len;
		const char *secret;
	} packets[] = {
		PACKET(PPP_PAP, "\1\1\0\0\5alice\6sesame", "sesame"),
		PACKET(PPP_CHAP, "\1\1\0\0\4ABCDx", "41424344"),
		PACKET(PPP_CHAP, "\2\1\0\0\4ABCDx", "41424344"),
		PACKET(PPP_CHAP, "\3\1\0\0S=0123456789ABCDEF0123456789ABCDEF01234567 M=ok",
			"S=0123456789ABCDEF0123456789ABCDEF01234567"),
		PACKET(PPP_CHAP, "\5\1\0\0wxyz", "7778797a"),
		PACKET(PPP_EAP, "\2\1\0\0\4\4ABCDx", "41424344"),
		/* Rejected, with what was in it. */
		PACKET(PPP_LCP, "\x8\1\0\0\xc0\x23\1\1\0\x8\1a\1b", "010100080161"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		for (int secrets = 0; secrets < 2; secrets++) {
			bool found = false;

			assert_true(words(
				packets[i].protocol, packets[i].bytes, packets[i].len, secrets));
			for (unsigned int k = 0; k < e.field_count; k++) {
				if (e.fields[k].type == DECODE_STRING &&
					strstr(e.fields[k].string, packets[i].secret))
					found = true;
			}
			if (found != secrets)
				fail_msg("%zu: %s", i, e.text);
			assert_true(secrets || !strstr(e.text, packets[i].secret));
		}
	}
}

static void a_packet_cut_anywhere_is_malformed_or_read(void **state)
{
	static const char packet[] =
		"\1\1\0\x29\1\4\5\x78\3\5\xc2\x23\x81\5\6\1\2\3\4\7\2\x8\2\x11\4\6\x4e"
		"\x13\xb\1\1\2\3\4\5\6\7\x8\xd\3\6";

	(void)state;
	for (size_t len = 0; len < sizeof(packet) - 1; len++) {
		for (unsigned int protocol = 0; protocol < 6; protocol++) {
			static const uint16_t protocols[] = { PPP_LCP, PPP_IPCP, PPP_CCP, PPP_CHAP,
				PPP_EAP, PPP_CBCP };

			assert_false(words(protocols[protocol], packet, len, true));
			assert_true(e.malformed);
		}
	}
	assert_true(words(PPP_LCP, packet, sizeof(packet) - 1, false));
}

/* 32,000 options: what does not fit is left out, and said to be. */
static void a_flood_of_options_is_bounded(void **state)
{
	size_t len = 64000;
	uint8_t *packet = calloc(1, len);

	(void)state;
	for (size_t i = 0; i < len; i += 2)
		packet[i] = 99, packet[i + 1] = 2;
	packet[0] = 1;
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	(void)words(PPP_LCP, packet, len, false);
	assert_true(e.cut);
	assert_true(e.field_count <= DECODE_FIELDS_MAX && e.used < DECODE_TEXT_MAX);
	assert_int_equal(e.depth, 0);
	assert_int_equal(e.skipped, 0);
	free(packet);
}

static void says_inner(uint16_t protocol, const char *bytes, size_t len, const char *text)
{
	decode_event_begin(&e, NULL, DECODE_KIND_PPP);
	decode_words_inner(&e, protocol, wire_reader(bytes, len));
	if (!strstr(e.text, text))
		fail_msg("%s", e.text);
}
#define INNER(protocol, bytes, text) says_inner(protocol, bytes, sizeof(bytes) - 1, text)

static void inner_packets_are_one_line(void **state)
{
	(void)state;
	INNER(0x3d, "\xc0\0\0\5\0\x21zz", "multilink seq 5 begin end of IP, 2 bytes");
	INNER(0x3d, "\x40\0\0\6zz", "multilink seq 6 end, 2 bytes");
	INNER(0x3d, "\x40\0\0", "3 bytes");
	INNER(PPP_IP, "\x45\0\0\x1c\0\0\0\0\x40\1\0\0\x0a\0\0\1\x0a\0\0\2\3\4\0\0\0\0\0\0",
		"IPv4 10.0.0.1 > 10.0.0.2 ICMP unreachable code 4, 28 bytes");
	INNER(PPP_IP,
		"\x45\0\0\x20\0\7\x20\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\0\x35\x12\x34\0\xc\0\0zzzz",
		"IPv4 10.0.0.1 > 10.0.0.2 fragment id 7 offset 0+ UDP 53 > 4660 len 4, 32 bytes");
	INNER(PPP_IP, "\x45\0\0", "malformed");
	INNER(PPP_IPV6, "\x60\0\0", "malformed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_called_by_their_names),
		cmocka_unit_test(secrets_are_shown_only_when_asked_for),
		cmocka_unit_test(a_packet_cut_anywhere_is_malformed_or_read),
		cmocka_unit_test(a_flood_of_options_is_bounded),
		cmocka_unit_test(inner_packets_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
