/*
 * lib/ppp/eap_peap behind lib/ppp/eap, over a TLS without cryptography: an authenticator and a peer,
 * alone with any packets, also inside of TLS, or facing each other, verdicts at any time. The
 * authenticator lets nobody in without a good verdict; the peer takes no success of a server that
 * did not see it know the password; no session of TLS is left; each state that waits has a deadline;
 * each packet fits.
 */
#include "lib/ppp/eap.h"

#include "fuzz/fuzz.h"
#include "tests/unit/tls_stub.h"

struct end {
	struct eap e;
	struct fuzz *f;
	bool judging, let_in;
	unsigned int succeeded, failed;
	struct ppp_auth_request request;
	uint8_t last[EAP_PACKET_MAX];
	size_t last_len;
};

static struct end ends[2]; /* by enum chap_role */
static struct stub_tls stub;
static struct ppp_secret right, wrong;
static bool knows; /* the peer knows the password */

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

	FUZZ_CHECK(!e->judging && request->method == PPP_AUTH_PEAP);
	FUZZ_CHECK(memchr(request->name, 0, sizeof(request->name)));
	e->request = *request;
	e->judging = true;
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct end *e = user;

	FUZZ_CHECK(detail && strlen(detail) < 400 && !e->failed && !(ok && e->succeeded));
	FUZZ_CHECK(ok == (reason == PPTP_NONE));
	FUZZ_CHECK((keys->source == MPPE_FROM_MSK) == ok);
	if (ok && e->e.role == CHAP_PEER)
		FUZZ_CHECK(knows);
	if (ok && e->e.role == CHAP_AUTHENTICATOR)
		FUZZ_CHECK(e->let_in);
	e->succeeded += ok;
	e->failed += !ok;
	e->judging = false;
}

static void notice(void *user, const char *text)
{
	(void)user;
	for (; *text; text++)
		FUZZ_CHECK(*text >= 0x20 && *text < 0x7f);
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
	FUZZ_CHECK(p->outcome != EAP_POSSIBLE);
	if (p->active && p->outcome == EAP_PROVEN)
		FUZZ_CHECK(p->keys.source == MPPE_FROM_MSK && knows);
}

static void receive(struct end *e, const uint8_t *packet, size_t len, uint64_t now)
{
	uint8_t *copy = fuzz_copy(packet, len);

	eap_receive(&e->e, copy, len, now);
	free(copy);
}

/* The header of a packet that may be in turn, of this type. */
static struct wire_writer begin(
	struct end *e, struct fuzz *f, uint8_t *packet, size_t size, uint8_t code, uint8_t type)
{
	struct wire_writer w = wire_writer(packet, size);
	uint8_t id = fuzz_u8(f);

	wire_put_u8(&w, code);
	wire_put_u8(&w, id & 0x80 ? (uint8_t)(e->e.identifier + (id & 1)) : id);
	wire_put_u16(&w, 0);
	wire_put_u8(&w, type);
	return w;
}

static void end_packet(struct end *e, struct fuzz *f, struct wire_writer *w)
{
	wire_patch_u16(w, 2, (uint16_t)wire_written(w));
	FUZZ_CHECK(!w->failed);
	receive(e, w->start, wire_written(w), f->now);
}

static void receive_any(struct end *e, struct fuzz *f)
{
	static const uint8_t types[4] = { 25, 25, 1, 3 };
	uint8_t code = fuzz_u8(f), packet[5 + 600];
	struct wire_writer w = begin(e, f, packet, sizeof(packet), code & 7, types[code >> 3 & 3]);
	size_t len;
	uint8_t *body = fuzz_block(f, &len);

	wire_put_bytes(&w, body, len < 600 ? len : 600);
	end_packet(e, f, &w);
	free(body);
}

/* Inside of TLS: bytes, or TLVs behind their header, or the identity or a Nak. */
static void receive_inside(struct end *e, struct fuzz *f)
{
	uint8_t code = e->e.role == CHAP_PEER ? 1 : 2, kind = fuzz_u8(f), packet[5 + 700];
	struct wire_writer w = begin(e, f, packet, sizeof(packet), code, 25);
	uint8_t header[5] = { code, packet[1], 0, 0, 33 };
	size_t len, extra = kind & 1 ? sizeof(header) : 0;
	uint8_t *body = fuzz_block(f, &len);

	len = len < 600 ? len : 600;
	header[2] = (uint8_t)((len + 5) >> 8);
	header[3] = (uint8_t)(len + 5);
	wire_put_u8(&w, 0);
	wire_put_u8(&w, 'X');
	wire_put_u32(&w, (uint32_t)(len + extra));
	wire_put_bytes(&w, header, extra);
	wire_put_bytes(&w, body, len);
	end_packet(e, f, &w);
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
	struct ppp_auth_verdict verdict = { 0 };
	uint8_t how = fuzz_u8(f);

	if (!e->judging) {
		eap_verdict(&e->e, &verdict, f->now); /* ignored */
		return;
	}
	e->judging = false;
	if (how & 1)
		(void)ppp_auth_check(&e->request, &right, &verdict);
	else
		verdict.error = fuzz_u16(f);
	verdict.retry = how & 2;
	FUZZ_CHECK(knows || !verdict.ok);
	e->let_in = e->let_in || verdict.ok;
	eap_verdict(&e->e, &verdict, f->now);
}

static void step(struct fuzz *f)
{
	unsigned int what = fuzz_u8(f), side = what & 1;
	struct end *e = &ends[side];

	switch (what >> 1 & 7) {
	case 0:
	case 1:
		deliver(&ends[!side], e, f, !(what & 0x40));
		break;
	case 2:
		receive_inside(e, f);
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
		.notice = notice,
		.tls = engine,
	};
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_PEAP } };
	struct fuzz f = fuzz_begin(data, size);
	struct end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	memset(ends, 0, sizeof(ends));
	FUZZ_CHECK(!ppp_secret_from_password(&right, "right"));
	FUZZ_CHECK(!ppp_secret_from_password(&wrong, "wrong"));
	knows = flags & 2;
	stub_init(&stub, flags & 1 ? TLS_1_3 : TLS_1_2);
	stub.flight = fuzz_u8(&f) * 8u;
	stub.finished = fuzz_u8(&f);
	stub.nameless = (flags & 0x30) == 0x30;
	stub.refuses = (flags & 0xc0) == 0xc0;
	server->f = client->f = &f;
	eap_start_authenticator(
		&server->e, &list, "server", flags & 4 ? 128 : 1400, &ops, server, f.now);
	eap_start_peer(&client->e, &list, flags & 0x40 ? "DOM\\alice" : "alice",
		knows ? &right : &wrong, flags & 8 ? 64 : 1500, &ops, client, f.now);
	eap_set_peap(&server->e, NULL, flags & 0x10);
	eap_set_peap(&client->e, flags & 0x20 ? "anonymous" : NULL, false);
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
