/*
 * EAP-TLS with GnuTLS at both ends: TLS 1.2 and 1.3, fragments, keys, and each certificate that
 * must be refused, with the words for it. RFC 5216, RFC 9190.
 */
#include "system/log.h"
#include "system/tls_internal.h"
#include "system/tun.h"
#include "tests/unit/eap_end.h"
#include "tests/unit/tls_certs.h"

static struct certs files;
static struct cert ca, other_ca, server_cert, client_cert;
static const struct ppp_auth_list tls_only = { 1, { PPP_AUTH_EAP_TLS } };
static const struct ppp_auth_list tls_first = { 2, { PPP_AUTH_EAP_TLS, PPP_AUTH_EAP_MSCHAP2 } };

/* ---- two ends ---- */

struct side {
	struct eap_end end; /* first */
	struct tls_context *context;
	struct tls_engine engine;
	enum tls_version highest;
	const char *priority; /* a peer that cannot do better */
	struct ppp_auth_verdict verdict;
	char names[300]; /* of the certificate that was to be judged */
	unsigned int largest;
};

static struct side server, client;

static struct tls_session *open_side(void *user, const struct tls_setup *setup)
{
	struct side *s = user;
	struct tls_setup mine = *setup;
	struct tls_session *session;

	mine.highest = s->highest;
	session = tls_context_engine(s->context)->open(s->context, &mine);
	assert_non_null(session);
	if (s->priority)
		assert_int_equal(gnutls_priority_set_direct(session->gnutls, s->priority, NULL), 0);
	return session;
}

static const struct tls_engine *side_tls(void *user)
{
	return &((struct side *)user)->engine;
}

static void side_judge(void *user, const struct ppp_auth_request *request)
{
	struct side *s = user;

	s->end.judged++;
	s->end.request = *request;
	assert_non_null(request->certificate);
	s->names[0] = '\0';
	for (unsigned int i = 0; i < request->certificate->count; i++) {
		strcat(s->names, i ? ", " : "");
		strcat(s->names, request->certificate->names[i]);
	}
	s->end.request.certificate = NULL;
	eap_verdict(&s->end.e, &s->verdict, s->end.now);
}

static void side_send(void *user, const uint8_t *packet, size_t len)
{
	struct side *s = user;

	if (len > s->largest)
		s->largest = (unsigned int)len;
	end_send(user, packet, len);
}

static const struct chap_ops side_ops = {
	.send = side_send,
	.random = end_random,
	.judge = side_judge,
	.done = end_done,
	.notice = end_notice,
	.tls = side_tls,
};

static struct tls_files server_files(void)
{
	return (struct tls_files){ .server = true,
		.certificate = server_cert.crt_file,
		.key = server_cert.key_file,
		.ca = ca.crt_file };
}

static struct tls_files client_files(void)
{
	return (struct tls_files){ .certificate = client_cert.crt_file,
		.key = client_cert.key_file,
		.ca = ca.crt_file,
		.server_name = "vpn.example.org" };
}

static void open_context(struct side *s, const struct tls_files *f)
{
	char why[SYSTEM_WHY] = "";

	memset(s, 0, sizeof(*s));
	s->context = tls_context_new(f, why);
	if (!s->context)
		fail_msg("%s", why);
	s->engine = *tls_context_engine(s->context);
	s->engine.open = open_side;
	s->engine.user = s;
	s->end.now = START;
	s->verdict.ok = true;
}

static void begin(const struct tls_files *of_server, const struct tls_files *of_client)
{
	open_context(&server, of_server);
	open_context(&client, of_client);
}

static void start(
	const struct ppp_auth_list *of_server, const struct ppp_auth_list *of_client, uint16_t mtu)
{
	static const struct ppp_secret none;

	eap_start_peer(&client.end.e, of_client, "somebody", &none, mtu, &side_ops, &client, START);
	eap_start_authenticator(&server.end.e, of_server, "vpn", mtu, &side_ops, &server, START);
}

/* Packets to and fro until nobody has any left. */
static void talk(void)
{
	unsigned int told[2] = { 0 };

	for (unsigned int i = 0; i < 400; i++) {
		if (server.end.sent > told[0]) {
			told[0] = server.end.sent;
			deliver(&server.end, &client.end);
		} else if (client.end.sent > told[1]) {
			told[1] = client.end.sent;
			deliver(&client.end, &server.end);
		} else {
			return;
		}
	}
	fail_msg("no end");
}

static void run(void)
{
	start(&tls_only, &tls_only, 1400);
	talk();
}

static void end(void)
{
	eap_done(&server.end.e);
	eap_done(&client.end.e);
	tls_context_free(server.context);
	tls_context_free(client.context);
}

static void expect_success(void)
{
	if (!client.end.succeeded || !server.end.succeeded)
		fail_msg("server: %s; client: %s", server.end.detail, client.end.detail);
	assert_int_equal(server.end.judged, 1);
	assert_int_equal(server.end.keys.source, MPPE_FROM_MSK);
	assert_memory_equal(&server.end.keys, &client.end.keys, sizeof(server.end.keys));
	assert_memory_not_equal(server.end.keys.key, server.end.keys.other, 16);
}

/* Both know why: one by looking, the other by the alert. */
static void expect_failure(const char *at_server, const char *at_client)
{
	if (!server.end.failed || !client.end.failed)
		fail_msg("server: %s; client: %s", server.end.detail, client.end.detail);
	if (!strstr(server.end.detail, at_server))
		fail_msg("server: %s", server.end.detail);
	if (!strstr(client.end.detail, at_client))
		fail_msg("client: %s", client.end.detail);
	assert_int_equal(client.end.reason, PPTP_AUTH_CERTIFICATE);
}

/* ---- */

static void both_versions_prove_both_ends_and_make_the_same_keys(void **state)
{
	static const enum tls_version versions[] = { TLS_1_2, TLS_1_3 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tls_files s = server_files(), c = client_files();

		begin(&s, &c);
		server.highest = versions[i];
		run();
		expect_success();
		assert_string_equal(server.names, "anna@corp, anna@example.org, anna");
		assert_string_equal(server.end.request.name, "somebody");
		assert_string_equal(client.end.e.identity, "vpn.example.org");
		assert_int_equal(eap_auth_method(&client.end.e), PPP_AUTH_EAP_TLS);
		end();
	}
}

static void small_packets_carry_it_in_fragments(void **state)
{
	static const uint16_t mtus[] = { 64, 100, 300, 1400, 1500 };

	(void)state;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		for (int old = 0; old < 2; old++) {
			struct tls_files s = server_files(), c = client_files();

			begin(&s, &c);
			server.highest = old ? TLS_1_2 : TLS_1_3;
			start(&tls_only, &tls_only, mtus[i]);
			talk();
			expect_success();
			assert_true(server.largest <= mtus[i] && client.largest <= mtus[i]);
			assert_true(server.largest <= EAP_TUNNEL_FRAGMENT + 5);
			end();
		}
	}
}

static void without_room_for_a_fragment_it_ends(void **state)
{
	struct tls_files s = server_files(), c = client_files();

	(void)state;
	begin(&s, &c);
	start(&tls_only, &tls_only, 10);
	talk();
	assert_true(client.end.failed && !server.end.succeeded);
	end();
}

static void a_client_without_tls_gets_another_method(void **state)
{
	struct tls_files s = server_files(), c = client_files();
	static const struct ppp_auth_list v2 = { 1, { PPP_AUTH_EAP_MSCHAP2 } };

	(void)state;
	begin(&s, &c);
	start(&tls_first, &v2, 1400);
	for (int i = 0; i < 2; i++) {
		deliver(&server.end, &client.end);
		deliver(&client.end, &server.end);
	}
	assert_int_equal(server.end.packet[4], MSCHAP2);
	end();
}

/* ---- what must not get in ---- */

static void fails(const struct tls_files *s, const struct tls_files *c, const char *at_server,
	const char *at_client)
{
	for (int old = 0; old < 2; old++) {
		begin(s, c);
		server.highest = old ? TLS_1_2 : TLS_1_3;
		run();
		expect_failure(at_server, at_client);
		end();
	}
}

static void client_with(const struct cert_spec *spec, const struct cert *by, const char *at_server,
	const char *at_client)
{
	struct tls_files s = server_files(), c = client_files();
	struct cert bad;

	cert_make(&files, &bad, "bad", spec, by);
	c.certificate = bad.crt_file;
	c.key = bad.key_file;
	fails(&s, &c, at_server, at_client);
	cert_free(&bad);
}

static void server_with(const struct cert_spec *spec, const struct cert *by, const char *at_server,
	const char *at_client)
{
	struct tls_files s = server_files(), c = client_files();
	struct cert bad;

	cert_make(&files, &bad, "bad", spec, by);
	s.certificate = bad.crt_file;
	s.key = bad.key_file;
	fails(&s, &c, at_server, at_client);
	cert_free(&bad);
}

static void an_expired_certificate_is_refused(void **state)
{
	const struct cert_spec c = { .cn = "anna", .purpose = OID_CLIENT, .from = -9, .until = -2 };
	const struct cert_spec s = {
		.cn = "vpn.example.org", .purpose = OID_SERVER, .from = -9, .until = -2
	};

	(void)state;
	client_with(&c, &ca, "the client's certificate expired on 2", "certificate has expired");
	server_with(&s, &ca, "certificate has expired", "the server's certificate expired on 2");
}

static void one_that_is_not_valid_yet_is_refused(void **state)
{
	const struct cert_spec c = { .cn = "anna", .purpose = OID_CLIENT, .from = 3, .until = 9 };

	(void)state;
	client_with(&c, &ca, "the client's certificate is not valid before 2", "refused by TLS's");
}

static void one_of_another_ca_is_refused(void **state)
{
	const struct cert_spec c = { .cn = "anna", .purpose = OID_CLIENT };
	const struct cert_spec s = { .dns = "vpn.example.org", .purpose = OID_SERVER };

	(void)state;
	client_with(&c, &other_ca, "a CA that is not trusted here: \"CN=Other CA\"",
		"does not trust the CA");
	server_with(&s, &other_ca, "does not trust the CA",
		"the server's certificate comes from a CA that is not trusted");
	/* And one that signs itself. */
	client_with(&c, NULL, "a CA that is not trusted here", "does not trust the CA");
}

static void one_for_another_purpose_is_refused(void **state)
{
	const struct cert_spec c = { .cn = "anna", .purpose = OID_SERVER };
	const struct cert_spec s = { .dns = "vpn.example.org", .purpose = OID_CLIENT };

	(void)state;
	client_with(&c, &ca, "lacks clientAuth", "does not accept this end's certificate");
	/* The client of a company is none of its servers. */
	server_with(&s, &ca, "does not accept this end's certificate", "lacks serverAuth");
}

static void a_server_of_another_name_is_refused(void **state)
{
	const struct cert_spec s = { .dns = "mail.example.org", .purpose = OID_SERVER };

	(void)state;
	server_with(&s, &ca, "does not accept this end's certificate",
		"the server's certificate is for mail.example.org, not for vpn.example.org: give "
		"--server-name");
}

static void a_revoked_certificate_is_refused_and_others_are_not(void **state)
{
	struct tls_files s = server_files(), c = client_files();
	char crl[96];

	(void)state;
	crl_make(&files, crl, &ca, &client_cert, 30);
	s.crl = crl;
	fails(&s, &c, "the client's certificate is revoked", "certificate is revoked");
	crl_make(&files, crl, &ca, &server_cert, 30);
	begin(&s, &c);
	run();
	expect_success();
	end();
	c.crl = crl;
	s.crl = NULL;
	fails(&s, &c, "certificate is revoked", "the server's certificate is revoked");
}

static void a_client_without_a_certificate_is_refused(void **state)
{
	struct tls_files s = server_files(), c = client_files();

	(void)state;
	c.certificate = c.key = NULL;
	fails(&s, &c, "no certificate", "refused by TLS's alert");
}

static void a_certificate_without_an_account_is_refused(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		struct tls_files s = server_files(), c = client_files();

		begin(&s, &c);
		server.highest = old ? TLS_1_2 : TLS_1_3;
		server.verdict.ok = false;
		run();
		expect_failure("stands for no account", "stands for no account");
		assert_int_equal(server.end.reason, PPTP_AUTH_FAILED);
		end();
	}
}

static void no_version_in_common_is_told(void **state)
{
	struct tls_files s = server_files(), c = client_files();

	(void)state;
	s.lowest = TLS_1_3;
	c.highest = TLS_1_2;
	begin(&s, &c);
	run();
	expect_failure("no version of TLS, or no cipher, that is allowed", "refused by TLS's");
	end();
}

static void old_versions_only_where_they_are_allowed(void **state)
{
	static const struct {
		const char *priority;
		enum tls_version version;
	} v[] = {
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.0", TLS_1_0 },
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.1", TLS_1_1 },
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tls_files s = server_files(), c = client_files();

		begin(&s, &c);
		client.priority = v[i].priority;
		run();
		expect_failure("no version of TLS", "refused by TLS's");
		end();
		s.lowest = v[i].version;
		begin(&s, &c);
		client.priority = v[i].priority;
		run();
		expect_success();
		end();
	}
}

/* ---- success is not taken before it is proven (RFC 9190 2.5) ---- */

static void a_success_before_the_octet_0_does_not_count(void **state)
{
	struct tls_files s = server_files(), c = client_files();
	uint8_t success[4] = { SUCCESS, 0, 0, 4 };

	(void)state;
	begin(&s, &c);
	start(&tls_only, &tls_only, 1400);
	/* Identity; Start and ClientHello; the server's flight and Finished. */
	for (int i = 0; i < 3; i++) {
		deliver(&server.end, &client.end);
		if (i < 2)
			deliver(&client.end, &server.end);
		success[1] = client.end.e.identifier;
		end_receive(&client.end, success, sizeof(success));
		assert_int_equal(client.end.succeeded, 0);
		assert_int_equal(client.end.e.keys.source, MPPE_NO_KEYS);
	}
	deliver(&client.end, &server.end);
	assert_int_equal(server.end.succeeded, 0);
	talk();
	expect_success();
	end();
}

static void a_failure_after_it_is_a_forgery(void **state)
{
	struct tls_files s = server_files(), c = client_files();
	uint8_t failure[4] = { FAILURE, 0, 0, 4 };

	(void)state;
	begin(&s, &c);
	start(&tls_only, &tls_only, 1400);
	for (int i = 0; i < 3; i++) {
		deliver(&server.end, &client.end);
		deliver(&client.end, &server.end);
	}
	deliver(&server.end, &client.end);
	assert_int_equal(client.end.e.outcome, EAP_PROVEN);
	failure[1] = client.end.e.identifier;
	end_receive(&client.end, failure, sizeof(failure));
	assert_int_equal(client.end.failed, 0);
	/* Its Success is lost: what was proven stands. */
	end_tick_to(&client.end, START + SECONDS(40));
	assert_int_equal(client.end.succeeded, 1);
	end();
}

static void what_the_alert_said_is_told_when_nobody_answers_it(void **state)
{
	const struct cert_spec spec = { .cn = "anna", .purpose = OID_SERVER };
	struct tls_files s = server_files(), c = client_files();
	struct cert bad;

	(void)state;
	cert_make(&files, &bad, "bad", &spec, &ca);
	c.certificate = bad.crt_file;
	c.key = bad.key_file;
	begin(&s, &c);
	start(&tls_only, &tls_only, 1400);
	for (int i = 0; i < 3; i++) {
		deliver(&server.end, &client.end);
		deliver(&client.end, &server.end);
	}
	for (int t = 1; t < 40; t++)
		end_tick_to(&server.end, START + SECONDS(t));
	assert_int_equal(server.end.reason, PPTP_AUTH_CERTIFICATE);
	assert_non_null(strstr(server.end.detail, "lacks clientAuth"));
	end();
	cert_free(&bad);
}

/* A bit anywhere, in any packet: no success that the other end does not share, and an end. */
static void damage_never_opens_it(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 60; round++) {
		struct tls_files s = server_files(), c = client_files();
		unsigned int told[2] = { 0 }, at = round % 9;

		begin(&s, &c);
		server.highest = round & 1 ? TLS_1_2 : TLS_1_3;
		start(&tls_only, &tls_only, 500);
		for (unsigned int i = 0; i < 60; i++) {
			struct side *from = server.end.sent > told[0] ? &server : &client;
			struct side *to = from == &server ? &client : &server;

			if (from->end.sent == told[from == &client])
				break;
			told[from == &client] = from->end.sent;
			if (i == at && from->end.len > 12)
				from->end.packet[6 + (round * 37) % (from->end.len - 6)] ^= 0x10;
			deliver(&from->end, &to->end);
		}
		assert_true(!client.end.succeeded || server.end.succeeded || !server.end.failed);
		if (client.end.succeeded && server.end.succeeded)
			assert_memory_equal(
				&server.end.keys, &client.end.keys, sizeof(server.end.keys));
		end();
	}
}

/* ---- files ---- */

static void refused(const struct tls_files *f, const char *words)
{
	char why[SYSTEM_WHY] = "";
	struct tls_context *c = tls_context_new(f, why);

	assert_null(c);
	if (!strstr(why, words))
		fail_msg("%s", why);
}

static void files_that_do_not_do_are_told_in_sentences(void **state)
{
	struct tls_files f = server_files();
	char junk[96];

	(void)state;
	f.certificate = "/nonexistent/cert.pem";
	refused(&f, "certificate: cannot read /nonexistent/cert.pem: No such file");
	f = server_files();
	f.key = client_cert.key_file;
	refused(&f, "does not belong to the certificate");
	f.key = NULL;
	refused(&f, "one does not work without the other");
	f = server_files();
	f.ca = "/";
	refused(&f, "ca: / is no file");
	certs_write(&files, junk, "junk.pem", "junk\n", 5);
	f.ca = junk;
	refused(&f, "has no certificate in PEM");
	f = server_files();
	f.certificate = junk;
	refused(&f, "has no certificate in PEM");
	f = server_files();
	f.key = junk;
	refused(&f, "no private key in PEM");
	f = server_files();
	f.crl = junk;
	refused(&f, "no revocation list");
}

static void the_name_of_our_own_certificate_is_known(void **state)
{
	struct tls_files f = client_files();
	char why[SYSTEM_WHY] = "";
	struct tls_context *c = tls_context_new(&f, why);

	(void)state;
	assert_non_null(c);
	assert_string_equal(tls_context_name(c), "anna@corp");
	tls_context_free(c);
}

static int setup(void **state)
{
	(void)state;
	certs_init(&files);
	log_set(LOG_ERROR, LOG_TEXT); /* most of what is tried here deserves a warning */
	cert_make(&files, &other_ca, "other-ca",
		&(struct cert_spec){ .cn = "Other CA", .ca = true }, NULL);
	cert_make_ends(&files, &ca, &server_cert, &client_cert,
		&(struct cert_spec){
			.cn = "anna", .email = "anna@example.org", .upn = "anna@corp" });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cert_free(&ca);
	cert_free(&other_ca);
	cert_free(&server_cert);
	cert_free(&client_cert);
	certs_done(&files);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_prove_both_ends_and_make_the_same_keys),
		cmocka_unit_test(small_packets_carry_it_in_fragments),
		cmocka_unit_test(without_room_for_a_fragment_it_ends),
		cmocka_unit_test(a_client_without_tls_gets_another_method),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(one_that_is_not_valid_yet_is_refused),
		cmocka_unit_test(one_of_another_ca_is_refused),
		cmocka_unit_test(one_for_another_purpose_is_refused),
		cmocka_unit_test(a_server_of_another_name_is_refused),
		cmocka_unit_test(a_revoked_certificate_is_refused_and_others_are_not),
		cmocka_unit_test(a_client_without_a_certificate_is_refused),
		cmocka_unit_test(a_certificate_without_an_account_is_refused),
		cmocka_unit_test(no_version_in_common_is_told),
		cmocka_unit_test(old_versions_only_where_they_are_allowed),
		cmocka_unit_test(a_success_before_the_octet_0_does_not_count),
		cmocka_unit_test(a_failure_after_it_is_a_forgery),
		cmocka_unit_test(what_the_alert_said_is_told_when_nobody_answers_it),
		cmocka_unit_test(damage_never_opens_it),
		cmocka_unit_test(files_that_do_not_do_are_told_in_sentences),
		cmocka_unit_test(the_name_of_our_own_certificate_is_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
