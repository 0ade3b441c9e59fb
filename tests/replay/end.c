/*
 * Our end of a replayed conversation: a control connection with one call, a PPP link in it, joined
 * as a session joins them. What it sends and what it reports is kept for the file to ask about.
 */
#include "tests/replay/replay.h"

#include "lib/mppe/keys.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void note(struct replay *r, const char *format, ...)
{
	va_list ap;

	if (r->reported == REPORT_MAX) {
		fail(r, "too many reports");
		return;
	}
	va_start(ap, format);
	vsnprintf(r->reports[r->reported++], sizeof(r->reports[0]), format, ap);
	va_end(ap);
}

static void keep(struct replay *r, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct sent *s = &r->sent[r->sent_count];

	if (r->sent_count == OUT_MAX || len > sizeof(s->data)) {
		fail(r, "our end sends too much");
		return;
	}
	r->sent_count++;
	s->protocol = protocol;
	s->matched = false;
	s->len = len;
	memcpy(s->data, data, len);
	if (r->pcap && protocol != CONTROL)
		pcap_frame(r->pcap, r->now, protocol, data, len);
}

/* The PPP link's side. */

static void link_send(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	keep(user, protocol, info, len);
}

static void link_random(void *user, void *buf, size_t len)
{
	struct replay *r = user;
	uint8_t *out = buf;

	while (len--) {
		r->seed = r->seed * 1103515245 + 12345;
		*out++ = (uint8_t)(r->seed >> 16);
	}
}

static void link_framing(void *user, bool acfc, bool pfc, uint16_t peer_mru)
{
	note(user, "framing%s%s, %u octets at most", acfc ? " acfc" : "", pfc ? " pfc" : "",
		peer_mru);
}

static void link_judge(void *user, const struct ppp_auth_request *request)
{
	struct replay *r = user;
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	note(r, "judge %s", request->name);
	if (ppp_secret_from_password(&secret, r->scope.password))
		fail(r, "the password has no hash");
	(void)ppp_auth_check(request, &secret, &verdict);
	ppp_link_verdict(r->link, &verdict, &r->net, r->now);
}

/* The key for a direction, from the conversation alone. */
static bool key_fits(struct replay *r, bool server_sends, const uint8_t start[16])
{
	const uint8_t *challenge = pattern_find(&r->scope, "challenge", 16);
	const uint8_t *peer_challenge = pattern_find(&r->scope, "peer-challenge", 16);
	const uint8_t *response = pattern_find(&r->scope, "response", 24);
	uint8_t hash[16], hash_hash[16], want[24], master[16], key[16];

	if (!challenge || !peer_challenge || !response || mschap_nt_hash(r->scope.password, hash))
		return false;
	mschap2_nt_response(challenge, peer_challenge, r->scope.user, hash, want);
	mschap_hash_hash(hash, hash_hash);
	mppe_master_key(hash_hash, response, master);
	mppe_start_key(master, server_sends, key);
	return !memcmp(want, response, sizeof(want)) && !memcmp(key, start, sizeof(key));
}

static void encryption(
	struct replay *r, bool sending, const struct mppe_params *params, const uint8_t start[16])
{
	const char *way = sending ? "sends" : "receives";

	if (!params) {
		note(r, "%s in clear", way);
		return;
	}
	note(r, "%s MPPE %d %s", way, (int)params->bits,
		params->stateless ? "stateless" : "stateful");
	if (!key_fits(r, sending == r->server, start))
		fail(r, "the key with which our end %s is not that of the conversation", way);
}

static void link_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	encryption(user, true, params, start);
}

static void link_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	encryption(user, false, params, start);
}

static void link_reset(void *user)
{
	note(user, "reset");
}

static const char *address(uint32_t a, char text[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, text, INET_ADDRSTRLEN);
}

static void link_up(void *user, const struct ppp_network *net)
{
	char local[INET_ADDRSTRLEN], remote[INET_ADDRSTRLEN], dns[INET_ADDRSTRLEN],
		nbns[INET_ADDRSTRLEN];

	note(user, "up %s %s dns %s nbns %s", address(net->local, local),
		address(net->remote, remote), address(net->dns[0], dns),
		address(net->nbns[0], nbns));
}

static void link_down(void *user)
{
	note(user, "down");
}

static void link_finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct replay *r = user;

	r->link_over = true;
	note(r, "link over: %s%s%s", pptp_reason_name(reason), detail[0] ? ", " : "", detail);
	if (r->has_call)
		control_call_hangup(&r->call, reason,
			&(struct control_hangup){ .result = CONTROL_DISCONNECT_REQUEST }, r->now);
}

__attribute__((format(printf, 3, 0))) static void link_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	(void)user;
	(void)level;
	printf("#   ");
	vprintf(format, ap);
	printf("\n");
}

static const struct ppp_link_ops link_ops = {
	.send = link_send,
	.random = link_random,
	.framing = link_framing,
	.judge = link_judge,
	.mppe_tx = link_tx,
	.mppe_rx = link_rx,
	.mppe_reset = link_reset,
	.up = link_up,
	.down = link_down,
	.finished = link_finished,
	.log = link_log,
};

/* The control connection's side. */

static void control_send(void *user, const uint8_t *data, size_t len)
{
	keep(user, CONTROL, data, len);
}

static void start_link(struct replay *r)
{
	r->link = ppp_link_new(&r->link_config, &link_ops, r);
	if (!r->link) {
		fail(r, "no link");
		return;
	}
	ppp_link_start(r->link, r->now);
}

static struct control_call_params call_params(void)
{
	return (struct control_call_params){ .call_id = 0x6379,
		.serial = 1,
		.min_bps = 300,
		.max_bps = 100000000,
		.connect_speed = 100000000,
		.bearer = CONTROL_BEARER_ANY,
		.framing = CONTROL_FRAMING_ANY,
		.window = 64 };
}

static void control_established(void *user)
{
	struct replay *r = user;
	struct control_call_params params = call_params();

	note(r, "established");
	if (r->server)
		return;
	r->has_call = true;
	if (control_call_dial(&r->connection, &r->call, &params, r->now))
		fail(r, "our end cannot dial");
}

static void control_outgoing_call(void *user, const struct control_outgoing_request *request)
{
	struct replay *r = user;
	struct control_call_params params = call_params();

	note(r, "call %u", request->call_id);
	if (control_call_take(&r->connection, &r->call, request, params.call_id, r->now)) {
		fail(r, "our end cannot take the call");
		return;
	}
	r->has_call = true;
	control_call_connect(&r->call, &params, r->now);
	start_link(r);
}

static void control_call_up(void *user, struct control_call *call)
{
	note(user, "connected, window %u", call->peer_window);
	start_link(user);
}

static void control_call_over(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct replay *r = user;

	(void)call;
	r->has_call = false;
	note(r, "call over: %s%s%s", pptp_reason_name(reason), detail[0] ? ", " : "", detail);
	if (r->link && !r->link_over)
		ppp_link_lower_down(r->link, reason, detail, r->now);
}

static void control_link_info(
	void *user, struct control_call *call, const struct control_link_info *info)
{
	(void)call;
	note(user, "link info %08x %08x", info->send_accm, info->receive_accm);
}

static void control_closed(void *user, enum pptp_reason reason, const char *detail)
{
	struct replay *r = user;

	r->closed = true;
	note(r, "closed: %s%s%s", pptp_reason_name(reason), detail[0] ? ", " : "", detail);
}

static const struct control_ops control_ops = {
	.send = control_send,
	.established = control_established,
	.outgoing_call = control_outgoing_call,
	.call_established = control_call_up,
	.call_ended = control_call_over,
	.link_info = control_link_info,
	.closed = control_closed,
};

void end_begin(struct replay *r)
{
	r->link_config.role = r->server ? PPP_SERVER : PPP_CLIENT;
	r->link_config.name = r->server ? "vpn" : r->scope.user;
	r->link_config.password = r->server ? NULL : r->scope.password;
	snprintf(r->control_config.host_name, sizeof(r->control_config.host_name), "vpn");
	snprintf(r->control_config.vendor, sizeof(r->control_config.vendor), "greyline");
	r->control_config.framing = CONTROL_FRAMING_ANY;
	r->control_config.bearer = CONTROL_BEARER_ANY;
	r->control_config.firmware = 1;
	control_connection_init(&r->connection, r->server ? CONTROL_RECEIVER : CONTROL_ORIGINATOR,
		&r->control_config, &control_ops, r, r->now);
}
