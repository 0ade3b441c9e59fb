/* Events of the decoder become marks of connections and calls: see observe.h. */
#include "tools/doctor/observe.h"

#include "lib/control/message.h"
#include "tools/decode/call.h"
#include "tools/decode/decode.h"

#include <stdlib.h>
#include <string.h>

void observe_hit(struct observe_mark *mark, const struct decode_meta *meta)
{
	if (!mark->count) {
		mark->first_frame = meta->frame;
		mark->first_time = meta->time;
	}
	mark->count += mark->count < UINT32_MAX;
	mark->last_frame = meta->frame;
	mark->last_time = meta->time;
}

void observe_words(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int)size - 1, text);
}

void observe_end(struct observe_call *call, enum observe_end how, unsigned int side,
	const struct decode_meta *meta, const char *words)
{
	if (call->end != OBSERVE_END_NONE)
		return;
	call->end = how;
	call->end_side = side;
	observe_hit(&call->end_mark, meta);
	observe_words(call->end_words, sizeof(call->end_words), words);
}

/* The place of a call or connection in its list; the list's end if it is not there. */
static unsigned int call_place(const struct observe *o, unsigned int number)
{
	unsigned int i = o->call_count;

	while (i && o->calls[i - 1]->number != number)
		i--;
	return i ? i - 1 : o->call_count;
}

static unsigned int connection_place(const struct observe *o, unsigned int number)
{
	unsigned int i = o->connection_count;

	while (i && o->connections[i - 1]->number != number)
		i--;
	return i ? i - 1 : o->connection_count;
}

static const struct observe_connection *connection_of(
	const struct observe *o, const struct observe_call *call)
{
	unsigned int at = connection_place(o, call->connection);

	return call->connection && at < o->connection_count ? o->connections[at] : NULL;
}

static void call_over(struct observe *o, unsigned int at)
{
	struct observe_call *call = o->calls[at];

	if (o->judge.call)
		o->judge.call(o->judge.user, o, call, connection_of(o, call));
	free(call);
	o->calls[at] = o->calls[--o->call_count];
}

/* Its calls are judged before it: they want to know of it. */
static void connection_over(struct observe *o, unsigned int at)
{
	struct observe_connection *c = o->connections[at];

	for (unsigned int i = o->call_count; i--;) {
		if (o->calls[i]->connection == c->number)
			call_over(o, i);
	}
	if (o->judge.connection)
		o->judge.connection(o->judge.user, o, c);
	free(c);
	o->connections[at] = o->connections[--o->connection_count];
}

/* Room for one more, if one that is over can be judged now. */
static bool calls_room(struct observe *o)
{
	for (unsigned int i = 0; o->call_count == OBSERVE_CALLS_MAX && i < o->call_count; i++) {
		if (o->calls[i]->over)
			call_over(o, i);
	}
	return o->call_count < OBSERVE_CALLS_MAX;
}

static bool connections_room(struct observe *o)
{
	for (unsigned int i = 0;
		o->connection_count == OBSERVE_CONNECTIONS_MAX && i < o->connection_count; i++) {
		if (o->connections[i]->over)
			connection_over(o, i);
	}
	return o->connection_count < OBSERVE_CONNECTIONS_MAX;
}

static struct observe_call *call_get(struct observe *o, const struct decode_call *of)
{
	unsigned int at = call_place(o, of->number);
	struct observe_call *call;

	if (at < o->call_count) {
		/* The next packet is most likely of the same one: to the end, where the search begins. */
		call = o->calls[at];
		o->calls[at] = o->calls[o->call_count - 1];
		o->calls[o->call_count - 1] = call;
		return call;
	}
	call = calls_room(o) ? calloc(1, sizeof(*call)) : NULL;
	if (!call) {
		o->unseen++;
		return NULL;
	}
	o->calls[o->call_count++] = call;
	call->number = of->number;
	call->side[0].address = of->address[0];
	call->side[1].address = of->address[1];
	return call;
}

static struct observe_connection *connection_get(
	struct observe *o, const struct decode_connection *of)
{
	unsigned int at = connection_place(o, of->number);
	struct observe_connection *c;

	if (at < o->connection_count)
		return o->connections[at];
	c = connections_room(o) ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		o->unseen++;
		return NULL;
	}
	o->connections[o->connection_count++] = c;
	c->number = of->number;
	c->address[0] = of->address[0];
	c->address[1] = of->address[1];
	return c;
}

static void icmp_run(struct observe *o, const struct decode_event *e)
{
	const struct decode_icmp *i = e->icmp;
	struct observe_icmp *at = o->icmp, *end = o->icmp + o->icmp_count;

	while (at < end &&
		(at->type != i->type || at->code != i->code || at->protocol != i->protocol ||
			at->src != i->src || at->dst != i->dst))
		at++;
	if (at == end) {
		if (o->icmp_count == OBSERVE_ICMP_MAX) {
			o->unseen++;
			return;
		}
		o->icmp_count++;
		*at = (struct observe_icmp){ .type = i->type,
			.code = i->code,
			.protocol = i->protocol,
			.from = e->meta.src,
			.src = i->src,
			.dst = i->dst };
	}
	at->mtu = i->mtu;
	observe_hit(&at->mark, &e->meta);
}

static void call_run(struct observe *o, const struct decode_event *e)
{
	struct observe_call *call = call_get(o, e->call);

	if (!call)
		return;
	observe_hit(&call->any, &e->meta);
	observe_gre(call, e);
	if (e->ppp && !e->malformed && e->ppp->code) {
		observe_ppp(call, e);
		observe_auth(call, e);
	}
}

/* A control message, or TCP's doings. */
static void connection_run(struct observe *o, const struct decode_event *e)
{
	struct observe_connection *c = e->connection ? connection_get(o, e->connection) : NULL;
	struct observe_call *call = e->call ? call_get(o, e->call) : NULL;

	if (!c)
		return;
	observe_hit(&c->any, &e->meta);
	observe_hit(&c->sent[e->side & 1], &e->meta);
	if (call) {
		call->connection = c->number;
		call->by_doctor = c->by_doctor;
		call->client = call->side[0].address == c->address[0] ? 0 : 1;
		observe_hit(&call->any, &e->meta);
	}
	if (e->kind == DECODE_KIND_CONTROL)
		observe_control(o, c, call, e);
	else
		observe_tcp(o, c, e);
}

/* The last of a list is judged first. */
static int later_call(const void *a, const void *b)
{
	const struct observe_call *const *x = a, *const *y = b;

	return ((*x)->number < (*y)->number) - ((*x)->number > (*y)->number);
}

static int later_connection(const void *a, const void *b)
{
	const struct observe_connection *const *x = a, *const *y = b;

	return ((*x)->number < (*y)->number) - ((*x)->number > (*y)->number);
}

static void capture_over(struct observe *o, const struct decode_stats *stats)
{
	qsort(o->calls, o->call_count, sizeof(struct observe_call *), later_call);
	qsort(o->connections, o->connection_count, sizeof(struct observe_connection *),
		later_connection);
	if (stats) {
		o->fragments_lost = stats->fragments_lost;
		if (stats->last_time > o->last_time)
			o->last_time = stats->last_time;
	}
	while (o->call_count)
		call_over(o, o->call_count - 1);
	while (o->connection_count)
		connection_over(o, o->connection_count - 1);
	if (o->judge.capture)
		o->judge.capture(o->judge.user, o);
}

static void event(struct decode_sink *self, const struct decode_event *e)
{
	struct observe *o =
		(struct observe *)(void *)((char *)self - offsetof(struct observe, sink));
	unsigned int at;

	if (e->has_meta) {
		if (!o->first_time)
			o->first_time = e->meta.time;
		if (e->meta.time > o->last_time)
			o->last_time = e->meta.time;
	}
	switch (e->kind) {
	case DECODE_KIND_TCP:
	case DECODE_KIND_CONTROL:
		connection_run(o, e);
		break;
	case DECODE_KIND_PPP:
	case DECODE_KIND_ACK:
		if (e->call && !e->call->link)
			call_run(o, e);
		break;
	case DECODE_KIND_ICMP:
		if (e->icmp)
			icmp_run(o, e);
		break;
	case DECODE_KIND_CALL:
		at = e->call ? call_place(o, e->call->number) : o->call_count;
		if (at < o->call_count)
			o->calls[at]->over = true;
		break;
	case DECODE_KIND_CONNECTION:
		at = e->connection ? connection_place(o, e->connection->number)
				   : o->connection_count;
		if (at < o->connection_count)
			o->connections[at]->over = true;
		break;
	case DECODE_KIND_SUMMARY:
		capture_over(o, e->stats);
		break;
	case DECODE_KIND_GRE:
	case DECODE_KINDS:
		break;
	}
}

struct observe *observe_new(const struct observe_judge *judge)
{
	struct observe *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->sink.event = event;
	o->sink.no_fields = DECODE_ALL_KINDS;
	o->sink.no_text = DECODE_ALL_KINDS & ~(1u << DECODE_KIND_CONTROL);
	o->sink.headers_only = true;
	o->judge = *judge;
	return o;
}

void observe_free(struct observe *o)
{
	if (!o)
		return;
	while (o->call_count)
		free(o->calls[--o->call_count]);
	while (o->connection_count)
		free(o->connections[--o->connection_count]);
	free(o);
}
