/* Mail through the shop's mail server: the claimed batch is built, signed and handed over in one go (channel/smtp.h).
 */
#include "app/courier_int.h"
#include "app/links.h"
#include "app/live_int.h"
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

struct mail_server {
	char host[256], port[16], user[256];
	enum smtp_tls tls;
	int timeout_s;
};

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

struct signing {
	struct dkim_key *keys[DKIM_KEYS_MAX];
	struct str selectors[DKIM_KEYS_MAX];
	size_t count;
	struct dkim_signer *signer;
};

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

static void close_signing(struct signing *s)
{
	dkim_signer_free(s->signer);
	for (size_t i = 0; i < s->count; i++)
		dkim_key_free(s->keys[i]);
}

/* ---- the batch ---- */

struct item {
	struct smtp_mail mail;
	struct settlement *to;
	const struct outbox_message *message;
	struct str address;
};

struct batch {
	struct item *items;
	size_t count, next;
	struct instant now;
	struct arena *arena;
	struct courier_state *courier;
};

static enum smtp_next next(void *ctx, struct smtp_mail *out, int *wait_ms)
{
	struct batch *b = ctx;
	(void)wait_ms;
	if (b->next == b->count)
		return SMTP_DONE;
	*out = b->items[b->next].mail;
	out->tag = &b->items[b->next++];
	return SMTP_MAIL;
}

enum { UNREACHED_S = 5 * MINUTE_S, BACKOFF_MAX = 5 };

/* After the nth deferral of this message: 5 minutes, 15, 45 … at most 6 hours; its step's `late` ends it. The count is
 * the outbox's, so a restart begins nothing again. */
static struct instant try_after(const struct outbox_message *m, struct instant now)
{
	int n = m->tries < BACKOFF_MAX ? (int)m->tries + 1 : BACKOFF_MAX;
	return (struct instant){ now.s + throttle_retry_s(n, (uint64_t)outbox_link_id(&m->key)) };
}

/* The server's answer goes to the record without addresses: code and status only. */
static struct str answer_of(const struct smtp_outcome *o, struct arena *a)
{
	char digits[8] = "";
	for (int i = 0; i < 3 && o->words[i] >= '0' && o->words[i] <= '9'; i++)
		digits[i] = o->words[i];
	return arena_printf(a, "%s %s", smtp_result_name(o->result), digits);
}

static void outcome(void *ctx, const struct smtp_mail *mail, const struct smtp_outcome *o)
{
	struct batch *b = ctx;
	const struct item *item = mail->tag;
	struct settlement *s = item->to;
	*s = (struct settlement){ .at = b->now, .outcome = answer_of(o, b->arena) };
	switch (o->result) {
	case SMTP_ACCEPTED: s->to = MESSAGE_ACCEPTED; break;
	case SMTP_REFUSED: s->to = MESSAGE_REFUSED; break;
	case SMTP_UNCERTAIN: s->to = MESSAGE_UNCERTAIN; break;
	case SMTP_DEFERRED:
	case SMTP_WITHDRAWN:
		s->to = MESSAGE_DEFERRED;
		s->try_after = item->message ? try_after(item->message, b->now) : b->now;
		if (o->words[0] == '4')
			courier_pace_deferred(b->courier, item->address, b->now);
		break;
	}
}

static struct str signed_mail(struct signing *s, struct buf *mail, struct arena *a, struct err *err)
{
	struct buf head;
	buf_init(&head, MIME_MAIL_MAX);
	struct str all = { NULL, 0 };
	if (!s->signer) {
		all = arena_str(a, buf_view(mail));
	} else if (dkim_sign(s->signer, buf_view(mail), &head, err)) {
		buf_str(&head, buf_view(mail));
		all = arena_str(a, buf_view(&head));
	}
	buf_release(&head);
	return all;
}

/* Where a mail that fails goes back to: the mailbox of the setting bounce.address, with the message's token in it. */
struct return_path {
	unsigned char key[TOKEN_KEY_BYTES];
	struct str prefix, domain; /* prefix empty: no such mailbox */
	struct str plain;
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

/* A mail of the batch; false: it is settled already (no address, cannot be built). */
static bool add_mail(struct courier_state *c, struct live *l, const struct outbox_message *m,
                     const struct person *known, struct signing *sign, const struct return_path *from,
                     struct item *item, struct arena *a)
{
	struct err err;
	struct person to = known ? *known : (struct person){ .email = STR("") };
	struct str ref;
	*item->to =
		(struct settlement){ .to = MESSAGE_REFUSED, .at = l->now, .outcome = STR("the mail could not be built") };
	if ((!known && !store_person(l->shop.db, m->key.customer, a, &to, &ref, &err)) || !to.email.n)
		return false;
	struct buf mail, address;
	buf_init(&mail, MIME_MAIL_MAX);
	buf_init(&address, 1024);
	bool utf8 = false;
	bool ok = courier_mail(c, l, m, &to, !known && courier_may_track(l, m->key.customer), a, &mail, &err) &&
	          mime_address(to.email, &address, &utf8);
	if (ok) {
		item->message = m;
		item->address = to.email;
		item->mail = (struct smtp_mail){ .from = return_path(from, &m->key, a),
			                             .to = arena_str(a, buf_view(&address)),
			                             .smtputf8 = utf8 };
		item->mail.data = signed_mail(sign, &mail, a, &err);
		ok = item->mail.data.p != NULL;
	}
	buf_release(&mail);
	buf_release(&address);
	return ok;
}

static bool is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static struct settlement untried(struct instant now, const char *why)
{
	return (struct settlement){ .to = MESSAGE_DEFERRED,
		                        .at = now,
		                        .try_after = { now.s + UNREACHED_S },
		                        .outcome = str_from(why),
		                        .untried = true };
}

/* Marketing needs a working way to stop in every message (LAW): without public_url the links lead nowhere, and mail for
 * the world waits. */
static bool can_stop(const struct mail_server *server, const struct courier_shop *words, const struct outbox_message *m,
                     struct instant now, struct settlement *to)
{
	if (words->is_public || m->purpose != PURPOSE_MARKETING || is_here(server->host))
		return true;
	*to = (struct settlement){
		.to = MESSAGE_DEFERRED, .at = now, .try_after = { now.s + UNREACHED_S }, .outcome = STR("public_url is not set")
	};
	return false;
}

/* Those the server does not take stay as they were. */
static void run_batch(const struct mail_server *server, const struct courier_shop *words, struct batch *b)
{
	struct smtp_server s = { .host = server->host,
		                     .port = server->port,
		                     .helo = arena_cstr(b->arena, words->domain),
		                     .tls = server->tls,
		                     .user = server->user[0] ? server->user : NULL,
		                     .password = getenv("RELANCE_SMTP_PASSWORD") };
	struct smtp_limits limits = { .sessions = 4,
		                          .connect_ms = 10000,
		                          .failures = 2,
		                          .reply_ms = server->timeout_s * 1000,
		                          .data_ms = server->timeout_s * 5000 };
	struct smtp_hooks hooks = { .ctx = b, .next = next, .outcome = outcome };
	struct smtp_counts counts;
	struct err unreached;
	if (!smtp_run(&s, &limits, &hooks, &counts, &unreached))
		fprintf(stderr, "relance: mail server: %s\n", unreached.text);
}

bool courier_post(struct courier_state *c, struct live *l, struct str name, struct mime_mail *mail,
                  struct settlement *what, struct arena *a, struct err *err)
{
	struct mail_server server;
	struct courier_shop words;
	struct signing sign = { .count = 0 };
	struct settlement said = { .to = MESSAGE_DEFERRED, .outcome = STR("server not reached") };
	struct item item = { .to = &said };
	struct batch b = { .items = &item, .count = 1, .now = l->now, .arena = a, .courier = c };
	struct mime_result built;
	struct buf bytes, address;
	buf_init(&bytes, MIME_MAIL_MAX);
	buf_init(&address, 1024);
	bool ok = read_server(l, &server, a, err) && courier_shop_read(c, l, a, &words, err);
	mail->from_name = str_from(l->shop.shop.name);
	mail->from_address = words.email;
	mail->message_id = arena_printf(a, "%.*s@%.*s", STR_ARG(name), STR_ARG(words.domain));
	ok = ok && mime_build(mail, &bytes, &built, err);
	if (ok && !server.host[0]) {
		said = (struct settlement){ .to = MESSAGE_ACCEPTED, .at = l->now, .outcome = STR("written as a file") };
		ok = dir_write(c->folder, name, ".eml", buf_view(&bytes), NULL, 0, err);
	} else if (ok && !mime_address(mail->to_address, &address, &item.mail.smtputf8)) {
		ok = err_set(err, ERR_INPUT, "not a mail address");
	} else if (ok && (ok = open_signing(l, words.domain, &sign, a, err))) {
		item.mail.from = words.email;
		item.mail.to = buf_view(&address);
		item.mail.data = signed_mail(&sign, &bytes, a, err);
		ok = item.mail.data.p != NULL;
		if (ok)
			run_batch(&server, &words, &b);
		if (ok && !what && said.to != MESSAGE_ACCEPTED && said.to != MESSAGE_UNCERTAIN)
			ok = err_set(err, ERR_WORLD, "the mail did not leave: %.*s", STR_ARG(said.outcome));
	}
	close_signing(&sign);
	buf_release(&bytes);
	buf_release(&address);
	if (what)
		*what = said;
	return ok;
}

bool courier_send_mails(struct courier_state *c, struct live *l, const struct outbox_message *const *messages,
                        const struct person *known, struct settlement *const *to, size_t count, struct arena *a,
                        struct err *err)
{
	struct mail_server server;
	struct courier_shop words;
	struct signing sign = { .count = 0 };
	struct return_path from;
	struct batch b = { .items = arena_array(a, struct item, count + 1), .now = l->now, .arena = a, .courier = c };
	bool ok = read_server(l, &server, a, err) && courier_shop_read(c, l, a, &words, err) &&
	          read_return_path(l, words.email, &from, a, err) && open_signing(l, words.domain, &sign, a, err);
	size_t kept_back = 0;
	for (size_t i = 0; i < count; i++) {
		const struct settlement waits = untried(l->now, ok ? "server not reached" : "not handed over");
		if (!ok) {
			*to[i] = waits;
			continue;
		}
		if (!known && !can_stop(&server, &words, messages[i], l->now, to[i])) {
			kept_back++;
			continue;
		}
		b.items[b.count].to = to[i];
		if (!add_mail(c, l, messages[i], known, &sign, &from, &b.items[b.count], a))
			continue;
		*to[i] = waits;
		b.count++;
	}
	if (kept_back)
		fputs("relance: marketing mails wait: their links to stop would lead nowhere; relance set DB public_url "
		      "https://…\n",
		      stderr);
	if (b.count)
		run_batch(&server, &words, &b);
	close_signing(&sign);
	return ok;
}
