/* Any bytes as a template (what follows a NUL is a partial "p"): parsed, walked, and rendered within small limits,
 * plain and autoescaped, in French. */
#include "outbox/liquid_set.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_path(void *ctx, struct str path, int line, int column)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str source = { (const char *)data, size }, partial = { "", 0 };
	const char *nul = size ? memchr(data, '\0', size) : NULL;
	if (nul) {
		partial = (struct str){ nul + 1, size - (size_t)(nul + 1 - source.p) };
		source.n = (size_t)(nul - source.p);
	}
	struct err err = { 0 };
	struct arena a;
	arena_init(&a);
	struct lval items[] = { lval_int(3), lval_cstr("b <c> é"), lval_float(2.5), lval_nil(), lval_bool(true) };
	struct lobject *root = lobject_new(&a, 8);
	lobject_set(&a, root, "a", lval_array(items, ARRAY_LEN(items)));
	lobject_set(&a, root, "s", lval_cstr("Straße, 2026-12-05"));
	lobject_set(&a, root, "n", lval_int(-7));
	lobject_set(&a, root, "o", lval_object(root));
	struct liquid_set *set = liquid_set_new();
	bool ok = liquid_set_add(set, "p", "p", partial, &err);
	(void)ok;
	struct liquid_partials partials = liquid_set_partials(set);
	struct liquid_options options = { .locale = LIQUID_FR,
		                              .partials = &partials,
		                              .limits = { 20000, 1 << 16, 1 << 20 } };
	struct liquid_template *t = liquid_parse("t", source, &err);
	struct liquid *r = liquid_new();
	for (int pass = 0; t && pass < 2; pass++) {
		struct buf out;
		buf_init(&out, 1 << 17);
		options.autoescape = options.strict = pass == 1;
		ok = liquid_render(r, t, root, &options, &out, &err);
		buf_release(&out);
	}
	if (t)
		liquid_paths(t, ignore_path, NULL);
	liquid_free(r);
	liquid_template_free(t);
	liquid_set_free(set);
	arena_release(&a);
	return 0;
}
