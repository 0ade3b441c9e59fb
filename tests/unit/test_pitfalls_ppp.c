/*
 * Faults that other implementations of PPP and its authentication had (tests/pitfalls.md): a test
 * is named after the fault that it would find here.
 */
#include "lib/mppe/keys.h"
#include "lib/ppp/cp.h"
#include "system/log.h"
#include "tests/unit/chap_end.h"
#include "tests/unit/link_pair.h"

#include <stdio.h>
#include <unistd.h>

static struct pair p;

/* What an end of the pair sent, oldest first. */
static struct {
	int from;
	uint16_t protocol;
	size_t len;
	uint8_t data[1600];
} sent[256];
static unsigned int count;

static bool record(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	assert_true(count < 256);
	sent[count].from = from;
	sent[count].protocol = protocol;
	sent[count].len = *len;
	memcpy(sent[count++].data, data, *len);
	return true;
}

static void prepare(void)
{
	pair_init(&p, 1);
	p.filter = record;
	count = 0;
}

/* A frame from nowhere for one of the ends, from a heap block of just this size. */
static void inject(int to, uint16_t protocol, const void *packet, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy + 1, packet, len);
	ppp_link_receive(p.end[to].link, protocol, copy + 1, len, p.now);
	free(copy);
}

static void both_come_up(void)
{
	pair_run(&p, 20 * SECOND, true);
	assert_false(p.broken);
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
}

/* The machine has not read on behind the end of the message: what is there is an older one. */
static void stale_octets_do_not_complete_a_short_response(void **unused)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];
	size_t len;

	(void)unused;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	len = client.len;
	memcpy(packet, client.packet, len);
	for (size_t n = 0; n <= 4 + 1 + MSCHAP2_RESPONSE_LEN; n++) {
		packet[2] = (uint8_t)(n >> 8);
		packet[3] = (uint8_t)n;
		end_receive(&server, packet, len, START);      /* the length field says less */
		end_receive(&server, client.packet, n, START); /* the frame itself is cut */
		assert_int_equal(server.judged, 0);
	}
	deliver(&client, &server, START);
	assert_int_equal(server.succeeded, 1);
}

static void stale_octets_do_not_complete_a_short_challenge(void **unused)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];

	(void)unused;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	memcpy(packet, server.packet, server.len);
	for (size_t n = 0; n < 4 + 1 + 16; n++) {
		packet[2] = 0;
		packet[3] = (uint8_t)n;
		end_receive(&client, packet, server.len, START);
		end_receive(&client, server.packet, n, START);
		assert_int_equal(client.sent, 0);
	}
	deliver(&server, &client, START);
	assert_int_equal(client.sent, 1);
}

static void stale_octets_do_not_complete_a_short_proof(void **unused)
{
	(void)unused;
	for (size_t n = 0; n < 4 + 42; n++) {
		struct chap_end server, client;
		uint8_t packet[CHAP_PACKET_MAX];

		end_authenticator(&server, "secret");
		end_peer(&client, "user", "secret");
		deliver(&server, &client, START);
		deliver(&client, &server, START);
		assert_int_equal(server.succeeded, 1);
		assert_int_equal(server.packet[0], SUCCESS);
		memcpy(packet, server.packet, server.len);
		packet[2] = 0;
		packet[3] = (uint8_t)n;
		end_receive(&client, packet, server.len, START);
		assert_int_equal(client.succeeded, 0);
	}
}

/* A Response that is right for `password` under `name`, to what `server` asked. */
static size_t right_response(
	const struct chap_end *server, const char *name, const char *password, uint8_t *packet)
{
	uint8_t value[MSCHAP2_RESPONSE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t hash[16], body[1 + sizeof(value) + CHAP_NAME_MAX];

	assert_int_equal(mschap_nt_hash(password, hash), 0);
	mschap2_nt_response(server->packet + 5, value, name, hash, value + 24);
	body[0] = sizeof(value);
	memcpy(body + 1, value, sizeof(value));
	memcpy(body + 1 + sizeof(value), name, strlen(name));
	return make_packet(
		packet, RESPONSE, server->packet[1], body, 1 + sizeof(value) + strlen(name));
}

/* What a server asks that has a Response from elsewhere. */
static void judge_directly(const char *name)
{
	struct ppp_auth_request request = { .method = PPP_AUTH_MSCHAP2, .identifier = 1 };
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	assert_int_equal(ppp_secret_from_password(&secret, "secret"), 0);
	strcpy(request.name, name);
	mschap2_nt_response(request.challenge, request.peer_challenge, name, secret.nt_hash,
		request.nt_response);
	assert_false(ppp_auth_check(&request, &secret, &verdict));
	assert_false(verdict.ok);
}

static void a_name_of_no_octets_does_not_authenticate(void **unused)
{
	static const char *const names[] = { "", "DOM\\" };
	uint8_t packet[CHAP_PACKET_MAX];
	struct chap_end server;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		size_t len;

		end_authenticator(&server, "secret");
		len = right_response(&server, names[i], "secret", packet);
		end_receive(&server, packet, len, START);
		assert_int_equal(server.succeeded, 0);
		judge_directly(names[i]);
		/* the same with a name is right: it is the name that was wrong */
		len = right_response(&server, "u", "secret", packet);
		end_receive(&server, packet, len, START);
		assert_int_equal(server.succeeded, 1);
	}
}

static void a_password_of_no_octets_does_not_authenticate(void **unused)
{
	uint8_t packet[CHAP_PACKET_MAX];
	struct chap_end server;
	size_t len;

	(void)unused;
	end_authenticator(&server, "");
	len = right_response(&server, "user", "", packet);
	end_receive(&server, packet, len, START);
	assert_int_equal(server.judged, 1);
	assert_int_equal(server.succeeded, 0);
}

static void a_challenge_of_no_octets_is_not_answered(void **unused)
{
	uint8_t packet[600];
	struct chap_end client;
	static const uint8_t shapes[] = { 0, 1, 8, 15, 17 };
	static const char name[] = "a-name-longer-than-a-challenge.example";

	(void)unused;
	for (size_t i = 0; i < sizeof(shapes); i++) {
		size_t len = make_value(packet, CHALLENGE, 1, shapes[i], 0, name, sizeof(name) - 1);

		end_peer(&client, "user", "secret");
		end_receive(&client, packet, len, START);
		assert_int_equal(client.sent, 0);
		assert_int_equal(client.succeeded, 0);
	}
}

static void a_response_of_no_octets_does_not_authenticate(void **unused)
{
	static const uint8_t shapes[] = { 0, 1, 48, 50, 255 };
	uint8_t packet[600];
	struct chap_end server;

	(void)unused;
	end_authenticator(&server, "secret");
	for (size_t i = 0; i < sizeof(shapes); i++) {
		size_t len =
			make_value(packet, RESPONSE, server.packet[1], shapes[i], 0, "user", 4);

		end_receive(&server, packet, len, START);
	}
	assert_int_equal(server.judged, 0);
	assert_int_equal(server.succeeded, 0);
}

/* Until the server's Challenge is out; the client's Response never comes. */
static bool no_response(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	record(pair, from, protocol, data, len);
	return !(from == CLIENT && protocol == PPP_CHAP);
}

static const struct {
	uint16_t protocol;
	const char *hex;
} not_agreed[] = {
	{ PPP_EAP, "01010005 01" },           /* Request Identity */
	{ PPP_EAP, "02010009 01 75736572" },  /* Response Identity */
	{ PPP_EAP, "02020009 04 ff 313233" }, /* MD5-Challenge with a value beyond the packet */
	{ PPP_EAP, "0201ffff 01 75736572" },  /* a length beyond the packet */
	{ PPP_EAP, "03010004" },              /* Success */
	{ PPP_EAP, "03020004" },
	{ PPP_PAP, "0101000e 0475736572 0473656372" }, /* Authenticate-Request */
	{ PPP_PAP, "02010005 00" },                    /* Authenticate-Ack */
};

/* How often an end answered `protocol` with a Protocol-Reject of it since `since`. */
static unsigned int rejects(int by, uint16_t protocol, unsigned int since)
{
	unsigned int n = 0;

	for (unsigned int i = since; i < count; i++) {
		if (sent[i].from == by && sent[i].protocol == PPP_LCP && sent[i].data[0] == 8)
			n += sent[i].data[4] == protocol >> 8 &&
			     sent[i].data[5] == (protocol & 0xff);
	}
	return n;
}

static void inject_not_agreed(int to)
{
	for (size_t i = 0; i < sizeof(not_agreed) / sizeof(not_agreed[0]); i++) {
		uint8_t packet[64];
		char hex[128];
		size_t n = 0, len;

		for (const char *c = not_agreed[i].hex; *c; c++) {
			if (*c != ' ')
				hex[n++] = *c;
		}
		hex[n] = '\0';
		len = unhex(packet, sizeof(packet), hex);
		inject(to, not_agreed[i].protocol, packet, len);
	}
}

static void eap_that_was_not_negotiated_authenticates_nobody(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare();
	p.filter = no_response;
	pair_open(&p);
	pair_run(&p, 1 * SECOND, false);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	inject_not_agreed(SERVER);
	assert_int_equal(rejects(SERVER, PPP_EAP, 0), 6);
	assert_int_equal(rejects(SERVER, PPP_PAP, 0), 2);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	assert_string_equal(info.auth, "");
	pair_run(&p, 70 * SECOND, false);
	assert_int_equal(p.end[SERVER].ups, 0);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_TIMEOUT);
	pair_done(&p);
}

/* A server cannot pass for one that knows the password with a Success of another protocol. */
static void eap_success_is_no_proof_of_a_server(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare();
	p.no_verdict = true;
	pair_open(&p);
	pair_run(&p, 1 * SECOND, false);
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	inject_not_agreed(CLIENT);
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	assert_int_equal(rejects(CLIENT, PPP_EAP, 0), 6);
	pair_run(&p, 200 * SECOND, false);
	assert_int_equal(p.end[CLIENT].ups, 0);
	assert_true(p.end[CLIENT].over);
	pair_done(&p);
}

static void an_identity_longer_than_any_buffer_does_no_harm(void **unused)
{
	uint8_t packet[1500];

	(void)unused;
	memset(packet, 'A', sizeof(packet));
	packet[0] = 2;
	packet[1] = 1;
	packet[4] = 1; /* Identity; in the second half MD5-Challenge with a name */
	prepare();
	pair_open(&p);
	both_come_up();
	for (size_t len = 0; len <= sizeof(packet); len++) {
		packet[2] = (uint8_t)(len >> 8);
		packet[3] = (uint8_t)len;
		packet[4] = len % 2 ? 1 : 4;
		packet[5] = (uint8_t)len;
		for (int to = 0; to < 2; to++) {
			count = 0;
			inject(to, PPP_EAP, packet, len);
			for (unsigned int i = 0; i < count; i++)
				assert_true(sent[i].len <= 1400);
		}
	}
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	pair_done(&p);
}

/* A name as long as a field can be, in every message that has one. */
static void names_as_long_as_they_can_be_do_no_harm(void **unused)
{
	static char name[1400];
	uint8_t packet[1500], body[1 + MSCHAP2_RESPONSE_LEN + sizeof(name)];
	static const uint8_t sizes[] = { 16, MSCHAP2_RESPONSE_LEN };

	(void)unused;
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < 2; i++) {
		for (size_t n = 250; n <= sizeof(name); n += n < 260 ? 1 : 95) {
			struct chap_end e;
			size_t len;

			memset(body, sizes[i], 1u + sizes[i]);
			memcpy(body + 1 + sizes[i], name, n);
			if (i == 0)
				end_peer(&e, "user", "secret");
			else
				end_authenticator(&e, "secret");
			len = make_packet(packet, i == 0 ? CHALLENGE : RESPONSE,
				i == 0 ? 1 : e.packet[1], body, 1u + sizes[i] + n);
			end_receive(&e, packet, len, START);
			assert_int_equal(e.succeeded, 0);
			if (n > CHAP_NAME_MAX)
				assert_int_equal(e.judged, 0);
		}
	}
}

/* The keys are those of this call's password and Response, in the right direction, not of another
 * field of the verdict. */
static void keys_come_from_the_verdicts_master_key(void **unused)
{
	static const uint8_t zero[16];
	uint8_t start[16];

	(void)unused;
	prepare();
	pair_open(&p);
	both_come_up();
	assert_memory_not_equal(p.verdict.keys.key, zero, 16);
	mppe_start_key(p.verdict.keys.key, true, start);
	assert_memory_equal(p.end[SERVER].tx_key, start, 16);
	assert_memory_equal(p.end[CLIENT].rx_key, start, 16);
	mppe_start_key(p.verdict.keys.key, false, start);
	assert_memory_equal(p.end[SERVER].rx_key, start, 16);
	assert_memory_equal(p.end[CLIENT].tx_key, start, 16);
	pair_done(&p);
}

/* ---- what is written as text ---- */

static void octets_in_texts_keep_their_leading_zeros(void **unused)
{
	static const uint8_t octets[] = { 0x00, 0x01, 0x0a, 0x7f, 0x80, 0xff };
	char text[100];

	(void)unused;
	cp_escape(text, sizeof(text), octets, sizeof(octets));
	assert_string_equal(text, "\\x00\\x01\\x0a\\x7f\\x80\\xff");
	log_escape(text, sizeof(text), octets, sizeof(octets));
	assert_string_equal(text, "\\x00\\x01\\x0a\\x7f\\x80\\xff");
}

/* C= of a Failure has 32 digits for any challenge: random octets here are 00, 01, 02 ... */
static void a_challenge_in_a_failure_keeps_its_leading_zeros(void **unused)
{
	struct chap_end server, client;
	char text[CHAP_PACKET_MAX + 1] = "", *c;
	char digits[33] = "";

	(void)unused;
	end_authenticator(&server, "secret");
	server.counter = 0;
	end_peer(&client, "user", "wrong");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	assert_int_equal(server.packet[0], FAILURE);
	memcpy(text, server.packet + 4, server.len - 4);
	c = strstr(text, "C=");
	assert_non_null(c);
	memcpy(digits, c + 2, 32);
	assert_int_equal(strspn(digits, "0123456789ABCDEFabcdef"), 32);
	assert_int_equal(c[34], ' ');
	assert_memory_equal(digits, "000102030405060708", 18);
}

/* S= has 40 digits and is that of the RFC, for whatever octets: among 64 of 20 octets there are
 * leading zeros in the first and in the middle. */
static void a_proof_keeps_its_leading_zeros(void **unused)
{
	unsigned int zeros = 0;

	(void)unused;
	for (unsigned int i = 0; i < 64; i++) {
		uint8_t hash[16], response[24] = { (uint8_t)i }, a[16] = { 0 }, b[16] = { 0 };
		char proof[43];

		assert_int_equal(mschap_nt_hash("secret", hash), 0);
		mschap2_auth_response(hash, response, a, b, "user", proof);
		assert_int_equal(strlen(proof), 42);
		assert_int_equal(strspn(proof + 2, "0123456789ABCDEF"), 40);
		for (unsigned int n = 2; n < 42; n += 2)
			zeros += proof[n] == '0';
	}
	assert_true(zeros > 0);
}

static char log_text[1 << 17];
static size_t log_len;

__attribute__((format(printf, 3, 0))) static void keep_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	(void)user;
	(void)level;
	log_len += (size_t)vsnprintf(log_text + log_len, sizeof(log_text) - log_len, format, ap);
	assert_true(log_len < sizeof(log_text));
}

static void keep_detail(void *user, enum pptp_reason reason, const char *detail)
{
	pair_finished(user, reason, detail);
	log_len += (size_t)snprintf(log_text + log_len, sizeof(log_text) - log_len, "%s\n", detail);
	assert_true(log_len < sizeof(log_text));
}

static struct ppp_link_ops keeping_ops;

static void open_keeping_logs(void)
{
	keeping_ops = pair_ops;
	keeping_ops.log = keep_log;
	keeping_ops.finished = keep_detail;
	log_len = 0;
	for (int i = 0; i < 2; i++) {
		p.end[i].link = ppp_link_new(&p.end[i].config, &keeping_ops, &p.end[i]);
		assert_non_null(p.end[i].link);
	}
}

/* Neither as octets, escaped, nor in hex of either case, with blanks or without. */
static void assert_not_logged(const void *secret, size_t len)
{
	static const struct {
		const char *digits, *between;
	} forms[] = {
		{ "0123456789abcdef", "" },
		{ "0123456789ABCDEF", "" },
		{ "0123456789abcdef", " " },
		{ "0123456789ABCDEF", " " },
		{ "0123456789abcdef", ":" },
		{ "0123456789abcdef", "\\x" },
	};
	const uint8_t *b = secret;

	assert_null(memmem(log_text, log_len, secret, len));
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		char text[64] = "";
		size_t n = 0;

		for (size_t i = 0; i < 8 && i < len; i++) {
			strcpy(text + n, i ? forms[f].between : "");
			n += strlen(text + n);
			text[n++] = forms[f].digits[b[i] >> 4];
			text[n++] = forms[f].digits[b[i] & 15];
		}
		assert_null(memmem(log_text, log_len, text, n));
	}
}

static const uint8_t *response_sent(void)
{
	for (unsigned int i = 0; i < count; i++) {
		if (sent[i].from == CLIENT && sent[i].protocol == PPP_CHAP &&
			sent[i].data[0] == RESPONSE)
			return sent[i].data;
	}
	fail_msg("no Response was sent");
	return NULL;
}

static void secrets_and_what_they_make_are_not_logged(void **unused)
{
	static const char *const passwords[] = { "wonderland", "looking-glass" };
	uint8_t hash[16], hash_hash[16], response[64];

	(void)unused;
	for (int wrong = 0; wrong < 2; wrong++) {
		prepare();
		p.end[CLIENT].config.password = passwords[wrong];
		open_keeping_logs();
		pair_run(&p, 30 * SECOND, true);
		assert_int_equal(p.end[SERVER].up, !wrong);
		memcpy(response, response_sent(), sizeof(response));
		/* what comes garbled, in the wrong protocol or at the wrong time is secret, too */
		for (int to = 0; to < 2 && !wrong; to++) {
			inject(to, PPP_CHAP, response, 40);
			inject(to, PPP_PAP, response, sizeof(response));
			inject(to, PPP_EAP, response, sizeof(response));
			inject(to, PPP_LCP, response, 30);
			inject(to, 0xc481, response, sizeof(response));
		}
		ppp_link_close(p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now);
		pair_run(&p, 20 * SECOND, false);
		assert_true(log_len > 0);
		assert_not_logged(passwords[wrong], strlen(passwords[wrong]));
		assert_int_equal(mschap_nt_hash(passwords[wrong], hash), 0);
		mschap_hash_hash(hash, hash_hash);
		assert_not_logged(hash, sizeof(hash));
		assert_not_logged(hash_hash, sizeof(hash_hash));
		assert_not_logged(response + 5 + 24, 24); /* the NT-Response */
		if (!wrong) {
			assert_not_logged(p.verdict.keys.key, 16);
			assert_not_logged(p.end[SERVER].tx_key, 16);
			assert_not_logged(p.end[SERVER].rx_key, 16);
		}
		pair_done(&p);
	}
}

/* ---- LCP and the network protocols ---- */

static void an_echo_reply_fits_the_peers_mru(void **unused)
{
	uint8_t packet[1404] = { 9, 77, 0x05, 0x7c };
	bool replied = false;

	(void)unused;
	prepare();
	p.end[CLIENT].config.mru = 576;
	pair_open(&p);
	both_come_up();
	assert_int_equal(p.end[SERVER].peer_mru, 576);
	count = 0;
	inject(SERVER, PPP_LCP, packet, sizeof(packet));
	for (unsigned int i = 0; i < count; i++) {
		if (sent[i].from == SERVER && sent[i].protocol == PPP_LCP &&
			sent[i].data[0] == 10) {
			replied = true;
			assert_true(sent[i].len <= 576);
			assert_int_equal(sent[i].data[2] << 8 | sent[i].data[3], sent[i].len);
		}
	}
	assert_true(replied);
	pair_done(&p);
}

static void ipv6cp_is_rejected_in_network_byte_order(void **unused)
{
	static const uint8_t request[] = { 1, 1, 0, 14, 1, 10, 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)unused;
	prepare();
	pair_open(&p);
	both_come_up();
	for (int to = 0; to < 2; to++) {
		count = 0;
		inject(to, PPP_IPV6CP, request, sizeof(request));
		assert_int_equal(rejects(to, PPP_IPV6CP, 0), 1);
		assert_memory_equal(sent[0].data + 6, request, sizeof(request));
	}
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	pair_done(&p);
}

/* `code` with the option list 03 `len` ... for each protocol, before and after it is open. */
static void bad_option(uint8_t code, uint8_t len, bool first, int to)
{
	static const uint16_t protocols[] = { PPP_LCP, PPP_CCP, PPP_IPCP };

	for (size_t i = 0; i < 3; i++) {
		uint8_t list[6] = { 3, len, 10, 98, 0, 7 };
		uint8_t packet[4 + 12] = { code, 9, 0, 0 };
		uint8_t good[6] = { 3, 6, 10, 98, 0, 7 };
		size_t n = 4;

		if (!first) {
			memcpy(packet + n, good, 6);
			n += 6;
		}
		memcpy(packet + n, list, 6);
		n += 6;
		packet[3] = (uint8_t)n;
		count = 0;
		inject(to, protocols[i], packet, n);
		for (unsigned int k = 0; k < count; k++) /* nothing is agreed on */
			assert_false(sent[k].from == to && sent[k].protocol == protocols[i] &&
				     sent[k].data[0] == 2);
	}
}

static void an_option_of_length(uint8_t len)
{
	alarm(60); /* a loop is the fault */
	for (int up = 0; up < 2; up++) {
		for (int to = 0; to < 2; to++) {
			prepare();
			pair_open(&p);
			pair_run(&p, up ? 20 * SECOND : 5 * MS, up);
			for (uint8_t code = 1; code <= 4; code++) {
				bad_option(code, len, true, to);
				bad_option(code, len, false, to);
			}
			p.filter = NULL;
			pair_run(&p, 40 * SECOND, true);
			assert_true(p.end[SERVER].up && p.end[CLIENT].up);
			pair_done(&p);
		}
	}
	alarm(0);
}

static void an_option_of_length_0_is_no_loop(void **unused)
{
	(void)unused;
	an_option_of_length(0);
}

static void an_option_of_length_1_is_no_loop(void **unused)
{
	(void)unused;
	an_option_of_length(1);
}

/* ---- time-outs ---- */

static uint16_t lost_protocol;
static int lost_from;

static bool lose(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	(void)data;
	(void)len;
	return !((!lost_protocol || protocol == lost_protocol) &&
		 (lost_from < 0 || from == lost_from));
}

static void lcp_requests_without_an_answer_end_the_link(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		pair_init(&p, 1);
		p.end[!end].start = UINT64_MAX;
		pair_open(&p);
		pair_run(&p, 120 * SECOND, false);
		assert_false(p.broken);
		assert_true(p.end[end].over);
		assert_true(p.end[end].over_at <= 1062 * SECOND);
		assert_true(ppp_link_deadline(p.end[end].link) == UINT64_MAX);
		pair_done(&p);
	}
}

static void a_peer_that_falls_silent_ends_the_link_in_each_phase(void **unused)
{
	static const uint16_t protocols[] = { 0, PPP_LCP, PPP_CHAP, PPP_CCP, PPP_IPCP };

	(void)unused;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		for (lost_from = -1; lost_from < 2; lost_from++) {
			pair_init(&p, 1);
			p.filter = lose;
			lost_protocol = protocols[i];
			pair_open(&p);
			pair_run(&p, 300 * SECOND, false);
			assert_false(p.broken);
			for (int end = 0; end < 2; end++) {
				assert_true(p.end[end].over);
				assert_true(p.end[end].over_at <= 1070 * SECOND);
			}
			pair_done(&p);
		}
	}
}

/* A peer that always says something, and never gets any further: LCP anew every two seconds. */
static void a_peer_that_begins_again_and_again_ends_the_link(void **unused)
{
	uint8_t request[] = { 1, 100, 0, 10, 5, 6, 1, 2, 3, 4 };

	(void)unused;
	pair_init(&p, 1);
	p.filter = lose;
	lost_protocol = PPP_CHAP;
	lost_from = -1;
	pair_open(&p);
	for (unsigned int i = 0; i < 60 && !p.end[SERVER].over; i++) {
		pair_run(&p, 2 * SECOND, false);
		request[1]++;
		request[6]++;
		inject(SERVER, PPP_LCP, request, sizeof(request));
	}
	assert_false(p.broken);
	assert_true(p.end[SERVER].over);
	assert_true(p.end[SERVER].over_at <= 1070 * SECOND);
	pair_done(&p);
}

static void a_peer_that_falls_silent_later_ends_the_link(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	pair_open(&p);
	both_come_up();
	p.filter = lose;
	lost_protocol = 0;
	lost_from = CLIENT;
	pair_run(&p, 300 * SECOND, false);
	assert_int_equal(p.end[SERVER].reason, PPTP_LCP_ECHO_TIMEOUT);
	assert_true(p.end[SERVER].over_at <= 1200 * SECOND);
	pair_done(&p);
}

static void a_terminate_without_an_answer_ends_the_link(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	pair_open(&p);
	both_come_up();
	p.filter = lose;
	lost_protocol = 0;
	lost_from = -1;
	ppp_link_close(p.end[SERVER].link, PPTP_ADMIN, p.now);
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_ADMIN);
	pair_done(&p);
}

/* RADIUS will judge so: late. Others are not kept waiting meanwhile, and it ends if it never
 * comes. */
static void a_judge_that_never_answers_holds_up_one_link_only(void **unused)
{
	static struct pair other;

	(void)unused;
	prepare();
	p.filter = NULL;
	p.no_verdict = true;
	pair_open(&p);
	pair_init(&other, 2);
	pair_open(&other);
	pair_run(&p, 2 * SECOND, false);
	pair_run(&other, 2 * SECOND, true);
	assert_true(other.end[SERVER].up && other.end[CLIENT].up);
	assert_false(p.end[SERVER].up);
	pair_run(&p, 100 * SECOND, false);
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	pair_done(&other);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_octets_do_not_complete_a_short_response),
		cmocka_unit_test(stale_octets_do_not_complete_a_short_challenge),
		cmocka_unit_test(stale_octets_do_not_complete_a_short_proof),
		cmocka_unit_test(a_name_of_no_octets_does_not_authenticate),
		cmocka_unit_test(a_password_of_no_octets_does_not_authenticate),
		cmocka_unit_test(a_challenge_of_no_octets_is_not_answered),
		cmocka_unit_test(a_response_of_no_octets_does_not_authenticate),
		cmocka_unit_test(eap_that_was_not_negotiated_authenticates_nobody),
		cmocka_unit_test(eap_success_is_no_proof_of_a_server),
		cmocka_unit_test(an_identity_longer_than_any_buffer_does_no_harm),
		cmocka_unit_test(names_as_long_as_they_can_be_do_no_harm),
		cmocka_unit_test(keys_come_from_the_verdicts_master_key),
		cmocka_unit_test(octets_in_texts_keep_their_leading_zeros),
		cmocka_unit_test(a_challenge_in_a_failure_keeps_its_leading_zeros),
		cmocka_unit_test(a_proof_keeps_its_leading_zeros),
		cmocka_unit_test(secrets_and_what_they_make_are_not_logged),
		cmocka_unit_test(an_echo_reply_fits_the_peers_mru),
		cmocka_unit_test(ipv6cp_is_rejected_in_network_byte_order),
		cmocka_unit_test(an_option_of_length_0_is_no_loop),
		cmocka_unit_test(an_option_of_length_1_is_no_loop),
		cmocka_unit_test(lcp_requests_without_an_answer_end_the_link),
		cmocka_unit_test(a_peer_that_falls_silent_ends_the_link_in_each_phase),
		cmocka_unit_test(a_peer_that_begins_again_and_again_ends_the_link),
		cmocka_unit_test(a_peer_that_falls_silent_later_ends_the_link),
		cmocka_unit_test(a_terminate_without_an_answer_ends_the_link),
		cmocka_unit_test(a_judge_that_never_answers_holds_up_one_link_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
