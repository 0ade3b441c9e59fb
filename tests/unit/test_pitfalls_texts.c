/*
 * Faults that other implementations had in what they write as text, on the wire and in logs
 * (tests/pitfalls.md): a test is named after the fault that it would find here.
 */
#include "lib/ppp/cp.h"
#include "system/log.h"
#include "tests/unit/pitfalls_ppp.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets_in_texts_keep_their_leading_zeros),
		cmocka_unit_test(a_challenge_in_a_failure_keeps_its_leading_zeros),
		cmocka_unit_test(a_proof_keeps_its_leading_zeros),
		cmocka_unit_test(secrets_and_what_they_make_are_not_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
