/* Events of what is over: connections, calls, the capture. */
#include "tools/decode/decoder.h"

#include "lib/ppp/frame.h"

#include <inttypes.h>

/* "12.3 s", "4:05 min". */
static void duration_text(struct decode_event *e, uint64_t us)
{
	uint64_t s = us / 1000000;

	if (s < 60)
		decode_event_text(e, "%" PRIu64 ".%" PRIu64 " s", s, us / 100000 % 10);
	else if (s < 3600)
		decode_event_text(e, "%" PRIu64 ":%02" PRIu64 " min", s / 60, s % 60);
	else
		decode_event_text(e, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " h", s / 3600,
			s / 60 % 60, s % 60);
}

/* Captures of several interfaces, or put together, may go back in time. */
static uint64_t since(uint64_t first, uint64_t last)
{
	return last > first ? last - first : 0;
}

static void duration(struct decode_event *e, uint64_t first, uint64_t last)
{
	decode_event_int(e, "duration_us", since(first, last));
	duration_text(e, since(first, last));
}

/* Nothing where there were no samples. */
static void rtt(
	struct decode_event *e, const char *key, const char *words, const struct decode_rtt *r)
{
	if (!r->count)
		return;
	decode_event_object(e, key);
	decode_event_int(e, "count", r->count);
	decode_event_int(e, "min_us", r->smallest);
	decode_event_int(e, "mean_us", r->sum / r->count);
	decode_event_int(e, "max_us", r->largest);
	decode_event_close(e);
	decode_event_text(e, ", %s %.1f/%.1f/%.1f ms", words, (double)r->smallest / 1000,
		(double)r->sum / (double)r->count / 1000, (double)r->largest / 1000);
}

static void ending(struct decode_event *e, const struct decode_ending *end, const char *by)
{
	const char *how = decode_end_name(end->how);

	if (!how) {
		decode_event_text(e, ", no end in this capture");
		return;
	}
	decode_event_object(e, "end");
	decode_event_string(e, "how", how);
	decode_event_string(e, "by", by);
	decode_event_int(e, "frame", end->frame);
	if (end->words[0])
		decode_event_string(e, "words", end->words);
	decode_event_close(e);
	decode_event_text(e, ", ended by %s with %s", by, how);
	if (end->words[0])
		decode_event_text(e, " \"%s\"", end->words);
}

static void crypt_say(struct decode_event *e, const struct decode_side *s)
{
	const char *method = NULL;

	if (s->crypt.algorithm == DECODE_COMPRESS && s->crypt.codec)
		method = codec_name(codec_kind(s->crypt.codec));
	if (s->crypt.has_params) {
		decode_event_int(e, "mppe_bits", s->crypt.params.bits);
		decode_event_bool(e, "stateless", s->crypt.params.stateless);
	}
	if (method)
		decode_event_string(e, "compression", method);
	if (s->vj)
		decode_event_bool(e, "header_compression", true);
	if (s->encrypted) {
		decode_event_text(e, ", %" PRIu64 " encrypted", s->encrypted);
		if (s->crypt.has_params)
			decode_event_text(e, " by MPPE-%u %s", (unsigned int)s->crypt.params.bits,
				s->crypt.params.stateless ? "stateless" : "stateful");
		decode_event_text(e, ", %" PRIu64 " decrypted", s->decrypted);
	}
	if (method)
		decode_event_text(e, ", compressed by %s", method);
	if (s->vj)
		decode_event_text(e, ", TCP headers compressed");
}

static void address_field(struct decode_event *e, const char *key, uint32_t address)
{
	char buf[DECODE_ADDRESS];

	if (address)
		decode_event_string(e, key, decode_address(address, buf));
}

static void side_negotiated(struct decode_event *e, const struct decode_side_facts *f)
{
	char address[DECODE_ADDRESS];

	if (f->lcp_open) {
		decode_event_int(e, "mru", f->mru ? f->mru : 1500);
		decode_event_bool(e, "pfc", f->pfc);
		decode_event_bool(e, "acfc", f->acfc);
		decode_event_text(e, ", MRU %u", f->mru ? f->mru : 1500);
	}
	if (f->address) {
		decode_event_text(e, ", is %s", decode_address(f->address, address));
		address_field(e, "address", f->address);
	}
	address_field(e, "dns1", f->dns[0]);
	address_field(e, "dns2", f->dns[1]);
	address_field(e, "nbns1", f->nbns[0]);
	address_field(e, "nbns2", f->nbns[1]);
	if (f->ipv6cp_open)
		decode_event_hex(e, "interface_id", f->interface_id, sizeof(f->interface_id));
}

static void side_say(struct decode_event *e, const struct decode_call *call, unsigned int side)
{
	const struct decode_side *s = &call->side[side];
	const struct decode_side_facts *f = &call->facts.side[side];
	char src[DECODE_END];

	decode_call_end(call, side, src);
	decode_event_object(e, NULL);
	decode_event_string(e, "src", src);
	if (call->from_control)
		decode_event_string(e, "role", side ? "PAC" : "PNS");
	if (call->id_known[side])
		decode_event_int(e, "call_id", call->id[side]);
	if (call->has_foreign[side])
		decode_event_int(e, "foreign_call_id", call->foreign[side]);
	decode_event_int(e, "frames", s->frames);
	decode_event_int(e, "bytes", f->bytes);
	decode_event_int(e, "inner_packets", f->inner_packets);
	decode_event_int(e, "inner_bytes", f->inner_bytes);
	decode_event_int(e, "lost", s->order.lost);
	decode_event_int(e, "late", s->order.late);
	decode_event_int(e, "duplicates", s->order.duplicates);
	decode_event_int(e, "encrypted", s->encrypted);
	decode_event_int(e, "decrypted", s->decrypted);
	decode_event_text(
		e, "; %s sent %" PRIu64 " frames, %" PRIu64 " bytes", src, s->frames, f->bytes);
	if (s->order.lost || s->order.late || s->order.duplicates)
		decode_event_text(e, " (%" PRIu64 " lost, %" PRIu64 " late, %" PRIu64 " doubled)",
			s->order.lost, s->order.late, s->order.duplicates);
	side_negotiated(e, f);
	crypt_say(e, s);
	rtt(e, "rtt", "acks after", &f->rtt);
	rtt(e, "echo", "LCP echo", &f->echo);
	decode_event_close(e);
}

static void user_say(struct decode_event *e, const struct decode_call *call)
{
	const struct decode_auth *a = NULL;

	for (unsigned int i = 0; i < 2; i++) {
		if (call->side[i].auth.method != DECODE_METHOD_NONE)
			a = &call->side[i].auth;
	}
	if (!a)
		return;
	decode_event_bytes(e, "user", a->name, a->name_len);
	decode_event_string(e, "method", decode_auth_name(a));
	decode_event_bool(e, "verified", a->verdict == DECODE_FITS);
	decode_event_text(e, ": user ");
	decode_event_quoted(e, a->name, a->name_len);
	decode_event_text(e, " by %s%s", decode_auth_name(a),
		a->verdict == DECODE_FITS ? ", password verified" : "");
	if (!call->facts.auth_failed)
		return;
	decode_event_bool(e, "refused", true);
	decode_event_text(e, ", refused");
	if (call->facts.auth_error) {
		decode_event_int(e, "error", call->facts.auth_error);
		decode_event_text(e, " with error %u", call->facts.auth_error);
	}
}

void decode_summary_call(struct decoder *d, const struct decode_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	struct decode_event *e = &d->event;
	char by[DECODE_END];

	decode_event_begin(e, NULL, DECODE_KIND_CALL);
	e->call = call;
	decode_event_int(e, "call", call->number);
	decode_event_text(e, "call %u", call->number);
	if (call->link) {
		decode_event_string(e, "link", call->pppoe ? "PPPoE" : "PPP");
		decode_event_text(e, " on the link itself (%s)", call->pppoe ? "PPPoE" : "PPP");
	}
	if (call->pppoe)
		decode_event_int(e, "session", call->session);
	if (call->connection)
		decode_event_int(e, "connection", call->connection);
	user_say(e, call);
	decode_event_int(e, "first_frame", f->first_frame);
	decode_event_int(e, "last_frame", f->last_frame);
	decode_event_text(e, "; ");
	duration(e, f->first_time, f->last_time);
	if (f->up_time) {
		decode_event_int(e, "up_after_us", since(f->first_time, f->up_time));
		decode_event_text(e, ", up after ");
		duration_text(e, since(f->first_time, f->up_time));
	}
	ending(e, &f->ending, decode_call_end(call, f->ending.side, by));
	if (f->has_disconnect) {
		decode_event_int(e, "disconnect_result", f->disconnect_result);
		decode_event_int(e, "disconnect_error", f->disconnect_error);
		decode_event_int(e, "disconnect_cause", f->disconnect_cause);
	}
	decode_event_array(e, "sides");
	side_say(e, call, 0);
	if (!call->one_sided)
		side_say(e, call, 1);
	decode_event_close(e);
	decode_emit(d);
}

static void end_say(struct decode_event *e, const struct decode_connection *c, unsigned int side)
{
	const struct decode_connection_facts *f = &c->facts;
	char src[DECODE_ADDRESS];

	decode_event_object(e, NULL);
	decode_event_string(e, "src", decode_address(c->address[side], src));
	decode_event_string(e, "host_name", f->host[side]);
	decode_event_string(e, "vendor", f->vendor[side]);
	decode_event_int(e, "firmware", f->firmware[side]);
	decode_event_int(e, "retransmitted", f->retransmitted[side]);
	decode_event_int(e, "missing", f->missing[side]);
	decode_event_close(e);
	if (f->vendor[side][0])
		decode_event_text(e, ", %s is \"%s\"", src, f->vendor[side]);
}

void decode_summary_connection(struct decoder *d, const struct decode_connection *c)
{
	const struct decode_connection_facts *f = &c->facts;
	struct decode_event *e = &d->event;
	char client[DECODE_ADDRESS], server[DECODE_ADDRESS], by[DECODE_ADDRESS];

	decode_event_begin(e, NULL, DECODE_KIND_CONNECTION);
	e->connection = c;
	decode_event_int(e, "connection", c->number);
	decode_address(c->address[0], client);
	decode_address(c->address[1], server);
	decode_event_text(e, "control %u: %s > %s; ", c->number, client, server);
	decode_event_int(e, "src_port", c->port);
	decode_event_int(e, "first_frame", f->first_frame);
	decode_event_int(e, "last_frame", f->last_frame);
	duration(e, f->first_time, f->last_time);
	decode_event_int(e, "calls", f->calls);
	if (f->syn_time && !f->accepted_time) {
		decode_event_bool(e, "accepted", false);
		decode_event_text(e, ", never accepted (%u SYNs)", f->syns);
	}
	if (f->started_time)
		decode_event_int(e, "start_result", f->start_result);
	decode_event_array(e, "sides");
	end_say(e, c, 0);
	end_say(e, c, 1);
	decode_event_close(e);
	rtt(e, "echo", "echo", &f->echo);
	ending(e, &f->ending, decode_address(c->address[f->ending.side], by));
	decode_emit(d);
}

void decode_summary_capture(struct decoder *d)
{
	struct decode_event *e = &d->event;
	struct decode_stats *s = &d->stats;

	s->calls = d->table.call_number;
	s->connections = d->table.connection_number;
	decode_event_begin(e, NULL, DECODE_KIND_SUMMARY);
	e->stats = s;
	decode_event_int(e, "packets", s->packets);
	decode_event_int(e, "control", s->control);
	decode_event_int(e, "gre", s->gre);
	decode_event_int(e, "ppp", s->ppp);
	if (s->link)
		decode_event_int(e, "on_link", s->link);
	decode_event_int(e, "encrypted", s->encrypted);
	decode_event_int(e, "decrypted", s->decrypted);
	decode_event_int(e, "compressed", s->compressed);
	decode_event_int(e, "decompressed", s->decompressed);
	decode_event_int(e, "inner", s->inner);
	decode_event_int(e, "malformed", s->malformed);
	if (s->spared)
		decode_event_int(e, "too_costly", s->spared);
	decode_event_int(e, "connections", s->connections);
	decode_event_int(e, "calls", s->calls);
	decode_event_text(e,
		"%" PRIu64 " packets: %" PRIu64 " control messages, %" PRIu64
		" GRE packets, calls: %" PRIu64 ", %" PRIu64 " encrypted, %" PRIu64
		" decrypted, %" PRIu64 " malformed",
		s->packets, s->control, s->gre, s->calls, s->encrypted, s->decrypted, s->malformed);
	if (s->spared)
		decode_event_text(e,
			", %" PRIu64 " left as they were: to decrypt them is more work than a "
			"capture may cost",
			s->spared);
	decode_emit(d);
}
