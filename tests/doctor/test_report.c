/* The doctor's findings on the decoder's page: their words, by weight, with links to the diagrams. */
#include "lib/ppp/frame.h"
#include "tests/doctor/script.h"
#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/doctor/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct script *script;
static char *page;

static int setup(void **state)
{
	(void)state;
	script = malloc(sizeof(*script));
	if (!script)
		return -1;
	script_begin(script);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(script);
	free(page);
	page = NULL;
	return 0;
}

/* The page of what the script wrote, as the command makes it. */
static void reported(void)
{
	const struct decode_options options = { 0 };
	struct decode_html *html = decode_html_new("a capture");
	struct decode_capture *capture;
	struct decode_sink *sink = NULL;
	char why[DECODE_WHY] = "";
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);
	void *finder = doctor_finder.begin(&sink);

	assert_true(html && out && finder && sink);
	capture = decode_capture_file(fmemopen(script->file, script->used, "rb"), why);
	assert_non_null(capture);
	sink->next = decode_html_sink(html);
	assert_int_equal(decode_run(&options, capture, sink, NULL, why), 0);
	doctor_finder.tell(finder, html);
	doctor_finder.end(finder);
	decode_capture_close(capture);
	assert_int_equal(decode_html_write(html, out), 0);
	fclose(out);
	decode_html_free(html);
}

static size_t at(const char *words)
{
	const char *p = strstr(page, words);

	if (!p)
		fail_msg("missing: %s", words);
	return (size_t)(p - page);
}

static void a_finding_is_told_in_full(void **state)
{
	const struct finding_kind *kind = finding_kind(FINDING_GRE_TO_CLIENT);
	char windows[64];

	(void)state;
	script_call(script);
	for (uint8_t i = 1; i < 8; i++) {
		script_ppp(script, 0, PPP_LCP, 1, i, "0506 11111111");
		script_wait(script, 3);
	}
	reported();
	assert_true(at(kind->title) < at("The tunnel never came up"));
	(void)at("<span class=\"tag\">fatal</span>");
	(void)at("<dt>Means</dt>");
	(void)at("<dt>Do</dt>");
	snprintf(windows, sizeof(windows), "error %u", kind->windows);
	(void)at(windows);
}

static void frames_lead_to_the_diagram(void **state)
{
	(void)state;
	script_lcp(script, "0304 c023");
	script_ppp(script, 0, PPP_PAP, 1, 1, "05 616c696365 06 736563726574");
	script_words(script, 1, PPP_PAP, 3, 1, "\x05wrong");
	reported();
	assert_true(at(finding_kind(FINDING_AUTH_WRONG)->title) < at("The tunnel never came up"));
	assert_true(at("<a href=\"#frame-") < at(" id=\"frame-"));
	(void)at("error 691");
}

static void a_challenge_is_not_shown(void **state)
{
	(void)state;
	script_lcp(script, "0305 c223 81");
	script_ppp(script, 1, PPP_CHAP, 1, 1, "10 00112233445566778899aabbccddeeff 737276");
	script_words(script, 1, PPP_CHAP, 4, 1,
		"E=691 R=0 C=00112233445566778899AABBCCDDEEFF V=3 M=Go away");
	reported();
	(void)at("E=691 R=0 M=Go away");
	assert_null(strcasestr(page, "00112233445566778899aabb"));
}

static void errors_of_routers_are_in_the_diagram(void **state)
{
	static const struct {
		void (*passage)(struct script *s);
		uint8_t protocol;
	} about[] = { { script_call, 47 }, { script_open, 6 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char link[64], id[64];

		script_begin(script);
		about[i].passage(script);
		if (about[i].protocol == 47)
			script_ppp(script, 0, PPP_LCP, 1, 1, "0506 11111111");
		script_icmp(script, 0xcb007101, 0, 3, 4, 1400, about[i].protocol);
		reported();
		snprintf(link, sizeof(link), "<a href=\"#frame-%u\">", script->count);
		snprintf(id, sizeof(id), " id=\"frame-%u\">", script->count);
		assert_true(at(link) < at(id));
		(void)at("msg fault left");
		free(page);
		page = NULL;
	}
}

static void nothing_is_found_in_a_good_call(void **state)
{
	(void)state;
	script_up_mppe(script);
	script_traffic(script, 20, 1380);
	script_bye(script);
	reported();
	(void)at("The tunnel was up");
	assert_null(strstr(page, "<span class=\"tag\">fatal"));
	assert_null(strstr(page, "<span class=\"tag\">major"));
	assert_null(strstr(page, "<span class=\"tag\">minor"));
}

static void a_capture_without_pptp_says_so_once(void **state)
{
	const char *p;

	(void)state;
	script_noise(script);
	reported();
	p = strstr(page, "there is no PPTP in it");
	assert_non_null(p);
	assert_null(strstr(p + 1, "there is no PPTP in it"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_finding_is_told_in_full),
		TEST(frames_lead_to_the_diagram),
		TEST(a_challenge_is_not_shown),
		TEST(errors_of_routers_are_in_the_diagram),
		TEST(nothing_is_found_in_a_good_call),
		TEST(a_capture_without_pptp_says_so_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
