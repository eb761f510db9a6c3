/* Walks a compiled template without rendering it: which variables and partials it names. */
#include "outbox/liquid_int.h"

#include <stdlib.h>

enum { PATH_MAX_BYTES = 400 };

struct scope {
	struct str name, path; /* path empty: not from the data */
};

struct walk {
	const struct liquid_template *t;
	struct arena arena;
	struct scope *scopes;
	size_t count, cap;
	void (*path)(void *ctx, struct str path, int line, int column);
	void (*partial)(void *ctx, struct str name);
	void *ctx;
};

static void walk_block(struct walk *w, const struct lblock *b);

static void push(struct walk *w, struct str name, struct str path)
{
	w->scopes = mem_grow(w->scopes, &w->cap, w->count + 1, sizeof *w->scopes);
	w->scopes[w->count++] = (struct scope){ name, path };
}

static struct str walk_expr(struct walk *w, const struct lexpr *e, bool report);

static struct str lookup_path(struct walk *w, const struct lexpr *e)
{
	struct buf b;
	buf_init(&b, PATH_MAX_BYTES);
	bool known = !e->lookup.name_expr;
	if (!known)
		walk_expr(w, e->lookup.name_expr, true);
	struct str root = e->lookup.name;
	for (size_t i = w->count; known && i-- > 0;)
		if (str_eq(w->scopes[i].name, root)) {
			root = w->scopes[i].path;
			known = root.n > 0;
			break;
		}
	buf_str(&b, root);
	for (uint32_t i = 0; i < e->lookup.segment_count; i++) {
		const struct lsegment *s = &e->lookup.segments[i];
		bool index = s->expr && s->expr->type == LEXPR_LITERAL && s->expr->literal.type == LVAL_INT;
		if (s->expr && !index) {
			walk_expr(w, s->expr, true);
			break;
		}
		if (index || s->command == LCOMMAND_FIRST || s->command == LCOMMAND_LAST)
			buf_cstr(&b, "[]");
		else if (s->command == LCOMMAND_SIZE)
			break;
		else
			buf_printf(&b, ".%.*s", STR_ARG(s->key));
	}
	struct str path = known && !b.full ? arena_str(&w->arena, buf_view(&b)) : (struct str){ 0 };
	buf_release(&b);
	return path;
}

/* The path an expression reads, empty when it is not one. */
static struct str walk_expr(struct walk *w, const struct lexpr *e, bool report)
{
	if (!e || e->type == LEXPR_LITERAL)
		return (struct str){ 0 };
	if (e->type == LEXPR_RANGE) {
		walk_expr(w, e->range.from, true);
		walk_expr(w, e->range.to, true);
		return (struct str){ 0 };
	}
	struct str path = lookup_path(w, e);
	if (report && path.n && w->path) {
		int line, column;
		lline_column(w->t->source, e->pos, &line, &column);
		w->path(w->ctx, path, line, column);
	}
	return path;
}

static struct str walk_pipe(struct walk *w, const struct lpipe *p)
{
	struct str path = walk_expr(w, p->expr, true);
	for (uint32_t i = 0; i < p->filter_count; i++) {
		for (int k = 0; k < p->filters[i].arg_count; k++)
			walk_expr(w, p->filters[i].args[k], true);
		for (int k = 0; k < p->filters[i].kwarg_count; k++)
			walk_expr(w, p->filters[i].kwargs[k].value, true);
	}
	return p->filter_count ? (struct str){ 0 } : path;
}

static void walk_branches(struct walk *w, const struct lbranches *b)
{
	walk_expr(w, b->subject, true);
	for (uint32_t i = 0; i < b->count; i++) {
		for (const struct lcondition *c = b->list[i].condition; c; c = c->next) {
			walk_expr(w, c->left, true);
			walk_expr(w, c->right, true);
		}
		for (uint32_t k = 0; k < b->list[i].when_count; k++)
			walk_expr(w, b->list[i].when[k], true);
		walk_block(w, &b->list[i].block);
	}
}

static void walk_loop(struct walk *w, const struct lfor *f, bool table)
{
	struct str path = walk_expr(w, f->collection, true);
	size_t before = w->count;
	walk_expr(w, f->limit, true);
	walk_expr(w, f->offset, true);
	walk_expr(w, f->cols, true);
	push(w, f->variable, path.n ? arena_printf(&w->arena, "%.*s[]", STR_ARG(path)) : path);
	push(w, table ? STR("tablerowloop") : STR("forloop"), (struct str){ 0 });
	walk_block(w, &f->body);
	w->count = before;
	walk_block(w, &f->otherwise);
}

static void walk_partial(struct walk *w, const struct lpartial *p)
{
	walk_expr(w, p->with, true);
	for (uint32_t i = 0; i < p->arg_count; i++)
		walk_expr(w, p->args[i].value, true);
	if (w->partial && p->name->type == LEXPR_LITERAL && p->name->literal.type == LVAL_STRING)
		w->partial(w->ctx, lval_view(p->name->literal));
}

static void walk_node(struct walk *w, const struct lnode *n)
{
	switch (n->type) {
	case LNODE_PATH:
	case LNODE_OUTPUT: walk_pipe(w, &n->output); return;
	case LNODE_ASSIGN: push(w, n->assign->name, walk_pipe(w, &n->assign->value)); return;
	case LNODE_CAPTURE:
		walk_block(w, &n->capture->block);
		push(w, n->capture->name, (struct str){ 0 });
		return;
	case LNODE_IF:
	case LNODE_UNLESS:
	case LNODE_CASE: walk_branches(w, n->branches); return;
	case LNODE_FOR:
	case LNODE_TABLEROW: walk_loop(w, n->loop, n->type == LNODE_TABLEROW); return;
	case LNODE_CYCLE:
		for (uint32_t i = 0; i < n->cycle->count; i++)
			walk_expr(w, n->cycle->items[i], true);
		return;
	case LNODE_INCREMENT:
	case LNODE_DECREMENT: push(w, n->counter->name, (struct str){ 0 }); return;
	case LNODE_INCLUDE:
	case LNODE_RENDER: walk_partial(w, n->partial); return;
	case LNODE_IFCHANGED: walk_block(w, n->block); return;
	case LNODE_TEXT:
	case LNODE_RAW:
	case LNODE_BREAK:
	case LNODE_CONTINUE: return;
	}
}

static void walk_block(struct walk *w, const struct lblock *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		walk_node(w, &b->nodes[i]);
}

static void walk(struct walk *w)
{
	arena_init(&w->arena);
	walk_block(w, &w->t->root);
	arena_release(&w->arena);
	free(w->scopes);
}

void liquid_paths(const struct liquid_template *t, void (*seen)(void *ctx, struct str path, int line, int column),
                  void *ctx)
{
	struct walk w = { .t = t, .path = seen, .ctx = ctx };
	walk(&w);
}

void liquid_partial_names(const struct liquid_template *t, void (*seen)(void *ctx, struct str name), void *ctx)
{
	struct walk w = { .t = t, .partial = seen, .ctx = ctx };
	walk(&w);
}
