/*
 * What a session keeps beside its struct, so that an idle one is small: texts, as long as they are; the
 * call as it was asked for, which is the same for most; frames that came early.
 *
 * Invariants: texts are never NULL, and empty ones are `nothing`, which nobody writes to; a shared call is
 * never changed.
 */
#include "session/session_internal.h"

#include <stdlib.h>
#include <string.h>

static char nothing[1];

void session_keep_text(char **at, const char *text)
{
	/* Without memory: in fewer words. */
	char *copy = *text ? strdup(text) : NULL;

	if (*at != nothing)
		free(*at);
	*at = copy ? copy : nothing;
}

static int keep_asked(struct session *s, struct hub *h, const struct line_call *call)
{
	struct hub_asked *a = h->asked;

	/* A difference in padding only costs memory. */
	if (!a || memcmp(&a->call, call, sizeof(*call)) != 0) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -1;
		memcpy(&a->call, call, sizeof(*call));
		h->asked = a;
	}
	a->sessions++;
	s->shared = a;
	s->asked = &a->call;
	return 0;
}

static void forget_asked(struct session *s, struct hub *h)
{
	if (!s->shared || --s->shared->sessions)
		return;
	if (h->asked == s->shared)
		h->asked = NULL;
	free(s->shared);
}

void session_keep_early(struct session *s, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct session_early *e;

	if (!s->early)
		s->early = calloc(SESSION_EARLY_MAX, sizeof(*s->early));
	if (!s->early || s->early_count == SESSION_EARLY_MAX || len > UINT16_MAX)
		return;
	e = &s->early[s->early_count];
	e->data = malloc(len ? len : 1);
	if (!e->data)
		return;
	memcpy(e->data, data, len);
	e->protocol = protocol;
	e->len = (uint16_t)len;
	s->early_count++;
}

void session_forget_early(struct session *s)
{
	for (unsigned int i = 0; i < s->early_count; i++)
		free(s->early[i].data);
	free(s->early);
	s->early = NULL;
	s->early_count = 0;
}

struct session_line_news *session_news(struct session *s)
{
	if (!s->news)
		s->news = calloc(1, sizeof(*s->news));
	return s->news;
}

int session_memory_init(struct session *s, struct hub *h, const struct line_call *call)
{
	s->user = s->detail = s->statistics = s->subject = nothing;
	return keep_asked(s, h, call);
}

void session_memory_free(struct session *s)
{
	char **texts[] = { &s->user, &s->detail, &s->statistics, &s->subject };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		session_keep_text(texts[i], "");
	session_forget_early(s);
	forget_asked(s, s->hub);
	free(s->ipv6.nd);
	free(s->news);
	free(s->last);
	free(s);
}
