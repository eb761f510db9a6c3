/* Today, the emergency stop, health, metrics, events. */
#include "app/live_int.h"
#include "app/request.h"
#include "web/web_int.h"

#include "app/clock.h"
#include "app/switch.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

enum locale request_locale(struct request *r)
{
	const char *asked = request_query(r, "lang");
	if (!asked)
		asked = request_header(r, "Accept-Language");
	if (asked && strncmp(asked, "fr", 2) != 0 && strncmp(asked, "en", 2) != 0)
		asked = NULL;
	if (!asked && r->who.locale[0])
		asked = r->who.locale;
	if (!asked)
		return r->web->shop.locale;
	return strncmp(asked, "en", 2) == 0 ? LOCALE_EN : LOCALE_FR;
}

/* ---- the life cycle of everybody, now ---- */

static void count_phases(struct web *w, const struct version *v, const struct thresholds *t, uint64_t counts[8])
{
	struct lifecycle_day day;
	memset(counts, 0, 8 * sizeof *counts);
	lifecycle_day_init(&day, w->settings->zone, t->day, &w->settings->lifecycle);
	for (customer_id c = 1; c <= v->customers; c++) {
		struct view view;
		view_at(&view, v, c, (struct instant){ day.cutoff - 1 });
		counts[lifecycle_phase(&view, &day, t, &w->settings->lifecycle)]++;
	}
}

static bool count_out(struct request *r, const struct version *v, const struct thresholds *t, uint64_t counts[8])
{
	struct err err;
	struct lifecycle_day day;
	struct db *db = request_db(r);
	if (!db)
		return false;
	lifecycle_day_init(&day, r->web->settings->zone, t->day, &r->web->settings->lifecycle);
	struct query *q = db_query(db, "web_customers_gone");
	int got;
	while ((got = query_next(q, &err)) == 1) {
		customer_id c = (customer_id)query_get_int(q, 0);
		struct view view;
		if (c > v->customers)
			continue;
		view_at(&view, v, c, (struct instant){ day.cutoff - 1 });
		enum phase p = lifecycle_phase(&view, &day, t, &r->web->settings->lifecycle);
		counts[p] -= counts[p] > 0;
	}
	if (got < 0)
		request_err(r, &err);
	return got == 0;
}

enum { PHASES_LARGE = 100000, PHASES_S = 10 };

const char *phase_counts(struct request *r, uint64_t counts[8])
{
	struct web *w = r->web;
	const struct version *v = request_book(r);
	struct thresholds t = web_thresholds(w);
	if (!v)
		return "no book";
	pthread_mutex_lock(&w->lock);
	/* facts that come all the time make versions all the time: of a large base the counts may be some seconds old */
	bool fresh =
		w->phases_version == v->number || (v->customers > PHASES_LARGE && clock_monotonic() - w->phases_at < PHASES_S);
	bool known = fresh && w->phases_day.day == t.day.day && w->phases_version;
	memcpy(counts, w->phases, sizeof w->phases);
	pthread_mutex_unlock(&w->lock);
	if (known)
		return NULL;
	count_phases(w, v, &t, counts);
	if (!count_out(r, v, &t, counts))
		return "no database";
	pthread_mutex_lock(&w->lock);
	memcpy(w->phases, counts, sizeof w->phases);
	w->phases_version = v->number;
	w->phases_at = clock_monotonic();
	w->phases_day = t.day;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- GET /today ---- */

enum { HOURS = 26 }; /* of the longest day, and one more */

/* What is still to leave: by plan, channel and hour of the shop's day. */
struct due {
	uint32_t count;
	int64_t at; /* the earliest */
};
struct day_ahead {
	const struct world *w;
	int64_t start;
	struct due *due; /* [plan][channel][hour] */
};

static void add_due(struct day_ahead *d, uint16_t family, int channel, int64_t at)
{
	int64_t hour = (at - d->start) / 3600;
	hour = hour < 0 ? 0 : hour >= HOURS ? HOURS - 1 : hour;
	struct due *x = &d->due[((size_t)family * CHANNEL_COUNT + (size_t)channel) * HOURS + (size_t)hour];
	x->at = !x->count || at < x->at ? at : x->at;
	x->count++;
}

static void put_leaving(struct buf *b, const struct day_ahead *d, const struct summary *s, enum locale locale)
{
	const struct plan_set *set = d->w->plans;
	put_open(b, "leaving", '[');
	for (uint16_t i = 0; i < s->count; i++)
		for (int c = 0; c < CHANNEL_COUNT * HOURS && set->family[i] == i; c++) {
			const struct plan *p = set->plans[set->current[i]];
			const struct due *x = &d->due[(size_t)i * CHANNEL_COUNT * HOURS + (size_t)c];
			if (!x->count)
				continue;
			put_open(b, NULL, '{');
			put_str(b, "plan", p->name);
			put_str(b, "title", p->title[locale]);
			put_cstr(b, "channel", channel_name((enum channel)(c / HOURS)));
			put_int(b, "count", x->count);
			put_instant(b, "next_at", (struct instant){ x->at });
			put_close(b, '}');
		}
	put_close(b, ']');
}

static void put_sent_today(struct buf *b, const struct world *w, const struct summary *s)
{
	put_open(b, "sent_today", '[');
	for (uint16_t i = 0; i < s->count; i++)
		for (int c = 0; c < CHANNEL_COUNT && w->plans->family[i] == i; c++)
			if (s->plans[i].sent_today[c]) {
				put_open(b, NULL, '{');
				put_str(b, "plan", w->plans->plans[i]->name);
				put_cstr(b, "channel", channel_name((enum channel)c));
				put_int(b, "count", s->plans[i].sent_today[c]);
				put_close(b, '}');
			}
	put_close(b, ']');
}

static void put_held(struct buf *b, const struct world *w, const struct summary *s, enum locale locale)
{
	put_open(b, "held", '[');
	for (uint16_t i = 0; i < s->count; i++)
		for (int h = 1; h < REASON_COUNT && w->plans->family[i] == i; h++) {
			struct buf text;
			int64_t until = s->plans[i].held_until[h];
			if (!s->plans[i].held[h])
				continue;
			buf_init(&text, 1024);
			reason_text((enum reason)h, until, w->settings->zone, locale, &text);
			put_open(b, NULL, '{');
			put_cstr(b, "reason", reason_name((enum reason)h));
			put_str(b, "text", buf_view(&text));
			put_int(b, "count", s->plans[i].held[h]);
			put_str(b, "plan", w->plans->plans[i]->name);
			put_instant(b, "until", (struct instant){ until });
			put_close(b, '}');
			buf_release(&text);
		}
	put_close(b, ']');
}

static void put_need(struct buf *b, const char *kind, int64_t count, const char *text, const char *link)
{
	if (!count)
		return;
	put_open(b, NULL, '{');
	put_cstr(b, "kind", kind);
	put_int(b, "count", count);
	put_cstr(b, "text", text);
	put_cstr(b, "link", link);
	put_close(b, '}');
}

static bool look_ahead(struct request *r, struct day_ahead *out)
{
	struct forecast *f = request_forecast(r);
	if (!f)
		return false;
	const struct world *w = request_still_world(r);
	*out = (struct day_ahead){
		.w = w,
		.start = zone_instant(w->settings->zone, f->day, 0).s,
		.due = arena_array(&r->arena, struct due, (w->plans->count + 1) * CHANNEL_COUNT * HOURS),
	};
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].family < w->plans->count)
			add_due(out, f->items[i].family, f->items[i].channel, f->items[i].at);
	forecast_let_go(r->web, f);
	return true;
}

void on_today(struct request *r)
{
	struct buf *b = &r->out;
	struct err err;
	uint64_t phases[8];
	int64_t counts[MESSAGE_STATE_COUNT], requests_open, requests_late, unwritten;
	struct day_ahead ahead;
	enum locale locale = request_locale(r);
	const struct summary *s = request_summary(r);
	struct str why;
	struct db *db = s ? request_db(r) : NULL;
	if (!db || !look_ahead(r, &ahead) || phase_counts(r, phases))
		return;
	const struct world *w = ahead.w;
	if (!outbox_counts(db, counts, &err) || !outbox_unwritten(db, &r->arena, &unwritten, &why, &err) ||
	    !request_counts(db, clock_now(), &requests_open, &requests_late, &err)) {
		request_err(r, &err);
		return;
	}
	bool fr = locale == LOCALE_FR;
	put_open(b, NULL, '{');
	put_instant(b, "now", s->at);
	put_cstr(b, "held_by", w->hold_all == REASON_NONE ? NULL : reason_name(w->hold_all));
	put_leaving(b, &ahead, s, locale);
	put_sent_today(b, w, s);
	put_held(b, w, s, locale);
	put_open(b, "needs_you", '[');
	put_need(b, "uncertain", counts[MESSAGE_UNCERTAIN],
	         fr ? "Messages dont on ne sait pas s’ils sont partis\u00a0: à vérifier"
	            : "Messages that may or may not have left: look at them",
	         "/compliance");
	put_need(b, "unwritten", unwritten,
	         arena_cstr(&r->arena, arena_printf(&r->arena,
	                                            fr ? "Messages qui attendent qu’on les corrige ; l’un d’eux : %.*s"
	                                               : "Messages that wait to be mended; one of them: %.*s",
	                                            STR_ARG(why))),
	         str_starts(why, STR("cannot be written")) ? "/messages" : "/settings");
	put_need(b, "approval", w->hold_all == REASON_CLOCK_JUMP || w->hold_all == REASON_RESTORED,
	         fr ? "Les envois attendent votre accord\u00a0: l’horloge a sauté ou une sauvegarde a été remise"
	            : "Sending waits for your consent: the clock jumped or a backup was put back",
	         "/settings");
	put_need(b, "request", requests_open,
	         requests_late
	             ? (fr ? "Demandes de clients dont le délai est passé" : "Customers’ requests that are overdue")
	             : (fr ? "Demandes et messages de clients, à traiter dans le mois"
	                   : "Customers’ requests and messages, to be answered within a month"),
	         "/compliance");
	put_need(b, "retention", retention_overdue(r->web),
	         fr ? "Personnes dont les données ne peuvent plus être gardées : à regarder, puis à effacer"
	            : "People whose data may not be kept any longer: to be looked at, then erased",
	         "/compliance?tab=retention");
	put_close(b, ']');
	put_open(b, "brought", '{');
	put_int(b, "orders", s->orders);
	put_int(b, "revenue", s->revenue);
	put_instant(b, "since", s->since);
	put_close(b, '}');
	put_open(b, "lifecycle", '{');
	for (int p = 0; p < PHASE_COUNT; p++)
		put_int(b, phase_name((enum phase)p), (int64_t)phases[p]);
	put_close(b, '}');
	put_close(b, '}');
	request_send_json(r, 200);
}

/* ---- the emergency stop ---- */

static void held(struct request *r, bool stop)
{
	struct web *w = r->web;
	struct err err;
	struct db *db = live_db(w->live);
	if (!(stop ? switch_stop(db, clock_now(), r->who.actor, &err)
	           : switch_resume(db, clock_now(), r->who.actor, &err))) {
		request_err(r, &err);
		return;
	}
	put_open(&r->out, NULL, '{');
	put_cstr(&r->out, "held_by", stop ? reason_name(REASON_EMERGENCY_STOP) : NULL);
	put_close(&r->out, '}');
	request_send_json(r, 200);
	web_event(w, "tick", "{\"held_by\":%s}", stop ? "\"emergency_stop\"" : "null");
}

void on_stop(struct request *r)
{
	held(r, true);
}

void on_resume(struct request *r)
{
	held(r, false);
}
