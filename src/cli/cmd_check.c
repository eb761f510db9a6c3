#include "app/arrival.h"
#include "cli/cli.h"
#include "store/store.h"

int cmd_check(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "check DB",
	.text = "Verifies the database: the file itself, fact numbers without gaps, documents, orphans, runs and messages, "
			"the form of\n"
			"every fact, address hashes; counts what was told and is not applied yet. Changes nothing. Exit status 1 "
			"when something was found.",
	.example = "relance check shop.db",
	.positional_min = 1,
	.positional_max = 1,
};

/* What was told over HTTP and is not among the facts: kept, which is no finding, but it has to be readable. */
static bool check_arrivals(struct db *db, struct table *t, struct arrivals *waiting, int64_t *findings, struct err *err)
{
	char line[80];
	int64_t bad;
	if (!arrivals_waiting(db, waiting, err) || !arrivals_check(db, &bad, err))
		return false;
	snprintf(line, sizeof line, "arrival %lld cannot be read", (long long)bad);
	if (bad)
		table_cstr(t, line);
	*findings += bad != 0;
	return true;
}

static void finding(void *ctx, const char *line)
{
	table_cstr(ctx, line);
}

int cmd_check(int argc, char **argv)
{
	const char *positional[1];
	int count = 0;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = { { "--format", OPT_FORMAT, &format, "FORMAT", "table, csv or json" } };
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct err err;
	int64_t findings = 0, seq = 0;
	uint32_t customers = 0;
	struct db *db = store_open(positional[0], true, NULL, &err);
	if (!db)
		return cli_fail(&err);
	static const char *const COLUMNS[] = { "finding" };
	struct table *t = table_new(COLUMNS, 1);
	struct arrivals waiting;
	bool ok = store_check(db, finding, t, &findings, &err) && check_arrivals(db, t, &waiting, &findings, &err) &&
	          store_seq_hi(db, &seq, &customers, &err);
	if (ok && (format != FORMAT_TABLE || findings))
		table_print(t, format, stdout);
	if (ok && format == FORMAT_TABLE && !findings)
		printf("%s is sound: %lld facts, %u customers\n", db_address(db), (long long)seq, customers);
	if (ok && format == FORMAT_TABLE && waiting.last)
		printf("%lld facts told over HTTP are kept and not applied yet: \"relance serve\" does, or the next command\n",
		       (long long)waiting.facts);
	table_free(t);
	db_close(db);
	if (!ok)
		return cli_fail(&err);
	return findings ? EXIT_REFUSED : EXIT_DONE;
}
