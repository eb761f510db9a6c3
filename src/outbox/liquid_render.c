/* Walks the blocks of a compiled template and prints. Variables are looked for in the loops' own, then in what the
 * template assigned, then in its counters, then in the data. */
#include "outbox/liquid_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS_DEFAULT = 2000000, OUTPUT_DEFAULT = 4 << 20, MEMORY_DEFAULT = 64 << 20 };

static bool render_block(struct liquid *r, const struct lblock *b);

bool lfail(struct liquid *r, enum err_kind kind, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	int line, column;
	lline_column(r->t->source, r->pos, &line, &column);
	return err_set(r->err, kind, "%s:%d:%d: %s", r->t->name, line, column, text);
}

static bool over(struct liquid *r)
{
	if (r->steps == 0)
		return lfail(r, ERR_LIMIT, "the template takes too many steps");
	if (r->arena.total > r->memory_max)
		return lfail(r, ERR_LIMIT, "the template needs more than %zu MiB of memory", r->memory_max >> 20);
	return lfail(r, ERR_LIMIT, "the result is larger than %zu KiB", r->output_max >> 10);
}

bool lcharge(struct liquid *r, uint64_t steps)
{
	r->steps -= steps < r->steps ? steps : r->steps;
	if (r->steps == 0 || r->arena.total > r->memory_max || r->out->full || r->out->n - r->out_start > r->output_max)
		return over(r);
	return true;
}

/* ---- variables ---- */

static const struct lval *find_variable(struct liquid *r, struct str name, uint32_t hash)
{
	for (size_t i = r->local_count; i-- > r->local_base;) {
		const struct llocal *l = &r->locals[i];
		if (l->hash == hash && str_eq(l->name, name))
			return &l->value;
	}
	const struct lval *v = r->assigns ? lobject_find(r->assigns, name, hash) : NULL;
	if (!v && r->counters)
		v = lobject_find(r->counters, name, hash);
	return v || !r->data ? v : lobject_find(r->data, name, hash);
}

static void push_local(struct liquid *r, struct str name, uint32_t hash, struct lval v)
{
	r->locals = mem_grow(r->locals, &r->local_cap, r->local_count + 1, sizeof *r->locals);
	r->locals[r->local_count++] = (struct llocal){ name, hash, v };
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

static int64_t utf8_count(struct lval v)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < v.n; i++)
		n += ((unsigned char)v.s[i] & 0xc0) != 0x80;
	return n;
}

/* size, first and last written after a point. */
static bool command(struct liquid *r, struct lval v, enum lcommand c, struct lval *out)
{
	const struct lfilter_def *def = lfilter_find(c == LCOMMAND_SIZE    ? STR("size")
	                                             : c == LCOMMAND_FIRST ? STR("first")
	                                                                   : STR("last"));
	if (c == LCOMMAND_NONE)
		return false;
	if (c == LCOMMAND_SIZE) {
		if (v.type == LVAL_STRING) {
			*out = lval_int(utf8_count(v));
			return true;
		}
		if (v.type == LVAL_FLOAT || v.type == LVAL_NIL || v.type == LVAL_BOOL)
			return false;
	} else if (v.type != LVAL_ARRAY && v.type != LVAL_RANGE && v.type != LVAL_STRING &&
	           !(v.type == LVAL_OBJECT && c == LCOMMAND_FIRST)) {
		return false;
	}
	return def->fn(r, v, NULL, 0, out);
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
	const struct lval *root = find_variable(r, name, hash);
	if (!root)
		return strict ? undefined(r, e, 0) : true;
	struct lval v = *root;
	for (uint32_t i = 0; i < e->lookup.segment_count; i++) {
		const struct lsegment *s = &e->lookup.segments[i];
		struct lval key, next;
		bool found;
		if (!s->expr) {
			found = member(r, v, s->key, s->hash, s->command, &next);
		} else {
			if (!leval(r, s->expr, &key))
				return false;
			found = key.type == LVAL_STRING ? member(r, v, lval_view(key), lkey_hash(lval_view(key)), LCOMMAND_NONE, &next)
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
		if (!leval(r, f->args[i], &args[i]))
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
		return f->def->min == f->def->max
		           ? lfail(r, ERR_INPUT, "%s takes %d argument%s, not %d", f->def->name, f->def->min,
		                   f->def->min == 1 ? "" : "s", n)
		           : lfail(r, ERR_INPUT, "%s takes %d to %d arguments, not %d", f->def->name, f->def->min, f->def->max, n);
	struct lval in = *v;
	return lcharge(r, 1) && f->def->fn(r, in, args, n, v);
}

static bool eval_pipe(struct liquid *r, const struct lpipe *p, struct lval *out)
{
	*out = lval_nil();
	if (!p->expr)
		return true;
	bool lenient = p->filter_count && str_is(p->filters[0].name, "default");
	if (p->expr->type == LEXPR_LOOKUP ? !eval_lookup(r, p->expr, out, lenient) : !leval(r, p->expr, out))
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
		if (r->options->autoescape && !v.safe)
			buf_html(out, lval_view(v));
		else
			buf_add(out, v.s, v.n);
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
		buf_html(out, ltext(r, v));
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

static bool equal(struct lval a, struct lval b)
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
	r->pos = c->left->pos;
	if (c->left->type == LEXPR_LOOKUP ? !eval_lookup(r, c->left, &a, true) : !leval(r, c->left, &a))
		return false;
	if (bare) {
		*out = lval_truthy(a);
		return true;
	}
	if (c->right->type == LEXPR_LOOKUP ? !eval_lookup(r, c->right, &b, true) : !leval(r, c->right, &b))
		return false;
	switch (c->op) {
	case LCMP_EQ:
	case LCMP_NE:
		*out = equal(a, b) == (c->op == LCMP_EQ);
		return true;
	case LCMP_CONTAINS:
		*out = contains(r, a, b);
		return lcharge(r, 1 + (a.type == LVAL_ARRAY || a.type == LVAL_STRING ? a.n / 64 : 0));
	case LCMP_LT:
	case LCMP_GT:
	case LCMP_LE:
	case LCMP_GE:
		return less_more(r, a, b, c->op, out);
	case LCMP_NONE:
		break;
	}
	return true;
}

static bool eval_condition(struct liquid *r, const struct lcondition *c, bool *out)
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

static bool render_if(struct liquid *r, const struct lnode *n)
{
	const struct lbranches *b = n->branches;
	for (uint32_t i = 0; i < b->count; i++) {
		bool yes = true;
		if (b->list[i].condition && !eval_condition(r, b->list[i].condition, &yes))
			return false;
		if (yes != (n->type == LNODE_UNLESS && i == 0))
			return render_block(r, &b->list[i].block);
	}
	return true;
}

static bool render_case(struct liquid *r, const struct lbranches *b)
{
	bool otherwise = true;
	for (uint32_t i = 0; i < b->count && r->flow == LFLOW_ON; i++) {
		const struct lbranch *branch = &b->list[i];
		if (!branch->when) {
			if (otherwise && !render_block(r, &branch->block))
				return false;
			continue;
		}
		for (uint32_t k = 0; k < branch->when_count; k++) {
			struct lval a, v;
			if (!leval(r, b->subject, &a) || !leval(r, branch->when[k], &v))
				return false;
			if (!equal(a, v))
				continue;
			otherwise = false;
			if (!render_block(r, &branch->block))
				return false;
		}
	}
	return true;
}

/* ---- loops ---- */

struct walk { /* over the items of a collection, from … to */
	struct lval v;
	int64_t from, to;
};

static int64_t collection_length(struct lval v)
{
	switch ((enum lval_type)v.type) {
	case LVAL_ARRAY:
		return v.n;
	case LVAL_OBJECT:
		return v.object->count;
	case LVAL_RANGE:
		return v.range->to < v.range->from ? 0 : v.range->to - v.range->from + 1;
	case LVAL_STRING:
		return v.n > 0;
	case LVAL_NIL:
	case LVAL_BOOL:
	case LVAL_INT:
	case LVAL_FLOAT:
	case LVAL_LOOP:
	case LVAL_EMPTY:
	case LVAL_BLANK:
		return 0;
	}
	return 0;
}

static struct lval walk_item(struct liquid *r, const struct walk *w, int64_t i)
{
	if (w->v.type == LVAL_ARRAY)
		return w->v.items[i];
	if (w->v.type == LVAL_RANGE)
		return lval_int(w->v.range->from + i);
	if (w->v.type == LVAL_OBJECT)
		return lval_pair(r, &w->v.object->pairs[i]);
	return w->v;
}

static void walk_slice(struct walk *w, int64_t from, bool limited, int64_t limit)
{
	int64_t length = collection_length(w->v), to;
	if (!limited || __builtin_add_overflow(from, limit, &to))
		to = length;
	w->from = from > 0 ? from : 0;
	w->to = to < length ? to : length;
	if (w->to < w->from)
		w->to = w->from;
}

static bool for_number(struct liquid *r, const struct lexpr *e, bool *given, int64_t *out)
{
	struct lval v = lval_nil();
	*out = 0;
	if (e && !leval(r, e, &v))
		return false;
	*given = v.type != LVAL_NIL;
	return !*given || lto_integer(r, v, out);
}

static bool for_slice(struct liquid *r, const struct lfor *f, struct walk *w)
{
	int64_t from, limit;
	bool given, limited;
	uint32_t hash = lkey_hash(f->name);
	if (!r->registers.offsets)
		r->registers.offsets = lobject_new(&r->arena, 4);
	if (f->offset_continue) {
		const struct lval *seen = lobject_find(r->registers.offsets, f->name, hash);
		from = seen ? seen->i : 0;
	} else if (!for_number(r, f->offset, &given, &from)) {
		return false;
	}
	if (!leval(r, f->collection, &w->v) || !for_number(r, f->limit, &limited, &limit))
		return false;
	walk_slice(w, from, limited, limit);
	lobject_put(&r->arena, r->registers.offsets, f->name, lval_int(from + (w->to - w->from)));
	return true;
}

/* After an item: whether the loop goes on. */
static bool loop_goes_on(struct liquid *r)
{
	bool on = r->flow != LFLOW_BREAK;
	r->flow = LFLOW_ON;
	return on;
}

static bool render_for(struct liquid *r, const struct lfor *f)
{
	struct walk w;
	if (!for_slice(r, f, &w))
		return false;
	int64_t length = w.to - w.from;
	if (length == 0)
		return render_block(r, &f->otherwise);
	struct lloop *loop = arena_new(&r->arena, struct lloop);
	*loop = (struct lloop){ .name = f->name, .length = length, .parent = r->for_top };
	size_t locals = r->local_count;
	push_local(r, STR("forloop"), lkey_hash(STR("forloop")), (struct lval){ .type = LVAL_LOOP, .loop = loop });
	push_local(r, f->variable, f->hash, lval_nil());
	r->for_top = loop;
	bool ok = true;
	for (; ok && loop->index < length; loop->index++) {
		int64_t i = f->reversed ? w.to - 1 - loop->index : w.from + loop->index;
		r->locals[locals + 1].value = walk_item(r, &w, i);
		ok = lcharge(r, 1) && render_block(r, &f->body);
		if (r->flow != LFLOW_ON && !loop_goes_on(r))
			break;
	}
	r->for_top = loop->parent;
	r->local_count = locals;
	return ok;
}

static bool table_number(struct liquid *r, const struct lexpr *e, int64_t *out)
{
	struct lval v;
	if (!leval(r, e, &v))
		return false;
	if (v.type == LVAL_INT)
		*out = v.i;
	else if (v.type == LVAL_FLOAT)
		*out = v.f > -9e18 && v.f < 9e18 ? (int64_t)v.f : 0;
	else if (v.type == LVAL_STRING)
		*out = lstring_to_i(lval_view(v));
	else if (v.type == LVAL_NIL)
		*out = 0;
	else
		return lfail(r, ERR_INPUT, "invalid integer");
	return true;
}

static bool render_row(struct liquid *r, const struct lfor *f, struct lloop *loop, const struct walk *w, size_t local)
{
	r->locals[local].value = walk_item(r, w, w->from + loop->index);
	buf_printf(r->out, "<td class=\"col%lld\">", (long long)loop->col);
	if (!lcharge(r, 1) || !render_block(r, &f->body))
		return false;
	buf_cstr(r->out, "</td>");
	if (r->flow != LFLOW_ON && !loop_goes_on(r)) {
		loop->index = loop->length;
		return true;
	}
	if (loop->col == loop->cols && loop->index != loop->length - 1)
		buf_printf(r->out, "</tr>\n<tr class=\"row%lld\">", (long long)loop->row + 1);
	loop->index++;
	if (loop->col == loop->cols)
		loop->col = 1, loop->row++;
	else
		loop->col++;
	return true;
}

static bool render_tablerow(struct liquid *r, const struct lfor *f)
{
	struct walk w;
	int64_t from = 0, limit = 0;
	if (!leval(r, f->collection, &w.v))
		return false;
	if (!lval_truthy(w.v))
		return true;
	if ((f->has_offset && !table_number(r, f->offset, &from)) || (f->has_limit && !table_number(r, f->limit, &limit)))
		return false;
	walk_slice(&w, from, f->has_limit, limit);
	struct lloop *loop = arena_new(&r->arena, struct lloop);
	*loop = (struct lloop){ .table = true, .length = w.to - w.from, .row = 1, .col = 1 };
	loop->cols = loop->length;
	if (f->has_cols && !table_number(r, f->cols, &loop->cols))
		return false;
	size_t locals = r->local_count;
	push_local(r, STR("tablerowloop"), lkey_hash(STR("tablerowloop")), (struct lval){ .type = LVAL_LOOP, .loop = loop });
	push_local(r, f->variable, f->hash, lval_nil());
	buf_cstr(r->out, "<tr class=\"row1\">\n");
	bool ok = true;
	while (ok && loop->index < loop->length)
		ok = render_row(r, f, loop, &w, locals + 1);
	buf_cstr(r->out, "</tr>\n");
	r->local_count = locals;
	return ok;
}

/* ---- small tags ---- */

static bool render_cycle(struct liquid *r, const struct lcycle *c)
{
	struct str key = c->key;
	if (c->group) {
		struct lval v;
		if (!leval(r, c->group, &v))
			return false;
		struct buf b;
		lbuf_init(r, &b);
		buf_char(&b, ':');
		linspect_add(&b, v, 0);
		if (!lfinish(r, &b, false, &v))
			return false;
		key = lval_view(v);
	}
	if (!r->registers.cycles)
		r->registers.cycles = lobject_new(&r->arena, 4);
	const struct lval *seen = lobject_find(r->registers.cycles, key, lkey_hash(key));
	int64_t i = seen ? seen->i : 0;
	struct lval v = lval_nil();
	if (i < c->count && !leval(r, c->items[i], &v))
		return false;
	lobject_put(&r->arena, r->registers.cycles, key, lval_int(i + 1 >= c->count ? 0 : i + 1));
	return lwrite(r, v);
}

static bool render_counter(struct liquid *r, const struct lcounter *c, int step)
{
	uint32_t hash = lkey_hash(c->name);
	if (!r->counters)
		r->counters = lobject_new(&r->arena, 4);
	const struct lval *seen = lobject_find(r->counters, c->name, hash);
	if (!seen && r->data)
		seen = lobject_find(r->data, c->name, hash);
	int64_t value = !seen || seen->type == LVAL_NIL ? 0 : seen->type == LVAL_INT ? seen->i : INT64_MIN;
	if (value == INT64_MIN)
		return lfail(r, ERR_INPUT, "\"%.*s\" is not a whole number and cannot be counted on", STR_ARG(c->name));
	int64_t next;
	if (__builtin_add_overflow(value, step, &next))
		next = value;
	lobject_put(&r->arena, r->counters, c->name, lval_int(next));
	buf_i64(r->out, step > 0 ? value : next);
	return true;
}

/* Renders a block into a string of the arena. */
static bool render_aside(struct liquid *r, const struct lblock *b, struct lval *out)
{
	struct buf aside, *before = r->out;
	size_t start = r->out_start;
	lbuf_init(r, &aside);
	r->out = &aside;
	r->out_start = 0;
	bool ok = render_block(r, b);
	r->out = before;
	r->out_start = start;
	if (!ok) {
		buf_release(&aside);
		return false;
	}
	return lfinish(r, &aside, r->options->autoescape, out);
}

static bool render_assign(struct liquid *r, struct str name, struct lval v)
{
	if (!r->assigns)
		r->assigns = lobject_new(&r->arena, 8);
	lobject_put(&r->arena, r->assigns, name, v);
	return true;
}

static bool render_ifchanged(struct liquid *r, const struct lblock *b)
{
	struct lval v;
	if (!render_aside(r, b, &v))
		return false;
	if (r->registers.has_changed && str_eq(r->registers.changed, lval_view(v)))
		return true;
	r->registers.has_changed = true;
	r->registers.changed = lval_view(v);
	buf_add(r->out, v.s, v.n);
	return true;
}

/* ---- partials ---- */

static struct str last_part(struct str name)
{
	for (size_t i = name.n; i-- > 0;)
		if (name.p[i] == '/')
			return (struct str){ name.p + i + 1, name.n - i - 1 };
	return name;
}

static const struct liquid_template *find_partial(struct liquid *r, struct str name)
{
	const struct liquid_partials *p = r->options->partials;
	struct err err = { 0 };
	const struct liquid_template *t = p ? p->find(p->ctx, name, &err) : NULL;
	if (t)
		return t;
	if (err.kind == ERR_NONE)
		lfail(r, ERR_INPUT, "no partial \"%.*s\"", (int)(name.n > 80 ? 80 : name.n), name.p);
	else
		*r->err = err;
	return NULL;
}

static bool render_template(struct liquid *r, const struct liquid_template *t)
{
	const struct liquid_template *before = r->t;
	uint32_t pos = r->pos;
	r->t = t;
	bool ok = render_block(r, &t->root);
	r->t = before;
	r->pos = pos;
	return ok;
}

static bool push_args(struct liquid *r, const struct lpartial *p)
{
	for (uint32_t i = 0; i < p->arg_count; i++) {
		struct lval v;
		if (!leval(r, p->args[i].value, &v))
			return false;
		push_local(r, p->args[i].name, lkey_hash(p->args[i].name), v);
	}
	return true;
}

static bool render_include(struct liquid *r, const struct lpartial *p)
{
	struct lval name, v = lval_nil();
	if (r->isolated)
		return lfail(r, ERR_INPUT, "include cannot be used inside render");
	if (!leval(r, p->name, &name))
		return false;
	if (name.type != LVAL_STRING)
		return lfail(r, ERR_INPUT, "include needs the name of a partial");
	const struct liquid_template *t = find_partial(r, lval_view(name));
	if (!t)
		return false;
	struct str variable = p->alias.n ? p->alias : last_part(lval_view(name));
	if (p->with) {
		if (!leval(r, p->with, &v))
			return false;
	} else {
		const struct lval *same = find_variable(r, lval_view(name), lkey_hash(lval_view(name)));
		v = same ? *same : v;
	}
	size_t locals = r->local_count;
	if (!push_args(r, p))
		return false;
	push_local(r, variable, lkey_hash(variable), v);
	size_t slot = r->local_count - 1;
	bool ok = true;
	if (v.type == LVAL_ARRAY) {
		for (uint32_t i = 0; ok && i < v.n; i++) {
			r->locals[slot].value = v.items[i];
			ok = lcharge(r, 1) && render_template(r, t);
		}
	} else {
		ok = render_template(r, t);
	}
	r->local_count = locals;
	return ok;
}

/* One call of {% render %}: sees its arguments alone. */
static bool render_isolated(struct liquid *r, const struct lpartial *p, const struct liquid_template *t, struct str variable,
                            struct lval v, struct lloop *loop)
{
	struct liquid saved = *r;
	size_t base = r->local_count;
	struct lobject *scope = lobject_new(&r->arena, p->arg_count + 2);
	bool ok = true;
	if (loop)
		lobject_set(&r->arena, scope, "forloop", (struct lval){ .type = LVAL_LOOP, .loop = loop });
	for (uint32_t i = 0; ok && i < p->arg_count; i++) {
		struct lval arg = lval_nil();
		ok = leval(r, p->args[i].value, &arg);
		lobject_put(&r->arena, scope, p->args[i].name, arg);
	}
	if (v.type != LVAL_NIL)
		lobject_put(&r->arena, scope, variable, v);
	r->local_base = base;
	r->assigns = scope;
	r->counters = NULL;
	r->data = NULL;
	r->isolated = true;
	ok = ok && lcharge(r, 1) && render_template(r, t);
	r->local_count = base;
	r->local_base = saved.local_base;
	r->assigns = saved.assigns;
	r->counters = saved.counters;
	r->data = saved.data;
	r->isolated = saved.isolated;
	r->registers = saved.registers;
	r->flow = LFLOW_ON;
	if (loop)
		loop->index++;
	return ok;
}

static bool render_render(struct liquid *r, const struct lpartial *p)
{
	struct str name = lval_view(p->name->literal);
	const struct liquid_template *t = find_partial(r, name);
	if (!t)
		return false;
	struct str variable = p->alias.n ? p->alias : last_part(name);
	struct lval v = lval_nil();
	if (p->with && !leval(r, p->with, &v))
		return false;
	bool each = p->each && (v.type == LVAL_ARRAY || v.type == LVAL_OBJECT || v.type == LVAL_RANGE);
	if (!each)
		return render_isolated(r, p, t, variable, v, NULL);
	struct walk w = { .v = v };
	walk_slice(&w, 0, false, 0);
	struct lloop *loop = arena_new(&r->arena, struct lloop);
	*loop = (struct lloop){ .name = name, .length = w.to };
	for (int64_t i = 0; i < w.to; i++)
		if (!render_isolated(r, p, t, variable, walk_item(r, &w, i), loop))
			return false;
	return true;
}

/* ---- blocks ---- */

static bool render_node(struct liquid *r, const struct lnode *n)
{
	struct lval v;
	switch (n->type) {
	case LNODE_TEXT:
	case LNODE_RAW:
		buf_add(r->out, n->text.p, n->text.n);
		return true;
	case LNODE_OUTPUT:
		return eval_pipe(r, &n->output, &v) && lwrite(r, v);
	case LNODE_ASSIGN:
		return eval_pipe(r, &n->assign->value, &v) && render_assign(r, n->assign->name, v);
	case LNODE_CAPTURE:
		return render_aside(r, &n->capture->block, &v) && render_assign(r, n->capture->name, v);
	case LNODE_IF:
	case LNODE_UNLESS:
		return render_if(r, n);
	case LNODE_CASE:
		return render_case(r, n->branches);
	case LNODE_FOR:
		return render_for(r, n->loop);
	case LNODE_TABLEROW:
		return render_tablerow(r, n->loop);
	case LNODE_CYCLE:
		return render_cycle(r, n->cycle);
	case LNODE_INCREMENT:
	case LNODE_DECREMENT:
		return render_counter(r, n->counter, n->type == LNODE_INCREMENT ? 1 : -1);
	case LNODE_INCLUDE:
		return render_include(r, n->partial);
	case LNODE_RENDER:
		return render_render(r, n->partial);
	case LNODE_BREAK:
		r->flow = LFLOW_BREAK;
		return true;
	case LNODE_CONTINUE:
		r->flow = LFLOW_CONTINUE;
		return true;
	case LNODE_IFCHANGED:
		return render_ifchanged(r, n->block);
	}
	return true;
}

static bool render_block(struct liquid *r, const struct lblock *b)
{
	if (r->depth == LIQUID_RENDER_DEPTH_MAX)
		return lfail(r, ERR_LIMIT, "blocks and partials nested more than %d deep", LIQUID_RENDER_DEPTH_MAX);
	r->depth++;
	bool ok = true;
	for (uint32_t i = 0; ok && i < b->count && r->flow == LFLOW_ON; i++) {
		const struct lnode *n = &b->nodes[i];
		if (n->type != LNODE_TEXT)
			r->pos = n->pos;
		ok = lcharge(r, 1) && render_node(r, n);
	}
	r->depth--;
	return ok;
}

struct liquid *liquid_new(void)
{
	struct liquid *r = mem_alloc(sizeof *r);
	arena_init(&r->arena);
	return r;
}

void liquid_free(struct liquid *r)
{
	if (!r)
		return;
	arena_release(&r->arena);
	free(r->locals);
	free(r);
}

bool liquid_render(struct liquid *r, const struct liquid_template *t, const struct lobject *data,
                   const struct liquid_options *options, struct buf *out, struct err *err)
{
	static const struct liquid_options PLAIN = { 0 };
	options = options ? options : &PLAIN;
	arena_clear(&r->arena);
	struct liquid kept = { .arena = r->arena, .locals = r->locals, .local_cap = r->local_cap };
	*r = kept;
	r->t = t;
	r->options = options;
	r->err = err;
	r->out = out;
	r->out_start = out->n;
	r->data = data;
	r->steps = options->limits.steps ? options->limits.steps : STEPS_DEFAULT;
	r->output_max = options->limits.output_bytes ? options->limits.output_bytes : OUTPUT_DEFAULT;
	r->memory_max = options->limits.memory_bytes ? options->limits.memory_bytes : MEMORY_DEFAULT;
	return render_block(r, &t->root) && (r->steps++, lcharge(r, 1));
}

enum liquid_locale liquid_locale_from(struct str tag)
{
	struct str two = { tag.p, tag.n < 2 ? tag.n : 2 };
	return str_eq_nocase(two, STR("fr")) ? LIQUID_FR : str_eq_nocase(two, STR("en")) ? LIQUID_EN : LIQUID_NEUTRAL;
}
