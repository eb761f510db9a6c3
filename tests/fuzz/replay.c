/* Runs a fuzz target over the files of its corpus: what `make test` does with every parser. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return 0;
	static uint8_t data[4 << 20];
	size_t n = fread(data, 1, sizeof data, f);
	fclose(f);
	uint8_t *exact = malloc(n ? n : 1); /* so that reading past the end is seen */
	if (!exact)
		return 0;
	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 1;
}

int main(int argc, char **argv)
{
	int files = 0;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (!dir) {
			fprintf(stderr, "%s: no such corpus\n", argv[i]);
			return 1;
		}
		for (struct dirent *e; (e = readdir(dir));) {
			char path[4096];
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
			files += run_file(path);
		}
		closedir(dir);
	}
	printf("%d inputs\n", files);
	return files ? 0 : 1;
}
