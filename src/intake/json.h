/* json: records of a JSON file, one by one, in bounded memory.
 *
 * The file is one array of records, an object that holds such an array (Shopify's {"orders": […]}, or --map's `records`
 * path), one record, or one record a line (NDJSON). A record is held as a small tree and turned into rows by its
 * platform: Shopify's, WooCommerce's and PrestaShop's APIs, or our own form, where every key is a field of field.h and
 * orders and carts have their `lines`. Limits: JSON_RECORD_MAX bytes and JSON_DEPTH_MAX levels a record. */
#ifndef RELANCE_INTAKE_JSON_H
#define RELANCE_INTAKE_JSON_H

#include "intake/emit.h"

enum { JSON_RECORD_MAX = INTAKE_ROW_MAX, JSON_DEPTH_MAX = 64, JSON_NODES_MAX = 200000 };

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json {
	enum json_type type;
	struct str key;  /* in an object */
	struct str text; /* scalars, as written; strings unescaped */
	struct json *first, *last, *next;
};

/* `ahead` is what was already read from the source. */
bool json_run(struct str ahead, intake_read_fn read, void *ctx, struct emitter *e, struct err *err) MUST_CHECK;

/* The member, or the member of a member ("billing.email"); NULL when there is none. */
const struct json *json_get(const struct json *object, const char *path);
struct str json_text(const struct json *object, const char *path); /* empty when absent, null or no scalar */

/* One record → rows through the emitter. group: the key of the array it stood in ("orders"), or empty. */
bool json_record(struct emitter *e, struct str group, const struct json *record, uint64_t row, struct str raw,
                 struct err *err) MUST_CHECK;

#endif
