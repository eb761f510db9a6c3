#include "app/links.h"

#include <sodium.h>

const char *link_answer_name(enum link_answer a)
{
	switch (a) {
	case LINK_VERY_SATISFIED: return "very_satisfied";
	case LINK_SATISFIED: return "satisfied";
	case LINK_UNSATISFIED: return "unsatisfied";
	case LINK_LEFT_DISAPPOINTED: return "left_disappointed";
	case LINK_LEFT_LATE: return "left_late";
	case LINK_LEFT_EXPENSIVE: return "left_expensive";
	case LINK_LEFT_CHANGED: return "left_changed";
	case LINK_LEFT_OTHER: return "left_other";
	}
	return NULL;
}

void links_key(const struct shop *shop, unsigned char key[TOKEN_KEY_BYTES])
{
	static const unsigned char context[] = "relance links 1";
	check(crypto_generichash(key, TOKEN_KEY_BYTES, context, sizeof context, (const unsigned char *)shop->address_key,
	                         sizeof shop->address_key) == 0);
}

static char path_of(enum token_purpose p)
{
	switch (p) {
	case TOKEN_UNSUBSCRIBE: return 'u';
	case TOKEN_OPEN: return 'o';
	case TOKEN_CLICK: return 'c';
	case TOKEN_WEB: return 'm';
	case TOKEN_PREFERENCES: return 'p';
	case TOKEN_ANSWER: return 's';
	case TOKEN_BOUNCE: return 'b';
	case TOKEN_SIGNUP: return 'd';
	case TOKEN_HOOK: return 'h';
	}
	return 'm';
}

struct str links_url(const unsigned char *key, struct str base, enum token_purpose purpose,
                     const struct message_key *message, uint16_t extra, struct arena *a)
{
	char token[TOKEN_CHARS + 1];
	token_write(key, (struct token){ .purpose = purpose, .message = outbox_link_id(message), .extra = extra }, token);
	return arena_printf(a, "%.*s/%c/%s%s", STR_ARG(base), path_of(purpose), token, purpose == TOKEN_OPEN ? ".gif" : "");
}

struct str links_next(struct str html, size_t *at)
{
	static const char HREF[] = "href=\"http";
	const char *from = *at < html.n ? memmem(html.p + *at, html.n - *at, HREF, sizeof HREF - 1) : NULL;
	if (!from)
		return STR("");
	from += sizeof "href=\"" - 1;
	const char *end = html.p + html.n, *quote = memchr(from, '"', (size_t)(end - from));
	*at = (size_t)((quote ? quote : end) - html.p);
	return (struct str){ from, (size_t)((quote ? quote : end) - from) };
}

struct str links_plain(struct str url, struct arena *a)
{
	char *plain = arena_alloc(a, url.n + 1);
	struct str out = { plain, 0 };
	for (size_t i = 0; i < url.n; i++) {
		if ((unsigned char)url.p[i] <= ' ')
			return STR("");
		plain[out.n++] = url.p[i];
		if (url.n - i >= 5 && memcmp(url.p + i, "&amp;", 5) == 0)
			i += 4;
	}
	return out;
}

/* relance's own pages count what is done there. */
static bool is_own(struct str url, struct str base)
{
	return str_starts(url, base) && (url.n == base.n || url.p[base.n] == '/');
}

/* Where an address ends in a text: "Label (address)", or alone. */
static bool ends_here(struct str rest)
{
	return rest.n == 0 || (unsigned char)rest.p[0] <= ' ' ||
	       (rest.p[0] == ')' && (rest.n == 1 || !(rest.p[1] >= '0' && rest.p[1] <= 'z')));
}

/* The number of the longest of these that stands at the start of a text; 0: none. */
static uint16_t link_at(const struct str *urls, uint16_t count, struct str text)
{
	uint16_t best = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct str u = urls[i];
		if (u.n && str_starts(text, u) && ends_here((struct str){ text.p + u.n, text.n - u.n }) &&
		    (!best || u.n > urls[best - 1].n))
			best = (uint16_t)(i + 1);
	}
	return best;
}

struct str links_tracked_text(const unsigned char *key, struct str base, const struct message_key *message,
                              struct str html, struct str text, struct arena *a)
{
	struct str urls[LINKS_MAX], url;
	uint16_t count = 0;
	struct buf out;
	size_t at = 0, done = 0;
	while (count < LINKS_MAX && (url = links_next(html, &at)).n)
		urls[count++] = is_own(url, base) ? STR("") : links_plain(url, a);
	buf_init(&out, text.n + (size_t)LINKS_MAX * (base.n + TOKEN_CHARS + 8));
	for (size_t i = 0; i < text.n; i++) {
		uint16_t n = text.p[i] == 'h' ? link_at(urls, count, (struct str){ text.p + i, text.n - i }) : 0;
		if (!n)
			continue;
		buf_add(&out, text.p + done, i - done);
		buf_str(&out, links_url(key, base, TOKEN_CLICK, message, n, a));
		i += urls[n - 1].n - 1;
		done = i + 1;
	}
	buf_add(&out, text.p + done, text.n - done);
	struct str s = out.full ? text : arena_str(a, buf_view(&out));
	buf_release(&out);
	return s;
}

struct str links_tracked(const unsigned char *key, struct str base, const struct message_key *message, struct str html,
                         struct arena *a)
{
	struct buf out;
	size_t at = 0, done = 0;
	buf_init(&out, html.n * 2 + (LINKS_MAX + 1) * (base.n + TOKEN_CHARS + 200));
	for (uint16_t n = 1; n <= LINKS_MAX; n++) {
		struct str url = links_next(html, &at);
		if (!url.n)
			break;
		if (is_own(url, base))
			continue;
		buf_add(&out, html.p + done, (size_t)(url.p - html.p) - done);
		buf_str(&out, links_url(key, base, TOKEN_CLICK, message, n, a));
		done = at;
	}
	const char *body = html.n ? memmem(html.p + done, html.n - done, "</body>", 7) : NULL;
	size_t end = body ? (size_t)(body - html.p) : html.n;
	buf_add(&out, html.p + done, end - done);
	buf_printf(&out, "<img src=\"%.*s\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;border:0\">",
	           STR_ARG(links_url(key, base, TOKEN_OPEN, message, 0, a)));
	buf_add(&out, html.p + end, html.n - end);
	struct str s = out.full ? html : arena_str(a, buf_view(&out));
	buf_release(&out);
	return s;
}
