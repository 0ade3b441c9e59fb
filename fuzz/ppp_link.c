/*
 * lib/ppp/link: a whole link as server or client. The peer is the input, or the other end of our
 * own, whose frames the input loses, damages and delays; verdicts come at any time. Data passes
 * only as the policy allows; every phase has a deadline; `finished` comes once and is the last.
 */
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/link.h"

#include "fuzz/fuzz.h"

#define QUEUE 16

struct frame {
	uint16_t protocol;
	size_t len;
	uint8_t data[CP_PACKET_MAX];
};

struct end {
	struct ppp_link *link;
	struct ppp_link_config config;
	struct frame queue[QUEUE]; /* sent, and not yet taken by the other end */
	unsigned int first, count;
	struct ppp_auth_request request;
	bool judging, verified, up, up6, over, tx, rx, vj_tx, vj_rx;
};

static struct fuzz f;
static struct end ends[2]; /* by enum ppp_role */
static struct ppp_secret right;

static void send_frame(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct end *e = user;
	struct frame *to;

	FUZZ_CHECK(!e->over && !ppp_is_data(protocol) && len >= CP_HEADER);
	FUZZ_CHECK(len <= CP_PACKET_MAX);
	if (e->count == QUEUE) {
		e->first = (e->first + 1) % QUEUE; /* the oldest is lost */
		e->count--;
	}
	to = &e->queue[(e->first + e->count++) % QUEUE];
	to->protocol = protocol;
	to->len = len;
	memcpy(to->data, info, len);
}

static void draw(void *user, void *buf, size_t len)
{
	(void)user;
	fuzz_random(&f, buf, len);
}

static void framing(void *user, bool acfc, bool pfc, uint16_t peer_mru)
{
	struct end *e = user;

	(void)acfc;
	(void)pfc;
	FUZZ_CHECK(!e->over && peer_mru >= 64 && peer_mru <= e->config.mru);
}

static void judge(void *user, const struct ppp_auth_request *request)
{
	struct end *e = user;

	FUZZ_CHECK(e == &ends[PPP_SERVER] && !e->over);
	e->request = *request;
	e->judging = true;
}

static void set_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	(void)start;
	((struct end *)user)->tx = params != NULL;
}

static void set_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	(void)start;
	((struct end *)user)->rx = params != NULL;
}

static void reset(void *user)
{
	FUZZ_CHECK(((struct end *)user)->tx);
}

static void set_vj(void *user, bool sending, const struct vj_params *params)
{
	struct end *e = user;

	FUZZ_CHECK(e->config.vj);
	FUZZ_CHECK(!params || (params->slots >= VJ_SLOTS_MIN && params->slots <= VJ_SLOTS_MAX));
	if (sending)
		e->vj_tx = params != NULL;
	else
		e->vj_rx = params != NULL;
}

static void up(void *user, const struct ppp_network *net)
{
	struct end *e = user;

	FUZZ_CHECK(!e->up && !e->over && net->local);
	FUZZ_CHECK(e->config.role == PPP_CLIENT || (e->verified && net->remote));
	FUZZ_CHECK(e->config.mppe.policy != PPP_MPPE_REQUIRE || (e->tx && e->rx));
	FUZZ_CHECK(e->tx == e->rx);
	e->up = true;
}

static void down(void *user)
{
	struct end *e = user;

	FUZZ_CHECK(e->up && !e->over);
	e->up = false;
}

static void up6(void *user, const struct ppp_network *net)
{
	static const uint8_t none[8];
	struct end *e = user;

	FUZZ_CHECK(!e->up6 && !e->over && e->config.ipv6 != PPP_IPV6_OFF);
	FUZZ_CHECK(e->up || e->config.ipv6 == PPP_IPV6_ALONE);
	FUZZ_CHECK(memcmp(net->local_id, none, 8) && memcmp(net->remote_id, none, 8));
	FUZZ_CHECK(memcmp(net->local_id, net->remote_id, 8));
	FUZZ_CHECK(e->config.mppe.policy != PPP_MPPE_REQUIRE || (e->tx && e->rx));
	FUZZ_CHECK(e->tx == e->rx);
	e->up6 = true;
}

static void down6(void *user)
{
	struct end *e = user;

	FUZZ_CHECK(e->up6 && !e->over);
	e->up6 = false;
}

static void finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct end *e = user;

	FUZZ_CHECK(!e->over && !e->up && !e->up6 && detail && reason != PPTP_NONE);
	e->over = true;
}

__attribute__((format(printf, 3, 0))) static void put_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	char line[512];

	(void)user;
	(void)level;
	vsnprintf(line, sizeof(line), format, ap);
}

static const struct ppp_link_ops ops = {
	.send = send_frame,
	.random = draw,
	.framing = framing,
	.judge = judge,
	.mppe_tx = set_tx,
	.mppe_rx = set_rx,
	.mppe_reset = reset,
	.vj = set_vj,
	.up = up,
	.down = down,
	.up6 = up6,
	.down6 = down6,
	.finished = finished,
	.log = put_log,
};

static void check(const struct end *e)
{
	struct ppp_link_info info;
	uint64_t deadline = ppp_link_deadline(e->link);

	FUZZ_CHECK(!e->over || deadline == UINT64_MAX);
	FUZZ_CHECK(e->over || e->up || e->up6 || deadline != UINT64_MAX);
	ppp_link_get_info(e->link, &info);
	FUZZ_CHECK(info.up == e->up && info.up6 == e->up6 && ppp_phase_name(info.phase)[0]);
	FUZZ_CHECK(!e->up || (info.vj_tx == e->vj_tx && info.vj_rx == e->vj_rx));
	FUZZ_CHECK(!(e->up || e->up6) || info.phase == PPP_NETWORK);
}

static void receive(struct end *e, uint16_t protocol, const uint8_t *info, size_t len)
{
	uint8_t *copy = fuzz_copy(info, len);

	ppp_link_receive(e->link, protocol, copy, len, f.now);
	free(copy);
}

/* The oldest frame of the other end, perhaps damaged. */
static void deliver(struct end *to, bool whole)
{
	struct end *from = &ends[to == &ends[0]];
	struct frame frame;

	if (!from->count)
		return;
	frame = from->queue[from->first];
	from->first = (from->first + 1) % QUEUE;
	from->count--;
	if (!whole) {
		size_t at = fuzz_u8(&f);

		if (at < frame.len)
			frame.data[at] = fuzz_u8(&f);
		if (at == 0xfe)
			return; /* lost */
	}
	receive(to, frame.protocol, frame.data, frame.len);
}

static void receive_any(struct end *e)
{
	static const uint16_t protocols[] = { PPP_LCP, PPP_CHAP, PPP_CCP, PPP_IPCP, PPP_LCP,
		PPP_CCP, PPP_IPCP, PPP_PAP, PPP_IPV6CP, PPP_EAP };
	uint8_t which = fuzz_u8(&f), code = fuzz_u8(&f), id = fuzz_u8(&f);
	uint16_t protocol = which < 0xe8   ? protocols[which % 10]
			    : which < 0xf0 ? PPP_CBCP
					   : fuzz_u16(&f) | 0x8000;
	size_t len;
	uint8_t *body = fuzz_block(&f, &len);
	uint8_t *packet = malloc(len + CP_HEADER);
	struct wire_writer w = wire_writer(packet, len + CP_HEADER);

	FUZZ_CHECK(packet);
	wire_put_u8(&w, code & 15);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(len + CP_HEADER));
	wire_put_bytes(&w, body, len);
	if (code & 0x80)
		receive(e, protocol, body, len);
	else
		receive(e, protocol, packet, len + CP_HEADER);
	free(packet);
	free(body);
}

static void give_verdict(struct end *e)
{
	const uint8_t address[2][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };
	struct ppp_auth_verdict verdict = { 0 };
	struct ppp_network net = { 0 };
	uint8_t how = fuzz_u8(&f);

	memcpy(&net.local, address[0], 4);
	if (how != 0xff) /* none left */
		memcpy(&net.remote, address[1], 4);
	if (e->judging)
		(void)ppp_auth_check(&e->request, &right, &verdict);
	if (how & 1) {
		verdict.ok = false;
		verdict.retry = how & 2;
	}
	e->verified = e->verified || (e->judging && verdict.ok);
	e->judging = false;
	ppp_link_verdict(e->link, &verdict, &net, f.now);
}

/* Both ends talk undisturbed for a while. */
static void converse(unsigned int turns)
{
	while (turns-- && (ends[0].count || ends[1].count)) {
		deliver(&ends[turns & 1], true);
		if (ends[PPP_SERVER].judging) {
			struct wire_reader rest = f.in;

			f.in = wire_reader("", 1);
			give_verdict(&ends[PPP_SERVER]);
			f.in = rest;
		}
	}
}

static void command(struct end *e)
{
	switch (fuzz_below(&f, 6)) {
	case 0:
		ppp_link_want_reset(e->link, f.now);
		break;
	case 1:
		ppp_link_desync(e->link, f.now);
		break;
	case 2:
		ppp_link_alive(e->link, f.now);
		break;
	case 3:
		ppp_link_close(e->link, PPTP_LOCAL_REQUEST, f.now);
		break;
	case 4:
		ppp_link_lower_down(e->link, PPTP_TCP_ERROR, "gone", f.now);
		break;
	case 5:
		converse(fuzz_u8(&f));
		break;
	}
}

static void tick(struct end *e)
{
	ppp_link_tick(e->link, f.now);
	FUZZ_CHECK(ppp_link_deadline(e->link) > f.now);
}

static void step(void)
{
	uint8_t what = fuzz_u8(&f);
	struct end *e = &ends[what & 1];

	switch (what >> 1 & 7) {
	case 0:
		deliver(e, true);
		break;
	case 1:
		deliver(e, false);
		break;
	case 2:
	case 3:
		receive_any(e);
		break;
	case 4:
		give_verdict(&ends[PPP_SERVER]);
		break;
	case 5:
		fuzz_pass(&f);
		break;
	case 6:
		fuzz_pass_to(&f, ppp_link_deadline(e->link));
		break;
	case 7:
		command(e);
		break;
	}
	for (int i = 0; i < 2; i++) {
		tick(&ends[i]);
		check(&ends[i]);
	}
}

static const struct ppp_auth_list lists[4] = {
	{ 0 },
	{ 6, { PPP_AUTH_MSCHAP2, PPP_AUTH_MSCHAP, PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_MD5,
		     PPP_AUTH_EAP_MD5, PPP_AUTH_PAP } },
	{ 2, { PPP_AUTH_PAP, PPP_AUTH_MSCHAP } },
	{ 3, { PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5, PPP_AUTH_MD5 } },
};

static void begin(struct end *e, enum ppp_role role, uint8_t flags, uint8_t strengths)
{
	static const enum ppp_mppe_policy policies[4] = { PPP_MPPE_REQUIRE, PPP_MPPE_PREFER,
		PPP_MPPE_OFF, PPP_MPPE_REQUIRE };
	static const enum ppp_ipv6_policy ipv6[4] = { PPP_IPV6_OFF, PPP_IPV6_ON, PPP_IPV6_ALONE,
		PPP_IPV6_ON };

	memset(e, 0, sizeof(*e));
	e->config = (struct ppp_link_config){
		.role = role,
		.mru = 1400,
		.name = role == PPP_SERVER ? "vpn" : "DOM\\alice",
		.password = role == PPP_SERVER || flags & 4 ? NULL
			    : flags & 8                     ? "wrong"
							    : "right",
		.auth = lists[flags >> 6],
		.mppe = { .policy = policies[flags & 3],
			.strengths = strengths & 7 ? strengths & 7 : PPP_MPPE_128,
			.allow_stateless = strengths & 8 || !(strengths & 16),
			.allow_stateful = strengths & 16 },
		.vj = strengths >> 7,
		.identification = flags & 8 ? "greyline" : NULL,
		.session_time = flags & 16 ? 100000000 : 0,
		.cbcp = role == PPP_SERVER && flags & 4,
		.want_dns = flags & 16,
		.ipv6 = ipv6[strengths >> 5 & 3],
		.identifier = { [7] = strengths >> 7 },
		.echo_interval = flags & 32 ? 0 : 30000000,
		.echo_failures = 3,
		.restart_interval = 3000000,
		.setup_timeout = 60000000,
	};
	e->link = ppp_link_new(&e->config, &ops, e);
	FUZZ_CHECK(e->link);
	ppp_link_start(e->link, f.now);
}

/* Closed and met with silence, each end is over in bounded time. */
static void finish(struct end *e)
{
	ppp_link_close(e->link, PPTP_SHUTDOWN, f.now);
	for (unsigned int turns = 0; !e->over; turns++) {
		FUZZ_CHECK(turns < 200 && ppp_link_deadline(e->link) != UINT64_MAX);
		fuzz_pass_to(&f, ppp_link_deadline(e->link));
		tick(e);
	}
	ppp_link_free(e->link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	f = fuzz_begin(data, size);
	FUZZ_CHECK(!ppp_secret_from_password(&right, "right"));
	for (int role = 0; role < 2; role++) {
		uint8_t flags = fuzz_u8(&f);

		begin(&ends[role], (enum ppp_role)role, flags, fuzz_u8(&f));
	}
	while (fuzz_more(&f))
		step();
	finish(&ends[0]);
	finish(&ends[1]);
	return 0;
}
