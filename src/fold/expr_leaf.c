/* Leaves that look at orders and lines. Orders are sorted by time and their lines lie side by side, so a range of dates
 * is a range of orders and one range of lines. */
#include "fold/expr_int.h"
#include "fold/value_views.h"

struct range {
	uint32_t from, to;
};

/* The orders visible in the leaf's window. */
static struct range orders_in(const struct leaf *l, const struct eval *v)
{
	const struct view *w = &v->s->view;
	struct range r = { w->order0, w->order1 };
	if (l->window.kind == W_ALL)
		return r;
	int64_t from_s, to_s;
	eval_window(l, v, &from_s, &to_s);
	const uint32_t *at = w->k->order_at;
	while (r.to > r.from && (int64_t)at[r.to - 1] >= to_s)
		r.to--;
	uint32_t first = r.to;
	while (first > r.from && (int64_t)at[first - 1] >= from_s)
		first--;
	r.from = first;
	return r;
}

static bool is_sale(const struct chunk *k, uint32_t o)
{
	return k->order_flags[o] & ORDER_SALE;
}

static bool real_product(const struct eval *v, product_id p)
{
	return p >= v->product_count || !v->products[p].not_a_product;
}

static bool between(int64_t x, int64_t lo, int64_t hi)
{
	return x >= lo && x <= hi;
}

/* Pieces sold in the order; postage and the like do not count. */
static int64_t order_items(const struct eval *v, const struct chunk *k, uint32_t o)
{
	int64_t n = 0;
	for (uint32_t i = order_line(k, o); i < order_line(k, o + 1); i++)
		if (line_quantity(k, i) > 0 && real_product(v, line_product(k, i)))
			n += line_quantity(k, i);
	return n;
}

static bool order_passes(const struct leaf *l, const struct eval *v, const struct chunk *k, uint32_t o)
{
	if (l->sale_channels && !(l->sale_channels >> (k->order_flags[o] >> ORDER_CHANNEL_SHIFT) & 1))
		return false;
	if (l->has_total && !between(order_total(k, o), l->total_lo, l->total_hi))
		return false;
	return !l->has_items || between(order_items(v, k, o) * NUMBER_ONE, l->items_lo, l->items_hi);
}

static bool filters_orders(const struct leaf *l)
{
	return l->sale_channels || l->has_total || l->has_items;
}

static int64_t count_orders(const struct leaf *l, const struct eval *v, struct range r)
{
	const struct chunk *k = v->s->view.k;
	int64_t n = 0;
	if (!filters_orders(l)) {
		for (uint32_t o = r.from; o < r.to; o++)
			n += is_sale(k, o);
		return n;
	}
	for (uint32_t o = r.from; o < r.to; o++)
		n += is_sale(k, o) && order_passes(l, v, k, o);
	return n;
}

static int64_t spend(const struct leaf *l, const struct eval *v, struct range r)
{
	const struct chunk *k = v->s->view.k;
	bool filters = filters_orders(l);
	int64_t sum = 0;
	for (uint32_t o = r.from; o < r.to; o++)
		if (!filters || order_passes(l, v, k, o))
			sum += order_total(k, o);
	return sum;
}

static int64_t mean_or_biggest(const struct leaf *l, const struct eval *v, struct range r)
{
	const struct chunk *k = v->s->view.k;
	int64_t sum = 0, biggest = UNKNOWN;
	uint64_t n = 0;
	for (uint32_t o = r.from; o < r.to; o++) {
		if (!is_sale(k, o) || !order_passes(l, v, k, o))
			continue;
		n++;
		sum += order_total(k, o);
		biggest = order_total(k, o) > biggest ? order_total(k, o) : biggest;
	}
	if (l->fn == F_BIGGEST_ORDER)
		return biggest;
	return n ? thresholds_divide(sum, n) : UNKNOWN;
}

/* The first or last sale that passes, or UINT32_MAX. */
static uint32_t find_order(const struct leaf *l, const struct eval *v, struct range r, bool last)
{
	const struct chunk *k = v->s->view.k;
	for (uint32_t i = 0; i < r.to - r.from; i++) {
		uint32_t o = last ? r.to - 1 - i : r.from + i;
		if (is_sale(k, o) && order_passes(l, v, k, o))
			return o;
	}
	return UINT32_MAX;
}

static int64_t one_order(const struct leaf *l, const struct eval *v, struct range r)
{
	bool last = l->fn == F_LAST_ORDER || l->fn == F_LAST_ORDER_AMOUNT;
	uint32_t o = find_order(l, v, r, last);
	if (o == UINT32_MAX)
		return UNKNOWN;
	const struct chunk *k = v->s->view.k;
	if (l->fn == F_FIRST_ORDER_AMOUNT || l->fn == F_LAST_ORDER_AMOUNT)
		return order_total(k, o);
	return zone_date(v->e->shop_zone, (struct instant){ k->order_at[o] }).day;
}

/* ---- products ---- */

bool text_matches(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;
	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pattern.n && pattern.p[p] == s.p[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

static bool texts_have(const struct product_test *t, const struct eval *v, uint32_t word, struct str text)
{
	for (uint32_t i = 0; i < t->text_count; i++)
		if (t->slots[i] == NO_SLOT ? text_matches(t->texts[i], text) : eval_word(v, t->slots[i]) == word)
			return true;
	return false;
}

static bool test_product(const struct product_test *t, const struct eval *v, const struct product *p)
{
	uint32_t word = 0;
	struct str text = { "", 0 };
	switch ((enum product_field)t->field) {
	case P_CATEGORY: word = p->category; break;
	case P_FAMILY: word = p->family; break;
	case P_TYPE: word = p->type; break;
	case P_SKU: text = p->sku; break;
	case P_NAME: text = p->name; break;
	case P_PRICE: return p->price >= 0 && between(p->price, t->lo, t->hi);
	case P_TIER: return p->tier > 0 && between(p->tier * (int64_t)NUMBER_ONE, t->lo, t->hi);
	}
	if (word)
		text = book_word_text(v->s->book, word);
	if (text.n == 0) /* not known: neither = nor != holds */
		return false;
	return texts_have(t, v, word, text) != t->negate;
}

bool product_passes(const struct leaf *l, const struct eval *v, product_id id)
{
	if (v->bounds && v->bounds[l->index].product_bits) {
		const uint64_t *bits = v->bounds[l->index].product_bits;
		return id < v->product_count ? bits[id >> 6] >> (id & 63) & 1 : l->product_count == 0;
	}
	if (id >= v->product_count) /* not in the catalogue: passes only where nothing is asked of it */
		return l->product_count == 0;
	const struct product *p = &v->products[id];
	if (p->not_a_product)
		return false;
	for (uint32_t i = 0; i < l->product_count; i++)
		if (!test_product(&l->products[i], v, p))
			return false;
	return true;
}

struct line_sums {
	int64_t bought, returned, amount; /* pieces, pieces, money */
	int64_t orders;
	uint32_t last; /* order */
};

static void sum_lines(const struct leaf *l, const struct eval *v, struct range r, struct line_sums *out)
{
	const struct chunk *k = v->s->view.k;
	bool filters = filters_orders(l);
	for (uint32_t o = r.from; o < r.to; o++) {
		if (filters && !order_passes(l, v, k, o))
			continue;
		bool holds = false;
		for (uint32_t i = order_line(k, o); i < order_line(k, o + 1); i++) {
			if (!product_passes(l, v, line_product(k, i)))
				continue;
			int64_t q = line_quantity(k, i);
			holds |= q > 0;
			out->bought += q > 0 ? q : 0;
			out->returned += q < 0 ? -q : 0;
			out->amount += line_amount(k, i);
		}
		if (holds) {
			out->orders++;
			out->last = o;
		}
	}
}

/* Is there a line of that sign? */
static bool any_line(const struct leaf *l, const struct eval *v, struct range r, bool negative)
{
	const struct chunk *k = v->s->view.k;
	bool filters = filters_orders(l);
	if (r.from == r.to)
		return false;
	if (!filters && v->bounds) { /* one range of lines, one bit each */
		const uint64_t *bits = v->bounds[l->index].product_bits;
		bool others = l->product_count == 0;
		for (uint32_t i = order_line(k, r.from); i < order_line(k, r.to); i++) {
			product_id p = line_product(k, i);
			bool passes = p < v->product_count ? bits[p >> 6] >> (p & 63) & 1 : others;
			if (passes && (negative ? line_quantity(k, i) < 0 : line_quantity(k, i) > 0))
				return true;
		}
		return false;
	}
	for (uint32_t o = r.from; o < r.to; o++) {
		if (!order_passes(l, v, k, o))
			continue;
		for (uint32_t i = order_line(k, o); i < order_line(k, o + 1); i++)
			if ((negative ? line_quantity(k, i) < 0 : line_quantity(k, i) > 0) &&
			    product_passes(l, v, line_product(k, i)))
				return true;
	}
	return false;
}

enum { PRODUCTS_COUNTED_MAX = 1000 };

/* A small open-addressed set on the stack: sized for the limit. */
static int64_t distinct(const struct leaf *l, const struct eval *v, struct range r)
{
	enum { SLOTS = 2048 };
	product_id seen[SLOTS] = { 0 };
	int64_t n = 0;
	const struct chunk *k = v->s->view.k;
	for (uint32_t o = r.from; o < r.to; o++) {
		if (!order_passes(l, v, k, o))
			continue;
		for (uint32_t i = order_line(k, o); i < order_line(k, o + 1) && n < PRODUCTS_COUNTED_MAX; i++) {
			product_id p = line_product(k, i);
			if (p == 0 || line_quantity(k, i) <= 0 || !product_passes(l, v, p))
				continue;
			uint32_t at = p * 2654435761u >> 21;
			while (seen[at] && seen[at] != p)
				at = (at + 1) % SLOTS;
			n += seen[at] == 0;
			seen[at] = p;
		}
	}
	return n * NUMBER_ONE;
}

int64_t leaf_lines(const struct leaf *l, struct eval *v)
{
	struct range r = orders_in(l, v);
	struct line_sums s = { 0 };
	switch ((enum fn)l->fn) {
	case F_BOUGHT: return any_line(l, v, r, false);
	case F_RETURNED: return any_line(l, v, r, true);
	case F_PRODUCTS: return distinct(l, v, r);
	default: break;
	}
	sum_lines(l, v, r, &s);
	switch ((enum fn)l->fn) {
	case F_BOUGHT_COUNT: return s.orders * NUMBER_ONE;
	case F_QUANTITY: return (s.bought - s.returned) * NUMBER_ONE;
	case F_BOUGHT_AMOUNT: return s.amount;
	case F_RETURNS: return s.returned * NUMBER_ONE;
	case F_RETURN_RATE: return value_arith(OP_RATIO, s.returned, s.bought);
	case F_LAST_BOUGHT:
		return s.orders ? zone_date(v->e->shop_zone, (struct instant){ v->s->view.k->order_at[s.last] }).day : UNKNOWN;
	default: return UNKNOWN;
	}
}

/* The order the run is about: by its key, else by the instant the trigger spoke of. */
static int64_t run_order(const struct leaf *l, struct eval *v)
{
	const struct run *run = v->s->run;
	const struct view *w = &v->s->view;
	bool amount = l->fn == F_ORDER_AMOUNT;
	for (int pass = 0; run && pass < 2; pass++)
		for (uint32_t o = w->order1; o > w->order0; o--) {
			bool it = pass == 0 ? run->subject && w->k->order_key[o - 1] == run->subject
			                    : is_sale(w->k, o - 1) && w->k->order_at[o - 1] == run->anchor_at;
			if (it)
				return amount ? order_total(w->k, o - 1) : any_line(l, v, (struct range){ o - 1, o }, false);
		}
	return amount ? UNKNOWN : TRI_UNKNOWN;
}

/* ---- life cycle ---- */

/* The instants of the last shop day asked for on this thread. Unlike lifecycle_of, conditions see today's facts too. */
static const struct lifecycle_day *day_of(struct eval *v)
{
	static _Thread_local struct {
		struct lifecycle_day day;
		struct lifecycle_settings settings;
		zone_id zone;
		bool used;
	} last;
	const struct lifecycle_settings *s = &v->e->lifecycle;
	if (!last.used || last.day.day.day != v->shop_day.day || last.zone != v->e->shop_zone ||
	    last.settings.lapsing_months != s->lapsing_months || last.settings.former_months != s->former_months) {
		lifecycle_day_init(&last.day, v->e->shop_zone, v->shop_day, s);
		last.day.cutoff = INT64_MAX;
		last.settings = *s;
		last.zone = v->e->shop_zone;
		last.used = true;
	}
	return &last.day;
}

static int64_t life_cycle(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	const struct lifecycle_day *day = day_of(v);
	if (l->fn == F_LIFECYCLE)
		return lifecycle_phase(w, day, v->s->thresholds, &v->e->lifecycle);
	if (l->fn == F_TOP_DECILE) {
		struct lifecycle c;
		lifecycle_at(w, v->e->shop_zone, day, v->s->thresholds, &v->e->lifecycle, &c);
		return v->s->thresholds && c.orders_12m > 0 && c.spend_12m >= v->s->thresholds->top_decile_spend;
	}
	uint32_t o = find_order(l, v, (struct range){ w->order0, w->order1 }, true);
	if (o == UINT32_MAX)
		return TRI_FALSE;
	struct date d = zone_date(v->e->shop_zone, (struct instant){ w->k->order_at[o] });
	d = l->months ? date_add_months(d, l->months) : (struct date){ d.day + l->days };
	return d.day <= v->shop_day.day;
}

int64_t leaf_eval(const struct leaf *l, struct eval *v)
{
	switch ((enum fn)l->fn) {
	case F_LIFECYCLE:
	case F_INACTIVE:
	case F_TOP_DECILE: return life_cycle(l, v);
	case F_RFM: {
		uint8_t segment = v->rfm ? v->rfm[v->s->view.customer] : RFM_NONE;
		return segment == RFM_NONE ? UNKNOWN : segment;
	}
	case F_ORDERS: return count_orders(l, v, orders_in(l, v)) * NUMBER_ONE;
	case F_SPEND: return spend(l, v, orders_in(l, v));
	case F_AVERAGE_BASKET:
	case F_BIGGEST_ORDER: return mean_or_biggest(l, v, orders_in(l, v));
	case F_FIRST_ORDER:
	case F_LAST_ORDER:
	case F_FIRST_ORDER_AMOUNT:
	case F_LAST_ORDER_AMOUNT: return one_order(l, v, orders_in(l, v));
	case F_AVERAGE_BASKET_SHOP:
		return v->s->thresholds && v->s->thresholds->average_basket ? v->s->thresholds->average_basket : UNKNOWN;
	case F_BOUGHT:
	case F_BOUGHT_COUNT:
	case F_QUANTITY:
	case F_BOUGHT_AMOUNT:
	case F_PRODUCTS:
	case F_LAST_BOUGHT:
	case F_RETURNED:
	case F_RETURNS:
	case F_RETURN_RATE: return leaf_lines(l, v);
	case F_ORDER_AMOUNT:
	case F_ORDER_BOUGHT: return run_order(l, v);
	case F_CART:
	case F_CART_TOTAL:
	case F_CART_ITEMS:
	case F_CART_AGE: return leaf_cart(l, v);
	case F_SENT:
	case F_SENT_COUNT:
	case F_LAST_SENT:
	case F_OPENED:
	case F_CLICKED:
	case F_BOUNCED:
	case F_ANSWERED:
	case F_IN_PLAN:
	case F_ENTERED:
	case F_CONTROL: return leaf_message(l, v);
	case F_TODAY: return v->shop_day.day;
	case F_EVENT:
	case F_EVENT_COUNT:
	case F_EVENT_VALUE:
	case F_LAST_EVENT:
	case F_MAY:
	case F_CONSENT_OF:
	case F_SUPPRESSED:
	case F_REACH:
	case F_AGE:
	case F_BIRTHDAY_MONTH:
	case F_DAYS_TO_BIRTHDAY:
	case F_CHILD_AGE:
	case F_CHILDREN:
	case F_GENDER:
	case F_COMPANY:
	case F_LOCALE:
	case F_ZONE:
	case F_POSTCODE:
	case F_DEPARTMENT:
	case F_DISTANCE:
	case F_STORE:
	case F_SECTOR:
	case F_TAG:
	case F_INTEREST:
	case F_CREATED: return leaf_person(l, v);
	case F_DAYS_SINCE:
	case F_MONTH:
	case F_YEAR:
	case F_WEEKDAY:
	case F_KNOWN:
	case F_SEGMENT:
	case F_COUNT: break; /* operations, never leaves */
	}
	return UNKNOWN;
}
