/* Answers of recommend.h. */
#include "fold/recommend_basket.h"

static bool bought(const struct rec_data *d, uint32_t line)
{
	return !d->line_quantity || d->line_quantity[line] > 0;
}

/* ---- cross ---- */

/* What sells, and where the customer is of a segment, as much what sells there. */
static float popular_to(const struct rec_model *m, uint32_t segment, uint32_t item)
{
	if (!segment)
		return m->popular[item];
	const uint32_t *both = m->segment_both + (size_t)segment * m->items;
	uint32_t top = m->segment_top[(size_t)segment * REC_SEGMENT_TOP];
	uint32_t most = top == REC_NONE ? 1 : both[top];
	return 0.5f * (m->popular[item] + (float)both[item] / (float)most);
}

static void vote(const struct rec_model *m, struct rec_scratch *s, uint32_t segment, uint32_t item, float weight,
                 bool newest)
{
	for (uint64_t q = m->link_start[item]; q < m->link_start[item + 1]; q++) {
		const struct rec_link *x = &m->links[q];
		struct rec_tally *t = &s->tally[x->item];
		float v = m->w.beside * x->beside + m->w.after * x->after + m->w.users * x->users + m->w.ease * x->ease;
		if (t->votes++ == 0) {
			t->score = m->w.popular * popular_to(m, segment, x->item);
			s->touched[s->touched_n++] = x->item;
		}
		t->part[0] += weight * x->beside;
		t->part[1] += weight * x->after;
		t->part[2] += weight * x->users;
		t->part[3] += weight * x->ease;
		t->single = x->beside > t->single ? x->beside : t->single;
		t->newest += newest ? x->ease : 0;
		t->score += weight * v;
		v += 0.01f * (x->beside + x->users); /* a reason, also where the blend leaves these out */
		if (weight * v > t->best) {
			t->best = weight * v;
			t->because = (uint8_t)(q - m->link_start[item]);
			t->source = item;
		}
	}
}

void rec_vote_all(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask)
{
	uint32_t segment = rec_segment_of(m, ask->customer);
	s->touched_n = 0;
	for (size_t i = 0; i < ask->basket_n && i < REC_BASKET_USED; i++)
		vote(m, s, segment, ask->basket[i], 2, true);
	for (size_t i = 0; i < s->own_n && i < REC_OWN_USED; i++)
		if (s->own[i].quantity > 0)
			vote(m, s, segment, s->own[i].item, s->own[i].weight, s->own[i].last_day == s->newest);
}

void rec_vote_clear(struct rec_scratch *s)
{
	for (size_t i = 0; i < s->touched_n; i++)
		s->tally[s->touched[i]] = (struct rec_tally){ 0 };
	s->touched_n = 0;
}

static void explain_cross(const struct rec_model *m, const struct rec_scratch *s, const struct rec_ask *ask,
                          struct rec_answer *a)
{
	const struct rec_tally *t = &s->tally[a->item];
	const struct rec_link *x = &m->links[m->link_start[t->source] + t->because];
	if (t->best == 0) {
		*a = (struct rec_answer){ .item = a->item,
			                      .score = a->score,
			                      .why = REC_WHY_POPULAR,
			                      .because = REC_NONE,
			                      .both = m->customers_of[a->item],
			                      .of = (uint32_t)m->customers_n };
		return;
	}
	a->because = t->source;
	if (x->both_baskets >= 3 && (s->in_basket[a->because] || x->both_customers < 3)) {
		a->why = REC_WHY_BASKET;
		a->both = x->both_baskets;
		a->of = m->baskets_of[a->because];
	} else if (x->both_customers) {
		a->why = REC_WHY_CUSTOMERS;
		a->both = x->both_customers;
		a->of = m->learnt_of[a->because];
	} else {
		a->why = REC_WHY_TYPE;
	}
}

static void accept(const struct rec_model *m, struct rec_list *out, struct rec_answer a)
{
	a.price_minor = a.kind != REC_BUNDLE && m->d->item ? m->d->item[a.item].price_minor : a.price_minor;
	out->answers[out->count++] = a;
}

static size_t answers_wanted(const struct rec_ask *ask, size_t n)
{
	n = n < REC_OUT_MAX ? n : REC_OUT_MAX;
	return n < ask->guards->n_max ? n : ask->guards->n_max;
}

struct cross {
	const struct rec_model *m;
	struct rec_scratch *s;
	const struct rec_ask *ask;
	struct rec_list *out;
	int64_t budget, added;
};

static void cross_try(struct cross *c, uint32_t item, float score)
{
	enum rec_refusal r = rec_guard_item(c->m, c->s, c->ask, REC_CROSS, item, c->out, c->added, c->budget);
	c->out->refused[r]++;
	/* what was bought before is not news, even when it is bought again by nature: that is `again` */
	if (r != REC_ALLOWED || c->s->slot[item])
		return;
	struct rec_answer a = { .item = item, .score = score, .kind = REC_CROSS, .because = REC_NONE };
	explain_cross(c->m, c->s, c->ask, &a);
	accept(c->m, c->out, a);
	c->added += c->m->d->item ? c->m->d->item[item].price_minor : 0;
}

static bool before(struct rec_scored a, struct rec_scored b)
{
	return a.score > b.score || (a.score == b.score && a.item < b.item);
}

static void sink(struct rec_scored *h, size_t n, size_t i)
{
	struct rec_scored x = h[i];
	for (size_t k; (k = 2 * i + 1) < n; i = k) {
		k += k + 1 < n && before(h[k + 1], h[k]);
		if (before(x, h[k]))
			break;
		h[i] = h[k];
	}
	h[i] = x;
}

void rec_heap(struct rec_scratch *s)
{
	s->heap_n = s->touched_n;
	for (size_t i = 0; i < s->touched_n; i++)
		s->heap[i] = (struct rec_scored){ s->tally[s->touched[i]].score, s->touched[i] };
	for (size_t i = s->heap_n / 2; i-- > 0;)
		sink(s->heap, s->heap_n, i);
}

/* Only what may still be proposed: where hardly anything fits the price cap, all of it would be taken out in order. */
static void heap_allowed(struct cross *c)
{
	struct rec_scratch *s = c->s;
	int64_t left = c->budget < 0 ? -1 : c->budget - c->added;
	s->heap_n = 0;
	for (size_t i = 0; i < s->touched_n; i++)
		if (rec_may(c->m, s, c->ask, left, s->touched[i], c->out))
			s->heap[s->heap_n++] = (struct rec_scored){ s->tally[s->touched[i]].score, s->touched[i] };
	for (size_t i = s->heap_n / 2; i-- > 0;)
		sink(s->heap, s->heap_n, i);
}

uint32_t rec_heap_next(struct rec_scratch *s)
{
	if (s->heap_n == 0)
		return REC_NONE;
	uint32_t best = s->heap[0].item;
	s->heap[0] = s->heap[--s->heap_n];
	sink(s->heap, s->heap_n, 0);
	return best;
}

bool rec_may(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, int64_t budget, uint32_t item,
             struct rec_list *out)
{
	static const struct rec_list none;
	if (s->slot[item])
		return false;
	if (ask && budget >= 0 && m->d->item && m->d->item[item].price_minor > budget) { /* most of them, and soon said */
		out->refused[REC_TOO_DEAR]++;
		return false;
	}
	enum rec_refusal r = ask ? rec_guard_item(m, s, ask, REC_CROSS, item, &none, 0, budget) : REC_ALLOWED;
	if (r != REC_ALLOWED)
		out->refused[r]++;
	return r == REC_ALLOWED;
}

size_t rec_candidates(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, struct rec_list *out,
                      uint32_t *items)
{
	uint32_t item, segment = ask ? rec_segment_of(m, ask->customer) : 0;
	int64_t budget = ask ? rec_budget(m, s, ask) : -1;
	size_t k = 0, popular = 0;
	while (k < REC_RANKED && (item = rec_heap_next(s)) != REC_NONE) {
		s->tally[item].looked = true;
		if (rec_may(m, s, ask, budget, item, out))
			items[k++] = item;
	}
	for (size_t i = 0; i < m->recent_n && popular < REC_RANK_POPULAR; i++) {
		item = m->by_recent[i];
		if (s->tally[item].looked || !rec_may(m, s, ask, budget, item, out))
			continue;
		if (s->tally[item].votes == 0) {
			s->touched[s->touched_n++] = item;
			s->tally[item].score = m->w.popular * popular_to(m, segment, item);
		}
		s->tally[item].looked = true;
		items[k++] = item;
		popular++;
	}
	return k;
}

/* The best candidates of the blend that the guards let pass, and what sells now, looked at a second time. */
static void cross_ranked(struct cross *c, size_t n)
{
	enum { ALL = REC_RANKED + REC_RANK_POPULAR };
	struct rec_scratch *s = c->s;
	uint32_t items[ALL];
	float x[ALL * REC_RANK_FEATURES], scores[ALL];
	struct rec_person p = rec_rank_person(c->m, s, c->ask->guards->today);
	size_t k = rec_candidates(c->m, s, c->ask, c->out, items);
	for (size_t i = 0; i < k; i++)
		rec_rank_describe(c->m, s, &p, items[i], (float)i, x + i * REC_RANK_FEATURES);
	forest_score(c->m->rank, x, k, scores);
	while (c->out->count < n && k > 0) {
		size_t best = 0;
		for (size_t i = 1; i < k; i++)
			if (scores[i] > scores[best])
				best = i;
		cross_try(c, items[best], s->tally[items[best]].score);
		items[best] = items[--k];
		scores[best] = scores[k];
	}
}

/* What is missing from the basket; where that is not enough, the blend is asked. */
static void cross_basket(struct cross *c, size_t n)
{
	struct rec_short list;
	rec_basket_list(c->m, c->s, c->ask, c->out, &list);
	rec_basket_order(c->m->basket, &list);
	for (size_t i = 0; i < list.n && c->out->count < n; i++) {
		/* what nothing but its sales speaks for is the floor: types come before it */
		if (!c->s->beside[list.item[i]].linked && !c->s->tally[list.item[i]].votes)
			continue;
		size_t had = c->out->count;
		cross_try(c, list.item[i], list.score[i]);
		if (c->out->count > had)
			rec_basket_explain(c->m, c->s, &c->out->answers[had]);
	}
	rec_basket_leave(c->s);
}

static void cross_pick(struct cross *c, size_t n)
{
	uint32_t item;
	while (c->out->count < n && (item = rec_heap_next(c->s)) != REC_NONE)
		cross_try(c, item, c->s->tally[item].score);
}

static void cross_group(struct cross *c, uint32_t from, size_t n)
{
	enum { LOOKED = 20 }; /* best sellers of a group, until one is allowed */
	const struct rec_model *m = c->m;
	uint32_t g = m->group[from];
	for (uint64_t q = g < m->groups ? m->group_start[g] : 0; g < m->groups && q < m->group_start[g + 1]; q++) {
		size_t had = c->out->count;
		uint32_t i = m->group_item_start[m->group_other[q]], end = m->group_item_start[m->group_other[q] + 1];
		end = end < i + LOOKED ? end : i + LOOKED;
		for (; i < end && c->out->count == had && had < n; i++)
			cross_try(c, m->group_item[i], 0);
		if (c->out->count == had)
			continue;
		struct rec_answer *a = &c->out->answers[had];
		a->why = REC_WHY_TYPE;
		a->because = from;
		a->both = m->group_both[q];
		a->of = m->group_baskets[g];
	}
}

/* Products without history of their own: what goes with their type, best seller first. */
static void cross_types(struct cross *c, size_t n)
{
	enum { OWN_LOOKED = 8 };
	for (size_t b = 0; b < c->ask->basket_n && b < REC_BASKET_USED && c->out->count < n; b++)
		cross_group(c, c->ask->basket[b], n);
	for (size_t k = 0; c->ask->basket_n == 0 && k < c->s->own_n && k < OWN_LOOKED && c->out->count < n; k++)
		if (c->s->own[k].quantity > 0)
			cross_group(c, c->s->own[k].item, n);
}

/* Nothing speaks of this customer: what others of the segment buy most. */
static void cross_segment(struct cross *c, uint32_t segment, size_t n)
{
	const struct rec_model *m = c->m;
	for (size_t k = 0; segment && k < REC_SEGMENT_TOP && c->out->count < n; k++) {
		uint32_t item = m->segment_top[(size_t)segment * REC_SEGMENT_TOP + k];
		size_t had = c->out->count;
		if (item == REC_NONE)
			return;
		if (c->s->tally[item].score == 0)
			cross_try(c, item, 0);
		if (c->out->count == had)
			continue;
		struct rec_answer *a = &c->out->answers[had];
		a->why = REC_WHY_SEGMENT;
		a->because_segment = segment;
		a->both = m->segment_both[(size_t)segment * m->items + item];
		a->of = m->segment_customers[segment];
	}
}

static void cross_blend(struct cross *c, size_t n)
{
	enum { POPULAR_LOOKED = 200 };
	const struct rec_model *m = c->m;
	struct rec_scratch *s = c->s;
	if (c->ask->basket_n)
		heap_allowed(c);
	else
		rec_heap(s);
	if (m->rank && c->ask->basket_n == 0 && s->own_n > 0)
		cross_ranked(c, n);
	cross_pick(c, n);
	cross_types(c, n);
	cross_segment(c, rec_segment_of(m, c->ask->customer), n);
	for (uint32_t i = 0; i < m->d->items && i < POPULAR_LOOKED && c->out->count < n; i++)
		if (s->tally[m->by_popular[i]].score == 0 && m->customers_of[m->by_popular[i]])
			cross_try(c, m->by_popular[i], 0);
}

void rec_cross(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, size_t n,
               struct rec_list *out)
{
	memset(out, 0, sizeof(*out));
	rec_read_customer(m, s, ask);
	n = answers_wanted(ask, n);
	struct cross c = { m, s, ask, out, rec_budget(m, s, ask), 0 };
	if (ask->basket_n && m->basket && m->basket->trees)
		cross_basket(&c, n);
	else
		rec_vote_all(m, s, ask);
	if (out->count < n)
		cross_blend(&c, n);
	rec_vote_clear(s);
	rec_leave_customer(s, ask);
}

/* ---- up ---- */

static bool better_attribute(const struct rec_data *d, const struct rec_item *x, const struct rec_item *y,
                             struct rec_answer *a, uint32_t *better, uint32_t *worse)
{
	*better = *worse = 0;
	for (uint32_t i = 0; i < x->attribute_count && i < REC_ATTRIBUTES_MAX; i++)
		for (uint32_t j = 0; j < y->attribute_count && j < REC_ATTRIBUTES_MAX; j++) {
			const struct rec_attribute *p = &d->attribute[x->attribute_start + i],
									   *q = &d->attribute[y->attribute_start + j];
			if (p->id != q->id || p->direction == 0 || p->value == q->value)
				continue;
			if ((q->value > p->value) == (p->direction > 0)) {
				if ((*better)++ == 0) {
					a->attribute = p->id;
					a->better = q->value;
					a->than = p->value;
				}
			} else {
				(*worse)++;
			}
		}
	return *better > 0;
}

static void up_try(struct cross *c, uint32_t from, uint32_t to, uint32_t steps, size_t n, float *scores)
{
	const struct rec_data *d = c->m->d;
	const struct rec_item *x = &d->item[from], *y = &d->item[to];
	struct rec_answer a = { .item = to, .kind = REC_UP, .because = from };
	uint32_t better, worse;
	if (to == from || y->type != x->type || y->price_minor <= x->price_minor)
		return;
	/* price ≤ (1 + cap) × price, without rounding up */
	if (c->ask->guards->up_percent < 0 || y->price_minor * 100 > x->price_minor * (100 + c->ask->guards->up_percent)) {
		c->out->refused[REC_TOO_DEAR]++;
		return;
	}
	bool stated = better_attribute(d, x, y, &a, &better, &worse);
	a.why = x->replaced_by == to ? REC_WHY_REPLACES : stated ? REC_WHY_BETTER : REC_WHY_RANGE;
	if (!stated && x->replaced_by != to && !(x->tier && y->tier > x->tier))
		return;
	if (worse > better)
		return;
	enum rec_refusal r = rec_guard_item(c->m, c->s, c->ask, REC_UP, to, c->out, 0, -1);
	c->out->refused[r]++;
	if (r != REC_ALLOWED)
		return;
	/* expected revenue: what sells, times what it adds; each tier further is taken half as often */
	double taken = ((double)c->m->popular[to] + 0.02) * ldexp(1, -(int)(steps < 30 ? steps : 30));
	a.score =
		(float)(taken * (double)(y->price_minor - x->price_minor) * (1 + better)) + (x->replaced_by == to ? 1e12f : 0);
	a.price_minor = y->price_minor;
	size_t i = c->out->count < n ? c->out->count++ : n;
	for (; i > 0 && a.score > scores[i - 1]; i--)
		if (i < n) {
			c->out->answers[i] = c->out->answers[i - 1];
			scores[i] = scores[i - 1];
		}
	if (i < n) {
		c->out->answers[i] = a;
		scores[i] = a.score;
	}
}

/* For each product of the basket; without a basket, for nothing: an up-sell replaces what is about to be bought. */
void rec_up(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, size_t n, struct rec_list *out)
{
	memset(out, 0, sizeof(*out));
	n = answers_wanted(ask, n);
	if (!m->d->item || n == 0)
		return;
	rec_read_customer(m, s, ask);
	struct cross c = { m, s, ask, out, -1, 0 };
	float scores[REC_OUT_MAX] = { 0 };
	for (size_t b = 0; b < ask->basket_n && b < REC_BASKET_USED; b++) {
		uint32_t type = m->d->item[ask->basket[b]].type;
		if (type == REC_NONE)
			continue;
		int64_t from = m->d->item[ask->basket[b]].price_minor, price = from;
		uint32_t steps = 0; /* prices of the type passed on the way up */
		for (uint32_t i = m->type_item_start[type]; i < m->type_item_start[type + 1]; i++) {
			int64_t here = m->d->item[m->type_item[i]].price_minor;
			steps += here > from && here != price;
			price = here > from ? here : price;
			up_try(&c, ask->basket[b], m->type_item[i], steps, n, scores);
		}
	}
	rec_leave_customer(s, ask);
}

/* ---- again ---- */

const struct due_prior *rec_due_prior(const struct rec_model *m, uint32_t item)
{
	enum { GAPS_MIN = 20 };
	return m->due[item].gaps >= GAPS_MIN ? &m->due[item] : &m->due[m->d->items];
}

bool rec_has_rhythm(const struct rec_model *m, const struct rec_own *own)
{
	enum { TIMES_MIN = 3 };
	return own->quantity > 0 && (m->again_by_nature[own->item] || own->times >= TIMES_MIN);
}

static size_t purchase_days(const struct rec_data *d, uint32_t customer, uint32_t item, int32_t *days, size_t max)
{
	size_t n = 0;
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1]; o++)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
			if (d->line_item[q] == item && bought(d, q)) {
				if (n == max) {
					memmove(days, days + 1, (max - 1) * sizeof(*days));
					n--;
				}
				days[n++] = d->order_day[o];
				break;
			}
	return n;
}

static bool again_answer(const struct rec_model *m, const struct rec_ask *ask, const struct rec_own *own, int32_t days,
                         struct rec_answer *a)
{
	enum { DAYS_MAX = 64 };
	int32_t bought_on[DAYS_MAX], today = ask->guards->today,
								 life = m->d->item ? m->d->item[own->item].lifetime_days : 0;
	*a = (struct rec_answer){ .item = own->item, .kind = REC_AGAIN, .because = REC_NONE };
	if (own->quantity <= 0)
		return false;
	if (life > 0 && !m->again_by_nature[own->item]) {
		a->why = REC_WHY_WORN;
		a->from_day = own->last_day;
		a->day = a->to_day = own->last_day + life;
		a->gap_days = (float)life;
		a->score = 1e6f / (float)(1 + abs(a->day - today));
		return a->day <= today + days;
	}
	if (!rec_has_rhythm(m, own))
		return false;
	struct due due;
	size_t n = purchase_days(m->d, ask->customer, own->item, bought_on, DAYS_MAX);
	if (!due_predict(rec_due_prior(m, own->item), bought_on, n, today, m->due_quantile, &due) || due.overdue > REC_GONE)
		return false;
	a->why = REC_WHY_DUE;
	a->day = due.day;
	a->from_day = due.from;
	a->to_day = due.to;
	a->gap_days = (float)due.gap_days;
	a->score = (float)own->times / (float)(1 + (due.day > today ? due.day - today : 0));
	return a->day <= today + days;
}

void rec_again(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, int32_t days, size_t n,
               struct rec_list *out)
{
	memset(out, 0, sizeof(*out));
	n = answers_wanted(ask, n);
	if (ask->customer == REC_NONE || n == 0)
		return;
	rec_read_customer(m, s, ask);
	float *score = mem_alloc((s->own_n + 1) * sizeof(*score));
	struct rec_answer a;
	for (size_t i = 0; i < s->own_n; i++)
		score[i] = again_answer(m, ask, &s->own[i], days, &a) ? a.score : 0;
	while (out->count < n) {
		size_t best = s->own_n;
		for (size_t i = 0; i < s->own_n; i++)
			if (score[i] > 0 && (best == s->own_n || score[i] > score[best]))
				best = i;
		if (best == s->own_n)
			break;
		score[best] = 0;
		enum rec_refusal r = rec_guard_item(m, s, ask, REC_AGAIN, s->own[best].item, out, 0, -1);
		out->refused[r]++;
		if (r == REC_ALLOWED && again_answer(m, ask, &s->own[best], days, &a))
			accept(m, out, a);
	}
	free(score);
	rec_leave_customer(s, ask);
}

/* ---- bundles ---- */

/* The discounted price, never below what keeps the margin floor on both (floor on prices without VAT). Unknown costs:
 * no discount is given, since nobody can say what it would leave. */
static int64_t bundle_price(const struct rec_item *x, const struct rec_item *y, int percent, int margin_percent)
{
	int64_t sum = x->price_minor + y->price_minor, net = x->price_net_minor + y->price_net_minor;
	int64_t cost = x->cost_minor + y->cost_minor;
	if (!(x->flags & y->flags & REC_KNOWN_COST) || net <= 0)
		return sum;
	int margin = margin_percent < 0 ? 0 : margin_percent > 99 ? 99 : margin_percent;
	int64_t least_net = (cost * 100 + (100 - margin) - 1) / (100 - margin);
	int64_t least = (least_net * sum + net - 1) / net, price = sum - sum * percent / 100;
	price = price < least ? least : price;
	return price < sum ? price : sum;
}

/* Pieces that a customer's collections lack, the fullest collection first. */
static void complete_collections(struct cross *c, size_t n)
{
	const struct rec_data *d = c->m->d;
	for (size_t k = 0; d->item && k < c->s->own_n && c->out->count < n; k++) {
		uint32_t set = d->item[c->s->own[k].item].collection, pieces = 0, owned = 0, best = REC_NONE;
		for (uint32_t i = 0; set != REC_NONE && i < d->items; i++) {
			if (d->item[i].collection != set)
				continue;
			bool has = c->s->slot[i] && c->s->own[c->s->slot[i] - 1].quantity > 0;
			pieces++;
			owned += has;
			if (!has && (best == REC_NONE || c->m->popular[i] > c->m->popular[best]))
				best = i;
		}
		if (best == REC_NONE || owned == 0)
			continue;
		enum rec_refusal r = rec_guard_item(c->m, c->s, c->ask, REC_BUNDLE, best, c->out, 0, -1);
		c->out->refused[r]++;
		if (r == REC_ALLOWED)
			accept(c->m, c->out,
			       (struct rec_answer){ .item = best,
			                            .kind = REC_BUNDLE,
			                            .why = REC_WHY_COLLECTION,
			                            .because = c->s->own[k].item,
			                            .both = owned,
			                            .of = pieces,
			                            .price_minor = d->item[best].price_minor,
			                            .separate_minor = d->item[best].price_minor });
	}
}

/* One best seller goes with everything: two sets with it are enough where the list is for nobody's basket. */
static bool set_twice(const struct rec_list *out, uint32_t item)
{
	int sets = 0;
	for (size_t i = 0; i < out->count; i++)
		sets += out->answers[i].item == item || (out->answers[i].with_n && out->answers[i].with[0] == item);
	return sets >= 2;
}

/* Sets that sell together; with a basket, those that complete it; for a customer, none with what is owned. */
void rec_bundle(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, int discount_percent,
                size_t n, struct rec_list *out)
{
	memset(out, 0, sizeof(*out));
	n = answers_wanted(ask, n);
	rec_read_customer(m, s, ask);
	struct cross c = { m, s, ask, out, -1, 0 };
	complete_collections(&c, n);
	for (size_t i = 0; i < m->bundle_n && out->count < n; i++) {
		uint32_t a = m->bundle_a[i], b = m->bundle_b[i];
		/* with a basket: what it lacks; else the larger share is the one to say */
		if (ask->basket_n ? s->in_basket[b] : m->baskets_of[b] < m->baskets_of[a]) {
			uint32_t t = a;
			a = b;
			b = t;
		}
		if (ask->basket_n ? !s->in_basket[a] : set_twice(out, a) || set_twice(out, b))
			continue;
		struct rec_list none = { 0 };
		enum rec_refusal r = rec_guard_item(m, s, ask, REC_BUNDLE, b, out, 0, -1);
		if (r == REC_ALLOWED && !s->in_basket[a])
			r = rec_guard_item(m, s, ask, REC_BUNDLE, a, &none, 0, -1);
		out->refused[r]++;
		if (r != REC_ALLOWED)
			continue;
		struct rec_answer x = { .item = b,
			                    .kind = REC_BUNDLE,
			                    .why = REC_WHY_BASKET,
			                    .because = a,
			                    .with = { a },
			                    .with_n = 1,
			                    .both = m->bundle_both[i],
			                    .of = m->baskets_of[a],
			                    .score = (float)m->bundle_both[i] };
		if (m->d->item) {
			x.separate_minor = m->d->item[a].price_minor + m->d->item[b].price_minor;
			x.price_minor = bundle_price(&m->d->item[a], &m->d->item[b], discount_percent, ask->guards->margin_percent);
		}
		accept(m, out, x);
	}
	rec_leave_customer(s, ask);
}
