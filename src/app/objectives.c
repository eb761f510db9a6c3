#include "app/objectives.h"

#include "fold/case.h"
#include "fold/pace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAYS_MAX = 366 + 1 };

const char *objective_state_key(enum objective_state s)
{
	static const char *const KEYS[] = { "met", "on_track", "open", "off_track", "missed", "ahead", "unknown" };
	return KEYS[s];
}

struct counting {
	const struct figures_shop *s;
	const struct objective *o;
	struct objective_progress *out;
	int64_t start, end; /* instants; end: of the period, or now */
	double day[DAYS_MAX];
	uint32_t store, sellers[OBJECTIVE_MEMBERS_MAX];
	int seller_count;
	int64_t prospects, sold; /* of a conversion */
};

static int day_of(const struct counting *x, int64_t at)
{
	return zone_date(x->s->settings->zone, (struct instant){ at }).day - x->out->from.day;
}

static void add(struct counting *x, int64_t at, double v)
{
	int d = day_of(x, at);
	if (d >= 0 && d < DAYS_MAX)
		x->day[d] += v;
}

/* What a document adds to the measure. */
static double worth_of(const struct counting *x, const struct chunk *k, uint32_t o)
{
	uint32_t count;
	const struct product *p = book_products(x->s->book, &count);
	double pieces = 0;
	switch (x->o->measure) {
	case OBJECTIVE_REVENUE: return (double)order_total(k, o);
	case OBJECTIVE_ORDERS: return order_is_sale(k, o);
	case OBJECTIVE_VOLUME:
		for (uint32_t l = order_line(k, o); l < order_line(k, o + 1); l++)
			if (line_quantity(k, l) > 0 && (line_product(k, l) >= count || !p[line_product(k, l)].not_a_product))
				pieces += line_quantity(k, l);
		return pieces;
	case OBJECTIVE_CONVERSION:
	case OBJECTIVE_MEASURES: return 0;
	}
	return 0;
}

static bool is_theirs(const struct counting *x, const struct chunk *k, uint32_t o)
{
	if (x->o->scope == OBJECTIVE_SHOP)
		return true;
	if (!k->order_desk)
		return false;
	if (x->store)
		return k->order_desk[o].store == x->store;
	for (int i = 0; i < x->seller_count; i++)
		if (k->order_desk[o].seller == x->sellers[i])
			return true;
	return false;
}

static void find_sellers(struct counting *x)
{
	struct str rest = x->o->members;
	const struct book *b = x->s->book;
	if (x->o->scope == OBJECTIVE_PERSON) {
		x->sellers[x->seller_count++] = book_word_find(b, x->o->name);
	} else if (rest.n == 0) {
		x->store = book_word_find(b, x->o->name);
	}
	while (rest.n && x->seller_count < OBJECTIVE_MEMBERS_MAX) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;
		uint32_t word = book_word_find(b, (struct str){ rest.p, n });
		if (word)
			x->sellers[x->seller_count++] = word;
		rest = (struct str){ rest.p + n + (end != NULL), rest.n - n - (end != NULL) };
	}
	if (x->seller_count && !x->sellers[0])
		x->seller_count = 0; /* a person nobody has sold as */
}

static void count_sales(struct counting *x)
{
	find_sellers(x);
	for (size_t n = 0; n < x->s->version->chunk_count; n++) {
		const struct chunk *k = x->s->version->chunks[n];
		for (uint32_t o = 0; o < k->order_start[BOOK_CHUNK]; o++)
			if (k->order_at[o] >= x->start && k->order_at[o] < x->end && is_theirs(x, k, o))
				add(x, k->order_at[o], worth_of(x, k, o));
	}
}

/* ---- conversion of prospects ---- */

static void saw(void *ctx, const struct figures_seen *seen)
{
	struct counting *x = ctx;
	if (seen->what != FIGURES_PROSPECT || seen->period != 1 || seen->at >= x->end)
		return;
	x->prospects++;
	if (!seen->yes || seen->until >= x->end)
		return;
	x->sold++;
	add(x, seen->until, 1);
}

static bool bears(const struct chunk *k, uint32_t i, uint32_t tag)
{
	for (uint32_t w = k->word_start[i]; w < k->word_start[i + 1]; w++)
		if (k->words[w] == tag * 2)
			return true;
	return false;
}

/* The prospects of a store, or of those who bear the name as a tag. */
static uint64_t *prospects_of(const struct counting *x)
{
	uint32_t name = book_word_find(x->s->book, x->o->name);
	uint64_t *bits = mem_alloc(((size_t)x->s->version->customers + 64) / 64 * sizeof *bits);
	for (size_t n = 0; name && n < x->s->version->chunk_count; n++) {
		const struct chunk *k = x->s->version->chunks[n];
		for (uint32_t i = 0; i < BOOK_CHUNK && k->first + i <= x->s->version->customers; i++)
			if (k->profile[i].store == name || bears(k, i, name))
				bits[(k->first + i) >> 6] |= UINT64_C(1) << ((k->first + i) & 63);
	}
	return bits;
}

static void count_conversion(struct counting *x)
{
	uint64_t *bits = x->o->scope == OBJECTIVE_SHOP ? NULL : prospects_of(x);
	struct figures_ask ask = { .first_month = x->o->first_month,
		                       .each = x->o->months,
		                       .periods = 1,
		                       .segment = bits,
		                       .channel = -1,
		                       .margin_per_mille = -1 };
	struct figures_time t;
	struct kpi_input ignored[2];
	const struct figures_watch watch = { saw, x };
	figures_time_make(x->s, &ask, &t);
	kpi_input_init(&ignored[0]);
	kpi_input_init(&ignored[1]);
	figures_people(x->s, &ask, &t, ignored, &watch);
	free(bits);
	if (x->prospects == 0) {
		x->out->why_fr = "aucun prospect connu sur la période";
		x->out->why_en = "no prospect is known in the period";
	}
}

/* ---- plans ---- */

/* A run of the plan's family that counts: somebody may enter again, next year or with another cart. */
static bool counts_run(const struct counting *x, const struct run *run, uint16_t family)
{
	return x->s->plans->family[run->plan] == family && !run->control && run->entered_at < x->end;
}

static bool in_window(const struct run *run, int64_t at)
{
	return at > run->entered_at && at <= (int64_t)run->entered_at + OBJECTIVE_WINDOW * (int64_t)DAY_S;
}

/* Each run that entered in the period; each order once, however many windows it lies in. */
static void count_entrant(struct counting *x, customer_id c, uint16_t family)
{
	const struct pstate *state = &x->s->states[c];
	struct view v;
	view_at(&v, x->s->version, c, x->s->now);
	for (uint16_t i = 0; i < state->run_count; i++) {
		const struct run *run = &state->runs[i];
		bool ordered = false;
		if (!counts_run(x, run, family) || run->entered_at < x->start)
			continue;
		for (uint32_t o = v.order0; o < v.order1 && !ordered; o++)
			ordered = order_is_sale(v.k, o) && in_window(run, v.k->order_at[o]);
		x->prospects++;
		x->sold += ordered;
	}
	for (uint32_t o = v.order0; o < v.order1; o++) {
		int64_t at = v.k->order_at[o];
		bool within = false;
		for (uint16_t i = 0; at >= x->start && at < x->end && i < state->run_count && !within; i++)
			within = counts_run(x, &state->runs[i], family) && in_window(&state->runs[i], at);
		if (within)
			add(x, at, worth_of(x, v.k, o));
	}
}

static void count_plan(struct counting *x)
{
	const struct plan_set *set = x->s->plans;
	int family = -1;
	for (uint16_t i = 0; set && i < set->count; i++)
		if (set->family[i] == i && str_eq(set->plans[i]->name, x->o->name))
			family = i;
	if (family < 0 || !x->s->states) {
		x->out->why_fr = "aucun plan de ce nom n’a été mis en marche";
		x->out->why_en = "no plan of that name was ever switched on";
		return;
	}
	for (customer_id c = 1; c <= x->s->version->customers; c++)
		if (x->s->states[c].run_count && figures_is_person(x->s, c))
			count_entrant(x, c, (uint16_t)family);
	if (x->o->measure == OBJECTIVE_CONVERSION && x->prospects == 0) {
		x->out->why_fr = "personne n’est entré dans le plan sur la période";
		x->out->why_en = "nobody entered the plan in the period";
	}
}

/* ---- where it ends ---- */

static double rate(double sold, double prospects)
{
	return sold / prospects * 100000;
}

/* Wilson 1927, 95 %. */
static void wilson(struct objective_progress *p, double k, double n)
{
	const double z = 1.959963984540054;
	double mid = (k + z * z / 2) / (n + z * z), half = z / (n + z * z) * sqrt(k * (n - k) / n + z * z / 4);
	p->projected = n >= 20;
	p->expected = rate(k, n);
	p->low = (mid - half) * 100000;
	p->high = (mid + half) * 100000;
}

static void project(struct counting *x)
{
	struct objective_progress *p = x->out;
	bool conversion = x->o->measure == OBJECTIVE_CONVERSION, over = p->elapsed == p->length;
	if (over) {
		p->projected = true;
		p->expected = p->low = p->high = (double)p->reached;
		return;
	}
	if (conversion && x->o->scope == OBJECTIVE_PLAN) {
		wilson(p, (double)x->sold, (double)x->prospects);
		return;
	}
	struct pace pace = pace_make(x->day, p->elapsed, p->elapsed < p->length ? x->day[p->elapsed] : 0, p->length, 0.95);
	double scale = conversion ? rate(1, (double)x->prospects) : 1;
	p->projected = pace.known;
	p->expected = pace.expected * scale;
	p->low = pace.low * scale;
	p->high = conversion ? fmin(pace.high * scale, 100000) : pace.high;
}

static enum objective_state state_of(const struct objective_progress *p)
{
	double target = (double)p->of->target;
	if (p->why_en)
		return OBJECTIVE_UNKNOWN;
	if (p->elapsed == p->length)
		return p->reached >= p->of->target ? OBJECTIVE_MET : OBJECTIVE_MISSED;
	if (p->reached >= p->of->target && p->of->measure != OBJECTIVE_CONVERSION)
		return OBJECTIVE_MET;
	if (!p->projected)
		return OBJECTIVE_OPEN;
	return p->low >= target ? OBJECTIVE_ON_TRACK : p->high < target ? OBJECTIVE_OFF_TRACK : OBJECTIVE_OPEN;
}

static struct instant month_start(zone_id zone, int month)
{
	return zone_instant(zone, date_from_ymd(month / 12, month % 12 + 1, 1), 0);
}

void objective_progress(const struct figures_shop *s, const struct objective *o, struct objective_progress *out)
{
	struct counting *x = mem_alloc(sizeof *x);
	zone_id zone = s->settings->zone;
	double sum = 0;
	*out = (struct objective_progress){ .of = o };
	*x = (struct counting){ .s = s, .o = o, .out = out, .start = month_start(zone, o->first_month).s };
	x->end = month_start(zone, o->first_month + o->months).s;
	out->from = zone_date(zone, (struct instant){ x->start });
	out->until = zone_date(zone, (struct instant){ x->end });
	out->length = out->until.day - out->from.day;
	out->elapsed = zone_date(zone, s->now).day - out->from.day;
	out->elapsed = out->elapsed < 0 ? 0 : out->elapsed > out->length ? out->length : out->elapsed;
	if (s->now.s < x->start) {
		out->state = OBJECTIVE_AHEAD;
		free(x);
		return;
	}
	x->end = x->end <= s->now.s ? x->end : s->now.s + 1; /* what is dated now has been */
	if (o->scope == OBJECTIVE_PLAN)
		count_plan(x);
	else if (o->measure == OBJECTIVE_CONVERSION)
		count_conversion(x);
	else
		count_sales(x);
	for (int d = 0; d < DAYS_MAX; d++)
		sum += x->day[d];
	if (!out->why_en) {
		out->reached =
			o->measure == OBJECTIVE_CONVERSION ? llround(rate((double)x->sold, (double)x->prospects)) : llround(sum);
		out->attainment = (double)out->reached / (double)o->target * 100;
		project(x);
	}
	out->state = state_of(out);
	free(x);
}

/* ---- in words ---- */

static const char *measure_name(enum objective_measure m, bool french)
{
	switch (m) {
	case OBJECTIVE_REVENUE: return french ? "chiffre d’affaires" : "revenue";
	case OBJECTIVE_ORDERS: return french ? "commandes" : "orders";
	case OBJECTIVE_VOLUME: return french ? "articles vendus" : "articles sold";
	case OBJECTIVE_CONVERSION: return french ? "transformation" : "conversion";
	case OBJECTIVE_MEASURES: break;
	}
	return "";
}

void objective_title(const struct objective *o, bool french, struct buf *out)
{
	char period[12];
	figures_month_text(o->first_month, o->months, period);
	if (o->scope == OBJECTIVE_SHOP)
		buf_cstr(out, french ? "La boutique" : "The shop");
	else
		buf_str(out, o->name);
	buf_printf(out, " · %s · %s", measure_name(o->measure, french), period);
}

static void number(double v, int decimals, bool french, struct buf *out)
{
	char plain[64];
	snprintf(plain, sizeof plain, "%.*f", decimals, fabs(v));
	size_t whole = strcspn(plain, ".");
	if (v < 0)
		buf_cstr(out, "−");
	for (size_t i = 0; plain[i]; i++) {
		if (i > 0 && i < whole && (whole - i) % 3 == 0)
			buf_cstr(out, french ? "\xE2\x80\xAF" : ",");
		buf_char(out, plain[i] == '.' && french ? ',' : plain[i]);
	}
}

void objective_amount(const struct objective *o, double v, struct currency currency, bool french, struct buf *out)
{
	double unit = pow(10, currency.exponent);
	switch (o->measure) {
	case OBJECTIVE_REVENUE:
		case_money(out, (struct money){ llround(v / unit) * llround(unit) }, currency, french);
		break;
	case OBJECTIVE_ORDERS:
	case OBJECTIVE_VOLUME: number(v, 0, french, out); break;
	case OBJECTIVE_CONVERSION:
		number(v / 1000, 1, french, out);
		buf_cstr(out, french ? "\xE2\x80\xAF%" : "%");
		break;
	case OBJECTIVE_MEASURES: break;
	}
}

void objective_text(const struct objective_progress *p, struct currency currency, bool french, struct buf *out)
{
	const struct objective *o = p->of;
	if (p->state == OBJECTIVE_UNKNOWN) {
		buf_cstr(out, french ? p->why_fr : p->why_en);
		return;
	}
	if (p->state == OBJECTIVE_AHEAD) {
		buf_cstr(out, french ? "la période n’a pas commencé" : "the period has not begun");
		return;
	}
	objective_amount(o, (double)p->reached, currency, french, out);
	buf_cstr(out, french ? " sur " : " of ");
	objective_amount(o, (double)o->target, currency, french, out);
	buf_cstr(out, " (");
	number(p->attainment, 0, french, out);
	buf_cstr(out, french ? "\xE2\x80\xAF%)" : "%)");
	if (p->elapsed == p->length)
		return;
	if (!p->projected) {
		buf_cstr(out, french ? "\xE2\x80\xAF; trop tôt pour dire où cela mène" : "; too early to say where it leads");
		return;
	}
	buf_cstr(out, french ? "\xE2\x80\xAF; à ce rythme " : "; at this pace ");
	objective_amount(o, p->expected, currency, french, out);
	buf_cstr(out, french ? " à la fin, entre " : " by the end, between ");
	objective_amount(o, p->low, currency, french, out);
	buf_cstr(out, french ? " et " : " and ");
	objective_amount(o, p->high, currency, french, out);
}

/* ---- reading ---- */

bool objective_period_read(struct str text, int *first_month, int *months)
{
	int64_t year, part = 1;
	if (text.n < 4 || !str_i64((struct str){ text.p, 4 }, &year) || year < 1970 || year > 2100)
		return false;
	struct str rest = { text.p + 4, text.n - 4 };
	if (rest.n == 0)
		*months = 12;
	else if (rest.n == 3 && rest.p[0] == '-' && (rest.p[1] == 'Q' || rest.p[1] == 'T') && rest.p[2] >= '1' &&
	         rest.p[2] <= '4') {
		*months = 3;
		part = (rest.p[2] - '1') * 3 + 1;
	} else if (rest.n == 3 && rest.p[0] == '-' && str_i64((struct str){ rest.p + 1, 2 }, &part) && part >= 1 &&
	           part <= 12)
		*months = 1;
	else
		return false;
	*first_month = (int)(year * 12 + part - 1);
	return true;
}

bool objective_target_read(enum objective_measure m, struct str text, struct currency currency, int64_t *out)
{
	struct money amount;
	double percent;
	text = str_trim(text);
	if (m == OBJECTIVE_REVENUE) {
		bool ok = money_parse(text, currency, 0, &amount);
		*out = ok ? amount.minor : 0;
		return ok && amount.minor > 0;
	}
	if (m != OBJECTIVE_CONVERSION)
		return str_i64(text, out) && *out > 0;
	if (text.n && text.p[text.n - 1] == '%')
		text = str_trim((struct str){ text.p, text.n - 1 });
	if (!str_f64(text, &percent) || !(percent > 0) || percent > 100)
		return false;
	*out = llround(percent * 1000);
	return *out > 0;
}

bool objective_concerns(const struct objective *o, struct str person)
{
	if (o->scope == OBJECTIVE_SHOP)
		return true;
	if (o->scope == OBJECTIVE_PERSON)
		return str_eq_nocase(o->name, person);
	for (struct str rest = o->members; o->scope == OBJECTIVE_TEAM && rest.n;) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;
		if (str_eq_nocase((struct str){ rest.p, n }, person))
			return true;
		rest = (struct str){ rest.p + n + (end != NULL), rest.n - n - (end != NULL) };
	}
	return false;
}

void objectives_into(const struct figures_shop *s, const struct objective *list, size_t count,
                     enum objective_scope scope, struct str name, int first_month, int months, struct kpi_input *in)
{
	enum objective_measure best = OBJECTIVE_MEASURES;
	for (size_t i = 0; i < count; i++) {
		const struct objective *o = &list[i];
		struct objective_progress p;
		if (o->first_month != first_month || o->months != months)
			continue;
		objective_progress(s, o, &p);
		if (p.state == OBJECTIVE_UNKNOWN || p.state == OBJECTIVE_AHEAD)
			continue;
		if (in->objectives_count == KPI_UNKNOWN)
			in->objectives_count = in->objectives_met = 0;
		in->objectives_count++;
		in->objectives_met += p.state == OBJECTIVE_MET;
		if (o->scope != scope || !str_eq(o->name, name) || o->measure >= best)
			continue;
		best = o->measure;
		in->objective_reached = p.reached;
		in->objective_set = o->target;
	}
}
