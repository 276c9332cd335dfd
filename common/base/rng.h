/* rng.h - seeded random streams: the same seed and stream give the same numbers everywhere. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* xoshiro256** 1.0 (Blackman, Vigna), its state filled by SplitMix64 from (seed, stream). Not for
 * secrets. */
struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), without modulo bias (Lemire); n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *r);
/* Exponential with the given mean. */
double rng_exp(struct rng *r, double mean);
/* True with probability p; p <= 0 never, p >= 1 always; draws one number in every case. */
int rng_chance(struct rng *r, double p);

/* 16 bytes from the kernel, for keys: the only non-deterministic source. Ends the program when
 * there is none. */
void rng_secret(uint8_t key[16]);

/* SipHash-2-4 (Aumasson, Bernstein 2012) of `len` bytes; the fixed-size 1-3 variant used for
 * flows is in wire/flow.h. */
uint64_t siphash24(const uint8_t key[16], const void *data, uint64_t len);

#endif
