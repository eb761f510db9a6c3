/* files: reading files for commands. */
#ifndef RELANCE_CLI_FILES_H
#define RELANCE_CLI_FILES_H

#include "base/buf.h"
#include "base/err.h"

enum { CLI_FILE_MAX = 64 << 20 };

bool cli_read_file(const char *path, struct buf *out, struct err *err) MUST_CHECK; /* "-": standard input */
/* For liquid_set_folder: false with err.kind ERR_NONE when there is no such file. */
bool cli_read_partial(const char *path, struct buf *out, struct err *err) MUST_CHECK;
bool cli_write_file(const char *path, struct str bytes, struct err *err) MUST_CHECK;

#endif
