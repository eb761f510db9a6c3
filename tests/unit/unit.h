/* unit: a few lines around the Check library, so that a test file is only its tests.
 *
 *     START_TEST(money_rounds) { ck_assert_int_eq(…); } END_TEST
 *     UNIT_MAIN("money", money_rounds, money_parses)
 */
#ifndef RELANCE_TESTS_UNIT_H
#define RELANCE_TESTS_UNIT_H

#include "base/check.h"

#include <check.h>
#include <stdlib.h>

#define UNIT_MAIN(name, ...)                                                                                           \
	int main(void)                                                                                                     \
	{                                                                                                                  \
		const TTest *const tests[] = { __VA_ARGS__ };                                                                  \
		TCase *tcase = tcase_create(name);                                                                             \
		tcase_set_timeout(tcase, 60);                                                                                  \
		for (size_t i = 0; i < ARRAY_LEN(tests); i++)                                                                  \
			tcase_add_test(tcase, tests[i]);                                                                           \
		Suite *suite = suite_create(name);                                                                             \
		suite_add_tcase(suite, tcase);                                                                                 \
		SRunner *runner = srunner_create(suite);                                                                       \
		srunner_run_all(runner, CK_ENV);                                                                               \
		int failed = srunner_ntests_failed(runner);                                                                    \
		srunner_free(runner);                                                                                          \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                                   \
	}

#endif
