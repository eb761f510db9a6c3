/* Persons, profiles, consents, events, articles. A profile is one fact per person and a change of it another; consents
 * are kept one by one when they are dated. */
#include "app/import_int.h"

#include "base/hash.h"
#include "model/names.h"
#include "store/erase.h"

#include <ctype.h>
#include <stdlib.h>

static uint8_t *seen_at(uint8_t **seen, size_t *cap, uint32_t id)
{
	if (id >= *cap) {
		size_t was = *cap;
		*seen = mem_grow(*seen, cap, (size_t)id + 1, 1);
		memset(*seen + was, 0, *cap - was);
	}
	return &(*seen)[id];
}

static void count_customer(struct import *m, customer_id c, bool created)
{
	uint8_t *s = seen_at(&m->customer_seen, &m->customer_seen_cap, c);
	m->r->customers += !(*s & SEEN_FILE);
	m->r->new_customers += created;
	*s |= SEEN_FILE | (created ? SEEN_NEW : 0);
}

/* ---- who ---- */

static void lower(struct str s, char out[256])
{
	size_t n = s.n < 255 ? s.n : 255;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)s.p[i]);
	out[n] = 0;
}

static void email_remember(struct import *m, uint64_t hash, customer_id c)
{
	uint32_t slot = idmap_put(&m->emails, (int64_t)hash, NULL);
	m->email_customers = mem_grow(m->email_customers, &m->email_cap, m->emails.count, sizeof *m->email_customers);
	m->email_customers[slot] = c;
}

static bool email_find(struct import *m, uint64_t hash, customer_id *out, struct err *err)
{
	uint32_t slot = idmap_find(&m->emails, (int64_t)hash);
	*out = slot == INTERN_NONE ? 0 : m->email_customers[slot];
	if (slot != INTERN_NONE || m->customers_before == 0)
		return true;
	struct query *q = db_query(m->db, "address_find");
	query_int(q, 1, (int64_t)hash);
	int got = query_next(q, err);
	if (got == 1)
		*out = (customer_id)query_get_int(q, 0);
	query_done(q);
	if (got == 1)
		email_remember(m, hash, *out);
	return got >= 0;
}

static bool put_person(struct import *m, customer_id c, const struct intake_customer *in, struct instant at,
                       struct err *err);

/* A record made from an e-mail alone bears it as its reference; when a number for it comes up, it is that person. */
bool import_who(struct import *m, struct str ref, struct str email, customer_id *out, bool *created, struct err *err)
{
	char mail[256];
	*created = false;
	*out = ref.n ? store_customer_find(m->ids, ref) : 0;
	if (!*out && email.n) {
		lower(email, mail);
		uint64_t hash = store_address_hash(m->shop, str_from(mail));
		if (!email_find(m, hash, out, err))
			return false;
		customer_id erased = store_erased_find(m->ids, hash);
		if (erased && !*out) { /* nothing is written of them any more */
			*out = erased;
			return true;
		}
		if (*out && ref.n && store_customer_find(m->ids, str_from(mail)) != *out)
			*out = 0; /* another number with the same address: another record */
		if (!*out)
			*out = store_customer(m->ids, ref.n ? ref : str_from(mail), created);
		email_remember(m, hash, *out);
	} else if (!*out) {
		*out = store_customer(m->ids, ref, created);
	}
	count_customer(m, *out, *created);
	if (*created && email.n && m->report.kind != INTAKE_CUSTOMERS) {
		struct intake_customer only = {
			.email = email, .born = DATE_UNKNOWN, .created = INSTANT_NEVER, .consent_at = INSTANT_NEVER
		};
		return put_person(m, *out, &only, m->who_at, err);
	}
	return true;
}

/* ---- what is known of a fact of one person ---- */

/* The newest under this key, in the table or in this import. Like store_batch_known_of, but free for people who are
 * new. */
static bool known_of(struct import *m, customer_id c, enum fact_kind kind, struct str key, struct fact *out,
                     bool *found, struct err *err)
{
	bool first;
	idmap_put(&m->facts_seen, (int64_t)hash64(key.p, key.n, (uint64_t)c << 8 | (uint64_t)kind), &first);
	*found = false;
	if (!first)
		return store_batch_known_of(m->batch, c, kind, key, &m->scratch, out, found, err);
	if (c > m->customers_before)
		return true;
	struct query *q = db_query(m->db, "import_known");
	query_int(q, 1, c);
	query_text(q, 2, key);
	query_int(q, 3, kind);
	int got = query_next(q, err);
	if (got == 1 && query_get_int(q, 0) == (int64_t)kind) {
		*found = true;
		*out = (struct fact){ .customer = c,
			                  .kind = kind,
			                  .at = { query_get_int(q, 1) },
			                  .body = arena_str(&m->scratch, query_get_text(q, 2)) };
	}
	query_done(q);
	return got >= 0;
}

/* ---- person and profile ---- */

static struct str *split_list(struct import *m, struct str text, size_t *count)
{
	struct str *out = arena_array(&m->scratch, struct str, BODY_LIST_MAX);
	*count = 0;
	for (size_t from = 0; from <= text.n && *count < BODY_LIST_MAX;) {
		size_t to = from;
		while (to < text.n && text.p[to] != ',' && text.p[to] != ';' && text.p[to] != '|')
			to++;
		struct str one = str_trim((struct str){ text.p + from, to - from });
		if (one.n && one.n < 128)
			out[(*count)++] = arena_str(&m->scratch, one);
		from = to + 1;
	}
	return out;
}

static void profile_lists(struct import *m, const struct intake_customer *in, struct profile_body *p)
{
	if (in->tags.n)
		p->tags = split_list(m, in->tags, &p->tag_count);
	if (in->interests.n)
		p->interests = split_list(m, in->interests, &p->interest_count);
	if (!in->children.n)
		return;
	size_t count;
	struct str *texts = split_list(m, in->children, &count);
	p->children = arena_array(&m->scratch, struct date, count + 1);
	p->child_count = 0;
	for (size_t i = 0; i < count; i++)
		if (date_parse(texts[i], &p->children[p->child_count]))
			p->child_count++;
}

static void profile_words(struct import *m, const struct intake_customer *in, struct profile_body *p)
{
	zone_id zone;
	if (in->zone.n && zone_find(in->zone, &zone))
		p->zone = in->zone;
	else
		m->r->unknown_zones += in->zone.n > 0;
	if (in->locale.n >= 2) {
		char two[2] = { (char)tolower((unsigned char)in->locale.p[0]), (char)tolower((unsigned char)in->locale.p[1]) };
		int locale = locale_find((struct str){ two, 2 });
		p->locale = locale >= 0 ? locale : p->locale;
	}
	if (date_known(in->born))
		p->born = in->born;
	if (in->created.s != INSTANT_NEVER.s)
		p->created = in->created;
	p->company |= in->is_company || in->company.n > 0;
	p->gender = in->gender ? in->gender : p->gender;
	p->postcode = in->postcode.n && in->postcode.n <= 16 ? in->postcode : p->postcode;
	p->store = in->store.n && in->store.n <= 128 ? in->store : p->store;
	p->sector = in->sector.n && in->sector.n <= 128 ? in->sector : p->sector;
}

/* The known profile with what the row says laid over it; what the row leaves empty stays. */
static bool put_profile(struct import *m, customer_id c, const struct intake_customer *in, struct instant at,
                        struct err *err)
{
	struct str key = STR("profile");
	struct profile_body p = { .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
	struct fact known;
	bool found;
	arena_clear(&m->scratch);
	if (!known_of(m, c, FACT_PROFILE, key, &known, &found, err))
		return false;
	if (found && !body_read_profile(known.body, &m->scratch, &p, err))
		return err_context(err, "a stored profile is damaged (relance check says more)");
	profile_words(m, in, &p);
	profile_lists(m, in, &p);
	p.reach |= (in->email.n ? REACH_EMAIL : 0u) | (in->phone.n ? REACH_PHONE : 0u) |
	           (in->address1.n && (in->city.n || in->postcode.n) ? REACH_POST : 0u);
	char mail[256];
	if (in->email.n) {
		lower(in->email, mail);
		p.address = store_address_hash(m->shop, str_from(mail));
	} else if (in->phone.n && !p.address) {
		p.address = store_address_hash(m->shop, in->phone);
	}
	buf_clear(&m->body);
	body_write_profile(&p, &m->body);
	if (found && str_eq(buf_view(&m->body), known.body)) {
		m->r->unchanged++;
		return true;
	}
	struct instant when = !found && p.created.s != INSTANT_NEVER.s && p.created.s < at.s ? p.created : at;
	m->r->corrected += found;
	struct fact f = { .customer = c, .kind = FACT_PROFILE, .key = key, .at = when, .body = buf_view(&m->body) };
	return import_fact(m, &f, err);
}

static bool put_person(struct import *m, customer_id c, const struct intake_customer *in, struct instant at,
                       struct err *err)
{
	struct person p = { .civility = in->civility,
		                .first_name = in->first_name,
		                .last_name = in->last_name,
		                .company = in->company,
		                .email = in->email,
		                .phone = in->phone,
		                .address1 = in->address1,
		                .address2 = in->address2,
		                .postcode = in->postcode,
		                .city = in->city,
		                .country = in->country,
		                .attributes = in->attributes.n && in->attributes.p[0] == '{' ? in->attributes : STR("") };
	struct str *fields[] = { &p.civility, &p.first_name, &p.last_name, &p.company, &p.email,  &p.phone,
		                     &p.address1, &p.address2,   &p.postcode,  &p.city,    &p.country };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!fields[i]->p || fields[i]->n > 1024)
			*fields[i] = STR("");
	bool changed;
	if (!store_batch_person(m->batch, c, &p, &changed, err))
		return false;
	struct intake_customer full = *in;
	struct str *texts[] = { &full.zone,     &full.locale,  &full.store, &full.tags,  &full.interests, &full.children,
		                    &full.postcode, &full.company, &full.email, &full.phone, &full.address1,  &full.city };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!texts[i]->p)
			*texts[i] = STR("");
	return put_profile(m, c, &full, at, err);
}

bool import_customer(void *ctx, const struct intake_customer *in, struct err *err)
{
	struct import *m = ctx;
	customer_id c;
	bool created;
	if (!import_who(m, in->ref, in->email, &c, &created, err) || !put_person(m, c, in, m->o->now, err))
		return false;
	const struct {
		int said, channel;
	} CONSENTS[] = { { in->email_consent, CHANNEL_EMAIL },
		             { in->sms_consent, CHANNEL_SMS },
		             { in->post_consent, CHANNEL_POSTCARD } };
	static const int STATES[] = { CONSENT_WITHDRAWN, CONSENT_GRANTED, CONSENT_SOFT };
	for (size_t i = 0; i < ARRAY_LEN(CONSENTS); i++) {
		if (CONSENTS[i].said < 0)
			continue;
		struct instant at = in->consent_at;
		if (at.s == INSTANT_NEVER.s && CONSENTS[i].said > 0)
			at = in->created; /* the box was ticked when the account was made, unless the file says otherwise */
		if (!import_consent_fact(m, c, CONSENTS[i].channel, PURPOSE_MARKETING, STATES[CONSENTS[i].said], at, STR(""),
		                         STR(""), err))
			return false;
	}
	return true;
}

/* ---- consents ---- */

static const char *file_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* A grant needs a declared origin, which is its proof (SEMANTICS); a withdrawal is honoured whoever brings it. */
bool import_consent_fact(struct import *m, customer_id c, int channel, int purpose, int state, struct instant at,
                         struct str source, struct str wording, struct err *err)
{
	bool grants = state == CONSENT_GRANTED || state == CONSENT_SOFT;
	if (grants && m->o->consent_source.n == 0) {
		m->r->consents_withheld++;
		return true;
	}
	bool dated = at.s != INSTANT_NEVER.s;
	struct str key = dated ? import_key(m, "consent/%s/%s@%lld", channel_name((enum channel)channel),
	                                    purpose_name((enum purpose)purpose), (long long)at.s)
	                       : import_key(m, "consent/%s/%s", channel_name((enum channel)channel),
	                                    purpose_name((enum purpose)purpose));
	struct fact known;
	struct consent_body old, b = { .channel = (enum channel)channel,
		                           .purpose = (enum purpose)purpose,
		                           .state = (enum consent_state)state,
		                           .wording = wording };
	bool found;
	arena_clear(&m->scratch);
	if (!known_of(m, c, FACT_CONSENT, key, &known, &found, err))
		return false;
	if (found && body_read_consent(known.body, &m->scratch, &old, err) && old.state == b.state) {
		m->r->unchanged++;
		return true;
	}
	const char *file = strcmp(m->o->file, "-") == 0 ? "standard input" : file_base(m->o->file);
	struct str said = source.n ? source : STR("");
	b.source = m->o->consent_source.n
	               ? arena_printf(&m->scratch, "%.*s%s%.*s (%s)", STR_ARG(m->o->consent_source), said.n ? "; " : "",
	                              STR_ARG(said), file)
	               : arena_printf(&m->scratch, "%s%.*s (%s)", said.n ? "" : "import", STR_ARG(said), file);
	buf_clear(&m->body);
	body_write_consent(&b, &m->body);
	struct fact f = {
		.customer = c, .kind = FACT_CONSENT, .key = key, .at = dated ? at : m->o->now, .body = buf_view(&m->body)
	};
	m->r->consents++;
	m->r->corrected += found;
	return import_fact(m, &f, err);
}

bool import_consent(void *ctx, const struct intake_consent *in, struct err *err)
{
	struct import *m = ctx;
	customer_id c;
	bool created;
	return import_who(m, in->customer, in->email, &c, &created, err) &&
	       import_consent_fact(m, c, in->channel, in->purpose, in->state, in->at, in->source, in->wording, err);
}

/* A purchase never undoes a refusal: soft opt-in only where nothing was said about marketing by e-mail. */
static bool said_before(struct import *m, customer_id c, bool *yes, struct err *err)
{
	*yes = false;
	if (c > m->customers_before)
		return true;
	struct query *q = db_query(m->db, "import_consents");
	query_int(q, 1, c);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct consent_body b;
		if (!body_read_consent(query_get_text(q, 0), &m->scratch, &b, err)) {
			query_done(q);
			return false;
		}
		*yes |= b.channel == CHANNEL_EMAIL && b.purpose == PURPOSE_MARKETING;
	}
	return got == 0;
}

bool import_people_end(struct import *m, struct err *err)
{
	for (uint32_t i = 0; i < m->soft.count; i++) {
		customer_id c = (customer_id)m->soft.keys[i];
		bool said;
		arena_clear(&m->scratch);
		if (m->soft_at[i] == INT64_MAX || !m->o->consent_source.n)
			continue;
		if (!said_before(m, c, &said, err))
			return false;
		if (!said && !import_consent_fact(m, c, CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_SOFT,
		                                  (struct instant){ m->soft_at[i] }, STR("purchase"), STR(""), err))
			return false;
	}
	return true;
}

/* ---- events ---- */

bool import_event(void *ctx, const struct intake_event *in, struct err *err)
{
	struct import *m = ctx;
	customer_id c;
	bool created, found;
	m->who_at = in->at;
	if (!import_who(m, in->customer, in->email, &c, &created, err))
		return false;
	arena_clear(&m->scratch);
	struct event_body b = { .name = in->name, .value = in->value, .text = in->text };
	buf_clear(&m->body);
	body_write_event(&b, &m->body);
	struct str key = import_key(m, "%.*s@%lld/%016llx", STR_ARG(in->name), (long long)in->at.s,
	                            (unsigned long long)hash_str(buf_view(&m->body)));
	struct fact known, f = { .customer = c, .kind = FACT_EVENT, .key = key, .at = in->at, .body = buf_view(&m->body) };
	if (!known_of(m, c, FACT_EVENT, key, &known, &found, err))
		return false;
	if (found) {
		m->r->unchanged++;
		return true;
	}
	m->r->events++;
	return import_fact(m, &f, err);
}

/* ---- articles ---- */

static bool is_not_product(const struct import *m, struct str sku)
{
	for (size_t i = 0; i < m->o->not_product_count; i++)
		if (str_eq(sku, m->o->not_products[i]))
			return true;
	const struct intake_map *map = m->o->map;
	for (size_t i = 0; map && i < map->not_product_count; i++)
		if (str_eq(sku, map->not_products[i]))
			return true;
	return false;
}

static struct product_row blank_product(struct str sku)
{
	struct product_row p = PRODUCT_UNSAID;
	p.sku = sku;
	return p;
}

static product_id count_product(struct import *m, struct str sku, bool real)
{
	bool created;
	product_id p = store_product(m->ids, sku, &created);
	uint8_t *s = seen_at(&m->product_seen, &m->product_seen_cap, p);
	if (!(*s & SEEN_FILE) && real) {
		m->r->products++;
		m->r->new_products += created;
	}
	*s |= SEEN_FILE | (created ? SEEN_NEW : 0) | (real ? 0 : SEEN_NONE);
	return p;
}

/* The name of a new article is that of its first line, or of its first line that was sold: tills write "damaged" or "?"
 * in the name of a correction of stock. */
bool import_article(struct import *m, struct str sku, struct str name, struct str category, bool sold, product_id *out,
                    struct err *err)
{
	if (sku.n == m->last_sku_n && sku.n && memcmp(sku.p, m->last_sku, sku.n) == 0) {
		*out = m->last_product;
	} else {
		bool real =
			!(sku.p[0] == '_' && (str_is(sku, "_none") || str_is(sku, "_refund") || str_is(sku, "_adjustment")));
		*out = count_product(m, sku, real);
		m->last_product = *out;
		m->last_sku_n = sku.n <= sizeof m->last_sku ? sku.n : 0;
		memcpy(m->last_sku, sku.p, m->last_sku_n);
	}
	uint8_t *s = &m->product_seen[*out];
	if (!(*s & SEEN_NEW) || (*s & SEEN_SOLD) || ((*s & SEEN_NAMED) && (!sold || !name.n)))
		return true;
	struct product_row row = blank_product(sku);
	row.name = name.n <= 1024 ? name : STR("");
	row.category = category.n <= 1024 ? category : STR("");
	row.not_a_product = (*s & SEEN_NONE) || is_not_product(m, sku);
	*s |= SEEN_NAMED | (sold && name.n ? SEEN_SOLD : 0);
	bool changed;
	return store_batch_product(m->batch, &row, &changed, err);
}

bool import_product(void *ctx, const struct intake_product *in, struct err *err)
{
	struct import *m = ctx;
	count_product(m, in->sku, true);
	struct product_row row = { .sku = in->sku,
		                       .name = in->name,
		                       .type = in->type,
		                       .family = in->family,
		                       .category = in->category,
		                       .brand = in->brand,
		                       .replaced_by = in->replaced_by,
		                       .url = in->url,
		                       .image = in->image,
		                       .attributes = in->attributes.n && in->attributes.p[0] == '{' ? in->attributes : STR(""),
		                       .price = in->price,
		                       .cost = in->cost,
		                       .vat_x2 = in->vat_x2,
		                       .stock = in->stock,
		                       .lifetime_days = in->lifetime_days,
		                       .tier = in->tier,
		                       .marks = in->marks,
		                       .not_a_product = in->not_a_product || is_not_product(m, in->sku) };
	struct str *fields[] = { &row.name,  &row.type,        &row.family, &row.category,
		                     &row.brand, &row.replaced_by, &row.url,    &row.image };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i]->n > 2048)
			*fields[i] = STR("");
	bool changed;
	if (!store_batch_product(m->batch, &row, &changed, err))
		return false;
	m->r->unchanged += !changed;
	return true;
}

/* Articles declared as none, known from an earlier import. */
bool import_not_products(struct import *m, struct err *err)
{
	size_t given = m->o->not_product_count, mapped = m->o->map ? m->o->map->not_product_count : 0;
	for (size_t i = 0; i < given + mapped; i++) {
		struct str sku = i < given ? m->o->not_products[i] : m->o->map->not_products[i - given];
		if (!store_product_find(m->ids, sku))
			continue;
		struct product_row row = blank_product(sku);
		row.not_a_product = true;
		bool changed;
		if (!store_batch_product(m->batch, &row, &changed, err))
			return false;
	}
	return true;
}
