/*
 * What MPPE's cipher costs: each engine of lib/mppe at each fill, nettle, and OpenSSL's EVP packet
 * by packet, which is what others do, by turns in one run. See README.md.
 */
#include "lib/mppe/cipher.h"
#include "lib/mppe/mppe.h"
#include "system/cpu.h"

#include <nettle/arcfour.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef HAVE_OPENSSL
#include <openssl/evp.h>
#include <openssl/provider.h>
#endif
#ifdef __x86_64__
#include <x86intrin.h>
#define UNIT "cycles"
static uint64_t now(void)
{
	return __rdtsc();
}
#else
#define UNIT "ns"
static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#endif

#define ROUNDS      5
#define REPEATS     15
#define PACKETS     64 /* in a measurement */
#define SESSIONS    16
#define STEADY      8 /* runs until a flow is steady */
#define ROW_MAX     80
#define PACKET_ROOM 1600

static const uint32_t sizes[] = { 64, 576, 1400 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const uint8_t start[16] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3 };
static uint8_t packets[PACKETS][PACKET_ROOM];
static struct rc4_batch batch;
static struct stream_pool *pool;
static struct mppe sessions[SESSIONS];

struct row {
	/* "rc4": the key is there; "mppe": with the key change, stateless, 128; "stateful": goes on */
	const char *what;
	const char *name;
	const struct cipher *cipher;
	unsigned int fill, sessions;
	bool ahead; /* streams are made ahead, as in a session's steady flow */
	void (*run)(const struct row *row, uint32_t size); /* PACKETS packets */
	double cycles[SIZES][ROUNDS];                      /* a packet */
};
static struct row rows[ROW_MAX];
static unsigned int row_count;

static bool is_stateful(const struct row *row)
{
	return strcmp(row->what, "stateful") == 0;
}

/* ---- packet by packet ---- */

static void hash_plain(const uint8_t *key, uint8_t *interim)
{
	mppe_new_key(start, key, 16, interim);
}

static void run_nettle(const struct row *row, uint32_t size)
{
	uint8_t key[16], interim[16];
	struct arcfour_ctx rc4;

	memcpy(key, start, sizeof(key));
	arcfour_set_key(&rc4, sizeof(key), key);
	for (unsigned int i = 0; i < PACKETS; i++) {
		if (row->sessions && !is_stateful(row)) {
			hash_plain(key, interim);
			arcfour_set_key(&rc4, sizeof(key), interim);
			arcfour_crypt(&rc4, sizeof(key), key, interim);
		}
		if (!is_stateful(row))
			arcfour_set_key(&rc4, sizeof(key), key);
		arcfour_crypt(&rc4, size, packets[i] + MPPE_HEADER, packets[i] + MPPE_HEADER);
	}
}

#ifdef HAVE_OPENSSL
static EVP_CIPHER *evp_rc4;
static EVP_CIPHER_CTX *evp_cipher;
static EVP_MD *evp_sha1;
static EVP_MD_CTX *evp_hash;

static bool evp_open(void)
{
	if (!OSSL_PROVIDER_load(NULL, "legacy") || !OSSL_PROVIDER_load(NULL, "default"))
		return false;
	evp_rc4 = EVP_CIPHER_fetch(NULL, "RC4", NULL);
	evp_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	evp_cipher = EVP_CIPHER_CTX_new();
	evp_hash = EVP_MD_CTX_new();
	return evp_rc4 && evp_sha1 && evp_cipher && evp_hash &&
	       EVP_EncryptInit_ex2(evp_cipher, evp_rc4, start, NULL, NULL);
}

static void evp_close(void)
{
	EVP_CIPHER_CTX_free(evp_cipher);
	EVP_MD_CTX_free(evp_hash);
	EVP_CIPHER_free(evp_rc4);
	EVP_MD_free(evp_sha1);
}

static void run_evp(const struct row *row, uint32_t size)
{
	uint8_t key[16], hash[20], pad1[40] = { 0 }, pad2[40];
	unsigned int len;
	int out;

	memset(pad2, 0xf2, sizeof(pad2));
	memcpy(key, start, sizeof(key));
	EVP_EncryptInit_ex2(evp_cipher, NULL, key, NULL, NULL);
	for (unsigned int i = 0; i < PACKETS; i++) {
		uint8_t *data = packets[i] + MPPE_HEADER;

		if (row->sessions && !is_stateful(row)) {
			EVP_DigestInit_ex2(evp_hash, evp_sha1, NULL);
			EVP_DigestUpdate(evp_hash, start, sizeof(start));
			EVP_DigestUpdate(evp_hash, pad1, sizeof(pad1));
			EVP_DigestUpdate(evp_hash, key, sizeof(key));
			EVP_DigestUpdate(evp_hash, pad2, sizeof(pad2));
			EVP_DigestFinal_ex(evp_hash, hash, &len);
			EVP_EncryptInit_ex2(evp_cipher, NULL, hash, NULL, NULL);
			EVP_EncryptUpdate(evp_cipher, key, &out, hash, sizeof(key));
		}
		if (!is_stateful(row))
			EVP_EncryptInit_ex2(evp_cipher, NULL, key, NULL, NULL);
		EVP_EncryptUpdate(evp_cipher, data, &out, data, (int)size);
	}
}
#else
static bool evp_open(void)
{
	return false;
}
static void evp_close(void)
{
}
static void run_evp(const struct row *row, uint32_t size)
{
	(void)row;
	(void)size;
}
#endif

/* ---- ours ---- */

static void run_rc4(const struct row *row, uint32_t size)
{
	batch.cipher = row->cipher;
	for (unsigned int i = 0; i < PACKETS; i++) {
		struct rc4_job *job = &batch.jobs[batch.count++];

		*job = (struct rc4_job){
			.data = packets[i] + MPPE_HEADER, .len = size, .key_len = sizeof(start)
		};
		memcpy(job->key, start, sizeof(start));
		if (batch.count == row->fill)
			rc4_run(&batch);
	}
	rc4_run(&batch);
}

static void run_mppe(const struct row *row, uint32_t size)
{
	batch.cipher = row->cipher;
	batch.ahead = row->ahead ? pool : NULL;
	for (unsigned int i = 0; i < PACKETS; i++) {
		mppe_seal(&sessions[i % row->sessions], packets[i], size + MPPE_HEADER, 0, &batch);
		if (i % row->fill != row->fill - 1)
			continue;
		rc4_run(&batch);
		rc4_run_ahead(&batch);
	}
	rc4_run(&batch);
	rc4_run_ahead(&batch);
}

/* All where the others begin: at the start key. */
static void begin_sessions(const struct row *row)
{
	const struct mppe_params params = { .bits = MPPE_128, .stateless = !is_stateful(row) };

	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct mppe *m = &sessions[i];

		mppe_done(m);
		mppe_init(m, &params, start);
		memcpy(m->key, start, sizeof(start));
		if (params.stateless)
			key_chain_init(&m->chain, MPPE_128, start, start);
		else
			rc4_init(m->stream, start, sizeof(start));
	}
}

/* ---- rows ---- */

static void add(const char *what, const char *name, const struct cipher *cipher, unsigned int fill,
	unsigned int count, void (*run)(const struct row *, uint32_t))
{
	rows[row_count++] = (struct row){ .what = what,
		.name = name,
		.cipher = cipher,
		.fill = fill,
		.sessions = count,
		.run = run };
}

static void add_engine(unsigned int features)
{
	static const unsigned int fills[] = { 1, 2, 4, 8, 16 };
	const struct cipher *cipher = cipher_choose(features);
	const char *name = cipher->name;

	if ((features & cpu_features()) != features) {
		fprintf(stderr, "cipher: %s is left out: this CPU has not what it needs\n", name);
		return;
	}
	for (unsigned int i = 0; i < sizeof(fills) / sizeof(fills[0]); i++)
		add("rc4", name, cipher, fills[i], 0, run_rc4);
	for (unsigned int i = 0; i < sizeof(fills) / sizeof(fills[0]); i++)
		add("mppe", name, cipher, fills[i], 1, run_mppe);
	add("mppe", name, cipher, 13, 1, run_mppe);
	add("mppe", name, cipher, PACKETS, 1, run_mppe);
	add("mppe", name, cipher, SESSIONS, SESSIONS, run_mppe);
	add("mppe", name, cipher, PACKETS, SESSIONS, run_mppe);
	add("stateful", name, cipher, PACKETS, 1, run_mppe);
	add("stateful", name, cipher, PACKETS, SESSIONS, run_mppe);
}

/* The same in steady flow, with streams ahead: for wide engines only. */
static void add_ahead(unsigned int features)
{
	static const unsigned int fills[] = { 1, 2, 4, 8, 13, 16, 45 };
	const struct cipher *cipher = cipher_choose(features);

	if ((features & cpu_features()) != features || !cipher->wide)
		return;
	for (unsigned int i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		add("mppe", cipher->name, cipher, fills[i], 1, run_mppe);
		rows[row_count - 1].ahead = true;
	}
}

static void add_rows(void)
{
	if (evp_open()) {
		add("rc4", "OpenSSL EVP", NULL, 1, 0, run_evp);
		add("mppe", "OpenSSL EVP", NULL, 1, 1, run_evp);
		add("stateful", "OpenSSL EVP", NULL, 1, 1, run_evp);
	} else {
		fprintf(stderr, "cipher: OpenSSL EVP is left out: built without OpenSSL, or its "
				"\"legacy\" provider, which has RC4, is not installed\n");
	}
	add("rc4", "nettle", NULL, 1, 0, run_nettle);
	add("mppe", "nettle", NULL, 1, 1, run_nettle);
	add("stateful", "nettle", NULL, 1, 1, run_nettle);
	add_engine(0);
	add_engine(CIPHER_SHA | CIPHER_AVX);
	add_engine(CIPHER_AVX512 | CIPHER_SHA | CIPHER_AVX);
	add_ahead(CIPHER_AVX512 | CIPHER_SHA | CIPHER_AVX);
}

/* ---- measuring ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, unsigned int n)
{
	double sorted[REPEATS];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), by_size);
	return sorted[n / 2];
}

static double measure(const struct row *row, uint32_t size)
{
	double spent[REPEATS];

	begin_sessions(row);
	for (unsigned int i = 0; i < (row->ahead ? STEADY : 1); i++)
		row->run(row, size);
	for (unsigned int i = 0; i < REPEATS; i++) {
		uint64_t before = now();

		row->run(row, size);
		spent[i] = (double)(now() - before) / PACKETS;
	}
	return median(spent, REPEATS);
}

static void run_steady(const struct row *row)
{
	begin_sessions(row);
	for (unsigned int i = 0; i < STEADY; i++) {
		memset(packets, 0, sizeof(packets));
		row->run(row, 1400);
	}
}

/* What is made ahead comes late enough to be used, and is what the packets themselves would get. */
static bool same_ahead(const struct row *row)
{
	static uint8_t expected[PACKETS][PACKET_ROOM];
	struct row reference = *row;
	uint64_t used = pool->used;

	reference.ahead = false;
	run_steady(&reference);
	memcpy(expected, packets, sizeof(expected));
	run_steady(row);
	return pool->used > used && memcmp(packets, expected, sizeof(expected)) == 0;
}

/* Numbers of what computes something else are worth nothing. */
static bool same_bytes(const struct row *row)
{
	static uint8_t expected[PACKETS][PACKET_ROOM];
	const struct row reference = { .what = row->what, .sessions = row->sessions };

	memset(packets, 0, sizeof(packets));
	if (row->sessions > 1) {
		/* All sessions begin alike: the first packet of each is the reference's first. */
		run_nettle(&reference, 1400);
		for (unsigned int i = 0; i < PACKETS; i++)
			memcpy(expected[i], packets[i / row->sessions], PACKET_ROOM);
	} else {
		run_nettle(&reference, 1400);
		memcpy(expected, packets, sizeof(expected));
	}
	memset(packets, 0, sizeof(packets));
	begin_sessions(row);
	row->run(row, 1400);
	for (unsigned int i = 0; i < PACKETS; i++)
		if (memcmp(packets[i] + MPPE_HEADER, expected[i] + MPPE_HEADER, 1400) != 0)
			return false;
	return true;
}

/* OpenSSL's row of the same kind; nettle's where there is none. */
static const struct row *baseline(const struct row *row)
{
	for (unsigned int i = 0; i < row_count; i++)
		if (strcmp(rows[i].what, row->what) == 0)
			return &rows[i];
	return row;
}

static double ratio(const struct row *row, unsigned int s)
{
	const struct row *base = baseline(row);
	double r[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++)
		r[i] = base->cycles[s][i] / row->cycles[s][i];
	return median(r, ROUNDS);
}

/* ---- results ---- */

static void print_table(void)
{
	printf("%s per packet, median of %d rounds, and how many times as fast as %s\n", UNIT,
		ROUNDS, baseline(&rows[0])->name);
	printf("%-8s %-18s %8s %5s %5s", "", "", "sessions", "fill", "ahead");
	for (unsigned int s = 0; s < SIZES; s++)
		printf(" %9u B      ", sizes[s]);
	printf("\n");
	for (unsigned int i = 0; i < row_count; i++) {
		const struct row *row = &rows[i];

		printf("%-8s %-18s %8u %5u %5s", row->what, row->name, row->sessions, row->fill,
			row->ahead ? "yes" : "-");
		for (unsigned int s = 0; s < SIZES; s++)
			printf(" %9.0f (%5.2f)", median(row->cycles[s], ROUNDS), ratio(row, s));
		printf("\n");
	}
}

static void cpu_name(char *name, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[300];

	snprintf(name, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "model name", 10) != 0 || !strchr(line, ':'))
			continue;
		snprintf(name, size, "%s", strchr(line, ':') + 2);
		name[strcspn(name, "\n\"\\")] = '\0';
		break;
	}
	if (f)
		fclose(f);
}

static bool write_json(const char *path, double load)
{
	FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	char cpu[200];

	if (!f)
		return false;
	cpu_name(cpu, sizeof(cpu));
	fprintf(f,
		"{\"version\": \"%s\", \"cpu\": \"%s\", \"load_before\": %.2f, \"unit\": \"%s\", ",
		GREYLINE_VERSION, cpu, load, UNIT);
	fprintf(f, "\"rounds\": %d, \"baseline\": \"%s\",\n\"rows\": [", ROUNDS,
		baseline(&rows[0])->name);
	for (unsigned int i = 0; i < row_count; i++) {
		const struct row *row = &rows[i];

		fprintf(f,
			"%s\n{\"what\": \"%s\", \"engine\": \"%s\", \"sessions\": %u, \"fill\": "
			"%u, "
			"\"ahead\": %s",
			i ? "," : "", row->what, row->name, row->sessions, row->fill,
			row->ahead ? "true" : "false");
		for (unsigned int s = 0; s < SIZES; s++)
			fprintf(f, ", \"%u\": {\"per_packet\": %.0f, \"times_baseline\": %.3f}",
				sizes[s], median(row->cycles[s], ROUNDS), ratio(row, s));
		fprintf(f, "}");
	}
	fprintf(f, "\n]}\n");
	return f == stdout ? fflush(f) == 0 : fclose(f) == 0;
}

int main(int argc, char **argv)
{
	const char *json = NULL;
	double load = 0;

	if (argc == 3 && strcmp(argv[1], "--json") == 0)
		json = argv[2];
	else if (argc != 1) {
		fprintf(stderr, "usage: cipher [--json FILE]\n");
		return 2;
	}
	if (getloadavg(&load, 1) != 1)
		load = 0;
	pool = stream_pool_new();
	if (!pool) {
		fprintf(stderr, "cipher: no memory\n");
		return 1;
	}
	add_rows();
	for (unsigned int i = 0; i < row_count; i++) {
		if (!same_bytes(&rows[i]) || (rows[i].ahead && !same_ahead(&rows[i]))) {
			fprintf(stderr, "cipher: %s, fill %u, does not compute what nettle does\n",
				rows[i].name, rows[i].fill);
			return 1;
		}
	}
	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int s = 0; s < SIZES; s++)
			for (unsigned int i = 0; i < row_count; i++)
				rows[i].cycles[s][round] = measure(&rows[i], sizes[s]);
	evp_close();
	for (unsigned int i = 0; i < SESSIONS; i++)
		mppe_done(&sessions[i]);
	stream_pool_free(pool);
	if (!json || strcmp(json, "-") != 0)
		print_table();
	if (json && !write_json(json, load)) {
		fprintf(stderr, "cipher: cannot write %s\n", json);
		return 1;
	}
	return 0;
}
