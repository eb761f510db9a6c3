/* A plan as a timeline, and two plans compared: both over the rows of plan_words. */
#include "engine/plan_words.h"

#define T(locale, fr, en) ((locale) == LOCALE_FR ? (fr) : (en))

static size_t width(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

static void put_padded(struct buf *b, struct str s, size_t to)
{
	buf_str(b, s);
	for (size_t n = width(s); n < to; n++)
		buf_char(b, ' ');
}

static void show_step(const struct plan *p, const struct plan_line *rows, size_t count, size_t i, size_t moment_width,
                      enum locale l, struct buf *b)
{
	const struct step *s = &p->steps[i];
	static const char *const SIGNS[] = { "●", "◆", "◇", "○" };
	put_padded(b, rows[0].text, moment_width);
	buf_printf(b, "  %s  ", SIGNS[s->action]);
	buf_str(b, count > 1 ? rows[1].text : s->name);
	if (s->action != STEP_SEND || !str_eq(s->name, s->variants[0].message))
		buf_printf(b, "  [%.*s]", STR_ARG(s->name));
	buf_char(b, '\n');
	for (size_t k = 2; k < count; k++) {
		for (size_t n = 0; n < moment_width; n++)
			buf_char(b, ' ');
		buf_printf(b, "  %s     %s%s ", i + 1 < p->step_count ? "│" : " ", rows[k].label, T(l, "\xC2\xA0:", ":"));
		buf_str(b, rows[k].text);
		buf_char(b, '\n');
	}
}

void plan_show(const struct plan *p, enum locale l, struct currency currency, struct buf *out)
{
	struct arena a;
	arena_init(&a);
	struct plan_line *rows = arena_array(&a, struct plan_line, PLAN_ROWS_MAX);
	size_t count = plan_rows(p, l, currency, &a, rows), label = 0, moment = 0, i = 1;
	for (size_t k = 0; k < count; k++) {
		size_t w = rows[k].step < 0 ? width(str_from(rows[k].label)) : 0;
		label = w > label ? w : label;
		bool first = rows[k].step >= 0 && (k == 0 || rows[k - 1].step != rows[k].step);
		if (first && width(rows[k].text) > moment)
			moment = width(rows[k].text);
	}
	buf_printf(out, "%.*s · %.*s\n\n", STR_ARG(p->name), STR_ARG(p->title[l]));
	for (; i < count && rows[i].step < 0; i++) {
		buf_cstr(out, "  ");
		put_padded(out, str_from(rows[i].label), label + 2);
		buf_str(out, rows[i].text);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	while (i < count) {
		size_t end = i;
		while (end < count && rows[end].step == rows[i].step)
			end++;
		show_step(p, rows + i, end - i, (size_t)rows[i].step, moment, l, out);
		i = end;
	}
	arena_release(&a);
}

/* ---- diff ---- */

struct side {
	const struct plan *plan;
	struct plan_line *rows;
	size_t count;
};

static int step_find(const struct plan *p, struct str name)
{
	for (int i = 0; i < p->step_count; i++)
		if (str_eq(p->steps[i].name, name))
			return i;
	return -1;
}

static const struct plan_line *row_find(const struct side *s, int step, const char *label)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].step == step && strcmp(s->rows[i].label, label) == 0)
			return &s->rows[i];
	return NULL;
}

static size_t change_add(struct plan_change *c, size_t n, struct str step, struct str text)
{
	check(n < PLAN_CHANGES_MAX);
	c[n] = (struct plan_change){ step, text };
	return n + 1;
}

static size_t diff_rows(const struct side *from, const struct side *to, int a_step, int b_step, enum locale l,
                        struct arena *a, struct plan_change *c, size_t n)
{
	struct str name = b_step >= 0 ? to->plan->steps[b_step].name : STR("");
	for (size_t i = 0; i < from->count; i++) {
		const struct plan_line *x = &from->rows[i];
		const struct plan_line *y = x->step == a_step ? row_find(to, b_step, x->label) : NULL;
		if (x->step != a_step)
			continue;
		if (!y)
			n = change_add(
				c, n, name,
				arena_printf(a, T(l, "%s supprimé (était %.*s)", "%s removed (was %.*s)"), x->label, STR_ARG(x->text)));
		else if (!str_eq(x->text, y->text))
			n = change_add(c, n, name,
			               arena_printf(a, "%s%s %.*s → %.*s", x->label, T(l, "\xC2\xA0:", ":"), STR_ARG(x->text),
			                            STR_ARG(y->text)));
	}
	for (size_t i = 0; i < to->count; i++) {
		const struct plan_line *y = &to->rows[i];
		if (y->step == b_step && !row_find(from, a_step, y->label))
			n = change_add(
				c, n, name,
				arena_printf(a, T(l, "%s ajouté\xC2\xA0: %.*s", "%s added: %.*s"), y->label, STR_ARG(y->text)));
	}
	return n;
}

/* A step that is on one side only, in one sentence. */
static struct str step_sentence(const struct side *s, int step, bool added, enum locale l, struct arena *a)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_cstr(&b, added ? T(l, "étape ajoutée\xC2\xA0: ", "step added: ")
	                   : T(l, "étape supprimée\xC2\xA0: ", "step removed: "));
	bool first = true;
	for (size_t i = 0; i < s->count; i++) {
		if (s->rows[i].step != step)
			continue;
		buf_printf(&b, "%s%s ", first ? "" : ", ", s->rows[i].label);
		buf_str(&b, s->rows[i].text);
		first = false;
	}
	struct str text = arena_str(a, buf_view(&b));
	buf_release(&b);
	return text;
}

/* True when the steps both plans have stand in another order. */
static bool order_changed(const struct plan *from, const struct plan *to)
{
	int last = -1;
	for (int i = 0; i < to->step_count; i++) {
		int k = step_find(from, to->steps[i].name);
		if (k >= 0 && k < last)
			return true;
		last = k >= 0 ? k : last;
	}
	return false;
}

size_t plan_diff(const struct plan *from, const struct plan *to, enum locale l, struct currency currency,
                 struct arena *a, struct plan_change changes[PLAN_CHANGES_MAX])
{
	struct side x = { from, arena_array(a, struct plan_line, PLAN_ROWS_MAX), 0 };
	struct side y = { to, arena_array(a, struct plan_line, PLAN_ROWS_MAX), 0 };
	size_t n = 0;
	x.count = plan_rows(from, l, currency, a, x.rows);
	y.count = plan_rows(to, l, currency, a, y.rows);
	if (!str_eq(from->name, to->name))
		n = change_add(
			changes, n, STR(""),
			arena_printf(a, "plan%s %.*s → %.*s", T(l, "\xC2\xA0:", ":"), STR_ARG(from->name), STR_ARG(to->name)));
	n = diff_rows(&x, &y, -1, -1, l, a, changes, n);
	if (order_changed(from, to))
		n = change_add(changes, n, STR(""), str_from(T(l, "les étapes changent d’ordre", "the steps change order")));
	for (int i = 0; i < from->step_count; i++)
		if (step_find(to, from->steps[i].name) < 0)
			n = change_add(changes, n, from->steps[i].name, step_sentence(&x, i, false, l, a));
	for (int i = 0; i < to->step_count; i++) {
		int k = step_find(from, to->steps[i].name);
		if (k < 0)
			n = change_add(changes, n, to->steps[i].name, step_sentence(&y, i, true, l, a));
		else
			n = diff_rows(&x, &y, k, i, l, a, changes, n);
	}
	return n;
}
