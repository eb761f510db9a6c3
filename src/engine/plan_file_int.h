/* plan_file_int: what the files plan_file*.c share. Not for other rooms.
 *
 * Method: libyaml's events become a small tree of nodes that know their place in the file (plan_file_yaml.c); the tree
 * is walked by tables of keys (plan_file.c, plan_file_step.c); values are read by small parsers (plan_file_words.c).
 * Nothing stops at the first mistake: a bad value is reported and left at its default. */
#ifndef RELANCE_ENGINE_PLAN_FILE_INT_H
#define RELANCE_ENGINE_PLAN_FILE_INT_H

#include "engine/plan_file.h"

#include <stdarg.h>

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP, NODE_BAD /* already reported */ };
enum node_style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_BLOCK };

struct node {
	enum node_kind kind;
	enum node_style style;
	bool flow;                 /* written with { } or [ ] */
	size_t offset, end;        /* bytes in the file */
	struct str text;           /* scalar: its value */
	struct node *first, *next; /* children; a map's are key, value, key, value … */
	size_t count;              /* children (a map: pairs) */
};

/* A condition that may name the plan's steps: compiled once they are all known. */
struct deferred {
	const struct node *node;
	size_t skip; /* bytes of the value before the condition ("when") */
	const char *what;
	const struct expr **to;
	struct str *text;
};
enum { DEFERRED_MAX = 2 * STEPS_MAX + 2 * EXITS_MAX };

struct reader {
	struct arena *arena;
	struct plan_issues *issues;
	struct str file, text;
	const struct expr_context *context;
	size_t nodes;
	/* the plan under construction */
	struct plan *plan;
	struct step *step;
	struct variant *variant;
	struct str goto_names[STEPS_MAX];
	const struct node *goto_nodes[STEPS_MAX];
	const struct node *plan_by;
	bool hour_given, again_given, control_given, trigger_hours;
	struct deferred deferred[DEFERRED_MAX];
	size_t deferred_count;
};

/* ---- places and errors ---- */

struct place {
	uint32_t line, column;
};
/* The sentence in French: plan_french.c. */
void plan_french(char *out, size_t size, const char *fmt, va_list *args);
struct place place_of(struct str text, size_t offset);

void issue_at(struct reader *r, size_t offset, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define issue_node(r, node, ...) issue_at((r), (node)->offset, __VA_ARGS__)
void issue_put(struct plan_issues *issues, struct arena *a, enum issue_level level, struct str file, uint32_t line,
               uint32_t column, const char *fmt, ...) PRINTF_LIKE(7, 8);

/* When each step is due at the earliest, in hours from the entry: J+n is n × 24, "then + n" stands after the step
 * before (plan_file_check.c). `hour` has room for STEPS_MAX. */
void plan_moments(const struct plan *p, int64_t *hour);

/* ---- the tree (plan_file_yaml.c) ---- */

/* NULL when the text is not YAML at all (reported). */
const struct node *node_read(struct reader *r);
/* The byte of the file that gave byte k of a scalar's value. */
size_t node_offset(const struct reader *r, const struct node *n, size_t k);

/* ---- maps ---- */

struct key {
	const char *name;
	void (*read)(struct reader *r, const struct node *value);
	const char *example; /* a right value: shown when the given one is of the wrong kind */
};

/* Reads a map by its table; `what` names it in errors ("a step"). Returns the bits of the keys that were there. */
uint64_t keys_read(struct reader *r, const struct node *map, const struct key *keys, size_t count, const char *what,
                   const char *example);

/* ---- values (plan_file_words.c): false when reported ---- */

bool read_scalar(struct reader *r, const struct node *n, const char *what, const char *example, struct str *out);
bool read_name(struct reader *r, const struct node *n, const char *what, const char *example, struct str *out);
bool read_int(struct reader *r, const struct node *n, const char *what, const char *example, int64_t low, int64_t high,
              int64_t *out);
bool read_money(struct reader *r, const struct node *n, const char *what, const char *example, int64_t *out);
bool read_duration(struct reader *r, const struct node *n, const char *what, const char *example, int64_t *seconds);
bool read_days(struct reader *r, const struct node *n, const char *what, const char *example, int32_t *days);
bool read_hour(struct reader *r, const struct node *n, const char *what, const char *example, int32_t *second);
bool read_per_million(struct reader *r, const struct node *n, const char *what, const char *example, uint32_t *out);
bool read_word(struct reader *r, const struct node *n, const char *what, const char *const *words, size_t count,
               int *out);
/* The condition after `skip` bytes of the value, compiled; *text its source. NULL when reported. */
const struct expr *read_expr(struct reader *r, const struct node *n, size_t skip, const char *what, struct str *text);
/* The same, once the steps have their names. */
void read_expr_later(struct reader *r, const struct node *n, size_t skip, const char *what, const struct expr **to,
                     struct str *text);
void read_deferred(struct reader *r);

/* ---- phrases: a few words and where they stand ---- */

enum { WORDS_MAX = 16 };
struct words {
	struct str word[WORDS_MAX];
	size_t at[WORDS_MAX]; /* byte offset in the value */
	size_t count, next;
	bool too_many;
	const struct node *node;
};
void words_split(const struct node *n, struct words *w);
bool words_take(struct words *w, const char *word);                 /* the next word is this one */
size_t words_offset(const struct reader *r, const struct words *w); /* in the file, of the next word (or the end) */
struct str words_peek(const struct words *w);
/* "+ 3 hours", "-7 days"; unit: 'h' *amount in seconds, 'd' in days. False when there is none or it was reported; *bad.
 */
bool words_delay(struct reader *r, struct words *w, char *unit, int64_t *amount, bool *bad);

/* ---- parts ---- */

void read_when(struct reader *r, const struct node *n); /* plan_file_when.c */
void read_again(struct reader *r, const struct node *n);
void read_steps(struct reader *r, const struct node *n); /* plan_file_step.c */
void read_by(struct reader *r, const struct node *n, struct step *step);
void steps_finish(struct reader *r);

/* The same meaning gives the same text whatever the spacing, order of keys, comments (plan_file_hash.c). */
uint64_t plan_hash(const struct plan *p);

#endif
