/* html_chart: a page that stands alone, and its charts: inline SVG for geometry, HTML for every word, so that a chart
 * stretches and its text does not. No script, no network, prints on A4. Colours, sizes and spaces are those of the
 * tokens in html_page_begin(), light and dark.
 *
 * Coordinates: charts are as wide as their box; values are drawn from 0. All functions append to a buf; text is escaped
 * here, `struct str` and `const char *` are plain text. Numbers are written the French way (narrow no-break spaces,
 * comma) or the English way. Values that are not finite are drawn as absent. */
#ifndef RELANCE_APP_HTML_CHART_H
#define RELANCE_APP_HTML_CHART_H

#include "base/buf.h"
#include "base/money.h"
#include "base/zone.h"

enum { CHART_POINTS_MAX = 240, CHART_LAYERS_MAX = 8, CHART_BANDS_MAX = 64 };

struct html {
	struct buf *out;
	bool french;
	struct currency currency;
};

/* ---- page and sections ---- */

void html_page_begin(struct html *h, const char *title);
void html_page_end(struct html *h);
void html_section(struct html *h, const char *title, const char *sub); /* closes the section before it */
void html_text(struct html *h, const char *text);

/* ---- numbers in words of the language; into the page ---- */

void html_number(struct html *h, double v, int decimals);
void html_money(struct html *h, double minor, bool cents); /* minor units; cents: with decimals */
void html_percent(struct html *h, double percent, int decimals);
void html_month(struct html *h, int month, bool full); /* year × 12 + month − 1: "août 2011", "août" */
void html_day(struct html *h, struct date day);        /* "31 octobre 2026" */

/* ---- charts ---- */

struct chart_bars {
	int count; /* at most CHART_POINTS_MAX */
	const double *value;
	const int *month;
	int now;    /* the bar in the accent colour; −1 none */
	bool money; /* minor units */
};
void chart_bars(struct html *h, const struct chart_bars *c);

struct chart_layer {
	const char *name, *color; /* a token: "--lc-loyal" */
	const double *value;
};
/* Layers from the baseline up, each labelled at its right end with its last value. */
struct chart_stack {
	int count, layers;
	const int *month;
	const struct chart_layer *layer;
};
void chart_stack(struct html *h, const struct chart_stack *c);

/* y from 0 to 1 over x from 0 to 1, `count` even steps; a mark at (mark_x, mark_y). */
struct chart_curve {
	int count;
	const double *value;
	double mark_x, mark_y;
	const char *mark, *x_name, *y_name;
};
void chart_curve(struct html *h, const struct chart_curve *c);

/* Bands on one shared axis that shows 0: what is likely, a tick for the likeliest. A band across zero is grey. */
struct chart_band {
	const char *name, *note;     /* note: a sentence below the name */
	double low, high, likeliest; /* minor units */
	bool known;
	const char *why;
};
void chart_bands(struct html *h, const struct chart_band *bands, int count);

/* A share of the width in one colour, for tables: 0 … 1. */
void chart_share(struct html *h, double share, const char *color);

#endif
