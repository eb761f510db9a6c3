/* check: assertions that stay on in release builds.
 *
 * A failed check() is a bug of ours, never bad input and never the world. It prints file, line and condition (no data,
 * since data may be personal) and aborts; state is transactional, so a restart is safe. */
#ifndef RELANCE_BASE_CHECK_H
#define RELANCE_BASE_CHECK_H

_Noreturn void check_failed(const char *file, int line, const char *condition);

#define check(condition)                                                                                               \
	do {                                                                                                               \
		if (__builtin_expect(!(condition), 0))                                                                         \
			check_failed(__FILE__, __LINE__, #condition);                                                              \
	} while (0)

/* Marks a function whose result must be looked at. */
#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
