/* The log: what it writes is one line each, whatever it is given. */
#include "system/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static char captured[8192];
static int saved_stderr, capture_fd;

static void capture_start(void)
{
	char path[] = "/tmp/greyline-log-XXXXXX";

	capture_fd = mkstemp(path);
	assert_true(capture_fd >= 0);
	unlink(path);
	saved_stderr = dup(STDERR_FILENO);
	dup2(capture_fd, STDERR_FILENO);
}

static const char *capture_end(void)
{
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	n = pread(capture_fd, captured, sizeof(captured) - 1, 0);
	close(capture_fd);
	assert_true(n >= 0);
	captured[n] = '\0';
	return captured;
}

static unsigned int newlines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void text_line_has_time_level_subject_and_message(void **state)
{
	const char *line;
	int year, month, day, hour, minute, second, ms, end = 0;

	(void)state;
	log_set(LOG_INFO, LOG_TEXT);
	capture_start();
	log_about(LOG_INFO, "session 12 (203.0.113.9, alice)", "up after %d ms", 42);
	line = capture_end();
	assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour,
				 &minute, &second, &ms, &end),
		7);
	assert_int_equal(end, 24);
	assert_string_equal(line + 24, " info  session 12 (203.0.113.9, alice): up after 42 ms\n");
}

static void levels_below_the_chosen_one_are_silent(void **state)
{
	(void)state;
	log_set(LOG_WARNING, LOG_TEXT);
	assert_true(log_wants(LOG_ERROR));
	assert_true(log_wants(LOG_WARNING));
	assert_false(log_wants(LOG_INFO));
	capture_start();
	log_info("not this");
	log_debug("nor this");
	log_warning("but this");
	assert_string_equal(capture_end() + 24, " warn  but this\n");
}

static void a_message_cannot_forge_a_line(void **state)
{
	const char *line;

	(void)state;
	log_set(LOG_INFO, LOG_TEXT);
	capture_start();
	log_error("user \"%s\" failed",
		"x\n2026-01-01T00:00:00.000Z info  all is well\033[2J\x9b\xc3\xa9");
	line = capture_end();
	assert_int_equal(newlines(line), 1);
	assert_string_equal(line + 24,
		" error user \"x\\x0a2026-01-01T00:00:00.000Z info  all is well"
		"\\x1b[2J\\x9b\\xc3\\xa9\" failed\n");
}

static void json_line_parses_and_keeps_the_fields(void **state)
{
	json_error_t error;
	json_t *line;

	(void)state;
	log_set(LOG_DEBUG, LOG_JSON);
	capture_start();
	log_about(LOG_WARNING, "session 3 (\"quoted\")", "a\\b \"c\"\n\xff");
	line = json_loads(capture_end(), 0, &error);
	assert_non_null(line);
	assert_int_equal(newlines(captured), 1);
	assert_string_equal(json_string_value(json_object_get(line, "level")), "warning");
	assert_string_equal(
		json_string_value(json_object_get(line, "subject")), "session 3 (\"quoted\")");
	assert_string_equal(
		json_string_value(json_object_get(line, "message")), "a\\b \"c\"\\x0a\\xff");
	assert_int_equal(strlen(json_string_value(json_object_get(line, "time"))), 24);
	json_decref(line);
}

static void json_line_without_subject_has_no_such_field(void **state)
{
	json_t *line;

	(void)state;
	log_set(LOG_DEBUG, LOG_JSON);
	capture_start();
	log_debug("plain");
	line = json_loads(capture_end(), 0, NULL);
	assert_non_null(line);
	assert_null(json_object_get(line, "subject"));
	assert_int_equal(json_object_size(line), 3);
	json_decref(line);
}

static void a_long_message_is_cut_and_says_so(void **state)
{
	static char huge[5000];
	const char *line;

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	log_set(LOG_INFO, LOG_TEXT);
	capture_start();
	log_info("%s", huge);
	line = capture_end();
	assert_int_equal(newlines(line), 1);
	assert_true(strlen(line) < 2000);
	assert_string_equal(line + strlen(line) - 6, "aa...\n");
	/* Escapes make it four times as long, and still it is one whole line. */
	memset(huge, 1, sizeof(huge) - 1);
	capture_start();
	log_about(LOG_INFO, huge, "%s", huge);
	line = capture_end();
	assert_int_equal(newlines(line), 1);
	assert_string_equal(line + strlen(line) - 4, "...\n");
}

/* Which no C library may help with, so against the one that it has. */
static void the_last_words_are_such_lines_and_their_time_is_right(void **state)
{
	struct tm tm = { 0 };
	const char *line;
	json_t *object;
	time_t then;

	(void)state;
	log_set(LOG_ERROR, LOG_TEXT);
	capture_start();
	log_last_words("worker 1 died of something");
	line = capture_end();
	assert_string_equal(line + 24, " error worker 1 died of something\n");
	assert_non_null(strptime(line, "%Y-%m-%dT%H:%M:%S", &tm));
	then = timegm(&tm);
	assert_true(then <= time(NULL) && then > time(NULL) - 120);
	log_set(LOG_ERROR, LOG_JSON);
	capture_start();
	log_last_words("worker 1 died of something");
	object = json_loads(capture_end(), 0, NULL);
	assert_non_null(object);
	assert_int_equal(newlines(captured), 1);
	assert_string_equal(json_string_value(json_object_get(object, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(object, "message")),
		"worker 1 died of something");
	assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
	json_decref(object);
}

static void escape_never_overruns_and_always_terminates(void **state)
{
	char out[16];

	(void)state;
	for (size_t size = 0; size <= sizeof(out); size++) {
		memset(out, 'Z', sizeof(out));
		assert_ptr_equal(log_escape(out, size,
					 "a\n\xff"
					 "DOM\\user",
					 11),
			out);
		if (size > 0)
			assert_true(strnlen(out, size) < size);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'Z');
	}
	assert_string_equal(log_escape(out, sizeof(out), "a\0b", 3), "a\\x00b");
	assert_string_equal(log_escape(out, sizeof(out), "DOM\\user", 8), "DOM\\user");
	/* An escape is whole or not there. */
	assert_string_equal(log_escape(out, 5, "ab\n", 3), "ab");
	assert_string_equal(log_escape(out, sizeof(out), NULL, 0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_line_has_time_level_subject_and_message),
		cmocka_unit_test(levels_below_the_chosen_one_are_silent),
		cmocka_unit_test(a_message_cannot_forge_a_line),
		cmocka_unit_test(json_line_parses_and_keeps_the_fields),
		cmocka_unit_test(json_line_without_subject_has_no_such_field),
		cmocka_unit_test(a_long_message_is_cut_and_says_so),
		cmocka_unit_test(the_last_words_are_such_lines_and_their_time_is_right),
		cmocka_unit_test(escape_never_overruns_and_always_terminates),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
