/* reco_shop: what `recommend`, `bundles`, `due`, `rules` and `evaluate` share: a shop loaded for recommendation. */
#ifndef RELANCE_CLI_RECO_SHOP_H
#define RELANCE_CLI_RECO_SHOP_H

#include "app/reco.h"
#include "cli/cli.h"

struct reco_shop {
	struct shop_world world;
	struct reco reco;
	enum rec_language language;
};

struct reco_shop_options {
	const char *at; /* --at: as of the start of this day in the shop's zone; NULL: now */
	int64_t threads;
	bool no_model, no_cross, no_rank, no_basket; /* as in struct reco_options */
};

bool reco_shop_open(struct reco_shop *s, const char *address, const struct reco_shop_options *o,
                    struct err *err) MUST_CHECK;
void reco_shop_close(struct reco_shop *s);

void reco_money(const struct reco_shop *s, struct table *t, int64_t minor);
/* "SKU,SKU" → items; an unknown SKU is an error that names it. */
bool reco_basket(const struct reco_shop *s, const char *text, uint32_t *items, size_t *n, struct err *err) MUST_CHECK;

#endif
