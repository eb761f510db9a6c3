/* erase: a person taken out of the database, the sums left (SEMANTICS "Erasure").
 *
 * What names somebody goes: the person, addresses, consents, carts, events, profile, the story of decisions, what
 * messages said. Orders stay as sums under a key that leads nowhere, dated to the first of their month; sent messages
 * and runs stay as counts, dated to thirty days. Keyed hashes of the reference, the e-mail address and the phone stay,
 * so that an import that names the person again writes nothing, and nothing is ever sent there. */
#ifndef RELANCE_STORE_ERASE_H
#define RELANCE_STORE_ERASE_H

#include "store/store.h"

struct erasure {
	uint64_t orders, facts, messages; /* orders kept as sums; facts emptied; messages whose content is gone */
	bool was_erased;                  /* already: nothing was done */
};

/* What stands in place of the shop's own number for somebody. */
enum { ERASED_REF_MAX = 24 };
struct str erased_ref(customer_id c, char out[ERASED_REF_MAX]);

/* Inside the caller's transaction; whoever holds the customer in memory is told (app/live.h: live_erased). */
bool store_erase(struct db *db, customer_id c, struct instant now, struct erasure *out, struct err *err) MUST_CHECK;

/* Makes what was deleted unreadable in the files: the write-ahead log is emptied, freed pages are overwritten (SQLite)
 * or dead rows removed (PostgreSQL). Outside a transaction. *log_left: another program read the database all the while,
 * and the log still holds old pages: call again. */
bool store_erase_settle(struct db *db, bool *log_left, struct err *err) MUST_CHECK;

/* Everybody who was erased. */
bool store_erased(struct db *db, void (*fn)(void *ctx, customer_id c), void *ctx, struct err *err) MUST_CHECK;

/* The person comes back by their own will (a sign-up they confirmed): the address is known as erased no more, nor is
 * the reference they had, so that what they buy under it counts again. Inside the caller's transaction. */
bool store_erased_forget(struct db *db, struct str email_or_phone, struct err *err) MUST_CHECK;

/* Under this e-mail address or phone somebody was erased: who is left of them; 0: nobody. For imports. */
customer_id store_erased_find(const struct store_ids *ids, uint64_t address_hash);
/* What is told of them is not written (store_batch_fact, store_batch_person). */
bool store_is_erased(const struct store_ids *ids, customer_id c);

#endif
