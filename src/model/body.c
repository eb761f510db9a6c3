/* A pull scanner over canonical JSON: keys come in any order, values are integers, strings, arrays of strings, integers
 * or lines. Nothing else is ever written here, so nothing else is read. */
#include "model/body.h"

#include "model/names.h"

/* ---- writing ---- */

struct writer {
	struct buf *out;
	bool any;
};

static void key(struct writer *w, const char *name)
{
	buf_cstr(w->out, w->any ? ",\"" : "{\"");
	buf_cstr(w->out, name);
	buf_cstr(w->out, "\":");
	w->any = true;
}

static void text_field(struct writer *w, const char *name, struct str s)
{
	if (s.n == 0)
		return;
	key(w, name);
	buf_json(w->out, s);
}

static void int_field(struct writer *w, const char *name, int64_t v)
{
	key(w, name);
	buf_i64(w->out, v);
}

static void finish(struct writer *w)
{
	buf_cstr(w->out, w->any ? "}" : "{}");
}

static void lines_field(struct writer *w, const struct line *lines, size_t count)
{
	key(w, "lines");
	buf_char(w->out, '[');
	for (size_t i = 0; i < count; i++) {
		buf_cstr(w->out, i ? ",[" : "[");
		buf_i64(w->out, lines[i].product);
		buf_char(w->out, ',');
		buf_i64(w->out, lines[i].quantity);
		buf_char(w->out, ',');
		buf_i64(w->out, lines[i].amount);
		buf_char(w->out, ']');
	}
	buf_char(w->out, ']');
}

static void texts_field(struct writer *w, const char *name, const struct str *items, size_t count)
{
	if (count == 0)
		return;
	key(w, name);
	for (size_t i = 0; i < count; i++) {
		buf_char(w->out, i ? ',' : '[');
		buf_json(w->out, items[i]);
	}
	buf_char(w->out, ']');
}

void body_write_order(const struct order_body *b, struct buf *out)
{
	struct writer w = { out, false };
	lines_field(&w, b->lines, b->line_count);
	if (b->channel != SALE_UNKNOWN)
		text_field(&w, "channel", str_from(sale_channel_name(b->channel)));
	text_field(&w, "voucher", b->voucher);
	text_field(&w, "store", b->store);
	text_field(&w, "seller", b->seller);
	finish(&w);
}

void body_write_cart(const struct cart_body *b, struct buf *out)
{
	struct writer w = { out, false };
	text_field(&w, "cart", b->cart);
	text_field(&w, "state", str_from(cart_state_name(b->state)));
	lines_field(&w, b->lines, b->line_count);
	text_field(&w, "url", b->url);
	finish(&w);
}

void body_write_consent(const struct consent_body *b, struct buf *out)
{
	struct writer w = { out, false };
	text_field(&w, "channel", str_from(channel_name(b->channel)));
	text_field(&w, "purpose", str_from(purpose_name(b->purpose)));
	text_field(&w, "state", str_from(consent_state_name(b->state)));
	text_field(&w, "source", b->source);
	text_field(&w, "wording", b->wording);
	finish(&w);
}

void body_write_profile(const struct profile_body *b, struct buf *out)
{
	struct writer w = { out, false };
	text_field(&w, "zone", b->zone);
	if (b->locale >= 0)
		text_field(&w, "locale", str_from(locale_name((enum locale)b->locale)));
	if (b->created.s != INSTANT_NEVER.s)
		int_field(&w, "created", b->created.s);
	if (date_known(b->born))
		int_field(&w, "born", b->born.day);
	if (b->reach)
		int_field(&w, "reach", b->reach);
	if (b->address) {
		key(&w, "address");
		buf_printf(out, "\"%016llx\"", (unsigned long long)b->address);
	}
	if (b->company)
		int_field(&w, "company", 1);
	text_field(&w, "postcode", b->postcode);
	text_field(&w, "store", b->store);
	if (b->gender)
		text_field(&w, "gender", (struct str){ &b->gender, 1 });
	text_field(&w, "sector", b->sector);
	texts_field(&w, "tags", b->tags, b->tag_count);
	texts_field(&w, "interests", b->interests, b->interest_count);
	if (b->child_count) {
		key(&w, "children");
		for (size_t i = 0; i < b->child_count; i++) {
			buf_char(out, i ? ',' : '[');
			buf_i64(out, b->children[i].day);
		}
		buf_char(out, ']');
	}
	finish(&w);
}

void body_write_event(const struct event_body *b, struct buf *out)
{
	struct writer w = { out, false };
	text_field(&w, "name", b->name);
	if (b->value)
		int_field(&w, "value", b->value);
	text_field(&w, "text", b->text);
	finish(&w);
}

void body_write_receipt(const struct receipt_body *b, struct buf *out)
{
	struct writer w = { out, false };
	text_field(&w, "receipt", str_from(receipt_name(b->receipt)));
	text_field(&w, "plan", b->plan);
	int_field(&w, "run", b->run);
	text_field(&w, "step", b->step);
	text_field(&w, "channel", str_from(channel_name(b->channel)));
	text_field(&w, "answer", b->answer);
	finish(&w);
}

void body_write_merge(const struct merge_body *b, struct buf *out)
{
	struct writer w = { out, false };
	int_field(&w, "customer", b->customer);
	text_field(&w, "by", b->by);
	finish(&w);
}

/* ---- reading ---- */

struct scan {
	const char *p, *end;
	struct arena *arena;
	bool bad;
};

static bool take(struct scan *s, char c)
{
	if (s->p < s->end && *s->p == c) {
		s->p++;
		return true;
	}
	return false;
}

static void want(struct scan *s, char c)
{
	if (!take(s, c))
		s->bad = true;
}

static int64_t scan_int(struct scan *s)
{
	bool negative = take(s, '-');
	const char *start = s->p, *p = start, *end = s->end - start > 19 ? start + 19 : s->end;
	uint64_t v = 0;
	for (; p < end && (unsigned char)(*p - '0') < 10; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	bool longer = p < s->end && (unsigned char)(*p - '0') < 10;
	s->p = p;
	if (p == start || longer || v > INT64_MAX) {
		s->bad = true;
		return 0;
	}
	return negative ? -(int64_t)v : (int64_t)v;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* What buf_json writes: \" \\ \n \r \t and \u00xx for the other controls. */
static struct str unescape(struct scan *s, const char *from, const char *to)
{
	char *out = arena_alloc(s->arena, (size_t)(to - from) + 1);
	size_t n = 0;
	for (const char *p = from; p < to; p++) {
		if (*p != '\\') {
			out[n++] = *p;
			continue;
		}
		p++;
		switch (*p) {
		case 'n': out[n++] = '\n'; break;
		case 'r': out[n++] = '\r'; break;
		case 't': out[n++] = '\t'; break;
		case '"':
		case '\\': out[n++] = *p; break;
		case 'u': {
			int high = to - p > 4 ? hex_digit(p[3]) : -1, low = to - p > 4 ? hex_digit(p[4]) : -1;
			if (high < 0 || low < 0) {
				s->bad = true;
				return STR("");
			}
			out[n++] = (char)(high * 16 + low);
			p += 4;
			break;
		}
		default: s->bad = true; return STR("");
		}
	}
	return (struct str){ out, n };
}

static struct str scan_text(struct scan *s)
{
	want(s, '"');
	const char *start = s->p, *end = s->end, *stop = memchr(start, '"', (size_t)(end - start));
	if (stop && !memchr(start, '\\', (size_t)(stop - start))) {
		s->p = stop + 1;
		return (struct str){ start, (size_t)(stop - start) };
	}
	bool escaped = false;
	for (stop = start; stop < end && *stop != '"';) {
		bool escape = *stop == '\\';
		escaped |= escape;
		stop += 1 + escape;
	}
	if (stop >= end) {
		s->p = end;
		s->bad = true;
		return STR("");
	}
	s->p = stop + 1;
	return escaped ? unescape(s, start, stop) : (struct str){ start, (size_t)(stop - start) };
}

static size_t scan_lines(struct scan *s, struct line **out)
{
	static const char SHORTEST[] = "[0,0,0],";
	want(s, '[');
	const char *next = memchr(s->p, '"', (size_t)(s->end - s->p)); /* the next key */
	size_t count = (size_t)((next ? next : s->end) - s->p) / (sizeof SHORTEST - 1) + 1, n = 0;
	if (s->bad)
		return 0;
	struct line *lines = *out = arena_array(s->arena, struct line, count);
	if (take(s, ']'))
		return 0;
	do {
		if (n == count || n == BODY_LINES_MAX) {
			s->bad = true;
			return 0;
		}
		want(s, '[');
		int64_t product = scan_int(s);
		want(s, ',');
		int64_t quantity = scan_int(s);
		want(s, ',');
		int64_t amount = scan_int(s);
		want(s, ']');
		if (s->bad || product < 0 || product > UINT32_MAX || quantity < INT32_MIN || quantity > INT32_MAX) {
			s->bad = true;
			return 0;
		}
		lines[n++] = (struct line){ (product_id)product, (int32_t)quantity, amount };
	} while (take(s, ','));
	want(s, ']');
	return n;
}

static size_t scan_texts(struct scan *s, struct str **out)
{
	struct str items[BODY_LIST_MAX];
	size_t n = 0;
	want(s, '[');
	do {
		if (s->bad || n == BODY_LIST_MAX) {
			s->bad = true;
			return 0;
		}
		items[n++] = scan_text(s);
	} while (take(s, ','));
	want(s, ']');
	*out = arena_copy(s->arena, items, n * sizeof *items);
	return n;
}

static size_t scan_days(struct scan *s, struct date **out)
{
	struct date items[BODY_LIST_MAX];
	size_t n = 0;
	want(s, '[');
	do {
		if (s->bad || n == BODY_LIST_MAX) {
			s->bad = true;
			return 0;
		}
		items[n++] = (struct date){ (int32_t)scan_int(s) };
	} while (take(s, ','));
	want(s, ']');
	*out = arena_copy(s->arena, items, n * sizeof *items);
	return n;
}

/* The next key of the object, or an empty string at its end. */
static struct str scan_key(struct scan *s, bool *first)
{
	if (*first) {
		want(s, '{');
		*first = false;
		if (take(s, '}'))
			return STR("");
	} else {
		if (take(s, '}'))
			return STR("");
		want(s, ',');
	}
	struct str name = scan_text(s);
	want(s, ':');
	if (name.n == 0)
		s->bad = true;
	return s->bad ? STR("") : name;
}

static int scan_word(struct scan *s, int (*find)(struct str))
{
	int v = find(scan_text(s));
	if (v < 0)
		s->bad = true;
	return v < 0 ? 0 : v;
}

static bool scanned(const struct scan *s, const char *what, struct err *err)
{
	if (s->bad || s->p != s->end)
		return err_set(err, ERR_WORLD, "corrupt %s fact: its body is not in the canonical form; run \"relance check\"",
		               what);
	return true;
}

#define SCAN(body_, a_)                                                                                                \
	{                                                                                                                  \
		.p = (body_).p, .end = (body_).p + (body_).n, .arena = (a_)                                                    \
	}
#define EACH_KEY(name)                                                                                                 \
	bool first_key = true;                                                                                             \
	for (struct str name = scan_key(&s, &first_key); name.n > 0 && !s.bad; name = scan_key(&s, &first_key))

bool body_read_order(struct str body, struct arena *a, struct order_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct order_body){ 0 };
	EACH_KEY(name)
	{
		if (str_is(name, "lines"))
			out->line_count = scan_lines(&s, &out->lines);
		else if (str_is(name, "channel"))
			out->channel = (enum sale_channel)scan_word(&s, sale_channel_find);
		else if (str_is(name, "voucher"))
			out->voucher = scan_text(&s);
		else if (str_is(name, "store"))
			out->store = scan_text(&s);
		else if (str_is(name, "seller"))
			out->seller = scan_text(&s);
		else
			s.bad = true;
	}
	return scanned(&s, "order", err);
}

bool body_read_cart(struct str body, struct arena *a, struct cart_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct cart_body){ 0 };
	EACH_KEY(name)
	{
		if (str_is(name, "cart"))
			out->cart = scan_text(&s);
		else if (str_is(name, "state"))
			out->state = (enum cart_state)scan_word(&s, cart_state_find);
		else if (str_is(name, "lines"))
			out->line_count = scan_lines(&s, &out->lines);
		else if (str_is(name, "url"))
			out->url = scan_text(&s);
		else
			s.bad = true;
	}
	return scanned(&s, "cart", err);
}

bool body_read_consent(struct str body, struct arena *a, struct consent_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct consent_body){ 0 };
	EACH_KEY(name)
	{
		if (str_is(name, "channel"))
			out->channel = (enum channel)scan_word(&s, channel_find);
		else if (str_is(name, "purpose"))
			out->purpose = (enum purpose)scan_word(&s, purpose_find);
		else if (str_is(name, "state"))
			out->state = (enum consent_state)scan_word(&s, consent_state_find);
		else if (str_is(name, "source"))
			out->source = scan_text(&s);
		else if (str_is(name, "wording"))
			out->wording = scan_text(&s);
		else
			s.bad = true;
	}
	return scanned(&s, "consent", err);
}

static uint64_t scan_hash(struct scan *s)
{
	struct str text = scan_text(s);
	uint64_t v = 0;
	if (text.n != 16)
		s->bad = true;
	for (size_t i = 0; i < text.n && !s->bad; i++) {
		int d = hex_digit(text.p[i]);
		if (d < 0)
			s->bad = true;
		v = v << 4 | (uint64_t)(d & 15);
	}
	return v;
}

static void scan_profile_key(struct scan *s, struct str name, struct profile_body *out)
{
	if (str_is(name, "zone"))
		out->zone = scan_text(s);
	else if (str_is(name, "locale"))
		out->locale = scan_word(s, locale_find);
	else if (str_is(name, "created"))
		out->created.s = scan_int(s);
	else if (str_is(name, "born"))
		out->born.day = (int32_t)scan_int(s);
	else if (str_is(name, "reach"))
		out->reach = (unsigned)scan_int(s) & 0xFF;
	else if (str_is(name, "address"))
		out->address = scan_hash(s);
	else if (str_is(name, "company"))
		out->company = scan_int(s) != 0;
	else if (str_is(name, "postcode"))
		out->postcode = scan_text(s);
	else if (str_is(name, "store"))
		out->store = scan_text(s);
	else if (str_is(name, "gender")) {
		struct str g = scan_text(s);
		out->gender = g.n == 1 ? g.p[0] : 0;
	} else if (str_is(name, "sector"))
		out->sector = scan_text(s);
	else if (str_is(name, "tags"))
		out->tag_count = scan_texts(s, &out->tags);
	else if (str_is(name, "interests"))
		out->interest_count = scan_texts(s, &out->interests);
	else if (str_is(name, "children"))
		out->child_count = scan_days(s, &out->children);
	else
		s->bad = true;
}

bool body_read_profile(struct str body, struct arena *a, struct profile_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct profile_body){ .locale = -1, .created = INSTANT_NEVER, .born = DATE_UNKNOWN };
	EACH_KEY(name)
	scan_profile_key(&s, name, out);
	return scanned(&s, "profile", err);
}

bool body_read_event(struct str body, struct arena *a, struct event_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct event_body){ 0 };
	EACH_KEY(name)
	{
		if (str_is(name, "name"))
			out->name = scan_text(&s);
		else if (str_is(name, "value"))
			out->value = scan_int(&s);
		else if (str_is(name, "text"))
			out->text = scan_text(&s);
		else
			s.bad = true;
	}
	return scanned(&s, "event", err);
}

bool body_read_receipt(struct str body, struct arena *a, struct receipt_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct receipt_body){ 0 };
	EACH_KEY(name)
	{
		if (str_is(name, "receipt"))
			out->receipt = (enum receipt)scan_word(&s, receipt_find);
		else if (str_is(name, "plan"))
			out->plan = scan_text(&s);
		else if (str_is(name, "run"))
			out->run = scan_int(&s);
		else if (str_is(name, "step"))
			out->step = scan_text(&s);
		else if (str_is(name, "channel"))
			out->channel = (enum channel)scan_word(&s, channel_find);
		else if (str_is(name, "answer"))
			out->answer = scan_text(&s);
		else
			s.bad = true;
	}
	return scanned(&s, "receipt", err);
}

bool body_read_merge(struct str body, struct arena *a, struct merge_body *out, struct err *err)
{
	struct scan s = SCAN(body, a);
	*out = (struct merge_body){ 0 };
	EACH_KEY(name)
	{
		if (str_is(name, "customer")) {
			int64_t c = scan_int(&s);
			s.bad |= c < 1 || c > UINT32_MAX;
			out->customer = (customer_id)c;
		} else if (str_is(name, "by")) {
			out->by = scan_text(&s);
		} else {
			s.bad = true;
		}
	}
	return scanned(&s, "merge", err);
}
