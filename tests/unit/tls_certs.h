/*
 * A CA and certificates for the tests, made when the test runs: none lies in the tree and expires
 * there. Files in a directory of their own, removed by certs_done().
 */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 86400

#define OID_SERVER "1.3.6.1.5.5.7.3.1"
#define OID_CLIENT "1.3.6.1.5.5.7.3.2"

struct certs {
	char dir[32];
	char files[64][96];
	unsigned int count;
};

struct cert {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	char crt_file[96], key_file[96];
};

/* What a certificate says; NULL and 0: nothing, or the usual. */
struct cert_spec {
	const char *cn, *dns, *email, *upn;
	const char *purpose; /* OID */
	int from, until;     /* days from today; until 0: 30 */
	bool ca;
};

static inline void certs_write(
	struct certs *c, char path[96], const char *name, const void *data, size_t len)
{
	FILE *f;

	snprintf(path, 96, "%s/%s", c->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	for (unsigned int i = 0; i < c->count; i++) {
		if (!strcmp(c->files[i], path))
			return;
	}
	assert_true(c->count < 64);
	snprintf(c->files[c->count++], 96, "%s", path);
}

static inline void certs_init(struct certs *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->dir, sizeof(c->dir), "/tmp/greyline-certs-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
}

static inline void certs_done(struct certs *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		unlink(c->files[i]);
	rmdir(c->dir);
}

static inline void cert_name(struct cert *out, const struct cert_spec *spec)
{
	gnutls_x509_crt_t crt = out->crt;

	if (spec->cn)
		gnutls_x509_crt_set_dn_by_oid(
			crt, GNUTLS_OID_X520_COMMON_NAME, 0, spec->cn, (unsigned)strlen(spec->cn));
	if (spec->dns)
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, spec->dns,
			(unsigned)strlen(spec->dns), GNUTLS_FSAN_APPEND);
	if (spec->email)
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_RFC822NAME, spec->email,
			(unsigned)strlen(spec->email), GNUTLS_FSAN_APPEND);
	if (spec->upn) {
		uint8_t der[256] = { 0x0c, (uint8_t)strlen(spec->upn) };

		memcpy(der + 2, spec->upn, strlen(spec->upn));
		gnutls_x509_crt_set_subject_alt_othername(crt, "1.3.6.1.4.1.311.20.2.3", der,
			(unsigned)strlen(spec->upn) + 2, GNUTLS_FSAN_APPEND);
	}
}

/* Signed by `ca`, NULL: by itself. */
static inline void cert_make(struct certs *c, struct cert *out, const char *name,
	const struct cert_spec *spec, const struct cert *ca)
{
	static uint8_t serial;
	time_t now = time(NULL);
	uint8_t id[2] = { 1, ++serial };
	gnutls_datum_t pem;
	char file[48];

	assert_int_equal(gnutls_x509_privkey_init(&out->key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(out->key, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	assert_int_equal(gnutls_x509_crt_init(&out->crt), 0);
	gnutls_x509_crt_set_version(out->crt, 3);
	gnutls_x509_crt_set_serial(out->crt, id, sizeof(id));
	gnutls_x509_crt_set_activation_time(out->crt, now + spec->from * DAY - 60);
	gnutls_x509_crt_set_expiration_time(out->crt, now + (spec->until ? spec->until : 30) * DAY);
	gnutls_x509_crt_set_key(out->crt, out->key);
	gnutls_x509_crt_set_ca_status(out->crt, spec->ca);
	gnutls_x509_crt_set_key_usage(
		out->crt, spec->ca ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN
				   : GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (spec->purpose)
		gnutls_x509_crt_set_key_purpose_oid(out->crt, spec->purpose, 0);
	cert_name(out, spec);
	assert_int_equal(gnutls_x509_crt_sign2(out->crt, ca ? ca->crt : out->crt,
				 ca ? ca->key : out->key, GNUTLS_DIG_SHA256, 0),
		0);
	assert_int_equal(gnutls_x509_crt_export2(out->crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	snprintf(file, sizeof(file), "%s.pem", name);
	certs_write(c, out->crt_file, file, pem.data, pem.size);
	gnutls_free(pem.data);
	assert_int_equal(gnutls_x509_privkey_export2(out->key, GNUTLS_X509_FMT_PEM, &pem), 0);
	snprintf(file, sizeof(file), "%s-key.pem", name);
	certs_write(c, out->key_file, file, pem.data, pem.size);
	gnutls_free(pem.data);
}

static inline void cert_free(struct cert *cert)
{
	gnutls_x509_crt_deinit(cert->crt);
	gnutls_x509_privkey_deinit(cert->key);
}

/* What nearly every test needs: a CA, a server of the name vpn.example.org, and a client as `spec` has it. */
static inline void cert_make_ends(struct certs *c, struct cert *ca, struct cert *server,
	struct cert *client, const struct cert_spec *spec)
{
	struct cert_spec of_client = *spec;

	of_client.purpose = OID_CLIENT;
	cert_make(c, ca, "ca", &(struct cert_spec){ .cn = "Test CA", .ca = true }, NULL);
	cert_make(c, server, "server",
		&(struct cert_spec){ .dns = "vpn.example.org", .purpose = OID_SERVER }, ca);
	cert_make(c, client, "client", &of_client, ca);
}

/* A revocation list with one certificate in it, or (NULL) none. */
static inline void crl_make(struct certs *c, char path[96], const struct cert *ca,
	const struct cert *revoked, int until)
{
	time_t now = time(NULL);
	gnutls_x509_crl_t crl;
	gnutls_datum_t pem;
	uint8_t number = 1;

	assert_int_equal(gnutls_x509_crl_init(&crl), 0);
	gnutls_x509_crl_set_version(crl, 2);
	gnutls_x509_crl_set_this_update(crl, now - DAY);
	gnutls_x509_crl_set_next_update(crl, now + until * DAY);
	gnutls_x509_crl_set_number(crl, &number, 1);
	if (revoked)
		gnutls_x509_crl_set_crt(crl, revoked->crt, now - DAY);
	assert_int_equal(gnutls_x509_crl_sign2(crl, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &pem), 0);
	certs_write(c, path, "crl.pem", pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crl_deinit(crl);
}
