/* Counting for recommend.h: by history, so that a customer's can be taken away and added again as it has become. */
#include "fold/recommend_count.h"

#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Most are a few lines. */
static void sort(uint32_t *numbers, size_t n)
{
	enum { FEW = 32 };
	if (n > FEW) {
		qsort(numbers, n, sizeof(*numbers), by_number);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint32_t x = numbers[i];
		size_t k = i;
		for (; k > 0 && numbers[k - 1] > x; k--)
			numbers[k] = numbers[k - 1];
		numbers[k] = x;
	}
}

static size_t once(uint32_t *numbers, size_t n)
{
	size_t kept = 0;
	sort(numbers, n);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || numbers[i] != numbers[i - 1])
			numbers[kept++] = numbers[i];
	return kept;
}

size_t rec_order_once(const struct rec_history *h, uint32_t order, uint32_t items[REC_ORDER_LEARNED])
{
	uint32_t from = h->line_start[order], to = h->line_start[order + 1];
	size_t n = 0;
	to = to - from > REC_ORDER_LEARNED ? from + REC_ORDER_LEARNED : to;
	for (uint32_t q = from; q < to; q++)
		if (rec_bought(h, q))
			items[n++] = h->item[q];
	return once(items, n);
}

size_t rec_history_once(const struct rec_history *h, uint32_t items[REC_ORDER_LEARNED])
{
	size_t n = 0;
	for (uint32_t o = h->orders; o-- > 0 && n < REC_ORDER_LEARNED;)
		for (uint32_t q = h->line_start[o]; q < h->line_start[o + 1] && n < REC_ORDER_LEARNED; q++)
			if (rec_bought(h, q))
				items[n++] = h->item[q];
	return once(items, n);
}

size_t rec_groups_once(const uint32_t *group, const struct rec_history *h, uint32_t order,
                       uint32_t groups[REC_GROUP_LINES])
{
	size_t n = 0;
	for (uint32_t q = h->line_start[order]; q < h->line_start[order + 1] && n < REC_GROUP_LINES; q++)
		if (rec_bought(h, q) && group[h->item[q]] != REC_NONE)
			groups[n++] = group[h->item[q]];
	return once(groups, n);
}

void *rec_wider(void *p, size_t n, size_t more, size_t size)
{
	char *wide = mem_realloc(p, (more + 1) * size);
	memset(wide + n * size, 0, (more + 1 - n) * size);
	return wide;
}

/* ---- facts ---- */

void rec_facts_init(struct rec_facts *f, uint32_t items)
{
	*f = (struct rec_facts){ 0 };
	rec_facts_grow(f, 0, items);
}

void rec_facts_grow(struct rec_facts *f, uint32_t items, uint32_t more)
{
	uint32_t **const all[] = { &f->customers_of, &f->baskets_of, &f->learnt_of, &f->again, &f->seen, &f->held };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		*all[i] = rec_wider(*all[i], items, more, sizeof(uint32_t));
	f->twice = rec_wider(f->twice, items, more, 1);
}

void rec_facts_add(struct rec_facts *f, const struct rec_history *h, bool learnt, int sign)
{
	uint32_t one = (uint32_t)sign; /* adding 2³² − 1 takes one away */
	f->customer++;
	f->baskets_n += (uint64_t)(int64_t)sign * h->orders;
	f->customers_n += h->orders ? (uint64_t)(int64_t)sign : 0;
	for (uint32_t o = 0; o < h->orders; o++) {
		f->order++;
		for (uint32_t q = h->line_start[o]; q < h->line_start[o + 1]; q++) {
			uint32_t i = h->item[q];
			if (!rec_bought(h, q))
				continue;
			if (f->held[i] != f->order)
				f->baskets_of[i] += one;
			if (f->seen[i] != f->customer) {
				f->seen[i] = f->customer;
				f->twice[i] = 0;
				f->customers_of[i] += one;
				f->learnt_of[i] += learnt ? one : 0;
			} else if (f->held[i] != f->order && !f->twice[i]) {
				f->twice[i] = 1;
				f->again[i] += one;
			}
			f->held[i] = f->order;
		}
	}
}

void rec_facts_tell(const struct rec_facts *f, struct rec_model *m)
{
	enum { AGAIN_BUYERS_MIN = 20 };
	const struct rec_item *item = m->d->item;
	size_t bytes = m->items * sizeof(uint32_t);
	memcpy(m->customers_of, f->customers_of, bytes);
	memcpy(m->baskets_of, f->baskets_of, bytes);
	memcpy(m->learnt_of, f->learnt_of, bytes);
	m->customers_n = f->customers_n;
	m->baskets_n = f->baskets_n;
	for (uint32_t i = 0; i < m->items; i++)
		m->again_by_nature[i] =
			(item && item[i].flags & REC_CONSUMABLE) ||
			(f->customers_of[i] >= AGAIN_BUYERS_MIN && (uint64_t)f->again[i] * 3 >= f->customers_of[i] &&
		     !(item && item[i].lifetime_days > 0));
}

void rec_facts_release(struct rec_facts *f)
{
	void *const all[] = { f->customers_of, f->baskets_of, f->learnt_of, f->again, f->seen, f->held, f->twice };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	*f = (struct rec_facts){ 0 };
}

/* ---- segments ---- */

bool rec_segment_add(uint32_t *both, uint32_t *seen, uint32_t customer, const struct rec_history *h, int sign)
{
	bool bought = false;
	for (uint32_t q = h->orders ? h->line_start[0] : 0; h->orders && q < h->line_start[h->orders]; q++)
		if (rec_bought(h, q)) {
			bought = true;
			both[h->item[q]] += seen[h->item[q]] != customer ? (uint32_t)sign : 0;
			seen[h->item[q]] = customer;
		}
	return bought;
}
