/* The number of a message in its links, and back. */
#include "base/hash.h"
#include "store/outbox.h"

#include <stdio.h>

int64_t outbox_link_id(const struct message_key *key)
{
	char text[512];
	int n = snprintf(text, sizeof text, "%u\x1f%.*s\x1f%u\x1f%.*s\x1f%d", key->customer, STR_ARG(key->plan),
	                 key->run_no, STR_ARG(key->step), (int)key->channel);
	size_t size = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
	return (int64_t)(hash64(text, size, 3) >> 1);
}

bool outbox_link_put(struct db *db, const struct message_key *key, struct err *err)
{
	struct query *q = db_query(db, "link_put");
	query_int(q, 1, outbox_link_id(key));
	query_int(q, 2, key->customer);
	query_text(q, 3, key->plan);
	query_int(q, 4, key->run_no);
	query_text(q, 5, key->step);
	query_int(q, 6, (int64_t)key->channel);
	return query_run(q, NULL, err);
}

bool outbox_link_find(struct db *db, int64_t id, struct arena *a, struct message_key *key, bool *found, struct err *err)
{
	struct query *q = db_query(db, "link_find");
	query_int(q, 1, id);
	int got = query_next(q, err);
	*found = got == 1;
	if (*found)
		*key = (struct message_key){ .customer = (customer_id)query_get_int(q, 0),
			                         .plan = arena_str(a, query_get_text(q, 1)),
			                         .run_no = (uint32_t)query_get_int(q, 2),
			                         .step = arena_str(a, query_get_text(q, 3)),
			                         .channel = (enum channel)query_get_int(q, 4) };
	query_done(q);
	return got >= 0;
}
