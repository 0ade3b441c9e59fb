/* One end of a simulated call: see end.h. */
#include "tests/sim/end.h"

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

static int send_frame(struct sim_end *e, uint16_t protocol, const uint8_t *info, size_t len)
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

static void note_end(struct sim_end *e, enum pptp_reason reason, const char *detail)
{
	if (e->reason)
		return;
	e->reason = reason;
	snprintf(e->detail, sizeof(e->detail), "%s", detail ? detail : "");
}

static void tunnel_off(struct sim_end *e)
{
	struct packet_list out;
	struct packet *p;

	if (!e->tunnel_on)
		return;
	e->tunnel_on = false;
	packet_list_init(&out);
	e->compressed += e->tunnel.stats.rx_compressed;
	e->headers += e->tunnel.stats.rx_vj;
	tunnel_done(&e->tunnel, &out);
	while ((p = packet_list_take(&out)))
		packet_free(e, p);
}

static void process(struct sim_end *e, struct packet_list *out);

static void open_data(struct sim_end *e, bool open)
{
	struct packet_list out;

	if (!e->tunnel_on)
		return;
	packet_list_init(&out);
	tunnel_open(&e->tunnel, open, &out);
	process(e, &out);
}

/* The link */

static void link_send(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct sim_end *e = user;

	if (e->link_over)
		e->violation = "the link sends after it has finished";
	if (e->tunnel_on)
		(void)send_frame(e, protocol, info, len);
}

static void link_random(void *user, void *buf, size_t len)
{
	struct sim_end *e = user;
	uint8_t *p = buf;

	while (len--)
		*p++ = (uint8_t)sim_random(e->net);
}

static void link_framing(void *user, bool acfc, bool pfc, uint16_t peer_mru)
{
	struct sim_end *e = user;

	(void)peer_mru;
	e->tunnel.acfc = acfc;
	e->tunnel.pfc = pfc;
}

static void link_judge(void *user, const struct ppp_auth_request *request)
{
	struct sim_end *e = user;
	struct ppp_auth_verdict verdict = { 0 };
	struct ppp_network net = {
		.local = 0x0100400a, .remote = 0x0200400a, .dns = { 0x08080808, 0 }
	};
	struct ppp_secret secret;
	bool ok;

	if (e->renewed)
		secret = e->renewal;
	else
		(void)ppp_secret_from_password(&secret, e->config.password);
	if (request->change)
		ok = e->renewed = ppp_auth_check_change(request, &secret, &e->renewal, &verdict) ==
				  PASSWORD_GOOD;
	else if (request->certificate)
		verdict.ok = ok = !strcmp(request->certificate->names[0], e->config.user);
	else
		ok = ppp_auth_check(request, &secret, &verdict) &&
		     !strcmp(request->name, e->config.user);
	if (!ok)
		verdict = (struct ppp_auth_verdict){ .error = 691 };
	else if (e->config.expired && !e->renewed)
		verdict = (struct ppp_auth_verdict){ .error = 648, .change = true };
	ok = verdict.ok;
	ppp_link_verdict(e->link, &verdict, ok ? &net : NULL, e->net->now);
}

static void link_new_password(void *user, bool changed)
{
	struct sim_end *e = user;

	if (e->renewed || !changed)
		e->violation = "a new password held twice, or unchanged";
	e->renewed = true;
}

static void link_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct sim_end *e = user;

	tunnel_set_tx(&e->tunnel, params, start);
}

static void link_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct sim_end *e = user;

	tunnel_set_rx(&e->tunnel, params, start);
}

static void link_reset(void *user)
{
	struct sim_end *e = user;

	tunnel_reset_requested(&e->tunnel);
}

static void set_codec(struct sim_end *e, const struct codec_params *params, bool sending)
{
	struct codec *c = params ? codec_new(params, sending) : NULL;

	if (params && !c)
		abort();
	if (e->tunnel_on && sending)
		tunnel_set_pack(&e->tunnel, c);
	else if (e->tunnel_on)
		tunnel_set_unpack(&e->tunnel, c);
	else
		codec_free(c);
	if (params && !sending)
		e->unpack = params->kind;
}

static void link_pack(void *user, const struct codec_params *params)
{
	set_codec(user, params, true);
}

static void link_unpack(void *user, const struct codec_params *params)
{
	set_codec(user, params, false);
}

static void link_vj(void *user, bool sending, const struct vj_params *params)
{
	struct sim_end *e = user;
	struct vj *vj = params ? vj_new(params) : NULL;

	if (params && !vj)
		abort();
	if (params && !e->config.vj)
		e->violation = "headers are compressed although that is not allowed";
	if (e->tunnel_on)
		tunnel_set_vj(&e->tunnel, sending, vj);
	else
		vj_free(vj);
}

static void link_up(void *user, const struct ppp_network *net)
{
	struct sim_end *e = user;

	e->network = *net;
	e->up = e->ever_up = true;
	e->up_at = e->net->now;
	open_data(e, true);
}

static void link_down(void *user)
{
	struct sim_end *e = user;

	e->up = false;
	open_data(e, false);
}

static void link_up6(void *user, const struct ppp_network *net)
{
	static const uint8_t none[8];
	struct sim_end *e = user;

	if (e->up6 || !e->up || e->link_over)
		e->violation = "IPv6 is up twice, or without IPv4";
	if (e->config.mppe.policy == PPP_MPPE_REQUIRE && (!e->tunnel.tx || !e->tunnel.rx))
		e->violation = "IPv6 is up without the encryption that is required";
	if (!memcmp(net->local_id, none, 8) || !memcmp(net->remote_id, none, 8) ||
		!memcmp(net->local_id, net->remote_id, 8))
		e->violation = "interface identifiers are zero or the same";
	e->up6 = true;
}

static void link_down6(void *user)
{
	struct sim_end *e = user;

	if (!e->up6 || e->link_over)
		e->violation = "IPv6 is down twice";
	e->up6 = false;
}

static void hang_up(struct sim_end *e)
{
	static const struct control_hangup how = { .result = CONTROL_DISCONNECT_GENERAL_ERROR };

	tunnel_off(e);
	if (e->has_call)
		control_call_hangup(&e->call, e->reason, &how, e->net->now);
}

static void link_finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct sim_end *e = user;

	if (e->link_over)
		e->violation = "the link finished twice";
	note_end(e, reason, detail);
	e->link_over = true;
	e->up = false;
	e->stop_wanted = true;
	hang_up(e);
}

__attribute__((format(printf, 3, 0))) static void link_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	struct sim_end *e = user;

	(void)level;
	if (getenv("SIM_TRACE")) {
		printf("# %10.6f %s: ", (double)e->net->now / 1e6, e->index ? "server" : "client");
		vprintf(format, ap);
		printf("\n");
	}
}

static const struct ppp_link_ops link_ops = {
	.send = link_send,
	.random = link_random,
	.framing = link_framing,
	.judge = link_judge,
	.new_password = link_new_password,
	.mppe_tx = link_tx,
	.mppe_rx = link_rx,
	.mppe_reset = link_reset,
	.pack = link_pack,
	.unpack = link_unpack,
	.vj = link_vj,
	.up = link_up,
	.down = link_down,
	.up6 = link_up6,
	.down6 = link_down6,
	.finished = link_finished,
	.log = link_log,
};

/* The control connection */

static void tunnel_start(struct sim_end *e, uint16_t call_id, uint16_t peer_call_id,
	uint16_t peer_window, uint16_t peer_delay)
{
	struct tunnel_config config = {
		.call_id = call_id,
		.peer_call_id = peer_call_id,
		.window = e->config.window,
		.peer_window = peer_window,
		.peer_delay = peer_delay,
		.flow = e->config.flow,
		.require_mppe = e->config.mppe.policy == PPP_MPPE_REQUIRE,
	};

	tunnel_init(&e->tunnel, &config);
	e->tunnel_on = true;
}

static void op_send(void *user, const uint8_t *data, size_t len)
{
	struct sim_end *e = user;

	if (!e->control_closed)
		sim_send(e->net, SIM_STREAM, 1 - e->index, data, len);
}

static void op_established(void *user)
{
	struct sim_end *e = user;
	struct control_call_params params = { .window = e->config.window,
		.processing_delay = e->config.delay,
		.max_bps = 100000000,
		.bearer = 3,
		.framing = 3 };

	if (e->index)
		return;
	params.call_id = (uint16_t)sim_random(e->net);
	if (control_call_dial(&e->control, &e->call, &params, e->net->now) < 0) {
		e->violation = "a call could not be dialled";
		return;
	}
	e->has_call = true;
	tunnel_start(e, params.call_id, 0, 0, 0);
}

static void start_link(struct sim_end *e)
{
	e->link_started = true;
	ppp_link_start(e->link, e->net->now);
}

static void op_outgoing_call(void *user, const struct control_outgoing_request *request)
{
	struct sim_end *e = user;
	struct control_call_params params = { .window = e->config.window,
		.processing_delay = e->config.delay,
		.connect_speed = 100000000 };

	params.call_id = (uint16_t)sim_random(e->net);
	if (e->has_call || control_call_take(&e->control, &e->call, request, params.call_id,
				   e->net->now) < 0) {
		control_connection_refuse(&e->control, request, CONTROL_OUTGOING_BUSY, 0, 0);
		return;
	}
	e->has_call = true;
	tunnel_start(
		e, params.call_id, request->call_id, request->window, request->processing_delay);
	control_call_connect(&e->call, &params, e->net->now);
	start_link(e);
	sim_side_offer(&e->side, &e->control, params.call_id, e->net->now);
}

static void op_incoming_call(void *user, const struct control_incoming_request *request)
{
	struct sim_end *e = user;

	sim_side_requested(&e->side, &e->control, e->tunnel.call_id, request, e->net->now);
}

static void op_call_accepted(void *user, struct control_call *call)
{
	struct sim_end *e = user;

	if (call != &e->side.call)
		e->violation = "a call that was not offered was accepted";
	else
		sim_side_accepted(&e->side, e->net->now);
}

static void reported(struct sim_end *e, const struct control_call *call)
{
	if (call != &e->side.call || !e->side.up)
		e->violation = "a report on the line came for the wrong call";
	e->side.reports++;
}

static void op_link_info(
	void *user, struct control_call *call, const struct control_link_info *info)
{
	(void)info;
	reported(user, call);
}

static void op_wan_error(
	void *user, struct control_call *call, const struct control_wan_error *error)
{
	struct sim_end *e = user;

	if (error->crc != e->side.reports + (e->index ? 0 : 1))
		e->violation = "errors of the line got lost or were told twice";
	reported(e, call);
}

static void op_call_established(void *user, struct control_call *call)
{
	struct sim_end *e = user;

	if (call == &e->side.call) {
		sim_side_established(&e->side, e->net->now);
		return;
	}
	tunnel_set_peer(&e->tunnel, call->peer_call_id, call->peer_window, call->peer_delay);
	if (!e->link_over)
		start_link(e);
}

static void op_call_ended(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct sim_end *e = user;

	if (call == &e->side.call ? !sim_side_ended(&e->side) : !e->has_call)
		e->violation = "a call ended twice";
	if (call == &e->side.call)
		return;
	e->has_call = false;
	/* The link first: if it was ending, it knows the better reason. */
	if (!e->link_over)
		ppp_link_lower_down(e->link, reason, detail, e->net->now);
	note_end(e, reason, detail);
	tunnel_off(e);
	e->stop_wanted = true;
}

static void op_closed(void *user, enum pptp_reason reason, const char *detail)
{
	struct sim_end *e = user;

	if (e->control_closed)
		e->violation = "a control connection closed twice";
	if (e->has_call || e->side.open)
		e->violation = "a control connection closed with a call in it";
	note_end(e, reason, detail);
	e->control_closed = true;
	sim_send(e->net, SIM_STREAM, 1 - e->index, NULL, 0);
}

static const struct control_ops control_ops = {
	.send = op_send,
	.established = op_established,
	.outgoing_call = op_outgoing_call,
	.incoming_call = op_incoming_call,
	.call_accepted = op_call_accepted,
	.link_info = op_link_info,
	.wan_error = op_wan_error,
	.call_established = op_call_established,
	.call_ended = op_call_ended,
	.closed = op_closed,
};

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
	e->link = ppp_link_new(&l, &link_ops, e);
	if (!e->link)
		abort();
	control_connection_init(&e->control, index ? CONTROL_RECEIVER : CONTROL_ORIGINATOR,
		&e->control_config, &control_ops, e, net->now);
}

void sim_end_done(struct sim_end *e)
{
	tunnel_off(e);
	ppp_link_free(e->link);
}

bool sim_end_send_data(struct sim_end *e, size_t len)
{
	uint8_t data[TCP_PACKET_MAX];

	len = sim_data_make(e, len, data);
	return send_frame(e, PPP_IP, data, len) == 0;
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
	note_end(e, PPTP_LOCAL_REQUEST, "");
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
