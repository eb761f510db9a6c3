/* bench_bounce: mails read per second, over the whole corpus of real bounces. */
#include "channel/bounce.h"
#include "data.h"
#include "figure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAILS_MAX = 4096, RUN_S = 2 };

static size_t load(const char *folder, struct str *mails)
{
	char path[900];
	size_t count = 0;
	DIR *d = opendir(folder);
	for (const struct dirent *e; d && count < MAILS_MAX && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		FILE *f = strstr(e->d_name, ".eml") ? fopen(path, "rb") : NULL;
		if (!f)
			continue;
		char *bytes = malloc(4 << 20);
		size_t n = fread(bytes, 1, 4 << 20, f);
		mails[count++] = (struct str){ realloc(bytes, n + 1), n };
		fclose(f);
	}
	if (d)
		closedir(d);
	return count;
}

int main(int argc, char **argv)
{
	char folder[64], mails_folder[80];
	static struct str mails[MAILS_MAX];
	if (!data_unpack("bounces/bounces.tar.zst", folder, sizeof folder))
		return 0;
	snprintf(mails_folder, sizeof mails_folder, "%s/bounces", folder);
	size_t count = load(mails_folder, mails), done = 0;
	data_remove(folder);
	struct arena a;
	arena_init(&a);
	double start = figure_seconds(), now = start;
	while (count && now - start < RUN_S) {
		for (size_t i = 0; i < count; i++) {
			struct bounce_report r;
			bounce_parse(&a, mails[i], &r);
			arena_clear(&a);
		}
		done += count;
		now = figure_seconds();
	}
	arena_release(&a);
	figure_print(figure_json(argc, argv), "bounce: real mails read, one core", (double)done / (now - start), 0,
	             "mails/s", "5000");
	for (size_t i = 0; i < count; i++)
		free((char *)(size_t)mails[i].p);
	return 0;
}
