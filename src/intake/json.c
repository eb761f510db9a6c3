/* json: yajl's events build the tree of the record being read, in an arena that is cleared at its end. Where the
 * records stand is told by the first token, and by the first key of an outermost object. One value a line (NDJSON) is
 * read line by line instead, so that a broken line costs itself alone. */
#include "intake/json.h"

#include <stdlib.h>
#include <stdio.h>
#include <yajl/yajl_parse.h>

enum { CHUNK = 64 << 10 };

struct level {
	bool array;
	struct str key;    /* under which this container stands */
	struct json *node; /* NULL outside a record */
};

struct builder {
	struct emitter *e;
	struct err *err;
	struct arena arena, outer; /* of the record; of the keys around records */
	struct level stack[JSON_DEPTH_MAX + 1];
	int depth;        /* containers open */
	int record_depth; /* depth at which the record's own object stands; −1: outside */
	bool tentative;   /* the record is the outermost object, and may yet prove to be a wrapper */
	bool first_key;
	struct str key, group;
	struct json *record;
	size_t nodes;
	uint64_t row;
	struct str raw;
	bool progress; /* an event came since the last chunk */
	bool stopped;  /* err is filled */
};

const struct json *json_get(const struct json *object, const char *path)
{
	while (object && object->type == JSON_OBJECT) {
		size_t n = strcspn(path, ".");
		const struct json *found = NULL;
		for (const struct json *m = object->first; m && !found; m = m->next)
			if (str_eq(m->key, (struct str){ path, n }))
				found = m;
		if (!path[n])
			return found;
		path += n + 1;
		object = found;
	}
	return NULL;
}

struct str json_text(const struct json *object, const char *path)
{
	const struct json *v = json_get(object, path);
	return v && (v->type == JSON_STRING || v->type == JSON_NUMBER || v->type == JSON_BOOL) ? v->text
	                                                                                       : (struct str){ "", 0 };
}

/* ---- events ---- */

static bool is_group(struct str key)
{
	static const char *const GROUPS[] = { "orders",       "customers",   "products",  "carts",    "checkouts",
		                                  "consents",     "events",      "order",     "customer", "product",
		                                  "cart",         "checkout",    "records",   "data",     "contacts",
		                                  "draft_orders", "draft_order", "prestashop" };
	for (size_t i = 0; i < ARRAY_LEN(GROUPS); i++)
		if (str_is(key, GROUPS[i]))
			return true;
	return false;
}

static bool fail(struct builder *b, const char *what)
{
	b->stopped = true;
	return err_set(b->err, ERR_LIMIT, "record %llu %s", (unsigned long long)b->row + 1, what);
}

static struct json *add_node(struct builder *b, enum json_type type, struct str text)
{
	if (++b->nodes > JSON_NODES_MAX || b->arena.total > (size_t)JSON_RECORD_MAX * 8) {
		fail(b, "is larger than 4 MiB");
		return NULL;
	}
	struct json *n = arena_new(&b->arena, struct json);
	n->type = type;
	n->text = arena_str(&b->arena, text);
	struct json *parent = b->depth > b->record_depth && b->depth > 0 ? b->stack[b->depth - 1].node : NULL;
	if (!parent)
		return n;
	if (parent->type == JSON_OBJECT)
		n->key = b->key;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	return n;
}

static void record_clear(struct builder *b)
{
	arena_clear(&b->arena);
	b->record_depth = -1;
	b->record = NULL;
	b->nodes = 0;
	b->tentative = false;
}

/* True when the path of keys above is the map's `records`, or when there is no map and this is where records stand. */
static bool record_place(struct builder *b)
{
	const struct intake_map *m = b->e->o->map;
	if (!m || m->records.n == 0)
		return b->depth == 0 || b->stack[b->depth - 1].array || is_group(b->stack[b->depth - 1].key) ||
		       is_group(b->key);
	struct str path = m->records;
	for (int i = 1; i <= b->depth; i++) {
		struct str key = i < b->depth ? b->stack[i].key : b->key;
		if (i == b->depth && b->stack[b->depth - 1].array)
			break;
		if (!str_starts(path, key))
			return false;
		path = (struct str){ path.p + key.n, path.n - key.n };
		if (path.n && path.p[0] == '.')
			path = (struct str){ path.p + 1, path.n - 1 };
	}
	return path.n == 0 && b->depth > 0;
}

/* The outermost object turns out to hold the records under its first key. */
static void unwrap(struct builder *b)
{
	b->group = arena_str(&b->outer, b->key);
	record_clear(b);
	b->stack[0].node = NULL;
	b->key = b->group;
}

static bool open_container(struct builder *b, bool array)
{
	b->progress = true;
	if (b->depth >= JSON_DEPTH_MAX)
		return fail(b, "is nested more than 64 levels deep");
	if (b->tentative && b->depth == 1 && b->first_key && is_group(b->key))
		unwrap(b);
	struct json *node = NULL;
	if (b->record_depth >= 0) {
		node = add_node(b, array ? JSON_ARRAY : JSON_OBJECT, STR(""));
		if (!node)
			return false;
	} else if (!array && record_place(b)) {
		b->record_depth = b->depth;
		b->tentative = b->depth == 0 && !(b->e->o->map && b->e->o->map->records.n);
		node = b->record = add_node(b, JSON_OBJECT, STR(""));
	}
	struct str key = b->record_depth >= 0 ? b->key : arena_str(&b->outer, b->key);
	if (b->depth == 0)
		arena_clear(&b->outer);
	b->stack[b->depth++] = (struct level){ array, b->depth == 1 ? STR("") : key, node };
	b->first_key = true;
	b->key = (struct str){ "", 0 };
	return true;
}

static bool close_container(struct builder *b)
{
	b->progress = true;
	b->depth--;
	b->key = (struct str){ "", 0 };
	b->first_key = false;
	if (b->record_depth < 0 || b->depth != b->record_depth)
		return true;
	b->row++;
	bool ok = json_record(b->e, b->group, b->record, b->row, b->raw, b->err);
	b->stopped |= !ok;
	record_clear(b);
	return ok;
}

static bool scalar(struct builder *b, enum json_type type, struct str text)
{
	b->progress = true;
	bool ok = true;
	if (b->record_depth >= 0)
		ok = add_node(b, type, text) != NULL;
	b->first_key = false;
	return ok;
}

static int on_null(void *ctx)
{
	return scalar(ctx, JSON_NULL, STR(""));
}

static int on_bool(void *ctx, int v)
{
	return scalar(ctx, JSON_BOOL, v ? STR("true") : STR("false"));
}

static int on_number(void *ctx, const char *p, size_t n)
{
	return scalar(ctx, JSON_NUMBER, (struct str){ p, n });
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
	return scalar(ctx, JSON_STRING, (struct str){ (const char *)p, n });
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
	struct builder *b = ctx;
	b->progress = true;
	b->first_key =
		b->first_key && b->depth > 0 && (!b->stack[b->depth - 1].node || !b->stack[b->depth - 1].node->first);
	b->key =
		arena_str(b->record_depth >= 0 ? &b->arena : &b->outer, (struct str){ (const char *)p, n < 256 ? n : 256 });
	return 1;
}

static int on_map(void *ctx)
{
	return open_container(ctx, false);
}

static int on_array(void *ctx)
{
	return open_container(ctx, true);
}

static int on_close(void *ctx)
{
	return close_container(ctx);
}

static const yajl_callbacks EVENTS = { on_null, on_bool, NULL,     NULL,     on_number, on_string,
	                                   on_map,  on_key,  on_close, on_array, on_close };

static void builder_init(struct builder *b, struct emitter *e, struct err *err)
{
	*b = (struct builder){
		.e = e, .err = err, .record_depth = -1, .key = { "", 0 }, .group = { "", 0 }, .raw = { "", 0 }
	};
	arena_init(&b->arena);
	arena_init(&b->outer);
}

static void builder_release(struct builder *b)
{
	arena_release(&b->arena);
	arena_release(&b->outer);
}

/* ---- one document ---- */

static bool syntax_error(yajl_handle y, const char *chunk, size_t n, uint64_t line, struct err *err)
{
	size_t at = yajl_get_bytes_consumed(y);
	for (size_t i = 0; i < at && i < n; i++)
		line += chunk[i] == '\n';
	unsigned char *text = yajl_get_error(y, 0, NULL, 0);
	char first[120];
	snprintf(first, sizeof first, "%s", (const char *)text);
	first[strcspn(first, "\n")] = 0;
	yajl_free_error(y, text);
	return err_set(err, ERR_INPUT, "line %llu: not JSON (%s)", (unsigned long long)line, first);
}

static bool run_document(struct str ahead, intake_read_fn read, void *ctx, struct emitter *e, struct err *err)
{
	struct builder b;
	builder_init(&b, e, err);
	yajl_handle y = yajl_alloc(&EVENTS, NULL, &b);
	check(y);
	yajl_config(y, yajl_allow_multiple_values, 1);
	char *chunk = mem_alloc(CHUNK);
	uint64_t line = 1, quiet = 0;
	bool ok = true;
	for (size_t n = 0; ok;) {
		n = ahead.n < CHUNK ? ahead.n : CHUNK;
		memcpy(chunk, ahead.p, n);
		ahead = (struct str){ ahead.p + n, ahead.n - n };
		if (n == 0 && (!read(ctx, chunk, CHUNK, &n, err) || n == 0)) {
			ok = n == 0 && err->kind == ERR_NONE;
			break;
		}
		b.progress = false;
		if (yajl_parse(y, (const unsigned char *)chunk, n) != yajl_status_ok)
			ok = b.stopped ? false : syntax_error(y, chunk, n, line, err);
		quiet = b.progress ? 0 : quiet + n;
		if (ok && quiet > INTAKE_ROW_MAX)
			ok = err_set(err, ERR_LIMIT, "line %llu: a JSON value is longer than 4 MiB", (unsigned long long)line);
		for (const char *p = chunk; ok && (p = memchr(p, '\n', (size_t)(chunk + n - p))); p++)
			line++;
	}
	if (ok && yajl_complete_parse(y) != yajl_status_ok)
		ok = b.stopped ? false : syntax_error(y, "", 0, line, err);
	if (ok && b.depth > 0)
		ok = err_set(err, ERR_INPUT, "line %llu: the JSON ends in the middle", (unsigned long long)line);
	yajl_free(y);
	free(chunk);
	builder_release(&b);
	return ok;
}

/* ---- one value a line ---- */

static bool one_value(struct str line, struct builder *b)
{
	yajl_handle y = yajl_alloc(b ? &EVENTS : NULL, NULL, b);
	check(y);
	bool ok = yajl_parse(y, (const unsigned char *)line.p, line.n) == yajl_status_ok &&
	          yajl_complete_parse(y) == yajl_status_ok;
	yajl_free(y);
	return ok;
}

static bool is_lines(struct str head)
{
	const char *nl = memchr(head.p, '\n', head.n);
	if (!nl || head.p[0] != '{')
		return false;
	struct str rest = str_trim((struct str){ nl + 1, (size_t)(head.p + head.n - nl - 1) });
	return rest.n && rest.p[0] == '{' && one_value((struct str){ head.p, (size_t)(nl - head.p) }, NULL);
}

static bool line_run(struct builder *b, struct str line, const char *why, struct err *err)
{
	line = str_trim(line);
	b->row++;
	if (line.n == 0)
		return true;
	b->raw = (struct str){ line.p, line.n < 4096 ? line.n : 4096 };
	uint64_t row = b->row--;
	b->depth = 0;
	b->key = (struct str){ "", 0 };
	record_clear(b);
	bool ok = !why && one_value(line, b);
	b->row = row;
	if (ok || b->stopped)
		return ok;
	b->e->report->rows++;
	struct record r = { .row = row, .raw = b->raw };
	return emit_reject(b->e, &r, FIELD_COUNT, why ? why : "the line is not JSON", err);
}

struct line_source {
	struct str ahead;
	intake_read_fn read;
	void *ctx;
};

static bool source_fill(struct line_source *s, char *p, size_t cap, size_t *n, struct err *err)
{
	if (s->ahead.n == 0)
		return s->read(s->ctx, p, cap, n, err);
	*n = s->ahead.n < cap ? s->ahead.n : cap;
	memcpy(p, s->ahead.p, *n);
	s->ahead = (struct str){ s->ahead.p + *n, s->ahead.n - *n };
	return true;
}

static bool run_lines(struct str ahead, intake_read_fn read, void *ctx, struct emitter *e, struct err *err)
{
	struct builder b;
	struct line_source src = { ahead, read, ctx };
	builder_init(&b, e, err);
	size_t cap = CHUNK, start = 0, end = 0;
	char *buf = mem_alloc(cap);
	bool ok = true, over = false, eof = false;
	while (ok && !(eof && start == end)) {
		char *nl = memchr(buf + start, '\n', end - start);
		if (nl || eof) {
			size_t n = nl ? (size_t)(nl - buf) - start : end - start;
			ok = line_run(&b, (struct str){ buf + start, n }, over ? "the line is longer than 4 MiB" : NULL, err);
			start += n + (nl != NULL);
			over = false;
			continue;
		}
		memmove(buf, buf + start, end - start);
		end -= start;
		start = 0;
		if (end == cap && cap >= INTAKE_ROW_MAX) {
			over = true;
			end = 4096; /* its beginning goes to the rejects */
		} else if (end == cap) {
			buf = mem_realloc(buf, cap *= 2);
		}
		size_t n = 0;
		ok = source_fill(&src, buf + end, cap - end, &n, err);
		eof = n == 0;
		end += n;
	}
	free(buf);
	builder_release(&b);
	return ok;
}

bool json_run(struct str ahead, intake_read_fn read, void *ctx, struct emitter *e, struct err *err)
{
	err->kind = ERR_NONE;
	e->decimal = '.';
	e->when.month_first = e->o->month_first || (e->o->map && e->o->map->month_first >= 0 ? e->o->map->month_first
	                                                                                     : e->o->locale != LOCALE_FR);
	e->report->month_first = e->when.month_first;
	snprintf(e->report->platform, sizeof e->report->platform, "json");
	e->report->kind = e->o->as != INTAKE_GUESS ? e->o->as : e->o->map ? e->o->map->as : INTAKE_GUESS;
	return is_lines(ahead) ? run_lines(ahead, read, ctx, e, err) : run_document(ahead, read, ctx, e, err);
}
