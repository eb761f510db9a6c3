/* What recommend.h learns from cuts of the shop's own past: lists and sales as of a day, and what customers bought for
 * the first time in their next order, give the weights of the blend and the trees of the second look. */
#include "fold/recommend_inner.h"

enum { CUTS = 6, CUT_DAYS_MIN = 7, CUT_DAYS_MAX = 45 };
enum { TUNE_CUSTOMERS = 60000, TUNE_CASES = 2000, TUNE_CASES_MIN = 50 };
enum { EASE_ITEMS = 2048 }; /* at a cut: those of a list's head, in an eighth of the time of twice as many */
enum { RANK_CASES = 3000, RANK_CASES_MIN = 200, RANK_CASES_MAX = 6000 }; /* of a cut; in all */

struct tune_case {
	uint32_t from, to, truths; /* in parts */
};
struct tune_part {
	float x[REC_PARTS + 1];
	bool truth;
};
struct tune {
	struct tune_case *cases;
	struct tune_part *parts;
	size_t cases_n, cases_cap, parts_n, parts_cap;
	/* of the second look */
	float *x;
	uint8_t *truth;
	uint32_t *query;
	float *weight; /* of a case */
	size_t rows, queries, x_cap, truth_cap, query_cap, weight_cap;
	uint8_t *wanted; /* by item, zero between cases */
	struct rec_scratch *s;
};

static bool bought(const struct rec_data *d, uint32_t line)
{
	return !d->line_quantity || d->line_quantity[line] > 0;
}

/* The orders before the cut are read and vote; `wanted` is what the next order holds for the first time. */
static uint32_t case_read(const struct rec_learning *l, struct tune *t, uint32_t c, uint32_t *target)
{
	const struct rec_data *d = l->d;
	uint32_t first = d->order_start[c], end = d->order_start[c + 1], truths = 0;
	while (end > first && d->order_day[end - 1] >= l->until)
		end--;
	if (end == first || end == d->order_start[c + 1])
		return 0;
	*target = end;
	t->s->own_n = 0;
	rec_read_orders(l->m, t->s, first, end);
	for (uint32_t q = d->line_start[end]; q < d->line_start[end + 1]; q++)
		if (bought(d, q) && !t->s->slot[d->line_item[q]]) {
			truths += !t->wanted[d->line_item[q]];
			t->wanted[d->line_item[q]] = 1;
		}
	return truths;
}

static void case_leave(const struct rec_learning *l, struct tune *t, uint32_t target)
{
	const struct rec_data *d = l->d;
	for (uint32_t q = d->line_start[target]; q < d->line_start[target + 1]; q++)
		t->wanted[d->line_item[q]] = 0;
	rec_vote_clear(t->s);
	rec_leave_customer(t->s, &(struct rec_ask){ .customer = REC_NONE });
}

static void tune_add(const struct rec_learning *l, struct tune *t, uint32_t truths)
{
	struct rec_scratch *s = t->s;
	size_t from = t->parts_n;
	t->parts = mem_grow(t->parts, &t->parts_cap, t->parts_n + s->touched_n + 1, sizeof(*t->parts));
	for (size_t k = 0; k < s->touched_n; k++) {
		uint32_t item = s->touched[k];
		struct tune_part *p = &t->parts[t->parts_n];
		if (s->slot[item])
			continue;
		memcpy(p->x, s->tally[item].part, sizeof(s->tally[item].part));
		p->x[REC_PARTS] = l->m->popular[item];
		p->truth = t->wanted[item];
		t->parts_n++;
	}
	t->cases = mem_grow(t->cases, &t->cases_cap, t->cases_n + 1, sizeof(*t->cases));
	t->cases[t->cases_n++] = (struct tune_case){ (uint32_t)from, (uint32_t)t->parts_n, truths };
}

static double tune_worth(const struct tune *t, const float w[REC_PARTS + 1])
{
	double total = 0;
	for (size_t c = 0; c < t->cases_n; c++) {
		float top[10] = { 0 };
		bool truth[10] = { false };
		size_t n = 0;
		for (uint32_t i = t->cases[c].from; i < t->cases[c].to; i++) {
			const float *x = t->parts[i].x;
			float s = w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + w[3] * x[3] + w[4] * x[4];
			if (n == 10 && s <= top[9])
				continue;
			size_t j = n < 10 ? n++ : 9;
			for (; j > 0 && s > top[j - 1]; j--) {
				top[j] = top[j - 1];
				truth[j] = truth[j - 1];
			}
			top[j] = s;
			truth[j] = t->parts[i].truth;
		}
		for (size_t j = 0; j < n; j++)
			total += truth[j] ? 1 / log2((double)j + 2) : 0;
	}
	return total;
}

/* Coordinate search: each weight doubled, halved or dropped while it helps. */
static void tune_weights(struct tune *t, struct rec_weights *out)
{
	float w[REC_PARTS + 1] = { 1, 1, 1, 1, 0.05f };
	double best = tune_worth(t, w);
	for (int round = 0; round < 3; round++)
		for (int k = 0; k <= REC_PARTS; k++) {
			const float tries[] = { 0, w[k] * 0.5f, w[k] * 2, w[k] * 4, w[k] * 0.25f, 0.2f };
			float kept = w[k];
			for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
				w[k] = tries[i];
				double here = tune_worth(t, w);
				if (here > best * 1.0005) {
					best = here;
					kept = tries[i];
				}
			}
			w[k] = kept;
		}
	*out = (struct rec_weights){ w[0], w[1], w[2], w[3], w[4] };
}

static void rank_add(const struct rec_learning *l, struct tune *t)
{
	const struct rec_model *m = l->m;
	struct rec_scratch *s = t->s;
	struct rec_person p = rec_rank_person(m, s, l->until);
	uint32_t items[REC_RANKED + REC_RANK_POPULAR];
	size_t n = rec_candidates(m, s, NULL, NULL, items);
	t->x = mem_grow(t->x, &t->x_cap, (t->rows + n + 1) * REC_RANK_FEATURES, sizeof(*t->x));
	t->truth = mem_grow(t->truth, &t->truth_cap, t->rows + n + 1, 1);
	t->query = mem_grow(t->query, &t->query_cap, t->queries + 2, sizeof(*t->query));
	t->weight = mem_grow(t->weight, &t->weight_cap, t->queries + 1, sizeof(*t->weight));
	uint32_t found = 0;
	for (size_t i = 0; i < n; i++, t->rows++) {
		rec_rank_describe(m, s, &p, items[i], (float)i, t->x + t->rows * REC_RANK_FEATURES);
		t->truth[t->rows] = t->wanted[items[i]];
		found += t->wanted[items[i]];
	}
	/* one right proposal is what counts: an order of twenty new products does not count twenty times */
	t->weight[t->queries] = 1 / sqrtf((float)(found ? found : 1));
	t->query[++t->queries] = (uint32_t)t->rows;
}

static void cut_add(struct rec_learning *l, struct tune *t, bool weights)
{
	uint32_t target = 0;
	size_t had = t->queries;
	for (uint32_t c = 0; c < l->d->customers && (weights ? t->cases_n < TUNE_CASES : t->queries - had < RANK_CASES);
	     c += l->step) {
		uint32_t truths = case_read(l, t, c, &target);
		if (truths) {
			rec_vote_all(l->m, t->s, &(struct rec_ask){ .customer = REC_NONE });
			rec_heap(t->s);
			if (weights)
				tune_add(l, t, truths);
			else
				rank_add(l, t);
		}
		case_leave(l, t, target);
	}
}

void rec_learn_weights(struct rec_learning *l)
{
	const struct rec_data *d = l->d;
	int32_t oldest = l->newest;
	for (uint32_t o = 0; o < d->order_start[d->customers]; o++)
		oldest = d->order_day[o] < oldest ? d->order_day[o] : oldest;
	int32_t days = (l->newest - oldest) / (2 * CUTS);
	days = days < CUT_DAYS_MIN ? CUT_DAYS_MIN : days > CUT_DAYS_MAX ? CUT_DAYS_MAX : days;
	l->m->w = (struct rec_weights){ 1, 1, 1, l->o->no_ease ? 0 : 1, 0.05f };
	l->step = d->customers / TUNE_CUSTOMERS + 1;
	l->ease_items = EASE_ITEMS;
	struct tune t = { .wanted = mem_alloc(d->items + 1u), .s = rec_scratch_new(l->m) };
	t.query = mem_grow(t.query, &t.query_cap, 1, sizeof(*t.query));
	t.query[0] = 0;
	for (int k = 1; k <= (l->o->no_rank ? 1 : CUTS) && t.queries < RANK_CASES_MAX && !rec_stopped(l->o) &&
	                l->newest + 1 - k * days > oldest;
	     k++) {
		l->until = l->newest + 1 - k * days;
		rec_rank_sellers(l);
		rec_learn_links(l);
		if (k == 1) {
			cut_add(l, &t, true);
			if (t.cases_n >= TUNE_CASES_MIN)
				tune_weights(&t, &l->m->w);
		}
		if (!l->o->no_rank)
			cut_add(l, &t, false);
	}
	const struct boost_rows rows = { t.x, t.truth, t.query, t.queries, REC_RANK_FEATURES, t.weight };
	if (t.queries >= RANK_CASES_MIN)
		l->m->rank = rec_rank_learn(&rows, l->o->threads);
	rec_scratch_free(t.s);
	free(t.cases);
	free(t.parts);
	free(t.x);
	free(t.truth);
	free(t.query);
	free(t.weight);
	free(t.wanted);
	l->until = INT32_MAX;
	l->step = 1;
	l->ease_items = 0;
}
