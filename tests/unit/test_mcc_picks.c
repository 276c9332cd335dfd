/* test_mcc_picks.c - requests among the messages of a burst: exact, spread, and the same for the same seed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcc/picks.h"

enum { MAX_PLACES = 4096 };

static unsigned
count_burst(struct picks *p, uint64_t stream, uint32_t n, uint32_t ppb, uint8_t *map)
{
	unsigned requests = 0;

	picks_begin(p, 1, stream, n, ppb);
	for (uint32_t i = 0; i < n; i++) {
		const bool request = picks_is_request(p, i);

		requests += request;
		if (map)
			map[i] = request;
	}
	return requests;
}

/* After any number of bursts: floor(messages * ratio), neither more nor less. */
static void
the_count_is_exact_after_every_burst(void **state)
{
	static const uint32_t ratios[] = {0,	     1,		50000000,  70000000,
					  290000000, 333333333, 500000000, 666666667,
					  950000000, 999999999, 1000000000};
	static const uint32_t sizes[] = {1, 2, 3, 7, 20, 100, 1666, 4096};

	(void)state;
	for (unsigned r = 0; r < sizeof(ratios) / sizeof(*ratios); r++) {
		for (unsigned k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
			struct picks p = {0};
			uint64_t messages = 0, requests = 0;

			for (uint64_t b = 0; b < 200; b++) {
				requests += count_burst(&p, b, sizes[k], ratios[r], NULL);
				messages += sizes[k];
				if (requests != messages * ratios[r] / PICKS_ONE)
					fail_msg("ratio %u ppb, %u places, burst %u", ratios[r],
						 sizes[k], (unsigned)b);
			}
		}
	}
}

/* Between any two stretches of a burst the number of requests differs by two at most. */
static void
requests_are_spread_over_the_burst(void **state)
{
	uint8_t map[MAX_PLACES];

	(void)state;
	for (uint32_t n = 100; n <= MAX_PLACES; n += 333) {
		struct picks p = {0};
		const unsigned q = count_burst(&p, n, n, 50000000, map);

		assert_int_equal(q, n / 20);
		for (unsigned part = 0; part < 4; part++) {
			unsigned here = 0;

			for (uint32_t i = n * part / 4; i < n * (part + 1) / 4; i++)
				here += map[i];
			if (here + 2 < q / 4 || here > q / 4 + 2)
				fail_msg("%u of %u requests in quarter %u of %u places", here, q,
					 part, n);
		}
	}
}

/* 20,000 bursts of 20 places with one request each: every place is drawn about 1,000 times. */
static void
every_place_is_as_likely(void **state)
{
	unsigned drawn[20] = {0};
	struct picks p = {0};
	uint8_t map[20];

	(void)state;
	for (unsigned b = 0; b < 20000; b++) {
		assert_int_equal(count_burst(&p, b, 20, 50000000, map), 1);
		for (unsigned i = 0; i < 20; i++)
			drawn[i] += map[i];
	}
	for (unsigned i = 0; i < 20; i++)
		assert_in_range(drawn[i], 850, 1150); /* 1000 +- 5 sigma */
}

static void
the_same_seed_draws_the_same(void **state)
{
	uint8_t a[1000], b[1000], c[1000];
	struct picks p = {0};

	(void)state;
	count_burst(&p, 7, 1000, 100000000, a);
	count_burst(&p, 7, 1000, 100000000, b);
	count_burst(&p, 8, 1000, 100000000, c);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
}

/* A shard asks only about its own places; the shards together see each request once. */
static void
places_may_be_left_out(void **state)
{
	uint8_t whole[1000];
	struct picks p = {0};

	(void)state;
	for (unsigned shards = 1; shards < 7; shards++) {
		uint8_t parts[1000] = {0};

		count_burst(&p, 3, 1000, 130000000, whole);
		for (unsigned s = 0; s < shards; s++) {
			picks_begin(&p, 1, 3, 1000, 130000000);
			for (uint32_t i = s; i < 1000; i += shards)
				parts[i] = picks_is_request(&p, i);
		}
		assert_memory_equal(parts, whole, sizeof(parts));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_count_is_exact_after_every_burst),
	    cmocka_unit_test(requests_are_spread_over_the_burst),
	    cmocka_unit_test(every_place_is_as_likely),
	    cmocka_unit_test(the_same_seed_draws_the_same),
	    cmocka_unit_test(places_may_be_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
