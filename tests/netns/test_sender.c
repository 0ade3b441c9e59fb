/*
 * Batches by raw sockets (dataplane/io, dataplane/sender) against the kernel, over the loopback interface of
 * a network namespace that goes with this process.
 */
#include "dataplane/io.h"
#include "tests/netns/net_rig.h"

#include <netinet/ip.h>

#define OWN   "127.0.0.5"
#define PEER  "127.0.0.1"
#define OTHER "127.0.0.2"
#define MTU   1500

struct rig {
	int gre, heard[2]; /* by PEER, OTHER */
	struct pool pool;
	struct io_send tx;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	static const char *const peers[] = { PEER, OTHER };

	must(net_link_up("lo", MTU, why));
	assert_int_equal(pool_init(&r->pool, POOL_MIN), 0);
	r->gre = gre_socket_open(NULL, false, why);
	assert_true(r->gre >= 0);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = ip(peers[i]) };

		r->heard[i] = gre_socket_open(NULL, false, why);
		assert_int_equal(bind(r->heard[i], (struct sockaddr *)&at, sizeof(at)), 0);
	}
	io_send_init(&r->tx, NULL, r->gre);
	*state = r;
	if (!io_send_is_own(&r->tx))
		print_message(
			"# this kernel has no such sender: tested is the socket that receives\n");
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	(void)io_send_drop(&r->tx, &r->pool);
	io_send_done(&r->tx);
	close(r->gre);
	close(r->heard[0]);
	close(r->heard[1]);
	pool_done(&r->pool);
	free(r);
	return 0;
}

static void add(struct rig *r, const char *from, const char *to, uint8_t octet, uint32_t len)
{
	struct packet *p = pool_get(&r->pool);

	assert_non_null(p);
	p->len = len;
	memset(p->data, octet, len);
	io_send_add(&r->tx, p, ip(from), ip(to), NULL);
}

/* The next packet: its source, length and octet; 0: there is none. */
static size_t hear(int fd, char from[INET_ADDRSTRLEN], uint8_t *octet)
{
	uint8_t buf[2048];
	const struct iphdr *h = (const void *)buf;
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	struct in_addr source;

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return 0;
	}
	assert_true(n > (ssize_t)sizeof(*h));
	assert_int_equal(h->ihl, 5);
	assert_int_equal(h->ttl, 64);
	assert_int_equal(h->tos, 0);
	assert_int_equal(ntohs(h->frag_off), IP_DF);
	assert_int_equal(h->protocol, IPPROTO_GRE);
	source.s_addr = h->saddr;
	inet_ntop(AF_INET, &source, from, INET_ADDRSTRLEN);
	*octet = buf[sizeof(*h)];
	return (size_t)n - sizeof(*h);
}

static void heard(int fd, const char *from, uint8_t octet, size_t len)
{
	char source[INET_ADDRSTRLEN];
	uint8_t first;

	assert_int_equal(hear(fd, source, &first), len);
	assert_string_equal(source, from);
	assert_int_equal(first, octet);
}

static void nothing_heard(int fd)
{
	char source[INET_ADDRSTRLEN];
	uint8_t octet;

	assert_int_equal(hear(fd, source, &octet), 0);
}

static void packets_come_from_the_address_that_is_said(void **state)
{
	struct rig *r = *state;
	struct io_sent result;

	add(r, OWN, PEER, 1, 100);
	add(r, PEER, OTHER, 2, MTU - 20);
	result = io_send(&r->tx, &r->pool);
	assert_int_equal(result.sent, 2);
	assert_int_equal(result.failed, 0);
	heard(r->heard[0], OWN, 1, 100);
	heard(r->heard[1], PEER, 2, MTU - 20);
	nothing_heard(r->heard[0]);
	nothing_heard(r->heard[1]);
}

static void the_sender_itself_hears_nothing(void **state)
{
	struct rig *r = *state;

	if (!io_send_is_own(&r->tx))
		skip();
	add(r, OWN, PEER, 1, 100);
	assert_int_equal(io_send(&r->tx, &r->pool).sent, 1);
	heard(r->gre, OWN, 1, 100);
	nothing_heard(io_send_fd(&r->tx));
}

static void what_is_larger_than_the_path_is_set_aside(void **state)
{
	struct rig *r = *state;
	struct io_sent result;
	struct packet *p;

	add(r, OWN, PEER, 1, MTU - 19);
	add(r, OWN, PEER, 2, 60);
	result = io_send(&r->tx, &r->pool);
	assert_int_equal(result.sent, 1);
	assert_int_equal(result.too_big, 1);
	p = packet_list_take(&r->tx.too_big);
	assert_non_null(p);
	assert_int_equal(p->len, MTU - 19);
	pool_put(&r->pool, p);
	heard(r->heard[0], OWN, 2, 60);
}

static void where_there_is_no_route_the_next_one_goes_all_the_same(void **state)
{
	struct rig *r = *state;
	struct io_sent result;

	add(r, OWN, "203.0.113.1", 1, 60);
	add(r, OWN, PEER, 2, 60);
	result = io_send(&r->tx, &r->pool);
	assert_int_equal(result.sent, 1);
	assert_int_equal(result.failed, 1);
	heard(r->heard[0], OWN, 2, 60);
}

static void forget(int fd)
{
	uint8_t octet;

	while (recv(fd, &octet, sizeof(octet), 0) >= 0)
		;
}

/* So many from `from` to PEER, and each fourth to OTHER: SENDER_REVIEW in all. */
static void busy(struct rig *r, const char *from)
{
	for (unsigned int i = 0; i < SENDER_REVIEW; i++) {
		const char *to = i % 4 == 3 ? OTHER : PEER;

		add(r, from, to, 1, 60);
		if (r->tx.count < IO_SEND_MAX)
			continue;
		assert_int_equal(io_send(&r->tx, &r->pool).sent, IO_SEND_MAX);
		forget(r->gre);
		forget(r->heard[0]);
		forget(r->heard[1]);
	}
}

static void the_sender_is_connected_to_who_gets_most(void **state)
{
	struct rig *r = *state;

	if (!io_send_is_own(&r->tx))
		skip();
	busy(r, PEER);
	assert_int_equal(r->tx.sender.to.s_addr, ip(PEER).s_addr);
	add(r, PEER, PEER, 3, 60);
	add(r, OWN, PEER, 4, 60);
	add(r, OWN, OTHER, 5, 60);
	assert_int_equal(io_send(&r->tx, &r->pool).sent, 3);
	heard(r->heard[0], PEER, 3, 60);
	heard(r->heard[0], OWN, 4, 60);
	heard(r->heard[1], OWN, 5, 60);
	nothing_heard(io_send_fd(&r->tx));
}

/* Rules of routing may go by the source, which a connected socket has from the kernel. */
static void not_from_an_address_that_the_kernel_would_not_take(void **state)
{
	struct rig *r = *state;

	busy(r, OWN);
	assert_int_equal(r->tx.sender.to.s_addr, 0);
	add(r, OWN, PEER, 3, 60);
	assert_int_equal(io_send(&r->tx, &r->pool).sent, 1);
	heard(r->heard[0], OWN, 3, 60);
}

static void there_is_no_sender_like_what_is_no_raw_socket(void **state)
{
	struct sender s;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	sender_open(&s, pair[0]);
	assert_int_equal(s.fd, -1);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			packets_come_from_the_address_that_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(the_sender_itself_hears_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_larger_than_the_path_is_set_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(
			where_there_is_no_route_the_next_one_goes_all_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_sender_is_connected_to_who_gets_most, setup, teardown),
		cmocka_unit_test_setup_teardown(
			not_from_an_address_that_the_kernel_would_not_take, setup, teardown),
		cmocka_unit_test(there_is_no_sender_like_what_is_no_raw_socket),
	};

	net_enter_or_skip();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
