/* Customers: found, counted by a condition or by what a plan did with them, in order. */
#include "web/web_int.h"

#include "app/clock.h"
#include "model/names.h"
#include "store/store.h"

#include <ctype.h>
#include <stdio.h>

int64_t number_query(struct request *r, const char *name, int64_t least, int64_t most, int64_t otherwise)
{
	const char *text = request_query(r, name);
	int64_t v;
	if (!text || !str_i64(str_from(text), &v))
		return otherwise;
	return v < least ? least : v > most ? most : v;
}

void put_cursor(struct buf *b, int64_t last, bool more)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)last);
	put_cstr(b, "next", more ? text : NULL);
}

void request_page(struct request *r, struct query *q, int parameter, put_row_fn put_row)
{
	struct err err;
	int64_t limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT), n = 0, last = 0;
	int got;
	query_int(q, parameter, number_query(r, "cursor", 0, INT64_MAX, INT64_MAX));
	query_int(q, parameter + 1, limit + 1);
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	while ((got = query_next(q, &err)) == 1) {
		if (n++ == limit)
			continue;
		last = query_get_int(q, 0);
		put_open(&r->out, NULL, '{');
		put_row(r, q);
		put_close(&r->out, '}');
	}
	put_close(&r->out, ']');
	put_cursor(&r->out, last, n > limit);
	put_close(&r->out, '}');
	if (got < 0)
		request_err(r, &err);
	else
		request_send_json(r, 200);
}

/* ---- one row ---- */

struct lifecycle customer_life(const struct world *w, customer_id c)
{
	struct lifecycle l = { .phase = PHASE_PROSPECT, .last_order = DATE_UNKNOWN };
	struct view view;
	if (c > w->version->customers)
		return l;
	/* as of now: what was bought this morning counts */
	struct date tomorrow = { w->thresholds->day.day + 1 };
	view_at(&view, w->version, c, clock_now());
	lifecycle_of(&view, w->settings->zone, tomorrow, w->thresholds, &w->settings->lifecycle, &l);
	return l;
}

void put_life(struct buf *b, const struct world *w, customer_id c)
{
	struct lifecycle l = customer_life(w, c);
	put_cstr(b, "phase", phase_name(l.phase));
	put_int(b, "orders", l.orders);
	put_int(b, "spend", l.spend);
	put_date(b, "last_order", l.last_order);
}

void put_person(struct buf *b, const struct person *p)
{
	put_str(b, "first_name", p->first_name);
	put_str(b, "last_name", p->last_name);
	put_str(b, "company", p->company);
	put_str(b, "email", p->email);
	put_str(b, "phone", p->phone);
	put_str(b, "address1", p->address1);
	put_str(b, "postcode", p->postcode);
	put_str(b, "city", p->city);
}

struct str person_name(struct arena *a, const struct person *p)
{
	if (p->first_name.n && p->last_name.n)
		return arena_printf(a, "%.*s %.*s", STR_ARG(p->first_name), STR_ARG(p->last_name));
	return p->last_name.n ? p->last_name : p->first_name.n ? p->first_name : p->company;
}

static bool put_row(struct request *r, const struct world *w, customer_id c, struct err *err)
{
	struct person p;
	struct str ref;
	struct buf *b = &r->out;
	if (!store_person(request_db(r), c, &r->arena, &p, &ref, err))
		return false;
	put_open(b, NULL, '{');
	put_int(b, "id", c);
	put_str(b, "ref", ref);
	put_str(b, "name", person_name(&r->arena, &p));
	put_str(b, "email", p.email);
	put_str(b, "phone", p.phone);
	put_str(b, "city", p.city);
	put_life(b, w, c);
	put_close(b, '}');
	return true;
}

/* ---- the list ---- */

/* Ids after `after`, at most `most`; −1: failed. */
static int ids_all(struct db *db, int64_t after, int64_t most, customer_id *ids, struct err *err)
{
	struct query *q = db_query(db, "web_customers_from");
	int n = 0, got;
	query_int(q, 1, after);
	query_int(q, 2, most);
	while ((got = query_next(q, err)) == 1)
		ids[n++] = (customer_id)query_get_int(q, 0);
	return got < 0 ? -1 : n;
}

/* What was typed, as both queries want it. */
static void bind_typed(struct request *r, struct query *q, struct str typed)
{
	static const char LAST[] = "\xF4\x8F\xBF\xBF";
	char *low = arena_cstr(&r->arena, typed);
	for (char *p = low; *p; p++)
		*p = (char)(isascii((unsigned char)*p) ? tolower((unsigned char)*p) : *p);
	query_text(q, 1, typed);
	query_text(q, 2, arena_printf(&r->arena, "%.*s%s", STR_ARG(typed), LAST));
	query_text(q, 3, str_from(low));
	query_text(q, 4, arena_printf(&r->arena, "%s%s", low, LAST));
}

static int ids_found(struct request *r, struct db *db, struct str typed, int64_t after, int64_t most, customer_id *ids,
                     struct err *err)
{
	struct query *q = db_query(db, "web_search");
	int n = 0, got;
	bind_typed(r, q, typed);
	query_int(q, 5, after);
	query_int(q, 6, most);
	while ((got = query_next(q, err)) == 1)
		ids[n++] = (customer_id)query_get_int(q, 0);
	return got < 0 ? -1 : n;
}

/* Everybody found, a bit each; who is gone still has theirs. NULL: a problem was set. */
static uint64_t *bits_found(struct request *r, struct str typed, uint32_t customers)
{
	struct err err;
	struct query *q = db_query(request_db(r), "web_search_all");
	uint64_t *bits = arena_array(&r->arena, uint64_t, ((size_t)customers + 64) / 64);
	int got;
	bind_typed(r, q, typed);
	while ((got = query_next(q, &err)) == 1) {
		int64_t c = query_get_int(q, 0);
		if (c > 0 && c <= customers)
			bits[c >> 6] |= 1ull << (c & 63);
	}
	if (got == 0)
		return bits;
	request_err(r, &err);
	return NULL;
}

static int ids_of_bits(const uint64_t *bits, uint32_t customers, int64_t after, int64_t most, customer_id *ids)
{
	int n = 0;
	for (int64_t c = after + 1; c <= customers && n < most; c++)
		if (bits[c >> 6] >> (c & 63) & 1)
			ids[n++] = (customer_id)c;
	return n;
}

struct list_ask {
	enum list_sort sort;
	bool down, among;
	const char *typed, *segment;
};

static bool read_ask(struct request *r, struct list_ask *ask)
{
	static const char *const SORTS[] = { "", "name", "orders", "spend", "last_order", "phase" };
	const char *sort = request_query(r, "sort"), *is = request_query(r, "is"), *typed = request_query(r, "q"),
			   *segment = request_query(r, "segment");
	*ask = (struct list_ask){ .among = is && is[0],
		                      .typed = typed && str_trim(str_from(typed)).n ? typed : NULL,
		                      .segment = segment && segment[0] ? segment : NULL };
	if (!sort || !sort[0])
		return true;
	ask->down = sort[0] == '-';
	for (size_t i = 1; i < ARRAY_LEN(SORTS); i++)
		if (strcmp(sort + ask->down, SORTS[i]) == 0)
			ask->sort = (enum list_sort)i;
	if (!ask->sort)
		request_problem(
			r, 422, "sort=%s is not known; one of name, orders, spend, last_order, phase, and -spend for the other way",
			sort);
	return ask->sort != SORT_NONE;
}

/* The people a list is of, when it is of some or in an order of its own. NULL: a problem was set. */
static uint64_t *list_bits(struct request *r, const struct version *v, const struct list_ask *ask, uint64_t *total)
{
	size_t words = ((size_t)v->customers + 64) / 64;
	uint64_t *bits = NULL;
	for (int part = 0; part < 3; part++) {
		bool asked = part == 0 ? ask->segment != NULL : part == 1 ? ask->among : ask->typed != NULL;
		if (!asked)
			continue;
		uint64_t *those = part == 0   ? segment_bits(r, str_from(ask->segment), total)
		                  : part == 1 ? among_bits(r, total)
		                              : bits_found(r, str_trim(str_from(ask->typed)), v->customers);
		if (!those)
			return NULL;
		for (size_t i = 0; bits && i < words; i++)
			those[i] &= bits[i];
		bits = those;
	}
	if (!bits) {
		bits = arena_array(&r->arena, uint64_t, words);
		for (customer_id c = 1; c <= v->customers; c++)
			bits[c >> 6] |= 1ull << (c & 63);
	}
	if (!bits_without_gone(r, bits, v->customers))
		return NULL;
	*total = bits_count(bits, v->customers);
	return bits;
}

/* Those of the list after `after`: a customer, or a place in its order. −1: a problem was set. */
static int ids_of(struct request *r, const struct list_ask *ask, const uint64_t *bits, int64_t after, int64_t most,
                  customer_id *ids)
{
	uint32_t customers = r->version->customers;
	if (!ask->sort)
		return ids_of_bits(bits, customers, after, most, ids);
	struct order *o = request_order(r, ask->sort);
	if (!o)
		return -1;
	size_t n = order_walk(o, bits, customers, ask->down, (size_t)after, (size_t)most, ids);
	order_let_go(r->web, o);
	return (int)n;
}

void on_customers(struct request *r)
{
	struct err err;
	int64_t limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT),
			after = number_query(r, "cursor", 0, UINT32_MAX, 0);
	struct list_ask ask;
	if (!read_ask(r, &ask))
		return;
	customer_id *ids = arena_array(&r->arena, customer_id, (size_t)limit + 1);
	const struct world *w = request_world(r);
	const struct version *v = r->version;
	struct db *db = w ? request_db(r) : NULL;
	uint64_t total = 0;
	bool total_known = true;
	int n;
	if (!db)
		return;
	if (ask.segment || ask.among || ask.sort) {
		uint64_t *bits = list_bits(r, v, &ask, &total);
		if (!bits)
			return;
		n = ids_of(r, &ask, bits, after, limit + 1, ids);
		if (n < 0)
			return;
	} else if (ask.typed) {
		n = ids_found(r, db, str_trim(str_from(ask.typed)), after, limit + 1, ids, &err);
		total_known = n <= limit && after == 0;
		total = (uint64_t)(n > 0 ? n : 0);
	} else {
		n = ids_all(db, after, limit + 1, ids, &err);
		total = v->customers > r->web->gone ? v->customers - r->web->gone : 0;
	}
	bool more = n > limit, ok = n >= 0;
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (int i = 0; ok && i < n && i < limit; i++)
		ok = put_row(r, w, ids[i], &err);
	put_close(&r->out, ']');
	put_cursor(&r->out, !more ? 0 : ask.sort ? after + limit : ids[limit - 1], more);
	if (total_known)
		put_int(&r->out, "total", (int64_t)total);
	else
		put_null(&r->out, "total");
	put_close(&r->out, '}');
	if (ok)
		request_send_json(r, 200);
	else
		request_err(r, &err);
}

/* ---- the same list as a file ---- */

enum { CSV_ROWS_MAX = 200000, CSV_COLUMNS_MAX = 12 };

enum csv_column {
	CSV_NAME,
	CSV_REF,
	CSV_EMAIL,
	CSV_PHONE,
	CSV_CITY,
	CSV_PHASE,
	CSV_ORDERS,
	CSV_SPEND,
	CSV_BASKET,
	CSV_LAST
};
static const struct {
	const char *name, *fr, *en;
} CSV[] = {
	[CSV_NAME] = { "name", "Client", "Customer" },
	[CSV_REF] = { "ref", "Numéro", "Number" },
	[CSV_EMAIL] = { "email", "E-mail", "E-mail" },
	[CSV_PHONE] = { "phone", "Téléphone", "Phone" },
	[CSV_CITY] = { "city", "Ville", "City" },
	[CSV_PHASE] = { "phase", "Étape", "Phase" },
	[CSV_ORDERS] = { "orders", "Commandes", "Orders" },
	[CSV_SPEND] = { "spend", "Dépense", "Spend" },
	[CSV_BASKET] = { "basket", "Panier moyen", "Average basket" },
	[CSV_LAST] = { "last_order", "Dernière commande", "Last order" },
};

static bool csv_row(struct request *r, const struct world *w, const int *columns, int count, customer_id c,
                    struct err *err)
{
	struct person p;
	struct str ref;
	struct buf *b = &r->out;
	char day[16];
	if (!store_person(request_db(r), c, &r->arena, &p, &ref, err))
		return false;
	struct lifecycle l = customer_life(w, c);
	struct str name = person_name(&r->arena, &p);
	for (int i = 0; i < count; i++) {
		buf_cstr(b, i ? "," : "");
		switch ((enum csv_column)columns[i]) {
		case CSV_NAME: csv_text(b, name.n ? name : ref); break;
		case CSV_REF: csv_text(b, ref); break;
		case CSV_EMAIL: csv_text(b, p.email); break;
		case CSV_PHONE: csv_text(b, p.phone); break;
		case CSV_CITY: csv_text(b, p.city); break;
		case CSV_PHASE: buf_cstr(b, phase_name(l.phase)); break;
		case CSV_ORDERS: buf_printf(b, "%lld", (long long)l.orders); break;
		case CSV_SPEND: csv_money(r, l.spend); break;
		case CSV_BASKET:
			if (l.orders)
				csv_money(r, thresholds_divide(l.spend, (uint64_t)l.orders));
			break;
		case CSV_LAST: buf_cstr(b, date_known(l.last_order) ? date_text(l.last_order, day) : ""); break;
		}
	}
	buf_cstr(b, "\r\n");
	return true;
}

/* ?columns=email,phase: the name, and those. How many; 0: a problem was set. */
static int csv_columns(struct request *r, int columns[CSV_COLUMNS_MAX])
{
	const char *asked = request_query(r, "columns");
	int n = 1;
	columns[0] = CSV_NAME;
	for (const char *p = asked ? asked : "email,phase,orders,spend,last_order"; *p;) {
		size_t len = strcspn(p, ","), k = 0;
		while (k < ARRAY_LEN(CSV) && !str_is((struct str){ p, len }, CSV[k].name))
			k++;
		if (k == ARRAY_LEN(CSV) || n == CSV_COLUMNS_MAX) {
			request_problem(r, 422,
			                "\"columns\" is a list, between commas, of ref, email, phone, city, phase, orders, spend, "
			                "basket, last_order");
			return 0;
		}
		columns[n++] = (int)k;
		p += len + (p[len] != 0);
	}
	return n;
}

void on_customers_csv(struct request *r)
{
	struct list_ask ask;
	struct err err;
	uint64_t total;
	int columns[CSV_COLUMNS_MAX], count, n;
	const struct world *w = read_ask(r, &ask) && (count = csv_columns(r, columns)) ? request_world(r) : NULL;
	const uint64_t *bits = w && request_db(r) ? list_bits(r, w->version, &ask, &total) : NULL;
	if (!bits)
		return;
	if (total > CSV_ROWS_MAX) {
		request_problem(r, 422, "more than %d people: say which with a condition", CSV_ROWS_MAX);
		return;
	}
	customer_id *ids = arena_array(&r->arena, customer_id, total + 1);
	if ((n = ids_of(r, &ask, bits, 0, (int64_t)total, ids)) < 0)
		return;
	bool french = request_locale(r) == LOCALE_FR, ok = true;
	csv_begin(r);
	for (int i = 0; i < count; i++)
		buf_printf(&r->out, "%s%s", i ? "," : "", french ? CSV[columns[i]].fr : CSV[columns[i]].en);
	buf_cstr(&r->out, "\r\n");
	for (int i = 0; ok && i < n; i++)
		ok = csv_row(r, w, columns, count, ids[i], &err);
	if (!ok) {
		request_err(r, &err);
		return;
	}
	csv_hand_over(r, "customers", arena_printf(&r->arena, "%d customers", n).p);
}
