/* Retention periods of a shop that is served. The ticker looks at some thousands of people between two turns, so that a
 * large base is looked through within a minute or so of each day's beginning and no turn waits for it. When the shop
 * has switched it on, who is due is erased as they are found, a few at a time; a thread of its own takes away the
 * files, rejected rows and the log they leave. When not, they are counted for the page of the day. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/erase.h"
#include "app/retention.h"
#include "web/rows.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE_AT_ONCE = 20000, ERASED_AT_ONCE = 10 };
static const char ACTOR[] = "retention";

/* What people who were erased have left. */
struct leftover {
	struct leftover *next;
	struct erase_traces traces;
	struct erase_report report;
	size_t people;
};

struct retention_state {
	/* the ticker's: */
	struct date day;              /* looked through, or under way */
	struct retention_rules rules; /* as of then */
	customer_id next;             /* 0: it is through */
	struct retention_count found;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t wake;
	bool stopping;
	struct leftover *first, *last;
	struct retention_count due; /* as of the last time everybody was looked at */
};

/* ---- what is left ---- */

static bool write_down(struct web *w, const struct leftover *x, struct err *err)
{
	char object[120];
	struct shop shop;
	struct db *db = store_open(w->o.address, false, &shop, err);
	snprintf(object, sizeof object, "%zu people, %llu files, %llu rejected rows%s", x->people,
	         (unsigned long long)x->report.files, (unsigned long long)x->report.reject_rows,
	         x->report.left.n ? "; some files could not be looked at" : "");
	bool ok = db && db_begin(db, err) && store_audit(db, clock_now(), ACTOR, "retention applied", object, err) &&
	          db_commit(db, err);
	if (db && !ok)
		db_rollback(db);
	if (db)
		db_close(db);
	return ok;
}

static void clear_away(struct web *w, struct leftover *x)
{
	struct err err;
	if (!web_erase_left(w, &x->traces, &x->report, &err) || !write_down(w, x, &err))
		fprintf(stderr, "relance: what %zu erased people left: %s\n", x->people, err.text);
	if (x->report.left.n)
		fprintf(stderr, "relance: of %zu erased people these could not be looked at:\n%.*s", x->people,
		        STR_ARG(buf_view(&x->report.left)));
	erase_end(&x->traces);
	erase_report_release(&x->report);
	free(x);
}

static void *retention_main(void *ctx)
{
	struct web *w = ctx;
	struct retention_state *s = w->retention;
	pthread_setname_np(pthread_self(), "retention");
	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (!s->first && !s->stopping)
			pthread_cond_wait(&s->wake, &s->lock);
		struct leftover *x = s->first;
		if (x)
			s->first = x->next;
		if (!s->first)
			s->last = NULL;
		pthread_mutex_unlock(&s->lock);
		if (!x)
			return NULL;
		clear_away(w, x);
	}
}

static void hand_over(struct retention_state *s, struct leftover *x)
{
	pthread_mutex_lock(&s->lock);
	if (s->last)
		s->last->next = x;
	else
		s->first = x;
	s->last = x;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void retention_new(struct web *w)
{
	struct retention_state *s = w->retention = mem_alloc(sizeof *s);
	s->day = DATE_UNKNOWN;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
}

bool retention_start(struct web *w, struct err *err)
{
	struct retention_state *s = w->retention;
	s->started = pthread_create(&s->thread, NULL, retention_main, w) == 0;
	return s->started || err_set(err, ERR_WORLD, "no thread could be made");
}

/* Everything handed over is done first. */
void retention_stop(struct web *w)
{
	struct retention_state *s = w->retention;
	if (!s || !s->started)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->started = false;
}

void retention_free(struct web *w)
{
	if (!w->retention)
		return;
	pthread_mutex_destroy(&w->retention->lock);
	pthread_cond_destroy(&w->retention->wake);
	free(w->retention);
	w->retention = NULL;
}

/* ---- on the ticker ---- */

static bool erase_some(struct web *w, const customer_id *people, size_t count, struct err *err)
{
	if (!count)
		return true;
	struct leftover *x = mem_alloc(sizeof *x);
	x->people = count;
	erase_begin(&x->traces, &x->report);
	bool ok = web_erase_rows(w, people, count, ACTOR, &x->traces, &x->report, err);
	hand_over(w->retention, x);
	return ok;
}

static bool look_at_some(struct web *w, struct instant now, struct err *err)
{
	struct retention_state *s = w->retention;
	const struct world *world = live_world(w->live);
	struct retention_ask a;
	struct retention r;
	customer_id due[ERASED_AT_ONCE], c = s->next;
	size_t count = 0;
	if (!retention_begin(&a, live_db(w->live), world->book, world->version, live_state(w->live, 0), world->settings,
	                     now, err))
		return false;
	for (int i = 0; i < PEOPLE_AT_ONCE && c <= world->version->customers && count < ERASED_AT_ONCE; i++, c++) {
		if (!retention_due(&a, c, &r))
			continue;
		if (s->rules.on)
			due[count++] = c;
		s->found.customers += !s->rules.on && r.customer;
		s->found.prospects += !s->rules.on && !r.customer;
	}
	s->next = c <= world->version->customers ? c : 0;
	retention_release(&a);
	return erase_some(w, due, count, err);
}

bool retention_turn(struct web *w, struct instant now, struct err *err)
{
	struct retention_state *s = w->retention;
	const struct settings *settings = live_world(w->live)->settings;
	struct date today = zone_date(settings->zone, now);
	struct retention_rules rules = settings->retention;
	bool changed = rules.on != s->rules.on || rules.prospect_months != s->rules.prospect_months ||
	               rules.customer_months != s->rules.customer_months;
	if (!date_known(s->day) || today.day != s->day.day || changed) {
		s->day = today;
		s->rules = rules;
		s->next = 1;
		s->found = (struct retention_count){ 0 };
	}
	if (!s->next)
		return true;
	if (!look_at_some(w, now, err))
		return false;
	if (!s->next) {
		pthread_mutex_lock(&s->lock);
		s->due = s->found;
		pthread_mutex_unlock(&s->lock);
	}
	return true;
}

int64_t retention_overdue(struct web *w)
{
	pthread_mutex_lock(&w->retention->lock);
	struct retention_count due = w->retention->due;
	pthread_mutex_unlock(&w->retention->lock);
	return due.prospects + due.customers;
}

/* ---- to look at ---- */

static bool begin(struct request *r, struct retention_ask *a)
{
	struct err err;
	const struct world *w = request_still_world(r);
	struct db *db = w ? request_db(r) : NULL;
	if (!db)
		return false;
	if (retention_begin(a, db, w->book, w->version, r->still->states, w->settings, clock_now(), &err))
		return true;
	request_err(r, &err);
	return false;
}

void on_retention(struct request *r)
{
	struct retention_ask a;
	struct retention_count n;
	struct buf *b = &r->out;
	if (!begin(r, &a))
		return;
	retention_list(&a, NULL, &n);
	put_open(b, NULL, '{');
	put_bool(b, "on", a.settings->retention.on);
	put_int(b, "prospect_months", a.settings->retention.prospect_months);
	put_int(b, "customer_months", a.settings->retention.customer_months);
	put_int(b, "prospects", n.prospects);
	put_int(b, "customers", n.customers);
	put_close(b, '}');
	retention_release(&a);
	request_send_json(r, 200);
}

static bool list_due(void *ctx, const struct drill_sink *sink, struct err *err)
{
	(void)err;
	retention_list(ctx, sink, NULL);
	return true;
}

static void rows_of_retention(struct request *r, bool as_file)
{
	struct retention_ask a;
	if (!begin(r, &a))
		return;
	rows_answer(r, &(struct rows){ "retention", RETENTION_LIST, RETENTION_COLUMNS, list_due, &a }, as_file);
	retention_release(&a);
}

void on_retention_rows(struct request *r)
{
	rows_of_retention(r, false);
}

void on_retention_csv(struct request *r)
{
	rows_of_retention(r, true);
}
