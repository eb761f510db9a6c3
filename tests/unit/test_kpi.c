#include "unit.h"

#include "base/arena.h"
#include "base/hash.h"
#include "fold/kpi_fold.h"
#include "fold/pace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NEAR(a, b, tolerance)                                                                                          \
	ck_assert_msg(fabs((double)(a) - (double)(b)) <= (tolerance), "%s = %.12g, not %.12g", #a, (double)(a), (double)(b))

static double figure(enum kpi k, const struct kpi_input *in)
{
	struct kpi_value v = kpi_compute(k, in);
	ck_assert_msg(v.known, "%s: %s", kpi_definition(k)->key, v.why_en ? v.why_en : "");
	return v.value;
}

/* ---- formulas ---- */

START_TEST(each_formula_is_the_written_one)
{
	struct kpi_input i;
	kpi_input_init(&i);
	i.orders = 200;
	i.orders_complement = 50;
	i.order_value = 1000000;
	i.order_value_complement = 400000;
	NEAR(figure(KPI_CROSS_SELL_RATE, &i), 25, 1e-12);
	NEAR(figure(KPI_BASKET_UPLIFT, &i), 100, 1e-12); /* 8,000 against 4,000 */
	NEAR(figure(KPI_MEAN_BASKET, &i), 5000, 1e-12);
	i.accounts_eligible = 40;
	i.accounts_attached = 10;
	NEAR(figure(KPI_ATTACH_RATE, &i), 25, 1e-12);
	i.add_on_mrr = 12000;
	NEAR(figure(KPI_ADD_ON_MRR, &i), 12000, 0);
	NEAR(figure(KPI_ADD_ON_ARR, &i), 144000, 0);
	i.prospects = 500;
	i.prospects_sold = 60;
	NEAR(figure(KPI_CONVERSION, &i), 12, 1e-12);
	i.customers_start = 1000;
	i.customers_end = 1100;
	i.new_customers = 250;
	NEAR(figure(KPI_RETENTION, &i), 85, 1e-12);
	i.objective_reached = 30;
	i.objective_set = 40;
	NEAR(figure(KPI_OBJECTIVE_ATTAINMENT, &i), 75, 1e-12);
	i.acquisition_cost = 500000;
	NEAR(figure(KPI_CAC, &i), 2000, 1e-12);
	i.treated = 900;
	i.control = 100;
	i.treated_margin = 1800000;
	i.control_margin = 150000;
	i.treated_cost = 100000;
	NEAR(figure(KPI_INCREMENTAL_MARGIN, &i), 350000, 1e-9);
	i.cross_sell_firsts = 4;
	i.cross_sell_delay_days = 50;
	NEAR(figure(KPI_CROSS_SELL_DELAY, &i), 12.5, 1e-12);
	i.revenue = 950000;
	i.returned = 50000;
	NEAR(figure(KPI_RETURN_RATE, &i), 5, 1e-12);
	i.buyers = 190;
	NEAR(figure(KPI_REVENUE_PER_CUSTOMER, &i), 5000, 1e-12);
	i.delivered_knowable = 200;
	i.opened = 90;
	i.clicked = 20;
	NEAR(figure(KPI_OPEN_RATE, &i), 45, 1e-12);
	NEAR(figure(KPI_CLICK_RATE, &i), 10, 1e-12);
	i.carts = 300;
	i.carts_abandoned = 195;
	NEAR(figure(KPI_CARTS_ABANDONED, &i), 65, 1e-12);
	i.answers = 50;
	i.answers_satisfied = 45;
	i.surveys_delivered = 125;
	NEAR(figure(KPI_SATISFACTION, &i), 90, 1e-12);
	NEAR(figure(KPI_RESPONSE_RATE, &i), 40, 1e-12);
	i.add_ons_start = 80;
	i.add_ons_ended = 4;
	NEAR(figure(KPI_ADD_ON_CHURN, &i), 5, 1e-12);
	i.recurring_revenue = 700000;
	i.accounts = 35;
	NEAR(figure(KPI_ARPA, &i), 20000, 1e-12);
	i.proposals = 10;
	i.proposals_accepted = 3;
	NEAR(figure(KPI_ACCEPTANCE_RATE, &i), 30, 1e-12);
	i.convert_days = 90;
	i.converted = 6;
	NEAR(figure(KPI_TIME_TO_CONVERT, &i), 15, 1e-12);
	i.cycle_days = 120;
	i.deals_won = 3;
	NEAR(figure(KPI_SALES_CYCLE, &i), 40, 1e-12);
	i.leads_qualified = 8;
	i.leads_qualified_won = 2;
	NEAR(figure(KPI_QUALIFIED_CONVERSION, &i), 25, 1e-12);
	i.web_visits = 1000;
	i.web_orders = 31;
	NEAR(figure(KPI_WEB_CONVERSION, &i), 3.1, 1e-12);
	i.forecast_value = 90000;
	i.forecast_customers = 30;
	NEAR(figure(KPI_CLV, &i), 3000, 1e-12);
	i.objectives_met = 3;
	i.objectives_count = 4;
	NEAR(figure(KPI_OBJECTIVES_REACHED, &i), 75, 1e-12);
	i.margin = 300;
	i.margin_revenue = 1000;
	NEAR(figure(KPI_MARGIN_RATE, &i), 30, 1e-12);
	i.quantity = 77;
	NEAR(figure(KPI_SALES_VOLUME, &i), 77, 0);
}
END_TEST

/* No data, and every count zero: a sentence in both languages, or a true zero; never a NaN. */
START_TEST(no_data_is_a_sentence)
{
	struct kpi_input none, zero;
	kpi_input_init(&none);
	memset(&zero, 0, sizeof zero);
	for (int k = 0; k < KPI_ALL; k++) {
		const struct kpi_definition *d = kpi_definition((enum kpi)k);
		enum kpi found;
		ck_assert(d->key && d->fr && d->en && d->formula_fr && d->formula_en);
		ck_assert(kpi_find(str_from(d->key), &found) && (int)found == k);
		struct kpi_value v = kpi_compute((enum kpi)k, &none);
		ck_assert(!v.known && v.why_fr && v.why_en);
		v = kpi_compute((enum kpi)k, &zero);
		if (v.known)
			ck_assert(v.value == 0);
		else
			ck_assert(v.why_fr && strlen(v.why_fr) > 10 && strlen(v.why_en) > 10);
		if (d->unit == KPI_PERCENT)
			ck_assert(!v.known);
	}
	struct rng r;
	rng_init(&r, 4, 4);
	for (int run = 0; run < 20000; run++) {
		struct kpi_input i;
		int64_t *count = (int64_t *)&i;
		for (size_t k = 0; k < sizeof i / sizeof *count; k++)
			count[k] = rng_below(&r, 4) ? (int64_t)rng_below(&r, 1000) : rng_below(&r, 2) ? 0 : KPI_UNKNOWN;
		for (int k = 0; k < KPI_ALL; k++) {
			struct kpi_value v = kpi_compute((enum kpi)k, &i);
			ck_assert(v.known ? isfinite(v.value) : v.why_en != NULL);
		}
	}
}
END_TEST

START_TEST(changes_and_projections)
{
	struct kpi_value a = { .known = true, .value = 30 }, b = { .known = true, .value = 24 }, zero = { .known = true },
					 no = { 0 };
	NEAR(kpi_change(KPI_RETENTION, a, b).value, 6, 1e-12); /* points */
	NEAR(kpi_change(KPI_REVENUE, a, b).value, 25, 1e-12);  /* per cent */
	ck_assert(!kpi_change(KPI_REVENUE, a, zero).known && kpi_change(KPI_REVENUE, a, zero).why_fr);
	ck_assert(!kpi_change(KPI_REVENUE, a, no).known && !kpi_change(KPI_REVENUE, no, a).known);
	const double days[10] = { 20, 40, 30, 30, 20, 40, 30, 30, 20, 40 };
	struct pace p = pace_make(days, 10, 5, 30, 0.95);
	ck_assert(p.known);
	NEAR(p.expected, 900, 1e-9);
	NEAR(p.high - p.low, 2 * 2.2621571628 * sqrt(600.0 / 9 * (20 + 40)), 1e-6); /* t of 9; s² = 600 ÷ 9 */
	ck_assert(!pace_make(days, 6, 0, 30, 0.95).known);                          /* less than a week */
	const double quiet[10] = { 0 };
	ck_assert(!pace_make(quiet, 10, 0, 30, 0.95).known);
	const double late[8] = { 0, 0, 0, 0, 0, 0, 0, 4 };
	ck_assert_double_ge(pace_make(late, 8, 2, 30, 0.95).low, 6); /* never below what is there */
	p = pace_make(days, 10, 0, 10, 0.95);
	ck_assert(p.known && p.low == 300 && p.high == 300);
}
END_TEST

/* Ten thousand months of sales that come by the week, some days none: the interval holds the end of the month. */
START_TEST(the_pace_s_interval_covers)
{
	enum { MONTHS = 10000, LENGTH = 30 };
	static const double WEEK[7] = { 0.6, 0.8, 0.9, 1.0, 1.2, 1.6, 0.9 };
	int covered = 0, seen = 0;
	for (uint64_t m = 0; m < MONTHS; m++) {
		double day[LENGTH], total = 0;
		int elapsed = 7 + (int)(hash_mix(m, 1) % 20);
		for (int d = 0; d < LENGTH; d++) {
			day[d] = 0;
			for (uint64_t k = 0; k < 12; k++)
				if ((double)(hash_mix(hash_mix(m, 7), (uint64_t)d * 100 + k) >> 11) * 0x1p-53 <
				    WEEK[((uint64_t)d + m) % 7] * 0.4)
					day[d] +=
						-log(((double)(hash_mix(hash_mix(m, 9), (uint64_t)d * 100 + k) >> 11) + 1) * 0x1p-53) * 50;
			total += day[d];
		}
		struct pace p = pace_make(day, elapsed, 0, LENGTH, 0.95);
		seen += p.known;
		covered += p.known && p.low <= total && total <= p.high;
	}
	ck_assert_int_eq(seen, MONTHS);
	ck_assert_double_ge((double)covered / MONTHS, 0.94);
	ck_assert_double_le((double)covered / MONTHS, 0.99); /* no false modesty either */
}
END_TEST

/* ---- the fold against a naive one ---- */

enum { CUSTOMERS = 900, PRODUCTS = 40, GROUPS = 5 };

struct shop {
	uint32_t order_start[CUSTOMERS + 1];
	int32_t *day;
	uint32_t *at, *order_line, *product;
	uint8_t *flags;
	int32_t *quantity;
	int64_t *amount;
	uint16_t customer_group[CUSTOMERS], *order_group;
	uint32_t orders, lines;
	uint8_t complementary[PRODUCTS], not_a_product[PRODUCTS], vat[PRODUCTS];
	int64_t cost[PRODUCTS];
	uint16_t product_group[PRODUCTS];
};

static int day_order(const void *a, const void *b)
{
	return *(const int32_t *)a - *(const int32_t *)b;
}

static void shop_make(struct shop *s, uint64_t seed)
{
	struct rng r;
	enum { ORDERS = CUSTOMERS * 12, LINES = ORDERS * 5 };
	memset(s, 0, sizeof *s);
	rng_init(&r, seed, 0);
	s->day = mem_alloc(ORDERS * sizeof *s->day);
	s->at = mem_alloc(ORDERS * sizeof *s->at);
	s->order_line = mem_alloc((ORDERS + 1) * sizeof *s->order_line);
	s->flags = mem_alloc(ORDERS);
	s->order_group = mem_alloc(ORDERS * sizeof *s->order_group);
	s->product = mem_alloc(LINES * sizeof *s->product);
	s->quantity = mem_alloc(LINES * sizeof *s->quantity);
	s->amount = mem_alloc(LINES * sizeof *s->amount);
	for (int p = 0; p < PRODUCTS; p++) {
		s->complementary[p] = rng_below(&r, 6) == 0;
		s->not_a_product[p] = rng_below(&r, 10) == 0;
		s->vat[p] = rng_below(&r, 2) ? 40 : 11;
		s->cost[p] = rng_below(&r, 4) ? (int64_t)rng_below(&r, 900) : -1;
		s->product_group[p] = (uint16_t)rng_below(&r, GROUPS + 1); /* one too many: passed over */
	}
	for (int c = 0; c < CUSTOMERS; c++) {
		uint32_t n = rng_below(&r, 12);
		s->order_start[c] = s->orders;
		s->customer_group[c] = (uint16_t)rng_below(&r, GROUPS + 1);
		for (uint32_t o = 0; o < n; o++)
			s->day[s->orders + o] = 14000 + (int32_t)rng_below(&r, 1400);
		qsort(s->day + s->orders, n, sizeof *s->day, day_order);
		for (uint32_t o = 0; o < n; o++, s->orders++) {
			s->at[s->orders] = (uint32_t)s->day[s->orders] * DAY_S + 3600 * 11;
			s->order_line[s->orders] = s->lines;
			s->order_group[s->orders] = (uint16_t)rng_below(&r, GROUPS);
			bool back = rng_below(&r, 9) == 0;
			s->flags[s->orders] = back ? 0 : ORDER_SALE;
			for (uint32_t l = rng_below(&r, 4) + 1; l > 0; l--, s->lines++) {
				s->product[s->lines] = rng_below(&r, PRODUCTS + 3);
				s->quantity[s->lines] = back ? -1 : 1 + (int32_t)rng_below(&r, 3);
				s->amount[s->lines] = (int64_t)rng_below(&r, 5000) * (back ? -1 : 1);
			}
		}
	}
	s->order_start[CUSTOMERS] = s->orders;
	s->order_line[s->orders] = s->lines;
}

static void shop_free(struct shop *s)
{
	void *all[] = { s->day, s->at, s->order_line, s->flags, s->order_group, s->product, s->quantity, s->amount };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
}

static struct kpi_slice shop_slice(const struct shop *s, uint32_t from, uint32_t to, bool instants)
{
	return (struct kpi_slice){ to - from,
		                       s->order_start + from,
		                       instants ? NULL : s->day,
		                       instants ? s->at : NULL,
		                       s->flags,
		                       { s->order_line, sizeof *s->order_line },
		                       { s->product, sizeof *s->product },
		                       { s->quantity, sizeof *s->quantity },
		                       { s->amount, sizeof *s->amount },
		                       s->customer_group + from,
		                       s->order_group };
}

static struct kpi_plan shop_plan(const struct shop *s, enum kpi_by by)
{
	return (struct kpi_plan){ by,
		                      by == KPI_WHOLE ? 1 : GROUPS,
		                      12,
		                      0,
		                      { PRODUCTS, s->complementary, s->not_a_product, s->cost, s->vat, s->product_group } };
}

static int month_of(int32_t day)
{
	int y, m, d;
	date_ymd((struct date){ day }, &y, &m, &d);
	return y * 12 + m - 1;
}

/* Was somebody whose last sale before day D is less than twelve months old? */
static bool active_at(const struct shop *s, int c, int32_t D)
{
	int32_t last = INT32_MIN;
	for (uint32_t o = s->order_start[c]; o < s->order_start[c + 1]; o++)
		if ((s->flags[o] & ORDER_SALE) && s->day[o] < D)
			last = s->day[o];
	return last != INT32_MIN && date_add_months((struct date){ last }, 12).day > D;
}

/* One cell, computed the slow way: every order looked at for itself. */
static struct kpi_sums naive(const struct shop *s, enum kpi_by by, int month, uint32_t group)
{
	struct kpi_sums n = { 0 };
	int32_t D = date_from_ymd(month / 12, month % 12 + 1, 1).day;
	for (int c = 0; c < CUSTOMERS; c++) {
		bool bought = false, mine = by == KPI_WHOLE || (by == KPI_BY_CUSTOMER && s->customer_group[c] == group);
		int32_t first = INT32_MIN, cross = INT32_MIN;
		if (mine)
			n.customers_start += active_at(s, c, D);
		for (uint32_t o = s->order_start[c]; o < s->order_start[c + 1]; o++) {
			bool sale = s->flags[o] & ORDER_SALE, complement = false, here = false;
			int64_t value = 0;
			for (uint32_t l = s->order_line[o]; l < s->order_line[o + 1]; l++) {
				uint32_t p = s->product[l] < PRODUCTS ? s->product[l] : 0;
				bool counts = by == KPI_BY_PRODUCT ? s->product_group[p] == group
				              : by == KPI_BY_ORDER ? s->order_group[o] == group
				                                   : mine;
				complement |= s->product[l] < PRODUCTS && s->quantity[l] > 0 && s->complementary[p];
				if (!counts || month_of(s->day[o]) != month)
					continue;
				here = true;
				value += s->amount[l];
				n.revenue += s->amount[l];
				n.returned += s->amount[l] < 0 ? -s->amount[l] : 0;
				n.quantity += s->quantity[l] > 0 && !s->not_a_product[p] ? s->quantity[l] : 0;
				if (s->cost[p] >= 0) {
					int64_t net = llround((double)s->amount[l] * 200.0 / (200 + s->vat[p]));
					n.margin_revenue += net;
					n.margin += net - s->cost[p] * s->quantity[l];
				}
			}
			if (sale && first == INT32_MIN)
				first = s->day[o];
			if (sale && complement && cross == INT32_MIN)
				cross = s->day[o];
			if (!sale || !here)
				continue;
			bought = true;
			n.orders++;
			n.order_value += value;
			n.orders_complement += complement;
			n.order_value_complement += complement ? value : 0;
		}
		n.buyers += bought;
		if (mine && first != INT32_MIN && month_of(first) == month)
			n.new_customers++;
		if (mine && cross != INT32_MIN && month_of(cross) == month) {
			n.cross_sell_firsts++;
			n.cross_sell_delay_days += cross - first;
		}
	}
	return n;
}

START_TEST(the_fold_is_the_naive_count)
{
	static struct shop s;
	struct err err;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		shop_make(&s, seed);
		for (int by = KPI_WHOLE; by <= KPI_BY_PRODUCT; by++) {
			struct kpi_plan plan = shop_plan(&s, (enum kpi_by)by);
			struct kpi_slice whole = shop_slice(&s, 0, CUSTOMERS, false);
			struct kpi_table t;
			ck_assert(kpi_fold(&plan, &whole, 1, 1, &t, &err));
			for (int m = 0; m < t.months; m += 3)
				for (uint32_t g = 0; g < t.groups; g++) {
					struct kpi_sums n = naive(&s, (enum kpi_by)by, t.first_month + m, g);
					const struct kpi_sums *c = &t.cell[(size_t)m * t.groups + g];
					ck_assert_msg(memcmp(&n, c, sizeof n) == 0,
					              "by %d month %d group %u: orders %lld %lld, revenue %lld %lld, buyers %lld %lld, "
					              "start %lld %lld, "
					              "margin %lld %lld, new %lld %lld",
					              by, m, g, (long long)n.orders, (long long)c->orders, (long long)n.revenue,
					              (long long)c->revenue, (long long)n.buyers, (long long)c->buyers,
					              (long long)n.customers_start, (long long)c->customers_start, (long long)n.margin,
					              (long long)c->margin, (long long)n.new_customers, (long long)c->new_customers);
				}
			kpi_table_release(&t);
		}
		shop_free(&s);
	}
}
END_TEST

START_TEST(slices_threads_and_instants_change_nothing)
{
	static struct shop s;
	struct err err;
	shop_make(&s, 3);
	for (int by = KPI_WHOLE; by <= KPI_BY_PRODUCT; by++) {
		struct kpi_plan plan = shop_plan(&s, (enum kpi_by)by);
		struct kpi_slice whole = shop_slice(&s, 0, CUSTOMERS, false), cut[9];
		struct kpi_table a, b;
		for (uint32_t k = 0; k < 9; k++)
			cut[k] = shop_slice(&s, k * 100, (k + 1) * 100, true);
		ck_assert(kpi_fold(&plan, &whole, 1, 1, &a, &err) && kpi_fold(&plan, cut, 9, 4, &b, &err));
		ck_assert_int_eq(a.months, b.months);
		ck_assert_mem_eq(a.cell, b.cell, ((size_t)a.months + 1) * a.groups * sizeof *a.cell);
		kpi_table_release(&a);
		kpi_table_release(&b);
	}
	shop_free(&s);
}
END_TEST

START_TEST(a_period_is_its_months)
{
	static struct shop s;
	struct err err;
	struct kpi_table t;
	struct kpi_input year, month, none;
	shop_make(&s, 5);
	struct kpi_plan plan = shop_plan(&s, KPI_WHOLE);
	struct kpi_slice whole = shop_slice(&s, 0, CUSTOMERS, false);
	ck_assert(kpi_fold(&plan, &whole, 1, 2, &t, &err));
	int from = t.first_month + 12;
	int64_t revenue = 0;
	for (int m = from; m < from + 12; m++) {
		kpi_input_of(&t, 0, m, m, &month);
		revenue += month.revenue;
		ck_assert(month.buyers > 0);
	}
	kpi_input_of(&t, 0, from, from + 11, &year);
	ck_assert_int_eq(year.revenue, revenue);
	ck_assert_int_eq(year.customers_end, month.customers_end);
	ck_assert(year.buyers == KPI_UNKNOWN);
	ck_assert(kpi_compute(KPI_RETENTION, &year).known);
	kpi_input_of(&t, 0, t.first_month + 5000, t.first_month + 5001, &none); /* a period without data */
	for (int k = 0; k < KPI_ALL; k++) {
		struct kpi_value v = kpi_compute((enum kpi)k, &none);
		ck_assert(!v.known || v.value == 0);
	}
	kpi_table_release(&t);
	struct kpi_slice empty = { 0 };
	ck_assert(!kpi_fold(&plan, &empty, 1, 1, &t, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "no order"));
	shop_free(&s);
}
END_TEST

UNIT_MAIN("kpi", each_formula_is_the_written_one, no_data_is_a_sentence, changes_and_projections,
          the_pace_s_interval_covers, the_fold_is_the_naive_count, slices_threads_and_instants_change_nothing,
          a_period_is_its_months)
