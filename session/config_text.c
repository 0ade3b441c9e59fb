/* The text of configuration files: see config_text.h. */
#include "session/config_text.h"

#include "system/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* of braces; the deepest there is has 2: a list in a section */

struct scan {
	char *pos, *end;
	unsigned int line;
	unsigned int depth, opened[DEPTH_MAX]; /* lines of the open braces */
	unsigned int error_line;
};

static char peek(const struct scan *s, size_t ahead)
{
	return (size_t)(s->end - s->pos) > ahead ? s->pos[ahead] : '\0';
}

/* To the end of the line, which stays. */
static void blank_line(struct scan *s)
{
	while (s->pos < s->end && *s->pos != '\n')
		*s->pos++ = ' ';
}

static const char *blank_block(struct scan *s)
{
	s->error_line = s->line;
	for (; s->pos < s->end; s->pos++) {
		if (*s->pos == '*' && peek(s, 1) == '/') {
			memset(s->pos, ' ', 2);
			s->pos += 2;
			return NULL;
		}
		if (*s->pos == '\n')
			s->line++;
		else
			*s->pos = ' ';
	}
	return "the comment that begins here has no end";
}

static const char *quoted(struct scan *s)
{
	char quote = *s->pos++;

	s->error_line = s->line;
	for (; s->pos < s->end && *s->pos != '\n'; s->pos++) {
		if (*s->pos == quote) {
			s->pos++;
			return NULL;
		}
		if (quote == '"' && *s->pos == '$' && peek(s, 1) == '{')
			return "in double quotes ${...} would be replaced: write it in single "
			       "quotes";
		if (*s->pos != '\\')
			continue;
		if (peek(s, 1) == quote || peek(s, 1) == '\\')
			s->pos++;
		else if (quote == '"')
			return "a backslash in double quotes must be doubled (or write the text in "
			       "single quotes)";
	}
	return "the text that is quoted from here on has no closing quote in its line";
}

/* A word without quotes. */
static const char *word(struct scan *s)
{
	s->error_line = s->line;
	while (s->pos < s->end && !strchr(" \t\r\n={}(),+\"'#", *s->pos)) {
		if (*s->pos == '$' && peek(s, 1) == '{')
			return "${...} would be replaced: write it in single quotes";
		s->pos++;
	}
	if (s->pos < s->end && strchr("#\"'", *s->pos))
		return "a value with such characters must stand in quotes as a whole";
	return NULL;
}

static const char *brace(struct scan *s)
{
	s->error_line = s->line;
	if (*s->pos++ == '{') {
		if (s->depth == DEPTH_MAX)
			return "braces are nested too deeply";
		s->opened[s->depth++] = s->line;
		return NULL;
	}
	if (!s->depth)
		return "this brace closes nothing";
	s->depth--;
	return NULL;
}

static const char *step(struct scan *s)
{
	switch (*s->pos) {
	case '\n':
		s->line++;
		s->pos++;
		return NULL;
	case '#':
		blank_line(s);
		return NULL;
	case '"':
	case '\'':
		return quoted(s);
	case '{':
	case '}':
		return brace(s);
	case ' ':
	case '\t':
	case '\r':
	case '=':
	case '(':
	case ')':
	case ',':
	case '+':
		s->pos++;
		return NULL;
	case '/':
		if (peek(s, 1) == '/') {
			blank_line(s);
			return NULL;
		}
		if (peek(s, 1) == '*')
			return blank_block(s);
		return word(s);
	default:
		return word(s);
	}
}

static unsigned int line_of(const char *text, const char *pos)
{
	unsigned int line = 1;

	for (; text < pos; text++)
		line += *text == '\n';
	return line;
}

const char *config_text_clean(char *text, size_t len, unsigned int *line)
{
	static const char bom[] = "\xef\xbb\xbf"; /* of Windows' editors */
	struct scan s = { .pos = text, .end = text + len, .line = 1 };
	const char *zero = len ? memchr(text, 0, len) : NULL;
	const char *what = NULL;

	if (zero) {
		*line = line_of(text, zero);
		return "there is a zero byte: this is no text file";
	}
	if (len >= 3 && !memcmp(text, bom, 3))
		memset(text, ' ', 3);
	while (s.pos < s.end && !what)
		what = step(&s);
	*line = s.error_line;
	if (!what && s.depth) {
		*line = s.opened[s.depth - 1];
		what = "the brace that is opened here is not closed";
	}
	return what;
}

static ssize_t read_more(int fd, char **text, size_t used, size_t *size)
{
	if (used == *size) {
		char *larger = *size < CONFIG_TEXT_MAX ? malloc(*size * 2) : NULL;

		if (!larger) {
			errno = EFBIG;
			return -1;
		}
		/* Not realloc(): there are passwords in it. */
		memcpy(larger, *text, used);
		explicit_bzero(*text, used);
		free(*text);
		*text = larger;
		*size *= 2;
	}
	return read(fd, *text + used, *size - used);
}

char *config_text_read(const char *path, size_t *len, char *why)
{
	size_t size = 65536, used = 0;
	char *text = malloc(size);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (text && fd >= 0) {
		n = read_more(fd, &text, used, &size);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	if (n < 0)
		snprintf(why, SYSTEM_WHY, "cannot read the configuration file %s: %s", path,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n == 0) {
		*len = used;
		return text;
	}
	if (text)
		explicit_bzero(text, used);
	free(text);
	return NULL;
}
