/* map: the file of --map, which says what the columns of a file are when the guess is not enough.
 *
 *   as: orders                     # orders, customers, products, carts, consents, events
 *   source: till                   # name of the shop's system; leads the key of every document
 *   delimiter: ";"                 # , ; | tab space
 *   charset: windows-1252          # or utf-8
 *   decimal: ","
 *   dates: day-first               # or month-first
 *   header: yes                    # no: the first row is data, columns are named by number
 *   records: data.orders           # JSON: where the list of records stands
 *   not_products: [POST, M]
 *   columns:                       # column: field; "ignore" for one that must not be guessed
 *     "N° ticket": order
 *     3: quantity
 *   constants:                     # field: value for every row
 *     sale_channel: store
 *
 * Errors give line and column of the map. Limits: MAP_SIZE_MAX bytes, MAP_COLUMNS_MAX columns. */
#ifndef RELANCE_INTAKE_MAP_H
#define RELANCE_INTAKE_MAP_H

#include "intake/field.h"

enum { MAP_SIZE_MAX = 256 << 10, MAP_COLUMNS_MAX = INTAKE_COLUMNS_MAX, MAP_NOT_PRODUCTS_MAX = 1024 };

struct intake_map {
	struct arena arena;  /* holds all the strings */
	enum intake_kind as; /* INTAKE_GUESS when not said */
	struct str source, records;
	char delimiter, decimal; /* 0: guess */
	enum intake_charset charset;
	int month_first; /* −1: guess */
	bool no_header;
	struct map_column {
		struct str header; /* or a number */
		enum field field;
	} * columns;
	size_t column_count;
	struct str constants[FIELD_COUNT]; /* p NULL: none */
	struct str *not_products;
	size_t not_product_count;
};

bool map_read(struct str yaml, struct intake_map *out, struct err *err) MUST_CHECK;
void map_release(struct intake_map *m);

#endif
