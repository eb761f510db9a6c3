/* What is missing from a basket: the measure counted again by a plain reading of the baskets, and what is answered
 * beside the simple methods on made-up shops. */
#include "unit.h"

#include "base/hash.h"
#include "fold/complete.h"

#include <math.h>
#include <stdlib.h>

enum { THEMES = 30, EACH = 8, STAPLES = 6, ITEMS = THEMES * EACH + STAPLES, BASKETS = 6000, LINES = 8, K = 5 };

struct baskets {
	uint64_t start[BASKETS + 1];
	uint32_t item[BASKETS * LINES];
	size_t n;
};

static void put(struct baskets *b, uint32_t item)
{
	for (uint64_t q = b->start[b->n]; q < b->start[b->n + 1]; q++)
		if (b->item[q] == item)
			return;
	b->item[b->start[b->n + 1]++] = item;
}

/* Every basket is of one or two themes, with staples that go with anything; the first of a theme is bought most. */
static void make(struct baskets *b, uint64_t seed)
{
	struct rng r;
	rng_init(&r, seed, 1);
	for (b->n = 0; b->n < BASKETS; b->n++) {
		b->start[b->n + 1] = b->start[b->n];
		uint32_t themes = 1 + rng_below(&r, 2), lines = 1 + rng_below(&r, LINES - 1);
		uint32_t theme[2] = { rng_below(&r, THEMES), rng_below(&r, THEMES) };
		for (uint32_t i = 0; i < lines; i++)
			put(b, rng_below(&r, 3) == 0 ? THEMES * EACH + rng_below(&r, STAPLES)
			                             : theme[i % themes] * EACH + rng_below(&r, 1 + rng_below(&r, EACH)));
	}
}

/* Popularity by the protocol's words: the share of later baskets whose hidden item is among the K best sold others. */
static double popularity_again(const struct baskets *b, uint32_t least, uint32_t *cases)
{
	uint32_t sales[ITEMS] = { 0 };
	size_t learn = b->n * 8 / 10, hits = 0;
	for (uint64_t q = 0; q < b->start[learn]; q++)
		sales[b->item[q]]++;
	*cases = 0;
	for (size_t n = 0; n < b->n - learn; n++) {
		uint32_t kept[LINES], size = 0, above = 0;
		for (uint64_t q = b->start[learn + n]; q < b->start[learn + n + 1]; q++)
			if (sales[b->item[q]] >= least)
				kept[size++] = b->item[q];
		if (size < 2)
			continue;
		uint32_t hidden = kept[n % size];
		for (uint32_t i = 0; i < ITEMS; i++) {
			bool in = false;
			for (uint32_t k = 0; k < size; k++)
				in |= kept[k] == i && i != hidden;
			above += !in && (sales[i] > sales[hidden] || (sales[i] == sales[hidden] && i < hidden));
		}
		(*cases)++;
		hits += above < K;
	}
	return (double)hits / *cases;
}

START_TEST(completion_is_measured_as_written)
{
	static struct baskets b;
	make(&b, 3);
	struct complete_report r;
	struct err err;
	ck_assert(complete_run(b.start, b.item, b.n, &(struct complete_options){ .k = K, .threads = 2 }, &r, &err));
	uint32_t cases;
	double popularity = popularity_again(&b, 20, &cases);
	ck_assert_uint_eq(r.anyone.cases, cases);
	ck_assert_double_eq_tol(r.anyone.methods[0].hit_rate, popularity, 1e-9);
	ck_assert_uint_eq(r.known.cases, 0); /* nobody comes twice */
	/* what is answered sees the themes and the staples: the rule is nearly all there is to know, the blend has 0.94 of
	 * it */
	const struct complete_part *p = &r.anyone;
	ck_assert_msg(p->methods[COMPLETE_SERVED].hit_rate >= 0.97 * p->methods[p->best_single].hit_rate, "%.4f, %s %.4f",
	              p->methods[COMPLETE_SERVED].hit_rate, p->methods[p->best_single].name,
	              p->methods[p->best_single].hit_rate);
	ck_assert_msg(p->methods[COMPLETE_SERVED].ndcg >= 0.97 * p->methods[p->best_single].ndcg, "%.4f, %.4f",
	              p->methods[COMPLETE_SERVED].ndcg, p->methods[p->best_single].ndcg);
}
END_TEST

START_TEST(completion_refuses_what_it_cannot_read)
{
	static struct baskets b;
	make(&b, 4);
	struct complete_report r;
	struct complete_options o = { .k = K, .threads = 1 };
	struct err err;
	ck_assert(!complete_run(b.start, b.item, 99, &o, &r, &err));
	ck_assert_msg(strstr(err.text, "fewer than 100 baskets") != NULL, "%s", err.text);
	b.item[7] = 4000000000u;
	ck_assert(!complete_run(b.start, b.item, b.n, &o, &r, &err));
	ck_assert_msg(strstr(err.text, "above 100,000,000") != NULL, "%s", err.text);
}
END_TEST

/* Customers of one theme each, orders of a lamp and what goes with it: what they have is not what is asked for. */
START_TEST(completion_of_known_customers_asks_for_what_they_lack)
{
	enum { CUSTOMERS = 1500, ORDERS = 4, DAYS = 200 };
	uint32_t *order_start = calloc(CUSTOMERS + 1, 4), *line_start = calloc(CUSTOMERS * ORDERS + 1, 4);
	uint32_t *item = calloc(CUSTOMERS * ORDERS * 3, 4), order = 0, line = 0;
	int32_t *day = calloc(CUSTOMERS * ORDERS, 4);
	struct rng r;
	rng_init(&r, 11, 1);
	for (uint32_t c = 0; c < CUSTOMERS; c++) {
		uint32_t theme = rng_below(&r, THEMES);
		for (uint32_t o = 0; o < ORDERS; o++) {
			for (uint32_t q = 0; q < 3; q++)
				item[line++] = q < 2 ? theme * EACH + (c + o * 2 + q) % EACH : rng_below(&r, ITEMS);
			day[order] = (int32_t)(o * DAYS / ORDERS + rng_below(&r, DAYS / ORDERS));
			line_start[++order] = line;
		}
		order_start[c + 1] = order;
	}
	struct rec_data d = { .customers = CUSTOMERS,
		                  .items = ITEMS,
		                  .order_start = order_start,
		                  .order_day = day,
		                  .line_start = line_start,
		                  .line_item = item };
	struct complete_report one, three;
	struct complete_options o = { .k = K, .threads = 1 };
	struct err err;
	ck_assert_msg(complete_shop(&d, DAYS * 3 / 4, &o, &one, &err), "%s", err.text);
	o.threads = 3;
	ck_assert(complete_shop(&d, DAYS * 3 / 4, &o, &three, &err));
	ck_assert_mem_eq(&one.known, &three.known, sizeof(one.known));
	ck_assert_mem_eq(&one.anyone, &three.anyone, sizeof(one.anyone));
	ck_assert_uint_gt(one.known.cases, CUSTOMERS * 9 / 10);
	const struct complete_part *p = &one.known;
	ck_assert_msg(p->methods[COMPLETE_SERVED].hit_rate >= p->methods[p->best_single].hit_rate, "%.4f, %s %.4f",
	              p->methods[COMPLETE_SERVED].hit_rate, p->methods[p->best_single].name,
	              p->methods[p->best_single].hit_rate);
	ck_assert(!complete_shop(&d, -1, &o, &one, &err));
	ck_assert_msg(strstr(err.text, "before the split: no orders") != NULL, "%s", err.text);
	ck_assert(complete_shop(&d, DAYS + 1, &o, &one, &err));
	ck_assert_uint_eq(one.anyone.cases + one.known.cases, 0);
	free(order_start);
	free(line_start);
	free(item);
	free(day);
}
END_TEST

UNIT_MAIN("complete", completion_is_measured_as_written, completion_refuses_what_it_cannot_read,
          completion_of_known_customers_asks_for_what_they_lack)
