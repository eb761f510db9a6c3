/* Expressions, filters and conditions of a compiled template → values. Variables are looked for in the loops' own, then
 * in what the template assigned, then in its counters, then in the data. */
#include "outbox/liquid_int.h"

#include <stdlib.h>

/* ---- variables ---- */

static inline __attribute__((always_inline)) const struct lval *find_hinted(struct liquid *r, struct str name,
                                                                            uint32_t hash, uint32_t *hint)
{
	for (size_t i = r->local_count; i-- > r->local_base;) {
		const struct llocal *l = &r->locals[i];
		if (l->hash == hash && l->name.n == name.n && lkey_same(l->name.p, name.p, name.n))
			return &l->value;
	}
	const struct lval *v = r->assigned >> (hash & 63) & 1 ? lobject_find(r->assigns, name, hash) : NULL;
	if (!v && r->counters)
		v = lobject_find(r->counters, name, hash);
	return v || !r->data ? v : lobject_find_hinted(r->data, name, hash, hint);
}

const struct lval *lfind_variable(struct liquid *r, struct str name, uint32_t hash)
{
	uint32_t hint = 0;
	return find_hinted(r, name, hash, &hint);
}

const struct lval *lfind_path(struct liquid *r, const struct lexpr *e)
{
	const struct lval *v = find_hinted(r, e->lookup.name, e->lookup.hash, e->lookup.hint);
	for (const struct lsegment *s = e->lookup.segments, *end = s + e->lookup.segment_count; v && s < end; s++)
		if (s->is_index)
			v = v->type == LVAL_ARRAY && s->index < v->n ? &v->items[s->index] : NULL;
		else
			v = v->type == LVAL_OBJECT ? lobject_find_hinted(v->object, s->key, s->hash, s->hint) : NULL;
	if (v)
		r->seen[e->slot] = (struct lseen){ v, r->epoch };
	return v;
}

static bool loop_property(const struct lloop *l, struct str key, struct lval *out)
{
	if (str_is(key, "index"))
		*out = lval_int(l->index + 1);
	else if (str_is(key, "index0"))
		*out = lval_int(l->index);
	else if (str_is(key, "rindex"))
		*out = lval_int(l->length - l->index);
	else if (str_is(key, "rindex0"))
		*out = lval_int(l->length - l->index - 1);
	else if (str_is(key, "first"))
		*out = lval_bool(l->index == 0);
	else if (str_is(key, "last"))
		*out = lval_bool(l->index == l->length - 1);
	else if (str_is(key, "length"))
		*out = lval_int(l->length);
	else if (!l->table && str_is(key, "name"))
		*out = lval_str(l->name);
	else if (!l->table && str_is(key, "parentloop"))
		*out = l->parent ? (struct lval){ .type = LVAL_LOOP, .loop = l->parent } : lval_nil();
	else if (l->table && str_is(key, "row"))
		*out = lval_int(l->row);
	else if (l->table && str_is(key, "col"))
		*out = lval_int(l->col);
	else if (l->table && str_is(key, "col0"))
		*out = lval_int(l->col - 1);
	else if (l->table && str_is(key, "col_first"))
		*out = lval_bool(l->col == 1);
	else if (l->table && str_is(key, "col_last"))
		*out = lval_bool(l->col == l->cols);
	else
		return false;
	return true;
}

struct lval lval_pair(struct liquid *r, const struct lpair *p)
{
	struct lval *items = arena_array(&r->arena, struct lval, 2);
	items[0] = lval_str((struct str){ p->key, p->n });
	items[1] = p->value;
	return lval_array(items, 2);
}

/* size, first and last written after a point. */
static bool command(struct liquid *r, struct lval v, enum lcommand c, struct lval *out)
{
	bool sized = v.type != LVAL_FLOAT && v.type != LVAL_NIL && v.type != LVAL_BOOL;
	bool ended = v.type == LVAL_ARRAY || v.type == LVAL_RANGE || v.type == LVAL_STRING ||
	             (v.type == LVAL_OBJECT && c == LCOMMAND_FIRST);
	if (c == LCOMMAND_NONE || !(c == LCOMMAND_SIZE ? sized : ended))
		return false;
	*out = c == LCOMMAND_SIZE ? lsize_of(v) : lend_item(r, v, c == LCOMMAND_LAST);
	return true;
}

/* object[key]; false when there is none. */
static bool member(struct liquid *r, struct lval v, struct str key, uint32_t hash, enum lcommand c, struct lval *out)
{
	if (v.type == LVAL_OBJECT) {
		const struct lval *found = lobject_find(v.object, key, hash);
		if (found) {
			*out = *found;
			return true;
		}
	} else if (v.type == LVAL_LOOP) {
		return loop_property(v.loop, key, out);
	}
	return command(r, v, c, out);
}

static bool item_at(struct lval v, int64_t i, struct lval *out)
{
	if (v.type != LVAL_ARRAY)
		return false;
	if (i < 0)
		i += v.n;
	if (i < 0 || i >= v.n)
		*out = lval_nil();
	else
		*out = v.items[i];
	return true;
}

static bool undefined(struct liquid *r, const struct lexpr *e, uint32_t known)
{
	struct buf b;
	buf_init(&b, 400);
	uint32_t saved = r->pos;
	buf_str(&b, e->lookup.name_expr ? STR("[…]") : e->lookup.name);
	for (uint32_t i = 0; i < known; i++)
		if (e->lookup.segments[i].expr)
			buf_cstr(&b, "[…]");
		else
			buf_printf(&b, ".%.*s", STR_ARG(e->lookup.segments[i].key));
	r->pos = e->pos;
	lfail(r, ERR_INPUT, "no variable \"%.*s\"", STR_ARG(buf_view(&b)));
	r->pos = saved;
	buf_release(&b);
	return false;
}

static bool eval_lookup(struct liquid *r, const struct lexpr *e, struct lval *out, bool lenient)
{
	struct str name = e->lookup.name;
	uint32_t hash = e->lookup.hash;
	bool strict = r->options->strict && !lenient;
	*out = lval_nil();
	if (e->lookup.name_expr) {
		struct lval v;
		if (!leval(r, e->lookup.name_expr, &v))
			return false;
		if (v.type != LVAL_STRING)
			return strict ? undefined(r, e, 0) : true;
		name = lval_view(v);
		hash = lkey_hash(name);
	}
	const struct lval *root = find_hinted(r, name, hash, e->lookup.hint);
	uint32_t i = 0;
	if (!root && e->lookup.segment_count && str_is(name, "self")) { /* self['a b'] and self.a are the variable itself */
		const struct lsegment *s = &e->lookup.segments[i++];
		struct lval key = lval_str(s->key);
		if (s->expr && !leval(r, s->expr, &key))
			return false;
		root = key.type == LVAL_STRING ? lfind_variable(r, lval_view(key), lkey_hash(lval_view(key))) : NULL;
	}
	if (!root)
		return strict ? undefined(r, e, i) : true;
	struct lval v = *root;
	for (; i < e->lookup.segment_count; i++) {
		const struct lsegment *s = &e->lookup.segments[i];
		struct lval key, next;
		bool found;
		if (!s->expr) {
			const struct lval *at =
				v.type == LVAL_OBJECT ? lobject_find_hinted(v.object, s->key, s->hash, s->hint) : NULL;
			found = at != NULL;
			if (found)
				next = *at;
			else
				found = v.type == LVAL_OBJECT ? command(r, v, s->command, &next)
				                              : member(r, v, s->key, s->hash, s->command, &next);
		} else {
			if (!leval(r, s->expr, &key))
				return false;
			found = key.type == LVAL_STRING
			            ? member(r, v, lval_view(key), lkey_hash(lval_view(key)), LCOMMAND_NONE, &next)
			            : key.type == LVAL_INT && item_at(v, key.i, &next);
		}
		if (!found)
			return strict ? undefined(r, e, i + 1) : true;
		v = next;
	}
	*out = v;
	return true;
}

bool lto_integer(struct liquid *r, struct lval v, int64_t *out)
{
	if (v.type == LVAL_INT) {
		*out = v.i;
		return true;
	}
	char text[64];
	size_t n = 0;
	bool negative = false, digits = false;
	int base = 10;
	struct str s = v.type == LVAL_STRING ? str_trim(lval_view(v)) : (struct str){ "", 0 };
	size_t i = 0;
	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		negative = s.p[i++] == '-';
	if (i + 1 < s.n && s.p[i] == '0') {
		char c = (char)(s.p[i + 1] | 32);
		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		i += c == 'x' || c == 'b' || c == 'o' ? 2 : 0;
	}
	for (; i < s.n && n < sizeof text - 1; i++) {
		if (s.p[i] == '_' && digits && i + 1 < s.n && s.p[i + 1] != '_')
			continue;
		char c = (char)(s.p[i] | 32);
		int d = s.p[i] >= '0' && s.p[i] <= '9' ? s.p[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
		if (d >= base)
			break;
		text[n++] = s.p[i];
		digits = true;
	}
	text[n] = '\0';
	if (!digits || i != s.n)
		return lfail(r, ERR_INPUT, "invalid integer");
	long long magnitude = strtoll(text, NULL, base);
	*out = negative ? -magnitude : magnitude;
	return true;
}

int64_t lstring_to_i(struct str s)
{
	size_t i = 0;
	while (i < s.n && (s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r')))
		i++;
	bool negative = i < s.n && s.p[i] == '-';
	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		i++;
	int64_t v = 0;
	bool digit = false;
	for (; i < s.n; i++) {
		if (s.p[i] == '_' && digit && i + 1 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
			continue;
		if (s.p[i] < '0' || s.p[i] > '9')
			break;
		digit = true;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.p[i] - '0', &v))
			return negative ? INT64_MIN : INT64_MAX;
	}
	return negative ? -v : v;
}

static bool range_bound(struct liquid *r, const struct lexpr *e, int64_t *out)
{
	struct lval v;
	if (!leval(r, e, &v))
		return false;
	if (v.type == LVAL_NIL)
		*out = 0;
	else if (v.type == LVAL_STRING)
		*out = lstring_to_i(lval_view(v));
	else
		return lto_integer(r, v, out);
	return true;
}

bool leval(struct liquid *r, const struct lexpr *e, struct lval *out)
{
	if (e->type == LEXPR_LITERAL) {
		*out = e->literal;
		return true;
	}
	if (e->type == LEXPR_LOOKUP)
		return eval_lookup(r, e, out, false);
	struct lrange *range = arena_new(&r->arena, struct lrange);
	*out = (struct lval){ .type = LVAL_RANGE, .range = range };
	return range_bound(r, e->range.from, &range->from) && range_bound(r, e->range.to, &range->to);
}

/* ---- filters ---- */

static bool call_filter(struct liquid *r, const struct lfilter_call *f, struct lval *v)
{
	struct lval args[LFILTER_ARGS_MAX + 1];
	int n = f->arg_count;
	for (int i = 0; i < n; i++)
		if (f->args[i]->type == LEXPR_LITERAL)
			args[i] = f->args[i]->literal;
		else if (!leval(r, f->args[i], &args[i]))
			return false;
	if (f->kwarg_count) {
		struct lobject *o = lobject_new(&r->arena, f->kwarg_count);
		for (int i = 0; i < f->kwarg_count; i++) {
			struct lval value;
			if (!leval(r, f->kwargs[i].value, &value))
				return false;
			lobject_put(&r->arena, o, f->kwargs[i].name, value);
		}
		args[n++] = lval_object(o);
	}
	r->pos = f->pos;
	if (!f->def)
		return !r->options->strict || lfail(r, ERR_INPUT, "no filter \"%.*s\"", STR_ARG(f->name));
	if (n < f->def->min || n > f->def->max)
		return f->def->min == f->def->max ? lfail(r, ERR_INPUT, "%s takes %d argument%s, not %d", f->def->name,
		                                          f->def->min, f->def->min == 1 ? "" : "s", n)
		                                  : lfail(r, ERR_INPUT, "%s takes %d to %d arguments, not %d", f->def->name,
		                                          f->def->min, f->def->max, n);
	struct lval in = *v;
	return lcharge(r, 1) && f->def->fn(r, in, args, n, v);
}

bool leval_pipe(struct liquid *r, const struct lpipe *p, struct lval *out)
{
	if (!p->expr) {
		*out = lval_nil();
		return true;
	}
	const struct lval *there = lpeek_value(r, p->expr);
	if (there)
		*out = *there;
	else if (p->expr->type == LEXPR_LOOKUP ? !eval_lookup(r, p->expr, out, p->lenient) : !leval(r, p->expr, out))
		return false;
	for (uint32_t i = 0; i < p->filter_count; i++)
		if (!call_filter(r, &p->filters[i], out))
			return false;
	return true;
}

bool lwrite(struct liquid *r, struct lval v)
{
	struct buf *out = r->out;
	if (v.type == LVAL_STRING) {
		lwrite_text(r, v);
		return true;
	}
	if (v.type == LVAL_ARRAY) {
		if (!lcharge(r, 1 + v.n))
			return false;
		for (uint32_t i = 0; i < v.n; i++)
			if (!lwrite(r, v.items[i]))
				return false;
		return true;
	}
	if (v.type == LVAL_OBJECT && r->options->autoescape)
		lput_html(out, ltext(r, v));
	else
		ltext_add(out, v, 0);
	return true;
}

/* ---- conditions ---- */

static bool is_empty(struct lval v)
{
	return (v.type == LVAL_STRING && v.n == 0) || (v.type == LVAL_ARRAY && v.n == 0) ||
	       (v.type == LVAL_OBJECT && v.object->count == 0);
}

static bool is_blank(struct lval v)
{
	if (v.type == LVAL_NIL || (v.type == LVAL_BOOL && !v.b) || is_empty(v))
		return true;
	if (v.type != LVAL_STRING)
		return false;
	for (uint32_t i = 0; i < v.n; i++)
		if (v.s[i] != ' ' && (v.s[i] < '\t' || v.s[i] > '\r'))
			return false;
	return true;
}

bool lcondition_equal(struct lval a, struct lval b)
{
	if (a.type == LVAL_EMPTY || a.type == LVAL_BLANK)
		return a.type == LVAL_EMPTY ? is_empty(b) : is_blank(b);
	if (b.type == LVAL_EMPTY || b.type == LVAL_BLANK)
		return b.type == LVAL_EMPTY ? is_empty(a) : is_blank(a);
	return lval_equal(a, b);
}

static bool contains(struct liquid *r, struct lval a, struct lval b)
{
	if (!lval_truthy(a) || !lval_truthy(b))
		return false;
	if (a.type == LVAL_STRING) {
		struct str needle = ltext(r, b);
		return needle.n == 0 || memmem(a.s, a.n, needle.p, needle.n) != NULL;
	}
	if (a.type == LVAL_OBJECT)
		return b.type == LVAL_STRING && lobject_find(a.object, lval_view(b), lkey_hash(lval_view(b))) != NULL;
	if (a.type == LVAL_RANGE)
		return (b.type == LVAL_INT && b.i >= a.range->from && b.i <= a.range->to) ||
		       (b.type == LVAL_FLOAT && b.f >= (double)a.range->from && b.f <= (double)a.range->to);
	if (a.type == LVAL_ARRAY)
		for (uint32_t i = 0; i < a.n; i++)
			if (lval_equal(a.items[i], b))
				return true;
	return false;
}

static bool is_number(struct lval v)
{
	return v.type == LVAL_INT || v.type == LVAL_FLOAT;
}

static bool less_more(struct liquid *r, struct lval a, struct lval b, enum lcompare op, bool *out)
{
	*out = false;
	bool orderable = (is_number(a) || a.type == LVAL_STRING) && (is_number(b) || b.type == LVAL_STRING);
	if (!orderable)
		return true; /* nil and the like compare to nothing */
	if (is_number(a) != is_number(b))
		return lfail(r, ERR_INPUT, "a number and a text cannot be compared");
	int c;
	if (a.type == LVAL_INT && b.type == LVAL_INT) {
		c = (a.i > b.i) - (a.i < b.i);
	} else if (is_number(a)) {
		double x = a.type == LVAL_INT ? (double)a.i : a.f, y = b.type == LVAL_INT ? (double)b.i : b.f;
		c = (x > y) - (x < y);
	} else {
		c = str_cmp(lval_view(a), lval_view(b));
	}
	*out = op == LCMP_LT ? c < 0 : op == LCMP_GT ? c > 0 : op == LCMP_LE ? c <= 0 : c >= 0;
	return true;
}

static bool eval_comparison(struct liquid *r, const struct lcondition *c, bool *out)
{
	struct lval a, b;
	bool bare = c->op == LCMP_NONE;
	const struct lval *there = lpeek_value(r, c->left);
	if (there && c->op == LCMP_NONE) {
		*out = lval_truthy(*there);
		return true;
	}
	if (there && c->op == LCMP_NE_NOTHING) {
		*out = there->type != LVAL_STRING || there->n != 0;
		return true;
	}
	r->pos = c->left->pos;
	if (there)
		a = *there;
	else if (c->left->type == LEXPR_LOOKUP ? !eval_lookup(r, c->left, &a, true) : !leval(r, c->left, &a))
		return false;
	if (bare) {
		*out = lval_truthy(a);
		return true;
	}
	if (c->right->type == LEXPR_LITERAL)
		b = c->right->literal;
	else if (c->right->type == LEXPR_LOOKUP ? !eval_lookup(r, c->right, &b, true) : !leval(r, c->right, &b))
		return false;
	switch (c->op) {
	case LCMP_NE_NOTHING: *out = !lcondition_equal(a, b); return true;
	case LCMP_EQ:
	case LCMP_NE: *out = lcondition_equal(a, b) == (c->op == LCMP_EQ); return true;
	case LCMP_CONTAINS:
		*out = contains(r, a, b);
		return lcharge(r, 1 + (a.type == LVAL_ARRAY || a.type == LVAL_STRING ? a.n / 64 : 0));
	case LCMP_LT:
	case LCMP_GT:
	case LCMP_LE:
	case LCMP_GE: return less_more(r, a, b, c->op, out);
	case LCMP_NONE: break;
	}
	return true;
}

bool leval_condition(struct liquid *r, const struct lcondition *c, bool *out)
{
	for (;; c = c->next) {
		if (!eval_comparison(r, c, out))
			return false;
		if (!c->next || *out == c->next_is_or)
			return true;
		if (!lcharge(r, 1))
			return false;
	}
}
