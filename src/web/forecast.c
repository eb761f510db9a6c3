/* What will leave before the day ends: everybody whose turn comes today is asked beforehand, on a copy of their state,
 * as the engine will be then. Kept a while, longer the more it cost, and shared by those who ask meanwhile. */
#include "web/web_int.h"

#include "app/clock.h"

#include <math.h>
#include <stdlib.h>

enum {
	KEPT_S = 2,
	KEPT_TIMES = 50, /* a forecast is kept so many times what it took, */
	KEPT_MAX_S = 20, /* but no longer, however slow the machine was just then */
	LOOKS_MAX = 8,   /* a person's turns in the rest of a day */
};

static struct pstate copy_of(const struct pstate *s)
{
	struct pstate copy = *s;
	copy.runs = mem_alloc((s->run_count + 1u) * sizeof *copy.runs);
	copy.sent = mem_alloc((s->sent_count + 1u) * sizeof *copy.sent);
	copy.run_cap = (uint16_t)(s->run_count + 1);
	copy.sent_cap = (uint16_t)(s->sent_count + 1);
	if (s->run_count)
		memcpy(copy.runs, s->runs, s->run_count * sizeof *copy.runs);
	if (s->sent_count)
		memcpy(copy.sent, s->sent, s->sent_count * sizeof *copy.sent);
	return copy;
}

static void add(struct forecast *f, const struct plan_set *set, customer_id c, int64_t at, uint16_t plan,
                uint8_t channel)
{
	f->items = mem_grow(f->items, &f->cap, f->count + 1, sizeof *f->items);
	f->items[f->count++] = (struct leaving){ c, (uint32_t)at, set->family[plan], channel };
}

/* Messages decided already that wait for their turn. */
static void add_queued(struct forecast *f, const struct plan_set *set, customer_id c, struct pstate *s,
                       struct instant now, int64_t end)
{
	for (uint16_t i = 0; i < s->sent_count; i++) {
		const struct sent *m = &s->sent[i];
		const struct run *r = m->state == SENT_QUEUED ? pstate_run(s, m->plan, m->run_no) : NULL;
		int64_t at = r && r->hold_until > now.s ? r->hold_until : now.s;
		if (m->state == SENT_QUEUED && at < end)
			add(f, set, c, at, m->plan, m->channel);
	}
}

static void note(struct forecast *f, const struct plan_set *set, const struct decision *d)
{
	if (d->verdict != VERDICT_SEND || d->channel >= CHANNEL_COUNT)
		return;
	add(f, set, d->customer, d->at.s, d->plan, d->channel);
}

/* The turns of one person until `end`. */
static void foresee(struct forecast *f, const struct world *w, customer_id c, const struct pstate *s,
                    struct instant now, int64_t end)
{
	struct pstate copy = copy_of(s);
	struct decisions said = { 0 };
	for (int i = 0; i < LOOKS_MAX && copy.wake < end; i++) {
		struct instant at = { copy.wake > now.s ? copy.wake : now.s };
		uint32_t before = copy.wake;
		engine_person(w, c, &copy, at, &said);
		if (copy.wake <= before)
			break;
	}
	for (size_t i = 0; i < said.count; i++)
		note(f, w->plans, &said.items[i]);
	decisions_release(&said);
	pstate_release(&copy);
}

struct foresight {
	pthread_mutex_t lock;
	struct forecast *newest; /* or NULL */
};

void forecast_new(struct web *w)
{
	w->foresight = mem_alloc(sizeof *w->foresight);
	pthread_mutex_init(&w->foresight->lock, NULL);
}

void forecast_free(struct web *w)
{
	pthread_mutex_destroy(&w->foresight->lock);
	free(w->foresight);
}

static void let_go(struct forecast *f)
{
	if (!f || --f->readers)
		return;
	free(f->items);
	free(f);
}

void forecast_forget(struct web *w)
{
	pthread_mutex_lock(&w->foresight->lock);
	let_go(w->foresight->newest);
	w->foresight->newest = NULL;
	pthread_mutex_unlock(&w->foresight->lock);
}

void forecast_let_go(struct web *w, struct forecast *f)
{
	pthread_mutex_lock(&w->foresight->lock);
	let_go(f);
	pthread_mutex_unlock(&w->foresight->lock);
}

static struct forecast *make(const struct world *w, struct pstate *states, struct instant now, struct date today)
{
	struct forecast *f = mem_alloc(sizeof *f);
	struct world world = *w;
	double started = clock_monotonic();
	int64_t end = zone_instant(w->settings->zone, (struct date){ today.day + 1 }, 0).s;
	world.hold_all = REASON_NONE; /* an emergency stop must show what it holds */
	*f = (struct forecast){ .readers = 1, .day = today, .plans = w->plans->count };
	for (customer_id c = 1; c <= w->version->customers; c++) {
		if (states[c].sent_count)
			add_queued(f, w->plans, c, &states[c], now, end);
		if (states[c].wake < end)
			foresee(f, &world, c, &states[c], now, end);
	}
	double cost = clock_monotonic() - started;
	f->kept_until = started + fmin(fmax(KEPT_S, KEPT_TIMES * cost), KEPT_MAX_S);
	return f;
}

struct forecast *request_forecast(struct request *r)
{
	struct foresight *x = r->web->foresight;
	struct instant now = clock_now();
	const struct world *w = request_still_world(r);
	if (!w)
		return NULL;
	struct date today = zone_date(w->settings->zone, now);
	pthread_mutex_lock(&x->lock); /* who comes while one is made waits for it */
	struct forecast *f = x->newest;
	if (!f || f->kept_until <= clock_monotonic() || f->day.day != today.day || f->plans != w->plans->count) {
		let_go(f);
		f = x->newest = make(w, r->still->states, now, today);
	}
	f->readers++;
	pthread_mutex_unlock(&x->lock);
	return f;
}
