/* Faults of the control connection: TCP, Start-Control-Connection, requests for calls: see faults.h. */
#include "tests/doctor/faults.h"

static void refused(struct script *s)
{
	script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
	script_tcp(s, 1, SCRIPT_RST | SCRIPT_ACK, NULL, 0);
}

static void refused_by_icmp(struct script *s)
{
	script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
	script_icmp(s, SCRIPT_SERVER, 0, 3, 3, 0, 6);
}

static void unreachable(struct script *s)
{
	script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
	script_icmp(s, 0xcb007101, 0, 3, 1, 0, 6);
}

static void filtered(struct script *s)
{
	for (int i = 0; i < 3; i++) {
		script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
		s->tcp_seq[0]--;
		script_wait(s, 1);
	}
}

static void filtered_once(struct script *s)
{
	script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
	script_wait(s, 5);
	script_noise(s);
}

static void one_direction(struct script *s)
{
	const struct control_message m = { .type = CONTROL_START_REQUEST,
		.start = { .version = CONTROL_VERSION_1_0 } };

	script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
	script_control(s, 0, &m);
	script_wait(s, 5);
	script_noise(s);
}

static void start_request(struct script *s)
{
	const struct control_message m = { .type = CONTROL_START_REQUEST,
		.start = { .version = CONTROL_VERSION_1_0 } };

	script_open(s);
	script_control(s, 0, &m);
}

static void start_silent(struct script *s)
{
	start_request(s);
	script_wait(s, 5);
	script_noise(s);
}

static void start_closed(struct script *s)
{
	start_request(s);
	script_tcp(s, 1, SCRIPT_FIN | SCRIPT_ACK, NULL, 0);
}

static void closed_at_once(struct script *s)
{
	script_open(s);
	script_tcp(s, 1, SCRIPT_RST | SCRIPT_ACK, NULL, 0);
}

static void not_pptp(struct script *s)
{
	start_request(s);
	script_tcp(s, 1, SCRIPT_ACK, "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", 30);
}

static void start_answered(struct script *s, uint8_t result)
{
	const struct control_message m = { .type = CONTROL_START_REPLY,
		.start = { .version = CONTROL_VERSION_1_0, .result = result } };

	start_request(s);
	script_control(s, 1, &m);
	script_tcp(s, 1, SCRIPT_FIN | SCRIPT_ACK, NULL, 0);
}

static void start_refused(struct script *s)
{
	start_answered(s, CONTROL_START_NOT_AUTHORIZED);
}

static void start_version(struct script *s)
{
	start_answered(s, CONTROL_START_BAD_VERSION);
}

static void call_request(struct script *s)
{
	const struct control_message m = { .type = CONTROL_OUTGOING_CALL_REQUEST,
		.outgoing_request = { .call_id = 11, .window = 64 } };

	script_start(s);
	script_control(s, 0, &m);
}

static void call_answered(struct script *s, uint8_t result, uint8_t error)
{
	const struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .peer_call_id = 11, .result = result, .error = error } };

	call_request(s);
	script_control(s, 1, &m);
}

static void call_refused(struct script *s)
{
	call_answered(s, CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE);
}

static void call_prohibited(struct script *s)
{
	call_answered(s, CONTROL_OUTGOING_DO_NOT_ACCEPT, 0);
}

static void call_busy(struct script *s)
{
	call_answered(s, CONTROL_OUTGOING_BUSY, 0);
}

static void call_no_carrier(struct script *s)
{
	call_answered(s, CONTROL_OUTGOING_NO_CARRIER, 0);
}

static void call_silent(struct script *s)
{
	call_request(s);
	script_wait(s, 10);
	script_noise(s);
}

static void call_reset(struct script *s)
{
	call_request(s);
	script_tcp(s, 1, SCRIPT_RST | SCRIPT_ACK, NULL, 0);
}

void fault_stop(struct script *s, unsigned int side, uint8_t reason)
{
	const struct control_message m = { .type = CONTROL_STOP_REQUEST,
		.stop_request = { .reason = reason } };

	script_control(s, side, &m);
}

static void stopped(struct script *s)
{
	script_start(s);
	fault_stop(s, 1, CONTROL_STOP_PROTOCOL);
}

static void stopped_before_a_call(struct script *s)
{
	script_start(s);
	fault_stop(s, 1, CONTROL_STOP_LOCAL_SHUTDOWN);
}

static void nothing(struct script *s)
{
	script_noise(s);
}

static const struct fault table[] = {
	{ "TCP refused", refused, FINDING_TCP_REFUSED },
	{ "TCP refused by ICMP", refused_by_icmp, FINDING_TCP_REFUSED },
	{ "unreachable", unreachable, FINDING_UNREACHABLE },
	{ "TCP filtered", filtered, FINDING_TCP_FILTERED },
	{ "TCP filtered, one SYN", filtered_once, FINDING_TCP_FILTERED },
	{ "one direction only", one_direction, FINDING_CAPTURE },
	{ "no Start reply", start_silent, FINDING_CONTROL_SILENT },
	{ "closed instead of a Start reply", start_closed, FINDING_CONTROL_LOST },
	{ "closed at once", closed_at_once, FINDING_CONTROL_LOST },
	{ "SSH", not_pptp, FINDING_NOT_PPTP },
	{ "Start refused", start_refused, FINDING_CONTROL_REFUSED },
	{ "another version", start_version, FINDING_CONTROL_VERSION },
	{ "call refused", call_refused, FINDING_CALL_REFUSED },
	{ "call prohibited", call_prohibited, FINDING_CALL_REFUSED },
	{ "busy", call_busy, FINDING_CALL_BUSY },
	{ "no carrier", call_no_carrier, FINDING_CALL_LINE },
	{ "no call reply", call_silent, FINDING_CALL_SILENT },
	{ "reset instead of a call reply", call_reset, FINDING_CONTROL_LOST },
	{ "stopped: protocol", stopped, FINDING_CONTROL_STOPPED },
	{ "stopped before a call", stopped_before_a_call, FINDING_CONTROL_STOPPED },
	{ "no PPTP", nothing, FINDING_CAPTURE },
};

const struct fault_list faults_control = FAULTS(table);
