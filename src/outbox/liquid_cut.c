#include "outbox/liquid_cut.h"

static const char *find_pair(const char *p, const char *end, char a, char b)
{
	while (p + 1 < end) {
		p = memchr(p, a, (size_t)(end - p - 1));
		if (!p)
			return NULL;
		if (p[1] == b)
			return p;
		p++;
	}
	return NULL;
}

static const char *tag_end(const char *p, const char *end)
{
	const char *close = find_pair(p, end, '%', '}');
	return close ? close + 2 : NULL;
}

/* The end of the output token that starts at `start`: "}}", a lone "}", or, when a tag begins inside, that tag's end.
 */
static const char *output_end(const char *start, const char *end)
{
	for (const char *p = start + 2; p < end; p++) {
		if (*p == '}')
			return p + 1 < end && p[1] == '}' ? p + 2 : p + 1;
		if (*p == '{' && p + 1 < end && p[1] == '%')
			return tag_end(p, end);
	}
	return NULL;
}

bool lcut_next(struct ltokens *t, struct str *out)
{
	if (t->p >= t->end)
		return false;
	const char *start = t->p, *stop = NULL;
	if (t->lines) {
		stop = memchr(start, '\n', (size_t)(t->end - start));
		t->p = stop ? stop + 1 : t->end;
		*out = (struct str){ start, (size_t)((stop ? stop : t->end) - start) };
		return true;
	}
	bool tag = t->end - start >= 2 && start[0] == '{' && start[1] == '%';
	bool output = t->end - start >= 2 && start[0] == '{' && start[1] == '{';
	if (tag || output) {
		stop = tag ? tag_end(start + 2, t->end) : output_end(start, t->end);
		t->p = stop ? stop : t->end;
		*out = (struct str){ start, stop ? (size_t)(stop - start) : 2 }; /* "{%" alone: never terminated */
		return true;
	}
	for (stop = start; stop < t->end; stop++) {
		stop = memchr(stop, '{', (size_t)(t->end - stop));
		if (!stop || (stop + 1 < t->end && (stop[1] == '%' || stop[1] == '{')))
			break;
	}
	if (!stop || stop > t->end)
		stop = t->end;
	t->p = stop;
	*out = (struct str){ start, (size_t)(stop - start) };
	return true;
}

/* name and markup of what stands between p and end: " name  markup". */
static bool split_tag(const char *p, const char *end, struct ltag *tag)
{
	while (p < end && lis_space(*p))
		p++;
	const char *name = p;
	if (p < end && *p == '#')
		p++;
	else
		while (p < end && lis_word(*p))
			p++;
	if (p == name)
		return false;
	tag->name = (struct str){ name, (size_t)(p - name) };
	while (p < end && lis_space(*p))
		p++;
	tag->markup = (struct str){ p, (size_t)(end - p) };
	return true;
}

bool lcut_is_tag(struct str token)
{
	return token.n >= 4 && token.p[0] == '{' && token.p[1] == '%' && token.p[token.n - 2] == '%' &&
	       token.p[token.n - 1] == '}';
}

bool lcut_tag(const struct ltokens *t, struct str token, struct ltag *tag)
{
	if (t->lines)
		return split_tag(token.p, token.p + token.n, tag);
	if (!lcut_is_tag(token))
		return false;
	const char *p = token.p + 2, *end = token.p + token.n - 2;
	if (p < end && *p == '-')
		p++;
	if (!split_tag(p, end, tag))
		return false;
	if (tag->markup.n && tag->markup.p[tag->markup.n - 1] == '-')
		tag->markup.n--;
	return true;
}

bool lcut_trims_after(struct str token)
{
	return token.n >= 5 && token.p[token.n - 3] == '-';
}

bool lcut_last_tag(struct str token, struct str *name, struct str *before)
{
	if (token.n < 4 || token.p[token.n - 2] != '%' || token.p[token.n - 1] != '}')
		return false;
	const char *end = token.p + token.n - 2;
	for (const char *p = end - 1; p >= token.p; p--) {
		if (p[0] != '{' || p[1] != '%')
			continue;
		const char *q = p + 2;
		if (q < end && *q == '-')
			q++;
		while (q < end && lis_space(*q))
			q++;
		const char *word = q;
		while (q < end && lis_word(*q))
			q++;
		if (q == word)
			continue;
		*name = (struct str){ word, (size_t)(q - word) };
		*before = (struct str){ token.p, (size_t)(p - token.p) };
		return true;
	}
	return false;
}
