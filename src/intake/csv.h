/* csv: rows of a delimited text file, read once, front to back, in bounded memory.
 *
 * RFC 4180 and what tills and spreadsheets make of it: any delimiter, CR LF, LF or CR, quoted fields with embedded line
 * ends and doubled quotes, a stray quote inside a field kept as it is, a byte order mark skipped. Delimiters, line
 * ends, quotes and NUL are found 64 bytes at a time (SSE2, else byte by byte).
 *
 * Charset: a row that is valid UTF-8 is UTF-8, else that row is Windows-1252 and comes out as UTF-8. Deciding by the
 * row and not by the file also reads files glued together from two tills; a row is whole when it is judged, so no
 * character is cut at the end of a block.
 *
 * A bad row (NUL, too long, too many columns, a quote never closed) comes back as a row with `problem` set; reading
 * goes on after it. A row longer than INTAKE_ROW_MAX is skipped up to its line end without being held. A quote that is
 * never closed costs its own line, not the rest of the file.
 *
 * Fields and raw bytes of a row live until the next csv_next(). Not thread-safe. */
#ifndef RELANCE_INTAKE_CSV_H
#define RELANCE_INTAKE_CSV_H

#include "intake/intake.h"

#include "base/buf.h"

enum { CSV_BLOCK = 256 << 10, CSV_SNIFF_ROWS = 100 };

struct csv_row {
	const struct str *fields;
	size_t count;
	uint64_t line;       /* physical line it starts on, from 1 */
	struct str raw;      /* without the line end; cut at 4 KiB when the row was too long to hold */
	const char *problem; /* NULL: a good row */
	uint32_t column;     /* of the problem, from 1; 0: the whole row */
};

struct csv {
	intake_read_fn read;
	void *ctx;
	char *buf;
	size_t cap, start, end; /* unread bytes: start … end */
	size_t block;           /* 64-byte block under scan, and what is left of it */
	uint64_t mask, high;
	bool eof, started, mid_line;
	char delimiter, line_end;
	enum intake_charset charset;
	uint64_t line;
	struct str *fields;
	uint8_t *marks;
	char *scratch;
	size_t scratch_cap;
	struct buf skipped;
};

/* Reads the first block and looks at it: refuses what is not text (names what it is), guesses the delimiter unless
 * `delimiter` is given (0: guess; ' ' means runs of spaces). */
bool csv_init(struct csv *c, intake_read_fn read, void *ctx, char delimiter, enum intake_charset charset,
              struct err *err) MUST_CHECK;
void csv_release(struct csv *c);

/* 1 = a row, 0 = the end, −1 = reading failed. Empty lines are passed over. */
int csv_next(struct csv *c, struct csv_row *row, struct err *err) MUST_CHECK;

/* The bytes read but not yet parsed: for a look ahead. */
struct str csv_ahead(const struct csv *c);

/* What the bytes are when they are no text file ("an Excel workbook"), else NULL. */
const char *csv_not_text(struct str head);

/* ',' ';' '\t' '|' or ' ', from the first rows of `head`; ',' when there is one column only. */
char csv_guess_delimiter(struct str head);

#endif
