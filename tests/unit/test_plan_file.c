/* Plan files: what is read, where each error is told and in which words, the shipped plans. The rules of the shipped
 * plans (PRODUCT M2) run in the engine's tests; here the files say what they should. */
#include "plan_texts.h"

#include "engine/settings.h"

#include <dirent.h>

/* ---- errors: place and words ---- */

static const struct {
	const char *text, *issue;
} ERRORS[] = {
	{ "", "1:1 the file is empty: a plan begins with \"plan: its-name\"" },
	{ "- a\n", "1:1 a plan is written as keys and values; for example: plan: win-back" },
	{ "plan: p\nenter: {when: order}\n",
	  "1:1 the key \"steps\" is missing; for example: steps: - {at: J, send: winback-1}" },
	{ HEAD STEPS "titel: x\n", "6:1 no key \"titel\" in a plan; did you mean \"title\"?" },
	{ HEAD STEPS "zzzzzzzz: x\n", "6:1 no key \"zzzzzzzz\" in a plan; its keys are: plan, title, enter, steps, goal, "
	                              "exit, control, priority, hour, late, "
	                              "max_messages, budget, blackout, first, experiment, purpose, version, by" },
	{ HEAD STEPS "exit: order\n", "6:1 \"exit\" is there twice in a plan: keep one" },
	{ HEAD "steps:\n  - {at: J, snd: a}\n",
	  "5:5 this step does nothing: give it send, notify, tag, untag, until, then or "
	  "goto; for example: - {at: J+8, send: message-name}\n"
	  "5:13 no key \"snd\" in a step; did you mean \"send\"?" },
	{ HEAD STEPS "control: 10\n",
	  "6:10 \"control\": \"10\" is not a percentage from 0% to 100%; for example: control: 10%" },
	{ HEAD STEPS "priority: high\n",
	  "6:11 \"priority\": \"high\" is not a whole number from 0 to 1000; for example: priority: 40" },
	{ HEAD STEPS "hour: 25:00\n", "6:7 \"hour\": \"25:00\" is not an hour of the day; for example: hour: 10:00" },
	{ HEAD STEPS "late: a while\n", "6:7 \"late\": \"a while\" is not a duration (hours, days or weeks, at most ten "
	                                "years); for example: late: 1 day" },
	{ HEAD STEPS "budget: 20 USD per month\n", "6:9 \"budget\": the shop's currency is EUR, not USD" },
	{ HEAD STEPS "budget: 20 EUR\n", "6:9 \"budget\": \"20 EUR\" does not say for how long; write budget: 200 EUR per "
	                                 "month, or 200 EUR in all" },
	{ HEAD STEPS "blackout: 24/12\n",
	  "6:11 \"blackout\": \"24/12\" is not a day; for example: blackout: [2026-12-25, 2026-12-31..2027-01-02]" },
	{ HEAD STEPS "blackout: [2026-01-01..2026-03-01]\n", "6:12 \"blackout\": at most 32 days in all" },
	{ HEAD STEPS "purpose: servise\n",
	  "6:10 \"purpose\": no word \"servise\"; did you mean \"service\"? write one of: marketing, service" },
	{ HEAD STEPS "goal: {a: b}\n",
	  "6:7 \"goal\" is a map of keys here; one value is expected, for example: goal: order" },
	{ HEAD STEPS "goal: ordre\n", "6:7 \"goal\": no word \"ordre\"; did you mean \"order\"? write order, cart_paid, "
	                              "cart_emptied, cart_changed, answered, "
	                              "event NAME or when CONDITION" },
	{ HEAD STEPS "purpose: service\ncontrol: 5%\n",
	  "7:10 \"control\": service messages have no control group: leave the key out" },
	{ HEAD "steps: soon\n",
	  "4:8 \"steps\" is a list of at least one step; for example: - {at: J+8, send: message-name}" },
	{ HEAD "steps:\n  - {send: a}\n", "5:5 when? a step needs \"at\"; for example: - {at: J+8, send: message-name}" },
	{ HEAD "steps:\n  - {at: J8, send: a}\n", "5:10 \"at\": \"J8\" is not a moment; write J, J+8 (days after the "
	                                          "entry), +3 hours (after what started the plan), then or "
	                                          "then + 1 day (after the step before)" },
	{ HEAD "steps:\n  - {at: J, send: a}\n  - {at: J+1, send: a}\n",
	  "6:5 two steps are named \"a\" (the other is on line 5): give this one its own \"name\"" },
	{ HEAD "steps:\n  - {at: J, send: a, notify: b}\n",
	  "5:5 one thing a step: send, notify, tag or untag; write the other as a step of its own" },
	{ HEAD "steps:\n  - {at: J, send: [{message: a, name: x}, {message: b, name: x}]}\n",
	  "5:19 two variants are named \"x\": give each its own name" },
	{ HEAD "steps:\n  - {at: J, send: a, goto: b}\n", "5:28 \"goto\": no step is named \"b\"" },
	{ HEAD "steps:\n  - {at: J, send: a}\n  - {at: J, send: b, goto: a}\n",
	  "6:28 \"goto\" leads to a later step only: a message is sent once in a run" },
	{ HEAD "steps:\n  - {at: J, send: a, by: [email, postcart]}\n",
	  "5:34 \"by\": no word \"postcart\"; did you mean \"postcard\"? write one of: email, sms, postcard, phone, "
	  "audience, push" },
	{ HEAD "steps:\n  - {at: J, send: a, voucher: {percent: 10}}\n",
	  "5:31 a voucher needs its validity; for example: voucher: {percent: 10, valid: 20 days}" },
	{ HEAD "steps:\n  - {at: J, send: a, voucher: {percent: 10, amount: 5 EUR, valid: 2 days}}\n",
	  "5:31 a voucher is one of percent, amount or text; for example: voucher: {percent: 10, valid: 20 days}" },
	{ HEAD "steps:\n  - {at: J, send: a, voucher: {percent: 10, valid: 20 dayz}}\n",
	  "5:52 \"valid\": \"20 dayz\" is not a duration (hours, days or weeks, at most ten years); for example: valid: 20 "
	  "days" },
	{ HEAD "steps:\n  - {at: J, send: A b}\n",
	  "5:19 \"send\": \"A b\" is not a name: small letters, digits, - and _, at most 64; for example: winback-1" },
	{ HEAD "steps:\n  - {at: J, send: a, if: lifecycle in (new, loyal)}\n",
	  "5:26 \"if\": a comma ends the value inside { }: put the condition between quotes" },
	{ "plan: p\nenter: {when: cart + 3 hours}\nexit: order\nsteps:\n  - {at: J, send: a, hour: 18:00}\n",
	  "5:5 this plan counts hours from what starts it: \"hour\" has no meaning; remove it, or give the trigger days" },
	{ "plan: p\nenter: {who: orders = 1}\n" STEPS, "2:8 \"enter\" needs its trigger, \"when\"; for example: enter: "
	                                               "{when: inactive 6 months, again: after 12 months}" },
	{ "plan: p\nenter: {when: segment}\n" STEPS,
	  "2:8 \"when: segment\" needs \"who\": people enter when it becomes true for them" },
	{ "plan: p\nenter: {when: inactive soon}\n" STEPS,
	  "2:24 \"soon\": write inactive 6 months (a number of months or years)" },
	{ "plan: p\nenter: {when: order + 30 dayz}\n" STEPS,
	  "2:23 \"30 dayz\" is not a delay; for example: + 3 hours, + 30 days" },
	{ "plan: p\nenter: {when: order - 2 days}\n" STEPS,
	  "2:21 nothing can enter before it happens: write + and a delay" },
	{ "plan: p\nenter: {when: once on 2026-02-30}\n" STEPS,
	  "2:23 \"2026-02-30\": write once on 2026-12-01 (year-month-day)" },
	{ "plan: p\nenter: {when: every year on eastre}\n" STEPS,
	  "2:29 \"eastre\": did you mean \"easter\"? write a day as 12-06 (month-day), easter, mothers-day, winter-sales, "
	  "summer-sales or last sunday of may" },
	{ "plan: p\nenter: {when: order, again: after lunch}\n" STEPS,
	  "2:35 \"lunch\": write again: after 12 months, after 30 days, each year, always or never" },
	{ "plan: p\nenter: {when: order, smooth: 5 per week}\n" STEPS,
	  "2:30 \"smooth\": \"5 per week\" is not a number of entries a day; for example: smooth: 500 per day" },
	{ "plan: p\n\tenter: x\n",
	  "2:1 this is not YAML (found a tab character that violates indentation): indent with spaces, not with tabs" },
	{ "plan: &a p\nenter: {when: order}\nsteps:\n  - {at: J, send: *a}\n",
	  "1:7 anchors (&name) and aliases (*name) are refused in a plan: write the value out" },
	{ "plan: !!str p\nenter: {when: order}\n" STEPS, "1:7 tags (!name) are refused in a plan: write the value alone" },
	{ HEAD STEPS "---\nplan: q\n", "6:1 a second document (\"---\"): one plan a file" },
	{ HEAD STEPS "title: caf\xE9\n", "6:11 this byte is not UTF-8: save the file as UTF-8" },
	{ HEAD STEPS "title: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n", "6:23 nested too deep: at most 16 levels" },
};

START_TEST(every_error_has_its_place_and_words)
{
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(ERRORS); i++) {
		ck_assert_msg(read_text(ERRORS[i].text) == NULL, "accepted:\n%s", ERRORS[i].text);
		const char *expected = arena_printf(&arena, "%s\n", ERRORS[i].issue).p;
		ck_assert_msg(strcmp(told(), expected) == 0, "%s\ntold:     %sexpected: %s", ERRORS[i].text, told(), expected);
	}
	arena_release(&arena);
}
END_TEST

START_TEST(all_errors_come_in_one_pass)
{
	arena_init(&arena);
	ck_assert(!read_text(
		"plan: P\nenter: {when: ordr, again: x}\ncontrol: y\nsteps:\n  - {at: K, send: a}\n  - {at: J, sned: b}\n"));
	ck_assert_uint_eq(issues.errors, 7);
	for (size_t i = 1; i < issues.count; i++)
		ck_assert(issues.items[i - 1].line <= issues.items[i].line);
	arena_release(&arena);
}
END_TEST

/* An error inside a condition points at its character, whatever the way YAML wrote it. */
START_TEST(condition_errors_point_into_the_file)
{
	static const struct {
		const char *text;
		unsigned line, column;
	} CASES[] = {
		{ HEAD "steps:\n  - {at: J, send: a, if: lifecicle = new}\n", 5, 26 },
		{ HEAD "steps:\n  - {at: J, send: a, if: 'lifecicle = new'}\n", 5, 27 },
		{ HEAD "steps:\n  - {at: J, send: a, if: \"tag(\\\"é\\\") and lifecicle = new\"}\n", 5, 42 },
		{ HEAD "steps:\n  - at: J\n    send: a\n    if: orders = 1\n      and lifecicle = new\n", 8, 11 },
		{ HEAD "steps:\n  - at: J\n    send: a\n    if: >\n      orders = 1\n      and lifecicle = new\n", 9, 11 },
		{ HEAD "steps:\n  - at: J\n    send: a\n    if: |\n      orders = 1\n\n      and lifecicle = new\n", 10, 11 },
		{ HEAD STEPS "goal: when  lifecicle = new\n", 6, 13 },
		{ "\xEF\xBB\xBF" HEAD STEPS "goal: when lifecicle = new\n", 6, 12 },
		{ "plan: p\r\nenter: {when: order, who: lifecicle = new}\r\nexit: order\r\n" STEPS, 2, 27 },
	};
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		ck_assert(!read_text(CASES[i].text));
		ck_assert_msg(issues.count == 1 && issues.items[0].line == CASES[i].line &&
		                  issues.items[0].column == CASES[i].column,
		              "%s\n%s", CASES[i].text, told());
		ck_assert_msg(strstr(told(), "lifecycle"), "%s", told()); /* the near word */
	}
	arena_release(&arena);
}
END_TEST

START_TEST(limits_are_told)
{
	arena_init(&arena);
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_cstr(&b, HEAD "steps:\n");
	for (int i = 0; i < 65; i++)
		buf_printf(&b, "  - {at: J+%d, send: m%d}\n", i, i);
	ck_assert(!read_named("p.yaml", buf_view(&b)));
	ck_assert_str_eq(told(), "69:5 at most 64 steps in a plan\n");
	buf_clear(&b);
	buf_cstr(&b, HEAD STEPS "title: \"");
	while (b.n <= PLAN_FILE_MAX)
		buf_cstr(&b, "xxxxxxxxxxxxxxxx");
	buf_cstr(&b, "\"\n");
	ck_assert(!read_named("p.yaml", buf_view(&b)));
	ck_assert_msg(strncmp(told(), "1:1 the file has ", 17) == 0, "%s", told());
	buf_clear(&b);
	buf_cstr(&b, "a: &a [x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c <= 'z'; c++)
		buf_printf(&b, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1, c - 1, c - 1, c - 1, c - 1,
		           c - 1, c - 1, c - 1, c - 1);
	ck_assert(!read_named("bomb.yaml", buf_view(&b)));
	ck_assert_msg(strstr(told(), "1:4 anchors (&name) and aliases (*name) are refused"), "%s", told());
	buf_clear(&b);
	buf_cstr(&b, "title: [");
	for (int i = 0; i < PLAN_NODES_MAX + 10; i++)
		buf_cstr(&b, "x,");
	buf_cstr(&b, "]\n");
	ck_assert(!read_named("p.yaml", buf_view(&b)));
	ck_assert_msg(strstr(told(), "too many values: at most 20000"), "%s", told());
	buf_clear(&b);
	for (int i = 0; i < 200; i++)
		buf_printf(&b, "k%d: x\n", i);
	ck_assert(!read_named("p.yaml", buf_view(&b)));
	ck_assert_uint_eq(issues.count, PLAN_ISSUES_MAX);
	ck_assert_uint_eq(issues.errors, 203); /* and the three keys that are missing */
	ck_assert_uint_eq(issues.dropped, 203 - PLAN_ISSUES_MAX);
	ck_assert(!read_named("p.yaml", (struct str){ "plan: \0x", 8 }));
	ck_assert_str_eq(told(), "1:7 a NUL byte: this is not a text file\n");
	buf_release(&b);
	arena_release(&arena);
}
END_TEST

/* ---- what is read ---- */

static void step_is(const struct plan *p, int i, const char *message, int days, const char *condition)
{
	const struct step *s = &p->steps[i];
	ck_assert_int_lt(i, p->step_count);
	ck_assert_msg(str_is(s->name, message) && str_is(s->variants[0].message, message), "step %d is %.*s", i,
	              STR_ARG(s->name));
	ck_assert_int_eq(s->after_days, days);
	ck_assert_msg(str_is(s->condition_text, condition), "%.*s", STR_ARG(s->condition_text));
	ck_assert((s->condition != NULL) == (*condition != 0));
}

START_TEST(anti_churn_says_what_the_product_says)
{
	arena_init(&arena);
	const struct plan *p = shipped("anti-churn.yaml");
	ck_assert(p->trigger == TRIGGER_INACTIVE && p->months == 6 && p->smooth_per_day == 500 && p->who);
	ck_assert(p->again_months == 12 && p->control_per_million == 100000);
	ck_assert(p->goal_count == 1 && p->goal[0].kind == EXIT_ORDER && p->exit_count == 1 &&
	          p->exits[0].kind == EXIT_ORDER);
	ck_assert_int_eq(p->step_count, 3);
	step_is(p, 0, "winback-1", 0, "");
	step_is(p, 1, "winback-2", 8, "");
	step_is(p, 2, "winback-3", 12, "opened any");
	ck_assert(p->steps[0].has_voucher && p->steps[0].voucher.percent == 10 && p->steps[0].voucher.valid_days == 20);
	ck_assert(p->steps[0].channel_count == 2 && p->steps[0].channels[1] == CHANNEL_POSTCARD);
	ck_assert(p->hour_s == 10 * HOUR_S && p->late_s == DAY_S);
	arena_release(&arena);
}
END_TEST

START_TEST(abandoned_cart_says_what_the_product_says)
{
	arena_init(&arena);
	const struct plan *p = shipped("abandoned-cart.yaml");
	ck_assert(p->trigger == TRIGGER_CART && p->delay_s == 3 * HOUR_S && p->max_messages == 3 && p->exit_count == 4);
	ck_assert(p->goal[0].kind == EXIT_CART_PAID && p->again_months == 0 && p->again_days == 0);
	ck_assert_int_eq(p->step_count, 3);
	step_is(p, 0, "cart-1", 0, "");
	step_is(p, 1, "cart-2", 1, "");
	step_is(p, 2, "cart-3", 3, "opened any");
	for (int i = 0; i < 3; i++)
		ck_assert(!p->steps[i].has_voucher);
	arena_release(&arena);
}
END_TEST

START_TEST(the_others_say_what_the_product_says)
{
	arena_init(&arena);
	const struct plan *p = shipped("birthday.yaml");
	ck_assert(p->trigger == TRIGGER_BIRTHDAY && !p->on_day && p->again_each_year && p->who == NULL);
	step_is(p, 0, "birthday-1", 0, "");
	step_is(p, 2, "birthday-2", 15, "");
	step_is(p, 3, "birthday-3", 20, "opened any");
	ck_assert(p->steps[0].voucher.valid_days > 20); /* still good at the last reminder */
	p = shipped("cross-sell.yaml");
	ck_assert(p->trigger == TRIGGER_ORDER && p->boost && p->exits[0].kind == EXIT_ORDER);
	step_is(p, 0, "cross-1", 30, "order_amount > average_basket_shop");
	step_is(p, 3, "up-2", 45, "order_amount <= average_basket_shop or not known(average_basket_shop)");
	p = shipped("survey.yaml");
	ck_assert(p->trigger == TRIGGER_ORDER && p->purpose == PURPOSE_SERVICE && p->control_per_million == 0);
	step_is(p, 0, "survey-1", 7, "");
	ck_assert(p->steps[1].action == STEP_WAIT && p->steps[1].wait && p->steps[1].late_s == 30 * DAY_S);
	ck_assert(p->steps[2].action == STEP_NOTIFY && p->steps[2].channels[0] == CHANNEL_STAFF && p->steps[2].after_last);
	for (int i = 0; i < p->step_count; i++)
		ck_assert(p->steps[i].purpose == PURPOSE_SERVICE && !p->steps[i].has_voucher);
	p = shipped("welcome.yaml");
	ck_assert(p->trigger == TRIGGER_WELCOME && p->again_months == -1 && p->again_days == -1);
	step_is(p, 0, "welcome-prospect-1", 0, "orders = 0");
	ck_assert(p->steps[1].action == STEP_WAIT && p->steps[1].late_s == 4 * DAY_S);
	ck_assert(p->steps[4].after_last && p->steps[4].after_days == 4 && p->exits[0].kind == EXIT_WHEN &&
	          p->exits[0].when);
	p = shipped("renewal.yaml");
	ck_assert(p->trigger == TRIGGER_LIFETIME && p->delay_days == -30);
	arena_release(&arena);
}
END_TEST

static void check_all(const struct plan **plans, size_t count)
{
	memset(&issues, 0, sizeof issues);
	plan_check(plans, count, 8000, NULL, NULL, &arena, &issues);
	ck_assert_msg(issues.count == 0, "%.*s %s", STR_ARG(issues.items[0].file), told());
}

START_TEST(shipped_plans_need_no_advice)
{
	arena_init(&arena);
	const struct plan *plans[16];
	ck_assert_uint_ge(plans_file_count, 6);
	for (size_t i = 0; i < plans_file_count; i++)
		plans[i] = shipped(plans_files[i].name);
	check_all(plans, plans_file_count);
	for (size_t i = 0; i < plans_file_count; i++)
		for (int l = 0; l < LOCALE_COUNT; l++)
			ck_assert(plans[i]->title[l].n > 0);
	ck_assert(!str_eq(plans[0]->title[LOCALE_FR], plans[0]->title[LOCALE_EN]));
	arena_release(&arena);
}
END_TEST

static struct str file_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	char *text = arena_alloc(&arena, PLAN_FILE_MAX);
	size_t n = fread(text, 1, PLAN_FILE_MAX, f);
	fclose(f);
	return (struct str){ text, n };
}

static const char *source(const char *path)
{
	const char *root = getenv("RELANCE_SOURCE");
	return arena_printf(&arena, "%s/%s", root ? root : ".", path).p;
}

START_TEST(examples_need_no_advice)
{
	static const char *const FOLDERS[] = { "plans/examples", "plans/examples/occasions" };
	const struct plan *plans[64];
	size_t count = 0;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++) {
		DIR *dir = opendir(source(FOLDERS[i]));
		ck_assert_msg(dir != NULL, "%s", source(FOLDERS[i]));
		for (struct dirent *e; (e = readdir(dir));) {
			if (!str_ends(str_from(e->d_name), STR(".yaml")))
				continue;
			const char *path = arena_printf(&arena, "%s/%s", source(FOLDERS[i]), e->d_name).p;
			const struct plan *p = read_named(path, file_text(path));
			ck_assert_msg(p && issues.count == 0, "%s\n%s", path, told());
			plans[count++] = p;
		}
		closedir(dir);
	}
	ck_assert_uint_ge(count, 28);
	check_all(plans, count);
	arena_release(&arena);
}
END_TEST

/* The French calendar of occasions never has two messages on one day, nor one that is dropped. A shop takes the French
 * sales and fathers' day or the Belgian ones. */
START_TEST(a_years_occasions_go_together)
{
	const struct plan *plans[64];
	size_t count = 0;
	struct settings s;
	arena_init(&arena);
	settings_defaults(&s, 0, LOCALE_EN, eur);
	DIR *dir = opendir(source("plans/examples/occasions"));
	ck_assert(dir != NULL);
	for (struct dirent *e; (e = readdir(dir));) {
		struct str name = str_from(e->d_name);
		if (!str_ends(name, STR(".yaml")) || str_ends(name, STR("-be.yaml")))
			continue;
		const char *path = arena_printf(&arena, "%s/%s", source("plans/examples/occasions"), e->d_name).p;
		plans[count++] = read_named(path, file_text(path));
	}
	closedir(dir);
	ck_assert_uint_ge(count, 10);
	for (int year = 2026; year < 2050; year++) {
		memset(&issues, 0, sizeof issues);
		plan_check_together(plans, count, &s, date_from_ymd(year, 1, 1), LOCALE_EN, &arena, &issues);
		for (size_t i = 0; i < issues.count; i++)
			ck_assert_msg(issues.items[i].level == ISSUE_NOTE, "%d: %s", year, told());
	}
	arena_release(&arena);
}
END_TEST

/* Every ```yaml block of the reference is a whole plan, or steps or keys of one. */
START_TEST(the_reference_compiles)
{
	arena_init(&arena);
	struct str doc = file_text(source("doc/plans.md"));
	const char *p = doc.p, *end = doc.p + doc.n;
	int blocks = 0;
	while ((p = memmem(p, (size_t)(end - p), "```yaml\n", 8)) != NULL) {
		p += 8;
		const char *close = memmem(p, (size_t)(end - p), "\n```", 4);
		ck_assert(close != NULL);
		int n = (int)(close - p) + 1;
		struct str block = { p, (size_t)n };
		if (memmem(p, (size_t)n, "plan:", 5) == p)
			read_good(arena_cstr(&arena, block));
		else if (*p == ' ')
			read_good(arena_printf(&arena, HEAD "steps:\n  - {at: J, send: first, name: the-first}\n%.*s", n, p).p);
		else if (memmem(p, (size_t)n, "enter:", 6))
			read_good(arena_printf(&arena, "plan: p\n" STEPS "%.*s", n, p).p);
		else
			read_good(arena_printf(&arena, "plan: p\nenter: {when: order}\n" STEPS "%.*s", n, p).p);
		blocks++;
		p = close;
	}
	ck_assert_int_ge(blocks, 9);
	arena_release(&arena);
}
END_TEST

/* ---- phrases ---- */

static const struct plan *triggered(const char *when)
{
	return read_good(arena_printf(&arena, "plan: p\nenter: {when: %s, who: orders > 0}\n" STEPS, when).p);
}

START_TEST(triggers_are_read)
{
	arena_init(&arena);
	ck_assert_int_eq(triggered("inactive 2 years")->months, 24);
	ck_assert(triggered("order + 30 days")->delay_days == 30 && triggered("order + 3 hours")->delay_s == 3 * HOUR_S);
	ck_assert(triggered("order +2weeks")->delay_days == 14);
	ck_assert_int_eq(triggered("first order")->trigger, TRIGGER_FIRST_ORDER);
	const struct plan *p = triggered("event account_created + 1 day");
	ck_assert(p->trigger == TRIGGER_EVENT && str_is(p->event, "account_created") && p->delay_days == 1);
	ck_assert(triggered("event cart_changed + 3 hours")->hash == triggered("cart + 3 hours")->hash);
	ck_assert_int_eq(triggered("cart")->delay_s, 3 * HOUR_S);
	ck_assert(triggered("birthday day")->on_day && !triggered("birthday month")->on_day);
	p = triggered("anniversary of wedding - 7 days");
	ck_assert(p->trigger == TRIGGER_DATED_EVENT && str_is(p->event, "wedding") && p->delay_days == -7 &&
	          p->again_each_year);
	ck_assert_int_eq(triggered("once on 2026-12-01")->once.day, date_from_ymd(2026, 12, 1).day);
	p = triggered("every year on easter - 3 days");
	ck_assert(p->trigger == TRIGGER_YEARLY && p->month == 0 && p->month_day == -3);
	ck_assert_int_eq(triggered("lifetime - 30 days")->delay_days, -30);
	arena_release(&arena);
}
END_TEST

static void falls(const char *rule, int year, int month, int day)
{
	const struct plan *p = triggered(arena_printf(&arena, "every year on %s", rule).p);
	char got[16], wanted[16];
	ck_assert_msg(plan_yearly_day(p, year).day == date_from_ymd(year, month, day).day, "%s %d: %s, not %s", rule, year,
	              date_text(plan_yearly_day(p, year), got), date_text(date_from_ymd(year, month, day), wanted));
}

START_TEST(occasions_fall_on_their_days)
{
	arena_init(&arena);
	falls("12-06", 2026, 12, 6);
	falls("02-29", 2027, 2, 28);
	falls("02-29", 2028, 2, 29);
	falls("easter", 2026, 4, 5);
	falls("easter - 3 days", 2026, 4, 2);
	falls("easter + 49 days", 2026, 5, 24);
	falls("mothers-day", 2026, 5, 31);
	falls("mothers-day", 2023, 6, 4); /* 28 May 2023 was Pentecost */
	falls("mothers-day", 2012, 6, 3);
	falls("mothers-day - 10 days", 2025, 5, 15);
	falls("second sunday of may", 2026, 5, 10);
	falls("third sunday of june", 2026, 6, 21);
	falls("last sunday of may", 2026, 5, 31);
	falls("winter-sales", 2026, 1, 7); /* the second Wednesday is the 14th */
	falls("winter-sales", 2025, 1, 8);
	falls("winter-sales", 2024, 1, 10);
	falls("summer-sales", 2026, 6, 24);
	falls("summer-sales", 2023, 6, 28);
	falls("summer-sales", 2027, 6, 23); /* the last Wednesday is the 30th */
	falls("winter-sales-be", 2027, 1, 2);
	falls("summer-sales-be", 2029, 6, 30);
	arena_release(&arena);
}
END_TEST

START_TEST(steps_are_read)
{
	arena_init(&arena);
	const struct plan *p = read_good(HEAD "by: [sms, email]\n"
	                                      "late: 2 days\n"
	                                      "steps:\n"
	                                      "  - {at: J, send: [{message: a, weight: 70}, {message: b, weight: 30, "
	                                      "subject: \"Hi\", hour: 18:30}], held: drop}\n"
	                                      "  - {at: +3 hours, send: c, by: postcard, late: 3 days, purpose: service}\n"
	                                      "  - {at: J+2, if: opened any, goto: last}\n"
	                                      "  - {at: then + 1 day, tag: vip, then: end}\n"
	                                      "  - {at: J+9, name: last, send: d, until: 2027-01-02, voucher: {amount: 5 "
	                                      "EUR, minimum: 40 EUR, valid: 3 weeks, pool: box}}\n");
	const struct step *s = p->steps;
	ck_assert(s[0].variant_count == 2 && s[0].variants[0].weight == 70 && s[0].drop_when_held &&
	          s[0].channels[0] == CHANNEL_SMS);
	ck_assert(str_is(s[0].variants[1].subject, "Hi") && s[0].variants[1].hour_s == 18 * HOUR_S + 30 * MINUTE_S);
	ck_assert(s[1].after_days == -1 && s[1].after_s == 3 * HOUR_S && s[1].purpose == PURPOSE_SERVICE &&
	          s[1].late_s == 3 * DAY_S);
	ck_assert(s[1].channel_count == 1 && s[1].channels[0] == CHANNEL_POSTCARD);
	ck_assert(s[2].action == STEP_WAIT && s[2].goto_step == 4 && s[2].condition);
	ck_assert(s[3].action == STEP_TAG && s[3].after_last && s[3].after_days == 1 && s[3].ends_run &&
	          str_is(s[3].tag, "vip"));
	ck_assert(s[4].wait_date.day == date_from_ymd(2027, 1, 2).day && s[4].voucher.amount == 500 &&
	          s[4].voucher.minimum == 4000);
	ck_assert(s[4].voucher.valid_days == 21 && str_is(s[4].voucher.pool, "box") && p->late_s == 2 * DAY_S);
	ck_assert_int_eq(s[4].line, 11);
	arena_release(&arena);
}
END_TEST

START_TEST(the_hash_is_of_the_meaning)
{
	arena_init(&arena);
	const struct plan *a = read_good("plan: p\nenter: {when: order + 30 days, who: orders >= 2}\nexit: order\n" STEPS);
	static const char *const SAME[] = {
		"# a comment\nexit: [order]\nsteps:\n- send: a\n  at:  J\n\nenter:\n  who: 'orders>=2'\n  when: order "
		"+30days\nplan: \"p\"\n",
		"plan: p\nversion: only a note\nenter: {when: order + 30 days, who: orders   >= 2, again: always}\nexit: "
		"order\n"
		"control: 10 %\npriority: 50\nhour: 10:00\nlate: 1 day\nsteps:\n  - {at: J, send: a, by: [email]}\n",
	};
	static const char *const OTHER[] = {
		"plan: p\nenter: {when: order + 31 days, who: orders >= 2}\nexit: order\n" STEPS,
		"plan: p\nenter: {when: order + 30 days, who: orders >= 3}\nexit: order\n" STEPS,
		"plan: p\nenter: {when: order + 30 days, who: orders >= 2}\n" STEPS,
		"plan: q\nenter: {when: order + 30 days, who: orders >= 2}\nexit: order\n" STEPS,
		"plan: p\nenter: {when: order + 30 days, who: orders >= 2}\nexit: order\nsteps: [{at: J, send: a, hour: "
		"11:00}]\n",
		"plan: p\nenter: {when: order + 30 days, who: orders >= 2}\nexit: order\ncontrol: 9%\n" STEPS,
	};
	for (size_t i = 0; i < ARRAY_LEN(SAME); i++)
		ck_assert_msg(read_good(SAME[i])->hash == a->hash, "%s", SAME[i]);
	for (size_t i = 0; i < ARRAY_LEN(OTHER); i++)
		ck_assert_msg(read_good(OTHER[i])->hash != a->hash, "%s", OTHER[i]);
	ck_assert(read_good("plan: p\nexperiment: x\nenter: {when: order}\n" STEPS)->draw_key ==
	          read_good("plan: q\nexperiment: x\nenter: {when: order}\n" STEPS)->draw_key);
	arena_release(&arena);
}
END_TEST

START_TEST(settings_are_those_of_guard_and_law)
{
	struct settings s;
	zone_id paris;
	ck_assert(currency_find(STR("EUR"), &eur) && zone_find(STR("Europe/Paris"), &paris));
	settings_defaults(&s, paris, LOCALE_FR, eur);
	ck_assert(s.pressure[CHANNEL_EMAIL].limit == 2 && s.pressure[CHANNEL_EMAIL].window_days == 7);
	ck_assert(s.pressure[CHANNEL_SMS].limit == 2 && s.pressure[CHANNEL_POSTCARD].limit == 1 &&
	          s.pressure_all.limit == 3);
	ck_assert(s.quiet_from_s == 20 * HOUR_S && s.quiet_to_s == 8 * HOUR_S && s.quiet_sundays && s.quiet_holidays);
	ck_assert(s.channel_cost[CHANNEL_EMAIL] == 2000 && s.channel_cost[CHANNEL_SMS] == 10000 && s.jump_s == HOUR_S);
	static const int DAYS[][3] = { { 2026, 1, 1 },  { 2026, 4, 6 },   { 2026, 5, 1 },  { 2026, 5, 8 },
		                           { 2026, 5, 14 }, { 2026, 5, 25 },  { 2026, 7, 14 }, { 2026, 8, 15 },
		                           { 2026, 11, 1 }, { 2026, 11, 11 }, { 2026, 12, 25 } };
	int found = 0;
	for (int32_t d = date_from_ymd(2026, 1, 1).day; d <= date_from_ymd(2026, 12, 31).day; d++)
		found += settings_is_holiday(&s, (struct date){ d });
	ck_assert_int_eq(found, (int)ARRAY_LEN(DAYS));
	for (size_t i = 0; i < ARRAY_LEN(DAYS); i++)
		ck_assert(settings_is_holiday(&s, date_from_ymd(DAYS[i][0], DAYS[i][1], DAYS[i][2])));
	size_t before = s.holiday_count;
	settings_holidays(&s, 2010, 2012);
	ck_assert_uint_eq(s.holiday_count, before);
	settings_holidays(&s, 2046, 2090);
	ck_assert_uint_le(s.holiday_count, HOLIDAYS_MAX);
}
END_TEST

UNIT_MAIN("plan_file", every_error_has_its_place_and_words, all_errors_come_in_one_pass,
          condition_errors_point_into_the_file, limits_are_told, anti_churn_says_what_the_product_says,
          abandoned_cart_says_what_the_product_says, the_others_say_what_the_product_says, shipped_plans_need_no_advice,
          examples_need_no_advice, a_years_occasions_go_together, the_reference_compiles, triggers_are_read,
          occasions_fall_on_their_days, steps_are_read, the_hash_is_of_the_meaning, settings_are_those_of_guard_and_law)
