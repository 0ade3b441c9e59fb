/*
 * Bounded text building without the C library's stdio, for names, details and one-line formats.
 *
 * Invariant: a buffer of at least one byte is always terminated; `len` is the length that an
 * unbounded buffer would hold, so cutting is seen by comparing it with `size`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
	char *buf;
	size_t size;
	size_t len;
};

static inline struct text text_begin(char *buf, size_t size)
{
	if (size)
		buf[0] = '\0';
	return (struct text){ .buf = buf, .size = size };
}

static inline void text_char(struct text *t, char ch)
{
	if (t->len + 1 < t->size) {
		t->buf[t->len] = ch;
		t->buf[t->len + 1] = '\0';
	}
	t->len++;
}

static inline void text_put(struct text *t, const char *s)
{
	while (*s)
		text_char(t, *s++);
}

static inline void text_number(struct text *t, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (i < sizeof(digits))
		text_char(t, digits[i++]);
}

/* The low `digits` hexadecimal digits of `n`, leading zeros kept. */
static inline void text_hex(struct text *t, uint32_t n, unsigned int digits)
{
	while (digits--)
		text_char(t, "0123456789abcdef"[n >> 4 * digits & 0xf]);
}

/*
 * Opaque bytes in quotes, without the NULs at the end; what is not printable ASCII, and the quote
 * and backslash themselves, as \xNN.
 */
static inline void text_opaque(struct text *t, const char *bytes, size_t n)
{
	while (n && bytes[n - 1] == '\0')
		n--;
	text_char(t, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)bytes[i];

		if (b >= ' ' && b <= '~' && b != '"' && b != '\\') {
			text_char(t, (char)b);
		} else {
			text_put(t, "\\x");
			text_hex(t, b, 2);
		}
	}
	text_char(t, '"');
}
