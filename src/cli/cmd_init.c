#include "cli/cli.h"
#include "model/names.h"
#include "store/store.h"

int cmd_init(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "init DB --timezone ZONE --currency CODE --locale fr|en [--name SHOP]",
	.text = "Makes the database of a shop: a file, or a schema in PostgreSQL (postgresql://host/db?schema=NAME). "
			"Beside a file\n"
			"stands FILE.key, the secret of the address hashes: keep a copy of it, apart from the backups.",
	.example = "relance init shop.db --timezone Europe/Paris --currency EUR --locale fr --name \"Chez Léa\"",
	.positional_min = 1,
	.positional_max = 1,
};

int cmd_init(int argc, char **argv)
{
	const char *zone = NULL, *currency = NULL, *locale = NULL, *name = "", *positional[1];
	int count = 0;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--timezone", OPT_TEXT, &zone, "ZONE", "where the shop's days begin and end: Europe/Paris" },
		{ "--currency", OPT_TEXT, &currency, "CODE", "of all its prices: EUR" },
		{ "--locale", OPT_TEXT, &locale, "LOCALE", "fr or en: the customers' language unless they say otherwise" },
		{ "--name", OPT_TEXT, &name, "SHOP", "the shop's name, as customers read it" },
		{ "--format", OPT_FORMAT, &format, "FORMAT", "table, csv or json" },
	};
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct shop shop = { 0 };
	if (!zone || !currency || !locale)
		return cli_usage_error(
			"init: --timezone, --currency and --locale are needed, as in --timezone Europe/Paris --currency "
			"EUR --locale fr");
	if (!zone_find(str_from(zone), &shop.zone))
		return cli_usage_error("init: no time zone \"%s\"; zones are named like Europe/Paris", zone);
	if (!currency_find(str_from(currency), &shop.currency))
		return cli_usage_error("init: no currency \"%s\"; currencies are named like EUR", currency);
	int l = locale_find(str_from(locale));
	if (l < 0)
		return cli_usage_error("init: no language \"%s\"; there are fr and en", locale);
	shop.locale = (enum locale)l;
	if (strlen(name) >= sizeof shop.name || str_utf8_valid(str_from(name)) != strlen(name))
		return cli_usage_error("init: the shop's name is at most %zu bytes of UTF-8", sizeof shop.name - 1);
	snprintf(shop.name, sizeof shop.name, "%s", name);
	struct err err;
	if (!store_init(positional[0], &shop, &err))
		return cli_fail(&err);
	struct db *db = store_open(positional[0], false, &shop, &err);
	if (!db)
		return cli_fail(&err);
	static const char *const COLUMNS[] = { "database", "timezone", "currency", "locale", "key" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	table_cstr(t, db_address(db));
	table_cstr(t, zone);
	table_cstr(t, shop.currency.code);
	table_cstr(t, locale_name(shop.locale));
	table_cstr(t, store_key_path(db));
	table_print_record(t, format, stdout);
	table_free(t);
	if (format == FORMAT_TABLE)
		printf("\nNext: relance import %s orders.csv\n", db_address(db));
	db_close(db);
	return EXIT_DONE;
}
