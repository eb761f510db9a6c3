/* The words an enum may be compared with. */
#include "fold/expr_int.h"

#include "fold/geo.h"
#include "fold/value_views.h"
#include "model/names.h"

static const char *const PHASES[] = { "prospect", "new", "loyal", "ambassador", "lapsing", "former" };
static const char *const GENDERS[] = { "f", "m", "x" };
static const char *const LOCALES[] = { "fr", "en" };
static const char *const CONSENTS[] = { "granted", "withdrawn", "soft", "opposed", "none" };
static const char *const ANSWERS[] = { "none", "very_satisfied", "satisfied", "unsatisfied" };
static const char *const CHANNELS[] = { "email", "sms", "postcard", "phone", "audience", "push" };
static const char *const PURPOSES[] = { "marketing", "service", "tracking" };
static const char *const CARTS[] = { "changed", "paid", "emptied" };
static const char *const SALES[] = { "unknown", "store", "web", "phone", "app", "marketplace", "b2b" };
static const char *const ZONES[] = { "Europe/Paris", "Europe/Brussels", "Europe/London", "Indian/Reunion",
	                                 "America/Martinique" }; /* to suggest from; any IANA zone is known */
static const char *const WEEKDAYS[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };
static const char *const RFM[] = { "best", "loyal", "recent", "cooling", "precious", "fading", "asleep" };
_Static_assert(ARRAY_LEN(RFM) == RFM_SEGMENTS, "the words follow rfm_key()");
_Static_assert(ARRAY_LEN(PHASES) == PHASE_COUNT && ARRAY_LEN(CONSENTS) == CONSENT_KINDS &&
                   ARRAY_LEN(SALES) == SALE_CHANNEL_COUNT && ARRAY_LEN(PURPOSES) == PURPOSE_COUNT &&
                   ARRAY_LEN(LOCALES) == LOCALE_COUNT && ARRAY_LEN(CHANNELS) == CHANNEL_STAFF,
               "the words follow the enums");

static const struct {
	const char *title, *example;
	const char *const *names;
	size_t count;
} ENUMS[] = {
	[E_NONE] = { "", "", NULL, 0 },
	[E_PHASE] = { "a phase of the life cycle", "lapsing", PHASES, ARRAY_LEN(PHASES) },
	[E_GENDER] = { "a gender", "f", GENDERS, ARRAY_LEN(GENDERS) },
	[E_LOCALE] = { "a language", "fr", LOCALES, ARRAY_LEN(LOCALES) },
	[E_CONSENT] = { "a state of consent", "granted", CONSENTS, ARRAY_LEN(CONSENTS) },
	[E_ANSWER] = { "an answer", "satisfied", ANSWERS, ARRAY_LEN(ANSWERS) },
	[E_CHANNEL] = { "a channel", "email", CHANNELS, ARRAY_LEN(CHANNELS) },
	[E_PURPOSE] = { "a purpose", "service", PURPOSES, ARRAY_LEN(PURPOSES) },
	[E_CART] = { "a state of a cart", "paid", CARTS, ARRAY_LEN(CARTS) },
	[E_SALE] = { "a sales channel", "web", SALES, ARRAY_LEN(SALES) },
	[E_ZONE] = { "a time zone", "\"Europe/Paris\"", ZONES, ARRAY_LEN(ZONES) },
	[E_DEPARTMENT] = { "a French department", "\"59\"", NULL, DEPARTMENT_COUNT },
	[E_WEEKDAY] = { "a day of the week", "monday", WEEKDAYS, ARRAY_LEN(WEEKDAYS) },
	[E_RFM] = { "a segment by recency, frequency and amount", "best", RFM, ARRAY_LEN(RFM) },
};

size_t enum_names(enum enum_kind k, const char *const **names)
{
	*names = k == E_DEPARTMENT ? department_codes() : ENUMS[k].names;
	return ENUMS[k].count;
}

const char *enum_title(enum enum_kind k)
{
	return ENUMS[k].title;
}

const char *enum_example(enum enum_kind k)
{
	return ENUMS[k].example;
}

int64_t enum_find(enum enum_kind k, struct str word)
{
	if (k == E_ZONE) {
		zone_id zone;
		return zone_find(word, &zone) ? zone : -1;
	}
	const char *const *names;
	size_t count = enum_names(k, &names);
	for (size_t i = 0; i < count; i++)
		if (str_is(word, names[i]))
			return (int64_t)i;
	return -1;
}
