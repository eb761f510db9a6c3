#include "cli/evaluate_orders.h"

#include "base/arena.h"
#include "base/intern.h"
#include "base/zone.h"

#include <stdlib.h>

enum { COLUMNS = 5, FIELDS_MAX = 64, LINES_MAX = 1 << 28 };
enum column { INVOICE, STOCK, QUANTITY, DATE, CUSTOMER };
static const char *const NAMES[COLUMNS] = { "InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "CustomerID" };

struct line {
	uint32_t customer, invoice, item;
	int32_t day;
};

/* One record; fields lose their quotes (doubled quotes inside stay as they are: no field used here has any). */
static bool next_record(const char **p, const char *end, struct str *fields, size_t *n)
{
	if (*p >= end)
		return false;
	*n = 0;
	for (;;) {
		const char *s = *p, *from = s;
		bool quoted = s < end && *s == '"';
		if (quoted) {
			from = ++s;
			while (s < end && !(*s == '"' && (s + 1 >= end || s[1] != '"')))
				s += *s == '"' ? 2 : 1;
			s = s > end ? end : s;
		} else {
			while (s < end && *s != ',' && *s != '\n' && *s != '\r')
				s++;
		}
		if (*n < FIELDS_MAX)
			fields[(*n)++] = (struct str){ from, (size_t)(s - from) };
		s += quoted && s < end;
		while (s < end && *s != ',' && *s != '\n')
			s++;
		*p = s < end ? s + 1 : s;
		if (s >= end || *s == '\n')
			return true;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->invoice != y->invoice)
		return x->invoice < y->invoice ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

struct reading {
	struct intern customers, invoices, items;
	struct line *lines;
	size_t n, cap, at[COLUMNS];
};

static bool find_columns(struct reading *r, const struct str *fields, size_t n, struct err *err)
{
	for (int c = 0; c < COLUMNS; c++) {
		r->at[c] = SIZE_MAX;
		for (size_t i = 0; i < n; i++)
			if (str_is(str_trim(fields[i]), NAMES[c]) ||
			    (i == 0 && fields[i].n > 3 && str_is((struct str){ fields[i].p + 3, fields[i].n - 3 }, NAMES[c])))
				r->at[c] = i;
		if (r->at[c] == SIZE_MAX)
			return err_set(err, ERR_INPUT, "line 1: no column %s", NAMES[c]);
	}
	return true;
}

static bool read_record(struct reading *r, const struct str *fields, size_t n, size_t line, struct dated_baskets *out,
                        struct err *err)
{
	if (n == 1 && fields[0].n == 0)
		return true;
	for (int c = 0; c < COLUMNS; c++)
		if (r->at[c] >= n)
			return err_set(err, ERR_INPUT, "line %zu: %zu fields, column %s is missing", line, n, NAMES[c]);
	struct date date;
	double quantity;
	struct str when = fields[r->at[DATE]], code = fields[r->at[STOCK]], invoice = fields[r->at[INVOICE]];
	if (when.n > 10)
		when.n = 10;
	if (!date_parse(when, &date))
		return err_set(err, ERR_INPUT, "line %zu: InvoiceDate is not a date like 2011-06-01", line);
	if (!str_f64(str_trim(fields[r->at[QUANTITY]]), &quantity))
		return err_set(err, ERR_INPUT, "line %zu: Quantity is not a number", line);
	out->lines++;
	bool product = code.n > 0 && code.p[0] >= '0' && code.p[0] <= '9';
	if (quantity <= 0 || !product || fields[r->at[CUSTOMER]].n == 0 || (invoice.n && invoice.p[0] == 'C')) {
		out->skipped++;
		return true;
	}
	if (r->n >= LINES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d order lines", LINES_MAX);
	r->lines = mem_grow(r->lines, &r->cap, r->n + 1, sizeof(*r->lines));
	r->lines[r->n++] =
		(struct line){ intern_put(&r->customers, fields[r->at[CUSTOMER]], NULL),
		               intern_put(&r->invoices, invoice, NULL), intern_put(&r->items, code, NULL), date.day };
	return true;
}

static void make_baskets(struct reading *r, struct dated_baskets *out)
{
	uint32_t *items = mem_alloc((r->n + 1) * sizeof(*items));
	out->day = mem_alloc((r->n + 1) * sizeof(*out->day));
	size_t baskets = 0;
	qsort(r->lines, r->n, sizeof(*r->lines), by_time);
	for (size_t i = 0; i < r->n;) {
		size_t n = 0, j = i;
		if (i == 0 || r->lines[i].customer != r->lines[i - 1].customer)
			nb_add_user(out->d);
		for (; j < r->n && r->lines[j].customer == r->lines[i].customer && r->lines[j].invoice == r->lines[i].invoice &&
		       r->lines[j].day == r->lines[i].day;
		     j++)
			items[n++] = r->lines[j].item;
		nb_add_basket(out->d, items, n);
		out->day[baskets++] = r->lines[i].day;
		i = j;
	}
	nb_end_split(out->d, NB_TRAIN);
	free(items);
}

bool dated_baskets_read(struct str csv, struct dated_baskets *out, struct err *err)
{
	struct reading r = { 0 };
	struct str fields[FIELDS_MAX];
	size_t n, line = 1;
	const char *p = csv.p, *end = csv.p + csv.n;
	*out = (struct dated_baskets){ .d = nb_new() };
	intern_init(&r.customers);
	intern_init(&r.invoices);
	intern_init(&r.items);
	bool ok = next_record(&p, end, fields, &n) ? find_columns(&r, fields, n, err)
	                                           : err_set(err, ERR_INPUT, "the file is empty");
	while (ok && next_record(&p, end, fields, &n))
		ok = read_record(&r, fields, n, ++line, out, err);
	if (ok)
		make_baskets(&r, out);
	else
		dated_baskets_release(out);
	intern_release(&r.customers);
	intern_release(&r.invoices);
	intern_release(&r.items);
	free(r.lines);
	return ok;
}

void dated_baskets_release(struct dated_baskets *b)
{
	nb_free(b->d);
	free(b->day);
	free(b->customer);
	*b = (struct dated_baskets){ 0 };
}
