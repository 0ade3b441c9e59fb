/*
 * Findings from captures: each by a small capture that has that fault, and no other one; captures without
 * a fault, these and those of real peers, have none. No damage to a capture breaks it.
 */
#include "tests/doctor/script.h"

#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"
#include "tools/decode/auth.h"
#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/doctor/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *directory;

/* --- faults --- */

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

static void stop(struct script *s, unsigned int side, uint8_t reason)
{
	const struct control_message m = { .type = CONTROL_STOP_REQUEST,
		.stop_request = { .reason = reason } };

	script_control(s, side, &m);
}

static void stopped(struct script *s)
{
	script_start(s);
	stop(s, 1, CONTROL_STOP_PROTOCOL);
}

static void stopped_before_a_call(struct script *s)
{
	script_start(s);
	stop(s, 1, CONTROL_STOP_LOCAL_SHUTDOWN);
}

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

/* Requests of `side` and Naks of the other end, for ever. */
static void loop(struct script *s, unsigned int side, uint16_t protocol, const char *request,
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
	loop(s, 0, PPP_LCP, "0104 05dc", "0104 0578");
}

static void ipcp_loop(struct script *s)
{
	script_pap(s);
	loop(s, 1, PPP_IPCP, "0306 0a000001", "0306 0a000009");
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

static void chap_response(struct script *s)
{
	script_lcp(s, "0305 c223 81");
	script_ppp(s, 1, PPP_CHAP, 1, 1, "10 00112233445566778899aabbccddeeff 70");
	script_ppp(s, 0, PPP_CHAP, 2, 1,
		"31 00112233445566778899aabbccddeeff 0000000000000000"
		"00112233445566778899aabbccddeeff0011223344556677 00 616c696365");
}

static void chap_failed(struct script *s, const char *words)
{
	chap_response(s);
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
	chap_response(s);
	script_wait(s, 10);
	script_noise(s);
}

static void auth_ended(struct script *s)
{
	chap_response(s);
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

static void clear(struct script *s)
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
	clear(s);
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
	stop(s, 1, CONTROL_STOP_LOCAL_SHUTDOWN);
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

static void loss(struct script *s)
{
	script_up_mppe(s);
	for (int i = 0; i < 10; i++) {
		script_traffic(s, 5, 100);
		s->lost = true;
		script_traffic(s, 1, 100);
		s->lost = false;
	}
	script_bye(s);
}

/* A packet is overtaken by so many others. */
static void reordered(struct script *s, unsigned int count, double seconds)
{
	uint8_t data[100] = { 0x90 };
	uint32_t late = s->gre_seq[0]++;

	for (unsigned int i = 0; i < count; i++)
		script_frame_bytes(s, 0, PPP_COMP, data, sizeof(data));
	script_wait(s, seconds);
	s->gre_seq[0] = late;
	script_frame_bytes(s, 0, PPP_COMP, data, sizeof(data));
	s->gre_seq[0] = late + count + 1;
}

static void reorder(struct script *s)
{
	script_up_mppe(s);
	for (int i = 0; i < 6; i++)
		reordered(s, 3, 0.5);
	script_bye(s);
}

static void out_of_step(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 5, 100);
	for (uint8_t i = 1; i < 4; i++)
		script_ppp(s, 1, PPP_LCP, 8, i, "4a17 0123456789");
	script_bye(s);
}

/* Small frames are acknowledged, large ones never; inside, TCP tries again and again. */
static void large_ones_vanish(struct script *s, size_t size)
{
	uint8_t data[1600] = { 0x90 };

	script_up_mppe(s);
	s->deaf[1] = true;
	for (int i = 0; i < 5; i++) {
		script_frame_bytes(s, 0, PPP_COMP, data, 60);
		s->deaf[1] = false;
		script_ack(s, 1);
		s->deaf[1] = true;
		script_frame_bytes(s, 0, PPP_COMP, data, size);
		script_wait(s, 2);
	}
}

static void black_hole(struct script *s)
{
	large_ones_vanish(s, 1380);
}

static void fragments(struct script *s)
{
	large_ones_vanish(s, 1490);
}

static void fragments_missing(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 3, 100);
	for (int i = 0; i < 4; i++)
		script_fragment(s, 0);
	s->gre_seq[0] -= 4; /* their numbers were never seen */
	script_bye(s);
}

static void black_hole_inside(struct script *s)
{
	struct tcp_packet t = { .seq = 1000, .data_len = 100 };
	uint8_t packet[TCP_PACKET_MAX];

	script_up(s);
	script_frame_bytes(s, 1, PPP_IP, packet, tcp_make(&t, packet));
	t.seq = 1100;
	t.data_len = 1300;
	for (int i = 0; i < 5; i++) {
		script_frame_bytes(s, 1, PPP_IP, packet, tcp_make(&t, packet));
		script_ack(s, 0);
		script_wait(s, 1 << i);
	}
	script_bye(s);
}

static void path_mtu(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 3, 1400);
	script_icmp(s, 0xcb007101, 0, 3, 4, 1400, 47);
	script_traffic(s, 3, 1300);
	script_bye(s);
}

static void nothing(struct script *s)
{
	script_noise(s);
}

/* --- what is no fault --- */

static void healthy(struct script *s)
{
	script_up(s);
	script_bye(s);
}

static void healthy_mppe(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 20, 1380);
	script_bye(s);
}

static void still_at_it(struct script *s)
{
	script_lcp(s, "0305 c223 81");
}

static void a_moment_after_connection(struct script *s)
{
	script_call(s);
	script_wait(s, 1);
	script_noise(s);
}

/* R=1, and the second response is right. */
static void second_try(struct script *s)
{
	chap_response(s);
	script_words(s, 1, PPP_CHAP, 4, 1, "E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3");
	script_ppp(s, 0, PPP_CHAP, 2, 2,
		"31 00112233445566778899aabbccddeeff 0000000000000000"
		"00112233445566778899aabbccddeeff0011223344556677 00 616c696365");
	script_words(s, 1, PPP_CHAP, 3, 2, "S=0123456789ABCDEF0123456789ABCDEF01234567");
	script_ccp(s);
	script_ipcp(s);
	script_bye(s);
}

/* As every client and server do it: one method is named, another one taken; options are rejected. */
static void usual_refusals(struct script *s)
{
	script_call(s);
	script_ppp(s, 1, PPP_LCP, 1, 1, "0304 c227 0506 22222222");
	script_ppp(s, 0, PPP_LCP, 3, 1, "0304 c023");
	script_ppp(s, 1, PPP_LCP, 1, 2, "0304 c023 0506 22222222");
	script_ppp(s, 0, PPP_LCP, 2, 2, "0304 c023 0506 22222222");
	script_ppp(s, 0, PPP_LCP, 1, 1, "0506 11111111 0d03 06");
	script_ppp(s, 1, PPP_LCP, 4, 1, "0d03 06");
	script_ppp(s, 0, PPP_LCP, 1, 2, "0506 11111111");
	script_ppp(s, 1, PPP_LCP, 2, 2, "0506 11111111");
	script_ppp(s, 0, PPP_PAP, 1, 1, "05 616c696365 06 736563726574");
	script_ppp(s, 1, PPP_PAP, 2, 1, "00");
	script_ppp(s, 0, PPP_IPV6CP, 1, 3, "010a 0000000000000001");
	script_ppp(s, 1, PPP_LCP, 8, 5, "8057 0103 000e 010a 0000000000000001");
	script_ppp(s, 0, PPP_CCP, 1, 4, "1a04 7800");
	script_ppp(s, 1, PPP_LCP, 8, 6, "80fd 0104 0008 1a04 7800");
	script_ipcp(s);
	script_bye(s);
}

static void a_little_loss(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 20, 100);
	s->lost = true;
	script_traffic(s, 1, 100);
	s->lost = false;
	script_traffic(s, 20, 100);
	reordered(s, 1, 0);
	reordered(s, 2, 0);
	reordered(s, 2, 0);
	script_bye(s);
}

static void from_the_middle(struct script *s)
{
	script_traffic(s, 10, 300);
}

static const struct {
	const char *name;
	void (*write)(struct script *s);
	enum finding_id id; /* NONE: no finding */
} table[] = {
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
	{ "loop of IPCP", ipcp_loop, FINDING_OPTION_LOOP },
	{ "looped back", loopback, FINDING_LCP_LOOPBACK },
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
	{ "MPPE strength", mppe_strength, FINDING_MPPE_STRENGTH },
	{ "MPPE mode", mppe_mode, FINDING_MPPE_MODE },
	{ "MPPE not offered", mppe_not_offered, FINDING_MPPE_NOT_OFFERED },
	{ "MPPE not even asked for", mppe_not_even_asked, FINDING_MPPE_NOT_OFFERED },
	{ "MPPE required by the server", mppe_required, FINDING_MPPE_REQUIRED },
	{ "MPPE refused, in clear", mppe_clear, FINDING_MPPE_CLEAR },
	{ "CCP never answered", ccp_silent, FINDING_CCP_TIMEOUT },
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
	{ "loss", loss, FINDING_LOSS },
	{ "reordering", reorder, FINDING_REORDER },
	{ "MPPE out of step", out_of_step, FINDING_MPPE_DESYNC },
	{ "black hole", black_hole, FINDING_MTU_BLACKHOLE },
	{ "black hole, seen inside", black_hole_inside, FINDING_MTU_BLACKHOLE },
	{ "fragments lost", fragments, FINDING_FRAGMENTS },
	{ "fragments missing", fragments_missing, FINDING_FRAGMENTS },
	{ "fragmentation needed", path_mtu, FINDING_PATH_MTU },
	{ "no PPTP", nothing, FINDING_CAPTURE },
	{ "healthy", healthy, FINDING_NONE },
	{ "healthy, MPPE", healthy_mppe, FINDING_NONE },
	{ "still at it", still_at_it, FINDING_NONE },
	{ "a moment after the connection", a_moment_after_connection, FINDING_NONE },
	{ "a second try", second_try, FINDING_NONE },
	{ "usual refusals", usual_refusals, FINDING_NONE },
	{ "a little loss", a_little_loss, FINDING_NONE },
	{ "from the middle", from_the_middle, FINDING_NONE },
};

#define CASES (sizeof(table) / sizeof(table[0]))

/* --- running --- */

static int judge_with(struct judge *j, FILE *in, const struct decode_users *users)
{
	const struct decode_options options = { .users = users };
	struct observe_judge hooks;
	struct observe *o;
	char why[DECODE_WHY] = "";
	struct decode_capture *c;
	int rc = -1;

	judge_init(j, &hooks);
	o = observe_new(&hooks);
	assert_non_null(o);
	c = in ? decode_capture_file(in, why) : NULL;
	if (c)
		rc = decode_run(&options, c, &o->sink, NULL, why);
	decode_capture_close(c);
	observe_free(o);
	return rc;
}

static int judge_file(struct judge *j, FILE *in)
{
	return judge_with(j, in, NULL);
}

static int judge_bytes(struct judge *j, const uint8_t *file, size_t size)
{
	return judge_file(j, size ? fmemopen((void *)(uintptr_t)file, size, "rb") : NULL);
}

static void say(const struct judge *j, const char *name)
{
	fprintf(stderr, "# %s:\n", name);
	findings_print(&j->findings, stderr);
}

static void each_fault_is_named_and_no_other(void **state)
{
	struct script *s = malloc(sizeof(*s));
	unsigned int failures = 0;
	struct judge j;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		unsigned int wanted = table[i].id == FINDING_NONE ? 0 : 1;

		script_begin(s);
		table[i].write(s);
		assert_int_equal(judge_bytes(&j, s->file, s->used), 0);
		if (j.findings.count == wanted &&
			(!wanted || findings_have(&j.findings, table[i].id)))
			continue;
		say(&j, table[i].name);
		failures++;
	}
	free(s);
	assert_int_equal(failures, 0);
}

static void each_finding_has_evidence_with_frames(void **state)
{
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		script_begin(s);
		table[i].write(s);
		judge_bytes(&j, s->file, s->used);
		for (unsigned int k = 0; k < j.findings.count; k++) {
			const struct finding *f = &j.findings.list[k];

			if (f->id != FINDING_CAPTURE)
				assert_non_null(strstr(f->evidence, "frame"));
			assert_true(*finding_kind(f->id)->title && *finding_kind(f->id)->meaning &&
				    *finding_kind(f->id)->remedy && *finding_kind(f->id)->name);
		}
	}
	free(s);
}

/* Peers of the real world: only what is true. */
static void real_peers_have_no_false_findings(void **state)
{
	static const struct {
		const char *name;
		enum finding_id id;
	} captures[] = {
		{ "chapmd5-plain", FINDING_NONE },
		{ "eapmd5-plain", FINDING_NONE },
		{ "mschap-mppe128-stateless", FINDING_NONE },
		{ "mschapv2-mppe128-stateful", FINDING_NONE },
		/* The peers lose step for good there, and say so. */
		{ "mschapv2-mppe128-stateful-loss", FINDING_MPPE_DESYNC },
		{ "mschapv2-mppe128-stateless", FINDING_NONE },
		{ "mschapv2-mppe128-stateless-loss", FINDING_NONE },
		{ "mschapv2-mppe128-stateless-vj", FINDING_NONE },
		{ "mschapv2-mppe40-stateless", FINDING_NONE },
		{ "pap-bsdcomp", FINDING_NONE },
		{ "pap-deflate", FINDING_NONE },
		{ "pap-deflate-loss", FINDING_NONE },
		{ "pap-plain", FINDING_NONE },
		{ "pap-vj", FINDING_NONE },
	};
	char path[512];
	struct judge j;

	(void)state;
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s.pcap", directory, captures[i].name);
		assert_int_equal(judge_file(&j, fopen(path, "rb")), 0);
		if (captures[i].id == FINDING_NONE ? j.findings.count
						   : !findings_have(&j.findings, captures[i].id)) {
			say(&j, captures[i].name);
			fail();
		}
		assert_true(j.findings.count <= 1);
		assert_int_equal(j.up, 1);
		assert_true(j.has_security);
	}
}

static void the_security_report_is_of_what_was_negotiated(void **state)
{
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	script_begin(s);
	healthy_mppe(s);
	judge_bytes(&j, s->file, s->used);
	assert_true(j.has_security);
	assert_int_equal(j.security.auth, PPP_AUTH_MSCHAP2);
	assert_int_equal(j.security.mppe_bits, 128);
	assert_true(j.security.stateless);
	script_begin(s);
	healthy(s);
	judge_bytes(&j, s->file, s->used);
	assert_int_equal(j.security.auth, PPP_AUTH_PAP);
	assert_int_equal(j.security.mppe_bits, 0);
	free(s);
}

/* Cut behind each packet: a finding may be there or not, but nothing breaks, and memory is freed. */
static void a_capture_may_end_anywhere(void **state)
{
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		script_begin(s);
		table[i].write(s);
		for (unsigned int k = 0; k < s->count && k < 60; k++)
			assert_int_equal(judge_bytes(&j, s->file, s->at[k]), 0);
	}
	free(s);
}

static void a_capture_may_begin_anywhere(void **state)
{
	struct script *s = malloc(sizeof(*s));
	uint8_t *file = malloc(SCRIPT_SIZE);
	struct judge j;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		script_begin(s);
		table[i].write(s);
		memcpy(file, s->file, 24);
		for (unsigned int k = 0; k < s->count && k < 60; k++) {
			memcpy(file + 24, s->file + s->at[k], s->used - s->at[k]);
			assert_int_equal(judge_bytes(&j, file, 24 + s->used - s->at[k]), 0);
		}
	}
	free(file);
	free(s);
}

static void damage_breaks_nothing(void **state)
{
	struct script *s = malloc(sizeof(*s));
	uint32_t random = 1;
	struct judge j;

	(void)state;
	for (size_t i = 0; i < CASES * 5; i++) {
		script_begin(s);
		table[i % CASES].write(s);
		for (unsigned int k = 0; k < s->count; k++) {
			size_t begin = s->at[k] + 16;
			size_t end = k + 1 < s->count ? s->at[k + 1] : s->used;

			random = random * 1664525 + 1013904223;
			if (random >> 28 < 4)
				s->file[begin + (random >> 8) % (end - begin)] ^=
					(uint8_t)(random >> 4);
		}
		assert_int_equal(judge_bytes(&j, s->file, s->used), 0);
	}
	free(s);
}

/* Who has the password can say whose fault it is. */
static void a_known_password_is_compared(void **state)
{
	char right[] = "alice:secret", wrong[] = "alice:sesame", why[DECODE_WHY];
	struct decode_users users[2] = { 0 };
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	decode_users_add(&users[0], right, why);
	decode_users_add(&users[1], wrong, why);
	script_begin(s);
	pap_wrong(s);
	for (int i = 0; i < 2; i++) {
		judge_with(&j, fmemopen(s->file, s->used, "rb"), &users[i]);
		assert_int_equal(j.findings.count, 1);
		assert_non_null(strstr(j.findings.list[0].evidence, i ? "is not what" : "fits"));
		decode_users_done(&users[i]);
	}
	free(s);
}

static void keep_words(void *user, bool well, const char *text)
{
	(void)well;
	snprintf(user, 200, "%s", text);
}

/* Of two interfaces, or two captures put together: times need not rise. */
static void a_capture_may_go_back_in_time(void **state)
{
	struct script *s = malloc(sizeof(*s));
	struct observe_judge hooks;
	char words[200] = "", why[DECODE_WHY] = "";
	const struct decode_options options = { 0 };
	struct decode_capture *c;
	struct observe *o;
	struct judge j;

	(void)state;
	script_begin(s);
	script_pap(s);
	script_wait(s, -60);
	script_ipcp(s);
	judge_init(&j, &hooks);
	j.say = keep_words;
	j.user = words;
	o = observe_new(&hooks);
	c = decode_capture_file(fmemopen(s->file, s->used, "rb"), why);
	assert_int_equal(decode_run(&options, c, &o->sink, NULL, why), 0);
	assert_non_null(strstr(words, ": up 0.0 s after"));
	decode_capture_close(c);
	observe_free(o);
	free(s);
}

/* More calls at once than there is room for: the decoder's and the observer's limits hold. */
static void thousands_of_calls_are_bounded(void **state)
{
	struct script *s = malloc(sizeof(*s));
	uint8_t *file = malloc(8u << 20);
	size_t used = 24;
	struct judge j;

	(void)state;
	script_begin(s);
	script_call(s);
	script_ppp(s, 0, PPP_LCP, 1, 1, "0506 11111111");
	memcpy(file, s->file, 24);
	for (unsigned int i = 0; i < 5000; i++) {
		size_t begin = used;

		memcpy(file + used, s->file + 24, s->used - 24);
		used += s->used - 24;
		for (unsigned int k = 0; k < s->count; k++) { /* another client each time */
			uint8_t *ip = file + begin + s->at[k] - 24 + 16;
			uint8_t *client = ip[12] == 0xc0 ? ip + 12 : ip + 16;

			client[1] = (uint8_t)(i >> 8);
			client[2] = (uint8_t)i;
		}
	}
	assert_int_equal(judge_bytes(&j, file, used), 0);
	assert_int_equal(j.calls, 5000);
	assert_int_equal(j.connections, 5000);
	free(file);
	free(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_is_named_and_no_other),
		cmocka_unit_test(each_finding_has_evidence_with_frames),
		cmocka_unit_test(real_peers_have_no_false_findings),
		cmocka_unit_test(the_security_report_is_of_what_was_negotiated),
		cmocka_unit_test(a_known_password_is_compared),
		cmocka_unit_test(a_capture_may_end_anywhere),
		cmocka_unit_test(a_capture_may_begin_anywhere),
		cmocka_unit_test(damage_breaks_nothing),
		cmocka_unit_test(a_capture_may_go_back_in_time),
		cmocka_unit_test(thousands_of_calls_are_bounded),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: test_capture DIRECTORY-OF-CAPTURES\n");
		return 1;
	}
	directory = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
