#include "base/par.h"

#include "base/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct par {
	atomic_size_t next;
	size_t n, chunk;
	void (*body)(void *, size_t, size_t, int);
	void *ctx;
};

struct worker {
	struct par *par;
	int thread;
	pthread_t handle;
};

int par_threads(int wanted)
{
	long n = wanted > 0 ? wanted : sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return n > PAR_THREADS_MAX ? PAR_THREADS_MAX : (int)n;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct par *p = w->par;
	for (;;) {
		size_t from = atomic_fetch_add(&p->next, p->chunk);
		if (from >= p->n)
			return NULL;
		p->body(p->ctx, from, p->n - from < p->chunk ? p->n : from + p->chunk, w->thread);
	}
}

void par_for(size_t n, size_t chunk, int threads, void (*body)(void *, size_t, size_t, int), void *ctx)
{
	check(chunk > 0);
	threads = par_threads(threads);
	size_t chunks = (n + chunk - 1) / chunk;
	if ((size_t)threads > chunks)
		threads = chunks ? (int)chunks : 1;
	struct par par = { .n = n, .chunk = chunk, .body = body, .ctx = ctx };
	struct worker workers[PAR_THREADS_MAX];
	int started = 0;
	for (int i = 1; i < threads; i++) {
		workers[i] = (struct worker){ .par = &par, .thread = i };
		if (pthread_create(&workers[i].handle, NULL, work, &workers[i]) != 0)
			break; /* fewer threads, same result */
		started = i;
	}
	workers[0] = (struct worker){ .par = &par, .thread = 0 };
	work(&workers[0]);
	for (int i = 1; i <= started; i++)
		pthread_join(workers[i].handle, NULL);
}
