#include "engine/trigger.h"

#include "base/hash.h"

struct look {
	const struct world *w;
	const struct subject *s;
	const struct plan *plan;
	uint16_t index;
	firing_fn found;
	void *ctx;
	int64_t next; /* earliest firing after now */
};

static void next_at(struct look *l, int64_t at)
{
	if (at > l->s->view.now.s && at < l->next)
		l->next = at;
}

/* A firing of an event: not from before the plan was on, not longer ago than `late`; later, it is remembered as next.
 */
static void fire_event(struct look *l, int64_t event_at, int64_t at, uint64_t subject)
{
	int64_t now = l->s->view.now.s;
	if (event_at <= l->w->plans->on_since[l->index])
		return;
	if (at > now) {
		next_at(l, at);
		return;
	}
	if (now - at > l->plan->late_s)
		return;
	l->found(l->ctx, &(struct firing){ .at = { at }, .anchor = { event_at }, .subject = subject });
}

/* The trigger's own delay: civil days at the same hour, then hours. */
static int64_t delayed(const struct look *l, int64_t at)
{
	if (l->plan->delay_days) {
		struct civil c = zone_civil(l->s->zone, (struct instant){ at });
		c.date.day += l->plan->delay_days;
		at = zone_instant(l->s->zone, c.date, c.second).s;
	}
	return at + l->plan->delay_s;
}

struct date last_sale_date(const struct view *v, zone_id shop_zone)
{
	for (uint32_t o = v->order1; o-- > v->order0;)
		if (order_is_sale(v->k, o))
			return zone_date(shop_zone, (struct instant){ v->k->order_at[o] });
	return DATE_UNKNOWN;
}

static void look_inactive(struct look *l)
{
	zone_id zone = l->w->settings->zone;
	struct date last = last_sale_date(&l->s->view, zone);
	if (!date_known(last))
		return;
	struct date from = date_add_months(last, l->plan->months);
	struct instant at = zone_instant(zone, from, 0);
	if (at.s > l->s->view.now.s)
		next_at(l, at.s);
	else
		l->found(l->ctx, &(struct firing){ .at = l->s->view.now, .anchor = at, .state = true });
}

static void look_orders(struct look *l, bool first_only)
{
	const struct view *v = &l->s->view;
	enum { CIVIL_SLACK_S = 2 * DAY_S }; /* between so many civil days and as many times 24 hours */
	int64_t too_old =
		v->now.s - l->plan->late_s - l->plan->delay_s - (int64_t)l->plan->delay_days * DAY_S - CIVIL_SLACK_S;
	uint32_t o = v->order0;
	if (!first_only)
		for (o = v->order1; o > v->order0 && v->k->order_at[o - 1] >= too_old;)
			o--;
	for (; o < v->order1; o++) {
		if (!order_is_sale(v->k, o))
			continue;
		fire_event(l, v->k->order_at[o], delayed(l, v->k->order_at[o]), v->k->order_key[o]);
		if (first_only)
			return;
	}
}

/* Only the newest change of each cart can fire, and only when it leaves the cart full and unpaid. */
static void look_carts(struct look *l)
{
	const struct view *v = &l->s->view;
	for (uint32_t i = v->cart1; i-- > v->cart0;) {
		const struct cart *c = &v->k->carts[i];
		if ((int64_t)c->at + l->plan->delay_s + l->plan->late_s < v->now.s)
			return; /* older changes only */
		bool newest = true;
		for (uint32_t j = i + 1; j < v->cart1 && newest; j++)
			newest = v->k->carts[j].cart != c->cart;
		if (newest && c->state == CART_CHANGED && cart_line_count(v->k, c) > 0)
			fire_event(l, c->at, delayed(l, c->at), c->cart);
	}
}

static void look_events(struct look *l)
{
	const struct view *v = &l->s->view;
	uint32_t name = book_word_find(l->w->book, l->plan->event);
	for (uint32_t i = v->event0; i < v->event1 && name; i++)
		if (v->k->events[i].name == name)
			fire_event(l, v->k->events[i].at, delayed(l, v->k->events[i].at), hash_mix(v->k->event_key[i], 1));
}

/* Account, newsletter, first order: whichever of those after the switch-on comes first. */
static void look_welcome(struct look *l)
{
	const struct view *v = &l->s->view;
	int64_t since = l->w->plans->on_since[l->index], best = INSTANT_NEVER.s;
	uint32_t account = book_word_find(l->w->book, STR("account_created"));
	uint32_t newsletter = book_word_find(l->w->book, STR("newsletter"));
	uint32_t created = view_profile(v)->created;
	if (created && created > since && created <= v->now.s)
		best = created;
	else if (created && created > since) /* a profile is known from the start in a replay: its account comes later */
		next_at(l, created);
	for (uint32_t i = v->event0; i < v->event1; i++) {
		const struct event *e = &v->k->events[i];
		if (((e->name == account && account) || (e->name == newsletter && newsletter)) && e->at > since && e->at < best)
			best = e->at;
	}
	for (uint32_t o = v->order0; o < v->order1; o++)
		if (order_is_sale(v->k, o)) {
			if (v->k->order_at[o] > since && v->k->order_at[o] < best)
				best = v->k->order_at[o];
			break; /* only the first order welcomes */
		}
	if (best != INSTANT_NEVER.s)
		fire_event(l, best, delayed(l, best), 0);
}

/* The civil day of `base`'s month and day in `year`; 29 February is kept on the 28th of common years. */
static struct date yearly(struct date base, int year, bool first_of_month)
{
	int y, m, d;
	date_ymd(base, &y, &m, &d);
	if (first_of_month)
		d = 1;
	int last = date_days_in_month(year, m);
	return date_from_ymd(year, m, d < last ? d : last);
}

static void fire_yearly(struct look *l, struct date base, bool first_of_month, struct date not_before)
{
	int year, m, d;
	date_ymd(l->s->today, &year, &m, &d);
	for (int y = year; y <= year + 1; y++) {
		struct date day = yearly(base, y, first_of_month);
		day.day += l->plan->delay_days;
		if (day.day <= not_before.day)
			continue;
		int64_t at = zone_instant(l->s->zone, day, 0).s;
		fire_event(l, at, at, (uint64_t)y);
	}
}

static void look_birthday(struct look *l)
{
	const struct view *v = &l->s->view;
	const struct profile *p = view_profile(v);
	struct date base = { p->born };
	if (date_known(base)) {
		fire_yearly(l, base, !l->plan->on_day, (struct date){ base.day });
		return;
	}
	for (uint32_t o = v->order0; o < v->order1 && !date_known(base); o++)
		if (order_is_sale(v->k, o))
			base = zone_date(l->s->zone, (struct instant){ v->k->order_at[o] });
	if (!date_known(base) && p->created)
		base = zone_date(l->s->zone, (struct instant){ p->created });
	if (date_known(base)) /* an anniversary is at least a year old: 300 days leave room for the 1st of the month */
		fire_yearly(l, base, !l->plan->on_day, (struct date){ base.day + 300 });
}

static void look_dated_event(struct look *l)
{
	const struct view *v = &l->s->view;
	uint32_t name = book_word_find(l->w->book, l->plan->event);
	for (uint32_t i = v->event1; i-- > v->event0 && name;)
		if (v->k->events[i].name == name) {
			struct date base = zone_date(l->s->zone, (struct instant){ v->k->events[i].at });
			fire_yearly(l, base, false, base);
			return;
		}
}

static void look_calendar(struct look *l)
{
	int year, m, d;
	date_ymd(l->s->today, &year, &m, &d);
	if (l->plan->trigger == TRIGGER_ONCE) {
		int64_t at = zone_instant(l->s->zone, l->plan->once, 0).s;
		fire_event(l, at, at, 0);
		return;
	}
	for (int y = year; y <= year + 1; y++) {
		int64_t at = zone_instant(l->s->zone, plan_yearly_day(l->plan, y), 0).s;
		fire_event(l, at, at, (uint64_t)y);
	}
}

static void look_segment(struct look *l)
{
	zone_id zone = l->w->settings->zone;
	struct date tomorrow = { zone_date(zone, l->s->view.now).day + 1 };
	if (expr_needs(l->plan->who).time)
		next_at(l, zone_instant(zone, tomorrow, 0).s);
	l->found(l->ctx, &(struct firing){ .at = l->s->view.now, .anchor = l->s->view.now, .state = true });
}

static void look_lifetime(struct look *l)
{
	const struct view *v = &l->s->view;
	uint32_t count;
	const struct product *products = book_products(l->w->book, &count);
	for (uint32_t o = v->order0; o < v->order1; o++) {
		if (!order_is_sale(v->k, o))
			continue;
		for (uint32_t i = order_line(v->k, o); i < order_line(v->k, o + 1); i++) {
			product_id p = line_product(v->k, i);
			if (p >= count || products[p].lifetime_days <= 0 || line_quantity(v->k, i) <= 0)
				continue;
			struct date day = zone_date(l->s->zone, (struct instant){ v->k->order_at[o] });
			day.day += products[p].lifetime_days + l->plan->delay_days;
			int64_t at = zone_instant(l->s->zone, day, 0).s;
			fire_event(l, at, at, hash_mix(v->k->order_key[o], p));
		}
	}
}

struct instant trigger_look(const struct world *w, const struct subject *s, uint16_t plan, firing_fn found, void *ctx)
{
	struct look l = { .w = w,
		              .s = s,
		              .plan = w->plans->plans[plan],
		              .index = plan,
		              .found = found,
		              .ctx = ctx,
		              .next = INSTANT_NEVER.s };
	switch (l.plan->trigger) {
	case TRIGGER_INACTIVE: look_inactive(&l); break;
	case TRIGGER_ORDER: look_orders(&l, false); break;
	case TRIGGER_FIRST_ORDER: look_orders(&l, true); break;
	case TRIGGER_CART: look_carts(&l); break;
	case TRIGGER_EVENT: look_events(&l); break;
	case TRIGGER_WELCOME: look_welcome(&l); break;
	case TRIGGER_BIRTHDAY: look_birthday(&l); break;
	case TRIGGER_DATED_EVENT: look_dated_event(&l); break;
	case TRIGGER_ONCE:
	case TRIGGER_YEARLY: look_calendar(&l); break;
	case TRIGGER_SEGMENT: look_segment(&l); break;
	case TRIGGER_LIFETIME: look_lifetime(&l); break;
	}
	return (struct instant){ l.next };
}

int trigger_reads(const struct plan *p, const struct subject *s)
{
	switch (p->trigger) {
	case TRIGGER_BIRTHDAY: /* of the first order, when no birth date is known */
		return view_profile(&s->view)->born == INT32_MIN ? NEWS_ORDERS : 0;
	case TRIGGER_INACTIVE:
	case TRIGGER_ORDER:
	case TRIGGER_FIRST_ORDER:
	case TRIGGER_LIFETIME: return NEWS_ORDERS;
	case TRIGGER_CART: return NEWS_CARTS;
	case TRIGGER_EVENT:
	case TRIGGER_DATED_EVENT: return NEWS_EVENTS;
	case TRIGGER_WELCOME: return NEWS_ORDERS | NEWS_EVENTS;
	case TRIGGER_ONCE:
	case TRIGGER_YEARLY: return 0;
	case TRIGGER_SEGMENT: break;
	}
	return NEWS_ALL;
}

bool trigger_sees_no_further(const struct plan *p, struct instant next)
{
	return p->trigger == TRIGGER_BIRTHDAY && next.s == INSTANT_NEVER.s;
}
