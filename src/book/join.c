/* Several records that are one person: what the profile says, and what was consented to. Both from the first record
 * that was merged to the last, so that a record that had taken in another joins with what that one brought. */
#include "book/chunk.h"

#include <stdlib.h>

/* ---- the profile: the survivor's word, else the other's ---- */

static void lay_text(struct str *have, struct str other)
{
	if (!have->n)
		*have = other;
}

static bool same_text(const void *x, const void *y)
{
	return str_eq(*(const struct str *)x, *(const struct str *)y);
}

static bool same_day(const void *x, const void *y)
{
	return ((const struct date *)x)->day == ((const struct date *)y)->day;
}

/* What the other has and the one has not, behind what the one has: an array in `a`. How many there are then. */
static size_t lay_list(void **have, size_t n, const void *other, size_t more, size_t size,
                       bool (*same)(const void *x, const void *y), struct arena *a)
{
	char *all = arena_alloc(a, (n + more + 1) * size);
	size_t count = n;
	if (n)
		memcpy(all, *have, n * size);
	for (size_t i = 0; i < more; i++) {
		const char *item = (const char *)other + i * size;
		bool known = false;
		for (size_t k = 0; k < count && !known; k++)
			known = same(all + k * size, item);
		if (!known)
			memcpy(all + count++ * size, item, size);
	}
	*have = all;
	return count;
}

static size_t lay_texts(struct str **have, size_t n, const struct str *other, size_t more, struct arena *a)
{
	void *list = *have;
	n = lay_list(&list, n, other, more, sizeof **have, same_text, a);
	*have = list;
	return n;
}

static size_t lay_days(struct date **have, size_t n, const struct date *other, size_t more, struct arena *a)
{
	void *list = *have;
	n = lay_list(&list, n, other, more, sizeof **have, same_day, a);
	*have = list;
	return n;
}

void profile_lay(struct profile_body *have, const struct profile_body *other, struct arena *a)
{
	bool mail = have->reach & REACH_EMAIL, others_mail = other->reach & REACH_EMAIL;
	if (!have->address || (!mail && others_mail)) /* the hash is the e-mail's, when there is one */
		have->address = other->address ? other->address : have->address;
	have->reach |= other->reach;
	lay_text(&have->zone, other->zone);
	lay_text(&have->postcode, other->postcode);
	lay_text(&have->store, other->store);
	lay_text(&have->sector, other->sector);
	if (have->locale < 0)
		have->locale = other->locale;
	if (other->created.s < have->created.s) /* since when the person is a customer: the earlier of both */
		have->created = other->created;
	if (!date_known(have->born))
		have->born = other->born;
	if (!have->gender)
		have->gender = other->gender;
	have->tag_count = lay_texts(&have->tags, have->tag_count, other->tags, other->tag_count, a);
	have->interest_count =
		lay_texts(&have->interests, have->interest_count, other->interests, other->interest_count, a);
	have->child_count = lay_days(&have->children, have->child_count, other->children, other->child_count, a);
}

/* ---- consents ---- */

struct said {
	struct staged_consent *items;
	size_t count, cap;
};

/* What the record had last said of e's channel and purpose when e was said; −1: nothing. Opposition to marketing stays
 * until it is lifted there by an opt-in, as fold/basis.c has it. */
static int state_then(const struct said *s, const struct consent *e)
{
	int state = -1;
	uint32_t at = 0, opposed = 0;
	bool opposes = false;
	for (size_t i = 0; i < s->count; i++) {
		const struct consent *c = &s->items[i].consent;
		if (c->at > e->at || c->channel != e->channel || c->purpose != e->purpose)
			continue;
		if (state < 0 || c->at > at || consent_strictness(c->state) >= consent_strictness((uint8_t)state)) {
			state = c->state;
			at = c->at;
		}
		if (c->state == CONSENT_OPPOSED && c->purpose == PURPOSE_MARKETING) {
			opposes = true;
			opposed = c->at;
		} else if (c->state == CONSENT_GRANTED && c->at > opposed) {
			opposes = false;
		}
	}
	return opposes ? CONSENT_OPPOSED : state;
}

static void said_add(struct said *s, const struct staged_consent *c)
{
	s->items = mem_grow(s->items, &s->cap, s->count + 1, sizeof *s->items);
	s->items[s->count++] = *c;
}

static void said_release(struct said *s)
{
	free(s->items);
	*s = (struct said){ .count = 0 };
}

/* y joins x at `at`: both in order of time, and so is what comes of them. */
static void combine(struct said *x, struct said *y, uint32_t at)
{
	struct said both = { .count = 0 };
	for (size_t i = 0, j = 0; i < x->count || j < y->count;) {
		bool first = j == y->count || (i < x->count && x->items[i].head.at <= y->items[j].head.at);
		struct staged_consent c = first ? x->items[i++] : y->items[j++];
		int in_x = state_then(x, &c.consent), in_y = state_then(y, &c.consent);
		if (c.head.at <= at && in_x >= 0 && in_y >= 0)
			c.consent.state =
				(uint8_t)(consent_strictness((uint8_t)in_x) > consent_strictness((uint8_t)in_y) ? in_x : in_y);
		said_add(&both, &c);
	}
	said_release(x);
	said_release(y);
	*x = both;
}

static struct said *said_of(struct said *all, const customer_id *who, size_t count, customer_id member)
{
	for (size_t i = 0; i < count; i++)
		if (who[i] == member)
			return &all[i];
	return NULL;
}

void consents_join(struct column *consents, const struct book_group *g)
{
	if (!g->join_count || !consents->n)
		return;
	size_t count = g->join_count + 1;
	struct said *all = mem_alloc(count * sizeof *all);
	customer_id *who = mem_alloc(count * sizeof *who);
	who[0] = g->customer;
	for (size_t i = 0; i < g->join_count; i++)
		who[i + 1] = g->joins[i].from;
	for (size_t i = 0; i < consents->n; i++) {
		const struct staged_consent *c = column_at(consents, i);
		struct said *s = said_of(all, who, count, c->head.member);
		check(s);
		said_add(s, c);
	}
	for (size_t i = 0; i < g->join_count; i++)
		combine(said_of(all, who, count, g->joins[i].into), said_of(all, who, count, g->joins[i].from), g->joins[i].at);
	consents->n = 0;
	for (size_t i = 0; i < all[0].count; i++)
		*(struct staged_consent *)column_add(consents, 1) = all[0].items[i];
	for (size_t i = 0; i < count; i++)
		said_release(&all[i]);
	free(all);
	free(who);
}
