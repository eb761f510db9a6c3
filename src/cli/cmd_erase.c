/* relance erase: a person taken out of the shop (GDPR article 17). */
#include "app/arrival.h"
#include "app/clock.h"
#include "app/courier.h"
#include "app/erase.h"
#include "cli/cli.h"

#include <stdlib.h>

int cmd_erase(int argc, char **argv);

enum { LEASE_S = 60 };

static const struct usage USAGE = {
	.synopsis = "erase DB CUSTOMER --yes",
	.text =
		"Names, addresses, consents, carts, what messages said and why they were decided are gone for good; orders "
		"stay\n"
		"as sums without a name, dated to the month. A keyed hash of the number and the addresses stays, so that no\n"
		"later import brings the person back and nothing is ever sent there. CUSTOMER is the shop's own number, #N\n"
		"(ours), or an e-mail address. Stop \"relance run\" and \"serve\" first; the web pages can do it while they "
		"run.\n"
		"Backups made before still hold the person until you delete them (doc/operations.md). A file that could not "
	    "be\n"
		"looked at is named, and the exit status is 1.",
	.example = "relance erase shop.db 17850 --yes",
	.positional_min = 2,
	.positional_max = 2,
};

static bool erase(struct db *db, const struct shop *shop, const char *who, const char *folder,
                  struct erase_report *report, struct err *err)
{
	customer_id c;
	char owner[96];
	int64_t epoch;
	struct instant now = clock_now();
	clock_owner(owner);
	if (!store_find_customer(db, shop, str_from(who), &c, err))
		return false;
	if (!store_lease(db, owner, now, LEASE_S, &epoch, err))
		return err_context(err, "stop the program that runs the shop, or erase in its web pages");
	bool ok = erase_customer(db, c, "command line", folder, now, report, err);
	struct err ignored; /* not given back, the lease ends by itself within a minute */
	if (!store_lease_release(db, owner, epoch, &ignored) && ok)
		*err = ignored;
	return ok;
}

/* What is not gone yet, and what to do. */
static bool tell_left(struct erase_report *r)
{
	bool left = r->left.n || r->log_left;
	for (struct str rest = buf_view(&r->left); rest.n;) {
		size_t n = (size_t)((const char *)memchr(rest.p, '\n', rest.n) - rest.p);
		fprintf(stderr, "relance: %.*s: look in it for the person yourself, or delete it\n", (int)n, rest.p);
		rest = (struct str){ rest.p + n + 1, rest.n - n - 1 };
	}
	if (r->log_left)
		fputs("relance: another program reads the database, and its log still holds what was erased: stop it and run "
		      "the same erasure again\n",
		      stderr);
	erase_report_release(r);
	return left;
}

int cmd_erase(int argc, char **argv)
{
	const char *where[2], *out = NULL;
	char folder[COURIER_FOLDER_MAX];
	bool yes = false;
	const struct opt opts[] = {
		{ "--yes", OPT_FLAG, &yes, NULL, "it cannot be undone: yes" },
		{ "--out", OPT_TEXT, &out, "DIR",
		  "where messages were written as files (default DB.outbox; ./outbox on "
		  "PostgreSQL)" },
	};
	int count, status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (!yes)
		return cli_usage_error("an erasure cannot be undone: look with \"relance why %s %s\", then give --yes",
		                       where[0], where[1]);
	struct shop shop;
	struct err err;
	struct erase_report r;
	struct db *db = shop_open(where[0], false, &shop, &err);
	if (!db)
		return cli_fail(&err);
	courier_folder(where[0], folder);
	bool ok = erase(db, &shop, where[1], out ? out : folder, &r, &err);
	db_close(db);
	if (!ok)
		return cli_fail(&err);
	bool left = tell_left(&r);
	if (r.rows.was_erased) {
		puts(left ? "erased already" : "erased already; nothing to do");
		return left ? EXIT_REFUSED : EXIT_DONE;
	}
	printf("orders kept as sums  %llu\nfacts emptied        %llu\nmessages emptied     %llu\nfiles deleted        "
	       "%llu\nrejected rows        %llu\n",
	       (unsigned long long)r.rows.orders, (unsigned long long)r.rows.facts, (unsigned long long)r.rows.messages,
	       (unsigned long long)r.files, (unsigned long long)r.reject_rows);
	return left ? EXIT_REFUSED : EXIT_DONE;
}
