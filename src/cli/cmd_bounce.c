/* relance bounce: reads returned mails, from standard input or a maildir, says what they mean for each recipient, and
 * writes it down. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/courier.h"
#include "app/provider.h"
#include "app/returned.h"
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 32 << 20, MAILS_MAX = 1000, POLL_S = 2 };

struct args {
	const char *address, *to, *at, *maildir, *webhook, *hook;
	bool dry_run, once;
	enum format format;
	struct db *db; /* NULL: only say */
	struct shop shop;
	int64_t read, hard, soft, complaints, others, lost;
};

static bool read_all(FILE *in, const char *what, struct buf *out, struct err *err)
{
	for (;;) {
		char *room = buf_reserve(out, 64 << 10);
		if (!room)
			return err_set(err, ERR_LIMIT, "bounce: %s is larger than %d MB", what, INPUT_MAX >> 20);
		size_t n = fread(room, 1, 64 << 10, in);
		out->n += n;
		if (n == 0)
			return !ferror(in) || err_errno(err, "bounce: cannot read %s", what);
	}
}

/* ---- one mail ---- */

static bool understand(struct args *a, struct str mail, struct arena *arena, struct returned_list *list,
                       struct err *err)
{
	struct instant now;
	if (a->db)
		return clock_at(a->at, a->shop.zone, &now, err) &&
		       returned_take(a->db, &a->shop, mail, str_from(a->to ? a->to : ""), now, arena, list, err);
	struct bounce_report report;
	bounce_parse(arena, mail, &report);
	for (list->count = 0; list->count < report.count; list->count++)
		list->list[list->count] = (struct returned){ .bounce = report.list[list->count] };
	return true;
}

static void print(const struct args *a, const struct returned_list *list, struct arena *arena)
{
	static const char *const COLUMNS[] = { "recipient", "status",   "verdict", "reason",
		                                   "message",   "found_by", "receipt", "suppressed" };
	struct table *t = table_new(COLUMNS, a->db ? ARRAY_LEN(COLUMNS) : 4);
	for (size_t i = 0; i < list->count; i++) {
		const struct returned *r = &list->list[i];
		if (r->bounce.recipient.n)
			table_text(t, r->bounce.recipient);
		else
			table_null(t);
		table_cstr(t, r->bounce.status[0] ? r->bounce.status : NULL);
		table_cstr(t, bounce_verdict_name(r->bounce.verdict));
		table_cstr(t, bounce_reason_name(r->bounce.reason));
		if (!a->db)
			continue;
		if (r->message.customer)
			table_text(t, courier_key_name(&r->message, arena));
		else
			table_null(t);
		table_cstr(t, returned_by_name(r->by));
		table_cstr(t, r->receipt ? "written" : NULL);
		table_cstr(t, r->suppressed ? "yes" : NULL);
	}
	table_print(t, a->format, stdout);
	table_free(t);
}

static bool one_mail(struct args *a, FILE *in, const char *what, bool show, struct err *err)
{
	struct buf mail;
	struct arena arena;
	struct returned_list *list = mem_alloc(sizeof *list);
	buf_init(&mail, INPUT_MAX);
	arena_init(&arena);
	bool ok = read_all(in, what, &mail, err) && understand(a, buf_view(&mail), &arena, list, err);
	for (size_t i = 0; ok && i < list->count; i++) {
		enum bounce_verdict v = list->list[i].bounce.verdict;
		*(v == BOUNCE_HARD        ? &a->hard
		  : v == BOUNCE_SOFT      ? &a->soft
		  : v == BOUNCE_COMPLAINT ? &a->complaints
		                          : &a->others) += 1;
		a->lost += a->db && list->list[i].by == RETURNED_NOT_FOUND;
	}
	a->read += ok;
	if (ok && show)
		print(a, list, &arena);
	arena_release(&arena);
	buf_release(&mail);
	free(list);
	return ok;
}

/* ---- a maildir: new/ is read, what was read moves to cur/ ---- */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in new/, oldest first (a maildir's names begin with the time); at most MAILS_MAX, the rest next time. */
static bool list_new(const char *maildir, struct arena *arena, char **names, size_t *count, struct err *err)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/new", maildir);
	DIR *dir = opendir(path);
	*count = 0;
	if (!dir)
		return err_errno(err, "%s: not a maildir", path);
	for (struct dirent *e; *count < MAILS_MAX && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			names[(*count)++] = arena_cstr(arena, str_from(e->d_name));
	closedir(dir);
	qsort(names, *count, sizeof *names, by_name);
	return true;
}

/* A mail too large to be one of a mail server's reports is passed over, not an end. */
static bool take_file(struct args *a, const char *name, struct err *err)
{
	char from[4096], to[4200];
	snprintf(from, sizeof from, "%s/new/%s", a->maildir, name);
	snprintf(to, sizeof to, "%s/cur/%s%s", a->maildir, name, strstr(name, ":2,") ? "" : ":2,S");
	FILE *f = fopen(from, "rb");
	if (!f)
		return errno == ENOENT || err_errno(err, "%s", from); /* another reader took it */
	bool ok = one_mail(a, f, "the mail", false, err);
	fclose(f);
	if (!ok && err->kind == ERR_LIMIT) {
		fprintf(stderr, "relance: %s: %s; passed over\n", from, err->text);
		ok = true;
	}
	return ok && (a->dry_run || rename(from, to) == 0 || err_errno(err, "%s", to));
}

static bool read_maildir(struct args *a, struct err *err)
{
	bool ok = true;
	for (bool again = true; again && ok && !stop;) {
		struct arena arena;
		char **names;
		size_t count;
		arena_init(&arena);
		names = arena_array(&arena, char *, MAILS_MAX);
		ok = list_new(a->maildir, &arena, names, &count, err);
		for (size_t i = 0; ok && i < count && !stop; i++)
			ok = take_file(a, names[i], err);
		arena_release(&arena);
		again = !a->dry_run && (!a->once || count == MAILS_MAX);
		if (ok && again && count < MAILS_MAX && !stop)
			sleep(POLL_S);
	}
	return ok;
}

static bool watch(struct args *a, struct err *err)
{
	struct sigaction act = { .sa_handler = on_signal };
	char cur[4096];
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	snprintf(cur, sizeof cur, "%s/cur", a->maildir);
	if (mkdir(cur, 0700) != 0 && errno != EEXIST)
		return err_errno(err, "%s", cur);
	bool ok = read_maildir(a, err);
	static const char *const COLUMNS[] = { "mails", "hard", "soft", "complaint", "other", "unknown_here" };
	const int64_t figures[] = { a->read, a->hard, a->soft, a->complaints, a->others, a->lost };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, figures[i]);
	table_print_record(t, a->format, stdout);
	table_free(t);
	return ok;
}

/* ---- what providers post ---- */

static bool provider_of(const char *name, enum webhook_provider *out, struct err *err)
{
	const char *names[PROVIDER_COUNT];
	for (int i = 0; i < PROVIDER_COUNT; i++)
		names[i] = webhook_provider_name((enum webhook_provider)i);
	if (webhook_provider_find(str_from(name), out))
		return true;
	const char *near = str_nearest(str_from(name), names, PROVIDER_COUNT, 3);
	return err_set(err, ERR_INPUT, "no provider \"%s\"%s%s%s", name,
	               near ? "; did you mean \"" : ": brevo, mailgun, mailjet, postmark, sendgrid, ses …",
	               near ? near : "", near ? "\"?" : "");
}

static void print_events(const struct args *a, const struct webhook_events *events)
{
	static const char *const COLUMNS[] = { "event", "recipient", "status", "verdict", "reason" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < events->count; i++) {
		const struct webhook_event *e = &events->list[i];
		bool judged = e->kind == WEBHOOK_BOUNCED || e->kind == WEBHOOK_DEFERRED || e->kind == WEBHOOK_COMPLAINED;
		table_cstr(t, webhook_kind_name(e->kind));
		table_text(t, e->address);
		table_cstr(t, judged && e->bounce.status[0] ? e->bounce.status : NULL);
		table_cstr(t, judged ? bounce_verdict_name(e->bounce.verdict) : NULL);
		table_cstr(t, judged ? bounce_reason_name(e->bounce.reason) : NULL);
	}
	table_print(t, a->format, stdout);
	table_free(t);
}

static bool take_events(struct args *a, enum webhook_provider p, const struct webhook_events *events,
                        struct arena *arena, struct err *err)
{
	static const char *const COLUMNS[] = { "events",       "receipts",     "suppressed",
		                                   "unsubscribed", "unknown_here", "not_counted" };
	struct provider_taken taken;
	struct instant now;
	if (!clock_at(a->at, a->shop.zone, &now, err) ||
	    !provider_take(a->db, &a->shop, p, events, NULL, NULL, now, arena, &taken, err))
		return false;
	const uint64_t figures[] = { taken.events,       taken.receipts, taken.suppressed,
		                         taken.unsubscribed, taken.unknown,  taken.machines };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		table_int(t, (int64_t)figures[i]);
	table_print_record(t, a->format, stdout);
	table_free(t);
	return true;
}

static bool read_webhook(struct args *a, struct err *err)
{
	enum webhook_provider p;
	struct webhook_events events;
	struct arena arena;
	struct buf json;
	buf_init(&json, INPUT_MAX);
	arena_init(&arena);
	bool ok = provider_of(a->webhook, &p, err) && read_all(stdin, "what the provider posted", &json, err) &&
	          webhook_parse(&arena, p, buf_view(&json), &events, err);
	if (ok && a->db)
		ok = take_events(a, p, &events, &arena, err);
	else if (ok)
		print_events(a, &events);
	buf_release(&json);
	arena_release(&arena);
	return ok;
}

/* The address to give to the provider: it holds a secret of the shop. */
static bool print_hook(const struct args *a, struct err *err)
{
	enum webhook_provider p;
	struct arena arena;
	struct str base;
	bool found;
	arena_init(&arena);
	bool ok = a->db ? provider_of(a->hook, &p, err) && store_shop_get(a->db, "public_url", &arena, &base, &found, err)
	                : err_set(err, ERR_INPUT, "bounce --hook needs the shop: relance bounce DB --hook %s", a->hook);
	if (ok && (!found || !base.n))
		ok = err_set(err, ERR_INPUT, "where the shop is reached is not known: relance set DB public_url https://…");
	if (ok) {
		while (base.n && base.p[base.n - 1] == '/')
			base.n--;
		struct str url = provider_hook_url(&a->shop, base, p, &arena);
		printf("%.*s\n", STR_ARG(url));
	}
	arena_release(&arena);
	return ok;
}

int cmd_bounce(int argc, char **argv);
int cmd_bounce(int argc, char **argv)
{
	struct args a = { .format = FORMAT_TABLE };
	const struct opt opts[] = {
		{ "--dry-run", OPT_FLAG, &a.dry_run, NULL, "only say what the mail means" },
		{ "--to", OPT_TEXT, &a.to, "ADDRESS", "whom the mail server delivered it to (default: the mail's To)" },
		{ "--maildir", OPT_TEXT, &a.maildir, "DIR",
		  "read DIR/new instead, move what was read to DIR/cur, and go on watching" },
		{ "--once", OPT_FLAG, &a.once, NULL, "with --maildir: what is there now, then end" },
		{ "--webhook", OPT_TEXT, &a.webhook, "PROVIDER",
		  "read what this provider posted instead: brevo, mailgun, mailjet, postmark, sendgrid, ses …" },
		{ "--hook", OPT_TEXT, &a.hook, "PROVIDER",
		  "print the address to give to this provider (relance serve answers it)" },
		{ "--at", OPT_TEXT, &a.at, "TIME", "received at this instant, in the shop's zone (default: now)" },
		{ "--format", OPT_FORMAT, &a.format, "FORMAT", "table, csv or json" },
	};
	static const struct usage usage = {
		"bounce [DB] [--dry-run] < mail\n       relance bounce DB --maildir DIR [--once]\n       relance bounce [DB] "
		"--webhook PROVIDER < body.json",
		"Reads a bounce, complaint or automatic reply and says what it means for each recipient: hard (the address is "
		"dead), soft (this time), complaint, vacation, or unknown. With a DB the message it is about is found and gets "
		"its receipt; a dead or complaining address is written to no more.",
		"relance bounce --format json < bounce.eml\n  relance bounce shop.db --maildir /var/mail/bounces\n  relance "
		"bounce shop.db --hook brevo",
		0,
		1,
	};
	const char *positional[1];
	int count;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct err err = { 0 };
	bool ok = true;
	if (count && !a.dry_run) {
		a.db = shop_open(positional[0], false, &a.shop, &err);
		ok = a.db != NULL;
	}
	if (ok)
		ok = a.hook      ? print_hook(&a, &err)
		     : a.webhook ? read_webhook(&a, &err)
		     : a.maildir ? watch(&a, &err)
		                 : one_mail(&a, stdin, "the mail", true, &err);
	db_close(a.db);
	return ok ? EXIT_DONE : cli_fail(&err);
}
