/* emit: one record (the cells of a row, or the keys of a JSON object, by field) → a checked struct → the sink.
 *
 * What cannot be read goes to the sink's reject function with the column and the reason; reasons never quote a value,
 * the rejects file holds the row itself. */
#ifndef RELANCE_INTAKE_EMIT_H
#define RELANCE_INTAKE_EMIT_H

#include "intake/layout.h"
#include "intake/number.h"
#include "intake/when.h"

enum { CARRY_MAX = 512 };

struct record {
	struct str f[FIELD_COUNT];
	uint64_t row;
	struct str raw;
};

struct emitter {
	const struct intake_options *o;
	const struct intake_sink *sink;
	struct intake_report *report;
	const struct layout *layout; /* column names and numbers; NULL for JSON */
	struct when when;
	char decimal;
	bool total_is_order;
	bool order_evidence; /* a later row showed the order of day and month: see intake_run */
	struct arena arena;  /* of one record */
	/* the order of the row before: its later rows may leave out date, customer and so on */
	char carry[CARRY_MAX];
	size_t carry_n;
	struct str carry_order, carry_date, carry_time, carry_customer, carry_email, carry_voucher, carry_status,
		carry_total, carry_store, carry_seller;
	char carry_name[CARRY_MAX];
	size_t carry_name_n;
};

void emit_init(struct emitter *e, const struct intake_options *o, const struct intake_sink *sink,
               struct intake_report *report);
void emit_release(struct emitter *e);

/* One record of the kind; counts it as accepted or rejected. False: the sink wants to stop, or a conflict of dates. */
bool emit_record(struct emitter *e, enum intake_kind kind, struct record *r, struct err *err) MUST_CHECK;
bool emit_order(struct emitter *e, struct record *r, bool cart, struct err *err) MUST_CHECK;
bool emit_customer(struct emitter *e, struct record *r, struct err *err) MUST_CHECK;
bool emit_product(struct emitter *e, struct record *r, struct err *err) MUST_CHECK;
bool emit_consent(struct emitter *e, struct record *r, struct err *err) MUST_CHECK;
bool emit_event(struct emitter *e, struct record *r, struct err *err) MUST_CHECK;

/* Refuses the record; f = FIELD_COUNT: the whole row. */
bool emit_reject(struct emitter *e, const struct record *r, enum field f, const char *reason,
                 struct err *err) MUST_CHECK;

/* Pieces the kinds share. A false one has set *bad and *why. */
struct trouble {
	enum field field;
	const char *why;
	bool stop; /* not the row but the file is wrong: err is filled */
};
bool take_instant(struct emitter *e, const struct record *r, enum field f, struct instant *out, struct trouble *t,
                  struct err *err);
bool take_money(const struct emitter *e, const struct record *r, enum field f, struct money *out, struct trouble *t);
bool take_email(const struct record *r, struct str *out, struct trouble *t);
struct str take_ref(struct str s); /* trimmed; "17850.0" → "17850" */
int take_yes_no(struct str s);     /* −1 empty or unknown, 0, 1, 2 = soft opt-in */
bool take_blank(struct str s);     /* nothing, "-", "n/a", "none", "aucun" */

#endif
