/* What recommend_follow.h keeps of a model, and what changes in it. */
#include "fold/recommend_basket.h"
#include "fold/recommend_follow_inner.h"

#include <stdlib.h>

static const uint32_t KEPT[PAIRS] = { REC_BASKET_KEEP, REC_KEEP, REC_KEEP, REC_GROUPS_LOOKED };
static const uint32_t WIDE[PAIRS] = { REC_WIDE_BESIDE, REC_WIDE, REC_WIDE, REC_WIDE };
/* The key of a change: kind of pair, row, item. */
enum { PAIRS_SHIFT = 62, ROW_SHIFT = 31, WAITING_MAX = 1 << 22 };

/* ---- as learnt ---- */

static uint32_t who_is(const struct rec_data *d, uint32_t customer)
{
	return d->guests && customer >= d->guests ? REC_GUEST | (customer - d->guests) : customer;
}

static void hold(struct rec_follow *f, const struct rec_data *d)
{
	f->held_items = d->items;
	f->held_start = mem_alloc((d->items + 2u) * sizeof(*f->held_start));
	for (uint32_t i = 0; i < d->items; i++)
		f->held_start[i + 2] = f->held_start[i + 1] + f->facts.customers_of[i];
	f->held = mem_alloc((f->held_start[d->items + 1] + 1) * sizeof(*f->held));
	for (uint32_t c = 0; c < d->customers; c++) {
		struct rec_history h = rec_history_of(d, c);
		f->stamp++;
		for (uint32_t q = h.line_start[0]; q < h.line_start[h.orders]; q++)
			if (rec_bought(&h, q) && f->seen[h.item[q]] != f->stamp) {
				f->seen[h.item[q]] = f->stamp;
				f->held[f->held_start[h.item[q] + 1]++] = who_is(d, c);
			}
	}
}

void rec_follow_sales(struct rec_follow *f, const struct rec_history *h)
{
	rec_sales_add(&f->sales, h, 1);
	for (uint32_t o = h->orders; o-- > 0 && h->day[o] == f->newest;)
		f->newest_orders++;
}

struct rec_follow *rec_follow_new(struct rec_learning *l, struct rec_facts *facts, struct rec_lists *lists,
                                  const struct nb_rows *groups)
{
	const struct rec_data *d = l->d;
	struct rec_model *m = l->m;
	struct rec_follow *f = mem_alloc(sizeof(*f));
	const struct nb_rows *given[PAIRS] = { &lists->beside, &lists->after, &lists->users, groups };
	f->items = d->items;
	f->groups = m->groups;
	f->facts = *facts;
	f->order_total = lists->order_total;
	f->user_total = lists->user_total;
	f->ease = lists->ease;
	for (int k = 0; k < PAIRS; k++)
		rec_rows_init(&f->rows[k], given[k], k == GROUPS ? m->groups : d->items, KEPT[k], WIDE[k]);
	*facts = (struct rec_facts){ 0 };
	lists->order_total = lists->user_total = NULL;
	lists->ease = (struct nb_rows){ 0 };
	f->with_ease = f->ease.n > 0;
	f->ease_since = l->before ? m->baskets_n - l->before->baskets_learnt : 0;
	f->group = mem_alloc((d->items + 1u) * sizeof(*f->group));
	memcpy(f->group, m->group, d->items * sizeof(*f->group));
	f->group_baskets = mem_alloc((m->groups + 1u) * sizeof(*f->group_baskets));
	memcpy(f->group_baskets, m->group_baskets, m->groups * sizeof(*f->group_baskets));
	f->segments = m->segment_both ? d->segments : 0;
	if (m->segment_both) {
		size_t bytes = (f->segments + 1u) * (size_t)d->items * sizeof(*f->segment_both);
		f->segment_both = mem_alloc(bytes);
		memcpy(f->segment_both, m->segment_both, bytes);
		memcpy(f->segment_customers, m->segment_customers, sizeof(f->segment_customers));
	}
	f->seen = mem_alloc((d->items + 1u) * sizeof(*f->seen));
	f->edge = mem_alloc(d->items + 1u);
	f->since = mem_alloc((d->items + 1u) * sizeof(*f->since));
	hold(f, d);
	f->newest = l->newest;
	rec_sales_init(&f->sales, d->items, l->newest + 1);
	for (uint32_t c = 0; c < d->customers; c++) {
		struct rec_history h = rec_history_of(d, c);
		rec_follow_sales(f, &h);
		f->known += h.orders > 1 && !(who_is(d, c) & REC_GUEST);
	}
	f->guests_learnt = rec_guests_learnt((uint32_t)f->known);
	return f;
}

struct rec_follow *rec_model_follow(struct rec_model *m)
{
	struct rec_follow *f = m->follow;
	m->follow = NULL;
	return f;
}

void rec_follow_free(struct rec_follow *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->items; i++)
		free(f->since[i].who);
	for (int k = 0; k < PAIRS; k++)
		rec_rows_release(&f->rows[k]);
	rec_facts_release(&f->facts);
	rec_sales_release(&f->sales);
	nb_rows_release(&f->ease);
	void *const all[] = { f->group, f->order_total, f->user_total, f->group_baskets, f->segment_both, f->seen,
		                  f->edge,  f->held_start,  f->held,       f->since,         f->waiting };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	free(f);
}

struct rec_follow_told rec_follow_told(const struct rec_follow *f)
{
	return f->told;
}

size_t rec_follow_bytes(const struct rec_follow *f)
{
	size_t bytes =
		f->held_start[f->held_items] * sizeof(*f->held) + f->waiting_cap * sizeof(*f->waiting) + f->items * 160u;
	for (int k = 0; k < PAIRS; k++)
		bytes += rec_rows_bytes(&f->rows[k]);
	for (uint32_t i = 0; i < f->items; i++)
		bytes += f->since[i].cap * sizeof(uint32_t);
	return bytes + (f->ease.item_cap + f->ease.weight_cap) * sizeof(uint32_t);
}

/* ---- the catalogue grows ---- */

static void grow(struct rec_follow *f, uint32_t more)
{
	uint32_t n = f->items;
	rec_facts_grow(&f->facts, n, more);
	rec_sales_grow(&f->sales, n, more);
	f->order_total = rec_wider(f->order_total, n, more, sizeof(double));
	f->user_total = rec_wider(f->user_total, n, more, sizeof(double));
	f->seen = rec_wider(f->seen, n, more, sizeof(uint32_t));
	f->edge = rec_wider(f->edge, n, more, sizeof(bool));
	f->since = rec_wider(f->since, n, more, sizeof(*f->since));
	for (int k = 0; k < GROUPS; k++)
		rec_rows_grow(&f->rows[k], more);
	while (f->with_ease && f->ease.n < more)
		nb_rows_end(&f->ease);
	if (f->segment_both) {
		uint32_t *both = mem_alloc((f->segments + 1u) * (size_t)more * sizeof(*both));
		for (uint32_t g = 0; g <= f->segments; g++)
			memcpy(both + (size_t)g * more, f->segment_both + (size_t)g * n, n * sizeof(*both));
		free(f->segment_both);
		f->segment_both = both;
	}
	f->items = more;
}

bool rec_follow_items(struct rec_follow *f, const struct rec_data *d)
{
	struct rec_model named = { .d = d, .items = d->items };
	if (d->items < f->items || d->items > REC_FOLLOW_ITEMS_MAX || (d->segment ? d->segments : 0) != f->segments)
		return false;
	rec_name_groups(&named);
	bool same = memcmp(named.group, f->group, f->items * sizeof(*f->group)) == 0;
	if (!same) {
		free(named.group);
		return false;
	}
	free(f->group);
	f->group = named.group;
	if (named.groups > f->groups) {
		f->group_baskets = rec_wider(f->group_baskets, f->groups, named.groups, sizeof(uint32_t));
		rec_rows_grow(&f->rows[GROUPS], named.groups);
		f->groups = named.groups;
	}
	if (d->items > f->items)
		grow(f, d->items);
	return true;
}

/* ---- changes ---- */

static int by_key(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	return (x->key > y->key) - (x->key < y->key);
}

/* What waits goes into its rows. */
void rec_follow_settle(struct rec_follow *f)
{
	struct nb_heavy *changes = mem_alloc((f->waiting_n + 1) * sizeof(*changes));
	qsort(f->waiting, f->waiting_n, sizeof(*f->waiting), by_key);
	for (size_t i = 0, to; i < f->waiting_n; i = to) {
		uint64_t row = f->waiting[i].key >> ROW_SHIFT;
		size_t n = 0;
		for (to = i; to < f->waiting_n && f->waiting[to].key >> ROW_SHIFT == row; to++) {
			uint32_t item = (uint32_t)(f->waiting[to].key & (REC_GUEST - 1));
			if (n == 0 || changes[n - 1].item != item)
				changes[n++] = (struct nb_heavy){ 0, item };
			changes[n - 1].weight += f->waiting[to].weight;
		}
		size_t kept = 0;
		for (size_t k = 0; k < n; k++)
			if (changes[k].weight != 0)
				changes[kept++] = changes[k];
		f->pairs += kept;
		if (kept)
			rec_row_change(&f->rows[f->waiting[i].key >> PAIRS_SHIFT], (uint32_t)(row & (REC_GUEST - 1)), changes,
			               kept);
	}
	f->waiting_n = 0;
	free(changes);
}

static void put(struct rec_follow *f, enum pairs k, const uint32_t *rows, size_t rows_n, const uint32_t *items,
                size_t n, float weight)
{
	for (size_t i = 0; i < rows_n; i++) {
		f->waiting = mem_grow(f->waiting, &f->waiting_cap, f->waiting_n + n, sizeof(*f->waiting));
		for (size_t j = 0; j < n; j++)
			f->waiting[f->waiting_n++] =
				(struct waiting){ (uint64_t)k << PAIRS_SHIFT | (uint64_t)rows[i] << ROW_SHIFT | items[j], weight };
	}
	if (f->waiting_n > WAITING_MAX)
		rec_follow_settle(f);
}

/* Orders from … to − 1 come (sign 1) or go (−1), and with them what they say of the two before. */
static void count_orders(struct rec_follow *f, const struct rec_history *h, uint32_t from, uint32_t to, int sign)
{
	uint32_t items[REC_ORDER_LEARNED], later[REC_ORDER_LEARNED], groups[REC_GROUP_LINES];
	for (uint32_t o = from > REC_LATER_ORDERS ? from - REC_LATER_ORDERS : 0; o < to; o++) {
		size_t n = rec_order_once(h, o, items);
		for (uint32_t k = 1; k <= REC_LATER_ORDERS && o + k < h->orders; k++) {
			size_t then = o + k < from ? 0 : rec_order_once(h, o + k, later);
			put(f, AFTER, items, n, later, then, (float)sign / (float)k);
		}
		if (o < from)
			continue;
		put(f, BESIDE, items, n, items, n, (float)sign);
		for (size_t i = 0; i < n; i++)
			f->order_total[items[i]] += sign;
		n = rec_groups_once(f->group, h, o, groups);
		put(f, GROUPS, groups, n, groups, n, (float)sign);
		for (size_t i = 0; i < n; i++)
			f->group_baskets[groups[i]] += (uint32_t)sign;
		f->ease_since++;
	}
}

/* a without b; both ascending. */
static size_t without(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint32_t *out)
{
	size_t kept = 0;
	for (size_t i = 0, k = 0; i < n; i++) {
		while (k < m && b[k] < a[i])
			k++;
		if (k == m || b[k] != a[i])
			out[kept++] = a[i];
	}
	return kept;
}

static void count_customer(struct rec_follow *f, const struct rec_change *c)
{
	uint32_t was[REC_ORDER_LEARNED], is[REC_ORDER_LEARNED], stay[REC_ORDER_LEARNED];
	uint32_t gone[REC_ORDER_LEARNED], come[REC_ORDER_LEARNED];
	size_t was_n = rec_history_once(&c->was, was), is_n = rec_history_once(&c->is, is);
	size_t gone_n = without(was, was_n, is, is_n, gone), come_n = without(is, is_n, was, was_n, come);
	size_t stay_n = without(was, was_n, gone, gone_n, stay);
	put(f, USERS, gone, gone_n, was, was_n, -1);
	put(f, USERS, stay, stay_n, gone, gone_n, -1);
	put(f, USERS, come, come_n, is, is_n, 1);
	put(f, USERS, stay, stay_n, come, come_n, 1);
	for (size_t i = 0; i < gone_n; i++)
		f->user_total[gone[i]]--;
	for (size_t i = 0; i < come_n; i++)
		f->user_total[come[i]]++;
}

static bool same_order(const struct rec_history *a, uint32_t o, const struct rec_history *b, uint32_t p)
{
	uint32_t n = a->line_start[o + 1] - a->line_start[o];
	if (b->line_start[p + 1] - b->line_start[p] != n)
		return false;
	for (uint32_t q = a->line_start[o], r = b->line_start[p], i = 0; i < n; i++, q++, r++)
		if (a->item[q] != b->item[r] || rec_bought(a, q) != rec_bought(b, r))
			return false;
	return true;
}

static void change_orders(struct rec_follow *f, const struct rec_change *c)
{
	uint32_t was = c->was.orders, is = c->is.orders, from = 0;
	while (from < was && from < is && same_order(&c->was, from, &c->is, from))
		from++;
	while (was > from && is > from && same_order(&c->was, was - 1, &c->is, is - 1)) {
		was--;
		is--;
	}
	count_orders(f, &c->was, from, was, -1);
	count_orders(f, &c->is, from, is, 1);
}

static void add_holder(struct rec_follow *f, uint32_t item, uint32_t who)
{
	struct holders *h = &f->since[item];
	if (item < f->held_items) {
		uint64_t from = f->held_start[item], to = f->held_start[item + 1];
		while (from < to) {
			uint64_t middle = from + (to - from) / 2;
			if (f->held[middle] == who)
				return;
			if (f->held[middle] < who)
				from = middle + 1;
			else
				to = middle;
		}
	}
	size_t from = 0, to = h->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (h->who[middle] == who)
			return;
		if (h->who[middle] < who)
			from = middle + 1;
		else
			to = middle;
	}
	h->who = mem_grow(h->who, &h->cap, h->n + 1, sizeof(*h->who));
	memmove(h->who + from + 1, h->who + from, (h->n - from) * sizeof(*h->who));
	h->who[from] = who;
	h->n++;
}

static void change_holders(struct rec_follow *f, const struct rec_change *c)
{
	const struct rec_history *const both[] = { &c->was, &c->is };
	f->stamp++;
	for (int k = 0; k < 2; k++) {
		const struct rec_history *h = both[k];
		for (uint32_t q = h->orders ? h->line_start[0] : 0; h->orders && q < h->line_start[h->orders]; q++) {
			if (!rec_bought(h, q) || f->seen[h->item[q]] == f->stamp)
				continue;
			f->seen[h->item[q]] = f->stamp;
			if (k == 1)
				add_holder(f, h->item[q], c->who);
		}
	}
}

static bool bought_on(const struct rec_history *h, int32_t day, uint32_t item)
{
	for (uint32_t o = h->orders; o-- > 0 && h->day[o] >= day;)
		for (uint32_t q = h->line_start[o]; h->day[o] == day && q < h->line_start[o + 1]; q++)
			if (h->item[q] == item && rec_bought(h, q))
				return true;
	return false;
}

/* The days of which sales are told, and an item's first and last. */
static void change_days(struct rec_follow *f, const struct rec_change *c)
{
	const struct rec_history *w = &c->was, *h = &c->is;
	for (uint32_t o = 0; o < w->orders; o++) {
		f->newest_orders -= w->day[o] == f->newest;
		for (uint32_t q = w->line_start[o]; q < w->line_start[o + 1]; q++) {
			uint32_t i = w->item[q];
			bool edge = w->day[o] == f->sales.first[i] || w->day[o] == f->sales.last[i];
			if (edge && rec_bought(w, q) && !bought_on(h, w->day[o], i))
				f->edge[i] = f->edges = true;
		}
	}
	for (uint32_t o = 0; o < h->orders; o++) {
		if (h->day[o] > f->newest) {
			f->newest = h->day[o];
			f->newest_orders = 0;
		}
		f->newest_orders += h->day[o] == f->newest;
	}
}

static void change_segment(struct rec_follow *f, uint8_t segment, const struct rec_history *h, int sign)
{
	if (!f->segment_both)
		return;
	check(segment <= f->segments);
	bool bought = rec_segment_add(f->segment_both + (size_t)segment * f->items, f->seen, ++f->stamp, h, sign);
	f->segment_customers[segment] += bought ? (uint32_t)sign : 0;
}

void rec_follow_change(struct rec_follow *f, const struct rec_change *c)
{
	bool guest = c->who & REC_GUEST, learnt = !guest || f->guests_learnt;
	f->known += guest ? 0 : (c->is.orders > 1) - (c->was.orders > 1);
	change_days(f, c);
	rec_facts_add(&f->facts, &c->was, learnt, -1);
	rec_facts_add(&f->facts, &c->is, learnt, 1);
	rec_sales_add(&f->sales, &c->was, -1);
	rec_sales_add(&f->sales, &c->is, 1);
	change_segment(f, c->segment_was, &c->was, -1);
	change_segment(f, c->segment_is, &c->is, 1);
	change_holders(f, c);
	change_orders(f, c);
	if (learnt)
		count_customer(f, c);
}
