#include "app/purse.h"

#include <stdlib.h>

static bool goes_before(const struct spend *a, const struct spend *b)
{
	if (a->at.s != b->at.s)
		return a->at.s < b->at.s;
	return a->value != b->value ? a->value > b->value : a->customer < b->customer;
}

void purse_release(struct purse *p)
{
	free(p->items);
	*p = (struct purse){ .count = 0 };
}

void purse_take(struct purse *p, struct decisions *said)
{
	for (size_t k = 0; k < said->spend_count; k++) {
		p->items = mem_grow(p->items, &p->cap, p->count + 1, sizeof *p->items);
		size_t i = p->count++;
		for (; i > 0 && goes_before(&said->spends[k], &p->items[(i - 1) / 2]); i = (i - 1) / 2)
			p->items[i] = p->items[(i - 1) / 2];
		p->items[i] = said->spends[k];
	}
	said->spend_count = 0;
}

bool purse_next(struct purse *p, struct spend *out)
{
	if (p->count == 0)
		return false;
	*out = p->items[0];
	struct spend last = p->items[--p->count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= p->count)
			break;
		if (child + 1 < p->count && goes_before(&p->items[child + 1], &p->items[child]))
			child++;
		if (!goes_before(&p->items[child], &last))
			break;
		p->items[i] = p->items[child];
		i = child;
	}
	if (p->count)
		p->items[i] = last;
	return true;
}

static struct date month_of(const struct world *w, struct instant t, int add)
{
	int y, m, d;
	struct date day = zone_date(w->settings->zone, t);
	date_ymd(day, &y, &m, &d);
	return date_add_months((struct date){ day.day - (d - 1) }, add);
}

static void turn_month(struct purse *p, const struct world *w, struct instant now)
{
	struct date month = month_of(w, now, 0);
	if (date_known(p->month) && p->month.day == month.day)
		return;
	for (size_t f = 0; f < w->plans->count; f++) {
		p->before[f] += p->spent[f];
		p->spent[f] = 0;
	}
	p->month = month;
}

void purse_count(struct purse *p, const struct world *w, const struct pstate *states, size_t people, struct instant now)
{
	p->month = month_of(w, now, 0);
	int64_t from = zone_instant(w->settings->zone, p->month, 0).s;
	memset(p->spent, 0, w->plans->count * sizeof *p->spent);
	memset(p->before, 0, w->plans->count * sizeof *p->before);
	for (size_t c = 1; c < people; c++)
		for (uint16_t i = 0; i < states[c].sent_count; i++) {
			const struct sent *m = &states[c].sent[i];
			if (run_is_joined(m->run_no) ||
			    (m->state != SENT_QUEUED && m->state != SENT_ACCEPTED && m->state != SENT_UNCERTAIN))
				continue;
			int64_t *to = m->at >= from ? p->spent : p->before;
			to[w->plans->family[m->plan]] += w->settings->channel_cost[m->channel];
		}
}

bool purse_grant(struct purse *p, const struct world *w, const struct spend *s, int64_t *again)
{
	turn_month(p, w, s->at);
	const struct plan *plan = w->plans->plans[w->plans->current[s->plan]];
	uint16_t family = w->plans->family[s->plan];
	__int128 spent = (__int128)p->spent[family] + (plan->budget_total ? p->before[family] : 0);
	*again = plan->budget_total ? 0 : zone_instant(w->settings->zone, month_of(w, s->at, 1), 0).s;
	if (spent + s->cost > (__int128)plan->budget * 1000)
		return false;
	p->spent[family] += s->cost;
	return true;
}

void purse_give_back(struct purse *p, const struct world *w, const struct spend *s)
{
	p->spent[w->plans->family[s->plan]] -= s->cost;
}
