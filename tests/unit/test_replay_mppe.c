/*
 * MPPE against what a Windows client and Windows RRAS sent: keys from the password alone, then
 * every frame of the session must open to an IPv4 packet. The text is of tests/replay/from-pcap;
 * GREYLINE_REPLAY is its folder.
 */
#include "lib/mppe/mppe.h"
#include "lib/ppp/mschap.h"
#include "lib/wire.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_MAX 2048

enum { TO_CLIENT, TO_SERVER };

struct replay {
	char user[64], password[64], proof[64];
	uint8_t challenge[16], peer_challenge[16], nt_response[24];
	struct mppe rx[2]; /* by direction */
	bool keyed;
	unsigned int frames[2], opened[2];
};

/* From the password to both directions' keys, with the recorded response and proof checked on the
 * way. */
static void derive_keys(struct replay *r)
{
	static const struct mppe_params params = { .bits = MPPE_128, .stateless = true };
	uint8_t hash[16], hash_hash[16], response[24], master[16], start[16];
	char proof[43];

	assert_int_equal(mschap_nt_hash(r->password, hash), 0);
	mschap2_nt_response(r->challenge, r->peer_challenge, r->user, hash, response);
	assert_memory_equal(response, r->nt_response, sizeof(response));
	mschap2_auth_response(hash, response, r->peer_challenge, r->challenge, r->user, proof);
	assert_string_equal(proof + 2, r->proof);
	mschap_hash_hash(hash, hash_hash);
	mppe_master_key(hash_hash, r->nt_response, master);
	for (int direction = TO_CLIENT; direction <= TO_SERVER; direction++) {
		mppe_start_key(master, direction == TO_CLIENT, start);
		mppe_init(&r->rx[direction], &params, start);
	}
	r->keyed = true;
}

/* `have` octets of a packet that is `len` long on the wire. */
static bool is_ipv4(const uint8_t *packet, size_t have, size_t len)
{
	struct wire_reader header = wire_reader(packet, have), r = header;
	uint8_t first = wire_u8(&header);
	uint16_t total;
	uint32_t sum = 0;
	size_t words = (first & 15u) * 2u;

	wire_skip(&header, 1);
	total = wire_u16(&header);
	for (size_t i = 0; i < words; i++)
		sum += wire_u16(&r);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return !r.failed && first >> 4 == 4 && words >= 10 && sum == 0xffff && total >= words * 2 &&
	       total == len;
}

static void open_frame(
	struct replay *r, int direction, unsigned int header, size_t len, const char *hex)
{
	uint8_t data[MPPE_HEADER + FRAME_MAX] = { (uint8_t)(header >> 8), (uint8_t)header };
	static struct rc4_batch batch;
	size_t have;

	if (!r->keyed)
		derive_keys(r);
	assert_in_range(len, 2, FRAME_MAX);
	have = unhex(data + MPPE_HEADER, len, hex);
	/* Stateless, and nothing was lost: both counts run from 0. */
	assert_int_equal(
		header, MPPE_FLUSHED | MPPE_ENCRYPTED | (r->frames[direction] & MPPE_COUNT));
	r->frames[direction]++;
	assert_int_equal(
		mppe_open(&r->rx[direction], data, (uint32_t)(MPPE_HEADER + len), &batch), MPPE_OK);
	rc4_run(&batch);
	assert_int_equal(data[2] << 8 | data[3], 0x0021);
	assert_true(is_ipv4(data + 4, have - 2, len - 2));
	r->opened[direction]++;
}

static void read_line(struct replay *r, const char *line)
{
	unsigned int number, header, len;
	char word[16], value[256], direction, hex[256];

	if (line[0] == '#' || line[0] == '\n')
		return;
	if (sscanf(line, "%c %u %4x %u %255s", &direction, &number, &header, &len, hex) == 5 &&
		(direction == '<' || direction == '>')) {
		open_frame(r, direction == '>' ? TO_SERVER : TO_CLIENT, header, len, hex);
		return;
	}
	assert_int_equal(sscanf(line, "%15s %255s", word, value), 2);
	if (!strcmp(word, "user"))
		snprintf(r->user, sizeof(r->user), "%.63s", value);
	else if (!strcmp(word, "password"))
		snprintf(r->password, sizeof(r->password), "%.63s", value);
	else if (!strcmp(word, "proof"))
		snprintf(r->proof, sizeof(r->proof), "%.63s", value);
	else if (!strcmp(word, "challenge"))
		unhex(r->challenge, sizeof(r->challenge), value);
	else if (!strcmp(word, "peer-challenge"))
		unhex(r->peer_challenge, sizeof(r->peer_challenge), value);
	else if (!strcmp(word, "nt-response"))
		unhex(r->nt_response, sizeof(r->nt_response), value);
	else
		assert_string_equal(word, "authenticator");
}

static void every_frame_between_windows_and_rras_opens(void **state)
{
	const char *folder = getenv("GREYLINE_REPLAY");
	struct replay r = { 0 };
	char path[512], line[512];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/windows-rras-mppe.txt", folder ? folder : "tests/replay");
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s", path);
	while (fgets(line, sizeof(line), file))
		read_line(&r, line);
	fclose(file);
	assert_int_equal(r.opened[TO_SERVER], 505);
	assert_int_equal(r.opened[TO_CLIENT], 184);
	mppe_done(&r.rx[TO_CLIENT]);
	mppe_done(&r.rx[TO_SERVER]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_between_windows_and_rras_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
