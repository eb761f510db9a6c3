/* Method: the shop is a handful of name/value rows; what is secret lives in side files. */
#include "store/store_internal.h"

#include "model/names.h"
#include "store/db_driver.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct store_state *store_state(const struct db *db)
{
	check(db->user);
	return db->user;
}

const struct shop *store_shop(const struct db *db)
{
	return &store_state(db)->shop;
}

const char *store_key_path(const struct db *db)
{
	return store_state(db)->key_path;
}

/* ---- name/value rows ---- */

bool store_shop_set(struct db *db, const char *name, struct str value, struct err *err)
{
	struct query *q = db_query(db, "shop_set");
	query_text(q, 1, str_from(name));
	query_text(q, 2, value);
	return query_run(q, NULL, err);
}

bool store_shop_get(struct db *db, const char *name, struct arena *a, struct str *out, bool *found, struct err *err)
{
	struct query *q = db_query(db, "shop_get");
	query_text(q, 1, str_from(name));
	int got = query_next(q, err);
	*found = got == 1;
	*out = *found ? column_text(q, 0, a) : (struct str){ "", 0 };
	query_done(q);
	return got >= 0;
}

static bool set_int(struct db *db, const char *name, int64_t v, struct err *err)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, v);
	return store_shop_set(db, name, str_from(text), err);
}

static bool get_needed(struct db *db, const char *name, struct arena *a, struct str *out, struct err *err)
{
	bool found;
	if (!store_shop_get(db, name, a, out, &found, err))
		return false;
	return found || err_set(err, ERR_INPUT, "%s: the shop has no \"%s\": restore a backup", db_address(db), name);
}

static bool get_int(struct db *db, const char *name, struct arena *a, int64_t *out, struct err *err)
{
	struct str text;
	if (!get_needed(db, name, a, &text, err))
		return false;
	return str_i64(text, out) || err_set(err, ERR_INPUT, "%s: the shop's \"%s\" is not a number", db_address(db), name);
}

/* ---- init ---- */

static bool shop_write(struct db *db, const struct shop *shop, const char *shop_id, const char *proof, struct err *err)
{
	return store_shop_set(db, "zone", str_from(zone_name(shop->zone)), err) &&
	       store_shop_set(db, "locale", str_from(locale_name(shop->locale)), err) &&
	       store_shop_set(db, "currency", str_from(shop->currency.code), err) &&
	       store_shop_set(db, "name", str_from(shop->name), err) &&
	       store_shop_set(db, "shop_id", str_from(shop_id), err) &&
	       store_shop_set(db, "key_proof", str_from(proof), err) && set_int(db, "seed", (int64_t)shop->seed, err) &&
	       set_int(db, "incarnation", 1, err) && set_int(db, "stopped", 0, err) &&
	       set_int(db, "created_at", store_clock().s, err) &&
	       db_exec(db, "INSERT INTO shard (shard, seq_hi, outbox_hi, lease_epoch, lease_until) VALUES (0, 0, 0, 0, 0)",
	               err);
}

static bool init_tables(struct db *db, const struct shop *shop, struct store_state *state, struct err *err)
{
	int64_t version = 0;
	char shop_id[17], proof[17];
	uint64_t id, key[2];
	check(sodium_init() >= 0);
	randombytes_buf(&id, sizeof id);
	snprintf(shop_id, sizeof shop_id, "%016" PRIx64, id);
	struct shop full = *shop;
	if (full.seed == 0)
		randombytes_buf(&full.seed, sizeof full.seed);
	if (!migrate_lock(db, err) || !migrate_version(db, &version, err))
		return false;
	if (version > 0)
		return err_set(err, ERR_INPUT, "%s holds a shop already; nothing was changed", db_address(db));
	if (!migrate_apply(db, 0, err) || !db_prepare(db, err) || !side_paths(db, shop_id, state, err) ||
	    !side_key_make(state->key_path, key, err))
		return false;
	side_key_proof(key, proof);
	return shop_write(db, &full, shop_id, proof, err);
}

bool store_init(const char *address, const struct shop *shop, struct err *err)
{
	struct stat st;
	bool was_there = stat(address, &st) == 0;
	struct db *db = db_open(address, DB_CREATE | DB_RAW, err);
	if (!db)
		return false;
	bool fresh_file = db->kind == DB_SQLITE && !was_there;
	struct store_state state = { 0 };
	bool existed = false;
	bool ok = db_has_shop(db, &existed, err);
	if (ok && existed)
		ok = err_set(err, ERR_INPUT, "%s holds a shop already; nothing was changed", db_address(db));
	ok = ok && db_begin(db, err);
	if (ok) {
		ok = init_tables(db, shop, &state, err) && db_commit(db, err);
		if (!ok)
			db_rollback(db);
	}
	db_close(db);
	if (!ok && fresh_file)
		unlink(address); /* an empty file nobody could use; the key stays, the next init takes it */
	return ok;
}

/* ---- open ---- */

static bool shop_read(struct db *db, struct store_state *state, struct arena *a, struct err *err)
{
	struct shop *shop = &state->shop;
	struct str zone, locale, currency, name, id, proof;
	int64_t seed, stopped;
	if (!get_needed(db, "zone", a, &zone, err) || !get_needed(db, "locale", a, &locale, err) ||
	    !get_needed(db, "currency", a, &currency, err) || !get_needed(db, "name", a, &name, err) ||
	    !get_needed(db, "shop_id", a, &id, err) || !get_needed(db, "key_proof", a, &proof, err) ||
	    !get_int(db, "seed", a, &seed, err) || !get_int(db, "incarnation", a, &shop->incarnation, err) ||
	    !get_int(db, "stopped", a, &stopped, err))
		return false;
	if (!zone_find(zone, &shop->zone))
		return err_set(err, ERR_INPUT, "%s: the time zone \"%.*s\" is unknown here: update ICU's zone data",
		               db_address(db), STR_ARG(zone));
	if (!currency_find(currency, &shop->currency))
		return err_set(err, ERR_INPUT, "%s: the currency \"%.*s\" is unknown", db_address(db), STR_ARG(currency));
	int l = locale_find(locale);
	if (l < 0)
		return err_set(err, ERR_INPUT, "%s: the language \"%.*s\" is unknown", db_address(db), STR_ARG(locale));
	shop->locale = (enum locale)l;
	shop->seed = (uint64_t)seed;
	shop->stopped = stopped != 0;
	snprintf(shop->name, sizeof shop->name, "%.*s", STR_ARG(name));
	char have[17];
	if (!side_paths(db, id.p, state, err) || !side_key_read(state->key_path, shop->address_key, err))
		return false;
	side_key_proof(shop->address_key, have);
	return str_is(proof, have) ||
	       err_set(err, ERR_INPUT, "%s is the key of another shop: put the right one back", state->key_path);
}

static bool migrate_forward(struct db *db, int64_t *version, struct err *err)
{
	if (!db_begin(db, err))
		return false;
	if (migrate_lock(db, err) && migrate_version(db, version, err) &&
	    (*version >= store_schema_version() || migrate_apply(db, *version, err)))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

static bool open_schema(struct db *db, bool read_only, struct err *err)
{
	int64_t version = 0;
	if (!migrate_version(db, &version, err))
		return false;
	if (version == 0)
		return err_set(err, ERR_INPUT, "%s holds no shop yet: make one with \"relance init\"", db_address(db));
	if (version < store_schema_version() && read_only)
		return err_set(err, ERR_INPUT,
		               "%s was written by an older relance: run a command that writes once, to bring it forward",
		               db_address(db));
	if (version < store_schema_version() && !migrate_forward(db, &version, err))
		return false;
	return version <= store_schema_version() || migrate_too_new(db, version, err);
}

struct db *store_open(const char *address, bool read_only, struct shop *out, struct err *err)
{
	struct db *db = db_open(address, DB_RAW | (read_only ? DB_READ_ONLY : 0), err);
	if (!db)
		return NULL;
	struct arena a;
	arena_init(&a);
	struct store_state *state = mem_alloc(sizeof *state);
	db->user = state;
	bool ok = open_schema(db, read_only, err) && db_prepare(db, err) && shop_read(db, state, &a, err);
	arena_release(&a);
	if (!ok) {
		db_close(db);
		return NULL;
	}
	if (out)
		*out = state->shop;
	return db;
}

/* ---- incarnations ---- */

bool store_incarnate(struct db *db, int64_t above, struct err *err)
{
	check(db_in_transaction(db));
	int64_t next = above + 1;
	struct query *uncertain = db_query(db, "restore_messages"), *plans = db_query(db, "restore_plans");
	if (!query_run(uncertain, NULL, err) || !query_run(plans, NULL, err) || !set_int(db, "incarnation", next, err))
		return false;
	if (db->user)
		store_state(db)->shop.incarnation = next;
	return true;
}

/* ---- what changes beside facts ---- */

static const char *const PARTS[STORE_PART_COUNT] = { "changes.catalogue", "changes.suppressions", "changes.erased" };

bool store_changed(struct db *db, enum store_part part, struct err *err)
{
	struct query *q = db_query(db, "shop_count");
	query_text(q, 1, str_from(PARTS[part]));
	return query_run(q, NULL, err);
}

bool store_changes(struct db *db, int64_t counts[STORE_PART_COUNT], struct err *err)
{
	struct query *q = db_query(db, "shop_counts");
	int got;
	memset(counts, 0, STORE_PART_COUNT * sizeof *counts);
	while ((got = query_next(q, err)) == 1)
		for (int i = 0; i < STORE_PART_COUNT; i++)
			if (str_is(query_get_text(q, 0), PARTS[i]) && !str_i64(query_get_text(q, 1), &counts[i]))
				counts[i] = 0;
	return got == 0;
}

/* ---- lease ---- */

bool store_lease(struct db *db, const char *owner, struct instant now, int64_t seconds, int64_t *epoch, struct err *err)
{
	struct query *q = db_query(db, "lease_take");
	query_text(q, 1, str_from(owner));
	query_int(q, 2, now.s);
	query_int(q, 3, now.s + seconds);
	int got = query_next(q, err);
	if (got == 1) {
		*epoch = query_get_int(q, 0);
		return query_next(q, err) == 0; /* outside a transaction the change is committed only at the end */
	}
	if (got < 0)
		return false;
	q = db_query(db, "lease_show");
	got = query_next(q, err);
	if (got == 1) {
		char until[32];
		instant_text((struct instant){ query_get_int(q, 1) }, until);
		struct str who = query_get_text(q, 0);
		err_set(err, ERR_CONFLICT, "%s is being run by %.*s until %s: stop that one, or wait", db_address(db),
		        STR_ARG(who), until);
		query_done(q);
	} else if (got == 0) {
		err_set(err, ERR_WORLD, "%s: the row of the shard is missing: restore a backup", db_address(db));
	}
	return false;
}

bool store_lease_release(struct db *db, const char *owner, int64_t epoch, struct err *err)
{
	struct query *q = db_query(db, "lease_release");
	query_text(q, 1, str_from(owner));
	query_int(q, 2, epoch);
	return query_run(q, NULL, err);
}

bool store_fence(struct db *db, int64_t epoch, struct err *err)
{
	check(db_in_transaction(db));
	int64_t changed = 0;
	struct query *q = db_query(db, "lease_fence");
	query_int(q, 1, epoch);
	if (!query_run(q, &changed, err))
		return false;
	return changed == 1 || err_set(err, ERR_CONFLICT, "%s: another program has taken over (lease epoch %lld is over)",
	                               db_address(db), (long long)epoch);
}
