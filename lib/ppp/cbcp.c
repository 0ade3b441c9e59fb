/* Microsoft's callback control: see cbcp.h. */
#include "lib/ppp/cbcp.h"

#include <errno.h>

int cbcp_decode(struct cbcp_offer *offer, const struct cp_packet *packet)
{
	struct wire_reader r = wire_reader(packet->data, packet->len);
	struct ppp_option option;

	*offer = (struct cbcp_offer){ 0 };
	while (ppp_option_next(&r, &option)) {
		if (option.type < CBCP_NO_CALLBACK || option.type > CBCP_LIST)
			continue;
		offer->types |= 1u << option.type;
		if (option.type == CBCP_NO_CALLBACK)
			offer->nothing = option;
	}
	return r.failed ? -EBADMSG : 0;
}

static void send(struct cbcp *c, uint8_t code, uint8_t id)
{
	uint8_t packet[CP_HEADER + CBCP_OPTION_MAX];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put_u8(&w, code);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(CP_HEADER + c->option_len));
	wire_put_bytes(&w, c->option, c->option_len);
	c->ops->send(c->user, packet, wire_written(&w));
}

static void finish(struct cbcp *c, bool ok, const char *words)
{
	c->state = CBCP_OVER;
	c->deadline = UINT64_MAX;
	if (c->finished)
		return;
	c->finished = true;
	c->ops->done(c->user, ok, words);
}

/* Before the end only. false: it had its share. */
static bool spend(struct cbcp *c)
{
	if (c->sent < CBCP_MAX_PACKETS) {
		c->sent++;
		return true;
	}
	finish(c, false, "the peer says the same about callback again and again");
	return false;
}

static void begin(struct cbcp *c, enum cbcp_role role, const struct cbcp_ops *ops, void *user)
{
	*c = (struct cbcp){ .role = role, .ops = ops, .user = user, .option_len = 2 };
	c->option[0] = CBCP_NO_CALLBACK;
	c->option[1] = c->option_len;
}

static void ask(struct cbcp *c, uint64_t now)
{
	if (!spend(c))
		return;
	c->deadline = now + CBCP_RETRANSMIT < c->give_up ? now + CBCP_RETRANSMIT : c->give_up;
	send(c, CBCP_REQUEST, c->id);
}

void cbcp_start_answerer(struct cbcp *c, const struct cbcp_ops *ops, void *user, uint64_t now)
{
	begin(c, CBCP_ANSWERER, ops, user);
	c->state = CBCP_ASKING;
	c->id = 1;
	c->give_up = now + CBCP_GIVE_UP;
	ask(c, now);
}

void cbcp_start_caller(struct cbcp *c, const struct cbcp_ops *ops, void *user, uint64_t now)
{
	begin(c, CBCP_CALLER, ops, user);
	c->state = CBCP_WAITING;
	c->deadline = c->give_up = now + CBCP_GIVE_UP;
}

/* What comes back is what the peer wrote: some write a delay behind "no callback". */
static void keep(struct cbcp *c, const struct ppp_option *option)
{
	uint8_t len = option->len > CBCP_OPTION_MAX - 2 ? CBCP_OPTION_MAX - 2 : option->len;

	c->option[0] = CBCP_NO_CALLBACK;
	c->option[1] = c->option_len = (uint8_t)(len + 2);
	if (len)
		memcpy(c->option + 2, option->data, len);
}

static void receive_request(struct cbcp *c, uint8_t id, const struct cbcp_offer *offer)
{
	if (c->finished)
		return;
	if (!(offer->types & 1u << CBCP_NO_CALLBACK)) {
		finish(c, false, "the server insists on calling back");
		return;
	}
	if (!spend(c))
		return;
	keep(c, &offer->nothing);
	c->id = id;
	c->state = CBCP_ANSWERED;
	send(c, CBCP_RESPONSE, id);
}

static void receive_response(
	struct cbcp *c, uint8_t id, const struct cbcp_offer *offer, uint64_t now)
{
	bool nothing = offer->types == 1u << CBCP_NO_CALLBACK;

	if (id != c->id)
		return;
	if (c->finished && nothing) {
		send(c, CBCP_ACK, id); /* the Ack was lost */
	} else if (nothing) {
		keep(c, &offer->nothing);
		send(c, CBCP_ACK, id);
		finish(c, true, "");
	} else if (!c->finished && c->refused) {
		finish(c, false, "the client insists on being called back");
	} else if (!c->finished) {
		c->refused = true;
		c->id++;
		ask(c, now);
	}
}

void cbcp_receive(struct cbcp *c, const uint8_t *data, size_t len, uint64_t now)
{
	struct cp_packet packet;
	struct cbcp_offer offer;

	if (!c->ops || cp_packet_decode(&packet, data, len) || cbcp_decode(&offer, &packet))
		return;
	if (c->role == CBCP_CALLER && packet.code == CBCP_REQUEST)
		receive_request(c, packet.id, &offer);
	else if (c->role == CBCP_ANSWERER && packet.code == CBCP_RESPONSE)
		receive_response(c, packet.id, &offer, now);
	else if (c->role == CBCP_CALLER && packet.code == CBCP_ACK && c->state == CBCP_ANSWERED &&
		 packet.id == c->id)
		finish(c, true, "");
}

void cbcp_implied(struct cbcp *c)
{
	/* From one that has been answered: its Ack was lost, or comes later. */
	if (c->ops && !c->finished)
		finish(c, true, c->state == CBCP_ANSWERED ? "" : "the peer goes on without");
}

void cbcp_tick(struct cbcp *c, uint64_t now)
{
	if (!c->ops || now < c->deadline)
		return;
	if (now >= c->give_up)
		finish(c, true, "the peer does not finish it");
	else
		ask(c, now);
}

void cbcp_done(struct cbcp *c)
{
	*c = (struct cbcp){ .deadline = UINT64_MAX };
}
