/* Text and JSON of events: see output.h. Nothing is allocated. */
#include "tools/decode/output.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* Strings are printable ASCII (event.h): two characters have to be escaped. */
static void json_string(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', out);
		putc(*s, out);
	}
	putc('"', out);
}

static void json_fields(
	FILE *out, const struct decode_field *fields, unsigned int count, bool keys);

static void json_value(FILE *out, const struct decode_field *f)
{
	switch ((enum decode_field_type)f->type) {
	case DECODE_NUMBER:
		fprintf(out, "%" PRIu64, f->number);
		break;
	case DECODE_BOOLEAN:
		fputs(f->number ? "true" : "false", out);
		break;
	case DECODE_STRING:
		json_string(out, f->string);
		break;
	case DECODE_OBJECT:
		putc('{', out);
		json_fields(out, f + 1, f->size, true);
		putc('}', out);
		break;
	case DECODE_ARRAY:
		putc('[', out);
		json_fields(out, f + 1, f->size, false);
		putc(']', out);
		break;
	}
}

/* As deep as DECODE_DEPTH_MAX at most. */
static void json_fields(FILE *out, const struct decode_field *fields, unsigned int count, bool keys)
{
	for (unsigned int i = 0; i < count; i += 1u + fields[i].size) {
		if (i)
			putc(',', out);
		if (keys) {
			json_string(out, fields[i].key);
			putc(':', out);
		}
		json_value(out, &fields[i]);
	}
}

static void json_when(FILE *out, const struct decode_meta *meta)
{
	time_t seconds = (time_t)(meta->time / 1000000);
	char stamp[48] = "";
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(out, ",\"time\":\"%s.%06uZ\"", stamp, (unsigned int)(meta->time % 1000000));
}

static void json_event(struct decode_output *o, const struct decode_event *e)
{
	char src[DECODE_ADDRESS], dst[DECODE_ADDRESS];

	fprintf(o->out, "{\"type\":\"%s\"", decode_kind_name(e->kind));
	if (e->has_meta) {
		json_when(o->out, &e->meta);
		fprintf(o->out, ",\"frame\":%" PRIu64 ",\"src\":\"%s\",\"dst\":\"%s\"",
			e->meta.frame, decode_address(e->meta.src, src),
			decode_address(e->meta.dst, dst));
	}
	if (e->field_count)
		putc(',', o->out);
	json_fields(o->out, e->fields, e->field_count, true);
	if (e->malformed)
		fputs(",\"malformed\":true", o->out);
	if (e->cut)
		fputs(",\"cut\":true", o->out);
	fputs(",\"text\":", o->out);
	json_string(o->out, e->text);
	fputs("}\n", o->out);
}

/* "    key: value" a field; what is nested, further in. */
static void verbose_fields(
	FILE *out, const struct decode_field *fields, unsigned int count, unsigned int depth)
{
	for (unsigned int i = 0; i < count; i += 1u + fields[i].size) {
		const struct decode_field *f = &fields[i];

		fprintf(out, "%*s%s", (int)(depth * 4), "", f->key ? f->key : "-");
		switch ((enum decode_field_type)f->type) {
		case DECODE_NUMBER:
			fprintf(out, ": %" PRIu64, f->number);
			if (f->number > UINT16_MAX)
				fprintf(out, " (0x%08" PRIx64 ")", f->number);
			break;
		case DECODE_BOOLEAN:
			fputs(f->number ? ": yes" : ": no", out);
			break;
		case DECODE_STRING:
			fprintf(out, ": %s", f->string);
			break;
		case DECODE_OBJECT:
		case DECODE_ARRAY:
			putc('\n', out);
			verbose_fields(out, f + 1, f->size, depth + 1);
			continue;
		}
		putc('\n', out);
	}
}

/* What is one long line among others is a paragraph by itself. */
static void text_parts(FILE *out, const char *text)
{
	const char *end;

	for (; (end = strstr(text, "; ")) != NULL; text = end + 2)
		fprintf(out, "%.*s\n    ", (int)(end - text), text);
	fputs(text, out);
}

static void text_event(struct decode_output *o, const struct decode_event *e)
{
	char src[DECODE_ADDRESS], dst[DECODE_ADDRESS];
	uint64_t since;
	bool before;

	if (e->has_meta) {
		before = e->meta.time < o->first;
		since = before ? o->first - e->meta.time : e->meta.time - o->first;
		fprintf(o->out, "%s%" PRIu64 ".%06" PRIu64 " %s > %s  ", before ? "-" : "",
			since / 1000000, since % 1000000, decode_address(e->meta.src, src),
			decode_address(e->meta.dst, dst));
	}
	if (o->summary)
		text_parts(o->out, e->text);
	else
		fputs(e->text, o->out);
	putc('\n', o->out);
	if (!o->verbose)
		return;
	if (e->has_meta)
		fprintf(o->out, "    frame: %" PRIu64 "\n", e->meta.frame);
	verbose_fields(o->out, e->fields, e->field_count, 1);
}

static void output_event(struct decode_sink *self, const struct decode_event *e)
{
	struct decode_output *o = (struct decode_output *)self;

	if (!o->started && e->has_meta) {
		o->started = true;
		o->first = e->meta.time;
	}
	if (o->summary && e->kind != DECODE_KIND_CALL && e->kind != DECODE_KIND_CONNECTION &&
		e->kind != DECODE_KIND_SUMMARY)
		return;
	if (o->form == DECODE_FORM_JSON)
		json_event(o, e);
	else
		text_event(o, e);
}

void decode_output_init(struct decode_output *o, FILE *out, enum decode_form form)
{
	memset(o, 0, sizeof(*o));
	o->sink.event = output_event;
	o->out = out;
	o->form = form;
}
