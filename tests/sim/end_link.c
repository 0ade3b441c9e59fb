/* One end of a simulated call: what its PPP link wants of it. See end.h. */
#include "tests/sim/end_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void link_send(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct sim_end *e = user;

	if (e->link_over)
		e->violation = "the link sends after it has finished";
	if (e->tunnel_on)
		(void)sim_end_frame(e, protocol, info, len);
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
	sim_end_open_data(e, true);
}

static void link_down(void *user)
{
	struct sim_end *e = user;

	e->up = false;
	sim_end_open_data(e, false);
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

	sim_end_tunnel_off(e);
	if (e->has_call)
		control_call_hangup(&e->call, e->reason, &how, e->net->now);
}

static void link_finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct sim_end *e = user;

	if (e->link_over)
		e->violation = "the link finished twice";
	sim_end_note(e, reason, detail);
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

const struct ppp_link_ops sim_link_ops = {
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
