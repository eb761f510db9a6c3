/* The shop's own segments for recommendation: the setting recommend.segments, "NAME: CONDITION; NAME: CONDITION". A
 * customer is in the first whose condition is true: accounts by size, sector, maturity and usage, households by taste.
 */
#include "app/reco_int.h"

#include <stdlib.h>

bool reco_segments_read(struct str text, const struct settings *settings, struct arena *a, struct reco_segments *out,
                        struct err *err)
{
	*out = (struct reco_segments){ .count = 0 };
	while (text.n) {
		struct str rule = reco_next_rule(&text);
		if (!rule.n)
			continue;
		const char *colon = memchr(rule.p, ':', rule.n);
		struct str name = str_trim((struct str){ rule.p, colon ? (size_t)(colon - rule.p) : 0 });
		if (!colon || !name.n || name.n > 80)
			return err_set(err, ERR_INPUT,
			               "recommend.segments: \"%.*s\": write NAME: CONDITION, for example: bâtiment: company and "
			               "tag(\"bâtiment\")",
			               STR_ARG(rule));
		if (out->count == REC_SEGMENTS_MAX)
			return err_set(err, ERR_LIMIT, "recommend.segments: more than %d segments", REC_SEGMENTS_MAX);
		struct str condition = { colon + 1, rule.n - (size_t)(colon + 1 - rule.p) };
		const struct expr *e =
			reco_condition("recommend.segments", arena_str(a, str_trim(condition)), settings, a, err);
		if (!e)
			return false;
		out->condition[++out->count] = e;
		out->name[out->count] = arena_str(a, name);
	}
	return true;
}

void reco_segments_ask(struct reco *r, const struct book *book, const struct version *v, struct instant now,
                       int threads)
{
	if (!r->segments.count)
		return;
	reco_segments_place(r);
	uint64_t *bits = mem_alloc(((size_t)v->customers + 64) / 64 * sizeof *bits);
	for (uint32_t g = (uint32_t)r->segments.count; g > 0; g--) { /* the first that holds is written last */
		expr_select(r->segments.condition[g], book, v, NULL, now, &r->thresholds, threads, bits);
		for (uint32_t c = 1; c <= r->people && c <= v->customers; c++)
			if (bits[c >> 6] >> (c & 63) & 1)
				r->segment[c] = (uint8_t)g;
	}
	free(bits);
}

void reco_segments_place(struct reco *r)
{
	if (!r->segments.count)
		return;
	r->segment = mem_alloc(r->data.customers + 1u);
	r->data.segment = r->segment;
	r->data.segments = (uint32_t)r->segments.count;
	r->data.segment_names = r->segments.name;
}

uint8_t reco_segment_of(const struct reco *r, const struct subject *s)
{
	for (uint32_t g = 1; g <= r->segments.count; g++)
		if (expr_test(r->segments.condition[g], s) == TRI_TRUE)
			return (uint8_t)g;
	return 0;
}

void reco_segments_fresh(struct reco *r, uint32_t place, const struct subject *s)
{
	if (r->segment)
		r->segment[place] = reco_segment_of(r, s);
}
