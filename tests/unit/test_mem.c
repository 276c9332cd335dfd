/* test_mem.c - base/mem.h: reserved memory costs nothing until it is touched. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"

static const size_t mib = 1 << 20;

static void
test_reserve_is_lazy(void **state)
{
	uint64_t before = mem_resident(), after;
	uint8_t *p = mem_reserve(4096 * mib);

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % (2 * mib), 0);
	assert_true(mem_resident() - before < 2 * mib);
	for (size_t i = 0; i < 16 * mib; i += 4096) {
		assert_int_equal(p[i], 0);
		p[i] = 1;
	}
	p[4096 * mib - 1] = 1;
	after = mem_resident();
	assert_in_range(after - before, 15 * mib, 22 * mib);
	mem_release(p, 4096 * mib);
	assert_true(mem_resident() < after - 14 * mib);
}

/* All of it is given back: the whole range can be mapped anew, and nothing beside it was touched. */
static void
test_release_frees_the_range(void **state)
{
	static const size_t sizes[] = {1, 4096, 2 << 20, (2 << 20) + 1, 7 << 20};

	(void)state;
	for (size_t i = 0; i < N_OF(sizes); i++) {
		size_t whole = (sizes[i] + 2 * mib - 1) / (2 * mib) * (2 * mib);
		uint8_t *p = mem_reserve(sizes[i]);
		void *again;

		assert_non_null(p);
		p[0] = p[sizes[i] - 1] = 1;
		mem_release(p, sizes[i]);
		again = mmap(p, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			     -1, 0);
		assert_ptr_equal(again, p);
		munmap(again, whole);
	}
	mem_release(NULL, 1);
}

static void
test_refusals(void **state)
{
	(void)state;
	errno = 0;
	assert_null(mem_reserve(0));
	assert_int_equal(errno, EINVAL);
	for (size_t less = 0; less < 6 * mib; less += mib) {
		errno = 0;
		assert_null(mem_reserve(SIZE_MAX - less));
		assert_int_equal(errno, ENOMEM);
	}
}

static void
test_figures_are_plausible(void **state)
{
	(void)state;
	assert_in_range(mem_resident(), 100 << 10, UINT64_C(1) << 40);
	assert_in_range(mem_available(), mib, UINT64_C(1) << 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reserve_is_lazy),
	    cmocka_unit_test(test_release_frees_the_range),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_figures_are_plausible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
