/* Sales by kpi_fold over the book's chunks as they stand; a segment is cut out as runs of neighbouring customers. */
#include "app/figures.h"

#include "app/uplift.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void figures_shop_of(const struct live *l, const struct str *ref, uint32_t ids, struct instant now,
                     struct figures_shop *out)
{
	const struct shop_world *w = live_shop(l);
	*out = (struct figures_shop){ .book = w->book,
		                          .version = book_pin(w->book),
		                          .states = live_state(l, 0),
		                          .plans = live_plans(l),
		                          .settings = &w->settings,
		                          .ref = ref,
		                          .ids = ids,
		                          .now = now,
		                          .seed = live_world(l)->seed };
}

static int month_of(zone_id zone, int64_t at)
{
	int y, m, d;
	date_ymd(zone_date(zone, (struct instant){ at }), &y, &m, &d);
	return y * 12 + m - 1;
}

bool figures_span(const struct figures_shop *s, int *first_month, int *last_month)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	for (size_t i = 0; i < s->version->chunk_count; i++) {
		const struct chunk *k = s->version->chunks[i];
		for (uint32_t o = 0; o < k->order_start[BOOK_CHUNK]; o++) {
			first = k->order_at[o] < first ? k->order_at[o] : first;
			last = k->order_at[o] > last ? k->order_at[o] : last;
		}
	}
	if (first > last)
		return false;
	*first_month = month_of(s->settings->zone, first);
	*last_month = month_of(s->settings->zone, last);
	return true;
}

bool figures_last_month(const struct figures_shop *s, int *month)
{
	int first, last, over = month_of(s->settings->zone, s->now.s) - 1;
	if (!figures_span(s, &first, &last))
		return false;
	*month = last <= over ? last : over >= first ? over : last;
	return true;
}

bool figures_month_read(struct str text, int *month)
{
	char day[12];
	struct date d;
	int y, m, dd;
	if (text.n != 7)
		return false;
	snprintf(day, sizeof day, "%.7s-01", text.p);
	if (!date_parse(str_from(day), &d))
		return false;
	date_ymd(d, &y, &m, &dd);
	*month = y * 12 + m - 1;
	return true;
}

void figures_month_text(int month, int each, char out[12])
{
	int year = month / 12 % 10000;
	if (each == 12 && month % 12 == 0)
		snprintf(out, 12, "%d", year);
	else if (each == 3 && month % 3 == 0)
		snprintf(out, 12, "%d-Q%d", year, month % 12 / 3 + 1);
	else
		snprintf(out, 12, "%d-%02d", year, month % 12 + 1);
}

bool figures_periods(const struct figures_shop *s, int from, int to, struct figures_ask *ask, struct err *err)
{
	int last;
	if (!figures_last_month(s, &last))
		return err_set(err, ERR_INPUT, "no order yet: import some with \"relance import\"");
	to = to == INT_MIN ? last : to;
	int start_to = to - to % ask->each;
	ask->first_month = from == INT_MIN ? start_to : from - from % ask->each;
	ask->periods = (start_to - ask->first_month) / ask->each + 1;
	if (ask->first_month > start_to)
		return err_set(err, ERR_INPUT, "from is after to");
	if (ask->periods > FIGURES_PERIODS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d periods: choose a later from", FIGURES_PERIODS_MAX);
	return true;
}

void figures_time_make(const struct figures_shop *s, const struct figures_ask *ask, struct figures_time *out)
{
	out->count = ask->periods + 1;
	for (int p = 0; p <= out->count; p++) {
		int month = ask->first_month + (p - 1) * ask->each;
		out->start[p] = zone_instant(s->settings->zone, date_from_ymd(month / 12, month % 12 + 1, 1), 0).s;
	}
}

int figures_period(const struct figures_time *t, int64_t at)
{
	if (at < t->start[0] || at >= t->start[t->count])
		return -1;
	int low = 0, high = t->count;
	while (high - low > 1) {
		int mid = (low + high) / 2;
		if (t->start[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* ---- what the fold reads ---- */

struct sales {
	struct kpi_slice *slices;
	size_t count, cap;
	uint16_t *order_group; /* of all orders, when narrowed to a channel, a store or a seller */
	struct kpi_plan plan;
	uint8_t *not_a_product, *vat;
	int64_t *cost;
	uint16_t *group;
	uint32_t *family;
};

/* Guests are the one customer of the first chunk: their sales count, they are nobody. */
static const uint16_t PERSONS[BOOK_CHUNK], NOBODY[BOOK_CHUNK] = { 1 };

static void add_slice(struct sales *f, const struct chunk *k, uint32_t from, uint32_t to, const uint16_t *order_group)
{
	f->slices = mem_grow(f->slices, &f->cap, f->count + 1, sizeof *f->slices);
	struct kpi_slice slice = kpi_slice_of(k, to - from);
	slice.order_start += from;
	slice.order_group = order_group;
	slice.customer_group = k->first == GUESTS ? NOBODY : PERSONS;
	f->slices[f->count++] = slice;
}

static void cut_chunk(struct sales *f, const struct figures_ask *ask, const struct chunk *k,
                      const uint16_t *order_group)
{
	uint32_t from = 0;
	if (!ask->segment) {
		add_slice(f, k, 0, BOOK_CHUNK, order_group);
		return;
	}
	for (uint32_t i = 0; i <= BOOK_CHUNK; i++) {
		customer_id c = k->first + i;
		bool in = i < BOOK_CHUNK && k->order_start[i + 1] > k->order_start[i] && c != GUESTS &&
		          (ask->segment[c >> 6] >> (c & 63) & 1);
		if (in)
			continue;
		if (i > from)
			add_slice(f, k, from, i, order_group);
		from = i + 1;
	}
}

static void cut(struct sales *f, const struct figures_shop *s, const struct figures_ask *ask)
{
	size_t orders = 0, at = 0;
	for (size_t i = 0; i < s->version->chunk_count; i++)
		orders += s->version->chunks[i]->order_start[BOOK_CHUNK];
	if (ask->channel >= 0 || ask->store || ask->seller)
		f->order_group = mem_alloc((orders + 1) * sizeof *f->order_group);
	for (size_t i = 0; i < s->version->chunk_count; i++) {
		const struct chunk *k = s->version->chunks[i];
		uint32_t count = k->order_start[BOOK_CHUNK];
		for (uint32_t o = 0; o < count && f->order_group; o++)
			f->order_group[at + o] = figures_order_in(ask, k, o) ? 0 : UINT16_MAX;
		cut_chunk(f, ask, k, f->order_group ? f->order_group + at : NULL);
		at += count;
	}
}

/* A product of unknown cost gets one from the margin the shop says it makes, on its price without VAT. */
static int64_t cost_of(const struct product *p, const struct figures_ask *ask)
{
	if (p->cost >= 0 || ask->margin_per_mille < 0 || p->price < 0)
		return p->cost;
	double net = (double)p->price / (1 + p->vat_percent_x2 / 200.0);
	return (int64_t)(net * (double)(1000 - ask->margin_per_mille) / 1000 + 0.5);
}

uint32_t *figures_families(const struct figures_shop *s)
{
	uint32_t count;
	const struct product *p = book_products(s->book, &count);
	uint32_t *family = mem_alloc((count + 1) * sizeof *family), any = 0;
	for (uint32_t i = 1; i < count; i++)
		any |= family[i] = p[i].not_a_product ? 0 : p[i].family;
	if (any)
		return family;
	free(family);
	return NULL;
}

static void read_catalogue(struct sales *f, const struct figures_shop *s, const struct figures_ask *ask)
{
	uint32_t count;
	const struct product *p = book_products(s->book, &count);
	f->not_a_product = mem_alloc(count + 1);
	f->vat = mem_alloc(count + 1);
	f->cost = mem_alloc((count + 1) * sizeof *f->cost);
	f->group = mem_alloc((count + 1) * sizeof *f->group);
	for (uint32_t i = 0; i < count; i++) {
		f->not_a_product[i] = p[i].not_a_product;
		f->vat[i] = p[i].vat_percent_x2;
		f->cost[i] = i ? cost_of(&p[i], ask) : -1;
		f->group[i] = ask->category && p[i].category == ask->category ? 0 : UINT16_MAX;
	}
	f->family = ask->complementary ? NULL : figures_families(s);
	f->plan = (struct kpi_plan){ .by = ask->category           ? KPI_BY_PRODUCT
		                               : figures_narrowed(ask) ? KPI_BY_ORDER
		                                                       : KPI_BY_CUSTOMER,
		                         .groups = figures_narrowed(ask) ? 1 : 2,
		                         .zone = s->settings->zone,
		                         .catalogue = { .count = count,
		                                        .complementary = ask->complementary,
		                                        .family = f->family,
		                                        .not_a_product = f->not_a_product,
		                                        .cost = f->cost,
		                                        .vat_percent_x2 = f->vat,
		                                        .group = ask->category ? f->group : NULL } };
}

static void sales_release(struct sales *f)
{
	free(f->slices);
	free(f->order_group);
	free(f->not_a_product);
	free(f->vat);
	free(f->cost);
	free(f->group);
	free(f->family);
}

/* ---- different buyers of a period of several months ---- */

static bool order_counts(const struct figures_shop *s, const struct figures_ask *ask, const struct chunk *k, uint32_t o)
{
	if (!order_is_sale(k, o) || !figures_order_in(ask, k, o))
		return false;
	if (!ask->category)
		return true;
	uint32_t count;
	const struct product *p = book_products(s->book, &count);
	for (uint32_t l = order_line(k, o); l < order_line(k, o + 1); l++)
		if (line_quantity(k, l) > 0 && line_product(k, l) < count && p[line_product(k, l)].category == ask->category)
			return true;
	return false;
}

static void count_buyers(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                         struct kpi_input *out)
{
	for (int p = 0; p < t->count; p++)
		out[p].buyers = 0;
	for (size_t i = 0; i < s->version->chunk_count; i++) {
		const struct chunk *k = s->version->chunks[i];
		for (uint32_t c = 0; c < BOOK_CHUNK; c++) {
			int last = -1;
			customer_id id = k->first + c;
			if (id == GUESTS || id > s->version->customers ||
			    (ask->segment && !(ask->segment[id >> 6] >> (id & 63) & 1)))
				continue;
			for (uint32_t o = k->order_start[c]; o < k->order_start[c + 1]; o++) {
				int p = figures_period(t, k->order_at[o]);
				if (p >= 0 && p != last && order_counts(s, ask, k, o)) {
					out[p].buyers++;
					last = p;
				}
			}
		}
	}
}

/* ---- increments ---- */

/* Each plan's control mean is weighed by its own treated customers, so that plans with different control shares add up:
 * (Σ treated margin) − Σ treated × control mean. */
static void add_increment(struct kpi_input *in, const struct uplift *u)
{
	const struct uplift_arm *c = &u->arm[UPLIFT_CONTROL], *t = &u->arm[UPLIFT_TREATED];
	if (c->customers == 0 || t->customers == 0 || !u->margin_known)
		return;
	if (in->treated == KPI_UNKNOWN)
		in->treated = in->control = in->treated_margin = in->control_margin = in->treated_cost = 0;
	double share = (double)c->margin / (double)c->customers * (double)t->customers;
	double held = in->treated ? (double)in->control_margin / (double)in->control * (double)in->treated : 0;
	in->treated += t->customers;
	in->control += c->customers;
	in->treated_margin += t->margin;
	in->treated_cost += t->message_cost;
	in->control_margin = (int64_t)((held + share) * (double)in->control / (double)in->treated + 0.5);
}

static void increments(const struct figures_shop *s, const struct figures_ask *ask, const struct figures_time *t,
                       struct kpi_input *out)
{
	if (!s->plans || !s->states)
		return;
	for (uint16_t i = 0; i < s->plans->count; i++) {
		if (s->plans->family[i] != i)
			continue;
		for (int p = 0; p < t->count; p++) {
			struct uplift u;
			uplift_make(s,
			            &(struct uplift_ask){ .plan = i,
			                                  .from = { t->start[p] },
			                                  .to = { t->start[p + 1] },
			                                  .segment = ask->segment,
			                                  .margin_per_mille = ask->margin_per_mille },
			            &u);
			add_increment(&out[p], &u);
		}
	}
}

static void add_guests(const struct kpi_table *t, int from, int to, struct kpi_input *out)
{
	struct kpi_input g;
	kpi_input_of(t, 1, from, to, &g);
	out->orders += g.orders;
	out->orders_complement += g.orders_complement;
	out->order_value += g.order_value;
	out->order_value_complement += g.order_value_complement;
	out->revenue += g.revenue;
	out->returned += g.returned;
	out->quantity += g.quantity;
	out->margin += g.margin;
	out->margin_revenue += g.margin_revenue;
}

bool figures_make(const struct figures_shop *s, const struct figures_ask *ask, struct kpi_input *out, struct err *err)
{
	if (ask->periods < 1 || ask->periods > FIGURES_PERIODS_MAX)
		return err_set(err, ERR_LIMIT, "between 1 and %d periods can be shown", FIGURES_PERIODS_MAX);
	struct figures_time t;
	figures_time_make(s, ask, &t);
	struct sales f = { 0 };
	struct kpi_table table;
	read_catalogue(&f, s, ask);
	cut(&f, s, ask);
	bool ok = kpi_fold(&f.plan, f.slices, f.count, s->threads, &table, err), cross = ask->complementary || f.family;
	sales_release(&f);
	if (!ok)
		return false;
	for (int p = 0; p < t.count; p++) {
		int from = ask->first_month + (p - 1) * ask->each;
		kpi_input_of(&table, 0, from, from + ask->each - 1, &out[p]);
		if (table.groups == 2)
			add_guests(&table, from, from + ask->each - 1, &out[p]);
		if (out[p].orders > 0 && out[p].quantity == 0)
			out[p].quantity = KPI_UNKNOWN; /* orders without articles: nothing was counted */
		if (!cross)
			out[p].orders_complement = out[p].order_value_complement = out[p].cross_sell_delay_days =
				out[p].cross_sell_firsts = KPI_UNKNOWN;
	}
	kpi_table_release(&table);
	count_buyers(s, ask, &t, out);
	if (figures_narrowed(ask))
		return true;
	figures_people(s, ask, &t, out, NULL);
	figures_accounts(s, ask, &t, out, NULL);
	increments(s, ask, &t, out);
	if (ask->worth)
		figures_worth(s, ask, &t, out);
	return true;
}

/* ---- reasons ---- */

static struct kpi_value because(const char *fr, const char *en)
{
	return (struct kpi_value){ .why_fr = fr, .why_en = en };
}

struct kpi_value figures_value(enum kpi k, const struct kpi_input *in, const struct figures_ask *ask)
{
	struct kpi_value v = kpi_compute(k, in);
	if (v.known)
		return v;
	bool cross = k == KPI_CROSS_SELL_RATE || k == KPI_BASKET_UPLIFT || k == KPI_CROSS_SELL_DELAY;
	if (cross && in->orders_complement == KPI_UNKNOWN)
		return because(
			"ni familles au catalogue ni liste de produits complémentaires\u00a0: la donner avec --complements",
			"neither families in the catalogue nor a list of complementary products: give one with "
			"--complements");
	if (figures_narrowed(ask) && in->new_customers == KPI_UNKNOWN)
		return because(
			"un client n’appartient pas à une catégorie, un canal, un magasin ni un vendeur\u00a0: chiffre donné "
			"pour l’ensemble",
			"a customer belongs to no one category, channel, store or seller: given for the whole shop only");
	if (k == KPI_SALES_VOLUME)
		return because("les commandes ne disent pas quels articles", "the orders do not say which articles");
	if (k == KPI_CAC)
		return because("les dépenses d’acquisition ne sont pas saisies\u00a0: relance set cost.acquisition",
		               "what is spent on acquisition is not known: relance set cost.acquisition");
	if (k == KPI_CLV)
		return because("trop peu d’historique pour prévoir\u00a0: il faut dix clients revenus au moins une fois",
		               "too little history to forecast: ten customers who came back at least once are needed");
	if (k == KPI_OBJECTIVE_ATTAINMENT || k == KPI_OBJECTIVES_REACHED)
		return because("aucun objectif fixé pour cette période\u00a0: relance objective set",
		               "no objective set for this period: relance objective set");
	if (k == KPI_ACCEPTANCE_RATE)
		return because(
			"aucune proposition notée\u00a0: événements «\u00a0proposal\u00a0» et «\u00a0proposal_accepted\u00a0»",
			"no proposal recorded: events \"proposal\" and \"proposal_accepted\"");
	if (kpi_definition(k)->b2b)
		return because("ni compte ni abonnement dans la boutique", "no account or subscription in the shop");
	if (k == KPI_INCREMENTAL_MARGIN && in->treated == KPI_UNKNOWN)
		return because(
			"personne n’est entré dans un plan avec groupe témoin sur la période, ou le coût des produits n’est pas "
			"connu",
			"nobody entered a plan with a control group in the period, or the cost of products is not known");
	return v;
}
