/* courier_int: what the files of app/courier share. */
#ifndef RELANCE_APP_COURIER_INT_H
#define RELANCE_APP_COURIER_INT_H

#include "app/courier.h"
#include "app/dispatch.h"

#include <pthread.h>

struct courier_state {
	struct message_set *set;
	struct liquid *liquid;
	struct message_text text;
	char *folder, *messages;
	int64_t revision; /* of what was saved in the shop, in `set` */
	struct instant looked_at;
	struct instant told_at;    /* when it was said that no mail can be handed over */
	struct courier_reco *reco; /* NULL until first needed; set and changed with reco_lock held */
	pthread_mutex_t reco_lock;
	struct courier_pace *pace; /* NULL until first needed */
	struct dispatch *dispatch; /* NULL: mails leave by the thread that turns the shop */
};

/* Takes what was saved in the shop since. */
bool courier_refresh(struct courier_state *c, struct db *db, struct instant now, struct err *err) MUST_CHECK;

/* The shop's own words, with what stands in for those not set. */
struct courier_shop {
	struct str url, address, phone, email, signature, review_url, public_url, domain, loyalty, hours;
	struct str logo_url, reassurance, social, news; /* lists as the settings write them */
	bool is_public;                                 /* public_url was set: relance's pages are reached from outside */
};
bool courier_shop_read(struct courier_state *c, struct live *l, struct arena *a, struct courier_shop *out,
                       struct err *err) MUST_CHECK;

/* Sets "recommendations": what is still allowed now, best first; empty when the shop is too young. */
bool courier_recommend(struct courier_state *c, struct live *l, const struct outbox_message *m, const struct view *v,
                       struct arena *a, struct lobject *data, struct err *err) MUST_CHECK;
/* Sets "product": what a run about a lifetime is about. */
void courier_product(struct courier_state *c, struct live *l, const struct view *v, uint64_t subject,
                     struct lobject *data, struct arena *a);
void courier_reco_free(struct courier_state *c);

/* courier_smtp.c: whether the shop has a mail server, and a batch of mails to it. known: all go to this person (a test,
 * the team), NULL: each to its customer. Every to[i] is filled, whatever the answer; false: nothing was handed over (a
 * key that cannot be read), all of them wait, and err says why. wait false, and a courier that is in the background:
 * MESSAGE_SENDING says that the outcome comes by courier_collect. */
bool courier_has_server(struct live *l, struct arena *a);
bool courier_send_mails(struct courier_state *c, struct live *l, const struct outbox_message *const *messages,
                        const struct person *known, struct settlement *const *to, size_t count, bool wait,
                        struct arena *a, struct err *err) MUST_CHECK;
/* struct courier's, of one in the background. */
bool courier_room(void *ctx, struct live *l);
bool courier_arrived(void *ctx);
size_t courier_collect(void *ctx, struct live *l, struct delivered out[OUTBOX_CLAIM_MAX], struct arena *a);
void courier_collected(void *ctx, size_t count);
void courier_recall(void *ctx, customer_id who);
void courier_finish(void *ctx);
/* The whole mail of a message with its stored content. track: opens and clicks may be told (courier_may_track). */
bool courier_mail(struct courier_state *c, struct live *l, const struct outbox_message *m, const struct person *to,
                  bool track, struct arena *a, struct buf *out, struct err *err) MUST_CHECK;
/* Whether this person agreed to opens and clicks being known, as of now. */
bool courier_may_track(const struct live *l, customer_id c);

/* courier_pace.c: how fast the mail server may be written to (settings smtp.throttle, smtp.warmup). */
bool courier_wait(void *ctx, struct live *l, const struct outbox_message *m, struct arena *a, struct instant *until,
                  struct err *err) MUST_CHECK;
/* A message that courier_wait let pass in this tick did not leave after all. */
void courier_give_back(void *ctx, const struct message_key *key);
void courier_pace_deferred(struct courier_state *c, struct str address, struct instant now); /* its domain said 4xx */
void courier_pace_accepted(struct courier_state *c, struct str address);
/* After a batch. What cannot be written is said, and written after the next one: the mails have left. */
void courier_pace_keep(void *ctx, struct live *l);
void courier_pace_free(struct courier_pace *p);

/* courier_staff.c: a notice to the team: its words; where it goes; handing it to the mail server. */
bool courier_staff_notice(struct courier_state *c, struct live *l, struct outbox_message *m, struct arena *a,
                          struct err *err) MUST_CHECK;
bool courier_staff_address(struct courier_state *c, struct live *l, struct arena *a, struct str *out,
                           struct err *err) MUST_CHECK;
bool courier_staff_send(struct courier_state *c, struct live *l, const struct outbox_message *m, struct settlement *to,
                        struct arena *a, struct err *err) MUST_CHECK;

/* What is kept of a rendered message: its parts as JSON, and which variant it is; empty: there is but one. */
struct str courier_content(const struct message_text *t, struct str variant, struct arena *a);

/* A code promised by the message being rendered: stored before it leaves. */
bool courier_voucher_put(struct live *l, const struct outbox_voucher *v, struct err *err) MUST_CHECK;

#endif
