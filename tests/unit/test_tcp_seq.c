/* test_tcp_seq.c - tcp/seq.h: comparison modulo 2^32 (RFC 9293 3.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp/seq.h"

/* The definition: b is ahead of a by less than half the space. */
static bool
ahead(uint32_t a, uint32_t b)
{
	const uint32_t d = b - a;

	return d != 0 && d < UINT32_C(0x80000000);
}

static void
compare(uint32_t a, uint32_t b)
{
	const uint32_t d = b - a;

	if (d == UINT32_C(0x80000000))
		return; /* neither is ahead: RFC 9293 has no such case, a window is below 2^30 */
	assert_int_equal(seq_lt(a, b), ahead(a, b));
	assert_int_equal(seq_gt(a, b), ahead(b, a));
	assert_int_equal(seq_leq(a, b), ahead(a, b) || a == b);
	assert_int_equal(seq_geq(a, b), ahead(b, a) || a == b);
	assert_int_equal(seq_max(a, b), ahead(a, b) ? b : a);
	assert_int_equal(seq_min(a, b), ahead(a, b) ? a : b);
}

static const uint32_t edges[] = {0,
				 UINT32_C(0x40000000),
				 UINT32_C(0x7fffffff),
				 UINT32_C(0x80000000),
				 UINT32_C(0xc0000000),
				 UINT32_MAX};

/* Every pair within 256 of an edge on either side. */
static void
test_exhaustive_near_edges(void **state)
{
	(void)state;
	for (size_t e = 0; e < N_OF(edges); e++)
		for (size_t g = 0; g < N_OF(edges); g++)
			for (uint32_t i = 0; i < 512; i += e == g ? 1 : 7)
				for (uint32_t j = 0; j < 512; j += e == g ? 1 : 7)
					compare(edges[e] - 256 + i, edges[g] - 256 + j);
}

static void
test_largest_windows(void **state)
{
	const uint32_t window = UINT32_C(65535) << 14; /* RFC 7323 2.2: the largest there is */

	(void)state;
	for (uint32_t a = 0; a < 64; a++) {
		const uint32_t left = a * UINT32_C(0x04000000) - 3;

		assert_true(seq_lt(left, left + window));
		assert_true(seq_gt(left, left - window));
		assert_true(seq_leq(left, left + window) && !seq_geq(left, left + window));
	}
}

/* An order along the stream, across the wrap: what is sent later is greater. */
static void
test_transitive_along_a_stream(void **state)
{
	uint32_t una = UINT32_MAX - 100000;

	(void)state;
	for (unsigned i = 0; i < 200000; i++, una++) {
		assert_true(seq_lt(una, una + 1));
		assert_true(seq_lt(una, una + 65535) && seq_lt(una + 1, una + 65535));
		assert_int_equal(seq_max(una, una + 65535), una + 65535);
		assert_int_equal(seq_min(una, una + 65535), una);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exhaustive_near_edges),
	    cmocka_unit_test(test_largest_windows),
	    cmocka_unit_test(test_transitive_along_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
