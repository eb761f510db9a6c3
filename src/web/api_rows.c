/* The rows behind a number, of a key figure or of a line of the business case: a page at a time, or all of them as a
 * file. Who may not read people's data sees what was counted, not who. */
#include "web/web_int.h"

#include "web/rows.h"

enum { ROWS_USUAL = 100, ROWS_MAX = 1000, CSV_ROWS_MAX = 200000 };

struct answer {
	struct request *r;
	const struct rows *rows;
	int64_t seen, from, limit;
	bool masked, failed;
	struct arena text;
	customer_id last; /* customers come one after the other: */
	struct str name;  /* theirs */
};

static struct str name_of(struct answer *x, customer_id c)
{
	struct person p;
	struct str ref;
	struct err err;
	if (x->failed || (c == x->last && c))
		return x->name;
	arena_clear(&x->text);
	x->last = c;
	x->name = STR("");
	if (!request_db(x->r) || !store_person(x->r->db, c, &x->text, &p, &ref, &err)) {
		request_err(x->r, &err);
		x->failed = true;
		return x->name;
	}
	x->name = person_name(&x->text, &p);
	return x->name = x->name.n ? x->name : ref;
}

/* ---- a page ---- */

static void put_customer(struct answer *x, const char *column, const struct drill_cell *cell)
{
	struct buf *b = &x->r->out;
	if (x->masked || !cell->known) {
		put_null(b, column);
		put_null(b, "name");
		return;
	}
	put_int(b, column, cell->number);
	put_str(b, "name", name_of(x, (customer_id)cell->number));
}

static void put_cell(struct answer *x, const struct drill_column *column, const struct drill_cell *cell)
{
	struct buf *b = &x->r->out;
	if (column->type == DRILL_CUSTOMER) {
		put_customer(x, column->name, cell);
		return;
	}
	if (!cell->known) {
		put_null(b, column->name);
		return;
	}
	switch (column->type) {
	case DRILL_CUSTOMER:
	case DRILL_MONEY:
	case DRILL_NUMBER: put_int(b, column->name, cell->number); break;
	case DRILL_DAY: put_date(b, column->name, (struct date){ (int32_t)cell->number }); break;
	case DRILL_YES_NO: put_bool(b, column->name, cell->number != 0); break;
	case DRILL_WORD:
	case DRILL_TEXT: put_cstr(b, column->name, cell->word); break;
	}
}

static bool put_row(void *ctx, const struct drill_cell *cells, int count)
{
	struct answer *x = ctx;
	struct buf *b = &x->r->out;
	if (x->seen++ < x->from)
		return true;
	if (x->seen > x->from + x->limit)
		return false;
	put_open(b, NULL, '{');
	for (int i = 0; i < count; i++)
		put_cell(x, &x->rows->columns[i], &cells[i]);
	put_close(b, '}');
	return !x->failed;
}

static void put_columns(struct answer *x)
{
	static const char *const TYPES[] = { "customer", "day", "money", "count", "yes_no", "word", "text" };
	struct buf *b = &x->r->out;
	bool french = request_locale(x->r) == LOCALE_FR;
	put_open(b, "columns", '[');
	for (int i = 0; i < x->rows->count; i++) {
		const struct drill_column *c = &x->rows->columns[i];
		put_open(b, NULL, '{');
		put_cstr(b, "name", c->name);
		put_cstr(b, "type", TYPES[c->type]);
		put_cstr(b, "title", drill_title(c->name, french));
		put_close(b, '}');
	}
	put_close(b, ']');
}

static void page(struct answer *x)
{
	struct request *r = x->r;
	struct buf *b = &r->out;
	struct err err;
	put_open(b, NULL, '{');
	put_columns(x);
	put_bool(b, "masked", x->masked);
	put_open(b, "items", '[');
	bool ok = x->rows->list(x->rows->ctx, &(struct drill_sink){ put_row, x }, &err);
	put_close(b, ']');
	put_cursor(b, x->from + x->limit, x->seen > x->from + x->limit);
	put_close(b, '}');
	if (!ok)
		request_err(r, &err);
	else if (!x->failed)
		request_send_json(r, 200);
}

/* ---- a file ---- */

static void csv_cell(struct answer *x, enum drill_type type, const struct drill_cell *cell)
{
	struct buf *b = &x->r->out;
	bool french = request_locale(x->r) == LOCALE_FR;
	char day[16];
	if (type == DRILL_CUSTOMER && x->masked)
		buf_cstr(b, ROWS_MASK);
	if (!cell->known || (type == DRILL_CUSTOMER && x->masked))
		return;
	switch (type) {
	case DRILL_CUSTOMER: csv_text(b, name_of(x, (customer_id)cell->number)); break;
	case DRILL_MONEY: csv_money(x->r, cell->number); break;
	case DRILL_NUMBER: buf_printf(b, "%lld", (long long)cell->number); break;
	case DRILL_DAY: buf_cstr(b, date_text((struct date){ (int32_t)cell->number }, day)); break;
	case DRILL_YES_NO: buf_cstr(b, cell->number ? (french ? "oui" : "yes") : french ? "non" : "no"); break;
	case DRILL_WORD: csv_text(b, str_from(drill_said(cell->word, french))); break;
	case DRILL_TEXT: csv_text(b, str_from(cell->word)); break;
	}
}

static bool csv_row(void *ctx, const struct drill_cell *cells, int count)
{
	struct answer *x = ctx;
	if (x->seen++ == CSV_ROWS_MAX)
		return false;
	for (int i = 0; i < count; i++) {
		buf_cstr(&x->r->out, i ? "," : "");
		csv_cell(x, x->rows->columns[i].type, &cells[i]);
	}
	buf_cstr(&x->r->out, "\r\n");
	return !x->failed;
}

static void file(struct answer *x)
{
	struct request *r = x->r;
	struct err err;
	bool french = request_locale(r) == LOCALE_FR;
	csv_begin(r);
	for (int i = 0; i < x->rows->count; i++) {
		buf_cstr(&r->out, i ? "," : "");
		csv_text(&r->out, str_from(drill_title(x->rows->columns[i].name, french)));
	}
	buf_cstr(&r->out, "\r\n");
	if (!x->rows->list(x->rows->ctx, &(struct drill_sink){ csv_row, x }, &err))
		request_err(r, &err);
	else if (!x->failed && x->seen > CSV_ROWS_MAX)
		request_problem(r, 422, "more than %d rows: ask for a shorter time", CSV_ROWS_MAX);
	else if (!x->failed && x->masked)
		csv_send(r, x->rows->name);
	else if (!x->failed)
		csv_hand_over(r, x->rows->name,
		              arena_printf(&r->arena, "%lld rows of %s", (long long)x->seen, x->rows->name).p);
}

static bool number_of(struct request *r, const char *name, int64_t least, int64_t most, int64_t *out)
{
	const char *text = request_query(r, name);
	if (!text || (str_i64(str_from(text), out) && *out >= least && *out <= most))
		return true;
	request_problem(r, 422, "\"%s\" is a number from %lld to %lld", name, (long long)least, (long long)most);
	return false;
}

void rows_answer(struct request *r, const struct rows *rows, bool as_file)
{
	struct answer x = { .r = r, .rows = rows, .limit = ROWS_USUAL, .masked = !(r->who.may & MAY_PEOPLE) };
	if (!number_of(r, "limit", 1, ROWS_MAX, &x.limit) || !number_of(r, "cursor", 0, INT64_MAX / 2, &x.from))
		return;
	arena_init(&x.text);
	if (as_file)
		file(&x);
	else
		page(&x);
	arena_release(&x.text);
}
