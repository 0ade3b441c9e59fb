/* Tables and lines of JSON: see view.h. */
#include "tools/ctl/view.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CELL_MAX    128
#define COLUMNS_MAX 16
#define DEPTH_MAX   8

struct column {
	const char *key, *title;
	bool right;
	int width;
	bool sparse; /* shown only where a row has something there */
};

/* What a list of sessions shows; the rest is in `session ID`. */
static const struct column session_columns[] = {
	{ "id", "ID", true, 0, false },
	{ "user", "USER", false, 0, false },
	{ "state", "STATE", false, 0, false },
	{ "peer", "PEER", false, 0, false },
	{ "calling", "CALLING", false, 0, true },
	{ "called", "CALLED", false, 0, true },
	{ "address", "ADDRESS", false, 0, false },
	{ "auth", "AUTH", false, 0, false },
	{ "encryption", "ENCRYPTION", false, 0, false },
	{ "since", "SINCE", false, 0, false },
	{ "rx_bytes", "RX", true, 0, false },
	{ "tx_bytes", "TX", true, 0, false },
	{ "lost", "LOST", true, 0, false },
	{ "drops", "DROPS", true, 0, false },
};

/* Printable text; control characters, C1 ones included, as \xNN. */
static void escape(char *out, size_t size, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t used = 0;

	for (; *p && used + 10 <= size; p++) {
		if (*p < 0x20 || *p == 0x7f) {
			used += (size_t)snprintf(out + used, 5, "\\x%02x", *p);
		} else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
			used += (size_t)snprintf(out + used, 9, "\\x%02x\\x%02x", p[0], p[1]);
			p++;
		} else {
			out[used++] = (char)*p;
		}
	}
	/* Never half a character at the end. */
	while (*p && used && ((unsigned char)out[used - 1] & 0xc0) == 0x80)
		used--;
	if (*p && used && (unsigned char)out[used - 1] >= 0xc0)
		used--;
	out[used] = '\0';
}

/* Characters, not bytes, of UTF-8. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

static void format_bytes(char *out, size_t size, json_int_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	unsigned int unit = 0;

	while (value >= 999.95 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		value /= 1000;
		unit++;
	}
	snprintf(out, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* All numbers of an object, as "drops" by reason; the largest there is, if they are more. */
static json_int_t sum(const json_t *object)
{
	json_int_t total = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (__builtin_add_overflow(total, json_integer_value(value), &total))
			return INT64_MAX;
	}
	return total;
}

static void format_value(char *out, size_t size, const char *key, const json_t *value)
{
	char bytes[32];

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		escape(out, size, json_string_value(value));
		if (!*out)
			snprintf(out, size, "-");
		break;
	case JSON_INTEGER:
		snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		if (key && ends_with(key, "_bytes")) {
			format_bytes(bytes, sizeof(bytes), json_integer_value(value));
			snprintf(out, size, "%s", bytes);
		}
		break;
	case JSON_REAL:
		snprintf(out, size, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
		snprintf(out, size, "yes");
		break;
	case JSON_FALSE:
		snprintf(out, size, "no");
		break;
	case JSON_OBJECT:
		snprintf(out, size, "%" JSON_INTEGER_FORMAT, sum(value));
		break;
	case JSON_ARRAY:
		snprintf(out, size, "%zu", json_array_size(value));
		break;
	default:
		snprintf(out, size, "-");
	}
}

/* Has a row a text there? */
static bool is_anywhere(const json_t *rows, const char *key)
{
	json_t *row;
	size_t at;

	json_array_foreach(rows, at, row)
	{
		const char *text = json_string_value(json_object_get(row, key));

		if (text && *text)
			return true;
	}
	return false;
}

/* The columns that these rows have: a session's, or else the first row's own keys. */
static unsigned int columns_choose(struct column *columns, const json_t *rows)
{
	const json_t *first = json_array_get(rows, 0);
	unsigned int count = 0;
	const char *key;
	json_t *value;

	for (size_t i = 0; i < sizeof(session_columns) / sizeof(session_columns[0]); i++) {
		if (json_object_get(first, session_columns[i].key) &&
			(!session_columns[i].sparse || is_anywhere(rows, session_columns[i].key)))
			columns[count++] = session_columns[i];
	}
	if (count > 3)
		return count;
	count = 0;
	json_object_foreach((json_t *)first, key, value)
	{
		if (count < COLUMNS_MAX)
			columns[count++] = (struct column){
				.key = key, .title = key, .right = json_is_number(value)
			};
	}
	return count;
}

static void cell_print(FILE *out, const struct column *c, const char *text, bool last)
{
	int pad = c->width - width_of(text);

	fprintf(out, "%*s%s", c->right ? pad : 0, "", text);
	if (!last)
		fprintf(out, "%*s  ", c->right ? 0 : pad, "");
}

static void table_print(FILE *out, const json_t *rows)
{
	struct column columns[COLUMNS_MAX];
	unsigned int count = columns_choose(columns, rows);
	char cell[CELL_MAX];
	json_t *row;
	size_t at;

	for (unsigned int i = 0; i < count; i++) {
		escape(cell, sizeof(cell), columns[i].title);
		columns[i].width = width_of(cell);
		json_array_foreach(rows, at, row)
		{
			format_value(cell, sizeof(cell), columns[i].key,
				json_object_get(row, columns[i].key));
			if (width_of(cell) > columns[i].width)
				columns[i].width = width_of(cell);
		}
	}
	for (unsigned int i = 0; i < count; i++) {
		escape(cell, sizeof(cell), columns[i].title);
		cell_print(out, &columns[i], cell, i + 1 == count);
	}
	putc('\n', out);
	json_array_foreach(rows, at, row)
	{
		for (unsigned int i = 0; i < count; i++) {
			format_value(cell, sizeof(cell), columns[i].key,
				json_object_get(row, columns[i].key));
			cell_print(out, &columns[i], cell, i + 1 == count);
		}
		putc('\n', out);
	}
}

/* Its values alone: in a list of them, the keys would only be repeated. */
static void member_print(FILE *out, const json_t *object)
{
	char cell[CELL_MAX];
	const char *key, *space = "";
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		format_value(cell, sizeof(cell), key, value);
		fprintf(out, "%s%s", space, cell);
		space = " ";
	}
}

static void list_print(FILE *out, const json_t *array)
{
	char cell[CELL_MAX];
	json_t *value;
	size_t at;

	if (!json_array_size(array))
		putc('-', out);
	json_array_foreach(array, at, value)
	{
		fputs(at ? ", " : "", out);
		if (json_is_object(value)) {
			member_print(out, value);
			continue;
		}
		format_value(cell, sizeof(cell), NULL, value);
		fputs(cell, out);
	}
	putc('\n', out);
}

static void object_print(FILE *out, const json_t *object, int depth)
{
	char name[CELL_MAX], cell[512];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		escape(name, sizeof(name), key);
		fprintf(out, "%*s%s:", depth * 2, "", name);
		if (json_is_object(value) && depth < DEPTH_MAX) {
			fputs(json_object_size(value) ? "\n" : " -\n", out);
			object_print(out, value, depth + 1);
			continue;
		}
		putc(' ', out);
		if (json_is_array(value)) {
			list_print(out, value);
			continue;
		}
		format_value(cell, sizeof(cell), key, value);
		fputs(cell, out);
		if (json_is_integer(value) && ends_with(key, "_bytes"))
			fprintf(out, " (%" JSON_INTEGER_FORMAT ")", json_integer_value(value));
		putc('\n', out);
	}
}

void view_print(FILE *out, const json_t *value)
{
	char cell[512];

	if (json_is_object(value)) {
		object_print(out, value, 0);
	} else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
		table_print(out, value);
	} else if (json_is_array(value) && !json_array_size(value)) {
		fputs("none\n", out);
	} else if (json_is_array(value)) {
		list_print(out, value);
	} else {
		format_value(cell, sizeof(cell), NULL, value);
		fprintf(out, "%s\n", cell);
	}
}
