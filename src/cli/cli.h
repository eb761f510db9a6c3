/* cli: what every command of the terminal shares: the command table, options, output in three formats, progress.
 *
 * A command is one file cmd_NAME.c with one function `int cmd_NAME(int argc, char **argv)` (argv[0] is the command's
 * name) and one row in commands.h. Exit status: 0 done, 1 refused or failed, 2 usage. Results go to stdout, errors to
 * stderr in one line that says what to do. */
#ifndef RELANCE_CLI_CLI_H
#define RELANCE_CLI_CLI_H

#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

struct command {
	const char *name;
	const char *summary; /* one line */
	int (*run)(int argc, char **argv);
};

extern const struct command COMMANDS[];
extern const size_t COMMAND_COUNT;

/* ---- options ---- */

enum opt_kind {
	OPT_FLAG,   /* bool *: set true */
	OPT_TEXT,   /* const char ** */
	OPT_INT,    /* int64_t *: checked number */
	OPT_FLOAT,  /* double * */
	OPT_FORMAT, /* enum format *: table, csv or json */
	OPT_LIST,   /* struct opt_list *: may be given several times */
};

enum { OPT_LIST_MAX = 64 };
struct opt_list {
	const char *values[OPT_LIST_MAX];
	size_t count;
};

struct opt {
	const char *name; /* "--from"; one dash and letter for a short one, "-n" */
	enum opt_kind kind;
	void *to;
	const char *value; /* "DATE" in the help, NULL for a flag */
	const char *help;
};

struct usage {
	const char *synopsis; /* "import DB FILE [options]" */
	const char *text;     /* a short paragraph, may be NULL */
	const char *example;  /* one or more lines */
	int positional_min, positional_max;
};

/* Parses argv: options anywhere, `--name value` or `--name=value`, `--` ends them. Positionals are moved to
 * positional[]. Returns -1 to go on, else the exit status (0 after --help, 2 after a usage error, already printed). */
int opts_parse(const struct usage *usage, const struct opt *opts, size_t count, int argc, char **argv,
               const char **positional, int *positional_count) MUST_CHECK;

/* Prints "relance: text" on stderr; returns EXIT_REFUSED. */
int cli_fail(const struct err *err);
int cli_usage_error(const char *fmt, ...) PRINTF_LIKE(1, 2); /* returns EXIT_USAGE */

/* ---- tables: rows of cells, printed aligned (numbers right), as CSV, or as a JSON array of objects ---- */

enum cell_kind { CELL_TEXT, CELL_INT, CELL_FLOAT, CELL_NULL, CELL_RAW /* JSON as is; text elsewhere */ };

struct table;
/* columns: names as in JSON ("last_order"); the table shows them with spaces. */
struct table *table_new(const char *const *columns, size_t count);
void table_free(struct table *t);
void table_text(struct table *t, struct str s);
void table_cstr(struct table *t, const char *s); /* NULL gives null */
void table_int(struct table *t, int64_t v);
void table_float(struct table *t, double v, int decimals);
void table_number(struct table *t, struct str plain); /* a decimal already written: "12.50" */
void table_null(struct table *t);
void table_raw(struct table *t, struct str json);
void table_print(const struct table *t, enum format format, FILE *out); /* JSON: [ {…}, … ] */
/* One row as one JSON object, or as "name  value" lines: for commands that answer with a single set of figures. */
void table_print_record(const struct table *t, enum format format, FILE *out);
void table_json(const struct table *t, struct buf *out); /* the array, for embedding */

/* ---- progress: a bar on a terminal's stderr once a second has passed, with rate and time left ---- */

struct progress {
	const char *what; /* "rows" */
	double started, shown;
	bool terminal;
};
void progress_start(struct progress *p, const char *what);
void progress_show(struct progress *p, uint64_t done, uint64_t total); /* total 0 = unknown */
void progress_end(struct progress *p);

double cli_seconds(void); /* monotonic */

#endif
