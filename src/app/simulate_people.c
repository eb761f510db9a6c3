/* Method: one stream per person, apart from the one of what they do, so that a second record of somebody can be made
 * without making their history. Names by rank (Zipf-like), towns by inhabitants. */
#include "app/simulate_int.h"

#include <stdio.h>

static bool chance(struct rng *r, enum sim_param p)
{
	return rng_unit(r) < param(p);
}

/* The first of the list are the frequent ones. */
static struct str pick(struct rng *r, const struct sim_names *n)
{
	double u = rng_unit(r);
	return n->list[(uint32_t)(u * (0.35 + 0.65 * u) * n->count)];
}

static struct str pick_evenly(struct rng *r, const struct sim_names *n)
{
	return n->list[rng_below(r, n->count)];
}

static const struct sim_town *pick_town(const struct sim_world *w, struct rng *r)
{
	uint32_t x = rng_below(r, w->towns[w->town_count - 1].upto), low = 0, high = w->town_count - 1;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (w->towns[mid].upto > x)
			high = mid;
		else
			low = mid + 1;
	}
	return &w->towns[low];
}

/* "Éléonore Le Goff" → "eleonore.legoff": ASCII letters of an address. */
static size_t plain(struct str s, char *out, size_t max)
{
	static const struct {
		const char *from;
		char to;
	} MARKS[] = { { "é", 'e' }, { "è", 'e' }, { "ê", 'e' }, { "ë", 'e' }, { "É", 'e' }, { "Ê", 'e' }, { "ï", 'i' },
		          { "î", 'i' }, { "ô", 'o' }, { "ç", 'c' }, { "à", 'a' }, { "â", 'a' }, { "û", 'u' }, { "ü", 'u' } };
	size_t n = 0;
	for (size_t i = 0; i < s.n && n < max; i++) {
		char c = s.p[i];
		if (c >= 'A' && c <= 'Z')
			out[n++] = (char)(c + 32);
		else if (c >= 'a' && c <= 'z')
			out[n++] = c;
		for (size_t m = 0; (unsigned char)c >= 0xc0 && i + 1 < s.n && m < ARRAY_LEN(MARKS); m++)
			if (memcmp(&s.p[i], MARKS[m].from, 2) == 0)
				out[n++] = MARKS[m].to;
	}
	return n;
}

static struct str email_of(struct rng *r, struct str first, struct str last, customer_id id, struct arena *a)
{
	static const char *const DOMAINS[] = { "example.org", "example.net", "example.com" };
	char f[40], l[40];
	size_t fn = plain(first, f, sizeof f), ln = plain(last, l, sizeof l);
	const char *domain = DOMAINS[rng_below(r, ARRAY_LEN(DOMAINS))];
	switch (rng_below(r, 3)) {
	case 0: return arena_printf(a, "%.*s.%.*s%u@%s", (int)fn, f, (int)ln, l, id, domain);
	case 1: return arena_printf(a, "%.1s%.*s.%u@%s", f, (int)ln, l, id, domain);
	default: return arena_printf(a, "%.*s%u@%s", (int)fn, f, id, domain);
	}
}

/* Reserved for works of fiction (ARCEP, decision 2018-0881): too few for everybody, so several people share one. */
static struct str phone_of(struct rng *r, bool company, struct arena *a)
{
	static const char *const FIXED[] = { "01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49" };
	const char *range = rng_unit(r) < (company ? 0.4 : 0.8) ? "06 39 98" : FIXED[rng_below(r, ARRAY_LEN(FIXED))];
	uint32_t n = rng_below(r, 10000);
	return arena_printf(a, "%s %02u %02u", range, n / 100, n % 100);
}

static void private_life(const struct sim_world *w, struct rng *r, struct sim_person *out)
{
	double age = 18.0 + 35.0 * rng_unit(r) + 32.0 * rng_unit(r);
	bool known = chance(r, P_born_share), children = chance(r, P_children_share);
	struct date born = { w->until.day - (int32_t)(age * 365.25) };
	if (known)
		out->born = born;
	if (!children || age < 22)
		return;
	out->child_count = 1 + rng_below(r, 3);
	for (size_t i = 0; i < out->child_count; i++)
		out->children[i].day = w->until.day - (int32_t)(rng_unit(r) * (age < 38 ? age - 20 : 18) * 365.25);
	for (size_t i = 1; i < out->child_count; i++) /* the eldest first */
		for (size_t j = i; j > 0 && out->children[j].day < out->children[j - 1].day; j--) {
			struct date d = out->children[j];
			out->children[j] = out->children[j - 1];
			out->children[j - 1] = d;
		}
}

static void name(const struct sim_world *w, struct rng *r, struct arena *a, struct sim_person *out)
{
	bool woman = chance(r, P_female_share);
	out->company = chance(r, P_company_share);
	out->p.civility = woman ? STR("Mme") : STR("M.");
	out->p.first_name = pick(r, woman ? &w->women : &w->men);
	out->p.last_name = pick(r, &w->last);
	struct str trade = pick_evenly(r, &w->companies);
	if (out->company)
		out->p.company = rng_unit(r) < 0.5 ? arena_printf(a, "%.*s %.*s", STR_ARG(out->p.last_name), STR_ARG(trade))
		                                   : arena_printf(a, "%.*s %.*s", STR_ARG(trade), STR_ARG(out->p.last_name));
	else
		out->gender = woman ? 'f' : 'm';
}

static void person_draw(const struct sim_world *w, customer_id id, struct arena *a, struct sim_person *out)
{
	struct rng r;
	rng_init(&r, hash_mix(w->seed, SIM_PERSON), id);
	*out = (struct sim_person){ .born = DATE_UNKNOWN };
	name(w, &r, a, out);
	const struct sim_town *town = pick_town(w, &r);
	out->email = chance(&r, P_email_share);
	out->phone = chance(&r, P_phone_share) || (out->company && !out->email);
	out->post = chance(&r, P_post_share);
	struct str street = pick(&r, &w->streets);
	uint32_t house = 1 + rng_below(&r, 120), flat = rng_below(&r, 60);
	struct str email = email_of(&r, out->p.first_name, out->p.last_name, id, a);
	struct str phone = phone_of(&r, out->company, a);
	if (out->email)
		out->p.email = email;
	if (out->phone)
		out->p.phone = phone;
	if (out->post) {
		out->p.address1 = arena_printf(a, "%u %.*s", house, STR_ARG(street));
		if (flat < 8)
			out->p.address2 = arena_printf(a, "Appartement %u", flat + 1);
		out->p.city = town->name;
		out->p.country = STR("FR");
	}
	if (out->post || rng_unit(&r) < 0.5)
		out->p.postcode = town->postcode;
	if (!out->company)
		private_life(w, &r, out);
	out->store = w->stores.list[hash_mix(w->seed, hash_str(town->postcode)) % w->stores.count];
	if (out->email && sim_hard_bounce(w->seed, id))
		out->p.attributes = STR("{\"bounces\":\"hard\"}");
	else if (out->email && sim_soft_bounce(w->seed, id))
		out->p.attributes = STR("{\"bounces\":\"soft\"}");
}

/* A second record: same name and addresses, and a birth date every other time only. */
void sim_person(const struct sim_world *w, customer_id id, struct arena *a, struct sim_person *out)
{
	customer_id who = sim_who(w->seed, id);
	person_draw(w, who, a, out);
	if (who != id && sim_draw(w->seed, SIM_TWICE, id, 1) < 0.5)
		out->born = DATE_UNKNOWN;
}
