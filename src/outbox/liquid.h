/* liquid: templates compiled once, rendered many times.
 *
 * The language is Shopify's Liquid (all standard tags and filters; the golden-liquid cases are the test). A template is
 * parsed into a flat tree of nodes in one arena and never changes afterwards: threads may share it. A renderer holds
 * what one rendering needs and is reused; one renderer, one thread.
 *
 * Where the reference has a lax and a strict reading: expressions ({{ }}, if, for, assign's right side) are read
 * strictly, so that a typing error is reported; tag arguments tolerate a stray or trailing comma, as shops' templates
 * have. An unknown filter passes its input through, unless `strict`.
 *
 * Autoescape: what {{ }} and {% echo %} print is HTML-escaped unless it is marked safe: captured blocks, and the
 * results of `raw`, `escape`, `escape_once`, `newline_to_br`. append, prepend, default and the strip filters keep the
 * mark.
 *
 * Added filters: money, date with named formats (short, long, day, full, month, weekday), t, plural, greeting, json,
 * raw: see doc/messages.md.
 *
 * Limits (struct liquid_limits): steps, bytes of output, bytes of memory, nesting. A template cannot hang the process.
 * Errors are one line, "NAME:line:column: why"; they name variables, never their values. */
#ifndef RELANCE_OUTBOX_LIQUID_H
#define RELANCE_OUTBOX_LIQUID_H

#include "base/buf.h"
#include "base/err.h"
#include "base/money.h"
#include "base/zone.h"
#include "outbox/liquid_value.h"

enum {
	LIQUID_SOURCE_MAX = 4 << 20,   /* bytes of one template */
	LIQUID_NESTING_MAX = 100,      /* blocks inside blocks, at parse time; brackets and ranges in an expression */
	LIQUID_RENDER_DEPTH_MAX = 200, /* blocks and partials inside each other, at render time */
};

struct liquid_template;

/* Compiles; NULL when the template is invalid. `name` stands in errors. The source is copied. */
struct liquid_template *liquid_parse(const char *name, struct str source, struct err *err) MUST_CHECK;
void liquid_template_free(struct liquid_template *t);

/* Calls `seen` for every variable path a template reads whose root is not assigned by the template itself: "customer",
 * "order.lines[].name" (what a loop walks over has "[]"). Paths computed at render time end where they stop being
 * known. For checking against the list of known variables. */
void liquid_paths(const struct liquid_template *t, void (*seen)(void *ctx, struct str path, int line, int column),
                  void *ctx);
/* Calls `seen` for every partial named by a literal in include and render. */
void liquid_partial_names(const struct liquid_template *t, void (*seen)(void *ctx, struct str name), void *ctx);

/* Where include and render find their templates; NULL with err set when there is none. What it returns must outlive the
 * renderer's call. */
struct liquid_partials {
	const struct liquid_template *(*find)(void *ctx, struct str name, struct err *err);
	void *ctx;
};

enum liquid_locale { LIQUID_NEUTRAL, LIQUID_EN, LIQUID_FR }; /* neutral: exactly the reference's behaviour */

struct liquid_limits {
	uint64_t steps;      /* nodes rendered, items walked, bytes worked on ÷ 256; 0 = 2,000,000 */
	size_t output_bytes; /* 0 = 4 MiB */
	size_t memory_bytes; /* 0 = 64 MiB */
};

struct liquid_options {
	bool autoescape;
	bool strict; /* an undefined variable or filter is an error, but in a bare condition and before `default` */
	enum liquid_locale locale;
	struct currency currency; /* code empty = EUR */
	zone_id zone;             /* of dates without one of their own */
	struct instant now;       /* what 'now' and 'today' mean */
	const struct liquid_partials *partials;
	struct liquid_limits limits;
};

struct liquid;
struct liquid *liquid_new(void);
void liquid_free(struct liquid *r);

/* Appends the rendering of t with `data` to out. False: err says where; out then holds what was rendered so far. */
bool liquid_render(struct liquid *r, const struct liquid_template *t, const struct lobject *data,
                   const struct liquid_options *options, struct buf *out, struct err *err) MUST_CHECK;

/* "fr", "fr-FR" → LIQUID_FR; "en…" → LIQUID_EN; else neutral. */
enum liquid_locale liquid_locale_from(struct str tag);

#endif
