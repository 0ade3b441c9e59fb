/*
 * dataplane/coalesce: batches of packets of a few flows, near each other's numbers, and of any
 * octets. What comes out, cut again, is what went in: each packet once, and of a flow in order.
 */
#include "dataplane/coalesce.h"
#include "dataplane/segment.h"

#include "fuzz/fuzz.h"
#include "lib/checksum.h"

#define PACKETS 64
#define ROOM    1920u

struct copy {
	uint8_t *data;
	size_t len;
	bool seen;
};

static struct coalescer c;
static struct copy copies[PACKETS];
static struct packet packets[PACKETS];
static unsigned int count;
static uint32_t next_seq[4];

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void take(uint8_t *data, size_t len)
{
	struct packet *p = &packets[count];

	memset(p, 0, offsetof(struct packet, buf));
	p->data = data;
	p->len = (uint32_t)len;
	copies[count].data = fuzz_copy(data, len);
	copies[count].len = len;
	copies[count++].seen = false;
	coalesce_add(&c, p);
}

static void put_sums(uint8_t *p, size_t len, bool ipv6, uint8_t protocol)
{
	size_t ip = ipv6 ? 40 : 20;
	uint8_t *at = p + ip + (protocol == 17 ? 6 : 16);

	if (!ipv6)
		put16(p + 10, checksum_of(p, 20));
	put16(at,
		checksum_of_upper(p + (ipv6 ? 8 : 12), ipv6 ? 32 : 8, protocol, p + ip, len - ip));
}

/* TCP or UDP of one of four flows; one octet anywhere may be another. */
static void take_packet(struct fuzz *f)
{
	uint8_t how = fuzz_u8(f), flow = how & 3, protocol = how & 4 ? 17 : 6, flags = fuzz_u8(f);
	bool ipv6 = how & 8;
	size_t ip = ipv6 ? 40 : 20, headers = ip + (protocol == 17 ? 8 : 20);
	size_t payload = how & 16 ? 100 : fuzz_u8(f), len = headers + payload;
	uint8_t *p = calloc(1, len), change = how & 32 ? fuzz_u8(f) : 0;

	FUZZ_CHECK(p);
	p[0] = ipv6 ? 0x60 : 0x45;
	put16(p + (ipv6 ? 4 : 2), ipv6 ? len - 40 : len);
	if (!ipv6)
		put16(p + 4, flags & 0x40 ? 0 : count);
	p[6] = ipv6 ? protocol : 0x40;
	p[ipv6 ? 7 : 8] = 64;
	if (!ipv6)
		p[9] = protocol;
	p[ip + 1] = flow;
	if (protocol == 17) {
		put16(p + ip + 4, 8 + payload);
	} else {
		put16(p + ip + 4, next_seq[flow] >> 16);
		put16(p + ip + 6, next_seq[flow]);
		next_seq[flow] += (uint32_t)payload;
		p[ip + 12] = 0x50;
		p[ip + 13] = flags & 0x80 ? (uint8_t)(flags & 0x3f) : 0x10;
	}
	if (how & 64)
		p[change % len] ^= 1;
	put_sums(p, len, ipv6, protocol);
	if (how & 128)
		p[fuzz_u8(f) % len] ^= 1;
	take(p, len);
}

/*
 * Without what two writings of the same have: sums (0 is ffff), and the identification where DF is
 * set.
 */
static void plain(uint8_t *out, const uint8_t *p, size_t len, bool ipv6, bool tcp)
{
	size_t ip = ipv6 ? 40 : 20;

	memcpy(out, p, len);
	if (!ipv6) {
		put16(out + 10, 0);
		if (p[6] & 0x40)
			put16(out + 4, 0);
	}
	put16(out + ip + (tcp ? 16 : 6), 0);
}

static void check_super(unsigned int i, const uint8_t *data, size_t len, const struct vnet *v)
{
	uint8_t out[ROOM], is[ROOM], was[ROOM];
	const struct packet *p = c.writes[i].packets.first;
	struct segmenter g;
	size_t n;

	FUZZ_CHECK(segment_start(&g, v, data, len, ROOM, ROOM) == 0);
	while ((n = segment_next(&g, out))) {
		struct copy *k = &copies[p - packets];

		FUZZ_CHECK(!k->seen && k->len == n);
		k->seen = true;
		plain(is, out, n, g.ipv6, g.tcp);
		plain(was, k->data, n, g.ipv6, g.tcp);
		FUZZ_CHECK(!memcmp(is, was, n));
		FUZZ_CHECK(!p->next || p->next > p);
		p = p->next;
	}
	FUZZ_CHECK(!p);
}

static void check_write(unsigned int i)
{
	static uint8_t data[65600];
	const struct coalesced *w = &c.writes[i];
	struct iovec iov[COALESCE_IOV];
	struct vnet v;
	unsigned int n = coalesce_write(&c, i, &v, iov);
	size_t len = 0;

	FUZZ_CHECK(n == w->count + 1 && n <= COALESCE_IOV);
	for (unsigned int k = 1; k < n; k++) {
		FUZZ_CHECK(len + iov[k].iov_len <= sizeof(data));
		if (iov[k].iov_len)
			memcpy(data + len, iov[k].iov_base, iov[k].iov_len);
		len += iov[k].iov_len;
	}
	FUZZ_CHECK(len == w->len);
	if (w->count > 1) {
		check_super(i, data, len, &v);
	} else {
		struct copy *k = &copies[w->packets.first - packets];

		FUZZ_CHECK(!k->seen && k->len == len && (!len || !memcmp(data, k->data, len)));
		FUZZ_CHECK(v.kind == VNET_LONE && !v.partial);
		k->seen = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	uint8_t offload = fuzz_u8(&f);

	coalesce_init(&c, &(struct vnet_offload){ .header = true,
				  .tcp4 = !(offload & 1),
				  .tcp6 = !(offload & 2),
				  .udp = !(offload & 4) });
	count = 0;
	memset(next_seq, 0, sizeof(next_seq));
	while (fuzz_more(&f) && count < PACKETS) {
		if (fuzz_u8(&f) & 15) {
			take_packet(&f);
		} else {
			size_t len;
			uint8_t *block = fuzz_block(&f, &len);

			take(block, len);
		}
	}
	FUZZ_CHECK(c.packets == count);
	for (unsigned int i = 0; i < c.count; i++)
		check_write(i);
	for (unsigned int i = 0; i < count; i++) {
		FUZZ_CHECK(copies[i].seen);
		free(copies[i].data);
		free(packets[i].data);
	}
	return 0;
}
