/* Configuration by libConfuse: see settings.h. */
#include "session/settings.h"

#include "system/log.h"
#include "system/suggest.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define KEYS_MAX  64
#define VALUE_MAX 2048

/* libConfuse's error function has no argument of the caller's: the first error of a parse is kept here. */
static char first_error[SYSTEM_WHY];
static const char *option_name; /* when an option of the command line is parsed, not a file */

static const char *nearest_key(cfg_t *cfg, const char *key)
{
	const char *keys[KEYS_MAX];
	unsigned int n = 0;

	for (cfg_opt_t *o = cfg->opts; o && o->name && n < KEYS_MAX; o++)
		keys[n++] = o->name;
	return suggest(key, keys, n);
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[SYSTEM_WHY] = "", where[96] = "";

	if (first_error[0])
		return;
	if (option_name)
		snprintf(where, sizeof(where), "%s: ", option_name);
	else if (cfg && cfg->filename)
		snprintf(where, sizeof(where), "%s:%d: ", cfg->filename, cfg->line);
	if (strstr(fmt, "no such option")) {
		const char *key = va_arg(ap, const char *);
		const char *near = cfg ? nearest_key(cfg, key) : NULL;

		snprintf(text, sizeof(text), "unknown key \"%s\"%s%s%s", key, near ? " (did you mean \"" : "",
			near ? near : "", near ? "\"?)" : "; see greyline(1) for the keys there are");
	} else {
		vsnprintf(text, sizeof(text), fmt, ap);
	}
	snprintf(first_error, sizeof(first_error), "%s%s", where, text);
}

int settings_file(cfg_t *cfg, const char *path, char *why)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (!f) {
		snprintf(why, SYSTEM_WHY, "cannot read the configuration file %s: %s", path, strerror(errno));
		return -1;
	}
	first_error[0] = '\0';
	option_name = NULL;
	cfg_set_error_function(cfg, on_error);
	free(cfg->filename);
	cfg->filename = strdup(path);
	rc = cfg_parse_fp(cfg, f);
	fclose(f);
	if (rc == CFG_SUCCESS && !first_error[0])
		return 0;
	snprintf(why, SYSTEM_WHY, "%s", first_error[0] ? first_error : "the configuration file cannot be parsed");
	return -1;
}

/* Appends `text` as a quoted string of the file's syntax. -1 if it does not fit. */
static int quote(char *out, size_t size, const char *text, size_t len)
{
	size_t n = strlen(out);

	if (n + 2 * len + 3 > size)
		return -1;
	out[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			out[n++] = '\\';
		out[n++] = text[i];
	}
	out[n++] = '"';
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

int settings_put(cfg_t *cfg, const char *option, const char *key, const char *value, char *why)
{
	char text[VALUE_MAX];
	const char *near;
	cfg_opt_t *opt;
	int rc;

	cfg_set_error_function(cfg, on_error); /* it says by itself that there is no such option */
	opt = cfg_getopt(cfg, key);
	near = opt ? NULL : nearest_key(cfg, key);
	if (!opt || opt->type == CFGT_SEC) {
		snprintf(why, SYSTEM_WHY, "%s: unknown key \"%s\"%s%s%s", option, key,
			near ? " (did you mean \"" : "", near ? near : "",
			near ? "\"?)" : "; see greyline(1) for the keys there are");
		return -1;
	}
	snprintf(text, sizeof(text), "%s = ", key);
	if (opt->flags & CFGF_LIST)
		rc = quote_list(text, sizeof(text), value);
	else
		rc = quote(text, sizeof(text), value, strlen(value));
	if (rc < 0) {
		snprintf(why, SYSTEM_WHY, "%s: the value of \"%s\" is too long", option, key);
		return -1;
	}
	first_error[0] = '\0';
	option_name = option;
	rc = cfg_parse_buf(cfg, text);
	option_name = NULL;
	if (rc == CFG_SUCCESS && !first_error[0])
		return 0;
	snprintf(why, SYSTEM_WHY, "%s", first_error[0] ? first_error : "the value cannot be parsed");
	return -1;
}

int settings_set(cfg_t *cfg, const char *assignment, char *why)
{
	const char *eq = strchr(assignment, '=');
	char key[64], option[96];

	if (!eq || eq == assignment || (size_t)(eq - assignment) >= sizeof(key)) {
		snprintf(why, SYSTEM_WHY, "--set %s: write --set KEY=VALUE", assignment);
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

int settings_cidr(const char *text, struct in_addr *prefix, unsigned int *len)
{
	char addr[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char *end;

	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (settings_ipv4(addr, prefix) < 0)
		return -EINVAL;
	*len = 32;
	if (slash) {
		unsigned long v = strtoul(slash + 1, &end, 10);

		if (!isdigit((unsigned char)slash[1]) || *end || v > 32)
			return -EINVAL;
		*len = (unsigned int)v;
	}
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
	const char *p = text;

	if (!text || !*text)
		return -EINVAL;
	while (*p) {
		size_t n = strcspn(p, "-, ");

		if (n && mppe_word(p, n, &m) < 0)
			return -EINVAL;
		p += n;
		p += strspn(p, "-, ");
	}
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
	cfg_error(cfg, "%s: \"%s\" is not an IPv4 address (write one like 192.0.2.1)", opt->name, v);
	return -1;
}

int settings_check_cidr(cfg_t *cfg, cfg_opt_t *opt)
{
	struct in_addr prefix;
	unsigned int len;
	const char *v = last_string(opt);

	if (settings_cidr(v, &prefix, &len) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not a network (write ADDRESS/LENGTH with the host bits 0, like 10.64.0.0/24)",
		opt->name, v);
	return -1;
}

int settings_check_mppe(cfg_t *cfg, cfg_opt_t *opt)
{
	struct ppp_mppe_config mppe;
	const char *v = last_string(opt);

	if (settings_mppe(v, &mppe) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not an encryption policy (write require-128, require, prefer or off, with "
		       "stateless or stateful and 40, 56 or 128 behind it)", opt->name, v);
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

int settings_check_mru(cfg_t *cfg, cfg_opt_t *opt)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= 576 && v <= 1500)
		return 0;
	cfg_error(cfg, "%s: %ld is out of range (octets, 576 to 1500; 1400 suits an Ethernet path)", opt->name, v);
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
}

char *settings_password(const char *path, char *why)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	struct stat st;
	FILE *f;

	if (!path || !*path) {
		const char *env = getenv("GREYLINE_PASSWORD");

		if (env)
			return strdup(env);
		snprintf(why, SYSTEM_WHY,
			"no password: give --password-file FILE, or set GREYLINE_PASSWORD in the environment");
		return NULL;
	}
	f = fopen(path, "re");
	if (!f) {
		snprintf(why, SYSTEM_WHY, "cannot read the password file %s: %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 077)
		log_warning("the password file %s can be read by others: chmod 600 %s", path, path);
	n = getline(&line, &size, f);
	fclose(f);
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		line[--n] = '\0';
	if (n > 0)
		return line;
	free(line);
	snprintf(why, SYSTEM_WHY, "the password file %s is empty: its first line must be the password", path);
	return NULL;
}
