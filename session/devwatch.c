/* The tunnel's own device: see devwatch.h. */
#include "session/devwatch.h"

#include "system/log.h"
#include "system/netwatch.h"

#include <errno.h>
#include <stdlib.h>

#define ROUTES_DELAY 50 /* ms: routes change by the dozen */

struct devwatch {
	const struct devwatch_ops *ops;
	void *user;
	struct netwatch *watch;
	unsigned int ifindex;
	bool down, fresh, closing; /* fresh: it is to come up for the first time */
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int handles;
};

static void on_timer(uv_timer_t *timer)
{
	struct devwatch *w = timer->data;

	w->ops->routes(w->user);
}

static void routes_changed(void *user)
{
	struct devwatch *w = user;

	if (w->ops->routes && !w->closing && !uv_is_active((uv_handle_t *)&w->timer))
		uv_timer_start(&w->timer, on_timer, ROUTES_DELAY, 0);
}

static void link_changed(void *user, const struct netwatch_link *now)
{
	struct devwatch *w = user;
	bool was_down = w->down;

	if (w->closing)
		return;
	if (now->ifindex != w->ifindex) {
		/* With a device that goes down its routes go, without a word of them. */
		routes_changed(w);
		return;
	}
	w->down = !now->up;
	if (!was_down || !now->up)
		return;
	if (!w->fresh)
		w->ops->up(w->user);
	w->fresh = false;
}

/* Of one that was made and went before it was followed, too; or one goes whose name is wanted. */
static void link_gone(void *user, unsigned int ifindex)
{
	struct devwatch *w = user;
	bool ours = !w->ifindex || ifindex == w->ifindex;

	if (w->closing)
		return;
	if (ifindex != w->ifindex)
		routes_changed(w);
	if (!ours)
		return;
	w->ifindex = 0;
	w->ops->gone(w->user);
}

/* More happened than we were told: it may have been down meanwhile. */
static void missed(void *user)
{
	struct devwatch *w = user;
	struct netwatch_link now;
	int r = w->ifindex ? netwatch_get_link(w->watch, w->ifindex, &now) : -ENODEV;

	w->down = true;
	if (r == 0)
		link_changed(w, &now);
	else if (r == -ENODEV)
		link_gone(w, w->ifindex);
	routes_changed(w);
}

static const struct netwatch_ops netwatch_ops = {
	.link = link_changed,
	.gone = link_gone,
	.routes = routes_changed,
	.missed = missed,
};

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct devwatch *w = poll->data;

	(void)events;
	/* The socket has overflowed: libuv stops there, and reading says so. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_event);
	netwatch_read(w->watch, &netwatch_ops, w);
}

static void release(struct devwatch *w)
{
	netwatch_close(w->watch);
	free(w);
}

static void on_closed(uv_handle_t *handle)
{
	struct devwatch *w = handle->data;

	if (--w->handles == 0)
		release(w);
}

struct devwatch *devwatch_open(
	uv_loop_t *loop, const char *dev, const struct devwatch_ops *ops, void *user)
{
	struct devwatch *w = calloc(1, sizeof(*w));
	char why[SYSTEM_WHY] = "out of memory";
	struct netwatch_link now;

	if (w)
		w->watch = netwatch_open(ops->routes ? NETWATCH_ROUTES : 0, why);
	if (!w || !w->watch || uv_poll_init(loop, &w->poll, netwatch_fd(w->watch)) < 0) {
		log_warning("what happens to the device %s is not followed: %s", dev, why);
		if (w)
			release(w);
		return NULL;
	}
	w->ops = ops;
	w->user = user;
	w->ifindex = if_nametoindex(dev);
	w->down = netwatch_get_link(w->watch, w->ifindex, &now) == 0 && !now.up;
	uv_timer_init(loop, &w->timer);
	w->poll.data = w->timer.data = w;
	w->handles = 2;
	uv_poll_start(&w->poll, UV_READABLE, on_event);
	uv_unref((uv_handle_t *)&w->poll);
	uv_unref((uv_handle_t *)&w->timer);
	return w;
}

void devwatch_follow(struct devwatch *w, const char *dev)
{
	w->ifindex = if_nametoindex(dev);
	w->down = false;
	w->fresh = true; /* what its making has caused is still to be read */
}

void devwatch_close(struct devwatch *w)
{
	if (!w)
		return;
	w->closing = true;
	uv_close((uv_handle_t *)&w->poll, on_closed);
	uv_close((uv_handle_t *)&w->timer, on_closed);
}
