/*
 * One writer for both outputs of the decoder: a line of text per message, or a JSON object per
 * line. A message is begun, gets text and fields in any order, and is ended; the JSON object has
 * the text too. Bounded: text beyond DECODE_TEXT_MAX is cut.
 *
 * Invariant: bytes from the capture come out only through decode_print_escaped() and friends, so
 * that no terminal sees a control character and JSON is always valid.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DECODE_TEXT_MAX  4096
#define DECODE_DEPTH_MAX 4

/* Where a message was seen. Addresses are in host order. */
struct decode_meta {
	uint64_t time;  /* us since the epoch */
	uint64_t frame; /* number in the capture, from 1 */
	uint32_t src, dst;
};

struct decode_print {
	FILE *out;
	bool json, started;
	uint64_t first; /* time of the first message: text shows the time since then */
	char text[DECODE_TEXT_MAX];
	size_t used;
	json_t *stack[DECODE_DEPTH_MAX]; /* objects and arrays that are open; [0] the message */
	unsigned int depth;
};

void decode_print_init(struct decode_print *p, FILE *out, bool json);

/* `type` is the message's kind in JSON: "control", "ppp", ... `meta` may be NULL (summaries). */
void decode_print_begin(struct decode_print *p, const struct decode_meta *meta, const char *type);
void decode_print_end(struct decode_print *p);

/* Appends to the text. */
void decode_print_text(struct decode_print *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends bytes from outside to the text, escaped, in quotes. */
void decode_print_quoted(struct decode_print *p, const void *bytes, size_t len);

/* Fields of the object (or elements of the array, with key NULL) that is open. */
void decode_print_int(struct decode_print *p, const char *key, uint64_t value);
void decode_print_bool(struct decode_print *p, const char *key, bool value);
void decode_print_string(struct decode_print *p, const char *key, const char *value);
void decode_print_bytes(struct decode_print *p, const char *key, const void *bytes, size_t len);

/* A nested object or array, until decode_print_close(). */
void decode_print_object(struct decode_print *p, const char *key);
void decode_print_array(struct decode_print *p, const char *key);
void decode_print_close(struct decode_print *p);

/* "192.0.2.1" of an address in host order; buf has DECODE_ADDRESS bytes. Returns buf. */
#define DECODE_ADDRESS 16
char *decode_address(uint32_t address, char buf[DECODE_ADDRESS]);

/* Printable ASCII as it is, the rest (and the backslash) as \xNN; cut to fit; returns out. */
char *decode_escape(char *out, size_t size, const void *bytes, size_t len);
/* "0a1b..." of at most `size` - 4 characters, then "..."; returns out. */
char *decode_hex(char *out, size_t size, const uint8_t *bytes, size_t len);
