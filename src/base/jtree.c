#include "base/jtree.h"

struct reader {
	const char *p, *end;
	struct arena *a;
	int depth;
};

static bool value(struct reader *r, struct jnode *n);

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	bool is = r->p < r->end && *r->p == c;
	r->p += is;
	return is;
}

static bool word(struct reader *r, const char *w)
{
	size_t n = strlen(w);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

static bool four_digits(struct reader *r, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, r->p++) {
		int d = r->p < r->end ? hex_digit(*r->p) : -1;
		if (d < 0)
			return false;
		*out = *out << 4 | (uint32_t)d;
	}
	return true;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 63));
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	}
	return to;
}

/* Behind "\u". */
static bool code_point(struct reader *r, char **to)
{
	uint32_t c, low;
	if (!four_digits(r, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!word(r, "\\u") || !four_digits(r, &low) || low < 0xdc00 || low >= 0xe000)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	}
	*to = put_utf8(*to, c);
	return true;
}

static bool escape(struct reader *r, char **to)
{
	static const char FROM[] = "\"\\/bfnrt", INTO[] = "\"\\/\b\f\n\r\t";
	char c = r->p < r->end ? *r->p : 0;
	const char *found = c ? strchr(FROM, c) : NULL;
	if (c != 'u' && !found)
		return false;
	r->p++;
	if (c == 'u')
		return code_point(r, to);
	*(*to)++ = INTO[found - FROM];
	return true;
}

/* The rest of a string from its first escape on; `from` is where it began. */
static bool escaped(struct reader *r, const char *from, struct str *out)
{
	const char *close = r->p; /* as many bytes at most */
	while (close < r->end && *close != '"')
		close += 1 + (*close == '\\');
	char *text = arena_alloc(r->a, (size_t)(close - from) + 1), *to = text + (r->p - from);
	memcpy(text, from, (size_t)(r->p - from));
	while (r->p < r->end && *r->p != '"') {
		if ((unsigned char)*r->p < 0x20)
			return false;
		if (*r->p != '\\') {
			*to++ = *r->p++;
			continue;
		}
		r->p++;
		if (!escape(r, &to))
			return false;
	}
	*out = (struct str){ text, (size_t)(to - text) };
	return r->p < r->end;
}

/* Behind the first quotation mark. */
static bool string(struct reader *r, struct str *out)
{
	const char *from = r->p;
	unsigned char high = 0;
	while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= 0x20)
		high |= (unsigned char)*r->p++;
	*out = (struct str){ from, (size_t)(r->p - from) };
	bool ok = r->p < r->end;
	if (ok && *r->p == '\\') {
		ok = escaped(r, from, out);
		high = 0x80;
	}
	if (!ok || *r->p != '"')
		return false;
	if (high & 0x80 && str_utf8_valid(*out) != out->n) {
		r->p = from;
		return false;
	}
	r->p++;
	return true;
}

/* ---- numbers ---- */

static bool digits(struct reader *r)
{
	const char *from = r->p;
	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > from;
}

static bool number(struct reader *r, struct jnode *n)
{
	const char *from = r->p;
	n->type = J_INTEGER;
	r->p += *r->p == '-';
	const char *first = r->p;
	if (!digits(r) || (*first == '0' && r->p > first + 1))
		return false;
	if (r->p < r->end && *r->p == '.') {
		n->type = J_REAL;
		r->p++;
		if (!digits(r))
			return false;
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		n->type = J_REAL;
		r->p++;
		r->p += r->p < r->end && (*r->p == '+' || *r->p == '-');
		if (!digits(r))
			return false;
	}
	return n->type == J_REAL || str_i64((struct str){ from, (size_t)(r->p - from) }, &n->integer);
}

/* ---- containers ---- */

static bool member(struct reader *r, struct jnode *n)
{
	return take(r, '"') && string(r, &n->key) && take(r, ':') && value(r, n);
}

static bool container(struct reader *r, struct jnode *n)
{
	char close = n->type == J_OBJECT ? '}' : ']';
	struct jnode **last = &n->first;
	if (++r->depth > JTREE_DEPTH_MAX)
		return false;
	if (!take(r, close)) {
		do {
			struct jnode *item = arena_new(r->a, struct jnode);
			if (!(n->type == J_OBJECT ? member(r, item) : value(r, item)))
				return false;
			*last = item;
			last = &item->next;
			n->count++;
		} while (take(r, ','));
		if (!take(r, close))
			return false;
	}
	r->depth--;
	return true;
}

static bool value(struct reader *r, struct jnode *n)
{
	bool ok = false;
	skip_space(r);
	const char *from = r->p;
	switch (r->p < r->end ? *r->p : 0) {
	case '"':
		n->type = J_STRING;
		r->p++;
		return string(r, &n->text);
	case '{':
	case '[':
		n->type = *r->p++ == '{' ? J_OBJECT : J_ARRAY;
		ok = container(r, n);
		break;
	case 't':
		n->type = J_TRUE;
		ok = word(r, "true");
		break;
	case 'f':
		n->type = J_FALSE;
		ok = word(r, "false");
		break;
	case 'n':
		n->type = J_NULL;
		ok = word(r, "null");
		break;
	case '-':
	case '0' ... '9': ok = number(r, n); break;
	}
	n->text = (struct str){ from, (size_t)(r->p - from) };
	return ok;
}

struct jnode *jtree_read(struct str *text, struct arena *a)
{
	struct reader r = { .p = text->p, .end = text->p + text->n, .a = a };
	struct jnode *n = arena_new(a, struct jnode);
	bool ok = value(&r, n);
	*text = (struct str){ r.p, (size_t)(r.end - r.p) };
	return ok ? n : NULL;
}

const struct jnode *jtree_get(const struct jnode *o, const char *name)
{
	const struct jnode *found = NULL;
	size_t n = strlen(name);
	for (const struct jnode *m = o && o->type == J_OBJECT ? o->first : NULL; m; m = m->next)
		if (m->key.n == n && memcmp(m->key.p, name, n) == 0)
			found = m;
	return found;
}
