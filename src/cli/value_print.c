#include "cli/value_print.h"

#include "base/arena.h"
#include "fold/value_views.h"

#include <math.h>
#include <stdlib.h>

static bool summarise(const struct value_job *j, struct value_summary *s, struct err *err)
{
	return value_summarise(j->rows, j->count, j->until, j->unit, j->exponent, s, err);
}

static double major(const struct value_job *j, int64_t minor)
{
	return (double)minor / pow(10, j->exponent);
}

/* Fits the transaction model asked for (BG/NBD when only the spend model was) and, where it can, the spend model. */
static bool fit_both(const struct value_job *j, const struct value_summary *s, const struct value_cells *c,
                     struct value_fit *orders, struct value_fit *spend, bool *has_spend, struct err *err)
{
	struct err quiet;
	enum value_model m = j->model == VALUE_GAMMAGAMMA ? VALUE_BGNBD : j->model;
	if (!value_fit_orders(m, c, (int)j->threads, orders, err))
		return false;
	*has_spend = value_fit_spend(s, (int)j->threads, spend, &quiet);
	return true;
}

/* ---- fit ---- */

static void params_json(const struct value_fit *f, bool errors, struct buf *b)
{
	buf_char(b, '{');
	for (int i = 0; i < f->params; i++) {
		buf_printf(b, "%s\"%s\": ", i ? ", " : "", value_param_name(f->model, i));
		if (errors && !f->se_known)
			buf_cstr(b, "null");
		else
			buf_printf(b, "%.8g", errors ? f->se[i] : f->p[i]);
	}
	buf_char(b, '}');
}

/* "x,t_x,T[,m]" */
static bool read_ask(const char *text, double *v, int *n, struct err *err)
{
	struct str s = str_from(text);
	*n = 0;
	while (s.n > 0 && *n < 4) {
		const char *comma = memchr(s.p, ',', s.n);
		struct str part = { s.p, comma ? (size_t)(comma - s.p) : s.n };
		if (!str_f64(str_trim(part), &v[*n]))
			return err_set(err, ERR_INPUT, "--predict %s: write orders,last,age[,mean], as in 2,30.43,38.86", text);
		(*n)++;
		s = comma ? (struct str){ comma + 1, s.n - part.n - 1 } : (struct str){ s.p, 0 };
	}
	if (*n < 3 || s.n > 0 || v[0] < 0 || v[0] != floor(v[0]) || v[1] < 0 || v[2] < v[1] || (v[0] > 0 && v[1] == 0) ||
	    (v[0] == 0 && v[1] > 0))
		return err_set(err, ERR_INPUT,
		               "--predict %s: repeat orders is a whole number, 0 ≤ last ≤ age, and last is 0 exactly when "
		               "there is no repeat order",
		               text);
	return true;
}

static bool ask_json(const struct value_job *j, const struct value_fit *orders, const struct value_fit *spend,
                     struct buf *b, struct err *err)
{
	double v[4] = { 0 };
	int n;
	if (!read_ask(j->ask, v, &n, err))
		return false;
	struct value_prospect p = value_prospect(orders, n == 4 ? spend : NULL, v[0], v[1], v[2], v[3], j->span, j->level);
	buf_printf(b,
	           "{\"x\": %.10g, \"t_x\": %.10g, \"T\": %.10g, \"span\": %.10g, \"alive\": %.8g, \"orders\": %.8g, "
	           "\"orders_low\": %.8g, \"orders_high\": %.8g",
	           v[0], v[1], v[2], j->span, p.alive, p.orders, p.orders_low, p.orders_high);
	if (p.amount >= 0)
		buf_printf(b, ", \"amount\": %.8g, \"revenue\": %.8g, \"revenue_low\": %.8g, \"revenue_high\": %.8g", p.amount,
		           p.revenue, p.revenue_low, p.revenue_high);
	buf_char(b, '}');
	return true;
}

static void print_fit_table(const struct value_job *j, const struct value_fit *f)
{
	const char *columns[] = { "model", "param", "value", "standard_error" };
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	for (int i = 0; i < f->params; i++) {
		table_cstr(t, value_model_name(f->model));
		table_cstr(t, value_param_name(f->model, i));
		table_float(t, f->p[i], 5);
		if (f->se_known)
			table_float(t, f->se[i], 5);
		else
			table_null(t);
	}
	table_print(t, j->format, stdout);
	table_free(t);
	if (j->format == FORMAT_CSV)
		return;
	char day[16];
	printf("\n%zu customers, log-likelihood %.3f, orders up to %s, unit %s\n", f->customers, f->loglik,
	       date_text(j->until, day), j->unit_name);
	if (f->left_out)
		printf("%zu customers left out: no repeat order, or nothing spent on them\n", f->left_out);
	if (f->why)
		printf("%s\n", f->why);
}

static void print_total(const struct value_job *j, const struct value_fit *f, const struct value_cells *c)
{
	double variance, total = value_total(f, c, j->span, (int)j->threads, &variance);
	double reach = 1.959963984540054 * sqrt(variance);
	printf(j->french ? "Commandes attendues de ces clients sur %g %s : %.0f, entre %.0f et %.0f\n"
	                 : "orders expected from these customers in %g %ss: %.0f, between %.0f and %.0f\n",
	       j->span, j->unit_name, total, fmax(0, total - reach), total + reach);
}

static void print_fit_json(const struct value_job *j, const struct value_fit *f, struct str ask)
{
	struct buf b;
	char day[16];
	buf_init(&b, 1 << 20);
	buf_printf(&b, "{\"model\": \"%s\", \"params\": ", value_model_name(f->model));
	params_json(f, false, &b);
	buf_cstr(&b, ", \"standard_errors\": ");
	params_json(f, true, &b);
	buf_printf(&b, ", \"loglik\": %.6f, \"customers\": %zu, \"left_out\": %zu, \"until\": \"%s\", \"unit\": \"%s\", ",
	           f->loglik, f->customers, f->left_out, date_text(j->until, day), j->unit_name);
	buf_printf(&b, "\"iterations\": %d, \"rejected_rows\": %zu, \"note\": ", f->iterations, j->rejected);
	if (f->why)
		buf_json(&b, str_from(f->why));
	else
		buf_cstr(&b, "null");
	if (ask.n > 0) {
		buf_cstr(&b, ", \"prediction\": ");
		buf_str(&b, ask);
	}
	buf_cstr(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static bool show_fit(const struct value_job *j, const struct value_summary *s, const struct value_cells *c,
                     struct err *err)
{
	struct value_fit f, orders, spend;
	bool has_spend = false, good;
	if (j->model == VALUE_GAMMAGAMMA)
		good = value_fit_spend(s, (int)j->threads, &f, err);
	else
		good = value_fit_orders(j->model, c, (int)j->threads, &f, err);
	if (!good)
		return false;
	struct buf ask;
	buf_init(&ask, 1 << 16);
	if (j->ask)
		good = fit_both(j, s, c, &orders, &spend, &has_spend, err) &&
		       ask_json(j, &orders, has_spend ? &spend : NULL, &ask, err);
	if (good && j->format == FORMAT_JSON) {
		print_fit_json(j, &f, buf_view(&ask));
	} else if (good) {
		print_fit_table(j, &f);
		if (j->format == FORMAT_TABLE && j->model != VALUE_GAMMAGAMMA)
			print_total(j, &f, c);
		if (j->ask)
			printf("%.*s\n", STR_ARG(buf_view(&ask)));
	}
	buf_release(&ask);
	return good;
}

bool value_view_fit(const struct value_job *j, struct err *err)
{
	struct value_summary s;
	struct value_cells c;
	if (!summarise(j, &s, err))
		return false;
	value_cells_make(&s, false, &c);
	bool good = show_fit(j, &s, &c, err);
	value_cells_release(&c);
	value_summary_release(&s);
	return good;
}

/* ---- holdout ---- */

bool value_view_holdout(const struct value_job *j, struct err *err)
{
	struct value_holdout h;
	if (j->model == VALUE_GAMMAGAMMA)
		return err_set(err, ERR_INPUT, "the holdout check is for a model of orders: --fit bgnbd, mbgnbd or paretonbd");
	if (!value_holdout_check(j->model, j->rows, j->count, j->until, j->end, j->unit, (int)j->threads, &h, err))
		return false;
	const char *columns[] = { "repeat_orders", "customers", "actual", "predicted", "actual_mean", "predicted_mean" };
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	for (int g = 0; g < VALUE_HOLDOUT_GROUPS; g++) {
		char name[16];
		double n = (double)h.group[g].customers;
		snprintf(name, sizeof name, g == VALUE_HOLDOUT_GROUPS - 1 ? "%d+" : "%d", g);
		table_cstr(t, name);
		table_int(t, (int64_t)h.group[g].customers);
		table_float(t, h.group[g].actual, 0);
		table_float(t, h.group[g].predicted, 1);
		if (n > 0) {
			table_float(t, h.group[g].actual / n, 3);
			table_float(t, h.group[g].predicted / n, 3);
		} else {
			table_null(t);
			table_null(t);
		}
	}
	if (j->format == FORMAT_JSON) {
		struct buf b;
		buf_init(&b, 1 << 20);
		buf_printf(&b,
		           "{\"model\": \"%s\", \"span\": %.8g, \"unit\": \"%s\", \"actual\": %.0f, \"predicted\": %.4f, "
		           "\"low\": %.4f, \"high\": %.4f, \"mean_absolute_error\": %.6f, \"naive_error\": %.6f, "
		           "\"correlation\": %.6f, \"groups\": ",
		           value_model_name(j->model), h.span, j->unit_name, h.actual, h.predicted, h.low, h.high,
		           h.mean_absolute_error, h.naive_error, h.correlation);
		table_json(t, &b);
		buf_cstr(&b, "}\n");
		fwrite(b.p, 1, b.n, stdout);
		buf_release(&b);
	} else {
		table_print(t, j->format, stdout);
		if (j->format == FORMAT_TABLE)
			printf("\nall: %.0f orders in %g %ss, predicted %.0f (95 %%: %.0f to %.0f); mean absolute error per "
			       "customer %.3f, "
			       "against %.3f for \"as often as so far\"; correlation %.3f\n",
			       h.actual, h.span, j->unit_name, h.predicted, h.low, h.high, h.mean_absolute_error, h.naive_error,
			       h.correlation);
	}
	table_free(t);
	return true;
}

/* ---- customers ---- */

struct worth {
	size_t line;
	double revenue;
};

static int worth_order(const void *a, const void *b)
{
	const struct worth *p = a, *q = b;
	if (p->revenue != q->revenue)
		return p->revenue > q->revenue ? -1 : 1;
	return p->line < q->line ? -1 : p->line > q->line;
}

static void print_customers(const struct value_job *j, const struct value_summary *s, const struct value_cells *c,
                            const struct value_fit *orders, const struct value_fit *spend)
{
	const char *columns[] = { "customer",   "repeat_orders", "last",   "age",     "alive",       "orders",
		                      "orders_low", "orders_high",   "amount", "revenue", "revenue_low", "revenue_high" };
	struct value_forecast *f = mem_alloc((c->count + 1) * sizeof *f);
	struct worth *w = mem_alloc((s->count + 1) * sizeof *w);
	value_predict_cells(orders, c, j->span, (int)j->threads, f);
	for (size_t i = 0; i < s->count; i++) {
		double amount = spend ? value_spend(spend, s->x[i], s->m[i], NULL) : 1;
		w[i] = (struct worth){ i, f[c->of[i]].orders * (amount > 0 ? amount : 1) };
	}
	qsort(w, s->count, sizeof *w, worth_order);
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	for (size_t k = 0; k < s->count && k < (size_t)j->top; k++) {
		size_t i = w[k].line;
		double last = s->tx_day[i] / s->unit_days, age = s->t_day[i] / s->unit_days;
		struct value_prospect p = value_prospect(orders, spend, s->x[i], last, age, s->m[i], j->span, j->level);
		table_text(t, intern_name(&j->customers, s->customer[i]));
		table_int(t, s->x[i]);
		table_float(t, last, 2);
		table_float(t, age, 2);
		table_float(t, p.alive, 4);
		table_float(t, p.orders, 3);
		table_float(t, p.orders_low, 0);
		table_float(t, p.orders_high, 0);
		const double money[] = { p.amount, p.revenue, p.revenue_low, p.revenue_high };
		for (size_t m = 0; m < ARRAY_LEN(money); m++) {
			if (p.amount >= 0)
				table_float(t, money[m], j->exponent);
			else
				table_null(t);
		}
	}
	table_print(t, j->format, stdout);
	table_free(t);
	free(w);
	free(f);
}

bool value_view_customers(const struct value_job *j, struct err *err)
{
	struct value_summary s;
	struct value_cells c;
	struct value_fit orders, spend;
	bool has_spend;
	if (!summarise(j, &s, err))
		return false;
	value_cells_make(&s, true, &c);
	bool good = fit_both(j, &s, &c, &orders, &spend, &has_spend, err);
	if (good)
		print_customers(j, &s, &c, &orders, has_spend ? &spend : NULL);
	value_cells_release(&c);
	value_summary_release(&s);
	return good;
}

/* ---- segments ---- */

bool value_view_segments(const struct value_job *j, struct err *err)
{
	struct value_summary s;
	if (!summarise(j, &s, err))
		return false;
	struct rfm *rfm = mem_alloc((s.count + 1) * sizeof *rfm);
	size_t count[RFM_SEGMENTS] = { 0 };
	int64_t spend[RFM_SEGMENTS] = { 0 }, total = 0;
	double days[RFM_SEGMENTS] = { 0 }, orders[RFM_SEGMENTS] = { 0 };
	rfm_scores(&s, rfm);
	for (size_t i = 0; i < s.count; i++) {
		int k = rfm[i].segment;
		count[k]++;
		spend[k] += s.first[i] + s.repeat[i];
		total += s.first[i] + s.repeat[i];
		days[k] += s.t_day[i] - s.tx_day[i];
		orders[k] += s.x[i] + 1;
	}
	const char *columns[] = { "segment", "name", "customers", "spend", "share", "mean_orders", "days_since", "advice" };
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	for (int k = 0; k < RFM_SEGMENTS; k++) {
		double n = (double)count[k];
		table_cstr(t, rfm_key((enum rfm_segment)k));
		table_cstr(t, rfm_name((enum rfm_segment)k, j->french));
		table_int(t, (int64_t)count[k]);
		table_float(t, major(j, spend[k]), j->exponent);
		if (n > 0 && total > 0) {
			table_float(t, (double)spend[k] / (double)total, 4);
		} else {
			table_null(t);
		}
		if (n > 0) {
			table_float(t, orders[k] / n, 2);
			table_float(t, days[k] / n, 0);
		} else {
			table_null(t);
			table_null(t);
		}
		table_cstr(t, rfm_advice((enum rfm_segment)k, j->french));
	}
	table_print(t, j->format, stdout);
	table_free(t);
	free(rfm);
	value_summary_release(&s);
	return true;
}

/* ---- 20/80 ---- */

static void share_row(struct table *t, const struct value_job *j, const char *what, const int64_t *amounts,
                      size_t count)
{
	struct share_view v;
	bool known = share_view_make(amounts, count, &v);
	table_cstr(t, what);
	table_int(t, (int64_t)count);
	if (!known) {
		for (int i = 0; i < 5; i++)
			table_null(t);
		return;
	}
	table_float(t, major(j, v.total), j->exponent);
	table_float(t, v.top_20_share, 4);
	table_int(t, (int64_t)v.count_for_80);
	table_float(t, v.part_for_80, 4);
	table_float(t, v.gini, 4);
}

bool value_view_share(const struct value_job *j, struct err *err)
{
	const char *columns[] = { "of", "count", "total", "top_20_share", "count_for_80", "part_for_80", "gini" };
	struct value_summary s;
	if (!summarise(j, &s, err))
		return false;
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	int64_t *spend = mem_alloc((s.count + 1) * sizeof *spend);
	for (size_t i = 0; i < s.count; i++)
		spend[i] = s.first[i] + s.repeat[i];
	share_row(t, j, "customers", spend, s.count);
	free(spend);
	if (j->product) {
		spend = mem_alloc((j->products.count + 1) * sizeof *spend);
		for (size_t i = 0; i < j->count; i++)
			if (j->rows[i].day <= j->until.day)
				spend[j->product[i]] += j->rows[i].minor;
		size_t products = 0; /* postage and the like are no product: they have no name */
		for (uint32_t p = 0; p < j->products.count; p++)
			if (intern_name(&j->products, p).n)
				spend[products++] = spend[p];
		share_row(t, j, "products", spend, products);
		free(spend);
	}
	table_print(t, j->format, stdout);
	table_free(t);
	value_summary_release(&s);
	return true;
}

/* ---- cohorts ---- */

bool value_view_cohorts(const struct value_job *j, struct err *err)
{
	const char *columns[] = { "cohort", "months_after", "customers", "active", "retention" };
	struct cohorts c;
	if (!cohorts_make(j->rows, j->count, j->until, &c, err))
		return false;
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	for (int i = 0; i < c.months; i++)
		for (int k = 0; k < c.months - i; k++) {
			uint32_t size = c.active[i * c.months], active = c.active[i * c.months + k];
			char name[16];
			int month = c.first_month + i;
			if (size == 0)
				continue;
			snprintf(name, sizeof name, "%04d-%02d", month / 12, month % 12 + 1);
			table_cstr(t, name);
			table_int(t, k);
			table_int(t, size);
			table_int(t, active);
			table_float(t, (double)active / size, 4);
		}
	table_print(t, j->format, stdout);
	table_free(t);
	cohorts_release(&c);
	return true;
}
