/* test_flow.c - SipHash-1-3 by published vectors and a general implementation; symmetry and spread. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "wire/flow.h"

/* SipHash-c-d over octets, as the paper defines it (2.2 to 2.4), for any length. */
static void
sip_rounds(uint64_t v[4], unsigned n)
{
	static const struct {
		uint8_t a, b, rot, rot_a;
	} half[4] = {{0, 1, 13, 32}, {2, 3, 16, 0}, {0, 3, 21, 0}, {2, 1, 17, 32}};

	while (n-- > 0)
		for (unsigned i = 0; i < 4; i++) {
			uint64_t *a = &v[half[i].a], *b = &v[half[i].b];

			*a += *b;
			*b = (*b << half[i].rot | *b >> (64 - half[i].rot)) ^ *a;
			if (half[i].rot_a != 0)
				*a = *a << 32 | *a >> 32;
		}
}

static uint64_t
sip(unsigned c, unsigned d, uint64_t k0, uint64_t k1, const uint8_t *m, size_t len)
{
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			 k1 ^ 0x7465646279746573};

	for (size_t block = 0; block <= len / 8; block++) {
		uint64_t w = block == len / 8 ? (uint64_t)len << 56 : 0;

		for (size_t i = block * 8; i < block * 8 + 8 && i < len; i++)
			w |= (uint64_t)m[i] << 8 * (i % 8);
		v[3] ^= w;
		sip_rounds(v, c);
		v[0] ^= w;
	}
	v[2] ^= 0xff;
	sip_rounds(v, d);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void
octets_of(uint8_t m[12], const struct flow *f)
{
	for (unsigned i = 0; i < 4; i++) {
		m[i] = (uint8_t)(f->laddr >> 8 * i);
		m[4 + i] = (uint8_t)(f->raddr >> 8 * i);
	}
	for (unsigned i = 0; i < 2; i++) {
		m[8 + i] = (uint8_t)(f->lport >> 8 * i);
		m[10 + i] = (uint8_t)(f->rport >> 8 * i);
	}
}

static struct flow
random_flow(struct rng *r)
{
	return (struct flow){(uint32_t)rng_u64(r), (uint32_t)rng_u64(r), (uint16_t)rng_u64(r),
			     (uint16_t)rng_u64(r)};
}

/* Octets 0, 1, 2 ... 11. */
static const struct flow counting = {0x03020100, 0x07060504, 0x0908, 0x0b0a};

static void
test_vectors(void **state)
{
	static const uint8_t m[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
	const struct flow_key zero = {0, 0}, key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

	(void)state;
	/* Appendix A of the paper vouches for the general implementation ... */
	assert_int_equal(sip(2, 4, key.k0, key.k1, m, 15), 0xa129ca6149be45e5);
	/* ... the authors' program gives these for 1-3 and a zero key */
	assert_int_equal(sip(1, 3, 0, 0, m, 0), 0xd1fba762150c532c);
	assert_int_equal(flow_hash(&zero, &counting), 0xa6baf4fb0f9fe1c2);
	assert_int_equal(flow_hash(&key, &counting), 0x78a384b157b4d9a2);
}

static void
test_against_general(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 2);
	for (unsigned i = 0; i < 10000; i++) {
		struct flow f = random_flow(&r);
		struct flow_key k = {rng_u64(&r), rng_u64(&r)};
		uint8_t m[12];

		octets_of(m, &f);
		assert_int_equal(flow_hash(&k, &f), sip(1, 3, k.k0, k.k1, m, 12));
	}
}

static void
test_equal(void **state)
{
	struct flow f = counting;

	(void)state;
	assert_true(flow_equal(&f, &counting));
	f.laddr++;
	assert_false(flow_equal(&f, &counting));
	f = counting;
	f.raddr++;
	assert_false(flow_equal(&f, &counting));
	f = counting;
	f.lport++;
	assert_false(flow_equal(&f, &counting));
	f = counting;
	f.rport++;
	assert_false(flow_equal(&f, &counting));
}

static void
test_group_is_symmetric(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 2, 2);
	for (unsigned i = 0; i < 10000; i++) {
		struct flow f = random_flow(&r), g = {f.raddr, f.laddr, f.rport, f.lport};

		if (i % 4 == 0)
			f.raddr = g.laddr = f.laddr; /* then the ports decide the order */
		assert_int_equal(flow_group_hash(&f), flow_group_hash(&g));
	}
}

/* Chi-squared of `n` flows over 256 groups: 255 degrees of freedom, 350 is beyond one in 10,000. */
static double
unevenness(const uint32_t count[256], unsigned n)
{
	double expect = n / 256.0, chi = 0;

	for (unsigned i = 0; i < 256; i++)
		chi += (count[i] - expect) * (count[i] - expect) / expect;
	return chi;
}

/* What a load generator makes: consecutive addresses and ports to one server. */
static void
test_group_spreads(void **state)
{
	uint32_t low[256] = {0}, high[256] = {0};
	unsigned n = 0;

	(void)state;
	for (uint32_t ip = 0; ip < 230; ip++)
		for (uint16_t port = 1024; port < 1024 + 1000; port++, n++) {
			struct flow f = {0xc0a8030a, 0xc0a80364 + ip, 80, port};
			uint32_t h = flow_group_hash(&f);

			low[h & 255]++;
			high[h >> 24]++;
		}
	assert_true(unevenness(low, n) < 350);
	assert_true(unevenness(high, n) < 350);
}

/* Ends that differ by the same bits in every flow: an exclusive or of them would cancel. */
static void
test_group_spreads_pairs(void **state)
{
	uint32_t low[256] = {0};
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++, n++) {
		struct flow f = {0x0a000000 + i, 0x0a800000 + i, (uint16_t)i, (uint16_t)i};

		low[flow_group_hash(&f) & 255]++;
	}
	assert_true(unevenness(low, n) < 350);
}

static void
flip(struct flow *f, unsigned bit)
{
	if (bit < 32)
		f->laddr ^= UINT32_C(1) << bit;
	else if (bit < 64)
		f->raddr ^= UINT32_C(1) << (bit - 32);
	else if (bit < 80)
		f->lport ^= (uint16_t)(1u << (bit - 64));
	else
		f->rport ^= (uint16_t)(1u << (bit - 80));
}

/* Each bit of the input turns each bit of the result about half of the time. */
static void
test_group_avalanche(void **state)
{
	enum { SAMPLES = 2000 };
	struct rng r;

	(void)state;
	rng_seed(&r, 3, 2);
	for (unsigned in = 0; in < 96; in++) {
		unsigned turned[32] = {0};

		for (unsigned i = 0; i < SAMPLES; i++) {
			struct flow f = random_flow(&r);
			uint32_t before = flow_group_hash(&f);

			flip(&f, in);
			before ^= flow_group_hash(&f);
			for (unsigned out = 0; out < 32; out++)
				turned[out] += before >> out & 1;
		}
		for (unsigned out = 0; out < 32; out++) /* 0.5 within 5.4 standard deviations */
			assert_in_range(turned[out], SAMPLES * 44 / 100, SAMPLES * 56 / 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),	    cmocka_unit_test(test_against_general),
	    cmocka_unit_test(test_equal),	    cmocka_unit_test(test_group_is_symmetric),
	    cmocka_unit_test(test_group_spreads),   cmocka_unit_test(test_group_spreads_pairs),
	    cmocka_unit_test(test_group_avalanche),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
