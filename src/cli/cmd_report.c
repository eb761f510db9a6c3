/* relance report: a month of the shop on one page, to read, print or send. */
#include "app/arrival.h"
#include "app/monthly.h"
#include "app/people.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int cmd_report(int argc, char **argv);

extern char **environ;

static const struct usage USAGE = {
	.synopsis = "report DB --html OUT.html | --mail ADDRESS [--month MONTH] [--pdf OUT.pdf] [--lang fr|en]",
	.text =
		"One page that stands alone: revenue by month, objectives, what the plans brought, life cycle, segments, "
		"20/80, "
		"cohorts,\n"
		"the key figures with their formulas, and what the trade calls usual. Everything as it stood at the end of the "
		"month.\n"
		"--pdf prints it with Chromium when that is installed; any browser prints it as well. --mail sends it through "
		"the\n"
		"shop's mail server, once for a month and address; \"relance set DB report.to ADDRESS\" makes run and serve "
		"send "
		"it\n"
		"every month.",
	.example = "relance report shop.db --html report.html --month 2011-08 --lang fr\n"
			   "  relance report shop.db --mail claire@example.com",
	.positional_min = 1,
	.positional_max = 1,
};

struct request {
	const char *html, *pdf, *mail, *out, *month, *lang;
	double margin;
};

static bool choose_month(const struct request *q, const struct figures_shop *s, int *out, struct err *err)
{
	if (q->month)
		return figures_month_read(str_from(q->month), out) ||
		       err_set(err, ERR_INPUT, "--month: \"%s\" is not a month such as 2011-09", q->month);
	return figures_last_month(s, out) || err_set(err, ERR_INPUT, "no order yet: import some with \"relance import\"");
}

static bool write_file(const char *path, const struct buf *page, struct err *err)
{
	FILE *f = str_is(str_from(path), "-") ? stdout : fopen(path, "wb");
	if (!f)
		return err_errno(err, "%s: cannot write it", path);
	bool ok = fwrite(page->p, 1, page->n, f) == page->n;
	ok = (f == stdout ? fflush(f) : fclose(f)) == 0 && ok;
	return ok || err_errno(err, "%s: cannot write all of it", path);
}

/* Waits for the browser; its own chatter goes nowhere. */
static bool print_with(const char *browser, const char **args, int *status)
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	args[0] = browser;
	int failed = posix_spawnp(&pid, browser, &quiet, NULL, (char *const *)args, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (failed)
		return false;
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return true;
}

static bool print_pdf(const char *html, const char *pdf, struct err *err)
{
	static const char *const BROWSERS[] = { "chromium", "chromium-browser", "google-chrome", "chrome" };
	char *full = realpath(html, NULL), *url = NULL, *to = NULL;
	int status = 1;
	bool found = false;
	if (!full)
		return err_errno(err, "%s", html);
	check(asprintf(&url, "file://%s", full) > 0 && asprintf(&to, "--print-to-pdf=%s", pdf) > 0);
	/* as root Chromium runs only without its sandbox; the page is ours and holds no script */
	const char *sandbox = geteuid() == 0 ? "--no-sandbox" : "--disable-gpu";
	const char *args[] = { NULL, "--headless", "--disable-gpu", sandbox, "--no-pdf-header-footer", to, url, NULL };
	for (size_t i = 0; i < ARRAY_LEN(BROWSERS) && !found; i++) {
		status = 0;
		found = print_with(BROWSERS[i], args, &status) && !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
	}
	free(full);
	free(url);
	free(to);
	if (!found)
		return err_set(err, ERR_WORLD, "--pdf: Chromium is not installed; open %s in a browser and print it", html);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0 && access(pdf, R_OK) == 0) ||
	       err_set(err, ERR_WORLD, "--pdf: Chromium could not print %s; open it in a browser and print it", html);
}

static bool mail_it(const struct request *q, const char *address, struct live *l, const struct figures_shop *s,
                    const struct report_ask *ask, struct err *err)
{
	static const char *const SAID[] = { "sent", "not sent: it went to this address before, or may have",
		                                "the mail server puts it off: try again in a while",
		                                "the mail server refuses it" };
	struct shop shop;
	struct db *db = shop_open(address, false, &shop, err);
	struct courier_state *courier = db ? courier_for(address, NULL, q->out, err) : NULL;
	enum monthly_sent sent = MONTHLY_REFUSED;
	const struct monthly_letter letter = {
		.shop = s, .report = ask, .courier = courier, .live = l, .db = db, .to = str_from(q->mail), .asked = true
	};
	char month[12];
	bool ok = courier && monthly_send(&letter, s->now, &sent, err);
	figures_month_text(ask->month, 1, month);
	if (ok && (sent == MONTHLY_DEFERRED || sent == MONTHLY_REFUSED))
		ok = err_set(err, ERR_WORLD, "the report of %s: %s", month, SAID[sent]);
	else if (ok)
		printf("the report of %s: %s\n", month, SAID[sent]);
	if (courier)
		courier_free(courier);
	db_close(db);
	return ok;
}

static bool run(const struct request *q, const char *address, struct live *l, const struct people *p, struct err *err)
{
	struct figures_shop s;
	struct buf page;
	struct arena a;
	struct objective *objectives;
	const struct shop *shop = &live_shop(l)->shop;
	struct report_ask ask = { .shop = shop->name,
		                      .margin_per_mille = q->margin < 0 ? -1 : (int64_t)(q->margin * 10 + 0.5),
		                      .french = q->lang ? str_is(str_from(q->lang), "fr") : shop->locale == LOCALE_FR };
	figures_shop_of(l, p->ref, p->ids, (struct instant){ (int64_t)time(NULL) }, &s);
	buf_init(&page, REPORT_BYTES_MAX);
	arena_init(&a);
	bool ok =
		choose_month(q, &s, &ask.month, err) && objectives_read(live_db(l), &a, &objectives, &ask.objective_count, err);
	ask.objectives = ok ? objectives : NULL;
	if (ok && q->html)
		ok = report_make(&s, &ask, &page, err) && write_file(q->html, &page, err) &&
		     (!q->pdf || print_pdf(q->html, q->pdf, err));
	ok = ok && (!q->mail || mail_it(q, address, l, &s, &ask, err));
	arena_release(&a);
	buf_release(&page);
	book_unpin(live_shop(l)->book, s.version);
	return ok;
}

int cmd_report(int argc, char **argv)
{
	struct request q = { .margin = -1 };
	const struct opt opts[] = {
		{ "--html", OPT_TEXT, &q.html, "FILE", "the page; - is standard output" },
		{ "--pdf", OPT_TEXT, &q.pdf, "FILE", "printed by Chromium as well" },
		{ "--mail", OPT_TEXT, &q.mail, "ADDRESS", "to this address, by the shop's mail server" },
		{ "--out", OPT_TEXT, &q.out, "DIR", "without a mail server: where the mail is written (default: DB.outbox)" },
		{ "--month", OPT_TEXT, &q.month, "MONTH", "2011-08 (default: the last one that is over)" },
		{ "--margin", OPT_FLOAT, &q.margin, "PERCENT", "margin on products whose cost is not known" },
		{ "--lang", OPT_TEXT, &q.lang, "LANG", "fr or en (default: the shop's)" },
	};
	const char *where[1];
	int count, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (!q.html && !q.mail)
		return cli_usage_error("where to? relance report %s --html report.html", where[0]);
	if (q.pdf && (!q.html || str_is(str_from(q.html), "-")))
		return cli_usage_error("--pdf prints the page of --html, which must be a file");
	if (q.lang && !str_is(str_from(q.lang), "fr") && !str_is(str_from(q.lang), "en"))
		return cli_usage_error("--lang: \"%s\" is none of fr, en", q.lang);
	struct err err;
	struct people p;
	struct live *l = live_open_to_look(where[0], INSTANT_NEVER, &err);
	if (!l)
		return cli_fail(&err);
	bool ok = people_load(live_shop(l), &p, &err);
	if (ok) {
		ok = run(&q, where[0], l, &p, &err);
		people_release(&p);
	}
	live_close(l);
	return ok ? EXIT_DONE : cli_fail(&err);
}
