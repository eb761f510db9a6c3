/* parcel: mails on their way to the mail server, with all that handing them over needs: a thread that knows nothing of
 * the shop can do it (dispatch.h). Made by courier_smtp.c. */
#ifndef RELANCE_APP_PARCEL_H
#define RELANCE_APP_PARCEL_H

#include "base/zone.h"
#include "channel/dkim.h"
#include "channel/smtp.h"
#include "store/outbox.h"

struct mail_server {
	char host[256], port[16], user[256], helo[256];
	enum smtp_tls tls;
	int timeout_s;
};

struct signing {
	struct dkim_key *keys[DKIM_KEYS_MAX];
	struct str selectors[DKIM_KEYS_MAX];
	size_t count;
	struct dkim_signer *signer; /* NULL: mails are not signed */
};
void signing_release(struct signing *s);

enum letter_state {
	LETTER_WAITING,
	LETTER_TAKEN,     /* by a connection */
	LETTER_ANSWERED,  /* `result` and `code` say what the server made of it */
	LETTER_RECALLED,  /* taken back before it was handed over: the guard is asked again */
	LETTER_UNREACHED, /* the server cannot be used */
	LETTER_UNSIGNED,  /* a signature could not be made */
};

struct letter {
	struct parcel *parcel;
	struct message_key key; /* customer 0, plan empty: no message of the outbox */
	uint32_t tries;         /* of the message, before this one */
	struct str address;     /* as the person has it */
	struct smtp_mail mail;  /* data: not signed yet */
	void *tag;              /* the caller's */
	enum letter_state state;
	bool recalled; /* to be taken back if that is still possible */
	enum smtp_result result;
	char code[8]; /* "451", or empty: the server's words may hold an address */
	struct letter *next;
};

struct parcel {
	struct parcel *queue;
	struct arena arena;
	struct mail_server server;
	struct signing sign;
	struct letter *letters;
	size_t count;
	size_t left; /* letters whose outcome is not taken yet */
	bool quick;  /* whoever sends it turns a shop: the server is given seconds, not minutes */
};

/* Frees a parcel and its letters. */
void parcel_free(struct parcel *p);

/* What became of a letter, for the outbox; the text in the arena. */
struct settlement letter_settlement(const struct letter *x, struct instant now, struct arena *a);

#endif
