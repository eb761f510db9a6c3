/* Lists of people as files: RFC 4180, in UTF-8 with its mark, amounts in major units. Who took people's data away
 * stands in the audit log. */
#include "web/web_int.h"

#include "app/clock.h"

void csv_begin(struct request *r)
{
	buf_cstr(&r->out, "\xEF\xBB\xBF"); /* spreadsheets take it for Latin 1 otherwise */
}

/* What a spreadsheet would run as a formula is told to be text. */
void csv_text(struct buf *b, struct str s)
{
	bool formula = s.n && strchr("=+@\t\r-", s.p[0]), quote = formula;
	for (size_t i = 0; i < s.n; i++)
		quote |= strchr(",;\"\r\n", s.p[i]) != NULL;
	buf_cstr(b, quote ? "\"" : "");
	buf_cstr(b, formula ? "'" : "");
	for (size_t i = 0; i < s.n; i++)
		buf_add(b, s.p[i] == '"' ? "\"\"" : &s.p[i], s.p[i] == '"' ? 2 : 1);
	buf_cstr(b, quote ? "\"" : "");
}

void csv_money(struct request *r, int64_t minor)
{
	char text[32];
	buf_cstr(&r->out, money_plain((struct money){ minor }, r->web->settings->currency, text));
}

void csv_send(struct request *r, const char *file)
{
	r->status = 200;
	r->type = "text/csv; charset=utf-8";
	request_add_header(r, "Content-Disposition", arena_printf(&r->arena, "attachment; filename=\"%s.csv\"", file));
}

struct taken {
	const char *file, *object;
};

/* On the ticker. */
static void write_down(struct request *r)
{
	const struct taken *t = r->handed;
	struct err err;
	struct db *db = live_db(r->web->live);
	if (!db_begin(db, &err) || !store_audit(db, clock_now(), r->who.actor, "customers exported", t->object, &err) ||
	    !db_commit(db, &err)) {
		db_rollback(db);
		buf_clear(&r->out);
		r->type = NULL;
		request_err(r, &err);
		return;
	}
	csv_send(r, t->file);
}

void csv_hand_over(struct request *r, const char *file, const char *object)
{
	struct taken *t = arena_new(&r->arena, struct taken);
	*t = (struct taken){ file, object };
	r->handed = t;
	request_hand_over(r, write_down);
}
