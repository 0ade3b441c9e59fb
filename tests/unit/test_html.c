/* A report's findings: by weight, like ones together, heavier ones never lost to lighter, all escaped. */
#include "tools/decode/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct decode_html *html;
static char *page;

static int setup(void **state)
{
	(void)state;
	html = decode_html_new("a <b> & \"c\"");
	return html ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	decode_html_free(html);
	free(page);
	page = NULL;
	return 0;
}

static void written(void)
{
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);

	assert_non_null(out);
	assert_int_equal(decode_html_write(html, out), 0);
	fclose(out);
}

/* Where it is in the page, or a failure. */
static size_t at(const char *words)
{
	const char *p = strstr(page, words);

	if (!p)
		fail_msg("missing: %s", words);
	return (size_t)(p - page);
}

static void found(enum html_weight weight, unsigned int call, const char *title, const char *text,
	const char *remedy)
{
	const struct decode_finding f = {
		.weight = weight, .call = call, .title = title, .text = text, .remedy = remedy
	};

	decode_html_find(html, &f);
}

static void an_empty_capture_is_a_page_that_says_so(void **state)
{
	(void)state;
	written();
	(void)at("a &lt;b&gt; &amp; &quot;c&quot;");
	(void)at("Nothing to say about this capture");
	(void)at("</body></html>");
}

static void findings_stand_by_weight(void **state)
{
	(void)state;
	found(HTML_GOOD, 0, "fourth", "good", NULL);
	found(HTML_NOTE, 0, "third", "note", NULL);
	found(HTML_FATAL, 0, "first", "bad", "a remedy");
	found(HTML_MAJOR, 7, "second", "warning", NULL);
	written();
	assert_true(at("<b>first</b>") < at("<b>second</b>"));
	assert_true(at("<b>second</b>") < at("<b>third</b>"));
	assert_true(at("<b>third</b>") < at("<b>fourth</b>"));
	assert_true(at("a remedy") < at("<b>second</b>"));
	(void)at("<a class=\"call\" href=\"#call-7\">warning</a>");
}

static void like_findings_are_one(void **state)
{
	char text[32];

	(void)state;
	for (unsigned int i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "seen in call %u", i);
		found(HTML_FATAL, i, "The same", text, NULL);
		found(HTML_NOTE, i, "The same", text, NULL);
	}
	written();
	assert_true(at("<summary>4 more</summary>") < at("seen in call 5"));
	assert_null(strstr(strstr(strstr(page, "<b>The same</b>") + 1, "<b>The same</b>") + 1,
		"<b>The same</b>"));
}

static void heavier_findings_take_the_place_of_lighter_ones(void **state)
{
	char title[32];

	(void)state;
	for (unsigned int i = 0; i < HTML_FINDINGS_MAX; i++) {
		snprintf(title, sizeof(title), "note %u.", i);
		found(HTML_NOTE, 0, title, "text", NULL);
	}
	found(HTML_NOTE, 0, "one note more", "text", NULL);
	found(HTML_FATAL, 0, "a fault", "text", NULL);
	written();
	(void)at("a fault");
	(void)at("note 0.");
	assert_null(strstr(page, "note 119."));
	assert_null(strstr(page, "one note more"));
	(void)at("more findings are not shown");
}

static void findings_are_escaped(void **state)
{
	(void)state;
	found(HTML_FATAL, 0, "<i>title</i>", "<i>text</i>", "<i>remedy</i>");
	written();
	assert_null(strstr(page, "<i>"));
	(void)at("&lt;i&gt;title&lt;/i&gt;");
	(void)at("&lt;i&gt;text&lt;/i&gt;");
	(void)at("&lt;i&gt;remedy&lt;/i&gt;");
}

static void advice_is_told(void **state)
{
	const struct decode_finding f = { .weight = HTML_FATAL,
		.title = "title",
		.text = "seen in frames 7 to 9, 3 times",
		.meaning = "a <meaning>",
		.remedy = "a remedy",
		.windows = 806 };

	(void)state;
	decode_html_find(html, &f);
	written();
	/* No diagram has these frames. */
	assert_true(at("seen in frames 7 to 9, 3 times") < at("<dd>a &lt;meaning&gt;</dd>"));
	assert_true(at("<dd>a &lt;meaning&gt;</dd>") < at("<dd>a remedy</dd>"));
	(void)at("<dt>Windows</dt><dd>error 806</dd>");
}

static void a_full_disk_is_an_error(void **state)
{
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	if (!out)
		skip();
	assert_true(decode_html_write(html, out) < 0);
	fclose(out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_capture_is_a_page_that_says_so),
		TEST(findings_stand_by_weight),
		TEST(like_findings_are_one),
		TEST(heavier_findings_take_the_place_of_lighter_ones),
		TEST(findings_are_escaped),
		TEST(advice_is_told),
		TEST(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
