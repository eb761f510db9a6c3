/* bounce_reason: the first phrase of an ordered table (bounce_phrases.c) that occurs names the reason. '*' in a phrase
 * stands for up to GAP_MAX characters. */
#include "channel/bounce_reason.h"
#include "channel/bounce_phrases.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { GAP_MAX = 80 };

static const char *const NAMES[RETURN_COUNT] = {
	[RETURN_UNDEFINED] = "undefined",
	[RETURN_AUTHFAILURE] = "authfailure",
	[RETURN_BADREPUTATION] = "badreputation",
	[RETURN_BLOCKED] = "blocked",
	[RETURN_CONTENTERROR] = "contenterror",
	[RETURN_EXCEEDLIMIT] = "exceedlimit",
	[RETURN_EXPIRED] = "expired",
	[RETURN_FEEDBACK] = "feedback",
	[RETURN_FILTERED] = "filtered",
	[RETURN_HASMOVED] = "hasmoved",
	[RETURN_HOSTUNKNOWN] = "hostunknown",
	[RETURN_MAILBOXFULL] = "mailboxfull",
	[RETURN_MAILERERROR] = "mailererror",
	[RETURN_MESGTOOBIG] = "mesgtoobig",
	[RETURN_NETWORKERROR] = "networkerror",
	[RETURN_NORELAYING] = "norelaying",
	[RETURN_NOTACCEPT] = "notaccept",
	[RETURN_NOTCOMPLIANTRFC] = "notcompliantrfc",
	[RETURN_ONHOLD] = "onhold",
	[RETURN_POLICYVIOLATION] = "policyviolation",
	[RETURN_REJECTED] = "rejected",
	[RETURN_REQUIREPTR] = "requireptr",
	[RETURN_SECURITYERROR] = "securityerror",
	[RETURN_SPAMDETECTED] = "spamdetected",
	[RETURN_SPEEDING] = "speeding",
	[RETURN_SUSPEND] = "suspend",
	[RETURN_SYNTAXERROR] = "syntaxerror",
	[RETURN_SYSTEMERROR] = "systemerror",
	[RETURN_SYSTEMFULL] = "systemfull",
	[RETURN_TOOMANYCONN] = "toomanyconn",
	[RETURN_USERUNKNOWN] = "userunknown",
	[RETURN_VACATION] = "vacation",
	[RETURN_VIRUSDETECTED] = "virusdetected",
};

const char *bounce_reason_name(enum bounce_reason reason)
{
	return NAMES[reason];
}

bool bounce_reason_hard(enum bounce_reason reason)
{
	return reason == RETURN_USERUNKNOWN || reason == RETURN_HOSTUNKNOWN || reason == RETURN_HASMOVED ||
	       reason == RETURN_NOTACCEPT;
}

/* '*' stands for up to GAP_MAX bytes. */
static const char *find_phrase(struct str text, const char *phrase)
{
	const char *star = strchr(phrase, '*');
	if (!star)
		return memmem(text.p, text.n, phrase, strlen(phrase));
	size_t n = (size_t)(star - phrase);
	for (struct str rest = text;;) {
		const char *hit = memmem(rest.p, rest.n, phrase, n);
		if (!hit)
			return NULL;
		const char *after = hit + n;
		struct str tail = { after, (size_t)(text.p + text.n - after) };
		if (tail.n > GAP_MAX + strlen(star + 1))
			tail.n = GAP_MAX + strlen(star + 1);
		if (find_phrase(tail, star + 1))
			return hit;
		rest = (struct str){ hit + 1, (size_t)(text.p + text.n - hit - 1) };
	}
}

/* Which pairs of bytes occur in a text: most phrases are ruled out by a pair that does not. */
struct pairs {
	uint64_t bits[1 << 10];
};

static void pairs_of(struct str text, struct pairs *p)
{
	memset(p, 0, sizeof *p);
	for (size_t i = 0; i + 1 < text.n; i++) {
		unsigned pair = (unsigned)(unsigned char)text.p[i] << 8 | (unsigned char)text.p[i + 1];
		p->bits[pair >> 6] |= (uint64_t)1 << (pair & 63);
	}
}

static bool may_have(const struct pairs *p, const char *phrase)
{
	for (const char *c = phrase; c[0] && c[1]; c++) {
		unsigned pair = (unsigned)(unsigned char)c[0] << 8 | (unsigned char)c[1];
		if (c[0] != '*' && c[1] != '*' && !(p->bits[pair >> 6] >> (pair & 63) & 1))
			return false;
	}
	return true;
}

static bool has(struct str text, const char *phrase)
{
	return find_phrase(text, phrase) != NULL;
}

/* IronPort puts its own generic class before the words of the server it quotes: "5.1.0 - Unknown address error
 * 550-'…'". */
static struct str without_class(struct str text)
{
	const char *quote = find_phrase(text, "unknown address error 5") || find_phrase(text, "other mail system problem 5")
	                        ? memchr(text.p, '\'', text.n)
	                        : NULL;
	return quote ? (struct str){ quote, (size_t)(text.p + text.n - quote) } : text;
}

/* "Recipient address rejected: Access denied" with 5.4.1 or 5.1.x is how a directory check refuses an address that does
 * not exist (Exchange Online's edge blocking); with 5.7.x it is somebody's policy. */
static bool directory_refusal(struct str text, const char *status)
{
	return has(text, "recipient address rejected: access denied") &&
	       (strcmp(status, "5.4.1") == 0 || strncmp(status, "5.1.", 4) == 0);
}

/* Words that the last server itself, or a sender's log that knows the moment, uses for an address that is not there. */
static bool own_words(struct str text)
{
	static const char *const PHRASES[] = {
		"pmta-category bad-mailbox", "mail.local: unknown user", "(unknown user",
		"invalid user address",      "this user doesn't have a", "requested action not taken: mailbox unavailable ("
	};
	for (size_t i = 0; i < ARRAY_LEN(PHRASES); i++)
		if (has(text, PHRASES[i]))
			return true;
	return false;
}

enum bounce_reason bounce_reason_of_text(struct str text, const char *status, enum bounce_stage stage, bool quoted)
{
	if (text.n == 0)
		return RETURN_UNDEFINED;
	enum bounce_reason found = RETURN_UNDEFINED;
	text = without_class(text);
	if (directory_refusal(text, status) && stage != STAGE_DATA)
		return RETURN_USERUNKNOWN;
	struct pairs pairs;
	pairs_of(text, &pairs);
	for (size_t i = 0; i < BOUNCE_PHRASE_COUNT && found == RETURN_UNDEFINED; i++)
		if (may_have(&pairs, BOUNCE_PHRASES[i].phrase) && has(text, BOUNCE_PHRASES[i].phrase))
			found = BOUNCE_PHRASES[i].reason;
	/* A server that took RCPT and says "unknown user" after the message was sent is applying the person's filter;
	 * mobile operators do so (the address exists, mail from computers is refused). Quoted by another server without the
	 * moment or a status of the kind 5.1.x, the words are not proof enough to call an address dead. */
	bool proof = strncmp(status, "5.1.", 4) == 0 || stage == STAGE_RCPT || own_words(text);
	if (found == RETURN_USERUNKNOWN && !proof && (stage == STAGE_DATA || quoted))
		return RETURN_FILTERED;
	if (found == RETURN_USERUNKNOWN && (stage == STAGE_MAIL || stage == STAGE_CONNECT))
		return stage == STAGE_MAIL ? RETURN_REJECTED : RETURN_BLOCKED;
	return found;
}

static const struct {
	const char *code; /* without the class: "1.1" */
	enum bounce_reason reason;
} STATUSES[] = {
	{ "1.1", RETURN_USERUNKNOWN },   { "1.2", RETURN_HOSTUNKNOWN },     { "1.3", RETURN_USERUNKNOWN },
	{ "1.4", RETURN_FILTERED },      { "1.6", RETURN_HASMOVED },        { "1.7", RETURN_REJECTED },
	{ "1.8", RETURN_REJECTED },      { "1.9", RETURN_SYSTEMERROR },     { "1.10", RETURN_NOTACCEPT },
	{ "2.0", RETURN_FILTERED },      { "2.1", RETURN_SUSPEND },         { "2.2", RETURN_MAILBOXFULL },
	{ "2.3", RETURN_EXCEEDLIMIT },   { "2.4", RETURN_FILTERED },        { "3.0", RETURN_SYSTEMERROR },
	{ "3.1", RETURN_SYSTEMFULL },    { "3.2", RETURN_NOTCOMPLIANTRFC }, { "3.3", RETURN_SYSTEMERROR },
	{ "3.4", RETURN_MESGTOOBIG },    { "3.5", RETURN_SYSTEMERROR },     { "4.0", RETURN_NETWORKERROR },
	{ "4.1", RETURN_EXPIRED },       { "4.2", RETURN_NETWORKERROR },    { "4.3", RETURN_SYSTEMERROR },
	{ "4.4", RETURN_HOSTUNKNOWN },   { "4.5", RETURN_SYSTEMFULL },      { "4.6", RETURN_NETWORKERROR },
	{ "4.7", RETURN_EXPIRED },       { "5.1", RETURN_SYNTAXERROR },     { "5.2", RETURN_SYNTAXERROR },
	{ "5.3", RETURN_TOOMANYCONN },   { "5.4", RETURN_SYNTAXERROR },     { "6.0", RETURN_CONTENTERROR },
	{ "6.1", RETURN_CONTENTERROR },  { "6.2", RETURN_CONTENTERROR },    { "6.3", RETURN_CONTENTERROR },
	{ "6.5", RETURN_CONTENTERROR },  { "6.6", RETURN_CONTENTERROR },    { "6.7", RETURN_CONTENTERROR },
	{ "7.0", RETURN_SECURITYERROR }, { "7.1", RETURN_SECURITYERROR },   { "7.2", RETURN_REJECTED },
	{ "7.7", RETURN_CONTENTERROR },  { "7.8", RETURN_SECURITYERROR },   { "7.9", RETURN_POLICYVIOLATION },
	{ "7.13", RETURN_SUSPEND },      { "7.20", RETURN_AUTHFAILURE },    { "7.21", RETURN_AUTHFAILURE },
	{ "7.22", RETURN_AUTHFAILURE },  { "7.23", RETURN_AUTHFAILURE },    { "7.24", RETURN_AUTHFAILURE },
	{ "7.25", RETURN_REQUIREPTR },   { "7.26", RETURN_AUTHFAILURE },    { "7.27", RETURN_NOTACCEPT },
	{ "7.28", RETURN_SPEEDING },     { "7.509", RETURN_AUTHFAILURE },   { "7.515", RETURN_SECURITYERROR },
	{ "1.351", RETURN_USERUNKNOWN },
};

enum bounce_reason bounce_reason_of_status(const char *status)
{
	if (strlen(status) < 5)
		return RETURN_UNDEFINED;
	for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++)
		if (strcmp(status + 2, STATUSES[i].code) == 0)
			return STATUSES[i].reason;
	return RETURN_UNDEFINED;
}

bool bounce_status_vague(const char *status)
{
	return strlen(status) < 5 || strcmp(status + 2, "0.0") == 0 || strcmp(status + 2, "5.0") == 0 ||
	       strcmp(status + 2, "3.0") == 0 || strcmp(status + 2, "4.0") == 0;
}

/* ---- codes ---- */

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* c.ddd.ddd at i, not part of a longer dotted number. */
static size_t status_at(struct str t, size_t i)
{
	if (i && (digit(t.p[i - 1]) || t.p[i - 1] == '.'))
		return 0;
	if (i + 4 >= t.n || (t.p[i] != '4' && t.p[i] != '5') || t.p[i + 1] != '.')
		return 0;
	size_t j = i + 2;
	for (int field = 0; field < 2; field++) {
		size_t start = j;
		while (j < t.n && digit(t.p[j]) && j - start < 3)
			j++;
		if (j == start)
			return 0;
		if (field == 0) {
			if (j >= t.n || t.p[j] != '.')
				return 0;
			j++;
		}
	}
	if (j < t.n && (digit(t.p[j]) || (t.p[j] == '.' && j + 1 < t.n && digit(t.p[j + 1]))))
		return 0;
	return j - i;
}

static bool reply_at(struct str t, size_t i)
{
	if (i + 3 > t.n || (t.p[i] != '4' && t.p[i] != '5') || t.p[i + 1] < '0' || t.p[i + 1] > '5' || !digit(t.p[i + 2]))
		return false;
	if (i && t.p[i - 1] != ' ' && t.p[i - 1] != ':' && t.p[i - 1] != '[' && t.p[i - 1] != '(' && t.p[i - 1] != '<' &&
	    t.p[i - 1] != ';' && t.p[i - 1] != '\'' && t.p[i - 1] != '"')
		return false;
	char after = i + 3 < t.n ? t.p[i + 3] : ' ';
	return after == ' ' || after == '-' || after == ':' || after == ',' || after == '\n';
}

void bounce_codes_find(struct str text, struct bounce_codes *out)
{
	out->reply = 0;
	out->status[0] = '\0';
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '4' && text.p[i] != '5')
			continue;
		size_t n = status_at(text, i);
		if (n) {
			if (n < sizeof out->status && bounce_status_vague(out->status)) {
				char found[12];
				memcpy(found, text.p + i, n);
				found[n] = '\0';
				if (out->status[0] == '\0' || !bounce_status_vague(found))
					memcpy(out->status, found, n + 1);
			}
			i += n - 1;
		} else if (out->reply == 0 && reply_at(text, i)) {
			out->reply = (text.p[i] - '0') * 100 + (text.p[i + 1] - '0') * 10 + (text.p[i + 2] - '0');
		}
	}
}

enum bounce_stage bounce_stage_of(struct str text)
{
	static const struct {
		enum bounce_stage stage;
		const char *phrase;
	} SIGNS[] = {
		{ STAGE_DATA, "end of data" },
		{ STAGE_DATA, "after i sent the message" },
		{ STAGE_DATA, "reply to data" },
		{ STAGE_DATA, "step: data" },
		{ STAGE_DATA, "smtp command data" },
		{ STAGE_DATA, "response to end" },
		{ STAGE_DATA, "[data]" },
		{ STAGE_MAIL, "reply to mail from" },
		{ STAGE_MAIL, "after mail from" },
		{ STAGE_MAIL, "after pipelined mail from" },
		{ STAGE_MAIL, "sender was rejected" },
		{ STAGE_MAIL, "[mail_from]" },
		{ STAGE_RCPT, "reply to rcpt to" },
		{ STAGE_RCPT, "after rcpt" },
		{ STAGE_RCPT, "after pipelined rcpt" },
		{ STAGE_RCPT, "following rcpt" },
		{ STAGE_RCPT, "does not like recipient" },
		{ STAGE_RCPT, "did not like our rcpt to" },
		{ STAGE_DATA, "did not like our data" },
		{ STAGE_DATA, "did not like our final data" },
		{ STAGE_MAIL, "did not like our mail from" },
		{ STAGE_RCPT, "[rcpt_to]" },
		{ STAGE_RCPT, ">>> rcpt to" },
		{ STAGE_MAIL, ">>> mail from" },
		{ STAGE_CONNECT, "initial connection" },
		{ STAGE_CONNECT, "refused to talk to me" },
	};
	for (size_t i = 0; i < ARRAY_LEN(SIGNS); i++)
		if (has(text, SIGNS[i].phrase))
			return SIGNS[i].stage;
	/* Sendmail shows a refused RCPT under ">>> DATA" when it pipelines; the server then asks for a recipient. */
	if (has(text, ">>> data"))
		return has(text, "need rcpt") || has(text, "no valid recipients") || has(text, "no recipients") ? STAGE_RCPT
		                                                                                                : STAGE_DATA;
	return STAGE_UNKNOWN;
}
