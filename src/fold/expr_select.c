/* Everyone at once: chunk by chunk, operation by operation, a column of 256 values each. What depends on the day alone
 * — word numbers, windows, which products pass — is worked out once before. "and" and "or" narrow the list of customers
 * the next operand is asked for, and pass over it when nobody is left. The leaves are those of expr_test. */
#include "fold/expr_int.h"
#include "fold/value_views.h"

#include "base/par.h"

#include <stdatomic.h>
#include <stdlib.h>

/* One thread's room. */
struct desk {
	struct eval eval;
	int64_t (*column)[BOOK_CHUNK]; /* the stack */
	uint16_t (*list)[BOOK_CHUNK];  /* who is asked, by nesting of and/or */
	uint32_t *list_count;
	bool has_today;
	zone_id zone; /* the last one asked, and its day */
	struct date today;
	struct subject people[BOOK_CHUNK];
};

struct select {
	const struct expr *e;
	const struct book *b;
	const struct version *v;
	const struct pstate *states;
	struct instant now, asof;
	const struct thresholds *t;
	struct eval base;
	uint32_t *words;
	struct leaf_bound *bounds;
	struct desk **desks; /* by thread */
	uint64_t *bits;
	_Atomic uint64_t count;
};

/* ---- what the day decides ---- */

static uint64_t *passing_products(const struct leaf *l, const struct eval *v)
{
	uint64_t *bits = mem_alloc(((size_t)v->product_count / 64 + 1) * sizeof *bits);
	for (product_id p = 0; p < v->product_count; p++)
		if (product_passes(l, v, p))
			bits[p >> 6] |= 1ull << (p & 63);
	return bits;
}

static void bind(struct select *s)
{
	const struct expr *e = s->e;
	s->words = mem_alloc((e->slot_count + 1) * sizeof *s->words);
	for (uint32_t i = 0; i < e->slot_count; i++)
		s->words[i] = book_word_find(s->b, e->slots[i].text);
	struct subject anyone = { .book = s->b, .version = s->v, .view.now = s->now, .thresholds = s->t };
	s->base = (struct eval){ .e = e, .s = &anyone, .words = s->words, .shop_day = eval_shop_day(e, &anyone) };
	if (e->needs & N_PRODUCTS)
		s->base.products = book_products(s->b, &s->base.product_count);
	s->bounds = mem_alloc((e->leaf_count + 1) * sizeof *s->bounds);
	for (uint32_t i = 0; i < e->leaf_count; i++) {
		const struct leaf *l = e->leaves[i];
		window_instants(&l->window, e->shop_zone, s->base.shop_day, s->now, &s->bounds[i].from_s, &s->bounds[i].to_s);
		if (FN[l->fn].args & A_PRODUCT)
			s->bounds[i].product_bits = passing_products(l, &s->base);
	}
	s->base.s = NULL;
	s->base.bounds = s->bounds;
	if (e->needs & N_RANKS)
		s->base.rfm = rfm_of_everybody(s->v, e->shop_zone, s->now);
}

static struct desk *desk_new(const struct select *s)
{
	struct desk *d = mem_alloc(sizeof *d);
	uint32_t depth = s->e->stack + 1;
	d->eval = s->base;
	d->column = mem_alloc(depth * sizeof *d->column);
	d->list = mem_alloc(depth * sizeof *d->list);
	d->list_count = mem_alloc(depth * sizeof *d->list_count);
	d->eval.memo_count = book_word_count(s->b);
	if (s->e->needs & N_PROFILE) {
		d->eval.department_memo = mem_alloc((size_t)d->eval.memo_count * sizeof *d->eval.department_memo);
		d->eval.text_memo = mem_alloc((s->e->text_count + 1) * sizeof *d->eval.text_memo);
		for (uint32_t i = 0; i < s->e->text_count; i++)
			d->eval.text_memo[i] = mem_alloc(d->eval.memo_count);
	}
	for (uint32_t i = 0; i < BOOK_CHUNK; i++)
		d->people[i] = (struct subject){ .book = s->b, .version = s->v, .thresholds = s->t };
	return d;
}

static void desk_free(struct desk *d, const struct select *s)
{
	if (!d)
		return;
	for (uint32_t i = 0; d->eval.text_memo && i < s->e->text_count; i++)
		free(d->eval.text_memo[i]);
	free(d->eval.text_memo);
	free(d->eval.department_memo);
	free(d->column);
	free(d->list);
	free(d->list_count);
	free(d);
}

/* ---- one chunk ---- */

/* view_at() for what the condition looks at only. */
static void look(const struct select *s, struct view *w, const struct chunk *k, uint32_t i)
{
	uint32_t needs = s->e->needs;
	int64_t now = s->now.s;
	w->k = k;
	w->i = i;
	w->customer = k->first + i;
	w->now = s->now;
#define VISIBLE(need, name, at)                                                                                        \
	if (needs & (need)) {                                                                                              \
		uint32_t from = k->name##_start[i], to = k->name##_start[i + 1];                                               \
		while (to > from && (int64_t)(at) > now)                                                                       \
			to--;                                                                                                      \
		w->name##0 = from;                                                                                             \
		w->name##1 = to;                                                                                               \
	}
	VISIBLE(N_ORDERS, order, k->order_at[to - 1])
	VISIBLE(N_CARTS, cart, k->carts[to - 1].at)
	VISIBLE(N_EVENTS, event, k->events[to - 1].at)
	VISIBLE(N_CONSENTS, consent, k->consents[to - 1].at)
#undef VISIBLE
}

/* Puts everybody of the chunk on the first list. */
static void seat(const struct select *s, struct desk *d, const struct chunk *k)
{
	uint32_t n = 0, people = s->v->customers - k->first + 1;
	for (uint32_t i = 0; i < BOOK_CHUNK && i < people; i++) {
		customer_id c = k->first + i;
		if (s->states && s->states[c].erased)
			continue;
		struct subject *who = &d->people[i];
		look(s, &who->view, k, i);
		who->state = s->states ? &s->states[c] : NULL;
		if (s->e->needs & N_TODAY) {
			zone_id zone = k->profile[i].zone;
			if (!d->has_today || zone != d->zone) {
				d->has_today = true;
				d->zone = zone;
				d->today = zone_date(zone, s->asof);
			}
			who->zone = zone;
			who->today = d->today;
		}
		d->list[0][n++] = (uint16_t)i;
	}
	d->list_count[0] = n;
}

#define EACH(d, level) for (uint32_t j_ = 0, i; j_ < (d)->list_count[level] && (i = (d)->list[level][j_], true); j_++)

static void ask_leaf(struct desk *d, const struct leaf *l, uint32_t level, int64_t *out)
{
	EACH(d, level)
	{
		d->eval.s = &d->people[i];
		out[i] = leaf_eval(l, &d->eval);
	}
}

/* Those of the list whose value does not settle the matter go on the next one; false: nobody. */
static bool narrow(struct desk *d, uint32_t level, const int64_t *column, int64_t settled)
{
	uint32_t n = 0;
	EACH(d, level)
	{
		d->list[level + 1][n] = (uint16_t)i;
		n += column[i] != settled;
	}
	d->list_count[level + 1] = n;
	return n > 0;
}

#define COMPARE(code)                                                                                                  \
	case code:                                                                                                         \
		EACH(d, level)                                                                                                 \
		a[i] = value_compare(code, a[i], b[i]);                                                                        \
		break

static void combine(struct desk *d, enum opcode code, uint32_t level, int64_t *a, const int64_t *b)
{
	switch ((int)code) {
		COMPARE(OP_LT);
		COMPARE(OP_LE);
		COMPARE(OP_EQ);
		COMPARE(OP_NE);
		COMPARE(OP_GE);
		COMPARE(OP_GT);
	case OP_AND:
		EACH(d, level)
		a[i] = tri_and(a[i], b[i]);
		break;
	case OP_OR:
		EACH(d, level)
		a[i] = tri_or(a[i], b[i]);
		break;
	default:
		EACH(d, level)
		a[i] = value_arith(code, a[i], b[i]);
		break;
	}
}

static const int64_t *ask_chunk(const struct select *s, struct desk *d)
{
	uint32_t n = 0, level = 0;
	for (uint32_t pc = 0; pc < s->e->op_count; pc++) {
		const struct op *op = &s->e->ops[pc];
		enum opcode code = (enum opcode)op->code;
		switch ((int)code) {
		case OP_CONST:
			EACH(d, level)
			d->column[n][i] = op->v;
			n++;
			break;
		case OP_LEAF: ask_leaf(d, op->leaf, level, d->column[n++]); break;
		case OP_SKIP_FALSE:
		case OP_SKIP_TRUE:
			if (narrow(d, level, d->column[n - 1], code == OP_SKIP_FALSE ? TRI_FALSE : TRI_TRUE))
				level++;
			else
				pc = op->jump - 1;
			break;
		case OP_AND:
		case OP_OR:
			n--;
			combine(d, code, level, d->column[n - 1], d->column[n]);
			level--;
			break;
		case OP_LT:
		case OP_LE:
		case OP_EQ:
		case OP_NE:
		case OP_GE:
		case OP_GT:
		case OP_ADD:
		case OP_SUB:
		case OP_MUL:
		case OP_DIV:
		case OP_RATIO:
		case OP_DATE_DIFF:
			n--;
			combine(d, code, level, d->column[n - 1], d->column[n]);
			break;
		default: /* of one value */
			EACH(d, level)
			d->column[n - 1][i] = value_unary(code, op, &d->eval, d->column[n - 1][i]);
			break;
		}
	}
	check(n == 1 && level == 0);
	return d->column[0];
}

/* The chunk's first and last word are shared with its neighbours. */
static uint64_t publish(const struct select *s, struct desk *d, customer_id first, const int64_t *column)
{
	uint64_t out[BOOK_CHUNK / 64 + 1] = { 0 }, count = 0;
	size_t word0 = first >> 6;
	EACH(d, 0)
	{
		bool holds = column[i] == TRI_TRUE;
		customer_id c = first + i;
		out[(c >> 6) - word0] |= (uint64_t)holds << (c & 63);
		count += holds;
	}
	for (size_t w = 0; w < ARRAY_LEN(out); w++)
		if (out[w])
			__atomic_fetch_or(&s->bits[word0 + w], out[w], __ATOMIC_RELAXED);
	return count;
}

static void select_chunks(void *ctx, size_t from, size_t to, int thread)
{
	struct select *s = ctx;
	if (!s->desks[thread])
		s->desks[thread] = desk_new(s);
	struct desk *d = s->desks[thread];
	uint64_t count = 0;
	for (size_t c = from; c < to; c++) {
		const struct chunk *k = s->v->chunks[c];
		if (k->first == GUESTS || k->first > s->v->customers)
			continue;
		seat(s, d, k);
		if (d->list_count[0])
			count += publish(s, d, k->first, ask_chunk(s, d));
	}
	atomic_fetch_add(&s->count, count);
}

static uint64_t select_all(const struct version *v, const struct pstate *states, uint64_t *bits)
{
	uint64_t count = 0;
	for (customer_id c = 1; c <= v->customers && c != 0; c++)
		if (!(states && states[c].erased)) {
			bits[c >> 6] |= 1ull << (c & 63);
			count++;
		}
	return count;
}

enum { CHUNKS_AT_ONCE = 16 };

uint64_t expr_select(const struct expr *e, const struct book *b, const struct version *v, const struct pstate *states,
                     struct instant now, const struct thresholds *t, int threads, uint64_t *bits)
{
	memset(bits, 0, ((size_t)v->customers + 64) / 64 * sizeof *bits);
	if (!e)
		return select_all(v, states, bits);
	struct select s = { .e = e, .b = b, .v = v, .states = states, .now = now, .asof = now, .t = t, .bits = bits };
	if (t) {
		struct instant start = day_start(book_get_options(b)->zone, t->day);
		s.asof = start.s > now.s ? start : now;
	}
	threads = par_threads(threads);
	s.desks = mem_alloc((size_t)threads * sizeof(struct desk *));
	bind(&s);
	par_for(v->chunk_count, CHUNKS_AT_ONCE, threads, select_chunks, &s);
	for (int i = 0; i < threads; i++)
		desk_free(s.desks[i], &s);
	for (uint32_t i = 0; i < e->leaf_count; i++)
		free((void *)s.bounds[i].product_bits);
	free((void *)s.base.rfm);
	free(s.bounds);
	free(s.words);
	free(s.desks);
	return s.count;
}
