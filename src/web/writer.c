/* The thread that writes facts. HTTP threads read what was told and queue it here; everything that waits is one
 * transaction, answered when it is committed, durably. Whoever comes meanwhile is the next one. A few facts are written
 * as such; what comes by the hundred, and everything behind it, is kept as it came (app/arrival.h) and applied between
 * the groups, slice by slice. The ticker learns of them as of any other program's facts, and is woken. */
#include "web/facts.h"

#include "app/arrival.h"
#include "app/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	GROUP_FACTS = 20000,
	GROUP_DIRECT = 256,
	UNDECIDED_MAX = 4096,
	SLICE_LEAST = 500,
	SLICE_MOST = 5000,
	SLICE_IDLE = 20000,
	SLICE_LONG = 200000,
	SLICE_PART = 4, /* of what waits */
	RETRY_S = 2
};

/* While requests come, so much of the time goes to them for each second of applying: by how full it is. A burst is
 * taken as fast as it comes; what goes on and on comes in the end no faster than it can be applied, and is not refused.
 */
static const struct {
	double full, accepting;
} SHARES[] = { { 0, 3 }, { 0.1, 0.35 }, { 1, 0.1 } };
static const double SLICE_S = 0.05; /* so long may those who come wait for a slice */
static const double IDLE_S = 0.005; /* nobody came for so long: there is nothing but applying to do */

/* A commit whose facts the ticker has not seen yet. */
struct undecided {
	int64_t arrival; /* number of the last, while they wait to be applied; 0: applied */
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

	/* what waits to be applied; told by this process alone */
	_Atomic int64_t waiting, told_s; /* facts; when the oldest were told, UTC seconds */
	double apply_at; /* monotonic: not sooner while requests come, or while `failing`; the thread's own */
	bool failing;
	double per_fact; /* seconds the last slice took for each */

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
	struct arrivals left;
	bool ok = x->ids && store_ids_documents(x->ids, x->db, err) &&
	          db_log_left(x->db, err) && /* the ticker's shop has a thread that folds */
	          db_durable(x->db, true, err) && arrivals_waiting(x->db, &left, err);
	x->waiting = ok ? left.facts : 0;
	x->told_s = ok ? left.oldest.s : 0;
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

bool writer_alone(struct web *w, bool (*fn)(void *ctx, struct err *err), void *ctx, struct err *err)
{
	struct writer *x = w->writer;
	pthread_mutex_lock(&x->batch);
	bool ok = x->ids ? fn(ctx, err) : err_set(err, ERR_WORLD, "the shop is being opened; try again in a few seconds");
	struct store_batch *b = ok ? store_batch_begin(x->db, x->ids, clock_now(), err) : NULL; /* reads who was erased */
	ok = b && store_batch_commit(b, err);
	pthread_mutex_unlock(&x->batch);
	return ok;
}

/* ---- how long facts wait for their decision ---- */

static void remember(struct writer *x, const struct request *first, int64_t arrival, int64_t seq)
{
	double since = first->began;
	uint64_t requests = 0;
	for (const struct request *r = first; r; r = r->queue, requests++)
		since = r->began < since ? r->began : since;
	pthread_mutex_lock(&x->lock);
	if (x->undecided_count < UNDECIDED_MAX)
		x->undecided[(x->undecided_from + x->undecided_count++) % UNDECIDED_MAX] =
			(struct undecided){ arrival, seq, since, requests };
	pthread_mutex_unlock(&x->lock);
}

/* The arrivals up to `last` are facts now, the newest number `seq`. */
static void remember_applied(struct writer *x, int64_t last, int64_t seq)
{
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < x->undecided_count; i++) {
		struct undecided *u = &x->undecided[(x->undecided_from + i) % UNDECIDED_MAX];
		if (u->arrival > last)
			break;
		u->seq = u->arrival ? seq : u->seq;
		u->arrival = 0;
	}
	pthread_mutex_unlock(&x->lock);
}

void writer_decided(struct web *w, int64_t seq)
{
	struct writer *x = w->writer;
	double now = clock_monotonic();
	pthread_mutex_lock(&x->lock);
	while (x->undecided_count) {
		const struct undecided *u = &x->undecided[x->undecided_from];
		if (u->arrival || u->seq > seq)
			break;
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

/* Sleeps until somebody comes; while facts wait to be applied, until it is their turn. Under the lock. */
static void sleep_a_while(struct writer *x)
{
	if (!x->waiting) {
		pthread_cond_wait(&x->wake, &x->lock);
		return;
	}
	double idle = clock_monotonic() + IDLE_S, until = x->failing || x->apply_at < idle ? x->apply_at : idle;
	struct timespec t = { (time_t)until, (long)((until - (double)(time_t)until) * 1e9) };
	if (pthread_cond_timedwait(&x->wake, &x->lock, &t) != 0 && !x->first && !x->failing)
		x->apply_at = 0; /* idle */
}

/* The oldest requests, GROUP_FACTS facts of them. Waits for one unless it is the turn of what waits to be applied.
 * NULL: there is none; *over: nor will any come. */
static struct request *take_group(struct writer *x, bool *over)
{
	pthread_mutex_lock(&x->lock);
	while (!x->first && !x->stopping && (!x->waiting || clock_monotonic() < x->apply_at))
		sleep_a_while(x);
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
	*over = !first && x->stopping;
	pthread_mutex_unlock(&x->lock);
	return first;
}

/* The facts themselves. */
static bool write_group(struct web *w, struct request *first, struct err *err)
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
	int64_t seq = 0;
	for (struct request *r = first; r && ok; r = r->queue) {
		struct facts_result *f = arena_new(&r->arena, struct facts_result);
		r->handed = f;
		for (size_t i = 0; i < r->fact_count && ok; i++) {
			ok = incoming_write(&w->shop, ids, b, &r->facts[i], now, &a, &body, f, err);
			arena_clear(&a);
		}
		seq = f->seq ? f->seq : seq;
	}
	ok = writer_end(w, b, ok, err);
	buf_release(&body);
	arena_release(&a);
	if (ok && seq) {
		remember(w->writer, first, 0, seq);
		ticker_wake(w);
	}
	return ok;
}

/* Keeps them as they came. */
static bool keep_group(struct web *w, struct request *first, struct err *err)
{
	struct writer *x = w->writer;
	struct instant now = clock_now();
	struct arrival *list = NULL;
	size_t n = 0, cap = 0;
	int64_t last = 0, facts = 0;
	bool ok = true;
	for (struct request *r = first; r; r = r->queue, n++) {
		facts_pack(r);
		ok = ok && !r->packed.full;
		list = mem_grow(list, &cap, n + 1, sizeof *list);
		list[n] = (struct arrival){ buf_view(&r->packed), r->fact_count };
		facts += (int64_t)r->fact_count;
	}
	check(ok); /* many were refused when they were too large; few cannot be */
	pthread_mutex_lock(&x->batch);
	ok = x->ids ? arrivals_put(x->db, list, n, now, &last, err)
	            : err_set(err, ERR_WORLD, "the shop is being opened; try again in a few seconds");
	if (ok && x->waiting == 0)
		x->told_s = now.s;
	x->waiting += ok ? facts : 0;
	pthread_mutex_unlock(&x->batch);
	free(list);
	for (struct request *r = first; r && ok; r = r->queue) {
		struct facts_result *f = arena_new(&r->arena, struct facts_result);
		f->arrival = last;
		r->handed = f;
	}
	if (ok)
		remember(x, first, last, 0);
	return ok;
}

/* A few facts that nothing waits before. */
static bool is_direct(const struct writer *x, const struct request *first)
{
	size_t facts = 0;
	for (const struct request *r = first; r; r = r->queue) {
		facts += r->fact_count;
		if (!r->facts)
			return false;
	}
	return facts <= GROUP_DIRECT && x->waiting == 0;
}

static void answer_group(struct web *w, struct request *first)
{
	struct err err;
	bool ok = is_direct(w->writer, first) ? write_group(w, first, &err) : keep_group(w, first, &err);
	w->counters.fact_batches += ok;
	for (struct request *r = first, *next; r; r = next) {
		next = r->queue;
		w->counters.facts += ok ? r->fact_count : 0;
		facts_answer(r, ok ? NULL : &err);
		ticker_answer(r);
	}
}

/* The oldest that wait become facts. What was told is on the disk already: this commit need not wait for it. */
static bool apply_slice(struct web *w, int64_t most, struct applied *done, struct err *err)
{
	struct writer *x = w->writer;
	*done = (struct applied){ 0 };
	pthread_mutex_lock(&x->batch);
	bool ok = true, open = x->ids;
	if (open) {
		struct err other;
		ok = db_durable(x->db, false, err) && arrivals_apply(x->db, x->ids, INT64_MAX, most, done, err);
		ok = db_durable(x->db, true, ok ? err : &other) && ok;
	}
	if (ok && open) {
		x->waiting = done->facts ? x->waiting - done->facts : 0; /* others may have applied them */
		x->told_s = done->facts ? done->at.s : 0;
	}
	pthread_mutex_unlock(&x->batch);
	return ok;
}

/* Alone, a fact takes a page of two trees to itself, and those pages are what applying costs; many at once share them,
 * and take a third of the time each. So the more waits, the longer a slice is. */
static int64_t slice_size(const struct writer *x)
{
	int64_t part = x->waiting / SLICE_PART, most = part < SLICE_LONG ? part : SLICE_LONG;
	double fit = x->per_fact > 0 ? SLICE_S / x->per_fact : SLICE_LEAST;
	int64_t least = fit < SLICE_LEAST ? SLICE_LEAST : fit > SLICE_MOST ? SLICE_MOST : (int64_t)fit;
	if (x->apply_at == 0) /* idle */
		least = SLICE_IDLE;
	return most > least ? most : least;
}

static double accepting(const struct web *w)
{
	double full = (double)w->writer->waiting / (double)w->o.waiting;
	size_t i = 1;
	while (i + 1 < ARRAY_LEN(SHARES) && full > SHARES[i].full)
		i++;
	double along = (full - SHARES[i - 1].full) / (SHARES[i].full - SHARES[i - 1].full);
	along = along < 0 ? 0 : along > 1 ? 1 : along;
	return SHARES[i - 1].accepting + along * (SHARES[i].accepting - SHARES[i - 1].accepting);
}

static void apply_some(struct web *w)
{
	struct writer *x = w->writer;
	struct applied done;
	struct err err;
	double began = clock_monotonic();
	bool ok = apply_slice(w, slice_size(x), &done, &err);
	double now = clock_monotonic();
	x->failing = !ok;
	x->apply_at = ok ? now + (done.facts ? (now - began) * accepting(w) : IDLE_S) : now + RETRY_S;
	if (!ok)
		fprintf(stderr, "relance: facts told are not applied yet: %s; trying again in %d s\n", err.text, RETRY_S);
	if (!ok)
		return;
	if (!done.facts) { /* by others */
		remember_applied(x, done.last, done.seq);
		return;
	}
	w->counters.facts_applied += (uint64_t)done.facts;
	x->per_fact = (now - began) / (double)done.facts;
	remember_applied(x, done.last, done.seq);
	ticker_wake(w);
}

struct backlog writer_backlog(const struct web *w)
{
	int64_t facts = w->writer->waiting, told_s = w->writer->told_s;
	return (struct backlog){ facts > 0 ? facts : 0, facts > 0 && told_s ? (double)(clock_now().s - told_s) : 0 };
}

static void *writer_main(void *ctx)
{
	struct web *w = ctx;
	struct writer *x = w->writer;
	bool over = false;
	pthread_setname_np(pthread_self(), "facts");
	while (!over) {
		struct request *first = take_group(x, &over);
		if (first)
			answer_group(w, first);
		if (x->waiting && !over && clock_monotonic() >= x->apply_at)
			apply_some(w);
	}
	return NULL;
}

/* ---- its life ---- */

void writer_new(struct web *w)
{
	struct writer *x = w->writer = mem_alloc(sizeof *x);
	pthread_mutex_init(&x->batch, NULL);
	pthread_mutex_init(&x->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&x->wake, &attr);
	pthread_condattr_destroy(&attr);
}

bool writer_start(struct web *w, struct err *err)
{
	struct writer *x = w->writer;
	x->started = pthread_create(&x->thread, NULL, writer_main, w) == 0;
	return x->started || err_set(err, ERR_WORLD, "no thread could be made");
}

/* Everything queued is written and answered first; what waits to be applied is by whoever opens the shop next. */
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
