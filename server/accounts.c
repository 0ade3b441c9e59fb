/* The accounts of the configuration, in a hash table: see accounts.h. */
#include "server/accounts.h"

#include "lib/ppp/chap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

void accounts_init(struct accounts *a)
{
	memset(a, 0, sizeof(*a));
}

static void forget_password(struct ppp_secret *secret)
{
	char *password = (char *)(uintptr_t)secret->password; /* ours: from strdup() */

	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
	secret->password = NULL;
}

static void forget(struct ppp_secret *secret)
{
	forget_password(secret);
	explicit_bzero(secret, sizeof(*secret));
}

void accounts_forget_passwords(struct accounts *a)
{
	for (struct account *e = a->newest; e; e = e->older)
		forget_password(&e->secret);
}

static void free_numbers(char ***list)
{
	for (char **p = *list; p && *p; p++)
		free(*p);
	free(*list);
	*list = NULL;
}

void accounts_done(struct accounts *a)
{
	struct account *older;

	for (struct account *e = a->newest; e; e = older) {
		older = e->older;
		forget(&e->secret);
		free(e->networks);
		free(e->certificate);
		free_numbers(&e->calling_numbers);
		free_numbers(&e->called_numbers);
		free(e);
	}
	free(a->buckets);
	accounts_init(a);
}

/* FNV-1a: the names are the administrator's, not an attacker's. */
static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static struct account *lookup(const struct accounts *a, const char *name)
{
	if (!a->bucket_count)
		return NULL;
	for (struct account *e = a->buckets[hash(name) & (a->bucket_count - 1)]; e; e = e->next) {
		if (!strcmp(e->name, name))
			return e;
	}
	return NULL;
}

static int grow(struct accounts *a)
{
	size_t n = a->bucket_count ? a->bucket_count * 2 : BUCKETS_MIN;
	struct account **buckets = calloc(n, sizeof(struct account *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < a->bucket_count; i++) {
		struct account *next;

		for (struct account *e = a->buckets[i]; e; e = next) {
			struct account **slot = &buckets[hash(e->name) & (n - 1)];

			next = e->next;
			e->next = *slot;
			*slot = e;
		}
	}
	free(a->buckets);
	a->buckets = buckets;
	a->bucket_count = n;
	return 0;
}

static struct account *insert(struct accounts *a, const char *name)
{
	size_t len = strlen(name) + 1;
	struct account *e, **slot;

	if (a->count >= a->bucket_count && grow(a) < 0)
		return NULL;
	e = calloc(1, sizeof(*e) + len);
	if (!e)
		return NULL;
	memcpy(e->name, name, len);
	slot = &a->buckets[hash(name) & (a->bucket_count - 1)];
	e->next = *slot;
	*slot = e;
	e->older = a->newest;
	a->newest = e;
	a->count++;
	return e;
}

int accounts_put(struct accounts *a, const char *name, const char *password,
	const uint8_t nt_hash[16], struct in_addr address)
{
	struct ppp_secret secret = { 0 };
	struct account *e;

	if (!*name || strlen(name) > CHAP_NAME_MAX)
		return -EINVAL;
	if (password) {
		if (!*password || ppp_secret_from_password(&secret, password) < 0)
			return -EINVAL;
		secret.password = strdup(password);
		if (!secret.password)
			return -ENOMEM;
	} else {
		memcpy(secret.nt_hash, nt_hash, sizeof(secret.nt_hash));
	}
	e = lookup(a, name);
	if (!e)
		e = insert(a, name);
	if (!e) {
		forget(&secret);
		return -ENOMEM;
	}
	forget(&e->secret);
	e->secret = secret;
	e->certificate_only = false;
	mschap_hash_hash(secret.nt_hash, e->replaces);
	e->address = address;
	explicit_bzero(&secret, sizeof(secret));
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	/* Only letters: a control character would become a digit. */
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int accounts_hash(const char *hex, uint8_t hash[16])
{
	uint8_t any = 0;

	for (int i = 0; i < 16; i++) {
		int high = hex_digit(hex[2 * i]), low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);

		if (low < 0)
			return -EINVAL;
		hash[i] = (uint8_t)(high << 4 | low);
		any |= hash[i];
	}
	return any ? 0 : -EINVAL;
}

void accounts_renew(struct account *account, const uint8_t nt_hash[16])
{
	forget(&account->secret);
	memcpy(account->secret.nt_hash, nt_hash, sizeof(account->secret.nt_hash));
	account->renewed = true;
	account->must_change = false;
}

int accounts_numbers(
	char ***list, unsigned int n, const char *(*nth)(void *user, unsigned int i), void *user)
{
	free_numbers(list);
	if (!n)
		return 0;
	*list = calloc(n + 1, sizeof(char *));
	if (!*list)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		(*list)[i] = strdup(nth(user, i));
		if (!(*list)[i])
			return -ENOMEM;
	}
	return 0;
}

struct account *accounts_find(const struct accounts *a, const char *name)
{
	struct account *e = lookup(a, name);

	return e ? e : lookup(a, mschap_strip_domain(name));
}

int accounts_certificate(struct account *account, const char *name, bool only)
{
	char *copy = name ? strdup(name) : NULL;

	if (name && !copy)
		return -ENOMEM;
	free(account->certificate);
	account->certificate = copy;
	account->certificate_only = only;
	return 0;
}

static bool stands_for(const char *name, const struct account *e)
{
	return !strcmp(name, e->certificate ? e->certificate : e->name);
}

static struct account *find_named(const struct accounts *a, const char *name)
{
	struct account *own = lookup(a, name);

	if (own && stands_for(name, own))
		return own;
	for (struct account *e = a->newest; e; e = e->older) {
		if (e->certificate && stands_for(name, e))
			return e;
	}
	return NULL;
}

struct account *accounts_find_certificate(
	const struct accounts *a, const struct tls_identity *certificate, const char *told)
{
	struct account *wanted = accounts_find(a, told);

	for (unsigned int i = 0; wanted && i < certificate->count; i++) {
		if (stands_for(certificate->names[i], wanted))
			return wanted;
	}
	for (unsigned int i = 0; i < certificate->count; i++) {
		struct account *e = find_named(a, certificate->names[i]);

		if (e)
			return e;
	}
	return NULL;
}
