/* Any text as a date and as a number: no crash; what is read as an instant reads back the same from its own text. */
#include "intake/number.h"
#include "intake/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static zone_id paris;
	struct str text = { (const char *)data, n };
	if (!paris && !zone_find(STR("Europe/Paris"), &paris))
		return 0;
	for (int month_first = 0; month_first < 2; month_first++) {
		struct when w = { .zone = paris, .month_first = month_first }, again = w;
		struct instant t, u;
		char iso[32];
		if (when_instant(&w, text, &t) != WHEN_OK)
			continue;
		check(t.s >= WHEN_EARLIEST_S);
		instant_text(t, iso);
		if (t.s < (int64_t)1000 * 366 * DAY_S) {
			check(when_instant(&again, str_from(iso), &u) == WHEN_OK);
			check(t.s == u.s);
		}
		struct date d;
		(void)!when_day(&w, text, &d);
	}
	(void)when_evidence(text);
	(void)number_mark_evidence(text);
	static const char MARKS[] = { 0, '.', ',' };
	for (size_t i = 0; i < sizeof MARKS; i++) {
		struct decimal v;
		int64_t out;
		if (!number_parse(text, MARKS[i], &v))
			continue;
		check(v.scale >= 0 && v.scale <= NUMBER_DIGITS_MAX);
		(void)!number_whole(v, &out);
		(void)!number_scaled(v, 1000, 2, &out);
	}
	return 0;
}
