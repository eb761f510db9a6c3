/* body: the JSON in `fact.body`, written and read in one canonical form.
 *
 * The store keeps a fact's content as JSON so that both databases and any script can query it; the writers here make it
 * canonical (fixed key order, no spaces, absent keys omitted), so the readers need no general parser and start-up reads
 * millions of them a second. A body that is not canonical is a corrupt database, and is refused as such.
 *
 *   order    {"lines":[[product,quantity,amount],…],"channel":"web","voucher":"CODE","store":"…","seller":"…"}
 *   cart     {"cart":"ID","state":"changed","lines":[…],"url":"https://…"}     state: changed, paid, emptied
 *   consent  {"channel":"email","purpose":"marketing","state":"granted","source":"…","wording":"…"}
 *   profile  {"zone":"Europe/Paris","locale":"fr","created":1291191960,"born":3925,"reach":7,"address":"16 hex digits",
 *             "company":1,"postcode":"59000","store":"…","gender":"f","sector":"…","tags":["…"],"interests":["…"],
 *             "children":[day,…]}
 *   event    {"name":"account_created","value":0,"text":"…"}
 *   receipt  {"receipt":"accepted","plan":"anti-churn","run":1,"step":"winback-1","channel":"email","answer":"…"}
 *   retract  {"kind":"order"}
 *   merge    {"customer":12,"by":"…"}     distinct: the same form
 *   setting, switch, threshold, grant, control: see app/settings.h
 *
 * Dates are days since 1970-01-01, amounts minor units. Limits: BODY_LINES_MAX lines, BODY_MAX bytes. */
#ifndef RELANCE_MODEL_BODY_H
#define RELANCE_MODEL_BODY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/model.h"

enum {
	BODY_LINES_MAX = 100000,
	BODY_MAX = 8 << 20,
	BODY_LIST_MAX = 256,
	BODY_NAME_MAX = 100 /* a store or a seller, at intake */
};

struct order_body {
	struct line *lines;
	size_t line_count;
	enum sale_channel channel;
	struct str voucher;
	struct str store, seller; /* where it was sold, and by whom */
};

struct cart_body {
	struct str cart;
	enum cart_state state;
	struct line *lines;
	size_t line_count;
	struct str url;
};

struct consent_body {
	enum channel channel;
	enum purpose purpose;
	enum consent_state state;
	struct str source, wording;
};

struct profile_body {
	struct str zone;        /* IANA name, empty: the shop's */
	int locale;             /* enum locale, −1: the shop's */
	struct instant created; /* INSTANT_NEVER: unknown */
	struct date born;       /* DATE_UNKNOWN */
	unsigned reach;         /* enum reach, or-ed */
	uint64_t address; /* keyed hash of the e-mail, else the phone; 0: none. Same address, same person for pressure */
	bool company;
	char gender; /* 'f', 'm', 'x' or 0 */
	struct str postcode, store, sector;
	struct str *tags, *interests;
	size_t tag_count, interest_count;
	struct date *children;
	size_t child_count;
};

/* A plan's tag is an event of this name and the tag's, with value 1; 0: taken away. */
#define TAG_EVENT "tag:"

struct event_body {
	struct str name;
	int64_t value;
	struct str text;
};

struct receipt_body {
	enum receipt receipt;
	struct str plan, step;
	int64_t run;
	enum channel channel;
	struct str answer;
};

struct merge_body {
	customer_id customer; /* the record that stays; of DISTINCT: the other one */
	struct str by;        /* who decided */
};

void body_write_order(const struct order_body *b, struct buf *out);
void body_write_cart(const struct cart_body *b, struct buf *out);
void body_write_consent(const struct consent_body *b, struct buf *out);
void body_write_profile(const struct profile_body *b, struct buf *out);
void body_write_event(const struct event_body *b, struct buf *out);
void body_write_receipt(const struct receipt_body *b, struct buf *out);
void body_write_merge(const struct merge_body *b, struct buf *out);

/* Strings of the result point into `body` where they hold no escape, else into the arena; arrays are in the arena. */
bool body_read_order(struct str body, struct arena *a, struct order_body *out, struct err *err) MUST_CHECK;
bool body_read_cart(struct str body, struct arena *a, struct cart_body *out, struct err *err) MUST_CHECK;
bool body_read_consent(struct str body, struct arena *a, struct consent_body *out, struct err *err) MUST_CHECK;
bool body_read_profile(struct str body, struct arena *a, struct profile_body *out, struct err *err) MUST_CHECK;
bool body_read_event(struct str body, struct arena *a, struct event_body *out, struct err *err) MUST_CHECK;
bool body_read_receipt(struct str body, struct arena *a, struct receipt_body *out, struct err *err) MUST_CHECK;
bool body_read_merge(struct str body, struct arena *a, struct merge_body *out, struct err *err) MUST_CHECK;

#endif
