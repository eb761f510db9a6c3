/* data: where tests find the real data (never copied into the project). */
#ifndef RELANCE_TESTS_DATA_H
#define RELANCE_TESTS_DATA_H

#include <stdbool.h>
#include <stddef.h>

/* Puts the path of a file under the data folder into out; false (with a message) when it is not there: skip the test.
 */
bool data_path(const char *name, char *out, size_t size);

/* Unpacks an archive of the data folder into a fresh temporary folder; false when absent. Remove with data_remove. */
bool data_unpack(const char *name, char *folder, size_t size);
void data_remove(const char *folder);

/* A file of the source tree ("tests/unit/x.tsv"). */
void source_path(const char *name, char *out, size_t size);

#endif
