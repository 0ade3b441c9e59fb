/* Lines as they happen: see output.h. */
#include "tools/doctor/output.h"

#include <stdarg.h>
#include <string.h>

void output_event(const char *event, json_t *object)
{
	json_t *o = json_object();

	json_object_set_new(o, "event", json_string(event));
	json_object_update(o, object);
	json_decref(object);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(o);
}

void output_step(const struct doctor_output *o, enum step_mark mark, const char *step,
	const char *format, ...)
{
	static const char *const marks[] = { "ok  ", "note", "FAIL" };
	static const char *const names[] = { "ok", "note", "bad" };
	char text[600];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (o->json) {
		json_t *object = json_object();

		json_object_set_new(object, "step", json_string(step));
		json_object_set_new(object, "mark", json_string(names[mark]));
		json_object_set_new(object, "text", json_string(text));
		output_event("step", object);
		return;
	}
	printf("%s  %-12s %s\n", marks[mark], step, text);
	fflush(stdout);
}

void output_findings(const struct doctor_output *o, const struct findings *f)
{
	if (!o->json) {
		if (f->count)
			printf("\nFindings, the heaviest first:\n\n");
		findings_print(f, stdout);
		return;
	}
	for (unsigned int i = 0; i < f->count; i++)
		output_event("finding", finding_json(&f->list[i]));
}

void output_verdict(const struct doctor_output *o, const struct findings *f, const char *well)
{
	unsigned int n = f->count;
	char text[300];

	if (n)
		snprintf(text, sizeof(text), "%u finding%s; first: %s", n, n == 1 ? "" : "s",
			finding_kind(f->list[0].id)->title);
	else
		snprintf(text, sizeof(text), "%s", well);
	if (o->json) {
		json_t *object = json_object();

		json_object_set_new(object, "findings", json_integer(n));
		json_object_set_new(object, "text", json_string(text));
		output_event("verdict", object);
		return;
	}
	printf("\nVerdict: %s.\n", text);
	fflush(stdout);
}
