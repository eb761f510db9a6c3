/* layout: which column of a file is which field, decided once from the header, the first rows and the map.
 *
 * The kind of file (orders, customers …) is guessed from the columns that make sense under each kind; the platform from
 * columns only it has. Essentials missing: an error that lists the columns seen, and a map to edit. */
#ifndef RELANCE_INTAKE_LAYOUT_H
#define RELANCE_INTAKE_LAYOUT_H

#include "intake/map.h"

enum { CSV_LAYOUT_ROWS = 200 };

struct layout {
	enum intake_kind kind;
	const char *platform; /* "csv" when unknown */
	size_t columns;
	int16_t field[INTAKE_COLUMNS_MAX];    /* of column i, or −1 */
	int16_t column_of[FIELD_COUNT];       /* from 0, or −1 */
	int16_t fallback[FIELD_COUNT];        /* read when column_of's cell is empty, or −1 */
	struct str names[INTAKE_COLUMNS_MAX]; /* headers, in the arena */
	bool no_header;
	bool total_is_order; /* `total` is the whole document's, not the line's */
	char decimal;        /* '.' or ',' */
	bool month_first, month_first_known;
};

/* `rows`: the first rows, header included, as parsed (row_count ≥ 1). Strings are copied into the arena. */
struct layout_rows {
	struct str *cells[CSV_LAYOUT_ROWS];
	size_t counts[CSV_LAYOUT_ROWS];
	size_t count;
};

bool layout_decide(struct layout *l, const struct layout_rows *rows, const struct intake_options *o, char delimiter,
                   struct arena *a, struct buf *template_map, struct err *err) MUST_CHECK;

/* The kind and platform of one JSON record from its flattened keys. */
enum intake_kind layout_kind(const struct str *keys, size_t count);

#endif
