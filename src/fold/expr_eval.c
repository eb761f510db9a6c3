/* One value for one person: a stack machine over the operations. The only state kept between calls are word numbers of
 * the book (append-only, so once found they stay) and the instants of the last shop day asked, per thread. */
#include "fold/expr_int.h"

#include "base/hash.h"

#include <stdatomic.h>
#include <stdio.h>

struct date eval_shop_day(const struct expr *e, const struct subject *s)
{
	return s->thresholds ? s->thresholds->day : zone_date(e->shop_zone, s->view.now);
}

uint32_t eval_word(const struct eval *v, uint16_t slot)
{
	if (v->words)
		return v->words[slot];
	struct word_slot *w = &v->e->slots[slot];
	uint64_t serial = (uint64_t)book_serial(v->s->book) << 32;
	uint64_t cached = atomic_load_explicit(&w->cache, memory_order_relaxed);
	if ((cached & ~(uint64_t)UINT32_MAX) == serial)
		return (uint32_t)cached;
	uint32_t word = book_word_find(v->s->book, w->text);
	if (word)
		atomic_store_explicit(&w->cache, serial | word, memory_order_relaxed);
	return word;
}

/* ---- windows ---- */

void window_days(const struct window *w, struct date shop_day, int32_t *from, int32_t *to)
{
	struct date back =
		w->unit == U_MONTHS ? date_add_months(shop_day, -w->count) : (struct date){ shop_day.day - w->count };
	*from = INT32_MIN + 1;
	*to = INT32_MAX;
	int year, month, day;
	switch ((enum window_kind)w->kind) {
	case W_ALL: break;
	case W_FIXED:
		*from = w->from.day;
		*to = w->to.day;
		break;
	case W_LAST:
		*from = back.day;
		*to = shop_day.day + 1;
		break;
	case W_BEFORE_LAST: *to = back.day; break;
	case W_THIS_MONTH:
	case W_THIS_YEAR:
		date_ymd(shop_day, &year, &month, &day);
		*from = date_from_ymd(year, w->kind == W_THIS_YEAR ? 1 : month, 1).day;
		*to = shop_day.day + 1;
		break;
	}
}

void window_instants(const struct window *w, zone_id shop_zone, struct date shop_day, struct instant now,
                     int64_t *from_s, int64_t *to_s)
{
	*from_s = INT64_MIN;
	*to_s = INT64_MAX;
	if (w->kind == W_ALL)
		return;
	if (w->kind == W_FIXED) {
		*from_s = w->from_s;
		*to_s = w->to_s;
		return;
	}
	bool before = w->kind == W_BEFORE_LAST;
	if (w->unit == U_HOURS && (before || w->kind == W_LAST)) {
		*(before ? to_s : from_s) = now.s - w->count;
		return;
	}
	int32_t from, to;
	window_days(w, shop_day, &from, &to);
	if (before)
		*to_s = day_start(shop_zone, (struct date){ to }).s;
	else
		*from_s = day_start(shop_zone, (struct date){ from }).s; /* up to now: the view ends there */
}

void eval_window(const struct leaf *l, const struct eval *v, int64_t *from_s, int64_t *to_s)
{
	if (v->bounds) {
		*from_s = v->bounds[l->index].from_s;
		*to_s = v->bounds[l->index].to_s;
	} else {
		window_instants(&l->window, v->e->shop_zone, v->shop_day, v->s->view.now, from_s, to_s);
	}
}

/* ---- values ---- */

bool set_has(const int64_t *set, int64_t count, int64_t x)
{
	int64_t from = 0, to = count;
	while (from < to) {
		int64_t middle = from + (to - from) / 2;
		if (set[middle] < x)
			from = middle + 1;
		else
			to = middle;
	}
	return from < count && set[from] == x;
}

static int64_t divided(__int128 a, __int128 b)
{
	if (b == 0)
		return UNKNOWN;
	bool negative = (a < 0) != (b < 0);
	if (a < 0)
		a = -a;
	if (b < 0)
		b = -b;
	__int128 q = (a + b / 2) / b; /* half away from zero */
	if (q > INT64_MAX)
		return UNKNOWN;
	return negative ? -(int64_t)q : (int64_t)q;
}

int64_t value_arith(enum opcode code, int64_t a, int64_t b)
{
	int64_t r;
	if (a == UNKNOWN || b == UNKNOWN)
		return UNKNOWN;
	switch ((int)code) {
	case OP_ADD: return __builtin_add_overflow(a, b, &r) ? UNKNOWN : r;
	case OP_SUB: return __builtin_sub_overflow(a, b, &r) ? UNKNOWN : r;
	case OP_MUL: return divided((__int128)a * b, NUMBER_ONE);
	case OP_DIV:
	case OP_RATIO: return divided((__int128)a * NUMBER_ONE, b);
	case OP_DATE_DIFF: return (a - b) * DAY_S;
	default: return UNKNOWN;
	}
}

static int64_t date_part(enum opcode code, int64_t day)
{
	int y, m, d;
	date_ymd((struct date){ (int32_t)day }, &y, &m, &d);
	return (int64_t)(code == OP_MONTH ? m : y) * NUMBER_ONE;
}

int64_t value_unary(enum opcode code, const struct op *op, const struct eval *v, int64_t a)
{
	if (code == OP_KNOWN)
		return a != UNKNOWN;
	if (code == OP_KNOWN_BOOL)
		return a != TRI_UNKNOWN;
	if (code == OP_NOT)
		return tri_not(a);
	bool condition = code == OP_SET || code == OP_BETWEEN || code == OP_WINDOW || code == OP_TEXT;
	if (a == UNKNOWN)
		return condition ? TRI_UNKNOWN : UNKNOWN;
	switch ((int)code) {
	case OP_SET: return set_has(op->set, op->v, a);
	case OP_BETWEEN: return a >= op->v && a <= op->w;
	case OP_WINDOW: {
		int32_t from, to;
		window_days(op->window, v->shop_day, &from, &to);
		return a >= from && a < to;
	}
	case OP_TEXT: return text_list_has(op->texts, v, a);
	case OP_NEG: return -a;
	case OP_ADD_DAYS: {
		int64_t day = a + op->v;
		return day < DAY_LOW || day > DAY_HIGH ? UNKNOWN : day;
	}
	case OP_ADD_MONTHS: {
		if (op->v > 12000 || op->v < -12000)
			return UNKNOWN;
		int64_t day = date_add_months((struct date){ (int32_t)a }, (int)op->v).day;
		return day < DAY_LOW || day > DAY_HIGH ? UNKNOWN : day;
	}
	case OP_DAYS_SINCE: return (v->shop_day.day - a) * NUMBER_ONE;
	case OP_MONTH:
	case OP_YEAR: return date_part(code, a);
	case OP_WEEKDAY: return date_weekday((struct date){ (int32_t)a });
	default: return UNKNOWN;
	}
}

/* ---- one person ---- */

enum tri expr_test(const struct expr *e, const struct subject *s)
{
	if (!e)
		return TRI_TRUE;
	struct eval v = { .e = e, .s = s };
	v.shop_day = eval_shop_day(e, s);
	if (e->needs & N_PRODUCTS)
		v.products = book_products(s->book, &v.product_count);
	int64_t stack[STACK_MAX];
	uint32_t n = 0;
	for (uint32_t i = 0; i < e->op_count; i++) {
		const struct op *op = &e->ops[i];
		switch ((enum opcode)op->code) {
		case OP_CONST: stack[n++] = op->v; break;
		case OP_LEAF: stack[n++] = leaf_eval(op->leaf, &v); break;
		case OP_SKIP_FALSE:
			if (stack[n - 1] == TRI_FALSE)
				i = op->jump - 1;
			break;
		case OP_SKIP_TRUE:
			if (stack[n - 1] == TRI_TRUE)
				i = op->jump - 1;
			break;
		case OP_AND:
			n--;
			stack[n - 1] = tri_and(stack[n - 1], stack[n]);
			break;
		case OP_OR:
			n--;
			stack[n - 1] = tri_or(stack[n - 1], stack[n]);
			break;
		case OP_LT:
		case OP_LE:
		case OP_EQ:
		case OP_NE:
		case OP_GE:
		case OP_GT:
			n--;
			stack[n - 1] = value_compare((enum opcode)op->code, stack[n - 1], stack[n]);
			break;
		case OP_ADD:
		case OP_SUB:
		case OP_MUL:
		case OP_DIV:
		case OP_RATIO:
		case OP_DATE_DIFF:
			n--;
			stack[n - 1] = value_arith((enum opcode)op->code, stack[n - 1], stack[n]);
			break;
		case OP_NOT:
		case OP_SET:
		case OP_BETWEEN:
		case OP_WINDOW:
		case OP_TEXT:
		case OP_NEG:
		case OP_ADD_DAYS:
		case OP_ADD_MONTHS:
		case OP_KNOWN:
		case OP_KNOWN_BOOL:
		case OP_DAYS_SINCE:
		case OP_MONTH:
		case OP_YEAR:
		case OP_WEEKDAY: stack[n - 1] = value_unary((enum opcode)op->code, op, &v, stack[n - 1]); break;
		}
	}
	check(n == 1);
	return (enum tri)stack[0];
}

struct expr_needs expr_needs(const struct expr *e)
{
	uint32_t n = e ? e->needs : 0;
	return (struct expr_needs){
		.orders = n & N_ORDERS,
		.carts = n & N_CARTS,
		.events = n & N_EVENTS,
		.consents = n & N_CONSENTS,
		.messages = n & N_MESSAGES,
		.profile = n & N_PROFILE,
		.products = n & N_PRODUCTS,
		.time = n & N_TIME,
		.lifecycle_thresholds = n & N_THRESHOLDS,
		.ranks = n & N_RANKS,
	};
}

void expr_subject(const struct book *b, const struct version *v, const struct pstate *states, customer_id c,
                  struct instant now, const struct thresholds *t, struct subject *out)
{
	zone_id shop = book_get_options(b)->zone;
	int64_t asof = t ? day_start(shop, t->day).s : now.s;
	*out = (struct subject){ .book = b, .version = v, .state = states ? &states[c] : NULL, .thresholds = t };
	view_at(&out->view, v, c, now);
	out->zone = view_profile(&out->view)->zone;
	out->today = zone_date(out->zone, (struct instant){ asof > now.s ? asof : now.s });
}

/* A line as a terminal may have it: a control character or a byte that is no character shows as '?'. */
static void show_line(struct str line, struct buf *out)
{
	while (line.n) {
		size_t good = str_utf8_valid(line);
		for (size_t i = 0; i < good; i++)
			buf_char(out,
			         (line.p[i] < ' ' && line.p[i] >= 0 && line.p[i] != '\t') || line.p[i] == 0x7F ? '?' : line.p[i]);
		if (good < line.n) {
			buf_char(out, '?');
			good++;
		}
		line.p += good;
		line.n -= good;
	}
}

void expr_error_show(const struct expr_error *error, struct str text, struct buf *out)
{
	size_t from = error->offset < text.n ? error->offset : text.n, to = from;
	while (from > 0 && text.p[from - 1] != '\n')
		from--;
	while (to < text.n && text.p[to] != '\n')
		to++;
	buf_printf(out, "%zu:%zu: %s\n  ", error->line, error->column, error->text);
	show_line((struct str){ text.p + from, to - from }, out);
	buf_cstr(out, "\n  ");
	for (size_t i = from; i < error->offset && i < text.n; i++)
		if (((unsigned char)text.p[i] & 0xC0) != 0x80)
			buf_char(out, text.p[i] == '\t' ? '\t' : ' ');
	buf_cstr(out, "^\n");
}
