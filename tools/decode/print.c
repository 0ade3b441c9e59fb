/* The writer of text lines and JSON objects: see print.h. */
#include "tools/decode/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

char *decode_address(uint32_t address, char buf[DECODE_ADDRESS])
{
	snprintf(buf, DECODE_ADDRESS, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
		address >> 8 & 255, address & 255);
	return buf;
}

char *decode_escape(char *out, size_t size, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;
	size_t used = 0;

	for (size_t i = 0; i < len && used + 5 <= size; i++) {
		if (b[i] >= 0x20 && b[i] < 0x7f && b[i] != '\\') {
			out[used++] = (char)b[i];
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = digits[b[i] >> 4];
		out[used++] = digits[b[i] & 15];
	}
	out[used] = '\0';
	return out;
}

char *decode_hex(char *out, size_t size, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (used + 6 > size) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		out[used++] = digits[bytes[i] >> 4];
		out[used++] = digits[bytes[i] & 15];
	}
	out[used] = '\0';
	return out;
}

void decode_print_init(struct decode_print *p, FILE *out, bool json)
{
	memset(p, 0, sizeof(*p));
	p->out = out;
	p->json = json;
}

static json_t *top(struct decode_print *p)
{
	return p->depth ? p->stack[p->depth - 1] : NULL;
}

/* Takes `value` over. */
static void add(struct decode_print *p, const char *key, json_t *value)
{
	json_t *t = top(p);

	if (json_is_array(t))
		json_array_append_new(t, value);
	else
		json_object_set_new(t, key, value);
}

static void print_when(struct decode_print *p, const struct decode_meta *meta)
{
	time_t seconds = (time_t)(meta->time / 1000000);
	char stamp[48] = "";
	struct tm tm;
	size_t n;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(stamp + n, sizeof(stamp) - n, ".%06uZ", (unsigned int)(meta->time % 1000000));
	decode_print_string(p, "time", stamp);
}

void decode_print_begin(struct decode_print *p, const struct decode_meta *meta, const char *type)
{
	char src[DECODE_ADDRESS], dst[DECODE_ADDRESS];
	int64_t since;

	p->used = 0;
	p->text[0] = '\0';
	p->depth = 0;
	if (p->json)
		p->stack[p->depth++] = json_object();
	decode_print_string(p, "type", type);
	if (!meta)
		return;
	if (!p->started)
		p->first = meta->time;
	p->started = true;
	decode_address(meta->src, src);
	decode_address(meta->dst, dst);
	if (p->json) {
		print_when(p, meta);
		decode_print_int(p, "frame", meta->frame);
		decode_print_string(p, "src", src);
		decode_print_string(p, "dst", dst);
		return;
	}
	since = (int64_t)(meta->time - p->first);
	fprintf(p->out, "%s%" PRId64 ".%06" PRId64 " %s > %s  ", since < 0 ? "-" : "",
		(since < 0 ? -since : since) / 1000000, (since < 0 ? -since : since) % 1000000, src,
		dst);
}

void decode_print_end(struct decode_print *p)
{
	if (p->json) {
		p->depth = 1;
		decode_print_string(p, "text", p->text);
		json_dumpf(p->stack[0], p->out, JSON_COMPACT);
		json_decref(p->stack[0]);
		p->depth = 0;
	} else {
		fputs(p->text, p->out);
	}
	putc('\n', p->out);
}

void decode_print_text(struct decode_print *p, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(p->text + p->used, sizeof(p->text) - p->used, format, ap);
	va_end(ap);
	if (n > 0)
		p->used += (size_t)n;
	if (p->used > sizeof(p->text) - 1)
		p->used = sizeof(p->text) - 1;
}

void decode_print_quoted(struct decode_print *p, const void *bytes, size_t len)
{
	char escaped[1024];

	decode_print_text(p, "\"%s\"", decode_escape(escaped, sizeof(escaped), bytes, len));
}

void decode_print_int(struct decode_print *p, const char *key, uint64_t value)
{
	if (p->json)
		add(p, key, json_integer((json_int_t)value));
}

void decode_print_bool(struct decode_print *p, const char *key, bool value)
{
	if (p->json)
		add(p, key, json_boolean(value));
}

void decode_print_string(struct decode_print *p, const char *key, const char *value)
{
	if (p->json)
		add(p, key, json_string(value));
}

void decode_print_bytes(struct decode_print *p, const char *key, const void *bytes, size_t len)
{
	char escaped[1024];

	if (p->json)
		decode_print_string(p, key, decode_escape(escaped, sizeof(escaped), bytes, len));
}

static void push(struct decode_print *p, const char *key, json_t *value)
{
	if (p->depth == DECODE_DEPTH_MAX) {
		json_decref(value);
		return;
	}
	add(p, key, value);
	p->stack[p->depth++] = value; /* borrowed: owned by its parent */
}

void decode_print_object(struct decode_print *p, const char *key)
{
	if (p->json)
		push(p, key, json_object());
}

void decode_print_array(struct decode_print *p, const char *key)
{
	if (p->json)
		push(p, key, json_array());
}

void decode_print_close(struct decode_print *p)
{
	if (p->json && p->depth > 1)
		p->depth--;
}
