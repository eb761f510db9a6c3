/* Training of the learnt blend, and the evaluation of everything.
 *
 * A training case is one of the newest steps of a train user. Models that count across users are fitted once per fold
 * without the fold's users, so that a case never meets its own future; neighbours leave the same user out. */
#include "fold/nextbasket_learn.h"

#include <stdio.h>

enum { FOLDS = 4, STEPS_PER_USER = 3, CASES_MAX = 30000, STEP = 40, TREES = 280, SLICE = 8192, FITS = FOLDS + 2 };

struct fits {
	struct nb_fit fit[FITS];
	struct nb_model *models;
};

static void fit_body(void *ctx, size_t from, size_t to, int thread)
{
	struct fits *f = ctx;
	for (size_t i = from; i < to; i++)
		nb_model_fit(&f->fit[i], &f->models[i]);
}

static uint32_t fold_of(uint32_t user, uint64_t seed)
{
	return (uint32_t)(hash_mix(seed + 11, user + 1u) % FOLDS);
}

static void say(const struct nb_options *o, const char *what)
{
	if (o->progress)
		o->progress(o->progress_ctx, what);
}

/* ---- scoring ---- */

struct ranking {
	const struct nb_table *t;
	const float *scores;
	uint32_t k;
	struct nb_tally *parts;
	uint32_t *lists; /* of test users; NULL */
	float *each;     /* by case; NULL */
};

/* Where what is found goes besides the sums: both may be NULL. */
struct keep {
	uint32_t *lists;
	float *each;
};

/* A list longer than there are candidates goes on with what sells. */
static size_t fill_up(const struct ranking *r, size_t index, const struct nb_history *h, uint32_t *top, size_t n)
{
	const struct nb_table *t = r->t;
	const struct nb_model *m = t->model_of ? &t->models[t->model_of[index]] : t->models;
	for (uint32_t i = 0; i < t->d->items && n < r->k; i++) {
		uint32_t item = m->facts.order[i];
		bool taken = t->fresh_only && h->slot[item];
		for (size_t j = 0; j < n && !taken; j++)
			taken = top[j] == item;
		if (!taken)
			top[n++] = item;
	}
	return n;
}

static void rank_body(void *ctx, size_t from, size_t to, int thread)
{
	struct ranking *r = ctx;
	const struct nb_data *d = r->t->d;
	struct nb_history h;
	nb_history_init(&h, d);
	for (size_t i = from; i < to; i++) {
		uint32_t top[NB_K_MAX], place[NB_K_MAX], a = r->t->query[i], z = r->t->query[i + 1];
		size_t n = 0;
		for (uint32_t q = a; q < z; q++) {
			if (n == r->k && r->scores[q] <= r->scores[place[n - 1]])
				continue;
			size_t j = n < r->k ? n++ : n - 1;
			for (; j > 0 && r->scores[q] > r->scores[place[j - 1]]; j--)
				place[j] = place[j - 1];
			place[j] = q;
		}
		for (size_t j = 0; j < n; j++)
			top[j] = r->t->items[place[j]];
		nb_history_read(&h, d, r->t->cases[i]);
		n = fill_up(r, i, &h, top, n);
		nb_tally_case(&r->parts[from / 64], d, r->t->cases[i], &h, top, n, r->each ? &r->each[i] : NULL);
		nb_list_keep(r->lists, d, r->t->cases[i].user, top, n, r->k);
	}
	nb_history_release(&h);
}

static struct nb_tally rank_tally(const struct nb_table *t, const float *scores, const struct nb_options *o,
                                  struct keep keep)
{
	size_t parts = t->count / 64 + 1;
	struct ranking r = { t, scores, (uint32_t)o->k, mem_alloc(parts * sizeof(*r.parts)), keep.lists, keep.each };
	par_for(t->count, 64, o->threads, rank_body, &r);
	struct nb_tally all = { 0 };
	for (size_t i = 0; i < parts; i++)
		nb_tally_join(&all, &r.parts[i]);
	free(r.parts);
	return all;
}

static struct nb_metrics rank_metrics(const struct nb_table *t, const float *scores, const struct nb_options *o)
{
	struct nb_tally all = rank_tally(t, scores, o, (struct keep){ NULL, NULL });
	return nb_tally_means(&all);
}

struct scoring {
	const struct boost *b;
	const struct nb_table *t;
	int trees;
	float *out;
};

static void score_body(void *ctx, size_t from, size_t to, int thread)
{
	struct scoring *s = ctx;
	boost_score(s->b, s->t->x + from * NB_FEATURES, to - from, s->trees, s->out + from);
}

static void table_score(const struct boost *b, const struct nb_table *t, int trees, int threads, float *out)
{
	struct scoring s = { b, t, trees, out };
	par_for(t->query[t->count], 4096, threads, score_body, &s);
}

static double worth(const struct nb_metrics *m)
{
	return m->recall + m->ndcg + m->phr;
}

struct learner {
	const struct nb_data *d;
	const struct nb_options *o;
	struct nb_table train, validate, validate_whole, test; /* validate: as many as memory allows, to choose by */
	struct nb_report *out;
};

/* Both losses err differently: the blend is the sum of the two forests, each cut where validate was best. */
enum { FORESTS = 2 };
static const char *const FOREST_NAMES[FORESTS] = { "trees-logistic", "trees-softmax" };

static int choose_trees(const struct learner *l, const struct boost *b, float *scores)
{
	double at[TREES / STEP + 2] = { 0 };
	int steps = boost_trees(b) / STEP, best = 1;
	for (int i = 1; i <= steps; i++) {
		table_score(b, &l->validate, i * STEP, l->o->threads, scores);
		struct nb_metrics m = rank_metrics(&l->validate, scores, l->o);
		at[i] = worth(&m);
	}
	double best_worth = -1;
	for (int i = 1; i <= steps; i++) { /* smoothed over its neighbours: one step's luck does not choose */
		double mean = (at[i > 1 ? i - 1 : i] + 2 * at[i] + at[i < steps ? i + 1 : i]) / 4;
		if (mean >= best_worth) {
			best_worth = mean;
			best = i;
		}
	}
	return best * STEP;
}

static struct keep keep_from(struct keep k, size_t from)
{
	return (struct keep){ k.lists, k.each ? k.each + from : NULL };
}

/* Test users in slices, so that memory does not grow with them. */
static void score_slices(struct learner *l, const struct nb_table *whole, struct boost **forest, const int *trees,
                         struct nb_metrics out[FORESTS + 1], const struct keep keep[FORESTS + 1])
{
	struct nb_tally all[FORESTS + 1] = { 0 };
	for (size_t from = 0; from < whole->count; from += SLICE) {
		struct nb_table t = *whole;
		t.cases += from;
		t.count = whole->count - from < SLICE ? whole->count - from : SLICE;
		nb_table_fill(&t, l->o->threads);
		size_t n = t.query[t.count];
		float *one = mem_alloc((n + 1) * sizeof(*one)), *sum = mem_alloc((n + 1) * sizeof(*sum));
		for (int f = 0; f < FORESTS; f++) {
			table_score(forest[f], &t, trees[f], l->o->threads, one);
			struct nb_tally part = rank_tally(&t, one, l->o, keep_from(keep[f], from));
			nb_tally_join(&all[f], &part);
			for (size_t i = 0; i < n; i++)
				sum[i] += one[i];
		}
		struct nb_tally part = rank_tally(&t, sum, l->o, keep_from(keep[FORESTS], from));
		nb_tally_join(&all[FORESTS], &part);
		free(one);
		free(sum);
		nb_table_release(&t);
	}
	for (int f = 0; f <= FORESTS; f++)
		out[f] = nb_tally_means(&all[f]);
}

static void learn_blend(struct learner *l)
{
	const struct boost_rows rows = { l->train.x, l->train.truth, l->train.query, l->train.count, NB_FEATURES };
	struct boost *forest[FORESTS];
	int trees[FORESTS];
	float *v = mem_alloc((l->validate.query[l->validate.count] + 1u) * sizeof(*v));
	for (int f = 0; f < FORESTS; f++) {
		struct boost_options bo = { .loss = f ? BOOST_SOFTMAX : BOOST_LOGISTIC,
			                        .trees = TREES,
			                        .leaves = 24,
			                        .rate = 0.05,
			                        .ridge = 2,
			                        .sample = 0.5,
			                        .feature_sample = 0.6,
			                        .leaf_rows_min = 40,
			                        .seed = l->o->seed + (uint64_t)f,
			                        .threads = l->o->threads };
		forest[f] = boost_train(&rows, &bo);
		trees[f] = choose_trees(l, forest[f], v);
	}
	free(v);
	nb_table_release(&l->train);
	nb_table_release(&l->validate);
	struct nb_metrics validate[FORESTS + 1], test[FORESTS + 1];
	struct keep on_validate[FORESTS + 1], on_test[FORESTS + 1];
	for (int f = 0; f <= FORESTS; f++) {
		on_validate[f] = (struct keep){ NULL, mem_alloc((l->validate_whole.count + 1) * sizeof(float)) };
		on_test[f] = (struct keep){ nb_lists_new(l->d, l->o), NULL };
	}
	score_slices(l, &l->validate_whole, forest, trees, validate, on_validate);
	score_slices(l, &l->test, forest, trees, test, on_test);
	for (int f = 0; f <= FORESTS; f++) {
		struct nb_method_result *r = &l->out->methods[l->out->count++];
		*r = (struct nb_method_result){ .name = f < FORESTS ? FOREST_NAMES[f] : "blend",
			                            .validate = validate[f],
			                            .test = test[f],
			                            .worth = on_validate[f].each,
			                            .lists = on_test[f].lists };
		if (f < FORESTS)
			snprintf(r->chosen, sizeof(r->chosen), "%d trees", trees[f]);
		else
			snprintf(r->chosen, sizeof(r->chosen), "sum of both forests");
	}
	for (int f = 0; f < FORESTS; f++)
		boost_free(forest[f]);
}

/* Baskets before the truth that a case to learn from needs: two, or as few as somebody has who is to be answered. */
static uint32_t least_history(const struct nb_data *d)
{
	uint32_t least = 2;
	for (uint32_t u = d->split_start[NB_VALIDATE]; u < d->users; u++) {
		uint32_t n = d->user_start[u + 1] - d->user_start[u];
		if (n > 0 && n - 1 < least)
			least = n - 1;
	}
	return least;
}

/* The newest steps of train users, thinned evenly to CASES_MAX. */
static struct nb_case *train_cases(const struct nb_data *d, uint64_t seed, size_t *count, uint8_t **fold)
{
	size_t total = 0, n = 0, cap = 0;
	uint32_t least = least_history(d);
	for (uint32_t u = d->split_start[NB_TRAIN]; u < d->split_start[NB_TRAIN + 1]; u++) {
		uint32_t baskets = d->user_start[u + 1] - d->user_start[u], steps = baskets > least ? baskets - least : 0;
		total += steps < STEPS_PER_USER ? steps : STEPS_PER_USER;
	}
	struct nb_case *cases = NULL;
	double share = total > CASES_MAX ? (double)CASES_MAX / (double)total : 1;
	for (uint32_t u = d->split_start[NB_TRAIN]; u < d->split_start[NB_TRAIN + 1]; u++)
		for (uint32_t k = 1; k <= STEPS_PER_USER && d->user_start[u + 1] - d->user_start[u] >= k + least; k++) {
			double draw = (double)(hash_mix(seed + 5, (uint64_t)u * 8 + k) >> 11) * 0x1p-53;
			if (draw >= share)
				continue;
			cases = mem_grow(cases, &cap, n + 1, sizeof(*cases));
			cases[n++] = (struct nb_case){ u, d->user_start[u + 1] - k };
		}
	*fold = mem_alloc(n + 1);
	for (size_t i = 0; i < n; i++)
		(*fold)[i] = (uint8_t)fold_of(cases[i].user, seed);
	*count = n;
	return cases;
}

enum {
	FIT_LINES_MAX = 4000000,
	HOLDOUT_OF = 8,
	LEARN_CASES_MIN = 200,
	VALIDATE_CASES_MIN = 30,
	VALIDATE_CASES_MAX = 8192
};

/* Who is seen by which fit: one per fold without its users, then train, then train and validate. Of more than
 * FIT_LINES_MAX lines every n-th user: counts of what goes with what no longer change, time and memory would. */
static void plan_fits(struct fits *f, const struct nb_data *d, uint8_t **use, const uint8_t *hidden, uint64_t seed)
{
	uint32_t stride = d->basket_start[d->user_start[d->split_start[NB_TEST]]] / FIT_LINES_MAX + 1;
	for (uint32_t k = 0; k < FITS; k++) {
		use[k] = mem_alloc((size_t)d->users + 1);
		for (uint32_t u = 0; u < d->split_start[NB_TEST]; u += stride)
			use[k][u] = u < d->split_start[NB_VALIDATE] ? k >= FOLDS || fold_of(u, seed) != k : k == FOLDS + 1;
		f->fit[k] = (struct nb_fit){ .d = d,
			                         .use = use[k],
			                         .hidden = hidden,
			                         .ridge_lambda = 40,
			                         .ease_lambda = 100,
			                         .asymmetry = 0.5,
			                         .dense = true,
			                         .threads = 1 };
	}
}

static void learn_all(struct learner *l, struct fits *f)
{
	const struct nb_data *d = l->d;
	struct nb_pool pool, pool_test;
	uint8_t *fold;
	struct nb_case *train, *validate, *thinned, *test;
	nb_pool_fit(&pool, &f->fit[FOLDS], STEPS_PER_USER);
	nb_pool_fit(&pool_test, &f->fit[FOLDS + 1], STEPS_PER_USER);
	l->train = (struct nb_table){ .d = d, .models = f->models, .pool = &pool };
	l->train.cases = train = train_cases(d, l->o->seed, &l->train.count, &fold);
	l->train.model_of = fold;
	l->validate = (struct nb_table){ .d = d, .models = &f->models[FOLDS], .pool = &pool };
	l->validate.cases = validate = nb_split_cases(d, NB_VALIDATE, &l->validate.count);
	l->validate_whole = l->validate;
	l->validate.cases = thinned = nb_split_cases(d, NB_VALIDATE, &l->validate.count);
	l->validate.count = nb_thin_cases(thinned, l->validate.count, VALIDATE_CASES_MAX);
	l->test = (struct nb_table){ .d = d, .models = &f->models[FOLDS + 1], .pool = &pool_test };
	l->test.cases = test = nb_split_cases(d, NB_TEST, &l->test.count);
	if (l->train.count >= LEARN_CASES_MIN && l->validate.count >= VALIDATE_CASES_MIN) {
		say(l->o, "describing candidates");
		nb_table_fill(&l->train, l->o->threads);
		nb_table_fill(&l->validate, l->o->threads);
		say(l->o, "learning the blend");
		learn_blend(l);
	}
	nb_pool_release(&pool);
	nb_pool_release(&pool_test);
	free(fold);
	free(train);
	free(validate);
	free(thinned);
	free(test);
}

static void evaluate_all(const struct nb_data *d, const struct nb_options *o, struct nb_report *out)
{
	uint8_t *hidden = mem_alloc((size_t)d->users + 1), *use[FITS];
	for (uint32_t u = d->split_start[NB_TEST]; u < d->users; u++)
		hidden[u] = 1;
	struct fits f = { .models = mem_alloc(FITS * sizeof(*f.models)) };
	plan_fits(&f, d, use, hidden, o->seed);
	say(o, "fitting item models");
	if (o->quick)
		fit_body(&f, FOLDS, FITS, 0);
	else
		par_for(FITS, 1, o->threads, fit_body, &f);
	say(o, "measuring the baselines");
	nb_baselines(d, o, &f.models[FOLDS], &f.models[FOLDS + 1], out);
	struct learner l = { .d = d, .o = o, .out = out };
	if (!o->quick)
		learn_all(&l, &f);
	for (int k = 0; k < FITS; k++) {
		nb_model_release(&f.models[k]);
		free(use[k]);
	}
	free(f.models);
	free(hidden);
}

static bool is_blend(const struct nb_method_result *r)
{
	return str_is(str_from(r->name), "blend");
}

/* Better than b on the same validate users by more than twice the standard error of their differences. */
static bool surely_better(const struct nb_method_result *a, const struct nb_method_result *b)
{
	double sum = 0, squares = 0, n = a->validate.users;
	for (uint32_t i = 0; i < a->validate.users; i++) {
		double gain = (double)a->worth[i] - b->worth[i];
		sum += gain;
		squares += gain * gain;
	}
	double mean = sum / n, variance = squares / n - mean * mean;
	return sum > 0 && mean * mean * n > 4 * variance;
}

/* The best of many methods on a few hundred validate users is often the luckiest. The blend has learnt from all the
 * train users: it stays unless something is surely better. Where none was learnt, the best is all there is to go by. */
static void choose_default(struct nb_report *out)
{
	bool learnt = out->count > 0 && is_blend(&out->methods[out->count - 1]);
	const struct nb_method_result *blend = &out->methods[out->count - 1];
	out->chosen = learnt ? out->count - 1 : 0;
	for (size_t i = 0; i < out->count; i++) {
		const struct nb_method_result *r = &out->methods[i];
		if (worth(&r->validate) > worth(&out->methods[out->chosen].validate) && (!learnt || surely_better(r, blend)))
			out->chosen = i;
	}
}

/* Without validate users, the last eighth of the train users takes their place. */
bool nb_evaluate(const struct nb_data *given, const struct nb_options *o, struct nb_report *out, struct err *err)
{
	*out = (struct nb_report){ 0 };
	if (o->k < 1 || o->k > NB_K_MAX)
		return err_set(err, ERR_INPUT, "k is from 1 to %d", NB_K_MAX);
	struct nb_data d = *given;
	if (d.split_start[NB_VALIDATE] == d.split_start[NB_TEST])
		d.split_start[NB_VALIDATE] -= d.split_start[NB_VALIDATE] / HOLDOUT_OF;
	for (int s = 0; s < NB_SPLITS; s++)
		if (d.user_start[d.split_start[s]] == d.user_start[d.split_start[s + 1]])
			return err_set(err, ERR_INPUT, "no baskets to %s: nothing can be measured",
			               s == NB_TRAIN      ? "learn from"
			               : s == NB_VALIDATE ? "choose by"
			                                  : "test on");
	evaluate_all(&d, o, out);
	choose_default(out);
	for (size_t i = 0; i < out->count; i++) {
		free(out->methods[i].worth);
		out->methods[i].worth = NULL;
	}
	return true;
}

void nb_report_release(struct nb_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->methods[i].lists);
	r->count = 0;
}
