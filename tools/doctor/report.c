/* The doctor's findings on the decoder's page: see report.h. */
#include "tools/doctor/report.h"

#include "tools/doctor/judge.h"

#include <stdlib.h>

struct report {
	struct observe *observer;
	struct judge judge;
};

void doctor_report(struct decode_html *html, const struct findings *f)
{
	static const enum html_weight weights[] = { [FINDING_MINOR] = HTML_MINOR,
		[FINDING_MAJOR] = HTML_MAJOR,
		[FINDING_FATAL] = HTML_FATAL };

	for (unsigned int i = 0; i < f->count; i++) {
		const struct finding_kind *kind = finding_kind(f->list[i].id);
		const struct decode_finding finding = { .weight = weights[kind->weight],
			.title = kind->title,
			.text = f->list[i].evidence,
			.meaning = kind->meaning,
			.remedy = kind->remedy,
			.windows = kind->windows };

		decode_html_find(html, &finding);
	}
}

static void report_end(void *self)
{
	struct report *r = self;

	observe_free(r->observer);
	free(r);
}

static void *report_begin(struct decode_sink **sink)
{
	struct report *r = calloc(1, sizeof(*r));
	struct observe_judge hooks;

	if (!r)
		return NULL;
	judge_init(&r->judge, &hooks);
	r->observer = observe_new(&hooks);
	if (!r->observer) {
		free(r);
		return NULL;
	}
	*sink = &r->observer->sink;
	return r;
}

static void report_tell(void *self, struct decode_html *html)
{
	struct report *r = self;

	doctor_report(html, &r->judge.findings);
}

const struct decode_finder doctor_finder = {
	.begin = report_begin, .tell = report_tell, .end = report_end
};
