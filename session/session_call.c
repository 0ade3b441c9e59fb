/*
 * A session's call in its control connection: the four kinds of RFC 2637 section 3.2 (see session.h), from the
 * request to the hang-up.
 */
#include "session/session_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WAN_LOG_INTERVAL 50000000ull /* us */

static bool is_pac(const struct session *s)
{
	return s->kind == SESSION_TAKEN || s->kind == SESSION_OFFERED;
}

static enum pptp_reason reason_of(const struct line_failure *failure)
{
	enum pptp_reason reason = control_outgoing_reason(failure->result);
	bool full = failure->error == CONTROL_ERROR_NO_RESOURCE;

	return reason == PPTP_CALL_REFUSED && full ? PPTP_NO_RESOURCES : reason;
}

static uint8_t disconnect_result(enum pptp_reason reason)
{
	switch (reason) {
	case PPTP_ADMIN:
	case PPTP_SHUTDOWN:
		return CONTROL_DISCONNECT_ADMIN_SHUTDOWN;
	case PPTP_PPP_TERMINATED:
	case PPTP_LOCAL_REQUEST:
		return CONTROL_DISCONNECT_REQUEST;
	case PPTP_GRE_SILENT:
	case PPTP_LCP_ECHO_TIMEOUT:
	case PPTP_LOST_CARRIER:
	case PPTP_CALL_NO_CARRIER: /* an offered call whose caller is gone when it is answered */
		return CONTROL_DISCONNECT_LOST_CARRIER;
	default:
		return CONTROL_DISCONNECT_GENERAL_ERROR;
	}
}

/* For a telephone line's call: what a PNS would like to have in its accounts (2.13: up to 128 octets). */
static void write_statistics(struct session *s)
{
	static const struct control_wan_error none;
	const struct control_wan_error *e = s->news ? &s->news->errors : &none;
	char text[LINE_STATISTICS];
	struct tunnel_stats t;
	uint64_t seconds;

	if (s->statistics[0] || !s->line->ops->raw || !s->up_at)
		return;
	session_stats(s, &t);
	seconds = (clock_now() - s->up_at) / 1000000;
	snprintf(text, sizeof(text),
		"%" PRIu64 " s; frames %" PRIu64 "/%" PRIu64 "; bytes %" PRIu64 "/%" PRIu64
		" of data; crc %" PRIu32 " fr %" PRIu32 " hw %" PRIu32 " buf %" PRIu32
		" to %" PRIu32 " al %" PRIu32,
		seconds, t.rx_control + t.rx_packets, t.tx_control + t.tx_packets, t.rx_bytes,
		t.tx_bytes, e->crc, e->framing, e->hardware, e->buffer, e->time_out, e->alignment);
	session_keep_text(&s->statistics, text);
}

/* The PNS hangs up: it, too, is told what the call came to. */
void session_call_clearing(struct session *s, struct control_hangup *how)
{
	write_statistics(s);
	how->statistics = s->statistics[0] ? s->statistics : NULL;
}

void session_hang_up_call(struct session *s)
{
	struct connection *c = s->connection;
	struct control_hangup how = { .result = disconnect_result(s->reason), .cause = s->cause };
	uint64_t now = clock_now();

	if (s->has_failure && !s->connected &&
		(s->kind == SESSION_TAKEN || s->kind == SESSION_ACCEPTED)) {
		control_call_refuse(
			&s->call, s->failure.result, s->failure.error, s->failure.cause, now);
	} else {
		write_statistics(s);
		how.statistics = s->statistics[0] ? s->statistics : NULL;
		control_call_hangup(&s->call, s->reason, &how, now);
	}
	connection_update(c);
}

/* ---- from the line */

static void announce(const struct session *s, struct control_call_params *params)
{
	params->call_id = s->call_id;
	params->window = s->config->window;
	params->processing_delay = s->config->processing_delay;
}

/* PAC: the line is there. */
void session_connected(struct session *s, const struct line_connection *connection)
{
	struct control_call_params params = { 0 };

	if (s->ending || s->connected || !s->has_call)
		return;
	announce(s, &params);
	params.connect_speed = s->speed = connection->speed;
	params.physical_channel = connection->channel;
	params.framing = connection->framing;
	if (connection->delay > params.processing_delay)
		params.processing_delay = connection->delay;
	s->connected = true;
	if (s->kind == SESSION_TAKEN)
		control_call_connect(&s->call, &params, clock_now());
	else
		control_call_answered(&s->call, &params, clock_now());
	if (!s->has_call)
		return;
	connection_update(s->connection);
	session_start_line(s);
}

/* The line could not be had: it is over. */
void session_failed(struct session *s, const struct line_failure *failure)
{
	if (!s->has_failure && !s->ending) {
		s->has_failure = true;
		s->failure = *failure;
		s->cause = failure->cause;
	}
	session_begin_end(s, reason_of(failure), line_cause_text(failure->cause));
	session_line_is_over(s);
}

static void default_connection(const struct session *s, struct line_connection *out)
{
	memset(out, 0, sizeof(*out));
	out->speed = s->config->speed;
	out->framing = CONTROL_FRAMING_SYNC;
}

/* ---- calls that the peer asks for */

/* May be answered: the PAC's line is dialled, the PNS says yes. */
static void admitted(struct session *s)
{
	struct line_failure failure = { .result = CONTROL_OUTGOING_GENERAL_ERROR,
		.error = CONTROL_ERROR_PAC_ERROR };
	struct line_connection connection;
	struct control_call_params params = { 0 };
	uint64_t now = clock_now();
	int rc = 1;

	if (s->kind == SESSION_ACCEPTED) {
		announce(s, &params);
		control_call_accept(&s->call, &params, now);
		if (s->has_call)
			connection_update(s->connection);
		return;
	}
	default_connection(s, &connection);
	if (s->line->ops->dial)
		rc = s->line->ops->dial(s->line, s->asked, &connection, &failure, now);
	if (rc > 0)
		session_connected(s, &connection);
	else if (rc < 0)
		session_failed(s, &failure);
}

/* Not answered: the line, which knows of nothing yet, is told first. */
static void not_admitted(struct session *s, const struct line_failure *failure)
{
	s->has_failure = true;
	s->failure = *failure;
	s->cause = failure->cause;
	session_begin_end(s,
		failure->result == CONTROL_OUTGOING_DO_NOT_ACCEPT ? PPTP_ADMIN : reason_of(failure),
		"the call was refused here");
	if (!s->line_over)
		s->line->ops->lost(s->line, s->reason, s->detail, clock_now());
	session_line_is_over(s);
}

void session_admit(struct session *s, const struct line_failure *failure)
{
	if (s->ending)
		return;
	if (failure)
		not_admitted(s, failure);
	else
		admitted(s);
	session_settle(s);
}

static void ask_owner(struct session *s)
{
	struct line_failure failure = { .result = CONTROL_OUTGOING_DO_NOT_ACCEPT };
	int rc = s->ops->admit ? s->ops->admit(s, &failure) : 1;

	if (rc > 0)
		session_admit(s, NULL);
	else if (rc < 0)
		session_admit(s, &failure);
}

static const char *no_place = "no free Call ID or channel, or the peer uses its own Call ID twice";

struct session *session_answer(struct hub *h, struct connection *c,
	const struct control_outgoing_request *request, struct line *line,
	const struct session_config *config, const struct session_ops *ops, void *owner)
{
	struct line_call asked = {
		.min_bps = request->min_bps,
		.max_bps = request->max_bps,
		.bearer = request->bearer,
		.framing = request->framing,
	};
	struct session *s;

	memcpy(asked.number, request->phone, sizeof(asked.number));
	memcpy(asked.subaddress, request->subaddress, sizeof(asked.subaddress));
	s = session_new(h, c, SESSION_TAKEN, &asked, line, config, ops, owner);
	if (!s) {
		control_connection_refuse(&c->control, request, CONTROL_OUTGOING_GENERAL_ERROR,
			CONTROL_ERROR_NO_RESOURCE, 0);
		return NULL;
	}
	if (session_add_to_dataplane(
		    s, request->call_id, request->window, request->processing_delay) < 0 ||
		control_call_take(&c->control, &s->call, request, s->call_id, clock_now()) < 0) {
		control_connection_refuse(&c->control, request, CONTROL_OUTGOING_GENERAL_ERROR,
			CONTROL_ERROR_NO_RESOURCE, 0);
		session_abandon(s, PPTP_NO_RESOURCES, no_place);
		return NULL;
	}
	s->call.owner = s;
	s->has_call = true;
	connection_update(c);
	ask_owner(s);
	return s;
}

struct session *session_take(struct hub *h, struct connection *c,
	const struct control_incoming_request *request, const struct session_config *config,
	const struct session_ops *ops, void *owner)
{
	struct line_call asked = { .bearer = request->bearer,
		.channel = request->physical_channel };
	struct session *s;

	memcpy(asked.number, request->dialed, sizeof(asked.number));
	memcpy(asked.calling, request->dialing, sizeof(asked.calling));
	memcpy(asked.subaddress, request->subaddress, sizeof(asked.subaddress));
	s = session_new(h, c, SESSION_ACCEPTED, &asked, NULL, config, ops, owner);
	if (!s) {
		control_connection_refuse_incoming(&c->control, request,
			CONTROL_INCOMING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE);
		return NULL;
	}
	if (session_add_to_dataplane(s, request->call_id, 0, 0) < 0 ||
		control_call_take_incoming(
			&c->control, &s->call, request, s->call_id, clock_now()) < 0) {
		control_connection_refuse_incoming(&c->control, request,
			CONTROL_INCOMING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE);
		session_abandon(s, PPTP_NO_RESOURCES, no_place);
		return NULL;
	}
	s->call.owner = s;
	s->has_call = true;
	connection_update(c);
	ask_owner(s);
	return s;
}

/* ---- calls that we ask for */

/* Asks the peer. NULL if it could not be asked. */
static struct session *ask(struct session *s)
{
	struct connection *c = s->connection;
	struct control_call_params params = { 0 };
	int rc;

	if (session_add_to_dataplane(s, 0, 0, 0) < 0) {
		session_abandon(s, PPTP_NO_RESOURCES, "no free Call ID");
		return NULL;
	}
	announce(s, &params);
	params.serial = (uint16_t)s->id;
	params.min_bps = s->asked->min_bps;
	params.max_bps = s->asked->max_bps;
	params.bearer = s->asked->bearer;
	params.framing = s->asked->framing;
	params.physical_channel = s->asked->channel;
	params.phone = params.dialed = s->asked->number;
	params.dialing = s->asked->calling;
	params.subaddress = s->asked->subaddress;
	if (s->kind == SESSION_DIALLED)
		rc = control_call_dial(&c->control, &s->call, &params, clock_now());
	else
		rc = control_call_offer(&c->control, &s->call, &params, clock_now());
	if (rc < 0) {
		session_abandon(s, PPTP_NO_RESOURCES, "the call could not be placed");
		return NULL;
	}
	s->call.owner = s;
	s->has_call = true;
	connection_update(c);
	return s;
}

struct session *session_dial_line(struct hub *h, struct connection *c, struct line *line,
	const struct session_config *config, const struct session_ops *ops, void *owner)
{
	struct session *s =
		session_new(h, c, SESSION_DIALLED, &config->call, line, config, ops, owner);

	return s ? ask(s) : NULL;
}

struct session *session_dial(struct hub *h, struct connection *c,
	const struct session_config *config, const struct session_ops *ops, void *owner)
{
	return session_dial_line(h, c, NULL, config, ops, owner);
}

struct session *session_offer(struct hub *h, struct connection *c, const struct line_call *call,
	struct line *line, const struct session_config *config, const struct session_ops *ops,
	void *owner)
{
	struct session *s = session_new(h, c, SESSION_OFFERED, call, line, config, ops, owner);

	return s ? ask(s) : NULL;
}

/* ---- from the control connection */

static void set_peer(struct session *s)
{
	dp_session_set_peer(
		s->hub->dp, s->dp, s->call.peer_call_id, s->call.peer_window, s->call.peer_delay);
}

/* The PNS wants the call that we offered: the receiver is lifted. */
void session_call_accepted(struct session *s)
{
	struct line_connection connection;
	int rc = 1;

	if (s->ending)
		return;
	set_peer(s);
	default_connection(s, &connection);
	if (s->line->ops->answer)
		rc = s->line->ops->answer(s->line, &connection, clock_now());
	if (rc > 0)
		session_connected(s, &connection);
	else if (rc < 0)
		session_failed(s, &(struct line_failure){ .result = CONTROL_OUTGOING_NO_CARRIER,
					  .cause = LINE_CAUSE_NETWORK });
	session_settle(s);
}

void session_call_established(struct session *s)
{
	if (s->ending)
		return;
	set_peer(s);
	s->connected = true;
	s->speed = s->call.connect_speed;
	session_start_line(s);
	session_settle(s);
}

/* What the PAC said of the end, for reports and the log. */
static void keep_last_words(struct session *s)
{
	const struct control_disconnect *d = s->call.disconnect;
	char text[LINE_STATISTICS];

	if (s->call.cause)
		s->cause = s->call.cause;
	if (!d || is_pac(s))
		return;
	log_escape(
		text, sizeof(text), d->statistics, strnlen(d->statistics, sizeof(d->statistics)));
	session_keep_text(&s->statistics, text);
	/* Of a call that never came up they are a stranger's, who may make as many as he likes. */
	if (s->statistics[0])
		log_about(s->up_at || s->kind == SESSION_DIALLED ? LOG_INFO : LOG_DEBUG, s->subject,
			"the peer's statistics of the call: %s", s->statistics);
}

void session_call_ended(struct session *s, enum pptp_reason reason, const char *detail)
{
	const char *cause = line_cause_text(s->call.cause);
	bool was_over = s->line_over;
	char text[SESSION_DETAIL];

	/* In an Incoming-Call-Reply that is all that a PNS can say: it does not want the call (2.10). */
	if (s->kind == SESSION_OFFERED && reason == PPTP_CALL_REFUSED &&
		s->call.result == CONTROL_INCOMING_DO_NOT_ACCEPT)
		reason = PPTP_CALL_PROHIBITED;

	keep_last_words(s);
	snprintf(text, sizeof(text), "%s%s%s%s", detail, *cause ? " (" : "", cause,
		*cause ? ")" : "");
	detail = text;
	s->has_call = false;
	s->connection = NULL; /* it may go from now on */
	/* The line first: if it was ending, it knows the better reason. */
	if (!was_over)
		s->line->ops->lost(s->line, reason, detail, clock_now());
	session_begin_end(s, reason, detail);
	session_line_is_over(s);
	session_settle(s);
}

void session_wan_error(struct session *s, const struct control_wan_error *e)
{
	struct session_line_news *news;
	uint64_t now = clock_now();

	if (is_pac(s))
		return; /* the line is ours */
	news = session_news(s);
	if (!news)
		return;
	news->errors = *e;
	/* Honest ones come once in 60 s (2.14); the log is not for others to fill. */
	if (news->wan_logged && now - news->wan_logged < WAN_LOG_INTERVAL)
		return;
	news->wan_logged = now;
	log_about(LOG_WARNING, s->subject,
		"the peer reports line errors: CRC %" PRIu32 ", framing %" PRIu32
		", hardware overrun %" PRIu32 ", buffer overrun %" PRIu32 ", time-out %" PRIu32
		", alignment %" PRIu32,
		e->crc, e->framing, e->hardware, e->buffer, e->time_out, e->alignment);
}

void session_link_info(struct session *s, const struct control_link_info *info)
{
	log_about(LOG_DEBUG, s->subject,
		"Set-Link-Info: send ACCM %08" PRIx32 ", receive %08" PRIx32, info->send_accm,
		info->receive_accm);
	if (session_news(s)) {
		s->news->has_accm = true;
		s->news->send_accm = info->send_accm;
		s->news->receive_accm = info->receive_accm;
	}
	if (!s->line_over && s->line->ops->link_info)
		s->line->ops->link_info(s->line, info->send_accm, info->receive_accm);
}
