#include "store/store.h"

bool store_audit(struct db *db, struct instant at, const char *actor, const char *action, const char *object,
                 struct err *err)
{
	struct query *q = db_query(db, "audit_put");
	query_int(q, 1, at.s);
	query_text(q, 2, str_from(actor));
	query_text(q, 3, str_from(action));
	query_text(q, 4, str_from(object));
	return query_run(q, NULL, err);
}
