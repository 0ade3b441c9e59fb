/* Captures in memory: see recording.h. Files of the little-endian microsecond format only. */
#include "tests/decode/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 24

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void fail(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	abort();
}

void recording_load(struct recording *r, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t at = HEAD;

	memset(r, 0, sizeof(*r));
	if (!f)
		fail(path, "cannot be opened");
	r->file = malloc(1 << 20);
	r->size = fread(r->file, 1, 1 << 20, f);
	fclose(f);
	if (r->size < HEAD || get32(r->file) != 0xa1b2c3d4)
		fail(path, "not a little-endian pcap file");
	while (at + 16 <= r->size && r->count < RECORDS_MAX) {
		struct record *record = &r->records[r->count++];

		memcpy(record->head, r->file + at, 16);
		record->len = get32(record->head + 8);
		record->data = r->file + at + 16;
		at += 16 + record->len;
	}
	if (at != r->size)
		fail(path, "has more records than a test takes, or is cut");
}

void recording_free(struct recording *r)
{
	free(r->file);
}

uint8_t *recording_file(const struct recording *r, uint32_t link, size_t *size)
{
	uint8_t *file, *p;

	*size = HEAD;
	for (unsigned int i = 0; i < r->count; i++)
		*size += 16 + r->records[i].len;
	file = malloc(*size);
	memcpy(file, r->file, HEAD);
	put32(file + 20, link);
	p = file + HEAD;
	for (unsigned int i = 0; i < r->count; i++) {
		const struct record *record = &r->records[i];

		memcpy(p, record->head, 16);
		put32(p + 8, (uint32_t)record->len);
		memcpy(p + 16, record->data, record->len);
		p += 16 + record->len;
	}
	return file;
}

void recording_cut(struct recording *r, size_t len)
{
	for (unsigned int i = 0; i < r->count; i++) {
		if (r->records[i].len > len)
			r->records[i].len = len;
	}
}
