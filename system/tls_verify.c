/*
 * The other end's certificate: is it good, and if not, why in words; and whom it names. See tls.h.
 *
 * RFC 5216 2.2, 5.2 (whose), 5.3 (chain, purpose) and 5.4 (revocation). GnuTLS checks chain, times, revocation and purpose; only its first fault is told, the one that
 * the administrator has to mend first.
 */
#include "system/log.h"
#include "system/tls_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void tls_date(char out[16], time_t t)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		snprintf(out, 16, "an unknown day");
}

/* ---- names ---- */

/* One that a log, a report or a comparison may see. */
static bool is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return len >= 1 && len <= TLS_NAME_MAX;
}

static int add_name(struct tls_session *s, const void *name, size_t len)
{
	struct tls_identity *id = &s->identity;

	if (id->count == TLS_NAMES_MAX || !is_name(name, len))
		return 0;
	s->names[id->count] = strndup(name, len);
	if (!s->names[id->count])
		return -ENOMEM;
	id->names[id->count] = s->names[id->count];
	id->count++;
	return 0;
}

/* All of one type. */
static int add_alternative(struct tls_session *s, gnutls_x509_crt_t crt, int type)
{
	for (unsigned int i = 0;; i++) {
		char value[TLS_NAME_MAX + 8];
		size_t size = sizeof(value);
		unsigned int critical;
		int got = gnutls_x509_crt_get_subject_alt_name(crt, i, value, &size, &critical);

		if (got == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue; /* nobody's */
		if (got < 0)
			return 0;
		if (got == type && add_name(s, value, size))
			return -ENOMEM;
	}
}

static size_t common_name(gnutls_x509_crt_t crt, char out[TLS_NAME_MAX + 1])
{
	size_t size = TLS_NAME_MAX + 1;

	return gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &size)
		       ? 0
		       : size;
}

int tls_identify(struct tls_session *s, gnutls_x509_crt_t crt)
{
	char name[TLS_NAME_MAX + 1];
	size_t len = common_name(crt, name);

	if (add_alternative(s, crt, GNUTLS_SAN_OTHERNAME_MSUSERPRINCIPAL) ||
		add_alternative(s, crt, GNUTLS_SAN_RFC822NAME) ||
		add_alternative(s, crt, GNUTLS_SAN_DNSNAME) || (len && add_name(s, name, len)))
		return -ENOMEM;
	return 0;
}

const char *tls_names_of(char *out, size_t size, gnutls_x509_crt_t crt)
{
	struct tls_session s = { 0 };
	size_t n = 0;

	(void)tls_identify(&s, crt);
	out[0] = '\0';
	for (unsigned int i = 0; i < s.identity.count; i++) {
		char name[100];
		int len = snprintf(out + n, size - n, "%s%s", i ? ", " : "",
			log_escape(name, sizeof(name), s.names[i], strlen(s.names[i])));

		if ((size_t)len >= size - n)
			out[n] = '\0';
		else
			n += (size_t)len;
		free(s.names[i]);
	}
	return out[0] ? out : "nobody by name";
}

/* ---- is it good? ---- */

static const char *whose(const struct tls_session *s)
{
	return s->server ? "the client's" : "the server's";
}

__attribute__((format(printf, 3, 4))) static int refuse(
	struct tls_session *s, uint8_t alert, const char *format, ...)
{
	va_list ap;

	s->verify_alert = alert;
	va_start(ap, format);
	vsnprintf(s->why, sizeof(s->why), format, ap);
	va_end(ap);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static int refuse_time(struct tls_session *s, gnutls_x509_crt_t crt, bool expired)
{
	time_t from = gnutls_x509_crt_get_activation_time(crt);
	time_t until = gnutls_x509_crt_get_expiration_time(crt), now = time(NULL);
	char day[16];

	if (!expired && from > now) {
		tls_date(day, from);
		return refuse(s, GNUTLS_A_BAD_CERTIFICATE,
			"%s certificate is not valid before %s (is the clock right?)", whose(s),
			day);
	}
	if (until < now) {
		tls_date(day, until);
		return refuse(s, GNUTLS_A_CERTIFICATE_EXPIRED, "%s certificate expired on %s",
			whose(s), day);
	}
	return refuse(s, GNUTLS_A_CERTIFICATE_EXPIRED,
		"a certificate above %s has expired or is not valid yet", whose(s));
}

static int refuse_issuer(struct tls_session *s, gnutls_x509_crt_t crt)
{
	char dn[120], text[120];
	size_t size = sizeof(dn);

	if (gnutls_x509_crt_get_issuer_dn(crt, dn, &size) < 0)
		size = 0;
	return refuse(s, GNUTLS_A_UNKNOWN_CA,
		"%s certificate comes from a CA that is not trusted here: \"%s\" (see ca)",
		whose(s), log_escape(text, sizeof(text), dn, size));
}

static int judge(struct tls_session *s, unsigned int status, gnutls_x509_crt_t crt)
{
	if (status & GNUTLS_CERT_REVOKED)
		return refuse(s, GNUTLS_A_CERTIFICATE_REVOKED,
			"%s certificate is revoked (it is in the crl)", whose(s));
	if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		return refuse_issuer(s, crt);
	if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		return refuse_time(s, crt, status & GNUTLS_CERT_EXPIRED);
	if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
		return refuse(s, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
			"%s certificate is not made for that: its extended key usage lacks %s",
			whose(s), s->server ? "clientAuth" : "serverAuth");
	if (status & GNUTLS_CERT_INSECURE_ALGORITHM)
		return refuse(s, GNUTLS_A_BAD_CERTIFICATE,
			"%s certificate has a signature or a key that is too weak", whose(s));
	if (status)
		return refuse(s, GNUTLS_A_BAD_CERTIFICATE, "%s certificate is not good (%#x)",
			whose(s), status);
	return 0;
}

static int check_name(struct tls_session *s, gnutls_x509_crt_t crt)
{
	const char *name = s->context->server_name;
	char names[120];

	if (!name || gnutls_x509_crt_check_hostname(crt, name))
		return 0;
	return refuse(s, GNUTLS_A_BAD_CERTIFICATE,
		"the server's certificate is for %s, not for %.80s: give --server-name if that is "
		"the right server",
		tls_names_of(names, sizeof(names), crt), name);
}

static int check_leaf(struct tls_session *s, gnutls_x509_crt_t crt)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)(s->server ? GNUTLS_KP_TLS_WWW_CLIENT
							       : GNUTLS_KP_TLS_WWW_SERVER) };
	unsigned int status = 0;
	int rc = gnutls_certificate_verify_peers(s->gnutls, &purpose, 1, &status);

	if (rc < 0)
		return refuse(s, GNUTLS_A_BAD_CERTIFICATE, "%s certificate cannot be checked: %s",
			whose(s), gnutls_strerror(rc));
	rc = judge(s, status, crt);
	if (rc == 0 && !s->server)
		rc = check_name(s, crt);
	if (rc == 0 && tls_identify(s, crt))
		rc = refuse(s, GNUTLS_A_INTERNAL_ERROR, "out of memory");
	return rc;
}

int tls_verify_peer(gnutls_session_t gnutls)
{
	struct tls_session *s = gnutls_session_get_ptr(gnutls);
	unsigned int count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(gnutls, &count);
	gnutls_x509_crt_t crt;
	int rc;

	if (!chain || !count)
		return refuse(s, GNUTLS_A_CERTIFICATE_REQUIRED, "no certificate was shown");
	if (gnutls_x509_crt_init(&crt))
		return refuse(s, GNUTLS_A_INTERNAL_ERROR, "out of memory");
	if (gnutls_x509_crt_import(crt, chain, GNUTLS_X509_FMT_DER) < 0)
		rc = refuse(s, GNUTLS_A_BAD_CERTIFICATE, "%s certificate is malformed", whose(s));
	else
		rc = check_leaf(s, crt);
	gnutls_x509_crt_deinit(crt);
	s->peer_shown = rc == 0;
	return rc;
}
