/* Recommendation quality beside its baselines, same items, same split. Files are given on the command line:
 *     bench_quality retail.dat DC.json TMS.json
 * (Online Retail: relance evaluate --orders-csv FILE --split 2011-06-01.) */
#include "base/arena.h"
#include "fold/complete.h"
#include "fold/nextbasket.h"

#include <stdio.h>
#include <stdlib.h>

static struct str slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size_t cap = 0, n = 0, got;
	char *p = NULL;
	do {
		p = mem_grow(p, &cap, n + (1 << 20), 1);
		got = fread(p + n, 1, 1 << 20, f);
		n += got;
	} while (got);
	fclose(f);
	return (struct str){ p, n };
}

static void completion(struct str text)
{
	uint64_t *start = NULL;
	uint32_t *items = NULL;
	size_t baskets = 0, start_cap = 0, items_cap = 0, n = 0;
	start = mem_grow(start, &start_cap, 1, sizeof(*start));
	start[0] = 0;
	for (const char *p = text.p, *end = text.p + text.n; p < end; p++) {
		if (*p >= '0' && *p <= '9') {
			uint32_t v = 0;
			for (; p < end && *p >= '0' && *p <= '9'; p++)
				v = v * 10 + (uint32_t)(*p - '0');
			items = mem_grow(items, &items_cap, n + 1, sizeof(*items));
			items[n++] = v;
			if (p >= end)
				break;
		}
		if (*p == '\n') {
			start = mem_grow(start, &start_cap, baskets + 2, sizeof(*start));
			start[++baskets] = n;
		}
	}
	struct complete_options o = { .k = 10 };
	struct complete_report r;
	struct err err;
	if (!complete_run(start, items, baskets, &o, &r, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(EXIT_FAILURE);
	}
	printf("basket completion, %u baskets, %u items      HR@10  NDCG@10   goal .327 / .242\n", r.anyone.cases, r.items);
	for (int m = 0; m < COMPLETE_METHODS; m++)
		printf("  %-44s %.4f   %.4f%s\n", r.anyone.methods[m].name, r.anyone.methods[m].hit_rate,
		       r.anyone.methods[m].ndcg, m == COMPLETE_SERVED ? "  what is answered" : "");
	free(start);
	free(items);
}

static void next_basket(const char *path, struct str text)
{
	struct err err;
	struct nb_data *d = nb_parse(text, &err);
	struct nb_options o = { .k = 10, .seed = 1 };
	struct nb_report *r = mem_alloc(sizeof(*r));
	if (!d || !nb_evaluate(d, &o, r, &err)) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		exit(EXIT_FAILURE);
	}
	printf("next basket, %-33s recall   ndcg    phr\n", path);
	for (size_t i = 0; i < r->count; i++)
		printf("  %-44s %.4f  %.4f  %.4f%s\n", r->methods[i].name, r->methods[i].test.recall, r->methods[i].test.ndcg,
		       r->methods[i].test.phr, i == r->chosen ? "  default" : "");
	nb_free(d);
	free(r);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct str text = slurp(argv[i]);
		if (str_ends(str_from(argv[i]), STR(".json")))
			next_basket(argv[i], text);
		else
			completion(text);
		free((char *)text.p);
	}
	return 0;
}
