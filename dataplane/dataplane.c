/*
 * The data plane's API: see dataplane.h. Runs in the control thread; what concerns a session is
 * sent to its worker as a command. The control thread has a table of its own, of the same content
 * as the workers' will have when they have executed all commands, so that it knows at once what is
 * taken.
 */
#include "dataplane/control.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>

#define DEFAULT_MRU 1500 /* RFC 1661 section 6.1 */

unsigned int dp_workers_auto(void)
{
	cpu_set_t cpus;
	int n;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	n = CPU_COUNT(&cpus);
	return n < 1 ? 1 : n < DP_WORKERS_AUTO ? (unsigned int)n : DP_WORKERS_AUTO;
}

/* Of those there are. */
static void stop_workers(struct dataplane *dp)
{
	for (unsigned int i = 0; i < dp->count; i++)
		worker_stop(dp->workers[i]);
}

static void free_workers(struct dataplane *dp)
{
	for (unsigned int i = 0; i < DP_WORKERS_MAX && dp->workers[i]; i++)
		worker_free(dp->workers[i]);
}

/* dp->count are those that run. */
static int start_workers(struct dataplane *dp, const struct dp_config *config, uint64_t seed)
{
	for (unsigned int i = 0; i < config->workers; i++) {
		dp->workers[i] = worker_new(config, &dp->events, dp->workers, i, seed);
		if (!dp->workers[i])
			return -errno;
	}
	for (; dp->count < config->workers; dp->count++) {
		int r = worker_start(dp->workers[dp->count]);

		if (r < 0)
			return r;
	}
	return 0;
}

struct dataplane *dataplane_new(const struct dp_config *config)
{
	struct dataplane *dp = calloc(1, sizeof(*dp));
	struct dp_config complete = *config;
	uint64_t seed;
	int r = -ENOMEM;

	if (!dp)
		goto out;
	assert(config->workers <= DP_WORKERS_MAX);
	if (!complete.workers)
		complete.workers = 1;
	dp->steer = config->steer;
	dp->employ = config->employ;
	dp->steer_user = config->steer_user;
	event_list_init(&dp->dispatched);
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		r = -errno;
		goto free_dp;
	}
	r = table_init(&dp->table, seed);
	if (r < 0)
		goto free_dp;
	r = event_queue_init(&dp->events);
	if (r < 0)
		goto done_table;
	r = start_workers(dp, &complete, seed);
	if (r == 0)
		return dp;
	stop_workers(dp);
	free_workers(dp);
	event_queue_done(&dp->events);
done_table:
	table_done(&dp->table);
free_dp:
	free(dp);
out:
	errno = -r;
	return NULL;
}

/* Before a worker has its first session. */
static int employ(struct dataplane *dp, struct worker *w)
{
	int r = 0;

	if (w->index && dp->employ && !dp->watched[w->index].lasting) {
		r = dp->employ(dp->steer_user, w->index, true);
		atomic_store(&w->rests, r < 0);
	}
	dp->watched[w->index].lasting += r == 0;
	return r;
}

/* After its last one has sent all that was queued, but for what a full socket has not taken: that goes astray. */
static void dismiss(struct dataplane *dp, struct worker *w)
{
	if (--dp->watched[w->index].lasting || !w->index || !dp->employ)
		return;
	atomic_store(&w->rests, true);
	(void)dp->employ(dp->steer_user, w->index, false);
}

static void session_free(struct dataplane *dp, struct dp_session *s)
{
	dismiss(dp, s->worker);
	while (s->routes) {
		struct dp_route *route = s->routes;

		s->routes = route->next;
		free(route);
	}
	free(s->control_limiter);
	free(s->unusual);
	*s->control_prev = s->control_next;
	if (s->control_next)
		s->control_next->control_prev = s->control_prev;
	free(s);
}

static void discard_events(struct dataplane *dp, struct event_list *list)
{
	struct event *e;

	while ((e = event_list_take(list)) != NULL) {
		if (e->type == DP_EVENT_CONTROL)
			event_control_free(&dp->events, &e->session->events_waiting, e);
	}
}

void dataplane_free(struct dataplane *dp)
{
	struct packet_list held;

	if (!dp)
		return;
	assert(!dp->dispatching);
	stop_workers(dp);
	dp->employ = NULL; /* nobody works any more */
	discard_events(dp, &dp->dispatched);
	event_take(&dp->events, &dp->dispatched);
	discard_events(dp, &dp->dispatched);
	while (dp->sessions) {
		struct dp_session *s = dp->sessions;

		packet_list_init(&held); /* they go with the worker's pool */
		if (!s->removed)
			tunnel_done(&s->tunnel, &held);
		session_free(dp, s);
	}
	free_workers(dp);
	event_queue_done(&dp->events);
	table_done(&dp->table);
	free(dp);
}

int dataplane_event_fd(const struct dataplane *dp)
{
	return dp->events.fd;
}

/* What its worker has told since the last time, each an event. The session may be removed by one. */
static void dispatch_told(struct dp_session *s, struct dp_event *event,
	void (*handle)(void *user, const struct dp_event *event), void *user)
{
	static const enum dp_event_type types[] = { DP_EVENT_RESET, DP_EVENT_DESYNC,
		DP_EVENT_PATH };
	unsigned int telling = atomic_exchange(&s->telling, 0);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		event->type = types[i];
		if (telling & 1u << types[i] && !s->removed)
			handle(user, event);
	}
}

void dataplane_dispatch(
	struct dataplane *dp, void (*handle)(void *user, const struct dp_event *event), void *user)
{
	struct event *e;

	assert(!dp->dispatching);
	dp->dispatching = true;
	event_take(&dp->events, &dp->dispatched);
	while ((e = event_list_take(&dp->dispatched)) != NULL) {
		struct dp_session *s = e->session;
		struct dp_event event = {
			.type = e->type,
			.owner = s->owner,
			.protocol = e->protocol,
			.data = e->data,
			.len = e->len,
		};

		if (event.type == DP_EVENT_REMOVED) {
			struct tunnel_stats last;

			dp_session_stats(s, &last);
			event.stats = &last;
			session_free(dp, s); /* `e` with it */
			handle(user, &event);
			continue;
		}
		if (e == &s->told)
			dispatch_told(s, &event, handle, user);
		else if (!s->removed)
			handle(user, &event);
		if (event.type == DP_EVENT_CONTROL)
			event_control_free(&dp->events, &s->events_waiting, e);
	}
	dp->dispatching = false;
}

/* ---- sessions ---- */

/*
 * Queues `c` to a worker, a copy of it with `data` behind. Cannot fail but for COMMAND_SEND: the others are
 * small and must not be lost, so without memory this waits for the worker instead.
 */
static int post_to(struct worker *w, struct dp_session *s, const struct command *c,
	const uint8_t *data, size_t len)
{
	struct command *copy = malloc(sizeof(*copy) + len);

	if (!copy && len)
		return -ENOMEM;
	if (!copy) {
		struct command here = *c;

		here.session = s;
		command_post_wait(&w->commands, &here);
		return 0;
	}
	*copy = *c;
	copy->session = s;
	if (len)
		memcpy(copy->data, data, len);
	command_post(&w->commands, copy);
	return 0;
}

static int post(struct dp_session *s, const struct command *c, const uint8_t *data, size_t len)
{
	return post_to(s->worker, s, c, data, len);
}

/* To the other workers. */
static void post_others(const struct dataplane *dp, struct dp_session *s, const struct command *c)
{
	for (unsigned int i = 0; i < dp->count; i++) {
		if (dp->workers[i] != s->worker)
			post_to(dp->workers[i], s, c, NULL, 0);
	}
}

static void post_small(struct dp_session *s, const struct command *c)
{
	assert(!s->removed);
	post(s, c, NULL, 0);
}

static void session_init(struct dp_session *s, const struct dp_session_config *config)
{
	s->peer = config->peer;
	s->local_address = config->local;
	s->local = ntohl(config->local.s_addr);
	s->any_source = config->any_source;
	s->peer_mru = s->control_mru = DEFAULT_MRU;
	s->owner = config->owner;
	s->node.session = s->control_node.session = s;
	s->told.type = DP_EVENT_RESET; /* or others: see dispatch_told() */
	s->gone.type = DP_EVENT_REMOVED;
	s->told.session = s->gone.session = s;
	s->rest_at = UINT64_MAX;
	tunnel_init(&s->tunnel, &config->tunnel);
}

uint16_t dataplane_call_id(const struct dataplane *dp, uint16_t wanted)
{
	unsigned int least = 0, id;

	for (unsigned int i = 1; i < dp->count; i++) {
		if (dp->watched[i].sessions < dp->watched[least].sessions)
			least = i;
	}
	id = wanted - wanted % dp->count + least;
	return (uint16_t)(id <= UINT16_MAX ? id : id - dp->count);
}

struct dp_session *dp_session_add(struct dataplane *dp, const struct dp_session_config *config)
{
	uint32_t peer = ntohl(config->peer.s_addr), own = ntohl(config->local.s_addr);
	struct worker *w = dp->workers[dp_shard(config->tunnel.call_id, dp->count)];
	struct dp_session *s = NULL;
	int r;

	if (table_find_call(&dp->table, peer, own, config->tunnel.call_id))
		errno = EADDRINUSE;
	else if (!(s = calloc(1, sizeof(*s))))
		errno = ENOMEM;
	if (!s)
		return NULL;
	r = employ(dp, w);
	if (r < 0) {
		free(s);
		errno = -r;
		return NULL;
	}
	session_init(s, config);
	s->worker = w;
	table_add_call(&dp->table, &s->control_node, peer, own, config->tunnel.call_id);
	s->control_next = dp->sessions;
	s->control_prev = &dp->sessions;
	if (s->control_next)
		s->control_next->control_prev = &s->control_next;
	dp->sessions = s;
	dp->watched[s->worker->index].sessions++;
	post_small(s, &(struct command){ .type = COMMAND_ADD });
	return s;
}

/* Tells whoever steers whose a prefix is (`worker`, or -1). */
static void steer(const struct dataplane *dp, const struct dp_route *route, int worker)
{
	uint32_t prefix = htonl(route->prefix);

	if (!dp->steer || route->len != (route->ipv6 ? 64u : 32u))
		return;
	dp->steer(dp->steer_user, route->ipv6,
		route->ipv6 ? route->prefix6 : (const uint8_t *)&prefix, worker);
}

void dp_session_remove(struct dataplane *dp, struct dp_session *s)
{
	assert(!s->removed);
	table_remove_call(&dp->table, &s->control_node);
	for (struct dp_route *route = s->routes; route; route = route->next) {
		route_remove(&dp->table, route, &route->control_node);
		steer(dp, route, -1);
	}
	dp->watched[s->worker->index].sessions--;
	atomic_store(&s->holders, s->routes ? dp->count : 1);
	if (s->routes)
		post_others(dp, s, &(struct command){ .type = COMMAND_FORGET });
	post_small(s, &(struct command){ .type = COMMAND_REMOVE });
	s->removed = true;
}

int dp_session_send(struct dataplane *dp, struct dp_session *s, uint16_t protocol,
	const uint8_t *info, size_t len)
{
	struct command c = { .type = COMMAND_SEND };

	(void)dp;
	assert(!s->removed);
	if (len > PACKET_ROOM)
		return -EMSGSIZE;
	c.send.protocol = protocol;
	c.send.len = (uint32_t)len;
	return post(s, &c, info, len);
}

void dp_session_set_peer(struct dataplane *dp, struct dp_session *s, uint16_t peer_call_id,
	uint16_t peer_window, uint16_t peer_delay)
{
	(void)dp;
	post_small(s, &(struct command){
			      .type = COMMAND_SET_PEER,
			      .peer = { .call_id = peer_call_id,
				      .window = peer_window,
				      .delay = peer_delay },
		      });
}

void dp_session_set_path(struct dataplane *dp, struct dp_session *s, uint16_t outer_mtu)
{
	(void)dp;
	s->control_path = outer_mtu;
	post_small(s, &(struct command){ .type = COMMAND_SET_PATH, .path_mtu = outer_mtu });
}

uint16_t dp_session_largest(const struct dp_session *s)
{
	unsigned int path = s->worker->config.fragment_outer ? 0 : s->control_path;

	return largest_inner(path, s->control_mru, s->control_mppe || s->control_mppc);
}

void dp_session_set_framing(
	struct dataplane *dp, struct dp_session *s, bool acfc, bool pfc, uint16_t peer_mru)
{
	(void)dp;
	s->control_mru = peer_mru;
	post_small(s, &(struct command){
			      .type = COMMAND_SET_FRAMING,
			      .framing = { .acfc = acfc, .pfc = pfc, .mru = peer_mru },
		      });
}

static void set_mppe(struct dp_session *s, enum command_type type, const struct mppe_params *params,
	const uint8_t start[16])
{
	struct command c = { .type = type };

	if (params) {
		c.mppe.on = true;
		c.mppe.params = *params;
		memcpy(c.mppe.start, start, sizeof(c.mppe.start));
	}
	post_small(s, &c);
	explicit_bzero(&c, sizeof(c));
}

void dp_session_set_tx(struct dataplane *dp, struct dp_session *s, const struct mppe_params *params,
	const uint8_t start[16])
{
	(void)dp;
	s->control_mppe = params != NULL;
	set_mppe(s, COMMAND_SET_TX, params, start);
}

void dp_session_set_rx(struct dataplane *dp, struct dp_session *s, const struct mppe_params *params,
	const uint8_t start[16])
{
	(void)dp;
	set_mppe(s, COMMAND_SET_RX, params, start);
}

static int set_codec(struct dp_session *s, enum command_type type,
	const struct codec_params *params, bool sending)
{
	struct command c = { .type = type };

	if (params)
		c.codec = codec_new(params, sending);
	post_small(s, &c);
	return params && !c.codec ? -ENOMEM : 0;
}

int dp_session_set_pack(
	struct dataplane *dp, struct dp_session *s, const struct codec_params *params)
{
	(void)dp;
	s->control_mppc = params && codec_grows(params);
	return set_codec(s, COMMAND_SET_PACK, params, true);
}

int dp_session_set_unpack(
	struct dataplane *dp, struct dp_session *s, const struct codec_params *params)
{
	(void)dp;
	return set_codec(s, COMMAND_SET_UNPACK, params, false);
}

int dp_session_set_vj(
	struct dataplane *dp, struct dp_session *s, bool sending, const struct vj_params *params)
{
	struct command c = { .type = COMMAND_SET_VJ, .headers.sending = sending };

	(void)dp;
	if (params)
		c.headers.vj = vj_new(params);
	post_small(s, &c);
	return params && !c.headers.vj ? -ENOMEM : 0;
}

int dp_session_set_limit(struct dataplane *dp, struct dp_session *s,
	const struct bucket_limit *send, const struct bucket_limit *receive)
{
	struct command c = { .type = COMMAND_SET_LIMIT };

	(void)dp;
	if (!s->control_limiter && !send->rate && !receive->rate)
		return 0;
	if (!s->control_limiter)
		s->control_limiter = calloc(1, sizeof(*s->control_limiter));
	if (!s->control_limiter)
		return -ENOMEM;
	c.limit.limiter = s->control_limiter;
	c.limit.send = *send;
	c.limit.receive = *receive;
	post_small(s, &c);
	return 0;
}

void dp_session_reset_requested(struct dataplane *dp, struct dp_session *s)
{
	(void)dp;
	post_small(s, &(struct command){ .type = COMMAND_RESET_REQUESTED });
}

void dp_session_open(struct dataplane *dp, struct dp_session *s, bool open)
{
	(void)dp;
	post_small(s, &(struct command){ .type = COMMAND_OPEN, .open = open });
}

void dp_session_open6(struct dataplane *dp, struct dp_session *s, bool open)
{
	(void)dp;
	post_small(s, &(struct command){ .type = COMMAND_OPEN6, .open = open });
}

/* `holder`: of that prefix now. */
static int add_route(struct dataplane *dp, struct dp_session *s, struct dp_session *holder,
	const struct dp_route *what)
{
	struct dp_route *route;

	assert(!s->removed);
	if (holder)
		return holder == s ? 0 : -EEXIST;
	route = calloc(1, sizeof(*route) + dp->count * sizeof(route->nodes[0]));
	if (!route)
		return -ENOMEM;
	*route = *what;
	route->control_node.session = s;
	for (unsigned int i = 0; i < dp->count; i++)
		route->nodes[i].session = s;
	route_add(&dp->table, route, &route->control_node);
	route->next = s->routes;
	s->routes = route;
	/* To its own worker first: when another one knows it, that one will. */
	post_small(s, &(struct command){ .type = COMMAND_ADD_ROUTE, .route = route });
	post_others(dp, s, &(struct command){ .type = COMMAND_ADD_ROUTE, .route = route });
	steer(dp, route, (int)s->worker->index);
	return 0;
}

int dp_session_add_route(
	struct dataplane *dp, struct dp_session *s, struct in_addr prefix, unsigned int len)
{
	struct dp_route route = { .prefix = ntohl(prefix.s_addr), .len = len };

	if (len > 32)
		return -EINVAL;
	return add_route(dp, s, table_find_route(&dp->table, route.prefix, len), &route);
}

int dp_session_add_route6(
	struct dataplane *dp, struct dp_session *s, const uint8_t prefix[16], unsigned int len)
{
	struct dp_route route = { .ipv6 = true, .len = len };

	if (len > 128)
		return -EINVAL;
	memcpy(route.prefix6, prefix, sizeof(route.prefix6));
	return add_route(dp, s, table_find_route6(&dp->table, prefix, len), &route);
}

struct dp_session *dp_route6_holder(
	const struct dataplane *dp, const uint8_t prefix[16], unsigned int len)
{
	return table_find_route6(&dp->table, prefix, len);
}

void dataplane_inner_renewed(struct dataplane *dp)
{
	for (unsigned int i = 0; i < dp->count; i++)
		post_to(dp->workers[i], NULL, &(struct command){ .type = COMMAND_RENEW_INNER },
			NULL, 0);
}

void dp_session_set_hop(struct dataplane *dp, struct dp_session *s, const struct frame_hop *hop)
{
	struct command c = { .type = COMMAND_SET_HOP };

	(void)dp;
	if (hop)
		c.hop = *hop;
	post_small(s, &c);
}
