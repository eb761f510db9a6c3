#include "cli/evaluate_print.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- bars: one line a method, best first; eighths of a character ---- */

enum { BAR_COLUMNS = 40, BARS_MAX = 24, NAME_COLUMNS = 24 };

struct bar {
	const char *name;
	double value;
	bool ours;
};

static int by_value(const void *a, const void *b)
{
	const struct bar *x = a, *y = b;
	return (x->value < y->value) - (x->value > y->value);
}

static void print_bars(const char *title, struct bar *bars, size_t n)
{
	static const char *const EIGHTHS[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	double most = 0;
	for (size_t i = 0; i < n; i++)
		most = bars[i].value > most ? bars[i].value : most;
	qsort(bars, n, sizeof *bars, by_value);
	printf("\n%s\n", title);
	for (size_t i = 0; i < n; i++) {
		int eighths = most > 0 && bars[i].value > 0 ? (int)lround(bars[i].value / most * BAR_COLUMNS * 8) : 0;
		printf("  %-*s %s ", NAME_COLUMNS, bars[i].name, bars[i].ours ? "●" : " ");
		for (int c = 0; c < eighths / 8; c++)
			fputs("█", stdout);
		printf("%s %.4f\n", EIGHTHS[eighths % 8], bars[i].value);
	}
}

/* ---- basket sequences ---- */

static void metrics_json(struct buf *b, const struct nb_metrics *m)
{
	buf_printf(b,
	           "{\"recall\": %.6f, \"ndcg\": %.6f, \"phr\": %.6f, \"users\": %u, \"repeat\": {\"recall\": %.6f, "
	           "\"users\": %u}, \"new\": {\"recall\": %.6f, \"users\": %u}",
	           m->recall, m->ndcg, m->phr, m->users, m->recall_repeat, m->users_repeat, m->recall_new, m->users_new);
}

static void method_json(struct buf *b, const struct nb_method_result *r)
{
	metrics_json(b, &r->test);
	buf_cstr(b, ", \"validate\": ");
	metrics_json(b, &r->validate);
	buf_cstr(b, "}, \"chosen\": ");
	buf_json(b, str_from(r->chosen));
	buf_char(b, '}');
}

static void baskets_json(const struct nb_report *r, int k)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_printf(&b, "{\"k\": %d, \"default\": ", k);
	method_json(&b, &r->methods[r->chosen]);
	buf_printf(&b, ",\n \"default_method\": \"%s\",\n \"methods\": {", r->methods[r->chosen].name);
	for (size_t i = 0; i < r->count; i++) {
		buf_printf(&b, "%s\n  \"%s\": ", i ? "," : "", r->methods[i].name);
		method_json(&b, &r->methods[i]);
	}
	buf_cstr(&b, "\n }\n}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

void evaluate_lists_json(const struct nb_data *d, const struct nb_report *r, int k, struct buf *out)
{
	const char *quote = nb_items_quoted(d) ? "\"" : "";
	const uint32_t *list = r->methods[r->chosen].lists;
	buf_char(out, '{');
	for (uint32_t u = d->split_start[NB_TEST]; u < d->users; u++, list += k) {
		struct str key = nb_user_key(d, u); /* as it stood between quotes: already escaped */
		buf_printf(out, "%s\n\"%.*s\": [", u > d->split_start[NB_TEST] ? "," : "", (int)key.n, key.p);
		for (int i = 0; i < k && list[i] != UINT32_MAX; i++) {
			struct str item = nb_item_name(d, list[i]);
			buf_printf(out, "%s%s%.*s%s", i ? ", " : "", quote, (int)item.n, item.p, quote);
		}
		buf_char(out, ']');
	}
	buf_cstr(out, "\n}\n");
}

static void baskets_table(const struct nb_report *r, enum format format)
{
	static const char *const COLUMNS[] = { "method",        "recall",         "ndcg",  "phr",
		                                   "repeat_recall", "new_recall",     "users", "validate_recall",
		                                   "default",       "chosen_settings" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < r->count; i++) {
		const struct nb_metrics *m = &r->methods[i].test;
		table_cstr(t, r->methods[i].name);
		table_float(t, m->recall, 4);
		table_float(t, m->ndcg, 4);
		table_float(t, m->phr, 4);
		table_float(t, m->recall_repeat, 4);
		table_float(t, m->recall_new, 4);
		table_int(t, m->users);
		table_float(t, r->methods[i].validate.recall, 4);
		table_cstr(t, i == r->chosen ? "default" : "");
		table_cstr(t, r->methods[i].chosen);
	}
	table_print(t, format, stdout);
	table_free(t);
}

void evaluate_print_baskets(const struct nb_report *r, int k, enum format format)
{
	struct bar bars[BARS_MAX];
	char title[64];
	if (format == FORMAT_JSON) {
		baskets_json(r, k);
		return;
	}
	baskets_table(r, format);
	for (size_t i = 0; i < r->count && i < BARS_MAX; i++)
		bars[i] = (struct bar){ r->methods[i].name, r->methods[i].test.recall, i == r->chosen };
	snprintf(title, sizeof title, "recall at %d (● default)", k);
	if (format == FORMAT_TABLE)
		print_bars(title, bars, r->count < BARS_MAX ? r->count : BARS_MAX);
}

/* ---- a shop's orders ---- */

static double against(const struct crosseval_report *r, size_t i)
{
	double single = r->methods[r->best_single].hit_rate;
	return single > 0 ? r->methods[i].hit_rate / single : 0;
}

static const char *role(const struct crosseval_report *r, size_t i)
{
	return i == r->served ? "default" : i == r->blend ? "slow, not served" : i == r->best_single ? "best single" : "";
}

static void cross_table(const struct crosseval_report *r, int k)
{
	static const char *const COLUMNS[] = { "method", "hit_rate", "ndcg", "against_best_single", "role" };
	struct bar bars[BARS_MAX];
	char title[96];
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < r->count; i++) {
		table_cstr(t, r->methods[i].name);
		table_float(t, r->methods[i].hit_rate, 4);
		table_float(t, r->methods[i].ndcg, 4);
		table_float(t, against(r, i), 3);
		table_cstr(t, role(r, i));
		bars[i] = (struct bar){ r->methods[i].name, r->methods[i].hit_rate, i == r->served };
	}
	printf("Cross-sell: what %u customers bought for the first time in their next order\n", r->cases);
	if (r->cases < r->whole)
		printf("(a sample of %u: the catalogue is too large for all of them)\n", r->whole);
	puts("");
	table_print(t, FORMAT_TABLE, stdout);
	table_free(t);
	if (r->learn_cases)
		snprintf(title, sizeof title, "hit rate at %d (● what is answered; blend: from %u earlier cases)", k,
		         r->learn_cases);
	else
		snprintf(title, sizeof title, "hit rate at %d (● what is answered; no blend learnt)", k);
	print_bars(title, bars, r->count);
}

/* ---- what is missing from a basket ---- */

static double basket_against(const struct complete_part *p, size_t i)
{
	double single = p->methods[p->best_single].hit_rate;
	return single > 0 ? p->methods[i].hit_rate / single : 0;
}

static const char *basket_role(const struct complete_part *p, size_t i)
{
	return i == COMPLETE_SERVED ? "default" : i == p->best_single ? "best single" : "";
}

static void basket_table(const struct complete_part *p, int k, const char *title)
{
	static const char *const COLUMNS[] = { "method", "hit_rate", "ndcg", "against_best_single", "role" };
	struct bar bars[COMPLETE_METHODS];
	char under[64];
	printf("\nBasket: one product hidden from %u %s\n", p->cases, title);
	if (p->cases < p->whole)
		printf("(a sample of %u)\n", p->whole);
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < COMPLETE_METHODS; i++) {
		table_cstr(t, p->methods[i].name);
		table_float(t, p->methods[i].hit_rate, 4);
		table_float(t, p->methods[i].ndcg, 4);
		table_float(t, basket_against(p, i), 3);
		table_cstr(t, basket_role(p, i));
		bars[i] = (struct bar){ p->methods[i].name, p->methods[i].hit_rate, i == COMPLETE_SERVED };
	}
	puts("");
	table_print(t, FORMAT_TABLE, stdout);
	table_free(t);
	snprintf(under, sizeof under, "found among %d (● what is answered)", k);
	print_bars(under, bars, COMPLETE_METHODS);
}

static void put_money(struct table *t, const struct evaluate_shop *e, double minor)
{
	char text[32];
	table_number(t, str_from(money_plain((struct money){ llround(minor) }, e->currency, text)));
}

static void up_table(const struct evaluate_shop *e)
{
	static const char *const COLUMNS[] = { "method", "hit_rate", "revenue_a_case", "tier_accuracy", "answered" };
	const struct recoeval *r = e->rest;
	struct bar bars[RECOEVAL_METHODS];
	printf(
		"\nUp-sell: %u customers came back for a dearer product of a type they had, %u of them within the price cap\n",
		r->up_cases, r->up_within_cap);
	if (!r->up_within_cap)
		return;
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (int i = 0; i < RECOEVAL_METHODS; i++) {
		table_cstr(t, r->up[i].name);
		table_float(t, r->up[i].hit_rate, 4);
		put_money(t, e, r->up[i].revenue_minor);
		table_float(t, r->up[i].tier_accuracy, 4);
		table_int(t, r->up[i].answered);
		bars[i] = (struct bar){ r->up[i].name, r->up[i].hit_rate, i == RECOEVAL_OURS };
	}
	puts("");
	table_print(t, FORMAT_TABLE, stdout);
	table_free(t);
	print_bars("hit rate within the cap", bars, RECOEVAL_METHODS);
}

static void due_table(const struct recoeval *r)
{
	static const char *const COLUMNS[] = { "method",        "mean_error_days", "median_error_days",
		                                   "within_7_days", "interval",        "before_the_date" };
	struct bar bars[RECOEVAL_METHODS];
	printf("\nDue dates: %u told, %u of them bought again by the end of the data\n", r->due_cases, r->due_again);
	if (!r->due_again)
		return;
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (int i = 0; i < RECOEVAL_METHODS; i++) {
		table_cstr(t, r->due[i].name);
		table_float(t, r->due[i].error_days, 1);
		table_float(t, r->due[i].median_days, 1);
		table_float(t, r->due[i].within_7, 4);
		if (i == RECOEVAL_OURS) {
			table_float(t, r->due[i].inside, 4);
			table_float(t, r->due[i].before, 4);
		} else {
			table_null(t);
			table_null(t);
		}
		bars[i] = (struct bar){ r->due[i].name, r->due[i].within_7, i == RECOEVAL_OURS };
	}
	puts("");
	table_print(t, FORMAT_TABLE, stdout);
	table_free(t);
	puts(
		"  interval: share inside the 80 % interval (0.8 is right); before: share before the date told (0.5 is right)");
	print_bars("within 7 days of the date told", bars, RECOEVAL_METHODS);
}

static void put_row(struct table *t, const char *part, const char *method, const char *measure, double v)
{
	table_cstr(t, part);
	table_cstr(t, method);
	table_cstr(t, measure);
	table_float(t, v, 6);
}

static void basket_rows(struct table *t, const char *part, const struct complete_part *p, size_t i)
{
	if (!p->cases)
		return;
	put_row(t, part, p->methods[i].name, "hit_rate", p->methods[i].hit_rate);
	put_row(t, part, p->methods[i].name, "ndcg", p->methods[i].ndcg);
	put_row(t, part, p->methods[i].name, "against_best_single", basket_against(p, i));
}

static void shop_csv(const struct evaluate_shop *e)
{
	static const char *const COLUMNS[] = { "part", "method", "measure", "value" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; e->cross && i < e->cross->count; i++) {
		const struct crosseval_result *r = &e->cross->methods[i];
		put_row(t, "cross", r->name, "hit_rate", r->hit_rate);
		put_row(t, "cross", r->name, "ndcg", r->ndcg);
		put_row(t, "cross", r->name, "against_best_single", against(e->cross, i));
	}
	for (size_t i = 0; e->basket && i < COMPLETE_METHODS; i++) {
		basket_rows(t, "basket", &e->basket->anyone, i);
		basket_rows(t, "basket_known", &e->basket->known, i);
	}
	for (int i = 0; e->rest && i < RECOEVAL_METHODS; i++) {
		const struct recoeval_up *u = &e->rest->up[i];
		put_row(t, "up", u->name, "hit_rate", u->hit_rate);
		put_row(t, "up", u->name, "revenue_minor", u->revenue_minor);
		put_row(t, "up", u->name, "tier_accuracy", u->tier_accuracy);
	}
	for (int i = 0; e->rest && i < RECOEVAL_METHODS; i++) {
		const struct recoeval_due *u = &e->rest->due[i];
		put_row(t, "due", u->name, "mean_error_days", u->error_days);
		put_row(t, "due", u->name, "median_error_days", u->median_days);
		put_row(t, "due", u->name, "within_7_days", u->within_7);
		if (i == RECOEVAL_OURS) {
			put_row(t, "due", u->name, "interval", u->inside);
			put_row(t, "due", u->name, "before_the_date", u->before);
		}
	}
	table_print(t, FORMAT_CSV, stdout);
	table_free(t);
}

static void cross_json(struct buf *b, const struct evaluate_shop *e)
{
	const struct crosseval_report *r = e->cross;
	if (!r) {
		buf_cstr(b, "{\"k\": ");
		buf_printf(b, "%d, \"default\": null, \"methods\": {}, \"why\": ", e->k);
		buf_json(b, str_from(e->why_not));
		return;
	}
	const struct crosseval_result *d = &r->methods[r->served];
	buf_printf(b,
	           "{\"k\": %d, \"customers\": %u, \"learn_cases\": %u, \"default\": {\"hit_rate\": %.6f, \"ndcg\": %.6f, "
	           "\"against_best_single\": %.6f}, \"default_method\": \"%s\", \"best_single\": \"%s\",\n \"methods\": {",
	           e->k, r->cases, r->learn_cases, d->hit_rate, d->ndcg, against(r, r->served), d->name,
	           r->methods[r->best_single].name);
	for (size_t i = 0; i < r->count; i++)
		buf_printf(b, "%s\n  \"%s\": {\"hit_rate\": %.6f, \"ndcg\": %.6f, \"against_best_single\": %.6f}", i ? "," : "",
		           r->methods[i].name, r->methods[i].hit_rate, r->methods[i].ndcg, against(r, i));
	buf_cstr(b, "\n }");
}

static void basket_json(struct buf *b, const char *name, const struct complete_part *p)
{
	buf_printf(b, ",\n \"%s\": {\"cases\": %u, \"best_single\": \"%s\", \"methods\": {", name, p->cases,
	           p->methods[p->best_single].name);
	for (size_t i = 0; i < COMPLETE_METHODS; i++)
		buf_printf(b, "%s\n  \"%s\": {\"hit_rate\": %.6f, \"ndcg\": %.6f, \"against_best_single\": %.6f}", i ? "," : "",
		           p->methods[i].name, p->methods[i].hit_rate, p->methods[i].ndcg, basket_against(p, i));
	buf_cstr(b, "}}");
}

static void rest_json(struct buf *b, const struct recoeval *r)
{
	buf_printf(b, ",\n \"up\": {\"cases\": %u, \"within_cap\": %u, \"methods\": {", r->up_cases, r->up_within_cap);
	for (int i = 0; i < RECOEVAL_METHODS; i++)
		buf_printf(b,
		           "%s\n  \"%s\": {\"hit_rate\": %.6f, \"revenue_minor\": %.2f, \"tier_accuracy\": %.6f, "
		           "\"answered\": %u}",
		           i ? "," : "", r->up[i].name, r->up[i].hit_rate, r->up[i].revenue_minor, r->up[i].tier_accuracy,
		           r->up[i].answered);
	buf_printf(b, "}},\n \"due\": {\"told\": %u, \"bought_again\": %u, \"methods\": {", r->due_cases, r->due_again);
	for (int i = 0; i < RECOEVAL_METHODS; i++) {
		const struct recoeval_due *u = &r->due[i];
		buf_printf(b, "%s\n  \"%s\": {\"mean_error_days\": %.3f, \"median_error_days\": %.1f, \"within_7_days\": %.6f",
		           i ? "," : "", u->name, u->error_days, u->median_days, u->within_7);
		if (i == RECOEVAL_OURS)
			buf_printf(b, ", \"interval\": %.6f, \"before_the_date\": %.6f", u->inside, u->before);
		buf_char(b, '}');
	}
	buf_cstr(b, "}}");
}

void evaluate_print_shop(const struct evaluate_shop *e, enum format format)
{
	struct buf b;
	switch (format) {
	case FORMAT_TABLE:
		if (e->cross)
			cross_table(e->cross, e->k);
		else
			printf("Cross-sell: %s\n", e->why_not);
		if (e->basket) {
			if (e->basket->anyone.cases)
				basket_table(&e->basket->anyone, e->k, "orders, nothing known of who ordered");
			else
				printf("\nBasket: no order after the split holds two products that are in %u orders before it\n",
				       e->basket->sales_min);
			if (e->basket->known.cases)
				basket_table(&e->basket->known, e->k, "first orders of known customers, one they never had");
		}
		if (e->rest) {
			up_table(e);
			due_table(e->rest);
		}
		return;
	case FORMAT_CSV: shop_csv(e); return;
	case FORMAT_JSON:
		buf_init(&b, 1 << 20);
		cross_json(&b, e);
		if (e->basket) {
			basket_json(&b, "basket", &e->basket->anyone);
			basket_json(&b, "basket_known", &e->basket->known);
		}
		if (e->rest)
			rest_json(&b, e->rest);
		buf_cstr(&b, "}\n");
		fwrite(b.p, 1, b.n, stdout);
		buf_release(&b);
		return;
	}
}
