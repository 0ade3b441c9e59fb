/* lib/ppp/ccp: every policy, any peer, any time; keys are on exactly when they are agreed on. */
#include "lib/ppp/ccp.h"

#include "fuzz/cp_end.h"

static struct ccp ccp;
static bool tx_on, rx_on, pack_on, unpack_on;
static struct ppp_mppe_config config;

/* What is switched on is what the configuration allows. */
static void check_params(const struct mppe_params *params)
{
	unsigned int bit = params->bits == MPPE_40   ? PPP_MPPE_40
			   : params->bits == MPPE_56 ? PPP_MPPE_56
						     : PPP_MPPE_128;

	FUZZ_CHECK(params->bits == MPPE_40 || params->bits == MPPE_56 || params->bits == MPPE_128);
	FUZZ_CHECK(config.strengths & bit);
	FUZZ_CHECK(params->stateless ? config.allow_stateless : config.allow_stateful);
}

static void set_rx(void *user, const struct mppe_params *params)
{
	(void)user;
	rx_on = params != NULL;
	if (params)
		check_params(params);
}

static void set_tx(void *user, const struct mppe_params *params)
{
	(void)user;
	tx_on = params != NULL;
	if (params)
		check_params(params);
}

static void reset(void *user)
{
	(void)user;
	FUZZ_CHECK(tx_on || pack_on); /* MPPC has resets of its own */
}

static void event(struct cp_end *e, enum cp_event event)
{
	bool encrypts = config.policy != PPP_MPPE_OFF;

	(void)e;
	if (event == CP_UP) {
		ccp_up(&ccp);
		FUZZ_CHECK(tx_on == encrypts && rx_on == encrypts);
		FUZZ_CHECK(ccp.tx_on == encrypts && ccp.rx_on == encrypts);
	} else if (event == CP_DOWN || event == CP_FAILED) {
		ccp_down(&ccp);
		FUZZ_CHECK(!tx_on && !rx_on && !ccp.tx_on && !ccp.rx_on && !pack_on && !unpack_on);
	}
}

static void receive(struct cp_end *e, const uint8_t *packet, size_t len)
{
	cp_receive(&ccp.cp, packet, len, e->f.now);
}

static void tick(struct cp_end *e)
{
	cp_tick(&ccp.cp, e->f.now);
}

static uint64_t deadline(const struct cp_end *e)
{
	(void)e;
	return cp_deadline(&ccp.cp);
}

static void step(struct cp_end *e)
{
	size_t len;
	uint8_t *block;

	switch (fuzz_below(&e->f, 10)) {
	case 0:
		ccp_want_reset(&ccp);
		break;
	case 1:
		ccp_restart(&ccp, e->f.now);
		break;
	case 2:
		block = fuzz_block(&e->f, &len);
		(void)ccp_refuse(&ccp, block, len);
		free(block);
		break;
	case 3: /* the peer's request for what we may like */
		block = fuzz_copy("\x12\x06\x00\x00\x00\x00", 6);
		block[2] = fuzz_bool(&e->f);
		block[5] = fuzz_u8(&e->f);
		cp_end_packet(e, CP_CONFIGURE_REQUEST, fuzz_u8(&e->f), block, 6);
		free(block);
		break;
	default:
		cp_end_step(e);
	}
}

/* Under MPPE MPPC and nothing else; everything that is switched on exists. */
static void check_codec(const struct codec_params *params)
{
	struct codec *c = codec_new(params, true);

	FUZZ_CHECK(c && params->encrypted == (config.policy != PPP_MPPE_OFF));
	FUZZ_CHECK(!params->encrypted || params->kind == CODEC_MPPC);
	codec_free(c);
}

static void set_pack(void *user, const struct codec_params *params)
{
	(void)user;
	pack_on = params != NULL;
	if (params)
		check_codec(params);
}

static void set_unpack(void *user, const struct codec_params *params)
{
	(void)user;
	unpack_on = params != NULL;
	if (params)
		check_codec(params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ccp_ops ops = {
		.rx = set_rx, .tx = set_tx, .reset = reset, .pack = set_pack, .unpack = set_unpack
	};
	static const struct ppp_compress_list all = { 3, { CODEC_MPPC, CODEC_DEFLATE, CODEC_BSD } };
	static struct cp_end e;
	uint8_t flags;

	memset(&e, 0, sizeof(e));
	tx_on = rx_on = pack_on = unpack_on = false;
	e.f = fuzz_begin(data, size);
	e.cp = &ccp.cp;
	e.receive = receive;
	e.tick = tick;
	e.deadline = deadline;
	e.event = event;
	flags = fuzz_u8(&e.f);
	config = (struct ppp_mppe_config){
		.policy = flags & 1 ? PPP_MPPE_PREFER : PPP_MPPE_REQUIRE,
		.strengths = flags >> 1 & 7 ? flags >> 1 & 7 : PPP_MPPE_128,
		.allow_stateful = flags & 16,
		.allow_stateless = flags & 32 || !(flags & 16),
	};
	if (flags & 64)
		config.policy = PPP_MPPE_OFF;
	ccp_init(&ccp, &config, &ops, &cp_end_host, &e);
	if (flags & 128)
		ccp_allow(&ccp, &all, 1400);
	ccp_start(&ccp, e.f.now);
	while (fuzz_more(&e.f))
		step(&e);
	cp_end_finish(&e);
	ccp_down(&ccp);
	FUZZ_CHECK(!tx_on && !rx_on && !pack_on && !unpack_on);
	return 0;
}
