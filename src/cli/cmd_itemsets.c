/* relance itemsets: mines a file of baskets. */
#include "cli/cli.h"
#include "app/basket_file.h"

int cmd_itemsets(int argc, char **argv);

static char *put_number(char *p, uint32_t v)
{
	char digits[10];
	int n = 0;
	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*p++ = digits[--n];
	return p;
}

static void print_sets(const struct itemset_result *r)
{
	enum { OUT = 1 << 16, WORST = 11 };
	static char out[OUT];
	char *p = out;
	for (struct itemset s = { 0 }; itemset_next(r, &s);) {
		for (uint32_t i = 0; i < s.n; i++) {
			if (p + 2 * WORST + 4 > out + OUT) {
				fwrite(out, 1, (size_t)(p - out), stdout);
				p = out;
			}
			p = put_number(p, s.items[i]);
			*p++ = ' ';
		}
		if (p + 2 * WORST + 4 > out + OUT) {
			fwrite(out, 1, (size_t)(p - out), stdout);
			p = out;
		}
		*p++ = '(';
		p = put_number(p, s.support);
		*p++ = ')';
		*p++ = '\n';
	}
	fwrite(out, 1, (size_t)(p - out), stdout);
}

static bool run(const char *path, struct itemset_options *o, struct err *err)
{
	struct itemset_baskets *b = basket_file_read(path, o->threads, err);
	if (!b)
		return false;
	struct itemset_result r;
	bool ok = itemset_mine(b, o, &r, err);
	if (ok && o->count_only)
		printf("%llu\n", (unsigned long long)r.count);
	else if (ok)
		print_sets(&r);
	if (ok && !r.count && itemset_basket_count(b))
		fprintf(stderr, "no sets: none of the %llu items is in %u or more of the %llu baskets\n",
		        (unsigned long long)itemset_item_count(b), o->support, (unsigned long long)itemset_basket_count(b));
	else if (ok && !r.count)
		fprintf(stderr, "no sets: %s holds no basket\n", path);
	if (ok)
		itemset_result_release(&r);
	itemset_free(b);
	return ok;
}

int cmd_itemsets(int argc, char **argv)
{
	int64_t support = 0, threads = 0, limit = 0, size_max = 0;
	bool closed = false, maximal = false, count = false;
	const struct opt opts[] = {
		{ "--support", OPT_INT, &support, "N", "baskets that must hold the set, at least 1" },
		{ "--closed", OPT_FLAG, &closed, NULL, "only sets no larger set equals in support" },
		{ "--maximal", OPT_FLAG, &maximal, NULL, "only sets with no larger frequent set" },
		{ "--count", OPT_FLAG, &count, NULL, "print how many, not which" },
		{ "--size-max", OPT_INT, &size_max, "N", "at most N items in a set" },
		{ "--limit", OPT_INT, &limit, "N", "give up beyond N sets (100,000,000; 25,000,000 when printed)" },
		{ "--threads", OPT_INT, &threads, "N", "threads (all processors)" },
	};
	const struct usage usage = {
		"itemsets FILE --support N [--closed|--maximal] [--count]",
		"FILE holds one basket a line, items as whole numbers. One set a line comes out: its items, then (support).",
		"relance itemsets retail.dat --support 9 --count", 1, 1
	};
	const char *file[1];
	int files;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, file, &files);
	if (status >= 0)
		return status;
	if (support < 1 || support > UINT32_MAX)
		return cli_usage_error("itemsets needs --support N, from 1 to 4294967295");
	if (closed && maximal)
		return cli_usage_error("--closed or --maximal, not both");
	if (size_max < 0 || size_max > 60 || (size_max && (closed || maximal)))
		return cli_usage_error("--size-max is from 1 to 60, without --closed and --maximal");
	if (limit < 0 || threads < 0 || threads > 256)
		return cli_usage_error("--limit and --threads are positive (threads at most 256)");
	struct itemset_options o = {
		.support = (uint32_t)support,
		.kind = closed    ? ITEMSET_CLOSED
		        : maximal ? ITEMSET_MAXIMAL
		                  : ITEMSET_ALL,
		.size_max = (uint32_t)size_max,
		.limit = limit   ? (uint64_t)limit
		         : count ? ITEMSET_LIMIT_DEFAULT
		                 : ITEMSET_LIMIT_DEFAULT / 4,
		.threads = (int)threads,
		.count_only = count,
	};
	struct err err;
	return run(file[0], &o, &err) ? EXIT_DONE : cli_fail(&err);
}
