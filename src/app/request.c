#include "app/request.h"

#include <stdio.h>

enum { ANSWER_MAX = 2000 };

static const char *const KINDS[REQUEST_KIND_COUNT] = { "access",      "rectification", "erasure",
	                                                   "portability", "objection",     "message" };
const char *const REQUEST_CAME_BY[] = { "email", "letter", "phone", "counter", "page", NULL };

const char *request_kind_name(enum request_kind k)
{
	return KINDS[k];
}

int request_kind_find(struct str name)
{
	for (int i = 0; i < REQUEST_KIND_COUNT; i++)
		if (str_is(name, KINDS[i]))
			return i;
	return -1;
}

struct instant request_due(zone_id zone, struct instant asked, bool extended)
{
	struct date day = date_add_months(zone_date(zone, asked), extended ? 3 : 1);
	return (struct instant){ zone_instant(zone, (struct date){ day.day + 1 }, 0).s - 1 };
}

static bool changed_one(struct db *db, struct query *q, const char *action, int64_t id, const char *actor,
                        struct instant now, struct err *err)
{
	char object[40];
	int64_t changed = 0;
	snprintf(object, sizeof object, "request %lld", (long long)id);
	if (!query_run(q, &changed, err))
		return false;
	if (changed == 0)
		return err_set(err, ERR_CONFLICT, "there is no open request of number %lld", (long long)id);
	return store_audit(db, now, actor, action, object, err);
}

static bool audited(struct db *db, struct query *q, const char *action, int64_t id, const char *actor,
                    struct instant now, struct err *err)
{
	bool ok = changed_one(db, q, action, id, actor, now, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

static bool next_id(struct db *db, int64_t *id, struct err *err)
{
	struct query *q = db_query(db, "request_next");
	int got = query_next(q, err);
	*id = got == 1 ? query_get_int(q, 0) : 1;
	query_done(q);
	return got >= 0;
}

bool request_add_within(struct db *db, enum request_kind kind, customer_id c, struct str came_by, struct instant asked,
                        const char *actor, struct instant now, int64_t *id, struct err *err)
{
	bool known = came_by.n == 0;
	char action[48];
	for (size_t i = 0; REQUEST_CAME_BY[i]; i++)
		known |= str_is(came_by, REQUEST_CAME_BY[i]);
	if (!known)
		return err_set(err, ERR_INPUT, "a request came by email, letter, phone, counter or page, not \"%.*s\"",
		               STR_ARG(came_by));
	if (asked.s <= 0 || asked.s > now.s + DAY_S)
		return err_set(err, ERR_INPUT, "a request was asked on a day of the past");
	if (!next_id(db, id, err))
		return false;
	struct query *q = db_query(db, "request_put");
	query_int(q, 1, *id);
	query_text(q, 2, str_from(KINDS[kind]));
	query_int(q, 3, c);
	query_int(q, 4, asked.s);
	query_int(q, 5, request_due(store_shop(db)->zone, asked, false).s);
	query_text(q, 6, came_by.n ? came_by : STR("page"));
	query_text(q, 7, str_from(actor));
	snprintf(action, sizeof action, "request taken: %s", KINDS[kind]);
	return changed_one(db, q, action, *id, actor, now, err);
}

bool request_add(struct db *db, enum request_kind kind, customer_id c, struct str came_by, struct instant asked,
                 const char *actor, struct instant now, int64_t *id, struct err *err)
{
	bool ok =
		db_begin(db, err) && request_add_within(db, kind, c, came_by, asked, actor, now, id, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

bool request_again(struct db *db, enum request_kind kind, customer_id c, struct instant now, bool *again,
                   struct err *err)
{
	struct query *q = db_query(db, "request_again");
	query_int(q, 1, c);
	query_text(q, 2, str_from(KINDS[kind]));
	query_int(q, 3, now.s - DAY_S);
	int got = query_next(q, err);
	*again = got == 1 && query_get_int(q, 0) > 0;
	query_done(q);
	return got >= 0;
}

bool request_close(struct db *db, int64_t id, bool done, struct str answer, const char *actor, struct instant now,
                   struct err *err)
{
	if (!done && !answer.n)
		return err_set(err, ERR_INPUT, "a refusal says why: the person has a right to know (GDPR 12(4))");
	if (answer.n > ANSWER_MAX)
		return err_set(err, ERR_LIMIT, "the answer has at most %d bytes", ANSWER_MAX);
	if (!db_begin(db, err))
		return false;
	struct query *q = db_query(db, "request_close");
	query_int(q, 1, id);
	query_text(q, 2, done ? STR("done") : STR("refused"));
	query_text(q, 3, answer);
	query_int(q, 4, now.s);
	return audited(db, q, done ? "request done" : "request refused", id, actor, now, err);
}

bool request_extend(struct db *db, int64_t id, struct str reason, const char *actor, struct instant now,
                    struct err *err)
{
	struct arena a;
	struct data_request r;
	bool found;
	if (!reason.n || reason.n > ANSWER_MAX)
		return err_set(err, ERR_INPUT,
		               "two months more need their reason, told to the person within the first (GDPR 12(3))");
	arena_init(&a);
	bool ok = request_get(db, id, &a, &r, &found, err);
	struct instant asked = ok && found ? r.asked_at : now;
	arena_release(&a);
	if (!ok || !db_begin(db, err))
		return false;
	struct query *q = db_query(db, "request_extend");
	query_int(q, 1, id);
	query_text(q, 2, reason);
	query_int(q, 3, request_due(store_shop(db)->zone, asked, true).s);
	return audited(db, q, "request extended", id, actor, now, err);
}

static struct data_request row(struct query *q)
{
	return (struct data_request){ .id = query_get_int(q, 0),
		                          .kind = query_get_text(q, 1),
		                          .customer = (customer_id)query_get_int(q, 2),
		                          .asked_at = { query_get_int(q, 3) },
		                          .due_at = { query_get_int(q, 4) },
		                          .came_by = query_get_text(q, 5),
		                          .state = query_get_text(q, 6),
		                          .extended = query_get_text(q, 7),
		                          .answer = query_get_text(q, 8),
		                          .closed_at = { query_get_int(q, 9) },
		                          .actor = query_get_text(q, 10) };
}

bool requests(struct db *db, bool open_only, int64_t skip, int64_t limit, request_fn fn, void *ctx, struct err *err)
{
	struct query *q = db_query(db, "requests");
	int got;
	query_int(q, 1, open_only);
	query_int(q, 2, limit);
	query_int(q, 3, skip);
	while ((got = query_next(q, err)) == 1) {
		struct data_request r = row(q);
		if (!fn(ctx, &r, err)) {
			query_done(q);
			return false;
		}
	}
	return got == 0;
}

bool request_get(struct db *db, int64_t id, struct arena *a, struct data_request *out, bool *found, struct err *err)
{
	struct query *q = db_query(db, "request_get");
	query_int(q, 1, id);
	int got = query_next(q, err);
	*found = got == 1;
	if (*found) {
		*out = row(q);
		struct str *texts[] = { &out->kind, &out->came_by, &out->state, &out->extended, &out->answer, &out->actor };
		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			*texts[i] = arena_str(a, *texts[i]);
	}
	query_done(q);
	return got >= 0;
}

bool request_counts(struct db *db, struct instant until, int64_t *open, int64_t *due, struct err *err)
{
	struct query *q = db_query(db, "request_counts");
	query_int(q, 1, until.s);
	int got = query_next(q, err);
	*open = got == 1 ? query_get_int(q, 0) : 0;
	*due = got == 1 ? query_get_int(q, 1) : 0;
	query_done(q);
	return got >= 0;
}

bool request_object(struct db *db, customer_id c, struct str source, struct str wording, struct instant now,
                    struct err *err)
{
	struct store_batch *b = store_batch_begin(db, NULL, now, err);
	bool ok = b != NULL;
	for (int channel = 0; ok && channel < CHANNEL_STAFF; channel++)
		for (int purpose = 0; ok && purpose < PURPOSE_COUNT; purpose++) {
			if (purpose == PURPOSE_SERVICE || (purpose == PURPOSE_TRACKING && channel != CHANNEL_EMAIL))
				continue;
			struct consent_body said = { .channel = (enum channel)channel,
				                         .purpose = (enum purpose)purpose,
				                         .state = CONSENT_OPPOSED,
				                         .source = source,
				                         .wording = wording };
			char key[80];
			struct buf body;
			buf_init(&body, BODY_MAX);
			body_write_consent(&said, &body);
			snprintf(key, sizeof key, "objection:%d/%d@%lld", channel, purpose, (long long)now.s);
			struct fact f = {
				.customer = c, .kind = FACT_CONSENT, .key = str_from(key), .at = now, .body = buf_view(&body)
			};
			ok = store_batch_fact(b, &f, NULL, err);
			buf_release(&body);
		}
	if (ok)
		return store_batch_commit(b, err);
	store_batch_rollback(b);
	return false;
}
