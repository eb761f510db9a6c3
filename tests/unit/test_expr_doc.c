/* doc/expressions.md against the language: every word with its meaning and example, every example compiles. */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "fold/expr.h"

#include <stdio.h>

static char *page(void)
{
	const char *source = getenv("RELANCE_SOURCE");
	char path[4096];
	snprintf(path, sizeof path, "%s/doc/expressions.md", source ? source : ".");
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s: not there (RELANCE_SOURCE is the source folder)", path);
	char *text = calloc(1, 1 << 20);
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	ck_assert_uint_gt(n, 1000);
	return text;
}

static const char *saved(void *user, struct str name)
{
	return "company";
}

static void compiles(struct str text)
{
	struct arena a;
	arena_init(&a);
	struct expr_context k = { .lifecycle = LIFECYCLE_DEFAULTS, .segment = saved };
	struct expr_error error;
	ck_assert(currency_find(STR("EUR"), &k.currency));
	ck_assert_msg(expr_compile(text, &k, &a, &error) != NULL, "%.*s\n%zu:%zu: %s", STR_ARG(text), error.line,
	              error.column, error.text);
	arena_release(&a);
}

START_TEST(every_word_is_on_the_page)
{
	char *text = page();
	size_t count;
	const struct expr_word *w = expr_words(&count);
	for (size_t i = 0; i < count; i++) {
		char row[1024];
		snprintf(row, sizeof row, "| `%s` | %s | %s | `%s` |", w[i].signature, w[i].type, w[i].meaning, w[i].example);
		ck_assert_msg(strstr(text, row) != NULL, "doc/expressions.md lacks the row\n%s", row);
	}
	free(text);
}
END_TEST

START_TEST(every_example_compiles)
{
	char *text = page();
	size_t examples = 0;
	const char *at = text;
	while ((at = strstr(at, "\n```condition\n"))) {
		at += strlen("\n```condition\n");
		const char *end = strstr(at, "```");
		ck_assert(end != NULL);
		while (at < end) {
			const char *line_end = strchr(at, '\n');
			compiles((struct str){ at, (size_t)(line_end - at) });
			examples++;
			at = line_end + 1;
		}
	}
	ck_assert_uint_ge(examples, 20);
	size_t count;
	const struct expr_word *w = expr_words(&count);
	for (size_t i = 0; i < count; i++)
		compiles(str_from(w[i].example));
	free(text);
}
END_TEST

UNIT_MAIN("expr_doc", every_word_is_on_the_page, every_example_compiles)
