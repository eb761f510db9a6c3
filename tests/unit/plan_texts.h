/* plan_texts: plan files as the tests of their reader have them: a text read, what was told of it, those shipped. */
#ifndef RELANCE_TESTS_PLAN_TEXTS_H
#define RELANCE_TESTS_PLAN_TEXTS_H

#include "unit.h"

#include "base/embed.h"
#include "engine/plan_file.h"

#include <stdio.h>

extern const struct embedded_file plans_files[];
extern const size_t plans_file_count;

static struct arena arena;
static struct plan_issues issues;
static struct currency eur;

static inline struct expr_context context(void)
{
	ck_assert(currency_find(STR("EUR"), &eur));
	return (struct expr_context){ .currency = eur, .lifecycle = LIFECYCLE_DEFAULTS };
}

static inline const struct plan *read_named(const char *file, struct str text)
{
	struct expr_context c = context();
	memset(&issues, 0, sizeof issues);
	return plan_read(str_from(file), text, &c, &arena, &issues);
}

static inline const struct plan *read_text(const char *text)
{
	return read_named("p.yaml", str_from(text));
}

/* All issues as "line:column text" lines. */
static inline const char *told(void)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < issues.count; i++)
		buf_printf(&b, "%u:%u %.*s\n", issues.items[i].line, issues.items[i].column, STR_ARG(issues.items[i].text));
	const char *text = arena_cstr(&arena, buf_view(&b));
	buf_release(&b);
	return text;
}

#define HEAD  "plan: p\nenter: {when: order, again: always}\nexit: order\n" /* three lines */
#define STEPS "steps:\n  - {at: J, send: a}\n"

static inline const struct plan *read_good(const char *text)
{
	const struct plan *p = read_text(text);
	ck_assert_msg(p != NULL && issues.count == 0, "%s\n%s", text, told());
	return p;
}

static inline const struct plan *shipped(const char *name)
{
	for (size_t i = 0; i < plans_file_count; i++)
		if (strcmp(plans_files[i].name, name) == 0) {
			const struct plan *p =
				read_named(name, (struct str){ (const char *)plans_files[i].data, plans_files[i].size });
			ck_assert_msg(p && issues.count == 0, "%s\n%s", name, told());
			return p;
		}
	ck_abort_msg("%s is not shipped", name);
	return NULL;
}

#endif
