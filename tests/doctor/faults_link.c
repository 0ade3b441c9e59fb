/* Faults of GRE and LCP: see faults.h. */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"

/* LCP's requests of one end, again and again. */
static void lcp_requests(struct script *s, unsigned int side, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		script_ppp(s, side, PPP_LCP, 1, (uint8_t)(i + 1),
			side ? "0506 22222222" : "0506 11111111");
		script_wait(s, 1.5);
	}
}

static void gre_absent(struct script *s)
{
	script_call(s);
	script_wait(s, 30);
	script_noise(s);
}

static void gre_of_client_only(struct script *s)
{
	script_call(s);
	lcp_requests(s, 0, 5);
}

static void gre_of_server_only(struct script *s)
{
	script_call(s);
	lcp_requests(s, 1, 5);
}

static void client_hears_nothing(struct script *s)
{
	script_call(s);
	s->deaf[0] = true;
	for (uint8_t i = 1; i < 6; i++) {
		script_ppp(s, 0, PPP_LCP, 1, 1, "0506 11111111");
		script_ppp(s, 1, PPP_LCP, 2, 1, "0506 11111111");
		script_ppp(s, 1, PPP_LCP, 1, i, "0506 22222222");
		script_wait(s, 1.5);
	}
}

static void server_hears_nothing(struct script *s)
{
	script_call(s);
	s->deaf[1] = true;
	for (uint8_t i = 1; i < 6; i++) {
		script_ppp(s, 1, PPP_LCP, 1, 1, "0506 22222222");
		script_ppp(s, 0, PPP_LCP, 2, 1, "0506 22222222");
		script_ppp(s, 0, PPP_LCP, 1, i, "0506 11111111");
		script_wait(s, 1.5);
	}
}

static void wrong_call_id(struct script *s)
{
	script_call(s);
	s->rewritten[1] = 100;
	s->deaf[0] = true;
	for (int i = 0; i < 4; i++) {
		lcp_requests(s, 0, 1);
		lcp_requests(s, 1, 1);
	}
}

static void gre_unreachable(struct script *s)
{
	script_call(s);
	lcp_requests(s, 0, 1);
	script_icmp(s, SCRIPT_SERVER, 0, 3, 2, 0, 47);
	lcp_requests(s, 0, 3);
}

static void lcp_silent(struct script *s)
{
	script_call(s);
	for (int i = 0; i < 5; i++) {
		lcp_requests(s, 0, 1);
		script_ack(s, 1);
	}
}

static void lcp_client_silent(struct script *s)
{
	script_call(s);
	for (int i = 0; i < 5; i++) {
		lcp_requests(s, 1, 1);
		script_ack(s, 0);
	}
}

void fault_loop(struct script *s, unsigned int side, uint16_t protocol, const char *request,
	const char *nak)
{
	for (uint8_t i = 1; i <= 10; i++) {
		script_ppp(s, side, protocol, 1, i, request);
		script_ppp(s, 1 - side, protocol, 3, i, nak);
	}
}

static void lcp_loop(struct script *s)
{
	script_call(s);
	fault_loop(s, 0, PPP_LCP, "0104 05dc", "0104 0578");
}

static void loopback(struct script *s)
{
	script_call(s);
	for (uint8_t i = 1; i < 5; i++) {
		script_ppp(s, 0, PPP_LCP, 1, i, "0506 11111111");
		script_ppp(s, 1, PPP_LCP, 1, i, "0506 11111111");
		script_ppp(s, 1, PPP_LCP, 3, i, "0506 33333333");
	}
}

static const struct fault table[] = {
	{ "no GRE", gre_absent, FINDING_GRE_ABSENT },
	{ "GRE of the client only", gre_of_client_only, FINDING_GRE_TO_CLIENT },
	{ "GRE of the server only", gre_of_server_only, FINDING_GRE_TO_SERVER },
	{ "the client hears nothing", client_hears_nothing, FINDING_GRE_TO_CLIENT },
	{ "the server hears nothing", server_hears_nothing, FINDING_GRE_TO_SERVER },
	{ "wrong Call ID", wrong_call_id, FINDING_GRE_WRONG_CALL_ID },
	{ "GRE unreachable", gre_unreachable, FINDING_GRE_UNREACHABLE },
	{ "LCP never answered", lcp_silent, FINDING_LCP_SILENT },
	{ "LCP never answered by the client", lcp_client_silent, FINDING_LCP_CLIENT_SILENT },
	{ "loop of LCP", lcp_loop, FINDING_OPTION_LOOP },
	{ "looped back", loopback, FINDING_LCP_LOOPBACK },
};

const struct fault_list faults_link = FAULTS(table);
