#include "fold/expr_int.h"

#include "base/par.h"

#include <stdatomic.h>

struct select {
	const struct expr *e;
	const struct book *b;
	const struct version *v;
	const struct pstate *states;
	struct instant now;
	const struct thresholds *t;
	uint64_t *bits;
	_Atomic uint64_t count;
};

static void select_words(void *ctx, size_t from, size_t to, int thread)
{
	struct select *s = ctx;
	uint64_t count = 0;
	for (size_t w = from; w < to; w++) {
		uint64_t bits = 0;
		for (uint64_t c = w * 64; c < w * 64 + 64; c++) {
			if (c == GUESTS || c > s->v->customers)
				continue;
			struct subject who;
			expr_subject(s->b, s->v, s->states, (customer_id)c, s->now, s->t, &who);
			if (!(who.state && who.state->erased) && expr_holds(s->e, &who))
				bits |= 1ull << (c & 63);
		}
		s->bits[w] = bits;
		count += (uint64_t)__builtin_popcountll(bits);
	}
	atomic_fetch_add(&s->count, count);
}

uint64_t expr_select(const struct expr *e, const struct book *b, const struct version *v, const struct pstate *states,
                     struct instant now, const struct thresholds *t, int threads, uint64_t *bits)
{
	struct select s = { .e = e, .b = b, .v = v, .states = states, .now = now, .t = t, .bits = bits };
	par_for((v->customers + 64) / 64, 4, threads, select_words, &s);
	return s.count;
}
