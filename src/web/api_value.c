/* What the customers are worth: pictures, forecasts, and how well these hold. The book alone is read. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/figures.h"
#include "fold/value_views.h"

#include <math.h>
#include <stdlib.h>

enum { CUSTOMERS_USUAL = 50, CUSTOMERS_MAX = 500, WEEKS_AHEAD = 52 };

struct worth {
	struct figures_shop shop;
	struct value_row *rows;
	size_t count;
	struct date until;
};

/* Everybody's documents up to `until` (today). False: a problem is set. */
static bool worth_read(struct request *r, struct worth *w)
{
	const char *until = request_query(r, "until");
	const struct version *v = request_book(r);
	*w = (struct worth){ .until = v ? zone_date(r->web->settings->zone, clock_now()) : DATE_UNKNOWN };
	if (!v)
		return false;
	if (until && !date_parse(str_from(until), &w->until)) {
		request_problem(r, 422, "\"until\" is a date such as 2026-12-31");
		return false;
	}
	w->shop = (struct figures_shop){ .book = r->web->book,
		                             .version = v,
		                             .settings = r->web->settings,
		                             .now = clock_now(),
		                             .threads = r->web->o.threads };
	w->rows = figures_rows(&w->shop, &(struct figures_ask){ .channel = -1 }, &w->count);
	return true;
}

/* The same, of a shop that has orders. */
static bool worth_read_some(struct request *r, struct worth *w)
{
	if (!worth_read(r, w))
		return false;
	if (w->count)
		return true;
	request_problem(r, 422, "no order yet");
	free(w->rows);
	return false;
}

static bool summarise(struct request *r, const struct worth *w, struct value_summary *s)
{
	struct err err;
	if (value_summarise(w->rows, w->count, w->until, VALUE_WEEK, r->web->settings->currency.exponent, s, &err))
		return true;
	request_err(r, &err);
	return false;
}

/* ---- pictures ---- */

static void put_segments(struct request *r, const struct value_summary *s)
{
	struct buf *b = &r->out;
	bool french = request_locale(r) == LOCALE_FR;
	struct rfm *rfm = mem_alloc(s->count * sizeof *rfm);
	int64_t customers[RFM_SEGMENTS] = { 0 }, spend[RFM_SEGMENTS] = { 0 };
	rfm_scores(s, rfm);
	for (size_t i = 0; i < s->count; i++) {
		customers[rfm[i].segment]++;
		spend[rfm[i].segment] += s->first[i] + s->repeat[i];
	}
	put_open(b, "segments", '[');
	for (int k = 0; k < RFM_SEGMENTS; k++) {
		put_open(b, NULL, '{');
		put_cstr(b, "segment", rfm_key((enum rfm_segment)k));
		put_cstr(b, "name", rfm_name((enum rfm_segment)k, french));
		put_cstr(b, "advice", rfm_advice((enum rfm_segment)k, french));
		put_int(b, "customers", customers[k]);
		put_int(b, "spend", spend[k]);
		put_close(b, '}');
	}
	put_close(b, ']');
	free(rfm);
}

static void put_share(struct request *r, const char *key, const int64_t *amounts, size_t count)
{
	struct buf *b = &r->out;
	struct share_view v;
	if (!share_view_make(amounts, count, &v)) {
		put_null(b, key);
		return;
	}
	put_open(b, key, '{');
	put_int(b, "count", (int64_t)v.count);
	put_int(b, "total", v.total);
	put_real(b, "top_20_share", v.top_20_share);
	put_int(b, "count_for_80", (int64_t)v.count_for_80);
	put_real(b, "part_for_80", v.part_for_80);
	put_real(b, "gini", v.gini);
	put_open(b, "curve", '[');
	for (int i = 0; i < 21; i++)
		put_real(b, NULL, v.curve[i]);
	put_close(b, ']');
	put_close(b, '}');
}

/* Revenue by article, of documents up to the day. */
static void put_products(struct request *r, const struct worth *w)
{
	uint32_t count;
	const struct product *p = book_products(w->shop.book, &count);
	int64_t *amounts = mem_alloc((count + 1) * sizeof *amounts);
	int64_t end = zone_instant(r->web->settings->zone, (struct date){ w->until.day + 1 }, 0).s;
	size_t sold = 0;
	for (size_t n = 0; n < w->shop.version->chunk_count; n++) {
		const struct chunk *k = w->shop.version->chunks[n];
		for (uint32_t o = 0; o < k->order_start[BOOK_CHUNK]; o++)
			for (uint32_t l = order_line(k, o); k->order_at[o] < end && l < order_line(k, o + 1); l++)
				if (line_product(k, l) && line_product(k, l) < count && !p[line_product(k, l)].not_a_product)
					amounts[line_product(k, l)] += line_amount(k, l);
	}
	for (uint32_t i = 1; i < count; i++)
		if (amounts[i])
			amounts[sold++] = amounts[i];
	put_share(r, "products", amounts, sold);
	free(amounts);
}

static void put_cohorts(struct request *r, const struct worth *w)
{
	struct buf *b = &r->out;
	struct cohorts c;
	struct err ignored;
	put_open(b, "cohorts", '[');
	if (cohorts_make(w->rows, w->count, w->until, &c, &ignored)) {
		for (int row = 0; row < c.months; row++) {
			char month[12];
			figures_month_text(c.first_month + row, 1, month);
			put_open(b, NULL, '{');
			put_cstr(b, "month", month);
			put_open(b, "active", '[');
			for (int k = 0; k < c.months - row; k++)
				put_int(b, NULL, c.active[row * c.months + k]);
			put_close(b, ']');
			put_close(b, '}');
		}
		cohorts_release(&c);
	}
	put_close(b, ']');
}

/* Nobody has ordered yet. */
static void put_none(struct buf *b)
{
	put_open(b, "segments", '[');
	put_close(b, ']');
	put_null(b, "share");
	put_null(b, "products");
	put_open(b, "cohorts", '[');
	put_close(b, ']');
}

void on_value(struct request *r)
{
	struct buf *b = &r->out;
	struct worth w;
	struct value_summary s;
	if (!worth_read(r, &w))
		return;
	if (w.count == 0) {
		put_open(b, NULL, '{');
		put_date(b, "until", w.until);
		put_int(b, "customers", 0);
		put_none(b);
		put_close(b, '}');
		request_send_json(r, 200);
	} else if (summarise(r, &w, &s)) {
		int64_t *spend = mem_alloc(s.count * sizeof *spend);
		for (size_t i = 0; i < s.count; i++)
			spend[i] = s.first[i] + s.repeat[i];
		put_open(b, NULL, '{');
		put_date(b, "until", w.until);
		put_int(b, "customers", (int64_t)s.count);
		put_segments(r, &s);
		put_share(r, "share", spend, s.count);
		put_products(r, &w);
		put_cohorts(r, &w);
		put_close(b, '}');
		request_send_json(r, 200);
		free(spend);
		value_summary_release(&s);
	}
	free(w.rows);
}

/* ---- the model ---- */

static void put_fit(struct buf *b, const char *key, const struct value_fit *f)
{
	put_open(b, key, '{');
	put_cstr(b, "model", value_model_name(f->model));
	put_real(b, "loglik", f->loglik);
	put_int(b, "customers", (int64_t)f->customers);
	put_open(b, "params", '[');
	for (int i = 0; i < f->params; i++) {
		put_open(b, NULL, '{');
		put_cstr(b, "name", value_param_name(f->model, i));
		put_real(b, "value", f->p[i]);
		if (f->se_known)
			put_real(b, "se", f->se[i]);
		else
			put_null(b, "se");
		put_close(b, '}');
	}
	put_close(b, ']');
	put_close(b, '}');
}

struct ranked {
	size_t line;
	double worth;
};

static int best_first(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	if (a->worth != b->worth)
		return a->worth > b->worth ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* By whom they are known here; the reference when they have no name. */
static void put_who(struct request *r, customer_id c)
{
	struct person p;
	struct str ref, name = STR("");
	struct err err;
	if (request_db(r) && store_person(r->db, c, &r->arena, &p, &ref, &err)) {
		name = person_name(&r->arena, &p);
		name = name.n ? name : ref;
	}
	put_int(&r->out, "customer", c);
	put_str(&r->out, "name", name);
}

static void put_customers(struct request *r, const struct value_summary *s, const struct value_cells *c,
                          const struct value_fit *orders, const struct value_fit *spend, size_t limit)
{
	struct buf *b = &r->out;
	double unit = pow(10, r->web->settings->currency.exponent);
	struct value_forecast *f = mem_alloc((c->count + 1) * sizeof *f);
	struct ranked *w = mem_alloc(s->count * sizeof *w);
	value_predict_cells(orders, c, WEEKS_AHEAD, r->web->o.threads, f);
	for (size_t i = 0; i < s->count; i++) {
		double amount = spend ? value_spend(spend, s->x[i], s->m[i], NULL) : 1;
		w[i] = (struct ranked){ i, f[c->of[i]].orders * (amount > 0 ? amount : 1) };
	}
	qsort(w, s->count, sizeof *w, best_first);
	put_open(b, "items", '[');
	for (size_t k = 0; k < s->count && k < limit; k++) {
		size_t i = w[k].line;
		struct value_prospect p = value_prospect(orders, spend, s->x[i], s->tx_day[i] / s->unit_days,
		                                         s->t_day[i] / s->unit_days, s->m[i], WEEKS_AHEAD, 0.95);
		bool money = spend && p.amount >= 0;
		put_open(b, NULL, '{');
		put_who(r, s->customer[i]);
		put_int(b, "repeat_orders", s->x[i]);
		put_real(b, "alive", p.alive);
		put_real(b, "orders", p.orders);
		put_real(b, "orders_low", p.orders_low);
		put_real(b, "orders_high", p.orders_high);
		put_real(b, "revenue", money ? p.revenue * unit : NAN);
		put_real(b, "revenue_low", money ? p.revenue_low * unit : NAN);
		put_real(b, "revenue_high", money ? p.revenue_high * unit : NAN);
		put_close(b, '}');
	}
	put_close(b, ']');
	free(w);
	free(f);
}

void on_value_customers(struct request *r)
{
	struct worth w;
	struct value_summary s;
	struct value_cells c;
	struct value_fit orders, spend;
	struct err err;
	int64_t limit = CUSTOMERS_USUAL;
	const char *text = request_query(r, "limit");
	if (text && (!str_i64(str_from(text), &limit) || limit < 1 || limit > CUSTOMERS_MAX)) {
		request_problem(r, 422, "\"limit\" is 1 to %d", CUSTOMERS_MAX);
		return;
	}
	if (!worth_read_some(r, &w))
		return;
	if (summarise(r, &w, &s)) {
		value_cells_make(&s, true, &c);
		if (value_fit_orders(VALUE_BGNBD, &c, r->web->o.threads, &orders, &err)) {
			bool has = value_fit_spend(&s, r->web->o.threads, &spend, &err) && spend.p[1] > 1;
			put_open(&r->out, NULL, '{');
			put_date(&r->out, "until", w.until);
			put_int(&r->out, "weeks", WEEKS_AHEAD);
			put_fit(&r->out, "orders", &orders);
			if (has)
				put_fit(&r->out, "spend", &spend);
			else
				put_null(&r->out, "spend");
			put_customers(r, &s, &c, &orders, has ? &spend : NULL, (size_t)limit);
			put_close(&r->out, '}');
			request_send_json(r, 200);
		} else {
			request_err(r, &err);
		}
		value_cells_release(&c);
		value_summary_release(&s);
	}
	free(w.rows);
}

/* Fitted on the first two thirds of the documents, held against what came after. */
void on_value_holdout(struct request *r)
{
	struct worth w;
	struct value_holdout *h = arena_new(&r->arena, struct value_holdout);
	struct err err;
	struct buf *b = &r->out;
	if (!worth_read_some(r, &w))
		return;
	struct date cut = value_two_thirds(w.rows, w.count, w.until);
	if (!value_holdout_check(VALUE_BGNBD, w.rows, w.count, cut, w.until, VALUE_WEEK, r->web->o.threads, h, &err)) {
		request_err(r, &err);
	} else {
		put_open(b, NULL, '{');
		put_date(b, "fitted_until", cut);
		put_date(b, "until", w.until);
		put_fit(b, "fit", &h->fit);
		put_real(b, "weeks", h->span);
		put_real(b, "actual", h->actual);
		put_real(b, "predicted", h->predicted);
		put_real(b, "low", h->low);
		put_real(b, "high", h->high);
		put_real(b, "mean_absolute_error", h->mean_absolute_error);
		put_real(b, "naive_error", h->naive_error);
		put_open(b, "groups", '[');
		for (int g = 0; g < VALUE_HOLDOUT_GROUPS; g++) {
			put_open(b, NULL, '{');
			put_int(b, "repeat_orders", g);
			put_bool(b, "and_more", g == VALUE_HOLDOUT_GROUPS - 1);
			put_int(b, "customers", (int64_t)h->group[g].customers);
			put_real(b, "actual", h->group[g].actual);
			put_real(b, "predicted", h->group[g].predicted);
			put_close(b, '}');
		}
		put_close(b, ']');
		put_close(b, '}');
		request_send_json(r, 200);
	}
	free(w.rows);
}
