/* The published methods that the learnt blend is measured against, each with its parameters chosen on validate. */
#include "fold/nextbasket_inner.h"

#include <stdio.h>

enum kind { POPULARITY, PERSONAL, PERSONAL_POPULAR, TIFU, UPCF, ITEMKNN, EASE, RIDGE, KINDS };

static const char *const KIND_NAMES[KINDS] = { "popularity", "p-top",    "gp-top", "tifu-knn",
	                                           "up-cf",      "item-knn", "ease",   "ridge" };

enum { CHOOSE_CASES_MAX = 1000, POOL_USERS_MAX = 100000, POOL_LINES_MAX = 2000000, TIFU_NEAR_MAX = 900 };

struct parameters { /* meaning by kind, see `describe` */
	double a, b, c;
	int m, k;
};

struct pool { /* one vector a user */
	struct nb_rows vectors, inverted;
	float *norm; /* TIFU: squared length; UP-CF: size to the power 1 − a */
	uint32_t *user, n;
};

struct base {
	const struct nb_data *d;
	const struct nb_model *model;
	enum kind kind;
	struct parameters p;
	struct pool pool;
	uint32_t pool_users; /* the first of all users */
	const struct nb_case *cases;
	size_t count;
	uint32_t k;
	struct nb_tally *parts;
	uint32_t *lists; /* of test users; NULL */
	float *each;     /* by case; NULL */
};

struct scratch {
	struct nb_history h;
	float *score, *mine, *dot;
};

/* TIFU: within a group of m baskets the newest weighs 1, older ones a, a², …; groups of the past b, b², … The oldest
 * group may be short. UP-CF: share of the newest k baskets that hold the item. */
static void vector_of(const struct base *b, uint32_t first, uint32_t end, float *out, struct nb_rows *rows)
{
	const struct nb_data *d = b->d;
	uint32_t n = end - first, groups = b->p.m ? (n + (uint32_t)b->p.m - 1) / (uint32_t)b->p.m : 1;
	for (uint32_t x = first; x < end; x++) {
		uint32_t age = end - 1 - x;
		double w;
		if (b->kind == TIFU) {
			uint32_t m = (uint32_t)b->p.m, group = age / m, size = group + 1 < groups ? m : n - group * m;
			w = pow(b->p.a, age % m) / size * pow(b->p.b, group) / groups;
		} else {
			uint32_t window = (uint32_t)b->p.k < n ? (uint32_t)b->p.k : n;
			w = age < window ? 1.0 / window : 1e-12; /* older: known, without a say */
		}
		for (uint32_t q = d->basket_start[x]; q < d->basket_start[x + 1]; q++)
			out[d->item[q]] += (float)w;
	}
	for (uint32_t x = first; rows && x < end; x++)
		for (uint32_t q = d->basket_start[x]; q < d->basket_start[x + 1]; q++)
			if (out[d->item[q]] != 0) {
				nb_rows_add(rows, d->item[q], out[d->item[q]]);
				out[d->item[q]] = 0;
			}
	if (rows)
		nb_rows_end(rows);
}

static void pool_make(struct base *b)
{
	const struct nb_data *d = b->d;
	struct pool *p = &b->pool;
	uint32_t users = b->pool_users, lines = d->basket_start[d->user_start[users]];
	uint32_t step = users / POOL_USERS_MAX + 1, by_lines = lines / POOL_LINES_MAX + 1;
	step = step > by_lines ? step : by_lines;
	float *sum = mem_alloc(((size_t)d->items + 1) * sizeof(*sum));
	p->user = mem_alloc((users / step + 1u) * sizeof(*p->user));
	for (uint32_t u = 0; u < users; u += step) {
		vector_of(b, d->user_start[u], d->user_start[u + 1], sum, &p->vectors);
		p->user[p->n++] = u;
	}
	free(sum);
	uint64_t total = p->n ? p->vectors.start[p->n] : 0;
	p->norm = mem_alloc((p->n + 1u) * sizeof(*p->norm));
	p->inverted.start = mem_alloc(((size_t)d->items + 2) * sizeof(uint64_t));
	p->inverted.item = mem_alloc((total + 1) * sizeof(uint32_t));
	p->inverted.weight = mem_alloc((total + 1) * sizeof(float));
	for (uint64_t q = 0; q < total; q++)
		p->inverted.start[p->vectors.item[q] + 2]++;
	for (uint32_t i = 1; i < d->items + 2; i++)
		p->inverted.start[i] += p->inverted.start[i - 1];
	for (uint32_t r = 0; r < p->n; r++)
		for (uint64_t q = p->vectors.start[r]; q < p->vectors.start[r + 1]; q++) {
			uint64_t at = p->inverted.start[p->vectors.item[q] + 1]++;
			float w = p->vectors.weight[q];
			p->inverted.item[at] = r;
			p->inverted.weight[at] = w;
			p->norm[r] += b->kind == TIFU ? w * w : 1;
		}
	for (uint32_t r = 0; r < p->n && b->kind == UPCF; r++)
		p->norm[r] = powf(p->norm[r], (float)(1 - b->p.a));
}

static void pool_drop(struct pool *p)
{
	nb_rows_release(&p->vectors);
	nb_rows_release(&p->inverted);
	free(p->norm);
	free(p->user);
	*p = (struct pool){ 0 };
}

struct near {
	float far;
	uint32_t row;
};

static bool farther(struct near x, struct near y)
{
	return x.far != y.far ? x.far > y.far : x.row > y.row;
}

/* A heap whose root is the farthest of the k kept. */
static void keep_near(struct near *heap, size_t *n, size_t k, struct near x)
{
	size_t i;
	if (*n < k) {
		for (i = (*n)++; i > 0 && farther(x, heap[(i - 1) / 2]); i = (i - 1) / 2)
			heap[i] = heap[(i - 1) / 2];
		heap[i] = x;
		return;
	}
	if (!farther(heap[0], x))
		return;
	for (i = 0;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < k && farther(heap[child + 1], heap[child]))
			child++;
		if (child >= k || !farther(heap[child], x))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = x;
}

static void dot_all(const struct base *b, struct scratch *s)
{
	memset(s->dot, 0, b->pool.n * sizeof(*s->dot));
	for (size_t i = 0; i < s->h.own_n; i++) {
		uint32_t item = s->h.own[i].item;
		for (uint64_t q = b->pool.inverted.start[item]; q < b->pool.inverted.start[item + 1]; q++)
			s->dot[b->pool.inverted.item[q]] += b->kind == TIFU ? s->mine[item] * b->pool.inverted.weight[q] : 1;
	}
}

static void add_neighbour(const struct base *b, uint32_t row, float w, float *out)
{
	for (uint64_t q = b->pool.vectors.start[row]; q < b->pool.vectors.start[row + 1]; q++)
		out[b->pool.vectors.item[q]] += w * b->pool.vectors.weight[q];
}

/* Nearest k by Euclidean distance; own vector c, their mean 1 − c. */
static void score_tifu(const struct base *b, struct scratch *s)
{
	size_t n = b->pool.n, k = (size_t)b->p.k < n ? (size_t)b->p.k : n;
	struct near near[TIFU_NEAR_MAX];
	size_t kept = 0;
	dot_all(b, s);
	for (uint32_t r = 0; r < n && k > 0; r++)
		keep_near(near, &kept, k, (struct near){ b->pool.norm[r] - 2 * s->dot[r], r });
	for (size_t i = 0; i < kept; i++)
		add_neighbour(b, near[i].row, (float)((1 - b->p.c) / (double)k), s->score);
	for (size_t i = 0; i < s->h.own_n; i++)
		s->score[s->h.own[i].item] += (float)b->p.c * s->mine[s->h.own[i].item];
}

/* Similarity |A ∩ B| / (|A|^a |B|^(1−a)), to the power b; the customer counts as one of the neighbours. */
static void score_upcf(const struct base *b, struct scratch *s)
{
	double mine = pow((double)s->h.own_n, b->p.a);
	dot_all(b, s);
	for (uint32_t r = 0; r < b->pool.n; r++)
		if (s->dot[r] > 0) {
			double sim = s->dot[r] / (mine * b->pool.norm[r]), w = 1;
			for (int i = 0; i < (int)b->p.b; i++)
				w *= sim;
			if (w > 1e-7)
				add_neighbour(b, r, (float)w, s->score);
		}
	for (size_t i = 0; i < s->h.own_n; i++)
		s->score[s->h.own[i].item] += s->mine[s->h.own[i].item];
}

static int by_count(const void *a, const void *b, void *popularity)
{
	const struct nb_own *x = a, *y = b;
	float px = ((const float *)popularity)[x->item], py = ((const float *)popularity)[y->item];
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (px != py)
		return px > py ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* Most frequent first, of equal ones what sells most: 1 for the last, above every popularity. */
static void score_personal(const struct base *b, struct scratch *s)
{
	size_t n = s->h.own_n;
	struct nb_own *sorted = mem_alloc((n + 1) * sizeof(*sorted));
	if (n)
		memcpy(sorted, s->h.own, n * sizeof(*sorted));
	qsort_r(sorted, n, sizeof(*sorted), by_count, b->model->facts.popularity);
	for (size_t i = 0; i < n; i++)
		s->score[sorted[i].item] = (float)(n - i);
	free(sorted);
}

static void score_case(const struct base *b, struct scratch *s, struct nb_case c)
{
	const float *popularity = b->model->facts.popularity;
	memset(s->score, 0, ((size_t)b->d->items + 1) * sizeof(*s->score));
	nb_history_read(&s->h, b->d, c);
	if (b->kind == TIFU || b->kind == UPCF) {
		memset(s->mine, 0, ((size_t)b->d->items + 1) * sizeof(*s->mine));
		vector_of(b, nb_first(b->d, c), c.target, s->mine, NULL);
	}
	switch (b->kind) {
	case POPULARITY: memcpy(s->score, popularity, b->d->items * sizeof(*s->score)); break;
	case PERSONAL_POPULAR:
		memcpy(s->score, popularity, b->d->items * sizeof(*s->score));
		score_personal(b, s);
		break;
	case PERSONAL: score_personal(b, s); break;
	case TIFU: score_tifu(b, s); break;
	case UPCF: score_upcf(b, s); break;
	case ITEMKNN:
		nb_score_together(b->model, &s->h, s->score);
		for (size_t i = 0; i < s->h.own_n; i++) /* the item itself is its own nearest */
			s->score[s->h.own[i].item] += (float)b->p.a * s->h.own[i].decay[2];
		break;
	case EASE:
		nb_score_ease(b->model, &s->h, s->score);
		for (size_t i = 0; i < s->h.own_n; i++)
			s->score[s->h.own[i].item] += (float)b->p.a * s->h.own[i].decay[2];
		break;
	case RIDGE: nb_score_ridge(b->model, b->d, c, &s->h, s->score); break;
	case KINDS: check(false);
	}
}

enum { PART = 32 };

static void base_body(void *ctx, size_t from, size_t to, int thread)
{
	struct base *b = ctx;
	struct scratch s;
	size_t items = (size_t)b->d->items + 1;
	nb_history_init(&s.h, b->d);
	s.score = mem_alloc(items * sizeof(float));
	s.mine = mem_alloc(items * sizeof(float));
	s.dot = mem_alloc((b->pool.n + 1u) * sizeof(float));
	for (size_t i = from; i < to; i++) {
		uint32_t top[NB_K_MAX];
		score_case(b, &s, b->cases[i]);
		size_t n = nb_top(s.score, b->d->items, b->k, top);
		nb_tally_case(&b->parts[from / PART], b->d, b->cases[i], &s.h, top, n, b->each ? &b->each[i] : NULL);
		nb_list_keep(b->lists, b->d, b->cases[i].user, top, n, b->k);
	}
	nb_history_release(&s.h);
	free(s.score);
	free(s.mine);
	free(s.dot);
}

static struct nb_metrics measure(struct base *b, const struct nb_case *cases, size_t count, int threads)
{
	struct nb_tally all = { 0 };
	b->cases = cases;
	b->count = count;
	b->parts = mem_alloc((count / PART + 1) * sizeof(*b->parts));
	par_for(count, PART, threads, base_body, b);
	for (size_t i = 0; i <= count / PART; i++)
		nb_tally_join(&all, &b->parts[i]);
	free(b->parts);
	return nb_tally_means(&all);
}

static size_t grid(enum kind kind, struct parameters *out)
{
	size_t n = 0;
	switch (kind) {
	case TIFU:
		for (int m = 3; m <= 7; m += 4)
			for (int rg = 0; rg < 2; rg++)
				for (int a = 0; a < 3; a++)
					out[n++] = (struct parameters){ 0.9, rg ? 0.9 : 0.6, 0.3 + 0.3 * a, m, 300 };
		return n;
	case UPCF:
		for (int window = 1; window <= 100; window *= 10)
			for (int q = 1; q <= 9; q += 4)
				out[n++] = (struct parameters){ 0.5, q, 0, 0, window == 1 ? 3 : window };
		return n;
	case ITEMKNN:
	case EASE:
		for (int a = 0; a < 4; a++)
			out[n++] = (struct parameters){ 0.01 * pow(6, a), 0, 0, 0, 0 };
		return n;
	case POPULARITY:
	case PERSONAL:
	case PERSONAL_POPULAR:
	case RIDGE:
	case KINDS: break;
	}
	out[0] = (struct parameters){ 0 };
	return 1;
}

static void describe(enum kind kind, const struct parameters *p, char *out, size_t n)
{
	out[0] = 0;
	if (kind == TIFU)
		snprintf(out, n, "groups of %d, decay %.1f within, %.1f between, own weight %.1f, %d neighbours", p->m, p->a,
		         p->b, p->c, p->k);
	else if (kind == UPCF)
		snprintf(out, n, "newest %d baskets, asymmetry %.1f, locality %.0f", p->k, p->a, p->b);
	else if (kind == ITEMKNN || kind == EASE)
		snprintf(out, n, "own purchases %.2f", p->a);
}

void nb_baselines(const struct nb_data *d, const struct nb_options *o, const struct nb_model *train,
                  const struct nb_model *both, struct nb_report *out)
{
	size_t validate_n, test_n;
	struct nb_case *validate = nb_split_cases(d, NB_VALIDATE, &validate_n);
	struct nb_case *test = nb_split_cases(d, NB_TEST, &test_n);
	size_t choose_n;
	struct nb_case *choose = nb_split_cases(d, NB_VALIDATE, &choose_n);
	choose_n = nb_thin_cases(choose, choose_n, CHOOSE_CASES_MAX);
	for (enum kind kind = POPULARITY; kind < KINDS; kind++) {
		struct parameters all[32], best = { 0 };
		size_t n = grid(kind, all);
		double best_worth = -1;
		struct nb_method_result *r = &out->methods[out->count++];
		r->name = KIND_NAMES[kind];
		struct base b = { .d = d, .model = train, .kind = kind, .k = (uint32_t)o->k };
		b.pool_users = d->split_start[NB_VALIDATE];
		bool pooled = kind == TIFU || kind == UPCF;
		for (size_t i = 0; i < n; i++) {
			b.p = all[i];
			if (pooled)
				pool_make(&b);
			struct nb_metrics m = measure(&b, choose, choose_n, o->threads);
			if (m.recall + m.ndcg + m.phr > best_worth) {
				best_worth = m.recall + m.ndcg + m.phr;
				best = all[i];
			}
			pool_drop(&b.pool);
		}
		b.p = best;
		if (pooled)
			pool_make(&b);
		r->worth = b.each = mem_alloc((validate_n + 1) * sizeof(*b.each));
		r->validate = measure(&b, validate, validate_n, o->threads);
		b.each = NULL;
		b.model = both;
		b.pool_users = d->split_start[NB_TEST];
		if (pooled) {
			pool_drop(&b.pool);
			pool_make(&b);
		}
		r->lists = b.lists = nb_lists_new(d, o);
		r->test = measure(&b, test, test_n, o->threads);
		pool_drop(&b.pool);
		describe(kind, &best, r->chosen, sizeof(r->chosen));
	}
	free(choose);
	free(validate);
	free(test);
}
