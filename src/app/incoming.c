#include "app/incoming.h"

static bool product_of(struct store_ids *ids, struct store_batch *b, const struct incoming_line *l, product_id *out,
                       struct err *err)
{
	bool created, changed;
	*out = store_product(ids, l->sku, &created);
	if (!created)
		return true;
	struct product_row p = PRODUCT_UNSAID;
	p.sku = l->sku;
	p.name = l->name;
	return store_batch_product(b, &p, &changed, err);
}

static bool take_lines(struct store_ids *ids, struct store_batch *b, const struct incoming *in, struct arena *a,
                       struct line **out, struct err *err)
{
	*out = arena_array(a, struct line, in->line_count + 1);
	for (size_t i = 0; i < in->line_count; i++) {
		(*out)[i] = (struct line){ .quantity = in->lines[i].quantity, .amount = in->lines[i].amount };
		if (!product_of(ids, b, &in->lines[i], &(*out)[i].product, err))
			return false;
	}
	return true;
}

/* dated: the teller said when; else the same content told again, later, is still the same. */
static bool put(struct store_batch *b, struct fact *f, bool dated, struct arena *a, struct facts_result *out,
                struct err *err)
{
	struct fact known;
	bool found, quarantined, document = f->kind == FACT_ORDER || f->kind == FACT_CART;
	if (!(document ? store_batch_known(b, f->kind, f->key, a, &known, &found, err)
	               : store_batch_known_of(b, f->customer, f->kind, f->key, a, &known, &found, err)))
		return false;
	if (found && known.customer == f->customer && (!dated || known.at.s == f->at.s) && str_eq(known.body, f->body)) {
		out->unchanged++;
		return true;
	}
	if (found && known.customer != f->customer) { /* the document is somebody else's now */
		struct fact gone = { .customer = known.customer,
			                 .kind = FACT_RETRACT,
			                 .key = f->key,
			                 .at = f->at,
			                 .learned_at = f->learned_at,
			                 .body = f->kind == FACT_ORDER ? STR("{\"kind\":\"order\"}") : STR("{\"kind\":\"cart\"}") };
		if (!store_batch_fact(b, &gone, &quarantined, err))
			return false;
	}
	if (!store_batch_fact(b, f, &quarantined, err))
		return false;
	out->accepted++;
	out->quarantined += quarantined;
	if (!quarantined)
		out->seq = f->seq;
	return true;
}

/* The known profile, whoever told it, with what was said laid over it: the book takes the newest profile whole. */
static bool lay_profile(const struct shop *shop, struct store_batch *b, const struct incoming *in, customer_id c,
                        struct arena *a, struct buf *body, struct err *err)
{
	struct profile_body p = { .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
	const struct profile_body *said = &in->profile;
	struct fact known;
	bool found, changed;
	if (!store_batch_newest_profile(b, c, a, &known, &found, err) ||
	    (found && !body_read_profile(known.body, a, &p, err)))
		return false;
	p.zone = said->zone.n ? said->zone : p.zone;
	p.store = said->store.n ? said->store : p.store;
	p.sector = said->sector.n ? said->sector : p.sector;
	p.postcode = in->person.postcode.n && in->person.postcode.n <= 16 ? in->person.postcode : p.postcode;
	p.locale = said->locale >= 0 ? said->locale : p.locale;
	p.born = in->forget_born ? DATE_UNKNOWN : date_known(said->born) ? said->born : p.born;
	p.created = said->created.s != INSTANT_NEVER.s ? said->created : p.created;
	p.company |= in->company_said;
	p.gender = said->gender ? said->gender : p.gender;
	if (said->tag_count) {
		p.tags = said->tags;
		p.tag_count = said->tag_count;
	}
	if (said->interest_count || in->forget_interests) {
		p.interests = said->interests;
		p.interest_count = said->interest_count;
	}
	const struct person *who = &in->person;
	p.reach |= (who->email.n ? REACH_EMAIL : 0u) | (who->phone.n ? REACH_PHONE : 0u) |
	           (who->address1.n && (who->city.n || who->postcode.n) ? REACH_POST : 0u);
	if (who->email.n)
		p.address = store_address_hash(shop, who->email);
	else if (who->phone.n && !p.address)
		p.address = store_address_hash(shop, who->phone);
	body_write_profile(&p, body);
	return store_batch_person(b, c, who, &changed, err);
}

static bool write_body(const struct shop *shop, struct store_ids *ids, struct store_batch *b, const struct incoming *in,
                       struct fact *f, struct arena *a, struct buf *body, struct err *err)
{
	switch (in->kind) {
	case IN_ORDER: {
		struct order_body o = in->order;
		o.line_count = in->line_count;
		f->kind = FACT_ORDER;
		if (!take_lines(ids, b, in, a, &o.lines, err))
			return false;
		body_write_order(&o, body);
		return true;
	}
	case IN_CART: {
		struct cart_body o = in->cart;
		o.line_count = in->line_count;
		f->kind = FACT_CART;
		if (!take_lines(ids, b, in, a, &o.lines, err))
			return false;
		body_write_cart(&o, body);
		return true;
	}
	case IN_CONSENT:
		f->kind = FACT_CONSENT;
		body_write_consent(&in->consent, body);
		return true;
	case IN_EVENT:
		f->kind = FACT_EVENT;
		body_write_event(&in->event, body);
		return true;
	case IN_PROFILE: f->kind = FACT_PROFILE; return lay_profile(shop, b, in, f->customer, a, body, err);
	case IN_PRODUCT: break;
	}
	return true;
}

static bool write_theirs(const struct shop *shop, struct store_ids *ids, struct store_batch *b,
                         const struct incoming *in, struct instant now, struct arena *a, struct buf *body,
                         struct facts_result *out, struct err *err)
{
	struct incoming owned = *in;
	struct fact known;
	bool found;
	if (!store_batch_known(b, FACT_ORDER, in->key, a, &known, &found, err))
		return false;
	if (!found)
		return true;
	owned.theirs = false;
	owned.customer = known.customer;
	owned.at = known.at;
	return incoming_write(shop, ids, b, &owned, now, a, body, out, err);
}

bool incoming_write(const struct shop *shop, struct store_ids *ids, struct store_batch *b, const struct incoming *in,
                    struct instant now, struct arena *a, struct buf *body, struct facts_result *out, struct err *err)
{
	bool changed;
	if (in->kind == IN_PRODUCT) {
		store_product(ids, in->product.sku, NULL);
		if (!store_batch_product(b, &in->product, &changed, err))
			return false;
		out->accepted += changed;
		out->unchanged += !changed;
		return true;
	}
	if (in->theirs)
		return write_theirs(shop, ids, b, in, now, a, body, out, err);
	customer_id c = in->customer ? in->customer : in->ref.n ? store_customer(ids, in->ref, NULL) : GUESTS;
	struct fact f = { .customer = c, .key = in->key, .at = in->at.s ? in->at : now, .learned_at = now };
	buf_clear(body);
	if (!write_body(shop, ids, b, in, &f, a, body, err))
		return false;
	f.body = buf_view(body);
	return put(b, &f, in->at.s != 0, a, out, err);
}
