/* Histories, sparse products, count models and metrics of nextbasket. */
#include "fold/nextbasket_inner.h"

const float NB_DECAYS[4] = { 0.5f, 0.75f, 0.9f, 0.97f };

void nb_history_init(struct nb_history *h, const struct nb_data *d)
{
	*h = (struct nb_history){ .slot = mem_alloc(((size_t)d->items + 1) * sizeof(*h->slot)) };
	for (int age = 0; age < NB_BASKETS_USED; age++)
		for (int k = 0; k < 4; k++)
			h->power[age][k] = powf(NB_DECAYS[k], (float)age);
}

void nb_history_release(struct nb_history *h)
{
	free(h->own);
	free(h->slot);
	*h = (struct nb_history){ 0 };
}

static void own_update(struct nb_own *o, uint32_t age, const float power[4])
{
	if (o->count == 0) {
		o->last = age;
		o->second = UINT32_MAX;
	} else if (o->count == 1) {
		o->second = age;
	}
	o->count++;
	o->oldest = age;
	for (int k = 0; k < 4; k++)
		o->decay[k] += power[k];
}

/* Newest basket first, so that `last` and `second` are met in order. */
void nb_history_read(struct nb_history *h, const struct nb_data *d, struct nb_case c)
{
	for (size_t i = 0; i < h->own_n; i++)
		h->slot[h->own[i].item] = 0;
	uint32_t first = nb_first(d, c);
	h->own_n = 0;
	h->baskets = c.target - first;
	h->lines = h->repeats = h->repeat_chances = 0;
	for (uint32_t b = c.target; b-- > first;)
		for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++) {
			uint32_t item = d->item[q];
			if (!h->slot[item]) {
				h->own = mem_grow(h->own, &h->own_cap, h->own_n + 1, sizeof(*h->own));
				h->own[h->own_n] = (struct nb_own){ .item = item };
				h->slot[item] = (uint32_t)++h->own_n;
			}
			own_update(&h->own[h->slot[item] - 1], c.target - 1 - b, h->power[c.target - 1 - b]);
			h->lines++;
		}
	h->repeats = h->lines - (uint32_t)h->own_n;
	h->repeat_chances = h->baskets ? h->lines - (d->basket_start[first + 1] - d->basket_start[first]) : 0;
}

/* ---- sparse rows ---- */

void nb_rows_add(struct nb_rows *r, uint32_t item, float weight)
{
	r->start = mem_grow(r->start, &r->start_cap, r->n + 2u, sizeof(*r->start));
	if (r->n == 0 && r->item_cap == 0)
		r->start[0] = r->start[1] = 0;
	uint64_t at = r->start[r->n + 1];
	r->item = mem_grow(r->item, &r->item_cap, at + 1, sizeof(*r->item));
	r->weight = mem_grow(r->weight, &r->weight_cap, at + 1, sizeof(*r->weight));
	r->item[at] = item;
	r->weight[at] = weight;
	r->start[r->n + 1] = at + 1;
}

void nb_rows_end(struct nb_rows *r)
{
	r->start = mem_grow(r->start, &r->start_cap, r->n + 3u, sizeof(*r->start));
	if (r->n == 0 && r->item_cap == 0)
		r->start[0] = r->start[1] = 0;
	r->n++;
	r->start[r->n + 1] = r->start[r->n];
}

void nb_rows_release(struct nb_rows *r)
{
	free(r->start);
	free(r->item);
	free(r->weight);
	*r = (struct nb_rows){ 0 };
}

int nb_by_weight(const void *a, const void *b)
{
	const struct nb_heavy *x = a, *y = b;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* Moves the `keep` first of nb_by_weight's order to the front, the last of them at its head: a heap, so that a list of
 * thousands of which few are kept is not sorted. */
static void sift(struct nb_heavy *h, uint32_t n, uint32_t at)
{
	for (;;) {
		uint32_t last = at, left = 2 * at + 1;
		for (uint32_t k = left; k < left + 2 && k < n; k++)
			if (nb_by_weight(&h[k], &h[last]) > 0)
				last = k;
		if (last == at)
			return;
		struct nb_heavy t = h[at];
		h[at] = h[last];
		h[last] = t;
		at = last;
	}
}

uint32_t nb_heaviest(struct nb_heavy *list, uint32_t n, uint32_t keep)
{
	if (n > keep && keep > 0) {
		for (uint32_t i = keep / 2 + 1; i-- > 0;)
			sift(list, keep, i);
		for (uint32_t i = keep; i < n; i++)
			if (list[i].weight >= list[0].weight && nb_by_weight(&list[i], &list[0]) < 0) {
				list[0] = list[i];
				sift(list, keep, 0);
			}
	}
	n = n > keep ? keep : n;
	qsort(list, n, sizeof(*list), nb_by_weight);
	return n;
}

struct cross {
	const struct nb_rows *a, *b;
	uint64_t *by_start; /* items + 1: rows of a that hold the item */
	uint32_t *by_row;
	float *by_weight;
	struct nb_heavy **heavy; /* by item */
	uint32_t *heavy_n;
	uint32_t items, keep;
};

static void cross_invert(struct cross *x)
{
	const struct nb_rows *a = x->a;
	uint64_t total = a->n ? a->start[a->n] : 0;
	x->by_start = mem_alloc(((size_t)x->items + 2) * sizeof(*x->by_start));
	x->by_row = mem_alloc((total + 1) * sizeof(*x->by_row));
	x->by_weight = mem_alloc((total + 1) * sizeof(*x->by_weight));
	for (uint64_t q = 0; q < total; q++)
		x->by_start[a->item[q] + 2]++;
	for (uint32_t i = 1; i < x->items + 2; i++)
		x->by_start[i] += x->by_start[i - 1];
	for (uint32_t r = 0; r < a->n; r++)
		for (uint64_t q = a->start[r]; q < a->start[r + 1]; q++) {
			uint64_t at = x->by_start[a->item[q] + 1]++;
			x->by_row[at] = r;
			x->by_weight[at] = a->weight[q];
		}
}

static void cross_body(void *ctx, size_t from, size_t to, int thread)
{
	struct cross *x = ctx;
	float *sum = mem_alloc(((size_t)x->items + 1) * sizeof(*sum));
	struct nb_heavy *list = mem_alloc(((size_t)x->items + 1) * sizeof(*list));
	for (size_t i = from; i < to; i++) {
		uint32_t n = 0;
		for (uint64_t q = x->by_start[i]; q < x->by_start[i + 1]; q++) {
			uint32_t row = x->by_row[q];
			for (uint64_t s = x->b->start[row]; s < x->b->start[row + 1]; s++) {
				uint32_t item = x->b->item[s];
				if (sum[item] == 0)
					list[n++].item = item;
				sum[item] += x->by_weight[q] * x->b->weight[s];
			}
		}
		for (uint32_t j = 0; j < n; j++) {
			list[j].weight = sum[list[j].item];
			sum[list[j].item] = 0;
		}
		n = nb_heaviest(list, n, x->keep);
		x->heavy_n[i] = n;
		x->heavy[i] = mem_alloc((n + 1) * sizeof(*list));
		memcpy(x->heavy[i], list, n * sizeof(*list));
	}
	free(sum);
	free(list);
}

void nb_cross(const struct nb_rows *a, const struct nb_rows *b, uint32_t items, uint32_t keep, int threads,
              struct nb_rows *out)
{
	struct cross x = { .a = a, .b = b, .items = items, .keep = keep };
	cross_invert(&x);
	x.heavy = mem_alloc(((size_t)items + 1) * sizeof(*x.heavy));
	x.heavy_n = mem_alloc(((size_t)items + 1) * sizeof(*x.heavy_n));
	par_for(items, items / 64 + 1, threads, cross_body, &x);
	*out = (struct nb_rows){ 0 };
	for (uint32_t i = 0; i < items; i++) {
		for (uint32_t j = 0; j < x.heavy_n[i]; j++)
			nb_rows_add(out, x.heavy[i][j].item, x.heavy[i][j].weight);
		nb_rows_end(out);
		free(x.heavy[i]);
	}
	free(x.heavy);
	free(x.heavy_n);
	free(x.by_start);
	free(x.by_row);
	free(x.by_weight);
}

/* ---- facts about items ---- */

uint32_t nb_fit_end(const struct nb_fit *f, uint32_t user)
{
	uint32_t end = f->end ? f->end[user] : f->d->user_start[user + 1];
	return f->hidden && f->hidden[user] && end > f->d->user_start[user] ? end - 1 : end;
}

struct fact_sums {
	double *count, *users, *fresh, *final, *again, *again_of, *soon, *soon_of, *gap, *gap_n, *expected;
	double at[NB_RECENCIES], at_of[NB_RECENCIES];
	double baskets, users_n, steps;
};

static void sum_step(struct fact_sums *s, const struct nb_data *d, const struct nb_history *h, uint32_t target)
{
	for (uint32_t q = d->basket_start[target]; q < d->basket_start[target + 1]; q++) {
		uint32_t item = d->item[q], slot = h->slot[item];
		if (!slot) {
			s->fresh[item]++;
			continue;
		}
		const struct nb_own *o = &h->own[slot - 1];
		s->again[item]++;
		s->soon[item] += o->last == 0;
		s->gap[item] += o->last + 1;
		s->gap_n[item]++;
		s->at[o->last < NB_RECENCIES ? o->last : NB_RECENCIES - 1]++;
	}
	for (size_t i = 0; i < h->own_n; i++) {
		const struct nb_own *o = &h->own[i];
		s->again_of[o->item]++;
		s->soon_of[o->item] += o->last == 0;
		s->at_of[o->last < NB_RECENCIES ? o->last : NB_RECENCIES - 1]++;
	}
	s->steps++;
}

static void sum_user(struct fact_sums *s, const struct nb_fit *f, uint32_t user, struct nb_history *h)
{
	const struct nb_data *d = f->d;
	uint32_t first = d->user_start[user], end = nb_fit_end(f, user);
	if (end == first)
		return;
	if (end - first > NB_BASKETS_USED)
		first = end - NB_BASKETS_USED;
	s->users_n++;
	for (uint32_t b = first; b < end; b++) {
		s->baskets++;
		for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++) {
			s->count[d->item[q]]++;
			s->final[d->item[q]] += b + 1 == end;
		}
	}
	uint32_t from = end - first > 12 ? end - 12 : first + 1; /* the newest steps say most */
	for (uint32_t b = from > first ? from : first + 1; b < end; b++) {
		nb_history_read(h, d, (struct nb_case){ user, b });
		sum_step(s, d, h, b);
	}
	nb_history_read(h, d, (struct nb_case){ user, end });
	for (size_t i = 0; i < h->own_n; i++)
		s->users[h->own[i].item]++;
}

/* Second pass: what the shared chances by age would have given, item by item. */
static void expect_user(struct fact_sums *s, const struct nb_fit *f, const float *at, uint32_t user,
                        struct nb_history *h)
{
	uint32_t first = f->d->user_start[user], end = nb_fit_end(f, user);
	if (end - first > NB_BASKETS_USED)
		first = end - NB_BASKETS_USED;
	uint32_t from = end - first > 12 ? end - 12 : first + 1;
	for (uint32_t b = from > first ? from : first + 1; b < end; b++) {
		nb_history_read(h, f->d, (struct nb_case){ user, b });
		for (size_t i = 0; i < h->own_n; i++)
			s->expected[h->own[i].item] += at[h->own[i].last < NB_RECENCIES ? h->own[i].last : NB_RECENCIES - 1];
	}
}

static int by_final(const void *a, const void *b, void *facts)
{
	const struct nb_facts *f = facts;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	float fx = f->final[x] + 0.5f * f->popularity[x], fy = f->final[y] + 0.5f * f->popularity[y];
	if (fx != fy)
		return fx > fy ? -1 : 1;
	return (x > y) - (x < y);
}

static void facts_from_sums(const struct fact_sums *s, const float *recent, uint32_t items, struct nb_facts *out)
{
	double again = 0, again_of = 1, soon = 0, soon_of = 1, gap = 1, gap_n = 1;
	for (uint32_t i = 0; i < items; i++) {
		again += s->again[i];
		again_of += s->again_of[i];
		soon += s->soon[i];
		soon_of += s->soon_of[i];
		gap += s->gap[i];
		gap_n += s->gap_n[i];
	}
	enum { PRIOR = 10 };
	for (uint32_t i = 0; i < items; i++) {
		out->popularity[i] = (float)(s->count[i] / (s->baskets + 1));
		out->reach[i] = (float)(s->users[i] / (s->users_n + 1));
		out->fresh[i] = (float)(s->fresh[i] / (s->steps + 1));
		out->final[i] = recent ? recent[i] : (float)(s->final[i] / (s->users_n + 1));
		out->again[i] = (float)((s->again[i] + PRIOR * again / again_of) / (s->again_of[i] + PRIOR));
		out->again_soon[i] = (float)((s->soon[i] + PRIOR * soon / soon_of) / (s->soon_of[i] + PRIOR));
		out->gap[i] = (float)((s->gap[i] + PRIOR * gap / gap_n) / (s->gap_n[i] + PRIOR));
		out->again_ratio[i] = (float)((s->again[i] + 2) / (s->expected[i] + 2));
		out->order[i] = i;
	}
	qsort_r(out->order, items, sizeof(*out->order), by_final, out);
}

void nb_facts_fit(const struct nb_fit *f, struct nb_facts *out)
{
	size_t n = (size_t)f->d->items + 1;
	float **columns[] = { &out->popularity, &out->reach,      &out->fresh, &out->final,
		                  &out->again,      &out->again_soon, &out->gap,   &out->again_ratio };
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		*columns[i] = mem_alloc(n * sizeof(float));
	out->order = mem_alloc(n * sizeof(*out->order));
	struct fact_sums s = { 0 };
	double *all = mem_alloc(11 * n * sizeof(*all)), *next = all;
	double **sums[] = { &s.count, &s.users,   &s.fresh, &s.final, &s.again,   &s.again_of,
		                &s.soon,  &s.soon_of, &s.gap,   &s.gap_n, &s.expected };
	for (size_t i = 0; i < ARRAY_LEN(sums); i++, next += n)
		*sums[i] = next;
	struct nb_history h;
	nb_history_init(&h, f->d);
	for (uint32_t u = 0; u < f->d->users; u++)
		if (f->use[u])
			sum_user(&s, f, u, &h);
	for (int a = 0; a < NB_RECENCIES; a++)
		out->again_at[a] = (float)((s.at[a] + 0.1) / (s.at_of[a] + 1));
	for (uint32_t u = 0; u < f->d->users; u++)
		if (f->use[u])
			expect_user(&s, f, out->again_at, u, &h);
	facts_from_sums(&s, f->recent, f->d->items, out);
	nb_history_release(&h);
	free(all);
}

/* ---- metrics ---- */

size_t nb_top(const float *score, uint32_t items, uint32_t k, uint32_t *out)
{
	size_t n = 0;
	for (uint32_t i = 0; i < items; i++) {
		if (!(score[i] > 0) || (n == k && score[i] <= score[out[n - 1]]))
			continue;
		size_t j = n < k ? n++ : n - 1;
		for (; j > 0 && score[i] > score[out[j - 1]]; j--)
			out[j] = out[j - 1];
		out[j] = i;
	}
	return n;
}

void nb_tally_add(struct nb_tally *t, const struct nb_data *d, struct nb_case c, const struct nb_history *h,
                  const uint32_t *top, size_t k)
{
	const uint32_t *truth = d->item + d->basket_start[c.target];
	uint32_t n = d->basket_start[c.target + 1] - d->basket_start[c.target];
	uint32_t hits = 0, old = 0, old_hits = 0;
	double gain = 0, ideal = 0;
	for (uint32_t i = 0; i < n; i++) {
		ideal += 1 / log2(i + 2.0);
		bool owned = h->slot[truth[i]] != 0;
		old += owned;
		for (size_t j = 0; j < k; j++)
			if (top[j] == truth[i]) {
				hits++;
				old_hits += owned;
				gain += 1 / log2((double)j + 2.0);
			}
	}
	t->users++;
	t->recall += (double)hits / n;
	t->ndcg += gain / ideal;
	t->phr += hits > 0;
	if (old) {
		t->repeat += (double)old_hits / old;
		t->repeat_users++;
	}
	if (old < n) {
		t->fresh += (double)(hits - old_hits) / (n - old);
		t->fresh_users++;
	}
}

void nb_tally_case(struct nb_tally *t, const struct nb_data *d, struct nb_case c, const struct nb_history *h,
                   const uint32_t *top, size_t k, float *each)
{
	struct nb_tally one = { 0 };
	nb_tally_add(&one, d, c, h, top, k);
	if (each)
		*each = (float)(one.recall + one.ndcg + one.phr);
	nb_tally_join(t, &one);
}

void nb_list_keep(uint32_t *lists, const struct nb_data *d, uint32_t user, const uint32_t *top, size_t n, uint32_t k)
{
	if (!lists)
		return;
	uint32_t *to = lists + (size_t)(user - d->split_start[NB_TEST]) * k;
	for (uint32_t i = 0; i < k; i++)
		to[i] = i < n ? top[i] : UINT32_MAX;
}

uint32_t *nb_lists_new(const struct nb_data *d, const struct nb_options *o)
{
	size_t n = (size_t)(d->users - d->split_start[NB_TEST]) * (size_t)o->k;
	uint32_t *lists = o->keep_lists ? mem_alloc((n + 1) * sizeof(*lists)) : NULL;
	if (lists)
		memset(lists, 0xff, n * sizeof(*lists));
	return lists;
}

void nb_tally_join(struct nb_tally *to, const struct nb_tally *from)
{
	to->recall += from->recall;
	to->ndcg += from->ndcg;
	to->phr += from->phr;
	to->repeat += from->repeat;
	to->fresh += from->fresh;
	to->users += from->users;
	to->repeat_users += from->repeat_users;
	to->fresh_users += from->fresh_users;
}

struct nb_metrics nb_tally_means(const struct nb_tally *t)
{
	double n = t->users ? t->users : 1;
	return (struct nb_metrics){
		.recall = t->recall / n,
		.ndcg = t->ndcg / n,
		.phr = t->phr / n,
		.recall_repeat = t->repeat / (t->repeat_users ? t->repeat_users : 1),
		.recall_new = t->fresh / (t->fresh_users ? t->fresh_users : 1),
		.users = t->users,
		.users_repeat = t->repeat_users,
		.users_new = t->fresh_users,
	};
}

struct nb_case *nb_split_cases(const struct nb_data *d, enum nb_split split, size_t *count)
{
	uint32_t from = d->split_start[split], to = d->split_start[split + 1];
	struct nb_case *cases = mem_alloc(((size_t)(to - from) + 1) * sizeof(*cases));
	*count = 0;
	for (uint32_t u = from; u < to; u++)
		if (d->user_start[u + 1] > d->user_start[u])
			cases[(*count)++] = (struct nb_case){ u, d->user_start[u + 1] - 1 };
	return cases;
}

size_t nb_thin_cases(struct nb_case *cases, size_t count, size_t max)
{
	if (count <= max)
		return count;
	for (size_t i = 0; i < max; i++)
		cases[i] = cases[i * count / max];
	return max;
}
