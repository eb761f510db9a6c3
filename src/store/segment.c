#include "store/segment.h"

bool store_customers(struct db *db, store_customer_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "customers_live");
	int got;
	query_stream(q);
	while ((got = query_next(q, err)) == 1)
		if (!fn(ctx, (customer_id)query_get_int(q, 0), query_get_text(q, 1), err)) {
			query_done(q);
			return false;
		}
	return got == 0;
}

bool store_segment_put(struct db *db, struct str name, struct str text, struct instant now, struct err *err)
{
	bool ok = name.n > 0 && name.n <= SEGMENT_NAME_MAX && str_utf8_valid(name) == name.n;
	for (size_t i = 0; i < name.n; i++)
		ok = ok && (unsigned char)name.p[i] >= ' ' && name.p[i] != '"';
	if (!ok)
		return err_set(err, ERR_INPUT, "a segment's name is 1 to %d bytes of text without quotes", SEGMENT_NAME_MAX);
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "segment_put");
	query_text(q, 1, name);
	query_text(q, 2, text);
	query_int(q, 3, now.s);
	if (query_run(q, NULL, err) && db_commit(db, err))
		return true;
	db_rollback(db);
	return err_context(err, "saving the segment");
}

bool store_segment_delete(struct db *db, struct str name, bool *found, struct err *err)
{
	int64_t gone = 0;
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "segment_delete");
	query_text(q, 1, name);
	if (query_run(q, &gone, err) && db_commit(db, err)) {
		*found = gone > 0;
		return true;
	}
	db_rollback(db);
	return err_context(err, "forgetting the segment");
}

bool store_segments(struct db *db, store_segment_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "segment_list");
	int got;
	while ((got = query_next(q, err)) == 1)
		if (!fn(ctx, query_get_text(q, 0), query_get_text(q, 1), err)) {
			query_done(q);
			return false;
		}
	return got == 0;
}
