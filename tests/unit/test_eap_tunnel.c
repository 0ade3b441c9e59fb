/*
 * TLS in EAP's packets: flags, lengths, fragments and acknowledgements (RFC 5216 sections 2.1.5 and
 * 3), lengths of hostile peers, and the keys (2.3; RFC 9190 2.3).
 */
#include "lib/ppp/eap_tunnel.h"

#include "tests/unit/tls_stub.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct stub_tls stub;
static struct eap_tunnel server, client;
static uint8_t packet[1600];
static size_t packet_len;

static const struct tls_setup as_server = { .server = true, .certificate = true };
static const struct tls_setup as_client = { .certificate = true };

static void open_both(enum tls_version version)
{
	stub_init(&stub, version);
	assert_int_equal(eap_tunnel_open(&server, &stub.engine, &as_server, 0), 0);
	assert_int_equal(eap_tunnel_open(&client, &stub.engine, &as_client, 0), 0);
}

static void close_both(void)
{
	eap_tunnel_close(&server);
	eap_tunnel_close(&client);
	assert_int_equal(stub.opened, 0);
}

/* From a heap block of its size; the answer is in `packet`. */
static enum eap_tunnel_event receive(
	struct eap_tunnel *t, const void *data, size_t len, size_t room)
{
	uint8_t *copy = malloc(len + 1), answer[1600];
	struct wire_reader in;
	struct wire_writer out = wire_writer(answer, room);
	enum eap_tunnel_event event;

	assert_non_null(copy);
	if (len)
		memcpy(copy + 1, data, len);
	in = wire_reader(copy + 1, len);
	event = eap_tunnel_receive(t, &in, &out);
	packet_len = wire_written(&out);
	memcpy(packet, answer, packet_len);
	free(copy);
	assert_true((event == EAP_TUNNEL_IGNORE || event == EAP_TUNNEL_BROKEN) == (t->why != NULL));
	return event;
}

static enum eap_tunnel_event receive_bytes(struct eap_tunnel *t, const char *bytes, size_t len)
{
	return receive(t, bytes, len, 1000);
}
#define RECEIVE(t, bytes) receive_bytes(t, bytes, sizeof(bytes) - 1)

static void put(struct eap_tunnel *t, size_t room)
{
	struct wire_writer out = wire_writer(packet, room);

	eap_tunnel_put(t, &out);
	assert_false(out.failed);
	packet_len = wire_written(&out);
}

static void start_both(void)
{
	struct wire_writer out = wire_writer(packet, sizeof(packet));

	eap_tunnel_put_start(&server, &out);
	assert_int_equal(RECEIVE(&client, "\x20"), EAP_TUNNEL_BEGIN);
}

static void nothing_goes_before_start_and_start_comes_once(void **state)
{
	struct wire_writer out = wire_writer(packet, sizeof(packet));

	(void)state;
	open_both(TLS_1_2);
	assert_int_equal(RECEIVE(&client, "\x00"), EAP_TUNNEL_IGNORE);
	assert_int_equal(RECEIVE(&server, "\x00"), EAP_TUNNEL_IGNORE);
	eap_tunnel_put_start(&server, &out);
	assert_memory_equal(packet, "\x20", 1);
	assert_int_equal(RECEIVE(&client, "\x20"), EAP_TUNNEL_BEGIN);
	assert_int_equal(RECEIVE(&client, "\x20"), EAP_TUNNEL_IGNORE);
	/* In a Response the bit is reserved: ignored, not the packet. */
	assert_int_equal(RECEIVE(&server, "\x20"), EAP_TUNNEL_TURN);
	assert_true(server.empty);
	close_both();
}

static void versions_of_peap_go_in_the_lowest_bits(void **state)
{
	struct wire_writer out = wire_writer(packet, sizeof(packet));

	(void)state;
	open_both(TLS_1_2);
	server.version = 1;
	eap_tunnel_put_start(&server, &out);
	assert_memory_equal(packet, "\x21", 1);
	assert_int_equal(RECEIVE(&client, "\x21"), EAP_TUNNEL_BEGIN);
	assert_int_equal(client.peer_version, 1);
	put(&server, 100);
	assert_int_equal(packet_len, 1);
	assert_memory_equal(packet, "\x01", 1);
	close_both();
}

static void what_fits_goes_whole_without_a_length(void **state)
{
	(void)state;
	open_both(TLS_1_2);
	start_both();
	client.engine->run(client.tls);
	put(&client, 1000);
	assert_int_equal(packet_len, 1 + 5 + 200);
	assert_memory_equal(packet, "\0C\0\0\0\xc8", 6);
	assert_int_equal(receive(&server, packet, packet_len, 1000), EAP_TUNNEL_TURN);
	assert_false(server.empty);
	close_both();
}

static void what_does_not_is_cut_and_each_piece_acknowledged(void **state)
{
	(void)state;
	open_both(TLS_1_2);
	start_both();
	client.engine->run(client.tls);
	put(&client, 100); /* 205 octets: 95, 99, 11 */
	assert_int_equal(packet_len, 100);
	assert_memory_equal(packet, "\xc0\0\0\0\xcd", 5);
	assert_int_equal(receive(&server, packet, packet_len, 100), EAP_TUNNEL_REPLY);
	assert_int_equal(packet_len, 1);
	assert_memory_equal(packet, "\0", 1);
	assert_int_equal(RECEIVE(&client, "\0"), EAP_TUNNEL_REPLY);
	assert_int_equal(packet_len, 205 - 95 + 1); /* there was more room */
	assert_memory_equal(packet, "\0", 1);
	assert_int_equal(receive(&server, packet, packet_len, 100), EAP_TUNNEL_TURN);
	assert_true(eap_tunnel_waiting(&server));
	close_both();
}

static void no_fragment_is_larger_than_a_narrow_path_takes(void **state)
{
	(void)state;
	open_both(TLS_1_2);
	stub.hello = 5000;
	start_both();
	client.engine->run(client.tls);
	put(&client, 1500);
	assert_int_equal(packet_len, EAP_TUNNEL_FRAGMENT);
	close_both();
}

/* Any size, any room, there and back. */
static void all_sizes_arrive(void **state)
{
	(void)state;
	for (size_t room = 6; room < 400; room += 1 + room / 7) {
		for (uint32_t size = 0; size < 1000; size += 1 + size / 3) {
			enum eap_tunnel_event event;

			open_both(TLS_1_2);
			stub.hello = size;
			start_both();
			client.engine->run(client.tls);
			put(&client, room);
			while ((event = receive(&server, packet, packet_len, room)) ==
				EAP_TUNNEL_REPLY)
				assert_int_equal(receive(&client, packet, packet_len, room),
					EAP_TUNNEL_REPLY);
			assert_int_equal(event, EAP_TUNNEL_TURN);
			assert_int_equal(eap_tunnel_status(&server).state, TLS_HANDSHAKING);
			assert_true(eap_tunnel_waiting(&server));
			close_both();
		}
	}
}

static void without_room_there_is_no_fragment(void **state)
{
	(void)state;
	for (size_t room = 0; room < 6; room++) {
		struct wire_writer out = wire_writer(packet, room);

		open_both(TLS_1_2);
		start_both();
		client.engine->run(client.tls);
		eap_tunnel_put(&client, &out);
		assert_true(out.failed);
		assert_int_equal(client.tls->out_len, 205); /* nothing is lost */
		close_both();
	}
}

/* ---- hostile ---- */

static void broken(const char *bytes, size_t len, const char *why)
{
	open_both(TLS_1_2);
	start_both();
	assert_int_equal(receive_bytes(&server, bytes, len), EAP_TUNNEL_BROKEN);
	assert_string_equal(server.why, why);
	close_both();
}

static void lengths_that_contradict_themselves_break_it(void **state)
{
	(void)state;
#define BROKEN(bytes, why) broken(bytes, sizeof(bytes) - 1, why)
	BROKEN("\x80\0\0\0\4abcde", "a message of TLS is longer than it says");
	BROKEN("\x80\0\0\0\6abcde", "a message of TLS is shorter than it says");
	BROKEN("\xc0\0\0\0\4abcde", "a message of TLS is longer than it says");
	BROKEN("\xc0\xff\xff\xff\xff"
	       "a",
		"a message of TLS is too long");
	BROKEN("\x80\0\1\0\1"
	       "a",
		"a message of TLS is too long");
	BROKEN("\x80\0\0\0\0"
	       "a",
		"a message of TLS changes its length");
	BROKEN("\x40", "a fragment of TLS is empty");
	BROKEN("\xc0\0\0\0\5", "a fragment of TLS is empty");
}

static void a_later_fragment_may_repeat_the_length_but_not_change_it(void **state)
{
	(void)state;
	open_both(TLS_1_2);
	start_both();
	assert_int_equal(RECEIVE(&server, "\xc0\0\0\0\7C\0\0"), EAP_TUNNEL_REPLY);
	assert_int_equal(RECEIVE(&server, "\xc0\0\0\0\7\0\2"), EAP_TUNNEL_REPLY);
	assert_int_equal(RECEIVE(&server, "\x80\0\0\0\7\0\0"), EAP_TUNNEL_TURN);
	assert_true(eap_tunnel_waiting(&server));
	close_both();
	open_both(TLS_1_2);
	start_both();
	assert_int_equal(RECEIVE(&server, "\xc0\0\0\0\7C\0\0"), EAP_TUNNEL_REPLY);
	assert_int_equal(RECEIVE(&server, "\xc0\0\0\0\10\0\2"), EAP_TUNNEL_BROKEN);
	close_both();
	/* Some tell it never. */
	open_both(TLS_1_2);
	start_both();
	assert_int_equal(RECEIVE(&server, "\x40"
					  "C\0\0"),
		EAP_TUNNEL_REPLY);
	assert_int_equal(RECEIVE(&server, "\x00\0\2\0\0"), EAP_TUNNEL_TURN);
	assert_true(eap_tunnel_waiting(&server));
	close_both();
}

static void a_length_that_is_cut_off_is_ignored(void **state)
{
	(void)state;
	open_both(TLS_1_2);
	start_both();
	for (size_t len = 0; len < 5; len++) {
		if (len != 0)
			assert_int_equal(
				receive_bytes(&server, "\x80\0\0\0\4", len), EAP_TUNNEL_IGNORE);
		else
			assert_int_equal(receive(&server, "", 0, 100), EAP_TUNNEL_IGNORE);
	}
	/* An acknowledgement with a length of 0 is one all the same. */
	assert_int_equal(RECEIVE(&server, "\x80\0\0\0\0"), EAP_TUNNEL_TURN);
	assert_true(server.empty);
	close_both();
}

/* Fragments without end: 64 KB a message, 128 KB a conversation. */
static void neither_a_message_nor_all_of_them_are_endless(void **state)
{
	static uint8_t part[1001] = { EAP_TUNNEL_MORE };
	enum eap_tunnel_event event = EAP_TUNNEL_REPLY;
	unsigned int n;

	(void)state;
	open_both(TLS_1_2);
	start_both();
	for (n = 0; n < 100 && event == EAP_TUNNEL_REPLY; n++)
		event = receive(&server, part, sizeof(part), 100);
	assert_int_equal(event, EAP_TUNNEL_BROKEN);
	assert_int_equal(n, EAP_TUNNEL_MESSAGE / 1000 + 1);
	close_both();
	open_both(TLS_1_2);
	start_both();
	for (n = 0; n < 300; n++) {
		part[0] = n % 50 == 49 ? 0 : EAP_TUNNEL_MORE;
		event = receive(&server, part, sizeof(part), 100);
		if (event == EAP_TUNNEL_BROKEN)
			break;
	}
	assert_int_equal(n, EAP_TUNNEL_TOTAL / 1000);
	close_both();
}

static void only_an_acknowledgement_calls_for_the_next_fragment(void **state)
{
	(void)state;
	open_both(TLS_1_2);
	start_both();
	client.engine->run(client.tls);
	put(&client, 100);
	assert_int_equal(RECEIVE(&client, "\0data"), EAP_TUNNEL_IGNORE);
	assert_int_equal(RECEIVE(&client, "\x40"), EAP_TUNNEL_IGNORE);
	assert_int_equal(RECEIVE(&client, "\x80\0\0\0\1"
					  "a"),
		EAP_TUNNEL_IGNORE);
	assert_int_equal(client.total, 0);
	assert_int_equal(RECEIVE(&client, "\0"), EAP_TUNNEL_REPLY);
	close_both();
}

/* ---- keys ---- */

static void the_keys_are_those_of_the_rfcs(void **state)
{
	static const struct {
		enum tls_version version;
		uint8_t type;
		const char *label;
		size_t context;
	} v[] = {
		{ TLS_1_0, 13, "client EAP encryption", 0 },
		{ TLS_1_2, 13, "client EAP encryption", 0 },
		{ TLS_1_2, 25, "client EAP encryption", 0 },
		{ TLS_1_3, 13, "EXPORTER_EAP_TLS_Key_Material", 1 },
		{ TLS_1_3, 25, "EXPORTER_EAP_TLS_Key_Material", 1 },
	};
	uint8_t msk[EAP_MSK_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		open_both(v[i].version);
		assert_int_equal(eap_tunnel_msk(&server, v[i].type, msk), -EPIPE);
		server.tls->state = TLS_OPEN;
		assert_int_equal(eap_tunnel_msk(&server, v[i].type, msk), 0);
		assert_string_equal(stub.label, v[i].label);
		assert_int_equal(stub.context_len, v[i].context);
		if (v[i].context)
			assert_int_equal(stub.context, v[i].type);
		assert_int_equal(stub.length, 128);
		assert_int_equal(msk[0], 0);
		assert_int_equal(msk[63], 63);
		close_both();
	}
}

/* MSK: what the authenticator receives with, 32 octets, then what it sends with (RFC 5216 2.3). */
static void mppe_starts_with_the_front_of_each_half(void **state)
{
	uint8_t msk[EAP_MSK_LEN], start[16];
	static const uint8_t zeros[8];
	struct mppe_material keys;

	(void)state;
	for (unsigned int i = 0; i < sizeof(msk); i++)
		msk[i] = (uint8_t)(i + 1);
	eap_msk_keys(msk, &keys);
	assert_int_equal(keys.source, MPPE_FROM_MSK);
	mppe_material_start(&keys, MPPE_128, false, start);
	assert_memory_equal(start, msk, 16);
	mppe_material_start(&keys, MPPE_128, true, start);
	assert_memory_equal(start, msk + 32, 16);
	for (int i = 0; i < 2; i++) {
		enum mppe_bits bits = i ? MPPE_40 : MPPE_56;

		assert_true(mppe_material_has(&keys, bits));
		mppe_material_start(&keys, bits, true, start);
		assert_memory_equal(start, msk + 32, 8);
		assert_memory_equal(start + 8, zeros, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_before_start_and_start_comes_once),
		cmocka_unit_test(versions_of_peap_go_in_the_lowest_bits),
		cmocka_unit_test(what_fits_goes_whole_without_a_length),
		cmocka_unit_test(what_does_not_is_cut_and_each_piece_acknowledged),
		cmocka_unit_test(no_fragment_is_larger_than_a_narrow_path_takes),
		cmocka_unit_test(all_sizes_arrive),
		cmocka_unit_test(without_room_there_is_no_fragment),
		cmocka_unit_test(lengths_that_contradict_themselves_break_it),
		cmocka_unit_test(a_later_fragment_may_repeat_the_length_but_not_change_it),
		cmocka_unit_test(a_length_that_is_cut_off_is_ignored),
		cmocka_unit_test(neither_a_message_nor_all_of_them_are_endless),
		cmocka_unit_test(only_an_acknowledgement_calls_for_the_next_fragment),
		cmocka_unit_test(the_keys_are_those_of_the_rfcs),
		cmocka_unit_test(mppe_starts_with_the_front_of_each_half),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
