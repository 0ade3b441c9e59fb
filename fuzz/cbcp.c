/*
 * lib/ppp/cbcp: both ends, against any octets or against each other. `done` comes once, in bounded
 * time and after a bounded number of packets; every packet sent is well-formed.
 */
#include "lib/ppp/cbcp.h"

#include "fuzz/fuzz.h"

struct end {
	struct cbcp c;
	unsigned int over, sent;
	uint8_t last[CP_HEADER + CBCP_OPTION_MAX];
	size_t len;
};

static struct end ends[2]; /* by enum cbcp_role */

static void send_packet(void *user, const uint8_t *packet, size_t len)
{
	struct end *e = user;
	struct cp_packet p;
	struct cbcp_offer offer;

	FUZZ_CHECK(len <= sizeof(e->last) && !cp_packet_decode(&p, packet, len));
	FUZZ_CHECK(p.len + CP_HEADER == len && !cbcp_decode(&offer, &p));
	FUZZ_CHECK(offer.types == 1u << CBCP_NO_CALLBACK && p.code >= CBCP_REQUEST);
	FUZZ_CHECK(p.code <= CBCP_ACK);
	memcpy(e->last, packet, len);
	e->len = len;
	e->sent += !e->over;
	FUZZ_CHECK(e->sent <= CBCP_MAX_PACKETS + 1);
}

static void done(void *user, bool ok, const char *words)
{
	struct end *e = user;

	FUZZ_CHECK(!e->over && words && (ok || words[0]));
	e->over++;
}

static void receive(struct end *e, const uint8_t *packet, size_t len, uint64_t now)
{
	uint8_t *copy = fuzz_copy(packet, len);

	cbcp_receive(&e->c, copy, len, now);
	free(copy);
}

static void step(struct fuzz *f)
{
	uint8_t what = fuzz_u8(f);
	struct end *e = &ends[what & 1], *other = &ends[!(what & 1)];
	uint8_t *block;
	size_t len;

	switch (what >> 1 & 3) {
	case 0:
		block = fuzz_block(f, &len);
		receive(e, block, len, f->now);
		free(block);
		break;
	case 1:
		if (what & 8 && other->len)
			other->last[(what >> 4) % other->len] = fuzz_u8(f);
		receive(e, other->last, other->len, f->now);
		break;
	case 2:
		if (what & 8)
			cbcp_implied(&e->c);
		break;
	default:
		if (e->c.deadline != UINT64_MAX)
			fuzz_pass_to(f, e->c.deadline);
		break;
	}
	for (int i = 0; i < 2; i++)
		while (f->now >= ends[i].c.deadline)
			cbcp_tick(&ends[i].c, f->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cbcp_ops ops = { .send = send_packet, .done = done };
	struct fuzz f = fuzz_begin(data, size);

	memset(ends, 0, sizeof(ends));
	cbcp_start_answerer(&ends[CBCP_ANSWERER].c, &ops, &ends[CBCP_ANSWERER], f.now);
	cbcp_start_caller(&ends[CBCP_CALLER].c, &ops, &ends[CBCP_CALLER], f.now);
	while (fuzz_more(&f))
		step(&f);
	for (int i = 0; i < 2; i++) {
		for (unsigned int n = 0; ends[i].c.deadline != UINT64_MAX && n < 100; n++) {
			fuzz_pass_to(&f, ends[i].c.deadline);
			cbcp_tick(&ends[i].c, f.now);
		}
		FUZZ_CHECK(ends[i].over == 1);
		cbcp_done(&ends[i].c);
	}
	return 0;
}
