/* pages_profile: the two forms behind the preference link of a message (token's extra: 1 profile, 2 request). */
#ifndef RELANCE_WEB_PAGES_PROFILE_H
#define RELANCE_WEB_PAGES_PROFILE_H

#include "web/pages.h"

enum { PREFERENCES_PROFILE = 1, PREFERENCES_REQUEST = 2 };

void page_profile(struct request *r, const struct message_key *key);
void page_profile_post(struct request *r, const struct message_key *key); /* on the ticker */
void page_request(struct request *r);
void page_request_link(struct request *r, const struct message_key *key); /* a paragraph that leads there */
void page_request_post(struct request *r, const struct token *t, const struct message_key *key); /* on the ticker */

#endif
