/* Reading of nftables' rules: see firewall.h. */
#include "tools/doctor/firewall.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8    /* of jumps */
#define RULES_MAX 4096 /* looked at: jumps can multiply them */

enum match { NO, MAYBE, YES };

/* What a rule or a chain comes to. */
enum outcome { GO_ON, RETURN, ACCEPT, BLOCK };

struct walk {
	const json_t *objects;
	const struct firewall_packet *packet;
	unsigned int looked;
	bool unsure; /* something on the way may have decided otherwise */
	char *rule;
	size_t size;
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static enum match inverted(enum match m)
{
	return m == YES ? NO : m == NO ? YES : MAYBE;
}

/* ---- values */

typedef enum match compare(const struct firewall_packet *p, const json_t *value, const void *what);

static enum match any_of(
	const struct firewall_packet *p, const json_t *value, compare *one, const void *what)
{
	const json_t *list = json_object_get(value, "set");
	enum match result = NO;
	const json_t *member;
	size_t i;

	if (!list)
		list = value;
	if (!json_is_array(list))
		return one(p, list, what);
	json_array_foreach(list, i, member)
	{
		enum match m = one(p, member, what);

		if (m > result)
			result = m;
	}
	return result;
}

static enum match is_number(const struct firewall_packet *p, const json_t *value, const void *what)
{
	unsigned int number = *(const unsigned int *)what;
	const json_t *range = json_object_get(value, "range");
	static const struct {
		const char *name;
		unsigned int number;
	} names[] = { { "gre", 47 }, { "tcp", 6 }, { "udp", 17 }, { "icmp", 1 }, { "esp", 50 },
		{ "ah", 51 }, { "pptp", 1723 }, { "ipv6-icmp", 58 } };

	(void)p;
	if (json_is_integer(value))
		return json_integer_value(value) == (json_int_t)number ? YES : NO;
	if (range)
		return json_integer_value(json_array_get(range, 0)) <= (json_int_t)number &&
				       json_integer_value(json_array_get(range, 1)) >=
					       (json_int_t)number
			       ? YES
			       : NO;
	for (size_t i = 0; json_is_string(value) && i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, json_string_value(value)))
			return names[i].number == number ? YES : NO;
	}
	return MAYBE;
}

static bool in_prefix(const char *text, unsigned int len, struct in_addr address, bool *valid)
{
	struct in_addr prefix;
	uint32_t mask = (uint32_t)(UINT64_MAX << (32 - (len > 32 ? 32 : len)));

	*valid = inet_pton(AF_INET, text, &prefix) == 1;
	return *valid && !((ntohl(prefix.s_addr) ^ ntohl(address.s_addr)) & mask);
}

static enum match is_address(const struct firewall_packet *p, const json_t *value, const void *what)
{
	const struct in_addr *address = what;
	const json_t *prefix = json_object_get(value, "prefix");
	const json_t *range = json_object_get(value, "range");
	bool valid = true, match;

	(void)p;
	if (!address->s_addr)
		return MAYBE;
	if (range) {
		struct in_addr first, last;

		if (!json_is_string(json_array_get(range, 0)) ||
			!json_is_string(json_array_get(range, 1)) ||
			inet_pton(AF_INET, json_string_value(json_array_get(range, 0)), &first) !=
				1 ||
			inet_pton(AF_INET, json_string_value(json_array_get(range, 1)), &last) != 1)
			return MAYBE;
		return ntohl(first.s_addr) <= ntohl(address->s_addr) &&
				       ntohl(address->s_addr) <= ntohl(last.s_addr)
			       ? YES
			       : NO;
	}
	if (prefix)
		match = in_prefix(text_of(prefix, "addr"),
			(unsigned int)json_integer_value(json_object_get(prefix, "len")), *address,
			&valid);
	else if (json_is_string(value))
		match = in_prefix(json_string_value(value), 32, *address, &valid);
	else
		return MAYBE;
	return !valid ? MAYBE : match ? YES : NO;
}

static enum match is_device(const struct firewall_packet *p, const json_t *value, const void *what)
{
	const char *name = json_string_value(value);
	size_t len;

	(void)what;
	if (!name || !*p->device)
		return MAYBE;
	len = strlen(name);
	if (len && name[len - 1] == '*')
		return !strncmp(name, p->device, len - 1) ? YES : NO;
	return !strcmp(name, p->device) ? YES : NO;
}

/*
 * The kernel follows GRE between two addresses as one connection, which our own packets have begun;
 * whether a state says so of a first packet is not known.
 */
static enum match is_state(const struct firewall_packet *p, const json_t *value, const void *what)
{
	const char *state = json_string_value(value);

	(void)what;
	if (!state)
		return MAYBE;
	if (!strcmp(state, "established"))
		return p->incoming ? YES : MAYBE;
	if (!strcmp(state, "new"))
		return p->incoming ? MAYBE : YES;
	return !strcmp(state, "related") ? MAYBE : NO;
}

/* ---- statements */

static enum match match_payload(
	const struct firewall_packet *p, const json_t *payload, const json_t *right)
{
	const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");
	unsigned int number = p->protocol, port = p->port;

	if (!strcmp(protocol, "ip") && !strcmp(field, "protocol"))
		return any_of(p, right, is_number, &number);
	if (!strcmp(protocol, "ip") && !strcmp(field, "saddr"))
		return any_of(p, right, is_address, &p->from);
	if (!strcmp(protocol, "ip") && !strcmp(field, "daddr"))
		return any_of(p, right, is_address, &p->to);
	if (!strcmp(protocol, "tcp") && !strcmp(field, "dport") && !p->incoming)
		return any_of(p, right, is_number, &port);
	return MAYBE;
}

/*
 * A header that the packet does not have: a rule that looks into it does not match, "!=" neither, as nft
 * has the kernel look for the protocol first, and does not list that.
 */
static bool has_no_such_header(const struct firewall_packet *p, const json_t *payload)
{
	static const struct {
		const char *name;
		uint8_t number; /* 0: not of IPv4 */
	} headers[] = { { "ip6", 0 }, { "icmpv6", 0 }, { "tcp", IPPROTO_TCP },
		{ "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP } };
	const char *protocol = text_of(payload, "protocol");

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (!strcmp(headers[i].name, protocol))
			return headers[i].number != p->protocol;
	}
	return false;
}

static enum match match_meta(const struct firewall_packet *p, const char *key, const json_t *right)
{
	unsigned int number = p->protocol;
	const char *own = p->incoming ? "iif" : "oif";

	if (!strcmp(key, "l4proto"))
		return any_of(p, right, is_number, &number);
	if (!strcmp(key, "nfproto"))
		return json_is_string(right) && strcmp(json_string_value(right), "ipv4") ? NO : YES;
	if (!strncmp(key, own, 3) && (!key[3] || !strcmp(key + 3, "name")))
		return any_of(p, right, is_device, NULL);
	return MAYBE;
}

static enum match match_of(const struct firewall_packet *p, const json_t *match)
{
	const json_t *left = json_object_get(match, "left");
	const json_t *right = json_object_get(match, "right");
	const json_t *payload = json_object_get(left, "payload");
	const json_t *meta = json_object_get(left, "meta"), *ct = json_object_get(left, "ct");
	const char *op = text_of(match, "op");
	enum match m = MAYBE;

	/* "@name": a set whose members are elsewhere. */
	if (json_is_string(right) && json_string_value(right)[0] == '@')
		return MAYBE;
	if (payload && has_no_such_header(p, payload))
		return NO;
	if (payload)
		m = match_payload(p, payload, right);
	else if (meta)
		m = match_meta(p, text_of(meta, "key"), right);
	else if (ct && !strcmp(text_of(ct, "key"), "state"))
		m = any_of(p, right, is_state, NULL);
	if (!strcmp(op, "!="))
		return inverted(m);
	return !strcmp(op, "==") || !strcmp(op, "in") ? m : MAYBE;
}

static enum outcome walk_chain(
	struct walk *w, const json_t *base, const char *name, unsigned int depth);

static void note_rule(struct walk *w, const json_t *rule)
{
	const char *comment = text_of(rule, "comment");

	snprintf(w->rule, w->size, "table %s %s, chain %s, handle %d%s%s%s",
		text_of(rule, "family"), text_of(rule, "table"), text_of(rule, "chain"),
		(int)json_integer_value(json_object_get(rule, "handle")), *comment ? " (\"" : "",
		comment, *comment ? "\")" : "");
}

/* A statement that decides, or GO_ON. */
static enum outcome decide(struct walk *w, const json_t *rule, const json_t *statement,
	enum match m, unsigned int depth)
{
	const json_t *jump = json_object_get(statement, "jump");
	const json_t *there = jump ? jump : json_object_get(statement, "goto");
	enum outcome outcome = GO_ON;

	if (json_object_get(statement, "accept"))
		outcome = ACCEPT;
	else if (json_object_get(statement, "drop") || json_object_get(statement, "reject"))
		outcome = BLOCK;
	else if (json_object_get(statement, "return"))
		outcome = RETURN;
	else if (there && depth < DEPTH_MAX)
		outcome = walk_chain(w, rule, text_of(there, "target"), depth + 1);
	else if (there)
		w->unsure = true;
	if (outcome == BLOCK && !there)
		note_rule(w, rule);
	if (outcome == RETURN && there)
		outcome = jump ? GO_ON : RETURN;
	if (outcome != GO_ON && m == MAYBE) {
		w->unsure = true;
		return GO_ON;
	}
	return outcome;
}

static bool is_harmless(const json_t *statement)
{
	static const char *const names[] = { "counter", "log", "mangle", "notrack", "ct helper",
		"ct timeout", "meta" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_object_get(statement, names[i]))
			return true;
	}
	return false;
}

static bool decides(const json_t *statement)
{
	static const char *const names[] = { "accept", "drop", "reject", "return", "jump", "goto" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_object_get(statement, names[i]))
			return true;
	}
	return false;
}

/* At a rule's end: a target of iptables (REJECT, NFQUEUE), or a program that is asked. */
static bool may_decide(const json_t *statement)
{
	return json_object_get(statement, "xt") || json_object_get(statement, "queue");
}

static enum outcome walk_rule(struct walk *w, const json_t *rule, unsigned int depth)
{
	enum match m = YES;
	const json_t *statement, *last = NULL;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, statement)
	{
		const json_t *match = json_object_get(statement, "match");

		last = statement;
		if (match) {
			enum match this = match_of(w->packet, match);

			if (this < m)
				m = this;
			if (m == NO)
				return GO_ON;
		} else if (decides(statement)) {
			return decide(w, rule, statement, m, depth);
		} else if (json_object_get(statement, "vmap")) {
			w->unsure = true;
		} else if (!is_harmless(statement)) {
			m = MAYBE; /* limits, extensions of iptables, ... */
		}
	}
	if (may_decide(last)) {
		w->unsure = true;
		note_rule(w, rule);
	}
	return GO_ON;
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	return !strcmp(text_of(a, key), text_of(b, key));
}

/* `base`: any object of the same table. */
static enum outcome walk_chain(
	struct walk *w, const json_t *base, const char *name, unsigned int depth)
{
	const json_t *object;
	size_t i;

	json_array_foreach(w->objects, i, object)
	{
		const json_t *rule = json_object_get(object, "rule");
		enum outcome outcome;

		if (!rule || !same(rule, base, "family") || !same(rule, base, "table") ||
			strcmp(text_of(rule, "chain"), name))
			continue;
		if (++w->looked > RULES_MAX) {
			w->unsure = true;
			return GO_ON;
		}
		outcome = walk_rule(w, rule, depth);
		if (outcome != GO_ON)
			return outcome;
	}
	return RETURN;
}

static bool is_hooked(const json_t *chain, const char *hook)
{
	const char *family = text_of(chain, "family");

	return chain && !strcmp(text_of(chain, "hook"), hook) &&
	       (!strcmp(family, "ip") || !strcmp(family, "inet"));
}

/* The chain as a whole. */
static bool blocks(struct walk *w, const json_t *chain)
{
	enum outcome outcome = walk_chain(w, chain, text_of(chain, "name"), 0);

	if (outcome == BLOCK)
		return true;
	if (outcome == ACCEPT || strcmp(text_of(chain, "policy"), "drop") != 0)
		return false;
	snprintf(w->rule, w->size, "table %s %s, chain %s, policy drop", text_of(chain, "family"),
		text_of(chain, "table"), text_of(chain, "name"));
	return true;
}

enum firewall_verdict firewall_judge(const json_t *ruleset, const char *hook,
	const struct firewall_packet *packet, char *rule, size_t size)
{
	struct walk w = { .objects = json_object_get(ruleset, "nftables"),
		.packet = packet,
		.rule = rule,
		.size = size };
	const json_t *object;
	bool unsure = false;
	size_t i;

	rule[0] = '\0';
	json_array_foreach(w.objects, i, object)
	{
		const json_t *chain = json_object_get(object, "chain");

		if (!is_hooked(chain, hook))
			continue;
		w.unsure = false;
		if (blocks(&w, chain))
			return w.unsure ? FIREWALL_UNSURE : FIREWALL_BLOCK;
		unsure = unsure || w.unsure;
	}
	if (!unsure)
		rule[0] = '\0';
	return unsure ? FIREWALL_UNSURE : FIREWALL_PASS;
}

bool firewall_has_helper(const json_t *ruleset)
{
	const json_t *object;
	size_t i;

	json_array_foreach(json_object_get(ruleset, "nftables"), i, object)
	{
		const json_t *helper = json_object_get(object, "ct helper");

		if (helper && !strcmp(text_of(helper, "type"), "pptp"))
			return true;
	}
	return false;
}

bool firewall_has_nat(const json_t *ruleset)
{
	const json_t *object, *statement;
	size_t i, j;

	json_array_foreach(json_object_get(ruleset, "nftables"), i, object)
	{
		const json_t *rule = json_object_get(object, "rule");

		json_array_foreach(json_object_get(rule, "expr"), j, statement)
		{
			if (json_object_get(statement, "masquerade") ||
				json_object_get(statement, "snat"))
				return true;
		}
	}
	return false;
}
