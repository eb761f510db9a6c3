#include "cli/files.h"

#include <errno.h>
#include <stdio.h>

static bool read_all(FILE *f, const char *path, struct buf *out, struct err *err)
{
	char chunk[16384];
	size_t n;
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(out, chunk, n);
	if (ferror(f))
		return err_errno(err, "%s", path);
	return !out->full || err_set(err, ERR_LIMIT, "%s: larger than %zu MiB", path, out->max >> 20);
}

bool cli_read_file(const char *path, struct buf *out, struct err *err)
{
	if (str_is(str_from(path), "-"))
		return read_all(stdin, "standard input", out, err);
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_errno(err, "%s", path);
	bool ok = read_all(f, path, out, err);
	fclose(f);
	return ok;
}

bool cli_read_partial(const char *path, struct buf *out, struct err *err)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		err->kind = ERR_NONE;
		return errno == ENOENT || errno == ENOTDIR ? false : err_errno(err, "%s", path);
	}
	bool ok = read_all(f, path, out, err);
	fclose(f);
	return ok;
}

bool cli_write_file(const char *path, struct str bytes, struct err *err)
{
	FILE *f = fopen(path, "wb");
	if (!f)
		return err_errno(err, "%s", path);
	bool ok = fwrite(bytes.p, 1, bytes.n, f) == bytes.n;
	ok = fclose(f) == 0 && ok;
	return ok || err_errno(err, "%s", path);
}
