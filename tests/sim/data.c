/* The data of a simulated call: see data.h. */
#include "tests/sim/data.h"

#define DATA_HEADER  40
#define DATA_MIN     (DATA_HEADER + 8)
#define AGAIN_PERIOD 32

static uint8_t filling(uint32_t number, size_t i)
{
	return (uint8_t)((number * 2654435761u >> 13) + i * 31);
}

size_t sim_data_make(struct sim_end *e, size_t len, uint8_t data[TCP_PACKET_MAX])
{
	unsigned int k = e->sent % SIM_CONNECTIONS;
	struct tcp_packet t = { .sport = (uint16_t)(1024 + k), .id = (uint16_t)e->sent };
	struct wire_writer w;

	len = len < DATA_MIN ? DATA_MIN : len;
	if (e->sent % AGAIN_PERIOD < SIM_CONNECTIONS)
		e->seq[k] -= TCP_PACKET_MAX;
	t.seq = e->seq[k];
	t.ack = e->sent / 8;
	t.data_len = (uint16_t)(len - DATA_HEADER);
	(void)tcp_make(&t, data);
	w = wire_writer(data + DATA_HEADER, 8);
	wire_put_u32(&w, e->sent);
	wire_put_u32(&w, t.seq);
	for (size_t i = DATA_MIN; i < len; i++)
		data[i] = filling(e->sent, i);
	w = wire_writer(data + DATA_HEADER - 4, 2);
	wire_put_u16(&w, 0);
	wire_patch_u16(&w, 0, tcp_sum(data, len));
	e->sent++;
	e->seq[k] += t.data_len;
	return len;
}

/* `fits`: is the header the one that the data was sent with? */
static bool is_good(const struct packet *p, uint32_t *number, bool *fits)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	bool good = wire_u16(&r) == 0x4500 && wire_u16(&r) == p->len;
	uint32_t seq;

	wire_skip(&r, 20);
	seq = wire_u32(&r);
	wire_skip(&r, DATA_HEADER - 28);
	*number = wire_u32(&r);
	*fits = wire_u32(&r) == seq;
	good = good && !r.failed && checksum_of(p->data, 20) == 0;
	for (size_t i = DATA_MIN; good && i < p->len; i++)
		good = p->data[i] == filling(*number, i);
	return good;
}

/* Nothing was missing that a compressed header is relative to. */
static bool lacks_nothing(const struct sim_end *e)
{
	struct tunnel_stats stats;
	uint64_t missing;

	tunnel_get_stats(&e->tunnel, &stats);
	missing = stats.lost;
	for (unsigned int i = 0; i < TUNNEL_DROP_COUNT; i++)
		missing += i == TUNNEL_DROP_DUPLICATE ? 0 : stats.drops[i];
	return !missing;
}

/* TCP would not take it: after a loss, where headers are compressed (RFC 1144 4.1). */
static void take_stale(struct sim_end *e)
{
	e->stale++;
	if (!e->net->corrupted && (!e->tunnel.vj_rx || lacks_nothing(e)))
		e->violation = "a header came out wrong without a loss";
}

void sim_data_take(struct sim_end *e, const struct packet *p)
{
	uint32_t number;
	bool fits;

	if (p->len >= DATA_MIN && p->data[0] == 0x45 && tcp_sum(p->data, p->len)) {
		take_stale(e);
		return;
	}
	/* Of what is computed from the wrong header, one in 65536 has the right checksum all the
	 * same. */
	if (is_good(p, &number, &fits) && !fits) {
		take_stale(e);
		return;
	}
	if (!is_good(p, &number, &fits)) {
		e->damaged++;
		if (!e->net->corrupted)
			e->violation = "data was damaged on a network that damages nothing";
		return;
	}
	e->received++;
	if (number < SIM_DATA_MAX) {
		uint64_t bit = (uint64_t)1 << (number % 64), *word = &e->came[number / 64];

		if (*word & bit && !e->net->corrupted)
			e->violation = "data came twice";
		*word |= bit;
	}
	if (p->flags & PACKET_LATE) {
		e->late++; /* in clear or of stateless MPPE, from which it may */
		return;
	}
	/* In clear, nothing protects GRE's own number from damage. */
	if (number < e->next_expected && !e->net->corrupted)
		e->violation = "data came out of order";
	e->next_expected = number + 1;
}
