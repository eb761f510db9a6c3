/* Any bytes as JSON: the same value as jansson reads, or refused as it refuses. */
#include "base/jtree.h"

#include <jansson.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int depth_of(const struct jnode *n)
{
	int most = 0;
	for (const struct jnode *m = n->first; m; m = m->next) {
		int d = depth_of(m);
		most = d > most ? d : most;
	}
	return most + (n->type == J_ARRAY || n->type == J_OBJECT);
}

static void same(const struct jnode *n, const json_t *v)
{
	size_t i = 0;
	switch (n->type) {
	case J_NULL: check(json_is_null(v)); break;
	case J_FALSE: check(json_is_false(v)); break;
	case J_TRUE: check(json_is_true(v)); break;
	case J_INTEGER: check(json_is_integer(v) && json_integer_value(v) == n->integer); break;
	case J_REAL: check(json_is_real(v)); break;
	case J_STRING:
		check(json_is_string(v) && str_eq(n->text, (struct str){ json_string_value(v), json_string_length(v) }));
		break;
	case J_ARRAY:
		check(json_is_array(v) && json_array_size(v) == n->count);
		for (const struct jnode *m = n->first; m; m = m->next)
			same(m, json_array_get(v, i++));
		break;
	case J_OBJECT:
		check(json_is_object(v));
		for (const struct jnode *m = n->first; m; m = m->next) {
			char name[256];
			if (m->key.n >= sizeof name)
				continue;
			snprintf(name, sizeof name, "%.*s", STR_ARG(m->key));
			same(jtree_get(n, name), json_object_get(v, name));
		}
		break;
	}
}

/* Numbers too large for a double, a NUL behind a number, and levels beyond ours are where the two may differ. */
static bool may_differ(struct str text)
{
	int deep = 0, most = 0;
	for (size_t i = 0; i < text.n; i++) {
		deep += text.p[i] == '[' || text.p[i] == '{';
		most = deep > most ? deep : most;
		if (text.p[i] == 'e' || text.p[i] == 'E' || !text.p[i])
			return true;
	}
	return most > JTREE_DEPTH_MAX || text.n > 300;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct str all = { (const char *)data, size }, rest = all;
	arena_init(&a);
	json_error_t why;
	struct jnode *n = jtree_read(&rest, &a);
	check(rest.p >= all.p && rest.p + rest.n == all.p + all.n);
	json_t *v = json_loadb(all.p, all.n, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &why);
	if (n && v) {
		check(depth_of(n) <= JTREE_DEPTH_MAX);
		same(n, v);
	} else if (!may_differ(all)) {
		check(!n && !v);
	}
	json_decref(v);
	arena_release(&a);
	return 0;
}
