/* intake: bytes in, rows out. Every case is a small file and what must come of it. */
#include "intake/csv.h"
#include "intake/field.h"
#include "intake/layout.h"
#include "intake/map.h"
#include "intake/number.h"
#include "intake/when.h"
#include "unit.h"

#include <stdio.h>

/* ---- a file in memory, handed out in pieces of any size; then `repeat` bytes of `fill` ---- */

struct source {
	struct str bytes;
	size_t piece;
	uint64_t repeat;
	char fill;
	struct str tail;
};

static bool source_read(void *ctx, char *p, size_t cap, size_t *n, struct err *err)
{
	struct source *s = ctx;
	(void)err;
	size_t most = s->piece && s->piece < cap ? s->piece : cap;
	if (s->bytes.n == 0 && s->repeat > 0) {
		*n = s->repeat < most ? (size_t)s->repeat : most;
		memset(p, s->fill, *n);
		s->repeat -= *n;
		return true;
	}
	if (s->bytes.n == 0) {
		s->bytes = s->tail;
		s->tail.n = 0;
	}
	*n = s->bytes.n < most ? s->bytes.n : most;
	if (*n == 0)
		return true;
	memcpy(p, s->bytes.p, *n);
	s->bytes = (struct str){ s->bytes.p + *n, s->bytes.n - *n };
	return true;
}

/* Rows as text: fields between <>, one row a line, problems as !line:column problem. */
static char *rows_of(struct source src, char delimiter, enum intake_charset charset)
{
	struct csv c;
	struct csv_row row;
	struct err err = { 0 };
	struct buf out;
	buf_init(&out, 1 << 20);
	bool ok = csv_init(&c, source_read, &src, delimiter, charset, &err);
	while (ok && csv_next(&c, &row, &err) == 1) {
		if (row.problem) {
			buf_printf(&out, "!%llu:%u %s\n", (unsigned long long)row.line, row.column, row.problem);
			continue;
		}
		buf_printf(&out, "%llu", (unsigned long long)row.line);
		for (size_t i = 0; i < row.count; i++)
			buf_printf(&out, "<%.*s>", STR_ARG(row.fields[i]));
		buf_char(&out, '\n');
	}
	if (!ok)
		buf_printf(&out, "error: %s", err.text);
	csv_release(&c);
	char *text = strdup(buf_view(&out).p);
	buf_release(&out);
	return text;
}

static char *rows(const char *text)
{
	return rows_of((struct source){ .bytes = str_from(text) }, 0, INTAKE_CHARSET_GUESS);
}

#define ROWS(text, expected)                                                                                           \
	do {                                                                                                               \
		char *got = rows(text);                                                                                        \
		ck_assert_str_eq(got, expected);                                                                               \
		free(got);                                                                                                     \
	} while (0)

START_TEST(csv_delimiters)
{
	ROWS("a,b\n1,2\n", "1<a><b>\n2<1><2>\n");
	ROWS("a;b\n1,5;2\n", "1<a><b>\n2<1,5><2>\n");
	ROWS("a\tb\n1\t2\n", "1<a><b>\n2<1><2>\n");
	ROWS("a|b\n1|2", "1<a><b>\n2<1><2>\n");
	ROWS("nom, prénom;ville\nLe Goff, Anne;Brest\n", "1<nom, prénom><ville>\n2<Le Goff, Anne><Brest>\n");
	ROWS("seule\nune\n", "1<seule>\n2<une>\n");
	ROWS(" 0001 01 19970101 1  29.33\n 0002 02 19970102 2  30.00\n",
	     "1<0001><01><19970101><1><29.33>\n2<0002><02><19970102><2><30.00>\n");
}
END_TEST

START_TEST(csv_quotes)
{
	ROWS("a,b\n\"x,y\",\"z\"\n", "1<a><b>\n2<x,y><z>\n");
	ROWS("a,b\n\"say \"\"hi\"\"\",\"\"\n", "1<a><b>\n2<say \"hi\"><>\n");
	ROWS("a,b\n\"two\nlines\",3\nx,y\n", "1<a><b>\n2<two\nlines><3>\n4<x><y>\n");
	ROWS("a,b\n5\" pipe,2\n", "1<a><b>\n2<5\" pipe><2>\n");
	ROWS("a,b\n\"junk\" after,2\n", "1<a><b>\n2<junk after><2>\n");
	ROWS("a,b\r\n1,2\r\n\r\n\n3,4", "1<a><b>\n2<1><2>\n5<3><4>\n");
	ROWS("a,b\r1,2\r", "1<a><b>\n2<1><2>\n");
	/* a quote never closed costs its line, not the file */
	ROWS("a,b\n\"open,2\n3,4\n", "1<a><b>\n!2:1 a quote is opened and never closed\n3<3><4>\n");
}
END_TEST

START_TEST(csv_charsets)
{
	ROWS("\xef\xbb\xbfnom,b\né,2\n", "1<nom><b>\n2<é><2>\n");
	ROWS("a,b\n\xe9t\xe9,\x80 5\n", "1<a><b>\n2<été><€ 5>\n");
	ROWS("a,b\n\xe9,1\né,2\n", "1<a><b>\n2<é><1>\n3<é><2>\n"); /* two tills glued together */
	char *got = rows_of((struct source){ .bytes = STR("a,b\n\xc3\xa9,2\n") }, 0, INTAKE_1252);
	ck_assert_str_eq(got, "1<a><b>\n2<é><2>\n"); /* asked for, but each field is valid UTF-8 */
	free(got);
	got = rows_of((struct source){ .bytes = STR("a,b\n\xe9,2\nx,3\n") }, 0, INTAKE_UTF8);
	ck_assert_str_eq(got, "1<a><b>\n!2:0 the row is not valid UTF-8\n3<x><3>\n");
	free(got);
}
END_TEST

/* However the bytes arrive, and wherever a block ends, the rows are the same. */
START_TEST(csv_blocks)
{
	struct buf b;
	buf_init(&b, 4 << 20);
	buf_cstr(&b, "name,quoted,n\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "été %d,\"a, \"\"%d\"\"\nb\",%d\n", i * 7919 % 1000, i, i);
	struct source one = { .bytes = buf_view(&b) }, odd = { .bytes = buf_view(&b), .piece = 4093 };
	struct csv c;
	struct csv_row row;
	struct err err = { 0 };
	const struct source tries[] = { one, odd };
	for (size_t t = 0; t < ARRAY_LEN(tries); t++) {
		struct source s = tries[t];
		ck_assert(csv_init(&c, source_read, &s, 0, INTAKE_CHARSET_GUESS, &err));
		int n = -1;
		for (; csv_next(&c, &row, &err) == 1; n++) {
			ck_assert_ptr_null(row.problem);
			ck_assert_uint_eq(row.count, 3);
			if (n < 0)
				continue;
			char want[3][64];
			snprintf(want[0], 64, "été %d", n * 7919 % 1000);
			snprintf(want[1], 64, "a, \"%d\"\nb", n);
			snprintf(want[2], 64, "%d", n);
			for (int k = 0; k < 3; k++)
				ck_assert(str_is(row.fields[k], want[k]));
			ck_assert_uint_eq(row.line, (uint64_t)n * 2 + 2);
		}
		ck_assert_int_eq(n, 20000);
		csv_release(&c);
	}
	buf_release(&b);
}
END_TEST

START_TEST(csv_bad_rows)
{
	char *got = rows_of((struct source){ .bytes = STR("a,b\n1,\0x\n3,4\n") }, 0, INTAKE_CHARSET_GUESS);
	ck_assert_str_eq(got, "1<a><b>\n!2:2 the row holds a NUL byte\n3<3><4>\n");
	free(got);
	/* a line of 2 GB, made as it is read: an error of its own, and the next row is read */
	struct source huge = {
		.bytes = STR("a,b\n1,2\n"), .repeat = (uint64_t)2 << 30, .fill = 'x', .tail = STR("\n5,6\n")
	};
	got = rows_of(huge, 0, INTAKE_CHARSET_GUESS);
	ck_assert_str_eq(got, "1<a><b>\n2<1><2>\n!3:0 the row is longer than 4 MiB\n4<5><6>\n");
	free(got);
	huge = (struct source){ .bytes = STR("a,b\n\""), .repeat = 64 << 20, .fill = 'x', .tail = STR("\n5,6\n") };
	got = rows_of(huge, 0, INTAKE_CHARSET_GUESS);
	ck_assert_str_eq(got, "1<a><b>\n!2:0 the row is longer than 4 MiB\n3<5><6>\n");
	free(got);
	huge = (struct source){ .bytes = STR("a,b\n"), .repeat = 700, .fill = ',', .tail = STR("\n5,6\n") };
	got = rows_of(huge, 0, INTAKE_CHARSET_GUESS);
	ck_assert_str_eq(got, "1<a><b>\n!2:0 the row has more than 512 columns\n3<5><6>\n");
	free(got);
}
END_TEST

START_TEST(csv_not_csv)
{
	const struct {
		struct str head;
		const char *what;
	} CASES[] = { { STR("PK\3\4xxxx"), "Excel" },
		          { STR("%PDF-1.4"), "PDF" },
		          { STR("\x1f\x8b\x08"), "gunzip" },
		          { STR("\xff\xfe"
		                "a\0"),
		            "UTF-16" },
		          { STR("<!DOCTYPE html>"), "web page" },
		          { STR("\1\2\3\4\5\6\7\1"), "binary" } };
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		char *got = rows_of((struct source){ .bytes = CASES[i].head }, 0, INTAKE_CHARSET_GUESS);
		ck_assert_msg(strstr(got, CASES[i].what) && strstr(got, "error: not a CSV"), "%s", got);
		free(got);
	}
}
END_TEST

/* ---- numbers ---- */

START_TEST(numbers)
{
	const struct {
		const char *text;
		char mark;
		int64_t cents; /* × 100, rounded */
	} GOOD[] = { { "2.55", '.', 255 },
		         { "-3,00 €", ',', -300 },
		         { "1 234,50", ',', 123450 },
		         { "1\u202f234,50", ',', 123450 },
		         { "1,234.50", '.', 123450 },
		         { "1.234,50", ',', 123450 },
		         { "1.234", ',', 123400 },
		         { "1,234", '.', 123400 },
		         { "1,234", ',', 123 },
		         { "1.234.567", 0, 123456700 },
		         { "(12.50)", '.', -1250 },
		         { "12-", '.', -1200 },
		         { "£4", '.', 400 },
		         { "EUR 12", '.', 1200 },
		         { "0.005", '.', 1 },
		         { "-0.005", '.', -1 },
		         { "0.0049", '.', 0 },
		         { ".5", '.', 50 },
		         { "12'000.00", '.', 1200000 },
		         { "+7", 0, 700 } };
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		struct decimal d;
		int64_t v;
		ck_assert_msg(number_parse(str_from(GOOD[i].text), GOOD[i].mark, &d), "%s", GOOD[i].text);
		ck_assert(number_scaled(d, 1, 2, &v));
		ck_assert_msg(v == GOOD[i].cents, "%s: %lld", GOOD[i].text, (long long)v);
	}
	const char *const BAD[] = {
		"", "2,5x", "x", "1,2,3", "12 34", "--1", "1.2.3", ".", "-", "1e5", "12345678901234567890", "١"
	};
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct decimal d;
		ck_assert_msg(!number_parse(str_from(BAD[i]), 0, &d), "%s", BAD[i]);
	}
	struct decimal third = { 335, 2 };
	int64_t v;
	ck_assert(number_scaled(third, 3, 1, &v) && v == 101); /* 10.05 → 10.1: half away from zero */
	ck_assert(number_scaled((struct decimal){ -335, 2 }, 3, 1, &v) && v == -101);
	ck_assert(!number_scaled((struct decimal){ INT64_MAX / 2, 0 }, 1000, 2, &v));
	ck_assert_int_eq(number_mark_evidence(STR("12,50")), 1);
	ck_assert_int_eq(number_mark_evidence(STR("12.50")), -1);
	ck_assert_int_eq(number_mark_evidence(STR("1,234")), 0);
}
END_TEST

/* ---- dates ---- */

static const char *when_text(struct when *w, const char *text)
{
	static char out[64];
	struct instant t;
	enum when_result r = when_instant(w, str_from(text), &t);
	if (r != WHEN_OK)
		return when_problem(r);
	return instant_text(t, out);
}

START_TEST(dates)
{
	struct when fr = { 0 }, us = { .month_first = true };
	ck_assert(zone_find(STR("Europe/Paris"), &fr.zone));
	ck_assert(zone_find(STR("America/New_York"), &us.zone));
	const struct {
		struct when *w;
		const char *text, *expected;
	} CASES[] = {
		{ &fr, "2010-12-01 08:26:00", "2010-12-01T07:26:00Z" },
		{ &fr, "2010-12-01T08:26:00Z", "2010-12-01T08:26:00Z" },
		{ &fr, "2010-12-01T08:26:00.123+02:00", "2010-12-01T06:26:00Z" },
		{ &fr, "2021-01-01 10:00:00 -0500", "2021-01-01T15:00:00Z" },
		{ &fr, "2021-01-01 10:00:00 UTC", "2021-01-01T10:00:00Z" },
		{ &fr, "01/12/2010 08:26", "2010-12-01T07:26:00Z" },
		{ &us, "12/1/2010 8:26", "2010-12-01T13:26:00Z" },
		{ &us, "12/1/2010 8:26 PM", "2010-12-02T01:26:00Z" },
		{ &fr, "1 déc. 2010", "2010-11-30T23:00:00Z" },
		{ &fr, "1er mars 2011 à 8h26", "2011-03-01T07:26:00Z" },
		{ &fr, "mer. 1 décembre 2010", "2010-11-30T23:00:00Z" },
		{ &fr, "14 juillet 2011", "2011-07-13T22:00:00Z" },
		{ &fr, "14 juin 2011", "2011-06-13T22:00:00Z" },
		{ &us, "December 1, 2010", "2010-12-01T05:00:00Z" },
		{ &fr, "01-Dec-2010", "2010-11-30T23:00:00Z" },
		{ &fr, "1.12.10", "2010-11-30T23:00:00Z" },
		{ &fr, "20101201", "2010-11-30T23:00:00Z" },
		{ &fr, "20101201082600", "2010-12-01T07:26:00Z" },
		{ &fr, "1291191960", "2010-12-01T08:26:00Z" },
		{ &fr, "1291191960000", "2010-12-01T08:26:00Z" },
		{ &fr, "40513.351389", "2010-12-01T07:26:00Z" }, /* Excel: 40513 is 2010-12-01 */
		{ &fr, "40513", "2010-11-30T23:00:00Z" },
		{ &fr, "2011-03-27 02:30:00", "2011-03-27T01:30:00Z" }, /* the hour that does not exist: forward */
		{ &fr, "31/02/2011", "is no day of the calendar" },
		{ &fr, "12/25/2010", "has day and month the other way round from the rest of the file" },
		{ &us, "25/12/2010", "has day and month the other way round from the rest of the file" },
		{ &fr, "1970-05-01", "is before 1971" },
		{ &fr, "0000-00-00", "is not a date" },
		{ &fr, "", "is not a date" },
		{ &fr, "hier", "is not a date" },
		{ &fr, "2010-12-01 25:00", "is not a date" },
		{ &fr, "2010-12-01 08:26:00 Mars", "is not a date" },
	};
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		const char *got = when_text(CASES[i].w, CASES[i].text);
		ck_assert_msg(strcmp(got, CASES[i].expected) == 0, "%s: %s, not %s", CASES[i].text, got, CASES[i].expected);
	}
	ck_assert_int_eq(when_evidence(STR("25/12/2010")), 1);
	ck_assert_int_eq(when_evidence(STR("12/25/2010")), -1);
	ck_assert_int_eq(when_evidence(STR("12/11/2010")), 0);
	ck_assert_int_eq(when_evidence(STR("2010-12-25")), 0);
	struct date born;
	ck_assert(when_day(&fr, STR("14/07/1935"), &born) == WHEN_OK && born.day == date_from_ymd(1935, 7, 14).day);
}
END_TEST

/* ---- headers ---- */

static enum intake_kind kind_of(const char *header)
{
	struct str names[64];
	size_t n = 0;
	for (const char *p = header; *p && n < 64; p += strcspn(p, ";") + (p[strcspn(p, ";")] == ';'))
		names[n++] = (struct str){ p, strcspn(p, ";") };
	return layout_kind(names, n);
}

START_TEST(headers)
{
	int rank;
	ck_assert_int_eq(field_guess(STR("N° Facture"), INTAKE_ORDERS, &rank), FIELD_ORDER);
	ck_assert_int_eq(field_guess(STR("Désignation"), INTAKE_ORDERS, &rank), FIELD_PRODUCT);
	ck_assert_int_eq(field_guess(STR("Montant TTC"), INTAKE_ORDERS, &rank), FIELD_AMOUNT);
	ck_assert_int_eq(field_guess(STR("billing.email"), INTAKE_CUSTOMERS, &rank), FIELD_EMAIL);
	ck_assert_int_eq(field_guess(STR("whatever"), INTAKE_ORDERS, &rank), -1);
	ck_assert_int_eq(kind_of("InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID;Country"),
	                 INTAKE_ORDERS);
	ck_assert_int_eq(kind_of("N° ticket;Date;Client;Référence;Désignation;Quantité;Prix TTC"), INTAKE_ORDERS);
	ck_assert_int_eq(kind_of("customer;date;amount"), INTAKE_ORDERS);
	ck_assert_int_eq(
		kind_of("ID;Titre;Prénom;Nom;Adresse e-mail;Ventes;Activé;Newsletter;Offres partenaires;Inscription"),
		INTAKE_CUSTOMERS);
	ck_assert_int_eq(kind_of("First Name;Last Name;Email;Accepts Email Marketing;Total Spent;Total Orders"),
	                 INTAKE_CUSTOMERS);
	ck_assert_int_eq(kind_of("Handle;Title;Variant SKU;Variant Price"), INTAKE_PRODUCTS);
	ck_assert_int_eq(kind_of("Référence;Libellé;Prix TTC;Stock"), INTAKE_PRODUCTS);
	ck_assert_int_eq(kind_of("Email Address;First Name;Last Name;UNSUB_TIME;UNSUB_REASON"), INTAKE_CONSENTS);
	ck_assert_int_eq(kind_of("cart_id;customer;date;sku;quantity"), INTAKE_CARTS);
	ck_assert_int_eq(kind_of("user_id;item_id;category_id;behavior;timestamp"), INTAKE_EVENTS);
	ck_assert_int_eq(kind_of("x;y;z"), INTAKE_GUESS);
}
END_TEST

START_TEST(maps)
{
	struct intake_map m;
	struct err err = { 0 };
	ck_assert_msg(map_read(STR("as: orders\nsource: till\ndelimiter: \";\"\ndecimal: \",\"\ndates: "
	                           "day-first\nnot_products: [POST, M]\n"
	                           "columns:\n  \"N° ticket\": order\n  3: quantity\nconstants: {sale_channel: store}\n"),
	                       &m, &err),
	              "%s", err.text);
	ck_assert_int_eq(m.as, INTAKE_ORDERS);
	ck_assert_uint_eq(m.column_count, 2);
	ck_assert_uint_eq(m.not_product_count, 2);
	ck_assert(m.month_first == 0 && m.decimal == ',' && m.delimiter == ';');
	ck_assert(str_is(m.constants[FIELD_SALE_CHANNEL], "store"));
	map_release(&m);
	const struct {
		const char *yaml, *says;
	} BAD[] = { { "columns:\n  a: quantty\n", "did you mean \"quantity\"" },
		        { "colums: {}\n", "did you mean columns" },
		        { "as: order\n", "line 1" },
		        { "a: &x 1\nb: *x\n", "anchors" },
		        { "", "empty" },
		        { "- a\n", "line 1" },
		        { "source: a:b\n", "colon" },
		        { "a: [", "line" } };
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		ck_assert_msg(!map_read(str_from(BAD[i].yaml), &m, &err), "%s", BAD[i].yaml);
		ck_assert_msg(strstr(err.text, BAD[i].says) != NULL, "%s", err.text);
		map_release(&m);
	}
}
END_TEST

/* ---- whole files, through a sink that writes down what it gets ---- */

struct notes {
	struct buf out;
};

static bool on_line(void *ctx, const struct intake_line *l, struct err *err)
{
	struct notes *n = ctx;
	char at[32];
	(void)err;
	buf_printf(&n->out, "%.*s|%.*s|%.*s|%s|%.*s|%lld|%lld%s%s\n", STR_ARG(l->document), STR_ARG(l->customer),
	           STR_ARG(l->email), instant_text(l->at, at), STR_ARG(l->sku), (long long)l->quantity,
	           (long long)l->amount.minor, l->cancelled ? "|cancelled" : "", l->is_return ? "|return" : "");
	return true;
}

static bool on_customer(void *ctx, const struct intake_customer *c, struct err *err)
{
	struct notes *n = ctx;
	(void)err;
	buf_printf(&n->out, "%.*s|%.*s|%.*s|%.*s|%.*s|%d\n", STR_ARG(c->ref), STR_ARG(c->first_name), STR_ARG(c->last_name),
	           STR_ARG(c->email), STR_ARG(c->postcode), c->email_consent);
	return true;
}

static bool on_product(void *ctx, const struct intake_product *p, struct err *err)
{
	struct notes *n = ctx;
	(void)err;
	buf_printf(&n->out, "%.*s|%.*s|%lld|%d\n", STR_ARG(p->sku), STR_ARG(p->name), (long long)p->price, p->stock);
	return true;
}

static bool on_consent(void *ctx, const struct intake_consent *c, struct err *err)
{
	struct notes *n = ctx;
	(void)err;
	buf_printf(&n->out, "%.*s|%d|%d|%d\n", STR_ARG(c->email), c->channel, c->state, c->at.s != INSTANT_NEVER.s);
	return true;
}

static bool on_event(void *ctx, const struct intake_event *e, struct err *err)
{
	struct notes *n = ctx;
	(void)err;
	buf_printf(&n->out, "%.*s|%.*s|%.*s\n", STR_ARG(e->customer), STR_ARG(e->name), STR_ARG(e->text));
	return true;
}

static bool on_reject(void *ctx, uint64_t row, uint32_t column, struct str name, struct str reason, struct str raw,
                      struct err *err)
{
	struct notes *n = ctx;
	(void)err;
	(void)raw;
	buf_printf(&n->out, "!%llu:%u %.*s %.*s\n", (unsigned long long)row, column, STR_ARG(name), STR_ARG(reason));
	return true;
}

static char *read_file(const char *text, enum intake_kind as, enum locale locale, enum err_kind *failed)
{
	struct notes n;
	struct source s = { .bytes = str_from(text) };
	struct intake_options o = { .as = as, .locale = locale, .currency = { "EUR", 2 } };
	struct intake_report report = { 0 };
	struct err err = { 0 };
	const struct intake_sink sink = { &n, on_line, on_customer, on_product, on_consent, on_event, on_reject };
	buf_init(&n.out, 1 << 20);
	ck_assert(zone_find(STR("Europe/Paris"), &o.zone));
	bool ok = intake_run(&o, source_read, &s, &sink, &report, &err);
	*failed = ok ? ERR_NONE : err.kind;
	if (!ok)
		buf_printf(&n.out, "error: %s", err.text);
	ck_assert(!ok || report.rows == report.accepted + report.rejected);
	char *out = strdup(buf_view(&n.out).p);
	buf_release(&n.out);
	return out;
}

#define READS(text, as, expected)                                                                                      \
	do {                                                                                                               \
		enum err_kind failed;                                                                                          \
		char *got = read_file(text, as, LOCALE_FR, &failed);                                                           \
		ck_assert_str_eq(got, expected);                                                                               \
		free(got);                                                                                                     \
	} while (0)

START_TEST(files_orders)
{
	READS("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
	      "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0\n"
	      "C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527\n"
	      "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,\n",
	      INTAKE_GUESS,
	      "536365|17850||2010-12-01T07:26:00Z|85123A|6|1530\n"
	      "C536379|14527||2010-12-01T08:41:00Z|D|-1|-2750|return\n"
	      "A563186|||2011-08-12T12:51:00Z|B|1|-1106206\n");
	/* a French till: semicolons, decimal commas, day first, time in its own column, a bad row */
	READS("N° ticket;Date;Heure;Client;Référence;Désignation;Quantité;Prix TTC\n"
	      "T1;01/12/2010;08:26;C7;A1;Bougie;2;1 234,50\n"
	      "T2;03/12/2010;09:00;;A2;Pomme;0,350;2,00\n"
	      "T3;04/12/2010;09:00;C8;A1;Bougie;2,5x;1,00\n",
	      INTAKE_GUESS,
	      "T1|C7||2010-12-01T07:26:00Z|A1|2|246900\n"
	      "T2|||2010-12-03T08:00:00Z|A2|1|70\n"
	      "!4:7 Quantité is not a number\n");
	/* customer, date, amount: one document a customer and instant */
	READS("customer,date,amount\n7,2011-01-05,12.50\n7,,3\n", INTAKE_GUESS,
	      "7@1294182000|7||2011-01-04T23:00:00Z||1|1250\n!3:2 date is empty\n");
	/* Shopify: later rows of an order leave things out; unpaid is no sale */
	READS("Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Total\n"
	      "#1001,a@x.fr,paid,2021-01-01 10:00:00 +0100,1,Tee,10.00,T,25.00\n"
	      "#1001,a@x.fr,,,2,Cup,5.00,C,\n"
	      "#1002,b@x.fr,voided,2021-01-02 10:00:00 +0100,1,Tee,10.00,T,10.00\n",
	      INTAKE_GUESS,
	      "#1001||a@x.fr|2021-01-01T09:00:00Z|T|1|1000\n"
	      "#1001||a@x.fr|2021-01-01T09:00:00Z|C|2|1000\n"
	      "#1002||b@x.fr|2021-01-02T09:00:00Z|T|1|1000|cancelled\n");
	READS("order,date,sku,quantity,unit_price,currency\n1,2011-01-05,A,1,2,USD\n", INTAKE_GUESS,
	      "!2:6 currency is not the currency of the shop\n");
	READS("order,date,amount,customer\n1,2011-01-05,2,3,4\n1,2011-01-05\n", INTAKE_GUESS,
	      "!2:5  the row has more cells than the header\n!3:2 date the row has fewer cells than the header\n");
}
END_TEST

START_TEST(files_dates_conflict)
{
	enum err_kind failed;
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_cstr(&b, "customer,date,amount\n");
	for (int i = 0; i < 300; i++)
		buf_printf(&b, "%d,%02d/%02d/2011,1\n", i, i % 12 + 1, i % 11 + 1);
	buf_cstr(&b, "9,12/25/2011,1\n"); /* past the rows the guess looks at */
	char *got = read_file(buf_view(&b).p, INTAKE_GUESS, LOCALE_FR, &failed);
	ck_assert_int_eq(failed, ERR_CONFLICT);
	free(got);
	buf_release(&b);
	got = read_file("customer,date,amount\n1,03/04/2011,1\n2,12/25/2011,1\n", INTAKE_GUESS, LOCALE_FR, &failed);
	ck_assert(strstr(got, "2011-03-0") != NULL && strstr(got, "2011-12-2") != NULL);
	free(got);
}
END_TEST

START_TEST(files_people)
{
	READS("ID;Titre;Prénom;Nom;Adresse e-mail;Ventes;Activé;Newsletter;Offres partenaires;Inscription\n"
	      "12;M.;Jean;L\xe9vy;jean@x.fr;10;1;1;0;2020-01-05 10:00:00\n"
	      "13;Mme;Anne;Le Goff;pas une adresse;10;1;0;0;2020-01-05 10:00:00\n",
	      INTAKE_GUESS, "12|Jean|Lévy|jean@x.fr||1\n!3:5 Adresse e-mail is not an e-mail address\n");
	READS("First Name,Last Name,Email,Accepts Email Marketing,Default Address Zip,Total Spent,Total "
	      "Orders\nA,B,a@x.fr,no,'59000,1,1\n",
	      INTAKE_GUESS, "|A|B|a@x.fr|59000|0\n");
	READS("Référence,Libellé,Prix TTC,Stock\nA1,Bougie,\"12,50\",-3\n", INTAKE_GUESS, "A1|Bougie|1250|0\n");
	READS("Email Address,First Name,UNSUB_TIME\na@x.fr,A,2021-01-05 10:00:00\n", INTAKE_GUESS, "a@x.fr|0|1|1\n");
	READS("email,status\na@x.fr,cleaned\nb@x.fr,subscribed\nc@x.fr,peut-être\n", INTAKE_CONSENTS,
	      "a@x.fr|0|1|0\nb@x.fr|0|0|0\n!4:2 status is no state of consent (granted, withdrawn, soft, opposed; "
	      "subscribed, unsubscribed…)\n");
	READS("user_id,item_id,category_id,behavior,timestamp\n9,22,36,pv,1511848894\n", INTAKE_GUESS, "9|pv|22\n");
	READS("user_id,item_id,category_id,behavior,timestamp\n9,22,36,pv,1511848894\n9,22,36,cart,1511848894\n",
	      INTAKE_CARTS, "9|9||2017-11-28T06:01:34Z|22|1|0\n");
}
END_TEST

START_TEST(files_json)
{
	READS("[{\"order\":\"1\",\"customer\":7,\"date\":\"2011-01-05T10:00:00Z\",\"lines\":[{\"sku\":\"A\",\"quantity\":2,"
	      "\"amount\":3.5},"
	      "{\"sku\":\"B\",\"quantity\":1,\"unit_price\":\"x\"}]}]",
	      INTAKE_GUESS, "1|7||2011-01-05T10:00:00Z|A|2|350\n!1:0 unit_price is not a number\n");
	/* one value a line: a broken line costs itself */
	READS("{\"customer\":\"7\",\"event\":\"visit\",\"date\":\"2011-01-05\"}\n{\"customer\":\n\n{\"customer\":\"8\","
	      "\"event\":\"call\",\"date\":\"2011-01-05\"}\n",
	      INTAKE_GUESS, "7|visit|\n!2:0  the line is not JSON\n8|call|\n");
	READS("{\"customers\":[{\"id\":5,\"email\":\"a@x.fr\",\"first_name\":\"A\",\"last_name\":\"B\",\"accepts_"
	      "marketing\":true,"
	      "\"default_address\":{\"zip\":\"59000\",\"first_name\":\"Z\"}}]}",
	      INTAKE_GUESS, "5|A|B|a@x.fr|59000|1\n");
	READS("{\"orders\":[{\"name\":\"#1\",\"email\":\"a@x.fr\",\"created_at\":\"2021-01-01T10:00:00Z\",\"financial_"
	      "status\":\"partially_refunded\","
	      "\"currency\":\"EUR\",\"total_price\":\"20.00\",\"customer\":{\"id\":9},\"line_items\":[{\"sku\":\"A\","
	      "\"quantity\":2,\"price\":\"10.00\","
	      "\"total_discount\":\"1.00\",\"name\":\"Tee\"}],\"refunds\":[{\"id\":3,\"created_at\":\"2021-02-01T10:00:"
	      "00Z\",\"refund_line_items\":"
	      "[{\"quantity\":1,\"subtotal\":9.5,\"total_tax\":0.5,\"line_item\":{\"sku\":\"A\"}}]}]}]}",
	      INTAKE_GUESS,
	      "#1|9|a@x.fr|2021-01-01T10:00:00Z|A|2|1900\n#1/refund/3|9|a@x.fr|2021-02-01T10:00:00Z|A|-1|-1000|return\n");
	enum err_kind failed;
	const char *const BAD[] = { "[{\"a\":1}", "[{\"a\":}]", "{\"orders\":[{\"x\"", "[[[[" };
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		char *got = read_file(BAD[i], INTAKE_CUSTOMERS, LOCALE_FR, &failed);
		ck_assert_msg(failed != ERR_NONE && strstr(got, "error: "), "%s", BAD[i]);
		free(got);
	}
}
END_TEST

START_TEST(files_refused)
{
	enum err_kind failed;
	char *got = read_file("colour,size\nred,3\n", INTAKE_GUESS, LOCALE_FR, &failed);
	ck_assert(failed == ERR_INPUT && strstr(got, "colour, size"));
	free(got);
	got = read_file("colour,amount\nred,3\n", INTAKE_ORDERS, LOCALE_FR, &failed);
	ck_assert(failed == ERR_INPUT && strstr(got, "no column for \"date\""));
	free(got);
	got = read_file("", INTAKE_GUESS, LOCALE_FR, &failed);
	ck_assert(failed == ERR_INPUT && strstr(got, "empty"));
	free(got);
}
END_TEST

UNIT_MAIN("intake", csv_delimiters, csv_quotes, csv_charsets, csv_blocks, csv_bad_rows, csv_not_csv, numbers, dates,
          headers, maps, files_orders, files_dates_conflict, files_people, files_json, files_refused)
