#include "fold/complete.h"

#include "fold/dense.h"
#include "fold/nextbasket_inner.h"

enum { FEATURES = 18, CANDIDATES = 60, EACH = 25, LEARN_CASES = 16000, TREES = 120, KEEP = 1500, ITEMS_MAX = 8192 };
enum { EASE_LAMBDA = 150 };

struct fit {
	uint32_t items;
	struct nb_rows together; /* counts */
	float *ease, *count;
	double baskets;
};

struct work {
	const struct nb_rows *rows; /* all baskets, dense items in the order written */
	struct fit fit;
	uint32_t *basket, *hidden; /* cases: basket, position hidden */
	size_t cases;
	int k;
	/* filled */
	float *x;
	uint8_t *truth;
	uint32_t *item, *counts;
	struct tally {
		double hits, gain;
	} * singles; /* cases × COMPLETE_BLEND */
};

static void fit_make(struct fit *f, const struct nb_rows *rows, size_t baskets, uint32_t items, int threads)
{
	struct nb_rows part = *rows;
	part.n = (uint32_t)baskets;
	*f = (struct fit){ .items = items, .baskets = (double)baskets };
	f->count = mem_alloc((items + 1u) * sizeof(float));
	f->ease = mem_alloc(((size_t)items * items + 1) * sizeof(float));
	nb_cross(&part, &part, items, KEEP, threads, &f->together);
	for (size_t b = 0; b < baskets; b++)
		for (uint64_t q = rows->start[b]; q < rows->start[b + 1]; q++) {
			f->count[rows->item[q]]++;
			for (uint64_t s = rows->start[b]; s < rows->start[b + 1]; s++)
				f->ease[(size_t)rows->item[q] * items + rows->item[s]]++;
		}
	for (size_t i = 0; i < items; i++)
		f->ease[i * items + i] += EASE_LAMBDA;
	dense_invert(f->ease, items, threads);
	float *diagonal = mem_alloc((items + 1u) * sizeof(float));
	for (size_t i = 0; i < items; i++)
		diagonal[i] = f->ease[i * items + i];
	for (size_t i = 0; i < items; i++)
		for (size_t j = 0; j < items; j++)
			f->ease[i * items + j] = i == j ? 0 : -f->ease[i * items + j] / diagonal[j];
	free(diagonal);
}

static void fit_drop(struct fit *f)
{
	nb_rows_release(&f->together);
	free(f->ease);
	free(f->count);
}

struct scores {
	float *popular, *most, *cosine, *ease, *sum, *linked, *best_cosine, *mixed, *all;
};
enum { SCORES = 8 };

static void score(const struct work *w, struct scores *s, size_t index)
{
	const struct fit *f = &w->fit;
	uint32_t n = f->items, b = w->basket[index];
	memset(s->all, 0, SCORES * (size_t)n * sizeof(float));
	float *const base = s->all;
	*s = (struct scores){ base,
		                  base + n,
		                  base + 2 * (size_t)n,
		                  base + 3 * (size_t)n,
		                  base + 4 * (size_t)n,
		                  base + 5 * (size_t)n,
		                  base + 6 * (size_t)n,
		                  base + 7 * (size_t)n,
		                  base };
	for (uint32_t i = 0; i < n; i++)
		s->popular[i] = f->count[i];
	for (uint64_t q = w->rows->start[b]; q < w->rows->start[b + 1]; q++) {
		uint32_t i = w->rows->item[q];
		if (q - w->rows->start[b] == w->hidden[index])
			continue;
		for (uint64_t t = f->together.start[i]; t < f->together.start[i + 1]; t++) {
			uint32_t j = f->together.item[t];
			float both = f->together.weight[t], confidence = both / (f->count[i] + 3);
			float cosine = both / sqrtf((f->count[i] + 3) * (f->count[j] + 3));
			s->most[j] = confidence > s->most[j] ? confidence : s->most[j];
			s->sum[j] += confidence;
			s->cosine[j] += cosine;
			s->best_cosine[j] = cosine > s->best_cosine[j] ? cosine : s->best_cosine[j];
			s->linked[j]++;
		}
		const float *row = f->ease + (size_t)i * n;
		for (uint32_t j = 0; j < n; j++)
			s->ease[j] += row[j];
	}
	for (uint64_t q = w->rows->start[b]; q < w->rows->start[b + 1]; q++)
		if (q - w->rows->start[b] != w->hidden[index])
			for (int k = 0; k < SCORES; k++)
				s->all[(size_t)k * n + w->rows->item[q]] = 0;
	for (uint32_t i = 0; i < n; i++)
		s->mixed[i] = s->most[i] + s->ease[i] + 0.5f * s->cosine[i];
}

static float rank_in(const uint32_t *list, size_t n, const float *value, uint32_t item)
{
	float rank = 0;
	for (size_t i = 0; i < n; i++)
		rank += value[list[i]] > value[item];
	return rank;
}

static void fill_case(struct work *w, struct scores *s, size_t index)
{
	const struct fit *f = &w->fit;
	uint32_t *list = w->item + index * CANDIDATES, top[EACH], b = w->basket[index];
	uint32_t wanted = w->rows->item[w->rows->start[b] + w->hidden[index]];
	size_t n = 0;
	score(w, s, index);
	const float *const from[] = { s->mixed, s->ease, s->most, s->cosine, s->popular };
	for (size_t k = 0; k < ARRAY_LEN(from); k++) {
		size_t m = nb_top(from[k], f->items, EACH, top);
		for (size_t i = 0; i < m && n < CANDIDATES; i++) {
			bool seen = false;
			for (size_t j = 0; j < n; j++)
				seen |= list[j] == top[i];
			if (!seen)
				list[n++] = top[i];
		}
	}
	float size = (float)(w->rows->start[b + 1] - w->rows->start[b] - 1);
	w->counts[index] = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		uint32_t j = list[i];
		float popular = (float)(f->count[j] / f->baskets);
		const float x[FEATURES] = { size,
			                        popular,
			                        s->most[j],
			                        s->sum[j],
			                        s->sum[j] / size,
			                        s->cosine[j],
			                        s->best_cosine[j],
			                        s->ease[j],
			                        s->linked[j],
			                        s->linked[j] / size,
			                        rank_in(list, n, s->most, j),
			                        rank_in(list, n, s->cosine, j),
			                        rank_in(list, n, s->ease, j),
			                        rank_in(list, n, s->popular, j),
			                        s->most[j] / (popular + 1e-4f),
			                        s->cosine[j] / size,
			                        s->ease[j] - popular,
			                        s->mixed[j] };
		memcpy(w->x + (index * CANDIDATES + i) * FEATURES, x, sizeof(x));
		w->truth[index * CANDIDATES + i] = j == wanted;
	}
	const float *const single[COMPLETE_BLEND] = { s->popular, s->most, s->cosine, s->ease };
	for (int m = 0; m < COMPLETE_BLEND; m++) {
		size_t k = nb_top(single[m], f->items, (uint32_t)w->k, top);
		for (size_t i = 0; i < k; i++)
			if (top[i] == wanted)
				w->singles[index * COMPLETE_BLEND + (size_t)m] = (struct tally){ 1, 1 / log2((double)i + 2) };
	}
}

static void fill_body(void *ctx, size_t from, size_t to, int thread)
{
	struct work *w = ctx;
	struct scores s = { .all = mem_alloc((SCORES * (size_t)w->fit.items + 1) * sizeof(float)) };
	for (size_t i = from; i < to; i++)
		fill_case(w, &s, i);
	free(s.all);
}

/* Rows closed up; returns the start of each case. */
static uint32_t *fill(struct work *w, int threads)
{
	size_t rows = w->cases * CANDIDATES;
	w->x = mem_alloc((rows * FEATURES + 1) * sizeof(float));
	w->truth = mem_alloc(rows + 1);
	w->item = mem_alloc((rows + 1) * sizeof(uint32_t));
	w->counts = mem_alloc((w->cases + 1) * sizeof(uint32_t));
	w->singles = mem_alloc((w->cases + 1) * COMPLETE_BLEND * sizeof(*w->singles));
	par_for(w->cases, 64, threads, fill_body, w);
	uint32_t *query = mem_alloc((w->cases + 1) * sizeof(*query)), at = 0;
	for (size_t i = 0; i < w->cases; i++) {
		query[i] = at;
		memmove(w->x + (size_t)at * FEATURES, w->x + i * CANDIDATES * FEATURES,
		        w->counts[i] * FEATURES * sizeof(float));
		memmove(w->truth + at, w->truth + i * CANDIDATES, w->counts[i]);
		at += w->counts[i];
	}
	query[w->cases] = at;
	return query;
}

static void work_drop(struct work *w)
{
	fit_drop(&w->fit);
	free(w->basket);
	free(w->hidden);
	free(w->x);
	free(w->truth);
	free(w->item);
	free(w->counts);
	free(w->singles);
}

static void choose_cases(struct work *w, size_t from, size_t to, size_t step)
{
	w->basket = mem_alloc((to - from + 1) * sizeof(uint32_t));
	w->hidden = mem_alloc((to - from + 1) * sizeof(uint32_t));
	for (size_t b = from; b < to; b += step) {
		uint64_t size = w->rows->start[b + 1] - w->rows->start[b];
		if (size < 2)
			continue;
		w->basket[w->cases] = (uint32_t)b;
		/* every step-th basket: the position must not follow the step */
		w->hidden[w->cases++] = (uint32_t)((step == 1 ? b - from : hash_mix(b, 77)) % size);
	}
}

static void measure_blend(const struct work *w, const uint32_t *query, const float *sum, struct complete_report *out)
{
	for (size_t i = 0; i < w->cases; i++)
		for (uint32_t q = query[i]; q < query[i + 1]; q++) {
			if (!w->truth[q])
				continue;
			int rank = 0;
			for (uint32_t r = query[i]; r < query[i + 1]; r++)
				rank += sum[r] > sum[q] || (sum[r] == sum[q] && r < q);
			out->methods[COMPLETE_BLEND].hit_rate += rank < w->k;
			out->methods[COMPLETE_BLEND].ndcg += rank < w->k ? 1 / log2(rank + 2.0) : 0;
		}
}

/* No feature of recent sales: the customers of one season mislead about the next.
 *
 * The blend: a weighted sum of a few features, weights by coordinate search on NDCG of the learning cases, and the
 * boosted trees as one more feature of it (learnt on the other half of these cases, or they would be believed too
 * much). */
static const uint8_t PARTS[] = {
	7, 2, 5, 3, 1, 6
}; /* EASE, max-confidence, cosine, confidences, popularity, best cosine */
enum { PART_COUNT = sizeof(PARTS), WEIGHTS = PART_COUNT + 1 };

static void weigh(const struct work *w, const uint32_t *query, const float *trees, const float *weights, float *out)
{
	for (uint32_t q = 0; q < query[w->cases]; q++) {
		float sum = weights[PART_COUNT] * trees[q];
		for (int i = 0; i < PART_COUNT; i++)
			sum += weights[i] * w->x[(size_t)q * FEATURES + PARTS[i]];
		out[q] = sum;
	}
}

static double worth(const struct work *w, const uint32_t *query, size_t from, const float *sum)
{
	double total = 0;
	for (size_t i = from; i < w->cases; i++)
		for (uint32_t q = query[i]; q < query[i + 1]; q++) {
			if (!w->truth[q])
				continue;
			int rank = 0;
			for (uint32_t r = query[i]; r < query[i + 1]; r++)
				rank += sum[r] > sum[q] || (sum[r] == sum[q] && r < q);
			total += rank < w->k ? 1 + 1 / log2(rank + 2.0) : 0; /* hit rate and NDCG */
		}
	return total;
}

static void choose_weights(const struct work *w, const uint32_t *query, size_t from, const float *trees, float *weights)
{
	float *sum = mem_alloc((query[w->cases] + 1u) * sizeof(*sum));
	weights[0] = 1;
	weigh(w, query, trees, weights, sum);
	double best = worth(w, query, from, sum);
	for (int round = 0; round < 3; round++)
		for (int i = 1; i < WEIGHTS; i++) {
			float kept = weights[i];
			const float first = i == PART_COUNT ? 0.02f : 0.1f;
			const float tries[] = { 0, kept * 0.5f, kept * 2, kept == 0 ? first : kept * 1.4f,
				                    kept == 0 ? first * 5 : kept * 0.7f };
			for (size_t t = 0; t < ARRAY_LEN(tries); t++) {
				weights[i] = tries[t];
				weigh(w, query, trees, weights, sum);
				double here = worth(w, query, from, sum);
				if (here > best) {
					best = here;
					kept = tries[t];
				}
			}
			weights[i] = kept;
		}
	free(sum);
}

static void blend(struct work *learn, struct work *test, const struct complete_options *o, struct complete_report *out)
{
	uint32_t *lq = fill(learn, o->threads), *tq = fill(test, o->threads);
	size_t half = learn->cases / 2;
	const struct boost_rows rows = { learn->x, learn->truth, lq, half, FEATURES };
	struct boost_options bo = { .loss = BOOST_SOFTMAX,
		                        .trees = TREES,
		                        .leaves = 8,
		                        .rate = 0.05,
		                        .ridge = 5,
		                        .sample = 0.6,
		                        .feature_sample = 0.7,
		                        .leaf_rows_min = 100,
		                        .seed = 7,
		                        .threads = o->threads };
	struct boost *b = boost_train(&rows, &bo);
	float *lt = mem_alloc((lq[learn->cases] + 1u) * sizeof(float)),
		  *tt = mem_alloc((tq[test->cases] + 1u) * sizeof(float));
	float *sum = mem_alloc((tq[test->cases] + 1u) * sizeof(float)), weights[WEIGHTS] = { 0 };
	boost_score(b, learn->x, lq[learn->cases], 0, lt);
	boost_score(b, test->x, tq[test->cases], 0, tt);
	choose_weights(learn, lq, half, lt, weights);
	weigh(test, tq, tt, weights, sum);
	measure_blend(test, tq, sum, out);
	boost_free(b);
	free(lt);
	free(tt);
	free(sum);
	free(lq);
	free(tq);
}

/* Dense items of at least sales_min sales among the first `learn` baskets, in the order written; repeats dropped. */
static bool make_rows(const uint64_t *start, const uint32_t *items, size_t baskets, size_t learn, uint32_t sales_min,
                      struct nb_rows *rows, uint32_t *count, struct err *err)
{
	uint32_t top = 0;
	for (uint64_t q = 0; q < start[baskets]; q++)
		top = items[q] > top ? items[q] : top;
	if (top > 100000000)
		return err_set(err, ERR_LIMIT, "item numbers above 100,000,000");
	uint32_t *sales = mem_alloc((top + 1u) * sizeof(*sales)), *number = mem_alloc((top + 1u) * sizeof(*number));
	for (uint64_t q = 0; q < start[learn]; q++)
		sales[items[q]]++;
	for (uint32_t i = 0; i <= top; i++)
		number[i] = sales[i] >= sales_min ? ++*count : 0;
	for (size_t b = 0; b < baskets; b++) {
		for (uint64_t q = start[b]; q < start[b + 1]; q++) {
			bool seen = false;
			for (uint64_t s = start[b]; s < q && !seen; s++)
				seen = items[s] == items[q];
			if (number[items[q]] && !seen)
				nb_rows_add(rows, number[items[q]] - 1, 1);
		}
		nb_rows_end(rows);
	}
	free(sales);
	free(number);
	return *count <= ITEMS_MAX ||
	       err_set(err, ERR_LIMIT, "more than %d items sell that often: raise the least sales", ITEMS_MAX);
}

bool complete_run(const uint64_t *start, const uint32_t *items, size_t baskets, const struct complete_options *o,
                  struct complete_report *out, struct err *err)
{
	static const char *const NAMES[COMPLETE_METHODS] = { "popularity", "rule max-confidence", "asymmetric cosine",
		                                                 "ease", "blend" };
	*out = (struct complete_report){ 0 };
	struct nb_rows rows = { 0 };
	size_t learn_end = baskets * 8 / 10, fit_end = learn_end * 8 / 10;
	if (baskets < 100)
		return err_set(err, ERR_INPUT, "fewer than 100 baskets");
	if (!make_rows(start, items, baskets, learn_end, o->sales_min ? o->sales_min : 20, &rows, &out->items, err)) {
		nb_rows_release(&rows);
		return false;
	}
	struct work learn = { .rows = &rows, .k = o->k }, test = { .rows = &rows, .k = o->k };
	choose_cases(&learn, fit_end, learn_end, (learn_end - fit_end) / LEARN_CASES + 1);
	choose_cases(&test, learn_end, baskets, 1);
	fit_make(&learn.fit, &rows, fit_end, out->items, o->threads);
	fit_make(&test.fit, &rows, learn_end, out->items, o->threads);
	blend(&learn, &test, o, out);
	out->cases = (uint32_t)test.cases;
	for (int m = 0; m < COMPLETE_METHODS; m++) {
		out->methods[m].name = NAMES[m];
		for (size_t i = 0; m < COMPLETE_BLEND && i < test.cases; i++) {
			out->methods[m].hit_rate += test.singles[i * COMPLETE_BLEND + (size_t)m].hits;
			out->methods[m].ndcg += test.singles[i * COMPLETE_BLEND + (size_t)m].gain;
		}
		out->methods[m].hit_rate /= out->cases ? out->cases : 1;
		out->methods[m].ndcg /= out->cases ? out->cases : 1;
	}
	work_drop(&learn);
	work_drop(&test);
	nb_rows_release(&rows);
	return true;
}
