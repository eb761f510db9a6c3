/* Training of the learnt blend, and the evaluation of everything.
 *
 * A training case is one of the newest steps of a train user. Models that count across users are fitted once per fold
 * without the fold's users, so that a case never meets its own future; neighbours leave the same user out. */
#include "fold/nextbasket_learn.h"

#include <cblas.h>
#include <stdio.h>
#include <time.h>

void openblas_set_num_threads(int threads);

enum { FOLDS = 4, STEPS_PER_USER = 3, CASES_MAX = 30000, STEP = 40 };

struct fits {
	struct nb_fit fit[FOLDS + 2];
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

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- scoring ---- */

struct ranking {
	const struct nb_table *t;
	const float *scores;
	uint32_t k;
	struct nb_tally *parts;
};

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
		nb_tally_add(&r->parts[from / 64], d, r->t->cases[i], &h, top, n);
	}
	nb_history_release(&h);
}

static struct nb_metrics rank_metrics(const struct nb_table *t, const float *scores, const struct nb_options *o)
{
	size_t parts = t->count / 64 + 1;
	struct ranking r = { t, scores, (uint32_t)o->k, mem_alloc(parts * sizeof(*r.parts)) };
	par_for(t->count, 64, o->threads, rank_body, &r);
	struct nb_tally all = { 0 };
	for (size_t i = 0; i < parts; i++)
		nb_tally_join(&all, &r.parts[i]);
	free(r.parts);
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
	struct nb_table train, validate, test;
	struct nb_report *out;
};

static void report_boost(struct learner *l, const char *name, const float *validate, const float *test, const char *chosen)
{
	struct nb_method_result *r = &l->out->methods[l->out->count++];
	r->name = name;
	r->validate = rank_metrics(&l->validate, validate, l->o);
	r->test = rank_metrics(&l->test, test, l->o);
	snprintf(r->chosen, sizeof(r->chosen), "%s", chosen);
}

static void learn_blend(struct learner *l)
{
	const struct boost_rows rows = { l->train.x, l->train.truth, l->train.query, l->train.count, NB_FEATURES };
	size_t nv = l->validate.query[l->validate.count], nt = l->test.query[l->test.count];
	float *v = mem_alloc((nv + 1) * sizeof(*v)), *t = mem_alloc((nt + 1) * sizeof(*t));
	float *vs = mem_alloc((nv + 1) * sizeof(*v)), *ts = mem_alloc((nt + 1) * sizeof(*t));
	for (int loss = BOOST_LOGISTIC; loss <= BOOST_SOFTMAX; loss++) {
		struct boost_options bo = { .loss = (enum boost_loss)loss, .trees = 280, .leaves = 24, .rate = 0.05, .ridge = 2,
			                        .sample = 0.5, .feature_sample = 0.6, .leaf_rows_min = 40, .seed = l->o->seed,
			                        .threads = l->o->threads };
		struct boost *b = boost_train(&rows, &bo);
		int best = 0;
		double best_worth = -1;
		for (int trees = STEP; trees <= boost_trees(b); trees += STEP) {
			table_score(b, &l->validate, trees, l->o->threads, v);
			struct nb_metrics m = rank_metrics(&l->validate, v, l->o);
			if (getenv("NB_DEBUG"))
				fprintf(stderr, "loss %d trees %d: %.4f %.4f %.4f\n", loss, trees, m.recall, m.ndcg, m.phr);
			if (worth(&m) > best_worth) {
				best_worth = worth(&m);
				best = trees;
			}
		}
		if (getenv("NB_DEBUG")) {
			double gain[BOOST_FEATURES_MAX];
			boost_gain(b, gain);
			for (int f = 0; f < NB_FEATURES; f++)
				fprintf(stderr, "%s %.0f, ", NB_FEATURE_NAMES[f], gain[f]);
			fprintf(stderr, "\n");
		}
		table_score(b, &l->validate, best, l->o->threads, v);
		table_score(b, &l->test, best, l->o->threads, t);
		char chosen[64];
		snprintf(chosen, sizeof(chosen), "%d trees", best);
		report_boost(l, loss == BOOST_LOGISTIC ? "trees-logistic" : "trees-softmax", v, t, chosen);
		for (size_t i = 0; i < nv; i++)
			vs[i] += v[i];
		for (size_t i = 0; i < nt; i++)
			ts[i] += t[i];
		boost_free(b);
	}
	report_boost(l, "blend", vs, ts, "sum of both");
	free(v);
	free(t);
	free(vs);
	free(ts);
}

/* The newest steps of train users, thinned evenly to CASES_MAX. */
static struct nb_case *train_cases(const struct nb_data *d, uint64_t seed, size_t *count, uint8_t **fold)
{
	size_t total = 0, n = 0, cap = 0;
	for (uint32_t u = d->split_start[NB_TRAIN]; u < d->split_start[NB_TRAIN + 1]; u++) {
		uint32_t steps = d->user_start[u + 1] - d->user_start[u];
		total += steps < 3 ? 0 : steps - 2 < STEPS_PER_USER ? steps - 2 : STEPS_PER_USER;
	}
	struct nb_case *cases = NULL;
	double share = total > CASES_MAX ? (double)CASES_MAX / (double)total : 1;
	for (uint32_t u = d->split_start[NB_TRAIN]; u < d->split_start[NB_TRAIN + 1]; u++)
		for (uint32_t k = 1; k <= STEPS_PER_USER && d->user_start[u + 1] - d->user_start[u] >= k + 2; k++) {
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

void nb_learn(const struct nb_data *d, const struct nb_options *o, struct nb_report *out)
{
	double started = seconds();
	openblas_set_num_threads(1);
	uint8_t *hidden = mem_alloc((size_t)d->users + 1), *use[FOLDS + 2];
	for (uint32_t u = d->split_start[NB_TEST]; u < d->users; u++)
		hidden[u] = 1;
	struct fits f = { .models = mem_alloc((FOLDS + 2) * sizeof(*f.models)) };
	for (uint32_t k = 0; k < FOLDS + 2; k++) {
		use[k] = mem_alloc((size_t)d->users + 1);
		for (uint32_t u = 0; u < d->split_start[NB_TEST]; u++)
			use[k][u] = u < d->split_start[NB_VALIDATE] ? k >= FOLDS || fold_of(u, o->seed) != k : k == FOLDS + 1;
		f.fit[k] = (struct nb_fit){ .d = d, .use = use[k], .hidden = hidden, .ridge_lambda = getenv("RL") ? atof(getenv("RL")) : 40, .ease_lambda = 100,
			                        .asymmetry = 0.5, .dense = true, .threads = 1 };
	}
	say(o, "fitting item models");
	par_for(FOLDS + 2, 1, o->threads, fit_body, &f);
	struct nb_pool pool, pool_test;
	nb_pool_fit(&pool, &f.fit[FOLDS], 3);
	nb_pool_fit(&pool_test, &f.fit[FOLDS + 1], 3);
	if (getenv("NB_DEBUG"))
		fprintf(stderr, "fit %.1f s\n", seconds() - started);
	struct learner l = { .d = d, .o = o, .out = out };
	uint8_t *fold;
	struct nb_case *cases[3];
	l.train = (struct nb_table){ .d = d, .models = f.models, .pool = &pool };
	l.train.cases = cases[0] = train_cases(d, o->seed, &l.train.count, &fold);
	l.train.model_of = fold;
	l.validate = (struct nb_table){ .d = d, .models = &f.models[FOLDS], .pool = &pool };
	l.validate.cases = cases[1] = nb_split_cases(d, NB_VALIDATE, &l.validate.count);
	l.test = (struct nb_table){ .d = d, .models = &f.models[FOLDS + 1], .pool = &pool_test };
	l.test.cases = cases[2] = nb_split_cases(d, NB_TEST, &l.test.count);
	say(o, "describing candidates");
	nb_table_fill(&l.train, o->threads);
	nb_table_fill(&l.validate, o->threads);
	nb_table_fill(&l.test, o->threads);
	if (getenv("NB_DEBUG"))
		fprintf(stderr, "features %.1f s, %zu cases %u rows\n", seconds() - started, l.train.count, l.train.query[l.train.count]);
	say(o, "learning the blend");
	learn_blend(&l);
	if (getenv("NB_DEBUG"))
		fprintf(stderr, "learnt %.1f s\n", seconds() - started);
	out->seconds = seconds() - started;
}

bool nb_evaluate(const struct nb_data *d, const struct nb_options *o, struct nb_report *out, struct err *err)
{
	*out = (struct nb_report){ 0 };
	nb_learn(d, o, out);
	return true;
}
