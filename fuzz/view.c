/* tools/ctl/view: any JSON becomes text that a terminal can take. */
#include "tools/ctl/view.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (!value)
		return 0;
	out = open_memstream(&text, &len);
	FUZZ_CHECK(out);
	view_print(out, value);
	fclose(out);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK((uint8_t)text[i] >= ' ' || text[i] == '\n');
	free(text);
	json_decref(value);
	return 0;
}
