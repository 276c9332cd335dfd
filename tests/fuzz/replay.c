/* replay.c - runs a fuzz harness over the files of a folder, as a test that any compiler builds. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_file(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* From memory of exactly its size, as the fuzzer does. */
static int
replay(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (f == NULL) {
		fprintf(stderr, "%s: %m\n", path);
		free(data);
		return -1;
	}
	size = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	data = realloc(data, size > 0 ? size : 1);
	fprintf(stderr, "%s\n", path); /* the last one is the one that failed */
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : CORPUS;
	struct dirent **files;
	int n = scandir(folder, &files, is_file, alphasort);
	const int tap = dup(STDOUT_FILENO); /* a harness may close stdout */

	if (n <= 0) {
		fprintf(stderr, "replay: %s: no inputs\n", folder);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		if (replay(folder, files[i]->d_name) != 0)
			return 1;
		free(files[i]);
	}
	free(files);
	dprintf(tap, "1..1\nok 1 - %d inputs\n", n);
	return 0;
}
