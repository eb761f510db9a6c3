#include "outbox/message.h"

#include "outbox/liquid_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct file {
	struct str name, bytes;
};

struct message_set {
	struct arena arena;
	struct file *files;
	size_t file_count, file_cap;
	struct message *list;
	size_t count, cap;
	struct liquid_set *parts[LIQUID_FR + 1]; /* by language */
};

struct message_set *message_set_new(void)
{
	struct message_set *set = mem_alloc(sizeof *set);
	arena_init(&set->arena);
	return set;
}

static void message_release(struct message *m)
{
	for (size_t i = 0; i < m->variant_count; i++)
		liquid_template_free(m->variants[i].subject);
	struct liquid_template *all[] = { m->preheader, m->from, m->reason,  m->sms,  m->postcard,
		                              m->body,      m->head, m->content, m->tail, m->text_tail };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		liquid_template_free(all[i]);
}

static void compiled_clear(struct message_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		message_release(&set->list[i]);
	set->count = 0;
	for (size_t i = 0; i < ARRAY_LEN(set->parts); i++) {
		liquid_set_free(set->parts[i]);
		set->parts[i] = NULL;
	}
}

void message_set_free(struct message_set *set)
{
	if (!set)
		return;
	compiled_clear(set);
	free(set->list);
	free(set->files);
	arena_release(&set->arena);
	free(set);
}

void message_set_add(struct message_set *set, struct str name, struct str bytes)
{
	struct file f = { arena_str(&set->arena, name), arena_str(&set->arena, bytes) };
	for (size_t i = 0; i < set->file_count; i++)
		if (str_eq(set->files[i].name, name)) {
			set->files[i] = f;
			return;
		}
	set->files = mem_grow(set->files, &set->file_cap, set->file_count + 1, sizeof f);
	set->files[set->file_count++] = f;
}

static const struct file *find_file(const struct message_set *set, const char *name)
{
	for (size_t i = 0; i < set->file_count; i++)
		if (str_is(set->files[i].name, name))
			return &set->files[i];
	return NULL;
}

/* ---- the front matter ---- */

struct front {
	const char *subject, *preheader, *reason, *from, *channel, *purpose, *sms, *postcard;
};

static bool at(const struct message *m, struct err *err, const yaml_node_t *n, const char *why)
{
	return err_set(err, ERR_INPUT, "%s:%zu:%zu: %s", m->file, n->start_mark.line + 1, n->start_mark.column + 1, why);
}

static bool scalar(struct message_set *set, const struct message *m, const yaml_node_t *n, const char **out,
                   struct err *err)
{
	if (n->type != YAML_SCALAR_NODE)
		return at(m, err, n, "a text is needed here");
	*out = arena_cstr(&set->arena, (struct str){ (const char *)n->data.scalar.value, n->data.scalar.length });
	return true;
}

static bool read_variant(struct message_set *set, struct message *m, yaml_document_t *doc, const yaml_node_t *n,
                         struct err *err)
{
	if (n->type != YAML_MAPPING_NODE)
		return at(m, err, n, "a variant is written {name: a, subject: …, weight: 1}");
	if (m->variant_count == MESSAGE_VARIANTS_MAX)
		return at(m, err, n, "too many variants");
	struct message_variant *v = &m->variants[m->variant_count++];
	*v = (struct message_variant){ .name = "", .weight = 1 };
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(doc, p->key), *value = yaml_document_get_node(doc, p->value);
		const char *k = "", *text = "";
		if (!scalar(set, m, key, &k, err) || !scalar(set, m, value, &text, err))
			return false;
		if (strcmp(k, "name") == 0)
			v->name = text;
		else if (strcmp(k, "subject") == 0)
			v->subject_source = text;
		else if (strcmp(k, "weight") != 0)
			return at(m, err, key, "a variant has name, subject and weight");
		else if (!str_i64(str_from(text), &v->weight) || v->weight < 1 || v->weight > 1000)
			return at(m, err, value, "a weight is a number from 1 to 1000");
	}
	return v->subject_source || at(m, err, n, "this variant has no subject");
}

static bool read_field(struct message_set *set, struct message *m, struct front *f, yaml_document_t *doc,
                       const yaml_node_t *key, const yaml_node_t *value, struct err *err)
{
	static const char *const NAMES[] = { "subject", "preheader", "reason", "from",
		                                 "channel", "purpose",   "sms",    "postcard" };
	const char **places[] = { &f->subject, &f->preheader, &f->reason, &f->from,
		                      &f->channel, &f->purpose,   &f->sms,    &f->postcard };
	const char *k = "";
	if (!scalar(set, m, key, &k, err))
		return false;
	if (strcmp(k, "variants") == 0) {
		if (value->type != YAML_SEQUENCE_NODE)
			return at(m, err, value, "variants is a list");
		for (yaml_node_item_t *i = value->data.sequence.items.start; i < value->data.sequence.items.top; i++)
			if (!read_variant(set, m, doc, yaml_document_get_node(doc, *i), err))
				return false;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (strcmp(k, NAMES[i]) == 0)
			return scalar(set, m, value, places[i], err);
	char why[200];
	const char *near = str_nearest(str_from(k), NAMES, ARRAY_LEN(NAMES), 2);
	snprintf(why, sizeof why, "no field \"%.60s\"%s%s%s", k, near ? "; did you mean \"" : "", near ? near : "",
	         near ? "\"?" : "");
	return at(m, err, key, why);
}

static bool read_front(struct message_set *set, struct message *m, struct str yaml, struct front *f, struct err *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	if (!yaml_parser_initialize(&parser))
		return err_set(err, ERR_WORLD, "no YAML parser");
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p, yaml.n);
	bool ok = yaml_parser_load(&parser, &doc);
	if (!ok)
		err_set(err, ERR_INPUT, "%s:%zu:%zu: %s", m->file, parser.problem_mark.line + 1, parser.problem_mark.column + 1,
		        parser.problem ? parser.problem : "not YAML");
	yaml_node_t *root = ok ? yaml_document_get_root_node(&doc) : NULL;
	if (ok && (!root || root->type != YAML_MAPPING_NODE))
		err_set(err, ERR_INPUT, "%s:2:1: the front matter is a list of \"name: value\"", m->file);
	bool good = root && root->type == YAML_MAPPING_NODE;
	for (yaml_node_pair_t *p = good ? root->data.mapping.pairs.start : NULL; good && p < root->data.mapping.pairs.top;
	     p++)
		good = read_field(set, m, f, &doc, yaml_document_get_node(&doc, p->key), yaml_document_get_node(&doc, p->value),
		                  err);
	if (ok)
		yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return good;
}

/* Cuts "---\n…\n---\n" from the body. The YAML keeps its first "---" line, so that its line numbers are the file's. */
static bool split_front(const struct message *m, struct str bytes, struct str *yaml, struct str *body, struct err *err)
{
	if (!str_starts(bytes, STR("---\n")))
		return err_set(err, ERR_INPUT, "%s:1:1: a message begins with a line \"---\", then its subject", m->file);
	const char *close = memmem(bytes.p + 3, bytes.n - 3, "\n---\n", 5);
	if (!close)
		return err_set(err, ERR_INPUT, "%s:1:1: the front matter is never closed by a line \"---\"", m->file);
	*yaml = (struct str){ bytes.p, (size_t)(close + 1 - bytes.p) };
	*body = (struct str){ close + 5, bytes.n - (size_t)(close + 5 - bytes.p) };
	return true;
}

static bool one_of(const struct message *m, const char *field, const char *said, const char *const *words, size_t count,
                   int *out, struct err *err)
{
	for (size_t i = 0; said && i < count; i++)
		if (strcmp(said, words[i]) == 0) {
			*out = (int)i;
			return true;
		}
	return !said || err_set(err, ERR_INPUT, "%s:1:1: %s: \"%.40s\" is unknown", m->file, field, said);
}

/* ---- compiling ---- */

static struct str replace_marks(struct arena *a, struct str s, const char *const marks[][2], size_t count)
{
	struct buf b;
	buf_init(&b, LIQUID_SOURCE_MAX);
	for (size_t i = 0; i < s.n;) {
		size_t hit = count;
		for (size_t k = 0; k < count && s.p[i] == '['; k++)
			if (str_starts((struct str){ s.p + i, s.n - i }, str_from(marks[k][0])))
				hit = k;
		if (hit == count) {
			buf_char(&b, s.p[i++]);
			continue;
		}
		buf_cstr(&b, marks[hit][1]);
		i += strlen(marks[hit][0]);
	}
	struct str out = arena_str(a, buf_view(&b));
	buf_release(&b);
	return out;
}

static bool compile_field(const struct message *m, const char *field, const char *source, struct liquid_template **out,
                          struct err *err)
{
	char name[256];
	if (!source)
		return true;
	snprintf(name, sizeof name, "%s: %s", m->file, field);
	*out = liquid_parse(name, str_from(source), err);
	return *out != NULL;
}

static bool compile_fields(struct message *m, const struct front *f, struct err *err)
{
	static const char *const CHANNELS[] = { "email", "sms", "postcard" };
	static const char *const PURPOSES[] = { "marketing", "service" };
	int channel = MESSAGE_EMAIL, purpose = MESSAGE_MARKETING;
	if (!one_of(m, "channel", f->channel, CHANNELS, ARRAY_LEN(CHANNELS), &channel, err) ||
	    !one_of(m, "purpose", f->purpose, PURPOSES, ARRAY_LEN(PURPOSES), &purpose, err))
		return false;
	m->channel = (enum message_channel)channel;
	m->purpose = (enum message_purpose)purpose;
	if (m->variant_count == 0 && f->subject)
		m->variants[m->variant_count++] =
			(struct message_variant){ .name = "", .subject_source = f->subject, .weight = 1 };
	if (m->variant_count == 0)
		return err_set(err, ERR_INPUT, "%s:1:1: the message has no subject", m->file);
	for (size_t i = 0; i < m->variant_count; i++)
		if (!compile_field(m, "subject", m->variants[i].subject_source, &m->variants[i].subject, err))
			return false;
	return compile_field(m, "preheader", f->preheader, &m->preheader, err) &&
	       compile_field(m, "reason", f->reason, &m->reason, err) && compile_field(m, "from", f->from, &m->from, err) &&
	       compile_field(m, "sms", f->sms, &m->sms, err) &&
	       compile_field(m, "postcard", f->postcard, &m->postcard, err);
}

static struct str part_source(const struct message_set *set, const char *language, const char *part)
{
	char name[128];
	snprintf(name, sizeof name, "%s/parts/%s.liquid", language, part);
	const struct file *f = find_file(set, name);
	snprintf(name, sizeof name, "parts/%s.liquid", part);
	f = f ? f : find_file(set, name);
	return f ? f->bytes : (struct str){ 0 };
}

/* The body as written, with blank lines for the front matter: errors carry the file's line numbers. */
static bool compile_body(struct message *m, struct str bytes, struct str body, struct err *err)
{
	struct buf b;
	buf_init(&b, LIQUID_SOURCE_MAX);
	for (const char *p = bytes.p; p < body.p; p++)
		if (*p == '\n')
			buf_char(&b, '\n');
	buf_str(&b, body);
	m->body = liquid_parse(m->file, buf_view(&b), err);
	buf_release(&b);
	return m->body != NULL;
}

static bool compile_html(struct message_set *set, struct message *m, const struct front *f, struct str body,
                         struct err *err)
{
	const char *language = m->locale == LIQUID_FR ? "fr" : "en";
	const char *const marks[][2] = {
		{ "[[subject]]", m->variants[0].subject_source },
		{ "[[preheader]]", f->preheader ? f->preheader : "" },
		{ "[[reason]]", f->reason ? f->reason : "" },
		{ "[[purpose]]", m->purpose == MESSAGE_SERVICE ? "service" : "marketing" },
		{ "[[lang]]", language },
	};
	struct str layout = replace_marks(&set->arena, part_source(set, language, "layout"), marks, ARRAY_LEN(marks));
	struct str text = replace_marks(&set->arena, part_source(set, language, "text"), marks, ARRAY_LEN(marks));
	const char *hole = layout.n ? memmem(layout.p, layout.n, "[[content]]", 11) : NULL;
	if (!hole)
		return err_set(err, ERR_INPUT, "parts/layout.liquid: the layout is missing, or has no [[content]]");
	struct buf html;
	buf_init(&html, LIQUID_SOURCE_MAX);
	bool ok = markdown_to_html(body, &html, err) || err_context(err, "%s", m->file);
	struct str tail = { hole + 11, layout.n - (size_t)(hole + 11 - layout.p) };
	ok = ok &&
	     (m->head = liquid_parse("parts/layout.liquid", (struct str){ layout.p, (size_t)(hole - layout.p) }, err)) &&
	     (m->content = liquid_parse(m->file, buf_view(&html), err)) &&
	     (m->tail = liquid_parse("parts/layout.liquid", tail, err)) &&
	     (m->text_tail = liquid_parse("parts/text.liquid", text, err));
	buf_release(&html);
	return ok;
}

static bool compile_message(struct message_set *set, struct message *m, struct str bytes, struct err *err)
{
	struct front f = { 0 };
	struct str yaml = { 0 }, body = { 0 };
	return split_front(m, bytes, &yaml, &body, err) && read_front(set, m, yaml, &f, err) &&
	       compile_fields(m, &f, err) && compile_body(m, bytes, body, err) && compile_html(set, m, &f, body, err);
}

/* "fr/winback-1.md" → language and name. */
static bool is_message(struct str file, enum liquid_locale *locale, struct str *name)
{
	if (file.n < 7 || file.p[2] != '/' || !str_ends(file, STR(".md")) || memchr(file.p + 3, '/', file.n - 3))
		return false;
	*locale = liquid_locale_from((struct str){ file.p, 2 });
	*name = (struct str){ file.p + 3, file.n - 6 };
	return *locale != LIQUID_NEUTRAL;
}

static bool compile_parts(struct message_set *set, struct err *err)
{
	for (int pass = 0; pass < 2; pass++) /* the common ones, then a language's own over them */
		for (size_t i = 0; i < set->file_count; i++) {
			struct str name = set->files[i].name;
			bool own = str_starts(name, STR("fr/parts/")) || str_starts(name, STR("en/parts/"));
			struct str rest = { name.p + (own ? 9 : 6), name.n - (own ? 9 : 6) };
			if (!(own ? pass == 1 : pass == 0 && str_starts(name, STR("parts/"))) || !str_ends(name, STR(".liquid")))
				continue;
			rest.n -= 7;
			if (str_is(rest, "layout") || str_is(rest, "text"))
				continue;
			for (int l = LIQUID_EN; l <= LIQUID_FR; l++)
				if ((!own || (l == LIQUID_FR) == (name.p[0] == 'f')) &&
				    !liquid_set_add(set->parts[l], arena_cstr(&set->arena, rest), name.p, set->files[i].bytes, err))
					return false;
		}
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct message *x = a, *y = b;
	int c = strcmp(x->name, y->name);
	return c ? c : (int)y->locale - (int)x->locale; /* French first */
}

bool message_set_compile(struct message_set *set, struct err *err)
{
	compiled_clear(set);
	for (size_t i = 0; i < ARRAY_LEN(set->parts); i++)
		set->parts[i] = liquid_set_new();
	if (!compile_parts(set, err))
		return false;
	for (size_t i = 0; i < set->file_count; i++) {
		enum liquid_locale locale;
		struct str name;
		if (!is_message(set->files[i].name, &locale, &name))
			continue;
		set->list = mem_grow(set->list, &set->cap, set->count + 1, sizeof *set->list);
		struct message *m = &set->list[set->count++];
		*m = (struct message){ .name = arena_cstr(&set->arena, name), .file = set->files[i].name.p, .locale = locale };
		if (!compile_message(set, m, set->files[i].bytes, err))
			return false;
	}
	if (set->count)
		qsort(set->list, set->count, sizeof *set->list, by_name);
	return true;
}

const struct message *message_find(const struct message_set *set, enum liquid_locale locale, struct str name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].locale == locale && str_is(name, set->list[i].name))
			return &set->list[i];
	return NULL;
}

size_t message_count(const struct message_set *set)
{
	return set->count;
}

const struct message *message_at(const struct message_set *set, size_t i)
{
	return &set->list[i];
}

size_t message_variant_of(const struct message *m, uint64_t draw)
{
	uint64_t total = 0;
	for (size_t i = 0; i < m->variant_count; i++)
		total += (uint64_t)m->variants[i].weight;
	uint64_t point = (uint64_t)(((unsigned __int128)draw * total) >> 64);
	for (size_t i = 0; i < m->variant_count; i++) {
		if (point < (uint64_t)m->variants[i].weight)
			return i;
		point -= (uint64_t)m->variants[i].weight;
	}
	return 0;
}

/* ---- rendering ---- */

static struct buf *text_buf(struct message_text *t, size_t i)
{
	struct buf *all[] = { &t->subject, &t->preheader, &t->from, &t->html, &t->text, &t->sms, &t->postcard };
	return i < ARRAY_LEN(all) ? all[i] : NULL;
}

void message_text_init(struct message_text *t)
{
	for (size_t i = 0; text_buf(t, i); i++)
		buf_init(text_buf(t, i), 4 << 20);
}

void message_text_clear(struct message_text *t)
{
	for (size_t i = 0; text_buf(t, i); i++)
		buf_clear(text_buf(t, i));
}

void message_text_release(struct message_text *t)
{
	for (size_t i = 0; text_buf(t, i); i++)
		buf_release(text_buf(t, i));
}

/* Header fields are one line. */
void message_one_line(struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] == '\n' || b->p[i] == '\r' || b->p[i] == '\t')
			b->p[i] = ' ';
}

bool message_render(const struct message_set *set, const struct message *m, size_t variant, struct liquid *r,
                    const struct lobject *context, const struct liquid_options *options, struct message_text *out,
                    struct err *err)
{
	struct liquid_partials partials = liquid_set_partials(set->parts[m->locale]);
	struct liquid_options plain = *options, html;
	plain.locale = m->locale;
	plain.partials = &partials;
	plain.autoescape = false;
	html = plain;
	html.autoescape = true;
	message_text_clear(out);
	check(variant < m->variant_count);
	bool ok = liquid_render(r, m->variants[variant].subject, context, &plain, &out->subject, err) &&
	          (!m->preheader || liquid_render(r, m->preheader, context, &plain, &out->preheader, err)) &&
	          (!m->from || liquid_render(r, m->from, context, &plain, &out->from, err)) &&
	          (!m->sms || liquid_render(r, m->sms, context, &plain, &out->sms, err)) &&
	          (!m->postcard || liquid_render(r, m->postcard, context, &plain, &out->postcard, err)) &&
	          liquid_render(r, m->head, context, &html, &out->html, err);
	size_t start = out->html.n;
	ok = ok && liquid_render(r, m->content, context, &html, &out->html, err);
	if (ok)
		html_to_text((struct str){ out->html.p + start, out->html.n - start }, &out->text);
	ok = ok && liquid_render(r, m->tail, context, &html, &out->html, err) &&
	     liquid_render(r, m->text_tail, context, &plain, &out->text, err);
	message_one_line(&out->subject);
	message_one_line(&out->preheader);
	message_one_line(&out->from);
	return ok;
}
