/* What keeps a product from being proposed besides its own column: the customers' refusals and the shop's rules.
 *
 * A refusal is an event "refused" with the SKU as its text. Rules are the setting recommend.exclude, one after the
 * other with semicolons between:
 *
 *     [cross|up|again|bundle] sku|name|type|family|category|brand TEXT [if CONDITION | unless CONDITION]
 *
 * TEXT in quotes when it holds spaces; '*' stands for any characters. `if` keeps the products from those for whom the
 * condition is true, `unless` from those for whom it is not: of a visitor nobody knows nothing is true. */
#include "app/reco_int.h"

#include "app/plans.h"
#include "fold/expr.h"

#include <stdlib.h>

static const char *const KINDS[REC_KINDS] = { "cross", "up", "again", "bundle" };
static const char *const FIELDS[] = { "sku", "name", "type", "family", "category", "brand" };

/* ---- the text of the rules ---- */

static struct str skip(struct str s)
{
	while (s.n && (unsigned char)s.p[0] <= ' ')
		s = (struct str){ s.p + 1, s.n - 1 };
	return s;
}

/* A word or a text in quotes; `rest` stands behind it. */
static struct str take(struct str *rest)
{
	struct str s = skip(*rest);
	size_t n = 0;
	if (s.n && s.p[0] == '"') {
		const char *end = memchr(s.p + 1, '"', s.n - 1);
		n = end ? (size_t)(end - s.p) - 1 : s.n - 1;
		*rest = end ? (struct str){ end + 1, s.n - n - 2 } : STR("");
		return (struct str){ s.p + 1, n };
	}
	while (n < s.n && (unsigned char)s.p[n] > ' ' && s.p[n] != '=')
		n++;
	*rest = (struct str){ s.p + n, s.n - n };
	return (struct str){ s.p, n };
}

static int index_of(struct str word, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (str_is(word, names[i]))
			return i;
	return -1;
}

/* Up to the semicolon that stands in no quotes. */
struct str reco_next_rule(struct str *text)
{
	bool quoted = false;
	size_t n = 0;
	for (; n < text->n && (quoted || (text->p[n] != ';' && text->p[n] != '\n')); n++)
		quoted ^= text->p[n] == '"';
	struct str rule = str_trim((struct str){ text->p, n });
	size_t past = n < text->n ? n + 1 : n;
	*text = (struct str){ text->p + past, text->n - past };
	return rule;
}

const struct expr *reco_condition(const char *setting, struct str condition, const struct settings *settings,
                                  struct arena *a, struct err *err)
{
	struct expr_context context;
	struct expr_error wrong;
	plans_context(settings, &context);
	const struct expr *e = expr_compile(condition, &context, a, &wrong);
	if (!e)
		err_set(err, ERR_INPUT, "%s: condition \"%.*s\": column %zu: %s", setting, STR_ARG(condition), wrong.column,
		        wrong.text);
	return e;
}

static bool read_rule(struct str text, const struct settings *settings, struct arena *a, struct reco_rule *out,
                      struct err *err)
{
	struct str rest = text, word = take(&rest);
	*out = (struct reco_rule){ .kind = index_of(word, KINDS, REC_KINDS) };
	if (out->kind >= 0)
		word = take(&rest);
	out->field = index_of(word, FIELDS, ARRAY_LEN(FIELDS));
	if (out->field < 0)
		return err_set(err, ERR_INPUT,
		               "recommend.exclude: \"%.*s\": a rule begins with sku, name, type, family, category or brand "
		               "(before it cross, up, again or bundle), for example: type \"Vin\" unless age >= 18",
		               STR_ARG(text));
	rest = skip(rest);
	if (rest.n && rest.p[0] == '=')
		rest = (struct str){ rest.p + 1, rest.n - 1 };
	out->pattern = arena_str(a, take(&rest));
	if (!out->pattern.n)
		return err_set(err, ERR_INPUT,
		               "recommend.exclude: \"%.*s\": after %s comes which one, for example: %s \"Vin*\"", STR_ARG(text),
		               FIELDS[out->field], FIELDS[out->field]);
	word = take(&rest);
	out->unless = str_is(word, "unless");
	if (!word.n)
		return true;
	if (!out->unless && !str_is(word, "if"))
		return err_set(err, ERR_INPUT,
		               "recommend.exclude: \"%.*s\": after the product comes if or unless, not \"%.*s\"", STR_ARG(text),
		               STR_ARG(word));
	out->condition = reco_condition("recommend.exclude", arena_str(a, str_trim(rest)), settings, a, err);
	return out->condition != NULL;
}

bool reco_rules_read(struct str text, const struct settings *settings, struct arena *a, struct reco_rules *out,
                     struct err *err)
{
	*out = (struct reco_rules){ .count = 0 };
	while (text.n) {
		struct str rule = reco_next_rule(&text);
		if (!rule.n)
			continue;
		if (out->count == REC_RULES_MAX)
			return err_set(err, ERR_LIMIT, "recommend.exclude: more than %d rules", REC_RULES_MAX);
		if (!read_rule(rule, settings, a, &out->rules[out->count], err))
			return false;
		out->count++;
	}
	return true;
}

bool reco_setting_check(struct str name, struct str text, const struct settings *settings, struct err *err)
{
	struct arena a;
	struct reco_rules rules;
	struct reco_segments segments;
	arena_init(&a);
	bool ok = str_is(name, "recommend.segments")
	              ? reco_segments_read(text, settings, &a, &segments, err)
	              : !str_is(name, "recommend.exclude") || reco_rules_read(text, settings, &a, &rules, err);
	arena_release(&a);
	return ok;
}

/* ---- what they hold for ---- */

uint32_t reco_rules_of(const struct reco_rules *rules, const struct product_row *p)
{
	const struct str texts[] = { p->sku, p->name, p->type, p->family, p->category, p->brand };
	uint32_t bits = 0;
	for (size_t i = 0; i < rules->count; i++)
		bits |= (uint32_t)text_matches(rules->rules[i].pattern, texts[rules->rules[i].field]) << i;
	return bits;
}

static bool about_people(const struct reco_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].condition)
			return true;
	return false;
}

static void set_masks(struct reco *r)
{
	struct rec_data *d = &r->data;
	for (size_t i = 0; i < r->rules.count && i < REC_RULES_MAX; i++) {
		const struct reco_rule *x = &r->rules.rules[i];
		d->visitor_rules |= (uint32_t)(!x->condition || x->unless) << i;
		for (int kind = 0; kind < REC_KINDS; kind++)
			d->kind_rules[kind] |= (uint32_t)(x->kind < 0 || x->kind == kind) << i;
	}
}

static void ask_everybody(struct reco *r, const struct book *book, const struct version *v, struct instant now,
                          int threads)
{
	uint64_t *bits = mem_alloc(((size_t)v->customers + 64) / 64 * sizeof *bits);
	r->customer_rules = mem_alloc((r->data.customers + 1u) * sizeof *r->customer_rules);
	for (uint32_t c = 0; c <= r->data.customers; c++)
		r->customer_rules[c] = r->data.visitor_rules;
	for (size_t i = 0; i < r->rules.count; i++) {
		const struct reco_rule *x = &r->rules.rules[i];
		if (!x->condition)
			continue;
		expr_select(x->condition, book, v, NULL, now, &r->thresholds, threads, bits);
		for (uint32_t c = 1; c <= r->people && c <= v->customers; c++) {
			bool holds = bits[c >> 6] >> (c & 63) & 1;
			r->customer_rules[c] &= ~(UINT32_C(1) << i);
			r->customer_rules[c] |= (uint32_t)(holds != x->unless) << i;
		}
	}
	free(bits);
	r->data.customer_rules = r->customer_rules;
}

/* ---- refusals ---- */

static int by_hash(const void *a, const void *b)
{
	const struct reco_hash *x = a, *y = b;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

static void put_refused(struct reco *r, const struct view *w)
{
	for (uint32_t e = w->event0; r->refused_word && e < w->event1; e++) {
		if (w->k->events[e].name != r->refused_word)
			continue;
		struct reco_hash key = { .hash = event_value(w->k, e) };
		const struct reco_hash *x = bsearch(&key, r->hashes, r->data.items, sizeof *r->hashes, by_hash);
		if (!x)
			continue;
		r->refused = mem_grow(r->refused, &r->refused_cap, r->refused_n + 1, sizeof *r->refused);
		r->refused[r->refused_n++] = x->item;
	}
	r->data.refused = r->refused;
}

static void read_refused(struct reco *r, const struct version *v, struct instant now)
{
	struct view w;
	r->refused = mem_grow(r->refused, &r->refused_cap, 1, sizeof *r->refused);
	r->refused_start = mem_alloc((r->data.customers + 2u) * sizeof *r->refused_start);
	r->hashes = mem_alloc((r->data.items + 1u) * sizeof *r->hashes);
	for (uint32_t i = 0; i < r->data.items; i++)
		r->hashes[i] = (struct reco_hash){ event_refused(r->words[i].sku), i };
	qsort(r->hashes, r->data.items, sizeof *r->hashes, by_hash);
	for (customer_id c = 1; c <= r->people; c++) {
		if (r->refused_word) {
			view_at(&w, v, c, now);
			put_refused(r, &w);
		}
		r->refused_start[c + 1] = (uint32_t)r->refused_n;
	}
	for (uint32_t c = r->people + 1; c <= r->data.customers; c++)
		r->refused_start[c + 1] = (uint32_t)r->refused_n;
	r->known_refused = r->refused_n;
	r->data.refused_start = r->refused_start;
	r->data.refused = r->refused;
}

/* ---- all of it ---- */

void reco_guards_read(struct reco *r, const struct book *book, const struct version *v, const struct settings *settings,
                      struct instant now, int threads)
{
	r->book = book;
	r->refused_word = book_word_find(book, STR("refused"));
	read_refused(r, v, now);
	set_masks(r);
	if (!about_people(&r->rules) && !r->segments.count)
		return;
	thresholds_compute(book, v, zone_date(settings->zone, now), &settings->lifecycle, threads, &r->thresholds);
	if (about_people(&r->rules))
		ask_everybody(r, book, v, now, threads);
	reco_segments_ask(r, book, v, now, threads);
}

void reco_guards_place(struct reco *r, const struct book *book, const struct version *v, const struct reco *before,
                       const struct settings *settings, struct instant now, int threads)
{
	r->book = book;
	r->refused_word = book_word_find(book, STR("refused"));
	read_refused(r, v, now);
	set_masks(r);
	reco_segments_place(r);
	if (about_people(&r->rules))
		r->data.customer_rules = r->customer_rules = mem_alloc((r->data.customers + 1u) * sizeof *r->customer_rules);
	if (before->customer_rules || before->segment)
		r->thresholds = before->thresholds;
	else if (r->customer_rules || r->segment)
		thresholds_compute(book, v, zone_date(settings->zone, now), &settings->lifecycle, threads, &r->thresholds);
}

void reco_guards_fresh(struct reco *r, uint32_t place, const struct view *v)
{
	r->refused_n = r->known_refused;
	if (!r->refused_word) /* nobody had said no when the models were made */
		r->refused_word = book_word_find(r->book, STR("refused"));
	put_refused(r, v);
	r->refused_start[place + 1] = (uint32_t)r->refused_n;
	if (!r->customer_rules && !r->segments.count)
		return;
	struct subject s = { .book = r->book, .view = *v, .thresholds = &r->thresholds, .zone = view_profile(v)->zone };
	s.today = zone_date(s.zone, v->now);
	reco_segments_fresh(r, place, &s);
	if (!r->customer_rules)
		return;
	r->customer_rules[place] = r->data.visitor_rules;
	for (size_t i = 0; i < r->rules.count; i++) {
		const struct reco_rule *x = &r->rules.rules[i];
		if (!x->condition)
			continue;
		bool holds = expr_test(x->condition, &s) == TRI_TRUE;
		r->customer_rules[place] &= ~(UINT32_C(1) << i);
		r->customer_rules[place] |= (uint32_t)(holds != x->unless) << i;
	}
}
