/* Method: the lists of src/app/data become a catalogue: every variant of a type is an article, and another one in the
 * better range where there is one. Time runs in business years: seasons and weekdays are made even, so that the
 * purchase process is exactly the one of the parameters; `busy` turns it back into days. */
#include "app/simulate_int.h"

#include "base/embed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

EMBEDDED(simulated)

enum { FIELDS_MAX = 16, VARIANTS_MAX = 10, STAR_PERCENT = 118 };

static const double MONTH[12] = { 0.80, 0.75, 1.05, 1.25, 1.30, 1.15, 0.95, 0.80, 0.90, 0.85, 1.05, 1.35 };
static const double WEEKDAY[7] = { 0.90, 0.85, 1.00, 0.90, 1.05, 1.45, 0.85 };

/* How much a type is wanted in a month: p spring, e summer, a autumn, h winter, n Christmas. */
static double season(char s, int month)
{
	static const double SPRING[12] = { 0.3, 0.5, 1.6, 2.4, 2.2, 1.3, 0.8, 0.5, 0.7, 0.5, 0.3, 0.2 };
	static const double SUMMER[12] = { 0.1, 0.2, 0.6, 1.4, 2.3, 2.6, 2.2, 1.4, 0.6, 0.3, 0.1, 0.2 };
	static const double AUTUMN[12] = { 0.8, 0.7, 0.6, 0.5, 0.5, 0.5, 0.6, 0.9, 1.7, 2.2, 2.0, 1.0 };
	static const double WINTER[12] = { 2.1, 1.7, 1.0, 0.6, 0.4, 0.4, 0.5, 0.6, 0.8, 1.0, 1.4, 1.5 };
	static const double CHRISTMAS[12] = { 0.4, 0.5, 0.5, 0.5, 0.7, 0.6, 0.5, 0.5, 0.7, 1.0, 2.4, 3.7 };
	switch (s) {
	case 'p': return SPRING[month];
	case 'e': return SUMMER[month];
	case 'a': return AUTUMN[month];
	case 'h': return WINTER[month];
	case 'n': return CHRISTMAS[month];
	}
	return 1.0;
}

/* ---- the lists ---- */

static struct str list_text(const char *name)
{
	const struct embedded_file *f = embedded_find(simulated_files, simulated_file_count, name);
	check(f);
	return (struct str){ (const char *)f->data, f->size };
}

static size_t split(struct str line, char by, struct str *out, size_t max)
{
	size_t n = 0;
	while (n < max) {
		const char *end = memchr(line.p, by, line.n);
		size_t here = end ? (size_t)(end - line.p) : line.n;
		out[n++] = (struct str){ line.p, here };
		if (!end)
			break;
		line = (struct str){ line.p + here + 1, line.n - here - 1 };
	}
	return n;
}

/* The next line that says something, in its fields; 0 at the end. The lists are ours: a wrong one is a bug. */
static size_t list_next(struct str *rest, struct str *fields)
{
	while (rest->n) {
		const char *end = memchr(rest->p, '\n', rest->n);
		struct str line = { rest->p, end ? (size_t)(end - rest->p) : rest->n };
		size_t used = line.n + (end != NULL);
		*rest = (struct str){ rest->p + used, rest->n - used };
		if (line.n && line.p[0] != '#')
			return split(line, ';', fields, FIELDS_MAX);
	}
	return 0;
}

static int64_t number(struct str s)
{
	int64_t v;
	check(str_i64(s, &v));
	return v;
}

/* "27,5 pouces" → 27.5 as JSON; false when the variant holds no number. */
static bool variant_number(struct str v, char out[16])
{
	size_t n = 0;
	for (size_t i = 0; i < v.n && n < 15; i++) {
		char c = v.p[i];
		bool digit = c >= '0' && c <= '9';
		if (digit || (c == ',' && n && i + 1 < v.n && v.p[i + 1] >= '0' && v.p[i + 1] <= '9'))
			out[n++] = digit ? c : '.';
		else if (n)
			break;
	}
	out[n] = 0;
	return n > 0 && out[0] != '0';
}

/* ---- catalogue ---- */

static int32_t shop_price(double cents)
{
	double euros = floor(cents / 100.0 + 0.5);
	if (euros >= 20)
		return (int32_t)euros * 100 - 10; /* 24,90 */
	return (int32_t)floor(cents / 10.0 + 0.5) * 10;
}

struct adding {
	struct str variant, star;
	int32_t price;
	int vat_x2, cost_percent, lifetime, weight;
	bool is_star;
};

static void product_add(struct sim_world *w, struct sim_type *t, const struct adding *x)
{
	check(w->product_count < SIM_PRODUCTS_MAX);
	struct product_row *p = &w->products[w->product_count];
	char measure[16];
	struct arena *a = &w->arena;
	bool measured = t->attribute.n && variant_number(x->variant, measure);
	*p = (struct product_row){ .price = x->price, .vat_x2 = x->vat_x2, .tier = x->is_star ? 2 : 1 };
	p->sku = arena_printf(a, "%.3s-%05u",
	                      t->category_no == 0   ? "VEL"
	                      : t->category_no == 1 ? "JAR"
	                      : t->category_no == 2 ? "MAI"
	                                            : "SRV",
	                      10000 + w->product_count * 7);
	p->name = x->is_star ? arena_printf(a, "%.*s %.*s %.*s", STR_ARG(t->name), STR_ARG(x->star), STR_ARG(x->variant))
	                     : arena_printf(a, "%.*s %.*s", STR_ARG(t->name), STR_ARG(x->variant));
	p->type = t->id;
	p->family = t->family;
	p->category = t->category;
	p->brand = x->is_star ? STR("Atelier Belle Saison") : STR("Belle Saison");
	p->cost = (int64_t)(x->price / (1.0 + x->vat_x2 / 200.0) * x->cost_percent / 100.0);
	p->stock = t->category_no == 3 ? -1
	           : sim_draw(w->seed, SIM_CATALOGUE, w->product_count, 1) < 0.03
	               ? 0
	               : 4 + (int32_t)(sim_draw(w->seed, SIM_CATALOGUE, w->product_count, 2) * 20 * (1 + x->weight));
	p->lifetime_days = x->lifetime ? x->lifetime : -1;
	p->url = arena_printf(a, "https://belle-saison.example/p/%.*s", STR_ARG(p->sku));
	p->image = arena_printf(a, "https://belle-saison.example/img/%.*s.jpg", STR_ARG(p->sku));
	p->attributes = measured ? arena_printf(a, "{\"garantie_ans\":%d,\"%.*s\":%s}", x->is_star ? 5 : 2,
	                                        STR_ARG(t->attribute), measure)
	                         : arena_printf(a, "{\"garantie_ans\":%d}", x->is_star ? 5 : 2);
	w->product_type[w->product_count++] = (uint16_t)(t - w->types);
	t->count++;
}

static int category_number(struct str c)
{
	return str_is(c, "Vélo") ? 0 : str_is(c, "Jardin") ? 1 : str_is(c, "Maison") ? 2 : 3;
}

static void type_add(struct sim_world *w, const struct str *f)
{
	struct str variants[VARIANTS_MAX];
	check(w->type_count < SIM_TYPES_MAX);
	struct sim_type *t = &w->types[w->type_count++];
	*t = (struct sim_type){ .id = f[0],
		                    .family = f[1],
		                    .category = f[2],
		                    .category_no = category_number(f[2]),
		                    .name = f[3],
		                    .attribute = f[8],
		                    .weight = (double)number(f[14]),
		                    .season = f[13].p[0],
		                    .repeat_days = (int32_t)number(f[12]),
		                    .consumable = number(f[12]) > 0,
		                    .first = w->product_count + 1,
		                    .stars = f[7].n > 0 };
	struct adding x = { .star = f[7],
		                .vat_x2 = (int)number(f[9]),
		                .cost_percent = (int)number(f[10]),
		                .lifetime = (int)number(f[11]),
		                .weight = (int)number(f[14]) };
	size_t n = split(f[4], '|', variants, VARIANTS_MAX);
	double price = (double)number(f[5]);
	for (size_t i = 0; i < n; i++, price *= 1.0 + (double)number(f[6]) / 100.0) {
		x.variant = variants[i];
		x.price = shop_price(price);
		x.is_star = false;
		product_add(w, t, &x);
		x.price = shop_price(price * STAR_PERCENT / 100.0);
		x.is_star = true;
		if (t->stars)
			product_add(w, t, &x);
	}
}

static uint32_t type_find(const struct sim_world *w, struct str id)
{
	uint32_t i = 0;
	while (i < w->type_count && !str_eq(w->types[i].id, id))
		i++;
	check(i < w->type_count);
	return i;
}

static void load_catalogue(struct sim_world *w)
{
	struct str fields[FIELDS_MAX], rest = list_text("simulated_types.csv");
	size_t n;
	while ((n = list_next(&rest, fields))) {
		check(n == 15);
		type_add(w, fields);
	}
	rest = list_text("simulated_complements.csv");
	while ((n = list_next(&rest, fields))) {
		check(n == 3 && w->complement_count < SIM_COMPLEMENTS_MAX);
		struct sim_complement c = { type_find(w, fields[0]), type_find(w, fields[1]),
			                        (double)number(fields[2]) / 100.0 };
		struct sim_type *t = &w->types[c.of];
		if (t->complement_count++ == 0)
			t->complement_from = w->complement_count;
		check(t->complement_from + t->complement_count == w->complement_count + 1); /* those of a type stand together */
		w->complements[w->complement_count++] = c;
	}
	for (int m = 0; m < 12; m++) {
		double sum = 0, upto = 0;
		for (uint32_t i = 0; i < w->type_count; i++)
			sum += w->types[i].weight * season(w->types[i].season, m);
		for (uint32_t i = 0; i < w->type_count; i++)
			w->in_season[m][i] = fmin(1.0, season(w->types[i].season, m));
		for (uint32_t i = 0; i < w->type_count; i++)
			w->by_month[m][i] = upto += w->types[i].weight * season(w->types[i].season, m) / sum;
	}
}

/* ---- names and towns ---- */

static void names_take(struct sim_world *w, struct str text, struct sim_names *out)
{
	out->list = arena_array(&w->arena, struct str, SIM_NAMES_MAX);
	out->count = (uint32_t)split(text, '|', out->list, SIM_NAMES_MAX);
}

static void load_names(struct sim_world *w)
{
	struct str fields[FIELDS_MAX], rest = list_text("simulated_names.csv");
	while (list_next(&rest, fields)) {
		switch (fields[0].p[0]) {
		case 'f': names_take(w, fields[1], &w->women); break;
		case 'm': names_take(w, fields[1], &w->men); break;
		case 'l': names_take(w, fields[1], &w->last); break;
		case 's': names_take(w, fields[1], &w->streets); break;
		case 'c': names_take(w, fields[1], &w->companies); break;
		case 'o': names_take(w, fields[1], &w->stores); break;
		}
	}
	check(w->women.count && w->men.count && w->last.count && w->streets.count && w->companies.count && w->stores.count);
	rest = list_text("simulated_towns.csv");
	uint32_t upto = 0;
	while (list_next(&rest, fields)) {
		check(w->town_count < SIM_TOWNS_MAX);
		upto += (uint32_t)number(fields[2]);
		w->towns[w->town_count++] = (struct sim_town){ fields[0], fields[1], upto };
	}
}

/* ---- time ---- */

/* French sales: four weeks from the second Wednesday of January (the first when that is after the 12th) and from the
 * last Wednesday of June (the one before when that is after the 28th); C. com. D310-15-2. */
static bool in_sales(struct date d)
{
	int year, month, day;
	date_ymd(d, &year, &month, &day);
	struct date january = date_from_ymd(year, 1, 1), june = date_from_ymd(year, 6, 30);
	int winter = january.day + (2 - date_weekday(january) + 7) % 7 + 7;
	if (winter - january.day + 1 > 12)
		winter -= 7;
	int summer = june.day - (date_weekday(june) - 2 + 7) % 7;
	if (june.day - summer < 2)
		summer -= 7;
	return (d.day >= winter && d.day < winter + 28) || (d.day >= summer && d.day < summer + 28);
}

static void load_time(struct sim_world *w)
{
	int year, month, day;
	double mean = 0;
	for (int m = 0; m < 12; m++)
		for (int d = 0; d < 7; d++)
			mean += MONTH[m] * WEEKDAY[d] / 84.0;
	w->busy = mem_alloc(((size_t)w->days + 1) * sizeof *w->busy);
	w->sales = mem_alloc((size_t)w->days + 1);
	for (int32_t i = 0; i < w->days; i++) {
		struct date d = { w->first.day + i };
		date_ymd(d, &year, &month, &day);
		w->busy[i + 1] = w->busy[i] + MONTH[month - 1] * WEEKDAY[date_weekday(d)] / mean / 365.25;
		w->sales[i] = in_sales(d);
	}
	date_ymd(w->first, &w->first_year, &month, &day);
	date_ymd(w->until, &w->last_year, &month, &day);
	int years = w->last_year - w->first_year + 1;
	w->price = mem_alloc((size_t)years * w->product_count * sizeof *w->price);
	for (int y = 0; y < years; y++)
		for (uint32_t p = 0; p < w->product_count; p++) {
			double cents = (double)w->products[p].price / pow(1.0 + param(P_inflation), years - 1 - y);
			w->price[(size_t)y * w->product_count + p] =
				y == years - 1 ? (int32_t)w->products[p].price : shop_price(cents);
		}
}

int sim_month(const struct sim_world *w, int32_t day)
{
	int y, m, d;
	date_ymd((struct date){ w->first.day + day }, &y, &m, &d);
	return m - 1;
}

int32_t sim_price(const struct sim_world *w, product_id p, int32_t day)
{
	int y, m, d;
	date_ymd((struct date){ w->first.day + day }, &y, &m, &d);
	return w->price[(size_t)(y - w->first_year) * w->product_count + p - 1];
}

struct build_price *sim_prices(struct sim_world *w, size_t *count)
{
	size_t years = (size_t)(w->last_year - w->first_year + 1);
	struct build_price *out = arena_array(&w->arena, struct build_price, years * w->product_count);
	*count = 0;
	for (uint32_t p = 0; p < w->product_count; p++)
		for (size_t y = 0; y < years; y++) {
			int32_t price = w->price[y * w->product_count + p];
			struct date d = y ? date_from_ymd(w->first_year + (int)y, 1, 1) : w->first;
			if (y == 0 || price != out[*count - 1].price)
				out[(*count)++] = (struct build_price){ p + 1, zone_instant(w->zone, d, 0), price };
		}
	return out;
}

int32_t sim_day_at(const struct sim_world *w, double t)
{
	if (t >= w->busy[w->days])
		return w->days;
	int32_t low = 0, high = w->days;
	while (high - low > 1) {
		int32_t mid = low + (high - low) / 2;
		if (w->busy[mid] <= t)
			low = mid;
		else
			high = mid;
	}
	return low;
}

bool sim_world_load(struct sim_world *w, const struct simulate_options *o, struct err *err)
{
	memset(w, 0, sizeof *w);
	arena_init(&w->arena);
	w->seed = o->seed;
	w->customers = o->customers;
	if (!zone_find(STR("Europe/Paris"), &w->zone))
		return err_set(err, ERR_WORLD, "the time zone Europe/Paris is unknown here: install ICU's data");
	w->until = o->until;
	w->first = date_add_months(o->until, -12 * o->years);
	w->days = w->until.day - w->first.day;
	w->from = zone_instant(w->zone, w->first, 0);
	w->end = zone_instant(w->zone, w->until, 0);
	load_catalogue(w);
	load_names(w);
	load_time(w);
	return true;
}

void sim_world_release(struct sim_world *w)
{
	arena_release(&w->arena);
	free(w->busy);
	free(w->price);
	free(w->sales);
}
