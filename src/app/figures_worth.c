/* CLV: BG/NBD and Gamma-Gamma fitted on all orders before a period's end, summed over the customers counted. */
#include "app/figures.h"

#include "base/par.h"
#include "fold/value.h"

#include <math.h>
#include <stdlib.h>

struct worth {
	struct value_row *rows;
	size_t count, cap;
};

static void add_row(struct worth *w, customer_id c, int32_t day, int64_t minor)
{
	w->rows = mem_grow(w->rows, &w->cap, w->count + 1, sizeof *w->rows);
	w->rows[w->count++] = (struct value_row){ c, day, minor };
}

static void collect(struct worth *w, const struct figures_shop *s, const struct figures_ask *ask)
{
	for (size_t n = 0; n < s->version->chunk_count; n++) {
		const struct chunk *k = s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK; i++) {
			if (k->order_start[i] == k->order_start[i + 1] || !figures_counts(s, ask, k->first + i))
				continue;
			for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++)
				if (order_is_sale(k, o) ? order_total(k, o) >= 0 : order_total(k, o) < 0)
					add_row(w, k->first + i, zone_date(s->settings->zone, (struct instant){ k->order_at[o] }).day,
					        order_total(k, o));
		}
	}
}

static double expected(const struct value_summary *s, const struct value_cells *cells, const struct value_fit *orders,
                       const struct value_fit *spend, int threads)
{
	struct value_forecast *f = mem_alloc(cells->count * sizeof *f);
	value_predict_cells(orders, cells, 52, threads, f);
	double total = 0;
	for (size_t i = 0; i < s->count; i++) {
		double amount = value_spend(spend, s->m[i] > 0 ? s->x[i] : 0, s->m[i] > 0 ? s->m[i] : 0, NULL);
		total += amount > 0 ? f[cells->of[i]].orders * amount : 0;
	}
	free(f);
	return total;
}

static void worth_at(const struct worth *w, const struct figures_shop *s, int64_t end, int threads,
                     struct kpi_input *out)
{
	struct value_summary summary;
	struct value_cells cells;
	struct value_fit orders, spend;
	struct err ignored;
	struct date until = { zone_date(s->settings->zone, (struct instant){ end }).day - 1 };
	int exponent = s->settings->currency.exponent;
	if (w->count == 0 || !value_summarise(w->rows, w->count, until, VALUE_WEEK, exponent, &summary, &ignored))
		return;
	value_cells_make(&summary, true, &cells);
	if (value_fit_orders(VALUE_BGNBD, &cells, threads, &orders, &ignored) &&
	    value_fit_spend(&summary, threads, &spend, &ignored) && spend.p[1] > 1) {
		double total = expected(&summary, &cells, &orders, &spend, threads) * pow(10, exponent);
		if (isfinite(total) && total < 9e18) {
			out->forecast_value = (int64_t)(total + 0.5);
			out->forecast_customers = (int64_t)summary.count;
		}
	}
	value_cells_release(&cells);
	value_summary_release(&summary);
}

struct worths {
	const struct worth *w;
	const struct figures_shop *s;
	const struct figures_time *t;
	struct kpi_input *out;
	int from, threads;
};

static void worth_of(void *ctx, size_t from, size_t to, int thread)
{
	const struct worths *x = ctx;
	(void)thread;
	for (size_t p = from; p < to; p++)
		worth_at(x->w, x->s, x->t->start[x->from + (int)p + 1], x->threads, &x->out[x->from + (int)p]);
}

struct value_row *figures_rows(const struct figures_shop *s, const struct figures_ask *ask, size_t *count)
{
	struct worth w = { 0 };
	collect(&w, s, ask);
	*count = w.count;
	return w.rows;
}

void figures_worth(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                   struct kpi_input *out)
{
	struct worth w = { 0 };
	collect(&w, s, ask);
	int from = 0;
	if ((double)w.count * t->count > FIGURES_WORTH_CELLS_MAX)
		from = t->count > 2 ? t->count - 2 : 0;
	/* many periods: one a thread; few: every thread on each. A fit is the same bits either way. */
	bool many = t->count - from > par_threads(s->threads);
	struct worths x = { &w, s, t, out, from, many ? 1 : s->threads };
	par_for((size_t)(t->count - from), 1, many ? s->threads : 1, worth_of, &x);
	free(w.rows);
}
