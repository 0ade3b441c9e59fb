/*
 * lib/ppp/eap_tunnel over a TLS without cryptography: one end that gets any packets, or two that
 * get each other's, perhaps with an octet changed. No more is fed than the limits say; nothing that
 * is ignored changes the state; each answer fits, and what is sent is what TLS had ready, in order.
 */
#include "lib/ppp/eap_tunnel.h"

#include "fuzz/fuzz.h"
#include "tests/unit/tls_stub.h"

struct end {
	struct eap_tunnel t;
	bool broken;
	uint8_t last[1500];
	size_t last_len;
};

static struct stub_tls stub;
static struct end ends[2]; /* server, client */

static void answer(struct end *e, struct fuzz *f, const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len), *room;
	size_t size = fuzz_u8(f);
	struct eap_tunnel before = e->t;
	size_t waited = e->t.engine->waiting(e->t.tls);
	struct wire_reader in = wire_reader(copy, len);
	struct wire_writer out;
	enum eap_tunnel_event event;

	size = size < 200 ? size : size * 6;
	room = calloc(1, size ? size : 1);
	FUZZ_CHECK(room);
	out = wire_writer(room, size);
	event = eap_tunnel_receive(&e->t, &in, &out);
	if (event == EAP_TUNNEL_IGNORE) {
		FUZZ_CHECK(e->t.why);
		FUZZ_CHECK(e->t.sending == before.sending && e->t.begun == before.begun &&
			   e->t.gathering == before.gathering && e->t.total == before.total &&
			   e->t.gathered == before.gathered && e->t.announced == before.announced);
		FUZZ_CHECK(e->t.engine->waiting(e->t.tls) == waited);
	} else if (event == EAP_TUNNEL_BROKEN) {
		FUZZ_CHECK(e->t.why);
		e->broken = true;
	} else if (event == EAP_TUNNEL_REPLY) {
		FUZZ_CHECK(out.failed || wire_written(&out) >= 1);
	} else {
		FUZZ_CHECK(wire_written(&out) == 0);
		if (event == EAP_TUNNEL_BEGIN)
			e->t.engine->run(e->t.tls);
		eap_tunnel_put(&e->t, &out);
	}
	FUZZ_CHECK(e->broken || e->t.total <= EAP_TUNNEL_TOTAL);
	FUZZ_CHECK(e->broken || e->t.gathered <= EAP_TUNNEL_MESSAGE);
	FUZZ_CHECK(wire_written(&out) <= EAP_TUNNEL_FRAGMENT);
	if (out.failed)
		e->broken = true; /* its owner ends the conversation */
	else if (event != EAP_TUNNEL_IGNORE && event != EAP_TUNNEL_BROKEN) {
		e->last_len = wire_written(&out);
		memcpy(e->last, room, e->last_len);
	}
	free(room);
	free(copy);
}

static void step(struct fuzz *f)
{
	unsigned int what = fuzz_u8(f), at;
	struct end *e = &ends[what & 1], *other = &ends[!(what & 1)];
	uint8_t *data;
	size_t len;

	if (e->broken)
		return;
	if (what & 2) {
		data = fuzz_block(f, &len);
		answer(e, f, data, len);
		free(data);
		return;
	}
	if (!other->last_len)
		return;
	at = fuzz_u8(f);
	if (at < other->last_len && (what & 4))
		other->last[at] ^= fuzz_u8(f);
	answer(e, f, other->last, other->last_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	uint8_t flags = fuzz_u8(&f), start[1];
	struct wire_writer w = wire_writer(start, sizeof(start));

	memset(ends, 0, sizeof(ends));
	stub_init(&stub, flags & 1 ? TLS_1_3 : TLS_1_2);
	stub.hello = fuzz_u16(&f);
	stub.flight = fuzz_u16(&f);
	stub.finished = fuzz_u16(&f);
	for (int i = 0; i < 2; i++) {
		const struct tls_setup setup = { .server = i == 0, .certificate = true };

		FUZZ_CHECK(!eap_tunnel_open(&ends[i].t, &stub.engine, &setup, flags >> 5));
	}
	eap_tunnel_put_start(&ends[0].t, &w);
	ends[0].last_len = 1;
	ends[0].last[0] = start[0];
	while (fuzz_more(&f))
		step(&f);
	for (int i = 0; i < 2; i++)
		eap_tunnel_close(&ends[i].t);
	FUZZ_CHECK(stub.opened == 0);
	return 0;
}
