#include "fold/crosseval.h"

#include "fold/nextbasket_learn.h"
#include "fold/recoeval.h"

enum {
	LEARN_CUTS = 6,
	CUT_STEP_DAYS = 14,
	CUT_STEP_DAYS_MAX = 45,
	RECENT_DAYS = 30,
	TREES = 160,
	CASES_MIN = 100,
	CASES_LEAST = 20
};

struct cut {
	int32_t day;
	uint32_t *end; /* by user */
	float *recent;
	struct nb_model model;
	struct nb_pool pool;
	struct nb_case *cases;
	size_t count, whole; /* whole: before thin() */
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

/* Every case looks at every product a few times: of very many, every so-manieth is taken. */
static void thin(struct cut *c, uint32_t items)
{
	enum { AT_LEAST = 500 };
	const size_t LOOKS = 1000000000;
	size_t most = LOOKS / (items + 1u), step, kept = 0;
	most = most < AT_LEAST ? AT_LEAST : most;
	step = c->count / most + 1;
	for (size_t i = 0; i < c->count; i += step)
		c->cases[kept++] = c->cases[i];
	c->whole = c->count;
	c->count = kept;
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
	thin(c, d->items);
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
                  struct crosseval_result *out)
{
	uint32_t truths = 0;
	double gain = 0, ideal = 0;
	for (uint32_t q = d->basket_start[c.target]; q < d->basket_start[c.target + 1]; q++) {
		if (h->slot[d->item[q]])
			continue;
		ideal += 1 / log2(truths++ + 2.0);
		for (size_t j = 0; j < n; j++)
			gain += top[j] == d->item[q] ? 1 / log2((double)j + 2) : 0;
	}
	out->hit_rate += gain > 0;
	out->ndcg += gain / ideal;
}

static void measure_scores(const struct nb_table *t, const float *scores, int k, struct crosseval_result *out)
{
	struct nb_history h;
	nb_history_init(&h, t->d);
	for (size_t i = 0; i < t->count; i++) {
		uint32_t top[NB_K_MAX], place[NB_K_MAX];
		size_t n = 0;
		for (uint32_t q = t->query[i]; q < t->query[i + 1]; q++) {
			if (n == (size_t)k && scores[q] <= scores[place[n - 1]])
				continue;
			size_t j = n < (size_t)k ? n++ : n - 1;
			for (; j > 0 && scores[q] > scores[place[j - 1]]; j--)
				place[j] = place[j - 1];
			place[j] = q;
		}
		for (size_t j = 0; j < n; j++)
			top[j] = t->items[place[j]];
		nb_history_read(&h, t->d, t->cases[i]);
		tally(t->d, t->cases[i], &h, top, n, out);
	}
	nb_history_release(&h);
}

/* Two forests on the cases of the first `count` cuts. */
struct forests {
	struct boost *of[BOOST_SOFTMAX + 1];
	size_t cases;
};

static void forests_learn(struct forests *f, const struct cut *cuts, int count, int threads)
{
	size_t rows = 0, queries = 0;
	for (int i = 0; i < count; i++) {
		rows += cuts[i].table.query[cuts[i].count];
		queries += cuts[i].count;
	}
	float *x = mem_alloc((rows * NB_FEATURES + 1) * sizeof(*x));
	uint8_t *truth = mem_alloc(rows + 1);
	uint32_t *query = mem_alloc((queries + 1) * sizeof(*query));
	rows = queries = 0;
	for (int i = 0; i < count; i++) {
		const struct nb_table *t = &cuts[i].table;
		for (size_t c = 0; c < t->count; c++) {
			size_t n = t->query[c + 1] - t->query[c];
			memcpy(x + rows * NB_FEATURES, t->x + (size_t)t->query[c] * NB_FEATURES, n * NB_FEATURES * sizeof(*x));
			memcpy(truth + rows, t->truth + t->query[c], n);
			rows += n;
			query[++queries] = (uint32_t)rows;
		}
	}
	const struct boost_rows r = { x, truth, query, queries, NB_FEATURES };
	f->cases = queries;
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
		f->of[loss] = boost_train(&r, &o);
	}
	free(x);
	free(truth);
	free(query);
}

static float *forests_score(const struct forests *f, const struct nb_table *t)
{
	size_t n = t->query[t->count];
	float *one = mem_alloc((n + 1) * sizeof(*one)), *sum = mem_alloc((n + 1) * sizeof(*sum));
	for (int loss = BOOST_LOGISTIC; loss <= BOOST_SOFTMAX; loss++) {
		boost_score(f->of[loss], t->x, n, 0, one);
		for (size_t i = 0; i < n; i++)
			sum[i] += one[i];
	}
	free(one);
	return sum;
}

static void forests_release(struct forests *f)
{
	for (int loss = BOOST_LOGISTIC; loss <= BOOST_SOFTMAX; loss++)
		boost_free(f->of[loss]);
}

static void measure_singles(const struct cut *c, int k, struct crosseval_result *out)
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
			tally(c->table.d, c->cases[i], &h, top + (size_t)s * (size_t)k, n[s], &out[s]);
	}
	nb_history_release(&h);
	nb_worker_free(w);
}

static void learn(struct cut *cuts, int k, int threads, struct crosseval_report *out)
{
	struct forests f;
	for (int i = 0; i <= LEARN_CUTS; i++)
		nb_table_fill(&cuts[i].table, threads);
	forests_learn(&f, cuts, LEARN_CUTS, threads);
	float *scores = forests_score(&f, &cuts[LEARN_CUTS].table);
	out->learn_cases = (uint32_t)f.cases;
	out->blend = out->count++;
	out->methods[out->blend].name = "blend";
	measure_scores(&cuts[LEARN_CUTS].table, scores, k, &out->methods[out->blend]);
	forests_release(&f);
	free(scores);
}

/* What recommend.h answers, without a price cap and with any number of a type: those say what may be shown, not what
 * fits. */
static void measure_served(const struct cut *c, const int32_t *day, const struct crosseval_options *o,
                           struct crosseval_report *out)
{
	const struct nb_data *d = c->table.d;
	struct rec_data all = { .customers = d->users,
		                    .items = d->items,
		                    .order_start = d->user_start,
		                    .order_day = day,
		                    .line_start = d->basket_start,
		                    .line_item = d->item };
	struct rec_item *items = o->shop ? rec_items_then(o->shop) : NULL;
	struct rec_cut cut;
	struct err err;
	struct nb_history h;
	struct rec_guards g = rec_guards_default(c->day, 1);
	g.n_max = (uint32_t)(o->k < REC_OUT_MAX ? o->k : REC_OUT_MAX);
	g.cross_percent = -1;
	g.per_type = 0;
	if (o->shop) {
		all = *o->shop;
		all.item = items;
	}
	rec_cut_make(&cut, &all, c->day);
	struct rec_model *m =
		rec_build(&cut.d, &(struct rec_options){ .threads = o->threads, .no_basket = true, .seed = 1 }, &err);
	check(m != NULL); /* there are cases, hence orders */
	struct rec_scratch *s = rec_scratch_new(m);
	nb_history_init(&h, d);
	out->served = out->count++;
	out->methods[out->served].name = "served";
	for (size_t i = 0; i < c->count; i++) {
		struct rec_list l;
		uint32_t top[REC_OUT_MAX], user = c->cases[i].user;
		rec_cross(m, s, &(struct rec_ask){ .customer = o->shop ? o->customer[user] : user, .guards = &g }, g.n_max, &l);
		for (size_t j = 0; j < l.count; j++)
			top[j] = l.answers[j].item;
		nb_history_read(&h, d, c->cases[i]);
		tally(d, c->cases[i], &h, top, l.count, &out->methods[out->served]);
	}
	nb_history_release(&h);
	rec_scratch_free(s);
	rec_free(m);
	rec_cut_release(&cut);
	free(items);
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

static void finish(struct crosseval_report *out, uint32_t cases)
{
	out->cases = cases;
	for (size_t i = 0; i < out->count; i++) {
		out->methods[i].hit_rate /= cases;
		out->methods[i].ndcg /= cases;
		if (i < NB_SINGLES && out->methods[i].hit_rate > out->methods[out->best_single].hit_rate)
			out->best_single = i;
	}
}

/* Cases learnt from look as far ahead as those measured, on average, where the history allows it. */
static int32_t step_days(const struct nb_data *d, const int32_t *day, int32_t cut)
{
	int32_t first = INT32_MAX, last = INT32_MIN;
	for (uint32_t b = 0; b < d->user_start[d->users]; b++) {
		first = day[b] < first ? day[b] : first;
		last = day[b] > last ? day[b] : last;
	}
	if (first > last)
		return CUT_STEP_DAYS;
	int32_t ahead = (last - cut) / LEARN_CUTS, back = (cut - first) / (2 * LEARN_CUTS);
	int32_t step = ahead < back ? ahead : back;
	return step < CUT_STEP_DAYS ? CUT_STEP_DAYS : step > CUT_STEP_DAYS_MAX ? CUT_STEP_DAYS_MAX : step;
}

bool crosseval_run(const struct nb_data *d, const int32_t *day, int32_t split, const struct crosseval_options *o,
                   struct crosseval_report *out, struct err *err)
{
	*out = (struct crosseval_report){ .blend = SIZE_MAX };
	if (o->k < 1 || o->k > NB_K_MAX)
		return err_set(err, ERR_INPUT, "k is from 1 to %d", NB_K_MAX);
	struct cut cuts[LEARN_CUTS + 1] = { 0 }, *last = &cuts[LEARN_CUTS];
	uint8_t *use = mem_alloc(d->users + 1u);
	memset(use, 1, d->users);
	int32_t step = step_days(d, day, split);
	bool learns = !o->quick;
	cut_make(last, d, day, split, INT32_MAX);
	for (int i = 0; i < LEARN_CUTS && learns; i++) {
		cut_make(&cuts[i], d, day, split - (LEARN_CUTS - i) * step, split);
		learns = cuts[i].count >= CASES_MIN;
	}
	bool ok = last->count >= CASES_LEAST ||
	          err_set(err, ERR_INPUT,
	                  "fewer than %d customers bought before the split and something new after it: choose another day",
	                  CASES_LEAST);
	if (ok) {
		struct cuts all = { learns ? cuts : last, d, use };
		par_for(learns ? LEARN_CUTS + 1 : 1, 1, o->threads, fit_body, &all);
		measure_singles(last, o->k, out->methods);
		for (int s = 0; s < NB_SINGLES; s++)
			out->methods[s].name = NB_SINGLE_NAMES[s];
		out->count = NB_SINGLES;
		measure_served(last, day, o, out);
		if (learns)
			learn(cuts, o->k, o->threads, out);
		out->whole = (uint32_t)last->whole;
		finish(out, (uint32_t)last->count);
	}
	for (int i = 0; i <= LEARN_CUTS; i++)
		cut_drop(&cuts[i]);
	free(use);
	return ok;
}
