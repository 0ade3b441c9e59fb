/* The text of configuration files: what libConfuse would take wrongly is an error with its line. */
#include "session/config_text.h"

#include "system/tun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void comments_become_blanks_and_lines_stay(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{ "", "" },
		{ "a = 1", "a = 1" },
		{ "# c\na = 1 # d\n", "   \na = 1    \n" },
		{ "// don't {\na = 1\n", "          \na = 1\n" },
		{ "/* x\n ' { */a = 1/**/", "    \n       a = 1/**/" },
		{ "/* x\n ' { */ a = 1 /**/", "    \n        a = 1     " },
		{ "a = \"# // /* {\"\n", "a = \"# // /* {\"\n" },
		{ "a = '${x} \\a \\' \\\\'\n", "a = '${x} \\a \\' \\\\'\n" },
		{ "a = \"it's \\\"q\\\" \\\\\"", "a = \"it's \\\"q\\\" \\\\\"" },
		{ "p = /run/x.sock\r\n", "p = /run/x.sock\r\n" },
		{ "u \"a\" {\n l = {1, 2}\n}\n", "u \"a\" {\n l = {1, 2}\n}\n" },
		{ "\xef\xbb\xbf"
		  "a = 1",
			"   a = 1" },
		{ "a = {", NULL },
	};

	(void)state;
	for (size_t i = 0; cases[i].clean; i++) {
		char text[64];
		unsigned int line;

		strcpy(text, cases[i].text);
		assert_null(config_text_clean(text, strlen(text), &line));
		assert_string_equal(text, cases[i].clean);
	}
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *words;
	} cases[] = {
		{ "\na = {\n1\n", 2, "not closed" },
		{ "u x {\n l = {\n }\n\n", 1, "not closed" },
		{ "}\n", 1, "closes nothing" },
		{ "{{{{{{{{{", 1, "too deeply" },
		{ "a = 1\nb = \"x\nc = \"y\"\n", 2, "closing quote" },
		{ "b = 'x", 1, "closing quote" },
		{ "b = 'x\\'\n", 1, "closing quote" },
		{ "\n\n/* x\n\n", 3, "has no end" },
		{ "a = \"x\\y\"", 1, "backslash" },
		{ "a = \"x\\", 1, "backslash" },
		{ "a = \"OFFICE\\alice\"", 1, "backslash" },
		{ "\na = \"${HOME}\"", 2, "single quotes" },
		{ "\na = ${HOME}", 2, "single quotes" },
		{ "a = p#ss", 1, "in quotes" },
		{ "a = p\"ss", 1, "in quotes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		unsigned int line = 0;
		const char *what;

		strcpy(text, cases[i].text);
		what = config_text_clean(text, strlen(text), &line);
		assert_non_null(what);
		assert_non_null(strstr(what, cases[i].words));
		assert_int_equal(line, cases[i].line);
	}
}

static void a_zero_byte_is_no_text(void **state)
{
	char text[] = "a = 1\nb = 'x\0y'\n";
	unsigned int line = 0;

	(void)state;
	assert_non_null(strstr(config_text_clean(text, sizeof(text) - 1, &line), "zero byte"));
	assert_int_equal(line, 2);
}

/* Every short text over the characters that mean something, each in memory of exactly its size. */
static void no_text_makes_it_leave_its_bounds(void **state)
{
	static const char alphabet[] = "\"'\\${}/*#\n a";
	const size_t n = sizeof(alphabet) - 1, length = 5;
	size_t count = 1;

	(void)state;
	for (size_t i = 0; i < length; i++)
		count *= n;
	for (size_t i = 0; i < count; i++) {
		char *text = malloc(length);
		unsigned int line = 0;
		size_t rest = i;

		for (size_t k = 0; k < length; k++, rest /= n)
			text[k] = alphabet[rest % n];
		if (config_text_clean(text, length, &line))
			assert_in_range(line, 1, length + 1);
		free(text);
	}
}

static void a_file_is_read_whole(void **state)
{
	char path[] = "/tmp/greyline-test-XXXXXX", why[SYSTEM_WHY] = "";
	int fd = mkstemp(path);
	size_t len = 0;
	char *text;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 30000; i++)
		assert_int_equal(write(fd, "abcdefg\n", 8), 8);
	close(fd);
	text = config_text_read(path, &len, why);
	unlink(path);
	assert_non_null(text);
	assert_int_equal(len, 240000);
	for (size_t i = 0; i < len; i += 8)
		assert_memory_equal(text + i, "abcdefg\n", 8);
	free(text);
}

static void what_cannot_be_read_says_why(void **state)
{
	char why[SYSTEM_WHY] = "";
	size_t len;

	(void)state;
	assert_null(config_text_read("/nowhere.conf", &len, why));
	assert_non_null(strstr(why, "/nowhere.conf"));
	assert_null(config_text_read("/", &len, why));
	assert_non_null(strstr(why, "irectory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_become_blanks_and_lines_stay),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(a_zero_byte_is_no_text),
		cmocka_unit_test(no_text_makes_it_leave_its_bounds),
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(what_cannot_be_read_says_why),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
