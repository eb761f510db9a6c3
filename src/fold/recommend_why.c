/* The sentence a salesperson can say. Numbers are exact counts: "78 of 100", never a rounded percentage. */
#include "base/zone.h"
#include "fold/recommend_inner.h"

#include <stdio.h>

#define NNBSP       "\xe2\x80\xaf" /* narrow no-break space: French thousands and guillemets */
#define QUOTE_OPEN  "\xc2\xab" NNBSP
#define QUOTE_CLOSE NNBSP "\xc2\xbb"

static void put_number(struct buf *out, uint64_t v, enum rec_language language)
{
	char digits[32];
	int n = 0;
	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n) {
		buf_char(out, digits[--n]);
		if (n && n % 3 == 0)
			buf_cstr(out, language == REC_FRENCH ? NNBSP : ",");
	}
}

static void put_name(const struct rec_model *m, struct buf *out, uint32_t item, enum rec_language language)
{
	buf_cstr(out, language == REC_FRENCH ? QUOTE_OPEN : "\xe2\x80\x9c");
	if (m->d->item_names)
		buf_str(out, m->d->item_names[item]);
	else
		buf_printf(out, "#%u", item);
	buf_cstr(out, language == REC_FRENCH ? QUOTE_CLOSE : "\xe2\x80\x9d");
}

static void put_day(struct buf *out, int32_t day, enum rec_language language)
{
	static const char *const FR[] = { "janvier", "février", "mars",      "avril",   "mai",      "juin",
		                              "juillet", "août",    "septembre", "octobre", "novembre", "décembre" };
	static const char *const EN[] = { "January", "February", "March",     "April",   "May",      "June",
		                              "July",    "August",   "September", "October", "November", "December" };
	int y, mo, d;
	date_ymd((struct date){ day }, &y, &mo, &d);
	if (language == REC_FRENCH)
		buf_printf(out, "%d%s\xc2\xa0%s %d", d, d == 1 ? "er" : "", FR[mo - 1], y);
	else
		buf_printf(out, "%d %s %d", d, EN[mo - 1], y);
}

static void put_share(const struct rec_model *m, const struct rec_answer *a, enum rec_language l, struct buf *out)
{
	bool customers = a->why == REC_WHY_CUSTOMERS, fr = l == REC_FRENCH;
	put_number(out, a->both, l);
	bool one = a->both == 1;
	buf_cstr(out, !fr         ? " of "
	              : customers ? (one ? " client sur " : " clients sur ")
	              : one       ? " panier sur "
	                          : " paniers sur ");
	put_number(out, a->of, l);
	if (fr)
		buf_cstr(out, customers ? " qui ont acheté " : " avec ");
	else
		buf_cstr(out, customers ? " customers who bought " : " baskets with ");
	put_name(m, out, a->because, l);
	if (fr)
		buf_cstr(out, customers ? (one ? " a aussi pris " : " ont aussi pris ")
		              : one     ? " contenait aussi "
		                        : " contenaient aussi ");
	else
		buf_cstr(out, customers ? " also took " : " also held ");
	put_name(m, out, a->item, l);
}

static void put_segment(const struct rec_model *m, const struct rec_answer *a, enum rec_language l, struct buf *out)
{
	bool fr = l == REC_FRENCH;
	put_number(out, a->both, l);
	buf_cstr(out, fr ? (a->both == 1 ? " client sur " : " clients sur ") : " of ");
	put_number(out, a->of, l);
	buf_cstr(out, fr ? " du segment " QUOTE_OPEN : " customers of the segment \xe2\x80\x9c");
	buf_str(out, m->d->segment_names[a->because_segment]);
	buf_cstr(out, fr ? QUOTE_CLOSE : "\xe2\x80\x9d");
	buf_cstr(out, !fr ? " bought " : a->both == 1 ? " a acheté " : " ont acheté ");
	put_name(m, out, a->item, l);
}

static void put_type(const struct rec_model *m, const struct rec_answer *a, enum rec_language l, struct buf *out)
{
	bool fr = l == REC_FRENCH;
	put_name(m, out, a->item, l);
	buf_cstr(out, fr ? " va avec " : " goes with ");
	put_name(m, out, a->because, l);
	if (!a->of)
		return;
	buf_cstr(out, fr ? NNBSP ": " : ": ");
	put_number(out, a->both, l);
	buf_cstr(out, fr ? (a->both == 1 ? " panier sur " : " paniers sur ") : " of ");
	put_number(out, a->of, l);
	buf_cstr(out,
	         fr ? " avec un produit de ce type " : " baskets with a product of that type also held one of this kind");
	if (fr)
		buf_cstr(out, a->both == 1 ? "contenait aussi un produit du type proposé"
		                           : "contenaient aussi un produit du type proposé");
}

static void put_decimal(struct buf *out, float v, bool fr)
{
	char text[32];
	snprintf(text, sizeof(text), "%g", (double)v);
	for (char *p = text; fr && *p; p++)
		*p = *p == '.' ? ',' : *p;
	buf_cstr(out, text);
}

static void put_better(const struct rec_model *m, const struct rec_answer *a, enum rec_language l, struct buf *out)
{
	bool fr = l == REC_FRENCH;
	put_name(m, out, a->item, l);
	buf_cstr(out, fr ? " fait mieux que " : " does better than ");
	put_name(m, out, a->because, l);
	buf_cstr(out, fr ? NNBSP ": " : ": ");
	if (m->d->attribute_names)
		buf_str(out, m->d->attribute_names[a->attribute]);
	else
		buf_printf(out, "#%u", a->attribute);
	buf_char(out, ' ');
	put_decimal(out, a->better, fr);
	buf_cstr(out, fr ? " au lieu de " : " instead of ");
	put_decimal(out, a->than, fr);
}

static void put_due(const struct rec_model *m, const struct rec_answer *a, enum rec_language l, struct buf *out)
{
	bool fr = l == REC_FRENCH;
	put_name(m, out, a->item, l);
	if (a->gap_days < 1.5f)
		buf_cstr(out,
		         fr ? " revient presque chaque jour" NNBSP ": attendu vers le " : ": about every day; due around ");
	else
		buf_printf(out,
		           fr ? " revient tous les %.0f jours environ" NNBSP ": attendu vers le "
		              : ": about every %.0f days; due around ",
		           (double)a->gap_days);
	put_day(out, a->day, l);
	buf_cstr(out, fr ? " (entre le " : " (between ");
	put_day(out, a->from_day, l);
	buf_cstr(out, fr ? " et le " : " and ");
	put_day(out, a->to_day, l);
	buf_char(out, ')');
}

void rec_why_text(const struct rec_model *m, const struct rec_answer *a, enum rec_language l, struct buf *out)
{
	bool fr = l == REC_FRENCH;
	switch (a->why) {
	case REC_WHY_BASKET:
	case REC_WHY_CUSTOMERS: put_share(m, a, l, out); break;
	case REC_WHY_TYPE: put_type(m, a, l, out); break;
	case REC_WHY_POPULAR:
		put_number(out, a->both, l);
		buf_cstr(out, fr ? (a->both == 1 ? " client sur " : " clients sur ") : " of ");
		put_number(out, a->of, l);
		buf_cstr(out, fr ? (a->both == 1 ? " a acheté " : " ont acheté ") : " customers bought ");
		put_name(m, out, a->item, l);
		break;
	case REC_WHY_SEGMENT: put_segment(m, a, l, out); break;
	case REC_WHY_BETTER: put_better(m, a, l, out); break;
	case REC_WHY_REPLACES:
		put_name(m, out, a->item, l);
		buf_cstr(out, fr ? " remplace " : " replaces ");
		put_name(m, out, a->because, l);
		break;
	case REC_WHY_RANGE:
		put_name(m, out, a->item, l);
		buf_cstr(out, fr ? " est la gamme au-dessus de " : " is the next range above ");
		put_name(m, out, a->because, l);
		break;
	case REC_WHY_DUE: put_due(m, a, l, out); break;
	case REC_WHY_WORN:
		put_name(m, out, a->item, l);
		buf_cstr(out, fr ? ", acheté le " : ", bought on ");
		put_day(out, a->from_day, l);
		buf_printf(out,
		           fr ? ", dure environ %.0f jours" NNBSP ": à renouveler vers le "
		              : ", lasts about %.0f days: to renew around ",
		           (double)a->gap_days);
		put_day(out, a->day, l);
		break;
	case REC_WHY_COLLECTION:
		put_number(out, a->both, l);
		buf_cstr(out, !fr ? " of " : a->both == 1 ? " pièce sur " : " pièces sur ");
		put_number(out, a->of, l);
		if (fr)
			buf_cstr(out,
			         a->both == 1 ? " de la collection est déjà chez vous" : " de la collection sont déjà chez vous");
		else
			buf_cstr(out, a->both == 1 ? " pieces of the collection is already yours"
			                           : " pieces of the collection are already yours");
		break;
	}
}
