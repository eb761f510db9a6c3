/* Erasures of a shop that others use meanwhile. The rows of a person go on the ticker, in the middle of everything
 * else: a transaction of some milliseconds, then what is in memory of them. What takes its time, files, rejected rows
 * and the log of the database, is done by a thread that reads, with a handle of its own. */
#include "web/facts.h"
#include "web/web_int.h"

#include "app/arrival.h"
#include "app/clock.h"
#include "app/courier.h"
#include "app/erase.h"

#include <stdlib.h>

struct rows {
	struct web *w;
	const customer_id *people;
	size_t count;
	const char *actor;
	struct erase_traces *traces;
	struct erase_report *report;
};

static bool erase_rows(void *ctx, struct err *err)
{
	struct rows *x = ctx;
	bool ok = true;
	for (size_t i = 0; i < x->count && ok; i++)
		ok = erase_person(live_db(x->w->live), x->people[i], x->actor, clock_now(), x->traces, x->report, err);
	return ok;
}

static bool nothing(void *ctx, struct db *db, struct err *err)
{
	return true;
}

bool web_erase_rows(struct web *w, const customer_id *people, size_t count, const char *actor,
                    struct erase_traces *traces, struct erase_report *report, struct err *err)
{
	size_t before = traces->count;
	struct rows x = { w, people, count, actor, traces, report };
	bool ok = writer_alone(w, erase_rows, &x, err);
	size_t n = traces->count - before;
	customer_id *gone = mem_alloc((n + 1) * sizeof *gone);
	struct err why;
	for (size_t i = 0; i < n; i++)
		gone[i] = traces->list[before + i].customer;
	bool known = live_erased(w->live, gone, n, &why) && web_count_gone(w, &why);
	free(gone);
	/* what is in memory cannot be believed: everybody waits while the shop is read again */
	if (!known)
		known = ticker_apart(w, nothing, NULL, ok ? err : &why);
	web_event(w, "facts", "{}");
	return ok && known;
}

bool web_erase_left(struct web *w, const struct erase_traces *traces, struct erase_report *report, struct err *err)
{
	char own[COURIER_FOLDER_MAX];
	struct shop shop;
	struct db *db = store_open(w->o.address, false, &shop, err);
	courier_folder(w->o.address, own);
	bool ok = db && arrivals_settle(db, err) && erase_left(db, w->o.out ? w->o.out : own, traces, report, err);
	if (db)
		db_close(db);
	return ok;
}

/* ---- one person, as asked for ---- */

struct erasing {
	struct erase_traces traces;
	struct erase_report report;
};

static void let_go(struct request *r)
{
	struct erasing *e = r->handed;
	erase_end(&e->traces);
	erase_report_release(&e->report);
}

/* On a reading thread. */
static void erase_rest(struct request *r)
{
	struct err err;
	struct erasing *e = r->handed;
	struct buf *b = &r->out;
	if (!web_erase_left(r->web, &e->traces, &e->report, &err)) { /* the person is gone: that is what is said first */
		e->report.log_left = true;
		buf_printf(&e->report.left, "%s\n", err.text);
	}
	put_open(b, NULL, '{');
	put_int(b, "orders_kept_as_sums", (int64_t)e->report.rows.orders);
	put_int(b, "facts_emptied", (int64_t)e->report.rows.facts);
	put_int(b, "messages_emptied", (int64_t)e->report.rows.messages);
	put_int(b, "files_deleted", (int64_t)e->report.files);
	put_int(b, "rejected_rows", (int64_t)e->report.reject_rows);
	put_bool(b, "log_emptied", !e->report.log_left);
	put_str(b, "not_reached", buf_view(&e->report.left));
	put_close(b, '}');
	request_send_json(r, 200);
}

void on_erase(struct request *r)
{
	struct err err;
	struct person p;
	struct str ref;
	customer_id c = customer_arg(r);
	json_t *o = c ? request_json(r) : NULL;
	if (!o)
		return;
	const char *confirm = member(o, "confirm");
	bool confirmed = false;
	if (!store_person(r->db, c, &r->arena, &p, &ref, &err))
		request_err(r, &err);
	else if (!(confirmed = confirm && str_is(ref, confirm)))
		request_problem(r, 422, "an erasure cannot be undone: send \"confirm\" with the customer's reference");
	json_decref(o);
	if (!confirmed)
		return;
	request_release(r); /* no reader's snapshot keeps the old pages alive */
	struct erasing *e = arena_new(&r->arena, struct erasing);
	erase_begin(&e->traces, &e->report);
	r->handed = e;
	r->let_go = let_go;
	if (!web_erase_rows(r->web, &c, 1, r->who.actor, &e->traces, &e->report, &err))
		request_err(r, &err);
	else
		request_read_on(r, erase_rest, LANE_LONG);
}
