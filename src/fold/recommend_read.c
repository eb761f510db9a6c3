/* What a call of recommend.h works on: room for its sums, and what the customer bought. */
#include "fold/recommend_basket.h"

struct rec_scratch *rec_scratch_new(const struct rec_model *m)
{
	struct rec_scratch *s = mem_alloc(sizeof(*s));
	size_t n = (size_t)m->d->items + 1;
	s->slot = mem_alloc(n * sizeof(*s->slot));
	s->tally = mem_alloc(n * sizeof(*s->tally));
	s->touched = mem_alloc(n * sizeof(*s->touched));
	s->heap = mem_alloc(n * sizeof(*s->heap));
	s->in_basket = mem_alloc(n);
	s->beside = mem_alloc(n * sizeof(*s->beside));
	s->met = mem_alloc(n * sizeof(*s->met));
	s->said = mem_alloc((m->words.n + 1u) * sizeof(*s->said));
	s->said_word = mem_alloc((m->words.n + 1u) * sizeof(*s->said_word));
	return s;
}

void rec_scratch_free(struct rec_scratch *s)
{
	if (!s)
		return;
	free(s->own);
	free(s->slot);
	free(s->tally);
	free(s->touched);
	free(s->heap);
	free(s->in_basket);
	free(s->beside);
	free(s->met);
	free(s->said);
	free(s->said_word);
	free(s);
}

static void read_line(struct rec_scratch *s, const struct rec_data *d, uint32_t q, int32_t day, float weight)
{
	uint32_t item = d->line_item[q];
	if (!s->slot[item]) {
		s->own = mem_grow(s->own, &s->own_cap, s->own_n + 1, sizeof(*s->own));
		s->own[s->own_n] = (struct rec_own){ .item = item, .first_day = day, .last_day = INT32_MIN };
		s->slot[item] = (uint32_t)++s->own_n;
	}
	struct rec_own *o = &s->own[s->slot[item] - 1];
	float quantity = d->line_quantity ? d->line_quantity[q] : 1;
	o->quantity += quantity;
	if (quantity > 0) {
		o->times += o->last_day != day;
		o->last_day = o->last_day > day ? o->last_day : day;
		o->weight = o->weight > weight ? o->weight : weight;
	}
	o->first_day = day < o->first_day ? day : o->first_day;
	o->returned |= quantity < 0;
}

/* Newest order first: `own` is in the order of what counts most. */
void rec_read_customer(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask)
{
	const struct rec_data *d = m->d;
	for (size_t i = 0; i < ask->basket_n; i++) {
		check(ask->basket[i] < d->items);
		s->in_basket[ask->basket[i]] = 1;
	}
	s->own_n = s->orders = 0;
	s->newest = INT32_MIN;
	if (ask->customer == REC_NONE)
		return;
	check(ask->customer < d->customers);
	rec_read_orders(m, s, d->order_start[ask->customer], d->order_start[ask->customer + 1]);
}

void rec_read_orders(const struct rec_model *m, struct rec_scratch *s, uint32_t first, uint32_t end)
{
	const struct rec_data *d = m->d;
	float weight = 1;
	s->orders = end - first;
	s->newest = end > first ? d->order_day[end - 1] : INT32_MIN;
	for (uint32_t o = end; o-- > first; weight *= 0.85f)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
			read_line(s, d, q, d->order_day[o], weight);
}

void rec_leave_customer(struct rec_scratch *s, const struct rec_ask *ask)
{
	for (size_t i = 0; i < ask->basket_n; i++)
		s->in_basket[ask->basket[i]] = 0;
	for (size_t i = 0; i < s->own_n; i++)
		s->slot[s->own[i].item] = 0;
	s->own_n = 0;
}
