/* The arguments of a function: a range of dates, named conditions (category = "Salon", total > 50 EUR), names. */
#include "fold/expr_parse.h"

#include "fold/geo.h"

/* ---- named conditions ---- */

/* "> 50 EUR", "in 2..5", "= 3": the interval lo … hi, narrowed. */
static bool interval(struct parser *p, enum type type, int64_t *lo, int64_t *hi)
{
	size_t at = p->tok.at;
	enum token_kind k = p->tok.kind;
	bool in = at_name(p, "in");
	if (!in && (k < TOK_EQ || k > TOK_GE || k == TOK_NE))
		return perr(p, at, "one of = < <= > >= or \"in\" belongs here");
	lex_next(p);
	struct node a, b;
	size_t value_at = p->tok.at;
	if (!parse_literal(p, &a))
		return false;
	b = a;
	if (in) {
		if (!expect(p, TOK_DOTS, "\"..\" and the end of the range") || !parse_literal(p, &b))
			return false;
		if (a.type == T_NUMBER && b.type == T_MONEY && type == T_MONEY && !literal_money(p, &a))
			return false;
	}
	if (a.type != type || b.type != type)
		return perr(p, value_at, "%s belongs here, e.g. %s", type_title(type),
		            type == T_MONEY ? "50 EUR" : type_example(type));
	int64_t low = in || k == TOK_EQ || k == TOK_GE ? a.op.v : k == TOK_GT ? a.op.v + 1 : INT64_MIN + 1;
	int64_t high = in || k == TOK_EQ || k == TOK_LE ? b.op.v : k == TOK_LT ? b.op.v - 1 : INT64_MAX;
	*lo = low > *lo ? low : *lo;
	*hi = high < *hi ? high : *hi;
	return true;
}

/* "= x", "!= x", "in (x, y)", "not in (x, y)"; each value read by `one`. */
static bool listed(struct parser *p, bool *negate, bool (*one)(struct parser *p, void *ctx), void *ctx)
{
	if (p->tok.kind == TOK_EQ || p->tok.kind == TOK_NE) {
		*negate = p->tok.kind == TOK_NE;
		lex_next(p);
		return one(p, ctx);
	}
	*negate = at_name(p, "not");
	if (*negate)
		lex_next(p);
	if (!at_name(p, "in"))
		return perr(p, p->tok.at, "one of =, != or \"in (…)\" belongs here");
	lex_next(p);
	if (!expect(p, TOK_LPAREN, "\"(\""))
		return false;
	for (;;) {
		if (!one(p, ctx))
			return false;
		if (p->tok.kind != TOK_COMMA)
			return expect(p, TOK_RPAREN, "\")\"");
		lex_next(p);
	}
}

struct enum_bits {
	enum enum_kind kind;
	uint32_t bits;
};

static bool enum_one(struct parser *p, void *ctx)
{
	struct enum_bits *e = ctx;
	int64_t v;
	if (!parse_enum_word(p, e->kind, &v))
		return false;
	e->bits |= 1u << v;
	return true;
}

static bool enum_filter(struct parser *p, enum enum_kind kind, uint32_t *bits)
{
	struct enum_bits e = { .kind = kind };
	bool negate;
	const char *const *names;
	uint32_t all = (1u << enum_names(kind, &names)) - 1;
	if (!listed(p, &negate, enum_one, &e))
		return false;
	*bits = (*bits ? *bits : all) & (negate ? all & ~e.bits : e.bits);
	return true;
}

struct text_gather {
	struct product_test *t;
	uint32_t cap;
};

static bool text_one(struct parser *p, void *ctx)
{
	struct text_gather *g = ctx;
	if (g->t->text_count == LIST_MAX)
		return perr(p, p->tok.at, "a list holds at most %d values", LIST_MAX);
	g->t->texts = list_grow(p->b->arena, g->t->texts, g->t->text_count, &g->cap, sizeof *g->t->texts);
	return parse_string(p, "\"Salon\"", &g->t->texts[g->t->text_count++]);
}

static bool product_filter(struct parser *p, enum product_field field, struct leaf *l, uint32_t *cap)
{
	l->products = list_grow(p->b->arena, l->products, l->product_count, cap, sizeof *l->products);
	struct product_test *t = &l->products[l->product_count++];
	*t = (struct product_test){ .field = (uint8_t)field, .lo = INT64_MIN + 1, .hi = INT64_MAX };
	if (field == P_PRICE || field == P_TIER)
		return interval(p, field == P_PRICE ? T_MONEY : T_NUMBER, &t->lo, &t->hi);
	struct text_gather g = { t, 0 };
	if (!listed(p, &t->negate, text_one, &g))
		return false;
	t->slots = arena_array(p->b->arena, uint16_t, t->text_count + 1);
	for (uint32_t i = 0; i < t->text_count; i++)
		t->slots[i] = field == P_SKU || field == P_NAME || memchr(t->texts[i].p, '*', t->texts[i].n)
		                  ? NO_SLOT
		                  : slot_of(p, t->texts[i]);
	return !p->b->failed;
}

static bool plan_known(struct parser *p, size_t at, struct str name, struct leaf *l)
{
	const struct expr_context *c = p->b->context;
	l->plan = hash_str(name);
	uint16_t *index = arena_array(p->b->arena, uint16_t, c->plan_count + 1);
	for (size_t i = 0; i < c->plan_count; i++)
		if (str_is(name, c->plan_names[i]))
			index[l->plan_index_count++] = (uint16_t)i;
	l->plan_index = index;
	if (l->plan_index_count || c->plan_count == 0)
		return true;
	const char *near = near_word(name, c->plan_names, c->plan_count);
	if (near)
		return perr(p, at, "no plan \"%.*s\"; did you mean \"%s\"?", STR_ARG(name), near);
	return perr(p, at, "no plan \"%.*s\"", STR_ARG(name));
}

static bool step_known(struct parser *p, size_t at, struct str name, struct leaf *l)
{
	const struct expr_context *c = p->b->context;
	l->step = hash_str(name);
	for (size_t i = 0; i < c->step_count && l->step_index < 0; i++)
		if (str_is(name, c->step_names[i]))
			l->step_index = (int32_t)i;
	if (l->step_index >= 0 || c->step_count == 0 || l->plan)
		return true;
	const char *near = near_word(name, c->step_names, c->step_count);
	if (near)
		return perr(p, at, "this plan has no step \"%.*s\"; did you mean \"%s\"?", STR_ARG(name), near);
	return perr(p, at, "this plan has no step \"%.*s\"", STR_ARG(name));
}

static bool plan_or_step(struct parser *p, bool plan, bool equals, struct leaf *l)
{
	if (equals) {
		if (p->tok.kind != TOK_EQ)
			return perr(p, p->tok.at, "\"=\" belongs here: %s", plan ? "plan = \"welcome\"" : "step = winback-1");
		lex_next(p);
	}
	size_t at = p->tok.at;
	struct str name;
	if (!lex_plain_name(p, &name))
		return perr(p, at, "the name of a %s belongs here", plan ? "plan" : "step");
	return plan ? plan_known(p, at, name, l) : step_known(p, at, name, l);
}

static bool channel_filter(struct parser *p, struct leaf *l)
{
	if (p->tok.kind != TOK_EQ)
		return perr(p, p->tok.at, "\"=\" belongs here: channel = email");
	lex_next(p);
	int64_t v;
	if (!parse_enum_word(p, E_CHANNEL, &v))
		return false;
	l->channel = (uint8_t)v;
	return true;
}

enum filter_word {
	W_CATEGORY,
	W_FAMILY,
	W_TYPE,
	W_SKU,
	W_NAME,
	W_PRICE,
	W_TIER,
	W_CHANNEL,
	W_TOTAL,
	W_ITEMS,
	W_STATE,
	W_VALUE,
	W_PLAN,
	W_STEP,
	FILTER_WORDS,
};
static const struct {
	const char *name;
	uint32_t args;
} FILTERS[FILTER_WORDS] = {
	{ "category", A_PRODUCT },     { "family", A_PRODUCT },
	{ "type", A_PRODUCT },         { "sku", A_PRODUCT },
	{ "name", A_PRODUCT },         { "price", A_PRODUCT },
	{ "tier", A_PRODUCT },         { "channel", A_ORDER | A_MESSAGE },
	{ "total", A_ORDER | A_CART }, { "items", A_ORDER | A_CART },
	{ "state", A_CART },           { "value", A_VALUE },
	{ "plan", A_MESSAGE },         { "step", A_MESSAGE },
};

static bool filter(struct parser *p, enum filter_word word, uint32_t args, struct leaf *l, uint32_t *cap)
{
	switch (word) {
	case W_CATEGORY: return product_filter(p, P_CATEGORY, l, cap);
	case W_FAMILY: return product_filter(p, P_FAMILY, l, cap);
	case W_TYPE: return product_filter(p, P_TYPE, l, cap);
	case W_SKU: return product_filter(p, P_SKU, l, cap);
	case W_NAME: return product_filter(p, P_NAME, l, cap);
	case W_PRICE: return product_filter(p, P_PRICE, l, cap);
	case W_TIER: return product_filter(p, P_TIER, l, cap);
	case W_CHANNEL: return args & A_MESSAGE ? channel_filter(p, l) : enum_filter(p, E_SALE, &l->sale_channels);
	case W_TOTAL: l->has_total = true; return interval(p, T_MONEY, &l->total_lo, &l->total_hi);
	case W_ITEMS: l->has_items = true; return interval(p, T_NUMBER, &l->items_lo, &l->items_hi);
	case W_STATE: {
		uint32_t bits = 0;
		if (!enum_filter(p, E_CART, &bits))
			return false;
		l->cart_states = (uint8_t)bits;
		return true;
	}
	case W_VALUE: l->has_value = true; return interval(p, T_NUMBER, &l->value_lo, &l->value_hi);
	case W_PLAN: return plan_or_step(p, true, true, l);
	case W_STEP: return plan_or_step(p, false, true, l);
	case FILTER_WORDS: break;
	}
	return false;
}

static bool named_argument(struct parser *p, enum fn fn, struct leaf *l, uint32_t *cap)
{
	uint32_t args = FN[fn].args;
	size_t at = p->tok.at, count, n = 0;
	struct str word = p->tok.text;
	const char *legal[FILTER_WORDS + 4];
	for (int i = 0; i < FILTER_WORDS; i++) {
		if (!(FILTERS[i].args & args))
			continue;
		legal[n++] = FILTERS[i].name;
		if (str_is(word, FILTERS[i].name)) {
			lex_next(p);
			return filter(p, (enum filter_word)i, args, l, cap);
		}
	}
	if (args & A_RANGE) {
		static const char *const STARTS[] = { "last", "since", "before", "this" };
		for (size_t i = 0; i < ARRAY_LEN(STARTS); i++)
			legal[n++] = STARTS[i];
	}
	const struct expr_word *w = &expr_words(&count)[fn];
	const char *near = near_word(word, legal, n);
	if (near)
		return perr(p, at, "%s has no argument \"%.*s\"; did you mean \"%s\"?", w->name, STR_ARG(word), near);
	return perr(p, at, "%s has no argument \"%.*s\"; write %s", w->name, STR_ARG(word), w->signature);
}

/* ---- arguments of a leaf ---- */

static bool channel_arguments(struct parser *p, uint32_t args, struct leaf *l)
{
	int64_t v;
	if (!parse_enum_word(p, E_CHANNEL, &v))
		return false;
	l->channel = (uint8_t)v;
	if ((args & A_PURPOSE) && p->tok.kind == TOK_COMMA) {
		lex_next(p);
		if (!parse_enum_word(p, E_PURPOSE, &v))
			return false;
		l->purpose = (uint8_t)v;
	}
	return true;
}

static bool distances(struct parser *p, size_t at, struct str postcode, struct leaf *l)
{
	int from = department_of_postcode(postcode);
	if (from < 0)
		return perr(p, at, "a French postcode of five digits belongs here: distance(\"59000\")");
	int16_t *km = arena_array(p->b->arena, int16_t, DEPARTMENT_COUNT);
	for (int i = 0; i < DEPARTMENT_COUNT; i++)
		km[i] = (int16_t)department_km(from, i);
	l->distances = km;
	return true;
}

/* The first argument of those that have one without a name. */
static bool first_argument(struct parser *p, enum fn fn, struct leaf *l)
{
	uint32_t args = FN[fn].args;
	size_t at = p->tok.at;
	if (args & A_TEXT) {
		struct str text;
		if (!parse_string(p, fn == F_DISTANCE ? "\"59000\"" : "\"newsletter\"", &text))
			return false;
		if (fn == F_DISTANCE)
			return distances(p, at, text, l);
		l->slot = slot_of(p, text);
		if (fn == F_TAG) {
			l->tag = hash_str(text);
			l->tag_slot = slot_of(p, arena_printf(p->b->arena, TAG_EVENT "%.*s", STR_ARG(text)));
		}
		return !p->b->failed;
	}
	if (args & A_PLAN)
		return plan_or_step(p, true, false, l);
	if (args & A_CHANNEL)
		return channel_arguments(p, args, l);
	struct node n; /* A_MONTHS */
	if (!parse_literal(p, &n))
		return false;
	if (n.type != T_DURATION || n.op.v <= 0 || (!n.months && n.op.v % DAY_S != 0))
		return perr(p, at, "a number of days, weeks, months or years belongs here: inactive(6 months)");
	if (n.op.v > (n.months ? 1200 : 36500 * (int64_t)DAY_S))
		return perr(p, at, "that is longer ago than a century");
	l->months = n.months ? (int32_t)n.op.v : 0;
	l->days = n.months ? 0 : (int32_t)(n.op.v / DAY_S);
	return true;
}

/* A step's name, when it is not the start of a named condition or a range. */
static bool at_step(const struct parser *p, enum fn fn)
{
	if (!(FN[fn].args & A_MESSAGE) || (p->tok.kind != TOK_NAME && p->tok.kind != TOK_STRING) || at_window(p))
		return false;
	size_t i = p->next;
	while (i < p->text.n && (p->text.p[i] == ' ' || p->text.p[i] == '\t'))
		i++;
	return p->tok.kind == TOK_STRING || i >= p->text.n || p->text.p[i] != '=';
}

static bool one_argument(struct parser *p, enum fn fn, struct leaf *l, uint32_t *cap)
{
	size_t count;
	const struct expr_word *w = &expr_words(&count)[fn];
	if (at_window(p) && (FN[fn].args & A_RANGE)) {
		if (l->window.kind != W_ALL)
			return perr(p, p->tok.at, "%s takes one range of dates", w->name);
		return parse_window(p, &l->window);
	}
	if ((FN[fn].args & A_MESSAGE) && at_name(p, "any")) {
		lex_next(p);
		return !p->b->failed;
	}
	if (at_step(p, fn))
		return plan_or_step(p, false, false, l);
	if (p->tok.kind == TOK_NAME)
		return named_argument(p, fn, l, cap);
	return perr(p, p->tok.at, "that is no argument of %s; write %s", w->name, w->signature);
}

static bool arguments(struct parser *p, enum fn fn, struct leaf *l)
{
	enum { REQUIRED = A_TEXT | A_PLAN | A_CHANNEL | A_MONTHS };
	uint32_t args = FN[fn].args, cap = 0;
	size_t count;
	const struct expr_word *w = &expr_words(&count)[fn];
	bool required = (args & REQUIRED) && !(args & A_OPTIONAL);
	if ((args & A_MESSAGE) && at_name(p, "any")) { /* opened any */
		lex_next(p);
		return !p->b->failed;
	}
	if (p->tok.kind != TOK_LPAREN)
		return !required || perr(p, p->tok.at, "%s needs an argument: %s", w->name, w->signature);
	if (args == 0)
		return perr(p, p->tok.at, "%s takes no arguments", w->name);
	lex_next(p);
	bool first = true;
	if (p->tok.kind == TOK_RPAREN && required)
		return perr(p, p->tok.at, "%s needs an argument: %s", w->name, w->signature);
	while (p->tok.kind != TOK_RPAREN) {
		if (!first && !expect(p, TOK_COMMA, "a comma or \")\""))
			return false;
		if (!(first && (args & REQUIRED) ? first_argument(p, fn, l) : one_argument(p, fn, l, &cap)))
			return false;
		first = false;
	}
	lex_next(p);
	return !p->b->failed;
}

/* child_age any in 3..6, child_age < 3 */
static bool child_interval(struct parser *p, struct leaf *l)
{
	if (at_name(p, "any"))
		lex_next(p);
	l->value_lo = 0;
	if (p->tok.kind == TOK_END || p->tok.kind == TOK_RPAREN)
		return perr(p, p->tok.at, "an age belongs here: child_age any in 3..6");
	return interval(p, T_NUMBER, &l->value_lo, &l->value_hi);
}

static struct node *leaf_node(struct parser *p, enum fn fn, size_t at)
{
	struct build *b = p->b;
	struct leaf *l = arena_new(b->arena, struct leaf);
	*l = (struct leaf){
		.fn = (uint8_t)fn,
		.channel = CHANNEL_COUNT,
		.purpose = PURPOSE_MARKETING,
		.step_index = -1,
		.total_lo = INT64_MIN + 1,
		.total_hi = INT64_MAX,
		.items_lo = INT64_MIN + 1,
		.items_hi = INT64_MAX,
		.value_lo = INT64_MIN + 1,
		.value_hi = INT64_MAX,
	};
	if (!(FN[fn].args & A_CHILD ? child_interval(p, l) : arguments(p, fn, l)) || b->failed)
		return NULL;
	bool outcome = fn == F_OPENED || fn == F_CLICKED || fn == F_BOUNCED || fn == F_ANSWERED;
	l->whole_run = !l->plan && (outcome || l->step);
	if (b->leaf_count == EXPR_OPS_MAX) {
		perr(p, at, "this condition is too long (limit: %d operations)", EXPR_OPS_MAX);
		return NULL;
	}
	b->leaves = list_grow(b->arena, b->leaves, b->leaf_count, &b->leaf_cap, sizeof *b->leaves);
	l->index = (uint16_t)b->leaf_count;
	b->leaves[b->leaf_count++] = l;
	b->needs |= FN[fn].needs | (l->has_items ? N_PRODUCTS : 0u);
	if (fn == F_MAY && l->channel == CHANNEL_PHONE)
		b->needs |= N_TIME | N_TODAY; /* that consent ends by itself, on a day of the person's zone */
	if (l->window.kind != W_ALL && l->window.kind != W_FIXED)
		b->needs |= N_TIME;
	struct node *n = node_new(p, NODE_LEAF, (enum type)FN[fn].type, at);
	n->fn = (uint8_t)fn;
	n->enum_kind = FN[fn].enum_kind;
	n->cost = FN[fn].cost + 4 * (l->window.kind != W_ALL);
	n->op.code = OP_LEAF;
	n->op.leaf = l;
	return n;
}

/* ---- functions of an expression ---- */

static struct node *date_function(struct parser *p, enum fn fn, struct node *a, size_t at)
{
	static const uint8_t CODES[] = {
		[F_DAYS_SINCE] = OP_DAYS_SINCE, [F_MONTH] = OP_MONTH, [F_YEAR] = OP_YEAR, [F_WEEKDAY] = OP_WEEKDAY
	};
	size_t count;
	if (a->type != T_DATE) {
		perr(p, a->at, "%s takes a date, e.g. last_order; this is %s", expr_words(&count)[fn].name,
		     type_title((enum type)a->type));
		return NULL;
	}
	struct node *n = node_new(p, NODE_OP1, (enum type)FN[fn].type, at);
	n->op.code = CODES[fn];
	n->a = a;
	n->fn = (uint8_t)fn;
	n->enum_kind = FN[fn].enum_kind;
	n->cost = a->cost + 1;
	p->b->needs |= FN[fn].needs;
	return n;
}

static struct node *known_function(struct parser *p, struct node *a, size_t at)
{
	struct node *n = node_new(p, NODE_OP1, T_BOOL, at);
	n->op.code = a->type == T_BOOL ? OP_KNOWN_BOOL : OP_KNOWN;
	n->a = a;
	n->fn = F_KNOWN;
	n->cost = a->cost;
	return n;
}

static struct node *segment_function(struct parser *p)
{
	const struct expr_context *c = p->b->context;
	size_t at = p->tok.at;
	struct str name;
	if (!parse_string(p, "segment(\"name\")", &name))
		return NULL;
	const char *text = c->segment ? c->segment(c->segment_user, name) : NULL;
	if (!text) {
		perr(p, at, "no saved segment \"%.*s\"; relance segment DB 'CONDITION' --save NAME makes one", STR_ARG(name));
		return NULL;
	}
	return parse_segment_text(p, name, str_from(text), at);
}

struct node *parse_function(struct parser *p, enum fn fn, size_t at)
{
	if (!(FN[fn].args & (A_DATE | A_ANYTHING | A_SEGMENT)))
		return leaf_node(p, fn, at);
	size_t count;
	const struct expr_word *w = &expr_words(&count)[fn];
	if (p->tok.kind != TOK_LPAREN) {
		perr(p, p->tok.at, "%s needs an argument: %s", w->name, w->signature);
		return NULL;
	}
	if (++p->depth > EXPR_DEPTH_MAX) {
		perr(p, at, "nested too deeply (limit: %d levels)", EXPR_DEPTH_MAX);
		return NULL;
	}
	lex_next(p);
	struct node *a = FN[fn].args & A_SEGMENT    ? segment_function(p)
	                 : FN[fn].args & A_ANYTHING ? parse_expression(p)
	                                            : parse_additive(p);
	p->depth--;
	if (!a || !expect(p, TOK_RPAREN, "\")\""))
		return NULL;
	if (fn == F_SEGMENT)
		return a;
	return fn == F_KNOWN ? known_function(p, a, at) : date_function(p, fn, a, at);
}
