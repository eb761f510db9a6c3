/* Candidates and features of the learnt blend.
 *
 * Candidates of a case: what the customer bought before (newest and most frequent first), then the best of the ridge
 * regression, the neighbours, what follows the last basket, and what sells. A feature is a plain number of the
 * customer, of the item, of both, or a model's score or rank; trees take care of scales. */
#include "fold/nextbasket_learn.h"

struct scores { /* dense, items entries each */
	float *follow, *before, *together, *beside, *ridge, *ease, *next, *past, *mixed;
};

enum { SCORES = 9 };

struct nb_worker {
	struct nb_history h;
	struct scores s;
	float *all;
	struct nb_pool_scratch pool;
	uint8_t *taken;
	uint32_t candidates[NB_CANDIDATES];
	size_t n;
};

struct nb_worker *nb_worker_new(const struct nb_data *d, const struct nb_pool *pool)
{
	struct nb_worker *w = mem_alloc(sizeof(*w));
	nb_history_init(&w->h, d);
	w->all = mem_alloc(SCORES * ((size_t)d->items + 1) * sizeof(*w->all));
	float **to[SCORES] = { &w->s.follow, &w->s.before, &w->s.together, &w->s.beside, &w->s.ridge,
		                   &w->s.ease,   &w->s.next,   &w->s.past,     &w->s.mixed };
	for (size_t i = 0; i < SCORES; i++)
		*to[i] = w->all + i * d->items;
	w->pool.dot = mem_alloc((pool->n + 1u) * sizeof(float));
	w->pool.touched = mem_alloc((pool->n + 1u) * sizeof(uint32_t));
	w->taken = mem_alloc((size_t)d->items + 1);
	return w;
}

void nb_worker_free(struct nb_worker *w)
{
	nb_history_release(&w->h);
	free(w->all);
	free(w->pool.dot);
	free(w->pool.touched);
	free(w->taken);
	free(w);
}

static void score_all(struct nb_worker *w, const struct nb_data *d, const struct nb_model *m,
                      const struct nb_pool *pool, struct nb_case c)
{
	memset(w->all, 0, SCORES * (size_t)d->items * sizeof(*w->all));
	nb_history_read(&w->h, d, c);
	if (w->h.baskets == 0) /* a first basket: the basket before it in `d` is somebody else's */
		return;
	uint32_t first = nb_first(d, c), size = d->basket_start[c.target] - d->basket_start[c.target - 1];
	nb_score_follow(m, d, c.target - 1, 1.0f / (float)size, w->s.follow);
	for (uint32_t age = 1; age < 5 && c.target - age > first; age++) {
		uint32_t b = c.target - 1 - age;
		nb_score_follow(m, d, b, powf(0.7f, (float)age) / (float)(d->basket_start[b + 1] - d->basket_start[b]),
		                w->s.before);
	}
	nb_score_together(m, &w->h, w->s.together);
	nb_score_beside(m, d, c.target - 1, w->s.beside);
	nb_score_ridge(m, d, c, &w->h, w->s.ridge);
	nb_score_ease(m, &w->h, w->s.ease);
	nb_pool_score(pool, &w->pool, &w->h, c.user, w->s.next, w->s.past);
	for (uint32_t i = 0; i < d->items; i++)
		w->s.mixed[i] = w->s.ridge[i] + w->s.next[i] + 0.5f * w->s.follow[i];
}

static void take(struct nb_worker *w, uint32_t item, size_t limit)
{
	if (w->n < limit && !w->taken[item]) {
		w->taken[item] = 1;
		w->candidates[w->n++] = item;
	}
}

/* Owned: no score may bring it back. */
static void hide(struct nb_worker *w, uint32_t item)
{
	float *const all[] = { w->s.follow, w->s.before, w->s.together, w->s.beside, w->s.ridge,
		                   w->s.ease,   w->s.next,   w->s.past,     w->s.mixed };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i][item] = 0;
	w->taken[item] = 1;
}

static int by_promise(const void *a, const void *b)
{
	const struct nb_own *x = a, *y = b;
	float fx = x->decay[1] + 0.3f * x->decay[3], fy = y->decay[1] + 0.3f * y->decay[3];
	if (fx != fy)
		return fx > fy ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

static void choose_candidates(struct nb_worker *w, const struct nb_data *d, const struct nb_model *m, bool fresh_only)
{
	enum { OWN_MAX = 48, EACH = 36 };
	uint32_t top[EACH];
	w->n = 0;
	struct nb_own *sorted = mem_alloc((w->h.own_n + 1) * sizeof(*sorted));
	if (w->h.own_n)
		memcpy(sorted, w->h.own, w->h.own_n * sizeof(*sorted));
	qsort(sorted, w->h.own_n, sizeof(*sorted), by_promise);
	for (size_t i = 0; i < w->h.own_n; i++) {
		if (!fresh_only)
			take(w, sorted[i].item, OWN_MAX);
		else
			hide(w, sorted[i].item);
	}
	free(sorted);
	size_t n = nb_top(w->s.mixed, d->items, EACH, top);
	for (size_t i = 0; i < n; i++)
		take(w, top[i], NB_CANDIDATES_MIXED);
	const struct {
		const float *score;
		uint32_t each;
		bool always; /* else: of what is new only */
	} more[] = { { w->s.ease, 30, false }, { m->facts.final, 12, false }, { m->facts.popularity, 12, false },
		         { w->s.next, 15, true },  { w->s.ridge, 15, true },      { w->s.follow, 15, true },
		         { w->s.past, 15, false } };
	for (size_t k = 0; k < ARRAY_LEN(more); k++) {
		if (!more[k].always && !fresh_only)
			continue;
		n = nb_top(more[k].score, d->items, more[k].each, top);
		for (size_t i = 0; i < n; i++)
			take(w, top[i], fresh_only ? NB_CANDIDATES : NB_CANDIDATES_MIXED);
	}
	for (uint32_t i = 0; i < d->items && i < 15; i++)
		take(w, m->facts.order[i], NB_CANDIDATES);
	for (size_t i = 0; i < w->n; i++)
		w->taken[w->candidates[i]] = 0;
	for (size_t i = 0; fresh_only && i < w->h.own_n; i++)
		w->taken[w->h.own[i].item] = 0;
}

static float rank_of(const struct nb_worker *w, const float *score, uint32_t item)
{
	float rank = 0;
	for (size_t i = 0; i < w->n; i++)
		rank += score[w->candidates[i]] > score[item];
	return rank;
}

const char *const NB_FEATURE_NAMES[NB_FEATURES] = {
	"baskets",    "mean size",     "distinct",  "last size",   "repeat share",  "count",       "rate",
	"last",       "second",        "decay .5",  "decay .75",   "decay .9",      "decay .97",   "oldest",
	"gap",        "last/gap",      "share",     "rate since",  "personal rank", "popularity",  "reach",
	"fresh",      "final",         "again",     "again soon",  "item gap",      "again ratio", "expected",
	"follow",     "before",        "together",  "beside",      "ridge",         "ease",        "next",
	"past",       "ridge rank",    "next rank", "follow rank", "last/item gap", "ridge share", "next share",
	"mixed rank", "repeat recent", "ease rank", "past rank",   "ease share",    "trend",
};

static void features_of(const struct nb_worker *w, const struct nb_data *d, const struct nb_model *m, struct nb_case c,
                        uint32_t item, const float *totals, float *x)
{
	const struct nb_history *h = &w->h;
	const struct nb_facts *f = &m->facts;
	static const struct nb_own NEVER = { 0 };
	const struct nb_own *o = h->slot[item] ? &h->own[h->slot[item] - 1] : &NEVER;
	float n = (float)(h->baskets ? h->baskets : 1), last = o->count ? (float)o->last : 99;
	uint32_t last_size = h->baskets ? d->basket_start[c.target] - d->basket_start[c.target - 1] : 0;
	float gap = o->count > 1 ? (float)(o->oldest - o->last) / (float)(o->count - 1) : 0;
	float rank = 0;
	for (size_t i = 0; o->count && i < h->own_n; i++)
		rank += h->own[i].decay[1] > o->decay[1];
	uint32_t age = o->last < NB_RECENCIES ? o->last : NB_RECENCIES - 1;
	const float values[NB_FEATURES] = {
		(float)h->baskets,
		(float)h->lines / n,
		(float)h->own_n,
		(float)last_size,
		h->repeat_chances ? (float)h->repeats / (float)h->repeat_chances : 0.4f,
		(float)o->count,
		(float)o->count / n,
		last,
		o->count > 1 ? (float)o->second : 99,
		o->decay[0],
		o->decay[1],
		o->decay[2],
		o->decay[3],
		o->count ? (float)o->oldest : 99,
		gap,
		gap > 0 ? (last + 1) / gap : -1,
		h->lines ? (float)o->count / (float)h->lines : 0,
		o->count ? (float)o->count / (float)(o->oldest + 1) : 0,
		o->count ? rank : 99,
		f->popularity[item],
		f->reach[item],
		f->fresh[item],
		f->final[item],
		f->again[item],
		f->again_soon[item],
		f->gap[item],
		f->again_ratio[item],
		o->count ? f->again_at[age] * f->again_ratio[item] : 0,
		w->s.follow[item],
		w->s.before[item],
		w->s.together[item],
		w->s.beside[item],
		w->s.ridge[item],
		w->s.ease[item],
		w->s.next[item],
		w->s.past[item],
		rank_of(w, w->s.ridge, item),
		rank_of(w, w->s.next, item),
		rank_of(w, w->s.follow, item),
		o->count ? (last + 1) / f->gap[item] : -1,
		w->s.ridge[item] / totals[0],
		w->s.next[item] / totals[1],
		rank_of(w, w->s.mixed, item),
		totals[2],
		rank_of(w, w->s.ease, item),
		rank_of(w, w->s.past, item),
		w->s.ease[item] / totals[3],
		f->final[item] / (f->popularity[item] + 1e-5f),
	};
	memcpy(x, values, sizeof(values));
}

/* How much of the last two baskets had been bought before. */
static float repeat_recent(const struct nb_worker *w, const struct nb_data *d, struct nb_case c)
{
	uint32_t first = nb_first(d, c), old = 0, all = 0;
	for (uint32_t b = c.target; b-- > first + 1 && c.target - b <= 2;)
		for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++) {
			all++;
			old += w->h.own[w->h.slot[d->item[q]] - 1].oldest > c.target - 1 - b;
		}
	return all ? (float)old / (float)all : 0.4f;
}

static void fill_case(struct nb_table *t, size_t index, struct nb_worker *w)
{
	const struct nb_data *d = t->d;
	struct nb_case c = t->cases[index];
	const struct nb_model *m = t->model_of ? &t->models[t->model_of[index]] : t->models;
	score_all(w, d, m, t->pool, c);
	choose_candidates(w, d, m, t->fresh_only);
	float totals[4] = { 1e-6f, 1e-6f, repeat_recent(w, d, c), 1e-6f };
	for (size_t i = 0; i < w->n; i++) {
		totals[0] += fmaxf(w->s.ridge[w->candidates[i]], 0);
		totals[1] += w->s.next[w->candidates[i]];
		totals[3] += fmaxf(w->s.ease[w->candidates[i]], 0);
	}
	size_t base = index * NB_CANDIDATES;
	t->counts[index] = (uint32_t)w->n;
	for (size_t i = 0; i < w->n; i++) {
		t->items[base + i] = w->candidates[i];
		features_of(w, d, m, c, w->candidates[i], totals, t->x + (base + i) * NB_FEATURES);
		t->truth[base + i] = 0;
		for (uint32_t q = d->basket_start[c.target]; q < d->basket_start[c.target + 1]; q++)
			t->truth[base + i] |= d->item[q] == w->candidates[i];
	}
}

static void fill_body(void *ctx, size_t from, size_t to, int thread)
{
	struct nb_table *t = ctx;
	struct nb_worker *w = nb_worker_new(t->d, t->pool);
	for (size_t i = from; i < to; i++)
		fill_case(t, i, w);
	nb_worker_free(w);
}

const char *const NB_SINGLE_NAMES[NB_SINGLES] = {
	"popularity", "recent popularity", "next-order transitions", "item-to-item cosine", "rule max-confidence", "ridge",
	"ease",       "neighbours' next",  "neighbours' past"
};

void nb_singles(const struct nb_table *t, size_t index, struct nb_worker *w, uint32_t k, uint32_t *top, size_t *n)
{
	const struct nb_data *d = t->d;
	const struct nb_model *m = t->model_of ? &t->models[t->model_of[index]] : t->models;
	score_all(w, d, m, t->pool, t->cases[index]);
	float *popular = mem_alloc(2 * ((size_t)d->items + 1) * sizeof(*popular)), *recent = popular + d->items + 1;
	memcpy(popular, m->facts.popularity, d->items * sizeof(*popular));
	memcpy(recent, m->facts.final, d->items * sizeof(*recent));
	const float *const scores[NB_SINGLES] = { popular,    recent,    w->s.follow, w->s.together, w->s.beside,
		                                      w->s.ridge, w->s.ease, w->s.next,   w->s.past };
	for (size_t i = 0; t->fresh_only && i < w->h.own_n; i++) {
		hide(w, w->h.own[i].item);
		popular[w->h.own[i].item] = recent[w->h.own[i].item] = 0;
		w->taken[w->h.own[i].item] = 0;
	}
	for (int s = 0; s < NB_SINGLES; s++)
		n[s] = nb_top(scores[s], d->items, k, top + (size_t)s * k);
	free(popular);
}

void nb_table_fill(struct nb_table *t, int threads)
{
	size_t rows = t->count * NB_CANDIDATES;
	t->x = malloc((rows * NB_FEATURES + 1) * sizeof(*t->x));
	check(t->x != NULL);
	t->items = mem_alloc((rows + 1) * sizeof(*t->items));
	t->truth = mem_alloc(rows + 1);
	t->counts = mem_alloc((t->count + 1) * sizeof(*t->counts));
	par_for(t->count, t->count / 64 + 1, threads, fill_body, t);
	/* close the gaps: rows of a case become contiguous with the next */
	t->query = mem_alloc((t->count + 1) * sizeof(*t->query));
	uint32_t at = 0;
	for (size_t i = 0; i < t->count; i++) {
		size_t base = i * NB_CANDIDATES;
		t->query[i] = at;
		memmove(t->x + (size_t)at * NB_FEATURES, t->x + base * NB_FEATURES, t->counts[i] * NB_FEATURES * sizeof(*t->x));
		memmove(t->items + at, t->items + base, t->counts[i] * sizeof(*t->items));
		memmove(t->truth + at, t->truth + base, t->counts[i]);
		at += t->counts[i];
	}
	t->query[t->count] = at;
}

void nb_table_release(struct nb_table *t)
{
	free(t->x);
	free(t->items);
	free(t->truth);
	free(t->counts);
	free(t->query);
	t->x = NULL;
	t->items = t->counts = t->query = NULL;
	t->truth = NULL;
}
