/* Text and JSON of events: see output.h. Nothing is allocated. */
#include "tools/decode/output.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void flush(struct decode_output *o)
{
	fwrite(o->buf, 1, o->used, o->out);
	o->used = 0;
}

static void put_char(struct decode_output *o, char c)
{
	if (o->used == sizeof(o->buf))
		flush(o);
	o->buf[o->used++] = c;
}

static void put_bytes(struct decode_output *o, const char *s, size_t len)
{
	while (len) {
		size_t room = sizeof(o->buf) - o->used, n = len < room ? len : room;

		memcpy(o->buf + o->used, s, n);
		o->used += n;
		s += n;
		len -= n;
		if (o->used == sizeof(o->buf))
			flush(o);
	}
}

/* Most are short: faster than to ask how long each is. */
static void put(struct decode_output *o, const char *s)
{
	const char *end = o->buf + sizeof(o->buf);
	char *p = o->buf + o->used;

	while (*s) {
		if (p == end) {
			o->used = sizeof(o->buf);
			flush(o);
			p = o->buf;
		}
		*p++ = *s++;
	}
	o->used = (size_t)(p - o->buf);
}

static void put_number(struct decode_output *o, uint64_t value)
{
	char number[DECODE_DECIMAL];

	put(o, decode_decimal(number, value));
}

/* Six digits behind a point. */
static void put_fraction(struct decode_output *o, uint64_t us)
{
	char digits[8] = ".";

	for (int i = 6; i > 0; i--, us /= 10)
		digits[i] = (char)('0' + us % 10);
	put_bytes(o, digits, 7);
}

static void put_address(struct decode_output *o, uint32_t address)
{
	char buf[DECODE_ADDRESS];

	put(o, decode_address(address, buf));
}

/* Strings are printable ASCII (event.h): two characters have to be escaped. */
static void json_string(struct decode_output *o, const char *s)
{
	put_char(o, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			put_char(o, '\\');
		put_char(o, *s);
	}
	put_char(o, '"');
}

static void json_fields(
	struct decode_output *o, const struct decode_field *fields, unsigned int count, bool keys);

static void json_value(struct decode_output *o, const struct decode_field *f)
{
	switch ((enum decode_field_type)f->type) {
	case DECODE_NUMBER:
		put_number(o, f->number);
		break;
	case DECODE_BOOLEAN:
		put(o, f->number ? "true" : "false");
		break;
	case DECODE_STRING:
		json_string(o, f->string);
		break;
	case DECODE_OBJECT:
		put_char(o, '{');
		json_fields(o, f + 1, f->size, true);
		put_char(o, '}');
		break;
	case DECODE_ARRAY:
		put_char(o, '[');
		json_fields(o, f + 1, f->size, false);
		put_char(o, ']');
		break;
	}
}

/* As deep as DECODE_DEPTH_MAX at most. */
static void json_fields(
	struct decode_output *o, const struct decode_field *fields, unsigned int count, bool keys)
{
	for (unsigned int i = 0; i < count; i += 1u + fields[i].size) {
		if (i)
			put_char(o, ',');
		if (keys) {
			put_char(o, '"');
			put(o, fields[i].key);
			put(o, "\":");
		}
		json_value(o, &fields[i]);
	}
}

static void json_when(struct decode_output *o, uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (!o->stamp[0] || o->second != us / 1000000) {
		if (!gmtime_r(&seconds, &tm))
			memset(&tm, 0, sizeof(tm));
		strftime(o->stamp, sizeof(o->stamp), "%Y-%m-%dT%H:%M:%S", &tm);
		o->second = us / 1000000;
	}
	put(o, ",\"time\":\"");
	put(o, o->stamp);
	put_fraction(o, us % 1000000);
	put(o, "Z\"");
}

static void json_event(struct decode_output *o, const struct decode_event *e)
{
	put(o, "{\"type\":\"");
	put(o, decode_kind_name(e->kind));
	put_char(o, '"');
	if (e->has_meta) {
		json_when(o, e->meta.time);
		put(o, ",\"frame\":");
		put_number(o, e->meta.frame);
	}
	if (e->has_meta && !e->meta.on_link) {
		put(o, ",\"src\":\"");
		put_address(o, e->meta.src);
		put(o, "\",\"dst\":\"");
		put_address(o, e->meta.dst);
		put_char(o, '"');
	}
	if (e->field_count)
		put_char(o, ',');
	json_fields(o, e->fields, e->field_count, true);
	if (e->malformed)
		put(o, ",\"malformed\":true");
	if (e->cut)
		put(o, ",\"cut\":true");
	put(o, ",\"text\":");
	json_string(o, e->text);
	put(o, "}\n");
}

static void verbose_number(struct decode_output *o, uint64_t number)
{
	char hex[24];

	put_number(o, number);
	if (number <= UINT16_MAX)
		return;
	snprintf(hex, sizeof(hex), " (0x%08" PRIx64 ")", number);
	put(o, hex);
}

/* "    key: value" a field; what is nested, further in. */
static void verbose_fields(struct decode_output *o, const struct decode_field *fields,
	unsigned int count, unsigned int depth)
{
	for (unsigned int i = 0; i < count; i += 1u + fields[i].size) {
		const struct decode_field *f = &fields[i];

		for (unsigned int k = 0; k < depth; k++)
			put(o, "    ");
		put(o, f->key ? f->key : "-");
		if (f->type == DECODE_OBJECT || f->type == DECODE_ARRAY) {
			put_char(o, '\n');
			verbose_fields(o, f + 1, f->size, depth + 1);
			continue;
		}
		put(o, ": ");
		if (f->type == DECODE_NUMBER)
			verbose_number(o, f->number);
		else
			put(o, f->type == DECODE_STRING ? f->string : f->number ? "yes" : "no");
		put_char(o, '\n');
	}
}

/* What is one long line among others is a paragraph by itself. */
static void text_parts(struct decode_output *o, const char *text)
{
	const char *end;

	for (; (end = strstr(text, "; ")) != NULL; text = end + 2) {
		put_bytes(o, text, (size_t)(end - text));
		put(o, "\n    ");
	}
	put(o, text);
}

static void text_event(struct decode_output *o, const struct decode_event *e)
{
	uint64_t since;
	bool before;

	if (e->has_meta) {
		before = e->meta.time < o->first;
		since = before ? o->first - e->meta.time : e->meta.time - o->first;
		if (before)
			put_char(o, '-');
		put_number(o, since / 1000000);
		put_fraction(o, since % 1000000);
		put_char(o, ' ');
	}
	if (e->has_meta && !e->meta.on_link) {
		put_address(o, e->meta.src);
		put(o, " > ");
		put_address(o, e->meta.dst);
		put(o, "  ");
	}
	if (o->summary)
		text_parts(o, e->text);
	else
		put_bytes(o, e->text, e->used);
	put_char(o, '\n');
	if (!o->verbose)
		return;
	if (e->has_meta) {
		put(o, "    frame: ");
		put_number(o, e->meta.frame);
		put_char(o, '\n');
	}
	verbose_fields(o, e->fields, e->field_count, 1);
}

#define OVER (1u << DECODE_KIND_CALL | 1u << DECODE_KIND_CONNECTION | 1u << DECODE_KIND_SUMMARY)

static void output_event(struct decode_sink *self, const struct decode_event *e)
{
	struct decode_output *o = (struct decode_output *)self;

	if (!o->started && e->has_meta) {
		o->started = true;
		o->first = e->meta.time;
	}
	if (o->summary && !(OVER >> e->kind & 1))
		return;
	if (o->form == DECODE_FORM_JSON)
		json_event(o, e);
	else
		text_event(o, e);
	if (o->at_once || e->kind == DECODE_KIND_SUMMARY)
		flush(o);
}

void decode_output_init(
	struct decode_output *o, FILE *out, enum decode_form form, unsigned int detail)
{
	memset(o, 0, offsetof(struct decode_output, buf));
	o->sink.event = output_event;
	o->out = out;
	o->form = form;
	o->verbose = detail & DECODE_VERBOSE;
	o->summary = detail & DECODE_SUMMARY;
	o->sink.headers_only = true;
	if (o->summary)
		o->sink.no_text = o->sink.no_fields = DECODE_ALL_KINDS & ~OVER;
	if (form == DECODE_FORM_TEXT && !o->verbose)
		o->sink.no_fields = DECODE_ALL_KINDS;
}
