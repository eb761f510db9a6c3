/* incoming: one thing that happened, as a teller said it (HTTP, a shop's webhook, a page), and how it becomes facts:
 * the customer's and the products' numbers are found or made, a profile is laid over what is known, what is known
 * already writes nothing. Strings belong to whoever filled it in. Amounts in minor units. */
#ifndef RELANCE_APP_INCOMING_H
#define RELANCE_APP_INCOMING_H

#include "store/store.h"

enum { FACT_LINES_MAX = 2000 }; /* of a document */

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
	bool theirs;          /* an order of whoever has it; nothing when nobody does */
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
			bool forget_born, forget_interests; /* they are taken away */
		};
	};
};

struct facts_result {
	uint64_t accepted, unchanged, quarantined;
	int64_t seq;     /* of the newest */
	int64_t arrival; /* not 0: kept under this number, and applied later: nothing else is known yet */
};

/* Inside an open batch that was begun with these ids. now: when it was told. `a` and `body` are used on the way. */
bool incoming_write(const struct shop *shop, struct store_ids *ids, struct store_batch *b, const struct incoming *in,
                    struct instant now, struct arena *a, struct buf *body, struct facts_result *out,
                    struct err *err) MUST_CHECK;

#endif
