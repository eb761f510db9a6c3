/* The tree as a flat list of operations in postfix order. The operands of an "and" or "or" are asked cheapest first:
 * they have no effects, so only time depends on the order. */
#include "fold/expr_parse.h"

#include <stdlib.h>

struct emitter {
	struct parser *p;
	struct op *ops;
	uint32_t count, stack, stack_max;
};

static struct op *push(struct emitter *e, int64_t grows)
{
	if (e->count == EXPR_OPS_MAX) {
		perr(e->p, 0, "this condition is too long (limit: %d operations)", EXPR_OPS_MAX);
		return NULL;
	}
	e->stack = (uint32_t)((int64_t)e->stack + grows);
	if (e->stack > e->stack_max)
		e->stack_max = e->stack;
	return &e->ops[e->count++];
}

static void emit(struct emitter *e, const struct node *n);

/* Children in order of cost; among equals as written. Insertion into a list: chains are short, the limit bounds the
 * rest. */
static struct node *by_cost(struct node *first)
{
	struct node *sorted = NULL;
	while (first) {
		struct node *next = first->sibling, **at = &sorted;
		while (*at && (*at)->cost <= first->cost)
			at = &(*at)->sibling;
		first->sibling = *at;
		*at = first;
		first = next;
	}
	return sorted;
}

static void emit_chain(struct emitter *e, const struct node *n)
{
	bool and = n->kind == NODE_AND;
	const struct node *child = by_cost(n->a);
	emit(e, child);
	while ((child = child->sibling)) {
		struct op *skip = push(e, 0);
		if (!skip)
			return;
		skip->code = and? OP_SKIP_FALSE : OP_SKIP_TRUE;
		emit(e, child);
		struct op *combine = push(e, -1);
		if (!combine)
			return;
		combine->code = and? OP_AND : OP_OR;
		skip->jump = e->count;
	}
}

static void emit(struct emitter *e, const struct node *n)
{
	if (e->p->b->failed)
		return;
	struct op *op;
	switch ((enum node_kind)n->kind) {
	case NODE_CONST:
	case NODE_LEAF:
		if ((op = push(e, 1)))
			*op = n->op;
		return;
	case NODE_AND:
	case NODE_OR: emit_chain(e, n); return;
	case NODE_NOT:
		emit(e, n->a);
		if ((op = push(e, 0)))
			op->code = OP_NOT;
		return;
	case NODE_OP1:
	case NODE_OP2:
		emit(e, n->a);
		if (n->b)
			emit(e, n->b);
		if ((op = push(e, n->b ? -1 : 0)))
			*op = n->op;
		return;
	}
}

const struct expr *emit_expression(struct build *b, const struct node *root, struct parser *p)
{
	struct emitter e = { .p = p };
	e.ops = mem_alloc(EXPR_OPS_MAX * sizeof *e.ops);
	emit(&e, root);
	if (!b->failed && e.stack_max > STACK_MAX)
		perr(p, 0, "nested too deeply (limit: %d levels)", EXPR_DEPTH_MAX);
	struct expr *x = NULL;
	if (!b->failed) {
		x = arena_new(b->arena, struct expr);
		x->ops = arena_copy(b->arena, e.ops, e.count * sizeof *e.ops);
		x->op_count = e.count;
		x->stack = e.stack_max;
		x->slots = b->slots;
		x->slot_count = b->slot_count;
		x->leaves = b->leaves;
		x->leaf_count = b->leaf_count;
		x->text_count = b->text_count;
		x->needs = b->needs;
		x->shop_zone = b->context->shop_zone;
		x->lifecycle = b->context->lifecycle;
		x->basis = b->context->basis;
	}
	free(e.ops);
	return x;
}
