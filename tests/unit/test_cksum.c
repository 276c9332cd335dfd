/* test_cksum.c - the Internet checksum against one that adds octet by octet, and RFC 1071's example. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "guard.h"
#include "wire/cksum.h"

/* As RFC 1071 1 says it in words: 16-bit words, end-around carry, a last odd octet padded with zero. */
static uint16_t
naive(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		while (sum > 0xffff)
			sum = sum - 0x10000 + 1;
	}
	return (uint16_t)~sum;
}

static void
fill(struct rng *r, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u64(r);
}

static void
test_rfc_1071_example(void **state)
{
	static const uint8_t octets[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal((uint16_t)~cksum_fold(cksum_partial(octets, 8, 0)), 0xddf2);
}

static void
test_extremes(void **state)
{
	static uint8_t ones[65535], zeros[65535];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(cksum_partial(NULL, 0, 0), 0);
	assert_int_equal(cksum_fold(cksum_partial(zeros, sizeof(zeros), 0)), 0xffff);
	assert_int_equal(cksum_fold(cksum_partial(ones, sizeof(ones) - 1, 0)), 0);
	assert_int_equal(cksum_fold(cksum_partial(ones, sizeof(ones), 0)), naive(ones, 65535, 0));
	assert_int_equal(cksum_fold(UINT32_MAX), 0);
	/* A partial sum is small however long the data: thousands of them may be added. */
	assert_true(cksum_partial(ones, sizeof(ones), 0) <= 0xffff);
}

/* Every length and every alignment, up to the guard page. */
static void
test_lengths(void **state)
{
	enum { LONGEST = 300 };
	uint8_t *end = guard_alloc(LONGEST) + LONGEST;
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 1);
	fill(&r, end - LONGEST, LONGEST);
	for (size_t len = 0; len <= LONGEST; len++)
		assert_int_equal(cksum_fold(cksum_partial(end - len, len, 0)),
				 naive(end - len, len, 0));
	for (size_t skip = 1; skip < 32; skip++)
		assert_int_equal(cksum_fold(cksum_partial(end - LONGEST, LONGEST - skip, 0)),
				 naive(end - LONGEST, LONGEST - skip, 0));
	guard_free(end - LONGEST, LONGEST);
}

static void
test_random(void **state)
{
	uint8_t data[1600];
	struct rng r;

	(void)state;
	rng_seed(&r, 2, 1);
	fill(&r, data, sizeof(data));
	for (unsigned i = 0; i < 65536; i++) {
		size_t off = rng_below(&r, 64), len = rng_below(&r, sizeof(data) - off);
		uint32_t sum = (uint32_t)rng_below(&r, 0x10000);

		data[rng_below(&r, sizeof(data))] = (uint8_t)rng_u64(&r);
		assert_int_equal(cksum_fold(cksum_partial(data + off, len, sum)),
				 naive(data + off, len, sum));
	}
}

/* Parts of even length may be summed apart. */
static void
test_parts(void **state)
{
	uint8_t data[256];
	struct rng r;

	(void)state;
	rng_seed(&r, 3, 1);
	fill(&r, data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut += 2) {
		uint32_t head = cksum_partial(data, cut, 0);
		uint32_t tail = cksum_partial(data + cut, sizeof(data) - cut, 0);

		assert_int_equal(cksum_fold(head + tail), naive(data, sizeof(data), 0));
	}
}

static void
test_pseudo(void **state)
{
	static const uint8_t octets[] = {192, 0, 2, 1, 198, 51, 100, 255, 0, 6, 0xff, 0xfe};

	(void)state;
	assert_int_equal(cksum_fold(cksum_pseudo(0xc0000201, 0xc63364ff, 6, 0xfffe)),
			 naive(octets, sizeof(octets), 0));
}

/* The field after a word changed, against the field computed anew. */
static void
test_update(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 4, 1);
	for (unsigned i = 0; i < 65536; i++) {
		uint8_t h[20];
		size_t at = 2 * rng_below(&r, 10);
		uint16_t old_word, new_word, before;

		fill(&r, h, sizeof(h));
		h[(at + 2) % 20] |= 1; /* all zero has two sums: not a header that exists */
		before = naive(h, sizeof(h), 0);
		old_word = (uint16_t)(h[at] << 8 | h[at + 1]);
		new_word = i % 3 == 0 ? 0 : i % 3 == 1 ? 0xffff : (uint16_t)rng_u64(&r);
		h[at] = (uint8_t)(new_word >> 8);
		h[at + 1] = (uint8_t)new_word;
		assert_int_equal(cksum_update(before, old_word, new_word), naive(h, sizeof(h), 0));
	}
}

/* RFC 1624 4: where the older equation gives 0xffff for a header whose sum is 0. */
static void
test_update_rfc_1624_example(void **state)
{
	(void)state;
	assert_int_equal(cksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rfc_1071_example),
	    cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_pseudo),
	    cmocka_unit_test(test_update),
	    cmocka_unit_test(test_update_rfc_1624_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
