/* Descriptors of workers: see queues.h. */
#include "server/queues.h"

#include "system/log.h"

#include <string.h>
#include <unistd.h>

static void close_all(int *fds, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void open_inner(struct server_queues *q, const char *dev, const struct tun_offload *offload)
{
	char why[SYSTEM_WHY];

	for (unsigned int i = 1; i < q->workers; i++) {
		q->inner[i] = tun_open_queue(dev, offload, why);
		if (q->inner[i] < 0) {
			log_info("workers: %s: one worker reads the device for all", why);
			close_all(q->inner, i);
			return;
		}
	}
	q->has_inner = true;
}

static void steer_inner(struct server_queues *q, int tun_fd)
{
	int r = steering_open(&q->steering);

	if (r == 0)
		r = steering_attach(&q->steering, tun_fd);
	q->steered = r == 0;
	if (q->steered)
		return;
	steering_close(&q->steering);
	log_info("workers: the kernel does not let us steer the device's queues by address (%s); "
		 "what comes to "
		 "the wrong worker is handed over",
		strerror(-r));
}

int server_queues_renew(
	struct server_queues *q, const char *dev, const struct tun_offload *offload, char *why)
{
	for (unsigned int i = 1; q->has_inner && i < q->workers; i++) {
		int fd = tun_open_queue(dev, offload, why);

		if (fd < 0 || tun_replace(q->inner[i], fd, why) < 0)
			return -1;
	}
	if (q->steered && steering_attach(&q->steering, q->inner[0]) < 0)
		log_warning("the new device's queues are not steered: packets are handed over");
	return 0;
}

static uint32_t shard(unsigned int worker)
{
	return (uint32_t)1 << worker;
}

/* The first worker's filter: also what is for those that rest. */
static int filter_first(const struct server_queues *q)
{
	return steering_filter_attach(q->gre[0], q->resting | shard(0), q->workers, true);
}

/* Each can be had, and can be woken again, or none does. */
static void put_to_rest(struct server_queues *q)
{
	uint32_t resting = 0;

	for (unsigned int i = 1; i < q->workers; i++) {
		if (steering_rest(q->gre[i], true) < 0 || steering_rest(q->gre[i], false) < 0)
			return;
		resting |= shard(i);
	}
	q->resting = resting;
	if (filter_first(q) < 0) {
		q->resting = 0;
		return;
	}
	for (unsigned int i = 1; i < q->workers; i++)
		(void)steering_rest(q->gre[i], true);
	q->rest = true;
}

/* The filters first on those that nobody reads yet: what came before is seen by its owner, too. */
static void open_gre(struct server_queues *q, bool fragment)
{
	char why[SYSTEM_WHY];
	int r = 0;

	for (unsigned int i = 1; i < q->workers && r == 0; i++) {
		q->gre[i] = gre_socket_open(NULL, fragment, why);
		if (q->gre[i] < 0) {
			log_info("workers: %s; one worker receives for all", why);
			close_all(q->gre, i);
			return;
		}
		r = steering_filter_attach(q->gre[i], shard(i), q->workers, false);
	}
	if (r == 0)
		r = filter_first(q);
	if (r == 0) {
		q->has_gre = true;
		put_to_rest(q);
		return;
	}
	log_info("workers: the kernel does not let us filter GRE sockets by Call ID (%s); one "
		 "worker receives "
		 "for all",
		strerror(-r));
	close_all(q->gre, q->workers);
}

void server_queues_open(struct server_queues *q, unsigned int workers, const char *dev, int tun_fd,
	const struct tun_offload *offload, int gre_fd, bool fragment)
{
	q->workers = workers;
	q->has_inner = q->has_gre = q->steered = q->rest = false;
	q->resting = 0;
	q->steering.map = q->steering.program = -1;
	for (unsigned int i = 0; i < DP_WORKERS_MAX; i++)
		q->inner[i] = q->gre[i] = -1;
	q->inner[0] = tun_fd;
	q->gre[0] = gre_fd;
	if (workers < 2)
		return;
	open_inner(q, dev, offload);
	if (q->has_inner)
		steer_inner(q, tun_fd);
	open_gre(q, fragment);
}

void server_queues_close(struct server_queues *q)
{
	if (q->workers < 2)
		return;
	close_all(q->inner, q->workers);
	close_all(q->gre, q->workers);
	steering_close(&q->steering);
	q->workers = 0;
}

static void steer(void *user, bool ipv6, const uint8_t *prefix, int worker)
{
	const struct server_queues *q = user;

	steering_set(&q->steering, ipv6, prefix, worker);
}

/* There is always a socket that yields a call's packets; for a moment there may be two, which is no harm. */
static int employ(void *user, unsigned int worker, bool employed)
{
	struct server_queues *q = user;
	uint32_t before = q->resting;
	int r = employed ? steering_rest(q->gre[worker], false) : 0;

	if (r < 0) {
		log_error("worker %u cannot be given a session: its GRE socket does not wake: %s",
			worker, strerror(-r));
		return r;
	}
	q->resting = employed ? before & ~shard(worker) : before | shard(worker);
	/* Without it the first worker sees packets twice, or those of no call are not counted. */
	(void)filter_first(q);
	if (!employed)
		(void)steering_rest(q->gre[worker], true);
	return 0;
}

void server_queues_configure(struct server_queues *q, struct dp_config *config)
{
	config->workers = q->workers;
	config->inner_fd = q->inner[0];
	config->gre_fd = q->gre[0];
	config->inner_more = q->has_inner ? q->inner + 1 : NULL;
	config->gre_more = q->has_gre ? q->gre + 1 : NULL;
	config->steer = q->steered ? steer : NULL;
	config->employ = q->rest ? employ : NULL;
	config->steer_user = q;
}
