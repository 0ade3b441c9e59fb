/*
 * Frames that the words of findings name, and which of them the page's diagrams show: where a link
 * may go.
 *
 * Bounded: the first HTML_FRAMES_MAX that are named; the others are not linked. Invariants: `list`
 * is sorted by number, each of which is in it once; each frame is written once, so that no two
 * elements have one name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_FRAMES_MAX 256

struct html_frame {
	uint64_t number;
	bool shown, written;
};

struct html_frames {
	unsigned int count;
	struct html_frame list[HTML_FRAMES_MAX];
};

/*
 * The next frame's number in `text`: its digits behind "frame " or "frames ", or behind " to "
 * where `text` is what follows such a number. NULL: there is none; else where it begins, and *len
 * digits.
 */
const char *html_frames_next(const char *text, size_t *len, uint64_t *number);

/* All that `text` names; before any is shown. */
void html_frames_name(struct html_frames *f, const char *text);
/* It is in a diagram; nothing if it was not named. */
void html_frames_show(struct html_frames *f, uint64_t number);
/* Is it named, and shown? */
bool html_frames_shown(const struct html_frames *f, uint64_t number);
/* It is being written: true if a link goes there, but only the first time. */
bool html_frames_write(struct html_frames *f, uint64_t number);
