/* ids: the maps behind struct store_ids. Private to src/store. */
#ifndef RELANCE_STORE_IDS_H
#define RELANCE_STORE_IDS_H

#include "base/intern.h"
#include "store/store_internal.h"

struct store_ids {
	struct intern customers, products; /* id = number + 1 */
	bool open;                         /* a batch is: ids may be made */
	bool stale;                        /* after a rollback: read again */
};

/* Reads what is newer than the maps; all of it when they are stale. Under the shard's lock. */
bool ids_refresh(struct store_ids *ids, struct db *db, struct err *err) MUST_CHECK;

#endif
