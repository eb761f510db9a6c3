/* embed: files that live in the binary (messages, plans, SQL, web pages). tools/embed.py makes the tables:
 *
 *     embed.py --name messages --root messages out.c FILES…   →   const struct embedded_file messages_files[]; …_count
 *
 * `name` is the path below the root, with "/". data has a NUL after its size bytes. Sorted by name. */
#ifndef RELANCE_BASE_EMBED_H
#define RELANCE_BASE_EMBED_H

#include <stddef.h>
#include <string.h>

struct embedded_file {
	const char *name;
	const unsigned char *data;
	size_t size;
};

#define EMBEDDED(name)                                                                                                 \
	extern const struct embedded_file name##_files[];                                                                  \
	extern const size_t name##_file_count;

static inline const struct embedded_file *embedded_find(const struct embedded_file *files, size_t count,
                                                        const char *name)
{
	for (size_t low = 0, high = count; low < high;) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(name, files[mid].name);
		if (c == 0)
			return &files[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

#endif
