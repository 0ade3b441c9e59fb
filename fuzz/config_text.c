/* session/config_text: the text of a configuration file before libConfuse gets it. */
#include "session/config_text.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *again;
	unsigned int line = 0, lines = 1;
	const char *wrong;

	FUZZ_CHECK(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	wrong = config_text_clean(text, size, &line);
	if (wrong) {
		FUZZ_CHECK(wrong[0] && line >= 1 && line <= lines);
	} else {
		/* Lines stay, and there is nothing left to clean. */
		FUZZ_CHECK(strlen(text) == size || memchr(data, 0, size));
		for (size_t i = 0; i < size; i++) {
			FUZZ_CHECK(text[i] == (char)data[i] || text[i] == ' ');
			FUZZ_CHECK(data[i] != '\n' || text[i] == '\n');
		}
		again = (char *)fuzz_copy(text, size + 1);
		FUZZ_CHECK(!config_text_clean(again, size, &line) && !memcmp(again, text, size));
		free(again);
	}
	free(text);
	return 0;
}
