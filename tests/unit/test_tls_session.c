/*
 * Sessions of TLS by GnuTLS (system/tls), without EAP around them: what a hostile other end may
 * send when the handshake is over, what one may cost, and whom certificates do not stand for.
 */
#include "lib/wire.h"
#include "system/tls_internal.h"
#include "tests/unit/tls_certs.h"

static struct certs files;
static struct cert ca, server_cert, client_cert;
static struct tls_context *contexts[2];
static struct tls_session *server, *client;
static const struct tls_engine *engine;

static struct tls_context *context(bool is_server)
{
	const struct cert *own = is_server ? &server_cert : &client_cert;
	struct tls_files f = { .server = is_server,
		.certificate = own->crt_file,
		.key = own->key_file,
		.ca = ca.crt_file,
		.server_name = is_server ? NULL : "vpn.example.org" };
	char why[SYSTEM_WHY] = "";
	struct tls_context *c = tls_context_new(&f, why);

	if (!c)
		fail_msg("%s", why);
	return c;
}

static void pass(struct tls_session *from, struct tls_session *to)
{
	uint8_t data[4096];

	while (engine->waiting(from)) {
		size_t n = engine->waiting(from);

		n = n < sizeof(data) ? n : sizeof(data);
		engine->take(from, data, n);
		assert_int_equal(engine->feed(to, data, n), 0);
	}
	engine->run(to);
}

static void open_sessions(struct tls_setup *setup)
{
	engine = tls_context_engine(contexts[0]);
	client = tls_open(contexts[1], setup);
	setup->server = true;
	server = tls_open(contexts[0], setup);
	assert_true(client && server);
	engine->run(client);
	while (engine->waiting(client) || engine->waiting(server)) {
		pass(client, server);
		pass(server, client);
	}
}

static void open_both(enum tls_version highest, bool certificate)
{
	struct tls_setup setup = { .certificate = certificate, .highest = highest };

	contexts[0] = context(true);
	contexts[1] = context(false);
	open_sessions(&setup);
	assert_int_equal(client->state, TLS_OPEN);
	assert_int_equal(server->state, TLS_OPEN);
}

static void close_both(void)
{
	tls_close(client);
	tls_close(server);
	tls_context_free(contexts[0]);
	tls_context_free(contexts[1]);
}

/* ---- after the handshake ---- */

static void no_second_handshake_is_begun(void **state)
{
	(void)state;
	open_both(TLS_1_2, false);
	(void)gnutls_handshake(client->gnutls);
	assert_true(engine->waiting(client));
	pass(client, server);
	assert_int_equal(server->state, TLS_FAILED);
	close_both();
	open_both(TLS_1_2, false);
	assert_int_equal(gnutls_rehandshake(server->gnutls), 0);
	pass(server, client);
	assert_int_equal(client->state, TLS_OPEN);
	assert_int_equal(engine->waiting(client), 0);
	close_both();
}

static void new_keys_without_end_are_refused(void **state)
{
	(void)state;
	open_both(TLS_1_3, false);
	for (int i = 0; i < 500; i++)
		assert_int_equal(gnutls_session_key_update(client->gnutls, GNUTLS_KU_PEER), 0);
	pass(client, server);
	assert_int_equal(server->state, TLS_FAILED);
	assert_true(engine->waiting(server) < 1000);
	close_both();
}

/* ---- what a session holds ---- */

static void a_buffer_is_no_larger_than_what_it_may_hold(void **state)
{
	const struct tls_setup of_server = { .server = true };
	uint8_t data[1400] = { 22, 3, 3 };
	size_t fed = 0;

	(void)state;
	contexts[0] = context(true);
	server = tls_open(contexts[0], &of_server);
	engine = tls_context_engine(contexts[0]);
	for (; engine->feed(server, data, sizeof(data)) == 0; fed += sizeof(data))
		assert_true(server->in.size <= TLS_BUFFER_MAX);
	assert_true(fed >= EAP_TUNNEL_MESSAGE && fed <= TLS_BUFFER_MAX);
	tls_close(server);
	tls_context_free(contexts[0]);
}

/* GnuTLS writes a session's secrets there, for whoever debugs it. */
static void secrets_go_to_no_file(void **state)
{
	char path[96];

	(void)state;
	open_both(TLS_1_3, true);
	close_both();
	open_both(TLS_1_2, true);
	close_both();
	snprintf(path, sizeof(path), "%s/keys", files.dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- certificates ---- */

static char said[SYSTEM_WHY], names[600];
static bool server_is_bob;
static unsigned int highest; /* enum tls_version */

/* A client with this chain at a server that wants one: what the server says, "" if it is good. */
static const char *shown_by(
	const struct cert *server_has, const char *chain, const char *key, const char *crl)
{
	struct tls_setup setup = { .certificate = true, .highest = highest };
	struct tls_files f = { .server = true,
		.certificate = server_has->crt_file,
		.key = server_has->key_file,
		.ca = ca.crt_file,
		.crl = crl };
	struct tls_files g = { .certificate = chain, .key = key, .ca = ca.crt_file };

	said[0] = names[0] = '\0';
	contexts[0] = tls_context_new(&f, said);
	contexts[1] = tls_context_new(&g, said);
	if (!contexts[0] || !contexts[1])
		fail_msg("%s", said);
	open_sessions(&setup);
	assert_int_not_equal(server->state, TLS_HANDSHAKING);
	snprintf(said, sizeof(said), "%s", server->why);
	assert_int_equal(server->state == TLS_FAILED, said[0] != '\0');
	for (unsigned int i = 0; server->state == TLS_OPEN && i < server->identity.count; i++) {
		strcat(names, i ? ", " : "");
		strcat(names, server->identity.names[i]);
	}
	close_both();
	return said;
}

static const char *shown(const char *chain, const char *key, const char *crl)
{
	return shown_by(&server_cert, chain, key, crl);
}

static void chain_of(char path[96], const struct cert *leaf, const struct cert *above)
{
	gnutls_datum_t a, b;
	char pem[8192];
	int n;

	assert_int_equal(gnutls_x509_crt_export2(leaf->crt, GNUTLS_X509_FMT_PEM, &a), 0);
	assert_int_equal(gnutls_x509_crt_export2(above->crt, GNUTLS_X509_FMT_PEM, &b), 0);
	n = snprintf(pem, sizeof(pem), "%.*s%.*s", (int)a.size, a.data, (int)b.size, b.data);
	certs_write(&files, path, "chain.pem", pem, (size_t)n);
	gnutls_free(a.data);
	gnutls_free(b.data);
}

/* bob's certificate by that one; its key is `file`'s. */
static const char *bob_by(const struct cert *above, bool revoked)
{
	const struct cert_spec spec = { .cn = "bob", .purpose = OID_CLIENT };
	char path[96], crl[96];
	struct cert bob;

	cert_make(&files, &bob, "bob", &spec, above);
	chain_of(path, &bob, above);
	if (revoked)
		crl_make(&files, crl, &ca, above, 10);
	(void)shown(path, bob.key_file, revoked ? crl : NULL);
	cert_free(&bob);
	return said;
}

static void by_ca(const struct cert_spec *spec, bool revoked, const char *words)
{
	struct cert above;

	cert_make(&files, &above, "above", spec, &ca);
	if (!strstr(bob_by(&above, revoked), words) || !*words != !*said)
		fail_msg("\"%s\", not \"%s\"", said, words);
	assert_string_equal(names, *words ? "" : "bob");
	cert_free(&above);
}

static void what_is_above_a_certificate_must_be_good_too(void **state)
{
	(void)state;
	by_ca(&(struct cert_spec){ .cn = "Between", .ca = true }, false, "");
	by_ca(&(struct cert_spec){ .cn = "Between", .ca = true }, true, "is revoked");
	by_ca(&(struct cert_spec){ .cn = "Between", .ca = true, .purpose = OID_SERVER }, false,
		"lacks clientAuth");
	by_ca(&(struct cert_spec){ .cn = "Between", .ca = true, .from = -5, .until = -1 }, false,
		"above the client's has expired");
	/* A user is no CA. */
	by_ca(&(struct cert_spec){ .cn = "alice", .purpose = OID_CLIENT }, false, "not trusted");
}

/* bob's certificate by that one (NULL: by himself), with other names, in DER; whom it stands for. */
static const char *with_names_by(const struct cert *by, const void *der, size_t len)
{
	struct cert bob;
	gnutls_datum_t pem;

	cert_make(&files, &bob, "bob",
		&(struct cert_spec){
			.cn = "bob", .purpose = server_is_bob ? OID_SERVER : OID_CLIENT },
		by);
	if (!by)
		by = &bob;
	gnutls_x509_crt_set_extension_by_oid(bob.crt, "2.5.29.17", der, len, 0);
	assert_int_equal(gnutls_x509_crt_sign2(bob.crt, by->crt, by->key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(bob.crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	certs_write(&files, bob.crt_file, "bob.pem", pem.data, pem.size);
	gnutls_free(pem.data);
	if (server_is_bob)
		(void)shown_by(&bob, client_cert.crt_file, client_cert.key_file, NULL);
	else
		(void)shown(bob.crt_file, bob.key_file, NULL);
	cert_free(&bob);
	return names;
}

static const char *with_names(const void *der, size_t len)
{
	(void)with_names_by(&ca, der, len);
	assert_string_equal(said, "");
	return names;
}

/* "alice", NUL, "x": as DNS name, as an e-mail address, as a UPN. */
static void a_name_with_a_nul_is_nobodys(void **state)
{
	static const uint8_t dns[] = "\x30\x09\x82\x07"
				     "alice\0x",
			     mail[] = "\x30\x09\x81\x07"
				      "alice\0x";
	static const uint8_t upn[] =
		"\x30\x19\xa0\x17\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03"
		"\xa0\x09\x0c\x07"
		"alice\0x";

	(void)state;
	assert_string_equal(with_names(dns, sizeof(dns) - 1), "bob");
	assert_string_equal(with_names(mail, sizeof(mail) - 1), "bob");
	assert_string_equal(with_names(upn, sizeof(upn) - 1), "bob");
}

/* bob's, with so many names of 200 octets. */
static void with_many_names(const struct cert *by, size_t count)
{
	static const uint8_t name[200] = { 'b', 'o', 'b' };
	static uint8_t der[65536];
	struct wire_writer w = wire_writer(der, sizeof(der));

	wire_put_u8(&w, 0x30);
	wire_put_u8(&w, 0x82);
	wire_put_u16(&w, (uint16_t)(count * (3 + sizeof(name))));
	for (size_t i = 0; i < count; i++) {
		wire_put_bytes(&w, (const uint8_t *)"\x82\x81\xc8", 3);
		wire_put_bytes(&w, name, sizeof(name));
	}
	assert_false(w.failed);
	(void)with_names_by(by, der, wire_written(&w));
}

/* Each octet of a certificate is work, before anybody knows whose it is. */
static void a_certificate_that_is_too_large_is_not_looked_at(void **state)
{
	(void)state;
	for (highest = TLS_1_2; highest <= TLS_1_3; highest++) {
		with_many_names(NULL, 100);
		assert_non_null(strstr(said, "too large"));
		with_many_names(NULL, 20);
		assert_non_null(strstr(said, "not trusted"));
	}
	highest = TLS_NONE;
}

/* A record has 16 KB: GnuTLS pauses behind each, though the next one is there. */
static void a_long_chain_of_the_server_gets_through(void **state)
{
	(void)state;
	for (highest = TLS_1_2; highest <= TLS_1_3; highest++) {
		server_is_bob = true;
		with_many_names(&ca, 100);
		server_is_bob = false;
		assert_string_equal(said, "");
		assert_string_equal(names, "alice");
	}
	highest = TLS_NONE;
}

static int setup(void **state)
{
	char path[96];

	(void)state;
	certs_init(&files);
	snprintf(path, sizeof(path), "%s/keys", files.dir);
	setenv("SSLKEYLOGFILE", path, 1);
	cert_make_ends(
		&files, &ca, &server_cert, &client_cert, &(struct cert_spec){ .cn = "alice" });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cert_free(&ca);
	cert_free(&server_cert);
	cert_free(&client_cert);
	certs_done(&files);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_second_handshake_is_begun),
		cmocka_unit_test(new_keys_without_end_are_refused),
		cmocka_unit_test(a_buffer_is_no_larger_than_what_it_may_hold),
		cmocka_unit_test(secrets_go_to_no_file),
		cmocka_unit_test(what_is_above_a_certificate_must_be_good_too),
		cmocka_unit_test(a_name_with_a_nul_is_nobodys),
		cmocka_unit_test(a_long_chain_of_the_server_gets_through),
		cmocka_unit_test(a_certificate_that_is_too_large_is_not_looked_at),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
