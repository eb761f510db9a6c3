#include "app/html_chart.h"

#include <math.h>
#include <stdio.h>

#define NARROW "\xE2\x80\xAF" /* U+202F */
#define SPACE  "\xC2\xA0"     /* U+00A0 */
#define MINUS  "\xE2\x88\x92"

static const char STYLE[] =
	":root{color-scheme:light;--paper:#faf8f4;--sheet:#fffefb;--tint:#f2eee6;--ink:#211d18;--ink-2:#595248;--ink-3:#"
	"6b6357;"
	"--line:#e5dfd4;--line-2:#c9c0b1;--accent:#ad4626;--accent-2:#8c3518;--accent-wash:#f7e8e0;--accent-band:#c67b58;"
	"--good:#39694a;--wait:#7d5a0c;--wrong:#a01c41;--band-unknown:#968e81;--lc-ambassador:#8c3518;--lc-loyal:#c76f4c;"
	"--lc-new:#e6b698;--lc-prospect:#ecdcc0;--lc-lapsing:#c9c6be;--lc-former:#a09d96;"
	"--font:\"Hanken Grotesk\",\"Noto Sans\",system-ui,sans-serif;--t1:.75rem;--t2:.875rem;--t3:1.25rem;--t4:1.75rem}\n"
	"@media screen and "
	"(prefers-color-scheme:dark){:root{color-scheme:dark;--paper:#171411;--sheet:#201c18;--tint:#2c2620;"
	"--ink:#efe8dc;--ink-2:#bdb3a4;--ink-3:#a1978a;--line:#352e27;--line-2:#574d42;--accent:#e58d67;--accent-2:#f0a787;"
	"--accent-wash:#38231b;--accent-band:#a65c3d;--good:#8bbf97;--wait:#d8b060;--wrong:#f08fa6;--band-unknown:#71685c;"
	"--lc-ambassador:#f4b294;--lc-loyal:#d27a51;--lc-new:#9c5638;--lc-prospect:#5b4736;--lc-lapsing:#8a847a;"
	"--lc-former:#5f5a52}}\n"
	"*,*::before,*::after{box-sizing:border-box}\n"
	"body{margin:0;background:var(--paper);color:var(--ink);font:400 var(--t2)/1.43 var(--font);"
	"font-variant-numeric:tabular-nums lining-nums;-webkit-font-smoothing:antialiased;-webkit-text-size-adjust:100%}\n"
	"h1,h2,h3,p,ul,table,figure{margin:0;padding:0}\n"
	"h1{font-size:var(--t4);font-weight:600;line-height:1.25;letter-spacing:-.012em;text-wrap:balance}\n"
	"h2,b,th{font-size:inherit;font-weight:600}\n"
	"small,.note{font-size:var(--t1);line-height:1.4;color:var(--ink-3)}.note{margin-top:12px;max-width:76ch}\n"
	"main{max-width:1000px;margin:0 auto;padding:32px 32px 64px}\n"
	".brand{font-size:var(--t3);font-weight:600;letter-spacing:-.02em;display:flex;align-items:baseline;margin-bottom:"
	"32px}"
	".brand i{width:6px;height:6px;margin-left:2px;background:var(--accent);border-radius:99px}"
	".brand small{margin-left:auto;font-weight:400;letter-spacing:0}\n"
	".sub{margin-top:4px;color:var(--ink-2)}\n"
	".answer{font-size:var(--t3);line-height:1.5;max-width:64ch;margin:24px 0 8px;color:var(--ink-2);text-wrap:pretty}"
	".answer b{color:var(--ink)}\n"
	"section{border-top:1px solid var(--line);padding-top:16px;margin-top:32px;break-inside:avoid}"
	"section>header{display:flex;flex-wrap:wrap;gap:0 8px;align-items:baseline;margin-bottom:16px}"
	"section>header p{color:var(--ink-2)}\n"
	"section.long{break-inside:auto}\n"
	".good{color:var(--good)}.wrong{color:var(--wrong)}.mute{color:var(--ink-3)}.nw{white-space:nowrap}\n"
	"svg{display:block;overflow:visible}\n"
	".plot{position:relative;margin:24px 0 44px}.plot>svg{width:100%;height:100%}\n"
	".plot .l{position:absolute;font-size:var(--t1);line-height:16px;color:var(--ink-3);white-space:nowrap}"
	".plot .l b{color:var(--ink)}.plot .l.v{background:var(--paper);padding:0 3px;border-radius:2px}\n"
	".x{transform:translateX(-50%)}.x.last{transform:translateX(-100%)}.x.first{transform:none}\n"
	".stack{margin-right:176px}\n"
	".curve{max-width:520px;height:240px}\n"
	"table{width:100%;border-collapse:collapse}th,td{padding:6px 0 6px 16px;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}th:first-child,td:first-child{padding-left:0}"
	"thead th{font-size:var(--t1);font-weight:400;color:var(--ink-3);border-bottom-color:var(--line-2)}"
	"td.n,th.n{text-align:right;white-space:nowrap}thead th.n{white-space:normal}td "
	".f{display:block;font-size:var(--t1);color:var(--ink-3)}\n"
	".bar{display:block;height:8px;margin-top:6px;background:var(--tint);border-radius:1px;min-width:48px}"
	".bar i{display:block;height:8px;border-radius:1px}\n"
	".heat td,.heat "
	"th{padding:2px;vertical-align:middle;text-align:right;border:0;font-size:var(--t1);white-space:nowrap}"
	".heat th{color:var(--ink-3);font-weight:400}.heat th:first-child{text-align:left;padding-right:8px;width:1%}"
	".heat td i{display:block;font-style:normal;padding:3px 4px;border-radius:2px;min-width:34px}\n"
	".bands{display:grid;grid-template-columns:minmax(160px,240px) 1fr;gap:16px 24px;align-items:center}"
	".bands .axis{position:relative;height:36px}.bands .axis>*{position:absolute}"
	".bands .zero{top:-8px;bottom:-8px;width:1px;background:var(--line-2)}"
	".bands .band{top:4px;height:12px;border-radius:2px;background:var(--accent-band)}.bands .band.grey{background:"
	"var(--band-unknown)}.bands .tick{top:2px;width:2px;height:16px;background:var(--accent)}"
	".bands .grey+.tick{background:var(--ink-3)}.bands .w{top:19px;font-size:var(--t1);color:var(--ink-2);"
	"white-space:nowrap}\n"
	".scroll{overflow-x:auto}\n"
	"@media (max-width:640px){main{padding:20px 16px "
	"48px}.stack{margin-right:140px}.bands{grid-template-columns:1fr;gap:4px}"
	".bands .axis{margin-bottom:16px}.hide{display:none}.answer{font-size:1.125rem}th,td{padding-left:10px}}\n"
	"@page{size:A4;margin:14mm 12mm}\n"
	"@media "
	"print{body{background:#fff;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{padding:0;max-width:"
	"none}"
	".brand{margin-bottom:16px}tr{break-inside:avoid}}\n";

static void esc(struct html *h, const char *text)
{
	buf_html(h->out, str_from(text));
}

void html_text(struct html *h, const char *text)
{
	esc(h, text);
}

void html_page_begin(struct html *h, const char *title)
{
	buf_printf(h->out,
	           "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
	           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	           h->french ? "fr" : "en");
	esc(h, title);
	buf_cstr(h->out, "</title>\n<style>\n");
	buf_cstr(h->out, STYLE);
	buf_cstr(h->out, "</style>\n</head>\n<body>\n<main>\n");
}

void html_page_end(struct html *h)
{
	buf_cstr(h->out, "</section>\n</main>\n</body>\n</html>\n");
}

void html_section(struct html *h, const char *title, const char *sub)
{
	buf_cstr(h->out, "</section>\n<section><header><h2>");
	esc(h, title);
	buf_cstr(h->out, "</h2>");
	if (sub) {
		buf_cstr(h->out, "<p>");
		esc(h, sub);
		buf_cstr(h->out, "</p>");
	}
	buf_cstr(h->out, "</header>\n");
}

/* ---- numbers ---- */

static const char *const MONTHS[2][12] = {
	{ "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
	  "December" },
	{ "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
	  "décembre" },
};
static const char *const SHORT[2][12] = {
	{ "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" },
	{ "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc." },
};

void html_month(struct html *h, int month, bool full)
{
	buf_cstr(h->out, (full ? MONTHS : SHORT)[h->french][month % 12]);
	if (full)
		buf_printf(h->out, " %d", month / 12);
}

void html_day(struct html *h, struct date day)
{
	int y, m, d;
	date_ymd(day, &y, &m, &d);
	if (h->french && d == 1)
		buf_cstr(h->out, "1er ");
	else
		buf_printf(h->out, "%d ", d);
	buf_printf(h->out, "%s %d", MONTHS[h->french][m - 1], y);
}

void html_number(struct html *h, double v, int decimals)
{
	char text[400];
	if (!isfinite(v)) {
		buf_cstr(h->out, "–");
		return;
	}
	int n = snprintf(text, sizeof text, "%.*f", decimals, fabs(v));
	check(n > 0 && n < (int)sizeof text);
	int whole = decimals ? n - decimals - 1 : n;
	bool zero = true;
	for (int i = 0; i < n; i++)
		zero = zero && (text[i] == '0' || text[i] == '.');
	if (v < 0 && !zero)
		buf_cstr(h->out, MINUS);
	for (int i = 0; i < whole; i++) {
		if (i && (whole - i) % 3 == 0)
			buf_cstr(h->out, h->french ? NARROW : ",");
		buf_char(h->out, text[i]);
	}
	if (decimals) {
		buf_char(h->out, h->french ? ',' : '.');
		buf_cstr(h->out, text + whole + 1);
	}
}

void html_money(struct html *h, double minor, bool cents)
{
	const char *sign = currency_sign(&h->currency);
	double major = minor / pow(10, h->currency.exponent);
	int decimals = cents ? h->currency.exponent : 0;
	if (!h->french && sign != h->currency.code) {
		if (major < 0)
			buf_cstr(h->out, MINUS);
		buf_cstr(h->out, sign);
		html_number(h, fabs(major), decimals);
		return;
	}
	html_number(h, major, decimals);
	buf_cstr(h->out, SPACE);
	buf_cstr(h->out, sign);
}

void html_percent(struct html *h, double percent, int decimals)
{
	html_number(h, percent, decimals);
	buf_cstr(h->out, h->french ? NARROW "%" : "%");
}

/* ---- charts ---- */

/* The next round figure: 1, 2 or 5 times a power of ten. */
static double round_up(double v)
{
	if (!(v > 0))
		return 1;
	double power = pow(10, floor(log10(v)));
	for (int i = 0; i < 4; i++) {
		double step = (const double[]){ 1, 2, 5, 10 }[i] * power;
		if (v <= step * (1 + 1e-9))
			return step;
	}
	return 10 * power;
}

static void month_labels(struct html *h, const int *month, int count, double offset, double step)
{
	int every = count > 18 ? 3 : count > 12 ? 2 : 1;
	for (int i = count - 1; i >= 0; i -= every) {
		buf_printf(h->out, "<span class=\"l x\" style=\"top:100%%;left:%.3f%%;margin-top:4px\">", offset + step * i);
		html_month(h, month[i], false);
		if (month[i] % 12 == 0 || i - every < 0)
			buf_printf(h->out, "<br>%d", month[i] / 12);
		buf_cstr(h->out, "</span>");
	}
}

void chart_bars(struct html *h, const struct chart_bars *c)
{
	double top = 0;
	check(c->count > 0 && c->count <= CHART_POINTS_MAX);
	for (int i = 0; i < c->count; i++)
		top = fmax(top, isfinite(c->value[i]) ? c->value[i] : 0);
	top = top > 0 ? top : 1;
	double step = 100.0 / c->count;
	buf_cstr(h->out,
	         "<figure class=\"plot\" style=\"height:160px\"><svg preserveAspectRatio=\"none\" viewBox=\"0 0 100 100\" "
	         "aria-hidden=\"true\">");
	for (int i = 0; i < c->count; i++) {
		double v = isfinite(c->value[i]) && c->value[i] > 0 ? c->value[i] / top * 100 : 0;
		buf_printf(h->out, "<rect x=\"%.3f\" y=\"%.3f\" width=\"%.3f\" height=\"%.3f\" style=\"fill:var(%s)\"/>",
		           step * i + step * 0.12, 100 - v, step * 0.76, v, i == c->now ? "--accent" : "--accent-band");
	}
	buf_cstr(h->out, "<line x1=\"0\" x2=\"100\" y1=\"100\" y2=\"100\" vector-effect=\"non-scaling-stroke\" "
	                 "style=\"stroke:var(--line-2)\"/></svg>");
	int best = 0;
	for (int i = 1; i < c->count; i++)
		best = c->value[i] > c->value[best] ? i : best;
	for (int i = 0; i < c->count; i++) {
		if (i != c->now && !(i == best && (c->now < 0 || (best > c->now ? best - c->now : c->now - best) * step > 14)))
			continue;
		double v = isfinite(c->value[i]) && c->value[i] > 0 ? c->value[i] / top * 100 : 0;
		buf_printf(h->out, "<span class=\"l v x%s\" style=\"bottom:%.3f%%;left:%.3f%%;margin-bottom:2px\">",
		           i == c->count - 1 ? " last" : "", v, i == c->count - 1 ? 100 : step * (i + 0.5));
		buf_cstr(h->out, i == c->now ? "<b>" : "");
		if (c->money)
			html_money(h, c->value[i], false);
		else
			html_number(h, c->value[i], 0);
		buf_cstr(h->out, i == c->now ? "</b></span>" : "</span>");
	}
	month_labels(h, c->month, c->count, step / 2, step);
	buf_cstr(h->out, "</figure>\n");
}

static void stack_labels(struct html *h, const struct chart_stack *c, double top)
{
	double at[CHART_LAYERS_MAX], sum = 0, low = -1e9;
	for (int k = 0; k < c->layers; k++) {
		double v = c->layer[k].value[c->count - 1];
		at[k] = fmax((sum + v / 2) / top * 220, low + 17); /* 17 px apart, from the baseline up */
		sum += v;
		low = at[k];
	}
	for (int k = 0; k < c->layers; k++) {
		buf_printf(h->out, "<span class=\"l\" style=\"left:100%%;margin-left:8px;bottom:%.1fpx\">", at[k] - 8);
		buf_printf(h->out,
		           "<i style=\"display:inline-block;width:8px;height:8px;margin-right:6px;background:var(%s)\"></i><b>",
		           c->layer[k].color);
		html_number(h, c->layer[k].value[c->count - 1], 0);
		buf_cstr(h->out, "</b> ");
		esc(h, c->layer[k].name);
		buf_cstr(h->out, "</span>");
	}
}

void chart_stack(struct html *h, const struct chart_stack *c)
{
	double top = 1, base[CHART_POINTS_MAX] = { 0 };
	check(c->count > 1 && c->count <= CHART_POINTS_MAX && c->layers <= CHART_LAYERS_MAX);
	for (int i = 0; i < c->count; i++) {
		double sum = 0;
		for (int k = 0; k < c->layers; k++)
			sum += c->layer[k].value[i];
		top = fmax(top, sum);
	}
	double step = 100.0 / (c->count - 1);
	buf_cstr(h->out,
	         "<figure class=\"plot stack\" style=\"height:220px\"><svg preserveAspectRatio=\"none\" viewBox=\"0 0 100 "
	         "100\" aria-hidden=\"true\">");
	for (int k = 0; k < c->layers; k++) {
		buf_cstr(h->out, "<path d=\"M");
		for (int i = 0; i < c->count; i++)
			buf_printf(h->out, "%.3f %.3f%s", step * i, 100 - base[i] / top * 100, i + 1 < c->count ? "L" : "");
		for (int i = c->count - 1; i >= 0; i--) {
			base[i] += c->layer[k].value[i];
			buf_printf(h->out, "L%.3f %.3f", step * i, 100 - base[i] / top * 100);
		}
		buf_printf(
			h->out,
			"Z\" vector-effect=\"non-scaling-stroke\" style=\"fill:var(%s);stroke:var(--paper);stroke-width:1\"/>",
			c->layer[k].color);
	}
	buf_cstr(h->out, "</svg>");
	stack_labels(h, c, top);
	month_labels(h, c->month, c->count, 0, step);
	buf_cstr(h->out, "</figure>\n");
}

void chart_curve(struct html *h, const struct chart_curve *c)
{
	buf_cstr(h->out, "<figure class=\"plot curve\"><svg preserveAspectRatio=\"none\" viewBox=\"0 0 100 100\" "
	                 "aria-hidden=\"true\"><path d=\"M0 100");
	for (int i = 0; i < c->count; i++)
		buf_printf(h->out, "L%.3f %.3f", 100.0 * i / (c->count - 1), 100 - 100 * c->value[i]);
	buf_cstr(h->out, "L100 100Z\" style=\"fill:var(--accent-wash)\"/><path d=\"M");
	for (int i = 0; i < c->count; i++)
		buf_printf(h->out, "%s%.3f %.3f", i ? "L" : "", 100.0 * i / (c->count - 1), 100 - 100 * c->value[i]);
	buf_cstr(h->out,
	         "\" vector-effect=\"non-scaling-stroke\" style=\"fill:none;stroke:var(--accent);stroke-width:1.5\"/>"
	         "<path d=\"M0 100L100 0\" vector-effect=\"non-scaling-stroke\" style=\"fill:none;stroke:var(--line-2);"
	         "stroke-dasharray:3 3\"/>");
	buf_printf(h->out,
	           "<path d=\"M%.3f 100V%.3f\" vector-effect=\"non-scaling-stroke\" style=\"stroke:var(--accent)\"/></svg>",
	           100 * c->mark_x, 100 - 100 * c->mark_y);
	buf_printf(h->out, "<span class=\"l\" style=\"left:%.3f%%;bottom:%.3f%%;margin:0 0 -24px 10px\"><b>",
	           100 * c->mark_x, 100 * c->mark_y);
	esc(h, c->mark);
	buf_cstr(h->out, "</b></span><span class=\"l\" style=\"top:100%;left:0;margin-top:4px\">");
	esc(h, c->x_name);
	buf_cstr(h->out, "</span><span class=\"l\" style=\"bottom:100%;left:0;margin-bottom:4px\">");
	esc(h, c->y_name);
	buf_cstr(h->out, "</span></figure>\n");
}

static void band_ends(struct html *h, const struct chart_band *b)
{
	buf_cstr(h->out, h->french ? "entre " : "between ");
	html_money(h, b->low, false);
	buf_cstr(h->out, h->french ? " et " : " and ");
	html_money(h, b->high, false);
	if (b->low <= 0 && b->high >= 0)
		buf_cstr(h->out, h->french ? SPACE ": pas encore établi" : ": not yet established");
}

void chart_bands(struct html *h, const struct chart_band *bands, int count)
{
	double low = 0, high = 0;
	check(count <= CHART_BANDS_MAX);
	for (int i = 0; i < count; i++) {
		low = bands[i].known ? fmin(low, bands[i].low) : low;
		high = bands[i].known ? fmax(high, bands[i].high) : high;
	}
	low = low < 0 ? -round_up(-low) : 0;
	high = high > 0 ? round_up(high) : low < 0 ? 0 : 1;
	double span = high - low;
	bool first = true;
	buf_cstr(h->out, "<div class=\"bands\">");
	for (int i = 0; i < count; i++) {
		const struct chart_band *b = &bands[i];
		buf_cstr(h->out, "<div><b>");
		esc(h, b->name);
		buf_cstr(h->out, "</b><br><small>");
		esc(h, b->note);
		buf_cstr(h->out, "</small></div><div class=\"axis\">");
		if (!b->known) {
			buf_cstr(h->out, "<span class=\"w\" style=\"top:8px;white-space:normal\">");
			esc(h, b->why);
			buf_cstr(h->out, "</span></div>");
			continue;
		}
		double left = (b->low - low) / span * 100, width = (b->high - b->low) / span * 100;
		buf_printf(h->out, "<i class=\"zero\" style=\"left:%.3f%%\"></i>", -low / span * 100);
		if (first)
			buf_printf(h->out, "<span class=\"w\" style=\"left:%.3f%%;top:-20px\">0</span>", -low / span * 100);
		first = false;
		buf_printf(
			h->out,
			"<i class=\"band%s\" style=\"left:%.3f%%;width:%.3f%%\"></i><i class=\"tick\" style=\"left:%.3f%%\"></i>",
			b->low <= 0 && b->high >= 0 ? " grey" : "", left, fmax(width, 0.4), (b->likeliest - low) / span * 100);
		buf_printf(h->out, "<span class=\"w\" style=\"left:%.3f%%\">", left > 55 ? 0 : left);
		band_ends(h, b);
		buf_cstr(h->out, "</span></div>");
	}
	buf_cstr(h->out, "</div>\n");
}

void chart_share(struct html *h, double share, const char *color)
{
	share = isfinite(share) ? fmin(fmax(share, 0), 1) : 0;
	buf_printf(h->out, "<span class=\"bar\"><i style=\"width:%.2f%%;background:var(%s)\"></i></span>", 100 * share,
	           color);
}
