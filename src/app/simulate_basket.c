/* Method: what is due comes first (consumables at their interval), then what is wanted, drawn by season and taste, each
 * with its complements at their chances. What lasts is not bought twice, but for a better one now and then. */
#include "app/simulate_int.h"

#include <math.h>

static bool chance(struct rng *r, double p)
{
	return rng_unit(r) < p;
}

void sim_taste_init(const struct sim_world *w, struct rng *r, struct sim_taste *t)
{
	double u = rng_unit(r);
	t->category = u < 0.26 ? 0 : u < 0.66 ? 1 : 2;
	t->star = 1.0 - pow(1.0 - rng_unit(r), param(P_star_mean) / (1.0 - param(P_star_mean))); /* Beta(1, 1/m − 1) */
	memset(t->owned, 0, sizeof t->owned);
	for (uint32_t i = 0; i < w->type_count; i++)
		t->last[i] = SIM_NEVER_DAY;
}

/* Smaller variants sell more; `better` asks for the better range or, without one, the dearest. */
static product_id pick_product(const struct sim_world *w, struct rng *r, const struct sim_taste *t, uint32_t type,
                               bool better)
{
	const struct sim_type *x = &w->types[type];
	uint32_t variants = x->stars ? x->count / 2 : x->count;
	double u = rng_unit(r);
	uint32_t v = (uint32_t)(u * (0.5 + 0.5 * u) * variants);
	if (!x->stars)
		return x->first + (better ? x->count - 1 : v);
	return x->first + v * 2 + (chance(r, t->star) || better);
}

static int32_t quantity(const struct sim_world *w, struct rng *r, uint32_t type)
{
	const struct sim_type *x = &w->types[type];
	if (str_is(x->id, "chaise_jardin") || str_is(x->id, "chaise"))
		return 2 * (1 + (int32_t)rng_below(r, 3));
	if (x->category_no == 3 || !x->consumable)
		return 1;
	return 1 + (int32_t)rng_poisson(r, param(P_quantity_extra));
}

static bool holds_type(const struct sim_world *w, const struct sim_basket *b, uint32_t type)
{
	for (size_t i = 0; i < b->count; i++)
		if (w->product_type[b->lines[i].product - 1] == type)
			return true;
	return false;
}

static void put(const struct sim_world *w, struct rng *r, uint32_t type, product_id p, struct sim_basket *b)
{
	if (b->count < SIM_LINES_MAX && !holds_type(w, b, type))
		b->lines[b->count++] = (struct line){ .product = p, .quantity = quantity(w, r, type) };
}

static uint32_t wanted_type(const struct sim_world *w, struct rng *r, const struct sim_taste *t, int month)
{
	for (int tries = 0;; tries++) {
		double u = rng_unit(r);
		uint32_t low = 0, high = w->type_count - 1;
		while (low < high) {
			uint32_t mid = (low + high) / 2;
			if (w->by_month[month][mid] > u)
				high = mid;
			else
				low = mid + 1;
		}
		if (w->types[low].category_no == t->category || tries == 8 || chance(r, param(P_preferred_accept)))
			return low;
	}
}

static void put_wanted(const struct sim_world *w, struct rng *r, const struct sim_taste *t, int month,
                       struct sim_basket *b)
{
	bool better = false;
	uint32_t type = wanted_type(w, r, t, month);
	for (int tries = 0; tries < 4 && t->owned[type] && !better; tries++) {
		better = chance(r, param(P_upgrade_share));
		if (!better)
			type = wanted_type(w, r, t, month);
	}
	put(w, r, type, pick_product(w, r, t, type, better), b);
	const struct sim_type *x = &w->types[type];
	for (uint32_t i = 0; i < x->complement_count; i++) {
		const struct sim_complement *c = &w->complements[x->complement_from + i];
		if (chance(r, c->chance) && !t->owned[c->type])
			put(w, r, c->type, pick_product(w, r, t, c->type, false), b);
	}
}

void sim_basket(const struct sim_world *w, struct rng *r, struct sim_taste *t, int32_t day, struct sim_basket *out)
{
	int month = sim_month(w, day);
	out->count = 0;
	out->voucher = STR("");
	for (uint32_t i = 0; i < w->type_count; i++)
		if (t->last[i] != SIM_NEVER_DAY && day - t->last[i] >= param(P_replenish_due) * w->types[i].repeat_days &&
		    chance(r, param(P_replenish_chance) * w->in_season[month][i]))
			put(w, r, i, t->last_product[i], out);
	uint32_t wanted = rng_poisson(r, param(P_extra_lines)) + (out->count == 0);
	for (uint32_t i = 0; i < wanted; i++)
		put_wanted(w, r, t, month, out);
}

void sim_taste_bought(const struct sim_world *w, struct sim_taste *t, const struct sim_basket *b, int32_t day)
{
	for (size_t i = 0; i < b->count; i++) {
		uint32_t type = w->product_type[b->lines[i].product - 1];
		if (w->types[type].consumable) {
			t->last[type] = day;
			t->last_product[type] = (uint16_t)b->lines[i].product;
		} else {
			t->owned[type] = true;
		}
	}
}

void sim_basket_price(const struct sim_world *w, struct rng *r, int32_t day, bool order, struct sim_basket *b)
{
	static const char *const VOUCHERS[12] = { "HIVER10",     "HIVER10",   "PRINTEMPS10", "PRINTEMPS10",
		                                      "PRINTEMPS10", "ETE10",     "ETE10",       "ETE10",
		                                      "RENTREE10",   "AUTOMNE10", "AUTOMNE10",   "NOEL10" };
	int percent_off = 0;
	if (order && chance(r, param(P_voucher_share))) {
		percent_off = 10;
		b->voucher = str_from(VOUCHERS[sim_month(w, day)]);
	}
	for (size_t i = 0; i < b->count; i++) {
		struct line *l = &b->lines[i];
		int off = percent_off;
		if (w->sales[day] && chance(r, param(P_sales_share)))
			off = 20 + 10 * (int)rng_below(r, 3);
		l->amount = ((int64_t)sim_price(w, l->product, day) * l->quantity * (100 - off) + 50) / 100;
	}
}
