#include "app/links.h"

#include <sodium.h>

const char *link_answer_name(enum link_answer a)
{
	switch (a) {
	case LINK_VERY_SATISFIED: return "very_satisfied";
	case LINK_SATISFIED: return "satisfied";
	case LINK_UNSATISFIED: return "unsatisfied";
	case LINK_LEFT_DISAPPOINTED: return "left_disappointed";
	case LINK_LEFT_LATE: return "left_late";
	case LINK_LEFT_EXPENSIVE: return "left_expensive";
	case LINK_LEFT_CHANGED: return "left_changed";
	case LINK_LEFT_OTHER: return "left_other";
	}
	return NULL;
}

void links_key(const struct shop *shop, unsigned char key[TOKEN_KEY_BYTES])
{
	static const unsigned char context[] = "relance links 1";
	check(crypto_generichash(key, TOKEN_KEY_BYTES, context, sizeof context, (const unsigned char *)shop->address_key,
	                         sizeof shop->address_key) == 0);
}

static char path_of(enum token_purpose p)
{
	switch (p) {
	case TOKEN_UNSUBSCRIBE: return 'u';
	case TOKEN_OPEN: return 'o';
	case TOKEN_CLICK: return 'c';
	case TOKEN_WEB: return 'm';
	case TOKEN_PREFERENCES: return 'p';
	case TOKEN_ANSWER: return 's';
	case TOKEN_BOUNCE: return 'b';
	case TOKEN_SIGNUP: return 'd';
	}
	return 'm';
}

struct str links_url(const unsigned char *key, struct str base, enum token_purpose purpose,
                     const struct message_key *message, uint16_t extra, struct arena *a)
{
	char token[TOKEN_CHARS + 1];
	token_write(key, (struct token){ .purpose = purpose, .message = outbox_link_id(message), .extra = extra }, token);
	return arena_printf(a, "%.*s/%c/%s%s", STR_ARG(base), path_of(purpose), token, purpose == TOKEN_OPEN ? ".gif" : "");
}
