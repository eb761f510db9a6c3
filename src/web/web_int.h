/* web_int: what the files of src/web share.
 *
 * A request is answered by one handler. It runs on an HTTP thread; or (READS, or request_read_on) on a reading thread,
 * where it may take its time; or (ON_TICKER, or request_hand_over) on the thread that turns the shop, which is for what
 * changes something: only there may web->live be touched. A handler fills r->out and r->status, or calls
 * request_problem. */
#ifndef RELANCE_WEB_WEB_INT_H
#define RELANCE_WEB_WEB_INT_H

#include "app/figures.h"
#include "app/monthly.h"
#include "base/embed.h"
#include "channel/token.h"
#include "outbox/message.h"
#include "web/web.h"

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>

enum permission {
	MAY_READ = 1,
	MAY_PEOPLE = 2,
	MAY_PLANS = 4,
	MAY_FACTS = 8,
	MAY_ADMIN = 16,
	MAY_SIGNED_IN = 32,  /* anybody with an account */
	MAY_PRIVACY = 64,    /* people's data given out, erased; who did what */
	MAY_RECOMMEND = 128, /* products for a page of the shop: a key that stands in its source, good for nothing else */
};

enum route_flag {
	ON_TICKER = 1,
	PAGE = 2,           /* HTML for a customer: errors are pages, no session, no CSRF */
	BIG_BODY = 4,       /* WEB_FACTS_BODY_MAX */
	NO_CSRF = 8,        /* signing in */
	ONCE = 16,          /* takes an Idempotency-Key: its answer holds neither secret nor person */
	READS = 32,         /* on a reading thread (readers.c) */
	LONG = 64,          /* with READS: may take seconds, others are not to wait for it */
	KEY_IN_QUERY = 128, /* ?key=…, of a key that may nothing but this: so that a browser need not ask first */
	HASHES = 256,       /* a password, a tenth of a second of a processor: on a reading thread for that alone */
};
/* Where `next` of a request runs. */
enum lane { LANE_TICKER, LANE_QUICK, LANE_LONG, LANE_COPY, LANE_HASH, LANE_COUNT };

struct request;
typedef void (*handler_fn)(struct request *r);

struct route {
	const char *method, *path; /* "{}" takes one segment */
	unsigned permission;       /* enum permission, all needed; 0: anybody */
	handler_fn handler;
	unsigned flags;
};
extern const struct route ROUTES[];
extern const size_t ROUTE_COUNT;

enum { ARGS_MAX = 3, HEADERS_MAX = 6, TOKEN_HEX = 64, NAME_MAX_BYTES = 80, AGENT_MAX = 160 };

struct identity {
	int64_t account; /* 0: nobody, or a key */
	unsigned may;
	char name[NAME_MAX_BYTES + 1], role[16], locale[4];
	char actor[NAME_MAX_BYTES + 16]; /* for the audit log: "account 3", "key 1" */
	char csrf[33];
	bool factor; /* has a second one */
	int64_t codes_left;
	char token_hash[TOKEN_HEX + 1]; /* of the session */
};

struct header {
	const char *name;
	struct str value; /* in the arena */
};

struct request {
	struct web *web;
	struct MHD_Connection *connection;
	const struct route *route;
	const char *method;
	char path[1024];
	struct str args[ARGS_MAX];
	struct buf body;
	struct arena arena;
	struct identity who;
	const char *bad; /* why it is refused unread, for a person; NULL: it is not */
	bool too_large, encoded, suspended, answered, key_used;
	bool streams;                   /* `ready` has no end to wait for */
	double began;                   /* monotonic */
	char again[TOKEN_HEX + 1];      /* under what its answer is kept (again.c); empty: it is not */
	char asking_key[TOKEN_HEX + 1]; /* the same, while it is among web.asking; empty: it is not */
	struct request *asking;         /* the next there */
	size_t bytes;                   /* of the answer */
	/* the answer */
	int status;
	const char *type;
	struct buf out;
	struct header headers[HEADERS_MAX];
	size_t header_count;
	struct MHD_Response *ready; /* instead of out: files, event streams */
	struct MHD_Response *kept;  /* instead of both, with all its headers: the shelf's */
	bool shelved;               /* the shelf knows what the answer is made of */
	/* on another thread */
	handler_fn next;
	enum lane lane;
	struct request *queue;
	void *handed;                      /* in the arena, for next */
	void (*let_go)(struct request *r); /* at its end, of what was handed; or NULL */
	struct incoming *facts;            /* FACTS_DIRECT of them; NULL when they are packed */
	struct buf packed;                 /* arrival.h */
	size_t fact_count;
	/* lent */
	struct db *db;
	const struct version *version;
	struct still *still;
};

struct account {
	int64_t id;
	char name[NAME_MAX_BYTES + 1], role[16], locale[4], password[128];
	char totp[400]; /* sealed; empty: no second factor */
	int64_t totp_step, codes_left;
};
struct session {
	char token_hash[TOKEN_HEX + 1];
	int64_t account, created_at, expires_at;
	char agent[AGENT_MAX + 1];
};
struct api_key {
	int64_t id;
	char key_hash[TOKEN_HEX + 1], name[NAME_MAX_BYTES + 1];
	unsigned may;
	char scopes[64];
};

enum { FAILURES = 1024, BUCKETS = 4096, JOBS_MAX = 32, LISTENERS_MAX = 256 };

struct failure {
	uint64_t who; /* hash of address or name */
	int count;
	double since;
};

/* Requests somebody may still make now. */
struct bucket {
	double tokens, at;
};

struct job {
	int64_t id; /* 0: free */
	enum { JOB_RUNNING, JOB_DONE, JOB_FAILED } state;
	double progress;
	struct buf result; /* JSON, or the reason of the failure */
	struct job_work *work;
	struct web *web;
	pthread_t thread;
	bool joined;
};

/* How long something took, as /metrics tells it: bounds in operate.c. */
enum { HISTOGRAM_BOUNDS = 12 };
struct histogram {
	_Atomic uint64_t upto[HISTOGRAM_BOUNDS + 1], micros;
};
void histogram_add(struct histogram *h, double seconds, uint64_t times);

/* Counters of /metrics. */
struct counters {
	_Atomic uint64_t requests, refused, facts, fact_batches, facts_applied, facts_refused, ticks, decisions, accepted,
		sign_ins, sign_in_failures, limited, slow, models_learnt, models_followed;
	struct histogram decided; /* from a fact's request to the decision upon it */
};

struct listener {
	struct web *web;
	struct MHD_Connection *connection;
	uint64_t seen; /* events it has been told */
	bool suspended, gone;
	double opened;
};

/* Who will be sent what before the day ends (forecast.c). */
struct leaving {
	customer_id customer;
	uint32_t at;
	uint16_t family;
	uint8_t channel;
};
struct forecast {
	int readers;
	struct leaving *items;
	size_t count, cap, plans;
	struct date day;
	double kept_until;
};

struct web {
	struct web_options o;
	const volatile sig_atomic_t *stop;
	struct MHD_Daemon *daemon;
	struct shop shop;
	unsigned char link_key[32];
	char listens_at[64];  /* ADDRESS:PORT */
	char setup_token[33]; /* empty once there is an account */
	struct counters counters;
	double started;

	/* the ticker's */
	struct live *live;
	struct courier_state *courier;
	struct monthly monthly;
	struct writer *writer; /* facts.h */
	struct retention_state *retention;
	pthread_t ticker;
	struct tick_result untold; /* since the pages were told last */
	double told;
	bool more;                  /* the last turn left something to do at once */
	int64_t signups_swept;      /* when */
	char trouble[ERR_TEXT_MAX]; /* under `lock`: why the shop does not turn */

	/* the book; held for reading by requests, for writing while the shop is opened again */
	pthread_rwlock_t world;
	struct book *book;
	_Atomic uint32_t gone;                   /* merged away or erased: still in the book */
	_Atomic uint64_t openings;               /* how often the shop was opened */
	const struct settings *_Atomic settings; /* of the scene */
	struct scene *_Atomic scene;

	struct gate *gate;           /* still.c */
	struct readers *readers;     /* readers.c */
	struct foresight *foresight; /* forecast.c */
	struct orders *orders;       /* order.c */

	/* the door: doors */
	pthread_mutex_t duplicates_lock;
	struct found_duplicates *duplicates; /* api_duplicates.c; NULL: nobody asked */
	pthread_mutex_t doors;
	struct connection *connections;
	size_t connection_count;
	struct bucket buckets[BUCKETS];

	/* everything below: lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct request *queue_first, *queue_last;
	struct request *asking; /* with an Idempotency-Key, being answered; by ->asking */
	bool stopping, woken;
	bool copying; /* a backup is being made */
	struct thresholds thresholds;
	enum reason hold_all;
	uint64_t phases[8], phases_version; /* customers by phase, of that version of the book */
	double phases_at;                   /* monotonic */
	struct date phases_day;
	struct account *accounts;
	size_t account_count;
	struct session *sessions;
	size_t session_count, session_cap;
	struct api_key *keys;
	size_t key_count;
	_Atomic uint64_t keys_loading; /* how often the list was read; changed under `lock` */
	struct failure failures[FAILURES];
	struct job jobs[JOBS_MAX];
	int64_t job_last;
	struct listener *listeners[LISTENERS_MAX];
	size_t listener_count;
	uint64_t events;     /* how many there were */
	char event[16][256]; /* the last ones, as sent */

	pthread_rwlock_t messages_lock; /* who reads `messages` holds it; the ticker alone changes them */
	struct message_set *messages;
	struct hooks *hooks;   /* hooks.h */
	struct visits *visits; /* under `lock`; NULL: none yet */
};

/* ---- server.c ---- */
const char *request_query(struct request *r, const char *name); /* NULL when absent */
const char *request_header(struct request *r, const char *name);
struct MHD_Response *request_response(struct request *r); /* of r->out, which is empty then; the caller destroys it */
/* A whole number of the query, within its bounds; `otherwise` when it is absent or none. */
int64_t number_query(struct request *r, const char *name, int64_t least, int64_t most, int64_t otherwise);
void request_hand_over(struct request *r, handler_fn next);               /* to the ticker */
void request_read_on(struct request *r, handler_fn next, enum lane lane); /* to a reading thread */

/* ---- reply.c ---- */
/* The customer the path names; 0: none, answered already. */
customer_id customer_arg(struct request *r);
void request_problem(struct request *r, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for what people read, in their language; no parts. */
void request_refuse(struct request *r, int status, const char *fr, const char *en);
void request_err(struct request *r, const struct err *err); /* the world's: 503; the input's: 422; a conflict: 409 */
/* The answer to DELETE of row `id`: 404 when nothing was changed. */
void request_deleted(struct request *r, bool ok, int64_t id, int64_t changed, const struct err *err);
void request_add_header(struct request *r, const char *name, struct str value);
void request_send_json(struct request *r, int status); /* r->out holds it */
const char *status_title(int status);

/* JSON writers: a comma goes before unless the buffer ends in { [ or :. key NULL in arrays. */
void put_open(struct buf *b, const char *key, char bracket);
void put_close(struct buf *b, char bracket);
void put_str(struct buf *b, const char *key, struct str s);
void put_cstr(struct buf *b, const char *key, const char *s); /* NULL: null */
void put_int(struct buf *b, const char *key, int64_t v);
void put_real(struct buf *b, const char *key, double v);
void put_bool(struct buf *b, const char *key, bool v);
void put_null(struct buf *b, const char *key);
void put_instant(struct buf *b, const char *key, struct instant t); /* s ≤ 0 or never: null */
void put_date(struct buf *b, const char *key, struct date d);       /* unknown: null */
void put_raw(struct buf *b, const char *key, struct str json);
void put_cursor(struct buf *b, int64_t last, bool more); /* "next": the cursor of the next page, or null */

/* ---- api_list.c: a page of rows ---- */
enum { PAGE_DEFAULT = 50, PAGE_MOST = 200 };
typedef void (*put_row_fn)(struct request *r, struct query *q);
/* {items, next} of a query, newest first, whose first column is the number that `cursor` counts down by; its parameters
 * `parameter` and the one behind are "numbers below" and "how many". put_row writes the members of one item. */
void request_page(struct request *r, struct query *q, int parameter, put_row_fn put_row);

/* ---- pool and world ---- */
struct db *request_db(struct request *r); /* the thread's read handle, for this handler alone; NULL: problem set */
const struct version *request_book(struct request *r); /* pinned until the answer; NULL: problem set */
void request_release(struct request *r);               /* gives both back */
struct thresholds web_thresholds(struct web *w);

/* Body as a JSON object; NULL: problem set. The caller decrefs. */
json_t *request_json(struct request *r);
const char *member(const json_t *o, const char *name); /* a string, or NULL */

/* ---- doors.c ---- */
bool door_open(struct web *w, MHD_AccessHandlerCallback handler, MHD_RequestCompletedCallback end,
               struct err *err) MUST_CHECK;
void door_received(struct request *r, size_t bytes);
void door_answers(struct request *r, bool begins); /* it has come whole; its answer has left */
void door_sends(struct request *r, size_t bytes);  /* of an answer that has an end */
void door_sweep(struct web *w);                    /* shuts connections that are too slow; once a second */
bool door_lets_in(struct request *r);              /* problem set when not */
int door_lets_join(struct request *r);             /* sign-ups by one address: 0, or the seconds to wait */
uint64_t door_client(struct request *r);           /* hash of the address; 0: this machine */
bool door_secure(struct request *r);               /* over TLS, here or at the web server before us */

/* ---- worker.c ---- */
struct request *worker_request(void); /* empty, with an arena */
void worker_keep(struct request *r);  /* it is over */
struct shelf **worker_shelf(void);    /* the thread's; NULL: none yet */
struct key_seen {
	char hash[TOKEN_HEX + 1];
	int64_t id; /* 0: none has this hash */
	unsigned may;
	uint64_t loading;
};
struct key_seen *worker_key(void); /* the last one, the thread's own */

/* ---- shelf.c ---- */
/* An answer to the same question, if it is still true: it is the answer. `what`: whom the route is asked about; 0:
 * nobody. The world is the request's, with its version; r->db is there. Then, the answer made, shelf_put keeps it: 200s
 * without headers of their own, which say the same to everybody who may ask in that language. */
bool shelf_has(struct request *r, const struct world *w, uint32_t what);
void shelf_put(struct request *r, uint32_t what);
void shelf_free(struct shelf *s);

/* ---- scene.c ---- */
void scene_show(struct web *w);    /* the ticker, after a turn */
void scene_release(struct web *w); /* nobody reads */
/* The shop without its states, as request_book() pins it. NULL: problem set. */
const struct world *request_world(struct request *r);

struct world scene_world(const struct web *w); /* the same without a version */

/* ---- readers.c ---- */
bool readers_start(struct web *w, struct err *err) MUST_CHECK;
void readers_stop(struct web *w);
void readers_free(struct web *w);
bool readers_submit(struct web *w, struct request *r) MUST_CHECK; /* by r->lane; false: the server stops */

/* ---- still.c ---- */
/* Everybody's runs and messages as they stood between two turns. */
struct still {
	struct pstate *states;   /* by customer id, for everybody of request_book(); their arrays are not to be changed */
	struct world world;      /* of that moment; `version` is not set */
	uint32_t *waiting;       /* for a smoothing slot, by plan index */
	struct summary *summary; /* once it was asked for */
	/* still.c's own */
	int readers;
	size_t places;
	customer_id *peers;
	struct stripe *stripes;
	uint64_t turn;
	double kept_until;
};
void gate_new(struct web *w);
void gate_free(struct web *w);
void gate_shut(struct web *w);   /* the ticker, before it changes states */
bool gate_open(struct web *w);   /* after; false: it was open */
void gate_forget(struct web *w); /* the shop is let go of; nobody reads */
void gate_sweep(struct web *w);  /* gives back what nobody has read for a while */
/* All until the answer, on any thread but the ticker. NULL, false: a problem was set. */
const struct still *request_still(struct request *r);
const struct world *request_still_world(struct request *r); /* its world, with the version of request_book() */
bool request_figures(struct request *r,
                     struct figures_shop *out) MUST_CHECK; /* its version is the request's: no unpin */
void request_still_end(struct request *r);

/* ---- again.c ---- */
bool again_known(struct request *r); /* answered already, as the first time or with a problem */
bool again_keep(struct request *r);  /* r->next keeps the answer */
/* Its key may be asked with again; before the answer is sent. */
void again_done(struct request *r);

/* ---- ticker.c ---- */
bool ticker_start(struct web *w, struct err *err) MUST_CHECK;
void ticker_stop(struct web *w);
void ticker_submit(struct web *w, struct request *r);
void ticker_wake(struct web *w);       /* there are facts to decide upon */
void ticker_answer(struct request *r); /* a suspended request, on any thread: r is not ours any more */
/* On the ticker: the shop is let go of, `fn` has the database for itself, the shop is opened again. Requests meanwhile
 * wait. For what changes the past under the world in memory, which is rare. */
bool ticker_apart(struct web *w, bool (*fn)(void *ctx, struct db *db, struct err *err), void *ctx,
                  struct err *err) MUST_CHECK;
void web_event(struct web *w, const char *kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- auth.c ---- */
bool auth_load(struct web *w, struct db *db, struct err *err) MUST_CHECK;
void auth_release(struct web *w);
void auth_identify(struct request *r);
bool auth_allowed(struct request *r); /* problem set when not */
/* Who an actor of the audit log is, for people: the account's name for "account 3"; in the arena. */
struct str auth_actor_name(struct request *r, struct str actor);

/* Everything the states of all people say about each plan. */
struct step_summary {
	uint32_t waiting, queued, sent, knowable, opened, clicked;
};
struct plan_summary {
	uint32_t entered, active, control, messages_30d, ended, exited;
	uint32_t queued[CHANNEL_COUNT], sent_today[CHANNEL_COUNT], sent;
	uint32_t knowable, opened, clicked; /* e-mails whose opens may be known; of these: opened or clicked, clicked */
	uint32_t held[REASON_COUNT];
	uint32_t held_until[REASON_COUNT]; /* the earliest */
	uint32_t orders;                   /* within 7 days of a message */
	int64_t revenue;
	struct step_summary steps[STEPS_MAX];
};
struct summary {
	struct plan_summary *plans; /* by family: the lowest index of the name */
	size_t count;
	uint32_t orders;
	int64_t revenue;
	struct instant at, since;
};
/* period NULL: all that ever was, and the orders of the last 30 days. Else the runs entered, the messages accepted and
 * the orders placed from its first instant to before its last. */
struct summary_period {
	struct instant from, to;
};
struct summary *summary_make(const struct world *w, const struct pstate *states, struct instant now,
                             const struct summary_period *period);
void summary_free(struct summary *s);
struct instant summary_since(struct instant now);         /* orders from then on count as brought */
const struct summary *request_summary(struct request *r); /* of request_still(), as long as it; NULL: a problem */
/* The message that spoke last within a week before an order of that instant; NULL: none. */
const struct sent *summary_speaker(const struct pstate *state, uint32_t at);

/* ---- forecast.c ---- */
void forecast_new(struct web *w);
void forecast_free(struct web *w);
void forecast_forget(struct web *w); /* the shop is let go of */
/* forecast_let_go() it. NULL: a problem was set. */
struct forecast *request_forecast(struct request *r);
void forecast_let_go(struct web *w, struct forecast *f);

/* ---- among.c: a bit per person, in the request's arena ---- */
enum list_sort { SORT_NONE, SORT_NAME, SORT_ORDERS, SORT_SPEND, SORT_LAST_ORDER, SORT_PHASE, SORT_COUNT };
uint64_t *among_bits(struct request *r, uint64_t *count); /* those ?plan=&is= names; NULL: a problem */
uint64_t bits_count(const uint64_t *bits, uint32_t customers);
void duplicates_close(struct web *w);
/* On the ticker, when somebody was merged, told apart or erased: how many are there, and look-alikes are found anew. */
bool web_count_gone(struct web *w, struct err *err) MUST_CHECK;
bool put_merged(struct request *r, customer_id c, struct err *err);            /* "merged": who was merged into c */
bool bits_without_gone(struct request *r, uint64_t *bits, uint32_t customers); /* false: a problem */
/* ---- order.c: everybody by name, spend, … ---- */
void orders_new(struct web *w);
void orders_free(struct web *w);
void orders_forget(struct web *w); /* the shop is let go of */
/* order_let_go() it. NULL: a problem was set. */
struct order *request_order(struct request *r, enum list_sort by);
void order_let_go(struct web *w, struct order *o);
/* Places `from` … of those with a bit, in that order or (down) the other way. How many. */
size_t order_walk(const struct order *o, const uint64_t *bits, uint32_t customers, bool down, size_t from, size_t most,
                  customer_id *ids);

/* ---- api_list.c ---- */
struct lifecycle customer_life(const struct world *w, customer_id c); /* as of now */
struct str person_name(struct arena *a, const struct person *p);      /* "Léa Martin", or the company; may be empty */
/* Members of an object: phase, orders, spend, last_order as of now; first_name … city. */
void put_life(struct buf *b, const struct world *w, customer_id c);
void put_person(struct buf *b, const struct person *p);

/* ---- erasing.c ---- */
struct erase_traces;
struct erase_report;
/* On the ticker: all rows of these people, and what is in memory of them. What was erased before an error stands in
 * traces. */
bool web_erase_rows(struct web *w, const customer_id *people, size_t count, const char *actor,
                    struct erase_traces *traces, struct erase_report *report, struct err *err) MUST_CHECK;
/* The rest, on a thread that may wait: files, rejected rows, the log. */
bool web_erase_left(struct web *w, const struct erase_traces *traces, struct erase_report *report,
                    struct err *err) MUST_CHECK;

/* ---- retention.c ---- */
void retention_new(struct web *w);
bool retention_start(struct web *w, struct err *err) MUST_CHECK;
void retention_stop(struct web *w);
void retention_free(struct web *w);
bool retention_turn(struct web *w, struct instant now, struct err *err) MUST_CHECK; /* on the ticker, after a turn */
/* How many were due when everybody was looked at last; 0 while the shop has them erased by itself. */
int64_t retention_overdue(struct web *w);

/* ---- csv.c: lists as files ---- */
void csv_begin(struct request *r);
void csv_text(struct buf *b, struct str s);
void csv_money(struct request *r, int64_t minor);
void csv_send(struct request *r, const char *file); /* r->out as file.csv; nobody is named in it */
/* The same, of people: the audit log is told first, of `object`. */
void csv_hand_over(struct request *r, const char *file, const char *object);

/* ---- handlers ---- */
#define HANDLER(name) void name(struct request *r)
HANDLER(on_session_get);
HANDLER(on_session_post);
HANDLER(on_session_delete);
HANDLER(on_setup);
HANDLER(on_factor_post);
HANDLER(on_factor_put);
HANDLER(on_factor_delete);
HANDLER(on_user_factor_delete);
HANDLER(on_invites_get);
HANDLER(on_invites_post);
HANDLER(on_invites_delete);
HANDLER(on_sessions);
HANDLER(on_sessions_delete);
HANDLER(on_users_get);
HANDLER(on_users_post);
HANDLER(on_users_delete);
HANDLER(on_keys_get);
HANDLER(on_keys_post);
HANDLER(on_keys_delete);
HANDLER(on_healthz);
HANDLER(on_metrics);
HANDLER(on_openapi);
HANDLER(on_events);
HANDLER(on_today);
HANDLER(on_stop);
HANDLER(on_resume);
HANDLER(on_customers);
HANDLER(on_duplicates);
HANDLER(on_duplicates_dismiss);
HANDLER(on_merge);
HANDLER(on_unmerge);
HANDLER(on_customers_csv);
HANDLER(on_customer);
HANDLER(on_timeline);
HANDLER(on_why);
HANDLER(on_recommendations);
HANDLER(on_shop_recommendations);
HANDLER(on_recommend_js);
HANDLER(on_segment_count);
HANDLER(on_segments);
HANDLER(on_segment_put);
HANDLER(on_segment_delete);
HANDLER(on_segment_words);
HANDLER(on_plans);
HANDLER(on_plan);
HANDLER(on_plan_check);
HANDLER(on_plan_put);
HANDLER(on_plan_form);
HANDLER(on_plan_moves);
HANDLER(on_plan_move);
HANDLER(on_plan_switch);
HANDLER(on_plan_replay);
HANDLER(on_job);
HANDLER(on_messages);
HANDLER(on_message);
HANDLER(on_message_version);
HANDLER(on_message_put);
HANDLER(on_message_delete);
HANDLER(on_message_check);
HANDLER(on_message_preview);
HANDLER(on_message_test);
HANDLER(on_figures);
HANDLER(on_kpi);
HANDLER(on_kpi_rows);
HANDLER(on_kpi_csv);
HANDLER(on_objectives);
HANDLER(on_objective_post);
HANDLER(on_objective_delete);
HANDLER(on_experiment);
HANDLER(on_value);
HANDLER(on_value_holdout);
HANDLER(on_value_customers);
HANDLER(on_report);
HANDLER(on_benchmarks);
HANDLER(on_case);
HANDLER(on_case_rows);
HANDLER(on_case_csv);
HANDLER(on_lifecycle);
HANDLER(on_backup);
HANDLER(on_compliance);
HANDLER(on_retention);
HANDLER(on_retention_rows);
HANDLER(on_retention_csv);
HANDLER(on_requests);
HANDLER(on_request_post);
HANDLER(on_request_close);
HANDLER(on_request_extend);
HANDLER(on_export);
HANDLER(on_rectify);
HANDLER(on_object);
HANDLER(on_erase);
HANDLER(on_suppressions);
HANDLER(on_suppress);
HANDLER(on_suppress_lift);
HANDLER(on_audit);
HANDLER(on_shop_hook);
HANDLER(on_hooks);
HANDLER(on_hook_in_post);
HANDLER(on_hook_in_delete);
HANDLER(on_hook_out_post);
HANDLER(on_hook_out_delete);
HANDLER(on_hook_out_events);
HANDLER(on_settings);
HANDLER(on_settings_put);
HANDLER(on_facts);
HANDLER(on_static);
HANDLER(on_provider_hook);
HANDLER(page_web);
HANDLER(page_unsubscribe);
HANDLER(page_unsubscribe_post);
HANDLER(page_preferences);
HANDLER(page_preferences_post);
HANDLER(page_survey);
HANDLER(page_survey_post);
HANDLER(page_detail_post);
HANDLER(page_reason_post);
HANDLER(page_click);
HANDLER(page_pixel);
HANDLER(page_join);
HANDLER(page_join_post);
HANDLER(page_confirm);
HANDLER(page_confirm_post);
void page_problem(struct request *r, int status);

/* ---- confirm.c ---- */
enum { SIGNUP_S = 7 * DAY_S }; /* a sign-up waits so long for its confirmation */
bool web_signups_sweep(struct web *w, struct instant now, struct err *err) MUST_CHECK; /* once an hour, on the ticker */
bool web_confirm_mail(struct request *r, int64_t id, struct str email, bool fr, struct err *err) MUST_CHECK;

/* ---- facts.c ---- */
void facts_release(struct request *r);

/* ---- visits.c ---- */
void visits_settle(struct web *w, bool all); /* on the ticker: writes opens and clicks that have waited long enough */
/* A page of a message was looked at: counts towards a scanner's burst alone. */
void visits_page(struct web *w, const struct token *t, const struct message_key *key);
void visits_release(struct web *w);

/* ---- jobs.c ---- */
void jobs_release(struct web *w);

/* ---- shared between handlers ---- */
bool requests_put(struct request *r, struct db *db, bool open_only, int64_t from, int64_t limit,
                  struct err *err) MUST_CHECK;
enum locale request_locale(struct request *r);
void put_picture(struct buf *b, const struct plan *p, enum locale locale, const struct plan_summary *s);
const char *phase_counts(struct request *r, uint64_t counts[8]); /* NULL, or a problem was set */
/* The people a condition (or a saved one's name) names, a bit each. NULL: a problem was set. */
uint64_t *segment_bits(struct request *r, struct str text, uint64_t *count);
void web_plan_context(const struct web *w, struct expr_context *out);

#endif
