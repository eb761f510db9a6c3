/* bounce: the whole of one returned mail. First what it is (complaint, report, prose, automatic reply), then who is
 * meant, then why. Report fields win over prose; prose fills what the fields leave vague. */
#include "channel/bounce.h"

#include "channel/mailpart.h"
#include "channel/webhook.h"

static const char *const VERDICTS[] = {
	[BOUNCE_UNKNOWN] = "unknown",     [BOUNCE_SOFT] = "soft",         [BOUNCE_HARD] = "hard",
	[BOUNCE_COMPLAINT] = "complaint", [BOUNCE_VACATION] = "vacation",
};

const char *bounce_verdict_name(enum bounce_verdict v)
{
	return VERDICTS[v];
}

struct reading {
	struct arena *arena;
	struct mail mail;
	struct str from, subject, self;
	struct str notice;   /* prose, without the original mail */
	struct str original; /* the returned mail or its header, may be empty */
	struct str feedback; /* fields of a complaint */
	bool has_status, has_feedback;
	struct bounce_report *out;
};

/* ---- the prose and where it ends ---- */

/* Takes ISO-2022-JP's two-byte stretches out (ESC $ B … ESC ( B): their bytes look like punctuation, '@' among them. */
static struct str without_escapes(struct arena *a, struct str s)
{
	if (!memchr(s.p, 0x1b, s.n))
		return s;
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;
	bool wide = false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == 0x1b && i + 2 < s.n) {
			wide = s.p[i + 1] == '$';
			i += 2;
		} else if (!wide || s.p[i] == '\n') {
			out[n++] = s.p[i];
		} else if (n && out[n - 1] != '~') {
			out[n++] = '~'; /* so that what follows is not taken for the start of the line */
		}
	}
	return (struct str){ out, n };
}

static bool starts_original(struct str line)
{
	static const char *const PHRASES[] = {
		"below this line is a copy",
		"enclosed is a copy",
		"this is a copy of",
		"original message follows",
		"original message --",
		"header of the original",
		"unsent message follows",
		"returned message --",
		"a copy of the original message",
		"included is a copy",
		"message header follows",
		"original message headers",
		"message headers follow",
		"header of original",
		"-- original message",
		"transcript of message follows",
		"start of returned",
		"undelivered message --",
		"original mail info",
		"your original message",
		"original e-mail header",
		"------ returned message",
		"message text follows",
		"original header",
	};
	for (size_t i = 0; i < ARRAY_LEN(PHRASES); i++)
		if (str_has(line, PHRASES[i]))
			return true;
	return false;
}

static bool starts_header(struct str line)
{
	static const struct str NAMES[] = {
		{ "Received:", 9 }, { "Return-Path:", 12 }, { "Return-path:", 12 }, { "DKIM-Signature:", 15 }
	};
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (str_starts(line, NAMES[i]))
			return true;
	return false;
}

/* Splits text at the line after which the original mail is shown. */
static void split_original(struct str text, struct str *notice, struct str *original)
{
	struct str rest = text, line;
	bool any = false;
	while (rest.n) {
		const char *at = rest.p;
		line_next(&rest, &line);
		bool marker = starts_original(line), header = starts_header(line);
		if (any && (marker || header)) {
			*notice = (struct str){ text.p, (size_t)(at - text.p) };
			*original = marker ? rest : (struct str){ at, (size_t)(text.p + text.n - at) };
			return;
		}
		any = any || memchr(line.p, '@', line.n) || line.n > 20;
	}
	*notice = text;
}

static void add_notice(struct reading *r, struct str text)
{
	struct str notice = { "", 0 }, original = { "", 0 };
	split_original(without_escapes(r->arena, text), &notice, &original);
	if (r->notice.n == 0) {
		r->notice = notice;
	} else if (r->notice.n + notice.n < BOUNCE_TEXT_MAX) {
		char *joined = arena_alloc(r->arena, r->notice.n + notice.n + 1);
		memcpy(joined, r->notice.p, r->notice.n);
		joined[r->notice.n] = '\n';
		memcpy(joined + r->notice.n + 1, notice.p, notice.n);
		r->notice = (struct str){ joined, r->notice.n + 1 + notice.n };
	}
	if (r->original.n == 0)
		r->original = original;
	if (r->notice.n > BOUNCE_TEXT_MAX)
		r->notice.n = BOUNCE_TEXT_MAX;
}

static void gather(struct reading *r)
{
	struct str html = { "", 0 };
	bool after_original = false;
	for (size_t i = 0; i < r->mail.part_count; i++) {
		const struct part *p = &r->mail.parts[i];
		switch (p->kind) {
		case PART_TEXT:
			if (!after_original)
				add_notice(r, p->body);
			break;
		case PART_HTML:
			if (html.n == 0 && !after_original)
				html = p->body;
			break;
		case PART_STATUS: r->has_status = true; break;
		case PART_FEEDBACK:
			r->has_feedback = true;
			r->feedback = p->body;
			break;
		case PART_ORIGINAL:
			if (p->body.n)
				r->original = p->body;
			after_original = true;
			break;
		case PART_OTHER: break;
		}
	}
	if (str_trim(r->notice).n == 0 && html.n)
		add_notice(r, text_of_html(r->arena, html));
}

/* ---- what the original mail says ---- */

static struct str first_address(struct str value)
{
	size_t from = 0;
	struct str address;
	/* "Name <a@b>": what is in brackets */
	const char *open = value.n ? memchr(value.p, '<', value.n) : NULL;
	if (open) {
		struct str in = { open, (size_t)(value.p + value.n - open) };
		if (address_next(in, &from, &address))
			return address;
		from = 0;
	}
	return value.n && address_next(value, &from, &address) ? address : (struct str){ NULL, 0 };
}

static void read_original(struct reading *r, struct headers *h)
{
	headers_read(r->arena, r->original, h);
	struct str id = headers_find(h, "Message-ID");
	while (id.n && (id.p[0] == '<' || id.p[0] == ' '))
		id = (struct str){ id.p + 1, id.n - 1 };
	const char *end = id.n ? memchr(id.p, '>', id.n) : NULL;
	if (end)
		id.n = (size_t)(end - id.p);
	r->out->message_id = id;
}

static struct str original_recipient(const struct headers *h)
{
	static const char *const NAMES[] = { "X-HmXmrOriginalRecipient", "X-Envelope-To", "To", "Delivered-To" };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		struct str address = first_address(headers_find(h, NAMES[i]));
		if (address.n)
			return address;
	}
	return (struct str){ "", 0 };
}

/* ---- verdicts ---- */

static struct bounce *add_bounce(struct reading *r, struct str recipient)
{
	if (r->out->count == BOUNCE_RECIPIENTS_MAX)
		return NULL;
	struct bounce *b = &r->out->list[r->out->count++];
	*b = (struct bounce){ .recipient = recipient };
	return b;
}

static bool temporary(const struct bounce *b)
{
	return b->status[0] == '4' || (!b->status[0] && b->reply >= 400 && b->reply < 500);
}

static enum bounce_verdict verdict_of(const struct bounce *b, bool delayed)
{
	if (bounce_reason_hard(b->reason))
		return delayed || temporary(b) ? BOUNCE_SOFT : BOUNCE_HARD;
	if (b->reason != RETURN_UNDEFINED)
		return BOUNCE_SOFT;
	return delayed || temporary(b) ? BOUNCE_SOFT : BOUNCE_UNKNOWN;
}

static void take_codes(struct bounce *b, const struct bounce_found *f, struct str near)
{
	struct bounce_codes in_words, in_near = { 0 };
	bounce_codes_find(f->words, &in_words);
	if (!in_words.reply || !in_words.status[0])
		bounce_codes_find(near, &in_near);
	b->reply = in_words.reply ? in_words.reply : in_near.reply;
	const char *status = f->status;
	if (bounce_status_vague(status) && in_words.status[0])
		status = in_words.status;
	if (bounce_status_vague(status) && in_near.status[0])
		status = in_near.status;
	memcpy(b->status, status, sizeof b->status);
}

/* An address the provider calls dead in words we know, or a status that says so; words before codes. */
static void judge(struct reading *r, const struct bounce_found *f, const struct bounce_finds *all)
{
	struct bounce *b = add_bounce(r, f->address);
	if (!b)
		return;
	struct str near = bounce_words_near(r->arena, r->notice, f->address, all);
	take_codes(b, f, near);
	enum bounce_stage stage = bounce_stage_of(f->words);
	if (stage == STAGE_UNKNOWN)
		stage = bounce_stage_of(near);
	bool quoted = b->reply != 0;
	b->reason = bounce_reason_of_text(f->words, b->status, stage, quoted);
	if (b->reason == RETURN_FILTERED && bounce_reason_of_text(near, b->status, stage, quoted) == RETURN_USERUNKNOWN)
		b->reason = RETURN_USERUNKNOWN; /* the report's own words prove what the quoted ones do not */
	bool weak = b->reason == RETURN_UNDEFINED || b->reason == RETURN_SYSTEMERROR || b->reason == RETURN_ONHOLD;
	enum bounce_reason by_status = bounce_reason_of_status(b->status);
	if (weak && by_status != RETURN_UNDEFINED && !bounce_status_vague(b->status)) {
		b->reason = by_status;
	} else if (weak) {
		enum bounce_reason by_near = bounce_reason_of_text(near, b->status, stage, quoted);
		if (by_near != RETURN_UNDEFINED)
			b->reason = by_near;
		else if (b->reason == RETURN_UNDEFINED)
			b->reason = by_status;
	}
	if (f->delayed && b->reason == RETURN_UNDEFINED)
		b->reason = RETURN_EXPIRED;
	b->verdict = verdict_of(b, f->delayed);
}

static void judge_all(struct reading *r, const struct bounce_finds *finds)
{
	for (size_t i = 0; i < finds->count; i++)
		judge(r, &finds->list[i], finds);
}

/* ---- complaints (RFC 5965) ---- */

static bool feedback_field(struct str line, const char *name, struct str *value)
{
	size_t n = strlen(name);
	if (line.n <= n || line.p[n] != ':' || !str_eq_nocase((struct str){ line.p, n }, str_from(name)))
		return false;
	*value = str_trim((struct str){ line.p + n + 1, line.n - n - 1 });
	return true;
}

static void complaint(struct reading *r, struct str address, enum bounce_verdict verdict, enum bounce_reason reason)
{
	struct bounce *b = add_bounce(r, address);
	if (b) {
		b->verdict = verdict;
		b->reason = reason;
	}
}

/* "auth-failure" (RFC 6591) and "not-spam" are reports, not complaints of a person. */
static void read_feedback(struct reading *r, const struct headers *original)
{
	enum bounce_verdict verdict = BOUNCE_COMPLAINT;
	enum bounce_reason reason = RETURN_FEEDBACK;
	struct str rest = r->feedback, line, value;
	while (line_next(&rest, &line))
		if (feedback_field(line, "Feedback-Type", &value) &&
		    (str_has(value, "auth-failure") || str_has(value, "not-spam"))) {
			verdict = BOUNCE_UNKNOWN;
			reason = str_has(value, "auth") ? RETURN_AUTHFAILURE : RETURN_UNDEFINED;
		}
	rest = r->feedback;
	while (line_next(&rest, &line))
		if (feedback_field(line, "Original-Rcpt-To", &value) && first_address(value).n)
			complaint(r, first_address(value), verdict, reason);
	if (r->out->count == 0)
		complaint(r, original_recipient(original), verdict, reason);
}

/* Providers that forward the mail complained about without RFC 5965's fields. */
static bool informal_complaint(const struct reading *r, const struct headers *original)
{
	return r->original.n && (str_has(r->subject, "complaint about message") ||
	                         (headers_find(original, "X-HmXmrOriginalRecipient").n && str_has(r->from, "staff@")) ||
	                         str_has(r->subject, "email feedback report for ip"));
}

/* ---- automatic replies ---- */

static bool any_in(struct str s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_has(s, list[i]))
			return true;
	return false;
}

static bool from_daemon(const struct reading *r)
{
	static const char *const NAMES[] = {
		"mailer-daemon", "postmaster", "mail delivery", "post_master",  "mailerdaemon",
		"mail-daemon",   "mdaemon",    "mailmaster",    "maildelivery", "mail_delivery"
	};
	return any_in(r->from, NAMES, ARRAY_LEN(NAMES));
}

static bool is_autoreply(const struct reading *r)
{
	static const char *const SUBJECTS[] = {
		"out of office",
		"out of the office",
		"automatic reply",
		"auto reply",
		"auto-reply",
		"autoreply",
		"auto response",
		"autoresponse",
		"away until",
		"away from",
		"on vacation",
		"vacation reply",
		"réponse automatique",
		"absence du bureau",
		"absent du bureau",
		"absence:",
		"absence ",
		"en congés",
		"en vacances",
		"abwesenheit",
		"automatische antwort",
		"respuesta automática",
		"fuera de oficina",
		"risposta automatica",
		"fuori sede",
		"afwezig",
		"resposta automática",
		"autosvar",
		"自動応答",
		"auto:",
	};
	const struct headers *h = &r->mail.headers;
	if (r->has_status || r->has_feedback || headers_find(h, "X-Failed-Recipients").n || from_daemon(r))
		return false;
	if (any_in(r->subject, SUBJECTS, ARRAY_LEN(SUBJECTS)))
		return true;
	return str_has(headers_find(h, "Auto-Submitted"), "auto-replied") ||
	       str_has(headers_find(h, "Auto-Submitted"), "vacation") || headers_find(h, "X-Autoreply").n ||
	       headers_find(h, "X-Autorespond").n || headers_find(h, "X-Autoresponder").n ||
	       str_has(headers_find(h, "X-Precedence"), "auto_reply") ||
	       str_has(headers_find(h, "Precedence"), "auto_reply") ||
	       str_has(headers_find(h, "Delivered-To"), "autoresponder");
}

/* ---- prose ---- */

static bool looks_returned(const struct reading *r)
{
	static const char *const SUBJECTS[] = {
		"undeliver",
		"returned mail",
		"delivery fail",
		"failure notice",
		"delivery status",
		"mail failure",
		"mail system error",
		"delivery notification",
		"delivery has failed",
		"could not be delivered",
		"non remis",
		"unzustellbar",
		"failed delivery",
		"mail delivery",
		"delivery report",
		"nondeliver",
		"non-deliver",
		"returned to sender",
		"error sending your mail",
		"error mail",
		"rejected",
		"delivery error",
		"delivery problem",
		"message not delivered",
		"echec",
		"échec",
		"undelivered",
		"bounce",
		"mail error",
		"unable to deliver",
		"delayed",
		"delivery incomplete",
		"delivery",
	};
	static const char *const PHRASES[] = {
		"could not be delivered",    "unable to deliver",   "undeliverable",          "delivery failed",
		"was not delivered",         "not be delivered",    "wasn't able to deliver", "failed to deliver",
		"delivery to the following", "error message below", "permanent fatal errors", "returned mail",
		"rejected recipient",        "mailbox is full",     "failure reasons",
	};
	const struct headers *h = &r->mail.headers;
	struct str path = headers_find(h, "Return-Path");
	return from_daemon(r) || headers_find(h, "X-Failed-Recipients").n || str_is(path, "<>") ||
	       str_has(path, "mailer-daemon") || str_has(headers_find(h, "Content-Type"), "multipart/report") ||
	       any_in(r->subject, SUBJECTS, ARRAY_LEN(SUBJECTS)) || any_in(r->notice, PHRASES, ARRAY_LEN(PHRASES));
}

static void read_failed_recipients(struct reading *r, struct bounce_finds *finds)
{
	struct bounce_finds *named = arena_new(r->arena, struct bounce_finds);
	for (size_t i = 0; i < r->mail.headers.count; i++) {
		const struct header *h = &r->mail.headers.list[i];
		size_t from = 0;
		struct str address;
		if (!str_eq_nocase(h->name, STR("X-Failed-Recipients")))
			continue;
		while (named->count < BOUNCE_RECIPIENTS_MAX && address_next(h->value, &from, &address))
			named->list[named->count++] = (struct bounce_found){ .address = address };
	}
	if (named->count == 0)
		return;
	for (size_t i = 0; i < named->count; i++) {
		struct bounce_found *f = &named->list[i];
		f->words = bounce_words_near(r->arena, r->notice, f->address, named);
		if (f->words.n == 0)
			f->words = bounce_words(r->arena, r->notice);
	}
	memcpy(finds, named, sizeof *named);
}

static void read_prose(struct reading *r, const struct headers *original)
{
	struct bounce_finds *finds = arena_new(r->arena, struct bounce_finds);
	read_failed_recipients(r, finds);
	if (finds->count == 0)
		bounce_read_fields(r->arena, r->notice, finds);
	if (finds->count == 0)
		bounce_read_text(r->arena, r->notice, r->self, finds);
	if (finds->count == 0) {
		struct str address = original_recipient(original);
		if (address.n == 0)
			return;
		finds->list[finds->count++] =
			(struct bounce_found){ .address = address, .words = bounce_words(r->arena, r->notice) };
	}
	judge_all(r, finds);
}

static bool read_status_parts(struct reading *r, bool *silent)
{
	struct bounce_finds *finds = arena_new(r->arena, struct bounce_finds);
	for (size_t i = 0; i < r->mail.part_count; i++)
		if (r->mail.parts[i].kind == PART_STATUS) {
			bounce_read_fields(r->arena, r->mail.parts[i].body, finds);
			*silent = *silent || str_has(r->mail.parts[i].body, "action: delivered") ||
			          str_has(r->mail.parts[i].body, "action: relayed") ||
			          str_has(r->mail.parts[i].body, "action: expanded");
		}
	judge_all(r, finds);
	return finds->count > 0;
}

static void start(struct reading *r, struct str bytes)
{
	mail_read(r->arena, bytes, &r->mail);
	r->from = header_words(r->arena, headers_find(&r->mail.headers, "From"));
	r->subject = header_words(r->arena, headers_find(&r->mail.headers, "Subject"));
	r->self = first_address(headers_find(&r->mail.headers, "To"));
	r->notice = r->original = r->feedback = STR("");
	struct str to = first_address(headers_find(&r->mail.headers, "Delivered-To"));
	r->out->to = to.n ? to : r->self;
	gather(r);
}

/* Amazon SNS mails what it also posts: one line of JSON. */
static bool read_sns(struct reading *r)
{
	struct str text = r->notice, line;
	if (!str_has(r->from, "amazonaws.com") || !line_next(&text, &line) || line.n == 0 || line.p[0] != '{')
		return false;
	struct webhook_events events;
	struct err err;
	/* the JSON may have been folded by a mail program: its lines are joined */
	struct str whole = { r->notice.p, r->notice.n };
	const char *end = memmem(whole.p, whole.n, "\n--\n", 4);
	if (end)
		whole.n = (size_t)(end - whole.p);
	char *flat = arena_copy(r->arena, whole.p, whole.n);
	for (size_t i = 0; i < whole.n; i++)
		if (flat[i] == '\n' || flat[i] == '\r')
			flat[i] = ' ';
	if (!webhook_parse(r->arena, PROVIDER_SES, (struct str){ flat, whole.n }, &events, &err))
		return false;
	for (size_t i = 0; i < events.count && r->out->count < BOUNCE_RECIPIENTS_MAX; i++)
		if (events.list[i].kind == WEBHOOK_BOUNCED || events.list[i].kind == WEBHOOK_COMPLAINED)
			r->out->list[r->out->count++] = events.list[i].bounce;
	return r->out->count > 0;
}

static void read_one(struct reading *r, const struct headers *original)
{
	bool silent = false;
	if (read_sns(r))
		return;
	if (r->has_feedback) {
		read_feedback(r, original);
	} else if (informal_complaint(r, original)) {
		complaint(r, original_recipient(original), BOUNCE_COMPLAINT, RETURN_FEEDBACK);
	} else if (is_autoreply(r)) {
		complaint(r, first_address(r->from), BOUNCE_VACATION, RETURN_VACATION);
	} else if (r->has_status && (read_status_parts(r, &silent) || silent)) {
		return;
	} else if (looks_returned(r)) {
		read_prose(r, original);
	}
}

/* A gateway may wrap the report of another: the "original" is then itself a report. */
static bool is_report(const struct reading *r)
{
	return r->has_status || from_daemon(r) || str_has(r->notice, "transcript of");
}

static bool clear(const struct bounce_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->list[i].verdict != BOUNCE_UNKNOWN)
			return true;
	return false;
}

void bounce_parse(struct arena *a, struct str mail, struct bounce_report *out)
{
	*out = (struct bounce_report){ .list = arena_array(a, struct bounce, BOUNCE_RECIPIENTS_MAX) };
	struct reading outer = { .arena = a, .out = out }, inner = { .arena = a };
	start(&outer, mail);
	struct headers original, inner_original;
	read_original(&outer, &original);
	bool wrapped = str_has(headers_find(&original, "Content-Type"), "multipart/report") ||
	               str_has(headers_find(&original, "From"), "mailer-daemon");
	if (!wrapped)
		read_one(&outer, &original);
	if (clear(out) || outer.original.n == 0)
		return;
	struct bounce_report within = { .list = arena_array(a, struct bounce, BOUNCE_RECIPIENTS_MAX) };
	inner.out = &within;
	start(&inner, outer.original);
	read_original(&inner, &inner_original);
	if (is_report(&inner))
		read_one(&inner, &inner_original);
	if (clear(&within) || (wrapped && within.count)) {
		within.to = out->to;
		*out = within;
	} else if (wrapped) {
		read_one(&outer, &original);
	}
}
