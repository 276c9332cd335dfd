/* test_hist.c - base/hist.h: buckets against a naive model, quantiles against sorted arrays. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <math.h>

#include "base/hist.h"
#include "base/rng.h"

enum { N_VALUES = 1000000 };

static struct hist h, part, whole; /* too large for a stack */

/* The bucket of v by its definition: the last one whose lower end is not above v. */
static unsigned
bucket_by_search(uint64_t v)
{
	unsigned low = 0, high = HIST_BUCKETS;

	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (hist_bucket_low(middle) <= v)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void
check_bucket(uint64_t v)
{
	unsigned want = bucket_by_search(v);
	uint64_t top = hist_bucket_low(want + 1) - 1;

	assert_int_equal(h.count[want], 0);
	hist_record(&h, v);
	assert_int_equal(h.count[want], 1);
	h.count[want] = 0;
	/* The error of the value that stands for the bucket: at most 1/2048. */
	assert_true(top >= v && (top - v) <= v / 2048);
}

static void
test_bucket_bounds(void **state)
{
	(void)state;
	assert_int_equal(hist_bucket_low(0), 0);
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		assert_true(hist_bucket_low(i) < hist_bucket_low(i + 1));
	assert_true(hist_bucket_low(HIST_BUCKETS) == HIST_MAX + 1);
}

static void
test_bucket_of(void **state)
{
	struct rng r;

	(void)state;
	hist_reset(&h);
	rng_seed(&r, 2, 0);
	for (uint64_t v = 0; v < 20000; v++)
		check_bucket(v);
	for (unsigned bit = 1; bit < HIST_TOP_BIT; bit++)
		for (uint64_t d = 0; d < 3; d++)
			check_bucket((UINT64_C(1) << bit) + d - 1);
	for (int i = 0; i < 100000; i++)
		check_bucket(rng_u64(&r) >> (64 - HIST_TOP_BIT + rng_below(&r, HIST_TOP_BIT)));
	check_bucket(HIST_MAX);
	assert_int_equal(h.clamped, 0);
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest value with at least `ratio` of all at or below it, without floating point trouble:
 * ratio is given in 1/100000. */
static uint64_t
exact_quantile(const uint64_t *sorted, uint64_t n, uint64_t ratio)
{
	uint64_t rank = (ratio * n + 99999) / 100000;

	return sorted[rank ? rank - 1 : 0];
}

static void
check_quantiles(uint64_t *values, uint64_t n)
{
	static const uint64_t ratios[] = {0,	 1,	100,   1000,  7000,  10000,
					  25000, 29000, 50000, 57000, 75000, 90000,
					  95000, 99000, 99900, 99990, 99999, 100000};

	hist_reset(&h);
	for (uint64_t i = 0; i < n; i++)
		hist_record(&h, values[i]);
	qsort(values, n, sizeof(*values), compare_u64);
	assert_true(h.min == values[0] && h.max == values[n - 1]);
	for (size_t i = 0; i < N_OF(ratios); i++) {
		uint64_t want = exact_quantile(values, n, ratios[i]);
		uint64_t got = hist_quantile(&h, (double)ratios[i] / 100000);

		assert_true(got >= want && got - want <= want / 2048);
	}
	assert_true(hist_quantile(&h, 1) == values[n - 1]);
}

static uint64_t
draw_uniform(struct rng *r)
{
	return rng_below(r, 1000000);
}

static uint64_t
draw_exponential(struct rng *r)
{
	return (uint64_t)rng_exp(r, 250000);
}

static uint64_t
draw_all_magnitudes(struct rng *r)
{
	return rng_u64(r) >> (64 - HIST_TOP_BIT + rng_below(r, HIST_TOP_BIT));
}

static void
test_quantiles_of_a_million(void **state)
{
	uint64_t (*const draw[])(struct rng *) = {draw_uniform, draw_exponential,
						  draw_all_magnitudes};
	uint64_t *values = malloc(N_VALUES * sizeof(*values));
	struct rng r;

	(void)state;
	assert_non_null(values);
	for (size_t d = 0; d < N_OF(draw); d++) {
		rng_seed(&r, 3, d);
		for (int i = 0; i < N_VALUES; i++)
			values[i] = draw[d](&r);
		check_quantiles(values, N_VALUES);
	}
	free(values);
}

/* Small sets are where ranks go wrong: 0.07 * 100 is not 7 in floating point. */
static void
test_quantiles_of_few(void **state)
{
	uint64_t values[200];

	(void)state;
	for (uint64_t n = 1; n <= N_OF(values); n++) {
		for (uint64_t i = 0; i < n; i++)
			values[i] = i + 1;
		check_quantiles(values, n);
	}
	hist_reset(&h);
	for (uint64_t v = 1; v <= 100; v++)
		hist_record(&h, v);
	for (int p = 1; p <= 100; p++)
		assert_int_equal(hist_quantile(&h, p / 100.0), p);
}

static void
test_odd_ratios(void **state)
{
	(void)state;
	hist_reset(&h);
	hist_record(&h, 5);
	hist_record(&h, 9);
	assert_int_equal(hist_quantile(&h, -1), 5);
	assert_int_equal(hist_quantile(&h, NAN), 5);
	assert_int_equal(hist_quantile(&h, 2), 9);
}

static void
test_empty(void **state)
{
	(void)state;
	memset(&h, 0xff, sizeof(h));
	hist_reset(&h);
	assert_true(hist_quantile(&h, 0.5) == UINT64_MAX);
	assert_true(isnan(hist_mean(&h)));
	assert_true(h.min == UINT64_MAX && h.max == 0);
	hist_record_n(&h, 7, 0);
	assert_true(h.total == 0 && h.min == UINT64_MAX && h.max == 0);
}

static void
test_merge_is_union(void **state)
{
	struct rng r;

	(void)state;
	for (unsigned shares = 1; shares <= 4; shares++) {
		hist_reset(&h);
		hist_reset(&whole);
		rng_seed(&r, 4, shares);
		for (unsigned s = 0; s < shares; s++) {
			hist_reset(&part);
			/* The last share stays empty, the first reaches past the end. */
			for (unsigned i = 0; i < 10000 * (shares - 1 - s); i++) {
				uint64_t v = draw_all_magnitudes(&r) << (s == 0);

				hist_record(&part, v);
				hist_record(&whole, v);
			}
			hist_merge(&h, &part);
		}
		assert_true(fabs(h.sum - whole.sum) <= whole.sum * 1e-12);
		h.sum = whole.sum;
		assert_memory_equal(&h, &whole, sizeof(h));
	}
}

static void
test_record_n(void **state)
{
	(void)state;
	hist_reset(&h);
	hist_reset(&whole);
	for (int i = 0; i < 1000; i++)
		hist_record(&whole, 123456);
	hist_record_n(&h, 123456, 1000);
	assert_memory_equal(&h, &whole, sizeof(h));
	assert_true(hist_mean(&h) == 123456);
}

static void
test_clamped(void **state)
{
	(void)state;
	hist_reset(&h);
	hist_record(&h, 10);
	hist_record(&h, HIST_MAX);
	assert_int_equal(h.clamped, 0);
	hist_record_n(&h, HIST_MAX + 1, 2);
	hist_record(&h, UINT64_C(1) << 50);
	assert_int_equal(h.clamped, 3);
	assert_true(h.max == UINT64_C(1) << 50);
	assert_int_equal(h.count[HIST_BUCKETS - 1], 4);
	assert_int_equal(hist_quantile(&h, 0.2), 10);
	/* Where it is not known, the answer is not too small. */
	assert_true(hist_quantile(&h, 0.9) == UINT64_C(1) << 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bucket_bounds),
	    cmocka_unit_test(test_bucket_of),
	    cmocka_unit_test(test_quantiles_of_a_million),
	    cmocka_unit_test(test_quantiles_of_few),
	    cmocka_unit_test(test_odd_ratios),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_merge_is_union),
	    cmocka_unit_test(test_record_n),
	    cmocka_unit_test(test_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
