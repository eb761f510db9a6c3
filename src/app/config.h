/* config: every figure that PRODUCT gives as a default, as a setting of the shop: named, checked, stored, audited.
 *
 * A setting is a SETTING fact of customer 0 (so that a decision can be repeated with the settings of its time) and a
 * row of the shop table for those who only read. `relance set` and the web interface go through config_set(). */
#ifndef RELANCE_APP_CONFIG_H
#define RELANCE_APP_CONFIG_H

#include "engine/settings.h"
#include "store/store.h"

enum config_kind {
	CONFIG_TEXT,
	CONFIG_NUMBER,
	CONFIG_YES_NO,
	CONFIG_PRESSURE,
	CONFIG_HOUR,
	CONFIG_PERCENT,
	CONFIG_COST,
	CONFIG_URL,      /* http:// or https:// */
	CONFIG_THROTTLE, /* channel/throttle.h */
	CONFIG_WARMUP,
	CONFIG_ORIGINS,
};

struct config_item {
	const char *name; /* "pressure.email" */
	enum config_kind kind;
	const char *example; /* what a value looks like */
	const char *help;
};
extern const struct config_item CONFIG_ITEMS[];
extern const size_t CONFIG_ITEM_COUNT;

const struct config_item *config_find(struct str name); /* NULL: none */

/* Puts a value into the settings; false: err says what was expected. Text settings change nothing there. */
bool config_apply(struct settings *s, struct str name, struct str value, struct err *err) MUST_CHECK;

/* Stores it, inside a transaction of its own: fact, shop row, audit line. */
bool config_set(struct db *db, const struct shop *shop, struct str name, struct str value, struct instant now,
                const char *actor, struct err *err) MUST_CHECK;

/* The defaults with what the shop has set. */
bool config_read(struct db *db, const struct shop *shop, struct settings *out, struct err *err) MUST_CHECK;

/* The value in force as text: the stored one, else the default. */
bool config_text(struct db *db, const struct settings *s, const struct config_item *item, struct arena *a,
                 struct str *out, struct err *err) MUST_CHECK;

#endif
