/* zip: a ZIP archive in memory (PKWARE APPNOTE 6.3.10), entries stored as they are, names in UTF-8. Limits:
 * ZIP_ENTRIES_MAX entries, 4 GiB in all; what is beyond fills the buffer's `full`. */
#ifndef RELANCE_APP_ZIP_H
#define RELANCE_APP_ZIP_H

#include "base/buf.h"
#include "base/zone.h"

enum { ZIP_ENTRIES_MAX = 4096 };

struct zip {
	struct buf *out;
	struct buf directory;
	uint32_t count, stamp;
};

/* Writes into `out`, which is empty and outlives the zip; `now`, in the zone, dates the entries. */
void zip_init(struct zip *z, struct buf *out, zone_id zone, struct instant now);
void zip_add(struct zip *z, struct str name, struct str bytes);
void zip_end(struct zip *z); /* writes the directory and releases */

#endif
