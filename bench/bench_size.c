/* bench_size: how large a shop's database grows in five years, for each customer.
 *
 *   bench_size DB [--json] [--years 5]
 *
 * DB is a simulated shop of so many years (relance simulate --years 5) nobody else needs. Its facts are measured; then
 * the shipped plans are switched on at its first day and the ticker lives through all its days, twice a day, with the
 * shipped messages rendered in full and a courier that accepts: runs, decisions, messages and what is kept of their
 * content are measured in turn. Sizes are the file's, after a checkpoint. */
#include "app/courier.h"
#include "app/live_int.h"
#include "app/switch.h"
#include "figure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { HOUR = 3600, YEAR_DAYS = 365 };

static bool json;

static void die(const struct err *err)
{
	fprintf(stderr, "bench_size: %s\n", err->text);
	exit(1);
}

static void say(const char *work, double ours, const char *unit)
{
	if (json)
		printf("{\"work\": \"%s\", \"ours\": %.4g, \"unit\": \"%s\", \"goal\": \"stated\"}\n", work, ours, unit);
	else
		printf("%-58s %12.4g %12s %8s  %-8s goal stated\n", work, ours, "-", "-", unit);
	fflush(stdout);
}

static double size_kb(const char *path)
{
	struct err err;
	struct shop shop;
	struct stat st;
	struct db *db = store_open(path, false, &shop, &err);
	if (!db || !db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err))
		die(&err);
	db_close(db);
	check(stat(path, &st) == 0);
	return (double)st.st_size / 1e3;
}

static bool render(void *ctx, struct live *l, struct outbox_message *m, struct arena *a, struct err *err)
{
	struct courier real = courier_of(ctx);
	return real.render(real.ctx, l, m, a, err);
}

static struct settlement hand_off(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a,
                                  struct instant now)
{
	(void)ctx, (void)l, (void)m, (void)a;
	return (struct settlement){ .to = MESSAGE_ACCEPTED, .at = now, .outcome = STR("250") };
}

static void switch_all_on(const char *address, struct instant now)
{
	struct err err;
	struct shop shop;
	struct db *db = store_open(address, false, &shop, &err);
	if (!db)
		die(&err);
	struct settings *settings = mem_alloc(sizeof *settings);
	settings_defaults(settings, shop.zone, shop.locale, shop.currency);
	struct plan_set *set = mem_alloc(sizeof *set);
	struct plan_issues *issues = mem_alloc(sizeof *issues);
	struct arena a;
	arena_init(&a);
	if (!plans_load(NULL, settings, now, &a, set, issues, &err))
		die(&err);
	for (size_t i = 0; i < set->count; i++) {
		struct switch_result r;
		if (!switch_plan_on(db, set->plans[i], now, &r, &err))
			die(&err);
	}
	arena_release(&a);
	free(set);
	free(issues);
	free(settings);
	db_close(db);
}

int main(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		fputs("usage: bench_size DB [--json] [--years N]\n", stderr);
		return 2;
	}
	json = figure_json(argc, argv);
	int64_t years = 5;
	for (int i = 2; i + 1 < argc; i++)
		if (strcmp(argv[i], "--years") == 0)
			check(str_i64(str_from(argv[i + 1]), &years) && years > 0 && years < 100);
	struct err err;
	struct tick_result r;
	char work[160];
	double facts = size_kb(argv[1]);
	int64_t today = (int64_t)time(NULL) / DAY_S * DAY_S, first = today - years * YEAR_DAYS * DAY_S;
	switch_all_on(argv[1], (struct instant){ first });
	struct courier_state *state = courier_new(NULL, "/nonexistent", &err);
	if (!state)
		die(&err);
	struct live_options o = { .owner = "bench",
		                      .lease_s = 3600,
		                      .courier = { .ctx = state, .render = render, .hand_off = hand_off } };
	struct live *l = live_open(argv[1], &o, (struct instant){ first }, &err);
	if (!l)
		die(&err);
	uint64_t decisions = 0, messages = 0;
	double start = figure_seconds();
	for (int64_t day = first; day < today; day += DAY_S)
		for (int hour = 9; hour <= 15; hour += 6) {
			if (!live_tick(l, (struct instant){ day + hour * HOUR }, &r, &err))
				die(&err);
			decisions += r.decisions;
			messages += r.accepted;
		}
	double customers = l->shop.customers;
	live_close(l);
	courier_free(state);
	snprintf(work, sizeof work, "%d years of facts, for each of %.0f customers", (int)years, customers);
	say(work, facts / customers, "kB");
	snprintf(work, sizeof work, "  with the runs, decisions and messages of the seven plans");
	say(work, size_kb(argv[1]) / customers, "kB");
	say("  messages kept, each customer", (double)messages / customers, "");
	say("  decisions, each customer", (double)decisions / customers, "");
	say("  lived through in", figure_seconds() - start, "s");
	return 0;
}
