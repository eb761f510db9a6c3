/* relance domain: the DNS records a sending domain needs: keys makes a pair of DKIM keys, check says what to publish
 * and whether it is published. */
#include "base/arena.h"
#include "channel/dkim.h"
#include "channel/domain.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096, SELECTORS = 2 };

static const struct {
	enum dkim_algorithm algorithm;
	const char *suffix;
} KINDS[SELECTORS] = { { DKIM_RSA, "rsa" }, { DKIM_ED25519, "ed" } };

static bool key_path(const char *folder, const char *selector, int i, char path[PATH_MAX_BYTES], struct err *err)
{
	char probe[300];
	snprintf(probe, sizeof probe, "x.%.250s", selector); /* a selector is a label, or several */
	if (!domain_name_ok(str_from(probe)))
		return err_set(err, ERR_INPUT, "domain: the selector may hold letters, digits and dashes only");
	int n = snprintf(path, PATH_MAX_BYTES, "%s/%s-%s.pem", folder, selector, KINDS[i].suffix);
	return n < PATH_MAX_BYTES || err_set(err, ERR_INPUT, "domain: the path is too long");
}

static bool write_key(const char *path, struct str pem, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_INPUT,
		               "%s is there already: choose another --selector, or remove it if no mail is signed with it",
		               path);
	if (fd < 0)
		return err_errno(err, "%s", path);
	bool ok = write(fd, pem.p, pem.n) == (ssize_t)pem.n && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	return ok || err_errno(err, "%s", path);
}

static bool read_key(const char *path, struct buf *pem, struct err *err)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "%s", path);
	char *room = buf_reserve(pem, DKIM_PEM_MAX);
	if (room)
		pem->n += fread(room, 1, DKIM_PEM_MAX, f);
	bool ok = room && !ferror(f);
	fclose(f);
	return ok || err_set(err, ERR_WORLD, "%s: cannot be read", path);
}

/* The TXT value of the key in a file. */
static bool record_of(struct arena *a, const char *path, struct str *record, struct err *err)
{
	struct buf pem, txt;
	buf_init(&pem, DKIM_PEM_MAX + 1);
	buf_init(&txt, DOMAIN_TXT_MAX);
	struct dkim_key *key = read_key(path, &pem, err) ? dkim_key_parse(buf_view(&pem), err) : NULL;
	bool ok = key && dkim_key_record(key, &txt, err);
	if (ok)
		*record = arena_str(a, buf_view(&txt));
	dkim_key_free(key);
	buf_release(&pem);
	buf_release(&txt);
	return ok || err_context(err, "domain");
}

static void add_row(struct table *t, const struct domain_record *r, bool looked)
{
	table_cstr(t, r->kind);
	table_text(t, r->name);
	table_text(t, r->publish);
	if (!looked)
		return;
	table_cstr(t, domain_state_name(r->state));
	if (r->found.n)
		table_text(t, r->found);
	else
		table_null(t);
	if (r->note.n)
		table_text(t, r->note);
	else
		table_null(t);
}

static int make_keys(struct arena *a, const char *domain, const char *folder, const char *selector, enum format format)
{
	static const char *const COLUMNS[] = { "record", "name", "publish" };
	struct err err;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		err_errno(&err, "domain: folder %s", folder);
		return cli_fail(&err);
	}
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (int i = 0; i < SELECTORS; i++) {
		char path[PATH_MAX_BYTES];
		struct str record;
		struct buf pem;
		buf_init(&pem, DKIM_PEM_MAX);
		bool ok = key_path(folder, selector, i, path, &err) && dkim_key_generate(KINDS[i].algorithm, &pem, &err) &&
		          write_key(path, buf_view(&pem), &err) && record_of(a, path, &record, &err);
		buf_release(&pem);
		if (!ok) {
			table_free(t);
			return cli_fail(&err);
		}
		struct str name = arena_printf(a, "%s-%s", selector, KINDS[i].suffix);
		struct domain_record r = domain_judge_dkim(a, str_from(domain), name, record, false, NULL, 0);
		add_row(t, &r, false);
	}
	table_print(t, format, stdout);
	table_free(t);
	return EXIT_DONE;
}

static bool looked_up(struct arena *a, bool offline, struct str name, struct str *found, size_t *count)
{
	*count = 0;
	return !offline && domain_txt(a, name, found, count);
}

struct check {
	const char *domain, *keys, *selector, *spf, *reports;
	bool offline;
};

static int check_domain(struct arena *a, const struct check *c, enum format format)
{
	static const char *const COLUMNS[] = { "record", "name", "publish", "state", "found", "note" };
	struct str found[DOMAIN_ANSWERS_MAX], domain = str_from(c->domain);
	size_t count;
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	bool answered = looked_up(a, c->offline, domain, found, &count), any = answered, all;
	struct domain_record r = domain_judge_spf(a, domain, str_from(c->spf ? c->spf : ""), answered, found, count);
	add_row(t, &r, true);
	all = r.state == DOMAIN_PUBLISHED;
	for (int i = 0; c->keys && i < SELECTORS; i++) {
		char path[PATH_MAX_BYTES];
		struct str record;
		struct err err;
		if (!key_path(c->keys, c->selector, i, path, &err) || !record_of(a, path, &record, &err)) {
			table_free(t);
			return cli_fail(&err);
		}
		struct str name = arena_printf(a, "%s-%s", c->selector, KINDS[i].suffix);
		struct str at = arena_printf(a, "%.*s._domainkey.%s", STR_ARG(name), c->domain);
		answered = looked_up(a, c->offline, at, found, &count);
		r = domain_judge_dkim(a, domain, name, record, answered, found, count);
		add_row(t, &r, true);
		all = all && r.state == DOMAIN_PUBLISHED;
	}
	answered = looked_up(a, c->offline, arena_printf(a, "_dmarc.%s", c->domain), found, &count);
	r = domain_judge_dmarc(a, domain, str_from(c->reports ? c->reports : ""), answered, found, count);
	add_row(t, &r, true);
	all = all && r.state == DOMAIN_PUBLISHED;
	table_print(t, format, stdout);
	table_free(t);
	if (!c->keys)
		fputs("relance: DKIM was not checked: make keys with \"relance domain keys\", then give --keys FOLDER\n",
		      stderr);
	if (!c->offline && !any && !answered)
		fputs("relance: no resolver answers: nothing was looked up, publish what is printed\n", stderr);
	return all || c->offline ? EXIT_DONE : EXIT_REFUSED;
}

int cmd_domain(int argc, char **argv);
int cmd_domain(int argc, char **argv)
{
	struct check c = { .selector = "relance" };
	const char *folder = NULL;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--keys", OPT_TEXT, &c.keys, "FOLDER", "check: the folder of the DKIM keys" },
		{ "--out", OPT_TEXT, &folder, "FOLDER", "keys: where to write them (readable by you alone)" },
		{ "--selector", OPT_TEXT, &c.selector, "NAME", "first part of the keys' names [relance]" },
		{ "--spf", OPT_TEXT, &c.spf, "TERM", "what SPF must hold, as your mail provider says: include:…, ip4:…" },
		{ "--reports", OPT_TEXT, &c.reports, "ADDRESS", "where DMARC reports go" },
		{ "--offline", OPT_FLAG, &c.offline, NULL, "only say what to publish" },
		{ "--format", OPT_FORMAT, &format, "FORMAT", "table, csv or json" },
	};
	static const struct usage usage = {
		"domain check|keys DOMAIN [options]",
		"check: which DNS records your sending domain needs (SPF, DKIM, DMARC) and whether they are published; exit 1 "
		"when "
		"one is missing. keys: makes the DKIM keys, RSA and Ed25519.",
		"relance domain keys shop.example --out keys\n  relance domain check shop.example --keys keys --spf "
		"include:spf.provider.example",
		2,
		2,
	};
	const char *positional[2];
	int count;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	c.domain = positional[1];
	bool keys = strcmp(positional[0], "keys") == 0;
	if (!keys && strcmp(positional[0], "check") != 0)
		return cli_usage_error("domain: \"%s\" is neither check nor keys", positional[0]);
	if (!domain_name_ok(str_from(c.domain)))
		return cli_usage_error("domain: \"%s\" is not a domain name like shop.example", c.domain);
	if (keys && !folder)
		return cli_usage_error("domain keys: say where to write them: --out FOLDER");
	struct arena a;
	arena_init(&a);
	status = keys ? make_keys(&a, c.domain, folder, c.selector, format) : check_domain(&a, &c, format);
	arena_release(&a);
	return status;
}
