#include "web/pages.h"

static const char STYLE[] =
	":root{color-scheme:light "
	"dark;--paper:#faf8f4;--ink:#211d18;--soft:#595248;--line:#8e8577;--accent:#ad4626;--on:#fffefb;--wrong:#a01c41}"
	"@media(prefers-color-scheme:dark){:root{--paper:#171411;--ink:#efe8dc;--soft:#bdb3a4;--line:#7d7265;"
	"--accent:#e58d67;--on:#1b1410;--wrong:#f08fa6}}*{box-sizing:border-box}body{margin:0;background:var(--paper);"
	"color:var(--ink);font:17px/1.6 system-ui,-apple-system,'Segoe UI',sans-serif}main{max-width:34rem;"
	"margin:0 auto;padding:12vh 20px 4rem}.shop{color:var(--soft);margin:0 0 2rem;font-size:.95rem}"
	"h1{font-size:1.6rem;line-height:1.25;font-weight:600;margin:0 0 1rem}p{margin:0 0 1rem}"
	"fieldset{border:0;margin:0 0 1.5rem;padding:0}form{margin:0 0 1.2rem}button{margin-top:.5rem}"
	"form+p,form+form{margin-top:1.75rem}legend{padding:0;font-weight:600;margin-bottom:.5rem}label{display:flex;gap:."
	"7rem;"
	"align-items:baseline;padding:.55rem "
	"0}label.field{display:block;padding-bottom:1rem}input[type=email],input[type=text],"
	"input[type=date],textarea{display:block;width:100%;margin-top:.25rem;padding:.6rem .7rem;"
	"border:1px solid var(--line);border-radius:4px;background:transparent;color:inherit;font:inherit}"
	"input[type=radio],input[type=checkbox]{accent-color:var(--accent);width:1.1rem;height:1.1rem;"
	"flex:none;position:relative;top:.15rem}button{font:inherit;font-weight:600;padding:.7rem 1.4rem;"
	"border:0;border-radius:4px;background:var(--accent);color:var(--on);cursor:pointer}"
	"button.quiet{background:transparent;color:var(--accent);border:1px solid currentColor}"
	"a{color:var(--accent)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
	".small{color:var(--soft);font-size:.9rem}.small a{display:inline-block;padding:.6rem 0}"
	".wrong{color:var(--wrong);font-weight:600}@media(max-width:480px){main{padding-top:3rem}button{width:100%}}";

bool page_french(struct request *r)
{
	const char *asked = request_query(r, "lang"), *accept = request_header(r, "Accept-Language");
	if (asked)
		return strncmp(asked, "en", 2) != 0;
	if (accept && (strncmp(accept, "fr", 2) == 0 || strncmp(accept, "en", 2) == 0))
		return accept[0] == 'f';
	return r->web->shop.locale == LOCALE_FR;
}

void page_begin(struct request *r, const char *title)
{
	struct buf *b = &r->out;
	struct str shop = str_from(r->web->shop.name);
	buf_clear(b);
	r->type = "text/html; charset=utf-8";
	buf_printf(b,
	           "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	           "content=\"width=device-width\">"
	           "<meta name=\"robots\" content=\"noindex\"><title>%s",
	           page_french(r) ? "fr" : "en", title);
	if (shop.n) {
		buf_cstr(b, " – ");
		buf_html(b, shop);
	}
	buf_printf(b, "</title><style>%s</style></head><body><main>", STYLE);
	if (shop.n) {
		buf_cstr(b, "<p class=\"shop\">");
		buf_html(b, shop);
		buf_cstr(b, "</p>");
	}
	page_text(r, "h1", title);
}

void page_end(struct request *r)
{
	buf_cstr(&r->out, "</main></body></html>\n");
}

void page_text(struct request *r, const char *tag, const char *text)
{
	buf_printf(&r->out, "<%s>", tag);
	buf_html(&r->out, str_from(text));
	buf_printf(&r->out, "</%s>", tag);
}

void page_trouble(struct request *r, const char *text)
{
	buf_cstr(&r->out, "<p class=\"wrong\" role=\"alert\">");
	buf_html(&r->out, str_from(text));
	buf_cstr(&r->out, "</p>");
}

void page_say(struct request *r, int status, const char *title, const char *text)
{
	page_begin(r, title);
	page_text(r, "p", text);
	page_end(r);
	r->status = status;
}

void page_problem(struct request *r, int status)
{
	bool fr = page_french(r);
	if (status == 404 || status == 410)
		page_say(r, status, fr ? "Ce lien ne mène nulle part" : "This link leads nowhere",
		         fr ? "Il est peut-être incomplet\u00a0: ouvrez-le depuis le message lui-même."
		            : "It may be incomplete: open it from the message itself.");
	else
		page_say(r, status, fr ? "Cela n’a pas marché" : "That did not work",
		         fr ? "Rien n’a été changé. Réessayez dans un instant."
		            : "Nothing was changed. Try again in a moment.");
}
