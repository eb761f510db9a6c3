/* relance replay: the plans over the shop's own history, before anything is switched on. */
#include "app/audit.h"
#include "app/plans.h"
#include "app/replay.h"
#include "base/par.h"
#include "cli/cli.h"
#include "model/names.h"

#include <errno.h>
#include <stdlib.h>

int cmd_replay(int argc, char **argv);

struct request {
	const char *plans, *from, *to, *consent, *response, *trace;
	double open_rate, click_rate, buy_rate;
	int64_t threads, seed;
	bool audit;
	enum format format;
};

static const struct usage USAGE = {
	.synopsis = "replay DB [--plans DIR] --from DATE --to DATE [options] | replay DB --audit",
	.text = "Runs the plans over the shop's history as if they had been on: who would have got what and when, what would\n"
	        "have been held and why. Changes nothing. --to is the last day taken. What history does not hold is said by\n"
	        "--consent and --response; both are part of the result's hash.\n"
	        "--audit repeats what really happened instead: every line of the tick log is decided again from the facts alone, and\n"
	        "the first that differs is named.",
	.example = "relance replay shop.db --plans plans/ --from 2011-01-01 --to 2011-08-31 --consent assume --trace trace.txt",
	.positional_min = 1,
	.positional_max = 1,
};

struct sink {
	FILE *trace;
	const char *name;
	struct progress progress;
};

static bool write_trace(void *ctx, struct str text, struct err *err)
{
	struct sink *s = ctx;
	if (fwrite(text.p, 1, text.n, s->trace) == text.n)
		return true;
	return err_errno(err, "%s: the trace could not be written; free space or choose another place", s->name);
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

static void print_json(const struct replay_result *r, const struct plan_set *set, const struct request *q, struct instant from,
                       struct instant to)
{
	struct buf b;
	char text[32];
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "{\"from\": \"%s\", ", instant_text(from, text));
	buf_printf(&b, "\"to\": \"%s\", \"consent\": \"%s\", \"response\": \"%s\", ", instant_text(to, text), q->consent, q->response);
	buf_printf(&b, "\"facts\": %llu, \"customers\": %u, \"decisions\": %llu, \"asked\": %llu, \"seconds\": %.3f, \"trace_sha256\": \"%s\", \"plans\": {",
	           (unsigned long long)r->facts, r->customers, (unsigned long long)r->decisions, (unsigned long long)r->asked, r->seconds, r->trace_sha256);
	for (size_t i = 0; i < set->count; i++) {
		const struct replay_plan *p = &r->plans[i];
		buf_cstr(&b, i ? ",\n  " : "\n  ");
		buf_json(&b, set->plans[i]->name);
		buf_printf(
			&b,
			": {\"entered\": %llu, \"messages\": %llu, \"held\": %llu, \"skipped\": %llu, \"control\": %llu, "
		    "\"exited\": %llu, "
			"\"dropped\": %llu, \"ended\": %llu, \"goals\": %llu, \"opened\": %llu, \"clicked\": %llu, \"channels\": {",
			(unsigned long long)p->entered, (unsigned long long)p->messages, (unsigned long long)p->held,
			(unsigned long long)p->skipped, (unsigned long long)p->control, (unsigned long long)p->exited,
			(unsigned long long)p->dropped, (unsigned long long)p->ended, (unsigned long long)p->goals,
			(unsigned long long)p->opened, (unsigned long long)p->clicked);
		bool any = false;
		for (int c = 0; c < CHANNEL_COUNT; c++)
			if (p->by_channel[c]) {
				buf_printf(&b, "%s\"%s\": %llu", any ? ", " : "", channel_name((enum channel)c),
				           (unsigned long long)p->by_channel[c]);
				any = true;
			}
		buf_cstr(&b, "}}");
	}
	buf_cstr(&b, "}}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

static void print_table(const struct replay_result *r, const struct plan_set *set, const struct request *q)
{
	static const char *const COLUMNS[] = { "plan",    "entered", "control", "messages", "held",
		                                   "skipped", "dropped", "exited",  "ended" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < set->count; i++) {
		const struct replay_plan *p = &r->plans[i];
		table_text(t, set->plans[i]->name);
		const uint64_t figures[] = { p->entered, p->control, p->messages, p->held, p->skipped, p->dropped, p->exited, p->ended };
		for (size_t k = 0; k < ARRAY_LEN(figures); k++)
			table_int(t, (int64_t)figures[k]);
	}
	table_print(t, q->format, stdout);
	table_free(t);
	if (q->format == FORMAT_TABLE)
		printf("\n%llu facts of %u customers in %.2f s; consent: %s, response: %s\ntrace %s\n", (unsigned long long)r->facts,
		       r->customers, r->seconds, q->consent, q->response, r->trace_sha256);
}

static bool request_instants(const struct request *q, zone_id zone, struct instant *from, struct instant *to, struct err *err)
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

static bool run(const struct request *q, struct shop_world *w, struct err *err)
{
	struct arena arena;
	struct plan_set *set = mem_alloc(sizeof *set);
	struct plan_issues *issues = mem_alloc(sizeof *issues);
	struct replay_result *result = mem_alloc(sizeof *result);
	struct sink sink = { .name = q->trace };
	struct instant from, to;
	arena_init(&arena);
	bool ok = request_instants(q, w->shop.zone, &from, &to, err) &&
	          plans_load(q->plans, &w->settings, (struct instant){ from.s - 1 }, &arena, set, issues, err);
	if (ok && q->trace && !(sink.trace = fopen(q->trace, "w")))
		ok = err_errno(err, "%s", q->trace);
	if (ok) {
		const struct version *v = book_pin(w->book);
		struct replay_options o = {
			.book = w->book,
			.version = v,
			.plans = set,
			.words = plan_set_words(set, &arena),
			.settings = &w->settings,
			.from = from,
			.to = to,
			.seed = q->seed >= 0 ? (uint64_t)q->seed : w->shop.seed,
			.assume_consent = str_is(str_from(q->consent), "assume"),
			.response = str_is(str_from(q->response), "rates") ? RESPONSE_RATES : RESPONSE_NONE,
			.rates = { per_million(q->open_rate), per_million(q->click_rate), per_million(q->buy_rate) },
			.threads = (int)q->threads,
			.trace = sink.trace ? write_trace : NULL,
			.progress = show_progress,
			.ctx = &sink,
		};
		progress_start(&sink.progress, "days");
		ok = replay_run(&o, result, err);
		progress_end(&sink.progress);
		book_unpin(w->book, v);
	}
	if (sink.trace && fclose(sink.trace) != 0 && ok)
		ok = err_errno(err, "%s", q->trace);
	if (ok && q->format == FORMAT_JSON)
		print_json(result, set, q, from, to);
	else if (ok)
		print_table(result, set, q);
	replay_result_release(result);
	arena_release(&arena);
	free(set);
	free(issues);
	free(result);
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
	static const char *const COLUMNS[] = { "same",   "ticks",     "unfinished",   "rounds", "facts", "claims",
		                                   "decisions", "trace_sha256", "tick",   "round", "at",    "difference" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	char text[32];
	table_cstr(t, r->same ? "yes" : "no");
	const uint64_t figures[] = { r->ticks, r->unfinished, r->rounds, r->facts, r->claims, r->decisions };
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
		ok = err_set(&err, ERR_WORLD, "%s: the trace could not be written; free space or choose another place", q->trace);
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
	struct request q = { .consent = "recorded", .response = "none", .seed = -1, .open_rate = -1, .click_rate = -1, .buy_rate = -1 };
	const struct opt opts[] = {
		{ "--plans", OPT_TEXT, &q.plans, "DIR", "plan files (default: the plans shipped with relance)" },
		{ "--from", OPT_TEXT, &q.from, "DATE", "first day" },
		{ "--to", OPT_TEXT, &q.to, "DATE", "last day" },
		{ "--consent", OPT_TEXT, &q.consent, "HOW", "recorded (default), or assume: unknown counts as granted" },
		{ "--response", OPT_TEXT, &q.response, "HOW", "none (default): nobody opens or buys more; rates: the benchmarks" },
		{ "--open-rate", OPT_FLOAT, &q.open_rate, "PERCENT", "with rates: deliveries opened" },
		{ "--click-rate", OPT_FLOAT, &q.click_rate, "PERCENT", "with rates: opens clicked" },
		{ "--buy-rate", OPT_FLOAT, &q.buy_rate, "PERCENT", "with rates: opens that buy" },
		{ "--trace", OPT_TEXT, &q.trace, "FILE", "write every decision, one line each" },
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
	if (!str_is(str_from(q.response), "none") && !str_is(str_from(q.response), "rates"))
		return cli_usage_error("--response: \"%s\" is none of none, rates", q.response);
	if (q.audit)
		return audit(where[0], &q);
	struct err err;
	struct shop_world world;
	if (!load_shop(where[0], &(struct load_options){ .read_only = true, .known = INSTANT_NEVER, .threads = (int)q.threads },
	               &world, &err))
		return cli_fail(&err);
	bool ok = run(&q, &world, &err);
	load_release(&world);
	return ok ? EXIT_DONE : cli_fail(&err);
}
