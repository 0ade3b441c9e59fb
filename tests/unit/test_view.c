/* What `greyline ctl` shows: tables that align, and nothing that a peer's name can do to them. */
#include "tools/ctl/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The view of a JSON text; the caller frees. */
static char *view(const char *json)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(value);
	view_print(out, value);
	fclose(out);
	json_decref(value);
	return text;
}

static void expect(const char *json, const char *expected)
{
	char *text = view(json);

	assert_string_equal(text, expected);
	free(text);
}

static void sessions_are_an_aligned_table(void **state)
{
	(void)state;
	expect("[{\"id\":1,\"user\":\"al\",\"peer\":\"192.0.2.1\",\"rx_bytes\":999,\"lost\":0,"
	       "\"drops\":{},\"mru\":1400},"
	       "{\"id\":12,\"user\":\"m\\u00fcller\",\"peer\":null,\"rx_bytes\":1234567,"
	       "\"lost\":3,\"drops\":{\"late\":2,\"jump\":5},\"mru\":1400}]",
		"ID  USER    PEER           RX  LOST  DROPS\n"
		" 1  al      192.0.2.1   999 B     0      0\n"
		"12  m\xc3\xbcller  -          1.2 MB     3      7\n");
}

static void numbers_are_shown_where_there_are_any(void **state)
{
	(void)state;
	expect("[{\"id\":1,\"user\":\"a\",\"peer\":null,\"calling\":\"\",\"called\":\"\",\"lost\":"
	       "0},"
	       "{\"id\":2,\"user\":\"b\",\"peer\":null,\"calling\":\"\",\"called\":\"4711\","
	       "\"lost\":0}]",
		"ID  USER  PEER  CALLED  LOST\n"
		" 1  a     -     -          0\n"
		" 2  b     -     4711       0\n");
}

static void other_arrays_show_their_own_keys(void **state)
{
	(void)state;
	expect("[{\"pool\":\"a\",\"free\":5},{\"pool\":\"long\",\"free\":123}]",
		"pool  free\na        5\nlong   123\n");
	expect("[1, \"two\", true]", "1, two, yes\n");
	expect("[]", "none\n");
}

static void objects_are_lines(void **state)
{
	(void)state;
	expect("{\"pid\":7,\"on\":false,\"dns\":[\"192.0.2.1\",\"192.0.2.2\"],\"wins\":[],"
	       "\"tx_bytes\":1500,\"none\":null,\"inner\":{\"a\":{\"b\":1},\"c\":{}}}",
		"pid: 7\non: no\ndns: 192.0.2.1, 192.0.2.2\nwins: -\ntx_bytes: 1.5 kB (1500)\n"
		"none: -\ninner:\n  a:\n    b: 1\n  c: -\n");
	expect("{\"peers\":[{\"peer\":\"192.0.2.1\",\"state\":\"waiting\"},"
	       "{\"peer\":\"192.0.2.2\",\"state\":\"established\"}]}",
		"peers: 192.0.2.1 waiting, 192.0.2.2 established\n");
}

static void a_name_cannot_move_the_cursor(void **state)
{
	(void)state;
	expect("{\"user\":\"a\\u001b[2J\\n\\u009bb\\u007f\"}",
		"user: a\\x1b[2J\\x0a\\xc2\\x9bb\\x7f\n");
}

static void neither_can_a_key(void **state)
{
	(void)state;
	expect("[{\"a\\u001b\":1,\"b\":2}]", "a\\x1b  b\n    1  2\n");
}

static void sums_do_not_overflow(void **state)
{
	(void)state;
	expect("[{\"drops\":{\"late\":9223372036854775807,\"jump\":1},\"n\":1}]",
		"drops                n\n9223372036854775807  1\n");
}

static void a_long_name_is_cut_between_characters(void **state)
{
	char json[2100] = "{\"user\":\"", *text;
	unsigned int wide = 0;

	(void)state;
	for (unsigned int i = 0; i < 600; i++)
		strcat(json, i % 2 ? "\xc3\xbc" : "x");
	strcat(json, "\"}");
	text = view(json);
	for (const char *p = text; *p; p++)
		wide += *p == '\xc3';
	assert_in_range(strlen(text), 400, 520);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (const char *p = text; *p; p++)
		wide -= *p == '\xbc';
	assert_int_equal(wide, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_an_aligned_table),
		cmocka_unit_test(numbers_are_shown_where_there_are_any),
		cmocka_unit_test(other_arrays_show_their_own_keys),
		cmocka_unit_test(objects_are_lines),
		cmocka_unit_test(a_name_cannot_move_the_cursor),
		cmocka_unit_test(neither_can_a_key),
		cmocka_unit_test(sums_do_not_overflow),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
