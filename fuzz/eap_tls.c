/*
 * lib/ppp/eap_tls behind lib/ppp/eap, over a TLS without cryptography: an authenticator and a peer,
 * alone with any packets or facing each other, verdicts at any time. The authenticator lets nobody
 * in without a verdict on a certificate; the peer takes no success before TLS is open; no session of
 * TLS is left.
 */
#include "fuzz/eap_end.h"
#include "tests/unit/tls_stub.h"

static struct stub_tls stub;

static void judge(void *user, const struct ppp_auth_request *request)
{
	FUZZ_CHECK(request->method == PPP_AUTH_EAP_TLS);
	FUZZ_CHECK(request->certificate && request->certificate->count);
	auth_end_judge(user, request);
}

/* TLS at either end must be open: a peer has seen the end of the server's handshake. */
static bool is_open(const struct auth_end *e)
{
	const struct tls_session *s = e->eap.own.tls.tunnel.tls;

	return s && s->state == TLS_OPEN;
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct auth_end *e = user;

	auth_end_done(e, ok, reason, detail);
	e->judging = false;
	FUZZ_CHECK((keys->source == MPPE_FROM_MSK) == ok);
	FUZZ_CHECK(!ok || e->eap.role == CHAP_PEER || e->let_in);
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
	if (p->active && (p->outcome == EAP_POSSIBLE || p->outcome == EAP_PROVEN))
		FUZZ_CHECK(p->keys.source == MPPE_FROM_MSK);
	if (p->active && p->outcome == EAP_POSSIBLE)
		FUZZ_CHECK(is_open(e) || p->own.tls.tunnel.gathering);
}

static struct ppp_auth_verdict any_verdict(struct auth_end *e, uint8_t how)
{
	struct ppp_auth_verdict verdict = { .ok = how & 1 };

	e->let_in = e->let_in || verdict.ok;
	return verdict;
}

static void turn(struct auth_end *e, unsigned int what)
{
	static const uint8_t types[8] = { 13, 13, 1, 3, 13, 13, 1, 3 };

	switch (what >> 1 & 7) {
	case 0:
	case 1:
	case 2:
		auth_end_deliver(e, !(what & 0x40));
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
		.protocol = &eap_protocol, .turn = turn, .judge = any_verdict, .check = check
	};
	static const struct chap_ops ops = {
		.send = auth_end_send,
		.random = auth_end_random,
		.judge = judge,
		.done = done,
		.tls = engine,
	};
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_EAP_TLS } };
	static const struct ppp_secret none;
	struct fuzz f = fuzz_begin(data, size);
	struct auth_end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	auth_end_begin(&t, &f, false);
	stub_init(&stub, flags & 1 ? TLS_1_3 : TLS_1_2);
	stub.flight = fuzz_u8(&f) * 16u;
	stub.finished = fuzz_u8(&f) * 16u;
	stub.nameless = (flags & 0x30) == 0x30;
	stub.refuses = (flags & 0xc0) == 0xc0;
	eap_start_authenticator(
		&server->eap, &list, "server", flags & 4 ? 128 : 1400, &ops, server, f.now);
	eap_start_peer(
		&client->eap, &list, "alice", &none, flags & 8 ? 64 : 1500, &ops, client, f.now);
	auth_end_run(&f);
	FUZZ_CHECK(stub.opened == 0);
	return 0;
}
