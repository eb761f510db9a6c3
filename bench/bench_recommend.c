/* Building every model for a large shop, taking 1,000 new orders into it, and answering one customer. A made-up shop
 * with skewed sales: --customers N (1,000,000), about 12 lines each, --items N (10,000). One line per figure: work,
 * ours, goal. */
#include "base/arena.h"
#include "base/hash.h"
#include "base/par.h"
#include "fold/recommend_follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of all threads: what the work costs, also on a machine that is busy with other things. */
static double processor(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of the calling thread, which has a share in every parallel loop: about what it takes when the cores are idle. */
static double own_processor(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sales fall off with rank as in real shops; half of an order comes from the customer's own corner of the catalogue. */
static uint32_t draw_item(struct rng *r, uint32_t items, uint32_t corner)
{
	double u = rng_unit(r);
	uint32_t rank = (uint32_t)((double)items * u * u * u);
	return rng_below(r, 2) ? rank : (corner + rank % 200) % items;
}

static void make(struct rec_data *d, uint32_t customers, uint32_t items)
{
	struct rng r;
	rng_init(&r, 1, 1);
	uint32_t *order_start = mem_alloc((customers + 1u) * 4), *line_start = mem_alloc((customers * 5u + 1) * 4);
	uint32_t *line_item = mem_alloc((size_t)customers * 13 * 4 + 4096);
	int32_t *day = mem_alloc((customers * 5u + 1) * 4);
	struct rec_item *item = mem_alloc(items * sizeof(*item));
	uint32_t order = 0, line = 0, most = customers * 13u;
	for (uint32_t c = 0; c < customers; c++) {
		uint32_t n = 1 + rng_below(&r, 5), corner = rng_below(&r, items);
		int32_t at = 15000 + (int32_t)rng_below(&r, 200);
		for (uint32_t o = 0; o < n; o++, at += 1 + (int32_t)rng_below(&r, 60)) {
			uint32_t k = 1 + rng_below(&r, 7);
			for (uint32_t q = 0; q < k && line < most; q++)
				line_item[line++] = draw_item(&r, items, corner);
			day[order++] = at;
			line_start[order] = line;
		}
		order_start[c + 1] = order;
	}
	for (uint32_t i = 0; i < items; i++)
		item[i] = (struct rec_item){
			.type = i / 20, .collection = REC_NONE, .replaced_by = REC_NONE, .price_minor = 500 + rng_below(&r, 5000)
		};
	*d = (struct rec_data){ .customers = customers,
		                    .items = items,
		                    .order_start = order_start,
		                    .order_day = day,
		                    .line_start = line_start,
		                    .line_item = line_item,
		                    .item = item };
}

struct batch {
	const struct rec_model *m;
	const struct rec_data *d;
	bool basket; /* with the first items of the next customer's newest order in it, every other time a visitor's */
	uint64_t answers[PAR_THREADS_MAX];
};

static struct rec_ask ask_of(const struct batch *b, uint32_t customer, const struct rec_guards *g)
{
	enum { BASKET = 3 };
	struct rec_ask ask = { .customer = customer, .guards = g };
	if (!b->basket)
		return ask;
	uint32_t order = b->d->order_start[(customer + 1) % b->d->customers + 1] - 1;
	uint32_t n = b->d->line_start[order + 1] - b->d->line_start[order];
	ask.customer = customer % 2 ? customer : REC_NONE;
	ask.basket = b->d->line_item + b->d->line_start[order];
	ask.basket_n = n < BASKET ? n : BASKET;
	return ask;
}

static void ask_body(void *ctx, size_t from, size_t to, int thread)
{
	struct batch *b = ctx;
	struct rec_scratch *s = rec_scratch_new(b->m);
	struct rec_guards g = rec_guards_default(15400, 6);
	struct buf why;
	buf_init(&why, 4096);
	for (size_t c = from; c < to; c++) {
		struct rec_list l;
		struct rec_ask ask = ask_of(b, (uint32_t)c, &g);
		rec_cross(b->m, s, &ask, 3, &l);
		buf_clear(&why);
		for (size_t i = 0; i < l.count; i++)
			rec_why_text(b->m, &l.answers[i], REC_FRENCH, &why);
		b->answers[thread] += l.count;
	}
	buf_release(&why);
	rec_scratch_free(s);
}

/* In slices: their mean, and the least any slice took, which is what it takes when nothing else runs. */
static void one_by_one(struct batch *b, uint32_t customers)
{
	enum { SLICES = 50, SLICE = 2000 };
	double sum = 0, cpu = 0, least = 1e9;
	uint32_t asked = 0;
	for (uint32_t from = 0; from < customers && from < SLICES * SLICE; from += SLICE) {
		uint32_t to = customers - from < SLICE ? customers : from + SLICE;
		double t = now(), p = own_processor();
		ask_body(b, from, to, 0);
		p = own_processor() - p;
		sum += now() - t;
		cpu += p;
		asked += to - from;
		least = p / (to - from) < least ? p / (to - from) : least;
	}
	printf("%-52s %7.1f us %12s\n",
	       b->basket ? "top 3 for a basket, guards and why" : "top 3 of one customer, guards and why",
	       sum / asked * 1e6, "50 us");
	printf("%-52s %7.1f us %12s\n", "  processor time of it", cpu / asked * 1e6, "");
	printf("%-52s %7.1f us %12s\n", "  of the quickest slice: the time on idle cores", least * 1e6, "");
}

/* ---- new orders ---- */

enum { NEW_ORDERS = 1000, NEW_LINES_MAX = 7, HISTORY_LINES = 64, HISTORY_ORDERS = 16, NEW_DAY = 15499 };

struct grown { /* a history with one order more */
	int32_t day[HISTORY_ORDERS];
	uint32_t line_start[HISTORY_ORDERS + 1], item[HISTORY_LINES];
	struct rec_history h;
};

struct growing {
	const struct rec_data *d;
	struct grown *grown;
	uint32_t *of; /* by customer: index into grown + 1 */
};

static void read_history(void *ctx, int thread, uint32_t who, struct rec_history *out)
{
	const struct growing *g = ctx;
	const struct rec_data *d = g->d;
	uint32_t first = d->order_start[who];
	(void)thread;
	*out = (struct rec_history){
		d->order_start[who + 1] - first, d->order_day + first, d->line_start + first, d->line_item, NULL, NULL
	};
	if (g->of[who])
		*out = g->grown[g->of[who] - 1].h;
}

static void grow_history(struct growing *g, struct grown *x, uint32_t who, struct rng *r)
{
	struct rec_history was;
	uint32_t line = 0, k = 1 + rng_below(r, NEW_LINES_MAX);
	read_history(g, 0, who, &was);
	x->h = (struct rec_history){ was.orders + 1, x->day, x->line_start, x->item, NULL, NULL };
	for (uint32_t o = 0; o < was.orders; o++) {
		x->day[o] = was.day[o];
		for (uint32_t q = was.line_start[o]; q < was.line_start[o + 1]; q++)
			x->item[line++] = was.item[q];
		x->line_start[o + 1] = line;
	}
	uint32_t corner = line ? x->item[rng_below(r, line)] : 0;
	for (uint32_t q = 0; q < k; q++)
		x->item[line++] = draw_item(r, g->d->items, corner);
	x->day[was.orders] = NEW_DAY;
	x->line_start[was.orders + 1] = line;
	g->of[who] = (uint32_t)(x - g->grown) + 1;
}

/* What a refresh would cost that learns anew all but weights, trees and EASE. */
static double learn_again(const struct rec_data *d, const struct rec_model *before)
{
	struct err err;
	double t = now(), cpu = processor();
	struct rec_model *m = rec_build(d, &(struct rec_options){ .before = before }, &err);
	check(m != NULL);
	t = now() - t;
	printf("%-52s %8.2f s\n", "every model again, the slowest parts taken over", t);
	printf("%-52s %8.2f s\n", "  processor time of it, all threads", processor() - cpu);
	rec_free(m);
	return t;
}

/* Thousands of new orders a time, as they would come in the course of a day. */
static void follow(const struct rec_data *d, struct rec_model **m)
{
	enum { TIMES = 5 };
	struct rec_follow *f = rec_model_follow(*m);
	double again = learn_again(d, *m);
	struct growing g = { d, mem_alloc(TIMES * NEW_ORDERS * sizeof(struct grown)), mem_alloc((d->customers + 1u) * 4) };
	struct rec_reader reader = { &g, d->customers, 0, read_history };
	struct err err;
	struct rng r;
	rng_init(&r, 2, 2);
	printf("%-52s %7.0f MB\n", "  kept to follow", (double)rec_follow_bytes(f) / 1048576);
	for (int time = 0; time < TIMES; time++) {
		double t = now(), cpu = processor();
		check(rec_follow_items(f, d));
		for (uint32_t k = 0; k < NEW_ORDERS; k++) {
			struct rec_change c = { .who = rng_below(&r, d->customers) };
			if (g.of[c.who])
				continue; /* once a day is enough */
			read_history(&g, 0, c.who, &c.was);
			grow_history(&g, &g.grown[time * NEW_ORDERS + (int)k], c.who, &r);
			read_history(&g, 0, c.who, &c.is);
			rec_follow_change(f, &c);
		}
		struct rec_model *next = rec_follow_build(f, d, *m, &reader, &(struct rec_options){ 0 }, &err);
		check(next != NULL);
		t = now() - t;
		struct rec_follow_told told = rec_follow_told(f);
		printf("%-52s %8.2f s %10.0fx\n", "1,000 new orders taken into the models", t, again / t);
		printf("%-52s %8.2f s\n", "  processor time of it, all threads", processor() - cpu);
		printf("  %llu counts changed, %llu rows counted again (%llu histories)%s%s\n", (unsigned long long)told.pairs,
		       (unsigned long long)told.rows, (unsigned long long)told.histories, told.days ? ", a new day" : "",
		       told.ease ? ", EASE solved" : "");
		rec_free(*m);
		*m = next;
	}
	rec_follow_free(f);
	free(g.grown);
	free(g.of);
}

int main(int argc, char **argv)
{
	uint32_t customers = 1000000, items = 10000;
	for (int i = 1; i + 1 < argc; i += 2)
		*(str_is(str_from(argv[i]), "--items") ? &items : &customers) = (uint32_t)strtoul(argv[i + 1], NULL, 10);
	struct rec_data d;
	make(&d, customers, items);
	struct err err;
	struct rec_options o = { .follow = true };
	double t = now(), cpu = processor(), own = own_processor();
	struct rec_model *m = rec_build(&d, &o, &err);
	check(m != NULL);
	double built = now() - t, own_built = own_processor() - own;
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	printf("%-52s %10s %12s\n", "work", "ours", "goal");
	printf("%-52s %8.2f s %12s\n", "build every model", built, "30 s");
	printf("%-52s %8.2f s %12s\n", "  processor time of it, all threads", processor() - cpu, "");
	printf("%-52s %8.2f s %12s\n", "  of it in the first thread: the time on idle cores", own_built, "");
	printf("  %u customers, %u lines, %u products\n", customers, d.line_start[d.order_start[customers]], items);
	printf("%-52s %7.0f MB %12s\n", "  peak memory, the orders included", (double)use.ru_maxrss / 1024, "2,048 MB");
	struct rec_weights w = rec_model_weights(m);
	printf("  weights: basket %.2f, after %.2f, customers %.2f, ease %.2f, popular %.3f\n", (double)w.beside,
	       (double)w.after, (double)w.users, (double)w.ease, (double)w.popular);
	follow(&d, &m);
	struct batch b = { .m = m, .d = &d };
	for (int basket = 0; basket < 2; basket++) {
		b.basket = basket;
		one_by_one(&b, customers);
		t = now();
		par_for(customers, 4096, 0, ask_body, &b);
		printf("%-52s %7.0f /s %12s\n", "batch, all processors", customers / (now() - t), "100,000 /s");
	}
	rec_free(m);
	return 0;
}
