/* What the files of src/store share and nobody else needs. */
#ifndef RELANCE_STORE_INTERNAL_H
#define RELANCE_STORE_INTERNAL_H

#include "store/store.h"

enum { SIDE_PATH_MAX = 4096, STORE_AHEAD_S = DAY_S };

/* Hangs on db->user. */
struct store_state {
	struct shop shop;
	char key_path[SIDE_PATH_MAX], mark_path[SIDE_PATH_MAX];
};

struct store_state *store_state(const struct db *db);

/* ---- migrate.c ---- */

/* The version of the schema in the database; 0: none. */
bool migrate_version(struct db *db, int64_t *version, struct err *err) MUST_CHECK;
/* Brings the schema forward inside the transaction that is open. */
bool migrate_apply(struct db *db, int64_t from, struct err *err) MUST_CHECK;
/* Keeps two programs from migrating at once; inside a transaction. */
bool migrate_lock(struct db *db, struct err *err) MUST_CHECK;
bool migrate_too_new(const struct db *db, int64_t version, struct err *err); /* fills err, returns false */

/* Unsettled messages become uncertain, plans paused; the incarnation is above + 1. In a transaction. */
bool store_incarnate(struct db *db, int64_t above, struct err *err) MUST_CHECK;

/* ---- side.c: the files beside the database ---- */

/* Fills the paths of the state; shop_id names the files of a PostgreSQL shop. */
bool side_paths(const struct db *db, const char *shop_id, struct store_state *state, struct err *err) MUST_CHECK;
bool side_key_make(const char *path, uint64_t key[2], struct err *err) MUST_CHECK;
bool side_key_read(const char *path, uint64_t key[2], struct err *err) MUST_CHECK;
/* 16 hex digits that tell whether a key is the one, without telling the key. */
void side_key_proof(const uint64_t key[2], char out[17]);

/* ---- bulks (db.h) ---- */

static inline void bulk_text_or_null(struct bulk *k, struct str s)
{
	if (s.n)
		bulk_text(k, s);
	else
		bulk_null(k);
}

/* A number that is not known is below 0. */
static inline void bulk_int_or_null(struct bulk *k, int64_t v)
{
	if (v >= 0)
		bulk_int(k, v);
	else
		bulk_null(k);
}

/* Ends a bulk whose rows went well or not. k NULL: it could not be begun. */
static inline bool bulk_finish(struct bulk *k, bool ok, struct err *err)
{
	if (ok)
		return bulk_end(k, err);
	if (k)
		bulk_abandon(k);
	return false;
}

/* ---- address.c ---- */

/* The form that is hashed; empty when it is no address. */
struct str address_normal(struct str email_or_phone, struct arena *a);
uint64_t address_hash(const uint64_t key[2], struct str email_or_phone);

/* Milliseconds-free clock of the shop's own rows (created_at); the only place of the store that reads one. */
struct instant store_clock(void);

/* ---- facts.c ---- */

uint64_t document_hash(enum fact_kind kind, struct str key);
uint64_t document_slot_key(uint64_t hash, enum fact_kind kind); /* hash and kind as one number */
static inline bool fact_is_document(enum fact_kind kind)
{
	return kind == FACT_ORDER || kind == FACT_CART;
}
void fact_of_row(struct query *q, struct fact *f); /* columns: customer_id, seq, kind, key, at, learned_at, body */
/* The kind a RETRACT body speaks of; 0 when it is none. */
enum fact_kind retract_kind(struct str body);

static inline struct str column_text(struct query *q, int column, struct arena *a)
{
	return arena_str(a, query_get_text(q, column));
}

#endif
