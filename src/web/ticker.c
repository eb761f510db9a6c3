/* The thread that turns the shop. It alone touches struct live: it ticks every TICK_MS, and in between does what the
 * HTTP threads hand it. Facts that wait are one transaction; everything else runs one by one. What the database or
 * another program took away is opened again; requests meanwhile get a 503. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/courier.h"
#include "model/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TICK_MS = 200, RETRY_S = 2, JUMP_S = 3600, FACT_REQUESTS_MAX = 512, LISTENER_S = 15 };

void ticker_submit(struct web *w, struct request *r)
{
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	if (!stopping) {
		r->queue = NULL;
		if (w->queue_last)
			w->queue_last->queue = r;
		else
			w->queue_first = r;
		w->queue_last = r;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	if (!stopping)
		return;
	request_problem(r, 503, "the server is stopping; try again in a moment");
	r->answered = true;
	MHD_resume_connection(r->connection);
}

/* ---- server-sent events ---- */

static void wake_listeners(struct web *w, bool all)
{
	double now = clock_monotonic();
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->listener_count; i++) {
		struct listener *l = w->listeners[i];
		if (l->suspended && (all || now - l->opened > LISTENER_S)) {
			l->suspended = false;
			MHD_resume_connection(l->connection);
		}
	}
	pthread_mutex_unlock(&w->lock);
}

void web_event(struct web *w, const char *kind, const char *fmt, ...)
{
	char data[200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(data, sizeof data, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&w->lock);
	snprintf(w->event[w->events % ARRAY_LEN(w->event)], sizeof w->event[0], "event: %s\ndata: %s\n\n", kind, data);
	w->events++;
	pthread_mutex_unlock(&w->lock);
	wake_listeners(w, true);
}

/* ---- the shop ---- */

static bool open_shop(struct web *w, struct err *err)
{
	static char owner[96];
	clock_owner(owner);
	struct live_options o = {
		.owner = owner, .threads = w->o.threads, .lease_s = 60, .courier = courier_of(w->courier)
	};
	w->live = live_open(w->o.address, &o, clock_now(), err);
	if (!w->live)
		return false;
	w->ids = store_ids_load(live_db(w->live), err);
	if (!w->ids) {
		live_close(w->live);
		w->live = NULL;
		return false;
	}
	pthread_rwlock_wrlock(&w->world);
	w->book = live_shop(w->live)->book;
	w->settings = &live_shop(w->live)->settings;
	pthread_rwlock_unlock(&w->world);
	return true;
}

static void close_shop(struct web *w)
{
	pthread_rwlock_wrlock(&w->world); /* waits for those who read */
	w->book = NULL;
	w->settings = NULL;
	pthread_rwlock_unlock(&w->world);
	store_ids_free(w->ids);
	w->ids = NULL;
	if (w->summary) {
		free(w->summary->plans);
		free(w->summary);
		w->summary = NULL;
	}
	live_close(w->live);
	w->live = NULL;
}

static void set_trouble(struct web *w, const char *text)
{
	pthread_mutex_lock(&w->lock);
	snprintf(w->trouble, sizeof w->trouble, "%s", text);
	pthread_mutex_unlock(&w->lock);
}

static bool tick(struct web *w, struct err *err)
{
	struct tick_result t;
	visits_settle(w, false);
	struct instant now = clock_now();
	if (!live_tick(w->live, now, &t, err) ||
	    (t.hold_all == REASON_NONE && !monthly_turn(&w->monthly, w->courier, w->live, now, err)))
		return false;
	w->counters.ticks++;
	w->counters.decisions += t.decisions;
	w->counters.accepted += t.accepted;
	pthread_mutex_lock(&w->lock);
	w->thresholds = *live_world(w->live)->thresholds;
	w->hold_all = t.hold_all;
	pthread_mutex_unlock(&w->lock);
	if (t.decisions || t.accepted || t.facts)
		web_event(w, "tick", "{\"facts\":%llu,\"decisions\":%llu,\"queued\":%llu,\"accepted\":%llu}",
		          (unsigned long long)t.facts, (unsigned long long)t.decisions, (unsigned long long)t.queued,
		          (unsigned long long)t.accepted);
	return true;
}

/* ---- what was handed over ---- */

static void answer(struct request *r)
{
	request_release(r);
	r->next = NULL;
	if (r->out.full)
		request_problem(r, 500, "the answer would be larger than %d MiB; ask for less", WEB_ANSWER_MAX >> 20);
	r->answered = true;
	MHD_resume_connection(r->connection);
}

static struct request *take_queue(struct web *w)
{
	pthread_mutex_lock(&w->lock);
	struct request *first = w->queue_first;
	w->queue_first = w->queue_last = NULL;
	pthread_mutex_unlock(&w->lock);
	return first;
}

static void run_one(struct web *w, struct request *r)
{
	if (w->live)
		r->next(r);
	else
		request_problem(r, 503, "the shop is being opened; try again in a few seconds");
	answer(r);
}

/* Facts first, FACT_REQUESTS_MAX requests a commit; the others in their order. */
static void run_queue(struct web *w)
{
	struct request *facts = NULL, **facts_end = &facts, *others = NULL, **others_end = &others;
	for (struct request *r = take_queue(w), *next; r; r = next) {
		next = r->queue;
		r->queue = NULL;
		struct request ***end = r->facts && w->live ? &facts_end : &others_end;
		**end = r;
		*end = &r->queue;
	}
	while (facts) {
		struct request *first = facts, *last = facts;
		for (int n = 1; n < FACT_REQUESTS_MAX && last->queue; n++)
			last = last->queue;
		facts = last->queue;
		last->queue = NULL;
		facts_commit(w, first);
		for (struct request *r = first, *next; r; r = next) {
			next = r->queue;
			answer(r);
		}
	}
	for (struct request *r = others, *next; r; r = next) {
		next = r->queue;
		run_one(w, r);
	}
}

static bool wait_for_work(struct web *w, double until)
{
	double left = until - clock_monotonic();
	pthread_mutex_lock(&w->lock);
	if (!w->queue_first && !w->stopping && left > 0) {
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		int64_t ns = t.tv_nsec + (int64_t)(left * 1e9);
		t.tv_sec += ns / 1000000000;
		t.tv_nsec = ns % 1000000000;
		pthread_cond_timedwait(&w->wake, &w->lock, &t);
	}
	bool stopping = w->stopping;
	pthread_mutex_unlock(&w->lock);
	return !stopping;
}

/* A jump of the wall clock against the monotonic one holds sending until a person confirms (SEMANTICS "A tick"). */
static bool clock_jumped(double *last_wall, double *last_monotonic)
{
	double wall = (double)clock_now().s, monotonic = clock_monotonic();
	bool jumped = wall - *last_wall - (monotonic - *last_monotonic) > JUMP_S;
	*last_wall = wall;
	*last_monotonic = monotonic;
	return jumped;
}

static bool turn(struct web *w, double *wall, double *monotonic, struct err *err)
{
	struct db *db = live_db(w->live);
	if (clock_jumped(wall, monotonic)) {
		fputs("relance: the clock jumped forward by more than an hour: nothing is sent until somebody resumes\n",
		      stderr);
		if (!db_begin(db, err) || !store_shop_set(db, "clock_hold", STR("1"), err) || !db_commit(db, err))
			return false;
	}
	return tick(w, err);
}

static void *ticker_main(void *ctx)
{
	struct web *w = ctx;
	struct err err;
	double next = 0, wall = (double)clock_now().s, monotonic = clock_monotonic();
	do {
		run_queue(w);
		if (clock_monotonic() < next)
			continue;
		bool ok = w->live ? turn(w, &wall, &monotonic, &err) : open_shop(w, &err);
		next = clock_monotonic() + (ok ? TICK_MS / 1000.0 : RETRY_S);
		set_trouble(w, ok ? "" : err.text);
		if (!ok) {
			fprintf(stderr, "relance: %s; trying again in %d s\n", err.text, RETRY_S);
			if (w->live)
				close_shop(w);
		}
		wake_listeners(w, false);
	} while (wait_for_work(w, next));
	run_queue(w);
	if (w->live)
		visits_settle(w, true);
	return NULL;
}

bool ticker_start(struct web *w, struct err *err)
{
	if (!open_shop(w, err) || !tick(w, err)) {
		if (w->live)
			close_shop(w);
		return false;
	}
	if (pthread_create(&w->ticker, NULL, ticker_main, w) != 0)
		return err_set(err, ERR_WORLD, "no thread could be made");
	return true;
}

/* Everything handed over is answered; then nothing is taken any more, and whoever listens is let go. */
void ticker_stop(struct web *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->ticker, NULL);
	jobs_release(w);
	wake_listeners(w, true);
	if (w->live)
		close_shop(w);
}
