/* relance set: the settings of a shop: all of them, one, or a new value. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/config.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

int cmd_set(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "set DB [NAME [VALUE]]",
	.text =
		"Without NAME: every setting and its value. With NAME: its value. With VALUE: sets it, from the next tick on.",
	.example =
		"relance set shop.db pressure.email \"1 in 7 days\"\n  relance set shop.db shop.email bonjour@example.com",
	.positional_min = 1,
	.positional_max = 3,
};

static bool list(struct db *db, const struct shop *shop, const char *only, enum format format, struct err *err)
{
	static const char *const COLUMNS[] = { "name", "value", "what" };
	struct settings *s = mem_alloc(sizeof *s);
	struct arena a;
	arena_init(&a);
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool ok = config_read(db, shop, s, err) &&
	          (!only || config_find(str_from(only)) || config_apply(s, str_from(only), STR(""), err));
	for (size_t i = 0; i < CONFIG_ITEM_COUNT && ok; i++) {
		struct str value;
		if (only && !str_is(str_from(only), CONFIG_ITEMS[i].name))
			continue;
		ok = config_text(db, s, &CONFIG_ITEMS[i], &a, &value, err);
		table_cstr(t, CONFIG_ITEMS[i].name);
		table_text(t, ok ? value : STR(""));
		table_cstr(t, CONFIG_ITEMS[i].help);
	}
	if (ok)
		table_print(t, format, stdout);
	table_free(t);
	arena_release(&a);
	free(s);
	return ok;
}

int cmd_set(int argc, char **argv)
{
	const char *where[3] = { NULL, NULL, NULL };
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = { { "--format", OPT_FORMAT, &format, "F", "table, csv or json" } };
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	struct err err;
	struct shop shop;
	char actor[32];
	snprintf(actor, sizeof actor, "uid %d", (int)getuid());
	struct db *db = shop_open(where[0], count < 3, &shop, &err);
	bool ok = db != NULL;
	if (ok && count == 3)
		ok = config_set(db, &shop, str_from(where[1]), str_from(where[2]), clock_now(), actor, &err) &&
		     list(db, &shop, where[1], format, &err);
	else if (ok)
		ok = list(db, &shop, where[1], format, &err);
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}
