/* What would have left, and when: bars of days or weeks by channel, and the same as a table. */
#include "app/replay_page_int.h"

#include "model/names.h"

#include <stdio.h>

enum { CHART_W = 1120, CHART_H = 150, DAYS_SHOWN = 400 };

struct chart {
	const struct tally *t;
	int bin, bins; /* days in a bar */
	uint64_t top;
	bool has[CHANNEL_COUNT];
};

static uint64_t bin_sent(const struct chart *c, int bin, int channel)
{
	uint64_t sum = 0;
	for (int32_t d = bin * c->bin; d < (bin + 1) * c->bin && d < c->t->days; d++)
		for (size_t i = 0; i < c->t->set->count; i++)
			sum += tally_sent(c->t, d, i, channel);
	return sum;
}

static struct chart chart_of(const struct tally *t)
{
	struct chart c = { .t = t, .bin = t->days > DAYS_SHOWN ? 7 : 1 };
	c.bins = (t->days + c.bin - 1) / c.bin;
	for (int b = 0; b < c.bins; b++) {
		uint64_t sum = 0;
		for (int ch = 0; ch < CHANNEL_COUNT; ch++) {
			uint64_t n = bin_sent(&c, b, ch);
			c.has[ch] |= n > 0;
			sum += n;
		}
		c.top = sum > c.top ? sum : c.top;
	}
	return c;
}

/* A round number, even or small, at least v. */
static uint64_t round_up(uint64_t v)
{
	for (uint64_t unit = 1;; unit *= 10)
		for (int k = 0; k < 6; k++) {
			uint64_t step = unit * (uint64_t[]){ 1, 2, 3, 4, 6, 8 }[k];
			if (step >= v)
				return step;
		}
}

static void put_months(const struct page *p, const struct tally *t, double day_w)
{
	int every = t->days > 1100 ? 6 : t->days > 400 ? 3 : 1;
	for (int32_t d = 0; d < t->days; d++) {
		int y, m, day;
		date_ymd((struct date){ t->first.day + d }, &y, &m, &day);
		if (day != 1 || (m - 1) % every)
			continue;
		buf_printf(p->b, "<path class=\"ax\" d=\"M%.1f %dv5\"/><text x=\"%.1f\" y=\"%d\">%s", d * day_w, CHART_H,
		           d * day_w + 3, CHART_H + 16, page_month(p, m, true));
		if (m == 1 || d < 31)
			buf_printf(p->b, " %d", y);
		buf_cstr(p->b, "</text>");
	}
}

static void put_chart(const struct page *p, size_t side, uint64_t top)
{
	struct chart c = chart_of(p->o->sides[side].tally);
	double day_w = (double)CHART_W / (double)c.t->days, w = day_w * c.bin;
	buf_cstr(p->b, "<figure>");
	if (p->o->side_count > 1) {
		page_tag(p, side);
		buf_html(p->b, str_from(p->o->sides[side].label));
	}
	buf_printf(p->b, "<div class=\"wide\"><svg class=\"big\" viewBox=\"0 -14 %d %d\" role=\"img\" aria-label=\"%s\">",
	           CHART_W, CHART_H + 34, T(p, "Messages par jour et par canal", "Messages per day and channel"));
	for (int k = 1; k <= 2; k++) {
		double y = CHART_H - CHART_H * k / 2.0;
		buf_printf(p->b, "<path class=\"ax\" d=\"M0 %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", y,
		           CHART_W, CHART_W, y - 3);
		page_number(p, top * (uint64_t)k / 2);
		buf_cstr(p->b, "</text>");
	}
	for (int b = 0; b < c.bins; b++) {
		double y = CHART_H;
		struct date day = { c.t->first.day + b * c.bin };
		bool open = false;
		for (int ch = 0; ch < CHANNEL_COUNT; ch++) {
			uint64_t n = bin_sent(&c, b, ch);
			if (!n)
				continue;
			if (!open) {
				buf_cstr(p->b, "<g><title>");
				page_date(p, day);
				for (int k = 0; k < CHANNEL_COUNT; k++)
					if (bin_sent(&c, b, k)) {
						buf_printf(p->b, "\n%s%s ", page_channel(p, k), T(p, "\u00a0:", ":"));
						page_number(p, bin_sent(&c, b, k));
					}
				buf_cstr(p->b, "</title>");
				open = true;
			}
			double h = (double)n / (double)top * CHART_H;
			y -= h;
			buf_printf(p->b, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
			           channel_name((enum channel)ch), b * w, y, w > 2 ? w - 0.8 : w, h);
		}
		if (open)
			buf_cstr(p->b, "</g>");
	}
	buf_printf(p->b, "<path class=\"zero\" d=\"M0 %d.5H%d\"/>", CHART_H, CHART_W);
	put_months(p, c.t, day_w);
	buf_cstr(p->b, "</svg></div></figure>\n");
}

void page_volumes(const struct page *p)
{
	uint64_t top = 1;
	bool has[CHANNEL_COUNT] = { false };
	int bin = 1;
	for (size_t s = 0; s < p->o->side_count; s++) {
		struct chart c = chart_of(p->o->sides[s].tally);
		top = c.top > top ? c.top : top;
		bin = c.bin;
		for (int ch = 0; ch < CHANNEL_COUNT; ch++)
			has[ch] |= c.has[ch];
	}
	buf_printf(p->b, "<section><header><h2>%s</h2><p>%s</p></header><div class=\"keys\">",
	           T(p, "Ce qui serait parti, et quand", "What would have left, and when"),
	           bin == 1 ? T(p, "messages par jour", "messages a day")
	                    : T(p, "messages par semaine", "messages a week"));
	for (int ch = 0; ch < CHANNEL_COUNT; ch++)
		if (has[ch])
			buf_printf(p->b, "<span class=\"%s\">%s</span>", channel_name((enum channel)ch), page_channel(p, ch));
	buf_cstr(p->b, "</div>");
	for (size_t s = 0; s < p->o->side_count; s++)
		put_chart(p, s, round_up(top));
	buf_printf(p->b, "<details><summary>%s</summary><table><thead><tr><th>%s</th>",
	           T(p, "En tableau, mois par mois", "As a table, month by month"), T(p, "Mois", "Month"));
	for (size_t s = 0; s < p->o->side_count; s++)
		for (int ch = 0; ch < CHANNEL_COUNT; ch++)
			if (has[ch]) {
				buf_cstr(p->b, "<th class=\"num\">");
				page_tag(p, s);
				buf_printf(p->b, "%s</th>", page_channel(p, ch));
			}
	buf_cstr(p->b, "</tr></thead><tbody>");
	const struct tally *first = p->o->sides[0].tally;
	for (int32_t d = 0; d < first->days;) {
		int y, m, day;
		date_ymd((struct date){ first->first.day + d }, &y, &m, &day);
		int32_t end = d + date_days_in_month(y, m) - day + 1;
		end = end < first->days ? end : first->days;
		buf_printf(p->b, "<tr><td>%s %d</td>", page_month(p, m, false), y);
		for (size_t s = 0; s < p->o->side_count; s++)
			for (int ch = 0; ch < CHANNEL_COUNT; ch++)
				if (has[ch]) {
					uint64_t sum = 0;
					for (int32_t k = d; k < end; k++)
						for (size_t i = 0; i < p->o->sides[s].tally->set->count; i++)
							sum += tally_sent(p->o->sides[s].tally, k, i, ch);
					buf_cstr(p->b, "<td class=\"num\">");
					page_number(p, sum);
					buf_cstr(p->b, "</td>");
				}
		buf_cstr(p->b, "</tr>");
		d = end;
	}
	buf_cstr(p->b, "</tbody></table></details></section>\n");
}
