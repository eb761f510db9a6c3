/* rows: a delimited text file read whole, for commands that analyse a table of somebody's own.
 *
 * Comma, semicolon, tab or blanks (the commonest outside quotes on the first line); RFC 4180 quotes; a byte order mark
 * and CR LF are accepted. Fields are views into memory the struct owns. Limits: ROWS_BYTES_MAX a file, ROWS_FIELDS_MAX
 * fields a row (more are cut). */
#ifndef RELANCE_CLI_ROWS_H
#define RELANCE_CLI_ROWS_H

#include "base/err.h"
#include "base/zone.h"

enum { ROWS_FIELDS_MAX = 64 };
#define ROWS_BYTES_MAX ((size_t)4 << 30)

struct rows {
	char *data;
	size_t bytes, at;
	char delimiter; /* ' ' means any run of blanks */
	size_t line;    /* of the row last read, from 1 */
	size_t next_line;
	struct str field[ROWS_FIELDS_MAX];
	size_t fields;
};

bool rows_open(struct rows *r, const char *path, struct err *err) MUST_CHECK;
void rows_take(struct rows *r, char *data, size_t bytes); /* bytes in memory, malloc'd: the struct's from then on */
void rows_close(struct rows *r);
bool rows_next(struct rows *r); /* false at the end; empty lines are skipped */
void rows_rewind(struct rows *r);

/* The column whose head is one of the names (ASCII case ignored), or -1. Looks at the row last read. */
int rows_column(const struct rows *r, const char *const *names, size_t count);

/* 2024-03-01, 2024-03-01 10:00, 01/03/2024 (day first), 20240301. */
bool rows_date(struct str s, struct date *out) MUST_CHECK;

#endif
