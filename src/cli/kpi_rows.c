#include "cli/kpi_rows.h"

#include <stdio.h>

struct listing {
	const struct figures_shop *s;
	struct table *t;
	struct drill_column columns[DRILL_COLUMNS_MAX];
};

static void customer(const struct listing *l, customer_id c)
{
	char text[16];
	if (l->s->ref && c <= l->s->ids && l->s->ref[c].p) {
		table_text(l->t, l->s->ref[c]);
		return;
	}
	snprintf(text, sizeof text, "#%u", c);
	table_cstr(l->t, text);
}

static void cell(const struct listing *l, enum drill_type type, const struct drill_cell *c)
{
	char text[32];
	if (!c->known) {
		table_null(l->t);
		return;
	}
	switch (type) {
	case DRILL_CUSTOMER: customer(l, (customer_id)c->number); break;
	case DRILL_DAY: table_cstr(l->t, date_text((struct date){ (int32_t)c->number }, text)); break;
	case DRILL_MONEY:
		table_number(l->t, str_from(money_plain((struct money){ c->number }, l->s->settings->currency, text)));
		break;
	case DRILL_NUMBER: table_int(l->t, c->number); break;
	case DRILL_YES_NO: table_raw(l->t, c->number ? STR("true") : STR("false")); break;
	case DRILL_WORD:
	case DRILL_TEXT: table_cstr(l->t, c->word); break;
	}
}

static bool row(void *ctx, const struct drill_cell *cells, int count)
{
	const struct listing *l = ctx;
	for (int i = 0; i < count; i++)
		cell(l, l->columns[i].type, &cells[i]);
	return true;
}

void drill_print(const struct figures_shop *s, const struct drill_column *columns, int count, enum format format,
                 void (*list)(void *ctx, const struct drill_sink *sink), void *ctx)
{
	struct listing l = { .s = s };
	const char *names[DRILL_COLUMNS_MAX];
	memcpy(l.columns, columns, (size_t)count * sizeof *columns);
	for (int i = 0; i < count; i++)
		names[i] = columns[i].name;
	l.t = table_new(names, (size_t)count);
	list(ctx, &(struct drill_sink){ row, &l });
	table_print(l.t, format, stdout);
	table_free(l.t);
}

struct behind {
	enum kpi figure;
	const struct figures_shop *s;
	const struct figures_ask *ask;
};

static void list_rows(void *ctx, const struct drill_sink *sink)
{
	const struct behind *x = ctx;
	drill_make(x->figure, x->s, x->ask, sink);
}

bool kpi_rows_print(enum kpi k, const struct figures_shop *s, const struct figures_ask *ask, enum format format,
                    struct err *err)
{
	struct drill_column columns[DRILL_COLUMNS_MAX];
	int count = drill_columns(k, columns);
	if (count == 0)
		return err_set(err, ERR_INPUT, "--rows: %s has no list: it is the sum of a model or of objectives",
		               kpi_definition(k)->key);
	drill_print(s, columns, count, format, list_rows, &(struct behind){ k, s, ask });
	return true;
}
