#include "fold/recommend_rows.h"

#include <stdlib.h>

void rec_rows_init(struct rec_rows *r, const struct nb_rows *lists, uint32_t n, uint32_t keep, uint32_t wide)
{
	*r = (struct rec_rows){ .n = n, .keep = keep, .wide = wide };
	uint64_t total = lists->n ? lists->start[lists->n] : 0;
	r->row = mem_alloc((n + 1u) * sizeof(*r->row));
	r->block = mem_alloc((total + 1) * sizeof(*r->block));
	for (uint64_t q = 0; q < total; q++)
		r->block[q] = (struct nb_heavy){ lists->weight[q], lists->item[q] };
	for (uint32_t i = 0; i < n && i < lists->n; i++) {
		struct rec_row *x = &r->row[i];
		x->best = r->block + lists->start[i];
		x->n = (uint32_t)(lists->start[i + 1] - lists->start[i]);
		if (x->n == wide)
			x->least = x->best[wide - 1];
	}
}

void rec_rows_grow(struct rec_rows *r, uint32_t n)
{
	r->row = mem_realloc(r->row, (n + 1u) * sizeof(*r->row));
	memset(r->row + r->n, 0, (n + 1u - r->n) * sizeof(*r->row));
	r->n = n;
}

void rec_rows_release(struct rec_rows *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->row[i].cap)
			free(r->row[i].best);
		free(r->row[i].others);
	}
	free(r->row);
	free(r->block);
	*r = (struct rec_rows){ 0 };
}

/* Room for n in `best`, of its own. */
static void own(struct rec_row *x, size_t n)
{
	struct nb_heavy *block = x->cap ? NULL : x->best;
	x->best = mem_grow(block ? NULL : x->best, &x->cap, n + 1, sizeof(*x->best));
	if (block && x->n)
		memcpy(x->best, block, x->n * sizeof(*block));
}

static struct nb_heavy *find(const struct rec_row *x, uint32_t n, uint32_t item)
{
	for (uint32_t i = 0; i < n; i++)
		if (x->best[i].item == item)
			return &x->best[i];
	return NULL;
}

/* Both ascending by item, sums of zero left out. */
static void add_others(struct rec_row *x, const struct nb_heavy *changes, size_t n)
{
	if (!n)
		return;
	struct nb_heavy *all = mem_alloc((x->others_n + n) * sizeof(*all));
	uint32_t kept = 0;
	for (size_t i = 0, k = 0; i < x->others_n || k < n;) {
		uint32_t a = i < x->others_n ? x->others[i].item : UINT32_MAX, b = k < n ? changes[k].item : UINT32_MAX;
		struct nb_heavy one = { 0, a < b ? a : b };
		one.weight += a == one.item ? x->others[i++].weight : 0;
		one.weight += b == one.item ? changes[k++].weight : 0;
		if (one.weight != 0)
			all[kept++] = one;
	}
	free(x->others);
	x->others = all;
	x->others_n = kept;
}

static bool is_right(const struct rec_row *x, uint32_t keep)
{
	if (x->least.weight == 0)
		return true;
	if (x->n < keep)
		return false;
	const struct nb_heavy *last = &x->best[keep - 1];
	if (nb_by_weight(last, &x->least) > 0)
		return false;
	for (uint32_t i = 0; i < x->others_n; i++) {
		struct nb_heavy most = { x->least.weight + x->others[i].weight, x->others[i].item };
		if (x->others[i].weight > 0 && nb_by_weight(&most, last) < 0)
			return false;
	}
	return true;
}

static void order(struct rec_row *x)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < x->n; i++)
		if (x->best[i].weight > 0)
			x->best[kept++] = x->best[i];
	x->n = kept;
	qsort(x->best, x->n, sizeof(*x->best), nb_by_weight);
}

void rec_row_change(const struct rec_rows *r, uint32_t row, struct nb_heavy *changes, size_t n)
{
	struct rec_row *x = &r->row[row];
	uint32_t had = x->n;
	size_t elsewhere = 0;
	if (x->again)
		return;
	own(x, x->n + n);
	for (size_t i = 0; i < n; i++) {
		struct nb_heavy *here = find(x, had, changes[i].item);
		if (here)
			here->weight += changes[i].weight;
		else if (x->least.weight == 0)
			x->best[x->n++] = changes[i];
		else
			changes[elsewhere++] = changes[i];
	}
	add_others(x, changes, elsewhere);
	order(x);
	if (x->least.weight == 0 && x->n > 2 * r->wide) {
		x->least = x->best[r->wide - 1];
		x->n = r->wide;
	}
	x->again = !is_right(x, r->keep);
}

void rec_row_set(const struct rec_rows *r, uint32_t row, struct nb_heavy *list, uint32_t n)
{
	struct rec_row *x = &r->row[row];
	uint32_t kept = nb_heaviest(list, n, r->wide);
	free(x->others);
	x->others = NULL;
	x->n = x->others_n = 0;
	own(x, kept);
	memcpy(x->best, list, kept * sizeof(*list));
	x->n = kept;
	x->least = n > kept ? list[kept - 1] : (struct nb_heavy){ 0 };
	x->again = false;
}

void rec_rows_put(const struct rec_rows *r, struct nb_rows *out)
{
	*out = (struct nb_rows){ 0 };
	for (uint32_t i = 0; i < r->n; i++) {
		const struct rec_row *x = &r->row[i];
		for (uint32_t k = 0; k < x->n && k < r->keep; k++)
			nb_rows_add(out, x->best[k].item, x->best[k].weight);
		nb_rows_end(out);
	}
}

size_t rec_rows_bytes(const struct rec_rows *r)
{
	size_t bytes = r->n * sizeof(*r->row);
	for (uint32_t i = 0; i < r->n; i++)
		bytes += ((r->row[i].cap ? r->row[i].cap : r->row[i].n) + r->row[i].others_n) * sizeof(struct nb_heavy);
	return bytes;
}
