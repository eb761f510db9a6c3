/* The budgets of a tick: after everybody due was asked, the messages that asked for money get their answers, the most
 * valuable customer first, in slices with a line of the tick log each. */
#include "app/live_int.h"

enum { SLICE = 256 };

void live_spend_one(struct live *l, const struct spend *s, struct live_slice *out)
{
	int64_t again;
	bool granted = purse_grant(&l->purse, &l->world, s, &again);
	live_turn_begin(l, out, s->customer);
	if (!engine_spend(&l->world, s, &l->states[s->customer], granted, again, &out->said) && granted)
		purse_give_back(&l->purse, &l->world, s); /* asked for twice in this tick */
	live_turn_end(l, out);
	purse_take(&l->purse, &out->said); /* the person's next message may ask in turn */
	live_look_again(l, s->customer);
}

bool live_spend(struct live *l, struct err *err)
{
	struct spend s;
	if (l->purse.count == 0)
		return true;
	struct live_slice out = { .turn_count = 0 };
	struct live_round round = { .kind = ROUND_SPENT };
	bool ok = true;
	arena_init(&out.arena);
	purse_count(&l->purse, &l->world, l->states, l->people, l->now);
	while (ok && purse_next(&l->purse, &s)) {
		live_spend_one(l, &s, &out);
		if (++round.upto < SLICE && l->purse.count)
			continue;
		ok = live_commit(l, &out, &round, err);
		live_slice_clear(&out);
		round.upto = 0;
	}
	live_slice_release(&out);
	return ok;
}
