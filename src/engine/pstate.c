/* A person's runs and messages, and the decisions of a turn: memory, grown as needed. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

void decisions_release(struct decisions *d)
{
	free(d->items);
	free(d->proposals);
	free(d->spends);
	*d = (struct decisions){ 0 };
}

void pstate_release(struct pstate *s)
{
	free(s->runs);
	free(s->sent);
	*s = (struct pstate){ 0 };
}

static void *grow16(void *items, uint16_t *cap, uint16_t count, size_t size)
{
	if (count < *cap)
		return items;
	check(*cap < UINT16_MAX / 2);
	*cap = *cap ? (uint16_t)(*cap * 2) : 2;
	/* Not realloc(), which takes the lock of the arena that the old block is of: threads would wait for each other. */
	void *wider = mem_realloc(NULL, *cap * size);
	if (count)
		memcpy(wider, items, count * size);
	free(items);
	return wider;
}

struct sent *pstate_add_sent(struct pstate *s)
{
	s->sent = grow16(s->sent, &s->sent_cap, s->sent_count, sizeof *s->sent);
	struct sent *m = &s->sent[s->sent_count++];
	*m = (struct sent){ 0 };
	return m;
}

struct run *pstate_add_run(struct pstate *s)
{
	s->runs = grow16(s->runs, &s->run_cap, s->run_count, sizeof *s->runs);
	struct run *r = &s->runs[s->run_count++];
	*r = (struct run){ 0 };
	return r;
}
static bool run_before(const struct plan_set *set, const struct run *a, const struct run *b)
{
	if (a->entered_at != b->entered_at)
		return a->entered_at < b->entered_at;
	if (set->family[a->plan] != set->family[b->plan])
		return set->family[a->plan] < set->family[b->plan];
	return a->run_no < b->run_no;
}

struct run *pstate_place_run(struct pstate *s, const struct plan_set *set)
{
	uint16_t i = (uint16_t)(s->run_count - 1);
	struct run r = s->runs[i];
	for (; i > 0 && run_before(set, &r, &s->runs[i - 1]); i--)
		s->runs[i] = s->runs[i - 1];
	s->runs[i] = r;
	return &s->runs[i];
}

struct run *pstate_run(struct pstate *s, uint16_t plan, uint16_t run_no)
{
	for (uint16_t i = s->run_count; i-- > 0;)
		if (s->runs[i].plan == plan && s->runs[i].run_no == run_no)
			return &s->runs[i];
	return NULL;
}

void sent_note(struct sent *m, enum receipt receipt, uint8_t answer, struct instant at)
{
	uint32_t when = (uint32_t)at.s;
	switch (receipt) {
	case RECEIPT_OPENED: m->opened_at = m->opened_at ? m->opened_at : when; break;
	case RECEIPT_CLICKED: m->clicked_at = m->clicked_at ? m->clicked_at : when; break;
	case RECEIPT_ANSWERED: m->answer = answer; break;
	case RECEIPT_SOFT_BOUNCE: m->bounced = m->bounced ? m->bounced : 1; break;
	case RECEIPT_HARD_BOUNCE: m->bounced = 2; break;
	case RECEIPT_COMPLAINT: m->bounced = 3; break;
	case RECEIPT_ACCEPTED:
		m->state = SENT_ACCEPTED;
		m->at = when;
		break;
	case RECEIPT_UNCERTAIN:
		m->state = SENT_UNCERTAIN;
		m->at = when;
		break;
	case RECEIPT_REFUSED: m->state = SENT_REFUSED; break;
	case RECEIPT_DROPPED: m->state = SENT_DROPPED; break;
	case RECEIPT_UNSUBSCRIBED:
	case RECEIPT_COUNT: break;
	}
}
