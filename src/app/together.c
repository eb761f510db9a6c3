#include "app/together.h"

#include "engine/engine.h"

#include <stdlib.h>

void together_init(struct together *t)
{
	*t = (struct together){ .count = 0 };
	arena_init(&t->arena);
}

void together_release(struct together *t)
{
	free(t->facts);
	arena_release(&t->arena);
}

void together_add(struct together *t, const struct fact *f)
{
	t->facts = mem_grow(t->facts, &t->cap, t->count + 1, sizeof *t->facts);
	struct fact *copy = &t->facts[t->count++];
	*copy = *f;
	copy->key = arena_str(&t->arena, f->key);
	copy->body = arena_str(&t->arena, f->body);
}

struct reading {
	struct together *t;
	int64_t upto;
};

static bool take_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct reading *r = ctx;
	(void)err;
	if (f->seq <= r->upto)
		together_add(r->t, f);
	return true;
}

bool together_read(struct together *t, struct db *db, customer_id c, int64_t upto, struct instant known,
                   struct err *err)
{
	struct reading r = { t, upto };
	return store_facts_by_customer(db, c, c, known, take_fact, &r, err);
}

/* ---- who ---- */

static int by_number(const void *x, const void *y)
{
	customer_id a = *(const customer_id *)x, b = *(const customer_id *)y;
	return (a > b) - (a < b);
}

static size_t each_once(customer_id *list, size_t count)
{
	size_t n = 0;
	if (count)
		qsort(list, count, sizeof *list, by_number);
	for (size_t i = 0; i < count; i++)
		if (n == 0 || list[n - 1] != list[i])
			list[n++] = list[i];
	return n;
}

customer_id *together_all(const struct merges *m, const customer_id *records, size_t count, size_t *all)
{
	size_t n = 0, cap = 0, roots;
	customer_id *list = mem_alloc((count + 1) * sizeof *list), *who;
	for (size_t i = 0; i < count; i++)
		list[i] = merges_root(m, records[i]);
	cap = count + 1;
	n = roots = each_once(list, count);
	for (size_t i = 0; i < m->count; i++) {
		customer_id root = merges_root(m, m->items[i].from);
		if (!bsearch(&root, list, roots, sizeof *list, by_number))
			continue;
		list = mem_grow(list, &cap, n + 1, sizeof *list);
		list[n++] = m->items[i].from;
	}
	who = list;
	*all = each_once(who, n);
	return who;
}

/* ---- facts ---- */

struct placed {
	customer_id root;
	int64_t order; /* of facts: seq; of merges: their place */
	size_t at;
};

static int by_root(const void *x, const void *y)
{
	const struct placed *a = x, *b = y;
	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static size_t first_of(const struct placed *list, size_t count, customer_id root)
{
	size_t from = 0, to = count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (list[middle].root < root)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Facts sorted by whose they are now; of the merged away their own profile once more, for its address. */
struct folding {
	struct placed *facts, *joins, *own;
	struct fact *sorted, *profiles;
	struct book_join *join;
	size_t fact_count, join_count, own_count;
};

static void sort_facts(struct folding *f, const struct together *t, const struct merges *m)
{
	f->facts = mem_alloc((t->count + 1) * sizeof *f->facts);
	f->own = mem_alloc((t->count + 1) * sizeof *f->own);
	f->sorted = mem_alloc((t->count + 1) * sizeof *f->sorted);
	f->profiles = mem_alloc((t->count + 1) * sizeof *f->profiles);
	for (size_t i = 0; i < t->count; i++) {
		const struct fact *one = &t->facts[i];
		customer_id root = merges_root(m, one->customer);
		f->facts[f->fact_count++] = (struct placed){ root, one->seq, i };
		if (root != one->customer && one->kind == FACT_PROFILE)
			f->own[f->own_count++] = (struct placed){ one->customer, one->seq, i };
	}
	qsort(f->facts, f->fact_count, sizeof *f->facts, by_root);
	qsort(f->own, f->own_count, sizeof *f->own, by_root);
	for (size_t i = 0; i < f->fact_count; i++)
		f->sorted[i] = t->facts[f->facts[i].at];
	for (size_t i = 0; i < f->own_count; i++)
		f->profiles[i] = t->facts[f->own[i].at];
}

static void sort_joins(struct folding *f, const struct merges *m)
{
	f->joins = mem_alloc((m->count + 1) * sizeof *f->joins);
	f->join = mem_alloc((m->count + 1) * sizeof *f->join);
	for (size_t i = 0; i < m->count; i++)
		f->joins[f->join_count++] = (struct placed){ merges_root(m, m->items[i].from), (int64_t)i, i };
	qsort(f->joins, f->join_count, sizeof *f->joins, by_root);
	for (size_t i = 0; i < f->join_count; i++) {
		const struct merge_edge *e = &m->items[f->joins[i].at];
		f->join[i] = (struct book_join){ e->from, e->into, e->at.s > 0 ? (uint32_t)e->at.s : 0 };
	}
}

static struct book_group group_of(const struct folding *f, const struct merges *m, customer_id c)
{
	customer_id root = merges_root(m, c);
	if (root != c) {
		size_t from = first_of(f->own, f->own_count, c);
		return (struct book_group){ .customer = c,
			                        .merged_into = root,
			                        .facts = f->profiles + from,
			                        .fact_count = first_of(f->own, f->own_count, c + 1) - from };
	}
	size_t from = first_of(f->facts, f->fact_count, c), join = first_of(f->joins, f->join_count, c);
	return (struct book_group){ .customer = c,
		                        .joins = f->join + join,
		                        .join_count = first_of(f->joins, f->join_count, c + 1) - join,
		                        .facts = f->sorted + from,
		                        .fact_count = first_of(f->facts, f->fact_count, c + 1) - from };
}

bool together_fold(struct together *t, struct book *book, const struct merges *m, const customer_id *all, size_t count,
                   struct err *err)
{
	struct folding f = { .fact_count = 0 };
	struct book_group *groups = mem_alloc((count + 1) * sizeof *groups);
	sort_facts(&f, t, m);
	sort_joins(&f, m);
	for (size_t i = 0; i < count; i++)
		groups[i] = group_of(&f, m, all[i]);
	bool ok = book_replace(book, groups, count, err);
	free(groups);
	free(f.facts);
	free(f.own);
	free(f.sorted);
	free(f.profiles);
	free(f.joins);
	free(f.join);
	return ok;
}

/* ---- runs and messages ---- */

static void drop_joined(struct pstate *s)
{
	uint16_t runs = 0, sent = 0;
	for (uint16_t i = 0; i < s->run_count; i++)
		if (!run_is_joined(s->runs[i].run_no))
			s->runs[runs++] = s->runs[i];
	for (uint16_t i = 0; i < s->sent_count; i++)
		if (!run_is_joined(s->sent[i].run_no))
			s->sent[sent++] = s->sent[i];
	s->run_count = runs;
	s->sent_count = sent;
}

/* Over for the survivor, whether the record's own run has been told so yet or not. */
void together_state(struct pstate *to, const struct pstate *from, uint16_t *next, const struct plan_set *set)
{
	for (uint16_t i = 0; i < from->run_count; i++) {
		const struct run *own = &from->runs[i];
		if (run_is_joined(own->run_no) || *next < RUN_JOINED)
			continue;
		struct run *r = pstate_add_run(to);
		*r = *own;
		r->run_no = (*next)++;
		r->queued = 0;
		r->hold_until = 0;
		r->state = own->state == RUN_ACTIVE ? RUN_EXITED : own->state;
		uint16_t number = r->run_no;
		pstate_place_run(to, set);
		for (uint16_t k = 0; k < from->sent_count; k++) {
			if (from->sent[k].plan != own->plan || from->sent[k].run_no != own->run_no)
				continue;
			struct sent *m = pstate_add_sent(to);
			*m = from->sent[k];
			m->run_no = number;
			m->state = m->state == SENT_QUEUED ? SENT_DROPPED : m->state;
		}
	}
}

void together_states(const struct merges *m, customer_id survivor, struct pstate *states, const struct plan_set *set)
{
	customer_id *list = NULL;
	size_t count = 0, cap = 0;
	uint16_t next = RUN_JOINED;
	drop_joined(&states[survivor]);
	merges_members(m, survivor, &list, &count, &cap);
	for (size_t i = 0; i < count; i++) {
		drop_joined(&states[list[i]]);
		together_state(&states[survivor], &states[list[i]], &next, set);
	}
	free(list);
}
