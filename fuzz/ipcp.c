/* lib/ppp/ipcp: both roles, any peer, any time; open only with the addresses that may be. */
#include "lib/ppp/ipcp.h"
#include "lib/compress/vj.h"

#include "fuzz/cp_end.h"

static struct ipcp ipcp;

static void event(struct cp_end *e, enum cp_event event)
{
	const struct ppp_network *want = &ipcp.config.net;
	struct ppp_network net;

	(void)e;
	if (event != CP_UP)
		return;
	ipcp_network(&ipcp, &net);
	if (ipcp.config.role == PPP_SERVER)
		FUZZ_CHECK(net.remote == want->remote && net.local == want->local);
	else
		FUZZ_CHECK(net.local);
	FUZZ_CHECK(ipcp.config.vj || (!ipcp.vj_tx && !ipcp.vj_rx));
	FUZZ_CHECK(ipcp.vj_tx <= VJ_SLOTS_MAX && ipcp.vj_rx <= VJ_SLOTS_MAX);
}

static void receive(struct cp_end *e, const uint8_t *packet, size_t len)
{
	cp_receive(&ipcp.cp, packet, len, e->f.now);
}

static void tick(struct cp_end *e)
{
	cp_tick(&ipcp.cp, e->f.now);
}

static uint64_t deadline(const struct cp_end *e)
{
	(void)e;
	return cp_deadline(&ipcp.cp);
}

static void put(uint32_t *address, uint8_t last)
{
	const uint8_t octets[4] = { 10, 0, 0, last };

	memcpy(address, octets, sizeof(octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cp_end e;
	struct ipcp_config config = { 0 };
	uint8_t flags;

	memset(&e, 0, sizeof(e));
	e.f = fuzz_begin(data, size);
	e.cp = &ipcp.cp;
	e.receive = receive;
	e.tick = tick;
	e.deadline = deadline;
	e.event = event;
	flags = fuzz_u8(&e.f);
	config.role = flags & 1 ? PPP_CLIENT : PPP_SERVER;
	config.want_dns = flags & 2;
	config.vj = flags & 0x80;
	if (config.role == PPP_SERVER || flags & 4)
		put(&config.net.local, 1);
	if (config.role == PPP_SERVER) {
		put(&config.net.remote, 2);
		for (int i = 0; i < 2; i++) {
			if (flags >> (3 + i) & 1)
				put(&config.net.dns[i], (uint8_t)(10 + i));
			if (flags >> (5 + i) & 1)
				put(&config.net.nbns[i], (uint8_t)(20 + i));
		}
	}
	ipcp_init(&ipcp, &config, &cp_end_host, &e);
	ipcp_start(&ipcp, e.f.now);
	while (fuzz_more(&e.f))
		cp_end_step(&e);
	cp_end_finish(&e);
	return 0;
}
