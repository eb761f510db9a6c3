#include "cli/sales.h"

#include "base/arena.h"
#include "base/money.h"
#include "cli/rows.h"

#include <stdio.h>
#include <stdlib.h>

struct file_sales {
	struct rows rows;
	int customer, date, amount, product;
	struct currency currency;
	bool first; /* the row already read is data */
};

static const char *const CUSTOMER_NAMES[] = { "customer_id", "customer",  "customerid", "customer id",
	                                          "client",      "client_id", "id_client",  "user",
	                                          "user_id",     "email",     "id" };
static const char *const DATE_NAMES[] = { "date",       "order_date", "day",           "invoicedate", "created_at",
	                                      "ordered_at", "jour",       "date_commande", "at" };
static const char *const AMOUNT_NAMES[] = { "amount", "total",   "spend", "revenue", "dollars",
	                                        "price",  "montant", "sales", "value",   "total_ttc" };
static const char *const PRODUCT_NAMES[] = { "product", "sku", "stockcode", "product_id", "produit", "item" };

static void reject(struct sale_source *s, size_t line, const char *what)
{
	if (s->rejected++ == 0)
		snprintf(s->first_reason, sizeof s->first_reason, "line %zu: %s", line, what);
}

static bool read_sale(struct sale_source *s, const struct file_sales *f, struct sale *out)
{
	const struct rows *r = &f->rows;
	int most = f->customer > f->date ? f->customer : f->date;
	struct money amount;
	most = f->amount > most ? f->amount : most;
	if ((int)r->fields <= most)
		reject(s, r->line, "has too few columns");
	else if (r->field[f->customer].n == 0)
		reject(s, r->line, "has no customer");
	else if (!rows_date(r->field[f->date], &out->date))
		reject(s, r->line, "the date is none; write 2024-03-01");
	else if (!money_parse(r->field[f->amount], f->currency, 0, &amount))
		reject(s, r->line, "the amount is not a number");
	else {
		out->customer = r->field[f->customer];
		out->minor = amount.minor;
		out->product = f->product >= 0 && f->product < (int)r->fields ? r->field[f->product] : STR("");
		return true;
	}
	return false;
}

static enum sale_next file_next(struct sale_source *s, struct sale *out, struct err *err)
{
	struct file_sales *f = s->state;
	while (f->first || rows_next(&f->rows)) {
		f->first = false;
		if (read_sale(s, f, out))
			return SALE_MORE;
	}
	return SALE_END;
}

static void file_close(struct sale_source *s)
{
	struct file_sales *f = s->state;
	rows_close(&f->rows);
	free(f);
}

/* Columns by their heads; without heads by position; the CDNOW layouts by their shape. */
static bool find_columns(struct file_sales *f, struct err *err)
{
	struct rows *r = &f->rows;
	struct date d;
	int64_t id;
	f->product = -1;
	if (!rows_next(r))
		return err_set(err, ERR_INPUT, "the file is empty");
	f->first = true;
	if (r->delimiter == ' ' && (r->fields == 4 || r->fields == 5) && str_i64(r->field[0], &id) &&
	    rows_date(r->field[r->fields - 3], &d)) {
		f->customer = r->fields == 5; /* the sample id when there is one */
		f->date = (int)r->fields - 3;
		f->amount = (int)r->fields - 1;
		return true;
	}
	if (r->fields >= 3 && rows_date(r->field[1], &d)) {
		f->customer = 0;
		f->date = 1;
		f->amount = 2;
		return true;
	}
	f->first = false;
	f->customer = rows_column(r, CUSTOMER_NAMES, ARRAY_LEN(CUSTOMER_NAMES));
	f->date = rows_column(r, DATE_NAMES, ARRAY_LEN(DATE_NAMES));
	f->amount = rows_column(r, AMOUNT_NAMES, ARRAY_LEN(AMOUNT_NAMES));
	f->product = rows_column(r, PRODUCT_NAMES, ARRAY_LEN(PRODUCT_NAMES));
	if (f->customer < 0 || f->date < 0 || f->amount < 0)
		return err_set(err, ERR_INPUT,
		               "line %zu: no column \"%s\"; the first line names the columns customer, date, amount", r->line,
		               f->customer < 0 ? "customer"
		               : f->date < 0   ? "date"
		                               : "amount");
	return true;
}

bool sales_open_file(const char *path, struct sale_source *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	struct file_sales *f = mem_alloc(sizeof *f);
	out->state = f;
	out->next = file_next;
	out->close = file_close;
	if (!currency_find(STR("EUR"), &f->currency))
		check(false);
	out->exponent = f->currency.exponent;
	if (!rows_open(&f->rows, path, err)) {
		free(f);
		return false;
	}
	if (!find_columns(f, err)) {
		file_close(out);
		return err_context(err, "%s", path);
	}
	return true;
}

bool sales_open(const char *name, struct sale_source *out, struct err *err)
{
	struct str s = str_from(name);
	if (str_ends(s, STR(".db")) || str_starts(s, STR("postgresql://")) || str_starts(s, STR("postgres://")))
		return value_open_shop(name, out, err);
	return sales_open_file(name, out, err);
}
