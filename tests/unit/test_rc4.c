/* lib/mppe/rc4: RFC 6229's vectors, nettle as the second opinion, batches of all shapes. */
#include "lib/mppe/rc4.h"

#include <nettle/arcfour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed = 1;

static uint8_t noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint8_t)(seed >> 24);
}

static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = noise();
}

/* Keys 01 02 03 ... of RFC 6229 section 2. */
static void vectors_of_rfc_6229(void **state)
{
	static const struct {
		size_t key_len, offset;
		uint8_t out[16];
	} vectors[] = {
		{ 5, 0,
			{ 0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27, 0xcc, 0xc3, 0x52, 0x4a,
				0x0a, 0x11, 0x18, 0xa8 } },
		{ 5, 4096,
			{ 0xff, 0x25, 0xb5, 0x89, 0x95, 0x99, 0x67, 0x07, 0xe5, 0x1f, 0xbd, 0xf0,
				0x8b, 0x34, 0xd8, 0x75 } },
		{ 7, 256,
			{ 0xd0, 0xfd, 0xb5, 0x83, 0x07, 0x3c, 0xe8, 0x5a, 0xb8, 0x39, 0x17, 0x74,
				0x0e, 0xc0, 0x11, 0xd5 } },
		{ 8, 0,
			{ 0x97, 0xab, 0x8a, 0x1b, 0xf0, 0xaf, 0xb9, 0x61, 0x32, 0xf2, 0xf6, 0x72,
				0x58, 0xda, 0x15, 0xa8 } },
		{ 8, 1536,
			{ 0x83, 0x69, 0xe1, 0xa9, 0x65, 0x61, 0x0b, 0xe8, 0x87, 0xfb, 0xd0, 0xc7,
				0x91, 0x62, 0xaa, 0xfb } },
		{ 8, 4096,
			{ 0x3f, 0xb4, 0x6e, 0x2c, 0x8f, 0x0f, 0x06, 0x8e, 0xdc, 0xe8, 0xcd, 0xcd,
				0x7d, 0xfc, 0x58, 0x62 } },
		{ 16, 0,
			{ 0x9a, 0xc7, 0xcc, 0x9a, 0x60, 0x9d, 0x1e, 0xf7, 0xb2, 0x93, 0x28, 0x99,
				0xcd, 0xe4, 0x1b, 0x97 } },
		{ 16, 1024,
			{ 0xbd, 0xf0, 0x32, 0x4e, 0x60, 0x83, 0xdc, 0xc6, 0xd3, 0xce, 0xdd, 0x3c,
				0xa8, 0xc5, 0x3c, 0x16 } },
		{ 16, 4096,
			{ 0xa3, 0x6a, 0x4c, 0x30, 0x1a, 0xe8, 0xac, 0x13, 0x61, 0x0c, 0xcb, 0xc1,
				0x22, 0x56, 0xca, 0xcc } },
	};

	(void)state;
	for (size_t v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		uint8_t key[16], stream[4112] = { 0 };
		struct rc4 rc4;

		for (size_t i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)(i + 1);
		rc4_init(&rc4, key, vectors[v].key_len);
		rc4_crypt(&rc4, stream, sizeof(stream));
		assert_memory_equal(stream + vectors[v].offset, vectors[v].out, 16);
	}
}

static void pieces_are_the_same_as_the_whole(void **state)
{
	uint8_t key[16], whole[1000] = { 0 }, pieces[1000] = { 0 };
	struct rc4 a, b;

	(void)state;
	fill(key, sizeof(key));
	rc4_init(&a, key, sizeof(key));
	rc4_init(&b, key, sizeof(key));
	rc4_crypt(&a, whole, sizeof(whole));
	for (size_t at = 0, n = 0; at < sizeof(pieces); at += n, n = (n + 1) % 90)
		rc4_crypt(&b, pieces + at, n < sizeof(pieces) - at ? n : sizeof(pieces) - at);
	assert_memory_equal(whole, pieces, sizeof(whole));
	assert_memory_equal(&a, &b, sizeof(a));
}

/* Batches of every size, with keys of both lengths and data of all lengths, against nettle. */
static void fresh_jobs_agree_with_nettle(void **state)
{
	static uint8_t data[RC4_BATCH_MAX][1500], want[RC4_BATCH_MAX][1500];
	static struct rc4_batch batch;

	(void)state;
	for (unsigned int count = 0; count <= RC4_BATCH_MAX; count += count < 20 ? 1 : 27) {
		for (unsigned int i = 0; i < count; i++) {
			struct rc4_job *job = &batch.jobs[i];
			struct arcfour_ctx ctx;

			job->state = NULL;
			job->data = data[i];
			job->len = (noise() * 256u + noise()) % 1501;
			job->key_len = noise() & 1 ? 8 : 16;
			fill(job->key, sizeof(job->key));
			fill(data[i], sizeof(data[i]));
			memcpy(want[i], data[i], sizeof(want[i]));
			arcfour_set_key(&ctx, job->key_len, job->key);
			arcfour_crypt(&ctx, job->len, want[i], want[i]);
		}
		batch.count = count;
		rc4_run(&batch);
		assert_int_equal(batch.count, 0);
		for (unsigned int i = 0; i < count; i++)
			assert_memory_equal(data[i], want[i], sizeof(data[i]));
	}
}

/* A continued stream, re-keyed in the middle of a batch, between jobs of its own kind and fresh
 * ones. */
static void continued_jobs_keep_their_order(void **state)
{
	static uint8_t data[40][100], want[40][100];
	static struct rc4_batch batch;
	uint8_t first[16], second[16];
	struct arcfour_ctx ctx;
	struct rc4 stream;

	(void)state;
	fill(first, sizeof(first));
	fill(second, sizeof(second));
	rc4_init(&stream, first, sizeof(first));
	arcfour_set_key(&ctx, sizeof(first), first);
	for (unsigned int i = 0; i < 40; i++) {
		struct rc4_job *job = &batch.jobs[i];

		*job = (struct rc4_job){ .state = &stream, .data = data[i], .len = 100 };
		if (i % 3 == 1) {
			job->state = NULL;
			job->key_len = 16;
			fill(job->key, sizeof(job->key));
			continue;
		}
		if (i == 20) {
			job->key_len = 16;
			memcpy(job->key, second, sizeof(second));
			arcfour_set_key(&ctx, sizeof(second), second);
		}
		arcfour_crypt(&ctx, 100, want[i], want[i]);
	}
	batch.count = 40;
	rc4_run(&batch);
	for (unsigned int i = 0; i < 40; i++)
		if (i % 3 != 1)
			assert_memory_equal(data[i], want[i], 100);
}

static void keys_are_wiped_after_a_run(void **state)
{
	static const uint8_t zero[16];
	static struct rc4_batch batch;
	uint8_t data[9] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 7; i++) {
		batch.jobs[i] = (struct rc4_job){ .data = data + i, .len = 1, .key_len = 16 };
		fill(batch.jobs[i].key, 16);
	}
	batch.count = 7;
	rc4_run(&batch);
	for (unsigned int i = 0; i < 7; i++)
		assert_memory_equal(batch.jobs[i].key, zero, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_rfc_6229),
		cmocka_unit_test(pieces_are_the_same_as_the_whole),
		cmocka_unit_test(fresh_jobs_agree_with_nettle),
		cmocka_unit_test(continued_jobs_keep_their_order),
		cmocka_unit_test(keys_are_wiped_after_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
