/* Leaves that look at carts, events, messages, plans, consents and the person. */
#include "fold/expr_int.h"

#include "fold/geo.h"

static bool between(int64_t x, int64_t lo, int64_t hi)
{
	return x >= lo && x <= hi;
}

static int64_t whole(int64_t n)
{
	int64_t r;
	return __builtin_mul_overflow(n, NUMBER_ONE, &r) ? UNKNOWN : r;
}

/* ---- carts: every change is a row; the last change of each cart is the cart ---- */

enum { CART_CHANGES_MAX = 512 }; /* looked at, newest first: a cart older than that many changes is past */

static bool is_last_change(const struct view *w, uint32_t i)
{
	for (uint32_t j = i + 1; j < w->cart1; j++)
		if (w->k->carts[j].cart == w->k->carts[i].cart)
			return false;
	return true;
}

static bool is_open(const struct chunk *k, const struct cart *c)
{
	return c->state == CART_CHANGED && cart_line_count(k, c) > 0;
}

static int64_t cart_items(const struct chunk *k, const struct cart *c)
{
	int64_t n = 0;
	for (uint32_t i = 0, count = cart_line_count(k, c); i < count; i++)
		n += cart_line_quantity(k, c->line + i);
	return n * NUMBER_ONE;
}

static bool cart_holds(const struct leaf *l, const struct eval *v, const struct cart *c)
{
	if (l->product_count == 0)
		return true;
	for (uint32_t i = 0, count = cart_line_count(v->s->view.k, c); i < count; i++)
		if (product_passes(l, v, cart_line_product(v->s->view.k, c->line + i)))
			return true;
	return false;
}

static bool cart_passes(const struct leaf *l, const struct eval *v, const struct cart *c, int64_t from_s, int64_t to_s)
{
	if (l->cart_states ? !(l->cart_states >> c->state & 1) : !is_open(v->s->view.k, c))
		return false;
	return between(c->at, from_s, to_s - 1) && between(cart_total(v->s->view.k, c), l->total_lo, l->total_hi) &&
	       (!l->has_items || between(cart_items(v->s->view.k, c), l->items_lo, l->items_hi)) && cart_holds(l, v, c);
}

int64_t leaf_cart(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	int64_t from_s, to_s;
	eval_window(l, v, &from_s, &to_s);
	for (uint32_t i = w->cart1, seen = 0; i > w->cart0 && seen < CART_CHANGES_MAX; i--, seen++) {
		const struct cart *c = &w->k->carts[i - 1];
		if (!cart_passes(l, v, c, from_s, to_s) || !is_last_change(w, i - 1))
			continue;
		switch ((enum fn)l->fn) {
		case F_CART: return TRI_TRUE;
		case F_CART_TOTAL: return cart_total(w->k, c);
		case F_CART_ITEMS: return cart_items(w->k, c);
		case F_CART_AGE: return w->now.s - c->at;
		default: return UNKNOWN;
		}
	}
	return l->fn == F_CART ? TRI_FALSE : UNKNOWN;
}

/* ---- events ---- */

static int64_t events(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	uint32_t word = eval_word(v, l->slot);
	int64_t from_s, to_s, count = 0;
	eval_window(l, v, &from_s, &to_s);
	for (uint32_t i = w->event1; word && i > w->event0; i--) {
		const struct event *e = &w->k->events[i - 1];
		if ((int64_t)e->at < from_s)
			break;
		if (e->name != word || (int64_t)e->at >= to_s)
			continue;
		if (l->has_value && !between(whole(event_value(w->k, i - 1)), l->value_lo, l->value_hi))
			continue;
		switch ((enum fn)l->fn) {
		case F_EVENT: return TRI_TRUE;
		case F_EVENT_VALUE: return whole(event_value(w->k, i - 1));
		case F_LAST_EVENT: return zone_date(v->e->shop_zone, (struct instant){ e->at }).day;
		default: count++;
		}
	}
	return l->fn == F_EVENT ? TRI_FALSE : l->fn == F_EVENT_COUNT ? count * NUMBER_ONE : UNKNOWN;
}

/* ---- messages and plans ---- */

static const struct plan_words *plan_names(const struct eval *v)
{
	return v->s->plans ? v->s->plans : v->e->plans;
}

static bool plan_is(const struct leaf *l, const struct eval *v, uint16_t plan)
{
	if (!l->plan)
		return true;
	const struct plan_words *words = plan_names(v);
	if (words)
		return plan < words->count && words->plan[plan] == l->plan;
	for (uint32_t i = 0; i < l->plan_index_count; i++)
		if (l->plan_index[i] == plan)
			return true;
	return false;
}

static bool step_is(const struct leaf *l, const struct eval *v, const struct sent *m)
{
	if (!l->step)
		return true;
	const struct plan_words *words = plan_names(v);
	if (words)
		return m->plan < words->count && m->step < words->step_count[m->plan] &&
		       words->step[m->plan][m->step] == l->step;
	return l->step_index == m->step;
}

/* Is the message of the run at hand? Runs are numbered per plan name; a run may have moved to another version. */
static bool of_run(const struct eval *v, const struct sent *m)
{
	const struct run *run = v->s->run;
	const struct plan_words *words = plan_names(v);
	if (m->run_no != run->run_no)
		return false;
	if (m->plan == run->plan)
		return true;
	return words && m->plan < words->count && run->plan < words->count &&
	       words->plan[m->plan] == words->plan[run->plan];
}

static bool left(const struct sent *m)
{
	return m->state == SENT_ACCEPTED || m->state == SENT_UNCERTAIN;
}

/* When what the leaf asks for happened to the message; 0: it did not. */
static uint32_t happened(const struct leaf *l, const struct sent *m)
{
	switch ((enum fn)l->fn) {
	case F_SENT:
	case F_SENT_COUNT:
	case F_LAST_SENT: return left(m) ? m->at : 0;
	case F_OPENED: return m->opened_at ? m->opened_at : m->clicked_at;
	case F_CLICKED: return m->clicked_at;
	case F_BOUNCED: return m->bounced >= 2 ? m->at : 0;
	case F_ANSWERED: return m->answer != ANSWER_NONE ? m->at : 0;
	default: return 0;
	}
}

static int64_t messages(const struct leaf *l, struct eval *v)
{
	const struct pstate *state = v->s->state;
	int64_t from_s, to_s, count = 0;
	uint32_t last = 0;
	eval_window(l, v, &from_s, &to_s);
	int64_t answer = ANSWER_NONE;
	for (uint32_t i = 0; state && i < state->sent_count; i++) {
		const struct sent *m = &state->sent[i];
		uint32_t at = happened(l, m);
		if (at == 0 || !between(at, from_s, to_s - 1) || at > v->s->view.now.s || !plan_is(l, v, m->plan) ||
		    !step_is(l, v, m))
			continue;
		if ((l->channel != CHANNEL_COUNT && m->channel != l->channel) || (l->whole_run && v->s->run && !of_run(v, m)))
			continue;
		count++;
		answer = m->answer;
		last = at > last ? at : last;
	}
	switch ((enum fn)l->fn) {
	case F_SENT_COUNT: return count * NUMBER_ONE;
	case F_ANSWERED: return answer;
	case F_LAST_SENT: return count ? zone_date(v->e->shop_zone, (struct instant){ last }).day : UNKNOWN;
	default: return count > 0;
	}
}

static int64_t plans(const struct leaf *l, struct eval *v)
{
	const struct pstate *state = v->s->state;
	int64_t from_s, to_s;
	eval_window(l, v, &from_s, &to_s);
	for (uint32_t i = 0; state && i < state->run_count; i++) {
		const struct run *r = &state->runs[i];
		if (!plan_is(l, v, r->plan))
			continue;
		if (l->fn == F_ENTERED   ? between(r->entered_at, from_s, to_s - 1) && r->entered_at <= v->s->view.now.s
		    : l->fn == F_CONTROL ? r->control
		                         : r->state == RUN_ACTIVE)
			return TRI_TRUE;
	}
	return TRI_FALSE;
}

int64_t leaf_message(const struct leaf *l, struct eval *v)
{
	return l->fn == F_IN_PLAN || l->fn == F_ENTERED || l->fn == F_CONTROL ? plans(l, v) : messages(l, v);
}

/* ---- the person ---- */

/* Full years from birth to `day`; a birthday on 29 February is on the 28th of common years. */
static int years(int32_t born, struct date day)
{
	int y, m, d, by, bm, bd;
	date_ymd(day, &y, &m, &d);
	date_ymd((struct date){ born }, &by, &bm, &bd);
	int n = y - by;
	return date_add_months((struct date){ born }, n * 12).day > day.day ? n - 1 : n;
}

static int64_t birth(const struct leaf *l, struct eval *v, int32_t born)
{
	if (born == INT32_MIN)
		return UNKNOWN;
	int y, m, d;
	if (l->fn == F_BIRTHDAY_MONTH) {
		date_ymd((struct date){ born }, &y, &m, &d);
		return m * (int64_t)NUMBER_ONE;
	}
	if (born > v->s->today.day)
		return UNKNOWN;
	int n = years(born, v->s->today);
	if (l->fn == F_AGE)
		return n * (int64_t)NUMBER_ONE;
	struct date birthday = date_add_months((struct date){ born }, n * 12);
	if (birthday.day < v->s->today.day)
		birthday = date_add_months((struct date){ born }, (n + 1) * 12);
	return (birthday.day - v->s->today.day) * (int64_t)NUMBER_ONE;
}

enum { CHILD_YEARS = 16 }; /* a child's birth date is used until then (LAW, "Children") */

static int64_t children(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	int64_t n = 0;
	for (uint32_t i = w->k->child_start[w->i]; i < w->k->child_start[w->i + 1]; i++) {
		int32_t born = w->k->children[i];
		if (born == INT32_MIN || born > v->s->today.day)
			continue;
		int age = years(born, v->s->today);
		n += age < CHILD_YEARS && (l->fn == F_CHILDREN || between(age * (int64_t)NUMBER_ONE, l->value_lo, l->value_hi));
	}
	return l->fn == F_CHILDREN ? n * NUMBER_ONE : n > 0;
}

static int64_t has_word(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	uint32_t word = eval_word(v, l->slot);
	if (word == 0)
		return TRI_FALSE;
	word = word * 2 + (l->fn == F_INTEREST);
	for (uint32_t i = w->k->word_start[w->i]; i < w->k->word_start[w->i + 1]; i++)
		if (w->k->words[i] == word)
			return TRI_TRUE;
	return TRI_FALSE;
}

/* The latest word on a tag by a plan of this run of the program: its fact may not be in the book yet. */
static uint32_t tagged(const struct leaf *l, const struct eval *v, bool *bears)
{
	const struct plan_words *words = plan_names(v);
	const struct pstate *state = v->s->state;
	for (uint16_t i = state && words && words->tag ? state->sent_count : 0; i-- > 0;) {
		const struct sent *m = &state->sent[i];
		if (m->state != SENT_TAG || m->at > v->s->view.now.s || m->plan >= words->count ||
		    m->step >= words->step_count[m->plan] || words->tag[m->plan][m->step] != l->tag)
			continue;
		*bears = !words->untags[m->plan][m->step];
		return m->at;
	}
	return 0;
}

/* The customer file says which tags a person has; a plan, or an event, what has become of one since. */
static int64_t tag(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	uint32_t word = eval_word(v, l->tag_slot);
	bool bears = false;
	uint32_t at = tagged(l, v, &bears);
	for (uint32_t i = w->event1; word && i > w->event0; i--) {
		const struct event *e = &w->k->events[i - 1];
		if (e->name != word)
			continue;
		if (e->at > at)
			return event_value(w->k, i - 1) > 0;
		break;
	}
	return at ? bears : has_word(l, v);
}

static int department(struct eval *v, uint32_t postcode)
{
	if (postcode == 0)
		return -1;
	if (v->department_memo && postcode < v->memo_count) {
		int16_t *memo = &v->department_memo[postcode];
		if (*memo == 0) /* 0 not asked, 1 none, 2 + department */
			*memo = (int16_t)(department_of_postcode(book_word_text(v->s->book, postcode)) + 2);
		return *memo - 2;
	}
	return department_of_postcode(book_word_text(v->s->book, postcode));
}

static int64_t gender(uint8_t g)
{
	return g == 'f' ? 0 : g == 'm' ? 1 : g == 'x' ? 2 : UNKNOWN;
}

/* The guard's order (SEMANTICS): erased, suppression, basis; and there is an address. */
static int64_t allowed(const struct leaf *l, struct eval *v)
{
	const struct pstate *state = v->s->state;
	if (state && (state->erased || (state->suppressed >> l->channel & 1)))
		return TRI_FALSE;
	return basis_reachable(v->s, (enum channel)l->channel) &&
	       basis_allows(basis_of(v->s, &v->e->basis, (enum channel)l->channel, (enum purpose)l->purpose));
}

static int64_t consent(const struct leaf *l, struct eval *v)
{
	const struct consent *said = basis_said(&v->s->view, (enum channel)l->channel, (enum purpose)l->purpose);
	return said ? said->state : CONSENT_NONE;
}

static int64_t suppressed(const struct leaf *l, const struct pstate *state)
{
	if (!state)
		return TRI_FALSE;
	return l->channel == CHANNEL_COUNT ? state->suppressed != 0 : state->suppressed >> l->channel & 1;
}

static bool texts_match(const struct text_list *t, const struct eval *v, uint32_t word)
{
	struct str text = { NULL, 0 };
	for (uint32_t i = 0; i < t->count; i++) {
		if (t->slots[i] != NO_SLOT) {
			if (eval_word(v, t->slots[i]) == word)
				return true;
			continue;
		}
		if (!text.p)
			text = book_word_text(v->s->book, word);
		if (text_matches(t->texts[i], text))
			return true;
	}
	return false;
}

bool text_list_has(const struct text_list *t, const struct eval *v, int64_t word)
{
	if (!v->text_memo || word >= v->memo_count)
		return texts_match(t, v, (uint32_t)word);
	uint8_t *memo = &v->text_memo[t->index][word];
	if (*memo == 0)
		*memo = texts_match(t, v, (uint32_t)word) ? 2 : 1;
	return *memo == 2;
}

int64_t leaf_person(const struct leaf *l, struct eval *v)
{
	const struct view *w = &v->s->view;
	const struct profile *p = view_profile(w);
	int d;
	switch ((enum fn)l->fn) {
	case F_EVENT:
	case F_EVENT_COUNT:
	case F_EVENT_VALUE:
	case F_LAST_EVENT: return events(l, v);
	case F_MAY: return allowed(l, v);
	case F_CONSENT_OF: return consent(l, v);
	case F_SUPPRESSED: return suppressed(l, v->s->state);
	case F_REACH: return basis_reachable(v->s, (enum channel)l->channel);
	case F_AGE:
	case F_BIRTHDAY_MONTH:
	case F_DAYS_TO_BIRTHDAY: return birth(l, v, p->born);
	case F_CHILD_AGE:
	case F_CHILDREN: return children(l, v);
	case F_GENDER: return gender(p->gender);
	case F_COMPANY: return p->company != 0;
	case F_LOCALE: return p->locale;
	case F_ZONE: return p->zone;
	case F_POSTCODE: return p->postcode ? p->postcode : UNKNOWN;
	case F_STORE: return p->store ? p->store : UNKNOWN;
	case F_SECTOR: return p->sector ? p->sector : UNKNOWN;
	case F_DEPARTMENT: d = department(v, p->postcode); return d < 0 ? UNKNOWN : d;
	case F_DISTANCE: d = department(v, p->postcode); return d < 0 ? UNKNOWN : l->distances[d] * (int64_t)NUMBER_ONE;
	case F_TAG: return tag(l, v);
	case F_INTEREST: return has_word(l, v);
	case F_CREATED: return p->created ? zone_date(v->e->shop_zone, (struct instant){ p->created }).day : UNKNOWN;
	default: return UNKNOWN;
	}
}
