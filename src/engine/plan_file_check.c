/* The advice of the trade and what cannot work, over a folder of compiled plans. Advice never stops a plan.
 *
 * A step's earliest moment is counted in hours from the entry: J+n is n × 24; "then + n" stands after the step before.
 * Rules that depend on what a condition says look for its words (opened, clicked, answered), not for its logic. */
#include "engine/plan_file_int.h"
#include "engine/settings.h"

enum { HOURS_A_DAY = 24, HOURS_A_WEEK = 7 * 24 };

struct checker {
	struct plan_issues *issues;
	struct arena *arena;
	const struct plan *plan;
	int64_t hour[STEPS_MAX]; /* earliest, from the entry */
	int64_t average_basket;
	bool (*message_exists)(void *user, struct str message, enum locale locale);
	void *user;
};

#define advise(c, level, line, column, ...)                                                                            \
	issue_put((c)->issues, (c)->arena, (level), (c)->plan->file, (line), (column), __VA_ARGS__)
#define advise_step(c, level, s, ...) advise((c), (level), (s)->line, (s)->column, __VA_ARGS__)

static int64_t entry_hours(const struct plan *p)
{
	return p->delay_s / HOUR_S;
}

/* Hours from the entry to what the step itself says, the step above it being due after `before`. */
static int64_t own_moment(const struct plan *p, const struct step *s, int64_t before)
{
	int64_t own = s->after_days >= 0 ? (int64_t)s->after_days * HOURS_A_DAY : s->after_s / HOUR_S;
	return s->after_last ? own + before : s->after_days < 0 ? own - entry_hours(p) : own;
}

void plan_moments(const struct plan *p, int64_t *hour)
{
	int64_t before = 0;
	for (int i = 0; i < p->step_count; i++) {
		int64_t own = own_moment(p, &p->steps[i], before);
		hour[i] = before = own > before ? own : before;
	}
}

static void check_moments(struct checker *c)
{
	const struct plan *p = c->plan;
	int64_t before = 0;
	for (int i = 0; i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		int64_t own = own_moment(p, s, before);
		if (own < 0) {
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" is due before people enter (%lld hours after what starts the "
			            "plan): it goes out at the entry; write at: +%lld hours",
			            STR_ARG(s->name), (long long)(s->after_s / HOUR_S), (long long)entry_hours(p));
		} else if (own < before) {
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" is due before the step above it: steps run in order, so it waits; "
			            "sort the steps by their moment",
			            STR_ARG(s->name));
		}
		before = own > before ? own : before;
	}
	plan_moments(p, c->hour);
}

static bool mentions(struct str condition, const char *word)
{
	size_t n = strlen(word);
	char quote = 0;
	for (size_t i = 0; i + n <= condition.n; i++) {
		char ch = condition.p[i], prev = i ? condition.p[i - 1] : ' ';
		if (quote ? ch == quote : ch == '"')
			quote = quote ? 0 : ch;
		bool start = !((prev >= 'a' && prev <= 'z') || prev == '_');
		if (!quote && start && memcmp(condition.p + i, word, n) == 0) {
			char next = i + n < condition.n ? condition.p[i + n] : ' ';
			if (!((next >= 'a' && next <= 'z') || next == '_'))
				return true;
		}
	}
	return false;
}

static bool sent_before(const struct plan *p, int i, bool trackable)
{
	for (int k = 0; k < i; k++) {
		const struct step *s = &p->steps[k];
		if (s->action != STEP_SEND)
			continue;
		for (int n = 0; n < s->channel_count; n++)
			if (!trackable || s->channels[n] == CHANNEL_EMAIL || s->channels[n] == CHANNEL_SMS ||
			    s->channels[n] == CHANNEL_PUSH)
				return true;
	}
	return false;
}

static bool leaves_on(const struct plan *p, enum exit_kind kind)
{
	for (int i = 0; i < p->exit_count; i++)
		if (p->exits[i].kind == kind)
			return true;
	for (int i = 0; i < p->goal_count; i++)
		if (p->goal[i].kind == kind)
			return true;
	return false;
}

static void check_condition(struct checker *c, int i)
{
	const struct plan *p = c->plan;
	const struct step *s = &p->steps[i];
	struct str texts[] = { s->condition_text, s->wait_text };
	for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
		struct str t = texts[k];
		bool elsewhere = mentions(t, "plan"); /* opened(plan = …) looks beyond this run */
		bool open = mentions(t, "opened") || mentions(t, "clicked");
		if (open && !elsewhere && !sent_before(p, i, true) && !mentions(t, "or") && !mentions(t, "not"))
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" can never be reached: no message that can be opened goes out "
			            "before it; move it down or drop the condition",
			            STR_ARG(s->name));
		bool refused = mentions(t, "not") || mentions(t, "none") || mentions(t, "or");
		if (mentions(t, "answered") && !refused && !elsewhere && leaves_on(p, EXIT_ANSWER))
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" can never be reached: an answer ends the plan before it; take "
			            "\"answered\" out of goal and exit",
			            STR_ARG(s->name));
		if (mentions(t, "answered") && !refused && !elsewhere && !sent_before(p, i, false))
			advise_step(c, ISSUE_ADVICE, s, "step \"%.*s\" can never be reached: nothing is asked before it",
			            STR_ARG(s->name));
	}
	if (date_known(s->wait_date) && p->trigger == TRIGGER_ONCE) {
		int64_t late = (s->late_s >= 0 ? s->late_s : p->late_s) / DAY_S;
		int64_t due = p->once.day + c->hour[i] / HOURS_A_DAY;
		if (s->wait_date.day > due + late)
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" can never be reached in time: it waits %lld days for its date and "
			            "may be at most %lld late; raise \"at\" or \"late\"",
			            STR_ARG(s->name), (long long)(s->wait_date.day - due), (long long)late);
	}
}

/* Steps no run comes to: after an unconditional end or jump. */
static void check_dead(struct checker *c)
{
	const struct plan *p = c->plan;
	bool reached[STEPS_MAX] = { true };
	int sends = 0;
	for (int i = 0; i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		if (!reached[i]) {
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" is dead: a step above it ends the run or jumps over it for "
			            "everybody; give that one an \"if\", or remove this one",
			            STR_ARG(s->name));
			continue;
		}
		bool always = s->condition == NULL;
		if (s->goto_step > i)
			reached[s->goto_step] = true;
		bool falls = !always || (!s->ends_run && s->goto_step < 0);
		if (i + 1 < p->step_count && falls)
			reached[i + 1] = true;
		if (s->action == STEP_SEND && always && !s->after_last && ++sends > p->max_messages && p->max_messages)
			advise_step(c, ISSUE_ADVICE, s,
			            "step \"%.*s\" can never be reached: %d messages have gone out before it and "
			            "max_messages is %d",
			            STR_ARG(s->name), sends - 1, p->max_messages);
	}
}

/* More messages in seven days than the default pressure lets through, so that one would be dropped unseen. Steps with a
 * condition of their own at the same moment are taken for alternatives. */
static void check_pressure(struct checker *c)
{
	const struct plan *p = c->plan;
	struct settings s;
	struct currency eur = { "EUR", 2 };
	settings_defaults(&s, 0, LOCALE_FR, eur);
	int limit = s.pressure[CHANNEL_EMAIL].limit;
	int64_t sent[STEPS_MAX];
	int count = 0;
	for (int i = 0; i < p->step_count; i++) {
		const struct step *x = &p->steps[i];
		bool mail = x->action == STEP_SEND && x->purpose == PURPOSE_MARKETING && x->channel_count &&
		            x->channels[0] == CHANNEL_EMAIL;
		if (!mail || (count && x->condition && sent[count - 1] == c->hour[i]) || (x->condition && x->after_last))
			continue;
		sent[count++] = c->hour[i];
		if (count <= limit)
			continue;
		int64_t free_at = sent[count - 1 - limit] + HOURS_A_WEEK;
		int64_t late = (x->late_s >= 0 ? x->late_s : p->late_s) / HOUR_S;
		if (c->hour[i] + late < free_at && !x->drop_when_held)
			advise_step(c, ISSUE_ADVICE, x,
			            "step \"%.*s\" is e-mail number %d within seven days; the default pressure lets "
			            "%d through, so it would be dropped: space the steps out, or let it wait with late: %lld days",
			            STR_ARG(x->name), limit + 1, limit, (long long)((free_at - c->hour[i] + 23) / HOURS_A_DAY));
	}
}

static void check_voucher(struct checker *c, int i)
{
	const struct plan *p = c->plan;
	const struct step *s = &p->steps[i];
	const struct voucher_offer *v = &s->voucher;
	if (!s->has_voucher)
		return;
	if (p->trigger == TRIGGER_CART && (v->percent || v->amount))
		advise(c, ISSUE_ADVICE, s->voucher_line, s->voucher_column,
		       "a discount for an abandoned cart teaches customers to abandon their cart: reassure instead (payment, "
		       "refund, "
		       "delivery), and remove the voucher");
	if (c->average_basket > 0 && v->minimum > c->average_basket)
		advise(c, ISSUE_ADVICE, s->voucher_line, s->voucher_column,
		       "the voucher counts from a basket of %lld.%02lld, above the shop's average of %lld.%02lld: few will "
		       "reach it; "
		       "lower the minimum",
		       (long long)(v->minimum / 100), (long long)(v->minimum % 100), (long long)(c->average_basket / 100),
		       (long long)(c->average_basket % 100));
	if (v->amount && v->minimum && v->amount >= v->minimum)
		advise(c, ISSUE_ADVICE, s->voucher_line, s->voucher_column,
		       "the voucher is worth as much as the basket it asks for: raise the minimum or lower the amount");
	for (int k = i + 1; k < p->step_count; k++) {
		const struct step *next = &p->steps[k];
		if (next->action != STEP_SEND || next->purpose != PURPOSE_MARKETING)
			continue;
		int64_t gap_days = (c->hour[k] - c->hour[i]) / HOURS_A_DAY;
		if (!next->has_voucher && gap_days >= v->valid_days)
			advise(c, ISSUE_ADVICE, s->voucher_line, s->voucher_column,
			       "the voucher is valid for %d days and the next reminder, \"%.*s\", comes after %lld: it would "
			       "recall a code "
			       "that has ended; make it valid longer or remind earlier",
			       v->valid_days, STR_ARG(next->name), (long long)gap_days);
		break;
	}
}

static void check_messages(struct checker *c, const struct step *s)
{
	if (!c->message_exists || s->action != STEP_SEND)
		return;
	for (int v = 0; v < s->variant_count; v++) {
		struct str m = s->variants[v].message;
		bool fr = c->message_exists(c->user, m, LOCALE_FR), en = c->message_exists(c->user, m, LOCALE_EN);
		if (!fr && !en)
			advise_step(c, ISSUE_ERROR, s, "no message \"%.*s\": write it, or name another", STR_ARG(m));
		else if (!fr || !en)
			advise_step(c, ISSUE_ADVICE, s, "message \"%.*s\" is not written in %s: its readers get the other language",
			            STR_ARG(m), fr ? "English" : "French");
	}
}

static void check_plan_level(struct checker *c)
{
	const struct plan *p = c->plan;
	int marketing = 0;
	for (int i = 0; i < p->step_count; i++)
		marketing += p->steps[i].action == STEP_SEND && p->steps[i].purpose == PURPOSE_MARKETING;
	if (p->control_line && p->control_per_million == 0 && marketing)
		advise(c, ISSUE_ADVICE, p->control_line, p->control_column,
		       "without a control group nobody can say what this plan brings: write control: 10%%");
	if (p->control_per_million > 500000)
		advise(c, ISSUE_ADVICE, p->control_line ? p->control_line : 1, p->control_column ? p->control_column : 1,
		       "more than half of those who enter hear nothing (control group): write control: 10%%");
	if (marketing > 1 && p->goal_count == 0 && p->exit_count == 0)
		advise(c, ISSUE_ADVICE, p->when_line, p->when_column,
		       "nothing ends this plan early: whoever buys after the first message still gets the others; add exit: "
		       "order");
	if (p->trigger == TRIGGER_CART && !leaves_on(p, EXIT_CART_PAID) && !leaves_on(p, EXIT_ORDER))
		advise(c, ISSUE_ADVICE, p->when_line, p->when_column,
		       "a cart that is paid does not end this plan: add exit: [cart_paid, cart_emptied, cart_changed]");
	bool state = p->trigger == TRIGGER_INACTIVE;
	if (state && marketing && p->smooth_per_day == 0)
		advise(c, ISSUE_ADVICE, p->when_line, p->when_column,
		       "when this plan is switched on everybody who already sleeps enters on the same day: add smooth: 500 per "
		       "day");
	int64_t days = p->again_months > 0 ? p->again_months * 30LL : p->again_days;
	int64_t length = p->step_count ? c->hour[p->step_count - 1] / HOURS_A_DAY : 0;
	if (!p->again_each_year && days > 0 && days < length)
		advise(c, ISSUE_ADVICE, p->when_line, p->when_column,
		       "people may enter again after %lld days, before the plan's last step (%lld days): make \"again\" longer",
		       (long long)days, (long long)length);
}

/* A budget that changes nothing, lets nothing out, or is spent long before the month ends. */
static void check_budget(struct checker *c)
{
	const struct plan *p = c->plan;
	struct settings s;
	int64_t least = INT64_MAX, run = 0; /* thousandths of a minor unit: the cheapest message, a whole run */
	if (p->budget == 0)
		return;
	settings_defaults(&s, 0, LOCALE_FR, (struct currency){ "EUR", 2 });
	for (int i = 0; i < p->step_count; i++) {
		int64_t step = INT64_MAX;
		for (int k = 0; p->steps[i].action == STEP_SEND && k < p->steps[i].channel_count; k++) {
			int64_t cost = s.channel_cost[p->steps[i].channels[k]];
			step = cost < step ? cost : step;
		}
		if (step == INT64_MAX)
			continue;
		least = step < least ? step : least;
		run += p->steps[i].condition || p->steps[i].ends_run ? 0 : step;
	}
	if (least == INT64_MAX || least == 0)
		advise(c, ISSUE_ADVICE, p->budget_line, p->budget_column,
		       "the budget holds nothing back: what this plan sends has no price; leave it out");
	else if (p->budget * 1000 < least)
		advise(c, ISSUE_ADVICE, p->budget_line, p->budget_column,
		       "the budget does not pay for one message: nothing would leave; raise it or choose a cheaper channel");
	else if (p->smooth_per_day > 0 && !p->budget_total && run > 0 && p->budget * 1000 / run < p->smooth_per_day * 30LL)
		advise(c, ISSUE_ADVICE, p->budget_line, p->budget_column,
		       "the budget pays for about %lld people a month and smooth lets in %lld: the others would enter and hear "
		       "nothing; write smooth: %lld per day, or raise the budget",
		       (long long)(p->budget * 1000 / run), p->smooth_per_day * 30LL,
		       (long long)(p->budget * 1000 / run / 30 > 0 ? p->budget * 1000 / run / 30 : 1));
}

static bool same_trigger(const struct plan *a, const struct plan *b)
{
	return a->trigger == b->trigger && a->months == b->months && a->delay_s == b->delay_s &&
	       a->delay_days == b->delay_days && str_eq(a->event, b->event) && a->once.day == b->once.day &&
	       a->month == b->month && a->month_day == b->month_day && a->yearly == b->yearly && a->nth == b->nth &&
	       a->weekday == b->weekday && a->on_day == b->on_day;
}

static void check_pair(struct checker *c, const struct plan *other)
{
	const struct plan *p = c->plan;
	if (str_eq(p->name, other->name)) {
		advise(c, ISSUE_ERROR, 1, 1, "a plan named \"%.*s\" is also in %.*s: rename one", STR_ARG(p->name),
		       STR_ARG(other->file));
		return;
	}
	if (p->purpose != other->purpose || !same_trigger(p, other) || !str_eq(p->who_text, other->who_text))
		return;
	advise(c, ISSUE_ADVICE, p->when_line, p->when_column,
	       "the same people enter \"%.*s\" (%.*s) at the same moment: join the two plans, or tell their audiences "
	       "apart with "
	       "\"who\"",
	       STR_ARG(other->name), STR_ARG(other->file));
}

void plan_check(const struct plan *const *plans, size_t count, int64_t average_basket,
                bool (*message_exists)(void *user, struct str message, enum locale locale), void *user, struct arena *a,
                struct plan_issues *issues)
{
	for (size_t i = 0; i < count; i++) {
		struct checker c = { issues, a, plans[i], { 0 }, average_basket, message_exists, user };
		check_moments(&c);
		check_plan_level(&c);
		check_dead(&c);
		check_pressure(&c);
		check_budget(&c);
		for (int k = 0; k < plans[i]->step_count; k++) {
			check_condition(&c, k);
			check_voucher(&c, k);
			check_messages(&c, &plans[i]->steps[k]);
		}
		for (size_t k = 0; k < i; k++)
			check_pair(&c, plans[k]);
	}
}
