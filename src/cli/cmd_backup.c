#include "app/arrival.h"
#include "cli/cli.h"
#include "store/store.h"

int cmd_backup(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "backup DB FILE",
	.text = "Writes the whole database as it stands, while others go on using it, into one new file. The key file is "
			"not in it:\n"
			"keep a copy of that elsewhere, once.",
	.example = "relance backup shop.db shop-2026-05-12.backup",
	.positional_min = 2,
	.positional_max = 2,
};

int cmd_backup(int argc, char **argv)
{
	const char *positional[2];
	int count = 0;
	int status = opts_parse(&USAGE, NULL, 0, argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct db *db = store_open(positional[0], true, NULL, &err);
	if (!db)
		return cli_fail(&err);
	struct arrivals waiting;
	bool ok = arrivals_waiting(db, &waiting, &err) && store_backup(db, positional[1], NULL, NULL, &err);
	if (ok)
		printf("%s holds %s. The key stays in %s.\n", positional[1], db_address(db), store_key_path(db));
	if (ok && waiting.last)
		printf("Facts told over HTTP and not applied yet are in it as they came; whoever opens it applies them.\n");
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}
