/* bench_mail: a whole mail from ready text, unsigned against GMime building the same, and signed with RSA-2048 and
 * Ed25519 against OpenSSL's raw signing rate. One core. */
#include "channel/dkim.h"
#include "channel/mime.h"
#include "figure.h"

#include <gmime/gmime.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

enum { ROUNDS = 6 };
#define RUN_S 0.4

static double best(double a, double b)
{
	return a > b ? a : b;
}

static char text[3000], html[16000];

static struct mime_mail sample(int i)
{
	static char id[64];
	snprintf(id, sizeof id, "c%d.winback.1.hello.email@boutique.example", i);
	return (struct mime_mail){
		.from_name = STR("L'échoppe de Zoé"),
		.from_address = STR("bonjour@boutique.example"),
		.to_name = STR("Ève Lefèvre"),
		.to_address = STR("eve@example.com"),
		.subject = STR("Ève, trois idées choisies pour vous cet été"),
		.message_id = str_from(id),
		.date = { 1314864000 + i },
		.text = str_from(text),
		.html = str_from(html),
		.unsubscribe_url = STR("https://boutique.example/u/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
		.list_id = STR("news.boutique.example"),
		.feedback_id = STR("winback:1:hello:boutique"),
	};
}

static double build_ours(struct dkim_signer *signer)
{
	struct buf mail, signature;
	struct mime_result result;
	struct err err;
	buf_init(&mail, MIME_MAIL_MAX);
	buf_init(&signature, 64 << 10);
	int done = 0;
	double start = figure_seconds(), now = start;
	for (; now - start < RUN_S; now = figure_seconds())
		for (int k = 0; k < 50; k++, done++) {
			struct mime_mail m = sample(done);
			buf_clear(&mail);
			buf_clear(&signature);
			if (!mime_build(&m, &mail, &result, &err) ||
			    (signer && !dkim_sign(signer, buf_view(&mail), &signature, &err))) {
				fprintf(stderr, "bench_mail: %s\n", err.text);
				exit(1);
			}
		}
	buf_release(&mail);
	buf_release(&signature);
	return done / (now - start);
}

static GMimePart *gmime_text(const char *subtype, const char *body)
{
	GMimeTextPart *part = g_mime_text_part_new_with_subtype(subtype);
	g_mime_text_part_set_charset(part, "utf-8");
	g_mime_text_part_set_text(part, body);
	g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	return GMIME_PART(part);
}

static void gmime_one(int i)
{
	struct mime_mail m = sample(i);
	GMimeMessage *message = g_mime_message_new(TRUE);
	GDateTime *date = g_date_time_new_from_unix_utc(m.date.s);
	g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, m.from_name.p, m.from_address.p);
	g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, m.to_name.p, m.to_address.p);
	g_mime_message_set_subject(message, m.subject.p, "utf-8");
	g_mime_message_set_message_id(message, m.message_id.p);
	g_mime_message_set_date(message, date);
	g_mime_object_set_header(GMIME_OBJECT(message), "List-Unsubscribe", m.unsubscribe_url.p, NULL);
	g_mime_object_set_header(GMIME_OBJECT(message), "List-Unsubscribe-Post", "List-Unsubscribe=One-Click", NULL);
	g_mime_object_set_header(GMIME_OBJECT(message), "List-ID", m.list_id.p, NULL);
	g_mime_object_set_header(GMIME_OBJECT(message), "Feedback-ID", m.feedback_id.p, NULL);
	GMimeMultipart *parts = g_mime_multipart_new_with_subtype("alternative");
	GMimePart *plain = gmime_text("plain", text), *rich = gmime_text("html", html);
	g_mime_multipart_add(parts, GMIME_OBJECT(plain));
	g_mime_multipart_add(parts, GMIME_OBJECT(rich));
	g_mime_message_set_mime_part(message, GMIME_OBJECT(parts));
	GMimeStream *out = g_mime_stream_mem_new();
	g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, out);
	g_object_unref(out);
	g_object_unref(plain);
	g_object_unref(rich);
	g_object_unref(parts);
	g_object_unref(message);
	g_date_time_unref(date);
}

static double build_gmime(void)
{
	g_mime_init();
	int done = 0;
	double start = figure_seconds(), now = start;
	for (; now - start < RUN_S; now = figure_seconds())
		for (int k = 0; k < 50; k++, done++)
			gmime_one(done);
	return done / (now - start);
}

/* Both signatures of a 32-byte digest, nothing else. */
static double raw_signatures(void)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa, NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char digest[32] = { 1 }, signature[512];
	EVP_PKEY_sign_init(ctx);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256());
	int done = 0;
	double start = figure_seconds(), now = start;
	for (; now - start < RUN_S; now = figure_seconds())
		for (int k = 0; k < 20; k++, done++) {
			size_t n = sizeof signature;
			digest[0] = (unsigned char)done;
			EVP_PKEY_sign(ctx, signature, &n, digest, sizeof digest);
			n = sizeof signature;
			EVP_MD_CTX_reset(md);
			EVP_DigestSignInit(md, NULL, NULL, NULL, ed);
			EVP_DigestSign(md, signature, &n, digest, sizeof digest);
		}
	EVP_PKEY_CTX_free(ctx);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed);
	return done / (now - start);
}

static struct dkim_key *new_key(enum dkim_algorithm algorithm)
{
	struct buf pem;
	struct err err;
	buf_init(&pem, DKIM_PEM_MAX);
	struct dkim_key *key = dkim_key_generate(algorithm, &pem, &err) ? dkim_key_parse(buf_view(&pem), &err) : NULL;
	buf_release(&pem);
	if (!key)
		exit(1);
	return key;
}

int main(int argc, char **argv)
{
	bool json = figure_json(argc, argv);
	for (size_t n = 0; n + 120 < sizeof text;)
		n += (size_t)snprintf(text + n, sizeof text - n,
		                      "Bonjour Ève, voici une idée n° %zu pour l'été, à découvrir en boutique.\n", n);
	for (size_t n = 0; n + 300 < sizeof html;)
		n += (size_t)snprintf(
			html + n, sizeof html - n,
			"<tr><td style=\"padding:8px;font-family:Arial,sans-serif;color:#333333\">Idée n° %zu : une théière "
			"émaillée à <b>29,90 €</b>, livrée chez vous.</td></tr>\n",
			n);
	struct dkim_key *rsa = new_key(DKIM_RSA), *ed = new_key(DKIM_ED25519);
	const struct dkim_key *keys[] = { rsa, ed };
	const struct str selectors[] = { STR("r1"), STR("e1") };
	struct err err;
	struct dkim_signer *signer = dkim_signer_new(STR("boutique.example"), keys, selectors, 2, &err);
	double plain = 0, gmime = 0, sealed = 0, raw = 0;
	for (int i = 0; i < ROUNDS; i++) { /* in turn, the best of each: the machine is shared */
		plain = best(plain, build_ours(NULL));
		gmime = best(gmime, build_gmime());
		sealed = best(sealed, build_ours(signer));
		raw = best(raw, raw_signatures());
	}
	figure_print(json, "mail: 19 kB, built unsigned", plain, gmime, "mails/s", "1x GMime");
	figure_print(json, "mail: built, signed RSA-2048 and Ed25519", sealed, raw, "mails/s", "0.9x OpenSSL raw, 2000/s");
	dkim_signer_free(signer);
	dkim_key_free(rsa);
	dkim_key_free(ed);
	return 0;
}
