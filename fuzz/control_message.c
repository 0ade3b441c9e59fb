/*
 * lib/control/message: framing and decoding of any bytes. What decodes encodes again, and that
 * decodes to the same; every text is terminated and printable.
 */
#include "lib/control/message.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static void check_text(const char *text, size_t size)
{
	FUZZ_CHECK(memchr(text, 0, size));
	for (const char *p = text; *p; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~');
}

static void check_texts(const struct control_message *m)
{
	char text[2000], cut[40];
	int len = control_message_format(m, text, sizeof(text));

	FUZZ_CHECK(len > 0 && (size_t)len < sizeof(text) && strlen(text) == (size_t)len);
	check_text(text, sizeof(text));
	FUZZ_CHECK(control_message_format(m, cut, sizeof(cut)) == len);
	check_text(cut, sizeof(cut));
	len = control_message_outcome(m, text, sizeof(text));
	FUZZ_CHECK(len >= 0 && strlen(text) == (size_t)len);
	check_text(text, sizeof(text));
	FUZZ_CHECK(control_type_name(m->type)[0]);
}

static void check_message(const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len), first[CONTROL_MESSAGE_MAX], second[sizeof(first)];
	struct control_message m, again;
	const char *why = NULL;
	int n;

	if (control_message_decode(&m, copy, len, &why)) {
		FUZZ_CHECK(why && why[0]);
		free(copy);
		return;
	}
	check_texts(&m);
	n = control_message_encode(&m, first, sizeof(first));
	FUZZ_CHECK(n == (int)len);
	FUZZ_CHECK(control_message_encode(&m, second, len - 1) == -ENOBUFS);
	FUZZ_CHECK(!control_message_decode(&again, first, len, &why) && again.type == m.type);
	FUZZ_CHECK(control_message_encode(&again, second, sizeof(second)) == n);
	FUZZ_CHECK(!memcmp(first, second, len));
	free(copy);
}

/* Asked octet by octet, the framing never changes its mind. */
static int frame(const uint8_t *data, size_t size)
{
	int result = 0;

	for (size_t len = 0; len <= size && len <= CONTROL_MESSAGE_MAX; len++) {
		uint8_t *copy = fuzz_copy(data, len);
		const char *why = NULL;
		int n = control_message_frame(copy, len, &why);

		free(copy);
		FUZZ_CHECK(n == 0 || n == -EBADMSG ||
			   (n >= CONTROL_HEADER_SIZE && n <= CONTROL_MESSAGE_MAX));
		FUZZ_CHECK(n != -EBADMSG || (why && why[0]));
		FUZZ_CHECK(result == 0 || n == result || n == -EBADMSG);
		FUZZ_CHECK(result != -EBADMSG || n == result);
		result = n;
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A stream, as long as messages can begin in it. */
	while (size) {
		int n = frame(data, size);

		check_message(data, size < CONTROL_MESSAGE_MAX ? size : CONTROL_MESSAGE_MAX);
		if (n <= 0 || (size_t)n > size)
			break;
		check_message(data, (size_t)n);
		data += n;
		size -= (size_t)n;
	}
	return 0;
}
