/* The key "auth": the methods of authentication that may be used, in the order of preference. */
#include "session/settings_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYWORDS_MAX 200

/* "a, b or c": all methods, written into `buf`. */
static const char *all_keywords(char buf[KEYWORDS_MAX])
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int i = PPP_AUTH_COUNT - 1; i > PPP_AUTH_NONE && n < KEYWORDS_MAX; i--)
		n += (size_t)snprintf(buf + n, KEYWORDS_MAX - n, "%s%s",
			i == PPP_AUTH_COUNT - 1 ? ""
			: i > PPP_AUTH_NONE + 1 ? ", "
						: " or ",
			ppp_auth_keyword((enum ppp_auth_method)i));
	return buf;
}

/* The words of one value, separated by commas or blanks, behind what is in `list`; the first one
 * that is no method, or NULL. */
static const char *add(struct ppp_auth_list *list, const char *value, char word[32])
{
	while (*value) {
		size_t n = strcspn(value, ", ");
		enum ppp_auth_method method;

		snprintf(word, 32, "%.*s", (int)(n < 31 ? n : 31), value);
		value += n + (value[n] != '\0');
		if (!n)
			continue;
		method = n < 31 ? ppp_auth_from_keyword(word) : PPP_AUTH_NONE;
		if (method == PPP_AUTH_NONE)
			return word;
		if (!ppp_auth_allows(list, method))
			list->methods[list->count++] = (uint8_t)method;
	}
	return NULL;
}

int settings_check_auth(cfg_t *cfg, cfg_opt_t *opt)
{
	struct ppp_auth_list list = { 0 };
	char word[32], all[KEYWORDS_MAX];
	const char *wrong = add(&list, cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1), word);

	if (!wrong && list.count)
		return 0;
	cfg_error(cfg, "auth: \"%s\" is not a method (write %s)", wrong ? wrong : "",
		all_keywords(all));
	return -1;
}

int settings_auth(cfg_t *cfg, const struct ppp_mppe_config *mppe, const struct settings_tls *tls,
	struct ppp_auth_list *list, char *why)
{
	unsigned int with_keys = 0;
	char word[32], all[KEYWORDS_MAX];
	bool is_default = cfg_getopt(cfg, "auth")->flags & CFGF_RESET;

	memset(list, 0, sizeof(*list));
	if (tls->eap_tls && is_default)
		list->methods[list->count++] = PPP_AUTH_EAP_TLS;
	if (tls->peap && is_default)
		list->methods[list->count++] = PPP_AUTH_PEAP;
	for (unsigned int i = 0; i < cfg_size(cfg, "auth"); i++)
		(void)add(list, cfg_getnstr(cfg, "auth", i), word);
	if (!list->count) {
		snprintf(why, SYSTEM_WHY, "auth: give at least one method (%s)", all_keywords(all));
		return -EINVAL;
	}
	if (!tls->peap && ppp_auth_allows(list, PPP_AUTH_PEAP)) {
		snprintf(why, SYSTEM_WHY,
			tls->client
				? "auth: peap gives the password only to a server whose CA is "
				  "named: write --ca FILE, or tls { ca = \"FILE\" }"
				: "auth: peap needs a certificate and its key: tls { certificate = "
				  "\"FILE\" key = \"FILE\" }");
		return -EINVAL;
	}
	if (!tls->eap_tls && ppp_auth_allows(list, PPP_AUTH_EAP_TLS)) {
		snprintf(why, SYSTEM_WHY,
			"auth: eap-tls needs a certificate, its key and a CA: tls { certificate = "
			"\"FILE\" key = \"FILE\" ca = \"FILE\" }");
		return -EINVAL;
	}
	for (unsigned int i = 0; i < list->count; i++)
		with_keys += ppp_auth_makes_keys((enum ppp_auth_method)list->methods[i]);
	if (with_keys || mppe->policy != PPP_MPPE_REQUIRE)
		return 0;
	snprintf(why, SYSTEM_WHY,
		"auth, mppe: encryption is required, but none of these methods makes keys for it: "
		"add mschap-v2 to auth, or write mppe = \"off\"");
	return -EINVAL;
}

bool settings_auth_wants_password(const struct ppp_auth_list *list)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (list->methods[i] != PPP_AUTH_EAP_TLS)
			return true;
	}
	return false;
}

bool settings_auth_by_certificate(cfg_t *cfg, const struct settings_tls *tls,
	const char *password_file, struct ppp_auth_list *list)
{
	static const struct ppp_auth_list alone = { 1, { PPP_AUTH_EAP_TLS } };

	if (!tls->eap_tls || !(cfg_getopt(cfg, "auth")->flags & CFGF_RESET) ||
		(password_file && *password_file) || getenv("GREYLINE_PASSWORD"))
		return false;
	*list = alone;
	return true;
}
