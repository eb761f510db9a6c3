/* Ranges of dates, and the lists the parser grows. */
#include "fold/expr_parse.h"

uint16_t slot_of(struct parser *p, struct str text)
{
	struct build *b = p->b;
	for (uint32_t i = 0; i < b->slot_count; i++)
		if (str_eq(b->slots[i].text, text))
			return (uint16_t)i;
	if (b->slot_count == WORDS_MAX) {
		perr(p, p->tok.at, "more than %d different texts in one condition", WORDS_MAX);
		return 0;
	}
	b->slots = list_grow(b->arena, b->slots, b->slot_count, &b->slot_cap, sizeof *b->slots);
	b->slots[b->slot_count].text = text;
	return (uint16_t)b->slot_count++;
}

void *list_grow(struct arena *a, void *list, uint32_t count, uint32_t *cap, size_t size)
{
	if (count < *cap)
		return list;
	*cap = *cap ? *cap * 2 : 4;
	void *bigger = arena_alloc(a, *cap * size);
	if (count)
		memcpy(bigger, list, count * size);
	return bigger;
}

/* ---- ranges of dates ---- */

bool at_window(const struct parser *p)
{
	return p->tok.kind == TOK_DATE || at_name(p, "last") || at_name(p, "since") || at_name(p, "before") ||
	       at_name(p, "this");
}

static bool last_of(struct parser *p, struct window *w)
{
	size_t at = p->tok.at;
	struct node n;
	if (p->tok.kind == TOK_NAME) /* last month = last 1 month */
		return perr(p, at, "a number belongs here: last 1 %.*s", STR_ARG(p->tok.text));
	if (!parse_literal(p, &n))
		return false;
	if (n.type != T_DURATION || n.op.v <= 0)
		return perr(p, at, "a duration belongs here: last 6 months");
	if (n.months) {
		w->unit = U_MONTHS;
		w->count = (int32_t)n.op.v;
	} else if (n.op.v % DAY_S == 0) {
		w->unit = U_DAYS;
		w->count = (int32_t)(n.op.v / DAY_S);
	} else {
		w->unit = U_HOURS;
		w->count = (int32_t)n.op.v; /* seconds */
	}
	if (w->unit != U_HOURS && w->count > 40000)
		return perr(p, at, "that is longer ago than a century");
	return true;
}

static bool date_token(struct parser *p, struct date *out)
{
	if (p->tok.kind != TOK_DATE)
		return perr(p, p->tok.at, "a date belongs here: 2025-09-01");
	out->day = (int32_t)p->tok.v;
	lex_next(p);
	return !p->b->failed;
}

enum { DAY_MIN = -800000, DAY_MAX = 2932897 }; /* beyond any day the calendar here knows */

static bool window_words(struct parser *p, struct window *w)
{
	if (at_name(p, "this")) {
		lex_next(p);
		w->kind = at_name(p, "year") ? W_THIS_YEAR : W_THIS_MONTH;
		if (!at_name(p, "year") && !at_name(p, "month"))
			return perr(p, p->tok.at, "\"month\" or \"year\" belongs after \"this\"");
		lex_next(p);
		return !p->b->failed;
	}
	bool before = at_name(p, "before");
	if (at_name(p, "last") || before) {
		w->kind = before ? W_BEFORE_LAST : W_LAST;
		lex_next(p);
		if (before && !at_name(p, "last")) {
			w->kind = W_FIXED;
			w->from.day = DAY_MIN;
			return date_token(p, &w->to);
		}
		if (before)
			lex_next(p);
		return last_of(p, w);
	}
	lex_next(p); /* since */
	w->kind = W_FIXED;
	w->to.day = DAY_MAX;
	return date_token(p, &w->from);
}

bool parse_window(struct parser *p, struct window *w)
{
	*w = (struct window){ .kind = W_FIXED };
	if (p->tok.kind != TOK_DATE) {
		if (!window_words(p, w))
			return false;
	} else {
		size_t at = p->tok.at;
		if (!date_token(p, &w->from))
			return false;
		w->to.day = w->from.day + 1;
		if (p->tok.kind == TOK_DOTS) {
			lex_next(p);
			if (!date_token(p, &w->to))
				return false;
			w->to.day++; /* the last day counts */
			if (w->to.day <= w->from.day)
				return perr(p, at, "this range ends before it starts");
		}
	}
	if (w->kind == W_FIXED) {
		zone_id zone = p->b->context->shop_zone;
		w->from_s = w->from.day == DAY_MIN ? INT64_MIN : zone_instant(zone, w->from, 0).s;
		w->to_s = w->to.day == DAY_MAX ? INT64_MAX : zone_instant(zone, w->to, 0).s;
	}
	return true;
}
