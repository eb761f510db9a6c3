#include "base/par.h"

#include "base/arena.h"
#include "base/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Threads that have done their part wait for the next loop, of whomever: starting one costs more than many a loop does.
 * A loop takes those that wait and starts what is missing; it never waits for a thread of another loop. */
struct par {
	atomic_size_t next;
	size_t n, chunk;
	void (*body)(void *, size_t, size_t, int);
	void *ctx;
	int running; /* helpers not done yet; with the lock held */
	pthread_cond_t done;
};

struct helper {
	struct par *par; /* NULL: waits */
	int thread;
	pthread_cond_t wake;
	struct helper *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct helper *waiting;
static int waiting_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

int par_threads(int wanted)
{
	long n = wanted > 0 ? wanted : sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return n > PAR_THREADS_MAX ? PAR_THREADS_MAX : (int)n;
}

static void work(struct par *p, int thread)
{
	for (;;) {
		size_t from = atomic_fetch_add(&p->next, p->chunk);
		if (from >= p->n)
			return;
		p->body(p->ctx, from, p->n - from < p->chunk ? p->n : from + p->chunk, thread);
	}
}

/* With the lock held: the loop is told, then the next one is waited for. False: enough wait already. */
static bool wait_for_next(struct helper *h)
{
	struct par *p = h->par;
	h->par = NULL;
	if (--p->running == 0)
		pthread_cond_signal(&p->done);
	if (waiting_count >= par_threads(0))
		return false;
	h->next = waiting;
	waiting = h;
	waiting_count++;
	while (!h->par)
		pthread_cond_wait(&h->wake, &lock);
	return true;
}

static void *help(void *arg)
{
	struct helper *h = arg;
	bool more = true;
	while (more) {
		work(h->par, h->thread);
		pthread_mutex_lock(&lock);
		more = wait_for_next(h);
		pthread_mutex_unlock(&lock);
	}
	pthread_cond_destroy(&h->wake);
	free(h);
	return NULL;
}

/* A child of fork() has none of the threads: it begins with none. */
static void begin_anew(void)
{
	waiting = NULL;
	waiting_count = 0;
	pthread_mutex_init(&lock, NULL);
}

static void mind_forks(void)
{
	pthread_atfork(NULL, NULL, begin_anew);
}

/* Signals are for the threads that the program made: a helper outlives the loop it was started for. */
static bool start(struct helper *h)
{
	sigset_t all, before;
	pthread_t handle;
	pthread_once(&once, mind_forks);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&handle, NULL, help, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ok)
		pthread_detach(handle);
	return ok;
}

/* Wakes up to `wanted` helpers that wait, numbered from 1; returns how many. */
static int wake(struct par *p, int wanted)
{
	int got = 0;
	pthread_mutex_lock(&lock);
	while (got < wanted && waiting) {
		struct helper *h = waiting;
		waiting = h->next;
		waiting_count--;
		h->par = p;
		h->thread = ++got;
		p->running++;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&lock);
	return got;
}

static bool add(struct par *p, int thread)
{
	struct helper *h = mem_alloc(sizeof *h);
	h->par = p;
	h->thread = thread;
	pthread_cond_init(&h->wake, NULL);
	pthread_mutex_lock(&lock);
	p->running++;
	pthread_mutex_unlock(&lock);
	if (start(h))
		return true;
	pthread_mutex_lock(&lock);
	p->running--;
	pthread_mutex_unlock(&lock);
	pthread_cond_destroy(&h->wake);
	free(h);
	return false;
}

void par_for(size_t n, size_t chunk, int threads, void (*body)(void *, size_t, size_t, int), void *ctx)
{
	check(chunk > 0);
	threads = par_threads(threads);
	size_t chunks = (n + chunk - 1) / chunk;
	if ((size_t)threads > chunks)
		threads = chunks ? (int)chunks : 1;
	struct par par = { .n = n, .chunk = chunk, .body = body, .ctx = ctx, .done = PTHREAD_COND_INITIALIZER };
	int helpers = threads > 1 ? wake(&par, threads - 1) : 0;
	while (helpers < threads - 1 && add(&par, helpers + 1)) /* fewer threads, same result */
		helpers++;
	work(&par, 0);
	if (threads == 1)
		return;
	pthread_mutex_lock(&lock);
	while (par.running)
		pthread_cond_wait(&par.done, &lock);
	pthread_mutex_unlock(&lock);
}
