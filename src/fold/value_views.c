#include "fold/value_views.h"

#include "base/arena.h"
#include "book/book.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ranked {
	int64_t value;
	size_t line;
};

static int ranked_order(const void *a, const void *b)
{
	const struct ranked *p = a, *q = b;
	if (p->value != q->value)
		return p->value < q->value ? -1 : 1;
	return p->line < q->line ? -1 : p->line > q->line;
}

/* Higher value, higher score. Ties get the score of the middle of their ranks. */
static void quintiles(struct ranked *r, size_t n, uint8_t *score, size_t stride)
{
	qsort(r, n, sizeof *r, ranked_order);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && r[to].value == r[from].value;)
			to++;
		double middle = 0.5 * (double)(from + to);
		int s = 1 + (int)(5 * middle / (double)n);
		for (size_t i = from; i < to; i++)
			score[r[i].line * stride] = (uint8_t)(s > 5 ? 5 : s);
	}
}

enum rfm_segment rfm_segment_of(int recency, int frequency, int monetary)
{
	int twice = frequency + monetary; /* 2V */
	if (recency >= 4)
		return twice >= 8 ? RFM_BEST : twice >= 6 ? RFM_LOYAL : RFM_RECENT;
	if (recency == 3)
		return twice >= 6 ? RFM_LOYAL : RFM_COOLING;
	return twice >= 8 ? RFM_PRECIOUS : twice >= 6 ? RFM_FADING : RFM_ASLEEP;
}

void rfm_scores(const struct value_summary *s, struct rfm *out)
{
	struct ranked *r = mem_alloc((s->count + 1) * sizeof *r);
	for (size_t i = 0; i < s->count; i++)
		r[i] = (struct ranked){ s->tx_day[i] - s->t_day[i], i };
	quintiles(r, s->count, &out->recency, sizeof *out);
	for (size_t i = 0; i < s->count; i++)
		r[i] = (struct ranked){ s->x[i], i };
	quintiles(r, s->count, &out->frequency, sizeof *out);
	for (size_t i = 0; i < s->count; i++)
		r[i] = (struct ranked){ s->first[i] + s->repeat[i], i };
	quintiles(r, s->count, &out->monetary, sizeof *out);
	for (size_t i = 0; i < s->count; i++)
		out[i].segment = (uint8_t)rfm_segment_of(out[i].recency, out[i].frequency, out[i].monetary);
	free(r);
}

static bool ordered_by(const struct chunk *k, uint32_t o, struct instant now)
{
	return (int64_t)k->order_at[o] <= now.s && (order_is_sale(k, o) ? order_total(k, o) >= 0 : order_total(k, o) < 0);
}

uint8_t *rfm_of_everybody(const struct version *v, zone_id zone, struct instant now)
{
	uint8_t *out = mem_alloc((size_t)v->customers + 1);
	struct value_row *rows = NULL;
	struct value_summary s;
	struct err ignored;
	size_t count = 0, cap = 0;
	memset(out, RFM_NONE, (size_t)v->customers + 1);
	for (size_t n = 0; n < v->chunk_count; n++) {
		const struct chunk *k = v->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= v->customers; i++)
			for (uint32_t o = k->order_start[i]; k->first + i != GUESTS && o < k->order_start[i + 1]; o++) {
				if (!ordered_by(k, o, now))
					continue;
				rows = mem_grow(rows, &cap, count + 1, sizeof *rows);
				rows[count++] =
					(struct value_row){ k->first + i, zone_date(zone, (struct instant){ k->order_at[o] }).day,
					                    order_total(k, o) };
			}
	}
	if (count && value_summarise(rows, count, zone_date(zone, now), VALUE_DAY, 0, &s, &ignored)) {
		struct rfm *rfm = mem_alloc(s.count * sizeof *rfm);
		rfm_scores(&s, rfm);
		for (size_t i = 0; i < s.count; i++)
			out[s.customer[i]] = rfm[i].segment;
		free(rfm);
		value_summary_release(&s);
	}
	free(rows);
	return out;
}

static const struct {
	const char *key, *fr, *en, *advice_fr, *advice_en;
} SEGMENTS[RFM_SEGMENTS] = {
	[RFM_BEST] = { "best", "Meilleurs clients", "Best customers", "Remerciez-les, réservez-leur les avant-premières.",
	               "Thank them; give them first choice." },
	[RFM_LOYAL] = { "loyal", "Clients fidèles", "Loyal customers", "Proposez ce qui complète leurs achats.",
	                "Offer what completes their purchases." },
	[RFM_RECENT] = { "recent", "Nouveaux et occasionnels récents", "New and recent",
	                 "Donnez envie d’un deuxième achat.", "Invite a second purchase." },
	[RFM_COOLING] = { "cooling", "À entretenir", "Cooling down", "Donnez des nouvelles avant qu’ils n’oublient.",
	                  "Send news before they forget." },
	[RFM_PRECIOUS] = { "precious", "Précieux, à rattraper", "Precious, slipping away",
	                   "Appelez ou écrivez personnellement.", "Call or write in person." },
	[RFM_FADING] = { "fading", "En train de partir", "Fading", "Relancez avec une offre personnelle.",
	                 "Win back with a personal offer." },
	[RFM_ASLEEP] = { "asleep", "Endormis", "Asleep", "Une relance, puis laissez-les tranquilles.",
	                 "Try once, then leave them in peace." },
};

const char *rfm_key(enum rfm_segment s)
{
	return SEGMENTS[s].key;
}

const char *rfm_name(enum rfm_segment s, bool french)
{
	return french ? SEGMENTS[s].fr : SEGMENTS[s].en;
}

const char *rfm_advice(enum rfm_segment s, bool french)
{
	return french ? SEGMENTS[s].advice_fr : SEGMENTS[s].advice_en;
}

/* ---- 20/80 ---- */

static int falling(const void *a, const void *b)
{
	int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
	return p > q ? -1 : p < q;
}

bool share_view_make(const int64_t *amounts, size_t count, struct share_view *out)
{
	memset(out, 0, sizeof *out);
	int64_t *sorted = mem_alloc((count + 1) * sizeof *sorted);
	double total = 0;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = amounts[i] > 0 ? amounts[i] : 0;
		out->paying += amounts[i] > 0;
		total += (double)sorted[i];
		if (__builtin_add_overflow(out->total, sorted[i], &out->total))
			out->total = INT64_MAX;
	}
	out->count = count;
	if (out->paying == 0) {
		free(sorted);
		return false;
	}
	qsort(sorted, count, sizeof *sorted, falling);
	double sum = 0, area = 0;
	size_t top = (count + 4) / 5;
	int step = 1;
	for (size_t i = 0; i < count; i++) {
		sum += (double)sorted[i];
		area += sum / total;
		if (i + 1 == top)
			out->top_20_share = sum / total;
		if (out->count_for_80 == 0 && sum >= 0.8 * total * (1 - 1e-12))
			out->count_for_80 = i + 1;
		while (step <= 20 && (i + 1) * 20 >= count * (size_t)step)
			out->curve[step++] = sum / total;
	}
	out->part_for_80 = (double)out->count_for_80 / (double)count;
	/* area under the falling curve: 1/2 when all equal (plus the half step), 1 when one brings all */
	out->gini = fmax(0, (2 * area - (double)count - 1) / (double)count);
	free(sorted);
	return true;
}

/* ---- cohorts ---- */

static int month_of(int32_t day)
{
	int y, m, d;
	date_ymd((struct date){ day }, &y, &m, &d);
	return y * 12 + m - 1;
}

static int row_order(const void *a, const void *b)
{
	const struct value_row *p = a, *q = b;
	if (p->customer != q->customer)
		return p->customer < q->customer ? -1 : 1;
	return p->day < q->day ? -1 : p->day > q->day;
}

static struct value_row *sorted_orders(const struct value_row *rows, size_t count, struct date until, size_t *n)
{
	struct value_row *sorted = mem_alloc((count + 1) * sizeof *sorted);
	*n = 0;
	for (size_t i = 0; i < count; i++)
		if (rows[i].day <= until.day && rows[i].minor >= 0)
			sorted[(*n)++] = rows[i];
	qsort(sorted, *n, sizeof *sorted, row_order);
	return sorted;
}

bool cohorts_make(const struct value_row *rows, size_t count, struct date until, struct cohorts *out, struct err *err)
{
	memset(out, 0, sizeof *out);
	size_t n;
	struct value_row *sorted = sorted_orders(rows, count, until, &n);
	int32_t first = INT32_MAX, last = INT32_MIN;
	for (size_t i = 0; i < n; i++) {
		first = sorted[i].day < first ? sorted[i].day : first;
		last = sorted[i].day > last ? sorted[i].day : last;
	}
	if (n == 0) {
		free(sorted);
		char day[16];
		return err_set(err, ERR_INPUT, "no order on or before %s: there is no cohort to follow", date_text(until, day));
	}
	out->first_month = month_of(first);
	out->months = month_of(last) - out->first_month + 1;
	if (out->months > VIEW_MONTHS_MAX) {
		out->first_month += out->months - VIEW_MONTHS_MAX;
		out->months = VIEW_MONTHS_MAX;
	}
	size_t side = (size_t)out->months;
	out->active = mem_alloc(side * side * sizeof *out->active);
	for (size_t i = 0; i < n;) {
		int cohort = month_of(sorted[i].day) - out->first_month, before = -1;
		cohort = cohort < 0 ? 0 : cohort;
		for (uint32_t who = sorted[i].customer; i < n && sorted[i].customer == who; i++) {
			int age = month_of(sorted[i].day) - out->first_month - cohort;
			age = age < 0 ? 0 : age;
			if (age != before)
				out->active[(size_t)cohort * side + (size_t)age]++;
			before = age;
		}
	}
	free(sorted);
	return true;
}

void cohorts_release(struct cohorts *c)
{
	free(c->active);
	memset(c, 0, sizeof *c);
}
