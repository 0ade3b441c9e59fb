/* One end of a simulated call, its tunnel and its clock: see end.h. */
#include "tests/sim/end_internal.h"

#include "lib/ppp/frame.h"
#include "tests/sim/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND      1000000ull
#define PLANE_DELAY 300 /* us, at most, from the data plane to the control plane */

static struct packet *packet_new(struct sim_end *e)
{
	struct packet *p = malloc(sizeof(*p));

	if (!p)
		abort();
	packet_reset(p);
	e->packets++;
	return p;
}

static void packet_free(struct sim_end *e, struct packet *p)
{
	e->packets--;
	free(p);
}

/* Data in clear on the wire, as a listener would see it. */
static bool is_clear_data(const struct packet *p)
{
	struct wire_reader r;
	struct gre_header h;
	uint16_t protocol;
	size_t at;

	if (gre_header_decode(&h, p->data, p->len, &at) != GRE_OK || !h.has_seq)
		return false;
	r = wire_reader(p->data + at, p->len - at);
	return ppp_header_read(&r, &protocol) && ppp_is_data(protocol) && protocol != PPP_COMP;
}

/* Before anything goes out that could carry an acknowledgement. */
static void keep_mute(struct sim_end *e)
{
	if (!e->config.mute)
		return;
	e->tunnel.receiver.ack_pending = false;
	e->tunnel.receiver.ack_deadline = UINT64_MAX;
}

/* Data has just gone out. */
static void check_window(struct sim_end *e)
{
	const struct gre_sender *s = &e->tunnel.sender;

	if (s->flow == GRE_FLOW_STRICT && gre_sender_in_flight(s) > s->window)
		e->violation = "data beyond the peer's window";
}

static void transmit(struct sim_end *e, struct packet *p)
{
	if (e->config.mppe.policy == PPP_MPPE_REQUIRE && is_clear_data(p))
		e->violation = "data in clear on the wire although encryption is required";
	sim_send(e->net, SIM_DATAGRAM, 1 - e->index, p->data, p->len);
	packet_free(e, p);
}

int sim_end_frame(struct sim_end *e, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct packet *p = packet_new(e);
	int rc;

	memcpy(p->data, info, len);
	p->len = (uint32_t)len;
	keep_mute(e);
	rc = tunnel_seal(&e->tunnel, p, protocol, e->net->now, &e->batch);
	if (rc < 0) {
		packet_free(e, p);
		return rc;
	}
	if (rc > 0 && (!ppp_is_data(protocol) || e->config.flow != GRE_FLOW_STRICT))
		e->violation = "what must not wait for the window does";
	if (rc > 0)
		return 0;
	if (ppp_is_data(protocol))
		check_window(e);
	rc4_run(&e->batch);
	transmit(e, p);
	return 0;
}

/* What waited for the peer's window. */
static void release(struct sim_end *e)
{
	struct packet_list out;
	struct packet *p;

	packet_list_init(&out);
	keep_mute(e);
	while (e->tunnel_on && tunnel_sendable(&e->tunnel)) {
		tunnel_release(&e->tunnel, e->net->now, &e->batch, &out);
		check_window(e);
	}
	rc4_run(&e->batch);
	while ((p = packet_list_take(&out))) {
		if (p->verdict == PACKET_DROP)
			packet_free(e, p);
		else
			transmit(e, p);
	}
}

void sim_end_note(struct sim_end *e, enum pptp_reason reason, const char *detail)
{
	if (e->reason)
		return;
	e->reason = reason;
	snprintf(e->detail, sizeof(e->detail), "%s", detail ? detail : "");
}

void sim_end_tunnel_off(struct sim_end *e)
{
	struct packet_list out;
	struct packet *p;

	if (!e->tunnel_on)
		return;
	e->tunnel_on = false;
	packet_list_init(&out);
	if (e->tunnel.rare) {
		e->compressed += e->tunnel.rare->rx_compressed;
		e->headers += e->tunnel.rare->rx_vj;
		e->waited += e->tunnel.rare->window_full;
	}
	tunnel_done(&e->tunnel, &out);
	while ((p = packet_list_take(&out)))
		packet_free(e, p);
}

static void process(struct sim_end *e, struct packet_list *out);

void sim_end_open_data(struct sim_end *e, bool open)
{
	struct packet_list out;

	if (!e->tunnel_on)
		return;
	packet_list_init(&out);
	tunnel_open(&e->tunnel, open, &out);
	process(e, &out);
}

void sim_end_init(struct sim_end *e, unsigned int index, struct sim_network *net,
	const struct sim_end_config *config)
{
	struct ppp_link_config l = {
		.role = index ? PPP_SERVER : PPP_CLIENT,
		.mru = 1400,
		.name = index ? "sim" : config->user,
		.password = index ? NULL : config->password,
		.new_password = config->new_password,
		.reauthenticate = config->reauthenticate,
		.auth = config->auth,
		.tls = &e->tls.engine,
		.mppe = config->mppe,
		.compress = config->compress,
		.vj = config->vj,
		.cbcp = config->cbcp,
		.want_dns = true,
		.ipv6 = config->ipv6 ? PPP_IPV6_ON : PPP_IPV6_OFF,
		.identifier = { [7] = (uint8_t)index },
		.echo_interval = 15 * SECOND,
		.echo_failures = 4,
		.restart_interval = 3 * SECOND,
		.setup_timeout = 60 * SECOND,
	};

	memset(e, 0, sizeof(*e));
	e->index = index;
	e->net = net;
	e->config = *config;
	stub_init(&e->tls, config->tls);
	e->tls.name = config->certificate;
	e->control_config = (struct control_config){ .framing = 3,
		.bearer = 3,
		.reply_timeout = 60 * SECOND,
		.echo_interval = 60 * SECOND };
	e->link = ppp_link_new(&l, &sim_link_ops, e);
	if (!e->link)
		abort();
	control_connection_init(&e->control, index ? CONTROL_RECEIVER : CONTROL_ORIGINATOR,
		&e->control_config, &sim_control_ops, e, net->now);
}

void sim_end_done(struct sim_end *e)
{
	sim_end_tunnel_off(e);
	ppp_link_free(e->link);
}

bool sim_end_send_data(struct sim_end *e, size_t len)
{
	uint8_t data[TCP_PACKET_MAX];

	len = sim_data_make(e, len, data);
	return sim_end_frame(e, PPP_IP, data, len) == 0;
}

static void keep_control(struct sim_end *e, const struct packet *p)
{
	struct sim_pending *q;

	if (e->pending_count == 64 || p->len > sizeof(q->data)) {
		e->pending_lost++;
		return;
	}
	q = &e->pending[(e->pending_first + e->pending_count++) % 64];
	q->at = e->net->now + sim_random(e->net) % PLANE_DELAY;
	q->protocol = p->protocol;
	q->len = (uint16_t)p->len;
	memcpy(q->data, p->data, p->len);
}

static void deliver_control(struct sim_end *e)
{
	while (e->pending_count && e->pending[e->pending_first].at <= e->net->now) {
		struct sim_pending *q = &e->pending[e->pending_first];

		/* Before the call is answered the session layer keeps the first frames: here they
		 * wait. */
		if (!e->link_started && !e->link_over)
			return;
		e->pending_first = (e->pending_first + 1) % 64;
		e->pending_count--;
		if (!e->link_over)
			ppp_link_receive(e->link, q->protocol, q->data, q->len, e->net->now);
	}
}

static void tunnel_notices(struct sim_end *e)
{
	unsigned int events = e->tunnel_on ? tunnel_events(&e->tunnel) : 0;

	if (e->link_over)
		return;
	if (events & TUNNEL_EVENT_RESET)
		ppp_link_want_reset(e->link, e->net->now);
	if (events & TUNNEL_EVENT_DESYNC)
		ppp_link_desync(e->link, e->net->now);
}

static void process(struct sim_end *e, struct packet_list *out)
{
	struct packet *p;

	while ((p = packet_list_take(out))) {
		if (p->verdict == PACKET_NONE) {
			tunnel_decrypt(&e->tunnel, p, &e->batch);
			rc4_run(&e->batch);
		}
		if (p->verdict == PACKET_NONE)
			tunnel_finish(&e->tunnel, p);
		if (p->verdict == PACKET_DATA)
			sim_data_take(e, p);
		else if (p->verdict == PACKET_CONTROL)
			keep_control(e, p);
		else if (p->verdict != PACKET_DROP && p->verdict != PACKET_HELD)
			e->violation = "the tunnel gave no verdict on a packet";
		if (p->verdict != PACKET_HELD)
			packet_free(e, p);
	}
	tunnel_notices(e);
}

static void send_ack(struct sim_end *e)
{
	struct packet *p;

	if (!e->tunnel_on)
		return;
	keep_mute(e);
	p = packet_new(e);
	if (tunnel_ack(&e->tunnel, p, e->net->now))
		transmit(e, p);
	else
		packet_free(e, p);
}

static void take_datagram(struct sim_end *e, const struct sim_event *event)
{
	struct packet_list out;
	struct gre_header h;
	struct packet *p;
	size_t at;

	if (gre_header_decode(&h, event->data, event->len, &at) != GRE_OK || !e->tunnel_on ||
		h.call_id != e->tunnel.call_id)
		return;
	packet_list_init(&out);
	p = packet_new(e);
	memcpy(p->data, event->data + at, h.payload_len);
	p->len = h.payload_len;
	tunnel_receive(&e->tunnel, &h, p, e->net->now, &out);
	process(e, &out);
	release(e);
	send_ack(e);
}

static void stream_closed(struct sim_end *e)
{
	if (!e->control_closed)
		control_connection_lost(&e->control, PPTP_TCP_CLOSED, "", e->net->now);
}

void sim_end_event(struct sim_end *e, const struct sim_event *event)
{
	if (event->kind == SIM_DATAGRAM)
		take_datagram(e, event);
	else if (!event->len)
		stream_closed(e);
	else if (!e->control_closed)
		control_connection_receive(&e->control, event->data, event->len, e->net->now);
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t sim_end_deadline(const struct sim_end *e)
{
	uint64_t d = UINT64_MAX;

	if (!e->control_closed)
		d = min(d, control_connection_deadline(&e->control));
	if (e->link_started && !e->link_over)
		d = min(d, ppp_link_deadline(e->link));
	if (e->tunnel_on)
		d = min(d, tunnel_deadline(&e->tunnel));
	if (e->pending_count && (e->link_started || e->link_over))
		d = min(d, e->pending[e->pending_first].at);
	if (e->stop_wanted && !e->has_call && !e->control_closed)
		d = min(d, e->net->now);
	return d;
}

void sim_end_tick(struct sim_end *e)
{
	struct packet_list out;

	deliver_control(e);
	if (e->tunnel_on) {
		packet_list_init(&out);
		tunnel_tick(&e->tunnel, e->net->now, &out);
		process(e, &out);
		release(e);
		send_ack(e);
	}
	if (e->link_started && !e->link_over) {
		if (e->tunnel_on && e->tunnel.stats.last_rx)
			ppp_link_alive(e->link, e->tunnel.stats.last_rx);
		ppp_link_tick(e->link, e->net->now);
	}
	if (!e->control_closed)
		control_connection_tick(&e->control, e->net->now);
	if (e->stop_wanted && !e->has_call && !e->control_closed) {
		e->stop_wanted = false;
		/* The server leaves the good-bye to the client, as ours does for a while. */
		if (e->index == 0)
			control_connection_stop(&e->control, e->reason, e->net->now);
	}
}

void sim_end_close(struct sim_end *e, enum sim_goodbye how)
{
	sim_end_note(e, PPTP_LOCAL_REQUEST, "");
	if (how == SIM_BYE_LINK && e->link_started && !e->link_over)
		ppp_link_close(e->link, PPTP_LOCAL_REQUEST, e->net->now);
	else if (how == SIM_BYE_CALL && e->has_call)
		control_call_hangup(&e->call, PPTP_LOCAL_REQUEST, NULL, e->net->now);
	else if (how == SIM_BYE_CONTROL && !e->control_closed)
		control_connection_stop(&e->control, PPTP_LOCAL_REQUEST, e->net->now);
	else if (!e->control_closed)
		control_connection_lost(&e->control, PPTP_LOCAL_REQUEST, "", e->net->now);
}

bool sim_end_over(const struct sim_end *e)
{
	return e->control_closed && !e->has_call && !e->side.open &&
	       (e->link_over || !e->link_started);
}
