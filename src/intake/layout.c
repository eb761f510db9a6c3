#include "intake/layout.h"

#include "intake/number.h"
#include "intake/when.h"

#include <stdio.h>

/* ---- platforms: columns only they have, and what those mean there ---- */

struct platform {
	const char *name;
	enum intake_kind kind;
	const char *signature; /* all of these headers */
	const char *meaning;   /* header=field … */
};

static const struct platform PLATFORMS[] = {
	{ "shopify", INTAKE_ORDERS, "name lineitemquantity lineitemname lineitemprice",
	  "name=order id=ignore lineitemname=product_name createdat=date vendor=ignore source=sale_channel total=total "
	  "status=ignore "
	  "financialstatus=status billingname=ignore phone=ignore" },
	{ "shopify", INTAKE_CUSTOMERS, "firstname lastname email totalspent totalorders", "phone=phone" },
	{ "shopify", INTAKE_PRODUCTS, "handle title variantprice", "type=type qty=ignore status=ignore" },
	{ "woocommerce", INTAKE_ORDERS, "ordernumber orderstatus orderdate",
	  "ordernumber=order orderid=ignore name=ignore" },
	{ "woocommerce", INTAKE_ORDERS, "date order nrevenueformatted status",
	  "nrevenue=total nrevenueformatted=ignore products=ignore" },
	{ "woocommerce", INTAKE_CUSTOMERS, "username billingemail billingfirstname", "email=email billingemail=ignore" },
	{ "woocommerce", INTAKE_CUSTOMERS, "name username lastactive signup email", "name=full_name username=customer" },
	{ "prestashop", INTAKE_ORDERS, "id reference nouveauclient client total",
	  "reference=order id=ignore client=customer total=total" },
	{ "prestashop", INTAKE_ORDERS, "id reference newclient customer total",
	  "reference=order id=ignore customer=customer total=total" },
	{ "prestashop", INTAKE_ORDERS, "idorder reference idcustomer totalpaidtaxincl", "reference=order idorder=ignore" },
	{ "prestashop", INTAKE_CUSTOMERS, "id titre prenom nom adresseemail newsletter", "id=customer titre=civility" },
	{ "prestashop", INTAKE_CUSTOMERS, "id socialtitle firstname lastname emailaddress newsletter", "id=customer" },
	{ "prestashop", INTAKE_CUSTOMERS, "idcustomer idgender firstname lastname email",
	  "idcustomer=customer optin=ignore" },
	{ "magento", INTAKE_CUSTOMERS, "email website store createdat firstname lastname", "store=store" },
	{ "magento", INTAKE_CUSTOMERS, "id name email group customersince", "id=customer name=full_name zip=postcode" },
	{ "magento", INTAKE_CUSTOMERS, "firstname lastname email dob countryid telephone", "" },
	{ "magento", INTAKE_PRODUCTS, "sku attributesetcode producttype", "description=ignore" },
	{ "magento", INTAKE_PRODUCTS, "sku attributeset price qty", "description=ignore" },
	{ "magento", INTAKE_ORDERS, "id purchasepoint purchasedate billtoname",
	  "grandtotalpurchased=total id=order status=status" },
};

static bool has_word(const char *words, const char *word, size_t n)
{
	for (const char *p = words; *p;) {
		size_t len = strcspn(p, " ");
		if (len == n && memcmp(p, word, n) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

static bool all_present(const char *signature, const struct str *headers, size_t count)
{
	for (const char *p = signature; *p;) {
		size_t len = strcspn(p, " ");
		bool found = false;
		for (size_t i = 0; i < count && !found; i++) {
			char word[FIELD_HEADER_MAX];
			size_t n = field_normalise(headers[i], word);
			found = n == len && memcmp(word, p, n) == 0;
		}
		if (!found)
			return false;
		p += len + (p[len] == ' ');
	}
	return true;
}

static const struct platform *platform_find(const struct str *headers, size_t count, enum intake_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(PLATFORMS); i++)
		if ((kind == INTAKE_GUESS || PLATFORMS[i].kind == kind) && all_present(PLATFORMS[i].signature, headers, count))
			return &PLATFORMS[i];
	return NULL;
}

/* The field a platform gives this header; −1 when it says nothing. */
static int platform_meaning(const struct platform *p, struct str header)
{
	char word[FIELD_HEADER_MAX];
	size_t n = field_normalise(header, word);
	for (const char *s = p ? p->meaning : ""; *s;) {
		size_t len = strcspn(s, " "), key = strcspn(s, "=");
		if (key == n && memcmp(s, word, n) == 0)
			return field_find((struct str){ s + key + 1, len - key - 1 });
		s += len + (s[len] == ' ');
	}
	return -1;
}

/* ---- kind ---- */

static void fields_under(const struct str *headers, size_t count, enum intake_kind kind,
                         unsigned char seen[FIELD_COUNT])
{
	memset(seen, 0, FIELD_COUNT);
	for (size_t i = 0; i < count; i++) {
		int rank, f = field_guess(headers[i], kind, &rank);
		if (f >= 0)
			seen[f] = 1;
	}
}

enum intake_kind layout_kind(const struct str *headers, size_t count)
{
	const struct platform *p = platform_find(headers, count, INTAKE_GUESS);
	if (p)
		return p->kind;
	unsigned char s[FIELD_COUNT];
	fields_under(headers, count, INTAKE_CONSENTS, s);
	bool list = s[FIELD_EMAIL] && (s[FIELD_UNSUBSCRIBED_AT] || (s[FIELD_STATE] && s[FIELD_CHANNEL]));
	bool state = s[FIELD_EMAIL] && s[FIELD_STATE];
	fields_under(headers, count, INTAKE_CARTS, s);
	static const char *const CART_WORDS =
		"cart cartid carttoken cartnumber panier idpanier npanier idcart checkouttoken cartstate";
	for (size_t i = 0; i < count; i++) {
		char word[FIELD_HEADER_MAX];
		size_t n = field_normalise(headers[i], word);
		if (has_word(CART_WORDS, word, n) && s[FIELD_DATE])
			return INTAKE_CARTS;
	}
	fields_under(headers, count, INTAKE_ORDERS, s);
	bool money = s[FIELD_AMOUNT] || s[FIELD_TOTAL] || s[FIELD_UNIT_PRICE];
	if (!list && s[FIELD_DATE] && money && (s[FIELD_ORDER] || s[FIELD_CUSTOMER] || s[FIELD_EMAIL]))
		return INTAKE_ORDERS;
	if (list)
		return INTAKE_CONSENTS;
	fields_under(headers, count, INTAKE_PRODUCTS, s);
	bool article = s[FIELD_SKU] && s[FIELD_PRICE];
	fields_under(headers, count, INTAKE_CUSTOMERS, s);
	bool person = s[FIELD_FIRST_NAME] || s[FIELD_LAST_NAME] || s[FIELD_FULL_NAME] || s[FIELD_POSTCODE] ||
	              s[FIELD_EMAIL_CONSENT] || s[FIELD_BORN];
	if (article && !s[FIELD_EMAIL])
		return INTAKE_PRODUCTS;
	if (state && !s[FIELD_EMAIL_CONSENT])
		return INTAKE_CONSENTS;
	if (s[FIELD_EMAIL] || (s[FIELD_CUSTOMER] && person))
		return INTAKE_CUSTOMERS;
	fields_under(headers, count, INTAKE_EVENTS, s);
	if (s[FIELD_EVENT] && s[FIELD_DATE] && (s[FIELD_CUSTOMER] || s[FIELD_EMAIL]))
		return INTAKE_EVENTS;
	return INTAKE_GUESS;
}

/* ---- columns ---- */

static int map_column(const struct intake_map *m, struct str header, size_t index)
{
	for (size_t i = 0; m && i < m->column_count; i++) {
		struct str want = m->columns[i].header;
		int64_t number;
		char a[FIELD_HEADER_MAX], b[FIELD_HEADER_MAX];
		if (str_eq(want, header) || (str_i64(want, &number) && number == (int64_t)index + 1))
			return (int)m->columns[i].field;
		if (field_normalise(want, a) && field_normalise(header, b) && strcmp(a, b) == 0)
			return (int)m->columns[i].field;
	}
	return -1;
}

static bool map_columns_exist(const struct layout *l, const struct intake_map *m, struct err *err)
{
	for (size_t i = 0; m && i < m->column_count; i++) {
		bool found = false;
		struct intake_map one = { .columns = &m->columns[i], .column_count = 1 };
		for (size_t c = 0; c < l->columns && !found; c++)
			found = map_column(&one, l->names[c], c) >= 0;
		if (!found)
			return err_set(err, ERR_INPUT, "the map names column \"%.*s\", which the file does not have",
			               (int)(m->columns[i].header.n < 80 ? m->columns[i].header.n : 80), m->columns[i].header.p);
	}
	return true;
}

static void place_columns(struct layout *l, const struct intake_options *o, const struct platform *platform)
{
	int best[FIELD_COUNT];
	for (int f = 0; f < FIELD_COUNT; f++) {
		l->column_of[f] = l->fallback[f] = -1;
		best[f] = 1 << 30;
	}
	for (size_t i = 0; i < l->columns; i++) {
		int rank = -2, f = map_column(o->map, l->names[i], i);
		if (f < 0) {
			rank = -1;
			f = platform_meaning(platform, l->names[i]);
		}
		if (f < 0)
			f = l->no_header ? -1 : field_guess(l->names[i], l->kind, &rank);
		l->field[i] = -1;
		if (f < 0 || f == FIELD_IGNORE)
			continue;
		if (rank < best[f]) {
			if (l->column_of[f] >= 0 && l->kind != INTAKE_ORDERS)
				l->fallback[f] = l->column_of[f];
			l->column_of[f] = (int16_t)i;
			best[f] = rank;
		} else if (l->kind != INTAKE_ORDERS && l->fallback[f] < 0) {
			l->fallback[f] = (int16_t)i;
		}
	}
	for (int f = 0; f < FIELD_COUNT; f++)
		if (l->column_of[f] >= 0)
			l->field[l->column_of[f]] = (int16_t)f;
}

static void swap_field(struct layout *l, enum field from, enum field to)
{
	l->column_of[to] = l->column_of[from];
	l->column_of[from] = -1;
	l->field[l->column_of[to]] = (int16_t)to;
}

/* A `total` beside quantity and article, on no platform we know, is the line's. A "total" alone is the document's. */
static void settle_total(struct layout *l, const struct platform *platform)
{
	l->total_is_order = true;
	if (l->kind != INTAKE_ORDERS || platform || l->column_of[FIELD_TOTAL] < 0 || l->column_of[FIELD_AMOUNT] >= 0)
		return;
	if (l->column_of[FIELD_SKU] >= 0 || l->column_of[FIELD_QUANTITY] >= 0 || l->column_of[FIELD_PRODUCT] >= 0)
		swap_field(l, FIELD_TOTAL, FIELD_AMOUNT);
}

/* ---- decimal mark and order of day and month, from the first rows ---- */

static void settle_values(struct layout *l, const struct layout_rows *rows, const struct intake_options *o,
                          char delimiter)
{
	int comma = 0, point = 0, day_first = 0, month_first = 0;
	for (size_t r = l->no_header ? 0 : 1; r < rows->count; r++)
		for (size_t i = 0; i < rows->counts[r] && i < l->columns; i++) {
			int f = l->field[i];
			if (f == FIELD_AMOUNT || f == FIELD_UNIT_PRICE || f == FIELD_TOTAL || f == FIELD_PRICE || f == FIELD_COST) {
				int e = number_mark_evidence(rows->cells[r][i]);
				comma += e > 0;
				point += e < 0;
			} else if (f == FIELD_DATE || f == FIELD_BORN || f == FIELD_CREATED || f == FIELD_UNSUBSCRIBED_AT) {
				int e = when_evidence(rows->cells[r][i]);
				day_first += e > 0;
				month_first += e < 0;
			}
		}
	bool tie = comma == point;
	l->decimal = tie             ? (delimiter == ';' || (o->locale == LOCALE_FR && delimiter != ',') ? ',' : '.')
	             : comma > point ? ','
	                             : '.';
	if (o->map && o->map->decimal)
		l->decimal = o->map->decimal;
	l->month_first_known = day_first != month_first;
	l->month_first = l->month_first_known ? month_first > day_first : o->locale != LOCALE_FR;
	if (o->map && o->map->month_first >= 0) {
		l->month_first = o->map->month_first;
		l->month_first_known = true;
	}
	if (o->month_first)
		l->month_first = l->month_first_known = true;
}

/* ---- what must be there ---- */

static bool present(const struct layout *l, const struct intake_options *o, enum field f)
{
	return l->column_of[f] >= 0 || (o->map && o->map->constants[f].p);
}

static const char *missing(const struct layout *l, const struct intake_options *o)
{
	bool who = present(l, o, FIELD_CUSTOMER) || present(l, o, FIELD_EMAIL);
	switch (l->kind) {
	case INTAKE_GUESS: return "kind";
	case INTAKE_ORDERS:
		if (!present(l, o, FIELD_DATE))
			return "date";
		if (!who && !present(l, o, FIELD_ORDER))
			return "order";
		if (!present(l, o, FIELD_AMOUNT) && !present(l, o, FIELD_TOTAL) && !present(l, o, FIELD_UNIT_PRICE))
			return "amount";
		return NULL;
	case INTAKE_CUSTOMERS: return who ? NULL : "customer";
	case INTAKE_PRODUCTS: return present(l, o, FIELD_SKU) ? NULL : "sku";
	case INTAKE_CARTS:
		return !present(l, o, FIELD_DATE) ? "date" : who || present(l, o, FIELD_ORDER) ? NULL : "customer";
	case INTAKE_CONSENTS: return who || present(l, o, FIELD_PHONE) ? NULL : "email";
	case INTAKE_EVENTS:
		return !who ? "customer" : !present(l, o, FIELD_DATE) ? "date" : present(l, o, FIELD_EVENT) ? NULL : "event";
	}
	return NULL;
}

static void write_template(const struct layout *l, char delimiter, struct buf *out)
{
	buf_printf(out,
	           "# Say what each column is, then: relance import DB FILE --map map.yaml\nas: %s\nsource: "
	           "shop\ndelimiter: \"%s\"\n"
	           "# dates: day-first\n# decimal: \",\"\ncolumns:\n",
	           l->kind == INTAKE_GUESS ? "orders" : intake_kind_name(l->kind),
	           delimiter == '\t'  ? "tab"
	           : delimiter == ' ' ? "space"
	                              : (char[2]){ delimiter, 0 });
	for (size_t i = 0; i < l->columns && !out->full; i++) {
		buf_cstr(out, "  ");
		buf_json(out, l->names[i]);
		buf_printf(out, ": %s\n", l->field[i] >= 0 ? field_name((enum field)l->field[i]) : "ignore");
	}
	buf_cstr(out, "# fields:");
	for (int f = 0; f < FIELD_COUNT; f++)
		buf_printf(out, " %s", field_name((enum field)f));
	buf_cstr(out, "\n");
}

static bool missing_error(const struct layout *l, const char *what, struct err *err)
{
	char seen[600] = "";
	size_t n = 0;
	for (size_t i = 0; i < l->columns && n < 480; i++) {
		int len = (int)(l->names[i].n < 60 ? l->names[i].n : 60);
		int wrote = snprintf(seen + n, sizeof seen - n, "%s%.*s", i ? ", " : "", len, l->names[i].p);
		n += wrote > 0 ? (size_t)wrote : 0;
	}
	if (str_is(str_from(what), "kind"))
		return err_set(err, ERR_INPUT,
		               "cannot tell what this file is from its columns (%s): say --as orders, customers, products, "
		               "carts, consents or events, or give a --map",
		               seen);
	return err_set(err, ERR_INPUT, "no column for \"%s\" among those seen (%s): name it in a --map file", what, seen);
}

/* ---- files without a header ---- */

/* CDNOW's five columns: customer, sample number, yyyymmdd, units, dollars. */
static bool is_cdnow(const struct layout_rows *rows)
{
	size_t fits = 0;
	for (size_t r = 0; r < rows->count; r++) {
		const struct str *c = rows->cells[r];
		int64_t v;
		fits += rows->counts[r] == 5 && c[2].n == 8 && str_i64(c[2], &v) && v > 19000101 && v < 29991231 &&
		        str_i64(c[0], &v) && str_i64(c[3], &v);
	}
	return rows->count > 0 && fits == rows->count;
}

static void name_by_number(struct layout *l, struct arena *a)
{
	for (size_t i = 0; i < l->columns; i++)
		l->names[i] = arena_printf(a, "%zu", i + 1);
}

bool layout_decide(struct layout *l, const struct layout_rows *rows, const struct intake_options *o, char delimiter,
                   struct arena *a, struct buf *template_map, struct err *err)
{
	*l = (struct layout){ .columns = rows->counts[0], .platform = "csv" };
	const struct platform *platform = NULL;
	enum intake_kind asked = o->as != INTAKE_GUESS ? o->as : o->map ? o->map->as : INTAKE_GUESS;
	l->no_header = (o->map && o->map->no_header) || (delimiter == ' ' && is_cdnow(rows));
	if (l->no_header) {
		name_by_number(l, a);
	} else {
		for (size_t i = 0; i < l->columns; i++)
			l->names[i] = arena_str(a, str_trim(rows->cells[0][i]));
		platform = platform_find(l->names, l->columns, asked);
	}
	l->kind = asked != INTAKE_GUESS ? asked : l->no_header ? INTAKE_ORDERS : layout_kind(l->names, l->columns);
	if (platform && platform->kind != l->kind)
		platform = NULL;
	if (platform)
		l->platform = platform->name;
	place_columns(l, o, platform);
	if (l->no_header && delimiter == ' ' && is_cdnow(rows) && !o->map) {
		static const enum field CDNOW[5] = { FIELD_CUSTOMER, FIELD_IGNORE, FIELD_DATE, FIELD_QUANTITY, FIELD_AMOUNT };
		for (int i = 0; i < 5; i++)
			if (CDNOW[i] != FIELD_IGNORE) {
				l->field[i] = (int16_t)CDNOW[i];
				l->column_of[CDNOW[i]] = (int16_t)i;
			}
		l->platform = "cdnow";
	}
	settle_total(l, platform);
	settle_values(l, rows, o, delimiter);
	if (!map_columns_exist(l, o->map, err))
		return false;
	const char *what = missing(l, o);
	if (!what)
		return true;
	if (template_map)
		write_template(l, delimiter, template_map);
	return missing_error(l, what, err);
}
