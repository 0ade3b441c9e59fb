/* The inside of system/tls: tls.c (sessions), tls_files.c (contexts), tls_verify.c (certificates). */
#pragma once

#include "lib/ppp/eap_tunnel.h"
#include "system/tls.h"
#include "system/tun.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

/* As many octets may wait in a session, each way: a message, and what TLS puts around it. */
#define TLS_BUFFER_MAX (EAP_TUNNEL_MESSAGE + 4096u)
/* Of a client, in a handshake: its certificates, above all. GnuTLS reads them, each octet being work,
 * before anybody knows whose they are. */
#define TLS_CLIENT_MAX 16384u
#define TLS_DATA_MAX   16384u /* of application data */

struct tls_context {
	char *server_name;
	char *name;      /* of our certificate */
	size_t own_size; /* of its file */
	gnutls_certificate_credentials_t credentials;
	gnutls_certificate_credentials_t anonymous; /* the same without our certificate */
	gnutls_priority_t any, up_to_1_2;           /* by the highest version */
	struct tls_engine engine;
};

struct tls_buffer {
	uint8_t *data;
	size_t start, end, size;
};

struct tls_session {
	struct tls_context *context;
	gnutls_session_t gnutls;
	bool server;
	struct tls_buffer in, out, data;
	enum tls_state state;
	bool by_peer, peer_shown;
	uint8_t alert;        /* that was sent or came */
	uint8_t verify_alert; /* which one tls_verify_peer() wants */
	char why[SYSTEM_WHY];
	struct tls_identity identity;
	char *names[TLS_NAMES_MAX]; /* of it; ours */
};

/* tls_verify.c: GnuTLS calls it in the handshake. 0, or an error with s->why and s->verify_alert. */
int tls_verify_peer(gnutls_session_t gnutls);
/* Into s->identity and names; 0 or -ENOMEM. */
int tls_identify(struct tls_session *s, gnutls_x509_crt_t crt);
/* "2024-03-01" */
void tls_date(char out[16], time_t t);
/* The names of a certificate, as many as fit: "vpn.example.org, 10.0.0.1"; returns out. */
const char *tls_names_of(char *out, size_t size, gnutls_x509_crt_t crt);

/* tls.c */
struct tls_session *tls_open(void *user, const struct tls_setup *setup);
void tls_close(struct tls_session *s);
extern const struct tls_engine tls_engine_ops; /* without `user` */
