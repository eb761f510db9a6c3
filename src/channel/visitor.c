#include "channel/visitor.h"

#include "base/check.h"
#include "channel/mailpart.h"

static const struct {
	enum visitor visitor;
	const char *agent; /* lower case, anywhere in the user agent */
} AGENTS[] = {
	{ VISITOR_PROXY, "googleimageproxy" },
	{ VISITOR_PROXY, "ggpht.com" },
	{ VISITOR_PROXY, "yahoomailproxy" },
	{ VISITOR_PROXY, "yahoo! slurp" },
	{ VISITOR_PROXY, "outlookimageproxy" },
	{ VISITOR_PROXY, "mail.ru imageproxy" },
	{ VISITOR_PROXY, "yandeximageresizer" },
	{ VISITOR_PROXY, "duckduckgo email" },
	{ VISITOR_PROXY, "protonmail" },
	{ VISITOR_PROXY, "fastmail" },
	{ VISITOR_SCANNER, "barracuda" },
	{ VISITOR_SCANNER, "proofpoint" },
	{ VISITOR_SCANNER, "mimecast" },
	{ VISITOR_SCANNER, "messagelabs" },
	{ VISITOR_SCANNER, "symantec" },
	{ VISITOR_SCANNER, "fireeye" },
	{ VISITOR_SCANNER, "trendmicro" },
	{ VISITOR_SCANNER, "cloudmark" },
	{ VISITOR_SCANNER, "ironport" },
	{ VISITOR_SCANNER, "safelinks" },
	{ VISITOR_SCANNER, "bingpreview" },
	{ VISITOR_SCANNER, "vade" },
	{ VISITOR_SCANNER, "mailinblack" },
	{ VISITOR_SCANNER, "slackbot" },
	{ VISITOR_SCANNER, "facebookexternalhit" },
	{ VISITOR_SCANNER, "whatsapp" },
	{ VISITOR_SCANNER, "telegrambot" },
	{ VISITOR_SCANNER, "twitterbot" },
	{ VISITOR_SCANNER, "linkedinbot" },
	{ VISITOR_SCANNER, "skypeuripreview" },
	{ VISITOR_SCANNER, "urlscan" },
	{ VISITOR_SCANNER, "virustotal" },
	{ VISITOR_SCANNER, "headlesschrome" },
	{ VISITOR_SCANNER, "phantomjs" },
	{ VISITOR_SCANNER, "bot/" },
	{ VISITOR_SCANNER, "bot;" },
	{ VISITOR_SCANNER, "crawler" },
	{ VISITOR_SCANNER, "spider" },
	{ VISITOR_SCANNER, "scanner" },
	{ VISITOR_SCANNER, "curl/" },
	{ VISITOR_SCANNER, "wget/" },
	{ VISITOR_SCANNER, "python-" },
	{ VISITOR_SCANNER, "java/" },
	{ VISITOR_SCANNER, "go-http-client" },
	{ VISITOR_SCANNER, "okhttp" },
	{ VISITOR_SCANNER, "libwww" },
	{ VISITOR_SCANNER, "apache-httpclient" },
	{ VISITOR_SCANNER, "aiohttp" },
};

enum visitor visitor_of(const struct visit *v)
{
	struct str agent = str_trim(v->user_agent);
	for (size_t i = 0; i < ARRAY_LEN(AGENTS); i++)
		if (str_has(agent, AGENTS[i].agent))
			return AGENTS[i].visitor;
	/* Apple's Mail Privacy Protection names itself "Mozilla/5.0" and nothing else */
	if (v->open && str_is(agent, "Mozilla/5.0"))
		return VISITOR_PROXY;
	if (agent.n < 12 || !str_is(v->method, "GET"))
		return VISITOR_SCANNER;
	if (v->after_accept_s >= 0 && v->after_accept_s < VISITOR_INSTANT_S)
		return v->open ? VISITOR_PROXY : VISITOR_SCANNER;
	if (!v->open && v->links_within_burst >= VISITOR_BURST_LINKS)
		return VISITOR_SCANNER;
	return VISITOR_PERSON;
}
