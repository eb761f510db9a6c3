#include "app/basket_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
			b = itemset_parse(map, (size_t)st.st_size, threads, err);
			munmap(map, (size_t)st.st_size);
			if (!b)
				err_context(err, "%s", path);
		}
	}
	close(fd);
	return b;
}
