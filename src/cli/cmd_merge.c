/* relance duplicates, merge, unmerge: records that are one person. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/duplicates.h"
#include "cli/cli.h"

#include <stdlib.h>

int cmd_duplicates(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_unmerge(int argc, char **argv);

enum { SHOWN = 50 };
static const char ACTOR[] = "command line";

/* ---- one transaction around a word on two records ---- */

struct word {
	struct db *db;
	struct shop shop;
	customer_id one, other;
	const char *at; /* NULL: now */
};

typedef bool (*word_fn)(struct store_batch *b, struct word *w, struct instant now, struct err *err);

static bool say(struct word *w, word_fn fn, struct err *err)
{
	struct instant now;
	struct store_batch *b = clock_at(w->at, w->shop.zone, &now, err) ? store_batch_begin(w->db, NULL, now, err) : NULL;
	if (!b)
		return false;
	if (fn(b, w, now, err))
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}

static bool merge(struct store_batch *b, struct word *w, struct instant now, struct err *err)
{
	return store_merge(b, w->one, w->other, now, ACTOR, err);
}

static bool unmerge(struct store_batch *b, struct word *w, struct instant now, struct err *err)
{
	return store_unmerge(b, w->other, now, ACTOR, &w->one, err);
}

static bool dismiss(struct store_batch *b, struct word *w, struct instant now, struct err *err)
{
	return store_distinct(b, w->one, w->other, true, now, ACTOR, err);
}

static bool reconsider(struct store_batch *b, struct word *w, struct instant now, struct err *err)
{
	return store_distinct(b, w->one, w->other, false, now, ACTOR, err);
}

/* ---- merge ---- */

static const struct usage MERGE = {
	.synopsis = "merge DB SURVIVOR OTHER",
	.text =
		"From the next tick on OTHER's orders, carts, consents, points, messages and answers are SURVIVOR's; a field\n"
		"that SURVIVOR leaves open is OTHER's, and the stricter consent holds. Runs of OTHER end, and what was queued\n"
		"for it does not leave. Nothing is overwritten: \"relance unmerge\" gives everything back.\n"
		"A record is the shop's own number, or #N (ours); SURVIVOR may be an e-mail address.",
	.example = "relance merge shop.db 17850 '#12'",
	.positional_min = 3,
	.positional_max = 3,
};

int cmd_merge(int argc, char **argv)
{
	const char *where[3], *at = NULL;
	const struct opt opts[] = {
		{ "--at", OPT_TEXT, &at, "TIME", "as if it were said then (default: now)" },
	};
	int count, status = opts_parse(&MERGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct word w = { .at = at, .db = shop_open(where[0], false, &w.shop, &err) };
	bool ok = w.db && store_find_customer(w.db, &w.shop, str_from(where[1]), &w.one, &err) &&
	          store_find_record(w.db, &w.shop, str_from(where[2]), &w.other, &err) && say(&w, merge, &err);
	db_close(w.db);
	if (!ok)
		return cli_fail(&err);
	printf("#%u is merged into #%u; relance unmerge %s '#%u' takes it back\n", w.other, w.one, where[0], w.other);
	return EXIT_DONE;
}

/* ---- unmerge ---- */

static const struct usage UNMERGE = {
	.synopsis = "unmerge DB OTHER",
	.text = "OTHER stands by itself again, with everything that was its own. Runs that the merge ended stay ended.\n"
			"OTHER is the shop's own number, or #N (ours), of the record that was merged away.",
	.example = "relance unmerge shop.db '#12'",
	.positional_min = 2,
	.positional_max = 2,
};

int cmd_unmerge(int argc, char **argv)
{
	const char *where[2], *at = NULL;
	const struct opt opts[] = {
		{ "--at", OPT_TEXT, &at, "TIME", "as if it were said then (default: now)" },
	};
	int count, status = opts_parse(&UNMERGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct word w = { .at = at, .db = shop_open(where[0], false, &w.shop, &err) };
	bool ok = w.db && store_find_record(w.db, &w.shop, str_from(where[1]), &w.other, &err) && say(&w, unmerge, &err);
	db_close(w.db);
	if (!ok)
		return cli_fail(&err);
	printf("#%u is no longer merged into #%u\n", w.other, w.one);
	return EXIT_DONE;
}

/* ---- duplicates ---- */

static const struct usage DUPLICATES = {
	.synopsis = "duplicates DB [--dismiss ONE OTHER] [options]",
	.text =
		"Two records a line, the surest first: the same e-mail, phone, or name and postcode. An address of more than\n"
		"eight records (a switchboard, an info@) is named once and proposes nobody. With --dismiss, ONE and OTHER are\n"
		"two people and are not proposed again; with --undo they may be.",
	.example = "relance duplicates shop.db --limit 20\nrelance duplicates shop.db --dismiss '#12' '#40'",
	.positional_min = 1,
	.positional_max = 3,
};

static bool put_record(struct table *t, struct db *db, customer_id c, struct arena *a, struct err *err)
{
	struct person p;
	struct str ref;
	if (!store_person(db, c, a, &p, &ref, err))
		return false;
	table_int(t, c);
	table_text(t, ref);
	table_text(t, str_trim(p.last_name.n || p.first_name.n
	                           ? arena_printf(a, "%.*s %.*s", STR_ARG(p.first_name), STR_ARG(p.last_name))
	                           : p.company));
	return true;
}

static bool list(struct word *w, int64_t limit, enum format format, struct err *err)
{
	static const char *const COLUMNS[] = { "sure",     "reason", "one",       "one_ref",
		                                   "one_name", "other",  "other_ref", "other_name" };
	struct duplicates d;
	struct arena a;
	if (!duplicates_find(w->db, &w->shop, &d, err))
		return false;
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	arena_init(&a);
	bool ok = true;
	for (size_t i = 0; ok && i < d.count && (int64_t)i < limit; i++) {
		struct buf why;
		buf_init(&why, 256);
		duplicate_why_text(d.items[i].why, false, &why);
		table_cstr(t, duplicate_sure_name((enum duplicate_sure)d.items[i].sure));
		table_text(t, buf_view(&why));
		buf_release(&why);
		ok = put_record(t, w->db, d.items[i].one, &a, err) && put_record(t, w->db, d.items[i].other, &a, err);
	}
	if (ok)
		table_print(t, format, stdout);
	if (ok && format == FORMAT_TABLE) {
		printf("\n%zu proposed%s\n", d.count, (int64_t)d.count > limit ? ", the surest shown" : "");
		for (size_t i = 0; i < d.shared_count && (int64_t)i < limit; i++) {
			struct buf why;
			buf_init(&why, 256);
			duplicate_why_text((uint8_t)d.shared[i].why, false, &why);
			printf("shared by %u records, nobody proposed: the %.*s of #%u\n", d.shared[i].records,
			       STR_ARG(buf_view(&why)), d.shared[i].first);
			buf_release(&why);
		}
	}
	table_free(t);
	arena_release(&a);
	duplicates_release(&d);
	return ok;
}

int cmd_duplicates(int argc, char **argv)
{
	const char *where[3];
	enum format format = FORMAT_TABLE;
	int64_t limit = SHOWN;
	bool apart = false, undo = false;
	const struct opt opts[] = {
		{ "--dismiss", OPT_FLAG, &apart, NULL, "ONE and OTHER are two people" },
		{ "--undo", OPT_FLAG, &undo, NULL, "with --dismiss: they may be one after all" },
		{ "--limit", OPT_INT, &limit, "N", "so many lines (default 50)" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
	};
	int count, status = opts_parse(&DUPLICATES, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (apart != (count == 3) || (undo && !apart))
		return cli_usage_error("name two records with --dismiss: relance duplicates DB --dismiss ONE OTHER");
	if (limit < 1)
		return cli_usage_error("--limit is a number from 1 up");
	struct err err;
	struct word w = { .db = shop_open(where[0], !apart, &w.shop, &err) };
	bool ok = w.db != NULL;
	if (ok && apart)
		ok = store_find_record(w.db, &w.shop, str_from(where[1]), &w.one, &err) &&
		     store_find_record(w.db, &w.shop, str_from(where[2]), &w.other, &err) &&
		     say(&w, undo ? reconsider : dismiss, &err);
	else if (ok)
		ok = list(&w, limit, format, &err);
	db_close(w.db);
	if (!ok)
		return cli_fail(&err);
	if (apart)
		printf(undo ? "#%u and #%u may be proposed again\n" : "#%u and #%u are two people\n", w.one, w.other);
	return EXIT_DONE;
}
