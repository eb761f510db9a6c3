/* Walks the blocks of a compiled template and prints. */
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

bool lcharge_over(struct liquid *r)
{
	if (r->steps == 0)
		return lfail(r, ERR_LIMIT, "the template takes too many steps");
	if (r->arena.total > r->memory_max)
		return lfail(r, ERR_LIMIT, "the template needs more than %zu MiB of memory", r->memory_max >> 20);
	return lfail(r, ERR_LIMIT, "the result is larger than %zu KiB", r->output_max >> 10);
}

static void push_local(struct liquid *r, struct str name, uint32_t hash, struct lval v)
{
	r->locals = mem_grow(r->locals, &r->local_cap, r->local_count + 1, sizeof *r->locals);
	r->locals[r->local_count++] = (struct llocal){ name, hash, v };
	r->epoch++;
}

static bool render_if(struct liquid *r, const struct lnode *n)
{
	const struct lbranches *b = n->branches;
	for (uint32_t i = 0; i < b->count; i++) {
		bool yes = true;
		if (b->list[i].condition && !leval_condition(r, b->list[i].condition, &yes))
			return false;
		if (yes != (n->type == LNODE_UNLESS && i == 0))
			return render_block(r, &b->list[i].block);
	}
	return true;
}

static bool render_case(struct liquid *r, const struct lbranches *b)
{
	bool otherwise = true;
	for (uint32_t i = 0; i < b->count; i++) {
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
			if (!lcondition_equal(a, v))
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
	case LVAL_ARRAY: return v.n;
	case LVAL_OBJECT: return v.object->count;
	case LVAL_RANGE: return v.range->to < v.range->from ? 0 : v.range->to - v.range->from + 1;
	case LVAL_STRING: return v.n > 0;
	case LVAL_NIL:
	case LVAL_BOOL:
	case LVAL_INT:
	case LVAL_FLOAT:
	case LVAL_LOOP:
	case LVAL_EMPTY:
	case LVAL_BLANK: return 0;
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
	if (w->v.type == LVAL_STRING) { /* a text is one item, whatever the limits */
		w->from = 0;
		w->to = length;
		return;
	}
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
		r->epoch++;
		ok = lcharge(r, 1) && render_block(r, &f->body);
		if (r->flow != LFLOW_ON && !loop_goes_on(r))
			break;
	}
	r->for_top = loop->parent;
	r->local_count = locals;
	r->epoch++;
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
	r->epoch++;
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
	push_local(r, STR("tablerowloop"), lkey_hash(STR("tablerowloop")),
	           (struct lval){ .type = LVAL_LOOP, .loop = loop });
	push_local(r, f->variable, f->hash, lval_nil());
	buf_cstr(r->out, "<tr class=\"row1\">\n");
	bool ok = true;
	while (ok && loop->index < loop->length)
		ok = render_row(r, f, loop, &w, locals + 1);
	buf_cstr(r->out, "</tr>\n");
	r->local_count = locals;
	r->epoch++;
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
	r->epoch++;
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

static bool render_assign(struct liquid *r, struct str name, uint32_t hash, struct lval v)
{
	if (!r->assigns)
		r->assigns = lobject_new(&r->arena, 4);
	lobject_put_hashed(&r->arena, r->assigns, name, hash, v);
	r->assigned |= (uint64_t)1 << (hash & 63);
	r->epoch++;
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

/* What was seen is of another template's paths from here on. */
static void enter(struct liquid *r, const struct liquid_template *t)
{
	r->t = t;
	r->epoch++;
	if (r->seen_cap > t->slot_count)
		return;
	r->seen = mem_grow(r->seen, &r->seen_cap, (size_t)t->slot_count + 1, sizeof *r->seen);
	memset(r->seen, 0, r->seen_cap * sizeof *r->seen); /* epochs begin at 1 */
}

static bool render_template(struct liquid *r, const struct liquid_template *t)
{
	const struct liquid_template *before = r->t;
	uint32_t pos = r->pos;
	enter(r, t);
	bool ok = render_block(r, &t->root);
	r->t = before;
	r->pos = pos;
	r->epoch++;
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
		const struct lval *same = lfind_variable(r, lval_view(name), lkey_hash(lval_view(name)));
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
			r->epoch++;
			ok = lcharge(r, 1) && render_template(r, t);
		}
	} else {
		ok = render_template(r, t);
	}
	r->local_count = locals;
	r->epoch++;
	return ok;
}

/* One call of {% render %}: sees its arguments alone. */
static bool render_isolated(struct liquid *r, const struct lpartial *p, const struct liquid_template *t,
                            struct str variable, struct lval v, struct lloop *loop)
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
	r->assigned = UINT64_MAX;
	r->counters = NULL;
	r->data = NULL;
	r->isolated = true;
	r->registers = (struct lregisters){ 0 };
	ok = ok && lcharge(r, 1) && render_template(r, t);
	r->epoch++;
	r->local_count = base;
	r->local_base = saved.local_base;
	r->assigns = saved.assigns;
	r->assigned = saved.assigned;
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
	case LNODE_RAW: lput(r->out, n->text.p, n->text.n); return true;
	case LNODE_PATH:
	case LNODE_OUTPUT: return leval_pipe(r, &n->output, &v) && lwrite(r, v);
	case LNODE_ASSIGN:
		return leval_pipe(r, &n->assign->value, &v) && render_assign(r, n->assign->name, n->assign->hash, v);
	case LNODE_CAPTURE:
		return render_aside(r, &n->capture->block, &v) && render_assign(r, n->capture->name, n->capture->hash, v);
	case LNODE_IF:
	case LNODE_UNLESS: return render_if(r, n);
	case LNODE_CASE: return render_case(r, n->branches);
	case LNODE_FOR: return render_for(r, n->loop);
	case LNODE_TABLEROW: return render_tablerow(r, n->loop);
	case LNODE_CYCLE: return render_cycle(r, n->cycle);
	case LNODE_INCREMENT:
	case LNODE_DECREMENT: return render_counter(r, n->counter, n->type == LNODE_INCREMENT ? 1 : -1);
	case LNODE_INCLUDE: return render_include(r, n->partial);
	case LNODE_RENDER: return render_render(r, n->partial);
	case LNODE_BREAK: r->flow = LFLOW_BREAK; return true;
	case LNODE_CONTINUE: r->flow = LFLOW_CONTINUE; return true;
	case LNODE_IFCHANGED: return render_ifchanged(r, n->block);
	}
	return true;
}

static bool render_block(struct liquid *r, const struct lblock *b)
{
	if (r->depth == LIQUID_RENDER_DEPTH_MAX)
		return lfail(r, ERR_LIMIT, "blocks and partials nested more than %d deep", LIQUID_RENDER_DEPTH_MAX);
	r->depth++;
	bool ok = lcharge(r, 1 + b->count);
	for (const struct lnode *n = b->nodes, *end = ok ? n + b->count : n; n < end; n++) {
		if (n->type == LNODE_TEXT) {
			lput_source(r->out, n->text);
			continue;
		}
		if (n->type == LNODE_PATH) {
			const struct lval *there = lpeek_value(r, n->output.expr);
			if (there && there->type == LVAL_STRING) {
				lwrite_text(r, *there);
				continue;
			}
		}
		r->pos = n->pos;
		ok = render_node(r, n);
		if (!ok || r->flow != LFLOW_ON) /* seen after a tag alone, as the reference does */
			break;
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
	buf_release(&r->spare);
	free(r->locals);
	free(r->seen);
	free(r);
}

bool liquid_render(struct liquid *r, const struct liquid_template *t, const struct lobject *data,
                   const struct liquid_options *options, struct buf *out, struct err *err)
{
	static const struct liquid_options PLAIN = { 0 };
	options = options ? options : &PLAIN;
	arena_clear(&r->arena);
	struct liquid kept = { .arena = r->arena,
		                   .locals = r->locals,
		                   .local_cap = r->local_cap,
		                   .spare = r->spare,
		                   .seen = r->seen,
		                   .seen_cap = r->seen_cap,
		                   .epoch = r->epoch };
	*r = kept;
	enter(r, t);
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
