/*
 * lib/ppp/chap: authenticator and peer, alone with any packets or facing each other, verdicts at
 * any time, changes of the password. Success only for who knows it; no state that waits has no
 * deadline.
 */
#include "fuzz/auth_end.h"

static enum ppp_auth_method method;
static bool offered; /* a change of the password, by the authenticator */
static struct password_change change;

static void receive(struct auth_end *e, const uint8_t *packet, size_t len)
{
	chap_receive(&e->chap, packet, len, e->f->now);
}

static void tick(struct auth_end *e)
{
	chap_tick(&e->chap, e->f->now);
}

static void verdict_given(struct auth_end *e, const struct ppp_auth_verdict *verdict)
{
	chap_verdict(&e->chap, verdict, e->f->now);
}

static void end_done(struct auth_end *e)
{
	chap_done(&e->chap);
}

static uint64_t deadline(const struct auth_end *e)
{
	return e->chap.deadline;
}

static size_t largest(const struct auth_end *e)
{
	(void)e;
	return CHAP_PACKET_MAX;
}

static bool lives(const struct auth_end *e)
{
	return e->chap.ops != NULL;
}

static const struct auth_protocol chap_protocol = {
	.receive = receive,
	.tick = tick,
	.verdict = verdict_given,
	.done = end_done,
	.deadline = deadline,
	.largest = largest,
	.lives = lives,
};

static void judge(void *user, const struct ppp_auth_request *request)
{
	auth_end_judge(user, request);
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct auth_end *e = user;

	auth_end_done(e, ok, reason, detail);
	FUZZ_CHECK((ok && method != PPP_AUTH_MD5) == (keys->source != MPPE_NO_KEYS));
	if (ok && e->chap.role == CHAP_AUTHENTICATOR)
		FUZZ_CHECK(knows);
}

static void check(const struct auth_end *e)
{
	const struct chap *c = &e->chap;
	bool waits = c->state == CHAP_CHALLENGED || c->state == CHAP_JUDGING ||
		     c->state == CHAP_RESPONDED || (c->state == CHAP_IDLE && c->ops);

	if (c->ops && waits && !e->succeeded)
		FUZZ_CHECK(c->deadline != UINT64_MAX);
	if (!c->ops)
		FUZZ_CHECK(c->deadline == UINT64_MAX || c->deadline == 0);
}

static struct ppp_auth_verdict verdict_of(struct auth_end *e, uint8_t how)
{
	struct ppp_auth_verdict verdict = { 0 };
	struct ppp_secret next;

	if (!e->request.change) {
		verdict = auth_end_by_password(e, how);
		if (verdict.ok && how & 8) {
			verdict = (struct ppp_auth_verdict){ .error = 648, .change = true };
			offered = true;
		}
		return verdict;
	}
	/* Only behind an offer, which came behind a proof of the old one. */
	FUZZ_CHECK(offered && method == PPP_AUTH_MSCHAP2);
	offered = false;
	if (!ppp_auth_check_change(&e->request, &right, &next, &verdict))
		FUZZ_CHECK(knows && !next.password);
	else
		FUZZ_CHECK(!verdict.ok && verdict.error);
	return verdict;
}

/* A packet with a correct header, or as it comes. */
static void receive_any(struct auth_end *e)
{
	uint8_t code = fuzz_u8(e->f), id = fuzz_u8(e->f), packet[4 + AUTH_END_BODY];
	struct wire_writer w = wire_writer(packet, sizeof(packet));
	size_t len;
	uint8_t *body;

	if (code & 0x80) {
		auth_end_receive_block(e);
		return;
	}
	body = fuzz_block(e->f, &len);
	len = len < AUTH_END_BODY ? len : AUTH_END_BODY;
	wire_put_u8(&w, code & 7);
	wire_put_u8(&w, id == 0xff ? e->chap.identifier : id);
	wire_put_u16(&w, (uint16_t)(len + 4));
	wire_put_bytes(&w, body, len);
	auth_end_receive(e, packet, wire_written(&w));
	free(body);
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
		if (what == 0xff)
			chap_done(&e->chap);
		else
			chap_challenge_again(&e->chap, e->f->now);
		break;
	}
}

static const enum ppp_auth_method methods[4] = { PPP_AUTH_MSCHAP2, PPP_AUTH_MSCHAP, PPP_AUTH_MD5,
	PPP_AUTH_MSCHAP2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct auth_target t = {
		.protocol = &chap_protocol, .turn = turn, .judge = verdict_of, .check = check
	};
	static const struct chap_ops ops = {
		.send = auth_end_send, .random = auth_end_random, .judge = judge, .done = done
	};
	static const uint8_t filling[PASSWORD_BLOCK];
	struct fuzz f = fuzz_begin(data, size);
	struct auth_end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	auth_end_begin(&t, &f, flags & 1);
	method = methods[flags >> 4 & 3];
	offered = false;
	FUZZ_CHECK(!password_seal(&change, "another", (knows ? &right : &wrong)->nt_hash, filling));
	chap_start_authenticator(&server->chap, method, "server", &ops, server, f.now);
	chap_start_peer(&client->chap, method, flags & 2 ? "DOM\\alice" : "alice",
		knows ? &right : &wrong, &ops, client, f.now);
	if (flags & 4)
		chap_set_change(&client->chap, &change);
	auth_end_run(&f);
	return 0;
}
