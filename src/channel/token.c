#include "channel/token.h"

#include <sodium.h>

enum { MAC_BYTES = 16, BODY_BYTES = 11, VERP_MAC_BYTES = 8, VERP_BYTES = 16 };

static void put(unsigned char *p, uint64_t v, int bytes) /* big-endian */
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

static uint64_t get(const unsigned char *p, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static void mac(const unsigned char *key, const char *label, const unsigned char *body, size_t n,
                unsigned char out[crypto_auth_hmacsha256_BYTES])
{
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, key, TOKEN_KEY_BYTES);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)label, strlen(label) + 1);
	crypto_auth_hmacsha256_update(&state, body, n);
	crypto_auth_hmacsha256_final(&state, out);
}

void token_write(const unsigned char *key, struct token t, char *out)
{
	unsigned char bytes[BODY_BYTES + crypto_auth_hmacsha256_BYTES];
	bytes[0] = (unsigned char)t.purpose;
	put(bytes + 1, (uint64_t)t.message, 8);
	put(bytes + 9, t.extra, 2);
	mac(key, "relance link", bytes, BODY_BYTES, bytes + BODY_BYTES);
	sodium_bin2base64(out, TOKEN_CHARS + 1, bytes, BODY_BYTES + MAC_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool token_read(const unsigned char *key, enum token_purpose purpose, struct str text, struct token *out)
{
	unsigned char bytes[BODY_BYTES + MAC_BYTES], good[crypto_auth_hmacsha256_BYTES];
	size_t n;
	if (text.n != TOKEN_CHARS || sodium_base642bin(bytes, sizeof bytes, text.p, text.n, NULL, &n, NULL,
	                                               sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	mac(key, "relance link", bytes, BODY_BYTES, good);
	if (n != sizeof bytes || sodium_memcmp(good, bytes + BODY_BYTES, MAC_BYTES) != 0 || bytes[0] != (unsigned)purpose)
		return false;
	*out = (struct token){ purpose, (int64_t)get(bytes + 1, 8), (uint16_t)get(bytes + 9, 2) };
	return true;
}

/* ---- return paths ---- */

static const char BASE32[] = "abcdefghijklmnopqrstuvwxyz234567";

void verp_write(const unsigned char *key, int64_t message, struct str prefix, struct str domain, struct buf *out)
{
	unsigned char bytes[8 + crypto_auth_hmacsha256_BYTES];
	char text[VERP_CHARS];
	put(bytes, (uint64_t)message, 8);
	mac(key, "relance verp", bytes, 8, bytes + 8);
	uint64_t bits = 0;
	int have = 0, n = 0;
	for (int i = 0; i < VERP_BYTES; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 5; have -= 5)
			text[n++] = BASE32[bits >> (have - 5) & 31];
	}
	text[n] = BASE32[bits << (5 - have) & 31];
	buf_str(out, prefix);
	buf_char(out, '+');
	buf_add(out, text, VERP_CHARS);
	buf_char(out, '@');
	buf_str(out, domain);
}

bool verp_read(const unsigned char *key, struct str address, int64_t *message)
{
	const char *at = memchr(address.p, '@', address.n);
	if (at)
		address.n = (size_t)(at - address.p);
	if (address.n < VERP_CHARS || (address.n > VERP_CHARS && address.p[address.n - VERP_CHARS - 1] != '+'))
		return false;
	const char *p = address.p + address.n - VERP_CHARS;
	unsigned char bytes[VERP_BYTES + 1], good[crypto_auth_hmacsha256_BYTES];
	uint64_t bits = 0;
	int have = 0, n = 0;
	for (int i = 0; i < VERP_CHARS; i++) {
		char c = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
		const char *digit = c ? memchr(BASE32, c, 32) : NULL;
		if (!digit)
			return false;
		bits = bits << 5 | (uint64_t)(digit - BASE32);
		have += 5;
		if (have >= 8) {
			have -= 8;
			bytes[n++] = (unsigned char)(bits >> have);
		}
	}
	mac(key, "relance verp", bytes, 8, good);
	if (sodium_memcmp(good, bytes + 8, VERP_MAC_BYTES) != 0)
		return false;
	*message = (int64_t)get(bytes, 8);
	return true;
}
