/* relance replay: the plans over the shop's own history, before anything is switched on. */
#include "app/audit.h"
#include "app/plans.h"
#include "app/replay_page.h"
#include "base/par.h"
#include "cli/cli.h"
#include "model/names.h"

#include <errno.h>
#include <stdlib.h>

int cmd_replay(int argc, char **argv);

struct request {
	const char *plans, *compare, *from, *to, *consent, *response, *trace, *report, *locale;
	double open_rate, click_rate, buy_rate;
	int64_t threads, seed;
	bool audit;
	enum format format;
};

static const struct usage USAGE = {
	.synopsis = "replay DB [--plans DIR] [--compare DIR] --from DATE --to DATE [options] | replay DB --audit",
	.text =
		"Runs the plans over the shop's history as if they had been on: who would have got what and when, what would\n"
		"have been held and why. Changes nothing. --to is the last day taken. What history does not hold is said by\n"
		"--consent and --response; both are part of the result's hash. --compare plays a second folder over the same "
		"history\n"
		"and shows both side by side; --report writes one page with charts, to open in a browser or to send.\n"
		"--audit repeats what really happened instead: every line of the tick log is decided again from the facts\n"
		"alone, and the first that differs is named.",
	.example =
		"relance replay shop.db --plans plans/ --from 2011-01-01 --to 2011-08-31 --consent assume --trace trace.txt\n"
		"relance replay shop.db --compare plans-gentler/ --from 2011-01-01 --to 2011-08-31 --report replay.html",
	.positional_min = 1,
	.positional_max = 1,
};

struct sink {
	FILE *trace;
	const char *name;
	struct progress progress;
	struct tally *tally;
};

/* One plan folder played: A, and B with --compare. */
struct side {
	const char *label;
	struct arena arena;
	struct plan_set *set;
	struct replay_result *result;
	struct tally tally;
};

enum { SIDES_MAX = 2 };

struct outcome {
	const struct request *q;
	struct shop_world *w;
	struct instant from, to;
	struct side sides[SIDES_MAX];
	size_t count;
};

static bool write_trace(void *ctx, struct str text, struct err *err)
{
	struct sink *s = ctx;
	if (fwrite(text.p, 1, text.n, s->trace) == text.n)
		return true;
	return err_errno(err, "%s: the trace could not be written; free space or choose another place", s->name);
}

static void take_day(void *ctx, struct date day, const struct decision *decisions, size_t count)
{
	tally_take(((struct sink *)ctx)->tally, day, decisions, count);
}

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
	progress_show(&((struct sink *)ctx)->progress, done, total);
}

/* --open-rate and the like are given in percent. */
static uint32_t per_million(double percent)
{
	return percent <= 0 ? 0 : percent >= 100 ? 1000000 : (uint32_t)(percent * 10000.0 + 0.5);
}

static void money_cell(struct table *t, int64_t minor, struct currency currency)
{
	char text[32];
	table_number(t, str_from(money_plain((struct money){ minor }, currency, text)));
}

static void json_money(struct buf *b, const char *key, int64_t minor, struct currency currency)
{
	char text[32];
	buf_printf(b, ", \"%s\": %s", key, money_plain((struct money){ minor }, currency, text));
}

static void json_whys(struct buf *b, const struct tally_plan *p)
{
	static const char *const KEYS[] = { "held_by", "skipped_by", "dropped_by" };
	for (int w = 0; w < TALLY_WHYS; w++) {
		bool any = false;
		buf_printf(b, ", \"%s\": {", KEYS[w]);
		for (int r = 0; r < REASON_COUNT; r++)
			if (p->why[w][r]) {
				buf_printf(b, "%s\"%s\": %llu", any ? ", " : "", reason_name((enum reason)r),
				           (unsigned long long)p->why[w][r]);
				any = true;
			}
		buf_cstr(b, "}");
	}
}

static void json_budget(struct buf *b, const struct plan *p, const struct tally_plan *t, struct currency currency)
{
	if (p->budget == 0)
		return;
	json_money(b, "budget", p->budget, currency);
	buf_printf(b, ", \"budget_per\": \"%s\"", p->budget_total ? "all" : "month");
	json_money(b, "most_in_a_month", (t->most_in_month + 500) / 1000, currency);
}

static void json_plan(struct buf *b, const struct side *s, size_t i, struct currency currency)
{
	const struct replay_plan *p = &s->result->plans[i];
	const struct tally_plan *t = &s->tally.plans[i];
	buf_json(b, s->set->plans[i]->name);
	buf_printf(
		b,
		": {\"entered\": %llu, \"messages\": %llu, \"held\": %llu, \"skipped\": %llu, \"control\": %llu, \"exited\": "
		"%llu, "
		"\"dropped\": %llu, \"ended\": %llu, \"goals\": %llu, \"opened\": %llu, \"clicked\": %llu, \"tagged\": %llu, "
		"\"codes\": %llu",
		(unsigned long long)p->entered, (unsigned long long)p->messages, (unsigned long long)p->held,
		(unsigned long long)p->skipped, (unsigned long long)p->control, (unsigned long long)p->exited,
		(unsigned long long)p->dropped, (unsigned long long)p->ended, (unsigned long long)p->goals,
		(unsigned long long)p->opened, (unsigned long long)p->clicked, (unsigned long long)p->tagged,
		(unsigned long long)t->codes);
	json_money(b, "cost", (t->cost + 500) / 1000, currency);
	json_money(b, "voucher_exposure", t->exposure, currency);
	buf_cstr(b, ", \"channels\": {");
	bool any = false;
	for (int c = 0; c < CHANNEL_COUNT; c++)
		if (p->by_channel[c]) {
			buf_printf(b, "%s\"%s\": %llu", any ? ", " : "", channel_name((enum channel)c),
			           (unsigned long long)p->by_channel[c]);
			any = true;
		}
	buf_cstr(b, "}, \"cost_by_channel\": {");
	any = false;
	for (int c = 0; c < CHANNEL_COUNT; c++) {
		char text[32];
		struct money cost = { (tally_cost(&s->tally, i, c) + 500) / 1000 };
		if (cost.minor)
			buf_printf(b, "%s\"%s\": %s", any ? ", " : "", channel_name((enum channel)c),
			           money_plain(cost, currency, text));
		any |= cost.minor != 0;
	}
	buf_cstr(b, "}");
	json_budget(b, s->set->plans[i], t, currency);
	json_whys(b, t);
	buf_cstr(b, "}");
}

static void json_weeks(struct buf *b, const char *key, const uint64_t weeks[])
{
	buf_printf(b, ", \"%s\": {", key);
	for (int n = 1, any = 0; n <= TALLY_WEEK_MAX; n++)
		if (weeks[n])
			buf_printf(b, "%s\"%d\": %llu", any++ ? ", " : "", n, (unsigned long long)weeks[n]);
	buf_cstr(b, "}");
}

static void json_side(struct buf *b, const struct outcome *o, const struct side *s)
{
	const struct replay_result *r = s->result;
	char text[32];
	buf_printf(b, "{\"from\": \"%s\", ", instant_text(o->from, text));
	buf_printf(b, "\"to\": \"%s\", \"consent\": \"%s\", \"response\": \"%s\", ", instant_text(o->to, text),
	           o->q->consent, o->q->response);
	buf_printf(b,
	           "\"facts\": %llu, \"customers\": %u, \"decisions\": %llu, \"asked\": %llu, \"seconds\": %.3f, "
	           "\"trace_sha256\": \"%s\", ",
	           (unsigned long long)r->facts, r->customers, (unsigned long long)r->decisions,
	           (unsigned long long)r->asked, r->seconds, r->trace_sha256);
	buf_printf(b, "\"messages\": %llu, \"reached\": %llu, \"most_in_a_week\": %u",
	           (unsigned long long)s->tally.messages, (unsigned long long)s->tally.reached, s->tally.busiest);
	json_money(b, "cost", (s->tally.cost + 500) / 1000, o->w->shop.currency);
	json_money(b, "average_basket", s->tally.average_basket, o->w->shop.currency);
	json_money(b, "voucher_exposure", s->tally.exposure, o->w->shop.currency);
	json_weeks(b, "customer_weeks_marketing", s->tally.week_marketing);
	json_weeks(b, "customer_weeks", s->tally.week_all);
	buf_cstr(b, ", \"plans\": {");
	for (size_t i = 0; i < s->set->count; i++) {
		buf_cstr(b, i ? ",\n  " : "\n  ");
		json_plan(b, s, i, o->w->shop.currency);
	}
	buf_cstr(b, "}}");
}

/* One object; with --compare {"a": {…}, "b": {…}}, each with the folder it speaks of. */
static void print_json(const struct outcome *o)
{
	struct buf b;
	buf_init(&b, SIZE_MAX / 2);
	for (size_t s = 0; s < o->count && o->count > 1; s++) {
		buf_printf(&b, s ? ",\n\"plans_b\": " : "{\"plans_a\": ");
		buf_json(&b, str_from(o->sides[s].label));
		buf_printf(&b, ", \"%c\": ", (char)('a' + s));
		json_side(&b, o, &o->sides[s]);
	}
	if (o->count == 1)
		json_side(&b, o, &o->sides[0]);
	else
		buf_cstr(&b, "}");
	buf_cstr(&b, "\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static int plan_in(const struct side *s, struct str name)
{
	for (size_t i = 0; i < s->set->count; i++)
		if (str_eq(s->set->plans[i]->name, name))
			return (int)i;
	return -1;
}

static void table_row(struct table *t, const struct outcome *o, const struct side *s, int i)
{
	const struct replay_plan *p = &s->result->plans[i];
	const uint64_t figures[] = { p->entered, p->control, p->messages, p->held,
		                         p->skipped, p->dropped, p->exited,   p->ended };
	table_text(t, s->set->plans[i]->name);
	if (o->count > 1)
		table_cstr(t, s->label);
	for (size_t k = 0; k < ARRAY_LEN(figures); k++)
		table_int(t, (int64_t)figures[k]);
	money_cell(t, (s->tally.plans[i].cost + 500) / 1000, o->w->shop.currency);
	table_int(t, (int64_t)s->tally.plans[i].codes);
	money_cell(t, s->tally.plans[i].exposure, o->w->shop.currency);
	if (o->q->format == FORMAT_TABLE) /* said below the table */
		return;
	for (int c = 0; c < CHANNEL_STAFF; c++)
		money_cell(t, (tally_cost(&s->tally, (size_t)i, c) + 500) / 1000, o->w->shop.currency);
	if (s->set->plans[i]->budget)
		money_cell(t, s->set->plans[i]->budget, o->w->shop.currency);
	else
		table_null(t);
	table_int(t, (int64_t)s->tally.plans[i].why[TALLY_HELD][REASON_BUDGET]);
}

/* "email 5,871 for 117.42, sms 12 for 1.20" and the plans with a budget. */
static void print_costs(const struct outcome *o, const struct side *s)
{
	struct currency currency = o->w->shop.currency;
	char text[32], most[32];
	const char *before = "cost by channel: ";
	for (int c = 0; c < CHANNEL_STAFF; c++) {
		uint64_t messages = 0;
		int64_t cost = 0;
		for (size_t i = 0; i < s->set->count; i++) {
			messages += s->tally.plans[i].by_channel[c];
			cost += tally_cost(&s->tally, i, c);
		}
		if (messages) {
			printf("%s%llu %s for %s %s", before, (unsigned long long)messages, channel_name((enum channel)c),
			       money_plain((struct money){ (cost + 500) / 1000 }, currency, text), currency.code);
			before = ", ";
		}
	}
	if (*before == ',')
		puts("");
	for (size_t i = 0; i < s->set->count; i++) {
		const struct plan *p = s->set->plans[i];
		const struct tally_plan *t = &s->tally.plans[i];
		struct money spent = { ((p->budget_total ? t->cost : t->most_in_month) + 500) / 1000 };
		if (p->budget)
			printf("%.*s: %s %s spent %s, of a budget of %s %s; %llu messages were held for it\n", STR_ARG(p->name),
			       money_plain(spent, currency, most), currency.code,
			       p->budget_total ? "in all" : "in the dearest month",
			       money_plain((struct money){ p->budget }, currency, text), p->budget_total ? "in all" : "a month",
			       (unsigned long long)t->why[TALLY_HELD][REASON_BUDGET]);
	}
}

static void print_table(const struct outcome *o)
{
	static const char *const COLUMNS[] = { "plan",           "plans",      "entered",          "control",    "messages",
		                                   "held",           "skipped",    "dropped",          "exited",     "ended",
		                                   "cost",           "codes",      "voucher exposure", "cost email", "cost sms",
		                                   "cost postcard",  "cost phone", "cost audience",    "cost push",  "budget",
		                                   "held for budget" };
	const char *columns[ARRAY_LEN(COLUMNS)];
	size_t n = 0;
	size_t columns_told = o->q->format == FORMAT_TABLE ? 13 : ARRAY_LEN(COLUMNS);
	for (size_t i = 0; i < columns_told; i++)
		if (i != 1 || o->count > 1)
			columns[n++] = COLUMNS[i];
	struct table *t = table_new(columns, n);
	for (size_t s = 0; s < o->count; s++)
		for (size_t i = 0; i < o->sides[s].set->count; i++) {
			struct str name = o->sides[s].set->plans[i]->name;
			if (s && plan_in(&o->sides[0], name) >= 0)
				continue; /* shown beside its namesake */
			for (size_t k = s; k < o->count; k++)
				if (plan_in(&o->sides[k], name) >= 0)
					table_row(t, o, &o->sides[k], plan_in(&o->sides[k], name));
		}
	table_print(t, o->q->format, stdout);
	table_free(t);
	for (size_t s = 0; s < o->count && o->q->format == FORMAT_TABLE; s++) {
		const struct replay_result *r = o->sides[s].result;
		char cost[32];
		money_plain((struct money){ (o->sides[s].tally.cost + 500) / 1000 }, o->w->shop.currency, cost);
		printf("\n%s: %llu facts of %u customers in %.2f s; consent: %s, response: %s\n", o->sides[s].label,
		       (unsigned long long)r->facts, r->customers, r->seconds, o->q->consent, o->q->response);
		printf("%llu messages to %llu customers for %s %s; at most %u marketing messages to one customer in a "
		       "week\ntrace %s\n",
		       (unsigned long long)o->sides[s].tally.messages, (unsigned long long)o->sides[s].tally.reached, cost,
		       o->w->shop.currency.code, o->sides[s].tally.busiest, r->trace_sha256);
		print_costs(o, &o->sides[s]);
	}
}

/* The page for --report. */
static bool write_report(const struct outcome *o, struct err *err)
{
	struct page_side sides[SIDES_MAX];
	for (size_t s = 0; s < o->count; s++)
		sides[s] = (struct page_side){ o->sides[s].label, &o->sides[s].tally, o->sides[s].result };
	int locale = o->q->locale ? locale_find(str_from(o->q->locale)) : (int)o->w->shop.locale;
	struct buf b;
	buf_init(&b, PAGE_MAX);
	replay_page(&(struct page_options){ .shop = str_from(o->w->shop.name),
	                                    .locale = (enum locale)locale,
	                                    .currency = o->w->shop.currency,
	                                    .from = zone_date(o->w->shop.zone, o->from),
	                                    .to = { zone_date(o->w->shop.zone, o->to).day - 1 },
	                                    .consent = o->q->consent,
	                                    .response = o->q->response,
	                                    .sides = sides,
	                                    .side_count = o->count },
	            &b);
	FILE *f = fopen(o->q->report, "w");
	bool ok = f && fwrite(b.p, 1, b.n, f) == b.n;
	ok = f && fclose(f) == 0 && ok;
	if (!ok)
		err_errno(err, "%s: the report could not be written", o->q->report);
	buf_release(&b);
	return ok;
}

static bool request_instants(const struct request *q, zone_id zone, struct instant *from, struct instant *to,
                             struct err *err)
{
	struct date f, t;
	if (!q->from || !q->to)
		return err_set(err, ERR_INPUT, "--from DATE and --to DATE say which days to replay");
	if (!date_parse(str_from(q->from), &f))
		return err_set(err, ERR_INPUT, "--from: \"%s\" is not a date such as 2011-01-01", q->from);
	if (!date_parse(str_from(q->to), &t))
		return err_set(err, ERR_INPUT, "--to: \"%s\" is not a date such as 2011-08-31", q->to);
	if (t.day < f.day)
		return err_set(err, ERR_INPUT, "--to %s is before --from %s", q->to, q->from);
	*from = zone_instant(zone, f, 0);
	*to = zone_instant(zone, (struct date){ t.day + 1 }, 0);
	return true;
}

static enum replay_response response_of(const char *text)
{
	return strcmp(text, "rates") == 0      ? RESPONSE_RATES
	       : strcmp(text, "recorded") == 0 ? RESPONSE_RECORDED
	                                       : RESPONSE_NONE;
}

/* Plays one folder. */
static bool play(struct outcome *o, struct side *s, struct sink *sink, struct err *err)
{
	const struct request *q = o->q;
	struct plan_issues *issues = mem_alloc(sizeof *issues);
	const char *path = s->label;
	s->label = path ? path : "shipped plans";
	bool ok = plans_load(path, &o->w->settings, (struct instant){ o->from.s - 1 }, &s->arena, s->set, issues, err);
	free(issues);
	if (!ok)
		return false;
	const struct version *v = book_pin(o->w->book);
	struct replay_options options = {
		.book = o->w->book,
		.version = v,
		.plans = s->set,
		.words = plan_set_words(s->set, &s->arena),
		.settings = &o->w->settings,
		.from = o->from,
		.to = o->to,
		.seed = q->seed >= 0 ? (uint64_t)q->seed : o->w->shop.seed,
		.assume_consent = str_is(str_from(q->consent), "assume"),
		.response = response_of(q->response),
		.rates = { per_million(q->open_rate), per_million(q->click_rate), per_million(q->buy_rate) },
		.threads = (int)q->threads,
		.trace = sink->trace ? write_trace : NULL,
		.decided = take_day,
		.progress = show_progress,
		.ctx = sink,
	};
	struct replay_feedback *feedback = NULL;
	uint8_t *erased = NULL;
	ok = replay_erased(o->w->db, v->customers, &erased, err);
	options.erased = erased;
	if (ok && options.response == RESPONSE_RECORDED) {
		ok = replay_recorded(o->w->db, v->customers, &feedback, &options.feedback_count, err);
		options.feedback = feedback;
	}
	tally_init(&s->tally, s->set, &o->w->settings, v, o->from, o->to);
	sink->tally = &s->tally;
	progress_start(&sink->progress, "days");
	ok = ok && replay_run(&options, s->result, err);
	progress_end(&sink->progress);
	free(feedback);
	free(erased);
	tally_finish(&s->tally);
	book_unpin(o->w->book, v);
	return ok;
}

static bool play_all(struct outcome *o, struct err *err)
{
	struct sink sink = { .name = o->q->trace };
	if (o->q->trace && !(sink.trace = fopen(o->q->trace, "w")))
		return err_errno(err, "%s", o->q->trace);
	bool ok = true;
	for (size_t s = 0; s < o->count && ok; s++)
		ok = play(o, &o->sides[s], &sink, err);
	if (sink.trace && fclose(sink.trace) != 0 && ok)
		ok = err_errno(err, "%s", o->q->trace);
	return ok;
}

static bool run(const struct request *q, struct shop_world *w, struct err *err)
{
	struct outcome o = { .q = q, .w = w, .count = q->compare ? 2 : 1 };
	o.sides[0].label = q->plans;
	o.sides[1].label = q->compare;
	for (size_t s = 0; s < o.count; s++) {
		arena_init(&o.sides[s].arena);
		o.sides[s].set = mem_alloc(sizeof *o.sides[s].set);
		o.sides[s].result = mem_alloc(sizeof *o.sides[s].result);
	}
	bool ok = request_instants(q, w->shop.zone, &o.from, &o.to, err) && play_all(&o, err) &&
	          (!q->report || write_report(&o, err));
	if (ok && q->format == FORMAT_JSON)
		print_json(&o);
	else if (ok)
		print_table(&o);
	for (size_t s = 0; s < o.count; s++) {
		tally_release(&o.sides[s].tally);
		replay_result_release(o.sides[s].result);
		arena_release(&o.sides[s].arena);
		free(o.sides[s].set);
		free(o.sides[s].result);
	}
	return ok;
}

static void audit_trace(void *ctx, struct str text)
{
	struct sink *s = ctx;
	struct err err;
	if (s->trace && !write_trace(ctx, text, &err)) {
		fclose(s->trace);
		s->trace = NULL;
	}
}

static void print_audit(const struct audit_result *r, enum format format)
{
	static const char *const COLUMNS[] = { "same",   "ticks",     "unfinished", "rounds",    "facts",
		                                   "claims", "decisions", "erased",     "blurred",   "trace_sha256",
		                                   "tick",   "round",     "at",         "difference" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	char text[32];
	table_cstr(t, r->same ? "yes" : "no");
	const uint64_t figures[] = { r->ticks,  r->unfinished, r->rounds, r->facts,
		                         r->claims, r->decisions,  r->erased, r->blurred };
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, (int64_t)figures[i]);
	table_cstr(t, r->trace_sha256);
	table_int(t, r->tick);
	table_int(t, r->round);
	table_cstr(t, r->same ? NULL : instant_text(r->at, text));
	table_cstr(t, r->same ? NULL : r->what);
	table_print_record(t, format, stdout);
	table_free(t);
}

static int audit(const char *where, const struct request *q)
{
	struct err err;
	struct audit_result r;
	struct sink sink = { .name = q->trace };
	if (q->trace && !(sink.trace = fopen(q->trace, "w"))) {
		err_errno(&err, "%s", q->trace);
		return cli_fail(&err);
	}
	bool ok = audit_run(where, audit_trace, &sink, &r, &err);
	if (q->trace && (!sink.trace || fclose(sink.trace) != 0) && ok)
		ok = err_set(&err, ERR_WORLD, "%s: the trace could not be written; free space or choose another place",
		             q->trace);
	if (!ok)
		return cli_fail(&err);
	print_audit(&r, q->format);
	if (r.same)
		return EXIT_DONE;
	err_set(&err, ERR_WORLD, "tick %lld differs: %s", (long long)r.tick, r.what);
	return cli_fail(&err);
}

int cmd_replay(int argc, char **argv)
{
	struct request q = {
		.consent = "recorded", .response = "none", .seed = -1, .open_rate = -1, .click_rate = -1, .buy_rate = -1
	};
	const struct opt opts[] = {
		{ "--plans", OPT_TEXT, &q.plans, "DIR", "plan files (default: the plans shipped with relance)" },
		{ "--compare", OPT_TEXT, &q.compare, "DIR", "a second folder of plans, played over the same history" },
		{ "--from", OPT_TEXT, &q.from, "DATE", "first day" },
		{ "--to", OPT_TEXT, &q.to, "DATE", "last day" },
		{ "--consent", OPT_TEXT, &q.consent, "HOW", "recorded (default), or assume: unknown counts as granted" },
		{ "--response", OPT_TEXT, &q.response, "HOW",
		  "none (default): nobody opens or buys more; rates: the benchmarks; recorded: what the shop's messages got" },
		{ "--open-rate", OPT_FLOAT, &q.open_rate, "PERCENT", "with rates: deliveries opened" },
		{ "--click-rate", OPT_FLOAT, &q.click_rate, "PERCENT", "with rates: opens clicked" },
		{ "--buy-rate", OPT_FLOAT, &q.buy_rate, "PERCENT", "with rates: opens that buy" },
		{ "--trace", OPT_TEXT, &q.trace, "FILE", "write every decision, one line each" },
		{ "--report", OPT_TEXT, &q.report, "FILE.html", "write a page with charts: volumes, pressure, reasons, cost" },
		{ "--locale", OPT_TEXT, &q.locale, "fr|en", "language of the page (default: the shop's)" },
		{ "--seed", OPT_INT, &q.seed, "N", "seed of the draws (default: the shop's)" },
		{ "--threads", OPT_INT, &q.threads, "N", "threads (default: all processors); the result is the same" },
		{ "--audit", OPT_FLAG, &q.audit, NULL, "decide the logged ticks again and compare" },
		{ "--format", OPT_FORMAT, &q.format, "F", "table, csv or json" },
	};
	const char *where[1];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (!str_is(str_from(q.consent), "recorded") && !str_is(str_from(q.consent), "assume"))
		return cli_usage_error("--consent: \"%s\" is none of recorded, assume", q.consent);
	if (!str_is(str_from(q.response), "recorded") && !str_is(str_from(q.response), "none") &&
	    !str_is(str_from(q.response), "rates"))
		return cli_usage_error("--response: \"%s\" is none of none, rates, recorded", q.response);
	if (q.audit)
		return audit(where[0], &q);
	if (q.locale && locale_find(str_from(q.locale)) < 0)
		return cli_usage_error("--locale: \"%s\" is none of fr, en", q.locale);
	if (q.trace && q.compare)
		return cli_usage_error("--trace goes with one folder of plans: leave --compare out");
	struct err err;
	struct shop_world world;
	if (!load_shop(where[0],
	               &(struct load_options){ .read_only = true, .known = INSTANT_NEVER, .threads = (int)q.threads },
	               &world, &err))
		return cli_fail(&err);
	bool ok = run(&q, &world, &err);
	load_release(&world);
	return ok ? EXIT_DONE : cli_fail(&err);
}
