/*
 * The decoder against captures of real peers: everything decrypts, the words are right, nothing
 * secret is shown, and no damage to a capture breaks it.
 */
#include "lib/mppe/keys.h"
#include "lib/ppp/mschap.h"
#include "tests/decode/decoded.h"
#include "tests/unit/tcp_packet.h"
#include "tools/decode/capture.h"

#include <jansson.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int encrypted, decrypted, control;
	unsigned int compressed, decompressed; /* without encryption */
} captures[] = {
	{ "mschapv2-mppe128-stateless", 117, 117, 5, 0, 0 },
	{ "mschapv2-mppe128-stateful", 109, 109, 5, 0, 0 },
	{ "mschapv2-mppe40-stateless", 110, 110, 5, 0, 0 },
	{ "mschap-mppe128-stateless", 109, 109, 5, 0, 0 },
	{ "mschapv2-mppe128-stateless-loss", 64, 64, 5, 0, 0 },
	/* Here the peers themselves lose step for good; the decoder finds the place in the stream. */
	{ "mschapv2-mppe128-stateful-loss", 51, 51, 5, 0, 0 },
	{ "pap-plain", 0, 0, 5, 0, 0 },
	{ "chapmd5-plain", 0, 0, 5, 0, 0 },
	{ "eapmd5-plain", 0, 0, 5, 0, 0 },
	{ "pap-deflate", 0, 0, 5, 77, 77 },
	/* What was lost is in the history of what follows: nobody can decompress that. */
	{ "pap-deflate-loss", 0, 0, 5, 60, 53 },
	{ "pap-bsdcomp", 0, 0, 5, 2, 2 },
	{ "pap-vj", 0, 0, 5, 0, 0 },
	{ "mschapv2-mppe128-stateless-vj", 107, 107, 5, 0, 0 },
};

#define CAPTURES (sizeof(captures) / sizeof(captures[0]))

static void every_encrypted_frame_is_decrypted(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (size_t i = 0; i < CAPTURES; i++) {
		free(decode_name(captures[i].name, &options, &s));
		assert_int_equal(s.encrypted, captures[i].encrypted);
		assert_int_equal(s.decrypted, captures[i].decrypted);
		assert_int_equal(s.compressed, captures[i].compressed);
		assert_int_equal(s.decompressed, captures[i].decompressed);
		assert_int_equal(s.control, captures[i].control);
		assert_int_equal(s.malformed, 0);
		assert_int_equal(s.calls, 1);
		assert_int_equal(s.verified, 1);
	}
}

/* The NT-Response of MS-CHAPv2's only Response in a capture; NULL: there is none. */
static const uint8_t *nt_response(const struct recording *r)
{
	for (unsigned int i = 0; i < r->count; i++) {
		const struct record *record = &r->records[i];

		for (size_t at = 42; at + 56 < record->len; at++) {
			const uint8_t *p = record->data + at;

			if (p[0] == 0xc2 && p[1] == 0x23 && p[2] == 2 && p[6] == 49)
				return p + 7 + 24;
		}
	}
	return NULL;
}

static void a_hash_or_a_master_key_will_do(void **state)
{
	static const uint8_t hash[16] = { 0x3e, 0x05, 0x7c, 0xd1, 0x23, 0x20, 0x5a, 0xa1, 0x68,
		0xaf, 0x5f, 0x12, 0x17, 0x16, 0xb3, 0x35 };
	char text[64] = "alice:", why[DECODE_WHY];
	struct decode_stats s;

	(void)state;
	decode_hex(text + 6, 50, hash, sizeof(hash));
	for (size_t i = 0; i < CAPTURES; i++) {
		struct decode_users users = { 0 }, keys = { 0 };
		const struct decode_options by_hash = { .users = &users };
		const struct decode_options by_key = { .users = &keys };
		uint8_t hash_hash[16], master[16] = { 0 };
		char digits[64];
		struct recording r;

		if (!captures[i].encrypted)
			continue;
		assert_int_equal(decode_users_add_hash(&users, text, why), 0);
		free(decode_name(captures[i].name, &by_hash, &s));
		assert_int_equal(s.decrypted, captures[i].decrypted);
		assert_int_equal(s.verified, 1);
		/* A wrong key and the right one, which MS-CHAP of version 1 does not have. */
		load(&r, captures[i].name);
		mschap_hash_hash(hash, hash_hash);
		decode_hex(digits, sizeof(digits), master, sizeof(master));
		assert_int_equal(decode_users_add_key(&keys, digits, why), 0);
		mppe_master_key(hash_hash, nt_response(&r), master);
		decode_hex(digits, sizeof(digits), master, sizeof(master));
		assert_int_equal(decode_users_add_key(&keys, digits, why), 0);
		free(decode_link(&r, DLT_EN10MB, &by_key, &s));
		assert_int_equal(s.decrypted,
			strstr(captures[i].name, "mschap-") ? 0 : captures[i].decrypted);
		assert_int_equal(s.verified, 0);
		recording_free(&r);
		decode_users_done(&users);
		decode_users_done(&keys);
	}
}

static void keys_and_hashes_are_checked(void **state)
{
	struct decode_users users = { 0 };
	char why[DECODE_WHY], key[129];

	(void)state;
	memset(key, 'a', sizeof(key) - 1);
	key[128] = '\0';
	assert_int_equal(decode_users_add_key(&users, key, why), 0);
	assert_int_equal(decode_users_add_key(&users, key + 96, why), 0);
	assert_int_equal(decode_users_add_key(&users, key + 97, why), -1);
	key[127] = 'g';
	assert_int_equal(decode_users_add_key(&users, key + 96, why), -1);
	assert_int_equal(decode_users_add_hash(&users, key, why), -1);
	assert_int_equal(decode_users_add_hash(&users, "alice:1234", why), -1);
	assert_non_null(strstr(why, "32 hex digits"));
	assert_int_equal(
		decode_users_add_hash(&users, ":3e057cd123205aa168af5f121716b335", why), -1);
	while (users.start_count < DECODE_STARTS_MAX)
		assert_int_equal(
			decode_users_add_key(&users, "00112233445566778899aabbccddeeff", why), 0);
	assert_int_equal(decode_users_add_key(&users, "00112233445566778899aabbccddeeff", why), -1);
	decode_users_done(&users);
}

static void a_wrong_password_is_said_to_be_wrong(void **state)
{
	const struct decode_options options = { .users = &decoded.wrong };
	struct decode_stats s;
	char *text;

	(void)state;
	for (size_t i = 0; i < CAPTURES; i++) {
		text = decode_name(captures[i].name, &options, &s);
		assert_int_equal(s.decrypted, 0);
		assert_int_equal(s.verified, 0);
		assert_non_null(strstr(text, "the given password does not fit"));
		free(text);
	}
}

static void without_a_password_the_rest_is_shown(void **state)
{
	const struct decode_options options = { 0 };
	struct decode_stats s;
	char *text = decode_name("mschapv2-mppe128-stateless", &options, &s);

	(void)state;
	assert_int_equal(s.encrypted, 117);
	assert_int_equal(s.decrypted, 0);
	assert_non_null(strstr(text, "MPPE count 0 flushed, "));
	assert_non_null(strstr(text, " bytes, encrypted\n"));
	assert_null(strstr(text, "password verified"));
	free(text);
}

/* Against tshark's reading of the same capture. */
static void lines_have_the_standards_words(void **state)
{
	static const char *const lines[] = {
		"0.000000 10.99.0.3 > 10.99.0.2  control 1  TCP 42324 > 1723 SYN\n",
		"0.122547 10.99.0.3 > 10.99.0.2  control 1  Start-Control-Connection-Request ",
		"1.019891 10.99.0.2 > 10.99.0.3  control 1  Outgoing-Call-Reply ",
		"1.023125 10.99.0.3 > 10.99.0.2  GRE call ID 0 seq 1  LCP Configure-Request id 1: "
		"MRU 1400, ACCM 00000000, Magic-Number 64f9cd86, PFC, ACFC\n",
		"Authentication-Protocol MS-CHAPv2",
		"1.238522 10.99.0.2 > 10.99.0.3  GRE call ID 38278 seq 3  CHAP Challenge id 37: ",
		"CHAP Response id 37: response of 49 bytes (not shown) name \"alice\", MS-CHAPv2, "
		"password verified\n",
		"CHAP Success id 37: S=(not shown) \"Access granted\", the authenticator knows the "
		"password\n",
		"GRE call ID 0 seq 7 ack 6  CCP Configure-Ack id 1: MPPE 00000040 128-bit "
		"stateful\n",
		"IPCP Configure-Nak id 1: IP-Address 10.98.0.100\n",
		"GRE call ID 0 ack 9\n",
		"MPPE count 1, 86 bytes, decrypted: IPv4 10.98.0.100 > 10.98.0.1 ICMP echo request "
		"id 777 seq 1, 84 bytes\n",
		"LCP Terminate-Request",
		"call 1: user \"alice\" by MS-CHAPv2, password verified; ",
	};
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	char *text = decode_name("mschapv2-mppe128-stateful", &options, &s);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!strstr(text, lines[i]))
			fail_msg("missing: %s", lines[i]);
	}
	free(text);
}

static void each_method_is_named(void **state)
{
	static const struct {
		const char *name, *words;
	} methods[] = {
		{ "pap-plain", "by PAP, password verified" },
		{ "chapmd5-plain", "by CHAP-MD5, password verified" },
		{ "eapmd5-plain", "by EAP-MD5, password verified" },
		{ "mschap-mppe128-stateless", "by MS-CHAP, password verified" },
		{ "pap-deflate",
			"CCP Configure-Ack id 1: Deflate window 15 bits method 8 check 0" },
		{ "pap-bsdcomp", "BSD-Compress version 1 code size 15 bits" },
	};
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char *text = decode_name(methods[i].name, &options, &s);

		if (!strstr(text, methods[i].words))
			fail_msg("%s: missing: %s", methods[i].name, methods[i].words);
		free(text);
	}
}

/* The stateful capture's response and Success, from the file itself, and the password. */
static void no_secret_is_shown(void **state)
{
	static const char *const secrets[] = { "wonderland", "5de01677f311074177871367121dbf2f",
		"b456a5b929597378edd020a8", "AADE66C3FA2AB30FE3D9AD7F4EEE2CE0D514046A",
		"aade66c3fa2ab30fe3d9ad7f4eee2ce0d514046a" };
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (int form = 0; form < 3; form++) {
		for (size_t i = 0; i < CAPTURES; i++) {
			char *text;

			decoded.json = form == 1;
			decoded.verbose = form == 2;
			text = decode_name(captures[i].name, &options, &s);

			for (size_t k = 0; k < sizeof(secrets) / sizeof(secrets[0]); k++)
				assert_null(strstr(text, secrets[k]));
			free(text);
		}
	}
}

static void json_is_one_object_per_line(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	unsigned int lines = 0, decrypted = 0, acks = 0, calls = 0;
	char *text, *rest, *line;

	(void)state;
	decoded.json = true;
	text = rest = decode_name("mschapv2-mppe40-stateless", &options, &s);
	while ((line = strsep(&rest, "\n")) && *line) {
		json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *type = json_string_value(json_object_get(o, "type"));
		const char *word = json_string_value(json_object_get(o, "state"));

		assert_non_null(type);
		assert_non_null(json_object_get(o, "text"));
		lines++;
		acks += !strcmp(type, "ack");
		calls += !strcmp(type, "call");
		decrypted += word && !strcmp(word, "decrypted");
		if (!strcmp(type, "summary"))
			assert_int_equal(json_integer_value(json_object_get(o, "decrypted")), 110);
		json_decref(o);
	}
	assert_int_equal(decrypted, 110);
	assert_int_equal(calls, 1);
	assert_true(acks > 0 && lines > decrypted);
	free(text);
}

/* RFC 1071 over an IPv4 header: 0 if it is right. */
static unsigned int checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum ^ 0xffff;
}

static void written_packets_are_whole_ip_packets(void **state)
{
	char path[] = "/tmp/greyline-decode-XXXXXX", error[PCAP_ERRBUF_SIZE];
	const struct decode_options options = { .users = &decoded.right, .write_path = path };
	unsigned int v4 = 0, v6 = 0;
	struct stat st;
	struct pcap_pkthdr *head;
	struct decode_stats s;
	const uint8_t *data;
	pcap_t *pcap;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(chmod(path, 0644), 0);
	free(decode_name("mschapv2-mppe128-stateful", &options, &s));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(
		st.st_mode & 0777, 0600); /* for its owner only, also a file that was there */
	pcap = pcap_open_offline(path, error);
	assert_non_null(pcap);
	assert_int_equal(pcap_datalink(pcap), DLT_RAW);
	while (pcap_next_ex(pcap, &head, &data) == 1) {
		assert_int_equal(head->caplen, head->len);
		if (data[0] >> 4 == 6) {
			assert_int_equal(head->len, (data[4] << 8 | data[5]) + 40);
			v6++;
			continue;
		}
		assert_int_equal(data[0] >> 4, 4);
		assert_int_equal(data[2] << 8 | data[3], head->len);
		assert_int_equal(checksum(data, (data[0] & 15) * 4u), 0);
		v4++;
	}
	assert_int_equal(v4 + v6, s.inner);
	assert_int_equal(v4 + v6, 109);
	pcap_close(pcap);
	unlink(path);
}

/* What pppd compressed is restored: TCP's checksums, which came with it, are right. */
static void compressed_headers_are_restored(void **state)
{
	static const struct {
		const char *name;
		unsigned int compressed;
	} with[] = { { "pap-vj", 64 }, { "mschapv2-mppe128-stateless-vj", 62 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[] = "/tmp/greyline-decode-XXXXXX", error[PCAP_ERRBUF_SIZE];
		const struct decode_options options = { .users = &decoded.right,
			.write_path = path };
		struct pcap_pkthdr *head;
		struct decode_stats s;
		const uint8_t *data;
		unsigned int tcp = 0;
		pcap_t *pcap;
		char *text;

		close(mkstemp(path));
		text = decode_name(with[i].name, &options, &s);
		assert_int_equal(occurrences(text, "VJ compressed, IPv4"), with[i].compressed);
		assert_int_equal(occurrences(text, "VJ compressed"), with[i].compressed);
		free(text);
		pcap = pcap_open_offline(path, error);
		assert_non_null(pcap);
		while (pcap_next_ex(pcap, &head, &data) == 1) {
			if (data[0] != 0x45 || data[9] != 6)
				continue;
			assert_true(head->caplen == head->len && head->len <= TCP_PACKET_MAX);
			assert_int_equal(checksum(data, 20), 0);
			assert_int_equal(tcp_sum(data, head->len), 0);
			tcp++;
		}
		assert_true(tcp > with[i].compressed);
		pcap_close(pcap);
		unlink(path);
	}
}

/* Neighbours change places: both modes still decrypt everything. */
static void reordered_packets_are_decrypted(void **state)
{
	static const char *const names[] = { "mschapv2-mppe128-stateful",
		"mschapv2-mppe128-stateless" };
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		struct recording r;
		unsigned int swaps = 0;
		char *text;

		load(&r, names[n]);
		for (unsigned int i = 60; i + 3 < r.count - 20; i++) {
			struct record *a = &r.records[i], *b = &r.records[i + 1], swap = *a;

			/* Same direction, by the source address's last byte. */
			if (!is_encrypted(a) || !is_encrypted(b) || a->data[29] != b->data[29])
				continue;
			*a = *b;
			*b = swap;
			swaps++;
			i += 2;
		}
		text = decode_link(&r, DLT_EN10MB, &options, &s);
		assert_true(swaps > 5);
		assert_int_equal(s.decrypted, s.encrypted);
		assert_non_null(strstr(text, "(late)"));
		free(text);
		recording_free(&r);
	}
}

static void doubled_packets_are_shown_once(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct recording r, twice;
	struct decode_stats s;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	twice = r;
	twice.count = 0;
	for (unsigned int i = 0; i < r.count && twice.count + 2 <= RECORDS_MAX; i++) {
		twice.records[twice.count++] = r.records[i];
		if (i > 20 && i < 80)
			twice.records[twice.count++] = r.records[i];
	}
	text = decode_link(&twice, DLT_EN10MB, &options, &s);
	assert_int_equal(s.control, 5);
	assert_int_equal(s.decrypted, s.encrypted);
	assert_non_null(strstr(text, "(duplicate)  "));
	free(text);
	recording_free(&r);
}

/* The keys of stateful MPPE survive packets of which only the beginning was captured. */
static void a_small_snapshot_length_keeps_step(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct recording r;
	struct decode_stats s;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	/* The handshake whole, then 96 bytes of each. */
	for (unsigned int i = 40; i < r.count; i++) {
		if (r.records[i].len > 96)
			r.records[i].len = 96;
	}
	text = decode_link(&r, DLT_EN10MB, &options, &s);
	assert_int_equal(s.encrypted, 109);
	assert_int_equal(s.decrypted, 109);
	assert_int_equal(s.malformed, 0);
	assert_non_null(strstr(text, " bytes captured)"));
	free(text);
	recording_free(&r);
}

static void every_snapshot_length_is_survived(void **state)
{
	struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (size_t n = 0; n < CAPTURES; n += 3) {
		for (size_t len = 0; len < 140; len++) {
			struct recording r;

			load(&r, captures[n].name);
			recording_cut(&r, len);
			decoded.json = len & 1;
			free(decode_link(&r, DLT_EN10MB, &options, &s));
			recording_free(&r);
		}
	}
}

static void a_file_cut_anywhere_is_read_up_to_there(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct recording r;
	struct decode_stats s;
	uint64_t packets = 0;
	int rc;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful-loss");
	for (size_t size = 0; size < r.size; size += size < 6000 ? 1 : 17) {
		/* Its own block, so that a read behind it is seen. */
		uint8_t *part = malloc(size ? size : 1);

		memcpy(part, r.file, size);
		free(decode_bytes(part, size, &options, &s, &rc));
		assert_true(s.packets >= packets);
		packets = s.packets;
		free(part);
	}
	assert_true(packets > 100);
	recording_free(&r);
}

/* Bytes changed at random (by a fixed seed) behind the addresses. */
static void damaged_packets_are_survived(void **state)
{
	struct decode_options options = { .users = &decoded.right };
	uint64_t seed = 0x9e3779b97f4a7c15u;
	struct decode_stats s;

	(void)state;
	for (unsigned int round = 0; round < 240; round++) {
		struct recording r;

		load(&r, captures[round % CAPTURES].name);
		for (unsigned int i = 0; i < r.count; i++) {
			uint8_t *data = (uint8_t *)(uintptr_t)r.records[i].data;

			for (unsigned int k = 0; k < 1 + round % 3; k++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				if (seed >> 60 < 12)
					data[12 + (seed >> 8) % (r.records[i].len - 12)] =
						(uint8_t)(seed >> 40);
			}
		}
		decoded.json = round & 1;
		free(decode_link(&r, DLT_EN10MB, &options, &s));
		recording_free(&r);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_encrypted_frame_is_decrypted),
		cmocka_unit_test(a_hash_or_a_master_key_will_do),
		cmocka_unit_test(keys_and_hashes_are_checked),
		cmocka_unit_test(a_wrong_password_is_said_to_be_wrong),
		cmocka_unit_test(without_a_password_the_rest_is_shown),
		cmocka_unit_test(lines_have_the_standards_words),
		cmocka_unit_test(each_method_is_named),
		cmocka_unit_test(no_secret_is_shown),
		cmocka_unit_test(json_is_one_object_per_line),
		cmocka_unit_test(written_packets_are_whole_ip_packets),
		cmocka_unit_test(compressed_headers_are_restored),
		cmocka_unit_test(reordered_packets_are_decrypted),
		cmocka_unit_test(doubled_packets_are_shown_once),
		cmocka_unit_test(a_small_snapshot_length_keeps_step),
		cmocka_unit_test(every_snapshot_length_is_survived),
		cmocka_unit_test(a_file_cut_anywhere_is_read_up_to_there),
		cmocka_unit_test(damaged_packets_are_survived),
	};
	int rc;

	decoded_init(argc, argv);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	decoded_done();
	return rc;
}
