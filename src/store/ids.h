/* ids: the maps behind struct store_ids. Private to src/store. */
#ifndef RELANCE_STORE_IDS_H
#define RELANCE_STORE_IDS_H

#include "base/intern.h"
#include "store/store_internal.h"

/* A set that may say yes in error (one in some hundreds), never no: Bloom, CACM 13 (1970). Each layer is twice the one
 * before, so it grows without being read again. */
enum { SEEN_LAYERS = 24 };

struct seen {
	struct seen_layer {
		uint64_t *bits;
		size_t count, room; /* room: a power of two; 16 bits each */
	} layers[SEEN_LAYERS];
	int count;
};

void seen_release(struct seen *s);
void seen_put(struct seen *s, uint64_t hash);
bool seen_maybe(const struct seen *s, uint64_t hash);

struct store_ids {
	struct intern customers, products; /* id = number + 1 */
	bool open;                         /* a batch is: ids may be made */
	bool stale;                        /* after a rollback: read again */
	bool documents;                    /* `seen` holds every document up to seq documents_seq */
	struct seen seen;
	int64_t documents_seq;
	const struct shop *shop; /* keys the hashes of those who were erased */
	bool erased_known;       /* as of erased_change (store_changes): */
	int64_t erased_change;
	struct idmap erased; /* hash → place in erased_customers */
	customer_id *erased_customers;
	size_t erased_cap;
	struct idmap erased_ids; /* those who were erased: nothing is written of them */
};

/* Reads what is newer than the maps, all of it when they are stale; documents up to seq_hi. Under the shard's lock. */
bool ids_refresh(struct store_ids *ids, struct db *db, int64_t seq_hi, struct err *err) MUST_CHECK;

#endif
