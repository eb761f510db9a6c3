/* relance bounce: reads one returned mail from standard input and says, for each recipient, what it means. */
#include "channel/bounce.h"
#include "cli/cli.h"

enum { INPUT_MAX = 32 << 20 };

static bool read_all(FILE *in, struct buf *out, struct err *err)
{
	for (;;) {
		char *room = buf_reserve(out, 64 << 10);
		if (!room)
			return err_set(err, ERR_LIMIT, "bounce: the mail is larger than %d MB", INPUT_MAX >> 20);
		size_t n = fread(room, 1, 64 << 10, in);
		out->n += n;
		if (n == 0)
			return !ferror(in) || err_errno(err, "bounce: cannot read standard input");
	}
}

static void print_report(const struct bounce_report *report, enum format format)
{
	static const char *const COLUMNS[] = { "recipient", "status", "verdict", "reason" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < report->count; i++) {
		const struct bounce *b = &report->list[i];
		if (b->recipient.n)
			table_text(t, b->recipient);
		else
			table_null(t);
		table_cstr(t, b->status[0] ? b->status : NULL);
		table_cstr(t, bounce_verdict_name(b->verdict));
		table_cstr(t, bounce_reason_name(b->reason));
	}
	table_print(t, format, stdout);
	table_free(t);
}

int cmd_bounce(int argc, char **argv);
int cmd_bounce(int argc, char **argv)
{
	bool dry_run = false;
	enum format format = FORMAT_TABLE;
	const struct opt opts[] = {
		{ "--dry-run", OPT_FLAG, &dry_run, NULL, "only say what the mail means" },
		{ "--format", OPT_FORMAT, &format, "FORMAT", "table, csv or json" },
	};
	static const struct usage usage = {
		"bounce [DB] [--dry-run] < mail",
		"Reads a bounce, complaint or automatic reply and says what it means for each recipient: hard (the address is "
		"dead), soft (this time), complaint, vacation, or unknown.",
		"relance bounce --format json < bounce.eml",
		0,
		1,
	};
	const char *positional[1];
	int count;
	int status = opts_parse(&usage, opts, ARRAY_LEN(opts), argc, argv, positional, &count);
	if (status >= 0)
		return status;
	struct err err = { 0 };
	if (count && !dry_run) {
		err_set(&err, ERR_INPUT,
				"bounce: writing to a database is not possible yet; use --dry-run to read the mail only");
		return cli_fail(&err);
	}
	struct buf mail;
	buf_init(&mail, INPUT_MAX);
	if (!read_all(stdin, &mail, &err)) {
		buf_release(&mail);
		return cli_fail(&err);
	}
	struct arena arena;
	arena_init(&arena);
	struct bounce_report report;
	bounce_parse(&arena, buf_view(&mail), &report);
	print_report(&report, format);
	arena_release(&arena);
	buf_release(&mail);
	return EXIT_DONE;
}
