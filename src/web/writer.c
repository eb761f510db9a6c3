/* The thread that writes facts. HTTP threads read what was told and queue it here; everything that waits is one
 * transaction, answered when it is committed. Whoever comes meanwhile is the next one. The ticker learns of them as of
 * any other program's facts, and is woken. */
#include "web/facts.h"

#include "app/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { GROUP_FACTS = 20000, UNDECIDED_MAX = 4096 };

/* A commit whose facts the ticker has not seen yet. */
struct undecided {
	int64_t seq;
	double since; /* its oldest request */
	uint64_t requests;
};

struct writer {
	pthread_t thread;
	pthread_mutex_t batch; /* db and ids: one batch at a time */
	struct db *db;
	struct store_ids *ids;

	pthread_mutex_t lock; /* everything below */
	pthread_cond_t wake;
	struct request *first, *last;
	bool started, stopping;
	struct undecided undecided[UNDECIDED_MAX];
	size_t undecided_from, undecided_count;
};

/* ---- the handle ---- */

bool writer_open(struct web *w, struct err *err)
{
	struct writer *x = w->writer;
	struct shop shop;
	pthread_mutex_lock(&x->batch);
	x->db = store_open(w->o.address, false, &shop, err);
	x->ids = x->db ? store_ids_load(x->db, err) : NULL;
	bool ok = x->ids && store_ids_documents(x->ids, x->db, err) &&
	          db_log_left(x->db, err); /* the ticker's shop has a thread that folds */
	pthread_mutex_unlock(&x->batch);
	if (!ok)
		writer_close(w);
	return ok;
}

void writer_close(struct web *w)
{
	struct writer *x = w->writer;
	pthread_mutex_lock(&x->batch);
	store_ids_free(x->ids);
	db_close(x->db);
	x->ids = NULL;
	x->db = NULL;
	pthread_mutex_unlock(&x->batch);
}

struct store_batch *writer_begin(struct web *w, struct store_ids **ids, struct instant now, struct err *err)
{
	struct writer *x = w->writer;
	pthread_mutex_lock(&x->batch);
	*ids = x->ids;
	struct store_batch *b = NULL;
	if (x->ids)
		b = store_batch_begin(x->db, x->ids, now, err);
	else
		err_set(err, ERR_WORLD, "the shop is being opened; try again in a few seconds");
	if (!b)
		pthread_mutex_unlock(&x->batch);
	return b;
}

bool writer_end(struct web *w, struct store_batch *b, bool ok, struct err *err)
{
	if (ok)
		ok = store_batch_commit(b, err);
	else
		store_batch_rollback(b);
	pthread_mutex_unlock(&w->writer->batch);
	return ok;
}

/* ---- how long facts wait for their decision ---- */

static void remember(struct writer *x, const struct request *first, int64_t seq)
{
	double since = first->began;
	uint64_t requests = 0;
	for (const struct request *r = first; r; r = r->queue, requests++)
		since = r->began < since ? r->began : since;
	pthread_mutex_lock(&x->lock);
	if (x->undecided_count < UNDECIDED_MAX)
		x->undecided[(x->undecided_from + x->undecided_count++) % UNDECIDED_MAX] =
			(struct undecided){ seq, since, requests };
	pthread_mutex_unlock(&x->lock);
}

void writer_decided(struct web *w, int64_t seq)
{
	struct writer *x = w->writer;
	double now = clock_monotonic();
	pthread_mutex_lock(&x->lock);
	while (x->undecided_count && x->undecided[x->undecided_from].seq <= seq) {
		const struct undecided *u = &x->undecided[x->undecided_from];
		histogram_add(&w->counters.decided, now - u->since, u->requests);
		x->undecided_from = (x->undecided_from + 1) % UNDECIDED_MAX;
		x->undecided_count--;
	}
	pthread_mutex_unlock(&x->lock);
}

/* ---- the queue ---- */

bool writer_submit(struct web *w, struct request *r)
{
	struct writer *x = w->writer;
	pthread_mutex_lock(&x->lock);
	bool taken = !x->stopping;
	if (taken) {
		r->queue = NULL;
		if (x->last)
			x->last->queue = r;
		else
			x->first = r;
		x->last = r;
		pthread_cond_signal(&x->wake);
	}
	pthread_mutex_unlock(&x->lock);
	return taken;
}

/* The oldest requests, GROUP_FACTS facts of them; waits for one. NULL: none will come any more. */
static struct request *take_group(struct writer *x)
{
	pthread_mutex_lock(&x->lock);
	while (!x->first && !x->stopping)
		pthread_cond_wait(&x->wake, &x->lock);
	struct request *first = x->first, *last = first;
	for (size_t facts = first ? first->fact_count : 0; last && last->queue; last = last->queue) {
		facts += last->queue->fact_count;
		if (facts > GROUP_FACTS)
			break;
	}
	if (last) {
		x->first = last->queue;
		x->last = x->first ? x->last : NULL;
		last->queue = NULL;
	}
	pthread_mutex_unlock(&x->lock);
	return first;
}

static bool write_group(struct web *w, struct request *first, int64_t *seq, struct err *err)
{
	struct instant now = clock_now();
	struct store_ids *ids;
	struct store_batch *b = writer_begin(w, &ids, now, err);
	struct arena a;
	struct buf body;
	if (!b)
		return false;
	arena_init(&a);
	buf_init(&body, BODY_MAX);
	bool ok = true;
	*seq = 0;
	for (struct request *r = first; r && ok; r = r->queue) {
		struct facts_result *f = arena_new(&r->arena, struct facts_result);
		r->handed = f;
		for (size_t i = 0; i < r->fact_count && ok; i++) {
			ok = incoming_write(&w->shop, ids, b, &r->facts[i], now, &a, &body, f, err);
			arena_clear(&a);
		}
		*seq = f->seq ? f->seq : *seq;
	}
	ok = writer_end(w, b, ok, err);
	buf_release(&body);
	arena_release(&a);
	return ok;
}

static void *writer_main(void *ctx)
{
	struct web *w = ctx;
	struct request *first;
	pthread_setname_np(pthread_self(), "facts");
	while ((first = take_group(w->writer))) {
		struct err err;
		int64_t seq;
		bool ok = write_group(w, first, &seq, &err);
		if (ok && seq) {
			remember(w->writer, first, seq);
			ticker_wake(w);
		}
		w->counters.fact_batches += ok;
		for (struct request *r = first, *next; r; r = next) {
			next = r->queue;
			w->counters.facts += ok ? r->fact_count : 0;
			facts_answer(r, ok ? NULL : &err);
			ticker_answer(r);
		}
	}
	return NULL;
}

/* ---- its life ---- */

void writer_new(struct web *w)
{
	struct writer *x = w->writer = mem_alloc(sizeof *x);
	pthread_mutex_init(&x->batch, NULL);
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->wake, NULL);
}

bool writer_start(struct web *w, struct err *err)
{
	struct writer *x = w->writer;
	x->started = pthread_create(&x->thread, NULL, writer_main, w) == 0;
	return x->started || err_set(err, ERR_WORLD, "no thread could be made");
}

/* Everything queued is written and answered first. */
void writer_stop(struct web *w)
{
	struct writer *x = w->writer;
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
	pthread_cond_signal(&x->wake);
	pthread_mutex_unlock(&x->lock);
	if (x->started)
		pthread_join(x->thread, NULL);
	x->started = false;
}

void writer_free(struct web *w)
{
	if (!w->writer)
		return;
	writer_close(w);
	pthread_mutex_destroy(&w->writer->batch);
	pthread_mutex_destroy(&w->writer->lock);
	pthread_cond_destroy(&w->writer->wake);
	free(w->writer);
	w->writer = NULL;
}
