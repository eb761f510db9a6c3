/* relance: a shop's recommendations, segments and life cycle, inside your own program; no server.
 *
 *     char error[RELANCE_ERROR_MAX];
 *     relance_shop *shop = relance_open("shop.db", error);
 *     if (!shop)
 *             die(error);
 *     relance_proposal p[3];
 *     int n = relance_recommend(shop, "C0000059", RELANCE_CROSS, NULL, 0, p, 3, error);
 *     for (int i = 0; i < n; i++)
 *             printf("%s  %s\n", p[i].sku, p[i].why);
 *     relance_close(shop);
 *
 * relance_open() reads the whole shop into memory and learns every model: seconds, or tens of seconds for a million
 * customers. What it holds is the shop as it was then; relance_refresh() reads it again, while others go on asking.
 * Answers after that touch neither disk nor network; a recommendation takes well under a millisecond.
 *
 * Threads: every function may be called on one shop from any number of threads at once; relance_close() only when
 * nobody else is inside. Ownership: what a function fills is the caller's and stays valid; nothing needs freeing but
 * the shop. Errors: NULL or −1, and one line of text in `error` (RELANCE_ERROR_MAX bytes; may be NULL) that says what
 * to do. It holds no personal data. Texts are UTF-8, ended by a NUL, and cut at their array's size between two
 * characters. The library never writes to the database and prints nothing. When memory is out the process is aborted.
 *
 * Link with `pkg-config --cflags --libs relance`. */
#ifndef RELANCE_H
#define RELANCE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	RELANCE_ERROR_MAX = 1024,
	RELANCE_PROPOSALS_MAX = 20, /* in one answer */
	RELANCE_BASKET_MAX = 256    /* products of a basket */
};

typedef struct relance_shop relance_shop;

/* address: path of the shop's SQLite file, or postgresql://…; opened read-only. NULL: failed. */
relance_shop *relance_open(const char *address, char *error);
void relance_close(relance_shop *shop); /* NULL is fine */

/* Reads the shop again and replaces what is held, without a pause for other threads. 0, or −1: the old state stays. */
int relance_refresh(relance_shop *shop, char *error);

typedef enum relance_kind {
	RELANCE_CROSS, /* what goes with it, never bought before */
	RELANCE_UP,    /* a better one of the same type; of the basket, else of the newest sale */
	RELANCE_AGAIN, /* due again, or worn out, within 14 days */
	RELANCE_BUNDLE /* a set that sells together */
} relance_kind;

typedef struct relance_proposal {
	char sku[64];
	char name[160];
	char why[512];       /* one sentence with its numbers, in the shop's language */
	char because[64];    /* SKU it rests on, "" none */
	int64_t price_minor; /* minor units of the shop's currency (cents); of the set for a bundle; 0 unknown */
	uint32_t both, of;   /* `both` of `of` customers or baskets; 0 of 0 when the reason is another */
	double score;        /* to compare within one answer */
} relance_proposal;

/* What may be proposed now, best first: at most n (≤ RELANCE_PROPOSALS_MAX) into out. Nothing owned, returned, hidden,
 * out of stock or that is no product. customer: the shop's own reference, NULL: an unknown visitor; basket: SKUs in the
 * cart, unknown ones are passed over. Returns how many (0: nothing is left to propose, or nothing learnt yet), −1:
 * failed (no such customer). */
int relance_recommend(relance_shop *shop, const char *customer, relance_kind kind, const char *const *basket,
                      size_t basket_n, relance_proposal *out, size_t n, char *error);

/* How many customers a condition names now (the language of `relance segment`, doc/expressions.md; conditions on the
 * shop's own saved segments included, on plans and messages not). −1: failed, `error` shows the place. */
int64_t relance_segment_count(relance_shop *shop, const char *condition, char *error);

typedef struct relance_customer {
	const char *phase; /* "prospect", "new", "loyal", "ambassador", "lapsing", "former": a constant, never freed */
	uint32_t orders;
	int32_t last_order;  /* days since 1970-01-01 in the shop's zone, INT32_MIN: none */
	int64_t spend_minor; /* all orders less returns, minor units */
} relance_customer;

/* The life cycle of one customer as of today in the shop's zone. 0, or −1: no such customer. */
int relance_lifecycle(relance_shop *shop, const char *customer, relance_customer *out, char *error);

#ifdef __cplusplus
}
#endif

#endif
