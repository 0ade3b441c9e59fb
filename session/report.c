/* JSON of sessions: see report.h. */
#include "session/report.h"

#include "session/report_limit.h"
#include "session/report_target.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *address(uint32_t addr)
{
	char text[INET_ADDRSTRLEN];

	if (!addr)
		return json_null();
	inet_ntop(AF_INET, &addr, text, sizeof(text));
	return json_string(text);
}

static json_t *address6(const uint8_t octets[16])
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, octets, text, sizeof(text));
	return json_string(text);
}

/* RFC 5072 4.1, as in an address. */
static json_t *identifier(const uint8_t id[8])
{
	char text[20];

	snprintf(text, sizeof(text), "%02x%02x:%02x%02x:%02x%02x:%02x%02x", id[0], id[1], id[2],
		id[3], id[4], id[5], id[6], id[7]);
	return json_string(text);
}

/* What is said in the link: both ends' addresses, and what the server advertises or advertised. */
static json_t *ipv6(const struct session *s)
{
	const struct nd_advertisement *ra = &s->ipv6.nd->advertise;
	json_t *o = json_object(), *prefixes = json_array(), *dns = json_array();
	uint8_t link_local[16];

	nd_link_local(link_local, s->ipv6.local_id);
	json_object_set_new(o, "local_address", address6(link_local));
	nd_link_local(link_local, s->ipv6.remote_id);
	json_object_set_new(o, "address", address6(link_local));
	json_object_set_new(o, "local_identifier", identifier(s->ipv6.local_id));
	json_object_set_new(o, "identifier", identifier(s->ipv6.remote_id));
	for (unsigned int i = 0; i < ra->prefix_count; i++) {
		char text[INET6_ADDRSTRLEN + 8];
		size_t n;

		inet_ntop(AF_INET6, ra->prefixes[i].prefix, text, sizeof(text));
		n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "/%u", ra->prefixes[i].len);
		json_array_append_new(prefixes, json_string(text));
	}
	for (unsigned int i = 0; i < ra->dns_count; i++)
		json_array_append_new(dns, address6(ra->dns[i]));
	json_object_set_new(o, "prefixes", prefixes);
	json_object_set_new(o, "dns", dns);
	return o;
}

static json_t *addresses(const uint32_t *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		if (list[i])
			json_array_append_new(array, address(list[i]));
	}
	return array;
}

static json_t *timestamp(time_t t)
{
	char text[32];
	struct tm tm;

	if (!t)
		return json_null();
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static const char *state_name(const struct session *s, const struct ppp_link_info *info)
{
	if (s->ending)
		return "ending";
	if (s->is_up)
		return "up";
	if (!s->line_started)
		return s->kind == SESSION_ACCEPTED || s->kind == SESSION_OFFERED ? "ringing"
										 : "dialling";
	return s->line->ops->raw ? "connected" : ppp_phase_name(info->phase);
}

static json_t *encryption(const struct ppp_link_info *info)
{
	char text[32];

	if (!info->tx_encrypted)
		return json_string("none");
	snprintf(text, sizeof(text), "MPPE-%d %s", (int)info->mppe.bits,
		info->mppe.stateless ? "stateless" : "stateful");
	return json_string(text);
}

/* The states of PPP's control protocols; null where the frames are another's. */
static json_t *protocols(const struct ppp_link_info *info)
{
	json_t *o;

	if (!info->lcp)
		return json_null();
	o = json_object();
	json_object_set_new(o, "lcp", json_string(info->lcp));
	json_object_set_new(o, "ccp", json_string(info->ccp));
	json_object_set_new(o, "ipcp", json_string(info->ipcp));
	json_object_set_new(o, "ipv6cp", json_string(info->ipv6cp));
	return o;
}

static json_t *compression(enum codec_kind kind)
{
	return json_string(kind == CODEC_NONE ? "none" : codec_name(kind));
}

static json_t *drops(const struct tunnel_stats *stats)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < TUNNEL_DROP_COUNT; i++) {
		if (stats->drops[i])
			json_object_set_new(
				o, tunnel_drop_name((enum tunnel_drop)i), number(stats->drops[i]));
	}
	return o;
}

/* What the peer's window makes of our sending. */
static json_t *flow(const struct tunnel_stats *stats)
{
	json_t *o = json_object();

	json_object_set_new(o, "window", number(stats->window));
	json_object_set_new(o, "window_max", number(stats->window_max));
	json_object_set_new(o, "in_flight", number(stats->in_flight));
	json_object_set_new(o, "queued", number(stats->queued));
	json_object_set_new(o, "window_full", number(stats->window_full));
	json_object_set_new(o, "ack_timeout_us", number(stats->ack_timeout));
	json_object_set_new(o, "ack_timeouts", number(stats->ack_timeouts));
	json_object_set_new(o, "bad_acks", number(stats->bad_acks));
	json_object_set_new(o, "old_acks", number(stats->old_acks));
	return o;
}

static void add_traffic(json_t *o, const struct tunnel_stats *stats)
{
	json_object_set_new(o, "rx_bytes", number(stats->rx_bytes));
	json_object_set_new(o, "tx_bytes", number(stats->tx_bytes));
	json_object_set_new(o, "rx_packets", number(stats->rx_packets));
	json_object_set_new(o, "tx_packets", number(stats->tx_packets));
	json_object_set_new(o, "rx_control", number(stats->rx_control));
	json_object_set_new(o, "tx_control", number(stats->tx_control));
	json_object_set_new(o, "rx_acks", number(stats->rx_acks));
	json_object_set_new(o, "tx_acks", number(stats->tx_acks));
	json_object_set_new(o, "lost", number(stats->lost));
	json_object_set_new(o, "rx_late", number(stats->rx_late));
	json_object_set_new(o, "compressed", number(stats->tx_compressed));
	json_object_set_new(o, "decompressed", number(stats->rx_compressed));
	json_object_set_new(o, "headers_compressed", number(stats->tx_vj));
	json_object_set_new(o, "headers_decompressed", number(stats->rx_vj));
	json_object_set_new(o, "history_bytes", number(stats->history));
	json_object_set_new(o, "reordered", number(stats->reordered));
	json_object_set_new(o, "reorder_overflow", number(stats->reorder_overflow));
	json_object_set_new(o, "gre_rtt_us", number(stats->rtt));
	json_object_set_new(o, "flow", flow(stats));
	json_object_set_new(o, "drops", drops(stats));
}

static json_t *bytes(const char *text)
{
	char escaped[300];

	return json_string(log_escape(escaped, sizeof(escaped), text, strlen(text)));
}

static json_t *line_errors(const struct control_wan_error *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "crc", number(e->crc));
	json_object_set_new(o, "framing", number(e->framing));
	json_object_set_new(o, "hardware_overrun", number(e->hardware));
	json_object_set_new(o, "buffer_overrun", number(e->buffer));
	json_object_set_new(o, "time_out", number(e->time_out));
	json_object_set_new(o, "alignment", number(e->alignment));
	return o;
}

static json_t *accm(const struct session_line_news *news, uint32_t map)
{
	char text[9];

	if (!news->has_accm)
		return json_null();
	snprintf(text, sizeof(text), "%08x", (unsigned int)map);
	return json_string(text);
}

/* What was asked for, and the line. */
static void add_call(json_t *o, const struct session *s)
{
	static const char *const kinds[] = { [SESSION_DIALLED] = "dialled",
		[SESSION_TAKEN] = "taken",
		[SESSION_ACCEPTED] = "accepted",
		[SESSION_OFFERED] = "offered" };
	static const char *const bearers[] = { "", "analog", "digital", "any" };
	static const struct session_line_news none;
	const struct session_line_news *news = s->news ? s->news : &none;

	json_object_set_new(o, "call", json_string(kinds[s->kind]));
	json_object_set_new(o, "line", json_string(s->line->ops->kind));
	json_object_set_new(o, "called", bytes(s->asked->number));
	json_object_set_new(o, "calling", bytes(s->asked->calling));
	json_object_set_new(o, "subaddress", bytes(s->asked->subaddress));
	json_object_set_new(
		o, "bearer", json_string(s->asked->bearer < 4 ? bearers[s->asked->bearer] : ""));
	json_object_set_new(o, "speed", number(s->speed));
	json_object_set_new(o, "line_errors", line_errors(&news->errors));
	json_object_set_new(o, "send_accm", accm(news, news->send_accm));
	json_object_set_new(o, "receive_accm", accm(news, news->receive_accm));
}

json_t *report_session(const struct session *s)
{
	json_t *o = json_object();
	struct ppp_link_info info;
	struct tunnel_stats stats;

	session_ppp_info(s, &info);
	session_stats(s, &stats);
	json_object_set_new(o, "id", number(s->id));
	json_object_set_new(o, "user", json_string(s->user));
	json_object_set_new(o, "state", json_string(state_name(s, &info)));
	json_object_set_new(o, "peer", address(s->peer.s_addr));
	json_object_set_new(o, "local", address(s->local.s_addr));
	json_object_set_new(o, "address", address(s->net.remote));
	json_object_set_new(o, "local_address", address(s->net.local));
	json_object_set_new(o, "dns", addresses(s->net.dns, 2));
	json_object_set_new(o, "wins", addresses(s->net.nbns, 2));
	json_object_set_new(o, "ipv6", s->ipv6.up ? ipv6(s) : json_null());
	json_object_set_new(o, "phase",
		s->line->ops->raw ? json_null() : json_string(ppp_phase_name(info.phase)));
	json_object_set_new(o, "protocols", protocols(&info));
	json_object_set_new(o, "auth", json_string(info.auth ? info.auth : ""));
	json_object_set_new(o, "encryption", encryption(&info));
	json_object_set_new(o, "compression_sent", compression(info.pack));
	json_object_set_new(o, "compression_received", compression(info.unpack));
	json_object_set_new(o, "vj_sent", json_boolean(info.vj_tx));
	json_object_set_new(o, "vj_received", json_boolean(info.vj_rx));
	add_call(o, s);
	json_object_set_new(o, "call_id", number(s->call_id));
	json_object_set_new(o, "peer_call_id", number(s->call.peer_call_id));
	json_object_set_new(o, "mru", number(info.mru));
	json_object_set_new(o, "peer_mru", number(info.peer_mru));
	json_object_set_new(o, "since", timestamp(s->since));
	json_object_set_new(o, "up_since", timestamp(s->up_since));
	json_object_set_new(
		o, "seconds", number(s->is_up ? (clock_now() - s->up_at) / 1000000 : 0));
	json_object_set_new(o, "setup_ms", number(s->up_at ? (s->up_at - s->began) / 1000 : 0));
	json_object_set_new(o, "echo_rtt_us", number(info.echo_rtt));
	json_object_set_new(o, "path_mtu", s->mtu ? number(s->mtu) : json_null());
	json_object_set_new(
		o, "inner_mtu", s->dp ? number(dp_session_largest(s->dp)) : json_null());
	report_limit_add(o, s);
	add_traffic(o, &stats);
	return o;
}

struct report_cursor {
	struct report_cursor *next_cursor, **prev_cursor;
	struct session *next;
};

struct report_cursor *report_open(struct hub *h)
{
	struct report_cursor *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->next = h->sessions;
	while (r->next && r->next->next)
		r->next = r->next->next;
	r->next_cursor = h->cursors;
	r->prev_cursor = &h->cursors;
	if (r->next_cursor)
		r->next_cursor->prev_cursor = &r->next_cursor;
	h->cursors = r;
	return r;
}

json_t *report_next(void *cursor)
{
	struct report_cursor *r = cursor;
	struct session *s = r->next;

	if (!s)
		return NULL;
	r->next = s->prev;
	return report_session(s);
}

static void unlink_cursor(struct report_cursor *r)
{
	if (!r->prev_cursor)
		return;
	*r->prev_cursor = r->next_cursor;
	if (r->next_cursor)
		r->next_cursor->prev_cursor = r->prev_cursor;
	r->prev_cursor = NULL;
}

void report_close(void *cursor)
{
	struct report_cursor *r = cursor;

	unlink_cursor(r);
	free(r);
}

void report_gone(struct hub *h, const struct session *s)
{
	struct report_cursor *next;

	for (struct report_cursor *r = h->cursors; r; r = next) {
		next = r->next_cursor;
		if (!s) {
			r->next = NULL;
			unlink_cursor(r);
		} else if (r->next == s) {
			r->next = s->prev;
		}
	}
}

bool report_is_array(const char *command)
{
	return !strcmp(command, "sessions");
}

static json_t *worker_counters(const struct hub *h, unsigned int index)
{
	struct dp_worker_stats w;
	json_t *o = json_object();

	dataplane_worker_stats(h->dp, index, &w);
	json_object_set_new(o, "worker_sessions", number(w.sessions));
	json_object_set_new(o, "cpu_us", number(w.cpu_time));
	json_object_set_new(o, "stalls", number(w.stalls));
	json_object_set_new(o, "stalled", json_boolean(w.stalled));
	json_object_set_new(o, "gre_received", number(w.packets.gre_received));
	json_object_set_new(o, "gre_sent", number(w.packets.gre_sent));
	json_object_set_new(o, "inner_read", number(w.packets.inner_read));
	json_object_set_new(o, "inner_written", number(w.packets.inner_written));
	json_object_set_new(o, "handed_over", number(w.packets.handed_over));
	json_object_set_new(o, "handover_full", number(w.packets.handover_full));
	return o;
}

static json_t *workers(const struct hub *h)
{
	json_t *a = json_array();

	for (unsigned int i = 0; h->dp && i < dataplane_workers(h->dp); i++)
		json_array_append_new(a, worker_counters(h, i));
	return a;
}

static json_t *dataplane_counters(const struct hub *h)
{
	struct dp_stats d = { 0 };
	json_t *o = json_object(), *faults = json_object();

	if (h->dp)
		dataplane_stats(h->dp, &d);
	json_object_set_new(o, "gre_received", number(d.gre_received));
	json_object_set_new(o, "gre_sent", number(d.gre_sent));
	json_object_set_new(o, "fast_received", number(d.fast_received));
	json_object_set_new(o, "fast_sent", number(d.fast_sent));
	json_object_set_new(o, "gre_unknown_call", number(d.gre_unknown_call));
	json_object_set_new(o, "gre_too_long", number(d.gre_too_long));
	for (unsigned int i = 1; i < GRE_FAULT_COUNT; i++)
		json_object_set_new(
			faults, gre_fault_name((enum gre_fault)i), number(d.gre_faults[i]));
	json_object_set_new(o, "gre_faults", faults);
	json_object_set_new(o, "inner_read", number(d.inner_read));
	json_object_set_new(o, "inner_written", number(d.inner_written));
	json_object_set_new(o, "inner_super", number(d.inner_super));
	json_object_set_new(o, "inner_segments", number(d.inner_segments));
	json_object_set_new(o, "inner_joined", number(d.inner_joined));
	json_object_set_new(o, "inner_odd", number(d.inner_odd));
	json_object_set_new(o, "inner_no_session", number(d.inner_no_session));
	json_object_set_new(o, "inner_not_ip", number(d.inner_not_ip));
	json_object_set_new(o, "inner_closed", number(d.inner_closed));
	json_object_set_new(o, "inner_link_local", number(d.inner_link_local));
	json_object_set_new(o, "inner_loop", number(d.inner_loop));
	json_object_set_new(o, "inner_source", number(d.inner_source));
	json_object_set_new(o, "inner_too_big", number(d.inner_too_big));
	json_object_set_new(o, "inner_fragmented", number(d.inner_fragmented));
	json_object_set_new(o, "icmp_sent", number(d.icmp_sent));
	json_object_set_new(o, "icmp_suppressed", number(d.icmp_suppressed));
	json_object_set_new(o, "mss_clamped", number(d.mss_clamped));
	json_object_set_new(o, "inner_write_errors", number(d.inner_write_errors));
	json_object_set_new(o, "send_errors", number(d.send_errors));
	json_object_set_new(o, "send_too_big", number(d.send_too_big));
	json_object_set_new(o, "no_slot", number(d.no_slot));
	json_object_set_new(o, "event_overflow", number(d.event_overflow));
	json_object_set_new(o, "ahead_made", number(d.ahead_made));
	json_object_set_new(o, "ahead_used", number(d.ahead_used));
	json_object_set_new(o, "ahead_thrown", number(d.ahead_thrown));
	json_object_set_new(o, "handed_over", number(d.handed_over));
	json_object_set_new(o, "handover_full", number(d.handover_full));
	json_object_set_new(o, "workers", workers(h));
	return o;
}

json_t *report_stats(const struct hub *h)
{
	json_t *o = json_object(), *ended = json_object();

	json_object_set_new(o, "sessions", number(h->count));
	json_object_set_new(o, "started", number(h->started));
	json_object_set_new(o, "connected", number(h->connected));
	for (unsigned int i = 1; i < PPTP_REASON_COUNT; i++) {
		if (h->ended[i])
			json_object_set_new(
				ended, pptp_reason_name((enum pptp_reason)i), number(h->ended[i]));
	}
	json_object_set_new(o, "ended", ended);
	json_object_set_new(o, "dataplane", dataplane_counters(h));
	return o;
}

static json_t *disconnect(struct hub *h, const char *target, char *why)
{
	unsigned int n = 0;
	struct session *next;

	for (struct session *s = h->sessions; s; s = next) {
		next = s->next;
		if (s->ending || !report_matches(s, target))
			continue;
		n++;
		session_close(s, PPTP_ADMIN, "");
	}
	return report_matched("disconnected", n, target, why);
}

json_t *report_command(struct hub *h, const char *command, const json_t *request, char *why)
{
	if (report_is_array(command)) { /* report_open() could not */
		snprintf(why, SYSTEM_WHY, "out of memory");
		return NULL;
	}
	if (!strcmp(command, "session")) {
		json_int_t id = json_integer_value(json_object_get(request, "id"));
		struct session *s = id > 0 && id <= UINT32_MAX ? hub_find(h, (uint32_t)id) : NULL;

		if (s)
			return report_session(s);
		snprintf(why, SYSTEM_WHY,
			"there is no session with that id (see: greyline ctl sessions)");
		return NULL;
	}
	if (!strcmp(command, "disconnect")) {
		const char *target = json_string_value(json_object_get(request, "target"));

		if (target && *target)
			return disconnect(h, target, why);
		snprintf(why, SYSTEM_WHY,
			"disconnect needs a target: an id, a user, an address, or all");
		return NULL;
	}
	if (!strcmp(command, "limit"))
		return report_limit(h, request, why);
	snprintf(why, SYSTEM_WHY,
		"unknown command \"%.60s\" (there are status, sessions, session, disconnect, "
		"limit, stats)",
		command);
	return NULL;
}
