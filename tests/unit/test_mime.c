/* test_mime: what is built is what GMime and Python's email package read. */
#include "channel/mime.h"
#include "data.h"
#include "unit.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <unistd.h>

#define S(text) str_from(text)

static struct mime_mail sample(void)
{
	zone_id paris;
	ck_assert(zone_find(STR("Europe/Paris"), &paris));
	return (struct mime_mail){
		.from_name = STR("L'échoppe d'Zoé, jouets"),
		.from_address = STR("bonjour@boutique.example"),
		.to_name = STR("Ève \"Vivi\" Lefèvre"),
		.to_address = STR("eve@example.com"),
		.subject =
			STR("Zoé, votre panier vous attend — 3 idées « cadeaux » pour l'été, choisies rien que pour vous 🎁 !"),
		.message_id = STR("c12.welcome.1.hello.email@boutique.example"),
		.date = { 1314864000 }, /* 2011-09-01T08:00:00Z */
		.zone = paris,
		.text =
			STR("Bonjour Zoé,\n\n.une ligne qui commence par un point\nFrom here on\nfin avec espaces  \net tab\t\n"
		        "une très très longue ligne qui dépasse de loin les soixante-seize caractères permis par la norme, et "
		        "même davantage = égal\n"),
		.html = STR("<p style=\"color:#333\">Bonjour Zo\xc3\xa9 &amp; c<sup>ie</sup></p>"),
		.unsubscribe_url = STR("https://boutique.example/u/abc"),
		.unsubscribe_mail = STR("stop@boutique.example"),
		.list_name = STR("L'échoppe"),
		.list_id = STR("news.boutique.example"),
		.feedback_id = STR("welcome:1:hello:boutique"),
	};
}

static char *build(const struct mime_mail *m, size_t *n)
{
	struct buf b;
	struct mime_result result;
	struct err err;
	buf_init(&b, MIME_MAIL_MAX);
	ck_assert_msg(mime_build(m, &b, &result, &err), "%s", err.text);
	char *copy = malloc(b.n + 1);
	memcpy(copy, b.p, b.n + 1);
	*n = b.n;
	buf_release(&b);
	return copy;
}

/* Lines: CRLF only, at most 76 characters in bodies and 998 anywhere, no leading dot, no bytes beyond ASCII. */
static void check_wire(const char *mail, size_t n)
{
	size_t start = 0;
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_lt((unsigned char)mail[i], 0x80);
		if (mail[i] != '\n')
			continue;
		ck_assert_int_eq(mail[i - 1], '\r');
		ck_assert_uint_le(i - 1 - start, 998);
		ck_assert_int_ne(mail[start], '.');
		ck_assert(strncmp(mail + start, "From ", 5) != 0);
		start = i + 1;
	}
	ck_assert_uint_eq(start, n);
}

START_TEST(mime_is_fit_for_the_wire)
{
	struct mime_mail m = sample();
	size_t n;
	char *mail = build(&m, &n);
	check_wire(mail, n);
	ck_assert_ptr_nonnull(strstr(mail, "Date: Thu, 01 Sep 2011 10:00:00 +0200\r\n"));
	ck_assert_ptr_nonnull(strstr(mail, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
	ck_assert_ptr_null(strstr(mail, "Auto-Submitted"));
	free(mail);
}
END_TEST

static GMimeMessage *gmime_read(const char *mail, size_t n)
{
	g_mime_init();
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail, n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

static void gmime_text_is(GMimeObject *part, const char *wanted)
{
	GMimeStream *mem = g_mime_stream_mem_new();
	GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
	g_mime_data_wrapper_write_to_stream(content, mem);
	GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(mem));
	char *text = malloc(bytes->len + 1);
	size_t n = 0;
	for (guint i = 0; i < bytes->len; i++)
		if (bytes->data[i] != '\r')
			text[n++] = (char)bytes->data[i];
	text[n] = '\0';
	ck_assert_str_eq(text, wanted);
	free(text);
	g_object_unref(mem);
}

START_TEST(mime_agrees_with_gmime)
{
	struct mime_mail m = sample();
	size_t n;
	char *mail = build(&m, &n);
	GMimeMessage *message = gmime_read(mail, n);
	ck_assert_str_eq(g_mime_message_get_subject(message), m.subject.p);
	ck_assert_str_eq(g_mime_message_get_message_id(message), m.message_id.p);
	InternetAddressList *to = g_mime_message_get_to(message);
	ck_assert_int_eq(internet_address_list_length(to), 1);
	InternetAddress *first = internet_address_list_get_address(to, 0);
	ck_assert_str_eq(internet_address_get_name(first), m.to_name.p);
	ck_assert_str_eq(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first)), m.to_address.p);
	InternetAddress *from = internet_address_list_get_address(g_mime_message_get_from(message), 0);
	ck_assert_str_eq(internet_address_get_name(from), m.from_name.p);
	GMimeMultipart *parts = GMIME_MULTIPART(g_mime_message_get_mime_part(message));
	ck_assert_int_eq(g_mime_multipart_get_count(parts), 2);
	char *html = g_strconcat(m.html.p, "\n", NULL);
	gmime_text_is(g_mime_multipart_get_part(parts, 0), m.text.p);
	gmime_text_is(g_mime_multipart_get_part(parts, 1), html);
	g_free(html);
	g_object_unref(message);
	free(mail);
}
END_TEST

/* Runs mail_check.py; its output, or NULL when Python is not there. */
static char *python_reads(const char *mail, size_t n)
{
	char path[] = "/tmp/relance-mime-XXXXXX", script[512], command[700];
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, mail, n), (ssize_t)n);
	close(fd);
	source_path("tests/unit/mail_check.py", script, sizeof script);
	snprintf(command, sizeof command, "python3 '%s' parse '%s'", script, path);
	FILE *p = popen(command, "r");
	char *out = calloc(1, 64 << 10);
	size_t got = p ? fread(out, 1, (64 << 10) - 1, p) : 0;
	int status = p ? pclose(p) : -1;
	unlink(path);
	if (status != 0 || got == 0) {
		printf("skipped: python3 did not run\n");
		free(out);
		return NULL;
	}
	return out;
}

static void has_line(const char *out, const char *field, const char *value)
{
	char line[1000];
	snprintf(line, sizeof line, "%s: %s\n", field, value);
	ck_assert_msg(strstr(out, line) != NULL, "no line \"%s\" in:\n%s", line, out);
}

START_TEST(mime_agrees_with_python)
{
	struct mime_mail m = sample();
	struct mime_file file = { STR("Étiquette été.pdf"), STR("application/pdf"),
		                      STR("%PDF-1.4 \x01\x02\x03 not really") };
	m.files = &file;
	m.file_count = 1;
	m.automatic = true;
	size_t n;
	char *mail = build(&m, &n);
	check_wire(mail, n);
	char *out = python_reads(mail, n);
	if (out) {
		has_line(out, "Subject", m.subject.p);
		has_line(out, "to-name", m.to_name.p);
		has_line(out, "to-address", m.to_address.p);
		has_line(out, "Message-ID", "<c12.welcome.1.hello.email@boutique.example>");
		has_line(out, "List-Unsubscribe", "<https://boutique.example/u/abc>, <mailto:stop@boutique.example>");
		has_line(out, "List-ID", "L'échoppe <news.boutique.example>");
		has_line(out, "Auto-Submitted", "auto-generated");
		has_line(out, "file", "Étiquette été.pdf 23");
		has_line(out, "defects", "0");
	}
	free(out);
	free(mail);
}
END_TEST

START_TEST(mime_holds_off_injection)
{
	struct mime_mail m = sample();
	m.subject = STR("Hi\r\nBcc: victim@example.com\r\n\r\nbody");
	m.to_name = STR("A\nX-Evil: 1");
	size_t n;
	char *mail = build(&m, &n);
	ck_assert_ptr_null(strstr(mail, "\nBcc:"));
	ck_assert_ptr_null(strstr(mail, "\nX-Evil:"));
	free(mail);
	struct buf b;
	struct mime_result r;
	struct err err;
	buf_init(&b, 1 << 20);
	m.to_address = STR("a@b.example\r\nBcc: c@d.example");
	ck_assert(!mime_build(&m, &b, &r, &err));
	ck_assert_ptr_null(strstr(err.text, "example")); /* no personal data in errors */
	m = sample();
	m.unsubscribe_url = STR("https://x/\r\nBcc: c@d");
	ck_assert(!mime_build(&m, &b, &r, &err));
	buf_release(&b);
}
END_TEST

static void address_gives(const char *address, const char *wanted, bool utf8)
{
	struct buf b;
	bool got;
	buf_init(&b, 1000);
	ck_assert_msg(mime_address(S(address), &b, &got) == (wanted != NULL), "%s", address);
	if (wanted) {
		ck_assert_str_eq(b.p, wanted);
		ck_assert(got == utf8);
	}
	buf_release(&b);
}

START_TEST(mime_addresses)
{
	address_gives("a@b.example", "a@b.example", false);
	address_gives("a+tag@b.example", "a+tag@b.example", false);
	address_gives("info@müller.example", "info@xn--mller-kva.example", false);
	address_gives("zoé@müller.example", "zoé@müller.example", true);
	address_gives("\"a b\"@c.example", "\"a b\"@c.example", false);
	address_gives("a@straße.example", "a@xn--strae-oqa.example", false);
	const char *const bad[] = { "",
		                        "a",
		                        "@b.example",
		                        "a@",
		                        "a b@c.example",
		                        "a@b..c",
		                        "a@.b",
		                        "a..b@c.example",
		                        "a@b c",
		                        "<a@b.example>",
		                        "a@b.example,c@d.example",
		                        "a@b.example\n",
		                        "a@\xff.example",
		                        ".a@b.c" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		address_gives(bad[i], NULL, false);
}
END_TEST

START_TEST(mime_says_when_smtputf8_is_needed)
{
	struct mime_mail m = sample();
	m.to_address = STR("zoé@müller.example");
	struct buf b;
	struct mime_result r;
	struct err err;
	buf_init(&b, 1 << 20);
	ck_assert(mime_build(&m, &b, &r, &err));
	ck_assert(r.smtputf8);
	buf_release(&b);
}
END_TEST

START_TEST(mime_message_ids)
{
	struct buf b;
	buf_init(&b, 1000);
	mime_message_id(STR("c1.welcome.1.hello.email"), STR("s.example"), &b);
	ck_assert_str_eq(b.p, "c1.welcome.1.hello.email@s.example");
	buf_clear(&b);
	mime_message_id(STR("c1.bienvenue été.1"), STR("s.example"), &b);
	ck_assert_uint_eq(b.n, 33 + 10);
	ck_assert_int_eq(b.p[0], 'h');
	buf_release(&b);
}
END_TEST

/* Every length and mix of characters comes back through GMime. */
START_TEST(mime_round_trips)
{
	static const char *const ATOMS[] = {
		"a", "é", " ", "€", "=", "?", "_", "🎁", "\"", "\\", ".", "From ", "xxxxxxxxxx"
	};
	unsigned seed = 7;
	struct mime_mail m = sample();
	for (int round = 0; round < 300; round++) {
		char subject[700] = "S", text[4000] = "T";
		for (int i = 0; i < round % 120; i++)
			strncat(subject, ATOMS[rand_r(&seed) % ARRAY_LEN(ATOMS)], sizeof subject - strlen(subject) - 1);
		strncat(subject, "E", sizeof subject - strlen(subject) - 1);
		for (int i = 0; i < round * 2; i++)
			strncat(text, rand_r(&seed) % 9 ? ATOMS[rand_r(&seed) % ARRAY_LEN(ATOMS)] : "\n",
			        sizeof text - strlen(text) - 1);
		strncat(text, "E\n", sizeof text - strlen(text) - 1);
		m.subject = S(subject);
		m.text = S(text);
		size_t n;
		char *mail = build(&m, &n);
		check_wire(mail, n);
		GMimeMessage *message = gmime_read(mail, n);
		ck_assert_str_eq(g_mime_message_get_subject(message), subject);
		gmime_text_is(g_mime_multipart_get_part(GMIME_MULTIPART(g_mime_message_get_mime_part(message)), 0), text);
		g_object_unref(message);
		free(mail);
	}
}
END_TEST

UNIT_MAIN("mime", mime_is_fit_for_the_wire, mime_agrees_with_gmime, mime_agrees_with_python, mime_holds_off_injection,
          mime_addresses, mime_says_when_smtputf8_is_needed, mime_message_ids, mime_round_trips)
