/* figure: one line for each figure of a benchmark: work, ours, baseline, ratio, goal. --json prints objects instead. */
#ifndef RELANCE_BENCH_FIGURE_H
#define RELANCE_BENCH_FIGURE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static inline double figure_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline bool figure_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* baseline 0: there is none; the goal is then a rate. */
static inline void figure_print(bool json, const char *work, double ours, double baseline, const char *unit,
                                const char *goal)
{
	if (json)
		printf("{\"work\": \"%s\", \"ours\": %.1f, \"baseline\": %.1f, \"unit\": \"%s\", \"goal\": \"%s\"}\n", work,
		       ours, baseline, unit, goal);
	else if (baseline > 0)
		printf("%-44s %12.0f %12.0f %-10s %6.2fx  goal %s\n", work, ours, baseline, unit, ours / baseline, goal);
	else
		printf("%-44s %12.0f %12s %-10s %6s   goal %s\n", work, ours, "-", unit, "-", goal);
	fflush(stdout);
}

#endif
