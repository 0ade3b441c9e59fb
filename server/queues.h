/*
 * The descriptors of the data plane's workers: a queue of the TUN device and a GRE socket for each, and what
 * steers packets to them. What the kernel refuses is said in the log, once, and done without: worker 0 then reads
 * for all.
 */
#pragma once

#include "dataplane/dataplane.h"
#include "system/steering.h"
#include "system/tun.h"

struct server_queues {
	unsigned int workers;
	int inner[DP_WORKERS_MAX], gre[DP_WORKERS_MAX]; /* of worker 0 the network's, not ours */
	bool has_inner, has_gre;                        /* the others have their own */
	bool steered;                                   /* queues, by address */
	bool rest;                                      /* sockets of workers without sessions do */
	uint32_t resting;                               /* bits: those */
	struct steering steering;
};

/*
 * Never fails. Sockets of workers without sessions rest, since each that does not costs the kernel a copy of
 * every GRE packet that comes. `dev` was made with tun_open(), for several queues.
 */
void server_queues_open(struct server_queues *q, unsigned int workers, const char *dev, int tun_fd,
	const struct tun_offload *offload, int gre_fd, bool fragment);
/* There is a new device behind the first queue: the others get queues of it, and are steered as before. */
int server_queues_renew(
	struct server_queues *q, const char *dev, const struct tun_offload *offload, char *why);
void server_queues_close(struct server_queues *q);

/* What the data plane has to know. `q` must outlive it. */
void server_queues_configure(struct server_queues *q, struct dp_config *config);
