#include "cli/cli.h"
#include "store/store.h"

int cmd_check(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "check DB",
	.text = "Verifies the database: the file itself, fact numbers without gaps, documents, orphans, runs and messages, "
			"the form of\n"
			"every fact, address hashes. Changes nothing. Exit status 1 when something was found.",
	.example = "relance check shop.db",
	.positional_min = 1,
	.positional_max = 1,
};

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
	bool ok = store_check(db, finding, t, &findings, &err) && store_seq_hi(db, &seq, &customers, &err);
	if (ok && (format != FORMAT_TABLE || findings))
		table_print(t, format, stdout);
	if (ok && format == FORMAT_TABLE && !findings)
		printf("%s is sound: %lld facts, %u customers\n", db_address(db), (long long)seq, customers);
	table_free(t);
	db_close(db);
	if (!ok)
		return cli_fail(&err);
	return findings ? EXIT_REFUSED : EXIT_DONE;
}
