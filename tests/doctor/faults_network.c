/* Faults of IPCP, and how calls and sessions end: see faults.h. */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"

static void ipcp_loop(struct script *s)
{
	script_pap(s);
	fault_loop(s, 1, PPP_IPCP, "0306 0a000001", "0306 0a000009");
}

static void ipcp_rejected(struct script *s)
{
	script_pap(s);
	script_ppp(s, 0, PPP_IPCP, 1, 1, "0306 00000000");
	script_ppp(s, 1, PPP_LCP, 8, 1, "8021 0101 000a 0306 00000000");
	script_words(s, 0, PPP_LCP, 5, 7, "No network protocols running");
}

static void ipcp_ended(struct script *s)
{
	script_pap(s);
	script_ppp(s, 0, PPP_IPCP, 1, 1, "0306 0a000009");
	script_words(s, 1, PPP_IPCP, 5, 2, "Unauthorized remote IP address");
}

static void ipcp_silent(struct script *s)
{
	script_pap(s);
	for (uint8_t i = 1; i < 6; i++) {
		script_ppp(s, 0, PPP_IPCP, 1, i, "0306 00000000");
		script_ack(s, 1);
		script_wait(s, 3);
	}
}

static void no_address(struct script *s)
{
	script_pap(s);
	script_ppp(s, 0, PPP_IPCP, 1, 1, "0306 00000000");
	script_ppp(s, 1, PPP_IPCP, 4, 1, "0306 00000000");
	script_words(s, 0, PPP_LCP, 5, 7, "Could not determine local IP address");
}

void fault_clear(struct script *s)
{
	const struct control_message m = { .type = CONTROL_CALL_CLEAR_REQUEST,
		.clear_request = { .call_id = 11 } };

	script_control(s, 0, &m);
}

static void disconnect(struct script *s, uint8_t result)
{
	const struct control_message m = { .type = CONTROL_CALL_DISCONNECT_NOTIFY,
		.disconnect = { .call_id = 22, .result = result } };

	script_control(s, 1, &m);
}

static void setup_ended(struct script *s)
{
	script_pap(s);
	fault_clear(s);
	disconnect(s, CONTROL_DISCONNECT_REQUEST);
}

static void link_ended(struct script *s)
{
	script_pap(s);
	script_words(s, 1, PPP_LCP, 5, 7, "too many sessions");
}

static void link_lost(struct script *s)
{
	script_lcp(s, "0304 c023");
	disconnect(s, CONTROL_DISCONNECT_LOST_CARRIER);
}

static void control_lost(struct script *s)
{
	script_up(s);
	script_tcp(s, 1, SCRIPT_RST | SCRIPT_ACK, NULL, 0);
}

static void session_disconnected(struct script *s)
{
	script_up(s);
	disconnect(s, CONTROL_DISCONNECT_ADMIN_SHUTDOWN);
}

static void session_terminated(struct script *s)
{
	script_up_mppe(s);
	script_words(s, 1, PPP_LCP, 5, 7, "Idle timeout");
	script_ppp(s, 0, PPP_LCP, 6, 7, "");
	disconnect(s, CONTROL_DISCONNECT_LOST_CARRIER);
}

static void session_stopped(struct script *s)
{
	script_up(s);
	fault_stop(s, 1, CONTROL_STOP_LOCAL_SHUTDOWN);
}

static void control_echo(struct script *s)
{
	struct control_message m = { .type = CONTROL_ECHO_REQUEST, .echo_request = { 7 } };

	script_up(s);
	script_control(s, 0, &m);
	m = (struct control_message){ .type = CONTROL_ECHO_REPLY, .echo_reply = { 7, 1, 0 } };
	script_control(s, 1, &m);
	m = (struct control_message){ .type = CONTROL_ECHO_REQUEST, .echo_request = { 8 } };
	script_wait(s, 60);
	script_control(s, 0, &m);
	script_wait(s, 60);
	script_noise(s);
}

static void lcp_echo(struct script *s)
{
	script_up(s);
	script_ppp(s, 0, PPP_LCP, 9, 1, "11111111");
	script_ppp(s, 1, PPP_LCP, 10, 1, "22222222");
	for (uint8_t i = 2; i < 6; i++) {
		script_wait(s, 30);
		script_ppp(s, 0, PPP_LCP, 9, i, "11111111");
	}
	script_words(s, 0, PPP_LCP, 5, 9, "Peer not responding");
}

/* greyline's server looks for an address before it says that the password is right. */
static void pool_empty(struct script *s)
{
	fault_chap_response(s);
	script_words(s, 1, PPP_LCP, 5, 7, "the address pool is empty");
}

static const struct fault table[] = {
	{ "no address left at the log-on", pool_empty, FINDING_NO_ADDRESS },
	{ "loop of IPCP", ipcp_loop, FINDING_OPTION_LOOP },
	{ "IPCP rejected", ipcp_rejected, FINDING_IPCP_FAILED },
	{ "IPCP ended", ipcp_ended, FINDING_IPCP_FAILED },
	{ "IPCP never answered", ipcp_silent, FINDING_IPCP_TIMEOUT },
	{ "no address", no_address, FINDING_NO_ADDRESS },
	{ "the client gives up", setup_ended, FINDING_SETUP_ENDED },
	{ "the server ends the link", link_ended, FINDING_LINK_ENDED },
	{ "lost carrier", link_lost, FINDING_LINK_LOST },
	{ "control connection reset", control_lost, FINDING_CONTROL_LOST },
	{ "session: disconnected", session_disconnected, FINDING_SESSION_ENDED },
	{ "session: idle", session_terminated, FINDING_SESSION_ENDED },
	{ "session: stopped", session_stopped, FINDING_SESSION_ENDED },
	{ "control echo", control_echo, FINDING_ECHO },
	{ "LCP echo", lcp_echo, FINDING_ECHO },
};

const struct fault_list faults_network = FAULTS(table);
