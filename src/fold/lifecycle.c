/* Method: "inactive n months at D" is monotone in the last order's date, so for a given D there is one instant before
 * which the last order makes a customer lapsing, and one that makes former. They are computed once a day; a customer
 * then costs a walk over the orders of twelve months. */
#include "fold/lifecycle.h"

const struct lifecycle_settings LIFECYCLE_DEFAULTS = {
	.loyal_orders = 2,
	.ambassador_orders = 4,
	.lapsing_months = 6,
	.former_months = 24,
	.ambassador_percent = 10,
};

static const char *const PHASES[] = { "prospect", "new", "loyal", "ambassador", "lapsing", "former" };
_Static_assert(ARRAY_LEN(PHASES) == PHASE_COUNT, "every phase has a name");

const char *phase_name(enum phase p)
{
	check((size_t)p < ARRAY_LEN(PHASES));
	return PHASES[p];
}

int phase_find(struct str s)
{
	for (int i = 0; i < PHASE_COUNT; i++)
		if (str_is(s, PHASES[i]))
			return i;
	return -1;
}

struct instant day_start(zone_id zone, struct date day)
{
	enum { SLOTS = 64 };
	static _Thread_local struct {
		int64_t start;
		int32_t day;
		zone_id zone;
		bool used;
	} slots[SLOTS];
	size_t i = ((uint32_t)day.day * 7u + zone) % SLOTS;
	if (!slots[i].used || slots[i].day != day.day || slots[i].zone != zone) {
		slots[i].start = zone_instant(zone, day, 0).s;
		slots[i].day = day.day;
		slots[i].zone = zone;
		slots[i].used = true;
	}
	return (struct instant){ slots[i].start };
}

/* The first instant that is too late to be inactive n months at `day`: the start of the day after the last date d with
 * d + n months ≤ day. */
static int64_t inactive_before(zone_id zone, struct date day, int months)
{
	struct date d = date_add_months(day, -months);
	while (date_add_months((struct date){ d.day + 1 }, months).day <= day.day) /* month ends: at most 3 turns */
		d.day++;
	return day_start(zone, (struct date){ d.day + 1 }).s;
}

void lifecycle_day_init(struct lifecycle_day *d, zone_id shop_zone, struct date day, const struct lifecycle_settings *s)
{
	d->day = day;
	d->cutoff = day_start(shop_zone, day).s;
	d->from_12m = day_start(shop_zone, date_add_months(day, -12)).s;
	d->lapsing_before = inactive_before(shop_zone, day, s->lapsing_months);
	d->former_before = inactive_before(shop_zone, day, s->former_months);
}

struct walk {
	uint32_t orders, orders_12m;
	int64_t last_at; /* of a sale; −1 none */
	int64_t spend_12m, sales_12m;
};

/* Orders are sorted by time: the end is cut at the day, twelve months are a suffix. */
static void walk_orders(const struct view *w, const struct lifecycle_day *d, struct walk *out)
{
	const struct chunk *k = w->k;
	uint32_t end = w->order1;
	while (end > w->order0 && (int64_t)k->order_at[end - 1] >= d->cutoff)
		end--;
	*out = (struct walk){ .last_at = -1 };
	for (uint32_t o = w->order0; o < end; o++) {
		bool sale = order_is_sale(k, o);
		if (sale) {
			out->orders++;
			out->last_at = k->order_at[o];
		}
		if ((int64_t)k->order_at[o] >= d->from_12m) {
			out->spend_12m += order_total(k, o);
			out->orders_12m += sale;
			out->sales_12m += sale ? order_total(k, o) : 0;
		}
	}
}

static enum phase phase_of(const struct walk *n, const struct lifecycle_day *d, const struct thresholds *t,
                           const struct lifecycle_settings *s)
{
	if (n->orders == 0)
		return PHASE_PROSPECT;
	if (n->last_at < d->former_before)
		return PHASE_FORMER;
	if (n->last_at < d->lapsing_before)
		return PHASE_LAPSING;
	if (n->orders >= (uint32_t)s->ambassador_orders && n->orders_12m > 0 && t && n->spend_12m >= t->top_decile_spend)
		return PHASE_AMBASSADOR;
	return n->orders >= (uint32_t)s->loyal_orders ? PHASE_LOYAL : PHASE_NEW;
}

enum phase lifecycle_phase(const struct view *w, const struct lifecycle_day *d, const struct thresholds *t,
                           const struct lifecycle_settings *s)
{
	struct walk n;
	walk_orders(w, d, &n);
	return phase_of(&n, d, t, s);
}

void lifecycle_at(const struct view *w, zone_id shop_zone, const struct lifecycle_day *d, const struct thresholds *t,
                  const struct lifecycle_settings *s, struct lifecycle *out)
{
	struct walk n;
	walk_orders(w, d, &n);
	*out = (struct lifecycle){
		.phase = phase_of(&n, d, t, s),
		.orders = n.orders,
		.last_order = n.last_at < 0 ? DATE_UNKNOWN : zone_date(shop_zone, (struct instant){ n.last_at }),
		.spend_12m = n.spend_12m,
		.spend_sales_12m = n.sales_12m,
		.orders_12m = n.orders_12m,
	};
	for (uint32_t o = w->order0; o < w->order1 && (int64_t)w->k->order_at[o] < d->cutoff; o++)
		out->spend += order_total(w->k, o);
}

void lifecycle_of(const struct view *w, zone_id shop_zone, struct date day, const struct thresholds *t,
                  const struct lifecycle_settings *s, struct lifecycle *out)
{
	struct lifecycle_day d;
	lifecycle_day_init(&d, shop_zone, day, s);
	lifecycle_at(w, shop_zone, &d, t, s, out);
}
