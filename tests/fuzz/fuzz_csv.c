/* Any bytes as a file of any kind, CSV or JSON: no crash, no hang, rows = accepted + rejected. The first byte picks the
 * kind and the piece size of the reads. */
#include "intake/intake.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct source {
	const uint8_t *p;
	size_t n, piece;
};

static bool read_some(void *ctx, char *p, size_t cap, size_t *n, struct err *err)
{
	struct source *s = ctx;
	(void)err;
	*n = s->n < cap ? s->n : cap;
	*n = *n < s->piece ? *n : s->piece;
	memcpy(p, s->p, *n);
	s->p += *n;
	s->n -= *n;
	return true;
}

static uint64_t seen;

static void look(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		seen += (unsigned char)s.p[i];
}

static bool on_line(void *ctx, const struct intake_line *l, struct err *err)
{
	(void)ctx, (void)err;
	look(l->document), look(l->customer), look(l->sku), look(l->product_name), look(l->email), look(l->voucher),
		look(l->url);
	check(l->quantity >= -INT32_MAX && l->quantity <= INT32_MAX);
	return true;
}

static bool on_customer(void *ctx, const struct intake_customer *c, struct err *err)
{
	(void)ctx, (void)err;
	look(c->ref), look(c->email), look(c->first_name), look(c->last_name), look(c->tags), look(c->postcode);
	check(c->ref.n || c->email.n);
	return true;
}

static bool on_product(void *ctx, const struct intake_product *p, struct err *err)
{
	(void)ctx, (void)err;
	look(p->sku), look(p->name), look(p->image);
	check(p->price >= -1 && p->stock >= -1);
	return true;
}

static bool on_consent(void *ctx, const struct intake_consent *c, struct err *err)
{
	(void)ctx, (void)err;
	look(c->email), look(c->source);
	return true;
}

static bool on_event(void *ctx, const struct intake_event *e, struct err *err)
{
	(void)ctx, (void)err;
	look(e->name), look(e->text);
	return true;
}

static bool on_reject(void *ctx, uint64_t row, uint32_t column, struct str name, struct str reason, struct str raw,
                      struct err *err)
{
	(void)ctx, (void)row, (void)column, (void)err;
	look(name), look(reason), look(raw);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	const struct intake_sink sink = { NULL, on_line, on_customer, on_product, on_consent, on_event, on_reject };
	struct source s = { data + 1, n - 1, data[0] & 0x80 ? 7 : SIZE_MAX };
	struct buf template_map;
	buf_init(&template_map, 64 << 10);
	struct intake_options o = { .as = (enum intake_kind)((data[0] & 15) % 7),
		                        .locale = data[0] & 16 ? LOCALE_FR : LOCALE_EN,
		                        .currency = { "EUR", 2 } };
	struct intake_report report = { .template_map = &template_map };
	struct err err = { 0 };
	if (intake_run(&o, read_some, &s, &sink, &report, &err))
		check(report.rows == report.accepted + report.rejected);
	else
		check(err.text[0] != 0);
	buf_release(&template_map);
	return 0;
}
