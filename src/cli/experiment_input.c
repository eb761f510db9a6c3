#include "cli/experiment_input.h"

#include "cli/rows.h"

#include <math.h>
#include <stdlib.h>

void trial_init(struct trial *t)
{
	memset(t, 0, sizeof *t);
	arena_init(&t->text);
}

void trial_release(struct trial *t)
{
	arena_release(&t->text);
}

static int arm_add(struct trial *t, struct str name, struct err *err)
{
	if (t->arms == EXPERIMENT_ARMS_MAX) {
		err_set(err, ERR_LIMIT, "more than %d arms", EXPERIMENT_ARMS_MAX);
		return -1;
	}
	t->arm[t->arms] = arena_cstr(&t->text, name);
	return t->arms++;
}

static struct str nth_name(struct trial *t)
{
	static const char *const names[] = { "control", "treated" };
	if (t->arms < 2)
		return str_from(names[t->arms]);
	return arena_printf(&t->text, "treated_%d", t->arms);
}

/* Cuts s at its separators from the right into at most `max` parts, the rest stays in parts[0]. */
static int cut(struct str s, char separator, struct str *parts, int max)
{
	int n = 0;
	while (n < max) {
		const char *at = memchr(s.p, separator, s.n);
		parts[n++] = (struct str){ s.p, at ? (size_t)(at - s.p) : s.n };
		if (!at)
			return n;
		s = (struct str){ at + 1, s.n - (size_t)(at - s.p) - 1 };
	}
	return max + 1;
}

bool trial_add_means(struct trial *t, const char *text, struct err *err)
{
	struct str part[4];
	double v[3];
	int n = cut(str_from(text), ':', part, 4), skip = n == 4;
	bool read = n == 3 || n == 4;
	for (int i = 0; read && i < 3; i++)
		read = str_f64(part[i + skip], &v[i]);
	if (!read)
		return err_set(err, ERR_INPUT,
		               "--means %s: write NAME:CUSTOMERS:SUM:SUM_OF_SQUARES, as in a:3407:1396.87:52377.9767", text);
	int a = arm_add(t, skip ? part[0] : nth_name(t), err);
	if (a < 0)
		return false;
	if (!moments_from_sums(v[0], v[1], v[2], &t->moments[0][a]))
		return err_set(
			err, ERR_INPUT,
			"--means %s: these do not belong together: customers is a whole number, and the sum of squares is "
			"at least sum² ÷ customers",
			text);
	t->count[a] = v[0];
	t->outcomes = 1;
	t->outcome[0] = "mean";
	return true;
}

bool trial_add_proportion(struct trial *t, const char *text, struct err *err)
{
	struct str part[2], half[2];
	double done, of;
	int n = cut(str_from(text), ':', part, 2);
	if (n > 2 || cut(part[n - 1], '/', half, 2) != 2 || !str_f64(half[0], &done) || !str_f64(half[1], &of))
		return err_set(err, ERR_INPUT, "--proportions %s: write DONE/CUSTOMERS, as in 14/28", text);
	int a = arm_add(t, n == 2 ? part[0] : nth_name(t), err);
	if (a < 0)
		return false;
	if (!moments_from_proportion(done, of, &t->moments[0][a]))
		return err_set(err, ERR_INPUT, "--proportions %s: two whole numbers, the first not above the second", text);
	t->count[a] = of;
	t->outcomes = 1;
	t->outcome[0] = "proportion";
	return true;
}

int trial_numbers(const char *text, double *out, struct err *err)
{
	struct str part[EXPERIMENT_ARMS_MAX];
	int n = cut(str_from(text), ',', part, EXPERIMENT_ARMS_MAX);
	if (n > EXPERIMENT_ARMS_MAX) {
		err_set(err, ERR_LIMIT, "more than %d numbers", EXPERIMENT_ARMS_MAX);
		return -1;
	}
	for (int i = 0; i < n; i++)
		if (!str_f64(str_trim(part[i]), &out[i]) || out[i] < 0) {
			err_set(err, ERR_INPUT, "\"%s\": write numbers with commas between, as in 1000,1200", text);
			return -1;
		}
	return n;
}

bool trial_choose_control(struct trial *t, const char *name, struct err *err)
{
	static const char *const usual[] = { "control", "temoin", "témoin", "controle", "contrôle", "holdout", "a", "0" };
	t->control = 0;
	if (name) {
		for (int a = 0; a < t->arms; a++)
			if (str_is(str_from(t->arm[a]), name)) {
				t->control = a;
				return true;
			}
		return err_set(err, ERR_INPUT, "--control: there is no arm \"%s\"", name);
	}
	for (size_t k = 0; k < ARRAY_LEN(usual); k++)
		for (int a = 0; a < t->arms; a++)
			if (str_eq_nocase(str_from(t->arm[a]), str_from(usual[k]))) {
				t->control = a;
				return true;
			}
	return true;
}

/* ---- CSV ---- */

struct csv_trial {
	struct rows rows;
	int arm, pre, day;
	int column[TRIAL_OUTCOMES_MAX];
	uint8_t *arms;
	double *pres, *values[TRIAL_OUTCOMES_MAX];
	size_t count, cap, pre_cap, value_cap[TRIAL_OUTCOMES_MAX];
	int32_t first, last;
	bool pending; /* the row already read is data */
};

static const char *const ARM_NAMES[] = { "arm", "group", "variant", "groupe", "variante", "bras", "treatment" };
static const char *const PRE_NAMES[] = { "pre", "covariate", "before", "pre_spend", "pre_period", "avant" };
static const char *const DAY_NAMES[] = { "day", "date", "at", "jour", "entered" };
static const char *const PASSED[] = { "customer", "customer_id", "client", "id", "user", "user_id" };

static bool is_number(struct str s, double *v)
{
	s = str_trim(s);
	if (str_f64(s, v))
		return true;
	const char *comma = memchr(s.p, ',', s.n); /* 12,50 */
	char text[64];
	if (!comma || s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[comma - s.p] = '.';
	return str_f64((struct str){ text, s.n }, v);
}

static bool find_columns(struct trial *t, struct csv_trial *c, const char *outcome, struct err *err)
{
	struct rows *r = &c->rows;
	double v;
	if (!rows_next(r))
		return err_set(err, ERR_INPUT, "the file is empty");
	c->arm = rows_column(r, ARM_NAMES, ARRAY_LEN(ARM_NAMES));
	c->pre = rows_column(r, PRE_NAMES, ARRAY_LEN(PRE_NAMES));
	c->day = rows_column(r, DAY_NAMES, ARRAY_LEN(DAY_NAMES));
	if (c->arm < 0 && r->fields == 2 && is_number(r->field[1], &v)) { /* no heads: arm, outcome */
		c->arm = 0;
		c->pending = true;
		c->column[0] = 1;
		t->outcomes = 1;
		t->outcome[0] = "outcome";
		return true;
	}
	if (c->arm < 0)
		return err_set(err, ERR_INPUT,
		               "line %zu: no column \"arm\"; the first line names the columns arm, outcome and, if known, pre "
		               "(the same figure before the experiment) and date",
		               r->line);
	for (int i = 0; i < (int)r->fields; i++) {
		bool passed = i == c->arm || i == c->pre || i == c->day;
		for (size_t k = 0; k < ARRAY_LEN(PASSED); k++)
			passed = passed || str_eq_nocase(r->field[i], str_from(PASSED[k]));
		if (passed || (outcome && !str_is(r->field[i], outcome)))
			continue;
		if (t->outcomes == TRIAL_OUTCOMES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d outcome columns; choose with --outcome", TRIAL_OUTCOMES_MAX);
		c->column[t->outcomes] = i;
		t->outcome[t->outcomes++] = arena_cstr(&t->text, r->field[i]);
	}
	if (t->outcomes == 0)
		return outcome ? err_set(err, ERR_INPUT, "line %zu: no column \"%s\"", r->line, outcome)
		               : err_set(err, ERR_INPUT, "line %zu: no column with an outcome", r->line);
	return true;
}

static int arm_of(struct trial *t, struct str name, struct err *err)
{
	for (int a = 0; a < t->arms; a++)
		if (str_is(name, t->arm[a]))
			return a;
	return arm_add(t, name, err);
}

static bool take_row(struct trial *t, struct csv_trial *c, struct err *err)
{
	struct rows *r = &c->rows;
	double values[TRIAL_OUTCOMES_MAX], pre = 0;
	bool good = c->arm < (int)r->fields && r->field[c->arm].n > 0;
	for (int k = 0; good && k < t->outcomes; k++)
		good = c->column[k] < (int)r->fields && is_number(r->field[c->column[k]], &values[k]);
	if (good && c->pre >= 0)
		good = c->pre < (int)r->fields && is_number(r->field[c->pre], &pre);
	if (!good) {
		t->skipped++;
		return true;
	}
	if (c->count == TRIAL_ROWS_MAX)
		return err_set(err, ERR_LIMIT, "more than %zu rows", TRIAL_ROWS_MAX);
	int a = arm_of(t, r->field[c->arm], err);
	if (a < 0)
		return err_context(err, "line %zu", r->line);
	struct date d;
	if (c->day >= 0 && c->day < (int)r->fields && rows_date(r->field[c->day], &d)) {
		c->first = d.day < c->first ? d.day : c->first;
		c->last = d.day > c->last ? d.day : c->last;
	}
	c->arms = mem_grow(c->arms, &c->cap, c->count + 1, 1);
	c->arms[c->count] = (uint8_t)a;
	c->pres = mem_grow(c->pres, &c->pre_cap, c->count + 1, sizeof *c->pres);
	c->pres[c->count] = pre;
	for (int k = 0; k < t->outcomes; k++) {
		c->values[k] = mem_grow(c->values[k], &c->value_cap[k], c->count + 1, sizeof *c->values[k]);
		c->values[k][c->count] = values[k];
	}
	c->count++;
	t->count[a]++;
	return true;
}

bool trial_read_csv(struct trial *t, const char *path, const char *outcome, int threads, struct err *err)
{
	struct csv_trial c = { .first = INT32_MAX, .last = INT32_MIN };
	if (!rows_open(&c.rows, path, err))
		return false;
	bool good = find_columns(t, &c, outcome, err);
	while (good && (c.pending || rows_next(&c.rows))) {
		c.pending = false;
		good = take_row(t, &c, err);
	}
	if (good && c.count == 0)
		good = err_set(err, ERR_INPUT, "no row with an arm and a number");
	if (good && t->arms < 2)
		good = err_set(err, ERR_INPUT, "there is only one arm, \"%s\"; a control group is needed to compare with",
		               t->arm[0]);
	for (int k = 0; good && k < t->outcomes; k++)
		moments_fold(c.arms, c.values[k], c.pre >= 0 ? c.pres : NULL, c.count, t->arms, threads, t->moments[k]);
	if (good && c.last >= c.first)
		t->days = c.last - c.first + 1;
	for (int k = 0; k < TRIAL_OUTCOMES_MAX; k++)
		free(c.values[k]);
	free(c.arms);
	free(c.pres);
	rows_close(&c.rows);
	return good ? true : err_context(err, "%s", path);
}
