/* The timeline of one person: what they did, what was sent to them, what was decided about them, newest first. Every
 * entry has a sentence (title, detail) in the language asked for, and beside it the parts it is made of, so that a page
 * may say it its own way. A message leads to its decision, its plan and its web version. */
#include "app/links.h"
#include "model/names.h"
#include "store/outbox.h"
#include "web/web_int.h"

#include <stdlib.h>

enum { TIMELINE_MAX = 20000, LINES_SHOWN = 50 };

struct entry {
	int64_t at;
	struct str json; /* the rest of the object */
};

struct timeline {
	struct request *r;
	const struct world *w;
	struct arena *a;
	struct entry *items;
	size_t count, cap;
	enum locale locale;
	bool fr;
};

#define SAY(t, french, english) ((t)->fr ? (french) : (english))

/* ---- words ---- */

struct word {
	const char *name, *fr, *en;
};

static const char *word_of(const struct timeline *t, const struct word *words, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(name, words[i].name))
			return SAY(t, words[i].fr, words[i].en);
	return NULL;
}

static const char *by_channel(const struct timeline *t, enum channel c)
{
	switch (c) {
	case CHANNEL_EMAIL: return SAY(t, "par e-mail", "by e-mail");
	case CHANNEL_SMS: return SAY(t, "par SMS", "by text message");
	case CHANNEL_POSTCARD: return SAY(t, "par courrier", "by post");
	case CHANNEL_PHONE: return SAY(t, "par téléphone", "by phone");
	case CHANNEL_AUDIENCE: return SAY(t, "sur les réseaux sociaux", "on social networks");
	case CHANNEL_PUSH: return SAY(t, "par notification", "by notification");
	case CHANNEL_STAFF: return SAY(t, "à l’équipe", "to the team");
	case CHANNEL_COUNT: break;
	}
	return "";
}

static const char *consent_said(const struct timeline *t, enum consent_state s, enum purpose p)
{
	bool follow = p == PURPOSE_TRACKING;
	switch (s) {
	case CONSENT_GRANTED:
		return follow ? SAY(t, "A accepté le suivi des ouvertures", "Agreed to opens being followed")
		              : SAY(t, "A accepté nos messages", "Agreed to our messages");
	case CONSENT_SOFT:
		return SAY(t, "Adresse donnée lors d’un achat, sans opposition à nos messages",
		           "Address given at a purchase, without opposing our messages");
	case CONSENT_WITHDRAWN:
		return follow ? SAY(t, "A retiré son accord au suivi", "Withdrew from being followed")
		              : SAY(t, "S’est désinscrit·e de nos messages", "Unsubscribed from our messages");
	case CONSENT_OPPOSED:
		return follow ? SAY(t, "S’est opposé·e au suivi", "Opposed being followed")
		              : SAY(t, "S’est opposé·e à la prospection", "Opposed marketing");
	}
	return "";
}

static const struct word EVENTS[] = {
	{ "account_created", "A créé son compte", "Created an account" },
	{ "newsletter", "S’est inscrit·e à la lettre", "Subscribed to the newsletter" },
	{ "visit", "A visité le site", "Visited the site" },
	{ "store_visit", "Est passé·e en boutique", "Came to the shop" },
	{ "call", "A appelé", "Called" },
	{ "left_reason", "A dit pourquoi il ou elle s’éloigne", "Said why they are leaving" },
	{ "survey_comment", "A laissé un commentaire", "Left a comment" },
	{ "request", "A écrit à la boutique", "Wrote to the shop" },
	{ "survey_detail", "A précisé ce qui n’allait pas", "Said what went wrong" },
	{ "voucher_redeemed", "A utilisé un bon", "Redeemed a voucher" },
	{ "gift", "A reçu un cadeau", "Got a gift" },
};

static const struct word ANSWERS[] = {
	{ "very_satisfied", "Très satisfait·e", "Very satisfied" },
	{ "satisfied", "Satisfait·e", "Satisfied" },
	{ "unsatisfied", "Insatisfait·e", "Not satisfied" },
	{ "left_disappointed", "Déçu·e", "Disappointed" },
	{ "left_late", "Livraison en retard", "Late delivery" },
	{ "left_expensive", "Trop cher", "Too expensive" },
	{ "left_changed", "Ses besoins ont changé", "Needs have changed" },
	{ "left_other", "Une autre raison", "Another reason" },
};

static struct str answer_said(const struct timeline *t, struct str name)
{
	const char *known = word_of(t, ANSWERS, ARRAY_LEN(ANSWERS), name);
	return known ? str_from(known) : name;
}

static const char *sale_said(const struct timeline *t, enum sale_channel c)
{
	switch (c) {
	case SALE_STORE: return SAY(t, "en boutique", "in the shop");
	case SALE_WEB: return SAY(t, "sur le site", "on the site");
	case SALE_PHONE: return SAY(t, "par téléphone", "by phone");
	case SALE_APP: return SAY(t, "dans l’application", "in the app");
	case SALE_MARKETPLACE: return SAY(t, "sur une place de marché", "on a marketplace");
	case SALE_B2B: return SAY(t, "en compte professionnel", "on a business account");
	case SALE_UNKNOWN:
	case SALE_CHANNEL_COUNT: break;
	}
	return "";
}

static const char *verdict_said(const struct timeline *t, enum verdict v)
{
	switch (v) {
	case VERDICT_ENTERED: return SAY(t, "Entre dans le plan", "Enters the plan");
	case VERDICT_CONTROL:
		return SAY(t, "Entre dans le groupe témoin\xC2\xA0: rien ne lui est envoyé",
		           "Enters the control group: nothing is sent");
	case VERDICT_SEND: return SAY(t, "Message décidé", "Message decided");
	case VERDICT_HELD: return SAY(t, "Message retenu", "Message held");
	case VERDICT_SKIPPED: return SAY(t, "Étape passée", "Step skipped");
	case VERDICT_DROPPED: return SAY(t, "Message abandonné", "Message dropped");
	case VERDICT_EXITED: return SAY(t, "Sort du plan", "Leaves the plan");
	case VERDICT_ENDED: return SAY(t, "Fin du plan", "End of the plan");
	case VERDICT_TAGGED: return SAY(t, "Étiquette changée", "Tag changed");
	case VERDICT_COUNT: break;
	}
	return "";
}

static struct str plan_title(const struct timeline *t, struct str name)
{
	const struct plan_set *set = t->w->plans;
	for (size_t i = set->count; i-- > 0;)
		if (str_eq(set->plans[i]->name, name))
			return set->plans[i]->title[t->locale];
	return name;
}

/* ---- entries ---- */

static struct buf *entry_begin(struct timeline *t, struct buf *b, const char *kind, struct str title, struct str detail)
{
	buf_init(b, 256 << 10);
	put_open(b, NULL, '{');
	put_cstr(b, "kind", kind);
	put_str(b, "title", title);
	put_str(b, "detail", detail);
	return b;
}

static void entry_end(struct timeline *t, struct buf *b, int64_t at)
{
	put_instant(b, "at", (struct instant){ at });
	put_close(b, '}');
	if (t->count < TIMELINE_MAX) {
		t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
		t->items[t->count++] = (struct entry){ at, arena_str(t->a, buf_view(b)) };
	}
	buf_release(b);
}

/* "till:12-2" is order 12-2 of source till. */
static struct str after_source(struct str key)
{
	const char *colon = key.n ? memchr(key.p, ':', key.n) : NULL;
	return colon ? (struct str){ colon + 1, key.n - (size_t)(colon + 1 - key.p) } : key;
}

static void put_lines(struct timeline *t, struct buf *b, const struct line *lines, size_t n)
{
	uint32_t count;
	const struct product *products = book_products(t->r->web->book, &count);
	int64_t total = 0;
	put_open(b, "lines", '[');
	for (size_t i = 0; i < n; i++) {
		total += lines[i].amount;
		if (i >= LINES_SHOWN)
			continue;
		bool known = lines[i].product < count;
		put_open(b, NULL, '{');
		put_str(b, "sku", known ? products[lines[i].product].sku : STR(""));
		put_str(b, "name", known ? products[lines[i].product].name : STR(""));
		put_int(b, "quantity", lines[i].quantity);
		put_int(b, "amount", lines[i].amount);
		put_close(b, '}');
	}
	put_close(b, ']');
	put_int(b, "amount", total);
}

static struct str articles(struct timeline *t, const char *before, int64_t n, const char *where)
{
	return arena_printf(t->a, t->fr ? "%s de %lld article%s%s%s" : "%s of %lld article%s%s%s", before, (long long)n,
	                    n > 1 ? "s" : "", where[0] ? " " : "", where);
}

static bool add_order(struct timeline *t, const struct fact *f, struct err *err)
{
	struct order_body o;
	struct buf b;
	int64_t quantity = 0;
	if (!body_read_order(f->body, t->a, &o, err))
		return false;
	for (size_t i = 0; i < o.line_count; i++)
		quantity += o.lines[i].quantity;
	bool back = quantity < 0;
	struct str title = articles(t, back ? SAY(t, "Retour", "Return") : SAY(t, "Achat", "Order"),
	                            back ? -quantity : quantity, sale_said(t, o.channel)),
			   ref = after_source(f->key);
	entry_begin(t, &b, "order", title, arena_printf(t->a, t->fr ? "n°\xC2\xA0%.*s" : "no. %.*s", STR_ARG(ref)));
	put_bool(&b, "returned", back);
	put_str(&b, "ref", ref);
	put_str(&b, "key", f->key);
	put_cstr(&b, "channel", sale_channel_name(o.channel));
	put_int(&b, "quantity", quantity);
	put_str(&b, "voucher", o.voucher);
	put_lines(t, &b, o.lines, o.line_count);
	entry_end(t, &b, f->at.s);
	return true;
}

static bool add_cart(struct timeline *t, const struct fact *f, struct err *err)
{
	struct cart_body o;
	struct buf b;
	if (!body_read_cart(f->body, t->a, &o, err))
		return false;
	const char *title = o.state == CART_PAID      ? SAY(t, "Panier payé", "Cart paid")
	                    : o.state == CART_EMPTIED ? SAY(t, "Panier vidé", "Cart emptied")
	                                              : SAY(t, "Panier rempli", "Cart filled");
	entry_begin(t, &b, "cart", str_from(title),
	            arena_printf(t->a, t->fr ? "panier %.*s" : "cart %.*s", STR_ARG(o.cart)));
	put_str(&b, "cart", o.cart);
	put_cstr(&b, "state", cart_state_name(o.state));
	put_str(&b, "url", o.url);
	put_lines(t, &b, o.lines, o.line_count);
	entry_end(t, &b, f->at.s);
	return true;
}

static bool add_consent(struct timeline *t, const struct fact *f, struct err *err)
{
	struct consent_body o;
	struct buf b;
	if (!body_read_consent(f->body, t->a, &o, err))
		return false;
	struct str title = o.purpose == PURPOSE_TRACKING ? str_from(consent_said(t, o.state, o.purpose))
	                                                 : arena_printf(t->a, "%s, %s", consent_said(t, o.state, o.purpose),
	                                                                by_channel(t, o.channel));
	entry_begin(t, &b, "consent", title, o.source);
	put_cstr(&b, "channel", channel_name(o.channel));
	put_cstr(&b, "purpose", purpose_name(o.purpose));
	put_cstr(&b, "state", consent_state_name(o.state));
	put_str(&b, "source", o.source);
	put_str(&b, "wording", o.wording);
	entry_end(t, &b, f->at.s);
	return true;
}

static bool add_event(struct timeline *t, const struct fact *f, struct err *err)
{
	struct event_body o;
	struct buf b;
	if (!body_read_event(f->body, t->a, &o, err))
		return false;
	const char *known = word_of(t, EVENTS, ARRAY_LEN(EVENTS), o.name);
	entry_begin(t, &b, "event", known ? str_from(known) : o.name, answer_said(t, o.text));
	put_str(&b, "name", o.name);
	put_str(&b, "text", o.text);
	put_int(&b, "value", o.value);
	entry_end(t, &b, f->at.s);
	return true;
}

static struct str link_of(struct timeline *t, const struct message_key *key)
{
	char token[TOKEN_CHARS + 1];
	token_write(t->r->web->link_key, (struct token){ .purpose = TOKEN_WEB, .message = outbox_link_id(key) }, token);
	return arena_printf(t->a, "/m/%s", token);
}

/* What came back; what the message's own entry says already is left out. */
static bool add_receipt(struct timeline *t, const struct fact *f, struct err *err)
{
	struct receipt_body o;
	struct buf b;
	const char *title = NULL;
	if (!body_read_receipt(f->body, t->a, &o, err))
		return false;
	switch (o.receipt) {
	case RECEIPT_ANSWERED: title = SAY(t, "A répondu", "Answered"); break;
	case RECEIPT_UNSUBSCRIBED:
		title = SAY(t, "S’est désinscrit·e depuis ce message", "Unsubscribed from this message");
		break;
	case RECEIPT_COMPLAINT: title = SAY(t, "A signalé le message comme indésirable", "Called the message spam"); break;
	case RECEIPT_HARD_BOUNCE:
		title = SAY(t, "Adresse inexistante\xC2\xA0: message revenu", "No such address: returned");
		break;
	case RECEIPT_SOFT_BOUNCE: title = SAY(t, "Message revenu pour l’instant", "Returned for the moment"); break;
	case RECEIPT_ACCEPTED:
	case RECEIPT_REFUSED:
	case RECEIPT_UNCERTAIN:
	case RECEIPT_OPENED:
	case RECEIPT_CLICKED:
	case RECEIPT_DROPPED:
	case RECEIPT_COUNT: return true;
	}
	entry_begin(t, &b, o.receipt == RECEIPT_ANSWERED ? "answer" : receipt_name(o.receipt), str_from(title),
	            o.receipt == RECEIPT_ANSWERED ? answer_said(t, o.answer) : plan_title(t, o.plan));
	put_cstr(&b, "receipt", receipt_name(o.receipt));
	put_str(&b, "answer", o.answer);
	put_str(&b, "plan", o.plan);
	put_int(&b, "run", o.run);
	put_str(&b, "step", o.step);
	put_cstr(&b, "channel", channel_name(o.channel));
	entry_end(t, &b, f->at.s);
	return true;
}

/* Told on the page of the one who stayed; by whom is in the log of who did what. */
static bool add_merge(struct timeline *t, const struct fact *f, struct err *err)
{
	struct buf b;
	(void)err;
	entry_begin(t, &b, "merge",
	            arena_printf(t->a,
	                         SAY(t, "Fiche n°\xC2\xA0%u fusionnée avec celle-ci", "Record #%u merged into this one"),
	                         f->customer),
	            STR(""));
	put_int(&b, "record", f->customer);
	entry_end(t, &b, f->at.s);
	return true;
}

static bool add_fact(void *ctx, const struct fact *f, struct err *err)
{
	struct timeline *t = ctx;
	struct buf b;
	switch (f->kind) {
	case FACT_ORDER: return add_order(t, f, err);
	case FACT_CART: return add_cart(t, f, err);
	case FACT_CONSENT: return add_consent(t, f, err);
	case FACT_EVENT: return add_event(t, f, err);
	case FACT_RECEIPT: return add_receipt(t, f, err);
	case FACT_PROFILE:
		entry_begin(t, &b, "profile", str_from(SAY(t, "Fiche mise à jour", "Profile changed")), STR(""));
		entry_end(t, &b, f->at.s);
		return true;
	case FACT_RETRACT:
	case FACT_SETTING:
	case FACT_SWITCH:
	case FACT_THRESHOLD:
	case FACT_GRANT:
	case FACT_CONTROL:
	case FACT_DISTINCT:
	case FACT_KIND_COUNT: break; /* of the shop, or bookkeeping */
	case FACT_MERGE: return add_merge(t, f, err);
	}
	return true;
}

/* ---- messages and decisions ---- */

static const char *message_said(const struct timeline *t, const struct outbox_message *m)
{
	switch (m->state) {
	case MESSAGE_QUEUED:
	case MESSAGE_CLAIMED: return SAY(t, "attend de partir", "waits to leave");
	case MESSAGE_SENDING: return SAY(t, "en train de partir", "leaving");
	case MESSAGE_ACCEPTED:
		return m->clicked_at.s  ? SAY(t, "ouvert, lien suivi", "opened, link followed")
		       : m->opened_at.s ? SAY(t, "ouvert", "opened")
		                        : SAY(t, "envoyé", "sent");
	case MESSAGE_DEFERRED: return SAY(t, "différé, sera réessayé", "deferred, will be tried again");
	case MESSAGE_REFUSED: return SAY(t, "refusé", "refused");
	case MESSAGE_UNCERTAIN: return SAY(t, "parti ou non\xC2\xA0: à vérifier", "left or not: look at it");
	case MESSAGE_DROPPED: return SAY(t, "abandonné", "dropped");
	case MESSAGE_STATE_COUNT: break;
	}
	return "";
}

static bool add_messages(struct timeline *t, customer_id c, struct err *err)
{
	struct query *q = db_query(t->r->db, "timeline_messages");
	int got;
	query_int(q, 1, c);
	while ((got = query_next(q, err)) == 1) {
		struct buf b;
		struct outbox_message m = { .key = { .customer = (customer_id)query_get_int(q, 12),
			                                 .plan = arena_str(t->a, query_get_text(q, 0)),
			                                 .run_no = (uint32_t)query_get_int(q, 1),
			                                 .step = arena_str(t->a, query_get_text(q, 2)),
			                                 .channel = (enum channel)query_get_int(q, 3) },
			                        .state = (enum message_state)query_get_int(q, 4),
			                        .subject = query_get_text(q, 5),
			                        .sent_at = { query_get_int(q, 6) },
			                        .queued_at = { query_get_int(q, 7) },
			                        .opened_at = { query_get_int(q, 8) },
			                        .clicked_at = { query_get_int(q, 9) } };
		if (m.key.channel >= CHANNEL_COUNT)
			continue;
		struct str title = m.subject.n ? m.subject : plan_title(t, m.key.plan);
		entry_begin(t, &b, "message", title,
		            arena_printf(t->a, t->fr ? "%.*s, %s\xC2\xA0: %s" : "%.*s, %s: %s",
		                         STR_ARG(plan_title(t, m.key.plan)), by_channel(t, m.key.channel),
		                         message_said(t, &m)));
		put_str(&b, "plan", m.key.plan);
		put_str(&b, "plan_title", plan_title(t, m.key.plan));
		put_int(&b, "run", m.key.run_no);
		put_str(&b, "step", m.key.step);
		put_int(&b, "version", query_get_int(q, 10));
		put_cstr(&b, "channel", channel_name(m.key.channel));
		put_cstr(&b, "state", message_state_name(m.state));
		put_str(&b, "subject", m.subject);
		put_instant(&b, "sent_at", m.sent_at);
		put_instant(&b, "opened_at", m.opened_at);
		put_instant(&b, "clicked_at", m.clicked_at);
		if (query_get_int(q, 11))
			put_str(&b, "web", link_of(t, &m.key));
		else
			put_null(&b, "web");
		entry_end(t, &b, m.sent_at.s ? m.sent_at.s : m.queued_at.s);
	}
	return got == 0;
}

static bool add_decision(void *ctx, const struct outbox_decision *d, struct err *err)
{
	struct timeline *t = ctx;
	struct buf b, text;
	(void)err;
	buf_init(&text, 2048);
	reason_text(d->reason, d->argument, t->w->settings->zone, t->locale, &text);
	entry_begin(t, &b, "decision",
	            arena_printf(t->a, t->fr ? "%.*s\xC2\xA0: %s" : "%.*s: %s", STR_ARG(plan_title(t, d->plan)),
	                         verdict_said(t, d->verdict)),
	            buf_view(&text));
	put_str(&b, "plan", d->plan);
	put_str(&b, "plan_title", plan_title(t, d->plan));
	put_int(&b, "version", d->version);
	put_int(&b, "run", d->run_no);
	put_str(&b, "step", d->step);
	put_cstr(&b, "verdict", verdict_name(d->verdict));
	put_cstr(&b, "reason", reason_name(d->reason));
	put_cstr(&b, "channel", d->channel < CHANNEL_COUNT ? channel_name((enum channel)d->channel) : NULL);
	put_int(&b, "times", d->times);
	put_instant(&b, "last_at", d->at);
	buf_release(&text);
	entry_end(t, &b, d->first_at.s);
	return true;
}

/* ---- the page ---- */

static int newest_first(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	return a->at != b->at ? (a->at < b->at ? 1 : -1) : str_cmp(a->json, b->json);
}

void on_timeline(struct request *r)
{
	struct err err;
	customer_id c = customer_arg(r);
	int64_t limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT),
			from = number_query(r, "cursor", 0, TIMELINE_MAX, 0);
	struct timeline t = { .r = r, .a = &r->arena, .locale = request_locale(r) };
	t.fr = t.locale == LOCALE_FR;
	if (!c || !(t.w = request_world(r)))
		return;
	customer_id *records;
	size_t count;
	bool ok = store_records(r->db, c, t.a, &records, &count, &err);
	for (size_t i = 0; ok && i < count; i++)
		ok = store_facts_by_customer(r->db, records[i], records[i], INSTANT_NEVER, add_fact, &t, &err);
	ok = ok && add_messages(&t, c, &err) && outbox_decisions(r->db, c, add_decision, &t, &err);
	if (t.count)
		qsort(t.items, t.count, sizeof *t.items, newest_first);
	put_open(&r->out, NULL, '{');
	put_open(&r->out, "items", '[');
	for (int64_t i = from; i < from + limit && i < (int64_t)t.count; i++)
		put_raw(&r->out, NULL, t.items[i].json);
	put_close(&r->out, ']');
	put_cursor(&r->out, from + limit, from + limit < (int64_t)t.count);
	put_close(&r->out, '}');
	free(t.items);
	if (ok)
		request_send_json(r, 200);
	else
		request_err(r, &err);
}
