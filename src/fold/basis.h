/* basis: is there a lawful basis to write to this person on this channel for this purpose, now? (LAW; GDPR art. 6 and
 * 21, CPCE L34-5, C. conso. L223-1). Pure over the facts visible in the subject's view.
 *
 *   opposed to marketing, anywhere     refused, always
 *   e-mail, SMS, push – marketing      opt-in, or soft opt-in when the shop uses it; a company: until opposed or
 * withdrawn service message                    contract or legitimate interest, unless the channel itself was opposed
 *   post – marketing                   until opposed (France), or opt-in by setting
 *   phone – marketing                  opt-in not older than a year; a company: until opposed
 *   social audience                    opt-in
 *   staff                              always
 *
 * The latest consent fact of the channel and purpose counts; one dated the same second as another: the stricter. */
#ifndef RELANCE_FOLD_BASIS_H
#define RELANCE_FOLD_BASIS_H

#include "fold/subject.h"

struct basis_rules {
	bool post_opt_in; /* post needs an opt-in */
	bool soft_opt_in; /* CPCE L34-5 exception used */
};

enum basis {
	BASIS_REFUSED_NONE = 0, /* nothing allows it */
	BASIS_REFUSED_WITHDRAWN,
	BASIS_REFUSED_OPPOSED,
	BASIS_REFUSED_EXPIRED, /* phone consent older than a year */
	BASIS_CONSENT,
	BASIS_SOFT_OPT_IN,
	BASIS_LEGITIMATE_INTEREST,
	BASIS_CONTRACT, /* service */
	BASIS_ASSUMED,  /* what-if replay only */
};

static inline bool basis_allows(enum basis b)
{
	return b >= BASIS_CONSENT;
}
const char *basis_name(enum basis b);

enum basis basis_of(const struct subject *s, const struct basis_rules *rules, enum channel channel,
                    enum purpose purpose);

/* Has an address for the channel (reach bits of the profile). With assumed consent and a profile that says nothing at
 * all, an e-mail address is assumed too. */
bool basis_reachable(const struct subject *s, enum channel channel);

/* The latest word on the channel and purpose, or NULL: what the condition consent(…) shows. */
const struct consent *basis_said(const struct view *v, enum channel channel, enum purpose purpose);

/* Opens and clicks may be known: tracking consent on e-mail (CNIL 2026-042). */
bool basis_may_track(const struct subject *s);
/* The same of what was sent to c, at that instant; of a record merged away the consents are those of whoever goes on
 * for it (SEMANTICS "Runs"). */
bool basis_may_track_at(const struct book *b, const struct version *v, const struct thresholds *t, customer_id c,
                        struct instant at);

#endif
