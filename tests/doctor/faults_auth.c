/* Faults of authentication: see faults.h. */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"

static void no_method_rejected(struct script *s)
{
	script_call(s);
	script_ppp(s, 1, PPP_LCP, 1, 1, "0305 c223 81");
	script_ppp(s, 0, PPP_LCP, 4, 1, "0305 c223 81");
	script_words(s, 1, PPP_LCP, 5, 2, "peer refused to authenticate");
	script_ppp(s, 0, PPP_LCP, 6, 2, "");
}

static void no_method_in_common(struct script *s)
{
	script_call(s);
	script_ppp(s, 1, PPP_LCP, 1, 1, "0304 c023");
	script_ppp(s, 0, PPP_LCP, 3, 1, "0305 c223 81");
	script_ppp(s, 1, PPP_LCP, 1, 2, "0304 c023");
	script_ppp(s, 0, PPP_LCP, 3, 2, "0305 c223 81");
	script_wait(s, 10);
	script_noise(s);
}

static void pap_wrong(struct script *s)
{
	script_lcp(s, "0304 c023");
	script_ppp(s, 0, PPP_PAP, 1, 1, "05 616c696365 06 736563726574");
	script_ppp(s, 1, PPP_PAP, 3, 1, "05 77726f6e67");
	script_words(s, 1, PPP_LCP, 5, 7, "Authentication failed");
}

void fault_chap_response(struct script *s)
{
	script_lcp(s, "0305 c223 81");
	script_ppp(s, 1, PPP_CHAP, 1, 1, "10 00112233445566778899aabbccddeeff 70");
	script_ppp(s, 0, PPP_CHAP, 2, 1,
		"31 00112233445566778899aabbccddeeff 0000000000000000"
		"00112233445566778899aabbccddeeff0011223344556677 00 616c696365");
}

static void chap_failed(struct script *s, const char *words)
{
	fault_chap_response(s);
	script_words(s, 1, PPP_CHAP, 4, 1, words);
	script_words(s, 1, PPP_LCP, 5, 7, "Authentication failed");
}

static void chap_646(struct script *s)
{
	chap_failed(s, "E=646 R=0 C=00 V=3 M=not now");
}

static void chap_647(struct script *s)
{
	chap_failed(s, "E=647 R=0 V=3");
}

static void chap_648(struct script *s)
{
	chap_failed(s, "E=648 R=0 C=00112233445566778899AABBCCDDEEFF V=3 M=Password expired");
}

static void chap_649(struct script *s)
{
	chap_failed(s, "E=649 R=0");
}

static void chap_691(struct script *s)
{
	chap_failed(s, "E=691 R=0 C=00112233445566778899AABBCCDDEEFF V=3 M=Access denied");
}

static void chap_709(struct script *s)
{
	chap_failed(s, "E=709 R=0");
}

static void chap_other(struct script *s)
{
	chap_failed(s, "E=999 R=0");
}

static void eap_failed(struct script *s)
{
	script_lcp(s, "0304 c227");
	script_ppp(s, 1, PPP_EAP, 1, 1, "01");
	script_ppp(s, 0, PPP_EAP, 2, 1, "01 616c696365");
	script_ppp(s, 1, PPP_EAP, 1, 2, "04 10 00112233445566778899aabbccddeeff");
	script_ppp(s, 0, PPP_EAP, 2, 2, "04 10 00112233445566778899aabbccddeeff");
	script_ppp(s, 1, PPP_EAP, 4, 2, "");
}

/* EAP-MSCHAPv2's own failure, with the number in it. */
static void eap_mschap_failed(struct script *s)
{
	script_lcp(s, "0304 c227");
	script_ppp(s, 1, PPP_EAP, 1, 1, "1a 01 01 0016 10 00112233445566778899aabbccddeeff 70");
	script_ppp(s, 0, PPP_EAP, 2, 1, "1a 02 01 003b 31 00");
	script_ppp(s, 1, PPP_EAP, 1, 2, "1a 04 01 000d 453d 363437 20 523d30");
	script_ppp(s, 0, PPP_EAP, 2, 2, "1a 04");
	script_ppp(s, 1, PPP_EAP, 4, 2, "");
}

static void eap_tls_failed(struct script *s)
{
	script_lcp(s, "0304 c227");
	script_ppp(s, 1, PPP_EAP, 1, 1, "0d 20");
	script_ppp(s, 0, PPP_EAP, 2, 1, "0d 00 15 0303 0002 0230");
	script_ppp(s, 1, PPP_EAP, 4, 1, "");
}

static void auth_timeout(struct script *s)
{
	fault_chap_response(s);
	script_wait(s, 10);
	script_noise(s);
}

static void auth_ended(struct script *s)
{
	fault_chap_response(s);
	script_words(s, 1, PPP_LCP, 5, 7, "no RADIUS server");
}

static void auth_unanswered(struct script *s)
{
	script_lcp(s, "0305 c223 81");
	for (uint8_t i = 1; i < 5; i++) {
		script_ppp(s, 1, PPP_CHAP, 1, i, "10 00112233445566778899aabbccddeeff 70");
		script_ack(s, 0);
		script_wait(s, 3);
	}
}

static void not_asked(struct script *s)
{
	script_lcp(s, "");
	fault_clear(s);
}

/* PEAP is all that the server has, and the client wants MSCHAPv2. */
static void eap_refused(struct script *s)
{
	script_lcp(s, "0304 c227");
	script_ppp(s, 1, PPP_EAP, 1, 1, "01");
	script_ppp(s, 0, PPP_EAP, 2, 1, "01 616c696365");
	script_ppp(s, 1, PPP_EAP, 1, 2, "19 20");
	script_ppp(s, 0, PPP_EAP, 2, 2, "03 1a");
	script_ppp(s, 1, PPP_EAP, 4, 2, "");
}

/* Behind PEAP's handshake: Identity, response and result, sealed. */
static void peap_refused(struct script *s)
{
	script_lcp(s, "0304 c227");
	script_ppp(s, 1, PPP_EAP, 1, 1, "19 20");
	script_ppp(s, 0, PPP_EAP, 2, 1, "19 00 16 0303 0002 0100");
	for (uint8_t i = 2; i < 5; i++) {
		script_ppp(s, 1, PPP_EAP, 1, i, "19 00 17 0303 0002 0102");
		script_ppp(s, 0, PPP_EAP, 2, i, "19 80 00000007 17 0303 0002 0102");
	}
	script_ppp(s, 1, PPP_EAP, 4, 4, "");
}

static void peap_tls_failed(struct script *s)
{
	script_lcp(s, "0304 c227");
	script_ppp(s, 1, PPP_EAP, 1, 1, "19 20");
	script_ppp(s, 0, PPP_EAP, 2, 1, "19 00 15 0303 0002 0230");
	script_ppp(s, 1, PPP_EAP, 4, 1, "");
}

static const struct fault table[] = {
	{ "EAP: another method", eap_refused, FINDING_AUTH_NO_METHOD },
	{ "PEAP: wrong inside", peap_refused, FINDING_AUTH_WRONG },
	{ "PEAP: TLS failed", peap_tls_failed, FINDING_AUTH_CERTIFICATE },
	{ "the server asks for no authentication", not_asked, FINDING_AUTH_NOT_ASKED },
	{ "authentication rejected", no_method_rejected, FINDING_AUTH_NO_METHOD },
	{ "no common authentication", no_method_in_common, FINDING_AUTH_NO_METHOD },
	{ "PAP: wrong", pap_wrong, FINDING_AUTH_WRONG },
	{ "E=646", chap_646, FINDING_AUTH_HOURS },
	{ "E=647", chap_647, FINDING_AUTH_DISABLED },
	{ "E=648", chap_648, FINDING_AUTH_EXPIRED },
	{ "E=649", chap_649, FINDING_AUTH_NO_DIALIN },
	{ "E=691", chap_691, FINDING_AUTH_WRONG },
	{ "E=709", chap_709, FINDING_AUTH_CHANGE },
	{ "E=999", chap_other, FINDING_AUTH_RESTRICTED },
	{ "EAP-MD5 failed", eap_failed, FINDING_AUTH_WRONG },
	{ "EAP-MSCHAPv2 failed", eap_mschap_failed, FINDING_AUTH_DISABLED },
	{ "EAP-TLS failed", eap_tls_failed, FINDING_AUTH_CERTIFICATE },
	{ "no verdict", auth_timeout, FINDING_AUTH_TIMEOUT },
	{ "ended instead of a verdict", auth_ended, FINDING_AUTH_ENDED },
	{ "challenge unanswered", auth_unanswered, FINDING_AUTH_CLIENT_SILENT },
};

const struct fault_list faults_auth = FAULTS(table);
