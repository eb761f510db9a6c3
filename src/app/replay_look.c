/* One person of a what-if replay, from look to look: what came of messages, what the engine says, when to look again.
 * Touches nobody else but those who share the address, so that threads may take different units. */
#include "app/replay_int.h"

/* ---- when ---- */

static uint32_t clamped(struct instant t)
{
	return t.s >= UINT32_MAX ? UINT32_MAX : (uint32_t)t.s;
}

void look_settle(struct replay *r, customer_id c)
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

int32_t look_day(const struct replay *r, int64_t at)
{
	int64_t guess = (at - r->day_start[0]) / DAY_S;
	int32_t d = guess < 0 ? 0 : guess >= r->day_count ? r->day_count - 1 : (int32_t)guess;
	while (d > 0 && at < r->day_start[d])
		d--;
	while (d + 1 < r->day_count && at >= r->day_start[d + 1])
		d++;
	return d;
}

customer_id unit_of(const struct replay *r, customer_id c)
{
	customer_id first = c;
	if (r->peers)
		for (customer_id p = r->peers[c]; p && p != c; p = r->peers[p])
			first = p < first ? p : first;
	return first;
}

/* Who of the unit is next; of two at once the lower number. */
static customer_id next_of(const struct replay *r, customer_id unit)
{
	customer_id first = unit;
	if (r->peers)
		for (customer_id p = r->peers[unit]; p && p != unit; p = r->peers[p])
			if (r->next_at[p] < r->next_at[first] || (r->next_at[p] == r->next_at[first] && p < first))
				first = p;
	return first;
}

uint32_t unit_next(const struct replay *r, customer_id unit)
{
	return r->next_at[next_of(r, unit)];
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

static void respond(struct hand *h, struct pstate *state, const struct decision *d)
{
	struct replay *r = h->r;
	struct response_rates rates = rates_of(r, r->world.plans->plans[d->plan]);
	if (!drawn(r, DRAW_RESPONSE_OPEN, d, rates.open))
		return;
	uint64_t key = r->world.plans->plans[d->plan]->draw_key;
	uint64_t draw = draw_u64(r->o->seed, DRAW_RESPONSE_DELAY, key, d->customer, d->run_no, (uint32_t)d->step);
	uint32_t at = (uint32_t)d->at.s + 60 + (uint32_t)(draw % OPEN_WITHIN_S);
	struct sent *m = &state->sent[state->sent_count - 1];
	m->opened_at = at;
	h->opened[d->plan]++;
	if (drawn(r, DRAW_RESPONSE_CLICK, d, rates.click_of_open)) {
		m->clicked_at = at + 30;
		h->clicked[d->plan]++;
	}
	if (drawn(r, DRAW_RESPONSE_BUY, d, rates.buy_of_open) && r->conversions[d->customer].at == 0)
		r->conversions[d->customer] =
			(struct conversion){ at + 60 + (uint32_t)((draw >> 32) % BUY_WITHIN_S), d->plan, d->run_no };
}

/* A message decided now leaves now: the guard was asked at this very instant. */
void look_deliver(struct hand *h, struct pstate *state, size_t from)
{
	for (size_t i = from; i < h->said.count; i++) {
		const struct decision d = h->said.items[i];
		if (d.verdict != VERDICT_SEND)
			continue;
		check(engine_receipt(&h->world, state, d.plan, d.run_no, (uint8_t)d.step, (enum channel)d.channel,
		                     RECEIPT_ACCEPTED, 0, d.at));
		if (h->r->conversions && d.channel != CHANNEL_STAFF)
			respond(h, state, &d);
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

static void take_feedback(struct hand *h, customer_id c, struct instant now)
{
	struct replay *r = h->r;
	for (; r->feedback[c] < r->o->feedback_count; r->feedback[c]++) {
		const struct replay_feedback *f = &r->o->feedback[r->feedback[c]];
		if (f->customer != c || f->at > now.s)
			return;
		const struct sent *m = sent_for(r, f);
		if (!m)
			continue;
		h->opened[m->plan] += f->receipt == RECEIPT_OPENED;
		h->clicked[m->plan] += f->receipt == RECEIPT_CLICKED;
		engine_receipt(&h->world, &r->states[c], m->plan, m->run_no, m->step, (enum channel)m->channel,
		               (enum receipt)f->receipt, f->answer, now);
	}
}

/* ---- the look ---- */

/* `goes_on`: the hand looked at this person last. No fact lies between two looks, so what was seen then is what there
 * is to see, unless one comes now. */
static void begin(struct hand *h, customer_id c, int32_t day, struct instant now, bool goes_on)
{
	struct replay *r = h->r;
	h->world.thresholds = &r->thresholds[day];
	h->world.quiet = r->quiet ? r->quiet + c * (QUIET_MORE + r->world.plans->count) : NULL;
	h->world.view = &h->view;
	bool news = r->next_fact[c] <= now.s;
	if (!goes_on)
		view_at(&h->view, r->world.version, c, now);
	else if (news)
		view_go_on(&h->view, now);
	else
		h->view.now = now;
	if (news)
		r->next_fact[c] = clamped(view_next_fact(&h->view));
}

void look_begin(struct hand *h, customer_id c, int32_t day, struct instant now)
{
	begin(h, c, day, now, false);
}

bool look_on(struct hand *h, customer_id c, struct instant now, bool begins)
{
	struct replay *r = h->r;
	struct pstate *state = &r->states[c];
	for (int i = 0; i < 2 * STEPS_MAX; i++) {
		size_t from = h->said.count, asked_money = h->said.spend_count;
		if (begins && i == 0)
			engine_person(&h->world, c, state, now, &h->said);
		else
			engine_go_on(&h->world, c, state, now, &h->said);
		h->asked++;
		look_deliver(h, state, from);
		if (h->said.spend_count > asked_money)
			return false;
		if (state->wake > now.s)
			break;
	}
	look_settle(r, c);
	check(r->next_at[c] > now.s);
	return true;
}

static bool look(struct hand *h, customer_id c, struct instant now)
{
	struct replay *r = h->r;
	if (r->conversions && r->conversions[c].at && r->conversions[c].at <= now.s) {
		struct conversion v = r->conversions[c];
		r->conversions[c].at = 0;
		engine_convert(&h->world, c, &r->states[c], v.plan, v.run_no, now, &h->said);
	}
	if (r->feedback)
		take_feedback(h, c, now);
	return look_on(h, c, now, true);
}

/* What was said since is the unit's in this pass; a segment of the same pass grows. */
static void note(struct hand *h, customer_id unit, pass_no pass, size_t from, bool same_unit)
{
	if (h->said.count == from || h->apart)
		return;
	if (same_unit && h->segments[h->segment_count - 1].pass == pass) {
		h->segments[h->segment_count - 1].count += (uint32_t)(h->said.count - from);
		return;
	}
	h->segments = mem_grow(h->segments, &h->segment_cap, h->segment_count + 1, sizeof *h->segments);
	h->segments[h->segment_count++] = (struct segment){ .unit = unit,
		                                                .from = (uint32_t)from,
		                                                .count = (uint32_t)(h->said.count - from),
		                                                .pass = pass,
		                                                .hand = (uint8_t)(h - h->r->hands) };
}

static void note_slots(struct hand *h, pass_no pass)
{
	for (size_t i = 0; i < h->said.proposal_count; i++) {
		h->slots = mem_grow(h->slots, &h->slot_cap, h->slot_count + 1, sizeof *h->slots);
		h->slots[h->slot_count++] = (struct asked_slot){ h->said.proposals[i], pass };
	}
	h->said.proposal_count = 0;
}

static void note_money(struct hand *h, pass_no pass)
{
	for (size_t i = 0; i < h->said.spend_count; i++) {
		h->money = mem_grow(h->money, &h->money_cap, h->money_count + 1, sizeof *h->money);
		h->money[h->money_count++] = (struct asked_money){ h->said.spends[i], pass };
	}
	h->said.spend_count = 0;
}

bool look_unit(struct hand *h, customer_id unit, int64_t until)
{
	struct replay *r = h->r;
	size_t first = h->segment_count;
	customer_id before = 0;
	bool asks = r->asks[unit] & ASKS_MONEY;
	while (!(r->asks[unit] & ASKS_MONEY)) {
		customer_id c = next_of(r, unit);
		int64_t at = r->next_at[c];
		if (at >= until)
			break;
		if (at < r->o->from.s)
			at = r->o->from.s;
		int32_t day = look_day(r, at);
		bool rest = at > r->day_start[day];
		pass_no pass = (pass_no)(2 * (day - r->stretch) + rest);
		size_t from = h->said.count;
		begin(h, c, day, (struct instant){ at }, c == before);
		before = c;
		bool goes_on = look(h, c, (struct instant){ at });
		note(h, unit, pass, from, h->segment_count > first);
		if (h->said.proposal_count) {
			note_slots(h, pass);
			int64_t end = rest ? r->day_start[day + 1] : r->day_start[day] + 1;
			until = end < until ? end : until;
			r->asks[unit] |= ASKS_SLOT;
			asks = true;
		}
		if (!goes_on) {
			note_money(h, pass);
			r->asks[unit] |= ASKS_MONEY;
			asks = true;
		}
	}
	return asks;
}
