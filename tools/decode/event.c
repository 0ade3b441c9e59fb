/* Events, built without allocating: see event.h. */
#include "tools/decode/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *decode_kind_name(enum decode_kind kind)
{
	static const char *const names[DECODE_KINDS] = {
		[DECODE_KIND_TCP] = "tcp",
		[DECODE_KIND_CONTROL] = "control",
		[DECODE_KIND_PPP] = "ppp",
		[DECODE_KIND_ACK] = "ack",
		[DECODE_KIND_GRE] = "gre",
		[DECODE_KIND_ICMP] = "icmp",
		[DECODE_KIND_CONNECTION] = "connection",
		[DECODE_KIND_CALL] = "call",
		[DECODE_KIND_SUMMARY] = "summary",
	};

	return names[kind];
}

const char *decode_state_name(enum decode_state state)
{
	static const char *const names[DECODE_STATES] = {
		[DECODE_CLEAR] = "clear",
		[DECODE_ENCRYPTED] = "encrypted",
		[DECODE_DECRYPTED] = "decrypted",
		[DECODE_DECOMPRESSED] = "decompressed",
		[DECODE_OUT_OF_STEP] = "out-of-step",
		[DECODE_NONSENSE] = "nonsense",
		[DECODE_TOO_LATE] = "late",
		[DECODE_BROKEN] = "malformed",
		[DECODE_CUT] = "cut",
		[DECODE_SPARED] = "too-costly",
	};

	return names[state];
}

static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334"
			    "3536373839404142434445464748495051525354555657585960616263646566676869"
			    "707172737475767778798081828384858687888990919293949596979899";

char *decode_decimal(char out[DECODE_DECIMAL], uint64_t value)
{
	char *p = out + DECODE_DECIMAL - 1;

	*p = '\0';
	while (value >= 10) {
		p -= 2;
		memcpy(p, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	/* What is left is one digit, or nothing behind a pair. */
	if (value || !*p)
		*--p = (char)('0' + value);
	return p;
}

char *decode_address(uint32_t address, char buf[DECODE_ADDRESS])
{
	char *out = buf;

	for (int shift = 24; shift >= 0; shift -= 8) {
		unsigned int octet = address >> shift & 255;

		if (octet >= 100)
			*out++ = (char)('0' + octet / 100);
		if (octet >= 10)
			*out++ = (char)('0' + octet / 10 % 10);
		*out++ = (char)('0' + octet % 10);
		*out++ = shift ? '.' : '\0';
	}
	return buf;
}

static const char digits[] = "0123456789abcdef";

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

bool decode_escape_fits(size_t size, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	size_t used = 0, i;

	for (i = 0; i < len && used + 5 <= size; i++)
		used += is_plain(b[i]) ? 1 : 4;
	return i == len;
}

char *decode_escape(char *out, size_t size, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	size_t used = 0;

	for (size_t i = 0; i < len && used + 5 <= size; i++) {
		if (is_plain(b[i])) {
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
	size_t used = 0;

	for (size_t i = 0; i < len && size >= 4; i++) {
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

const struct decode_field *decode_event_find(const struct decode_event *e, const char *key)
{
	for (unsigned int i = 0; i < e->field_count; i += 1u + e->fields[i].size) {
		if (strcmp(e->fields[i].key, key) == 0)
			return &e->fields[i];
	}
	return NULL;
}

uint64_t decode_event_get_int(const struct decode_event *e, const char *key, uint64_t otherwise)
{
	const struct decode_field *f = decode_event_find(e, key);

	return f && f->type == DECODE_NUMBER ? f->number : otherwise;
}

const char *decode_event_get_string(const struct decode_event *e, const char *key)
{
	const struct decode_field *f = decode_event_find(e, key);

	return f && f->type == DECODE_STRING ? f->string : NULL;
}

void decode_event_begin(
	struct decode_event *e, const struct decode_meta *meta, enum decode_kind kind)
{
	const bool secrets = e->secrets;
	const unsigned int no_text = e->no_text, no_fields = e->no_fields;

	/* The buffers behind are large, and empty by their counts. */
	memset(e, 0, offsetof(struct decode_event, text));
	e->text[0] = '\0';
	e->secrets = secrets;
	e->no_text = no_text;
	e->no_fields = no_fields;
	e->mute = no_text >> kind & 1;
	e->bare = no_fields >> kind & 1;
	e->kind = kind;
	e->has_meta = meta != NULL;
	if (meta)
		e->meta = *meta;
}

static void append(struct decode_event *e, const char *word)
{
	size_t used = e->used;

	for (; *word && used < sizeof(e->text) - 1; word++)
		e->text[used++] = *word;
	e->cut |= *word != '\0';
	e->used = used;
}

/*
 * What nearly all of our formats consist of: %u, %zu, %lu (PRIu64), %s and text. A tenth of the time of
 * vsnprintf(), which would be half of the decoder's. Returns the rest, where it is none of these.
 */
static const char *append_simple(struct decode_event *e, const char *format, va_list *ap)
{
	const bool wide = sizeof(size_t) == sizeof(uint64_t) && sizeof(long) == sizeof(uint64_t);
	char number[DECODE_DECIMAL];

	for (; *format; format++) {
		if (*format != '%') {
			if (e->used < sizeof(e->text) - 1)
				e->text[e->used++] = *format;
			else
				e->cut = true;
		} else if (format[1] == 's') {
			append(e, va_arg(*ap, const char *));
			format++;
		} else if (format[1] == 'u') {
			append(e, decode_decimal(number, va_arg(*ap, unsigned int)));
			format++;
		} else if (wide && (format[1] == 'z' || format[1] == 'l') && format[2] == 'u') {
			append(e, decode_decimal(number, va_arg(*ap, uint64_t)));
			format += 2;
		} else {
			break;
		}
	}
	e->text[e->used] = '\0';
	return format;
}

void decode_event_text(struct decode_event *e, const char *format, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (e->mute)
		return;
	va_start(ap, format);
	format = append_simple(e, format, &ap);
	if (*format) {
		room = sizeof(e->text) - e->used;
		n = vsnprintf(e->text + e->used, room, format, ap);
		if (n > 0 && (size_t)n >= room) {
			n = (int)room - 1;
			e->cut = true;
		}
		e->used += n > 0 ? (size_t)n : 0;
	}
	va_end(ap);
}

void decode_event_quoted(struct decode_event *e, const void *bytes, size_t len)
{
	char escaped[1024];

	if (e->mute)
		return;
	e->cut |= !decode_escape_fits(sizeof(escaped), bytes, len);
	decode_event_text(e, "\"%s\"", decode_escape(escaped, sizeof(escaped), bytes, len));
}

/* A new field where it belongs, or NULL if there is no room. */
static struct decode_field *put(
	struct decode_event *e, const char *key, enum decode_field_type type)
{
	struct decode_field *f;

	if (e->bare)
		return NULL;
	if (e->field_count == DECODE_FIELDS_MAX || e->skipped) {
		e->cut = true;
		return NULL;
	}
	for (unsigned int i = 0; i < e->depth; i++)
		e->fields[e->open[i]].size++;
	f = &e->fields[e->field_count++];
	*f = (struct decode_field){ .key = key, .type = (uint8_t)type };
	return f;
}

void decode_event_int(struct decode_event *e, const char *key, uint64_t value)
{
	struct decode_field *f = put(e, key, DECODE_NUMBER);

	if (f)
		f->number = value;
}

void decode_event_bool(struct decode_event *e, const char *key, bool value)
{
	struct decode_field *f = put(e, key, DECODE_BOOLEAN);

	if (f)
		f->number = value;
}

/* Room for a string of up to `len` characters, or NULL. */
static char *strings_room(struct decode_event *e, size_t len)
{
	if (e->bare)
		return NULL;
	if (len + 1 > sizeof(e->strings) - e->strings_used) {
		e->cut = true;
		return NULL;
	}
	return e->strings + e->strings_used;
}

/* The string at `s`, in the room, is a field's. */
static void put_string(struct decode_event *e, const char *key, const char *s)
{
	struct decode_field *f = put(e, key, DECODE_STRING);

	if (!f)
		return;
	f->string = s;
	e->strings_used += strlen(s) + 1;
}

void decode_event_string(struct decode_event *e, const char *key, const char *value)
{
	size_t len = e->bare ? 0 : strlen(value);
	char *s = strings_room(e, len);

	if (!s)
		return;
	memcpy(s, value, len + 1);
	put_string(e, key, s);
}

void decode_event_bytes(struct decode_event *e, const char *key, const void *bytes, size_t len)
{
	size_t size = len * 4 + 5;
	char *s = strings_room(e, size);

	if (s)
		put_string(e, key, decode_escape(s, size, bytes, len));
}

void decode_event_hex(struct decode_event *e, const char *key, const void *bytes, size_t len)
{
	size_t size = len * 2 + 6;
	char *s = strings_room(e, size);

	if (s)
		put_string(e, key, decode_hex(s, size, bytes, len));
}

void decode_event_secret(struct decode_event *e, const char *key, const void *bytes, size_t len)
{
	if (e->secrets)
		decode_event_hex(e, key, bytes, len);
}

void decode_event_malformed(struct decode_event *e, const char *format, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	e->malformed = true;
	decode_event_text(e, "malformed: %s", why);
}

static void descend(struct decode_event *e, const char *key, enum decode_field_type type)
{
	unsigned int at = e->field_count;

	if (e->bare)
		return;
	if (e->depth < DECODE_DEPTH_MAX && put(e, key, type)) {
		e->open[e->depth++] = (uint16_t)at;
	} else {
		e->skipped++;
		e->cut = true;
	}
}

void decode_event_object(struct decode_event *e, const char *key)
{
	descend(e, key, DECODE_OBJECT);
}

void decode_event_array(struct decode_event *e, const char *key)
{
	descend(e, key, DECODE_ARRAY);
}

void decode_event_close(struct decode_event *e)
{
	if (e->skipped)
		e->skipped--;
	else if (e->depth)
		e->depth--;
}
