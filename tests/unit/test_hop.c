/*
 * Peers behind an Ethernet device, without a kernel: when a link address is used, when it is doubted
 * and when it is given up; gateways; routes that leave the device and come back.
 */
#include "system/hop.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DEVICE  7
#define GATEWAY 0x0a000001u
#define NEAR    0x0a000002u
#define FAR     0xc0000201u
#define FAR2    0xc0000202u

/* A kernel with one gateway for all but 10.0.0.0/24. */
struct kernel {
	struct hops hops;
	unsigned int route_ifindex; /* 0: no route */
	struct hop_address gateway, near;
	unsigned int routes, probes, changes;
	uint32_t probed;
	bool usable;
	uint8_t mac[6];
};

static struct in_addr in(uint32_t host)
{
	return (struct in_addr){ .s_addr = htonl(host) };
}

static struct hop_address mac_of(uint16_t nud, uint8_t last)
{
	return (struct hop_address){
		.known = true, .nud = nud, .mac_len = 6, .mac = { 2, 0, 0, 0, 0, last }
	};
}

static int route(void *user, struct in_addr peer, struct in_addr local, struct in_addr *gateway,
	unsigned int *ifindex)
{
	struct kernel *k = user;

	(void)local;
	k->routes++;
	gateway->s_addr = ntohl(peer.s_addr) >> 8 == GATEWAY >> 8 ? 0 : htonl(GATEWAY);
	*ifindex = k->route_ifindex;
	return k->route_ifindex ? 0 : -ENETUNREACH;
}

static void ask(void *user, struct in_addr address, struct hop_address *out)
{
	struct kernel *k = user;

	*out = ntohl(address.s_addr) == GATEWAY ? k->gateway : k->near;
}

static void probe(void *user, struct in_addr address)
{
	struct kernel *k = user;

	k->probes++;
	k->probed = ntohl(address.s_addr);
}

static void changed(void *user, struct hop *hop, const uint8_t *mac)
{
	struct kernel *k = user;

	(void)hop;
	k->changes++;
	k->usable = mac != NULL;
	if (mac)
		memcpy(k->mac, mac, 6);
}

static const struct hop_ops ops = { route, ask, probe, changed };

static void begin(struct kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->route_ifindex = DEVICE;
	hops_init(&k->hops, DEVICE, true, &ops, k);
}

static void the_gateways_address_is_used_or_the_peers_own(void **state)
{
	struct hop far, near;
	struct kernel k;

	(void)state;
	begin(&k);
	k.gateway = mac_of(NUD_REACHABLE, 1);
	k.near = mac_of(NUD_PERMANENT, 2);
	hops_add(&k.hops, &far, in(FAR), in(0));
	assert_true(k.usable && k.mac[5] == 1);
	hops_add(&k.hops, &near, in(NEAR), in(0));
	assert_true(k.usable && k.mac[5] == 2);
	assert_int_equal(k.probes, 0);
	hops_remove(&k.hops, &near);
	hops_remove(&k.hops, &far);
	hops_done(&k.hops);
}

static void what_is_not_known_is_asked_for_and_not_used_before(void **state)
{
	struct hop_address now = mac_of(NUD_INCOMPLETE, 0);
	struct hop far;
	struct kernel k;

	(void)state;
	begin(&k);
	hops_add(&k.hops, &far, in(FAR), in(0));
	assert_int_equal(k.probes, 1);
	assert_int_equal(k.probed, GATEWAY);
	assert_false(k.usable);
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_false(k.usable);
	now = mac_of(NUD_REACHABLE, 3);
	hops_neighbour(&k.hops, in(NEAR), &now); /* somebody else */
	assert_false(k.usable);
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_true(k.usable && k.mac[5] == 3);
	hops_remove(&k.hops, &far);
	hops_done(&k.hops);
}

static void a_stale_one_is_used_but_doubted(void **state)
{
	struct hop_address now = mac_of(NUD_STALE, 1);
	struct hop far;
	struct kernel k;

	(void)state;
	begin(&k);
	k.gateway = mac_of(NUD_REACHABLE, 1);
	hops_add(&k.hops, &far, in(FAR), in(0));
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_int_equal(k.probes, 1);
	now.nud = NUD_DELAY;
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	now.nud = NUD_PROBE;
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_true(k.usable);
	assert_int_equal(k.changes, 1);
	now.nud = NUD_FAILED;
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_false(k.usable);
	assert_int_equal(k.probes, 1);
	now = mac_of(NUD_REACHABLE, 9);
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_true(k.usable && k.mac[5] == 9);
	hops_remove(&k.hops, &far);
	hops_done(&k.hops);
}

static void a_new_address_is_told_at_once_a_wrong_one_is_not_used(void **state)
{
	struct hop_address now = mac_of(NUD_STALE, 2);
	struct hop a, b;
	struct kernel k;

	(void)state;
	begin(&k);
	k.gateway = mac_of(NUD_REACHABLE, 1);
	hops_add(&k.hops, &a, in(FAR), in(0));
	hops_add(&k.hops, &b, in(FAR2), in(0));
	assert_int_equal(k.changes, 2);
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_int_equal(k.changes, 4); /* both */
	assert_int_equal(k.mac[5], 2);
	now.mac[0] = 1; /* a group's */
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_false(k.usable);
	now = mac_of(NUD_REACHABLE, 2);
	now.mac_len = 4;
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_false(k.usable);
	now = (struct hop_address){ 0 }; /* deleted */
	hops_neighbour(&k.hops, in(GATEWAY), &now);
	assert_int_equal(k.changes, 6);
	hops_remove(&k.hops, &a);
	hops_remove(&k.hops, &b);
	hops_done(&k.hops);
}

static void down_is_down_for_all_and_up_again(void **state)
{
	struct hop far;
	struct kernel k;

	(void)state;
	begin(&k);
	k.gateway = mac_of(NUD_REACHABLE, 1);
	hops_add(&k.hops, &far, in(FAR), in(0));
	hops_link(&k.hops, false, false);
	assert_false(k.usable);
	hops_link(&k.hops, false, true);
	assert_int_equal(k.changes, 2);
	hops_link(&k.hops, true, false);
	assert_true(k.usable);
	hops_link(&k.hops, true, true); /* our own address: everybody has to know */
	assert_int_equal(k.changes, 4);
	hops_remove(&k.hops, &far);
	hops_done(&k.hops);
}

static void a_route_by_another_device_is_not_ours(void **state)
{
	struct hop far;
	struct kernel k;

	(void)state;
	begin(&k);
	k.gateway = mac_of(NUD_REACHABLE, 1);
	hops_add(&k.hops, &far, in(FAR), in(0));
	k.route_ifindex = DEVICE + 1;
	hops_routes(&k.hops);
	assert_true(k.usable); /* until it has been asked */
	assert_false(hops_work(&k.hops));
	assert_false(k.usable);
	k.route_ifindex = 0;
	hops_routes(&k.hops);
	hops_work(&k.hops);
	assert_int_equal(k.changes, 2);
	k.route_ifindex = DEVICE;
	hops_resync(&k.hops);
	hops_work(&k.hops);
	assert_true(k.usable);
	hops_remove(&k.hops, &far);
	hops_done(&k.hops);
}

/* Also when one of them goes while they are being asked for. */
static void many_routes_are_asked_for_in_batches(void **state)
{
	static struct hop peers[HOP_BATCH * 2 + 10];
	const unsigned int n = sizeof(peers) / sizeof(*peers);
	struct kernel k;

	(void)state;
	begin(&k);
	k.gateway = mac_of(NUD_REACHABLE, 1);
	for (unsigned int i = 0; i < n; i++)
		hops_add(&k.hops, &peers[i], in(FAR + i), in(0));
	k.routes = 0;
	hops_routes(&k.hops);
	assert_true(hops_work(&k.hops));
	assert_int_equal(k.routes, HOP_BATCH);
	hops_remove(&k.hops, &peers[n - 1 - HOP_BATCH]); /* the next one */
	assert_true(hops_work(&k.hops));
	assert_false(hops_work(&k.hops));
	assert_int_equal(k.routes, n - 1);
	for (unsigned int i = 0; i < n; i++) {
		if (i != n - 1 - HOP_BATCH)
			hops_remove(&k.hops, &peers[i]);
	}
	hops_done(&k.hops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gateways_address_is_used_or_the_peers_own),
		cmocka_unit_test(what_is_not_known_is_asked_for_and_not_used_before),
		cmocka_unit_test(a_stale_one_is_used_but_doubted),
		cmocka_unit_test(a_new_address_is_told_at_once_a_wrong_one_is_not_used),
		cmocka_unit_test(down_is_down_for_all_and_up_again),
		cmocka_unit_test(a_route_by_another_device_is_not_ours),
		cmocka_unit_test(many_routes_are_asked_for_in_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
