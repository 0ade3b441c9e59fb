/*
 * lib/compress/vj: any packets to both of them; and what the compressor makes of connections whose
 * fields the input changes comes out as it went in, with losses in between.
 */
#include "lib/compress/vj.h"

#include "fuzz/fuzz.h"
#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"

#include <errno.h>

#define CONNECTIONS 4 /* one more than slots */
#define LIMIT       1400

static struct vj *tx, *rx;
static bool in_step;

/* What went out, at its exact size; its length. */
static size_t compress(const uint8_t *packet, size_t len, uint16_t *protocol, uint8_t **out)
{
	uint8_t *copy = fuzz_copy(packet, len);
	size_t skip = 0;

	*protocol = vj_compress(tx, copy, len, &skip);
	FUZZ_CHECK(skip <= len && (!skip || *protocol == PPP_VJ));
	FUZZ_CHECK(*protocol == PPP_VJ || *protocol == PPP_VJ_PLAIN ||
		   (*protocol == PPP_IP && !memcmp(copy, packet, len)));
	*out = fuzz_copy(copy + skip, len - skip);
	free(copy);
	return len - skip;
}

/* The whole packet's length, or an error. */
static int expand(const uint8_t *data, size_t len, uint8_t back[LIMIT])
{
	const uint8_t *header;
	size_t used = 0;
	int n = vj_expand(rx, data, len, &header, &used);

	if (n < 0) {
		FUZZ_CHECK(n == -EAGAIN || n == -EBADMSG || n == -ENOBUFS);
		return n;
	}
	FUZZ_CHECK(n >= 40 && n <= VJ_HEADER_MAX && used <= len && used <= VJ_COMPRESSED_MAX);
	FUZZ_CHECK((size_t)n + len - used <= LIMIT);
	memcpy(back, header, (size_t)n);
	memcpy(back + n, data + used, len - used);
	FUZZ_CHECK(checksum_of(back, back[0] % 16 * 4u) == 0 && back[9] == 6);
	return n + (int)(len - used);
}

static void pass(const uint8_t *packet, size_t len, bool lose)
{
	uint8_t *wire, back[LIMIT];
	uint16_t protocol;
	size_t n = compress(packet, len, &protocol, &wire);

	if (lose) {
		vj_lost(rx);
		in_step = false;
	} else if (protocol == PPP_VJ) {
		int got = expand(wire, n, back);

		if (in_step)
			FUZZ_CHECK(got == (int)len && !memcmp(back, packet, len));
	} else if (protocol == PPP_VJ_PLAIN) {
		FUZZ_CHECK(vj_learn(rx, wire, n) == 0 && !memcmp(wire, packet, len));
	}
	free(wire);
}

static void change(struct fuzz *f, struct tcp_packet *t)
{
	uint16_t value = fuzz_u16(f);
	uint8_t which = fuzz_u8(f);

	t->id++;
	t->seq += which & 1 ? t->data_len : 0;
	t->ack += which & 2 ? value : 0;
	t->window = (uint16_t)(t->window + (which & 4 ? value : 0));
	t->seq += which & 8 ? value - 1000u : 0;
	t->id = (uint16_t)(t->id + (which & 16 ? value : 0));
	t->flags = which & 32 ? (uint8_t)(value & 0xff) : 0x10;
	t->urgent = which & 64 ? value : t->urgent;
	if (which & 128) {
		t->options_len = (uint8_t)(value % 11 * 4);
		t->options[0] = (uint8_t)(value >> 8);
		t->tos = (uint8_t)(value >> 12);
	}
	t->data_len = fuzz_u8(f);
}

static void hostile(struct fuzz *f, bool plain)
{
	uint8_t back[LIMIT];
	size_t len;
	uint8_t *block = fuzz_block(f, &len);

	if (plain) {
		int r = vj_learn(rx, block, len);

		FUZZ_CHECK(r == -EBADMSG || (r == 0 && len >= 40 && block[9] == 6));
	} else {
		(void)expand(block, len, back);
	}
	in_step = false;
	free(block);
}

/* Any packet at all. */
static void any(struct fuzz *f)
{
	size_t len;
	uint8_t *block = fuzz_block(f, &len);

	pass(block, len < LIMIT ? len : LIMIT, false);
	free(block);
}

static void begin(void)
{
	const struct vj_params params = { .slots = CONNECTIONS - 1, .limit = LIMIT };

	vj_free(tx);
	vj_free(rx);
	tx = vj_new(&params);
	rx = vj_new(&params);
	FUZZ_CHECK(tx && rx);
	in_step = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	struct tcp_packet connections[CONNECTIONS] = { 0 };
	uint8_t packet[TCP_PACKET_MAX];

	for (unsigned int i = 0; i < CONNECTIONS; i++)
		connections[i].sport = (uint16_t)(1024 + i);
	begin();
	while (fuzz_more(&f)) {
		uint8_t what = fuzz_u8(&f);
		struct tcp_packet *t = &connections[what >> 6];

		switch (what & 7) {
		case 0:
			begin();
			break;
		case 1:
		case 2:
			hostile(&f, what & 1);
			break;
		case 3:
			any(&f);
			break;
		default:
			change(&f, t);
			pass(packet, tcp_make(t, packet), (what & 0x3f) == 0x3f);
		}
	}
	vj_free(tx);
	vj_free(rx);
	tx = rx = NULL;
	return 0;
}
