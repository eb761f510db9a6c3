#include "cli/cli.h"

#include <time.h>
#include <unistd.h>

double cli_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_start(struct progress *p, const char *what)
{
	double now = cli_seconds();
	*p = (struct progress){ .what = what, .started = now, .shown = now + 0.8, .terminal = isatty(STDERR_FILENO) };
}

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	if (!p->terminal)
		return;
	double now = cli_seconds(), spent = now - p->started;
	if (now - p->shown < 0.2)
		return;
	p->shown = now;
	double rate = (double)done / (spent > 0 ? spent : 1);
	if (total > 0 && done <= total) {
		int filled = (int)(24.0 * (double)done / (double)total);
		fprintf(stderr, "\r[%.*s%.*s] %3d %%  %llu %s  %.0f/s  %.0f s left \033[K", filled, "########################",
		        24 - filled, "........................", (int)(100.0 * (double)done / (double)total),
		        (unsigned long long)done, p->what, rate, rate > 0 ? (double)(total - done) / rate : 0.0);
	} else {
		fprintf(stderr, "\r%llu %s  %.0f/s \033[K", (unsigned long long)done, p->what, rate);
	}
}

void progress_end(struct progress *p)
{
	if (p->terminal)
		fputs("\r\033[K", stderr);
}
