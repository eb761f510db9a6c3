/* A whole experiment report in memory: a shop of N customers with a year of orders, all of them in a plan with a tenth
 * in the control group; conversion, orders, revenue, net margin, CUPED, split check and verdicts. And the
 * business case, which measures every plan.
 *
 * usage: bench_uplift [--customers N] [--json] */
#include "figure.h"

#include "app/case_shop.h"
#include "base/hash.h"
#include "base/par.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { PRODUCTS = 500 };

struct trial {
	struct book *book;
	struct pstate *states;
	int64_t entry;
	size_t customers;
};

static size_t customers_of(int argc, char **argv)
{
	int64_t n = 1000000;
	for (int i = 1; i + 1 < argc; i++)
		if (str_is(str_from(argv[i]), "--customers"))
			check(str_i64(str_from(argv[i + 1]), &n) && n > 0);
	return (size_t)n;
}

static uint64_t draw(customer_id c, uint64_t what, uint64_t below)
{
	return hash_mix(hash_mix(77, c), what) % below;
}

static void customer(const struct trial *s, struct book_loader *l, customer_id c, struct buf *b)
{
	uint64_t orders = 1 + draw(c, 1, 5);
	struct err err;
	for (uint64_t o = 0; o < orders; o++) {
		char key[32];
		struct line lines[3];
		uint64_t n = 1 + draw(c, 10 + o, 3);
		for (uint64_t i = 0; i < n; i++)
			lines[i] = (struct line){ 1 + (product_id)draw(c, 100 + o * 8 + i, PRODUCTS), 1,
				                      1000 + (int64_t)draw(c, 200 + o * 8 + i, 9000) };
		int64_t at = s->entry - 300 * DAY_S + (int64_t)draw(c, 300 + o, 360 * DAY_S);
		buf_clear(b);
		body_write_order(&(struct order_body){ .lines = lines, .line_count = n, .channel = SALE_WEB }, b);
		int k = snprintf(key, sizeof key, "b:%u.%u", c, (unsigned)o);
		const struct fact f = { .customer = c,
			                    .seq = (int64_t)c * 16 + (int64_t)o,
			                    .kind = FACT_ORDER,
			                    .key = { key, (size_t)k },
			                    .at = { at },
			                    .learned_at = { at },
			                    .body = buf_view(b) };
		check(book_loader_add(l, &f, &err));
	}
	*pstate_add_run(&s->states[c]) =
		(struct run){ .entered_at = (uint32_t)s->entry, .run_no = 1, .control = draw(c, 2, 10) == 0 };
}

static void load(void *ctx, size_t from, size_t to, int thread)
{
	const struct trial *s = ctx;
	struct err err;
	struct buf b;
	(void)thread;
	buf_init(&b, BODY_MAX);
	struct book_loader *l = book_loader_new(s->book);
	for (size_t i = from; i < to && i < s->customers; i++)
		customer(s, l, (customer_id)i + 1, &b);
	check(book_loader_finish(l, &err));
	buf_release(&b);
}

static void products(struct book *book)
{
	struct product *p = mem_alloc((PRODUCTS + 1) * sizeof *p);
	for (int i = 1; i <= PRODUCTS; i++)
		p[i] = (struct product){ .sku = STR("x"), .price = 5000, .cost = 2000, .vat_percent_x2 = 40, .stock = -1 };
	book_set_products(book, p, PRODUCTS + 1);
}

int main(int argc, char **argv)
{
	struct trial s = { .customers = customers_of(argc, argv) };
	struct settings *settings = mem_alloc(sizeof *settings);
	struct plan *plan = mem_alloc(sizeof *plan);
	struct plan_set *set = mem_alloc(sizeof *set);
	struct currency euro;
	zone_id zone;
	check(zone_find(STR("Europe/Paris"), &zone) && currency_find(STR("EUR"), &euro));
	settings_defaults(settings, zone, LOCALE_FR, euro);
	*plan = (struct plan){ .name = STR("anti-churn"), .control_per_million = 100000, .version = 1 };
	set->plans[0] = plan;
	set->count = 1;
	s.entry = zone_instant(zone, date_from_ymd(2025, 9, 1), 0).s;
	s.book = book_new(&(struct book_options){ .zone = zone, .locale = LOCALE_FR });
	s.states = mem_alloc((s.customers + 1) * sizeof *s.states);
	products(s.book);
	par_for(s.customers, BOOK_CHUNK * 64, 0, load, &s);
	book_load_done(s.book, (uint32_t)s.customers, (int64_t)s.customers * 16 + 16);
	struct figures_shop shop = { .book = s.book,
		                         .version = book_pin(s.book),
		                         .states = s.states,
		                         .plans = set,
		                         .settings = settings,
		                         .now = { s.entry + 80 * DAY_S } };
	struct uplift u;
	struct finding f;
	double start = figure_seconds();
	uplift_make(&shop, &(struct uplift_ask){ .margin_per_mille = -1 }, &u);
	for (int o = 0; o < UPLIFT_OUTCOMES; o++)
		uplift_finding(&u, (enum uplift_outcome)o, settings, false, &f);
	double took = figure_seconds() - start;
	check(u.arm[0].customers + u.arm[1].customers == (int64_t)s.customers && u.outcome[UPLIFT_MARGIN].known);
	bool json = figure_json(argc, argv);
	char work[80];
	snprintf(work, sizeof work, "experiment report, %zu customers", s.customers);
	figure_print(json, work, took * 1000, 0, "ms", "<= 1000 at 1 M");
	struct case_shop *c = mem_alloc(sizeof *c);
	struct err err;
	start = figure_seconds();
	check(case_shop_make(&shop, false, c, &err));
	snprintf(work, sizeof work, "business case of a shop, %zu customers", s.customers);
	figure_print(json, work, (figure_seconds() - start) * 1000, 0, "ms", "-");
	return 0;
}
