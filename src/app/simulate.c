/* Method: blocks of customers are made by all threads and written in order by whoever holds the turn. */
#include "app/simulate_int.h"

#include "base/par.h"
#include "base/turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const struct simulate_parameter SIMULATE_PARAMETERS[] = {
#define PARAM(name, value, meaning) { #name, value, meaning },
#include "app/simulate_params.h"
#undef PARAM
};
const size_t SIMULATE_PARAMETER_COUNT = ARRAY_LEN(SIMULATE_PARAMETERS);

static const char TRUTH_HEADER[] =
	"customer_id,customer,kind,rate_per_year,leaving_chance,alive,left_at,orders,persuadable,same_person_as\n";

struct making {
	const struct simulate_options *o;
	struct sim_world *w;
	struct store_build *build;
	struct sim_block *blocks; /* one per thread */
	struct simulate_result *sum;
	FILE *truth;
	struct turn turn;
	bool failed;
	struct err *err;
};

static double clock_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sum_add(struct simulate_result *to, const struct simulate_result *x)
{
	to->customers += x->customers;
	to->facts += x->facts;
	to->orders += x->orders;
	to->lines += x->lines;
	to->returns += x->returns;
	to->carts += x->carts;
	to->carts_abandoned += x->carts_abandoned;
	to->cart_facts += x->cart_facts;
	to->consents += x->consents;
	to->events += x->events;
}

static bool block_write(struct making *m, customer_id first, const struct sim_block *b)
{
	const struct build_block k = { .first = first,
		                           .customers = b->customers,
		                           .customer_count = b->customer_count,
		                           .facts = b->facts,
		                           .fact_count = b->fact_count };
	if (!store_build_block(m->build, &k, m->err))
		return false;
	if (m->truth && fwrite(b->truth.p, 1, b->truth.n, m->truth) != b->truth.n)
		return err_errno(m->err, "%s: cannot be written", m->o->truth);
	sum_add(m->sum, &b->sum);
	if (m->o->progress)
		m->o->progress(m->o->ctx, m->sum->customers, m->o->customers);
	return true;
}

static void make_block(void *ctx, size_t from, size_t to, int thread)
{
	struct making *m = ctx;
	struct sim_block *b = &m->blocks[thread];
	customer_id first = (customer_id)(from * SIM_BLOCK + 1);
	size_t left = m->o->customers - (first - 1), count = left < SIM_BLOCK ? left : SIM_BLOCK;
	(void)to;
	sim_block_fill(m->w, first, count, m->truth, b);
	turn_wait(&m->turn, from);
	if (!m->failed)
		m->failed = !block_write(m, first, b);
	turn_next(&m->turn);
}

static bool make_all(struct making *m)
{
	int threads = par_threads(m->o->threads);
	size_t prices;
	const struct build_price *list = sim_prices(m->w, &prices);
	if (!store_build_products(m->build, m->w->products, m->w->product_count, list, prices, m->err))
		return false;
	m->blocks = mem_alloc((size_t)threads * sizeof *m->blocks);
	for (int i = 0; i < threads; i++)
		sim_block_init(&m->blocks[i]);
	turn_init(&m->turn);
	par_for((m->o->customers + SIM_BLOCK - 1) / SIM_BLOCK, 1, threads, make_block, m);
	turn_release(&m->turn);
	for (int i = 0; i < threads; i++)
		sim_block_release(&m->blocks[i]);
	free(m->blocks);
	return !m->failed;
}

static bool truth_open(struct making *m)
{
	if (!m->o->truth)
		return true;
	m->truth = fopen(m->o->truth, "wxe");
	if (!m->truth)
		return errno == EEXIST ? err_set(m->err, ERR_INPUT, "%s is there already: give another name", m->o->truth)
		                       : err_errno(m->err, "%s: cannot be made", m->o->truth);
	return fputs(TRUTH_HEADER, m->truth) >= 0 || err_errno(m->err, "%s: cannot be written", m->o->truth);
}

static bool truth_close(struct making *m, bool ok)
{
	if (m->truth && fclose(m->truth) != 0 && ok)
		ok = err_errno(m->err, "%s: cannot be written", m->o->truth);
	if (m->truth && !ok)
		remove(m->o->truth);
	return ok;
}

static bool make_shop(const struct simulate_options *o, struct sim_world *w, struct making *m)
{
	struct shop shop = {
		.zone = w->zone, .locale = LOCALE_FR, .seed = hash_mix(o->seed, SIM_KEY) | 1, .name = "La Belle Saison"
	};
	const uint64_t key[2] = { hash_mix(o->seed, SIM_KEY + 1), hash_mix(o->seed, SIM_KEY + 2) };
	check(currency_find(STR("EUR"), &shop.currency));
	m->build = store_build_begin(o->address, &shop, key, m->err);
	if (!m->build)
		return false;
	w->shop = *store_build_shop(m->build);
	bool ok = truth_open(m) && make_all(m);
	ok = truth_close(m, ok);
	if (ok)
		return store_build_commit(m->build, o->threads, NULL, m->err);
	store_build_abandon(m->build);
	return false;
}

/* What a shop says of itself in its mails and on its pages. */
static bool furnish(const char *address, struct err *err)
{
	static const char *const SAID[][2] = {
		{ "shop.url", "https://belle-saison.example" },
		{ "shop.address", "14 quai des Carmes, 49100 Angers" },
		{ "shop.phone", "02 61 91 04 12" },
		{ "shop.email", "bonjour@belle-saison.example" },
		{ "shop.hours", "du mardi au samedi, de 10 h à 19 h" },
		{ "shop.signature", "Claire et l’équipe de La Belle Saison" },
		{ "shop.reassurance",
		  "Retrait en boutique: prêt en deux heures; Livraison: en 3 jours chez vous; Retour: 30 jours pour "
		  "changer d’avis" },
	};
	struct shop shop;
	struct db *db = store_open(address, false, &shop, err);
	bool ok = db != NULL && db_begin(db, err);
	for (size_t i = 0; ok && i < ARRAY_LEN(SAID); i++)
		ok = store_shop_set(db, SAID[i][0], str_from(SAID[i][1]), err);
	ok = ok && db_commit(db, err);
	if (db)
		db_close(db);
	return ok;
}

bool simulate_run(const struct simulate_options *o, struct simulate_result *out, struct err *err)
{
	check(o->customers >= 1 && o->customers <= SIMULATE_CUSTOMERS_MAX && o->years >= 1 &&
	      o->years <= SIMULATE_YEARS_MAX);
	double started = clock_s();
	struct sim_world *w = mem_alloc(sizeof *w);
	*out = (struct simulate_result){ 0 };
	struct making m = { .o = o, .w = w, .sum = out, .err = err };
	bool ok = sim_world_load(w, o, err) && make_shop(o, w, &m) && furnish(o->address, err);
	out->products = w->product_count;
	out->seconds = clock_s() - started;
	sim_world_release(w);
	free(w);
	return ok;
}
