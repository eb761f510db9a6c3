/* test_dkim: an independent verifier (dkimpy) accepts what we sign, and refuses it once touched. */
#include "channel/dkim.h"
#include "channel/domain.h"
#include "data.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static const char MAIL[] = "Date: Thu, 01 Sep 2011 10:00:00 +0200\r\n"
						   "From: =?utf-8?q?L=27=C3=A9choppe?= <bonjour@boutique.example>\r\n"
						   "To: Eve <eve@example.com>\r\n"
						   "Subject:  A   long subject,\r\n folded  twice\r\n\there\r\n"
						   "Message-ID: <k@boutique.example>\r\n"
						   "List-Unsubscribe: <https://boutique.example/u>\r\n"
						   "MIME-Version: 1.0\r\n"
						   "Content-Type: text/plain; charset=utf-8\r\n"
						   "\r\n"
						   "Hello  \t there  \r\n\r\n=2E\r\nlast line\r\n\r\n\r\n";

struct keys {
	struct dkim_key *rsa, *ed;
	char rsa_record[1000], ed_record[300];
};

static struct dkim_key *new_key(enum dkim_algorithm algorithm, char *record, size_t size)
{
	struct buf pem, txt;
	struct err err;
	buf_init(&pem, DKIM_PEM_MAX);
	buf_init(&txt, 4096);
	ck_assert_msg(dkim_key_generate(algorithm, &pem, &err), "%s", err.text);
	struct dkim_key *key = dkim_key_parse(buf_view(&pem), &err);
	ck_assert_msg(key != NULL, "%s", err.text);
	ck_assert(dkim_key_algorithm(key) == algorithm);
	ck_assert(dkim_key_record(key, &txt, &err));
	snprintf(record, size, "%s", txt.p);
	buf_release(&pem);
	buf_release(&txt);
	return key;
}

static struct keys new_keys(void)
{
	struct keys k;
	k.rsa = new_key(DKIM_RSA, k.rsa_record, sizeof k.rsa_record);
	k.ed = new_key(DKIM_ED25519, k.ed_record, sizeof k.ed_record);
	return k;
}

static void sign(const struct keys *k, struct str mail, struct buf *out)
{
	const struct dkim_key *keys[] = { k->rsa, k->ed };
	const struct str selectors[] = { STR("r1"), STR("e1") };
	struct err err;
	struct dkim_signer *s = dkim_signer_new(STR("boutique.example"), keys, selectors, 2, &err);
	ck_assert_msg(s != NULL, "%s", err.text);
	for (int i = 0; i < 3; i++) { /* a signer signs many mails */
		buf_clear(out);
		ck_assert_msg(dkim_sign(s, mail, out, &err), "%s", err.text);
	}
	dkim_signer_free(s);
}

/* What the verifier says, one word a signature; false when it is not installed. */
static bool verify(const struct keys *k, const char *mail, size_t n, char *out, size_t size)
{
	char path[] = "/tmp/relance-dkim-XXXXXX", script[512], command[3000];
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, mail, n), (ssize_t)n);
	close(fd);
	source_path("tests/unit/mail_check.py", script, sizeof script);
	snprintf(command, sizeof command,
	         "/usr/bin/python3 '%s' dkim '%s' 'r1._domainkey.boutique.example=%s' 'e1._domainkey.boutique.example=%s'",
	         script, path, k->rsa_record, k->ed_record);
	FILE *p = popen(command, "r");
	size_t got = p ? fread(out, 1, size - 1, p) : 0;
	out[got] = '\0';
	int status = p ? pclose(p) : -1;
	unlink(path);
	if (status != 0)
		printf("skipped: python3-dkim is not installed\n");
	return status == 0;
}

static void free_keys(struct keys *k)
{
	dkim_key_free(k->rsa);
	dkim_key_free(k->ed);
}

START_TEST(dkim_is_accepted_by_another_verifier)
{
	struct keys k = new_keys();
	struct buf mail;
	char said[600];
	buf_init(&mail, 1 << 20);
	sign(&k, STR(MAIL), &mail);
	buf_cstr(&mail, MAIL);
	if (verify(&k, mail.p, mail.n, said, sizeof said)) {
		ck_assert_str_eq(said, "pass\npass\n");
		char *from = strstr(mail.p, "last line");
		*from = 'L';
		verify(&k, mail.p, mail.n, said, sizeof said);
		ck_assert_ptr_null(strstr(said, "pass"));
		*from = 'l';
		buf_clear(&mail); /* a second From on top must not go unnoticed */
		sign(&k, STR(MAIL), &mail);
		buf_cstr(&mail, "From: evil@example.com\r\n");
		buf_cstr(&mail, MAIL);
		verify(&k, mail.p, mail.n, said, sizeof said);
		ck_assert_ptr_null(strstr(said, "pass"));
	}
	buf_release(&mail);
	free_keys(&k);
}
END_TEST

START_TEST(dkim_lines_are_short_and_repeatable)
{
	struct keys k = new_keys();
	struct buf a, b;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	sign(&k, STR(MAIL), &a);
	sign(&k, STR(MAIL), &b);
	ck_assert_str_eq(a.p, b.p);
	for (char *line = a.p, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
		ck_assert_int_le(end - line, 100);
	buf_release(&a);
	buf_release(&b);
	free_keys(&k);
}
END_TEST

START_TEST(dkim_empty_body)
{
	/* RFC 6376 section 3.4.4: the relaxed hash of an empty body is that of nothing */
	struct keys k = new_keys();
	struct buf a;
	buf_init(&a, 1 << 20);
	sign(&k, STR("From: a@b.example\r\nTo: c@d.example\r\n\r\n\r\n\r\n"), &a);
	ck_assert_ptr_nonnull(strstr(a.p, "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;"));
	buf_release(&a);
	free_keys(&k);
}
END_TEST

START_TEST(dkim_refuses_bad_keys)
{
	struct err err;
	ck_assert_ptr_null(dkim_key_parse(STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &err));
	ck_assert_ptr_null(dkim_key_parse(STR(""), &err));
	struct keys k = new_keys();
	const struct dkim_key *keys[] = { k.rsa };
	const struct str bad[] = { STR("a b") };
	ck_assert_ptr_null(dkim_signer_new(STR("boutique.example"), keys, bad, 1, &err));
	ck_assert_ptr_null(dkim_signer_new(STR("bou\r\ntique"), keys, bad, 1, &err));
	free_keys(&k);
}
END_TEST

static enum domain_state spf(struct arena *a, const char *mechanism, const char *one, const char *two)
{
	const struct str found[] = { str_from(one), str_from(two) };
	return domain_judge_spf(a, STR("shop.example"), str_from(mechanism), true, found, one ? two ? 2 : 1 : 0).state;
}

START_TEST(domain_judges_spf)
{
	struct arena a;
	arena_init(&a);
	ck_assert(spf(&a, "include:x.example", NULL, NULL) == DOMAIN_MISSING);
	ck_assert(spf(&a, "include:x.example", "v=spf1 include:x.example -all", "google-site-verification=1") ==
	          DOMAIN_PUBLISHED);
	ck_assert(spf(&a, "include:x.example", "v=spf1 include:other.example -all", NULL) == DOMAIN_DIFFERS);
	ck_assert(spf(&a, "include:x.example", "v=spf1 include:x.example +all", NULL) == DOMAIN_DIFFERS);
	ck_assert(spf(&a, "mx", "v=spf1 mx -all", "v=spf1 a -all") == DOMAIN_DIFFERS);
	const struct str found[] = { STR("v=spf1 include:other.example -all") };
	struct domain_record r = domain_judge_spf(&a, STR("shop.example"), STR("include:x.example"), true, found, 1);
	ck_assert(str_is(r.publish, "v=spf1 include:x.example include:other.example -all"));
	ck_assert(domain_judge_spf(&a, STR("shop.example"), STR("mx"), false, NULL, 0).state == DOMAIN_NOT_LOOKED);
	arena_release(&a);
}
END_TEST

START_TEST(domain_judges_keys_and_policy)
{
	struct arena a;
	arena_init(&a);
	const struct str good[] = { STR("v=DKIM1;k=rsa; p=AB CD") }, empty[] = { STR("v=DKIM1; p=") };
	struct str want = STR("v=DKIM1; k=rsa; p=ABCD"), d = STR("shop.example");
	ck_assert(domain_judge_dkim(&a, d, STR("s"), want, true, good, 1).state == DOMAIN_PUBLISHED);
	ck_assert(domain_judge_dkim(&a, d, STR("s"), STR("v=DKIM1; p=XX"), true, good, 1).state == DOMAIN_DIFFERS);
	ck_assert(domain_judge_dkim(&a, d, STR("s"), want, true, empty, 1).state == DOMAIN_DIFFERS);
	ck_assert(domain_judge_dkim(&a, d, STR("s"), want, true, NULL, 0).state == DOMAIN_MISSING);
	const struct str none[] = { STR("v=DMARC1; p=none; rua=mailto:x@y.z") },
					 broken[] = { STR("v=DMARC1; rua=mailto:x@y.z") };
	struct domain_record r = domain_judge_dmarc(&a, d, STR("dmarc@shop.example"), true, none, 1);
	ck_assert(r.state == DOMAIN_PUBLISHED && r.note.n > 0);
	ck_assert(domain_judge_dmarc(&a, d, STR(""), true, broken, 1).state == DOMAIN_DIFFERS);
	r = domain_judge_dmarc(&a, d, STR("dmarc@shop.example"), true, NULL, 0);
	ck_assert(str_is(r.publish, "v=DMARC1; p=none; rua=mailto:dmarc@shop.example"));
	ck_assert(domain_name_ok(STR("a-b.example")) && !domain_name_ok(STR("a b.example")) &&
	          !domain_name_ok(STR("example")));
	arena_release(&a);
}
END_TEST

UNIT_MAIN("dkim", dkim_is_accepted_by_another_verifier, dkim_lines_are_short_and_repeatable, dkim_empty_body,
          dkim_refuses_bad_keys, domain_judges_spf, domain_judges_keys_and_policy)
