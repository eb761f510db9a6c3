/* Closed and maximal sets: prefix-preserving closure extension (Uno, Kiyomi & Arimura, LCM ver. 2, FIMI 2004).
 *
 * A node is a closed set with the baskets that hold it, kept whole. Counting every item of these baskets gives at once
 * the closure (items in all of them), the proof that the set was not met before (no closure item below the one just
 * added), the frequent extensions, and whether the set is maximal (no frequent extension at all, on either side). */
#include "fold/itemset_inner.h"

struct depth {
	uint32_t *touched, *occ, *start;
	size_t touched_cap, occ_cap, start_cap;
};

struct closer {
	struct itemset_shared *shared;
	const struct itemset_ranked *r;
	uint32_t minimum;
	bool maximal, count_only;
	uint32_t *counts; /* by rank, zero between nodes */
	uint8_t *in_set;  /* by rank */
	uint32_t *set;    /* ranks, in the order added */
	uint32_t set_n;
	struct depth *depths;
	uint64_t count;
	struct itemset_block *block;
};

static int by_rank(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static size_t count_items(struct closer *k, struct depth *d, const uint32_t *rows, uint32_t n)
{
	size_t touched = 0;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t *q = k->r->flat + rows[i];
		const uint32_t *end = q;
		while (*end != ITEMSET_END)
			end++;
		d->touched = mem_grow(d->touched, &d->touched_cap, touched + (size_t)(end - q), sizeof(*d->touched));
		for (; q < end; q++) {
			d->touched[touched] = *q;
			touched += k->counts[*q]++ == 0;
		}
	}
	return touched;
}

static void emit(struct closer *k, uint32_t support)
{
	if ((++k->count & 1023) == 0 && atomic_fetch_add(&k->shared->count, 1024) + 1024 > k->shared->limit)
		k->shared->stop = true;
	if (!k->count_only)
		itemset_emit(k->block, k->r->names, k->set, k->set_n, support);
}

/* Rows of each extension, one after the other; touched[0 … m − 1] are the extensions ascending. */
static void share_rows(struct closer *k, struct depth *d, const uint32_t *rows, uint32_t n, size_t m)
{
	d->start = mem_grow(d->start, &d->start_cap, m + 2, sizeof(*d->start));
	d->start[0] = d->start[1] = 0;
	for (size_t j = 0; j < m; j++) {
		if (j + 1 < m)
			d->start[j + 2] = d->start[j + 1] + k->counts[d->touched[j]];
		else
			d->occ = mem_grow(d->occ, &d->occ_cap, d->start[j + 1] + k->counts[d->touched[j]], sizeof(*d->occ));
		k->counts[d->touched[j]] = (uint32_t)j + 1;
	}
	for (uint32_t i = 0; i < n; i++)
		for (const uint32_t *q = k->r->flat + rows[i]; *q != ITEMSET_END; q++)
			if (k->counts[*q])
				d->occ[d->start[k->counts[*q]]++] = rows[i];
	for (size_t j = 0; j < m; j++)
		k->counts[d->touched[j]] = 0;
}

/* rows: starts in flat of the n baskets that hold set ∪ {added}. added = ITEMSET_END at the root. */
static void visit(struct closer *k, const uint32_t *rows, uint32_t n, uint32_t added, uint32_t depth)
{
	if (depth >= ITEMSET_DEPTH_MAX)
		k->shared->deep = true;
	if (k->shared->stop || k->shared->deep)
		return;
	struct depth *d = &k->depths[depth];
	uint32_t set_n = k->set_n;
	size_t touched = count_items(k, d, rows, n), m = 0;
	bool seen_before = false, extensible = false;
	for (size_t i = 0; i < touched; i++) {
		uint32_t item = d->touched[i], count = k->counts[item];
		k->counts[item] = 0;
		if (k->in_set[item])
			continue;
		if (count == n) {
			seen_before |= item < added && added != ITEMSET_END;
			k->in_set[item] = 1;
			k->set[k->set_n++] = item;
		} else if (count >= k->minimum) {
			extensible = true;
			if (added == ITEMSET_END || item > added) {
				d->touched[m++] = item;
				k->counts[item] = count;
			}
		}
	}
	if (!seen_before) {
		if (k->set_n && !(k->maximal && extensible))
			emit(k, n);
		qsort(d->touched, m, sizeof(*d->touched), by_rank);
		share_rows(k, d, rows, n, m);
		for (size_t j = 0; j < m; j++)
			visit(k, d->occ + d->start[j], d->start[j + 1] - d->start[j], d->touched[j], depth + 1);
	} else {
		for (size_t j = 0; j < m; j++)
			k->counts[d->touched[j]] = 0;
	}
	while (k->set_n > set_n)
		k->in_set[k->set[--k->set_n]] = 0;
}

/* The closure of nothing: items of every basket. */
static void start_root(struct closer *k)
{
	for (uint32_t e = 0; e < k->r->m; e++)
		if (k->r->support[e] == k->shared->baskets) {
			k->in_set[e] = 1;
			k->set[k->set_n++] = e;
		}
}

static void visit_first(struct closer *k, uint32_t e, uint32_t **rows, size_t *rows_cap)
{
	uint32_t from = k->r->start[e], n = k->r->start[e + 1] - from;
	*rows = mem_grow(*rows, rows_cap, n, sizeof(**rows));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t q = k->r->occ[from + i];
		while (k->r->flat[q - 1] != ITEMSET_END)
			q--;
		(*rows)[i] = q;
	}
	visit(k, *rows, n, e, 0);
}

static void close_firsts(void *ctx, size_t from, size_t to, int thread)
{
	struct itemset_shared *s = ctx;
	uint32_t m = s->ranked->m;
	struct closer k = { .shared = s, .r = s->ranked, .minimum = s->options->support };
	k.maximal = s->options->kind == ITEMSET_MAXIMAL;
	k.count_only = s->options->count_only;
	k.counts = mem_alloc((m + 1) * sizeof(*k.counts));
	k.in_set = mem_alloc(m + 1);
	k.set = mem_alloc((m + 1) * sizeof(*k.set));
	k.depths = mem_alloc(ITEMSET_DEPTH_MAX * sizeof(*k.depths));
	start_root(&k);
	uint32_t *rows = NULL, root_n = k.set_n;
	size_t rows_cap = 0;
	for (uint32_t e; (e = atomic_fetch_add(&s->next, 1)) <= m && !s->stop && !s->deep;) {
		k.block = k.count_only ? NULL : &s->blocks[e];
		if (e < m && !k.in_set[e])
			visit_first(&k, e, &rows, &rows_cap);
		else if (e == m && root_n && !(k.maximal && root_n < m))
			emit(&k, (uint32_t)s->baskets);
	}
	if (atomic_fetch_add(&s->count, k.count & 1023) + (k.count & 1023) > s->limit)
		s->stop = true;
	for (size_t i = 0; i < ITEMSET_DEPTH_MAX; i++) {
		free(k.depths[i].touched);
		free(k.depths[i].occ);
		free(k.depths[i].start);
	}
	free(rows);
	free(k.depths);
	free(k.counts);
	free(k.in_set);
	free(k.set);
}

void itemset_mine_closed(struct itemset_shared *s, int threads)
{
	par_for((size_t)threads, 1, threads, close_firsts, s);
}
