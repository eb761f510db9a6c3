/* Records that look like one person: proposed, told apart, merged, un-merged. What is proposed is found in one pass
 * over all persons, on a reading thread, and kept for a minute: pages of it stay one list. */
#include "app/clock.h"
#include "app/duplicates.h"
#include "model/names.h"
#include "web/web_int.h"

#include <stdlib.h>

enum { DUPLICATES_S = 60 };

struct found_duplicates {
	struct duplicates list;
	struct instant at;
	bool known;
};

static void forget(struct web *w)
{
	pthread_mutex_lock(&w->duplicates_lock);
	if (w->duplicates)
		w->duplicates->known = false;
	pthread_mutex_unlock(&w->duplicates_lock);
}

void duplicates_close(struct web *w)
{
	if (w->duplicates)
		duplicates_release(&w->duplicates->list);
	free(w->duplicates);
	w->duplicates = NULL;
}

/* ---- the list ---- */

static bool put_record(struct request *r, const struct world *w, customer_id c, const char *name, struct err *err)
{
	struct person p;
	struct str ref;
	struct buf *b = &r->out;
	if (!store_person(r->db, c, &r->arena, &p, &ref, err))
		return false;
	put_open(b, name, '{');
	put_int(b, "id", c);
	put_str(b, "ref", ref);
	put_person(b, &p);
	put_life(b, w, c);
	put_close(b, '}');
	return true;
}

static void put_why(struct buf *b, uint8_t why)
{
	static const char *const NAMES[] = { "email", "phone", "name" };
	put_open(b, "why", '[');
	for (int i = 0; i < 3; i++)
		if (why >> i & 1)
			put_cstr(b, NULL, NAMES[i]);
	put_close(b, ']');
}

/* Merged by another program since they were found: neither is there any more to be proposed. */
static bool still_two(struct request *r, const struct duplicate *d, bool *yes, struct err *err)
{
	customer_id into[2];
	bool erased[2];
	if (!store_record(r->db, d->one, &into[0], &erased[0], err) ||
	    !store_record(r->db, d->other, &into[1], &erased[1], err))
		return false;
	*yes = !into[0] && !into[1] && !erased[0] && !erased[1];
	return true;
}

static bool put_pairs(struct request *r, const struct world *w, const struct duplicate *items, size_t count,
                      struct err *err)
{
	struct buf *b = &r->out;
	bool ok = true, two;
	put_open(b, "items", '[');
	for (size_t i = 0; ok && i < count; i++) {
		ok = still_two(r, &items[i], &two, err);
		if (!ok || !two)
			continue;
		put_open(b, NULL, '{');
		put_cstr(b, "sure", duplicate_sure_name((enum duplicate_sure)items[i].sure));
		put_why(b, items[i].why);
		ok = put_record(r, w, items[i].one, "one", err) && put_record(r, w, items[i].other, "other", err);
		put_close(b, '}');
	}
	put_close(b, ']');
	return ok;
}

/* Under the lock: found now, or a moment ago. */
static bool find(struct request *r, struct err *err)
{
	struct web *w = r->web;
	struct instant now = clock_now();
	if (!w->duplicates)
		w->duplicates = mem_alloc(sizeof *w->duplicates);
	if (w->duplicates->known && now.s - w->duplicates->at.s < DUPLICATES_S)
		return true;
	duplicates_release(&w->duplicates->list);
	w->duplicates->known = duplicates_find(r->db, store_shop(r->db), &w->duplicates->list, err);
	w->duplicates->at = now;
	return w->duplicates->known;
}

void on_duplicates(struct request *r)
{
	struct err err;
	struct buf *b = &r->out;
	int64_t limit = number_query(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT),
			from = number_query(r, "cursor", 0, INT32_MAX, 0);
	const struct world *w = request_db(r) ? request_world(r) : NULL;
	if (!w)
		return;
	pthread_mutex_lock(&r->web->duplicates_lock);
	bool ok = find(r, &err);
	size_t count = 0, total = 0, shared = 0;
	struct duplicate *page = NULL;
	struct duplicate_shared *common = NULL;
	if (ok) {
		const struct duplicates *d = &r->web->duplicates->list;
		total = d->count;
		shared = from == 0 ? d->shared_count < PAGE_DEFAULT ? d->shared_count : PAGE_DEFAULT : 0;
		count = (size_t)from < total ? total - (size_t)from : 0;
		count = count < (size_t)limit ? count : (size_t)limit;
		page = arena_copy(&r->arena, d->items + (count ? from : 0), count * sizeof *page);
		common = arena_copy(&r->arena, d->shared, shared * sizeof *common);
	}
	pthread_mutex_unlock(&r->web->duplicates_lock);
	put_open(b, NULL, '{');
	ok = ok && put_pairs(r, w, page, count, &err);
	put_open(b, "shared", '[');
	for (size_t i = 0; ok && i < shared; i++) {
		put_open(b, NULL, '{');
		put_why(b, (uint8_t)common[i].why);
		put_int(b, "records", common[i].records);
		put_int(b, "customer", common[i].first);
		put_close(b, '}');
	}
	put_close(b, ']');
	put_int(b, "total", (int64_t)total);
	put_cursor(b, from + (int64_t)count, (size_t)from + count < total);
	put_close(b, '}');
	if (ok)
		request_send_json(r, 200);
	else
		request_err(r, &err);
}

/* ---- words on two records; on the ticker ---- */

/* "#12", the shop's own number, or 12. */
static customer_id record_in(struct request *r, const json_t *o, const char *name)
{
	struct err err;
	customer_id c = 0;
	const json_t *v = json_object_get(o, name);
	struct db *db = live_db(r->web->live);
	struct str who = json_is_integer(v) ? arena_printf(&r->arena, "#%lld", (long long)json_integer_value(v))
	                                    : str_from(json_is_string(v) ? json_string_value(v) : "");
	if (who.n && store_find_record(db, store_shop(db), who, &c, &err))
		return c;
	request_problem(r, 422, "\"%s\" is a record by our number or the shop's own; GET /customers?q= finds it", name);
	return 0;
}

static void answer(struct request *r, customer_id survivor)
{
	put_open(&r->out, NULL, '{');
	put_int(&r->out, "customer", survivor);
	put_close(&r->out, '}');
	forget(r->web);
	request_send_json(r, 200);
}

bool web_count_gone(struct web *w, struct err *err)
{
	forget(w);
	struct query *q = db_query(live_db(w->live), "web_gone_count");
	int got = query_next(q, err);
	int64_t gone = got == 1 ? query_get_int(q, 0) : 0;
	query_done(q);
	if (got != 1)
		return false;
	w->gone = (uint32_t)gone; /* without the lock of the world: who holds that may wait for the gate, which is shut */
	return true;
}

static bool end(struct web *w, struct store_batch *b, bool ok, struct err *err)
{
	if (ok)
		return store_batch_commit(b, err) && web_count_gone(w, err);
	store_batch_rollback(b);
	return false;
}

void on_merge(struct request *r)
{
	struct err err;
	customer_id survivor = customer_arg(r), other;
	json_t *o = survivor ? request_json(r) : NULL;
	if (!o)
		return;
	struct instant now = clock_now();
	struct store_batch *b;
	if ((other = record_in(r, o, "other"))) {
		b = store_batch_begin(live_db(r->web->live), NULL, now, &err);
		if (b && end(r->web, b, store_merge(b, survivor, other, now, r->who.actor, &err), &err))
			answer(r, survivor);
		else
			request_err(r, &err);
	}
	json_decref(o);
}

void on_unmerge(struct request *r)
{
	struct err err;
	int64_t id = 0;
	customer_id survivor;
	struct instant now = clock_now();
	if (!str_i64(r->args[0], &id) || id < 1 || id >= UINT32_MAX) {
		request_problem(r, 404, "there is no customer of this number");
		return;
	}
	struct store_batch *b = store_batch_begin(live_db(r->web->live), NULL, now, &err);
	if (b && end(r->web, b, store_unmerge(b, (customer_id)id, now, r->who.actor, &survivor, &err), &err))
		answer(r, survivor);
	else
		request_err(r, &err);
}

void on_duplicates_dismiss(struct request *r)
{
	struct err err;
	customer_id one, other = 0;
	json_t *o = request_json(r);
	if (!o)
		return;
	bool undo = json_is_true(json_object_get(o, "undo"));
	struct instant now = clock_now();
	if ((one = record_in(r, o, "one")) && (other = record_in(r, o, "other"))) {
		struct store_batch *b = store_batch_begin(live_db(r->web->live), NULL, now, &err);
		if (b && end(r->web, b, store_distinct(b, one, other, !undo, now, r->who.actor, &err), &err))
			answer(r, one);
		else
			request_err(r, &err);
	}
	json_decref(o);
}

/* ---- on the page of a person ---- */

/* Who was merged into c, and by whom. */
bool put_merged(struct request *r, customer_id c, struct err *err)
{
	struct merges m;
	struct buf *b = &r->out;
	if (!merges_read_of(r->db, c, &m, err))
		return false;
	bool ok = true;
	put_open(b, "merged", '[');
	for (size_t i = 0; ok && i < m.count; i++) {
		struct person p;
		struct str ref;
		ok = store_person_of(r->db, m.items[i].from, &r->arena, &p, &ref, err);
		if (!ok)
			break;
		put_open(b, NULL, '{');
		put_int(b, "id", m.items[i].from);
		put_str(b, "ref", ref);
		put_str(b, "name", str_trim(arena_printf(&r->arena, "%.*s %.*s", STR_ARG(p.first_name), STR_ARG(p.last_name))));
		put_str(b, "email", p.email);
		put_instant(b, "at", m.items[i].at);
		put_close(b, '}');
	}
	put_close(b, ']');
	merges_release(&m);
	return ok;
}
