/* Lines of orders and carts. Amount of a line: its own column, else quantity × unit price − discount, rounded once,
 * half away from zero. */
#include "intake/emit.h"

#include "model/body.h"
#include "model/names.h"

#include <stdio.h>

/* The later rows of an order may leave out what the first one said (Shopify's export does). */
static void carry(struct emitter *e, struct record *r)
{
	struct str *own[] = { &r->f[FIELD_DATE],  &r->f[FIELD_TIME],    &r->f[FIELD_CUSTOMER],
		                  &r->f[FIELD_EMAIL], &r->f[FIELD_VOUCHER], &r->f[FIELD_STATUS],
		                  &r->f[FIELD_TOTAL], &r->f[FIELD_STORE],   &r->f[FIELD_SELLER] };
	struct str *kept[] = { &e->carry_date,   &e->carry_time,  &e->carry_customer, &e->carry_email, &e->carry_voucher,
		                   &e->carry_status, &e->carry_total, &e->carry_store,    &e->carry_seller };
	struct str order = r->f[FIELD_ORDER];
	if (order.n && str_eq(order, e->carry_order)) {
		for (size_t i = 0; i < ARRAY_LEN(own); i++)
			if (own[i]->n == 0)
				*own[i] = *kept[i];
		return;
	}
	e->carry_n = 0;
	e->carry_order = (struct str){ e->carry, 0 };
	if (order.n == 0 || order.n > CARRY_MAX)
		return;
	memcpy(e->carry, order.p, order.n);
	e->carry_n = e->carry_order.n = order.n;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		*kept[i] = (struct str){ e->carry + e->carry_n, 0 };
		if (own[i]->n == 0 || own[i]->n > CARRY_MAX - e->carry_n)
			continue;
		memcpy(e->carry + e->carry_n, own[i]->p, own[i]->n);
		kept[i]->n = own[i]->n;
		e->carry_n += own[i]->n;
	}
}

static bool word_in(const char *words, struct str s)
{
	char w[FIELD_HEADER_MAX];
	size_t n = field_normalise(s, w);
	for (const char *p = words; n && *p;) {
		size_t len = strcspn(p, " ");
		if (len == n && memcmp(p, w, n) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

/* States of an order that is no sale: nothing was, or will be, paid. */
static bool is_cancelled(const struct record *r)
{
	return !take_blank(r->f[FIELD_CANCELLED_AT]) ||
	       word_in(
			   "cancelled canceled voided failed pending pendingpayment onhold trash draft checkoutdraft expired "
			   "annule annulee "
			   "erreurdepaiement enattentedepaiement paiementaccepteannule awaitingpayment paymenterror closedunpaid "
			   "authorizationexpired",
			   r->f[FIELD_STATUS]);
}

static int sale_channel_of(struct str s)
{
	if (s.n == 0)
		return SALE_UNKNOWN;
	int known = sale_channel_find(s);
	if (known >= 0)
		return known;
	if (word_in("pos magasin boutique shop instore caisse till retail", s))
		return SALE_STORE;
	if (word_in("online web site siteweb internet ecommerce checkout onlinestore shopifydraftorder restapi", s))
		return SALE_WEB;
	if (word_in("telephone tel callcenter vpc", s))
		return SALE_PHONE;
	if (word_in("application mobileapp iphone android mobile", s))
		return SALE_APP;
	if (word_in("amazon ebay cdiscount fnac marketplace placedemarche", s))
		return SALE_MARKETPLACE;
	return SALE_UNKNOWN;
}

static bool line_quantity(const struct emitter *e, const struct record *r, struct decimal *exact, struct intake_line *l,
                          struct trouble *t)
{
	*exact = (struct decimal){ 1, 0 };
	l->quantity = 1;
	struct str s = r->f[FIELD_QUANTITY];
	if (s.n == 0)
		return true;
	if (!number_parse(s, e->decimal, exact)) {
		*t = (struct trouble){ .field = FIELD_QUANTITY, .why = "is not a number" };
		return false;
	}
	if (!number_whole(*exact, &l->quantity)) {
		int64_t milli;
		if (!number_scaled(*exact, 1, 0, &milli)) {
			*t = (struct trouble){ .field = FIELD_QUANTITY, .why = "is too large" };
			return false;
		}
		l->quantity = milli ? milli : exact->digits < 0 ? -1 : 1;
	}
	if (l->quantity > INT32_MAX || l->quantity < -INT32_MAX) {
		*t = (struct trouble){ .field = FIELD_QUANTITY, .why = "is too large" };
		return false;
	}
	return true;
}

static bool line_amount(const struct emitter *e, const struct record *r, const struct decimal *quantity,
                        struct intake_line *l, struct trouble *t)
{
	struct money less;
	if (r->f[FIELD_AMOUNT].n) {
		if (!take_money(e, r, FIELD_AMOUNT, &l->amount, t))
			return false;
		if (l->quantity < 0 && l->amount.minor > 0)
			l->amount.minor = -l->amount.minor;
		if (r->f[FIELD_QUANTITY].n == 0 && l->amount.minor < 0)
			l->quantity = -1;
	} else if (r->f[FIELD_UNIT_PRICE].n) {
		struct decimal price;
		if (!number_parse(r->f[FIELD_UNIT_PRICE], e->decimal, &price)) {
			*t = (struct trouble){ .field = FIELD_UNIT_PRICE, .why = "is not a number" };
			return false;
		}
		price.scale += quantity->scale;
		if (price.scale > NUMBER_DIGITS_MAX ||
		    !number_scaled(price, quantity->digits, e->o->currency.exponent, &l->amount.minor)) {
			*t = (struct trouble){ .field = FIELD_UNIT_PRICE, .why = "times the quantity is too large" };
			return false;
		}
		if (r->f[FIELD_LINE_DISCOUNT].n) {
			if (!take_money(e, r, FIELD_LINE_DISCOUNT, &less, t))
				return false;
			if (!money_sub(l->amount, less.minor < 0 ? (struct money){ -less.minor } : less, &l->amount)) {
				*t = (struct trouble){ .field = FIELD_LINE_DISCOUNT, .why = "is too large" };
				return false;
			}
		}
	} else if (!l->total_known) {
		*t = (struct trouble){ .field = e->layout && e->layout->column_of[FIELD_UNIT_PRICE] >= 0 ? FIELD_UNIT_PRICE
			                                                                                     : FIELD_AMOUNT,
			                   .why = "is empty" };
		return l->cart_state != -1;
	}
	if (r->f[FIELD_LINE_TAX].n) {
		if (!take_money(e, r, FIELD_LINE_TAX, &less, t) || !money_add(l->amount, less, &l->amount))
			return false;
	}
	return true;
}

enum { NO_CART = -2 }; /* a view or a favourite: nothing happened to a cart */

static int cart_state_of(struct str s)
{
	int known = s.n ? cart_state_find(s) : CART_CHANGED;
	if (known >= 0)
		return known;
	if (word_in("buy bought order ordered purchase purchased converted completed paye commande checkoutcompleted", s))
		return CART_PAID;
	if (word_in("pv view pageview viewitem fav favourite favorite wishlist", s))
		return NO_CART;
	if (word_in("empty emptied deleted removed cleared vide supprime", s))
		return CART_EMPTIED;
	return CART_CHANGED;
}

/* Date and, when in its own column, time of day. */
static bool line_instant(struct emitter *e, struct record *r, struct intake_line *l, struct trouble *t, struct err *err)
{
	if (r->f[FIELD_TIME].n && r->f[FIELD_DATE].n && r->f[FIELD_DATE].n < 20)
		r->f[FIELD_DATE] = arena_printf(&e->arena, "%.*s %.*s", STR_ARG(r->f[FIELD_DATE]), STR_ARG(r->f[FIELD_TIME]));
	return take_instant(e, r, FIELD_DATE, &l->at, t, err);
}

static bool line_fill(struct emitter *e, struct record *r, bool cart, struct intake_line *l, struct trouble *t,
                      struct err *err)
{
	struct decimal quantity;
	if (!line_instant(e, r, l, t, err) || !take_email(r, &l->email, t))
		return false;
	struct str currency = str_trim(r->f[FIELD_CURRENCY]);
	if (currency.n && !str_eq_nocase(currency, str_from(e->o->currency.code))) {
		*t = (struct trouble){ .field = FIELD_CURRENCY, .why = "is not the currency of the shop" };
		return false;
	}
	l->cart_state = cart ? cart_state_of(str_trim(r->f[FIELD_CART_STATE])) : -1;
	if (r->f[FIELD_TOTAL].n && e->total_is_order && !cart) {
		if (!take_money(e, r, FIELD_TOTAL, &l->total, t))
			return false;
		l->total_known = true;
	}
	if (!line_quantity(e, r, &quantity, l, t) || !line_amount(e, r, &quantity, l, t))
		return false;
	if (take_yes_no(r->f[FIELD_IS_RETURN]) == 1 && l->quantity > 0) {
		l->quantity = -l->quantity;
		l->amount.minor = l->amount.minor > 0 ? -l->amount.minor : l->amount.minor;
	}
	l->is_return = l->quantity < 0;
	l->document = str_trim(r->f[FIELD_ORDER]);
	l->customer = take_blank(r->f[FIELD_CUSTOMER]) || str_is(r->f[FIELD_CUSTOMER], "0")
	                  ? (struct str){ "", 0 }
	                  : take_ref(r->f[FIELD_CUSTOMER]);
	if (l->document.n == 0) {
		struct str who = l->customer.n ? l->customer : l->email;
		if (who.n == 0) {
			*t = (struct trouble){ .field = FIELD_ORDER, .why = "is empty, and there is no customer" };
			return false;
		}
		l->document = cart ? who : arena_printf(&e->arena, "%.*s@%lld", STR_ARG(who), (long long)l->at.s);
	}
	l->sku = str_trim(r->f[FIELD_SKU]);
	l->product_name = str_trim(r->f[FIELD_PRODUCT]);
	if (l->sku.n == 0)
		l->sku = l->product_name;
	if (l->document.n > 200 || l->sku.n > 200 || l->customer.n > 254) {
		*t = (struct trouble){ .field = l->document.n > 200 ? FIELD_ORDER
			                            : l->sku.n > 200    ? FIELD_SKU
			                                                : FIELD_CUSTOMER,
			                   .why = "is too long (200 bytes)" };
		return false;
	}
	return true;
}

/* A refund told as one figure of the order: a document of its own with one line and no article. */
static bool refund(struct emitter *e, const struct record *r, const struct intake_line *of, struct err *err)
{
	struct trouble t;
	struct money back = { 0 };
	if (take_blank(r->f[FIELD_REFUND]) || !take_money(e, r, FIELD_REFUND, &back, &t) || back.minor == 0)
		return true;
	struct intake_line l = { .document = arena_printf(&e->arena, "%.*s/refund", STR_ARG(of->document)),
		                     .customer = of->customer,
		                     .email = of->email,
		                     .at = of->at,
		                     .quantity = -1,
		                     .amount = { back.minor > 0 ? -back.minor : back.minor },
		                     .is_return = true,
		                     .derived = true,
		                     .cart_state = -1,
		                     .email_consent = -1,
		                     .sale_channel = of->sale_channel,
		                     .store = of->store,
		                     .seller = of->seller,
		                     .row = of->row };
	return e->sink->line(e->sink->ctx, &l, err);
}

/* A store or a person; what is too long to be one is none. */
static struct str desk_name(struct str s)
{
	s = str_trim(s);
	return take_blank(s) || s.n > BODY_NAME_MAX ? (struct str){ "", 0 } : s;
}

bool emit_order(struct emitter *e, struct record *r, bool cart, struct err *err)
{
	struct trouble t = { .field = FIELD_COUNT, .why = "cannot be read" };
	struct intake_line l = { .row = r->row };
	carry(e, r);
	if (!line_fill(e, r, cart, &l, &t, err))
		return t.stop ? false : emit_reject(e, r, t.field, t.why, err);
	l.cancelled = !cart && is_cancelled(r);
	l.sale_channel = sale_channel_of(str_trim(r->f[FIELD_SALE_CHANNEL]));
	l.voucher = str_trim(r->f[FIELD_VOUCHER]);
	if (l.voucher.n > 100)
		l.voucher.n = 0;
	l.store = desk_name(r->f[FIELD_STORE]);
	l.seller = desk_name(r->f[FIELD_SELLER]);
	l.category = str_trim(r->f[FIELD_CATEGORY]);
	l.url = str_trim(r->f[FIELD_URL]);
	l.email_consent = take_yes_no(r->f[FIELD_EMAIL_CONSENT]);
	e->report->accepted++;
	if (l.cart_state == NO_CART)
		return true;
	return e->sink->line(e->sink->ctx, &l, err) && (l.cancelled || refund(e, r, &l, err));
}
