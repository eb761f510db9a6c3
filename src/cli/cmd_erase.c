/* relance erase: a person taken out of the shop (GDPR article 17). */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/courier.h"
#include "app/erase.h"
#include "app/people.h"
#include "app/retention.h"
#include "cli/cli.h"
#include "cli/kpi_rows.h"

#include <stdlib.h>

int cmd_erase(int argc, char **argv);

enum { LEASE_S = 60 };

static const struct usage USAGE = {
	.synopsis = "erase DB CUSTOMER --yes | erase DB --due [--at DATE] [--format F] [--yes]",
	.text =
		"Names, addresses, consents, carts, what messages said and why they were decided are gone for good; orders "
		"stay\n"
		"as sums without a name, dated to the month. A keyed hash of the number and the addresses stays, so that no\n"
		"later import brings the person back and nothing is ever sent there. CUSTOMER is the shop's own number, #N\n"
		"(ours), or an e-mail address. Stop \"relance run\" and \"serve\" first; the web pages can do it while they "
		"run.\n"
		"Backups made before still hold the person until you delete them (doc/operations.md). A file that could not "
		"be\n"
		"looked at is named, and the exit status is 1.\n"
		"--due: everybody whose data may not be kept any longer (settings retention.prospects and\n"
		"retention.customers, in months after the last contact): they are listed; with --yes, erased.",
	.example = "relance erase shop.db 17850 --yes\n"
			   "  relance erase shop.db --due",
	.positional_min = 1,
	.positional_max = 2,
};

/* Runs fn as the one who runs the shop. */
static bool alone(struct db *db, bool (*fn)(void *ctx, struct db *db, struct err *err), void *ctx, struct err *err)
{
	char owner[96];
	int64_t epoch;
	clock_owner(owner);
	if (!store_lease(db, owner, clock_now(), LEASE_S, &epoch, err))
		return err_context(err, "stop the program that runs the shop, or erase in its web pages");
	bool ok = fn(ctx, db, err);
	struct err ignored; /* not given back, the lease ends by itself within a minute */
	if (!store_lease_release(db, owner, epoch, &ignored) && ok)
		*err = ignored;
	return ok;
}

struct erasing {
	customer_id one;
	const customer_id *all; /* NULL: that one */
	size_t count;
	const char *folder;
	struct erase_report *report;
};

static bool erase_one(void *ctx, struct db *db, struct err *err)
{
	struct erasing *e = ctx;
	return erase_customer(db, e->one, "command line", e->folder, clock_now(), e->report, err);
}

static bool erase_all(void *ctx, struct db *db, struct err *err)
{
	struct erasing *e = ctx;
	struct erase_traces traces;
	bool ok = true;
	erase_begin(&traces, e->report);
	for (size_t i = 0; i < e->count && ok; i++)
		ok = erase_person(db, e->all[i], "retention", clock_now(), &traces, e->report, err);
	struct err other; /* what those erased have left goes in any case */
	bool cleared = erase_left(db, e->folder, &traces, e->report, ok ? err : &other);
	erase_end(&traces);
	return ok && cleared;
}

static bool erase(struct db *db, const struct shop *shop, const char *who, const char *folder,
                  struct erase_report *report, struct err *err)
{
	struct erasing e = { .folder = folder, .report = report };
	return store_find_customer(db, shop, str_from(who), &e.one, err) && alone(db, erase_one, &e, err);
}

/* What is not gone yet, and what to do. */
static bool tell_left(struct erase_report *r)
{
	bool left = r->left.n || r->log_left;
	for (struct str rest = buf_view(&r->left); rest.n;) {
		size_t n = (size_t)((const char *)memchr(rest.p, '\n', rest.n) - rest.p);
		fprintf(stderr, "relance: %.*s: look in it for the person yourself, or delete it\n", (int)n, rest.p);
		rest = (struct str){ rest.p + n + 1, rest.n - n - 1 };
	}
	if (r->log_left)
		fputs("relance: another program reads the database, and its log still holds what was erased: stop it and run "
		      "the same erasure again\n",
		      stderr);
	erase_report_release(r);
	return left;
}

static void print_report(const struct erase_report *r)
{
	printf("orders kept as sums  %llu\nfacts emptied        %llu\nmessages emptied     %llu\nfiles deleted        "
	       "%llu\nrejected rows        %llu\n",
	       (unsigned long long)r->rows.orders, (unsigned long long)r->rows.facts, (unsigned long long)r->rows.messages,
	       (unsigned long long)r->files, (unsigned long long)r->reject_rows);
}

/* ---- retention ---- */

struct due {
	struct retention_ask ask;
	customer_id *all;
	size_t count, cap;
};

static bool take(void *ctx, const struct drill_cell *cells, int count)
{
	struct due *d = ctx;
	(void)count;
	d->all = mem_grow(d->all, &d->cap, d->count + 1, sizeof *d->all);
	d->all[d->count++] = (customer_id)cells[0].number;
	return true;
}

static void list_due(void *ctx, const struct drill_sink *sink)
{
	retention_list(ctx, sink, NULL);
}

/* The start of that day; NULL: now. */
static bool read_at(const char *text, zone_id zone, struct instant *out, struct err *err)
{
	struct date day;
	*out = clock_now();
	if (!text)
		return true;
	if (!date_parse(str_from(text), &day))
		return err_set(err, ERR_INPUT, "--at: \"%s\" is not a date such as 2026-12-31", text);
	*out = zone_instant(zone, day, 0);
	return true;
}

/* Lists them, or (d->all) keeps who they are. */
static bool find_due(const char *where, const char *at, enum format format, bool keep, struct due *d, struct err *err)
{
	struct people p;
	struct figures_shop s;
	struct instant now;
	struct live *l = live_open_to_look(where, INSTANT_NEVER, err);
	if (!l)
		return false;
	bool ok = read_at(at, live_shop(l)->settings.zone, &now, err) && people_load(live_shop(l), &p, err);
	if (ok) {
		figures_shop_of(l, p.ref, p.ids, now, &s);
		ok = retention_begin(&d->ask, live_db(l), s.book, s.version, s.states, s.settings, now, err);
		if (ok && keep)
			retention_list(&d->ask, &(struct drill_sink){ take, d }, NULL);
		else if (ok)
			drill_print(&s, RETENTION_LIST, RETENTION_COLUMNS, format, list_due, &d->ask);
		retention_release(&d->ask);
		book_unpin(live_shop(l)->book, s.version);
		people_release(&p);
	}
	live_close(l);
	return ok;
}

static int erase_due(const char *where, const char *at, enum format format, bool yes, const char *folder)
{
	struct err err;
	struct erase_report r = { .files = 0 };
	struct due d = { .count = 0 };
	if (yes && at)
		return cli_usage_error("--at looks only: an erasure is as of today");
	if (!find_due(where, at, format, yes, &d, &err))
		return cli_fail(&err);
	if (!yes)
		return EXIT_DONE;
	struct shop shop;
	struct db *db = shop_open(where, false, &shop, &err);
	struct erasing e = { .all = d.all, .count = d.count, .folder = folder, .report = &r };
	bool ok = db && alone(db, erase_all, &e, &err);
	db_close(db);
	free(d.all);
	if (!ok)
		return cli_fail(&err);
	printf("people erased        %zu\n", e.count);
	print_report(&r);
	return tell_left(&r) ? EXIT_REFUSED : EXIT_DONE;
}

int cmd_erase(int argc, char **argv)
{
	const char *where[2], *out = NULL, *at = NULL;
	char folder[COURIER_FOLDER_MAX];
	bool yes = false, due = false;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--due", OPT_FLAG, &due, NULL, "everybody whose data may not be kept any longer" },
		{ "--at", OPT_TEXT, &at, "DATE", "with --due: as of the start of that day" },
		{ "--format", OPT_FORMAT, &format, "F", "of the list: table, csv or json" },
		{ "--yes", OPT_FLAG, &yes, NULL, "it cannot be undone: yes" },
		{ "--out", OPT_TEXT, &out, "DIR",
		  "where messages were written as files (default DB.outbox; ./outbox on "
		  "PostgreSQL)" },
	};
	int count, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	courier_folder(where[0], folder);
	if (due && count == 1)
		return erase_due(where[0], at, format, yes, out ? out : folder);
	if (due || count == 1 || at)
		return cli_usage_error(due ? "--due erases whoever is due, not one customer" : "say who, or --due");
	if (!yes)
		return cli_usage_error("an erasure cannot be undone: look with \"relance why %s %s\", then give --yes",
		                       where[0], where[1]);
	struct shop shop;
	struct err err;
	struct erase_report r;
	struct db *db = shop_open(where[0], false, &shop, &err);
	if (!db)
		return cli_fail(&err);
	bool ok = erase(db, &shop, where[1], out ? out : folder, &r, &err);
	db_close(db);
	if (!ok)
		return cli_fail(&err);
	bool left = tell_left(&r);
	if (r.rows.was_erased) {
		puts(left ? "erased already" : "erased already; nothing to do");
		return left ? EXIT_REFUSED : EXIT_DONE;
	}
	print_report(&r);
	return left ? EXIT_REFUSED : EXIT_DONE;
}
