/*
 * The log: lines to standard error, as text or as JSON.
 *
 * A line is built in memory and leaves in one write(), so that lines of several threads do not mix,
 * and what came from outside cannot make a line of its own: all that is not printable ASCII is
 * escaped.
 */
#include "system/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 1024 /* bytes of a message; what is longer is cut */
#define SUBJECT_MAX 256
#define ESCAPED(n)  ((n)*4)
#define TIME_SIZE   32

static _Atomic enum log_level log_level_max = LOG_INFO;
static _Atomic enum log_format log_form = LOG_TEXT;

void log_set(enum log_level level, enum log_format format)
{
	atomic_store(&log_level_max, level);
	atomic_store(&log_form, format);
}

bool log_wants(enum log_level level)
{
	return level <= atomic_load(&log_level_max);
}

char *log_escape(char *out, size_t size, const void *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	size_t used = 0;

	if (!size)
		return out;
	for (size_t i = 0; i < len; i++) {
		bool plain = in[i] >= 0x20 && in[i] < 0x7f;
		size_t need = plain ? 1 : 4;

		if (used + need >= size)
			break;
		if (plain) {
			out[used] = (char)in[i];
		} else {
			out[used] = '\\';
			out[used + 1] = 'x';
			out[used + 2] = hex[in[i] >> 4];
			out[used + 3] = hex[in[i] & 15];
		}
		used += need;
	}
	out[used] = '\0';
	return out;
}

static void write_all(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to complain */
		line += n;
		len -= (size_t)n;
	}
}

static char *put_digits(char *out, unsigned int digits, unsigned int value)
{
	for (unsigned int i = digits; i > 0; i--) {
		out[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

static unsigned int days_of_year(unsigned int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
}

/* Days since 1970 to the date. */
static char *put_date(char *out, uint64_t days)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned int year = 1970, month = 0;

	for (; days >= days_of_year(year); year++)
		days -= days_of_year(year);
	for (;; month++) {
		unsigned int length =
			month == 1 && days_of_year(year) == 366 ? 29u : lengths[month];

		if (days < length)
			break;
		days -= length;
	}
	out = put_digits(out, 4, year);
	*out++ = '-';
	out = put_digits(out, 2, month + 1);
	*out++ = '-';
	return put_digits(out, 2, (unsigned int)days + 1);
}

/* UTC, by hand: gmtime_r() takes locks, which a dying process must not. */
static void format_time(char out[TIME_SIZE])
{
	static const unsigned int units[] = { 3600, 60, 1 };
	struct timespec now = { 0 };
	unsigned int seconds;

	clock_gettime(CLOCK_REALTIME, &now);
	seconds = (unsigned int)(now.tv_sec % 86400);
	out = put_date(out, (uint64_t)now.tv_sec / 86400);
	for (size_t i = 0; i < 3; i++) {
		*out++ = i ? ':' : 'T';
		out = put_digits(out, 2, seconds / units[i] % (i ? 60 : 24));
	}
	*out++ = '.';
	out = put_digits(out, 3, (unsigned int)(now.tv_nsec / 1000000));
	memcpy(out, "Z", 2);
}

static void write_text(
	enum log_level level, const char *time, const char *subject, const char *message)
{
	static const char *const names[] = { "error", "warn ", "info ", "debug" };
	char line[64 + ESCAPED(SUBJECT_MAX) + ESCAPED(MESSAGE_MAX)];
	int len = snprintf(line, sizeof(line), "%s %s %s%s%s\n", time, names[level],
		subject ? subject : "", subject ? ": " : "", message);

	if (len > 0)
		write_all(line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

/* False if memory is short. */
static bool write_json(
	enum log_level level, const char *time, const char *subject, const char *message)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	json_t *object = json_pack("{s:s, s:s, s:s*, s:s}", "time", time, "level", names[level],
		"subject", subject, "message", message);
	char *text = json_dumps(object, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	json_decref(object);
	if (!text)
		return false;
	text[len] = '\n'; /* in the place of the NUL: one write, no copy */
	write_all(text, len + 1);
	free(text);
	return true;
}

void log_va(enum log_level level, const char *subject, const char *format, va_list ap)
{
	char raw[MESSAGE_MAX], message[ESCAPED(MESSAGE_MAX)], about[ESCAPED(SUBJECT_MAX)],
		time[TIME_SIZE];
	int saved = errno;
	int len;

	if (!log_wants(level))
		return;
	len = vsnprintf(raw, sizeof(raw), format, ap);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(raw)) {
		len = sizeof(raw) - 1;
		memcpy(raw + sizeof(raw) - 4, "...", 4);
	}
	log_escape(message, sizeof(message), raw, (size_t)len);
	if (subject)
		subject = log_escape(
			about, sizeof(about), subject, strnlen(subject, SUBJECT_MAX - 1));
	format_time(time);
	if (atomic_load(&log_form) == LOG_TEXT || !write_json(level, time, subject, message))
		write_text(level, time, subject, message);
	errno = saved;
}

void log_about(enum log_level level, const char *subject, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_va(level, subject, format, ap);
	va_end(ap);
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_va(level, NULL, format, ap);
	va_end(ap);
}

static size_t append(char *line, size_t used, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len > size - used)
		len = size - used;
	memcpy(line + used, text, len);
	return used + len;
}

void log_last_words(const char *message)
{
	bool json = atomic_load(&log_form) == LOG_JSON;
	char line[MESSAGE_MAX], time[TIME_SIZE];
	size_t used = 0, room = sizeof(line) - 4; /* of the end */

	format_time(time);
	if (json)
		used = append(line, used, room, "{\"time\":\"");
	used = append(line, used, room, time);
	used = append(line, used, room, json ? "\",\"level\":\"error\",\"message\":\"" : " error ");
	used = append(line, used, room, message);
	used = append(line, used, sizeof(line), json ? "\"}\n" : "\n");
	write_all(line, used);
}
