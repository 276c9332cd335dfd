/* test_rng.c - base/rng.h: published vectors, exact bounds, and statistics that a bias would fail. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <math.h>

#include "base/rng.h"

/* The generator's first outputs from the state 1, 2, 3, 4. */
static void
test_xoshiro_reference(void **state)
{
	static const uint64_t want[] = {
	    UINT64_C(11520),
	    UINT64_C(0),
	    UINT64_C(1509978240),
	    UINT64_C(1215971899390074240),
	    UINT64_C(1216172134540287360),
	    UINT64_C(607988272756665600),
	    UINT64_C(16172922978634559625),
	    UINT64_C(8476171486693032832),
	    UINT64_C(10595114339597558777),
	    UINT64_C(2904607092377533576),
	};
	struct rng r = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < N_OF(want); i++)
		assert_true(rng_u64(&r) == want[i]);
}

/* Pinned: a change would silently change every seeded run. */
static void
test_seed_is_stable(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 2);
	assert_true(rng_u64(&r) == UINT64_C(0x8245070b63bafa4d));
	rng_seed(&r, 0, 0);
	assert_true(rng_u64(&r) == UINT64_C(0x61e3ec0bb1ce0c72));
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* All first numbers of small seeds and streams differ, swapped pairs included. */
static void
test_streams_differ(void **state)
{
	enum { SIDE = 256 };
	static uint64_t first[SIDE * SIDE];
	struct rng r;

	(void)state;
	for (unsigned seed = 0; seed < SIDE; seed++)
		for (unsigned stream = 0; stream < SIDE; stream++) {
			rng_seed(&r, seed, stream);
			assert_true(r.s[0] | r.s[1] | r.s[2] | r.s[3]);
			first[seed * SIDE + stream] = rng_u64(&r);
		}
	qsort(first, SIDE * SIDE, sizeof(first[0]), compare_u64);
	for (size_t i = 1; i < SIDE * SIDE; i++)
		assert_true(first[i - 1] != first[i]);
}

/* Half of the bits differ between neighbouring streams. */
static void
test_streams_are_unrelated(void **state)
{
	struct rng a, b;
	int differ = 0;

	(void)state;
	for (uint64_t stream = 0; stream < 1000; stream++) {
		rng_seed(&a, 7, stream);
		rng_seed(&b, 7, stream + 1);
		for (int i = 0; i < 10; i++)
			differ += __builtin_popcountll(rng_u64(&a) ^ rng_u64(&b));
	}
	/* 640000 bits, standard deviation 400 */
	assert_in_range(differ, 320000 - 2400, 320000 + 2400);
}

static void
test_below_small(void **state)
{
	enum { SIDES = 6, DRAWS = 600000 };
	unsigned count[SIDES] = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 8, 0);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t v = rng_below(&r, SIDES);

		assert_true(v < SIDES);
		count[v]++;
	}
	for (int i = 0; i < SIDES; i++) /* standard deviation 289 */
		assert_in_range(count[i], DRAWS / SIDES - 1700, DRAWS / SIDES + 1700);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_below(&r, 1), 0);
}

/* With n = 3/4 of 2^64 a remainder or a bare product would give some values twice as often. */
static void
test_below_has_no_bias(void **state)
{
	enum { DRAWS = 300000 };
	const uint64_t n = UINT64_C(3) << 62;
	unsigned third[3] = {0}, residue[3] = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 9, 0);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t v = rng_below(&r, n);

		assert_true(v < n);
		third[v >> 62]++;
		residue[v % 3]++;
	}
	for (int i = 0; i < 3; i++) { /* standard deviation 258 */
		assert_in_range(third[i], DRAWS / 3 - 1600, DRAWS / 3 + 1600);
		assert_in_range(residue[i], DRAWS / 3 - 1600, DRAWS / 3 + 1600);
	}
}

static void
test_below_large(void **state)
{
	static const uint64_t limits[] = {2, 3, UINT64_C(1) << 32, (UINT64_C(1) << 63) + 1,
					  UINT64_MAX};
	struct rng r;

	(void)state;
	rng_seed(&r, 10, 0);
	for (size_t l = 0; l < N_OF(limits); l++)
		for (int i = 0; i < 10000; i++)
			assert_true(rng_below(&r, limits[l]) < limits[l]);
}

static void
test_unit(void **state)
{
	enum { DRAWS = 1000000 };
	double sum = 0, squares = 0, low = 1, high = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 11, 0);
	for (int i = 0; i < DRAWS; i++) {
		double u = rng_unit(&r);

		assert_true(u >= 0 && u < 1);
		sum += u;
		squares += u * u;
		low = fmin(low, u);
		high = fmax(high, u);
	}
	assert_true(fabs(sum / DRAWS - 0.5) < 0.0015);
	assert_true(fabs(squares / DRAWS - 1.0 / 3) < 0.0015);
	assert_true(low < 1e-5 && high > 1 - 1e-5);
}

static void
test_exp(void **state)
{
	enum { DRAWS = 1000000 };
	const double mean = 250;
	unsigned above_mean = 0, above_twice = 0;
	double sum = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 12, 0);
	for (int i = 0; i < DRAWS; i++) {
		double v = rng_exp(&r, mean);

		assert_true(v >= 0 && isfinite(v));
		sum += v;
		above_mean += v > mean;
		above_twice += v > 2 * mean;
	}
	assert_true(fabs(sum / DRAWS - mean) < mean * 0.005);
	assert_true(fabs((double)above_mean / DRAWS - exp(-1)) < 0.0025);
	assert_true(fabs((double)above_twice / DRAWS - exp(-2)) < 0.0025);
}

/* A changed probability must not shift the numbers that follow. */
static void
test_chance_draws_one(void **state)
{
	static const double p[] = {-1, 0, 0.3, 1, 2, NAN};
	struct rng a, b;

	(void)state;
	rng_seed(&a, 13, 0);
	b = a;
	for (size_t i = 0; i < N_OF(p); i++) {
		rng_chance(&a, p[i]);
		rng_u64(&b);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void
test_chance(void **state)
{
	unsigned hits = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 14, 0);
	for (int i = 0; i < 100000; i++) {
		assert_false(rng_chance(&r, 0));
		assert_false(rng_chance(&r, -0.5));
		assert_true(rng_chance(&r, 1));
		assert_true(rng_chance(&r, 1.5));
		hits += (unsigned)rng_chance(&r, 0.01);
	}
	assert_in_range(hits, 1000 - 190, 1000 + 190); /* standard deviation 31 */
}

/* Appendix A of the paper: key 00..0f, message 00..0e. */
static void
test_siphash_paper(void **state)
{
	uint8_t key[16], message[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = message[i] = i;
	assert_true(siphash24(key, message, 15) == UINT64_C(0xa129ca6149be45e5));
	assert_true(siphash24(key, message, 0) == UINT64_C(0x726fdb47dd0e0e31));
	/* The same bytes elsewhere. */
	memmove(message + 1, message, 15);
	assert_true(siphash24(key, message + 1, 15) == UINT64_C(0xa129ca6149be45e5));
}

/* Each bit of key, message and length counts; an exact-size block shows reading past the end. */
static void
test_siphash_sensitivity(void **state)
{
	uint8_t key[16] = {0};

	(void)state;
	for (size_t len = 1; len <= 24; len++) {
		uint8_t *message = calloc(1, len);
		uint64_t base;

		assert_non_null(message);
		base = siphash24(key, message, len);
		assert_true(base != siphash24(key, message, len - 1));
		for (size_t bit = 0; bit < 8 * len; bit++) {
			message[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(siphash24(key, message, len) != base);
			message[bit / 8] = 0;
		}
		for (size_t bit = 0; bit < 128; bit++) {
			key[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(siphash24(key, message, len) != base);
			key[bit / 8] = 0;
		}
		free(message);
	}
}

static void
test_secret(void **state)
{
	uint8_t a[16] = {0}, b[16] = {0};

	(void)state;
	rng_secret(a);
	rng_secret(b);
	assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xoshiro_reference),
	    cmocka_unit_test(test_seed_is_stable),
	    cmocka_unit_test(test_streams_differ),
	    cmocka_unit_test(test_streams_are_unrelated),
	    cmocka_unit_test(test_below_small),
	    cmocka_unit_test(test_below_has_no_bias),
	    cmocka_unit_test(test_below_large),
	    cmocka_unit_test(test_unit),
	    cmocka_unit_test(test_exp),
	    cmocka_unit_test(test_chance_draws_one),
	    cmocka_unit_test(test_chance),
	    cmocka_unit_test(test_siphash_paper),
	    cmocka_unit_test(test_siphash_sensitivity),
	    cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
