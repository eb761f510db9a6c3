#include "app/basket_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A compressed file is the one mistake that deserves its own words. */
static const char *packed(const char *text, size_t bytes)
{
	static const struct {
		const char *first, *tool;
	} KINDS[] = { { "\x1f\x8b", "gunzip" },
		          { "\x28\xb5\x2f\xfd", "unzstd" },
		          { "\xfd\x37zXZ", "unxz" },
		          { "BZh", "bunzip2" },
		          { "PK\x03\x04", "unzip" } };
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
		if (bytes > strlen(KINDS[i].first) && memcmp(text, KINDS[i].first, strlen(KINDS[i].first)) == 0)
			return KINDS[i].tool;
	return NULL;
}

static struct itemset_baskets *parse(const char *text, size_t bytes, int threads, struct err *err)
{
	static const char MARK[] = "\xef\xbb\xbf"; /* some editors put it before a text */
	const char *tool = packed(text, bytes);
	if (tool) {
		err_set(err, ERR_INPUT, "the file is compressed: unpack it first (%s)", tool);
		return NULL;
	}
	size_t skip = bytes >= 3 && memcmp(text, MARK, 3) == 0 ? 3 : 0;
	return itemset_parse(text + skip, bytes - skip, threads, err);
}

struct itemset_baskets *basket_file_read(const char *path, int threads, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		err_errno(err, "%s", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct itemset_baskets *b = NULL;
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_INPUT, "%s is not a plain file", path);
	} else if (st.st_size == 0) {
		b = itemset_parse("", 0, threads, err);
	} else {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		if (map == MAP_FAILED) {
			err_errno(err, "%s", path);
		} else {
			b = parse(map, (size_t)st.st_size, threads, err);
			munmap(map, (size_t)st.st_size);
			if (!b)
				err_context(err, "%s", path);
		}
	}
	close(fd);
	return b;
}
