/* What other programs change beside facts: the catalogue and the list of suppressed addresses. Whoever writes them
 * counts it up (store_changed); each look for facts asks for the counts. What becomes known of suppressions while the
 * shop runs is a line of the tick log, so that an audit knows it at the same moment; the catalogue, as at every start,
 * is the one of the database. */
#include "app/live_int.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- suppressions ---- */

static uint8_t bits_of(const struct suppressed *s, uint64_t address)
{
	uint32_t i = s->map.count ? idmap_find(&s->map, (int64_t)address) : INTERN_NONE;
	return i == INTERN_NONE ? 0 : s->bits[i];
}

static uint8_t *bits_at(struct suppressed *s, uint64_t address)
{
	bool is_new;
	uint32_t i = idmap_put(&s->map, (int64_t)address, &is_new);
	s->bits = mem_grow(s->bits, &s->cap, s->map.count, 1);
	if (is_new)
		s->bits[i] = 0;
	return &s->bits[i];
}

void suppressed_release(struct suppressed *s)
{
	idmap_release(&s->map);
	free(s->bits);
	*s = (struct suppressed){ .cap = 0 };
}

static const struct profile *profile_in(const struct version *v, customer_id c)
{
	return c == GUESTS || c > v->customers ? NULL : book_profile(v, c);
}

static const struct profile *profile_of(const struct live *l, customer_id c)
{
	return profile_in(l->world.version, c);
}

static void suppress(struct live *l, customer_id c)
{
	const struct profile *p = profile_of(l, c);
	if (p && p->address && c < l->people)
		l->states[c].suppressed |= bits_of(&l->suppressed, p->address);
}

void live_suppress_anew(struct live *l, const struct version *before, customer_id c)
{
	const struct profile *was = profile_in(before, c), *is = profile_of(l, c);
	if (was && is && was->address != is->address && c < l->people)
		l->states[c].suppressed = 0;
	suppress(l, c);
}

struct reading {
	struct suppressed *into;
	struct instant upto; /* an audit's: what was put later is not there yet */
};

static bool take_suppression(void *ctx, uint64_t hash, enum channel channel, struct str reason, struct instant at,
                             struct err *err)
{
	struct reading *r = ctx;
	(void)reason;
	(void)err;
	if (at.s <= r->upto.s)
		*bits_at(r->into, hash) |= (uint8_t)(1u << channel);
	return true;
}

bool live_load_suppressed(struct live *l, struct err *err)
{
	suppressed_release(&l->suppressed);
	struct reading r = { .into = &l->suppressed, .upto = l->audit ? l->now : INSTANT_NEVER };
	if (!suppressions(l->shop.db, take_suppression, &r, err))
		return false;
	for (customer_id c = 1; c < l->people && l->suppressed.map.count; c++)
		suppress(l, c);
	return true;
}

/* One pass over everybody whatever the number of changes. */
static void apply(struct live *l, const struct suppressed *on, const struct suppressed *off)
{
	for (customer_id c = 1; c < l->people; c++) {
		const struct profile *p = profile_of(l, c);
		if (p && p->address) {
			l->states[c].suppressed |= bits_of(on, p->address);
			l->states[c].suppressed &= (uint8_t)~bits_of(off, p->address);
		}
	}
	const struct suppressed *sides[] = { on, off };
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < sides[side]->map.count; i++) {
			uint8_t *bits = bits_at(&l->suppressed, (uint64_t)sides[side]->map.keys[i]);
			*bits = side ? *bits & (uint8_t)~sides[side]->bits[i] : *bits | sides[side]->bits[i];
		}
}

/* What one list has and the other has not: into `out`, and as text "+hash:bits". */
static void difference(const struct suppressed *of, const struct suppressed *without, char sign, struct suppressed *out,
                       struct buf *text)
{
	for (size_t i = 0; i < of->map.count; i++) {
		uint64_t hash = (uint64_t)of->map.keys[i];
		uint8_t bits = of->bits[i] & (uint8_t)~bits_of(without, hash);
		if (!bits)
			continue;
		*bits_at(out, hash) = bits;
		buf_printf(text, "%s%c%llx:%x", text->n ? " " : "", sign, (unsigned long long)hash, bits);
	}
}

static bool log_suppressed(struct live *l, struct str text, struct err *err)
{
	struct live_slice none = { .turn_count = 0 };
	arena_init(&none.arena);
	bool ok = live_commit(l, &none, &(struct live_round){ .kind = ROUND_SUPPRESSED, .claims = text }, err);
	live_slice_release(&none);
	return ok;
}

static bool read_suppressed(struct live *l, struct err *err)
{
	struct suppressed now = { .cap = 0 }, on = { .cap = 0 }, off = { .cap = 0 };
	struct reading r = { .into = &now, .upto = INSTANT_NEVER };
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	bool ok = suppressions(l->shop.db, take_suppression, &r, err);
	if (ok) {
		difference(&now, &l->suppressed, '+', &on, &text);
		difference(&l->suppressed, &now, '-', &off, &text);
		apply(l, &on, &off);
		if (on.map.count)
			live_recall(l, GUESTS);
	}
	ok = ok && (text.n == 0 || log_suppressed(l, buf_view(&text), err));
	buf_release(&text);
	suppressed_release(&now);
	suppressed_release(&on);
	suppressed_release(&off);
	return ok;
}

bool live_repeat_suppressed(struct live *l, struct str text)
{
	struct suppressed sides[2] = { { .cap = 0 }, { .cap = 0 } };
	bool ok = true;
	while (ok && text.n) {
		const char *space = memchr(text.p, ' ', text.n);
		size_t n = space ? (size_t)(space - text.p) : text.n;
		char one[64], sign;
		unsigned long long hash;
		unsigned bits;
		snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), text.p);
		ok = sscanf(one, "%c%llx:%x", &sign, &hash, &bits) == 3 && (sign == '+' || sign == '-') && bits < 256;
		if (ok)
			*bits_at(&sides[sign == '-'], hash) |= (uint8_t)bits;
		text = space ? (struct str){ space + 1, text.n - n - 1 } : (struct str){ "", 0 };
	}
	if (ok)
		apply(l, &sides[0], &sides[1]);
	suppressed_release(&sides[0]);
	suppressed_release(&sides[1]);
	return ok;
}

/* ---- the catalogue ---- */

/* What triggers and conditions look at of a product that was known before. */
static bool same_for_plans(const struct product *a, const struct product *b)
{
	return a->type == b->type && a->family == b->family && a->category == b->category &&
	       a->lifetime_days == b->lifetime_days && a->replaced_by == b->replaced_by && a->tier == b->tier &&
	       a->not_a_product == b->not_a_product;
}

static bool read_catalogue(struct live *l, struct err *err)
{
	struct book *book = l->shop.book;
	uint32_t had, have;
	const struct product *before = book_products(book, &had); /* ours as long as the version is pinned */
	if (!load_catalogue(l->shop.db, book, err))
		return false;
	const struct product *now = book_products(book, &have);
	bool same = have >= had;
	for (product_id p = 1; same && p < had; p++)
		same = same_for_plans(&before[p], &now[p]);
	book_unpin(book, l->world.version);
	l->world.version = book_pin(book);
	for (customer_id c = 1; !same && c < l->people; c++)
		live_look_at(l, c, (uint32_t)l->now.s);
	return true;
}

bool live_read_others(struct live *l, struct err *err)
{
	int64_t now[STORE_PART_COUNT];
	if (!store_changes(l->shop.db, now, err))
		return false;
	if (now[STORE_CATALOGUE] != l->seen[STORE_CATALOGUE] && !read_catalogue(l, err))
		return false;
	if (now[STORE_SUPPRESSIONS] != l->seen[STORE_SUPPRESSIONS] && !read_suppressed(l, err))
		return false;
	memcpy(l->seen, now, sizeof now);
	return true;
}
