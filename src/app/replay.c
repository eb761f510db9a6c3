/* Method: people are independent of each other but for the slots of smoothed plans. So a stretch of days is done person
 * by person, each through the whole stretch while what is known of her is at hand; only who asks for a slot stops there
 * and goes on day by day, with everybody else who waits for one, until it is given. How long a stretch is changes
 * nothing in the result: only how much is kept in memory before it is brought into order. */
#include "app/replay_int.h"

#include "app/peers.h"
#include "fold/spend_window.h"

#include <stdlib.h>
#include <time.h>

enum { SLICE_MIN = 64, SLICE_MAX = 2048, SLICES_WANTED = 64, LATE_SLICE = 32, FIRST_STRETCH = 8, KEPT_MIN = 1 << 19 };

static void ids_add(struct ids *l, customer_id c)
{
	l->items = mem_grow(l->items, &l->cap, l->count + 1, sizeof *l->items);
	l->items[l->count++] = c;
}

/* ---- thresholds: of every day, from facts alone; ahead of the looks by a thread of their own ---- */

static void figure(struct replay *r)
{
	if (!r->window)
		r->window = spend_window_new(r->world.version, r->o->settings->zone, r->o->to, &r->o->settings->lifecycle);
	spend_window_at(r->window, (struct date){ r->first_day + r->figured }, &r->thresholds[r->figured]);
}

static void *figure_all(void *ctx)
{
	struct replay *r = ctx;
	for (int32_t d = 0; d < r->day_count; d++) {
		figure(r);
		pthread_mutex_lock(&r->lock);
		r->figured++;
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

static void need_figures(struct replay *r, int32_t days)
{
	if (!r->figures_apart) {
		for (; r->figured < days; r->figured++)
			figure(r);
		return;
	}
	pthread_mutex_lock(&r->lock);
	while (r->figured < days)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

/* ---- a stretch, person by person ---- */

/* Waits for a slot, whatever else happens: goes day by day. */
static bool unit_waits(const struct replay *r, customer_id unit)
{
	customer_id c = unit;
	if (r->asks[unit])
		return true;
	do {
		if (allot_waits(&r->waiting, c))
			return true;
		c = r->peers ? r->peers[c] : 0;
	} while (c && c != unit);
	return false;
}

static int64_t stretch_end(const struct replay *r)
{
	return r->day_start[r->stretch + r->length];
}

/* The next people's first lines are asked for while these are looked at. */
static void fetch_ahead(const struct replay *r, customer_id c, customer_id end)
{
	enum { FAR = 6, NEAR = 2 };
	if (c + FAR < end)
		__builtin_prefetch(&r->states[c + FAR]);
	if (c + NEAR < end && r->next_at[c + NEAR] < stretch_end(r)) {
		const struct pstate *s = &r->states[c + NEAR];
		__builtin_prefetch(s->runs + (s->run_count ? s->run_count - 1 : 0));
		__builtin_prefetch(s->sent + (s->sent_count ? s->sent_count - 1 : 0));
	}
}

static void slice_body(void *ctx, size_t from, size_t to, int thread)
{
	struct replay *r = ctx;
	struct hand *h = &r->hands[thread];
	int64_t until = stretch_end(r);
	customer_id last = (customer_id)r->world.version->customers;
	for (size_t i = from; i < to; i++) {
		customer_id c = (customer_id)(i * r->slice_people + 1), end = (customer_id)(c + r->slice_people);
		end = end > last + 1 ? last + 1 : end;
		r->slices[i] = (struct slice){ .from = h->segment_count, .hand = (uint8_t)thread };
		for (; c < end; c++) {
			fetch_ahead(r, c, end);
			if (r->peers && unit_of(r, c) != c)
				continue;
			if (unit_next(r, c) < until && (unit_waits(r, c) || look_unit(h, c, until)))
				ids_add(&h->stopped, c);
		}
		r->slices[i].to = h->segment_count;
	}
}

/* ---- day by day: those who ask for slots ---- */

static void enqueue(struct replay *r, customer_id unit)
{
	int64_t at = unit_next(r, unit);
	if (at < stretch_end(r) && !(r->asks[unit] & ASKS_MONEY)) /* the answer brings it back */
		ids_add(&r->due[look_day(r, at) - r->stretch], unit);
}

/* What the threads put aside: who goes on day by day, and who asks for a slot when. */
static void collect(struct replay *r)
{
	for (int t = 0; t < r->threads; t++) {
		struct hand *h = &r->hands[t];
		for (size_t i = 0; i < h->stopped.count; i++)
			enqueue(r, h->stopped.items[i]);
		for (size_t i = 0; i < h->money_count; i++) {
			pass_no p = h->money[i].pass;
			r->spends[p] = mem_grow(r->spends[p], &r->spend_cap[p], r->spend_count[p] + 1, sizeof *r->spends[p]);
			r->spends[p][r->spend_count[p]++] = h->money[i].spend;
		}
		for (size_t i = 0; i < h->slot_count; i++) {
			pass_no p = h->slots[i].pass;
			r->slots[p] = mem_grow(r->slots[p], &r->slot_cap[p], r->slot_count[p] + 1, sizeof *r->slots[p]);
			r->slots[p][r->slot_count[p]++] = h->slots[i].proposal;
		}
		h->stopped.count = h->slot_count = h->money_count = 0;
	}
}

static void take_slots(struct replay *r, size_t pass)
{
	allot_take(&r->waiting, r->slots[pass], r->slot_count[pass]);
	for (size_t i = 0; i < r->slot_count[pass]; i++)
		r->asks[unit_of(r, r->slots[pass][i].customer)] &= (uint8_t)~ASKS_SLOT;
	r->slot_count[pass] = 0;
}

static void late_body(void *ctx, size_t from, size_t to, int thread)
{
	struct replay *r = ctx;
	struct hand *h = &r->hands[thread];
	for (size_t i = from; i < to; i++) {
		customer_id unit = r->list.items[i];
		if (!r->rest) {
			look_unit(h, unit, r->day_start[r->today] + 1);
			continue;
		}
		look_unit(h, unit, unit_waits(r, unit) ? r->day_start[r->today + 1] : stretch_end(r));
		ids_add(&h->stopped, unit);
	}
}

static void late_pass(struct replay *r, bool rest)
{
	r->rest = rest;
	par_for(r->list.count, LATE_SLICE, r->list.count < 8 * LATE_SLICE ? 1 : r->threads, late_body, r);
	collect(r);
}

static int by_number(const void *x, const void *y)
{
	customer_id a = *(const customer_id *)x, b = *(const customer_id *)y;
	return (a > b) - (a < b);
}

/* Each once: no two threads may look at the same person. */
static void sort_list(struct ids *l)
{
	if (l->count)
		qsort(l->items, l->count, sizeof *l->items, by_number);
	size_t n = 0;
	for (size_t i = 0; i < l->count; i++)
		if (n == 0 || l->items[n - 1] != l->items[i])
			l->items[n++] = l->items[i];
	l->count = n;
}

/* ---- what is for everybody: slots, money; hand 0 says it, apart from the units ---- */

/* The day's slots of each smoothed plan go to the most valuable of those who wait and still qualify. */
static void give_slots(struct replay *r, int32_t day)
{
	struct hand *h = &r->hands[0];
	struct instant now = { r->day_start[day] };
	for (size_t p = 0; p < r->world.plans->count; p++) {
		int32_t slots = r->world.plans->plans[p]->smooth_per_day;
		customer_id c;
		while (slots > 0 && allot_next(&r->waiting, p, &c)) {
			size_t from = h->said.count;
			look_begin(h, c, day, now);
			if (!engine_enter(&h->world, c, &r->states[c], (uint16_t)p, now, &h->said))
				continue;
			slots--;
			look_deliver(h, &r->states[c], from);
			look_settle(r, c); /* one who asks for money is settled again by the answer */
			ids_add(&r->list, unit_of(r, c));
		}
	}
	allot_take(&r->waiting, h->said.proposals, h->said.proposal_count);
	h->said.proposal_count = 0;
}

static void purse_put(struct replay *r, struct spend *spends, size_t count)
{
	struct decisions said = { .spends = spends, .spend_count = count };
	purse_take(&r->purse, &said);
}

/* Goes on from the answer to the end of the pass, unless money is asked for again. */
static void answered(struct replay *r, const struct spend *s, int64_t until)
{
	struct hand *h = &r->hands[0];
	customer_id unit = unit_of(r, s->customer);
	r->asks[unit] &= (uint8_t)~ASKS_MONEY;
	if (h->said.spend_count == 0 && look_on(h, s->customer, s->at, false))
		look_unit(h, unit, until);
	if (h->said.spend_count)
		r->asks[unit] |= ASKS_MONEY;
	purse_take(&r->purse, &h->said);
	for (size_t i = 0; i < h->money_count; i++)
		purse_put(r, &h->money[i].spend, 1);
	h->money_count = 0;
}

/* Messages that asked for money in the pass get their answers, in order of time, then of value. In one thread: what one
 * gets the next does not. */
static void answer_money(struct replay *r, int32_t day, bool rest)
{
	struct hand *h = &r->hands[0];
	size_t pass = 2 * (size_t)(day - r->stretch) + rest;
	int64_t until = rest ? r->day_start[day + 1] : r->day_start[day] + 1;
	struct spend asked;
	purse_put(r, r->spends[pass], r->spend_count[pass]);
	purse_take(&r->purse, &h->said);
	r->spend_count[pass] = 0;
	while (purse_next(&r->purse, &asked)) {
		struct pstate *state = &r->states[asked.customer];
		size_t from = h->said.count;
		int64_t again;
		look_begin(h, asked.customer, day, asked.at);
		bool granted = purse_grant(&r->purse, &r->world, &asked, &again);
		bool still = engine_spend(&h->world, &asked, state, granted, again, &h->said);
		if (!still && granted)
			purse_give_back(&r->purse, &r->world, &asked); /* asked for twice, by two slots of a day */
		h->asked++;
		look_deliver(h, state, from);
		answered(r, &asked, until);
		if (rest)
			enqueue(r, unit_of(r, asked.customer));
		else
			ids_add(&r->list, unit_of(r, asked.customer));
	}
	collect(r);
	take_slots(r, pass);
}

/* After the pass of a day: what the units do not say themselves. */
static void say_apart(struct replay *r, int32_t day, bool rest)
{
	struct hand *h = &r->hands[0];
	struct span *span = &r->apart[2 * (day - r->stretch) + rest];
	h->apart = true;
	span->from = h->said.count;
	answer_money(r, day, rest);
	if (!rest) {
		give_slots(r, day);
		answer_money(r, day, false);
	}
	span->count = h->said.count - span->from;
	h->apart = false;
}

static void late_day(struct replay *r, int32_t day)
{
	struct ids *due = &r->due[day - r->stretch], none = r->list;
	r->today = day;
	r->list = *due;
	none.count = 0;
	*due = none;
	sort_list(&r->list);
	late_pass(r, false);
	say_apart(r, day, false);
	sort_list(&r->list);
	late_pass(r, true);
	say_apart(r, day, true);
}

/* ---- the whole ---- */

static void run_stretch(struct replay *r)
{
	need_figures(r, r->stretch + r->length);
	for (int t = 0; t < r->threads; t++)
		r->hands[t].said.count = r->hands[t].segment_count = 0;
	par_for(r->slice_count, 1, r->threads, slice_body, r);
	for (int t = 0; t < r->threads; t++)
		r->hands[t].late_from = r->hands[t].segment_count;
	collect(r);
	for (int32_t d = r->stretch; d < r->stretch + r->length; d++)
		late_day(r, d);
	say_stretch(r);
}

/* As many days as keep the decisions held at once near four a person. */
static int32_t next_length(const struct replay *r)
{
	size_t said = 1, keep = 4 * (size_t)r->world.version->customers;
	if (r->o->stretch_days > 0)
		return r->o->stretch_days < STRETCH_MAX ? r->o->stretch_days : STRETCH_MAX;
	for (int t = 0; t < r->threads; t++)
		said += r->hands[t].said.count;
	if (keep < KEPT_MIN)
		keep = KEPT_MIN;
	size_t days = keep * (size_t)r->length / said;
	return days < 1 ? 1 : days > STRETCH_MAX ? STRETCH_MAX : (int32_t)days;
}

struct fact_count {
	const struct replay_options *o;
	_Atomic uint64_t n;
};

static void count_body(void *ctx, size_t first, size_t end, int thread)
{
	struct fact_count *f = ctx;
	int64_t from = f->o->from.s, to = f->o->to.s;
	uint64_t n = 0;
	for (size_t i = first; i < end; i++) {
		const struct chunk *k = f->o->version->chunks[i];
		uint32_t people = i ? BOOK_CHUNK : 1;
		for (uint32_t o = 0; o < k->order_start[people]; o++)
			if (k->order_at[o] >= from && k->order_at[o] < to)
				n += order_line(k, o + 1) - order_line(k, o);
		for (uint32_t c = 0; c < k->cart_start[people]; c++)
			n += k->carts[c].at >= from && k->carts[c].at < to;
		for (uint32_t c = 0; c < k->consent_start[people]; c++)
			n += k->consents[c].at >= from && k->consents[c].at < to;
		for (uint32_t e = 0; e < k->event_start[people]; e++)
			n += k->events[e].at >= from && k->events[e].at < to;
	}
	atomic_fetch_add(&f->n, n);
}

static uint64_t count_facts(const struct replay_options *o, int threads)
{
	struct fact_count f = { .o = o };
	par_for(o->version->chunk_count, 64, threads, count_body, &f);
	return f.n;
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void set_up_days(struct replay *r)
{
	zone_id zone = r->o->settings->zone;
	r->first_day = zone_date(zone, r->o->from).day;
	r->day_count = zone_date(zone, (struct instant){ r->o->to.s - 1 }).day - r->first_day + 1;
	r->day_start = mem_alloc(((size_t)r->day_count + 1) * sizeof *r->day_start);
	r->day_start[0] = r->o->from.s;
	for (int32_t d = 1; d < r->day_count; d++)
		r->day_start[d] = zone_instant(zone, (struct date){ r->first_day + d }, 0).s;
	r->day_start[r->day_count] = r->o->to.s;
	r->thresholds = mem_alloc((size_t)r->day_count * sizeof *r->thresholds);
	r->due = mem_alloc(STRETCH_MAX * sizeof *r->due);
}

static void set_up_people(struct replay *r)
{
	size_t people = (size_t)r->world.version->customers + 1;
	r->states = mem_alloc(people * sizeof *r->states);
	r->next_at = mem_alloc(people * sizeof *r->next_at);
	r->next_fact = mem_alloc(people * sizeof *r->next_fact); /* 0: looked up at the first look */
	if (r->o->response == RESPONSE_RATES)
		r->conversions = mem_alloc(people * sizeof *r->conversions);
	if (r->o->response == RESPONSE_RECORDED) {
		r->feedback = mem_alloc(people * sizeof *r->feedback);
		for (size_t c = 0; c < people; c++)
			r->feedback[c] = (uint32_t)r->o->feedback_count;
		for (size_t i = r->o->feedback_count; i-- > 0;)
			r->feedback[r->o->feedback[i].customer] = (uint32_t)i;
	}
	r->asks = mem_alloc(people);
	if (!r->o->ask_everything)
		r->quiet = mem_alloc(people * (QUIET_MORE + r->world.plans->count) * sizeof *r->quiet);
	allot_init(&r->waiting, r->world.plans, people);
	r->peers = peers_find(r->world.version);
	r->world.states = r->peers ? r->states : NULL;
	r->world.peers = r->peers;
	r->next_at[GUESTS] = UINT32_MAX;
	for (customer_id c = 1; c < people; c++) /* everybody is asked at the start */
		r->states[c].wake = r->next_at[c] = (uint32_t)r->o->from.s;
	for (customer_id c = 1; r->o->erased && c < people; c++)
		if (r->o->erased[c]) { /* but those who may not be known any more */
			r->states[c].erased = 1;
			r->states[c].wake = r->next_at[c] = UINT32_MAX;
		}
	r->slice_people = people / SLICES_WANTED;
	r->slice_people = r->slice_people < SLICE_MIN   ? SLICE_MIN
	                  : r->slice_people > SLICE_MAX ? SLICE_MAX
	                                                : r->slice_people;
	r->slice_count = (people + r->slice_people - 1) / r->slice_people;
	r->slices = mem_alloc(r->slice_count * sizeof *r->slices);
}

static void set_up_hands(struct replay *r)
{
	r->hand_count = r->threads = par_threads(r->o->threads);
	r->hands = mem_alloc((size_t)r->threads * sizeof *r->hands);
	for (int t = 0; t < r->threads; t++) {
		r->hands[t].r = r;
		r->hands[t].world = r->world;
		r->hands[t].opened = mem_alloc((r->world.plans->count + 1) * sizeof *r->hands[t].opened);
		r->hands[t].clicked = mem_alloc((r->world.plans->count + 1) * sizeof *r->hands[t].clicked);
	}
}

static void tear_down_hands(struct replay *r)
{
	for (int t = 0; t < r->hand_count; t++) {
		struct hand *h = &r->hands[t];
		r->out->asked += h->asked;
		for (size_t p = 0; p < r->world.plans->count; p++) {
			r->out->plans[p].opened += h->opened[p];
			r->out->plans[p].clicked += h->clicked[p];
		}
		decisions_release(&h->said);
		free(h->segments);
		free(h->slots);
		free(h->money);
		free(h->stopped.items);
		free(h->opened);
		free(h->clicked);
		trace_writer_free(h->writer);
	}
	free(r->hands);
}

static void tear_down(struct replay *r)
{
	if (r->figures_apart)
		pthread_join(r->figures, NULL);
	spend_window_free(r->window);
	say_end(r);
	tear_down_hands(r);
	free(r->next_at);
	free(r->next_fact);
	free(r->conversions);
	free(r->feedback);
	free(r->peers);
	free(r->asks);
	free(r->quiet);
	allot_release(&r->waiting);
	purse_release(&r->purse);
	for (size_t d = 0; d < STRETCH_MAX; d++)
		free(r->due[d].items);
	free(r->due);
	for (size_t p = 0; p < PASSES_MAX; p++) {
		free(r->slots[p]);
		free(r->spends[p]);
	}
	free(r->list.items);
	free(r->slices);
	free(r->day_start);
	free(r->thresholds);
}

static void run(struct replay *r)
{
	r->figures_apart = r->threads > 1 && pthread_create(&r->figures, NULL, figure_all, r) == 0;
	r->length = r->o->stretch_days > 0 ? next_length(r) : FIRST_STRETCH;
	while (r->stretch < r->day_count && !atomic_load(&r->failed)) {
		if (r->length > r->day_count - r->stretch)
			r->length = r->day_count - r->stretch;
		run_stretch(r);
		r->stretch += r->length;
		r->length = next_length(r);
	}
}

bool replay_run(const struct replay_options *o, struct replay_result *out, struct err *err)
{
	*out = (struct replay_result){ 0 };
	if (o->from.s >= o->to.s)
		return err_set(err, ERR_INPUT, "--from must be before --to");
	double started = seconds_now();
	struct replay *r = mem_alloc(sizeof *r);
	r->o = o;
	r->out = out;
	r->err = err;
	r->world = (struct world){ .book = o->book,
		                       .version = o->version,
		                       .plans = o->plans,
		                       .words = o->words,
		                       .settings = o->settings,
		                       .seed = o->seed,
		                       .assume_consent = o->assume_consent };
	set_up_days(r);
	set_up_people(r);
	set_up_hands(r);
	say_begin(r);
	run(r);
	tear_down(r);
	out->states = r->states;
	out->customers = o->version->customers;
	out->facts = count_facts(o, r->hand_count);
	out->seconds = seconds_now() - started;
	bool ok = !atomic_load(&r->failed);
	free(r);
	if (!ok)
		replay_result_release(out);
	return ok;
}

void replay_result_release(struct replay_result *r)
{
	if (r->states)
		for (uint32_t c = 0; c <= r->customers; c++)
			pstate_release(&r->states[c]);
	free(r->states);
	r->states = NULL;
}
