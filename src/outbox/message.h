/* message: what the shop says, one file a message, edited by people: messages/{fr,en}/NAME.md.
 *
 * A file is a YAML front matter between two lines of "---" and a body in Markdown (HTML allowed), Liquid everywhere:
 *
 *     subject     the mail's subject; or variants: [{name: a, subject: …, weight: 2}, …]
 *     preheader   what the inbox shows after the subject
 *     reason      why the person gets it, said in the footer
 *     channel     email (default), sms, postcard         purpose   marketing (default) or service
 *     from        the sender's name (default: the shop's)
 *     sms, postcard   the same message for other channels
 *
 * Parts: messages/parts/NAME.liquid, a language's own in messages/{fr,en}/parts/. parts/layout.liquid is the mail
 * around the body: [[content]], [[subject]], [[preheader]], [[reason]], [[purpose]] and [[lang]] in it are replaced
 * when the message is compiled. parts/text.liquid ends the text part.
 *
 * Markdown and styles are worked out once, when the message is compiled; rendering is Liquid alone. The text part is
 * made from the rendered body. A compiled set is never changed: threads may share it.
 *
 * What templates may say of customer, shop, order … is in doc/messages.md; message_known_path() knows the list. */
#ifndef RELANCE_OUTBOX_MESSAGE_H
#define RELANCE_OUTBOX_MESSAGE_H

#include "outbox/liquid.h"

enum {
	MESSAGE_VARIANTS_MAX = 8,
	MESSAGE_BYTES_MAX = 100 * 1000, /* Gmail clips a mail past 102 kB */
};

enum message_purpose { MESSAGE_MARKETING, MESSAGE_SERVICE };
enum message_channel { MESSAGE_EMAIL, MESSAGE_SMS, MESSAGE_POSTCARD };

struct message_variant {
	const char *name;
	const char *subject_source;
	struct liquid_template *subject;
	int64_t weight;
};

struct message {
	const char *name, *file; /* "winback-1", "fr/winback-1.md" */
	enum liquid_locale locale;
	enum message_channel channel;
	enum message_purpose purpose;
	struct message_variant variants[MESSAGE_VARIANTS_MAX];
	size_t variant_count;
	struct liquid_template *preheader, *from, *reason, *sms, *postcard; /* NULL when not said */
	struct liquid_template *body;                                       /* as written, for checks: right lines */
	struct liquid_template *head, *content, *tail;                      /* the HTML mail */
	struct liquid_template *text_tail;
};

struct message_set;

struct message_set *message_set_new(void);
void message_set_free(struct message_set *set);

/* Takes one file: "fr/winback-1.md", "parts/button.liquid", "fr/parts/footer.liquid"; other names are ignored. A file
 * added again replaces the first. Bytes are copied. */
void message_set_add(struct message_set *set, struct str name, struct str bytes);
/* Compiles what was added. The first error ends it; it names file, line and column. */
bool message_set_compile(struct message_set *set, struct err *err) MUST_CHECK;

const struct message *message_find(const struct message_set *set, enum liquid_locale locale, struct str name);
size_t message_count(const struct message_set *set);
const struct message *message_at(const struct message_set *set, size_t i); /* sorted by name, then language */

/* The variant of a person: by weight, from a draw of theirs (base/hash.h, DRAW_VARIANT). */
size_t message_variant_of(const struct message *m, uint64_t draw);

struct message_text {
	struct buf subject, preheader, from, html, text, sms, postcard;
};
void message_text_init(struct message_text *t);
void message_text_clear(struct message_text *t);
void message_text_release(struct message_text *t);

/* Renders all of a message. options: locale and partials are the message's own. False: err says where. */
/* Header fields are one line. */
void message_one_line(struct buf *b);
bool message_render(const struct message_set *set, const struct message *m, size_t variant, struct liquid *r,
                    const struct lobject *context, const struct liquid_options *options, struct message_text *out,
                    struct err *err) MUST_CHECK;

/* ---- checks ---- */

struct message_finding {
	const char *file;
	int line, column; /* 0 = the whole message */
	struct str text;
};
struct message_findings {
	struct arena arena;
	struct message_finding *list;
	size_t count, cap;
};
void message_findings_init(struct message_findings *f);
void message_findings_release(struct message_findings *f);

/* Unknown variables and parts, and, in the mail rendered with `sample`: missing alt, broken links, size, a subject that
 * smells of spam or is too long, a missing way to stop. */
void message_check(const struct message_set *set, const struct message *m, const struct lobject *sample,
                   const struct liquid_options *options, struct message_findings *out);

bool message_known_path(struct str path);

/* ---- pieces, shared and tested alone ---- */

/* HTML → text: paragraphs, lists, "label: address" for links, entities decoded. */
void html_to_text(struct str html, struct buf *out);
/* Markdown with Liquid in it → HTML with inlined styles, the Liquid untouched. */
bool markdown_to_html(struct str markdown, struct buf *out, struct err *err) MUST_CHECK;

#endif
