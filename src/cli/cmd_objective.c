/* relance objective: what is to be reached, by whom, by when; how far it is, and where it ends at this pace. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/objectives.h"
#include "app/people.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

int cmd_objective(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "objective list DB | objective set DB --period P --revenue … | objective remove DB NUMBER",
	.text =
		"An objective is of the shop, of a team (a store, or the sellers named by --members), of a person (a seller) "
		"or\n"
		"of a plan, for a month, a quarter or a year. list shows how much is reached and where it ends at this pace, "
		"with\n"
		"the interval that pace allows. Setting one again changes it.",
	.example =
		"relance objective set shop.db --period 2026-11 --person Claire --revenue 12000\n"
		"  relance objective set shop.db --period 2026-Q4 --team \"Rive gauche\" --members Claire,Marc --orders 900\n"
		"  relance objective set shop.db --period 2026 --plan anti-churn --conversion 8%\n"
		"  relance objective list shop.db --period 2026-11 --lang fr",
	.positional_min = 2,
	.positional_max = 3,
};

struct request {
	const char *verb, *address, *number;
	const char *period, *team, *person, *plan, *members, *target[OBJECTIVE_MEASURES], *lang;
	enum format format;
	bool french;
};

/* ---- set, remove ---- */

static bool read_scope(const struct request *q, struct objective *o, struct err *err)
{
	const char *names[OBJECTIVE_SCOPES] = { NULL, q->team, q->person, q->plan };
	int given = 0;
	*o = (struct objective){ .scope = OBJECTIVE_SHOP, .name = STR(""), .members = STR("") };
	for (int s = OBJECTIVE_TEAM; s < OBJECTIVE_SCOPES; s++)
		if (names[s]) {
			o->scope = (enum objective_scope)s;
			o->name = str_trim(str_from(names[s]));
			given++;
		}
	if (given > 1)
		return err_set(err, ERR_INPUT, "one of --team, --person, --plan; none of them: the shop's");
	return !q->members || o->scope == OBJECTIVE_TEAM || err_set(err, ERR_INPUT, "--members are those of a --team");
}

/* "Claire, Marc" → one a line */
static struct str read_members(const char *text, char *out, size_t size)
{
	size_t n = 0;
	for (struct str rest = str_from(text ? text : ""); rest.n;) {
		const char *comma = memchr(rest.p, ',', rest.n);
		size_t len = comma ? (size_t)(comma - rest.p) : rest.n;
		struct str one = str_trim((struct str){ rest.p, len });
		if (one.n && n + one.n + 2 < size) {
			if (n)
				out[n++] = '\n';
			memcpy(out + n, one.p, one.n);
			n += one.n;
		}
		rest = (struct str){ rest.p + len + (comma != NULL), rest.n - len - (comma != NULL) };
	}
	return (struct str){ out, n };
}

static bool set_all(const struct request *q, struct db *db, const struct shop *shop, struct objective *o,
                    struct err *err)
{
	char actor[32];
	int64_t id;
	bool any = false;
	snprintf(actor, sizeof actor, "uid %d", (int)getuid());
	for (int m = 0; m < OBJECTIVE_MEASURES; m++) {
		if (!q->target[m])
			continue;
		any = true;
		o->measure = (enum objective_measure)m;
		if (!objective_target_read(o->measure, str_from(q->target[m]), shop->currency, &o->target))
			return err_set(err, ERR_INPUT, "--%s: \"%s\" is not %s above 0", OBJECTIVE_MEASURE_NAMES[m], q->target[m],
			               m == OBJECTIVE_REVENUE      ? "an amount"
			               : m == OBJECTIVE_CONVERSION ? "a per cent up to 100 and"
			                                           : "a whole number");
		if (!objective_put(db, o, clock_now(), actor, &id, err))
			return false;
		printf("objective %lld\n", (long long)id);
	}
	return any || err_set(err, ERR_INPUT, "set what? --revenue, --orders, --volume or --conversion");
}

static int change(const struct request *q)
{
	struct err err;
	struct shop shop;
	struct objective o;
	char members[(BODY_NAME_MAX + 1) * OBJECTIVE_MEMBERS_MAX], actor[32];
	int64_t id = 0;
	bool set = str_is(str_from(q->verb), "set");
	struct db *db = shop_open(q->address, false, &shop, &err);
	bool ok = db != NULL;
	snprintf(actor, sizeof actor, "uid %d", (int)getuid());
	if (ok && set) {
		ok = read_scope(q, &o, &err);
		if (ok && !objective_period_read(str_from(q->period), &o.first_month, &o.months))
			ok = err_set(&err, ERR_INPUT, "--period: \"%s\" is none of 2026-11, 2026-Q4, 2026", q->period);
		o.members = read_members(q->members, members, sizeof members);
		ok = ok && set_all(q, db, &shop, &o, &err);
	} else if (ok) {
		ok = (str_i64(str_from(q->number), &id) ||
		      err_set(&err, ERR_INPUT, "\"%s\" is not the number of an objective: objective list shows them",
		              q->number)) &&
		     objective_remove(db, id, clock_now(), actor, &err);
	}
	db_close(db);
	return ok ? EXIT_DONE : cli_fail(&err);
}

/* ---- list ---- */

static void amount(struct table *t, const struct objective *o, double v, bool known, struct currency currency)
{
	char text[32];
	if (!known)
		table_null(t);
	else if (o->measure == OBJECTIVE_REVENUE)
		table_number(t, str_from(money_plain((struct money){ (int64_t)(v + (v < 0 ? -0.5 : 0.5)) }, currency, text)));
	else if (o->measure == OBJECTIVE_CONVERSION)
		table_float(t, v / 1000, 2);
	else
		table_float(t, v, 0);
}

static void row(struct table *t, const struct request *q, const struct objective_progress *p, struct currency currency)
{
	const struct objective *o = p->of;
	bool counted = p->state != OBJECTIVE_UNKNOWN && p->state != OBJECTIVE_AHEAD;
	char period[12];
	struct buf text;
	buf_init(&text, 1 << 10);
	figures_month_text(o->first_month, o->months, period);
	objective_text(p, currency, q->french, &text);
	table_int(t, o->id);
	table_cstr(t, period);
	table_cstr(t, OBJECTIVE_SCOPE_NAMES[o->scope]);
	table_text(t, o->name);
	table_cstr(t, OBJECTIVE_MEASURE_NAMES[o->measure]);
	amount(t, o, (double)o->target, true, currency);
	amount(t, o, (double)p->reached, counted, currency);
	if (counted)
		table_float(t, p->attainment, 1);
	else
		table_null(t);
	amount(t, o, p->expected, p->projected, currency);
	amount(t, o, p->low, p->projected, currency);
	amount(t, o, p->high, p->projected, currency);
	table_cstr(t, objective_state_key(p->state));
	if (q->format != FORMAT_TABLE)
		table_text(t, buf_view(&text));
	buf_release(&text);
}

static bool show(const struct request *q, struct live *l, const struct people *people, struct err *err)
{
	static const char *const COLUMNS[] = { "number",     "period",   "scope", "name", "measure", "target", "reached",
		                                   "attainment", "expected", "low",   "high", "state",   "text" };
	struct objective *list;
	struct arena a;
	struct figures_shop s;
	size_t count;
	int first = 0, months = 0;
	if (q->period && !objective_period_read(str_from(q->period), &first, &months))
		return err_set(err, ERR_INPUT, "--period: \"%s\" is none of 2026-11, 2026-Q4, 2026", q->period);
	arena_init(&a);
	bool ok = objectives_read(live_db(l), &a, &list, &count, err);
	if (ok) {
		struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS) - (q->format == FORMAT_TABLE));
		figures_shop_of(l, people->ref, people->ids, clock_now(), &s);
		for (size_t i = 0; i < count; i++) {
			struct objective_progress p;
			if (q->period && (list[i].first_month != first || list[i].months != months))
				continue;
			objective_progress(&s, &list[i], &p);
			row(t, q, &p, live_shop(l)->settings.currency);
		}
		table_print(t, q->format, stdout);
		table_free(t);
		book_unpin(live_shop(l)->book, s.version);
	}
	arena_release(&a);
	return ok;
}

static int list_all(const struct request *q)
{
	struct err err;
	struct people p;
	struct live *l = live_open_to_look(q->address, INSTANT_NEVER, &err);
	if (!l)
		return cli_fail(&err);
	bool ok = people_load(live_shop(l), &p, &err);
	if (ok) {
		ok = show(q, l, &p, &err);
		people_release(&p);
	}
	live_close(l);
	return ok ? EXIT_DONE : cli_fail(&err);
}

int cmd_objective(int argc, char **argv)
{
	struct request q = { .lang = "en" };
	const struct opt opts[] = {
		{ "--period", OPT_TEXT, &q.period, "PERIOD", "2026-11, 2026-Q4 or 2026" },
		{ "--team", OPT_TEXT, &q.team, "NAME", "of a store, or of the sellers in --members" },
		{ "--members", OPT_TEXT, &q.members, "A,B,…", "the sellers of the team" },
		{ "--person", OPT_TEXT, &q.person, "NAME", "of a seller" },
		{ "--plan", OPT_TEXT, &q.plan, "NAME", "of a plan: what its treated entrants order within 30 days" },
		{ "--revenue", OPT_TEXT, &q.target[OBJECTIVE_REVENUE], "AMOUNT", "VAT included, returns taken off" },
		{ "--orders", OPT_TEXT, &q.target[OBJECTIVE_ORDERS], "N", "sales" },
		{ "--volume", OPT_TEXT, &q.target[OBJECTIVE_VOLUME], "N", "articles sold" },
		{ "--conversion", OPT_TEXT, &q.target[OBJECTIVE_CONVERSION], "PERCENT", "prospects who order" },
		{ "--lang", OPT_TEXT, &q.lang, "LANG", "fr or en (default)" },
		{ "--format", OPT_FORMAT, &q.format, "FORMAT", "table, csv or json" },
	};
	const char *where[3];
	int count, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	q.verb = where[0];
	q.address = where[1];
	q.number = count > 2 ? where[2] : NULL;
	q.french = str_is(str_from(q.lang), "fr");
	if (!q.french && !str_is(str_from(q.lang), "en"))
		return cli_usage_error("--lang: \"%s\" is none of fr, en", q.lang);
	struct str verb = str_from(q.verb);
	if (str_is(verb, "list") && count == 2)
		return list_all(&q);
	if (str_is(verb, "set") && count == 2)
		return q.period ? change(&q) : cli_usage_error("objective set: --period 2026-11, 2026-Q4 or 2026");
	if (str_is(verb, "remove") && count == 3)
		return change(&q);
	return cli_usage_error("objective list DB, objective set DB --period P …, or objective remove DB NUMBER");
}
