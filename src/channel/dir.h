/* dir: a channel that writes each message as a file: for tests, previews, and a first look before a mail server is set
 * up.
 *
 * The file appears whole or not at all: written beside, synced, renamed (as a maildir does). Its name is the message's
 * key with what a file name may not hold replaced, so that the same message written twice is one file. Mail is ".eml",
 * SMS and other texts
 * ".txt" with the recipient on the first line, cards ".pdf" or ".html" as given. */
#ifndef RELANCE_CHANNEL_DIR_H
#define RELANCE_CHANNEL_DIR_H

#include "base/err.h"
#include "base/str.h"

enum { DIR_NAME_MAX = 200 };

/* Makes the folder (one level) when it is not there. extension: ".eml". The path written goes to path (may be NULL). */
bool dir_write(const char *folder, struct str key, const char *extension, struct str bytes, char *path,
               size_t path_size, struct err *err) MUST_CHECK;

/* An SMS or another short text. */
bool dir_write_text(const char *folder, struct str key, struct str to, struct str text, char *path, size_t path_size,
                    struct err *err) MUST_CHECK;

#endif
