/* csv: one buffer holds the row being read; masks of the four characters that matter walk over it 64 bytes at a time.
 * When the buffer ends inside a row the row is moved to its front and read again from there. */
#include "intake/csv.h"

#include "base/arena.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { PAD = 64, RAW_KEPT = 4096, MARK_QUOTED = 1, MARK_DIRTY = 2 };

static const char *const TOO_LONG = "the row is longer than 4 MiB";
static const char *const TOO_MANY = "the row has more than 512 columns";
static const char *const OPEN_QUOTE = "a quote is opened and never closed";
static const char *const NUL_BYTE = "the row holds a NUL byte";
static const char *const FIELD_LONG = "the field is longer than 1 MiB";

const char *csv_not_text(struct str head)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *what;
	} KNOWN[] = {
		{ "PK\3\4", 4, "a zip archive or an Excel workbook: save it as CSV" },
		{ "\xd0\xcf\x11\xe0", 4, "an old Excel workbook: save it as CSV" },
		{ "%PDF", 4, "a PDF" },
		{ "\x1f\x8b", 2, "gzip-compressed: unpack it first (gunzip)" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd-compressed: unpack it first (zstd -d)" },
		{ "BZh", 3, "bzip2-compressed: unpack it first" },
		{ "\xfd"
		  "7zXZ",
		  5, "xz-compressed: unpack it first (xz -d)" },
		{ "\x89PNG", 4, "a picture" },
		{ "\xff\xd8\xff", 3, "a picture" },
		{ "GIF8", 4, "a picture" },
		{ "\x7f"
		  "ELF",
		  4, "a program" },
		{ "SQLite format 3", 16, "a SQLite database" },
		{ "\xff\xfe", 2, "UTF-16 text: save it as CSV UTF-8" },
		{ "\xfe\xff", 2, "UTF-16 text: save it as CSV UTF-8" },
		{ "<!DOCTYPE", 9, "a web page" },
		{ "<html", 5, "a web page" },
		{ "<?xml", 5, "XML" },
		{ "{\\rtf", 5, "a word processor's document" },
	};
	for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
		if (head.n >= KNOWN[i].n && memcmp(head.p, KNOWN[i].magic, KNOWN[i].n) == 0)
			return KNOWN[i].what;
	size_t n = head.n < CSV_BLOCK ? head.n : CSV_BLOCK, odd = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)head.p[i];
		odd += b < 32 && b != '\n' && b != '\r' && b != '\t' && b != 0x1a;
	}
	return odd >= 8 && odd * 20 > n ? "binary data" : NULL;
}

/* Fields of each of the first rows under one delimiter: how many rows agree with the first, and how wide that is. */
static int delimiter_score(struct str head, char d)
{
	size_t first = 0, count = 1, rows = 0, agree = 0, marks = 0, spaced = 0;
	bool quoted = false, blank = true;
	for (size_t i = 0; i < head.n && rows < CSV_SNIFF_ROWS; i++) {
		char c = head.p[i];
		if (c == '"') {
			quoted = !quoted;
			blank = false;
		} else if (!quoted && (c == '\n' || c == '\r')) {
			if (!blank) {
				first = rows++ ? first : count;
				agree += count == first;
			}
			count = 1;
			blank = true;
		} else {
			bool again = d == ' ' && (blank || (i > 0 && head.p[i - 1] == ' '));
			count += !quoted && c == d && !again;
			marks += !quoted && c == d;
			spaced += !quoted && c == d && i + 1 < head.n && head.p[i + 1] == ' ';
			blank &= c == d || c == ' ';
		}
	}
	if (!rows)
		first = agree = rows = count;
	int prose = d != ' ' && spaced * 2 > marks ? 400 : 0; /* "nom, prénom;ville": a comma of the language */
	int score = (int)(agree * 1000 / rows) + (first < 50 ? (int)first : 50) - prose;
	return first < 2 || score < 1 ? 0 : score;
}

char csv_guess_delimiter(struct str head)
{
	static const char CANDIDATES[] = { ',', ';', '\t', '|' };
	int best = 0;
	char found = 0;
	for (size_t i = 0; i < sizeof CANDIDATES; i++) {
		int score = delimiter_score(head, CANDIDATES[i]);
		if (score > best) {
			best = score;
			found = CANDIDATES[i];
		}
	}
	if (!found && delimiter_score(head, ' ') >= 1003)
		found = ' ';
	return found ? found : ',';
}

static bool csv_fill(struct csv *c, struct err *err)
{
	while (!c->eof && c->end < c->cap) {
		size_t n = 0;
		if (!c->read(c->ctx, c->buf + c->end, c->cap - c->end, &n, err))
			return false;
		c->eof = n == 0;
		c->end += n;
	}
	return true;
}

/* Bits of the delimiter, line end, quote and NUL among 64 bytes; *high the bytes above ASCII. */
static inline uint64_t classify(const char *p, char delimiter, char line_end, uint64_t *high)
{
	uint64_t mask = 0, top = 0;
#ifdef __SSE2__
	const __m128i d = _mm_set1_epi8(delimiter), e = _mm_set1_epi8(line_end), q = _mm_set1_epi8('"'),
				  z = _mm_setzero_si128();
	for (int i = 0; i < 4; i++) {
		__m128i v = _mm_load_si128((const __m128i *)(const void *)(p + 16 * i));
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, d), _mm_cmpeq_epi8(v, e)),
		                           _mm_or_si128(_mm_cmpeq_epi8(v, q), _mm_cmpeq_epi8(v, z)));
		mask |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << (16 * i);
		top |= (uint64_t)(unsigned)_mm_movemask_epi8(v) << (16 * i);
	}
#else
	for (int i = 0; i < 64; i++) {
		mask |= (uint64_t)(p[i] == delimiter || p[i] == line_end || p[i] == '"' || p[i] == 0) << i;
		top |= (uint64_t)((unsigned char)p[i] >> 7) << i;
	}
#endif
	*high = top;
	return mask;
}

static void scan_from(struct csv *c, size_t at)
{
	c->block = at & ~(size_t)63;
	c->mask = classify(c->buf + c->block, c->delimiter, c->line_end, &c->high);
	c->mask &= ~0ull << (at & 63);
	c->high &= ~0ull << (at & 63);
}

bool csv_init(struct csv *c, intake_read_fn read, void *ctx, char delimiter, enum intake_charset charset,
              struct err *err)
{
	*c = (struct csv){ .read = read, .ctx = ctx, .charset = charset, .line = 1, .cap = CSV_BLOCK, .line_end = '\n' };
	c->buf = aligned_alloc(64, CSV_BLOCK + PAD);
	check(c->buf);
	memset(c->buf, 0, CSV_BLOCK + PAD);
	c->fields = mem_alloc(INTAKE_COLUMNS_MAX * sizeof *c->fields);
	c->marks = mem_alloc(INTAKE_COLUMNS_MAX);
	buf_init(&c->skipped, RAW_KEPT + 1);
	if (!csv_fill(c, err))
		return false;
	struct str head = { c->buf, c->end };
	const char *what = csv_not_text(head);
	if (what)
		return err_set(err, ERR_INPUT, "not a CSV or JSON file: it is %s", what);
	if (str_starts(head, STR("\xef\xbb\xbf")))
		c->start = 3;
	head = csv_ahead(c);
	if (head.n && !memchr(head.p, '\n', head.n) && memchr(head.p, '\r', head.n))
		c->line_end = '\r';
	c->delimiter = delimiter ? delimiter : csv_guess_delimiter(head);
	scan_from(c, c->start);
	return true;
}

void csv_release(struct csv *c)
{
	free(c->buf);
	free(c->fields);
	free(c->marks);
	free(c->scratch);
	buf_release(&c->skipped);
	*c = (struct csv){ 0 };
}

struct str csv_ahead(const struct csv *c)
{
	return (struct str){ c->buf + c->start, c->end - c->start };
}

/* Makes room behind the row at c->start and reads on. False with err->kind ERR_LIMIT: the row is at its limit. */
static bool csv_more(struct csv *c, struct err *err)
{
	size_t n = c->end - c->start;
	if (c->start > 0) {
		memmove(c->buf, c->buf + c->start, n);
	} else if (c->end == c->cap) {
		if (c->cap >= INTAKE_ROW_MAX)
			return err_set(err, ERR_LIMIT, "%s", TOO_LONG);
		char *bigger = aligned_alloc(64, c->cap * 2 + PAD);
		check(bigger);
		memcpy(bigger, c->buf, n);
		free(c->buf);
		c->buf = bigger;
		c->cap *= 2;
	}
	c->start = 0;
	c->end = n;
	bool ok = csv_fill(c, err);
	memset(c->buf + c->end, 0, c->cap + PAD - c->end);
	scan_from(c, 0);
	return ok;
}

/* ---- the end of a row: quotes undone, charset ---- */

/* A quoted field, outer quotes and all, without them: doubled quotes become one, what follows the last quote stays. */
static struct str unquote(struct str raw, char *out)
{
	size_t n = 0;
	bool quoted = true;
	for (size_t i = 1; i < raw.n; i++) {
		if (raw.p[i] != '"') {
			out[n++] = raw.p[i];
		} else if (quoted && i + 1 < raw.n && raw.p[i + 1] == '"') {
			out[n++] = raw.p[i++];
		} else if (quoted) {
			quoted = false;
		} else {
			out[n++] = raw.p[i];
		}
	}
	return (struct str){ out, n };
}

/* Windows-1252's 0x80 … 0x9f; 0 where it has no character. */
static const uint16_t CP1252[32] = { 0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	                                 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
	                                 0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	                                 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178 };

static struct str decode_1252(struct str s, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i];
		if (b < 0x80) {
			out[n++] = (char)b;
			continue;
		}
		unsigned u = b >= 0xa0 ? b : CP1252[b - 0x80];
		if (u == 0)
			u = 0xfffd;
		if (u < 0x800) {
			out[n++] = (char)(0xc0 | u >> 6);
		} else {
			out[n++] = (char)(0xe0 | u >> 12);
			out[n++] = (char)(0x80 | (u >> 6 & 0x3f));
		}
		out[n++] = (char)(0x80 | (u & 0x3f));
	}
	return (struct str){ out, n };
}

static void row_decode(struct csv *c, struct csv_row *row, bool dirty, bool latin)
{
	size_t need = row->raw.n * (latin ? 4 : 1) + 16, used = 0;
	if (need > c->scratch_cap)
		c->scratch = mem_grow(c->scratch, &c->scratch_cap, need, 1);
	for (size_t i = 0; i < row->count; i++) {
		struct str *f = &c->fields[i];
		if (dirty && (c->marks[i] & MARK_DIRTY)) {
			*f = unquote(*f, c->scratch + used);
			used += f->n;
		}
		if (latin && str_utf8_valid(*f) != f->n) {
			*f = decode_1252(*f, c->scratch + used);
			used += f->n;
		}
	}
}

static void row_spaces(struct csv *c, struct csv_row *row)
{
	size_t n = 0;
	for (size_t i = 0; i < row->count; i++)
		if (c->fields[i].n)
			c->fields[n++] = c->fields[i];
	row->count = n;
}

static void row_finish(struct csv *c, struct csv_row *row, bool dirty, bool high)
{
	bool latin = high && (c->charset == INTAKE_1252 ||
	                      (c->charset == INTAKE_CHARSET_GUESS && str_utf8_valid(row->raw) != row->raw.n));
	if (dirty || latin)
		row_decode(c, row, dirty, latin);
	if (high && c->charset == INTAKE_UTF8 && str_utf8_valid(row->raw) != row->raw.n && !row->problem)
		row->problem = "the row is not valid UTF-8";
	if (c->delimiter == ' ')
		row_spaces(c, row);
	row->fields = c->fields;
}

/* Adds the field from … to; quotes off when it is plainly quoted. */
static inline bool field_end(struct csv *c, struct csv_row *row, size_t from, size_t to, unsigned mark)
{
	if (row->count == INTAKE_COLUMNS_MAX) {
		row->problem = TOO_MANY;
		return false;
	}
	struct str f = { c->buf + from, to - from };
	if (mark == MARK_QUOTED)
		f = (struct str){ f.p + 1, f.n - 2 };
	if (f.n > INTAKE_FIELD_MAX && !row->problem) {
		row->problem = FIELD_LONG;
		row->column = (uint32_t)row->count + 1;
	}
	c->marks[row->count] = (uint8_t)mark;
	c->fields[row->count++] = f;
	return true;
}

/* The next character that matters at or before `end`, or `end`. */
static inline size_t next_mark(struct csv *c, bool *high)
{
	while (c->mask == 0) {
		c->block += 64;
		if (c->block >= c->end)
			return c->end;
		c->mask = classify(c->buf + c->block, c->delimiter, c->line_end, &c->high);
		*high |= c->high != 0;
	}
	size_t i = c->block + (size_t)__builtin_ctzll(c->mask);
	c->mask &= c->mask - 1;
	return i < c->end ? i : c->end;
}

/* A row too long to hold: passes over it up to its line end, remembering its beginning. */
static int row_skip(struct csv *c, struct csv_row *row, struct err *err)
{
	buf_clear(&c->skipped);
	struct str head = csv_ahead(c);
	buf_add(&c->skipped, head.p, head.n < RAW_KEPT ? head.n : RAW_KEPT);
	for (;;) {
		struct str s = csv_ahead(c);
		const char *nl = s.n ? memchr(s.p, c->line_end, s.n) : NULL;
		if (nl) {
			c->start = (size_t)(nl - c->buf) + 1;
			scan_from(c, c->start);
			break;
		}
		c->start = c->end = 0;
		if (c->eof)
			break;
		if (!csv_fill(c, err))
			return -1;
		if (c->end < c->cap)
			memset(c->buf + c->end, 0, c->cap + PAD - c->end);
	}
	*row =
		(struct csv_row){ .line = c->line++, .problem = TOO_LONG, .raw = buf_view(&c->skipped), .fields = c->fields };
	return 1;
}

/* A quote opened and never closed, or a quoted row over the limit: that line alone is bad, reading goes on after it. */
static int row_resync(struct csv *c, struct csv_row *row, struct err *err)
{
	struct str s = csv_ahead(c);
	const char *nl = memchr(s.p, c->line_end, s.n);
	if (!nl && !c->eof)
		return row_skip(c, row, err);
	size_t n = nl ? (size_t)(nl - s.p) : s.n;
	*row = (struct csv_row){
		.line = c->line++, .problem = OPEN_QUOTE, .column = row->column, .raw = { s.p, n }, .fields = c->fields
	};
	c->start += nl ? n + 1 : n;
	scan_from(c, c->start);
	return 1;
}

enum parse { PARSE_ROW, PARSE_MORE, PARSE_OPEN, PARSE_SLOW };

/* The row from c->start when nothing in it is quoted and it lies whole in the buffer: nearly every row. Else
 * PARSE_SLOW, and nothing has happened. */
static enum parse row_fast(struct csv *c, struct csv_row *row)
{
	const char *buf = c->buf;
	const char delimiter = c->delimiter, line_end = c->line_end;
	size_t block = c->block, from = c->start, count = 0;
	uint64_t mask = c->mask, high = c->high, any_high = high;
	struct str *fields = c->fields;
	for (;;) {
		while (__builtin_expect(mask == 0, 0)) {
			block += 64;
			if (block >= c->end)
				return PARSE_SLOW;
			mask = classify(buf + block, delimiter, line_end, &high);
			any_high |= high;
		}
		size_t i = block + (size_t)__builtin_ctzll(mask);
		mask &= mask - 1;
		char b = buf[i];
		if (b == delimiter) {
			fields[count++] = (struct str){ buf + from, i - from };
			from = i + 1;
			if (__builtin_expect(count == INTAKE_COLUMNS_MAX, 0))
				return PARSE_SLOW;
			continue;
		}
		if (b == line_end) {
			size_t to = i > from && buf[i - 1] == '\r' ? i - 1 : i;
			if (i >= c->end || to - c->start > INTAKE_FIELD_MAX)
				return PARSE_SLOW;
			fields[count++] = (struct str){ buf + from, to - from };
			*row = (struct csv_row){ .count = count, .line = c->line, .raw = { buf + c->start, to - c->start } };
			c->start = i + 1;
			c->block = block;
			c->mask = mask;
			row_finish(c, row, false, any_high != 0);
			c->high = high & (i % 64 == 63 ? 0 : ~0ull << (i % 64 + 1));
			return PARSE_ROW;
		}
		if (b == 0 || i == from)
			return PARSE_SLOW;
	}
}

/* One row from c->start. PARSE_MORE: the buffer ends inside it. PARSE_OPEN: the file ends inside a quoted field. */
static enum parse row_parse(struct csv *c, struct csv_row *row, uint64_t *lines)
{
	size_t from = c->start, quote_lines = 0;
	unsigned mark = 0; /* of the field being read */
	bool in_quotes = false, dirty = false, overfull = false, high = c->high != 0;
	for (;;) {
		size_t i = next_mark(c, &high);
		bool at_end = i == c->end;
		if (at_end && !c->eof)
			return PARSE_MORE;
		if (at_end && in_quotes)
			return PARSE_OPEN;
		char b = at_end ? c->line_end : c->buf[i];
		if (b == '"') {
			if (in_quotes) {
				if (i + 1 == c->end && !c->eof)
					return PARSE_MORE;
				char after = i + 1 < c->end ? c->buf[i + 1] : c->line_end;
				if (after == '"') {
					mark |= MARK_DIRTY;
					next_mark(c, &high);
				} else {
					in_quotes = false;
					if (after != c->delimiter && after != c->line_end && after != '\r')
						mark |= MARK_DIRTY;
				}
			} else if (i == from) {
				in_quotes = true;
				mark = MARK_QUOTED;
				row->column = (uint32_t)row->count + 1;
			}
			continue;
		}
		if (b == 0 && !row->problem) {
			row->problem = NUL_BYTE;
			row->column = (uint32_t)row->count + 1;
		}
		if (b == 0)
			continue;
		if (in_quotes) {
			quote_lines += b == c->line_end;
			continue;
		}
		size_t to = i;
		if (b == c->line_end && to > from && c->buf[to - 1] == '\r')
			to--;
		dirty |= (mark & MARK_DIRTY) != 0;
		if (!overfull)
			overfull = !field_end(c, row, from, to, mark & MARK_DIRTY ? MARK_DIRTY : mark);
		from = i + 1;
		mark = 0;
		if (b != c->line_end || (c->delimiter == c->line_end))
			continue;
		row->raw = (struct str){ c->buf + c->start, to - c->start };
		if (!row->problem)
			row->column = 0;
		row->line = c->line;
		*lines = quote_lines + !at_end;
		row_finish(c, row, dirty, high);
		c->start = at_end ? c->end : i + 1;
		c->high &= i % 64 == 63 ? 0 : ~0ull << (i % 64 + 1);
		return PARSE_ROW;
	}
}

int csv_next(struct csv *c, struct csv_row *row, struct err *err)
{
	for (;;) {
		if (c->start == c->end) {
			if (c->eof)
				return 0;
			if (!csv_more(c, err))
				return -1;
			continue;
		}
		uint64_t lines = 1;
		enum parse got = row_fast(c, row);
		if (got == PARSE_SLOW) {
			*row = (struct csv_row){ 0 };
			lines = 0;
			got = row_parse(c, row, &lines);
		}
		if (got == PARSE_OPEN) {
			scan_from(c, c->start);
			return row_resync(c, row, err);
		}
		if (got == PARSE_MORE) {
			if (csv_more(c, err))
				continue;
			return err->kind == ERR_LIMIT ? row_resync(c, row, err) : -1;
		}
		c->line += lines;
		if (row->raw.n > 0)
			return 1;
	}
}
