/* Frames that findings name: see html_frames.h. */
#include "tools/decode/html_frames.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *number_find(const char *text)
{
	static const char word[] = "frame", to[] = " to ";
	const char *p = text;

	if (strncmp(p, to, sizeof(to) - 1) == 0 && is_digit(p[sizeof(to) - 1]))
		return p + sizeof(to) - 1;
	while ((p = strstr(p, word)) != NULL) {
		p += sizeof(word) - 1;
		if (*p == 's')
			p++;
		if (p[0] == ' ' && is_digit(p[1]))
			return p + 1;
	}
	return NULL;
}

const char *html_frames_next(const char *text, size_t *len, uint64_t *number)
{
	const char *p = number_find(text);

	if (!p)
		return NULL;
	*len = strspn(p, "0123456789");
	*number = strtoull(p, NULL, 10);
	return p;
}

/* Where it is, or would have to be. */
static unsigned int place(const struct html_frames *f, uint64_t number)
{
	unsigned int low = 0, high = f->count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (f->list[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct html_frames *f, unsigned int at, uint64_t number)
{
	return at < f->count && f->list[at].number == number;
}

static void add(struct html_frames *f, uint64_t number)
{
	unsigned int at = place(f, number);

	if (is_at(f, at, number) || f->count == HTML_FRAMES_MAX)
		return;
	memmove(&f->list[at + 1], &f->list[at], (f->count - at) * sizeof(f->list[0]));
	f->list[at] = (struct html_frame){ .number = number };
	f->count++;
}

void html_frames_name(struct html_frames *f, const char *text)
{
	uint64_t number;
	size_t len;

	for (const char *p = html_frames_next(text, &len, &number); p;
		p = html_frames_next(p + len, &len, &number))
		add(f, number);
}

void html_frames_show(struct html_frames *f, uint64_t number)
{
	unsigned int at = place(f, number);

	if (is_at(f, at, number))
		f->list[at].shown = true;
}

bool html_frames_shown(const struct html_frames *f, uint64_t number)
{
	unsigned int at = place(f, number);

	return is_at(f, at, number) && f->list[at].shown;
}

bool html_frames_write(struct html_frames *f, uint64_t number)
{
	unsigned int at = place(f, number);

	if (!is_at(f, at, number) || f->list[at].written)
		return false;
	f->list[at].written = true;
	return true;
}
