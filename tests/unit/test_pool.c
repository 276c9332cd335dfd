/* test_pool.c - base/pool.h against a model: unique handles, contents kept, memory left alone. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/pool.h"
#include "base/rng.h"

enum { SIZE = 12, MAX = 1000 };

struct fixture {
	struct pool pool;
	uint8_t *mem; /* exactly what the pool needs, so that a sanitizer sees one byte too many */
};

static int
setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	f->mem = malloc((size_t)SIZE * MAX);
	memset(f->mem, 0xaa, (size_t)SIZE * MAX);
	pool_init(&f->pool, f->mem, SIZE, MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	free(f->mem);
	free(f);
	return 0;
}

static void
test_exhaustion_is_counted(void **state)
{
	struct pool *p = &((struct fixture *)*state)->pool;

	for (uint32_t i = 0; i < MAX; i++)
		assert_int_equal(pool_get(p), i);
	assert_int_equal(pool_get(p), POOL_NONE);
	assert_int_equal(pool_get(p), POOL_NONE);
	assert_int_equal(p->exhausted, 2);
	assert_int_equal(p->in_use, MAX);
	assert_int_equal(p->peak, MAX);
	pool_put(p, 17);
	assert_int_equal(pool_get(p), 17);
	assert_int_equal(pool_get(p), POOL_NONE);
	assert_int_equal(p->exhausted, 3);
}

static void
test_last_in_first_out(void **state)
{
	struct pool *p = &((struct fixture *)*state)->pool;

	for (int i = 0; i < 10; i++)
		pool_get(p);
	pool_put(p, 3);
	pool_put(p, 7);
	pool_put(p, 5);
	assert_int_equal(pool_get(p), 5);
	assert_int_equal(pool_get(p), 7);
	assert_int_equal(pool_get(p), 3);
	assert_int_equal(pool_get(p), 10);
	assert_int_equal(p->peak, 11);
}

/* An object costs memory only once it is used: nothing beyond the peak is written, ever. */
static void
test_fresh_memory_is_untouched(void **state)
{
	struct fixture *f = *state;
	struct rng r;

	rng_seed(&r, 1, 0);
	for (int i = 0; i < 10000; i++) {
		uint32_t h = pool_get(&f->pool), other = pool_get(&f->pool);

		pool_put(&f->pool, rng_chance(&r, 0.5) ? h : other);
		if (f->pool.in_use > MAX / 2)
			break;
	}
	for (size_t i = (size_t)f->pool.fresh * SIZE; i < (size_t)SIZE * MAX; i++)
		assert_int_equal(f->mem[i], 0xaa);
	assert_int_equal(f->pool.fresh, f->pool.peak);
}

static void
test_one_object(void **state)
{
	uint32_t cell;
	struct pool p;

	(void)state;
	pool_init(&p, &cell, sizeof(cell), 1);
	assert_int_equal(pool_get(&p), 0);
	assert_ptr_equal(pool_at(&p, 0), &cell);
	assert_int_equal(pool_get(&p), POOL_NONE);
	pool_put(&p, 0);
	assert_int_equal(pool_get(&p), 0);
	pool_init(&p, NULL, 4, 0);
	assert_int_equal(pool_get(&p), POOL_NONE);
}

static void
test_model(void **state)
{
	struct fixture *f = *state;
	struct pool *p = &f->pool;
	static uint64_t content[MAX];
	static bool used[MAX];
	uint32_t in_use = 0;
	struct rng r;

	rng_seed(&r, 2, 0);
	memset(used, 0, sizeof(used));
	for (int i = 0; i < 1000000; i++) {
		uint32_t h = (uint32_t)rng_below(&r, MAX);

		/* Drifts between empty and full. */
		if (rng_chance(&r, i >> 14 & 1 ? 0.4 : 0.6)) {
			h = pool_get(p);
			assert_int_equal(h == POOL_NONE, in_use == MAX);
			if (h == POOL_NONE)
				continue;
			assert_true(h < MAX && !used[h]);
			used[h] = true;
			in_use++;
			content[h] = rng_u64(&r);
			memcpy((uint8_t *)pool_at(p, h) + SIZE - 8, &content[h], 8);
		} else if (used[h]) {
			assert_memory_equal((uint8_t *)pool_at(p, h) + SIZE - 8, &content[h], 8);
			pool_put(p, h);
			used[h] = false;
			in_use--;
		}
		assert_int_equal(p->in_use, in_use);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_exhaustion_is_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_last_in_first_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fresh_memory_is_untouched, setup, teardown),
	    cmocka_unit_test(test_one_object),
	    cmocka_unit_test_setup_teardown(test_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
