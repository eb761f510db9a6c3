/* What the names of products say: the words a customer's products have in common with another product. It knows of
 * series and styles ("RED RETROSPOT …") before anybody has bought two of them. A word counts by how rare it is among
 * the catalogue's names; words of one product only say nothing. */
#include "fold/recommend_inner.h"

enum { LETTERS_MIN = 3, WORDS_LOOKED = 24 }; /* bytes of a word; words of a name */

struct meeting { /* a word in a name */
	uint64_t hash;
	uint32_t item, word;
};

static int by_hash(const void *a, const void *b)
{
	const struct meeting *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash > y->hash ? 1 : -1;
	return (x->item > y->item) - (x->item < y->item);
}

static int by_place(const void *a, const void *b)
{
	const struct meeting *x = a, *y = b;
	if (x->item != y->item)
		return x->item > y->item ? 1 : -1;
	return (x->word > y->word) - (x->word < y->word);
}

/* Letters of any language: what is beyond ASCII counts as one, as it is. */
static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c & 0x80;
}

static size_t read_name(struct str name, uint32_t item, struct meeting *out)
{
	size_t n = 0;
	for (size_t a = 0, z; a < name.n && n < WORDS_LOOKED; a = z) {
		uint64_t hash = 1;
		for (z = a; z < name.n && letter(name.p[z]); z++) {
			char c = name.p[z];
			hash = hash_mix(hash, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
		}
		if (z - a >= LETTERS_MIN)
			out[n++] = (struct meeting){ .hash = hash, .item = item };
		z += z == a;
	}
	return n;
}

/* Numbers the words that two items or more have; `rare` by word. What is left of `all` has each word of an item once.
 */
static size_t number_words(const struct rec_model *m, struct meeting *all, size_t n, float *rare, uint32_t *words)
{
	size_t kept = 0;
	for (size_t a = 0, z; a < n; a = z) {
		uint32_t items = 0;
		for (z = a; z < n && all[z].hash == all[a].hash; z++)
			items += z == a || all[z].item != all[z - 1].item;
		if (items < 2)
			continue;
		rare[*words] = logf((float)(m->items + 1u) / (float)items);
		uint32_t last = REC_NONE;
		for (size_t q = a; q < z; q++) {
			uint32_t item = all[q].item;
			if (item != last)
				all[kept++] = (struct meeting){ .item = item, .word = *words };
			last = item;
		}
		(*words)++;
	}
	return kept;
}

static void lay(struct rec_words *w, uint32_t items, const struct meeting *all, size_t n, const float *rare)
{
	w->start = mem_alloc((items + 2u) * sizeof(*w->start));
	w->word = mem_alloc((n + 1) * sizeof(*w->word));
	w->weight = mem_alloc((n + 1) * sizeof(*w->weight));
	for (size_t q = 0; q < n; q++) {
		w->word[q] = all[q].word;
		w->weight[q] = rare[all[q].word];
		w->start[all[q].item + 1]++;
	}
	for (uint32_t i = 0; i < items; i++) {
		double square = 1e-9;
		w->start[i + 1] += w->start[i];
		for (uint32_t q = w->start[i]; q < w->start[i + 1]; q++)
			square += (double)w->weight[q] * (double)w->weight[q];
		for (uint32_t q = w->start[i]; q < w->start[i + 1]; q++)
			w->weight[q] /= (float)sqrt(square);
	}
}

void rec_words_learn(struct rec_model *m)
{
	const struct str *names = m->d->item_names;
	size_t n = 0, cap = 0;
	struct meeting *all = NULL;
	if (!names)
		return;
	for (uint32_t i = 0; i < m->items; i++) {
		all = mem_grow(all, &cap, n + WORDS_LOOKED, sizeof(*all));
		n += read_name(names[i], i, all + n);
	}
	if (n)
		qsort(all, n, sizeof(*all), by_hash);
	float *rare = mem_alloc((n + 1) * sizeof(*rare));
	n = number_words(m, all, n, rare, &m->words.n);
	if (n)
		qsort(all, n, sizeof(*all), by_place);
	lay(&m->words, m->items, all, n, rare);
	free(rare);
	free(all);
}

void rec_words_read(const struct rec_model *m, struct rec_scratch *s)
{
	const struct rec_words *w = &m->words;
	for (size_t i = 0; i < s->said_n; i++)
		s->said[s->said_word[i]] = 0;
	s->said_n = 0;
	for (size_t i = 0; w->n && i < s->own_n && i < REC_OWN_USED; i++) {
		const struct rec_own *o = &s->own[i];
		for (uint32_t q = w->start[o->item]; o->quantity > 0 && q < w->start[o->item + 1]; q++) {
			uint32_t word = w->word[q];
			float weight = o->weight * w->weight[q];
			if (weight > 0 && s->said[word] == 0)
				s->said_word[s->said_n++] = word;
			s->said[word] += weight;
		}
	}
}

float rec_words_score(const struct rec_model *m, const struct rec_scratch *s, uint32_t item)
{
	const struct rec_words *w = &m->words;
	float sum = 0;
	for (uint32_t q = w->n ? w->start[item] : 0; w->n && q < w->start[item + 1]; q++)
		sum += s->said[w->word[q]] * w->weight[q];
	return sum;
}
