/* A capture in memory, to be changed before it is decoded: records of an Ethernet pcap file. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RECORDS_MAX 256

struct record {
	uint8_t head[16]; /* as in the file: time, captured and real length */
	size_t len;
	const uint8_t *data; /* in `file`, or the test's */
};

struct recording {
	uint8_t *file;
	size_t size;
	unsigned int count;
	struct record records[RECORDS_MAX];
};

/* Aborts the test if the file is not there. */
void recording_load(struct recording *r, const char *path);
void recording_free(struct recording *r);

/* What a file with these records would be; the caller frees. `link` is the DLT number. */
uint8_t *recording_file(const struct recording *r, uint32_t link, size_t *size);

/* Cuts each record to `len` bytes, as a small snapshot length does. */
void recording_cut(struct recording *r, size_t len);
