/* Steps of a conversation, with repetitions folded: see html_ladder.h. */
#include "tools/decode/html_ladder.h"

#include <stdlib.h>
#include <string.h>

#define KEY_ALIVE 1

/* FNV-1a over the words, without the number behind " id ". */
static uint64_t key_of(const struct html_message *m)
{
	uint64_t hash = 0xcbf29ce484222325 + m->side;
	const char *p = m->label;

	if (m->alive)
		return KEY_ALIVE;
	for (; *p; p++) {
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
		if (strncmp(p, " id ", 4) == 0)
			p += 3 + strspn(p + 4, "0123456789");
	}
	return hash > KEY_ALIVE ? hash : 2;
}

static struct html_line *line_new(const struct html_message *m)
{
	size_t len = strnlen(m->label, HTML_LABEL_MAX);
	bool cut = m->label[len] != '\0';
	struct html_line *line = malloc(sizeof(*line) + len + 4);

	if (!line)
		return NULL;
	*line = (struct html_line){ .time = m->time,
		.frame = m->frame,
		.side = m->side,
		.topic = m->topic,
		.malformed = m->malformed };
	memcpy(line->label, m->label, len);
	memcpy(line->label + len, "...", 4);
	if (!cut)
		line->label[len] = '\0';
	return line;
}

static void append(struct html_step *s, struct html_line *line)
{
	struct html_line **at = &s->lines;

	while (*at)
		at = &(*at)->next;
	*at = line;
}

static void step_done(struct html_step *s)
{
	struct html_line *next;

	for (struct html_line *line = s->lines; line; line = next) {
		next = line->next;
		free(line);
	}
	free(s->last);
}

static void join(struct html_step *s, struct html_line *line)
{
	s->count++;
	if (s->kept < HTML_STEP_LINES) {
		s->kept++;
		append(s, line);
		return;
	}
	free(s->last);
	s->last = line;
}

/* One, another, one again, and now the other again: they come in turn. There are three steps. */
static bool in_turn(const struct html_ladder *l, uint64_t key)
{
	const struct html_step *s = &l->step[l->count - 3];

	/* Not over the place where steps were left out. */
	if (l->skipped && l->count - 3 < HTML_LADDER_HEAD)
		return false;
	for (int i = 0; i < 3; i++) {
		if (s[i].count != 1 || s[i].keys[0] == KEY_ALIVE)
			return false;
	}
	return s[0].keys[0] == s[2].keys[0] && s[1].keys[0] == key;
}

/* Three steps whose messages come in turn become one. */
static struct html_step *join_steps(struct html_ladder *l)
{
	struct html_step *s = &l->step[l->count - 3];

	s->keys[1] = s[1].keys[0];
	for (int i = 1; i < 3; i++) {
		join(s, s[i].lines);
		memset(&s[i], 0, sizeof(s[i]));
	}
	l->count -= 2;
	return s;
}

static struct html_step *step_new(struct html_ladder *l)
{
	struct html_step *s;

	if (l->count == HTML_LADDER_STEPS) {
		s = &l->step[HTML_LADDER_HEAD];
		l->skipped += s->count;
		step_done(s);
		memmove(s, s + 1, (HTML_LADDER_TAIL - 1) * sizeof(*s));
		l->count--;
	}
	s = &l->step[l->count++];
	memset(s, 0, sizeof(*s));
	return s;
}

static bool has(const struct html_step *s, uint64_t key)
{
	return s->keys[0] == key || s->keys[1] == key;
}

bool html_ladder_add(struct html_ladder *l, const struct html_message *m)
{
	struct html_line *line = line_new(m);
	uint64_t key = key_of(m);
	struct html_step *s;

	if (!line)
		return false;
	if (l->count && has(&l->step[l->count - 1], key)) {
		join(&l->step[l->count - 1], line);
		return true;
	}
	if (l->count >= 3 && in_turn(l, key)) {
		join(join_steps(l), line);
		return true;
	}
	s = step_new(l);
	s->keys[0] = key;
	s->count = 1;
	s->kept = 1;
	s->lines = line;
	return true;
}

void html_ladder_done(struct html_ladder *l)
{
	for (unsigned int i = 0; i < l->count; i++)
		step_done(&l->step[i]);
	memset(l, 0, sizeof(*l));
}
