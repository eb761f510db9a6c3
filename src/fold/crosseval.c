#include "fold/crosseval.h"

#include "fold/nextbasket_learn.h"

enum { LEARN_CUTS = 6, CUT_STEP_DAYS = 14, RECENT_DAYS = 30, TREES = 160, CASES_MIN = 100 };

struct cut {
	int32_t day;
	uint32_t *end; /* by user */
	float *recent;
	struct nb_model model;
	struct nb_pool pool;
	struct nb_case *cases;
	size_t count;
	struct nb_table table;
};

/* The truth of a case is what its target basket holds and its history does not. */
static bool is_fresh(const struct nb_data *d, uint32_t user, uint32_t target)
{
	for (uint32_t q = d->basket_start[target]; q < d->basket_start[target + 1]; q++) {
		bool owned = false;
		for (uint32_t s = d->basket_start[d->user_start[user]]; s < d->basket_start[target] && !owned; s++)
			owned = d->item[s] == d->item[q];
		if (!owned)
			return true;
	}
	return false;
}

static void cut_make(struct cut *c, const struct nb_data *d, const int32_t *day, int32_t at, int32_t before)
{
	size_t cap = 0;
	c->day = at;
	c->end = mem_alloc((d->users + 1u) * sizeof(*c->end));
	c->recent = mem_alloc((d->items + 1u) * sizeof(*c->recent));
	double baskets = 1;
	for (uint32_t u = 0; u < d->users; u++) {
		uint32_t b = d->user_start[u];
		for (; b < d->user_start[u + 1] && day[b] < at; b++) {
			if (day[b] < at - RECENT_DAYS)
				continue;
			baskets++;
			for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++)
				c->recent[d->item[q]]++;
		}
		c->end[u] = b;
		if (b > d->user_start[u] && b < d->user_start[u + 1] && day[b] < before && is_fresh(d, u, b)) {
			c->cases = mem_grow(c->cases, &cap, c->count + 1, sizeof(*c->cases));
			c->cases[c->count++] = (struct nb_case){ u, b };
		}
	}
	for (uint32_t i = 0; i < d->items; i++)
		c->recent[i] /= (float)baskets;
}

struct cuts {
	struct cut *all;
	const struct nb_data *d;
	const uint8_t *use;
};

static void fit_body(void *ctx, size_t from, size_t to, int thread)
{
	struct cuts *x = ctx;
	for (size_t i = from; i < to; i++) {
		struct cut *c = &x->all[i];
		struct nb_fit f = { .d = x->d,
			                .use = x->use,
			                .end = c->end,
			                .recent = c->recent,
			                .ridge_lambda = 40,
			                .ease_lambda = 200,
			                .asymmetry = 0.5,
			                .dense = true,
			                .threads = 1 };
		nb_model_fit(&f, &c->model);
		nb_pool_fit(&c->pool, &f, 3);
		c->table = (struct nb_table){
			.d = x->d, .cases = c->cases, .count = c->count, .models = &c->model, .pool = &c->pool, .fresh_only = true
		};
	}
}

static void tally(const struct nb_data *d, struct nb_case c, const struct nb_history *h, const uint32_t *top, size_t n,
                  int k, struct crosseval_result *out)
{
	uint32_t truths = 0;
	double gain = 0, ideal = 0;
	for (uint32_t q = d->basket_start[c.target]; q < d->basket_start[c.target + 1]; q++) {
		if (h->slot[d->item[q]])
			continue;
		if ((int)truths < k)
			ideal += 1 / log2(truths + 2.0);
		truths++;
		for (size_t j = 0; j < n; j++)
			gain += top[j] == d->item[q] ? 1 / log2((double)j + 2) : 0;
	}
	out->hit_rate += gain > 0;
	out->ndcg += gain / ideal;
}

static void measure_singles(const struct cut *c, int k, struct crosseval_report *out)
{
	struct nb_worker *w = nb_worker_new(c->table.d, &c->pool);
	struct nb_history h;
	nb_history_init(&h, c->table.d);
	for (size_t i = 0; i < c->count; i++) {
		uint32_t top[NB_SINGLES * NB_K_MAX];
		size_t n[NB_SINGLES];
		nb_singles(&c->table, i, w, (uint32_t)k, top, n);
		nb_history_read(&h, c->table.d, c->cases[i]);
		for (int s = 0; s < NB_SINGLES; s++)
			tally(c->table.d, c->cases[i], &h, top + (size_t)s * (size_t)k, n[s], k, &out->methods[s]);
	}
	for (int s = 0; s < NB_SINGLES; s++)
		out->methods[s].name = NB_SINGLE_NAMES[s];
	out->count = NB_SINGLES;
	nb_history_release(&h);
	nb_worker_free(w);
}

static void measure_blend(const struct cut *c, const float *scores, int k, struct crosseval_result *out)
{
	struct nb_history h;
	nb_history_init(&h, c->table.d);
	for (size_t i = 0; i < c->count; i++) {
		uint32_t top[NB_K_MAX], place[NB_K_MAX];
		size_t n = 0;
		for (uint32_t q = c->table.query[i]; q < c->table.query[i + 1]; q++) {
			if (n == (size_t)k && scores[q] <= scores[place[n - 1]])
				continue;
			size_t j = n < (size_t)k ? n++ : n - 1;
			for (; j > 0 && scores[q] > scores[place[j - 1]]; j--)
				place[j] = place[j - 1];
			place[j] = q;
		}
		for (size_t j = 0; j < n; j++)
			top[j] = c->table.items[place[j]];
		nb_history_read(&h, c->table.d, c->cases[i]);
		tally(c->table.d, c->cases[i], &h, top, n, k, out);
	}
	nb_history_release(&h);
}

/* The learning cuts' tables one after the other. */
static void learn(struct cut *cuts, int k, int threads, struct crosseval_report *out)
{
	size_t rows = 0, queries = 0;
	for (int i = 0; i <= LEARN_CUTS; i++)
		nb_table_fill(&cuts[i].table, threads);
	for (int i = 0; i < LEARN_CUTS; i++) {
		rows += cuts[i].table.query[cuts[i].count];
		queries += cuts[i].count;
	}
	float *x = mem_alloc((rows * NB_FEATURES + 1) * sizeof(*x));
	uint8_t *truth = mem_alloc(rows + 1);
	uint32_t *query = mem_alloc((queries + 1) * sizeof(*query));
	rows = queries = 0;
	for (int i = 0; i < LEARN_CUTS; i++) {
		const struct nb_table *t = &cuts[i].table;
		size_t n = t->query[t->count];
		memcpy(x + rows * NB_FEATURES, t->x, n * NB_FEATURES * sizeof(*x));
		memcpy(truth + rows, t->truth, n);
		for (size_t q = 0; q < t->count; q++)
			query[queries++] = (uint32_t)rows + t->query[q];
		rows += n;
		query[queries] = (uint32_t)rows;
	}
	const struct nb_table *test = &cuts[LEARN_CUTS].table;
	size_t n = test->query[test->count];
	float *scores = mem_alloc((n + 1) * sizeof(*scores)), *sum = mem_alloc((n + 1) * sizeof(*sum));
	const struct boost_rows r = { x, truth, query, queries, NB_FEATURES };
	for (int loss = BOOST_LOGISTIC; loss <= BOOST_SOFTMAX; loss++) {
		struct boost_options o = { .loss = (enum boost_loss)loss,
			                       .trees = TREES,
			                       .leaves = 12,
			                       .rate = 0.05,
			                       .ridge = 5,
			                       .sample = 0.6,
			                       .feature_sample = 0.5,
			                       .leaf_rows_min = 60,
			                       .seed = 1 + (uint64_t)loss,
			                       .threads = threads };
		struct boost *b = boost_train(&r, &o);
		boost_score(b, test->x, n, 0, scores);
		for (size_t i = 0; i < n; i++)
			sum[i] += scores[i];
		boost_free(b);
	}
	out->learn_cases = (uint32_t)queries;
	out->blend = out->count++;
	out->methods[out->blend].name = "blend";
	measure_blend(&cuts[LEARN_CUTS], sum, k, &out->methods[out->blend]);
	free(x);
	free(truth);
	free(query);
	free(scores);
	free(sum);
}

static void cut_drop(struct cut *c)
{
	nb_table_release(&c->table);
	nb_model_release(&c->model);
	nb_pool_release(&c->pool);
	free(c->end);
	free(c->recent);
	free(c->cases);
}

bool crosseval_run(const struct nb_data *d, const int32_t *day, int32_t cut, int k, int threads,
                   struct crosseval_report *out, struct err *err)
{
	*out = (struct crosseval_report){ 0 };
	if (k < 1 || k > NB_K_MAX)
		return err_set(err, ERR_INPUT, "k is from 1 to %d", NB_K_MAX);
	struct cut cuts[LEARN_CUTS + 1] = { 0 };
	uint8_t *use = mem_alloc(d->users + 1u);
	memset(use, 1, d->users);
	bool ok = true;
	for (int i = 0; i <= LEARN_CUTS; i++) {
		int32_t at = cut - (LEARN_CUTS - i) * CUT_STEP_DAYS;
		cut_make(&cuts[i], d, day, at, i < LEARN_CUTS ? cut : INT32_MAX);
		if (cuts[i].count < CASES_MIN && ok)
			ok = err_set(err, ERR_INPUT,
			             "fewer than %d customers with orders before and after a cut %d days before the split: "
			             "choose a later or earlier one",
			             CASES_MIN, (LEARN_CUTS - i) * CUT_STEP_DAYS);
	}
	if (ok) {
		struct cuts all = { cuts, d, use };
		par_for(LEARN_CUTS + 1, 1, threads, fit_body, &all);
		measure_singles(&cuts[LEARN_CUTS], k, out);
		learn(cuts, k, threads, out);
		out->cases = (uint32_t)cuts[LEARN_CUTS].count;
		for (size_t i = 0; i < out->count; i++) {
			out->methods[i].hit_rate /= out->cases;
			out->methods[i].ndcg /= out->cases;
			if (i < NB_SINGLES && out->methods[i].hit_rate > out->methods[out->best_single].hit_rate)
				out->best_single = i;
		}
	}
	for (int i = 0; i <= LEARN_CUTS; i++)
		cut_drop(&cuts[i]);
	free(use);
	return ok;
}
