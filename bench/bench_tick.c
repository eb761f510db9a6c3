/* bench_tick: a shop of any size held in memory by the ticker: start, memory, an idle tick, a tick with 10,000 messages
 * due, and how soon a committed fact becomes a committed decision while readers work.
 *
 *   bench_tick DB [--json] [--readers 64] [--rate 1000] [--seconds 20] [--due 10000]
 *
 * Then a plan is switched on over everybody, twice: a campaign of another day, and a segment that is asked of each.
 *
 * DB is a simulated shop (relance simulate) nobody else needs: plans are switched on in it and its clock moves three
 * days on. The plan shipped as anti-churn lets `due` enter in one day instead of 500; their first messages then fall
 * due together. Messages are rendered to a line and handed to a courier that accepts, so the figures are ours and not a
 * mail server's. Readers pin the newest version of the book and add up the spend of 100 random customers
 * every 10 ms. A fact's latency is from the return of its own commit (by another database handle) until the commit
 * of the turn that took it in. */
#include "app/live_int.h"
#include "app/switch.h"
#include "base/hash.h"
#include "figure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { READERS_MAX = 256, BURST = 10, LATENCIES_MAX = 1 << 20, HOUR = 3600, FACT_LINES = 2 };

static bool json;

static void die(const struct err *err)
{
	fprintf(stderr, "bench_tick: %s\n", err->text);
	exit(1);
}

static void say(const char *work, double ours, double baseline, const char *unit, const char *goal)
{
	if (json) {
		printf("{\"work\": \"%s\", \"ours\": %.4g, \"unit\": \"%s\", \"goal\": \"%s\"", work, ours, unit, goal);
		if (baseline > 0)
			printf(", \"baseline\": %.4g, \"ratio\": %.3f", baseline, ours / baseline);
		puts("}");
	} else {
		printf("%-58s %12.4g", work, ours);
		baseline > 0 ? printf(" %12.4g %8.2f", baseline, ours / baseline) : printf(" %12s %8s", "-", "-");
		printf("  %-8s goal %s\n", unit, goal);
	}
	fflush(stdout);
}

/* ---- the courier ---- */

static bool render(void *ctx, struct live *l, struct outbox_message *m, struct arena *a, struct err *err)
{
	(void)ctx, (void)l, (void)a, (void)err;
	m->subject = m->message;
	m->content = STR("a line");
	return true;
}

static struct settlement hand_off(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a,
                                  struct instant now)
{
	(void)ctx, (void)l, (void)m, (void)a;
	return (struct settlement){ .to = MESSAGE_ACCEPTED, .at = now, .outcome = STR("250") };
}

/* ---- the plans ---- */

/* The shipped plan with another number of entries a day, as a user would write it: from a file. */
static void switch_on(const char *address, const char *plans, struct instant now)
{
	struct err err;
	struct shop shop;
	struct db *db = store_open(address, false, &shop, &err);
	if (!db)
		die(&err);
	struct settings *settings = mem_alloc(sizeof *settings);
	settings_defaults(settings, shop.zone, shop.locale, shop.currency);
	struct plan_set *set = mem_alloc(sizeof *set);
	struct plan_issues issues;
	struct arena a;
	arena_init(&a);
	if (!plans_load(plans, settings, (struct instant){ 0 }, &a, set, &issues, &err))
		die(&err);
	for (size_t i = 0; i < set->count; i++) {
		struct switch_result r;
		if (!switch_plan_on(db, set->plans[i], now, &r, &err))
			die(&err);
	}
	arena_release(&a);
	free(set);
	free(settings);
	db_close(db);
}

static struct tick_result turn(struct live *l, int64_t at)
{
	struct err err;
	struct tick_result r;
	if (!live_tick(l, (struct instant){ at }, &r, &err))
		die(&err);
	return r;
}

/* ---- facts and readers ---- */

struct traffic {
	const char *address;
	struct book *book;
	uint32_t customers;
	int64_t now;
	int rate, seconds;
	atomic_bool stop;
	atomic_ullong looks;
	/* facts committed: seq up to which, and when; written by the feeder, read by the ticker */
	_Atomic uint32_t bursts;
	int64_t burst_seq[LATENCIES_MAX / BURST];
	double burst_at[LATENCIES_MAX / BURST];
};

static void *read_on(void *ctx)
{
	struct traffic *t = ctx;
	struct rng r;
	rng_init(&r, 99, (uint64_t)(uintptr_t)&r);
	unsigned long long n = 0;
	volatile int64_t sum = 0;
	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		const struct version *v = book_pin(t->book);
		for (int i = 0; i < 100; i++) {
			struct view w;
			view_at(&w, v, 1 + rng_below(&r, v->customers), (struct instant){ t->now });
			for (uint32_t o = w.order0; o < w.order1; o++)
				sum += order_total(w.k, o);
			n++;
		}
		book_unpin(t->book, v);
		usleep(10000);
	}
	atomic_fetch_add(&t->looks, n);
	return NULL;
}

static void *feed(void *ctx)
{
	struct traffic *t = ctx;
	struct err err;
	struct shop shop;
	struct db *db = store_open(t->address, false, &shop, &err);
	if (!db || !db_log_left(db, &err))
		die(&err);
	struct rng r;
	rng_init(&r, 7, (uint64_t)t->now);
	double start = figure_seconds(), step = (double)BURST / t->rate;
	uint32_t bursts = (uint32_t)(t->seconds / step);
	for (uint32_t k = 0; k < bursts && k < LATENCIES_MAX / BURST; k++) {
		double wait = start + k * step - figure_seconds();
		if (wait > 0)
			usleep((unsigned)(wait * 1e6));
		struct store_batch *b = store_batch_begin(db, NULL, (struct instant){ t->now }, &err);
		int64_t seq = 0;
		for (int i = 0; b && i < BURST; i++) {
			char key[64];
			struct line lines[FACT_LINES] = { { 1 + rng_below(&r, 300), 1, 2500 },
				                              { 1 + rng_below(&r, 300), 2, 3800 } };
			struct buf body;
			buf_init(&body, BODY_MAX);
			body_write_order(&(struct order_body){ .lines = lines, .line_count = FACT_LINES }, &body);
			snprintf(key, sizeof key, "bench:%lld:%u:%d", (long long)t->now, k, i);
			struct fact f = { .customer = 1 + rng_below(&r, t->customers),
				              .kind = FACT_ORDER,
				              .key = str_from(key),
				              .at = { t->now - 1 },
				              .learned_at = { t->now },
				              .body = buf_view(&body) };
			bool quarantined;
			if (!store_batch_fact(b, &f, &quarantined, &err))
				die(&err);
			seq = f.seq;
			buf_release(&body);
		}
		if (!b || !store_batch_commit(b, &err))
			die(&err);
		t->burst_seq[k] = seq;
		t->burst_at[k] = figure_seconds();
		atomic_store(&t->bursts, k + 1);
	}
	atomic_store(&t->stop, true);
	db_close(db);
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void latency(struct live *l, const char *address, int64_t now, int readers, int rate, int seconds)
{
	struct traffic *t = mem_alloc(sizeof *t);
	*t = (struct traffic){ .address = address,
		                   .book = l->shop.book,
		                   .customers = l->shop.customers,
		                   .now = now,
		                   .rate = rate,
		                   .seconds = seconds };
	pthread_t feeder, reader[READERS_MAX];
	double *taken = mem_alloc(LATENCIES_MAX * sizeof *taken);
	size_t n = 0, decisions = 0;
	turn(l, now); /* what fell due in the hour since the last turn is not the facts' doing */
	for (int i = 0; i < readers; i++)
		check(pthread_create(&reader[i], NULL, read_on, t) == 0);
	check(pthread_create(&feeder, NULL, feed, t) == 0);
	uint32_t seen = 0;
	for (bool last = false; !last;) {
		last = atomic_load(&t->stop);
		struct tick_result r = turn(l, now);
		double at = figure_seconds();
		decisions += r.decisions;
		uint32_t done = atomic_load(&t->bursts);
		for (; seen < done && t->burst_seq[seen] <= l->seq_hi; seen++)
			for (int i = 0; i < BURST; i++)
				taken[n++] = at - t->burst_at[seen];
		usleep(1000);
	}
	pthread_join(feeder, NULL);
	for (int i = 0; i < readers; i++)
		pthread_join(reader[i], NULL);
	check(n);
	qsort(taken, n, sizeof *taken, by_value);
	char work[160];
	snprintf(work, sizeof work, "fact to decision, %d facts/s, %d readers: p50", rate, readers);
	say(work, taken[n / 2] * 1e3, 0, "ms", "-");
	snprintf(work, sizeof work, "fact to decision, %d facts/s, %d readers: p99", rate, readers);
	say(work, taken[n * 99 / 100] * 1e3, 0, "ms", "<= 50");
	snprintf(work, sizeof work, "  the slowest of %zu", n);
	say(work, taken[n - 1] * 1e3, 0, "ms", "-");
	say("  facts taken in meanwhile, each second", (double)n / seconds, 0, "/s", "-");
	say("  decisions meanwhile, each second", (double)decisions / seconds, 0, "/s", "-");
	say("  customers looked at by the readers, each second", (double)atomic_load(&t->looks) / seconds, 0, "/s", "-");
	free(taken);
	free(t);
}

static int64_t option(int argc, char **argv, const char *name, int64_t otherwise)
{
	for (int i = 2; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return strtoll(argv[i + 1], NULL, 10);
	return otherwise;
}

/* ---- memory ---- */

/* Of the process: "RssAnon:" is its own, "RssFile:" pages of files mapped, which the system takes back when it wants.
 */
static double resident_mb(const char *which)
{
	char line[256];
	double kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, which, strlen(which)) == 0)
			kb = strtod(line + strlen(which), NULL);
	if (f)
		fclose(f);
	return kb * 1024 / 1e6;
}

static void say_column(const char *name, double bytes, double customers)
{
	if (!json)
		printf("    %-54s %12.4g %12s %8s  MB       %.1f B a customer\n", name, bytes / 1e6, "-", "-",
		       bytes / customers);
}

/* Where the book's memory is. */
static void say_columns(struct book *b)
{
	const struct version *v = book_pin(b);
	double heads = 0, orders = 0, totals = 0, products = 0, quantities = 0, amounts = 0, carts = 0, cart_lines = 0,
		   consents = 0, events = 0, words = 0;
	for (size_t i = 0; i < v->chunk_count; i++) {
		const struct chunk *k = v->chunks[i];
		uint32_t n = k->order_start[BOOK_CHUNK], lines = order_line(k, n);
		heads += sizeof *k;
		orders += n * (4. + k->order_line.width + 8 + 1 + (k->order_desk ? sizeof *k->order_desk : 0));
		totals += (double)n * k->order_total.width;
		products += (double)lines * k->line_product.width;
		quantities += (double)lines * k->line_quantity.width;
		amounts += (double)lines * k->line_amount.width;
		carts += k->cart_start[BOOK_CHUNK] * (sizeof *k->carts + 8.);
		cart_lines += k->cart_line_count * (0. + k->cart_product.width + k->cart_quantity.width + k->cart_amount.width);
		consents += k->consent_start[BOOK_CHUNK] * (sizeof *k->consents + 8.);
		events += k->event_start[BOOK_CHUNK] * (sizeof *k->events + 8. + k->event_value.width);
		words += (k->word_start[BOOK_CHUNK] + k->child_start[BOOK_CHUNK]) * 4.;
	}
	double people = v->customers;
	say_column("heads: profiles and where each customer's ranges begin", heads, people);
	say_column("orders: instant, lines, key, flags, where sold", orders, people);
	say_column("orders: totals", totals, people);
	say_column("lines: products", products, people);
	say_column("lines: quantities", quantities, people);
	say_column("lines: amounts", amounts, people);
	say_column("carts: each state of each", carts, people);
	say_column("carts: their lines", cart_lines, people);
	say_column("consents", consents, people);
	say_column("events", events, people);
	say_column("tags, interests, children", words, people);
	book_unpin(b, v);
}

/* The plan file with `due` entries a day; written beside the database, removed at the end. */
static void write_plan(const char *to, const char *from, int64_t due)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	if (!in || !out) {
		fprintf(stderr, "bench_tick: %s or %s cannot be opened\n", from, to);
		exit(1);
	}
	char line[1024];
	bool found = false;
	while (fgets(line, sizeof line, in)) {
		if (strstr(line, "smooth:")) {
			fprintf(out, "  smooth: %lld per day\n", (long long)due);
			found = true;
		} else {
			fputs(line, out);
		}
	}
	fclose(in);
	check(fclose(out) == 0 && found);
}

int main(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		fputs("usage: bench_tick DB [--json] [--readers N] [--rate N] [--seconds N] [--due N]\n", stderr);
		return 2;
	}
	json = figure_json(argc, argv);
	int64_t due = option(argc, argv, "--due", 10000);
	int readers = (int)option(argc, argv, "--readers", 64);
	check(readers >= 0 && readers <= READERS_MAX);
	const char *address = argv[1];
	char plan[4096];
	snprintf(plan, sizeof plan, "%s.anti-churn.yaml", address);
	write_plan(plan, SOURCE_ROOT "/plans/anti-churn.yaml", due);
	time_t today = time(NULL);
	int64_t noon = (int64_t)today / 86400 * 86400 + 12 * HOUR;
	switch_on(address, plan, (struct instant){ noon - HOUR });
	switch_on(address, SOURCE_ROOT "/plans/cross-sell.yaml", (struct instant){ noon - HOUR });
	unlink(plan);

	struct err err;
	double before = resident_mb("VmRSS:"), start = figure_seconds();
	struct live_options o = {
		.owner = "bench", .lease_s = 3600, .fold_log = true, .courier = { .render = render, .hand_off = hand_off }
	};
	struct live *l = live_open(address, &o, (struct instant){ noon }, &err);
	if (!l)
		die(&err);
	double opened = figure_seconds() - start;
	char work[160];
	snprintf(work, sizeof work, "start with %u customers", l->shop.customers);
	say(work, opened, 0, "s", "<= 3 at 1 M");
	say("memory of the book beside the raw columns", (double)book_bytes(l->shop.book) / 1e6,
	    (double)book_raw_bytes(l->shop.book) / 1e6, "MB", "<= 2x");
	say_columns(l->shop.book);
	say("memory of the whole process, grown by", resident_mb("VmRSS:") - before, 0, "MB", "<= 600 at 1 M");
	say("  of it pages of the database's file", resident_mb("RssFile:"), 0, "MB", "-");
	say("  the largest it ever was", resident_mb("VmHWM:"), 0, "MB", "-");

	struct tick_result r = turn(l, noon);
	snprintf(work, sizeof work, "first tick: everybody looked at, %llu enter", (unsigned long long)r.entered);
	say(work, r.total_s, 0, "s", "-");
	r = turn(l, noon + 86400);
	snprintf(work, sizeof work, "tick with %llu messages due: decided and committed", (unsigned long long)r.queued);
	say(work, r.decided_s, 0, "s", "<= 1 for 10,000");
	snprintf(work, sizeof work, "  and %llu claimed, rendered, accepted, settled", (unsigned long long)r.accepted);
	say(work, r.total_s - r.decided_s, 0, "s", "-");
	double idle[101];
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		start = figure_seconds();
		turn(l, noon + 86400 + 1 + (int64_t)i);
		idle[i] = figure_seconds() - start;
	}
	qsort(idle, ARRAY_LEN(idle), sizeof *idle, by_value);
	say("idle tick, median of 101", idle[50] * 1e3, 0, "ms", "<= 1");
	/* a plan switched on while the shop runs: its own commit, and the tick that asks everybody and commits */
	start = figure_seconds();
	switch_on(address, SOURCE_ROOT "/plans/examples/reopening.yaml", (struct instant){ noon + 86400 + 200 });
	double switched = figure_seconds() - start;
	r = turn(l, noon + 86400 + 200);
	snprintf(work, sizeof work, "switching a plan on over %u customers", l->shop.customers);
	say(work, switched + r.decided_s, 0, "s", "<= 2 at 1 M");
	start = figure_seconds();
	switch_on(address, SOURCE_ROOT "/plans/examples/surprise.yaml", (struct instant){ noon + 86400 + 300 });
	switched = figure_seconds() - start;
	r = turn(l, noon + 86400 + 300);
	snprintf(work, sizeof work, "  one whose condition is asked of each");
	say(work, switched + r.decided_s, 0, "s", "<= 2 at 1 M");
	latency(l, address, noon + 86400 + HOUR, readers, (int)option(argc, argv, "--rate", 1000),
	        (int)option(argc, argv, "--seconds", 20));
	live_close(l);
	return 0;
}
