/*
 * TLS by GnuTLS, as libpptp wants it (lib/ppp/tls.h): certificates and keys from files, sessions in
 * memory, no sockets. Control thread only.
 *
 * What is checked of the other end's certificate: a chain to `ca` (a client without: to the system's
 * trusted ones), validity times, `crl`, its purpose (serverAuth, clientAuth), and by a client the
 * server's name. A client's certificates may have 16 KB, for they are work for the server before it
 * knows whose they are; a server's 64 KB. There are no tickets and no resumption (RFC 5216 2.1.2): each handshake proves both ends anew.
 */
#pragma once

#include "lib/ppp/tls.h"

struct tls_files {
	bool server;
	const char *certificate; /* PEM, the end's own first, then what is between it and the CA */
	const char *key;         /* PEM, not encrypted */
	const char *ca;  /* PEM; NULL: the system's. A server needs it, to ask for certificates */
	const char *crl; /* PEM; NULL none */
	const char *
		server_name; /* client: a DNS name or an address that the certificate must be for */
	enum tls_version lowest;  /* TLS_NONE: 1.2 */
	enum tls_version highest; /* TLS_NONE: 1.3 */
};

struct tls_context;

/*
 * Reads the files. NULL, and why in a sentence. A certificate is not needed by a client that never
 * shows one (and then no key). What is only dubious (expired, a key that others can read) is logged
 * as a warning. The strings are copied.
 */
struct tls_context *tls_context_new(const struct tls_files *files, char *why);
void tls_context_free(struct tls_context *c); /* after all its sessions */

/* Valid as long as the context. */
const struct tls_engine *tls_context_engine(const struct tls_context *c);
/* Whom our own certificate names; NULL if there is none. */
const char *tls_context_name(const struct tls_context *c);
