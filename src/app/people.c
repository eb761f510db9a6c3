#include "app/people.h"

#include "app/plans.h"
#include "base/intern.h"
#include "store/segment.h"

#include <stdlib.h>

struct taking {
	struct people *p;
	size_t cap;
};

static bool take_customer(void *ctx, customer_id id, struct str ref, struct err *err)
{
	struct taking *t = ctx;
	(void)err;
	size_t had = t->cap;
	t->p->ref = mem_grow(t->p->ref, &t->cap, (size_t)id + 1, sizeof *t->p->ref);
	if (t->cap > had)
		memset(t->p->ref + had, 0, (t->cap - had) * sizeof *t->p->ref);
	t->p->ref[id] = arena_str(&t->p->text, ref);
	t->p->ids = id;
	t->p->count++;
	return true;
}

static bool take_segment(void *ctx, struct str name, struct str text, struct err *err)
{
	struct people *p = ctx;
	(void)err;
	uint32_t at = intern_put(&p->segment_names, name, NULL);
	p->segment_texts = mem_grow(p->segment_texts, &p->segment_cap, (size_t)at + 1, sizeof *p->segment_texts);
	p->segment_texts[at] = arena_cstr(&p->text, text);
	return true;
}

bool people_load(const struct shop_world *w, struct people *out, struct err *err)
{
	*out = (struct people){ 0 };
	arena_init(&out->text);
	intern_init(&out->segment_names);
	struct taking t = { .p = out };
	bool ok = store_customers(w->db, take_customer, &t, err) && store_segments(w->db, take_segment, out, err);
	if (ok && out->ids > w->customers) /* somebody came while we were reading: not in the book */
		out->ids = w->customers;
	if (!ok)
		people_release(out);
	return ok;
}

void people_release(struct people *p)
{
	free(p->ref);
	free(p->segment_texts);
	intern_release(&p->segment_names);
	arena_release(&p->text);
	*p = (struct people){ 0 };
}

static const char *segment_text(void *user, struct str name)
{
	struct people *p = user;
	if (p->saving_text && str_eq(name, p->saving))
		return p->saving_text;
	uint32_t at = intern_find(&p->segment_names, name);
	return at == INTERN_NONE ? NULL : p->segment_texts[at];
}

void people_context(const struct shop_world *w, struct people *p, const struct live *live, struct expr_context *out)
{
	plans_context(&w->settings, out);
	out->segment = segment_text;
	out->segment_user = p;
	if (!live)
		return;
	const struct plan_set *set = live_plans(live);
	const char **names = arena_array(&p->text, const char *, set->count + 1);
	for (size_t i = 0; i < set->count; i++)
		names[i] = arena_cstr(&p->text, set->plans[i]->name);
	out->plan_names = names;
	out->plan_count = set->count;
	out->plans = live_world(live)->words;
}

struct lifecycle people_lifecycle(const struct shop_world *w, const struct version *v, customer_id c,
                                  const struct thresholds *t)
{
	struct view view;
	struct lifecycle l;
	view_at(&view, v, c, (struct instant){ day_start(w->settings.zone, t->day).s - 1 });
	lifecycle_of(&view, w->settings.zone, t->day, t, &w->settings.lifecycle, &l);
	return l;
}
