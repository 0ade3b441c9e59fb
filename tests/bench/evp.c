/*
 * What greyline would be without its batches: a second program, greyline-evp, of the same objects,
 * in which the linker has put these functions in place of the real ones. MPPE's keys and data go
 * through OpenSSL's EVP, one packet after the other, and each packet that is received or sent is a
 * system call of its own. What is compared with it runs the same protocol over the same path, so
 * the quotient is what the batches and the cipher bring. See README.md.
 *
 * Only for tests/bench/tunnel: 128 bits, stateless, offload = false.
 */
#include "lib/mppe/key_chain.h"
#include "lib/mppe/rc4.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int __wrap_recvmmsg(
	int fd, struct mmsghdr *msgs, unsigned int n, int flags, struct timespec *timeout);
int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags);
void __wrap_rc4_run(struct rc4_batch *batch);
void __wrap_rc4_run_ahead(struct rc4_batch *batch);
void __wrap_key_chain_next(const struct key_chain *c, const struct cipher *cipher, uint8_t *key);

/* Each worker's own. */
static _Thread_local EVP_CIPHER_CTX *cipher_ctx;
static _Thread_local EVP_MD_CTX *hash_ctx;
static _Thread_local EVP_MD *sha1;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "greyline-evp: OpenSSL cannot do %s\n", what);
	abort();
}

static void open_evp(void)
{
	EVP_CIPHER *rc4;

	if (cipher_ctx)
		return;
	must(OSSL_PROVIDER_load(NULL, "legacy") && OSSL_PROVIDER_load(NULL, "default"),
		"its \"legacy\" provider");
	rc4 = EVP_CIPHER_fetch(NULL, "RC4", NULL);
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	cipher_ctx = EVP_CIPHER_CTX_new();
	hash_ctx = EVP_MD_CTX_new();
	must(rc4 && sha1 && cipher_ctx && hash_ctx &&
			EVP_EncryptInit_ex2(cipher_ctx, rc4, NULL, NULL, NULL),
		"RC4 and SHA-1");
}

static void crypt_evp(const uint8_t *key, uint8_t *data, uint32_t len)
{
	int out;

	must(EVP_EncryptInit_ex2(cipher_ctx, NULL, key, NULL, NULL) &&
			EVP_EncryptUpdate(cipher_ctx, data, &out, data, (int)len),
		"RC4");
}

void __wrap_rc4_run(struct rc4_batch *batch)
{
	open_evp();
	for (unsigned int i = 0; i < batch->count; i++) {
		struct rc4_job *job = &batch->jobs[i];

		must(!job->state && job->key_len == 16, "other than MPPE-128 stateless here");
		crypt_evp(job->key, job->data, job->len);
		explicit_bzero(job->key, sizeof(job->key));
	}
	batch->count = 0;
	batch->chain_count = 0;
}

/* Packet by packet there is no room for streams of others. */
void __wrap_rc4_run_ahead(struct rc4_batch *batch)
{
	(void)batch;
}

/* RFC 3078 7.3 */
void __wrap_key_chain_next(const struct key_chain *c, const struct cipher *cipher, uint8_t *key)
{
	static const uint8_t pad1[40];
	uint8_t pad2[40], hash[20];
	unsigned int len;

	(void)cipher;
	open_evp();
	memset(pad2, 0xf2, sizeof(pad2));
	must(EVP_DigestInit_ex2(hash_ctx, sha1, NULL) && EVP_DigestUpdate(hash_ctx, c->start, 16) &&
			EVP_DigestUpdate(hash_ctx, pad1, sizeof(pad1)) &&
			EVP_DigestUpdate(hash_ctx, key, 16) &&
			EVP_DigestUpdate(hash_ctx, pad2, sizeof(pad2)) &&
			EVP_DigestFinal_ex(hash_ctx, hash, &len),
		"SHA-1");
	memcpy(key, hash, 16);
	crypt_evp(hash, key, 16);
	explicit_bzero(hash, sizeof(hash));
}

int __wrap_recvmmsg(
	int fd, struct mmsghdr *msgs, unsigned int n, int flags, struct timespec *timeout)
{
	unsigned int i;

	(void)timeout;
	for (i = 0; i < n; i++) {
		ssize_t len = recvmsg(fd, &msgs[i].msg_hdr, flags);

		if (len < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = (unsigned int)len;
	}
	return (int)i;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		ssize_t len = sendmsg(fd, &msgs[i].msg_hdr, flags);

		if (len < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = (unsigned int)len;
	}
	return (int)i;
}
