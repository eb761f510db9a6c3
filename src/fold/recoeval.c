#include "fold/recoeval.h"

#include "base/arena.h"
#include "base/zone.h"
#include "fold/recommend_inner.h"

#include <math.h>
#include <stdlib.h>

enum { LATER_MAX = 64, DAYS_MAX = 64 };

/* ---- the cut ---- */

static void cut_lines(struct rec_cut *c, const struct rec_data *d, uint32_t order, uint32_t *lines)
{
	uint32_t from = d->line_start[order], n = d->line_start[order + 1] - from, at = *lines;
	memcpy(c->line_item + at, d->line_item + from, n * sizeof(*c->line_item));
	if (d->line_quantity)
		memcpy(c->line_quantity + at, d->line_quantity + from, n * sizeof(*c->line_quantity));
	if (d->line_minor)
		memcpy(c->line_minor + at, d->line_minor + from, n * sizeof(*c->line_minor));
	*lines += n;
}

void rec_cut_make(struct rec_cut *c, const struct rec_data *d, int32_t day)
{
	uint32_t orders = d->order_start[d->customers], lines = d->line_start[orders], order = 0, line = 0;
	*c = (struct rec_cut){ .d = *d };
	c->order_start = mem_alloc((d->customers + 1u) * sizeof(*c->order_start));
	c->order_day = mem_alloc((orders + 1u) * sizeof(*c->order_day));
	c->line_start = mem_alloc((orders + 1u) * sizeof(*c->line_start));
	c->line_item = mem_alloc((lines + 1u) * sizeof(*c->line_item));
	c->line_quantity = d->line_quantity ? mem_alloc((lines + 1u) * sizeof(*c->line_quantity)) : NULL;
	c->line_minor = d->line_minor ? mem_alloc((lines + 1u) * sizeof(*c->line_minor)) : NULL;
	for (uint32_t u = 0; u < d->customers; u++) {
		for (uint32_t o = d->order_start[u]; o < d->order_start[u + 1] && d->order_day[o] < day; o++) {
			cut_lines(c, d, o, &line);
			c->order_day[order++] = d->order_day[o];
			c->line_start[order] = line;
		}
		c->order_start[u + 1] = order;
	}
	c->d.order_start = c->order_start;
	c->d.order_day = c->order_day;
	c->d.line_start = c->line_start;
	c->d.line_item = c->line_item;
	c->d.line_quantity = c->line_quantity;
	c->d.line_minor = c->line_minor;
}

void rec_cut_release(struct rec_cut *c)
{
	free(c->order_start);
	free(c->order_day);
	free(c->line_start);
	free(c->line_item);
	free(c->line_quantity);
	free(c->line_minor);
	*c = (struct rec_cut){ 0 };
}

static bool bought(const struct rec_data *d, uint32_t line)
{
	return !d->line_quantity || d->line_quantity[line] > 0;
}

struct run {
	const struct rec_data *d; /* all of it */
	const struct rec_cut *cut;
	const struct rec_model *m;
	const struct recoeval_options *o;
	struct rec_scratch *s;
	struct recoeval *out;
	int32_t last_day;
	/* due */
	float *errors[RECOEVAL_METHODS];
	size_t caps[RECOEVAL_METHODS];
	double mean_gap;
};

/* ---- up-sells ---- */

/* Range order where it is given, else the place among the prices of the type. */
static int tier_of(const struct rec_model *m, uint32_t item)
{
	const struct rec_item *x = &m->d->item[item];
	int step = 0;
	int64_t price = -1;
	if (x->tier)
		return x->tier;
	for (uint32_t i = m->type_item_start[x->type]; i < m->type_item_start[x->type + 1]; i++) {
		int64_t p = m->d->item[m->type_item[i]].price_minor;
		if (p > x->price_minor)
			break;
		step += p != price;
		price = p;
	}
	return step;
}

/* The first dearer product of the type from the day on; REC_NONE. */
static uint32_t dearer_later(const struct run *r, uint32_t customer, uint32_t from)
{
	const struct rec_data *d = r->d;
	const struct rec_item *x = &d->item[from];
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1]; o++)
		for (uint32_t q = d->line_start[o]; d->order_day[o] >= r->o->day && q < d->line_start[o + 1]; q++) {
			const struct rec_item *y = &d->item[d->line_item[q]];
			if (bought(d, q) && y->type == x->type && y->price_minor > x->price_minor)
				return d->line_item[q];
		}
	return REC_NONE;
}

static void up_score(struct run *r, int method, uint32_t from, uint32_t truth, const uint32_t *items, size_t n)
{
	struct recoeval_up *u = &r->out->up[method];
	const struct rec_item *item = r->d->item;
	for (size_t i = 0; i < n; i++)
		if (items[i] == truth) {
			u->hit_rate++;
			u->revenue_minor += (double)(item[truth].price_minor - item[from].price_minor);
		}
	u->answered += n > 0;
	u->tier_accuracy += n > 0 && tier_of(r->m, items[0]) == tier_of(r->m, truth);
}

/* Products of the type above `from` and within the cap: by price, and by sales. */
static void up_baselines(struct run *r, uint32_t from, uint32_t truth)
{
	const struct rec_model *m = r->m;
	const struct rec_item *item = m->d->item, *x = &item[from];
	uint32_t dearer[REC_OUT_MAX], best[REC_OUT_MAX];
	size_t k = (size_t)r->o->k, nd = 0, nb = 0;
	for (uint32_t i = m->type_item_start[x->type]; i < m->type_item_start[x->type + 1]; i++) {
		uint32_t y = m->type_item[i];
		if (item[y].price_minor <= x->price_minor ||
		    item[y].price_minor * 100 > x->price_minor * (100 + r->o->up_percent))
			continue;
		if (nd < k)
			dearer[nd++] = y;
		size_t j = nb < k ? nb++ : nb;
		for (; j > 0 && m->popular[y] > m->popular[best[j - 1]]; j--)
			if (j < k)
				best[j] = best[j - 1];
		if (j < k)
			best[j] = y;
	}
	up_score(r, 1, from, truth, dearer, nd);
	up_score(r, 2, from, truth, best, nb);
}

static void up_case(struct run *r, uint32_t from, uint32_t truth)
{
	const struct rec_item *item = r->d->item;
	int y, month, day;
	date_ymd((struct date){ r->o->day }, &y, &month, &day);
	struct rec_guards g = rec_guards_default(r->o->day, month);
	struct rec_ask ask = { .customer = REC_NONE, .basket = &from, .basket_n = 1, .guards = &g };
	struct rec_list l;
	uint32_t items[REC_OUT_MAX];
	r->out->up_cases++;
	if (item[truth].price_minor * 100 > item[from].price_minor * (100 + r->o->up_percent))
		return;
	r->out->up_within_cap++;
	g.n_max = (uint32_t)r->o->k;
	g.up_percent = r->o->up_percent;
	rec_up(r->m, r->s, &ask, (size_t)r->o->k, &l);
	for (size_t i = 0; i < l.count; i++)
		items[i] = l.answers[i].item;
	up_score(r, RECOEVAL_OURS, from, truth, items, l.count);
	up_baselines(r, from, truth);
}

/* The newest product of each type bought before the day. */
static void up_customer(struct run *r, uint32_t customer)
{
	const struct rec_data *c = &r->cut->d;
	uint32_t seen[LATER_MAX], n = 0;
	for (uint32_t o = c->order_start[customer + 1]; o-- > c->order_start[customer];)
		for (uint32_t q = c->line_start[o]; q < c->line_start[o + 1]; q++) {
			uint32_t item = c->line_item[q], type = c->item[item].type, i = 0;
			if (!bought(c, q) || type == REC_NONE || c->item[item].price_minor <= 0)
				continue;
			while (i < n && seen[i] != type)
				i++;
			if (i < n || n == LATER_MAX)
				continue;
			seen[n++] = type;
			uint32_t truth = dearer_later(r, customer, item);
			if (truth != REC_NONE)
				up_case(r, item, truth);
		}
}

static void up_finish(struct recoeval *out)
{
	static const char *const NAMES[] = { "as served", "next dearer of the type", "best seller of the type" };
	for (int i = 0; i < RECOEVAL_METHODS; i++) {
		struct recoeval_up *u = &out->up[i];
		double cases = out->up_within_cap ? out->up_within_cap : 1;
		u->name = NAMES[i];
		u->hit_rate /= cases;
		u->revenue_minor /= cases;
		u->tier_accuracy /= u->answered ? u->answered : 1;
	}
}

/* ---- due dates ---- */

static size_t days_of(const struct rec_data *d, uint32_t customer, uint32_t item, int32_t *days)
{
	size_t n = 0;
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1]; o++)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
			if (d->line_item[q] == item && bought(d, q) && (n == 0 || days[n - 1] != d->order_day[o])) {
				if (n == DAYS_MAX)
					memmove(days, days + 1, --n * sizeof(*days));
				days[n++] = d->order_day[o];
				break;
			}
	return n;
}

static int32_t bought_next(const struct run *r, uint32_t customer, uint32_t item)
{
	const struct rec_data *d = r->d;
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1]; o++)
		for (uint32_t q = d->line_start[o]; d->order_day[o] >= r->o->day && q < d->line_start[o + 1]; q++)
			if (d->line_item[q] == item && bought(d, q))
				return d->order_day[o];
	return INT32_MAX;
}

static void due_score(struct run *r, int method, double told, int32_t truth)
{
	double error = fabs(told - truth);
	size_t n = r->out->due_again;
	r->errors[method] = mem_grow(r->errors[method], &r->caps[method], n + 1, sizeof(float));
	r->errors[method][n] = (float)error;
	r->out->due[method].error_days += error;
	r->out->due[method].within_7 += error <= DUE_NEAR_DAYS;
}

static void due_case(struct run *r, uint32_t customer, uint32_t item)
{
	int32_t days[DAYS_MAX], today = r->o->day;
	struct due due;
	size_t n = days_of(&r->cut->d, customer, item, days);
	if (!due_predict(rec_due_prior(r->m, item), days, n, today, r->m->due_quantile, &due) || due.overdue > REC_GONE ||
	    due.to > r->last_day)
		return;
	r->out->due_cases++;
	int32_t truth = bought_next(r, customer, item);
	if (truth == INT32_MAX)
		return;
	double own = n > 1 ? (double)(days[n - 1] - days[0]) / (double)(n - 1) : r->mean_gap;
	struct recoeval_due *ours = &r->out->due[RECOEVAL_OURS];
	due_score(r, RECOEVAL_OURS, due.day, truth);
	due_score(r, 1, fmax(days[n - 1] + own, today), truth);
	due_score(r, 2, fmax(days[n - 1] + r->mean_gap, today), truth);
	ours->inside += truth >= due.from && truth <= due.to;
	ours->before += truth < due.median ? 1 : truth == due.median ? 0.5 : 0;
	r->out->due_again++;
}

static void due_customer(struct run *r, uint32_t customer)
{
	struct rec_ask ask = { .customer = customer };
	rec_read_customer(r->m, r->s, &ask);
	size_t n = r->s->own_n;
	uint32_t *items = mem_alloc((n + 1) * sizeof(*items)), kept = 0;
	for (size_t i = 0; i < n; i++)
		if (rec_has_rhythm(r->m, &r->s->own[i]) && !(r->d->item && r->d->item[r->s->own[i].item].lifetime_days > 0))
			items[kept++] = r->s->own[i].item;
	rec_leave_customer(r->s, &ask);
	for (uint32_t i = 0; i < kept; i++)
		due_case(r, customer, items[i]);
	free(items);
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void due_finish(struct run *r)
{
	static const char *const NAMES[] = { "as told", "own mean gap", "everybody's mean gap" };
	struct recoeval *out = r->out;
	double cases = out->due_again ? out->due_again : 1;
	for (int i = 0; i < RECOEVAL_METHODS; i++) {
		struct recoeval_due *u = &out->due[i];
		u->name = NAMES[i];
		u->error_days /= cases;
		u->within_7 /= cases;
		u->inside /= cases;
		u->before /= cases;
		if (out->due_again) {
			qsort(r->errors[i], out->due_again, sizeof(float), by_size);
			u->median_days = (double)r->errors[i][out->due_again / 2];
		}
		free(r->errors[i]);
	}
}

struct rec_item *rec_items_then(const struct rec_data *d)
{
	struct rec_item *items = d->item ? mem_alloc((d->items + 1u) * sizeof(*items)) : NULL;
	for (uint32_t i = 0; items && i < d->items; i++) {
		items[i] = d->item[i];
		items[i].flags &= (uint8_t) ~(REC_KNOWN_STOCK | REC_HIDDEN);
	}
	return items;
}

bool recoeval_run(const struct rec_data *given, const struct recoeval_options *o, struct recoeval *out, struct err *err)
{
	*out = (struct recoeval){ .up_cases = 0 };
	struct rec_cut cut;
	struct rec_item *items = rec_items_then(given);
	struct rec_data then = *given, *d = &then;
	then.item = items;
	rec_cut_make(&cut, d, o->day);
	struct rec_model *m =
		rec_build(&cut.d, &(struct rec_options){ .threads = o->threads, .no_cross = true, .seed = 1 }, err);
	if (!m) {
		rec_cut_release(&cut);
		free(items);
		return err_context(err, "before the split");
	}
	struct run r = { .d = d, .cut = &cut, .m = m, .o = o, .s = rec_scratch_new(m), .out = out, .last_day = INT32_MIN };
	for (uint32_t i = 0; i < d->order_start[d->customers]; i++)
		r.last_day = d->order_day[i] > r.last_day ? d->order_day[i] : r.last_day;
	const struct due_prior *all = &m->due[d->items];
	r.mean_gap = all->b / (all->a - 1);
	for (uint32_t c = 0; c < d->customers; c++) {
		if (d->item)
			up_customer(&r, c);
		due_customer(&r, c);
	}
	up_finish(out);
	due_finish(&r);
	rec_scratch_free(r.s);
	rec_free(m);
	rec_cut_release(&cut);
	free(items);
	return true;
}
