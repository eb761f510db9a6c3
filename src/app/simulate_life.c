/* Method (Fader, Hardie and Lee 2005, "Counting your customers the easy way"): a customer arrives with a first
 * purchase, buys again at exponential gaps of an own rate, and leaves for good after a repeat purchase with an own
 * chance. Gaps run in business years. Around each purchase: carts, a return, a survey, a review; around the arrival:
 * account, newsletter, consents. The facts of a customer are put in order of time before they are written. */
#include "app/simulate_int.h"

#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>

struct life {
	const struct sim_world *w;
	struct sim_block *b;
	customer_id id;
	struct rng r;
	struct sim_person person;
	struct sim_taste taste;
	double web; /* chance of the web, of an order */
	size_t first_fact;
	uint32_t carts, orders, returns;
	bool left;
	struct instant arrived, last_order;
};

static bool chance(struct life *l, double p)
{
	return rng_unit(&l->r) < p;
}

/* ---- facts ---- */

static void fact_add(struct life *l, enum fact_kind kind, struct instant at, struct str key)
{
	struct sim_block *b = l->b;
	if (at.s >= l->w->end.s)
		return;
	b->facts = mem_grow(b->facts, &b->fact_cap, b->fact_count + 1, sizeof *b->facts);
	b->facts[b->fact_count++] = (struct fact){ .customer = l->id,
		                                       .kind = kind,
		                                       .key = key,
		                                       .at = at,
		                                       .learned_at = at,
		                                       .body = arena_str(&b->arena, buf_view(&b->body)) };
}

/* Keys by hand: there are millions, and printf would take a sixth of the whole time. */
static struct buf *key_begin(struct life *l, const char *head)
{
	buf_clear(&l->b->key);
	buf_cstr(&l->b->key, head);
	return &l->b->key;
}

static struct str key_end(struct life *l)
{
	return arena_str(&l->b->arena, buf_view(&l->b->key));
}

static struct str key_dated(struct life *l, struct str name, struct instant at)
{
	struct buf *k = key_begin(l, "sim:");
	buf_str(k, name);
	buf_char(k, '@');
	buf_i64(k, at.s);
	return key_end(l);
}

static struct str key_numbered(struct life *l, const char *head, uint32_t number)
{
	struct buf *k = key_begin(l, head);
	buf_i64(k, l->id);
	buf_char(k, '-');
	buf_i64(k, number);
	return key_end(l);
}

static void event(struct life *l, const char *name, struct instant at, int64_t value, const char *text)
{
	if (at.s >= l->w->end.s)
		return;
	struct event_body e = { .name = str_from(name), .value = value, .text = str_from(text) };
	buf_clear(&l->b->body);
	body_write_event(&e, &l->b->body);
	fact_add(l, FACT_EVENT, at, key_dated(l, str_from(name), at));
	l->b->sum.events++;
}

static void consent(struct life *l, enum channel c, enum purpose p, enum consent_state s, struct instant at,
                    const char *source)
{
	if (at.s >= l->w->end.s)
		return;
	struct consent_body body = { .channel = c,
		                         .purpose = p,
		                         .state = s,
		                         .source = str_from(source),
		                         .wording = s == CONSENT_GRANTED || s == CONSENT_SOFT ? STR("2023-1") : STR("") };
	buf_clear(&l->b->body);
	body_write_consent(&body, &l->b->body);
	struct buf *k = key_begin(l, "sim:consent/");
	buf_cstr(k, channel_name(c));
	buf_char(k, '/');
	buf_cstr(k, purpose_name(p));
	buf_char(k, '@');
	buf_i64(k, at.s);
	fact_add(l, FACT_CONSENT, at, key_end(l));
	l->b->sum.consents++;
}

static int by_time(const void *x, const void *y)
{
	const struct fact *a = x, *b = y;
	if (a->at.s != b->at.s)
		return a->at.s < b->at.s ? -1 : 1;
	return str_cmp(a->key, b->key);
}

/* ---- arrival ---- */

static struct instant moment(struct life *l, int32_t day, bool web)
{
	/* a shop is open from 9:30 to 19:00, the web mostly in the evening */
	double u = rng_unit(&l->r), v = rng_unit(&l->r);
	int32_t second =
		web ? (int32_t)((7.0 + 8.0 * u + 8.9 * v) * HOUR_S) : (int32_t)((9.5 + 9.4 * (u + v) / 2) * HOUR_S);
	return zone_instant(l->w->zone, (struct date){ l->w->first.day + day }, second);
}

static struct instant after(struct life *l, struct instant at, double from_days, double to_days)
{
	return (struct instant){ at.s + (int64_t)((from_days + (to_days - from_days) * rng_unit(&l->r)) * DAY_S) };
}

static void profile(struct life *l)
{
	static const char *const INTERESTS[] = { "vélo", "jardin", "maison" };
	struct sim_person *p = &l->person;
	struct str tag = STR("carte-fidélité"), interest = str_from(INTERESTS[l->taste.category]);
	struct build_customer *c = &l->b->customers[l->b->customer_count++];
	struct arena *a = &l->b->arena;
	*c = (struct build_customer){ .ref = arena_printf(a, "C%07u", l->id),
		                          .created = l->arrived,
		                          .person = p->p,
		                          .email_hash = store_address_hash(&l->w->shop, p->p.email),
		                          .phone_hash = store_address_hash(&l->w->shop, p->p.phone) };
	struct profile_body body = { .locale = -1,
		                         .created = l->arrived,
		                         .born = p->born,
		                         .address = c->email_hash,
		                         .reach = (p->email ? REACH_EMAIL : 0) | (p->phone ? REACH_PHONE : 0) |
		                                  (p->post ? REACH_POST : 0),
		                         .company = p->company,
		                         .gender = p->gender,
		                         .postcode = p->p.postcode,
		                         .store = p->store,
		                         .tags = &tag,
		                         .tag_count = chance(l, 0.35),
		                         .interests = &interest,
		                         .interest_count = chance(l, 0.4),
		                         .children = p->children,
		                         .child_count = p->child_count };
	buf_clear(&l->b->body);
	body_write_profile(&body, &l->b->body);
	fact_add(l, FACT_PROFILE, l->arrived, STR("profile"));
}

static void withdrawals(struct life *l, bool granted)
{
	double years = rng_exp(&l->r, param(P_withdraw_rate));
	struct instant at = { l->arrived.s + (int64_t)(years * 365.25 * DAY_S) };
	if (!granted || years > 30)
		return;
	bool oppose = chance(l, param(P_oppose_share));
	consent(l, CHANNEL_EMAIL, PURPOSE_MARKETING, oppose ? CONSENT_OPPOSED : CONSENT_WITHDRAWN, at, "unsubscribe");
}

static void consents(struct life *l, bool buyer)
{
	const struct sim_person *p = &l->person;
	const char *source = l->web > 0.5 ? "web" : "till";
	double u = rng_unit(&l->r);
	bool granted = p->email && u < param(P_consent_email);
	bool soft = p->email && buyer && !granted && u < param(P_consent_email) + param(P_consent_email_soft);
	if (p->email && chance(l, param(P_newsletter_share))) {
		struct instant at = after(l, l->arrived, 0.001, chance(l, 0.5) ? 0.01 : 90);
		event(l, "newsletter", at, 0, l->web > 0.5 ? "web" : "store");
		if (!granted)
			consent(l, CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_GRANTED, at, "newsletter");
		granted = granted || at.s < l->w->end.s;
	}
	if (p->email && u < param(P_consent_email))
		consent(l, CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_GRANTED, l->arrived, source);
	else if (soft)
		consent(l, CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_SOFT, l->arrived, source);
	if (granted && chance(l, param(P_consent_tracking)))
		consent(l, CHANNEL_EMAIL, PURPOSE_TRACKING, CONSENT_GRANTED, l->arrived, source);
	if (p->phone && chance(l, param(P_consent_sms)))
		consent(l, CHANNEL_SMS, PURPOSE_MARKETING, CONSENT_GRANTED, l->arrived, source);
	if (p->post && chance(l, param(P_oppose_post)))
		consent(l, CHANNEL_POSTCARD, PURPOSE_MARKETING, CONSENT_OPPOSED, after(l, l->arrived, 1, 400), "letter");
	withdrawals(l, granted || soft);
	if (p->email && (!buyer || chance(l, param(P_account_share))))
		event(l, "account_created", l->arrived, 0, l->web > 0.5 ? "web" : "store");
}

/* ---- carts ---- */

static void cart_fact(struct life *l, struct str cart, enum cart_state state, const struct sim_basket *basket,
                      size_t lines, struct instant at, bool with_url)
{
	if (at.s >= l->w->end.s)
		return;
	struct cart_body body = {
		.cart = cart, .state = state, .lines = (struct line *)basket->lines, .line_count = lines
	};
	if (with_url) {
		buf_str(key_begin(l, "https://belle-saison.example/panier/"), cart);
		body.url = key_end(l);
	}
	buf_clear(&l->b->body);
	body_write_cart(&body, &l->b->body);
	fact_add(l, FACT_CART, at, key_dated(l, cart, at));
	l->b->sum.cart_facts++;
}

/* The changes of a cart, the last one at `at`; then the lines are all there. Returns its name. */
static struct str cart_filled(struct life *l, const struct sim_basket *basket, struct instant at, bool with_url)
{
	struct str cart = key_numbered(l, "P", ++l->carts);
	int more = 0;
	while (more < 6 && chance(l, param(P_cart_change_more)))
		more++;
	struct instant t = at;
	for (int i = more; i > 0; i--)
		t.s -= 60 + (int64_t)(rng_unit(&l->r) * 25 * MINUTE_S);
	for (int i = 0; i <= more; i++) {
		size_t lines = i == more ? basket->count : 1 + (basket->count - 1) * (size_t)i / (size_t)(more + 1);
		cart_fact(l, cart, CART_CHANGED, basket, lines, t, with_url && i == more);
		t.s = i + 1 >= more ? at.s : t.s + (at.s - t.s) / (more - i);
	}
	l->b->sum.carts += at.s < l->w->end.s;
	return cart;
}

static void cart_left(struct life *l, const struct sim_basket *basket, struct instant at)
{
	struct str cart = cart_filled(l, basket, at, true);
	if (at.s >= l->w->end.s)
		return;
	l->b->sum.carts_abandoned++;
	if (chance(l, param(P_cart_emptied_share)))
		cart_fact(l, cart, CART_EMPTIED, basket, 0, after(l, at, 0.02, 3), false);
}

/* For one cart that is paid, so many are left that the share is the parameter's. They lie between the order before and
 * this one; those of a first order, in the weeks after it. */
static void carts_left(struct life *l, const struct sim_basket *order, struct instant at, struct instant before)
{
	double stay = param(P_cart_abandoned_share);
	bool first = l->orders == 0;
	while (chance(l, stay)) {
		struct sim_basket b;
		struct instant from = first ? at : before, to = first ? (struct instant){ at.s + 90 * DAY_S } : at;
		if (to.s > l->w->end.s)
			to = l->w->end;
		struct instant t = { from.s + 3 * HOUR_S + (int64_t)(rng_unit(&l->r) * (double)(to.s - from.s - 6 * HOUR_S)) };
		bool hesitates = !first && chance(l, param(P_cart_hesitation_share));
		if (hesitates && at.s - 4 * DAY_S > before.s)
			t = after(l, at, -4, -1);
		if (t.s <= from.s || t.s >= l->w->end.s - HOUR_S)
			t.s = from.s + (to.s - from.s) / 2;
		int32_t day = zone_date(l->w->zone, t).day - l->w->first.day;
		if (day < 0 || day >= l->w->days)
			continue;
		sim_basket(l->w, &l->r, &l->taste, day, &b);
		if (hesitates)
			b.lines[0] = order->lines[0];
		sim_basket_price(l->w, &l->r, day, false, &b);
		cart_left(l, &b, t);
	}
}

/* ---- orders ---- */

static void order_fact(struct life *l, struct str key, const struct sim_basket *b, size_t count, enum sale_channel c,
                       struct instant at)
{
	struct order_body body = {
		.lines = (struct line *)b->lines, .line_count = count, .channel = c, .voucher = b->voucher
	};
	buf_clear(&l->b->body);
	body_write_order(&body, &l->b->body);
	fact_add(l, FACT_ORDER, at, key);
}

static void goods_return(struct life *l, const struct sim_basket *b, enum sale_channel c, struct instant at)
{
	struct instant when = after(l, at, 3, 21);
	if (!chance(l, param(P_return_share)) || when.s >= l->w->end.s)
		return;
	struct sim_basket back = { .lines = { b->lines[rng_below(&l->r, (uint32_t)b->count)] }, .count = 1 };
	back.lines[0].quantity = -back.lines[0].quantity;
	back.lines[0].amount = -back.lines[0].amount;
	order_fact(l, key_numbered(l, "sim:R", ++l->returns), &back, 1, c, when);
	l->b->sum.returns++;
}

/* Satisfaction goes with leaving, and is drawn once that is known: the chance of leaving stays the parameter's. */
static void opinion(struct life *l, struct instant at)
{
	static const char *const REASONS[] = { "too_expensive", "late_delivery",  "disappointed",
		                                   "moved",         "child_grown_up", "other" };
	static const double UPTO[] = { 0.30, 0.50, 0.70, 0.82, 0.90, 1.0 };
	bool unsatisfied = chance(l, param(l->left ? P_unsatisfied_leaving : P_unsatisfied_staying));
	bool very = chance(l, 0.55);
	if (l->person.email && chance(l, param(P_survey_share)))
		event(l, "survey", after(l, at, 7, 12), 0, unsatisfied ? "unsatisfied" : very ? "very_satisfied" : "satisfied");
	if (chance(l, param(P_review_share)))
		event(l, "review", after(l, at, 5, 40), unsatisfied ? 1 + rng_below(&l->r, 2) : very ? 5 : 4, "");
	if (unsatisfied && chance(l, 0.4))
		event(l, "complaint", after(l, at, 1, 10), 0, "phone");
	if (!l->left || !chance(l, param(P_reason_share)))
		return;
	double u = rng_unit(&l->r);
	int i = 0;
	while (UPTO[i] <= u)
		i++;
	event(l, "leaving_reason", after(l, at, 20, 150), 0, REASONS[i]);
}

static enum sale_channel order_channel(struct life *l)
{
	double u = rng_unit(&l->r), phone = param(P_phone_order_share);
	if (l->person.company && l->web < 0.3)
		return SALE_B2B;
	return u < phone ? SALE_PHONE : (u - phone) / (1 - phone) < l->web ? SALE_WEB : SALE_STORE;
}

static void order(struct life *l, int32_t day)
{
	struct sim_basket b;
	enum sale_channel c = order_channel(l);
	struct instant at = moment(l, day, c == SALE_WEB), before = l->last_order;
	if (l->orders == 0 && at.s < l->arrived.s + HOUR_S)
		at.s = l->arrived.s + HOUR_S + (int64_t)(rng_unit(&l->r) * HOUR_S);
	if (l->orders && at.s <= before.s)
		at.s = before.s + HOUR_S;
	if (at.s >= l->w->end.s)
		at.s = l->w->end.s - 1;
	sim_basket(l->w, &l->r, &l->taste, day, &b);
	sim_basket_price(l->w, &l->r, day, true, &b);
	if (c == SALE_WEB && chance(l, param(P_cart_known_share))) {
		struct instant paid = { at.s - 5 - (int64_t)(rng_unit(&l->r) * 10 * MINUTE_S) };
		struct instant filled = { paid.s - 30 - (int64_t)(rng_unit(&l->r) * 20 * MINUTE_S) };
		carts_left(l, &b, at, before);
		struct str cart = cart_filled(l, &b, filled, false);
		cart_fact(l, cart, CART_PAID, &b, b.count, paid, false);
	}
	order_fact(l, key_numbered(l, "sim:", l->orders + 1), &b, b.count, c, at);
	sim_taste_bought(l->w, &l->taste, &b, day);
	l->b->sum.orders++;
	l->b->sum.lines += b.count;
	l->orders++;
	l->last_order = at;
	goods_return(l, &b, c, at);
}

/* ---- a whole life ---- */

static void purchases(struct life *l, double t, double rate, double leaving)
{
	int32_t day = sim_day_at(l->w, t);
	while (day < l->w->days && l->orders < SIM_ORDERS_MAX) {
		order(l, day);
		l->left = l->orders > 1 && chance(l, leaving);
		opinion(l, l->last_order);
		if (l->left)
			return;
		t += rng_exp(&l->r, rate);
		day = sim_day_at(l->w, t);
	}
}

static void truth_line(struct life *l, double rate, double leaving, bool buyer)
{
	char at[32] = "";
	if (l->left)
		instant_text(l->last_order, at);
	buf_printf(&l->b->truth, "%u,C%07u,%s,%.6f,%.6f,%d,%s,%u,%d,%u\n", l->id, l->id, buyer ? "buyer" : "prospect", rate,
	           leaving, !l->left, at, l->orders, sim_persuadable(l->w->seed, l->id), sim_who(l->w->seed, l->id));
}

static void live(struct life *l, bool truth)
{
	const struct sim_world *w = l->w;
	struct rng *r = &l->r;
	double total = w->busy[w->days];
	double place = ((double)l->id - rng_unit(r)) / (double)w->customers;
	double arrival = total * __builtin_pow(place, param(P_arrival_power));
	bool buyer = !chance(l, param(P_prospect_share));
	double rate = rng_gamma(r, param(P_rate_shape)) / param(P_rate_alpha) + 1e-9;
	double x = rng_gamma(r, param(P_dropout_a)), y = rng_gamma(r, param(P_dropout_b));
	double leaving = x / (x + y), first = arrival + (buyer ? 0 : rng_exp(r, param(P_prospect_rate)));
	double web = rng_unit(r);
	sim_person(w, l->id, &l->b->arena, &l->person);
	l->web = l->person.email ? web * (0.5 + 0.5 * web) + 0.12 : 0;
	sim_taste_init(w, r, &l->taste);
	int32_t day = sim_day_at(w, arrival);
	if (day >= w->days)
		day = w->days - 1;
	l->arrived = moment(l, day, l->web > 0.5);
	profile(l);
	consents(l, buyer);
	purchases(l, first, rate, leaving);
	if (truth)
		truth_line(l, rate, leaving, buyer);
	struct fact *facts = l->b->facts + l->first_fact;
	qsort(facts, l->b->fact_count - l->first_fact, sizeof *facts, by_time);
}

enum { SIM_BODY_MAX = 64 << 10, SIM_KEY_BYTES_MAX = 512, SIM_TRUTH_MAX = 1 << 20 };

void sim_block_init(struct sim_block *b)
{
	*b = (struct sim_block){ .customers = mem_alloc(SIM_BLOCK * sizeof *b->customers) };
	arena_init(&b->arena);
	buf_init(&b->body, SIM_BODY_MAX);
	buf_init(&b->key, SIM_KEY_BYTES_MAX);
	buf_init(&b->truth, SIM_TRUTH_MAX);
}

void sim_block_release(struct sim_block *b)
{
	arena_release(&b->arena);
	buf_release(&b->body);
	buf_release(&b->key);
	buf_release(&b->truth);
	free(b->customers);
	free(b->facts);
}

void sim_block_fill(const struct sim_world *w, customer_id from, size_t count, bool truth, struct sim_block *b)
{
	check(count <= SIM_BLOCK);
	arena_clear(&b->arena);
	buf_clear(&b->truth);
	b->customer_count = b->fact_count = 0;
	b->sum = (struct simulate_result){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct life l = { .w = w, .b = b, .id = from + (customer_id)i, .first_fact = b->fact_count };
		rng_init(&l.r, hash_mix(w->seed, SIM_LIFE), l.id);
		live(&l, truth);
	}
	check(!b->body.full && !b->truth.full);
	b->sum.customers = count;
	b->sum.facts = b->fact_count;
}
