/*
 * lib/ppp/eap and its methods: authenticator and peer, alone with any packets or facing each other,
 * verdicts at any time. Success only by an allowed method, for who knows the password, and with
 * MSCHAPv2 only for who has seen the other end know it.
 */
#include "fuzz/eap_end.h"

static void judge(void *user, const struct ppp_auth_request *request)
{
	struct auth_end *e = user;

	FUZZ_CHECK(ppp_auth_allows(&e->eap.allowed, request->method));
	auth_end_judge(e, request);
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct auth_end *e = user;
	enum ppp_auth_method method = eap_auth_method(&e->eap);

	auth_end_done(e, ok, reason, detail);
	e->judging = false;
	if (!ok) {
		FUZZ_CHECK(keys->source == MPPE_NO_KEYS);
		return;
	}
	FUZZ_CHECK(ppp_auth_allows(&e->eap.allowed, method));
	FUZZ_CHECK((method == PPP_AUTH_EAP_MSCHAP2) == (keys->source != MPPE_NO_KEYS));
	if (e->eap.role == CHAP_AUTHENTICATOR || method == PPP_AUTH_EAP_MSCHAP2)
		FUZZ_CHECK(knows);
}

/* A packet with a correct header, or as it comes. */
static void receive_any(struct auth_end *e)
{
	static const uint8_t types[8] = { 1, 2, 3, 4, 26, 26, 13, 254 };
	uint8_t code = fuzz_u8(e->f);

	if (code & 0x80) {
		(void)fuzz_u8(e->f);
		auth_end_receive_block(e);
	} else {
		eap_end_receive_any(e, code, types);
	}
}

static void turn(struct auth_end *e, unsigned int what)
{
	switch (what >> 1 & 7) {
	case 0:
	case 1:
		auth_end_deliver(e, false);
		break;
	case 2:
	case 3:
		receive_any(e);
		break;
	default:
		eap_implied_success(&e->eap);
		if (what == 0xff)
			eap_end_done(e);
		break;
	}
}

static const struct ppp_auth_list lists[4] = {
	{ 1, { PPP_AUTH_EAP_MSCHAP2 } },
	{ 1, { PPP_AUTH_EAP_MD5 } },
	{ 3, { PPP_AUTH_PAP, PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5 } },
	{ 2, { PPP_AUTH_EAP_MD5, PPP_AUTH_EAP_MSCHAP2 } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct auth_target t = {
		.protocol = &eap_protocol,
		.turn = turn,
		.judge = auth_end_by_password,
		.check = eap_end_check,
	};
	static const struct chap_ops ops = {
		.send = auth_end_send,
		.random = auth_end_random,
		.judge = judge,
		.done = done,
		.notice = auth_end_notice,
	};
	struct fuzz f = fuzz_begin(data, size);
	struct auth_end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	auth_end_begin(&t, &f, flags & 1);
	eap_start_authenticator(&server->eap, &lists[flags >> 4 & 3], "server",
		flags & 4 ? 128 : 1400, &ops, server, f.now);
	eap_start_peer(&client->eap, &lists[flags >> 6], flags & 2 ? "DOM\\alice" : "alice",
		knows ? &right : &wrong, flags & 8 ? 128 : 1500, &ops, client, f.now);
	auth_end_run(&f);
	return 0;
}
