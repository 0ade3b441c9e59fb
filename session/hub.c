/* The sessions' common ground: see hub.h. */
#include "session/hub.h"

#include "lib/mppe/cipher.h"
#include "session/report.h"
#include "session/session.h"
#include "system/clock.h"
#include "system/cpu.h"
#include "system/log.h"
#include "system/tun.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void handle_event(void *user, const struct dp_event *event)
{
	(void)user;
	session_event(event->owner, event);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
	struct hub *h = poll->data;

	(void)events;
	if (status == 0)
		dataplane_dispatch(h->dp, handle_event, h);
}

/* A turn takes milliseconds, whatever peers do. */
#define WATCH_INTERVAL 5000      /* ms */
#define WATCH_PATIENCE 10000000u /* us */

static void on_stall(void *user, unsigned int worker, const char *doing)
{
	(void)user;
	if (doing)
		log_error(
			"worker %u has not moved for %u s, and its sessions stand still: it is %s",
			worker, WATCH_PATIENCE / 1000000, doing);
	else
		log_warning("worker %u moves again", worker);
}

static void on_watch(uv_timer_t *timer)
{
	struct hub *h = timer->data;

	dataplane_watch(h->dp, clock_now(), WATCH_PATIENCE, on_stall, h);
}

struct vnet_offload hub_offload(const struct tun_offload *offload)
{
	return (struct vnet_offload){
		.header = offload->header,
		.tcp4 = offload->tcp4,
		.tcp6 = offload->tcp6,
		.udp = offload->udp,
	};
}

int hub_init(struct hub *h, uv_loop_t *loop, const struct dp_config *config,
	const struct datapath_config *datapath, char *why)
{
	struct dp_config dp = *config;

	memset(h, 0, sizeof(*h));
	h->loop = loop;
	dp.cipher = cipher_choose(cpu_features());
	h->datapath = datapath ? datapath_open(loop, datapath) : NULL;
	dp.fast = datapath_fast(h->datapath);
	h->dp = dataplane_new(&dp);
	if (!h->dp) {
		int error = errno;

		datapath_close(h->datapath);
		snprintf(why, SYSTEM_WHY, "cannot start the data plane: %s", strerror(error));
		return -1;
	}
	if (uv_poll_init(loop, &h->poll, dataplane_event_fd(h->dp)) < 0) {
		snprintf(why, SYSTEM_WHY, "cannot watch the data plane's events");
		dataplane_free(h->dp);
		datapath_close(h->datapath);
		h->dp = NULL;
		return -1;
	}
	h->poll.data = h;
	uv_poll_start(&h->poll, UV_READABLE, on_events);
	uv_timer_init(loop, &h->watch);
	h->watch.data = h;
	uv_timer_start(&h->watch, on_watch, WATCH_INTERVAL, WATCH_INTERVAL);
	uv_unref((uv_handle_t *)&h->watch); /* nothing that the loop goes on for */
	timers_init(&h->timers, loop);
	h->timers.handle.data = h;
	h->handles = 3;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct hub *h = handle->data;

	if (--h->handles == 0 && h->closed)
		h->closed(h);
}

void hub_done(struct hub *h, void (*closed)(struct hub *h))
{
	h->closed = closed;
	report_gone(h, NULL);
	uv_poll_stop(&h->poll);
	uv_close((uv_handle_t *)&h->poll, on_closed);
	uv_close((uv_handle_t *)&h->watch, on_closed);
	timers_done(&h->timers, on_closed);
	dataplane_free(h->dp);
	datapath_close(h->datapath);
	h->dp = NULL;
	h->datapath = NULL;
}

struct session *hub_find(const struct hub *h, uint32_t id)
{
	uint32_t age = h->last_id - id;

	/* The newest is the first, and it is young ones that are looked for most (hooks). */
	for (struct session *s = h->sessions; s && h->last_id - s->id <= age; s = s->next) {
		if (s->id == id)
			return s;
	}
	return NULL;
}
