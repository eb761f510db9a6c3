/* visitor: is it a person who opened or clicked, or a machine that looks at every mail?
 *
 * Mail services fetch images through proxies (Gmail, Yahoo, Outlook), Apple Mail fetches all of them in advance (Mail
 * Privacy Protection), and security gateways follow every link. None of these is a person: counting them would make
 * plans believe that everybody reads. Known by their user agent, by their method, or by their timing: nobody reads a
 * mail two seconds after it was accepted, nor follows several links within a second. In doubt it is not a person, since
 * what a person does is seen again (a click that matters leads to a page view or an order). Pure. */
#ifndef RELANCE_CHANNEL_VISITOR_H
#define RELANCE_CHANNEL_VISITOR_H

#include "base/str.h"

enum visitor {
	VISITOR_PERSON,
	VISITOR_PROXY,   /* an image proxy or a mail program fetching in advance */
	VISITOR_SCANNER, /* a security gateway, a preview, a robot */
};

enum { VISITOR_INSTANT_S = 2, VISITOR_BURST_LINKS = 2, VISITOR_BURST_S = 1 };

struct visit {
	struct str user_agent;
	struct str method;      /* "GET", "HEAD" … */
	bool open;              /* the pixel; else a link */
	int64_t after_accept_s; /* since the mail was accepted; negative when unknown */
	int links_within_burst; /* different links of this message seen within VISITOR_BURST_S, this one included */
};

enum visitor visitor_of(const struct visit *v);

#endif
