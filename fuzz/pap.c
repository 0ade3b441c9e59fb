/*
 * PAP, both ends, one against any octets or against each other: every wait has an end, one verdict
 * at most, and no success without the right password.
 */
#include "lib/ppp/pap.h"
#include "fuzz/fuzz.h"

struct end {
	struct pap p;
	struct fuzz *f;
	unsigned int succeeded, failed;
	bool judging;
	struct ppp_auth_request request;
	uint8_t last[PAP_PACKET_MAX];
	size_t last_len;
};

static struct end ends[2];
static struct ppp_secret right;

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

	FUZZ_CHECK(!e->judging && request->method == PPP_AUTH_PAP);
	FUZZ_CHECK(request->name[0] && request->password[0]);
	FUZZ_CHECK(strlen(request->name) <= PPP_NAME_MAX);
	FUZZ_CHECK(strlen(request->password) <= PPP_PASSWORD_MAX);
	e->request = *request;
	e->judging = true;
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct end *e = user;

	FUZZ_CHECK(detail && strlen(detail) < 400 && !e->failed && !e->succeeded);
	FUZZ_CHECK(keys->source == MPPE_NO_KEYS && ok == (reason == PPTP_NONE));
	e->succeeded += ok;
	e->failed += !ok;
}

static void receive(struct end *e, const uint8_t *packet, size_t len, uint64_t now)
{
	uint8_t *copy = fuzz_copy(packet, len);

	pap_receive(&e->p, copy, len, now);
	free(copy);
}

static void give_verdict(struct end *e, uint8_t how, uint64_t now)
{
	struct ppp_auth_verdict verdict = { 0 };
	bool fits = e->judging && ppp_auth_check(&e->request, &right, &verdict);
	unsigned int before = e->succeeded;

	if (how & 1)
		verdict.ok = false;
	e->judging = false;
	pap_verdict(&e->p, &verdict, now);
	FUZZ_CHECK(e->succeeded == before || fits);
}

static void step(struct fuzz *f)
{
	uint8_t what = fuzz_u8(f);
	struct end *e = &ends[what & 1], *other = &ends[!(what & 1)];
	uint8_t *block;
	size_t len;

	switch (what >> 1 & 7) {
	case 0:
	case 1:
		block = fuzz_block(f, &len);
		receive(e, block, len, f->now);
		free(block);
		break;
	case 2:
	case 3:
		receive(e, other->last, other->last_len, f->now);
		break;
	case 4:
		give_verdict(e, fuzz_u8(f), f->now);
		break;
	default:
		if (e->p.deadline != UINT64_MAX)
			fuzz_pass_to(f, e->p.deadline);
		pap_tick(&e->p, f->now);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chap_ops ops = {
		.send = send_packet, .random = draw, .judge = judge, .done = done
	};
	struct fuzz f = fuzz_begin(data, size);
	uint8_t flags = fuzz_u8(&f);

	memset(ends, 0, sizeof(ends));
	FUZZ_CHECK(!ppp_secret_from_password(&right, "right"));
	ends[0].f = ends[1].f = &f;
	pap_start_authenticator(&ends[0].p, &ops, &ends[0], f.now);
	pap_start_peer(&ends[1].p, flags & 2 ? "" : "alice", flags & 1 ? "right" : "wrong", &ops,
		&ends[1], f.now);
	while (fuzz_more(&f))
		step(&f);
	for (int i = 0; i < 2; i++) {
		for (unsigned int n = 0; ends[i].p.deadline != UINT64_MAX && n < 100; n++) {
			fuzz_pass_to(&f, ends[i].p.deadline);
			pap_tick(&ends[i].p, f.now);
		}
		FUZZ_CHECK(ends[i].succeeded + ends[i].failed == 1);
		pap_done(&ends[i].p);
	}
	return 0;
}
