#include "cli/cli.h"
#include "store/store.h"

int cmd_restore(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "restore FILE DB [--replace]",
	.text = "Puts a backup in place. Nothing is sent by itself afterwards: messages that were under way become "
			"uncertain, and plans\n"
			"are paused until a person switches them on again.",
	.example = "relance restore shop-2026-05-12.backup shop.db --replace",
	.positional_min = 2,
	.positional_max = 2,
};

int cmd_restore(int argc, char **argv)
{
	const char *positional[2];
	int count = 0;
	bool replace = false;
	const struct opt opts[] = { { "--replace", OPT_FLAG, &replace, NULL, "in the place of the shop that is there" } };
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct err err;
	if (!store_restore(positional[0], positional[1], replace, &err))
		return cli_fail(&err);
	struct shop shop;
	struct db *db = store_open(positional[1], false, &shop, &err);
	if (!db) {
		err_context(&err, "the backup is in place, but");
		return cli_fail(&err);
	}
	bool ok = store_mark(db, &err);
	if (ok)
		printf("%s is restored (incarnation %lld). Plans are paused: look at the queue, then switch them on.\n",
		       db_address(db), (long long)shop.incarnation);
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}
