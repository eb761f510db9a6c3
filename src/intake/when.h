/* when: the dates of tills and spreadsheets.
 *
 *   2010-12-01 08:26:00   2010-12-01T08:26:00.123Z   2010-12-01 08:26:00 +0100   20101201   20101201082600
 *   01/12/2010 08:26      1.12.10      12/1/2010 8:26 PM      1 déc. 2010 à 8h26      December 1, 2010      01-Dec-2010
 *   40513.3514 (Excel serial, days since 1899-12-30)     1291191960 (Unix seconds)     1291191960000 (milliseconds)
 *
 * Without a zone the time is the shop's wall clock. In 01/12/2010 the day comes first, or the month when month_first; a
 * second number above 12 cannot be a month, so the file as a whole tells (when_evidence). Two-digit years: 70 … 99 are
 * 19xx, 00 … 69 are 20xx (POSIX strptime). */
#ifndef RELANCE_INTAKE_WHEN_H
#define RELANCE_INTAKE_WHEN_H

#include "base/check.h"
#include "base/zone.h"

enum { WHEN_TEXT_MAX = 64 };

/* 1971-01-01: an instant before it is a typing mistake or an empty field of the till. */
#define WHEN_EARLIEST_S ((int64_t)365 * DAY_S)

struct when {
	zone_id zone;
	bool month_first;
	bool ambiguous; /* a date was met that reads both ways: month_first decided it */
	/* the last text read: lines of one order repeat it */
	char text[WHEN_TEXT_MAX];
	size_t text_n;
	struct instant at;
};

enum when_result { WHEN_OK, WHEN_UNREADABLE, WHEN_NO_SUCH_DAY, WHEN_WRONG_ORDER, WHEN_TOO_EARLY };

/* WHEN_WRONG_ORDER: it would be a date if day and month stood the other way round. */
enum when_result when_instant(struct when *w, struct str s, struct instant *out) MUST_CHECK;

/* A civil day alone, of any year from 1850 (birth dates); a time after it is ignored. */
enum when_result when_day(const struct when *w, struct str s, struct date *out) MUST_CHECK;

/* For the choice by file: +1 the day must be first, −1 the month must be first, 0 nothing is said. */
int when_evidence(struct str s);

const char *when_problem(enum when_result r); /* "is not a date", … */

#endif
