#include "app/timers.h"

#include <stdlib.h>

static bool before(struct timer a, struct timer b)
{
	return a.at != b.at ? a.at < b.at : a.customer < b.customer;
}

void timers_release(struct timers *t)
{
	free(t->items);
	*t = (struct timers){ 0 };
}

void timers_add(struct timers *t, uint32_t at, customer_id c)
{
	struct timer item = { at, c };
	t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
	size_t i = t->count++;
	for (; i > 0 && before(item, t->items[(i - 1) / 2]); i = (i - 1) / 2)
		t->items[i] = t->items[(i - 1) / 2];
	t->items[i] = item;
}

uint32_t timers_next(const struct timers *t)
{
	return t->count ? t->items[0].at : UINT32_MAX;
}

struct timer timers_take(struct timers *t)
{
	check(t->count > 0);
	struct timer first = t->items[0], last = t->items[--t->count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= t->count)
			break;
		if (child + 1 < t->count && before(t->items[child + 1], t->items[child]))
			child++;
		if (!before(t->items[child], last))
			break;
		t->items[i] = t->items[child];
		i = child;
	}
	if (t->count)
		t->items[i] = last;
	return first;
}
