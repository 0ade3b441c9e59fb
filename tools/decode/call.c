/* Control connections and calls: see call.h. */
#include "tools/decode/call.h"

#include "tools/decode/headers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void call_free(struct decode_table *t, struct decode_call *call)
{
	if (t->call_over)
		t->call_over(t->user, call);
	for (int i = 0; i < 2; i++) {
		decode_order_done(&call->side[i].order, &t->held);
		decode_crypt_done(&call->side[i].crypt);
		decode_headers_done(&call->side[i]);
		free(call->side[i].multilink);
	}
	explicit_bzero(call, sizeof(*call));
	free(call);
}

static void connection_free(struct decode_table *t, struct decode_connection *c)
{
	if (t->connection_over)
		t->connection_over(t->user, c);
	decode_stream_done(&c->flow[0].stream);
	decode_stream_done(&c->flow[1].stream);
	free(c);
}

static struct decode_call *call_take_first(struct decode_table *t)
{
	struct decode_call **first = &t->calls, *call;

	for (struct decode_call **at = &t->calls; *at; at = &(*at)->next) {
		if ((*at)->number < (*first)->number)
			first = at;
	}
	call = *first;
	*first = call->next;
	return call;
}

static struct decode_connection *connection_take_first(struct decode_table *t)
{
	struct decode_connection **first = &t->connections, *c;

	for (struct decode_connection **at = &t->connections; *at; at = &(*at)->next) {
		if ((*at)->number < (*first)->number)
			first = at;
	}
	c = *first;
	*first = c->next;
	return c;
}

void decode_table_done(struct decode_table *t)
{
	while (t->calls)
		call_free(t, call_take_first(t));
	while (t->connections)
		connection_free(t, connection_take_first(t));
}

static void connection_drop_oldest(struct decode_table *t)
{
	struct decode_connection **at = &t->connections;

	assert(*at);
	while ((*at)->next)
		at = &(*at)->next;
	connection_free(t, *at);
	*at = NULL;
	t->connection_count--;
}

struct decode_connection *decode_connection_get(
	struct decode_table *t, uint32_t client, uint16_t port, uint32_t server, bool begins)
{
	struct decode_connection **at = &t->connections, *c;

	for (; (c = *at); at = &c->next) {
		if (c->address[0] == client && c->address[1] == server && c->port == port) {
			*at = c->next;
			break;
		}
	}
	if (c && begins && c->facts.ending.how != DECODE_END_NONE) {
		connection_free(t, c);
		t->connection_count--;
		c = NULL;
	}
	if (!c) {
		if (t->connection_count == DECODE_CONNECTIONS_MAX)
			connection_drop_oldest(t);
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		t->connection_count++;
		c->number = ++t->connection_number;
		c->address[0] = client;
		c->address[1] = server;
		c->port = port;
	}
	c->next = t->connections;
	t->connections = c;
	return c;
}

static void call_drop_oldest(struct decode_table *t)
{
	struct decode_call **at = &t->calls;

	assert(*at);
	while ((*at)->next)
		at = &(*at)->next;
	call_free(t, *at);
	*at = NULL;
	t->call_count--;
}

static struct decode_call *call_new(struct decode_table *t, uint32_t first, uint32_t second)
{
	struct decode_call *call;

	if (t->call_count == DECODE_CALLS_MAX)
		call_drop_oldest(t);
	call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	t->call_count++;
	call->number = ++t->call_number;
	call->place = call->number - t->link_number;
	call->address[0] = first;
	call->address[1] = second;
	call->next = t->calls;
	t->calls = call;
	return call;
}

/* Moves the call at `at` to the front. */
static struct decode_call *call_touch(struct decode_table *t, struct decode_call **at)
{
	struct decode_call *call = *at;

	*at = call->next;
	call->next = t->calls;
	t->calls = call;
	return call;
}

/* The call between these addresses, side 0 first, whose IDs, as far as known, are these. */
static struct decode_call *call_begin(
	struct decode_table *t, uint32_t pns, uint16_t pns_id, uint32_t pac, uint16_t pac_id)
{
	struct decode_call **at = &t->calls, *call;

	for (; (call = *at); at = &call->next) {
		/* Packets overtook the control message: their call is this one. */
		if (call->link || call->from_control || call->address[0] != pns ||
			call->address[1] != pac)
			continue;
		if ((!call->id_known[0] || call->id[0] == pns_id) &&
			(!call->id_known[1] || call->id[1] == pac_id))
			break;
	}
	call = call ? call_touch(t, at) : call_new(t, pns, pac);
	if (!call)
		return NULL;
	call->from_control = true;
	call->id[0] = pns_id;
	call->id[1] = pac_id;
	call->id_known[0] = call->id_known[1] = true;
	return call;
}

static struct decode_call *call_find(
	struct decode_table *t, uint32_t owner, uint32_t other, uint16_t id)
{
	for (struct decode_call **at = &t->calls; *at; at = &(*at)->next) {
		for (unsigned int i = 0; i < 2; i++) {
			if ((*at)->address[i] == owner && (*at)->address[1 - i] == other &&
				(*at)->id_known[i] && (*at)->id[i] == id)
				return *at;
		}
	}
	return NULL;
}

struct decode_call *decode_call_control(
	struct decode_table *t, const struct control_message *m, uint32_t sender, uint32_t receiver)
{
	struct decode_call *call;

	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REPLY: /* from the PAC */
		if (m->outgoing_reply.result != CONTROL_OUTGOING_CONNECTED)
			return NULL;
		return call_begin(t, receiver, m->outgoing_reply.peer_call_id, sender,
			m->outgoing_reply.call_id);
	case CONTROL_INCOMING_CALL_REPLY: /* from the PNS */
		if (m->incoming_reply.result != CONTROL_INCOMING_CONNECT)
			return NULL;
		return call_begin(t, sender, m->incoming_reply.call_id, receiver,
			m->incoming_reply.peer_call_id);
	case CONTROL_INCOMING_CALL_CONNECTED:
		return call_find(t, receiver, sender, m->incoming_connected.peer_call_id);
	case CONTROL_CALL_CLEAR_REQUEST:
		return call_find(t, sender, receiver, m->clear_request.call_id);
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		call = call_find(t, sender, receiver, m->disconnect.call_id);
		if (call)
			call->closed = true;
		return call;
	case CONTROL_WAN_ERROR_NOTIFY:
		return call_find(t, receiver, sender, m->wan_error.peer_call_id);
	case CONTROL_SET_LINK_INFO:
		return call_find(t, receiver, sender, m->link_info.peer_call_id);
	default:
		return NULL;
	}
}

/* A call seen only by its packets so far, to whose `src` nothing was sent yet or whose ID fits. */
static struct decode_call **call_half(struct decode_table *t, uint32_t src, uint32_t dst)
{
	struct decode_call **at = &t->calls;

	for (; *at; at = &(*at)->next) {
		if (!(*at)->link && !(*at)->from_control && (*at)->address[0] == dst &&
			(*at)->address[1] == src && !(*at)->id_known[0])
			return at;
	}
	return NULL;
}

/* A call that the control connection agreed on, whose packets have another ID: nothing came to it yet. */
static struct decode_call **call_foreign(
	struct decode_table *t, uint32_t src, uint32_t dst, unsigned int *sender)
{
	for (struct decode_call **at = &t->calls; *at; at = &(*at)->next) {
		for (unsigned int i = 0; i < 2; i++) {
			if ((*at)->address[i] != dst || (*at)->address[1 - i] != src ||
				!(*at)->from_control || (*at)->closed || (*at)->has_foreign[i] ||
				(*at)->side[1 - i].order.started)
				continue;
			*sender = 1 - i;
			return at;
		}
	}
	return NULL;
}

static bool is_to(const struct decode_call *call, unsigned int side, uint16_t id)
{
	return (call->id_known[side] && call->id[side] == id) ||
	       (call->has_foreign[side] && call->foreign[side] == id);
}

static struct decode_call *call_gre_new(
	struct decode_table *t, uint32_t src, uint32_t dst, uint16_t id, unsigned int *sender)
{
	struct decode_call **at = call_half(t, src, dst), *call;

	if (at) {
		call = call_touch(t, at);
		*sender = 1;
		call->id[0] = id;
		call->id_known[0] = true;
		return call;
	}
	at = call_foreign(t, src, dst, sender);
	if (at) {
		call = call_touch(t, at);
		call->foreign[1 - *sender] = id;
		call->has_foreign[1 - *sender] = true;
		return call;
	}
	call = call_new(t, src, dst);
	if (!call)
		return NULL;
	*sender = 0;
	call->id[1] = id;
	call->id_known[1] = true;
	return call;
}

struct decode_call *decode_call_gre(
	struct decode_table *t, uint32_t src, uint32_t dst, uint16_t id, unsigned int *sender)
{
	for (struct decode_call **at = &t->calls; *at; at = &(*at)->next) {
		for (unsigned int i = 0; i < 2; i++) {
			if ((*at)->address[i] != dst || (*at)->address[1 - i] != src ||
				!is_to(*at, i, id))
				continue;
			*sender = 1 - i;
			return call_touch(t, at);
		}
	}
	return call_gre_new(t, src, dst, id, sender);
}

/* Is it this link's? *side: the sender's. */
static bool is_link(
	const struct decode_call *call, const struct decode_link *link, unsigned int *side)
{
	if (!call->link || call->pppoe != link->pppoe || call->session != link->session ||
		call->has_ends != link->has_ends)
		return false;
	*side = link->has_direction && !link->sent;
	if (!link->has_ends)
		return true;
	*side = memcmp(call->end[0], link->src, sizeof(link->src)) != 0;
	return memcmp(call->end[*side], link->src, sizeof(link->src)) == 0 &&
	       memcmp(call->end[1 - *side], link->dst, sizeof(link->dst)) == 0;
}

struct decode_call *decode_call_link_find(
	struct decode_table *t, const struct decode_link *link, unsigned int *side)
{
	for (struct decode_call **at = &t->calls; *at; at = &(*at)->next) {
		if (is_link(*at, link, side))
			return call_touch(t, at);
	}
	return NULL;
}

struct decode_call *decode_call_link(
	struct decode_table *t, const struct decode_link *link, unsigned int *side)
{
	struct decode_call *call = decode_call_link_find(t, link, side);

	if (call)
		return call;
	call = call_new(t, 0, 0);
	if (!call)
		return NULL;
	call->link = true;
	call->place = 0;
	t->link_number++;
	call->pppoe = link->pppoe;
	call->session = link->session;
	call->has_ends = link->has_ends;
	call->one_sided = !link->has_ends && !link->has_direction;
	memcpy(call->end[0], link->src, sizeof(link->src));
	memcpy(call->end[1], link->dst, sizeof(link->dst));
	(void)is_link(call, link, side);
	return call;
}

char *decode_call_end(const struct decode_call *call, unsigned int side, char buf[DECODE_END])
{
	static const char digits[] = "0123456789abcdef";
	char *out = buf;

	if (!call->link)
		return decode_address(call->address[side], buf);
	if (!call->has_ends)
		return strcpy(buf, call->one_sided ? "either end"
				   : side          ? "other end"
						   : "this end");
	for (unsigned int i = 0; i < sizeof(call->end[0]); i++) {
		*out++ = digits[call->end[side][i] >> 4];
		*out++ = digits[call->end[side][i] & 15];
		*out++ = ':';
	}
	out[-1] = '\0';
	return buf;
}

void decode_call_restart(struct decode_call *call)
{
	for (int i = 0; i < 2; i++) {
		decode_crypt_done(&call->side[i].crypt);
		decode_headers_done(&call->side[i]);
		explicit_bzero(&call->side[i].auth, sizeof(call->side[i].auth));
	}
	call->proven = NULL;
}
