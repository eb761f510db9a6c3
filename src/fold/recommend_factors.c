/* A few numbers by item, such that items the same customers buy have like ones: the first REC_FACTORS right singular
 * vectors of customers × items, popular items damped (PureSVD: Cremonesi, Koren, Turrin, RecSys 2010), by subspace
 * iteration. The lists of links end after REC_KEEP items; these speak of every pair. One thread: the same everywhere.
 */
#include "fold/recommend_inner.h"

enum { STEPS = 5, CUSTOMERS_READ = 60000 };

static float dot(const float *a, const float *b)
{
	float sum = 0;
	for (size_t k = 0; k < REC_FACTORS; k++)
		sum += a[k] * b[k];
	return sum;
}

/* out = XᵀX in, with rows of X weighted by item. */
static void multiply(const struct nb_rows *rows, uint32_t step, const float *scale, const float *in, float *out)
{
	for (uint32_t r = 0; r < rows->n; r += step) {
		float sum[REC_FACTORS] = { 0 };
		for (uint64_t q = rows->start[r]; q < rows->start[r + 1]; q++) {
			const float *x = in + (size_t)rows->item[q] * REC_FACTORS, w = scale[rows->item[q]];
			for (size_t k = 0; k < REC_FACTORS; k++)
				sum[k] += w * x[k];
		}
		for (uint64_t q = rows->start[r]; q < rows->start[r + 1]; q++) {
			float *x = out + (size_t)rows->item[q] * REC_FACTORS, w = scale[rows->item[q]];
			for (size_t k = 0; k < REC_FACTORS; k++)
				x[k] += w * sum[k];
		}
	}
}

/* Columns of unit length at right angles: Gram–Schmidt, all earlier columns at once, twice. */
static void orthogonal(float *x, uint32_t items)
{
	for (size_t a = 0; a < REC_FACTORS; a++)
		for (int round = 0; round < 2; round++) {
			double along[REC_FACTORS] = { 0 }, square = 1e-30;
			for (uint32_t i = 0; i < items; i++)
				for (size_t b = 0; b < a; b++)
					along[b] += (double)x[i * (size_t)REC_FACTORS + a] * (double)x[i * (size_t)REC_FACTORS + b];
			for (uint32_t i = 0; i < items; i++) {
				float *row = x + i * (size_t)REC_FACTORS;
				double v = (double)row[a];
				for (size_t b = 0; b < a; b++)
					v -= along[b] * (double)row[b];
				row[a] = (float)v;
				square += v * v;
			}
			for (uint32_t i = 0; i < items; i++)
				x[i * (size_t)REC_FACTORS + a] = (float)((double)x[i * (size_t)REC_FACTORS + a] / sqrt(square));
		}
}

void rec_factors_learn(struct rec_model *m, const struct nb_rows *customers, const double *total)
{
	size_t n = (size_t)m->items * REC_FACTORS;
	uint32_t step = customers->n / CUSTOMERS_READ + 1;
	float *next = mem_alloc((n + 1) * sizeof(*next));
	for (uint32_t i = 0; i < m->items; i++)
		m->factor_scale[i] = (float)pow(total[i] + 5, -0.3);
	for (size_t i = 0; i < n; i++) /* any start that is not at right angles to the answer */
		m->factor[i] = (float)(int32_t)(hash_mix(i + 1, 77) >> 32) * 0x1p-31f;
	for (int k = 0; k < STEPS; k++) {
		memset(next, 0, n * sizeof(*next));
		multiply(customers, step, m->factor_scale, m->factor, next);
		orthogonal(next, m->items);
		memcpy(m->factor, next, n * sizeof(*next));
	}
	for (uint32_t i = 0; i < m->items; i++) {
		const float *x = m->factor + (size_t)i * REC_FACTORS;
		m->factor_length[i] = sqrtf(dot(x, x)) + 1e-6f;
	}
	free(next);
}

static float finish(float *sum)
{
	return sqrtf(dot(sum, sum)) + 1e-6f;
}

void rec_factors_read(const struct rec_model *m, const struct rec_scratch *s, struct rec_taste *t)
{
	*t = (struct rec_taste){ .length = 0 };
	for (size_t i = 0; i < s->own_n && i < REC_OWN_USED; i++) {
		const struct rec_own *o = &s->own[i];
		if (o->quantity <= 0)
			continue;
		const float *x = m->factor + (size_t)o->item * REC_FACTORS, scale = m->factor_scale[o->item];
		for (size_t k = 0; k < REC_FACTORS; k++) {
			t->all[k] += o->weight * scale * x[k];
			t->newest[k] += o->last_day == s->newest ? scale * x[k] : 0;
		}
	}
	t->length = finish(t->all);
	t->newest_length = finish(t->newest);
}

void rec_factors_describe(const struct rec_model *m, const struct rec_taste *t, uint32_t item,
                          float x[REC_FACTOR_FEATURES])
{
	const float *v = m->factor + (size_t)item * REC_FACTORS;
	float all = dot(t->all, v), newest = dot(t->newest, v);
	x[0] = all / m->factor_scale[item];
	x[1] = newest / m->factor_scale[item];
	x[2] = all / (t->length * m->factor_length[item]);
	x[3] = newest / (t->newest_length * m->factor_length[item]);
}
