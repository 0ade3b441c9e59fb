/* Users of the configuration: see users.h. */
#include "server/users.h"

#include "session/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct accounts *target;

void users_into(struct accounts *accounts)
{
	target = accounts;
}

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
}

/* With this very name, not that without its domain. */
static const struct account *find_exactly(const struct accounts *accounts, const char *name)
{
	const struct account *a = accounts_find(accounts, name);

	return a && !strcmp(a->name, name) ? a : NULL;
}

static const char *nth_string(void *opt, unsigned int i)
{
	return cfg_opt_getnstr(opt, i);
}

static int set_numbers(cfg_t *user, const char *key, char ***list)
{
	cfg_opt_t *opt = cfg_getopt(user, key);

	return accounts_numbers(list, cfg_opt_size(opt), nth_string, opt);
}

/* Checked when they were read. */
static int set_networks(cfg_t *user, struct account *a)
{
	unsigned int n = cfg_size(user, "networks");

	a->networks = n ? calloc(n, sizeof(*a->networks)) : NULL;
	if (n && !a->networks)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		(void)settings_cidr(cfg_getnstr(user, "networks", i), &a->networks[i].prefix,
			&a->networks[i].len);
	a->network_count = n;
	return 0;
}

/* NULL, or what is wrong. */
static const char *add_section(cfg_t *user, char *password, char *hex)
{
	const char *address = cfg_getstr(user, "address");
	const char *certificate = cfg_getstr(user, "certificate");
	struct in_addr addr = { 0 };
	uint8_t hash[16] = { 0 };
	int rc;

	if (password && hex)
		return "give either password or nt-hash";
	if (!password && !hex && !certificate)
		return "give either password or nt-hash, or the name in its certificate";
	if (certificate && !*certificate)
		return "certificate: give the name that is in it";
	if (find_exactly(target, cfg_title(user)))
		return "there is such a user already";
	if (hex && (strlen(hex) != 32 || accounts_hash(hex, hash) < 0))
		return "nt-hash must be 32 hexadecimal digits, not all 0";
	if (address)
		(void)settings_ipv4(address, &addr); /* checked when it was read */
	rc = accounts_put(target, cfg_title(user), password, hash, addr);
	explicit_bzero(hash, sizeof(hash));
	if (rc == 0) {
		struct account *a = accounts_find(target, cfg_title(user));

		settings_rate_read(user, &a->limits);
		a->must_change = cfg_getbool(user, "must-change");
		rc = set_numbers(user, "calling-numbers", &a->calling_numbers);
		if (rc == 0)
			rc = set_numbers(user, "called-numbers", &a->called_numbers);
		if (rc == 0)
			rc = set_networks(user, a);
		if (rc == 0)
			rc = accounts_certificate(a, certificate, !password && !hex);
	}
	if (rc == -ENOMEM)
		return "out of memory";
	return rc < 0 ? "the name must have 1 to 255 octets, the password 1 to 256 characters of "
			"UTF-8"
		      : NULL;
}

int users_section(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int last = cfg_opt_size(opt) - 1;
	cfg_t *user = cfg_opt_getnsec(opt, last);
	char *password = cfg_getstr(user, "password"), *hex = cfg_getstr(user, "nt-hash");
	const char *what = add_section(user, password, hex);

	wipe(password);
	wipe(hex);
	if (what) {
		cfg_error(cfg, "user \"%.64s\": %s", cfg_title(user), what);
		return -1;
	}
	return cfg_opt_rmnsec(opt, last) == CFG_SUCCESS ? 0 : -1;
}

int users_option(struct accounts *accounts, char *arg, char *why)
{
	char *colon = strchr(arg, ':');
	struct in_addr address = { 0 };
	const struct account *known;
	int rc;

	if (!colon || colon == arg || !colon[1]) {
		snprintf(why, SYSTEM_WHY, "--user %.*s: write --user NAME:PASSWORD",
			(int)strcspn(arg, ":"), arg);
		return -1;
	}
	*colon = '\0';
	known = find_exactly(accounts, arg);
	if (known)
		address = known->address;
	rc = accounts_put(accounts, arg, colon + 1, NULL, address);
	/* Not for the eyes of ps(1) any longer. */
	wipe(colon + 1);
	if (rc == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "--user %.64s: %s", arg,
		rc == -ENOMEM ? "out of memory" : "name or password is too long or not UTF-8");
	return -1;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(in_addr_t));
}

int users_addresses(
	const struct accounts *accounts, struct address_pool *pool, struct in_addr local, char *why)
{
	in_addr_t *list = calloc(accounts->count + 1, sizeof(*list));
	char text[INET_ADDRSTRLEN];
	size_t n = 0;
	int rc = 0;

	if (!list) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	list[n++] = local.s_addr;
	for (const struct account *a = accounts->newest; a; a = a->older) {
		if (!a->address.s_addr)
			continue;
		list[n++] = a->address.s_addr;
		address_pool_reserve(pool, a->address);
	}
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 1; i < n && rc == 0; i++) {
		if (list[i] != list[i - 1])
			continue;
		inet_ntop(AF_INET, &list[i], text, sizeof(text));
		snprintf(why, SYSTEM_WHY,
			"address: %s is given to two users, or to a user and to this end", text);
		rc = -1;
	}
	free(list);
	if (rc == 0 && n == 1 && pool->size == pool->reserved) {
		snprintf(why, SYSTEM_WHY,
			"pool: no address is left for clients (one is this end's, see \"local\")");
		rc = -1;
	}
	return rc;
}

static int compare_networks(const void *a, const void *b)
{
	const struct account_network *x = a, *y = b;
	uint32_t p = ntohl(x->prefix.s_addr), q = ntohl(y->prefix.s_addr);

	return p == q ? (x->len > y->len) - (x->len < y->len) : (p > q) - (p < q);
}

/* NULL, or why it cannot be behind a user. */
static const char *unfit(
	const struct accounts *accounts, const struct address_pool *pool, struct account_network n)
{
	if (!settings_is_host(n.prefix))
		return "is no network of hosts";
	if (address_pool_holds(pool, n.prefix, n.len))
		return "is part of the pool, whose addresses other users get";
	for (const struct account *a = accounts->newest; a; a = a->older) {
		if (n.len == 32 && a->address.s_addr == n.prefix.s_addr)
			return "is the fixed address of a user already";
	}
	return NULL;
}

int users_networks(const struct accounts *accounts, const struct address_pool *pool, char *why)
{
	struct account_network *list;
	size_t count = 0, n = 0;
	int rc = 0;

	for (const struct account *a = accounts->newest; a; a = a->older)
		count += a->network_count;
	list = calloc(count + 1, sizeof(*list));
	if (!list) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	for (const struct account *a = accounts->newest; a; a = a->older) {
		for (unsigned int i = 0; i < a->network_count; i++)
			list[n++] = a->networks[i];
	}
	qsort(list, n, sizeof(*list), compare_networks);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *what = unfit(accounts, pool, list[i]);
		char text[INET_ADDRSTRLEN];

		if (i && !compare_networks(&list[i - 1], &list[i]))
			what = "is given to two users, or twice";
		if (!what)
			continue;
		inet_ntop(AF_INET, &list[i].prefix, text, sizeof(text));
		snprintf(why, SYSTEM_WHY, "networks: %s/%u %s", text, list[i].len, what);
		rc = -1;
	}
	free(list);
	return rc;
}
