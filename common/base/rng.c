/* rng.c - xoshiro256** 1.0 (Blackman, Vigna 2018), SplitMix64 for its state, SipHash-2-4. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rng.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

static uint64_t
rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* The output function of SplitMix64 (Steele, Lea, Flood 2014): a bijection. */
static uint64_t
mix64(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void
rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	const uint64_t gamma = UINT64_C(0x9e3779b97f4a7c15);
	/* Both are mixed first, so that neighbouring streams do not start on one SplitMix64
	 * orbit. */
	uint64_t x = mix64(seed + gamma) ^ rotl(mix64(stream + 2 * gamma), 32);

	/* Four different counters give four different words: the state is never all zero. */
	for (unsigned i = 0; i < 4; i++) {
		x += gamma;
		r->s[i] = mix64(x);
	}
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	const uint64_t result = rotl(s[1] * 5, 7) * 9;
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

/* Lemire 2019: the high half of a product is uniform once the few low halves that some results
 * would have in excess are drawn again. */
uint64_t
rng_below(struct rng *r, uint64_t n)
{
	unsigned __int128 m = (unsigned __int128)rng_u64(r) * n;

	if ((uint64_t)m < n) {
		const uint64_t excess = -n % n; /* 2^64 mod n */

		while ((uint64_t)m < excess)
			m = (unsigned __int128)rng_u64(r) * n;
	}
	return (uint64_t)(m >> 64);
}

double
rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double
rng_exp(struct rng *r, double mean)
{
	return -mean * log1p(-rng_unit(r));
}

int
rng_chance(struct rng *r, double p)
{
	return rng_unit(r) < p;
}

void
rng_secret(uint8_t key[16])
{
	ssize_t n;

	do {
		n = getrandom(key, 16, 0);
	} while (n < 0 && errno == EINTR);
	if (n != 16)
		die("no random bytes for keys from the kernel: %m; getrandom(2) must be allowed");
}

static uint64_t
load_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static void
sip_rounds(uint64_t v[4], unsigned n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

static void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_rounds(v, 2);
	v[0] ^= m;
}

uint64_t
siphash24(const uint8_t key[16], const void *data, uint64_t len)
{
	const uint64_t k0 = load_le64(key), k1 = load_le64(key + 8);
	/* The paper's section 2.1: "somepseudorandomlygeneratedbytes" */
	uint64_t v[4] = {
	    k0 ^ UINT64_C(0x736f6d6570736575),
	    k1 ^ UINT64_C(0x646f72616e646f6d),
	    k0 ^ UINT64_C(0x6c7967656e657261),
	    k1 ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *p = data;
	uint8_t last[8] = {0};
	uint64_t left;

	for (left = len; left >= 8; left -= 8, p += 8)
		sip_word(v, load_le64(p));
	if (left)
		memcpy(last, p, left);
	last[7] = (uint8_t)len;
	sip_word(v, load_le64(last));
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
