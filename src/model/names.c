#include "model/names.h"

static const char *const CHANNELS[] = { "email", "sms", "postcard", "phone", "audience", "push", "staff" };
static const char *const PURPOSES[] = { "marketing", "service", "tracking" };
static const char *const FACTS[] = { "none",      "order",   "cart",    "consent", "profile",
	                                 "event",     "receipt", "retract", "setting", "switch",
	                                 "threshold", "grant",   "control", "merge",   "distinct" };
static const char *const SALES[] = { "unknown", "store", "web", "phone", "app", "marketplace", "b2b" };
static const char *const CARTS[] = { "changed", "paid", "emptied" };
static const char *const CONSENTS[] = { "granted", "withdrawn", "soft", "opposed" };
static const char *const LOCALES[] = { "fr", "en" };
static const char *const RECEIPTS[] = { "none",      "accepted", "refused",      "uncertain",
	                                    "opened",    "clicked",  "hard_bounce",  "soft_bounce",
	                                    "complaint", "answered", "unsubscribed", "dropped" };
static const char *const VERDICTS[] = { "entered", "control", "send",  "held",  "skipped",
	                                    "dropped", "exited",  "ended", "tagged" };

/* name, English sentence, French sentence; %s is replaced by the argument where there is one */
static const struct {
	const char *name, *en, *fr;
} REASONS[] = {
	[REASON_NONE] = { "none", "", "" },
	[REASON_TRIGGER] = { "trigger", "trigger reached", "déclencheur atteint" },
	[REASON_GRANTED] = { "granted", "its turn came, entries being spread out",
	                     "son tour est venu, les entrées étant étalées" },
	[REASON_EMERGENCY_STOP] = { "emergency_stop", "emergency stop", "arrêt d’urgence" },
	[REASON_PLAN_OFF] = { "plan_off", "plan is off", "plan à l’arrêt" },
	[REASON_ERASED] = { "erased", "person erased", "personne effacée" },
	[REASON_SUPPRESSED] = { "suppressed", "address suppressed", "adresse écartée" },
	[REASON_NO_CONSENT] = { "no_consent", "no consent for %s", "pas de consentement %s" },
	[REASON_OPPOSED] = { "opposed", "opposed to marketing", "opposition à la prospection" },
	[REASON_NOT_REACHABLE] = { "not_reachable", "no address for %s", "pas d’adresse %s" },
	[REASON_CONTROL_GROUP] = { "control_group", "control group", "groupe témoin" },
	[REASON_GLOBAL_CONTROL] = { "global_control", "global control group", "groupe témoin général" },
	[REASON_EXIT_ORDER] = { "order", "new order", "nouvelle commande" },
	[REASON_EXIT_CART_PAID] = { "cart_paid", "cart paid", "panier payé" },
	[REASON_EXIT_CART_EMPTIED] = { "cart_emptied", "cart emptied", "panier vidé" },
	[REASON_EXIT_CART_CHANGED] = { "cart_changed", "cart changed", "panier modifié" },
	[REASON_EXIT_EVENT] = { "event", "exit event", "événement de sortie" },
	[REASON_EXIT_CONDITION] = { "condition", "exit condition", "condition de sortie" },
	[REASON_EXIT_ANSWERED] = { "answered", "answered", "réponse reçue" },
	[REASON_GOAL_MET] = { "goal", "goal met", "objectif atteint" },
	[REASON_TOO_LATE] = { "too_late", "too late", "trop tard" },
	[REASON_QUIET_HOURS] = { "quiet_hours", "quiet hours until %s", "heures calmes jusqu’au %s" },
	[REASON_QUIET_DAY] = { "quiet_day", "quiet day until %s", "jour calme jusqu’au %s" },
	[REASON_PRESSURE_CHANNEL] = { "pressure_channel", "channel pressure until %s", "pression du canal jusqu’au %s" },
	[REASON_PRESSURE_ALL] = { "pressure_all", "pressure over all channels until %s",
	                          "pression tous canaux jusqu’au %s" },
	[REASON_BEATEN] = { "beaten", "a better message goes first", "un message plus utile passe avant" },
	[REASON_CONDITION] = { "step_condition", "step condition not met", "condition de l’étape non remplie" },
	[REASON_SMOOTHING] = { "smoothing", "waits its turn, entries being spread out",
	                       "attend son tour, les entrées étant étalées" },
	[REASON_CLOCK_JUMP] = { "clock_jump", "the clock jumped: waits for a person", "saut d’horloge\u00a0: à confirmer" },
	[REASON_LAST_STEP] = { "last_step", "last step passed", "dernière étape passée" },
	[REASON_SUPERSEDED] = { "superseded", "handed to another plan", "confié à un autre plan" },
	[REASON_AUDIENCE] = { "audience", "not in the audience", "hors de l’audience" },
	[REASON_BLACKOUT] = { "blackout", "blackout day until %s", "jour exclu jusqu’au %s" },
	[REASON_MAX_MESSAGES] = { "max_messages", "as many messages as the plan allows have left",
	                          "le plan a déjà envoyé tous ses messages" },
	[REASON_BUDGET] = { "budget", "budget spent", "budget épuisé" },
	[REASON_MERGED] = { "merged", "merged with another record", "fusionné avec une autre fiche" },
	[REASON_RESTORED] = { "restored", "restored backup: waits for a person",
	                      "sauvegarde restaurée\u00a0: à confirmer" },
};
_Static_assert(ARRAY_LEN(REASONS) == REASON_COUNT, "every reason has its words");
_Static_assert(ARRAY_LEN(CHANNELS) == CHANNEL_COUNT, "every channel has a name");
_Static_assert(ARRAY_LEN(FACTS) == FACT_KIND_COUNT, "every fact kind has a name");
_Static_assert(ARRAY_LEN(RECEIPTS) == RECEIPT_COUNT, "every receipt has a name");
_Static_assert(ARRAY_LEN(VERDICTS) == VERDICT_COUNT, "every verdict has a name");
_Static_assert(ARRAY_LEN(SALES) == SALE_CHANNEL_COUNT, "every sale channel has a name");

#define NAME_OF(function, type, names)                                                                                 \
	const char *function(type v)                                                                                       \
	{                                                                                                                  \
		check((size_t)v < ARRAY_LEN(names));                                                                           \
		return names[v];                                                                                               \
	}
NAME_OF(channel_name, enum channel, CHANNELS)
NAME_OF(purpose_name, enum purpose, PURPOSES)
NAME_OF(fact_kind_name, enum fact_kind, FACTS)
NAME_OF(sale_channel_name, enum sale_channel, SALES)
NAME_OF(cart_state_name, enum cart_state, CARTS)
NAME_OF(consent_state_name, enum consent_state, CONSENTS)
NAME_OF(locale_name, enum locale, LOCALES)
NAME_OF(receipt_name, enum receipt, RECEIPTS)
NAME_OF(verdict_name, enum verdict, VERDICTS)

const char *reason_name(enum reason r)
{
	check((size_t)r < ARRAY_LEN(REASONS));
	return REASONS[r].name;
}

static int find(struct str s, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(s, names[i]))
			return (int)i;
	return -1;
}

#define FIND_IN(function, names)                                                                                       \
	int function(struct str s)                                                                                         \
	{                                                                                                                  \
		return find(s, names, ARRAY_LEN(names));                                                                       \
	}
FIND_IN(channel_find, CHANNELS)
FIND_IN(purpose_find, PURPOSES)
FIND_IN(sale_channel_find, SALES)
FIND_IN(cart_state_find, CARTS)
FIND_IN(consent_state_find, CONSENTS)
FIND_IN(locale_find, LOCALES)
FIND_IN(receipt_find, RECEIPTS)

static struct str channel_word(int64_t channel, enum locale locale)
{
	static const char *const FR[] = { "e-mail", "SMS", "postal", "téléphone", "audience", "notification", "interne" };
	check(channel >= 0 && channel < CHANNEL_COUNT);
	return str_from(locale == LOCALE_FR ? FR[channel] : CHANNELS[channel]);
}

void reason_argument(enum reason r, int64_t argument, zone_id zone, enum locale locale, struct buf *out)
{
	if (r == REASON_NO_CONSENT || r == REASON_NOT_REACHABLE) {
		buf_str(out, channel_word(argument, locale));
		return;
	}
	struct civil c = zone_civil(zone, (struct instant){ argument });
	char text[32];
	size_t n = strlen(date_text(c.date, text));
	int hour = c.second / HOUR_S, minute = c.second / MINUTE_S % 60;
	const char time[] = { ' ', (char)('0' + hour / 10),   (char)('0' + hour % 10),
		                  ':', (char)('0' + minute / 10), (char)('0' + minute % 10),
		                  ' ' };
	memcpy(text + n, time, sizeof time);
	buf_add(out, text, n + sizeof time);
	buf_cstr(out, zone_name(zone));
}

struct str reason_words(enum reason r, enum locale locale, struct str *after)
{
	check((size_t)r < ARRAY_LEN(REASONS));
	const char *text = locale == LOCALE_FR ? REASONS[r].fr : REASONS[r].en;
	const char *hole = strstr(text, "%s");
	*after = hole ? str_from(hole + 2) : (struct str){ 0 };
	return hole ? (struct str){ text, (size_t)(hole - text) } : str_from(text);
}

void reason_text(enum reason r, int64_t argument, zone_id zone, enum locale locale, struct buf *out)
{
	struct str after, before = reason_words(r, locale, &after);
	buf_str(out, before);
	if (!after.p)
		return;
	reason_argument(r, argument, zone, locale, out);
	buf_str(out, after);
}
