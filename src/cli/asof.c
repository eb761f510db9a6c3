#include "cli/asof.h"

#include <time.h>

bool asof_known(const char *text, struct instant *out, struct err *err)
{
	*out = INSTANT_NEVER;
	if (!text || instant_parse(str_from(text), 0, out))
		return true;
	return err_set(err, ERR_INPUT, "--known: \"%s\" is no date or instant such as 2011-09-01 or 2011-09-01T10:00:00Z",
	               text);
}

bool asof_init(struct asof *a, const struct shop_world *w, const char *at, struct err *err)
{
	*a = (struct asof){ .live = at == NULL };
	if (at) {
		if (!date_parse(str_from(at), &a->day))
			return err_set(err, ERR_INPUT, "--at: \"%s\" is not a date such as 2011-09-01", at);
		a->now.s = zone_instant(w->settings.zone, a->day, 0).s - 1;
	} else {
		a->now.s = (int64_t)time(NULL);
		a->day = zone_date(w->settings.zone, a->now);
	}
	a->version = book_pin(w->book);
	thresholds_compute(w->book, a->version, a->day, &w->settings.lifecycle, 0, &a->thresholds);
	return true;
}

void asof_release(struct asof *a, const struct shop_world *w)
{
	if (a->version)
		book_unpin(w->book, a->version);
	a->version = NULL;
}

static void person_row(struct table *t, const struct asof *a, const struct shop_world *w, struct str ref, customer_id c)
{
	char text[32];
	struct lifecycle l = people_lifecycle(w, a->version, c, &a->thresholds);
	table_text(t, ref);
	table_cstr(t, phase_name(l.phase));
	table_int(t, l.orders);
	table_cstr(t, date_known(l.last_order) ? date_text(l.last_order, text) : NULL);
	table_number(t, str_from(money_plain((struct money){ l.spend }, w->settings.currency, text)));
}

void asof_print_people(const struct asof *a, const struct shop_world *w, const struct people *p, const uint64_t *bits,
                       enum format format)
{
	static const char *const COLUMNS[] = { "customer", "phase", "orders", "last_order", "spend" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (customer_id c = 1; c <= p->ids; c++)
		if (p->ref[c].p && (!bits || (bits[c >> 6] >> (c & 63) & 1)))
			person_row(t, a, w, p->ref[c], c);
	table_print(t, format, stdout);
	table_free(t);
}
