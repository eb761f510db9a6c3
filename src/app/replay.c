#include "app/replay.h"

#include "app/allot.h"
#include "app/peers.h"
#include "app/purse.h"
#include "app/trace.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/spend_window.h"

#include <stdlib.h>
#include <time.h>

enum { SLICE = 256, ALONE = 1500, CONVERSIONS_MAX = 1 << 30 };

struct bucket {
	customer_id *items;
	uint32_t count, cap;
};

/* A supposed purchase after a message, in a what-if replay with response rates. */
struct conversion {
	uint32_t at;
	uint16_t plan, run_no;
};

/* What one slice of people said, in order. */
struct slice_out {
	struct decisions said;
	struct buf text;
	uint64_t asked;
	uint64_t opened[PLANS_MAX < 64 ? PLANS_MAX : 64], clicked[PLANS_MAX < 64 ? PLANS_MAX : 64];
};

struct replay {
	const struct replay_options *o;
	struct replay_result *out;
	struct world world;
	struct pstate *states;
	uint32_t *next_at;              /* per customer: next look; UINT32_MAX never */
	uint32_t *next_fact;            /* per customer: next fact not seen yet */
	struct conversion *conversions; /* per customer; at = 0: none. NULL without rates */
	uint32_t *feedback;             /* per customer: next of o->feedback; NULL without recorded responses */
	customer_id *peers;             /* ring of those who share an address; NULL when nobody does */
	struct bucket *days;
	int32_t first_day, day_count;
	struct allot waiting;
	struct purse purse;
	struct sha256 *hash;
	struct trace_writer *writers[PAR_THREADS_MAX]; /* one a thread */
	struct thresholds thresholds;
	bool failed;
	struct err *err;

	/* the pass under way */
	customer_id *list;
	size_t list_count, list_cap;
	int64_t until; /* looks with next_at < until are taken */
	struct slice_out *slices;
	size_t slice_count, slice_cap;
};

/* ---- days ---- */

static void enqueue(struct replay *r, customer_id c)
{
	uint32_t at = r->next_at[c];
	if (at == UINT32_MAX || at >= r->o->to.s)
		return;
	int32_t day = zone_date(r->o->settings->zone, (struct instant){ at }).day - r->first_day;
	if (day < 0)
		day = 0;
	if (day >= r->day_count)
		return;
	struct bucket *b = &r->days[day];
	size_t cap = b->cap;
	b->items = mem_grow(b->items, &cap, b->count + 1, sizeof *b->items);
	b->cap = (uint32_t)cap;
	b->items[b->count++] = c;
}

static void look_ahead(struct replay *r, customer_id c, struct instant now)
{
	struct view v;
	view_at(&v, r->world.version, c, now);
	struct instant fact = view_next_fact(&v);
	r->next_fact[c] = fact.s >= UINT32_MAX ? UINT32_MAX : (uint32_t)fact.s;
}

static void settle_next(struct replay *r, customer_id c)
{
	uint32_t at = r->states[c].wake;
	if (r->next_fact[c] < at)
		at = r->next_fact[c];
	if (r->conversions && r->conversions[c].at && r->conversions[c].at < at)
		at = r->conversions[c].at;
	if (r->feedback && r->feedback[c] < r->o->feedback_count && r->o->feedback[r->feedback[c]].customer == c &&
	    r->o->feedback[r->feedback[c]].at < at)
		at = r->o->feedback[r->feedback[c]].at;
	r->next_at[c] = at;
}

/* ---- deliveries ---- */

/* Benchmarks of PRODUCT §2, per million: opens, and buyers among those who opened. */
static struct response_rates rates_of(const struct replay *r, const struct plan *p)
{
	if (r->o->rates.open)
		return r->o->rates;
	switch (p->trigger) {
	case TRIGGER_INACTIVE: return (struct response_rates){ 450000, 200000, 100000 };
	case TRIGGER_BIRTHDAY: return (struct response_rates){ 550000, 200000, 100000 };
	case TRIGGER_CART: return (struct response_rates){ 500000, 400000, 400000 };
	case TRIGGER_WELCOME: return (struct response_rates){ 500000, 250000, 150000 };
	case TRIGGER_ORDER:
	case TRIGGER_FIRST_ORDER:
	case TRIGGER_EVENT:
	case TRIGGER_DATED_EVENT:
	case TRIGGER_ONCE:
	case TRIGGER_YEARLY:
	case TRIGGER_SEGMENT:
	case TRIGGER_LIFETIME: break;
	}
	return (struct response_rates){ 300000, 200000, 50000 };
}

static bool drawn(const struct replay *r, enum draw_purpose purpose, const struct decision *d, uint32_t per_million)
{
	uint64_t key = r->world.plans->plans[d->plan]->draw_key;
	return draw_per_million(draw_u64(r->o->seed, purpose, key, d->customer, d->run_no, (uint32_t)d->step)) <
	       per_million;
}

enum { OPEN_WITHIN_S = 20 * HOUR_S, BUY_WITHIN_S = 3 * DAY_S };

static void respond(struct replay *r, struct pstate *state, const struct decision *d, struct slice_out *out)
{
	struct response_rates rates = rates_of(r, r->world.plans->plans[d->plan]);
	if (!drawn(r, DRAW_RESPONSE_OPEN, d, rates.open))
		return;
	uint64_t key = r->world.plans->plans[d->plan]->draw_key;
	uint64_t draw = draw_u64(r->o->seed, DRAW_RESPONSE_DELAY, key, d->customer, d->run_no, (uint32_t)d->step);
	uint32_t at = (uint32_t)d->at.s + 60 + (uint32_t)(draw % OPEN_WITHIN_S);
	struct sent *m = &state->sent[state->sent_count - 1];
	m->opened_at = at;
	out->opened[d->plan % 64]++;
	if (drawn(r, DRAW_RESPONSE_CLICK, d, rates.click_of_open)) {
		m->clicked_at = at + 30;
		out->clicked[d->plan % 64]++;
	}
	if (drawn(r, DRAW_RESPONSE_BUY, d, rates.buy_of_open) && r->conversions[d->customer].at == 0)
		r->conversions[d->customer] =
			(struct conversion){ at + 60 + (uint32_t)((draw >> 32) % BUY_WITHIN_S), d->plan, d->run_no };
}

/* A message decided now leaves now: the guard was asked at this very instant. */
static void deliver(struct replay *r, struct pstate *state, size_t from, struct slice_out *out)
{
	for (size_t i = from; i < out->said.count; i++) {
		const struct decision d = out->said.items[i];
		if (d.verdict != VERDICT_SEND)
			continue;
		check(engine_receipt(&r->world, state, d.plan, d.run_no, (uint8_t)d.step, (enum channel)d.channel,
		                     RECEIPT_ACCEPTED, 0, d.at));
		if (r->conversions && d.channel != CHANNEL_STAFF)
			respond(r, state, &d, out);
	}
}

/* The message a recorded response speaks of, if the replay has sent it. */
static const struct sent *sent_for(const struct replay *r, const struct replay_feedback *f)
{
	const struct pstate *s = &r->states[f->customer];
	for (uint16_t i = s->sent_count; i-- > 0;) {
		const struct sent *m = &s->sent[i];
		const struct plan *p = r->world.plans->plans[m->plan];
		if (hash_str(p->name) == f->plan && hash_str(p->steps[m->step].name) == f->step && m->channel == f->channel &&
		    (f->run_no == 0 || f->run_no == m->run_no))
			return m;
	}
	return NULL;
}

static void take_feedback(struct replay *r, customer_id c, struct instant now, struct slice_out *out)
{
	for (; r->feedback[c] < r->o->feedback_count; r->feedback[c]++) {
		const struct replay_feedback *f = &r->o->feedback[r->feedback[c]];
		if (f->customer != c || f->at > now.s)
			return;
		const struct sent *m = sent_for(r, f);
		if (!m)
			continue;
		out->opened[m->plan % ARRAY_LEN(out->opened)] += f->receipt == RECEIPT_OPENED;
		out->clicked[m->plan % ARRAY_LEN(out->clicked)] += f->receipt == RECEIPT_CLICKED;
		engine_receipt(&r->world, &r->states[c], m->plan, m->run_no, m->step, (enum channel)m->channel,
		               (enum receipt)f->receipt, f->answer, now);
	}
}

/* The steps of an instant: each message delivered may make the next one due at once. False: a message asks for money
 * (spend_all answers), and the person's time stands still until then. */
static bool look_on(struct replay *r, customer_id c, struct instant now, bool begins, struct slice_out *out)
{
	struct pstate *state = &r->states[c];
	for (int i = 0; i < 2 * STEPS_MAX; i++) {
		size_t from = out->said.count, asked_money = out->said.spend_count;
		if (begins && i == 0)
			engine_person(&r->world, c, state, now, &out->said);
		else
			engine_go_on(&r->world, c, state, now, &out->said);
		out->asked++;
		deliver(r, state, from, out);
		if (out->said.spend_count > asked_money)
			return false;
		if (state->wake > now.s)
			break;
	}
	if (r->next_fact[c] <= now.s)
		look_ahead(r, c, now);
	settle_next(r, c);
	check(r->next_at[c] > now.s);
	return true;
}

static bool look(struct replay *r, customer_id c, struct slice_out *out)
{
	struct instant now = { r->next_at[c] };
	if (now.s < r->o->from.s)
		now = r->o->from;
	struct pstate *state = &r->states[c];
	if (r->conversions && r->conversions[c].at && r->conversions[c].at <= now.s) {
		struct conversion v = r->conversions[c];
		r->conversions[c].at = 0;
		engine_convert(&r->world, c, state, v.plan, v.run_no, now, &out->said);
	}
	if (r->feedback)
		take_feedback(r, c, now, out);
	return look_on(r, c, now, true, out);
}

/* Everybody of a ring in time order; a person alone is a ring of one. */
static void look_ring(struct replay *r, customer_id c, struct slice_out *out)
{
	if (!r->peers || r->peers[c] == 0) {
		while (r->next_at[c] < r->until && look(r, c, out))
			;
		return;
	}
	for (;;) {
		customer_id first = c;
		for (customer_id p = r->peers[c]; p != c; p = r->peers[p])
			if (r->next_at[p] < r->next_at[first] || (r->next_at[p] == r->next_at[first] && p < first))
				first = p;
		if (r->next_at[first] >= r->until)
			return;
		if (!look(r, first, out))
			return;
	}
}

static void write_trace(struct replay *r, struct slice_out *s, int thread)
{
	if (s->said.count && !r->writers[thread])
		r->writers[thread] = trace_writer_new(r->world.plans, r->o->settings->zone);
	if (s->said.count)
		trace_write(r->writers[thread], s->said.items, s->said.count, &s->text);
}

/* People of a day are strewn over memory: their lines are asked for a few people ahead. */
static void fetch_ahead(const struct replay *r, size_t k, size_t end)
{
	enum { FAR = 12, NEAR = 5 };
	if (k + FAR < end) {
		customer_id c = r->list[k + FAR];
		const struct chunk *chunk = r->world.version->chunks[1 + (c - 1) / BOOK_CHUNK];
		uint32_t i = (c - 1) % BOOK_CHUNK;
		__builtin_prefetch(&chunk->order_start[i]);
		__builtin_prefetch(&chunk->cart_start[i]);
		__builtin_prefetch(&chunk->consent_start[i]);
		__builtin_prefetch(&chunk->event_start[i]);
		__builtin_prefetch(&chunk->profile[i]);
		__builtin_prefetch(&chunk->order_at);
		__builtin_prefetch(&chunk->carts);
		__builtin_prefetch(&chunk->events);
		__builtin_prefetch(&r->states[c]);
	}
	if (k + NEAR < end) {
		customer_id c = r->list[k + NEAR];
		const struct chunk *chunk = r->world.version->chunks[1 + (c - 1) / BOOK_CHUNK];
		uint32_t i = (c - 1) % BOOK_CHUNK;
		/* both ends of each range: a look begins at the newest */
		__builtin_prefetch(&chunk->order_at[chunk->order_start[i]]);
		__builtin_prefetch(&chunk->order_at[chunk->order_start[i + 1]]);
		__builtin_prefetch(&chunk->order_flags[chunk->order_start[i]]);
		__builtin_prefetch(&chunk->carts[chunk->cart_start[i]]);
		__builtin_prefetch(&chunk->carts[chunk->cart_start[i + 1]]);
		__builtin_prefetch(&chunk->consents[chunk->consent_start[i]]);
		__builtin_prefetch(&chunk->events[chunk->event_start[i]]);
		__builtin_prefetch(r->states[c].runs);
		__builtin_prefetch(r->states[c].sent);
	}
}

static void slice_body(void *ctx, size_t from, size_t to, int thread)
{
	struct replay *r = ctx;
	for (size_t i = from; i < to; i++) {
		struct slice_out *s = &r->slices[i];
		size_t end = (i + 1) * SLICE < r->list_count ? (i + 1) * SLICE : r->list_count;
		for (size_t k = i * SLICE; k < end; k++) {
			fetch_ahead(r, k, end);
			look_ring(r, r->list[k], s);
		}
		write_trace(r, s, thread);
	}
}

static void count_decisions(struct replay *r, const struct decisions *said)
{
	for (size_t i = 0; i < said->count; i++) {
		const struct decision *d = &said->items[i];
		struct replay_plan *p = &r->out->plans[d->plan];
		switch ((enum verdict)d->verdict) {
		case VERDICT_ENTERED: p->entered++; break;
		case VERDICT_CONTROL:
			p->entered++;
			p->control++;
			break;
		case VERDICT_SEND:
			p->messages++;
			p->by_channel[d->channel]++;
			break;
		case VERDICT_HELD: p->held++; break;
		case VERDICT_SKIPPED: p->skipped++; break;
		case VERDICT_DROPPED: p->dropped++; break;
		case VERDICT_EXITED:
			p->exited++;
			p->goals += d->reason == REASON_GOAL_MET;
			break;
		case VERDICT_ENDED: p->ended++; break;
		case VERDICT_TAGGED: p->tagged++; break;
		case VERDICT_COUNT: break;
		}
	}
	r->out->decisions += said->count;
}

static void take_slice(struct replay *r, struct slice_out *s, struct date day)
{
	sha256_add(r->hash, s->text.p ? s->text.p : "", s->text.n);
	if (!r->failed && r->o->trace && s->text.n && !r->o->trace(r->o->ctx, buf_view(&s->text), r->err))
		r->failed = true;
	count_decisions(r, &s->said);
	allot_take(&r->waiting, &s->said);
	purse_take(&r->purse, &s->said);
	if (r->o->decided && s->said.count)
		r->o->decided(r->o->ctx, day, s->said.items, s->said.count);
	r->out->asked += s->asked;
	for (size_t p = 0; p < ARRAY_LEN(s->opened); p++) {
		r->out->plans[p].opened += s->opened[p];
		r->out->plans[p].clicked += s->clicked[p];
	}
	memset(s->opened, 0, sizeof s->opened);
	memset(s->clicked, 0, sizeof s->clicked);
	s->said.count = s->said.proposal_count = 0;
	s->asked = 0;
	buf_clear(&s->text);
}

/* Messages that asked for money get their answers, in order of time, then of value; whoever was answered goes on until
 * `until`. In one thread: what one gets the next does not. */
static void spend_all(struct replay *r, struct date day)
{
	struct spend asked;
	struct slice_out s = { 0 };
	if (r->purse.count == 0)
		return;
	buf_init(&s.text, SIZE_MAX / 2);
	while (purse_next(&r->purse, &asked)) {
		int64_t again;
		bool granted = purse_grant(&r->purse, &r->world, &asked, &again);
		size_t from = s.said.count;
		bool still = engine_spend(&r->world, &asked, &r->states[asked.customer], granted, again, &s.said);
		if (!still && granted)
			purse_give_back(&r->purse, &r->world, &asked); /* asked for twice, by two slots of a day */
		s.asked++;
		deliver(r, &r->states[asked.customer], from, &s);
		bool more = s.said.spend_count == 0 && look_on(r, asked.customer, asked.at, false, &s);
		if (more)
			look_ring(r, asked.customer, &s);
		purse_take(&r->purse, &s.said);
	}
	write_trace(r, &s, 0);
	take_slice(r, &s, day);
	decisions_release(&s.said);
	buf_release(&s.text);
}

/* All looks of the list that fall before `until`. */
static void pass(struct replay *r, struct date day, int64_t until)
{
	r->until = until < r->o->to.s ? until : r->o->to.s;
	size_t need = (r->list_count + SLICE - 1) / SLICE;
	if (need > r->slice_cap) {
		r->slices = mem_realloc(r->slices, need * sizeof *r->slices);
		memset(r->slices + r->slice_cap, 0, (need - r->slice_cap) * sizeof *r->slices);
		for (size_t i = r->slice_cap; i < need; i++)
			buf_init(&r->slices[i].text, SIZE_MAX / 2);
		r->slice_cap = need;
	}
	r->slice_count = need;
	/* waking threads costs more than a few looks: a small pass is done alone */
	size_t looks = 0;
	for (size_t i = 0; i < r->list_count && looks < ALONE; i++)
		looks += r->next_at[r->list[i]] < r->until;
	par_for(need, 1, looks < ALONE ? 1 : r->o->threads, slice_body, r);
	for (size_t i = 0; i < need; i++)
		take_slice(r, &r->slices[i], day);
	spend_all(r, day);
}

static int by_number(const void *x, const void *y)
{
	customer_id a = *(const customer_id *)x, b = *(const customer_id *)y;
	return (a > b) - (a < b);
}

/* Those who share an address are looked at together, so by one thread: in a list their first stands for all. */
static customer_id ring_first(const struct replay *r, customer_id c)
{
	customer_id first = c;
	if (r->peers)
		for (customer_id p = r->peers[c]; p && p != c; p = r->peers[p])
			first = p < first ? p : first;
	return first;
}

/* The day's people, once each, in order of their numbers; of a ring, its first. */
static void list_day(struct replay *r, int32_t day)
{
	struct bucket *b = &r->days[day];
	r->list = mem_grow(r->list, &r->list_cap, (size_t)b->count + 1, sizeof *r->list);
	for (uint32_t i = 0; i < b->count; i++) {
		r->list[i] = ring_first(r, b->items[i]);
	}
	if (b->count)
		qsort(r->list, b->count, sizeof *r->list, by_number);
	size_t n = 0;
	for (uint32_t i = 0; i < b->count; i++)
		if (n == 0 || r->list[n - 1] != r->list[i])
			r->list[n++] = r->list[i];
	r->list_count = n;
	free(b->items);
	*b = (struct bucket){ 0 };
}

/* The day's slots of each smoothed plan go to the most valuable of those who wait and still qualify. */
static void give_slots(struct replay *r, struct instant now, struct date day)
{
	struct slice_out s = { 0 };
	buf_init(&s.text, SIZE_MAX / 2);
	for (size_t p = 0; p < r->world.plans->count; p++) {
		int32_t slots = r->world.plans->plans[p]->smooth_per_day;
		customer_id c;
		while (slots > 0 && allot_next(&r->waiting, p, &c)) {
			size_t from = s.said.count;
			if (!engine_enter(&r->world, c, &r->states[c], (uint16_t)p, now, &s.said))
				continue;
			slots--;
			deliver(r, &r->states[c], from, &s);
			settle_next(r, c); /* one who asks for money is settled again by the answer */
			r->list = mem_grow(r->list, &r->list_cap, r->list_count + 1, sizeof *r->list);
			r->list[r->list_count++] = ring_first(r, c);
		}
	}
	write_trace(r, &s, 0);
	take_slice(r, &s, day);
	decisions_release(&s.said);
	buf_release(&s.text);
	spend_all(r, day);
}

static void sort_list(struct replay *r)
{
	if (r->list_count)
		qsort(r->list, r->list_count, sizeof *r->list, by_number);
	size_t n = 0;
	for (size_t i = 0; i < r->list_count; i++)
		if (n == 0 || r->list[n - 1] != r->list[i])
			r->list[n++] = r->list[i];
	r->list_count = n;
}

static void requeue(struct replay *r)
{
	for (size_t i = 0; i < r->list_count; i++) {
		customer_id c = r->list[i];
		enqueue(r, c);
		if (r->peers)
			for (customer_id p = r->peers[c]; p && p != c; p = r->peers[p])
				enqueue(r, p);
	}
}

static void run_day(struct replay *r, struct spend_window *window, int32_t d)
{
	struct date day = { r->first_day + d };
	struct instant start = zone_instant(r->o->settings->zone, day, 0);
	struct instant end = zone_instant(r->o->settings->zone, (struct date){ day.day + 1 }, 0);
	if (start.s < r->o->from.s)
		start = r->o->from;
	spend_window_at(window, day, &r->thresholds);
	list_day(r, d);
	pass(r, day, start.s + 1);
	give_slots(r, start, day);
	sort_list(r);
	pass(r, day, end.s);
	requeue(r);
}

/* ---- the whole ---- */

static uint64_t count_facts(const struct version *v, struct instant from, struct instant to)
{
	uint64_t n = 0;
	for (size_t i = 0; i < v->chunk_count; i++) {
		const struct chunk *k = v->chunks[i];
		uint32_t people = i ? BOOK_CHUNK : 1;
		for (uint32_t o = 0; o < k->order_start[people]; o++)
			if (k->order_at[o] >= from.s && k->order_at[o] < to.s)
				n += k->order_line[o + 1] - k->order_line[o];
		for (uint32_t c = 0; c < k->cart_start[people]; c++)
			n += k->carts[c].at >= from.s && k->carts[c].at < to.s;
		for (uint32_t c = 0; c < k->consent_start[people]; c++)
			n += k->consents[c].at >= from.s && k->consents[c].at < to.s;
		for (uint32_t e = 0; e < k->event_start[people]; e++)
			n += k->events[e].at >= from.s && k->events[e].at < to.s;
	}
	return n;
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the result depends on beside the facts, so that two hashes are only the same when the question was. */
static void write_head(struct replay *r)
{
	struct buf b;
	char from[32], to[32];
	buf_init(&b, 1 << 20);
	buf_printf(&b, "# relance replay\tfrom %s\tto %s\tzone %s\tseed %llu\tconsent %s\tresponse %s\n",
	           instant_text(r->o->from, from), instant_text(r->o->to, to), zone_name(r->o->settings->zone),
	           (unsigned long long)r->o->seed, r->o->assume_consent ? "assume" : "recorded",
	           (const char *[]){ "none", "rates", "recorded" }[r->o->response]);
	for (size_t i = 0; i < r->world.plans->count; i++)
		buf_printf(&b, "# plan %.*s\tversion %u\t%016llx\n", STR_ARG(r->world.plans->plans[i]->name),
		           r->world.plans->plans[i]->version, (unsigned long long)r->world.plans->plans[i]->hash);
	sha256_add(r->hash, b.p, b.n);
	if (r->o->trace && !r->o->trace(r->o->ctx, buf_view(&b), r->err))
		r->failed = true;
	buf_release(&b);
}

static void set_up(struct replay *r)
{
	size_t people = (size_t)r->world.version->customers + 1;
	r->states = mem_alloc(people * sizeof *r->states);
	r->next_at = mem_alloc(people * sizeof *r->next_at);
	r->next_fact = mem_alloc(people * sizeof *r->next_fact);
	if (r->o->response == RESPONSE_RATES)
		r->conversions = mem_alloc(people * sizeof *r->conversions);
	if (r->o->response == RESPONSE_RECORDED) {
		r->feedback = mem_alloc(people * sizeof *r->feedback);
		for (size_t c = 0; c < people; c++)
			r->feedback[c] = (uint32_t)r->o->feedback_count;
		for (size_t i = r->o->feedback_count; i-- > 0;)
			r->feedback[r->o->feedback[i].customer] = (uint32_t)i;
	}
	allot_init(&r->waiting, r->world.plans, people);
	r->peers = peers_find(r->world.version);
	r->world.states = r->states;
	r->world.peers = r->peers;
	if (!r->peers)
		r->world.states = NULL;
	r->first_day = zone_date(r->o->settings->zone, r->o->from).day;
	r->day_count = zone_date(r->o->settings->zone, (struct instant){ r->o->to.s - 1 }).day - r->first_day + 1;
	r->days = mem_alloc((size_t)r->day_count * sizeof *r->days);
	r->next_at[GUESTS] = UINT32_MAX;
	for (customer_id c = 1; c < people; c++) { /* everybody is asked at the start */
		look_ahead(r, c, r->o->from);
		r->states[c].wake = (uint32_t)r->o->from.s;
		r->next_at[c] = (uint32_t)r->o->from.s;
		enqueue(r, c);
	}
}

static void tear_down(struct replay *r)
{
	free(r->next_at);
	free(r->next_fact);
	free(r->conversions);
	free(r->feedback);
	free(r->peers);
	allot_release(&r->waiting);
	purse_release(&r->purse);
	for (int32_t d = 0; d < r->day_count; d++)
		free(r->days[d].items);
	free(r->days);
	for (size_t i = 0; i < r->slice_cap; i++) {
		decisions_release(&r->slices[i].said);
		buf_release(&r->slices[i].text);
	}
	free(r->slices);
	free(r->list);
	for (size_t i = 0; i < ARRAY_LEN(r->writers); i++)
		trace_writer_free(r->writers[i]);
}

bool replay_run(const struct replay_options *o, struct replay_result *out, struct err *err)
{
	*out = (struct replay_result){ 0 };
	if (o->from.s >= o->to.s)
		return err_set(err, ERR_INPUT, "--from must be before --to");
	double started = seconds_now();
	struct replay r = { .o = o, .out = out, .err = err };
	r.world = (struct world){ .book = o->book,
		                      .version = o->version,
		                      .plans = o->plans,
		                      .words = o->words,
		                      .settings = o->settings,
		                      .thresholds = &r.thresholds,
		                      .seed = o->seed,
		                      .assume_consent = o->assume_consent };
	r.hash = sha256_new();
	write_head(&r);
	set_up(&r);
	struct spend_window *window = spend_window_new(o->version, o->settings->zone, o->to, &o->settings->lifecycle);
	for (int32_t d = 0; d < r.day_count && !r.failed; d++) {
		run_day(&r, window, d);
		if (o->progress)
			o->progress(o->ctx, (uint64_t)d + 1, (uint64_t)r.day_count);
	}
	spend_window_free(window);
	sha256_hex(r.hash, out->trace_sha256);
	sha256_free(r.hash);
	tear_down(&r);
	out->states = r.states;
	out->customers = o->version->customers;
	out->seconds = seconds_now() - started;
	out->facts = count_facts(o->version, o->from, o->to);
	if (r.failed) {
		replay_result_release(out);
		return false;
	}
	return true;
}

void replay_result_release(struct replay_result *r)
{
	if (r->states)
		for (uint32_t c = 0; c <= r->customers; c++)
			pstate_release(&r->states[c]);
	free(r->states);
	r->states = NULL;
}
