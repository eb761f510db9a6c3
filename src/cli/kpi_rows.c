#include "cli/kpi_rows.h"

#include "app/drill.h"

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

bool kpi_rows_print(enum kpi k, const struct figures_shop *s, const struct figures_ask *ask, enum format format,
                    struct err *err)
{
	struct listing l = { .s = s };
	const char *names[DRILL_COLUMNS_MAX];
	int columns = drill_columns(k, l.columns);
	if (columns == 0)
		return err_set(err, ERR_INPUT, "--rows: %s has no list: it is the sum of a model or of objectives",
		               kpi_definition(k)->key);
	for (int i = 0; i < columns; i++)
		names[i] = l.columns[i].name;
	l.t = table_new(names, (size_t)columns);
	drill_make(k, s, ask, &(struct drill_sink){ row, &l });
	table_print(l.t, format, stdout);
	table_free(l.t);
	return true;
}
