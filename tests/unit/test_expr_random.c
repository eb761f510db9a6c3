/* expr_select and expr_test must agree: random shops, random conditions, as of random days, one thread and several. A
 * failure prints the seed and the condition. */
#include "small_shop.h"

#include "base/hash.h"
#include "fold/expr.h"

enum { CUSTOMERS = 600, FACTS = 5000, PRODUCTS = 40, SHOPS = 6, CONDITIONS = 400 };

static const char *const WORDS[] = { "Salon", "Jardin", "Cuisine", "vip",   "promo", "visit",
	                                 "score", "59100",  "62000",   "20200", "Lille" };

static const char *word(struct rng *r)
{
	return WORDS[rng_below(r, ARRAY_LEN(WORDS))];
}

static void random_products(struct small_shop *s, struct rng *r)
{
	struct product *p = mem_alloc(PRODUCTS * sizeof *p);
	for (uint32_t i = 1; i < PRODUCTS; i++) {
		p[i].sku = arena_printf(book_product_arena(s->book), "S%u", i);
		p[i].name = rng_below(r, 5) ? arena_printf(book_product_arena(s->book), "N %s %u", word(r), i) : STR("");
		p[i].category = rng_below(r, 6) ? book_word(s->book, str_from(word(r))) : 0;
		p[i].family = rng_below(r, 3) ? book_word(s->book, str_from(word(r))) : 0;
		p[i].price = rng_below(r, 8) ? (int64_t)rng_below(r, 20000) : -1;
		p[i].tier = (int16_t)rng_below(r, 4);
		p[i].not_a_product = rng_below(r, 12) == 0;
	}
	book_set_products(s->book, p, PRODUCTS);
}

static size_t random_lines(struct rng *r, struct line *lines, bool back)
{
	size_t n = rng_below(r, 4);
	for (size_t i = 0; i < n; i++) {
		int32_t q = (int32_t)rng_below(r, 4) + 1;
		if (back || rng_below(r, 12) == 0)
			q = -q;
		lines[i] =
			(struct line){ 1 + rng_below(r, PRODUCTS + 3), q, q * (int64_t)rng_below(r, 9000) }; /* some unknown ones */
	}
	return n;
}

static void random_profile(struct small_shop *s, struct rng *r, customer_id c, int64_t now)
{
	struct profile_body p = nobody();
	struct str tags[2] = { str_from(word(r)), str_from(word(r)) };
	struct date children[2] = { { (int32_t)(now / DAY_S) - (int32_t)rng_below(r, 8000) },
		                        { (int32_t)(now / DAY_S) - 900 } };
	if (rng_below(r, 2))
		p.born.day = (int32_t)(now / DAY_S) - (int32_t)rng_below(r, 30000);
	if (rng_below(r, 2))
		p.created.s = now - (int64_t)rng_below(r, 900) * DAY_S;
	if (rng_below(r, 3) == 0)
		p.zone = STR("Pacific/Auckland");
	p.locale = (int)rng_below(r, 3) - 1;
	p.reach = rng_below(r, 16);
	p.company = rng_below(r, 5) == 0;
	p.gender = "\0fmx"[rng_below(r, 4)];
	if (rng_below(r, 4))
		p.postcode = str_from(WORDS[7 + rng_below(r, 4)]);
	if (rng_below(r, 3) == 0)
		p.store = str_from(word(r));
	p.tags = tags;
	p.tag_count = rng_below(r, 3);
	p.interests = tags + 1;
	p.interest_count = rng_below(r, 2);
	p.children = children;
	p.child_count = rng_below(r, 3);
	add_profile(s, c, p);
}

static void random_shop(struct small_shop *s, struct rng *r, int64_t now)
{
	small_shop_init(s, "Europe/Paris");
	random_products(s, r);
	for (customer_id c = 1; c <= CUSTOMERS; c++)
		if (rng_below(r, 5))
			random_profile(s, r, c, now);
	for (int i = 0; i < FACTS; i++) {
		customer_id c = rng_below(r, CUSTOMERS);
		struct instant at = { now + 10 * DAY_S - (int64_t)rng_below(r, 1000) * DAY_S - rng_below(r, DAY_S) };
		struct line lines[8];
		char id[16];
		switch (rng_below(r, 10)) {
		case 0:
			snprintf(id, sizeof id, "c%u", rng_below(r, 3));
			at.s = now - (int64_t)rng_below(r, 4 * DAY_S);
			add_cart(s, c, at, id, (enum cart_state)rng_below(r, CART_EMPTIED + 1), lines,
			         random_lines(r, lines, false));
			break;
		case 1: add_event(s, c, at, word(r), rng_below(r, 12)); break;
		case 2: {
			struct buf b;
			buf_init(&b, BODY_MAX);
			body_write_consent(&(struct consent_body){ .channel = (enum channel)rng_below(r, CHANNEL_STAFF),
			                                           .purpose = rng_below(r, 3) ? PURPOSE_MARKETING : PURPOSE_SERVICE,
			                                           .state = (enum consent_state)rng_below(r, 4),
			                                           .source = STR("x"),
			                                           .wording = STR("y") },
			                   &b);
			add_fact(s, c, FACT_CONSENT, at, STR(""), &b);
			break;
		}
		default: {
			size_t n = random_lines(r, lines, rng_below(r, 7) == 0);
			add_order_lines(s, c, at, (enum sale_channel)rng_below(r, SALE_CHANNEL_COUNT), lines, n);
		}
		}
	}
	small_shop_apply(s);
}

static struct pstate *random_states(struct arena *a, struct rng *r, int64_t now)
{
	struct pstate *states = arena_array(a, struct pstate, CUSTOMERS + 1);
	for (customer_id c = 1; c <= CUSTOMERS; c++) {
		struct pstate *p = &states[c];
		p->erased = rng_below(r, 30) == 0;
		p->suppressed = rng_below(r, 6) == 0 ? (uint8_t)rng_below(r, 64) : 0;
		p->sent_count = (uint16_t)rng_below(r, 4);
		p->run_count = (uint16_t)rng_below(r, 3);
		p->sent = arena_array(a, struct sent, 4);
		p->runs = arena_array(a, struct run, 4);
		for (int i = 0; i < p->sent_count; i++) {
			uint32_t at = (uint32_t)(now - rng_below(r, 100 * DAY_S) + DAY_S);
			p->sent[i] = (struct sent){ .at = at,
				                        .opened_at = rng_below(r, 2) ? at + 60 : 0,
				                        .clicked_at = rng_below(r, 3) ? 0 : at + 90,
				                        .plan = (uint16_t)rng_below(r, 3),
				                        .state = (uint8_t)rng_below(r, 5),
				                        .answer = (uint8_t)rng_below(r, 4),
				                        .bounced = (uint8_t)rng_below(r, 4),
				                        .channel = (uint8_t)rng_below(r, 6) };
		}
		for (int i = 0; i < p->run_count; i++)
			p->runs[i] = (struct run){ .plan = (uint16_t)rng_below(r, 3),
				                       .control = (uint8_t)rng_below(r, 2),
				                       .state = (uint8_t)rng_below(r, 3),
				                       .entered_at = (uint32_t)(now - rng_below(r, 100 * DAY_S)) };
	}
	return states;
}

/* ---- random conditions ---- */

static void window(struct rng *r, struct buf *b)
{
	static const char *const W[] = { "last 6 months",      "last 30 days",
		                             "last 3 hours",       "2025-01-01..2025-06-30",
		                             "since 2025-09-01",   "before 2025-03-01",
		                             "before last 1 year", "this year",
		                             "this month",         "2025-12-24" };
	buf_cstr(b, W[rng_below(r, ARRAY_LEN(W))]);
}

static void order_arguments(struct rng *r, struct buf *b, bool products)
{
	bool any = false;
#define ARG(...) (buf_cstr(b, any ? ", " : "("), any = true, buf_printf(b, __VA_ARGS__))
	if (products && rng_below(r, 3)) {
		static const char *const FIELDS[] = { "category", "family", "type", "name", "sku" };
		const char *f = FIELDS[rng_below(r, ARRAY_LEN(FIELDS))];
		switch (rng_below(r, 4)) {
		case 0: ARG("%s != \"%s\"", f, word(r)); break;
		case 1: ARG("%s in (\"%s\", \"*%c*\")", f, word(r), 'a' + (int)rng_below(r, 20)); break;
		case 2: ARG("%s not in (\"%s\")", f, word(r)); break;
		default: ARG("%s = \"%s\"", f, word(r));
		}
	}
	if (products && rng_below(r, 5) == 0)
		ARG("price > %u EUR", rng_below(r, 150));
	if (products && rng_below(r, 8) == 0)
		ARG("tier in 1..2");
	if (rng_below(r, 3) == 0) {
		ARG("%s", "");
		window(r, b);
	}
	if (rng_below(r, 5) == 0)
		ARG("channel in (web, store)");
	if (rng_below(r, 5) == 0)
		ARG("total >= %u EUR", rng_below(r, 100));
	if (rng_below(r, 6) == 0)
		ARG("items <= %u", rng_below(r, 6));
#undef ARG
	if (any)
		buf_char(b, ')');
}

static const char *const COMPARE[] = { " = ", " != ", " < ", " <= ", " > ", " >= " };

static void value(struct rng *r, struct buf *b, char type)
{
	static const char *const NUMBERS[] = { "age",
		                                   "birthday_month",
		                                   "days_to_birthday",
		                                   "children",
		                                   "cart_items",
		                                   "event_count(\"visit\")",
		                                   "event_value(\"score\")",
		                                   "sent_count",
		                                   "distance(\"59000\")",
		                                   "days_since(last_order)",
		                                   "month(first_order)",
		                                   "year(created)" };
	static const char *const ORDER_NUMBERS[] = { "orders", "bought_count", "quantity", "products" };
	static const char *const ORDER_MONEY[] = {
		"spend", "average_basket", "biggest_order", "first_order_amount", "last_order_amount", "bought_amount"
	};
	uint32_t k;
	switch (type) {
	case 'n':
		if (rng_below(r, 4) == 0) {
			buf_printf(b, "%u", rng_below(r, 12));
		} else if (rng_below(r, 2)) {
			buf_cstr(b, NUMBERS[rng_below(r, ARRAY_LEN(NUMBERS))]);
		} else {
			k = rng_below(r, ARRAY_LEN(ORDER_NUMBERS));
			buf_cstr(b, ORDER_NUMBERS[k]);
			order_arguments(r, b, k > 0);
		}
		return;
	case 'm':
		if (rng_below(r, 4) == 0) {
			buf_printf(b, "%u.%02u EUR", rng_below(r, 300), rng_below(r, 100));
		} else {
			k = rng_below(r, ARRAY_LEN(ORDER_MONEY));
			buf_cstr(b, ORDER_MONEY[k]);
			order_arguments(r, b, k == 5);
		}
		return;
	default:
		k = rng_below(r, 5);
		buf_cstr(b, k == 0   ? "today"
		            : k == 1 ? "created"
		            : k == 2 ? "last_event(\"visit\")"
		            : k == 3 ? "first_order"
		                     : "last_order");
		if (k >= 3)
			order_arguments(r, b, false);
	}
}

static void sum(struct rng *r, struct buf *b, char type)
{
	value(r, b, type);
	if (type == 'd') {
		if (rng_below(r, 2))
			buf_printf(b, rng_below(r, 2) ? " + %u months" : " - %u days", rng_below(r, 40));
		return;
	}
	while (rng_below(r, 3) == 0) {
		if (rng_below(r, 2)) {
			buf_cstr(b, rng_below(r, 2) ? " + " : " - ");
			value(r, b, type);
		} else {
			buf_cstr(b, rng_below(r, 2) ? " * " : " / ");
			value(r, b, 'n');
		}
	}
}

static void atom(struct rng *r, struct buf *b)
{
	static const char *const PLAIN[] = {
		"company",
		"lifecycle in (lapsing, former)",
		"lifecycle = loyal",
		"lifecycle != new",
		"lifecycle = ambassador",
		"top_decile",
		"inactive(6 months)",
		"inactive(100 days)",
		"may(email)",
		"may(sms)",
		"may(phone)",
		"may(postcard)",
		"may(email, service)",
		"consent(sms) = granted",
		"consent(email) in (soft, none)",
		"suppressed",
		"suppressed(email)",
		"reach(sms)",
		"gender = f",
		"gender not in (m, x)",
		"locale = en",
		"zone = \"Pacific/Auckland\"",
		"postcode = \"59*\"",
		"postcode != \"62000\"",
		"postcode in (\"*0\", \"59100\")",
		"department in (59, \"2B\")",
		"store = \"Lille\"",
		"store = \"Nowhere\"",
		"tag(\"vip\")",
		"tag(\"never\")",
		"interest(\"promo\")",
		"child_age any in 3..6",
		"child_age < 3",
		"cart",
		"cart(total > 50 EUR)",
		"cart(category = \"Salon\", last 2 days)",
		"cart(state in (paid, emptied))",
		"cart(items >= 3)",
		"cart_age > 5 hours",
		"cart_total > 20 EUR",
		"event(\"visit\", last 90 days)",
		"event(\"never\")",
		"event(\"score\", value > 3)",
		"opened any",
		"clicked(last 30 days)",
		"bounced any",
		"sent(channel = email, last 20 days)",
		"answered = satisfied",
		"in_plan(\"a\")",
		"entered(\"b\", last 30 days)",
		"control(\"a\")",
		"return_rate > 10 %",
		"returned",
		"returns(last 1 year) >= 1",
		"last_order in last 200 days",
		"first_order in 2024-01-01..2025-12-31",
		"created not in this year",
		"known(age)",
		"known(last_order)",
		"known(gender = f)",
		"order_amount > 3 EUR",
		"order_bought",
		"true",
		"false",
		"age in (20, 30, 40)",
		"weekday(last_order) in (monday, sunday)",
		"today - last_order > 30 days",
		"average_basket > average_basket_shop",
	};
	char type = "nmd"[rng_below(r, 3)];
	switch (rng_below(r, 6)) {
	case 0:
	case 1:
	case 2: buf_cstr(b, PLAIN[rng_below(r, ARRAY_LEN(PLAIN))]); return;
	case 3:
	k_bought:
		buf_cstr(b, rng_below(r, 3) ? "bought" : "not bought");
		order_arguments(r, b, true);
		return;
	case 4:
		if (rng_below(r, 4) == 0)
			goto k_bought;
		sum(r, b, type);
		if (type == 'n')
			buf_cstr(b, " in 1..9");
		else if (type == 'm')
			buf_cstr(b, " in 10..100 EUR");
		else
			buf_cstr(b, " in last 400 days");
		return;
	default:
		sum(r, b, type);
		buf_cstr(b, COMPARE[rng_below(r, ARRAY_LEN(COMPARE))]);
		sum(r, b, type);
	}
}

static void condition(struct rng *r, struct buf *b, int depth)
{
	if (depth == 0 || rng_below(r, 3) == 0) {
		atom(r, b);
		return;
	}
	uint32_t n = 1 + rng_below(r, 3);
	const char *join = rng_below(r, 2) ? " and " : " or ";
	buf_cstr(b, rng_below(r, 4) ? "(" : "not (");
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_cstr(b, join);
		condition(r, b, depth - 1);
	}
	buf_char(b, ')');
}

static void compare(const struct small_shop *s, const struct version *v, const struct pstate *states,
                    struct instant now, const struct thresholds *t, const struct expr *e, const char *what)
{
	uint64_t one[(CUSTOMERS + 64) / 64], many[(CUSTOMERS + 64) / 64];
	uint64_t count = expr_select(e, s->book, v, states, now, t, 1, one), naive = 0;
	ck_assert_uint_eq(expr_select(e, s->book, v, states, now, t, 3, many), count);
	ck_assert_msg(memcmp(one, many, sizeof one) == 0, "threads differ: %s", what);
	for (customer_id c = 1; c <= v->customers; c++) {
		struct subject who;
		expr_subject(s->book, v, states, c, now, t, &who);
		bool holds = !(states && states[c].erased) && expr_holds(e, &who);
		naive += holds;
		ck_assert_msg((one[c >> 6] >> (c & 63) & 1) == holds, "customer %u: %s", c, what);
	}
	ck_assert_uint_eq(naive, count);
}

/* Conditions shown to exclude each other have nobody in common; and enough of them are shown to. */
static void nobody_in_common(const struct expr *const *e, const char *const *text,
                             uint64_t (*bits)[(CUSTOMERS + 64) / 64], size_t count, uint64_t *apart)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k <= i; k++) {
			const struct expr *both[] = { e[i], e[k] };
			if (expr_can_meet(both, 2, &(struct expr_state){ 0 }))
				continue;
			*apart += i != k;
			for (size_t w = 0; w < ARRAY_LEN(*bits); w++)
				ck_assert_msg((bits[i][w] & bits[k][w]) == 0, "somebody fulfils both:\n%s\n%s", text[i], text[k]);
		}
}

START_TEST(everyone_at_once_is_one_by_one)
{
	static const char *const PLANS[] = { "a", "b", "c" };
	uint64_t some = 0, apart = 0;
	for (uint64_t seed = 1; seed <= SHOPS; seed++) {
		struct small_shop s;
		struct rng r;
		rng_init(&r, seed, 7);
		int64_t now = 1767000000 + rng_below(&r, 40 * DAY_S); /* around New Year 2026 */
		random_shop(&s, &r, now);
		const struct pstate *states = random_states(&s.arena, &r, now);
		const struct version *v = book_pin(s.book);
		struct expr_context k = { .lifecycle = LIFECYCLE_DEFAULTS,
			                      .shop_zone = s.zone,
			                      .basis.soft_opt_in = true,
			                      .plan_names = PLANS,
			                      .plan_count = 3 };
		ck_assert(currency_find(STR("EUR"), &k.currency));
		const struct expr *kept[CONDITIONS];
		const char *texts[CONDITIONS];
		uint64_t kept_bits[CONDITIONS][(CUSTOMERS + 64) / 64];
		size_t kept_count = 0;
		struct thresholds today;
		struct instant now_at = { now };
		thresholds_compute(s.book, v, zone_date(s.zone, now_at), &LIFECYCLE_DEFAULTS, 2, &today);
		for (int i = 0; i < CONDITIONS; i++) {
			struct buf b;
			buf_init(&b, EXPR_TEXT_MAX);
			condition(&r, &b, (int)rng_below(&r, 4));
			struct arena a;
			arena_init(&a);
			struct expr_error error;
			const struct expr *e = expr_compile(buf_view(&b), &k, &a, &error);
			ck_assert_msg(e || strstr(error.text, "hours"), "seed %llu: %s\n%zu:%zu: %s", (unsigned long long)seed, b.p,
			              error.line, error.column, error.text);
			struct date day = { zone_date(s.zone, (struct instant){ now }).day - (int32_t)rng_below(&r, 100) };
			bool live = rng_below(&r, 2);
			struct instant at = { live ? now : zone_instant(s.zone, day, 0).s - 1 };
			if (live)
				day = zone_date(s.zone, at);
			struct thresholds t;
			thresholds_compute(s.book, v, day, &LIFECYCLE_DEFAULTS, 2, &t);
			if (e) {
				compare(&s, v, rng_below(&r, 3) ? states : NULL, at, rng_below(&r, 6) ? &t : NULL, e, b.p);
				uint64_t bits[(CUSTOMERS + 64) / 64];
				uint64_t n = expr_select(e, s.book, v, NULL, at, &t, 2, bits);
				some += n > 0 && n < v->customers;
			}
			const struct expr *again = e ? expr_compile(buf_view(&b), &k, &s.arena, &error) : NULL;
			if (again) {
				expr_select(again, s.book, v, states, now_at, &today, 1, kept_bits[kept_count]);
				texts[kept_count] = arena_cstr(&s.arena, buf_view(&b));
				kept[kept_count++] = again;
			}
			arena_release(&a);
			buf_release(&b);
		}
		nobody_in_common(kept, texts, kept_bits, kept_count, &apart);
		book_unpin(s.book, v);
		small_shop_release(&s);
	}
	ck_assert_uint_gt(apart, SHOPS);
	/* the conditions must split the shop, or the test says nothing */
	ck_assert_uint_gt(some, SHOPS * CONDITIONS / 3);
}
END_TEST

UNIT_MAIN("expr_random", everyone_at_once_is_one_by_one)
