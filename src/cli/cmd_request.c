/* relance request: what people ask about their data, by when it has to be answered, and the answers themselves. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/dossier.h"
#include "app/request.h"
#include "cli/cli.h"
#include "cli/files.h"

#include <stdlib.h>

int cmd_request(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "request DB list|add|done|refuse|extend|object|export [ARGUMENT …] [options]",
	.text = "list                   what is open, the next due first; --all: also what was answered\n"
			"add KIND CUSTOMER      KIND: access, portability, rectification, erasure, objection, message; due one "
			"month later\n"
			"done N                 answered; --note: what was done\n"
			"refuse N               with --note: why not\n"
			"extend N               two months more, with --note: why\n"
			"object CUSTOMER        opposed to marketing on every channel, from now on; --note: their words\n"
			"export CUSTOMER        all the shop holds about them, into --out FILE.zip or FILE.json\n"
			"An erasure is done by \"relance erase\".",
	.example =
		"relance request shop.db add access 17850 --by letter\n  relance request shop.db export 17850 --out 17850.zip",
	.positional_min = 2,
	.positional_max = 4,
};

struct args {
	const char *db, *verb, *first, *second, *by, *asked, *note, *out;
	bool all;
	enum format format;
	int64_t most;
};

static bool add_row(void *ctx, const struct data_request *r, struct err *err)
{
	struct table *t = ctx;
	char at[32];
	(void)err;
	table_int(t, r->id);
	table_text(t, r->kind);
	table_int(t, r->customer);
	table_cstr(t, instant_text(r->asked_at, at));
	table_cstr(t, instant_text(r->due_at, at));
	table_text(t, r->state);
	table_text(t, r->came_by);
	table_text(t, r->answer);
	return true;
}

static bool list(const struct args *a, struct db *db, struct err *err)
{
	static const char *const COLUMNS[] = {
		"request", "kind", "customer", "asked_at", "due_at", "state", "by", "answer"
	};
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool ok = requests(db, !a->all, 0, a->most, add_row, t, err);
	if (ok)
		table_print(t, a->format, stdout);
	table_free(t);
	return ok;
}

static bool add(const struct args *a, struct db *db, const struct shop *shop, struct err *err)
{
	struct instant now = clock_now(), asked = now;
	int kind = request_kind_find(str_from(a->first ? a->first : ""));
	customer_id c;
	int64_t id;
	char due[32];
	if (kind < 0 || !a->second)
		return err_set(
			err, ERR_INPUT,
			"request add needs access, portability, rectification, erasure, objection or message, and the customer");
	if (a->asked && !instant_parse(str_from(a->asked), shop->zone, &asked))
		return err_set(err, ERR_INPUT, "--asked: \"%s\" is no day such as 2026-05-12", a->asked);
	if (!store_find_customer(db, shop, str_from(a->second), &c, err) ||
	    !request_add(db, (enum request_kind)kind, c, str_from(a->by ? a->by : "letter"), asked, "command line", now,
	                 &id, err))
		return false;
	printf("request  %lld\ndue      %s\n", (long long)id, instant_text(request_due(shop->zone, asked, false), due));
	return true;
}

static bool number(const struct args *a, int64_t *id, struct err *err)
{
	return (a->first && str_i64(str_from(a->first), id)) ||
	       err_set(err, ERR_INPUT, "request %s needs the number of the request; \"list\" shows them", a->verb);
}

static bool export(const struct args *a, struct db *db, const struct shop *shop, struct err *err)
{
	customer_id c;
	struct buf out;
	if (!a->first || !a->out)
		return err_set(err, ERR_INPUT, "request export needs the customer and --out FILE.zip or FILE.json");
	if (!store_find_customer(db, shop, str_from(a->first), &c, err))
		return false;
	bool zip = str_ends(str_from(a->out), STR(".zip"));
	buf_init(&out, DOSSIER_MAX);
	bool ok = (zip ? dossier_zip(db, c, shop->locale, clock_now(), &out, err)
	               : dossier_json(db, c, shop->locale, clock_now(), &out, err)) &&
	          cli_write_file(a->out, buf_view(&out), err);
	buf_release(&out);
	return ok;
}

static bool object(const struct args *a, struct db *db, const struct shop *shop, struct err *err)
{
	customer_id c;
	struct instant now = clock_now();
	char who[24];
	if (!a->first)
		return err_set(err, ERR_INPUT, "request object needs the customer");
	if (!store_find_customer(db, shop, str_from(a->first), &c, err) ||
	    !request_object(db, c, STR("request, command line"), str_from(a->note ? a->note : ""), now, err))
		return false;
	snprintf(who, sizeof who, "#%u", c);
	bool ok = db_begin(db, err) && store_audit(db, now, "command line", "objection", who, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

static bool act(const struct args *a, struct db *db, const struct shop *shop, bool *known, struct err *err)
{
	struct str verb = str_from(a->verb), note = str_from(a->note ? a->note : "");
	struct instant now = clock_now();
	int64_t id;
	if (str_is(verb, "list"))
		return list(a, db, err);
	if (str_is(verb, "add"))
		return add(a, db, shop, err);
	if (str_is(verb, "done") || str_is(verb, "refuse"))
		return number(a, &id, err) && request_close(db, id, str_is(verb, "done"), note, "command line", now, err);
	if (str_is(verb, "extend"))
		return number(a, &id, err) && request_extend(db, id, note, "command line", now, err);
	if (str_is(verb, "object"))
		return object(a, db, shop, err);
	if (str_is(verb, "export"))
		return export(a, db, shop, err);
	*known = false;
	return false;
}

int cmd_request(int argc, char **argv)
{
	struct args a = { .most = 1000 };
	const struct opt opts[] = {
		{ "--by", OPT_TEXT, &a.by, "HOW", "add: email, letter (default), phone, counter, page" },
		{ "--asked", OPT_TEXT, &a.asked, "DAY", "add: when it was asked (default: now)" },
		{ "--note", OPT_TEXT, &a.note, "TEXT", "what was done, or why not; no names, it is kept" },
		{ "--out", OPT_TEXT, &a.out, "FILE", "export: FILE.zip or FILE.json" },
		{ "--all", OPT_FLAG, &a.all, NULL, "list: also what was answered" },
		{ "--limit", OPT_INT, &a.most, "N", "list: at most so many (default 1000)" },
		{ "--format", OPT_FORMAT, &a.format, "FORMAT", "table, csv or json" },
	};
	const char *where[4] = { NULL };
	int count, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	a.db = where[0];
	a.verb = where[1];
	a.first = count > 2 ? where[2] : NULL;
	a.second = count > 3 ? where[3] : NULL;
	struct shop shop;
	struct err err;
	bool known = true;
	struct db *db = shop_open(a.db, false, &shop, &err);
	if (!db)
		return cli_fail(&err);
	bool ok = act(&a, db, &shop, &known, &err);
	db_close(db);
	if (!known)
		return cli_usage_error("request does list, add, done, refuse, extend, object or export, not \"%s\"", a.verb);
	return ok ? EXIT_DONE : cli_fail(&err);
}
