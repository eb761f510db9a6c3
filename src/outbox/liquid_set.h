/* liquid_set: named templates, compiled once: the partials of a message, of a folder, of the binary.
 *
 * liquid_set_add() before use and no folder: many threads may render from one set. With a folder, partials are read
 * when first asked for: one thread. A partial's name is a relative path without "..". */
#ifndef RELANCE_OUTBOX_LIQUID_SET_H
#define RELANCE_OUTBOX_LIQUID_SET_H

#include "outbox/liquid.h"

struct liquid_set;

struct liquid_set *liquid_set_new(void);
void liquid_set_free(struct liquid_set *set);

/* Compiles and keeps. The name is what include and render say; `file` stands in errors. */
bool liquid_set_add(struct liquid_set *set, const char *name, const char *file, struct str source,
                    struct err *err) MUST_CHECK;
const struct liquid_template *liquid_set_find(const struct liquid_set *set, struct str name);

/* Names not added are looked for as folder/NAME, folder/NAME.liquid, folder/NAME.html.liquid, read by `read` (this room
 * touches no file): false with err.kind ERR_NONE when there is no such file. */
void liquid_set_folder(struct liquid_set *set, const char *folder,
                       bool (*read)(const char *path, struct buf *out, struct err *err));

/* For liquid_options.partials; valid as long as the set. */
struct liquid_partials liquid_set_partials(struct liquid_set *set);

#endif
