/* The web UI: files embedded at build time, by exact name: there is no file system behind a path. A path without a dot
 * is a page of the UI and gets index.html. */
#include "web/web_int.h"

#include "base/embed.h"
#include "base/hash.h"

#include <stdio.h>

EMBEDDED(ui)

static const char NO_UI[] =
	"<!doctype html><meta charset=utf-8><title>relance</title><meta name=viewport content=\"width=device-width\">"
	"<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 "
	"1rem;background:#faf8f4;color:#1d1a16}"
	"@media(prefers-color-scheme:dark){body{background:#191714;color:#ece7df}}</style>"
	"<h1>relance</h1><p>The shop is served; its web UI is not part of this build. Build it with <code>make ui</code> "
	"(in <code>ui/</code>) "
	"and then <code>ninja -C build</code>. The HTTP API is at <code>/api/v1</code>.";

static const char *type_of(const char *name)
{
	static const struct {
		const char *end, *type;
	} TYPES[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".woff2", "font/woff2" },
		{ ".ttf", "font/ttf" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".json", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	for (size_t i = 0; i < ARRAY_LEN(TYPES); i++)
		if (str_ends(str_from(name), str_from(TYPES[i].end)))
			return TYPES[i].type;
	return "application/octet-stream";
}

static bool takes_gzip(struct request *r)
{
	const char *accept = request_header(r, "Accept-Encoding");
	return accept && strstr(accept, "gzip");
}

static void send_file(struct request *r, const struct embedded_file *f, const char *name, bool gzip)
{
	char tag[24];
	const char *known = request_header(r, "If-None-Match");
	snprintf(tag, sizeof tag, "\"%016llx\"", (unsigned long long)hash64(f->data, f->size, 0));
	bool same = known && strstr(known, tag);
	r->status = same ? 304 : 200;
	r->bytes = same ? 0 : f->size;
	r->ready = MHD_create_response_from_buffer(same ? 0 : f->size, (void *)(uintptr_t)f->data, MHD_RESPMEM_PERSISTENT);
	(void)MHD_add_response_header(r->ready, "ETag", tag);
	(void)MHD_add_response_header(r->ready, "Content-Type", type_of(name));
	(void)MHD_add_response_header(r->ready, "Vary", "Accept-Encoding");
	(void)MHD_add_response_header(r->ready, "Cache-Control",
	                              strncmp(name, "assets/", 7) == 0 ? "public, max-age=31536000, immutable"
	                                                               : "no-cache");
	if (gzip)
		(void)MHD_add_response_header(r->ready, "Content-Encoding", "gzip");
}

void on_static(struct request *r)
{
	const char *name = r->path[0] == '/' ? r->path + 1 : r->path;
	char zipped[1040];
	if (!name[0] || strcmp(name, "setup") == 0)
		name = "index.html"; /* what it shows stands behind the # */
	else if (!strchr(name, '.')) {
		page_problem(r, 404); /* a link cut short in a mail, most often: not the shop's own door */
		return;
	}
	snprintf(zipped, sizeof zipped, "%s.gz", name);
	const struct embedded_file *f = embedded_find(ui_files, ui_file_count, name);
	const struct embedded_file *gz = takes_gzip(r) ? embedded_find(ui_files, ui_file_count, zipped) : NULL;
	if (gz || f) {
		send_file(r, gz ? gz : f, name, gz != NULL);
	} else if (strcmp(name, "index.html") == 0) {
		buf_cstr(&r->out, NO_UI);
		r->type = "text/html; charset=utf-8";
	} else {
		request_problem(r, 404, "there is no such file");
	}
}
