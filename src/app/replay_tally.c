#include "app/replay_tally.h"

#include <stdlib.h>

/* Monday-based weeks since the epoch: 1970-01-01 was a Thursday. */
static int32_t week_of(struct date d)
{
	int32_t n = d.day + 3;
	return n >= 0 ? n / 7 : (n - 6) / 7;
}

static int64_t average_basket(const struct version *v, struct instant from, struct instant to)
{
	__int128 sum = 0;
	int64_t orders = 0;
	for (size_t i = 0; i < v->chunk_count; i++) {
		const struct chunk *k = v->chunks[i];
		for (uint32_t o = 0; o < k->order_start[i ? BOOK_CHUNK : 1]; o++)
			if (k->order_at[o] >= from.s && k->order_at[o] < to.s && order_is_sale(k, o)) {
				sum += order_total(k, o);
				orders++;
			}
	}
	return orders ? (int64_t)(sum / orders) : 0;
}

void tally_init(struct tally *t, const struct plan_set *set, const struct settings *settings, const struct version *v,
                struct instant from, struct instant to)
{
	*t = (struct tally){
		.set = set, .settings = settings, .first = zone_date(settings->zone, from), .customers = v->customers
	};
	t->days = zone_date(settings->zone, (struct instant){ to.s - 1 }).day - t->first.day + 1;
	size_t cells = (size_t)t->days * set->count + 1, people = (size_t)v->customers + 1;
	t->plans = mem_alloc((set->count + 1) * sizeof *t->plans);
	t->sent = mem_alloc(cells * CHANNEL_COUNT * sizeof *t->sent);
	t->entered = mem_alloc(cells * sizeof *t->entered);
	t->week[0] = mem_alloc(people);
	t->week[1] = mem_alloc(people);
	t->ever = mem_alloc(people);
	t->average_basket = average_basket(v, from, to);
	t->week_no = week_of(t->first);
}

void tally_release(struct tally *t)
{
	free(t->plans);
	free(t->sent);
	free(t->entered);
	free(t->week[0]);
	free(t->week[1]);
	free(t->ever);
	free(t->touched);
	*t = (struct tally){ .days = 0 };
}

static void week_close(struct tally *t)
{
	for (size_t i = 0; i < t->touched_count; i++) {
		customer_id c = t->touched[i];
		uint8_t marketing = t->week[0][c], all = t->week[1][c];
		if (marketing > t->busiest)
			t->busiest = marketing;
		if (marketing)
			t->week_marketing[marketing < TALLY_WEEK_MAX ? marketing : TALLY_WEEK_MAX]++;
		t->week_all[all < TALLY_WEEK_MAX ? all : TALLY_WEEK_MAX]++;
		t->week[0][c] = t->week[1][c] = 0;
	}
	t->touched_count = 0;
}

static void count_week(struct tally *t, customer_id c, bool marketing)
{
	if (t->week[1][c] == 0) {
		t->touched = mem_grow(t->touched, &t->touched_cap, t->touched_count + 1, sizeof *t->touched);
		t->touched[t->touched_count++] = c;
	}
	t->week[1][c] += t->week[1][c] < UINT8_MAX;
	t->week[0][c] += marketing && t->week[0][c] < UINT8_MAX;
	t->reached += !t->ever[c];
	t->ever[c] = 1;
}

/* What a code costs when it is used on an average basket, or on the smallest that allows it. */
static int64_t exposure_of(const struct tally *t, const struct voucher_offer *v)
{
	int64_t basket = t->average_basket > v->minimum ? t->average_basket : v->minimum;
	return v->percent > 0 ? basket * v->percent / 100 : v->amount;
}

static void count_cost(struct tally_plan *p, struct date day, int64_t cost)
{
	int y, m, d;
	date_ymd(day, &y, &m, &d);
	if (p->month != y * 12 + m) {
		p->month = y * 12 + m;
		p->month_cost = 0;
	}
	p->cost += cost;
	p->month_cost += cost;
	if (p->month_cost > p->most_in_month)
		p->most_in_month = p->month_cost;
}

static void take_send(struct tally *t, size_t day, const struct decision *d)
{
	struct tally_plan *p = &t->plans[d->plan];
	const struct step *st = &t->set->plans[d->plan]->steps[d->step];
	t->sent[(day * t->set->count + d->plan) * CHANNEL_COUNT + d->channel]++;
	p->messages++;
	p->by_channel[d->channel]++;
	p->step[d->step].sent++;
	count_cost(p, (struct date){ t->first.day + (int32_t)day }, t->settings->channel_cost[d->channel]);
	if (st->has_voucher) {
		p->codes++;
		p->exposure += exposure_of(t, &st->voucher);
	}
	if (d->channel == CHANNEL_STAFF)
		return;
	t->messages++;
	count_week(t, d->customer, st->purpose == PURPOSE_MARKETING);
}

/* Of messages and notices only: a wait that nobody ended is no message lost. */
static void take_why(struct tally *t, const struct decision *d, enum tally_why why)
{
	const struct step *st = d->step >= 0 ? &t->set->plans[d->plan]->steps[d->step] : NULL;
	if (!st || (st->action != STEP_SEND && st->action != STEP_NOTIFY))
		return;
	t->plans[d->plan].why[why][d->reason]++;
	t->plans[d->plan].step[d->step].why[why]++;
}

void tally_take(struct tally *t, struct date day, const struct decision *decisions, size_t count)
{
	if (week_of(day) != t->week_no) {
		week_close(t);
		t->week_no = week_of(day);
	}
	size_t at = (size_t)(day.day - t->first.day);
	for (size_t i = 0; i < count; i++) {
		const struct decision *d = &decisions[i];
		struct tally_plan *p = &t->plans[d->plan];
		switch ((enum verdict)d->verdict) {
		case VERDICT_CONTROL:
		case VERDICT_ENTERED:
			p->control += d->verdict == VERDICT_CONTROL;
			p->entered++;
			t->entries++;
			t->entered[at * t->set->count + d->plan]++;
			break;
		case VERDICT_SEND: take_send(t, at, d); break;
		case VERDICT_HELD: take_why(t, d, TALLY_HELD); break;
		case VERDICT_SKIPPED: take_why(t, d, TALLY_SKIPPED); break;
		case VERDICT_DROPPED: take_why(t, d, TALLY_DROPPED); break;
		case VERDICT_EXITED:
			p->exited++;
			p->goals += d->reason == REASON_GOAL_MET;
			break;
		case VERDICT_ENDED: p->ended++; break;
		case VERDICT_TAGGED:
		case VERDICT_COUNT: break;
		}
	}
}

void tally_finish(struct tally *t)
{
	week_close(t);
	for (size_t i = 0; i < t->set->count; i++) {
		t->cost += t->plans[i].cost;
		t->codes += t->plans[i].codes;
		t->exposure += t->plans[i].exposure;
	}
}
