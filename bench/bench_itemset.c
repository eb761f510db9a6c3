/* Mining speed, parsing included, count only:
 *     bench_itemset [--json] retail.dat T10I4D100K.dat [other.dat SUPPORT]
 *     bench_itemset --quest N > baskets.dat        (N baskets of the IBM Quest kind)
 *
 * Baselines are published figures of single-threaded programs on another 4-core machine (no Debian package has them);
 * they are labelled so. The generator follows Agrawal & Srikant (VLDB 1994, section 2.4.3): |L| maximal itemsets with
 * Poisson sizes of mean I = 4, half of the items shared with the one before (exponential, mean 0.5), exponential
 * weights, corruption levels normal with mean 0.5 and variance 0.1; baskets of Poisson size, mean T = 10, N = 10,000
 * items. |L| = 10,000, the default of IBM's own program: 279,063 sets at support 100. (The paper's table has 2,000;
 * the few heavy, uncorrupted patterns decide how many sets there are, so their number swings from draw to draw.) */
#include "app/basket_file.h"
#include "base/arena.h"
#include "base/hash.h"
#include "fold/rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ITEMS = 10000, PATTERNS = 10000, PATTERN_MAX = 32, BASKET_MAX = 256 };
#define CORRELATION         0.5
#define CORRUPTION_MEAN     0.5
#define CORRUPTION_VARIANCE 0.1

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct pattern {
	uint32_t items[PATTERN_MAX], n;
	double upto, corruption; /* cumulated weight */
};

static bool pattern_has(const struct pattern *p, uint32_t n, uint32_t item)
{
	for (uint32_t i = 0; i < n; i++)
		if (p->items[i] == item)
			return true;
	return false;
}

/* The first items come from the pattern before, the others from the whole catalogue; none twice. */
static void pattern_fill(struct rng *r, struct pattern *p, const struct pattern *before)
{
	uint32_t shared = before ? (uint32_t)(rng_exp(r, 1 / CORRELATION) * p->n + 0.5) : 0, tries = 0;
	for (uint32_t k = 0; k < p->n;) {
		bool old = k < shared && k < before->n && tries++ < 64;
		uint32_t item = old ? before->items[rng_below(r, before->n)] : rng_below(r, ITEMS);
		if (!pattern_has(p, k, item))
			p->items[k++] = item;
	}
}

static struct pattern *patterns_make(struct rng *r)
{
	struct pattern *p = mem_alloc(PATTERNS * sizeof(*p));
	double total = 0;
	for (int i = 0; i < PATTERNS; i++) {
		uint32_t n = rng_poisson(r, 4);
		p[i].n = n < 1 ? 1 : n > PATTERN_MAX ? PATTERN_MAX : n;
		pattern_fill(r, &p[i], i ? &p[i - 1] : NULL);
		p[i].upto = total += rng_exp(r, 1);
		p[i].corruption = CORRUPTION_MEAN + sqrt(CORRUPTION_VARIANCE) * rng_normal(r);
	}
	for (int i = 0; i < PATTERNS; i++)
		p[i].upto /= total;
	return p;
}

/* A weighted draw, corrupted: items are dropped one by one while a draw is below the level. */
static uint32_t pattern_draw(struct rng *r, const struct pattern *p, uint32_t *items)
{
	double u = rng_unit(r);
	int lo = 0, hi = PATTERNS - 1;
	while (lo < hi) {
		int mid = (lo + hi) / 2;
		if (p[mid].upto < u)
			lo = mid + 1;
		else
			hi = mid;
	}
	uint32_t n = p[lo].n;
	memcpy(items, p[lo].items, n * sizeof(*items));
	while (n > 0 && rng_unit(r) < p[lo].corruption)
		items[rng_below(r, n)] = items[n - 1], n--;
	return n;
}

static void quest(uint64_t baskets)
{
	struct rng r;
	rng_init(&r, 1994, 1);
	struct pattern *p = patterns_make(&r);
	uint32_t waiting[PATTERN_MAX], waits = 0;
	for (uint64_t b = 0; b < baskets; b++) {
		uint32_t want = rng_poisson(&r, 10), items[BASKET_MAX], n = waits, part[PATTERN_MAX];
		want = want < 1 ? 1 : want > BASKET_MAX / 2 ? BASKET_MAX / 2 : want;
		memcpy(items, waiting, waits * sizeof(*items));
		waits = 0;
		while (n < want) {
			uint32_t kept = pattern_draw(&r, p, part);
			if (n + kept > want && n &&
			    rng_below(&r, 2)) { /* too large: half of the time it waits for the next basket */
				memcpy(waiting, part, kept * sizeof(*part));
				waits = kept;
				break;
			}
			memcpy(items + n, part, kept * sizeof(*part));
			n += kept;
		}
		for (uint32_t k = 0; k < n; k++)
			printf("%u ", items[k]);
		putchar('\n');
	}
	free(p);
}

static void figure(const char *file, const char *work, uint32_t support, double baseline, const char *whose,
                   double goal, bool json)
{
	struct err err;
	double best = 1e9;
	uint64_t count = 0;
	for (int i = 0; i < 3; i++) {
		double t = now();
		struct itemset_baskets *b = basket_file_read(file, 0, &err);
		struct itemset_options o = { .support = support, .count_only = true };
		struct itemset_result r;
		if (!b || !itemset_mine(b, &o, &r, &err)) {
			fprintf(stderr, "%s\n", err.text);
			exit(EXIT_FAILURE);
		}
		count = r.count;
		itemset_free(b);
		best = now() - t < best ? now() - t : best;
	}
	if (json)
		printf("{\"work\": \"%s\", \"sets\": %llu, \"ours_s\": %.4f, \"baseline_s\": %.3f, \"goal_s\": %.3f}\n", work,
		       (unsigned long long)count, best, baseline, goal);
	else
		printf("%-34s %9llu sets %7.3f s  %s %.2f s  ×%.1f  goal %.2f s\n", work, (unsigned long long)count, best,
		       whose, baseline, baseline / best, goal);
}

static void figure_rules(const char *file, bool json)
{
	struct err err;
	struct rules_options o = { .support = 5, .q_max = 0.05 };
	struct rules r;
	double t = now();
	struct itemset_baskets *b = basket_file_read(file, 0, &err);
	if (!b || !rules_mine(b, &o, &r, &err))
		exit(EXIT_FAILURE);
	t = now() - t;
	printf(json ? "{\"work\": \"pair rules, Fisher, q\", \"rules\": %zu, \"ours_s\": %.4f, \"baseline_s\": 4.6, "
	              "\"goal_s\": 0.2}\n"
	            : "pair rules, Fisher, q-values       %9zu rules %6.3f s  apriori (published) 4.60 s  goal 0.20 s\n",
	       r.count, t);
	rules_release(&r);
	itemset_free(b);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && str_is(str_from(argv[1]), "--json");
	argv += json;
	argc -= json;
	if (argc == 3 && str_is(str_from(argv[1]), "--quest")) {
		quest(strtoull(argv[2], NULL, 10));
		return 0;
	}
	if (argc < 3) {
		fputs("bench_itemset [--json] retail.dat T10I4D100K.dat [other.dat SUPPORT] | --quest N\n", stderr);
		return 2;
	}
	figure(argv[1], "retail, support 9", 9, 0.32, "LCM3 (published)", 0.16, json);
	figure(argv[1], "retail, support 44", 44, 0.17, "best (published)", 0.17, json);
	figure(argv[2], "T10I4D100K, support 5", 5, 0.58, "eclat (published)", 0.58, json);
	if (argc > 4)
		figure(argv[3], "a million baskets", (uint32_t)strtoul(argv[4], NULL, 10), 2.8, "eclat (published)", 1, json);
	figure_rules(argv[1], json);
	return 0;
}
