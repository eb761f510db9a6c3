#include "channel/dir.h"

#include "base/buf.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key that fits is kept; one that has to be changed gets a hash behind it, so that no two keys share a file. */
static void file_name(struct str key, char out[DIR_NAME_MAX + 32])
{
	size_t n = 0;
	bool changed = key.n == 0 || key.n > DIR_NAME_MAX;
	for (size_t i = 0; i < key.n && n < DIR_NAME_MAX; i++) {
		char c = key.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		             c == '_' || (c == '.' && i > 0) || c == '@';
		changed = changed || !plain;
		out[n++] = plain ? c : '_';
	}
	out[n] = '\0';
	if (changed)
		snprintf(out + n, 32, ".%016llx", (unsigned long long)hash_str(key));
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
	}
	return true;
}

bool dir_write(const char *folder, struct str key, const char *extension, struct str bytes, char *path,
               size_t path_size, struct err *err)
{
	char name[DIR_NAME_MAX + 32], beside[4096], whole[4096];
	file_name(key, name);
	int a = snprintf(beside, sizeof beside, "%s/.%s%s.%d", folder, name, extension, (int)getpid());
	int b = snprintf(whole, sizeof whole, "%s/%s%s", folder, name, extension);
	if (a >= (int)sizeof beside || b >= (int)sizeof whole)
		return err_set(err, ERR_INPUT, "folder %.100s…: the path is too long", folder);
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_errno(err, "folder %s", folder);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "folder %s: cannot write a message", folder);
	bool ok = write_all(fd, bytes) && fsync(fd) == 0;
	int why = errno;
	ok = close(fd) == 0 && ok;
	if (!ok || rename(beside, whole) != 0) {
		errno = ok ? errno : why;
		err_errno(err, "folder %s: cannot write a message", folder);
		unlink(beside);
		return false;
	}
	if (path)
		snprintf(path, path_size, "%s", whole);
	return true;
}

bool dir_write_text(const char *folder, struct str key, struct str to, struct str text, char *path, size_t path_size,
                    struct err *err)
{
	struct buf b;
	buf_init(&b, to.n + text.n + 16);
	buf_cstr(&b, "To: ");
	buf_str(&b, to);
	buf_cstr(&b, "\n\n");
	buf_str(&b, text);
	buf_char(&b, '\n');
	bool ok = dir_write(folder, key, ".txt", buf_view(&b), path, path_size, err);
	buf_release(&b);
	return ok;
}
