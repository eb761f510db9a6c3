/* geo: how far apart two French postcodes are, by department.
 *
 * Precision: a department stands for its prefecture, so a distance is that between two prefectures, 0 km within one
 * department: right to some 40 km on the mainland. Good enough for "the region of the shop", not for "ten minutes
 * away". */
#ifndef RELANCE_FOLD_GEO_H
#define RELANCE_FOLD_GEO_H

#include "base/str.h"

enum { DEPARTMENT_COUNT = 101 };

/* The department's place in the table (0 …), or −1: "59", "2A", "974". */
int department_find(struct str code);
/* Of a French postcode of five digits; −1 for anything else. */
int department_of_postcode(struct str postcode);
const char *department_code(int department);
int department_km(int a, int b);           /* great circle, rounded to a kilometre */
const char *const *department_codes(void); /* DEPARTMENT_COUNT of them */

#endif
