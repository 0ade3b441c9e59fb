/*
 * Certificates, keys, trusted CAs and revocation lists from files: see tls.h. What was read is
 * wiped; each fault becomes a sentence with the key of the configuration in front.
 */
#include "system/log.h"
#include "system/tls_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (4u << 20)

__attribute__((format(printf, 2, 3))) static int because(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SYSTEM_WHY, format, ap);
	va_end(ap);
	return -EINVAL;
}

static void forget(gnutls_datum_t *file)
{
	if (file->data)
		explicit_bzero(file->data, file->size);
	free(file->data);
	file->data = NULL;
	file->size = 0;
}

/* The whole of a file that is no directory, of 1 octet to FILE_MAX. */
static int read_open(int fd, gnutls_datum_t *file)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	if (st.st_size < 1 || st.st_size > (off_t)FILE_MAX)
		return -EFBIG;
	file->data = malloc((size_t)st.st_size);
	if (!file->data)
		return -ENOMEM;
	while (file->size < (size_t)st.st_size) {
		n = read(fd, file->data + file->size, (size_t)st.st_size - file->size);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		file->size += (unsigned int)n;
	}
	return 0;
}

static int read_file(const char *key, const char *path, gnutls_datum_t *file, char *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	memset(file, 0, sizeof(*file));
	rc = fd < 0 ? -errno : read_open(fd, file);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		return 0;
	forget(file);
	if (rc == -EISDIR || rc == -EFBIG)
		return because(why, "%s: %.120s is no file of PEM (empty, too large, or no file)",
			key, path);
	return because(why, "%s: cannot read %.120s: %s", key, path, strerror(-rc));
}

/* ---- our own certificate ---- */

static void warn_about_key(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO))
		log_warning(
			"key: everybody on this machine can read or change %s: chmod 600 it", path);
}

static void warn_about_times(const char *path, gnutls_x509_crt_t crt)
{
	time_t from = gnutls_x509_crt_get_activation_time(crt);
	time_t until = gnutls_x509_crt_get_expiration_time(crt), now = time(NULL);
	char day[16];

	if (until < now) {
		tls_date(day, until);
		log_warning(
			"certificate: %s expired on %s: the other end will refuse it", path, day);
	} else if (from > now) {
		tls_date(day, from);
		log_warning(
			"certificate: %s is not valid before %s (is the clock right?)", path, day);
	}
}

static int look_at_certificate(
	struct tls_context *c, const char *path, const gnutls_datum_t *pem, char *why)
{
	struct tls_session names = { 0 };
	gnutls_x509_crt_t crt;
	int rc;

	if (gnutls_x509_crt_init(&crt))
		return because(why, "out of memory");
	rc = gnutls_x509_crt_import(crt, pem, GNUTLS_X509_FMT_PEM);
	if (rc < 0) {
		gnutls_x509_crt_deinit(crt);
		return because(why, "certificate: %.120s has no certificate in PEM: %s", path,
			gnutls_strerror(rc));
	}
	warn_about_times(path, crt);
	(void)tls_identify(&names, crt);
	gnutls_x509_crt_deinit(crt);
	if (names.identity.count)
		c->name = strdup(names.names[0]);
	for (unsigned int i = 0; i < names.identity.count; i++)
		free(names.names[i]);
	return 0;
}

static int put_pair(struct tls_context *c, const struct tls_files *f, const gnutls_datum_t *cert,
	const gnutls_datum_t *key, char *why)
{
	int rc = gnutls_certificate_set_x509_key_mem2(
		c->credentials, cert, key, GNUTLS_X509_FMT_PEM, NULL, 0);

	if (rc >= 0)
		return 0;
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return because(why, "key: %.90s does not belong to the certificate %.90s", f->key,
			f->certificate);
	if (rc == GNUTLS_E_DECRYPTION_FAILED)
		return because(why,
			"key: %.120s is protected by a password: store it without (chmod 600)",
			f->key);
	return because(why, "key: %.120s holds no private key in PEM for the certificate: %s",
		f->key, gnutls_strerror(rc));
}

static int read_pair(struct tls_context *c, const struct tls_files *f, char *why)
{
	gnutls_datum_t cert, key;
	int rc;

	if (!f->certificate != !f->key)
		return because(why, "certificate, key: one does not work without the other");
	if (!f->certificate)
		return 0;
	if (read_file("certificate", f->certificate, &cert, why))
		return -EINVAL;
	c->own_size = cert.size;
	rc = read_file("key", f->key, &key, why);
	if (rc == 0) {
		warn_about_key(f->key);
		rc = look_at_certificate(c, f->certificate, &cert, why);
		if (rc == 0)
			rc = put_pair(c, f, &cert, &key, why);
		forget(&key);
	}
	forget(&cert);
	return rc;
}

/* ---- who is trusted ---- */

static int trust(
	gnutls_certificate_credentials_t to, const char *path, const gnutls_datum_t *pem, char *why)
{
	int rc = gnutls_certificate_set_x509_trust_mem(to, pem, GNUTLS_X509_FMT_PEM);

	if (rc > 0)
		return 0;
	return because(why, "ca: %.120s has no certificate in PEM%s%s", path, rc ? ": " : "",
		rc ? gnutls_strerror(rc) : "");
}

static int trust_system(struct tls_context *c, char *why)
{
	if (gnutls_certificate_set_x509_system_trust(c->credentials) <= 0 ||
		gnutls_certificate_set_x509_system_trust(c->anonymous) <= 0)
		return because(why, "ca: the system trusts nobody: name the CA's certificate");
	return 0;
}

static int read_trusted(struct tls_context *c, const struct tls_files *f, char *why)
{
	gnutls_datum_t pem;
	int rc;

	if (!f->ca && f->server) /* it only never asks for certificates */
		return 0;
	if (!f->ca)
		return trust_system(c, why);
	if (read_file("ca", f->ca, &pem, why))
		return -EINVAL;
	rc = trust(c->credentials, f->ca, &pem, why);
	if (rc == 0)
		rc = trust(c->anonymous, f->ca, &pem, why);
	forget(&pem);
	return rc;
}

static void warn_about_list(const char *path, const gnutls_datum_t *pem)
{
	gnutls_x509_crl_t crl;
	time_t until;
	char day[16];

	if (gnutls_x509_crl_init(&crl))
		return;
	if (gnutls_x509_crl_import(crl, pem, GNUTLS_X509_FMT_PEM) == 0) {
		until = gnutls_x509_crl_get_next_update(crl);
		if (until != (time_t)-1 && until < time(NULL)) {
			tls_date(day, until);
			log_warning("crl: %s was to be renewed by %s", path, day);
		}
	}
	gnutls_x509_crl_deinit(crl);
}

static int read_list(struct tls_context *c, const struct tls_files *f, char *why)
{
	gnutls_datum_t pem;
	int rc;

	if (!f->crl)
		return 0;
	if (read_file("crl", f->crl, &pem, why))
		return -EINVAL;
	warn_about_list(f->crl, &pem);
	rc = gnutls_certificate_set_x509_crl_mem(c->credentials, &pem, GNUTLS_X509_FMT_PEM);
	if (rc > 0)
		rc = gnutls_certificate_set_x509_crl_mem(c->anonymous, &pem, GNUTLS_X509_FMT_PEM);
	forget(&pem);
	if (rc > 0)
		return 0;
	return because(why, "crl: %.120s has no revocation list in PEM of a CA that is trusted: %s",
		f->crl, rc ? gnutls_strerror(rc) : "it is empty");
}

/* ---- contexts ---- */

/* The system's policy, within these versions. */
static int set_versions(gnutls_priority_t *priority, enum tls_version lowest, bool newest)
{
	char text[160];

	snprintf(text, sizeof(text), "-VERS-ALL%s:+VERS-TLS1.2%s%s", newest ? ":+VERS-TLS1.3" : "",
		lowest <= TLS_1_1 ? ":+VERS-TLS1.1" : "", lowest <= TLS_1_0 ? ":+VERS-TLS1.0" : "");
	if (lowest == TLS_1_3 && newest)
		snprintf(text, sizeof(text), "-VERS-ALL:+VERS-TLS1.3");
	return gnutls_priority_init2(priority, text, NULL, GNUTLS_PRIORITY_INIT_DEF_APPEND);
}

static int prepare(struct tls_context *c, const struct tls_files *f, char *why)
{
	enum tls_version lowest = f->lowest ? f->lowest : TLS_1_2;
	bool newest = f->highest == TLS_NONE || f->highest >= TLS_1_3;
	int rc;

	c->server_name = f->server_name ? strdup(f->server_name) : NULL;
	if ((f->server_name && !c->server_name) ||
		gnutls_certificate_allocate_credentials(&c->credentials) ||
		gnutls_certificate_allocate_credentials(&c->anonymous))
		return because(why, "out of memory");
	rc = set_versions(&c->any, lowest, newest);
	if (rc == 0)
		rc = set_versions(&c->up_to_1_2, lowest, false);
	if (rc < 0)
		return because(why, "the system's policy for TLS does not allow it: %s",
			gnutls_strerror(rc));
	gnutls_certificate_set_verify_function(c->credentials, tls_verify_peer);
	gnutls_certificate_set_verify_function(c->anonymous, tls_verify_peer);
	if (read_pair(c, f, why) || read_trusted(c, f, why) || read_list(c, f, why))
		return -EINVAL;
	c->engine = tls_engine_ops;
	c->engine.user = c;
	return 0;
}

struct tls_context *tls_context_new(const struct tls_files *files, char *why)
{
	struct tls_context *c = calloc(1, sizeof(*c));

	if (!c) {
		(void)because(why, "out of memory");
		return NULL;
	}
	if (prepare(c, files, why)) {
		tls_context_free(c);
		return NULL;
	}
	return c;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	if (c->credentials)
		gnutls_certificate_free_credentials(c->credentials);
	if (c->anonymous)
		gnutls_certificate_free_credentials(c->anonymous);
	if (c->any)
		gnutls_priority_deinit(c->any);
	if (c->up_to_1_2)
		gnutls_priority_deinit(c->up_to_1_2);
	free(c->server_name);
	free(c->name);
	free(c);
}

const struct tls_engine *tls_context_engine(const struct tls_context *c)
{
	return &c->engine;
}

const char *tls_context_name(const struct tls_context *c)
{
	return c->name;
}
