/* What a plan brought: every figure by hand on a small shop, then recovery of known effects on simulated reactions. */
#include "small_shop.h"

#include "app/case_shop.h"
#include "app/objectives.h"
#include "app/simulate.h"
#include "app/together.h"
#include "app/uplift.h"
#include "app/variants.h"
#include "base/hash.h"
#include "engine/engine.h"

#include <math.h>

enum { SHOPS = 60, ENTRANTS = 2500 };

struct trial_shop {
	struct small_shop small;
	struct plan plan;
	struct plan_set set;
	struct settings settings;
	struct pstate *states;
	uint32_t customers;
	struct figures_shop shop;
};

static void trial_init(struct trial_shop *t, uint32_t customers, uint32_t control_per_million)
{
	*t = (struct trial_shop){ .customers = customers };
	small_shop_init(&t->small, "Europe/Paris");
	t->plan = (struct plan){ .name = STR("anti-churn"), .control_per_million = control_per_million, .version = 1 };
	t->set.plans[0] = &t->plan;
	t->set.count = 1;
	struct currency euro;
	ck_assert(currency_find(STR("EUR"), &euro));
	settings_defaults(&t->settings, t->small.zone, LOCALE_FR, euro);
	t->states = mem_alloc((customers + 1) * sizeof *t->states);
	struct product *p = mem_alloc(3 * sizeof *p);
	p[1] = (struct product){ .sku = STR("lamp"), .price = 12000, .cost = 4000, .vat_percent_x2 = 40, .stock = -1 };
	p[2] = (struct product){ .sku = STR("odd"), .price = 12000, .cost = -1, .vat_percent_x2 = 40, .stock = -1 };
	book_set_products(t->small.book, p, 3);
}

static void trial_ready(struct trial_shop *t, const char *now)
{
	small_shop_apply(&t->small);
	t->shop = (struct figures_shop){ .book = t->small.book,
		                             .version = book_pin(t->small.book),
		                             .states = t->states,
		                             .plans = &t->set,
		                             .settings = &t->settings,
		                             .now = shop_time(&t->small, now),
		                             .threads = 1 };
}

static void trial_release(struct trial_shop *t)
{
	book_unpin(t->small.book, t->shop.version);
	for (uint32_t c = 0; c <= t->customers; c++)
		pstate_release(&t->states[c]);
	free(t->states);
	small_shop_release(&t->small);
}

static void enter(struct trial_shop *t, customer_id c, struct instant at, bool control)
{
	struct run *r = pstate_add_run(&t->states[c]);
	*r = (struct run){ .entered_at = (uint32_t)at.s, .run_no = (uint16_t)(t->states[c].run_count), .control = control };
}

static void sell(struct trial_shop *t, customer_id c, struct instant at, product_id product, int quantity,
                 int64_t cents)
{
	struct line line = { product, quantity, cents };
	add_order_lines(&t->small, c, at, SALE_WEB, &line, 1);
}

static struct instant later(struct instant t, int64_t seconds)
{
	return (struct instant){ t.s + seconds };
}

START_TEST(by_hand)
{
	struct trial_shop t;
	trial_init(&t, 60, 500000);
	struct instant entry = shop_time(&t.small, "2025-03-01 10:00");
	for (customer_id c = 1; c <= 50; c++) {
		enter(&t, c, entry, c % 2 == 0);
		sell(&t, c, later(entry, -40 * DAY_S), 1, 1, 12000 + c); /* before: the covariate only */
		sell(&t, c, entry, 1, 1, 12000);                         /* at the instant of entry: before */
		sell(&t, c, later(entry, 31 * DAY_S), 1, 9, 999999);     /* after the window */
		if (c <= 20)                                             /* 10 of each arm */
			sell(&t, c, later(entry, 5 * DAY_S), 1, 2,
			     c % 2 ? 24000 : 21600); /* 2 lamps; the control's with 10 % off */
		if (c == 1)
			sell(&t, c, later(entry, 30 * DAY_S), 1, -1, -12000); /* the last second of the window: a return */
	}
	for (customer_id c = 1; c <= 49; c += 2) { /* messages of the treated: two accepted, one refused */
		for (int m = 0; m < 3; m++)
			*pstate_add_sent(&t.states[c]) = (struct sent){ .at = (uint32_t)entry.s + 60,
				                                            .run_no = 1,
				                                            .channel = CHANNEL_POSTCARD,
				                                            .state = m == 2 ? SENT_REFUSED : SENT_ACCEPTED };
	}
	t.settings.channel_cost[CHANNEL_POSTCARD] = 89400; /* 89.4 cents */
	sell(&t, 51, later(entry, -3 * DAY_S), 1, 1, 12000);
	enter(&t, 51, shop_time(&t.small, "2025-05-20 10:00"), false); /* too recent */
	enter(&t, 1, later(entry, 10 * DAY_S), false);                 /* a second run does not count */
	trial_ready(&t, "2025-06-01 10:00");
	struct uplift u;
	uplift_make(&t.shop, &(struct uplift_ask){ .plan = 0, .margin_per_mille = -1 }, &u);
	const struct uplift_arm *c = &u.arm[UPLIFT_CONTROL], *x = &u.arm[UPLIFT_TREATED];
	ck_assert_int_eq(c->customers, 25);
	ck_assert_int_eq(x->customers, 25);
	ck_assert_int_eq(u.too_recent, 1);
	ck_assert_int_eq(c->converted, 10);
	ck_assert_int_eq(x->orders, 10);
	ck_assert_int_eq(c->revenue, 10 * 21600);
	ck_assert_int_eq(x->revenue, 10 * 24000 - 12000);
	ck_assert_int_eq(c->margin, 10 * (18000 - 8000));
	ck_assert_int_eq(x->margin, 10 * (20000 - 8000) - (10000 - 4000));
	ck_assert_int_eq(x->messages, 50);
	ck_assert_int_eq(x->message_cost, 25 * 179); /* 178.8 cents each, rounded once a customer */
	ck_assert_int_eq(c->message_cost, 0);
	ck_assert(u.margin_known && u.srm.known && !u.srm.alarm);
	ck_assert_double_eq_tol(u.planned_control, 0.5, 1e-12);
	ck_assert(u.outcome[UPLIFT_CONVERSION].known);
	ck_assert_double_eq_tol(u.outcome[UPLIFT_CONVERSION].control_mean, 0.4, 1e-9);
	trial_release(&t);
}
END_TEST

START_TEST(missing_things_are_said)
{
	struct trial_shop t;
	struct uplift u;
	struct finding f;
	trial_init(&t, 200, 100000);
	struct instant entry = shop_time(&t.small, "2025-03-01 10:00");
	trial_ready(&t, "2025-06-01 10:00");
	uplift_make(&t.shop, &(struct uplift_ask){ .margin_per_mille = -1 }, &u); /* nobody */
	ck_assert(!u.outcome[UPLIFT_REVENUE].known && !u.srm.known);
	uplift_finding(&u, UPLIFT_REVENUE, &t.settings, true, &f);
	ck_assert_int_eq(f.kind, FINDING_MISSING);
	ck_assert(f.text[0] && !strstr(f.text, "nan"));
	book_unpin(t.small.book, t.shop.version);
	for (customer_id c = 1; c <= 200; c++) { /* 10 % planned, half drawn; products without a cost */
		enter(&t, c, entry, c % 2);
		sell(&t, c, later(entry, DAY_S), 2, 1, 5000 + c);
	}
	trial_ready(&t, "2025-06-01 10:00");
	uplift_make(&t.shop, &(struct uplift_ask){ .margin_per_mille = -1 }, &u);
	ck_assert(u.srm.known && u.srm.alarm && !u.margin_known);
	ck_assert_int_gt(u.blind_revenue, 0);
	uplift_finding(&u, UPLIFT_REVENUE, &t.settings, false, &f);
	ck_assert_int_eq(f.kind, FINDING_BROKEN);
	uplift_make(&t.shop, &(struct uplift_ask){ .margin_per_mille = 400 }, &u);
	ck_assert(u.margin_known);
	ck_assert_int_eq(u.arm[0].customers + u.arm[1].customers, 200);
	trial_release(&t);
}
END_TEST

/* `other` is one person with `one`: its place in the book says so, and its runs stand beside the survivor's. */
static void merge_into(struct trial_shop *t, customer_id one, customer_id other, bool control)
{
	struct err err;
	ck_assert(book_replace(t->small.book, &(struct book_group){ .customer = other, .merged_into = one }, 1, &err));
	struct run *r = pstate_add_run(&t->states[one]);
	*r = (struct run){ .entered_at = t->states[one].runs[0].entered_at, .run_no = RUN_JOINED, .control = control };
}

START_TEST(merged_across_arms)
{
	struct trial_shop t;
	struct uplift u;
	trial_init(&t, 8, 500000);
	struct instant entry = shop_time(&t.small, "2025-03-01 10:00");
	for (customer_id c = 1; c <= 8; c++) {
		enter(&t, c, entry, c == 2 || c == 8);
		sell(&t, c, later(entry, DAY_S), 1, 1, 12000);
	}
	trial_ready(&t, "2025-06-01 10:00");
	book_unpin(t.small.book, t.shop.version);
	merge_into(&t, 3, 8, true);  /* treated and control: left out */
	merge_into(&t, 5, 6, false); /* both treated: one person */
	t.shop.version = book_pin(t.small.book);
	uplift_make(&t.shop, &(struct uplift_ask){ .plan = 0, .margin_per_mille = -1 }, &u);
	ck_assert_int_eq(u.arm[UPLIFT_CONTROL].customers, 1); /* 2 */
	ck_assert_int_eq(u.arm[UPLIFT_TREATED].customers, 4); /* 1, 4, 5, 7 */
	trial_release(&t);
}
END_TEST

static void answered(struct trial_shop *t, customer_id c, struct instant at, uint16_t run_no, int answer)
{
	*pstate_add_sent(&t->states[c]) = (struct sent){ .at = (uint32_t)at.s,
		                                             .opened_at = (uint32_t)at.s + 60,
		                                             .run_no = run_no,
		                                             .channel = CHANNEL_EMAIL,
		                                             .state = SENT_ACCEPTED,
		                                             .answer = (uint8_t)answer };
}

static void survey_counts(struct trial_shop *t, struct kpi_input out[2], int64_t *conversion)
{
	const struct figures_ask ask = { .first_month = 2025 * 12 + 2, .each = 1, .periods = 1, .channel = -1 };
	const struct objective o = { .scope = OBJECTIVE_PLAN,
		                         .name = t->plan.name,
		                         .measure = OBJECTIVE_CONVERSION,
		                         .first_month = 2025 * 12 + 2,
		                         .months = 1,
		                         .target = 1 };
	struct figures_time time;
	struct objective_progress p;
	figures_time_make(&t->shop, &ask, &time);
	kpi_input_init(&out[0]);
	kpi_input_init(&out[1]);
	figures_people(&t->shop, &ask, &time, out, NULL);
	objective_progress(&t->shop, &o, &p);
	*conversion = p.reached;
}

/* Four people; the second one's answer came under a record that was merged into theirs since. As if never split. Who
 * was erased then counts no more. */
START_TEST(a_merged_record_counts_once)
{
	struct trial_shop t;
	struct kpi_input in[2];
	int64_t conversion;
	trial_init(&t, 5, 0);
	t.plan.name = STR("survey");
	struct instant entry = shop_time(&t.small, "2025-03-01 10:00");
	for (customer_id c = 1; c <= 5; c++) {
		add_consent(&t.small, c == 5 ? 2 : c, "2025-01-01 10:00", CHANNEL_EMAIL, PURPOSE_TRACKING, CONSENT_GRANTED);
		enter(&t, c, entry, false);
		answered(&t, c, entry, 1, c == 4 ? ANSWER_NONE : c == 5 ? ANSWER_UNSATISFIED : ANSWER_SATISFIED);
	}
	t.states[2].run_count = t.states[2].sent_count = 0; /* all of theirs is the other record's */
	sell(&t, 2, later(entry, DAY_S), 1, 1, 12000);
	sell(&t, 5, later(entry, -DAY_S), 1, 1, 12000);
	trial_ready(&t, "2025-06-01 10:00");
	book_unpin(t.small.book, t.shop.version);
	struct err err;
	uint16_t next = RUN_JOINED;
	ck_assert(book_replace(t.small.book, &(struct book_group){ .customer = 5, .merged_into = 2 }, 1, &err));
	together_state(&t.states[2], &t.states[5], &next, &t.set);
	t.shop.version = book_pin(t.small.book);
	survey_counts(&t, in, &conversion);
	ck_assert_int_eq(in[1].surveys_delivered, 4);
	ck_assert_int_eq(in[1].answers, 3);
	ck_assert_int_eq(in[1].answers_satisfied, 2);
	ck_assert_int_eq(in[1].delivered_knowable, 4);
	ck_assert_int_eq(in[1].opened, 4);
	ck_assert_int_eq(conversion, 25000); /* one of four */
	t.states[3].erased = 1;
	survey_counts(&t, in, &conversion);
	ck_assert_int_eq(in[1].surveys_delivered, 3);
	ck_assert_int_eq(in[1].answers, 2);
	ck_assert_int_eq(in[1].answers_satisfied, 1);
	trial_release(&t);
}
END_TEST

/* Of two records of one person that the global draw put on different sides, nothing can be said. */
START_TEST(merged_across_the_global_group)
{
	struct trial_shop t;
	struct uplift u;
	trial_init(&t, 400, 0);
	t.settings.global_control_per_million = 300000;
	struct instant start = shop_time(&t.small, "2025-03-01 00:00");
	bool held[401];
	for (customer_id c = 1; c <= 400; c++) {
		held[c] = draw_per_million(draw_u64(9, DRAW_GLOBAL_CONTROL, 0, c, 0, 0)) < 300000;
		sell(&t, c, later(start, -30 * DAY_S), 1, 1, 12000);
	}
	trial_ready(&t, "2025-06-01 10:00");
	t.shop.seed = 9;
	book_unpin(t.small.book, t.shop.version);
	int64_t counted = 400;
	for (customer_id c = 1; c < 100; c += 2) {
		struct err err;
		struct book_group group = { .customer = c + 1, .merged_into = c };
		ck_assert(book_replace(t.small.book, &group, 1, &err));
		counted -= held[c] == held[c + 1] ? 1 : 2;
	}
	t.shop.version = book_pin(t.small.book);
	uplift_make(&t.shop, &(struct uplift_ask){ .global = true, .from = start, .margin_per_mille = -1 }, &u);
	ck_assert_int_lt(counted, 350);
	ck_assert_int_eq(u.arm[0].customers + u.arm[1].customers, counted);
	trial_release(&t);
}
END_TEST

START_TEST(the_global_group_is_the_engine_s_own_draw)
{
	struct trial_shop t;
	struct uplift u;
	trial_init(&t, 2000, 0);
	t.settings.global_control_per_million = 200000;
	struct instant start = shop_time(&t.small, "2025-03-01 00:00");
	int64_t control = 0;
	for (customer_id c = 1; c <= 2000; c++) {
		bool held = draw_per_million(draw_u64(9, DRAW_GLOBAL_CONTROL, 0, c, 0, 0)) < 200000;
		sell(&t, c, c > 1990 ? later(start, DAY_S) : later(start, -30 * DAY_S), 1, 1, 12000); /* ten came too late */
		if (c <= 1990 && c % 4 == 0)
			sell(&t, c, later(start, 3 * DAY_S), 1, 1, 12000);
		control += held && c <= 1990;
		*pstate_add_sent(&t.states[c]) = (struct sent){ .at = (uint32_t)start.s + 60,
			                                            .channel = CHANNEL_POSTCARD,
			                                            .purpose = c % 2 ? PURPOSE_MARKETING : PURPOSE_SERVICE,
			                                            .state = SENT_ACCEPTED };
	}
	trial_ready(&t, "2025-06-01 10:00");
	t.shop.seed = 9;
	uplift_make(&t.shop, &(struct uplift_ask){ .global = true, .from = start, .margin_per_mille = -1 }, &u);
	ck_assert_int_eq(u.arm[UPLIFT_CONTROL].customers, control);
	ck_assert_int_eq(u.arm[UPLIFT_TREATED].customers, 1990 - control);
	ck_assert_int_eq(u.arm[0].converted + u.arm[1].converted, 1990 / 4);
	ck_assert_int_eq(u.arm[0].messages + u.arm[1].messages, 995);
	ck_assert(u.srm.known && !u.srm.alarm);
	uplift_make(&t.shop,
	            &(struct uplift_ask){ .global = true, .from = later(start, 80 * DAY_S), .margin_per_mille = -1 }, &u);
	ck_assert_int_eq(u.too_recent, 2000);
	trial_release(&t);
}
END_TEST

/* 4,000 lapsed customers in a plan, half of them control: 30 % of the treated order for 50, 10 % of the control. Ten
 * others became loyal, 25 were prospects, five of whom bought for 80. */
static void case_fill(struct trial_shop *t)
{
	struct instant entry = shop_time(&t->small, "2025-03-01 10:00");
	struct profile_body met = nobody();
	met.created = shop_time(&t->small, "2024-02-01 10:00");
	for (customer_id c = 1; c <= 4000; c++) {
		sell(t, c, shop_time(&t->small, "2024-01-01 10:00"), 1, 1, 10000);
		enter(t, c, entry, c % 2 == 0);
		if (c % 2 ? c % 20 < 6 : c % 20 < 2)
			sell(t, c, later(entry, 4 * DAY_S), 1, 1, 5000);
	}
	for (customer_id c = 4001; c <= 4010; c++) {
		sell(t, c, shop_time(&t->small, "2024-01-10 10:00"), 1, 1, 10000);
		sell(t, c, shop_time(&t->small, "2024-02-10 10:00"), 1, 1, 2000);
	}
	for (customer_id c = 4011; c <= 4035; c++) {
		add_profile(&t->small, c, met);
		if (c > 4030)
			sell(t, c, shop_time(&t->small, "2025-03-10 10:00"), 1, 1, 8000);
	}
	*pstate_add_sent(&t->states[1]) =
		(struct sent){ .at = (uint32_t)entry.s + 60, .run_no = 1, .channel = CHANNEL_POSTCARD, .state = SENT_ACCEPTED };
	t->settings.channel_cost[CHANNEL_POSTCARD] = 90000;
}

START_TEST(the_case_of_a_shop_by_hand)
{
	struct trial_shop t;
	struct err err;
	struct case_shop *c = mem_alloc(sizeof *c);
	trial_init(&t, 4035, 500000);
	case_fill(&t);
	trial_ready(&t, "2025-06-01 10:00");
	ck_assert_msg(case_shop_make(&t.shop, false, c, &err), "%s", err.text);
	const struct case_input *in = &c->input;
	ck_assert_int_eq(in->prospects, 25);
	ck_assert_int_eq(in->after.transformation, 200000);
	ck_assert_int_eq(in->after.basket, 8000);
	ck_assert_int_eq(in->after.conversion, 2494); /* 10 of 4,010 */
	ck_assert_int_eq(in->after.loyal_value, 12000);
	ck_assert_int_eq(in->customers, 4015);
	ck_assert_int_eq(in->after.activity, 200498); /* 805 of 4,015 */
	ck_assert_int_eq(in->after.active_value, 5019);
	ck_assert_int_eq(in->yearly_cost, 90);
	ck_assert(!c->loyal_understated);
	for (int k = 0; k < CASE_KNOWN; k++)
		ck_assert_ptr_null(c->missing_en[k]);
	ck_assert_uint_eq(c->plan_count, 1);
	ck_assert(c->plans[0].counts && c->plans[0].line == CASE_ACTIVE);
	ck_assert_double_eq_tol(c->plans[0].brought, 400, 1e-6);
	ck_assert_int_eq(in->before.activity, 100872); /* 405 of 4,015 */
	ck_assert_int_eq(in->before.transformation, in->after.transformation);
	ck_assert_int_eq(c->result.total.gain.minor, c->result.line[CASE_ACTIVE].gain.minor);
	ck_assert_double_eq_tol((double)c->result.total.gain.minor, 400 * 5019.0, 5000);
	ck_assert(0 < c->gain_low.minor && c->gain_low.minor < c->result.total.gain.minor &&
	          c->result.total.gain.minor < c->gain_high.minor);
	trial_release(&t);
	trial_init(&t, 30, 0); /* no order: said; then orders alone: no plan, nobody known before */
	trial_ready(&t, "2025-06-01 10:00");
	ck_assert(!case_shop_make(&t.shop, false, c, &err) && strstr(err.text, "no order yet"));
	book_unpin(t.small.book, t.shop.version);
	sell(&t, 1, shop_time(&t.small, "2025-03-01 10:00"), 1, 1, 12000);
	trial_ready(&t, "2025-06-01 10:00");
	ck_assert(case_shop_make(&t.shop, true, c, &err) && c->plan_count == 0 && c->result.total.gain.minor == 0);
	ck_assert(c->missing_fr[CASE_KNOWN_CONVERSION] && c->missing_fr[CASE_KNOWN_LOYAL] && c->loyal_understated);
	trial_release(&t);
	free(c);
}
END_TEST

static void step_of(struct plan *p, const char *const *names, const int *weights, int count)
{
	p->step_count = 2;
	p->steps[0] = (struct step){ .name = STR("hello"), .action = STEP_SEND };
	p->steps[1] = (struct step){ .name = STR("winback-1"), .action = STEP_SEND, .variant_count = (uint8_t)count };
	for (int i = 0; i < count; i++)
		p->steps[1].variants[i] = (struct variant){ .name = str_from(names[i]), .weight = weights[i] };
}

/* Three variants, 500 messages each: 10 %, 10 % and 30 % order. An older version had them in another order. */
START_TEST(variants_by_hand)
{
	static const char *const NEW[] = { "plain", "short", "bold" }, *const OLD[] = { "bold", "plain", "gone" };
	struct trial_shop t;
	struct variants *v = mem_alloc(sizeof *v);
	struct finding f;
	struct plan older;
	trial_init(&t, 1700, 0);
	struct instant sent = shop_time(&t.small, "2025-03-01 10:00");
	older = t.plan;
	step_of(&older, OLD, (const int[]){ 1, 1, 2 }, 3);
	step_of(&t.plan, NEW, (const int[]){ 1, 1, 1 }, 3);
	t.set = (struct plan_set){ .count = 2, .plans = { &older, &t.plan }, .current = { 1, 1 } };
	for (customer_id c = 1; c <= 1600; c++) {
		bool old = c % 4 == 0 || c > 1500;
		int variant = c > 1500 ? 2 /* gone */ : (int)(c % 3), drawn = variant;
		if (old && c <= 1500)
			drawn = variant == 0 ? 1 : variant == 2 ? 0 : -1; /* plain and bold stood there in another order */
		if (drawn < 0) {
			old = false;
			drawn = variant;
		}
		*pstate_add_sent(&t.states[c]) = (struct sent){ .at = (uint32_t)sent.s,
			                                            .plan = old ? 0 : 1,
			                                            .step = 1,
			                                            .variant = (uint8_t)drawn,
			                                            .channel = CHANNEL_POSTCARD,
			                                            .state = SENT_ACCEPTED };
		*pstate_add_sent(&t.states[c]) = (struct sent){
			/* the same step again: only the first counts */
			.at = (uint32_t)sent.s + DAY_S, .plan = 1, .step = 1, .variant = 1, .channel = CHANNEL_POSTCARD,
			.state = SENT_ACCEPTED
		};
		if ((c / 3) % 10 < (variant == 2 ? 3 : 1))
			sell(&t, c, later(sent, 5 * DAY_S), 1, 1, 12000 + c);
	}
	trial_ready(&t, "2025-06-01 10:00");
	const struct uplift_ask ask = { .plan = 0, .margin_per_mille = -1 };
	ck_assert(!variants_make(&t.shop, &ask, 0, v) && !variants_make(&t.shop, &ask, 2, v));
	ck_assert(variants_make(&t.shop, &ask, 1, v));
	ck_assert_int_eq(v->count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(v->arm[i].customers, 500);
		ck_assert_int_eq(v->arm[i].converted, i == 2 ? 150 : 50);
	}
	ck_assert(str_is(v->name[2], "bold") && v->margin_known);
	const struct comparison *same = &v->outcome[UPLIFT_CONVERSION][1], *better = &v->outcome[UPLIFT_CONVERSION][2];
	ck_assert_double_eq_tol(same->difference, 0, 1e-9);
	ck_assert_double_eq_tol(better->difference, 0.2, 1e-9);
	ck_assert_double_eq_tol(better->level, 1 - 0.05 / 2, 1e-12); /* two comparisons share 5 % */
	ck_assert_double_eq_tol(v->p_holm[UPLIFT_CONVERSION][2], 2 * better->p_difference, 1e-15);
	ck_assert_double_eq_tol(v->p_holm[UPLIFT_CONVERSION][1], same->p_difference, 1e-9);
	variants_finding(v, 2, UPLIFT_CONVERSION, &t.settings, false, &f);
	ck_assert_msg(f.kind == FINDING_BROUGHT && strstr(f.text, "100 buyers"), "%s", f.text);
	variants_finding(v, 1, VARIANT_CLICKED, &t.settings, true, &f);
	ck_assert(f.kind == FINDING_MISSING && strstr(f.text, "variantes"));
	ck_assert(v->srm.known);
	trial_release(&t);
	free(v);
}
END_TEST

/* A draw of its own for what would have happened anyway. */
static double draw(uint64_t seed, uint64_t purpose, uint64_t c)
{
	return (double)(hash_mix(hash_mix(seed + 77, purpose), c) >> 11) * 0x1p-53;
}

/* One shop of customers with habits of their own: the treated also react to one message as the simulator says. */
static double simulate_shop(struct trial_shop *t, uint64_t seed, struct str plan, struct str step)
{
	struct instant entry = shop_time(&t->small, "2025-03-01 10:00");
	double truth = 0;
	for (customer_id c = 1; c <= ENTRANTS; c++) {
		bool control = draw(seed, 1, c) < 0.3;
		double habit = 0.02 + 0.2 * draw(seed, 2, c) * draw(seed, 2, c);
		enter(t, c, entry, control);
		for (int month = 1; month <= 10; month++)
			if (draw(seed, 10 + (uint64_t)month, c) < habit)
				sell(t, c, later(entry, -month * 30 * DAY_S), 1, 1, 12000);
		if (draw(seed, 3, c) < habit)
			sell(t, c, later(entry, 9 * DAY_S), 1, 1, 12000);
		truth += simulate_uplift(seed, c, plan, step) / ENTRANTS;
		if (control)
			continue;
		struct simulate_reaction r;
		simulate_response(seed, c, plan, step, entry, &r);
		if (r.ordered)
			sell(t, c, r.ordered_at.s > entry.s ? r.ordered_at : later(entry, 1), 1, 1, r.spend_cents);
	}
	return truth;
}

static void recover(struct str plan, struct str step, double least)
{
	int covered = 0, always = 0, brought = 0;
	double error = 0, noise = 0, cut = 0;
	for (uint64_t seed = 1; seed <= SHOPS; seed++) {
		struct trial_shop t;
		struct uplift u;
		struct finding f;
		trial_init(&t, ENTRANTS, 300000);
		double truth = simulate_shop(&t, seed, plan, step);
		trial_ready(&t, "2025-07-01 10:00");
		uplift_make(&t.shop, &(struct uplift_ask){ .window_days = 60, .margin_per_mille = -1 }, &u);
		const struct comparison *c = &u.outcome[UPLIFT_ORDERS];
		ck_assert(c->known && !u.srm.alarm);
		ck_assert_double_ge(truth, least);
		covered += c->low <= truth && truth <= c->high;
		always += !c->seq_known || (c->seq_low <= truth && truth <= c->seq_high);
		error += c->difference - truth;
		noise += c->se * c->se;
		cut += c->variance_cut;
		uplift_finding(&u, UPLIFT_ORDERS, &t.settings, false, &f);
		brought += f.kind == FINDING_BROUGHT;
		trial_release(&t);
	}
	ck_assert_int_ge(covered, SHOPS * 85 / 100); /* 95 % of 60 is 57; below 51 once in 3,000 */
	ck_assert_int_ge(always, SHOPS * 95 / 100);
	ck_assert_double_le(fabs(error), 3.5 * sqrt(noise)); /* no bias */
	ck_assert_double_ge(cut / SHOPS, 0);
	if (least == 0)
		ck_assert_int_le(brought, SHOPS / 20); /* no effect is not called one */
}

/* The global group against all others: two plans wrote to everybody else, each with the simulator's effect. */
START_TEST(the_global_group_recovers_the_sum_of_all_plans)
{
	enum { GLOBAL_SHOPS = 40 };
	int covered = 0;
	double error = 0, noise = 0;
	for (uint64_t seed = 1; seed <= GLOBAL_SHOPS; seed++) {
		struct trial_shop t;
		struct uplift u;
		double truth = 0;
		trial_init(&t, ENTRANTS, 0);
		t.settings.global_control_per_million = 300000;
		struct instant from = shop_time(&t.small, "2025-03-01 00:00");
		for (customer_id c = 1; c <= ENTRANTS; c++) {
			bool held = draw_per_million(draw_u64(seed, DRAW_GLOBAL_CONTROL, 0, c, 0, 0)) < 300000;
			sell(&t, c, later(from, -200 * DAY_S), 1, 1, 12000); /* known before the start */
			if (draw(seed, 3, c) < 0.05)
				sell(&t, c, later(from, 9 * DAY_S), 1, 1, 12000);
			const struct str plans[] = { STR("anti-churn"), STR("abandoned-cart") },
							 steps[] = { STR("winback-1"), STR("cart-1") };
			for (int p = 0; p < 2; p++) {
				struct simulate_reaction r;
				truth += simulate_uplift(seed, c, plans[p], steps[p]) / ENTRANTS;
				simulate_response(seed, c, plans[p], steps[p], from, &r);
				if (!held && r.ordered)
					sell(&t, c, r.ordered_at.s > from.s ? r.ordered_at : later(from, 1), 1, 1, r.spend_cents);
			}
		}
		trial_ready(&t, "2025-07-01 10:00");
		t.shop.seed = seed;
		uplift_make(&t.shop,
		            &(struct uplift_ask){ .global = true, .from = from, .window_days = 60, .margin_per_mille = -1 },
		            &u);
		const struct comparison *c = &u.outcome[UPLIFT_ORDERS];
		ck_assert(c->known && !u.srm.alarm);
		ck_assert_double_gt(truth, 0.03);
		covered += c->low <= truth && truth <= c->high;
		error += c->difference - truth;
		noise += c->se * c->se;
		trial_release(&t);
	}
	ck_assert_int_ge(covered, GLOBAL_SHOPS * 85 / 100);
	ck_assert_double_le(fabs(error), 3.5 * sqrt(noise)); /* no bias */
}
END_TEST

START_TEST(known_effects_are_recovered)
{
	recover(STR("abandoned-cart"), STR("cart-1"), 0.03);
	recover(STR("anti-churn"), STR("winback-1"), 0.01);
}
END_TEST

START_TEST(no_effect_is_not_called_one)
{
	recover(STR("survey"), STR("survey-1"), 0);
}
END_TEST

UNIT_MAIN("uplift", a_merged_record_counts_once, merged_across_arms, merged_across_the_global_group, by_hand,
          missing_things_are_said, the_global_group_is_the_engine_s_own_draw, the_case_of_a_shop_by_hand,
          variants_by_hand, the_global_group_recovers_the_sum_of_all_plans, known_effects_are_recovered,
          no_effect_is_not_called_one)
