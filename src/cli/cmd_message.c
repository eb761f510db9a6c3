/* relance message: the shop's messages, listed, checked, previewed, rendered. */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/courier.h"
#include "app/messages.h"
#include "base/embed.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "outbox/message.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

EMBEDDED(messages)

int cmd_message(int argc, char **argv);

static const struct usage USAGE = {
	.synopsis = "message list|check|preview|render|test [NAME] [options]",
	.text = "list     the messages, with their subjects\n"
			"check    unknown variables, broken links, missing alt text, weight, spam, missing way to stop\n"
			"preview  NAME as HTML, text and, when Chromium is there, screenshots, into --out;\n"
			"         with --db and --customer as that person would get it, and as a whole mail (.eml)\n"
			"render   NAME to standard output, one --part of it\n"
			"test     NAME as a mail to --to, through the mail server of the shop --db, or into --out as a file",
	.example = "relance message preview winback-1 --locale fr --out /tmp/winback\n"
			   "  relance message preview winback-1 --db shop.db --customer 17850 --out /tmp/winback\n"
			   "  relance message test winback-1 --db shop.db --to me@example.com",
	.positional_min = 1,
	.positional_max = 2,
};

struct args {
	const char *verb, *name, *folder, *locale, *data, *out, *part, *currency, *zone, *db, *customer, *to;
	enum format format;
	struct message_set *set;
};

/* The binary's, then a folder's over them, then what was saved in the shop. */
static bool load(struct args *a, struct err *err)
{
	struct shop shop;
	struct db *db = a->db ? shop_open(a->db, true, &shop, err) : NULL;
	if (a->db && !db)
		return false;
	a->set = messages_load(a->folder, db, err);
	db_close(db);
	return a->set != NULL;
}

/* ---- the data: --data, else the sample shipped for the language ---- */

static bool read_sample(const struct args *a, enum liquid_locale locale, struct buf *out, struct err *err)
{
	if (a->data)
		return cli_read_file(a->data, out, err);
	const char *name = locale == LIQUID_FR ? "sample.fr.json" : "sample.en.json";
	if (a->folder) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", a->folder, name);
		if (access(path, R_OK) == 0)
			return cli_read_file(path, out, err);
	}
	const struct embedded_file *f = embedded_find(messages_files, messages_file_count, name);
	if (!f)
		return err_set(err, ERR_INPUT, "no sample data; give --data FILE");
	buf_add(out, f->data, f->size);
	return true;
}

static bool sample_object(const struct args *a, enum liquid_locale locale, struct arena *arena,
                          const struct lobject **out, struct err *err)
{
	struct buf text;
	struct lval v = lval_nil();
	json_error_t why;
	buf_init(&text, CLI_FILE_MAX);
	bool ok = read_sample(a, locale, &text, err);
	json_t *json = ok ? json_loadb(text.p ? text.p : "", text.n, 0, &why) : NULL;
	if (ok && !json)
		ok = err_set(err, ERR_INPUT, "%s:%d:%d: %s", a->data ? a->data : "sample", why.line, why.column, why.text);
	ok = ok && lval_from_json(arena, json, &v, err);
	if (ok && v.type != LVAL_OBJECT)
		ok = err_set(err, ERR_INPUT, "%s: a JSON object is needed", a->data ? a->data : "sample");
	*out = v.object;
	json_decref(json);
	buf_release(&text);
	return ok;
}

static bool options_of(const struct args *a, struct liquid_options *o, struct err *err)
{
	*o = (struct liquid_options){ .now = { (int64_t)time(NULL) } };
	if (!currency_find(str_from(a->currency), &o->currency))
		return err_set(err, ERR_INPUT, "--currency: no currency \"%s\"", a->currency);
	if (!zone_find(str_from(a->zone), &o->zone))
		return err_set(err, ERR_INPUT, "--zone: no time zone \"%s\"", a->zone);
	return true;
}

static bool find(const struct args *a, const struct message **m, struct err *err)
{
	enum liquid_locale locale = liquid_locale_from(str_from(a->locale));
	if (!a->name)
		return err_set(err, ERR_INPUT, "message %s needs the name of a message", a->verb);
	*m = message_find(a->set, locale == LIQUID_NEUTRAL ? LIQUID_FR : locale, str_from(a->name));
	if (*m)
		return true;
	const char *names[256];
	size_t n = 0;
	for (; n < message_count(a->set) && n < ARRAY_LEN(names); n++)
		names[n] = message_at(a->set, n)->name;
	const char *near = str_nearest(str_from(a->name), names, n, 3);
	return err_set(err, ERR_INPUT, "no message \"%s\"%s%s%s", a->name, near ? "; did you mean \"" : "",
	               near ? near : "", near ? "\"?" : "; \"relance message list\" lists them");
}

static bool wanted(const struct args *a, const struct message *m)
{
	enum liquid_locale locale = liquid_locale_from(str_from(a->locale));
	return (!a->name || strcmp(a->name, m->name) == 0) && (locale == LIQUID_NEUTRAL || locale == m->locale);
}

static const char *language(const struct message *m)
{
	return m->locale == LIQUID_FR ? "fr" : "en";
}

static bool render_one(const struct args *a, const struct message *m, struct message_text *text, struct err *err)
{
	struct liquid_options options;
	struct arena arena;
	const struct lobject *data = NULL;
	struct liquid *r = liquid_new();
	arena_init(&arena);
	bool ok = options_of(a, &options, err) && sample_object(a, m->locale, &arena, &data, err) &&
	          message_render(a->set, m, 0, r, data, &options, text, err);
	arena_release(&arena);
	liquid_free(r);
	return ok;
}

/* ---- list ---- */

static bool list(const struct args *a, struct err *err)
{
	static const char *const COLUMNS[] = { "name", "language", "purpose", "variants", "subject" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	struct message_text text;
	message_text_init(&text);
	bool ok = true;
	for (size_t i = 0; ok && i < message_count(a->set); i++) {
		const struct message *m = message_at(a->set, i);
		if (!wanted(a, m))
			continue;
		ok = render_one(a, m, &text, err);
		table_cstr(t, m->name);
		table_cstr(t, language(m));
		table_cstr(t, m->purpose == MESSAGE_SERVICE ? "service" : "marketing");
		table_int(t, (int64_t)m->variant_count);
		table_text(t, buf_view(&text.subject));
	}
	if (ok)
		table_print(t, a->format, stdout);
	message_text_release(&text);
	table_free(t);
	return ok;
}

/* ---- check ---- */

static bool check_messages(const struct args *a, size_t *findings, struct err *err)
{
	static const char *const COLUMNS[] = { "file", "line", "column", "finding" };
	struct liquid_options options;
	struct message_findings found;
	struct arena arena;
	const struct lobject *samples[LIQUID_FR + 1] = { NULL };
	size_t checked = 0;
	arena_init(&arena);
	message_findings_init(&found);
	bool ok = options_of(a, &options, err) && sample_object(a, LIQUID_FR, &arena, &samples[LIQUID_FR], err) &&
	          sample_object(a, LIQUID_EN, &arena, &samples[LIQUID_EN], err);
	for (size_t i = 0; ok && i < message_count(a->set); i++) {
		const struct message *m = message_at(a->set, i);
		if (!wanted(a, m))
			continue;
		message_check(a->set, m, samples[m->locale], &options, &found);
		checked++;
	}
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; ok && i < found.count; i++) {
		const struct message_finding *f = &found.list[i];
		if (a->format == FORMAT_TABLE)
			printf("%s:%d:%d: %.*s\n", f->file, f->line, f->column, STR_ARG(f->text));
		table_cstr(t, f->file);
		table_int(t, f->line);
		table_int(t, f->column);
		table_text(t, f->text);
	}
	if (ok && a->format != FORMAT_TABLE)
		table_print(t, a->format, stdout);
	else if (ok)
		printf("%zu message%s checked, %zu finding%s\n", checked, checked == 1 ? "" : "s", found.count,
		       found.count == 1 ? "" : "s");
	*findings = found.count;
	if (ok && checked == 0)
		ok = err_set(err, ERR_INPUT, "no message \"%s\"; \"relance message list\" lists them", a->name ? a->name : "");
	table_free(t);
	message_findings_release(&found);
	arena_release(&arena);
	return ok;
}

/* ---- preview ---- */

static const char *chromium(void)
{
	static const char *const PLACES[] = { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" };
	for (size_t i = 0; i < ARRAY_LEN(PLACES); i++)
		if (access(PLACES[i], X_OK) == 0)
			return PLACES[i];
	return NULL;
}

static bool screenshot(const char *browser, const char *out, const char *html, const char *shot, int width, bool dark)
{
	char profile[] = "/tmp/relance-preview-XXXXXX", a[4200], b[4200], c[64], d[4200], url[4200];
	if (!mkdtemp(profile))
		return false;
	snprintf(a, sizeof a, "--user-data-dir=%s", profile);
	snprintf(b, sizeof b, "--screenshot=%s/%s", out, shot);
	snprintf(c, sizeof c, "--window-size=%d,%d", width, width < 500 ? 1700 : 1400);
	snprintf(d, sizeof d, "--blink-settings=preferredColorScheme=%d", dark ? 0 : 1);
	snprintf(url, sizeof url, "file://%s/%s", out, html);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		execl(browser, browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		      "--disable-background-networking", "--hide-scrollbars", a, b, c, d, url, (char *)NULL);
		_exit(127);
	}
	int status = 1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	char remove[4200];
	snprintf(remove, sizeof remove, "rm -rf '%s'", profile); /* our own new folder */
	if (system(remove) != 0)
		fprintf(stderr, "relance: %s is left behind\n", profile);
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_into(const char *folder, const char *file, struct str bytes, struct err *err)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/%s", folder, file);
	return cli_write_file(path, bytes, err);
}

/* As the shop would send it; without a customer, to the sample's person. */
static bool open_person(const struct args *a, const struct message *m, struct arena *arena, struct courier_preview *p,
                        struct message_text *t, struct err *err)
{
	*p = (struct courier_preview){ .address = a->db,
		                           .messages = a->folder,
		                           .customer = str_from(a->customer ? a->customer : ""),
		                           .name = str_from(m->name),
		                           .locale = m->locale == LIQUID_FR ? LOCALE_FR : LOCALE_EN,
		                           .marketing = m->purpose != MESSAGE_SERVICE };
	return sample_object(a, m->locale, arena, &p->sample, err) && courier_preview_open(p, clock_now(), t, arena, err);
}

static bool render_person(const struct args *a, const struct message *m, const char *folder, struct message_text *t,
                          struct err *err)
{
	struct arena arena;
	struct courier_preview p;
	char eml[256];
	arena_init(&arena);
	snprintf(eml, sizeof eml, "%.200s.%s.eml", m->name, language(m));
	bool ok = open_person(a, m, &arena, &p, t, err) && write_into(folder, eml, p.mail, err);
	if (ok)
		printf("%s/%s\n", a->out, eml);
	courier_preview_close(&p);
	arena_release(&arena);
	return ok;
}

static bool test_message(const struct args *a, struct err *err)
{
	const struct message *m;
	if (!find(a, &m, err))
		return false;
	if (!a->db || !a->to)
		return err_set(err, ERR_INPUT, "message test needs --db DB and --to ADDRESS");
	struct arena arena;
	struct message_text t;
	struct courier_preview p;
	struct str answer;
	arena_init(&arena);
	message_text_init(&t);
	bool ok = open_person(a, m, &arena, &p, &t, err) &&
	          courier_preview_send(&p, str_from(a->to), a->out, &arena, &answer, err);
	if (ok)
		printf("%.*s\n", STR_ARG(answer));
	courier_preview_close(&p);
	message_text_release(&t);
	arena_release(&arena);
	return ok;
}

static bool preview(const struct args *a, struct err *err)
{
	const struct message *m;
	if (!find(a, &m, err))
		return false;
	if (!a->out)
		return err_set(err, ERR_INPUT, "message preview needs --out DIR");
	if (a->customer && !a->db)
		return err_set(err, ERR_INPUT, "--customer needs the shop: --db DB");
	if (mkdir(a->out, 0777) != 0 && errno != EEXIST)
		return err_errno(err, "%s", a->out);
	char *folder = realpath(a->out, NULL), html[256], text[256], shot[300];
	if (!folder)
		return err_errno(err, "%s", a->out);
	struct message_text t;
	message_text_init(&t);
	snprintf(html, sizeof html, "%.200s.%s.html", m->name, language(m));
	snprintf(text, sizeof text, "%.200s.%s.txt", m->name, language(m));
	bool ok = (a->db ? render_person(a, m, folder, &t, err) : render_one(a, m, &t, err)) &&
	          write_into(folder, html, buf_view(&t.html), err) && write_into(folder, text, buf_view(&t.text), err);
	if (ok)
		printf("subject    %.*s\npreheader  %.*s\n%s/%s\n%s/%s\n", STR_ARG(buf_view(&t.subject)),
		       STR_ARG(buf_view(&t.preheader)), a->out, html, a->out, text);
	const char *browser = chromium();
	if (ok && !browser)
		puts("no screenshots: Chromium is not installed");
	for (int i = 0; ok && browser && i < 3; i++) {
		static const char *const KINDS[] = { "desktop", "phone", "dark" };
		snprintf(shot, sizeof shot, "%.200s.%s.%s.png", m->name, language(m), KINDS[i]);
		if (screenshot(browser, folder, html, shot, i == 1 ? 390 : 1280, i == 2))
			printf("%s/%s\n", a->out, shot);
		else
			printf("no %s screenshot: Chromium did not start\n", KINDS[i]);
	}
	message_text_release(&t);
	free(folder);
	return ok;
}

/* ---- render ---- */

static bool render(const struct args *a, struct err *err)
{
	const struct message *m;
	struct message_text t;
	if (!find(a, &m, err))
		return false;
	message_text_init(&t);
	static const char *const PARTS[] = { "subject", "preheader", "from", "html", "text", "sms", "postcard" };
	const struct buf *bufs[] = { &t.subject, &t.preheader, &t.from, &t.html, &t.text, &t.sms, &t.postcard };
	bool ok = render_one(a, m, &t, err), known = false;
	for (size_t i = 0; ok && i < ARRAY_LEN(PARTS); i++)
		if (strcmp(a->part, PARTS[i]) == 0) {
			fwrite(bufs[i]->p ? bufs[i]->p : "", 1, bufs[i]->n, stdout);
			known = true;
		}
	if (ok && !known)
		ok = err_set(err, ERR_INPUT, "--part is one of subject, preheader, from, html, text, sms, postcard");
	message_text_release(&t);
	return ok;
}

int cmd_message(int argc, char **argv)
{
	struct args a = { .locale = "", .currency = "EUR", .zone = "Europe/Paris", .part = "html" };
	const struct opt opts[] = {
		{ "--locale", OPT_TEXT, &a.locale, "fr|en", "one language (default: both; one message: fr)" },
		{ "--data", OPT_TEXT, &a.data, "FILE", "a JSON object (default: the sample shipped)" },
		{ "--messages", OPT_TEXT, &a.folder, "DIR", "messages of this folder over those shipped" },
		{ "--out", OPT_TEXT, &a.out, "DIR", "where preview writes" },
		{ "--db", OPT_TEXT, &a.db, "DB", "the shop: with the messages saved there; preview, test" },
		{ "--customer", OPT_TEXT, &a.customer, "ID",
		  "preview, test: whose data; the shop's number, #N or e-mail address" },
		{ "--to", OPT_TEXT, &a.to, "ADDRESS", "test: who gets the mail" },
		{ "--part", OPT_TEXT, &a.part, "PART", "subject, preheader, from, html, text, sms or postcard" },
		{ "--currency", OPT_TEXT, &a.currency, "CODE", "default EUR" },
		{ "--zone", OPT_TEXT, &a.zone, "ZONE", "default Europe/Paris" },
		{ "--format", OPT_FORMAT, &a.format, "FORMAT", "table, csv or json" },
	};
	const char *positional[2] = { NULL, NULL };
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	a.verb = positional[0];
	a.name = count > 1 ? positional[1] : NULL;
	struct err err = { 0 };
	size_t findings = 0;
	struct str verb = str_from(a.verb);
	bool ok = load(&a, &err);
	if (ok && str_is(verb, "list"))
		ok = list(&a, &err);
	else if (ok && str_is(verb, "check"))
		ok = check_messages(&a, &findings, &err);
	else if (ok && str_is(verb, "preview"))
		ok = preview(&a, &err);
	else if (ok && str_is(verb, "test"))
		ok = test_message(&a, &err);
	else if (ok && str_is(verb, "render"))
		ok = render(&a, &err);
	else if (ok)
		status = cli_usage_error("message does list, check, preview, render or test, not \"%s\"", a.verb);
	message_set_free(a.set);
	if (status >= 0)
		return status;
	if (!ok)
		return cli_fail(&err);
	return findings ? EXIT_REFUSED : EXIT_DONE;
}
