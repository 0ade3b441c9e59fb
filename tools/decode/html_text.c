/* Words and numbers for HTML: see html_text.h. */
#include "tools/decode/html_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static bool shown(uint32_t c)
{
	if (c < 0x20)
		return c == '\n' || c == '\t';
	if (c >= 0x7f && c < 0xa0)
		return false;
	if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
		c == 0x200f)
		return false;
	return (c < 0xd800 || c > 0xdfff) && (c & 0xfffe) != 0xfffe && c <= 0x10ffff;
}

/* The length of the character at s, 0 if it is invalid or not to be shown. */
static size_t character(const char *s, size_t len)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)s[0];
	size_t size = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;
	uint32_t c = size == 1 ? first : first & (0x7fu >> size);

	if (first >= 0x80 && (first < 0xc0 || first >= 0xf8))
		return 0;
	if (size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if (((uint8_t)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint8_t)s[i] & 0x3f);
	}
	return c >= smallest[size] && shown(c) ? size : 0;
}

void html_plain(FILE *out, const char *s, size_t len)
{
	size_t size;

	for (size_t i = 0; i < len; i += size) {
		size = character(s + i, len - i);
		if (size == 0) {
			fputs("\xef\xbf\xbd", out);
			size = 1;
		} else if (s[i] == '&') {
			fputs("&amp;", out);
		} else if (s[i] == '<') {
			fputs("&lt;", out);
		} else if (s[i] == '>') {
			fputs("&gt;", out);
		} else if (s[i] == '"') {
			fputs("&quot;", out);
		} else if (s[i] == '\'') {
			fputs("&#39;", out);
		} else {
			fwrite(s + i, 1, size, out);
		}
	}
}

void html_text(FILE *out, const char *format, ...)
{
	char text[HTML_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	html_plain(out, text, strlen(text));
}

/* Three figures, without a fraction where there is none. */
static char *scaled(char buf[HTML_NUMBER], double value, const char *unit)
{
	bool whole = value == (double)(uint64_t)value;
	int digits = whole ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;

	snprintf(buf, HTML_NUMBER, "%.*f %s", digits, value, unit);
	return buf;
}

char *html_bytes(char buf[HTML_NUMBER], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	unsigned int i = 0;

	if (bytes < 1000) {
		snprintf(buf, HTML_NUMBER, "%" PRIu64 " B", bytes);
		return buf;
	}
	for (; value >= 1000 && i < 6; i++)
		value /= 1000;
	return scaled(buf, value, units[i]);
}

char *html_rate(char buf[HTML_NUMBER], uint64_t bytes, uint64_t us)
{
	double bits = us ? (double)bytes * 8e6 / (double)us : 0;

	if (bits < 1000)
		snprintf(buf, HTML_NUMBER, "%.0f bit/s", bits);
	else if (bits < 1e6)
		scaled(buf, bits / 1e3, "kbit/s");
	else if (bits < 1e9)
		scaled(buf, bits / 1e6, "Mbit/s");
	else
		scaled(buf, bits / 1e9, "Gbit/s");
	return buf;
}

char *html_duration(char buf[HTML_NUMBER], uint64_t us)
{
	uint64_t s = us / 1000000;

	if (us < 1000)
		snprintf(buf, HTML_NUMBER, "%" PRIu64 " \xc2\xb5s", us);
	else if (us < 1000000)
		scaled(buf, (double)us / 1e3, "ms");
	else if (s < 60)
		scaled(buf, (double)us / 1e6, "s");
	else if (s < 3600)
		snprintf(buf, HTML_NUMBER, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(
			buf, HTML_NUMBER, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(buf, HTML_NUMBER, "%" PRIu64 " d %02" PRIu64 " h", s / 86400,
			s / 3600 % 24);
	return buf;
}

char *html_percent(char buf[HTML_NUMBER], uint64_t part, uint64_t of)
{
	double value = of ? 100.0 * (double)part / (double)of : 0;

	if (part == 0)
		snprintf(buf, HTML_NUMBER, "none");
	else if (value < 0.01)
		snprintf(buf, HTML_NUMBER, "< 0.01 %%");
	else
		snprintf(buf, HTML_NUMBER, "%.*f %%", value < 10 ? 2 : 1, value);
	return buf;
}

char *html_count(char buf[HTML_NUMBER], uint64_t n)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), used = 0;

	for (size_t i = 0; i < len; i++) {
		/* A narrow space between groups of three: no country's decimal sign. */
		if (i && (len - i) % 3 == 0) {
			memcpy(buf + used, "\xe2\x80\xaf", 3);
			used += 3;
		}
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}

char *html_when(char buf[HTML_NUMBER], uint64_t time)
{
	time_t seconds = (time_t)(time / 1000000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(buf, HTML_NUMBER, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(buf, HTML_NUMBER, "at an impossible time");
	return buf;
}
