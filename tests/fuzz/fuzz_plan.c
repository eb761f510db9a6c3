/* Any bytes as a plan file: read, and when they are a plan, checked, shown, compared, hashed. An issue always has a
 * place inside the file and a text. */
#include "engine/plan_file.h"
#include "engine/plan_words.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan_issues issues;
	struct arena a;
	struct expr_context context = { .lifecycle = LIFECYCLE_DEFAULTS };
	arena_init(&a);
	check(currency_find(STR("EUR"), &context.currency));
	issues = (struct plan_issues){ .count = 0 };
	const struct plan *p = plan_read(STR("fuzz.yaml"), (struct str){ (const char *)data, size }, &context, &a, &issues);
	check((p == NULL) == (issues.errors > 0));
	for (size_t i = 0; i < issues.count; i++) {
		const struct plan_issue *x = &issues.items[i];
		check(x->line >= 1 && x->column >= 1 && x->column <= size + 1 && x->text.n > 0);
	}
	if (p) {
		struct plan_change *changes = arena_array(&a, struct plan_change, PLAN_CHANGES_MAX);
		struct buf shown;
		buf_init(&shown, 64 << 20);
		plan_check(&p, 1, 5000, NULL, NULL, &a, &issues);
		struct settings settings;
		struct plan *twin = arena_copy(&a, p, sizeof *p);
		const struct plan *two[] = { p, twin };
		settings_defaults(&settings, 0, LOCALE_FR, context.currency);
		twin->name = STR("twin");
		twin->who_text = STR("another");
		plan_check_together(two, 2, &settings, date_from_ymd(2026, 2, 28), LOCALE_FR, &a, &issues);
		plan_show(p, LOCALE_FR, context.currency, &shown);
		check(shown.n > 0 && plan_diff(p, p, LOCALE_EN, context.currency, &a, changes) == 0);
		(void)plan_yearly_day(p, 2026);
		buf_release(&shown);
	}
	arena_release(&a);
	return 0;
}
