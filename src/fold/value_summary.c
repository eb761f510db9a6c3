/* Rows are sorted by (customer, day) with a radix sort on one 64-bit key, then folded customer by customer. Sorting
 * makes the result independent of the order of the rows; sums are integers. */
#include "fold/value.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double value_unit_days(enum value_unit unit)
{
	switch (unit) {
	case VALUE_DAY: return 1;
	case VALUE_WEEK: return 7;
	case VALUE_MONTH: return 365.25 / 12;
	}
	return 1;
}

struct keyed {
	uint64_t key;
	uint64_t load;
};

/* Least significant byte first; bytes equal in all keys are skipped. */
static void radix_sort(struct keyed *a, size_t n)
{
	struct keyed *from = a, *to = mem_alloc((n + 1) * sizeof *to), *spare = to;
	for (int byte = 0; byte < 8; byte++) {
		size_t start[257] = { 0 };
		for (size_t i = 0; i < n; i++)
			start[((from[i].key >> (8 * byte)) & 255) + 1]++;
		bool constant = false;
		for (int b = 0; b < 256; b++)
			constant |= start[b + 1] == n;
		if (constant)
			continue;
		for (int b = 0; b < 256; b++)
			start[b + 1] += start[b];
		for (size_t i = 0; i < n; i++)
			to[start[(from[i].key >> (8 * byte)) & 255]++] = from[i];
		struct keyed *swap = from;
		from = to;
		to = swap;
	}
	if (from != a)
		memcpy(a, from, n * sizeof *a);
	free(spare);
}

static uint64_t row_key(const struct value_row *r)
{
	return (uint64_t)r->customer << 32 | ((uint32_t)r->day ^ 0x80000000u);
}

static int32_t key_day(uint64_t key)
{
	return (int32_t)((uint32_t)key ^ 0x80000000u);
}

static void summary_alloc(struct value_summary *s, size_t n)
{
	s->customer = mem_alloc((n + 1) * sizeof *s->customer);
	s->x = mem_alloc((n + 1) * sizeof *s->x);
	s->tx_day = mem_alloc((n + 1) * sizeof *s->tx_day);
	s->t_day = mem_alloc((n + 1) * sizeof *s->t_day);
	s->first = mem_alloc((n + 1) * sizeof *s->first);
	s->repeat = mem_alloc((n + 1) * sizeof *s->repeat);
	s->m = mem_alloc((n + 1) * sizeof *s->m);
}

void value_summary_release(struct value_summary *s)
{
	free(s->customer);
	free(s->x);
	free(s->tx_day);
	free(s->t_day);
	free(s->first);
	free(s->repeat);
	free(s->m);
	memset(s, 0, sizeof *s);
}

/* One customer's sorted rows → line s->count. A day with a row ≥ 0 is an order day. */
static bool fold_customer(const struct keyed *rows, size_t n, int32_t until, double major, struct value_summary *s,
                          struct err *err)
{
	int64_t first_spend = 0, repeat_spend = 0;
	int32_t first_day = 0, last_day = 0;
	uint32_t days = 0;
	size_t skipped = 0;
	for (size_t i = 0; i < n;) {
		int32_t day = key_day(rows[i].key);
		int64_t spend = 0;
		bool order = false;
		size_t from = i;
		for (; i < n && key_day(rows[i].key) == day; i++) {
			int64_t minor = (int64_t)rows[i].load;
			order |= minor >= 0;
			if (__builtin_add_overflow(spend, minor, &spend))
				return err_set(err, ERR_LIMIT, "the amounts of one customer on one day are too large to add up");
		}
		if (days == 0 && !order) { /* a return of something bought before our history begins */
			skipped += i - from;
			continue;
		}
		if (order) {
			if (days == 0)
				first_day = day;
			last_day = day;
			days++;
		}
		int64_t *sum = days == 1 && day == first_day ? &first_spend : &repeat_spend;
		if (__builtin_add_overflow(*sum, spend, sum))
			return err_set(err, ERR_LIMIT, "the amounts of one customer are too large to add up");
	}
	s->rows_before_first += skipped;
	s->rows_used += n - skipped;
	if (days == 0)
		return true;
	if ((int64_t)until - first_day > VALUE_DAYS_MAX || days > VALUE_ORDERS_MAX)
		return err_set(err, ERR_LIMIT,
		               "an order is dated more than %d days before the end of the period: check the dates",
		               VALUE_DAYS_MAX);
	size_t at = s->count++;
	s->customer[at] = (uint32_t)(rows[0].key >> 32);
	s->x[at] = days - 1;
	s->tx_day[at] = last_day - first_day;
	s->t_day[at] = until - first_day;
	s->first[at] = first_spend;
	s->repeat[at] = repeat_spend;
	s->m[at] = days > 1 ? (double)repeat_spend / major / (double)(days - 1) : 0;
	return true;
}

bool value_summarise(const struct value_row *rows, size_t count, struct date until, enum value_unit unit, int exponent,
                     struct value_summary *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	out->unit_days = value_unit_days(unit);
	struct keyed *keyed = mem_alloc((count + 1) * sizeof *keyed);
	size_t n = 0, customers = 0;
	for (size_t i = 0; i < count; i++)
		if (rows[i].day <= until.day)
			keyed[n++] = (struct keyed){ row_key(&rows[i]), (uint64_t)rows[i].minor };
		else
			out->rows_after++;
	radix_sort(keyed, n);
	for (size_t i = 0; i < n; i++)
		customers += i == 0 || keyed[i].key >> 32 != keyed[i - 1].key >> 32;
	summary_alloc(out, customers);
	bool good = true;
	double major = pow(10, exponent);
	for (size_t from = 0, to; good && from < n; from = to) {
		for (to = from + 1; to < n && keyed[to].key >> 32 == keyed[from].key >> 32;)
			to++;
		good = fold_customer(keyed + from, to - from, until.day, major, out, err);
	}
	free(keyed);
	if (good && out->count == 0) {
		char day[16];
		good =
			err_set(err, ERR_INPUT, "no order on or before %s: there is nothing to learn from", date_text(until, day));
	}
	if (!good)
		value_summary_release(out);
	return good;
}

void value_cells_make(const struct value_summary *s, bool with_lines, struct value_cells *out)
{
	memset(out, 0, sizeof *out);
	out->unit_days = s->unit_days;
	out->customers = s->count;
	struct keyed *keyed = mem_alloc((s->count + 1) * sizeof *keyed);
	for (size_t i = 0; i < s->count; i++)
		keyed[i] = (struct keyed){ (uint64_t)s->x[i] << 40 | (uint64_t)s->t_day[i] << 20 | (uint64_t)s->tx_day[i], i };
	radix_sort(keyed, s->count);
	size_t cells = 0;
	for (size_t i = 0; i < s->count; i++)
		cells += i == 0 || keyed[i].key != keyed[i - 1].key;
	out->x = mem_alloc((cells + 1) * sizeof *out->x);
	out->tx_day = mem_alloc((cells + 1) * sizeof *out->tx_day);
	out->t_day = mem_alloc((cells + 1) * sizeof *out->t_day);
	out->n = mem_alloc((cells + 1) * sizeof *out->n);
	if (with_lines)
		out->of = mem_alloc((s->count + 1) * sizeof *out->of);
	for (size_t i = 0; i < s->count; i++) {
		if (i == 0 || keyed[i].key != keyed[i - 1].key) {
			size_t at = out->count++;
			out->x[at] = (uint32_t)(keyed[i].key >> 40);
			out->t_day[at] = (int32_t)(keyed[i].key >> 20 & VALUE_DAYS_MAX);
			out->tx_day[at] = (int32_t)(keyed[i].key & VALUE_DAYS_MAX);
			if (out->t_day[at] > out->day_max)
				out->day_max = out->t_day[at];
		}
		out->n[out->count - 1]++;
		if (with_lines)
			out->of[keyed[i].load] = (uint32_t)(out->count - 1);
	}
	free(keyed);
}

void value_cells_release(struct value_cells *c)
{
	free(c->x);
	free(c->tx_day);
	free(c->t_day);
	free(c->n);
	free(c->of);
	memset(c, 0, sizeof *c);
}
