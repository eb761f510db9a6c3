/* Invariance: what a replay decides hangs on the facts alone; not on the order in which they were handed over, on
 * batches, threads, or on whoever else is in the shop (as long as what is global stays the same: thresholds, smoothing
 * slots). */
#include "small_shop.h"

#include "app/plans.h"
#include "app/replay.h"
#include "base/hash.h"

enum { PEOPLE = 700 };

struct world_of {
	struct small_shop shop;
	struct settings settings;
	struct plan_set set;
	struct plan_issues issues;
};

static const char FIRST[] = "2023-01-02 00:00";

/* Two by two, some share an address. */
static bool shares(customer_id c)
{
	return c % 7 == 1;
}

static void add_person(struct small_shop *s, struct rng *rng, customer_id c)
{
	int64_t start = shop_time(s, FIRST).s;
	struct profile_body p = nobody();
	p.reach = REACH_EMAIL;
	p.address = shares(c) ? 4000 + c / 14 : 10000u + c;
	p.zone = c % 9 ? STR("") : STR("America/New_York");
	p.created = (struct instant){ c % 5 ? start - 1000000 : start + 400 * DAY_S };
	add_profile(s, c, p);
	add_consent(s, c, "2022-12-01 10:00", CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_GRANTED);
	if (rng_below(rng, 4) == 0)
		add_consent(s, c, "2023-11-01 10:00", CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_WITHDRAWN);
	for (uint32_t n = rng_below(rng, 5); n > 0; n--) {
		struct line l = { 1, 1, 500 + (int64_t)rng_below(rng, 20000) };
		add_order_lines(s, c, (struct instant){ start + (int64_t)rng_below(rng, 600 * DAY_S) }, SALE_WEB, &l, 1);
	}
	for (uint32_t n = rng_below(rng, 4); n > 0; n--) {
		char id[32];
		struct line l = { 1, 1, 2000 };
		snprintf(id, sizeof id, "%u-%u", c, rng_below(rng, 2));
		add_cart(s, c, (struct instant){ start + (int64_t)rng_below(rng, 600 * DAY_S) }, id,
		         rng_below(rng, 4) ? CART_CHANGED : CART_PAID, &l, 1);
	}
}

/* Everybody's facts; `only`: those of the people it names. */
static struct world_of *world_seeded(const bool *only, uint64_t seed)
{
	struct world_of *w = mem_alloc(sizeof *w);
	small_shop_init(&w->shop, "Europe/Paris");
	for (customer_id c = 1; c <= PEOPLE; c++) {
		struct rng rng; /* of their own: leaving somebody out draws nothing differently for the others */
		rng_init(&rng, seed, c);
		size_t from = w->shop.count;
		add_person(&w->shop, &rng, c);
		if (only && !only[c])
			w->shop.count = from;
	}
	struct currency eur;
	struct err err;
	ck_assert(currency_find(STR("EUR"), &eur));
	settings_defaults(&w->settings, w->shop.zone, LOCALE_FR, eur);
	ck_assert_msg(plans_load(NULL, &w->settings, (struct instant){ shop_time(&w->shop, FIRST).s - 1 }, &w->shop.arena,
	                         &w->set, &w->issues, &err),
	              "%s", err.text);
	return w;
}

static struct world_of *world_new(const bool *only)
{
	return world_seeded(only, 7);
}

static void world_free(struct world_of *w)
{
	small_shop_release(&w->shop);
	free(w);
}

static void apply(struct world_of *w, size_t batch)
{
	struct err err;
	for (size_t i = 0; i < w->shop.count; i += batch) {
		size_t n = w->shop.count - i < batch ? w->shop.count - i : batch;
		ck_assert_msg(book_apply(w->shop.book, w->shop.facts + i, n, &err), "%s", err.text);
	}
}

/* A fact keeps its key, so that the ties of one second fall alike; its number is its place. */
static void shuffle(struct world_of *w, uint64_t seed)
{
	struct rng rng;
	rng_init(&rng, seed, 0);
	for (size_t i = w->shop.count; i > 1; i--) {
		size_t k = rng_below(&rng, (uint32_t)i);
		struct fact f = w->shop.facts[i - 1];
		w->shop.facts[i - 1] = w->shop.facts[k];
		w->shop.facts[k] = f;
	}
	for (size_t i = 0; i < w->shop.count; i++)
		w->shop.facts[i].seq = (int64_t)i + 1;
}

struct traced {
	char sha256[65];
	struct buf text;
	uint64_t decisions, asked;
};

static bool keep(void *ctx, struct str text, struct err *err)
{
	(void)err;
	buf_str(ctx, text);
	return true;
}

static struct traced run_stretches(struct world_of *w, int threads, enum replay_response response, int stretch_days,
                                   bool ask_everything)
{
	struct err err;
	struct traced out;
	struct replay_result *r = mem_alloc(sizeof *r);
	const struct version *v = book_pin(w->shop.book);
	buf_init(&out.text, SIZE_MAX / 2);
	struct replay_options o = { .book = w->shop.book,
		                        .version = v,
		                        .plans = &w->set,
		                        .words = plan_set_words(&w->set, &w->shop.arena),
		                        .settings = &w->settings,
		                        .seed = 3,
		                        .from = shop_time(&w->shop, FIRST),
		                        .to = shop_time(&w->shop, "2025-03-01 00:00"),
		                        .response = response,
		                        .threads = threads,
		                        .stretch_days = stretch_days,
		                        .ask_everything = ask_everything,
		                        .trace = keep,
		                        .ctx = &out.text };
	ck_assert_msg(replay_run(&o, r, &err), "%s", err.text);
	memcpy(out.sha256, r->trace_sha256, sizeof out.sha256);
	out.decisions = r->decisions;
	out.asked = r->asked;
	replay_result_release(r);
	free(r);
	book_unpin(w->shop.book, v);
	return out;
}

static struct traced run(struct world_of *w, int threads, enum replay_response response)
{
	return run_stretches(w, threads, response, 0, false);
}

static struct traced reference(enum replay_response response)
{
	struct world_of *w = world_new(NULL);
	apply(w, w->shop.count);
	struct traced t = run(w, 1, response);
	world_free(w);
	ck_assert_uint_gt(t.decisions, 2000);
	return t;
}

START_TEST(threads_and_batches)
{
	static const size_t BATCHES[] = { 1, 7, 1000 };
	enum replay_response response = _i ? RESPONSE_RATES : RESPONSE_NONE;
	struct traced want = reference(response);
	for (size_t i = 0; i < ARRAY_LEN(BATCHES); i++) {
		struct world_of *w = world_new(NULL);
		apply(w, BATCHES[i]);
		struct traced got = run(w, (int)i + 2, response);
		ck_assert_str_eq(got.sha256, want.sha256);
		ck_assert_uint_eq(got.asked, want.asked);
		buf_release(&got.text);
		world_free(w);
	}
	buf_release(&want.text);
}
END_TEST

START_TEST(order_of_facts)
{
	struct traced want = reference(RESPONSE_NONE);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct world_of *w = world_new(NULL);
		shuffle(w, seed);
		apply(w, seed == 2 ? 33 : w->shop.count);
		struct traced got = run(w, 2, RESPONSE_NONE);
		ck_assert_str_eq(got.sha256, want.sha256);
		buf_release(&got.text);
		world_free(w);
	}
	buf_release(&want.text);
}
END_TEST

/* Whom the trace says are in the control group of a plan, and how many entered. */
static size_t controls(struct str text, const char *plan, bool in[PEOPLE + 1])
{
	size_t entered = 0;
	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) + 1 : text.n;
		unsigned who, version, run;
		char name[64], verdict[16];
		if (sscanf(text.p, "%*s %u %63s %u %u - %15s", &who, name, &version, &run, verdict) == 5 &&
		    strcmp(name, plan) == 0 && run == 1 &&
		    (strcmp(verdict, "control") == 0 || strcmp(verdict, "entered") == 0)) {
			in[who] = *verdict == 'c';
			entered++;
		}
		text.p += n;
		text.n -= n;
	}
	return entered;
}

/* Monotone in its percentage: who is left alone at 10 % is at 40 % too; salted: two plans draw two groups. */
START_TEST(control_groups_grow)
{
	static const uint32_t SHARES[] = { 100000, 400000, 1000000 };
	bool in[3][PEOPLE + 1] = { { false } }, other[PEOPLE + 1] = { false };
	size_t entered = 0, count[3] = { 0 }, apart = 0;
	for (int i = 0; i < 3; i++) {
		struct world_of *w = world_new(NULL);
		apply(w, w->shop.count);
		for (size_t p = 0; p < w->set.count; p++)
			((struct plan *)w->set.plans[p])->control_per_million = SHARES[i];
		struct traced t = run(w, 2, RESPONSE_NONE);
		entered = controls(buf_view(&t.text), "abandoned-cart", in[i]);
		if (i == 1)
			controls(buf_view(&t.text), "cross-sell", other);
		buf_release(&t.text);
		world_free(w);
	}
	for (customer_id c = 1; c <= PEOPLE; c++) {
		for (int i = 0; i < 3; i++)
			count[i] += in[i][c];
		ck_assert(!in[0][c] || in[1][c]);
		ck_assert(!in[1][c] || in[2][c]);
		apart += in[1][c] != other[c];
	}
	ck_assert_uint_gt(entered, 200);
	ck_assert_uint_eq(count[2], entered);
	ck_assert(count[0] > entered * 5 / 100 && count[0] < entered * 17 / 100);
	ck_assert(count[1] > entered * 32 / 100 && count[1] < entered * 48 / 100);
	ck_assert_uint_gt(apart, PEOPLE / 10);
}
END_TEST

/* Two who share an address are looked at by one thread, also when a slot is given to the second of them: enough people
 * that threads are woken at all. */
START_TEST(shared_addresses_and_slots)
{
	enum { MANY = 8000 };
	static const char PLAN[] = "plan: a\nenter: {when: inactive 1 month, smooth: 2500 per day, again: after 1 month}\n"
							   "exit: order\nsteps:\n  - {at: J, send: a}\n  - {at: J+8, send: b}\n";
	struct world_of *w = mem_alloc(sizeof *w);
	struct currency eur;
	struct expr_context context;
	small_shop_init(&w->shop, "Europe/Paris");
	for (customer_id c = 1; c <= MANY; c++) {
		struct profile_body p = nobody();
		struct line l = { 1, 1, 1000 + c % 97 };
		p.reach = REACH_EMAIL;
		p.address = 1 + c % (MANY / 2);
		add_profile(&w->shop, c, p);
		add_consent(&w->shop, c, "2022-10-01 10:00", CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_GRANTED);
		add_order_lines(&w->shop, c, (struct instant){ shop_time(&w->shop, FIRST).s - (int64_t)(c % 90) * DAY_S },
		                SALE_WEB, &l, 1);
	}
	ck_assert(currency_find(STR("EUR"), &eur));
	settings_defaults(&w->settings, w->shop.zone, LOCALE_FR, eur);
	plans_context(&w->settings, &context);
	const struct plan *p = plan_read(STR("a"), str_from(PLAN), &context, &w->shop.arena, &w->issues);
	ck_assert(p != NULL);
	plan_set_add(&w->set, p, true, (uint32_t)shop_time(&w->shop, FIRST).s - 1);
	apply(w, w->shop.count);
	struct traced want = run(w, 1, RESPONSE_NONE);
	ck_assert_uint_gt(want.decisions, 10 * MANY);
	for (int i = 0; i < 3; i++) {
		struct traced got = run(w, 4, RESPONSE_NONE);
		ck_assert_str_eq(got.sha256, want.sha256);
		ck_assert_uint_eq(got.asked, want.asked);
		buf_release(&got.text);
	}
	buf_release(&want.text);
	world_free(w);
}
END_TEST

/* The lines about the people named. */
static void lines_of(struct str text, const bool *only, struct buf *out)
{
	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) + 1 : text.n;
		const char *tab = memchr(text.p, '\t', n);
		if (tab && *text.p != '#' && only[strtoul(tab + 1, NULL, 10)])
			buf_add(out, text.p, n);
		text.p += n;
		text.n -= n;
	}
}

/* Whom nobody shares an address with, and the plans that look at no figure of the whole shop. */
START_TEST(others_taken_away)
{
	bool only[PEOPLE + 1] = { false };
	for (customer_id c = 1; c <= PEOPLE; c++)
		only[c] = c % 3 == 0 && !shares(c);
	struct traced whole, part;
	struct buf a, b;
	for (int i = 0; i < 2; i++) {
		struct world_of *w = world_new(i ? only : NULL);
		apply(w, w->shop.count);
		size_t kept = 0; /* the kernel plans without their order of priority by phase: cart and win-back */
		for (size_t p = 0; p < w->set.count; p++)
			if (str_is(w->set.plans[p]->name, "anti-churn") || str_is(w->set.plans[p]->name, "abandoned-cart"))
				w->set.plans[kept++] = w->set.plans[p];
		ck_assert_uint_eq(kept, 2);
		w->set.count = kept;
		for (size_t p = 0; p < kept; p++)
			w->set.current[p] = w->set.family[p] = (uint16_t)p;
		*(i ? &part : &whole) = run(w, 2, RESPONSE_NONE);
		world_free(w);
	}
	buf_init(&a, SIZE_MAX / 2);
	buf_init(&b, SIZE_MAX / 2);
	lines_of(buf_view(&whole.text), only, &a);
	lines_of(buf_view(&part.text), only, &b);
	ck_assert_uint_gt(a.n, 10000);
	ck_assert(str_eq(buf_view(&a), buf_view(&b)));
	buf_release(&a);
	buf_release(&b);
	buf_release(&whole.text);
	buf_release(&part.text);
}
END_TEST

/* Few slots a day, of every other plan: people wait, for weeks, for one plan and then another; some no longer qualify.
 * And little money for every third. */
static struct traced run_scarce(uint64_t seed, int threads, enum replay_response response, int stretch_days,
                                bool ask_everything)
{
	struct world_of *w = world_seeded(NULL, seed);
	apply(w, w->shop.count);
	for (size_t p = 0; p < w->set.count; p++) {
		struct plan *plan = (struct plan *)w->set.plans[p];
		if (p % 2 == 1)
			plan->smooth_per_day = (int32_t)p;
		if (p % 3 == 0)
			plan->budget = 10; /* ten messages a month */
	}
	w->settings.channel_cost[CHANNEL_EMAIL] = 1000;
	struct traced t = run_stretches(w, threads, response, stretch_days, ask_everything);
	world_free(w);
	return t;
}

/* However many days a person is taken through at once, and whether or not what cannot have changed is asked again: the
 * first run takes everybody day by day and asks everything. */
START_TEST(stretches)
{
	static const struct {
		int threads, days;
	} RUNS[] = { { 1, 2 }, { 1, 7 }, { 3, 40 }, { 1, 365 }, { 2, 365 }, { 1, 0 } };
	enum replay_response response = _i % 2 ? RESPONSE_RATES : RESPONSE_NONE;
	uint64_t seed = 7 + (uint64_t)_i / 2;
	struct traced want = run_scarce(seed, 1, response, 1, true);
	ck_assert_uint_gt(want.decisions, 2000);
	for (size_t i = 0; i < ARRAY_LEN(RUNS); i++) {
		struct traced got = run_scarce(seed, RUNS[i].threads, response, RUNS[i].days, false);
		ck_assert_str_eq(got.sha256, want.sha256);
		buf_release(&got.text);
	}
	buf_release(&want.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay");
	TCase *t = tcase_create("invariance");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, threads_and_batches, 0, 2);
	tcase_add_loop_test(t, stretches, 0, 6); /* three shops, with and without reactions */
	tcase_add_test(t, order_of_facts);
	tcase_add_test(t, shared_addresses_and_slots);
	tcase_add_test(t, control_groups_grow);
	tcase_add_test(t, others_taken_away);
	suite_add_tcase(suite, t);
	SRunner *r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
