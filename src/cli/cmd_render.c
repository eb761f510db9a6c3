/* relance render: one template with one JSON document, byte for byte. */
#include "cli/cli.h"
#include "cli/files.h"
#include "outbox/liquid_set.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

static const struct usage USAGE = {
	.synopsis = "render --template FILE --data FILE [--partials DIR]",
	.text =
		"Prints a Liquid template filled with a JSON object, byte for byte. What a .html.liquid template prints is\n"
		"HTML-escaped. A partial is DIR/NAME, DIR/NAME.liquid or DIR/NAME.html.liquid.",
	.example = "relance render --template hello.liquid --data customer.json --locale fr",
};

static bool read_data(const char *path, struct arena *a, struct lval *out, struct err *err)
{
	struct buf text;
	buf_init(&text, CLI_FILE_MAX);
	json_error_t why;
	json_t *json = NULL;
	bool ok = cli_read_file(path, &text, err);
	if (ok) {
		json = json_loadb(text.p ? text.p : "", text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
		ok = json ? lval_from_json(a, json, out, err)
		          : err_set(err, ERR_INPUT, "%s:%d:%d: %s", path, why.line, why.column, why.text);
	}
	if (ok && out->type != LVAL_OBJECT)
		ok = err_set(err, ERR_INPUT, "%s: a JSON object is needed: {\"name\": value, …}", path);
	json_decref(json);
	buf_release(&text);
	return ok;
}

static bool render(const char *template, const char *data, const char *partials, struct liquid_options *options,
                   struct buf *out, struct err *err)
{
	struct arena arena;
	struct buf source;
	struct lval root = lval_nil();
	struct liquid_template *t = NULL;
	struct liquid_set *set = liquid_set_new();
	struct liquid *r = liquid_new();
	struct liquid_partials found;
	arena_init(&arena);
	buf_init(&source, LIQUID_SOURCE_MAX);
	if (partials) {
		liquid_set_folder(set, partials, cli_read_partial);
		found = liquid_set_partials(set);
		options->partials = &found;
	}
	bool ok = cli_read_file(template, &source, err) && read_data(data, &arena, &root, err);
	if (ok)
		t = liquid_parse(template, buf_view(&source), err);
	ok = t && liquid_render(r, t, root.object, options, out, err);
	liquid_template_free(t);
	liquid_free(r);
	liquid_set_free(set);
	buf_release(&source);
	arena_release(&arena);
	return ok;
}

int cmd_render(int argc, char **argv);

int cmd_render(int argc, char **argv)
{
	const char *template = NULL, *data = NULL, *partials = NULL, *locale = "", *currency = "EUR", *zone = "UTC",
			   *now = NULL;
	bool strict = false;
	const struct opt opts[] = {
		{ "--template", OPT_TEXT, &template, "FILE", "the template" },
		{ "--data", OPT_TEXT, &data, "FILE", "a JSON object; - reads standard input" },
		{ "--partials", OPT_TEXT, &partials, "DIR", "where include and render find theirs" },
		{ "--locale", OPT_TEXT, &locale, "fr|en", "of names, dates and amounts (default: none)" },
		{ "--currency", OPT_TEXT, &currency, "CODE", "of the money filter (default EUR)" },
		{ "--zone", OPT_TEXT, &zone, "ZONE", "of dates (default UTC)" },
		{ "--now", OPT_TEXT, &now, "INSTANT", "what 'now' means, as 2026-12-05T10:00:00Z (default: the clock)" },
		{ "--strict", OPT_FLAG, &strict, NULL, "an unknown variable or filter is an error" },
	};
	const char *none[1];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, none, &count);
	if (status >= 0)
		return status;
	if (!template || !data)
		return cli_usage_error("render needs --template FILE and --data FILE");
	struct liquid_options options = { .strict = strict,
		                              .autoescape = str_ends(str_from(template), STR(".html.liquid")),
		                              .locale = liquid_locale_from(str_from(locale)),
		                              .now = { (int64_t)time(NULL) } };
	if (!currency_find(str_from(currency), &options.currency))
		return cli_usage_error("--currency: no currency \"%s\"", currency);
	if (!zone_find(str_from(zone), &options.zone))
		return cli_usage_error("--zone: no time zone \"%s\"", zone);
	if (now && !instant_parse(str_from(now), options.zone, &options.now))
		return cli_usage_error("--now: \"%s\" is not an instant", now);
	struct buf out;
	struct err err = { 0 };
	buf_init(&out, CLI_FILE_MAX);
	bool ok = render(template, data, partials, &options, &out, &err);
	if (ok)
		fwrite(out.p ? out.p : "", 1, out.n, stdout);
	else
		fprintf(stderr, "%s\n", err.text);
	buf_release(&out);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}
