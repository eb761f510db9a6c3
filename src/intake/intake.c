/* intake: the first rows decide the layout and are then read again from memory with the rest. */
#include "intake/csv.h"
#include "intake/emit.h"
#include "intake/json.h"

#include <stdio.h>

static const char *const KINDS[] = { "guess", "orders", "customers", "products", "carts", "consents", "events" };

const char *intake_kind_name(enum intake_kind k)
{
	return KINDS[k];
}

int intake_kind_find(struct str s)
{
	for (size_t i = 1; i < ARRAY_LEN(KINDS); i++)
		if (str_is(s, KINDS[i]))
			return (int)i;
	return -1;
}

/* ---- the head of the file, parsed on its own to decide the layout ---- */

struct head {
	struct str bytes;
	bool given;
};

static bool head_read(void *ctx, char *p, size_t cap, size_t *n, struct err *err)
{
	struct head *h = ctx;
	(void)err;
	*n = h->bytes.n < cap ? h->bytes.n : cap;
	memcpy(p, h->bytes.p, *n);
	h->bytes = (struct str){ h->bytes.p + *n, h->bytes.n - *n };
	return true;
}

static bool head_rows(const struct csv *c, struct layout_rows *rows, struct arena *a, struct err *err)
{
	struct head h = { csv_ahead(c), false };
	struct csv look;
	struct csv_row row;
	int got = 0;
	*rows = (struct layout_rows){ .count = 0 };
	bool ok = csv_init(&look, head_read, &h, c->delimiter, c->charset, err);
	while (ok && rows->count < CSV_LAYOUT_ROWS && (got = csv_next(&look, &row, err)) == 1) {
		if (row.problem)
			continue;
		struct str *cells = arena_array(a, struct str, row.count + 1);
		for (size_t i = 0; i < row.count; i++)
			cells[i] = arena_str(a, row.fields[i]);
		rows->cells[rows->count] = cells;
		rows->counts[rows->count++] = row.count;
	}
	csv_release(&look);
	return ok && got >= 0;
}

/* ---- the rows ---- */

static bool reject_row(struct emitter *e, const struct csv_row *row, const char *why, struct err *err)
{
	e->report->rows++;
	e->report->rejected++;
	struct str name = row->column && row->column <= e->layout->columns ? e->layout->names[row->column - 1] : STR("");
	return e->sink->reject(e->sink->ctx, row->line, row->column, name, str_from(why), row->raw, err);
}

/* Cells beyond the header that hold something, or too few of them: the row is not what the header says. Missing cells
 * at the end are taken as empty when the last column filled is a field's. */
static const char *width_problem(const struct layout *l, struct csv_row *row)
{
	for (size_t i = l->columns; i < row->count; i++)
		if (row->fields[i].n) {
			row->column = (uint32_t)i + 1;
			return "the row has more cells than the header";
		}
	if (row->count < l->columns)
		for (int f = 0; f < FIELD_COUNT; f++)
			if (l->column_of[f] >= (int)row->count && (f == FIELD_DATE || f == FIELD_AMOUNT || f == FIELD_UNIT_PRICE)) {
				row->column = (uint32_t)row->count;
				return "the row has fewer cells than the header";
			}
	return NULL;
}

static bool csv_rows(struct csv *c, struct emitter *e, struct err *err)
{
	const struct layout *l = e->layout;
	struct csv_row row;
	struct record r = { .row = 0 };
	bool header = !l->no_header;
	uint16_t used[FIELD_COUNT];
	size_t used_count = 0;
	for (int f = 0; f < FIELD_COUNT; f++) {
		r.f[f] = (struct str){ "", 0 };
		if (l->column_of[f] >= 0)
			used[used_count++] = (uint16_t)f;
	}
	int got;
	while ((got = csv_next(c, &row, err)) == 1) {
		const char *why = row.problem;
		if (header && !why) {
			header = false;
			continue;
		}
		if (!why && row.count != l->columns)
			why = width_problem(l, &row);
		if (why) {
			if (!reject_row(e, &row, why, err))
				return false;
			continue;
		}
		for (size_t i = 0; i < used_count; i++) {
			int f = used[i], at = l->column_of[f], second = l->fallback[f];
			r.f[f] = (size_t)at < row.count ? row.fields[at] : (struct str){ "", 0 };
			if (second >= 0 && r.f[f].n == 0 && (size_t)second < row.count)
				r.f[f] = row.fields[second];
		}
		r.row = row.line;
		r.raw = row.raw;
		if (!emit_record(e, l->kind, &r, err))
			return false;
		if (e->o->map) /* constants fill fields no column has */
			for (int f = 0; f < FIELD_COUNT; f++)
				if (l->column_of[f] < 0)
					r.f[f] = (struct str){ "", 0 };
		/* what the order before lent to this row */
		if (l->column_of[FIELD_TIME] < 0)
			r.f[FIELD_TIME] = (struct str){ "", 0 };
	}
	return got == 0;
}

static bool run_csv(struct csv *c, struct emitter *e, struct err *err)
{
	struct arena a;
	struct layout_rows rows;
	arena_init(&a);
	struct layout *l = arena_new(&a, struct layout);
	bool ok = head_rows(c, &rows, &a, err);
	if (ok && rows.count == 0)
		ok = err_set(err, ERR_INPUT, "the file is empty");
	ok = ok && layout_decide(l, &rows, e->o, c->delimiter, &a, e->report->template_map, err);
	if (ok) {
		e->layout = l;
		e->decimal = l->decimal;
		e->when.month_first = l->month_first;
		e->total_is_order = l->total_is_order;
		e->report->kind = l->kind;
		e->report->month_first = l->month_first;
		e->report->month_first_known = l->month_first_known;
		snprintf(e->report->platform, sizeof e->report->platform, "%s", l->platform);
		ok = csv_rows(c, e, err);
	}
	arena_release(&a);
	return ok;
}

static bool looks_like_json(struct str head)
{
	head = str_trim(head);
	if (head.n == 0 || (head.p[0] != '{' && head.p[0] != '['))
		return false;
	head = str_trim((struct str){ head.p + 1, head.n - 1 });
	return head.n == 0 || strchr("{[\"]}-0123456789", head.p[0]) != NULL;
}

bool intake_run(const struct intake_options *o, intake_read_fn read, void *ctx, const struct intake_sink *sink,
                struct intake_report *out, struct err *err)
{
	struct emitter e;
	struct csv c;
	struct buf *template_map = out->template_map;
	*out = (struct intake_report){ .template_map = template_map };
	emit_init(&e, o, sink, out);
	bool ok =
		csv_init(&c, read, ctx, o->map ? o->map->delimiter : 0, o->map ? o->map->charset : INTAKE_CHARSET_GUESS, err);
	if (ok && looks_like_json(csv_ahead(&c))) {
		out->json = true;
		ok = json_run(csv_ahead(&c), read, ctx, &e, err);
	} else if (ok) {
		ok = run_csv(&c, &e, err);
	}
	out->dates_ambiguous = e.when.ambiguous;
	csv_release(&c);
	emit_release(&e);
	return ok;
}
