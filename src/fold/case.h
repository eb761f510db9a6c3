/* case: the business case of a retention effort, before and after, to the euro.
 *
 *   first sales     prospects × transformation rate × basket
 *   becoming loyal  new customers (= prospects × transformation rate) × conversion × yearly value
 *   active base     customers × activity rate × yearly value
 *   extra value     customers × activity rate after × extra yearly value (0 before)
 *
 * Rates are whole millionths, money is minor units: products are taken in 128 bits and rounded once, half away from
 * zero, so nothing is lost between the lines. A gain is the after line minus the before line as shown. Limits: people ≤
 * CASE_PEOPLE_MAX, amounts ≤ CASE_MINOR_MAX, rates 0 … 100 %; refused with ERR_INPUT. */
#ifndef RELANCE_FOLD_CASE_H
#define RELANCE_FOLD_CASE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/money.h"

#define CASE_PEOPLE_MAX INT64_C(10000000000)
#define CASE_MINOR_MAX  INT64_C(100000000000)
enum { CASE_MILLION = 1000000 };

struct case_side {          /* before, or after */
	int64_t transformation; /* millionths of prospects who buy */
	int64_t basket;         /* minor units, first purchase */
	int64_t conversion;     /* millionths of new customers who become loyal */
	int64_t loyal_value;    /* minor units a year */
	int64_t activity;       /* millionths of customers who are active */
	int64_t active_value;   /* minor units a year */
	int64_t extra_value;    /* minor units a year and active customer; before: normally 0 */
};

struct case_input {
	int64_t prospects, customers;
	struct case_side before, after;
	int64_t yearly_cost; /* of the effort, minor units; 0 leaves the return unsaid */
};

extern const struct case_input CASE_REFERENCE;

enum case_line { CASE_FIRST_SALES, CASE_LOYAL, CASE_ACTIVE, CASE_EXTRA, CASE_LINES };

struct case_result {
	struct {
		struct money before, after, gain;
	} line[CASE_LINES], total;
	int64_t new_before, new_after; /* people, rounded */
	int64_t loyal_before, loyal_after;
	int64_t active_before, active_after;
	struct money net; /* gain − yearly cost */
	bool return_known;
	int64_t return_percent; /* gain per 100 of cost, rounded */
};

bool case_compute(const struct case_input *in, struct case_result *out, struct err *err) MUST_CHECK;
const char *case_line_key(enum case_line l); /* "first_sales" */
bool case_line_find(struct str key, enum case_line *out) MUST_CHECK;
const char *case_line_name(enum case_line l, bool french); /* "Premiers achats" */

/* The assumptions by name, as the command line and the HTTP API take them. */
enum case_kind { CASE_KIND_PEOPLE, CASE_KIND_RATE, CASE_KIND_MONEY };
struct case_word {
	const char *name; /* "rate-after" */
	enum case_kind kind;
	const char *help;
	bool after; /* of the side after; a word of the side before sets both unless its "after" is given too */
};
enum { CASE_WORD_COUNT = 16 };
extern const struct case_word CASE_WORDS[CASE_WORD_COUNT]; /* a "before" stands ahead of its "after" */
int64_t case_get(const struct case_input *in, int word);
/* Rates as "1.5%" or "1.5", amounts in major units ("10,50"). The values are to be set in the order of CASE_WORDS. */
bool case_set(struct case_input *in, int word, struct str text, struct currency currency, struct err *err) MUST_CHECK;

/* One sentence a line: "500,000 prospects × 1 % × €50 = €250,000; at 1.5 %: €375,000". */
void case_explain(enum case_line l, const struct case_input *in, const struct case_result *r, struct currency currency,
                  bool french, struct buf *out);

/* "1 250 000 €" in French, "€1,250,000" in English; decimals only when there are any. Shared by reports. */
void case_money(struct buf *out, struct money m, struct currency currency, bool french);

#endif
