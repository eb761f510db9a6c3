#include "channel/domain.h"

#include "channel/mailpart.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>

static const char *const STATES[] = { "published", "missing", "differs", "not looked up" };

const char *domain_state_name(enum domain_state s)
{
	return STATES[s];
}

bool domain_name_ok(struct str d)
{
	size_t label = 0, dots = 0;
	for (size_t i = 0; i < d.n; i++) {
		char c = d.p[i];
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			dots++;
		} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return dots > 0 && label > 0 && d.n <= 253;
}

/* ---- lookups ---- */

static struct str join_strings(struct arena *a, const unsigned char *p, size_t n)
{
	char *out = arena_alloc(a, n + 1);
	size_t len = 0;
	for (size_t i = 0; i < n;) { /* character strings: a length byte, then as many bytes */
		size_t part = p[i++];
		if (part > n - i)
			part = n - i;
		memcpy(out + len, p + i, part);
		len += part;
		i += part;
	}
	return (struct str){ out, len };
}

bool domain_txt(struct arena *a, struct str name, struct str *out, size_t *count)
{
	unsigned char answer[16 << 10];
	struct __res_state resolver = { 0 };
	*count = 0;
	if (res_ninit(&resolver) != 0)
		return false;
	resolver.retrans = 2;
	resolver.retry = 1;
	int n = res_nquery(&resolver, arena_cstr(a, name), ns_c_in, ns_t_txt, answer, sizeof answer);
	bool nothing = n < 0 && (resolver.res_h_errno == HOST_NOT_FOUND || resolver.res_h_errno == NO_DATA);
	res_nclose(&resolver);
	if (n < 0)
		return nothing;
	ns_msg message;
	if (ns_initparse(answer, n < (int)sizeof answer ? n : (int)sizeof answer, &message) != 0)
		return false;
	for (int i = 0; i < ns_msg_count(message, ns_s_an) && *count < DOMAIN_ANSWERS_MAX; i++) {
		ns_rr rr;
		if (ns_parserr(&message, ns_s_an, i, &rr) == 0 && ns_rr_type(rr) == ns_t_txt &&
		    ns_rr_rdlen(rr) <= DOMAIN_TXT_MAX)
			out[(*count)++] = join_strings(a, ns_rr_rdata(rr), ns_rr_rdlen(rr));
	}
	return true;
}

/* ---- judging ---- */

static bool begins(struct str s, const char *lower)
{
	size_t n = strlen(lower);
	return s.n >= n && str_eq_nocase((struct str){ s.p, n }, str_from(lower));
}

static const struct str *only(const struct str *found, size_t count, const char *start, size_t *matches)
{
	const struct str *first = NULL;
	*matches = 0;
	for (size_t i = 0; i < count; i++)
		if (begins(found[i], start)) {
			first = first ? first : &found[i];
			++*matches;
		}
	return first;
}

static bool has_term(struct str record, struct str term)
{
	for (size_t i = 0; i < record.n;) {
		size_t n = 0;
		while (i + n < record.n && record.p[i + n] != ' ')
			n++;
		struct str word = { record.p + i, n };
		if (word.n && word.p[0] == '+')
			word = (struct str){ word.p + 1, word.n - 1 };
		if (str_eq_nocase(word, term))
			return true;
		i += n + 1;
	}
	return false;
}

static void differs(struct domain_record *r, const char *note)
{
	r->state = DOMAIN_DIFFERS;
	r->note = str_from(note);
}

struct domain_record domain_judge_spf(struct arena *a, struct str domain, struct str mechanism, bool answered,
                                      const struct str *found, size_t count)
{
	struct str term = mechanism.n ? mechanism : STR("mx");
	struct domain_record r = { .kind = "SPF", .name = domain, .state = answered ? DOMAIN_MISSING : DOMAIN_NOT_LOOKED };
	r.publish = arena_printf(a, "v=spf1 %.*s ~all", STR_ARG(term));
	size_t matches;
	const struct str *spf = only(found, count, "v=spf1", &matches);
	if (!answered || !spf)
		return r;
	r.found = *spf;
	r.state = DOMAIN_PUBLISHED;
	if (matches > 1)
		differs(&r, "more than one SPF record: receivers then ignore all of them; merge them into one");
	else if (has_term(*spf, STR("all")))
		differs(&r, "\"+all\" lets anybody send in your name; end it with ~all or -all");
	else if (mechanism.n && !has_term(*spf, term)) {
		differs(&r, "the record is there, but does not name your mail server");
		const char *rest = spf->n > 6 ? spf->p + 6 : "";
		r.publish = arena_printf(a, "v=spf1 %.*s%.*s", STR_ARG(term), (int)(spf->n > 6 ? spf->n - 6 : 0), rest);
	}
	return r;
}

/* The value of one tag of "v=DKIM1; k=rsa; p=…", white space dropped. */
static struct str tag(struct arena *a, struct str record, char name)
{
	for (size_t i = 0; i < record.n;) {
		const char *semi = memchr(record.p + i, ';', record.n - i);
		size_t n = semi ? (size_t)(semi - record.p) - i : record.n - i;
		struct str part = str_trim((struct str){ record.p + i, n });
		const char *equal = part.n ? memchr(part.p, '=', part.n) : NULL;
		if (equal && str_trim((struct str){ part.p, (size_t)(equal - part.p) }).n == 1 && part.p[0] == name) {
			char *out = arena_alloc(a, part.n + 1);
			size_t len = 0;
			for (const char *p = equal + 1; p < part.p + part.n; p++)
				if (*p != ' ' && *p != '\t')
					out[len++] = *p;
			return (struct str){ out, len };
		}
		i += n + 1;
	}
	return (struct str){ "", 0 };
}

struct domain_record domain_judge_dkim(struct arena *a, struct str domain, struct str selector, struct str record,
                                       bool answered, const struct str *found, size_t count)
{
	struct domain_record r = { .kind = "DKIM",
		                       .publish = record,
		                       .state = answered ? DOMAIN_MISSING : DOMAIN_NOT_LOOKED };
	r.name = arena_printf(a, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(domain));
	if (!answered || count == 0)
		return r;
	r.found = found[0];
	r.state = DOMAIN_PUBLISHED;
	if (count > 1)
		differs(&r, "more than one record under this selector: keep one");
	else if (tag(a, found[0], 'p').n == 0)
		differs(&r, "the key is withdrawn (p= is empty)");
	else if (record.n && !str_eq(tag(a, found[0], 'p'), tag(a, record, 'p')))
		differs(&r, "another key is published than the one that signs");
	return r;
}

struct domain_record domain_judge_dmarc(struct arena *a, struct str domain, struct str report_to, bool answered,
                                        const struct str *found, size_t count)
{
	struct domain_record r = { .kind = "DMARC", .state = answered ? DOMAIN_MISSING : DOMAIN_NOT_LOOKED };
	r.name = arena_printf(a, "_dmarc.%.*s", STR_ARG(domain));
	r.publish = report_to.n ? arena_printf(a, "v=DMARC1; p=none; rua=mailto:%.*s", STR_ARG(report_to))
	                        : STR("v=DMARC1; p=none");
	size_t matches;
	const struct str *dmarc = only(found, count, "v=dmarc1", &matches);
	if (!answered || !dmarc)
		return r;
	r.found = *dmarc;
	r.state = DOMAIN_PUBLISHED;
	struct str policy = tag(a, *dmarc, 'p');
	if (matches > 1)
		differs(&r, "more than one DMARC record: receivers then ignore all of them");
	else if (policy.n == 0)
		differs(&r, "the record has no policy (p=)");
	else if (str_eq_nocase(policy, STR("none")))
		r.note = STR("p=none only watches; go on to quarantine once reports show that all your mail passes");
	return r;
}
