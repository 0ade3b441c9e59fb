/* Frames that findings name: all found, once each, and nothing else taken for one. */
#include "tools/decode/html_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void names(const char *text, unsigned int count, const uint64_t *numbers)
{
	struct html_frames f = { 0 };

	html_frames_name(&f, text);
	assert_int_equal(f.count, count);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(f.list[i].number, numbers[i]);
}

static void each_form_is_read(void **state)
{
	(void)state;
	names("SYN (frame 1) and RST (frame 2)", 2, (const uint64_t[]){ 1, 2 });
	names("(frames 7 to 9, 3 times)", 2, (const uint64_t[]){ 7, 9 });
	names("frame 30; frames 7 to 30 and frame 7", 2, (const uint64_t[]){ 7, 30 });
}

static void other_words_and_numbers_are_left_alone(void **state)
{
	(void)state;
	names("PPP frames of the client with 1400 octets", 0, NULL);
	names("up to 5 numbers, frame, frames to 9, frame x, frame", 0, NULL);
	names("frame 3 to nowhere, from 4 to 5", 1, (const uint64_t[]){ 3 });
	names("frame 99999999999999999999999", 1, (const uint64_t[]){ UINT64_MAX });
	names("", 0, NULL);
}

static void only_what_is_shown_is_linked_and_once_written(void **state)
{
	struct html_frames f = { 0 };

	(void)state;
	html_frames_name(&f, "frames 5 to 8");
	html_frames_show(&f, 5);
	html_frames_show(&f, 6);
	assert_true(html_frames_shown(&f, 5));
	assert_false(html_frames_shown(&f, 6));
	assert_false(html_frames_shown(&f, 8));
	assert_true(html_frames_write(&f, 5));
	assert_false(html_frames_write(&f, 5));
	assert_false(html_frames_write(&f, 6));
}

static void more_than_fit_are_not_linked(void **state)
{
	struct html_frames f = { 0 };
	char text[32];

	(void)state;
	for (unsigned int i = 2 * HTML_FRAMES_MAX; i > 0; i--) {
		snprintf(text, sizeof(text), "frame %u", i);
		html_frames_name(&f, text);
	}
	assert_int_equal(f.count, HTML_FRAMES_MAX);
	for (unsigned int i = 1; i < f.count; i++)
		assert_true(f.list[i - 1].number < f.list[i].number);
	html_frames_show(&f, 1);
	assert_false(html_frames_shown(&f, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read),
		cmocka_unit_test(other_words_and_numbers_are_left_alone),
		cmocka_unit_test(only_what_is_shown_is_linked_and_once_written),
		cmocka_unit_test(more_than_fit_are_not_linked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
