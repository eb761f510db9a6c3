/* Any bytes as a table of rows: fields lie inside the file, reading ends, twice the same. */
#include "cli/rows.c" /* the reader belongs to the terminal's commands, not to the library */

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "arm", "customer" };
	struct rows r;
	struct date d;
	char *copy = mem_alloc(size + 1);
	size_t count[2] = { 0 }, fields[2] = { 0 };
	memcpy(copy, data, size);
	rows_take(&r, copy, size);
	for (int round = 0; round < 2; round++, rows_rewind(&r))
		while (rows_next(&r)) {
			count[round]++;
			fields[round] += r.fields;
			check(r.fields >= 1 && r.fields <= ROWS_FIELDS_MAX && r.line >= 1);
			for (size_t i = 0; i < r.fields; i++) {
				check(r.field[i].n <= size && r.field[i].p >= copy && r.field[i].p + r.field[i].n <= copy + size);
				bool known = rows_date(r.field[i], &d);
				check(!known || date_known(d));
			}
			(void)rows_column(&r, names, 2);
		}
	check(count[0] == count[1] && fields[0] == fields[1] && count[0] <= size);
	rows_close(&r);
	return 0;
}
