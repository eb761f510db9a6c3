/* relance tick: one turn of a shop, now or as of an instant. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/courier.h"
#include "app/live.h"
#include "cli/cli.h"
#include "model/names.h"

#include <stdlib.h>
#include <unistd.h>

int cmd_tick(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "tick DB [--at TIME] [--out DIR]",
	.text = "Takes what is new, decides what is due, claims and delivers it. Messages are written as files into DIR\n"
			"(default: DB.outbox) unless the shop has a mail server.",
	.example = "relance tick shop.db\n  relance tick shop.db --at 2026-05-12T10:00",
	.positional_min = 1,
	.positional_max = 1,
};

static void print(const struct tick_result *r, struct instant at, enum format format)
{
	static const char *const COLUMNS[] = { "at",       "facts", "asked",   "entered", "decisions", "queued", "accepted",
		                                   "deferred", "paced", "refused", "dropped", "held_by",   "seconds" };
	char text[32];
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	table_cstr(t, instant_text(at, text));
	const uint64_t figures[] = { r->facts,    r->asked,    r->entered, r->decisions, r->queued,
		                         r->accepted, r->deferred, r->paced,   r->refused,   r->dropped };
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, (int64_t)figures[i]);
	table_cstr(t, r->hold_all == REASON_NONE ? NULL : reason_name(r->hold_all));
	table_float(t, r->total_s, 3);
	table_print_record(t, format, stdout);
	table_free(t);
}

int cmd_tick(int argc, char **argv)
{
	const char *at = NULL, *out = NULL, *messages = NULL, *where[1];
	int64_t threads = 0;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--at", OPT_TEXT, &at, "TIME", "as of this instant, in the shop's zone (default: now)" },
		{ "--out", OPT_TEXT, &out, "DIR", "where messages are written as files (default: DB.outbox)" },
		{ "--messages", OPT_TEXT, &messages, "DIR", "message files (default: those shipped)" },
		{ "--threads", OPT_INT, &threads, "N", "threads (default: all processors)" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
	};
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct shop shop;
	struct instant now = { 0 };
	struct db *db = shop_open(where[0], false, &shop, &err); /* to write: an older database is brought forward */
	bool ok = db && clock_at(at, shop.zone, &now, &err);
	db_close(db);
	if (!ok)
		return cli_fail(&err);
	char owner[96];
	struct courier_state *courier = courier_for(where[0], messages, out, &err);
	struct live_options o = { .owner = clock_owner(owner), .threads = (int)threads, .lease_s = 60 };
	if (courier)
		o.courier = courier_of(courier);
	struct live *l = courier ? live_open(where[0], &o, now, &err) : NULL;
	struct tick_result r;
	ok = l && live_tick(l, now, &r, &err);
	if (ok) {
		print(&r, now, format);
		if (r.unrendered)
			fprintf(stderr, "relance: %llu messages could not be written and wait a quarter of an hour: %s\n",
			        (unsigned long long)r.unrendered, r.why_unrendered.text);
	}
	if (courier)
		courier_rest(courier);
	live_close(l);
	courier_free(courier);
	return ok ? EXIT_DONE : cli_fail(&err);
}
