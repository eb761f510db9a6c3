/* relance voucher: the shop's own codes, drawn by the steps whose voucher names a pool. */
#include "app/arrival.h"
#include "app/clock.h"
#include "cli/cli.h"
#include "store/outbox.h"

#include <stdlib.h>
#include <unistd.h>

int cmd_voucher(int argc, char **argv);

enum { CODE_MAX = 64, LINE_SIZE = 1024, CODES_MAX = 10000000 };

static const struct usage USAGE = {
	.synopsis = "voucher add DB POOL FILE | voucher free DB POOL",
	.text =
		"add: one code a line, at most 64 characters; codes already known are passed over. free: how many nobody has\n"
		"yet. A step draws from a pool with voucher: {percent: 10, valid: 20 days, pool: POOL}.",
	.example = "relance voucher add shop.db spring codes.txt",
	.positional_min = 3,
	.positional_max = 4,
};

static bool add_codes(struct db *db, struct str pool, FILE *f, const char *name, int64_t *added, int64_t *known,
                      struct err *err)
{
	char text[LINE_SIZE];
	for (int line = 1; fgets(text, sizeof text, f); line++) {
		struct str code = str_trim(str_from(text));
		bool fresh;
		if (!code.n)
			continue;
		if (code.n > CODE_MAX || str_utf8_valid(code) != code.n || memchr(code.p, ' ', code.n))
			return err_set(err, ERR_INPUT, "%s: line %d: not a code: one a line, at most %d characters, no spaces",
			               name, line, CODE_MAX);
		if (line > CODES_MAX)
			return err_set(err, ERR_LIMIT, "%s: more than %d codes: split the file", name, CODES_MAX);
		if (!voucher_add(db, pool, code, &fresh, err))
			return false;
		*added += fresh;
		*known += !fresh;
	}
	return !ferror(f) || err_errno(err, "%s", name);
}

static bool add(struct db *db, struct str pool, const char *path, int64_t *added, int64_t *known, struct err *err)
{
	char actor[32];
	snprintf(actor, sizeof actor, "uid %d", (int)getuid());
	FILE *f = fopen(path, "r");
	if (!f)
		return err_errno(err, "%s", path);
	bool ok = db_begin(db, err) && add_codes(db, pool, f, path, added, known, err) &&
	          store_audit(db, clock_now(), actor, "voucher codes added", "pool", err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	fclose(f);
	return ok;
}

int cmd_voucher(int argc, char **argv)
{
	static const char *const COLUMNS[] = { "pool", "added", "known", "free" };
	const char *where[4] = { NULL };
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = { { "--format", OPT_FORMAT, &format, "F", "table, csv or json" } };
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	bool adds = str_is(str_from(where[0]), "add");
	if ((!adds && !str_is(str_from(where[0]), "free")) || count != (adds ? 4 : 3))
		return cli_usage_error("voucher: add DB POOL FILE, or free DB POOL");
	struct err err;
	struct shop shop;
	int64_t added = 0, known = 0, left = 0;
	struct str pool = str_from(where[2]);
	struct db *db = shop_open(where[1], !adds, &shop, &err);
	bool ok = db && (!adds || add(db, pool, where[3], &added, &known, &err)) && voucher_free(db, pool, &left, &err);
	if (ok) {
		struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
		table_text(t, pool);
		table_int(t, added);
		table_int(t, known);
		table_int(t, left);
		table_print_record(t, format, stdout);
		table_free(t);
	}
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}
