#include "fold/retention.h"

#include "model/body.h"

struct retention_words retention_words(const struct book *b)
{
	return (struct retention_words){ .subscription = book_word_find(b, STR("subscription")),
		                             .ended = book_word_find(b, STR("subscription_ended")) };
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What a plan noted is nothing the person did. */
static int64_t last_event(const struct book *b, const struct retention_words *words, const struct view *v, bool *runs)
{
	int64_t last = 0;
	for (uint32_t e = v->event0; e < v->event1; e++) {
		uint32_t name = v->k->events[e].name;
		if (words->subscription && name == words->subscription)
			*runs = true;
		if (words->ended && name == words->ended)
			*runs = false;
		if (!str_starts(book_word_text(b, name), STR(TAG_EVENT)))
			last = later(last, v->k->events[e].at);
	}
	return last;
}

static int64_t last_reaction(const struct pstate *messages, int64_t until)
{
	int64_t last = 0;
	for (uint16_t i = 0; messages && i < messages->sent_count; i++) {
		const struct sent *m = &messages->sent[i];
		if (m->clicked_at <= until)
			last = later(last, m->clicked_at);
		if (m->answer != ANSWER_NONE && m->at <= until)
			last = later(last, m->at);
	}
	return last;
}

bool retention_of(const struct book *b, const struct retention_words *words, const struct view *v,
                  const struct pstate *messages, zone_id zone, const struct retention_rules *rules,
                  struct retention *out)
{
	bool runs = false;
	int64_t created = view_profile(v)->created, last = created <= v->now.s ? created : 0;
	last = later(last, last_event(b, words, v, &runs));
	last = later(last, last_reaction(messages, v->now.s));
	if (v->order0 < v->order1)
		last = later(last, v->k->order_at[v->order1 - 1]);
	if (v->cart0 < v->cart1)
		last = later(last, v->k->carts[v->cart1 - 1].at);
	if (v->consent0 < v->consent1)
		last = later(last, v->k->consents[v->consent1 - 1].at);
	if (runs || last <= 0)
		return false;
	out->customer = false;
	for (uint32_t o = v->order0; o < v->order1 && !out->customer; o++)
		out->customer = order_is_sale(v->k, o);
	out->last = zone_date(zone, (struct instant){ last });
	out->due = date_add_months(out->last, out->customer ? rules->customer_months : rules->prospect_months);
	return true;
}
