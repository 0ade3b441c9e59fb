/* Bytes as text: see pattern.h. */
#include "tests/replay/pattern.h"

#include "lib/ppp/mschap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY 0x100u /* in place of a byte */

struct pattern {
	uint16_t byte[PATTERN_MAX];
	size_t len;
	struct {
		char name[24];
		size_t at, len;
	} named[NAMES_MAX];
	size_t names;
};

static bool wrong(struct pattern_scope *scope, const char *what, const char *word)
{
	snprintf(scope->why, sizeof(scope->why), "%s: %.80s", what, word);
	return false;
}

const uint8_t *pattern_find(const struct pattern_scope *scope, const char *name, size_t len)
{
	for (size_t i = 0; i < scope->count; i++) {
		if (!strcmp(scope->names[i].name, name))
			return !len || scope->names[i].len == len ? scope->names[i].data : NULL;
	}
	return NULL;
}

static bool set_name(struct pattern_scope *scope, const char *name, const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < scope->count && strcmp(scope->names[i].name, name))
		i++;
	if (i == NAMES_MAX || len > sizeof(scope->names[i].data))
		return wrong(scope, "too many or too long a name", name);
	if (i == scope->count)
		scope->count++;
	snprintf(scope->names[i].name, sizeof(scope->names[i].name), "%s", name);
	memcpy(scope->names[i].data, data, len);
	scope->names[i].len = len;
	return true;
}

static bool put(struct pattern *p, uint16_t byte)
{
	if (p->len == PATTERN_MAX)
		return false;
	p->byte[p->len++] = byte;
	return true;
}

static bool put_bytes(struct pattern *p, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++) {
		if (!put(p, b[i]))
			return false;
	}
	return true;
}

/* Hex digits and pairs of dots. */
static bool put_hex(struct pattern *p, const char *hex)
{
	for (; hex[0]; hex += 2) {
		const char pair[3] = { hex[0], hex[1], 0 };
		bool any = !strcmp(pair, "..");

		if (!any &&
			(!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1])))
			return false;
		if (!put(p, any ? ANY : (uint16_t)strtoul(pair, NULL, 16)))
			return false;
	}
	return true;
}

static bool put_repeated(struct pattern *p, const char *word)
{
	const char digits[3] = { word[0], word[1], 0 };
	unsigned long n = strtoul(word + 3, NULL, 10);

	while (n--) {
		if (!put_hex(p, digits))
			return false;
	}
	return true;
}

static bool put_text(struct pattern *p, const char *word)
{
	const char *end = strrchr(word, '"');
	size_t len = (size_t)(end - word) - 1;
	size_t size = end[1] == ':' ? strtoul(end + 2, NULL, 10) : len;

	if (!put_bytes(p, word + 1, len))
		return false;
	for (; len < size; len++) {
		if (!put(p, 0))
			return false;
	}
	return true;
}

/* name:4 and name=0a0b. */
static bool put_named(struct pattern *p, char *word, char *sign)
{
	size_t at = p->len, count;
	bool given = *sign == '=';

	*sign = '\0';
	if (p->names == NAMES_MAX)
		return false;
	snprintf(p->named[p->names].name, sizeof(p->named[0].name), "%s", word);
	if (given && !put_hex(p, sign + 1))
		return false;
	count = given ? 0 : strtoul(sign + 1, NULL, 10);
	while (count--) {
		if (!put(p, ANY))
			return false;
	}
	p->named[p->names].at = at;
	p->named[p->names++].len = p->len - at;
	return true;
}

static bool put_computed(struct pattern_scope *scope, struct pattern *p, const char *word)
{
	const uint8_t *challenge = pattern_find(scope, "challenge", 16);
	const uint8_t *peer_challenge = pattern_find(scope, "peer-challenge", 16);
	const uint8_t *given = pattern_find(scope, "response", 24);
	uint8_t hash[16], response[24];
	char proof[43];

	if (!challenge || !peer_challenge || mschap_nt_hash(scope->password, hash))
		return false;
	mschap2_nt_response(challenge, peer_challenge, scope->user, hash, response);
	if (!strcmp(word, "!response"))
		return set_name(scope, "response", response, sizeof(response)) &&
		       put_bytes(p, response, sizeof(response));
	if (strcmp(word, "!proof") || !given)
		return false;
	mschap2_auth_response(hash, given, peer_challenge, challenge, scope->user, proof);
	return put_bytes(p, proof, 42);
}

static bool put_reference(struct pattern_scope *scope, struct pattern *p, const char *name)
{
	for (size_t i = 0; i < scope->count; i++) {
		if (!strcmp(scope->names[i].name, name))
			return put_bytes(p, scope->names[i].data, scope->names[i].len);
	}
	/* Named a few words before, in the same line. */
	for (size_t i = 0; i < p->names; i++) {
		if (strcmp(p->named[i].name, name))
			continue;
		for (size_t n = 0; n < p->named[i].len; n++) {
			if (!put(p, p->byte[p->named[i].at + n]))
				return false;
		}
		return true;
	}
	return false;
}

static bool put_word(struct pattern_scope *scope, struct pattern *p, char *word)
{
	char *sign = strpbrk(word, ":=");

	if (word[0] == '"')
		return put_text(p, word);
	if (word[0] == '$')
		return put_reference(scope, p, word + 1);
	if (word[0] == '!')
		return put_computed(scope, p, word);
	if (sign)
		return put_named(p, word, sign);
	if (strlen(word) > 3 && word[2] == '*')
		return put_repeated(p, word);
	return put_hex(p, word);
}

/* The end of the word that begins there; within quotes blanks belong to it. */
static const char *word_end(const char *text)
{
	bool quoted = false;

	for (; *text && (quoted || !isspace((unsigned char)*text)); text++) {
		if (*text == '"')
			quoted = !quoted;
	}
	return text;
}

/* With `names`, those that are given right here count at once: "!response" may follow "name=". */
static bool parse(struct pattern_scope *scope, struct pattern *p, const char *text)
{
	char word[300];

	memset(p, 0, sizeof(*p));
	for (;;) {
		size_t len, before = p->names;

		text += strspn(text, " \t\r\n");
		if (!*text || *text == '#')
			return true;
		len = (size_t)(word_end(text) - text);
		if (len >= sizeof(word))
			return wrong(scope, "too long", text);
		memcpy(word, text, len);
		word[len] = '\0';
		if (!put_word(scope, p, word))
			return wrong(scope, "cannot be read", word);
		text += len;
		if (p->names > before) {
			size_t at = p->named[before].at, n = p->named[before].len;
			uint8_t given[PATTERN_MAX];
			bool known = true;

			for (size_t i = 0; i < n; i++) {
				known &= p->byte[at + i] != ANY;
				given[i] = (uint8_t)p->byte[at + i];
			}
			if (known && !set_name(scope, p->named[before].name, given, n))
				return false;
		}
	}
}

int pattern_bytes(struct pattern_scope *scope, const char *text, uint8_t *out, size_t size)
{
	struct pattern p;

	if (!parse(scope, &p, text))
		return -1;
	if (p.len > size) {
		wrong(scope, "too long", text);
		return -1;
	}
	for (size_t i = 0; i < p.len; i++) {
		if (p.byte[i] == ANY) {
			wrong(scope, "the peer sends bytes that are known", text);
			return -1;
		}
		out[i] = (uint8_t)p.byte[i];
	}
	return (int)p.len;
}

static bool fits(const struct pattern *p, size_t at, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p->byte[at + i] != ANY && p->byte[at + i] != data[i])
			return false;
	}
	return true;
}

/* Puts the options of `data` into the order of the pattern, as far as they are the same. */
static void reorder(const struct pattern *p, size_t at, uint8_t *data, size_t len)
{
	while (at + 2 <= p->len && at + 2 <= len) {
		size_t size = p->byte[at + 1] & 0xff;
		uint8_t option[256];

		if (size < 2 || at + size > p->len)
			return;
		for (size_t from = at; from + 2 <= len && data[from + 1] >= 2;
			from += data[from + 1]) {
			if (from + size > len || data[from + 1] != size ||
				!fits(p, at, data + from, size))
				continue;
			memcpy(option, data + from, size);
			memmove(data + at + size, data + at, from - at);
			memcpy(data + at, option, size);
			break;
		}
		at += size;
	}
}

bool pattern_matches(struct pattern_scope *scope, const char *text, size_t options,
	const uint8_t *data, size_t len)
{
	uint8_t copy[2048];
	struct pattern p;

	if (!parse(scope, &p, text))
		return false;
	if (len > sizeof(copy))
		return wrong(scope, "our end sent too much", text);
	memcpy(copy, data, len);
	if (options)
		reorder(&p, options, copy, len);
	if (p.len != len || !fits(&p, 0, copy, len))
		return wrong(scope, "our end sent something else", "");
	for (size_t i = 0; i < p.names; i++) {
		if (!set_name(scope, p.named[i].name, copy + p.named[i].at, p.named[i].len))
			return false;
	}
	return true;
}
