#include "fold/basis.h"

#include "fold/expr.h"

enum { PHONE_CONSENT_MONTHS = 12 };

const char *basis_name(enum basis b)
{
	switch (b) {
	case BASIS_REFUSED_NONE: return "none";
	case BASIS_REFUSED_WITHDRAWN: return "withdrawn";
	case BASIS_REFUSED_OPPOSED: return "opposed";
	case BASIS_REFUSED_EXPIRED: return "expired";
	case BASIS_CONSENT: return "consent";
	case BASIS_SOFT_OPT_IN: return "soft opt-in";
	case BASIS_LEGITIMATE_INTEREST: return "legitimate interest";
	case BASIS_CONTRACT: return "contract";
	case BASIS_ASSUMED: return "assumed";
	}
	return "none";
}

struct latest {
	const struct consent *said; /* on this channel and purpose; NULL: nothing */
	bool opposed;               /* to marketing on any channel, not lifted since by an opt-in there */
};

static struct latest latest_of(const struct view *v, enum channel channel, enum purpose purpose)
{
	struct latest l = { 0 };
	const struct consent *opposed[CHANNEL_COUNT] = { NULL };
	for (uint32_t i = v->consent0; i < v->consent1; i++) {
		const struct consent *c = &v->k->consents[i];
		if (c->channel >= CHANNEL_COUNT)
			continue;
		if (c->purpose == PURPOSE_MARKETING) {
			if (c->state == CONSENT_OPPOSED)
				opposed[c->channel] = c;
			else if (c->state == CONSENT_GRANTED && opposed[c->channel] && c->at > opposed[c->channel]->at)
				opposed[c->channel] = NULL;
		}
		if (c->channel != channel || c->purpose != purpose)
			continue;
		if (!l.said || c->at > l.said->at || consent_strictness(c->state) >= consent_strictness(l.said->state))
			l.said = c;
	}
	for (int i = 0; i < CHANNEL_COUNT; i++)
		l.opposed |= opposed[i] != NULL;
	return l;
}

static enum basis consented(const struct subject *s, const struct basis_rules *rules, const struct consent *said)
{
	if (!said)
		return s->assume_consent ? BASIS_ASSUMED : BASIS_REFUSED_NONE;
	switch ((enum consent_state)said->state) {
	case CONSENT_GRANTED: return BASIS_CONSENT;
	case CONSENT_SOFT: return rules->soft_opt_in ? BASIS_SOFT_OPT_IN : BASIS_REFUSED_NONE;
	case CONSENT_WITHDRAWN: return BASIS_REFUSED_WITHDRAWN;
	case CONSENT_OPPOSED: return BASIS_REFUSED_OPPOSED;
	}
	return BASIS_REFUSED_NONE;
}

static enum basis until_opposed(const struct consent *said)
{
	if (said && said->state == CONSENT_WITHDRAWN)
		return BASIS_REFUSED_WITHDRAWN;
	return said && said->state == CONSENT_GRANTED ? BASIS_CONSENT : BASIS_LEGITIMATE_INTEREST;
}

static enum basis phone(const struct subject *s, const struct basis_rules *rules, const struct consent *said)
{
	enum basis b = consented(s, rules, said);
	if (b != BASIS_CONSENT)
		return b == BASIS_SOFT_OPT_IN ? BASIS_REFUSED_NONE : b;
	struct date given = zone_date(s->zone, (struct instant){ said->at });
	return date_add_months(given, PHONE_CONSENT_MONTHS).day <= s->today.day ? BASIS_REFUSED_EXPIRED : b;
}

enum basis basis_of(const struct subject *s, const struct basis_rules *rules, enum channel channel,
                    enum purpose purpose)
{
	if (channel == CHANNEL_STAFF)
		return BASIS_CONTRACT;
	struct latest l = latest_of(&s->view, channel, purpose);
	if (purpose == PURPOSE_SERVICE)
		return l.said && l.said->state == CONSENT_OPPOSED ? BASIS_REFUSED_OPPOSED : BASIS_CONTRACT;
	if (l.opposed)
		return BASIS_REFUSED_OPPOSED;
	bool company = view_profile(&s->view)->company;
	switch (channel) {
	case CHANNEL_EMAIL:
	case CHANNEL_SMS:
	case CHANNEL_PUSH: return company ? until_opposed(l.said) : consented(s, rules, l.said);
	case CHANNEL_POSTCARD: return rules->post_opt_in && !company ? consented(s, rules, l.said) : until_opposed(l.said);
	case CHANNEL_PHONE: return company ? until_opposed(l.said) : phone(s, rules, l.said);
	case CHANNEL_AUDIENCE: {
		enum basis b = consented(s, rules, l.said);
		return b == BASIS_SOFT_OPT_IN ? BASIS_REFUSED_NONE : b;
	}
	case CHANNEL_STAFF:
	case CHANNEL_COUNT: break;
	}
	return BASIS_REFUSED_NONE;
}

bool basis_reachable(const struct subject *s, enum channel channel)
{
	uint8_t reach = view_profile(&s->view)->reach;
	if (reach == 0 && s->assume_consent)
		reach = REACH_EMAIL;
	switch (channel) {
	case CHANNEL_EMAIL:
	case CHANNEL_AUDIENCE: return reach & REACH_EMAIL;
	case CHANNEL_SMS:
	case CHANNEL_PHONE: return reach & REACH_PHONE;
	case CHANNEL_POSTCARD: return reach & REACH_POST;
	case CHANNEL_PUSH: return reach & REACH_PUSH;
	case CHANNEL_STAFF: return true;
	case CHANNEL_COUNT: return false;
	}
	return false;
}

bool basis_may_track(const struct subject *s)
{
	struct latest l = latest_of(&s->view, CHANNEL_EMAIL, PURPOSE_TRACKING);
	return l.said ? l.said->state == CONSENT_GRANTED : s->assume_consent;
}

bool basis_may_track_at(const struct book *b, const struct version *v, const struct thresholds *t, customer_id c,
                        struct instant at)
{
	struct subject s;
	expr_subject(b, v, NULL, book_survivor(v, c), at, t, &s);
	return basis_may_track(&s);
}

const struct consent *basis_said(const struct view *v, enum channel channel, enum purpose purpose)
{
	return latest_of(v, channel, purpose).said;
}
