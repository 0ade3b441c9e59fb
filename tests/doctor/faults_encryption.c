/* Faults of CCP and MPPE: see faults.h. */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"

static void mppe_strength(struct script *s)
{
	script_mschap(s);
	script_ppp(s, 1, PPP_CCP, 1, 1, "1206 01000040");
	script_ppp(s, 0, PPP_CCP, 3, 1, "1206 01000020");
	script_ppp(s, 0, PPP_CCP, 1, 1, "1206 01000020");
	script_ppp(s, 1, PPP_CCP, 3, 1, "1206 01000040");
	script_words(s, 1, PPP_LCP, 5, 7, "MPPE required but peer negotiation failed");
}

static void mppe_mode(struct script *s)
{
	script_mschap(s);
	script_ppp(s, 1, PPP_CCP, 1, 1, "1206 01000040");
	script_ppp(s, 0, PPP_CCP, 3, 1, "1206 00000040");
	script_ppp(s, 0, PPP_CCP, 1, 1, "1206 00000040");
	script_ppp(s, 1, PPP_CCP, 3, 1, "1206 01000040");
	script_words(s, 1, PPP_LCP, 5, 7, "MPPE required");
}

static void mppe_not_offered(struct script *s)
{
	script_mschap(s);
	script_ppp(s, 0, PPP_CCP, 1, 4, "1206 01000040");
	script_ppp(s, 1, PPP_LCP, 8, 1, "80fd 0104 000a 1206 01000040");
	script_words(s, 0, PPP_LCP, 5, 7, "encryption required");
}

static void mppe_not_even_asked(struct script *s)
{
	script_pap(s);
	script_words(s, 0, PPP_LCP, 5, 7, "MPPE required, but MS-CHAP[v2] auth not performed.");
}

static void mppe_required(struct script *s)
{
	script_mschap(s);
	script_ppp(s, 1, PPP_CCP, 1, 1, "1206 01000040");
	script_ppp(s, 0, PPP_CCP, 4, 1, "1206 01000040");
	script_words(s, 1, PPP_LCP, 5, 7, "MPPE required but peer refused");
}

static void mppe_clear(struct script *s)
{
	script_mschap(s);
	script_ppp(s, 0, PPP_CCP, 1, 4, "1206 01000040");
	script_ppp(s, 1, PPP_CCP, 4, 4, "1206 01000040");
	script_ipcp(s);
}

static void ccp_silent(struct script *s)
{
	script_mschap(s);
	for (uint8_t i = 1; i < 6; i++) {
		script_ppp(s, 0, PPP_CCP, 1, i, "1206 01000040");
		script_ack(s, 1);
		script_wait(s, 3);
	}
	script_words(s, 0, PPP_LCP, 5, 7, "");
}

static void out_of_step(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 5, 100);
	for (uint8_t i = 1; i < 4; i++)
		script_ppp(s, 1, PPP_LCP, 8, i, "4a17 0123456789");
	script_bye(s);
}

/* The server's packets all have the same count. */
static void miscounted(struct script *s)
{
	uint8_t data[100] = { 0x9a, 0xbc };

	script_up_mppe(s);
	for (int i = 0; i < 5; i++) {
		script_mppe(s, 0, 100);
		script_frame_bytes(s, 1, PPP_COMP, data, sizeof(data));
	}
	script_bye(s);
}

static const struct fault table[] = {
	{ "MPPE's counts stand still", miscounted, FINDING_MPPE_DESYNC },
	{ "MPPE strength", mppe_strength, FINDING_MPPE_STRENGTH },
	{ "MPPE mode", mppe_mode, FINDING_MPPE_MODE },
	{ "MPPE not offered", mppe_not_offered, FINDING_MPPE_NOT_OFFERED },
	{ "MPPE not even asked for", mppe_not_even_asked, FINDING_MPPE_NOT_OFFERED },
	{ "MPPE required by the server", mppe_required, FINDING_MPPE_REQUIRED },
	{ "MPPE refused, in clear", mppe_clear, FINDING_MPPE_CLEAR },
	{ "CCP never answered", ccp_silent, FINDING_CCP_TIMEOUT },
	{ "MPPE out of step", out_of_step, FINDING_MPPE_DESYNC },
};

const struct fault_list faults_encryption = FAULTS(table);
