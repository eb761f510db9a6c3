/* plan_file: YAML → struct plan, with errors that a person can act on.
 *
 * plan_read() compiles one file; every problem is reported at file:line:column with a hint, all of them in one pass (at
 * most PLAN_ISSUES_MAX). plan_check() gives the advice of the trade and finds dead or unreachable steps, overlaps,
 * missing messages. Limits: PLAN_FILE_MAX bytes, no anchors or aliases (an alias bomb is refused as such), nesting
 * PLAN_NESTING_MAX, PLAN_NODES_MAX values, STEPS_MAX steps. The keys are in doc/plans.md, whose examples are compiled
 * by the tests. Columns count code points from 1; an error inside an expression points at its character in the file. */
#ifndef RELANCE_ENGINE_PLAN_FILE_H
#define RELANCE_ENGINE_PLAN_FILE_H

#include "engine/plan.h"
#include "engine/settings.h"

enum { PLAN_FILE_MAX = 256 << 10, PLAN_ISSUES_MAX = 64, PLAN_NESTING_MAX = 16, PLAN_NODES_MAX = 20000 };

enum issue_level { ISSUE_ERROR, ISSUE_ADVICE, ISSUE_NOTE /* true, and nothing to mend */ };

struct plan_issue {
	enum issue_level level;
	struct str file;
	uint32_t line, column;
	struct str text; /* what is wrong, and what to write instead */
};

struct plan_issues {
	struct plan_issue items[PLAN_ISSUES_MAX];
	size_t count, dropped;
	size_t errors;
	bool french; /* what is wrong is said in French; set before reading */
};

/* Compiles `text` (the file's content) into the arena. NULL when there is at least one error (in `issues`). */
const struct plan *plan_read(struct str file, struct str text, const struct expr_context *context, struct arena *a,
                             struct plan_issues *issues);

/* Advice and checks over a whole folder's plans, one against the other. `message_exists` may be NULL. */
void plan_check(const struct plan *const *plans, size_t count, int64_t average_basket,
                bool (*message_exists)(void *user, struct str message, enum locale locale), void *user, struct arena *a,
                struct plan_issues *issues);

/* The plans of a shop against each other, all switched on: messages of two plans that fall on one day, or so close that
 * the pressure rules drop one (advice), and the most that can fall due for one person within a rule's window (a note).
 * `today`: from when on the calendar is looked at. In the language of `locale`. */
void plan_check_together(const struct plan *const *plans, size_t count, const struct settings *settings,
                         struct date today, enum locale locale, struct arena *a, struct plan_issues *issues);

#endif
