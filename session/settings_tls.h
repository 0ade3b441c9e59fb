/* The section `tls` of server and client: certificates, and whom to trust (system/tls). */
#pragma once

#include "session/settings.h"
#include "system/tls.h"

#define SETTINGS_TLS_KEYS                                                                          \
	CFG_STR("certificate", NULL, CFGF_NONE), CFG_STR("key", NULL, CFGF_NONE),                  \
		CFG_STR("ca", NULL, CFGF_NONE), CFG_STR("crl", NULL, CFGF_NONE),                   \
		CFG_STR("min-version", NULL, CFGF_NONE), CFG_STR("max-version", NULL, CFGF_NONE)

extern cfg_opt_t settings_tls_client_opts[]; /* the server's have one more: server/config_keys.c */

int settings_check_tls_version(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_binding(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_anonymous(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_tls_highest(cfg_t *cfg, cfg_opt_t *opt);

struct settings_tls {
	struct tls_context *context; /* NULL: the section is empty */
	bool client;
	bool eap_tls, peap; /* all is there that it needs */
};

/* What PEAP has beside the files: crypto-binding (server), anonymous-identity (client). */
void settings_peap(cfg_t *cfg, const struct settings_tls *tls, struct ppp_link_config *link);

/*
 * Reads the files. `dialled`: client, the server as it is called, which its certificate must be
 * for unless `server-name` says otherwise; NULL: server. 0, or -EINVAL with *why. The caller frees
 * the context.
 */
int settings_tls(cfg_t *cfg, const char *dialled, struct settings_tls *tls, char *why);
