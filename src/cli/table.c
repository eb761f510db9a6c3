/* Cells are kept as text in one arena; widths are measured in code points at print time. */
#include "base/arena.h"
#include "cli/cli.h"

#include <stdlib.h>

struct cell {
	enum cell_kind kind;
	struct str text;
};

struct table {
	struct arena arena;
	const char **columns;
	size_t column_count;
	struct cell *cells;
	size_t count, cap;
};

struct table *table_new(const char *const *columns, size_t count)
{
	struct table *t = mem_alloc(sizeof *t);
	arena_init(&t->arena);
	t->columns = arena_copy(&t->arena, columns, count * sizeof *columns);
	t->column_count = count;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	free(t->cells);
	free(t);
}

static void add(struct table *t, enum cell_kind kind, struct str text)
{
	t->cells = mem_grow(t->cells, &t->cap, t->count + 1, sizeof *t->cells);
	t->cells[t->count++] = (struct cell){ kind, text };
}

void table_text(struct table *t, struct str s)
{
	add(t, CELL_TEXT, arena_str(&t->arena, s));
}

void table_cstr(struct table *t, const char *s)
{
	if (s)
		table_text(t, str_from(s));
	else
		table_null(t);
}

void table_int(struct table *t, int64_t v)
{
	add(t, CELL_INT, arena_printf(&t->arena, "%lld", (long long)v));
}

void table_float(struct table *t, double v, int decimals)
{
	if (v != v || v - v != 0) /* NaN and infinities are not figures */
		table_null(t);
	else
		add(t, CELL_FLOAT, arena_printf(&t->arena, "%.*f", decimals, v));
}

void table_number(struct table *t, struct str plain)
{
	add(t, CELL_FLOAT, arena_str(&t->arena, plain));
}

void table_null(struct table *t)
{
	add(t, CELL_NULL, STR(""));
}

void table_raw(struct table *t, struct str json)
{
	add(t, CELL_RAW, arena_str(&t->arena, json));
}

static void json_cell(const struct cell *c, struct buf *out)
{
	switch (c->kind) {
	case CELL_TEXT: buf_json(out, c->text); break;
	case CELL_INT:
	case CELL_FLOAT:
	case CELL_RAW: buf_str(out, c->text); break;
	case CELL_NULL: buf_cstr(out, "null"); break;
	}
}

static void json_row(const struct table *t, size_t row, struct buf *out)
{
	buf_char(out, '{');
	for (size_t i = 0; i < t->column_count; i++) {
		if (i)
			buf_cstr(out, ", ");
		buf_json(out, str_from(t->columns[i]));
		buf_cstr(out, ": ");
		json_cell(&t->cells[row * t->column_count + i], out);
	}
	buf_char(out, '}');
}

static size_t row_count(const struct table *t)
{
	check(t->count % t->column_count == 0);
	return t->count / t->column_count;
}

void table_json(const struct table *t, struct buf *out)
{
	size_t rows = row_count(t);
	buf_char(out, '[');
	for (size_t r = 0; r < rows; r++) {
		buf_cstr(out, r ? ",\n " : "\n ");
		json_row(t, r, out);
	}
	buf_cstr(out, rows ? "\n]" : "]");
}

static size_t width(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

static void pad(FILE *out, size_t n)
{
	while (n-- > 0)
		fputc(' ', out);
}

static void print_name(const char *name, FILE *out)
{
	for (; *name; name++)
		fputc(*name == '_' ? ' ' : *name, out);
}

static void print_aligned(const struct table *t, FILE *out)
{
	size_t rows = row_count(t), columns = t->column_count;
	size_t *widths = mem_alloc(columns * sizeof *widths);
	bool *numeric = mem_alloc(columns * sizeof *numeric);
	for (size_t i = 0; i < columns; i++) {
		widths[i] = strlen(t->columns[i]);
		numeric[i] = rows > 0;
		for (size_t r = 0; r < rows; r++) {
			const struct cell *c = &t->cells[r * columns + i];
			size_t w = width(c->text);
			if (w > widths[i])
				widths[i] = w;
			if (c->kind == CELL_TEXT || c->kind == CELL_RAW)
				numeric[i] = false;
		}
	}
	for (size_t r = 0; r <= rows; r++) { /* row 0 is the head */
		for (size_t i = 0; i < columns; i++) {
			struct str s = r ? t->cells[(r - 1) * columns + i].text : str_from(t->columns[i]);
			if (i)
				pad(out, 2);
			if (numeric[i])
				pad(out, widths[i] - width(s));
			if (r)
				fwrite(s.p, 1, s.n, out);
			else
				print_name(t->columns[i], out);
			if (!numeric[i] && i + 1 < columns)
				pad(out, widths[i] - width(s));
		}
		fputc('\n', out);
	}
	free(widths);
	free(numeric);
}

static void print_csv(const struct table *t, FILE *out)
{
	struct buf b;
	buf_init(&b, SIZE_MAX / 2);
	for (size_t i = 0; i < t->column_count; i++) {
		if (i)
			buf_char(&b, ',');
		buf_csv(&b, str_from(t->columns[i]));
	}
	buf_char(&b, '\n');
	size_t rows = row_count(t);
	for (size_t r = 0; r < rows; r++) {
		for (size_t i = 0; i < t->column_count; i++) {
			if (i)
				buf_char(&b, ',');
			buf_csv(&b, t->cells[r * t->column_count + i].text);
		}
		buf_char(&b, '\n');
	}
	fwrite(b.p, 1, b.n, out);
	buf_release(&b);
}

void table_print(const struct table *t, enum format format, FILE *out)
{
	switch (format) {
	case FORMAT_TABLE: print_aligned(t, out); break;
	case FORMAT_CSV: print_csv(t, out); break;
	case FORMAT_JSON: {
		struct buf b;
		buf_init(&b, SIZE_MAX / 2);
		table_json(t, &b);
		buf_char(&b, '\n');
		fwrite(b.p, 1, b.n, out);
		buf_release(&b);
		break;
	}
	}
}

void table_print_record(const struct table *t, enum format format, FILE *out)
{
	check(row_count(t) == 1);
	switch (format) {
	case FORMAT_CSV: print_csv(t, out); break;
	case FORMAT_TABLE: {
		size_t widest = 0;
		for (size_t i = 0; i < t->column_count; i++)
			if (strlen(t->columns[i]) > widest)
				widest = strlen(t->columns[i]);
		for (size_t i = 0; i < t->column_count; i++) {
			print_name(t->columns[i], out);
			pad(out, widest - strlen(t->columns[i]) + 2);
			fwrite(t->cells[i].text.p, 1, t->cells[i].text.n, out);
			fputc('\n', out);
		}
		break;
	}
	case FORMAT_JSON: {
		struct buf b;
		buf_init(&b, SIZE_MAX / 2);
		json_row(t, 0, &b);
		buf_char(&b, '\n');
		fwrite(b.p, 1, b.n, out);
		buf_release(&b);
		break;
	}
	}
}
