/* Prefectures' coordinates in hundredths of a degree (public geography); haversine on a sphere of 6,371 km. Corsican
 * postcodes: 200xx and 201xx are 2A, 202xx and 206xx are 2B. */
#include "fold/geo.h"

#include "base/check.h"

#include <math.h>

enum { DEPARTMENT_2A = 19 };

static const char *const CODES[DEPARTMENT_COUNT] = {
	"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12",  "13",  "14",  "15",  "16",  "17",
	"18", "19", "2A", "2B", "21", "22", "23", "24", "25", "26", "27", "28",  "29",  "30",  "31",  "32",  "33",
	"34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45",  "46",  "47",  "48",  "49",  "50",
	"51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62",  "63",  "64",  "65",  "66",  "67",
	"68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79",  "80",  "81",  "82",  "83",  "84",
	"85", "86", "87", "88", "89", "90", "91", "92", "93", "94", "95", "971", "972", "973", "974", "976",
};

static const struct {
	int16_t lat, lon;
} PLACES[DEPARTMENT_COUNT] = {
	{ 4620, 523 },  { 4956, 362 },   { 4657, 333 },   { 4409, 624 }, { 4456, 608 }, { 4370, 727 },   { 4474, 460 },
	{ 4977, 472 },  { 4297, 161 },   { 4830, 407 },   { 4321, 235 }, { 4435, 257 }, { 4330, 537 },   { 4918, -37 },
	{ 4493, 244 },  { 4565, 16 },    { 4616, -115 },  { 4708, 240 }, { 4527, 177 }, { 4193, 874 },   { 4270, 945 },
	{ 4732, 504 },  { 4851, -276 },  { 4617, 187 },   { 4518, 72 },  { 4724, 602 }, { 4493, 489 },   { 4902, 115 },
	{ 4845, 149 },  { 4800, -410 },  { 4384, 436 },   { 4360, 144 }, { 4365, 59 },  { 4484, -58 },   { 4361, 388 },
	{ 4811, -168 }, { 4681, 169 },   { 4739, 69 },    { 4519, 572 }, { 4667, 556 }, { 4389, -50 },   { 4759, 133 },
	{ 4544, 439 },  { 4504, 389 },   { 4722, -155 },  { 4790, 190 }, { 4445, 144 }, { 4420, 62 },    { 4452, 350 },
	{ 4747, -55 },  { 4912, -109 },  { 4896, 436 },   { 4811, 514 }, { 4807, -77 }, { 4869, 618 },   { 4877, 516 },
	{ 4766, -276 }, { 4912, 618 },   { 4699, 316 },   { 5063, 306 }, { 4943, 208 }, { 4843, 9 },     { 5029, 278 },
	{ 4578, 308 },  { 4330, -37 },   { 4323, 7 },     { 4270, 290 }, { 4858, 775 }, { 4808, 736 },   { 4576, 484 },
	{ 4762, 616 },  { 4631, 483 },   { 4801, 20 },    { 4557, 592 }, { 4590, 613 }, { 4886, 235 },   { 4944, 110 },
	{ 4854, 266 },  { 4880, 213 },   { 4632, -46 },   { 4989, 230 }, { 4393, 215 }, { 4402, 135 },   { 4312, 593 },
	{ 4395, 481 },  { 4667, -143 },  { 4658, 34 },    { 4583, 126 }, { 4817, 645 }, { 4780, 357 },   { 4764, 686 },
	{ 4863, 244 },  { 4889, 221 },   { 4891, 244 },   { 4879, 246 }, { 4904, 208 }, { 1600, -6172 }, { 1460, -6107 },
	{ 492, -5231 }, { -2088, 5545 }, { -1278, 4523 },
};

int department_find(struct str code)
{
	for (int i = 0; i < DEPARTMENT_COUNT; i++)
		if (str_eq_nocase(code, str_from(CODES[i])))
			return i;
	return -1;
}

int department_of_postcode(struct str p)
{
	if (p.n != 5)
		return -1;
	for (size_t i = 0; i < p.n; i++)
		if (p.p[i] < '0' || p.p[i] > '9')
			return -1;
	int two = (p.p[0] - '0') * 10 + (p.p[1] - '0');
	if (two == 20)
		return p.p[2] <= '1' ? DEPARTMENT_2A : DEPARTMENT_2A + 1;
	if (two >= 1 && two <= 95)
		return two < 20 ? two - 1 : two; /* Corsica takes two places */
	return two == 97 ? department_find((struct str){ p.p, 3 }) : -1;
}

const char *department_code(int department)
{
	check(department >= 0 && department < DEPARTMENT_COUNT);
	return CODES[department];
}

const char *const *department_codes(void)
{
	return CODES;
}

int department_km(int a, int b)
{
	check(a >= 0 && a < DEPARTMENT_COUNT && b >= 0 && b < DEPARTMENT_COUNT);
	const double rad = acos(-1) / 18000;
	double la = PLACES[a].lat * rad, lb = PLACES[b].lat * rad, dl = (PLACES[b].lon - PLACES[a].lon) * rad;
	double x = sin((lb - la) / 2), y = sin(dl / 2);
	return (int)lround(2 * 6371 * asin(sqrt(x * x + cos(la) * cos(lb) * y * y)));
}
