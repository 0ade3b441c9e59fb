/* The section `tls`: see settings_tls.h. */
#include "session/settings_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

cfg_opt_t settings_tls_client_opts[] = {
	SETTINGS_TLS_KEYS,
	CFG_STR("server-name", NULL, CFGF_NONE),
	CFG_STR("anonymous-identity", NULL, CFGF_NONE),
	CFG_END(),
};

static enum tls_version version_of(const char *text)
{
	static const struct {
		const char *text;
		enum tls_version version;
	} versions[] = {
		{ "1.0", TLS_1_0 },
		{ "1.1", TLS_1_1 },
		{ "1.2", TLS_1_2 },
		{ "1.3", TLS_1_3 },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (!strcmp(versions[i].text, text))
			return versions[i].version;
	}
	return TLS_NONE;
}

int settings_check_tls_version(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = cfg_opt_getnstr(opt, 0);

	if (version_of(v) != TLS_NONE)
		return 0;
	cfg_error(cfg, "min-version: \"%s\" is no version of TLS (write 1.0, 1.1, 1.2 or 1.3)", v);
	return -1;
}

int settings_check_binding(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = cfg_opt_getnstr(opt, 0);

	if (!strcmp(v, "required") || !strcmp(v, "optional"))
		return 0;
	cfg_error(cfg, "crypto-binding: write required or optional, not \"%s\"", v);
	return -1;
}

int settings_check_anonymous(cfg_t *cfg, cfg_opt_t *opt)
{
	if (strlen(cfg_opt_getnstr(opt, 0)) <= PPP_NAME_MAX)
		return 0;
	cfg_error(cfg, "anonymous-identity: it may have 255 octets");
	return -1;
}

int settings_check_tls_highest(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = cfg_opt_getnstr(opt, 0);

	if (version_of(v) >= TLS_1_2)
		return 0;
	cfg_error(cfg, "max-version: \"%s\" is neither 1.2 nor 1.3", v);
	return -1;
}

/* "" empties a key. */
static const char *value(cfg_t *tls, const char *key)
{
	const char *v = cfg_getstr(tls, key);

	return v && *v ? v : NULL;
}

void settings_peap(cfg_t *cfg, const struct settings_tls *tls, struct ppp_link_config *link)
{
	cfg_t *section = cfg_getsec(cfg, "tls");
	const char *binding = tls->client ? NULL : value(section, "crypto-binding");

	link->binding_optional = binding && !strcmp(binding, "optional");
	link->anonymous = tls->client ? value(section, "anonymous-identity") : NULL;
}

int settings_tls(cfg_t *cfg, const char *dialled, struct settings_tls *tls, char *why)
{
	cfg_t *section = cfg_getsec(cfg, "tls");
	const char *lowest = value(section, "min-version");
	const char *highest = value(section, "max-version");
	struct tls_files f = {
		.server = !dialled,
		.certificate = value(section, "certificate"),
		.key = value(section, "key"),
		.ca = value(section, "ca"),
		.crl = value(section, "crl"),
		.server_name = dialled ? value(section, "server-name") : NULL,
		.lowest = lowest ? version_of(lowest) : TLS_NONE,
		.highest = highest ? version_of(highest) : TLS_NONE,
	};

	memset(tls, 0, sizeof(*tls));
	tls->client = dialled != NULL;
	if (!f.server_name)
		f.server_name = dialled;
	if (!f.certificate && !f.key && !f.ca && !f.crl)
		return 0;
	if (f.highest && f.lowest > f.highest) {
		snprintf(why, SYSTEM_WHY, "min-version, max-version: no version is left");
		return -EINVAL;
	}
	if (f.crl && !f.ca) {
		snprintf(why, SYSTEM_WHY, "crl: it belongs to a CA: name that one, too (ca)");
		return -EINVAL;
	}
	tls->context = tls_context_new(&f, why);
	tls->eap_tls = f.certificate && (dialled || f.ca);
	/* A password is not given to whomever any of the system's CAs knows. */
	tls->peap = dialled ? f.ca != NULL : f.certificate != NULL;
	return tls->context ? 0 : -EINVAL;
}
