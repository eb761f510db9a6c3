#include "app/allot.h"

#include <stdlib.h>

static bool goes_before(const struct waiting *a, const struct waiting *b)
{
	return a->value != b->value ? a->value > b->value : a->customer < b->customer;
}

static void push(struct allot_plan *h, struct waiting w)
{
	h->items = mem_grow(h->items, &h->cap, h->count + 1, sizeof *h->items);
	size_t i = h->count++;
	for (; i > 0 && goes_before(&w, &h->items[(i - 1) / 2]); i = (i - 1) / 2)
		h->items[i] = h->items[(i - 1) / 2];
	h->items[i] = w;
}

static struct waiting pop(struct allot_plan *h)
{
	struct waiting top = h->items[0], last = h->items[--h->count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= h->count)
			break;
		if (child + 1 < h->count && goes_before(&h->items[child + 1], &h->items[child]))
			child++;
		if (!goes_before(&h->items[child], &last))
			break;
		h->items[i] = h->items[child];
		i = child;
	}
	if (h->count)
		h->items[i] = last;
	return top;
}

void allot_init(struct allot *a, const struct plan_set *plans, size_t people)
{
	*a = (struct allot){ 0 };
	allot_grow(a, plans, people);
}

void allot_grow(struct allot *a, const struct plan_set *plans, size_t people)
{
	if (plans->count > a->count) {
		a->plans = mem_realloc(a->plans, plans->count * sizeof *a->plans);
		memset(a->plans + a->count, 0, (plans->count - a->count) * sizeof *a->plans);
		a->count = plans->count;
	}
	for (size_t p = 0; p < a->count; p++) {
		struct allot_plan *h = &a->plans[p];
		if (plans->plans[p]->smooth_per_day <= 0)
			continue;
		size_t from = h->value ? a->people : 0;
		if (h->value && people <= a->people)
			continue;
		h->value = mem_realloc(h->value, people * sizeof *h->value);
		for (size_t c = from; c < people; c++)
			h->value[c] = INT64_MIN;
	}
	if (people > a->people)
		a->people = people;
}

void allot_release(struct allot *a)
{
	for (size_t p = 0; p < a->count; p++) {
		free(a->plans[p].items);
		free(a->plans[p].value);
	}
	free(a->plans);
	*a = (struct allot){ 0 };
}

bool allot_waits(const struct allot *a, customer_id c)
{
	for (size_t p = 0; p < a->count; p++)
		if (a->plans[p].value && a->plans[p].value[c] != INT64_MIN)
			return true;
	return false;
}

void allot_forget(struct allot *a, customer_id c)
{
	for (size_t p = 0; p < a->count; p++)
		if (a->plans[p].value)
			a->plans[p].value[c] = INT64_MIN;
}

void allot_take(struct allot *a, const struct proposal *proposals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct proposal *p = &proposals[i];
		struct allot_plan *h = &a->plans[p->plan];
		check(h->value && p->customer < a->people);
		if (h->value[p->customer] == p->value)
			continue;
		h->value[p->customer] = p->value;
		push(h, (struct waiting){ p->value, p->customer });
	}
}

bool allot_next(struct allot *a, size_t p, customer_id *out)
{
	struct allot_plan *h = &a->plans[p];
	while (h->value && h->count > 0) {
		struct waiting w = pop(h);
		if (h->value[w.customer] != w.value)
			continue; /* proposed again since, with another value */
		h->value[w.customer] = INT64_MIN;
		*out = w.customer;
		return true;
	}
	return false;
}

size_t allot_waiting(const struct allot *a, size_t p)
{
	size_t n = 0;
	const struct allot_plan *h = &a->plans[p];
	for (size_t i = 0; i < h->count; i++)
		n += h->value[h->items[i].customer] == h->items[i].value;
	return n;
}
