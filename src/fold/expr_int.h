/* expr_int: the inside of expr, shared by its files only.
 *
 * Text → tokens (expr_lex.c) → typed tree (expr_parse.c, expr_args.c) → operations in postfix order (expr_emit.c) →
 * one value (expr_eval.c) or a column of values a chunk (expr_select.c). The leaves — the functions that look at a
 * person — are shared by both (expr_leaf*.c), so that they cannot disagree.
 *
 * A value is an int64: number × NUMBER_ONE, money in minor units, duration in seconds, date in days, text as a word of
 * the book, enum as its number, yes/no as enum tri. UNKNOWN stands for "not known" in all but yes/no. Arithmetic that
 * overflows is UNKNOWN. */
#ifndef RELANCE_FOLD_EXPR_INT_H
#define RELANCE_FOLD_EXPR_INT_H

#include "fold/expr.h"

#define UNKNOWN INT64_MIN

enum { NUMBER_ONE = 1000000, SEGMENT_DEPTH_MAX = 8, LIST_MAX = 1024, WORDS_MAX = 4096, STACK_MAX = 6 * EXPR_DEPTH_MAX };

/* Days that arithmetic on dates may reach. */
enum { DAY_LOW = -719162, DAY_HIGH = 2932896 };

enum type { T_BOOL, T_NUMBER, T_MONEY, T_DURATION, T_DATE, T_TEXT, T_ENUM };

enum { CONSENT_NONE = 4, CONSENT_KINDS = 5 }; /* nothing said, after the states of enum consent_state */

enum enum_kind {
	E_NONE,
	E_PHASE,
	E_GENDER,
	E_LOCALE,
	E_CONSENT,
	E_ANSWER,
	E_CHANNEL,
	E_PURPOSE,
	E_CART,
	E_SALE,
	E_ZONE,
	E_DEPARTMENT,
	E_WEEKDAY,
	E_RFM,
};

/* The words of the language, in the order of the table in expr_words.c. */
enum fn {
	F_LIFECYCLE,
	F_INACTIVE,
	F_TOP_DECILE,
	F_RFM,
	F_ORDERS,
	F_SPEND,
	F_AVERAGE_BASKET,
	F_BIGGEST_ORDER,
	F_FIRST_ORDER,
	F_LAST_ORDER,
	F_FIRST_ORDER_AMOUNT,
	F_LAST_ORDER_AMOUNT,
	F_AVERAGE_BASKET_SHOP,
	F_BOUGHT,
	F_BOUGHT_COUNT,
	F_QUANTITY,
	F_BOUGHT_AMOUNT,
	F_PRODUCTS,
	F_LAST_BOUGHT,
	F_RETURNED,
	F_RETURNS,
	F_RETURN_RATE,
	F_ORDER_AMOUNT,
	F_ORDER_BOUGHT,
	F_CART,
	F_CART_TOTAL,
	F_CART_ITEMS,
	F_CART_AGE,
	F_EVENT,
	F_EVENT_COUNT,
	F_EVENT_VALUE,
	F_LAST_EVENT,
	F_SENT,
	F_SENT_COUNT,
	F_LAST_SENT,
	F_OPENED,
	F_CLICKED,
	F_BOUNCED,
	F_ANSWERED,
	F_IN_PLAN,
	F_ENTERED,
	F_CONTROL,
	F_MAY,
	F_CONSENT_OF,
	F_SUPPRESSED,
	F_REACH,
	F_AGE,
	F_BIRTHDAY_MONTH,
	F_DAYS_TO_BIRTHDAY,
	F_CHILD_AGE,
	F_CHILDREN,
	F_GENDER,
	F_COMPANY,
	F_LOCALE,
	F_ZONE,
	F_POSTCODE,
	F_DEPARTMENT,
	F_DISTANCE,
	F_STORE,
	F_SECTOR,
	F_TAG,
	F_INTEREST,
	F_CREATED,
	F_TODAY,
	F_DAYS_SINCE,
	F_MONTH,
	F_YEAR,
	F_WEEKDAY,
	F_KNOWN,
	F_SEGMENT,
	F_COUNT,
};

enum args {
	A_RANGE = 1,       /* a date range among the arguments */
	A_ORDER = 2,       /* channel, total, items of an order */
	A_PRODUCT = 4,     /* category, family, type, sku, name, price, tier of a line */
	A_CART = 8,        /* state, total, items of a cart */
	A_VALUE = 16,      /* value of an event */
	A_TEXT = 32,       /* one text, required */
	A_PLAN = 64,       /* one plan name, required */
	A_MESSAGE = 128,   /* any, a step, plan = …, channel = … */
	A_CHANNEL = 256,   /* one channel, required */
	A_PURPOSE = 512,   /* optionally followed by a purpose */
	A_OPTIONAL = 1024, /* the required argument may be left out */
	A_MONTHS = 2048,   /* a duration */
	A_DATE = 4096,     /* a date */
	A_ANYTHING = 8192,
	A_CHILD = 16384, /* any in 3..6 */
	A_SEGMENT = 32768,
};

enum need {
	N_ORDERS = 1,
	N_CARTS = 2,
	N_EVENTS = 4,
	N_CONSENTS = 8,
	N_MESSAGES = 16,
	N_PROFILE = 32,
	N_PRODUCTS = 64,
	N_TIME = 128,
	N_THRESHOLDS = 256,
	N_TODAY = 512,
	N_RUNS = 1024,
	N_RANKS = 2048, /* everybody is ranked: known where everybody is asked at once */
};

struct fn_def {
	uint8_t type, enum_kind;
	uint8_t cost; /* of asking, relative: cheap questions are asked first */
	uint32_t args, needs;
};
extern const struct fn_def FN[F_COUNT];

/* ---- windows, filters ---- */

enum window_kind { W_ALL, W_FIXED, W_LAST, W_BEFORE_LAST, W_THIS_MONTH, W_THIS_YEAR };
enum window_unit { U_HOURS, U_DAYS, U_MONTHS };

struct window {
	uint8_t kind, unit;
	int32_t count;
	struct date from, to; /* FIXED: from ≤ day < to */
	int64_t from_s, to_s; /* the same as instants in the shop's zone */
};

enum product_field { P_CATEGORY, P_FAMILY, P_TYPE, P_SKU, P_NAME, P_PRICE, P_TIER };

/* One condition on a product; a text is a word slot where it can be compared by number. */
struct product_test {
	uint8_t field;
	bool negate;
	struct str *texts;
	uint16_t *slots;
	uint32_t text_count;
	int64_t lo, hi; /* PRICE, TIER */
};

struct leaf {
	uint8_t fn;
	uint8_t channel, purpose; /* CHANNEL_COUNT: any */
	uint8_t cart_states;      /* bits */
	bool whole_run;           /* messages of the run at hand, when there is one */
	uint16_t index;           /* of this leaf in the expression */
	uint16_t slot;            /* word slot of the text */
	uint16_t tag_slot;        /* tag(): of the event that says so */
	uint64_t tag;             /* tag(): hash_str of the name */
	uint32_t sale_channels;   /* bits; 0 any */
	struct window window;
	int64_t total_lo, total_hi; /* of the order or cart */
	int64_t items_lo, items_hi; /* pieces in the order or cart */
	int64_t value_lo, value_hi; /* of the event; children's age */
	bool has_total, has_items, has_value;
	struct product_test *products;
	uint32_t product_count;
	uint64_t plan; /* hash_str of the name, 0 any */
	uint64_t step;
	const uint16_t *plan_index; /* the places of that name in expr_context.plan_names */
	uint32_t plan_index_count;
	int32_t step_index;       /* in expr_context.step_names, −1 */
	int32_t months, days;     /* inactive */
	const int16_t *distances; /* km by department */
};

/* ---- operations ---- */

enum opcode {
	OP_CONST,
	OP_LEAF,
	OP_NOT,
	OP_AND,
	OP_OR,
	OP_SKIP_FALSE,
	OP_SKIP_TRUE,
	OP_LT,
	OP_LE,
	OP_EQ,
	OP_NE,
	OP_GE,
	OP_GT,
	OP_SET,
	OP_BETWEEN,
	OP_WINDOW,
	OP_TEXT,
	OP_ADD,
	OP_SUB,
	OP_NEG,
	OP_MUL,
	OP_DIV,
	OP_RATIO,
	OP_ADD_DAYS,
	OP_ADD_MONTHS,
	OP_DATE_DIFF,
	OP_KNOWN,
	OP_KNOWN_BOOL,
	OP_DAYS_SINCE,
	OP_MONTH,
	OP_YEAR,
	OP_WEEKDAY,
};

struct op {
	uint8_t code;
	uint32_t jump; /* SKIP: index of the op that combines */
	int64_t v, w;  /* CONST; BETWEEN lo and hi; ADD_MONTHS n */
	union {
		const struct leaf *leaf;
		const int64_t *set; /* SET: v of them, sorted */
		const struct window *window;
		const struct text_list *texts;
	};
};

struct text_list {
	struct str *texts;
	uint16_t *slots; /* NO_SLOT: a pattern */
	uint32_t count;
	uint16_t index; /* of the list in the expression */
};
enum { NO_SLOT = UINT16_MAX };

struct word_slot {
	struct str text;
	_Atomic uint64_t cache; /* book serial << 32 | word, 0 nothing */
};

struct expr {
	const struct op *ops;
	struct word_slot *slots;
	const struct leaf **leaves;
	uint32_t op_count, slot_count, leaf_count, text_count, stack;
	uint32_t needs; /* enum need, or-ed */
	zone_id shop_zone;
	struct lifecycle_settings lifecycle;
	struct basis_rules basis;
	const struct plan_words *plans; /* or NULL */
};

/* ---- evaluation ---- */

/* What does not change while one shop day is asked. */
struct leaf_bound {
	int64_t from_s, to_s;         /* the window */
	const uint64_t *product_bits; /* a bit per product that passes; NULL: ask the product */
};

struct eval {
	const struct expr *e;
	const struct subject *s;
	struct date shop_day;
	const struct product *products;
	uint32_t product_count;
	const uint32_t *words;           /* by slot, or NULL: look it up */
	const struct leaf_bound *bounds; /* by leaf, or NULL */
	int16_t *department_memo;        /* by word: 0 not asked, 1 none, 2 + department; or NULL */
	uint8_t **text_memo;             /* by text list and word: 0 not asked, 1 no, 2 yes; or NULL */
	uint32_t memo_count;
	const uint8_t *rfm; /* by customer id, RFM_NONE: never ordered; or NULL: nobody was ranked */
};

int64_t leaf_eval(const struct leaf *l, struct eval *v);
int64_t leaf_lines(const struct leaf *l, struct eval *v); /* bought …, order_bought */
int64_t leaf_cart(const struct leaf *l, struct eval *v);
int64_t leaf_message(const struct leaf *l, struct eval *v); /* sent …, plans */
int64_t leaf_person(const struct leaf *l, struct eval *v);

uint32_t eval_word(const struct eval *v, uint16_t slot);
void eval_window(const struct leaf *l, const struct eval *v, int64_t *from_s, int64_t *to_s);
void window_instants(const struct window *w, zone_id shop_zone, struct date shop_day, struct instant now,
                     int64_t *from_s, int64_t *to_s);
void window_days(const struct window *w, struct date shop_day, int32_t *from, int32_t *to); /* from ≤ day < to */
bool product_passes(const struct leaf *l, const struct eval *v, product_id p);
bool text_list_has(const struct text_list *t, const struct eval *v, int64_t word);
struct date eval_shop_day(const struct expr *e, const struct subject *s);

/* values */
int64_t value_arith(enum opcode code, int64_t a, int64_t b);
int64_t value_unary(enum opcode code, const struct op *op, const struct eval *v, int64_t a);
static inline int64_t value_compare(enum opcode code, int64_t a, int64_t b)
{
	if (a == UNKNOWN || b == UNKNOWN)
		return TRI_UNKNOWN;
	switch (code) {
	case OP_LT: return a < b;
	case OP_LE: return a <= b;
	case OP_EQ: return a == b;
	case OP_NE: return a != b;
	case OP_GE: return a >= b;
	case OP_GT: return a > b;
	default: return TRI_UNKNOWN;
	}
}
static inline int64_t tri_and(int64_t a, int64_t b)
{
	return a == TRI_FALSE || b == TRI_FALSE ? TRI_FALSE : a == TRI_TRUE && b == TRI_TRUE ? TRI_TRUE : TRI_UNKNOWN;
}
static inline int64_t tri_or(int64_t a, int64_t b)
{
	return a == TRI_TRUE || b == TRI_TRUE ? TRI_TRUE : a == TRI_FALSE && b == TRI_FALSE ? TRI_FALSE : TRI_UNKNOWN;
}
static inline int64_t tri_not(int64_t a)
{
	return a == TRI_UNKNOWN ? TRI_UNKNOWN : !a;
}
bool set_has(const int64_t *set, int64_t count, int64_t x);

/* ---- enums ---- */

int64_t enum_find(enum enum_kind k, struct str word); /* −1 */
size_t enum_names(enum enum_kind k, const char *const **names);
const char *enum_title(enum enum_kind k);   /* "a phase" */
const char *enum_example(enum enum_kind k); /* "lapsing" */

int fn_find(struct str name); /* −1 */

#endif
