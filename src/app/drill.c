#include "app/drill.h"

#include <stdio.h>
#include <stdlib.h>

enum kind { NONE, DOCUMENTS, SALES, BUYERS, NEW, ACTIVE, SEEN };

static const struct list {
	enum kind kind;
	unsigned what; /* of SEEN: a bit per enum figures_what */
	struct drill_column columns[DRILL_COLUMNS_MAX];
} LISTS[] = {
#define DOCUMENT_COLUMNS                                                                                               \
	{                                                                                                                  \
		{ "customer", DRILL_CUSTOMER }, { "day", DRILL_DAY }, { "value", DRILL_MONEY }, { "pieces", DRILL_NUMBER },    \
			{ "kind", DRILL_WORD }, { "complement", DRILL_YES_NO }, { "store", DRILL_TEXT },                           \
		{                                                                                                              \
			"seller", DRILL_TEXT                                                                                       \
		}                                                                                                              \
	}
#define CUSTOMER_COLUMNS                                                                                               \
	{                                                                                                                  \
		{ "customer", DRILL_CUSTOMER }, { "orders", DRILL_NUMBER }, { "revenue", DRILL_MONEY },                        \
			{ "first_order", DRILL_DAY }, { "at_start", DRILL_YES_NO }, { "at_end", DRILL_YES_NO },                    \
		{                                                                                                              \
			"new", DRILL_YES_NO                                                                                        \
		}                                                                                                              \
	}
	{ DOCUMENTS, 0, DOCUMENT_COLUMNS },
	{ SALES, 0, DOCUMENT_COLUMNS },
	{ BUYERS, 0, CUSTOMER_COLUMNS },
	{ NEW, 0, CUSTOMER_COLUMNS },
	{ ACTIVE, 0, CUSTOMER_COLUMNS },
#undef DOCUMENT_COLUMNS
#undef CUSTOMER_COLUMNS
#define W(what) 1u << FIGURES_##what
	{ SEEN,
	  W(PROSPECT),
	  { { "customer", DRILL_CUSTOMER },
	    { "met", DRILL_DAY },
	    { "first_order", DRILL_DAY },
	    { "sold", DRILL_YES_NO } } },
	{ SEEN, W(CONVERTED), { { "customer", DRILL_CUSTOMER }, { "met", DRILL_DAY }, { "first_order", DRILL_DAY } } },
	{ SEEN,
	  W(CART),
	  { { "customer", DRILL_CUSTOMER },
	    { "first_change", DRILL_DAY },
	    { "last_change", DRILL_DAY },
	    { "value", DRILL_MONEY },
	    { "abandoned", DRILL_YES_NO } } },
	{ SEEN,
	  W(VISIT) | W(WEB_ORDER),
	  { { "customer", DRILL_CUSTOMER }, { "day", DRILL_DAY }, { "value", DRILL_MONEY }, { "order", DRILL_YES_NO } } },
	{ SEEN,
	  W(MESSAGE),
	  { { "customer", DRILL_CUSTOMER },
	    { "day", DRILL_DAY },
	    { "opened", DRILL_YES_NO },
	    { "clicked", DRILL_YES_NO } } },
	{ SEEN,
	  W(SURVEY),
	  { { "customer", DRILL_CUSTOMER },
	    { "day", DRILL_DAY },
	    { "answer", DRILL_WORD },
	    { "satisfied", DRILL_YES_NO } } },
	{ SEEN,
	  W(ACCOUNT),
	  { { "customer", DRILL_CUSTOMER },
	    { "day", DRILL_DAY },
	    { "monthly", DRILL_MONEY },
	    { "add_on", DRILL_YES_NO } } },
	{ SEEN,
	  W(LEAD),
	  { { "customer", DRILL_CUSTOMER },
	    { "qualified", DRILL_DAY },
	    { "won_on", DRILL_DAY },
	    { "won", DRILL_YES_NO } } },
	{ SEEN,
	  W(DEAL),
	  { { "customer", DRILL_CUSTOMER }, { "opened", DRILL_DAY }, { "won", DRILL_DAY }, { "value", DRILL_MONEY } } },
	{ SEEN, W(PROPOSAL), { { "customer", DRILL_CUSTOMER }, { "day", DRILL_DAY }, { "accepted", DRILL_YES_NO } } },
#undef W
};

static const struct list *list_of_kind(enum kind kind, enum figures_what what)
{
	for (size_t i = 0; i < ARRAY_LEN(LISTS); i++)
		if (LISTS[i].kind == kind && (kind != SEEN || LISTS[i].what >> what & 1))
			return &LISTS[i];
	return NULL;
}

static const struct list *list_of(enum kpi k)
{
	switch (k) {
	case KPI_REVENUE:
	case KPI_RETURN_RATE:
	case KPI_MARGIN_RATE: return list_of_kind(DOCUMENTS, 0);
	case KPI_ORDERS:
	case KPI_MEAN_BASKET:
	case KPI_SALES_VOLUME:
	case KPI_CROSS_SELL_RATE:
	case KPI_BASKET_UPLIFT:
	case KPI_CROSS_SELL_DELAY: return list_of_kind(SALES, 0);
	case KPI_REVENUE_PER_CUSTOMER: return list_of_kind(BUYERS, 0);
	case KPI_NEW_CUSTOMERS:
	case KPI_CAC: return list_of_kind(NEW, 0);
	case KPI_RETENTION: return list_of_kind(ACTIVE, 0);
	case KPI_CONVERSION: return list_of_kind(SEEN, FIGURES_PROSPECT);
	case KPI_TIME_TO_CONVERT: return list_of_kind(SEEN, FIGURES_CONVERTED);
	case KPI_CARTS_ABANDONED: return list_of_kind(SEEN, FIGURES_CART);
	case KPI_WEB_CONVERSION: return list_of_kind(SEEN, FIGURES_VISIT);
	case KPI_OPEN_RATE:
	case KPI_CLICK_RATE: return list_of_kind(SEEN, FIGURES_MESSAGE);
	case KPI_SATISFACTION:
	case KPI_RESPONSE_RATE: return list_of_kind(SEEN, FIGURES_SURVEY);
	case KPI_ATTACH_RATE:
	case KPI_ADD_ON_ARR:
	case KPI_ADD_ON_MRR:
	case KPI_ADD_ON_CHURN:
	case KPI_ARPA: return list_of_kind(SEEN, FIGURES_ACCOUNT);
	case KPI_QUALIFIED_CONVERSION: return list_of_kind(SEEN, FIGURES_LEAD);
	case KPI_SALES_CYCLE: return list_of_kind(SEEN, FIGURES_DEAL);
	case KPI_ACCEPTANCE_RATE: return list_of_kind(SEEN, FIGURES_PROPOSAL);
	case KPI_OBJECTIVE_ATTAINMENT:
	case KPI_OBJECTIVES_REACHED:
	case KPI_INCREMENTAL_MARGIN:
	case KPI_CLV:
	case KPI_ALL: return NULL;
	}
	return NULL;
}

int drill_columns(enum kpi k, struct drill_column out[DRILL_COLUMNS_MAX])
{
	const struct list *l = list_of(k);
	int n = 0;
	for (; l && n < DRILL_COLUMNS_MAX && l->columns[n].name; n++)
		out[n] = l->columns[n];
	return n;
}

/* ---- in words ---- */

struct said {
	const char *key, *fr, *en;
};

static const char *say(const struct said *all, size_t count, const char *key, bool french)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].key, key) == 0)
			return french ? all[i].fr : all[i].en;
	return key;
}

const char *drill_title(const char *column, bool french)
{
	static const struct said TITLES[] = {
		{ "customer", "Client", "Customer" },
		{ "day", "Jour", "Day" },
		{ "value", "Valeur", "Value" },
		{ "pieces", "Articles", "Articles" },
		{ "kind", "Nature", "Kind" },
		{ "complement", "Complément", "Complement" },
		{ "store", "Magasin", "Store" },
		{ "seller", "Vendeur", "Salesperson" },
		{ "orders", "Commandes", "Orders" },
		{ "revenue", "Chiffre d’affaires", "Revenue" },
		{ "first_order", "Premier achat", "First order" },
		{ "at_start", "Client au début", "Customer at start" },
		{ "at_end", "Client à la fin", "Customer at end" },
		{ "new", "Nouveau", "New" },
		{ "met", "Premier contact", "First contact" },
		{ "sold", "A acheté", "Bought" },
		{ "first_change", "Ouvert", "Opened" },
		{ "last_change", "Dernier changement", "Last change" },
		{ "abandoned", "Abandonné", "Abandoned" },
		{ "order", "Commande", "Order" },
		{ "opened", "Ouvert", "Opened" },
		{ "clicked", "Cliqué", "Clicked" },
		{ "answer", "Réponse", "Answer" },
		{ "satisfied", "Satisfait", "Satisfied" },
		{ "monthly", "Par mois", "A month" },
		{ "add_on", "Option", "Add-on" },
		{ "qualified", "Qualifié", "Qualified" },
		{ "won_on", "Gagné le", "Won on" },
		{ "won", "Gagné", "Won" },
		{ "accepted", "Acceptée", "Accepted" },
		{ "loyal", "Fidèle", "Loyal" },
		{ "active", "Actif", "Active" },
		{ "group", "Groupe", "Group" },
		{ "last_contact", "Dernier contact", "Last contact" },
		{ "due", "À effacer depuis le", "To be erased since" },
	};
	return say(TITLES, ARRAY_LEN(TITLES), column, french);
}

const char *drill_said(const char *word, bool french)
{
	static const struct said WORDS[] = {
		{ "sale", "vente", "sale" },
		{ "prospect", "prospect", "prospect" },
		{ "customer", "client", "customer" },
		{ "return", "retour", "return" },
		{ "very_satisfied", "très satisfait", "very satisfied" },
		{ "satisfied", "satisfait", "satisfied" },
		{ "unsatisfied", "pas satisfait", "not satisfied" },
	};
	return say(WORDS, ARRAY_LEN(WORDS), word, french);
}

/* ---- rows ---- */

struct listing {
	const struct figures_shop *s;
	const struct figures_ask *ask;
	const struct drill_sink *sink;
	const struct list *list;
	const uint32_t *family;
	int64_t from, to;
	int64_t start,
		end; /* the same, within the months that have orders: beyond them nothing is known of who is active */
	bool enough;
};

struct drill_cell drill_day(const struct figures_shop *s, int64_t at)
{
	if (at <= 0 || at == INT64_MAX)
		return (struct drill_cell){ 0 };
	return drill_number(zone_date(s->settings->zone, (struct instant){ at }).day);
}

static struct drill_cell day(const struct listing *l, int64_t at)
{
	return drill_day(l->s, at);
}

static struct drill_cell who(customer_id c)
{
	return (struct drill_cell){ .known = c != GUESTS, .number = c };
}

static struct drill_cell word(const char *text)
{
	return (struct drill_cell){ .known = text && *text, .word = text };
}

static void put(struct listing *l, const struct drill_cell *cells, int count)
{
	l->enough = l->enough || !l->sink->row(l->sink->ctx, cells, count);
}

struct document {
	int64_t value, pieces;
	bool complement, counts;
};

/* The lines that count: all, or those of the category. The whole order says whether something complements it. */
static struct document document_of(const struct listing *l, const struct chunk *k, uint32_t o)
{
	struct document d = { .counts = l->ask->category == 0 };
	uint32_t count, family = 0;
	const struct product *p = book_products(l->s->book, &count);
	if (!figures_order_in(l->ask, k, o))
		return (struct document){ 0 };
	for (uint32_t i = order_line(k, o); i < order_line(k, o + 1); i++) {
		product_id id = line_product(k, i) < count ? line_product(k, i) : 0;
		bool sold = line_quantity(k, i) > 0;
		if (sold && l->ask->complementary)
			d.complement = d.complement || l->ask->complementary[id];
		if (sold && l->family && l->family[id]) {
			d.complement = d.complement || (family && family != l->family[id]);
			family = l->family[id];
		}
		if (l->ask->category && p[id].category != l->ask->category)
			continue;
		d.counts = true;
		d.value += line_amount(k, i);
		if (sold && !p[id].not_a_product)
			d.pieces += line_quantity(k, i);
	}
	return d;
}

static struct drill_cell desk(const struct listing *l, uint32_t name, char out[BODY_NAME_MAX + 1])
{
	struct str s = name ? book_word_text(l->s->book, name) : STR("");
	snprintf(out, BODY_NAME_MAX + 1, "%.*s", STR_ARG(s));
	return word(out);
}

static void documents_of(struct listing *l, const struct chunk *k, uint32_t i, bool sales_only)
{
	char store[BODY_NAME_MAX + 1], seller[BODY_NAME_MAX + 1];
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1] && !l->enough; o++) {
		if (k->order_at[o] < l->from || k->order_at[o] >= l->to || (sales_only && !order_is_sale(k, o)))
			continue;
		struct document d = document_of(l, k, o);
		struct sale_desk at = k->order_desk ? k->order_desk[o] : (struct sale_desk){ 0, 0 };
		if (!d.counts)
			continue;
		put(l,
		    (struct drill_cell[]){ who(k->first + i),
		                           day(l, k->order_at[o]),
		                           drill_number(d.value),
		                           drill_number(d.pieces),
		                           word(order_is_sale(k, o) ? "sale" : "return"),
		                           { .known = l->ask->complementary || l->family, .number = d.complement },
		                           desk(l, at.store, store),
		                           desk(l, at.seller, seller) },
		    8);
	}
}

/* Active at a date: a sale in the twelve months before it. */
static bool active_at(const struct listing *l, const struct chunk *k, uint32_t i, int64_t at)
{
	struct date d = zone_date(l->s->settings->zone, (struct instant){ at });
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		struct date bought = zone_date(l->s->settings->zone, (struct instant){ k->order_at[o] });
		if (order_is_sale(k, o) && k->order_at[o] < at && date_add_months(bought, KPI_ACTIVE_MONTHS).day > d.day)
			return true;
	}
	return false;
}

static void customer_of(struct listing *l, const struct chunk *k, uint32_t i)
{
	int64_t orders = 0, spend = 0, first = INT64_MAX;
	for (uint32_t o = k->order_start[i]; o < k->order_start[i + 1]; o++) {
		int64_t at = k->order_at[o];
		bool sale = order_is_sale(k, o);
		first = sale && at < first ? at : first;
		if (at < l->from || at >= l->to)
			continue;
		struct document d = document_of(l, k, o);
		orders += sale && d.counts;
		spend += d.value;
	}
	bool is_new = first >= l->from && first < l->to, before = active_at(l, k, i, l->start),
		 after = active_at(l, k, i, l->end);
	enum kind kind = l->list->kind;
	if (kind == BUYERS ? orders == 0 : kind == NEW ? !is_new : !before && !after)
		return;
	put(l,
	    (struct drill_cell[]){ who(k->first + i), drill_number(orders), drill_number(spend), day(l, first),
	                           drill_number(before), drill_number(after), drill_number(is_new) },
	    7);
}

/* Of the orders that are counted, as fold/kpi_fold.c has it. */
static void reach(struct listing *l)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	zone_id zone = l->s->settings->zone;
	for (size_t n = 0; n < l->s->version->chunk_count; n++) {
		const struct chunk *k = l->s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= l->s->version->customers; i++) {
			uint32_t from = k->order_start[i], to = k->order_start[i + 1];
			if (from == to || (l->ask->segment && !figures_counts(l->s, l->ask, k->first + i)))
				continue;
			first = k->order_at[from] < first ? k->order_at[from] : first;
			last = k->order_at[to - 1] > last ? k->order_at[to - 1] : last;
		}
	}
	if (first > last)
		return;
	int year, month, day;
	date_ymd(zone_date(zone, (struct instant){ first }), &year, &month, &day);
	int64_t start = zone_instant(zone, date_from_ymd(year, month, 1), 0).s;
	date_ymd(zone_date(zone, (struct instant){ last }), &year, &month, &day);
	int64_t end = zone_instant(zone, date_add_months(date_from_ymd(year, month, 1), 1), 0).s;
	l->start = start > l->start ? start : l->start;
	l->end = end < l->end ? end : l->end;
}

static void sales(struct listing *l)
{
	bool documents = l->list->kind == DOCUMENTS || l->list->kind == SALES;
	for (size_t n = 0; n < l->s->version->chunk_count; n++) {
		const struct chunk *c = l->s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && c->first + i <= l->s->version->customers && !l->enough; i++) {
			customer_id id = c->first + i;
			if (id == GUESTS ? l->ask->segment || !documents : !figures_counts(l->s, l->ask, id))
				continue;
			if (documents)
				documents_of(l, c, i, l->list->kind == SALES);
			else
				customer_of(l, c, i);
		}
	}
}

static const char *answer_word(int answer)
{
	switch (answer) {
	case ANSWER_VERY_SATISFIED: return "very_satisfied";
	case ANSWER_SATISFIED: return "satisfied";
	case ANSWER_UNSATISFIED: return "unsatisfied";
	}
	return NULL;
}

static void seen(void *ctx, const struct figures_seen *x)
{
	struct listing *l = ctx;
	struct drill_cell c = who(x->customer), at = day(l, x->at), until = day(l, x->until), yes = drill_number(x->yes),
					  amount = drill_number(x->amount);
	if (l->enough || x->period == 0 || !(l->list->what >> x->what & 1)) /* period 0 is the one before those shown */
		return;
	switch (x->what) {
	case FIGURES_PROSPECT:
	case FIGURES_LEAD: put(l, (struct drill_cell[]){ c, at, until, yes }, 4); break;
	case FIGURES_CONVERTED: put(l, (struct drill_cell[]){ c, at, until }, 3); break;
	case FIGURES_CART: put(l, (struct drill_cell[]){ c, at, until, amount, yes }, 5); break;
	case FIGURES_VISIT:
	case FIGURES_WEB_ORDER:
	case FIGURES_ACCOUNT: put(l, (struct drill_cell[]){ c, at, amount, yes }, 4); break;
	case FIGURES_MESSAGE: put(l, (struct drill_cell[]){ c, at, drill_number(x->opened), yes }, 4); break;
	case FIGURES_SURVEY: put(l, (struct drill_cell[]){ c, at, word(answer_word(x->answer)), yes }, 4); break;
	case FIGURES_DEAL: put(l, (struct drill_cell[]){ c, at, until, amount }, 4); break;
	case FIGURES_PROPOSAL: put(l, (struct drill_cell[]){ c, at, yes }, 3); break;
	}
}

void drill_make(enum kpi k, const struct figures_shop *s, const struct figures_ask *ask, const struct drill_sink *sink)
{
	struct figures_time time;
	uint32_t *family = ask->complementary ? NULL : figures_families(s);
	figures_time_make(s, ask, &time);
	struct listing l = { .s = s,
		                 .ask = ask,
		                 .sink = sink,
		                 .list = list_of(k),
		                 .family = family,
		                 .from = time.start[1],
		                 .to = time.start[time.count],
		                 .start = time.start[1],
		                 .end = time.start[time.count] };
	check(l.list != NULL);
	if (l.list->kind != SEEN) {
		if (l.list->kind == ACTIVE)
			reach(&l);
		sales(&l);
	} else {
		struct kpi_input *counts = mem_alloc((size_t)time.count * sizeof *counts);
		const struct figures_watch watch = { seen, &l };
		for (int p = 0; p < time.count; p++)
			kpi_input_init(&counts[p]);
		figures_people(s, ask, &time, counts, &watch);
		figures_accounts(s, ask, &time, counts, &watch);
		free(counts);
	}
	free(family);
}
