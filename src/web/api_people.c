/* Everything about one customer. */
#include "app/live_int.h"
#include "web/web_int.h"

#include "app/clock.h"
#include "fold/basis.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- one customer ---- */

static void no_customer(struct request *r)
{
	request_problem(r, 404, "there is no customer with this number");
}

/* The number in the path; 0: problem set. */
static customer_id customer_named(struct request *r)
{
	int64_t id;
	if (str_i64(r->args[0], &id) && id > 0 && id < UINT32_MAX)
		return (customer_id)id;
	no_customer(r);
	return 0;
}

/* The same, of somebody who is there. */
customer_id customer_arg(struct request *r)
{
	struct err err;
	customer_id c = customer_named(r);
	struct db *db = c ? request_db(r) : NULL;
	if (!db)
		return 0;
	struct query *q = db_query(db, "web_customer_there");
	query_int(q, 1, c);
	int got = query_next(q, &err);
	if (got == 1) /* who was merged away is whoever goes on for them */
		c = (customer_id)query_get_int(q, 0);
	query_done(q);
	if (got == 0)
		no_customer(r);
	else if (got < 0)
		request_err(r, &err);
	return got == 1 ? c : 0;
}

static void put_orders(struct request *r, const struct view *v, const struct lifecycle *l)
{
	struct buf *b = &r->out;
	zone_id zone = r->web->settings->zone;
	struct date first = DATE_UNKNOWN;
	int64_t sales = 0;
	for (uint32_t o = v->order0; o < v->order1; o++)
		if (order_is_sale(v->k, o)) {
			if (!date_known(first))
				first = zone_date(zone, (struct instant){ v->k->order_at[o] });
			sales += order_total(v->k, o);
		}
	put_cstr(b, "phase", phase_name(l->phase));
	put_int(b, "orders", l->orders);
	put_int(b, "spend", l->spend);
	put_int(b, "spend_12m", l->spend_12m);
	put_date(b, "first_order", first);
	put_date(b, "last_order", l->last_order);
	if (l->orders)
		put_int(b, "average_basket", thresholds_divide(sales, l->orders));
	else
		put_null(b, "average_basket");
}

static void put_profile(struct request *r, const struct view *v)
{
	struct buf *b = &r->out;
	const struct profile *p = view_profile(v);
	put_cstr(b, "zone", zone_name(p->zone));
	put_cstr(b, "locale", locale_name((enum locale)p->locale));
	put_date(b, "born", (struct date){ p->born });
	for (unsigned interest = 0; interest < 2; interest++) {
		put_open(b, interest ? "interests" : "tags", '[');
		for (uint32_t i = v->k->word_start[v->i]; i < v->k->word_start[v->i + 1]; i++)
			if ((v->k->words[i] & 1) == interest)
				put_str(b, NULL, book_word_text(r->web->book, v->k->words[i] >> 1));
		put_close(b, ']');
	}
}

/* The newest words of each state on each channel and purpose: where, how and in which words it was given is its proof.
 */
struct proof {
	struct str source, wording;
	int64_t at, seq;
};
enum { CONSENT_STATES = CONSENT_OPPOSED + 1 };

static bool read_proofs_of(struct request *r, customer_id record,
                           struct proof out[CHANNEL_COUNT][PURPOSE_COUNT][CONSENT_STATES], struct err *err)
{
	struct query *q = db_query(request_db(r), "consents_said");
	int got;
	query_int(q, 1, record);
	while ((got = query_next(q, err)) == 1) {
		struct consent_body said;
		if (!body_read_consent(query_get_text(q, 4), &r->arena, &said, err))
			break;
		struct proof *p = &out[said.channel][said.purpose][said.state];
		int64_t seq = query_get_int(q, 0), at = query_get_int(q, 2);
		if (p->source.p && (at < p->at || (at == p->at && seq < p->seq)))
			continue;
		*p = (struct proof){ .source = arena_str(&r->arena, said.source),
			                 .wording = arena_str(&r->arena, said.wording),
			                 .at = at,
			                 .seq = seq };
	}
	query_done(q);
	return got == 0;
}

static bool read_proofs(struct request *r, customer_id c,
                        struct proof out[CHANNEL_COUNT][PURPOSE_COUNT][CONSENT_STATES], struct err *err)
{
	customer_id *records;
	size_t count = 0;
	bool ok = store_records(request_db(r), c, &r->arena, &records, &count, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = read_proofs_of(r, records[i], out, err);
	return ok;
}

/* What was said last on each channel and purpose, with what it allows now. */
static void put_consents(struct request *r, const struct subject *s,
                         struct proof proofs[CHANNEL_COUNT][PURPOSE_COUNT][CONSENT_STATES])
{
	struct buf *b = &r->out;
	struct basis_rules rules = { .post_opt_in = r->web->settings->post_opt_in,
		                         .soft_opt_in = r->web->settings->soft_opt_in };
	put_open(b, "consents", '[');
	for (int c = 0; c < CHANNEL_STAFF; c++)
		for (int p = 0; p < PURPOSE_COUNT; p++) {
			const struct consent *said = basis_said(&s->view, (enum channel)c, (enum purpose)p);
			if (!said && (p != PURPOSE_MARKETING || c > CHANNEL_PHONE || !basis_reachable(s, (enum channel)c)))
				continue;
			enum basis basis = basis_of(s, &rules, (enum channel)c, (enum purpose)p);
			put_open(b, NULL, '{');
			put_cstr(b, "channel", channel_name((enum channel)c));
			put_cstr(b, "purpose", purpose_name((enum purpose)p));
			put_cstr(b, "state", said ? consent_state_name((enum consent_state)said->state) : NULL);
			put_instant(b, "at", (struct instant){ said ? said->at : 0 });
			const struct proof *proof = &proofs[c][p][said ? said->state : CONSENT_GRANTED];
			put_str(b, "source", proof->source);
			put_str(b, "wording", proof->wording);
			put_bool(b, "may", basis_allows(basis));
			put_cstr(b, "basis", basis_name(basis));
			put_close(b, '}');
		}
	put_close(b, ']');
}

/* Where a plan stands with the person, in one sentence. */
static void stands(const struct world *w, customer_id c, const struct pstate *s, uint16_t plan, struct instant now,
                   enum locale locale, struct buf *out)
{
	const struct plan *p = w->plans->plans[plan];
	bool fr = locale == LOCALE_FR;
	char at[40];
	for (uint16_t i = s->run_count; i-- > 0;) {
		const struct run *r = &s->runs[i];
		if (w->plans->family[r->plan] != w->plans->family[plan] || r->state != RUN_ACTIVE)
			continue;
		const struct plan *on = w->plans->plans[r->plan];
		if (fr && r->run_no <= 1)
			buf_cstr(out, "en route");
		else
			buf_printf(out, fr ? "en route pour la %ue fois" : "in run %u", r->run_no);
		buf_cstr(out, !r->control ? "" : fr ? ", groupe témoin" : ", in the control group");
		if (r->step < on->step_count)
			buf_printf(out, fr ? ", prochaine étape %.*s" : ", next step %.*s", STR_ARG(on->steps[r->step].name));
		if (r->queued)
			buf_cstr(out, fr ? ", son message attend de partir" : ", its message is queued");
		else if (s->wake != UINT32_MAX)
			buf_printf(out, fr ? ", prochaine décision le %s" : ", looked at again %s",
			           instant_local((struct instant){ s->wake }, w->settings->zone, at));
		return;
	}
	if (!w->plans->on[plan])
		buf_cstr(out, fr ? "le plan est arrêté" : "the plan is off");
	else if (c <= w->version->customers && engine_candidate(w, c, s, plan, now))
		buf_cstr(out, p->smooth_per_day ? (fr ? "entrerait\xC2\xA0: attend son tour, les entrées étant étalées"
		                                      : "would enter: waits its turn, entries being spread out")
		                                : (fr ? "entrerait maintenant" : "would enter now"));
	else
		buf_cstr(out, fr ? "n’y est pas\xC2\xA0: son déclencheur n’est pas atteint, ou son public ne convient pas"
		                 : "not in it: its trigger has not been reached, or its audience does not hold");
}

static void put_plans_now(struct request *r, const struct world *w, customer_id c, const struct pstate *s)
{
	struct buf *b = &r->out, text;
	struct instant now = clock_now();
	buf_init(&text, 4096);
	put_open(b, "plans", '[');
	for (uint16_t i = 0; i < w->plans->count; i++) {
		if (w->plans->current[i] != i)
			continue;
		buf_clear(&text);
		stands(w, c, s, i, now, request_locale(r), &text);
		put_open(b, NULL, '{');
		put_str(b, "plan", w->plans->plans[i]->name);
		put_str(b, "now", buf_view(&text));
		put_close(b, '}');
	}
	put_close(b, ']');
	buf_release(&text);
}

static void put_runs(struct request *r, const struct world *w, const struct pstate *s)
{
	static const char *const STATES[] = { "active", "ended", "exited" };
	struct buf *b = &r->out;
	put_open(b, "runs", '[');
	for (uint16_t i = 0; i < s->run_count; i++) {
		const struct run *run = &s->runs[i];
		const struct plan *p = w->plans->plans[run->plan];
		put_open(b, NULL, '{');
		put_str(b, "plan", p->name);
		put_int(b, "run", run->run_no);
		put_instant(b, "entered_at", (struct instant){ run->entered_at });
		if (run->step < p->step_count)
			put_str(b, "step", p->steps[run->step].name);
		else
			put_null(b, "step");
		put_bool(b, "control", run->control);
		put_cstr(b, "state", run->state < ARRAY_LEN(STATES) ? STATES[run->state] : "ended");
		put_close(b, '}');
	}
	put_close(b, ']');
}

/* Where somebody stands: what is in the database, and when they are looked at next, which is not: the engine is asked
 * as the ticker asked it, on a copy. */
static bool read_standing(struct request *r, const struct world *w, customer_id c, struct pstate *out, struct err *err)
{
	bool active = false;
	if (!live_person(request_db(r), w, c, out, err))
		return false;
	for (uint16_t i = 0; i < out->run_count; i++)
		active |= out->runs[i].state == RUN_ACTIVE && !out->runs[i].queued;
	if (!active || c > w->version->customers)
		return true;
	struct pstate copy = *out;
	struct decisions said = { .count = 0 };
	copy.runs = memcpy(mem_alloc(out->run_cap * sizeof *out->runs), out->runs, out->run_count * sizeof *out->runs);
	copy.sent = out->sent_count ? memcpy(mem_alloc(out->sent_cap * sizeof *out->sent), out->sent,
	                                     out->sent_count * sizeof *out->sent)
	                            : NULL;
	copy.sent_cap = out->sent_count ? out->sent_cap : 0;
	engine_person(w, c, &copy, clock_now(), &said);
	out->wake = copy.wake;
	decisions_release(&said);
	pstate_release(&copy);
	return true;
}

/* Somebody the book does not know yet: for the fifth of a second after their first fact. */
static void put_newcomer(struct request *r)
{
	const struct view nothing = { .order0 = 0 };
	const struct lifecycle prospect = { .phase = PHASE_PROSPECT, .last_order = DATE_UNKNOWN };
	struct buf *b = &r->out;
	put_orders(r, &nothing, &prospect);
	put_cstr(b, "zone", zone_name(r->web->shop.zone));
	put_cstr(b, "locale", locale_name(r->web->shop.locale));
	put_null(b, "born");
	static const char *const LISTS[] = { "tags", "interests", "consents" };
	for (size_t i = 0; i < ARRAY_LEN(LISTS); i++) {
		put_open(b, LISTS[i], '[');
		put_close(b, ']');
	}
}

/* Who is there as JSON. False: answered with a problem. */
static bool put_who(struct request *r, customer_id c)
{
	struct err err;
	struct person p;
	struct str ref;
	struct buf *b = &r->out;
	if (!store_person(r->db, c, &r->arena, &p, &ref, &err)) {
		request_err(r, &err);
		return false;
	}
	put_open(b, NULL, '{');
	put_int(b, "id", c);
	put_str(b, "ref", ref);
	put_open(b, "person", '{');
	put_str(b, "civility", p.civility);
	put_person(b, &p);
	put_str(b, "country", p.country);
	put_close(b, '}');
	if (put_merged(r, c, &err))
		return true;
	request_err(r, &err);
	return false;
}

static void put_customer(struct request *r, const struct world *w, customer_id c, const struct pstate *state)
{
	if (c <= w->version->customers) {
		struct lifecycle l = customer_life(w, c);
		struct subject s;
		struct proof proofs[CHANNEL_COUNT][PURPOSE_COUNT][CONSENT_STATES] = { 0 };
		struct err err;
		if (!read_proofs(r, c, proofs, &err)) {
			request_err(r, &err);
			return;
		}
		expr_subject(w->book, w->version, NULL, c, clock_now(), w->thresholds, &s);
		put_orders(r, &s.view, &l);
		put_profile(r, &s.view);
		put_consents(r, &s, proofs);
	} else {
		put_newcomer(r);
	}
	put_runs(r, w, state);
	put_plans_now(r, w, c, state);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

void on_customer(struct request *r)
{
	const struct world *w = request_db(r) ? request_world(r) : NULL;
	struct pstate state;
	struct err err;
	customer_id c = w ? customer_named(r) : 0, asked = c;
	if (!c || shelf_has(r, w, asked))
		return;
	if (!db_begin_read(r->db, &err)) { /* one state of the database, taken once */
		request_err(r, &err);
		return;
	}
	c = customer_arg(r);
	if (c && put_who(r, c)) {
		if (read_standing(r, w, c, &state, &err))
			put_customer(r, w, c, &state);
		else
			request_err(r, &err);
		pstate_release(&state);
	}
	db_rollback(r->db);
	shelf_put(r, asked);
}

/* ---- why ---- */

struct why_page {
	struct request *r;
	int64_t from, limit, n; /* decisions before the page; on it; seen */
};

static bool put_decision(void *ctx, const struct outbox_decision *d, struct err *err)
{
	struct why_page *page = ctx;
	struct request *r = page->r;
	struct buf *b = &r->out, text;
	(void)err;
	int64_t n = page->n++;
	if (n < page->from || n >= page->from + page->limit)
		return true;
	buf_init(&text, 2048);
	reason_text(d->reason, d->argument, r->web->settings->zone, request_locale(r), &text);
	put_open(b, NULL, '{');
	put_instant(b, "at", d->first_at);
	put_instant(b, "last_at", d->at);
	put_str(b, "plan", d->plan);
	put_int(b, "version", d->version);
	put_int(b, "run", d->run_no);
	put_str(b, "step", d->step);
	put_cstr(b, "verdict", verdict_name(d->verdict));
	put_cstr(b, "channel", d->channel < CHANNEL_COUNT ? channel_name((enum channel)d->channel) : NULL);
	put_cstr(b, "reason", reason_name(d->reason));
	put_str(b, "text", buf_view(&text));
	put_int(b, "times", d->times);
	put_close(b, '}');
	buf_release(&text);
	return true;
}

void on_why(struct request *r)
{
	struct err err;
	customer_id c = customer_arg(r);
	const struct world *w = c ? request_world(r) : NULL;
	struct pstate state;
	struct why_page page = { .r = r,
		                     .from = number_query(r, "cursor", 0, INT32_MAX, 0),
		                     .limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT) };
	if (!w)
		return;
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "decisions", '[');
	if (!outbox_decisions(request_db(r), c, put_decision, &page, &err)) {
		request_err(r, &err);
		return;
	}
	put_close(&r->out, ']');
	put_cursor(&r->out, page.from + page.limit, page.n > page.from + page.limit);
	if (read_standing(r, w, c, &state, &err)) {
		put_plans_now(r, w, c, &state);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	} else {
		request_err(r, &err);
	}
	pstate_release(&state);
}
