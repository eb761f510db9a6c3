/* Plans as they are edited: the file as a form and back, and runs in progress moved to the newest version. */
#include "app/config.h"
#include "app/move.h"
#include "engine/plan_form.h"
#include "web/plans.h"
#include "web/web_int.h"

#include "app/clock.h"

/* ---- the form ---- */

void plan_put_form(struct request *r, struct str text)
{
	struct plan_issues *issues = arena_new(&r->arena, struct plan_issues);
	json_t *form = plan_form_read(STR("plan"), text, &r->arena, issues);
	char *written = form ? json_dumps(form, JSON_COMPACT) : NULL;
	if (written)
		put_raw(&r->out, "form", str_from(written));
	else
		put_null(&r->out, "form");
	free(written);
	json_decref(form);
}

bool plan_text_of(struct request *r, const json_t *o, struct str before, struct str *text)
{
	const json_t *form = json_object_get(o, "form");
	struct buf out;
	struct err err;
	if (!form) {
		*text = arena_str(&r->arena, str_from(member(o, "text")));
		return true;
	}
	buf_init(&out, PLAN_FILE_MAX);
	bool ok = plan_form_write(before, form, &r->arena, &out, &err);
	*text = arena_str(&r->arena, buf_view(&out));
	buf_release(&out);
	if (!ok)
		request_err(r, &err);
	return ok;
}

/* {text, form?}: the file with the form's values, its form, its mistakes and its picture. Nothing is kept. */
void on_plan_form(struct request *r)
{
	json_t *o = request_json(r);
	const char *before = o ? member(o, "text") : NULL;
	struct str text;
	if (o && !before)
		request_problem(r, 422, "\"text\" is needed: the plan file that \"form\" is written into");
	else if (o && request_book(r) && plan_text_of(r, o, arena_str(&r->arena, str_from(before)), &text)) {
		put_open(&r->out, NULL, '{');
		put_str(&r->out, "text", text);
		plan_put_form(r, text);
		plan_put_checked(r, text);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
	json_decref(o);
}

/* ---- runs moved to the newest version ---- */

static void put_moves(struct request *r, const struct move_report *m)
{
	struct buf *b = &r->out;
	put_open(b, NULL, '{');
	put_int(b, "to_version", m->to_version);
	put_int(b, "moved", (int64_t)m->moved);
	put_int(b, "stay", (int64_t)m->stay);
	put_open(b, "lines", '[');
	for (size_t i = 0; i < m->line_count; i++) {
		const struct move_line *l = &m->line[i];
		put_open(b, NULL, '{');
		put_int(b, "from_version", l->from_version);
		put_str(b, "from_step", l->from_step);
		put_str(b, "to_step", l->to_step);
		put_cstr(b, "stays", l->stays);
		put_int(b, "runs", (int64_t)l->runs);
		put_close(b, '}');
	}
	put_close(b, ']');
	put_close(b, '}');
	request_send_json(r, 200);
}

/* Who would move where; nothing is written. */
void on_plan_moves(struct request *r)
{
	struct err err;
	struct move_report *m = arena_new(&r->arena, struct move_report);
	struct settings *s = arena_new(&r->arena, struct settings);
	struct db *db = request_db(r);
	if (!db)
		return;
	if (config_read(db, &r->web->shop, s, &err) &&
	    move_runs(db, s, r->args[0], true, "", clock_now(), &r->arena, m, &err))
		put_moves(r, m);
	else
		request_problem(r, err.kind == ERR_INPUT ? 404 : 503, "%s", err.text);
}

struct moving {
	struct request *r;
	struct move_report *report;
};

static bool move_now(void *ctx, struct db *db, struct err *err)
{
	struct moving *m = ctx;
	struct request *r = m->r;
	struct settings *s = arena_new(&r->arena, struct settings);
	struct instant now = clock_now();
	if (!config_read(db, &r->web->shop, s, err) ||
	    !move_runs(db, s, r->args[0], false, r->who.actor, now, &r->arena, m->report, err))
		return false;
	bool ok = db_begin(db, err) &&
	          store_audit(db, now, r->who.actor, "runs moved", arena_cstr(&r->arena, r->args[0]), err) &&
	          db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

/* The runs are in the ticker's memory: it lets go of the shop, they are moved, it opens it again. */
void on_plan_move(struct request *r)
{
	struct moving m = { .r = r, .report = arena_new(&r->arena, struct move_report) };
	struct err err;
	if (ticker_apart(r->web, move_now, &m, &err))
		put_moves(r, m.report);
	else
		request_err(r, &err);
}
