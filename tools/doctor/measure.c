/* RTT, loss, size, throughput: see measure.h. */
#include "tools/doctor/measure.h"

#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"
#include "system/clock.h"
#include "tools/bench/echo.h"

#include <string.h>

#define SPACING    50000u   /* us between pings */
#define LAST_WAIT  1500000u /* us for the last answers */
#define WARM_TIME  3000000u /* us for the first answer */
#define LCP_ECHOES 10
#define SIZE_TRIES 3
#define SIZE_FLOOR 576u    /* what every path carries, less the headers, is not looked for below */
#define WINDOW     32      /* packets under way while throughput is measured */
#define STALL      500000u /* us without any answer: what was under way is lost */

#define SIZE_TAG  0x40000000u
#define FLOOD_TAG 0x20000000u
#define WARM_TAG  0x10000000u
#define MARK      0x6772656cu /* in our LCP echoes */

/* One ping, or echo of LCP with so many octets of information field. */
static void send_one(struct measure *m, struct probe *p, size_t size, uint32_t tag)
{
	uint8_t packet[ECHO_MAX] = { 0 };
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	if (!p->session || !p->session->dp)
		return;
	if (!m->by_lcp) {
		echo_request_sized(packet, size, m->local, m->remote, (uint16_t)tag, tag);
		(void)probe_send(p, packet, size);
		return;
	}
	if (size > sizeof(packet))
		size = sizeof(packet);
	wire_put_u8(&w, CP_ECHO_REQUEST);
	wire_put_u8(&w, (uint8_t)tag);
	wire_put_u16(&w, (uint16_t)size);
	wire_put_u32(&w, 0); /* no magic number */
	wire_put_u32(&w, MARK);
	wire_put_u32(&w, tag);
	(void)dp_session_send(p->hub.dp, p->session->dp, PPP_LCP, packet, size);
}

/* The largest inner packet that the tunnel would send now. */
static unsigned int limit_of(const struct probe *p)
{
	unsigned int largest =
		p->session && p->session->dp ? dp_session_largest(p->session->dp) : ECHO_SIZE;

	return largest < ECHO_MAX ? largest : ECHO_MAX;
}

static void end(struct measure *m, struct probe *p)
{
	m->stage = MEASURE_DONE;
	probe_stop(p);
}

static void flood_more(struct measure *m, struct probe *p)
{
	while (m->in_flight < WINDOW) {
		m->in_flight++;
		send_one(m, p, m->size_passed, FLOOD_TAG);
	}
}

static void begin_throughput(struct measure *m, struct probe *p, uint64_t now)
{
	if (!p->options->throughput || !m->size_passed || m->by_lcp) {
		end(m, p);
		return;
	}
	m->stage = MEASURE_THROUGHPUT;
	m->flood_began = m->last = now;
	m->throughput_end = now + p->options->throughput * 1000000ull;
	flood_more(m, p);
}

static void try_size(struct measure *m, struct probe *p, unsigned int size, uint64_t now)
{
	if (size != m->trying)
		m->tries = 0;
	m->trying = size;
	m->tries++;
	m->size_tag = SIZE_TAG | size;
	m->next = now + 400000 + 2 * m->rtt_max;
	send_one(m, p, size, m->size_tag);
}

static void begin_size(struct measure *m, struct probe *p, uint64_t now)
{
	m->stage = MEASURE_SIZE;
	m->good = m->bad = 0;
	m->size_wanted = limit_of(p);
	try_size(m, p, m->size_wanted, now);
}

/* Halving between what passes and what does not, to 8 octets. */
static void next_size(struct measure *m, struct probe *p, uint64_t now)
{
	if (!m->bad || m->bad - m->good <= 8) {
		m->size_passed = m->good;
		begin_throughput(m, p, now);
		return;
	}
	try_size(m, p, m->good + (m->bad - m->good) / 2, now);
}

static void size_failed(struct measure *m, struct probe *p, uint64_t now)
{
	unsigned int limit = limit_of(p);

	/* A router has said so meanwhile: that is how it should be. */
	if (limit < m->size_wanted) {
		begin_size(m, p, now);
		return;
	}
	if (m->tries < SIZE_TRIES) {
		try_size(m, p, m->trying, now);
		return;
	}
	m->bad = m->trying;
	if (!m->good)
		m->good = m->bad > SIZE_FLOOR - 44 ? SIZE_FLOOR - 44 : ECHO_SIZE;
	next_size(m, p, now);
}

static void begin_pings(struct measure *m, enum measure_stage stage, uint64_t now)
{
	m->stage = stage;
	m->by_lcp = stage == MEASURE_ECHOES;
	m->sent = 0;
	m->next = now;
}

static void answered(struct measure *m, struct probe *p, uint32_t tag, uint64_t now)
{
	uint64_t rtt;

	if (tag & FLOOD_TAG) {
		if (m->stage != MEASURE_THROUGHPUT)
			return;
		m->flood_bytes += m->size_passed;
		m->last = now;
		if (m->in_flight)
			m->in_flight--;
		if (now < m->throughput_end)
			flood_more(m, p);
		return;
	}
	if (tag & WARM_TAG) {
		if (m->stage == MEASURE_WARM)
			begin_pings(m, MEASURE_PINGS, now);
		return;
	}
	if (tag & SIZE_TAG) {
		if (m->stage != MEASURE_SIZE || tag != m->size_tag)
			return;
		m->good = m->trying;
		next_size(m, p, now);
		return;
	}
	if (m->stage > MEASURE_ECHOES || tag >= m->sent || m->got[tag])
		return;
	m->got[tag] = true;
	m->answered++;
	if (tag < m->highest)
		m->reordered++;
	m->highest = tag > m->highest ? tag : m->highest;
	rtt = now - m->sent_at[tag];
	m->rtt_sum += rtt;
	if (m->answered == 1 || rtt < m->rtt_min)
		m->rtt_min = rtt;
	if (rtt > m->rtt_max)
		m->rtt_max = rtt;
}

static void ping_tick(struct measure *m, struct probe *p, uint64_t now)
{
	unsigned int count = m->by_lcp ? LCP_ECHOES : p->options->pings;

	if (m->sent < count && now >= m->next) {
		m->sent_at[m->sent] = m->last = now;
		m->next = now + SPACING;
		m->sent++;
		send_one(m, p, ECHO_SIZE, m->sent - 1);
		return;
	}
	if (m->sent < count || (m->answered < count && now - m->last < LAST_WAIT))
		return;
	if (!m->answered)
		end(m, p);
	else
		begin_size(m, p, now);
}

void measure_begin(struct measure *m, struct probe *p, uint64_t now)
{
	memset(m, 0, sizeof(*m));
	m->local.s_addr = p->session->net.local;
	m->remote.s_addr = p->session->net.remote;
	m->warm_until = now + WARM_TIME;
	if (!m->remote.s_addr)
		begin_pings(m, MEASURE_ECHOES, now);
}

void measure_tick(struct measure *m, struct probe *p, uint64_t now)
{
	switch (m->stage) {
	case MEASURE_WARM:
		if (now >= m->warm_until) {
			begin_pings(m, MEASURE_ECHOES, now);
		} else if (now >= m->next) {
			m->next = now + 2 * SPACING;
			send_one(m, p, ECHO_SIZE, WARM_TAG);
		}
		break;
	case MEASURE_PINGS:
	case MEASURE_ECHOES:
		ping_tick(m, p, now);
		break;
	case MEASURE_SIZE:
		if (now >= m->next)
			size_failed(m, p, now);
		break;
	case MEASURE_THROUGHPUT:
		if (now >= m->throughput_end) {
			m->mbits = (double)m->flood_bytes * 8 / (double)(now - m->flood_began);
			end(m, p);
		} else if (now - m->last > STALL) {
			m->last = now;
			m->in_flight = 0;
			flood_more(m, p);
		}
		break;
	case MEASURE_DONE:
		break;
	}
}

void measure_inner(struct measure *m, struct probe *p, const uint8_t *packet, size_t len)
{
	uint32_t tag;

	if (echo_reply_begins(packet, len, &tag))
		answered(m, p, tag, clock_now());
}

void measure_frame(
	struct measure *m, struct probe *p, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct wire_reader r;
	struct cp_packet packet;
	uint32_t mark, tag;

	if (!m->by_lcp || protocol != PPP_LCP || cp_packet_decode(&packet, data, len) ||
		packet.code != CP_ECHO_REPLY)
		return;
	r = wire_reader(packet.data, packet.len);
	wire_skip(&r, 4);
	mark = wire_u32(&r);
	tag = wire_u32(&r);
	if (!r.failed && mark == MARK)
		answered(m, p, tag, clock_now());
}
