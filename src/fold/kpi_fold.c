/* Customers are handed to threads in units of a few thousand; each thread adds into its own table, the tables are added
 * at the end. Per day two tables are looked up: its month, and the first month at whose start an order of that day no
 * longer makes an active customer (kept as a difference: +1 where activity begins, −1 where it ends). */
#include "fold/kpi_fold.h"

#include "base/arena.h"
#include "base/par.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	uint32_t slice, from, to;
};

enum { UNIT_CUSTOMERS = 2048 };

struct thread {
	struct kpi_sums *cell;
	uint32_t *stamp;   /* by product group: order that last touched it */
	uint64_t *buyer;   /* by group: customer and month that last touched it */
	uint32_t *touched; /* groups of the order at hand */
	int64_t *touched_value;
	uint32_t touched_count;
	uint32_t order_stamp;
	uint64_t customer_stamp;
	int32_t *day;
	size_t day_cap;
};

struct folding {
	const struct kpi_plan *plan;
	const struct kpi_slice *slices;
	const struct unit *units;
	int32_t first_day;
	int months;
	const uint16_t *month_of;  /* by day − first_day */
	const uint16_t *idle_from; /* by day − first_day */
	const double *without_vat; /* by vat_percent_x2 */
	struct thread threads[PAR_THREADS_MAX];
};

struct kpi_slice kpi_slice_of(const struct chunk *k, uint32_t customers)
{
	return (struct kpi_slice){
		.customers = customers,
		.order_start = k->order_start,
		.order_at = k->order_at,
		.order_flags = k->order_flags,
		.order_line = k->order_line,
		.line_product = k->line_product,
		.line_quantity = k->line_quantity,
		.line_amount = k->line_amount,
	};
}

static inline uint32_t line_begin(const struct kpi_slice *s, uint32_t order)
{
	return (uint32_t)ints_at(s->order_line, order);
}

static inline struct line line_of(const struct kpi_slice *s, uint32_t line)
{
	return (struct line){ (product_id)ints_at(s->line_product, line), (int32_t)ints_at(s->line_quantity, line),
		                  ints_at(s->line_amount, line) };
}

static struct kpi_sums *cell_at(struct folding *f, struct thread *t, int month, uint32_t group)
{
	return &t->cell[(size_t)month * f->plan->groups + group];
}

struct basket {
	bool sale, complement;
	int64_t value;
};

static inline void add_line(const struct folding *f, struct kpi_sums *c, uint32_t product, int32_t quantity,
                            int64_t amount)
{
	const struct kpi_catalogue *k = &f->plan->catalogue;
	c->revenue += amount;
	if (amount < 0)
		c->returned -= amount;
	if (product >= k->count)
		product = 0;
	if (quantity > 0 && !(k->not_a_product && k->not_a_product[product]))
		c->quantity += quantity;
	if (k->cost && k->cost[product] >= 0) {
		double net = (double)amount * (k->vat_percent_x2 ? f->without_vat[k->vat_percent_x2[product]] : 1);
		int64_t net_minor = (int64_t)(net < 0 ? net - 0.5 : net + 0.5);
		c->margin_revenue += net_minor;
		c->margin += net_minor - k->cost[product] * quantity;
	}
}

/* Groups by product: the order's value is cut among the categories it holds. */
static void add_by_product(struct folding *f, struct thread *t, const struct kpi_slice *s, uint32_t order, int month,
                           bool sale, bool complement)
{
	const struct kpi_catalogue *k = &f->plan->catalogue;
	t->order_stamp++;
	t->touched_count = 0;
	for (uint32_t l = line_begin(s, order), end = line_begin(s, order + 1); l < end; l++) {
		struct line n = line_of(s, l);
		uint32_t product = n.product < k->count ? n.product : 0, group = k->group[product];
		if (group >= f->plan->groups)
			continue;
		add_line(f, cell_at(f, t, month, group), product, n.quantity, n.amount);
		if (t->stamp[group] != t->order_stamp) {
			t->stamp[group] = t->order_stamp;
			t->touched_value[group] = 0;
			t->touched[t->touched_count++] = group;
		}
		t->touched_value[group] += n.amount;
	}
	for (uint32_t i = 0; sale && i < t->touched_count; i++) {
		uint32_t group = t->touched[i];
		struct kpi_sums *c = cell_at(f, t, month, group);
		c->orders++;
		c->order_value += t->touched_value[group];
		c->orders_complement += complement;
		c->order_value_complement += complement ? t->touched_value[group] : 0;
		uint64_t stamp = t->customer_stamp << 16 | (uint64_t)month;
		c->buyers += t->buyer[group] != stamp;
		t->buyer[group] = stamp;
	}
}

static struct basket look(const struct folding *f, const struct kpi_slice *s, uint32_t order)
{
	const struct kpi_catalogue *k = &f->plan->catalogue;
	struct basket b = { .sale = s->order_flags[order] & ORDER_SALE };
	uint32_t family = 0;
	for (uint32_t l = line_begin(s, order), end = line_begin(s, order + 1); l < end; l++) {
		struct line n = line_of(s, l);
		b.value += n.amount;
		if (n.product >= k->count || n.quantity <= 0)
			continue;
		if (k->complementary)
			b.complement |= k->complementary[n.product] != 0;
		else if (k->family && k->family[n.product]) {
			b.complement |= family && family != k->family[n.product];
			family = k->family[n.product];
		}
	}
	return b;
}

static void add_order(struct folding *f, struct thread *t, const struct kpi_slice *s, uint32_t order, int month,
                      uint32_t group, struct basket b)
{
	if (f->plan->by == KPI_BY_PRODUCT) {
		if (s->order_group && s->order_group[order] >= f->plan->groups)
			return;
		add_by_product(f, t, s, order, month, b.sale, b.complement);
		return;
	}
	if (group >= f->plan->groups)
		return;
	struct kpi_sums *c = cell_at(f, t, month, group), sum = { 0 };
	for (uint32_t l = line_begin(s, order), end = line_begin(s, order + 1); l < end; l++) {
		struct line n = line_of(s, l);
		add_line(f, &sum, n.product, n.quantity, n.amount);
	}
	c->revenue += sum.revenue;
	c->returned += sum.returned;
	c->quantity += sum.quantity;
	c->margin += sum.margin;
	c->margin_revenue += sum.margin_revenue;
	if (!b.sale)
		return;
	c->orders++;
	c->order_value += b.value;
	if (b.complement) {
		c->orders_complement++;
		c->order_value_complement += b.value;
	}
	uint64_t stamp = t->customer_stamp << 16 | (uint64_t)month;
	c->buyers += t->buyer[group] != stamp;
	t->buyer[group] = stamp;
}

static void add_customer(struct folding *f, struct thread *t, const struct kpi_slice *s, uint32_t who,
                         const int32_t *day, uint32_t day_base)
{
	uint32_t own = f->plan->by == KPI_BY_CUSTOMER ? s->customer_group[who] : 0;
	bool whole = f->plan->by == KPI_WHOLE || (f->plan->by == KPI_BY_CUSTOMER && own < f->plan->groups);
	int active_to = 0;
	int32_t first = INT32_MIN;
	bool crossed = false;
	t->customer_stamp++;
	for (uint32_t o = s->order_start[who]; o < s->order_start[who + 1]; o++) {
		int32_t d = day[o - day_base] - f->first_day;
		int month = f->month_of[d];
		struct basket b = look(f, s, o);
		add_order(f, t, s, o, month, f->plan->by == KPI_BY_ORDER ? s->order_group[o] : own, b);
		if (!b.sale)
			continue;
		int from = month + 1 > active_to ? month + 1 : active_to, to = f->idle_from[d];
		if (whole && from < to) {
			cell_at(f, t, from, own)->customers_start++;
			if (to <= f->months)
				cell_at(f, t, to, own)->customers_start--;
		}
		active_to = to > active_to ? to : active_to;
		if (first == INT32_MIN) {
			first = d;
			if (whole)
				cell_at(f, t, month, own)->new_customers++;
		}
		if (b.complement && !crossed) {
			crossed = true;
			if (whole) {
				cell_at(f, t, month, own)->cross_sell_firsts++;
				cell_at(f, t, month, own)->cross_sell_delay_days += d - first;
			}
		}
	}
}

static int32_t day_of(const struct kpi_plan *plan, const struct kpi_slice *s, uint32_t order)
{
	return s->order_day ? s->order_day[order] : zone_date(plan->zone, (struct instant){ s->order_at[order] }).day;
}

/* Civil days of a unit's orders: given, or from UTC seconds. */
static const int32_t *unit_days(struct folding *f, struct thread *t, const struct kpi_slice *s, uint32_t from,
                                uint32_t to)
{
	if (s->order_day)
		return s->order_day + from;
	t->day = mem_grow(t->day, &t->day_cap, to - from + 1, sizeof *t->day);
	for (uint32_t o = from; o < to; o++)
		t->day[o - from] = day_of(f->plan, s, o);
	return t->day;
}

static void thread_begin(struct folding *f, struct thread *t)
{
	size_t groups = f->plan->groups;
	t->cell = mem_alloc(((size_t)f->months + 1) * groups * sizeof *t->cell);
	t->buyer = mem_alloc(groups * sizeof *t->buyer);
	if (f->plan->by != KPI_BY_PRODUCT)
		return;
	t->stamp = mem_alloc(groups * sizeof *t->stamp);
	t->touched = mem_alloc(groups * sizeof *t->touched);
	t->touched_value = mem_alloc(groups * sizeof *t->touched_value);
}

static void fold_units(void *ctx, size_t from, size_t to, int thread)
{
	struct folding *f = ctx;
	struct thread *t = &f->threads[thread];
	if (!t->cell)
		thread_begin(f, t);
	for (size_t u = from; u < to; u++) {
		const struct unit *unit = &f->units[u];
		const struct kpi_slice *s = &f->slices[unit->slice];
		uint32_t base = s->order_start[unit->from];
		const int32_t *day = unit_days(f, t, s, base, s->order_start[unit->to]);
		for (uint32_t who = unit->from; who < unit->to; who++)
			add_customer(f, t, s, who, day, base);
	}
}

/* ---- set-up ---- */

static int month_number(struct date d)
{
	int y, m, day;
	date_ymd(d, &y, &m, &day);
	return y * 12 + m - 1;
}

/* First and last day over all slices; orders are sorted within a customer. False when there is no order. */
static bool day_range(const struct kpi_plan *plan, const struct kpi_slice *slices, size_t count, int32_t *first,
                      int32_t *last)
{
	int64_t low = INT64_MAX, high = INT64_MIN;
	for (size_t k = 0; k < count; k++) {
		const struct kpi_slice *s = &slices[k];
		for (uint32_t c = 0; c < s->customers; c++) {
			uint32_t a = s->order_start[c], b = s->order_start[c + 1];
			if (a == b)
				continue;
			int64_t begin = day_of(plan, s, a), end = day_of(plan, s, b - 1);
			low = begin < low ? begin : low;
			high = end > high ? end : high;
		}
	}
	*first = (int32_t)low;
	*last = (int32_t)high;
	return low <= high;
}

static struct unit *cut_units(const struct kpi_slice *slices, size_t count, size_t *n)
{
	struct unit *units = NULL;
	size_t cap = 0;
	*n = 0;
	for (size_t k = 0; k < count; k++)
		for (uint32_t from = 0; from < slices[k].customers; from += UNIT_CUSTOMERS) {
			uint32_t left = slices[k].customers - from;
			units = mem_grow(units, &cap, *n + 1, sizeof *units);
			units[(*n)++] = (struct unit){ (uint32_t)k, from, from + (left < UNIT_CUSTOMERS ? left : UNIT_CUSTOMERS) };
		}
	return units;
}

static void add_tables(struct folding *f, struct kpi_table *out)
{
	size_t cells = ((size_t)f->months + 1) * out->groups, counts = cells * sizeof(struct kpi_sums) / sizeof(int64_t);
	int64_t *to = (int64_t *)out->cell;
	for (int t = 0; t < PAR_THREADS_MAX; t++) {
		const int64_t *from = (const int64_t *)f->threads[t].cell;
		for (size_t i = 0; from && i < counts; i++)
			to[i] += from[i];
		free(f->threads[t].cell);
		free(f->threads[t].buyer);
		free(f->threads[t].stamp);
		free(f->threads[t].touched);
		free(f->threads[t].touched_value);
		free(f->threads[t].day);
	}
	for (int m = 1; m <= f->months; m++) /* differences → counts */
		for (uint32_t g = 0; g < out->groups; g++)
			out->cell[(size_t)m * out->groups + g].customers_start +=
				out->cell[(size_t)(m - 1) * out->groups + g].customers_start;
}

bool kpi_fold(const struct kpi_plan *plan, const struct kpi_slice *slices, size_t count, int threads,
              struct kpi_table *out, struct err *err)
{
	int32_t first, last;
	check(plan->groups >= 1 && plan->groups <= KPI_GROUPS_MAX);
	check(plan->by != KPI_BY_PRODUCT || plan->catalogue.group);
	memset(out, 0, sizeof *out);
	out->by = plan->by;
	out->groups = plan->groups;
	if (!day_range(plan, slices, count, &first, &last))
		return err_set(err, ERR_INPUT, "there is no order: no figure can be computed");
	if ((int64_t)last - first > KPI_DAYS_MAX)
		return err_set(err, ERR_LIMIT, "orders lie more than %d days apart: check their dates", KPI_DAYS_MAX);
	out->first_month = month_number((struct date){ first });
	out->months = month_number((struct date){ last }) - out->first_month + 1;
	if (((size_t)out->months + 1) * plan->groups > KPI_CELLS_MAX)
		return err_set(err, ERR_LIMIT, "%d months × %u groups are too many at once", out->months, plan->groups);
	size_t days = (size_t)(last - first) + 1;
	uint16_t *month_of = mem_alloc(days * sizeof *month_of), *idle_from = mem_alloc(days * sizeof *idle_from);
	double without_vat[256];
	int active = plan->active_months > 0 ? plan->active_months : KPI_ACTIVE_MONTHS;
	for (int v = 0; v < 256; v++)
		without_vat[v] = 200.0 / (200 + v);
	for (size_t d = 0; d < days; d++) {
		struct date day = { first + (int32_t)d }, until = date_add_months(day, active);
		int month = month_number(day), y, m, of_month;
		date_ymd(until, &y, &m, &of_month);
		/* active at month starts before `until`: the first start at or after it is the first idle one */
		int idle = y * 12 + m - 1 + (of_month > 1) - out->first_month;
		month_of[d] = (uint16_t)(month - out->first_month);
		idle_from[d] = (uint16_t)(idle > out->months + 1 ? out->months + 1 : idle);
	}
	struct folding *f = mem_alloc(sizeof *f);
	size_t units;
	f->plan = plan;
	f->slices = slices;
	f->units = cut_units(slices, count, &units);
	f->first_day = first;
	f->months = out->months;
	f->month_of = month_of;
	f->idle_from = idle_from;
	f->without_vat = without_vat;
	out->cell = mem_alloc(((size_t)out->months + 1) * out->groups * sizeof *out->cell);
	par_for(units, 1, threads, fold_units, f);
	add_tables(f, out);
	free((void *)f->units);
	free(f);
	free(month_of);
	free(idle_from);
	return true;
}

void kpi_table_release(struct kpi_table *t)
{
	free(t->cell);
	memset(t, 0, sizeof *t);
}

void kpi_input_of(const struct kpi_table *t, uint32_t group, int from, int to, struct kpi_input *out)
{
	kpi_input_init(out);
	check(group < t->groups);
	int a = from - t->first_month, b = to - t->first_month;
	struct kpi_sums s = { 0 };
	if (b < 0 || a >= t->months || a > b) {
		a = 0;
		b = -1; /* nothing: zero counts, and nobody at start or end unless within reach */
	}
	a = a < 0 ? 0 : a;
	b = b >= t->months ? t->months - 1 : b;
	int64_t *sum = (int64_t *)&s;
	for (int m = a; m <= b; m++) {
		const int64_t *cell = (const int64_t *)&t->cell[(size_t)m * t->groups + group];
		for (size_t i = 0; i < sizeof s / sizeof *sum; i++)
			sum[i] += cell[i];
	}
	out->orders = s.orders;
	out->orders_complement = s.orders_complement;
	out->order_value = s.order_value;
	out->order_value_complement = s.order_value_complement;
	out->revenue = s.revenue;
	out->returned = s.returned;
	out->quantity = s.quantity;
	out->margin = s.margin;
	out->margin_revenue = s.margin_revenue;
	if (a == b)
		out->buyers = s.buyers;
	if (t->by != KPI_WHOLE && t->by != KPI_BY_CUSTOMER)
		return;
	out->new_customers = s.new_customers;
	out->cross_sell_delay_days = s.cross_sell_delay_days;
	out->cross_sell_firsts = s.cross_sell_firsts;
	if (a <= b) {
		out->customers_start = t->cell[(size_t)a * t->groups + group].customers_start;
		out->customers_end = t->cell[((size_t)b + 1) * t->groups + group].customers_start;
	}
}
