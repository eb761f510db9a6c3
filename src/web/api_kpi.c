/* The key figures over HTTP, as `relance kpi` says them, and the rows behind one; objectives. */
#include "web/rows.h"
#include "web/web_int.h"

#include "app/clock.h"
#include "app/drill.h"
#include "app/figures_slice.h"
#include "app/objectives.h"

#include <limits.h>
#include <stdlib.h>

struct asked {
	struct figures_shop shop;
	struct figures_ask ask;
	uint64_t *segment;
	struct objective *objectives;
	size_t objective_count;
};

static bool month_of(struct request *r, const char *name, int *out)
{
	const char *text = request_query(r, name);
	*out = INT_MIN;
	if (!text || figures_month_read(str_from(text), out))
		return true;
	request_problem(r, 422, "\"%s\" is a month such as 2026-11", name);
	return false;
}

static bool each_of(struct request *r, int *out)
{
	const char *by = request_query(r, "by");
	struct str s = str_from(by ? by : "month");
	*out = str_is(s, "month") ? 1 : str_is(s, "quarter") ? 3 : str_is(s, "year") ? 12 : 0;
	if (!*out)
		request_problem(r, 422, "\"by\" is month, quarter or year");
	return *out != 0;
}

/* The condition's bits as malloc'd memory of our own: a sector cuts them further. */
static bool take_segment(struct request *r, struct asked *q)
{
	const char *text = request_query(r, "segment");
	uint64_t count;
	if (!text)
		return true;
	const uint64_t *bits = segment_bits(r, str_from(text), &count);
	if (!bits)
		return false;
	size_t size = ((size_t)q->shop.version->customers + 64) / 64 * sizeof *bits;
	q->segment = memcpy(mem_alloc(size), bits, size);
	q->ask.segment = q->segment;
	return true;
}

static bool take_slices(struct request *r, struct asked *q)
{
	struct err err;
	for (int by = 0; by < SLICE_COUNT; by++) {
		const char *text = request_query(r, slice_name((enum slice_by)by));
		if (text && !slice_narrow_to(&q->shop, (enum slice_by)by, str_from(text), &q->ask, &q->segment, &err)) {
			request_err(r, &err);
			return false;
		}
	}
	return true;
}

/* Everything the query says. Ends with asked_release, also after false (the problem is set). */
static bool asked_read(struct request *r, struct asked *q)
{
	struct err err;
	int from, to;
	if (!request_figures(r, &q->shop))
		return false;
	q->ask = (struct figures_ask){ .channel = -1, .margin_per_mille = -1 };
	if (!each_of(r, &q->ask.each) || !month_of(r, "from", &from) || !month_of(r, "to", &to))
		return false;
	struct db *db = request_db(r);
	if (!db)
		return false;
	if (!figures_periods(&q->shop, from, to, &q->ask, &err) ||
	    !objectives_read(db, &r->arena, &q->objectives, &q->objective_count, &err)) {
		request_err(r, &err);
		return false;
	}
	return take_segment(r, q) && take_slices(r, q);
}

static void asked_release(struct asked *q)
{
	free(q->segment);
}

/* ---- figures ---- */

static void put_value(struct buf *b, const char *key, struct kpi_value v)
{
	if (v.known)
		put_real(b, key, v.value);
	else
		put_null(b, key);
}

static void put_period(struct request *r, const struct asked *q, enum kpi k, const struct kpi_input *in, int p)
{
	struct buf *b = &r->out;
	bool french = request_locale(r) == LOCALE_FR;
	struct kpi_value now = figures_value(k, &in[p], &q->ask), before = figures_value(k, &in[p - 1], &q->ask);
	char text[12];
	figures_month_text(q->ask.first_month + (p - 1) * q->ask.each, q->ask.each, text);
	put_open(b, NULL, '{');
	put_cstr(b, "period", text);
	put_value(b, "value", now);
	put_value(b, "previous", before);
	put_value(b, "change", kpi_change(k, now, before));
	if (!now.known)
		put_cstr(b, "why", french ? now.why_fr : now.why_en);
	put_close(b, '}');
}

static void put_figure(struct request *r, const struct asked *q, enum kpi k, const struct kpi_input *in)
{
	static const char *const UNITS[] = { "percent", "money", "count", "days" };
	const struct kpi_definition *d = kpi_definition(k);
	struct drill_column columns[DRILL_COLUMNS_MAX];
	struct buf *b = &r->out;
	bool french = request_locale(r) == LOCALE_FR, any = !d->b2b;
	for (int p = 1; p <= q->ask.periods; p++)
		any = any || figures_value(k, &in[p], &q->ask).known;
	if (!any)
		return;
	put_open(b, NULL, '{');
	put_cstr(b, "figure", d->key);
	put_cstr(b, "name", french ? d->fr : d->en);
	put_cstr(b, "unit", UNITS[d->unit]);
	put_int(b, "better", d->better);
	put_cstr(b, "formula", french ? d->formula_fr : d->formula_en);
	put_bool(b, "rows", drill_columns(k, columns) > 0);
	put_open(b, "values", '[');
	for (int p = 1; p <= q->ask.periods; p++)
		put_period(r, q, k, in, p);
	put_close(b, ']');
	put_close(b, '}');
}

static bool put_group(struct request *r, struct asked *q, const struct slice *slice)
{
	struct buf *b = &r->out;
	struct err err;
	struct kpi_input *in = arena_array(&r->arena, struct kpi_input, (size_t)q->ask.periods + 1);
	if (!figures_make(&q->shop, &q->ask, in, &err)) {
		request_err(r, &err);
		return false;
	}
	bool whole = !slice && !q->segment && !figures_narrowed(&q->ask);
	for (int p = 0; whole && p <= q->ask.periods; p++)
		objectives_into(&q->shop, q->objectives, q->objective_count, OBJECTIVE_SHOP, STR(""),
		                q->ask.first_month + (p - 1) * q->ask.each, q->ask.each, &in[p]);
	put_open(b, NULL, '{');
	if (slice)
		put_str(b, "name", slice->name);
	else
		put_null(b, "name");
	put_open(b, "figures", '[');
	for (int k = 0; k < KPI_ALL; k++)
		put_figure(r, q, (enum kpi)k, in);
	put_close(b, ']');
	put_close(b, '}');
	return true;
}

static bool put_slices(struct request *r, struct asked *q, const char *split)
{
	enum slice_by by;
	struct slice *all;
	struct err err;
	size_t count, size = ((size_t)q->shop.version->customers + 64) / 64 * sizeof(uint64_t);
	if (!slice_find(str_from(split), &by)) {
		request_problem(r, 422, "\"split\" is sector, category, store, channel or seller");
		return false;
	}
	if (!slices_list(&q->shop, by, &all, &count, &err)) {
		request_err(r, &err);
		return false;
	}
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		struct asked one = *q;
		one.segment = q->segment ? memcpy(mem_alloc(size), q->segment, size) : NULL;
		one.ask.segment = one.segment;
		slice_narrow(&one.shop, by, &all[i], &one.ask, &one.segment);
		ok = put_group(r, &one, &all[i]);
		free(one.segment);
	}
	free(all);
	return ok;
}

void on_kpi(struct request *r)
{
	struct asked q = { 0 };
	const char *split = request_query(r, "split");
	if (!request_book(r))
		return;
	bool ok = asked_read(r, &q);
	q.ask.worth = !split;
	if (ok) {
		put_open(&r->out, NULL, '{');
		put_open(&r->out, "groups", '[');
		ok = split ? put_slices(r, &q, split) : put_group(r, &q, NULL);
	}
	asked_release(&q);
	if (!ok)
		return;
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* ---- rows ---- */

struct behind {
	enum kpi figure;
	const struct asked *asked;
};

static bool list_rows(void *ctx, const struct drill_sink *sink, struct err *err)
{
	const struct behind *x = ctx;
	(void)err;
	drill_make(x->figure, &x->asked->shop, &x->asked->ask, sink);
	return true;
}

static void kpi_rows(struct request *r, bool as_file)
{
	struct asked q = { 0 };
	struct drill_column columns[DRILL_COLUMNS_MAX];
	struct behind x = { .asked = &q };
	if (!kpi_find(r->args[0], &x.figure)) {
		request_problem(r, 404, "there is no such figure; GET /kpi lists them");
		return;
	}
	int count = drill_columns(x.figure, columns);
	if (count == 0) {
		request_problem(r, 422, "this figure has no rows: it is the sum of a model or of objectives");
		return;
	}
	if (request_book(r) && asked_read(r, &q))
		rows_answer(r, &(struct rows){ kpi_definition(x.figure)->key, columns, count, list_rows, &x }, as_file);
	asked_release(&q);
}

void on_kpi_rows(struct request *r)
{
	kpi_rows(r, false);
}

void on_kpi_csv(struct request *r)
{
	kpi_rows(r, true);
}

/* ---- objectives ---- */

static void put_progress(struct request *r, const struct objective_progress *p)
{
	const struct objective *o = p->of;
	struct currency currency = r->web->settings->currency;
	bool french = request_locale(r) == LOCALE_FR,
		 counted = p->state != OBJECTIVE_UNKNOWN && p->state != OBJECTIVE_AHEAD;
	double scale = o->measure == OBJECTIVE_CONVERSION ? 0.001 : 1;
	struct buf *b = &r->out, text;
	char period[12];
	buf_init(&text, 1 << 12);
	figures_month_text(o->first_month, o->months, period);
	put_open(b, NULL, '{');
	put_int(b, "id", o->id);
	put_cstr(b, "scope", OBJECTIVE_SCOPE_NAMES[o->scope]);
	put_str(b, "name", o->name);
	put_cstr(b, "measure", OBJECTIVE_MEASURE_NAMES[o->measure]);
	put_cstr(b, "unit",
	         o->measure == OBJECTIVE_REVENUE      ? "money"
	         : o->measure == OBJECTIVE_CONVERSION ? "percent"
	                                              : "count");
	put_cstr(b, "period", period);
	put_real(b, "target", (double)o->target * scale);
	put_value(b, "reached", (struct kpi_value){ .known = counted, .value = (double)p->reached * scale });
	put_value(b, "attainment", (struct kpi_value){ .known = counted, .value = p->attainment });
	put_value(b, "expected", (struct kpi_value){ .known = p->projected, .value = p->expected * scale });
	put_value(b, "low", (struct kpi_value){ .known = p->projected, .value = p->low * scale });
	put_value(b, "high", (struct kpi_value){ .known = p->projected, .value = p->high * scale });
	put_int(b, "days", p->length);
	put_int(b, "days_over", p->elapsed);
	put_cstr(b, "state", objective_state_key(p->state));
	objective_title(o, french, &text);
	put_str(b, "title", buf_view(&text));
	buf_clear(&text);
	objective_text(p, currency, french, &text);
	put_str(b, "text", buf_view(&text));
	put_open(b, "members", '[');
	for (struct str rest = o->members; rest.n;) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;
		put_str(b, NULL, (struct str){ rest.p, n });
		rest = (struct str){ rest.p + n + (end != NULL), rest.n - n - (end != NULL) };
	}
	put_close(b, ']');
	put_close(b, '}');
	buf_release(&text);
}

/* Who runs the shop, or a program, sees all; anybody else the shop's and what concerns them. */
static bool sees(const struct request *r, const struct objective *o)
{
	return r->who.account == 0 || r->who.may & (MAY_PLANS | MAY_ADMIN) || objective_concerns(o, str_from(r->who.name));
}

void on_objectives(struct request *r)
{
	struct objective *list;
	struct figures_shop shop;
	struct err err;
	size_t count;
	int first = 0, months = 0;
	const char *period = request_query(r, "period");
	if (period && !objective_period_read(str_from(period), &first, &months)) {
		request_problem(r, 422, "\"period\" is such as 2026-11, 2026-Q4 or 2026");
		return;
	}
	struct db *db = request_book(r) ? request_db(r) : NULL;
	if (!db)
		return;
	if (!objectives_read(db, &r->arena, &list, &count, &err)) {
		request_err(r, &err);
		return;
	}
	if (!request_figures(r, &shop))
		return;
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < count; i++) {
		struct objective_progress p;
		if (!sees(r, &list[i]) || (period && (list[i].first_month != first || list[i].months != months)))
			continue;
		objective_progress(&shop, &list[i], &p);
		put_progress(r, &p);
	}
	put_close(&r->out, ']');
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

static int find(const char *text, const char *const *names, int count)
{
	for (int i = 0; text && i < count; i++)
		if (str_is(str_from(text), names[i]))
			return i;
	return -1;
}

static struct str members_of(struct request *r, const json_t *list)
{
	struct buf b;
	buf_init(&b, (BODY_NAME_MAX + 1) * OBJECTIVE_MEMBERS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text && *text && !strchr(text, '\n'))
			buf_printf(&b, "%s%s", b.n ? "\n" : "", text);
	}
	struct str out = arena_str(&r->arena, buf_view(&b));
	buf_release(&b);
	return out;
}

/* {"scope", "name", "measure", "period", "target", "members"?}: target as GET gives it. */
static bool read_objective(struct request *r, const json_t *body, struct objective *o)
{
	const char *name = member(body, "name"), *period = member(body, "period");
	int scope = find(member(body, "scope"), OBJECTIVE_SCOPE_NAMES, OBJECTIVE_SCOPES);
	int measure = find(member(body, "measure"), OBJECTIVE_MEASURE_NAMES, OBJECTIVE_MEASURES);
	double target = json_number_value(json_object_get(body, "target"));
	if (scope < 0 || measure < 0) {
		request_problem(r, 422,
		                "\"scope\" is shop, team, person or plan; \"measure\" revenue, orders, volume or conversion");
		return false;
	}
	*o = (struct objective){ .scope = (enum objective_scope)scope,
		                     .name = arena_str(&r->arena, str_trim(str_from(name ? name : ""))),
		                     .measure = (enum objective_measure)measure,
		                     .members = members_of(r, json_object_get(body, "members")) };
	if (!period || !objective_period_read(str_from(period), &o->first_month, &o->months)) {
		request_problem(r, 422, "\"period\" is such as 2026-11, 2026-Q4 or 2026");
		return false;
	}
	if (!(target > 0) || target > 1e15) {
		request_problem(r, 422, "\"target\" is a number above 0: minor units, a count, per cent");
		return false;
	}
	o->target = (int64_t)(target * (measure == OBJECTIVE_CONVERSION ? 1000 : 1) + 0.5);
	return true;
}

void on_objective_post(struct request *r)
{
	struct objective o;
	struct err err;
	int64_t id;
	json_t *body = request_json(r);
	if (!body)
		return;
	bool ok = read_objective(r, body, &o);
	json_decref(body);
	if (!ok)
		return;
	if (!objective_put(live_db(r->web->live), &o, clock_now(), r->who.actor, &id, &err)) {
		request_err(r, &err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "id", id);
	put_close(&r->out, '}');
	request_send_json(r, 201);
}

void on_objective_delete(struct request *r)
{
	struct err err;
	int64_t id = 0;
	if (!str_i64(r->args[0], &id) || !objective_remove(live_db(r->web->live), id, clock_now(), r->who.actor, &err)) {
		request_problem(r, 404, "there is no such objective");
		return;
	}
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "deleted", id);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}
