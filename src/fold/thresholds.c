/* Method: every chunk of customers writes its buyers' 12-month spends into its own slots and its sums beside them; then
 * the ⌈n × percent ÷ 100⌉-th largest is selected exactly (quickselect, three-way, so that ties cost nothing). Sums of
 * integers do not depend on their order, hence not on the threads. */
#include "fold/lifecycle.h"

#include "base/par.h"

#include <stdlib.h>

struct chunk_sums {
	int64_t sales;   /* totals of the sales documents */
	uint64_t orders; /* how many */
	uint32_t buyers; /* spends written */
};

struct gather {
	const struct version *v;
	struct lifecycle_day day;
	int64_t *spends; /* BOOK_CHUNK slots a chunk */
	struct chunk_sums *sums;
};

static void gather_customer(const struct gather *g, const struct chunk *k, uint32_t i, struct chunk_sums *sums,
                            int64_t *spends)
{
	uint32_t from = k->order_start[i], end = k->order_start[i + 1];
	while (end > from && (int64_t)k->order_at[end - 1] >= g->day.cutoff)
		end--;
	int64_t spend = 0;
	uint32_t orders = 0;
	for (uint32_t o = end; o > from && (int64_t)k->order_at[o - 1] >= g->day.from_12m; o--) {
		spend += order_total(k, o - 1);
		if (order_is_sale(k, o - 1)) {
			orders++;
			sums->sales += order_total(k, o - 1);
		}
	}
	sums->orders += orders;
	if (orders > 0)
		spends[sums->buyers++] = spend;
}

static void gather_chunks(void *ctx, size_t from, size_t to, int thread)
{
	struct gather *g = ctx;
	for (size_t c = from; c < to; c++) {
		const struct chunk *k = g->v->chunks[c];
		if (k->first == GUESTS)
			continue;
		for (uint32_t i = 0; i < BOOK_CHUNK; i++) {
			customer_id id = k->first + i;
			if (id <= g->v->customers)
				gather_customer(g, k, i, &g->sums[c], g->spends + c * BOOK_CHUNK);
		}
	}
}

/* The rank-th largest (rank from 1) of n values; reorders them. */
static int64_t select_largest(int64_t *a, size_t n, size_t rank)
{
	check(rank >= 1 && rank <= n);
	size_t from = 0, to = n, want = rank - 1; /* index in descending order */
	for (;;) {
		if (to - from == 1)
			return a[from];
		int64_t x = a[from], y = a[from + (to - from) / 2], z = a[to - 1];
		int64_t pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
		size_t above = from, i = from, below = to; /* [from, above) > pivot, [above, i) = pivot, [below, to) < pivot */
		while (i < below) {
			int64_t v = a[i];
			if (v > pivot) {
				a[i++] = a[above];
				a[above++] = v;
			} else if (v < pivot) {
				a[i] = a[--below];
				a[below] = v;
			} else {
				i++;
			}
		}
		if (want < above)
			to = above;
		else if (want >= below)
			from = below;
		else
			return pivot;
	}
}

int64_t thresholds_divide(int64_t sum, uint64_t count)
{
	if (count == 0)
		return 0;
	int64_t n = (int64_t)count, half = n / 2;
	return sum >= 0 ? (sum + half) / n : -((-sum + half) / n); /* half away from zero */
}

uint64_t thresholds_rank(uint64_t buyers, int percent)
{
	check(percent >= 0 && percent <= 100);
	return (buyers * (uint64_t)percent + 99) / 100;
}

void thresholds_compute(const struct book *b, const struct version *v, struct date day,
                        const struct lifecycle_settings *s, int threads, struct thresholds *out)
{
	struct gather g = { .v = v };
	lifecycle_day_init(&g.day, book_get_options(b)->zone, day, s);
	g.spends = mem_alloc((v->chunk_count * BOOK_CHUNK + 1) * sizeof *g.spends);
	g.sums = mem_alloc((v->chunk_count + 1) * sizeof *g.sums);
	par_for(v->chunk_count, 16, threads, gather_chunks, &g);

	struct chunk_sums all = { 0 };
	for (size_t c = 0; c < v->chunk_count; c++) {
		memmove(g.spends + all.buyers, g.spends + c * BOOK_CHUNK, g.sums[c].buyers * sizeof *g.spends);
		all.buyers += g.sums[c].buyers;
		all.orders += g.sums[c].orders;
		all.sales += g.sums[c].sales;
	}
	uint64_t rank = thresholds_rank(all.buyers, s->ambassador_percent);
	*out = (struct thresholds){
		.day = day,
		.top_decile_spend = rank > 0 ? select_largest(g.spends, all.buyers, rank) : INT64_MAX,
		.average_basket = thresholds_divide(all.sales, all.orders),
		.buyers_12m = all.buyers,
	};
	free(g.spends);
	free(g.sums);
}
