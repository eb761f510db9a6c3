/* messages: where a shop's messages come from. Shipped in the program; over them the files of a folder; over both what
 * was saved in the shop itself (table message_text), so that a backup holds what people edited. A file is known by its
 * path, "fr/winback-1.md" or "parts/button.liquid".
 *
 * Every text saved is kept. The newest of a path is what leaves; an empty one gives the path back to the folder or to
 * what is shipped. */
#ifndef RELANCE_APP_MESSAGES_H
#define RELANCE_APP_MESSAGES_H

#include "outbox/message.h"
#include "store/store.h"

enum { MESSAGE_PATH_MAX = 120, MESSAGE_VERSIONS_SHOWN = 200 };

/* Everything, not compiled yet. folder NULL: none; db NULL: nothing saved. NULL: err says which file. */
struct message_set *messages_collect(const char *folder, struct db *db, struct err *err) MUST_CHECK;
/* The same, compiled. */
struct message_set *messages_load(const char *folder, struct db *db, struct err *err) MUST_CHECK;

/* Grows with every save: whoever holds a compiled set loads it again when it changed. */
bool messages_revision(struct db *db, int64_t *revision, struct err *err) MUST_CHECK;

enum message_origin { MESSAGE_SHIPPED, MESSAGE_FOLDER, MESSAGE_SAVED };

struct message_source {
	struct str text; /* in the arena */
	enum message_origin from;
	int64_t version; /* of those saved; 0: none */
};
/* The text of a path as it is in force; found false when there is none. */
bool messages_source(const char *folder, struct db *db, const char *path, struct arena *a, struct message_source *out,
                     bool *found, struct err *err) MUST_CHECK;

struct message_version {
	int64_t version;
	struct instant saved_at;
	struct str actor, text; /* valid during the call; text empty: given back to what is shipped */
};
/* Newest first, at most MESSAGE_VERSIONS_SHOWN. */
bool messages_history(struct db *db, const char *path, bool (*fn)(void *ctx, const struct message_version *v),
                      void *ctx, struct err *err) MUST_CHECK;

/* Inside the caller's transaction. The text has to compile: that is the caller's business. */
bool messages_save(struct db *db, const char *path, struct str text, const char *actor, struct instant now,
                   struct err *err) MUST_CHECK;

/* "fr/winback-1.md" from a language and a name; false when they make no path of a message. */
bool messages_path(struct str locale, struct str name, char out[MESSAGE_PATH_MAX]) MUST_CHECK;

#endif
