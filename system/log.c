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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 1024 /* bytes of a message; what is longer is cut */
#define SUBJECT_MAX 256
#define ESCAPED(n)  ((n)*4)

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

static void format_time(char *out, size_t size)
{
	struct timespec now = { 0 };
	struct tm tm = { 0 };
	char seconds[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
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
	char raw[MESSAGE_MAX], message[ESCAPED(MESSAGE_MAX)], about[ESCAPED(SUBJECT_MAX)], time[64];
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
	format_time(time, sizeof(time));
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
