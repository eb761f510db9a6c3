/* Method: what follows the run's number in a line hangs on (plan, step, verdict, channel, reason) alone, but for the
 * moment some reasons end with. It is made once and remembered in a table by that key; a line is then the instant, two
 * numbers and two copies. */
#include "app/trace.h"

#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MEMO_BITS = 9,
	MEMO = 1 << MEMO_BITS,
	HEAD_MAX = 96,
	TAIL_MAX = 224,
	BEGIN_MAX = 32,
	NUMBERS_MAX = 64,
	BLOCK = 32
};

/* "\tplan\tversion\t" */
struct head {
	uint16_t n; /* 0: not made yet */
	char text[HEAD_MAX];
};

/* "\tstep\tverdict\tchannel\treason\n"; where a moment is to be filled in, up to there and from there. */
struct tail {
	uint64_t key; /* 0: empty */
	uint16_t n, hole;
	bool has_hole;
	char text[TAIL_MAX]; /* a multiple of BLOCK, like the other texts */
};

struct trace_writer {
	const struct plan_set *plans;
	zone_id zone;
	int32_t day;       /* of the text at the head of `begin` */
	struct instant at; /* whose line began with `begin`: a person often has several of one instant */
	customer_id customer;
	uint8_t begin_n;
	char begin[BEGIN_MAX]; /* instant, tab, customer */
	struct head *heads;
	size_t head_count;
	struct tail tails[MEMO];
	struct buf scratch;
};

struct trace_writer *trace_writer_new(const struct plan_set *plans, zone_id shop_zone)
{
	struct trace_writer *w = mem_alloc(sizeof *w);
	w->plans = plans;
	w->zone = shop_zone;
	w->day = INT32_MIN;
	buf_init(&w->scratch, 1 << 16);
	return w;
}

void trace_writer_free(struct trace_writer *w)
{
	if (!w)
		return;
	buf_release(&w->scratch);
	free(w->heads);
	free(w);
}

static const struct head *head_of(struct trace_writer *w, uint16_t plan)
{
	if (plan >= w->head_count) {
		w->heads = mem_realloc(w->heads, w->plans->count * sizeof *w->heads);
		for (; w->head_count < w->plans->count; w->head_count++)
			w->heads[w->head_count].n = 0;
	}
	struct head *h = &w->heads[plan];
	if (h->n == 0) {
		const struct plan *p = w->plans->plans[plan];
		check(p->name.n <= PLAN_NAME_MAX);
		h->n = (uint16_t)snprintf(h->text, sizeof h->text, "\t%.*s\t%u\t", STR_ARG(p->name), p->version);
	}
	return h;
}

/* Into w->scratch; returns where the moment goes, or the length when there is none. */
static size_t make_tail(struct trace_writer *w, const struct decision *d)
{
	const struct plan *p = w->plans->plans[d->plan];
	struct buf *b = &w->scratch;
	buf_clear(b);
	buf_char(b, '\t');
	buf_str(b, d->step >= 0 ? p->steps[d->step].name : STR("-"));
	buf_char(b, '\t');
	buf_cstr(b, verdict_name((enum verdict)d->verdict));
	buf_char(b, '\t');
	buf_cstr(b, d->channel < CHANNEL_COUNT ? channel_name((enum channel)d->channel) : "-");
	buf_char(b, '\t');
	struct str after, before = reason_words((enum reason)d->reason, LOCALE_EN, &after);
	buf_str(b, before);
	size_t hole = b->n;
	buf_str(b, after);
	buf_char(b, '\n');
	return after.p ? hole : b->n;
}

static uint64_t key_of(const struct decision *d)
{
	return 1 + ((uint64_t)d->plan << 40 | (uint64_t)(uint16_t)d->step << 24 | (uint64_t)d->verdict << 16 |
	            (uint64_t)d->channel << 8 | d->reason);
}

static const struct tail *tail_of(struct trace_writer *w, const struct decision *d)
{
	uint64_t key = key_of(d);
	struct tail *t = &w->tails[key * 0x9e3779b97f4a7c15u >> (64 - MEMO_BITS)];
	if (t->key == key)
		return t;
	size_t hole = make_tail(w, d);
	check(w->scratch.n <= TAIL_MAX); /* a step's name has at most PLAN_NAME_MAX bytes */
	t->key = key;
	t->n = (uint16_t)w->scratch.n;
	t->hole = (uint16_t)hole;
	t->has_hole = hole < w->scratch.n;
	memcpy(t->text, w->scratch.p, w->scratch.n);
	return t;
}

static void two_digits(char *p, int v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

enum { INSTANT_TEXT = 20 }; /* 2011-09-01T08:00:00Z */

/* At the head of `begin`; a day's lines are of few instants. */
static void make_instant(struct trace_writer *w, struct instant t)
{
	struct civil c = zone_civil(0, t);
	if (c.date.day != w->day) {
		char text[16];
		memcpy(w->begin, date_text(c.date, text), 10);
		memcpy(w->begin + 10, "T00:00:00Z\t", INSTANT_TEXT + 1 - 10);
		w->day = c.date.day;
	}
	two_digits(w->begin + 11, c.second / HOUR_S);
	two_digits(w->begin + 14, c.second / MINUTE_S % 60);
	two_digits(w->begin + 17, c.second % 60);
	w->at = t;
}

static inline char *put_number(uint32_t v, char *to)
{
	size_t n = 1;
	for (uint64_t limit = 10; v >= limit; limit *= 10)
		n++;
	for (size_t i = n; i-- > 0; v /= 10)
		to[i] = (char)('0' + v % 10);
	return to + n;
}

static void make_begin(struct trace_writer *w, const struct decision *d)
{
	if (d->at.s != w->at.s || w->day == INT32_MIN)
		make_instant(w, d->at);
	w->begin_n = (uint8_t)(put_number(d->customer, w->begin + INSTANT_TEXT + 1) - w->begin);
	w->customer = d->customer;
}

/* Whole blocks, a little too far: there is room behind, and `from` is as long as its array. */
static inline char *put_blocks(char *to, const char *from, size_t n)
{
	memcpy(to, from, BLOCK);
	for (size_t i = BLOCK; i < n; i += BLOCK)
		memcpy(to + i, from + i, BLOCK);
	return to + n;
}

enum { LINE_MAX = BEGIN_MAX + HEAD_MAX + NUMBERS_MAX + TAIL_MAX, LINES_AT_ONCE = 64 };

/* Returns where the line goes on: at its end, or where its moment is to be said. */
static inline char *put_line(struct trace_writer *w, const struct decision *d, const struct tail *t, char *to)
{
	const struct head *h = head_of(w, d->plan);
	if (d->at.s != w->at.s || d->customer != w->customer || w->begin_n == 0)
		make_begin(w, d);
	to = put_blocks(to, w->begin, w->begin_n);
	to = put_blocks(to, h->text, h->n);
	to = put_number(d->run_no, to);
	return put_blocks(to, t->text, t->hole);
}

void trace_write(struct trace_writer *w, const struct decision *d, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count;) {
		size_t end = count - i < LINES_AT_ONCE ? count : i + LINES_AT_ONCE;
		char *to = buf_reserve(out, (end - i) * LINE_MAX);
		if (!to)
			return;
		for (bool whole = true; whole && i < end; i++) {
			const struct tail *t = tail_of(w, &d[i]);
			to = put_line(w, &d[i], t, to);
			whole = !t->has_hole;
			if (!whole) {
				out->n = (size_t)(to - out->p);
				reason_argument((enum reason)d[i].reason, d[i].argument, w->zone, LOCALE_EN, out);
				buf_add(out, t->text + t->hole, t->n - t->hole);
				to = out->p + out->n;
			}
		}
		out->n = (size_t)(to - out->p);
	}
	if (out->p)
		out->p[out->n] = '\0';
}

void trace_lines(const struct decision *d, size_t count, const struct plan_set *plans, zone_id shop_zone,
                 struct buf *out)
{
	if (count == 0)
		return;
	struct trace_writer *w = trace_writer_new(plans, shop_zone);
	trace_write(w, d, count, out);
	trace_writer_free(w);
}
