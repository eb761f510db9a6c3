/* Customers, products, consents, events. */
#include "intake/emit.h"

#include "model/names.h"

static struct str text_of(const struct record *r, enum field f)
{
	return str_trim(r->f[f]);
}

static char gender_of(struct str s)
{
	char w[FIELD_HEADER_MAX];
	field_normalise(s, w);
	if (!strcmp(w, "f") || !strcmp(w, "female") || !strcmp(w, "femme") || !strcmp(w, "2") || !strcmp(w, "feminin") ||
	    !strcmp(w, "w"))
		return 'f';
	if (!strcmp(w, "m") || !strcmp(w, "male") || !strcmp(w, "homme") || !strcmp(w, "1") || !strcmp(w, "h") ||
	    !strcmp(w, "masculin"))
		return 'm';
	return w[0] == 'x' && !w[1] ? 'x' : 0;
}

static bool born_of(struct emitter *e, const struct record *r, struct date *out, struct trouble *t)
{
	*out = DATE_UNKNOWN;
	struct str s = text_of(r, FIELD_BORN);
	if (take_blank(s) || str_starts(s, STR("0000")))
		return true;
	enum when_result got = when_day(&e->when, s, out);
	if (got != WHEN_OK)
		*t = (struct trouble){ .field = FIELD_BORN, .why = when_problem(got) };
	return got == WHEN_OK;
}

/* A date that may be missing; "0000-00-00 00:00:00" is how MySQL writes that. */
static bool optional_instant(struct emitter *e, const struct record *r, enum field f, struct instant *out,
                             struct trouble *t, struct err *err)
{
	*out = INSTANT_NEVER;
	if (take_blank(r->f[f]) || str_starts(text_of(r, f), STR("0000")))
		return true;
	return take_instant(e, r, f, out, t, err);
}

/* "Anne Le Goff" → Anne, Le Goff; one word is the last name. */
static void split_name(struct intake_customer *c, struct str full)
{
	const char *gap = full.n ? memchr(full.p, ' ', full.n) : NULL;
	if (!gap) {
		c->last_name = full;
		return;
	}
	c->first_name = (struct str){ full.p, (size_t)(gap - full.p) };
	c->last_name = str_trim((struct str){ gap + 1, full.n - c->first_name.n - 1 });
}

static bool customer_fill(struct emitter *e, const struct record *r, struct intake_customer *c, struct trouble *t,
                          struct err *err)
{
	if (!take_email(r, &c->email, t) || !born_of(e, r, &c->born, t) ||
	    !optional_instant(e, r, FIELD_CREATED, &c->created, t, err) ||
	    !optional_instant(e, r, FIELD_CONSENT_DATE, &c->consent_at, t, err))
		return false;
	c->ref = take_blank(r->f[FIELD_CUSTOMER]) ? (struct str){ "", 0 } : take_ref(r->f[FIELD_CUSTOMER]);
	if (c->ref.n == 0 && c->email.n == 0) {
		bool mail_only = e->layout && e->layout->column_of[FIELD_CUSTOMER] < 0;
		*t = (struct trouble){ .field = mail_only ? FIELD_EMAIL : FIELD_CUSTOMER,
			                   .why = "is empty: no number and no e-mail address" };
		return false;
	}
	if (c->ref.n > 254) {
		*t = (struct trouble){ .field = FIELD_CUSTOMER, .why = "is too long (254 bytes)" };
		return false;
	}
	return true;
}

bool emit_customer(struct emitter *e, struct record *r, struct err *err)
{
	struct trouble t = { .field = FIELD_COUNT, .why = "cannot be read" };
	struct intake_customer c = { .row = r->row };
	if (!customer_fill(e, r, &c, &t, err))
		return t.stop ? false : emit_reject(e, r, t.field, t.why, err);
	c.first_name = text_of(r, FIELD_FIRST_NAME);
	c.last_name = text_of(r, FIELD_LAST_NAME);
	if (!c.first_name.n && !c.last_name.n)
		split_name(&c, text_of(r, FIELD_FULL_NAME));
	const struct {
		struct str *to;
		enum field from;
	} TEXTS[] = { { &c.civility, FIELD_CIVILITY }, { &c.company, FIELD_COMPANY },
		          { &c.phone, FIELD_PHONE },       { &c.address1, FIELD_ADDRESS1 },
		          { &c.address2, FIELD_ADDRESS2 }, { &c.postcode, FIELD_POSTCODE },
		          { &c.city, FIELD_CITY },         { &c.country, FIELD_COUNTRY },
		          { &c.zone, FIELD_ZONE },         { &c.locale, FIELD_LOCALE },
		          { &c.store, FIELD_STORE },       { &c.sector, FIELD_SECTOR },
		          { &c.tags, FIELD_TAGS },         { &c.interests, FIELD_INTERESTS },
		          { &c.children, FIELD_CHILDREN }, { &c.attributes, FIELD_ATTRIBUTES } };
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
		*TEXTS[i].to = text_of(r, TEXTS[i].from);
	if (c.postcode.n && c.postcode.p[0] == '\'')
		c.postcode = (struct str){ c.postcode.p + 1, c.postcode.n - 1 }; /* how spreadsheets keep leading zeros */
	if (c.phone.n && c.phone.p[0] == '\'')
		c.phone = (struct str){ c.phone.p + 1, c.phone.n - 1 };
	c.gender = gender_of(text_of(r, FIELD_GENDER));
	c.is_company = take_yes_no(r->f[FIELD_IS_COMPANY]) == 1;
	c.email_consent = take_yes_no(r->f[FIELD_EMAIL_CONSENT]);
	c.sms_consent = take_yes_no(r->f[FIELD_SMS_CONSENT]);
	c.post_consent = take_yes_no(r->f[FIELD_POST_CONSENT]);
	e->report->accepted++;
	return e->sink->customer(e->sink->ctx, &c, err);
}

/* ---- products ---- */

static bool optional_money(const struct emitter *e, const struct record *r, enum field f, int64_t *out,
                           struct trouble *t)
{
	struct money m;
	*out = -1;
	if (take_blank(r->f[f]))
		return true;
	if (!take_money(e, r, f, &m, t))
		return false;
	if (m.minor < 0)
		*t = (struct trouble){ .field = f, .why = "is negative" };
	else
		*out = m.minor;
	return m.minor >= 0;
}

static bool optional_whole(const struct emitter *e, const struct record *r, enum field f, int times, int32_t *out,
                           struct trouble *t)
{
	struct decimal d;
	int64_t v;
	*out = -1;
	if (take_blank(r->f[f]))
		return true;
	if (!number_parse(r->f[f], e->decimal, &d) || !number_scaled(d, times, 0, &v) || v > INT32_MAX || v < INT32_MIN) {
		*t = (struct trouble){ .field = f, .why = "is not a number" };
		return false;
	}
	*out = v < 0 ? 0 : (int32_t)v; /* tills write a stock below zero when counting is behind */
	return true;
}

/* "11,12", "11 12" or "11-2" (November to February) as bits, bit 0 = January. False: none of these. */
static bool months_of(struct str s, unsigned *bits)
{
	unsigned from = 0;
	*bits = 0;
	for (size_t i = 0; i < s.n;) {
		unsigned month = 0;
		size_t digits = 0;
		for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && digits < 3; i++, digits++)
			month = month * 10 + (unsigned)(s.p[i] - '0');
		if (!digits || month < 1 || month > 12)
			return false;
		for (unsigned m = from ? from : month; *bits |= 1u << (m - 1), m != month;)
			m = m % 12 + 1;
		bool range = i < s.n && s.p[i] == '-';
		if (range && from)
			return false;
		from = range ? month : 0;
		size_t gap = i;
		while (i < s.n && strchr(range ? "-" : ",; ", s.p[i]))
			i++;
		if (i == gap && i < s.n)
			return false;
	}
	return *bits != 0 && !from;
}

enum { MARKS_MAX = 4096 };

static void mark(struct buf *b, const char *name)
{
	buf_printf(b, "%s\"%s\":", b->n ? "," : "{", name);
}

static void mark_months(struct buf *b, unsigned bits)
{
	mark(b, "months");
	for (int m = 0, n = 0; m < 12; m++)
		if (bits >> m & 1)
			buf_printf(b, "%s%d", n++ ? "," : "[", m + 1);
	buf_char(b, ']');
}

/* What a catalogue says of a product for recommendations, by column name. */
static bool take_marks(const struct record *r, struct buf *b, struct trouble *t)
{
	static const struct {
		enum field field;
		const char *name;
	} FLAGS[] = { { FIELD_HIDDEN, "hidden" }, { FIELD_EXCLUDED, "excluded" }, { FIELD_CONSUMABLE, "consumable" } };
	unsigned bits = 0;
	for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++) {
		int said = take_yes_no(r->f[FLAGS[i].field]);
		if (take_blank(r->f[FLAGS[i].field]))
			continue;
		if (said != 0 && said != 1) {
			*t = (struct trouble){ .field = FLAGS[i].field, .why = "is neither yes nor no" };
			return false;
		}
		mark(b, FLAGS[i].name);
		buf_cstr(b, said ? "true" : "false");
	}
	struct str collection = text_of(r, FIELD_COLLECTION);
	if (collection.n > 200 || (!take_blank(r->f[FIELD_MONTHS]) && !months_of(str_trim(r->f[FIELD_MONTHS]), &bits))) {
		*t = collection.n > 200
		         ? (struct trouble){ .field = FIELD_COLLECTION, .why = "is too long (200 bytes)" }
		         : (struct trouble){ .field = FIELD_MONTHS, .why = "is no list of months such as 11,12 or 11-2" };
		return false;
	}
	if (collection.n) {
		mark(b, "collection");
		buf_json(b, collection);
	}
	if (bits)
		mark_months(b, bits);
	if (b->n)
		buf_char(b, '}');
	return true;
}

static bool put_product(struct emitter *e, struct record *r, struct buf *marks, struct err *err)
{
	struct trouble t = { .field = FIELD_COUNT, .why = "cannot be read" };
	struct intake_product p = { .row = r->row, .sku = text_of(r, FIELD_SKU) };
	if (p.sku.n == 0 || p.sku.n > 200)
		return emit_reject(e, r, FIELD_SKU, p.sku.n ? "is too long (200 bytes)" : "is empty", err);
	if (!optional_money(e, r, FIELD_PRICE, &p.price, &t) || !optional_money(e, r, FIELD_COST, &p.cost, &t) ||
	    !optional_whole(e, r, FIELD_VAT, 2, &p.vat_x2, &t) || !optional_whole(e, r, FIELD_STOCK, 1, &p.stock, &t) ||
	    !optional_whole(e, r, FIELD_LIFETIME, 1, &p.lifetime_days, &t) ||
	    !optional_whole(e, r, FIELD_TIER, 1, &p.tier, &t) || !take_marks(r, marks, &t))
		return emit_reject(e, r, t.field, t.why, err);
	p.marks = buf_view(marks);
	p.name = text_of(r, FIELD_PRODUCT);
	if (p.name.n && p.name.n <= CARRY_MAX) { /* Shopify names a product on the first of its variants' rows */
		memcpy(e->carry_name, p.name.p, p.name.n);
		e->carry_name_n = p.name.n;
	} else if (p.name.n == 0 && e->layout && str_is(str_from(e->layout->platform), "shopify")) {
		p.name = (struct str){ e->carry_name, e->carry_name_n };
	}
	const struct {
		struct str *to;
		enum field from;
	} TEXTS[] = { { &p.type, FIELD_TYPE },   { &p.family, FIELD_FAMILY },           { &p.category, FIELD_CATEGORY },
		          { &p.brand, FIELD_BRAND }, { &p.replaced_by, FIELD_REPLACED_BY }, { &p.url, FIELD_URL },
		          { &p.image, FIELD_IMAGE }, { &p.attributes, FIELD_ATTRIBUTES } };
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
		*TEXTS[i].to = text_of(r, TEXTS[i].from);
	p.not_a_product = take_yes_no(r->f[FIELD_NOT_A_PRODUCT]) == 1;
	e->report->accepted++;
	return e->sink->product(e->sink->ctx, &p, err);
}

bool emit_product(struct emitter *e, struct record *r, struct err *err)
{
	struct buf marks;
	buf_init(&marks, MARKS_MAX);
	bool ok = put_product(e, r, &marks, err);
	buf_release(&marks);
	return ok;
}

/* ---- consents ---- */

static bool consent_state_of(const struct record *r, int *state)
{
	struct str s = text_of(r, FIELD_STATE);
	if (!take_blank(r->f[FIELD_UNSUBSCRIBED_AT])) {
		/* a date, or a flag */
		int flag = take_yes_no(r->f[FIELD_UNSUBSCRIBED_AT]);
		*state = flag == 0 ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
		return true;
	}
	*state = s.n ? consent_state_find(s) : -1;
	if (*state >= 0)
		return true;
	int answer = take_yes_no(s);
	*state = answer == 1 ? CONSENT_GRANTED : answer == 0 ? CONSENT_WITHDRAWN : answer == 2 ? CONSENT_SOFT : -1;
	char w[FIELD_HEADER_MAX];
	field_normalise(s, w);
	static const char *const GONE[] = { "desinscrit",  "desabonne",   "bounced",     "hardbounce", "complained",
		                                "spam",        "blocklisted", "blacklisted", "blackliste", "nettoye",
		                                "unsubscribe", "optedout",    "stop",        "plainte" };
	for (size_t i = 0; i < ARRAY_LEN(GONE) && *state < 0; i++)
		if (strcmp(w, GONE[i]) == 0)
			*state = CONSENT_WITHDRAWN;
	return *state >= 0;
}

bool emit_consent(struct emitter *e, struct record *r, struct err *err)
{
	struct trouble t = { .field = FIELD_COUNT, .why = "cannot be read" };
	struct intake_consent c = {
		.row = r->row, .at = INSTANT_NEVER, .channel = CHANNEL_EMAIL, .purpose = PURPOSE_MARKETING
	};
	if (!take_email(r, &c.email, &t))
		return emit_reject(e, r, t.field, t.why, err);
	c.customer = take_blank(r->f[FIELD_CUSTOMER]) ? (struct str){ "", 0 } : take_ref(r->f[FIELD_CUSTOMER]);
	if (!c.email.n && !c.customer.n)
		return emit_reject(e, r, FIELD_EMAIL, "is empty, and there is no customer number", err);
	struct str channel = text_of(r, FIELD_CHANNEL), purpose = text_of(r, FIELD_PURPOSE);
	if (channel.n && (c.channel = channel_find(channel)) < 0) {
		if (str_eq_nocase(channel, STR("e-mail")) || str_eq_nocase(channel, STR("mail")) ||
		    str_eq_nocase(channel, STR("courriel")))
			c.channel = CHANNEL_EMAIL;
		else if (str_eq_nocase(channel, STR("post")) || str_eq_nocase(channel, STR("courrier")))
			c.channel = CHANNEL_POSTCARD;
		else
			return emit_reject(e, r, FIELD_CHANNEL, "is no channel (email, sms, postcard, phone, push)", err);
	}
	if (purpose.n && (c.purpose = purpose_find(purpose)) < 0)
		return emit_reject(e, r, FIELD_PURPOSE, "is no purpose (marketing, service, tracking)", err);
	if (!consent_state_of(r, &c.state))
		return emit_reject(e, r, FIELD_STATE,
		                   "is no state of consent (granted, withdrawn, soft, opposed; subscribed, unsubscribed…)",
		                   err);
	bool flag = take_yes_no(r->f[FIELD_UNSUBSCRIBED_AT]) >= 0;
	enum field dated = !take_blank(r->f[FIELD_UNSUBSCRIBED_AT]) && !flag ? FIELD_UNSUBSCRIBED_AT : FIELD_DATE;
	if (!optional_instant(e, r, dated, &c.at, &t, err))
		return t.stop ? false : emit_reject(e, r, t.field, t.why, err);
	c.source = text_of(r, FIELD_SOURCE);
	c.wording = text_of(r, FIELD_WORDING);
	e->report->accepted++;
	return e->sink->consent(e->sink->ctx, &c, err);
}

/* ---- events ---- */

bool emit_event(struct emitter *e, struct record *r, struct err *err)
{
	struct trouble t = { .field = FIELD_COUNT, .why = "cannot be read" };
	struct intake_event v = { .row = r->row, .name = text_of(r, FIELD_EVENT), .text = text_of(r, FIELD_TEXT) };
	if (!take_email(r, &v.email, &t) || !take_instant(e, r, FIELD_DATE, &v.at, &t, err))
		return t.stop ? false : emit_reject(e, r, t.field, t.why, err);
	v.customer = take_blank(r->f[FIELD_CUSTOMER]) ? (struct str){ "", 0 } : take_ref(r->f[FIELD_CUSTOMER]);
	if (!v.customer.n && !v.email.n)
		return emit_reject(e, r, FIELD_CUSTOMER, "is empty, and there is no e-mail address", err);
	if (!v.name.n || v.name.n > 64)
		return emit_reject(e, r, FIELD_EVENT, v.name.n ? "is too long (64 bytes)" : "is empty", err);
	struct str value = text_of(r, FIELD_VALUE);
	struct decimal d;
	if (value.n && (!number_parse(value, e->decimal, &d) || !number_scaled(d, 1, 0, &v.value)))
		return emit_reject(e, r, FIELD_VALUE, "is not a number", err);
	e->report->accepted++;
	return e->sink->event(e->sink->ctx, &v, err);
}
