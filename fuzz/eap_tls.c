/*
 * lib/ppp/eap_tls behind lib/ppp/eap, over a TLS without cryptography: an authenticator and a peer,
 * alone with any packets or facing each other, verdicts at any time. The authenticator lets nobody
 * in without a verdict on a certificate; the peer takes no success before TLS is open; no session of
 * TLS is left; each state that waits has a deadline; each packet fits.
 */
#include "lib/ppp/eap.h"

#include "fuzz/fuzz.h"
#include "tests/unit/tls_stub.h"

struct end {
	struct eap e;
	struct fuzz *f;
	bool judging, let_in;
	unsigned int succeeded, failed;
	uint8_t last[EAP_PACKET_MAX];
	size_t last_len;
};

static struct end ends[2]; /* by enum chap_role */
static struct stub_tls stub;

static void send_packet(void *user, const uint8_t *packet, size_t len)
{
	struct end *e = user;

	FUZZ_CHECK(len >= 4 && len <= sizeof(e->last) && len <= e->e.mtu);
	FUZZ_CHECK((size_t)(packet[2] << 8 | packet[3]) == len);
	memcpy(e->last, packet, len);
	e->last_len = len;
}

static void draw(void *user, void *buf, size_t len)
{
	fuzz_random(((struct end *)user)->f, buf, len);
}

static void judge(void *user, const struct ppp_auth_request *request)
{
	struct end *e = user;

	FUZZ_CHECK(!e->judging && request->method == PPP_AUTH_EAP_TLS);
	FUZZ_CHECK(request->certificate && request->certificate->count);
	e->judging = true;
}

/* TLS at either end must be open: a peer has seen the end of the server's handshake. */
static bool is_open(const struct end *e)
{
	const struct tls_session *s = e->e.own.tls.tunnel.tls;

	return s && s->state == TLS_OPEN;
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct end *e = user;

	FUZZ_CHECK(detail && strlen(detail) < 400 && !e->failed && !(ok && e->succeeded));
	FUZZ_CHECK(ok == (reason == PPTP_NONE));
	FUZZ_CHECK((keys->source == MPPE_FROM_MSK) == ok);
	FUZZ_CHECK(!ok || e->e.role == CHAP_PEER || e->let_in);
	e->succeeded += ok;
	e->failed += !ok;
	e->judging = false;
}

static const struct tls_engine *engine(void *user)
{
	(void)user;
	return &stub.engine;
}

static void check(const struct end *e)
{
	const struct eap *p = &e->e;
	bool waits = p->state == EAP_IDENTIFY || p->state == EAP_RUNNING ||
		     p->state == EAP_JUDGING || p->state == EAP_WAITING;

	FUZZ_CHECK((p->ops && waits) == (p->deadline != UINT64_MAX));
	FUZZ_CHECK(!p->active || waits);
	FUZZ_CHECK(e->judging == (p->ops && p->state == EAP_JUDGING));
	FUZZ_CHECK(p->rounds <= EAP_ROUNDS + 1);
	if (p->active && (p->outcome == EAP_POSSIBLE || p->outcome == EAP_PROVEN))
		FUZZ_CHECK(p->keys.source == MPPE_FROM_MSK);
	if (p->active && p->outcome == EAP_POSSIBLE)
		FUZZ_CHECK(is_open(e) || e->e.own.tls.tunnel.gathering);
}

static void receive(struct end *e, const uint8_t *packet, size_t len, uint64_t now)
{
	uint8_t *copy = fuzz_copy(packet, len);

	eap_receive(&e->e, copy, len, now);
	free(copy);
}

static void receive_any(struct end *e, struct fuzz *f)
{
	static const uint8_t types[4] = { 13, 13, 1, 3 };
	uint8_t code = fuzz_u8(f), id = fuzz_u8(f), packet[5 + 600];
	size_t len;
	uint8_t *body = fuzz_block(f, &len);

	len = len < 600 ? len : 600;
	packet[0] = code & 7;
	packet[1] = id & 0x80 ? (uint8_t)(e->e.identifier + (id & 1)) : id;
	packet[2] = (uint8_t)((len + 5) >> 8);
	packet[3] = (uint8_t)(len + 5);
	packet[4] = types[code >> 3 & 3];
	if (len)
		memcpy(packet + 5, body, len);
	receive(e, packet, len + 5, f->now);
	free(body);
}

static void deliver(struct end *from, struct end *to, struct fuzz *f, bool whole)
{
	size_t at = whole ? sizeof(from->last) : fuzz_u8(f);

	if (!from->last_len)
		return;
	if (at < from->last_len)
		from->last[at] ^= fuzz_u8(f);
	receive(to, from->last, from->last_len, f->now);
}

static void give_verdict(struct end *e, struct fuzz *f)
{
	struct ppp_auth_verdict verdict = { .ok = fuzz_bool(f) };

	e->let_in = e->let_in || (e->judging && verdict.ok);
	e->judging = false;
	eap_verdict(&e->e, &verdict, f->now);
}

static void step(struct fuzz *f)
{
	unsigned int what = fuzz_u8(f), side = what & 1;
	struct end *e = &ends[side];

	switch (what >> 1 & 7) {
	case 0:
	case 1:
	case 2:
		deliver(&ends[!side], e, f, !(what & 0x40));
		break;
	case 3:
		receive_any(e, f);
		break;
	case 4:
		give_verdict(&ends[CHAP_AUTHENTICATOR], f);
		break;
	case 5:
		fuzz_pass(f);
		eap_tick(&e->e, f->now);
		break;
	case 6:
		fuzz_pass_to(f, e->e.deadline);
		eap_tick(&e->e, f->now);
		break;
	default:
		eap_implied_success(&e->e);
		break;
	}
	check(&ends[0]);
	check(&ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chap_ops ops = {
		.send = send_packet,
		.random = draw,
		.judge = judge,
		.done = done,
		.tls = engine,
	};
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_EAP_TLS } };
	static const struct ppp_secret none;
	struct fuzz f = fuzz_begin(data, size);
	struct end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	memset(ends, 0, sizeof(ends));
	stub_init(&stub, flags & 1 ? TLS_1_3 : TLS_1_2);
	stub.flight = fuzz_u8(&f) * 16u;
	stub.finished = fuzz_u8(&f) * 16u;
	stub.nameless = (flags & 0x30) == 0x30;
	stub.refuses = (flags & 0xc0) == 0xc0;
	server->f = client->f = &f;
	eap_start_authenticator(
		&server->e, &list, "server", flags & 4 ? 128 : 1400, &ops, server, f.now);
	eap_start_peer(
		&client->e, &list, "alice", &none, flags & 8 ? 64 : 1500, &ops, client, f.now);
	while (fuzz_more(&f))
		step(&f);
	/* Silence: both come to an end. */
	for (int i = 0; i < 2; i++) {
		for (unsigned int n = 0; ends[i].e.deadline != UINT64_MAX && n < 100; n++) {
			fuzz_pass_to(&f, ends[i].e.deadline);
			eap_tick(&ends[i].e, f.now);
		}
		FUZZ_CHECK(ends[i].e.deadline == UINT64_MAX);
		FUZZ_CHECK(ends[i].succeeded || ends[i].failed);
		eap_done(&ends[i].e);
	}
	FUZZ_CHECK(stub.opened == 0);
	return 0;
}
