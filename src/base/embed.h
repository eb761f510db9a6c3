/* embed: files that travel inside the binary (SQL, plans, messages, the web interface). tools/embed.py writes the
 * tables: `const struct embedded_file NAME_files[]; const size_t NAME_file_count;`, in the order of the build file. */
#ifndef RELANCE_BASE_EMBED_H
#define RELANCE_BASE_EMBED_H

#include <stddef.h>

struct embedded_file {
	const char *name;          /* "0001_kernel.sql" */
	const unsigned char *data; /* followed by a NUL that is not counted */
	size_t size;
};

#endif
