/* Answers: JSON written piece by piece, problems (RFC 9457), bodies read. */
#include "web/web_int.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

const char *status_title(int status)
{
	switch (status) {
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 410: return "Gone";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 422: return "Unprocessable Content";
	case 429: return "Too Many Requests";
	case 500: return "Internal Server Error";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	}
	return "Error";
}

void request_problem(struct request *r, int status, const char *fmt, ...)
{
	char detail[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof detail, fmt, ap);
	va_end(ap);
	r->status = status;
	r->next = NULL;
	if (r->route && r->route->flags & PAGE) {
		page_problem(r, status);
		return;
	}
	r->out.full = false;
	buf_clear(&r->out);
	r->type = "application/problem+json";
	put_open(&r->out, NULL, '{');
	put_cstr(&r->out, "type", "about:blank");
	put_cstr(&r->out, "title", status_title(status));
	put_int(&r->out, "status", status);
	put_cstr(&r->out, "detail", detail);
	put_cstr(&r->out, "instance", r->path);
	put_close(&r->out, '}');
}

void request_refuse(struct request *r, int status, const char *fr, const char *en)
{
	request_problem(r, status, "%s", request_locale(r) == LOCALE_FR ? fr : en);
}

void request_err(struct request *r, const struct err *err)
{
	int status = 500;
	switch (err->kind) {
	case ERR_INPUT:
	case ERR_LIMIT: status = 422; break;
	case ERR_CONFLICT: status = 409; break;
	case ERR_WORLD:
	case ERR_NONE: status = 503; break;
	}
	request_problem(r, status, "%s", err->text);
}

void request_add_header(struct request *r, const char *name, struct str value)
{
	check(r->header_count < HEADERS_MAX);
	r->headers[r->header_count++] = (struct header){ name, { arena_cstr(&r->arena, value), value.n } };
}

void request_send_json(struct request *r, int status)
{
	r->status = status;
	r->type = "application/json";
}

void request_deleted(struct request *r, bool ok, int64_t id, int64_t changed, const struct err *err)
{
	if (!ok) {
		request_err(r, err);
	} else if (!changed) {
		request_problem(r, 404, "there is none with this number");
	} else {
		put_open(&r->out, NULL, '{');
		put_int(&r->out, "deleted", id);
		put_close(&r->out, '}');
		request_send_json(r, 200);
	}
}

/* ---- writing ---- */

static void comma_and_key(struct buf *b, const char *key)
{
	char last = b->n ? b->p[b->n - 1] : '{';
	if (last != '{' && last != '[' && last != ':')
		buf_char(b, ',');
	if (key) {
		buf_json(b, str_from(key));
		buf_char(b, ':');
	}
}

void put_open(struct buf *b, const char *key, char bracket)
{
	comma_and_key(b, key);
	buf_char(b, bracket);
}

void put_close(struct buf *b, char bracket)
{
	buf_char(b, bracket);
}

void put_str(struct buf *b, const char *key, struct str s)
{
	comma_and_key(b, key);
	buf_json(b, s.p ? s : STR(""));
}

void put_cstr(struct buf *b, const char *key, const char *s)
{
	comma_and_key(b, key);
	if (s)
		buf_json(b, str_from(s));
	else
		buf_cstr(b, "null");
}

void put_int(struct buf *b, const char *key, int64_t v)
{
	comma_and_key(b, key);
	buf_i64(b, v);
}

void put_real(struct buf *b, const char *key, double v)
{
	comma_and_key(b, key);
	if (isfinite(v))
		buf_printf(b, "%.12g", v);
	else
		buf_cstr(b, "null");
}

void put_bool(struct buf *b, const char *key, bool v)
{
	comma_and_key(b, key);
	buf_cstr(b, v ? "true" : "false");
}

void put_null(struct buf *b, const char *key)
{
	comma_and_key(b, key);
	buf_cstr(b, "null");
}

void put_instant(struct buf *b, const char *key, struct instant t)
{
	char text[32];
	if (t.s <= 0 || t.s == INSTANT_NEVER.s)
		put_null(b, key);
	else
		put_cstr(b, key, instant_text(t, text));
}

void put_date(struct buf *b, const char *key, struct date d)
{
	char text[16];
	if (date_known(d))
		put_cstr(b, key, date_text(d, text));
	else
		put_null(b, key);
}

void put_raw(struct buf *b, const char *key, struct str json)
{
	comma_and_key(b, key);
	buf_str(b, json);
}

/* ---- reading ---- */

json_t *request_json(struct request *r)
{
	json_error_t why;
	json_t *o = json_loadb(r->body.p ? r->body.p : "", r->body.n, JSON_REJECT_DUPLICATES, &why);
	if (!o) {
		request_problem(r, 400, "the body is no JSON: line %d, column %d", why.line, why.column);
		return NULL;
	}
	if (!json_is_object(o)) {
		json_decref(o);
		request_problem(r, 400, "the body has to be a JSON object");
		return NULL;
	}
	return o;
}

const char *member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}
