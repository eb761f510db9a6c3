/* import: reads the file, keeps the rejects and the row of the table `import`, and holds the one transaction. */
#include "app/import_int.h"

#include "base/hash.h"
#include "store/erase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READ_STEP = 1 << 20 };

struct input {
	int fd;
	uint64_t done, total, hash, shown;
	const struct import_options *o;
};

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the file ---- */

static bool input_open(struct input *in, const struct import_options *o, struct err *err)
{
	struct stat st;
	*in =
		(struct input){ .o = o, .fd = strcmp(o->file, "-") == 0 ? STDIN_FILENO : open(o->file, O_RDONLY | O_CLOEXEC) };
	if (in->fd < 0)
		return err_errno(err, "cannot open it");
	if (fstat(in->fd, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(err, ERR_INPUT, "it is a folder: name a file");
		in->total = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	}
	return true;
}

static void input_close(struct input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	in->fd = -1;
}

static bool input_read(void *ctx, char *p, size_t cap, size_t *n, struct err *err)
{
	struct input *in = ctx;
	ssize_t got;
	do
		got = read(in->fd, p, cap < READ_STEP ? cap : READ_STEP);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_errno(err, "cannot read it");
	*n = (size_t)got;
	in->hash = hash64(p, *n, in->hash);
	in->done += *n;
	if (in->o->progress && in->done - in->shown >= READ_STEP) {
		in->shown = in->done;
		in->o->progress(in->o->ctx, in->done, in->total);
	}
	return true;
}

/* ---- rejects: FILE.rejects.csv, there only when something was rejected ---- */

static void rejects_name(const struct import_options *o, char out[4096])
{
	snprintf(out, 4096, "%s.rejects.csv", strcmp(o->file, "-") == 0 ? "stdin" : o->file);
}

static bool reject_open(struct import *m, struct err *err)
{
	if (m->rejects)
		return true;
	rejects_name(m->o, m->r->rejects_file);
	int fd = open(m->r->rejects_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* it holds personal data */
	m->rejects = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!m->rejects)
		return err_errno(err, "cannot write the rejects file %s", m->r->rejects_file);
	fputs("line,column,column_name,reason,row\n", m->rejects);
	return true;
}

static bool on_reject(void *ctx, uint64_t row, uint32_t column, struct str name, struct str reason, struct str raw,
                      struct err *err)
{
	struct import *m = ctx;
	if (!reject_open(m, err))
		return false;
	struct buf *b = &m->reject_row;
	buf_clear(b);
	buf_printf(b, "%llu,%u,", (unsigned long long)row, column);
	buf_csv(b, name);
	buf_char(b, ',');
	struct buf sentence;
	buf_init(&sentence, 4096);
	if (name.n)
		buf_printf(&sentence, "%.*s %.*s", STR_ARG(name), STR_ARG(reason));
	else
		buf_str(&sentence, reason);
	buf_csv(b, buf_view(&sentence));
	buf_release(&sentence);
	buf_char(b, ',');
	buf_csv(b, raw);
	buf_char(b, '\n');
	return fwrite(b->p, 1, b->n, m->rejects) == b->n ||
	       err_errno(err, "cannot write the rejects file %s", m->r->rejects_file);
}

void import_reject(struct import *m, uint64_t row, const char *reason)
{
	struct err ignored;
	(void)on_reject(m, row, 0, STR(""), str_from(reason), STR(""), &ignored);
}

static bool rejects_end(struct import *m, struct err *err)
{
	if (m->rejects) {
		FILE *f = m->rejects;
		m->rejects = NULL;
		return fclose(f) == 0 || err_errno(err, "cannot write the rejects file %s", m->r->rejects_file);
	}
	char old[4096];
	rejects_name(m->o, old);
	unlink(old); /* of an earlier try */
	return true;
}

/* ---- facts ---- */

struct str import_key(struct import *m, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_clear(&m->fact_key);
	buf_printf(&m->fact_key, "%s:%s", m->source, text);
	return buf_view(&m->fact_key);
}

bool import_fact(struct import *m, struct fact *f, struct err *err)
{
	bool quarantined;
	if (store_is_erased(m->ids, f->customer)) {
		m->r->erased++;
		return true;
	}
	if (!store_batch_fact(m->batch, f, &quarantined, err))
		return false;
	m->r->quarantined += quarantined;
	m->r->facts += !quarantined;
	return true;
}

bool import_retract(struct import *m, customer_id c, struct str key, const char *kind, struct err *err)
{
	char body[64];
	int n = snprintf(body, sizeof body, "{\"kind\":\"%s\"}", kind);
	struct fact f = { .customer = c, .kind = FACT_RETRACT, .key = key, .at = m->o->now, .body = { body, (size_t)n } };
	m->r->retracted++;
	return import_fact(m, &f, err);
}

/* ---- the row of the table `import` ---- */

/* Where it lies, whatever folder a later command is run in: an erasure looks for the rejects beside it. */
static void import_name(const struct import_options *o, char out[PATH_MAX])
{
	bool piped = strcmp(o->file, "-") == 0;
	char where[PATH_MAX];
	if (!realpath(piped ? "." : o->file, where))
		snprintf(where, sizeof where, "%s", o->file);
	int n = snprintf(out, PATH_MAX, "%s%s", where, piped ? "/stdin" : "");
	if (n >= PATH_MAX)
		snprintf(out, PATH_MAX, "%s", o->file);
}

static bool import_begin(struct import *m, int64_t *id, struct err *err)
{
	int64_t changed = 0;
	char path[PATH_MAX];
	import_name(m->o, path);
	struct str name = str_from(path);
	struct query *q = db_query(m->db, "import_interrupted");
	query_text(q, 1, name);
	query_int(q, 2, m->o->now.s);
	if (!query_run(q, &changed, err))
		return false;
	m->r->interrupted_before = changed > 0;
	q = db_query(m->db, "import_begin");
	query_text(q, 1, name);
	query_text(q, 2, str_from(intake_kind_name(m->o->as)));
	query_int(q, 3, m->o->now.s);
	if (m->o->consent_source.n)
		query_text(q, 4, m->o->consent_source);
	else
		query_null(q, 4);
	if (query_next(q, err) != 1)
		return false;
	*id = query_get_int(q, 0);
	query_done(q);
	return true;
}

static bool import_end(struct import *m, int64_t id, uint64_t hash, const char *state, struct err *err)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%016llx", (unsigned long long)hash);
	struct query *q = db_query(m->db, "import_end");
	query_int(q, 1, id);
	query_text(q, 2, str_from(digits));
	query_text(q, 3, str_from(intake_kind_name(m->report.kind)));
	query_int(q, 4, m->o->now.s);
	query_int(q, 5, (int64_t)m->report.rows);
	query_int(q, 6, (int64_t)m->report.accepted);
	query_int(q, 7, (int64_t)m->report.rejected);
	query_text(q, 8, str_from(state));
	return query_run(q, NULL, err);
}

/* ---- one pass over the file ---- */

/* The source is known once the first row arrives: the platform is guessed by then. */
static void settle_source(struct import *m)
{
	if (m->source[0])
		return;
	struct str s = m->o->source.n                     ? m->o->source
	               : m->o->map && m->o->map->source.n ? m->o->map->source
	                                                  : str_from(m->report.platform);
	snprintf(m->source, sizeof m->source, "%.*s", (int)(s.n < 40 ? s.n : 40), s.p);
}

#define SETTLED(name, type)                                                                                            \
	static bool on_##name(void *ctx, const type *v, struct err *err)                                                   \
	{                                                                                                                  \
		settle_source(ctx);                                                                                            \
		return import_##name(ctx, v, err);                                                                             \
	}
SETTLED(line, struct intake_line)
SETTLED(customer, struct intake_customer)
SETTLED(product, struct intake_product)
SETTLED(consent, struct intake_consent)
SETTLED(event, struct intake_event)

static bool gather(struct import *m, struct input *in, bool month_first, struct err *err)
{
	const struct intake_sink sink = { m, on_line, on_customer, on_product, on_consent, on_event, on_reject };
	const struct intake_options io = { .as = m->o->as,
		                               .zone = m->shop->zone,
		                               .locale = m->shop->locale,
		                               .currency = m->shop->currency,
		                               .map = m->o->map,
		                               .month_first = month_first };
	m->report.template_map = m->r->template_map;
	if (!intake_run(&io, input_read, in, &sink, &m->report, err))
		return false;
	settle_source(m);
	if (m->o->complete && m->report.rejected > 0)
		return err_set(
			err, ERR_INPUT,
			"%llu rows were rejected, and --complete would take them for gone: nothing was kept; mend them (%s) or "
			"leave --complete out",
			(unsigned long long)m->report.rejected, m->r->rejects_file);
	return import_documents_end(m, err) && import_people_end(m, err) && import_not_products(m, err) &&
	       (!m->o->complete || import_documents_complete(m, err));
}

static bool import_init(struct import *m, struct db *db, const struct shop *shop, const struct import_options *o,
                        struct import_result *out, struct err *err)
{
	int64_t seq;
	*m = (struct import){ .db = db, .shop = shop, .o = o, .r = out, .who_at = o->now };
	arena_init(&m->scratch);
	buf_init(&m->body, BODY_MAX);
	buf_init(&m->key, 4096);
	buf_init(&m->fact_key, 4096);
	buf_init(&m->reject_row, INTAKE_ROW_MAX * 2 + 8192);
	idmap_init(&m->emails);
	idmap_init(&m->soft);
	idmap_init(&m->facts_seen);
	import_documents_init(m);
	m->ids = store_ids_load(db, err);
	return m->ids && store_seq_hi(db, &seq, &m->customers_before, err);
}

static void import_release(struct import *m)
{
	import_documents_release(m);
	store_ids_free(m->ids);
	arena_release(&m->scratch);
	buf_release(&m->body);
	buf_release(&m->key);
	buf_release(&m->fact_key);
	buf_release(&m->reject_row);
	idmap_release(&m->emails);
	idmap_release(&m->soft);
	idmap_release(&m->facts_seen);
	free(m->customer_seen);
	free(m->product_seen);
	free(m->email_customers);
	free(m->soft_at);
	if (m->rejects)
		fclose(m->rejects);
}

static void report_out(const struct import *m, struct import_result *out)
{
	out->kind = m->report.kind;
	out->rows = m->report.rows;
	out->accepted = m->report.accepted;
	out->rejected = m->report.rejected;
	out->month_first = m->report.month_first;
	out->dates_ambiguous = m->report.dates_ambiguous;
	snprintf(out->source, sizeof out->source, "%s", m->source);
	snprintf(out->platform, sizeof out->platform, "%s", m->report.platform);
	if (out->rejected == 0)
		out->rejects_file[0] = 0;
}

/* One try, with one reading of ambiguous dates. *again: the file showed that the other reading is right. */
static bool import_try(struct db *db, const struct shop *shop, const struct import_options *o,
                       struct import_result *out, bool month_first, bool *again, struct err *err)
{
	struct import m;
	struct input in = { .fd = -1 };
	int64_t id = 0;
	*again = false;
	bool ok = import_init(&m, db, shop, o, out, err) && input_open(&in, o, err);
	ok = ok && (o->dry_run || import_begin(&m, &id, err));
	if (ok)
		m.batch = store_batch_begin(db, m.ids, o->now, err);
	ok = ok && m.batch && gather(&m, &in, month_first, err) && rejects_end(&m, err) &&
	     (o->dry_run || import_end(&m, id, in.hash, "done", err));
	if (ok && !o->dry_run) {
		ok = store_batch_commit(m.batch, err);
		m.batch = NULL;
	}
	if (m.batch)
		store_batch_rollback(m.batch);
	if (!ok && id) {
		struct err ignored;
		(void)import_end(&m, id, in.hash, "rolled_back", &ignored);
	}
	*again =
		!ok && err->kind == ERR_CONFLICT && m.report.rows > 0 && !month_first && in.total > 0 && in.fd > STDIN_FILENO;
	report_out(&m, out);
	input_close(&in);
	import_release(&m);
	return ok;
}

bool import_run(struct db *db, const struct shop *shop, const struct import_options *o, struct import_result *out,
                struct err *err)
{
	double started = seconds_now();
	struct buf *template_map = out->template_map;
	bool again;
	*out = (struct import_result){ .template_map = template_map };
	bool ok = import_try(db, shop, o, out, false, &again, err);
	if (!ok && again) {
		*out = (struct import_result){ .template_map = template_map };
		ok = import_try(db, shop, o, out, true, &again, err);
	}
	out->seconds = seconds_now() - started;
	return ok || err_context(err, "import %s", strcmp(o->file, "-") == 0 ? "standard input" : o->file);
}
