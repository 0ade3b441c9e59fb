/*
 * A session of TLS in memory, by GnuTLS: see tls.h and lib/ppp/tls.h.
 *
 * Invariants: each buffer has a bound; no state is left but forward; whatever GnuTLS reports as
 * fatal ends the session with a sentence, and with an alert for the other end unless that one sent
 * it.
 */
#include "system/tls.h"

#include "system/log.h"
#include "system/tls_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- buffers ---- */

static size_t held(const struct tls_buffer *b)
{
	return b->end - b->start;
}

static void wipe(struct tls_buffer *b)
{
	if (b->data)
		explicit_bzero(b->data, b->size);
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* 0, -EMSGSIZE, -ENOMEM. */
static int append(struct tls_buffer *b, const void *data, size_t len, size_t max)
{
	size_t size = held(b) + len;

	if (len > max || held(b) > max - len)
		return -EMSGSIZE;
	if (b->end + len > b->size) {
		struct tls_buffer larger = { .size = 2 * size > 4096 ? 2 * size : 4096 };

		if (larger.size > max) /* what a stranger can have us hold */
			larger.size = max;
		larger.data = malloc(larger.size);
		if (!larger.data)
			return -ENOMEM;
		larger.end = held(b);
		if (larger.end)
			memcpy(larger.data, b->data + b->start, larger.end);
		wipe(b);
		*b = larger;
	}
	if (len)
		memcpy(b->data + b->end, data, len);
	b->end += len;
	return 0;
}

static void consume(struct tls_buffer *b, void *out, size_t len)
{
	memcpy(out, b->data + b->start, len);
	explicit_bzero(b->data + b->start, len);
	b->start += len;
	if (b->start == b->end)
		b->start = b->end = 0;
}

/* ---- GnuTLS' transport ---- */

static ssize_t pull(gnutls_transport_ptr_t user, void *out, size_t len)
{
	struct tls_session *s = user;
	size_t n = held(&s->in) < len ? held(&s->in) : len;

	if (!n) {
		gnutls_transport_set_errno(s->gnutls, EAGAIN);
		return -1;
	}
	consume(&s->in, out, n);
	return (ssize_t)n;
}

static int pull_timeout(gnutls_transport_ptr_t user, unsigned int ms)
{
	struct tls_session *s = user;

	(void)ms;
	return held(&s->in) > 0;
}

static ssize_t push(gnutls_transport_ptr_t user, const void *data, size_t len)
{
	struct tls_session *s = user;

	if (append(&s->out, data, len, TLS_BUFFER_MAX)) {
		gnutls_transport_set_errno(s->gnutls, ENOMEM);
		return -1;
	}
	return (ssize_t)len;
}

/* ---- ends ---- */

/* What an alert means that the other end sent about us, where it is not plain. */
static const char *hint(uint8_t alert)
{
	switch (alert) {
	case GNUTLS_A_UNKNOWN_CA:
		return ": it does not trust the CA of this end's certificate";
	case GNUTLS_A_CERTIFICATE_EXPIRED:
		return ": this end's certificate has expired";
	case GNUTLS_A_CERTIFICATE_REVOKED:
		return ": this end's certificate is revoked";
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
	case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
		return ": it does not accept this end's certificate (name, purpose or contents)";
	case GNUTLS_A_CERTIFICATE_REQUIRED:
		return ": it wants a certificate (see certificate, key)";
	case GNUTLS_A_ACCESS_DENIED:
		return ": the certificate is good, but stands for no account there";
	case GNUTLS_A_PROTOCOL_VERSION:
		return ": it has no version of TLS that is allowed here (see min-version)";
	case GNUTLS_A_HANDSHAKE_FAILURE:
		return ": no cipher or no kind of key in common, or no certificate";
	default:
		return "";
	}
}

static void fail_by_peer(struct tls_session *s)
{
	const char *name;

	s->by_peer = true;
	s->alert = (uint8_t)gnutls_alert_get(s->gnutls);
	name = gnutls_alert_get_name((gnutls_alert_description_t)s->alert);
	snprintf(s->why, sizeof(s->why), "the %s refused by TLS's alert %u, \"%s\"%s",
		s->server ? "client" : "server", s->alert, name ? name : "unknown", hint(s->alert));
}

static void send_alert(struct tls_session *s, gnutls_alert_description_t alert)
{
	if (gnutls_alert_send(s->gnutls, GNUTLS_AL_FATAL, alert) == 0)
		s->alert = (uint8_t)alert;
}

static void fail_here(struct tls_session *s, int error)
{
	const char *other = s->server ? "client" : "server";
	int level = GNUTLS_AL_FATAL, alert = gnutls_error_to_alert(error, &level);

	if (s->why[0]) /* by tls_verify_peer() */
		alert = s->verify_alert;
	else if (error == GNUTLS_E_NO_CERTIFICATE_FOUND || error == GNUTLS_E_CERTIFICATE_REQUIRED)
		snprintf(s->why, sizeof(s->why), "the %s showed no certificate", other);
	else if (error == GNUTLS_E_UNSUPPORTED_VERSION_PACKET || error == GNUTLS_E_NO_CIPHER_SUITES)
		snprintf(s->why, sizeof(s->why),
			"the %s has no version of TLS, or no cipher, that is allowed here (see "
			"min-version)",
			other);
	else
		snprintf(s->why, sizeof(s->why), "TLS with the %s failed: %s", other,
			gnutls_strerror(error));
	send_alert(s, (gnutls_alert_description_t)alert);
}

static void fail(struct tls_session *s, int error)
{
	/* An alert in the certificate's place: GnuTLS takes it for one that is missing. */
	bool missing =
		error == GNUTLS_E_NO_CERTIFICATE_FOUND || error == GNUTLS_E_CERTIFICATE_REQUIRED;

	s->state = TLS_FAILED;
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED || (missing && gnutls_alert_get(s->gnutls)))
		fail_by_peer(s);
	else
		fail_here(s, error);
}

/* ---- going on ---- */

static bool is_pause(int rc)
{
	return rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED;
}

/* A warning, a request to begin anew (never followed), a ticket (never used): each took octets of
 * what came, so that this ends. */
static bool is_nothing(int rc)
{
	return rc < 0 && !is_pause(rc) && !gnutls_error_is_fatal(rc);
}

static void shake(struct tls_session *s)
{
	size_t before;
	int rc;

	/* GnuTLS pauses behind each record of a message that has several, too. */
	do {
		before = held(&s->in);
		rc = gnutls_handshake(s->gnutls);
	} while (is_nothing(rc) || (is_pause(rc) && held(&s->in) < before));
	if (rc == 0)
		s->state = TLS_OPEN;
	else if (!is_pause(rc))
		fail(s, rc);
}

static void receive_data(struct tls_session *s)
{
	uint8_t data[4096];
	size_t before;
	ssize_t n;

	/* GnuTLS pauses behind each ticket, whatever comes next: hostapd sends data there. */
	do {
		before = held(&s->in);
		n = gnutls_record_recv(s->gnutls, data, sizeof(data));
		if (n > 0 && append(&s->data, data, (size_t)n, TLS_DATA_MAX))
			n = GNUTLS_E_MEMORY_ERROR;
	} while (n > 0 || is_nothing((int)n) || (is_pause((int)n) && held(&s->in) < before));
	explicit_bzero(data, sizeof(data));
	if (n == 0) {
		s->state = TLS_FAILED;
		s->by_peer = true;
		snprintf(s->why, sizeof(s->why), "the %s closed the session of TLS",
			s->server ? "client" : "server");
	} else if (!is_pause((int)n)) {
		fail(s, (int)n);
	}
}

static void session_run(struct tls_session *s)
{
	if (s->state == TLS_HANDSHAKING)
		shake(s);
	if (s->state == TLS_OPEN)
		receive_data(s);
}

static int session_feed(struct tls_session *s, const uint8_t *data, size_t len)
{
	return append(&s->in, data, len, TLS_BUFFER_MAX) ? -EMSGSIZE : 0;
}

static size_t session_waiting(const struct tls_session *s)
{
	return held(&s->out);
}

static void session_take(struct tls_session *s, uint8_t *out, size_t len)
{
	consume(&s->out, out, len);
}

static void session_status(const struct tls_session *s, struct tls_status *status)
{
	gnutls_protocol_t version = gnutls_protocol_get_version(s->gnutls);

	memset(status, 0, sizeof(*status));
	status->state = s->state;
	status->version = version == GNUTLS_TLS1_3   ? TLS_1_3
			  : version == GNUTLS_TLS1_2 ? TLS_1_2
			  : version == GNUTLS_TLS1_1 ? TLS_1_1
			  : version == GNUTLS_TLS1_0 ? TLS_1_0
						     : TLS_NONE;
	status->why = s->state == TLS_FAILED ? s->why : "";
	status->by_peer = s->by_peer;
	status->alert = s->alert;
	status->peer = s->state == TLS_OPEN && s->peer_shown ? &s->identity : NULL;
}

static int session_write(struct tls_session *s, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (s->state != TLS_OPEN)
		return -EPIPE;
	if (len > gnutls_record_get_max_size(s->gnutls))
		return -EMSGSIZE;
	n = gnutls_record_send(s->gnutls, data, len);
	return n == (ssize_t)len ? 0 : -ENOMEM;
}

static int session_read(struct tls_session *s, uint8_t *out, size_t size)
{
	size_t len = held(&s->data);

	if (len > size) {
		wipe(&s->data);
		return -EMSGSIZE;
	}
	if (len)
		consume(&s->data, out, len);
	return (int)len;
}

static void session_refuse(struct tls_session *s, enum tls_alert alert, const char *why)
{
	if (s->state == TLS_FAILED)
		return;
	s->state = TLS_FAILED;
	snprintf(s->why, sizeof(s->why), "%s", why);
	send_alert(s, (gnutls_alert_description_t)alert);
}

static int session_export(struct tls_session *s, const char *label, const uint8_t *context,
	size_t context_len, uint8_t *out, size_t len)
{
	if (s->state != TLS_OPEN)
		return -EPIPE;
	return gnutls_prf_rfc5705(s->gnutls, strlen(label), label, context_len,
		       (const char *)context, len, (char *)out)
		       ? -EPIPE
		       : 0;
}

/* GnuTLS would write each session's secrets to the file that SSLKEYLOGFILE names. */
static int no_keylog(gnutls_session_t gnutls, const char *label, const gnutls_datum_t *secret)
{
	(void)gnutls;
	(void)label;
	(void)secret;
	return 0;
}

static int prepare(struct tls_session *s, const struct tls_setup *setup)
{
	struct tls_context *c = s->context;
	/* Our certificate is shown also to a server that names other CAs: it then can say why not. */
	unsigned int flags = GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_FORCE_CLIENT_CERT;
	bool old = setup->highest != TLS_NONE && setup->highest < TLS_1_3;

	if (gnutls_init(&s->gnutls, flags | (s->server ? GNUTLS_SERVER : GNUTLS_CLIENT)))
		return -ENOMEM;
	if (gnutls_priority_set(s->gnutls, old ? c->up_to_1_2 : c->any) ||
		gnutls_credentials_set(s->gnutls, GNUTLS_CRD_CERTIFICATE,
			setup->certificate || s->server ? c->credentials : c->anonymous))
		return -ENOMEM;
	/* GnuTLS counts all of a handshake, ours too. */
	if (s->server)
		gnutls_handshake_set_max_packet_length(s->gnutls, TLS_CLIENT_MAX + c->own_size);
	if (s->server)
		gnutls_certificate_server_set_request(
			s->gnutls, setup->certificate ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
	gnutls_session_set_keylog_function(s->gnutls, no_keylog);
	gnutls_session_set_ptr(s->gnutls, s);
	gnutls_transport_set_ptr(s->gnutls, s);
	gnutls_transport_set_pull_function(s->gnutls, pull);
	gnutls_transport_set_pull_timeout_function(s->gnutls, pull_timeout);
	gnutls_transport_set_push_function(s->gnutls, push);
	gnutls_handshake_set_timeout(s->gnutls, GNUTLS_INDEFINITE_TIMEOUT);
	return 0;
}

struct tls_session *tls_open(void *user, const struct tls_setup *setup)
{
	struct tls_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->context = user;
	s->server = setup->server;
	if (prepare(s, setup)) {
		tls_close(s);
		return NULL;
	}
	return s;
}

void tls_close(struct tls_session *s)
{
	if (!s)
		return;
	if (s->gnutls)
		gnutls_deinit(s->gnutls);
	wipe(&s->in);
	wipe(&s->out);
	wipe(&s->data);
	for (unsigned int i = 0; i < TLS_NAMES_MAX; i++)
		free(s->names[i]);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

const struct tls_engine tls_engine_ops = {
	.open = tls_open,
	.close = tls_close,
	.feed = session_feed,
	.run = session_run,
	.waiting = session_waiting,
	.take = session_take,
	.status = session_status,
	.write = session_write,
	.read = session_read,
	.refuse = session_refuse,
	.export = session_export,
};
