/* The people behind a count: ?plan=anti-churn&is=waiting&step=winback-2 names those whom the page's number counted, by
 * the same rules as summary.c. What a merged record had is counted there under the record, once; here it is whoever
 * goes on for it who is named, by the copies that summary.c passes over (RUN_JOINED). */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/figures.h"
#include "model/names.h"

#include <stdlib.h>

enum among {
	ENTERED,
	ACTIVE,
	CONTROL,
	ENDED,
	EXITED,
	WAITING,
	HELD,
	QUEUED,
	SENT,
	OPENED,
	CLICKED,
	TODAY,
	LEAVING,
	BROUGHT,
	AMONG_COUNT,
};
static const char *const WORDS[AMONG_COUNT] = { "entered", "active", "control", "ended",  "exited",
	                                            "waiting", "held",   "queued",  "sent",   "opened",
	                                            "clicked", "today",  "leaving", "brought" };

struct question {
	enum among is;
	int family; /* −1: any plan */
	int step;   /* −1: any step */
	int reason; /* −1: any */
	int channel;
	int64_t day;
	struct instant now, since;    /* since: of orders */
	struct summary_period period; /* of runs, messages and orders */
};

static bool is_plan(const struct question *q, const struct plan_set *set, uint16_t plan)
{
	return q->family < 0 || set->family[plan] == q->family;
}

static bool of_run(const struct question *q, const struct plan_set *set, const struct run *r)
{
	bool active = r->state == RUN_ACTIVE;
	if (!is_plan(q, set, r->plan) || (q->step >= 0 && r->step != q->step) || r->entered_at < q->period.from.s ||
	    r->entered_at >= q->period.to.s)
		return false;
	switch (q->is) {
	case ENTERED: return true;
	case ACTIVE:
	case WAITING: return active;
	case CONTROL: return r->control;
	case ENDED: return r->state == RUN_ENDED;
	case EXITED: return r->state == RUN_EXITED;
	case HELD: return active && !r->control && r->held_reason && (q->reason < 0 || r->held_reason == q->reason);
	default: return false;
	}
}

static bool of_sent(const struct question *q, const struct world *w, customer_id c, const struct sent *m)
{
	bool gone = m->state == SENT_ACCEPTED;
	if (m->at < q->period.from.s || m->at >= q->period.to.s || !is_plan(q, w->plans, m->plan) ||
	    (q->step >= 0 && m->step != q->step) || (q->channel >= 0 && m->channel != q->channel))
		return false;
	switch (q->is) {
	case QUEUED: return m->state == SENT_QUEUED;
	case LEAVING: return m->state == SENT_QUEUED || (gone && m->at >= q->day); /* and those the forecast names */
	case SENT: return gone;
	case OPENED:
	case CLICKED:
		return (m->clicked_at || (q->is == OPENED && m->opened_at)) &&
		       figures_may_know(w->book, w->version, w->thresholds, c, m);
	case TODAY: return gone && m->at >= q->day;
	default: return false;
	}
}

static bool brought(const struct question *q, const struct world *w, customer_id c, const struct pstate *s)
{
	struct view v;
	view_at(&v, w->version, c, q->now);
	for (uint32_t o = v.order0; o < v.order1; o++) {
		const struct sent *m =
			v.k->order_at[o] >= q->since.s && v.k->order_at[o] < q->period.to.s && order_is_sale(v.k, o)
				? summary_speaker(s, v.k->order_at[o])
				: NULL;
		if (m && is_plan(q, w->plans, m->plan))
			return true;
	}
	return false;
}

static bool answers(const struct question *q, const struct world *w, customer_id c, const struct pstate *s)
{
	if (q->is == BROUGHT)
		return s->sent_count && brought(q, w, c, s);
	for (uint16_t i = 0; i < s->run_count; i++)
		if (of_run(q, w->plans, &s->runs[i]))
			return true;
	for (uint16_t i = 0; i < s->sent_count; i++)
		if (of_sent(q, w, c, &s->sent[i]))
			return true;
	return false;
}

static int word_find(const char *const *words, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

static bool read_step(struct request *r, struct question *q, const struct plan_set *set)
{
	const char *step = request_query(r, "step");
	if (!step || !step[0])
		return true;
	const struct plan *p = q->family < 0 ? NULL : set->plans[set->current[q->family]];
	for (uint8_t i = 0; p && i < p->step_count; i++)
		if (str_eq(p->steps[i].name, str_from(step)))
			q->step = i;
	if (q->step < 0)
		request_problem(r, 422, p ? "the plan has no step \"%s\"" : "a step \"%s\" needs its plan: plan=NAME", step);
	return q->step >= 0;
}

/* ?from=DATE&to=DATE: the period of a page's figures; without: all that ever was. */
static bool read_period(struct request *r, struct question *q, zone_id zone)
{
	const char *from = request_query(r, "from"), *to = request_query(r, "to");
	struct date d;
	q->period = (struct summary_period){ { 0 }, INSTANT_NEVER };
	if (from && from[0]) {
		if (!date_parse(str_from(from), &d)) {
			request_problem(r, 422, "\"from\" is a date such as 2026-01-01");
			return false;
		}
		q->period.from = q->since = zone_instant(zone, d, 0);
	}
	if (to && to[0]) {
		if (!date_parse(str_from(to), &d)) {
			request_problem(r, 422, "\"to\" is a date such as 2026-12-31");
			return false;
		}
		q->period.to = zone_instant(zone, (struct date){ d.day + 1 }, 0);
	}
	return true;
}

static bool read_question(struct request *r, const struct world *w, struct question *q)
{
	const char *is = request_query(r, "is"), *plan = request_query(r, "plan"), *reason = request_query(r, "reason"),
			   *channel = request_query(r, "channel");
	int word = word_find(WORDS, AMONG_COUNT, is);
	zone_id zone = w->settings->zone;
	*q = (struct question){ .is = (enum among)word, .family = -1, .step = -1, .reason = -1, .channel = -1 };
	if (word < 0) {
		request_problem(r, 422,
		                "is=%s is not known; one of entered, active, control, ended, exited, waiting, held, queued, "
		                "sent, opened, clicked, today, leaving, brought",
		                is);
		return false;
	}
	for (uint16_t i = 0; plan && i < w->plans->count; i++)
		if (w->plans->family[i] == i && str_eq(w->plans->plans[i]->name, str_from(plan)))
			q->family = i;
	if (plan && plan[0] && q->family < 0) {
		request_problem(r, 422, "no plan \"%s\" was ever on", plan);
		return false;
	}
	for (int i = 1; reason && i < REASON_COUNT; i++)
		if (strcmp(reason_name((enum reason)i), reason) == 0)
			q->reason = i;
	if (channel && channel[0])
		q->channel = channel_find(str_from(channel));
	if ((reason && reason[0] && q->reason < 0) || (channel && channel[0] && q->channel < 0)) {
		request_problem(r, 422, "no such %s", q->reason < 0 && reason ? "reason" : "channel");
		return false;
	}
	q->now = clock_now();
	q->day = zone_instant(zone, zone_date(zone, q->now), 0).s;
	q->since = summary_since(q->now);
	return read_period(r, q, zone) && read_step(r, q, w->plans);
}

/* Those who get something before the day ends, whom a decision already taken does not tell. */
static bool add_leaving(struct request *r, const struct question *q, uint64_t *bits)
{
	struct forecast *f = request_forecast(r);
	if (!f)
		return false;
	for (size_t i = 0; i < f->count; i++) {
		const struct leaving *x = &f->items[i];
		if ((q->family < 0 || x->family == q->family) && (q->channel < 0 || x->channel == q->channel) &&
		    x->customer <= r->version->customers)
			bits[x->customer >> 6] |= 1ull << (x->customer & 63);
	}
	forecast_let_go(r->web, f);
	return true;
}

uint64_t *among_bits(struct request *r, uint64_t *count)
{
	struct question q;
	const struct world *w = request_still_world(r);
	if (!w || !read_question(r, w, &q))
		return NULL;
	const struct version *v = w->version;
	uint64_t *bits = arena_array(&r->arena, uint64_t, ((size_t)v->customers + 64) / 64);
	for (customer_id c = 1; c <= v->customers; c++)
		if (answers(&q, w, c, &r->still->states[c]))
			bits[c >> 6] |= 1ull << (c & 63);
	if (q.is == LEAVING && !add_leaving(r, &q, bits))
		return NULL;
	if (!bits_without_gone(r, bits, v->customers))
		return NULL;
	*count = bits_count(bits, v->customers);
	return bits;
}

uint64_t bits_count(const uint64_t *bits, uint32_t customers)
{
	uint64_t n = 0;
	for (size_t i = 0; i < ((size_t)customers + 64) / 64; i++)
		n += (uint64_t)__builtin_popcountll(bits[i]);
	return n;
}
