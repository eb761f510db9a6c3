/* Plan files: the advice of the trade, plans that meet in one person, what changed between two versions. */
#include "plan_texts.h"

#include "engine/plan_words.h"

/* ---- advice ---- */

static bool only_french(void *user, struct str message, enum locale locale)
{
	return str_is(message, "a") || (str_is(message, "b") && locale == LOCALE_FR);
}

static const char *advice(const char *text)
{
	const struct plan *p = read_good(text);
	plan_check(&p, 1, 5000, only_french, NULL, &arena, &issues);
	return told();
}

START_TEST(advice_of_the_trade)
{
	static const struct {
		const char *text, *advice;
	} CASES[] = {
		{ HEAD STEPS, "" },
		{ "plan: p\nenter: {when: cart + 3 hours}\nexit: [cart_paid]\nsteps:\n"
		  "  - {at: J, send: a, voucher: {percent: 10, valid: 5 days}}\n",
		  "5:31 a discount for an abandoned cart teaches customers" },
		{ HEAD "steps:\n  - {at: J, send: a, voucher: {amount: 5 EUR, minimum: 60 EUR, valid: 9 days}}\n",
		  "5:31 the voucher counts from a basket of 60.00, above the shop's average of 50.00" },
		{ HEAD "steps:\n  - {at: J, send: a}\n  - {at: J+2, send: a, name: a2}\n  - {at: J+4, send: a, name: a3}\n",
		  "7:5 step \"a3\" is e-mail number 3 within seven days; the default pressure lets 2 through, so it would be "
		  "dropped: "
		  "space the steps out, or let it wait with late: 3 days" },
		{ HEAD "steps:\n  - {at: J, send: a}\n  - {at: J+2, send: a, name: a2}\n  - {at: J+4, send: a, name: a3, held: "
		       "drop}\n",
		  "" },
		{ HEAD "steps:\n  - {at: J, send: a, if: opened any}\n",
		  "5:5 step \"a\" can never be reached: no message that can be opened" },
		{ HEAD "steps:\n  - {at: J, send: a, by: postcard}\n  - {at: J+9, send: a, name: a2, if: opened any}\n",
		  "6:5 step \"a2\" can never be reached" },
		{ HEAD
		  "goal: answered\nsteps:\n  - {at: J, send: a}\n  - {at: J+9, send: a, name: a2, if: answered = satisfied}\n",
		  "7:5 step \"a2\" can never be reached: an answer ends the plan before it" },
		{ HEAD "steps:\n  - {at: J, send: a, then: end}\n  - {at: J+9, send: a, name: a2}\n",
		  "6:5 step \"a2\" is dead" },
		{ HEAD "steps:\n  - {at: J, send: a, if: orders = 1, then: end}\n  - {at: J+9, send: a, name: a2}\n", "" },
		{ HEAD "max_messages: 1\nsteps:\n  - {at: J, send: a}\n  - {at: J+9, send: a, name: a2}\n",
		  "7:5 step \"a2\" can never be reached: 1 messages have gone out before it and max_messages is 1" },
		{ HEAD "steps:\n  - {at: J+9, send: a}\n  - {at: J+3, send: a, name: a2}\n",
		  "6:5 step \"a2\" is due before the step above it" },
		{ "plan: p\nenter: {when: once on 2026-01-01}\nsteps:\n  - {at: J, send: a, until: 2026-01-09}\n",
		  "4:5 step \"a\" can never be reached in time: it waits 8 days for its date" },
		{ HEAD
		  "steps:\n  - {at: J, send: a, voucher: {percent: 5, valid: 8 days}}\n  - {at: J+10, send: a, name: a2}\n",
		  "5:31 the voucher is valid for 8 days and the next reminder, \"a2\", comes after 10" },
		{ HEAD "control: 0%\n" STEPS, "4:10 without a control group nobody can say what this plan brings" },
		{ "plan: p\nenter: {when: order}\nsteps:\n  - {at: J, send: a}\n  - {at: J+9, send: a, name: a2}\n",
		  "2:15 nothing ends this plan early" },
		{ "plan: p\nenter: {when: inactive 6 months}\nexit: order\n" STEPS,
		  "2:15 when this plan is switched on everybody" },
		{ "plan: p\nenter: {when: order, again: after 5 days}\nexit: order\nsteps:\n  - {at: J+9, send: a}\n",
		  "2:15 people may enter again after 5 days, before the plan's last step (9 days)" },
		{ HEAD "budget: 100 EUR per month\n" STEPS, "" },
		{ HEAD "budget: 100 EUR per month\nby: audience\n" STEPS,
		  "4:9 the budget holds nothing back: what this plan sends has no price" },
		{ HEAD "budget: 0.50 EUR in all\nby: postcard\n" STEPS, "4:9 the budget does not pay for one message" },
		{ "plan: p\nenter: {when: inactive 6 months, smooth: 500 per day}\nexit: order\nbudget: 30 EUR per "
		  "month\n" STEPS,
		  "4:9 the budget pays for about 1500 people a month and smooth lets in 15000: the others would enter and hear "
		  "nothing; write smooth: 50 per day" },
		{ HEAD "steps:\n  - {at: J, send: zz}\n", "5:5 no message \"zz\"" },
		{ HEAD "steps:\n  - {at: J, send: b}\n", "5:5 message \"b\" is not written in English" },
	};
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		const char *said = advice(CASES[i].text);
		bool good = *CASES[i].advice ? strncmp(said, CASES[i].advice, strlen(CASES[i].advice)) == 0 && issues.count == 1
		                             : !*said;
		ck_assert_msg(good, "%s\nsaid:     %sexpected: %s", CASES[i].text, said, CASES[i].advice);
	}
	arena_release(&arena);
}
END_TEST

START_TEST(overlaps_between_plans)
{
	arena_init(&arena);
	const struct plan *two[2] = { read_good("plan: p\nenter: {when: order, who: orders > 1}\nexit: order\n" STEPS),
		                          read_good("plan: q\nenter: {when: order, who: orders > 1}\nexit: order\n" STEPS) };
	plan_check(two, 2, 0, NULL, NULL, &arena, &issues);
	ck_assert_str_eq(told(),
	                 "2:15 the same people enter \"p\" (p.yaml) at the same moment: join the two plans, or tell their "
	                 "audiences apart with \"who\"\n");
	ck_assert_uint_eq(issues.errors, 0);
	two[1] = two[0];
	memset(&issues, 0, sizeof issues);
	plan_check(two, 2, 0, NULL, NULL, &arena, &issues);
	ck_assert_uint_eq(issues.errors, 1);
	arena_release(&arena);
}
END_TEST

#define P(when) "plan: p\nenter: {when: " when "}\nexit: order\ncontrol: 10%\n"
#define Q(when) "plan: q\nenter: {when: " when "}\nexit: order\ncontrol: 10%\npriority: 40\n"
#define MAILS3  "steps:\n  - {at: J, send: a}\n  - {at: J+8, send: b}\n  - {at: J+12, send: c}\n"

/* Two plans switched on together: what is said of the second, and when nothing is. 2026-11-22 is today. */
static const struct {
	const char *p, *q, *says;
} TOGETHER[] = {
	/* one event, one day */
	{ P("order") "steps:\n  - {at: J+30, send: a}\n", Q("order, who: company") "steps:\n  - {at: J+30, send: b}\n",
	  "7:5 after an order, step \"b\" (J+30) goes out on the same day as \"a\" (J+30) of plan \"p\"" },
	{ P("order") "steps:\n  - {at: J+30, send: a}\n", Q("order + 1 day") "steps:\n  - {at: J+29, send: b}\n",
	  "7:5 after an order, step \"b\" (J+29) goes out on the same day as \"a\" (J+30)" },
	{ P("order") "steps:\n  - {at: J+30, send: a}\n", Q("order, who: company") "steps:\n  - {at: J+31, send: b}\n",
	  "" },
	/* hours: less than a day apart is one day, but for carts */
	{ P("event visit + 20 hours") STEPS, Q("event visit + 2 hours") "steps:\n  - {at: J, send: b}\n",
	  "7:5 after the same event, step \"b\" (J) goes out on the same day as \"a\" (J)" },
	{ P("cart + 26 hours") STEPS, Q("cart + 3 hours") "steps:\n  - {at: J+1, send: b}\n",
	  "7:5 after an abandoned cart, step \"b\" (J+1) goes out on the same day as \"a\" (J)" },
	{ P("cart + 3 hours") STEPS, Q("cart + 50 hours") "steps:\n  - {at: J, send: b}\n", "" },
	/* a first order is an order */
	{ P("order") "steps:\n  - {at: J+7, send: a}\n", Q("first order") "steps:\n  - {at: J+7, send: b}\n",
	  "7:5 after a first order, step \"b\" (J+7) goes out on the same day as \"a\" (J+7)" },
	{ P("order, who: orders > 1") "steps:\n  - {at: J+7, send: a}\n",
	  Q("first order, who: orders = 1") "steps:\n  - {at: J+7, send: b}\n", "" },
	{ P("order, who: lifecycle = prospect") "steps:\n  - {at: J+7, send: a}\n",
	  Q("first order") "steps:\n  - {at: J+7, send: b}\n", "" }, /* who has ordered is no prospect */
	{ P("order, who: 'lifecycle in (loyal, ambassador)'") "steps:\n  - {at: J+7, send: a}\n",
	  Q("order, who: lifecycle = new") "steps:\n  - {at: J+7, send: b}\n", "" },
	{ P("order, who: tag(\"pro\")") "steps:\n  - {at: J+7, send: a}\n",
	  Q("order, who: not tag(\"pro\")") "steps:\n  - {at: J+7, send: b}\n", "" },
	/* the steps' own conditions */
	{ P("order") "steps:\n  - {at: J+7, send: a, if: orders = 1}\n",
	  Q("order, who: company") "steps:\n  - {at: J+7, send: b, if: orders >= 2}\n", "" },
	/* another channel, a service message: no matter of pressure */
	{ P("order") "steps:\n  - {at: J+7, send: a}\n",
	  Q("order, who: company") "steps:\n  - {at: J+7, send: b, by: postcard}\n", "" },
	{ P("order") "steps:\n  - {at: J+7, send: a}\n",
	  "plan: q\nenter: {when: order, who: company}\npurpose: service\nsteps:\n  - {at: J+7, send: b}\n", "" },
	/* too many in a week */
	{ P("order") "steps:\n  - {at: J+1, send: a}\n  - {at: J+3, send: b}\n",
	  Q("order, who: company") "steps:\n  - {at: J+5, send: c}\n",
	  "7:5 after an order, step \"c\" (J+5) falls within 7 days of \"b\" (J+3) of plan \"p\" (p.yaml): the rule lets 2 "
	  "messages through, so it would have to wait until J+8 and is dropped: move it later, write late: 3 days" },
	{ P("order") "steps:\n  - {at: J+1, send: a}\n  - {at: J+3, send: b}\n",
	  Q("order, who: company") "late: 3 days\nsteps:\n  - {at: J+5, send: c}\n",
	  "2:15 up to 3 messages (e-mail) can fall due for one person within 7 days, by priority: p (50) J+1, J+3 · q (40) "
	  "J+5. The rule lets 2 through" },
	/* sleepers enter every plan that waits for them on its first day */
	{ P("inactive 6 months, smooth: 9 per day") MAILS3, Q("inactive 12 months, smooth: 9 per day") MAILS3,
	  "8:5 on the day both plans are switched on whoever has slept for 12 months enters both, step \"c\" (J+12) falls "
	  "within 7 days of \"b\" (J+8) of plan \"q\"" },
	{ P("inactive 6 months, smooth: 9 per day, who: not inactive(12 months)") MAILS3,
	  Q("inactive 12 months, smooth: 9 per day") MAILS3, "" },
	{ P("inactive 6 months, smooth: 9 per day, who: lifecycle = lapsing") MAILS3,
	  Q("inactive 24 months, smooth: 9 per day") MAILS3, "" },
	/* six months after an order */
	{ P("inactive 6 months, smooth: 9 per day") MAILS3, Q("order, who: company") "steps:\n  - {at: J+182, send: z}\n",
	  "7:5 after an order, step \"z\" (J+182) goes out on the same day as \"a\" (J)" },
	/* the calendar: Easter 2027 is 28 March */
	{ P("every year on easter - 10 days") STEPS, Q("once on 2027-03-18") "steps:\n  - {at: J, send: b}\n",
	  "7:5 in 2027 (J of \"p\": 2027-03-18), step \"b\" (J) goes out on the same day as \"a\" (J)" },
	{ P("every year on easter - 10 days") STEPS, Q("once on 2027-03-28") "steps:\n  - {at: J, send: b}\n", "" },
	{ P("every year on 12-28") STEPS, Q("every year on 01-02 - 5 days") "steps:\n  - {at: J, send: b}\n",
	  "7:5 in 2026 (J of \"p\": 2026-12-28), step \"b\" (J) goes out on the same day" },
	/* different clocks may meet in any week: a note when it is too much */
	{ P("birthday month") "steps:\n  - {at: J, send: a}\n  - {at: J+4, send: b}\n",
	  Q("order, who: company") "steps:\n  - {at: J+30, send: c}\n",
	  "2:15 up to 3 messages (e-mail) can fall due for one person within 7 days, by priority: p (50) J, J+4 · q (40) "
	  "J+30." },
	{ P("birthday month") STEPS, Q("order, who: company") "steps:\n  - {at: J+30, send: c}\n", "" },
	{ P("birthday month, who: orders = 0") "steps:\n  - {at: J, send: a}\n  - {at: J+4, send: b}\n",
	  Q("order, who: company") "steps:\n  - {at: J+30, send: c}\n", "" },
	{ P("welcome") "steps:\n  - {at: J, send: a}\n  - {at: J+4, send: b}\n",
	  Q("inactive 6 months, smooth: 9 per day") STEPS, "" },
};

static const char *together(const char *p, const char *q, enum locale locale)
{
	struct settings s;
	settings_defaults(&s, 0, LOCALE_EN, eur);
	const struct plan *two[2] = { read_good(p), read_good(q) };
	plan_check_together(two, 2, &s, date_from_ymd(2026, 11, 22), locale, &arena, &issues);
	return told();
}

START_TEST(plans_that_meet_in_one_person)
{
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_LEN(TOGETHER); i++) {
		const char *says = TOGETHER[i].says, *said = together(TOGETHER[i].p, TOGETHER[i].q, LOCALE_EN);
		bool good = *says ? strncmp(said, says, strlen(says)) == 0 : !*said;
		ck_assert_msg(good, "%zu %s%s\nsaid:     %sexpected: %s", i, TOGETHER[i].p, TOGETHER[i].q, said, says);
	}
	const char *said = together(TOGETHER[0].p, TOGETHER[0].q, LOCALE_FR);
	ck_assert_msg(strncmp(said,
	                      "7:5 après une commande, l’étape «\xC2\xA0"
	                      "b\xC2\xA0» (J+30) part le même jour que",
	                      60) == 0,
	              "%s", said);
	arena_release(&arena);
}
END_TEST

/* The shipped plans, all on: no advice; the fullest week is told. */
START_TEST(shipped_plans_go_together)
{
	struct settings s;
	const struct plan *plans[16];
	arena_init(&arena);
	settings_defaults(&s, 0, LOCALE_EN, eur);
	for (size_t i = 0; i < plans_file_count; i++)
		plans[i] = shipped(plans_files[i].name);
	memset(&issues, 0, sizeof issues);
	plan_check_together(plans, plans_file_count, &s, date_from_ymd(2026, 11, 22), LOCALE_EN, &arena, &issues);
	ck_assert_msg(issues.count == 1 && issues.items[0].level == ISSUE_NOTE, "%s", told());
	ck_assert_msg(strstr(told(), "up to 8 messages (e-mail)") != NULL, "%s", told());
	arena_release(&arena);
}
END_TEST

/* ---- words ---- */

START_TEST(what_changed_is_said)
{
	arena_init(&arena);
	const struct plan *a = read_good(HEAD "steps:\n  - {at: J, send: a}\n  - {at: J+8, send: b, if: opened any}\n");
	const struct plan *b =
		read_good(HEAD "priority: 60\nsteps:\n  - {at: J, send: a}\n  - {at: J+9, send: b}\n  - {at: J+12, send: c}\n");
	struct plan_change *c = arena_array(&arena, struct plan_change, PLAN_CHANGES_MAX);
	ck_assert_uint_eq(plan_diff(a, a, LOCALE_EN, eur, &arena, c), 0);
	ck_assert_uint_eq(plan_diff(a, b, LOCALE_EN, eur, &arena, c), 4);
	ck_assert(c[0].step.n == 0 && str_is(c[0].text, "priority: 50 → 60"));
	ck_assert(str_is(c[1].step, "b") && str_is(c[1].text, "moment: J+8 → J+9"));
	ck_assert(str_is(c[2].step, "b") && str_is(c[2].text, "if removed (was opened any)"));
	ck_assert(str_is(c[3].step, "c") && str_is(c[3].text, "step added: moment J+12, message c, channel e-mail"));
	ck_assert_uint_eq(plan_diff(a, b, LOCALE_FR, eur, &arena, c), 4);
	ck_assert(str_is(c[3].text, "étape ajoutée\xC2\xA0: moment J+12, message c, canal e-mail"));
	struct buf out;
	buf_init(&out, 1 << 20);
	plan_show(shipped("anti-churn.yaml"), LOCALE_FR, eur, &out);
	ck_assert(strstr(out.p, "anti-churn · Réveil des inactifs\n") && strstr(out.p, "6 mois sans commande"));
	ck_assert(strstr(out.p, "J+12  ●  winback-3\n") && strstr(out.p, "canal\xC2\xA0: e-mail, sinon carte postale"));
	buf_release(&out);
	arena_release(&arena);
}
END_TEST

UNIT_MAIN("plan_advice", advice_of_the_trade, overlaps_between_plans, plans_that_meet_in_one_person,
          shipped_plans_go_together, what_changed_is_said)
