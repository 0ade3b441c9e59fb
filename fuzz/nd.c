/*
 * lib/nd: router advertisements and solicitations of any kind, to a router and a host. What is decoded
 * and encoded again says the same; neither end sends more than its bounds allow.
 */
#include "lib/nd/host.h"

#include "fuzz/fuzz.h"

static struct fuzz f;
static unsigned int sent, learnt;

static void on_send(void *user, const uint8_t *packet, size_t len)
{
	struct nd_advertisement ra;

	(void)user;
	FUZZ_CHECK(len <= ND_PACKET_MAX && nd_decode(packet, len, &ra) != ND_OTHER);
	sent++;
}

static void on_random(void *user, void *buf, size_t len)
{
	(void)user;
	fuzz_random(&f, buf, len);
}

static void check(const struct nd_advertisement *ra)
{
	static const uint8_t source[ND_ADDRESS] = { 0xfe, 0x80, [15] = 1 };
	struct nd_advertisement again;
	uint8_t packet[ND_PACKET_MAX];
	size_t len = nd_encode_advertisement(ra, source, packet, sizeof(packet));

	FUZZ_CHECK(ra->prefix_count <= ND_PREFIXES_MAX && ra->dns_count <= ND_DNS_MAX);
	FUZZ_CHECK(len && nd_decode(packet, len, &again) == ND_ADVERTISEMENT);
	FUZZ_CHECK(again.prefix_count == ra->prefix_count && again.dns_count == ra->dns_count);
	for (unsigned int i = 0; i < ra->prefix_count; i++) {
		FUZZ_CHECK(ra->prefixes[i].len <= 128);
		FUZZ_CHECK(ra->prefixes[i].preferred <= ra->prefixes[i].valid);
		FUZZ_CHECK(!memcmp(again.prefixes[i].prefix, ra->prefixes[i].prefix, ND_ADDRESS));
	}
	FUZZ_CHECK(again.mtu == ra->mtu && again.router_lifetime == ra->router_lifetime);
}

static void on_learn(void *user, const struct nd_advertisement *ra)
{
	(void)user;
	learnt++;
	check(ra);
}

static const struct nd_ops ops = { .send = on_send, .random = on_random, .learn = on_learn };

/* With the right length and checksum, or nobody would ever look behind them. */
static uint8_t *mend(uint8_t *packet, size_t len)
{
	uint32_t total = 58 + (uint32_t)(len - 40);

	packet[0] = 0x60;
	packet[4] = (uint8_t)((len - 40) >> 8);
	packet[5] = (uint8_t)(len - 40);
	packet[6] = 58;
	packet[7] = 255;
	packet[8] = 0xfe;
	packet[9] = 0x80;
	packet[41] = packet[42] = packet[43] = 0;
	packet[40] = packet[40] & 1 ? 133 : 134;
	for (size_t i = 8; i < len; i++)
		total += (uint32_t)packet[i] << (i % 2 ? 0 : 8);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	packet[42] = (uint8_t)(~total >> 8);
	packet[43] = (uint8_t)~total;
	return packet;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t source[ND_ADDRESS] = { 0xfe, 0x80, [15] = 1 };
	const struct nd_advertisement what = { .router_lifetime = 1800 };
	struct nd_router router;
	struct nd_host host;
	uint64_t began;

	f = fuzz_begin(data, size);
	sent = learnt = 0;
	began = f.now;
	nd_router_start(&router, &what, source, &ops, NULL, f.now);
	nd_host_start(&host, source, &ops, NULL, f.now);
	while (fuzz_more(&f)) {
		bool mended = fuzz_bool(&f);
		size_t len;
		uint8_t *packet = fuzz_block(&f, &len);

		if (mended && len >= 44)
			mend(packet, len);
		nd_router_receive(&router, packet, len, f.now);
		nd_host_receive(&host, packet, len, f.now);
		free(packet);
		fuzz_pass(&f);
		nd_router_tick(&router, f.now);
		nd_host_tick(&host, f.now);
		FUZZ_CHECK(nd_router_deadline(&router) > f.now && nd_host_deadline(&host) > f.now);
		FUZZ_CHECK(sent <= 3 + 3 + ND_ROUTER_PROMPT + (f.now - began) / ND_ROUTER_DISTANCE);
		FUZZ_CHECK(learnt <= 1 + (f.now - began) / 1000000);
	}
	return 0;
}
