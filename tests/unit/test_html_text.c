/* HTML of what strangers wrote: no byte of it can be markup. */
#include "tools/decode/html_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void becomes(const char *s, size_t len, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	char *copy = malloc(len + 1);

	assert_true(out && copy);
	memcpy(copy, s, len);
	html_plain(out, copy, len);
	fclose(out);
	assert_string_equal(text, expected);
	free(copy);
	free(text);
}
#define BECOMES(s, expected) becomes(s, sizeof(s) - 1, expected)
#define MARK                 "\xef\xbf\xbd"

static void markup_is_escaped(void **state)
{
	(void)state;
	BECOMES("<script>alert('x' & \"y\")</script>",
		"&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;");
	BECOMES("plain, text", "plain, text");
	BECOMES("", "");
}

static void what_cannot_be_shown_is_marked(void **state)
{
	(void)state;
	BECOMES("a\0b\x1b[31m\x7f", "a" MARK "b" MARK "[31m" MARK);
	BECOMES("M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x98\x80",
		"M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x98\x80");
	BECOMES("\xc3", MARK);                            /* cut */
	BECOMES("\xe2\x82", MARK MARK);                   /* cut */
	BECOMES("\xbf\xff", MARK MARK);                   /* no beginning */
	BECOMES("\xc0\xbc", MARK MARK);                   /* "<", too long */
	BECOMES("\xe0\x80\xbc", MARK MARK MARK);          /* the same */
	BECOMES("\xed\xa0\x80", MARK MARK MARK);          /* half of a pair */
	BECOMES("\xf4\x90\x80\x80", MARK MARK MARK MARK); /* beyond the last */
	BECOMES("\xef\xbf\xbe", MARK MARK MARK);          /* no character */
	BECOMES("\xc2\x85", MARK MARK);                   /* a control character */
	BECOMES("\xe2\x80\xae"
		"abc",
		MARK MARK MARK "abc"); /* turns the direction */
}

static void every_byte_pair_is_harmless(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (unsigned int i = 0; i < 65536; i++) {
		char pair[2] = { (char)(i >> 8), (char)i };

		html_plain(out, pair, 2);
	}
	fclose(out);
	assert_null(strpbrk(text, "<>\"'"));
	for (size_t i = 0; i < size; i++)
		assert_true((uint8_t)text[i] >= 0x20 || text[i] == '\n' || text[i] == '\t');
	free(text);
}

static void numbers_are_short_and_true(void **state)
{
	char b[HTML_NUMBER];

	(void)state;
	assert_string_equal(html_bytes(b, 999), "999 B");
	assert_string_equal(html_bytes(b, 1400000), "1.40 MB");
	assert_string_equal(html_bytes(b, UINT64_MAX), "18.4 EB");
	assert_string_equal(html_rate(b, 125000, 1000000), "1 Mbit/s");
	assert_string_equal(html_rate(b, 1, 0), "0 bit/s");
	assert_string_equal(html_duration(b, 0), "0 \xc2\xb5s");
	assert_string_equal(html_duration(b, 12400), "12.4 ms");
	assert_string_equal(html_duration(b, 59990000), "60.0 s");
	assert_string_equal(html_duration(b, 5000000), "5 s");
	assert_string_equal(html_duration(b, 61000000), "1 min 01 s");
	assert_string_equal(html_duration(b, 7380000000), "2 h 03 min");
	assert_string_equal(html_duration(b, 180000000000), "2 d 02 h");
	assert_string_equal(html_percent(b, 0, 0), "none");
	assert_string_equal(html_percent(b, 1, 1000000), "< 0.01 %");
	assert_string_equal(html_percent(b, 3, 1000), "0.30 %");
	assert_string_equal(html_percent(b, 1, 4), "25.0 %");
	assert_string_equal(html_count(b, 999), "999");
	assert_string_equal(html_count(b, 1234567), "1\xe2\x80\xaf"
						    "234\xe2\x80\xaf"
						    "567");
	assert_string_equal(html_when(b, 1000000000000000), "2001-09-09 01:46:40 UTC");
	(void)html_count(b, UINT64_MAX);
	(void)html_when(b, UINT64_MAX);
	(void)html_duration(b, UINT64_MAX);
	(void)html_rate(b, UINT64_MAX, 1);
	assert_true(strlen(b) < HTML_NUMBER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup_is_escaped),
		cmocka_unit_test(what_cannot_be_shown_is_marked),
		cmocka_unit_test(every_byte_pair_is_harmless),
		cmocka_unit_test(numbers_are_short_and_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
