/* hash: digests and deterministic draws.
 *
 * hash64 is a fast non-cryptographic hash for tables and for draws; its values are part of the product (control groups
 * and variants depend on them), so it never changes. Based on the published wyhash construction: 64x64→128 multiply and
 * fold.
 *
 * A random draw of the engine is never taken from a stream: draw_u64(seed, purpose, plan, customer, run, step) gives
 * the same number whatever was drawn before, by whichever thread (SEMANTICS, "A tick"). */
#ifndef RELANCE_BASE_HASH_H
#define RELANCE_BASE_HASH_H

#include "base/str.h"

uint64_t hash64(const void *p, size_t n, uint64_t seed);
uint64_t hash_mix(uint64_t a, uint64_t b);

static inline uint64_t hash_str(struct str s)
{
	return hash64(s.p, s.n, 0);
}

/* What a draw is for; the numbers are part of the product: append only. */
enum draw_purpose {
	DRAW_CONTROL = 1,        /* per-plan control group */
	DRAW_GLOBAL_CONTROL = 2, /* one group across plans */
	DRAW_VARIANT = 3,
	DRAW_RESPONSE_OPEN = 4, /* what-if replay: does this message get opened, … */
	DRAW_RESPONSE_CLICK = 5,
	DRAW_RESPONSE_BUY = 6,
	DRAW_RESPONSE_DELAY = 7,
	DRAW_VOUCHER = 8,
};

uint64_t draw_u64(uint64_t seed, enum draw_purpose purpose, uint64_t plan, uint64_t customer, uint32_t run,
                  uint32_t step);
uint32_t draw_per_million(uint64_t draw); /* uniform in 0 … 999,999 */

/* SHA-256, streaming. sha256_hex finishes: 64 hex digits and a NUL. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *p, size_t n);
void sha256_hex(struct sha256 *h, char out[65]);
void sha256_free(struct sha256 *h);

/* rng: a stream for simulators and sampling only, never for a decision. Seeded by any number of words. */
struct rng {
	uint64_t s[4];
};
void rng_init(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *r);
double rng_unit(struct rng *r);                    /* [0, 1) */
uint32_t rng_below(struct rng *r, uint32_t limit); /* uniform, limit > 0 */
double rng_exp(struct rng *r, double rate);
double rng_normal(struct rng *r);
double rng_gamma(struct rng *r, double shape); /* scale 1; Marsaglia & Tsang 2000 */
uint32_t rng_poisson(struct rng *r, double mean);

#endif
