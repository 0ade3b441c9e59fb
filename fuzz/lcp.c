/* lib/ppp/lcp: both roles, any peer, any time. */
#include "lib/ppp/lcp.h"

#include "fuzz/cp_end.h"

static struct lcp lcp;

static void receive(struct cp_end *e, const uint8_t *packet, size_t len)
{
	lcp_heard(&lcp, packet, len, e->f.now);
	lcp_receive(&lcp, packet, len, e->f.now);
}

static void tick(struct cp_end *e)
{
	(void)lcp_tick(&lcp, e->f.now);
}

static uint64_t deadline(const struct cp_end *e)
{
	(void)e;
	return lcp_deadline(&lcp);
}

static void event(struct cp_end *e, enum cp_event event)
{
	(void)e;
	if (event == CP_UP)
		FUZZ_CHECK(lcp.peer.mru >= LCP_MIN_MRU);
	FUZZ_CHECK(lcp_auth_name(&lcp));
}

static void step(struct cp_end *e)
{
	size_t len;
	uint8_t *info;

	switch (fuzz_below(&e->f, 8)) {
	case 0:
		info = fuzz_block(&e->f, &len);
		lcp_reject_protocol(&lcp, fuzz_u16(&e->f), info, len);
		free(info);
		break;
	case 1:
		lcp_heard(&lcp, NULL, 0, e->f.now);
		break;
	case 2:
		lcp_alive(&lcp, e->f.now - fuzz_span(&e->f) % FUZZ_START);
		break;
	default:
		cp_end_step(e);
	}
}

static const struct ppp_auth_list lists[] = {
	{ 1, { PPP_AUTH_MSCHAP2 } },
	{ 6, { PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MD5, PPP_AUTH_MD5, PPP_AUTH_EAP_MSCHAP2,
		     PPP_AUTH_MSCHAP, PPP_AUTH_PAP } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cp_end e;
	struct lcp_config config = { .mru = 1400, .restart_interval = 3000000, .echo_failures = 3 };
	uint8_t flags;

	memset(&e, 0, sizeof(e));
	e.f = fuzz_begin(data, size);
	e.cp = &lcp.cp;
	e.receive = receive;
	e.tick = tick;
	e.deadline = deadline;
	e.event = event;
	flags = fuzz_u8(&e.f);
	if (flags & 1)
		config.demand = lists[flags >> 6 & 1];
	if (flags & 2)
		config.accept = lists[flags >> 7];
	config.insist_auth = flags & 4;
	config.echo_interval = flags & 8 ? 10000000 : 0;
	lcp_init(&lcp, &config, &cp_end_host, &e);
	lcp_start(&lcp, e.f.now);
	while (fuzz_more(&e.f))
		step(&e);
	cp_end_finish(&e);
	lcp_done(&lcp);
	return 0;
}
