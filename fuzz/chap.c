/*
 * lib/ppp/chap: authenticator and peer, alone with any packets or facing each other, verdicts at
 * any time. At most one success, then at most one failure; success only for who knows the password; no
 * state that waits has no deadline.
 */
#include "lib/ppp/chap.h"

#include "fuzz/fuzz.h"

struct end {
	struct chap c;
	struct fuzz *f;
	bool honest; /* all verdicts were ppp_auth_check()'s on the right hash */
	bool judging;
	unsigned int succeeded, failed;
	struct ppp_auth_request request;
	uint8_t last[CHAP_PACKET_MAX];
	size_t last_len;
};

static struct end ends[2]; /* by enum chap_role */
static struct ppp_secret right, wrong;
static enum ppp_auth_method method;
static bool knows;   /* the peer knows the password */
static bool offered; /* a change of it, by the authenticator */
static struct password_change change;

static void send_packet(void *user, const uint8_t *packet, size_t len)
{
	struct end *e = user;

	FUZZ_CHECK(len >= 4 && len <= sizeof(e->last));
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
	e->request = *request;
	e->judging = true;
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct end *e = user;

	FUZZ_CHECK(detail && strlen(detail) < 400 && !e->failed && !(ok && e->succeeded));
	FUZZ_CHECK(ok == (reason == PPTP_NONE) &&
		   (ok && method != PPP_AUTH_MD5) == (keys->source != MPPE_NO_KEYS));
	e->succeeded += ok;
	e->failed += !ok;
	if (ok && e->c.role == CHAP_AUTHENTICATOR && e->honest)
		FUZZ_CHECK(knows);
}

static void check(const struct end *e)
{
	bool waits = e->c.state == CHAP_CHALLENGED || e->c.state == CHAP_JUDGING ||
		     e->c.state == CHAP_RESPONDED || (e->c.state == CHAP_IDLE && e->c.ops);

	if (e->c.ops && waits && !e->succeeded)
		FUZZ_CHECK(e->c.deadline != UINT64_MAX);
	if (!e->c.ops)
		FUZZ_CHECK(e->c.deadline == UINT64_MAX || e->c.deadline == 0);
}

static void give_verdict(struct end *e, struct fuzz *f)
{
	struct ppp_auth_verdict verdict = { 0 };
	uint8_t how = fuzz_u8(f);

	if (!e->judging) {
		chap_verdict(&e->c, &verdict, f->now); /* ignored */
		return;
	}
	e->judging = false;
	if (e->request.change) {
		struct ppp_secret next;

		/* Only behind an offer, which came behind a proof of the old one. */
		FUZZ_CHECK(offered && method == PPP_AUTH_MSCHAP2);
		offered = false;
		if (!ppp_auth_check_change(&e->request, &right, &next, &verdict))
			FUZZ_CHECK(knows && !next.password);
		else
			FUZZ_CHECK(!verdict.ok && verdict.error);
	} else if (how & 1) {
		(void)ppp_auth_check(&e->request, &right, &verdict);
		FUZZ_CHECK(knows || !verdict.ok);
		if (how & 2)
			verdict.retry = false;
		if (verdict.ok && how & 8) {
			verdict = (struct ppp_auth_verdict){ .error = 648, .change = true };
			offered = true;
		}
	} else {
		verdict.error = fuzz_u16(f);
		verdict.retry = how & 2;
		snprintf(verdict.message, sizeof(verdict.message), "%s", how & 4 ? "E=0 no" : "");
	}
	chap_verdict(&e->c, &verdict, f->now);
}

static void receive(struct end *e, const uint8_t *packet, size_t len, uint64_t now)
{
	uint8_t *copy = fuzz_copy(packet, len);

	chap_receive(&e->c, copy, len, now);
	free(copy);
}

/* A packet with a correct header, or as it comes. */
static void receive_any(struct end *e, struct fuzz *f)
{
	uint8_t code = fuzz_u8(f), id = fuzz_u8(f), packet[4 + 600] = { code, id };
	size_t len;
	uint8_t *body = fuzz_block(f, &len);

	if (code & 0x80) {
		receive(e, body, len, f->now);
	} else {
		len = len < 600 ? len : 600;
		packet[0] = code & 7;
		packet[1] = id == 0xff ? e->c.identifier : id;
		packet[2] = (uint8_t)((len + 4) >> 8);
		packet[3] = (uint8_t)(len + 4);
		if (len)
			memcpy(packet + 4, body, len);
		receive(e, packet, len + 4, f->now);
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
		chap_tick(&e->c, f->now);
		break;
	case 6:
		fuzz_pass_to(f, e->c.deadline);
		chap_tick(&e->c, f->now);
		break;
	default:
		if (what == 0xff)
			chap_done(&e->c);
		else
			chap_challenge_again(&e->c, f->now);
		break;
	}
	check(&ends[0]);
	check(&ends[1]);
}

static const enum ppp_auth_method methods[4] = { PPP_AUTH_MSCHAP2, PPP_AUTH_MSCHAP, PPP_AUTH_MD5,
	PPP_AUTH_MSCHAP2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chap_ops ops = {
		.send = send_packet, .random = draw, .judge = judge, .done = done
	};
	struct fuzz f = fuzz_begin(data, size);
	static const uint8_t filling[PASSWORD_BLOCK];
	struct end *server = &ends[CHAP_AUTHENTICATOR], *client = &ends[CHAP_PEER];
	uint8_t flags = fuzz_u8(&f);

	memset(ends, 0, sizeof(ends));
	FUZZ_CHECK(!ppp_secret_from_password(&right, "right"));
	FUZZ_CHECK(!ppp_secret_from_password(&wrong, "wrong"));
	method = methods[flags >> 4 & 3];
	knows = flags & 1;
	offered = false;
	FUZZ_CHECK(!password_seal(&change, "another", (knows ? &right : &wrong)->nt_hash, filling));
	server->f = client->f = &f;
	server->honest = true;
	chap_start_authenticator(&server->c, method, "server", &ops, server, f.now);
	chap_start_peer(&client->c, method, flags & 2 ? "DOM\\alice" : "alice",
		knows ? &right : &wrong, &ops, client, f.now);
	if (flags & 4)
		chap_set_change(&client->c, &change);
	while (fuzz_more(&f))
		step(&f);
	/* Silence: both come to an end. */
	for (int i = 0; i < 2; i++) {
		for (unsigned int n = 0; ends[i].c.deadline != UINT64_MAX && n < 100; n++) {
			fuzz_pass_to(&f, ends[i].c.deadline);
			chap_tick(&ends[i].c, f.now);
		}
		FUZZ_CHECK(!ends[i].c.ops || ends[i].c.deadline == UINT64_MAX);
		FUZZ_CHECK(!ends[i].c.ops || ends[i].succeeded || ends[i].failed);
		chap_done(&ends[i].c);
	}
	return 0;
}
