/*
 * lib/ppp/eap and its methods: authenticator and peer, alone with any packets or facing each other,
 * verdicts at any time. At most one success, then at most one failure; success only by an allowed
 * method, for who knows the password, and with MSCHAPv2 only for who has seen the other end know it;
 * no state that waits has no deadline; no packet is larger than the other end takes.
 */
#include "lib/ppp/eap.h"

#include "fuzz/fuzz.h"

struct end {
	struct eap e;
	struct fuzz *f;
	bool honest; /* all verdicts were ppp_auth_check()'s on the right hash */
	bool judging;
	unsigned int succeeded, failed;
	struct ppp_auth_request request;
	uint8_t last[EAP_PACKET_MAX];
	size_t last_len;
};

static struct end ends[2]; /* by enum chap_role */
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

	FUZZ_CHECK(!e->judging && memchr(request->name, 0, sizeof(request->name)));
	FUZZ_CHECK(ppp_auth_allows(&e->e.allowed, request->method));
	e->request = *request;
	e->judging = true;
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct end *e = user;
	enum ppp_auth_method method = eap_auth_method(&e->e);

	FUZZ_CHECK(detail && strlen(detail) < 400 && !e->failed && !(ok && e->succeeded));
	FUZZ_CHECK(ok == (reason == PPTP_NONE));
	e->succeeded += ok;
	e->failed += !ok;
	e->judging = false;
	if (!ok) {
		FUZZ_CHECK(keys->source == MPPE_NO_KEYS);
		return;
	}
	FUZZ_CHECK(ppp_auth_allows(&e->e.allowed, method));
	FUZZ_CHECK((method == PPP_AUTH_EAP_MSCHAP2) == (keys->source != MPPE_NO_KEYS));
	if (e->e.role == CHAP_AUTHENTICATOR && e->honest)
		FUZZ_CHECK(knows);
	if (e->e.role == CHAP_PEER && method == PPP_AUTH_EAP_MSCHAP2)
		FUZZ_CHECK(knows);
}

static void notice(void *user, const char *text)
{
	(void)user;
	for (; *text; text++)
		FUZZ_CHECK(*text >= 0x20 && *text < 0x7f);
}

static void check(const struct end *e)
{
	const struct eap *p = &e->e;
	bool waits = p->state == EAP_IDENTIFY || p->state == EAP_RUNNING ||
		     p->state == EAP_JUDGING || p->state == EAP_WAITING;

	if (p->ops)
		FUZZ_CHECK(waits == (p->deadline != UINT64_MAX));
	else
		FUZZ_CHECK(p->deadline == UINT64_MAX);
	FUZZ_CHECK(!p->active || waits);
	FUZZ_CHECK(e->judging == (p->ops && p->state == EAP_JUDGING));
	FUZZ_CHECK(p->rounds <= EAP_ROUNDS + 1);
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
	if (how & 1) {
		(void)ppp_auth_check(&e->request, &right, &verdict);
		FUZZ_CHECK(knows || !verdict.ok);
		if (how & 2)
			verdict.retry = false;
	} else {
		verdict.error = fuzz_u16(f);
		verdict.retry = how & 2;
		snprintf(verdict.message, sizeof(verdict.message), "%s", how & 4 ? "E=0 no" : "");
	}
	eap_verdict(&e->e, &verdict, f->now);
}

static void receive(struct end *e, const uint8_t *packet, size_t len, uint64_t now)
{
	uint8_t *copy = fuzz_copy(packet, len);

	eap_receive(&e->e, copy, len, now);
	free(copy);
}

/* A packet with a correct header, or as it comes. */
static void receive_any(struct end *e, struct fuzz *f)
{
	static const uint8_t types[8] = { 1, 2, 3, 4, 26, 26, 13, 254 };
	uint8_t code = fuzz_u8(f), id = fuzz_u8(f), packet[5 + 600];
	size_t len;
	uint8_t *body = fuzz_block(f, &len);

	if (code & 0x80) {
		receive(e, body, len, f->now);
	} else {
		len = len < 600 ? len : 600;
		packet[0] = code & 7;
		packet[1] = id & 0x80 ? (uint8_t)(e->e.identifier + (id & 1)) : id;
		packet[2] = (uint8_t)((len + 5) >> 8);
		packet[3] = (uint8_t)(len + 5);
		packet[4] = types[code >> 3 & 7];
		if (len)
			memcpy(packet + 5, body, len);
		receive(e, packet, len + 5, f->now);
	}
	free(body);
}

/* What one end sent last reaches the other, perhaps with an octet changed. */
static void deliver(struct end *from, struct end *to, struct fuzz *f)
{
	size_t at = fuzz_u8(f);

	if (!from->last_len)
		return;
	if (at < from->last_len)
		from->last[at] ^= fuzz_u8(f);
	receive(to, from->last, from->last_len, f->now);
}

static void step(struct fuzz *f)
{
	unsigned int what = fuzz_u8(f), side = what & 1;
	struct end *e = &ends[side];

	switch (what >> 1 & 7) {
	case 0:
	case 1:
		deliver(&ends[!side], e, f);
		break;
	case 2:
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
		if (what == 0xff) {
			eap_done(&e->e);
			e->judging = false;
		}
		break;
	}
	check(&ends[0]);
	check(&ends[1]);
}

static const struct ppp_auth_list lists[4] = {
	{ 1, { PPP_AUTH_EAP_MSCHAP2 } },
	{ 1, { PPP_AUTH_EAP_MD5 } },
	{ 3, { PPP_AUTH_PAP, PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5 } },
	{ 2, { PPP_AUTH_EAP_MD5, PPP_AUTH_EAP_MSCHAP2 } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chap_ops ops = {
		.send = send_packet,
		.random = draw,
		.judge = judge,
		.done = done,
		.notice = notice,
	};
	struct fuzz f = fuzz_begin(data, size);
	struct end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	memset(ends, 0, sizeof(ends));
	FUZZ_CHECK(!ppp_secret_from_password(&right, "right"));
	FUZZ_CHECK(!ppp_secret_from_password(&wrong, "wrong"));
	knows = flags & 1;
	server->f = client->f = &f;
	server->honest = true;
	eap_start_authenticator(&server->e, &lists[flags >> 4 & 3], "server",
		flags & 4 ? 128 : 1400, &ops, server, f.now);
	eap_start_peer(&client->e, &lists[flags >> 6], flags & 2 ? "DOM\\alice" : "alice",
		knows ? &right : &wrong, flags & 8 ? 128 : 1500, &ops, client, f.now);
	while (fuzz_more(&f))
		step(&f);
	/* Silence: both come to an end. */
	for (int i = 0; i < 2; i++) {
		for (unsigned int n = 0; ends[i].e.deadline != UINT64_MAX && n < 100; n++) {
			fuzz_pass_to(&f, ends[i].e.deadline);
			eap_tick(&ends[i].e, f.now);
		}
		FUZZ_CHECK(!ends[i].e.ops || ends[i].e.deadline == UINT64_MAX);
		FUZZ_CHECK(!ends[i].e.ops || ends[i].succeeded || ends[i].failed);
		eap_done(&ends[i].e);
	}
	return 0;
}
