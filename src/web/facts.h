/* facts: what happened, told over HTTP, read on an HTTP thread and written by the ticker. The key of a fact is the
 * caller's (source and document, "till:1234"): the same key again takes the place of what was said before, the same
 * content again writes nothing. Limits: FACTS_MAX a request, FACT_LINES_MAX lines a document. */
#ifndef RELANCE_WEB_FACTS_H
#define RELANCE_WEB_FACTS_H

#include "web/web_int.h"

enum { FACTS_MAX = 10000, FACT_LINES_MAX = 2000, FACT_KEY_MAX = 200, FACT_TEXT_MAX = 1024 };

enum incoming_kind { IN_ORDER, IN_CART, IN_CONSENT, IN_PROFILE, IN_EVENT, IN_PRODUCT };

struct incoming_line {
	struct str sku, name;
	int32_t quantity;
	int64_t amount;
};

struct incoming {
	enum incoming_kind kind;
	struct str key, ref;  /* ref empty: a guest, or `customer` */
	customer_id customer; /* known already */
	struct instant at;    /* s = 0: now */
	struct incoming_line *lines;
	size_t line_count;
	union {
		struct order_body order;
		struct cart_body cart;
		struct consent_body consent;
		struct event_body event;
		struct product_row product;
		struct {
			struct person person;
			struct profile_body profile;
			bool company_said;
		};
	};
};

struct facts_result {
	uint64_t accepted, unchanged, quarantined;
	int64_t seq;
};

/* One object. False: *why says what is missing, for a person. Strings in the arena. */
bool incoming_read(const json_t *o, struct incoming *out, struct arena *a, zone_id zone, char why[160]) MUST_CHECK;

/* On the ticker, inside the open batch. */
bool incoming_write(struct web *w, struct store_batch *b, const struct incoming *in, struct instant now,
                    struct arena *a, struct facts_result *out, struct err *err) MUST_CHECK;

/* On the ticker: facts of the program's own pages, and what became of a message, in one transaction. */
struct page_facts {
	struct incoming items[8];
	size_t count;
	const struct message_key *message; /* NULL: none */
	enum receipt receipt;
	struct str answer;
};
bool page_facts_write(struct web *w, const struct page_facts *f, struct arena *a, struct err *err) MUST_CHECK;

#endif
