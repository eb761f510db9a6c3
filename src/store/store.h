/* store: the shop's database as the rest of the program sees it. Built on db.h; SQL lives in sql/queries.
 *
 * Writing goes through one writer (store_batch_begin … commit): it takes the shard's row lock, hands out gap-free seq
 * numbers, and commits everything of a batch or nothing. Reading facts streams. All functions: false = failed, err says
 * where and what to do. */
#ifndef RELANCE_STORE_STORE_H
#define RELANCE_STORE_STORE_H

#include "model/body.h"
#include "store/db.h"

/* ---- shop ---- */

struct shop {
	zone_id zone;
	enum locale locale;
	struct currency currency;
	uint64_t seed;           /* of all draws */
	uint64_t address_key[2]; /* keys the hashes of addresses; kept in a file beside the database, not in it */
	int64_t incarnation;     /* grows at every restore */
	bool stopped;            /* emergency stop */
	char name[128];
};

/* Creates the schema and the shop row; refuses a database that already holds one. */
bool store_init(const char *address, const struct shop *shop, struct err *err) MUST_CHECK;

/* Where the secret of the address hashes lives: DB.key beside an SQLite file, $RELANCE_KEYS (default
 * ~/.config/relance)/SHOP.key for PostgreSQL; mode 0600. Without it erased identities cannot be recognised, and with
 * the database alone nobody can try addresses against the hashes: keep a copy of it apart from the backups. Valid as
 * long as db. */
const char *store_key_path(const struct db *db);

/* The shop as store_open read it. Valid as long as db. */
const struct shop *store_shop(const struct db *db);

/* The newest schema this program knows. */
int64_t store_schema_version(void);

/* Opens, migrates forward when needed (a newer database is refused politely), reads the shop. */
struct db *store_open(const char *address, bool read_only, struct shop *out, struct err *err) MUST_CHECK;

bool store_shop_set(struct db *db, const char *name, struct str value, struct err *err) MUST_CHECK;
/* out: copied into the arena; found false and out empty when absent. */
bool store_shop_get(struct db *db, const char *name, struct arena *a, struct str *out, bool *found,
                    struct err *err) MUST_CHECK;

/* ---- identities ---- */

/* In-memory maps of customers and products, for imports. An id is made only while a batch that was begun with these ids
 * is open, and is written by it; store_batch_begin first reads what other programs added, and after a rollback reads
 * all again. One thread. */
struct store_ids;
struct store_ids *store_ids_load(struct db *db, struct err *err) MUST_CHECK;
void store_ids_free(struct store_ids *ids);

/* Lets batches begun with these ids know without looking that a document is new: reads all documents once, 2 bytes of
 * memory each, and from then on what is added. Worth it for a program that writes for hours. */
bool store_ids_documents(struct store_ids *ids, struct db *db, struct err *err) MUST_CHECK;

/* The id of the customer with this external reference, made when absent (*created = true; created may be NULL). */
customer_id store_customer(struct store_ids *ids, struct str ref, bool *created);
customer_id store_customer_find(const struct store_ids *ids, struct str ref); /* 0 when unknown */
product_id store_product(struct store_ids *ids, struct str sku, bool *created);
product_id store_product_find(const struct store_ids *ids, struct str sku);

/* One customer by reference, "#12" (our id), or e-mail; 0 and a message when there is none. */
bool store_find_customer(struct db *db, const struct shop *shop, struct str who, customer_id *out,
                         struct err *err) MUST_CHECK;

struct person {
	struct str civility, first_name, last_name, company, email, phone;
	struct str address1, address2, postcode, city, country;
	struct str attributes; /* JSON object or empty */
};

/* Keyed hash of a customer's reference, never that of an address. */
uint64_t store_ref_hash(const struct shop *shop, struct str ref);

/* Keyed hash of a normalised address (lower-cased e-mail with IDNA domain; phone in digits): 0 for none. */
uint64_t store_address_hash(const struct shop *shop, struct str email_or_phone);

struct product_row {
	struct str sku, name, type, family, category, brand, replaced_by, url, image, attributes;
	int64_t price, cost;                        /* −1 unknown */
	int32_t vat_x2, stock, lifetime_days, tier; /* −1 unknown */
	bool not_a_product;
	struct str marks; /* said, never read back: a JSON object whose keys are set in `attributes`, the others kept */
};
/* Nothing is known of it yet: every text empty, every number unknown. */
extern const struct product_row PRODUCT_UNSAID;

/* ---- writing: one batch, one transaction ---- */

enum { STORE_FLUSH_BYTES = 64 << 20 };

struct store_batch;
struct store_batch *store_batch_begin(struct db *db, struct store_ids *ids, struct instant now,
                                      struct err *err) MUST_CHECK;

/* Facts wait in memory, sorted into the tables at the commit, or earlier once STORE_FLUSH_BYTES are waiting: memory
 * stays flat whatever the size of a batch. After a false answer only store_batch_rollback is left to do. The handle's
 * own queries may be run while a batch is open; they are part of its transaction.
 *
 * Adds a fact (copied); learned_at 0 becomes `now`. Its seq is given out at once, in order (returned through f->seq).
 * `at` more than a day after learned_at goes to quarantine instead (quarantined = true, no seq). */
bool store_batch_fact(struct store_batch *b, struct fact *f, bool *quarantined, struct err *err) MUST_CHECK;

/* Person and catalogue rows: inserted or, when a non-empty field differs, updated (empty fields leave what is there).
 */
bool store_batch_person(struct store_batch *b, customer_id c, const struct person *p, bool *changed,
                        struct err *err) MUST_CHECK;
bool store_batch_product(struct store_batch *b, const struct product_row *p, bool *changed, struct err *err) MUST_CHECK;

struct db *store_batch_db(struct store_batch *b);

/* The newest fact under (kind, key), whosever it is: for a re-import. Orders and carts only (till documents: their keys
 * are unique in the shop). found = false when the document is new, or its last fact was retracted. */
bool store_batch_known(struct store_batch *b, enum fact_kind kind, struct str key, struct arena *a, struct fact *out,
                       bool *found, struct err *err) MUST_CHECK;

/* The newest fact of this customer under (kind, key): profiles, consents, events. Retracted is not found. */
bool store_batch_known_of(struct store_batch *b, customer_id c, enum fact_kind kind, struct str key, struct arena *a,
                          struct fact *out, bool *found, struct err *err) MUST_CHECK;

/* The newest profile of this customer, whatever source told it; a profile told again is laid over it. */
bool store_batch_newest_profile(struct store_batch *b, customer_id c, struct arena *a, struct fact *out, bool *found,
                                struct err *err) MUST_CHECK;

bool store_batch_commit(struct store_batch *b, struct err *err) MUST_CHECK; /* frees b, also on failure */
void store_batch_rollback(struct store_batch *b);                           /* frees b */

/* ---- reading facts ---- */

typedef bool (*store_fact_fn)(void *ctx, const struct fact *f, struct err *err);

/* All facts of customers from … to (inclusive), by customer then seq; learned before `known` (INSTANT_NEVER: all). */
bool store_facts_by_customer(struct db *db, customer_id from, customer_id to, struct instant known, store_fact_fn fn,
                             void *ctx, struct err *err) MUST_CHECK;
/* The same of all, as fast as they can be read: `seq` and `learned_at` stay 0. */
bool store_facts_to_load(struct db *db, customer_id from, customer_id to, store_fact_fn fn, void *ctx,
                         struct err *err) MUST_CHECK;
/* Facts with seq > after, in seq order, at most limit. */
bool store_facts_after(struct db *db, int64_t after, int64_t limit, store_fact_fn fn, void *ctx,
                       struct err *err) MUST_CHECK;
bool store_seq_hi(struct db *db, int64_t *seq, uint32_t *customers, struct err *err) MUST_CHECK;

/* Rows of customer, product tables, in id order. */
typedef bool (*store_product_fn)(void *ctx, product_id id, const struct product_row *p, struct err *err);
bool store_products(struct db *db, store_product_fn fn, void *ctx, struct err *err) MUST_CHECK;
bool store_person(struct db *db, customer_id c, struct arena *a, struct person *out, struct str *ref,
                  struct err *err) MUST_CHECK;
/* Of one record as it stands; store_person() fills what it leaves open from those merged into it: name, postal address
 * and each other field as a whole. */
bool store_person_of(struct db *db, customer_id c, struct arena *a, struct person *out, struct str *ref,
                     struct err *err) MUST_CHECK;

/* ---- lease (DESIGN "Scale"): one ticker per shard ---- */

/* Takes or renews the lease of shard 0 for `seconds`; ERR_CONFLICT when somebody else holds it (who and until when is
 * in the text). The epoch grows when the holder changes. */
bool store_lease(struct db *db, const char *owner, struct instant now, int64_t seconds, int64_t *epoch,
                 struct err *err) MUST_CHECK;
bool store_lease_release(struct db *db, const char *owner, int64_t epoch, struct err *err) MUST_CHECK;
/* Inside a transaction: fails with ERR_CONFLICT when the epoch is no longer ours. */
bool store_fence(struct db *db, int64_t epoch, struct err *err) MUST_CHECK;

/* One line of the audit log, inside the caller's transaction: who did what to what; ids only. */
bool store_audit(struct db *db, struct instant at, const char *actor, const char *action, const char *object,
                 struct err *err) MUST_CHECK;

/* ---- what changes beside facts ---- */

/* A program that runs for long reads these parts again when their count has grown. Whoever writes them counts, in the
 * same transaction: batches their products, suppression_put and _lift themselves. */
enum store_part { STORE_CATALOGUE, STORE_SUPPRESSIONS, STORE_ERASED, STORE_PART_COUNT };
bool store_changed(struct db *db, enum store_part part, struct err *err) MUST_CHECK;
bool store_changes(struct db *db, int64_t counts[STORE_PART_COUNT], struct err *err) MUST_CHECK;

/* ---- upkeep ---- */

/* relance check: schema, seq gaps, keys, orphans, canonical bodies, ledgers. Calls report(ctx, line) per finding. */
bool store_check(struct db *db, void (*report)(void *ctx, const char *finding), void *ctx, int64_t *findings,
                 struct err *err) MUST_CHECK;

/* Live backup into one file (SQLite backup API; for PostgreSQL a portable SQLite file of all tables): the shop as it
 * was when it began. `copied` is told how far it is, now and then, on the caller's thread; may be NULL. */
bool store_backup(struct db *db, const char *to, void (*copied)(void *ctx, double share), void *ctx,
                  struct err *err) MUST_CHECK;
/* A restored backup starts a new incarnation: unsettled messages become uncertain, plans are paused. */
bool store_restore(const char *from, const char *address, bool replace, struct err *err) MUST_CHECK;
/* The side file `DB.mark` holds the highest seq and message count ever reached; opening a database below it is noticed:
 * *restored = true, the incarnation is raised, and as after store_restore nothing goes on by itself. A lease taken on
 * this handle stays. The mark follows store_mark only: call it after every commit that must not be forgotten. */
bool store_mark(struct db *db, struct err *err) MUST_CHECK;
bool store_mark_check(struct db *db, bool *restored, struct err *err) MUST_CHECK;

#endif
