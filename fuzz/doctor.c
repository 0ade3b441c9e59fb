/*
 * What the doctor reads of strangers: frames of a server, in a link of ours (said) and on the line that only asks
 * (offer); packets on the wire (watch). Every answer is one of the findings with evidence that ends;
 * the line ends once, and says nothing after.
 */
#include "fuzz/fuzz.h"
#include "lib/ppp/frame.h"
#include "tools/doctor/offer.h"
#include "tools/doctor/watch.h"

struct end {
	struct offer offer;
	struct line *line;
	bool over;
};

static const uint16_t protocols[] = { PPP_LCP, PPP_PAP, PPP_CHAP, PPP_EAP, PPP_CCP, PPP_IPCP };

static void on_frame(void *user, uint16_t protocol, const uint8_t *data, size_t len)
{
	const struct end *e = user;

	FUZZ_CHECK(!e->over && protocol == PPP_LCP && len >= 4 && data);
}

static void on_over(void *user, const struct line_end *end)
{
	struct end *e = user;

	FUZZ_CHECK(!e->over && end->detail);
	e->over = true;
}

static const struct line_user_ops user_ops = { .frame = on_frame, .over = on_over };

static void begin(struct end *e, uint64_t now)
{
	struct line_path path = { 0 };

	e->over = false;
	e->line = offer_next(&e->offer);
	FUZZ_CHECK(e->line);
	e->line->up = &user_ops;
	e->line->user = e;
	e->line->subject = "";
	e->line->ops->start(e->line, &path, now);
}

static void call_ends(struct end *e, uint64_t now)
{
	if (!e->over)
		e->line->ops->lost(e->line, PPTP_PEER_REQUEST, "", now);
	FUZZ_CHECK(e->over && e->offer.is_over);
	e->line->ops->release(e->line);
}

static void judge(const struct end *e, const struct watch *w, uint8_t reason)
{
	static const struct ppp_mppe_config policy = { .policy = PPP_MPPE_REQUIRE,
		.strengths = PPP_MPPE_128 };
	struct gre_evidence gre = { .watched = true,
		.sent = 1,
		.left = w->left,
		.arrived = w->arrived,
		.strangers = w->strangers,
		.acked = w->acked,
		.delivered = w->arrived,
		.heard = e->offer.said.lcp_heard,
		.answered = e->offer.said.lcp_answered,
		.icmp = w->gre_icmp };
	char evidence[FINDING_EVIDENCE], words[200];

	memset(evidence, 'x', sizeof(evidence));
	FUZZ_CHECK(said_judge(&e->offer.said, (enum pptp_reason)(reason % PPTP_REASON_COUNT), "",
			   &policy, evidence) < FINDING_COUNT);
	FUZZ_CHECK(memchr(evidence, 0, sizeof(evidence)));
	memset(evidence, 'x', sizeof(evidence));
	FUZZ_CHECK(gre_judge(&gre, evidence) < FINDING_COUNT);
	FUZZ_CHECK(memchr(evidence, 0, sizeof(evidence)));
	offer_words(&e->offer, words, sizeof(words));
	FUZZ_CHECK(memchr(words, 0, sizeof(words)));
}

static void step(struct fuzz *f, struct end *e, struct watch *w)
{
	uint8_t kind = fuzz_u8(f), which = fuzz_u8(f);
	uint16_t protocol = protocols[which % (sizeof(protocols) / sizeof(protocols[0]))];
	uint8_t *block;
	size_t len;

	if (kind % 6 == 2) {
		judge(e, w, which);
	} else if (kind % 6 == 4) {
		fuzz_pass_to(f, e->line->ops->deadline(e->line));
		e->line->ops->tick(e->line, f->now);
	} else if (kind % 6 == 5) {
		call_ends(e, f->now);
		begin(e, f->now);
	} else {
		block = fuzz_block(f, &len);
		if (kind % 6 == 0)
			e->line->ops->frame(e->line, protocol, block, len, f->now);
		else if (kind % 6 == 1)
			said_frame(&e->offer.said, true, protocol, block, len);
		else
			watch_packet(w, block, len, which & 1, which);
		free(block);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	struct end e = { 0 };
	struct watch w = { .fd = -1, .call_count = 1, .calls = { 7 } };

	w.server.s_addr = htonl(0xc0000201);
	begin(&e, f.now);
	while (fuzz_more(&f))
		step(&f, &e, &w);
	/* Whatever came, one that was demanded is tried, and none of it was agreed to by name. */
	FUZZ_CHECK((e.offer.offered & ~e.offer.tried) == 0);
	FUZZ_CHECK(e.offer.strange_count <= OFFER_STRANGE_MAX);
	judge(&e, &w, 0);
	call_ends(&e, f.now);
	return 0;
}
