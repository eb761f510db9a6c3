#include "outbox/liquid_set.h"

#include "base/intern.h"

#include <stdlib.h>

struct liquid_set {
	struct intern names;
	struct liquid_template **templates; /* by name */
	size_t cap;
	const char *folder;
	struct arena arena;
	bool (*read)(const char *path, struct buf *out, struct err *err);
};

struct liquid_set *liquid_set_new(void)
{
	struct liquid_set *set = mem_alloc(sizeof *set);
	intern_init(&set->names);
	arena_init(&set->arena);
	return set;
}

void liquid_set_free(struct liquid_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->names.count; i++)
		liquid_template_free(set->templates[i]);
	free(set->templates);
	intern_release(&set->names);
	arena_release(&set->arena);
	free(set);
}

bool liquid_set_add(struct liquid_set *set, const char *name, const char *file, struct str source, struct err *err)
{
	struct liquid_template *t = liquid_parse(file, source, err);
	if (!t)
		return false;
	bool is_new;
	uint32_t id = intern_put(&set->names, str_from(name), &is_new);
	set->templates = mem_grow(set->templates, &set->cap, set->names.count, sizeof(struct liquid_template *));
	if (!is_new)
		liquid_template_free(set->templates[id]);
	set->templates[id] = t;
	return true;
}

const struct liquid_template *liquid_set_find(const struct liquid_set *set, struct str name)
{
	uint32_t id = intern_find(&set->names, name);
	return id == INTERN_NONE ? NULL : set->templates[id];
}

void liquid_set_folder(struct liquid_set *set, const char *folder,
                       bool (*read)(const char *path, struct buf *out, struct err *err))
{
	set->folder = arena_cstr(&set->arena, str_from(folder));
	set->read = read;
}

static bool safe_name(struct str name)
{
	if (name.n == 0 || name.n > 200 || name.p[0] == '/' || memchr(name.p, '\0', name.n))
		return false;
	for (size_t i = 0; i + 1 < name.n; i++)
		if (name.p[i] == '.' && name.p[i + 1] == '.')
			return false;
	return true;
}

static bool load(struct liquid_set *set, struct str name, const char *suffix, struct err *err)
{
	struct arena a;
	struct buf source;
	arena_init(&a);
	buf_init(&source, LIQUID_SOURCE_MAX);
	struct str path = arena_printf(&a, "%s/%.*s%s", set->folder, STR_ARG(name), suffix);
	bool ok =
		set->read(path.p, &source, err) && liquid_set_add(set, arena_cstr(&a, name), path.p, buf_view(&source), err);
	buf_release(&source);
	arena_release(&a);
	return ok;
}

static const struct liquid_template *find(void *ctx, struct str name, struct err *err)
{
	static const char *const SUFFIXES[] = { "", ".liquid", ".html.liquid" };
	struct liquid_set *set = ctx;
	const struct liquid_template *t = liquid_set_find(set, name);
	for (size_t i = 0; !t && set->folder && safe_name(name) && i < ARRAY_LEN(SUFFIXES); i++) {
		err->kind = ERR_NONE;
		if (load(set, name, SUFFIXES[i], err))
			t = liquid_set_find(set, name);
		else if (err->kind != ERR_NONE)
			return NULL;
	}
	if (!t)
		err->kind = ERR_NONE;
	return t;
}

struct liquid_partials liquid_set_partials(struct liquid_set *set)
{
	return (struct liquid_partials){ find, set };
}
