/* The entry point of itemset and the miner of all frequent sets. See itemset.h for the method. */
#include "fold/itemset_inner.h"

#if defined(__x86_64__)
#define POPCOUNT_CLONES __attribute__((target_clones("arch=haswell", "default")))
#else
#define POPCOUNT_CLONES
#endif

#define LIMIT_TOP ((uint64_t)1 << 48)
enum { MASK_BITS = 64, PATH_MAX_ALL = 64, FLUSH_EVERY = 1 << 16 };

struct mask_item {
	uint64_t mask;
	uint32_t rank, support;
};

/* What one depth of the recursion owns; kept and reused. */
struct level {
	uint32_t *flat, *occ, *touched, *names, *support, *start;
	struct mask_item *masks;
	size_t flat_cap, occ_cap, touched_cap, names_cap, support_cap, start_cap, masks_cap;
};

struct miner {
	struct itemset_shared *shared;
	uint32_t minimum, size_max; /* size_max 0 = any; else no perfect extensions: the sets are counted one by one */
	bool count_only;
	uint32_t *counts; /* by item of the projection being made; zero in between */
	struct level levels[PATH_MAX_ALL];
	uint32_t path[PATH_MAX_ALL], perfect[PATH_MAX_ALL];
	uint32_t path_n, perfect_n;
	uint64_t count, flushed;
	struct itemset_block *block;
};

static int by_rank(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void sort_ranks(uint32_t *v, size_t n)
{
	if (n > 48) {
		qsort(v, n, sizeof(*v), by_rank);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint32_t x = v[i];
		size_t j = i;
		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

void itemset_emit(struct itemset_block *b, const uint32_t *names, const uint32_t *ranks, uint32_t n, uint32_t support)
{
	b->words = mem_grow(b->words, &b->cap, b->n + n + 2, sizeof(*b->words));
	uint32_t *w = b->words + b->n;
	w[0] = n;
	w[1] = support;
	for (uint32_t i = 0; i < n; i++)
		w[2 + i] = names[ranks[i]];
	sort_ranks(w + 2, n);
	b->n += n + 2;
}

/* Counts go to the shared total now and then, so that the limit stops every thread soon. */
static void flush_count(struct miner *k)
{
	uint64_t total = atomic_fetch_add(&k->shared->count, k->count - k->flushed) + (k->count - k->flushed);
	k->flushed = k->count;
	if (total > k->shared->limit)
		k->shared->stop = true;
}

/* Every subset of the perfect extensions joined to the path has the same support. */
static void emit_path(struct miner *k, uint32_t support)
{
	k->count += (uint64_t)1 << k->perfect_n;
	if (k->count - k->flushed >= FLUSH_EVERY)
		flush_count(k);
	if (k->count_only)
		return;
	uint32_t set[2 * PATH_MAX_ALL];
	memcpy(set, k->path, k->path_n * sizeof(*set));
	for (uint64_t subset = 0; subset < (uint64_t)1 << k->perfect_n && !k->shared->stop; subset++) {
		uint32_t n = k->path_n;
		for (uint64_t left = subset; left; left &= left - 1)
			set[n++] = k->perfect[__builtin_ctzll(left)];
		itemset_emit(k->block, k->shared->ranked->names, set, n, support);
	}
}

/* Room for one more item on the path and the perfect extensions? Each item that fits doubles the sets, so running out
 * proves that the limit is passed. */
static bool push_perfect(struct miner *k, uint32_t rank)
{
	if (k->perfect_n + 1 >= 50) {
		k->shared->stop = true;
		return false;
	}
	k->perfect[k->perfect_n++] = rank;
	return true;
}

static bool push_path(struct miner *k, uint32_t rank)
{
	if (k->path_n + 1 >= PATH_MAX_ALL || k->shared->stop) {
		k->shared->stop = true;
		return false;
	}
	k->path[k->path_n++] = rank;
	return true;
}

/* The items after the first of `in` that stay frequent together with it. */
POPCOUNT_CLONES static size_t narrow(const struct mask_item *restrict in, size_t n, uint32_t minimum,
                                     struct mask_item *restrict out)
{
	uint64_t first = in[0].mask;
	size_t kept = 0;
	for (size_t j = 1; j < n; j++) {
		uint64_t mask = first & in[j].mask;
		uint32_t support = (uint32_t)__builtin_popcountll(mask);
		out[kept] = (struct mask_item){ mask, in[j].rank, support };
		kept += support >= minimum;
	}
	return kept;
}

/* items: the frequent extensions of the path, rare first. Emits each with the path, and goes on. */
static void mine_masks(struct miner *k, const struct mask_item *items, size_t n, uint32_t depth)
{
	bool last = k->size_max && k->path_n + 1 >= k->size_max;
	struct level *l = &k->levels[depth < PATH_MAX_ALL ? depth : PATH_MAX_ALL - 1];
	for (size_t i = 0; i < n; i++) {
		if (!push_path(k, items[i].rank))
			return;
		uint32_t perfect_n = k->perfect_n;
		size_t kept = 0;
		if (!last && i + 1 < n) {
			l->masks = mem_grow(l->masks, &l->masks_cap, n - i, sizeof(*l->masks));
			kept = narrow(items + i, n - i, k->minimum, l->masks);
			size_t out = 0;
			for (size_t j = 0; j < kept; j++) {
				if (l->masks[j].support != items[i].support || k->size_max)
					l->masks[out++] = l->masks[j];
				else if (!push_perfect(k, l->masks[j].rank))
					return;
			}
			kept = out;
		}
		emit_path(k, items[i].support);
		if (kept)
			mine_masks(k, l->masks, kept, depth + 1);
		k->path_n--;
		k->perfect_n = perfect_n;
	}
}

/* First pass: which items stay frequent. Leaves counts[item] = new number + 1, or 0. Returns how many. */
static size_t project_count(struct miner *k, struct level *l, const uint32_t *flat, const uint32_t *names,
                            const uint32_t *occ, uint32_t n, uint32_t support, bool *full)
{
	size_t touched = 0;
	uint32_t *counts = k->counts;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t *q = flat + occ[i] + 1;
		const uint32_t *end = q;
		while (*end != ITEMSET_END)
			end++;
		l->touched = mem_grow(l->touched, &l->touched_cap, touched + (size_t)(end - q), sizeof(*l->touched));
		for (; q < end; q++) {
			l->touched[touched] = *q;
			touched += counts[*q]++ == 0;
		}
	}
	size_t m = 0;
	for (size_t i = 0; i < touched; i++) {
		uint32_t item = l->touched[i];
		bool perfect = counts[item] == support && !k->size_max;
		if (counts[item] >= k->minimum && !perfect) {
			l->touched[m++] = item;
			continue;
		}
		if (perfect && !*full)
			*full = !push_perfect(k, names[item]);
		counts[item] = 0;
	}
	sort_ranks(l->touched, m);
	l->names = mem_grow(l->names, &l->names_cap, m + 1, sizeof(*l->names));
	l->support = mem_grow(l->support, &l->support_cap, m + 1, sizeof(*l->support));
	for (size_t j = 0; j < m; j++) {
		uint32_t item = l->touched[j];
		l->names[j] = names[item];
		l->support[j] = counts[item];
		counts[item] = (uint32_t)j + 1;
	}
	return m;
}

/* Second pass: the rows that keep two items or more, renumbered. */
static size_t project_copy(struct miner *k, struct level *l, const uint32_t *flat, const uint32_t *occ, uint32_t n,
                           size_t *rows)
{
	size_t used = 0;
	*rows = 0;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t *q = flat + occ[i] + 1;
		const uint32_t *end = q;
		while (*end != ITEMSET_END)
			end++;
		l->flat = mem_grow(l->flat, &l->flat_cap, used + (size_t)(end - q) + 1, sizeof(*l->flat));
		uint32_t *out = l->flat + used;
		for (; q < end; q++) {
			uint32_t number = k->counts[*q];
			*out = number - 1;
			out += number != 0;
		}
		if (out - (l->flat + used) >= 2) {
			*out++ = ITEMSET_END;
			used = (size_t)(out - l->flat);
			(*rows)++;
		}
	}
	return used;
}

static void start_masks(struct level *l, size_t m, size_t used)
{
	l->masks = mem_grow(l->masks, &l->masks_cap, m, sizeof(*l->masks));
	for (size_t j = 0; j < m; j++)
		l->masks[j] = (struct mask_item){ 0, l->names[j], l->support[j] };
	uint64_t bit = 1;
	for (size_t q = 0; q < used; q++) {
		if (l->flat[q] == ITEMSET_END)
			bit <<= 1;
		else
			l->masks[l->flat[q]].mask |= bit;
	}
}

static void start_rows(struct level *l, size_t m, size_t used)
{
	l->start = mem_grow(l->start, &l->start_cap, m + 2, sizeof(*l->start));
	memset(l->start, 0, (m + 2) * sizeof(*l->start));
	for (size_t q = 0; q < used; q++)
		if (l->flat[q] != ITEMSET_END)
			l->start[l->flat[q] + 2]++;
	for (size_t j = 2; j < m + 2; j++)
		l->start[j] += l->start[j - 1];
	l->occ = mem_grow(l->occ, &l->occ_cap, used, sizeof(*l->occ));
	for (size_t q = 0; q < used; q++)
		if (l->flat[q] != ITEMSET_END)
			l->occ[l->start[l->flat[q] + 1]++] = (uint32_t)q;
}

/* occ: where the last item of the path stands in each basket that holds the path. `support` may exceed n: baskets with
 * nothing more to offer have been dropped. */
static void mine_projection(struct miner *k, const uint32_t *flat, const uint32_t *names, const uint32_t *occ,
                            uint32_t n, uint32_t support, uint32_t depth)
{
	uint32_t perfect_n = k->perfect_n;
	struct level *l = &k->levels[depth];
	bool full = false;
	size_t m = 0;
	bool last = k->size_max && k->path_n >= k->size_max;
	if (!last && n >= k->minimum)
		m = project_count(k, l, flat, names, occ, n, support, &full);
	if (!full)
		emit_path(k, support);
	size_t rows = 0, used = 0;
	if (m > 1)
		used = project_copy(k, l, flat, occ, n, &rows);
	for (size_t j = 0; j < m; j++)
		k->counts[l->touched[j]] = 0;
	if (m > 0 && !full && !k->shared->stop) {
		if (rows <= MASK_BITS) {
			start_masks(l, m, used);
			mine_masks(k, l->masks, m, depth + 1);
		} else {
			start_rows(l, m, used);
			for (uint32_t j = 0; j < m && push_path(k, l->names[j]); j++) {
				uint32_t from = l->start[j], to = l->start[j + 1];
				mine_projection(k, l->flat, l->names, l->occ + from, to - from, l->support[j], depth + 1);
				k->path_n--;
			}
		}
	}
	k->perfect_n = perfect_n;
}

static void mine_firsts(void *ctx, size_t from, size_t to, int thread)
{
	struct itemset_shared *s = ctx;
	const struct itemset_ranked *r = s->ranked;
	struct miner *k = mem_alloc(sizeof(*k));
	k->shared = s;
	k->minimum = s->options->support;
	k->size_max = s->options->size_max;
	k->count_only = s->options->count_only;
	k->counts = mem_alloc((r->m + 1) * sizeof(*k->counts));
	(void)from;
	(void)to;
	for (uint32_t e; (e = atomic_fetch_add(&s->next, 1)) < r->m && !s->stop;) {
		k->block = k->count_only ? NULL : &s->blocks[e];
		k->path[0] = e;
		k->path_n = 1;
		mine_projection(k, r->flat, s->identity, r->occ + r->start[e], r->start[e + 1] - r->start[e], r->support[e], 0);
	}
	flush_count(k);
	for (size_t i = 0; i < ARRAY_LEN(k->levels); i++) {
		struct level *l = &k->levels[i];
		free(l->flat);
		free(l->occ);
		free(l->touched);
		free(l->names);
		free(l->support);
		free(l->start);
		free(l->masks);
	}
	free(k->counts);
	free(k);
}

void itemset_mine_all(struct itemset_shared *s, int threads)
{
	uint32_t *identity = mem_alloc((s->ranked->m + 1) * sizeof(*identity));
	for (uint32_t i = 0; i < s->ranked->m; i++)
		identity[i] = i;
	s->identity = identity;
	par_for((size_t)threads, 1, threads, mine_firsts, s);
	s->identity = NULL;
	free(identity);
}

bool itemset_mine(struct itemset_baskets *b, const struct itemset_options *o, struct itemset_result *out,
                  struct err *err)
{
	*out = (struct itemset_result){ 0 };
	if (o->support < 1)
		return err_set(err, ERR_INPUT, "the support must be at least 1");
	if (o->size_max && o->kind != ITEMSET_ALL)
		return err_set(err, ERR_INPUT, "a largest size goes with all sets, not with closed or maximal ones");
	int threads = par_threads(o->threads);
	struct itemset_ranked ranked;
	itemset_rank(b, o->support, threads, &ranked);
	struct itemset_shared s = { .ranked = &ranked, .options = o, .baskets = b->baskets };
	s.limit = o->limit ? o->limit : ITEMSET_LIMIT_DEFAULT;
	if (s.limit > LIMIT_TOP)
		s.limit = LIMIT_TOP;
	if (!o->count_only)
		s.blocks = mem_alloc(((size_t)ranked.m + 1) * sizeof(*s.blocks));
	if (o->kind == ITEMSET_ALL)
		itemset_mine_all(&s, threads);
	else
		itemset_mine_closed(&s, threads);
	out->count = s.count;
	out->blocks = s.blocks;
	out->block_count = s.blocks ? (size_t)ranked.m + 1 : 0;
	itemset_ranked_release(&ranked);
	if (!s.stop && !s.deep)
		return true;
	itemset_result_release(out);
	if (s.stop)
		return err_set(err, ERR_LIMIT, "more than %llu sets at support %u: raise the support, or the limit",
		               (unsigned long long)s.limit, o->support);
	return err_set(err, ERR_LIMIT, "a chain of more than %d nested closed sets: raise the support", ITEMSET_DEPTH_MAX);
}

void itemset_result_release(struct itemset_result *r)
{
	for (size_t i = 0; i < r->block_count; i++)
		free(r->blocks[i].words);
	free(r->blocks);
	*r = (struct itemset_result){ 0 };
}

bool itemset_next(const struct itemset_result *r, struct itemset *s)
{
	while (s->block < r->block_count && s->at >= r->blocks[s->block].n) {
		s->block++;
		s->at = 0;
	}
	if (s->block >= r->block_count)
		return false;
	const uint32_t *w = r->blocks[s->block].words + s->at;
	s->n = w[0];
	s->support = w[1];
	s->items = w + 2;
	s->at += w[0] + 2;
	return true;
}
