#include "app/peers.h"

#include <stdlib.h>

/* Two rings become one; in one already: nothing. */
static void link_rings(customer_id *ring, customer_id a, customer_id b)
{
	for (customer_id c = ring[a]; c && c != a; c = ring[c])
		if (c == b)
			return;
	customer_id after_a = ring[a] ? ring[a] : a, after_b = ring[b] ? ring[b] : b;
	ring[a] = after_b;
	ring[b] = after_a;
}

customer_id *peers_find(const struct version *v)
{
	customer_id *merged = NULL;
	size_t merged_count = 0, merged_cap = 0;
	struct idmap first;
	idmap_init(&first);
	customer_id *last = NULL, *ring = NULL;
	size_t cap = 0;
	for (customer_id c = 1; c <= v->customers; c++) {
		const struct profile *p = book_profile(v, c);
		uint64_t address = p->address;
		if (p->merged) {
			merged = mem_grow(merged, &merged_cap, merged_count + 1, sizeof *merged);
			merged[merged_count++] = c;
		}
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
	if (merged_count && !ring)
		ring = mem_alloc(((size_t)v->customers + 1) * sizeof *ring);
	for (size_t i = 0; i < merged_count; i++)
		link_rings(ring, merged[i], book_profile(v, merged[i])->merged);
	idmap_release(&first);
	free(last);
	free(merged);
	return ring;
}
