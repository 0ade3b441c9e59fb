/* The security report: see security.h. */
#include "tools/doctor/security.h"

#include <string.h>

static const struct security_item pap = {
	"password-in-clear",
	"PAP: the password itself goes over the wire, in clear. Whoever records the log-on has it."
};
static const struct security_item md5 = { "offline-guessing",
	"CHAP-MD5: whoever records the log-on can try passwords at billions a second; the server "
	"proves nothing." };
static const struct security_item mschap = { "des-key-search-weak",
	"MS-CHAP (version 1): as breakable as version 2, and the server proves nothing; encryption "
	"keys of 40 bits come from it the same way each time." };
static const struct security_item mschap2 = { "des-key-search",
	"MS-CHAPv2: the recorded log-on is broken by the search of one DES key (2^56, about a day "
	"on "
	"hired hardware, whatever the password). That yields the NT hash: it opens every recorded "
	"and "
	"later session of this user, and logs on in his name wherever NTLM is taken." };
static const struct security_item eap_tls = { "tls-logon",
	"EAP-TLS: the log-on itself is sound. What follows is protected by MPPE only." };
static const struct security_item peap = { "tls-around-mschapv2",
	"PEAP: the log-on is inside of TLS, and safe as long as the server's certificate is "
	"checked. "
	"What follows is protected by MPPE only." };
static const struct security_item none = { "no-authentication",
	"No authentication at all: anybody can log on, and nobody knows whose server it is." };
static const struct security_item weak_offer = { "downgrade",
	"The server also takes methods weaker than MS-CHAPv2 (PAP, CHAP-MD5 or MS-CHAP): somebody "
	"in "
	"the middle can talk a client that allows them into the weakest." };
static const struct security_item clear = { "not-encrypted",
	"No encryption: whoever sits on the way reads and changes everything in the tunnel." };
static const struct security_item mppe_short = { "short-key",
	"MPPE with 40 or 56 bits: the session key is found by trying all, in seconds to hours, "
	"without any password." };
static const struct security_item mppe = { "rc4-unauthenticated",
	"MPPE is RC4 without any authentication of packets: bits can be flipped in transit "
	"unnoticed, "
	"and the keys are no better than the log-on that they come from." };
static const struct security_item control = { "control-in-clear",
	"The control connection and PPP's negotiation are in clear and not authenticated: anybody "
	"on the "
	"way can see the user's name, and end or disturb the session." };
static const struct security_item instead = { "use-instead",
	"Use WireGuard, or IPsec with IKEv2; TLS-based VPNs where only TCP 443 passes. Keep PPTP "
	"for what "
	"cannot be changed, with a password used nowhere else and nothing inside that is not "
	"encrypted itself." };

static const struct security_item *of_method(enum ppp_auth_method method)
{
	if (method == PPP_AUTH_EAP_TLS)
		return &eap_tls;
	if (method == PPP_AUTH_PEAP)
		return &peap;
	switch (ppp_auth_proof(method)) {
	case PPP_AUTH_PAP:
		return &pap;
	case PPP_AUTH_MD5:
		return &md5;
	case PPP_AUTH_MSCHAP:
		return &mschap;
	case PPP_AUTH_MSCHAP2:
		return &mschap2;
	default:
		return &none;
	}
}

/* The best of what is offered: what a careful client would get. */
static enum ppp_auth_method best(unsigned int offered)
{
	static const enum ppp_auth_method order[] = { PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2,
		PPP_AUTH_MSCHAP, PPP_AUTH_MD5, PPP_AUTH_PAP };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (offered & 1u << order[i])
			return order[i];
	}
	return PPP_AUTH_NONE;
}

unsigned int security_report(
	const struct security_facts *facts, struct security_item items[SECURITY_ITEMS])
{
	static const unsigned int weak =
		1u << PPP_AUTH_PAP | 1u << PPP_AUTH_MD5 | 1u << PPP_AUTH_MSCHAP;
	enum ppp_auth_method method = facts->negotiated ? facts->auth : best(facts->offered);
	unsigned int n = 0;

	if (method != PPP_AUTH_NONE || facts->negotiated || facts->offers_none)
		items[n++] = *of_method(method);
	if (facts->negotiated && !facts->mppe_bits)
		items[n++] = clear;
	else if (facts->negotiated && facts->mppe_bits < 128)
		items[n++] = mppe_short;
	if (!facts->negotiated || facts->mppe_bits)
		items[n++] = mppe;
	if (facts->offered & weak && ppp_auth_proof(method) == PPP_AUTH_MSCHAP2)
		items[n++] = weak_offer;
	items[n++] = control;
	items[n++] = instead;
	return n;
}

static void wrapped(FILE *to, const char *text)
{
	static const size_t width = 84;
	const char *head = "-";

	while (*text) {
		size_t n = strlen(text);

		if (n > width) {
			n = width;
			while (n > 1 && text[n] != ' ')
				n--;
		}
		fprintf(to, "%s %.*s\n", head, (int)n, text);
		head = " ";
		text += n;
		while (*text == ' ')
			text++;
	}
}

void security_print(const struct security_facts *facts, FILE *to)
{
	struct security_item items[SECURITY_ITEMS];
	unsigned int n = security_report(facts, items);

	for (unsigned int i = 0; i < n; i++)
		wrapped(to, items[i].text);
}

json_t *security_json(const struct security_facts *facts)
{
	struct security_item items[SECURITY_ITEMS];
	unsigned int n = security_report(facts, items);
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "name", json_string(items[i].name));
		json_object_set_new(o, "text", json_string(items[i].text));
		json_array_append_new(list, o);
	}
	return list;
}
