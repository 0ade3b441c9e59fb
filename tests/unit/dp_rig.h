/*
 * For the data plane's tests: a data plane between pairs of SOCK_SEQPACKET sockets, which stand for
 * the TUN device and for the raw GRE socket (which yields packets with an IPv4 header, and takes
 * them without); the test is the peer and the inner network. What must not come is shown by what
 * comes next on the same socket.
 */
#pragma once

#include "dataplane/dataplane.h"
#include "lib/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define IP(a, b, c, d)                                                                             \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#define PEER    IP(198, 51, 100, 7)
#define LOCAL   IP(203, 0, 113, 1)
#define INNER   IP(10, 0, 0, 2) /* the session's address */
#define OUTSIDE IP(10, 9, 9, 9)
#define OUR_ID  0x1234
#define PEER_ID 0x0080

#define PATIENCE_MS 20000 /* a bound for a broken program; passing tests do not wait */
#define EVENTS_MAX  256

struct heard {
	enum dp_event_type type;
	void *owner;
	uint16_t protocol;
	uint32_t len;
	uint8_t data[64];
};

struct rig {
	struct dataplane *dp;
	int inner, gre; /* the test's ends */
	int dp_inner, dp_gre;
	struct heard heard[EVENTS_MAX];
	unsigned int heard_count;
};

/* ---- the rig ---- */

static inline void pair(int *ours, int *theirs)
{
	int fds[2], size = 4 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*ours = fds[0];
	*theirs = fds[1];
}

static inline struct rig *rig_with(struct dp_config config)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	pair(&rig->inner, &rig->dp_inner);
	pair(&rig->gre, &rig->dp_gre);
	config.inner_fd = rig->dp_inner;
	config.gre_fd = rig->dp_gre;
	rig->dp = dataplane_new(&config);
	assert_non_null(rig->dp);
	return rig;
}

static inline struct rig *rig_new(bool check_source, bool lookup_by_source)
{
	return rig_with((struct dp_config){
		.check_source = check_source, .lookup_by_source = lookup_by_source });
}

static inline void rig_free(struct rig *rig)
{
	dataplane_free(rig->dp);
	close(rig->inner);
	close(rig->gre);
	close(rig->dp_inner);
	close(rig->dp_gre);
	free(rig);
}

static inline struct in_addr in(uint32_t host)
{
	return (struct in_addr){ .s_addr = htonl(host) };
}

static inline struct dp_session *add(struct rig *rig, uint32_t peer, uint16_t call_id, void *owner)
{
	struct dp_session_config config = {
		.peer = in(peer),
		.local = in(LOCAL),
		.tunnel = { .call_id = call_id,
			.peer_call_id = PEER_ID,
			.window = 64,
			.peer_window = 64 },
		.owner = owner,
	};

	return dp_session_add(rig->dp, &config);
}

/* A call that lets data pass, with INNER as its address. */
static inline struct dp_session *add_open(struct rig *rig)
{
	struct dp_session *s = add(rig, PEER, OUR_ID, rig);

	assert_non_null(s);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(INNER), 32), 0);
	dp_session_open(rig->dp, s, true);
	return s;
}

static inline void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static inline size_t next_on(int fd, uint8_t *buf, size_t size)
{
	ssize_t n;

	wait_readable(fd);
	n = recv(fd, buf, size, 0);
	assert_true(n > 0);
	return (size_t)n;
}

static inline void on_event(void *user, const struct dp_event *event)
{
	struct rig *rig = user;
	struct heard *h;

	assert_true(rig->heard_count < EVENTS_MAX);
	h = &rig->heard[rig->heard_count++];
	h->type = event->type;
	h->owner = event->owner;
	h->protocol = event->protocol;
	h->len = event->len;
	memset(h->data, 0, sizeof(h->data));
	if (event->len)
		memcpy(h->data, event->data, event->len < 64 ? event->len : 64);
}

static inline void hear(struct rig *rig, unsigned int count)
{
	while (rig->heard_count < count) {
		wait_readable(dataplane_event_fd(rig->dp));
		dataplane_dispatch(rig->dp, on_event, rig);
	}
}

static inline uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Until `expr` holds; `stats` is fetched anew each time. */
#define UNTIL(expr)                                                                                \
	do {                                                                                       \
		uint64_t give_up = clock_us() + PATIENCE_MS * 1000;                                \
                                                                                                   \
		for (;;) {                                                                         \
			dataplane_stats(rig->dp, &stats);                                          \
			if (expr)                                                                  \
				break;                                                             \
			assert_true(clock_us() < give_up);                                         \
			sched_yield();                                                             \
		}                                                                                  \
	} while (0)

/* ---- packets ---- */

static inline size_t put_ipv4(
	uint8_t *buf, uint32_t from, uint32_t to, uint8_t protocol, const void *payload, size_t len)
{
	struct wire_writer w = wire_writer(buf, 20 + len);

	wire_put_u8(&w, 0x45);
	wire_put_u8(&w, 0);
	wire_put_u16(&w, (uint16_t)(20 + len));
	wire_put_u32(&w, 0);
	wire_put_u8(&w, 64);
	wire_put_u8(&w, protocol);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, from);
	wire_put_u32(&w, to);
	wire_put_bytes(&w, payload, len);
	assert_false(w.failed);
	return wire_written(&w);
}

static inline size_t inner_packet(
	uint8_t *buf, uint32_t from, uint32_t to, uint32_t mark, size_t len)
{
	uint8_t payload[2048] = { 0 };

	memcpy(payload, &mark, sizeof(mark));
	return put_ipv4(buf, from, to, 17, payload, len - 20);
}

static inline uint32_t mark_of(const uint8_t *packet)
{
	uint32_t mark;

	memcpy(&mark, packet + 20, sizeof(mark));
	return mark;
}

/* From the network to the data plane: outer header and GRE packet. */
static inline void send_outer(
	struct rig *rig, uint32_t from, uint32_t to, const void *gre, size_t len)
{
	uint8_t buf[2200];
	size_t n = put_ipv4(buf, from, to, 47, gre, len);

	assert_int_equal(send(rig->gre, buf, n, 0), n);
}

static inline void send_ppp(struct rig *rig, uint16_t call_id, uint32_t seq, uint16_t protocol,
	const void *info, size_t len)
{
	uint8_t gre[2048];
	struct gre_header h = {
		.payload_len = (uint16_t)(len + 4), .call_id = call_id, .has_seq = true, .seq = seq
	};
	size_t size = gre_header_size(&h);

	gre_header_encode(&h, gre);
	gre[size] = 0xff;
	gre[size + 1] = 0x03;
	gre[size + 2] = (uint8_t)(protocol >> 8);
	gre[size + 3] = (uint8_t)protocol;
	memcpy(gre + size + 4, info, len);
	send_outer(rig, PEER, LOCAL, gre, size + 4 + len);
}

static inline void send_data(struct rig *rig, uint32_t seq, uint32_t mark)
{
	uint8_t packet[100];
	size_t n = inner_packet(packet, INNER, OUTSIDE, mark, 60);

	send_ppp(rig, OUR_ID, seq, 0x0021, packet, n);
}

static inline void expect_inner(struct rig *rig, uint32_t mark)
{
	uint8_t buf[2048];

	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 60);
	assert_int_equal(mark_of(buf), mark);
}

/* The next GRE packet that has a payload; acknowledgements alone are passed over. */
static inline size_t next_data(
	struct rig *rig, uint8_t *buf, size_t size, struct gre_header *h, size_t *at)
{
	size_t n;

	do {
		n = next_on(rig->gre, buf, size);
		assert_int_equal(gre_header_decode(h, buf, n, at), GRE_OK);
	} while (!h->has_seq);
	return n;
}

static inline void inner_sends(struct rig *rig, uint32_t to, uint32_t mark, size_t len)
{
	uint8_t packet[2048];
	size_t n = inner_packet(packet, OUTSIDE, to, mark, len);

	assert_int_equal(send(rig->inner, packet, n, 0), n);
}

/* A round trip through the command queue: all commands before it are done. */
static inline void sync_commands(struct rig *rig, struct dp_session *s)
{
	struct gre_header h;
	uint8_t buf[2048];
	size_t at;

	assert_int_equal(
		dp_session_send(rig->dp, s, 0xc021, (const uint8_t *)"\x0b\x01\0\x04", 4), 0);
	next_data(rig, buf, sizeof(buf), &h, &at);
}
