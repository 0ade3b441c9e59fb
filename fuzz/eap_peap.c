/*
 * lib/ppp/eap_peap behind lib/ppp/eap, over a TLS without cryptography: an authenticator and a peer,
 * alone with any packets, also inside of TLS, or facing each other, verdicts at any time. The
 * authenticator lets nobody in without a good verdict; the peer takes no success of a server that
 * did not see it know the password; no session of TLS is left.
 */
#include "fuzz/eap_end.h"
#include "tests/unit/tls_stub.h"

static struct stub_tls stub;

static void judge(void *user, const struct ppp_auth_request *request)
{
	FUZZ_CHECK(request->method == PPP_AUTH_PEAP);
	auth_end_judge(user, request);
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct auth_end *e = user;

	auth_end_done(e, ok, reason, detail);
	e->judging = false;
	FUZZ_CHECK((keys->source == MPPE_FROM_MSK) == ok);
	if (ok)
		FUZZ_CHECK(e->eap.role == CHAP_PEER ? knows : e->let_in);
}

static const struct tls_engine *engine(void *user)
{
	(void)user;
	return &stub.engine;
}

static void check(const struct auth_end *e)
{
	const struct eap *p = &e->eap;

	eap_end_check(e);
	FUZZ_CHECK(p->outcome != EAP_POSSIBLE);
	if (p->active && p->outcome == EAP_PROVEN)
		FUZZ_CHECK(p->keys.source == MPPE_FROM_MSK && knows);
}

/* Inside of TLS: bytes, or TLVs behind their header, or the identity or a Nak. */
static void receive_inside(struct auth_end *e)
{
	uint8_t code = e->eap.role == CHAP_PEER ? 1 : 2, kind = fuzz_u8(e->f);
	uint8_t packet[5 + AUTH_END_BODY + 100];
	struct wire_writer w = eap_end_begin(e, packet, sizeof(packet), code, 25);
	uint8_t header[5] = { code, packet[1], 0, 0, 33 };
	size_t len, extra = kind & 1 ? sizeof(header) : 0;
	uint8_t *body = fuzz_block(e->f, &len);

	len = len < AUTH_END_BODY ? len : AUTH_END_BODY;
	header[2] = (uint8_t)((len + 5) >> 8);
	header[3] = (uint8_t)(len + 5);
	wire_put_u8(&w, 0);
	wire_put_u8(&w, 'X');
	wire_put_u32(&w, (uint32_t)(len + extra));
	wire_put_bytes(&w, header, extra);
	wire_put_bytes(&w, body, len);
	eap_end_finish(e, &w);
	free(body);
}

static struct ppp_auth_verdict verdict_of(struct auth_end *e, uint8_t how)
{
	struct ppp_auth_verdict verdict = auth_end_by_password(e, how);

	verdict.retry = how & 2;
	e->let_in = e->let_in || verdict.ok;
	return verdict;
}

static void turn(struct auth_end *e, unsigned int what)
{
	static const uint8_t types[8] = { 25, 25, 1, 3, 25, 25, 1, 3 };

	switch (what >> 1 & 7) {
	case 0:
	case 1:
		auth_end_deliver(e, !(what & 0x40));
		break;
	case 2:
		receive_inside(e);
		break;
	case 3:
		eap_end_receive_any(e, fuzz_u8(e->f), types);
		break;
	default:
		eap_implied_success(&e->eap);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct auth_target t = {
		.protocol = &eap_protocol, .turn = turn, .judge = verdict_of, .check = check
	};
	static const struct chap_ops ops = {
		.send = auth_end_send,
		.random = auth_end_random,
		.judge = judge,
		.done = done,
		.notice = auth_end_notice,
		.tls = engine,
	};
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_PEAP } };
	struct fuzz f = fuzz_begin(data, size);
	struct auth_end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	auth_end_begin(&t, &f, flags & 2);
	stub_init(&stub, flags & 1 ? TLS_1_3 : TLS_1_2);
	stub.flight = fuzz_u8(&f) * 8u;
	stub.finished = fuzz_u8(&f);
	stub.nameless = (flags & 0x30) == 0x30;
	stub.refuses = (flags & 0xc0) == 0xc0;
	eap_start_authenticator(
		&server->eap, &list, "server", flags & 4 ? 128 : 1400, &ops, server, f.now);
	eap_start_peer(&client->eap, &list, flags & 0x40 ? "DOM\\alice" : "alice",
		knows ? &right : &wrong, flags & 8 ? 64 : 1500, &ops, client, f.now);
	eap_set_peap(&server->eap, NULL, flags & 0x10);
	eap_set_peap(&client->eap, flags & 0x20 ? "anonymous" : NULL, false);
	auth_end_run(&f);
	FUZZ_CHECK(stub.opened == 0);
	return 0;
}
