/* Answers of recommend_basket.h. */
#include "fold/recommend_basket.h"

enum { EACH = 25, OF_THE_BLEND = 15, SHRINK = 3, VOTED = 2 };

static struct rec_beside *meet(struct rec_scratch *s, uint32_t item)
{
	struct rec_beside *t = &s->beside[item];
	if (!t->met) {
		t->met = true;
		s->met[s->met_n++] = item;
	}
	return t;
}

static void vote(const struct rec_basket *b, struct rec_scratch *s, uint32_t from)
{
	float held = (float)b->held[from] + SHRINK;
	for (uint64_t q = b->start[from]; q < b->start[from + 1]; q++) {
		const struct rec_pair *p = &b->pairs[q];
		struct rec_beside *t = meet(s, p->item);
		float both = (float)p->both, confidence = both / held;
		float cosine = both / sqrtf(held * ((float)b->held[p->item] + SHRINK));
		if (confidence > t->most) {
			t->most = confidence;
			t->source = from;
			t->both = p->both;
		}
		t->best = cosine > t->best ? cosine : t->best;
		t->sum += confidence;
		t->cosine += cosine;
		t->ease += p->ease;
		t->linked += p->both > 0;
	}
}

static float mixed(const struct rec_beside *t)
{
	return t->most + t->ease + 0.5f * t->cosine;
}

/* One answer being made. */
struct listing {
	const struct rec_model *m;
	struct rec_scratch *s;
	const struct rec_ask *ask;
	struct rec_list *out; /* NULL: no guards */
	struct rec_short *list;
	int64_t budget;
};

/* The guards are asked once an item, and only about those that would come among the best. */
static bool may(struct listing *l, uint32_t item)
{
	struct rec_beside *t = meet(l->s, item);
	if (t->may == REC_NOT_ASKED)
		t->may = !l->s->in_basket[item] && rec_may(l->m, l->s, l->out ? l->ask : NULL, l->budget, item, l->out)
		             ? REC_MAY
		             : REC_MAY_NOT;
	return t->may == REC_MAY;
}

static void list_item(struct listing *l, uint32_t item)
{
	struct rec_beside *t = meet(l->s, item);
	if (l->list->n == REC_SHORT || t->listed)
		return;
	t->listed = true;
	l->list->item[l->list->n++] = item;
}

enum way { MIXED, BLEND_WAY, EASE, MOST, COSINE, WAYS };

static float value_of(const struct rec_scratch *s, uint32_t item, enum way way)
{
	const struct rec_beside *t = &s->beside[item];
	switch (way) {
	case MIXED: return mixed(t);
	case BLEND_WAY: return s->tally[item].score;
	case EASE: return t->ease;
	case MOST: return t->most;
	case COSINE: return t->cosine;
	case WAYS: break;
	}
	return 0;
}

/* The best of `items` one way, as far as the guards let them pass. */
static void list_best(struct listing *l, enum way way, const uint32_t *items, size_t items_n, size_t each)
{
	uint32_t top[EACH];
	float value[EACH];
	size_t n = 0;
	for (size_t i = 0; i < items_n; i++) {
		float v = value_of(l->s, items[i], way);
		if (!(v > 0) || (n == each && v <= value[n - 1]) || !may(l, items[i]))
			continue;
		size_t j = n < each ? n++ : n - 1;
		for (; j > 0 && v > value[j - 1]; j--) {
			top[j] = top[j - 1];
			value[j] = value[j - 1];
		}
		top[j] = items[i];
		value[j] = v;
	}
	for (size_t i = 0; i < n; i++)
		list_item(l, top[i]);
}

/* Places of the features that others are made of, and of those that the weighted sum takes. */
enum feature { SIZE, POPULAR, MOST_X, SUM_X, COSINE_X, BEST_X, EASE_X, LINKED, BLEND, RANKS };

static void describe(const struct rec_model *m, const struct rec_scratch *s, float size, struct rec_short *list)
{
	static const enum feature RANKED[] = { MOST_X, COSINE_X, EASE_X, POPULAR };
	for (size_t i = 0; i < list->n; i++) {
		const struct rec_beside *t = &s->beside[list->item[i]];
		const struct rec_tally *h = &s->tally[list->item[i]];
		float popular = (float)m->basket->held[list->item[i]] / (float)(m->basket->orders + 1);
		const float x[REC_BASKET_FEATURES] = {
			size,
			popular,
			t->most,
			t->sum,
			t->cosine,
			t->best,
			t->ease,
			t->linked,
			h->score,
			0,
			0,
			0,
			0,
			t->sum / size,
			t->linked / size,
			t->most / (popular + 1e-4f),
			t->cosine / size,
			t->ease - popular,
			mixed(t),
			h->part[1],
			h->part[2],
			h->part[3],
			(float)s->orders,
			(float)s->own_n,
		};
		memcpy(list->x + i * REC_BASKET_FEATURES, x, sizeof(x));
	}
	for (size_t k = 0; k < ARRAY_LEN(RANKED); k++) {
		float value[FOREST_ROWS_MAX];
		for (size_t i = 0; i < FOREST_ROWS_MAX; i++)
			value[i] = i < list->n ? list->x[i * REC_BASKET_FEATURES + RANKED[k]] : -INFINITY;
		for (size_t i = 0; i < list->n; i++) {
			int rank = 0;
			for (size_t j = 0; j < FOREST_ROWS_MAX; j++) /* as many as the compiler knows of: sixteen at once */
				rank += value[j] > value[i];
			list->x[i * REC_BASKET_FEATURES + RANKS + k] = (float)rank;
		}
	}
}

void rec_basket_list(const struct rec_model *m, struct rec_scratch *s, const struct rec_ask *ask, struct rec_list *out,
                     struct rec_short *list)
{
	const struct rec_basket *b = m->basket;
	struct listing l = { m, s, ask, out, list, out ? rec_budget(m, s, ask) : -1 };
	uint32_t size = 0;
	list->n = 0;
	s->met_n = 0;
	s->touched_n = 0;
	for (size_t i = 0; i < ask->basket_n && size < REC_BASKET_USED; i++) {
		if (s->in_basket[ask->basket[i]] == VOTED) /* written twice */
			continue;
		s->in_basket[ask->basket[i]] = VOTED;
		vote(b, s, ask->basket[i]);
		size++;
	}
	size_t met = s->met_n;
	rec_vote_all(m, s, ask);
	list_best(&l, MIXED, s->met, met, EACH);
	list_best(&l, BLEND_WAY, s->touched, s->touched_n, OF_THE_BLEND);
	for (enum way way = EASE; way < WAYS; way++)
		list_best(&l, way, s->met, met, EACH);
	for (uint32_t i = 0, taken = 0; i < b->popular_n && taken < EACH && list->n < REC_SHORT; i++)
		if (may(&l, b->popular[i])) {
			list_item(&l, b->popular[i]);
			taken++;
		}
	describe(m, s, (float)size, list);
}

float rec_basket_sum(const float *weights, const float *x, float trees)
{
	static const enum feature PARTS[REC_BASKET_PARTS] = { EASE_X, MOST_X, COSINE_X, SUM_X, POPULAR, BEST_X, BLEND };
	float sum = weights[REC_BASKET_PARTS] * trees;
	for (int i = 0; i < REC_BASKET_PARTS; i++)
		sum += weights[i] * x[PARTS[i]];
	return sum;
}

void rec_basket_order(const struct rec_basket *b, struct rec_short *list)
{
	float trees[REC_SHORT];
	forest_score(b->trees, list->x, list->n, trees);
	for (size_t i = 0; i < list->n; i++) {
		float score = rec_basket_sum(b->weights, list->x + i * REC_BASKET_FEATURES, trees[i]);
		uint32_t item = list->item[i];
		size_t j = i;
		for (; j > 0 && score > list->score[j - 1]; j--) {
			list->item[j] = list->item[j - 1];
			list->score[j] = list->score[j - 1];
		}
		list->item[j] = item;
		list->score[j] = score;
	}
}

void rec_basket_explain(const struct rec_model *m, const struct rec_scratch *s, struct rec_answer *a)
{
	const struct rec_beside *t = &s->beside[a->item];
	bool said = a->why == REC_WHY_BASKET || a->why == REC_WHY_CUSTOMERS;
	if (t->both < 2 || (said && (float)a->both > t->most * (float)a->of))
		return;
	a->why = REC_WHY_BASKET;
	a->because = t->source;
	a->both = t->both;
	a->of = m->basket->held[t->source];
}

void rec_basket_leave(struct rec_scratch *s)
{
	for (size_t i = 0; i < s->met_n; i++)
		s->beside[s->met[i]] = (struct rec_beside){ 0 };
	s->met_n = 0;
}
