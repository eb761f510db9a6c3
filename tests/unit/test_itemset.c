/* Itemsets against brute force over every subset, the published counts of FIMI's files, and bad input. */
#include "unit.h"

#include "base/hash.h"
#include "app/basket_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS = 11, ROWS_MAX = 120 };

struct small {
	uint32_t rows[ROWS_MAX]; /* bit i = item i */
	uint32_t support[1 << ITEMS];
	int n;
	char text[ROWS_MAX * ITEMS * 16];
};

static void small_make(struct small *d, uint64_t seed)
{
	struct rng r;
	rng_init(&r, seed, 7);
	d->n = 1 + (int)rng_below(&r, ROWS_MAX);
	double density = 0.1 + 0.85 * rng_unit(&r);
	char *p = d->text;
	for (int i = 0; i < d->n; i++) {
		d->rows[i] = 0;
		for (uint32_t j = 0; j < ITEMS; j++)
			if (rng_unit(&r) < density * (j % 3 ? 1 : 0.5) || (seed % 4 == 0 && j == 5))
				d->rows[i] |= 1u << j;
		for (uint32_t j = ITEMS; j-- > 0;) /* descending, sometimes twice: order and repeats must not matter */
			for (int twice = 0; twice <= (int)rng_below(&r, 2); twice++)
				if (d->rows[i] >> j & 1)
					p += snprintf(p, 16, "%u ", j * 3 + 1);
		*p++ = '\n';
	}
	*p = 0;
	for (uint32_t set = 0; set < 1u << ITEMS; set++) {
		d->support[set] = 0;
		for (int i = 0; i < d->n; i++)
			d->support[set] += (d->rows[i] & set) == set;
	}
}

static bool wanted(const struct small *d, uint32_t set, uint32_t minimum, enum itemset_kind kind)
{
	if (!set || d->support[set] < minimum)
		return false;
	for (uint32_t j = 0; j < ITEMS && kind != ITEMSET_ALL; j++)
		if (!(set >> j & 1)) {
			uint32_t more = d->support[set | 1u << j];
			if (kind == ITEMSET_CLOSED ? more == d->support[set] : more >= minimum)
				return false;
		}
	return true;
}

static void compare(const struct small *d, uint32_t minimum, enum itemset_kind kind, uint32_t size_max, int threads)
{
	struct err err = { 0 };
	struct itemset_baskets *b = itemset_parse(d->text, strlen(d->text), threads, &err);
	ck_assert_msg(b != NULL, "%s", err.text);
	struct itemset_options o = { .support = minimum, .kind = kind, .size_max = size_max, .threads = threads };
	struct itemset_result r;
	ck_assert_msg(itemset_mine(b, &o, &r, &err), "%s", err.text);
	uint8_t *seen = calloc(1u << ITEMS, 1);
	uint64_t expected = 0, listed = 0;
	for (uint32_t set = 0; set < 1u << ITEMS; set++)
		expected += wanted(d, set, minimum, kind) && (!size_max || (uint32_t)__builtin_popcount(set) <= size_max);
	for (struct itemset s = { 0 }; itemset_next(&r, &s); listed++) {
		uint32_t set = 0;
		for (uint32_t i = 0; i < s.n; i++) {
			ck_assert(s.items[i] % 3 == 1 && (i == 0 || s.items[i] > s.items[i - 1]));
			set |= 1u << (s.items[i] / 3);
		}
		ck_assert_uint_eq(s.support, d->support[set]);
		ck_assert(wanted(d, set, minimum, kind) && !seen[set]);
		seen[set] = 1;
	}
	ck_assert_uint_eq(listed, expected);
	ck_assert_uint_eq(r.count, expected);
	itemset_result_release(&r);
	o.count_only = true;
	ck_assert(itemset_mine(b, &o, &r, &err));
	ck_assert_uint_eq(r.count, expected);
	itemset_result_release(&r);
	itemset_free(b);
	free(seen);
}

START_TEST(itemset_agrees_with_brute_force)
{
	struct small *d = malloc(sizeof(*d));
	for (uint64_t seed = 1; seed <= 120; seed++) {
		small_make(d, seed);
		for (int kind = ITEMSET_ALL; kind <= ITEMSET_MAXIMAL; kind++)
			compare(d, 1 + (uint32_t)(seed * 7 % 13), (enum itemset_kind)kind, 0, 1 + (int)(seed % 3));
		compare(d, 2, ITEMSET_ALL, 1 + (uint32_t)(seed % 4), 2);
	}
	free(d);
}
END_TEST

/* Published counts (FIMI): what any exact miner finds. */
static void fimi(const char *name, uint32_t support, uint64_t expected)
{
	const char *data = getenv("RELANCE_DATA");
	char command[512], path[] = P_tmpdir "/relance-fimi-XXXXXX";
	int fd = mkstemp(path);
	ck_assert(fd >= 0);
	snprintf(command, sizeof(command), "zstd -dqf -o %s %s/fimi/%s.dat.zst 2>/dev/null", path,
	         data ? data : RELANCE_SOURCE "/../shared/data", name);
	if (system(command) != 0) {
		fprintf(stderr, "skipped: %s.dat.zst is not in RELANCE_DATA\n", name);
		unlink(path);
		return;
	}
	struct err err = { 0 };
	struct itemset_baskets *b = basket_file_read(path, 0, &err);
	unlink(path);
	ck_assert_msg(b != NULL, "%s", err.text);
	struct itemset_options o = { .support = support, .count_only = true };
	struct itemset_result r;
	ck_assert_msg(itemset_mine(b, &o, &r, &err), "%s", err.text);
	ck_assert_uint_eq(r.count, expected);
	itemset_result_release(&r);
	itemset_free(b);
}

START_TEST(itemset_counts_fimi)
{
	fimi("retail", 9, 240852);
	fimi("retail", 44, 19836);
	fimi("T10I4D100K", 5, 1923259);
}
END_TEST

static void refused(const char *text, uint32_t support, enum itemset_kind kind, const char *says)
{
	struct err err = { 0 };
	struct itemset_baskets *b = itemset_parse(text, strlen(text), 1, &err);
	if (b) {
		struct itemset_options o = { .support = support, .kind = kind, .limit = 1000000 };
		struct itemset_result r;
		ck_assert(!itemset_mine(b, &o, &r, &err));
		itemset_free(b);
	}
	ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
}

START_TEST(itemset_refuses_bad_input)
{
	refused("1 2\n3 x\n", 1, ITEMSET_ALL, "line 2");
	refused("1 2\n\n\n-4\n", 1, ITEMSET_ALL, "line 4");
	refused("4294967295\n", 1, ITEMSET_ALL, "line 1");
	refused("1 99999999999999999999999999\n", 1, ITEMSET_ALL, "line 1");
	refused("1 2\n", 0, ITEMSET_ALL, "at least 1");
	char *text = malloc(3 * 60000 + 1), *p = text;
	for (int row = 0; row < 3; row++) { /* 3 equal baskets of 10,000 items: 2^10000 − 1 sets, one closed */
		for (int i = 0; i < 10000; i++)
			p += snprintf(p, 8, "%d ", i);
		*p++ = '\n';
	}
	*p = 0;
	refused(text, 2, ITEMSET_ALL, "more than 1000000 sets");
	struct err err;
	struct itemset_baskets *b = itemset_parse(text, strlen(text), 2, &err);
	struct itemset_options o = { .support = 2, .kind = ITEMSET_CLOSED };
	struct itemset_result r;
	ck_assert(b && itemset_mine(b, &o, &r, &err));
	ck_assert_uint_eq(r.count, 1);
	itemset_result_release(&r);
	o.kind = ITEMSET_MAXIMAL;
	ck_assert(itemset_mine(b, &o, &r, &err));
	ck_assert_uint_eq(r.count, 1);
	itemset_result_release(&r);
	itemset_free(b);
	free(text);
}
END_TEST

START_TEST(itemset_takes_odd_text)
{
	struct err err;
	const char *text = "\r\n7,7\t007\r\n4294967294 7\n\n7";
	struct itemset_baskets *b = itemset_parse(text, strlen(text), 4, &err);
	ck_assert(b && itemset_basket_count(b) == 3 && itemset_item_count(b) == 2);
	struct itemset_options o = { .support = 1 };
	struct itemset_result r;
	ck_assert(itemset_mine(b, &o, &r, &err));
	ck_assert_uint_eq(r.count, 3); /* 7; 4294967294; both */
	itemset_result_release(&r);
	itemset_free(b);
	b = itemset_parse("", 0, 0, &err);
	ck_assert(b && itemset_mine(b, &o, &r, &err) && r.count == 0);
	itemset_result_release(&r);
	itemset_free(b);
}
END_TEST

/* Baskets of one digit and a line end are the most words a byte can make; many of them, so that a place too few is
 * seen. */
START_TEST(itemset_takes_the_shortest_baskets)
{
	enum { LINES = 400000 };
	char *text = malloc(2 * LINES);
	struct err err;
	for (size_t i = 0; i < LINES; i++) {
		text[2 * i] = (char)('0' + i % 10);
		text[2 * i + 1] = '\n';
	}
	struct itemset_baskets *b = itemset_parse(text, 2 * LINES, 3, &err);
	ck_assert_msg(b != NULL, "%s", err.text);
	ck_assert_uint_eq(itemset_basket_count(b), LINES);
	ck_assert_uint_eq(itemset_item_count(b), 10);
	for (int kind = ITEMSET_ALL; kind <= ITEMSET_MAXIMAL; kind++) {
		struct itemset_options o = { .support = LINES / 10, .kind = (enum itemset_kind)kind, .threads = 3 };
		struct itemset_result r;
		ck_assert_msg(itemset_mine(b, &o, &r, &err), "%s", err.text);
		ck_assert_uint_eq(r.count, 10);
		for (struct itemset s = { 0 }; itemset_next(&r, &s);)
			ck_assert(s.n == 1 && s.support == LINES / 10);
		itemset_result_release(&r);
	}
	itemset_free(b);
	free(text);
}
END_TEST

UNIT_MAIN("itemset", itemset_agrees_with_brute_force, itemset_counts_fimi, itemset_refuses_bad_input,
          itemset_takes_odd_text, itemset_takes_the_shortest_baskets)
