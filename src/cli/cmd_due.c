/* relance due: who is due for what. */
#include "app/people.h"
#include "base/par.h"
#include "cli/reco_shop.h"

#include <stdlib.h>

int cmd_due(int argc, char **argv);

enum { SLICE = 1024 }; /* customers a piece of work: the order of the rows does not depend on the threads */

static const struct usage USAGE = {
	.synopsis = "due DB [--days 14] [--at DATE]",
	.text = "One row per customer and product due within so many days: the likely day, and the days between which it "
			"falls four\n"
			"times out of five. Products with a lifetime fall due at its end, the others by the customer's own rhythm.",
	.example = "relance due shop.db --days 14 --format csv",
	.positional_min = 1,
	.positional_max = 1,
};

struct row {
	uint32_t customer;
	struct rec_answer answer;
};

struct slice {
	struct row *rows;
	size_t n, cap;
};

struct search {
	const struct reco *reco;
	const struct people *people;
	struct slice *slices;
	int32_t days;
};

static void search_slice(void *ctx, size_t from, size_t to, int thread)
{
	struct search *q = ctx;
	struct rec_scratch *s = rec_scratch_new(q->reco->model);
	struct rec_guards guards = q->reco->guards;
	guards.per_type = 0;
	for (size_t i = from; i < to; i++) {
		struct slice *out = &q->slices[i];
		for (uint64_t c = i * SLICE + 1; c <= (i + 1) * SLICE && c <= q->people->ids; c++) {
			struct rec_list l;
			struct rec_ask ask = { .customer = (uint32_t)c, .guards = &guards };
			if (!q->people->ref[c].p)
				continue;
			rec_again(q->reco->model, s, &ask, q->days, REC_OUT_MAX, &l);
			out->rows = mem_grow(out->rows, &out->cap, out->n + l.count + 1, sizeof *out->rows);
			for (size_t k = 0; k < l.count; k++)
				out->rows[out->n++] = (struct row){ (uint32_t)c, l.answers[k] };
		}
	}
	rec_scratch_free(s);
}

static int by_day(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->answer.day != y->answer.day)
		return x->answer.day < y->answer.day ? -1 : 1;
	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	return (x->answer.item > y->answer.item) - (x->answer.item < y->answer.item);
}

static void put_date(struct table *t, int32_t day)
{
	char text[16];
	table_cstr(t, date_text((struct date){ day }, text));
}

static void print_rows(const struct reco_shop *s, const struct people *p, const struct row *rows, size_t n,
                       enum format format)
{
	static const char *const COLUMNS[] = { "customer", "sku", "name", "due", "from", "to", "every_days", "kind" };
	struct table *t = table_new(COLUMNS, ARRAY_LEN(COLUMNS));
	for (size_t i = 0; i < n; i++) {
		const struct rec_answer *a = &rows[i].answer;
		table_text(t, p->ref[rows[i].customer]);
		table_text(t, s->reco.words[a->item].sku);
		table_text(t, s->reco.words[a->item].name);
		put_date(t, a->day);
		put_date(t, a->why == REC_WHY_WORN ? a->day : a->from_day);
		put_date(t, a->to_day);
		table_float(t, (double)a->gap_days, 1);
		table_cstr(t, a->why == REC_WHY_WORN ? "lifetime" : "rhythm");
	}
	table_print(t, format, stdout);
	table_free(t);
}

/* Nothing sold for a season: an old export is being looked at, most likely. */
static void say_nobody(const struct reco_shop *s)
{
	enum { QUIET_DAYS = 90 };
	const struct rec_data *d = &s->reco.data;
	int32_t newest = INT32_MIN;
	char text[16];
	if (!s->reco.model) {
		fprintf(stderr, "nobody is due: %s\n", s->reco.reason);
		return;
	}
	for (uint32_t o = 0; o < d->order_start[d->customers]; o++)
		newest = d->order_day[o] > newest ? d->order_day[o] : newest;
	if (newest < s->reco.guards.today - QUIET_DAYS)
		fprintf(stderr, "nobody is due: the newest order is of %s; --at DATE asks as of a day near it\n",
		        date_text((struct date){ newest }, text));
	else
		fputs("nobody is due: no rhythm or lifetime of a product ends in these days\n", stderr);
}

static void search(const struct reco_shop *s, const struct people *p, int32_t days, int threads, enum format format)
{
	size_t slices = ((size_t)p->ids + SLICE - 1) / SLICE, n = 0;
	struct search q = {
		.reco = &s->reco, .people = p, .days = days, .slices = mem_alloc((slices + 1) * sizeof(struct slice))
	};
	if (s->reco.model)
		par_for(slices, 1, threads, search_slice, &q);
	for (size_t i = 0; i < slices; i++)
		n += q.slices[i].n;
	struct row *rows = mem_alloc((n + 1) * sizeof *rows);
	n = 0;
	for (size_t i = 0; i < slices; i++) {
		if (q.slices[i].n)
			memcpy(rows + n, q.slices[i].rows, q.slices[i].n * sizeof *rows);
		n += q.slices[i].n;
		free(q.slices[i].rows);
	}
	qsort(rows, n, sizeof *rows, by_day);
	print_rows(s, p, rows, n, format);
	if (!n)
		say_nobody(s);
	free(rows);
	free(q.slices);
}

int cmd_due(int argc, char **argv)
{
	int64_t days = RECO_DAYS_DEFAULT;
	enum format format = FORMAT_TABLE;
	struct reco_shop_options o = { .no_cross = true };
	const struct opt opts[] = {
		{ "--days", OPT_INT, &days, "N", "due within so many days (14); what is late counts" },
		{ "--at", OPT_TEXT, &o.at, "DATE", "as of the start of this day (default: now)" },
		{ "--format", OPT_FORMAT, &format, "F", "table, csv or json" },
		{ "--threads", OPT_INT, &o.threads, "N", "threads (all processors)" },
	};
	const char *where[1];
	int count;
	int status = opts_parse(&USAGE, opts, ARRAY_LEN(opts), argc, argv, where, &count);
	if (status >= 0)
		return status;
	if (days < 0 || days > 36500)
		return cli_usage_error("--days is from 0 to 36500");
	struct err err;
	struct reco_shop s;
	struct people p;
	if (!reco_shop_open(&s, where[0], &o, &err))
		return cli_fail(&err);
	bool ok = people_load(&s.world, &p, &err);
	if (ok) {
		search(&s, &p, (int32_t)days, (int)o.threads, format);
		people_release(&p);
	}
	reco_shop_close(&s);
	return ok ? EXIT_DONE : cli_fail(&err);
}
