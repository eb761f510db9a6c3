/* Values of a plan file: each says what was expected, with an example, when it is of the wrong kind. */
#include "engine/plan_file_int.h"

#include <stdio.h>

static const char *kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_LIST: return "a list";
	case NODE_MAP: return "a map of keys";
	case NODE_BAD:
	case NODE_SCALAR: break;
	}
	return "a value";
}

bool read_scalar(struct reader *r, const struct node *n, const char *what, const char *example, struct str *out)
{
	if (n->kind == NODE_BAD)
		return false;
	if (n->kind != NODE_SCALAR) {
		issue_node(r, n, "\"%s\" is %s here; one value is expected, for example: %s: %s", what, kind_name(n), what,
		           example);
		return false;
	}
	*out = str_trim(n->text);
	if (out->n == 0) {
		issue_node(r, n, "\"%s\" is empty; for example: %s: %s", what, what, example);
		return false;
	}
	return true;
}

static bool name_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!letter && (i == 0 || (c != '-' && c != '_')))
			return false;
	}
	return s.n > 0 && s.n <= PLAN_NAME_MAX;
}

bool read_name(struct reader *r, const struct node *n, const char *what, const char *example, struct str *out)
{
	struct str s;
	if (!read_scalar(r, n, what, example, &s))
		return false;
	if (!name_valid(s)) {
		issue_node(r, n, "\"%s\": \"%.*s\" is not a name: small letters, digits, - and _, at most %d; for example: %s",
		           what, (int)(s.n < 80 ? s.n : 80), s.p, PLAN_NAME_MAX, example);
		return false;
	}
	*out = s;
	return true;
}

#define SHOWN(s) (int)((s).n < 80 ? (s).n : 80), (s).p

static bool wrong(struct reader *r, const struct node *n, const char *what, const char *expected, const char *example)
{
	issue_node(r, n, "\"%s\": \"%.*s\" is not %s; for example: %s: %s", what, SHOWN(n->text), expected, what, example);
	return false;
}

bool read_int(struct reader *r, const struct node *n, const char *what, const char *example, int64_t low, int64_t high,
              int64_t *out)
{
	struct str s;
	int64_t v;
	if (!read_scalar(r, n, what, example, &s))
		return false;
	if (!str_i64(s, &v) || v < low || v > high) {
		char expected[80];
		snprintf(expected, sizeof expected,
		         r->issues->french ? "un nombre entier de %lld à %lld" : "a whole number from %lld to %lld",
		         (long long)low, (long long)high);
		return wrong(r, n, what, expected, example);
	}
	*out = v;
	return true;
}

bool read_money(struct reader *r, const struct node *n, const char *what, const char *example, int64_t *out)
{
	struct str s;
	struct money m;
	if (!read_scalar(r, n, what, example, &s))
		return false;
	struct currency own = r->context->currency, other;
	struct str code = { s.p, s.n >= 3 ? 3 : 0 }, last = { s.p + (s.n >= 3 ? s.n - 3 : 0), s.n >= 3 ? 3 : 0 };
	bool foreign = (currency_find(code, &other) || currency_find(last, &other)) && strcmp(other.code, own.code) != 0;
	if (foreign) {
		issue_node(r, n, "\"%s\": the shop's currency is %s, not %s", what, own.code, other.code);
		return false;
	}
	if (!money_parse(s, own, 0, &m) || m.minor < 0)
		return wrong(r, n, what, "a sum of money", example);
	*out = m.minor;
	return true;
}

bool read_duration(struct reader *r, const struct node *n, const char *what, const char *example, int64_t *seconds)
{
	struct str s;
	if (!read_scalar(r, n, what, example, &s))
		return false;
	if (!duration_parse(s, seconds) || *seconds > 3660LL * DAY_S)
		return wrong(r, n, what, "a duration (hours, days or weeks, at most ten years)", example);
	return true;
}

bool read_days(struct reader *r, const struct node *n, const char *what, const char *example, int32_t *days)
{
	int64_t seconds;
	if (!read_duration(r, n, what, example, &seconds))
		return false;
	if (seconds % DAY_S != 0 || seconds == 0)
		return wrong(r, n, what, "a number of whole days", example);
	*days = (int32_t)(seconds / DAY_S);
	return true;
}

bool read_hour(struct reader *r, const struct node *n, const char *what, const char *example, int32_t *second)
{
	struct str s;
	int64_t h, m;
	if (!read_scalar(r, n, what, example, &s))
		return false;
	const char *colon = memchr(s.p, ':', s.n);
	size_t at = colon ? (size_t)(colon - s.p) : 0;
	if (!colon || at < 1 || at > 2 || s.n != at + 3 || !str_i64((struct str){ s.p, at }, &h) ||
	    !str_i64((struct str){ s.p + at + 1, 2 }, &m) || h < 0 || h > 23 || m < 0 || m > 59)
		return wrong(r, n, what, "an hour of the day", example);
	*second = (int32_t)(h * HOUR_S + m * MINUTE_S);
	return true;
}

bool read_per_million(struct reader *r, const struct node *n, const char *what, const char *example, uint32_t *out)
{
	struct str s;
	double v;
	if (!read_scalar(r, n, what, example, &s))
		return false;
	bool percent = str_ends(s, STR("%"));
	struct str number = percent ? str_trim((struct str){ s.p, s.n - 1 }) : s;
	if (!percent || !str_f64(number, &v) || v < 0 || v > 100)
		return wrong(r, n, what, "a percentage from 0% to 100%", example);
	*out = (uint32_t)(v * 10000 + 0.5);
	return true;
}

bool read_word(struct reader *r, const struct node *n, const char *what, const char *const *words, size_t count,
               int *out)
{
	struct str s;
	if (!read_scalar(r, n, what, words[0], &s))
		return false;
	for (size_t i = 0; i < count; i++)
		if (str_is(s, words[i])) {
			*out = (int)i;
			return true;
		}
	char list[256];
	size_t used = 0;
	for (size_t i = 0; i < count && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
	const char *near = str_nearest(s, words, count, 2);
	issue_node(r, n, "\"%s\": no word \"%.*s\"; %s%s%swrite one of: %s", what, SHOWN(s), near ? "did you mean \"" : "",
	           near ? near : "", near ? "\"? " : "", list);
	return false;
}

/* A comma inside { … } ends the value: what is left has an open parenthesis. */
static bool cut_by_comma(const struct reader *r, const struct node *n)
{
	int depth = 0;
	for (size_t i = 0; i < n->text.n; i++)
		depth += (n->text.p[i] == '(') - (n->text.p[i] == ')');
	size_t at = n->end;
	while (at < r->text.n && r->text.p[at] == ' ')
		at++;
	return n->style == STYLE_PLAIN && depth > 0 && at < r->text.n && r->text.p[at] == ',';
}

const struct expr *read_expr(struct reader *r, const struct node *n, size_t skip, const char *what, struct str *text)
{
	struct str s;
	if (!read_scalar(r, n, what, "lifecycle in (loyal, ambassador)", &s))
		return NULL;
	if (cut_by_comma(r, n)) {
		issue_node(r, n, "\"%s\": a comma ends the value inside { }: put the condition between quotes", what);
		return NULL;
	}
	s = str_trim((struct str){ n->text.p + skip, n->text.n - skip });
	struct expr_error error = { 0 };
	const struct expr *e = expr_compile(s, r->context, r->arena, &error);
	if (!e) {
		size_t lead = (size_t)(s.p - n->text.p);
		issue_at(r, node_offset(r, n, lead + error.offset), "\"%s\": %s", what, error.text);
		return NULL;
	}
	if (expr_needs(e).ranks) {
		issue_at(r, node_offset(r, n, skip),
		         "\"%s\": rfm ranks everybody against everybody and is for segments and figures; in a plan write "
		         "last_order, "
		         "orders() and spend()",
		         what);
		return NULL;
	}
	*text = s;
	return e;
}

void read_expr_later(struct reader *r, const struct node *n, size_t skip, const char *what, const struct expr **to,
                     struct str *text)
{
	check(r->deferred_count < DEFERRED_MAX); /* two a step, one an exit: all bounded */
	r->deferred[r->deferred_count++] = (struct deferred){ n, skip, what, to, text };
}

void read_deferred(struct reader *r)
{
	const char *names[STEPS_MAX];
	struct expr_context context = *r->context;
	for (int i = 0; i < r->plan->step_count; i++)
		names[i] = arena_cstr(r->arena, r->plan->steps[i].name);
	context.step_names = names;
	context.step_count = r->plan->step_count;
	r->context = &context;
	for (size_t i = 0; i < r->deferred_count; i++) {
		const struct deferred *d = &r->deferred[i];
		*d->to = read_expr(r, d->node, d->skip, d->what, d->text);
	}
	r->context = NULL; /* `context` ends here, and nothing is compiled after it */
}

/* ---- phrases ---- */

static size_t word_end(struct str s, size_t i)
{
	char c = s.p[i];
	if (c == '+' || c == '-')
		return i + 1;
	size_t e = i;
	bool number = c >= '0' && c <= '9';
	while (e < s.n && s.p[e] != ' ' && s.p[e] != '+' && s.p[e] != '\n' && s.p[e] != '\t')
		e++;
	if (number && e - i < 10) { /* "3h", "30days": number and unit apart; a date stays whole */
		size_t d = i;
		while (d < e && s.p[d] >= '0' && s.p[d] <= '9')
			d++;
		if (d < e && s.p[d] != '-')
			return d;
	}
	return e;
}

void words_split(const struct node *n, struct words *w)
{
	*w = (struct words){ .node = n };
	struct str s = n->text;
	for (size_t i = 0; i < s.n;) {
		if (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t') {
			i++;
			continue;
		}
		if (w->count == WORDS_MAX) {
			w->too_many = true;
			return;
		}
		size_t e = word_end(s, i);
		w->at[w->count] = i;
		w->word[w->count++] = (struct str){ s.p + i, e - i };
		i = e;
	}
}

struct str words_peek(const struct words *w)
{
	return w->next < w->count ? w->word[w->next] : STR("");
}

bool words_take(struct words *w, const char *word)
{
	if (!str_is(words_peek(w), word))
		return false;
	w->next++;
	return true;
}

size_t words_offset(const struct reader *r, const struct words *w)
{
	return node_offset(r, w->node, w->next < w->count ? w->at[w->next] : w->node->text.n);
}

bool words_delay(struct reader *r, struct words *w, char *unit, int64_t *amount, bool *bad)
{
	*bad = false;
	bool minus = str_is(words_peek(w), "-");
	if (!minus && !str_is(words_peek(w), "+"))
		return false;
	w->next++;
	size_t at = words_offset(r, w);
	struct str number = words_peek(w);
	w->next += w->next < w->count;
	struct str word = words_peek(w);
	w->next += w->next < w->count;
	char joined[64];
	int64_t seconds;
	snprintf(joined, sizeof joined, "%.*s %.*s", SHOWN(number), SHOWN(word));
	/* "+8" alone is days in J+8; the caller passes such phrases with the unit added */
	bool short_unit = word.n == 1;
	if (short_unit)
		snprintf(joined, sizeof joined, "%.*s%.*s", SHOWN(number), SHOWN(word));
	if (number.n > 6 || word.n > 16 || !duration_parse(str_from(joined), &seconds) || seconds > 3660LL * DAY_S) {
		issue_at(r, at, "\"%.*s\" is not a delay; for example: + 3 hours, + 30 days", SHOWN(str_from(joined)));
		*bad = true;
		return false;
	}
	char first = word.p[0];
	*unit = first == 'd' || first == 'w' ? 'd' : 'h';
	*amount = *unit == 'd' ? seconds / DAY_S : seconds;
	if (minus)
		*amount = -*amount;
	return true;
}
