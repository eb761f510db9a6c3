/* test_bounce: real mails against an independent parser's labels, and the finer points one by one. */
#include "channel/bounce.h"
#include "channel/mailpart.h"
#include "channel/webhook.h"
#include "data.h"
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <dirent.h>
#include <stdio.h>

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	char *bytes = malloc(4 << 20);
	*n = fread(bytes, 1, (4 << 20) - 1, f);
	bytes[*n] = '\0';
	fclose(f);
	return bytes;
}

struct label {
	char file[64], recipient[200];
	bool hard, none;
	int seen;
};

enum { LABELS_MAX = 2000 };

static size_t read_labels(const char *path, struct label *labels)
{
	size_t n, count = 0;
	char *text = read_file(path, &n);
	struct str rest = { text, n }, line;
	line_next(&rest, &line);
	while (line_next(&rest, &line) && count < LABELS_MAX) {
		struct str f[6] = { { 0 } };
		size_t k = 0;
		for (size_t i = 0, start = 0; i <= line.n && k < 6; i++)
			if (i == line.n || line.p[i] == '\t') {
				f[k++] = (struct str){ line.p + start, i - start };
				start = i + 1;
			}
		ck_assert_uint_eq(k, 6);
		struct label *l = &labels[count++];
		snprintf(l->file, sizeof l->file, "%.*s", STR_ARG(f[0]));
		snprintf(l->recipient, sizeof l->recipient, "%.*s", STR_ARG(f[1]));
		if (str_starts(f[1], STR("undisclosed-recipient")))
			l->recipient[0] = '\0'; /* the other parser's name for nobody */
		l->none = str_is(f[1], "-");
		l->hard = str_is(f[5], "1");
	}
	free(text);
	return count;
}

static bool agrees(const struct bounce_report *r, struct label *labels, size_t count, const char *file)
{
	size_t wanted = 0, got = 0;
	for (size_t i = 0; i < r->count; i++)
		got += r->list[i].verdict != BOUNCE_VACATION;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(labels[i].file, file) != 0 || labels[i].none)
			continue;
		wanted++;
		bool found = false;
		for (size_t j = 0; j < r->count; j++)
			if (str_eq_nocase(r->list[j].recipient, str_from(labels[i].recipient)))
				found = (r->list[j].verdict == BOUNCE_HARD) == labels[i].hard;
		if (!found)
			return false;
	}
	return wanted == got;
}

static bool is_listed(const char *list, const char *file)
{
	char key[80];
	snprintf(key, sizeof key, "\n%.70s\t", file);
	return strstr(list, key) != NULL;
}

START_TEST(bounce_agrees_with_labels)
{
	char folder[64], path[600], labels_path[512];
	if (!data_path("bounces/labels.tsv", labels_path, sizeof labels_path) ||
	    !data_unpack("bounces/bounces.tar.zst", folder, sizeof folder))
		return;
	static struct label labels[LABELS_MAX];
	size_t count = read_labels(labels_path, labels), n, mails = 0, agreed = 0;
	source_path("tests/unit/bounce_disagreements.tsv", path, sizeof path);
	char *known = read_file(path, &n);
	struct arena a;
	arena_init(&a);
	for (size_t i = 0; i < count; i++) {
		if (i && strcmp(labels[i].file, labels[i - 1].file) == 0)
			continue;
		snprintf(path, sizeof path, "%s/bounces/%.63s", folder, labels[i].file);
		char *mail = read_file(path, &n);
		struct bounce_report report;
		bounce_parse(&a, (struct str){ mail, n }, &report);
		bool ok = agrees(&report, labels, count, labels[i].file);
		ck_assert_msg(ok != is_listed(known, labels[i].file), "%s: %s", labels[i].file,
		              ok ? "agrees, but is listed as a disagreement" : "disagrees, and is not listed");
		mails++;
		agreed += ok;
		arena_clear(&a);
		free(mail);
	}
	ck_assert_msg(agreed * 100 >= mails * 95, "%zu of %zu agree", agreed, mails);
	arena_release(&a);
	free(known);
	data_remove(folder);
}
END_TEST

static struct bounce_report parse(struct arena *a, const char *mail)
{
	struct bounce_report r;
	bounce_parse(a, str_from(mail), &r);
	return r;
}

static void expect(const char *mail, const char *recipient, enum bounce_verdict verdict, const char *reason)
{
	struct arena a;
	arena_init(&a);
	struct bounce_report r = parse(&a, mail);
	ck_assert_uint_eq(r.count, 1);
	ck_assert_msg(str_is(r.list[0].recipient, recipient), "%.*s", STR_ARG(r.list[0].recipient));
	ck_assert_str_eq(bounce_verdict_name(r.list[0].verdict), bounce_verdict_name(verdict));
	ck_assert_str_eq(bounce_reason_name(r.list[0].reason), reason);
	arena_release(&a);
}

START_TEST(bounce_reads_reports)
{
	struct arena a;
	arena_init(&a);
	struct bounce_report r =
		parse(&a, "From: MAILER-DAEMON@x.example\nTo: bounces+abc@shop.example\n"
	              "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n"
	              "--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n"
	              "Final-Recipient: rfc822; gone@example.com\nAction: failed\nStatus: 5.1.1\n"
	              "Diagnostic-Code: smtp; 550 5.1.1\n  User unknown\n\n"
	              "Final-Recipient: rfc822; ok@example.com\nAction: delivered\nStatus: 2.0.0\n\n"
	              "Final-Recipient: rfc822; full@example.com\nAction: failed\nStatus: 5.2.2\n\n"
	              "Final-Recipient: rfc822; late@example.com\nAction: delayed\nStatus: 4.4.1\n"
	              "--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <k.1@shop.example>\n--b--\n");
	ck_assert_uint_eq(r.count, 3);
	ck_assert_int_eq(r.list[0].verdict, BOUNCE_HARD);
	ck_assert_int_eq(r.list[1].reason, RETURN_MAILBOXFULL);
	ck_assert_int_eq(r.list[1].verdict, BOUNCE_SOFT);
	ck_assert_int_eq(r.list[2].verdict, BOUNCE_SOFT);
	ck_assert(str_is(r.to, "bounces+abc@shop.example"));
	ck_assert(str_is(r.message_id, "k.1@shop.example"));
	/* names in capitals, every value on a line of its own */
	r = parse(&a, "From: MAILER-DAEMON@x.example\nTo: me@shop.example\n"
	              "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n"
	              "--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nREPORTING-MTA: dns; x.example\n\n"
	              "FINAL-RECIPIENT: RFC822 ;\n  gone@example.com\nACTION: Failed\nSTATUS: 5.1.1\n"
	              "DIAGNOSTIC-CODE: SMTP;\n 550 5.1.1\n User unknown\n"
	              "--b\nContent-Type: text/rfc822-headers\n\nTo: gone@example.com\n--b--\n");
	ck_assert_uint_eq(r.count, 1);
	ck_assert(str_is(r.list[0].recipient, "gone@example.com"));
	ck_assert_int_eq(r.list[0].verdict, BOUNCE_HARD);
	arena_release(&a);
}
END_TEST

START_TEST(bounce_reads_prose)
{
	expect(
		"From: MAILER-DAEMON@q.example\nTo: me@shop.example\nSubject: failure notice\n\n"
		"Hi. This is the qmail-send program at q.example.\n\n<a@example.com>:\n192.0.2.1 does not like recipient.\n"
		"Remote host said: 550 no such user\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n"
		"\nTo: somebody@else.example\n",
		"a@example.com", BOUNCE_HARD, "userunknown");
	expect("From: postmaster@d.example\nTo: me@shop.example\nSubject: DELIVERY FAILURE\n\nYour message\n\n"
	       "  Subject: Hello\n\nwas not delivered to:\n\n  b@example.net\n\nbecause:\n\n"
	       "  User b (b@example.net) not listed in Domino Directory\n",
	       "b@example.net", BOUNCE_HARD, "userunknown");
	expect("From: MAILER-DAEMON@yahoo.example\nTo: me@shop.example\nSubject: Failure Notice\n\n"
	       "Sorry, we were unable to deliver your message to the following address.\n\n<a@yahoo.example>:\n"
	       "554: delivery error: dd This user doesn't have a yahoo.example account (a@yahoo.example) [0]\n\n"
	       "--- Below this line is a copy of the message.\n\n",
	       "a@yahoo.example", BOUNCE_HARD, "userunknown");
	expect("From: MAILER-DAEMON@x.example\nTo: me@shop.example\nSubject: Undelivered Mail\n\n"
	       "<c@example.com>: host mx.example.com said: 550 Unknown user\n    (in reply to end of DATA command)\n",
	       "c@example.com", BOUNCE_SOFT, "filtered");
	expect("From: MAILER-DAEMON@x.example\nTo: me@shop.example\nSubject: Undelivered Mail\n\n"
	       "<d@example.com>: something nobody has ever said\n",
	       "d@example.com", BOUNCE_UNKNOWN, "undefined");
	expect("From: MAILER-DAEMON@x.example\nTo: me@shop.example\nSubject: Undelivered Mail\n\n"
	       "<e@example.com>: host mx said: 452 4.2.2 over quota\n",
	       "e@example.com", BOUNCE_SOFT, "mailboxfull");
}
END_TEST

/* Words about the sender are never proof against the recipient; French servers, accents or not, declared or not. */
START_TEST(bounce_reads_words)
{
	static const struct {
		const char *words;
		enum bounce_verdict verdict;
		const char *reason;
	} CASES[] = {
		{ "550 Verification failed for <b@shop.example>: user unknown", BOUNCE_SOFT, "rejected" },
		{ "550 5.1.0 Mail from address does not exist", BOUNCE_SOFT, "rejected" },
		{ "550 Callback verification failed, sender does not exist", BOUNCE_SOFT, "rejected" },
		{ "550 L\u2019expéditeur n\u2019existe pas", BOUNCE_SOFT, "rejected" },
		{ "504 5.5.2 <shop>: Helo command rejected: Host not found", BOUNCE_SOFT, "blocked" },
		{ "552 5.2.2 La boîte du destinataire est pleine", BOUNCE_SOFT, "mailboxfull" },
		{ "552 La bo\xEEte aux lettres est pleine", BOUNCE_SOFT, "mailboxfull" },
		{ "550 Quota dépassé", BOUNCE_SOFT, "mailboxfull" },
		{ "550 5.7.1 Compte désactivé", BOUNCE_SOFT, "suspend" },
		{ "550 5.1.1 Adresse d\u2019au moins un destinataire invalide. OFR_416", BOUNCE_HARD, "userunknown" },
		{ "550 5.1.1 Le destinataire n'existe pas", BOUNCE_HARD, "userunknown" },
		{ "550 5.1.1 Boîte aux lettres inexistante", BOUNCE_HARD, "userunknown" },
		{ "550 5.1.1 User is unknown", BOUNCE_HARD, "userunknown" },
		{ "550 5.1.1 Non-existent user", BOUNCE_HARD, "userunknown" },
	};
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		char mail[600];
		snprintf(mail, sizeof mail,
		         "From: MAILER-DAEMON@x.example\nTo: me@shop.example\nSubject: Undelivered Mail\n\n"
		         "<a@example.com>: host mx.example.com said: %s (in reply to RCPT TO command)\n",
		         CASES[i].words);
		expect(mail, "a@example.com", CASES[i].verdict, CASES[i].reason);
	}
}
END_TEST

START_TEST(bounce_tells_people_from_machines)
{
	struct arena a;
	arena_init(&a);
	expect("From: Lea <lea@example.com>\nTo: me@shop.example\nSubject: =?utf-8?q?R=C3=A9ponse_automatique?= : Bonjour\n"
	       "\nJe suis absente. La boite est full, user unknown.\n",
	       "lea@example.com", BOUNCE_VACATION, "vacation");
	expect("From: lea@example.com\nAuto-Submitted: auto-replied\nSubject: Hi\n\nAway.\n", "lea@example.com",
	       BOUNCE_VACATION, "vacation");
	struct bounce_report r = parse(&a, "From: Lea <lea@example.com>\nTo: me@shop.example\nSubject: Question\n\n"
	                                   "Do you deliver to bob@example.org?\n");
	ck_assert_uint_eq(r.count, 0);
	arena_release(&a);
}
END_TEST

START_TEST(bounce_reads_complaints)
{
	const char *form =
		"From: fbl@isp.example\nTo: abuse@shop.example\n"
		"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nA complaint.\n"
		"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: %s\nOriginal-Rcpt-To: <p@isp.example>\n"
		"--b\nContent-Type: message/rfc822\n\nTo: p@isp.example\n\nHello\n--b--\n";
	char mail[1000];
	snprintf(mail, sizeof mail, form, "abuse");
	expect(mail, "p@isp.example", BOUNCE_COMPLAINT, "feedback");
	snprintf(mail, sizeof mail, form, "auth-failure");
	expect(mail, "p@isp.example", BOUNCE_UNKNOWN, "authfailure");
	snprintf(mail, sizeof mail, form, "not-spam");
	expect(mail, "p@isp.example", BOUNCE_UNKNOWN, "undefined");
}
END_TEST

/* Whatever is cut off or overwritten, the parser answers. */
START_TEST(bounce_survives_damage)
{
	char folder[64], path[600];
	if (!data_unpack("bounces/bounces.tar.zst", folder, sizeof folder))
		return;
	snprintf(path, sizeof path, "%s/bounces", folder);
	DIR *d = opendir(path);
	struct arena a;
	arena_init(&a);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/bounces/%s", folder, e->d_name);
		size_t n;
		char *mail = read_file(path, &n);
		struct bounce_report r;
		for (size_t cut = n; cut > 40; cut -= cut / 5 + 1) {
			char *exact = malloc(cut); /* so that reading past the end is seen by the sanitizer */
			memcpy(exact, mail, cut);
			bounce_parse(&a, (struct str){ exact, cut }, &r);
			exact[cut / 2] = '"';
			exact[cut / 3] = '\0';
			bounce_parse(&a, (struct str){ exact, cut }, &r);
			arena_clear(&a);
			free(exact);
		}
		free(mail);
	}
	closedir(d);
	arena_release(&a);
	data_remove(folder);
}
END_TEST

START_TEST(bounce_finds_codes)
{
	struct bounce_codes c;
	bounce_codes_find(STR("host mx [192.0.2.55] said: 550 5.1.1 no"), &c);
	ck_assert_int_eq(c.reply, 550);
	ck_assert_str_eq(c.status, "5.1.1");
	bounce_codes_find(STR("10.4.1.2 5.0.0 then 5.7.26"), &c);
	ck_assert_str_eq(c.status, "5.7.26");
	bounce_codes_find(STR("4.2.2.1"), &c);
	ck_assert_str_eq(c.status, "");
	bounce_codes_find(STR("5.1."), &c);
	ck_assert_str_eq(c.status, "");
}
END_TEST

/* ---- providers ---- */

static struct webhook_event one_event(struct arena *a, enum webhook_provider p, const char *json)
{
	struct webhook_events events;
	struct err err;
	ck_assert_msg(webhook_parse(a, p, str_from(json), &events, &err), "%s", err.text);
	ck_assert_uint_eq(events.count, 1);
	return events.list[0];
}

START_TEST(webhook_reads_providers)
{
	struct arena a;
	arena_init(&a);
	struct webhook_event e =
		one_event(&a, PROVIDER_MAILGUN,
	              "{\"event-data\":{\"event\":\"failed\",\"severity\":\"permanent\",\"recipient\":\"a@b.c\","
	              "\"timestamp\":1521233195.37,"
	              "\"message\":{\"headers\":{\"message-id\":\"k@shop\"}},\"delivery-status\":{\"code\":550,\"message\":"
	              "\"5.1.1 The email account that you tried to reach does not exist\"}}}");
	ck_assert_int_eq(e.kind, WEBHOOK_BOUNCED);
	ck_assert_int_eq(e.bounce.verdict, BOUNCE_HARD);
	ck_assert_int_eq(e.at.s, 1521233195);
	ck_assert(str_is(e.message_id, "k@shop"));
	e = one_event(&a, PROVIDER_BREVO,
	              "{\"event\":\"hard_bounce\",\"email\":\"a@b.c\",\"reason\":\"550 spam message rejected\"}");
	ck_assert_int_eq(e.bounce.verdict, BOUNCE_SOFT); /* the words overrule the provider */
	e = one_event(
		&a, PROVIDER_SES,
		"{\"Type\":\"Notification\",\"Message\":\"{\\\"notificationType\\\":\\\"Complaint\\\",\\\"complaint\\\":"
		"{\\\"complainedRecipients\\\":[{\\\"emailAddress\\\":\\\"p@q.r\\\"}]}}\"}");
	ck_assert_int_eq(e.kind, WEBHOOK_COMPLAINED);
	ck_assert(str_is(e.address, "p@q.r"));
	e = one_event(&a, PROVIDER_SES, "{\"Type\":\"SubscriptionConfirmation\",\"SubscribeURL\":\"https://sns.x/\"}");
	ck_assert_int_eq(e.kind, WEBHOOK_CONFIRM);
	struct webhook_events events;
	struct err err;
	ck_assert(!webhook_parse(&a, PROVIDER_BREVO, STR("{\"event\": "), &events, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "line 1"));
	arena_release(&a);
}
END_TEST

/* Samples of the data folder: what each must say. */
static const struct {
	enum webhook_provider provider;
	const char *file, *kind, *verdict;
} SAMPLES[] = {
	{ PROVIDER_BREVO, "brevo/test_clicked_event__raw_event.json", "clicked", "unknown" },
	{ PROVIDER_BREVO, "brevo/test_deferred_event__raw_event.json", "deferred", "soft" },
	{ PROVIDER_BREVO, "brevo/test_hard_bounce__raw_event.json", "bounced", "hard" },
	{ PROVIDER_BREVO, "brevo/test_unique_opened_event__raw_event.json", "opened", "unknown" },
	{ PROVIDER_MAILERSEND, "mailersend/test_hard_bounced_event__raw_event.json", "bounced", "hard" },
	{ PROVIDER_MAILERSEND, "mailersend/test_unsubscribed_event__raw_event.json", "unsubscribed", "unknown" },
	{ PROVIDER_MAILJET, "mailjet/test_bounce_event__raw_events.json", "bounced", "hard" },
	{ PROVIDER_MAILJET, "mailjet/test_bounced_greylist_event__raw_events.json", "bounced", "soft" },
	{ PROVIDER_MAILJET, "mailjet/test_spam_event__raw_events.json", "complained", "complaint" },
	{ PROVIDER_MAILTRAP, "mailtrap/test_soft_bounce_event__payload.json", "deferred", "soft" },
	{ PROVIDER_MAILTRAP, "mailtrap/test_unsubscribe_event__payload.json", "unsubscribed", "unknown" },
	{ PROVIDER_MANDRILL, "mandrill/test_hard_bounce_event__raw_events.json", "bounced", "hard" },
	{ PROVIDER_POSTAL, "postal/test_delivered_event__raw_event.json", "delivered", "unknown" },
	{ PROVIDER_POSTMARK, "postmark/test_bounce_event__raw_event.json", "bounced", "hard" },
	{ PROVIDER_POSTMARK, "postmark/test_spam_event__raw_event.json", "complained", "complaint" },
	{ PROVIDER_POSTMARK, "postmark/test_open_event__raw_event.json", "opened", "unknown" },
	{ PROVIDER_RESEND, "resend/test_delivery_delayed_event__raw_event.json", "deferred", "soft" },
	{ PROVIDER_SENDGRID, "sendgrid/test_click_event__raw_events.json", "clicked", "unknown" },
	{ PROVIDER_SENDGRID, "sendgrid/test_dropped_invalid_event__raw_events.json", "bounced", "hard" },
	{ PROVIDER_SENDGRID, "sendgrid/test_delivered_event__raw_events.json", "delivered", "unknown" },
	{ PROVIDER_SES, "amazon_ses/test_bounce_event__raw_ses_event.json", "bounced", "hard" },
	{ PROVIDER_SES, "amazon_ses/test_complaint_event__raw_ses_event.json", "complained", "complaint" },
	{ PROVIDER_SES, "amazon_ses/test_open_event__raw_ses_event.json", "opened", "unknown" },
	{ PROVIDER_SPARKPOST, "sparkpost/test_bounce_event__raw_events.json", "bounced", "hard" },
	{ PROVIDER_SPARKPOST, "sparkpost/test_bounce_challenge_response__raw_events.json", "bounced", "soft" },
	{ PROVIDER_SPARKPOST, "sparkpost/test_unsubscribe_event__raw_events.json", "unsubscribed", "unknown" },
	{ PROVIDER_UNISENDER, "unisender_go/test_hard_bounced_event__raw_event.json", "bounced", "hard" },
	{ PROVIDER_UNISENDER, "unisender_go/test_opened_event__raw_event.json", "opened", "unknown" },
};

START_TEST(webhook_reads_samples)
{
	char folder[64], path[600];
	if (!data_unpack("platforms/platforms.tar.zst", folder, sizeof folder))
		return;
	struct arena a;
	arena_init(&a);
	for (size_t i = 0; i < ARRAY_LEN(SAMPLES); i++) {
		snprintf(path, sizeof path, "%s/platforms/esp_webhooks/%s", folder, SAMPLES[i].file);
		size_t n;
		char *json = read_file(path, &n);
		struct webhook_event e = one_event(&a, SAMPLES[i].provider, json);
		ck_assert_msg(strcmp(webhook_kind_name(e.kind), SAMPLES[i].kind) == 0, "%s: %s", SAMPLES[i].file,
		              webhook_kind_name(e.kind));
		ck_assert_msg(strcmp(bounce_verdict_name(e.bounce.verdict), SAMPLES[i].verdict) == 0, "%s: %s", SAMPLES[i].file,
		              bounce_verdict_name(e.bounce.verdict));
		ck_assert_uint_gt(e.address.n, 3);
		free(json);
	}
	arena_release(&a);
	data_remove(folder);
}
END_TEST

static struct str base64(struct arena *a, const unsigned char *p, size_t n)
{
	char *out = arena_alloc(a, n * 2 + 8);
	return (struct str){ out, (size_t)EVP_EncodeBlock((unsigned char *)out, p, (int)n) };
}

START_TEST(webhook_checks_sendgrid)
{
	struct arena a;
	struct str body = STR("[{\"event\":\"open\"}]\r\n"), stamp = STR("1600112502");
	unsigned char *der = NULL, signature[200];
	size_t n = sizeof signature;
	arena_init(&a);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	ck_assert(key && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1);
	ck_assert(EVP_DigestSignUpdate(md, stamp.p, stamp.n) == 1 && EVP_DigestSignUpdate(md, body.p, body.n) == 1);
	ck_assert(EVP_DigestSignFinal(md, signature, &n) == 1);
	int der_n = i2d_PUBKEY(key, &der);
	struct str public = base64(&a, der, (size_t)der_n), given = base64(&a, signature, n);
	ck_assert(webhook_sendgrid_signed(body, stamp, given, public));
	ck_assert(!webhook_sendgrid_signed(STR("[]"), stamp, given, public));
	ck_assert(!webhook_sendgrid_signed(body, STR("1600112503"), given, public));
	ck_assert(!webhook_sendgrid_signed(body, stamp, STR(""), public));
	ck_assert(!webhook_sendgrid_signed(body, stamp, STR("AAAA"), public));
	ck_assert(!webhook_sendgrid_signed(body, stamp, given, STR("no key")));
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	arena_release(&a);
}
END_TEST

START_TEST(webhook_checks_mailgun)
{
	/* signature of timestamp 1700000000 and token "tok" under "key" (openssl dgst -sha256 -hmac key) */
	const char *json = "{\"signature\":{\"timestamp\":\"1700000000\",\"token\":\"tok\",\"signature\":"
					   "\"034f80794eb775260bdd55684adc5dd7e94045a10ad8ba1e5c65df9d037d0790\"}}";
	ck_assert(webhook_mailgun_signed(str_from(json), STR("key"), (struct instant){ 1700000060 }));
	ck_assert(!webhook_mailgun_signed(str_from(json), STR("kez"), (struct instant){ 1700000060 }));
	ck_assert(!webhook_mailgun_signed(str_from(json), STR("key"), (struct instant){ 1700009999 }));
	ck_assert(!webhook_mailgun_signed(STR("{}"), STR("key"), (struct instant){ 1700000060 }));
}
END_TEST

UNIT_MAIN("bounce", bounce_agrees_with_labels, bounce_reads_reports, bounce_reads_prose, bounce_reads_words,
          bounce_tells_people_from_machines, bounce_reads_complaints, bounce_survives_damage, bounce_finds_codes,
          webhook_reads_providers, webhook_reads_samples, webhook_checks_sendgrid, webhook_checks_mailgun)
