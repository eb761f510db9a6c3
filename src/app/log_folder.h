/* log_folder: a thread that folds an SQLite database's log back into its file, so that whoever commits never waits for
 * it (db.h "db_log_left"). It looks ten times a second and folds what is more than 16 MB, on a handle of its own. On
 * PostgreSQL there is nothing to do, and no thread. A failure to fold is told by the next commit that needs the room.
 */
#ifndef RELANCE_APP_LOG_FOLDER_H
#define RELANCE_APP_LOG_FOLDER_H

#include "store/db.h"

struct log_folder;

/* For the database of `writer`, which no longer folds from now on; other handles of this process that write do the same
 * by db_log_left. *out is NULL on PostgreSQL. Errors: the database cannot be opened again, no thread could be made. */
bool log_folder_start(struct log_folder **out, struct db *writer, struct err *err) MUST_CHECK;
void log_folder_stop(struct log_folder *f); /* waits for what it is doing; NULL is fine */

#endif
