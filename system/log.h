/*
 * The log: lines to standard error, text or JSON. Used by the control thread; safe from others.
 * Text: "2026-01-02T03:04:05.678Z info  session 12 (203.0.113.9, alice): message". No secrets,
 * ever.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

void log_set(enum log_level level, enum log_format format);
bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `subject` (may be NULL) names what the line is about, "session 12 (...)"; its own field in JSON.
 */
void log_about(enum log_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void log_va(enum log_level level, const char *subject, const char *format, va_list ap)
	__attribute__((format(printf, 3, 0)));

/*
 * A line at level error in the format that was set, whatever the level; async-signal-safe, for a process
 * that dies (system/crash.h). `message`: our own printable ASCII, without quotes and backslashes.
 */
void log_last_words(const char *message);

#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

/* Copies bytes from outside into `out` as printable ASCII (\xNN for the rest; a backslash stays
 * one, as in DOMAIN\user); always terminated. Returns out. */
char *log_escape(char *out, size_t size, const void *bytes, size_t len);
