/* Runs case files: a history of a few people told day by day, a plan, and what should happen. Read by people who know
 * the shop and not the code:
 *
 *     case   A cart paid before the first message gets none
 *     zone   Europe/Paris                       (the shop's; default Europe/Paris)
 *     plan   abandoned-cart                     (shipped plans: one, several "welcome cross-sell", or all; or none and
 *       plan: mine …                             indented below, a plan file's text; several such blocks may follow)
 *     control 100%                              (the plans' own control groups; default 0%)
 *     settings
 *       pressure email 1 in 7 days              also: sms, postcard, phone, all; "pressure all none"
 *       cost sms 0.10                           what one message costs
 *       quiet 22:00-07:00, soft opt-in no, post opt-in yes, global control 100%, quiet sundays no
 *     given
 *       2025-03-03 10:00  lea  cart A 45.00     a cart is changed (0.00: emptied by its lines)
 *       2025-03-03 11:30  lea  paid A           also: emptied A
 *       2025-03-03 12:00  lea  order 120.00     an order; "order 120.00 lamp bulb" names products; "return 20.00"
 *       2025-03-03 12:00  lea  event newsletter  also with a value: "event visits 3"
 *       2025-03-03 12:00  lea  opens cart-1     also: clicks, answers survey-1 satisfied, bounces, complains;
 *                                               with several plans "opens survey/survey-1"
 *       2025-03-03 12:00  lea  consent email    also: soft email, withdraws email, opposes email
 *       2025-03-03 12:00  bob  merged lea       bob's record and lea's are one person: lea; "unmerged" takes it back
 *       lea: born 1980-02-29, zone America/New_York, locale en, reach email phone post, company, created 2024-01-01
 * 09:00, tag vip, interest garden, child 2019-05-01, postcode 59000, address a (same word: one address) product phone:
 * type phone, lifetime 730 days, price 300.00   (products are named in orders) run    2025-03-01 to 2025-03-20 (consent
 * assumed unless "consent recorded" stands in the file) expect 2025-03-03 13:00  lea  cart-1  send email 2025-03-04
 * 09:12  lea  -       exited  goal met nothing else                              (else other decisions of other
 * verdicts are not looked at)
 *
 * Times are the person's. Without "nothing else" every expected line must be there, and no message (send) that is not
 * expected. Several cases may stand in one file. */
#include "app/plans.h"
#include "app/replay.h"
#include "app/together.h"
#include "base/hash.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	PEOPLE_MAX = 64,
	FACTS_MAX = 1024,
	LINES_MAX = 512,
	FEEDBACK_MAX = 256,
	TEXTS_MAX = 8,
	PRODUCTS_MAX = 64,
	WORDS_MAX = 8
};

struct somebody {
	struct str name;
	struct profile_body profile;
	zone_id zone;
	struct str tags[WORDS_MAX], interests[WORDS_MAX];
	struct date children[WORDS_MAX];
};

struct thing {
	struct str name, type;
	int64_t price;
	int32_t lifetime_days;
};

struct given {
	struct fact fact;
	size_t order;
};

struct run_case {
	struct arena arena;
	struct str title, file;
	int line;
	zone_id zone;
	char plan[256], name[PLAN_NAME_MAX + 1]; /* shipped plans; the first plan written in the case */
	bool assume, nothing_else;
	uint32_t control_per_million;
	struct buf texts[TEXTS_MAX]; /* plans written in the case */
	size_t text_count;
	struct str settings[WORDS_MAX];
	int settings_line[WORDS_MAX];
	size_t setting_count;
	struct thing things[PRODUCTS_MAX];
	size_t thing_count;
	struct date from, to;
	struct somebody people[PEOPLE_MAX];
	size_t person_count;
	struct fact facts[FACTS_MAX];
	size_t fact_count;
	struct replay_feedback feedback[FEEDBACK_MAX];
	size_t feedback_count;
	struct str expected[LINES_MAX];
	int expected_line[LINES_MAX];
	size_t expected_count;
	struct intern products;
	/* what happened */
	struct str happened[LINES_MAX];
	bool is_send[LINES_MAX];
	size_t happened_count;
	const struct plan_set *set;
	int failures;
};

static void fail(struct run_case *c, int line, const char *what, struct str text)
{
	printf("%.*s:%d: %.*s: %s %.*s\n", STR_ARG(c->file), line, STR_ARG(c->title), what, STR_ARG(text));
	c->failures++;
}

/* ---- reading ---- */

static struct str word(struct str *rest)
{
	*rest = str_trim(*rest);
	size_t n = 0;
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	struct str w = { rest->p, n };
	*rest = str_trim((struct str){ rest->p + n, rest->n - n });
	return w;
}

static customer_id person_of(struct run_case *c, struct str name)
{
	for (size_t i = 0; i < c->person_count; i++)
		if (str_eq(c->people[i].name, name))
			return (customer_id)(i + 1);
	check(c->person_count < PEOPLE_MAX);
	c->people[c->person_count++] = (struct somebody){
		.name = arena_str(&c->arena, name),
		.zone = c->zone,
		.profile = { .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN, .reach = REACH_EMAIL }
	};
	return (customer_id)c->person_count;
}

static void profile_attribute(struct run_case *c, struct somebody *p, struct str text, int line)
{
	struct str key = word(&text);
	struct instant t;
	if (str_is(key, "born") && date_parse(text, &p->profile.born))
		return;
	if (str_is(key, "zone") && zone_find(text, &p->zone)) {
		p->profile.zone = arena_str(&c->arena, text);
		return;
	}
	if (str_is(key, "locale") && locale_find(text) >= 0) {
		p->profile.locale = locale_find(text);
		return;
	}
	if (str_is(key, "created") && instant_parse(text, p->zone, &t)) {
		p->profile.created = t;
		return;
	}
	if (str_is(key, "company")) {
		p->profile.company = true;
		return;
	}
	if (str_is(key, "address")) { /* people with the same word share an address */
		p->profile.address = hash_str(text);
		return;
	}
	if (str_is(key, "tag") && p->profile.tag_count < WORDS_MAX) {
		p->tags[p->profile.tag_count++] = arena_str(&c->arena, text);
		return;
	}
	if (str_is(key, "interest") && p->profile.interest_count < WORDS_MAX) {
		p->interests[p->profile.interest_count++] = arena_str(&c->arena, text);
		return;
	}
	if (str_is(key, "child") && p->profile.child_count < WORDS_MAX &&
	    date_parse(text, &p->children[p->profile.child_count])) {
		p->profile.child_count++;
		return;
	}
	if (str_is(key, "postcode")) {
		p->profile.postcode = arena_str(&c->arena, text);
		return;
	}
	if (str_is(key, "reach")) {
		p->profile.reach = 0;
		while (text.n) {
			struct str w = word(&text);
			p->profile.reach |= str_is(w, "email")   ? REACH_EMAIL
			                    : str_is(w, "phone") ? REACH_PHONE
			                    : str_is(w, "post")  ? REACH_POST
			                                         : 0u;
		}
		return;
	}
	fail(c, line, "not understood:", key);
}

static struct fact *fact_new(struct run_case *c, customer_id who, enum fact_kind kind, struct instant at)
{
	check(c->fact_count < FACTS_MAX);
	struct fact *f = &c->facts[c->fact_count];
	*f = (struct fact){ .customer = who, .seq = (int64_t)++c->fact_count, .kind = kind, .at = at, .learned_at = at };
	f->key = arena_printf(&c->arena, "case:%zu", c->fact_count);
	return f;
}

static struct str body_keep(struct run_case *c, struct buf *b)
{
	struct str s = arena_str(&c->arena, buf_view(b));
	buf_release(b);
	return s;
}

static int64_t amount(struct run_case *c, struct str text, int line)
{
	struct currency eur;
	struct money m = { 0 };
	check(currency_find(STR("EUR"), &eur));
	if (!money_parse(text, eur, '.', &m))
		fail(c, line, "not an amount:", text);
	return m.minor;
}

static void order(struct run_case *c, customer_id who, struct instant at, struct str rest, int sign, int line)
{
	int64_t total = amount(c, word(&rest), line) * sign;
	struct line lines[32];
	size_t n = 0;
	while (rest.n && n < ARRAY_LEN(lines)) {
		struct str product = word(&rest);
		lines[n++] = (struct line){ 1 + intern_put(&c->products, product, NULL), sign, 0 };
	}
	if (n == 0)
		lines[n++] = (struct line){ 1 + intern_put(&c->products, STR("thing"), NULL), sign, 0 };
	lines[0].amount = total;
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_order(&(struct order_body){ .lines = lines, .line_count = n }, &b);
	fact_new(c, who, FACT_ORDER, at)->body = body_keep(c, &b);
}

static void cart(struct run_case *c, customer_id who, struct instant at, struct str rest, enum cart_state state,
                 int line)
{
	struct str id = word(&rest);
	struct line one = { 1, 1, state == CART_CHANGED ? amount(c, word(&rest), line) : 0 };
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_cart(
		&(struct cart_body){
			.cart = id, .state = state, .lines = &one, .line_count = state == CART_CHANGED && one.amount },
		&b);
	fact_new(c, who, FACT_CART, at)->body = body_keep(c, &b);
}

static void consent(struct run_case *c, customer_id who, struct instant at, struct str rest, enum consent_state state,
                    int line)
{
	struct str name = word(&rest);
	enum purpose purpose = str_is(word(&rest), "tracking") ? PURPOSE_TRACKING : PURPOSE_MARKETING;
	int channel = channel_find(name);
	if (channel < 0) {
		fail(c, line, "no channel", name);
		return;
	}
	struct buf b;
	buf_init(&b, BODY_MAX);
	body_write_consent(
		&(struct consent_body){
			.channel = (enum channel)channel, .purpose = purpose, .state = state, .source = STR("case") },
		&b);
	fact_new(c, who, FACT_CONSENT, at)->body = body_keep(c, &b);
}

static void feedback(struct run_case *c, customer_id who, struct instant at, struct str rest, enum receipt receipt,
                     uint64_t plan)
{
	check(c->feedback_count < FEEDBACK_MAX);
	struct str step = word(&rest);
	struct str answer = word(&rest);
	const char *slash = memchr(step.p, '/', step.n);
	if (slash) {
		plan = hash_str((struct str){ step.p, (size_t)(slash - step.p) });
		step = (struct str){ slash + 1, step.n - (size_t)(slash + 1 - step.p) };
	}
	c->feedback[c->feedback_count++] = (struct replay_feedback){
		.customer = who,
		.at = (uint32_t)at.s,
		.plan = plan,
		.step = hash_str(step),
		.channel = CHANNEL_EMAIL,
		.receipt = (uint8_t)receipt,
		.answer = (uint8_t)(str_is(answer, "very_satisfied") ? ANSWER_VERY_SATISFIED
		                    : str_is(answer, "satisfied")    ? ANSWER_SATISFIED
		                    : answer.n                       ? ANSWER_UNSATISFIED
		                                                     : ANSWER_NONE),
	};
}

static void product_line(struct run_case *c, struct str name, struct str rest, int line)
{
	check(c->thing_count < PRODUCTS_MAX);
	struct thing *t = &c->things[c->thing_count++];
	*t = (struct thing){ .name = arena_str(&c->arena, name), .price = -1 };
	while (rest.n) {
		const char *comma = memchr(rest.p, ',', rest.n);
		size_t n = comma ? (size_t)(comma - rest.p) : rest.n;
		struct str text = { rest.p, n }, key = word(&text);
		if (str_is(key, "type"))
			t->type = arena_str(&c->arena, text);
		else if (str_is(key, "lifetime"))
			t->lifetime_days = (int32_t)strtol(arena_cstr(&c->arena, word(&text)), NULL, 10);
		else if (str_is(key, "price"))
			t->price = amount(c, text, line);
		else
			fail(c, line, "not understood:", key);
		rest = comma ? (struct str){ comma + 1, rest.n - n - 1 } : (struct str){ "", 0 };
	}
}

/* "100%" in millionths. */
static uint32_t share(struct str text)
{
	return (uint32_t)(strtod(text.p, NULL) * 10000.0);
}

static int32_t second_of(struct str text)
{
	int h = 0, m = 0;
	return sscanf(text.p, "%2d:%2d", &h, &m) == 2 ? h * HOUR_S + m * MINUTE_S : -1;
}

static bool setting_pressure(struct settings *s, struct str rest)
{
	struct str where = word(&rest), limit = word(&rest);
	int channel = channel_find(where);
	struct pressure_rule *rule = str_is(where, "all") ? &s->pressure_all : channel >= 0 ? &s->pressure[channel] : NULL;
	if (!rule)
		return false;
	if (str_is(limit, "none")) {
		rule->limit = -1;
		return true;
	}
	int n = 0, days = 0;
	if (sscanf(limit.p, "%d in %d days", &n, &days) != 2)
		return false;
	*rule = (struct pressure_rule){ n, days };
	return true;
}

static bool setting_cost(struct run_case *c, struct settings *s, struct str rest, int line)
{
	int channel = channel_find(word(&rest));
	if (channel < 0)
		return false;
	s->channel_cost[channel] = amount(c, rest, line) * 1000;
	return true;
}

static void setting(struct run_case *c, struct settings *s, struct str text, int line)
{
	struct str rest = text, key = word(&rest), last = text;
	for (struct str w = last; w.n;)
		last = word(&w);
	bool yes = str_is(last, "yes");
	if (str_is(key, "pressure") && setting_pressure(s, rest))
		return;
	if (str_is(key, "cost") && setting_cost(c, s, rest, line))
		return;
	const char *dash = memchr(rest.p, '-', rest.n);
	if (str_starts(text, STR("soft opt-in")))
		s->soft_opt_in = yes;
	else if (str_starts(text, STR("post opt-in")))
		s->post_opt_in = yes;
	else if (str_starts(text, STR("quiet sundays")))
		s->quiet_sundays = yes;
	else if (str_starts(text, STR("global control")))
		s->global_control_per_million = share(last);
	else if (str_is(key, "quiet") && dash && second_of(rest) >= 0) {
		s->quiet_from_s = second_of(rest);
		s->quiet_to_s = second_of((struct str){ dash + 1, 5 });
	} else
		fail(c, line, "no such setting:", text);
}

static void given_line(struct run_case *c, struct str text, int line)
{
	const char *colon = memchr(text.p, ':', text.n);
	struct str first = text;
	if (colon && str_is(word(&first), "product")) {
		product_line(c, str_trim((struct str){ first.p, (size_t)(colon - first.p) }),
		             (struct str){ colon + 1, text.n - (size_t)(colon + 1 - text.p) }, line);
		return;
	}
	if (text.n && (text.p[0] < '0' || text.p[0] > '9') && colon) {
		customer_id who = person_of(c, str_trim((struct str){ text.p, (size_t)(colon - text.p) }));
		struct str rest = { colon + 1, text.n - (size_t)(colon + 1 - text.p) };
		while (rest.n) {
			const char *comma = memchr(rest.p, ',', rest.n);
			size_t n = comma ? (size_t)(comma - rest.p) : rest.n;
			profile_attribute(c, &c->people[who - 1], str_trim((struct str){ rest.p, n }), line);
			rest = comma ? (struct str){ comma + 1, rest.n - n - 1 } : (struct str){ "", 0 };
		}
		return;
	}
	struct str day = word(&text), hour = word(&text), name = word(&text), verb = word(&text);
	customer_id who = person_of(c, name);
	char when[64];
	struct instant at;
	snprintf(when, sizeof when, "%.*s %.*s", STR_ARG(day), STR_ARG(hour));
	if (!instant_parse(str_from(when), c->people[who - 1].zone, &at)) {
		fail(c, line, "not an instant:", str_from(when));
		return;
	}
	uint64_t plan = hash_str(str_from(c->plan[0] ? c->plan : c->name));
	if (str_is(verb, "order"))
		order(c, who, at, text, 1, line);
	else if (str_is(verb, "return"))
		order(c, who, at, text, -1, line);
	else if (str_is(verb, "cart"))
		cart(c, who, at, text, CART_CHANGED, line);
	else if (str_is(verb, "paid"))
		cart(c, who, at, text, CART_PAID, line);
	else if (str_is(verb, "emptied"))
		cart(c, who, at, text, CART_EMPTIED, line);
	else if (str_is(verb, "event")) {
		struct buf b;
		buf_init(&b, BODY_MAX);
		struct event_body e = { .name = word(&text) };
		if (text.n && !str_i64(text, &e.value))
			fail(c, line, "not a number:", text);
		body_write_event(&e, &b);
		fact_new(c, who, FACT_EVENT, at)->body = body_keep(c, &b);
	} else if (str_is(verb, "merged")) {
		struct buf b;
		buf_init(&b, BODY_MAX);
		body_write_merge(&(struct merge_body){ .customer = person_of(c, text), .by = STR("case") }, &b);
		fact_new(c, who, FACT_MERGE, at)->body = body_keep(c, &b);
	} else if (str_is(verb, "unmerged"))
		fact_new(c, who, FACT_RETRACT, at)->body = STR("{\"kind\":\"merge\"}");
	else if (str_is(verb, "consent"))
		consent(c, who, at, text, CONSENT_GRANTED, line);
	else if (str_is(verb, "soft"))
		consent(c, who, at, text, CONSENT_SOFT, line);
	else if (str_is(verb, "withdraws"))
		consent(c, who, at, text, CONSENT_WITHDRAWN, line);
	else if (str_is(verb, "opposes"))
		consent(c, who, at, text, CONSENT_OPPOSED, line);
	else if (str_is(verb, "opens"))
		feedback(c, who, at, text, RECEIPT_OPENED, plan);
	else if (str_is(verb, "clicks"))
		feedback(c, who, at, text, RECEIPT_CLICKED, plan);
	else if (str_is(verb, "answers"))
		feedback(c, who, at, text, RECEIPT_ANSWERED, plan);
	else if (str_is(verb, "bounces"))
		feedback(c, who, at, text, RECEIPT_HARD_BOUNCE, plan);
	else if (str_is(verb, "complains"))
		feedback(c, who, at, text, RECEIPT_COMPLAINT, plan);
	else
		fail(c, line, "no such happening:", verb);
}

/* ---- running ---- */

static void decided(void *ctx, struct date day, const struct decision *decisions, size_t count)
{
	struct run_case *c = ctx;
	(void)day;
	for (size_t i = 0; i < count && c->happened_count < LINES_MAX; i++) {
		const struct decision *d = &decisions[i];
		const struct plan *p = c->set->plans[d->plan];
		struct somebody *who = &c->people[d->customer - 1];
		struct civil at = zone_civil(who->zone, d->at);
		char date[16];
		struct buf reason;
		buf_init(&reason, 1024);
		reason_text((enum reason)d->reason, d->argument, who->zone, LOCALE_EN, &reason);
		c->is_send[c->happened_count] = d->verdict == VERDICT_SEND;
		c->happened[c->happened_count++] = arena_printf(
			&c->arena, "%s %02d:%02d %.*s %.*s %s %.*s", date_text(at.date, date), at.second / HOUR_S,
			at.second / MINUTE_S % 60, STR_ARG(who->name), STR_ARG(d->step >= 0 ? p->steps[d->step].name : STR("-")),
			verdict_name((enum verdict)d->verdict),
			STR_ARG(d->verdict == VERDICT_SEND ? str_from(channel_name((enum channel)d->channel)) : buf_view(&reason)));
		buf_release(&reason);
	}
}

static struct str squeeze(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, text.n + 1);
	size_t n = 0;
	for (struct str rest = text; rest.n;) {
		struct str w = word(&rest);
		if (n)
			out[n++] = ' ';
		memcpy(out + n, w.p, w.n);
		n += w.n;
	}
	return (struct str){ out, n };
}

/* An expected line without a reason holds for any. */
static bool matches(struct str expected, struct str happened)
{
	return str_starts(happened, expected) && (happened.n == expected.n || happened.p[expected.n] == ' ');
}

static void compare(struct run_case *c)
{
	bool used[LINES_MAX] = { false };
	for (size_t i = 0; i < c->expected_count; i++) {
		bool found = false;
		for (size_t k = 0; k < c->happened_count && !found; k++)
			if (!used[k] && matches(squeeze(&c->arena, c->expected[i]), c->happened[k]))
				found = used[k] = true;
		if (!found)
			fail(c, c->expected_line[i], "did not happen:", c->expected[i]);
	}
	for (size_t k = 0; k < c->happened_count; k++)
		if (!used[k] && (c->nothing_else || c->is_send[k]))
			fail(c, c->line, "happened and was not expected:", c->happened[k]);
}

static int by_feedback(const void *x, const void *y)
{
	const struct replay_feedback *a = x, *b = y;
	if (a->customer != b->customer)
		return a->customer < b->customer ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* "welcome cross-sell": the words of the line name the shipped plans that are on. */
static bool wanted(const struct run_case *c, struct str name)
{
	for (struct str rest = str_from(c->plan); rest.n;) {
		struct str w = word(&rest);
		if (str_eq(w, name) || str_is(w, "all"))
			return true;
	}
	return false;
}

static bool load_plan(struct run_case *c, const struct settings *settings, struct instant since, struct plan_set *set,
                      struct plan_issues *issues, struct err *err)
{
	if (!c->text_count || c->plan[0]) {
		if (!plans_load(NULL, settings, since, &c->arena, set, issues, err))
			return false;
		size_t on = 0;
		for (size_t i = 0; i < set->count; i++)
			on += set->on[i] = wanted(c, set->plans[i]->name);
		if (!on)
			return err_set(err, ERR_INPUT, "no shipped plan is called \"%s\"", c->plan);
	}
	struct expr_context context;
	plans_context(settings, &context);
	for (size_t i = 0; i < c->text_count; i++) {
		const struct plan *p = plan_read(STR("case"), buf_view(&c->texts[i]), &context, &c->arena, issues);
		if (!p)
			return err_set(err, ERR_INPUT, "the plan in the case, line %u: %.*s", issues->items[0].line,
			               STR_ARG(issues->items[0].text));
		plan_set_add(set, p, true, (uint32_t)since.s);
	}
	return true;
}

/* Those who are one person are folded as one, as a start of the program does it. */
static bool fold_merged(struct run_case *c, struct book *book, struct err *err)
{
	struct merges m = { .count = 0 };
	struct together t;
	customer_id everybody[PEOPLE_MAX];
	size_t count;
	bool ok = true, changed = false;
	together_init(&t);
	for (size_t i = 0; ok && i < c->fact_count; i++) {
		ok = merges_take(&m, &c->facts[i], &changed, err);
		together_add(&t, &c->facts[i]);
	}
	for (size_t i = 0; i < c->person_count; i++)
		everybody[i] = (customer_id)(i + 1);
	customer_id *all = together_all(&m, everybody, c->person_count, &count);
	ok = ok && (!changed || together_fold(&t, book, &m, all, count, err));
	free(all);
	together_release(&t);
	merges_release(&m);
	return ok;
}

static void run(struct run_case *c)
{
	struct err err;
	struct settings *settings = mem_alloc(sizeof *settings);
	struct plan_set *set = mem_alloc(sizeof *set);
	struct plan_issues *issues = mem_alloc(sizeof *issues);
	struct replay_result *result = mem_alloc(sizeof *result);
	struct currency eur;
	check(currency_find(STR("EUR"), &eur));
	settings_defaults(settings, c->zone, LOCALE_FR, eur);
	for (size_t i = 0; i < c->setting_count; i++)
		setting(c, settings, c->settings[i], c->settings_line[i]);
	struct instant from = zone_instant(c->zone, c->from, 0),
				   to = zone_instant(c->zone, (struct date){ c->to.day + 1 }, 0);
	for (size_t i = 0; i < c->person_count; i++) {
		struct buf b;
		buf_init(&b, BODY_MAX);
		c->people[i].profile.tags = c->people[i].tags;
		c->people[i].profile.interests = c->people[i].interests;
		c->people[i].profile.children = c->people[i].children;
		body_write_profile(&c->people[i].profile, &b);
		fact_new(c, (customer_id)(i + 1), FACT_PROFILE, (struct instant){ 1 })->body = body_keep(c, &b);
	}
	struct book *book = book_new(&(struct book_options){ .zone = c->zone, .locale = LOCALE_FR });
	struct product *products = mem_alloc((c->products.count + 2) * sizeof *products);
	for (uint32_t i = 0; i < c->products.count; i++) {
		products[i + 1] = (struct product){ .sku = intern_name(&c->products, i), .price = -1, .cost = -1, .stock = -1 };
		for (size_t k = 0; k < c->thing_count; k++)
			if (str_eq(c->things[k].name, products[i + 1].sku)) {
				products[i + 1].lifetime_days = c->things[k].lifetime_days;
				products[i + 1].price = c->things[k].price;
				products[i + 1].type = c->things[k].type.n ? book_word(book, c->things[k].type) : 0;
			}
	}
	book_set_products(book, products, (uint32_t)c->products.count + 1);
	qsort(c->feedback, c->feedback_count, sizeof *c->feedback, by_feedback);
	bool ok = load_plan(c, settings, (struct instant){ from.s - 1 }, set, issues, &err) &&
	          book_apply(book, c->facts, c->fact_count, &err) && fold_merged(c, book, &err);
	const struct version *v = book_pin(book);
	c->set = set;
	for (size_t i = 0; i < set->count; i++) /* nobody is left out of a case by a draw, unless it is about that */
		((struct plan *)set->plans[i])->control_per_million = c->control_per_million;
	struct replay_options o = { .book = book,
		                        .version = v,
		                        .plans = set,
		                        .words = plan_set_words(set, &c->arena),
		                        .settings = settings,
		                        .seed = 1,
		                        .from = from,
		                        .to = to,
		                        .assume_consent = c->assume,
		                        .response = RESPONSE_RECORDED,
		                        .feedback = c->feedback,
		                        .feedback_count = c->feedback_count,
		                        .threads = 1,
		                        .decided = decided,
		                        .ctx = c };
	if (ok && replay_run(&o, result, &err)) {
		compare(c);
		replay_result_release(result);
	} else {
		fail(c, c->line, "could not be run:", str_from(err.text));
	}
	book_unpin(book, v);
	book_free(book);
	free(settings);
	free(set);
	free(issues);
	free(result);
}

static void case_begin(struct run_case *c, struct str file, struct str title, int line)
{
	*c = (struct run_case){ .file = file, .line = line, .assume = true };
	arena_init(&c->arena);
	intern_init(&c->products);
	c->title = arena_str(&c->arena, title);
	check(zone_find(STR("Europe/Paris"), &c->zone));
}

static int case_end(struct run_case *c, int *passed)
{
	if (!c->title.n)
		return 0;
	run(c);
	int failures = c->failures;
	*passed += failures == 0;
	for (size_t i = 0; i < c->text_count; i++)
		buf_release(&c->texts[i]);
	arena_release(&c->arena);
	intern_release(&c->products);
	c->title.n = 0;
	return failures != 0;
}

enum section { NONE, PLAN, SETTINGS, GIVEN, EXPECT };

/* A line of a plan written in the case; its name is what "opens STEP" means. */
static void plan_line(struct run_case *c, struct str text)
{
	struct buf *b = &c->texts[c->text_count - 1];
	struct str line = str_starts(text, STR("  ")) ? (struct str){ text.p + 2, text.n - 2 } : text, rest = line;
	if (str_is(word(&rest), "plan:") && !c->name[0])
		snprintf(c->name, sizeof c->name, "%.*s", STR_ARG(rest));
	buf_add(b, line.p, line.n);
	buf_cstr(b, "\n");
}

static void settings_line(struct run_case *c, struct str text, int line)
{
	for (struct str rest = text; rest.n;) {
		const char *comma = memchr(rest.p, ',', rest.n);
		size_t n = comma ? (size_t)(comma - rest.p) : rest.n;
		check(c->setting_count < WORDS_MAX);
		c->settings[c->setting_count] = str_trim(arena_str(&c->arena, (struct str){ rest.p, n }));
		c->settings_line[c->setting_count++] = line;
		rest = comma ? (struct str){ comma + 1, rest.n - n - 1 } : (struct str){ "", 0 };
	}
}

static void case_line(struct run_case *c, struct str text, int line, enum section *section)
{
	struct str rest = text, key = word(&rest);
	bool indented = text.n && (text.p[0] == ' ' || text.p[0] == '\t');
	if (indented && *section == PLAN) {
		plan_line(c, text);
	} else if (indented && *section == SETTINGS) {
		settings_line(c, str_trim(text), line);
	} else if (indented && *section == GIVEN) {
		given_line(c, str_trim(text), line);
	} else if (indented && *section == EXPECT) {
		c->expected[c->expected_count] = arena_str(&c->arena, str_trim(text));
		c->expected_line[c->expected_count++] = line;
	} else if (str_is(key, "zone")) {
		if (!zone_find(rest, &c->zone))
			fail(c, line, "no zone", rest);
	} else if (str_is(key, "plan") && rest.n) {
		snprintf(c->plan, sizeof c->plan, "%.*s", STR_ARG(rest));
	} else if (str_is(key, "plan")) {
		check(c->text_count < TEXTS_MAX);
		buf_init(&c->texts[c->text_count++], PLAN_FILE_MAX);
		*section = PLAN;
	} else if (str_is(key, "settings")) {
		*section = SETTINGS;
	} else if (str_is(key, "control")) {
		c->control_per_million = share(rest);
	} else if (str_is(key, "consent")) {
		c->assume = !str_is(rest, "recorded");
	} else if (str_is(key, "run")) {
		struct str from = word(&rest), to;
		word(&rest);
		to = word(&rest);
		if (!date_parse(from, &c->from) || !date_parse(to, &c->to))
			fail(c, line, "run FROM to TO, not", text);
	} else if (str_is(key, "given")) {
		*section = GIVEN;
	} else if (str_is(key, "expect")) {
		*section = EXPECT;
	} else if (str_is(key, "nothing")) {
		c->nothing_else = true;
	} else {
		fail(c, line, "not understood:", text);
	}
}

int main(int argc, char **argv)
{
	static struct run_case c;
	int failed = 0, passed = 0;
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "r");
		if (!f) {
			printf("%s: cannot be opened\n", argv[i]);
			return 1;
		}
		char text[1024];
		enum section section = NONE;
		for (int line = 1; fgets(text, sizeof text, f); line++) {
			size_t n = strcspn(text, "\n#");
			while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
				n--;
			if (n == 0)
				continue;
			struct str s = { text, n }, rest = s;
			if (text[0] != ' ' && text[0] != '\t' && str_is(word(&rest), "case")) {
				failed += case_end(&c, &passed);
				case_begin(&c, str_from(argv[i]), rest, line);
				section = NONE;
			} else if (c.title.n) {
				case_line(&c, s, line, &section);
			}
		}
		fclose(f);
		failed += case_end(&c, &passed);
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed ? 1 : 0;
}
