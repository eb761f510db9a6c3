/* relance plan: plan files checked, shown, compared. Nothing here touches a database. */
#include "app/plans.h"
#include "base/embed.h"
#include "cli/cli.h"
#include "cli/cmd_plan_switch.h"
#include "engine/plan_words.h"
#include "model/names.h"
#include "outbox/liquid.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct plan_command {
	struct arena arena;
	struct settings settings;
	struct plan_issues *issues;
	enum locale locale;
	enum format format;
	int64_t average_basket;
};

struct plan_options {
	const char *messages, *basket, *currency, *locale;
	enum format format;
};

static bool command_init(struct plan_command *c, const struct plan_options *o, struct err *err)
{
	struct currency currency;
	zone_id zone;
	*c = (struct plan_command){ .format = o->format };
	arena_init(&c->arena);
	c->issues = mem_alloc(sizeof *c->issues);
	int locale = o->locale ? locale_find(str_from(o->locale)) : LOCALE_EN;
	if (locale < 0)
		return err_set(err, ERR_INPUT, "--locale: \"%s\" is not fr or en", o->locale);
	c->locale = (enum locale)locale;
	if (!currency_find(str_from(o->currency ? o->currency : "EUR"), &currency))
		return err_set(err, ERR_INPUT, "--currency: \"%s\" is not a currency code such as EUR", o->currency);
	struct money basket = { 0 };
	if (o->basket && (!money_parse(str_from(o->basket), currency, 0, &basket) || basket.minor <= 0))
		return err_set(err, ERR_INPUT, "--average-basket: \"%s\" is not a sum of money such as 42.50", o->basket);
	c->average_basket = basket.minor;
	check(zone_find(STR("Europe/Paris"), &zone));
	settings_defaults(&c->settings, zone, c->locale, currency);
	return true;
}

static void command_release(struct plan_command *c)
{
	arena_release(&c->arena);
	free(c->issues);
}

/* Reads one file or folder; its issues are added to the command's. Compile errors are issues, not failures. */
static bool command_load(struct plan_command *c, const char *path, struct plan_set *set, struct err *err)
{
	struct plan_issues *own = mem_alloc(sizeof *own);
	bool read = plans_load(path, &c->settings, (struct instant){ 0 }, &c->arena, set, own, err);
	bool failed = !read && own->errors == 0;
	for (size_t i = 0; i < own->count; i++) {
		if (c->issues->count < PLAN_ISSUES_MAX)
			c->issues->items[c->issues->count++] = own->items[i];
		else
			c->issues->dropped++;
	}
	c->issues->dropped += own->dropped;
	c->issues->errors += own->errors;
	free(own);
	return !failed;
}

static void issues_print(const struct plan_command *c, size_t plans)
{
	static const char *const COLUMNS[] = { "level", "file", "line", "column", "text" };
	static const char *const LEVELS[] = { "error", "advice", "note" };
	const struct plan_issues *issues = c->issues;
	size_t notes = 0;
	for (size_t i = 0; i < issues->count; i++)
		notes += issues->items[i].level == ISSUE_NOTE;
	if (c->format == FORMAT_TABLE) {
		for (size_t i = 0; i < issues->count; i++) {
			const struct plan_issue *x = &issues->items[i];
			printf("%.*s:%u:%u: %s: %.*s\n", STR_ARG(x->file), x->line, x->column, LEVELS[x->level], STR_ARG(x->text));
		}
		if (issues->dropped)
			printf("… and %zu more: mend these first\n", issues->dropped);
		printf("%zu %s read, %zu %s, %zu %s\n", plans, plans == 1 ? "plan" : "plans", issues->errors,
		       issues->errors == 1 ? "error" : "errors", issues->count + issues->dropped - issues->errors - notes,
		       "advice");
		return;
	}
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < issues->count; i++) {
		const struct plan_issue *x = &issues->items[i];
		table_cstr(t, LEVELS[x->level]);
		table_text(t, x->file);
		table_int(t, x->line);
		table_int(t, x->column);
		table_text(t, x->text);
	}
	table_print(t, c->format, stdout);
	table_free(t);
}

/* A message is a file of that name, whatever its ending, in DIR/fr or DIR/en. */
static bool message_in_folder(void *user, struct str message, enum locale locale)
{
	static const char *const ENDINGS[] = { ".liquid", ".md", ".html", ".txt", ".yaml", "" };
	for (size_t i = 0; i < ARRAY_LEN(ENDINGS); i++) {
		char path[4096];
		struct stat st;
		int n = snprintf(path, sizeof path, "%s/%s/%.*s%s", (const char *)user, locale_name(locale), STR_ARG(message),
		                 ENDINGS[i]);
		if (n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0)
			return true;
	}
	return false;
}

/* A variant's own subject is a template: it must read as one. */
static void check_subjects(struct plan_command *c, const struct plan *p)
{
	for (uint8_t i = 0; i < p->step_count; i++)
		for (uint8_t v = 0; v < p->steps[i].variant_count; v++) {
			struct err err;
			struct str subject = p->steps[i].variants[v].subject;
			struct liquid_template *t = subject.n ? liquid_parse("subject", subject, &err) : NULL;
			liquid_template_free(t);
			if (t || !subject.n || c->issues->count == PLAN_ISSUES_MAX)
				continue;
			c->issues->items[c->issues->count++] =
				(struct plan_issue){ .level = ISSUE_ERROR,
				                     .file = p->file,
				                     .line = p->steps[i].line,
				                     .column = p->steps[i].column,
				                     .text = arena_printf(&c->arena, "step \"%.*s\": %s", STR_ARG(p->steps[i].name),
				                                          err.text) };
			c->issues->errors++;
		}
}

static int plan_check_paths(const struct plan_options *o, const char **paths, int count)
{
	struct err err;
	struct plan_command c;
	const struct plan **plans = NULL;
	size_t n = 0, cap = 0;
	struct plan_set *set = mem_alloc(sizeof *set);
	struct stat st;
	bool ok = command_init(&c, o, &err);
	if (ok && o->messages && (stat(o->messages, &st) != 0 || !S_ISDIR(st.st_mode)))
		ok = err_set(&err, ERR_INPUT, "--messages: %s is not a folder", o->messages);
	for (int i = 0; ok && (i < count || (count == 0 && i == 0)); i++) {
		ok = command_load(&c, count ? paths[i] : NULL, set, &err);
		for (size_t k = 0; ok && k < set->count; k++) {
			plans = mem_grow(plans, &cap, n + 1, sizeof *plans);
			check_subjects(&c, set->plans[k]);
			plans[n++] = set->plans[k];
		}
	}
	if (ok && n)
		plan_check(plans, n, c.average_basket, o->messages ? message_in_folder : NULL, (void *)(uintptr_t)o->messages,
		           &c.arena, c.issues);
	if (ok && n > 1)
		plan_check_together(plans, n, &c.settings, zone_date(c.settings.zone, (struct instant){ (int64_t)time(NULL) }),
		                    c.locale, &c.arena, c.issues);
	if (ok)
		issues_print(&c, n);
	int status = !ok ? cli_fail(&err) : c.issues->errors ? EXIT_REFUSED : EXIT_DONE;
	command_release(&c);
	free(plans);
	free(set);
	return status;
}

/* The one plan of a file, or of the shipped ones by name. NULL: err, or its errors are printed. */
static const struct plan *one_plan(struct plan_command *c, const char *path, struct err *err)
{
	struct plan_set *set = mem_alloc(sizeof *set);
	const struct plan *p = NULL;
	struct stat st;
	bool shipped = stat(path, &st) != 0 && !strchr(path, '/') && !strchr(path, '.');
	bool ok = command_load(c, shipped ? NULL : path, set, err);
	if (ok && c->issues->errors) {
		const struct plan_issue *x = &c->issues->items[0];
		err_set(err, ERR_INPUT, "%.*s:%u:%u: %.*s", STR_ARG(x->file), x->line, x->column, STR_ARG(x->text));
	} else if (ok && shipped) {
		for (size_t i = 0; i < set->count; i++)
			if (str_is(set->plans[i]->name, path))
				p = set->plans[i];
		if (!p)
			err_set(err, ERR_INPUT, "%s: no such file, and no plan of that name is shipped", path);
	} else if (ok && set->count != 1) {
		err_set(err, ERR_INPUT, "%s holds %zu plans: name one file", path, set->count);
	} else if (ok) {
		p = set->plans[0];
	}
	free(set);
	return p;
}

static void rows_print(const struct plan_command *c, const struct plan *p)
{
	static const char *const COLUMNS[] = { "step", "property", "text" };
	struct plan_line *rows = mem_alloc(sizeof *rows * PLAN_ROWS_MAX);
	struct arena a;
	arena_init(&a);
	size_t count = plan_rows(p, c->locale, c->settings.currency, &a, rows);
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < count; i++) {
		if (rows[i].step < 0)
			table_null(t);
		else
			table_text(t, p->steps[rows[i].step].name);
		table_cstr(t, rows[i].label);
		table_text(t, rows[i].text);
	}
	table_print(t, c->format, stdout);
	table_free(t);
	arena_release(&a);
	free(rows);
}

static int plan_show_path(const struct plan_options *o, const char *path)
{
	struct err err;
	struct plan_command c;
	const struct plan *p = command_init(&c, o, &err) ? one_plan(&c, path, &err) : NULL;
	if (p && c.format == FORMAT_TABLE) {
		struct buf b;
		buf_init(&b, 16 << 20);
		plan_show(p, c.locale, c.settings.currency, &b);
		fwrite(b.p, 1, b.n, stdout);
		buf_release(&b);
	} else if (p) {
		rows_print(&c, p);
	}
	int status = p ? EXIT_DONE : cli_fail(&err);
	command_release(&c);
	return status;
}

static void changes_print(const struct plan_command *c, const struct plan *from, const struct plan *to)
{
	static const char *const COLUMNS[] = { "step", "change" };
	struct plan_change *changes = mem_alloc(sizeof *changes * PLAN_CHANGES_MAX);
	struct arena a;
	arena_init(&a);
	size_t n = plan_diff(from, to, c->locale, c->settings.currency, &a, changes);
	if (c->format == FORMAT_TABLE) {
		for (size_t i = 0; i < n; i++) {
			if (changes[i].step.n)
				printf("%.*s%s ", STR_ARG(changes[i].step), c->locale == LOCALE_FR ? "\xC2\xA0:" : ":");
			printf("%.*s\n", STR_ARG(changes[i].text));
		}
		if (n == 0)
			puts(c->locale == LOCALE_FR ? "aucun changement de sens" : "no change of meaning");
	} else {
		struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
		for (size_t i = 0; i < n; i++) {
			if (changes[i].step.n)
				table_text(t, changes[i].step);
			else
				table_null(t);
			table_text(t, changes[i].text);
		}
		table_print(t, c->format, stdout);
		table_free(t);
	}
	arena_release(&a);
	free(changes);
}

static int plan_diff_paths(const struct plan_options *o, const char *from, const char *to)
{
	struct err err;
	struct plan_command c;
	const struct plan *x = NULL, *y = NULL;
	if (command_init(&c, o, &err) && (x = one_plan(&c, from, &err)) != NULL && (y = one_plan(&c, to, &err)) != NULL)
		changes_print(&c, x, y);
	int status = x && y ? EXIT_DONE : cli_fail(&err);
	command_release(&c);
	return status;
}

int cmd_plan(int argc, char **argv);

int cmd_plan(int argc, char **argv)
{
	static const struct usage usage = {
		.synopsis = "plan check [PATH…] | show FILE | diff FILE FILE | on DB PLAN… | approve DB PLAN… | off DB PLAN… | "
					"drain DB PLAN… | list DB [options]",
		.text =
			"Reads plan files: check tells what is wrong (file:line:column) and gives the advice of the trade; "
			"show draws a\n"
			"plan as a timeline; diff says in words what changed. Without PATH, or by its name, a plan shipped "
			"with relance.\n"
			"on, off, drain: switches plans of a shop (on: a plan by its name, a file or a folder; a changed file\n"
			"becomes a new version, runs in progress stay on theirs); list: what is on;\n"
			"approve: where the shop wants it (relance set DB approval.campaigns yes) a campaign waits until a second\n"
			"person approves it; move: runs in progress to the newest version, shown first, done with --yes.\n"
			"check reads several plans as if all were on: which messages meet in one person, and the fullest week.\n"
			"The exit status is 1 when there is an error, 0 when there is only advice.",
		.example = "relance plan check plans/ --messages messages/\n  relance plan show anti-churn --locale fr\n"
				   "  relance plan diff old.yaml plans/birthday.yaml",
		.positional_min = 1,
		.positional_max = 64,
	};
	struct plan_options o = { .format = FORMAT_TABLE };
	const char *at = NULL, *by = NULL;
	bool yes = false;
	const struct opt opts[] = {
		{ "--messages", OPT_TEXT, &o.messages, "DIR", "check: every message must be in DIR/fr and DIR/en" },
		{ "--average-basket", OPT_TEXT, &o.basket, "SUM", "check: the shop's average basket, for voucher thresholds" },
		{ "--currency", OPT_TEXT, &o.currency, "CODE", "the shop's currency (default EUR)" },
		{ "--locale", OPT_TEXT, &o.locale, "fr|en",
		  "language of show and diff, and of what check says of plans together" },
		{ "--at", OPT_TEXT, &at, "TIME", "on, off, drain: as of this instant (default: now)" },
		{ "--by", OPT_TEXT, &by, "WHO", "on, approve: who does it (default: the system's user)" },
		{ "--yes", OPT_FLAG, &yes, NULL, "move: do it (default: show who would move where)" },
		{ "--format", OPT_FORMAT, &o.format, "FORMAT", "table, csv or json" },
	};
	const char *positional[64];
	int count;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct str verb = str_from(positional[0]);
	if (str_is(verb, "check"))
		return plan_check_paths(&o, positional + 1, count - 1);
	if (str_is(verb, "show") && count == 2)
		return plan_show_path(&o, positional[1]);
	if (str_is(verb, "diff") && count == 3)
		return plan_diff_paths(&o, positional[1], positional[2]);
	if (str_is(verb, "show") || str_is(verb, "diff"))
		return cli_usage_error("plan %s: name %s", positional[0], str_is(verb, "show") ? "one file" : "two files");
	if (str_is(verb, "list") && count == 2)
		return plan_list(positional[1], o.format);
	if (str_is(verb, "list"))
		return cli_usage_error("plan list: name the database, as in relance plan list shop.db");
	if (str_is(verb, "move") && count == 3)
		return plan_move(positional[1], positional[2], yes, at, o.format);
	if (str_is(verb, "move"))
		return cli_usage_error("plan move: name the database and one plan, as in relance plan move shop.db anti-churn");
	bool switches = str_is(verb, "on") || str_is(verb, "approve") || str_is(verb, "off") || str_is(verb, "drain");
	if (switches && count < 3)
		return cli_usage_error("plan %s: name the database and the plans, as in relance plan %s shop.db anti-churn",
		                       positional[0], positional[0]);
	if (switches)
		return plan_switch(positional[0], positional[1], positional + 2, count - 2, at, by, o.format);
	static const char *const VERBS[] = { "check", "show", "diff", "on", "approve", "off", "drain", "move", "list" };
	const char *near = str_nearest(verb, VERBS, ARRAY_LEN(VERBS), 2);
	return cli_usage_error("no command \"plan %s\"%s%s%s; \"relance plan --help\" lists them", positional[0],
	                       near ? "; did you mean \"plan " : "", near ? near : "", near ? "\"?" : "");
}
