#include "fold/case.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NARROW "\xE2\x80\xAF" /* U+202F, no-break */

const struct case_input CASE_REFERENCE = {
	.prospects = 500000,
	.customers = 50000,
	.before = { 10000, 5000, 200000, 30000, 600000, 30000, 0 },
	.after = { 15000, 5000, 250000, 30000, 750000, 30000, 15000 },
};

static bool rate_good(int64_t rate)
{
	return rate >= 0 && rate <= CASE_MILLION;
}

static bool money_good(int64_t minor)
{
	return minor >= 0 && minor <= CASE_MINOR_MAX;
}

static bool side_good(const struct case_side *s, const char *when, struct err *err)
{
	if (!rate_good(s->transformation) || !rate_good(s->conversion) || !rate_good(s->activity))
		return err_set(err, ERR_INPUT, "%s: a rate lies between 0 and 100 %%", when);
	if (!money_good(s->basket) || !money_good(s->loyal_value) || !money_good(s->active_value) ||
	    !money_good(s->extra_value))
		return err_set(err, ERR_INPUT, "%s: an amount lies between 0 and %lld", when,
		               (long long)(CASE_MINOR_MAX / 100));
	return true;
}

/* people × rate₁ × rate₂ × minor ÷ 10¹², rounded once. At most 10¹⁰ × 10⁶ × 10⁶ × 10¹¹: fits 128 bits. */
static bool product(int64_t people, int64_t rate1, int64_t rate2, int64_t minor, int64_t *out)
{
	const __int128 unit = (__int128)CASE_MILLION * CASE_MILLION;
	__int128 p = ((__int128)people * rate1 * rate2 * minor + unit / 2) / unit;
	if (p > INT64_MAX / 8)
		return false;
	*out = (int64_t)p;
	return true;
}

static bool side(const struct case_input *in, const struct case_side *s, int64_t money[CASE_LINES], int64_t people[3])
{
	return product(in->prospects, s->transformation, CASE_MILLION, s->basket, &money[CASE_FIRST_SALES]) &&
	       product(in->prospects, s->transformation, s->conversion, s->loyal_value, &money[CASE_LOYAL]) &&
	       product(in->customers, s->activity, CASE_MILLION, s->active_value, &money[CASE_ACTIVE]) &&
	       product(in->customers, s->activity, CASE_MILLION, s->extra_value, &money[CASE_EXTRA]) &&
	       product(in->prospects, s->transformation, CASE_MILLION, 1, &people[0]) &&
	       product(in->prospects, s->transformation, s->conversion, 1, &people[1]) &&
	       product(in->customers, s->activity, CASE_MILLION, 1, &people[2]);
}

bool case_compute(const struct case_input *in, struct case_result *r, struct err *err)
{
	int64_t before[CASE_LINES], after[CASE_LINES], people[2][3];
	memset(r, 0, sizeof *r);
	if (in->prospects < 0 || in->prospects > CASE_PEOPLE_MAX || in->customers < 0 || in->customers > CASE_PEOPLE_MAX)
		return err_set(err, ERR_INPUT, "prospects and customers lie between 0 and %lld", (long long)CASE_PEOPLE_MAX);
	if (!side_good(&in->before, "before", err) || !side_good(&in->after, "after", err))
		return false;
	if (in->yearly_cost < 0 || in->yearly_cost > INT64_MAX / 1000)
		return err_set(err, ERR_INPUT, "the yearly cost is not negative");
	if (!side(in, &in->before, before, people[0]) || !side(in, &in->after, after, people[1]))
		return err_set(err, ERR_LIMIT, "the amounts are too large to add up");
	for (int l = 0; l < CASE_LINES; l++) {
		r->line[l].before.minor = before[l];
		r->line[l].after.minor = after[l];
		r->line[l].gain.minor = after[l] - before[l];
		r->total.before.minor += before[l];
		r->total.after.minor += after[l];
		r->total.gain.minor += after[l] - before[l];
	}
	r->new_before = people[0][0];
	r->loyal_before = people[0][1];
	r->active_before = people[0][2];
	r->new_after = people[1][0];
	r->loyal_after = people[1][1];
	r->active_after = people[1][2];
	r->net.minor = r->total.gain.minor - in->yearly_cost;
	struct money percent;
	r->return_known = in->yearly_cost > 0 && money_share(r->total.gain, 100, in->yearly_cost, &percent);
	r->return_percent = r->return_known ? percent.minor : 0;
	return true;
}

static const struct {
	const char *key, *fr, *en;
} LINES[CASE_LINES] = {
	[CASE_FIRST_SALES] = { "first_sales", "Premiers achats", "First sales" },
	[CASE_LOYAL] = { "becoming_loyal", "Nouveaux clients fidélisés", "New customers becoming loyal" },
	[CASE_ACTIVE] = { "active_base", "Clients actifs", "Active customers" },
	[CASE_EXTRA] = { "extra_value", "Valeur supplémentaire par client actif", "Extra value per active customer" },
};

const char *case_line_key(enum case_line l)
{
	return LINES[l].key;
}

bool case_line_find(struct str key, enum case_line *out)
{
	for (int l = 0; l < CASE_LINES; l++)
		if (str_is(key, LINES[l].key)) {
			*out = (enum case_line)l;
			return true;
		}
	return false;
}

const char *case_line_name(enum case_line l, bool french)
{
	return french ? LINES[l].fr : LINES[l].en;
}

/* ---- assumptions by name ---- */

const struct case_word CASE_WORDS[CASE_WORD_COUNT] = {
	{ "prospects", CASE_KIND_PEOPLE, "people who know the shop and have not bought yet (500000)", false },
	{ "rate", CASE_KIND_RATE, "of them who buy, before (1%)", false },
	{ "rate-after", CASE_KIND_RATE, "after (1.5%)", true },
	{ "basket", CASE_KIND_MONEY, "first basket (50)", false },
	{ "basket-after", CASE_KIND_MONEY, "after, if it changes", true },
	{ "loyal", CASE_KIND_RATE, "new customers who become loyal, before (20%)", false },
	{ "loyal-after", CASE_KIND_RATE, "after (25%)", true },
	{ "loyal-value", CASE_KIND_MONEY, "yearly value of a loyal customer (300)", false },
	{ "loyal-value-after", CASE_KIND_MONEY, "after, if it changes", true },
	{ "customers", CASE_KIND_PEOPLE, "customers in the base (50000)", false },
	{ "active", CASE_KIND_RATE, "of them active, before (60%)", false },
	{ "active-after", CASE_KIND_RATE, "after (75%)", true },
	{ "active-value", CASE_KIND_MONEY, "yearly value of an active customer (300)", false },
	{ "active-value-after", CASE_KIND_MONEY, "after, if it changes", true },
	{ "extra-value", CASE_KIND_MONEY, "extra yearly value of an active customer, after (150)", true },
	{ "cost", CASE_KIND_MONEY, "of the effort in a year: adds the return", false },
};

static const size_t PLACE[CASE_WORD_COUNT] = {
	offsetof(struct case_input, prospects),
	offsetof(struct case_input, before.transformation),
	offsetof(struct case_input, after.transformation),
	offsetof(struct case_input, before.basket),
	offsetof(struct case_input, after.basket),
	offsetof(struct case_input, before.conversion),
	offsetof(struct case_input, after.conversion),
	offsetof(struct case_input, before.loyal_value),
	offsetof(struct case_input, after.loyal_value),
	offsetof(struct case_input, customers),
	offsetof(struct case_input, before.activity),
	offsetof(struct case_input, after.activity),
	offsetof(struct case_input, before.active_value),
	offsetof(struct case_input, after.active_value),
	offsetof(struct case_input, after.extra_value),
	offsetof(struct case_input, yearly_cost),
};

int64_t case_get(const struct case_input *in, int word)
{
	check(word >= 0 && word < CASE_WORD_COUNT);
	return *(const int64_t *)((const char *)in + PLACE[word]);
}

static void put(struct case_input *in, int word, int64_t v)
{
	*(int64_t *)((char *)in + PLACE[word]) = v;
	if (!CASE_WORDS[word].after && word + 1 < CASE_WORD_COUNT && CASE_WORDS[word + 1].after)
		*(int64_t *)((char *)in + PLACE[word + 1]) = v;
}

bool case_set(struct case_input *in, int word, struct str text, struct currency currency, struct err *err)
{
	const struct case_word *w = &CASE_WORDS[word];
	struct str s = str_trim(text);
	struct money m;
	double v;
	switch (w->kind) {
	case CASE_KIND_PEOPLE:
		if (!str_f64(s, &v) || v < 0 || v != floor(v) || v > (double)CASE_PEOPLE_MAX)
			return err_set(err, ERR_INPUT, "%s: \"%.*s\" is not a number of people", w->name, STR_ARG(text));
		put(in, word, (int64_t)v);
		return true;
	case CASE_KIND_RATE:
		if (s.n > 0 && s.p[s.n - 1] == '%')
			s = str_trim((struct str){ s.p, s.n - 1 });
		if (!str_f64(s, &v) || !(v >= 0) || v > 100)
			return err_set(err, ERR_INPUT, "%s: \"%.*s\" is not a rate between 0 and 100 %%", w->name, STR_ARG(text));
		put(in, word, llround(v * 10000));
		return true;
	case CASE_KIND_MONEY:
		if (!money_parse(s, currency, 0, &m) || m.minor < 0)
			return err_set(err, ERR_INPUT, "%s: \"%.*s\" is not an amount", w->name, STR_ARG(text));
		put(in, word, m.minor);
		return true;
	}
	return false;
}

/* ---- text ---- */

static void whole(struct buf *out, int64_t v, bool french)
{
	char digits[32];
	snprintf(digits, sizeof digits, "%lld", (long long)(v < 0 ? -v : v));
	size_t n = strlen(digits);
	if (v < 0)
		buf_cstr(out, "−");
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			buf_cstr(out, french ? NARROW : ",");
		buf_char(out, digits[i]);
	}
}

void case_money(struct buf *out, struct money m, struct currency currency, bool french)
{
	int64_t unit = 1, size = m.minor < 0 ? -m.minor : m.minor;
	for (int i = 0; i < currency.exponent; i++)
		unit *= 10;
	const char *sign = currency_sign(&currency);
	if (m.minor < 0)
		buf_cstr(out, "−");
	if (!french)
		buf_printf(out, "%s%s", sign, sign == currency.code ? " " : "");
	whole(out, size / unit, french);
	if (size % unit)
		buf_printf(out, "%c%0*lld", french ? ',' : '.', currency.exponent, (long long)(size % unit));
	if (french)
		buf_printf(out, NARROW "%s", sign);
}

/* Millionths as per cent without needless zeros: 15000 → 1.5 % */
static void percent(struct buf *out, int64_t millionths, bool french)
{
	char text[32];
	snprintf(text, sizeof text, "%lld%c%04lld", (long long)(millionths / 10000), french ? ',' : '.',
	         (long long)(millionths % 10000));
	size_t n = strlen(text);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == ',' || text[n - 1] == '.')
		n--;
	buf_add(out, text, n);
	buf_cstr(out, french ? NARROW "%" : "%");
}

static void equation(struct buf *out, const char *who, int64_t people, int64_t rate, int64_t minor, struct money result,
                     struct currency currency, bool french)
{
	whole(out, people, french);
	buf_printf(out, "%s%s × ", french ? NARROW : " ", who);
	percent(out, rate, french);
	buf_cstr(out, " × ");
	case_money(out, (struct money){ minor }, currency, french);
	buf_cstr(out, " = ");
	case_money(out, result, currency, french);
}

void case_explain(enum case_line l, const struct case_input *in, const struct case_result *r, struct currency currency,
                  bool french, struct buf *out)
{
	const struct case_side *b = &in->before, *a = &in->after;
	const char *then = french ? " → " : " → ";
	const char *prospects = "prospects", *fresh = french ? "nouveaux clients" : "new customers",
			   *customers = french ? "clients" : "customers";
	switch (l) {
	case CASE_FIRST_SALES:
		equation(out, prospects, in->prospects, b->transformation, b->basket, r->line[l].before, currency, french);
		buf_cstr(out, then);
		equation(out, prospects, in->prospects, a->transformation, a->basket, r->line[l].after, currency, french);
		return;
	case CASE_LOYAL:
		equation(out, fresh, r->new_before, b->conversion, b->loyal_value, r->line[l].before, currency, french);
		buf_cstr(out, then);
		equation(out, fresh, r->new_after, a->conversion, a->loyal_value, r->line[l].after, currency, french);
		return;
	case CASE_ACTIVE:
		equation(out, customers, in->customers, b->activity, b->active_value, r->line[l].before, currency, french);
		buf_cstr(out, then);
		equation(out, customers, in->customers, a->activity, a->active_value, r->line[l].after, currency, french);
		return;
	case CASE_EXTRA:
		equation(out, customers, in->customers, a->activity, a->extra_value, r->line[l].after, currency, french);
		if (b->extra_value > 0) {
			buf_cstr(out, french ? ", contre " : ", against ");
			case_money(out, r->line[l].before, currency, french);
		}
		return;
	case CASE_LINES: return;
	}
}
