/* The guards: the one place that says what may be proposed. Every answer of every model passes rec_guard_item(). */
#include "fold/recommend_inner.h"

const char *const REC_REFUSAL_NAMES[REC_REFUSALS] = {
	"allowed",
	"owned",
	"in the basket",
	"returned",
	"refused",
	"out of stock",
	"hidden",
	"excluded",
	"margin too low",
	"out of season",
	"type already proposed",
	"type already in the basket",
	"too dear",
};

struct rec_guards rec_guards_default(int32_t today, int month)
{
	return (struct rec_guards){ .today = today,
		                        .month = month,
		                        .n_max = 3,
		                        .per_type = 1,
		                        .cross_percent = 25,
		                        .up_percent = 25,
		                        .margin_percent = -1 };
}

static bool listed(const uint32_t *list, size_t n, uint32_t item)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == item)
			return true;
	return false;
}

static bool refused_before(const struct rec_data *d, uint32_t customer, uint32_t item)
{
	if (!d->refused_start || customer == REC_NONE)
		return false;
	uint32_t from = d->refused_start[customer];
	return listed(d->refused + from, d->refused_start[customer + 1] - from, item);
}

static bool ruled_out(const struct rec_data *d, uint32_t customer, enum rec_kind kind, const struct rec_item *x)
{
	uint32_t on = d->customer_rules && customer != REC_NONE ? d->customer_rules[customer] : d->visitor_rules;
	return x->rules & on & d->kind_rules[kind];
}

/* Owned: bought and not brought back, unless it is bought again by nature or has worn out. Whether a due product may be
 * proposed now is decided by `again`; in a cross-sell something bought again by nature is nothing new either. */
static bool owned_blocks(const struct rec_model *m, const struct rec_own *own, enum rec_kind kind, int32_t today)
{
	if (own->quantity <= 0 || kind == REC_AGAIN)
		return false;
	int32_t life = m->d->item ? m->d->item[own->item].lifetime_days : 0;
	if (life > 0 && today - own->last_day >= life)
		return false;
	return !(m->again_by_nature[own->item] && life == 0);
}

static enum rec_refusal item_refusal(const struct rec_item *x, const struct rec_guards *g)
{
	if (x->flags & REC_HIDDEN)
		return REC_IS_HIDDEN;
	if (x->flags & REC_EXCLUDED)
		return REC_IS_EXCLUDED;
	if (x->flags & REC_KNOWN_STOCK && x->stock <= 0)
		return REC_NO_STOCK;
	if (x->months && !(x->months >> (g->month - 1) & 1))
		return REC_OFF_SEASON;
	if (g->margin_percent >= 0 && x->flags & REC_KNOWN_COST &&
	    (x->price_net_minor - x->cost_minor) * 100 < x->price_net_minor * g->margin_percent)
		return REC_LOW_MARGIN;
	return REC_ALLOWED;
}

enum rec_refusal rec_guard_item(const struct rec_model *m, const struct rec_scratch *s, const struct rec_ask *ask,
                                enum rec_kind kind, uint32_t item, const struct rec_list *taken, int64_t added,
                                int64_t budget)
{
	const struct rec_guards *g = ask->guards;
	const struct rec_item *x = m->d->item ? &m->d->item[item] : NULL;
	if (s->in_basket[item])
		return REC_IN_BASKET;
	if (listed(g->refused, g->refused_n, item) || refused_before(m->d, ask->customer, item))
		return REC_REFUSED;
	if (listed(g->excluded, g->excluded_n, item) || (x && ruled_out(m->d, ask->customer, kind, x)))
		return REC_IS_EXCLUDED;
	if (s->slot[item]) {
		const struct rec_own *own = &s->own[s->slot[item] - 1];
		if (own->returned)
			return REC_RETURNED;
		if (owned_blocks(m, own, kind, g->today))
			return REC_OWNED;
	}
	for (size_t i = 0; i < taken->count; i++)
		if (taken->answers[i].item == item)
			return REC_TYPE_TAKEN;
	if (!x)
		return REC_ALLOWED;
	enum rec_refusal refusal = item_refusal(x, g);
	if (refusal != REC_ALLOWED)
		return refusal;
	if (budget >= 0 && added + x->price_minor > budget)
		return REC_TOO_DEAR;
	if (x->type == REC_NONE)
		return REC_ALLOWED;
	for (size_t i = 0; kind == REC_CROSS && !g->same_type && i < ask->basket_n; i++)
		if (m->d->item[ask->basket[i]].type == x->type)
			return REC_SAME_TYPE;
	uint32_t same = 0;
	for (size_t i = 0; i < taken->count; i++)
		same += m->d->item[taken->answers[i].item].type == x->type;
	return g->per_type && kind != REC_UP && same >= g->per_type ? REC_TYPE_TAKEN : REC_ALLOWED;
}

/* What cross-sells may add: a share of the basket; without one, of the customer's mean order; else no cap. */
int64_t rec_budget(const struct rec_model *m, const struct rec_scratch *s, const struct rec_ask *ask)
{
	const struct rec_data *d = m->d;
	if (ask->guards->cross_percent < 0 || !d->item)
		return -1;
	int64_t sum = 0;
	for (size_t i = 0; i < ask->basket_n; i++)
		sum += d->item[ask->basket[i]].price_minor;
	if (ask->basket_n == 0 && ask->customer != REC_NONE && d->line_minor) {
		uint32_t a = d->order_start[ask->customer], z = d->order_start[ask->customer + 1];
		for (uint32_t q = d->line_start[a]; q < d->line_start[z]; q++)
			sum += d->line_minor[q];
		sum = z > a ? sum / (int64_t)(z - a) : 0;
	}
	return sum > 0 ? sum * ask->guards->cross_percent / 100 : -1;
}
