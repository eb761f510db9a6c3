/* Whether conditions can hold together: each is read as "at least these simple facts", and two simple facts about the
 * same figure may leave nothing.
 *
 * A fact is a leaf (lifecycle, orders, tag("x"), inactive …) and the values it may have: bits for words and yes/no, an
 * interval for figures. `and` joins facts, `or` keeps what both sides say something about, `not` turns a single fact.
 * What is not understood says nothing, so that "no" is certain and "yes" is a maybe. The life cycle says something
 * about orders and about the time since the last one (fold/lifecycle.h). */
#include "fold/expr_int.h"

#include <stdlib.h>

enum {
	FACTS_MAX = 16,
	MONTH = 1000 /* of the time since the last order: a month; a day is between 1/31 and 1/28 of it */
};

struct clue {
	const struct expr *e;
	const struct leaf *leaf; /* NULL: one of the two figures below */
	uint8_t fn;              /* F_ORDERS, F_INACTIVE (since the last order) when leaf is NULL */
	bool bits;
	uint64_t set;   /* bits */
	int64_t lo, hi; /* a figure: lo ≤ x ≤ hi */
};

struct clues {
	struct clue list[FACTS_MAX];
	size_t count;
	bool never; /* cannot hold */
	bool exact; /* the one fact is all that is said: it can be turned */
};

struct item { /* of the stack */
	enum { ITEM_OTHER, ITEM_VALUE, ITEM_LEAF, ITEM_FACTS } kind;
	const struct leaf *leaf;
	int64_t v;
	struct clues facts;
};

static bool window_same(const struct window *a, const struct window *b)
{
	return a->kind == b->kind && a->unit == b->unit && a->count == b->count && a->from.day == b->from.day &&
	       a->to.day == b->to.day;
}

static struct str leaf_text(const struct expr *e, const struct leaf *l)
{
	return l->slot < e->slot_count ? e->slots[l->slot].text : (struct str){ 0 };
}

/* The same question: what two leaves ask of a person, whatever expressions they stand in. Questions about products are
 * not compared. */
static bool leaf_same(const struct expr *ea, const struct leaf *a, const struct expr *eb, const struct leaf *b)
{
	bool text = (FN[a->fn].args & (A_TEXT | A_SEGMENT)) != 0;
	return a->fn == b->fn && a->product_count == 0 && b->product_count == 0 && a->channel == b->channel &&
	       a->purpose == b->purpose && a->cart_states == b->cart_states && a->sale_channels == b->sale_channels &&
	       a->tag == b->tag && a->plan == b->plan && a->step == b->step && a->months == b->months &&
	       a->days == b->days && a->distances == b->distances && a->whole_run == b->whole_run &&
	       a->has_total == b->has_total && a->total_lo == b->total_lo && a->total_hi == b->total_hi &&
	       a->has_items == b->has_items && a->items_lo == b->items_lo && a->items_hi == b->items_hi &&
	       a->has_value == b->has_value && a->value_lo == b->value_lo && a->value_hi == b->value_hi &&
	       window_same(&a->window, &b->window) && (!text || str_eq(leaf_text(ea, a), leaf_text(eb, b)));
}

static bool fact_same(const struct clue *a, const struct clue *b)
{
	if (!a->leaf || !b->leaf)
		return !a->leaf && !b->leaf && a->fn == b->fn;
	return leaf_same(a->e, a->leaf, b->e, b->leaf);
}

static void facts_never(struct clues *f)
{
	*f = (struct clues){ .never = true };
}

/* f and x. */
static void facts_add(struct clues *f, const struct clue *x)
{
	if (f->never)
		return;
	for (size_t i = 0; i < f->count; i++) {
		struct clue *y = &f->list[i];
		if (!fact_same(x, y))
			continue;
		y->set &= x->set;
		y->lo = x->lo > y->lo ? x->lo : y->lo;
		y->hi = x->hi < y->hi ? x->hi : y->hi;
		if (y->bits ? y->set == 0 : y->lo > y->hi)
			facts_never(f);
		return;
	}
	if (f->count < FACTS_MAX)
		f->list[f->count++] = *x;
}

static void facts_and(struct clues *f, const struct clues *g)
{
	if (g->never)
		facts_never(f);
	for (size_t i = 0; i < g->count; i++)
		facts_add(f, &g->list[i]);
	f->exact = false;
}

static void facts_or(struct clues *f, const struct clues *g)
{
	struct clues both = { 0 };
	if (f->never || g->never) {
		*f = f->never ? *g : *f;
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		for (size_t k = 0; k < g->count; k++) {
			struct clue x = f->list[i];
			const struct clue *y = &g->list[k];
			if (!fact_same(&x, y))
				continue;
			x.set |= y->set;
			x.lo = y->lo < x.lo ? y->lo : x.lo;
			x.hi = y->hi > x.hi ? y->hi : x.hi;
			both.list[both.count++] = x;
			both.exact = x.bits && f->exact && g->exact;
			break;
		}
	*f = both;
}

static uint64_t all_bits(const struct leaf *l)
{
	const char *const *names;
	size_t n = FN[l->fn].type == T_BOOL ? 2 : enum_names((enum enum_kind)FN[l->fn].enum_kind, &names);
	return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

static void facts_not(struct clues *f)
{
	struct clue x = f->list[0];
	if (f->never || f->count != 1 || !f->exact) {
		*f = (struct clues){ 0 };
		return;
	}
	if (x.bits)
		x.set = (x.leaf ? all_bits(x.leaf) : UINT64_MAX) & ~x.set;
	else if (x.lo == INT64_MIN)
		x.lo = x.hi + 1, x.hi = INT64_MAX;
	else if (x.hi == INT64_MAX)
		x.hi = x.lo - 1, x.lo = INT64_MIN;
	else
		f->exact = false;
	if (f->exact)
		f->list[0] = x;
	else
		*f = (struct clues){ 0 };
}

static void facts_one(struct clues *f, struct clue x)
{
	*f = (struct clues){ .exact = true };
	if (x.bits && x.set == 0)
		facts_never(f);
	else
		f->list[f->count++] = x;
}

/* inactive(n months) is a bound on the time since the last order; `not` of it the other bound, unless it is told in
 * days, which months are not made of. */
static void leaf_holds(const struct expr *e, const struct leaf *l, struct clues *out)
{
	if (l->fn != F_INACTIVE) {
		facts_one(out, (struct clue){ .e = e, .leaf = l, .fn = l->fn, .bits = true, .set = (uint64_t)1 << TRI_TRUE });
		return;
	}
	int64_t least = (int64_t)l->months * MONTH + (int64_t)l->days * MONTH / 31;
	facts_one(out, (struct clue){ .fn = F_INACTIVE, .lo = least, .hi = INT64_MAX });
	out->exact = l->days == 0;
}

static void as_facts(const struct expr *e, struct item *x)
{
	struct clues f = { 0 };
	if (x->kind == ITEM_FACTS)
		return;
	if (x->kind == ITEM_LEAF && FN[x->leaf->fn].type == T_BOOL)
		leaf_holds(e, x->leaf, &f);
	else if (x->kind == ITEM_VALUE && x->v != TRI_TRUE)
		facts_never(&f);
	x->facts = f;
	x->kind = ITEM_FACTS;
}

/* LEAF op VALUE. */
static void compared(const struct expr *e, struct item *x, enum opcode op, int64_t v)
{
	const struct leaf *l = x->leaf;
	struct clue one = { .e = e, .leaf = l, .fn = l->fn, .lo = INT64_MIN, .hi = INT64_MAX };
	enum type type = (enum type)FN[l->fn].type;
	struct clues f = { 0 };
	if (type == T_ENUM || type == T_BOOL) {
		bool known = v >= 0 && v < 64 && (op == OP_EQ || op == OP_NE);
		one.bits = true;
		one.set = !known ? 0 : op == OP_EQ ? (uint64_t)1 << v : all_bits(l) & ~((uint64_t)1 << v);
		if (known)
			facts_one(&f, one);
	} else if (type != T_TEXT && op != OP_NE && v > INT64_MIN + 1 && v < INT64_MAX) {
		one.lo = op == OP_EQ || op == OP_GE ? v : op == OP_GT ? v + 1 : INT64_MIN;
		one.hi = op == OP_EQ || op == OP_LE ? v : op == OP_LT ? v - 1 : INT64_MAX;
		facts_one(&f, one);
	}
	x->kind = ITEM_FACTS;
	x->facts = f;
}

static enum opcode mirrored(enum opcode op)
{
	return op == OP_LT ? OP_GT : op == OP_LE ? OP_GE : op == OP_GT ? OP_LT : op == OP_GE ? OP_LE : op;
}

static void compare(const struct expr *e, struct item *a, const struct item *b, enum opcode op)
{
	if (a->kind == ITEM_LEAF && b->kind == ITEM_VALUE) {
		compared(e, a, op, b->v);
	} else if (a->kind == ITEM_VALUE && b->kind == ITEM_LEAF) {
		int64_t v = a->v;
		*a = *b;
		compared(e, a, mirrored(op), v);
	} else {
		*a = (struct item){ .kind = ITEM_FACTS };
	}
}

/* lifecycle in (…), orders between …: one operand. */
static void tested(const struct expr *e, struct item *x, const struct op *op)
{
	struct clues f = { 0 };
	if (x->kind == ITEM_LEAF && op->code == OP_SET && FN[x->leaf->fn].type == T_ENUM) {
		struct clue one = { .e = e, .leaf = x->leaf, .fn = x->leaf->fn, .bits = true };
		for (int64_t i = 0; i < op->v; i++)
			one.set |= op->set[i] >= 0 && op->set[i] < 64 ? (uint64_t)1 << op->set[i] : 0;
		facts_one(&f, one);
	} else if (x->kind == ITEM_LEAF && op->code == OP_BETWEEN) {
		facts_one(&f, (struct clue){ .e = e, .leaf = x->leaf, .fn = x->leaf->fn, .lo = op->v, .hi = op->w });
	}
	*x = (struct item){ .kind = ITEM_FACTS, .facts = f };
}

static void walk(const struct expr *e, struct item *stack, struct clues *out)
{
	size_t n = 0;
	for (uint32_t i = 0; i < e->op_count; i++) {
		const struct op *op = &e->ops[i];
		switch ((enum opcode)op->code) {
		case OP_CONST: stack[n++] = (struct item){ .kind = ITEM_VALUE, .v = op->v }; break;
		case OP_LEAF: stack[n++] = (struct item){ .kind = ITEM_LEAF, .leaf = op->leaf }; break;
		case OP_SKIP_FALSE:
		case OP_SKIP_TRUE: break;
		case OP_AND:
		case OP_OR:
			n--;
			as_facts(e, &stack[n]);
			as_facts(e, &stack[n - 1]);
			if (op->code == OP_AND)
				facts_and(&stack[n - 1].facts, &stack[n].facts);
			else
				facts_or(&stack[n - 1].facts, &stack[n].facts);
			break;
		case OP_NOT:
			as_facts(e, &stack[n - 1]);
			facts_not(&stack[n - 1].facts);
			break;
		case OP_LT:
		case OP_LE:
		case OP_EQ:
		case OP_NE:
		case OP_GE:
		case OP_GT:
			n--;
			compare(e, &stack[n - 1], &stack[n], (enum opcode)op->code);
			break;
		case OP_ADD:
		case OP_SUB:
		case OP_MUL:
		case OP_DIV:
		case OP_RATIO:
		case OP_DATE_DIFF: stack[--n - 1] = (struct item){ .kind = ITEM_OTHER }; break;
		case OP_SET:
		case OP_BETWEEN: tested(e, &stack[n - 1], op); break;
		case OP_WINDOW:
		case OP_TEXT:
		case OP_KNOWN:
		case OP_KNOWN_BOOL: stack[n - 1] = (struct item){ .kind = ITEM_FACTS }; break;
		case OP_NEG:
		case OP_ADD_DAYS:
		case OP_ADD_MONTHS:
		case OP_DAYS_SINCE:
		case OP_MONTH:
		case OP_YEAR:
		case OP_WEEKDAY: stack[n - 1] = (struct item){ .kind = ITEM_OTHER }; break;
		}
	}
	as_facts(e, &stack[0]);
	*out = stack[0].facts;
}

static struct clue figure(enum fn fn, int64_t lo, int64_t hi)
{
	return (struct clue){ .fn = (uint8_t)fn, .lo = lo, .hi = hi };
}

/* What the phases, and a plain count of orders, say about the two figures. */
static void consequences(struct clues *f)
{
	size_t count = f->count;
	for (size_t i = 0; i < count && !f->never; i++) {
		struct clue x = f->list[i];
		if (x.leaf && x.fn == F_ORDERS && !x.bits && x.leaf->window.kind == W_ALL && !x.leaf->sale_channels &&
		    !x.leaf->has_total && !x.leaf->has_items)
			facts_add(f, &(struct clue){ .fn = F_ORDERS,
			                             .lo = x.lo == INT64_MIN ? INT64_MIN : (x.lo + NUMBER_ONE - 1) / NUMBER_ONE,
			                             .hi = x.hi == INT64_MAX ? INT64_MAX : x.hi / NUMBER_ONE });
		if (!x.leaf || x.fn != F_LIFECYCLE)
			continue;
		const struct lifecycle_settings *s = &x.e->lifecycle;
		uint64_t asleep = (uint64_t)1 << PHASE_LAPSING | (uint64_t)1 << PHASE_FORMER;
		if (!(x.set & (uint64_t)1 << PHASE_PROSPECT))
			facts_add(f, &(struct clue){ .fn = F_ORDERS, .lo = 1, .hi = INT64_MAX });
		if (!(x.set & ~((uint64_t)1 << PHASE_PROSPECT)))
			facts_add(f, &(struct clue){ .fn = F_ORDERS, .lo = 0, .hi = 0 });
		struct clue idle = figure(F_INACTIVE, INT64_MIN, INT64_MAX);
		if (!(x.set & ~asleep))
			idle.lo = (x.set & (uint64_t)1 << PHASE_LAPSING ? s->lapsing_months : s->former_months) * MONTH;
		if (!(x.set & (uint64_t)1 << PHASE_FORMER))
			idle.hi = (x.set & (uint64_t)1 << PHASE_LAPSING ? s->former_months : s->lapsing_months) * MONTH - 1;
		if (!(x.set & (uint64_t)1 << PHASE_PROSPECT)) /* a prospect has no last order at all */
			facts_add(f, &idle);
	}
}

bool expr_can_meet(const struct expr *const *all, size_t count, const struct expr_state *known)
{
	struct clues *f = mem_alloc(sizeof *f), *one = mem_alloc(sizeof *one);
	struct clue figures[] = { figure(F_ORDERS, known->orders, INT64_MAX),
		                      figure(F_INACTIVE, known->months_idle ? known->months_idle * MONTH : INT64_MIN,
		                             INT64_MAX) };
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		facts_add(f, &figures[i]);
	for (size_t i = 0; i < count && !f->never; i++) {
		if (!all[i])
			continue;
		struct item *stack = mem_alloc((all[i]->stack + 1) * sizeof *stack);
		walk(all[i], stack, one);
		free(stack);
		facts_and(f, one);
	}
	consequences(f);
	bool can = !f->never;
	free(f);
	free(one);
	return can;
}
