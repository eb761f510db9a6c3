/* liquid_lines: templates by the thousand in one process, for test_liquid.py.
 *
 * One JSON object a line on standard input, {"template", "data", "templates": {name: partial}}; one a line on standard
 * output, {"out": text} or {"err": why}, in the same order. */
#include "base/arena.h"
#include "outbox/liquid_set.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool render(const json_t *one, struct buf *out, struct err *err)
{
	const json_t *source = json_object_get(one, "template"), *data = json_object_get(one, "data"), *partial;
	struct arena a;
	struct lval root = lval_object(NULL);
	struct liquid_set *set = liquid_set_new();
	struct liquid *r = liquid_new();
	const char *name;
	arena_init(&a);
	bool ok = !data || lval_from_json(&a, data, &root, err);
	json_object_foreach(json_object_get((json_t *)(uintptr_t)one, "templates"), name, partial)
	{
		struct str text = { json_string_value(partial), json_string_length(partial) };
		ok = ok && liquid_set_add(set, name, name, text, err);
	}
	struct liquid_partials partials = liquid_set_partials(set);
	struct liquid_options options = { .partials = &partials, .now = { (int64_t)time(NULL) } };
	struct str text = { json_string_value(source), json_string_length(source) };
	struct liquid_template *t = ok ? liquid_parse("t", text, err) : NULL;
	ok = t && liquid_render(r, t, root.object, &options, out, err);
	liquid_template_free(t);
	liquid_free(r);
	liquid_set_free(set);
	arena_release(&a);
	return ok;
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	while ((n = getline(&line, &cap, stdin)) > 0) {
		json_error_t why;
		json_t *one = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, &why);
		if (!one) {
			fprintf(stderr, "liquid_lines: %s\n", why.text);
			return 1;
		}
		struct buf out;
		struct err err = { 0 };
		buf_init(&out, 1 << 24);
		bool ok = render(one, &out, &err);
		json_t *text = ok ? json_stringn(out.p ? out.p : "", out.n) : json_string(err.text);
		json_t *answer = text ? json_pack("{s:o}", ok ? "out" : "err", text) : json_pack("{s:b}", "bytes", true);
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(answer);
		json_decref(one);
		buf_release(&out);
	}
	free(line);
	return 0;
}
