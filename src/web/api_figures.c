/* Figures: what plans did, months, the life cycle over time, consents, settings. Only what is measured is said. */
#include "web/web_int.h"

#include "app/clock.h"
#include "app/config.h"
#include "app/uplift.h"
#include "base/par.h"
#include "fold/basis.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

enum { MONTHS_MAX = 240, POINTS_MAX = 53 };

struct month {
	uint64_t orders, new_customers;
	int64_t revenue, sales;
};

/* from and to of the query: dates; false: problem set. */
static bool range(struct request *r, int days_back, struct date *from, struct date *to)
{
	const char *f = request_query(r, "from"), *t = request_query(r, "to");
	struct date today = zone_date(r->web->shop.zone, clock_now());
	*to = today;
	if (t && !date_parse(str_from(t), to)) {
		request_problem(r, 422, "\"to\" is a date such as 2026-12-31");
		return false;
	}
	*from = (struct date){ to->day - days_back };
	if ((f && !date_parse(str_from(f), from)) || from->day > to->day) {
		request_problem(r, 422, "\"from\" is a date such as 2026-01-01, not after \"to\"");
		return false;
	}
	return true;
}

static int month_index(struct date d)
{
	int y, m, day;
	date_ymd(d, &y, &m, &day);
	return y * 12 + m - 1;
}

static void put_months(struct request *r, const struct version *v, struct date from, struct date to)
{
	struct buf *b = &r->out;
	zone_id zone = r->web->settings->zone;
	int first = month_index(from), last = month_index(to);
	if (last - first >= MONTHS_MAX)
		first = last - MONTHS_MAX + 1;
	struct month *months = arena_array(&r->arena, struct month, (size_t)(last - first + 1));
	for (customer_id c = 1; c <= v->customers; c++) {
		struct view w;
		bool bought = false;
		view_at(&w, v, c, clock_now());
		for (uint32_t o = w.order0; o < w.order1; o++) {
			int m = month_index(zone_date(zone, (struct instant){ w.k->order_at[o] }));
			bool sale = order_is_sale(w.k, o), new_one = sale && !bought;
			bought |= sale;
			if (m < first || m > last)
				continue;
			months[m - first].orders += sale;
			months[m - first].new_customers += new_one;
			months[m - first].revenue += order_total(w.k, o);
			months[m - first].sales += sale ? order_total(w.k, o) : 0;
		}
	}
	put_open(b, "months", '[');
	for (int m = first; m <= last; m++) {
		const struct month *x = &months[m - first];
		char text[32];
		snprintf(text, sizeof text, "%04d-%02d", m / 12, m % 12 + 1);
		put_open(b, NULL, '{');
		put_cstr(b, "month", text);
		put_int(b, "orders", (int64_t)x->orders);
		put_int(b, "revenue", x->revenue);
		put_int(b, "new_customers", (int64_t)x->new_customers);
		if (x->orders)
			put_int(b, "mean_basket", thresholds_divide(x->sales, x->orders));
		else
			put_null(b, "mean_basket");
		put_close(b, '}');
	}
	put_close(b, ']');
}

static void put_kpi(struct buf *b, const char *name, const char *unit, const char *formula, bool known, double v,
                    const char *because)
{
	put_open(b, NULL, '{');
	put_cstr(b, "name", name);
	if (known)
		put_real(b, "value", v);
	else
		put_null(b, "value");
	put_cstr(b, "unit", unit);
	put_cstr(b, "formula", formula);
	if (!known)
		put_cstr(b, "unknown_because", because);
	put_close(b, '}');
}

/* What the plan brought beside its control group: total over those treated, in minor units, with its interval. */
static void put_uplift(struct request *r, const struct figures_shop *shop, uint16_t plan, struct date from,
                       struct date to, bool french)
{
	struct buf *b = &r->out;
	zone_id zone = shop->settings->zone;
	struct uplift *u = arena_new(&r->arena, struct uplift);
	struct finding found;
	struct uplift_ask ask = { .plan = plan,
		                      .from = zone_instant(zone, from, 0),
		                      .to = zone_instant(zone, (struct date){ to.day + 1 }, 0),
		                      .margin_per_mille = -1 };
	uplift_make(shop, &ask, u);
	const struct comparison *c = &u->outcome[UPLIFT_REVENUE];
	if (!c->known)
		return;
	uplift_finding(u, UPLIFT_REVENUE, shop->settings, french, &found);
	double minor = c->treated_n;
	for (int i = 0; i < shop->settings->currency.exponent; i++)
		minor *= 10;
	put_open(b, "uplift", '{');
	put_real(b, "value", c->difference * minor);
	put_real(b, "low", c->low * minor);
	put_real(b, "high", c->high * minor);
	put_cstr(b, "verdict", finding_name(found.kind));
	put_cstr(b, "text", found.text);
	put_close(b, '}');
}

void on_figures(struct request *r)
{
	struct date from, to;
	struct buf *b = &r->out;
	enum locale locale = request_locale(r);
	uint64_t knowable = 0, opened = 0, clicked = 0;
	struct figures_shop shop;
	const struct world *world = range(r, 365, &from, &to) ? request_still_world(r) : NULL;
	if (!world || !request_figures(r, &shop))
		return;
	const struct plan_set *set = shop.plans;
	zone_id zone = shop.settings->zone;
	const struct summary_period period = { zone_instant(zone, from, 0),
		                                   zone_instant(zone, (struct date){ to.day + 1 }, 0) };
	struct summary *s = summary_make(world, r->still->states, clock_now(), &period);
	put_open(b, NULL, '{');
	put_open(b, "plans", '[');
	for (uint16_t i = 0; i < s->count; i++) {
		const struct plan_summary *p = &s->plans[i];
		if (set->family[i] != i)
			continue;
		put_open(b, NULL, '{');
		put_str(b, "name", set->plans[i]->name);
		put_str(b, "title", set->plans[set->current[i]]->title[locale]);
		put_int(b, "entered", p->entered);
		put_int(b, "control", p->control);
		put_int(b, "sent", p->sent);
		put_int(b, "knowable", p->knowable);
		put_int(b, "opened", p->opened);
		put_int(b, "clicked", p->clicked);
		put_int(b, "orders", p->orders);
		put_int(b, "revenue", p->revenue);
		if (p->control && p->control < p->entered)
			put_uplift(r, &shop, i, from, to, locale == LOCALE_FR);
		put_close(b, '}');
		knowable += p->knowable;
		opened += p->opened;
		clicked += p->clicked;
	}
	summary_free(s);
	put_close(b, ']');
	put_months(r, r->version, from, to);
	put_open(b, "kpis", '[');
	const struct thresholds *t = r->still->world.thresholds;
	put_kpi(b, "average_basket", "money", "mean order value of the trailing 12 months", t->buyers_12m > 0,
	        (double)t->average_basket, "nobody ordered in the last 12 months");
	put_kpi(b, "buyers_12m", "customers", "customers who ordered in the trailing 12 months", true, t->buyers_12m, "");
	put_kpi(b, "open_rate", "share", "opened / e-mails whose opens may be known", knowable > 0,
	        knowable ? (double)opened / (double)knowable : 0, "no e-mail left whose opening may be known");
	put_kpi(b, "click_rate", "share", "clicked / e-mails whose opens may be known", knowable > 0,
	        knowable ? (double)clicked / (double)knowable : 0, "no e-mail left whose opening may be known");
	put_close(b, ']');
	put_close(b, '}');
	request_send_json(r, 200);
}

/* ---- the life cycle over time ---- */

struct point {
	struct lifecycle_day day;
	struct thresholds thresholds;
	uint64_t counts[PHASE_COUNT];
};
struct points {
	const struct version *v;
	const uint64_t *here; /* a bit per customer: neither erased nor merged away */
	const struct lifecycle_settings *settings;
	struct point *points;
	size_t count;
	pthread_mutex_t lock; /* of their counts */
};

enum { CHUNK_PEOPLE = 4096 };

/* Each customer once, at every day: what is read of them stays near. Sums do not depend on who adds them. */
static void count_people(void *ctx, size_t from, size_t to, int thread)
{
	struct points *all = ctx;
	uint64_t counts[POINTS_MAX][PHASE_COUNT] = { { 0 } };
	(void)thread;
	for (size_t c = from + 1; c <= to; c++)
		for (size_t i = 0; i < all->count && all->here[c >> 6] >> (c & 63) & 1; i++) {
			const struct point *x = &all->points[i];
			struct view view;
			view_at(&view, all->v, (customer_id)c, (struct instant){ x->day.cutoff - 1 });
			const struct profile *p = view_profile(&view);
			if (view.order0 == view.order1 && p->created && p->created >= x->day.cutoff)
				continue; /* not there yet */
			counts[i][lifecycle_phase(&view, &x->day, &x->thresholds, all->settings)]++;
		}
	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; i < all->count; i++)
		for (int p = 0; p < PHASE_COUNT; p++)
			all->points[i].counts[p] += counts[i][p];
	pthread_mutex_unlock(&all->lock);
}

static void put_points(struct buf *b, const struct points *all)
{
	put_open(b, "days", '[');
	for (size_t i = 0; i < all->count; i++) {
		put_open(b, NULL, '{');
		put_date(b, "day", all->points[i].thresholds.day);
		for (int p = 0; p < PHASE_COUNT; p++)
			put_int(b, phase_name((enum phase)p), (int64_t)all->points[i].counts[p]);
		put_close(b, '}');
	}
	put_close(b, ']');
}

void on_lifecycle(struct request *r)
{
	struct web *w = r->web;
	struct date from, to;
	if (!range(r, 364, &from, &to))
		return;
	const struct version *v = request_book(r);
	if (!v || !request_db(r))
		return;
	uint64_t *here = arena_array(&r->arena, uint64_t, ((size_t)v->customers + 64) / 64);
	memset(here, 0xff, ((size_t)v->customers + 64) / 64 * sizeof *here);
	if (!bits_without_gone(r, here, v->customers))
		return;
	int step = (to.day - from.day + POINTS_MAX - 2) / (POINTS_MAX - 1);
	step = step ? step : 1;
	struct points all = { .v = v,
		                  .here = here,
		                  .settings = &w->settings->lifecycle,
		                  .points = arena_array(&r->arena, struct point, POINTS_MAX),
		                  .lock = PTHREAD_MUTEX_INITIALIZER };
	for (int32_t d = to.day - (to.day - from.day) / step * step; d <= to.day; d += step) {
		struct point *x = &all.points[all.count++];
		*x = (struct point){ .counts = { 0 } };
		thresholds_compute(w->book, v, (struct date){ d }, all.settings, w->o.threads, &x->thresholds);
		lifecycle_day_init(&x->day, w->settings->zone, (struct date){ d }, all.settings);
	}
	par_for(v->customers, CHUNK_PEOPLE, w->o.threads, count_people, &all);
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "step_days", step);
	put_points(&r->out, &all);
	put_close(&r->out, '}');
	request_send_json(r, 200);
}

/* ---- consents ---- */

void on_compliance(struct request *r)
{
	struct buf *b = &r->out;
	struct err err;
	const struct version *v = request_book(r);
	struct db *db = v ? request_db(r) : NULL;
	uint64_t counts[CHANNEL_STAFF][4] = { { 0 } };
	if (!db)
		return;
	for (customer_id c = 1; c <= v->customers; c++) {
		struct view view;
		view_at(&view, v, c, clock_now());
		for (int ch = 0; view.consent0 < view.consent1 && ch < CHANNEL_STAFF; ch++) {
			const struct consent *said = basis_said(&view, (enum channel)ch, PURPOSE_MARKETING);
			if (said && said->state < 4)
				counts[ch][said->state]++;
		}
	}
	struct query *q = db_query(db, "web_suppressions");
	int64_t suppressions = query_next(q, &err) == 1 ? query_get_int(q, 0) : -1;
	query_done(q);
	if (suppressions < 0) {
		request_err(r, &err);
		return;
	}
	put_open(b, NULL, '{');
	put_open(b, "consents", '{');
	for (int ch = 0; ch < CHANNEL_STAFF; ch++) {
		put_open(b, channel_name((enum channel)ch), '{');
		put_int(b, "granted", (int64_t)counts[ch][CONSENT_GRANTED]);
		put_int(b, "soft", (int64_t)counts[ch][CONSENT_SOFT]);
		put_int(b, "withdrawn", (int64_t)counts[ch][CONSENT_WITHDRAWN]);
		put_int(b, "opposed", (int64_t)counts[ch][CONSENT_OPPOSED]);
		put_close(b, '}');
	}
	put_close(b, '}');
	put_int(b, "suppressions", suppressions);
	if (!requests_put(r, request_db(r), true, 0, 200, &err)) {
		request_err(r, &err);
		return;
	}
	put_close(b, '}');
	request_send_json(r, 200);
}

/* ---- settings ---- */

static void put_hour(struct buf *b, const char *key, int32_t s)
{
	char text[24];
	snprintf(text, sizeof text, "%02d:%02d", s / 3600, s / 60 % 60);
	put_cstr(b, key, text);
}

static void put_pressure(struct buf *b, const char *key, const struct pressure_rule *p)
{
	put_open(b, key, '{');
	if (p->limit >= 0)
		put_int(b, "limit", p->limit);
	else
		put_null(b, "limit");
	put_int(b, "days", p->window_days);
	put_close(b, '}');
}

/* {"pressure.email": "2/7", …}: each is checked, stored as a fact, audited; from the next opening of the shop on for
 * what is in memory. */
void on_settings_put(struct request *r)
{
	json_t *o = request_json(r), *v;
	struct db *db = live_db(r->web->live);
	struct err err;
	const char *name;
	if (!o)
		return;
	json_object_foreach(o, name, v)
	{
		const struct config_item *item = config_find(str_from(name));
		if (!item || !json_is_string(v)) {
			request_problem(
				r, 422, item ? "\"%s\" has to be text such as \"%s\"" : "there is no setting \"%s\"; GET lists them",
				name, item ? item->example : "");
			json_decref(o);
			return;
		}
		if (!config_set(db, &r->web->shop, str_from(name), str_from(json_string_value(v)), clock_now(), r->who.actor,
		                &err)) {
			request_err(r, &err);
			json_decref(o);
			return;
		}
	}
	json_decref(o);
	on_settings(r);
}

static bool put_items(struct request *r)
{
	struct db *db = request_db(r);
	struct settings *now = arena_new(&r->arena, struct settings);
	struct err err;
	if (!db)
		return false;
	if (!config_read(db, &r->web->shop, now, &err)) {
		request_err(r, &err);
		return false;
	}
	put_open(&r->out, "items", '[');
	for (size_t i = 0; i < CONFIG_ITEM_COUNT; i++) {
		const struct config_item *item = &CONFIG_ITEMS[i];
		struct str text;
		if (!config_text(db, now, item, &r->arena, &text, &err)) {
			request_err(r, &err);
			return false;
		}
		bool secret = strstr(item->name, "password") || strstr(item->name, "secret") || strstr(item->name, "key");
		put_open(&r->out, NULL, '{');
		put_cstr(&r->out, "name", item->name);
		put_str(&r->out, "value", secret ? STR("") : text);
		put_cstr(&r->out, "example", item->example);
		put_cstr(&r->out, "help", item->help);
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	return true;
}

void on_settings(struct request *r)
{
	struct web *w = r->web;
	struct buf *b = &r->out;
	if (!request_book(r))
		return;
	const struct settings *s = w->settings;
	put_open(b, NULL, '{');
	put_open(b, "shop", '{');
	put_cstr(b, "name", w->shop.name);
	put_cstr(b, "zone", zone_name(s->zone));
	put_cstr(b, "currency", s->currency.code);
	put_int(b, "exponent", s->currency.exponent);
	put_cstr(b, "locale", locale_name(s->locale));
	put_close(b, '}');
	put_open(b, "hours", '{');
	put_hour(b, "quiet_from", s->quiet_from_s);
	put_hour(b, "quiet_to", s->quiet_to_s);
	put_bool(b, "quiet_sundays", s->quiet_sundays);
	put_bool(b, "quiet_holidays", s->quiet_holidays);
	put_close(b, '}');
	put_open(b, "pressure", '{');
	for (int c = 0; c < CHANNEL_STAFF; c++)
		put_pressure(b, channel_name((enum channel)c), &s->pressure[c]);
	put_pressure(b, "all", &s->pressure_all);
	put_close(b, '}');
	put_open(b, "costs", '{');
	for (int c = 0; c < CHANNEL_STAFF; c++)
		put_real(b, channel_name((enum channel)c), (double)s->channel_cost[c] / 1000.0);
	put_close(b, '}');
	put_open(b, "lifecycle", '{');
	put_int(b, "loyal_orders", s->lifecycle.loyal_orders);
	put_int(b, "ambassador_orders", s->lifecycle.ambassador_orders);
	put_int(b, "lapsing_months", s->lifecycle.lapsing_months);
	put_int(b, "former_months", s->lifecycle.former_months);
	put_int(b, "ambassador_percent", s->lifecycle.ambassador_percent);
	put_close(b, '}');
	put_bool(b, "post_opt_in", s->post_opt_in);
	put_bool(b, "soft_opt_in", s->soft_opt_in);
	if (!put_items(r))
		return;
	put_close(b, '}');
	request_send_json(r, 200);
}
