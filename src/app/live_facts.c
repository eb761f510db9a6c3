/* New facts: into the book, onto the messages they speak of, and their people onto the list of the tick. */
#include "app/live_int.h"

#include "app/config.h"
#include "app/together.h"

#include <stdlib.h>

enum { FACTS_AT_ONCE = 20000 };

void live_look_at(struct live *l, customer_id c, uint32_t at)
{
	if (c == GUESTS || c >= l->people)
		return;
	if (l->next_at[c] <= at)
		return;
	l->next_at[c] = at;
	timers_add(&l->timers, at, c);
}

void live_grow(struct live *l, uint32_t customers)
{
	size_t people = (size_t)customers + 1;
	if (people <= l->people)
		return;
	if (people > l->people_cap) {
		size_t cap = l->people_cap ? l->people_cap : 1024;
		while (cap < people)
			cap *= 2;
		l->states = mem_realloc(l->states, cap * sizeof *l->states);
		l->next_at = mem_realloc(l->next_at, cap * sizeof *l->next_at);
		if (l->peers)
			l->peers = mem_realloc(l->peers, cap * sizeof *l->peers);
		l->people_cap = cap;
	}
	memset(l->states + l->people, 0, (people - l->people) * sizeof *l->states);
	if (l->peers)
		memset(l->peers + l->people, 0, (people - l->people) * sizeof *l->peers);
	for (size_t c = l->people; c < people; c++)
		l->next_at[c] = UINT32_MAX;
	l->people = people;
	l->world.states = l->peers ? l->states : NULL;
	l->world.peers = l->peers;
	allot_grow(&l->waiting, l->plans, l->people);
}

static int by_number(const void *x, const void *y)
{
	customer_id a = *(const customer_id *)x, b = *(const customer_id *)y;
	return (a > b) - (a < b);
}

struct batch {
	struct arena arena;
	struct fact *facts;
	size_t count, cap;
	bool switched, profiles;
};

static bool keep(void *ctx, const struct fact *f, struct err *err)
{
	struct batch *b = ctx;
	b->facts = mem_grow(b->facts, &b->cap, b->count + 1, sizeof *b->facts);
	struct fact *copy = &b->facts[b->count++];
	*copy = *f;
	copy->key = arena_str(&b->arena, f->key);
	copy->body = arena_str(&b->arena, f->body);
	b->switched |= f->kind == FACT_SWITCH || f->kind == FACT_SETTING;
	b->profiles |= f->kind == FACT_PROFILE;
	return true;
}

static bool take_receipt(struct live *l, const struct fact *f, struct live_slice *moved, struct arena *a,
                         struct err *err)
{
	struct receipt_body r;
	uint16_t plan;
	uint8_t step;
	if (!body_read_receipt(f->body, a, &r, err))
		return false;
	if (f->customer >= l->people || !live_find_step(l, f->customer, r.plan, (uint32_t)r.run, r.step, &plan, &step))
		return true; /* of a message erased since, or of another shop's plan */
	live_turn_begin(l, moved, f->customer);
	engine_receipt(&l->world, &l->states[f->customer], plan, (uint16_t)r.run, step, r.channel, r.receipt,
	               live_answer(r.answer), f->at);
	live_turn_end(l, moved);
	if (r.receipt == RECEIPT_HARD_BOUNCE || r.receipt == RECEIPT_COMPLAINT || r.receipt == RECEIPT_UNSUBSCRIBED ||
	    r.receipt == RECEIPT_ANSWERED)
		live_recall(l, f->customer);
	return true;
}

static void refresh_peers(struct live *l)
{
	free(l->peers);
	l->peers = peers_find(l->world.version);
	if (l->peers) {
		l->peers = mem_realloc(l->peers, l->people_cap * sizeof *l->peers);
		for (size_t c = (size_t)l->world.version->customers + 1; c < l->people; c++)
			l->peers[c] = 0;
	}
	l->world.states = l->peers ? l->states : NULL;
	l->world.peers = l->peers;
}

/* Records that are one person with others, before or after these facts: folded anew as a whole (together.h). */
struct joined {
	customer_id *some;
	size_t count, cap;
};

static void join_again(struct joined *j, customer_id c)
{
	j->some = mem_grow(j->some, &j->cap, j->count + 1, sizeof *j->some);
	j->some[j->count++] = c;
}

static bool take_merges(struct live *l, const struct batch *b, struct joined *j, struct err *err)
{
	for (size_t i = 0; i < b->count; i++) {
		bool changed = false;
		customer_id before = merges_root(&l->shop.merges, b->facts[i].customer);
		if (!merges_take(&l->shop.merges, &b->facts[i], &changed, err))
			return false;
		if (changed) {
			join_again(j, before);
			join_again(j, b->facts[i].customer);
		}
	}
	for (size_t i = 0; i < b->count; i++)
		if (b->facts[i].customer != GUESTS && merges_joined(&l->shop.merges, b->facts[i].customer))
			join_again(j, b->facts[i].customer);
	return true;
}

/* The book takes the facts of everybody else one by one. */
static bool apply_others(struct book *book, const struct batch *b, const customer_id *all, size_t count,
                         struct err *err)
{
	struct fact *others = mem_alloc(b->count * sizeof *others);
	for (size_t i = 0; i < b->count; i++) {
		others[i] = b->facts[i];
		if (bsearch(&others[i].customer, all, count, sizeof *all, by_number))
			others[i].kind = FACT_GRANT; /* which the book passes over */
	}
	bool ok = book_apply(book, others, b->count, err);
	free(others);
	return ok;
}

/* These (together_all) as the database has them, up to fact number `upto`. */
static bool fold_anew(struct live *l, const customer_id *all, size_t count, int64_t upto, struct err *err)
{
	struct together t;
	bool ok = true;
	together_init(&t);
	for (size_t i = 0; ok && i < count; i++)
		ok = together_read(&t, l->shop.db, all[i], upto, INSTANT_NEVER, err);
	ok = ok && together_fold(&t, l->shop.book, &l->shop.merges, all, count, err);
	together_release(&t);
	return ok;
}

static bool apply_joined(struct live *l, const struct batch *b, const customer_id *all, size_t count, struct err *err)
{
	return apply_others(l->shop.book, b, all, count, err) && fold_anew(l, all, count, b->facts[b->count - 1].seq, err);
}

static bool apply_book(struct live *l, const struct batch *b, customer_id **all, size_t *count, struct err *err)
{
	struct joined j = { .count = 0 };
	*all = NULL;
	*count = 0;
	bool ok = take_merges(l, b, &j, err);
	if (ok && j.count) {
		*all = together_all(&l->shop.merges, j.some, j.count, count);
		ok = apply_joined(l, b, *all, *count, err);
	} else if (ok) {
		ok = book_apply(l->shop.book, b->facts, b->count, err);
	}
	free(j.some);
	return ok;
}

/* After the facts: what each record has of its own is up to date. */
static void join_states(struct live *l, const struct version *before, const customer_id *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (all[i] >= l->people)
			continue;
		if (merges_root(&l->shop.merges, all[i]) == all[i])
			together_states(&l->shop.merges, all[i], l->states, l->plans);
		live_suppress_anew(l, before, all[i]);
		live_look_at(l, all[i], (uint32_t)l->now.s);
	}
}

static bool apply(struct live *l, struct batch *b, struct err *err)
{
	struct book *book = l->shop.book;
	customer_id *joined;
	size_t joined_count;
	if (!apply_book(l, b, &joined, &joined_count, err)) {
		free(joined);
		return false;
	}
	const struct version *before = l->world.version;
	l->world.version = book_pin(book);
	live_grow(l, l->world.version->customers);
	l->seq_hi = b->facts[b->count - 1].seq;
	struct live_slice moved = { .turn_count = 0 };
	bool ok = true;
	arena_init(&moved.arena);
	for (size_t i = 0; i < b->count && ok; i++) {
		const struct fact *f = &b->facts[i];
		if (f->kind == FACT_RECEIPT)
			ok = take_receipt(l, f, &moved, &b->arena, err);
		else if (f->customer != GUESTS)
			live_recall(l, f->customer);
		if (f->kind == FACT_PROFILE)
			live_suppress_anew(l, before, f->customer);
		if (f->kind == FACT_THRESHOLD)
			ok =
				load_thresholds(f->body, &l->thresholds) || err_set(err, ERR_WORLD, "frozen thresholds cannot be read");
		uint32_t at = f->at.s > l->now.s ? (uint32_t)f->at.s : (uint32_t)l->now.s; /* a fact may lie a little ahead */
		live_look_at(l, f->customer, at);
	}
	join_states(l, before, joined, joined_count);
	book_unpin(book, before);
	ok = ok && (l->audit || live_commit(l, &moved, NULL, err));
	live_slice_release(&moved);
	if (b->profiles || joined_count)
		refresh_peers(l);
	free(joined);
	if (b->switched)
		live_recall(l, GUESTS);
	l->result->facts += b->count;
	return ok;
}

static bool reload_plans(struct live *l, struct err *err)
{
	if (!config_read(l->shop.db, &l->shop.shop, &l->shop.settings, err) || !live_load_plans(l, err))
		return false;
	l->world.words = plan_set_words(l->plans, &l->arena);
	for (customer_id c = 1; c < l->people; c++) /* a switch concerns everybody */
		live_look_at(l, c, (uint32_t)l->now.s);
	return true;
}

bool live_take_facts(struct live *l, struct err *err)
{
	for (;;) {
		int64_t left = l->seq_max - l->seq_hi; /* numbers have no gaps */
		if (left <= 0)
			return true;
		struct batch b = { .count = 0 };
		arena_init(&b.arena);
		bool ok = store_facts_after(l->shop.db, l->seq_hi, left < FACTS_AT_ONCE ? left : FACTS_AT_ONCE, keep, &b, err);
		bool more = b.count > 0;
		if (ok && more)
			ok = apply(l, &b, err) && (!b.switched || l->audit || reload_plans(l, err));
		free(b.facts);
		arena_release(&b.arena);
		if (!ok || !more)
			return ok;
	}
}

/* ---- people who were erased ---- */

/* Their runs and messages, as counts without content: nothing is asked of them again. */
static bool load_erased(struct live *l, const customer_id *all, size_t count, struct err *err)
{
	bool shared = false, ok = true;
	for (size_t i = 0; i < count; i++) {
		customer_id c = all[i];
		shared |= l->peers && l->peers[c];
		pstate_release(&l->states[c]);
		l->states[c] = (struct pstate){ .erased = 1, .wake = UINT32_MAX };
		l->next_at[c] = UINT32_MAX;
		allot_forget(&l->waiting, c);
	}
	for (size_t i = 0; i < count && ok; i++)
		if (merges_root(&l->shop.merges, all[i]) == all[i])
			ok = live_load_state(l, all[i], err);
	if (shared)
		refresh_peers(l);
	return ok;
}

bool live_erased(struct live *l, const customer_id *records, size_t count, struct err *err)
{
	size_t n;
	customer_id *all = together_all(&l->shop.merges, records, count, &n);
	while (n && all[n - 1] >= l->people) /* told of since the last turn: nothing is known of them */
		n--;
	for (size_t i = 0; i < n; i++)
		live_recall(l, all[i]);
	bool ok = fold_anew(l, all, n, l->seq_hi, err);
	if (ok) {
		const struct version *before = l->world.version;
		l->world.version = book_pin(l->shop.book);
		ok = load_erased(l, all, n, err);
		book_unpin(l->shop.book, before);
	}
	l->sound = l->sound && ok;
	free(all);
	return ok;
}
