/* test_qstackd_store.c - the built-in store against a plain array. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "qstackd/store.h"

enum { IDS = 1000 };

static void
test_empty(void **state)
{
	struct store s;
	uint8_t v[STORE_VALUE_MAX];

	(void)state;
	assert_int_equal(store_init(&s, IDS), 0);
	assert_int_equal(store_get(&s, 1, 0, v), -1);
	assert_int_equal(store_get(&s, 2, IDS - 1, v), -1);
	store_set(&s, 1, 3, (const uint8_t *)"", 0);
	assert_int_equal(store_get(&s, 1, 3, v), 0);
	assert_int_equal(store_get(&s, 2, 3, v), -1);
	assert_int_equal(store_get(&s, 1, 4, v), -1);
	assert_int_equal(s.n_keys[0], 1);
	store_release(&s);
}

static void
test_model(void **state)
{
	static uint8_t model[STORE_DATABASES][IDS][STORE_VALUE_MAX];
	static int lens[STORE_DATABASES][IDS];
	struct store s;
	struct rng rng;

	(void)state;
	memset(lens, -1, sizeof(lens));
	assert_int_equal(store_init(&s, IDS), 0);
	rng_seed(&rng, 2, 0);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned d = (unsigned)rng_below(&rng, STORE_DATABASES);
		uint32_t id = (uint32_t)rng_below(&rng, IDS);
		uint8_t v[STORE_VALUE_MAX];

		if (rng_chance(&rng, 0.3)) {
			lens[d][id] = (int)rng_below(&rng, STORE_VALUE_MAX + 1);
			for (int j = 0; j < lens[d][id]; j++)
				model[d][id][j] = (uint8_t)rng_u64(&rng);
			store_set(&s, d + 1, id, model[d][id], (unsigned)lens[d][id]);
		}
		int len = store_get(&s, d + 1, id, v);

		assert_int_equal(len, lens[d][id]);
		if (len > 0)
			assert_memory_equal(v, model[d][id], (size_t)len);
	}
	store_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
