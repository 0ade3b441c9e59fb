/*
 * Words and numbers for HTML. What comes from a capture, a file's name or a message goes through
 * html_text() or html_plain(): no byte of it can be markup.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Formats, then escapes: & < > " ' as references; what is not printable (control characters, invalid
 * UTF-8, characters that turn the direction of text) as U+FFFD. At most HTML_TEXT_MAX bytes of the
 * formatted text. Fit for content and for attributes in double quotes.
 */
#define HTML_TEXT_MAX 4096
void html_text(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As html_text(out, "%.*s", len, s), of any length. */
void html_plain(FILE *out, const char *s, size_t len);

/* Each writes into `buf` (HTML_NUMBER bytes) and returns it. */
#define HTML_NUMBER 48
char *html_bytes(char buf[HTML_NUMBER], uint64_t bytes);               /* "1.4 MB" */
char *html_rate(char buf[HTML_NUMBER], uint64_t bytes, uint64_t us);   /* "11.2 Mbit/s" */
char *html_duration(char buf[HTML_NUMBER], uint64_t us);               /* "2 h 03 min", "1.24 s" */
char *html_percent(char buf[HTML_NUMBER], uint64_t part, uint64_t of); /* "0.3 %", "none" */
char *html_count(char buf[HTML_NUMBER], uint64_t n);                   /* "1 234 567" */
char *html_when(
	char buf[HTML_NUMBER], uint64_t time); /* us since 1970: "2024-05-01 12:00:03 UTC" */
