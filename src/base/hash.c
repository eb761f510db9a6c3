#include "base/hash.h"

#include "base/arena.h"

#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

static const uint64_t P0 = 0xa0761d6478bd642fu, P1 = 0xe7037ed1a0b428dbu, P2 = 0x8ebc6af09c88c6e3u,
					  P3 = 0x589965cc75374cc3u;

uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)(a ^ P0) * (b ^ P1);
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t load64(const unsigned char *p)
{
	uint64_t v;
	memcpy(&v, p, 8); /* little-endian hosts only: x86-64 and arm64 */
	return v;
}

uint64_t hash64(const void *data, size_t n, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = hash_mix(seed ^ P2, n);
	size_t i = 0;
	for (; i + 16 <= n; i += 16)
		h = hash_mix(load64(p + i) ^ h, load64(p + i + 8) ^ P2);
	unsigned char tail[16] = { 0 };
	if (n > i)
		memcpy(tail, p + i, n - i);
	h = hash_mix(load64(tail) ^ h, load64(tail + 8) ^ P3);
	return hash_mix(h, P2);
}

uint64_t draw_u64(uint64_t seed, enum draw_purpose purpose, uint64_t plan, uint64_t customer, uint32_t run,
                  uint32_t step)
{
	uint64_t h = hash_mix(seed, (uint64_t)purpose);
	h = hash_mix(h, plan);
	h = hash_mix(h, customer);
	return hash_mix(h, (uint64_t)run << 32 | step);
}

uint32_t draw_per_million(uint64_t draw)
{
	return (uint32_t)(((__uint128_t)draw * 1000000u) >> 64);
}

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* Looked up once: OpenSSL 3 otherwise does so for every digest, under a lock that all threads share. */
static EVP_MD *sha256_md;

static void sha256_fetch(void)
{
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

struct sha256 *sha256_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, sha256_fetch);
	struct sha256 *h = mem_alloc(sizeof *h);
	h->ctx = EVP_MD_CTX_new();
	check(h->ctx && sha256_md && EVP_DigestInit_ex(h->ctx, sha256_md, NULL) == 1);
	return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
	check(EVP_DigestUpdate(h->ctx, p, n) == 1);
}

void sha256_hex(struct sha256 *h, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	check(EVP_DigestFinal_ex(h->ctx, digest, &length) == 1 && length == 32);
	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	out[64] = '\0';
}

void sha256_free(struct sha256 *h)
{
	if (h)
		EVP_MD_CTX_free(h->ctx);
	free(h);
}

/* xoshiro256** (Blackman & Vigna 2018), seeded by splitmix64. */
void rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = hash_mix(seed, stream);
	for (int i = 0; i < 4; i++) {
		x += 0x9e3779b97f4a7c15u;
		uint64_t z = x;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

uint32_t rng_below(struct rng *r, uint32_t limit)
{
	return (uint32_t)(((__uint128_t)rng_u64(r) * limit) >> 64);
}

double rng_exp(struct rng *r, double rate)
{
	return -log1p(-rng_unit(r)) / rate;
}

double rng_normal(struct rng *r)
{
	double u = 1.0 - rng_unit(r), v = rng_unit(r);
	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

double rng_gamma(struct rng *r, double shape)
{
	if (shape < 1.0)
		return rng_gamma(r, shape + 1.0) * pow(1.0 - rng_unit(r), 1.0 / shape);
	double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
	for (;;) {
		double x = rng_normal(r), v = 1.0 + c * x;
		if (v <= 0.0)
			continue;
		v = v * v * v;
		if (log(1.0 - rng_unit(r)) < 0.5 * x * x + d - d * v + d * log(v))
			return d * v;
	}
}

uint32_t rng_poisson(struct rng *r, double mean)
{
	uint32_t k = 0;
	while (mean > 30.0) { /* Poisson(a + b) = Poisson(a) + Poisson(b) */
		double limit = exp(-30.0), p = 1.0 - rng_unit(r);
		for (; p > limit; p *= 1.0 - rng_unit(r))
			k++;
		mean -= 30.0;
	}
	double limit = exp(-mean), p = 1.0 - rng_unit(r);
	for (; p > limit; p *= 1.0 - rng_unit(r))
		k++;
	return k;
}
