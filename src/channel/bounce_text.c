/* bounce_text: recipients in the prose of mail servers, and in report fields.
 *
 * A line that holds an address is judged by what stands around the address. Servers have few ways to name the one who
 * did not get it: the address alone on its line (Exim, Gmail, Courier, Domino), "<address>:" with the words behind it
 * (qmail, Postfix, OpenSMTPD, Yahoo), a phrase that names it ("could not be delivered to …", "Recipient: …"), or an
 * SMTP code before it (old Sendmail). The strongest kind of line present in the mail counts; the words that follow, up
 * to the next recipient, are about this one. */
#include "channel/bounce.h"

#include "base/buf.h"
#include "channel/mailpart.h"

#include <strings.h>

enum grade { GRADE_NONE, GRADE_WEAK, GRADE_PHRASE, GRADE_ALONE };

/* The letter under the accent of a Latin-1 character from 0xC0 on; 0: leave it. */
static char bare(unsigned char c)
{
	static const char LETTERS[65] = "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0\0aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0y";
	return c >= 0xC0 ? LETTERS[c - 0xC0] : '\0';
}

/* At i, a character beyond ASCII: what it is read as, in *c; how many bytes it takes; 0: it is kept. */
static size_t fold(struct str text, size_t i, char *c)
{
	const unsigned char *p = (const unsigned char *)text.p + i;
	size_t left = text.n - i;
	if (left >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0x99 || p[2] == 0x98)) {
		*c = '\'';
		return 3;
	}
	if (left >= 2 && p[0] == 0xC2 && p[1] == 0xA0) {
		*c = ' ';
		return 2;
	}
	if (left >= 2 && p[0] == 0xC3 && p[1] >= 0x80 && p[1] <= 0xBF) {
		*c = bare((unsigned char)(p[1] + 0x40));
		return *c ? 2 : 0;
	}
	bool latin1 = p[0] >= 0xC0 && (left < 2 || p[1] < 0x80 || p[1] > 0xBF);
	*c = latin1 ? bare(p[0]) : '\0';
	return *c ? 1 : 0;
}

struct str bounce_words(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, text.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		char folded;
		size_t taken = c >= 0x80 ? fold(text, i, &folded) : 0;
		if (taken) {
			c = (unsigned char)folded;
			i += taken - 1;
		}
		if (c <= ' ') {
			if (n && out[n - 1] != ' ')
				out[n++] = ' ';
		} else {
			out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
	}
	return str_trim((struct str){ out, n });
}

static struct str unquoted(struct str line)
{
	line = str_trim(line);
	while (line.n && line.p[0] == '>' && !(line.n > 3 && line.p[1] == '>' && line.p[2] == '>'))
		line = str_trim((struct str){ line.p + 1, line.n - 1 });
	return line;
}

static bool any_of(struct str s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_has(s, list[i]))
			return true;
	return false;
}

/* Lines that hold an address which is not the recipient's. */
static bool about_another(struct str before)
{
	static const char *const PHRASES[] = {
		"mail from", "from:",       "contact",           "support",   "postmaster at",
		"sender:",   "return-path", "message-id",        "subject:",  "envelope",
		"reply-to",  "sent by",     "generated from",    "cc:",       "received",
		"http",      "mailto:",     "your message from", "sent from", "help",
		"please",    "message id",  "forward",           "alias",     "-f "
	};
	return any_of(before, PHRASES, ARRAY_LEN(PHRASES));
}

static bool names_recipient(struct str before)
{
	static const char *const PHRASES[] = {
		"recipient",       "deliver",      "userid",          "mailbox exceeds", "rcpt to",    "user unknown",
		"unknown user",    "no such user", "could not reach", "failed:",         ">>> ",       "could not send",
		"address:",        "for user",     "was rejected",    "not reach",       "message to", "mail to",
		"mailbox is full", "quota",        "cannot send",     "can not send",    "account",    "intended for",
		"addressed to",    "destinataire", "empfänger",       "destinatario",    "adresse",    "undelivered",
	};
	return any_of(before, PHRASES, ARRAY_LEN(PHRASES));
}

static bool code_only(struct str before) /* "554 ", "<<< 550 ", "550-" */
{
	before = str_trim(before);
	while (before.n && (before.p[0] == '<' || before.p[0] == ' '))
		before = (struct str){ before.p + 1, before.n - 1 };
	return before.n >= 3 && before.n <= 10 && (before.p[0] == '5' || before.p[0] == '4') && before.p[1] >= '0' &&
	       before.p[1] <= '5' && before.p[2] >= '0' && before.p[2] <= '9' &&
	       (before.n == 3 || before.p[3] == ' ' || before.p[3] == '-');
}

static struct str strip_open(struct str s)
{
	s = str_trim(s);
	while (s.n && strchr("<\"('[*", s.p[s.n - 1]))
		s = str_trim((struct str){ s.p, s.n - 1 });
	if (s.n >= 5 && strncasecmp(s.p + s.n - 5, "smtp:", 5) == 0)
		s = str_trim((struct str){ s.p, s.n - 5 });
	return s;
}

static struct str strip_close(struct str s)
{
	while (s.n && strchr(">\")'] ", s.p[0]))
		s = (struct str){ s.p + 1, s.n - 1 };
	return str_trim(s);
}

static bool same_again(struct str after, struct str address) /* "a@b <a@b>", "a@b (a@b)" */
{
	size_t from = 0;
	struct str other;
	return after.n && address_next(after, &from, &other) && str_eq_nocase(other, address) && from + 2 >= after.n;
}

static bool only_dashes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("-*>.= \t", s.p[i]))
			return false;
	return true;
}

/* How surely does this line name somebody who did not get the mail? Sets the address and where its words start. */
static enum grade judge(struct str line, struct str *address, struct str *words)
{
	size_t from = 0;
	if (!memchr(line.p, '@', line.n) || !address_next(line, &from, address))
		return GRADE_NONE;
	struct str before = strip_open((struct str){ line.p, (size_t)(address->p - line.p) });
	struct str after = strip_close((struct str){ line.p + from, line.n - from });
	*words = after;
	if (only_dashes(before)) {
		struct str second; /* "a@b <c@d>: words": the one in brackets is meant */
		size_t ahead = 0;
		if (after.n && line.p[from] == ' ' && after.p[0] == '<' && address_next(after, &ahead, &second)) {
			*address = second;
			*words = after = strip_close((struct str){ after.p + ahead, after.n - ahead });
		}
		if (after.n == 0 || after.p[0] == ':' || same_again(after, *address))
			return GRADE_ALONE;
		if (after.p[0] == ',' || after.p[0] == ';')
			return after.n == 1 ? GRADE_ALONE : GRADE_PHRASE;
		if (strncmp(after.p, "on ", after.n < 3 ? after.n : 3) == 0 || after.p[0] == '[' || after.p[0] == '(')
			return GRADE_ALONE;
		if (after.n >= 3 && strncmp(after.p, "...", 3) == 0)
			return GRADE_PHRASE;
		return before.n == 0 ? GRADE_PHRASE : GRADE_WEAK;
	}
	*words = line;
	if (about_another(before))
		return GRADE_NONE;
	if (names_recipient(before) || code_only(before))
		return GRADE_PHRASE;
	if (str_eq_nocase(before, STR("To:")))
		return GRADE_WEAK;
	return GRADE_NONE;
}

struct spot {
	struct str address, line, words;
	enum grade grade;
	bool after_code; /* "554 <address>... words" */
};

static bool helper(const struct str *helpers, size_t count, struct str address)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_nocase(helpers[i], address))
			return true;
	return false;
}

/* Whom to ask for help ("please contact <support@…>"): never a recipient, wherever the address stands. */
static size_t find_helpers(struct str notice, struct str *helpers, size_t max)
{
	size_t count = 0;
	struct str line;
	while (line_next(&notice, &line) && count < max) {
		size_t from = 0;
		if ((str_has(line, "contact") || str_has(line, "assistance")) && address_next(line, &from, &helpers[count]))
			count++;
	}
	return count;
}

enum { HELPERS_MAX = 8 };

static size_t find_spots(struct str notice, struct spot *spots, size_t max)
{
	size_t count = 0;
	struct str line, helpers[HELPERS_MAX];
	size_t helper_count = find_helpers(notice, helpers, HELPERS_MAX);
	while (line_next(&notice, &line) && count < max) {
		struct spot s = { .line = line };
		s.grade = judge(unquoted(line), &s.address, &s.words);
		s.after_code = code_only(strip_open((struct str){ line.p, (size_t)(s.grade ? s.address.p - line.p : 0) }));
		if (s.grade != GRADE_NONE && !helper(helpers, helper_count, s.address))
			spots[count++] = s;
	}
	return count;
}

static const struct bounce_found *known(const struct bounce_finds *finds, struct str address)
{
	for (size_t i = 0; i < finds->count; i++)
		if (str_eq_nocase(finds->list[i].address, address))
			return &finds->list[i];
	return NULL;
}

static bool is_daemon(struct str address)
{
	return str_has(address, "mailer-daemon@") || str_has(address, "mailerdaemon@");
}

/* From the spot's words to the line of the next spot of a different address and the same grade. */
static struct str words_after(const struct spot *spots, size_t count, size_t i, struct str notice)
{
	if (spots[i].after_code) { /* the dialogue before it and its line */
		size_t j = i;
		while (j && str_starts(unquoted(spots[j - 1].line), STR("<<<")))
			j--;
		const char *from = j ? spots[j - 1].line.p + spots[j - 1].line.n : notice.p;
		return (struct str){ from, (size_t)(spots[i].line.p + spots[i].line.n - from) };
	}
	const char *end = notice.p + notice.n;
	for (size_t j = i + 1; j < count; j++)
		if (spots[j].grade >= spots[i].grade && !str_eq_nocase(spots[j].address, spots[i].address)) {
			end = spots[j].line.p;
			break;
		}
	const char *start = spots[i].words.p;
	return (struct str){ start, end > start ? (size_t)(end - start) : 0 };
}

enum { SPOTS_MAX = 512 };

void bounce_read_text(struct arena *a, struct str notice, struct str self, struct bounce_finds *out)
{
	struct spot *spots = arena_array(a, struct spot, SPOTS_MAX);
	size_t count = find_spots(notice, spots, SPOTS_MAX);
	for (int grade = GRADE_ALONE; grade >= GRADE_WEAK && out->count == 0; grade--)
		for (int take_self = 0; take_self < 2 && out->count == 0; take_self++)
			for (size_t i = 0; i < count && out->count < BOUNCE_RECIPIENTS_MAX; i++) {
				if (spots[i].grade != (enum grade)grade || known(out, spots[i].address) || is_daemon(spots[i].address))
					continue;
				if (!take_self && self.n && str_eq_nocase(spots[i].address, self))
					continue;
				struct bounce_found *f = &out->list[out->count++];
				*f = (struct bounce_found){ .address = spots[i].address };
				f->words = bounce_words(a, words_after(spots, count, i, notice));
			}
}

struct str bounce_words_near(struct arena *a, struct str notice, struct str address, const struct bounce_finds *all)
{
	if (all->count < 2)
		return bounce_words(a, notice);
	struct str rest = notice, line;
	const char *start = NULL, *end = notice.p + notice.n;
	while (line_next(&rest, &line)) {
		size_t from = 0;
		struct str found;
		while (address_next(line, &from, &found)) {
			const struct bounce_found *f = known(all, found);
			if (!start && str_eq_nocase(found, address)) {
				start = line.p;
			} else if (start && f && !str_eq_nocase(f->address, address)) {
				end = line.p;
				goto done;
			}
		}
	}
done:
	return start ? bounce_words(a, (struct str){ start, (size_t)(end - start) }) : (struct str){ "", 0 };
}

/* ---- report fields ---- */

static bool field(struct str line, const char *name, struct str *value)
{
	size_t n = strlen(name);
	if (line.n <= n || strncasecmp(line.p, name, n) != 0)
		return false;
	size_t i = n;
	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	if (i == line.n || line.p[i] != ':')
		return false;
	*value = str_trim((struct str){ line.p + i + 1, line.n - i - 1 });
	return true;
}

struct group {
	struct str final, original, actual, diagnostic, category;
	char status[12];
	bool delayed, silent, failed; /* silent: delivered, relayed, expanded: no failure */
};

static struct str field_address(struct str value)
{
	if (value.n == 0)
		return (struct str){ NULL, 0 };
	const char *semi = memchr(value.p, ';', value.n);
	if (semi) {
		size_t skip = (size_t)(semi + 1 - value.p);
		value = str_trim((struct str){ value.p + skip, value.n - skip });
	}
	size_t from = 0;
	struct str address;
	if (!address_next(value, &from, &address))
		return (struct str){ NULL, 0 };
	return address;
}

static void end_group(struct arena *a, struct group *g, struct bounce_finds *out)
{
	struct str address = field_address(g->final);
	if (address.n == 0)
		address = field_address(g->original);
	if (address.n == 0)
		address = field_address(g->actual);
	bool any = g->final.n || g->original.n || g->actual.n;
	if (any && address.n && !g->silent && out->count < BOUNCE_RECIPIENTS_MAX && !known(out, address)) {
		struct bounce_found *f = &out->list[out->count++];
		*f = (struct bounce_found){ .address = address, .delayed = g->delayed, .structured = true };
		f->words = bounce_words(
			a, g->category.n ? arena_printf(a, "%.*s pmta-category %.*s", STR_ARG(g->diagnostic), STR_ARG(g->category))
							 : g->diagnostic);
		memcpy(f->status, g->status, sizeof f->status);
	}
	*g = (struct group){ 0 };
}

static void read_action(struct group *g, struct str value)
{
	if (str_has(value, "delayed"))
		g->delayed = true;
	else if (str_has(value, "delivered") || str_has(value, "relayed") || str_has(value, "expanded") ||
	         str_has(value, "deliverable"))
		g->silent = true;
	else
		g->failed = true;
}

/* Diagnostic texts go over several lines; a continuation starts with white space. */
static struct str with_continuation(struct str value, struct str *rest)
{
	const char *start = value.p ? value.p : rest->p;
	const char *end = value.p + value.n;
	while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
		struct str line;
		line_next(rest, &line);
		end = line.p + line.n;
	}
	return (struct str){ start, (size_t)(end - start) };
}

void bounce_read_fields(struct arena *a, struct str text, struct bounce_finds *out)
{
	struct group g = { 0 };
	struct str line, value;
	while (line_next(&text, &line)) {
		line = unquoted(line);
		if (field(line, "Final-Recipient", &value)) {
			if (g.final.n)
				end_group(a, &g, out);
			g.final = with_continuation(value, &text);
		} else if (field(line, "Original-Recipient", &value)) {
			if (g.original.n)
				end_group(a, &g, out);
			g.original = with_continuation(value, &text);
		} else if (field(line, "X-Actual-Recipient", &value)) {
			g.actual = value;
		} else if (field(line, "Action", &value)) {
			read_action(&g, value);
		} else if (field(line, "Status", &value)) {
			struct bounce_codes codes;
			bounce_codes_find(value, &codes);
			memcpy(g.status, codes.status, sizeof g.status);
			if (value.n > 6)
				g.diagnostic = g.diagnostic.n ? g.diagnostic : value;
		} else if (field(line, "Diagnostic-Code", &value)) {
			g.diagnostic = with_continuation(value, &text);
		} else if (field(line, "X-PowerMTA-BounceCategory", &value)) {
			g.category = value;
		} else if (line.n == 0 && (g.final.n || g.original.n)) {
			/* a blank line ends a recipient's group, unless fields of the same recipient follow (broken writers) */
			if (g.status[0] || g.failed || g.silent || g.delayed)
				end_group(a, &g, out);
		}
	}
	end_group(a, &g, out);
}
