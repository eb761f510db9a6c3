/* bounce_phrases: what mail servers are known to say, and what they mean by it. An ordered table; '*' stands for a few
 * words. */
#ifndef RELANCE_CHANNEL_BOUNCE_PHRASES_H
#define RELANCE_CHANNEL_BOUNCE_PHRASES_H

#include "channel/bounce_reason.h"

struct bounce_phrase {
	enum bounce_reason reason;
	const char *phrase; /* lower case, single spaces */
};

extern const struct bounce_phrase BOUNCE_PHRASES[];
extern const size_t BOUNCE_PHRASE_COUNT;

#endif
