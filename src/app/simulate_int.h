/* simulate_int: what the files simulate*.c share. */
#ifndef RELANCE_APP_SIMULATE_INT_H
#define RELANCE_APP_SIMULATE_INT_H

#include "app/simulate.h"
#include "base/hash.h"
#include "store/build.h"

enum sim_param {
#define PARAM(name, value, meaning) P_##name,
#include "app/simulate_params.h"
#undef PARAM
	P_COUNT
};

static inline double param(enum sim_param p)
{
	return SIMULATE_PARAMETERS[p].value;
}

enum {
	SIM_TYPES_MAX = 160,
	SIM_PRODUCTS_MAX = 2000,
	SIM_COMPLEMENTS_MAX = 400,
	SIM_TOWNS_MAX = 400,
	SIM_NAMES_MAX = 400
};
enum { SIM_BLOCK = 512, SIM_LINES_MAX = 24, SIM_ORDERS_MAX = 500, SIM_NEVER_DAY = -1000000 };

struct sim_type {
	struct str id, family, category, name, attribute;
	int category_no;
	double weight;
	char season;
	bool consumable;
	int32_t repeat_days;
	uint32_t first, count; /* products; with stars: standard and star alternate */
	bool stars;
	uint32_t complement_from, complement_count;
};

struct sim_complement {
	uint32_t of, type;
	double chance;
};

struct sim_names {
	struct str *list;
	uint32_t count;
};

struct sim_town {
	struct str postcode, name;
	uint32_t upto; /* inhabitants so far, this town included */
};

struct sim_world {
	uint64_t seed;
	uint32_t customers;
	zone_id zone;
	struct shop shop; /* with the address key */
	struct arena arena;
	struct sim_type types[SIM_TYPES_MAX];
	uint32_t type_count;
	struct product_row products[SIM_PRODUCTS_MAX];
	uint16_t product_type[SIM_PRODUCTS_MAX];
	uint32_t product_count;
	struct sim_complement complements[SIM_COMPLEMENTS_MAX];
	uint32_t complement_count;
	double by_month[12][SIM_TYPES_MAX];  /* chance that a wanted article is of this type or one before */
	double in_season[12][SIM_TYPES_MAX]; /* at most 1: how much of a natural interval's need there is in this month */
	struct sim_names women, men, last, streets, companies, stores;
	struct sim_town towns[SIM_TOWNS_MAX];
	uint32_t town_count;
	/* time */
	struct date first, until;
	struct instant from, end;
	int32_t days;
	double *busy;   /* days + 1: business time in years since `first`: seasons and weekdays made even */
	int32_t *price; /* [year][product − 1], cents */
	int first_year, last_year;
	bool *sales; /* per day */
};

bool sim_world_load(struct sim_world *w, const struct simulate_options *o, struct err *err) MUST_CHECK;
void sim_world_release(struct sim_world *w);

int32_t sim_price(const struct sim_world *w, product_id p, int32_t day); /* day counts from w->first */
struct build_price *sim_prices(struct sim_world *w, size_t *count);      /* in the world's arena */
int32_t sim_day_at(const struct sim_world *w, double business_years);    /* w->days when beyond the end */
int sim_month(const struct sim_world *w, int32_t day);                   /* 0 … 11 */

/* ---- people ---- */

struct sim_person {
	struct person p;
	bool company, email, phone, post;
	char gender;
	struct date born;
	struct date children[4];
	size_t child_count;
	struct str store;
};

/* Strings live in `a`. */
void sim_person(const struct sim_world *w, customer_id id, struct arena *a, struct sim_person *out);
/* The customer of whom this one is a second record, else itself. */
customer_id sim_who(uint64_t seed, customer_id id);
bool sim_hard_bounce(uint64_t seed, customer_id id);
bool sim_soft_bounce(uint64_t seed, customer_id id);
bool sim_persuadable(uint64_t seed, customer_id id);
/* Uniform in [0, 1), the same for the same arguments. */
double sim_draw(uint64_t seed, uint64_t purpose, uint64_t a, uint64_t b);

enum sim_purpose {
	SIM_PERSON = 1,
	SIM_LIFE,
	SIM_TWICE,
	SIM_BOUNCE,
	SIM_PERSUADABLE,
	SIM_RESPONSE,
	SIM_CATALOGUE,
	SIM_KEY
};

/* ---- what they do ---- */

struct sim_block {
	struct arena arena;
	struct buf body, key, truth;
	struct build_customer *customers;
	size_t customer_count;
	struct fact *facts;
	size_t fact_count, fact_cap;
	struct simulate_result sum;
};

void sim_block_init(struct sim_block *b);
void sim_block_release(struct sim_block *b);
/* All of customers from … from + count − 1. */
void sim_block_fill(const struct sim_world *w, customer_id from, size_t count, bool truth, struct sim_block *b);

struct sim_basket {
	struct line lines[SIM_LINES_MAX];
	size_t count;
	struct str voucher;
};

struct sim_taste {
	int category; /* preferred */
	double star;  /* chance of the better range */
	bool owned[SIM_TYPES_MAX];
	int32_t last[SIM_TYPES_MAX]; /* consumables: day bought last, SIM_NEVER_DAY */
	uint16_t last_product[SIM_TYPES_MAX];
};

void sim_taste_init(const struct sim_world *w, struct rng *r, struct sim_taste *t);
/* What is wanted on a day; `bought` = true also remembers it as owned. */
void sim_basket(const struct sim_world *w, struct rng *r, struct sim_taste *t, int32_t day, struct sim_basket *out);
void sim_taste_bought(const struct sim_world *w, struct sim_taste *t, const struct sim_basket *b, int32_t day);
/* The price of the lines on that day, with the sales and a voucher now and then. */
void sim_basket_price(const struct sim_world *w, struct rng *r, int32_t day, bool order, struct sim_basket *b);

#endif
