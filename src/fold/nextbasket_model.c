/* The collaborative models of nextbasket: item to item by counts, ridge regression, EASE, neighbours. */
#include "fold/dense.h"
#include "fold/nextbasket_inner.h"

enum { KEEP = 200, DENSE_STEPS = 6 };

/* ---- sparse models ---- */

static void collect_follow(const struct nb_fit *f, struct nb_rows *now, struct nb_rows *next)
{
	const struct nb_data *d = f->d;
	for (uint32_t u = 0; u < d->users; u++) {
		if (!f->use[u])
			continue;
		uint32_t first = d->user_start[u], end = nb_fit_end(f, u);
		if (end - first > NB_BASKETS_USED)
			first = end - NB_BASKETS_USED;
		for (uint32_t b = first; b + 1 < end; b++) {
			for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++)
				nb_rows_add(now, d->item[q], 1);
			nb_rows_end(now);
			for (uint32_t q = d->basket_start[b + 1]; q < d->basket_start[b + 2]; q++)
				nb_rows_add(next, d->item[q], 1);
			nb_rows_end(next);
		}
	}
}

static void collect_users(const struct nb_fit *f, struct nb_rows *users)
{
	struct nb_history h;
	nb_history_init(&h, f->d);
	for (uint32_t u = 0; u < f->d->users; u++) {
		uint32_t end = f->use[u] ? nb_fit_end(f, u) : f->d->user_start[u];
		if (end == f->d->user_start[u])
			continue;
		nb_history_read(&h, f->d, (struct nb_case){ u, end });
		for (size_t i = 0; i < h.own_n; i++)
			nb_rows_add(users, h.own[i].item, 1);
		nb_rows_end(users);
	}
	nb_history_release(&h);
}

static void collect_baskets(const struct nb_fit *f, struct nb_rows *rows)
{
	const struct nb_data *d = f->d;
	for (uint32_t u = 0; u < d->users; u++)
		for (uint32_t b = d->user_start[u]; f->use[u] && b < nb_fit_end(f, u); b++) {
			if (d->basket_start[b + 1] - d->basket_start[b] < 2)
				continue;
			for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++)
				nb_rows_add(rows, d->item[q], 1);
			nb_rows_end(rows);
		}
}

static double *row_totals(const struct nb_rows *r, uint32_t items)
{
	double *total = mem_alloc(((size_t)items + 1) * sizeof(*total));
	for (uint64_t q = 0; r->n && q < r->start[r->n]; q++)
		total[r->item[q]] += r->weight[q];
	return total;
}

static void divide_rows(struct nb_rows *r, const double *by, double prior)
{
	for (uint32_t i = 0; i < r->n; i++)
		for (uint64_t q = r->start[i]; q < r->start[i + 1]; q++)
			r->weight[q] = (float)(r->weight[q] / (by[i] + prior));
}

static void sparse_fit(const struct nb_fit *f, struct nb_model *m)
{
	uint32_t items = f->d->items;
	struct nb_rows now = { 0 }, next = { 0 }, users = { 0 }, baskets = { 0 };
	collect_follow(f, &now, &next);
	double *total = row_totals(&now, items);
	nb_cross(&now, &next, items, KEEP, f->threads, &m->follow);
	divide_rows(&m->follow, total, 5);
	free(total);
	collect_users(f, &users);
	total = row_totals(&users, items);
	nb_cross(&users, &users, items, KEEP, f->threads, &m->together);
	for (uint32_t i = 0; i < items; i++)
		for (uint64_t q = m->together.start[i]; q < m->together.start[i + 1]; q++) {
			uint32_t j = m->together.item[q];
			float w =
				m->together.weight[q] / (float)(pow(total[i] + 1, f->asymmetry) * pow(total[j] + 1, 1 - f->asymmetry));
			m->together.weight[q] = i == j ? 0 : w;
		}
	free(total);
	collect_baskets(f, &baskets);
	total = row_totals(&baskets, items);
	nb_cross(&baskets, &baskets, items, KEEP, f->threads, &m->beside);
	divide_rows(&m->beside, total, 5);
	free(total);
	nb_rows_release(&now);
	nb_rows_release(&next);
	nb_rows_release(&users);
	nb_rows_release(&baskets);
}

void nb_score_follow(const struct nb_model *m, const struct nb_data *d, uint32_t basket, float scale, float *out)
{
	for (uint32_t q = d->basket_start[basket]; q < d->basket_start[basket + 1]; q++) {
		uint32_t i = d->item[q];
		for (uint64_t s = m->follow.start[i]; s < m->follow.start[i + 1]; s++)
			out[m->follow.item[s]] += scale * m->follow.weight[s];
	}
}

void nb_score_together(const struct nb_model *m, const struct nb_history *h, float *out)
{
	for (size_t k = 0; k < h->own_n; k++) {
		uint32_t i = h->own[k].item;
		for (uint64_t s = m->together.start[i]; s < m->together.start[i + 1]; s++)
			out[m->together.item[s]] += h->own[k].decay[2] * m->together.weight[s];
	}
}

void nb_score_beside(const struct nb_model *m, const struct nb_data *d, uint32_t basket, float *out)
{
	for (uint32_t q = d->basket_start[basket]; q < d->basket_start[basket + 1]; q++) {
		uint32_t i = d->item[q];
		for (uint64_t s = m->beside.start[i]; s < m->beside.start[i + 1]; s++)
			if (m->beside.item[s] != i && m->beside.weight[s] > out[m->beside.item[s]])
				out[m->beside.item[s]] = m->beside.weight[s];
	}
}

/* ---- dense models ----
 * Ridge: inputs are three blocks (history decayed by NB_DECAYS[1], last basket, ever bought), outputs the next basket.
 */

enum { RIDGE_INPUTS_MAX = 4096 };

static size_t ridge_inputs(const struct nb_model *m, const struct nb_data *d, struct nb_case c,
                           const struct nb_history *h, uint32_t *column, float *value)
{
	uint32_t width = m->ridge_items;
	size_t n = 0;
	for (size_t i = 0; i < h->own_n && n + 3 <= RIDGE_INPUTS_MAX; i++) {
		uint32_t at = m->ridge_of[h->own[i].item];
		if (at == UINT32_MAX)
			continue;
		column[n] = at;
		value[n++] = h->own[i].decay[1];
		column[n] = 2 * width + at;
		value[n++] = h->own[i].decay[3];
		if (h->own[i].last == 0) {
			column[n] = width + at;
			value[n++] = 1;
		}
	}
	return n;
}

static void choose_columns(const struct nb_fit *f, struct nb_model *m)
{
	uint32_t items = f->d->items;
	m->ridge_items = items < NB_RIDGE_ITEMS ? items : NB_RIDGE_ITEMS;
	m->ridge_of = mem_alloc(((size_t)items + 1) * sizeof(*m->ridge_of));
	m->ridge_item = mem_alloc(((size_t)m->ridge_items + 1) * sizeof(*m->ridge_item));
	memset(m->ridge_of, 0xff, ((size_t)items + 1) * sizeof(*m->ridge_of));
	for (uint32_t i = 0; i < m->ridge_items; i++) {
		m->ridge_item[i] = m->facts.order[i];
		m->ridge_of[m->facts.order[i]] = i;
	}
}

#define DENSE_WORK_MAX 8e9 /* multiplications: some ten seconds */

/* Each step costs the square of what the user had: of many users with long histories every n-th teaches enough. */
static uint32_t ridge_stride(const struct nb_fit *f, const struct nb_model *m)
{
	const struct nb_data *d = f->d;
	double work = 0;
	struct nb_history h;
	nb_history_init(&h, d);
	for (uint32_t u = 0; u < d->users; u++) {
		uint32_t first = d->user_start[u], end = f->use[u] ? nb_fit_end(f, u) : first;
		if (end - first < 2)
			continue;
		nb_history_read(&h, d, (struct nb_case){ u, end });
		double inputs = 0;
		for (size_t i = 0; i < h.own_n; i++)
			inputs += m->ridge_of[h.own[i].item] == UINT32_MAX ? 0 : 2;
		inputs = inputs < RIDGE_INPUTS_MAX ? inputs : RIDGE_INPUTS_MAX;
		work += inputs * inputs * (end - first > DENSE_STEPS ? DENSE_STEPS : end - first - 1);
	}
	nb_history_release(&h);
	return (uint32_t)(work / DENSE_WORK_MAX) + 1;
}

static void ridge_accumulate(const struct nb_fit *f, const struct nb_model *m, float *xx, float *xy)
{
	const struct nb_data *d = f->d;
	size_t inputs = (size_t)m->ridge_items * NB_RIDGE_BLOCKS;
	uint32_t column[RIDGE_INPUTS_MAX];
	float value[RIDGE_INPUTS_MAX];
	struct nb_history h;
	nb_history_init(&h, d);
	uint32_t stride = ridge_stride(f, m), seen = 0;
	for (uint32_t u = 0; u < d->users; u++) {
		if (!f->use[u] || seen++ % stride)
			continue;
		uint32_t first = d->user_start[u], end = nb_fit_end(f, u);
		uint32_t from = end - first > DENSE_STEPS ? end - DENSE_STEPS : first + 1;
		for (uint32_t b = from; b < end; b++) {
			struct nb_case c = { u, b };
			nb_history_read(&h, d, c);
			size_t n = ridge_inputs(m, d, c, &h, column, value);
			for (size_t i = 0; i < n; i++) {
				float *row = xx + (size_t)column[i] * inputs;
				for (size_t j = 0; j < n; j++)
					row[column[j]] += value[i] * value[j];
				row = xy + (size_t)column[i] * m->ridge_items;
				for (uint32_t q = d->basket_start[b]; q < d->basket_start[b + 1]; q++)
					if (m->ridge_of[d->item[q]] != UINT32_MAX)
						row[m->ridge_of[d->item[q]]] += value[i];
			}
		}
	}
	nb_history_release(&h);
}

static void ridge_fit(const struct nb_fit *f, struct nb_model *m)
{
	size_t inputs = (size_t)m->ridge_items * NB_RIDGE_BLOCKS;
	size_t outputs = m->ridge_items;
	float *xx = mem_alloc((inputs * inputs + 1) * sizeof(*xx));
	float *xy = mem_alloc((inputs * outputs + 1) * sizeof(*xy));
	ridge_accumulate(f, m, xx, xy);
	for (size_t i = 0; i < inputs; i++)
		xx[i * inputs + i] += (float)f->ridge_lambda;
	dense_invert(xx, inputs, f->threads);
	m->ridge = mem_alloc((inputs * outputs + 1) * sizeof(*m->ridge));
	dense_product(xx, xy, m->ridge, inputs, inputs, outputs, f->threads);
	free(xy);
	free(xx);
}

static void ease_fit(const struct nb_fit *f, struct nb_model *m)
{
	size_t n = m->ridge_items;
	float *g = mem_alloc((n * n + 1) * sizeof(*g));
	struct nb_rows users = { 0 };
	collect_users(f, &users);
	for (uint32_t u = 0; u < users.n; u++)
		for (uint64_t q = users.start[u]; q < users.start[u + 1]; q++) {
			uint32_t a = m->ridge_of[users.item[q]];
			for (uint64_t s = users.start[u]; a != UINT32_MAX && s < users.start[u + 1]; s++)
				if (m->ridge_of[users.item[s]] != UINT32_MAX)
					g[a * n + m->ridge_of[users.item[s]]]++;
		}
	nb_rows_release(&users);
	for (size_t i = 0; i < n; i++)
		g[i * n + i] += (float)f->ease_lambda;
	dense_invert(g, n, f->threads);
	m->ease = mem_alloc((n * n + 1) * sizeof(*m->ease));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			m->ease[i * n + j] = i == j ? 0 : -g[i * n + j] / g[j * n + j];
	free(g);
}

void nb_dense_fit(const struct nb_fit *f, struct nb_model *m)
{
	free(m->ridge);
	free(m->ease);
	ridge_fit(f, m);
	ease_fit(f, m);
}

void nb_score_ridge(const struct nb_model *m, const struct nb_data *d, struct nb_case c, const struct nb_history *h,
                    float *out)
{
	uint32_t column[RIDGE_INPUTS_MAX];
	float value[RIDGE_INPUTS_MAX], sum[NB_RIDGE_ITEMS] = { 0 };
	size_t n = ridge_inputs(m, d, c, h, column, value);
	for (size_t i = 0; i < n; i++) {
		const float *row = m->ridge + (size_t)column[i] * m->ridge_items;
		for (uint32_t j = 0; j < m->ridge_items; j++)
			sum[j] += value[i] * row[j];
	}
	for (uint32_t j = 0; j < m->ridge_items; j++)
		out[m->ridge_item[j]] += sum[j];
}

void nb_score_ease(const struct nb_model *m, const struct nb_history *h, float *out)
{
	float sum[NB_RIDGE_ITEMS] = { 0 };
	for (size_t i = 0; i < h->own_n; i++) {
		uint32_t at = m->ridge_of[h->own[i].item];
		if (at == UINT32_MAX)
			continue;
		const float *row = m->ease + (size_t)at * m->ridge_items;
		for (uint32_t j = 0; j < m->ridge_items; j++)
			sum[j] += row[j];
	}
	for (uint32_t j = 0; j < m->ridge_items; j++)
		out[m->ridge_item[j]] += sum[j];
}

void nb_model_fit(const struct nb_fit *f, struct nb_model *m)
{
	*m = (struct nb_model){ 0 };
	nb_facts_fit(f, &m->facts);
	sparse_fit(f, m);
	choose_columns(f, m);
	if (f->dense)
		nb_dense_fit(f, m);
}

void nb_model_release(struct nb_model *m)
{
	struct nb_facts *x = &m->facts;
	free(x->popularity);
	free(x->reach);
	free(x->fresh);
	free(x->final);
	free(x->again);
	free(x->again_soon);
	free(x->gap);
	free(x->again_ratio);
	free(x->order);
	nb_rows_release(&m->follow);
	nb_rows_release(&m->together);
	nb_rows_release(&m->beside);
	free(m->ridge);
	free(m->ease);
	free(m->ridge_of);
	free(m->ridge_item);
	*m = (struct nb_model){ 0 };
}

/* ---- neighbours ---- */

static float vector_weight(const struct nb_own *o)
{
	return o->decay[2];
}

/* per_user: the newest steps of each user that join the pool. Thinned evenly beyond NB_POOL_MAX. */
static void pool_cases(struct nb_pool *p, const struct nb_fit *f, uint32_t per_user)
{
	const struct nb_data *d = f->d;
	size_t total = 0, cap = 0;
	for (uint32_t u = 0; u < d->users; u++) {
		uint32_t steps = f->use[u] ? nb_fit_end(f, u) - d->user_start[u] : 0;
		total += steps < 2 ? 0 : steps - 1 < per_user ? steps - 1 : per_user;
	}
	uint32_t keep_of = (uint32_t)(total / NB_POOL_MAX + 1), seen = 0;
	for (uint32_t u = 0; u < d->users; u++) {
		uint32_t end = f->use[u] ? nb_fit_end(f, u) : d->user_start[u];
		for (uint32_t k = 1; k <= per_user && end - d->user_start[u] > k; k++)
			if (seen++ % keep_of == 0) {
				p->cases = mem_grow(p->cases, &cap, p->n + 1u, sizeof(*p->cases));
				p->cases[p->n++] = (struct nb_case){ u, end - k };
			}
	}
}

static void pool_vectors(struct nb_pool *p)
{
	struct nb_history h;
	nb_history_init(&h, p->d);
	for (uint32_t i = 0; i < p->n; i++) {
		nb_history_read(&h, p->d, p->cases[i]);
		double norm = 0;
		for (size_t k = 0; k < h.own_n; k++) {
			double w = vector_weight(&h.own[k]) * p->idf[h.own[k].item];
			norm += w * w;
		}
		for (size_t k = 0; k < h.own_n; k++)
			nb_rows_add(&p->vectors, h.own[k].item,
			            (float)(vector_weight(&h.own[k]) * p->idf[h.own[k].item] / sqrt(norm)));
		nb_rows_end(&p->vectors);
	}
	nb_history_release(&h);
}

static void pool_invert(struct nb_pool *p)
{
	uint32_t items = p->d->items;
	struct nb_rows *v = &p->vectors, *inv = &p->inverted;
	uint64_t total = p->n ? v->start[p->n] : 0;
	inv->n = items;
	inv->start = mem_alloc(((size_t)items + 2) * sizeof(*inv->start));
	inv->item = mem_alloc((total + 1) * sizeof(*inv->item));
	inv->weight = mem_alloc((total + 1) * sizeof(*inv->weight));
	for (uint64_t q = 0; q < total; q++)
		inv->start[v->item[q] + 1]++;
	for (uint32_t i = 0; i < items; i++)
		inv->start[i + 1] += inv->start[i];
	uint64_t *next = mem_alloc(((size_t)items + 1) * sizeof(*next));
	memcpy(next, inv->start, items * sizeof(*next));
	for (uint32_t i = 0; i < p->n; i++)
		for (uint64_t q = v->start[i]; q < v->start[i + 1]; q++) {
			uint64_t at = next[v->item[q]]++;
			inv->item[at] = i;
			inv->weight[at] = v->weight[q];
		}
	free(next);
}

void nb_pool_fit(struct nb_pool *p, const struct nb_fit *f, uint32_t per_user)
{
	*p = (struct nb_pool){ .d = f->d };
	pool_cases(p, f, per_user);
	p->idf = mem_alloc(((size_t)f->d->items + 1) * sizeof(*p->idf));
	for (uint32_t i = 0; i < f->d->items; i++)
		p->idf[i] = 1;
	pool_vectors(p);
	double *count = row_totals(&p->vectors, f->d->items);
	memset(count, 0, f->d->items * sizeof(*count));
	for (uint64_t q = 0; p->n && q < p->vectors.start[p->n]; q++)
		count[p->vectors.item[q]]++;
	for (uint32_t i = 0; i < f->d->items; i++)
		p->idf[i] = (float)sqrt(log(1 + (p->n + 1.0) / (count[i] + 1)));
	free(count);
	nb_rows_release(&p->vectors);
	pool_vectors(p);
	pool_invert(p);
}

void nb_pool_release(struct nb_pool *p)
{
	free(p->cases);
	free(p->idf);
	nb_rows_release(&p->vectors);
	nb_rows_release(&p->inverted);
	*p = (struct nb_pool){ 0 };
}

struct near {
	float dot;
	uint32_t pool;
};

static bool nearer(struct near a, struct near b)
{
	return a.dot != b.dot ? a.dot > b.dot : a.pool < b.pool;
}

/* A heap whose root is the farthest of those kept. */
static void near_sink(struct near *heap, size_t n, size_t i)
{
	for (;;) {
		size_t worst = i, l = 2 * i + 1, r = l + 1;
		if (l < n && nearer(heap[worst], heap[l]))
			worst = l;
		if (r < n && nearer(heap[worst], heap[r]))
			worst = r;
		if (worst == i)
			return;
		struct near t = heap[i];
		heap[i] = heap[worst];
		heap[worst] = t;
		i = worst;
	}
}

static size_t near_keep(struct near *heap, size_t n, struct near candidate)
{
	if (n < NB_NEIGHBOURS) {
		heap[n++] = candidate;
		if (n == NB_NEIGHBOURS)
			for (size_t i = n / 2; i-- > 0;)
				near_sink(heap, n, i);
	} else if (nearer(candidate, heap[0])) {
		heap[0] = candidate;
		near_sink(heap, n, 0);
	}
	return n;
}

static size_t pool_near(const struct nb_pool *p, struct nb_pool_scratch *s, const struct nb_history *h, uint32_t user,
                        struct near *heap)
{
	size_t touched = 0, n = 0;
	double norm = 1e-9;
	for (size_t k = 0; k < h->own_n; k++) {
		double w = vector_weight(&h->own[k]) * p->idf[h->own[k].item];
		norm += w * w;
	}
	for (size_t k = 0; k < h->own_n; k++) {
		uint32_t item = h->own[k].item;
		float w = (float)(vector_weight(&h->own[k]) * p->idf[item] / sqrt(norm));
		uint64_t from = p->inverted.start[item], to = p->inverted.start[item + 1];
		uint64_t step = (to - from) / NB_POSTINGS_MAX + 1; /* very common items: every step-th holder */
		for (uint64_t q = from; q < to; q += step) {
			uint32_t i = p->inverted.item[q];
			if (s->dot[i] == 0)
				s->touched[touched++] = i;
			s->dot[i] += w * p->inverted.weight[q];
		}
	}
	for (size_t i = 0; i < touched; i++) {
		uint32_t c = s->touched[i];
		if (p->cases[c].user != user && s->dot[c] > 0)
			n = near_keep(heap, n, (struct near){ s->dot[c], c });
		s->dot[c] = 0;
	}
	return n;
}

static int by_near(const void *a, const void *b)
{
	const struct near *x = a, *y = b;
	return nearer(*x, *y) ? -1 : 1;
}

void nb_pool_score(const struct nb_pool *p, struct nb_pool_scratch *s, const struct nb_history *h, uint32_t user,
                   float *next, float *past)
{
	struct near heap[NB_NEIGHBOURS];
	size_t n = pool_near(p, s, h, user, heap);
	qsort(heap, n, sizeof(*heap), by_near); /* a fixed order of sums */
	double total = 1e-9;
	for (size_t i = 0; i < n; i++)
		total += heap[i].dot * heap[i].dot;
	for (size_t i = 0; i < n; i++) {
		float w = (float)(heap[i].dot * heap[i].dot / total);
		uint32_t b = p->cases[heap[i].pool].target;
		for (uint32_t q = p->d->basket_start[b]; q < p->d->basket_start[b + 1]; q++)
			next[p->d->item[q]] += w;
		for (uint64_t q = p->vectors.start[heap[i].pool]; q < p->vectors.start[heap[i].pool + 1]; q++)
			past[p->vectors.item[q]] += w * p->vectors.weight[q];
	}
}
