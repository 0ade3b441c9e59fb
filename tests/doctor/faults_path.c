/* Faults of the path of a tunnel that is up: see faults.h. */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"

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

void fault_reordered(struct script *s, unsigned int count, double seconds)
{
	uint32_t late = s->gre_seq[0]++;

	for (unsigned int i = 0; i < count; i++)
		script_mppe(s, 0, 100);
	script_wait(s, seconds);
	s->gre_seq[0] = late;
	script_mppe(s, 0, 100);
	s->gre_seq[0] = late + count + 1;
}

static void reorder(struct script *s)
{
	script_up_mppe(s);
	for (int i = 0; i < 6; i++)
		fault_reordered(s, 3, 0.5);
	script_bye(s);
}

/* Small frames are acknowledged, large ones never; inside, TCP tries again and again. */
static void large_ones_vanish(struct script *s, size_t size)
{
	script_up_mppe(s);
	s->deaf[1] = true;
	for (int i = 0; i < 5; i++) {
		script_mppe(s, 0, 60);
		s->deaf[1] = false;
		script_ack(s, 1);
		s->deaf[1] = true;
		script_mppe(s, 0, size);
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

/* The same, the large ones close behind each other: a sender that does not wait. */
static void black_hole_in_bursts(struct script *s)
{
	script_up_mppe(s);
	for (int i = 0; i < 4; i++) {
		script_mppe(s, 0, 60);
		script_ack(s, 1);
		for (int k = 0; k < 4; k++) {
			script_mppe(s, 0, 1380);
			script_wait(s, 0.4);
		}
	}
}

static const struct fault table[] = {
	{ "black hole, in bursts", black_hole_in_bursts, FINDING_MTU_BLACKHOLE },
	{ "loss", loss, FINDING_LOSS },
	{ "reordering", reorder, FINDING_REORDER },
	{ "black hole", black_hole, FINDING_MTU_BLACKHOLE },
	{ "black hole, seen inside", black_hole_inside, FINDING_MTU_BLACKHOLE },
	{ "fragments lost", fragments, FINDING_FRAGMENTS },
	{ "fragments missing", fragments_missing, FINDING_FRAGMENTS },
	{ "fragmentation needed", path_mtu, FINDING_PATH_MTU },
};

const struct fault_list faults_path = FAULTS(table);
