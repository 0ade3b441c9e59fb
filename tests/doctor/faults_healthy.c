/* Captures without a fault: see faults.h. */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"

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
	fault_chap_response(s);
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
	fault_reordered(s, 1, 0);
	fault_reordered(s, 2, 0);
	fault_reordered(s, 2, 0);
	script_bye(s);
}

static void from_the_middle(struct script *s)
{
	script_traffic(s, 10, 300);
}

/* The doctor asks what authentication there is, by refusing each, and hangs up. */
static void the_doctor_asks(struct script *s)
{
	s->by_doctor = true;
	script_call(s);
	script_ppp(s, 0, PPP_LCP, 1, 1, "0506 11111111");
	script_ppp(s, 1, PPP_LCP, 2, 1, "0506 11111111");
	script_ppp(s, 1, PPP_LCP, 1, 1, "0305 c223 81");
	script_ppp(s, 0, PPP_LCP, 3, 1, "0304 c023");
	script_ppp(s, 1, PPP_LCP, 1, 2, "0305 c223 81");
	fault_clear(s);
	script_wait(s, 5);
	script_noise(s);
}

/* Large and small packets are lost alike: not for their size, and not for good. */
static void an_outage(struct script *s)
{
	script_up_mppe(s);
	script_traffic(s, 5, 100);
	s->deaf[1] = true;
	for (int i = 0; i < 5; i++) {
		script_mppe(s, 0, 1380);
		script_mppe(s, 0, 60);
		script_wait(s, 2);
	}
	s->deaf[1] = false;
	script_traffic(s, 5, 100);
	script_bye(s);
}

/* The end of a session of pppd, whose beginning is not there. */
static void end_of_pppd(struct script *s)
{
	script_traffic(s, 3, 300);
	script_words(s, 0, PPP_LCP, 5, 2, "MPPE disabled");
	script_ppp(s, 1, PPP_LCP, 6, 2, "");
}

/* A PAC's line loses frames before GRE gives them numbers: MPPE's counts go up by more than these. */
static void a_bad_line(struct script *s)
{
	script_up_mppe(s);
	for (int i = 0; i < 5; i++) {
		script_traffic(s, 3, 100);
		s->counted[0]++;
	}
	script_bye(s);
}

/* A segment four times within moments, in a capture of several interfaces whose time goes back. */
static void time_goes_back(struct script *s)
{
	struct tcp_packet t = { .seq = 1100, .data_len = 1300 };
	uint8_t packet[TCP_PACKET_MAX];

	script_up(s);
	for (int i = 0; i < 4; i++) {
		script_frame_bytes(s, 1, PPP_IP, packet, tcp_make(&t, packet));
		script_ack(s, 0);
		s->now -= 50000;
	}
	s->now += 200000;
	script_bye(s);
}

/* Numbers from nowhere, far ahead: each is one packet, and none of them is late. */
static void stray_numbers(struct script *s)
{
	script_up_mppe(s);
	for (int i = 0; i < 5; i++) {
		script_traffic(s, 5, 100);
		s->gre_seq[0] += 100000;
		script_mppe(s, 0, 100);
		s->gre_seq[0] -= 100001;
	}
	script_bye(s);
}

static const struct fault table[] = {
	{ "stray numbers", stray_numbers, FINDING_NONE },
	{ "time goes back", time_goes_back, FINDING_NONE },
	{ "a bad line", a_bad_line, FINDING_NONE },
	{ "the end of a session", end_of_pppd, FINDING_NONE },
	{ "the doctor's question", the_doctor_asks, FINDING_NONE },
	{ "an outage", an_outage, FINDING_NONE },
	{ "healthy", healthy, FINDING_NONE },
	{ "healthy, MPPE", healthy_mppe, FINDING_NONE },
	{ "still at it", still_at_it, FINDING_NONE },
	{ "a moment after the connection", a_moment_after_connection, FINDING_NONE },
	{ "a second try", second_try, FINDING_NONE },
	{ "usual refusals", usual_refusals, FINDING_NONE },
	{ "a little loss", a_little_loss, FINDING_NONE },
	{ "from the middle", from_the_middle, FINDING_NONE },
};

const struct fault_list faults_healthy = FAULTS(table);
