/* The plan as a form: what is not touched stays byte for byte, what is touched says what was asked. */
#include "unit.h"

#include "base/embed.h"
#include "engine/plan_form.h"

extern const struct embedded_file plans_files[];
extern const size_t plans_file_count;

static struct arena arena;
static struct plan_issues issues;

static json_t *form_of(struct str text)
{
	memset(&issues, 0, sizeof issues);
	json_t *form = plan_form_read(STR("p"), text, &arena, &issues);
	ck_assert_ptr_nonnull(form);
	return form;
}

/* The file after the form was changed as JSON says: members laid over the plan's own. */
static const char *with(const char *text, const char *changes)
{
	json_error_t why;
	struct err err = { 0 };
	struct buf out;
	json_t *form = form_of(str_from(text)), *more = json_loads(changes, 0, &why);
	ck_assert_msg(more != NULL, "%s: %s", changes, why.text);
	json_object_update(form, more);
	buf_init(&out, PLAN_FILE_MAX);
	bool ok = plan_form_write(str_from(text), form, &arena, &out, &err);
	ck_assert_msg(ok, "%s", err.text);
	const char *s = arena_cstr(&arena, buf_view(&out));
	buf_release(&out);
	json_decref(form);
	json_decref(more);
	return s;
}

static const char PLAN[] = "# What it is for.\n"
						   "plan: p\n"
						   "title: {fr: Un, en: One}   # both\n"
						   "enter:\n"
						   "  when: inactive 6 months     # six months\n"
						   "  who: lifecycle in (lapsing, former)\n"
						   "control: 10%                  # measured\n"
						   "priority: 40\n"
						   "\n"
						   "steps:\n"
						   "  # the first\n"
						   "  - {at: J, send: a, by: [email, postcard], voucher: {percent: 10, valid: 20 days}}\n"
						   "\n"
						   "  # the second\n"
						   "  - {at: J+8, send: b}   # eight days\n"
						   "  # the last\n"
						   "  - {at: J+12, send: c, if: opened any}\n";

static char *replaced(const char *from, const char *to)
{
	const char *at = strstr(PLAN, from);
	ck_assert_msg(at != NULL, "%s", from);
	struct str before = { PLAN, (size_t)(at - PLAN) };
	return arena_cstr(&arena, arena_printf(&arena, "%.*s%s%s", STR_ARG(before), to, at + strlen(from)));
}

START_TEST(nothing_changed)
{
	for (size_t i = 0; i < plans_file_count; i++) {
		struct str text = { (const char *)plans_files[i].data, plans_files[i].size };
		ck_assert_str_eq(with(arena_cstr(&arena, text), "{}"), arena_cstr(&arena, text));
	}
	ck_assert_str_eq(with(PLAN, "{}"), PLAN);
}
END_TEST

START_TEST(values)
{
	ck_assert_str_eq(with(PLAN, "{\"control\": \"15%\"}"), replaced("10%  ", "15%  "));
	ck_assert_str_eq(with(PLAN, "{\"priority\": 41}"), replaced("priority: 40", "priority: 41"));
	ck_assert_str_eq(with(PLAN, "{\"title\": {\"fr\": \"Un, deux\", \"en\": \"One\"}}"),
	                 replaced("fr: Un,", "fr: \"Un, deux\","));
	ck_assert_str_eq(
		with(PLAN, "{\"enter\": {\"when\": \"inactive 9 months\", \"who\": \"lifecycle in (lapsing, former)\"}}"),
		replaced("inactive 6 months", "inactive 9 months"));
}
END_TEST

START_TEST(keys_come_and_go)
{
	ck_assert_str_eq(with(PLAN, "{\"hour\": \"18:30\", \"budget\": \"200 EUR per month\"}"),
	                 replaced("priority: 40\n", "priority: 40\nhour: 18:30\nbudget: 200 EUR per month\n"));
	ck_assert_str_eq(with(PLAN, "{\"priority\": null}"), replaced("priority: 40\n", ""));
	ck_assert_str_eq(with(PLAN, "{\"enter\": {\"when\": \"inactive 6 months\", \"smooth\": \"500 per day\"}}"),
	                 replaced("  who: lifecycle in (lapsing, former)\n", "  smooth: 500 per day\n"));
	ck_assert_str_eq(with(PLAN, "{\"title\": {\"en\": \"One\"}}"), replaced("{fr: Un, en: One}", "{en: One}"));
	ck_assert_str_eq(with(PLAN, "{\"title\": {\"fr\": \"Un\"}}"), replaced("{fr: Un, en: One}", "{fr: Un}"));
	ck_assert_str_eq(with(PLAN, "{\"title\": \"One\"}"), replaced("{fr: Un, en: One}", "One"));
}
END_TEST

#define A                                                                                                              \
	"{\"at\": \"J\", \"send\": \"a\", \"by\": [\"email\", \"postcard\"], \"voucher\": {\"percent\": \"10\", "          \
	"\"valid\": \"20 days\"}}"
#define B "{\"at\": \"J+8\", \"send\": \"b\"}"
#define C "{\"at\": \"J+12\", \"send\": \"c\", \"if\": \"opened any\"}"

START_TEST(steps)
{
	ck_assert_str_eq(with(PLAN, "{\"steps\": [" A ", {\"at\": \"J+9\", \"send\": \"b\"}, " C "]}"),
	                 replaced("J+8", "J+9"));
	ck_assert_str_eq(with(PLAN, "{\"steps\": [" A ", " B ", {\"at\": \"J+12\", \"send\": \"c\"}]}"),
	                 replaced(", if: opened any", ""));
	ck_assert_str_eq(with(PLAN,
	                      "{\"steps\": [" A
	                      ", {\"at\": \"J+8\", \"send\": \"b\", \"if\": \"orders(last 2 years) >= 1, x\"}, " C "]}"),
	                 replaced("send: b}", "send: b, if: \"orders(last 2 years) >= 1, x\"}"));
	/* one goes, with its comment */
	ck_assert_str_eq(with(PLAN, "{\"steps\": [" A ", " C "]}"),
	                 replaced("\n  # the second\n  - {at: J+8, send: b}   # eight days\n", ""));
	/* one comes */
	ck_assert_str_eq(with(PLAN, "{\"steps\": [" A ", {\"at\": \"J+4\", \"send\": \"d\"}, " B ", " C "]}"),
	                 replaced("\n  # the second", "  - {at: J+4, send: d}\n\n  # the second"));
	/* the last before the second */
	ck_assert_str_eq(with(PLAN, "{\"steps\": [" A ", " C ", " B "]}"),
	                 replaced("\n  # the second\n  - {at: J+8, send: b}   # eight days\n  # the last\n  - {at: J+12, "
	                          "send: c, if: opened any}\n",
	                          "  # the last\n  - {at: J+12, send: c, if: opened any}\n\n  # the second\n  - {at: J+8, "
	                          "send: b}   # eight days\n"));
}
END_TEST

START_TEST(other_ways_to_write)
{
	ck_assert_str_eq(with("plan: p\nsteps:\n- at: J\n  send: a\n- at: then\n  send: b",
	                      "{\"steps\": [{\"at\": \"J+1\", \"send\": \"a\"}, {\"at\": \"then\", \"send\": \"b\", "
	                      "\"late\": \"3 days\"}]}"),
	                 "plan: p\nsteps:\n- at: J+1\n  send: a\n- at: then\n  send: b\n  late: 3 days\n");
	ck_assert_str_eq(with("{plan: p, control: '10%'}", "{\"control\": \"it's \\\"so\\\"\"}"),
	                 "{plan: p, control: \"it's \\\"so\\\"\"}");
	ck_assert_str_eq(with("plan: p\nexit: order\n", "{\"exit\": [\"order\", \"when a: b\"]}"),
	                 "plan: p\nexit: [order, \"when a: b\"]\n");
	ck_assert_str_eq(with("plan: p\nby:\n", "{\"by\": [\"email\"]}"), "plan: p\nby: [email]\n");
}
END_TEST

START_TEST(refused)
{
	static const char *const FORMS[] = { "[]", "{\"\": \"x\"}", "{\"a\": [null]}" };
	for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
		struct err err = { 0 };
		struct buf out;
		json_t *form = json_loads(FORMS[i], 0, NULL);
		buf_init(&out, PLAN_FILE_MAX);
		ck_assert(!plan_form_write(str_from(PLAN), form, &arena, &out, &err));
		ck_assert_int_eq(err.kind, ERR_INPUT);
		buf_release(&out);
		json_decref(form);
	}
	memset(&issues, 0, sizeof issues);
	ck_assert_ptr_null(plan_form_read(STR("p"), STR("a: [b"), &arena, &issues));
	ck_assert_uint_gt(issues.errors, 0);
}
END_TEST

UNIT_MAIN("plan_form", nothing_changed, values, keys_come_and_go, steps, other_ways_to_write, refused)
