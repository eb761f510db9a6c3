/* What a careful person would notice before sending: see message_check() in the header. */
#include "outbox/message.h"

#include "outbox/liquid_set.h"

#include <stdio.h>
#include <stdlib.h>

enum { SUBJECT_CHARS_MAX = 70, SMS_CHARS_MAX = 306 };

/* What templates may say; doc/messages.md describes each. "[]" is any item of a list. */
static const char *const PATHS[] = {
	"customer.first_name",
	"customer.last_name",
	"customer.civility",
	"customer.gender",
	"customer.greeting",
	"customer.city",
	"customer.postcode",
	"customer.email",
	"customer.birth_date",
	"customer.lifecycle",
	"customer.points",
	"customer.tier",
	"customer.since",
	"customer.store",
	"shop.name",
	"shop.url",
	"shop.address",
	"shop.phone",
	"shop.email",
	"shop.logo_url",
	"shop.hours",
	"shop.signature",
	"shop.review_url",
	"shop.loyalty",
	"shop.reassurance[].title",
	"shop.reassurance[].text",
	"shop.social[].name",
	"shop.social[].url",
	"shop.news[].title",
	"shop.news[].text",
	"shop.news[].url",
	"order.number",
	"order.date",
	"order.total",
	"order.url",
	"order.lines[].name",
	"order.lines[].quantity",
	"order.lines[].price",
	"order.lines[].total",
	"order.lines[].image",
	"order.lines[].url",
	"order.lines[].category",
	"cart.total",
	"cart.url",
	"cart.erased_at",
	"cart.lines[].name",
	"cart.lines[].quantity",
	"cart.lines[].price",
	"cart.lines[].total",
	"cart.lines[].image",
	"cart.lines[].url",
	"voucher.code",
	"voucher.text",
	"voucher.valid_until",
	"voucher.minimum",
	"voucher.url",
	"recommendations[].name",
	"recommendations[].price",
	"recommendations[].url",
	"recommendations[].image",
	"recommendations[].why",
	"recommendations[].category",
	"product.name",
	"product.url",
	"product.image",
	"product.bought_at",
	"product.due_at",
	"product.kind",
	"product.booking_url",
	"plan.name",
	"plan.title",
	"links.unsubscribe",
	"links.preferences",
	"links.web",
	"links.profile",
	"links.request",
	"links.survey_very",
	"links.survey_satisfied",
	"links.survey_unsatisfied",
	"links.leave_reason_disappointed",
	"links.leave_reason_late",
	"links.leave_reason_expensive",
	"links.leave_reason_changed",
	"links.leave_reason_other",
};

bool message_known_path(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
		struct str known = str_from(PATHS[i]);
		if (str_eq(known, path) ||
		    (str_starts(known, path) && path.n < known.n && (known.p[path.n] == '.' || known.p[path.n] == '[')))
			return true;
	}
	return false;
}

void message_findings_init(struct message_findings *f)
{
	*f = (struct message_findings){ 0 };
	arena_init(&f->arena);
}

void message_findings_release(struct message_findings *f)
{
	arena_release(&f->arena);
	free(f->list);
}

struct checker {
	const struct message_set *set;
	const struct message *m;
	struct message_findings *out;
	bool body; /* positions are the file's */
};

static void found(struct checker *c, int line, int column, struct str text)
{
	struct message_findings *f = c->out;
	f->list = mem_grow(f->list, &f->cap, f->count + 1, sizeof *f->list);
	f->list[f->count++] = (struct message_finding){ c->m->file, line, column, text };
}

/* ---- variables and parts ---- */

static void see_path(void *ctx, struct str path, int line, int column)
{
	struct checker *c = ctx;
	if (message_known_path(path))
		return;
	const char *near = str_nearest(path, PATHS, ARRAY_LEN(PATHS), 3);
	found(c, c->body ? line : 1, c->body ? column : 1,
	      arena_printf(&c->out->arena, "no variable \"%.*s\"%s%s%s", STR_ARG(path), near ? "; did you mean \"" : "",
	                   near ? near : "", near ? "\"?" : ""));
}

static void check_variables(struct checker *c)
{
	const struct message *m = c->m;
	const struct liquid_template *fields[] = { m->preheader, m->from, m->reason, m->sms, m->postcard };
	c->body = true;
	liquid_paths(m->body, see_path, c);
	c->body = false;
	for (size_t i = 0; i < m->variant_count; i++)
		liquid_paths(m->variants[i].subject, see_path, c);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i])
			liquid_paths(fields[i], see_path, c);
}

/* ---- the rendered mail ---- */

static struct str attribute(struct str tag, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 1; i + n + 2 <= tag.n; i++) {
		bool starts = tag.p[i - 1] == ' ' || tag.p[i - 1] == '\n' || tag.p[i - 1] == '\t';
		if (!starts || memcmp(tag.p + i, name, n) != 0 || tag.p[i + n] != '=' || tag.p[i + n + 1] != '"')
			continue;
		const char *from = tag.p + i + n + 2, *to = memchr(from, '"', (size_t)(tag.p + tag.n - from));
		if (to)
			return (struct str){ from, (size_t)(to - from) };
	}
	return (struct str){ 0 };
}

static bool good_link(struct str href)
{
	static const char *const SCHEMES[] = { "https://", "http://", "mailto:", "tel:" };
	for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++)
		if (str_starts(href, str_from(SCHEMES[i])) && href.n > strlen(SCHEMES[i]) && !memchr(href.p, ' ', href.n))
			return true;
	return false;
}

static void check_tag(struct checker *c, struct str tag)
{
	bool link = str_starts(tag, STR("<a ")), image = str_starts(tag, STR("<img "));
	struct str href = attribute(tag, link ? "href" : "src");
	if (link && !good_link(href))
		found(c, 0, 0,
		      arena_printf(&c->out->arena, "a link leads nowhere: \"%.*s\"", (int)(href.n > 80 ? 80 : href.n),
		                   href.p ? href.p : ""));
	if (image && !attribute(tag, "alt").p)
		found(c, 0, 0, STR("an image has no alt text: without images nobody knows what it shows"));
	if (image && !good_link(href) && !str_starts(href, STR("data:image/")))
		found(c, 0, 0, STR("an image has no address"));
}

static void check_html(struct checker *c, struct str html)
{
	for (const char *p = html.p, *end = p + html.n; (p = p < end ? memchr(p, '<', (size_t)(end - p)) : NULL);) {
		const char *close = memchr(p, '>', (size_t)(end - p));
		if (!close)
			break;
		check_tag(c, (struct str){ p, (size_t)(close + 1 - p) });
		p = close + 1;
	}
	if (html.n > MESSAGE_BYTES_MAX)
		found(c, 0, 0,
		      arena_printf(&c->out->arena, "the mail weighs %zu kB: Gmail cuts what is past 102 kB", html.n / 1000));
	if (memmem(html.p, html.n, "{{", 2) || memmem(html.p, html.n, "{%", 2) || memmem(html.p, html.n, "[[", 2))
		found(c, 0, 0, STR("something of the template is left in the result: {{, {% or [["));
}

static size_t utf8_length(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* As words: "free" is not in "freedom", nor "argent" in "Argentine". */
static bool has_words(const char *text, const char *words)
{
	size_t n = strlen(words);
	for (const char *at = text; (at = strstr(at, words)) != NULL; at++) {
		bool begins = at == text || !letter(at[-1]) || !letter(words[0]);
		if (begins && (!letter(at[n]) || !letter(words[n - 1])))
			return true;
	}
	return false;
}

static void check_subject(struct checker *c, struct str s)
{
	static const char *const SPAM[] = { "gratuit", "100 %", "100%",   "argent",  "gagnez",          "urgent",
		                                "cliquez", "free",  "winner", "cash",    "click here",      "act now",
		                                "$$$",     "€€€",   "!!",     "promo !", "dernière chance", "last chance" };
	static const char *const FALSE_ANSWERS[] = { "re:", "re :", "fwd:", "fw:", "tr:", "tr :" };
	char lower[512] = { 0 };
	size_t upper = 0, letters = 0;
	for (size_t i = 0; i < s.n && i < sizeof lower - 1; i++) {
		bool is_upper = s.p[i] >= 'A' && s.p[i] <= 'Z';
		upper += is_upper;
		letters += is_upper || (s.p[i] >= 'a' && s.p[i] <= 'z');
		lower[i] = is_upper ? (char)(s.p[i] + 32) : s.p[i];
	}
	if (str_trim(s).n == 0)
		found(c, 0, 0, STR("the subject is empty"));
	if (utf8_length(s) > SUBJECT_CHARS_MAX)
		found(c, 0, 0,
		      arena_printf(&c->out->arena, "the subject has %zu characters: past %d it is cut on a phone",
		                   utf8_length(s), SUBJECT_CHARS_MAX));
	if (letters > 8 && upper * 2 > letters)
		found(c, 0, 0, STR("the subject shouts: mostly capitals"));
	for (size_t i = 0; i < ARRAY_LEN(SPAM); i++)
		if (has_words(lower, SPAM[i]))
			found(c, 0, 0, arena_printf(&c->out->arena, "the subject smells of spam: \"%s\"", SPAM[i]));
	for (size_t i = 0; i < ARRAY_LEN(FALSE_ANSWERS); i++)
		if (str_starts(str_from(lower), str_from(FALSE_ANSWERS[i])))
			found(c, 0, 0, STR("the subject pretends to be an answer"));
}

static void check_stop(struct checker *c, const struct message_text *t, const struct lobject *sample)
{
	const struct lval *links = lobject_get(sample, "links");
	const struct lval *stop = links && links->type == LVAL_OBJECT ? lobject_get(links->object, "unsubscribe") : NULL;
	if (c->m->purpose != MESSAGE_MARKETING)
		return;
	if (!stop || stop->type != LVAL_STRING || stop->n == 0) {
		found(c, 0, 0, STR("the sample has no links.unsubscribe, so the stop link cannot be checked"));
		return;
	}
	if (!memmem(t->html.p, t->html.n, stop->s, stop->n) || !memmem(t->text.p, t->text.n, stop->s, stop->n))
		found(c, 0, 0, STR("there is no way to stop: links.unsubscribe is missing from the mail or its text part"));
	if (t->sms.n && !memmem(t->sms.p, t->sms.n, "STOP", 4))
		found(c, 0, 0, STR("the SMS does not say how to stop: STOP"));
}

static void check_rendered(struct checker *c, size_t variant, const struct lobject *sample,
                           const struct liquid_options *options, struct liquid *r, struct message_text *t)
{
	struct err err = { 0 };
	struct liquid_options strict = *options;
	strict.strict = true;
	if (!message_render(c->set, c->m, variant, r, sample, &strict, t, &err)) {
		found(c, 0, 0, arena_str(&c->out->arena, str_from(err.text)));
		return;
	}
	check_subject(c, buf_view(&t->subject));
	if (variant > 0)
		return;
	check_html(c, buf_view(&t->html));
	check_stop(c, t, sample);
	if (t->preheader.n == 0)
		found(c, 0, 0, STR("there is no preheader: the inbox shows the first words of the mail instead"));
	if (utf8_length(buf_view(&t->sms)) > SMS_CHARS_MAX)
		found(c, 0, 0, STR("the SMS is longer than two messages"));
}

void message_check(const struct message_set *set, const struct message *m, const struct lobject *sample,
                   const struct liquid_options *options, struct message_findings *out)
{
	struct checker c = { set, m, out, false };
	struct message_text text;
	struct liquid *r = liquid_new();
	message_text_init(&text);
	check_variables(&c);
	for (size_t i = 0; sample && i < m->variant_count; i++)
		check_rendered(&c, i, sample, options, r, &text);
	message_text_release(&text);
	liquid_free(r);
}
