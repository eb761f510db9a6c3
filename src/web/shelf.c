/* Answers about one person as they were made a moment ago. Each thread that answers keeps those it made, ready to be
 * sent with their headers, and gives one again while nothing it was made of is another: the database, the version of
 * the book, the shop's plans and settings, the second. The first look at what has changed empties the shelf: it holds
 * nobody's data longer than their page is true, as far as somebody asks. */
#include "web/web_int.h"

#include "app/clock.h"
#include "base/hash.h"

#include <stdlib.h>

enum { PLACES = 256, ANSWER_MOST = 16 << 10 };

/* What all answers on a shelf were made of. */
struct made_of {
	uint64_t openings, version;
	const struct settings *settings;
	int64_t changes, second;
};

struct kept {
	const struct route *route; /* NULL: an empty place */
	uint32_t what;
	enum locale locale;
	size_t bytes;
	struct MHD_Response *answer;
};

struct shelf {
	struct made_of now;
	size_t count;
	struct kept places[PLACES];
};

static void clear(struct shelf *s)
{
	for (size_t i = 0; s->count && i < PLACES; i++)
		if (s->places[i].route) {
			MHD_destroy_response(s->places[i].answer);
			s->places[i].route = NULL;
			s->count--;
		}
}

void shelf_free(struct shelf *s)
{
	if (s)
		clear(s);
	free(s);
}

static struct kept *place_of(struct shelf *s, const struct request *r, uint32_t what)
{
	return &s->places[hash_mix(what, (uint64_t)(uintptr_t)r->route) % PLACES];
}

static bool look(struct request *r, const struct world *w, struct made_of *out)
{
	struct err err;
	bool told;
	*out = (struct made_of){
		.openings = r->web->openings, .version = w->version->number, .settings = w->settings, .second = clock_now().s
	};
	return db_changes(r->db, &out->changes, &told, &err) && told;
}

static bool same(const struct made_of *a, const struct made_of *b)
{
	return a->openings == b->openings && a->version == b->version && a->settings == b->settings &&
	       a->changes == b->changes && a->second == b->second;
}

bool shelf_has(struct request *r, const struct world *w, uint32_t what)
{
	struct shelf **mine = worker_shelf();
	struct made_of now;
	r->shelved = false;
	if (!what || !look(r, w, &now))
		return false;
	if (!*mine)
		*mine = mem_alloc(sizeof **mine);
	struct shelf *s = *mine;
	if (!same(&s->now, &now)) {
		clear(s);
		s->now = now;
	}
	r->shelved = true;
	struct kept *k = place_of(s, r, what);
	if (k->route != r->route || k->what != what || k->locale != request_locale(r))
		return false;
	r->kept = k->answer;
	r->bytes = k->bytes;
	r->status = 200;
	return true;
}

void shelf_put(struct request *r, uint32_t what)
{
	if (!r->shelved || r->status != 200 || r->header_count || r->out.full || r->out.n > ANSWER_MOST)
		return;
	struct shelf *s = *worker_shelf();
	struct kept *k = place_of(s, r, what);
	size_t bytes = r->out.n;
	struct MHD_Response *answer = request_response(r);
	if (!answer)
		return;
	if (k->route)
		MHD_destroy_response(k->answer);
	s->count += !k->route;
	*k = (struct kept){ r->route, what, request_locale(r), bytes, answer };
	r->kept = answer;
	r->bytes = bytes;
}
