/* The raw rate of the CSV reader over Online Retail repeated in memory, beside a count of its line ends by memchr. */
#include "intake/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMES = 20 };

struct source {
	struct str bytes;
	size_t at;
	int left;
};

static bool read_some(void *ctx, char *p, size_t cap, size_t *n, struct err *err)
{
	struct source *s = ctx;
	(void)err;
	if (s->at == s->bytes.n && s->left > 0) {
		s->at = 0;
		s->left--;
	}
	*n = s->bytes.n - s->at < cap ? s->bytes.n - s->at : cap;
	memcpy(p, s->bytes.p + s->at, *n);
	s->at += *n;
	return true;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench_csv FILE.csv [--json]\n");
		return 2;
	}
	FILE *f = fopen(argv[1], "rb");
	if (!f)
		return 1;
	struct buf b;
	buf_init(&b, (size_t)1 << 31);
	char *piece = malloc(1 << 20);
	check(piece);
	for (size_t n; (n = fread(piece, 1, 1 << 20, f)) > 0;)
		buf_add(&b, piece, n);
	fclose(f);
	free(piece);
	struct source s = { buf_view(&b), 0, TIMES - 1 };
	struct csv c;
	struct csv_row row;
	struct err err = { 0 };
	uint64_t rows = 0, fields = 0;
	double t0 = now();
	check(csv_init(&c, read_some, &s, 0, INTAKE_CHARSET_GUESS, &err));
	while (csv_next(&c, &row, &err) == 1) {
		rows++;
		fields += row.count;
	}
	double ours = now() - t0;
	csv_release(&c);
	uint64_t lines = 0;
	t0 = now();
	for (int i = 0; i < TIMES; i++)
		for (const char *p = b.p; (p = memchr(p, '\n', (size_t)(b.p + b.n - p))); p++)
			lines++;
	double base = now() - t0, gb = (double)b.n * TIMES / 1e9;
	if (argc > 2)
		printf(
			"[{\"work\":\"CSV reader\",\"ours_gb_s\":%.2f,\"baseline_gb_s\":%.2f,\"ratio\":%.2f,\"goal_gb_s\":1.0}]\n",
			gb / ours, gb / base, base / ours);
	else
		printf("CSV reader: %.2f GB/s (%llu rows, %llu fields); memchr over the same lines %.2f GB/s; ratio %.2f; goal "
		       "1.0 GB/s\n",
		       gb / ours, (unsigned long long)rows, (unsigned long long)fields, gb / base, base / ours);
	check(rows == lines);
	buf_release(&b);
	return 0;
}
