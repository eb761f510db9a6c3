/* The condition language: every documented example, every error with its place, and meanings person by person.
 * (expr_select against expr_test over random shops and conditions: test_expr_random.c.) */
#include "small_shop.h"

#include "base/hash.h"
#include "fold/expr.h"

static const char *segment(void *user, struct str name)
{
	return str_is(name, "grands comptes") ? "company and spend > 1000 EUR"
	       : str_is(name, "loop")         ? "segment(\"loop\")"
	       : str_is(name, "broken")       ? "company and\n lifecicle = new"
	                                      : NULL;
}

static const char *const PLANS[] = { "welcome", "anti-churn", "birthday" };
static const char *const STEPS[] = { "winback-1", "winback-2" };

static struct expr_context context(void)
{
	struct expr_context c = { .lifecycle = LIFECYCLE_DEFAULTS, .segment = segment, .basis.soft_opt_in = true };
	ck_assert(currency_find(STR("EUR"), &c.currency));
	ck_assert(zone_find(STR("Europe/Paris"), &c.shop_zone));
	return c;
}

START_TEST(every_documented_example_compiles)
{
	size_t count;
	const struct expr_word *words = expr_words(&count);
	ck_assert_uint_ge(count, 30);
	struct arena a;
	arena_init(&a);
	struct expr_context c = context();
	for (size_t i = 0; i < count; i++) {
		struct expr_error error;
		const struct expr *e = expr_compile(str_from(words[i].example), &c, &a, &error);
		ck_assert_msg(e != NULL, "%s: %zu:%zu: %s", words[i].example, error.line, error.column, error.text);
		ck_assert_msg(strstr(words[i].example, words[i].name) != NULL, "%s is not in its example", words[i].name);
	}
	arena_release(&a);
}
END_TEST

/* Two conditions, and whether one person can fulfil both: "no" only where that is certain. */
START_TEST(conditions_that_exclude_each_other)
{
	static const struct {
		const char *a, *b;
		bool meet;
	} CASES[] = {
		{ "lifecycle in (lapsing, former)", "lifecycle = former", true },
		{ "lifecycle in (lapsing, former)", "lifecycle in (loyal, ambassador)", false },
		{ "lifecycle != former", "lifecycle = former", false },
		{ "not lifecycle in (new, loyal)", "lifecycle = loyal", false },
		{ "lifecycle = new or lifecycle = loyal", "lifecycle = ambassador", false },
		{ "lifecycle = new or company", "lifecycle = ambassador", true },
		{ "lifecycle = new and company", "lifecycle = ambassador", false },
		{ "orders = 1", "orders > 1", false },
		{ "orders >= 1", "2 > orders", true },
		{ "orders in 2..4", "orders <= 1", false },
		{ "not orders <= 1", "orders < 2", false },
		{ "orders(last 2 years) >= 1", "orders = 0", true }, /* another question: only plain counts are compared */
		{ "orders(last 2 years) = 0", "orders(last 2 years) > 0", false },
		{ "lifecycle = loyal", "orders = 0", false },
		{ "lifecycle = prospect", "orders >= 1", false },
		{ "tag(\"vip\")", "not tag(\"vip\")", false },
		{ "tag(\"vip\")", "not tag(\"pro\")", true },
		{ "inactive(12 months)", "not inactive(6 months)", false },
		{ "inactive(6 months)", "not inactive(12 months)", true },
		{ "lifecycle = former", "not inactive(6 months)", false },
		{ "inactive(180 days)", "not inactive(6 months)", true }, /* six months may have 184 days */
		{ "inactive(200 days)", "not inactive(6 months)", false },
		{ "lifecycle in (new, loyal, ambassador)", "inactive(12 months)", false },
		{ "spend > 100 EUR", "spend <= 100 EUR", false },
		{ "spend > 100 EUR", "average_basket <= 100 EUR", true },
		{ "order_amount > average_basket_shop", "order_amount <= average_basket_shop", true },
		{ "bought(category = \"Jardin\")", "not bought(category = \"Salon\")", true },
		{ "gender = f", "gender = m", false },
		{ "company", "not company", false },
	};
	struct arena a;
	arena_init(&a);
	struct expr_context c = context();
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct expr_error error;
		const struct expr *both[] = { expr_compile(str_from(CASES[i].a), &c, &a, &error),
			                          expr_compile(str_from(CASES[i].b), &c, &a, &error), NULL };
		ck_assert_msg(both[0] && both[1], "%s / %s: %s", CASES[i].a, CASES[i].b, error.text);
		ck_assert_msg(expr_can_meet(both, 3, &(struct expr_state){ 0 }) == CASES[i].meet, "%s / %s", CASES[i].a,
		              CASES[i].b);
		const struct expr *turned[] = { both[1], both[0] };
		ck_assert_msg(expr_can_meet(turned, 2, &(struct expr_state){ 0 }) == CASES[i].meet, "%s / %s", CASES[i].b,
		              CASES[i].a);
	}
	struct expr_error error;
	const struct expr *none = expr_compile(STR("orders = 0"), &c, &a, &error);
	ck_assert(!expr_can_meet(&none, 1, &(struct expr_state){ .orders = 1 }));
	arena_release(&a);
}
END_TEST

/* The condition, where it goes wrong, and a part of what is said. */
static const struct {
	const char *text;
	size_t line, column;
	const char *says;
} ERRORS[] = {
	{ "lifecicle = new", 1, 1, "did you mean \"lifecycle\"?" },
	{ "company and\n  lifecicle = new", 2, 3, "did you mean \"lifecycle\"?" },
	{ "lifecycle = lapsed", 1, 13, "is not a phase of the life cycle" },
	{ "lifecycle in (lapsing, formr)", 1, 24, "did you mean \"former\"?" },
	{ "lapsing", 1, 1, "write lifecycle = lapsing" },
	{ "lifecycle", 1, 1, "write lifecycle = lapsing" },
	{ "orders", 1, 1, "orders is a number, not a condition: compare it, e.g. orders > 3" },
	{ "company adn company", 1, 9, "did you mean \"and\"?" },
	{ "spend > 100", 1, 9, "spend is an amount of money: write it as 25 EUR" },
	{ "orders > 25 EUR", 1, 10, "orders is a number" },
	{ "spend > 100 GBP", 1, 13, "this shop counts in EUR, not in GBP" },
	{ "spend > 10.005 EUR", 1, 9, "at most 2 decimals" },
	{ "bought(categorie = \"Salon\")", 1, 8, "did you mean \"category\"?" },
	{ "bought(category = Salon)", 1, 19, "double quotes: \"Salon\"" },
	{ "bought(category > \"Salon\")", 1, 17, "one of =, != or \"in (…)\" belongs here" },
	{ "bought(last 6)", 1, 13, "a duration belongs here: last 6 months" },
	{ "bought(lst 6 months)", 1, 8, "did you mean \"last\"?" },
	{ "bought(2025-02-30)", 1, 8, "2025-02-30 is no day of the calendar" },
	{ "bought(2026-02-28..2025-09-01)", 1, 8, "ends before it starts" },
	{ "orders(last 3 months, last 2 days) > 1", 1, 23, "one range of dates" },
	{ "company and", 1, 12, "missing at the end" },
	{ "", 1, 1, "nothing is asked" },
	{ "(company", 1, 9, "\")\" is missing at the end" },
	{ "company)", 1, 8, "something is too much" },
	{ "store = \"Lille", 1, 9, "not closed" },
	{ "store = 'Lille'", 1, 9, "double quotes" },
	{ "\"Lille\" = store", 1, 1, "write the field first" },
	{ "company && reach(email)", 1, 9, "write \"and\"" },
	{ "3 < orders < 5", 1, 12, "do not chain" },
	{ "gender > f", 1, 1, "has no order" },
	{ "age in 5..3", 1, 8, "ends before it starts" },
	{ "may(fax)", 1, 5, "is not a channel" },
	{ "may", 1, 4, "may needs an argument: may(CHANNEL, PURPOSE)" },
	{ "last_order + 3 hours < today", 1, 14, "a date has no hours" },
	{ "last_order + orders < today", 1, 12, "has no meaning" },
	{ "cart_age > 1 month", 1, 12, "months differ in length" },
	{ "today - last_order > 6 months", 1, 22, "months differ in length" },
	{ "distance(\"Lille\") < 50 km", 1, 10, "a French postcode" },
	{ "department = \"99\"", 1, 14, "is not a French department" },
	{ "segment(\"nobody\")", 1, 9, "no saved segment" },
	{ "company or segment(\"loop\")", 1, 20, "in a circle" },
	{ "segment(\"broken\")", 1, 9, "in segment \"broken\", 2:2: no word \"lifecicle\"" },
	{ "entered(\"wellcome\")", 1, 9, "did you mean \"welcome\"?" },
	{ "opened(winback-3)", 1, 8, "this plan has no step \"winback-3\"; did you mean \"winback-1\"?" },
	{ "not orders", 1, 5, "\"not\" takes a condition" },
	{ "not not not 3", 1, 13, "\"not\" takes a condition" },
	{ "inactive(6)", 1, 10, "inactive(6 months)" },
	{ "orders > 99999999999999999999", 1, 10, "too large" },
	{ "store = \"\xC3\xA9\" and nope", 1, 17, "no word \"nope\"" }, /* columns count characters */
	{ "company = 1", 1, 11, "is a yes/no condition" },
	{ "company;", 1, 8, "has no meaning here" },
	{ "orders(total > 3) > 1", 1, 16, "an amount of money belongs here" },
	{ "child_age", 1, 10, "an age belongs here" },
};

/* Nothing of the English sentence is left, and the place is the same. */
START_TEST(errors_in_french)
{
	static const char *const ENGLISH[] = { " is ",  " the ", "belongs", "missing", "write ",    "did you mean",
		                                   "needs", "takes", "has no",  "cannot",  "an amount", "a number" };
	struct arena a;
	arena_init(&a);
	struct expr_context c = context();
	c.french = true;
	c.plan_names = PLANS;
	c.plan_count = ARRAY_LEN(PLANS);
	c.step_names = STEPS;
	c.step_count = ARRAY_LEN(STEPS);
	for (size_t i = 0; i < ARRAY_LEN(ERRORS); i++) {
		struct expr_error e;
		ck_assert(!expr_compile(str_from(ERRORS[i].text), &c, &a, &e));
		ck_assert_msg(e.line == ERRORS[i].line && e.column == ERRORS[i].column, "%s: %s", ERRORS[i].text, e.text);
		for (size_t w = 0; w < ARRAY_LEN(ENGLISH); w++)
			ck_assert_msg(!strstr(e.text, ENGLISH[w]), "%s: %s", ERRORS[i].text, e.text);
		ck_assert_uint_eq(str_utf8_valid(str_from(e.text)), strlen(e.text));
	}
	struct expr_error e;
	ck_assert(!expr_compile(STR("lifecicle = new"), &c, &a, &e));
	ck_assert_str_eq(e.text, "aucun mot «\xC2\xA0lifecicle\xC2\xA0»\xE2\x80\xAF; vouliez-vous dire "
	                         "«\xC2\xA0lifecycle\xC2\xA0»\xE2\x80\xAF?");
	arena_release(&a);
}
END_TEST

START_TEST(errors_point_at_the_character)
{
	struct arena a;
	arena_init(&a);
	struct expr_context c = context();
	c.plan_names = PLANS;
	c.plan_count = ARRAY_LEN(PLANS);
	c.step_names = STEPS;
	c.step_count = ARRAY_LEN(STEPS);
	for (size_t i = 0; i < ARRAY_LEN(ERRORS); i++) {
		struct expr_error e;
		ck_assert_msg(!expr_compile(str_from(ERRORS[i].text), &c, &a, &e), "compiles: %s", ERRORS[i].text);
		ck_assert_msg(e.line == ERRORS[i].line && e.column == ERRORS[i].column && strstr(e.text, ERRORS[i].says),
		              "%s\n  said   %zu:%zu: %s\n  wanted %zu:%zu: … %s …", ERRORS[i].text, e.line, e.column, e.text,
		              ERRORS[i].line, ERRORS[i].column, ERRORS[i].says);
	}
	struct expr_error e;
	struct buf shown;
	buf_init(&shown, 1000);
	ck_assert(!expr_compile(STR("company and\n\tlifecicle = new"), &c, &a, &e));
	expr_error_show(&e, STR("company and\n\tlifecicle = new"), &shown);
	ck_assert_str_eq(shown.p, "2:2: no word \"lifecicle\"; did you mean \"lifecycle\"?\n  \tlifecicle = new\n  \t^\n");
	buf_clear(&shown);
	ck_assert(!expr_compile(STR("store = \x1B[31m\xFF"), &c, &a, &e)); /* nothing a terminal would obey */
	expr_error_show(&e, STR("store = \x1B[31m\xFF"), &shown);
	ck_assert(strchr(shown.p, 0x1B) == NULL && strstr(shown.p, "?[31m?") != NULL);
	buf_release(&shown);
	arena_release(&a);
}
END_TEST

START_TEST(limits_are_said)
{
	struct arena a;
	arena_init(&a);
	struct expr_context c = context();
	struct expr_error e;
	struct buf b;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < EXPR_DEPTH_MAX + 1; i++)
		buf_char(&b, '(');
	ck_assert(!expr_compile(buf_view(&b), &c, &a, &e));
	ck_assert_msg(strstr(e.text, "nested too deeply") != NULL, "%s", e.text);
	buf_clear(&b);
	for (int i = 0; i < EXPR_DEPTH_MAX; i++)
		buf_cstr(&b, "not (company or orders > 1 + 1 * (2 + ");
	ck_assert(!expr_compile(buf_view(&b), &c, &a, &e));
	buf_clear(&b);
	buf_cstr(&b, "company");
	while (b.n < EXPR_TEXT_MAX)
		buf_cstr(&b, " ");
	buf_cstr(&b, "or company");
	ck_assert(!expr_compile(buf_view(&b), &c, &a, &e));
	ck_assert_msg(strstr(e.text, "too long") != NULL, "%s", e.text);
	buf_clear(&b);
	buf_cstr(&b, "0");
	for (int i = 0; i < 2 * EXPR_OPS_MAX && b.n < EXPR_TEXT_MAX - 8; i++)
		buf_cstr(&b, "+1");
	buf_cstr(&b, " > 1");
	ck_assert(!expr_compile(buf_view(&b), &c, &a, &e));
	ck_assert_msg(strstr(e.text, "too long") != NULL, "%s", e.text);
	buf_release(&b);
	arena_release(&a);
}
END_TEST

/* ---- meanings: one rich customer (1), one unknown (2), one company (3); as of 2026-03-15 10:00 in Paris ---- */

struct scene {
	struct small_shop s;
	struct pstate states[4];
	struct thresholds t;
	const struct version *v;
	struct instant now;
	struct run run;
	struct sent sent[3];
	struct run runs[2];
};

static void products(struct small_shop *s)
{
	struct product *p = mem_alloc(6 * sizeof *p);
	struct book *b = s->book;
	p[1] = (struct product){ .sku = STR("SOFA"),
		                     .name = STR("Canapé bleu"),
		                     .category = book_word(b, STR("Salon")),
		                     .family = book_word(b, STR("Canapés")),
		                     .price = 80000,
		                     .tier = 2 };
	p[2] = (struct product){ .sku = STR("LAMP"),
		                     .name = STR("Lampe"),
		                     .category = book_word(b, STR("Salon")),
		                     .type = book_word(b, STR("lampe")),
		                     .price = 4000,
		                     .tier = 1 };
	p[3] = (struct product){
		.sku = STR("HOSE"), .name = STR("Tuyau"), .category = book_word(b, STR("Jardin")), .price = 2500
	};
	p[4] = (struct product){ .sku = STR("POST"), .name = STR("Port"), .price = -1, .not_a_product = 1 };
	p[5] = (struct product){ .sku = STR("MISC"), .name = STR("Divers"), .price = -1 };
	book_set_products(b, p, 6);
}

static void scene_init(struct scene *x)
{
	*x = (struct scene){ 0 };
	struct small_shop *s = &x->s;
	small_shop_init(s, "Europe/Paris");
	products(s);
	struct str tags[] = { STR("vip") }, interests[] = { STR("jardinage") };
	struct date children[] = { day_of_text("2021-06-01"), day_of_text("2008-01-01") };
	struct profile_body p = nobody();
	p.created = shop_time(s, "2024-12-31 23:30");
	p.born = day_of_text("1964-02-29");
	p.reach = REACH_EMAIL | REACH_PHONE;
	p.gender = 'f';
	p.postcode = STR("59100");
	p.store = STR("Lille");
	p.tags = tags;
	p.interests = interests;
	p.children = children;
	p.tag_count = p.interest_count = 1;
	p.child_count = 2;
	add_profile(s, 1, p);
	add_profile(s, 2, nobody());
	p = nobody();
	p.company = true;
	p.reach = REACH_EMAIL;
	p.postcode = STR("20200");
	add_profile(s, 3, p);

	struct line first[] = { { 1, 1, 80000 }, { 4, 1, 500 } }, second[] = { { 2, 3, 12000 }, { 3, 1, 2500 } };
	struct line back[] = { { 2, -1, -4000 } };
	add_order_lines(s, 1, shop_time(s, "2025-09-01 00:00"), SALE_STORE, first, 2);
	add_order_lines(s, 1, shop_time(s, "2026-02-28 23:59"), SALE_WEB, second, 2);
	add_order_lines(s, 1, shop_time(s, "2026-03-02 09:00"), SALE_WEB, back, 1);
	add_order(s, 3, "2024-03-01 10:00", 9000);

	struct line cart[] = { { 1, 1, 80000 }, { 3, 2, 5000 } };
	add_cart(s, 1, shop_time(s, "2026-03-14 18:00"), "c1", CART_CHANGED, cart, 2);
	add_cart(s, 1, shop_time(s, "2026-03-15 06:00"), "c2", CART_CHANGED, cart, 1);
	add_cart(s, 1, shop_time(s, "2026-03-15 07:00"), "c2", CART_CHANGED, cart + 1, 1);
	add_cart(s, 3, shop_time(s, "2026-03-15 07:00"), "c3", CART_CHANGED, cart, 1);
	add_cart(s, 3, shop_time(s, "2026-03-15 07:30"), "c3", CART_PAID, cart, 1);
	add_event(s, 1, shop_time(s, "2026-02-13 08:00"), "newsletter", 0);
	add_event(s, 1, shop_time(s, "2026-03-10 08:00"), "score", 9);
	add_event(s, 1, shop_time(s, "2026-03-11 08:00"), "score", 4);
	add_consent(s, 1, "2025-01-01 10:00", CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_SOFT);
	add_consent(s, 1, "2025-01-01 10:00", CHANNEL_SMS, PURPOSE_MARKETING, CONSENT_GRANTED);
	add_consent(s, 1, "2025-06-01 10:00", CHANNEL_SMS, PURPOSE_MARKETING, CONSENT_WITHDRAWN);
	add_consent(s, 1, "2025-03-15 09:00", CHANNEL_PHONE, PURPOSE_MARKETING, CONSENT_GRANTED);
	small_shop_apply(s);

	x->now = shop_time(s, "2026-03-15 10:00");
	x->v = book_pin(s->book);
	thresholds_compute(s->book, x->v, day_of_text("2026-03-15"), &LIFECYCLE_DEFAULTS, 1, &x->t);
	x->sent[0] = (struct sent){ .at = (uint32_t)(x->now.s - 20 * DAY_S),
		                        .plan = 1,
		                        .run_no = 1,
		                        .state = SENT_ACCEPTED,
		                        .opened_at = (uint32_t)(x->now.s - 19 * DAY_S) };
	x->sent[1] = (struct sent){ .at = (uint32_t)(x->now.s - 5 * DAY_S),
		                        .plan = 1,
		                        .run_no = 2,
		                        .step = 1,
		                        .state = SENT_ACCEPTED,
		                        .answer = ANSWER_UNSATISFIED };
	x->sent[2] = (struct sent){
		.at = (uint32_t)(x->now.s - DAY_S), .plan = 0, .run_no = 1, .state = SENT_QUEUED, .channel = CHANNEL_SMS
	};
	x->runs[0] =
		(struct run){ .plan = 1, .run_no = 1, .entered_at = (uint32_t)(x->now.s - 20 * DAY_S), .state = RUN_ENDED };
	x->runs[1] = (struct run){ .plan = 1, .run_no = 2, .entered_at = (uint32_t)(x->now.s - 5 * DAY_S), .control = 1 };
	x->states[1] = (struct pstate){ .sent = x->sent, .sent_count = 3, .runs = x->runs, .run_count = 2 };
	x->states[3].suppressed = 1 << CHANNEL_EMAIL;
	x->run = x->runs[1];
	x->run.anchor_at = (uint32_t)shop_time(s, "2026-02-28 23:59").s;
}

static void scene_release(struct scene *x)
{
	book_unpin(x->s.book, x->v);
	small_shop_release(&x->s);
}

static enum tri asked(struct scene *x, customer_id c, const struct run *run, const char *text)
{
	struct arena a;
	arena_init(&a);
	struct expr_context k = context();
	k.plan_names = PLANS;
	k.plan_count = ARRAY_LEN(PLANS);
	k.step_names = run ? STEPS : NULL;
	k.step_count = run ? ARRAY_LEN(STEPS) : 0;
	struct expr_error error;
	const struct expr *e = expr_compile(str_from(text), &k, &a, &error);
	ck_assert_msg(e != NULL, "%s: %zu:%zu: %s", text, error.line, error.column, error.text);
	struct subject s;
	expr_subject(x->s.book, x->v, x->states, c, x->now, &x->t, &s);
	s.run = run;
	enum tri r = expr_test(e, &s);
	ck_assert_int_eq(expr_test(e, &s), r); /* with the word numbers remembered */
	if (!run) {
		uint64_t bits[1];
		expr_select(e, x->s.book, x->v, x->states, x->now, &x->t, 1, bits);
		ck_assert_msg((bits[0] >> c & 1) == (r == TRI_TRUE), "select and test differ: %s", text);
	}
	arena_release(&a);
	return r;
}

static const struct {
	customer_id customer;
	enum tri answer;
	const char *text;
} MEANINGS[] = {
	/* orders: three documents, two of them sales */
	{ 1, TRI_TRUE, "orders = 2 and spend = 910 EUR" },
	{ 1, TRI_TRUE, "orders(2025-09-01..2026-02-28) = 2 and orders(2025-09-02..2026-02-27) = 0" }, /* both ends count */
	{ 1, TRI_TRUE,
	  "orders(channel = store) = 1 and orders(channel in (store, web)) = 2 and orders(channel != web) = 1" },
	{ 1, TRI_TRUE, "orders(total >= 500 EUR) = 1 and orders(total in 100..200 EUR) = 1 and orders(items > 3) = 1" },
	{ 1, TRI_TRUE, "orders(items = 1) = 1" }, /* postage is no piece */
	{ 1, TRI_TRUE, "average_basket = 475 EUR and biggest_order = 805 EUR" },
	{ 1, TRI_TRUE, "first_order = 2025-09-01 and last_order = 2026-02-28 and first_order_amount = 805 EUR" },
	{ 1, TRI_TRUE, "last_order_amount = 145 EUR and last_order_amount < 50 % * average_basket" },
	{ 1, TRI_TRUE, "days_since(last_order) = 15 and last_order + 15 days = today and today - last_order = 15 days" },
	{ 1, TRI_TRUE, "month(last_order) = 2 and year(last_order) = 2026 and weekday(last_order) = saturday" },
	{ 1, TRI_TRUE,
	  "last_order in last 15 days and not (last_order in last 14 days) and first_order in 2025-09-01..2025-09-01" },
	{ 1, TRI_TRUE, "last_order in this year and last_order not in this month and first_order in before last 6 months" },
	{ 1, TRI_TRUE, "spend(last 14 days) = -40 EUR and orders(this year) = 1 and orders(since 2026-02-28) = 1" },
	{ 1, TRI_TRUE, "orders(before 2026-02-28) = 1 and orders(before last 2 weeks) = 2" },
	{ 1, TRI_TRUE, "lifecycle = loyal and not inactive(6 months) and inactive(2 weeks)" },
	{ 3, TRI_TRUE, "lifecycle = former and inactive(24 months)" },
	{ 2, TRI_TRUE, "lifecycle = prospect and not inactive(1 day)" },
	{ 1, TRI_TRUE, "top_decile and average_basket_shop = 475 EUR" },
	/* products */
	{ 1, TRI_TRUE,
	  "bought(category = \"Salon\") and bought(category = \"Salon\", 2025-09-01) and bought(category = \"Sal*\")" },
	{ 1, TRI_FALSE, "bought(category = \"Salle\")" },
	{ 1, TRI_FALSE, "bought(category != \"Salon\", before 2026-01-01)" },
	{ 1, TRI_TRUE,
	  "bought(category not in (\"Salon\")) and bought(family = \"Canapés\") and bought(type = \"lampe\")" },
	{ 1, TRI_TRUE, "bought(sku = \"HOSE\", channel = web) and not bought(sku = \"HOSE\", channel = store)" },
	{ 1, TRI_TRUE, "bought(name = \"Canapé*\", price > 500 EUR, tier = 2) and not bought(sku = \"POST\")" },
	{ 1, TRI_TRUE, "bought_count(category = \"Salon\") = 2 and quantity(sku = \"LAMP\") = 2 and products = 3" },
	{ 1, TRI_TRUE, "bought_amount(sku = \"LAMP\") = 80 EUR and last_bought(sku = \"SOFA\") = 2025-09-01" },
	{ 1, TRI_TRUE, "returned(sku = \"LAMP\") and not returned(sku = \"SOFA\") and returns = 1 and return_rate = 20 %" },
	{ 1, TRI_UNKNOWN, "last_bought(sku = \"NONE\") < today" },
	/* unknown is not true, and not false */
	{ 2, TRI_UNKNOWN, "age > 18" },
	{ 2, TRI_UNKNOWN, "not (age > 18)" },
	{ 2, TRI_FALSE, "age > 18 and company" },
	{ 2, TRI_TRUE, "age > 18 or not company" },
	{ 2, TRI_UNKNOWN, "age > 18 and not company" },
	{ 2, TRI_UNKNOWN, "last_order < today" },
	{ 2, TRI_TRUE, "not known(age) and not known(last_order) and known(company) and not known(age > 18)" },
	{ 2, TRI_UNKNOWN, "store = \"Lille\"" },
	{ 2, TRI_UNKNOWN, "store != \"Lille\"" },
	{ 2, TRI_UNKNOWN, "gender = f" },
	{ 2, TRI_UNKNOWN, "average_basket > 1 EUR" },
	{ 2, TRI_UNKNOWN, "spend / orders > 1 EUR" }, /* nothing by nothing */
	{ 2, TRI_UNKNOWN, "cart_total > 1 EUR" },
	{ 2, TRI_UNKNOWN, "order_amount > 1 EUR" },
	{ 2, TRI_FALSE, "child_age any in 0..15" },
	/* the person */
	{ 1, TRI_TRUE, "age = 62 and birthday_month = 2 and gender = f and locale = fr and zone = \"Europe/Paris\"" },
	{ 1, TRI_TRUE, "days_to_birthday = 350" }, /* 2027-02-28 */
	{ 1, TRI_TRUE,
	  "child_age any in 3..6 and child_age = 4 and not (child_age >= 5) and children = 1" }, /* 18: no child */
	{ 1, TRI_TRUE,
	  "postcode = \"59*\" and postcode in (\"62*\", \"59100\") and department = 59 and store = \"Lille\"" },
	{ 3, TRI_TRUE, "department = \"2B\" and distance(\"20000\") in 80..130 and distance(\"20200\") = 0 km" },
	{ 1, TRI_TRUE, "distance(\"75011\") in 190..220 and distance(\"59000\") = 0" },
	{ 1, TRI_TRUE, "tag(\"vip\") and interest(\"jardinage\") and not tag(\"jardinage\") and not interest(\"vip\")" },
	{ 1, TRI_TRUE, "created = 2024-12-31" }, /* half past eleven in Paris */
	{ 3, TRI_TRUE, "company and segment(\"grands comptes\") = false" },
	/* consent */
	{ 1, TRI_TRUE, "may(email) and consent(email) = soft and not may(sms) and consent(sms) = withdrawn" },
	{ 1, TRI_FALSE, "may(phone)" },    /* given a year ago to the day */
	{ 1, TRI_FALSE, "may(postcard)" }, /* no address */
	{ 1, TRI_TRUE, "consent(postcard) = none and reach(sms) and not reach(postcard) and may(sms, service)" },
	{ 3, TRI_TRUE, "suppressed(email) and suppressed and not suppressed(sms) and not may(email)" },
	/* carts */
	{ 1, TRI_TRUE,
	  "cart and cart_total = 50 EUR and cart_items = 2 and cart_age = 3 hours and cart_age > 179 minutes" },
	{ 1, TRI_TRUE,
	  "cart(sku = \"SOFA\") and cart(sku = \"SOFA\", total = 850 EUR) and not cart(sku = \"SOFA\", last 4 hours)" },
	{ 3, TRI_TRUE,
	  "not cart and cart(state = paid) and cart(state in (paid, emptied), last 1 day) and not cart(state = changed)" },
	/* events */
	{ 1, TRI_TRUE,
	  "event(\"newsletter\", last 30 days) and not event(\"newsletter\", last 29 days) and not event(\"visit\")" },
	{ 1, TRI_TRUE,
	  "event_count(\"score\") = 2 and event_count(\"score\", value > 5) = 1 and event_value(\"score\") = 4" },
	{ 1, TRI_TRUE, "last_event(\"score\", value > 5) = 2026-03-10" },
	/* messages, outside a run: all of them */
	{ 1, TRI_TRUE,
	  "sent_count = 2 and sent(plan = \"anti-churn\") and not sent(plan = welcome) and sent_count(last 7 days) = 1" },
	{ 1, TRI_TRUE, "opened any and not clicked any and last_sent = 2026-03-10 and not sent(channel = sms)" },
	{ 1, TRI_TRUE, "answered = unsatisfied and in_plan(\"anti-churn\") and not in_plan(welcome)" },
	{ 1, TRI_TRUE,
	  "entered(anti-churn) and entered(anti-churn, last 5 days) and not entered(anti-churn, before last 3 weeks)" },
	{ 1, TRI_TRUE, "control(\"anti-churn\")" },
	{ 2, TRI_TRUE, "answered = none and not opened any" },
	/* arithmetic and writing */
	{ 1, TRI_TRUE, "orders + 1 = 3 and 2 * orders - 1 = 3 and -orders < 0 and orders / 4 = 50 % and 1 + 2 * 3 = 7" },
	{ 1, TRI_TRUE, "spend / biggest_order > 1.13 and spend - 10 EUR = 900 EUR and 2 * 3 EUR = 6 EUR" },
	{ 1, TRI_TRUE,
	  "# a remark\n orders \xE2\x89\xA5 2 # another\n and orders == 2 and orders <> 3 and spend > "
	  "9\xC2\xA0\xE2\x82\xAC" },
	{ 1, TRI_TRUE, "true and not false and (false or true)" },
	{ 1, TRI_TRUE, "orders in (1, 2) and orders not in (3, 4) and orders in 2..2 and spend in 900..920 EUR" },
	{ 1, TRI_TRUE, "return_rate in 10..20 %" },
};

START_TEST(meanings)
{
	struct scene x;
	scene_init(&x);
	for (size_t i = 0; i < ARRAY_LEN(MEANINGS); i++) {
		enum tri r = asked(&x, MEANINGS[i].customer, NULL, MEANINGS[i].text);
		ck_assert_msg(r == MEANINGS[i].answer, "customer %u: %s\n  is %d, not %d", MEANINGS[i].customer,
		              MEANINGS[i].text, r, MEANINGS[i].answer);
	}
	scene_release(&x);
}
END_TEST

/* Seen from a run of anti-churn (its second), started at the order of 28 February. */
START_TEST(seen_from_a_run)
{
	struct scene x;
	scene_init(&x);
	ck_assert_int_eq(asked(&x, 1, &x.run, "opened any"), TRI_FALSE); /* it was a message of the first run */
	ck_assert_int_eq(asked(&x, 1, &x.run, "opened(plan = \"anti-churn\")"), TRI_TRUE);
	ck_assert_int_eq(asked(&x, 1, &x.run, "answered = unsatisfied"), TRI_TRUE);
	ck_assert_int_eq(asked(&x, 1, &x.run, "answered(winback-2) = unsatisfied"), TRI_TRUE);
	ck_assert_int_eq(asked(&x, 1, &x.run, "answered(winback-1) = unsatisfied"), TRI_FALSE);
	ck_assert_int_eq(asked(&x, 1, &x.run, "sent(winback-2) and not sent(step = winback-1)"), TRI_TRUE);
	ck_assert_int_eq(asked(&x, 1, &x.run, "sent_count = 2"), TRI_TRUE); /* pressure counts them all */
	ck_assert_int_eq(asked(&x, 1, &x.run, "order_amount = 145 EUR and order_bought(sku = \"LAMP\")"), TRI_TRUE);
	ck_assert_int_eq(asked(&x, 1, &x.run, "order_bought(sku = \"SOFA\")"), TRI_FALSE);
	struct run first = x.runs[0];
	ck_assert_int_eq(asked(&x, 1, &first, "opened any and opened(winback-1)"), TRI_TRUE);
	ck_assert_int_eq(asked(&x, 1, &first, "order_amount > 0 EUR"), TRI_UNKNOWN); /* no order started it */
	scene_release(&x);
}
END_TEST

/* A click is as good as an open; after a move to another version the messages are still those of the run. */
START_TEST(plans_by_name_across_versions)
{
	struct scene x;
	scene_init(&x);
	uint64_t names[] = { hash_str(STR("welcome")), hash_str(STR("anti-churn")), hash_str(STR("birthday")),
		                 hash_str(STR("anti-churn")) };
	uint64_t steps[] = { hash_str(STR("winback-1")), hash_str(STR("winback-2")) };
	const uint64_t *const by_plan[] = { steps, steps, steps, steps };
	const uint8_t counts[] = { 2, 2, 2, 2 };
	struct plan_words words = { 4, names, by_plan, counts };
	struct run moved = x.runs[1];
	moved.plan = 3; /* a newer version */
	x.sent[1].clicked_at = x.sent[1].at + 60;
	struct arena a;
	arena_init(&a);
	struct expr_context k = context();
	struct expr_error error;
	const struct expr *e = expr_compile(
		STR("opened(winback-2) and clicked any and in_plan(\"anti-churn\") and not opened(winback-1)"), &k, &a, &error);
	ck_assert_msg(e != NULL, "%s", error.text);
	struct subject s;
	expr_subject(x.s.book, x.v, x.states, 1, x.now, &x.t, &s);
	s.run = &moved;
	ck_assert_int_eq(expr_test(e, &s), TRI_FALSE); /* no names: nobody knows what plan 3 is */
	s.plans = &words;
	ck_assert_int_eq(expr_test(e, &s), TRI_TRUE);
	/* everyone at once has no run; the names come with the context */
	k.plans = &words;
	e = expr_compile(STR("opened(step = winback-2, plan = \"anti-churn\")"), &k, &a, &error);
	ck_assert_msg(e != NULL, "%s", error.text);
	uint64_t bits[1];
	ck_assert_uint_eq(expr_select(e, x.s.book, x.v, x.states, x.now, &x.t, 1, bits), 1);
	ck_assert_uint_eq(bits[0], 2);
	arena_release(&a);
	scene_release(&x);
}
END_TEST

START_TEST(needs_say_when_to_ask_again)
{
	static const struct {
		const char *text;
		struct expr_needs needs;
	} CASES[] = {
		{ "company", { .profile = true } },
		{ "orders > 1", { .orders = true } },
		{ "orders(2025-01-01..2025-12-31) > 1", { .orders = true } },
		{ "orders(last 3 months) > 1", { .orders = true, .time = true } },
		{ "lifecycle = new", { .orders = true, .time = true, .lifecycle_thresholds = true } },
		{ "bought(sku = \"A\")", { .orders = true, .products = true } },
		{ "cart_age > 3 hours", { .carts = true, .time = true } },
		{ "event(\"visit\")", { .events = true } },
		{ "opened any", { .messages = true } },
		{ "may(email)", { .consents = true, .profile = true, .messages = true } },
		{ "may(phone)", { .consents = true, .profile = true, .messages = true, .time = true } },
		{ "age > 3", { .profile = true, .time = true } },
		{ "last_order + 6 months <= today", { .orders = true, .time = true } },
		{ "last_order in last 3 days", { .orders = true, .time = true } },
	};
	struct arena a;
	arena_init(&a);
	struct expr_context k = context();
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct expr_error error;
		const struct expr *e = expr_compile(str_from(CASES[i].text), &k, &a, &error);
		ck_assert_msg(e != NULL, "%s: %s", CASES[i].text, error.text);
		struct expr_needs n = expr_needs(e), w = CASES[i].needs;
		ck_assert_msg(n.orders == w.orders && n.carts == w.carts && n.events == w.events && n.consents == w.consents &&
		                  n.messages == w.messages && n.profile == w.profile && n.products == w.products &&
		                  n.time == w.time && n.lifecycle_thresholds == w.lifecycle_thresholds,
		              "%s", CASES[i].text);
	}
	ck_assert(expr_holds(NULL, NULL));
	arena_release(&a);
}
END_TEST

UNIT_MAIN("expr", conditions_that_exclude_each_other, every_documented_example_compiles, errors_in_french,
          errors_point_at_the_character, limits_are_said, meanings, seen_from_a_run, plans_by_name_across_versions,
          needs_say_when_to_ask_again)
