/* What HTTP threads see of the running shop, as the ticker left it after its last turn: plans, settings, thresholds.
 * With a pinned version of the book and the rows of one person that is all the engine needs, so a page about somebody
 * never waits for a turn. A scene is kept until the shop is closed: they change when somebody changes something. */
#include "web/web_int.h"

#include "app/live.h"

#include <stdlib.h>

struct scene {
	struct scene *before;
	struct settings settings;
	struct plan_set plans; /* the plans themselves are the shop's, as long as it is open */
	struct thresholds thresholds;
	const struct plan_words *words;
	uint64_t seed;
	enum reason hold_all;
};

static bool same(const struct scene *s, const struct world *w)
{
	return s->words == w->words && s->hold_all == w->hold_all &&
	       memcmp(&s->settings, w->settings, sizeof s->settings) == 0 &&
	       memcmp(&s->plans, w->plans, sizeof s->plans) == 0 &&
	       memcmp(&s->thresholds, w->thresholds, sizeof s->thresholds) == 0;
}

void scene_show(struct web *w)
{
	const struct world *live = live_world(w->live);
	struct scene *last = w->scene;
	if (last && same(last, live))
		return;
	struct scene *s = mem_alloc(sizeof *s);
	s->before = last;
	memcpy(&s->settings, live->settings, sizeof s->settings);
	memcpy(&s->plans, live->plans, sizeof s->plans);
	memcpy(&s->thresholds, live->thresholds, sizeof s->thresholds);
	s->words = live->words;
	s->seed = live->seed;
	s->hold_all = live->hold_all;
	w->settings = &s->settings;
	w->scene = s;
}

void scene_release(struct web *w)
{
	struct scene *s = w->scene;
	w->scene = NULL;
	w->settings = NULL;
	while (s) {
		struct scene *before = s->before;
		free(s);
		s = before;
	}
}

struct world scene_world(const struct web *w)
{
	const struct scene *s = w->scene;
	return (struct world){ .book = w->book,
		                   .plans = &s->plans,
		                   .settings = &s->settings,
		                   .thresholds = &s->thresholds,
		                   .words = s->words,
		                   .seed = s->seed,
		                   .hold_all = s->hold_all };
}

const struct world *request_world(struct request *r)
{
	const struct version *v = request_book(r);
	if (!v)
		return NULL;
	struct world *w = arena_new(&r->arena, struct world);
	*w = scene_world(r->web);
	w->version = v;
	return w;
}
