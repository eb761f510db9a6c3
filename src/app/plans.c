#include "app/plans.h"

#include "base/buf.h"
#include "base/embed.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct embedded_file plans_files[];
extern const size_t plans_file_count;

void plans_context(const struct settings *s, struct expr_context *out)
{
	*out = (struct expr_context){ .currency = s->currency,
		                          .lifecycle = s->lifecycle,
		                          .shop_zone = s->zone,
		                          .basis = { .post_opt_in = s->post_opt_in, .soft_opt_in = s->soft_opt_in } };
}

uint16_t plan_set_add(struct plan_set *set, const struct plan *p, bool on, uint32_t on_since)
{
	check(set->count < PLANS_MAX);
	uint16_t at = (uint16_t)set->count++;
	set->plans[at] = p;
	set->on[at] = on;
	set->on_since[at] = set->first_on[at] = on_since;
	set->current[at] = set->family[at] = at;
	for (uint16_t i = 0; i < at; i++)
		if (str_eq(set->plans[i]->name, p->name)) {
			set->family[at] = set->family[i];
			set->current[i] = at;
		}
	return at;
}

const struct plan_words *plan_set_words(const struct plan_set *set, struct arena *a)
{
	struct plan_words *w = arena_new(a, struct plan_words);
	uint64_t *names = arena_array(a, uint64_t, set->count + 1);
	const uint64_t **steps = arena_array(a, const uint64_t *, set->count + 1);
	const uint64_t **tags = arena_array(a, const uint64_t *, set->count + 1);
	const uint8_t **untags = arena_array(a, const uint8_t *, set->count + 1);
	uint8_t *counts = arena_array(a, uint8_t, set->count + 1);
	for (size_t i = 0; i < set->count; i++) {
		const struct plan *p = set->plans[i];
		uint64_t *step = arena_array(a, uint64_t, (size_t)p->step_count + 1);
		for (uint8_t k = 0; k < p->step_count; k++)
			step[k] = hash_str(p->steps[k].name);
		uint64_t *tag = arena_array(a, uint64_t, (size_t)p->step_count + 1);
		uint8_t *untag = arena_array(a, uint8_t, (size_t)p->step_count + 1);
		for (uint8_t k = 0; k < p->step_count; k++) {
			tag[k] = p->steps[k].action == STEP_TAG ? hash_str(p->steps[k].tag) : 0;
			untag[k] = p->steps[k].untags;
		}
		tags[i] = tag;
		untags[i] = untag;
		names[i] = hash_str(p->name);
		steps[i] = step;
		counts[i] = p->step_count;
	}
	*w = (struct plan_words){
		.count = set->count, .plan = names, .step = steps, .step_count = counts, .tag = tags, .untags = untags
	};
	return w;
}

static bool add_text(struct plan_set *set, struct str name, struct str text, const struct expr_context *context,
                     bool on, struct instant since, struct arena *a, struct plan_issues *issues, struct err *err)
{
	const struct plan *p = plan_read(name, text, context, a, issues);
	if (!p)
		return true; /* the issues say why; go on with the next file */
	if (set->count == PLANS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d plans: split the folder", PLANS_MAX);
	for (size_t i = 0; i < set->count; i++)
		if (str_eq(set->plans[i]->name, p->name))
			return err_set(err, ERR_INPUT, "%.*s: plan \"%.*s\" is already in %.*s: names are unique in a folder",
			               STR_ARG(name), STR_ARG(p->name), STR_ARG(set->plans[i]->file));
	plan_set_add(set, p, on, (uint32_t)since.s);
	return true;
}

static bool read_file(const char *path, struct arena *a, struct str *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	char *text = arena_alloc(a, PLAN_FILE_MAX + 2);
	size_t n = 0;
	for (ssize_t got; n <= PLAN_FILE_MAX; n += (size_t)got) {
		got = read(fd, text + n, PLAN_FILE_MAX + 1 - n);
		if (got < 0) {
			err_errno(err, "%s", path);
			close(fd);
			return false;
		}
		if (got == 0)
			break;
	}
	close(fd);
	*out = (struct str){ text, n }; /* a larger file is refused by plan_read */
	return true;
}

static bool is_plan_name(const char *name)
{
	struct str s = str_from(name);
	return name[0] != '.' && (str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml")));
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static bool load_folder(const char *path, struct plan_set *set, const struct expr_context *context,
                        struct instant since, struct arena *a, struct plan_issues *issues, struct err *err)
{
	DIR *dir = opendir(path);
	if (!dir)
		return err_errno(err, "%s", path);
	char **names = NULL;
	size_t count = 0, cap = 0;
	for (struct dirent *e; (e = readdir(dir));)
		if (is_plan_name(e->d_name)) {
			names = mem_grow(names, &cap, count + 1, sizeof *names);
			names[count++] = arena_cstr(a, str_from(e->d_name));
		}
	closedir(dir);
	if (count)
		qsort(names, count, sizeof *names, by_name);
	bool ok = true;
	for (size_t i = 0; i < count && ok; i++) {
		struct str file = arena_printf(a, "%s/%s", path, names[i]), text;
		ok = read_file(file.p, a, &text, err) && add_text(set, file, text, context, true, since, a, issues, err);
	}
	free(names);
	if (ok && count == 0)
		return err_set(err, ERR_INPUT, "%s: no plan there: a plan is a file NAME.yaml", path);
	return ok;
}

bool plans_load(const char *path, const struct settings *s, struct instant since, struct arena *a, struct plan_set *out,
                struct plan_issues *issues, struct err *err)
{
	struct expr_context context;
	plans_context(s, &context);
	*out = (struct plan_set){ .count = 0 };
	*issues = (struct plan_issues){ .count = 0 };
	bool ok = true;
	struct stat st;
	if (!path) {
		for (size_t i = 0; i < plans_file_count && ok; i++)
			ok = add_text(out, str_from(plans_files[i].name),
			              (struct str){ (const char *)plans_files[i].data, plans_files[i].size }, &context, true, since,
			              a, issues, err);
	} else if (stat(path, &st) != 0) {
		return err_errno(err, "%s", path);
	} else if (S_ISDIR(st.st_mode)) {
		ok = load_folder(path, out, &context, since, a, issues, err);
	} else {
		struct str text;
		ok = read_file(path, a, &text, err) &&
		     add_text(out, str_from(path), text, &context, true, since, a, issues, err);
	}
	if (ok && issues->errors) {
		const struct plan_issue *i = &issues->items[0];
		for (size_t k = 0; k < issues->count && i->level != ISSUE_ERROR; k++)
			i = &issues->items[k];
		return err_set(err, ERR_INPUT, "%.*s:%u:%u: %.*s%s", STR_ARG(i->file), i->line, i->column, STR_ARG(i->text),
		               issues->errors > 1 ? " (and more: \"relance plan check\" lists them)" : "");
	}
	return ok;
}
