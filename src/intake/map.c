/* map: the document is small, so libyaml's node tree is walked; aliases are refused (an alias bomb has no use here). */
#include "intake/map.h"

#include <stdio.h>
#include <yaml.h>

struct reader {
	yaml_document_t *doc;
	struct intake_map *map;
	struct err *err;
};

static bool map_error(struct reader *r, const yaml_node_t *n, const char *what)
{
	return err_set(r->err, ERR_INPUT, "line %zu, column %zu: %s", n->start_mark.line + 1, n->start_mark.column + 1,
	               what);
}

static bool scalar(struct reader *r, const yaml_node_t *n, struct str *out)
{
	if (n->type != YAML_SCALAR_NODE)
		return map_error(r, n, "one word or text is expected here");
	*out = arena_str(&r->map->arena, (struct str){ (const char *)n->data.scalar.value, n->data.scalar.length });
	return true;
}

static bool read_list(struct reader *r, const yaml_node_t *n)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return map_error(r, n, "a list is expected here, such as [POST, M]");
	size_t count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	if (count > MAP_NOT_PRODUCTS_MAX)
		return map_error(r, n, "more than 1024 entries");
	r->map->not_products = arena_array(&r->map->arena, struct str, count + 1);
	for (size_t i = 0; i < count; i++)
		if (!scalar(r, yaml_document_get_node(r->doc, n->data.sequence.items.start[i]), &r->map->not_products[i]))
			return false;
	r->map->not_product_count = count;
	return true;
}

static bool field_error(struct reader *r, const yaml_node_t *n, struct str name)
{
	const char *names[FIELD_COUNT];
	for (int i = 0; i < FIELD_COUNT; i++)
		names[i] = field_name((enum field)i);
	const char *near = str_nearest(name, names, FIELD_COUNT, 3);
	char text[200];
	snprintf(text, sizeof text, "no field \"%.*s\"%s%s%s; doc/import.md lists them", (int)(name.n < 60 ? name.n : 60),
	         name.p, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return map_error(r, n, text);
}

static bool read_columns(struct reader *r, const yaml_node_t *n)
{
	if (n->type != YAML_MAPPING_NODE)
		return map_error(r, n, "lines of \"column: field\" are expected here");
	size_t count = (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
	if (count > MAP_COLUMNS_MAX)
		return map_error(r, n, "more than 512 columns");
	r->map->columns = arena_array(&r->map->arena, struct map_column, count + 1);
	for (size_t i = 0; i < count; i++) {
		const yaml_node_pair_t *pair = &n->data.mapping.pairs.start[i];
		const yaml_node_t *value = yaml_document_get_node(r->doc, pair->value);
		struct str name;
		if (!scalar(r, yaml_document_get_node(r->doc, pair->key), &r->map->columns[i].header) ||
		    !scalar(r, value, &name))
			return false;
		int f = field_find(name);
		if (f < 0)
			return field_error(r, value, name);
		r->map->columns[i].field = (enum field)f;
	}
	r->map->column_count = count;
	return true;
}

static bool read_constants(struct reader *r, const yaml_node_t *n)
{
	if (n->type != YAML_MAPPING_NODE)
		return map_error(r, n, "lines of \"field: value\" are expected here");
	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
		struct str name, value;
		if (!scalar(r, key, &name) || !scalar(r, yaml_document_get_node(r->doc, p->value), &value))
			return false;
		int f = field_find(name);
		if (f < 0 || f == FIELD_IGNORE)
			return field_error(r, key, name);
		r->map->constants[f] = value;
	}
	return true;
}

static bool truth(struct str v, bool *out)
{
	*out = str_eq_nocase(v, STR("yes")) || str_eq_nocase(v, STR("true")) || str_eq_nocase(v, STR("oui"));
	return *out || str_eq_nocase(v, STR("no")) || str_eq_nocase(v, STR("false")) || str_eq_nocase(v, STR("non"));
}

static bool read_delimiter(struct str v, char *out)
{
	if (str_is(v, "tab") || str_is(v, "\\t") || str_is(v, "\t"))
		*out = '\t';
	else if (str_is(v, "space") || str_is(v, " "))
		*out = ' ';
	else if (v.n == 1 && strchr(",;|:", v.p[0]))
		*out = v.p[0];
	else
		return false;
	return true;
}

static bool read_word(struct reader *r, struct str key, const yaml_node_t *n)
{
	struct intake_map *m = r->map;
	struct str v;
	if (!scalar(r, n, &v))
		return false;
	if (str_is(key, "as")) {
		int kind = intake_kind_find(v);
		m->as = kind < 0 ? INTAKE_GUESS : (enum intake_kind)kind;
		return kind >= 0 || map_error(r, n, "as: orders, customers, products, carts, consents or events");
	}
	if (str_is(key, "source")) {
		m->source = v;
		return (v.n > 0 && v.n <= 40 && !memchr(v.p, ':', v.n)) ||
		       map_error(r, n, "source: 1 to 40 characters, no colon");
	}
	if (str_is(key, "records")) {
		m->records = v;
		return true;
	}
	if (str_is(key, "delimiter"))
		return read_delimiter(v, &m->delimiter) || map_error(r, n, "delimiter: one of , ; | : tab space");
	if (str_is(key, "charset")) {
		bool utf8 = str_eq_nocase(v, STR("utf-8")) || str_eq_nocase(v, STR("utf8"));
		m->charset = utf8 ? INTAKE_UTF8 : INTAKE_1252;
		return utf8 || str_eq_nocase(v, STR("windows-1252")) || str_eq_nocase(v, STR("iso-8859-1")) ||
		       map_error(r, n, "charset: utf-8 or windows-1252");
	}
	if (str_is(key, "decimal")) {
		m->decimal = v.n == 1 ? v.p[0] : 0;
		return m->decimal == ',' || m->decimal == '.' || map_error(r, n, "decimal: \",\" or \".\"");
	}
	if (str_is(key, "dates")) {
		m->month_first = str_is(v, "month-first");
		return m->month_first || str_is(v, "day-first") || map_error(r, n, "dates: day-first or month-first");
	}
	if (str_is(key, "header")) {
		bool yes;
		if (!truth(v, &yes))
			return map_error(r, n, "header: yes or no");
		m->no_header = !yes;
		return true;
	}
	return false;
}

static bool read_root(struct reader *r, const yaml_node_t *root)
{
	static const char *const KEYS[] = { "as",     "source",  "delimiter",    "charset", "decimal",  "dates",
		                                "header", "records", "not_products", "columns", "constants" };
	if (root->type != YAML_MAPPING_NODE)
		return map_error(r, root, "a map is lines of \"key: value\", with a \"columns\" part");
	for (const yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(r->doc, p->key),
						  *value = yaml_document_get_node(r->doc, p->value);
		struct str name;
		if (!scalar(r, key, &name))
			return false;
		bool known = false, ok;
		for (size_t i = 0; i < ARRAY_LEN(KEYS); i++)
			known |= str_is(name, KEYS[i]);
		if (!known) {
			const char *near = str_nearest(name, KEYS, ARRAY_LEN(KEYS), 3);
			char text[120];
			snprintf(text, sizeof text, "no such key; %s%s",
			         near ? "did you mean " : "the keys are listed in doc/import.md", near ? near : "");
			return map_error(r, key, text);
		}
		if (str_is(name, "columns"))
			ok = read_columns(r, value);
		else if (str_is(name, "constants"))
			ok = read_constants(r, value);
		else if (str_is(name, "not_products"))
			ok = read_list(r, value);
		else
			ok = read_word(r, name, value);
		if (!ok)
			return false;
	}
	return true;
}

/* Anchors and aliases have no place in a map: refused before a document is composed from them. */
static bool no_alias(struct str yaml, struct err *err)
{
	yaml_parser_t parser;
	check(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p, yaml.n);
	bool ok = true, done = false;
	while (ok && !done) {
		yaml_token_t token;
		if (!yaml_parser_scan(&parser, &token)) {
			ok = err_set(err, ERR_INPUT, "line %zu, column %zu: %s", parser.problem_mark.line + 1,
			             parser.problem_mark.column + 1, parser.problem ? parser.problem : "not YAML");
			break;
		}
		done = token.type == YAML_STREAM_END_TOKEN;
		if (token.type == YAML_ALIAS_TOKEN || token.type == YAML_ANCHOR_TOKEN)
			ok = err_set(err, ERR_INPUT, "line %zu: anchors and aliases are not accepted in a map",
			             token.start_mark.line + 1);
		yaml_token_delete(&token);
	}
	yaml_parser_delete(&parser);
	return ok;
}

bool map_read(struct str yaml, struct intake_map *out, struct err *err)
{
	*out = (struct intake_map){ .month_first = -1 };
	arena_init(&out->arena);
	if (yaml.n > MAP_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "the map is larger than 256 KiB");
	if (!no_alias(yaml, err))
		return false;
	yaml_parser_t parser;
	yaml_document_t doc;
	check(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p, yaml.n);
	bool ok = yaml_parser_load(&parser, &doc);
	if (!ok) {
		err_set(err, ERR_INPUT, "line %zu, column %zu: %s", parser.problem_mark.line + 1,
		        parser.problem_mark.column + 1, parser.problem ? parser.problem : "not YAML");
	} else {
		const yaml_node_t *root = yaml_document_get_root_node(&doc);
		struct reader r = { &doc, out, err };
		ok = root ? read_root(&r, root) : err_set(err, ERR_INPUT, "the map is empty");
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return ok;
}

void map_release(struct intake_map *m)
{
	arena_release(&m->arena);
}
