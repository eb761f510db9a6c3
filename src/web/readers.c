/* The threads that read for those who ask: counts, lists, figures, reports. A request with READS is suspended on its
 * HTTP thread, which goes on to the next one, and is answered from here; the thread that turns the shop has no part in
 * it. One of the threads takes nothing that is LONG, so that a report never keeps a page waiting; a backup has one of
 * its own, and so have passwords, however many are guessed. They give way to a turn when there are fewer processors
 * than work. */
#include "web/web_int.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { READERS = 5, NICE = 5 };

/* What each of them takes, the rarer first. */
static const enum lane TAKES[READERS][2] = { { LANE_QUICK, LANE_QUICK },
	                                         { LANE_LONG, LANE_QUICK },
	                                         { LANE_LONG, LANE_QUICK },
	                                         { LANE_COPY, LANE_COPY },
	                                         { LANE_HASH, LANE_HASH } };

struct waiters {
	struct request *first, *last; /* by ->queue */
};

struct readers {
	struct web *web;
	pthread_t threads[READERS];
	int count;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct waiters lanes[LANE_COUNT];
	bool stopping;
	int there;
};

static struct request *take(struct waiters *l)
{
	struct request *r = l->first;
	if (r)
		l->first = r->queue;
	if (!l->first)
		l->last = NULL;
	return r;
}

static void put(struct waiters *l, struct request *r)
{
	r->queue = NULL;
	if (l->last)
		l->last->queue = r;
	else
		l->first = r;
	l->last = r;
}

/* NULL: the server stops, and nobody is left. */
static struct request *wait_for_one(struct readers *x, const enum lane takes[2])
{
	struct request *r;
	pthread_mutex_lock(&x->lock);
	while (!(r = take(&x->lanes[takes[0]])) && !(r = take(&x->lanes[takes[1]])) && !x->stopping)
		pthread_cond_wait(&x->wake, &x->lock);
	pthread_mutex_unlock(&x->lock);
	return r;
}

static void answer(struct web *w, struct request *r)
{
	handler_fn handler = r->next;
	r->next = NULL;
	handler(r);
	if (r->next) { /* the rest is the ticker's */
		request_release(r);
		r->lane = LANE_TICKER;
		ticker_submit(w, r);
	} else {
		ticker_answer(r);
	}
}

static void *reader_main(void *ctx)
{
	struct readers *x = ctx;
	pthread_mutex_lock(&x->lock);
	const enum lane *takes = TAKES[x->there++];
	pthread_mutex_unlock(&x->lock);
	pthread_setname_np(pthread_self(), "reader");
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* Linux: of this thread alone */
	for (struct request *r; (r = wait_for_one(x, takes));)
		answer(x->web, r);
	return NULL;
}

bool readers_start(struct web *w, struct err *err)
{
	struct readers *x = w->readers = mem_alloc(sizeof *x);
	x->web = w;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->wake, NULL);
	while (x->count < READERS && pthread_create(&x->threads[x->count], NULL, reader_main, x) == 0)
		x->count++;
	return x->count == READERS || err_set(err, ERR_WORLD, "no thread could be made");
}

/* Everything handed over is answered. The shop is still open; nobody new comes any more. */
void readers_stop(struct web *w)
{
	struct readers *x = w->readers;
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
	pthread_cond_broadcast(&x->wake);
	pthread_mutex_unlock(&x->lock);
	for (int i = 0; i < x->count; i++)
		pthread_join(x->threads[i], NULL);
	x->count = 0;
}

void readers_free(struct web *w)
{
	if (!w->readers)
		return;
	pthread_mutex_destroy(&w->readers->lock);
	pthread_cond_destroy(&w->readers->wake);
	free(w->readers);
	w->readers = NULL;
}

bool readers_submit(struct web *w, struct request *r)
{
	struct readers *x = w->readers;
	pthread_mutex_lock(&x->lock);
	bool takes = !x->stopping;
	if (takes)
		put(&x->lanes[r->lane], r);
	pthread_cond_broadcast(&x->wake);
	pthread_mutex_unlock(&x->lock);
	return takes;
}
