/*
 * A bad path between two network namespaces, for kernels without netem: a TUN device wire0 in each,
 * and a thread a direction that carries packets from one to the other, late by a delay of its own for each
 * packet, by chance at once (so that it overtakes), or not at all.
 *
 *     rough-wire NAMESPACE NAMESPACE DELAY-US JITTER-US REORDER-PPM LOSS-PPM SEED
 *
 * Prints "ready" when both devices are there, and what it did with the packets when it is told to
 * end (SIGTERM). The delay is even between DELAY - JITTER and DELAY + JITTER. What the path holds is
 * limited as with a router's queue: what does not fit is lost, and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define HELD_MAX    4096 /* packets under way, each direction */
#define PACKET_ROOM 2048
#define READ_MAX    64 /* in a row, before those that are due are looked at */

struct held {
	uint64_t due, order; /* ns; order: of those due at the same time */
	uint32_t len, slot;
};

struct direction {
	int from, to;
	uint64_t delay, jitter; /* ns */
	uint32_t reorder, loss; /* of a million */
	uint64_t random, order;
	unsigned int count;
	struct held heap[HELD_MAX]; /* the first is due first */
	uint32_t free_slots[HELD_MAX];
	unsigned int free_count;
	uint8_t packets[HELD_MAX][PACKET_ROOM];
	uint64_t passed, overtook, lost, overflowed;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64 */
static uint64_t chance(struct direction *d)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random >> 11;
}

static bool happens(struct direction *d, uint32_t ppm)
{
	return ppm && chance(d) % 1000000 < ppm;
}

/* ---- those under way ---- */

static bool before(const struct held *a, const struct held *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct direction *d, const struct held *new)
{
	unsigned int at = d->count++;

	for (; at && before(new, &d->heap[(at - 1) / 2]); at = (at - 1) / 2)
		d->heap[at] = d->heap[(at - 1) / 2];
	d->heap[at] = *new;
}

static struct held pop(struct direction *d)
{
	struct held first = d->heap[0], last = d->heap[--d->count];
	unsigned int at = 0, child;

	while ((child = 2 * at + 1) < d->count) {
		if (child + 1 < d->count && before(&d->heap[child + 1], &d->heap[child]))
			child++;
		if (!before(&d->heap[child], &last))
			break;
		d->heap[at] = d->heap[child];
		at = child;
	}
	d->heap[at] = last;
	return first;
}

/* ---- a direction ---- */

static uint64_t lateness(struct direction *d)
{
	if (happens(d, d->reorder)) {
		d->overtook++;
		return 0;
	}
	return d->delay + (d->jitter ? chance(d) % (2 * d->jitter + 1) - d->jitter : 0);
}

/* False: there is nothing more now. */
static bool take(struct direction *d)
{
	uint8_t surplus[PACKET_ROOM];
	uint8_t *at = d->free_count ? d->packets[d->free_slots[d->free_count - 1]] : surplus;
	ssize_t len = read(d->from, at, PACKET_ROOM);
	struct held h;

	if (len <= 0)
		return false;
	if (at == surplus) {
		d->overflowed++;
	} else if (happens(d, d->loss)) {
		d->lost++;
	} else {
		h = (struct held){
			.due = now() + lateness(d), .order = d->order++, .len = (uint32_t)len
		};
		h.slot = d->free_slots[--d->free_count];
		push(d, &h);
	}
	return true;
}

static void deliver(struct direction *d)
{
	while (d->count && d->heap[0].due <= now()) {
		struct held h = pop(d);

		/* a device that is down, or whose reader is too slow, loses it */
		if (write(d->to, d->packets[h.slot], h.len) == (ssize_t)h.len)
			d->passed++;
		else
			d->overflowed++;
		d->free_slots[d->free_count++] = h.slot;
	}
}

static void *carry(void *arg)
{
	struct direction *d = arg;

	for (;;) {
		struct pollfd p = { .fd = d->from, .events = POLLIN };
		struct timespec wait, *limit = NULL;

		if (d->count) {
			uint64_t due = d->heap[0].due, t = now();

			wait = (struct timespec){
				.tv_nsec = due > t ? (long)((due - t) % 1000000000u) : 0
			};
			limit = &wait;
		}
		ppoll(&p, 1, limit, NULL);
		for (unsigned int i = 0; i < READ_MAX && take(d); i++)
			;
		deliver(d);
	}
	return NULL;
}

/* ---- the devices ---- */

static int device(const char *namespace)
{
	struct ifreq ifr = { .ifr_name = "wire0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[256];
	int there, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET) < 0) {
		fprintf(stderr, "rough-wire: the namespace %s: %s\n", namespace, strerror(errno));
		exit(1);
	}
	close(there);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		fprintf(stderr, "rough-wire: a device in %s: %s\n", namespace, strerror(errno));
		exit(1);
	}
	return fd;
}

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (!*text || *end || n > 1000000) {
		fprintf(stderr, "rough-wire: \"%s\" is not a number from 0 to 1000000\n", text);
		exit(2);
	}
	return n;
}

static struct direction *direction_new(int from, int to, char **argv, uint64_t salt)
{
	struct direction *d = calloc(1, sizeof(*d));

	if (!d)
		exit(1);
	d->from = from;
	d->to = to;
	d->delay = number(argv[0]) * 1000;
	d->jitter = number(argv[1]) * 1000;
	d->reorder = (uint32_t)number(argv[2]);
	d->loss = (uint32_t)number(argv[3]);
	d->random = (number(argv[4]) + 1) * 0x9e3779b97f4a7c15u ^ salt;
	if (d->jitter > d->delay) {
		fprintf(stderr, "rough-wire: the jitter is larger than the delay\n");
		exit(2);
	}
	for (unsigned int i = 0; i < HELD_MAX; i++)
		d->free_slots[d->free_count++] = i;
	return d;
}

static void tell(const struct direction *d, const char *way)
{
	printf("%s: %llu passed, %llu of them overtook, %llu lost, %llu did not fit\n", way,
		(unsigned long long)d->passed, (unsigned long long)d->overtook,
		(unsigned long long)d->lost, (unsigned long long)d->overflowed);
}

int main(int argc, char **argv)
{
	struct direction *there, *back;
	pthread_t threads[2];
	sigset_t ends;
	int a, b, signal;

	if (argc != 8) {
		fprintf(stderr,
			"usage: rough-wire NAMESPACE NAMESPACE DELAY-US JITTER-US REORDER-PPM "
			"LOSS-PPM SEED\n");
		return 2;
	}
	a = device(argv[1]);
	b = device(argv[2]);
	there = direction_new(a, b, argv + 3, 1);
	back = direction_new(b, a, argv + 3, 2);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	if (pthread_create(&threads[0], NULL, carry, there) ||
		pthread_create(&threads[1], NULL, carry, back))
		return 1;
	puts("ready");
	fflush(stdout);
	sigwait(&ends, &signal);
	tell(there, "there");
	tell(back, "back");
	return 0;
}
