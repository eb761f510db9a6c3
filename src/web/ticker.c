/* The thread that turns the shop. It alone touches struct live: it ticks when facts have come, and every TICK_MS for
 * those of other programs; in between it does what the HTTP threads hand it, one by one. What the database or another
 * program took away is opened again; requests meanwhile get a 503. */
#include "web/facts.h"

#include "app/clock.h"
#include "app/courier.h"
#include "model/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TICK_MS = 200, RETRY_S = 2, LISTENER_S = 15 };

static const double TELL_S = 0.25; /* between two events of the same kind */
/* Between two turns for facts: what comes meanwhile is decided upon together, and the writer has the disk. */
static const double PAUSE_S = 0.005;

struct pace {
	double next, soonest; /* monotonic */
};

void ticker_submit(struct web *w, struct request *r)
{
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	if (r->fact_count) {
		stopping = !writer_submit(w, r);
	} else if (!stopping && r->lane != LANE_TICKER) {
		stopping = !readers_submit(w, r);
	} else if (!stopping) {
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
	if (!r->answered)
		request_problem(r, 503, "the server is stopping; try again in a moment");
	r->again[0] = 0;
	r->answered = true;
	MHD_resume_connection(r->connection);
}

void ticker_wake(struct web *w)
{
	pthread_mutex_lock(&w->lock);
	w->woken = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
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
		.owner = owner, .threads = w->o.threads, .lease_s = 60, .fold_log = true, .courier = courier_of(w->courier)
	};
	w->live = live_open(w->o.address, &o, clock_now(), err);
	if (!w->live)
		return false;
	if (!writer_open(w, err)) {
		live_close(w->live);
		w->live = NULL;
		return false;
	}
	struct query *q = db_query(live_db(w->live), "web_gone_count");
	bool counted = query_next(q, err) == 1;
	int64_t gone = counted ? query_get_int(q, 0) : 0;
	query_done(q);
	pthread_mutex_lock(&w->lock);
	w->phases_version = 0; /* versions are numbered anew */
	pthread_mutex_unlock(&w->lock);
	pthread_rwlock_wrlock(&w->world);
	w->gone = (uint32_t)gone;
	w->book = live_shop(w->live)->book;
	w->openings++;
	scene_show(w);
	pthread_rwlock_unlock(&w->world);
	return true;
}

static void close_shop(struct web *w)
{
	live_finish(w->live);             /* readers are not made to wait for the mail server */
	pthread_rwlock_wrlock(&w->world); /* waits for those who read */
	w->book = NULL;
	gate_forget(w);
	forecast_forget(w);
	orders_forget(w);
	scene_release(w);
	pthread_rwlock_unlock(&w->world);
	writer_close(w);
	courier_rest(w->courier);
	live_close(w->live);
	w->live = NULL;
}

bool ticker_apart(struct web *w, bool (*fn)(void *ctx, struct db *db, struct err *err), void *ctx, struct err *err)
{
	struct shop shop;
	struct err again;
	bool shut = gate_open(w); /* those who read come to their end */
	close_shop(w);
	struct db *db = store_open(w->o.address, false, &shop, err);
	bool ok = db && fn(ctx, db, err);
	if (db)
		db_close(db);
	if (!open_shop(w, &again)) /* the ticker tries again by itself */
		fprintf(stderr, "relance: %s\n", again.text);
	if (shut)
		gate_shut(w);
	return ok;
}

static void set_trouble(struct web *w, const char *text)
{
	pthread_mutex_lock(&w->lock);
	snprintf(w->trouble, sizeof w->trouble, "%s", text);
	pthread_mutex_unlock(&w->lock);
}

/* Ticks may follow on each other by the hundred: the pages hear of them together. */
static void tell(struct web *w, const struct tick_result *t)
{
	struct tick_result *sum = &w->untold;
	sum->facts += t->facts;
	sum->decisions += t->decisions;
	sum->queued += t->queued;
	sum->accepted += t->accepted;
	double now = clock_monotonic();
	if (!(sum->facts || sum->decisions || sum->accepted) || now - w->told < TELL_S)
		return;
	web_event(w, "tick", "{\"facts\":%llu,\"decisions\":%llu,\"queued\":%llu,\"accepted\":%llu}",
	          (unsigned long long)sum->facts, (unsigned long long)sum->decisions, (unsigned long long)sum->queued,
	          (unsigned long long)sum->accepted);
	*sum = (struct tick_result){ 0 };
	w->told = now;
}

static bool turn(struct web *w, struct err *err)
{
	struct tick_result t;
	struct instant now = clock_now();
	bool jumped;
	if (!live_watch_clock(w->live, now, clock_running(), &jumped, err))
		return false;
	if (jumped)
		fputs("relance: the clock jumped forward by more than an hour: nothing is sent until it is confirmed\n",
		      stderr);
	if (!web_signups_sweep(w, now, err) || !live_tick(w->live, now, &t, err) ||
	    !courier_look(w->courier, w->live, err) ||
	    (t.hold_all == REASON_NONE && !monthly_turn(&w->monthly, w->courier, w->live, now, err)))
		return false;
	struct courier_models models = courier_models(w->courier);
	w->counters.models_learnt += models.learnt;
	w->counters.models_followed += models.followed;
	if (t.hold_all != REASON_CLOCK_JUMP && t.hold_all != REASON_RESTORED && !retention_turn(w, now, err))
		return false; /* at a wrong hour nothing is erased: it could not be taken back */
	w->counters.ticks++;
	w->counters.decisions += t.decisions;
	w->counters.accepted += t.accepted;
	w->more = t.more;
	pthread_mutex_lock(&w->lock);
	w->thresholds = *live_world(w->live)->thresholds;
	w->hold_all = t.hold_all;
	pthread_mutex_unlock(&w->lock);
	scene_show(w);
	writer_decided(w, live_world(w->live)->version->seq_hi);
	tell(w, &t);
	return true;
}

static bool tick(struct web *w, struct err *err)
{
	visits_settle(w, false);
	gate_shut(w);
	bool ok = turn(w, err);
	gate_open(w);
	gate_sweep(w);
	return ok;
}

/* ---- what was handed over ---- */

void ticker_answer(struct request *r)
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
	handler_fn handler = r->next;
	r->next = NULL;
	if (w->live) {
		gate_shut(w);
		handler(r);
		gate_open(w);
	} else if (!r->answered) { /* else it was answered, and only its keeping waited */
		request_problem(r, 503, "the shop is being opened; try again in a few seconds");
	}
	if (!w->live)
		r->again[0] = 0;
	if (r->next) { /* done; what there is to show is read elsewhere */
		request_release(r);
		ticker_submit(w, r);
	} else {
		ticker_answer(r);
	}
}

static void run_queue(struct web *w)
{
	for (struct request *r = take_queue(w), *next; r; r = next) {
		next = r->queue;
		run_one(w, r);
	}
}

/* When the shop is turned next: at `next`; soon when facts have come. Under the lock. */
static double turn_at(const struct web *w, const struct pace *p)
{
	return w->woken && w->live && p->soonest < p->next ? p->soonest : p->next;
}

static bool wait_for_work(struct web *w, const struct pace *p)
{
	double left;
	pthread_mutex_lock(&w->lock);
	while (!w->queue_first && !w->stopping && (left = turn_at(w, p) - clock_monotonic()) > 0) {
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

static bool turn_is_due(struct web *w, const struct pace *p)
{
	pthread_mutex_lock(&w->lock);
	bool due = clock_monotonic() >= turn_at(w, p);
	if (due)
		w->woken = false;
	pthread_mutex_unlock(&w->lock);
	return due;
}

static void *ticker_main(void *ctx)
{
	struct web *w = ctx;
	struct err err;
	pthread_setname_np(pthread_self(), "ticker");
	struct pace pace = { .next = 0 };
	do {
		run_queue(w);
		if (!turn_is_due(w, &pace))
			continue;
		bool ok = w->live ? tick(w, &err) : open_shop(w, &err);
		pace.soonest = clock_monotonic() + PAUSE_S;
		pace.next = clock_monotonic() + (ok ? TICK_MS / 1000.0 : RETRY_S);
		set_trouble(w, ok ? "" : err.text);
		if (!ok) {
			fprintf(stderr, "relance: %s; trying again in %d s\n", err.text, RETRY_S);
			if (w->live)
				close_shop(w);
		}
		if (ok && w->more)
			ticker_wake(w);
		wake_listeners(w, false);
	} while (wait_for_work(w, &pace));
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
