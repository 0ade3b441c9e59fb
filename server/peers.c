/* Peers of the configuration: see peers.h. */
#include "server/peers.h"

#include "session/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a section says; the rest is filled in by peers_ready(), when everybody's is known. */
struct entry {
	struct peer peer;
	bool has_incoming, has_check_source, has_flow, has_idle;
};

static struct peers *target;
static struct entry *entries;
static size_t entry_count;

cfg_opt_t peers_opts[] = {
	CFG_BOOL("allow", cfg_true, CFGF_NONE),
	CFG_BOOL("dial", cfg_false, CFGF_NONE),
	CFG_STR("flow-control", NULL, CFGF_NONE),
	CFG_STR("incoming-calls", NULL, CFGF_NONE),
	CFG_STR("check-source", NULL, CFGF_NONE),
	CFG_INT("mtu", 0, CFGF_NONE),
	CFG_INT("max-sessions", 0, CFGF_NONE),
	CFG_INT("max-connections", 0, CFGF_NONE),
	CFG_INT("idle-timeout", -1, CFGF_NONE),
	CFG_END(),
};

static int flow_of(const char *text)
{
	static const char *const names[] = {
		[GRE_FLOW_ADVISORY] = "advisory",
		[GRE_FLOW_STRICT] = "strict",
		[GRE_FLOW_OFF] = "off",
	};

	for (int i = 0; i < 3; i++) {
		if (!strcmp(names[i], text))
			return i;
	}
	return -1;
}

static int check_flow(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = cfg_opt_getnstr(opt, 0);

	if (flow_of(v) >= 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not one of advisory, strict, off", opt->name, v);
	return -1;
}

/* A boolean that may also be left open, so it is text to libConfuse. -1: neither. */
static int truth(const char *text)
{
	if (!strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "on"))
		return 1;
	if (!strcmp(text, "false") || !strcmp(text, "no") || !strcmp(text, "off"))
		return 0;
	return -1;
}

static int check_truth(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = cfg_opt_getnstr(opt, 0);

	if (truth(v) >= 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is neither true nor false", opt->name, v);
	return -1;
}

static int check_range(cfg_t *cfg, cfg_opt_t *opt)
{
	static const struct settings_range ranges[] = {
		{ "mtu", 576, 65535 },
		{ "max-sessions", 1, 65535 },
		{ "max-connections", 1, 65535 },
		{ "idle-timeout", 0, 86400 },
	};

	return settings_in_range(cfg, opt, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

void peers_checks(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "peer|flow-control", check_flow);
	cfg_set_validate_func(cfg, "peer|incoming-calls", check_truth);
	cfg_set_validate_func(cfg, "peer|check-source", check_truth);
	cfg_set_validate_func(cfg, "peer|mtu", check_range);
	cfg_set_validate_func(cfg, "peer|max-sessions", check_range);
	cfg_set_validate_func(cfg, "peer|max-connections", check_range);
	cfg_set_validate_func(cfg, "peer|idle-timeout", check_range);
	cfg_set_validate_func(cfg, "peer", peers_section);
}

static void read_section(cfg_t *sec, struct entry *e)
{
	const char *flow = cfg_getstr(sec, "flow-control");
	const char *incoming = cfg_getstr(sec, "incoming-calls");
	const char *check_source = cfg_getstr(sec, "check-source");
	long idle = cfg_getint(sec, "idle-timeout");
	struct peer *p = &e->peer;

	p->allow = cfg_getbool(sec, "allow");
	p->dial = cfg_getbool(sec, "dial");
	p->mtu = (uint16_t)cfg_getint(sec, "mtu");
	p->max_sessions = (unsigned int)cfg_getint(sec, "max-sessions");
	p->max_connections = (unsigned int)cfg_getint(sec, "max-connections");
	e->has_flow = flow != NULL;
	if (flow)
		p->flow = (enum gre_flow)flow_of(flow);
	e->has_incoming = incoming != NULL;
	p->incoming_calls = incoming && truth(incoming) == 1;
	e->has_check_source = check_source != NULL;
	p->check_source = check_source && truth(check_source) == 1;
	/* Dialled to be kept: only a key of its own ends it. */
	e->has_idle = idle >= 0 || p->dial;
	p->idle_timeout = idle > 0 ? (uint64_t)idle * 1000000u : 0;
}

/* NULL, or what is wrong. */
static const char *add(cfg_t *sec)
{
	struct entry e = { 0 }, *more;

	if (settings_cidr(cfg_title(sec), &e.peer.prefix, &e.peer.len) < 0)
		return "write an address or a network as ADDRESS/LENGTH with the host bits 0";
	read_section(sec, &e);
	if (e.peer.dial && (e.peer.len != 32 || !settings_is_host(e.peer.prefix)))
		return "dial: only a single address can be dialled";
	if (e.peer.dial && !e.peer.allow)
		return "dial and allow = false contradict each other";
	more = reallocarray(entries, entry_count + 1, sizeof(*entries));
	if (!more)
		return "out of memory";
	entries = more;
	entries[entry_count++] = e;
	return NULL;
}

void peers_into(struct peers *p)
{
	target = p;
	free(entries);
	entries = NULL;
	entry_count = 0;
}

int peers_section(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int last = cfg_opt_size(opt) - 1;
	cfg_t *sec = cfg_opt_getnsec(opt, last);
	const char *what = add(sec);

	if (what) {
		cfg_error(cfg, "peer \"%.64s\": %s", cfg_title(sec), what);
		return -1;
	}
	/* Out of libConfuse's hands, which looks through all sections for each new one. */
	return cfg_opt_rmnsec(opt, last) == CFG_SUCCESS ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	const struct peer *x = a, *y = b;
	uint32_t p = ntohl(x->prefix.s_addr), q = ntohl(y->prefix.s_addr);

	if (x->len != y->len)
		return x->len < y->len ? 1 : -1;
	return (p > q) - (p < q);
}

static void fill_in(struct entry *e, const struct peer *everybody)
{
	struct peer *p = &e->peer;

	if (!e->has_flow)
		p->flow = everybody->flow;
	if (!e->has_incoming)
		p->incoming_calls = everybody->incoming_calls;
	if (!e->has_check_source)
		p->check_source = everybody->check_source;
	if (!e->has_idle)
		p->idle_timeout = everybody->idle_timeout;
}

int peers_ready(struct peers *p, const struct peer *everybody, char *why)
{
	size_t n = p == target ? entry_count : 0;

	p->everybody = *everybody;
	if (n) {
		p->list = calloc(n, sizeof(*p->list));
		if (!p->list) {
			snprintf(why, SYSTEM_WHY, "out of memory");
			return -1;
		}
	}
	for (size_t i = 0; i < n; i++) {
		fill_in(&entries[i], everybody);
		p->list[i] = entries[i].peer;
	}
	p->count = n;
	free(entries);
	entries = NULL;
	entry_count = 0;
	if (n)
		qsort(p->list, n, sizeof(*p->list), compare);
	for (size_t i = 1; i < n; i++) {
		char text[INET_ADDRSTRLEN];

		if (compare(&p->list[i - 1], &p->list[i]))
			continue;
		inet_ntop(AF_INET, &p->list[i].prefix, text, sizeof(text));
		snprintf(why, SYSTEM_WHY, "peer: there are two sections for %s/%u", text,
			p->list[i].len);
		return -1;
	}
	for (unsigned int at = 0, i = 0; at <= 33; at++) {
		while (i < n && p->list[i].len > 33 - at)
			i++;
		p->first[at] = i;
	}
	return 0;
}

void peers_done(struct peers *p)
{
	free(p->list);
	if (target == p)
		peers_into(NULL);
	memset(p, 0, sizeof(*p));
}

const struct peer *peers_find(const struct peers *p, struct in_addr address)
{
	for (unsigned int len = 33; len-- > 0;) {
		size_t from = p->first[33 - len], to = len ? p->first[34 - len] : p->count;
		struct peer key = { .len = len };
		const struct peer *found;

		if (from == to)
			continue;
		key.prefix.s_addr =
			htonl(ntohl(address.s_addr) & (len ? UINT32_MAX << (32 - len) : 0));
		found = bsearch(&key, p->list + from, to - from, sizeof(*p->list), compare);
		if (found)
			return found;
	}
	return &p->everybody;
}
