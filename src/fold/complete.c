#include "fold/complete.h"

#include "fold/dense.h"
#include "fold/nextbasket_inner.h"
#include "fold/recoeval.h"

enum { KEEP = 1500, EASE_RIDGE = 150, SALES_MIN = 20, SHRINK = 3 };

/* ---- the simple methods ---- */

struct single {
	uint32_t items;
	struct nb_rows together; /* counts */
	float *ease, *count;
};

static void single_make(struct single *f, const struct nb_rows *rows, uint32_t items, int threads)
{
	*f = (struct single){ .items = items };
	f->count = mem_alloc((items + 1u) * sizeof(float));
	f->ease = mem_alloc(((size_t)items * items + 1) * sizeof(float));
	nb_cross(rows, rows, items, KEEP, threads, &f->together);
	for (size_t b = 0; b < rows->n; b++)
		for (uint64_t q = rows->start[b]; q < rows->start[b + 1]; q++) {
			f->count[rows->item[q]]++;
			for (uint64_t s = rows->start[b]; s < rows->start[b + 1]; s++)
				f->ease[(size_t)rows->item[q] * items + rows->item[s]]++;
		}
	for (size_t i = 0; i < items; i++)
		f->ease[i * items + i] += EASE_RIDGE;
	dense_invert(f->ease, items, threads);
	float *diagonal = mem_alloc((items + 1u) * sizeof(float));
	for (size_t i = 0; i < items; i++)
		diagonal[i] = f->ease[i * items + i];
	for (size_t i = 0; i < items; i++)
		for (size_t j = 0; j < items; j++)
			f->ease[i * items + j] = i == j ? 0 : -f->ease[i * items + j] / diagonal[j];
	free(diagonal);
}

static void single_drop(struct single *f)
{
	nb_rows_release(&f->together);
	free(f->ease);
	free(f->count);
}

static void single_vote(const struct single *f, uint32_t i, float *most, float *cosine, float *ease)
{
	for (uint64_t t = f->together.start[i]; t < f->together.start[i + 1]; t++) {
		uint32_t j = f->together.item[t];
		float both = f->together.weight[t], confidence = both / (f->count[i] + SHRINK);
		most[j] = confidence > most[j] ? confidence : most[j];
		cosine[j] += both / sqrtf((f->count[i] + SHRINK) * (f->count[j] + SHRINK));
	}
	const float *row = f->ease + (size_t)i * f->items;
	for (uint32_t j = 0; j < f->items; j++)
		ease[j] += row[j];
}

/* ---- cases ---- */

struct one {
	uint32_t row, customer, hidden; /* row of the later orders; REC_NONE: nobody; its position */
};

struct run {
	const struct rec_data *d; /* all of it */
	const struct complete_options *o;
	const struct rec_model *m;
	uint32_t *number, *item; /* product → dense, REC_NONE; and back */
	struct nb_rows before, after;
	uint32_t *buyer; /* by row of after: customer, REC_NONE when this is not their first order since the day */
	struct single f;
	struct one *ones;
	size_t ones_n, ones_cap;
	float (*gain)[COMPLETE_METHODS]; /* by case: of NDCG; 0: not found */
};

static bool bought(const struct rec_data *d, uint32_t line)
{
	return !d->line_quantity || d->line_quantity[line] > 0;
}

/* Products that sell often enough, raised until the square of them fits. */
static void choose_items(struct run *r, int32_t day, struct complete_report *out)
{
	const struct rec_data *d = r->d;
	uint32_t *sales = mem_alloc((d->items + 1u) * sizeof(*sales)), *last = mem_alloc((d->items + 1u) * sizeof(*last));
	uint32_t least = r->o->sales_min ? r->o->sales_min : SALES_MIN;
	for (uint32_t o = 0; o < d->order_start[d->customers]; o++)
		for (uint32_t q = d->line_start[o]; d->order_day[o] < day && q < d->line_start[o + 1]; q++)
			if (bought(d, q) && last[d->line_item[q]] != o + 1) {
				last[d->line_item[q]] = o + 1;
				sales[d->line_item[q]]++;
			}
	for (;; least++) {
		out->items = 0;
		for (uint32_t i = 0; i < d->items; i++)
			out->items += sales[i] >= least;
		if (out->items <= COMPLETE_ITEMS_MAX)
			break;
	}
	out->sales_min = least;
	out->items = 0;
	for (uint32_t i = 0; i < d->items; i++) {
		r->number[i] = sales[i] >= least ? out->items : REC_NONE;
		if (sales[i] >= least)
			r->item[out->items++] = i;
	}
	free(sales);
	free(last);
}

struct dated {
	uint32_t order, customer;
	int32_t day;
};

static int by_day(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static void add_row(struct nb_rows *rows, const struct run *r, uint32_t order)
{
	const struct rec_data *d = r->d;
	uint64_t from = rows->n ? rows->start[rows->n] : 0, n = from;
	for (uint32_t q = d->line_start[order]; q < d->line_start[order + 1]; q++) {
		uint32_t i = r->number[d->line_item[q]];
		bool seen = i == REC_NONE || !bought(d, q);
		for (uint64_t s = from; s < n && !seen; s++)
			seen = rows->item[s] == i;
		if (seen)
			continue;
		nb_rows_add(rows, i, 1);
		n++;
	}
	nb_rows_end(rows);
}

static void make_rows(struct run *r, int32_t day)
{
	const struct rec_data *d = r->d;
	uint32_t orders = d->order_start[d->customers], guests = d->guests ? d->guests : d->customers;
	struct dated *all = mem_alloc((orders + 1u) * sizeof(*all));
	uint8_t *came = mem_alloc(d->customers + 1u);
	for (uint32_t c = 0; c < d->customers; c++)
		for (uint32_t o = d->order_start[c]; o < d->order_start[c + 1]; o++)
			all[o] = (struct dated){ o, c, d->order_day[o] };
	qsort(all, orders, sizeof(*all), by_day);
	r->buyer = mem_alloc((orders + 1u) * sizeof(*r->buyer));
	for (uint32_t i = 0; i < orders; i++) {
		uint32_t c = all[i].customer;
		if (all[i].day >= day) {
			bool known = c < guests && !came[c] && d->order_day[d->order_start[c]] < day;
			r->buyer[r->after.n] = known ? c : REC_NONE;
			came[c] = 1;
		}
		add_row(all[i].day < day ? &r->before : &r->after, r, all[i].order);
	}
	free(all);
	free(came);
}

/* Whether the customer had it when the learning part ended: `had` holds the dense items, ascending. */
static int by_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static uint32_t *had_before(const struct run *r, uint32_t customer, int32_t day, size_t *n)
{
	const struct rec_data *d = r->d;
	uint32_t *had = NULL;
	size_t cap = 0;
	*n = 0;
	for (uint32_t o = d->order_start[customer]; o < d->order_start[customer + 1] && d->order_day[o] < day; o++)
		for (uint32_t q = d->line_start[o]; q < d->line_start[o + 1]; q++)
			if (r->number[d->line_item[q]] != REC_NONE) {
				had = mem_grow(had, &cap, *n + 1, sizeof(*had));
				had[(*n)++] = r->number[d->line_item[q]];
			}
	if (*n)
		qsort(had, *n, sizeof(*had), by_u32);
	return had;
}

/* The position to hide in a row of one somebody: of those they never had, the one at number mod how many. */
static uint32_t hide_known(const struct run *r, uint32_t row, uint32_t number, int32_t day)
{
	uint64_t from = r->after.start[row];
	uint32_t size = (uint32_t)(r->after.start[row + 1] - from), fresh = 0, found = REC_NONE;
	size_t n;
	uint32_t *had = had_before(r, r->buyer[row], day, &n);
	for (int pass = 0; pass < 2 && (pass == 0 || fresh); pass++) {
		uint32_t want = pass ? number % fresh : REC_NONE, at = 0;
		for (uint32_t i = 0; i < size; i++)
			if (!n || !bsearch(&r->after.item[from + i], had, n, sizeof(*had), by_u32)) {
				found = at == want ? i : found;
				at++;
			}
		fresh = at;
	}
	free(had);
	return found;
}

static void choose_cases(struct run *r, bool known, int32_t day, struct complete_part *p)
{
	r->ones_n = 0;
	for (uint32_t b = 0; b < r->after.n; b++) {
		uint32_t size = (uint32_t)(r->after.start[b + 1] - r->after.start[b]);
		uint32_t hidden = size < 2 || (known && r->buyer[b] == REC_NONE) ? REC_NONE
		                  : known                                        ? hide_known(r, b, b, day)
		                                                                 : b % size;
		if (hidden == REC_NONE)
			continue;
		r->ones = mem_grow(r->ones, &r->ones_cap, r->ones_n + 1, sizeof(*r->ones));
		r->ones[r->ones_n++] = (struct one){ b, known ? r->buyer[b] : REC_NONE, hidden };
	}
	size_t step = r->ones_n / COMPLETE_CASES_MAX + 1, kept = 0;
	p->whole = (uint32_t)r->ones_n;
	for (size_t i = 0; i < r->ones_n; i += step)
		r->ones[kept++] = r->ones[i];
	r->ones_n = kept;
	p->cases = (uint32_t)kept;
}

/* ---- measuring ---- */

struct asking {
	struct run *r;
	int32_t day;
};

static float gain_of(const uint32_t *top, size_t n, uint32_t wanted)
{
	for (size_t i = 0; i < n; i++)
		if (top[i] == wanted)
			return (float)(1 / log2((double)i + 2));
	return 0;
}

static void ask_singles(const struct run *r, const struct one *c, int32_t day, float *all, float *gain)
{
	uint32_t n = r->f.items, top[REC_OUT_MAX];
	uint64_t from = r->after.start[c->row], to = r->after.start[c->row + 1];
	float *const by[COMPLETE_SERVED] = { all, all + n, all + 2 * (size_t)n, all + 3 * (size_t)n };
	size_t had_n = 0;
	uint32_t *had = c->customer == REC_NONE ? NULL : had_before(r, c->customer, day, &had_n);
	memset(all, 0, COMPLETE_SERVED * (size_t)n * sizeof(*all));
	memcpy(by[0], r->f.count, n * sizeof(*all));
	for (uint64_t q = from; q < to; q++)
		if (q - from != c->hidden)
			single_vote(&r->f, r->after.item[q], by[1], by[2], by[3]);
	for (int m = 0; m < COMPLETE_SERVED; m++) {
		for (uint64_t q = from; q < to; q++)
			by[m][r->after.item[q]] = q - from == c->hidden ? by[m][r->after.item[q]] : 0;
		for (size_t i = 0; i < had_n; i++)
			by[m][had[i]] = 0;
		size_t k = nb_top(by[m], n, (uint32_t)r->o->k, top);
		gain[m] = gain_of(top, k, r->after.item[from + c->hidden]);
	}
	free(had);
}

static float ask_served(const struct run *r, const struct one *c, int32_t day, struct rec_scratch *s, uint32_t *basket)
{
	struct rec_guards g = rec_guards_default(day, 1);
	struct rec_ask ask = { .customer = c->customer, .basket = basket, .guards = &g };
	struct rec_list l;
	uint32_t top[REC_OUT_MAX];
	uint64_t from = r->after.start[c->row], to = r->after.start[c->row + 1];
	g.n_max = (uint32_t)r->o->k;
	g.cross_percent = -1;
	g.per_type = 0;
	g.same_type = true;
	for (uint64_t q = from; q < to; q++)
		if (q - from != c->hidden)
			basket[ask.basket_n++] = r->item[r->after.item[q]];
	rec_cross(r->m, s, &ask, g.n_max, &l);
	for (size_t i = 0; i < l.count; i++)
		top[i] = l.answers[i].item;
	return gain_of(top, l.count, r->item[r->after.item[from + c->hidden]]);
}

static void ask_body(void *ctx, size_t from, size_t to, int thread)
{
	struct asking *a = ctx;
	const struct run *r = a->r;
	float *all = mem_alloc((COMPLETE_SERVED * (size_t)r->f.items + 1) * sizeof(*all));
	uint32_t *basket = mem_alloc((r->f.items + 1u) * sizeof(*basket));
	struct rec_scratch *s = rec_scratch_new(r->m);
	for (size_t i = from; i < to; i++) {
		ask_singles(r, &r->ones[i], a->day, all, r->gain[i]);
		r->gain[i][COMPLETE_SERVED] = ask_served(r, &r->ones[i], a->day, s, basket);
	}
	free(all);
	free(basket);
	rec_scratch_free(s);
}

static void measure(struct run *r, bool known, int32_t day, struct complete_part *p)
{
	static const char *const NAMES[COMPLETE_METHODS] = { "popularity", "rule max-confidence", "asymmetric cosine",
		                                                 "ease", "served" };
	struct asking a = { r, day };
	choose_cases(r, known, day, p);
	r->gain = mem_alloc((r->ones_n + 1) * sizeof(*r->gain));
	par_for(r->ones_n, r->ones_n / (4u * (size_t)par_threads(r->o->threads)) + 1, r->o->threads, ask_body, &a);
	for (size_t m = 0; m < COMPLETE_METHODS; m++) {
		p->methods[m].name = NAMES[m];
		for (size_t i = 0; i < r->ones_n; i++) {
			p->methods[m].hit_rate += r->gain[i][m] > 0;
			p->methods[m].ndcg += (double)r->gain[i][m];
		}
		p->methods[m].hit_rate /= p->cases ? p->cases : 1;
		p->methods[m].ndcg /= p->cases ? p->cases : 1;
		if (m < COMPLETE_SERVED && p->methods[m].hit_rate > p->methods[p->best_single].hit_rate)
			p->best_single = m;
	}
	free(r->gain);
}

bool complete_shop(const struct rec_data *d, int32_t day, const struct complete_options *o, struct complete_report *out,
                   struct err *err)
{
	*out = (struct complete_report){ .items = 0 };
	check(o->k >= 1 && o->k <= REC_OUT_MAX);
	struct rec_item *items = rec_items_then(d);
	struct rec_data then = *d;
	struct rec_cut cut;
	then.item = items;
	rec_cut_make(&cut, &then, day);
	struct rec_model *m = rec_build(&cut.d, &(struct rec_options){ .threads = o->threads, .seed = 1 }, err);
	if (m) {
		struct run r = { .d = d, .o = o, .m = m };
		r.number = mem_alloc((d->items + 1u) * sizeof(*r.number));
		r.item = mem_alloc((d->items + 1u) * sizeof(*r.item));
		choose_items(&r, day, out);
		make_rows(&r, day);
		single_make(&r.f, &r.before, out->items, o->threads);
		measure(&r, false, day, &out->anyone);
		measure(&r, true, day, &out->known);
		single_drop(&r.f);
		nb_rows_release(&r.before);
		nb_rows_release(&r.after);
		free(r.number);
		free(r.item);
		free(r.buyer);
		free(r.ones);
	}
	rec_free(m);
	rec_cut_release(&cut);
	free(items);
	return m || err_context(err, "before the split");
}

/* ---- undated baskets ---- */

/* Only products with enough sales among the first `learn` baskets, numbered anew; repeats stay. */
static uint32_t keep_sold(const uint64_t *start, const uint32_t *items, size_t baskets, size_t learn,
                          uint32_t sales_min, uint32_t *line_start, uint32_t *line_item)
{
	uint32_t top = 0, count = 0, lines = 0;
	for (uint64_t q = 0; q < start[baskets]; q++)
		top = items[q] > top ? items[q] : top;
	uint32_t *sales = mem_alloc((top + 1u) * sizeof(*sales)), *number = mem_alloc((top + 1u) * sizeof(*number));
	for (uint64_t q = 0; q < start[learn]; q++)
		sales[items[q]]++;
	for (uint32_t i = 0; i <= top; i++)
		number[i] = sales[i] >= sales_min ? ++count : 0;
	for (size_t b = 0; b < baskets; b++) {
		for (uint64_t q = start[b]; q < start[b + 1]; q++)
			if (number[items[q]])
				line_item[lines++] = number[items[q]] - 1;
		line_start[b + 1] = lines;
	}
	free(sales);
	free(number);
	return count;
}

bool complete_run(const uint64_t *start, const uint32_t *items, size_t baskets, const struct complete_options *o,
                  struct complete_report *out, struct err *err)
{
	enum { BASKETS_MIN = 100, LEARN_DAYS = 120, TEST_DAYS = 30, ITEM_MAX = 100000000 };
	size_t learn = baskets * 8 / 10;
	if (baskets < BASKETS_MIN || baskets > INT32_MAX || start[baskets] > INT32_MAX)
		return err_set(err, baskets < BASKETS_MIN ? ERR_INPUT : ERR_LIMIT,
		               baskets < BASKETS_MIN ? "fewer than 100 baskets" : "more than 2,147,483,647 lines");
	for (uint64_t q = 0; q < start[baskets]; q++)
		if (items[q] > ITEM_MAX)
			return err_set(err, ERR_LIMIT, "item numbers above 100,000,000");
	uint32_t *order_start = mem_alloc((baskets + 1) * sizeof(*order_start));
	uint32_t *line_start = mem_alloc((baskets + 1) * sizeof(*line_start));
	uint32_t *line_item = mem_alloc((start[baskets] + 1) * sizeof(*line_item));
	int32_t *day = mem_alloc((baskets + 1) * sizeof(*day));
	for (size_t b = 0; b < baskets; b++) {
		order_start[b + 1] = (uint32_t)b + 1;
		day[b] =
			(int32_t)(b < learn ? b * LEARN_DAYS / learn : LEARN_DAYS + (b - learn) * TEST_DAYS / (baskets - learn));
	}
	struct rec_data d = { .customers = (uint32_t)baskets,
		                  .order_start = order_start,
		                  .order_day = day,
		                  .line_start = line_start,
		                  .line_item = line_item };
	d.items = keep_sold(start, items, baskets, learn, o->sales_min ? o->sales_min : SALES_MIN, line_start, line_item);
	bool ok = complete_shop(&d, LEARN_DAYS, o, out, err);
	void *const all[] = { order_start, line_start, line_item, day };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	return ok;
}
