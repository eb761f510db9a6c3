#include "base/intern.h"

#include "base/hash.h"

#include <stdlib.h>

void intern_init(struct intern *t)
{
	*t = (struct intern){ 0 };
	arena_init(&t->text);
}

void intern_release(struct intern *t)
{
	arena_release(&t->text);
	free(t->names);
	free(t->slots);
	free(t->hashes);
	*t = (struct intern){ 0 };
}

static void intern_rehash(struct intern *t)
{
	t->slot_count = t->slot_count ? t->slot_count * 2 : 64;
	free(t->slots);
	t->slots = mem_alloc(t->slot_count * sizeof *t->slots);
	t->left = 0;
	for (uint32_t id = 0; id < t->count; id++) {
		size_t i = t->hashes[id] & (t->slot_count - 1);
		while (t->slots[i])
			i = (i + 1) & (t->slot_count - 1);
		t->slots[i] = id + 1;
	}
}

static size_t intern_slot(const struct intern *t, struct str name, uint64_t hash)
{
	size_t i = hash & (t->slot_count - 1);
	while (t->slots[i]) {
		uint32_t id = t->slots[i] - 1;
		if (t->hashes[id] == hash && str_eq(t->names[id], name))
			return i;
		i = (i + 1) & (t->slot_count - 1);
	}
	return i;
}

uint32_t intern_find(const struct intern *t, struct str name)
{
	if (t->slot_count == 0)
		return INTERN_NONE;
	uint32_t slot = t->slots[intern_slot(t, name, hash_str(name))];
	return slot ? slot - 1 : INTERN_NONE;
}

uint32_t intern_put(struct intern *t, struct str name, bool *is_new)
{
	if ((t->count + t->left + 1) * 2 > t->slot_count)
		intern_rehash(t);
	uint64_t hash = hash_str(name);
	size_t i = intern_slot(t, name, hash);
	if (is_new)
		*is_new = t->slots[i] == 0;
	if (t->slots[i])
		return t->slots[i] - 1;
	check(t->count < INTERN_NONE - 1);
	t->names = mem_grow(t->names, &t->names_cap, t->count + 1, sizeof *t->names);
	t->hashes = mem_grow(t->hashes, &t->hashes_cap, t->count + 1, sizeof *t->hashes);
	t->names[t->count] = arena_str(&t->text, name);
	t->hashes[t->count] = hash;
	t->slots[i] = (uint32_t)t->count + 1;
	return (uint32_t)t->count++;
}

void intern_rename(struct intern *t, uint32_t id, struct str name)
{
	check(id < t->count && intern_find(t, name) == INTERN_NONE);
	if ((t->count + t->left + 1) * 2 > t->slot_count)
		intern_rehash(t);
	if (t->names[id].n)
		memset((char *)t->names[id].p, 0, t->names[id].n);
	t->names[id] = arena_str(&t->text, name);
	t->hashes[id] = hash_str(name);
	t->slots[intern_slot(t, name, t->hashes[id])] = id + 1;
	t->left++;
}

void idmap_init(struct idmap *m)
{
	*m = (struct idmap){ 0 };
}

void idmap_release(struct idmap *m)
{
	free(m->keys);
	free(m->slots);
	*m = (struct idmap){ 0 };
}

static size_t idmap_slot(const struct idmap *m, int64_t key)
{
	size_t i = hash_mix((uint64_t)key, 1) & (m->slot_count - 1);
	while (m->slots[i] && m->keys[m->slots[i] - 1] != key)
		i = (i + 1) & (m->slot_count - 1);
	return i;
}

uint32_t idmap_find(const struct idmap *m, int64_t key)
{
	if (m->slot_count == 0)
		return INTERN_NONE;
	uint32_t slot = m->slots[idmap_slot(m, key)];
	return slot ? slot - 1 : INTERN_NONE;
}

uint32_t idmap_put(struct idmap *m, int64_t key, bool *is_new)
{
	if ((m->count + 1) * 2 > m->slot_count) {
		m->slot_count = m->slot_count ? m->slot_count * 2 : 64;
		free(m->slots);
		m->slots = mem_alloc(m->slot_count * sizeof *m->slots);
		for (uint32_t id = 0; id < m->count; id++)
			m->slots[idmap_slot(m, m->keys[id])] = id + 1;
	}
	size_t i = idmap_slot(m, key);
	if (is_new)
		*is_new = m->slots[i] == 0;
	if (m->slots[i])
		return m->slots[i] - 1;
	check(m->count < INTERN_NONE - 1);
	m->keys = mem_grow(m->keys, &m->keys_cap, m->count + 1, sizeof *m->keys);
	m->keys[m->count] = key;
	m->slots[i] = (uint32_t)m->count + 1;
	return (uint32_t)m->count++;
}
