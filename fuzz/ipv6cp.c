/* lib/ppp/ipv6cp: both kinds of ends, any peer, any time; open only with two identifiers that differ. */
#include "lib/ppp/ipv6cp.h"

#include "fuzz/cp_end.h"

static struct ipv6cp ipv6cp;
static const uint8_t none[IPV6CP_IDENTIFIER];

static bool may_have(void *user, const uint8_t identifier[IPV6CP_IDENTIFIER])
{
	(void)user;
	return identifier[7] != 0x42;
}

static void event(struct cp_end *e, enum cp_event event)
{
	const uint8_t *own = ipv6cp.config.identifier;

	(void)e;
	if (event != CP_UP)
		return;
	FUZZ_CHECK(memcmp(ipv6cp.mine, none, sizeof(none)) && memcmp(ipv6cp.peer, none, 8));
	FUZZ_CHECK(memcmp(ipv6cp.mine, ipv6cp.peer, sizeof(none)));
	FUZZ_CHECK(!memcmp(own, none, sizeof(none)) || !memcmp(own, ipv6cp.mine, sizeof(none)));
	FUZZ_CHECK(!ipv6cp.config.may_have || ipv6cp.peer[7] != 0x42);
}

static void receive(struct cp_end *e, const uint8_t *packet, size_t len)
{
	cp_receive(&ipv6cp.cp, packet, len, e->f.now);
}

static void tick(struct cp_end *e)
{
	cp_tick(&ipv6cp.cp, e->f.now);
}

static uint64_t deadline(const struct cp_end *e)
{
	(void)e;
	return cp_deadline(&ipv6cp.cp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cp_end e;
	struct ipv6cp_config config = { 0 };
	struct ppp_network net;
	uint8_t flags;

	memset(&e, 0, sizeof(e));
	e.f = fuzz_begin(data, size);
	e.cp = &ipv6cp.cp;
	e.receive = receive;
	e.tick = tick;
	e.deadline = deadline;
	e.event = event;
	flags = fuzz_u8(&e.f);
	config.identifier[7] = flags & 1;
	config.may_have = flags & 2 ? may_have : NULL;
	ipv6cp_init(&ipv6cp, &config, &cp_end_host, &e);
	ipv6cp_start(&ipv6cp, e.f.now);
	while (fuzz_more(&e.f))
		cp_end_step(&e);
	ipv6cp_network(&ipv6cp, &net);
	FUZZ_CHECK(cp_is_open(&ipv6cp.cp) == !!memcmp(net.local_id, none, sizeof(none)));
	cp_end_finish(&e);
	return 0;
}
