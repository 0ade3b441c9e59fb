/* Kept control connections: see kept.h. */
#include "server/kept.h"

#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND      1000000ull
#define PAUSE_FIRST 1000u         /* ms until the second try */
#define PAUSE_MAX   60000u        /* ms */
#define STABLE      (10 * SECOND) /* us: a connection that lasted so long was no failure */
#define PROBE       (5 * SECOND) /* us for ours to answer when the peer says that it wants another */

struct kept {
	struct server *server;
	const struct peer *peer;
	struct server_connection *dialling, *current;
	uint64_t established_at;
	unsigned int pause; /* ms */
	bool ourselves;     /* its address is one of this machine: we have dialled into our own */
	uv_timer_t timer;
};

static void on_timer(uv_timer_t *timer);

/* Half of the pause at least: two ends that collide must not do it again in step. */
static void wait_to_dial(struct kept *k)
{
	uint32_t some;

	if (k->server->stop_deadline || uv_is_closing((uv_handle_t *)&k->timer))
		return;
	if (k->ourselves) /* until the address moves on, as those of a cluster do */
		k->pause = PAUSE_MAX;
	random_bytes(&some, sizeof(some));
	uv_timer_start(&k->timer, on_timer, k->pause / 2 + some % (k->pause / 2 + 1), 0);
	k->pause = k->pause * 2 > PAUSE_MAX ? PAUSE_MAX : k->pause * 2;
}

static void on_timer(uv_timer_t *timer)
{
	struct kept *k = timer->data;

	if (k->current || k->dialling || k->server->stop_deadline)
		return;
	k->dialling = server_dial(k->server, k->peer->prefix);
	if (!k->dialling)
		wait_to_dial(k);
}

int kept_start(struct server *s)
{
	const struct peers *p = &s->config.peers;

	s->kept = calloc(p->count ? p->count : 1, sizeof(*s->kept));
	if (!s->kept)
		return -ENOMEM;
	for (size_t i = 0; i < p->count && p->list[i].len == 32; i++) {
		struct kept *k;

		if (!p->list[i].dial)
			continue;
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->server = s;
		k->peer = &p->list[i];
		k->pause = PAUSE_FIRST;
		uv_timer_init(&s->loop, &k->timer);
		k->timer.data = k;
		s->kept[i] = k;
		uv_timer_start(&k->timer, on_timer, 0, 0);
	}
	return 0;
}

void kept_stop(struct server *s)
{
	for (size_t i = 0; s->kept && i < s->config.peers.count; i++) {
		struct kept *k = s->kept[i];

		if (k && !uv_is_closing((uv_handle_t *)&k->timer))
			uv_close((uv_handle_t *)&k->timer, NULL);
	}
}

void kept_done(struct server *s)
{
	for (size_t i = 0; s->kept && i < s->config.peers.count; i++)
		free(s->kept[i]);
	free(s->kept);
	s->kept = NULL;
}

struct kept *kept_find(const struct server *s, const struct peer *peer)
{
	return peer->dial && s->kept ? s->kept[peer - s->config.peers.list] : NULL;
}

static bool is_established(const struct server_connection *c)
{
	return c && c->connection.started && !c->connection.closing && !c->connection.ending &&
	       c->connection.control.state == CONTROL_ESTABLISHED;
}

struct server_connection *kept_connection(const struct kept *k)
{
	return is_established(k->current) ? k->current : NULL;
}

const char *kept_state(const struct kept *k)
{
	if (is_established(k->current))
		return "established";
	if (k->ourselves)
		return "ourselves";
	return k->dialling ? "dialling" : "waiting";
}

enum control_start_decision kept_requested(struct kept *k, struct server_connection *c)
{
	struct server_connection *own = k->dialling;

	if (c->connection.local.s_addr == c->connection.peer.s_addr) {
		if (!k->ourselves)
			log_about(LOG_WARNING, c->connection.subject,
				"this is our own connection: a peer with dial = true has an "
				"address of this machine");
		k->ourselves = true;
		return CONTROL_START_REFUSE_NOT_AUTHORIZED;
	}
	if (is_established(k->current)) {
		k->server->exists++;
		connection_probe(&k->current->connection, PROBE);
		return CONTROL_START_REFUSE_EXISTS;
	}
	if (!own)
		return CONTROL_START_ACCEPT;
	if (own->connection.started && own->connection.control.state == CONTROL_WAIT_REPLY) {
		bool won = control_collision_won(
			ntohl(c->connection.local.s_addr), ntohl(c->connection.peer.s_addr));

		k->server->collisions++;
		if (server_may_log(k->server, SERVER_LOG_CONNECTIONS))
			log_about(LOG_INFO, c->connection.subject,
				"both ends have dialled: %s connection stays (RFC 2637 3.1.3)",
				won ? "our" : "the peer's");
		if (won)
			return CONTROL_START_COLLISION_WON;
	}
	/* Lost; or ours has not begun, and is not needed. */
	k->dialling = NULL;
	connection_collided(&own->connection);
	return CONTROL_START_ACCEPT;
}

void kept_established(struct kept *k, struct server_connection *c)
{
	if (k->dialling == c)
		k->dialling = NULL;
	k->current = c;
	k->ourselves = false;
	k->established_at = clock_now();
	uv_timer_stop(&k->timer);
}

void kept_closed(struct kept *k, struct server_connection *c)
{
	if (k->dialling == c) {
		k->dialling = NULL;
	} else if (k->current == c) {
		k->current = NULL;
		if (clock_now() - k->established_at > STABLE)
			k->pause = PAUSE_FIRST;
	} else {
		return;
	}
	if (!k->current && !k->dialling)
		wait_to_dial(k);
}
