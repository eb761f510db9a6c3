#include "fold/rules.h"

#include "base/hash.h"
#include "fold/itemset_inner.h"

#include <math.h>

/* ---- Fisher ---- */

double *rules_factorials(uint64_t all)
{
	double *t = mem_alloc((all + 2) * sizeof(*t));
	for (uint64_t i = 2; i <= all; i++)
		t[i] = t[i - 1] + log((double)i);
	return t;
}

/* Terms fall from k on when k is above the mean; below it, the complement is summed. */
double rules_fisher(const double *t, uint64_t all, uint64_t marked, uint64_t n, uint64_t k)
{
	uint64_t low = marked + n > all ? marked + n - all : 0, high = marked < n ? marked : n;
	if (k <= low)
		return 1;
	if (k > high)
		return 0;
	bool upper = (double)k * (double)all >= (double)marked * (double)n;
	uint64_t at = upper ? k : k - 1;
	double base = t[marked] - t[at] - t[marked - at] + t[all - marked] - t[n - at] - t[all - marked - n + at] - t[all] +
	              t[n] + t[all - n];
	double term = 1, sum = 1;
	if (upper)
		for (uint64_t i = at; i < high && term > sum * 1e-17; i++) {
			term *= (double)(marked - i) * (double)(n - i) / ((double)(i + 1) * (double)(all - marked - n + i + 1));
			sum += term;
		}
	else
		for (uint64_t i = at; i > low && term > sum * 1e-17; i--) {
			term *= (double)i * (double)(all - marked - n + i) / ((double)(marked - i + 1) * (double)(n - i + 1));
			sum += term;
		}
	double p = exp(base) * sum;
	p = upper ? p : 1 - p;
	return p < 0 ? 0 : p > 1 ? 1 : p;
}

/* ---- pairs: counted straight from the ranked baskets ---- */

struct pair {
	uint32_t a, b, support; /* ranks, a < b */
	double p;
};

struct pairs {
	const struct itemset_ranked *r;
	const double *table;
	uint64_t baskets;
	uint32_t minimum;
	struct pair **found; /* by first rank */
	uint32_t *found_n, *tested;
};

static void pairs_of(struct pairs *k, uint32_t a, uint32_t *counts, uint32_t *touched)
{
	const struct itemset_ranked *r = k->r;
	uint32_t n = 0, kept = 0;
	for (uint32_t i = r->start[a]; i < r->start[a + 1]; i++)
		for (const uint32_t *q = r->flat + r->occ[i] + 1; *q != ITEMSET_END; q++)
			if (counts[*q]++ == 0)
				touched[n++] = *q;
	for (uint32_t i = 0; i < n; i++)
		kept += counts[touched[i]] >= k->minimum;
	k->tested[a] = kept;
	k->found[a] = kept ? mem_alloc(kept * sizeof(struct pair)) : NULL;
	kept = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t b = touched[i], both = counts[b];
		counts[b] = 0;
		if (both < k->minimum || (double)both * (double)k->baskets <= (double)r->support[a] * r->support[b])
			continue;
		double p = rules_fisher(k->table, k->baskets, r->support[b], r->support[a], both);
		k->found[a][kept++] = (struct pair){ a, b, both, p };
	}
	k->found_n[a] = kept;
}

static void pairs_body(void *ctx, size_t from, size_t to, int thread)
{
	struct pairs *k = ctx;
	uint32_t *counts = mem_alloc((k->r->m + 1) * sizeof(*counts)),
			 *touched = mem_alloc((k->r->m + 1) * sizeof(*touched));
	for (size_t a = from; a < to; a++)
		pairs_of(k, (uint32_t)a, counts, touched);
	free(counts);
	free(touched);
}

/* ---- rules ---- */

static void rule_figures(struct rule *r, uint64_t baskets)
{
	double n = (double)baskets, a = r->antecedent, c = r->consequent, both = r->support;
	r->confidence = (float)(both / a);
	r->lift = (float)(both * n / (a * c));
	r->leverage = (float)((both - a * c / n) / n);
	r->conviction = r->support == r->antecedent ? INFINITY : (float)((1 - c / n) / (1 - both / a));
}

static void rule_pair(struct rule *out, const struct itemset_ranked *r, uint32_t a, uint32_t c, const struct pair *p,
                      uint64_t baskets)
{
	*out = (struct rule){ .items = { r->names[a], r->names[c] },
		                  .size = 2,
		                  .support = p->support,
		                  .antecedent = r->support[a],
		                  .consequent = r->support[c],
		                  .p = p->p };
	rule_figures(out, baskets);
}

/* ---- longer rules: supports of all sets up to a size, in a hash table ---- */

struct lookup {
	const uint32_t **slots; /* n, support, items */
	size_t mask;
};

static const uint32_t **lookup_slot(const struct lookup *l, const uint32_t *items, uint32_t n)
{
	uint64_t hash = n;
	for (uint32_t k = 0; k < n; k++)
		hash = hash_mix(hash, items[k] + 1u);
	size_t i = hash & l->mask;
	while (l->slots[i] && (l->slots[i][0] != n || memcmp(l->slots[i] + 2, items, n * sizeof(*items)) != 0))
		i = (i + 1) & l->mask;
	return (const uint32_t **)&l->slots[i];
}

static uint32_t lookup_support(const struct lookup *l, const uint32_t *items, uint32_t n, uint64_t baskets)
{
	if (n == 0)
		return (uint32_t)baskets;
	const uint32_t **slot = lookup_slot(l, items, n);
	check(*slot); /* a subset of a frequent set is frequent */
	return (*slot)[1];
}

struct longer {
	struct lookup lookup;
	const double *table;
	uint64_t baskets;
	struct rule *rules;
	size_t count, cap;
	uint64_t tests;
};

static uint32_t subset_of(const uint32_t *items, uint32_t n, uint32_t bits, uint32_t *out)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < n; i++)
		if (bits >> i & 1)
			out[kept++] = items[i];
	return kept;
}

/* Is A → c (c = items[at]) better than each A' → c, A' ⊂ A? p: the worst of the productivity tests. */
static bool improves(const struct longer *l, const struct itemset *s, uint32_t at, double *p)
{
	uint32_t all = (1u << s->n) - 1, part[RULES_SIZE_MAX], n_a, n_with;
	n_a = lookup_support(&l->lookup, part, subset_of(s->items, s->n, all & ~(1u << at), part), l->baskets);
	*p = 0;
	for (uint32_t bits = 0; bits < all; bits++) {
		if (bits >> at & 1 || bits == (all & ~(1u << at)))
			continue;
		uint32_t n_part = lookup_support(&l->lookup, part, subset_of(s->items, s->n, bits, part), l->baskets);
		n_with = lookup_support(&l->lookup, part, subset_of(s->items, s->n, bits | 1u << at, part), l->baskets);
		if ((double)s->support * n_part <= (double)n_with * n_a)
			return false;
		double test = rules_fisher(l->table, n_part, n_with, n_a, s->support);
		*p = test > *p ? test : *p;
	}
	return true;
}

static void longer_rules(struct longer *l, const struct itemset *s)
{
	for (uint32_t at = 0; at < s->n; at++) {
		double p;
		l->tests++;
		if (!improves(l, s, at, &p))
			continue;
		l->rules = mem_grow(l->rules, &l->cap, l->count + 1, sizeof(*l->rules));
		struct rule *r = &l->rules[l->count++];
		*r = (struct rule){ .size = s->n, .support = s->support, .p = p };
		uint32_t n = subset_of(s->items, s->n, ~(1u << at), r->items);
		r->antecedent = lookup_support(&l->lookup, r->items, n, l->baskets);
		r->items[n] = s->items[at];
		r->consequent = lookup_support(&l->lookup, &s->items[at], 1, l->baskets);
		rule_figures(r, l->baskets);
	}
}

static bool mine_longer(struct itemset_baskets *b, const struct rules_options *o, struct longer *l, struct err *err)
{
	struct itemset_options io = { .support = o->support,
		                          .size_max = o->size_max,
		                          .threads = o->threads,
		                          .limit = o->limit ? o->limit : RULES_LIMIT_DEFAULT };
	struct itemset_result r;
	if (!itemset_mine(b, &io, &r, err))
		return err_context(err, "rules of up to %u items", o->size_max);
	l->lookup.mask = 1;
	while (l->lookup.mask < 2 * r.count + 2)
		l->lookup.mask *= 2;
	l->lookup.slots = mem_alloc(l->lookup.mask * sizeof(*l->lookup.slots));
	l->lookup.mask--;
	for (struct itemset s = { 0 }; itemset_next(&r, &s);)
		*lookup_slot(&l->lookup, s.items, s.n) = s.items - 2;
	for (struct itemset s = { 0 }; itemset_next(&r, &s);)
		if (s.n > 2)
			longer_rules(l, &s);
	free(l->lookup.slots);
	itemset_result_release(&r);
	return true;
}

/* ---- order ---- */

static int by_items(const struct rule *x, const struct rule *y)
{
	for (uint32_t i = 0; i < RULES_SIZE_MAX; i++)
		if (x->items[i] != y->items[i])
			return x->items[i] < y->items[i] ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

static double sort_key(const struct rule *r, enum rules_sort sort)
{
	switch (sort) {
	case RULES_LEVERAGE: return r->leverage;
	case RULES_CONFIDENCE: return r->confidence;
	case RULES_CONVICTION: return r->conviction;
	case RULES_SUPPORT: return r->support;
	case RULES_Q: return -r->q;
	}
	check(false);
}

static int by_key(const void *a, const void *b, void *ctx)
{
	const struct rule *x = a, *y = b;
	double kx = sort_key(x, *(enum rules_sort *)ctx), ky = sort_key(y, *(enum rules_sort *)ctx);
	if (kx != ky)
		return kx > ky ? -1 : 1;
	/* of a hundred that are always right, first the one that means most orders */
	if (x->leverage != y->leverage)
		return x->leverage > y->leverage ? -1 : 1;
	return by_items(x, y);
}

struct ranked_p {
	double p;
	uint32_t rule;
};

static int by_p(const void *a, const void *b)
{
	const struct ranked_p *x = a, *y = b;
	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

/* Tests whose rules were not kept count in `tests` with p above all others. */
static void set_q(struct rules *r)
{
	struct ranked_p *order = mem_alloc((r->count + 1) * sizeof(*order));
	for (size_t i = 0; i < r->count; i++)
		order[i] = (struct ranked_p){ r->rules[i].p, (uint32_t)i };
	qsort(order, r->count, sizeof(*order), by_p);
	double q = 1;
	for (size_t i = r->count; i-- > 0;) {
		double here = order[i].p * (double)r->tests / (double)(i + 1);
		q = here < q ? here : q;
		r->rules[order[i].rule].q = q;
	}
	free(order);
}

/* A pair is one hypothesis with two directions: its p counts twice on both sides of the correction. */
static void pair_rules(struct pairs *k, struct rules *out)
{
	size_t n = 0;
	for (uint32_t a = 0; a < k->r->m; a++) {
		n += 2 * (size_t)k->found_n[a];
		out->tests += 2 * (uint64_t)k->tested[a];
	}
	out->rules = mem_alloc((n + 1) * sizeof(*out->rules));
	for (uint32_t a = 0; a < k->r->m; a++) {
		for (uint32_t i = 0; i < k->found_n[a]; i++) {
			const struct pair *p = &k->found[a][i];
			rule_pair(&out->rules[out->count++], k->r, p->a, p->b, p, k->baskets);
			rule_pair(&out->rules[out->count++], k->r, p->b, p->a, p, k->baskets);
		}
		free(k->found[a]);
	}
}

bool rules_mine(struct itemset_baskets *b, const struct rules_options *o, struct rules *out, struct err *err)
{
	*out = (struct rules){ .baskets = b->baskets };
	if (o->support < 1 || o->size_max > RULES_SIZE_MAX || o->size_max == 1)
		return err_set(err, ERR_INPUT, "rules need a support of at least 1 and 2 to %d items", RULES_SIZE_MAX);
	struct longer l = { .baskets = b->baskets, .table = rules_factorials(b->baskets) };
	if (o->size_max > 2 && !mine_longer(b, o, &l, err)) {
		free((double *)l.table);
		return false;
	}
	struct itemset_ranked ranked;
	itemset_rank(b, o->support, par_threads(o->threads), &ranked);
	struct pairs k = { .r = &ranked, .table = l.table, .baskets = b->baskets, .minimum = o->support };
	k.found = mem_alloc((ranked.m + 1) * sizeof(*k.found));
	k.found_n = mem_alloc((ranked.m + 1) * sizeof(*k.found_n));
	k.tested = mem_alloc((ranked.m + 1) * sizeof(*k.tested));
	par_for(ranked.m, ranked.m / 256 + 1, o->threads, pairs_body, &k);
	pair_rules(&k, out);
	if (l.count) {
		out->rules = mem_realloc(out->rules, (out->count + l.count) * sizeof(*out->rules));
		memcpy(out->rules + out->count, l.rules, l.count * sizeof(*out->rules));
		out->count += l.count;
	}
	out->tests += l.tests;
	set_q(out);
	size_t kept = 0;
	for (size_t i = 0; i < out->count; i++)
		if (out->rules[i].q <= o->q_max)
			out->rules[kept++] = out->rules[i];
	out->count = kept;
	enum rules_sort sort = o->sort;
	qsort_r(out->rules, out->count, sizeof(*out->rules), by_key, &sort);
	free(l.rules);
	free((double *)l.table);
	free(k.found);
	free(k.found_n);
	free(k.tested);
	itemset_ranked_release(&ranked);
	return true;
}

void rules_release(struct rules *r)
{
	free(r->rules);
	*r = (struct rules){ 0 };
}
