/* pages: what customers see, in HTML made here: no script, French or English, light and dark. */
#ifndef RELANCE_WEB_PAGES_H
#define RELANCE_WEB_PAGES_H

#include "app/links.h"
#include "web/web_int.h"

/* The language of the page: ?lang=, else what the browser prefers, else the shop's. */
bool page_french(struct request *r);

void page_begin(struct request *r, const char *title); /* everything up to the content; title is a literal of ours */
void page_end(struct request *r);
void page_text(struct request *r, const char *tag, const char *text); /* <tag>escaped text</tag> */
void page_trouble(struct request *r, const char *text);               /* what is missing, read out at once */
/* One whole page: a title and a paragraph. */
void page_say(struct request *r, int status, const char *title, const char *text);

/* The message that the token in the path names; false: a page was set. */
bool page_link_message(struct request *r, enum token_purpose purpose, struct token *t, struct message_key *key);
/* A field of an urlencoded form, decoded; empty when absent. */
struct str page_field(struct request *r, const char *name);
/* <form> that posts to ACTION TOKEN, in the page's language. */
void page_form_begin(struct request *r, const char *action, struct str token);
/* Writes what was said; false: a page was set. On the ticker. */
struct page_facts;
bool page_write(struct request *r, const struct page_facts *f);

#endif
