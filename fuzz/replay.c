/*
 * Runs a fuzz target without libFuzzer, over files and folders: a corpus as a test (TAP, one test),
 * or a single finding. The arguments: the test's name, then what to run.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#define INPUT_MAX (1u << 20)

static unsigned int inputs;

static void run_file(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	size_t len;

	if (!f) {
		perror(path);
		exit(2);
	}
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	/* What is on the terminal when it dies is the one that it died of. */
	fprintf(stderr, "%s\n", path);
	data = fuzz_copy(buf, len);
	(void)LLVMFuzzerTestOneInput(data, len);
	free(data);
	inputs++;
}

static void run_folder(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			run_file(name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: %s NAME FILE-OR-FOLDER...\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	}
	printf("1..1\n%s 1 - fuzz %s: %u inputs\n", inputs ? "ok" : "not ok", argv[1], inputs);
	return inputs ? 0 : 1;
}
