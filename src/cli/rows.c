#include "cli/rows.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char guess_delimiter(const char *p, size_t n)
{
	size_t comma = 0, semicolon = 0, tab = 0;
	bool quoted = false;
	for (size_t i = 0; i < n && (quoted || p[i] != '\n'); i++) {
		quoted ^= p[i] == '"';
		comma += !quoted && p[i] == ',';
		semicolon += !quoted && p[i] == ';';
		tab += !quoted && p[i] == '\t';
	}
	if (comma + semicolon + tab == 0)
		return ' ';
	return semicolon >= comma && semicolon >= tab ? ';' : tab >= comma ? '\t' : ',';
}

bool rows_open(struct rows *r, const char *path, struct err *err)
{
	memset(r, 0, sizeof *r);
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "%s", path);
	struct stat st;
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		fclose(f);
		return err_set(err, ERR_INPUT, "%s: is not a file of rows", path);
	}
	if ((size_t)st.st_size > ROWS_BYTES_MAX) {
		fclose(f);
		return err_set(err, ERR_LIMIT, "%s: is larger than %zu MB: import it into a shop first", path,
		               ROWS_BYTES_MAX >> 20);
	}
	r->data = mem_alloc((size_t)st.st_size + 1);
	r->bytes = fread(r->data, 1, (size_t)st.st_size, f);
	bool good = !ferror(f);
	fclose(f);
	if (!good) {
		rows_close(r);
		return err_set(err, ERR_WORLD, "%s: cannot be read to its end", path);
	}
	rows_take(r, r->data, r->bytes);
	return true;
}

void rows_take(struct rows *r, char *data, size_t bytes)
{
	*r = (struct rows){ .data = data, .bytes = bytes };
	rows_rewind(r);
	r->delimiter = guess_delimiter(r->data + r->at, r->bytes - r->at);
}

void rows_close(struct rows *r)
{
	free(r->data);
	memset(r, 0, sizeof *r);
}

void rows_rewind(struct rows *r)
{
	r->at = r->bytes >= 3 && memcmp(r->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	r->line = 0;
	r->next_line = 1;
}

static void field_add(struct rows *r, struct str s)
{
	if (r->fields < ROWS_FIELDS_MAX)
		r->field[r->fields++] = s;
}

/* Doubled quotes are undone in a copy that overwrites nothing: the text before a field's end only shrinks, but a second
 * pass must read the same, so quoted fields with doubled quotes keep them doubled inside (keys and numbers have none).
 */
static void take_quoted(struct rows *r)
{
	size_t from = ++r->at;
	for (; r->at < r->bytes; r->at++) {
		r->next_line += r->data[r->at] == '\n';
		if (r->data[r->at] != '"')
			continue;
		if (r->at + 1 < r->bytes && r->data[r->at + 1] == '"')
			r->at++;
		else
			break;
	}
	field_add(r, (struct str){ r->data + from, r->at - from });
	while (r->at < r->bytes && r->data[r->at] != r->delimiter && r->data[r->at] != '\n')
		r->at++;
}

static void take_row(struct rows *r)
{
	r->fields = 0;
	r->line = r->next_line;
	for (;;) {
		if (r->delimiter == ' ')
			while (r->at < r->bytes && (r->data[r->at] == ' ' || r->data[r->at] == '\r'))
				r->at++;
		if (r->at < r->bytes && r->data[r->at] == '"') {
			take_quoted(r);
		} else {
			size_t from = r->at;
			while (r->at < r->bytes && r->data[r->at] != r->delimiter && r->data[r->at] != '\n')
				r->at++;
			struct str s = str_trim((struct str){ r->data + from, r->at - from });
			if (s.n > 0 || r->delimiter != ' ')
				field_add(r, s);
		}
		if (r->at >= r->bytes || r->data[r->at] == '\n')
			break;
		r->at++;
	}
	if (r->at < r->bytes) {
		r->at++;
		r->next_line++;
	}
}

bool rows_next(struct rows *r)
{
	while (r->at < r->bytes) {
		take_row(r);
		if (r->fields > 1 || (r->fields == 1 && r->field[0].n > 0))
			return true;
	}
	return false;
}

int rows_column(const struct rows *r, const char *const *names, size_t count)
{
	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; i < r->fields; i++)
			if (str_eq_nocase(r->field[i], str_from(names[k])))
				return (int)i;
	return -1;
}

static bool digits(struct str s, size_t from, size_t n, int *out)
{
	if (from + n > s.n)
		return false;
	*out = 0;
	for (size_t i = from; i < from + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = *out * 10 + (s.p[i] - '0');
	}
	return true;
}

bool rows_date(struct str s, struct date *out)
{
	int y, m, d;
	bool read = false;
	if (s.n == 8)
		read = digits(s, 0, 4, &y) && digits(s, 4, 2, &m) && digits(s, 6, 2, &d);
	else if (s.n >= 10 && s.p[4] == '-')
		read = digits(s, 0, 4, &y) && s.p[7] == '-' && digits(s, 5, 2, &m) && digits(s, 8, 2, &d);
	else if (s.n >= 10 && (s.p[2] == '/' || s.p[2] == '.'))
		read = digits(s, 0, 2, &d) && s.p[5] == s.p[2] && digits(s, 3, 2, &m) && digits(s, 6, 4, &y);
	if (!read || (s.n > 10 && s.p[10] != ' ' && s.p[10] != 'T') || !date_valid_ymd(y, m, d))
		return false;
	*out = date_from_ymd(y, m, d);
	return true;
}
