/*
 * A capture of any size for tests/bench/decode: the beginning of a real one, up to its first encrypted frame,
 * and then MPPE frames that its password opens, both ways, with acknowledgments.
 *
 * usage: long-capture BEGINNING.pcap PASSWORD MEGABYTES OCTETS OUT.pcap
 *
 * BEGINNING is one of tests/captures (Ethernet, little-endian, MS-CHAPv2, MPPE of 128 bits, stateless); OCTETS the size of the
 * inner packets (64 to 1400).
 */
#include "lib/checksum.h"
#include "lib/gre/header.h"
#include "lib/mppe/keys.h"
#include "lib/mppe/mppe.h"
#include "lib/ppp/mschap.h"
#include "lib/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD    34 /* Ethernet, IPv4 */
#define PAYLOAD 1500

struct direction {
	uint8_t head[HEAD];
	uint16_t call_id; /* of its packets */
	uint32_t seq, ack;
	uint16_t ip_id;
	struct mppe mppe;
};

static void fail(const char *why)
{
	fprintf(stderr, "long-capture: %s\n", why);
	exit(1);
}

static uint32_t little(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_little(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void record_write(FILE *out, uint64_t us, const uint8_t *data, uint32_t len)
{
	uint8_t head[16];

	put_little(head, (uint32_t)(us / 1000000));
	put_little(head + 4, (uint32_t)(us % 1000000));
	put_little(head + 8, len);
	put_little(head + 12, len);
	if (fwrite(head, 1, sizeof(head), out) != sizeof(head) || fwrite(data, 1, len, out) != len)
		fail("writing failed");
}

/* What a packet of GRE in the beginning says of its direction; true at the first encrypted one. */
static bool packet_note(
	struct direction d[2], const uint8_t *data, size_t len, const uint8_t **response)
{
	struct gre_header h;
	const uint8_t *frame;
	size_t size = 0, from = data[29] < data[33] ? 0 : 1;

	if (data[23] != 47 || gre_header_decode(&h, data + HEAD, len - HEAD, &size) != GRE_OK)
		return false;
	memcpy(d[from].head, data, HEAD);
	d[from].call_id = h.call_id;
	if (h.has_ack)
		d[from].ack = h.ack;
	if (!h.has_seq)
		return false;
	frame = data + HEAD + size;
	if (h.payload_len > 60 && frame[0] == 0xc2 && frame[1] == 0x23 && frame[2] == 2 &&
		frame[6] == 49)
		*response = frame + 7;
	if (frame[0] == 0xfd || (frame[0] == 0x00 && frame[1] == 0xfd))
		return true;
	d[from].seq = h.seq + 1;
	return false;
}

/* Copies the beginning; the time of its last packet. `response` is in `file`. */
static uint64_t beginning_copy(FILE *out, const uint8_t *file, size_t size, struct direction d[2],
	const uint8_t **response)
{
	uint64_t us = 0;
	size_t at = 24;

	if (size < 24 || fwrite(file, 1, 24, out) != 24)
		fail("no capture to begin with");
	while (at + 16 <= size) {
		uint32_t len = little(file + at + 8);

		if (at + 16 + len > size || len < HEAD)
			fail("a broken capture to begin with");
		if (packet_note(d, file + at + 16, len, response))
			return us;
		us = (uint64_t)little(file + at) * 1000000 + little(file + at + 4);
		record_write(out, us, file + at + 16, len);
		at += 16 + len;
	}
	fail("nothing encrypted in the capture to begin with");
	return 0;
}

static void keys_make(struct direction d[2], const char *password, const uint8_t *response)
{
	const struct mppe_params params = { .bits = MPPE_128, .stateless = true };
	uint8_t hash[16], hash_hash[16], master[16], start[16];

	if (!response || mschap_nt_hash(password, hash) != 0)
		fail("no Response of MS-CHAPv2 in the capture to begin with");
	mschap_hash_hash(hash, hash_hash);
	mppe_master_key(hash_hash, response + 24, master);
	for (int i = 0; i < 2; i++) {
		mppe_start_key(master, d[i].head[29] == 2, start); /* the server is 10.99.0.2 */
		mppe_init(&d[i].mppe, &params, start);
	}
}

static void header_checksum(uint8_t *ip)
{
	uint16_t sum;

	ip[10] = ip[11] = 0;
	sum = checksum_of(ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void inner_make(uint8_t *p, uint16_t octets, uint32_t n)
{
	struct wire_writer w = wire_writer(p, octets);

	memset(p, (int)n, octets);
	wire_put_u32(&w, 0x45000000u | octets);
	wire_put_u32(&w, n << 16);
	wire_put_u32(&w, 64u << 24 | 17u << 16);
	wire_put_u32(&w, 0x0a620064);
	wire_put_u32(&w, 0x0a620001);
	wire_put_u32(&w, 5001u << 16 | 5001u);
	wire_put_u32(&w, (uint32_t)(octets - 20) << 16);
	header_checksum(p);
}

static uint32_t packet_make(struct direction *d, struct direction *other, uint16_t octets,
	uint8_t packet[HEAD + PAYLOAD])
{
	struct gre_header h = { .call_id = d->call_id, .has_seq = true, .seq = d->seq++ };
	struct rc4_batch batch = { 0 };
	uint8_t *frame;
	uint32_t len;

	h.has_ack = d->ack != other->seq - 1;
	h.ack = d->ack = other->seq - 1;
	h.payload_len = (uint16_t)(octets + 6);
	memcpy(packet, d->head, HEAD);
	frame = packet + HEAD + gre_header_size(&h);
	gre_header_encode(&h, packet + HEAD);
	frame[0] = 0x00;
	frame[1] = 0xfd;
	frame[4] = 0x00;
	frame[5] = 0x21;
	inner_make(frame + 6, octets, h.seq);
	mppe_seal(&d->mppe, frame + 2, octets + 4u, 0, &batch);
	rc4_run(&batch);
	len = (uint32_t)(frame - packet) + h.payload_len;
	packet[16] = (uint8_t)((len - 14) >> 8);
	packet[17] = (uint8_t)(len - 14);
	header_checksum(packet + 14);
	return len;
}

int main(int argc, char **argv)
{
	static uint8_t file[1 << 20], packet[HEAD + PAYLOAD];
	struct direction d[2] = { 0 };
	const uint8_t *response = NULL;
	uint64_t us, left;
	uint16_t octets;
	FILE *in, *out;

	if (argc != 6)
		fail("usage: long-capture BEGINNING.pcap PASSWORD MEGABYTES OCTETS OUT.pcap");
	left = strtoull(argv[3], NULL, 10) << 20;
	octets = (uint16_t)strtoul(argv[4], NULL, 10);
	in = fopen(argv[1], "rb");
	out = fopen(argv[5], "wb");
	if (!in || !out || octets < 64 || octets > 1400)
		fail("a file cannot be opened, or the size is not 64 to 1400");
	us = beginning_copy(out, file, fread(file, 1, sizeof(file), in), d, &response);
	keys_make(d, argv[2], response);
	for (unsigned int i = 0; left > PAYLOAD; i++) {
		/* Two of three go one way. */
		uint32_t len = packet_make(&d[i % 3 == 2], &d[i % 3 != 2], octets, packet);

		us += 20;
		record_write(out, us, packet, len);
		left -= len + 16;
	}
	fclose(in);
	return fclose(out) == 0 ? 0 : 1;
}
