/* Configuration by libConfuse: see settings.h. */
#include "session/settings.h"

#include "session/config_text.h"
#include "session/datapath.h"
#include "session/settings_error.h"
#include "system/log.h"
#include "system/secrets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <malloc.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALUE_MAX 4096

static int parsed(int rc, const char *otherwise, char *why)
{
	const char *error = settings_error_first();

	if (rc == CFG_SUCCESS && !*error)
		return 0;
	snprintf(why, SYSTEM_WHY, "%s", *error ? error : otherwise);
	return -1;
}

static int parse_text(cfg_t *cfg, const char *path, char *text, size_t len, char *why)
{
	FILE *f = fmemopen(text, len, "r");
	int rc;

	if (!f) {
		snprintf(why, SYSTEM_WHY, "cannot read the configuration file %s: %s", path,
			strerror(errno));
		return -1;
	}
	setvbuf(f, NULL, _IONBF, 0);
	settings_error_begin(cfg, NULL);
	free(cfg->filename);
	cfg->filename = strdup(path);
	/* What libConfuse frees has held passwords: free() is to overwrite it. */
	mallopt(M_PERTURB, 1);
	rc = cfg_parse_fp(cfg, f);
	mallopt(M_PERTURB, 0);
	fclose(f);
	return parsed(rc, "the configuration file cannot be parsed", why);
}

int settings_file(cfg_t *cfg, const char *path, char *why)
{
	size_t len = 0;
	char *text = config_text_read(path, &len, why);
	unsigned int line = 0;
	const char *what;
	int rc = -1;

	if (!text)
		return -1;
	what = config_text_clean(text, len, &line);
	if (what)
		snprintf(why, SYSTEM_WHY, "%s:%u: %s", path, line, what);
	else
		rc = len ? parse_text(cfg, path, text, len, why) : 0;
	explicit_bzero(text, len);
	free(text);
	return rc;
}

/* Appends `text` as a quoted string of the file's syntax: in single quotes nothing is replaced. -1
 * if it does not fit. */
static int quote(char *out, size_t size, const char *text, size_t len)
{
	size_t n = strlen(out);

	if (n + 2 * len + 3 > size)
		return -1;
	out[n++] = '\'';
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\'' || text[i] == '\\')
			out[n++] = '\\';
		out[n++] = text[i];
	}
	out[n++] = '\'';
	out[n] = '\0';
	return 0;
}

static int quote_list(char *out, size_t size, const char *value)
{
	int rc = 0;

	strcat(out, "{");
	while (*value && rc == 0) {
		size_t len = strcspn(value, ",");

		rc = quote(out, size - 4, value, len);
		value += len;
		if (*value == ',') {
			value++;
			strcat(out, ", ");
		}
	}
	strcat(out, "}");
	return rc;
}

/* "tls|ca" is the key "ca" of the section "tls", of which there is one. */
static cfg_t *section_of(cfg_t *cfg, const char **key)
{
	const char *bar = strchr(*key, '|');
	char name[32];
	cfg_opt_t *opt;

	if (!bar || (size_t)(bar - *key) >= sizeof(name))
		return cfg;
	memcpy(name, *key, (size_t)(bar - *key));
	name[bar - *key] = '\0';
	opt = cfg_getopt(cfg, name);
	if (!opt || opt->type != CFGT_SEC || (opt->flags & CFGF_MULTI))
		return cfg;
	*key = bar + 1;
	return cfg_opt_getnsec(opt, 0);
}

static int assign(cfg_t *cfg, const char *option, const char *key, const char *sign,
	const char *value, char *why)
{
	char text[VALUE_MAX];
	cfg_opt_t *opt;
	int n, rc;

	settings_error_begin(cfg, option);
	cfg = section_of(cfg, &key);
	settings_error_begin(cfg, option); /* it says by itself that there is no such option */
	opt = cfg_getopt(cfg, key);
	if (!opt || opt->type == CFGT_SEC) {
		n = snprintf(why, SYSTEM_WHY, "%.96s: ", option);
		settings_error_unknown(why + n, SYSTEM_WHY - (size_t)n, cfg, key);
		return -1;
	}
	snprintf(text, sizeof(text), "%s %s ", key, sign);
	if (opt->flags & CFGF_LIST)
		rc = quote_list(text, sizeof(text), value);
	else
		rc = quote(text, sizeof(text), value, strlen(value));
	if (rc < 0) {
		snprintf(why, SYSTEM_WHY, "%s: the value of \"%s\" is too long", option, key);
		return -1;
	}
	settings_error_begin(cfg, option);
	return parsed(cfg_parse_buf(cfg, text), "the value cannot be parsed", why);
}

int settings_put(cfg_t *cfg, const char *option, const char *key, const char *value, char *why)
{
	return assign(cfg, option, key, "=", value, why);
}

int settings_add(cfg_t *cfg, const char *option, const char *key, const char *value, char *why)
{
	return assign(cfg, option, key, "+=", value, why);
}

int settings_set(cfg_t *cfg, const char *assignment, char *why)
{
	const char *eq = strchr(assignment, '=');
	char key[64], option[96];

	if (!eq || eq == assignment || (size_t)(eq - assignment) >= sizeof(key)) {
		snprintf(why, SYSTEM_WHY, "--set %.64s: write --set KEY=VALUE", assignment);
		return -1;
	}
	memcpy(key, assignment, (size_t)(eq - assignment));
	key[eq - assignment] = '\0';
	snprintf(option, sizeof(option), "--set %s", key);
	return settings_put(cfg, option, key, eq + 1, why);
}

int settings_ipv4(const char *text, struct in_addr *addr)
{
	return text && inet_pton(AF_INET, text, addr) == 1 ? 0 : -EINVAL;
}

int settings_server(const char *text, char *why)
{
	struct in6_addr v6;

	if (inet_pton(AF_INET6, text, &v6) == 1) {
		snprintf(why, SYSTEM_WHY,
			"\"%s\": PPTP goes over IPv4 only: write a name or an IPv4 address", text);
		return -1;
	}
	if (!strchr(text, ':'))
		return 0;
	snprintf(why, SYSTEM_WHY,
		"\"%.100s\": write a name or an IPv4 address alone: the port of PPTP is always "
		"1723",
		text);
	return -1;
}

int settings_check_server(cfg_t *cfg, cfg_opt_t *opt)
{
	char why[SYSTEM_WHY];

	if (settings_server(cfg_opt_getnstr(opt, 0), why) == 0)
		return 0;
	cfg_error(cfg, "server: %s", why);
	return -1;
}

bool settings_is_host(struct in_addr addr)
{
	uint32_t first = ntohl(addr.s_addr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

int settings_network(int family, const char *text, void *prefix, unsigned int *len)
{
	unsigned int longest = family == AF_INET ? 32 : 128;
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char *end;

	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (inet_pton(family, addr, prefix) != 1)
		return -EINVAL;
	*len = longest;
	if (slash) {
		unsigned long v = strtoul(slash + 1, &end, 10);

		if (!isdigit((unsigned char)slash[1]) || *end || v > longest)
			return -EINVAL;
		*len = (unsigned int)v;
	}
	return 0;
}

int settings_cidr(const char *text, struct in_addr *prefix, unsigned int *len)
{
	if (settings_network(AF_INET, text, prefix, len) < 0)
		return -EINVAL;
	if (*len < 32 && ntohl(prefix->s_addr) & (0xffffffffu >> *len))
		return -EINVAL;
	return 0;
}

static int mppe_word(const char *word, size_t n, struct ppp_mppe_config *m)
{
	static const struct {
		const char *word;
		int kind;
		unsigned int value;
	} words[] = {
		{ "require", 0, PPP_MPPE_REQUIRE },
		{ "prefer", 0, PPP_MPPE_PREFER },
		{ "off", 0, PPP_MPPE_OFF },
		{ "40", 1, PPP_MPPE_40 },
		{ "56", 1, PPP_MPPE_56 },
		{ "128", 1, PPP_MPPE_128 },
		{ "stateless", 2, 1 },
		{ "stateful", 2, 2 },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) != n || strncasecmp(words[i].word, word, n))
			continue;
		if (words[i].kind == 0)
			m->policy = (enum ppp_mppe_policy)words[i].value;
		else if (words[i].kind == 1)
			m->strengths |= words[i].value;
		else if (words[i].value == 1)
			m->allow_stateless = true;
		else
			m->allow_stateful = true;
		return 0;
	}
	return -EINVAL;
}

int settings_mppe(const char *text, struct ppp_mppe_config *mppe)
{
	struct ppp_mppe_config m = { .policy = PPP_MPPE_REQUIRE };
	unsigned int words = 0;
	const char *p = text;

	if (!text)
		return -EINVAL;
	while (*(p += strspn(p, "-, "))) {
		size_t n = strcspn(p, "-, ");

		if (mppe_word(p, n, &m) < 0)
			return -EINVAL;
		p += n;
		words++;
	}
	if (!words)
		return -EINVAL;
	if (!m.strengths)
		m.strengths = PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128;
	if (!m.allow_stateless && !m.allow_stateful)
		m.allow_stateless = m.allow_stateful = true;
	*mppe = m;
	return 0;
}

static const char *last_string(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
}

int settings_check_ipv4(cfg_t *cfg, cfg_opt_t *opt)
{
	struct in_addr addr;
	const char *v = last_string(opt);

	if (settings_ipv4(v, &addr) == 0)
		return 0;
	cfg_error(
		cfg, "%s: \"%s\" is not an IPv4 address (write one like 192.0.2.1)", opt->name, v);
	return -1;
}

int settings_check_host(cfg_t *cfg, cfg_opt_t *opt)
{
	struct in_addr addr = { 0 };

	if (settings_check_ipv4(cfg, opt) < 0)
		return -1;
	(void)settings_ipv4(last_string(opt), &addr);
	if (settings_is_host(addr))
		return 0;
	cfg_error(cfg, "%s: %s cannot be the address of a host", opt->name, last_string(opt));
	return -1;
}

int settings_check_cidr(cfg_t *cfg, cfg_opt_t *opt)
{
	struct in_addr prefix;
	unsigned int len;
	const char *v = last_string(opt);

	if (settings_cidr(v, &prefix, &len) == 0)
		return 0;
	cfg_error(cfg,
		"%s: \"%s\" is not a network (write ADDRESS/LENGTH with the host bits 0, like "
		"10.64.0.0/24)",
		opt->name, v);
	return -1;
}

int settings_check_mppe(cfg_t *cfg, cfg_opt_t *opt)
{
	struct ppp_mppe_config mppe;
	const char *v = last_string(opt);

	if (settings_mppe(v, &mppe) == 0)
		return 0;
	cfg_error(cfg,
		"%s: \"%s\" is not an encryption policy (write require-128, require, prefer or "
		"off, with "
		"stateless or stateful and 40, 56 or 128 behind it)",
		opt->name, v);
	return -1;
}

int settings_check_seconds(cfg_t *cfg, cfg_opt_t *opt)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= 1 && v <= 86400)
		return 0;
	cfg_error(cfg, "%s: %ld is out of range (seconds, 1 to 86400)", opt->name, v);
	return -1;
}

int settings_in_range(cfg_t *cfg, cfg_opt_t *opt, const struct settings_range *ranges, size_t n)
{
	long v = cfg_opt_getnint(opt, 0);
	size_t i = 0;

	while (i < n && ranges[i].key && strcmp(ranges[i].key, opt->name) != 0)
		i++;
	if (i == n || (v >= ranges[i].min && v <= ranges[i].max))
		return 0;
	cfg_error(cfg, "%s: %ld is out of range (%ld to %ld)", opt->name, v, ranges[i].min,
		ranges[i].max);
	return -1;
}

int settings_check_count(cfg_t *cfg, cfg_opt_t *opt)
{
	static const struct settings_range ranges[] = {
		{ "port", 1, 65535 },
		{ "window", 1, 65535 },
		{ "echo-failures", 1, 100 },
		{ "session-timeout", 0, 31536000 },
		{ "max-sessions", 1, 1000000 },
		{ "max-connections", 1, 1000000 },
		{ "max-connections-per-address", 1, 1000000 },
	};

	return settings_in_range(cfg, opt, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

int settings_check_dev(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = last_string(opt);

	if (*v && strlen(v) < IFNAMSIZ && !strpbrk(v, "/ "))
		return 0;
	cfg_error(cfg, "%s: \"%s\" cannot name a device (1 to 15 characters, no blank, no slash)",
		opt->name, v);
	return -1;
}

int settings_check_mru(cfg_t *cfg, cfg_opt_t *opt)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= 576 && v <= 1500)
		return 0;
	cfg_error(cfg, "%s: %ld is out of range (octets, 576 to 1500; 1400 suits an Ethernet path)",
		opt->name, v);
	return -1;
}

static const char *const log_levels[] = { "error", "warning", "info", "debug" };

static int level_of(const char *text)
{
	for (int i = 0; i < 4; i++) {
		if (!strcasecmp(text, log_levels[i]))
			return i;
	}
	return -1;
}

int settings_check_log_level(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = last_string(opt);

	if (level_of(v) >= 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not one of error, warning, info, debug", opt->name, v);
	return -1;
}

int settings_check_datapath(cfg_t *cfg, cfg_opt_t *opt)
{
	enum datapath_mode mode;

	if (datapath_mode(last_string(opt), &mode) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not one of raw, packet, xdp", opt->name, last_string(opt));
	return -1;
}

int settings_check_log_format(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = last_string(opt);

	if (!strcmp(v, "text") || !strcmp(v, "json"))
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not one of text, json", opt->name, v);
	return -1;
}

void settings_log(cfg_t *cfg)
{
	log_set((enum log_level)level_of(cfg_getstr(cfg, "log-level")),
		!strcmp(cfg_getstr(cfg, "log-format"), "json") ? LOG_JSON : LOG_TEXT);
	secrets_decide(cfg_getbool(cfg, "core-files"));
}

int settings_number(const char *option, const char *text, unsigned int min, unsigned int max,
	unsigned int *out, char *why)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && v >= min && v <= max) {
		*out = (unsigned int)v;
		return 0;
	}
	snprintf(why, SYSTEM_WHY, "%s: \"%.64s\" is not a number from %u to %u", option, text, min,
		max);
	return -1;
}
