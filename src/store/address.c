/* Method: an e-mail is trimmed, composed (NFC) and lower-cased by ICU's root rules; its domain goes through UTS 46 to
 * the ASCII form. (Local parts are case-sensitive on paper, RFC 5321 section 2.4, and nowhere else.) A phone is its
 * digits with the country's code: + and 00 are dropped, a French national number 0X XX XX XX XX gets 33, a (0) after 33
 * goes. The hash is SipHash-2-4 under the shop's key (libsodium crypto_shorthash): one cannot try addresses without the
 * key. */
#include "store/store_internal.h"

#include <pthread.h>
#include <sodium.h>
#include <time.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

enum { ADDRESS_MAX = 320, DOMAIN_MAX = 255, PHONE_MIN = 4, PHONE_MAX = 15 };

static UIDNA *idna;
static const UNormalizer2 *nfc;

static void icu_init(void)
{
	UErrorCode e = U_ZERO_ERROR;
	idna = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI | UIDNA_USE_STD3_RULES, &e);
	nfc = unorm2_getNFCInstance(&e);
	check(U_SUCCESS(e));
}

/* Composed, lower-cased; empty when it is not UTF-8 or too long. */
static struct str unicode_lower(struct str s, struct arena *a)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, icu_init);
	UErrorCode e = U_ZERO_ERROR;
	UChar wide[ADDRESS_MAX + 1], composed[ADDRESS_MAX * 2], lower[ADDRESS_MAX * 2];
	int32_t n = 0;
	u_strFromUTF8(wide, ADDRESS_MAX, &n, s.p, (int32_t)s.n, &e);
	n = unorm2_normalize(nfc, wide, n, composed, ARRAY_LEN(composed), &e);
	n = u_strToLower(lower, ARRAY_LEN(lower), composed, n, "", &e);
	n = unorm2_normalize(nfc, lower, n, composed, ARRAY_LEN(composed), &e);
	char *out = arena_alloc(a, ADDRESS_MAX * 4);
	u_strToUTF8(out, ADDRESS_MAX * 4, &n, composed, n, &e);
	return U_SUCCESS(e) ? (struct str){ out, (size_t)n } : (struct str){ "", 0 };
}

static struct str domain_ascii(struct str domain, struct arena *a)
{
	UErrorCode e = U_ZERO_ERROR;
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	char *out = arena_alloc(a, DOMAIN_MAX + 1);
	int32_t n = uidna_nameToASCII_UTF8(idna, domain.p, (int32_t)domain.n, out, DOMAIN_MAX, &info, &e);
	if (U_FAILURE(e) || info.errors)
		return domain; /* as it stands: still the same text for the same address */
	return (struct str){ out, (size_t)n };
}

static struct str email_normal(struct str s, struct arena *a)
{
	bool ascii = true;
	char *out = arena_cstr(a, s);
	for (size_t i = 0; i < s.n; i++) {
		ascii = ascii && (unsigned char)s.p[i] < 0x80;
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] += 'a' - 'A';
	}
	struct str whole = { out, s.n };
	if (!ascii)
		whole = unicode_lower(s, a);
	const char *at = memrchr(whole.p, '@', whole.n);
	if (!at || at == whole.p || at == whole.p + whole.n - 1)
		return (struct str){ "", 0 };
	if (ascii)
		return whole;
	struct str domain = { at + 1, (size_t)(whole.p + whole.n - at - 1) };
	domain = domain_ascii(domain, a);
	return arena_printf(a, "%.*s@%.*s", (int)(at - whole.p), whole.p, STR_ARG(domain));
}

static struct str phone_normal(struct str s, struct arena *a)
{
	char digits[40];
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c >= '0' && c <= '9') {
			if (n == sizeof digits - 4)
				return (struct str){ "", 0 };
			digits[n++] = c;
		} else if (!strchr(" +-./()", c) && (unsigned char)c < 0x80) {
			return (struct str){ "", 0 };
		}
	}
	struct str d = { digits, n };
	bool international = s.p[0] == '+';
	if (str_starts(d, STR("00"))) {
		d = (struct str){ d.p + 2, d.n - 2 };
		international = true;
	}
	if (d.n < PHONE_MIN || d.n > PHONE_MAX || (international && d.p[0] == '0'))
		return (struct str){ "", 0 };
	if (str_starts(d, STR("330")) && d.n == 12)
		return arena_printf(a, "33%.*s", (int)d.n - 3, d.p + 3);
	if (!international && d.n == 10 && d.p[0] == '0')
		return arena_printf(a, "33%.*s", (int)d.n - 1, d.p + 1);
	return arena_str(a, d);
}

struct str address_normal(struct str s, struct arena *a)
{
	s = str_trim(s);
	if (s.n == 0 || s.n > ADDRESS_MAX)
		return (struct str){ "", 0 };
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (struct str){ "", 0 };
	return memchr(s.p, '@', s.n) ? email_normal(s, a) : phone_normal(s, a);
}

uint64_t address_hash(const uint64_t key[2], struct str s)
{
	_Static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8, "two words of key, one of hash");
	struct arena a;
	arena_init(&a);
	struct str normal = address_normal(s, &a);
	uint64_t hash = 0;
	if (normal.n) {
		crypto_shorthash((unsigned char *)&hash, (const unsigned char *)normal.p, normal.n, (const unsigned char *)key);
		if (hash == 0)
			hash = 1; /* 0 means none */
	}
	arena_release(&a);
	return hash;
}

uint64_t store_address_hash(const struct shop *shop, struct str email_or_phone)
{
	return address_hash(shop->address_key, email_or_phone);
}

uint64_t store_ref_hash(const struct shop *shop, struct str ref)
{
	struct arena a;
	uint64_t hash = 0;
	arena_init(&a);
	struct str text = arena_printf(&a, "ref\x1f%.*s", STR_ARG(ref));
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text.p, text.n,
	                 (const unsigned char *)shop->address_key);
	arena_release(&a);
	return hash ? hash : 1;
}

struct instant store_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){ t.tv_sec };
}
