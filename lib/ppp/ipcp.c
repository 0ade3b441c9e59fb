/* IPCP: see ipcp.h. */
#include "lib/ppp/ipcp.h"

#include "lib/compress/vj.h"
#include "lib/ppp/frame.h"

#define MAX_MISSING 3
#define MAX_NAKED   3 /* of one option, to a value that we do not take */
#define VJ_OLD      2 /* octets of the older option: without slots */

static struct ipcp *ipcp_of(struct cp *cp)
{
	return (struct ipcp *)(void *)((char *)cp - offsetof(struct ipcp, cp));
}

static uint8_t type_of(unsigned int index)
{
	return index ? (uint8_t)(IPCP_DNS1 + index - 1) : IPCP_ADDRESS;
}

/* -1 for options without a place in our request. */
static int index_of(uint8_t type)
{
	if (type == IPCP_ADDRESS)
		return 0;
	return type >= IPCP_DNS1 && type <= IPCP_NBNS2 ? type - IPCP_DNS1 + 1 : -1;
}

/* The option's address in network byte order; 0 if its length is wrong. */
static uint32_t address_of(const struct ppp_option *option)
{
	uint32_t address = 0;

	if (option->len == sizeof(address))
		memcpy(&address, option->data, sizeof(address));
	return address;
}

/* Neither "this network", nor loopback, nor multicast or above: what would make a machine talk to itself. */
static bool is_host(uint32_t address)
{
	uint8_t octets[sizeof(address)];

	memcpy(octets, &address, sizeof(address));
	return octets[0] != 0 && octets[0] != 127 && octets[0] < 224;
}

struct vj_option {
	uint16_t protocol;
	uint8_t max_slot, omit;
};

/* False: not of this form, or not of this protocol, or with what is not a choice. */
static bool vj_read(const struct ppp_option *option, struct vj_option *vj)
{
	struct wire_reader r = wire_reader(option->data, option->len);

	vj->protocol = wire_u16(&r);
	vj->max_slot = wire_u8(&r);
	vj->omit = wire_u8(&r);
	return !r.failed && !wire_left(&r) && vj->protocol == PPP_VJ && vj->omit <= 1 &&
	       vj->max_slot >= VJ_SLOTS_MIN - 1;
}

static uint8_t vj_slots(const struct vj_option *vj)
{
	return vj->max_slot < VJ_SLOTS_MAX ? (uint8_t)(vj->max_slot + 1) : VJ_SLOTS_MAX;
}

/* The option's value: so many slots. */
static void vj_write(uint8_t value[4], uint8_t slots, bool omit)
{
	struct wire_writer w = wire_writer(value, 4);

	wire_put_u16(&w, PPP_VJ);
	wire_put_u8(&w, (uint8_t)(slots - 1));
	wire_put_u8(&w, omit);
}

static void request(struct cp *cp, struct wire_writer *w)
{
	const struct ipcp *ipcp = ipcp_of(cp);

	for (unsigned int i = 0; i < IPCP_VALUES; i++) {
		if (ipcp->ask & 1u << i)
			ppp_option_put(w, type_of(i), &ipcp->mine[i], sizeof(ipcp->mine[i]));
	}
	if (ipcp->vj_rx) {
		uint8_t value[4];

		vj_write(value, ipcp->vj_rx, ipcp->vj_omit);
		ppp_option_put(w, IPCP_COMPRESSION, value, sizeof(value));
	}
}

static void begin(struct cp *cp)
{
	struct ipcp *ipcp = ipcp_of(cp);

	ipcp->staged = 0;
	ipcp->vj_staged = 0;
	ipcp->address_listed = false;
}

static void nak_address(
	struct ppp_review *review, const struct ppp_option *option, uint32_t address)
{
	ppp_review_nak(review, option, &address, sizeof(address));
}

static void server_address(
	struct ipcp *ipcp, struct ppp_review *review, const struct ppp_option *option)
{
	uint32_t assigned = ipcp->config.net.remote;

	ipcp->address_listed = true;
	if (address_of(option) == assigned) {
		ipcp->staged = assigned;
		return;
	}
	nak_address(review, option, assigned);
	if (review->final)
		ipcp->address_rejected = true;
}

/* Windows asks for all four; those that we do not have are rejected, and it goes on without. */
static void server_name_server(
	struct ipcp *ipcp, struct ppp_review *review, const struct ppp_option *option)
{
	const struct ppp_network *net = &ipcp->config.net;
	const uint32_t have[] = { net->dns[0], net->nbns[0], net->dns[1], net->nbns[1] };
	uint32_t address = have[option->type - IPCP_DNS1];

	if (!address)
		ppp_review_reject(review, option);
	else if (address_of(option) != address)
		nak_address(review, option, address);
}

static void client_address(
	struct ipcp *ipcp, struct ppp_review *review, const struct ppp_option *option)
{
	ipcp->staged = address_of(option);
	/* There is no address here that a server could be given. */
	if (!ipcp->staged)
		ppp_review_reject(review, option);
}

/*
 * The peer tells how many slots it has: any number that is more than ours is as good. Another
 * protocol, and too few slots, are answered with what is possible.
 */
static void compression(
	struct ipcp *ipcp, struct ppp_review *review, const struct ppp_option *option)
{
	struct vj_option vj;
	uint8_t value[4];

	if (!ipcp->config.vj || option->len <= VJ_OLD) {
		ppp_review_reject(review, option);
	} else if (vj_read(option, &vj)) {
		ipcp->vj_staged = vj_slots(&vj);
	} else {
		uint8_t slots = VJ_SLOTS_MAX;

		if (vj.protocol == PPP_VJ)
			slots = vj.max_slot < VJ_SLOTS_MIN ? VJ_SLOTS_MIN : vj_slots(&vj);
		vj_write(value, slots, true);
		ppp_review_nak(review, option, value, sizeof(value));
	}
}

static void option(struct cp *cp, struct ppp_review *review, const struct ppp_option *option)
{
	struct ipcp *ipcp = ipcp_of(cp);
	bool server = ipcp->config.role == PPP_SERVER;

	if (option->type == IPCP_ADDRESS && server)
		server_address(ipcp, review, option);
	else if (option->type == IPCP_ADDRESS)
		client_address(ipcp, review, option);
	else if (server && index_of(option->type) > 0)
		server_name_server(ipcp, review, option);
	else if (option->type == IPCP_COMPRESSION)
		compression(ipcp, review, option);
	else
		ppp_review_reject(review, option);
}

static void complete(struct cp *cp, struct ppp_review *review)
{
	struct ipcp *ipcp = ipcp_of(cp);

	if (ipcp->config.role != PPP_SERVER || ipcp->address_listed ||
		wire_written(&review->reject))
		return;
	if (ipcp->address_rejected) {
		cp_fail(cp, PPTP_NO_NETWORK,
			"the peer does not take the address that it is assigned");
		return;
	}
	if (ipcp->missing++ < MAX_MISSING) {
		ppp_option_put(&review->nak, IPCP_ADDRESS, &ipcp->config.net.remote,
			sizeof(ipcp->config.net.remote));
		return;
	}
	/* It will not talk about its address; only the assigned one will get through. */
	cp_log(cp, PPP_LOG_WARNING, "IPCP: the peer does not negotiate its address");
	ipcp->staged = ipcp->config.net.remote;
}

static void accept(struct cp *cp)
{
	ipcp_of(cp)->remote = ipcp_of(cp)->staged;
	ipcp_of(cp)->vj_tx = ipcp_of(cp)->vj_staged;
}

static bool acked(struct cp *cp)
{
	struct ipcp *ipcp = ipcp_of(cp);

	if (ipcp->config.role == PPP_CLIENT && !ipcp->mine[0]) {
		cp_fail(cp, PPTP_NO_NETWORK, "the server gives no address");
		return false;
	}
	/* A server that acknowledges 0.0.0.0 has no such name server. */
	return true;
}

/* The peer has fewer slots, or wants each packet to name its own; or else it is left out. */
static void vj_naked(struct ipcp *ipcp, const struct ppp_option *option)
{
	struct vj_option vj;

	if (!ipcp->vj_rx)
		return;
	if (++ipcp->vj_naked >= MAX_NAKED || !vj_read(option, &vj)) {
		ipcp->vj_rx = 0;
		return;
	}
	ipcp->vj_rx = vj_slots(&vj);
	ipcp->vj_omit = vj.omit;
}

static void naked(struct cp *cp, const struct ppp_option *option)
{
	struct ipcp *ipcp = ipcp_of(cp);
	int i = index_of(option->type);
	uint32_t address = address_of(option);

	if (option->type == IPCP_COMPRESSION)
		vj_naked(ipcp, option);
	if (i < 0 || !(ipcp->ask & 1u << i))
		return;
	if (ipcp->config.role == PPP_CLIENT && is_host(address)) {
		ipcp->mine[i] = address;
		return;
	}
	if (++ipcp->naked[i] < MAX_NAKED)
		return;
	if (ipcp->config.role == PPP_CLIENT && i == 0)
		cp_fail(cp, PPTP_NO_NETWORK,
			address ? "the server gives an address that no machine can have"
				: "the server gives no address");
	else
		ipcp->ask = (uint8_t)(ipcp->ask & ~(1u << i));
}

static void rejected(struct cp *cp, const struct ppp_option *option)
{
	struct ipcp *ipcp = ipcp_of(cp);
	int i = index_of(option->type);

	if (option->type == IPCP_COMPRESSION)
		ipcp->vj_rx = 0;
	if (i < 0)
		return;
	if (ipcp->config.role == PPP_CLIENT && i == 0) {
		cp_fail(cp, PPTP_NO_NETWORK, "the server rejects the address option");
		return;
	}
	ipcp->ask = (uint8_t)(ipcp->ask & ~(1u << i));
	ipcp->mine[i] = i ? 0 : ipcp->mine[i];
}

static const struct cp_protocol protocol = {
	.number = PPP_IPCP,
	.name = "IPCP",
	.request = request,
	.begin = begin,
	.option = option,
	.complete = complete,
	.accept = accept,
	.acked = acked,
	.naked = naked,
	.rejected = rejected,
};

void ipcp_init(
	struct ipcp *ipcp, const struct ipcp_config *config, const struct cp_host *host, void *user)
{
	memset(ipcp, 0, sizeof(*ipcp));
	ipcp->config = *config;
	cp_init(&ipcp->cp, &protocol, host, user);
}

void ipcp_start(struct ipcp *ipcp, uint64_t now)
{
	memset(ipcp->mine, 0, sizeof(ipcp->mine));
	memset(ipcp->naked, 0, sizeof(ipcp->naked));
	ipcp->mine[0] = ipcp->config.net.local;
	ipcp->ask = 1;
	if (ipcp->config.role == PPP_CLIENT && ipcp->config.want_dns)
		ipcp->ask = (1u << IPCP_VALUES) - 1;
	ipcp->missing = 0;
	ipcp->address_rejected = false;
	ipcp->vj_rx = ipcp->config.vj ? VJ_SLOTS_MAX : 0;
	ipcp->vj_omit = true;
	ipcp->vj_tx = ipcp->vj_staged = ipcp->vj_naked = 0;
	cp_start(&ipcp->cp, now);
}

void ipcp_network(const struct ipcp *ipcp, struct ppp_network *net)
{
	*net = ipcp->config.net;
	if (ipcp->config.role == PPP_SERVER)
		return;
	*net = (struct ppp_network){
		.local = ipcp->mine[0],
		.remote = is_host(ipcp->remote) ? ipcp->remote : 0,
		.dns = { ipcp->mine[1], ipcp->mine[3] },
		.nbns = { ipcp->mine[2], ipcp->mine[4] },
	};
}
