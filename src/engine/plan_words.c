#include "engine/plan_words.h"

#include "model/names.h"

#define T(locale, fr, en) ((locale) == LOCALE_FR ? (fr) : (en))
enum { WORDS_TEXT_MAX = 1 << 20 };

static const char *const CHANNELS_FR[CHANNEL_COUNT] = {
	"e-mail", "SMS", "carte postale", "téléphone", "audience sociale", "notification", "équipe"
};
static const char *const CHANNELS_EN[CHANNEL_COUNT] = { "e-mail",          "SMS",  "postcard", "phone",
	                                                    "social audience", "push", "staff" };
static const char *const WEEKDAYS_FR[] = { "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche" };
static const char *const WEEKDAYS_EN[] = {
	"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
};
static const char *const MONTHS_FR[] = { "janvier", "février", "mars",      "avril",   "mai",      "juin",
	                                     "juillet", "août",    "septembre", "octobre", "novembre", "décembre" };
static const char *const MONTHS_EN[] = { "January", "February", "March",     "April",   "May",      "June",
	                                     "July",    "August",   "September", "October", "November", "December" };

const char *plan_channel_word(enum channel c, enum locale l)
{
	return T(l, CHANNELS_FR, CHANNELS_EN)[c];
}

static void put_money(struct buf *b, int64_t minor, struct currency c, enum locale l)
{
	char plain[32];
	money_plain((struct money){ minor }, c, plain);
	if (l == LOCALE_FR)
		for (char *p = plain; *p; p++)
			if (*p == '.')
				*p = ',';
	buf_printf(b, "%s\xC2\xA0%s", plain, strcmp(c.code, "EUR") == 0 && l == LOCALE_FR ? "€" : c.code);
}

static void put_seconds(struct buf *b, int64_t s, enum locale l)
{
	long long days = (long long)(s / DAY_S), hours = (long long)(s % DAY_S / HOUR_S),
			  minutes = (long long)(s % HOUR_S / MINUTE_S);
	bool spoken = false;
	if (days)
		buf_printf(b, "%lld %s", days, days == 1 ? T(l, "jour", "day") : T(l, "jours", "days")), spoken = true;
	if (hours || (!days && !minutes))
		buf_printf(b, "%s%lld %s", spoken ? " " : "", hours,
		           hours == 1 ? T(l, "heure", "hour") : T(l, "heures", "hours")),
			spoken = true;
	if (minutes)
		buf_printf(b, "%s%lld min", spoken ? " " : "", minutes);
}

static void put_hour(struct buf *b, int32_t s, enum locale l)
{
	if (l == LOCALE_FR)
		buf_printf(b, "%d h %02d", s / HOUR_S, s / MINUTE_S % 60);
	else
		buf_printf(b, "%02d:%02d", s / HOUR_S, s / MINUTE_S % 60);
}

static void put_delay(const struct plan *p, struct buf *b, enum locale l)
{
	if (p->delay_days) {
		int days = p->delay_days < 0 ? -p->delay_days : p->delay_days;
		buf_printf(b, ", %d %s %s", days, days == 1 ? T(l, "jour", "day") : T(l, "jours", "days"),
		           p->delay_days < 0 ? T(l, "avant", "before") : T(l, "après", "after"));
	} else if (p->delay_s) {
		buf_cstr(b, ", ");
		put_seconds(b, p->delay_s, l);
		buf_cstr(b, T(l, " après", " after"));
	}
}

static void put_rule(const struct plan *p, struct buf *b, enum locale l)
{
	static const char *const NTH_FR[] = { "dernier", "", "premier", "deuxième", "troisième", "quatrième" };
	static const char *const NTH_EN[] = { "last", "", "first", "second", "third", "fourth" };
	size_t month = p->month > 0 ? (size_t)p->month - 1 : 0; /* 0 for rules without one */
	switch (p->yearly) {
	case YEARLY_DATE:
		if (l == LOCALE_FR)
			buf_printf(b, "le %d%s %s", p->month_day, p->month_day == 1 ? "er" : "", MONTHS_FR[month]);
		else
			buf_printf(b, "on %d %s", p->month_day, MONTHS_EN[month]);
		break;
	case YEARLY_EASTER:
		buf_cstr(b, T(l, "à Pâques", "at Easter"));
		if (p->month_day)
			buf_printf(b, " %+d %s", p->month_day, T(l, "jours", "days"));
		break;
	case YEARLY_WEEKDAY:
		buf_printf(b, T(l, "le %s %s %s%s", "on the %s %s %s%s"), T(l, NTH_FR, NTH_EN)[p->nth + 1],
		           T(l, WEEKDAYS_FR, WEEKDAYS_EN)[p->weekday],
		           T(l, p->month == 4 || p->month == 8 || p->month == 10 ? "d’" : "de ", "of "),
		           T(l, MONTHS_FR, MONTHS_EN)[month]);
		break;
	case YEARLY_MOTHERS_DAY_FR: buf_cstr(b, T(l, "à la fête des mères (France)", "on Mother’s day (France)")); break;
	case YEARLY_WINTER_SALES_FR:
		buf_cstr(b, T(l, "aux soldes d’hiver (France)", "at the winter sales (France)"));
		break;
	case YEARLY_SUMMER_SALES_FR: buf_cstr(b, T(l, "aux soldes d’été (France)", "at the summer sales (France)")); break;
	case YEARLY_WINTER_SALES_BE:
		buf_cstr(b, T(l, "aux soldes d’hiver (Belgique)", "at the winter sales (Belgium)"));
		break;
	case YEARLY_SUMMER_SALES_BE:
		buf_cstr(b, T(l, "aux soldes d’été (Belgique)", "at the summer sales (Belgium)"));
		break;
	}
}

void plan_trigger_text(const struct plan *p, enum locale l, struct buf *b)
{
	char day[16];
	switch (p->trigger) {
	case TRIGGER_INACTIVE: buf_printf(b, T(l, "%d mois sans commande", "%d months without an order"), p->months); break;
	case TRIGGER_ORDER: buf_cstr(b, T(l, "chaque commande", "each order")); break;
	case TRIGGER_FIRST_ORDER: buf_cstr(b, T(l, "la première commande", "the first order")); break;
	case TRIGGER_CART:
		buf_cstr(b, T(l, "dernier changement d’un panier impayé", "the last change of an unpaid cart"));
		break;
	case TRIGGER_EVENT: buf_printf(b, T(l, "événement %.*s", "event %.*s"), STR_ARG(p->event)); break;
	case TRIGGER_WELCOME:
		buf_cstr(b, T(l, "compte créé, inscription à la lettre ou premier achat",
		              "account created, newsletter subscription or first purchase"));
		break;
	case TRIGGER_BIRTHDAY:
		buf_cstr(b, p->on_day ? T(l, "le jour de l’anniversaire", "the birthday")
		                      : T(l, "le 1er du mois de l’anniversaire", "the 1st of the birthday month"));
		break;
	case TRIGGER_DATED_EVENT:
		buf_printf(b, T(l, "chaque année, à l’anniversaire de %.*s", "each year, on the anniversary of %.*s"),
		           STR_ARG(p->event));
		break;
	case TRIGGER_ONCE: buf_printf(b, T(l, "une fois, le %s", "once, on %s"), date_text(p->once, day)); break;
	case TRIGGER_YEARLY:
		buf_cstr(b, T(l, "chaque année, ", "every year, "));
		put_rule(p, b, l);
		break;
	case TRIGGER_SEGMENT: buf_cstr(b, T(l, "entrée dans le segment", "entering the segment")); break;
	case TRIGGER_LIFETIME:
		buf_cstr(b, T(l, "fin de vie d’un produit acheté", "the end of life of a product bought"));
		break;
	}
	put_delay(p, b, l);
}

void step_moment_text(const struct plan *p, const struct step *s, enum locale l, struct buf *b)
{
	if (s->after_last) {
		buf_cstr(b, T(l, "puis", "then"));
		if (s->after_days == 0)
			buf_cstr(b, T(l, ", à l’heure", ", at the hour"));
		if (s->after_days > 0)
			buf_printf(b, " + %d %s", s->after_days, s->after_days == 1 ? T(l, "jour", "day") : T(l, "jours", "days"));
		if (s->after_days < 0 && s->after_s) {
			buf_cstr(b, " + ");
			put_seconds(b, s->after_s, l);
		}
	} else if (s->after_days >= 0) {
		buf_cstr(b, "J");
		if (s->after_days)
			buf_printf(b, "+%d", s->after_days);
	} else {
		int64_t from_entry = s->after_s - p->delay_s;
		bool days = p->delay_s && from_entry >= 0 && from_entry % DAY_S == 0;
		if (days) {
			buf_cstr(b, "J");
			if (from_entry)
				buf_printf(b, "+%lld", (long long)(from_entry / DAY_S));
		} else {
			buf_char(b, '+');
			put_seconds(b, s->after_s, l);
		}
	}
}

/* ---- rows ---- */

struct rows {
	struct plan_line *row;
	size_t count;
	struct arena *arena;
	struct buf text;
	struct currency currency;
	enum locale locale;
	int step;
};

/* Takes the text written so far; an empty one says nothing. */
static void row_end(struct rows *r, const char *label)
{
	if (r->text.n) {
		check(r->count < PLAN_ROWS_MAX);
		r->row[r->count++] = (struct plan_line){ r->step, label, arena_str(r->arena, buf_view(&r->text)) };
	}
	buf_clear(&r->text);
}

static void put_exits(struct rows *r, const struct plan_exit *e, size_t count)
{
	enum locale l = r->locale;
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_cstr(&r->text, T(l, " ou ", " or "));
		switch (e[i].kind) {
		case EXIT_ORDER: buf_cstr(&r->text, T(l, "commande", "order")); break;
		case EXIT_CART_PAID: buf_cstr(&r->text, T(l, "panier payé", "cart paid")); break;
		case EXIT_CART_EMPTIED: buf_cstr(&r->text, T(l, "panier vidé", "cart emptied")); break;
		case EXIT_CART_CHANGED: buf_cstr(&r->text, T(l, "panier modifié", "cart changed")); break;
		case EXIT_ANSWER: buf_cstr(&r->text, T(l, "réponse", "answer")); break;
		case EXIT_EVENT_NAMED: buf_printf(&r->text, T(l, "événement %.*s", "event %.*s"), STR_ARG(e[i].event)); break;
		case EXIT_WHEN: buf_str(&r->text, e[i].when_text); break;
		}
	}
}

static void put_again(struct rows *r, const struct plan *p)
{
	enum locale l = r->locale;
	struct buf *b = &r->text;
	if (p->again_each_year)
		buf_cstr(b, T(l, "une fois par an", "once a year"));
	else if (p->again_months < 0 && p->again_days < 0)
		buf_cstr(b, T(l, "jamais", "never"));
	else if (p->again_months > 0)
		buf_printf(b, T(l, "après %d mois", "after %d months"), p->again_months);
	else if (p->again_days > 0)
		buf_printf(b, T(l, "après %d jours", "after %d days"), p->again_days);
	else
		buf_cstr(b, T(l, "à chaque fois", "each time"));
}

static void plan_level(struct rows *r, const struct plan *p)
{
	enum locale l = r->locale;
	struct buf *b = &r->text;
	buf_str(b, p->title[l]);
	row_end(r, T(l, "titre", "title"));
	plan_trigger_text(p, l, b);
	row_end(r, T(l, "entrée", "enters"));
	buf_str(b, p->who_text);
	row_end(r, T(l, "qui", "who"));
	put_again(r, p);
	row_end(r, T(l, "à nouveau", "again"));
	if (p->smooth_per_day)
		buf_printf(b, T(l, "%d entrées par jour", "%d entries a day"), p->smooth_per_day);
	row_end(r, T(l, "lissage", "smoothing"));
	buf_str(b, p->boost_text);
	row_end(r, T(l, "d’abord", "first"));
	put_exits(r, p->goal, p->goal_count);
	row_end(r, T(l, "objectif", "goal"));
	put_exits(r, p->exits, p->exit_count);
	row_end(r, T(l, "sortie", "leaves"));
	buf_printf(b, "%g%s%%", p->control_per_million / 1e4, T(l, "\xE2\x80\xAF", ""));
	row_end(r, T(l, "groupe témoin", "control group"));
	buf_i64(b, p->priority);
	row_end(r, T(l, "priorité", "priority"));
	put_hour(b, p->hour_s, l);
	row_end(r, T(l, "heure", "hour"));
	put_seconds(b, p->late_s, l);
	row_end(r, T(l, "retard admis", "lateness"));
	if (p->max_messages)
		buf_i64(b, p->max_messages);
	row_end(r, T(l, "messages au plus", "messages at most"));
	if (p->budget)
		put_money(b, p->budget, r->currency, l),
			buf_cstr(b, p->budget_total ? T(l, " en tout", " in all") : T(l, " par mois", " a month"));
	row_end(r, T(l, "budget", "budget"));
	for (size_t i = 0; i < p->blackout_count; i++) {
		char day[16];
		buf_printf(b, "%s%s", i ? ", " : "", date_text(p->blackout[i], day));
	}
	row_end(r, T(l, "jours exclus", "blackout"));
	if (p->purpose == PURPOSE_SERVICE)
		buf_cstr(b, "service");
	row_end(r, T(l, "finalité", "purpose"));
	buf_str(b, p->experiment);
	row_end(r, T(l, "expérience", "experiment"));
}

static void put_action(struct rows *r, const struct step *s)
{
	enum locale l = r->locale;
	struct buf *b = &r->text;
	switch (s->action) {
	case STEP_SEND:
		for (size_t i = 0; i < s->variant_count; i++) {
			const struct variant *v = &s->variants[i];
			buf_printf(b, "%s%.*s", i ? " / " : "", STR_ARG(v->message));
			if (s->variant_count > 1)
				buf_printf(b, " (%d)", v->weight);
			if (v->subject.n)
				buf_printf(b, T(l, " «\xE2\x80\xAF%.*s\xE2\x80\xAF»", " “%.*s”"), STR_ARG(v->subject));
			if (v->hour_s >= 0)
				buf_char(b, ' '), put_hour(b, v->hour_s, l);
		}
		break;
	case STEP_NOTIFY: buf_printf(b, T(l, "prévenir %.*s", "tell %.*s"), STR_ARG(s->tag)); break;
	case STEP_TAG:
		buf_printf(
			b, s->untags ? T(l, "ôter l’étiquette %.*s", "take the tag %.*s away") : T(l, "étiquette %.*s", "tag %.*s"),
			STR_ARG(s->tag));
		break;
	case STEP_WAIT: buf_cstr(b, T(l, "attendre", "wait")); break;
	}
}

static void put_voucher(struct rows *r, const struct voucher_offer *v)
{
	enum locale l = r->locale;
	struct buf *b = &r->text;
	if (v->percent)
		buf_printf(b, "%d%s%%", v->percent, T(l, "\xE2\x80\xAF", ""));
	else if (v->amount)
		put_money(b, v->amount, r->currency, l);
	else
		buf_str(b, v->text);
	buf_printf(b, T(l, ", %d jours", ", %d days"), v->valid_days);
	if (v->minimum) {
		buf_cstr(b, T(l, ", dès ", ", from "));
		put_money(b, v->minimum, r->currency, l);
	}
	if (v->pool.n)
		buf_printf(b, T(l, ", codes de %.*s", ", codes from %.*s"), STR_ARG(v->pool));
}

static void step_level(struct rows *r, const struct plan *p, const struct step *s)
{
	enum locale l = r->locale;
	struct buf *b = &r->text;
	step_moment_text(p, s, l, b);
	row_end(r, T(l, "moment", "moment"));
	put_action(r, s);
	row_end(r, s->action == STEP_SEND ? "message" : T(l, "action", "action"));
	for (size_t i = 0; i < s->channel_count && s->action == STEP_SEND; i++)
		buf_printf(b, "%s%s", i ? T(l, ", sinon ", ", else ") : "", plan_channel_word(s->channels[i], l));
	row_end(r, T(l, "canal", "channel"));
	buf_str(b, s->condition_text);
	row_end(r, T(l, "si", "if"));
	buf_str(b, s->wait_text);
	char day[16];
	if (date_known(s->wait_date))
		buf_cstr(b, date_text(s->wait_date, day));
	row_end(r, T(l, "jusqu’à", "until"));
	if (s->has_voucher)
		put_voucher(r, &s->voucher);
	row_end(r, T(l, "bon", "voucher"));
	if (s->hour_s >= 0)
		put_hour(b, s->hour_s, l);
	row_end(r, T(l, "heure", "hour"));
	if (s->late_s >= 0)
		put_seconds(b, s->late_s, l);
	row_end(r, T(l, "retard admis", "lateness"));
	if (s->drop_when_held)
		buf_cstr(b, T(l, "abandonné", "dropped"));
	row_end(r, T(l, "si retenu", "when held"));
	if (s->purpose != p->purpose && s->action == STEP_SEND)
		buf_cstr(b, purpose_name(s->purpose));
	row_end(r, T(l, "finalité", "purpose"));
	if (s->ends_run)
		buf_cstr(b, T(l, "fin", "end"));
	else if (s->goto_step >= 0)
		buf_str(b, p->steps[s->goto_step].name);
	row_end(r, T(l, "ensuite", "next"));
}

size_t plan_rows(const struct plan *p, enum locale locale, struct currency currency, struct arena *a,
                 struct plan_line rows[PLAN_ROWS_MAX])
{
	struct rows r = { .row = rows, .arena = a, .currency = currency, .locale = locale, .step = -1 };
	buf_init(&r.text, WORDS_TEXT_MAX);
	plan_level(&r, p);
	for (int i = 0; i < p->step_count; i++) {
		r.step = i;
		step_level(&r, p, &p->steps[i]);
	}
	buf_release(&r.text);
	return r.count;
}
