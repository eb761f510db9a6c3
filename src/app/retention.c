#include "app/retention.h"

#include "app/request.h"

#include <stdlib.h>

enum { REQUESTS_MAX = 1000000 };

const struct drill_column RETENTION_LIST[RETENTION_COLUMNS] = {
	{ "customer", DRILL_CUSTOMER }, { "group", DRILL_WORD }, { "last_contact", DRILL_DAY }, { "due", DRILL_DAY }
};

static bool take_request(void *ctx, const struct data_request *r, struct err *err)
{
	struct retention_ask *a = ctx;
	(void)err;
	customer_id c = book_survivor(a->version, r->customer);
	if (c <= a->version->customers)
		a->asking[c >> 6] |= UINT64_C(1) << (c & 63);
	return true;
}

bool retention_begin(struct retention_ask *a, struct db *db, const struct book *book, const struct version *v,
                     const struct pstate *states, const struct settings *settings, struct instant now, struct err *err)
{
	*a = (struct retention_ask){ .book = book,
		                         .version = v,
		                         .states = states,
		                         .settings = settings,
		                         .now = now,
		                         .today = zone_date(settings->zone, now),
		                         .words = retention_words(book) };
	a->asking = mem_alloc(((size_t)v->customers + 64) / 64 * sizeof *a->asking);
	if (requests(db, true, 0, REQUESTS_MAX, take_request, a, err))
		return true;
	retention_release(a);
	return false;
}

void retention_release(struct retention_ask *a)
{
	free(a->asking);
	a->asking = NULL;
}

bool retention_due(const struct retention_ask *a, customer_id c, struct retention *out)
{
	struct view v;
	const struct pstate *state = a->states ? &a->states[c] : NULL;
	if (book_survivor(a->version, c) != c || (state && state->erased) || (a->asking[c >> 6] >> (c & 63) & 1))
		return false;
	view_at(&v, a->version, c, a->now);
	return retention_of(a->book, &a->words, &v, state, a->settings->zone, &a->settings->retention, out) &&
	       out->due.day <= a->today.day;
}

void retention_list(const struct retention_ask *a, const struct drill_sink *sink, struct retention_count *count)
{
	struct retention r;
	struct retention_count n = { 0 };
	bool more = true;
	for (customer_id c = 1; c <= a->version->customers && more; c++) {
		if (!retention_due(a, c, &r))
			continue;
		n.customers += r.customer;
		n.prospects += !r.customer;
		if (sink)
			more = sink->row(sink->ctx,
			                 (struct drill_cell[]){ drill_number(c),
			                                        { .known = true, .word = r.customer ? "customer" : "prospect" },
			                                        drill_number(r.last.day),
			                                        drill_number(r.due.day) },
			                 RETENTION_COLUMNS);
	}
	if (count)
		*count = n;
}
