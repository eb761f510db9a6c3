/* hooks: shops that tell us what happens (shop_hooks.c, shop_hook_read.c), and programs that want to be told
 * (hooks_out.c). */
#ifndef RELANCE_WEB_HOOKS_H
#define RELANCE_WEB_HOOKS_H

#include "web/facts.h"

enum { TOLD_MAX = 256, HOOKS_OUT_MAX = 32 };

enum shop_platform { SHOP_SHOPIFY, SHOP_WOOCOMMERCE, SHOP_PRESTASHOP, SHOP_PLATFORM_COUNT };
extern const char *const SHOP_PLATFORMS[SHOP_PLATFORM_COUNT];

/* What one delivery says. */
struct told {
	struct incoming items[TOLD_MAX];
	size_t count;
	struct str email;       /* of the person, lower case; empty: unknown. A person known by it keeps their number */
	struct str person;      /* the reference the items name them by */
	struct str what;        /* the thing it is about, "orders/450789469"; empty: nothing that has versions */
	struct instant updated; /* as of when; s = 0: unknown */
	const char *asks;       /* "access" or "erasure": the platform passes on what the person asked; NULL: nothing */
	bool newsletter_off;    /* PrestaShop: not subscribed now; a withdrawal when they were */
};

struct shop_hook_context {
	enum shop_platform platform;
	struct str source; /* first half of the keys */
	struct currency currency;
	zone_id zone;
	struct arena *a;
	struct db *db; /* prices of articles, for carts that have none */
};

/* Topic as the platform names it ("orders/updated", "order.updated", "order"). False: *why says what is wrong with the
 * body. Nothing in `out`: it is of no use here, and fine. */
bool shop_hook_read(const struct shop_hook_context *c, struct str topic, const json_t *body, struct told *out,
                    char why[160]) MUST_CHECK;

/* ---- hooks_out.c ---- */

/* The thread that looks for what happened and tells it, with a database of its own. */
void hooks_new(struct web *w);
bool hooks_start(struct web *w, struct err *err) MUST_CHECK;
void hooks_stop(struct web *w);
/* HMAC-SHA256 of "AT.BODY", as hexadecimal digits: what X-Relance-Signature holds after "v1=". */
void hooks_sign(struct str secret, int64_t at, struct str body, char out[65]);

/* The first of `count` numbers in a row that nobody had before, kept under `name` among the shop's settings: after the
 * last one given, and after what the query `newest` says. Inside the caller's transaction. */
bool hooks_numbers(struct db *db, const char *name, const char *newest, int64_t count, struct arena *a, int64_t *first,
                   struct err *err) MUST_CHECK;
/* The goals and requests told are those from now on: for the first hook of a shop that had none, and so nobody looked.
 * Inside the caller's transaction. */
bool hooks_begin(struct db *db, struct arena *a, struct err *err) MUST_CHECK;

#endif
