/* Method: one pass over the characters that knows quotes and comments. What differs between the databases is little and
 * is decided by whole words, so no grammar is needed. */
#include "store/db_driver.h"

#include <ctype.h>

/* Length of the quoted text or word at the start of s (at least 1). */
static size_t token(struct str s)
{
	char c = s.p[0];
	size_t n = 1;
	if (c == '\'' || c == '"') {
		while (n < s.n && s.p[n] != c)
			n++;
		return n < s.n ? n + 1 : n;
	}
	if (isalpha((unsigned char)c) || c == '_')
		while (n < s.n && (isalnum((unsigned char)s.p[n]) || s.p[n] == '_'))
			n++;
	else if (c == '?')
		while (n < s.n && isdigit((unsigned char)s.p[n]))
			n++;
	return n;
}

static size_t line_length(struct str s)
{
	const char *end = memchr(s.p, '\n', s.n);
	return end ? (size_t)(end - s.p) + 1 : s.n;
}

static struct str str_skip(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

bool sql_statement(struct str *rest, struct buf *out, bool *clustered)
{
	struct str s = *rest;
	bool comment_clustered = false;
	buf_clear(out);
	*clustered = false;
	while (s.n) {
		if (s.n >= 2 && s.p[0] == '-' && s.p[1] == '-') {
			size_t n = line_length(s);
			if (out->n == 0)
				comment_clustered = str_ends(str_trim((struct str){ s.p, n }), STR("clustered"));
			s = str_skip(s, n);
			continue;
		}
		if (s.p[0] == ';') {
			s = str_skip(s, 1);
			if (out->n)
				break;
			continue;
		}
		if (isspace((unsigned char)s.p[0])) {
			if (out->n == 0 && s.p[0] == '\n')
				comment_clustered = false; /* a blank line between comment and statement */
			if (out->n && out->p[out->n - 1] != ' ')
				buf_char(out, ' ');
			s = str_skip(s, 1);
			continue;
		}
		if (out->n == 0)
			*clustered = comment_clustered;
		size_t n = token(s);
		buf_add(out, s.p, n);
		s = str_skip(s, n);
	}
	*rest = s;
	return out->n > 0;
}

void sql_translate(enum db_kind kind, struct str s, bool clustered, struct buf *out, int *params)
{
	bool create = str_starts(s, STR("CREATE TABLE")), ddl = create || str_starts(s, STR("ALTER TABLE"));
	int highest = 0;
	buf_clear(out);
	while (s.n) {
		size_t n = token(s);
		struct str word = { s.p, n };
		if (word.p[0] == '?' && n > 1) {
			int64_t index = 0;
			check(str_i64(str_skip(word, 1), &index) && index >= 1 && index <= QUERY_PARAMS_MAX);
			if (index > highest)
				highest = (int)index;
			buf_char(out, kind == DB_POSTGRES ? '$' : '?');
			buf_i64(out, index);
		} else if (kind == DB_SQLITE && str_is(word, "BIGINT")) {
			buf_cstr(out, "INTEGER");
		} else if (kind == DB_POSTGRES && ddl && str_is(word, "TEXT")) {
			buf_cstr(out, "TEXT COLLATE \"C\"");
		} else {
			buf_str(out, word);
		}
		s = str_skip(s, n);
	}
	if (create && kind == DB_SQLITE)
		buf_cstr(out, clustered ? " STRICT, WITHOUT ROWID" : " STRICT");
	check(!out->full);
	if (params)
		*params = highest;
}
