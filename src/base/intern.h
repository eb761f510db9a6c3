/* intern: strings and 64-bit keys ↔ dense numbers 0, 1, 2 … in order of first sight.
 *
 * Open addressing, one probe sequence, no deletion, but a number may be renamed. Not thread-safe for writing; readers
 * may share one that is not being written. Limit: 2^32 − 2 entries. */
#ifndef RELANCE_BASE_INTERN_H
#define RELANCE_BASE_INTERN_H

#include "base/arena.h"

#define INTERN_NONE UINT32_MAX

struct intern {
	struct arena text;
	struct str *names;
	uint32_t *slots; /* id + 1, 0 = empty */
	uint64_t *hashes;
	size_t count, names_cap, hashes_cap, slot_count;
	size_t left; /* slots of names that are gone: they lead to a number whose name is another */
};

void intern_init(struct intern *t);
void intern_release(struct intern *t);
uint32_t intern_put(struct intern *t, struct str name, bool *is_new); /* is_new may be NULL */
uint32_t intern_find(const struct intern *t, struct str name);        /* INTERN_NONE when absent */
/* The number id is another string's from now on, one that has none yet; the old one is nowhere in memory. */
void intern_rename(struct intern *t, uint32_t id, struct str name);
static inline struct str intern_name(const struct intern *t, uint32_t id)
{
	return t->names[id];
}

struct idmap { /* int64 → dense uint32 */
	int64_t *keys;
	uint32_t *slots;
	size_t count, keys_cap, slot_count;
};

void idmap_init(struct idmap *m);
void idmap_release(struct idmap *m);
uint32_t idmap_put(struct idmap *m, int64_t key, bool *is_new);
uint32_t idmap_find(const struct idmap *m, int64_t key);

#endif
