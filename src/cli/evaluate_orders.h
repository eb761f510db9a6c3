/* evaluate_orders: order lines of a CSV with UCI Online Retail's columns, as dated basket sequences. */
#ifndef RELANCE_CLI_EVALUATE_ORDERS_H
#define RELANCE_CLI_EVALUATE_ORDERS_H

#include "base/err.h"
#include "base/str.h"
#include "fold/nextbasket.h"

struct dated_baskets {
	struct nb_data *d;
	int32_t *day;            /* per basket */
	uint32_t *customer;      /* per user: the shop's number; NULL: not of a shop */
	uint64_t lines, skipped; /* skipped: returns, guests, postage and other non-products */
};

/* Columns InvoiceNo, StockCode, Quantity, InvoiceDate, CustomerID, in any order. Errors name the line. */
bool dated_baskets_read(struct str csv, struct dated_baskets *out, struct err *err) MUST_CHECK;
void dated_baskets_release(struct dated_baskets *b);

#endif
