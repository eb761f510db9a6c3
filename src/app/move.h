/* move: runs in progress taken from older versions of a plan to its newest, with a preview of who moves where.
 *
 * A run's next step becomes the step of the same name; when that is gone, the step after the last one it has passed. A
 * run stays on its version when moving could send something twice or lose sight of a message: one of its messages
 * belongs to a step that the newest version lacks or has moved behind the next step, or its message is in the queue and
 * the step is gone. Message keys hold no version, so nothing that was sent is sent again.
 *
 * The ticker must not be running (its runs are in memory): the move takes its lease, or is refused. */
#ifndef RELANCE_APP_MOVE_H
#define RELANCE_APP_MOVE_H

#include "app/plans.h"
#include "store/outbox.h"

enum { MOVE_LINES_MAX = 512 };

/* So many runs of one version that stand before `from_step` go to `to_step` (empty: the end), or stay, and why. */
struct move_line {
	uint32_t from_version;
	struct str from_step, to_step;
	const char *stays; /* NULL: they move */
	uint64_t runs;
};

struct move_report {
	uint32_t to_version;
	uint64_t moved, stay;
	struct move_line line[MOVE_LINES_MAX];
	size_t line_count;
};

/* preview: nothing is written, no lease is needed. Strings of the report live in the arena. */
bool move_runs(struct db *db, const struct settings *s, struct str plan, bool preview, const char *owner,
               struct instant now, struct arena *a, struct move_report *out, struct err *err) MUST_CHECK;

#endif
