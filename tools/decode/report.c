/* A report's file: see report.h. */
#include "tools/decode/report.h"

#include "tools/decode/capture.h"
#include "tools/decode/decode.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int decode_report_open(struct decode_report *r, const char *path, const struct decode_capture *from,
	const char *capture, char *why)
{
	const char *slash = strrchr(capture, '/');
	char said[DECODE_WHY];
	int fd;

	memset(r, 0, sizeof(*r));
	if (!path)
		return 0;
	r->path = path;
	fd = decode_capture_output(from, path, 0666, said);
	if (fd < 0) {
		snprintf(why, DECODE_WHY, "--html: %.*s", DECODE_WHY - 16, said);
		return -1;
	}
	r->file = fdopen(fd, "w");
	if (!r->file) {
		snprintf(why, DECODE_WHY, "--html: %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	r->html = decode_html_new(slash ? slash + 1 : capture);
	if (r->html)
		return 0;
	snprintf(why, DECODE_WHY, "--html: out of memory");
	fclose(r->file);
	r->file = NULL;
	return -1;
}

int decode_report_close(struct decode_report *r, char *why)
{
	int rc;

	if (!r->file)
		return 0;
	rc = decode_html_write(r->html, r->file);
	decode_html_free(r->html);
	if (fclose(r->file) != 0)
		rc = -errno;
	r->file = NULL;
	if (rc == 0)
		return 0;
	snprintf(why, DECODE_WHY, "--html: %s: %s", r->path, strerror(-rc));
	return -1;
}
