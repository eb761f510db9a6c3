/* kpi_fold: one pass over orders and lines by customer → the counts of every month, whole or by group.
 *
 * The columns are the book's (a chunk is a slice as it stands) or anybody's arrays of the same shape. All sums are
 * integers: the result is the same for any number of threads and any cut into slices.
 *
 * Groups: by customer (segment, sector, store, territory), by order (channel, store, salesperson) or by product
 * (category, family). By customer every count is there. By order or product, customers do not belong to one group:
 * buyers are those who bought in it, customers at start and end and new customers stay unknown; by product, an order
 * counts once in each category it holds, with the value of its lines there.
 *
 * A customer counts at a date when the last order before it is less than `active_months` old. Cross-sell: an order with
 * a product marked complementary or, when none is marked, with articles of two families. Months are civil months of the
 * zone (order_at) or of the given days (order_day). Limit: KPI_CELLS_MAX months × groups a thread; days within
 * KPI_DAYS_MAX of the first. */
#ifndef RELANCE_FOLD_KPI_FOLD_H
#define RELANCE_FOLD_KPI_FOLD_H

#include "base/err.h"
#include "base/zone.h"
#include "book/book.h"
#include "fold/kpi.h"

enum { KPI_ACTIVE_MONTHS = 12, KPI_DAYS_MAX = 200000, KPI_GROUPS_MAX = 65535 };
#define KPI_CELLS_MAX ((size_t)1 << 22)

struct kpi_slice {
	uint32_t customers;
	const uint32_t *order_start; /* customers + 1 */
	const int32_t *order_day;    /* civil day; or NULL and: */
	const uint32_t *order_at;    /* UTC seconds. Sorted within a customer either way */
	const uint8_t *order_flags;  /* ORDER_SALE */
	struct ints order_line;      /* orders + 1 */
	struct ints line_product, line_quantity, line_amount;
	const uint16_t *customer_group; /* per customer, KPI_BY_CUSTOMER */
	const uint16_t *order_group;    /* per order, KPI_BY_ORDER; by product: orders of a group beyond are left out */
};

struct kpi_slice kpi_slice_of(const struct chunk *k, uint32_t customers); /* the chunk's columns, no groups */

/* By product_id; NULL where nothing is known. A product_id at or above count is taken as 0, the unknown product. */
struct kpi_catalogue {
	uint32_t count;
	const uint8_t *complementary;
	const uint8_t *not_a_product;
	const int64_t *cost; /* unit cost excluding VAT, minor units; −1 unknown */
	const uint8_t *vat_percent_x2;
	const uint16_t *group;  /* KPI_BY_PRODUCT */
	const uint32_t *family; /* 0: none; read when `complementary` is NULL */
};

enum kpi_by { KPI_WHOLE, KPI_BY_CUSTOMER, KPI_BY_ORDER, KPI_BY_PRODUCT };

struct kpi_plan {
	enum kpi_by by;
	uint32_t groups;   /* 1 for KPI_WHOLE; group numbers at or above it are passed over */
	int active_months; /* 0: KPI_ACTIVE_MONTHS */
	zone_id zone;
	struct kpi_catalogue catalogue;
};

struct kpi_sums {
	int64_t orders, orders_complement, order_value, order_value_complement;
	int64_t revenue, returned, quantity, margin, margin_revenue;
	int64_t buyers, new_customers, customers_start; /* those at the end are the next month's at the start */
	int64_t cross_sell_delay_days, cross_sell_firsts;
};

struct kpi_table {
	enum kpi_by by;
	int first_month; /* year × 12 + month − 1 */
	int months;
	uint32_t groups;
	struct kpi_sums *cell; /* (months + 1) × groups; the last row holds only customers_start */
};

bool kpi_fold(const struct kpi_plan *plan, const struct kpi_slice *slices, size_t count, int threads,
              struct kpi_table *out, struct err *err) MUST_CHECK;
void kpi_table_release(struct kpi_table *t);

/* The counts of months from … to (both included, as year × 12 + month − 1; cut to what there is) in one group.
 * Over several months buyers are unknown (the same person may be in two). */
void kpi_input_of(const struct kpi_table *t, uint32_t group, int from, int to, struct kpi_input *out);

#endif
