#include "app/peers.h"

#include <stdlib.h>

customer_id *peers_find(const struct version *v)
{
	struct idmap first;
	idmap_init(&first);
	customer_id *last = NULL, *ring = NULL;
	size_t cap = 0;
	for (customer_id c = 1; c <= v->customers; c++) {
		uint64_t address = v->chunks[1 + (c - 1) / BOOK_CHUNK]->profile[(c - 1) % BOOK_CHUNK].address;
		if (!address)
			continue;
		bool fresh;
		uint32_t id = idmap_put(&first, (int64_t)address, &fresh);
		last = mem_grow(last, &cap, id + 1, sizeof *last);
		if (!fresh) {
			if (!ring)
				ring = mem_alloc(((size_t)v->customers + 1) * sizeof *ring);
			customer_id before = last[id];
			ring[c] = ring[before] ? ring[before] : before;
			ring[before] = c;
		}
		last[id] = c;
	}
	idmap_release(&first);
	free(last);
	return ring;
}
