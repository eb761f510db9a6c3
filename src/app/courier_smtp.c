/* Mail through the shop's mail server: the claimed batch is built and becomes a parcel (parcel.h), which is handed over
 * at once, or by the thread of courier_in_background (dispatch.h). */
#include "app/courier_int.h"
#include "app/links.h"
#include "app/live_int.h"
#include "app/parcel.h"
#include "channel/dir.h"
#include "channel/dkim.h"
#include "channel/mime.h"
#include "channel/smtp.h"
#include "channel/throttle.h"
#include "channel/token.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 60 };

static bool word(struct live *l, const char *name, char *out, size_t size, struct arena *a, struct err *err)
{
	struct str text;
	bool found;
	if (!store_shop_get(l->shop.db, name, a, &text, &found, err))
		return false;
	snprintf(out, size, "%.*s", STR_ARG(text));
	return true;
}

static bool read_server(struct live *l, struct mail_server *s, struct arena *a, struct err *err)
{
	char tls[32], timeout[16];
	if (!word(l, "smtp.host", s->host, sizeof s->host, a, err) ||
	    !word(l, "smtp.port", s->port, sizeof s->port, a, err) ||
	    !word(l, "smtp.user", s->user, sizeof s->user, a, err) || !word(l, "smtp.tls", tls, sizeof tls, a, err) ||
	    !word(l, "smtp.timeout", timeout, sizeof timeout, a, err))
		return false;
	int64_t seconds;
	s->timeout_s = str_i64(str_from(timeout), &seconds) && seconds > 0 && seconds < 3600 ? (int)seconds : TIMEOUT_S;
	if (!s->port[0])
		snprintf(s->port, sizeof s->port, "%s", strcmp(tls, "tls") == 0 ? "465" : "25");
	s->tls = strcmp(tls, "tls") == 0        ? SMTP_TLS_WRAPPED
	         : strcmp(tls, "starttls") == 0 ? SMTP_TLS_STARTTLS
	         : strcmp(tls, "none") == 0     ? SMTP_TLS_NONE
	                                        : SMTP_TLS_IF_OFFERED;
	return true;
}

bool courier_has_server(struct live *l, struct arena *a)
{
	char host[256];
	struct err ignored;
	return word(l, "smtp.host", host, sizeof host, a, &ignored) && host[0];
}

/* ---- DKIM: SELECTOR.pem files of the folder ---- */

static bool read_key(const char *folder, const char *file, struct signing *s, struct arena *a, struct err *err)
{
	char path[1024], *pem = arena_alloc(a, DKIM_PEM_MAX + 1);
	snprintf(path, sizeof path, "%s/%s", folder, file);
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "%s", path);
	size_t n = fread(pem, 1, DKIM_PEM_MAX, f);
	fclose(f);
	s->keys[s->count] = dkim_key_parse((struct str){ pem, n }, err);
	if (!s->keys[s->count])
		return err_context(err, "%s", path);
	s->selectors[s->count++] = arena_str(a, (struct str){ file, strlen(file) - 4 });
	return true;
}

static bool open_signing(struct live *l, struct str domain, struct signing *s, struct arena *a, struct err *err)
{
	char folder[768];
	if (!word(l, "dkim.keys", folder, sizeof folder, a, err))
		return false;
	if (!folder[0])
		return true;
	DIR *dir = opendir(folder);
	if (!dir)
		return err_errno(err, "dkim.keys: %s", folder);
	bool ok = true;
	for (struct dirent *e; ok && s->count < DKIM_KEYS_MAX && (e = readdir(dir));)
		if (str_ends(str_from(e->d_name), STR(".pem")))
			ok = read_key(folder, e->d_name, s, a, err);
	closedir(dir);
	if (ok && s->count)
		s->signer = dkim_signer_new(domain, (const struct dkim_key *const *)s->keys, s->selectors, s->count, err);
	return ok && (s->count == 0 || s->signer);
}

void signing_release(struct signing *s)
{
	dkim_signer_free(s->signer);
	for (size_t i = 0; i < s->count; i++)
		dkim_key_free(s->keys[i]);
}

/* ---- what became of a mail ---- */

enum { UNREACHED_S = 5 * MINUTE_S, UNBUILT_S = 15 * MINUTE_S, BACKOFF_MAX = 5 };

static struct settlement untried(struct instant now, int64_t wait_s, struct str why)
{
	return (struct settlement){
		.to = MESSAGE_DEFERRED, .at = now, .try_after = { now.s + wait_s }, .outcome = why, .untried = true
	};
}

/* After the nth deferral of a message: 5 minutes, 15, 45 … at most 6 hours; its step's `late` ends it. The count is the
 * outbox's, so a restart begins nothing again. */
static struct instant try_after(const struct letter *x, struct instant now)
{
	int n = x->tries < BACKOFF_MAX ? (int)x->tries + 1 : BACKOFF_MAX;
	return (struct instant){ now.s + throttle_retry_s(n, (uint64_t)outbox_link_id(&x->key)) };
}

static struct settlement answered(const struct letter *x, struct instant now, struct arena *a)
{
	struct settlement s = { .at = now, .outcome = arena_printf(a, "%s %s", smtp_result_name(x->result), x->code) };
	switch (x->result) {
	case SMTP_ACCEPTED: s.to = MESSAGE_ACCEPTED; break;
	case SMTP_REFUSED: s.to = MESSAGE_REFUSED; break;
	case SMTP_UNCERTAIN: s.to = MESSAGE_UNCERTAIN; break;
	case SMTP_DEFERRED:
	case SMTP_WITHDRAWN:
		s.to = MESSAGE_DEFERRED;
		s.try_after = x->key.customer ? try_after(x, now) : now;
		break;
	}
	return s;
}

struct settlement letter_settlement(const struct letter *x, struct instant now, struct arena *a)
{
	switch (x->state) {
	case LETTER_WAITING:
	case LETTER_TAKEN: break;
	case LETTER_ANSWERED: return answered(x, now, a);
	case LETTER_RECALLED: return untried(now, 0, STR("held back"));
	case LETTER_UNREACHED: return untried(now, UNREACHED_S, STR("server not reached"));
	case LETTER_UNSIGNED: return untried(now, UNREACHED_S, STR("the mail could not be signed"));
	}
	check(x->state > LETTER_TAKEN);
	return untried(now, 0, STR(""));
}

/* Where a mail that fails goes back to: the mailbox of the setting bounce.address, with the message's token in it. */
struct return_path {
	unsigned char key[TOKEN_KEY_BYTES];
	struct str prefix, domain; /* prefix empty: no such mailbox */
	struct str plain;          /* for what is no message of the outbox */
};

static bool read_return_path(struct live *l, struct str email, struct return_path *r, struct arena *a, struct err *err)
{
	struct str mailbox;
	bool found;
	*r = (struct return_path){ .plain = email };
	if (!store_shop_get(l->shop.db, "bounce.address", a, &mailbox, &found, err))
		return false;
	const char *at = found && mailbox.n ? memchr(mailbox.p, '@', mailbox.n) : NULL;
	if (at) {
		r->prefix = (struct str){ mailbox.p, (size_t)(at - mailbox.p) };
		r->domain = (struct str){ at + 1, mailbox.n - r->prefix.n - 1 };
		r->plain = mailbox;
		links_key(&l->shop.shop, r->key);
	}
	return true;
}

static struct str return_path(const struct return_path *r, const struct message_key *m, struct arena *a)
{
	if (!r->prefix.n)
		return r->plain;
	struct buf path;
	buf_init(&path, 512);
	verp_write(r->key, outbox_link_id(m), r->prefix, r->domain, &path);
	struct str s = path.full ? r->plain : arena_str(a, buf_view(&path));
	buf_release(&path);
	return s;
}

/* ---- handing over: one mail of the pages' own or a batch of the outbox ---- */

struct posting {
	struct mail_server server;
	struct courier_shop words;
	struct return_path from;
	struct parcel *parcel;
};

static struct parcel *parcel_new(size_t letters)
{
	struct parcel *p = mem_alloc(sizeof *p);
	arena_init(&p->arena);
	p->letters = arena_array(&p->arena, struct letter, letters + 1);
	return p;
}

void parcel_free(struct parcel *p)
{
	if (!p)
		return;
	signing_release(&p->sign);
	arena_release(&p->arena);
	free(p);
}

/* p->parcel is the caller's to free, whatever the answer. Without a mail server nothing is signed, and no key is read.
 */
static bool open_posting(struct courier_state *c, struct live *l, size_t letters, struct posting *p, struct arena *a,
                         struct err *err)
{
	*p = (struct posting){ .parcel = parcel_new(letters) };
	if (!read_server(l, &p->server, a, err) || !courier_shop_read(c, l, a, &p->words, err) ||
	    !read_return_path(l, p->words.email, &p->from, a, err))
		return false;
	snprintf(p->server.helo, sizeof p->server.helo, "%.*s", STR_ARG(p->words.domain));
	p->parcel->server = p->server;
	return !p->server.host[0] || open_signing(l, p->words.domain, &p->parcel->sign, &p->parcel->arena, err);
}

/* A letter more: the mail, addressed. m: NULL for what is no message of the outbox. False: `to` is no mail address. */
static bool put_mail(struct posting *p, struct str to, const struct outbox_message *m, const struct buf *mail,
                     void *tag)
{
	struct parcel *parcel = p->parcel;
	struct arena *a = &parcel->arena;
	struct letter *x = &parcel->letters[parcel->count];
	struct buf address;
	buf_init(&address, 1024);
	*x = (struct letter){ .parcel = parcel, .tag = tag };
	bool ok = mime_address(to, &address, &x->mail.smtputf8);
	if (ok && m) {
		x->key = m->key;
		x->key.plan = arena_str(a, m->key.plan);
		x->key.step = arena_str(a, m->key.step);
		x->tries = m->tries;
	}
	if (ok) {
		x->address = arena_str(a, to);
		x->mail.from = arena_str(a, m ? return_path(&p->from, &m->key, a) : p->from.plain);
		x->mail.to = arena_str(a, buf_view(&address));
		x->mail.data = arena_str(a, buf_view(mail));
		parcel->count++;
	}
	buf_release(&address);
	return ok;
}

/* What the shop has to mend keeps the mail waiting, and is said; what is wrong with the address ends it. */
static struct settlement unbuilt(const struct err *err, struct instant now, struct arena *a)
{
	return untried(now, UNBUILT_S, arena_printf(a, "cannot be built: %.300s", err->text));
}

/* A mail of the batch; false: *to says why it is none. */
static bool add_mail(struct courier_state *c, struct live *l, const struct outbox_message *m,
                     const struct person *known, struct posting *p, struct settlement *to, struct arena *a)
{
	struct err err;
	struct person who = known ? *known : (struct person){ .email = STR("") };
	struct str ref;
	if (!known && !store_person(l->shop.db, m->key.customer, a, &who, &ref, &err)) {
		*to = untried(l->now, UNREACHED_S, STR("person not read"));
		return false;
	}
	*to = (struct settlement){ .to = MESSAGE_REFUSED, .at = l->now, .outcome = STR("no address") };
	if (!who.email.n)
		return false;
	struct buf mail;
	buf_init(&mail, MIME_MAIL_MAX);
	bool ok = courier_mail(c, l, m, &who, !known && courier_may_track(l, m->key.customer), a, &mail, &err);
	if (!ok) {
		*to = unbuilt(&err, l->now, a);
	} else if (!put_mail(p, who.email, m, &mail, to)) {
		to->outcome = STR("not a mail address");
		ok = false;
	}
	buf_release(&mail);
	return ok;
}

static bool is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* Marketing needs a working way to stop in every message (LAW): without public_url the links lead nowhere, and mail for
 * the world waits. */
static bool can_stop(const struct mail_server *server, const struct courier_shop *words, const struct outbox_message *m,
                     struct instant now, struct settlement *to)
{
	if (words->is_public || m->purpose != PURPOSE_MARKETING || is_here(server->host))
		return true;
	*to = untried(now, UNREACHED_S, STR("public_url is not set"));
	return false;
}

/* What the domain of the letter said, for its pace. */
static void pace(struct courier_state *c, const struct letter *x, const struct settlement *s, struct instant now)
{
	if (s->to == MESSAGE_DEFERRED && x->code[0] == '4')
		courier_pace_deferred(c, x->address, now);
	else if (s->to == MESSAGE_ACCEPTED)
		courier_pace_accepted(c, x->address);
}

/* By this thread: every letter's `tag` is where to say what became of it. */
static void send_now(struct courier_state *c, struct live *l, struct parcel *p, struct arena *a)
{
	p->quick = c->dispatch != NULL;
	if (p->count && (!c->dispatch || dispatch_room(c->dispatch, &p->server, 0)))
		dispatch_now(c->dispatch, p);
	else
		for (size_t i = 0; i < p->count; i++)
			p->letters[i].state = LETTER_UNREACHED;
	for (size_t i = 0; i < p->count; i++) {
		struct settlement *to = p->letters[i].tag;
		*to = letter_settlement(&p->letters[i], l->now, a);
		pace(c, &p->letters[i], to, l->now);
	}
}

/* ok: what the mail server said, or that it is written. */
static bool post(struct courier_state *c, struct live *l, struct str name, struct mime_mail *mail, struct posting *p,
                 struct settlement *said, struct arena *a, struct err *err)
{
	struct mime_result built;
	struct buf bytes;
	mail->from_name = str_from(l->shop.shop.name);
	mail->from_address = p->words.email;
	mail->message_id = arena_printf(a, "%.*s@%.*s", STR_ARG(name), STR_ARG(p->words.domain));
	buf_init(&bytes, MIME_MAIL_MAX);
	bool ok = mime_build(mail, &bytes, &built, err);
	if (ok && !p->server.host[0]) {
		ok = dir_write(c->folder, name, ".eml", buf_view(&bytes), NULL, 0, err);
		if (ok)
			*said = (struct settlement){ .to = MESSAGE_ACCEPTED, .at = l->now, .outcome = STR("written as a file") };
	} else if (ok) {
		ok = put_mail(p, mail->to_address, NULL, &bytes, said) || err_set(err, ERR_INPUT, "not a mail address");
		send_now(c, l, p->parcel, a);
	}
	buf_release(&bytes);
	return ok;
}

bool courier_post(struct courier_state *c, struct live *l, struct str name, struct mime_mail *mail,
                  struct settlement *what, struct arena *a, struct err *err)
{
	struct posting p;
	struct settlement said = untried(l->now, UNREACHED_S, STR("server not reached"));
	bool ok = open_posting(c, l, 1, &p, a, err) && post(c, l, name, mail, &p, &said, a, err);
	parcel_free(p.parcel);
	if (what)
		*what = said;
	else if (ok && said.to != MESSAGE_ACCEPTED && said.to != MESSAGE_UNCERTAIN)
		ok = err_set(err, ERR_WORLD, "the mail did not leave: %.*s", STR_ARG(said.outcome));
	return ok;
}

/* To the thread: what becomes of the letters is told by courier_collect. */
static bool send_later(struct courier_state *c, struct live *l, struct posting *p, struct err *err)
{
	struct parcel *parcel = p->parcel;
	for (size_t i = 0; i < parcel->count; i++)
		*(struct settlement *)parcel->letters[i].tag =
			(struct settlement){ .to = MESSAGE_SENDING, .at = l->now, .outcome = STR("") };
	if (parcel->count == 0)
		return true;
	if (!dispatch_put(c->dispatch, parcel, err)) {
		for (size_t i = 0; i < parcel->count; i++)
			*(struct settlement *)parcel->letters[i].tag = untried(l->now, UNREACHED_S, STR("not handed over"));
		return false;
	}
	p->parcel = NULL;
	return true;
}

bool courier_send_mails(struct courier_state *c, struct live *l, const struct outbox_message *const *messages,
                        const struct person *known, struct settlement *const *to, size_t count, bool wait,
                        struct arena *a, struct err *err)
{
	struct posting p;
	size_t kept_back = 0;
	bool ok = open_posting(c, l, count, &p, a, err);
	for (size_t i = 0; i < count; i++) {
		if (!ok)
			*to[i] = untried(l->now, UNREACHED_S, STR("not handed over"));
		else if (!known && !can_stop(&p.server, &p.words, messages[i], l->now, to[i]))
			kept_back++;
		else if (!add_mail(c, l, messages[i], known, &p, to[i], a))
			continue;
	}
	if (kept_back)
		fputs("relance: marketing mails wait: their links to stop would lead nowhere; relance set DB public_url "
		      "https://…\n",
		      stderr);
	if (ok && c->dispatch && !wait)
		ok = send_later(c, l, &p, err);
	else if (ok)
		send_now(c, l, p.parcel, a);
	parcel_free(p.parcel);
	return ok;
}

/* ---- in the background ---- */

void courier_in_background(struct courier_state *c, const char *address, void (*notify)(void *ctx), void *ctx)
{
	if (!c->dispatch)
		c->dispatch = dispatch_new(address, notify, ctx);
}

bool courier_room(void *ctx, struct live *l)
{
	const struct courier_state *c = ctx;
	struct mail_server to;
	struct arena a;
	struct err ignored;
	arena_init(&a);
	bool room = !read_server(l, &to, &a, &ignored) || !to.host[0] || dispatch_room(c->dispatch, &to, OUTBOX_CLAIM_MAX);
	arena_release(&a);
	return room;
}

bool courier_arrived(void *ctx)
{
	const struct courier_state *c = ctx;
	return dispatch_arrived(c->dispatch);
}

size_t courier_collect(void *ctx, struct live *l, struct delivered out[OUTBOX_CLAIM_MAX], struct arena *a)
{
	struct courier_state *c = ctx;
	struct letter *letters[OUTBOX_CLAIM_MAX];
	size_t n = dispatch_look(c->dispatch, letters, ARRAY_LEN(letters));
	for (size_t i = 0; i < n; i++) {
		const struct letter *x = letters[i];
		out[i] = (struct delivered){ .key = x->key, .said = letter_settlement(x, l->now, a) };
		pace(c, x, &out[i].said, l->now);
	}
	return n;
}

void courier_collected(void *ctx, size_t count)
{
	const struct courier_state *c = ctx;
	dispatch_taken(c->dispatch, count);
}

void courier_recall(void *ctx, customer_id who)
{
	const struct courier_state *c = ctx;
	dispatch_recall(c->dispatch, who);
}

void courier_finish(void *ctx)
{
	const struct courier_state *c = ctx;
	dispatch_stop(c->dispatch);
}
