#include "intake/emit.h"

#include <stdio.h>

void emit_init(struct emitter *e, const struct intake_options *o, const struct intake_sink *sink,
               struct intake_report *report)
{
	*e =
		(struct emitter){ .o = o, .sink = sink, .report = report, .when = { .zone = o->zone }, .total_is_order = true };
	arena_init(&e->arena);
}

void emit_release(struct emitter *e)
{
	arena_release(&e->arena);
}

bool emit_reject(struct emitter *e, const struct record *r, enum field f, const char *reason, struct err *err)
{
	int column = f < FIELD_COUNT && e->layout ? e->layout->column_of[f] : -1;
	struct str name = column >= 0 ? e->layout->names[column] : f < FIELD_COUNT ? str_from(field_name(f)) : STR("");
	e->report->rejected++;
	return e->sink->reject(e->sink->ctx, r->row, (uint32_t)(column + 1), name, str_from(reason), r->raw, err);
}

bool take_blank(struct str s)
{
	s = str_trim(s);
	return s.n == 0 || str_is(s, "-") || str_eq_nocase(s, STR("n/a")) || str_eq_nocase(s, STR("null")) ||
	       str_eq_nocase(s, STR("none")) || str_eq_nocase(s, STR("aucun")) || str_eq_nocase(s, STR("nan"));
}

struct str take_ref(struct str s)
{
	s = str_trim(s);
	if (s.n > 2 && s.p[s.n - 1] == '0' && s.p[s.n - 2] == '.') {
		size_t i = 0;
		while (i < s.n - 2 && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == s.n - 2)
			s.n -= 2;
	}
	return s;
}

int take_yes_no(struct str s)
{
	static const char *const YES =
		"yes true 1 oui o y t vrai subscribed optin opted_in on x granted accepte abonne inscrit confirmed ";
	static const char *const NO =
		"no false 0 non n f faux unsubscribed not_subscribed optout opted_out off withdrawn refuse desabonne "
		"desinscrit cleaned redacted invalid ";
	static const char *const SOFT = "soft soft_optin client customer ";
	char w[FIELD_HEADER_MAX];
	size_t n = 0;
	s = str_trim(s);
	/* as field_normalise, underscores kept */
	for (size_t i = 0; i < s.n && n + 1 < sizeof w; i++) {
		char one[FIELD_HEADER_MAX];
		size_t step = ((unsigned char)s.p[i] == 0xc3 && i + 1 < s.n) ? 2 : 1;
		if (s.p[i] == '_')
			w[n++] = '_';
		else if (field_normalise((struct str){ s.p + i, step }, one))
			w[n++] = one[0];
		i += step - 1;
	}
	w[n] = 0;
	const char *const lists[] = { NO, YES, SOFT };
	for (int answer = 0; n && answer < 3; answer++)
		for (const char *p = lists[answer]; *p; p += strcspn(p, " ") + 1)
			if (strcspn(p, " ") == n && memcmp(p, w, n) == 0)
				return answer;
	return -1;
}

bool take_instant(struct emitter *e, const struct record *r, enum field f, struct instant *out, struct trouble *t,
                  struct err *err)
{
	enum when_result got = when_instant(&e->when, r->f[f], out);
	if (got == WHEN_OK)
		return true;
	if (got == WHEN_WRONG_ORDER && !e->report->month_first_known && !e->report->month_first) {
		t->stop = true;
		return err_set(err, ERR_CONFLICT,
		               "row %llu: dates are month first, and earlier rows were read day first; "
		               "say dates: month-first in a --map file",
		               (unsigned long long)r->row);
	}
	*t = (struct trouble){ .field = f, .why = r->f[f].n ? when_problem(got) : "is empty" };
	return false;
}

bool take_money(const struct emitter *e, const struct record *r, enum field f, struct money *out, struct trouble *t)
{
	struct decimal d;
	if (!number_parse(r->f[f], e->decimal, &d)) {
		*t = (struct trouble){ .field = f, .why = "is not a number" };
		return false;
	}
	if (!number_scaled(d, 1, e->o->currency.exponent, &out->minor)) {
		*t = (struct trouble){ .field = f, .why = "is too large" };
		return false;
	}
	return true;
}

bool take_email(const struct record *r, struct str *out, struct trouble *t)
{
	struct str s = str_trim(r->f[FIELD_EMAIL]);
	*out = (struct str){ "", 0 };
	if (take_blank(s))
		return true;
	const char *at = memchr(s.p, '@', s.n);
	bool good =
		at && at > s.p && at + 1 < s.p + s.n && s.n <= 254 && !memchr(at + 1, '@', (size_t)(s.p + s.n - at - 1));
	for (size_t i = 0; good && i < s.n; i++)
		good = (unsigned char)s.p[i] > ' ' && s.p[i] != ',' && s.p[i] != ';';
	if (!good)
		*t = (struct trouble){ .field = FIELD_EMAIL, .why = "is not an e-mail address" };
	else
		*out = s;
	return good;
}

bool emit_record(struct emitter *e, enum intake_kind kind, struct record *r, struct err *err)
{
	const struct intake_map *m = e->o->map;
	for (int f = 0; m && f < FIELD_COUNT; f++)
		if (m->constants[f].p && r->f[f].n == 0)
			r->f[f] = m->constants[f];
	e->report->rows++;
	arena_clear(&e->arena);
	switch (kind) {
	case INTAKE_ORDERS: return emit_order(e, r, false, err);
	case INTAKE_CARTS: return emit_order(e, r, true, err);
	case INTAKE_CUSTOMERS: return emit_customer(e, r, err);
	case INTAKE_PRODUCTS: return emit_product(e, r, err);
	case INTAKE_CONSENTS: return emit_consent(e, r, err);
	case INTAKE_EVENTS: return emit_event(e, r, err);
	case INTAKE_GUESS: break;
	}
	return err_set(err, ERR_INPUT,
	               "cannot tell what this file is: say --as orders, customers, products, carts, consents or events");
}
