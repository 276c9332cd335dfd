/* test_lshaper_impair.c - loss statistics, exact delay and determinism of the impairment models. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lshaper/impair.h"

enum { SEEDS = 20, PACKETS = 2700000 };

static struct impair
model(double drop, uint64_t delay_ns, uint64_t seed, unsigned direction)
{
	struct impair m;

	impair_init(&m, &(struct impair_conf){.delay_ns = delay_ns, .drop = drop}, seed, direction);
	return m;
}

static int
is_lost(struct impair *m)
{
	return impair_frame(m, 0).fate == IMPAIR_LOST;
}

static double
loss_ratio(double drop, uint64_t seed, unsigned n)
{
	struct impair m = model(drop, 0, seed, 0);
	unsigned lost = 0;

	for (unsigned i = 0; i < n; i++)
		lost += (unsigned)is_lost(&m);
	return (double)lost / n;
}

/* The value that chi-squared with df degrees exceeds once in 1000 (Wilson, Hilferty 1931). */
static double
chi2_critical(unsigned df)
{
	double k = 2.0 / (9.0 * df);

	return df * pow(1 - k + 3.0902 * sqrt(k), 3);
}

static void
test_loss_rate(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		assert_true(fabs(loss_ratio(0.01, seed, PACKETS) / 0.01 - 1) < 0.02);
}

static void
test_rare_loss_rate(void **state)
{
	(void)state;
	assert_true(fabs(loss_ratio(0.001, 3, 10000000) / 0.001 - 1) < 0.05);
}

static void
test_loss_none_and_all(void **state)
{
	(void)state;
	assert_true(loss_ratio(0, 1, 100000) == 0);
	assert_true(loss_ratio(1, 1, 100000) == 1);
}

/* Lengths of runs of frames of one fate, in bins 1..BINS-1 and longer. */
enum { BINS = 1000 };

static unsigned
run_lengths(struct impair *m, int fate, unsigned n, unsigned *bin)
{
	unsigned runs = 0, len = 0;

	for (unsigned i = 0; i < n; i++) {
		if (is_lost(m) == fate) {
			len++;
		} else if (len) {
			bin[len < BINS ? len : BINS]++;
			runs++;
			len = 0;
		}
	}
	return runs;
}

/* Geometric: P(length = k) = q^(k-1) (1 - q), q the chance that a run goes on. */
static void
assert_geometric(const unsigned *bin, unsigned runs, double q)
{
	double chi2 = 0, left = runs;
	unsigned df = 0, seen = 0, k;

	for (k = 1; k < BINS && left * q >= 20; k++, df++) {
		double expected = left * (1 - q);

		chi2 += (bin[k] - expected) * (bin[k] - expected) / expected;
		seen += bin[k];
		left -= expected;
	}
	chi2 += (runs - seen - left) * (runs - seen - left) / left;
	assert_true(df > 3);
	assert_true(chi2 < chi2_critical(df));
}

static void
test_run_lengths(void **state)
{
	static unsigned bin[BINS + 1];
	static const double drops[] = {0.01, 0.1, 0.3};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (int fate = 0; fate <= 1; fate++) {
			struct impair m = model(drops[i], 0, 7, 0);
			double q = fate ? drops[i] : 1 - drops[i];

			for (unsigned k = 0; k <= BINS; k++)
				bin[k] = 0;
			if (q < 0.05) /* too few bins for a test: nearly all runs are of one */
				continue;
			assert_geometric(bin, run_lengths(&m, fate, PACKETS, bin), q);
		}
	}
}

/* Correlation of two 0/1 series with mean p, as a multiple of its standard error. */
static double
z_score(double both, double p, double n)
{
	return (both / n - p * p) / (p * (1 - p)) * sqrt(n);
}

static void
test_loss_has_no_lag_correlation(void **state)
{
	enum { LAGS = 20, N = 1000000 };
	static uint8_t lost[N];
	const double p = 0.1;
	struct impair m = model(p, 0, 11, 0);

	(void)state;
	for (unsigned i = 0; i < N; i++)
		lost[i] = (uint8_t)is_lost(&m);
	for (unsigned lag = 1; lag <= LAGS; lag++) {
		unsigned both = 0;

		for (unsigned i = lag; i < N; i++)
			both += lost[i] & lost[i - lag];
		assert_true(fabs(z_score(both, p, N - lag)) < 4);
	}
}

static void
test_directions_are_independent(void **state)
{
	const double p = 0.1;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct impair ab = model(p, 0, seed, 0), ba = model(p, 0, seed, 1);
		unsigned both = 0;

		for (unsigned i = 0; i < 500000; i++)
			both += (unsigned)(is_lost(&ab) & is_lost(&ba));
		assert_true(fabs(z_score(both, p, 500000)) < 4);
	}
}

static unsigned
differences(struct impair a, struct impair b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 10000; i++)
		n += is_lost(&a) != is_lost(&b);
	return n;
}

static void
test_seed_decides(void **state)
{
	(void)state;
	assert_int_equal(differences(model(0.5, 0, 1, 0), model(0.5, 0, 1, 0)), 0);
	assert_in_range(differences(model(0.5, 0, 1, 0), model(0.5, 0, 2, 0)), 4800, 5200);
	assert_in_range(differences(model(0.5, 0, 1, 0), model(0.5, 0, 1, 1)), 4800, 5200);
}

/* A frame's fate depends on its number: not on the delay, not on when it comes. */
static void
test_fate_by_number(void **state)
{
	struct impair a = model(0.3, 0, 5, 0), b = model(0.3, 50000000, 5, 0);

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		assert_int_equal(impair_frame(&a, i).fate, impair_frame(&b, i * i).fate);
}

static void
test_delay_is_exact(void **state)
{
	struct impair m = model(0, 50000001, 1, 0);
	static const uint64_t times[] = {0, 1, 999999999, UINT64_C(1) << 62};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct impair_verdict v = impair_frame(&m, times[i]);

		assert_int_equal(v.fate, IMPAIR_PASS);
		assert_true(v.depart_ns == times[i] + 50000001);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_loss_rate),
	    cmocka_unit_test(test_rare_loss_rate),
	    cmocka_unit_test(test_loss_none_and_all),
	    cmocka_unit_test(test_run_lengths),
	    cmocka_unit_test(test_loss_has_no_lag_correlation),
	    cmocka_unit_test(test_directions_are_independent),
	    cmocka_unit_test(test_seed_decides),
	    cmocka_unit_test(test_fate_by_number),
	    cmocka_unit_test(test_delay_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
